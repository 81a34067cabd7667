#include "base/oid.h"
#include "gss/buffer_set.h"
#include "gss/call.h"
#include "gss/credential.h"
#include "gss/handle.h"
#include "gss/interposed.h"
#include "gss/loaded.h"
#include "gss/lucid.h"
#include "gss/mechs.h"

/* Is a question for keys? To take those away is a use of the context, as other answers are not. */
static bool
is_for_keys(struct bt_bytes what)
{
	/* 1.2.840.113554.1.2.2.5: the session key, the context in lucid form, NegoEx's two keys. */
	static const struct bt_bytes keys[] = {
		BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x05"), BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x06"),
		BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x10"), BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x11"),
	};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (bt_bytes_has_prefix(what, keys[i]))
			return true;
	return false;
}

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
	if (!bt_call_failed(&call) && bt_gss_unfold_take(context_handle))
		return bt_call_end(&call);
	if (is_for_keys(what))
		bt_call_context_to_use(&call, context_handle);
	if (bt_call_msg(&call, ctx, GSS_C_QOP_DEFAULT) != NULL || bt_gss_is_loaded(&call, ctx))
		bt_call_error(&call, ctx->mech, ctx->mech->inquire(ctx, what, &answers));
	give_answers(&call, &answers, data_set);
	if (bt_call_failed(&call) && ctx != NULL)
		bt_gss_lucid_drop(ctx->mech, what, &answers);
	bt_answers_free(&answers);
	return bt_call_end(&call);
}

/* Each mechanism that knows the question adds what it has to say. */
static void
ask_elements(struct bt_call *call, const struct gss_cred_id_struct *cred, struct bt_bytes what, struct bt_answers *out)
{
	const struct bt_cred_element *element;
	bool is_known = false;

	for (size_t i = 0; !bt_call_failed(call) && (element = bt_cred_at_work(cred, i)) != NULL; i++) {
		const struct bt_mech *mech = element->mech;
		struct bt_answers answers = {0};
		int e = mech->cred_ask != NULL ? mech->cred_ask(element->mcred, what, &answers) : BT_ERR_UNAVAILABLE;

		is_known = is_known || e != BT_ERR_UNAVAILABLE;
		for (size_t j = 0; e == 0 && j < answers.num_items; j++)
			e = bt_answers_add_copy(out, bt_bytes_of_buf(&answers.items[j]));
		if (e != BT_ERR_UNAVAILABLE)
			bt_call_error(call, mech, e);
		bt_answers_free(&answers);
	}
	if (!is_known)
		bt_call_error(call, cred->num_elements != 0 ? cred->elements[0]->mech : NULL, BT_ERR_UNAVAILABLE);
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
	if (!bt_call_failed(&call))
		ask_elements(&call, cred, what, &answers);
	give_answers(&call, &answers, data_set);
	bt_answers_free(&answers);
	return bt_call_end(&call);
}
