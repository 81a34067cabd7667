#include "gss/wish.h"

#include <assert.h>

#include "gss/call.h"

static_assert((int)BATON_TRANSFER_BY_SETTINGS == (int)BT_AUTHDATA_BY_SETTINGS, "public numbers");
static_assert((int)BATON_TRANSFER_YES == (int)BT_AUTHDATA_YES && (int)BATON_TRANSFER_NO == (int)BT_AUTHDATA_NO, "public numbers");

int
bt_gss_wish_of(const struct baton_transfer_options *options, struct bt_transfer_wish *out)
{
	*out = (struct bt_transfer_wish){0};
	if (options == NULL)
		return 0;
	if (options->version != BATON_TRANSFER_OPTIONS_VERSION)
		return bt_err_note(BT_ERR_BAD_STRUCTURE, "transfer options of version %u are not known", (unsigned)options->version);
	if (options->authdata < BATON_TRANSFER_BY_SETTINGS || options->authdata > BATON_TRANSFER_NO)
		return bt_err_note(BT_ERR_BAD_STRUCTURE, "%d is no value of authdata", options->authdata);
	out->audience = options->audience;
	out->ttl_s = options->ttl_s;
	out->authdata = options->authdata;
	return 0;
}

OM_uint32
baton_transfer_defaults(OM_uint32 *minor_status, const char *settings)
{
	struct bt_call call = bt_call_begin(minor_status);

	if (!bt_call_failed(&call))
		bt_call_error(&call, NULL, bt_transfer_settings_default(settings));
	return bt_call_end(&call);
}
