/*
 * claim - "first, or already taken?"
 *
 * A claim is a one-time key that waits in a store until the first process that can name it takes it. Who exports a context
 * reserves a claim, seals under its key, and activates it; who imports reads the key, opens the seal, does everything else
 * that can fail, and only then takes the claim, which exactly one process ever wins. The room knows nothing of tokens.
 *
 * The same question, asked of what a fork has made two of, is answered in fork.h, without a store.
 *
 * A store is behind a small table of operations. The default one is a slot table in shared memory, one per user and boot
 * (table.c, slot.c, doc/format/claims.md). It is opened at first use, kept for the life of the process, and shared by its
 * threads without a lock. A child after fork() uses it as well.
 *
 * A store is asked for anew for each export (bt_claim_user_store) and each import (bt_claim_store_of): that costs one cheap
 * system call and is where a changed effective user is noticed, and, a millisecond after it happened at the latest, a deleted
 * table and a descriptor that the program closed.
 *
 * What the kernel enforces: other users cannot open the table. What is a convention among the users of this room: single use,
 * among the processes of one user, each of which could read the table by other means.
 */
#ifndef BT_CLAIM_CLAIM_H
#define BT_CLAIM_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

enum { BT_CLAIM_KEY_LEN = 32, BT_CLAIM_STORE_ID_LEN = 16 };

/* Where a table is; goes into tokens, so the numbers never change. */
enum bt_claim_place {
	BT_CLAIM_PLACE_SHM = 1,	    /* /dev/shm/baton-<effective uid> */
	BT_CLAIM_PLACE_RUNTIME = 2, /* $XDG_RUNTIME_DIR/baton; without the variable /run/user/<effective uid>/baton */
	BT_CLAIM_PLACE_NAMED = 3,   /* $BATON_CLAIM_DIR */
	BT_CLAIM_PLACE_BOX = 4,	    /* a file of its own in /dev/shm/baton-<effective uid>; the exporter was root */
	BT_CLAIM_PLACE_MEMORY = 5,  /* a memory file that goes along with the token (memory.h); never found by its ref alone */
};

/* Names one claim; not secret. What a token carries. */
struct bt_claim_ref {
	uint8_t place;				 /* which directory the table is in; enum bt_claim_place */
	uint8_t store_id[BT_CLAIM_STORE_ID_LEN]; /* random, of the table */
	uint32_t slot;
	uint32_t generation; /* how often the slot was used before */
	int64_t expires_at;  /* milliseconds since boot (base/clock.h) */
};

/* How many claims a store holds, and how it fares; for operators. */
struct bt_claim_census {
	uint32_t num_slots, num_free, num_live, num_expired, num_reserved;
	int64_t oldest_at; /* boot milliseconds of the earliest expiry among the live, or 0 */
};

/* One claim of a store; for operators. */
enum bt_claim_kind { BT_CLAIM_IS_LIVE, BT_CLAIM_IS_EXPIRED, BT_CLAIM_IS_RESERVED };
struct bt_claim_entry {
	enum bt_claim_kind kind;
	int32_t pid;	    /* of the process that exported; its number may be another's by now */
	int64_t made_at;    /* boot milliseconds */
	int64_t expires_at; /* likewise; 0: not known yet */
};

struct bt_claim_store;

/*
 * bt_claim_user_store - the default store of the effective user, the one to export to.
 *   create  make it if it is not there (export); otherwise only look (operators)
 * Its place is NAMED if BATON_CLAIM_DIR is set, else RUNTIME if XDG_RUNTIME_DIR is the user's own and in memory, else SHM; a
 * process in secure execution mode heeds neither variable. Decided once per process and user.
 * Errors: STORE_MISSING, STORE_OWNER, STORE_MODE, STORE_PLACE, STORE_DAMAGED, NOMEM, ENTROPY, errno of a failed call (EMFILE,
 * ENOSPC ...), each with a note that names the path; then out is NULL. The store belongs to the room.
 */
int bt_claim_user_store(bool create, struct bt_claim_store **out);

