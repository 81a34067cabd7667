/*
 * Contexts as MIT's library exports them: what is read ends where the token ends, and what is imported is a context like any
 * other, whose state can be written down, read and built again.
 */
#include "../wire/must.h"
#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/mech_krb5.h"
#include "mech/krb5/mit_token.h"
#include "mech/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
is_inside(struct bt_bytes part, struct bt_bytes whole)
{
	return part.len == 0 ||
	       (part.ptr >= whole.ptr && part.len <= whole.len && (size_t)(part.ptr - whole.ptr) <= whole.len - part.len);
}

static void
ends_there(struct bt_bytes token)
{
	struct bt_krb5_mit_token parts;
	uint8_t *copy = bt_mem_alloc(token.len + 1);

	must(copy != NULL);
	memcpy(copy, token.ptr, token.len);
	must(bt_krb5_mit_token_read(bt_bytes_of(copy, token.len - 1), &parts) == BT_ERR_MALFORMED && parts.flags == 0);
	must(bt_krb5_mit_token_read(bt_bytes_of(copy, token.len + 1), &parts) == BT_ERR_TRAILING && parts.flags == 0);
	bt_mem_free_secret(copy, token.len + 1);
}

static void
goes_round(struct bt_ctx *ctx)
{
	struct bt_mechs none = {0};
	struct bt_ctx_secrets secrets;
	struct bt_ctx_state state, again;
	struct bt_ctx *built;
	struct bt_wr wr;

	bt_wr_init(&wr);
	bt_ctx_secrets_init(&secrets);
	must(bt_ctx_state_of(ctx, &secrets, &state) == 0);
	must(bt_rec_encode(&bt_ctx_state_rec, &state, &wr) == 0);
	must(bt_rec_decode(&bt_ctx_state_rec, bt_wr_written(&wr), &again) == 0);
	must(bt_rec_equal(&bt_ctx_state_rec, &state, &again));
	must(bt_ctx_state_build(&again, ctx->mech, ctx->wire_oid, none, &built) == 0);
	bt_ctx_free(built);
	bt_ctx_secrets_done(&secrets);
	bt_wr_done(&wr);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bt_bytes token = bt_bytes_of(data, len);
	struct bt_krb5_mit_token parts;
	struct bt_ctx *ctx;
	int e = bt_krb5_mit_token_read(token, &parts);

	must(e == 0 || e == BT_ERR_MALFORMED || e == BT_ERR_TRAILING);
	if (e == 0) {
		must(bt_krb5_mit_token_is(token));
		must(is_inside(parts.here, token) && is_inside(parts.there, token) && is_inside(parts.authdata, token));
		must(is_inside(parts.subkey.bytes, token) && is_inside(parts.pac, token) && is_inside(parts.indicators, token));
		ends_there(token);
	}
	if (bt_krb5_mit_import((struct bt_mechs){0}, bt_krb5_oid, token, &ctx) == 0) {
		must(e == 0 && ctx->is_initiator == parts.is_initiator);
		must(ctx->stage == (parts.is_open ? BT_CTX_OPEN : BT_CTX_EXPECT_TOKEN));
		goes_round(ctx);
	} else {
		must(ctx == NULL);
	}
	bt_ctx_free(ctx);
	return 0;
}
