#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/iakerb.h"

/* Flags that are told to the acceptor as they were asked for. RFC 4121 §4.1.1.1. */
enum {
	TOLD_FLAGS = BT_CTX_CONF | BT_CTX_INTEG | BT_CTX_MUTUAL | BT_CTX_REPLAY | BT_CTX_SEQUENCE | BT_CTX_DELEG |
		     BT_CTX_DCE_STYLE | BT_CTX_IDENTIFY | BT_CTX_EXTENDED_ERROR,
};

/* ---- the ticket ---- */

static krb5_error_code
find_evidence(struct bt_krb5 *lib, struct bt_mcred *cred, krb5_creds *out)
{
	krb5_creds want = {.magic = KV5M_CREDS, .client = cred->client, .server = cred->impersonator};

	return krb5_cc_retrieve_cred(lib->ctx, cred->ccache, KRB5_TC_MATCH_AUTHDATA, &want, out);
}

/* What only a cache of somebody else's tickets needs: S4U2Proxy with our own ticket as the evidence. MS-SFU §3.1.5.2. */
static krb5_error_code
plan_proxy(struct bt_krb5 *lib, struct bt_mcred *cred, krb5_creds *want, krb5_creds *evidence, krb5_flags *flags)
{
	int compare = want->server->type == KRB5_NT_SRV_HST ? KRB5_PRINCIPAL_COMPARE_IGNORE_REALM : 0;
	krb5_error_code code;

	/* The evidence itself is the ticket for the impersonator. */
	if (krb5_principal_compare_flags(lib->ctx, cred->impersonator, want->server, compare)) {
		*flags |= KRB5_GC_CACHED;
		return 0;
	}
	if ((code = find_evidence(lib, cred, evidence)) != 0)
		return code;
	want->client = cred->impersonator;
	want->second_ticket = evidence->ticket;
	*flags = KRB5_GC_CANONICALIZE | KRB5_GC_CONSTRAINED_DELEGATION;
	return 0;
}

/*
 * What krb5_get_credentials would find first, without what it reads before that: the cache's notes for who asks a KDC. Not found, or
 * anything else: it is to be asked.
 */
static bool
find_ticket(struct bt_krb5 *lib, struct bt_mcred *cred, const krb5_creds *want, krb5_timestamp now, krb5_creds **out)
{
	krb5_creds like = *want, found;
	krb5_error_code code;

	/* Whoever has libkrb5 tell what it does is to read of this ticket, as ever. */
	if (secure_getenv("KRB5_TRACE") != NULL)
		return false;
	if (like.times.endtime == 0)
		like.times.endtime = now;
	if (krb5_cc_retrieve_cred(lib->ctx, cred->ccache, KRB5_TC_MATCH_TIMES | KRB5_TC_MATCH_AUTHDATA | KRB5_TC_SUPPORTED_KTYPES,
				  &like, &found) != 0)
		return false;
	code = krb5_copy_creds(lib->ctx, &found, out);
	krb5_free_cred_contents(lib->ctx, &found);
	return code == 0;
}

static krb5_error_code
get_ticket(struct bt_krb5 *lib, struct bt_mcred *cred, krb5_const_principal server, uint32_t lifetime_s, bool is_cached,
	   krb5_creds **out)
{
	krb5_principal_data target = *server;
	krb5_creds want = {.magic = KV5M_CREDS, .client = cred->client, .server = &target}, evidence = {0};
	krb5_flags flags = 0;
	krb5_timestamp now;
	krb5_error_code code;

	*out = NULL;
	if ((code = krb5_timeofday(lib->ctx, &now)) != 0)
		return code;
	if (lifetime_s != 0 && lifetime_s != UINT32_MAX)
		want.times.endtime = (krb5_timestamp)((uint32_t)now + lifetime_s);
	if (cred->impersonator != NULL) {
		/* The search starts in the client's realm. */
		if (target.type == KRB5_NT_SRV_HST)
			target.realm = (krb5_data){.magic = KV5M_DATA};
		code = plan_proxy(lib, cred, &want, &evidence, &flags);
	}
	if (is_cached)
		flags |= KRB5_GC_CACHED;
	if (code == 0 && !(cred->impersonator == NULL && find_ticket(lib, cred, &want, now, out)))
		code = krb5_get_credentials(lib->ctx, flags, cred->ccache, &want, out);
	if (code != 0)
		*out = NULL;
	else if ((flags & KRB5_GC_CONSTRAINED_DELEGATION) != 0 &&
		 !krb5_principal_compare(lib->ctx, cred->client, (*out)->client))
		code = KRB5_KDCREP_MODIFIED; /* the KDC knows nothing of S4U2Proxy */
	else if (bt_krb5_seconds(now) > bt_krb5_seconds((*out)->times.endtime))
		code = KRB5KRB_AP_ERR_TKT_EXPIRED; /* the acceptor would say the same, later */
	if (code != 0) {
		krb5_free_creds(lib->ctx, *out);
		*out = NULL;
	}
	krb5_free_cred_contents(lib->ctx, &evidence);
	return code;
}

