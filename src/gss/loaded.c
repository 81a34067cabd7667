#include "gss/loaded.h"

#include "mech/plugin/context.h"
#include "mech/plugin/operations.h"
#include "mech/plugin/plugin.h"

const struct bt_plugin_table *
bt_gss_loaded_table(struct bt_call *call, const struct bt_ctx *ctx, gss_ctx_id_t **own)
{
	bt_call_error(call, ctx->mech, bt_plugin_context_handle(ctx, own));
	return bt_call_failed(call) ? NULL : bt_plugin_of(ctx->mech)->table;
}

void
bt_gss_loaded_answer(struct bt_call *call, const struct bt_ctx *ctx, OM_uint32 major, const OM_uint32 *minor)
{
	if (major != GSS_S_COMPLETE)
		bt_call_refuse_as(call, ctx->mech, major, (int)*minor);
}

static void
lacks(struct bt_call *call)
{
	bt_call_refuse(call, GSS_S_UNAVAILABLE, 0);
}

/* ---- messages ---- */

void
bt_gss_loaded_wrap(struct bt_call *call, const struct bt_ctx *ctx, int conf, gss_qop_t qop, gss_buffer_t text, int *conf_state,
		   gss_buffer_t token)
{
	gss_ctx_id_t *own;
	const struct bt_plugin_table *table = bt_gss_loaded_table(call, ctx, &own);
	OM_uint32 minor = 0;

	if (table != NULL && table->gss_wrap == NULL)
		bt_gss_loaded_wrap_aead(call, ctx, conf, qop, NULL, text, conf_state, token);
	else if (table != NULL)
		bt_gss_loaded_answer(call, ctx, table->gss_wrap(&minor, *own, conf, qop, text, conf_state, token), &minor);
}

void
bt_gss_loaded_unwrap(struct bt_call *call, const struct bt_ctx *ctx, gss_buffer_t token, gss_buffer_t text, int *conf_state,
		     gss_qop_t *qop_state)
{
	gss_ctx_id_t *own;
	const struct bt_plugin_table *table = bt_gss_loaded_table(call, ctx, &own);
	OM_uint32 minor = 0;

	if (table != NULL && table->gss_unwrap == NULL)
		bt_gss_loaded_unwrap_aead(call, ctx, token, NULL, text, conf_state, qop_state);
	else if (table != NULL)
		bt_gss_loaded_answer(call, ctx, table->gss_unwrap(&minor, *own, token, text, conf_state, qop_state), &minor);
}

void
bt_gss_loaded_get_mic(struct bt_call *call, const struct bt_ctx *ctx, gss_qop_t qop, gss_buffer_t text, gss_buffer_t token)
{
	gss_ctx_id_t *own;
	const struct bt_plugin_table *table = bt_gss_loaded_table(call, ctx, &own);
	OM_uint32 minor = 0;

	if (table != NULL && table->gss_get_mic == NULL)
		lacks(call);
	else if (table != NULL)
		bt_gss_loaded_answer(call, ctx, table->gss_get_mic(&minor, *own, qop, text, token), &minor);
}

void
bt_gss_loaded_verify_mic(struct bt_call *call, const struct bt_ctx *ctx, gss_buffer_t text, gss_buffer_t token,
			 gss_qop_t *qop_state)
{
	gss_ctx_id_t *own;
	const struct bt_plugin_table *table = bt_gss_loaded_table(call, ctx, &own);
	OM_uint32 minor = 0;

	if (table != NULL && table->gss_verify_mic == NULL)
		lacks(call);
	else if (table != NULL)
		bt_gss_loaded_answer(call, ctx, table->gss_verify_mic(&minor, *own, text, token, qop_state), &minor);
}

/* ---- what is not a message ---- */

void
bt_gss_loaded_prf(struct bt_call *call, const struct bt_ctx *ctx, int key, gss_buffer_t input, ssize_t output_len,
		  gss_buffer_t out)
{
	gss_ctx_id_t *own;
	const struct bt_plugin_table *table = bt_gss_loaded_table(call, ctx, &own);
	OM_uint32 minor = 0;

	if (table != NULL && table->gss_pseudo_random == NULL)
		lacks(call);
	else if (table != NULL)
		bt_gss_loaded_answer(call, ctx, table->gss_pseudo_random(&minor, *own, key, input, output_len, out), &minor);
}

