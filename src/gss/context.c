#include <stdatomic.h>

#include "base/mem.h"
#include "base/oid.h"
#include "gss/call.h"
#include "gss/credential.h"
#include "gss/interposed.h"
#include "gss/loaded.h"
#include "gss/offer.h"
#include "gss/status.h"
#include "transfer/event.h"
#include "wire/der.h"
#include "wire/frame.h"

/* First octet of an AP-REQ that came without framing, as DCE style has it. RFC 4120 §5.10: APPLICATION 14. */
enum { BARE_AP_REQ = 0x6e };

/* How a token of NTLM begins, which has no framing at all, and the mechanism's OID. MS-NLMP §2.2.1; 1.3.6.1.4.1.311.2.2.10. */
static const uint8_t NTLM_TOKEN[] = {'N', 'T', 'L', 'M', 'S', 'S', 'P', '\0'};
static const struct bt_bytes NTLM = BT_OID("\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a");

/* ---- handles ---- */

struct bt_ctx *
bt_call_context(struct bt_call *call, gss_ctx_id_t handle)
{
	if (handle == GSS_C_NO_CONTEXT)
		bt_call_refuse(call, GSS_S_CALL_INACCESSIBLE_READ | GSS_S_NO_CONTEXT, 0);
	else if (handle->magic != BT_HANDLE_CONTEXT)
		bt_call_refuse(call, GSS_S_CALL_BAD_STRUCTURE | GSS_S_NO_CONTEXT, 0);
	else if (handle->ctx == NULL || atomic_load_explicit(&handle->is_ended, memory_order_relaxed))
		bt_call_refuse(call, GSS_S_NO_CONTEXT, 0);
	return bt_call_failed(call) ? NULL : handle->ctx;
}

/* In a forked child, before its first use. */
static void
inherited(void *arg)
{
	struct bt_ctx *ctx = arg;

	if (ctx->msg != NULL)
		bt_msg_inherited(ctx->msg);
}

static void
ownership_error(struct bt_call *call, const struct bt_mech *mech, int err)
{
	if (err == BT_ERR_FORKED)
		bt_transfer_tell(BT_TRANSFER_LOST, err, mech->oid, NULL);
	bt_call_error(call, mech, err);
}

struct bt_ctx *
bt_call_context_to_use(struct bt_call *call, gss_ctx_id_t handle)
{
	struct bt_ctx *ctx = bt_call_context(call, handle);

	if (ctx != NULL && __builtin_expect(!bt_claim_own_is_here(&handle->own), 0))
		ownership_error(call, ctx->mech, bt_claim_own_decide(&handle->own, inherited, ctx));
	return bt_call_failed(call) ? NULL : ctx;
}

void
bt_call_give_context(struct bt_call *call, gss_ctx_id_t handle)
{
	if (!bt_call_failed(call))
		ownership_error(call, handle->ctx->mech, bt_claim_own_give(&handle->own));
}

struct bt_msg *
bt_call_msg(struct bt_call *call, const struct bt_ctx *ctx, gss_qop_t qop)
{
	/* A library's context has none: who comes with one asks loaded.h before. */
	if (bt_call_failed(call) || (ctx->msg == NULL && ctx->mech->is_loaded))
		return NULL;
	if (qop != GSS_C_QOP_DEFAULT)
		bt_call_error(call, ctx->mech, BT_ERR_UNKNOWN_QOP);
	else if (ctx->stage != BT_CTX_OPEN)
		bt_call_error(call, ctx->mech, BT_ERR_CTX_INCOMPLETE);
	return bt_call_failed(call) ? NULL : ctx->msg;
}

gss_ctx_id_t
bt_context_handle_new(struct bt_ctx *ctx)
{
	struct gss_ctx_id_struct *handle = bt_mem_alloc(sizeof *handle);

	if (handle == NULL)
		return NULL;
	if (bt_claim_own_init(&handle->own) != 0) {
		bt_mem_free(handle);
		return NULL;
	}
	handle->magic = BT_HANDLE_CONTEXT;
	handle->ctx = ctx;
	return handle;
}

void
bt_context_handle_free(gss_ctx_id_t handle)
{
	if (handle == NULL)
		return;
	bt_claim_own_done(&handle->own);
	bt_ctx_free(handle->ctx);
	bt_mem_free_secret(handle, sizeof *handle);
}

