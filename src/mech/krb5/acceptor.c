#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/iakerb.h"

/* Flags that are taken from the initiator's word. RFC 4121 §4.1.1.1. */
enum {
	TAKEN_FLAGS = BT_CTX_INTEG | BT_CTX_CONF | BT_CTX_MUTUAL | BT_CTX_REPLAY | BT_CTX_SEQUENCE | BT_CTX_DCE_STYLE |
		      BT_CTX_IDENTIFY | BT_CTX_EXTENDED_ERROR,
	BARE_AP_REQ = 0x6e,
};

/* Not declared by krb5.h. Absent: an acceptor cannot be limited to enctypes. */
extern krb5_error_code krb5_auth_con_setpermetypes(krb5_context ctx, krb5_auth_context auth, const krb5_enctype *enctypes)
	__attribute__((weak));

/* One request, while it is looked at. */
struct arrival {
	struct bt_bytes ap_req;
	bool is_bare; /* came without framing, as only DCE style may */
	bool has_request;
	struct bt_krb5_request request;
	krb5_auth_context auth;
	krb5_flags options;
	krb5_ticket *ticket;
	krb5_authenticator *authenticator;
	uint32_t flags;
	struct bt_bytes conversation; /* IAKERB's, to be proved; or empty */
	bool is_proved;
	struct bt_mcred *delegated;
};

static void
arrival_done(struct bt_krb5 *lib, const struct bt_mcred *cred, struct arrival *arrival)
{
	if (arrival->authenticator != NULL)
		krb5_free_authenticator(lib->ctx, arrival->authenticator);
	if (arrival->ticket != NULL)
		krb5_free_ticket(lib->ctx, arrival->ticket);
	bt_krb5_rcache_leave(lib, cred, arrival->auth);
	krb5_auth_con_free(lib->ctx, arrival->auth);
	bt_krb5_cred_free(arrival->delegated);
}

/* ---- the token ---- */

static int
read_token(struct bt_ctx *ctx, struct bt_bytes token, struct arrival *out)
{
	struct bt_bytes oid;
	uint16_t id;
	int e;

	if (token.len == 0)
		return BT_ERR_DEFECTIVE_TOKEN;
	if (token.ptr[0] == BARE_AP_REQ) {
		out->ap_req = token;
		out->is_bare = true;
	} else {
		if ((e = bt_krb5_token_read(ctx->mech, token, &oid, &id, &out->ap_req)) != 0)
			return e;
		if (id != BT_KRB5_TOK_AP_REQ)
			return BT_ERR_WRONG_TOKID;
		/* The reply will carry the OID as the peer spells it. */
		ctx->wire_oid = oid;
	}
	/* Only needed to name the service in a refusal: what cannot be read here libkrb5 will refuse with a code of its own. */
	out->has_request = bt_krb5_request_read(out->ap_req, &out->request) == 0;
	return 0;
}

/* ---- the checksum ---- */

/* Samba's client sends a real checksum, over nothing, in place of RFC 4121's. */
static int
check_real_checksum(struct bt_krb5 *lib, struct arrival *arrival)
{
	krb5_data nothing = {.magic = KV5M_DATA, .data = (char *)(uintptr_t) ""};
	krb5_keyblock *key = NULL;
	krb5_boolean is_valid = 0;
	krb5_error_code code = krb5_auth_con_getkey(lib->ctx, arrival->auth, &key);

	if (code != 0 || key == NULL)
		return bt_krb5_fail(lib, code != 0 ? code : KRB5KDC_ERR_NULL_KEY);
	/* It shows that the authenticator is not from a message whose data it protects. */
	code = krb5_c_verify_checksum(lib->ctx, key, KRB5_KEYUSAGE_AP_REQ_AUTH_CKSUM, &nothing,
				      arrival->authenticator->checksum, &is_valid);
	krb5_free_keyblock(lib->ctx, key);
	if (code != 0 || !is_valid)
		return BT_ERR_BAD_MIC;
	arrival->flags = BT_CTX_REPLAY | BT_CTX_SEQUENCE;
	if ((arrival->options & AP_OPTS_MUTUAL_REQUIRED) != 0)
		arrival->flags |= BT_CTX_MUTUAL;
	return 0;
}

