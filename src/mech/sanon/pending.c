#include "base/err.h"
#include "base/mem.h"
#include "mech/sanon/sanon.h"
#include "wire/rec.h"

/* As it is in a token: views. */
struct saved {
	struct bt_bytes secret, public;
	uint32_t asked;
};

static const struct bt_rec_field fields[] = {
    BT_REC_FIELD(saved, secret, 1, BT_REC_BYTES, true, false, BT_CRYPTO_X25519_LEN, BT_CRYPTO_X25519_LEN),
    BT_REC_FIELD(saved, public, 2, BT_REC_BYTES, false, false, BT_CRYPTO_X25519_LEN, BT_CRYPTO_X25519_LEN),
    BT_REC_FIELD(saved, asked, 3, BT_REC_U32, false, true, 0, UINT32_MAX),
};
static const struct bt_rec saved_rec = {fields, sizeof fields / sizeof fields[0]};

int
bt_sanon_pending_save(const struct bt_ctx *ctx, struct bt_wr *out)
{
	const struct bt_sanon_pending *waiting = ctx->pending;
	struct saved saved = {
	    .secret = bt_bytes_of(waiting->secret, sizeof waiting->secret),
	    .public = bt_bytes_of(waiting->public, sizeof waiting->public),
	    .asked = waiting->asked,
	};

	return bt_rec_encode(&saved_rec, &saved, out);
}

int
bt_sanon_pending_load(struct bt_ctx *ctx, struct bt_mechs mechs, struct bt_bytes bytes)
{
	struct bt_sanon_pending *waiting;
	struct saved saved;
	int e;

	/* An acceptor never waits. */
	if (!ctx->is_initiator)
		return BT_ERR_MALFORMED;
	if ((e = bt_rec_decode(&saved_rec, bytes, &saved)) != 0)
		return e;
	if ((waiting = bt_mem_alloc(sizeof *waiting)) == NULL)
		return BT_ERR_NOMEM;
	waiting->asked = saved.asked;
	memcpy(waiting->secret, saved.secret.ptr, sizeof waiting->secret);
	memcpy(waiting->public, saved.public.ptr, sizeof waiting->public);
	ctx->pending = waiting;
	return 0;
}

void
bt_sanon_pending_free(struct bt_ctx *ctx)
{
	bt_mem_free_secret(ctx->pending, sizeof(struct bt_sanon_pending));
	ctx->pending = NULL;
}
