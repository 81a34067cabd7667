#include "base/err.h"
#include "base/mem.h"
#include "mech/spnego/negotiation.h"

static int
ask_inner(struct bt_spnego *nego, const struct bt_init_step *step, struct bt_buf *token_out)
{
	struct bt_ctx *inner = nego->inner;
	int e = inner->mech->init(inner, step, token_out);

	if (e == 0 && inner->mech->list_mic_is_due != NULL && inner->mech->list_mic_is_due(inner))
		nego->needs_mic = true;
	return e;
}

/* The inner mechanism's step: the caller's wishes, its own credential and target, and the token it is to see. */
static int
inner_init(struct bt_spnego *nego, const struct bt_init_step *step, struct bt_bytes token, struct bt_buf *token_out)
{
	struct bt_init_step inner_step = *step;
	struct bt_offer offer;

	inner_step.offers = NULL;
	inner_step.num_offers = 0;
	inner_step.token = token;
	/* What would protect the list, if it came to that. RFC 4178 §5. */
	if (!nego->inner->mech->asserts_protection)
		inner_step.flags |= BT_CTX_INTEG;
	if (!bt_spnego_offer_of(nego->inner, step->offers, step->num_offers, &offer))
		return BT_ERR_BAD_MECH;
	inner_step.cred = offer.cred;
	inner_step.target = offer.target;
	return ask_inner(nego, &inner_step, token_out);
}

/* ---- first leg ---- */

static int
write_list(struct bt_spnego *nego, const struct bt_offer *offers, size_t num_offers)
{
	struct bt_bytes mechs[BT_SPNEGO_MECHS_MAX];
	size_t num = num_offers < BT_SPNEGO_MECHS_MAX ? num_offers : BT_SPNEGO_MECHS_MAX;
	struct bt_wr wr;

	for (size_t i = 0; i < num; i++)
		mechs[i] = offers[i].mech->oid;
	bt_wr_init(&wr);
	bt_spnego_write_mechs(&wr, mechs, num);
	return bt_wr_take(&wr, &nego->mech_list);
}

/*
 * The first offer that has a token to send goes out with it. Those before it cannot be meant and are left out; those after it
 * are not tried unless the acceptor asks for one.
 */
static int
choose(struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *optimistic, size_t *chosen)
{
	struct bt_spnego *nego = bt_spnego_of(ctx);
	int e = BT_ERR_NO_CRED, first_error = 0;

	for (*chosen = 0; *chosen < step->num_offers; ++*chosen) {
		const struct bt_mech *mech = step->offers[*chosen].mech;

		if ((e = bt_spnego_choose(ctx, mech, mech->oid)) == 0)
			e = inner_init(nego, step, (struct bt_bytes){0}, optimistic);
		if (e == 0 || e == BT_ERR_NOMEM)
			return e;
		bt_buf_free(optimistic);
		/* The best one's failure is what the caller wants to know. */
		if (first_error == 0)
			first_error = e;
	}
	return first_error != 0 ? first_error : e;
}

static int
first_leg(struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *token_out)
{
	struct bt_buf optimistic = {0};
	struct bt_spnego_init init = {0};
	struct bt_spnego *nego;
	struct bt_wr wr;
	size_t chosen;
	int e;

	if (step->token.len != 0)
		return BT_ERR_DEFECTIVE_TOKEN;
	if ((e = bt_spnego_begin(ctx)) != 0)
		return e;
	nego = bt_spnego_of(ctx);
	if ((e = choose(ctx, step, &optimistic, &chosen)) == 0 &&
	    (e = write_list(nego, step->offers + chosen, step->num_offers - chosen)) == 0) {
		init.mech_list = bt_bytes_of_buf(&nego->mech_list);
		init.mech_token = bt_bytes_of_buf(&optimistic);
		bt_wr_init(&wr);
		bt_spnego_write_init(&wr, &init);
		e = bt_wr_take(&wr, token_out);
	}
	bt_buf_free(&optimistic);
	if (e == 0)
		bt_spnego_wait(ctx);
	return e;
}

/* ---- the legs after it ---- */

/*
 * Windows 2000 repeats the mechanism's token where the MIC belongs. Such a MIC is no MIC; nothing is lost, since where one is
 * needed its absence is an error.
 */
static void
drop_repeated_token(struct bt_spnego_resp *resp)
{
	if (resp->mic.ptr != NULL && resp->token.ptr != NULL && bt_bytes_equal(resp->mic, resp->token))
		resp->mic = (struct bt_bytes){0};
}

/* Old IIS sends an empty token where the mechanism has none to send. */
static void
drop_empty_token(struct bt_spnego_resp *resp)
{
	if (resp->token.len == 0)
		resp->token = (struct bt_bytes){0};
}

/* The peer has given up. If the mechanism can say why, it does. */
static int
learn_why(struct bt_spnego *nego, const struct bt_init_step *step, struct bt_bytes token)
{
	struct bt_buf ignored = {0};
	int e = 0;

	if (token.ptr != NULL && !bt_spnego_is_open(nego))
		e = inner_init(nego, step, token, &ignored);
	bt_buf_free(&ignored);
	if (e != 0)
		return e;
	return nego->is_settled ? BT_ERR_NEGO_ABORTED : BT_ERR_NEGO_REJECTED;
}

/*
 * The acceptor's first answer names its choice, and another than ours means a new start with that one. RFC 4178 §4.2.2.
 * Some Java acceptors name nothing: then they have taken what was sent.
 */
