/*
 * Of the two tokens each has one shape, and the second one value: an acceptor opens a context for whatever is a key in that shape; an
 * initiator for the very bytes that the acceptor it spoke to has sent.
 *
 * Input: a first byte that says what follows:
 *   even  the initiator's token
 *   odd   the acceptor's, for the initiator of the draft's appendix A
 */
#include "../wire/must.h"
#include "base/err.h"
#include "mech/mech.h"
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { KEY_LEN = BT_CRYPTO_X25519_LEN };

static const uint8_t secret[KEY_LEN] = {0x83, 0x33, 0xf2, 0xea, 0x2a, 0x22, 0xeb, 0xaa, 0x05, 0x39, 0xc6, 0x06, 0x1d, 0x6a, 0x99, 0x05,
					0x84, 0x24, 0x49, 0x9e, 0x2c, 0x16, 0xc1, 0xb1, 0x34, 0xd9, 0x22, 0x27, 0xf3, 0xf4, 0x5e, 0xbd};
static const uint8_t answer[] = {0x2f, 0x81, 0x51, 0x9f, 0xa8, 0x9c, 0x07, 0xf8, 0xeb, 0xb2, 0x95, 0x6c, 0x0c, 0xc3, 0x22, 0x77,
				 0xae, 0xa1, 0x0e, 0x62, 0x0c, 0x79, 0x33, 0x81, 0xef, 0x9a, 0xc5, 0xb2, 0xf0, 0xd9, 0x1e, 0x06,
				 0x04, 0x04, 0x05, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
				 0x4d, 0x5e, 0xa9, 0xe0, 0xe1, 0x9c, 0x7a, 0x61, 0xc2, 0x6a, 0x9a, 0xc5, 0xe8, 0x17, 0x5f, 0x04};

/* Every key pair made here is the initiator's of the appendix. */
int
bt_crypto_random(void *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = secret[i % KEY_LEN];
	return 0;
}

static void
accept(struct bt_bytes token)
{
	struct bt_cred_request request = {.usage = BT_USAGE_ACCEPT};
	struct bt_ctx *ctx = bt_ctx_new(&bt_mech_sanon, false);
	struct bt_accept_step step = {.token = token};
	struct bt_bytes oid, body;
	struct bt_mcred *delegated;
	struct bt_buf out;
	int e;

	must(ctx != NULL && bt_mech_sanon.cred_acquire(&request, &step.cred) == 0);
	e = bt_mech_sanon.accept(ctx, &step, &out, &delegated);
	must((e == 0) == (ctx->stage == BT_CTX_OPEN) && (e == 0) == (out.len == sizeof answer) && delegated == NULL);
	must(e == 0 || e == BT_ERR_DEFECTIVE_TOKEN || e == BT_ERR_MALFORMED);
	if (bt_frame_read(token, &oid, &body) == 0 && bt_bytes_equal(oid, bt_mech_sanon.oid) &&
	    (body.len == KEY_LEN || body.len == KEY_LEN + 8))
		must(e != BT_ERR_DEFECTIVE_TOKEN);
	else
		must(e == BT_ERR_DEFECTIVE_TOKEN);
	if (e == 0)
		must((ctx->flags & BT_CTX_ANON) != 0 && ctx->initiator->is_anonymous && ctx->expires_at == BT_CTX_NEVER);
	bt_buf_free(&out);
	bt_mech_sanon.cred_free(step.cred);
	bt_ctx_free(ctx);
}

static void
finish(struct bt_bytes token)
{
	struct bt_ctx *ctx = bt_ctx_new(&bt_mech_sanon, true);
	struct bt_init_step step = {.flags = BT_CTX_ANON};
	struct bt_buf out;
	int e;

	must(ctx != NULL && bt_mech_sanon.init(ctx, &step, &out) == 0);
	bt_buf_free(&out);
	step.token = token;
	e = bt_mech_sanon.init(ctx, &step, &out);
	must(out.len == 0 && (e == 0) == (ctx->stage == BT_CTX_OPEN));
	must((e == 0) == bt_bytes_equal(token, bt_bytes_of(answer, sizeof answer)));
	bt_ctx_free(ctx);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	if (data[0] % 2 == 0)
		accept(bt_bytes_of(data + 1, len - 1));
	else
		finish(bt_bytes_of(data + 1, len - 1));
	return 0;
}
