/*
 * One round trip of public keys, which ends in an RFC 4121 context whose acceptor subkey both sides derived. draft §5, §6.
 *
 *   initiator: framing of RFC 2743 §3.1 | public key (32) [| flags (8)]
 *   acceptor:  public key (32) | MIC of nothing
 */
#include "base/err.h"
#include "base/mem.h"
#include "mech/sanon/sanon.h"
#include "wire/frame.h"

enum {
	BASE_ENCTYPE = 19, /* aes128-cts-hmac-sha256-128 */
	BASE_KEY_LEN = 16,
	FLAGS_LEN = 8,
	/* What the acceptor could not know otherwise. draft §5.1.1; the numbers are those of RFC 4757 §7.1. */
	SENT_FLAGS = BT_CTX_DCE_STYLE | BT_CTX_IDENTIFY | BT_CTX_EXTENDED_ERROR,
	SUPPORTED_FLAGS = BT_CTX_REPLAY | BT_CTX_SEQUENCE | BT_CTX_CONF | BT_CTX_INTEG,
	ALWAYS_FLAGS = BT_CTX_ANON | BT_CTX_PROT_READY | BT_CTX_TRANS,
};

static struct bt_bytes
public_key(const uint8_t key[static BT_CRYPTO_X25519_LEN])
{
	return bt_bytes_of(key, BT_CRYPTO_X25519_LEN);
}

/* Bindings of no data are none. */
static bool
is_bound(const struct bt_bindings *bindings)
{
	return bindings != NULL && bindings->application_data.len != 0;
}

/* The key of one's own pair and the peer's public key, which is initiator or acceptor. The caller wipes key. draft §6 */
static int
derive(const uint8_t *secret, struct bt_bytes peer, struct bt_bytes initiator, struct bt_bytes acceptor, uint64_t sent_flags,
       const struct bt_bindings *bindings, struct bt_msg_key *key)
{
	uint8_t shared[BT_CRYPTO_X25519_LEN];
	struct bt_wr context;
	int e;

	*key = (struct bt_msg_key){.enctype = BASE_ENCTYPE, .len = BASE_KEY_LEN};
	if ((e = bt_crypto_x25519(secret, peer.ptr, shared)) != 0)
		return e;
	bt_wr_init(&context);
	bt_wr_bytes(&context, initiator);
	bt_wr_bytes(&context, acceptor);
	bt_wr_be64(&context, sent_flags);
	if (is_bound(bindings))
		bt_wr_bytes(&context, bindings->application_data);
	if (context.failed)
		e = BT_ERR_NOMEM;
	else
		bt_crypto_kdf_sha256(public_key(shared), bt_bytes_of_str("sanon-x25519"), bt_wr_written(&context), key->bytes,
				     key->len);
	bt_mem_wipe(shared, sizeof shared);
	bt_wr_done(&context);
	return e;
}

/* Names, flags and message state: all that an open context has, but for its stage. */
static int
fill(struct bt_ctx *ctx, const struct bt_msg_key *key, uint32_t flags)
{
	struct bt_msg_state state = {
	    .is_initiator = ctx->is_initiator,
	    .is_dce = (flags & BT_CTX_DCE_STYLE) != 0,
	    .detects_replay = (flags & BT_CTX_REPLAY) != 0,
	    .detects_sequence = (flags & BT_CTX_SEQUENCE) != 0,
	    /* The PRF is the same for both kinds of key. draft §7 */
	    .subkey = *key,
	    .acceptor_subkey = *key,
	};
	int e = bt_msg_new(&state, &ctx->msg);

	bt_mem_wipe(&state, sizeof state);
	if (e != 0)
		return e;
	if ((ctx->initiator = bt_sanon_anonymous()) == NULL)
		return BT_ERR_NOMEM;
	ctx->acceptor = bt_mn_share(ctx->initiator);
	ctx->flags = flags | ALWAYS_FLAGS;
	ctx->expires_at = BT_CTX_NEVER;
	return 0;
}

/* ---- initiator ---- */

/* draft §5.1.1: nobody becomes anonymous without asking to. */
static bool
is_wanted(const struct bt_init_step *step)
{
	const struct bt_mn *own = bt_sanon_cred_name(step->cred);

	if ((step->flags & BT_CTX_ANON) != 0)
		return true;
	return own != NULL ? own->is_anonymous : step->target != NULL && step->target->is_anonymous;
}

static int
first_leg(struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *token_out)
{
	uint64_t sent_flags = step->flags & SENT_FLAGS;
	struct bt_sanon_pending *waiting;
	struct bt_wr body, token;
	int e;

	if (!bt_sanon_cred_may(step->cred, BT_USAGE_INITIATE))
		return BT_ERR_NO_CRED;
	if (!is_wanted(step))
		return BT_ERR_UNAVAILABLE;
	if ((waiting = bt_mem_alloc(sizeof *waiting)) == NULL)
		return BT_ERR_NOMEM;
	ctx->pending = waiting;
	waiting->asked = step->flags;
	if ((e = bt_crypto_x25519_new(waiting->secret, waiting->public)) != 0)
		return e;
	bt_wr_init(&body);
	bt_wr_init(&token);
	bt_wr_bytes(&body, public_key(waiting->public));
	if (sent_flags != 0)
		bt_wr_be64(&body, sent_flags);
	bt_frame_write(&token, ctx->mech->oid, bt_wr_written(&body));
	e = body.failed ? BT_ERR_NOMEM : bt_wr_take(&token, token_out);
	bt_wr_done(&body);
	bt_wr_done(&token);
	if (e == 0)
		ctx->stage = BT_CTX_EXPECT_TOKEN;
	return e;
}

