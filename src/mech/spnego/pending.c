#include "base/err.h"
#include "base/mem.h"
#include "base/oid.h"
#include "mech/limits.h"
#include "mech/spnego/negotiation.h"
#include "mech/state.h"
#include "wire/rec.h"

/*
 * The saved form: the negotiation, and in it the whole record of the inner context. Rows are facts of the protocol; tags are
 * never used again for something else.
 */
struct saved {
	struct bt_bytes mech_list;
	uint8_t chosen;			      /* the how-manieth of mech_list, from 1; 0: none yet */
	bool is_settled, needs_mic, sent_mic; /* who has seen the peer's MIC waits for nothing more */
	struct bt_bytes inner_oid;	      /* as spelled in its tokens; empty: no leg of it yet */
	struct bt_bytes inner;
};

static const struct bt_rec_field fields[] = {
    BT_REC_FIELD(saved, mech_list, 1, BT_REC_BYTES, false, true, 1, BT_CTX_PENDING_MAX),
    BT_REC_FIELD(saved, chosen, 2, BT_REC_U8, false, false, 0, BT_SPNEGO_MECHS_MAX),
    BT_REC_FIELD(saved, is_settled, 3, BT_REC_BOOL, false, true, 0, 1),
    BT_REC_FIELD(saved, needs_mic, 4, BT_REC_BOOL, false, true, 0, 1),
    BT_REC_FIELD(saved, sent_mic, 5, BT_REC_BOOL, false, true, 0, 1),
    BT_REC_FIELD(saved, inner_oid, 6, BT_REC_BYTES, false, true, 1, BT_OID_MAX),
    BT_REC_FIELD(saved, inner, 7, BT_REC_BYTES, true, true, 1, BT_CTX_PENDING_MAX),
};
static const struct bt_rec rec = {fields, sizeof fields / sizeof fields[0]};

/* ---- saving ---- */

static uint8_t
place_of(const struct bt_spnego *nego)
{
	struct bt_bytes mechs[BT_SPNEGO_MECHS_MAX];
	size_t num_mechs = bt_spnego_read_mechs(bt_bytes_of_buf(&nego->mech_list), mechs);

	for (size_t i = 0; i < num_mechs; i++)
		if (nego->inner != NULL && bt_bytes_equal(mechs[i], nego->chosen))
			return (uint8_t)(i + 1);
	return 0;
}

static int
save_inner(struct bt_ctx *inner, struct bt_wr *out)
{
	struct bt_ctx_secrets secrets;
	struct bt_ctx_state state;
	int e;

	bt_ctx_secrets_init(&secrets);
	if ((e = bt_ctx_state_of(inner, &secrets, &state)) == 0)
		e = bt_rec_encode(&bt_ctx_state_rec, &state, out);
	bt_ctx_secrets_done(&secrets);
	return e;
}

int
bt_spnego_pending_save(const struct bt_ctx *ctx, struct bt_wr *out)
{
	const struct bt_spnego *nego = bt_spnego_of(ctx);
	struct saved saved = {
	    .mech_list = bt_bytes_of_buf(&nego->mech_list),
	    .chosen = place_of(nego),
	    .is_settled = nego->is_settled,
	    .needs_mic = nego->needs_mic,
	    .sent_mic = nego->sent_mic,
	};
	struct bt_wr inner;
	int e = 0;

	bt_wr_init(&inner);
	if (nego->inner != NULL && nego->inner->stage != BT_CTX_NEW) {
		nego->inner->leaves_authz = ctx->leaves_authz;
		e = save_inner(nego->inner, &inner);
		saved.inner_oid = nego->inner->wire_oid;
		saved.inner = bt_wr_written(&inner);
	}
	if (e == 0)
		e = bt_rec_encode(&rec, &saved, out);
	bt_wr_done(&inner);
	return e;
}

/* ---- loading ---- */

static int
load_inner(struct bt_ctx *ctx, struct bt_mechs mechs, const struct bt_mech *mech, const struct saved *saved)
{
	struct bt_spnego *nego = bt_spnego_of(ctx);
	struct bt_ctx_state state;
	struct bt_bytes wire_oid;
	int e;

	/* What moves is never an interposer's. */
	if (saved->inner.len != 0 && mech->behind != NULL)
		mech = mech->behind;
	if (saved->inner.len == 0)
		return saved->inner_oid.len == 0 ? bt_spnego_choose(ctx, mech, nego->chosen) : BT_ERR_MALFORMED;
	if (bt_mech_find(&mech, 1, saved->inner_oid, &wire_oid) == NULL)
		return BT_ERR_MALFORMED;
	if ((e = bt_rec_decode(&bt_ctx_state_rec, saved->inner, &state)) == 0)
		e = bt_ctx_state_build(&state, mech, wire_oid, mechs, &nego->inner);
	return e;
}

/* Facts that no negotiation has together. */
static bool
is_possible(const struct bt_ctx *ctx)
{
	const struct bt_spnego *nego = bt_spnego_of(ctx);
	bool is_open = bt_spnego_is_open(nego);

	if (nego->inner == NULL)
		return !ctx->is_initiator && nego->mech_list.len == 0 && !nego->is_settled && !nego->needs_mic &&
		       !nego->sent_mic;
	if (nego->inner->is_initiator != ctx->is_initiator || (nego->sent_mic && !is_open))
		return false;
	if (ctx->is_initiator)
		return nego->inner->stage != BT_CTX_NEW;
	/* An acceptor whose mechanism has nothing more to do waits for the answer to its MIC. */
	return nego->is_settled && (!is_open || (nego->needs_mic && nego->sent_mic));
}

int
bt_spnego_pending_load(struct bt_ctx *ctx, struct bt_mechs mechs, struct bt_bytes bytes)
{
	struct bt_bytes list[BT_SPNEGO_MECHS_MAX];
	const struct bt_mech *mech = NULL;
	struct bt_spnego *nego;
	struct saved saved;
	size_t num_listed;
	int e;

	if ((e = bt_rec_decode(&rec, bytes, &saved)) != 0 || (e = bt_spnego_begin(ctx)) != 0)
		return e;
	nego = bt_spnego_of(ctx);
	if (saved.mech_list.len != 0 && (e = bt_buf_dup(saved.mech_list, &nego->mech_list)) != 0)
		return e;
	num_listed = bt_spnego_read_mechs(bt_bytes_of_buf(&nego->mech_list), list);
	if (saved.chosen > num_listed)
		return BT_ERR_MALFORMED;
	nego->is_settled = saved.is_settled;
	nego->needs_mic = saved.needs_mic;
	nego->sent_mic = saved.sent_mic;
	if (saved.chosen != 0) {
		nego->chosen = list[saved.chosen - 1];
		mech = bt_mech_find(mechs.list, mechs.num, nego->chosen, NULL);
		/* One negotiation does not lead to another. */
		if (mech == NULL || mech == ctx->mech)
			return BT_ERR_MALFORMED;
		e = load_inner(ctx, mechs, mech, &saved);
	} else if (saved.inner.len != 0 || saved.inner_oid.len != 0) {
		e = BT_ERR_MALFORMED;
	}
	if (e == 0 && !is_possible(ctx))
		e = BT_ERR_MALFORMED;
	/* A credential does not travel, so none is claimed. */
	if (e == 0 && nego->inner != NULL && !ctx->is_initiator) {
		nego->inner->flags &= ~(uint32_t)BT_CTX_DELEG;
		ctx->flags &= ~(uint32_t)BT_CTX_DELEG;
	}
	return e;
}