/* ---- the AP-REQ ---- */

/* For the time of one krb5_mk_req_extended, which asks for the checksum when it has made the subkey. */
struct request {
	struct bt_krb5_checksum checksum;
	krb5_principal client, server;
	krb5_ccache ccache;
	krb5_data krb_cred; /* libkrb5's memory */
	struct bt_bytes conversation; /* IAKERB's, or empty */
	struct bt_wr finished, bytes;
	krb5_data answer;
};

/* Of IAKERB alone: what was carried until now is proved with the subkey. */
static krb5_error_code
finish(krb5_context ctx, krb5_auth_context auth, struct request *request)
{
	krb5_keyblock *subkey = NULL;
	krb5_error_code code = krb5_auth_con_getsendsubkey(ctx, auth, &subkey);

	if (code == 0 && subkey == NULL)
		code = KRB5KDC_ERR_NULL_KEY;
	if (code == 0)
		code = bt_iakerb_finish(ctx, subkey, request->conversation, &request->finished);
	krb5_free_keyblock(ctx, subkey);
	request->checksum.finished = bt_wr_written(&request->finished);
	return code;
}

static krb5_error_code
make_checksum(krb5_context ctx, krb5_auth_context auth, void *ptr, krb5_data **out)
{
	struct request *request = ptr;
	krb5_error_code code;

	if ((request->checksum.flags & BT_CTX_DELEG) != 0) {
		code = bt_krb5_delegate_write(ctx, auth, request->client, request->server, request->ccache, &request->krb_cred);
		if (code == KRB5KRB_ERR_FIELD_TOOLONG)
			return code;
		/* RFC 2743 §2.2.1: delegation that cannot be had is no error; the flags returned tell. */
		if (code != 0)
			request->checksum.flags &= ~(uint32_t)(BT_CTX_DELEG | BT_CTX_DELEG_POLICY);
		request->checksum.delegation = bt_bytes_of(request->krb_cred.data, request->krb_cred.length);
	}
	if (request->conversation.len != 0 && (code = finish(ctx, auth, request)) != 0)
		return code;
	bt_krb5_checksum_write(&request->checksum, &request->bytes);
	if (request->bytes.failed)
		return ENOMEM;
	request->answer = bt_krb5_data_of(bt_wr_written(&request->bytes));
	*out = &request->answer;
	return 0;
}

/* ctx->flags are what is told; they lose delegation if it fails. */
static krb5_error_code
make_request(struct bt_krb5 *lib, struct bt_ctx *ctx, struct request *request, krb5_auth_context *auth, krb5_creds *creds,
	     krb5_data *out)
{
	krb5_flags options = AP_OPTS_USE_SUBKEY;
	krb5_error_code code;

	if ((ctx->flags & BT_CTX_MUTUAL) != 0)
		options |= AP_OPTS_MUTUAL_REQUIRED | AP_OPTS_ETYPE_NEGOTIATION;
	if ((code = krb5_auth_con_init(lib->ctx, auth)) != 0)
		return code;
	krb5_auth_con_setflags(lib->ctx, *auth, KRB5_AUTH_CONTEXT_DO_SEQUENCE);
	if ((code = krb5_auth_con_set_req_cksumtype(lib->ctx, *auth, BT_KRB5_CHECKSUM_TYPE)) != 0 ||
	    (code = krb5_auth_con_set_checksum_func(lib->ctx, *auth, make_checksum, request)) != 0)
		return code;
	return krb5_mk_req_extended(lib->ctx, auth, options, NULL, creds, out);
}

