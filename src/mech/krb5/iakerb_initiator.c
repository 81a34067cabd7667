#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/iakerb.h"

/* The tickets are there: Kerberos' own first leg, with the conversation to be proved, which is all that is left. */
static int
hand_on(struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_mcred *cred, struct bt_buf *token_out)
{
	struct bt_iakerb *exchange = bt_iakerb_of(ctx);
	struct bt_iakerb_client *client = exchange->client;
	struct bt_init_step own = *step;
	int e;

	own.cred = cred;
	own.token = (struct bt_bytes){0};
	exchange->client = NULL;
	e = bt_krb5_init_with(bt_iakerb_client_library(client), ctx, &own, token_out);
	bt_iakerb_client_free(client);
	return e;
}

static int
send_request(struct bt_iakerb *exchange, const struct bt_iakerb_proxy *proxy, struct bt_buf *token_out)
{
	int e;

	if (exchange->num_hops == BT_IAKERB_HOPS_MAX)
		return bt_krb5_fail(NULL, KRB5_GET_IN_TKT_LOOP);
	if ((e = bt_iakerb_proxy_write(proxy, exchange->num_hops == 0, token_out)) != 0)
		return e;
	if ((e = bt_iakerb_remember(exchange, bt_bytes_of_buf(token_out))) != 0)
		bt_buf_free(token_out);
	exchange->num_hops++;
	return e;
}

static int
go_on(struct bt_ctx *ctx, const struct bt_init_step *step, const struct bt_iakerb_proxy *arrived, struct bt_buf *token_out)
{
	struct bt_iakerb *exchange = bt_iakerb_of(ctx);
	struct bt_mcred *cred = bt_iakerb_client_cred(exchange->client, step->cred);
	struct bt_buf realm, request;
	int e;

	if (cred == NULL || cred->usage == BT_USAGE_ACCEPT)
		return BT_ERR_NO_CRED;
	if ((e = bt_iakerb_client_step(exchange->client, cred, arrived->message, &realm, &request)) != 0)
		return e;
	if (request.len == 0)
		return hand_on(ctx, step, cred, token_out);
	e = send_request(exchange,
			 &(struct bt_iakerb_proxy){
			     .realm = bt_bytes_of_buf(&realm), .cookie = arrived->cookie, .message = bt_bytes_of_buf(&request)},
			 token_out);
	bt_buf_free(&realm);
	bt_buf_free(&request);
	return e;
}

static int
first_leg(struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *token_out)
{
	static const struct bt_iakerb_proxy none;
	int e;

	if (step->token.len != 0)
		return BT_ERR_DEFECTIVE_TOKEN;
	if (step->target == NULL)
		return BT_ERR_BAD_NAME;
	if (step->cred != NULL && step->cred->usage == BT_USAGE_ACCEPT)
		return BT_ERR_NO_CRED;
	if ((e = bt_iakerb_begin(ctx)) != 0 ||
	    (e = bt_iakerb_client_new(step->cred, step->target, step->lifetime_s, &bt_iakerb_of(ctx)->client)) != 0)
		return e;
	return go_on(ctx, step, &none, token_out);
}

/* What a KDC said, or the acceptor in its place. */
static int
take_reply(struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *token_out)
{
	struct bt_iakerb_proxy arrived;
	int e;

	if ((e = bt_iakerb_proxy_read(step->token, false, &arrived)) != 0 ||
	    (e = bt_iakerb_remember(bt_iakerb_of(ctx), step->token)) != 0)
		return e;
	return go_on(ctx, step, &arrived, token_out);
}

int
bt_iakerb_init(struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *token_out)
{
	*token_out = (struct bt_buf){0};
	if (ctx->stage == BT_CTX_NEW)
		return first_leg(ctx, step, token_out);
	return bt_iakerb_of(ctx) != NULL ? take_reply(ctx, step, token_out) : bt_krb5_init(ctx, step, token_out);
}
