#include "base/err.h"
#include "base/mem.h"
#include "mech/spnego/negotiation.h"
#include "wire/frame.h"

/* What came in, whichever message it was. ptr NULL: not there. */
struct arrival {
	struct bt_bytes token, mic;
};

static const struct bt_offer *
offer_of(const struct bt_accept_step *step, struct bt_bytes oid)
{
	for (size_t i = 0; i < step->num_offers; i++)
		if (bt_mech_find(&step->offers[i].mech, 1, oid, NULL) != NULL)
			return &step->offers[i];
	return NULL;
}

/* An empty first token asks what there is. MS-SPNG §3.2.5.2. */
static int
offer_hints(struct bt_ctx *ctx, const struct bt_accept_step *step, struct bt_buf *token_out)
{
	struct bt_bytes mechs[BT_SPNEGO_MECHS_MAX];
	struct bt_wr list, wr;
	size_t num = 0;
	int e;

	for (; num < step->num_offers && num < BT_SPNEGO_MECHS_MAX; num++)
		mechs[num] = step->offers[num].mech->oid;
	bt_wr_init(&list);
	bt_wr_init(&wr);
	bt_spnego_write_mechs(&list, mechs, num);
	if (!list.failed)
		bt_spnego_write_hints(&wr, bt_wr_written(&list));
	e = list.failed ? BT_ERR_NOMEM : bt_wr_take(&wr, token_out);
	bt_wr_done(&list);
	bt_wr_done(&wr);
	if (e == 0)
		bt_spnego_wait(ctx);
	return e;
}

/* Before its first leg the inner context is of whose the credential is, as a mechanism and an interposer have the same OID. */
static int
find_offer(struct bt_ctx *ctx, const struct bt_accept_step *step, struct bt_offer *out)
{
	struct bt_spnego *nego = bt_spnego_of(ctx);
	const struct bt_offer *offer = offer_of(step, nego->chosen);
	int e;

	if (nego->inner->stage == BT_CTX_NEW && offer != NULL && offer->mech != nego->inner->mech &&
	    (e = bt_spnego_choose(ctx, offer->mech, nego->chosen)) != 0)
		return e;
	/* The caller came back with another credential. */
	return bt_spnego_offer_of(nego->inner, step->offers, step->num_offers, out) ? 0 : BT_ERR_NO_CRED;
}

static int
inner_accept(struct bt_ctx *ctx, const struct bt_accept_step *step, struct bt_bytes token, struct bt_buf *inner_out)
{
	struct bt_spnego *nego = bt_spnego_of(ctx);
	struct bt_accept_step inner_step = *step;
	struct bt_mcred *delegated = NULL;
	struct bt_offer offer;
	int e;

	if ((e = find_offer(ctx, step, &offer)) != 0)
		return e;
	inner_step.cred = offer.cred;
	inner_step.token = token;
	inner_step.offers = NULL;
	inner_step.num_offers = 0;
	e = nego->inner->mech->accept(nego->inner, &inner_step, inner_out, &delegated);
	if (delegated != NULL && nego->delegated != NULL)
		nego->inner->mech->cred_free(nego->delegated);
	if (delegated != NULL)
		nego->delegated = delegated;
	return e;
}

/*
 * The MICs, once the inner context is open. In RFC 4178's §5, with the initiator's last token comes its MIC, which is checked
 * and answered (b); with ours goes our MIC, and theirs is awaited (c).
 */
static int
settle(struct bt_spnego *nego, struct bt_bytes peer_mic, struct bt_buf *mic, bool *is_done)
{
	int e = 0;

	*is_done = false;
	if (peer_mic.ptr != NULL)
		e = bt_spnego_take_mic(nego, peer_mic);
	else if (nego->sent_mic)
		e = BT_ERR_DEFECTIVE_TOKEN; /* an answer to ours was due */
	if (e != 0 || !bt_spnego_is_open(nego))
		return e;
	if (!bt_spnego_wants_mic(nego)) {
		*is_done = true;
		return 0;
	}
	if (!nego->sent_mic)
		e = bt_spnego_make_mic(nego, mic);
	*is_done = bt_spnego_has_mics(nego);
	return e;
}

static enum bt_spnego_state
state_of(const struct bt_spnego *nego, bool is_done)
{
	if (is_done)
		return BT_SPNEGO_COMPLETED;
	/* RFC 4178 §4.2.2: only in the first reply. */
	return nego->needs_mic && !nego->is_settled ? BT_SPNEGO_REQUEST_MIC : BT_SPNEGO_INCOMPLETE;
}

static int
answer(struct bt_ctx *ctx, const struct bt_accept_step *step, const struct arrival *arrival, struct bt_buf *token_out,
       struct bt_mcred **delegated)
{
	struct bt_spnego *nego = bt_spnego_of(ctx);
	struct bt_buf inner_out = {0}, mic = {0};
	bool is_done = false, had_sent_mic = nego->sent_mic;
	struct bt_spnego_resp reply;
	int e = 0;

