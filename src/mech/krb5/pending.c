#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/iakerb.h"
#include "wire/rec.h"

enum { MICROSECONDS = 1000000 };

/* The saved form. Rows are facts of the protocol; tags are never used again for something else. */
struct saved {
	uint8_t wait;
	int32_t session_enctype;
	struct bt_bytes session_key;
	int64_t ctime;
	uint32_t cusec;
	int32_t subkey_enctype;
	struct bt_bytes subkey;
	int32_t acceptor_enctype;
	struct bt_bytes acceptor_subkey;
	uint32_t send_seq, recv_seq;
	bool is_dce, detects_replay, detects_sequence;
};

static const struct bt_rec_field fields[] = {
    BT_REC_FIELD(saved, wait, 1, BT_REC_U8, false, false, BT_KRB5_EXPECT_AP_REP, BT_KRB5_EXPECT_DCE_REPLY),
    BT_REC_FIELD(saved, session_enctype, 2, BT_REC_I32, false, false, 0, UINT32_MAX),
    BT_REC_FIELD(saved, session_key, 3, BT_REC_BYTES, true, false, 1, BT_CRYPTO_KEY_MAX),
    BT_REC_FIELD(saved, ctime, 4, BT_REC_I64, false, false, 0, UINT32_MAX),
    BT_REC_FIELD(saved, cusec, 5, BT_REC_U32, false, true, 0, MICROSECONDS - 1),
    BT_REC_FIELD(saved, subkey_enctype, 6, BT_REC_I32, false, false, 0, UINT32_MAX),
    BT_REC_FIELD(saved, subkey, 7, BT_REC_BYTES, true, false, 1, BT_CRYPTO_KEY_MAX),
    BT_REC_FIELD(saved, acceptor_enctype, 8, BT_REC_I32, false, true, 0, UINT32_MAX),
    BT_REC_FIELD(saved, acceptor_subkey, 9, BT_REC_BYTES, true, true, 0, BT_CRYPTO_KEY_MAX),
    BT_REC_FIELD(saved, send_seq, 10, BT_REC_U32, false, true, 0, UINT32_MAX),
    BT_REC_FIELD(saved, recv_seq, 11, BT_REC_U32, false, true, 0, UINT32_MAX),
    BT_REC_FIELD(saved, is_dce, 12, BT_REC_BOOL, false, true, 0, 1),
    BT_REC_FIELD(saved, detects_replay, 13, BT_REC_BOOL, false, true, 0, 1),
    BT_REC_FIELD(saved, detects_sequence, 14, BT_REC_BOOL, false, true, 0, 1),
};
static const struct bt_rec rec = {fields, sizeof fields / sizeof fields[0]};

int
bt_krb5_pending_new(struct bt_ctx *ctx, const struct bt_krb5_pending *pending)
{
	struct bt_krb5_pending *fresh = bt_mem_dup(pending, sizeof *pending);

	if (fresh == NULL)
		return BT_ERR_NOMEM;
	if (ctx->pending != NULL)
		bt_krb5_pending_free(ctx);
	ctx->pending = fresh;
	ctx->stage = BT_CTX_EXPECT_TOKEN;
	return 0;
}

void
bt_krb5_pending_free(struct bt_ctx *ctx)
{
	const struct bt_krb5_pending *pending = ctx->pending;

	bt_iakerb_free(bt_iakerb_of(ctx));
	if (pending != NULL)
		bt_krb5_cred_free(pending->delegated);
	bt_mem_free_secret(ctx->pending, sizeof *pending);
	ctx->pending = NULL;
}

int
bt_krb5_pending_save(const struct bt_ctx *ctx, struct bt_wr *out)
{
	const struct bt_krb5_pending *pending = ctx->pending;
	const struct bt_msg_state *state = &pending->state;
	struct saved saved = {
	    .wait = (uint8_t)pending->wait,
	    .session_enctype = pending->session.enctype,
	    .session_key = bt_bytes_of(pending->session.bytes, pending->session.len),
	    .ctime = pending->ctime,
	    .cusec = pending->cusec,
	    .subkey_enctype = state->subkey.enctype,
	    .subkey = bt_bytes_of(state->subkey.bytes, state->subkey.len),
	    .acceptor_enctype = state->acceptor_subkey.enctype,
	    .acceptor_subkey = bt_bytes_of(state->acceptor_subkey.bytes, state->acceptor_subkey.len),
	    .send_seq = (uint32_t)state->send_next,
	    .recv_seq = (uint32_t)state->recv_first,
	    .is_dce = state->is_dce,
	    .detects_replay = state->detects_replay,
	    .detects_sequence = state->detects_sequence,
	};

	return bt_rec_encode(&rec, &saved, out);
}

/* A key as long as its enctype says, or none. Enctypes that only libkrb5 knows stay its business. */
static bool
load_key(int32_t enctype, struct bt_bytes bytes, struct bt_msg_key *out)
{
	size_t raw_len, key_len;

	if (enctype == 0)
		return bytes.len == 0;
	if (krb5_c_keylengths(NULL, enctype, &raw_len, &key_len) != 0 || bytes.len != key_len || bytes.len > sizeof out->bytes)
		return false;
	out->enctype = enctype;
	out->len = (uint8_t)bytes.len;
	memcpy(out->bytes, bytes.ptr, bytes.len);
	return true;
}

/* Only the initiator waits for an AP-REP; only a DCE acceptor, which has given out its subkey, for the third leg. */
static bool
is_possible(const struct bt_ctx *ctx, const struct saved *saved)
{
	bool is_acceptor = saved->wait == BT_KRB5_EXPECT_DCE_REPLY;

	return is_acceptor != ctx->is_initiator && (!is_acceptor || (saved->is_dce && saved->acceptor_enctype != 0));
}

int
bt_krb5_pending_load(struct bt_ctx *ctx, struct bt_mechs mechs, struct bt_bytes bytes)
{
	struct bt_krb5_pending pending = {0};
	struct saved saved;
	int e = bt_rec_decode(&rec, bytes, &saved);

	if (e != 0)
		return e;
	if (!is_possible(ctx, &saved) || saved.session_enctype == 0 || saved.subkey_enctype == 0 ||
	    !load_key(saved.session_enctype, saved.session_key, &pending.session) ||
	    !load_key(saved.subkey_enctype, saved.subkey, &pending.state.subkey) ||
	    !load_key(saved.acceptor_enctype, saved.acceptor_subkey, &pending.state.acceptor_subkey)) {
		e = BT_ERR_MALFORMED;
	} else {
		pending.wait = saved.wait;
		pending.ctime = saved.ctime;
		pending.cusec = saved.cusec;
		pending.state.is_initiator = ctx->is_initiator;
		pending.state.is_dce = saved.is_dce;
		pending.state.detects_replay = saved.detects_replay;
		pending.state.detects_sequence = saved.detects_sequence;
		pending.state.send_next = saved.send_seq;
		pending.state.recv_first = saved.recv_seq;
		e = bt_krb5_pending_new(ctx, &pending);
	}
	bt_mem_wipe(&pending, sizeof pending);
	return e;
}

int
bt_krb5_open(struct bt_ctx *ctx, const struct bt_msg_state *state)
{
	int e = bt_msg_new(state, &ctx->msg);

	if (e != 0)
		return e;
	if (ctx->pending != NULL)
		bt_krb5_pending_free(ctx);
	ctx->flags |= BT_CTX_PROT_READY | BT_CTX_TRANS;
	ctx->stage = BT_CTX_OPEN;
	return 0;
}