/* ---- first leg ---- */

static uint32_t
first_flags(struct bt_krb5 *lib, uint32_t asked, const struct bt_mcred *cred, const krb5_creds *creds)
{
	uint32_t flags;

	if (lib->enforces_ok_as_delegate && (asked & BT_CTX_DELEG) != 0)
		asked = (asked & ~(uint32_t)BT_CTX_DELEG) | BT_CTX_DELEG_POLICY;
	flags = (asked & TOLD_FLAGS) | BT_CTX_TRANS;
	if (!cred->hides_protection)
		flags |= BT_CTX_CONF | BT_CTX_INTEG;
	if ((flags & BT_CTX_DCE_STYLE) != 0)
		flags |= BT_CTX_MUTUAL;
	if ((asked & BT_CTX_DELEG_POLICY) != 0 && (creds->ticket_flags & TKT_FLG_OK_AS_DELEGATE) != 0)
		flags |= BT_CTX_DELEG | BT_CTX_DELEG_POLICY;
	return flags;
}

/* What the context waits with, or opens with, from what the request was made of. */
static int
read_state(struct bt_krb5 *lib, const struct bt_ctx *ctx, krb5_auth_context auth, const krb5_creds *creds,
	   struct bt_bytes ap_req, struct bt_krb5_pending *out)
{
	krb5_keyblock *subkey = NULL;
	krb5_int32 seq;
	krb5_error_code code;
	int e;

	out->wait = BT_KRB5_EXPECT_AP_REP;
	if ((e = bt_krb5_key_copy(&creds->keyblock, &out->session)) != 0)
		return e;
	if ((code = krb5_auth_con_getlocalseqnumber(lib->ctx, auth, &seq)) != 0 ||
	    (code = krb5_auth_con_getsendsubkey(lib->ctx, auth, &subkey)) != 0)
		return bt_krb5_fail(lib, code);
	e = subkey != NULL ? bt_krb5_key_copy(subkey, &out->state.subkey) : BT_ERR_NO_SUBKEY;
	krb5_free_keyblock(lib->ctx, subkey);
	if (e == 0)
		e = bt_krb5_request_time(lib, ap_req, &out->session, &out->ctime, &out->cusec);
	out->state.is_initiator = true;
	out->state.is_dce = (ctx->flags & BT_CTX_DCE_STYLE) != 0;
	out->state.detects_replay = (ctx->flags & BT_CTX_REPLAY) != 0;
	out->state.detects_sequence = (ctx->flags & BT_CTX_SEQUENCE) != 0;
	/* Without an AP-REP both directions count from the initiator's number. RFC 4121 §4.1.1 knows of no other. */
	out->state.send_next = out->state.recv_first = (uint32_t)seq;
	return e;
}

static int
send_request(struct bt_krb5 *lib, struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_mcred *cred,
	     krb5_principal server, krb5_creds *creds, struct bt_buf *token_out)
{
	struct request request = {.client = cred->client, .server = server, .ccache = cred->ccache};
	struct bt_krb5_pending pending = {0};
	krb5_auth_context auth = NULL;
	krb5_data ap_req = {.magic = KV5M_DATA};
	krb5_error_code code;
	struct bt_bytes bytes;
	int e;

	bt_wr_init(&request.finished);
	bt_wr_init(&request.bytes);
	request.conversation = bt_iakerb_conversation(ctx);
	ctx->flags = request.checksum.flags = first_flags(lib, step->flags, cred, creds);
	if ((e = bt_krb5_bindings_hash(lib, step->bindings, request.checksum.bindings)) != 0)
		return e;
	if ((step->flags & BT_CTX_CHANNEL_BOUND) != 0 && (code = bt_krb5_authdata_bound(lib->ctx, creds)) != 0)
		return bt_krb5_fail(lib, code);
	if ((code = make_request(lib, ctx, &request, &auth, creds, &ap_req)) != 0) {
		e = bt_krb5_fail(lib, code);
		goto out;
	}
	ctx->flags = request.checksum.flags;
	bytes = bt_bytes_of(ap_req.data, ap_req.length);
	if ((e = read_state(lib, ctx, auth, creds, bytes, &pending)) != 0)
		goto out;
	if ((ctx->flags & BT_CTX_DCE_STYLE) != 0)
		e = bt_buf_dup(bytes, token_out);
	else
		e = bt_krb5_token_write(ctx->wire_oid, BT_KRB5_TOK_AP_REQ, bytes, token_out);
	if (e == 0 && (ctx->flags & BT_CTX_MUTUAL) != 0)
		e = bt_krb5_pending_new(ctx, &pending);
	else if (e == 0)
		e = bt_krb5_open(ctx, &pending.state);
	if (e != 0)
		bt_buf_free(token_out);
out:
	bt_mem_wipe(&pending, sizeof pending);
	krb5_free_data_contents(lib->ctx, &ap_req);
	krb5_free_data_contents(lib->ctx, &request.krb_cred);
	bt_wr_done(&request.finished);
	bt_wr_done(&request.bytes);
	krb5_auth_con_free(lib->ctx, auth);
	return e;
}

