#include "transfer/transfer.h"

#include "base/clock.h"
#include "base/err.h"
#include "transfer/event.h"
#include "transfer/limits.h"
#include "transfer/settings.h"
#include "wire/frame.h"

/* The mechanism that a token is of, if it knows what unsealed ones look like. */
static const struct bt_mech *
find_mech(struct bt_mechs mechs, struct bt_bytes oid, struct bt_bytes *wire_oid)
{
	const struct bt_mech *mech = bt_mech_find(mechs.list, mechs.num, oid, wire_oid);

	return mech != NULL && mech->unsealed_is != NULL ? mech : NULL;
}

bool
bt_transfer_is_unsealed(struct bt_mechs mechs, struct bt_bytes oid, struct bt_bytes body)
{
	const struct bt_mech *mech = find_mech(mechs, oid, NULL);

	return mech != NULL && mech->unsealed_is(mechs, body);
}

/* Between legs the end may not be known yet. */
static bool
is_expired(const struct bt_ctx *ctx)
{
	return (ctx->stage == BT_CTX_OPEN || ctx->expires_at != 0) && ctx->expires_at <= bt_clock_wall_s();
}

/* Through an interposer, from the daemon that this program has its credentials from; or the settings name the kind. */
static int
check_allowed(bool is_interposed)
{
	bool is_let_in = is_interposed;
	int e = is_interposed ? 0 : bt_transfer_settings_let_in(BT_UNSEALED_MIT, &is_let_in);

	return e != 0 || is_let_in ? e : BT_ERR_TOKEN_UNSEALED;
}

static int
import(struct bt_mechs mechs, struct bt_bytes token, bool is_interposed, struct bt_bytes *wire_oid, struct bt_ctx **out)
{
	struct bt_bytes oid, body;
	const struct bt_mech *mech;
	int e;

	if (bt_frame_read_context(token, &oid, &body) != 0 || (mech = find_mech(mechs, oid, wire_oid)) == NULL ||
	    !mech->unsealed_is(mechs, body))
		return BT_ERR_TOKEN_FORMAT;
	if ((e = check_allowed(is_interposed)) != 0)
		return e;
	if (body.len > BT_TRANSFER_STATE_MAX)
		return BT_ERR_TRAILING;
	if ((e = mech->unsealed_import(mechs, *wire_oid, body, out)) == 0 && is_expired(*out)) {
		bt_ctx_free(*out);
		*out = NULL;
		e = BT_ERR_CONTEXT_EXPIRED;
	}
	/* Another release's layout, or no token at all: one number for both, as nothing in it tells. */
	return e == BT_ERR_MALFORMED || e == BT_ERR_TRAILING || e == BT_ERR_ENCTYPE ? BT_ERR_TOKEN_FORMAT : e;
}

int
bt_transfer_import_unsealed(struct bt_mechs mechs, struct bt_bytes token, bool is_interposed, struct bt_ctx **out)
{
	struct bt_bytes wire_oid = {0};
	int e;

	*out = NULL;
	e = import(mechs, token, is_interposed, &wire_oid, out);
	bt_transfer_tell(e == 0 ? BT_TRANSFER_IMPORTED : BT_TRANSFER_REFUSED, e, wire_oid, NULL);
	return e;
}