static int
second_leg(struct bt_ctx *ctx, const struct bt_init_step *step)
{
	const struct bt_sanon_pending *waiting = ctx->pending;
	uint32_t flags = waiting->asked & (SUPPORTED_FLAGS | SENT_FLAGS);
	struct bt_rd rd = bt_rd_of(step->token);
	struct bt_bytes initiator = public_key(waiting->public), acceptor = bt_rd_bytes(&rd, BT_CRYPTO_X25519_LEN);
	struct bt_bytes mic = bt_rd_rest(&rd);
	enum bt_msg_order order;
	struct bt_msg_key key;
	int e;

	if (bt_rd_end(&rd) != 0)
		return BT_ERR_DEFECTIVE_TOKEN;
	if (is_bound(step->bindings))
		flags |= waiting->asked & BT_CTX_CHANNEL_BOUND;
	if ((e = derive(waiting->secret, acceptor, initiator, acceptor, waiting->asked & SENT_FLAGS, step->bindings, &key)) == 0 &&
	    (e = fill(ctx, &key, flags)) == 0)
		e = bt_msg_verify_mic(ctx->msg, (struct bt_bytes){0}, mic, &order);
	bt_mem_wipe(&key, sizeof key);
	if (e != 0)
		return e;
	bt_sanon_pending_free(ctx);
	ctx->stage = BT_CTX_OPEN;
	return 0;
}

int
bt_sanon_init(struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *token_out)
{
	*token_out = (struct bt_buf){0};
	return ctx->stage == BT_CTX_NEW ? first_leg(ctx, step, token_out) : second_leg(ctx, step);
}

/* ---- acceptor ---- */

static int
read_first(const struct bt_mech *mech, struct bt_bytes token, struct bt_bytes *initiator, uint64_t *sent_flags)
{
	struct bt_bytes oid, body;
	struct bt_rd rd;

	if (bt_frame_read(token, &oid, &body) != 0 || !bt_bytes_equal(oid, mech->oid))
		return BT_ERR_DEFECTIVE_TOKEN;
	rd = bt_rd_of(body);
	*initiator = bt_rd_bytes(&rd, BT_CRYPTO_X25519_LEN);
	*sent_flags = rd.left != 0 ? bt_rd_be64(&rd) : 0;
	return bt_rd_end(&rd) == 0 ? 0 : BT_ERR_DEFECTIVE_TOKEN;
}

static int
write_second(struct bt_ctx *ctx, struct bt_bytes acceptor, struct bt_buf *out)
{
	struct bt_buf mic;
	struct bt_wr wr;
	int e = bt_msg_get_mic(ctx->msg, (struct bt_bytes){0}, &mic);

	if (e != 0)
		return e;
	bt_wr_init(&wr);
	bt_wr_bytes(&wr, acceptor);
	bt_wr_bytes(&wr, bt_bytes_of_buf(&mic));
	bt_buf_free(&mic);
	return bt_wr_take(&wr, out);
}

int
bt_sanon_accept(struct bt_ctx *ctx, const struct bt_accept_step *step, struct bt_buf *token_out, struct bt_mcred **delegated)
{
	uint8_t secret[BT_CRYPTO_X25519_LEN], public[BT_CRYPTO_X25519_LEN];
	uint32_t flags = SUPPORTED_FLAGS;
	struct bt_bytes initiator;
	struct bt_msg_key key;
	uint64_t sent_flags;
	int e;

	*token_out = (struct bt_buf){0};
	*delegated = NULL;
	/* A server that did not ask for clients without a name, by a credential for this mechanism, gets none. */
	if (!bt_sanon_cred_may(step->cred, BT_USAGE_ACCEPT))
		return BT_ERR_NO_CRED;
	if (ctx->stage != BT_CTX_NEW || (e = read_first(ctx->mech, step->token, &initiator, &sent_flags)) != 0)
		return BT_ERR_DEFECTIVE_TOKEN;
	/* Flags that are not known here still go into the key. */
	flags |= (uint32_t)sent_flags & SENT_FLAGS;
	if (is_bound(step->bindings))
		flags |= BT_CTX_CHANNEL_BOUND;
	if ((e = bt_crypto_x25519_new(secret, public)) != 0)
		return e;
	if ((e = derive(secret, initiator, initiator, public_key(public), sent_flags, step->bindings, &key)) == 0 &&
	    (e = fill(ctx, &key, flags)) == 0 && (e = write_second(ctx, public_key(public), token_out)) == 0)
		ctx->stage = BT_CTX_OPEN;
	bt_mem_wipe(secret, sizeof secret);
	bt_mem_wipe(&key, sizeof key);
	return e;
}