void
bt_gss_loaded_process_token(struct bt_call *call, const struct bt_ctx *ctx, gss_buffer_t token)
{
	gss_ctx_id_t *own;
	const struct bt_plugin_table *table = bt_gss_loaded_table(call, ctx, &own);
	OM_uint32 minor = 0;

	if (table != NULL && table->gss_process_context_token == NULL)
		lacks(call);
	else if (table != NULL)
		bt_gss_loaded_answer(call, ctx, table->gss_process_context_token(&minor, *own, token), &minor);
}

void
bt_gss_loaded_time(struct bt_call *call, const struct bt_ctx *ctx, OM_uint32 *time_rec)
{
	gss_ctx_id_t *own;
	const struct bt_plugin_table *table = bt_gss_loaded_table(call, ctx, &own);
	OM_uint32 minor = 0;

	if (table != NULL && table->gss_context_time == NULL)
		lacks(call);
	else if (table != NULL)
		bt_gss_loaded_answer(call, ctx, table->gss_context_time(&minor, *own, time_rec), &minor);
}

void
bt_gss_loaded_set_option(struct bt_call *call, struct bt_ctx *ctx, gss_OID what, gss_buffer_t value)
{
	gss_ctx_id_t *own;
	const struct bt_plugin_table *table = bt_gss_loaded_table(call, ctx, &own);
	OM_uint32 minor = 0;

	if (table != NULL && table->gss_set_sec_context_option == NULL)
		lacks(call);
	else if (table != NULL)
		bt_gss_loaded_answer(call, ctx, table->gss_set_sec_context_option(&minor, own, what, value), &minor);
}

/* Whose last token is no application's has nothing to complete. */
void
bt_gss_loaded_complete(struct bt_call *call, const struct bt_ctx *ctx, gss_buffer_t message)
{
	gss_ctx_id_t *own;
	const struct bt_plugin_table *table = bt_gss_loaded_table(call, ctx, &own);
	OM_uint32 minor = 0;

	if (table != NULL && table->gss_complete_auth_token != NULL)
		bt_gss_loaded_answer(call, ctx, table->gss_complete_auth_token(&minor, *own, message), &minor);
}

/* ---- what it is ---- */

static void
own_name(struct bt_call *call, const struct bt_ctx *ctx, gss_name_t name, struct bt_mn **out)
{
	int e;

	if (name != GSS_C_NO_NAME && (e = bt_plugin_name_own(bt_plugin_of(ctx->mech), name, out)) != 0)
		bt_call_error(call, ctx->mech, e);
}

void
bt_gss_loaded_inquire(struct bt_call *call, const struct bt_ctx *ctx, bool wants_initiator, bool wants_acceptor,
		      struct bt_gss_loaded_facts *out)
{
	gss_ctx_id_t *own;
	const struct bt_plugin_table *table = bt_gss_loaded_table(call, ctx, &own);
	gss_name_t initiator = GSS_C_NO_NAME, acceptor = GSS_C_NO_NAME;
	gss_OID mech = GSS_C_NO_OID;
	OM_uint32 major, minor = 0;
	int is_local = 0;

	*out = (struct bt_gss_loaded_facts){0};
	if (table == NULL)
		return;
	if (table->gss_inquire_context == NULL) {
		lacks(call);
		return;
	}
	major = table->gss_inquire_context(&minor, *own, wants_initiator ? &initiator : NULL, wants_acceptor ? &acceptor : NULL,
					   &out->lifetime_s, &mech, &out->flags, &is_local, &out->is_open);
	bt_gss_loaded_answer(call, ctx, major, &minor);
	own_name(call, ctx, initiator, &out->initiator);
	own_name(call, ctx, acceptor, &out->acceptor);
	if (!bt_call_failed(call))
		return;
	bt_mn_free(out->initiator);
	bt_mn_free(out->acceptor);
	*out = (struct bt_gss_loaded_facts){0};
}
