/* Claims that root makes for another account: files of that account's own. Needs root, and an account number that nobody uses. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../support/account.h"
#include "../../support/valgrind.h"

#include "base/clock.h"
#include "base/err.h"
#include "claim/box.h"
#include "claim/limits.h"

enum { BOB = 65430, BOX_LEN = 52 };

static const char dir[] = "/dev/shm/baton-65430";
static int64_t ahead_ms;

/* In the place of base/clock.c. */
int64_t
bt_clock_boot_ms(void)
{
	return 1000000 + ahead_ms;
}

int64_t
bt_clock_wall_s(void)
{
	return (int64_t)time(NULL) + ahead_ms / 1000;
}

static int
set_up(void **state)
{
	ahead_ms = 0;
	account_begin(BOB);
	return 0;
}

static int
tear_down(void **state)
{
	account_end(BOB);
	return 0;
}

static struct bt_claim_store *
store_for_bob(void)
{
	struct bt_claim_store *store;

	if (!account_is_free(BOB))
		skip();
	assert_int_equal(bt_claim_account_store(BOB, &store), 0);
	assert_int_equal(bt_claim_owner_of(store), BOB);
	return store;
}

static void
make(struct bt_claim_store *store, int64_t ttl_ms, struct bt_claim_ref *ref, uint8_t key[static BT_CLAIM_KEY_LEN])
{
	assert_int_equal(bt_claim_reserve(store, ttl_ms, ref, key), 0);
	assert_int_equal(ref->place, BT_CLAIM_PLACE_BOX);
	assert_int_equal(bt_claim_activate(store, ref, key), 0);
}

static void
path_of(const struct bt_claim_ref *ref, char path[static 100])
{
	int len = snprintf(path, 100, "%s/", dir);

	for (int i = 0; i < BT_CLAIM_STORE_ID_LEN; i++)
		len += snprintf(path + len, 100 - (size_t)len, "%02x", ref->store_id[i]);
}

/* What fn says of it in a process of that account: 0, or what it was. */
static int
as(uid_t uid, int (*fn)(const struct bt_claim_ref *, const uint8_t *), const struct bt_claim_ref *ref, const uint8_t *key)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(setgid(uid) != 0 || setuid(uid) != 0 ? 99 : fn(ref, key));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
read_and_take(const struct bt_claim_ref *ref, const uint8_t *key)
{
	struct bt_claim_store *store;
	uint8_t found[BT_CLAIM_KEY_LEN];

	if (bt_claim_store_of(ref, &store) != 0)
		return 1;
	if (bt_claim_owner_of(store) != BOB || !bt_claim_is_of(store, ref))
		return 2;
	/* Reading takes nothing. */
	for (int n = 0; n < 3; n++)
		if (bt_claim_read(store, ref, found) != 0 || memcmp(found, key, sizeof found) != 0)
			return 3;
	if (bt_claim_take(store, ref) != 0)
		return 4;
	if (bt_claim_take(store, ref) != BT_ERR_TOKEN_USED || bt_claim_read(store, ref, found) != BT_ERR_TOKEN_USED)
		return 5;
	return found[0] == 0 && !bt_claim_is_of(store, ref) ? 0 : 6;
}

static int
find_nothing(const struct bt_claim_ref *ref, const uint8_t *key)
{
	struct bt_claim_store *store;
	uint8_t found[BT_CLAIM_KEY_LEN];

	(void)key;
	return bt_claim_store_of(ref, &store) == 0 && bt_claim_read(store, ref, found) == 0;
}

static void
the_account_takes_it_once(void **state)
{
	struct bt_claim_store *store = store_for_bob();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;
	char path[100];
	struct stat st;

	make(store, 1000, &ref, key);
	path_of(&ref, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, BOB);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(st.st_size, BOX_LEN);
	assert_int_equal(as(BOB + 1, find_nothing, &ref, key), 0);
	assert_int_equal(as(BOB, read_and_take, &ref, key), 0);
	assert_int_equal(stat(path, &st), -1);
}

/* As doc/format/claims.md has it. */
static void
a_box_has_these_bytes(void **state)
{
	struct bt_claim_store *store = store_for_bob();
	uint8_t key[BT_CLAIM_KEY_LEN], bytes[BOX_LEN + 1];
	struct bt_claim_ref ref;
	char path[100];
	int fd;

	make(store, 0x1020, &ref, key);
	path_of(&ref, path);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, bytes, sizeof bytes), BOX_LEN);
	close(fd);
	assert_memory_equal(bytes, "BatonBox\0\0\0\1\0\0\0\0\0\x0f\x52\x60", 20);
	assert_memory_equal(bytes + 20, key, sizeof key);
}

