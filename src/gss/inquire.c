#include "gss/buffer_set.h"
#include "gss/call.h"
#include "gss/handle.h"
#include "gss/lucid.h"
#include "gss/mechs.h"
#include "gss/oids.h"

/* Copy a mechanism's answers into a set. An answer of no buffers is an empty set. */
static void
give_answers(struct bt_call *call, struct bt_answers *answers, gss_buffer_set_t *out)
{
	gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;

	if (!bt_call_failed(call) && answers->num_items == 0 && gss_create_empty_buffer_set(&(OM_uint32){0}, &set) != 0)
		bt_call_error(call, NULL, BT_ERR_NOMEM);
	for (size_t i = 0; i < answers->num_items; i++)
		bt_buffer_set_add(call, bt_bytes_of_buf(&answers->items[i]), &set);
	if (bt_call_failed(call))
		bt_buffer_set_free(set);
	else
		*out = set;
}

OM_uint32
gss_inquire_sec_context_by_oid(OM_uint32 *minor_status, const gss_ctx_id_t context_handle, const gss_OID desired_object,
			       gss_buffer_set_t *data_set)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_answers answers = {0};
	const struct bt_ctx *ctx;
	struct bt_bytes what;

	if (data_set != NULL)
		*data_set = GSS_C_NO_BUFFER_SET;
	bt_call_wants(&call, data_set, 0);
	ctx = bt_call_context(&call, context_handle);
	what = bt_call_oid(&call, desired_object);
	if (bt_call_msg(&call, ctx, GSS_C_QOP_DEFAULT) != NULL)
		bt_call_error(&call, ctx->mech, ctx->mech->inquire(ctx, what, &answers));
	give_answers(&call, &answers, data_set);
	if (bt_call_failed(&call) && ctx != NULL)
		bt_gss_lucid_drop(ctx->mech, what, &answers);
	bt_answers_free(&answers);
	return bt_call_end(&call);
}

OM_uint32
gss_inquire_cred_by_oid(OM_uint32 *minor_status, const gss_cred_id_t cred_handle, const gss_OID desired_object,
			gss_buffer_set_t *data_set)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_answers answers = {0};
	const struct gss_cred_id_struct *cred;
	struct bt_bytes what;

	if (data_set != NULL)
		*data_set = GSS_C_NO_BUFFER_SET;
	bt_call_wants(&call, data_set, 0);
	if (cred_handle == GSS_C_NO_CREDENTIAL)
		bt_call_refuse(&call, GSS_S_CALL_INACCESSIBLE_READ | GSS_S_NO_CRED, 0);
	cred = bt_call_cred(&call, cred_handle);
	what = bt_call_oid(&call, desired_object);
	/* The one question there is: on whose behalf a credential was made. None here is for another, so nobody's. */
	if (!bt_call_failed(&call) && !bt_bytes_has_prefix(what, bt_oid_view(&bt_oids[BT_OID_GET_CRED_IMPERSONATOR])))
		bt_call_error(&call, cred->num_elements != 0 ? cred->elements[0]->mech : NULL, BT_ERR_UNAVAILABLE);
	give_answers(&call, &answers, data_set);
	bt_answers_free(&answers);
	return bt_call_end(&call);
}
