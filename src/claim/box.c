#include "claim/box.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "claim/limits.h"
#include "claim/place.h"
#include "crypto/crypto.h"

/* Magic, version, expiry and key. */
enum { NAME_LEN = 2 * BT_CLAIM_STORE_ID_LEN, BOX_LEN = 8 + 4 + 8 + BT_CLAIM_KEY_LEN, DIRENTS_LEN = 4096, DIRECTORY_LEN = 64 };

static const uint8_t magic[8] = {'B', 'a', 't', 'o', 'n', 'B', 'o', 'x'};

struct box_store {
	struct bt_claim_store store;
	bool creates;
	int64_t next_sweep_at;
	char path[DIRECTORY_LEN]; /* of the directory: a prefix and a number */
};

static _Thread_local struct box_store boxes;

/* What is in a box. The caller wipes it. */
struct box {
	int64_t expires_at;
	uint8_t key[BT_CLAIM_KEY_LEN];
};

static void
name_of(const struct bt_claim_ref *ref, char name[static NAME_LEN + 1])
{
	for (int i = 0; i < BT_CLAIM_STORE_ID_LEN; i++)
		snprintf(name + (size_t)i * 2, 3, "%02x", ref->store_id[i]);
}

/* ---- the directory ---- */

/*
 * The directory's parent is everybody's, and sticky: what root made there stays root's until it is given away here. Any other owner
 * is found out by bt_claim_place_open. A directory of root's that others can write to is none of ours: somebody may have moved it here.
 */
static bool
is_to_give(const struct stat *st, uid_t uid)
{
	return st->st_uid == geteuid() && st->st_uid != uid && (st->st_mode & 0777) == 0700;
}

