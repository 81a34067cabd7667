#include "base/mem.h"
#include "gss/call.h"
#include "wire/frame.h"

OM_uint32
gss_release_buffer(OM_uint32 *minor_status, gss_buffer_t buffer)
{
	struct bt_call call = bt_call_begin_release(minor_status);

	if (buffer != NULL) {
		/* Not wiped: what is in it was handed to the program, and is often a megabyte. */
		bt_mem_free(buffer->value);
		*buffer = (gss_buffer_desc){0};
	}
	return bt_call_end(&call);
}

/* RFC 6339 gives these two no minor status; the frame is given one that nobody reads. */
OM_uint32
gss_encapsulate_token(gss_const_buffer_t input_token, gss_const_OID token_oid, gss_buffer_t output_token)
{
	OM_uint32 unused;
	struct bt_call call = bt_call_begin(&unused);
	struct bt_buf framed = {0};
	struct bt_bytes token, oid;
	struct bt_wr wr;

	bt_call_empty(output_token);
	token = bt_call_input(&call, input_token, 0);
	oid = bt_call_oid(&call, token_oid);
	bt_call_wants(&call, output_token, 0);
	bt_wr_init(&wr);
	if (!bt_call_failed(&call)) {
		bt_frame_write(&wr, oid, token);
		bt_call_error(&call, NULL, bt_wr_take(&wr, &framed));
	}
	bt_call_give(&call, &framed, output_token);
	return bt_call_end(&call);
}

OM_uint32
gss_decapsulate_token(gss_const_buffer_t input_token, gss_const_OID token_oid, gss_buffer_t output_token)
{
	OM_uint32 unused;
	struct bt_call call = bt_call_begin(&unused);
	struct bt_bytes token, oid, found, body;
	struct bt_buf copy = {0};

	bt_call_empty(output_token);
	token = bt_call_input(&call, input_token, 0);
	oid = bt_call_oid(&call, token_oid);
	bt_call_wants(&call, output_token, 0);
	if (!bt_call_failed(&call) && (bt_frame_read(token, &found, &body) != 0 || !bt_bytes_equal(found, oid)))
		bt_call_refuse(&call, GSS_S_DEFECTIVE_TOKEN, 0);
	if (!bt_call_failed(&call))
		bt_call_error(&call, NULL, bt_buf_dup(body, &copy));
	bt_call_give(&call, &copy, output_token);
	return bt_call_end(&call);
}