/* The initiator has seen the messages that were carried for it as they were. */
static int
check_finished(struct bt_krb5 *lib, struct bt_bytes finished, struct arrival *arrival)
{
	int e;

	if (finished.len == 0)
		return 0;
	if (arrival->conversation.len == 0)
		return bt_krb5_fail(lib, KRB5KRB_AP_ERR_MSG_TYPE);
	if (arrival->authenticator->subkey == NULL)
		return bt_krb5_fail(lib, KRB5KDC_ERR_NULL_KEY);
	e = bt_iakerb_check_finished(lib, arrival->authenticator->subkey, arrival->conversation, finished);
	arrival->is_proved = e == 0;
	return e;
}

static int
take_checksum(struct bt_krb5 *lib, const struct bt_accept_step *step, struct arrival *arrival, bool wants_delegated,
	      bool *is_bound)
{
	static const uint8_t none[BT_KRB5_BINDINGS_LEN];
	const krb5_checksum *checksum = arrival->authenticator->checksum;
	struct bt_krb5_checksum told;
	uint8_t ours[BT_KRB5_BINDINGS_LEN];
	int e = bt_krb5_checksum_read(bt_bytes_of(checksum->contents, checksum->length), &told);

	if (e != 0)
		return e;
	if (step->bindings != NULL) {
		if ((e = bt_krb5_bindings_hash(lib, step->bindings, ours)) != 0)
			return e;
		*is_bound = memcmp(ours, told.bindings, sizeof ours) == 0;
		/* An initiator that knows no bindings is let through: the flag tells whether it did. RFC 4121 §4.1.1.2. */
		if (!*is_bound && memcmp(told.bindings, none, sizeof none) != 0)
			return BT_ERR_BAD_BINDINGS;
	}
	if ((e = check_finished(lib, told.finished, arrival)) != 0)
		return e;
	arrival->flags = told.flags & TAKEN_FLAGS;
	if (*is_bound)
		arrival->flags |= BT_CTX_CHANNEL_BOUND;
	if (told.delegation.len != 0) {
		if (wants_delegated &&
		    (e = bt_krb5_delegate_read(lib, arrival->auth, told.delegation, &arrival->delegated)) != 0)
			return e;
		arrival->flags |= BT_CTX_DELEG;
	}
	return 0;
}

static int
check_checksum(struct bt_krb5 *lib, const struct bt_accept_step *step, struct arrival *arrival, bool wants_delegated)
{
	bool is_bound = false, demands = false;
	int e = 0;

	/* No checksum at all: MS-KILE §3.4.5 has the acceptor assume that no flag was set. */
	if (arrival->authenticator->checksum == NULL)
		arrival->flags = 0;
	else if (arrival->authenticator->checksum->checksum_type != BT_KRB5_CHECKSUM_TYPE)
		e = check_real_checksum(lib, arrival);
	else
		e = take_checksum(lib, step, arrival, wants_delegated, &is_bound);
	if (e == 0 && arrival->conversation.len != 0 && !arrival->is_proved)
		e = BT_ERR_BAD_MIC;
	if (e == 0)
		e = bt_krb5_authdata_demands_bindings(lib, arrival->authenticator->authorization_data, &demands);
	/* A client that always binds did not mean this authenticator for this channel. */
	if (e == 0 && demands && step->bindings != NULL && !is_bound)
		e = BT_ERR_BAD_BINDINGS;
	/* Framing is left out in DCE style, and only there. */
	if (e == 0 && arrival->is_bare != ((arrival->flags & BT_CTX_DCE_STYLE) != 0))
		e = BT_ERR_DEFECTIVE_TOKEN;
	return e;
}

/* ---- the request ---- */

