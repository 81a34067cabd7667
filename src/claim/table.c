#include "claim/table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "claim/place.h"
#include "crypto/crypto.h"

#define FILE_LEN ((off_t)sizeof(struct bt_claim_file))
#define HEADER_LEN ((off_t)offsetof(struct bt_claim_file, slots))

/* The fields of the first page that identify a table: what is read and written as bytes, before the file is mapped. */
struct identity {
	uint64_t magic;
	uint32_t version;
	uint32_t uid;
	uint64_t store_id[BT_CLAIM_STORE_ID_LEN / 8];
	uint8_t boot_id[16];
	uint32_t num_slots;
	uint32_t slot_len;
};

_Static_assert(offsetof(struct identity, slot_len) == offsetof(struct bt_claim_file, slot_len), "one layout");

/* 16 bytes out of "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"; zeros where there is no /proc. */
static void
read_boot_id(uint8_t id[static 16])
{
	char text[37] = {0};
	unsigned byte;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC), at = 0;
	ssize_t len = 0;

	memset(id, 0, 16);
	if (fd >= 0) {
		len = read(fd, text, sizeof text - 1);
		close(fd);
	}
	for (int i = 0; len == 36 && i < 16; i++, at += 2) {
		at += text[at] == '-';
		if (sscanf(text + at, "%2x", &byte) != 1)
			break;
		id[i] = (uint8_t)byte;
	}
}

static int
damaged(const struct bt_claim_table *table, const char *why)
{
	return bt_err_note(BT_ERR_STORE_DAMAGED, "%s %s", table->path, why);
}

/*
 * Is it a whole table? Read, not mapped: a page of a file with holes would be given memory, and there may be none.
 * Errors: STORE_DAMAGED for what is neither whole nor what a killed initialiser leaves.
 */
static int
read_identity(const struct bt_claim_table *table, const struct stat *st, struct identity *id, bool *is_whole)
{
	*is_whole = false;
	memset(id, 0, sizeof *id);
	if (st->st_size == 0)
		return 0;
	if (st->st_size != FILE_LEN)
		return damaged(table, "has a wrong size");
	if (pread(table->fd, id, sizeof *id, 0) != (ssize_t)sizeof *id)
		return bt_claim_place_fail(errno, "read", table->path);
	if (id->magic == 0)
		return 0;
	if (id->magic != BT_CLAIM_MAGIC)
		return damaged(table, "is not a claim table");
	*is_whole = true;
	return 0;
}

static int
check_identity(const struct bt_claim_table *table, const struct identity *id)
{
	static const uint8_t unknown[16];
	uint8_t boot_id[16];

	if (id->version != BT_CLAIM_VERSION || id->num_slots != BT_CLAIM_NUM_SLOTS ||
	    id->slot_len != sizeof(struct bt_claim_slot))
		return damaged(table, "has another version");
	if (id->uid != table->uid)
		return damaged(table, "was made for another user");
	read_boot_id(boot_id);
	/* Its times would mean nothing now. A copy that somebody put back: the original went with the reboot. */
	if (memcmp(boot_id, unknown, 16) != 0 && memcmp(id->boot_id, unknown, 16) != 0 && memcmp(boot_id, id->boot_id, 16) != 0)
		return damaged(table, "is of another boot");
	return 0;
}

/* Everything but the mode, which an unfinished table does not have yet. */
static int
check_file(struct bt_claim_table *table, struct stat *st)
{
	if (fstat(table->fd, st) != 0)
		return bt_claim_place_fail(errno, "look at", table->path);
	if (st->st_uid != table->uid)
		return bt_err_note(BT_ERR_STORE_OWNER, "%s belongs to user %lu, not %lu", table->path,
				   (unsigned long)st->st_uid, (unsigned long)table->uid);
	if (!S_ISREG(st->st_mode))
		return bt_err_note(BT_ERR_STORE_MODE, "%s is not a regular file", table->path);
	if (st->st_nlink > 1)
		return bt_err_note(BT_ERR_STORE_MODE, "%s has more than one link", table->path);
	if (!bt_claim_place_is_memory(table->fd))
		return bt_err_note(BT_ERR_STORE_PLACE, "%s is not on a memory file system", table->path);
	table->dev = st->st_dev;
	table->ino = st->st_ino;
	return 0;
}

