#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/iakerb.h"

static int
carry(struct bt_iakerb *exchange, const struct bt_iakerb_proxy *arrived, struct bt_buf *token_out)
{
	struct bt_iakerb_proxy answer = {.realm = arrived->realm};
	struct bt_krb5 *lib;
	struct bt_buf reply;
	int e;

	if (exchange->num_hops == BT_IAKERB_HOPS_MAX)
		return bt_krb5_fail(NULL, KRB5_KDC_UNREACH);
	if ((e = bt_krb5_enter(&lib)) != 0)
		return e;
	e = bt_iakerb_relay(lib, arrived->realm, arrived->message, &reply);
	bt_krb5_leave(lib);
	if (e != 0)
		return e;
	exchange->num_hops++;
	answer.message = bt_bytes_of_buf(&reply);
	e = bt_iakerb_proxy_write(&answer, false, token_out);
	bt_buf_free(&reply);
	return e;
}

/* A message for a KDC. Nobody is authenticated yet. */
static int
proxy_leg(struct bt_ctx *ctx, const struct bt_accept_step *step, struct bt_buf *token_out)
{
	struct bt_iakerb_proxy arrived;
	struct bt_iakerb *exchange;
	int e;

	/* Carrying messages is for those who asked for it: never for a default credential. */
	if (step->cred == NULL || step->cred->usage == BT_USAGE_INITIATE)
		return BT_ERR_NO_CRED;
	if ((e = bt_iakerb_proxy_read(step->token, ctx->stage == BT_CTX_NEW, &arrived)) != 0)
		return e;
	if (!bt_iakerb_is_request(arrived.message))
		return BT_ERR_DEFECTIVE_TOKEN;
	if (ctx->stage == BT_CTX_NEW && (e = bt_iakerb_begin(ctx)) != 0)
		return e;
	exchange = bt_iakerb_of(ctx);
	if ((e = bt_iakerb_remember(exchange, step->token)) == 0 && (e = carry(exchange, &arrived, token_out)) == 0)
		e = bt_iakerb_remember(exchange, bt_bytes_of_buf(token_out));
	if (e != 0)
		bt_buf_free(token_out);
	return e;
}

int
bt_iakerb_accept(struct bt_ctx *ctx, const struct bt_accept_step *step, struct bt_buf *token_out, struct bt_mcred **delegated)
{
	bool may_carry = ctx->stage == BT_CTX_NEW || bt_iakerb_of(ctx) != NULL;

	*token_out = (struct bt_buf){0};
	if (delegated != NULL)
		*delegated = NULL;
	return may_carry && bt_iakerb_is_proxy(step->token) ? proxy_leg(ctx, step, token_out)
							    : bt_krb5_accept(ctx, step, token_out, delegated);
}
