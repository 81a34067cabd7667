#include <errno.h>

#include "base/mem.h"
#include "gss/call.h"
#include "gss/loaded.h"

/*
 * Programs' buffer arrays and the message room's hold the same facts in two shapes. Up to NUM_ON_STACK buffers cost no
 * allocation; nobody is known to use more.
 */
enum { NUM_ON_STACK = 16 };

_Static_assert(BT_MSG_IOV_DATA == GSS_IOV_BUFFER_TYPE_DATA && BT_MSG_IOV_HEADER == GSS_IOV_BUFFER_TYPE_HEADER &&
		       BT_MSG_IOV_TRAILER == GSS_IOV_BUFFER_TYPE_TRAILER && BT_MSG_IOV_PADDING == GSS_IOV_BUFFER_TYPE_PADDING &&
		       BT_MSG_IOV_STREAM == GSS_IOV_BUFFER_TYPE_STREAM &&
		       BT_MSG_IOV_SIGN_ONLY == GSS_IOV_BUFFER_TYPE_SIGN_ONLY &&
		       BT_MSG_IOV_MIC_TOKEN == GSS_IOV_BUFFER_TYPE_MIC_TOKEN,
	       "the message room has the public numbers");

struct array {
	struct bt_msg_iov *iov; /* on_stack, or allocated */
	size_t num;
	struct bt_msg_iov on_stack[NUM_ON_STACK];
};

static enum bt_msg_iov_type
type_of(OM_uint32 type)
{
	switch (GSS_IOV_BUFFER_TYPE(type)) {
	case GSS_IOV_BUFFER_TYPE_DATA:
	case GSS_IOV_BUFFER_TYPE_HEADER:
	case GSS_IOV_BUFFER_TYPE_TRAILER:
	case GSS_IOV_BUFFER_TYPE_PADDING:
	case GSS_IOV_BUFFER_TYPE_STREAM:
	case GSS_IOV_BUFFER_TYPE_SIGN_ONLY:
	case GSS_IOV_BUFFER_TYPE_MIC_TOKEN:
		return (enum bt_msg_iov_type)GSS_IOV_BUFFER_TYPE(type);
	default:
		/* Other mechanisms' parameters, and what is yet to be invented, are passed over. */
		return BT_MSG_IOV_EMPTY;
	}
}

static bool
has_stream(const gss_iov_buffer_desc *iov, int count)
{
	while (count > 0)
		if (GSS_IOV_BUFFER_TYPE(iov[--count].type) == GSS_IOV_BUFFER_TYPE_STREAM)
			return true;
	return false;
}

static void
read_array(struct bt_call *call, const gss_iov_buffer_desc *from, int count, bool has_contents, struct array *to)
{
	bool is_whole;

	to->iov = to->on_stack;
	to->num = 0;
	if (from == GSS_C_NO_IOV_BUFFER)
		bt_call_refuse(call, GSS_S_CALL_INACCESSIBLE_READ, 0);
	else if (count < 0)
		bt_call_refuse(call, GSS_S_FAILURE, EINVAL);
	if (bt_call_failed(call))
		return;
	if (count > NUM_ON_STACK && (to->iov = bt_mem_alloc((size_t)count * sizeof *to->iov)) == NULL) {
		bt_call_error(call, NULL, BT_ERR_NOMEM);
		return;
	}
	is_whole = has_stream(from, count);
	for (; to->num < (size_t)count; to->num++) {
		const gss_iov_buffer_desc *one = &from[to->num];
		bool allocate = (one->type & GSS_IOV_BUFFER_FLAG_ALLOCATE) != 0;

		/* Beside a STREAM this is an output, and whatever programs have left in it is nothing. */
		if (is_whole && type_of(one->type) == BT_MSG_IOV_DATA) {
			to->iov[to->num] = (struct bt_msg_iov){.type = BT_MSG_IOV_DATA, .allocate = allocate};
			continue;
		}
		if (has_contents && !allocate && type_of(one->type) != BT_MSG_IOV_EMPTY)
			bt_call_input(call, &one->buffer, 0);
		to->iov[to->num] = (struct bt_msg_iov){
			.type = type_of(one->type),
			.allocate = allocate,
			.ptr = one->buffer.value,
			.len = one->buffer.length,
		};
	}
}

