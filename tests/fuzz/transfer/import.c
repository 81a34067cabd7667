/*
 * Import takes a token that it could have been given, and nothing else, and what it takes it exports in the same bytes.
 *
 * Input: a first byte that says what follows:
 *   even  a whole token, with a live claim of a known key waiting in the store that it may name
 *   odd   the state of a token, which is put under a good seal; so the fuzzer reaches what is behind the cryptography
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "fuzz/wire/must.h"
#include "mech/state.h"
#include "transfer/inspect.h"
#include "transfer/limits.h"
#include "transfer/seal.h"
#include "transfer/transfer.h"
#include "unit/transfer/fake_claim.h"
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* ---- a mechanism that takes any half-open state ---- */

static int
pending_save(const struct bt_ctx *ctx, struct bt_wr *out)
{
	const struct bt_buf *pending = ctx->pending;

	bt_wr_bytes(out, bt_bytes_of_buf(pending));
	return out->failed ? BT_ERR_NOMEM : 0;
}

static void
pending_free(struct bt_ctx *ctx)
{
	bt_buf_free(ctx->pending);
	bt_mem_free(ctx->pending);
	ctx->pending = NULL;
}

static int
pending_load(struct bt_ctx *ctx, struct bt_mechs mechs, struct bt_bytes saved)
{
	struct bt_buf *pending = bt_mem_alloc(sizeof *pending);

	if (pending == NULL)
		return BT_ERR_NOMEM;
	ctx->pending = pending;
	return bt_buf_dup(saved, pending);
}

static const struct bt_mech mech = {
    .oid = {(const uint8_t *)"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02", 9},
    .pending_save = pending_save,
    .pending_load = pending_load,
    .pending_free = pending_free,
};
static const struct bt_mech *const mechs[] = {&mech};

/* The key and header of tests/golden, so that its tokens are good ones here. */
static const uint8_t key[BT_CLAIM_KEY_LEN] = "golden key, thirty-two octets..";
static const struct bt_seal_header header = {
    .uid = 1000,
    .claim = {.place = BT_CLAIM_PLACE_SHM,
	      .store_id = "golden store id",
	      .slot = 7,
	      .generation = 3,
	      .expires_at = INT64_C(0x7000000000000000)},
};

__attribute__((visibility("default"))) uid_t
geteuid(void)
{
	return header.uid;
}

static void
seal(struct bt_bytes oid, struct bt_bytes state, struct bt_buf *out)
{
	struct bt_wr wr;
	size_t head_len;

	bt_wr_init(&wr);
	bt_seal_write_head(&wr, oid, &header);
	head_len = wr.len;
	bt_wr_bytes(&wr, state);
	must(bt_wr_room(&wr, BT_SEAL_TAG_LEN) != NULL);
	must(bt_wr_take(&wr, out) == 0);
	must(bt_seal_close(key, out->ptr, head_len, bt_bytes_of(out->ptr + head_len, state.len)) == 0);
}

/* The token that ctx would be exported as under the same claim. */
static void
seal_again(struct bt_ctx *ctx, struct bt_buf *out)
{
	struct bt_ctx_secrets secrets;
	struct bt_ctx_state state;
	struct bt_wr wr;

	bt_wr_init(&wr);
	bt_ctx_secrets_init(&secrets);
	must(bt_ctx_state_of(ctx, &secrets, &state) == 0);
	must(bt_rec_encode(&bt_ctx_state_rec, &state, &wr) == 0);
	seal(ctx->wire_oid, bt_wr_written(&wr), out);
	bt_wr_done(&wr);
	bt_ctx_secrets_done(&secrets);
}

/* What is seen from outside is what an import then meets, and seeing it uses nothing up. */
static void
inspect(struct bt_bytes token, struct bt_transfer_sight *sight, int *e)
{
	char text[BT_TRANSFER_OID_LEN], audience[BT_TRANSFER_AUDIENCE_LEN], claim[BT_TRANSFER_CLAIM_LEN];

	*e = bt_transfer_inspect((struct bt_mechs){mechs, 1}, token, sight);
	bt_transfer_describe_oid(sight->oid, text);
	bt_transfer_describe_audience(&sight->header, audience);
	bt_transfer_describe_claim(&sight->header.claim, claim);
	must(strlen(text) < sizeof text && strlen(audience) < sizeof audience && strlen(claim) < sizeof claim);
}

static void
import(struct bt_bytes token, bool is_sealed)
{
	struct bt_transfer_sight sight;
	struct bt_ctx *ctx, *none;
	struct bt_buf again;
	int e, seen;

	fake_claims_reset();
	fake_claims_set(&header.claim, key);
	inspect(token, &sight, &seen);
	e = bt_transfer_import(mechs, 1, token, &ctx);
	if (seen != 0 || sight.err != 0)
		must(e == (seen != 0 ? seen : sight.err));
	if (e == 0) {
		must(bt_transfer_import(mechs, 1, token, &none) == BT_ERR_TOKEN_USED && none == NULL);
		seal_again(ctx, &again);
		must(bt_bytes_equal(bt_bytes_of_buf(&again), token));
		bt_buf_free(&again);
		bt_ctx_free(ctx);
		return;
	}
	must(ctx == NULL);
	if (is_sealed)
		must(e == BT_ERR_TOKEN_FORMAT || e == BT_ERR_CONTEXT_EXPIRED);
	else
		must(e == BT_ERR_TOKEN_FORMAT || e == BT_ERR_TOKEN_VERSION || e == BT_ERR_TOKEN_ALTERED ||
		     e == BT_ERR_TRUNCATED || e == BT_ERR_TRAILING || e == BT_ERR_TOKEN_USED || e == BT_ERR_TOKEN_STORE ||
		     e == BT_ERR_TOKEN_USER);
	/* A refusal burns nothing: a good token of the same claim still works. */
	seal(mech.oid, bt_bytes_of("\x01\x01\x01", 3), &again);
	must(bt_transfer_import(mechs, 1, bt_bytes_of_buf(&again), &ctx) == 0);
	bt_ctx_free(ctx);
	bt_buf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bt_rd rd = bt_rd_of(bt_bytes_of(data, len));
	struct bt_bytes rest;
	struct bt_buf token;
	bool is_state = bt_rd_u8(&rd) % 2 != 0;

	rest = bt_rd_rest(&rd);
	if (!is_state) {
		import(rest, false);
	} else if (rest.len <= BT_TRANSFER_STATE_MAX) {
		seal(mech.oid, rest, &token);
		import(bt_bytes_of_buf(&token), true);
		bt_buf_free(&token);
	}
	return 0;
}
