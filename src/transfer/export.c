#include "transfer/transfer.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "claim/claim.h"
#include "mech/state.h"
#include "transfer/draft.h"
#include "transfer/event.h"
#include "transfer/limits.h"
#include "transfer/policy.h"

int
bt_transfer_ttl(const struct bt_ctx *ctx, uint32_t max_s, int64_t *ttl_ms)
{
	int64_t now_s = bt_clock_wall_s();

	*ttl_ms = (int64_t)max_s * 1000;
	/* Between legs the end may not be known yet. */
	if (ctx->stage != BT_CTX_OPEN && ctx->expires_at == 0)
		return 0;
	if (ctx->expires_at <= now_s)
		return BT_ERR_CONTEXT_EXPIRED;
	if (ctx->expires_at < now_s + max_s)
		*ttl_ms = (ctx->expires_at - now_s) * 1000;
	return 0;
}

/*
 * The state in the clear, in one block of memory: in scratch, if it is no longer than most are, or else in wr's own. What a context holds
 * and no token can is refused: an import would refuse it too.
 */
static int
encode(const struct bt_ctx_state *state, uint8_t scratch[static BT_TRANSFER_SCRATCH_LEN], struct bt_wr *wr)
{
	int e;

	bt_wr_over(wr, scratch, BT_TRANSFER_SCRATCH_LEN);
	if ((e = bt_rec_encode(&bt_ctx_state_rec, state, wr)) == BT_ERR_NOMEM) {
		bt_wr_init(wr);
		e = bt_rec_encode(&bt_ctx_state_rec, state, wr);
	}
	return e == BT_ERR_MALFORMED ? BT_ERR_NOT_TRANSFERABLE : e;
}

static int
make_token(struct bt_bytes oid, struct bt_bytes clear, struct bt_claim_store *store, int64_t ttl_ms, struct bt_seal_header *header,
	   uint8_t *key, struct bt_buf *token)
{
	size_t len = bt_seal_token_len(oid, header->audience.bits, clear.len);
	struct bt_wr wr;
	int e;

	if ((token->ptr = bt_mem_alloc_raw(len)) == NULL)
		return BT_ERR_NOMEM;
	token->len = len;
	if ((e = bt_claim_reserve(store, ttl_ms, &header->claim, key)) != 0)
		return e;
	bt_wr_over(&wr, token->ptr, token->len);
	bt_seal_write_head(&wr, oid, header);
	if ((e = bt_seal_close(key, token->ptr, wr.len, clear)) != 0) {
		bt_claim_cancel(store, &header->claim);
		bt_mem_wipe(key, BT_CLAIM_KEY_LEN);
	}
	return e;
}

int
bt_transfer_draft(struct bt_ctx *ctx, struct bt_claim_store *store, int64_t ttl_ms, struct bt_seal_header *header,
		  uint8_t key[static BT_CLAIM_KEY_LEN], struct bt_buf *token)
{
	uint8_t scratch[BT_TRANSFER_SCRATCH_LEN];
	struct bt_ctx_secrets secrets;
	struct bt_ctx_state state;
	struct bt_wr clear;
	int e;

	*token = (struct bt_buf){0};
	bt_wr_init(&clear);
	bt_ctx_secrets_init(&secrets);
	if ((e = bt_ctx_state_of(ctx, &secrets, &state)) == 0 && (e = encode(&state, scratch, &clear)) == 0)
		e = make_token(ctx->wire_oid, bt_wr_written(&clear), store, ttl_ms, header, key, token);
	bt_mem_wipe(scratch, clear.is_fixed ? clear.len : 0);
	bt_wr_done(&clear);
	bt_ctx_secrets_done(&secrets);
	if (e != 0)
		bt_buf_free(token);
	return e;
}

static int
export(struct bt_ctx *ctx, const struct bt_transfer_wish *wish, struct bt_seal_header *header, struct bt_buf *token)
{
	struct bt_transfer_policy policy;
	struct bt_claim_store *store;
	uint8_t key[BT_CLAIM_KEY_LEN];
	int64_t ttl_ms;
	int e;

	*token = (struct bt_buf){0};
	if ((e = bt_transfer_policy_of(wish, &policy)) != 0 || (e = bt_transfer_ttl(ctx, policy.ttl_s, &ttl_ms)) != 0 ||
	    (e = bt_transfer_place(&policy, header, &store)) != 0)
		return e;
	ctx->leaves_authz = !policy.has_authdata;
	if ((e = bt_transfer_draft(ctx, store, ttl_ms, header, key, token)) != 0)
		return e;
	/* Either the token is whole and its claim works, or neither exists. */
	if ((e = bt_claim_activate(store, &header->claim, key)) != 0) {
		bt_claim_cancel(store, &header->claim);
		bt_buf_free(token);
	}
	bt_mem_wipe(key, sizeof key);
	return e;
}

int
bt_transfer_export(struct bt_ctx *ctx, const struct bt_transfer_wish *wish, struct bt_buf *token)
{
	struct bt_seal_header header;
	int e = export(ctx, wish, &header, token);

	bt_transfer_tell(e == 0 ? BT_TRANSFER_EXPORTED : BT_TRANSFER_NOT_EXPORTED, e, ctx->wire_oid, e == 0 ? &header : NULL);
	return e;
}