static int
check_mode(const struct bt_claim_table *table, const struct stat *st)
{
	if ((st->st_mode & 07777) != 0600)
		return bt_err_note(BT_ERR_STORE_MODE, "%s has mode %04o", table->path, (unsigned)st->st_mode & 07777);
	return 0;
}

/* Memory for a part of the file: without it, a full file system would show itself as SIGBUS. ramfs is never full. */
static int
give_memory(int fd, off_t offset, off_t len)
{
	while (fallocate(fd, 0, offset, len) != 0) {
		if (errno == EOPNOTSUPP || errno == ENOSYS)
			return 0;
		if (errno != EINTR)
			return errno;
	}
	return 0;
}

/* Under the lock. A process killed at any point leaves a file without magic, which the next one initialises from the start. */
static int
initialise(struct bt_claim_table *table)
{
	struct identity id = {
	    .version = BT_CLAIM_VERSION,
	    .uid = (uint32_t)table->uid,
	    .num_slots = BT_CLAIM_NUM_SLOTS,
	    .slot_len = sizeof(struct bt_claim_slot),
	};
	uint64_t magic = BT_CLAIM_MAGIC;
	int e;

	read_boot_id(id.boot_id);
	if ((e = bt_crypto_random(id.store_id, sizeof id.store_id)) != 0)
		return bt_err_note(e, "cannot make an identity for %s", table->path);
	if (fchmod(table->fd, 0600) != 0 || ftruncate(table->fd, 0) != 0 || ftruncate(table->fd, FILE_LEN) != 0 ||
	    (errno = give_memory(table->fd, 0, HEADER_LEN)) != 0 ||
	    pwrite(table->fd, &id, sizeof id, 0) != (ssize_t)sizeof id ||
	    pwrite(table->fd, &magic, sizeof magic, 0) != (ssize_t)sizeof magic)
		return bt_claim_place_fail(errno, "initialise", table->path);
	return 0;
}