static void
nothing_is_there_before_it_is_active(void **state)
{
	struct bt_claim_store *store = store_for_bob();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;

	assert_int_equal(bt_claim_reserve(store, 1000, &ref, key), 0);
	assert_false(bt_claim_is_of(store, &ref));
	assert_int_equal(as(BOB, find_nothing, &ref, key), 0);
	bt_claim_cancel(store, &ref);
	assert_int_equal(bt_claim_activate(store, &ref, key), 0);
	/* The name is taken: it is not written to again. */
	assert_int_equal(bt_claim_activate(store, &ref, key), EEXIST);
	assert_int_equal(as(BOB, read_and_take, &ref, key), 0);
}

static int
find_expired(const struct bt_claim_ref *ref, const uint8_t *key)
{
	struct bt_claim_store *store;
	uint8_t found[BT_CLAIM_KEY_LEN];

	(void)key;
	if (bt_claim_store_of(ref, &store) != 0 || bt_claim_read(store, ref, found) != BT_ERR_TOKEN_EXPIRED)
		return 1;
	return bt_claim_take(store, ref) != BT_ERR_TOKEN_EXPIRED;
}

static void
it_expires_and_is_swept(void **state)
{
	struct bt_claim_store *store = store_for_bob();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref, later;
	struct bt_claim_census census;
	char path[100];

	make(store, 1000, &ref, key);
	make(store, 5000, &later, key);
	bt_claim_census_of(store, &census);
	assert_int_equal(census.num_live, 2);
	ahead_ms = 1000;
	assert_int_equal(as(BOB, find_expired, &ref, key), 0);
	/* The importer has swept: the other one is left. */
	path_of(&ref, path);
	assert_int_equal(access(path, F_OK), -1);
	bt_claim_census_of(store, &census);
	assert_int_equal(census.num_live, 1);
	assert_int_equal(census.num_expired, 0);
	ahead_ms = 6000;
	bt_claim_census_of(store, &census);
	assert_int_equal(census.num_expired, 1);
	assert_int_equal(bt_claim_sweep(store), 1);
	assert_int_equal(bt_claim_sweep(store), 0);
}

static void
there_is_an_end_to_them(void **state)
{
	struct bt_claim_store *store = store_for_bob();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;
	int num, e = 0;

	for (num = 0; num < 2 * BT_CLAIM_NUM_BOXES && e == 0; num++) {
		/* Looked at once a second. */
		ahead_ms += 1000;
		if ((e = bt_claim_reserve(store, INT32_MAX, &ref, key)) == 0)
			e = bt_claim_activate(store, &ref, key);
	}
	assert_int_equal(e, BT_ERR_STORE_FULL);
	assert_int_equal(num - 1, BT_CLAIM_NUM_BOXES);
	/* Expired, they make room. */
	ahead_ms += INT32_MAX;
	make(store, 1000, &ref, key);
}

/* Whatever its owner puts into the directory: it is not followed, not waited for, and nothing else is removed. */
static void
an_owner_who_means_harm(void **state)
{
	struct bt_claim_store *store = store_for_bob();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;
	char path[100], other[] = "/tmp/baton-box.XXXXXX", fifo[100], link[100], more[100];
	int fd = mkstemp(other);

	assert_true(fd >= 0);
	close(fd);
	snprintf(fifo, sizeof fifo, "%s/%032x", dir, 1);
	snprintf(link, sizeof link, "%s/%032x", dir, 2);
	snprintf(more, sizeof more, "%s/%s", dir, "claims");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(symlink(other, link), 0);
	assert_int_equal(close(open(more, O_CREAT | O_WRONLY, 0600)), 0);
	make(store, 1000, &ref, key);
	ahead_ms = 2 * BT_CLAIM_STUCK_MS;
	/* The claim, and the one with nothing in it; a link is none. */
	assert_int_equal(bt_claim_sweep(store), 2);
	assert_int_equal(access(other, F_OK), 0);
	assert_int_equal(access(more, F_OK), 0);
	assert_int_equal(unlink(other), 0);

	/* A name that is there already is not opened. */
	ahead_ms = 0;
	assert_int_equal(bt_claim_reserve(store, 1000, &ref, key), 0);
	path_of(&ref, path);
	assert_int_equal(symlink("/tmp/baton-box-followed", path), 0);
	assert_int_equal(bt_claim_activate(store, &ref, key), EEXIST);
	assert_int_equal(access("/tmp/baton-box-followed", F_OK), -1);
}

static void
a_directory_in_the_way(void **state)
{
	struct bt_claim_store *store;
	struct stat st;

	if (!account_is_free(BOB))
		skip();
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(chown(dir, BOB + 1, (gid_t)-1), 0);
	assert_int_equal(bt_claim_account_store(BOB, &store), BT_ERR_STORE_OWNER);
	assert_null(store);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_uid, BOB + 1);
	assert_int_equal(chown(dir, BOB, (gid_t)-1), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(bt_claim_account_store(BOB, &store), BT_ERR_STORE_MODE);
	/* What root made and could not give away yet. */
	assert_int_equal(chmod(dir, 0700), 0);
	assert_int_equal(chown(dir, 0, (gid_t)-1), 0);
	assert_int_equal(bt_claim_account_store(BOB, &store), 0);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_uid, BOB);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(symlink("/tmp", dir), 0);
	assert_int_equal(bt_claim_account_store(BOB, &store), BT_ERR_STORE_MODE);
	assert_int_equal(stat("/tmp", &st), 0);
	assert_int_equal(st.st_uid, 0);
}