static int
limit_enctypes(struct bt_krb5 *lib, struct bt_mcred *cred, krb5_auth_context auth)
{
	krb5_enctype enctypes[BT_KRB5_ENCTYPES_MAX + 1];
	int e;

	if ((e = bt_krb5_cred_lock(cred)) != 0)
		return e;
	memcpy(enctypes, cred->enctypes, sizeof enctypes);
	bt_krb5_cred_unlock(cred);
	if (enctypes[0] == 0)
		return 0;
	if (krb5_auth_con_setpermetypes == NULL)
		return bt_err_note(BT_ERR_UNAVAILABLE, "This libkrb5 cannot limit an acceptor's enctypes");
	return bt_krb5_fail(lib, krb5_auth_con_setpermetypes(lib->ctx, auth, enctypes));
}

static int
open_request(struct bt_krb5 *lib, struct bt_mcred *cred, const struct bt_accept_step *step, struct arrival *arrival)
{
	krb5_address address = {.magic = KV5M_ADDRESS, .addrtype = ADDRTYPE_INET};
	krb5_error_code code = krb5_auth_con_init(lib->ctx, &arrival->auth);
	int e;

	if (code != 0)
		return bt_krb5_fail(lib, code);
	if ((e = bt_krb5_rcache_use(lib, cred, arrival->auth)) != 0 || (e = limit_enctypes(lib, cred, arrival->auth)) != 0)
		return e;
	/* GSS_C_AF_INET: a ticket bound to addresses must name this one. */
	if (step->bindings != NULL && step->bindings->initiator_addrtype == 2) {
		address.length = (unsigned)step->bindings->initiator_address.len;
		address.contents = (krb5_octet *)(uintptr_t)step->bindings->initiator_address.ptr;
		if ((code = krb5_auth_con_setaddrs(lib->ctx, arrival->auth, NULL, &address)) != 0)
			return bt_krb5_fail(lib, code);
	}
	return 0;
}

/* Refusals that another key would turn into something else; none of them has touched the replay cache. */
static bool
is_about_keys(krb5_error_code code)
{
	return code == KRB5KRB_AP_ERR_NOKEY || code == KRB5KRB_AP_ERR_BADKEYVER || code == KRB5KRB_AP_ERR_NOT_US ||
	       code == KRB5KRB_AP_ERR_BAD_INTEGRITY || code == KRB5_KT_NOTFOUND || code == KRB5_KT_KVNONOTFOUND;
}

/*
 * The service that the ticket names, if the credential may be it: then its key is looked up and not searched for. NULL: search, as
 * for a service that goes by another name in the keytab.
 */
static krb5_principal
service_named(struct bt_krb5 *lib, struct bt_mcred *cred, const struct arrival *arrival)
{
	krb5_data data = bt_krb5_data_of(arrival->request.ticket);
	krb5_principal server = NULL;
	krb5_ticket *ticket;

	if (!arrival->has_request || krb5_decode_ticket(&data, &ticket) != 0)
		return NULL;
	if (cred->match == NULL || krb5_sname_match(lib->ctx, cred->match, ticket->server)) {
		server = ticket->server;
		ticket->server = NULL;
		/* Host-based names would be canonicalised and matched again. */
		server->type = KRB5_NT_PRINCIPAL;
	}
	krb5_free_ticket(lib->ctx, ticket);
	return server;
}

static krb5_error_code
decrypt_quickly(struct bt_krb5 *lib, struct bt_mcred *cred, krb5_data *message, struct arrival *arrival)
{
	krb5_principal server = service_named(lib, cred, arrival);
	struct bt_krb5_snapshot *snapshot = NULL;
	krb5_error_code code = KRB5KRB_AP_ERR_NOKEY;

	if (server != NULL)
		snapshot = bt_krb5_snapshot_borrow(lib, cred);
	if (snapshot != NULL)
		code = krb5_rd_req(lib->ctx, &arrival->auth, message, server, bt_krb5_snapshot_keytab(snapshot),
				   &arrival->options, &arrival->ticket);
	bt_krb5_snapshot_return(lib, cred, snapshot);
	krb5_free_principal(lib->ctx, server);
	return code;
}

