/*
 * memory_file - the layout of a memory file of claims (doc/format/handover.md), inside the room. What is done with the slots is in
 * memory.c, making and opening files in memory_file.c.
 */
#ifndef BT_CLAIM_MEMORY_FILE_H
#define BT_CLAIM_MEMORY_FILE_H

#include <stdatomic.h>
#include <stddef.h>
#include <sys/types.h>

#include "claim/limits.h"
#include "claim/memory.h"
#include "claim/store.h"

struct bt_claim_memory_slot {
	_Atomic uint64_t state;	    /* generation in the upper 32 bits, 8 if watched, the step in the lowest 3 */
	_Atomic int64_t expires_at; /* boot milliseconds; for the maker's sweeping */
	uint64_t spare[2];
	_Atomic uint64_t key[BT_CLAIM_KEY_LEN / 8];
};

struct bt_claim_memory_file {
	uint64_t magic;
	uint32_t version;
	uint32_t num_slots;
	uint8_t store_id[BT_CLAIM_STORE_ID_LEN];
	_Atomic uint32_t wants_wake;
	uint8_t spare[28];
	struct bt_claim_memory_slot slots[BT_CLAIM_MEMORY_NUM_SLOTS];
};

_Static_assert(sizeof(struct bt_claim_memory_slot) == 64, "slot");
_Static_assert(offsetof(struct bt_claim_memory_file, slots) == 64, "header");
_Static_assert(sizeof(struct bt_claim_memory_file) == BT_CLAIM_PAGE_LEN, "one page");

#define BT_CLAIM_MEMORY_MAGIC UINT64_C(0x31736d69616c434d) /* "MClaims1" where the low byte is first */

struct bt_claim_memory {
	struct bt_claim_store store;
	_Atomic uint32_t refs;
	struct bt_claim_memory_file *file; /* mapped; all that other processes can change */
	uint8_t store_id[BT_CLAIM_STORE_ID_LEN]; /* as this process first saw it */
	int fd;			/* of who made it, else -1 */
	dev_t dev;
	ino_t ino;
	_Atomic uint32_t hint; /* a slot that is likely to be free */
};

extern const struct bt_claim_ops bt_claim_memory_ops;

#endif
