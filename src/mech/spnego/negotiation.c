#include "mech/spnego/negotiation.h"

#include "base/err.h"
#include "base/mem.h"

int
bt_spnego_begin(struct bt_ctx *ctx)
{
	return (ctx->pending = bt_mem_alloc(sizeof(struct bt_spnego))) != NULL ? 0 : BT_ERR_NOMEM;
}

int
bt_spnego_choose(struct bt_ctx *ctx, const struct bt_mech *mech, struct bt_bytes spelled)
{
	struct bt_spnego *nego = bt_spnego_of(ctx);

	bt_ctx_free(nego->inner);
	nego->chosen = spelled;
	return (nego->inner = bt_ctx_new(mech, ctx->is_initiator)) != NULL ? 0 : BT_ERR_NOMEM;
}

bool
bt_spnego_offer_of(const struct bt_ctx *inner, const struct bt_offer *offers, size_t num_offers, struct bt_offer *out)
{
	for (size_t i = 0; i < num_offers; i++) {
		if (offers[i].mech == inner->mech)
			*out = offers[i];
		else if (offers[i].mech->behind == inner->mech && inner->stage != BT_CTX_NEW)
			*out = (struct bt_offer){.mech = inner->mech};
		else
			continue;
		return true;
	}
	return false;
}

bool
bt_spnego_is_open(const struct bt_spnego *nego)
{
	return nego->inner != NULL && nego->inner->stage == BT_CTX_OPEN;
}

bool
bt_spnego_wants_mic(const struct bt_spnego *nego)
{
	/* A mechanism that protects nothing cannot protect the list either. RFC 4178 §5. */
	return nego->needs_mic && (nego->inner->flags & BT_CTX_INTEG) != 0;
}

void
bt_spnego_wait(struct bt_ctx *ctx)
{
	const struct bt_ctx *inner = bt_spnego_of(ctx)->inner;

	ctx->stage = BT_CTX_EXPECT_TOKEN;
	if (inner != NULL) {
		ctx->flags = inner->flags;
		ctx->expires_at = inner->expires_at;
	}
}

void
bt_spnego_finish(struct bt_ctx *ctx, struct bt_mcred **delegated)
{
	struct bt_spnego *nego = bt_spnego_of(ctx);
	struct bt_ctx *inner = nego->inner, shell = *ctx;

	if (delegated != NULL) {
		*delegated = nego->delegated;
		nego->delegated = NULL;
	}
	if (nego->delegated != NULL)
		inner->mech->cred_free(nego->delegated);
	nego->delegated = NULL;
	nego->inner = NULL;
	*ctx = *inner;
	/* Kerberos in DCE style has it in an earlier leg than its last, and could not have handed it over there. */
	if (delegated != NULL && *delegated != NULL)
		ctx->flags |= BT_CTX_DELEG;
	*inner = shell;
	bt_ctx_free(inner);
}

struct bt_ctx *
bt_spnego_chosen(const struct bt_ctx *ctx)
{
	return ctx->pending != NULL ? bt_spnego_of(ctx)->inner : NULL;
}

void
bt_spnego_chosen_replace(struct bt_ctx *ctx, struct bt_ctx *chosen)
{
	struct bt_spnego *nego = bt_spnego_of(ctx);

	/* It is of the mechanism that goes. */
	if (nego->delegated != NULL)
		nego->inner->mech->cred_free(nego->delegated);
	nego->delegated = NULL;
	chosen->flags &= ~(uint32_t)BT_CTX_DELEG;
	ctx->flags &= ~(uint32_t)BT_CTX_DELEG;
	bt_ctx_free(nego->inner);
	nego->inner = chosen;
}

int
bt_spnego_make_mic(struct bt_spnego *nego, struct bt_buf *mic)
{
	struct bt_bytes list = bt_bytes_of_buf(&nego->mech_list);
	struct bt_ctx *inner = nego->inner;
	int e = inner->mech->list_mic_make != NULL ? inner->mech->list_mic_make(inner, list, mic)
						   : bt_msg_get_mic(inner->msg, list, mic);

	nego->sent_mic = e == 0;
	return e;
}

int
bt_spnego_take_mic(struct bt_spnego *nego, struct bt_bytes mic)
{
	struct bt_bytes list = bt_bytes_of_buf(&nego->mech_list);
	struct bt_ctx *inner = nego->inner;
	enum bt_msg_order order;
	int e;

	if (!bt_spnego_is_open(nego))
		return BT_ERR_DEFECTIVE_TOKEN;
	e = inner->mech->list_mic_check != NULL ? inner->mech->list_mic_check(inner, list, mic)
						: bt_msg_verify_mic(inner->msg, list, mic, &order);
	nego->saw_mic = e == 0;
	/* Who sends a MIC gets one. RFC 4178 §5. */
	nego->needs_mic = true;
	return e;
}

int
bt_spnego_reply(const struct bt_spnego_resp *resp, struct bt_buf *token_out)
{
	struct bt_wr wr;

	bt_wr_init(&wr);
	bt_spnego_write_resp(&wr, resp);
	return bt_wr_take(&wr, token_out);
}

void
bt_spnego_refuse(const struct bt_buf *inner_token, struct bt_buf *token_out)
{
	struct bt_spnego_resp reply = {.state = BT_SPNEGO_REJECT};

	if (inner_token->len != 0)
		reply.token = bt_bytes_of_buf(inner_token);
	(void)bt_spnego_reply(&reply, token_out);
}

void
bt_spnego_pending_free(struct bt_ctx *ctx)
{
	struct bt_spnego *nego = bt_spnego_of(ctx);

	if (nego == NULL)
		return;
	if (nego->delegated != NULL)
		nego->inner->mech->cred_free(nego->delegated);
	bt_ctx_free(nego->inner);
	bt_buf_free(&nego->mech_list);
	bt_mem_free_secret(nego, sizeof *nego);
	ctx->pending = NULL;
}