static void
free_array(struct array *array)
{
	if (array->iov != array->on_stack)
		bt_mem_free(array->iov);
}

/* What the message room set: lengths, places, and what it allocated. */
static void
give_array(const struct bt_call *call, const struct array *from, gss_iov_buffer_desc *to)
{
	for (size_t i = 0; !bt_call_failed(call) && i < from->num; i++) {
		if (from->iov[i].type == BT_MSG_IOV_EMPTY)
			continue;
		to[i].buffer.length = from->iov[i].len;
		to[i].buffer.value = from->iov[i].ptr;
		if (from->iov[i].was_allocated)
			to[i].type |= GSS_IOV_BUFFER_FLAG_ALLOCATED;
	}
}

/* To ask for lengths is no use of a context. */
static const struct bt_ctx *
find(struct bt_call *call, gss_ctx_id_t handle, bool has_contents)
{
	return has_contents ? bt_call_context_to_use(call, handle) : bt_call_context(call, handle);
}

/* Protecting, or asking how long what protects will be: then the lengths are all that is read, since the text may not exist yet. */
static OM_uint32
wrap(OM_uint32 *minor_status, gss_ctx_id_t context_handle, int conf_req_flag, gss_qop_t qop_req, int *conf_state,
     gss_iov_buffer_desc *iov, int iov_count, bool has_contents,
     int (*wrap_array)(struct bt_msg *msg, bool conf, struct bt_msg_iov *iov, size_t num_iov))
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct bt_ctx *ctx;
	struct array array;
	struct bt_msg *msg;

	bt_call_empty_int(conf_state);
	ctx = find(&call, context_handle, has_contents);
	if (bt_gss_is_loaded(&call, ctx)) {
		bt_gss_loaded_wrap_iov(&call, ctx, !has_contents, conf_req_flag, qop_req, conf_state, iov, iov_count);
		return bt_call_end(&call);
	}
	read_array(&call, iov, iov_count, has_contents, &array);
	if ((msg = bt_call_msg(&call, ctx, qop_req)) != NULL)
		bt_call_error(&call, ctx->mech, wrap_array(msg, conf_req_flag != 0, array.iov, array.num));
	give_array(&call, &array, iov);
	if (!bt_call_failed(&call) && conf_state != NULL)
		*conf_state = bt_msg_iov_is_sealed(conf_req_flag != 0, array.iov, array.num);
	free_array(&array);
	return bt_call_end(&call);
}

OM_uint32
gss_wrap_iov(OM_uint32 *minor_status, gss_ctx_id_t context_handle, int conf_req_flag, gss_qop_t qop_req, int *conf_state,
	     gss_iov_buffer_desc *iov, int iov_count)
{
	return wrap(minor_status, context_handle, conf_req_flag, qop_req, conf_state, iov, iov_count, true, bt_msg_wrap_iov);
}

OM_uint32
gss_wrap_iov_length(OM_uint32 *minor_status, gss_ctx_id_t context_handle, int conf_req_flag, gss_qop_t qop_req,
		    int *conf_state, gss_iov_buffer_desc *iov, int iov_count)
{
	return wrap(minor_status, context_handle, conf_req_flag, qop_req, conf_state, iov, iov_count, false,
		    bt_msg_wrap_iov_length);
}

OM_uint32
gss_unwrap_iov(OM_uint32 *minor_status, gss_ctx_id_t context_handle, int *conf_state, gss_qop_t *qop_state,
	       gss_iov_buffer_desc *iov, int iov_count)
{
	struct bt_call call = bt_call_begin(minor_status);
	enum bt_msg_order order = BT_MSG_IN_ORDER;
	const struct bt_ctx *ctx;
	struct array array;
	struct bt_msg *msg;
	bool conf = false;

	bt_call_empty_int(conf_state);
	bt_call_empty_u32(qop_state);
	ctx = bt_call_context_to_use(&call, context_handle);
	if (bt_gss_is_loaded(&call, ctx)) {
		bt_gss_loaded_unwrap_iov(&call, ctx, conf_state, qop_state, iov, iov_count);
		return bt_call_end(&call);
	}
	read_array(&call, iov, iov_count, true, &array);
	if ((msg = bt_call_msg(&call, ctx, GSS_C_QOP_DEFAULT)) != NULL) {
		bt_call_error(&call, ctx->mech, bt_msg_unwrap_iov(msg, array.iov, array.num, &conf, &order));
		bt_call_add_order(&call, ctx->mech, order);
	}
	give_array(&call, &array, iov);
	free_array(&array);
	if (!bt_call_failed(&call) && conf_state != NULL)
		*conf_state = conf;
	return bt_call_end(&call);
}

