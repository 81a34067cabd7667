/*
 * table - the slot table in shared memory: its layout (doc/format/claims.md), opening and checking it. What is done with the
 * slots is in slot.c and sweep.c.
 *
 * The file is mapped as a struct and not read with a cursor: who can write to it is this user, whose processes trust each
 * other, and compare-and-swap needs it in place. Yet no value from it is used as an index or a length.
 *
 * A table once opened stays until the process ends; threads use it without a lock. When its file is found deleted, the table is
 * retired: others may be in the midst of it, so private zeros take the place of the mapping, where every operation fails.
 */
#ifndef BT_CLAIM_TABLE_H
#define BT_CLAIM_TABLE_H

#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/types.h>

#include "claim/limits.h"
#include "claim/store.h"

/* State of a slot: generation in the upper 32 bits, process id in the next 30, one of these in the last 2. */
enum bt_claim_state {
	BT_CLAIM_FREE = 0,    /* a slot never used is all zeros */
	BT_CLAIM_BUSY = 1,    /* reserved by the process; key and expiry are being made */
	BT_CLAIM_READY = 2,   /* a claim that can be taken */
	BT_CLAIM_CLAIMED = 3, /* the process wipes it */
};

struct bt_claim_slot {
	_Atomic uint64_t state;
	_Atomic int64_t expires_at; /* boot milliseconds */
	_Atomic int64_t changed_at; /* boot milliseconds of the last step to BUSY or CLAIMED, or shortly before */
	uint64_t spare;
	_Atomic uint64_t key[BT_CLAIM_KEY_LEN / 8];
};

struct bt_claim_file {
	_Atomic uint64_t magic; /* written last */
	uint32_t version;
	uint32_t uid;
	_Atomic uint64_t store_id[BT_CLAIM_STORE_ID_LEN / 8];
	uint8_t boot_id[16]; /* zeros: unknown */
	uint32_t num_slots;
	uint32_t slot_len;
	uint64_t spare;
	_Atomic int64_t next_sweep_at; /* boot milliseconds */
	_Atomic uint32_t sweep_cursor; /* a page number, modulo their number */
	uint8_t spare1[52];
	_Atomic uint64_t present[BT_CLAIM_NUM_PAGES / 64]; /* pages of slots that have memory */
	uint8_t spare2[BT_CLAIM_PAGE_LEN - 256];
	_Atomic uint64_t used[BT_CLAIM_NUM_PAGES]; /* a hint only: the slot's state decides */
	struct bt_claim_slot slots[BT_CLAIM_NUM_SLOTS];
};

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "the table needs lock-free 64-bit atomics");
_Static_assert(sizeof(struct bt_claim_slot) == 64, "slot");
_Static_assert(offsetof(struct bt_claim_file, next_sweep_at) == 64, "header");
_Static_assert(offsetof(struct bt_claim_file, present) == 128, "header");
_Static_assert(offsetof(struct bt_claim_file, used) == BT_CLAIM_PAGE_LEN, "header");
_Static_assert(offsetof(struct bt_claim_file, slots) == 3 * BT_CLAIM_PAGE_LEN, "header");

#define BT_CLAIM_MAGIC UINT64_C(0x31736d69616c4342) /* "BClaims1" where the low byte is first */

struct bt_claim_table {
	struct bt_claim_store store;
	struct bt_claim_table *next;
	struct bt_claim_file *file; /* mapped */
	_Atomic int fd;		    /* kept to notice deletion and truncation */
	dev_t dev;
	ino_t ino;
	uid_t uid;
	uint8_t place;
	_Atomic bool is_default; /* of its user, for this process */
	_Atomic bool is_retired;
	_Atomic int64_t fine_at; /* boot milliseconds of the last look that found the file as it should be; -1: none yet */
	char path[PATH_MAX]; /* of the file, for notes */
};

