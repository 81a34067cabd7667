/*
 * An export that fails returns no token and leaves a context that works: expired contexts, and every way in which the store can be unusable.
 */
#include "support/hand.h"
#include "support/root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cmocka.h>

enum { NOBODY = 65534, MINOR_STORE = 1927964672, STORE_FULL = 19, STORE_MISSING, STORE_OWNER, STORE_MODE };

static const struct setup usual = { .service = "host", .flags = MUTUAL | REPLAY | SEQUENCE | CONF | INTEG };

/* Export must fail and say why: no token, the handle is kept. */
static void
assert_no_export(struct peer *p, uint32_t ctx, uint32_t major, uint32_t minor)
{
	struct blob token;

	if (peer_call(p, PEER_EXPORT, "u", ctx) != major || (minor != 0 && p->minor != minor))
		fail_msg("expected %08x/%u: %s", major, minor, status_text(p));
	token = peer_blob(p);
	assert_int_equal(token.len, 0);
	assert_int_equal(peer_u32(p), false);
}

static void
an_expired_context(void **state)
{
	struct peer *mit = peer_start("mit", NULL), *front = peer_start("baton", NULL), *worker = peer_start("baton", NULL);
	struct ends e;
	uint32_t lifetime;

	(void)state;
	for (int role = 0; role < 2; role++) {
		uint32_t ctx;

		ends_make(&e, &usual, role ? mit : front, role ? front : mit);
		ctx = role ? e.ctx_a : e.ctx_i;
		assert_int_equal(peer_call(front, PEER_TIME, "u", ctx), COMPLETE);
		lifetime = peer_u32(front);
		assert_int_equal(peer_call(front, PEER_CLOCK, "u", lifetime + 5), 0);
		assert_no_export(front, ctx, CONTEXT_EXPIRED, 0);
		assert_no_export(front, ctx, CONTEXT_EXPIRED, 0);
		/* Untouched: it can be asked, and when the clock is right again it works and can be exported. */
		assert_int_equal(peer_call(front, PEER_INQUIRE, "u", ctx), COMPLETE);
		assert_int_equal(peer_call(front, PEER_CLOCK, "u", 0u), 0);
		ends_speak(&e);
		if (role)
			hand_over_acceptor(&e, worker);
		else
			hand_over_initiator(&e, worker);
		ends_speak(&e);
		ends_delete(&e);
	}
	peer_stop(mit);
	peer_stop(front);
	peer_stop(worker);
}

/* A context that expires while its token waits, by the wall clock alone. */
static void
an_expired_token(void **state)
{
	struct peer *mit = peer_start("mit", NULL), *front = peer_start("baton", NULL);
	struct ends e;
	struct blob token;

	(void)state;
	ends_make(&e, &usual, mit, front);
	token = hand_out(front, e.ctx_a);
	assert_int_equal(peer_call(front, PEER_CLOCK, "u", 7u * 24 * 3600), 0);
	assert_int_equal(hand_try(front, token), NO_CONTEXT);
	assert_int_equal(peer_call(front, PEER_CLOCK, "u", 0u), 0);
	e.ctx_a = hand_in(front, token);
	ends_speak(&e);
	ends_delete(&e);
	blob_drop(&token);
	peer_stop(mit);
	peer_stop(front);
}

static char ruined[512];

static void
make_missing(void)
{
	snprintf(ruined, sizeof(ruined), "%s/none/such", claims_dir());
}

static void
make_mode(void)
{
	snprintf(ruined, sizeof(ruined), "%s/mode", claims_dir());
	assert_int_equal(mkdir(ruined, 0700), 0);
	assert_int_equal(chmod(ruined, 0755), 0);
}

static void
repair_mode(void)
{
	assert_int_equal(chmod(ruined, 0700), 0);
}

static void
make_owner(void)
{
	snprintf(ruined, sizeof(ruined), "%s/owner", claims_dir());
	assert_int_equal(mkdir(ruined, 0700), 0);
	assert_int_equal(chown(ruined, NOBODY, NOBODY), 0);
}

static void
repair_owner(void)
{
	assert_int_equal(chown(ruined, geteuid(), getegid()), 0);
}

static void
make_link(void)
{
	char target[80];

	snprintf(ruined, sizeof(ruined), "%s/link", claims_dir());
	snprintf(target, sizeof(target), "%s/target", claims_dir());
	assert_int_equal(mkdir(target, 0700), 0);
	assert_int_equal(symlink(target, ruined), 0);
}

