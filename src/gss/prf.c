#include <errno.h>

#include "base/mem.h"
#include "gss/call.h"
#include "gss/loaded.h"

OM_uint32
gss_pseudo_random(OM_uint32 *minor_status, gss_ctx_id_t context, int prf_key, const gss_buffer_t prf_in,
		  ssize_t desired_output_len, gss_buffer_t prf_out)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_buf out = {0};
	const struct bt_ctx *ctx;
	struct bt_bytes input;
	struct bt_msg *msg;

	bt_call_empty(prf_out);
	ctx = bt_call_context_to_use(&call, context);
	input = bt_call_input(&call, prf_in, 0);
	bt_call_wants(&call, prf_out, 0);
	if (bt_gss_is_loaded(&call, ctx)) {
		bt_gss_loaded_prf(&call, ctx, prf_key, prf_in, desired_output_len, prf_out);
		return bt_call_end(&call);
	}
	msg = bt_call_msg(&call, ctx, GSS_C_QOP_DEFAULT);
	if (msg != NULL && ((prf_key != GSS_C_PRF_KEY_FULL && prf_key != GSS_C_PRF_KEY_PARTIAL) || desired_output_len < 0))
		bt_call_refuse_as(&call, ctx->mech, GSS_S_FAILURE, EINVAL);
	if (!bt_call_failed(&call) && (out.ptr = bt_mem_alloc_raw((size_t)desired_output_len)) == NULL)
		bt_call_error(&call, NULL, BT_ERR_NOMEM);
	if (!bt_call_failed(&call)) {
		out.len = (size_t)desired_output_len;
		bt_call_error(&call, ctx->mech, bt_msg_prf(msg, prf_key == GSS_C_PRF_KEY_FULL, input, out));
	}
	bt_call_give(&call, &out, prf_out);
	return bt_call_end(&call);
}