static OM_uint32
get_mic(OM_uint32 *minor_status, gss_ctx_id_t context_handle, gss_qop_t qop_req, gss_iov_buffer_desc *iov, int iov_count,
	bool has_contents, int (*get_mic_array)(struct bt_msg *msg, struct bt_msg_iov *iov, size_t num_iov))
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct bt_ctx *ctx = find(&call, context_handle, has_contents);
	struct array array;
	struct bt_msg *msg;

	if (bt_gss_is_loaded(&call, ctx)) {
		bt_gss_loaded_get_mic_iov(&call, ctx, !has_contents, qop_req, iov, iov_count);
		return bt_call_end(&call);
	}
	read_array(&call, iov, iov_count, has_contents, &array);
	if ((msg = bt_call_msg(&call, ctx, qop_req)) != NULL)
		bt_call_error(&call, ctx->mech, get_mic_array(msg, array.iov, array.num));
	give_array(&call, &array, iov);
	free_array(&array);
	return bt_call_end(&call);
}

OM_uint32
gss_get_mic_iov(OM_uint32 *minor_status, gss_ctx_id_t context_handle, gss_qop_t qop_req, gss_iov_buffer_desc *iov,
		int iov_count)
{
	return get_mic(minor_status, context_handle, qop_req, iov, iov_count, true, bt_msg_get_mic_iov);
}

OM_uint32
gss_get_mic_iov_length(OM_uint32 *minor_status, gss_ctx_id_t context_handle, gss_qop_t qop_req, gss_iov_buffer_desc *iov,
		       int iov_count)
{
	return get_mic(minor_status, context_handle, qop_req, iov, iov_count, false, bt_msg_get_mic_iov_length);
}

OM_uint32
gss_verify_mic_iov(OM_uint32 *minor_status, gss_ctx_id_t context_handle, gss_qop_t *qop_state, gss_iov_buffer_desc *iov,
		   int iov_count)
{
	struct bt_call call = bt_call_begin(minor_status);
	enum bt_msg_order order = BT_MSG_IN_ORDER;
	const struct bt_ctx *ctx;
	struct array array;
	struct bt_msg *msg;

	bt_call_empty_u32(qop_state);
	ctx = bt_call_context_to_use(&call, context_handle);
	if (bt_gss_is_loaded(&call, ctx)) {
		bt_gss_loaded_verify_mic_iov(&call, ctx, qop_state, iov, iov_count);
		return bt_call_end(&call);
	}
	read_array(&call, iov, iov_count, true, &array);
	if ((msg = bt_call_msg(&call, ctx, GSS_C_QOP_DEFAULT)) != NULL) {
		bt_call_mic_error(&call, ctx->mech, bt_msg_verify_mic_iov(msg, array.iov, array.num, &order));
		bt_call_add_order(&call, ctx->mech, order);
	}
	free_array(&array);
	return bt_call_end(&call);
}

OM_uint32
gss_release_iov_buffer(OM_uint32 *minor_status, gss_iov_buffer_desc *iov, int iov_count)
{
	struct bt_call call = bt_call_begin_release(minor_status);

	for (int i = 0; iov != GSS_C_NO_IOV_BUFFER && i < iov_count; i++) {
		if ((iov[i].type & GSS_IOV_BUFFER_FLAG_ALLOCATED) == 0)
			continue;
		bt_mem_free(iov[i].buffer.value);
		iov[i].buffer = (gss_buffer_desc){0};
		iov[i].type &= ~(OM_uint32)GSS_IOV_BUFFER_FLAG_ALLOCATED;
	}
	return bt_call_end(&call);
}