/* ---- establishment: what both sides do ---- */

/* One step of either side, from its arguments to its outputs. */
struct step {
	struct bt_ctx *ctx;          /* being established; NULL: none was found or made */
	gss_ctx_id_t handle;         /* the caller's, or made for the first step; handle->ctx is ctx */
	bool is_first;
	struct bt_bindings bindings;
	struct bt_buf token_out;
};

static const struct bt_bindings *
read_bindings(struct bt_call *call, gss_const_channel_bindings_t from, struct bt_bindings *to)
{
	if (from == GSS_C_NO_CHANNEL_BINDINGS)
		return NULL;
	*to = (struct bt_bindings){
		.initiator_addrtype = from->initiator_addrtype,
		.initiator_address = bt_call_input(call, &from->initiator_address, 0),
		.acceptor_addrtype = from->acceptor_addrtype,
		.acceptor_address = bt_call_input(call, &from->acceptor_address, 0),
		.application_data = bt_call_input(call, &from->application_data, 0),
	};
	return to;
}

/* A context for a first step. */
static void
make_context(struct bt_call *call, struct step *step, const struct bt_mech *mech, struct bt_bytes wire_oid,
	     bool is_initiator)
{
	step->is_first = true;
	if (bt_call_failed(call))
		return;
	step->ctx = bt_ctx_new(mech, is_initiator);
	if (step->ctx == NULL || (step->handle = bt_context_handle_new(step->ctx)) == NULL) {
		bt_ctx_free(step->ctx);
		step->ctx = NULL;
		bt_call_error(call, NULL, BT_ERR_NOMEM);
		return;
	}
	step->ctx->wire_oid = wire_oid;
}

/* The context of a later step, which must be one that waits for a token on this side. */
static void
find_context(struct bt_call *call, struct step *step, gss_ctx_id_t handle, bool is_initiator)
{
	struct bt_ctx *ctx = bt_call_context_to_use(call, handle);

	step->handle = handle;
	if (ctx == NULL)
		return;
	if (ctx->is_initiator != is_initiator)
		bt_call_error(call, ctx->mech, BT_ERR_BAD_CONTEXT);
	else if (ctx->stage == BT_CTX_OPEN)
		bt_call_error(call, ctx->mech, BT_ERR_CONTEXT_ESTABLISHED);
	else
		step->ctx = ctx;
}

/* The mechanism's part of the caller's credential, or NULL: the default, or no leg needs it any more. */
static struct bt_mcred *
cred_of(struct bt_call *call, const struct step *step, const struct gss_cred_id_struct *cred)
{
	const struct bt_mech *mech = step->ctx->mech;
	struct bt_mcred *mcred = bt_cred_element(cred, mech);

	if (mcred == NULL && cred != NULL && (step->is_first || !bt_gss_cred_is_in_front(cred, mech)))
		bt_call_refuse(call, GSS_S_NO_CRED, 0);
	return mcred;
}

/*
 * A failed first step leaves no context. A failed later one leaves a handle that only gss_delete_sec_context takes: what the
 * peer sent was wrong, and the mechanism's state with it. RFC 2744 §5.1, §5.19. A step refused for its arguments changes
 * nothing.
 */
static void
drop_failed(const struct bt_call *call, struct step *step, bool was_tried)
{
	if (!bt_call_failed(call))
		return;
	if (step->is_first) {
		bt_context_handle_free(step->handle);
		step->handle = NULL;
	} else if (was_tried) {
		bt_ctx_free(step->ctx);
		step->handle->ctx = NULL;
	}
	step->ctx = NULL;
}

/* The output token goes out on failure too: it may tell the peer why. */
static void
give_token(struct step *step, gss_buffer_t out)
{
	if (out == NULL || step->token_out.len == 0) {
		bt_buf_free(&step->token_out);
		return;
	}
	*out = (gss_buffer_desc){step->token_out.len, step->token_out.ptr};
	step->token_out = (struct bt_buf){0};
}

static OM_uint32
flags_of(const struct bt_ctx *ctx)
{
	if (ctx->stage == BT_CTX_OPEN)
		return ctx->flags;
	if (bt_mechs_may_stay(ctx->mech))
		return ctx->flags & ~(uint32_t)(BT_CTX_PROT_READY | BT_CTX_TRANS);
	/* Messages can be protected when all legs are done and not before. RFC 2743 §1.2.7. */
	return ctx->flags & ~(uint32_t)BT_CTX_PROT_READY;
}