/* The quick way finds nearly every key. The thorough one sees the keytab as it is now, and has the better sentence. */
static krb5_error_code
decrypt(struct bt_krb5 *lib, struct bt_mcred *cred, struct arrival *arrival)
{
	krb5_data message = bt_krb5_data_of(arrival->ap_req);
	krb5_error_code code = decrypt_quickly(lib, cred, &message, arrival);

	if (!is_about_keys(code))
		return code;
	krb5_clear_error_message(lib->ctx);
	return krb5_rd_req(lib->ctx, &arrival->auth, &message, cred->match, cred->keytab, &arrival->options, &arrival->ticket);
}

static int
check_request(struct bt_krb5 *lib, struct bt_mcred *cred, const struct bt_accept_step *step, struct arrival *arrival)
{
	krb5_error_code code;
	int e = open_request(lib, cred, step, arrival);

	if (e != 0)
		return e;
	if ((code = decrypt(lib, cred, arrival)) != 0)
		return bt_krb5_fail(lib, code);
	krb5_auth_con_setflags(lib->ctx, arrival->auth, KRB5_AUTH_CONTEXT_DO_SEQUENCE);
	return bt_krb5_fail(lib, krb5_auth_con_getauthenticator(lib->ctx, arrival->auth, &arrival->authenticator));
}

/* ---- what the context is made of ---- */

static int
name_peers(struct bt_krb5 *lib, struct bt_ctx *ctx, const struct arrival *arrival)
{
	int e = bt_krb5_name_of(lib, arrival->authenticator->client, NULL, NULL, &ctx->initiator);

	if (e == 0)
		e = bt_krb5_attributes_vouched(lib, arrival->auth, bt_bytes_of_buf(&ctx->authz), &ctx->vouched);
	return e != 0 ? e : bt_krb5_name_of(lib, arrival->ticket->server, NULL, NULL, &ctx->acceptor);
}

static int
read_state(struct bt_krb5 *lib, struct arrival *arrival, struct bt_krb5_pending *out)
{
	krb5_keyblock *session = NULL;
	krb5_error_code code = krb5_auth_con_getkey(lib->ctx, arrival->auth, &session);
	int e;

	if (code != 0 || session == NULL)
		return bt_krb5_fail(lib, code != 0 ? code : KRB5KDC_ERR_NULL_KEY);
	e = bt_krb5_key_copy(session, &out->session);
	krb5_free_keyblock(lib->ctx, session);
	if (e != 0)
		return e;
	if (arrival->authenticator->subkey != NULL)
		e = bt_krb5_key_copy(arrival->authenticator->subkey, &out->state.subkey);
	else
		out->state.subkey = out->session;
	out->wait = BT_KRB5_EXPECT_DCE_REPLY;
	out->ctime = bt_krb5_seconds(arrival->authenticator->ctime);
	out->cusec = (uint32_t)arrival->authenticator->cusec;
	out->state.is_dce = (arrival->flags & BT_CTX_DCE_STYLE) != 0;
	out->state.detects_replay = (arrival->flags & BT_CTX_REPLAY) != 0;
	out->state.detects_sequence = (arrival->flags & BT_CTX_SEQUENCE) != 0;
	/* Without an AP-REP both directions count from the initiator's number. */
	out->state.recv_first = out->state.send_next = (uint32_t)arrival->authenticator->seq_number;
	return e;
}

/*
 * The AP-REP, with a subkey of our own of the enctype that RFC 4537 finds best; or with none, if with_subkey is false or the
 * library takes none.
 */
