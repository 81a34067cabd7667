#include "transfer/inspect.h"

#include <baton/baton.h>
#include <stdio.h>

#include "gss/call.h"
#include "gss/mechs.h"
#include "gss/status.h"
#include "wire/frame.h"

_Static_assert(sizeof((struct baton_token_info *)0)->mechanism == BT_TRANSFER_OID_LEN &&
		   sizeof((struct baton_token_info *)0)->audience == BT_TRANSFER_AUDIENCE_LEN &&
		   sizeof((struct baton_token_info *)0)->claim == BT_TRANSFER_CLAIM_LEN,
	       "texts fit");

static void
fill_answer(int err, struct baton_token_info *info)
{
	char text[BT_STATUS_TEXT_MAX];

	if (err == 0)
		return;
	bt_status_text(bt_mechs_default(), err, text);
	snprintf(info->import_reason, sizeof info->import_reason, "%s", text);
	info->import_major = bt_status_major(err, GSS_S_FAILURE);
	info->import_minor = bt_minor_publish(bt_mechs_default(), bt_status_minor(err));
}

static void
fill(struct bt_mechs mechs, const struct bt_transfer_sight *sight, size_t size, struct baton_token_info *info)
{
	const struct bt_mech *mech = bt_mech_find(mechs.list, mechs.num, sight->oid, NULL);

	info->format = sight->format;
	info->size = size;
	info->sealed_size = sight->sealed_len;
	bt_transfer_describe_oid(sight->oid, info->mechanism);
	if (mech != NULL && mech->short_name != NULL)
		snprintf(info->mechanism_name, sizeof info->mechanism_name, "%s", mech->short_name);
	fill_answer(sight->err, info);
	if (sight->format == 0)
		return;
	info->uid = sight->header.uid;
	info->expires_known = 1;
	info->expires_in_ms = sight->expires_in_ms;
	bt_transfer_describe_audience(&sight->header, info->audience);
	bt_transfer_describe_claim(&sight->header.claim, info->claim);
	snprintf(info->place, sizeof info->place, "%s", bt_transfer_place_name(sight->header.claim.place));
}

OM_uint32
baton_inspect_token(OM_uint32 *minor_status, gss_buffer_t token, struct baton_token_info *info)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_transfer_sight sight;
	struct bt_bytes bytes, oid, body;
	struct bt_mechs mechs;

	bt_call_versioned(&call, info, sizeof *info, BATON_TOKEN_INFO_VERSION);
	bytes = bt_call_input_filled(&call, token, GSS_S_DEFECTIVE_TOKEN);
	if (bt_call_failed(&call))
		return bt_call_end(&call);
	/* What is framed as nothing comes to no mechanism. */
	bt_frame_read_context(bytes, &oid, &body);
	mechs = bt_mechs_for(oid);
	bt_call_error(&call, bt_mechs_default(), bt_transfer_inspect(mechs, bytes, &sight));
	if (!bt_call_failed(&call))
		fill(mechs, &sight, bytes.len, info);
	return bt_call_end(&call);
}
