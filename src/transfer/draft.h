/*
 * draft - what export and hand-over have in common: a context in a sealed token, before the step that makes the token good; and
 * a token opened, before the step that uses it up. Inside the room.
 */
#ifndef BT_TRANSFER_DRAFT_H
#define BT_TRANSFER_DRAFT_H

#include "mech/mech.h"
#include "transfer/seal.h"

/* bt_transfer_ttl - how long a token of ctx may wait: max_s, but no longer than the context lives. Errors: CONTEXT_EXPIRED. RFC 2744 §5.14. */
int bt_transfer_ttl(const struct bt_ctx *ctx, uint32_t max_s, int64_t *ttl_ms);

/*
 * bt_transfer_draft - ctx sealed under a claim that is reserved in store. The caller activates the claim or cancels it, and wipes key.
 *   header   for whom the token is; the claim is filled in
 * Errors: NOT_TRANSFERABLE, NOMEM, those of bt_claim_reserve; then nothing is reserved and token is empty.
 */
int bt_transfer_draft(struct bt_ctx *ctx, struct bt_claim_store *store, int64_t ttl_ms, struct bt_seal_header *header,
		      uint8_t key[static BT_CLAIM_KEY_LEN], struct bt_buf *token);

/*
 * bt_transfer_open - a context of a token whose claim's key was read; the caller takes the claim, or frees the context.
 * Errors: TOKEN_FORMAT, TOKEN_ALTERED, CONTEXT_EXPIRED, NOMEM, the mechanism's; then out is NULL.
 */
int bt_transfer_open(const struct bt_mech *const *mechs, size_t num_mechs, const struct bt_seal_parts *parts,
		     const uint8_t key[static BT_CLAIM_KEY_LEN], struct bt_ctx **out);

#endif