/* The outputs that init and accept have in common, of a step that did not fail. */
static void
give_facts(struct bt_call *call, const struct step *step, gss_OID *mech_type, OM_uint32 *ret_flags, OM_uint32 *time_rec)
{
	if (bt_call_failed(call))
		return;
	if (mech_type != NULL)
		*mech_type = bt_oid_static(step->ctx->wire_oid);
	if (ret_flags != NULL)
		*ret_flags = flags_of(step->ctx);
	if (time_rec != NULL)
		*time_rec = bt_call_lifetime_s(step->ctx->expires_at);
	if (step->ctx->stage != BT_CTX_OPEN)
		call->major |= GSS_S_CONTINUE_NEEDED;
}

/* ---- initiator ---- */

OM_uint32
gss_init_sec_context(OM_uint32 *minor_status, gss_cred_id_t initiator_cred_handle, gss_ctx_id_t *context_handle,
		     gss_name_t target_name, gss_OID mech_type, OM_uint32 req_flags, OM_uint32 time_req,
		     gss_channel_bindings_t input_chan_bindings, gss_buffer_t input_token, gss_OID *actual_mech_type,
		     gss_buffer_t output_token, OM_uint32 *ret_flags, OM_uint32 *time_rec)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct step step = {0};
	struct bt_init_step asked = {.flags = req_flags, .lifetime_s = time_req};
	struct bt_offers offers = {0};
	const struct gss_name_struct *target;
	const struct gss_cred_id_struct *cred;
	const struct bt_mech *mech;
	struct bt_mn *target_mn = NULL;
	struct bt_bytes wire_oid = {0};
	bool was_tried = false;

	bt_call_empty_oid(actual_mech_type);
	bt_call_empty(output_token);
	bt_call_empty_u32(ret_flags);
	bt_call_empty_u32(time_rec);
	bt_call_wants(&call, context_handle, GSS_S_NO_CONTEXT);
	target = bt_call_name(&call, target_name);
	bt_call_wants(&call, output_token, 0);
	cred = bt_call_cred(&call, initiator_cred_handle);
	asked.bindings = read_bindings(&call, input_chan_bindings, &step.bindings);
	asked.token = bt_call_input_optional(&call, input_token);
	mech = bt_call_mech(&call, mech_type, &wire_oid);
	if (bt_call_failed(&call))
		return bt_call_end(&call);

	if (*context_handle == GSS_C_NO_CONTEXT)
		make_context(&call, &step, mech, wire_oid, true);
	else
		find_context(&call, &step, *context_handle, true);
	if (!bt_call_failed(&call)) {
		mech = step.ctx->mech;
		if (bt_mechs_negotiates(mech)) {
			bt_gss_offers_make(&call, mech, cred, target, req_flags, &offers);
			asked.offers = offers.list;
			asked.num_offers = offers.num;
		} else {
			bt_call_error(&call, mech, bt_name_to_mn(target, mech, &target_mn));
			asked.target = target_mn;
			asked.cred = cred_of(&call, &step, cred);
		}
	}
	if (!bt_call_failed(&call)) {
		was_tried = true;
		bt_call_error(&call, mech, mech->init(step.ctx, &asked, &step.token_out));
	}
	drop_failed(&call, &step, was_tried);
	bt_mn_free(target_mn);
	bt_gss_offers_done(&offers);
	give_token(&step, output_token);
	give_facts(&call, &step, actual_mech_type, ret_flags, time_rec);
	if (step.is_first)
		*context_handle = step.handle;
	return bt_call_end(&call);
}

/* ---- acceptor ---- */

/*
 * The OID at the head of a first token, found without a look at the length around it: a token that is only too short or too
 * long still has a mechanism, in whose name it is refused.
 */
static struct bt_bytes
oid_of_token(struct bt_bytes token)
{
	struct bt_rd rd = bt_rd_of(token);
	uint8_t len;

	if (bt_rd_u8(&rd) != BT_DER_APPLICATION(0))
		bt_rd_fail(&rd);
	len = bt_rd_u8(&rd);
	if ((len & 0x80) != 0)
		bt_rd_bytes(&rd, len & 0x7f);
	if (bt_rd_u8(&rd) != BT_DER_OID)
		bt_rd_fail(&rd);
	return bt_rd_bytes(&rd, bt_rd_u8(&rd));
}