/* Another opener holds the lock for some microseconds, or is stopped: then do not hang with it. */
static int
lock(const struct bt_claim_table *table)
{
	static const struct timespec pause = {.tv_nsec = 1000000};

	for (int i = 0; i < BT_CLAIM_LOCK_TRIES; i++) {
		if (flock(table->fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			break;
		nanosleep(&pause, NULL);
	}
	return bt_claim_place_fail(errno, "lock", table->path);
}

static int
initialise_once(struct bt_claim_table *table)
{
	struct identity id;
	struct stat st;
	bool is_whole;
	int e;

	if ((e = lock(table)) != 0)
		return e;
	if ((e = check_file(table, &st)) == 0 && (e = read_identity(table, &st, &id, &is_whole)) == 0 && !is_whole)
		e = initialise(table);
	/* Not left to close(): a child that another thread forked meanwhile holds the same lock. */
	flock(table->fd, LOCK_UN);
	return e;
}

static int
open_file(struct bt_claim_table *table, int dir_fd, bool create)
{
	int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (create ? O_CREAT : 0), fd;
	struct identity id;
	struct stat st;
	bool is_whole;
	int e;

	if ((fd = openat(dir_fd, "claims", flags, 0600)) < 0) {
		if (errno == ELOOP)
			return bt_err_note(BT_ERR_STORE_MODE, "%s is a symbolic link", table->path);
		if (errno == EISDIR)
			return bt_err_note(BT_ERR_STORE_MODE, "%s is not a regular file", table->path);
		return bt_claim_place_fail(errno == ENOENT ? BT_ERR_STORE_MISSING : errno, "open", table->path);
	}
	table->fd = fd;
	if ((e = check_file(table, &st)) != 0 || (e = read_identity(table, &st, &id, &is_whole)) != 0)
		return e;
	if (!is_whole) {
		if (!create)
			return bt_err_note(BT_ERR_STORE_MISSING, "%s is not initialised", table->path);
		if ((e = initialise_once(table)) != 0 || (e = check_file(table, &st)) != 0 ||
		    (e = read_identity(table, &st, &id, &is_whole)) != 0)
			return e;
		if (!is_whole)
			return damaged(table, "loses what is written to it");
	}
	if ((e = check_mode(table, &st)) != 0)
		return e;
	return check_identity(table, &id);
}

static int
map_file(struct bt_claim_table *table)
{
	void *map = mmap(NULL, sizeof *table->file, PROT_READ | PROT_WRITE, MAP_SHARED, table->fd, 0);

	if (map == MAP_FAILED)
		return bt_claim_place_fail(errno, "map", table->path);
	madvise(map, sizeof *table->file, MADV_DONTDUMP);
	table->file = map;
	return 0;
}

int
bt_claim_table_open(const char *dir, uid_t uid, uint8_t place, bool create, struct bt_claim_table **out)
{
	struct bt_claim_table *table;
	int dir_fd = -1, e;

	*out = NULL;
	if ((table = bt_mem_alloc(sizeof *table)) == NULL)
		return BT_ERR_NOMEM;
	table->store.ops = &bt_claim_slot_ops;
	table->store.owner = (uint32_t)uid;
	table->fd = -1;
	table->uid = uid;
	table->place = place;
	atomic_init(&table->fine_at, -1);
	if (snprintf(table->path, sizeof table->path, "%s/claims", dir) >= (int)sizeof table->path)
		e = ENAMETOOLONG;
	else if ((e = bt_claim_place_open(dir, uid, create, &dir_fd)) == 0 && (e = open_file(table, dir_fd, create)) == 0)
		e = map_file(table);
	if (dir_fd >= 0)
		close(dir_fd);
	if (e != 0)
		bt_claim_table_free(table);
	else
		*out = table;
	return e;
}

void
bt_claim_table_free(struct bt_claim_table *table)
{
	if (table == NULL)
		return;
	if (table->file != NULL)
		munmap(table->file, sizeof *table->file);
	if (table->fd >= 0)
		close(table->fd);
	bt_mem_free(table);
}

enum bt_claim_look
bt_claim_table_look(const struct bt_claim_table *table)
{
	struct stat st;

	/* A program that closes all descriptors may have opened another file under our number. */
	if (fstat(table->fd, &st) != 0 || st.st_dev != table->dev || st.st_ino != table->ino)
		return BT_CLAIM_LOOK_BLIND;
	if (st.st_size < FILE_LEN)
		return BT_CLAIM_LOOK_SHRUNK;
	return st.st_nlink == 0 ? BT_CLAIM_LOOK_DELETED : BT_CLAIM_LOOK_FINE;
}

/* Whoever deletes the file could as well have done so a millisecond later, after the claim was made. */
enum bt_claim_look
bt_claim_table_glance(struct bt_claim_table *table, int64_t now)
{
	enum bt_claim_look seen;

	if (atomic_load_explicit(&table->fine_at, memory_order_relaxed) == now)
		return BT_CLAIM_LOOK_FINE;
	if ((seen = bt_claim_table_look(table)) == BT_CLAIM_LOOK_FINE)
		atomic_store_explicit(&table->fine_at, now, memory_order_relaxed);
	return seen;
}

void
bt_claim_table_retire(struct bt_claim_table *table)
{
	bool is_ours = bt_claim_table_look(table) != BT_CLAIM_LOOK_BLIND;

	if (atomic_exchange(&table->is_retired, true))
		return;
	mmap(table->file, sizeof *table->file, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
	     -1, 0);
	if (is_ours)
		close(table->fd);
}

bool
bt_claim_table_reattach(struct bt_claim_table *table, struct bt_claim_table *fresh)
{
	if (fresh->dev != table->dev || fresh->ino != table->ino)
		return false;
	/* The old number is not ours to close. Of two threads that do this at once, one descriptor stays unused. */
	atomic_store(&table->fd, fresh->fd);
	fresh->fd = -1;
	bt_claim_table_free(fresh);
	return true;
}

bool
bt_claim_table_has_page(const struct bt_claim_table *table, uint32_t page)
{
	return (atomic_load_explicit(&table->file->present[page / 64], memory_order_acquire) >> (page % 64) & 1) != 0;
}

int
bt_claim_table_need_page(struct bt_claim_table *table, uint32_t page)
{
	off_t offset = HEADER_LEN + (off_t)page * BT_CLAIM_PAGE_LEN;
	int e;

	if (bt_claim_table_has_page(table, page))
		return 0;
	/* Also makes sure that the descriptor is the table's and not another file that would be grown. */
	if (bt_claim_table_look(table) != BT_CLAIM_LOOK_FINE)
		return damaged(table, "was deleted or cut short");
	if ((e = give_memory(table->fd, offset, BT_CLAIM_PAGE_LEN)) != 0)
		return bt_err_note(e, "no memory for claims in %s", table->path);
	atomic_fetch_or(&table->file->present[page / 64], UINT64_C(1) << (page % 64));
	return 0;
}