/* What it is not: a file system of the account's own on top, which could hold whoever asks it. -1 with errno. */
static int
open_unmounted(const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	char parent[DIRECTORY_LEN];
	int parent_fd, fd;

	snprintf(parent, sizeof parent, "%.*s", (int)(name - path), path);
	if ((parent_fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
		return -1;
	fd = bt_claim_place_open_inside(parent_fd, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	close(parent_fd);
	return fd;
}

static int
mishap_of(int err)
{
	if (err == EXDEV)
		return BT_ERR_STORE_PLACE;
	return err == ENOTDIR || err == ELOOP ? BT_ERR_STORE_MODE : err;
}

static int
give_directory(const char *path, uid_t uid, int *fd)
{
	struct stat st;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return bt_claim_place_fail(errno == ENOENT ? BT_ERR_STORE_MISSING : errno, "make", path);
	if ((*fd = open_unmounted(path)) < 0)
		return bt_claim_place_fail(mishap_of(errno), "open", path);
	if (fstat(*fd, &st) != 0 || (is_to_give(&st, uid) && fchownat(*fd, "", uid, (gid_t)-1, AT_EMPTY_PATH) != 0))
		return bt_claim_place_fail(errno, "give away", path);
	return bt_claim_place_check(*fd, path, uid);
}

static int
open_directory(const struct box_store *s, int *fd)
{
	int e;

	*fd = -1;
	if (!s->creates)
		return bt_claim_place_open(s->path, s->store.owner, false, fd);
	if ((e = give_directory(s->path, s->store.owner, fd)) != 0 && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	return e;
}

int
bt_claim_box_store(uint32_t uid, bool create, struct bt_claim_store **out)
{
	char path[PATH_MAX];
	int fd, e;

	*out = NULL;
	if (boxes.store.ops == NULL || boxes.store.owner != uid)
		boxes.next_sweep_at = 0;
	boxes.store = (struct bt_claim_store){.ops = &bt_claim_box_ops, .owner = uid};
	boxes.creates = create;
	if ((e = bt_claim_place_path(BT_CLAIM_PLACE_SHM, uid, path)) != 0)
		return e;
	if (snprintf(boxes.path, sizeof boxes.path, "%s", path) >= (int)sizeof boxes.path)
		return ENAMETOOLONG;
	if ((e = open_directory(&boxes, &fd)) != 0)
		return e;
	close(fd);
	*out = &boxes.store;
	return 0;
}

/* ---- one box ---- */

static bool
parse_box(struct bt_bytes bytes, struct box *out)
{
	struct bt_rd rd = bt_rd_of(bytes);
	bool is_box = bt_bytes_equal(bt_rd_bytes(&rd, sizeof magic), bt_bytes_of(magic, sizeof magic));
	struct bt_bytes key;

	is_box = bt_rd_be32(&rd) == BT_CLAIM_VERSION && is_box;
	out->expires_at = (int64_t)bt_rd_be64(&rd);
	key = bt_rd_bytes(&rd, sizeof out->key);
	if (bt_rd_end(&rd) != 0 || !is_box)
		return false;
	memcpy(out->key, key.ptr, sizeof out->key);
	return true;
}

/* Whatever is there under the name: the directory's owner may have put anything. Errors: errno; STORE_DAMAGED (not a box). */
static int
read_box(int dir_fd, const char *name, struct box *out, struct stat *st)
{
	int fd = bt_claim_place_open_inside(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), e = 0;
	uint8_t bytes[BOX_LEN + 1];
	ssize_t n = 0;

	if (fd < 0)
		return errno;
	if (fstat(fd, st) != 0 || (S_ISREG(st->st_mode) && (n = read(fd, bytes, sizeof bytes)) < 0))
		e = errno;
	else if (!parse_box(bt_bytes_of(bytes, (size_t)n), out))
		e = BT_ERR_STORE_DAMAGED;
	close(fd);
	bt_mem_wipe(bytes, sizeof bytes);
	return e;
}

static int
write_box(int dir_fd, const char *name, uid_t uid, const struct box *box)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), e = 0;
	uint8_t bytes[BOX_LEN];
	struct bt_wr wr;
	ssize_t n;

	if (fd < 0)
		return errno;
	bt_wr_over(&wr, bytes, sizeof bytes);
	bt_wr_bytes(&wr, bt_bytes_of(magic, sizeof magic));
	bt_wr_be32(&wr, BT_CLAIM_VERSION);
	bt_wr_be64(&wr, (uint64_t)box->expires_at);
	bt_wr_bytes(&wr, bt_bytes_of(box->key, sizeof box->key));
	if (fchmod(fd, 0600) != 0 || (n = write(fd, bytes, sizeof bytes)) < 0)
		e = errno;
	else if (n != (ssize_t)sizeof bytes)
		e = ENOSPC;
	/* Up to here the account could not read it: this is what makes the claim. */
	if (e == 0 && fchown(fd, uid, (gid_t)-1) != 0)
		e = errno;
	close(fd);
	if (e != 0)
		unlinkat(dir_fd, name, 0);
	bt_mem_wipe(bytes, sizeof bytes);
	return e;
}

/* ---- sweeping ---- */

static bool
is_box_name(const char *name)
{
	return strlen(name) == NAME_LEN && strspn(name, "0123456789abcdef") == NAME_LEN;
}

/* Expired, or what a process that was killed left behind long ago. */
static bool
is_over(int dir_fd, const char *name, int64_t now, bool *is_whole)
{
	struct stat st = {0};
	struct box box;
	int e = read_box(dir_fd, name, &box, &st);

	bt_mem_wipe(box.key, sizeof box.key);
	*is_whole = e == 0;
	if (e == BT_ERR_STORE_DAMAGED)
		return bt_clock_wall_s() - (int64_t)st.st_mtim.tv_sec >= BT_CLAIM_STUCK_MS / 1000;
	return e == 0 && now >= box.expires_at;
}

struct tally {
	uint32_t num_boxes, num_over;
	bool is_endless; /* more entries than anybody needs were not read */
};

/*
 * Count the boxes, and look into as many of them as num_looks; those that are over are removed if asked for. The directory's owner may have
 * put millions of files there, for root to spend its time with: not more than BT_CLAIM_BOX_ENTRIES are read. Errors: errno.
 */
static int
go_through(int dir_fd, uint32_t num_looks, bool removes, struct tally *out)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_Alignas(struct dirent64) char entries[DIRENTS_LEN];
	int64_t now = bt_clock_boot_ms();
	uint32_t num_entries = 0;
	ssize_t len = 0, at;
	bool is_whole;
	int e;

	*out = (struct tally){0};
	if (fd < 0)
		return errno;
	while (!out->is_endless && (len = getdents64(fd, entries, sizeof entries)) > 0)
		for (at = 0; at < len && !out->is_endless;) {
			const struct dirent64 *entry = (const struct dirent64 *)(entries + at);

			at += entry->d_reclen;
			out->is_endless = ++num_entries >= BT_CLAIM_BOX_ENTRIES;
			if (!is_box_name(entry->d_name))
				continue;
			out->num_boxes++;
			if (num_looks == 0)
				continue;
			num_looks--;
			if (!is_over(dir_fd, entry->d_name, now, &is_whole) ||
			    (removes && unlinkat(dir_fd, entry->d_name, 0) != 0))
				continue;
			out->num_over++;
			if (removes && is_whole)
				bt_claim_add_expired(1);
		}
	e = len < 0 ? errno : 0;
	close(fd);
	return e;
}

static bool
is_full(const struct tally *tally)
{
	return tally->is_endless || tally->num_boxes - tally->num_over >= BT_CLAIM_NUM_BOXES;
}

/* Errors: STORE_FULL, errno. */
static int
make_room(struct box_store *s, int dir_fd)
{
	int64_t now = bt_clock_boot_ms();
	struct tally tally;
	int e;

	if (now < s->next_sweep_at)
		return 0;
	if ((e = go_through(dir_fd, BT_CLAIM_BOX_LOOKS, true, &tally)) == 0 && is_full(&tally))
		e = go_through(dir_fd, UINT32_MAX, true, &tally);
	if (e != 0)
		return bt_claim_place_fail(e, "look through", s->path);
	if (is_full(&tally))
		return bt_err_note(BT_ERR_STORE_FULL, "%s has %u claims in it%s", s->path, (unsigned)tally.num_boxes,
				   tally.is_endless ? " or more, and other files" : "");
	s->next_sweep_at = now + BT_CLAIM_SWEEP_EVERY_MS;
	return 0;
}

/* The share of an importer: who exported may never do it again. */
static void
sweep_now_and_then(struct box_store *s, int dir_fd)
{
	int64_t now = bt_clock_boot_ms();
	struct tally tally;

	if (now < s->next_sweep_at)
		return;
	s->next_sweep_at = now + BT_CLAIM_BOX_SWEEP_EVERY_MS;
	go_through(dir_fd, BT_CLAIM_BOX_LOOKS, true, &tally);
}

/* ---- operations ---- */

static struct box_store *
store_of(struct bt_claim_store *store)
{
	return (struct box_store *)store;
}

static int
reserve(struct bt_claim_store *store, int64_t ttl_ms, struct bt_claim_ref *ref, uint8_t *key)
{
	struct box_store *s = store_of(store);
	int dir_fd, e;

	if ((e = open_directory(s, &dir_fd)) != 0)
		return e;
	e = make_room(s, dir_fd);
	close(dir_fd);
	if (e != 0 || (e = bt_crypto_random(key, BT_CLAIM_KEY_LEN)) != 0 ||
	    (e = bt_crypto_random(ref->store_id, sizeof ref->store_id)) != 0)
		return e;
	ref->place = BT_CLAIM_PLACE_BOX;
	ref->expires_at = bt_clock_boot_ms() + (ttl_ms < INT64_MAX / 2 ? ttl_ms : INT64_MAX / 2);
	return 0;
}

static int
activate(struct bt_claim_store *store, const struct bt_claim_ref *ref, const uint8_t *key)
{
	struct box_store *s = store_of(store);
	struct box box = {.expires_at = ref->expires_at};
	char name[NAME_LEN + 1];
	int dir_fd, e;

	name_of(ref, name);
	memcpy(box.key, key, sizeof box.key);
	if ((e = open_directory(s, &dir_fd)) == 0) {
		if ((errno = write_box(dir_fd, name, s->store.owner, &box)) != 0)
			e = bt_claim_place_fail(errno, "make a claim in", s->path);
		close(dir_fd);
	}
	bt_mem_wipe(&box, sizeof box);
	return e;
}

/* Nothing is there before the claim is active. */
static void
cancel(struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
}

static bool
is_of(const struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
	char name[NAME_LEN + 1];
	struct stat st;
	int dir_fd;
	bool is_there;

	name_of(ref, name);
	if (open_directory((const struct box_store *)store, &dir_fd) != 0)
		return false;
	is_there = fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	close(dir_fd);
	return is_there;
}

static int
gone(const struct bt_claim_ref *ref)
{
	return bt_clock_boot_ms() >= ref->expires_at ? BT_ERR_TOKEN_EXPIRED : BT_ERR_TOKEN_USED;
}

static int
read_key(struct bt_claim_store *store, const struct bt_claim_ref *ref, uint8_t *key)
{
	struct box_store *s = store_of(store);
	char name[NAME_LEN + 1];
	struct box box = {0};
	struct stat st;
	int dir_fd, e;

	name_of(ref, name);
	if ((e = open_directory(s, &dir_fd)) != 0)
		return e;
	e = read_box(dir_fd, name, &box, &st);
	sweep_now_and_then(s, dir_fd);
	close(dir_fd);
	if (e == 0 && bt_clock_boot_ms() >= box.expires_at)
		e = BT_ERR_TOKEN_EXPIRED;
	else if (e == ENOENT)
		e = gone(ref);
	else if (e != 0)
		e = bt_err_note(e, "%s/%s cannot be read as a claim", s->path, name);
	else
		memcpy(key, box.key, sizeof box.key);
	bt_mem_wipe(&box, sizeof box);
	return e;
}

static int
take(struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
	struct box_store *s = store_of(store);
	char name[NAME_LEN + 1];
	int dir_fd, e;

	name_of(ref, name);
	if (bt_clock_boot_ms() >= ref->expires_at)
		return BT_ERR_TOKEN_EXPIRED;
	if ((e = open_directory(s, &dir_fd)) != 0)
		return e;
	if (unlinkat(dir_fd, name, 0) != 0)
		e = errno == ENOENT ? gone(ref) : bt_claim_place_fail(errno, "take a claim in", s->path);
	close(dir_fd);
	return e;
}

static void
census_of(struct bt_claim_store *store, struct bt_claim_census *out)
{
	struct tally tally = {0};
	int dir_fd;

	if (open_directory(store_of(store), &dir_fd) == 0) {
		go_through(dir_fd, UINT32_MAX, false, &tally);
		close(dir_fd);
	}
	out->num_slots = BT_CLAIM_NUM_BOXES;
	out->num_live = tally.num_boxes - tally.num_over;
	out->num_expired = tally.num_over;
	out->num_free = tally.num_boxes < BT_CLAIM_NUM_BOXES ? BT_CLAIM_NUM_BOXES - tally.num_boxes : 0;
}

static uint32_t
sweep(struct bt_claim_store *store)
{
	struct tally tally = {0};
	int dir_fd;

	if (open_directory(store_of(store), &dir_fd) == 0) {
		go_through(dir_fd, UINT32_MAX, true, &tally);
		close(dir_fd);
	}
	return tally.num_over;
}

const struct bt_claim_ops bt_claim_box_ops = {
    .reserve = reserve,
    .activate = activate,
    .cancel = cancel,
    .is_of = is_of,
    .read = read_key,
    .take = take,
    .census_of = census_of,
    .sweep = sweep,
};
