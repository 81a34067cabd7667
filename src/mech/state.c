#include "mech/state.h"

#include "base/err.h"
#include "base/mem.h"
#include "mech/limits.h"

#define FIELD(member, tag, type, presence, min, max) BT_REC_FIELD(bt_ctx_state, member, tag, type, false, presence, min, max)
#define SECRET(member, tag, type, presence, min, max) BT_REC_FIELD(bt_ctx_state, member, tag, type, true, presence, min, max)

enum { REQUIRED = false, OPTIONAL = true };

/* Strings carry their final NUL, so that an empty one and none are two things. */
#define STRING_MIN 1
#define STRING_MAX (BT_CTX_NAME_MAX + 1)

static const struct bt_rec_field fields[] = {
    FIELD(stage, 1, BT_REC_U8, REQUIRED, BT_CTX_EXPECT_TOKEN, BT_CTX_OPEN),
    FIELD(is_initiator, 2, BT_REC_BOOL, OPTIONAL, 0, 1),
    FIELD(flags, 3, BT_REC_U32, OPTIONAL, 0, UINT32_MAX),
    FIELD(expires_at, 4, BT_REC_I64, OPTIONAL, 0, UINT64_MAX),
    FIELD(authtime, 5, BT_REC_I64, OPTIONAL, 0, UINT64_MAX),
    FIELD(ticket_flags, 6, BT_REC_U32, OPTIONAL, 0, UINT32_MAX),

    FIELD(initiator_kind, 16, BT_REC_I32, OPTIONAL, 0, UINT32_MAX),
    FIELD(initiator_is_anonymous, 17, BT_REC_BOOL, OPTIONAL, 0, 1),
    FIELD(initiator_name, 18, BT_REC_BYTES, OPTIONAL, STRING_MIN, STRING_MAX),
    FIELD(initiator_service, 19, BT_REC_BYTES, OPTIONAL, STRING_MIN, STRING_MAX),
    FIELD(initiator_host, 20, BT_REC_BYTES, OPTIONAL, STRING_MIN, STRING_MAX),
    FIELD(initiator_vouched, 21, BT_REC_U32, OPTIONAL, 0, UINT32_MAX),

    FIELD(acceptor_kind, 24, BT_REC_I32, OPTIONAL, 0, UINT32_MAX),
    FIELD(acceptor_is_anonymous, 25, BT_REC_BOOL, OPTIONAL, 0, 1),
    FIELD(acceptor_name, 26, BT_REC_BYTES, OPTIONAL, STRING_MIN, STRING_MAX),
    FIELD(acceptor_service, 27, BT_REC_BYTES, OPTIONAL, STRING_MIN, STRING_MAX),
    FIELD(acceptor_host, 28, BT_REC_BYTES, OPTIONAL, STRING_MIN, STRING_MAX),

    FIELD(is_dce, 32, BT_REC_BOOL, OPTIONAL, 0, 1),
    FIELD(detects_replay, 33, BT_REC_BOOL, OPTIONAL, 0, 1),
    FIELD(detects_sequence, 34, BT_REC_BOOL, OPTIONAL, 0, 1),
    FIELD(subkey_enctype, 35, BT_REC_I32, OPTIONAL, 0, UINT32_MAX),
    SECRET(subkey, 36, BT_REC_BYTES, OPTIONAL, 1, BT_CRYPTO_KEY_MAX),
    FIELD(acceptor_subkey_enctype, 37, BT_REC_I32, OPTIONAL, 0, UINT32_MAX),
    SECRET(acceptor_subkey, 38, BT_REC_BYTES, OPTIONAL, 1, BT_CRYPTO_KEY_MAX),
    FIELD(send_next, 39, BT_REC_U64, OPTIONAL, 0, UINT64_MAX),
    FIELD(recv_first, 40, BT_REC_U64, OPTIONAL, 0, UINT64_MAX),
    FIELD(recv_next, 41, BT_REC_U64, OPTIONAL, 0, UINT64_MAX),
    FIELD(recv_seen, 42, BT_REC_U64, OPTIONAL, 0, UINT64_MAX),

    /* What a domain controller says about a person is nobody's to print. */
    SECRET(authz, 48, BT_REC_BYTES, OPTIONAL, 1, BT_CTX_AUTHZ_MAX),
    SECRET(pending, 49, BT_REC_BYTES, OPTIONAL, 1, BT_CTX_PENDING_MAX),
};

const struct bt_rec bt_ctx_state_rec = {fields, sizeof fields / sizeof fields[0]};

void
bt_ctx_secrets_init(struct bt_ctx_secrets *secrets)
{
	secrets->msg = (struct bt_msg_state){0};
	bt_wr_init(&secrets->pending);
}