static void
another_boot_or_container(void **state)
{
	struct bt_claim_ref ref = {.place = BT_CLAIM_PLACE_BOX};
	struct bt_claim_store *store;
	pid_t child;
	int status;

	if (!account_is_free(BOB))
		skip();
	child = fork();
	if (child == 0)
		_exit(setuid(BOB) != 0 || bt_claim_store_of(&ref, &store) != BT_ERR_TOKEN_STORE || store != NULL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static bool
can_mount(void)
{
	return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", dir, "tmpfs", 0, "size=64k,mode=0700,uid=65430") == 0;
}

/* An account may be allowed to mount file systems that are processes of its own. */
static int
export_over_a_mount(void)
{
	struct bt_claim_store *store = NULL;
	char path[100];
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;
	int fd;

	if (!can_mount())
		return 77;
	if (bt_claim_account_store(BOB, &store) != BT_ERR_STORE_PLACE || store != NULL)
		return 1;
	if (umount(dir) != 0)
		return 2;
	/* On a file that looks like a claim: root passes it by. */
	snprintf(path, sizeof path, "%s/%032d", dir, 1);
	if ((fd = open(path, O_CREAT | O_WRONLY, 0600)) < 0 || mount("/proc/version", path, NULL, MS_BIND, NULL) != 0)
		return 3;
	close(fd);
	ahead_ms = INT64_C(1) << 41;
	if (bt_claim_account_store(BOB, &store) != 0 || bt_claim_reserve(store, 1000, &ref, key) != 0)
		return 4;
	return access(path, F_OK) == 0 ? 0 : 5;
}

static void
an_owner_who_mounts(void **state)
{
	int status;
	pid_t child;

	/* It does not know openat2(2). */
	if (is_under_valgrind())
		skip();
	store_for_bob();
	if ((child = fork()) == 0)
		_exit(export_over_a_mount());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static uint32_t num_reads;

ssize_t __real_getdents64(int fd, void *buf, size_t len);
ssize_t __wrap_getdents64(int fd, void *buf, size_t len);

ssize_t
__wrap_getdents64(int fd, void *buf, size_t len)
{
	num_reads++;
	return __real_getdents64(fd, buf, len);
}

/* Of any names. What the exporter does is bounded, and so is what it fails with. */
static void
an_owner_who_has_time(void **state)
{
	struct bt_claim_store *store = store_for_bob();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;
	char path[100];
	int num = 0, fd;

	/* Later than whatever the tests before have done. */
	ahead_ms = INT64_C(1) << 40;
	assert_int_equal(bt_claim_reserve(store, 1000, &ref, key), 0);
	for (; num < 3 * BT_CLAIM_BOX_ENTRIES; num++) {
		snprintf(path, sizeof path, "%s/a-file-of-no-use-but-to-read-its-name-%d", dir, num);
		assert_true((fd = open(path, O_CREAT | O_WRONLY, 0600)) >= 0);
		close(fd);
	}
	ahead_ms += BT_CLAIM_SWEEP_EVERY_MS;
	num_reads = 0;
	assert_int_equal(bt_claim_reserve(store, 1000, &ref, key), BT_ERR_STORE_FULL);
	assert_true(num_reads != 0 && num_reads <= 2 * BT_CLAIM_BOX_ENTRIES / 32);
	for (; num > 0; num--) {
		snprintf(path, sizeof path, "%s/a-file-of-no-use-but-to-read-its-name-%d", dir, num - 1);
		assert_int_equal(unlink(path), 0);
	}
	make(store, 1000, &ref, key);
	assert_int_equal(as(BOB, read_and_take, &ref, key), 0);
}

/* Root's own, but not as it was made for the account: it is not given away. */
static void
a_directory_moved_here(void **state)
{
	struct bt_claim_store *store;
	struct stat st;

	if (!account_is_free(BOB))
		skip();
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(bt_claim_account_store(BOB, &store), BT_ERR_STORE_OWNER);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(chmod(dir, 0700), 0);
	assert_int_equal(bt_claim_account_store(BOB, &store), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
	    TEST(the_account_takes_it_once),
	    TEST(a_box_has_these_bytes),
	    TEST(nothing_is_there_before_it_is_active),
	    TEST(it_expires_and_is_swept),
	    TEST(there_is_an_end_to_them),
	    TEST(an_owner_who_means_harm),
	    TEST(a_directory_in_the_way),
	    TEST(a_directory_moved_here),
	    TEST(another_boot_or_container),
	    TEST(an_owner_who_has_time),
	    TEST(an_owner_who_mounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
