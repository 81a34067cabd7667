#include "base/err.h"
#include "base/mem.h"
#include "gss/loaded.h"

/* Messages in parts, and messages in one piece made of parts for a library that has no other way. */

static void
lacks(struct bt_call *call)
{
	bt_call_refuse(call, GSS_S_UNAVAILABLE, 0);
}

static void
check(struct bt_call *call, const gss_iov_buffer_desc *iov)
{
	if (iov == GSS_C_NO_IOV_BUFFER)
		bt_call_refuse(call, GSS_S_CALL_INACCESSIBLE_READ, 0);
}

/* ---- parts ---- */

void
bt_gss_loaded_wrap_iov(struct bt_call *call, const struct bt_ctx *ctx, bool is_length, int conf, gss_qop_t qop,
		       int *conf_state, gss_iov_buffer_desc *iov, int num_iov)
{
	gss_ctx_id_t *own;
	const struct bt_plugin_table *table;
	__typeof__(gss_wrap_iov) *function;
	OM_uint32 minor = 0;

	check(call, iov);
	if ((table = bt_gss_loaded_table(call, ctx, &own)) == NULL)
		return;
	if ((function = is_length ? table->gss_wrap_iov_length : table->gss_wrap_iov) == NULL)
		lacks(call);
	else
		bt_gss_loaded_answer(call, ctx, function(&minor, *own, conf, qop, conf_state, iov, num_iov), &minor);
}

void
bt_gss_loaded_unwrap_iov(struct bt_call *call, const struct bt_ctx *ctx, int *conf_state, gss_qop_t *qop_state,
			 gss_iov_buffer_desc *iov, int num_iov)
{
	gss_ctx_id_t *own;
	const struct bt_plugin_table *table;
	OM_uint32 minor = 0;

	check(call, iov);
	if ((table = bt_gss_loaded_table(call, ctx, &own)) == NULL)
		return;
	if (table->gss_unwrap_iov == NULL)
		lacks(call);
	else
		bt_gss_loaded_answer(call, ctx, table->gss_unwrap_iov(&minor, *own, conf_state, qop_state, iov, num_iov),
				     &minor);
}

void
bt_gss_loaded_get_mic_iov(struct bt_call *call, const struct bt_ctx *ctx, bool is_length, gss_qop_t qop,
			  gss_iov_buffer_desc *iov, int num_iov)
{
	gss_ctx_id_t *own;
	const struct bt_plugin_table *table;
	__typeof__(gss_get_mic_iov) *function;
	OM_uint32 minor = 0;

	check(call, iov);
	if ((table = bt_gss_loaded_table(call, ctx, &own)) == NULL)
		return;
	if ((function = is_length ? table->gss_get_mic_iov_length : table->gss_get_mic_iov) == NULL)
		lacks(call);
	else
		bt_gss_loaded_answer(call, ctx, function(&minor, *own, qop, iov, num_iov), &minor);
}

void
bt_gss_loaded_verify_mic_iov(struct bt_call *call, const struct bt_ctx *ctx, gss_qop_t *qop_state, gss_iov_buffer_desc *iov,
			     int num_iov)
{
	gss_ctx_id_t *own;
	const struct bt_plugin_table *table;
	OM_uint32 minor = 0;

	check(call, iov);
	if ((table = bt_gss_loaded_table(call, ctx, &own)) == NULL)
		return;
	if (table->gss_verify_mic_iov == NULL)
		lacks(call);
	else
		bt_gss_loaded_answer(call, ctx, table->gss_verify_mic_iov(&minor, *own, qop_state, iov, num_iov), &minor);
}

/* ---- one piece, made of parts ---- */

enum { HEADER, ASSOCIATED, DATA, PADDING, TRAILER, NUM_PARTS };

static gss_buffer_desc
optional(gss_buffer_t buffer)
{
	return buffer != GSS_C_NO_BUFFER ? *buffer : (gss_buffer_desc)GSS_C_EMPTY_BUFFER;
}

/*
 * Where the parts go in the token: all but what only travels beside it. Lengths as the library gave them, so the sum is
 * looked at.
 */
static int
lay_out(gss_iov_buffer_desc parts[static NUM_PARTS], gss_buffer_t text, struct bt_buf *token)
{
	size_t len = 0, at = 0;

	for (size_t i = 0; i < NUM_PARTS; i++)
		if (i != ASSOCIATED && __builtin_add_overflow(len, parts[i].buffer.length, &len))
			return BT_ERR_TOO_LARGE;
	if ((token->ptr = bt_mem_alloc(len)) == NULL)
		return BT_ERR_NOMEM;
	token->len = len;
	for (size_t i = 0; i < NUM_PARTS; i++) {
		if (i == ASSOCIATED)
			continue;
		parts[i].buffer.value = token->ptr + at;
		at += parts[i].buffer.length;
	}
	if (text->length != 0)
		memcpy(parts[DATA].buffer.value, text->value, text->length);
	return 0;
}