static int
see_choice(struct bt_ctx *ctx, struct bt_bytes supported, bool *restarts)
{
	struct bt_spnego *nego = bt_spnego_of(ctx);
	struct bt_bytes mechs[BT_SPNEGO_MECHS_MAX];
	bool is_first = !nego->is_settled;
	size_t num_mechs;

	*restarts = false;
	nego->is_settled = true;
	/* Old Windows, and Samba, answer with their own spelling of Kerberos' OID, an alias of what was offered. */
	if (supported.ptr == NULL || bt_mech_find(&nego->inner->mech, 1, supported, NULL) != NULL)
		return 0;
	num_mechs = bt_spnego_read_mechs(bt_bytes_of_buf(&nego->mech_list), mechs);
	for (size_t i = 0; is_first && i < num_mechs; i++) {
		if (!bt_bytes_equal(mechs[i], supported))
			continue;
		nego->chosen = mechs[i];
		/* Whoever could change the list on its way could have changed the choice. */
		nego->needs_mic = true;
		*restarts = true;
		return 0;
	}
	return BT_ERR_DEFECTIVE_TOKEN;
}

static int
restart(struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *inner_out)
{
	struct bt_spnego *nego = bt_spnego_of(ctx);
	int e = BT_ERR_BAD_MECH;

	for (size_t i = 0; i < step->num_offers; i++)
		if (bt_bytes_equal(step->offers[i].mech->oid, nego->chosen))
			e = bt_spnego_choose(ctx, step->offers[i].mech, nego->chosen);
	/* What may stand in responseToken beside a new choice answers the old one. */
	return e != 0 ? e : inner_init(nego, step, (struct bt_bytes){0}, inner_out);
}

static int
advance(struct bt_ctx *ctx, const struct bt_init_step *step, const struct bt_spnego_resp *resp, struct bt_buf *inner_out)
{
	struct bt_spnego *nego = bt_spnego_of(ctx);
	bool restarts;
	int e = see_choice(ctx, resp->supported, &restarts);

	if (e != 0)
		return e;
	if (restarts)
		return restart(ctx, step, inner_out);
	/* A token without a mechanism that waits for it, or the other way round. */
	if ((resp->token.ptr == NULL) != bt_spnego_is_open(nego))
		return BT_ERR_DEFECTIVE_TOKEN;
	return resp->token.ptr != NULL ? inner_init(nego, step, resp->token, inner_out) : 0;
}

/* The MICs, once the inner context is open, and whether this is the end. RFC 4178 §5. */
static int
settle(struct bt_spnego *nego, const struct bt_spnego_resp *resp, bool has_token, struct bt_buf *mic, bool *is_done)
{
	/* A last word is none while the mechanism has more to say. */
	bool peer_is_done = resp->state == BT_SPNEGO_COMPLETED && !has_token;
	int e = 0;

	*is_done = false;
	if (resp->mic.ptr != NULL)
		e = bt_spnego_take_mic(nego, resp->mic);
	else if (nego->sent_mic)
		e = BT_ERR_DEFECTIVE_TOKEN; /* an answer to ours was due */
	if (e != 0)
		return e;
	if (!bt_spnego_is_open(nego))
		return peer_is_done ? BT_ERR_DEFECTIVE_TOKEN : 0;
	/* A peer that goes on when the mechanism has nothing more to say waits for a MIC. */
	if (resp->state != BT_SPNEGO_COMPLETED && resp->state != BT_SPNEGO_ABSENT && !has_token)
		nego->needs_mic = true;
	if (!bt_spnego_wants_mic(nego)) {
		*is_done = !has_token;
		return 0;
	}
	/* It has said its last word, and not the one that was needed. */
	if (peer_is_done && !nego->saw_mic)
		return BT_ERR_DEFECTIVE_TOKEN;
	if (!nego->sent_mic)
		e = bt_spnego_make_mic(nego, mic);
	*is_done = bt_spnego_has_mics(nego);
	return e;
}

static int
next_leg(struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *token_out)
{
	struct bt_spnego *nego = bt_spnego_of(ctx);
	struct bt_buf inner_out = {0}, mic = {0};
	struct bt_spnego_resp resp, reply;
	bool is_done = false;
	int e;

	if ((e = bt_spnego_read_resp(step->token, &resp)) != 0)
		goto out;
	drop_repeated_token(&resp);
	drop_empty_token(&resp);
	if (resp.state == BT_SPNEGO_REJECT)
		return learn_why(nego, step, resp.token);
	if (resp.state == BT_SPNEGO_REQUEST_MIC)
		nego->needs_mic = true;
	if ((e = advance(ctx, step, &resp, &inner_out)) != 0 ||
	    (e = settle(nego, &resp, inner_out.len != 0, &mic, &is_done)) != 0)
		goto out;
	/* After the peer's last word nobody reads what we send, but a MIC that is owed. */
	if (!is_done || mic.len != 0) {
		reply = (struct bt_spnego_resp){
		    .state = is_done ? BT_SPNEGO_COMPLETED : BT_SPNEGO_INCOMPLETE,
		    .token = bt_bytes_of_buf(&inner_out),
		    .mic = bt_bytes_of_buf(&mic),
		};
		e = bt_spnego_reply(&reply, token_out);
	}
out:
	if (e != 0)
		bt_spnego_refuse(&inner_out, token_out);
	else if (is_done)
		bt_spnego_finish(ctx, NULL);
	else
		bt_spnego_wait(ctx);
	bt_buf_free(&inner_out);
	bt_buf_free(&mic);
	return e;
}

int
bt_spnego_init(struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *token_out)
{
	*token_out = (struct bt_buf){0};
	return ctx->stage == BT_CTX_NEW ? first_leg(ctx, step, token_out) : next_leg(ctx, step, token_out);
}