static int
make_reply(struct bt_krb5 *lib, struct arrival *arrival, bool with_subkey, krb5_data *ap_rep, struct bt_msg_key *subkey)
{
	krb5_keyblock *made = NULL;
	krb5_error_code code;
	krb5_int32 flags;
	int e = 0;

	*subkey = (struct bt_msg_key){0};
	if ((code = krb5_auth_con_getflags(lib->ctx, arrival->auth, &flags)) != 0 ||
	    (code = krb5_auth_con_setflags(lib->ctx, arrival->auth,
					   with_subkey ? flags | KRB5_AUTH_CONTEXT_USE_SUBKEY
						       : flags & ~KRB5_AUTH_CONTEXT_USE_SUBKEY)) != 0 ||
	    (code = krb5_mk_rep(lib->ctx, arrival->auth, ap_rep)) != 0 ||
	    (with_subkey && (code = krb5_auth_con_getsendsubkey(lib->ctx, arrival->auth, &made)) != 0))
		return bt_krb5_fail(lib, code);
	if (made != NULL)
		e = bt_krb5_key_copy(made, subkey);
	krb5_free_keyblock(lib->ctx, made);
	return e;
}

static int
reply_by_library(struct bt_krb5 *lib, struct arrival *arrival, struct bt_msg_state *state, struct bt_wr *out)
{
	krb5_data ap_rep = {.magic = KV5M_DATA};
	krb5_int32 seq = 0;
	krb5_error_code code;
	int e = make_reply(lib, arrival, true, &ap_rep, &state->acceptor_subkey);

	/* Legacy tokens do not say by which key they are made, so that there is one; DCE style has it be the acceptor's. */
	if (e == 0 && !state->is_dce && bt_krb5_is_legacy(state->acceptor_subkey.enctype) &&
	    bt_krb5_is_legacy(state->subkey.enctype)) {
		krb5_free_data_contents(lib->ctx, &ap_rep);
		e = make_reply(lib, arrival, false, &ap_rep, &state->acceptor_subkey);
	}
	if (e == 0 && (code = krb5_auth_con_getlocalseqnumber(lib->ctx, arrival->auth, &seq)) != 0)
		e = bt_krb5_fail(lib, code);
	state->send_next = (uint32_t)seq;
	bt_wr_bytes(out, bt_bytes_of(ap_rep.data, ap_rep.length));
	krb5_free_data_contents(lib->ctx, &ap_rep);
	return e;
}

/*
 * What libkrb5 would answer, in a fraction of the time: where the enctype that it found best is the session key's, and crypto's. Any
 * bytes are a key of such an enctype.
 */
static int
reply_quickly(struct bt_krb5 *lib, struct bt_krb5_pending *pending, struct bt_wr *out)
{
	struct bt_krb5_reply reply = {.ctime = pending->ctime, .cusec = pending->cusec};
	int e;

	reply.subkey.enctype = pending->session.enctype;
	reply.subkey.len = pending->session.len;
	if ((e = bt_crypto_random(reply.subkey.bytes, reply.subkey.len)) != 0 ||
	    (e = bt_crypto_random(&reply.seq, sizeof reply.seq)) != 0)
		goto out;
	/* There are peers that take the upper half of the numbers for negative ones: leave much room below. */
	reply.seq = (reply.seq & 0x3fffffff) != 0 ? reply.seq & 0x3fffffff : 1;
	if ((e = bt_krb5_reply_write(lib, &pending->session, &reply, out)) != 0)
		goto out;
	pending->state.acceptor_subkey = reply.subkey;
	pending->state.send_next = reply.seq;
out:
	bt_mem_wipe(&reply, sizeof reply);
	return e;
}

static int
send_reply(struct bt_krb5 *lib, struct bt_ctx *ctx, struct arrival *arrival, struct bt_krb5_pending *pending,
	   struct bt_buf *token_out)
{
	bool is_quick = (arrival->options & AP_OPTS_USE_SUBKEY) == 0 && bt_krb5_reply_is_quick(&pending->session);
	struct bt_wr wr;
	int e;