/* Whose a first token is. */
static const struct bt_mech *
mech_of_token(struct bt_call *call, struct bt_bytes token, struct bt_bytes *wire_oid)
{
	struct bt_bytes oid, body;
	const struct bt_mech *mech;

	if (bt_call_failed(call))
		return NULL;
	/* Who sends nothing asks what could be negotiated. MS-SPNG §3.2.5.2. */
	if (token.len == 0) {
		*wire_oid = bt_mech_spnego.oid;
		return &bt_mech_spnego;
	}
	if (token.ptr[0] == BARE_AP_REQ) {
		return bt_mechs_find(bt_mech_krb5.oid, wire_oid);
	}
	if (bt_bytes_has_prefix(token, bt_bytes_of(NTLM_TOKEN, sizeof NTLM_TOKEN)))
		oid = NTLM;
	else if ((oid = oid_of_token(token)).len == 0) {
		bt_call_refuse(call, GSS_S_DEFECTIVE_TOKEN, 0);
		return NULL;
	}
	if ((mech = bt_mechs_find(oid, wire_oid)) == NULL)
		bt_call_refuse(call, GSS_S_BAD_MECH, 0);
	/* First tokens of Kerberos and its like go on with the two bytes of a token identifier. RFC 1964 §1.1. */
	else if (!mech->is_loaded && !bt_mechs_negotiates(mech) && (bt_frame_read(token, &oid, &body) != 0 || body.len < 2))
		bt_call_refuse_as(call, mech, GSS_S_FAILURE, 0);
	return mech;
}

/* A handle for a name; NULL: it is not known, or could not be made. */
static gss_name_t
make_name(struct bt_call *call, const struct bt_mech *mech, struct bt_mn *mn)
{
	gss_name_t name = NULL;

	if (!bt_call_failed(call) && mn != NULL && (name = bt_name_of_mn(mech, mn)) == NULL)
		bt_call_error(call, NULL, BT_ERR_NOMEM);
	return name;
}

/* The same for the initiator's, with all that is known of it. */
static gss_name_t
make_initiator(struct bt_call *call, const struct bt_ctx *ctx)
{
	gss_name_t name;
	struct bt_mn *mn;

	bt_call_error(call, ctx->mech, bt_ctx_initiator(ctx, &mn));
	name = make_name(call, ctx->mech, mn);
	bt_mn_free(mn);
	return name;
}

/* src_name and the delegated credential; the last things that can fail. */
static void
give_peer(struct bt_call *call, const struct step *step, struct bt_mcred **delegated, gss_name_t *src_name,
	  gss_cred_id_t *delegated_cred_handle)
{
	const struct bt_ctx *ctx = step->ctx;
	gss_name_t name = NULL;

	if (src_name != NULL && ctx->stage == BT_CTX_OPEN)
		name = make_initiator(call, ctx);
	if (!bt_call_failed(call) && delegated_cred_handle != NULL && *delegated != NULL) {
		*delegated_cred_handle = bt_cred_of_mcred(ctx->mech, *delegated);
		*delegated = NULL;
		if (*delegated_cred_handle == NULL)
			bt_call_error(call, NULL, BT_ERR_NOMEM);
	}
	if (bt_call_failed(call))
		gss_release_name(&(OM_uint32){0}, &name);
	else if (src_name != NULL)
		*src_name = name;
}

/* An initiator's expired ticket is not the acceptor's credential, so it is no GSS_S_CREDENTIALS_EXPIRED here. */
static void
accept_error(struct bt_call *call, const struct bt_mech *mech, int err)
{
	if (err != BT_ERR_CRED_EXPIRED && bt_status_major(err, GSS_S_FAILURE) == GSS_S_CREDENTIALS_EXPIRED)
		bt_call_refuse_as(call, mech, GSS_S_FAILURE, err);
	bt_call_error(call, mech, err);
}

