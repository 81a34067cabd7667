#include "transfer/transfer.h"

#include "gss/call.h"
#include "gss/handle.h"
#include "gss/interposed.h"
#include "gss/mechs.h"
#include "gss/wish.h"
#include "mech/plugin/plugin.h"
#include "transfer/event.h"
#include "wire/frame.h"

/* What is wrong with settings is no mechanism's, and has one number for all. */
static void
export_error(struct bt_call *call, const struct bt_mech *mech, int err)
{
	bool is_ours = err == BT_ERR_SETTINGS || err == BT_ERR_AUDIENCE || err == BT_ERR_AUDIENCE_ACCOUNT;

	bt_call_error(call, is_ours ? NULL : mech, err);
}

BT_CALL_ZEROES_REGISTERS OM_uint32
baton_export_sec_context(OM_uint32 *minor_status, gss_ctx_id_t *context_handle, const struct baton_transfer_options *options,
			 gss_buffer_t interprocess_token)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_transfer_wish wish;
	struct bt_buf token = {0};
	struct bt_ctx *ctx;
	int e;

	bt_call_empty(interprocess_token);
	ctx = bt_call_context_to_use(&call, context_handle != NULL ? *context_handle : GSS_C_NO_CONTEXT);
	bt_call_error(&call, NULL, bt_gss_wish_of(options, &wish));
	bt_call_wants(&call, interprocess_token, 0);
	if (bt_call_failed(&call))
		return bt_call_end(&call);
	bt_gss_unfold(&call, *context_handle);
	bt_call_give_context(&call, *context_handle);
	ctx = (*context_handle)->ctx;
	if (!bt_call_failed(&call) && (e = bt_transfer_export(ctx, &wish, &token)) != 0) {
		bt_claim_own_keep(&(*context_handle)->own);
		export_error(&call, ctx->mech, e);
	}
	/* From here on the context lives in the token and nothing may fail. */
	if (!bt_call_failed(&call)) {
		bt_context_handle_free(*context_handle);
		*context_handle = GSS_C_NO_CONTEXT;
	}
	bt_call_give(&call, &token, interprocess_token);
	return bt_call_end(&call);
}

BT_CALL_ZEROES_REGISTERS OM_uint32
gss_export_sec_context(OM_uint32 *minor_status, gss_ctx_id_t *context_handle, gss_buffer_t interprocess_token)
{
	return baton_export_sec_context(minor_status, context_handle, NULL, interprocess_token);
}

/* To import, a context that has expired since its export is as gone as a token that has. */
static void
import_error(struct bt_call *call, int err)
{
	const struct bt_mech *mech = err != 0 ? bt_mechs_default() : NULL;

	if (err == BT_ERR_CONTEXT_EXPIRED)
		bt_call_refuse_as(call, mech, GSS_S_NO_CONTEXT, err);
	bt_call_error(call, mech, err);
}

static int
import_token(struct bt_bytes oid, struct bt_bytes body, struct bt_bytes token, const void *caller, struct bt_ctx **out)
{
	struct bt_mechs mechs = bt_mechs_for(oid);

	if (bt_plugin_public_oid(oid).len != 0)
		return bt_gss_import_behind(token, caller, out);
	if (bt_transfer_is_unsealed(mechs, oid, body))
		return bt_transfer_import_unsealed(mechs, token, false, out);
	return bt_transfer_import(mechs.list, mechs.num, token, out);
}

BT_CALL_ZEROES_REGISTERS OM_uint32
gss_import_sec_context(OM_uint32 *minor_status, gss_buffer_t interprocess_token, gss_ctx_id_t *context_handle)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_bytes token, oid, body;
	gss_ctx_id_t handle;

	if (context_handle != NULL)
		*context_handle = GSS_C_NO_CONTEXT;
	bt_call_wants(&call, context_handle, 0);
	token = bt_call_input_filled(&call, interprocess_token, GSS_S_DEFECTIVE_TOKEN);
	if (!bt_call_failed(&call) && bt_frame_read_context(token, &oid, &body) != 0) {
		bt_transfer_tell(BT_TRANSFER_REFUSED, BT_ERR_TOKEN_FORMAT, (struct bt_bytes){0}, NULL);
		bt_call_refuse(&call, GSS_S_CALL_BAD_STRUCTURE | GSS_S_DEFECTIVE_TOKEN, 0);
	}
	if (bt_call_failed(&call))
		return bt_call_end(&call);
	/* The handle comes before the import: after the claim is taken nothing may fail. */
	if ((handle = bt_context_handle_new(NULL)) == NULL)
		bt_call_error(&call, NULL, BT_ERR_NOMEM);
	else
		import_error(&call, import_token(oid, body, token, __builtin_return_address(0), &handle->ctx));
	if (bt_call_failed(&call))
		bt_context_handle_free(handle);
	else
		*context_handle = handle;
	return bt_call_end(&call);
}