static void
wrap_parts(struct bt_call *call, const struct bt_ctx *ctx, int conf, gss_qop_t qop, gss_buffer_t associated, gss_buffer_t text,
	   int *conf_state, gss_buffer_t out)
{
	gss_iov_buffer_desc parts[NUM_PARTS] = {
		[HEADER] = {.type = GSS_IOV_BUFFER_TYPE_HEADER},
		[ASSOCIATED] = {.type = GSS_IOV_BUFFER_TYPE_SIGN_ONLY, .buffer = optional(associated)},
		[DATA] = {.type = GSS_IOV_BUFFER_TYPE_DATA, .buffer = *text},
		[PADDING] = {.type = GSS_IOV_BUFFER_TYPE_PADDING},
		[TRAILER] = {.type = GSS_IOV_BUFFER_TYPE_TRAILER},
	};
	struct bt_buf token = {0};

	bt_gss_loaded_wrap_iov(call, ctx, true, conf, qop, NULL, parts, NUM_PARTS);
	if (!bt_call_failed(call))
		bt_call_error(call, NULL, lay_out(parts, text, &token));
	if (!bt_call_failed(call))
		bt_gss_loaded_wrap_iov(call, ctx, false, conf, qop, conf_state, parts, NUM_PARTS);
	bt_call_give(call, &token, out);
}

void
bt_gss_loaded_wrap_aead(struct bt_call *call, const struct bt_ctx *ctx, int conf, gss_qop_t qop, gss_buffer_t associated,
			gss_buffer_t text, int *conf_state, gss_buffer_t token)
{
	gss_ctx_id_t *own;
	const struct bt_plugin_table *table = bt_gss_loaded_table(call, ctx, &own);
	OM_uint32 minor = 0;

	if (table == NULL)
		return;
	if (table->gss_wrap_aead == NULL)
		wrap_parts(call, ctx, conf, qop, associated, text, conf_state, token);
	else
		bt_gss_loaded_answer(call, ctx,
				     table->gss_wrap_aead(&minor, *own, conf, qop, associated, text, conf_state, token),
				     &minor);
}

static void
unwrap_parts(struct bt_call *call, const struct bt_ctx *ctx, gss_buffer_t token, gss_buffer_t associated, gss_buffer_t out,
	     int *conf_state, gss_qop_t *qop_state)
{
	gss_iov_buffer_desc parts[] = {
		{.type = GSS_IOV_BUFFER_TYPE_STREAM, .buffer = *token},
		{.type = GSS_IOV_BUFFER_TYPE_SIGN_ONLY, .buffer = optional(associated)},
		{.type = GSS_IOV_BUFFER_TYPE_DATA | GSS_IOV_BUFFER_FLAG_ALLOCATE},
	};
	struct bt_buf text = {0};

	bt_gss_loaded_unwrap_iov(call, ctx, conf_state, qop_state, parts, 3);
	if (!bt_call_failed(call) && (parts[2].type & GSS_IOV_BUFFER_FLAG_ALLOCATED) != 0)
		text = (struct bt_buf){parts[2].buffer.value, parts[2].buffer.length};
	bt_call_give(call, &text, out);
}

void
bt_gss_loaded_unwrap_aead(struct bt_call *call, const struct bt_ctx *ctx, gss_buffer_t token, gss_buffer_t associated,
			  gss_buffer_t text, int *conf_state, gss_qop_t *qop_state)
{
	gss_ctx_id_t *own;
	const struct bt_plugin_table *table = bt_gss_loaded_table(call, ctx, &own);
	OM_uint32 minor = 0;

	if (table == NULL)
		return;
	if (table->gss_unwrap_aead == NULL)
		unwrap_parts(call, ctx, token, associated, text, conf_state, qop_state);
	else
		bt_gss_loaded_answer(
			call, ctx, table->gss_unwrap_aead(&minor, *own, token, associated, text, conf_state, qop_state),
			&minor);
}

/*
 * How much fits: what is there beside the text, and one less as long as that still does not fit, since padding may depend on
 * it.
 */
static void
measure(struct bt_call *call, const struct bt_ctx *ctx, int conf, gss_qop_t qop, OM_uint32 output_size,
	OM_uint32 *max_input_size)
{
	OM_uint32 size = output_size;

	/* A block of padding is the most that a good guess can miss by. */
	for (int tries = 0; !bt_call_failed(call) && size != 0 && tries < 64; tries++) {
		gss_iov_buffer_desc parts[] = {
			{.type = GSS_IOV_BUFFER_TYPE_HEADER},
			{.type = GSS_IOV_BUFFER_TYPE_DATA, .buffer = {size, NULL}},
			{.type = GSS_IOV_BUFFER_TYPE_PADDING},
			{.type = GSS_IOV_BUFFER_TYPE_TRAILER},
		};
		uint64_t beside;

		bt_gss_loaded_wrap_iov(call, ctx, true, conf, qop, NULL, parts, 4);
		beside = (uint64_t)parts[0].buffer.length + parts[2].buffer.length + parts[3].buffer.length;
		if (!bt_call_failed(call) && size + beside <= output_size) {
			*max_input_size = size;
			return;
		}
		/* The first time a good guess; from then on there is little that is missing. */
		size = size == output_size && beside < size ? size - (OM_uint32)beside : size - 1;
	}
}

void
bt_gss_loaded_size_limit(struct bt_call *call, const struct bt_ctx *ctx, int conf, gss_qop_t qop, OM_uint32 output_size,
			 OM_uint32 *max_input_size)
{
	gss_ctx_id_t *own;
	const struct bt_plugin_table *table = bt_gss_loaded_table(call, ctx, &own);
	OM_uint32 minor = 0;

	if (table == NULL)
		return;
	if (table->gss_wrap_size_limit == NULL)
		measure(call, ctx, conf, qop, output_size, max_input_size);
	else
		bt_gss_loaded_answer(call, ctx,
				     table->gss_wrap_size_limit(&minor, *own, conf, qop, output_size, max_input_size), &minor);
}