OM_uint32
gss_accept_sec_context(OM_uint32 *minor_status, gss_ctx_id_t *context_handle, gss_cred_id_t acceptor_cred_handle,
		       gss_buffer_t input_token_buffer, gss_channel_bindings_t input_chan_bindings, gss_name_t *src_name,
		       gss_OID *mech_type, gss_buffer_t output_token, OM_uint32 *ret_flags, OM_uint32 *time_rec,
		       gss_cred_id_t *delegated_cred_handle)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct step step = {0};
	struct bt_accept_step asked = {0};
	struct bt_offers offers = {0};
	const struct gss_cred_id_struct *cred;
	const struct bt_mech *mech = NULL;
	struct bt_mcred *delegated = NULL;
	struct bt_bytes wire_oid = {0};
	bool was_tried = false;

	if (src_name != NULL)
		*src_name = GSS_C_NO_NAME;
	bt_call_empty_oid(mech_type);
	bt_call_empty(output_token);
	bt_call_empty_u32(ret_flags);
	bt_call_empty_u32(time_rec);
	if (delegated_cred_handle != NULL)
		*delegated_cred_handle = GSS_C_NO_CREDENTIAL;
	bt_call_wants(&call, context_handle, 0);
	asked.token = bt_call_input(&call, input_token_buffer, 0);
	bt_call_wants(&call, output_token, 0);
	cred = bt_call_cred(&call, acceptor_cred_handle);
	asked.bindings = read_bindings(&call, input_chan_bindings, &step.bindings);
	if (bt_call_failed(&call))
		return bt_call_end(&call);

	if (*context_handle == GSS_C_NO_CONTEXT) {
		mech = bt_gss_mech_accepting(mech_of_token(&call, asked.token, &wire_oid), cred);
		make_context(&call, &step, mech, wire_oid, false);
	} else {
		find_context(&call, &step, *context_handle, false);
	}
	if (!bt_call_failed(&call)) {
		mech = step.ctx->mech;
		if (bt_mechs_negotiates(mech)) {
			bt_gss_offers_make(&call, mech, cred, NULL, 0, &offers);
			asked.offers = offers.list;
			asked.num_offers = offers.num;
		} else {
			asked.cred = cred_of(&call, &step, cred);
			if (cred == NULL && !bt_mechs_is_by_default(mech))
				bt_call_refuse(&call, GSS_S_NO_CRED, 0);
		}
	}
	if (!bt_call_failed(&call)) {
		was_tried = true;
		accept_error(&call, mech, mech->accept(step.ctx, &asked, &step.token_out, &delegated));
		/* A negotiation ends as what it came out at. */
		if (!bt_call_failed(&call))
			mech = step.ctx->mech;
	}
	bt_gss_offers_done(&offers);
	if (!bt_call_failed(&call)) {
		give_peer(&call, &step, &delegated, src_name, delegated_cred_handle);
		/* The mechanism's token says that all went well, and now it did not. */
		if (bt_call_failed(&call))
			bt_buf_free(&step.token_out);
	}
	drop_failed(&call, &step, was_tried);
	if (delegated != NULL && mech != NULL)
		mech->cred_free(delegated);
	give_token(&step, output_token);
	give_facts(&call, &step, mech_type, ret_flags, time_rec);
	if (step.is_first)
		*context_handle = step.handle;
	return bt_call_end(&call);
}

/* ---- afterwards ---- */

BT_CALL_ZEROES_REGISTERS OM_uint32
gss_delete_sec_context(OM_uint32 *minor_status, gss_ctx_id_t *context_handle, gss_buffer_t output_token)
{
	struct bt_call call = bt_call_begin(minor_status);

	bt_call_empty(output_token);
	if (context_handle == NULL || *context_handle == GSS_C_NO_CONTEXT)
		bt_call_refuse(&call, GSS_S_CALL_INACCESSIBLE_WRITE | GSS_S_NO_CONTEXT, 0);
	else if ((*context_handle)->magic != BT_HANDLE_CONTEXT)
		bt_call_refuse(&call, GSS_S_CALL_INACCESSIBLE_READ | GSS_S_NO_CONTEXT, 0);
	if (bt_call_failed(&call))
		return bt_call_end(&call);
	bt_context_handle_free(*context_handle);
	*context_handle = GSS_C_NO_CONTEXT;
	return bt_call_end(&call);
}