static int
first_leg_with(struct bt_krb5 *lib, struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_mcred *cred,
	       krb5_principal server, struct bt_buf *token_out)
{
	krb5_creds *creds = NULL;
	krb5_error_code code;
	struct bt_mn *initiator;
	int e;

	if ((code = get_ticket(lib, cred, server, step->lifetime_s, ctx->mech == &bt_mech_iakerb, &creds)) != 0)
		return bt_krb5_fail(lib, code);
	initiator = bt_mn_share(cred->initiator);
	e = send_request(lib, ctx, step, cred, server, creds, token_out);
	if (e == 0) {
		ctx->initiator = initiator;
		ctx->acceptor = bt_mn_share((struct bt_mn *)(uintptr_t)step->target);
		ctx->expires_at = bt_krb5_wall_of(lib, creds->times.endtime);
		ctx->authtime = bt_krb5_seconds(creds->times.authtime);
		ctx->ticket_flags = (uint32_t)creds->ticket_flags;
	} else {
		bt_mn_free(initiator);
	}
	krb5_free_creds(lib->ctx, creds);
	return e;
}

/* With the enctypes that the credential is limited to, which libkrb5 knows as those to ask tickets for. */
static int
first_leg_limited(struct bt_krb5 *lib, struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_mcred *cred,
		  krb5_principal server, struct bt_buf *token_out)
{
	krb5_enctype enctypes[BT_KRB5_ENCTYPES_MAX + 1];
	krb5_error_code code = 0;
	int e;

	/* What is chosen under the lock stays chosen, so the exchange with the KDC need not hold it. */
	if ((e = bt_krb5_cred_lock(cred)) != 0)
		return e;
	e = bt_krb5_cred_choose(lib, cred, server);
	memcpy(enctypes, cred->enctypes, sizeof enctypes);
	bt_krb5_cred_unlock(cred);
	if (e != 0)
		return e;
	if (enctypes[0] != 0)
		code = krb5_set_default_tgs_enctypes(lib->ctx, enctypes);
	e = code != 0 ? bt_krb5_fail(lib, code) : first_leg_with(lib, ctx, step, cred, server, token_out);
	if (enctypes[0] != 0)
		krb5_set_default_tgs_enctypes(lib->ctx, NULL);
	return e;
}

int
bt_krb5_init_with(struct bt_krb5 *lib, struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *token_out)
{
	struct bt_mcred *cred = step->cred, *temporary = NULL;
	krb5_principal server;
	int e;

	if (step->token.len != 0)
		return BT_ERR_DEFECTIVE_TOKEN;
	if (step->target == NULL)
		return BT_ERR_BAD_NAME;
	if (cred != NULL && cred->usage == BT_USAGE_ACCEPT)
		return BT_ERR_NO_CRED;
	if ((e = bt_krb5_principal_of(lib, step->target, &server)) != 0)
		return e;
	if (cred == NULL) {
		e = bt_krb5_cred_default(BT_USAGE_INITIATE, &temporary);
		cred = temporary;
	}
	if (e == 0)
		e = first_leg_limited(lib, ctx, step, cred, server, token_out);
	bt_krb5_cred_free(temporary);
	krb5_free_principal(lib->ctx, server);
	return e;
}

/* ---- second leg ---- */

