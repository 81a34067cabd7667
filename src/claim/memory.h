/*
 * memory - claims in a memory file (memfd) that is handed on with them. doc/format/handover.md.
 *
 * Who has the file's descriptor can take its claims, and nobody else: so it serves processes of any account, over a socket that passes
 * descriptors. Who made the store reserves and activates in it, and watches what becomes of its claims; whoever opens it takes
 * or refuses. All who can read one file trust each other with the claims in it, and with nothing else: what one of them writes
 * there is never used as an index, a length or an address by another.
 *
 * The operations of claim.h work on these stores too. Stores are counted; any thread may call. Opened ones are kept for the next
 * message with the same file, a few dozen of them.
 */
#ifndef BT_CLAIM_MEMORY_H
#define BT_CLAIM_MEMORY_H

#include "claim/claim.h"

enum { BT_CLAIM_MEMORY_NUM_SLOTS = 63 };

/* What became of a claim. */
enum bt_claim_fate {
	BT_CLAIM_WAITS,
	BT_CLAIM_TAKEN, /* or nobody's any more: whoever asks does not have it */
	BT_CLAIM_REFUSED,
};

/* bt_claim_memory_new - a store of its own file. Errors: NOMEM, ENTROPY, errno (EMFILE ...); then out is NULL. */
int bt_claim_memory_new(struct bt_claim_store **out);

/*
 * bt_claim_memory_open - the store of a file that came from somebody with its id; fd stays the caller's and is not needed afterwards.
 * The id is random and known only to those who have the file or have been sent claims in it: one that is open here already is
 * recognised by it, without a look at fd.
 * Errors: HANDOVER (not such a file: another size, kind or id, not sealed against shrinking, read-only), NOMEM, errno; then out is NULL.
 */
int bt_claim_memory_open(int fd, const uint8_t id[static BT_CLAIM_STORE_ID_LEN], struct bt_claim_store **out);

struct bt_claim_store *bt_claim_memory_share(struct bt_claim_store *store);
/* bt_claim_memory_free - takes NULL. Claims in it stay what they are for others who have the file. */
void bt_claim_memory_free(struct bt_claim_store *store);

/* bt_claim_memory_fd - the file, of a store that this process made. */
int bt_claim_memory_fd(const struct bt_claim_store *store);

/* bt_claim_memory_has_fd - is it still there? A program may close all descriptors, and open others under their numbers. */
bool bt_claim_memory_has_fd(const struct bt_claim_store *store);

/*
 * bt_claim_memory_refuse - for whoever opened the store: the claim is not taken, and its maker sees it. Neither number is trusted.
 * Too late, or no such claim: nothing happens.
 */
void bt_claim_memory_refuse(struct bt_claim_store *store, uint32_t slot, uint32_t generation);

/* Does its maker want to be woken when a claim is taken or refused? How is not this room's business. */
bool bt_claim_memory_wants_wake(const struct bt_claim_store *store);
void bt_claim_memory_want_wake(struct bt_claim_store *store);

/* ---- for whoever made the store ---- */

enum bt_claim_fate bt_claim_memory_fate(struct bt_claim_store *store, const struct bt_claim_ref *ref);

/* bt_claim_memory_take_back - as bt_claim_take, also of a claim that was refused or has expired. Errors: TOKEN_USED. */
int bt_claim_memory_take_back(struct bt_claim_store *store, const struct bt_claim_ref *ref);

/* bt_claim_memory_let_go - its maker does not ask about the claim any more. It can still be taken until it expires. */
void bt_claim_memory_let_go(struct bt_claim_store *store, const struct bt_claim_ref *ref);

#endif
