#include <errno.h>

#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/mech_krb5.h"

/*
 * A context's keys and counters for an implementation elsewhere, a kernel's for one: gss_krb5_lucid_context_v1_t of the
 * public header, which is not seen here; a test compares the two.
 */

enum { VERSION = 1, PROTOCOL_RFC1964 = 0, PROTOCOL_RFC4121 = 1, DES3_CBC_RAW = 6 };

struct lucid_key {
	uint32_t enctype;
	uint32_t len;
	void *bytes;
};

struct lucid {
	uint32_t version;
	uint32_t is_initiator;
	uint32_t ends_at;
	uint64_t send_seq, recv_seq;
	uint32_t protocol;
	struct {
		uint32_t sign_alg, seal_alg;
		struct lucid_key key;
	} rfc1964;
	struct {
		uint32_t has_acceptor_subkey;
		struct lucid_key subkey, acceptor_subkey;
	} rfc4121;
};

_Static_assert(offsetof(struct lucid, send_seq) == 16 && offsetof(struct lucid, protocol) == 32 &&
		   offsetof(struct lucid, rfc1964) == 40 && offsetof(struct lucid, rfc4121) == 64 &&
		   sizeof(struct lucid) == 104,
	       "programs read this struct by its public declaration");

static void
wipe_key(struct lucid_key *key)
{
	bt_mem_free_secret(key->bytes, key->len);
	*key = (struct lucid_key){0};
}

static void
free_lucid(struct lucid *lucid)
{
	wipe_key(&lucid->rfc1964.key);
	wipe_key(&lucid->rfc4121.subkey);
	wipe_key(&lucid->rfc4121.acceptor_subkey);
	bt_mem_free_secret(lucid, sizeof *lucid);
}

static int
copy_key(const struct bt_msg_key *key, struct lucid_key *out)
{
	if (key->enctype == 0)
		return 0;
	if ((out->bytes = bt_mem_dup(key->bytes, key->len)) == NULL)
		return BT_ERR_NOMEM;
	out->enctype = (uint32_t)key->enctype;
	out->len = key->len;
	return 0;
}

/* When the ticket ends; the skew that is allowed to an acceptor is not the ticket's. */
static int
end_of(const struct bt_ctx *ctx, uint32_t *out)
{
	int64_t at = ctx->expires_at;
	struct bt_krb5 *lib;
	int e;

	if (!ctx->is_initiator && at != BT_CTX_NEVER) {
		if ((e = bt_krb5_enter(&lib)) != 0)
			return e;
		at -= lib->clockskew_s;
		bt_krb5_leave(lib);
	}
	*out = at < UINT32_MAX ? (uint32_t)at : UINT32_MAX;
	return 0;
}

static int
fill_rfc1964(const struct bt_msg_key *key, struct lucid *out)
{
	bool is_rc4 = key->enctype == BT_CRYPTO_ARCFOUR_HMAC;
	int e = copy_key(key, &out->rfc1964.key);

	out->protocol = PROTOCOL_RFC1964;
	out->rfc1964.sign_alg = is_rc4 ? 0x11 : 4;
	out->rfc1964.seal_alg = is_rc4 ? 0x10 : 2;
	/* MIT's library gives the key of DES3 out as one of the bare cipher. */
	if (!is_rc4)
		out->rfc1964.key.enctype = DES3_CBC_RAW;
	return e;
}

static int
fill(const struct bt_ctx *ctx, struct lucid *out)
{
	struct bt_msg_state state;
	int e = end_of(ctx, &out->ends_at);

	if (e != 0)
		return e;
	bt_msg_state_of(ctx->msg, &state);
	out->version = VERSION;
	out->is_initiator = ctx->is_initiator;
	out->send_seq = state.send_next;
	out->recv_seq = state.recv_first + state.recv_next;
	if (bt_krb5_is_legacy(bt_msg_session_key(ctx->msg)->enctype)) {
		e = fill_rfc1964(bt_msg_session_key(ctx->msg), out);
		bt_mem_wipe(&state, sizeof state);
		return e;
	}
	out->protocol = PROTOCOL_RFC4121;
	out->rfc4121.has_acceptor_subkey = state.acceptor_subkey.enctype != 0;
	e = copy_key(&state.subkey, &out->rfc4121.subkey);
	if (e == 0)
		e = copy_key(&state.acceptor_subkey, &out->rfc4121.acceptor_subkey);
	bt_mem_wipe(&state, sizeof state);
	return e;
}

int
bt_krb5_lucid_answer(const struct bt_ctx *ctx, int32_t version, struct bt_answers *out)
{
	struct lucid *lucid;
	int e;

	if (version != VERSION)
		return BT_ERR_LUCID_VERSION;
	if ((lucid = bt_mem_alloc(sizeof *lucid)) == NULL)
		return BT_ERR_NOMEM;
	if ((e = fill(ctx, lucid)) == 0)
		e = bt_answers_add_copy(out, bt_bytes_of(&lucid, sizeof(void *)));
	if (e != 0)
		free_lucid(lucid);
	return e;
}

int
bt_krb5_lucid_free(void *lucid)
{
	if (lucid == NULL || ((struct lucid *)lucid)->version != VERSION)
		return EINVAL;
	free_lucid(lucid);
	return 0;
}