void
bt_ctx_secrets_done(struct bt_ctx_secrets *secrets)
{
	bt_mem_wipe(&secrets->msg, sizeof secrets->msg);
	bt_wr_done(&secrets->pending);
}

/* ---- context to record ---- */

static struct bt_bytes
string_of(const char *text)
{
	return text != NULL ? bt_bytes_of(text, strlen(text) + 1) : (struct bt_bytes){0};
}

static void
names_of(const struct bt_ctx *ctx, struct bt_ctx_state *out)
{
	const struct bt_mn *initiator = ctx->initiator, *acceptor = ctx->acceptor;

	if (initiator != NULL) {
		out->initiator_kind = initiator->kind;
		out->initiator_is_anonymous = initiator->is_anonymous;
		out->initiator_name = string_of(initiator->text);
		out->initiator_service = string_of(initiator->service);
		out->initiator_host = string_of(initiator->host);
	}
	if (acceptor != NULL) {
		out->acceptor_kind = acceptor->kind;
		out->acceptor_is_anonymous = acceptor->is_anonymous;
		out->acceptor_name = string_of(acceptor->text);
		out->acceptor_service = string_of(acceptor->service);
		out->acceptor_host = string_of(acceptor->host);
	}
}

static void
message_of(const struct bt_msg_state *msg, struct bt_ctx_state *out)
{
	out->is_dce = msg->is_dce;
	out->detects_replay = msg->detects_replay;
	out->detects_sequence = msg->detects_sequence;
	out->subkey_enctype = msg->subkey.enctype;
	out->subkey = bt_bytes_of(msg->subkey.bytes, msg->subkey.len);
	out->acceptor_subkey_enctype = msg->acceptor_subkey.enctype;
	out->acceptor_subkey = bt_bytes_of(msg->acceptor_subkey.bytes, msg->acceptor_subkey.len);
	out->send_next = msg->send_next;
	out->recv_first = msg->recv_first;
	out->recv_next = msg->recv_next;
	out->recv_seen = msg->recv_seen;
}

int
bt_ctx_state_of(struct bt_ctx *ctx, struct bt_ctx_secrets *secrets, struct bt_ctx_state *out)
{
	bool is_open = ctx->stage == BT_CTX_OPEN;
	int e;

	*out = (struct bt_ctx_state){
	    .stage = (uint8_t)ctx->stage,
	    .is_initiator = ctx->is_initiator,
	    .flags = ctx->flags,
	    .expires_at = ctx->expires_at,
	    .authtime = ctx->authtime,
	    .ticket_flags = ctx->ticket_flags,
	};
	if (!ctx->leaves_authz) {
		out->initiator_vouched = ctx->vouched;
		out->authz = bt_bytes_of_buf(&ctx->authz);
	}
	if (ctx->leaves_authz && ctx->mech->is_loaded)
		return bt_err_note(BT_ERR_NOT_TRANSFERABLE, "what a loaded mechanism exports is not known, and may be authorization data");
	/* A library keeps the names of its contexts itself, and its open ones as its half-open ones. */
	if (!ctx->mech->is_loaded)
		names_of(ctx, out);
	if (is_open && ctx->msg != NULL) {
		bt_msg_state_of(ctx->msg, &secrets->msg);
		message_of(&secrets->msg, out);
		/* The side is one fact and moves once. */
		return secrets->msg.is_initiator == ctx->is_initiator ? 0 : BT_ERR_NOT_TRANSFERABLE;
	}
	if ((is_open && !ctx->mech->is_loaded) || ctx->stage == BT_CTX_NEW || ctx->mech->pending_save == NULL)
		return BT_ERR_NOT_TRANSFERABLE;
	if ((e = ctx->mech->pending_save(ctx, &secrets->pending)) != 0)
		return e;
	if (secrets->pending.failed)
		return BT_ERR_NOMEM;
	out->pending = bt_wr_written(&secrets->pending);
	return 0;
}

/* ---- record to context ---- */

/* With a final NUL and no other; none at all is text NULL. */
static int
read_string(struct bt_bytes bytes, const char **text)
{
	*text = (const char *)bytes.ptr;
	if (bytes.len == 0)
		*text = NULL;
	else if (memchr(bytes.ptr, '\0', bytes.len) != bytes.ptr + bytes.len - 1)
		return BT_ERR_MALFORMED;
	return 0;
}

static int
build_name(int32_t kind, bool is_anonymous, struct bt_bytes name, struct bt_bytes service, struct bt_bytes host,
	   struct bt_mn **out)
{
	const char *text, *service_text, *host_text;
	int e;

