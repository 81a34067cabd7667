/*
 * spnego/negotiation - what both sides of a negotiation keep between legs.
 *
 * A negotiation owns one context of another mechanism, the inner one. When it ends, the inner context becomes the outer, in
 * place: nothing of SPNEGO is left, so messages and the transfer of the open context cost what they cost without it. Until then
 * a credential that came with the inner context waits here, because the caller must not have it before the list of mechanisms
 * is known to be the peer's own.
 */
#ifndef BT_MECH_SPNEGO_NEGOTIATION_H
#define BT_MECH_SPNEGO_NEGOTIATION_H

#include "mech/mech.h"
#include "mech/spnego/token.h"

struct bt_spnego {
	struct bt_buf mech_list;    /* the initiator's MechTypeList as it goes over the wire */
	struct bt_ctx *inner;	    /* NULL until a mechanism is chosen */
	struct bt_bytes chosen;	    /* its OID: a view of mech_list, as spelled there, or of the mechanism's own */
	bool is_settled;	    /* acceptor: supportedMech is out; initiator: the reply that has it, or has not, was seen */
	bool needs_mic;		    /* the choice was not the initiator's first, or a side asked. RFC 4178 §5 */
	bool sent_mic, saw_mic;	    /* ours is out; the peer's was good */
	struct bt_mcred *delegated; /* the inner mechanism's, NULL: none */
};

/* bt_spnego_of - the negotiation of a context between legs. */
static inline struct bt_spnego *
bt_spnego_of(const struct bt_ctx *ctx)
{
	return ctx->pending;
}

/* bt_spnego_begin - give a NEW context its negotiation. Errors: NOMEM. */
int bt_spnego_begin(struct bt_ctx *ctx);

/* bt_spnego_choose - a fresh inner context of this mechanism, in place of any other. Errors: NOMEM. */
int bt_spnego_choose(struct bt_ctx *ctx, const struct bt_mech *mech, struct bt_bytes spelled);

/*
 * bt_spnego_offer_of - what is offered of the inner context's mechanism. Where an interposer is in front of that one and the
 * context is none of the interposer's, there is neither credential nor target: the first leg was the one that needs them.
 * False: nothing is.
 */
bool bt_spnego_offer_of(const struct bt_ctx *inner, const struct bt_offer *offers, size_t num_offers, struct bt_offer *out);

/* bt_spnego_is_open - has the inner mechanism done its part? */
bool bt_spnego_is_open(const struct bt_spnego *nego);

/* bt_spnego_wants_mic - is a MIC needed that the inner context, which is open, can make? */
bool bt_spnego_wants_mic(const struct bt_spnego *nego);

/* bt_spnego_has_mics - were both MICs exchanged? */
static inline bool
bt_spnego_has_mics(const struct bt_spnego *nego)
{
	return nego->sent_mic && nego->saw_mic;
}

/* bt_spnego_wait - until the next token, the context tells of the inner one what is known. */
void bt_spnego_wait(struct bt_ctx *ctx);

/* bt_spnego_finish - the inner context becomes the outer; the negotiation is gone. delegated may be NULL. Cannot fail. */
void bt_spnego_finish(struct bt_ctx *ctx, struct bt_mcred **delegated);

/*
 * bt_spnego_make_mic, bt_spnego_take_mic - mechListMIC, over the list, by the open inner context. RFC 4178 §5.
 * Errors: the message room's; DEFECTIVE_TOKEN (one that comes too early).
 */
int bt_spnego_make_mic(struct bt_spnego *nego, struct bt_buf *mic);
int bt_spnego_take_mic(struct bt_spnego *nego, struct bt_bytes mic);

/* bt_spnego_reply - a NegTokenResp. Errors: NOMEM. */
int bt_spnego_reply(const struct bt_spnego_resp *resp, struct bt_buf *token_out);

/*
 * bt_spnego_refuse - tell the peer that it is over, with the inner mechanism's error token if it has one. Without memory nothing
 * is told.
 */
void bt_spnego_refuse(const struct bt_buf *inner_token, struct bt_buf *token_out);

/* The operations of the mechanism. */
int bt_spnego_init(struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *token_out);
int bt_spnego_accept(struct bt_ctx *ctx, const struct bt_accept_step *step, struct bt_buf *token_out,
		     struct bt_mcred **delegated);
struct bt_ctx *bt_spnego_chosen(const struct bt_ctx *ctx);
void bt_spnego_chosen_replace(struct bt_ctx *ctx, struct bt_ctx *chosen);
int bt_spnego_pending_save(const struct bt_ctx *ctx, struct bt_wr *out);
int bt_spnego_pending_load(struct bt_ctx *ctx, struct bt_mechs mechs, struct bt_bytes saved);
void bt_spnego_pending_free(struct bt_ctx *ctx);
bool bt_spnego_nested_is(struct bt_mechs mechs, struct bt_bytes token);
int bt_spnego_nested_import(struct bt_mechs mechs, struct bt_bytes wire_oid, struct bt_bytes token, struct bt_ctx **out);

#endif