	/* Only a first message may come without a token while the mechanism waits for one, and none with one it does not wait for. */
	if (arrival->token.len != 0 ? bt_spnego_is_open(nego) : nego->is_settled && !bt_spnego_is_open(nego))
		e = BT_ERR_DEFECTIVE_TOKEN;
	if (e == 0 && arrival->token.len != 0)
		e = inner_accept(ctx, step, arrival->token, &inner_out);
	if (e == 0)
		e = settle(nego, arrival->mic, &mic, &is_done);
	/* The peer's MIC that answers ours is the last word. */
	if (e == 0 && !(is_done && had_sent_mic)) {
		reply = (struct bt_spnego_resp){
		    .state = state_of(nego, is_done),
		    .token = bt_bytes_of_buf(&inner_out),
		    .mic = bt_bytes_of_buf(&mic),
		};
		if (!nego->is_settled)
			reply.supported = nego->chosen;
		e = bt_spnego_reply(&reply, token_out);
	}
	nego->is_settled = true;
	if (e != 0)
		bt_spnego_refuse(&inner_out, token_out);
	else if (is_done)
		bt_spnego_finish(ctx, delegated);
	else
		bt_spnego_wait(ctx);
	bt_buf_free(&inner_out);
	bt_buf_free(&mic);
	return e;
}

/* The first in the initiator's order that we can do. is_first: so its optimistic token is for this one. */
static int
choose(struct bt_ctx *ctx, const struct bt_accept_step *step, struct bt_bytes mech_list, bool *is_first)
{
	struct bt_spnego *nego = bt_spnego_of(ctx);
	struct bt_bytes mechs[BT_SPNEGO_MECHS_MAX];
	size_t num_mechs;
	int e;

	*is_first = false;
	if ((e = bt_buf_dup(mech_list, &nego->mech_list)) != 0)
		return e;
	if ((num_mechs = bt_spnego_read_mechs(bt_bytes_of_buf(&nego->mech_list), mechs)) == 0)
		return BT_ERR_DEFECTIVE_TOKEN;
	for (size_t i = 0; i < num_mechs; i++) {
		const struct bt_offer *offer = offer_of(step, mechs[i]);

		if (offer != NULL) {
			*is_first = i == 0;
			return bt_spnego_choose(ctx, offer->mech, mechs[i]);
		}
	}
	return BT_ERR_NEGO_NONE;
}

static int
first_leg(struct bt_ctx *ctx, const struct bt_accept_step *step, struct bt_buf *token_out, struct bt_mcred **delegated)
{
	static const struct bt_buf no_token;
	struct arrival arrival = {0};
	struct bt_spnego_init init;
	struct bt_bytes oid, body;
	bool is_first;
	int e;

	if ((e = bt_frame_read(step->token, &oid, &body)) == 0 && !bt_bytes_equal(oid, ctx->mech->oid))
		e = BT_ERR_WRONG_MECH;
	if (e == 0)
		e = bt_spnego_read_init(body, &init);
	if (e == 0)
		e = choose(ctx, step, init.mech_list, &is_first);
	if (e != 0) {
		bt_spnego_refuse(&no_token, token_out);
		return e;
	}
	if (is_first)
		arrival = (struct arrival){init.mech_token, init.mic};
	else
		/* The optimistic token is another mechanism's, and the list must be protected. RFC 4178 §5. */
		bt_spnego_of(ctx)->needs_mic = true;
	return answer(ctx, step, &arrival, token_out, delegated);
}

static int
next_leg(struct bt_ctx *ctx, const struct bt_accept_step *step, struct bt_buf *token_out, struct bt_mcred **delegated)
{
	static const struct bt_buf no_token;
	struct bt_spnego_resp resp;
	struct arrival arrival;
	int e;

	if ((e = bt_spnego_read_resp(step->token, &resp)) != 0) {
		bt_spnego_refuse(&no_token, token_out);
		return e;
	}
	if (resp.state == BT_SPNEGO_REJECT)
		return BT_ERR_NEGO_ABORTED;
	arrival = (struct arrival){resp.token, resp.mic};
	return answer(ctx, step, &arrival, token_out, delegated);
}

int
bt_spnego_accept(struct bt_ctx *ctx, const struct bt_accept_step *step, struct bt_buf *token_out, struct bt_mcred **delegated)
{
	int e;

	*token_out = (struct bt_buf){0};
	if (delegated != NULL)
		*delegated = NULL;
	if (ctx->stage == BT_CTX_NEW && (e = bt_spnego_begin(ctx)) != 0)
		return e;
	if (ctx->stage == BT_CTX_NEW && step->token.len == 0)
		return offer_hints(ctx, step, token_out);
	/* After hints, the negotiation begins as it would have without them. */
	return bt_spnego_of(ctx)->inner == NULL ? first_leg(ctx, step, token_out, delegated)
						: next_leg(ctx, step, token_out, delegated);
}