	if ((e = read_string(name, &text)) != 0 || (e = read_string(service, &service_text)) != 0 ||
	    (e = read_string(host, &host_text)) != 0)
		return e;
	if (text == NULL)
		return kind != 0 || is_anonymous || service_text != NULL || host_text != NULL ? BT_ERR_MALFORMED : 0;
	*out = bt_mn_new(kind, is_anonymous, bt_bytes_of(text, name.len - 1), service_text, host_text);
	return *out != NULL ? 0 : BT_ERR_NOMEM;
}

static int
read_key(int32_t enctype, struct bt_bytes bytes, struct bt_msg_key *out)
{
	if ((enctype == 0) != (bytes.len == 0) || bytes.len > sizeof out->bytes)
		return BT_ERR_MALFORMED;
	out->enctype = enctype;
	out->len = (uint8_t)bytes.len;
	if (bytes.len != 0)
		memcpy(out->bytes, bytes.ptr, bytes.len);
	return 0;
}

static int
build_message(const struct bt_ctx_state *state, struct bt_msg **out)
{
	struct bt_msg_state msg = {
	    .is_initiator = state->is_initiator,
	    .is_dce = state->is_dce,
	    .detects_replay = state->detects_replay,
	    .detects_sequence = state->detects_sequence,
	    .send_next = state->send_next,
	    .recv_first = state->recv_first,
	    .recv_next = state->recv_next,
	    .recv_seen = state->recv_seen,
	};
	int e;

	if ((e = read_key(state->subkey_enctype, state->subkey, &msg.subkey)) == 0 &&
	    (e = read_key(state->acceptor_subkey_enctype, state->acceptor_subkey, &msg.acceptor_subkey)) == 0)
		e = bt_msg_new(&msg, out);
	bt_mem_wipe(&msg, sizeof msg);
	return e;
}

/* A context between legs, or of a library, has no per-message facts: what would be dropped here is refused. */
static int
build_pending(const struct bt_ctx_state *state, struct bt_mechs mechs, struct bt_ctx *ctx)
{
	if (state->is_dce || state->detects_replay || state->detects_sequence || state->subkey_enctype != 0 ||
	    state->subkey.len != 0 || state->acceptor_subkey_enctype != 0 || state->acceptor_subkey.len != 0 ||
	    state->send_next != 0 || state->recv_first != 0 || state->recv_next != 0 || state->recv_seen != 0)
		return BT_ERR_MALFORMED;
	if (ctx->mech->is_loaded && (ctx->initiator != NULL || ctx->acceptor != NULL))
		return BT_ERR_MALFORMED;
	return ctx->mech->pending_load != NULL ? ctx->mech->pending_load(ctx, mechs, state->pending) : BT_ERR_MALFORMED;
}

int
bt_ctx_state_build(const struct bt_ctx_state *state, const struct bt_mech *mech, struct bt_bytes wire_oid,
		   struct bt_mechs mechs, struct bt_ctx **out)
{
	struct bt_ctx *ctx = bt_ctx_new(mech, state->is_initiator);
	int e = 0;

	*out = NULL;
	if (ctx == NULL)
		return BT_ERR_NOMEM;
	ctx->wire_oid = wire_oid;
	ctx->stage = (enum bt_ctx_stage)state->stage;
	ctx->flags = state->flags;
	ctx->expires_at = state->expires_at;
	ctx->authtime = state->authtime;
	ctx->ticket_flags = state->ticket_flags;
	ctx->vouched = state->initiator_vouched;
	if ((e = build_name(state->initiator_kind, state->initiator_is_anonymous, state->initiator_name,
			    state->initiator_service, state->initiator_host, &ctx->initiator)) != 0 ||
	    (e = build_name(state->acceptor_kind, state->acceptor_is_anonymous, state->acceptor_name, state->acceptor_service,
			    state->acceptor_host, &ctx->acceptor)) != 0 ||
	    (state->authz.len != 0 && (e = bt_buf_dup(state->authz, &ctx->authz)) != 0))
		goto out;
	/* Vouched for is something, and of somebody. */
	if (ctx->vouched != 0 && (ctx->initiator == NULL || ctx->authz.len == 0)) {
		e = BT_ERR_MALFORMED;
		goto out;
	}
	if (ctx->stage == BT_CTX_OPEN && !mech->is_loaded)
		e = state->pending.len != 0 ? BT_ERR_MALFORMED : build_message(state, &ctx->msg);
	else
		e = build_pending(state, mechs, ctx);
out:
	if (e != 0)
		bt_ctx_free(ctx);
	else
		*out = ctx;
	return e;
}