	bt_wr_init(&wr);
	e = is_quick ? reply_quickly(lib, pending, &wr) : reply_by_library(lib, arrival, &pending->state, &wr);
	if (e == 0 && wr.failed)
		e = BT_ERR_NOMEM;
	if (e == 0 && pending->state.is_dce)
		e = bt_buf_dup(bt_wr_written(&wr), token_out);
	else if (e == 0)
		e = bt_krb5_token_write(ctx->wire_oid, BT_KRB5_TOK_AP_REP, bt_wr_written(&wr), token_out);
	bt_wr_done(&wr);
	return e;
}

static int
build(struct bt_krb5 *lib, struct bt_ctx *ctx, struct arrival *arrival, struct bt_buf *token_out)
{
	const krb5_enc_tkt_part *ticket = arrival->ticket->enc_part2;
	struct bt_krb5_pending pending = {0};
	int e;

	if ((arrival->flags & BT_CTX_DCE_STYLE) != 0)
		arrival->flags |= BT_CTX_MUTUAL;
	ctx->flags = arrival->flags | BT_CTX_TRANS;
	/* The skew that was allowed when the ticket was looked at is allowed when it ends. */
	ctx->expires_at = bt_krb5_wall_of(lib, ticket->times.endtime) + lib->clockskew_s;
	ctx->authtime = bt_krb5_seconds(ticket->times.authtime);
	ctx->ticket_flags = (uint32_t)ticket->flags;
	e = bt_krb5_authdata_write(ticket->authorization_data, arrival->authenticator->authorization_data, &ctx->authz);
	if (e == 0)
		e = name_peers(lib, ctx, arrival);
	if (e == 0)
		e = read_state(lib, arrival, &pending);
	if (e == 0 && (ctx->flags & BT_CTX_MUTUAL) != 0)
		e = send_reply(lib, ctx, arrival, &pending, token_out);
	if (e == 0 && pending.state.is_dce)
		e = bt_krb5_pending_new(ctx, &pending);
	else if (e == 0)
		e = bt_krb5_open(ctx, &pending.state);
	if (e != 0)
		bt_buf_free(token_out);
	bt_mem_wipe(&pending, sizeof pending);
	return e;
}

/* The peer that waits for an answer is told what is wrong. RFC 4121 §4.1.3. */
static void
refuse(struct bt_krb5 *lib, const struct bt_ctx *ctx, int err, const struct arrival *arrival, struct bt_buf *token_out)
{
	struct bt_wr wr;

	if (!arrival->has_request ||
	    ((arrival->request.options & BT_KRB5_AP_MUTUAL) == 0 && (arrival->flags & BT_CTX_MUTUAL) == 0))
		return;
	bt_wr_init(&wr);
	bt_krb5_error_write(err, &arrival->request, bt_clock_wall_s(), &wr);
	/* Without memory the peer goes without. */
	if (!wr.failed)
		(void)bt_krb5_token_write(ctx->wire_oid, BT_KRB5_TOK_ERROR, bt_wr_written(&wr), token_out);
	bt_wr_done(&wr);
}

/*
 * Nothing was delegated, but an acceptor that can initiate as well may go on in the client's name where its realm lets it: the
 * client's ticket is the evidence.
 */
static int
delegate_constrained(struct bt_krb5 *lib, struct bt_mcred *cred, struct arrival *arrival)
{
	const krb5_enc_tkt_part *part = arrival->ticket->enc_part2;
	krb5_creds evidence = {.magic = KV5M_CREDS, .client = part->client, .server = arrival->ticket->server,
			       .keyblock = *part->session, .ticket_flags = part->flags, .times = part->times};
	int e;

	evidence.ticket = bt_krb5_data_of(arrival->request.ticket);
	if ((e = bt_krb5_cred_choose_usual(lib, cred)) == 0)
		e = bt_krb5_proxy_new(lib, cred, &evidence, &arrival->delegated);
	if (e == 0)
		arrival->flags |= BT_CTX_DELEG;
	return e;
}

