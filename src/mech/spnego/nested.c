#include "base/err.h"
#include "mech/spnego/negotiation.h"
#include "wire/frame.h"

/*
 * MIT's library exports a negotiated context as the whole token of what was negotiated, prefix and all, behind the prefix of
 * SPNEGO. Only open ones: between legs it exports none.
 */

/* The mechanism whose token lies within: not one that negotiates again. */
static const struct bt_mech *
find_inner(struct bt_mechs mechs, struct bt_bytes token, struct bt_bytes *wire_oid, struct bt_bytes *body)
{
	const struct bt_mech *mech;
	struct bt_bytes oid;

	if (bt_frame_read_context(token, &oid, body) != 0)
		return NULL;
	mech = bt_mech_find(mechs.list, mechs.num, oid, wire_oid);
	return mech != NULL && mech->unsealed_is != NULL && mech->unsealed_is != bt_spnego_nested_is ? mech : NULL;
}

bool
bt_spnego_nested_is(struct bt_mechs mechs, struct bt_bytes token)
{
	struct bt_bytes wire_oid, body;
	const struct bt_mech *mech = find_inner(mechs, token, &wire_oid, &body);

	return mech != NULL && mech->unsealed_is(mechs, body);
}

int
bt_spnego_nested_import(struct bt_mechs mechs, struct bt_bytes wire_oid, struct bt_bytes token, struct bt_ctx **out)
{
	struct bt_bytes inner_oid, body;
	const struct bt_mech *mech = find_inner(mechs, token, &inner_oid, &body);
	int e;

	(void)wire_oid;
	*out = NULL;
	if (mech == NULL)
		return BT_ERR_MALFORMED;
	e = mech->unsealed_import(mechs, inner_oid, body, out);
	/* What was negotiated is all that is left of a negotiation that has ended. */
	if (e == 0 && (*out)->stage != BT_CTX_OPEN) {
		bt_ctx_free(*out);
		*out = NULL;
		e = BT_ERR_MALFORMED;
	}
	return e;
}