static void
make_file(void)
{
	FILE *f;

	snprintf(ruined, sizeof(ruined), "%s/file", claims_dir());
	f = fopen(ruined, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(chmod(ruined, 0700), 0);
}

static void
make_disk(void)
{
	const char *realm = getenv("BATON_REALM_DIR");
	struct statfs fs;

	assert_non_null(realm);
	snprintf(ruined, sizeof(ruined), "%s/disk", realm);
	(void)mkdir(ruined, 0700);
	/* Where everything is in memory, another file system that is no place for keys. */
	if (statfs(ruined, &fs) == 0 && fs.f_type == TMPFS_MAGIC)
		snprintf(ruined, sizeof(ruined), "/proc/self");
}

static void
remove_ruined(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s/claims", claims_dir(), name);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/%s", claims_dir(), name);
	if (unlink(path) != 0)
		(void)rmdir(path);
}

static void
an_unusable_store(void **state)
{
	static const struct {
		void (*ruin)(void), (*repair)(void);
		uint32_t minor; /* 0: any */
		bool needs_root;
	} ways[] = {
		{ make_missing, NULL, MINOR_STORE + STORE_MISSING, false }, { make_mode, repair_mode, MINOR_STORE + STORE_MODE, false },
		{ make_owner, repair_owner, MINOR_STORE + STORE_OWNER, true }, { make_link, NULL, 0, false },
		{ make_file, NULL, 0, false },				     { make_disk, NULL, 0, false },
	};
	struct peer *mit = peer_start("mit", NULL), *front;
	struct ends e;

	(void)state;
	for (size_t n = 0; n < sizeof(ways) / sizeof(*ways); n++) {
		if (ways[n].needs_root && !is_root())
			continue;
		ways[n].ruin();
		front = peer_start("baton", NULL);
		assert_int_equal(peer_call(front, PEER_SETENV, "ss", "BATON_CLAIM_DIR", ruined), 0);
		ends_make(&e, &usual, mit, front);
		for (int again = 0; again < 3; again++) {
			assert_no_export(front, e.ctx_a, FAILURE, ways[n].minor);
			ends_speak(&e);
		}
		if (ways[n].repair != NULL) {
			ways[n].repair();
			hand_over_acceptor(&e, front);
			ends_speak(&e);
		}
		ends_delete(&e);
		peer_stop(front);
	}
	peer_stop(mit);
	remove_ruined("mode");
	remove_ruined("owner");
	remove_ruined("link");
	remove_ruined("target");
	remove_ruined("file");
}

static void
no_descriptors(void **state)
{
	struct peer *mit = peer_start("mit", NULL), *front = peer_start("baton", NULL), *worker = peer_start("baton", NULL);
	struct ends e;
	struct blob token;

	(void)state;
	ends_make(&e, &usual, mit, front);
	assert_int_equal(peer_call(front, PEER_FILES, "u", 0u), 0);
	assert_no_export(front, e.ctx_a, FAILURE, 24 /* EMFILE */);
	ends_speak(&e);
	assert_int_equal(peer_call(front, PEER_FILES, "u", 100u), 0);
	token = hand_out(front, e.ctx_a);
	/* The importer too: the token is none the worse. */
	assert_int_equal(peer_call(worker, PEER_FILES, "u", 0u), 0);
	assert_int_equal(hand_try(worker, token), FAILURE);
	assert_int_equal(peer_call(worker, PEER_FILES, "u", 100u), 0);
	e.ctx_a = hand_in(worker, token);
	e.a = worker;
	ends_speak(&e);
	/* A process that has the store open needs no more descriptors. */
	assert_int_equal(peer_call(worker, PEER_FILES, "u", 0u), 0);
	hand_over_acceptor(&e, worker);
	ends_speak(&e);
	assert_int_equal(peer_call(worker, PEER_FILES, "u", 100u), 0);
	ends_delete(&e);
	blob_drop(&token);
	peer_stop(mit);
	peer_stop(front);
	peer_stop(worker);
}

/* doc/format/claims.md: a slot's state is the generation, a process, and 2 for a claim that waits. */
enum { NUM_SLOTS = 65536, SLOT_LEN = 64, USED_AT = 4096, SLOTS_AT = 12288, PRESENT_AT = 128, NUM_PAGES = 1024, WAITS = 2 };