static int
first_leg(struct bt_krb5 *lib, struct bt_ctx *ctx, const struct bt_accept_step *step, struct bt_buf *token_out,
	  struct bt_mcred **delegated)
{
	struct bt_mcred *cred = step->cred, *temporary = NULL;
	struct arrival arrival = {.conversation = bt_iakerb_conversation(ctx)};
	int e;

	if (cred != NULL && cred->usage == BT_USAGE_INITIATE)
		return BT_ERR_NO_CRED;
	if ((e = read_token(ctx, step->token, &arrival)) != 0)
		return e;
	if (cred == NULL) {
		if ((e = bt_krb5_cred_default(BT_USAGE_ACCEPT, &temporary)) != 0)
			return e;
		cred = temporary;
	}
	e = check_request(lib, cred, step, &arrival);
	if (e == 0)
		e = check_checksum(lib, step, &arrival, delegated != NULL);
	/* Who gets tickets by way of acceptors alone has nobody to ask now. */
	if (e == 0 && delegated != NULL && arrival.delegated == NULL && arrival.has_request && cred->usage == BT_USAGE_BOTH &&
	    !cred->is_iakerb)
		e = delegate_constrained(lib, cred, &arrival);
	if (e == 0)
		e = build(lib, ctx, &arrival, token_out);
	if (e != 0) {
		refuse(lib, ctx, e, &arrival, token_out);
	} else if (delegated != NULL) {
		/* With the last leg, after which ret_flags and delegated_cred_handle are looked at. RFC 2744 §5.1. */
		struct bt_krb5_pending *pending = ctx->pending;

		*(pending != NULL ? &pending->delegated : delegated) = arrival.delegated;
		arrival.delegated = NULL;
	}
	arrival_done(lib, cred, &arrival);
	bt_krb5_cred_free(temporary);
	return e;
}

/* ---- the third leg of DCE style ---- */

static int
third_leg(struct bt_krb5 *lib, struct bt_ctx *ctx, struct bt_bytes token, struct bt_mcred **delegated)
{
	struct bt_krb5_pending *pending = ctx->pending;
	struct bt_msg_state state = pending->state;
	struct bt_mcred *cred = pending->delegated;
	struct bt_krb5_reply reply;
	int e = bt_krb5_reply_read(lib, &pending->session, token, &reply);

	/* Our number must come back, and no subkey: an echo of our own AP-REP has one. */
	if (e == 0 && (reply.seq != (uint32_t)state.send_next || reply.subkey.enctype != 0))
		e = bt_krb5_fail(lib, KRB5_MUTUAL_FAILED);
	if (e == 0 && delegated != NULL)
		pending->delegated = NULL;
	if (e == 0 && (e = bt_krb5_open(ctx, &state)) != 0 && delegated != NULL)
		bt_krb5_cred_free(cred);
	/* One that was delegated before the context was handed on is not here, so none is claimed. */
	if (e == 0 && cred == NULL)
		ctx->flags &= ~(uint32_t)BT_CTX_DELEG;
	if (e == 0 && delegated != NULL)
		*delegated = cred;
	bt_mem_wipe(&state, sizeof state);
	bt_mem_wipe(&reply, sizeof reply);
	return e;
}

int
bt_krb5_accept(struct bt_ctx *ctx, const struct bt_accept_step *step, struct bt_buf *token_out, struct bt_mcred **delegated)
{
	struct bt_krb5 *lib;
	int e;

	*token_out = (struct bt_buf){0};
	if (delegated != NULL)
		*delegated = NULL;
	if ((e = bt_krb5_enter(&lib)) != 0)
		return e;
	if (ctx->stage == BT_CTX_NEW || bt_iakerb_of(ctx) != NULL)
		e = first_leg(lib, ctx, step, token_out, delegated);
	else if (ctx->stage == BT_CTX_EXPECT_TOKEN)
		e = third_leg(lib, ctx, step->token, delegated);
	else
		e = BT_ERR_CONTEXT_ESTABLISHED;
	bt_krb5_leave(lib);
	return e;
}
