#include <errno.h>

#include "base/err.h"
#include "gss/call.h"
#include "gss/handle.h"
#include "gss/loaded.h"
#include "gss/mechs.h"

/* Calls by which programs reach what only some mechanism has. */

/* No mechanism that is built in has an option. */
OM_uint32
gss_set_sec_context_option(OM_uint32 *minor_status, gss_ctx_id_t *context_handle, const gss_OID desired_object,
			   const gss_buffer_t value)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct bt_mech *mech = bt_mechs_default();
	struct bt_ctx *ctx = NULL;

	bt_call_wants(&call, context_handle, 0);
	if (!bt_call_failed(&call) && *context_handle != GSS_C_NO_CONTEXT) {
		if ((ctx = bt_call_context_to_use(&call, *context_handle)) != NULL)
			mech = ctx->mech;
	}
	bt_call_oid(&call, desired_object);
	bt_call_input_optional(&call, value);
	if (ctx != NULL && bt_gss_is_loaded(&call, ctx)) {
		bt_gss_loaded_set_option(&call, ctx, desired_object, value);
		return bt_call_end(&call);
	}
	bt_call_error(&call, mech, BT_ERR_UNAVAILABLE);
	return bt_call_end(&call);
}

/* For mechanisms whose last token travels in the application's protocol. No mechanism that is built in does that, so nothing is missing. */
OM_uint32
gss_complete_auth_token(OM_uint32 *minor_status, const gss_ctx_id_t context_handle, gss_buffer_t input_message_buffer)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct bt_ctx *ctx;

	bt_call_input(&call, input_message_buffer, 0);
	if (context_handle == GSS_C_NO_CONTEXT)
		bt_call_refuse(&call, GSS_S_NO_CONTEXT, 0);
	ctx = bt_call_context_to_use(&call, context_handle);
	if (bt_gss_is_loaded(&call, ctx))
		bt_gss_loaded_complete(&call, ctx, input_message_buffer);
	return bt_call_end(&call);
}

OM_uint32
gssspi_mech_invoke(OM_uint32 *minor_status, const gss_OID desired_mech, const gss_OID desired_object, gss_buffer_t value)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct bt_mech *mech = bt_call_mech(&call, desired_mech, NULL);
	struct bt_bytes what = bt_call_oid(&call, desired_object);

	if (!bt_call_failed(&call) && mech->invoke == NULL)
		bt_call_refuse(&call, GSS_S_BAD_MECH, 0);
	/* What value points at is known to whoever knows the OID, so it is not looked at here. */
	if (!bt_call_failed(&call))
		bt_call_error(&call, mech,
			      mech->invoke(mech, what, value != NULL ? value->value : NULL,
					   value != NULL ? value->length : 0));
	return bt_call_end(&call);
}
