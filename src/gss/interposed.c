#include "gss/interposed.h"

#include "base/err.h"
#include "base/oid.h"
#include "gss/buffer_set.h"
#include "mech/plugin/context.h"
#include "transfer/transfer.h"
#include "wire/frame.h"

/* ---- in ---- */

/* The token as its exporter made it, or might have: with the OID that programs know. */
static int
public_token(struct bt_bytes wire_oid, struct bt_bytes body, struct bt_buf *out)
{
	struct bt_wr wr;

	bt_wr_init(&wr);
	bt_frame_write_context(&wr, wire_oid);
	bt_wr_bytes(&wr, body);
	return bt_wr_take(&wr, out);
}

int
bt_gss_import_behind(struct bt_bytes token, const void *caller, struct bt_ctx **out)
{
	struct bt_mechs mechs = bt_mechs_built_in();
	struct bt_bytes oid, wire_oid, body;
	struct bt_buf public;
	int e;

	*out = NULL;
	if ((e = bt_frame_read_context(token, &oid, &body)) != 0)
		return e;
	if (bt_plugin_behind(mechs, oid, &wire_oid) == NULL)
		return BT_ERR_BAD_MECH;
	if ((e = public_token(wire_oid, body, &public)) != 0)
		return e;
	token = bt_bytes_of_buf(&public);
	if (bt_transfer_is_unsealed(mechs, wire_oid, body))
		e = bt_transfer_import_unsealed(mechs, token, bt_plugin_is_interposer_code(caller), out);
	else
		e = bt_transfer_import(mechs.list, mechs.num, token, out);
	bt_buf_free(&public);
	return e;
}

const struct bt_mech *
bt_gss_mech_accepting(const struct bt_mech *mech, const struct gss_cred_id_struct *cred)
{
	const struct bt_plugin *plugin = mech != NULL ? bt_plugin_of(mech) : NULL;

	if (plugin == NULL || plugin->mech.behind == NULL || cred == NULL || bt_cred_element(cred, mech) != NULL ||
	    bt_cred_element(cred, plugin->mech.behind) == NULL)
		return mech;
	return plugin->mech.behind;
}

bool
bt_gss_cred_is_in_front(const struct gss_cred_id_struct *cred, const struct bt_mech *mech)
{
	for (size_t i = 0; cred != NULL && i < cred->num_elements; i++)
		if (cred->elements[i]->mech->behind == mech)
			return true;
	return false;
}

/* ---- out ---- */

/* What this thread's bt_gss_unfold waits for. */
static _Thread_local struct {
	bool is_waiting;
	struct bt_ctx *behind;
} unfolding;

/*
 * A question that every interposer hands on to the context behind its own, and makes one of what its daemon gave it if it
 * has none yet. To have it export the context would be plainer; but gssproxy's takes its own handle for another thing then.
 */
static const struct bt_bytes QUESTION = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x05"); /* GSS_C_INQ_SSPI_SESSION_KEY */

bool
bt_gss_unfold_take(gss_ctx_id_t handle)
{
	if (!unfolding.is_waiting || handle->ctx == NULL || handle->ctx->mech->is_loaded)
		return false;
	unfolding.is_waiting = false;
	unfolding.behind = handle->ctx;
	handle->ctx = NULL;
	return true;
}

static int
ask(const struct bt_plugin *plugin, gss_ctx_id_t own, bool is_open, struct bt_ctx **behind)
{
	gss_OID_desc question = {(OM_uint32)QUESTION.len, (void *)(uintptr_t)QUESTION.ptr};
	gss_buffer_set_t answer = GSS_C_NO_BUFFER_SET;
	OM_uint32 major, minor = 0;

	unfolding.is_waiting = true;
	unfolding.behind = NULL;
	major = plugin->table->gss_inquire_sec_context_by_oid(&minor, own, &question, &answer);
	unfolding.is_waiting = false;
	*behind = unfolding.behind;
	unfolding.behind = NULL;
	bt_buffer_set_free(answer);
	if (*behind != NULL)
		return 0;
	/* Whose legs are done elsewhere may have nothing here until the last one. */
	if (!is_open && GSS_ERROR(major) != GSS_S_FAILURE)
		return BT_ERR_INTERPOSED;
	return GSS_ERROR(major) != 0 ? bt_plugin_fail(&plugin->mech, major, minor) : BT_ERR_NOT_TRANSFERABLE;
}

/* The one behind an interposer's context. */
static int
find_behind(const struct bt_ctx *ctx, struct bt_ctx **behind)
{
	const struct bt_plugin *plugin = bt_plugin_of(ctx->mech);
	gss_ctx_id_t *own;
	int e;

	if (plugin->table->gss_inquire_sec_context_by_oid == NULL)
		return BT_ERR_NOT_TRANSFERABLE;
	if ((e = bt_plugin_context_handle(ctx, &own)) != 0)
		return e;
	return ask(plugin, *own, ctx->stage == BT_CTX_OPEN, behind);
}

void
bt_gss_unfold(struct bt_call *call, gss_ctx_id_t handle)
{
	struct bt_ctx *ctx = handle->ctx, *negotiation = NULL, *behind;
	const struct bt_mech *mech;
	int e;

	if (ctx->stage != BT_CTX_OPEN && ctx->mech->chosen != NULL) {
		negotiation = ctx;
		ctx = ctx->mech->chosen(ctx);
	}
	if (ctx == NULL || ctx->stage == BT_CTX_NEW || ctx->mech->behind == NULL)
		return;
	mech = ctx->mech;
	if ((e = find_behind(ctx, &behind)) == 0 && negotiation != NULL) {
		negotiation->mech->chosen_replace(negotiation, behind);
	} else if (e == 0) {
		bt_ctx_free(ctx);
		handle->ctx = behind;
	}
	bt_call_error(call, mech, e);
}