/* Every slot of the store has a claim of somebody's, until the given boot time. */
static void
fill_store(int64_t expires_at)
{
	const uint64_t state = UINT64_C(1) << 40 | WAITS;
	uint8_t *slots = calloc(NUM_SLOTS, SLOT_LEN), ones[NUM_PAGES * 8];
	char path[512];
	int fd;

	assert_non_null(slots);
	memset(ones, 0xff, sizeof(ones));
	for (size_t n = 0; n < NUM_SLOTS; n++) {
		memcpy(slots + n * SLOT_LEN, &state, 8);
		memcpy(slots + n * SLOT_LEN + 8, &expires_at, 8);
	}
	snprintf(path, sizeof(path), "%s/claims", claims_dir());
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, slots, (size_t)NUM_SLOTS * SLOT_LEN, SLOTS_AT), NUM_SLOTS * SLOT_LEN);
	assert_int_equal(pwrite(fd, ones, sizeof(ones), USED_AT), sizeof(ones));
	assert_int_equal(pwrite(fd, ones, NUM_PAGES / 8, PRESENT_AT), NUM_PAGES / 8);
	close(fd);
	free(slots);
}

static void
a_full_store(void **state)
{
	struct peer *mit = peer_start("mit", NULL), *front = peer_start("baton", NULL), *worker = peer_start("baton", NULL);
	struct ends e, half;

	(void)state;
	ends_make(&e, &usual, mit, front);
	hand_over_acceptor(&e, worker);
	hand_over_acceptor(&e, front);
	ends_begin(&half, front, mit);
	assert_int_equal(step_init(&half, &usual), CONTINUE_NEEDED);
	fill_store(INT64_MAX / 2);
	for (int again = 0; again < 3; again++) {
		assert_no_export(front, e.ctx_a, FAILURE, MINOR_STORE + STORE_FULL);
		assert_no_export(front, half.ctx_i, FAILURE, MINOR_STORE + STORE_FULL);
		ends_speak(&e);
	}
	/* Claims that nobody took in time make room. */
	fill_store(1);
	hand_over_acceptor(&e, worker);
	ends_speak(&e);
	hand_over_initiator(&half, worker);
	assert_int_equal(step_accept(&half, &usual), COMPLETE);
	assert_int_equal(step_init(&half, &usual), COMPLETE);
	ends_speak(&half);
	ends_delete(&half);
	ends_delete(&e);
	peer_stop(mit);
	peer_stop(front);
	peer_stop(worker);
}

/* The memory file system has no room: not for the table, then not for a page of it, then for all. */
static void
a_full_file_system(void **state)
{
	static const char *const sizes[] = { "size=8k,mode=0700", "size=12k,mode=0700" };
	struct peer *mit, *front;
	struct ends e;

	(void)state;
	if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		skip();
	if (mount("none", claims_dir(), "tmpfs", 0, sizes[0]) != 0)
		skip();
	mit = peer_start("mit", NULL);
	front = peer_start("baton", NULL);
	ends_make(&e, &usual, mit, front);
	for (size_t n = 0; n < sizeof(sizes) / sizeof(*sizes); n++) {
		assert_int_equal(mount("none", claims_dir(), "tmpfs", MS_REMOUNT, sizes[n]), 0);
		for (int again = 0; again < 3; again++) {
			assert_no_export(front, e.ctx_a, FAILURE, ENOSPC);
			ends_speak(&e);
		}
	}
	assert_int_equal(mount("none", claims_dir(), "tmpfs", MS_REMOUNT, "size=1m,mode=0700"), 0);
	hand_over_acceptor(&e, front);
	ends_speak(&e);
	ends_delete(&e);
	peer_stop(mit);
	peer_stop(front);
	assert_int_equal(umount2(claims_dir(), MNT_DETACH), 0);
}

/* Somebody deletes the store: what was in flight is lost, and what comes after works. */
static void
a_deleted_store(void **state)
{
	struct peer *mit = peer_start("mit", NULL), *front = peer_start("baton", NULL), *worker = peer_start("baton", NULL);
	struct ends e, second;
	struct blob token;

	(void)state;
	ends_make(&e, &usual, mit, front);
	ends_make(&second, &usual, mit, front);
	token = hand_out(front, e.ctx_a);
	(void)claims_end(NULL);
	/* Processes that looked at it in this millisecond do so again in the next. */
	usleep(2000);
	assert_int_equal(hand_try(worker, token), NO_CONTEXT);
	hand_over_acceptor(&second, worker);
	ends_speak(&second);
	assert_int_equal(hand_try(worker, token), NO_CONTEXT);
	e.ctx_a = PEER_NONE;
	ends_delete(&e);
	ends_delete(&second);
	blob_drop(&token);
	peer_stop(mit);
	peer_stop(front);
	peer_stop(worker);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_expired_context), cmocka_unit_test(an_expired_token), cmocka_unit_test(an_unusable_store),
		cmocka_unit_test(no_descriptors),     cmocka_unit_test(a_full_store),	  cmocka_unit_test(a_full_file_system),
		cmocka_unit_test(a_deleted_store),
	};

	return cmocka_run_group_tests_name("refuse", tests, claims_begin, claims_end);
}
