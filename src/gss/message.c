#include "base/err.h"
#include "gss/call.h"
#include "gss/loaded.h"

/*
 * Nothing here allocates or locks on success: the message room allocates the output, and the frame is on the stack.
 */

static void
give_state(const struct bt_call *call, bool conf, int *conf_state, gss_qop_t *qop_state)
{
	if (bt_call_failed(call))
		return;
	if (conf_state != NULL)
		*conf_state = conf;
	if (qop_state != NULL)
		*qop_state = GSS_C_QOP_DEFAULT;
}

OM_uint32
gss_wrap(OM_uint32 *minor_status, gss_ctx_id_t context_handle, int conf_req_flag, gss_qop_t qop_req,
	 gss_buffer_t input_message_buffer, int *conf_state, gss_buffer_t output_message_buffer)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct bt_ctx *ctx;
	struct bt_buf token = {0};
	struct bt_bytes text;
	struct bt_msg *msg;

	bt_call_empty_int(conf_state);
	bt_call_empty(output_message_buffer);
	ctx = bt_call_context_to_use(&call, context_handle);
	text = bt_call_input(&call, input_message_buffer, 0);
	bt_call_wants(&call, output_message_buffer, 0);
	if (bt_gss_is_loaded(&call, ctx)) {
		bt_gss_loaded_wrap(&call, ctx, conf_req_flag, qop_req, input_message_buffer, conf_state, output_message_buffer);
		return bt_call_end(&call);
	}
	if ((msg = bt_call_msg(&call, ctx, qop_req)) != NULL)
		bt_call_error(&call, ctx->mech, bt_msg_wrap(msg, conf_req_flag != 0, text, &token));
	bt_call_give(&call, &token, output_message_buffer);
	give_state(&call, conf_req_flag != 0, conf_state, NULL);
	return bt_call_end(&call);
}

OM_uint32
gss_unwrap(OM_uint32 *minor_status, gss_ctx_id_t context_handle, gss_buffer_t input_message_buffer,
	   gss_buffer_t output_message_buffer, int *conf_state, gss_qop_t *qop_state)
{
	struct bt_call call = bt_call_begin(minor_status);
	enum bt_msg_order order = BT_MSG_IN_ORDER;
	const struct bt_ctx *ctx;
	struct bt_buf text = {0};
	struct bt_bytes token;
	struct bt_msg *msg;
	bool conf = false;

	bt_call_empty(output_message_buffer);
	bt_call_empty_int(conf_state);
	bt_call_empty_u32(qop_state);
	ctx = bt_call_context_to_use(&call, context_handle);
	token = bt_call_input_filled(&call, input_message_buffer, 0);
	bt_call_wants(&call, output_message_buffer, 0);
	if (bt_gss_is_loaded(&call, ctx)) {
		bt_gss_loaded_unwrap(&call, ctx, input_message_buffer, output_message_buffer, conf_state, qop_state);
		return bt_call_end(&call);
	}
	if ((msg = bt_call_msg(&call, ctx, GSS_C_QOP_DEFAULT)) != NULL) {
		bt_call_error(&call, ctx->mech, bt_msg_unwrap(msg, token, &text, &conf, &order));
		bt_call_add_order(&call, ctx->mech, order);
	}
	bt_call_give(&call, &text, output_message_buffer);
	give_state(&call, conf, conf_state, qop_state);
	return bt_call_end(&call);
}

OM_uint32
gss_get_mic(OM_uint32 *minor_status, gss_ctx_id_t context_handle, gss_qop_t qop_req, gss_buffer_t message_buffer,
	    gss_buffer_t message_token)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct bt_ctx *ctx;
	struct bt_buf token = {0};
	struct bt_bytes text;
	struct bt_msg *msg;

	bt_call_empty(message_token);
	ctx = bt_call_context_to_use(&call, context_handle);
	text = bt_call_input(&call, message_buffer, 0);
	bt_call_wants(&call, message_token, 0);
	if (bt_gss_is_loaded(&call, ctx)) {
		bt_gss_loaded_get_mic(&call, ctx, qop_req, message_buffer, message_token);
		return bt_call_end(&call);
	}
	if ((msg = bt_call_msg(&call, ctx, qop_req)) != NULL)
		bt_call_error(&call, ctx->mech, bt_msg_get_mic(msg, text, &token));
	bt_call_give(&call, &token, message_token);
	return bt_call_end(&call);
}

OM_uint32
gss_verify_mic(OM_uint32 *minor_status, gss_ctx_id_t context_handle, gss_buffer_t message_buffer, gss_buffer_t token_buffer,
	       gss_qop_t *qop_state)
{
	struct bt_call call = bt_call_begin(minor_status);
	enum bt_msg_order order = BT_MSG_IN_ORDER;
	struct bt_bytes text, token;
	const struct bt_ctx *ctx;
	struct bt_msg *msg;

	bt_call_empty_u32(qop_state);
	ctx = bt_call_context_to_use(&call, context_handle);
	text = bt_call_input(&call, message_buffer, 0);
	token = bt_call_input_filled(&call, token_buffer, 0);
	if (bt_gss_is_loaded(&call, ctx)) {
		bt_gss_loaded_verify_mic(&call, ctx, message_buffer, token_buffer, qop_state);
		return bt_call_end(&call);
	}
	if ((msg = bt_call_msg(&call, ctx, GSS_C_QOP_DEFAULT)) != NULL) {
		bt_call_mic_error(&call, ctx->mech, bt_msg_verify_mic(msg, text, token, &order));
		bt_call_add_order(&call, ctx->mech, order);
	}
	give_state(&call, false, NULL, qop_state);
	return bt_call_end(&call);
}

OM_uint32
gss_wrap_size_limit(OM_uint32 *minor_status, gss_ctx_id_t context_handle, int conf_req_flag, gss_qop_t qop_req,
		    OM_uint32 req_output_size, OM_uint32 *max_input_size)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct bt_ctx *ctx;
	struct bt_msg *msg;
	size_t overhead;

	bt_call_empty_u32(max_input_size);
	ctx = bt_call_context(&call, context_handle);
	bt_call_wants(&call, max_input_size, 0);
	if (bt_gss_is_loaded(&call, ctx)) {
		bt_gss_loaded_size_limit(&call, ctx, conf_req_flag, qop_req, req_output_size, max_input_size);
		return bt_call_end(&call);
	}
	if ((msg = bt_call_msg(&call, ctx, qop_req)) != NULL) {
		overhead = bt_msg_overhead(msg, conf_req_flag != 0);
		*max_input_size = req_output_size > overhead ? req_output_size - (OM_uint32)overhead : 0;
	}
	return bt_call_end(&call);
}