/* The third leg of DCE style: the acceptor's number comes back, under the session key. */
static int
send_dce_reply(struct bt_krb5 *lib, const struct bt_krb5_pending *pending, uint32_t seq, struct bt_buf *token_out)
{
	struct bt_krb5_reply answer = {.seq = seq};
	krb5_timestamp now;
	krb5_int32 cusec;
	struct bt_wr wr;
	krb5_error_code code = krb5_us_timeofday(lib->ctx, &now, &cusec);
	int e;

	if (code != 0)
		return bt_krb5_fail(lib, code);
	answer.ctime = bt_krb5_seconds(now);
	answer.cusec = (uint32_t)cusec;
	bt_wr_init(&wr);
	e = bt_krb5_reply_write(lib, &pending->session, &answer, &wr);
	if (e == 0)
		e = bt_wr_take(&wr, token_out);
	bt_wr_done(&wr);
	return e;
}

static int
take_reply(struct bt_krb5 *lib, struct bt_ctx *ctx, struct bt_bytes ap_rep, struct bt_buf *token_out)
{
	struct bt_krb5_pending *pending = ctx->pending;
	struct bt_msg_state state = pending->state;
	struct bt_krb5_reply reply;
	int e = bt_krb5_reply_read(lib, &pending->session, ap_rep, &reply);

	/* Some old acceptors encrypt under the subkey. */
	if (e == KRB5KRB_AP_ERR_BAD_INTEGRITY && bt_krb5_reply_read(lib, &state.subkey, ap_rep, &reply) == 0)
		e = 0;
	/* RFC 4120 §3.2.4: it must be an answer to our own request. */
	if (e == 0 && (reply.ctime != pending->ctime || reply.cusec != pending->cusec))
		e = bt_krb5_fail(lib, KRB5_MUTUAL_FAILED);
	if (e == 0) {
		/* Legacy tokens do not say by which key they are made; all stay with ours then, as with MIT's library. */
		if (state.is_dce || !bt_krb5_is_legacy(state.subkey.enctype) || reply.subkey.enctype != state.subkey.enctype)
			state.acceptor_subkey = reply.subkey;
		state.recv_first = reply.seq;
		if (state.is_dce)
			e = send_dce_reply(lib, pending, reply.seq, token_out);
	}
	if (e == 0 && (e = bt_krb5_open(ctx, &state)) != 0)
		bt_buf_free(token_out);
	bt_mem_wipe(&state, sizeof state);
	bt_mem_wipe(&reply, sizeof reply);
	return e;
}

static int
second_leg(struct bt_krb5 *lib, struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *token_out)
{
	const struct bt_krb5_pending *pending = ctx->pending;
	struct bt_bytes oid, body = step->token;
	uint16_t id;
	int e;

	if (step->target != NULL && ctx->acceptor != NULL && strcmp(step->target->text, ctx->acceptor->text) != 0)
		return BT_ERR_BAD_NAME;
	if (step->token.len == 0)
		return BT_ERR_DEFECTIVE_TOKEN;
	/* DCE style has no framing; but a refusal may come with it. */
	if (!pending->state.is_dce || step->token.ptr[0] == 0x60) {
		if ((e = bt_krb5_token_read(ctx->mech, step->token, &oid, &id, &body)) != 0 || !bt_bytes_equal(oid, ctx->wire_oid))
			return BT_ERR_DEFECTIVE_TOKEN;
		if (id == BT_KRB5_TOK_ERROR)
			return bt_krb5_fail(lib, bt_krb5_error_read(body));
		if (id != BT_KRB5_TOK_AP_REP || pending->state.is_dce)
			return BT_ERR_DEFECTIVE_TOKEN;
	}
	return take_reply(lib, ctx, body, token_out);
}

int
bt_krb5_init(struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *token_out)
{
	struct bt_krb5 *lib;
	int e;

	*token_out = (struct bt_buf){0};
	if ((e = bt_krb5_enter(&lib)) != 0)
		return e;
	if (ctx->stage == BT_CTX_NEW)
		e = bt_krb5_init_with(lib, ctx, step, token_out);
	else if (ctx->stage == BT_CTX_EXPECT_TOKEN)
		e = second_leg(lib, ctx, step, token_out);
	else
		e = BT_ERR_CONTEXT_ESTABLISHED;
	bt_krb5_leave(lib);
	return e;
}