/*
 * bt_claim_account_store - where root puts claims for another account, which alone can take them. The store is this thread's, until
 * it asks for another.
 * Errors: STORE_MISSING, STORE_OWNER, STORE_MODE, STORE_PLACE, errno, with a note; then out is NULL.
 */
int bt_claim_account_store(uint32_t uid, struct bt_claim_store **out);

/*
 * bt_claim_store_of - the store that ref names, for import. Creates nothing.
 * Errors: TOKEN_STORE (no such store here: another boot, host, container, account or environment, or it was deleted),
 * MALFORMED (a place that does not exist), and those of bt_claim_user_store but STORE_MISSING; then out is NULL.
 */
int bt_claim_store_of(const struct bt_claim_ref *ref, struct bt_claim_store **out);

/*
 * bt_claim_reserve - a slot and a fresh key. Nobody can take the claim before it is activated; if this process dies first,
 * the slot is swept. Expired claims are swept when the store runs full and, a few pages at a time, now and then.
 *   ttl_ms  1 or more
 *   key     fresh random bytes: the caller wipes them
 * Errors: STORE_FULL, STORE_DAMAGED (truncated or deleted by somebody), ENTROPY, ENOSPC (the file system is full); then ref and
 * key are zeroed.
 */
int bt_claim_reserve(struct bt_claim_store *store, int64_t ttl_ms, struct bt_claim_ref *ref,
		     uint8_t key[static BT_CLAIM_KEY_LEN]);

/*
 * bt_claim_activate - the exporter's irreversible step: from now on the claim can be taken. Once, after bt_claim_reserve by the same
 * process. Errors: EAGAIN (this process stood still for longer than BT_CLAIM_STUCK_MS and the reservation was swept); then
 * nobody can take the claim, and nothing of another's is touched.
 */
int bt_claim_activate(struct bt_claim_store *store, const struct bt_claim_ref *ref,
		       const uint8_t key[static BT_CLAIM_KEY_LEN]);

/* bt_claim_cancel - give a reserved slot back instead. */
void bt_claim_cancel(struct bt_claim_store *store, const struct bt_claim_ref *ref);

/* bt_claim_owner_of - the user whose store this is: the effective user of the call that gave it. */
uint32_t bt_claim_owner_of(const struct bt_claim_store *store);

/* bt_claim_is_of - is ref of this very store (by id)? */
bool bt_claim_is_of(const struct bt_claim_store *store, const struct bt_claim_ref *ref);

/*
 * bt_claim_read - the key, without taking the claim. The caller wipes it.
 * Errors: TOKEN_STORE (another store), TOKEN_USED (taken, or the slot is on another generation), TOKEN_EXPIRED (also of a
 * swept claim, as long as ref says that it has expired), STORE_DAMAGED, MALFORMED (a slot number that no store has); then key
 * is zeroed.
 */
int bt_claim_read(struct bt_claim_store *store, const struct bt_claim_ref *ref, uint8_t key[static BT_CLAIM_KEY_LEN]);

/*
 * bt_claim_take - the irreversible step: 0 for exactly one caller in all processes. Errors: those of bt_claim_read.
 */
int bt_claim_take(struct bt_claim_store *store, const struct bt_claim_ref *ref);

/* bt_claim_census_of - count. Not atomic. */
void bt_claim_census_of(struct bt_claim_store *store, struct bt_claim_census *out);

/* bt_claim_each - fn for each claim of a table, in no order. Not atomic. */
void bt_claim_each(struct bt_claim_store *store, void (*fn)(const struct bt_claim_entry *entry, void *arg), void *arg);

/* bt_claim_path_of - the file that a table is in; "" if the store is in none. */
const char *bt_claim_path_of(const struct bt_claim_store *store);

/*
 * bt_claim_take_num_expired - how many claims that nobody took in time this process has freed, in all stores, since the last call.
 * Any thread.
 */
uint32_t bt_claim_take_num_expired(void);

/* bt_claim_sweep - free what has expired and what dead processes had reserved. Returns how many. */
uint32_t bt_claim_sweep(struct bt_claim_store *store);

#endif
