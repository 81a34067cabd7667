#include <errno.h>

#include "base/mem.h"
#include "gss/buffer_set.h"
#include "gss/call.h"
#include "gss/loaded.h"

/*
 * Facts of the ticket behind a context, by their names in gssapi_krb5.h: each is one question by OID. That header needs
 * libkrb5's, which only the Kerberos mechanism sees, so the calls are declared here; krb5_flags and krb5_timestamp are
 * int32_t.
 */
#pragma GCC visibility push(default)
OM_uint32 gss_krb5_get_tkt_flags(OM_uint32 *minor_status, gss_ctx_id_t context_handle, int32_t *ticket_flags);
OM_uint32 gsskrb5_extract_authtime_from_sec_context(OM_uint32 *minor_status, gss_ctx_id_t context_handle, int32_t *authtime);
OM_uint32 gsskrb5_extract_authz_data_from_sec_context(OM_uint32 *minor_status, const gss_ctx_id_t context_handle,
						      int ad_type, gss_buffer_t ad_data);
#pragma GCC visibility pop

/* So begin all questions to the Kerberos mechanism: 1.2.840.113554.1.2.2.5. Next come the question and its parameters. */
#define QUESTION "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05"

/* One question of one answer. The caller frees the set. NULL: failed. */
static gss_buffer_set_t
ask(struct bt_call *call, gss_ctx_id_t handle, struct bt_bytes what)
{
	const struct bt_ctx *ctx = bt_call_context(call, handle);
	struct bt_answers answers = {0};
	gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;

	if (bt_call_msg(call, ctx, GSS_C_QOP_DEFAULT) == NULL && !bt_gss_is_loaded(call, ctx))
		return NULL;
	bt_call_error(call, ctx->mech, ctx->mech->inquire(ctx, what, &answers));
	if (!bt_call_failed(call) && answers.num_items != 1)
		bt_call_refuse_as(call, ctx->mech, GSS_S_FAILURE, EINVAL);
	if (!bt_call_failed(call))
		bt_buffer_set_add(call, bt_bytes_of_buf(&answers.items[0]), &set);
	bt_answers_free(&answers);
	return set;
}

/* A number in the host's byte order. */
static OM_uint32
ask_number(OM_uint32 *minor_status, gss_ctx_id_t handle, struct bt_bytes what, int32_t *out)
{
	struct bt_call call = bt_call_begin(minor_status);
	gss_buffer_set_t set;

	if (out != NULL)
		*out = 0;
	bt_call_wants(&call, out, 0);
	if ((set = ask(&call, handle, what)) != NULL && set->elements[0].length == sizeof *out)
		memcpy(out, set->elements[0].value, sizeof *out);
	else
		bt_call_refuse(&call, GSS_S_FAILURE, EINVAL);
	bt_buffer_set_free(set);
	return bt_call_end(&call);
}

OM_uint32
gss_krb5_get_tkt_flags(OM_uint32 *minor_status, gss_ctx_id_t context_handle, int32_t *ticket_flags)
{
	return ask_number(minor_status, context_handle, bt_bytes_of_str(QUESTION "\x01"), ticket_flags);
}

OM_uint32
gsskrb5_extract_authtime_from_sec_context(OM_uint32 *minor_status, gss_ctx_id_t context_handle, int32_t *authtime)
{
	return ask_number(minor_status, context_handle, bt_bytes_of_str(QUESTION "\x0c"), authtime);
}

/* The type of authorisation data is the last arc of the question. */
static void
put_arc(struct bt_wr *wr, uint32_t arc)
{
	int shift = 28;

	while (shift > 0 && arc >> shift == 0)
		shift -= 7;
	for (; shift >= 0; shift -= 7)
		bt_wr_u8(wr, (uint8_t)((arc >> shift & 0x7f) | (shift != 0 ? 0x80 : 0)));
}

OM_uint32
gsskrb5_extract_authz_data_from_sec_context(OM_uint32 *minor_status, const gss_ctx_id_t context_handle, int ad_type,
					    gss_buffer_t ad_data)
{
	struct bt_call call = bt_call_begin(minor_status);
	uint8_t what[sizeof QUESTION + 6];
	gss_buffer_set_t set;
	struct bt_wr wr;

	bt_call_empty(ad_data);
	bt_call_wants(&call, ad_data, 0);
	bt_wr_over(&wr, what, sizeof what);
	bt_wr_bytes(&wr, bt_bytes_of_str(QUESTION "\x0a"));
	put_arc(&wr, (uint32_t)ad_type);
	if ((set = ask(&call, context_handle, bt_wr_written(&wr))) != NULL) {
		*ad_data = set->elements[0];
		set->count = 0;
	}
	bt_buffer_set_free(set);
	return bt_call_end(&call);
}