/* RFC 4121 has no such tokens. RFC 1964 has one: the peer has deleted the context. The handle stays the program's to delete. */
OM_uint32
gss_process_context_token(OM_uint32 *minor_status, gss_ctx_id_t context_handle, gss_buffer_t token_buffer)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct bt_ctx *ctx = bt_call_context_to_use(&call, context_handle);
	struct bt_bytes token = bt_call_input_filled(&call, token_buffer, 0);
	struct bt_msg *msg;

	if (bt_gss_is_loaded(&call, ctx)) {
		bt_gss_loaded_process_token(&call, ctx, token_buffer);
	} else if ((msg = bt_call_msg(&call, ctx, GSS_C_QOP_DEFAULT)) != NULL) {
		if (bt_msg_has_deletion(msg))
			bt_call_error(&call, ctx->mech, bt_msg_verify_deletion(msg, token));
		else
			bt_call_refuse_as(&call, ctx->mech, GSS_S_DEFECTIVE_TOKEN, 0);
		if (!bt_call_failed(&call))
			atomic_store_explicit(&context_handle->is_ended, true, memory_order_relaxed);
	}
	return bt_call_end(&call);
}

OM_uint32
gss_context_time(OM_uint32 *minor_status, gss_ctx_id_t context_handle, OM_uint32 *time_rec)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct bt_ctx *ctx;

	bt_call_empty_u32(time_rec);
	bt_call_wants(&call, time_rec, 0);
	ctx = bt_call_context(&call, context_handle);
	if (bt_gss_is_loaded(&call, ctx))
		bt_gss_loaded_time(&call, ctx, time_rec);
	else if (bt_call_msg(&call, ctx, GSS_C_QOP_DEFAULT) != NULL && (*time_rec = bt_call_lifetime_s(ctx->expires_at)) == 0)
		bt_call_error(&call, ctx->mech, BT_ERR_CONTEXT_EXPIRED);
	return bt_call_end(&call);
}

/* A context between its legs has flags, side and mechanism, but no names or time yet. RFC 2743 §2.2.6. */
OM_uint32
gss_inquire_context(OM_uint32 *minor_status, gss_ctx_id_t context_handle, gss_name_t *src_name, gss_name_t *targ_name,
		    OM_uint32 *lifetime_rec, gss_OID *mech_type, OM_uint32 *ctx_flags, int *locally_initiated, int *open)
{
	struct bt_call call = bt_call_begin(minor_status);
	gss_name_t initiator = NULL, acceptor = NULL;
	struct bt_gss_loaded_facts facts = {0};
	const struct bt_ctx *ctx;
	bool is_open;

	if (src_name != NULL)
		*src_name = GSS_C_NO_NAME;
	if (targ_name != NULL)
		*targ_name = GSS_C_NO_NAME;
	bt_call_empty_u32(lifetime_rec);
	bt_call_empty_oid(mech_type);
	bt_call_empty_u32(ctx_flags);
	bt_call_empty_int(locally_initiated);
	bt_call_empty_int(open);
	if ((ctx = bt_call_context(&call, context_handle)) == NULL)
		return bt_call_end(&call);
	is_open = ctx->stage == BT_CTX_OPEN;
	if (ctx->mech->is_loaded) {
		bt_gss_loaded_inquire(&call, ctx, src_name != NULL, targ_name != NULL, &facts);
		initiator = make_name(&call, ctx->mech, facts.initiator);
		acceptor = make_name(&call, ctx->mech, facts.acceptor);
		bt_mn_free(facts.initiator);
		bt_mn_free(facts.acceptor);
	} else if (is_open && src_name != NULL)
		initiator = make_initiator(&call, ctx);
	if (is_open && !ctx->mech->is_loaded && targ_name != NULL)
		acceptor = make_name(&call, ctx->mech, ctx->acceptor);
	if (bt_call_failed(&call)) {
		gss_release_name(&(OM_uint32){0}, &initiator);
		gss_release_name(&(OM_uint32){0}, &acceptor);
		return bt_call_end(&call);
	}
	if (src_name != NULL)
		*src_name = initiator;
	if (targ_name != NULL)
		*targ_name = acceptor;
	if (lifetime_rec != NULL)
		*lifetime_rec = ctx->mech->is_loaded ? facts.lifetime_s : is_open ? bt_call_lifetime_s(ctx->expires_at) : 0;
	if (mech_type != NULL)
		*mech_type = bt_oid_static(ctx->wire_oid);
	if (ctx_flags != NULL)
		*ctx_flags = ctx->mech->is_loaded ? facts.flags : flags_of(ctx);
	if (locally_initiated != NULL)
		*locally_initiated = ctx->is_initiator;
	if (open != NULL)
		*open = is_open;
	return bt_call_end(&call);
}
