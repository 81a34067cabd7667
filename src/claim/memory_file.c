/*
 * Memory files: making them, looking at those that come from others, and keeping the latter for their next message.
 *
 * A file that cannot shrink can be mapped and used without fear of SIGBUS, whoever else has it. So it is checked once.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/lock.h"
#include "base/mem.h"
#include "claim/memory_file.h"
#include "crypto/crypto.h"

enum { VERSION = 1, NUM_KEPT = 64 };

/* Opened stores, kept; the lock protects all of it. */
static struct {
	struct bt_lock lock;
	struct bt_claim_memory *stores[NUM_KEPT];
	unsigned last; /* found or put here last */
} kept = {.lock = BT_LOCK_INIT(BT_LOCK_INNER)};
BT_LOCK_MINDS_FORKS(minds_forks, kept.lock);

static struct bt_claim_memory *
memory_of(struct bt_claim_store *store)
{
	return (struct bt_claim_memory *)store;
}

struct bt_claim_store *
bt_claim_memory_share(struct bt_claim_store *store)
{
	atomic_fetch_add_explicit(&memory_of(store)->refs, 1, memory_order_relaxed);
	return store;
}

void
bt_claim_memory_free(struct bt_claim_store *store)
{
	struct bt_claim_memory *memory = memory_of(store);

	if (store == NULL || atomic_fetch_sub_explicit(&memory->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (bt_claim_memory_has_fd(store))
		close(memory->fd);
	if (memory->file != NULL)
		munmap(memory->file, sizeof *memory->file);
	bt_mem_free(memory);
}

int
bt_claim_memory_fd(const struct bt_claim_store *store)
{
	return ((const struct bt_claim_memory *)store)->fd;
}

bool
bt_claim_memory_has_fd(const struct bt_claim_store *store)
{
	const struct bt_claim_memory *memory = (const struct bt_claim_memory *)store;
	struct stat st;

	return memory->fd >= 0 && fstat(memory->fd, &st) == 0 && st.st_dev == memory->dev && st.st_ino == memory->ino;
}

static struct bt_claim_memory *
new_memory(const struct stat *st)
{
	struct bt_claim_memory *memory = bt_mem_alloc(sizeof *memory);

	if (memory == NULL)
		return NULL;
	memory->store.ops = &bt_claim_memory_ops;
	memory->store.owner = (uint32_t)geteuid();
	memory->refs = 1;
	memory->fd = -1;
	memory->dev = st->st_dev;
	memory->ino = st->st_ino;
	return memory;
}

static int
map(struct bt_claim_memory *memory, int fd)
{
	void *at = mmap(NULL, sizeof *memory->file, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return errno;
	/* A core is nobody's business. */
	madvise(at, sizeof *memory->file, MADV_DONTDUMP);
	memory->file = at;
	return 0;
}

static int
fill_new(int fd, struct bt_claim_memory **out)
{
	struct bt_claim_memory *memory;
	struct stat st;
	int e;

	/* The seals forbid what would make others afraid of it; that it is written to is its purpose. */
	if (ftruncate(fd, sizeof *memory->file) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0 ||
	    fstat(fd, &st) != 0)
		return errno;
	if ((memory = new_memory(&st)) == NULL)
		return BT_ERR_NOMEM;
	if ((e = bt_crypto_random(memory->store_id, sizeof memory->store_id)) != 0 || (e = map(memory, fd)) != 0) {
		bt_claim_memory_free(&memory->store);
		return e;
	}
	memory->fd = fd;
	memory->file->version = VERSION;
	memory->file->num_slots = BT_CLAIM_MEMORY_NUM_SLOTS;
	memcpy(memory->file->store_id, memory->store_id, sizeof memory->store_id);
	memory->file->magic = BT_CLAIM_MEMORY_MAGIC;
	*out = memory;
	return 0;
}

int
bt_claim_memory_new(struct bt_claim_store **out)
{
	struct bt_claim_memory *memory = NULL;
	int fd, e;

	*out = NULL;
	if ((fd = memfd_create("baton-claims", MFD_CLOEXEC | MFD_ALLOW_SEALING)) < 0)
		return bt_err_note(errno, "cannot make a memory file for claims: %s", strerrordesc_np(errno));
	if ((e = fill_new(fd, &memory)) != 0) {
		close(fd);
		return e;
	}
	*out = &memory->store;
	return 0;
}

/* ---- files of others ---- */

/* A file that can be mapped without fear. Only memory files have seals; of others even a question may be answered by a process, or never. */
static int
check_file(int fd, struct stat *st)
{
	int seals;

	if (fcntl(fd, F_GETFD) < 0)
		return errno;
	if ((seals = fcntl(fd, F_GET_SEALS)) < 0 || (seals & F_SEAL_SHRINK) == 0)
		return BT_ERR_HANDOVER;
	if (fstat(fd, st) != 0)
		return errno;
	return S_ISREG(st->st_mode) && st->st_size == BT_CLAIM_PAGE_LEN ? 0 : BT_ERR_HANDOVER;
}

static int
check_contents(struct bt_claim_memory *memory, const uint8_t *id)
{
	const struct bt_claim_memory_file *file = memory->file;

	memcpy(memory->store_id, file->store_id, sizeof memory->store_id);
	if (file->magic != BT_CLAIM_MEMORY_MAGIC || file->version != VERSION ||
	    file->num_slots != BT_CLAIM_MEMORY_NUM_SLOTS || memcmp(memory->store_id, id, sizeof memory->store_id) != 0)
		return BT_ERR_HANDOVER;
	return 0;
}

static int
open_fresh(int fd, const uint8_t *id, struct bt_claim_memory **out)
{
	struct bt_claim_memory *memory;
	struct stat st;
	int e;

	if ((e = check_file(fd, &st)) != 0)
		return e;
	if ((memory = new_memory(&st)) == NULL)
		return BT_ERR_NOMEM;
	if ((e = map(memory, fd)) == 0)
		e = check_contents(memory, id);
	else if (e == EACCES || e == EPERM)
		e = BT_ERR_HANDOVER;
	if (e != 0)
		bt_claim_memory_free(&memory->store);
	else
		*out = memory;
	return e;
}

/* Under the lock. */
static struct bt_claim_memory *
find_kept(const uint8_t *id)
{
	struct bt_claim_memory *memory;

	for (unsigned i = 0; i < NUM_KEPT; i++) {
		unsigned at = (kept.last + i) % NUM_KEPT;

		if ((memory = kept.stores[at]) == NULL || memcmp(memory->store_id, id, sizeof memory->store_id) != 0)
			continue;
		kept.last = at;
		return memory;
	}
	return NULL;
}

/*
 * Takes fresh, in place of the one found longest ago, or so. Returns the one to use: another thread may have opened the same file
 * meanwhile.
 */
static struct bt_claim_memory *
keep(struct bt_claim_memory *fresh)
{
	struct bt_claim_memory *there, *old = fresh;

	bt_lock_enter(&kept.lock);
	if ((there = find_kept(fresh->store_id)) == NULL) {
		there = fresh;
		kept.last = (kept.last + 1) % NUM_KEPT;
		old = kept.stores[kept.last];
		kept.stores[kept.last] = fresh;
	}
	bt_claim_memory_share(&there->store);
	bt_lock_leave(&kept.lock);
	if (old != NULL)
		bt_claim_memory_free(&old->store);
	return there;
}

int
bt_claim_memory_open(int fd, const uint8_t id[static BT_CLAIM_STORE_ID_LEN], struct bt_claim_store **out)
{
	struct bt_claim_memory *memory;
	int e;

	*out = NULL;
	bt_lock_enter(&kept.lock);
	if ((memory = find_kept(id)) != NULL)
		bt_claim_memory_share(&memory->store);
	bt_lock_leave(&kept.lock);
	if (memory == NULL) {
		if ((e = open_fresh(fd, id, &memory)) != 0)
			return e;
		memory = keep(memory);
	}
	*out = &memory->store;
	return 0;
}
