#include "base/mem.h"
#include "gss/call.h"
#include "gss/loaded.h"

/* Wrap tokens that protect bytes which travel beside them. Associated data that is NULL is none. */

enum { HEADER, ASSOCIATED, DATA, PADDING, TRAILER, NUM_PARTS };

static struct bt_msg_iov
borrow(enum bt_msg_iov_type type, struct bt_bytes bytes)
{
	return (struct bt_msg_iov){.type = type, .ptr = (uint8_t *)(uintptr_t)bytes.ptr, .len = bytes.len};
}

/* Header, text, padding and trailer in one piece. */
static int
seal(struct bt_msg *msg, bool conf, struct bt_bytes associated, struct bt_bytes text, struct bt_buf *out)
{
	struct bt_msg_iov parts[NUM_PARTS] = {
	    [HEADER] = {.type = BT_MSG_IOV_HEADER},   [ASSOCIATED] = borrow(BT_MSG_IOV_SIGN_ONLY, associated),
	    [DATA] = borrow(BT_MSG_IOV_DATA, text),   [PADDING] = {.type = BT_MSG_IOV_PADDING},
	    [TRAILER] = {.type = BT_MSG_IOV_TRAILER},
	};
	size_t at = 0;
	int e;

	*out = (struct bt_buf){0};
	if (text.len > BT_MSG_MAX)
		return BT_ERR_TOO_LARGE;
	if ((e = bt_msg_wrap_iov_length(msg, conf, parts, NUM_PARTS)) != 0)
		return e;
	out->len = parts[HEADER].len + text.len + parts[PADDING].len + parts[TRAILER].len;
	if ((out->ptr = bt_mem_alloc_raw(out->len)) == NULL) {
		out->len = 0;
		return BT_ERR_NOMEM;
	}
	for (size_t i = 0; i < NUM_PARTS; i++) {
		if (i == ASSOCIATED)
			continue;
		parts[i].ptr = out->ptr + at;
		at += parts[i].len;
	}
	if (text.len != 0)
		memcpy(parts[DATA].ptr, text.ptr, text.len);
	if ((e = bt_msg_wrap_iov(msg, conf, parts, NUM_PARTS)) != 0)
		bt_buf_free(out);
	return e;
}

OM_uint32
gss_wrap_aead(OM_uint32 *minor_status, gss_ctx_id_t context_handle, int conf_req_flag, gss_qop_t qop_req,
	      gss_buffer_t input_assoc_buffer, gss_buffer_t input_payload_buffer, int *conf_state,
	      gss_buffer_t output_message_buffer)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_bytes associated, text;
	const struct bt_ctx *ctx;
	struct bt_buf token = {0};
	struct bt_msg *msg;

	bt_call_empty_int(conf_state);
	bt_call_empty(output_message_buffer);
	ctx = bt_call_context_to_use(&call, context_handle);
	associated = bt_call_input_optional(&call, input_assoc_buffer);
	text = bt_call_input(&call, input_payload_buffer, 0);
	bt_call_wants(&call, output_message_buffer, 0);
	if (bt_gss_is_loaded(&call, ctx)) {
		bt_gss_loaded_wrap_aead(&call, ctx, conf_req_flag, qop_req, input_assoc_buffer, input_payload_buffer, conf_state,
					output_message_buffer);
		return bt_call_end(&call);
	}
	if ((msg = bt_call_msg(&call, ctx, qop_req)) != NULL)
		bt_call_error(&call, ctx->mech, seal(msg, conf_req_flag != 0, associated, text, &token));
	bt_call_give(&call, &token, output_message_buffer);
	if (!bt_call_failed(&call) && conf_state != NULL)
		*conf_state = conf_req_flag != 0;
	return bt_call_end(&call);
}

OM_uint32
gss_unwrap_aead(OM_uint32 *minor_status, gss_ctx_id_t context_handle, gss_buffer_t input_message_buffer,
		gss_buffer_t input_assoc_buffer, gss_buffer_t output_payload_buffer, int *conf_state, gss_qop_t *qop_state)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_msg_iov parts[] = {
	    {.type = BT_MSG_IOV_STREAM}, {.type = BT_MSG_IOV_SIGN_ONLY}, {.type = BT_MSG_IOV_DATA, .allocate = true}};
	enum bt_msg_order order = BT_MSG_IN_ORDER;
	const struct bt_ctx *ctx;
	struct bt_buf text = {0};
	struct bt_msg *msg;
	bool conf = false;

	bt_call_empty(output_payload_buffer);
	bt_call_empty_int(conf_state);
	bt_call_empty_u32(qop_state);
	ctx = bt_call_context_to_use(&call, context_handle);
	parts[0] = borrow(BT_MSG_IOV_STREAM, bt_call_input(&call, input_message_buffer, 0));
	parts[1] = borrow(BT_MSG_IOV_SIGN_ONLY, bt_call_input_optional(&call, input_assoc_buffer));
	bt_call_wants(&call, output_payload_buffer, 0);
	if (bt_gss_is_loaded(&call, ctx)) {
		bt_gss_loaded_unwrap_aead(&call, ctx, input_message_buffer, input_assoc_buffer, output_payload_buffer, conf_state,
					  qop_state);
		return bt_call_end(&call);
	}
	if ((msg = bt_call_msg(&call, ctx, GSS_C_QOP_DEFAULT)) != NULL) {
		bt_call_error(&call, ctx->mech, bt_msg_unwrap_iov(msg, parts, 3, &conf, &order));
		bt_call_add_order(&call, ctx->mech, order);
		if (parts[2].was_allocated)
			text = (struct bt_buf){parts[2].ptr, parts[2].len};
	}
	bt_call_give(&call, &text, output_payload_buffer);
	if (!bt_call_failed(&call) && conf_state != NULL)
		*conf_state = conf;
	return bt_call_end(&call);
}