/* What a look at the open file shows. */
enum bt_claim_look {
	BT_CLAIM_LOOK_FINE,
	BT_CLAIM_LOOK_DELETED,
	BT_CLAIM_LOOK_SHRUNK, /* touching the mapping would be SIGBUS */
	BT_CLAIM_LOOK_BLIND,  /* the program closed our descriptor; the mapping is as it was */
};

/*
 * bt_claim_table_open - open or make the table "claims" in a directory, past the process-wide list.
 *   create  make the directory and the table if they are not there
 * Errors: as bt_claim_user_store; then out is NULL.
 */
int bt_claim_table_open(const char *dir, uid_t uid, uint8_t place, bool create, struct bt_claim_table **out);

/* bt_claim_table_free - unmap and close a table that nobody else uses. Takes NULL. */
void bt_claim_table_free(struct bt_claim_table *table);

enum bt_claim_look bt_claim_table_look(const struct bt_claim_table *table);

/* bt_claim_table_glance - as bt_claim_table_look, but FINE without a look if there was a good one in this very millisecond. */
enum bt_claim_look bt_claim_table_glance(struct bt_claim_table *table, int64_t now);

/* bt_claim_table_retire - take a deleted or damaged table out of service. More than once is harmless. */
void bt_claim_table_retire(struct bt_claim_table *table);

/* bt_claim_table_reattach - replace a lost descriptor by that of fresh, which is freed. False: fresh is another file. */
bool bt_claim_table_reattach(struct bt_claim_table *table, struct bt_claim_table *fresh);

/* bt_claim_table_need_page - memory for a page of slots, before its first use. Errors: ENOSPC and the like, STORE_DAMAGED. */
int bt_claim_table_need_page(struct bt_claim_table *table, uint32_t page);

bool bt_claim_table_has_page(const struct bt_claim_table *table, uint32_t page);

/* The operations of a table; slot.c. */
extern const struct bt_claim_ops bt_claim_slot_ops;

/*
 * bt_claim_slot_release - end a claim or a reservation whose state was seen to be `state`: wipe, next generation, FREE.
 * False if the state has changed since: of all that try, in all processes, one gets true.
 */
bool bt_claim_slot_release(struct bt_claim_table *table, uint32_t index, uint64_t state, pid_t pid, int64_t now);

/* bt_claim_slot_mark_free - clear the slot's used bit. */
void bt_claim_slot_mark_free(struct bt_claim_table *table, uint32_t index);

/* bt_claim_sweep_now_and_then - the share of one reservation in sweeping. */
void bt_claim_sweep_now_and_then(struct bt_claim_table *table, pid_t pid, int64_t now);

/* bt_claim_sweep_for - sweep on where the last sweep ended, until num slots are freed or once around. Returns how many. */
uint32_t bt_claim_sweep_for(struct bt_claim_table *table, uint32_t num, pid_t pid, int64_t now);

uint32_t bt_claim_sweep_all(struct bt_claim_store *store);

/* Looking at a table, for operators; census.c. */
void bt_claim_census_count(struct bt_claim_store *store, struct bt_claim_census *out);
void bt_claim_census_each(struct bt_claim_store *store, void (*fn)(const struct bt_claim_entry *entry, void *arg), void *arg);
const char *bt_claim_census_path(const struct bt_claim_store *store);

/* bt_claim_table_is_whole - before reading all of the mapping: a table cut short is left alone. */
bool bt_claim_table_is_whole(const struct bt_claim_table *table);

static inline uint64_t
bt_claim_state_of(uint32_t generation, pid_t pid, enum bt_claim_state state)
{
	return (uint64_t)generation << 32 | ((uint64_t)pid & 0x3fffffff) << 2 | (uint64_t)state;
}

static inline enum bt_claim_state
bt_claim_state_kind(uint64_t state)
{
	return (enum bt_claim_state)(state & 3);
}

static inline pid_t
bt_claim_state_pid(uint64_t state)
{
	return (pid_t)(state >> 2 & 0x3fffffff);
}

static inline uint32_t
bt_claim_state_generation(uint64_t state)
{
	return (uint32_t)(state >> 32);
}

#endif
