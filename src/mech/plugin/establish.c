#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "mech/plugin/context.h"
#include "mech/plugin/operations.h"

/* Channel bindings in the programs' shape; NULL: none. */
static gss_channel_bindings_t
bindings_of(const struct bt_bindings *from, struct gss_channel_bindings_struct *to)
{
	if (from == NULL)
		return GSS_C_NO_CHANNEL_BINDINGS;
	*to = (struct gss_channel_bindings_struct){
		.initiator_addrtype = from->initiator_addrtype,
		.initiator_address = bt_plugin_buffer_of(from->initiator_address),
		.acceptor_addrtype = from->acceptor_addrtype,
		.acceptor_address = bt_plugin_buffer_of(from->acceptor_address),
		.application_data = bt_plugin_buffer_of(from->application_data),
	};
	return to;
}

/* What both sides have after a leg. Flags and time are final with the last one; until then no end is known. */
struct leg {
	OM_uint32 major, minor, flags, lifetime_s;
	gss_buffer_desc token;
};

static int
end_leg(struct bt_ctx *ctx, struct leg *leg, struct bt_buf *token_out)
{
	bool is_open = (leg->major & GSS_S_CONTINUE_NEEDED) == 0;

	/* A library may have a token that tells the peer what went wrong. */
	*token_out = bt_plugin_buffer_take(&leg->token);
	if (GSS_ERROR(leg->major) != 0)
		return bt_plugin_fail(ctx->mech, leg->major, leg->minor);
	ctx->stage = is_open ? BT_CTX_OPEN : BT_CTX_EXPECT_TOKEN;
	ctx->flags = leg->flags;
	ctx->expires_at = 0;
	if (is_open)
		ctx->expires_at =
			leg->lifetime_s == GSS_C_INDEFINITE ? BT_CTX_NEVER : bt_clock_wall_s() + leg->lifetime_s;
	return 0;
}

int
bt_plugin_init(struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *token_out)
{
	const struct bt_plugin *plugin = bt_plugin_of(ctx->mech);
	gss_buffer_desc token = bt_plugin_buffer_of(step->token);
	struct gss_channel_bindings_struct bindings;
	struct leg leg = {0};
	gss_ctx_id_t *handle;
	int e;

	*token_out = (struct bt_buf){0};
	if (plugin->table->gss_init_sec_context == NULL)
		return BT_ERR_UNAVAILABLE;
	if ((e = bt_plugin_context_begin(ctx)) != 0 || (e = bt_plugin_context_handle(ctx, &handle)) != 0)
		return e;
	leg.major = plugin->table->gss_init_sec_context(
		&leg.minor, bt_plugin_cred_handle(step->cred), handle, bt_plugin_name_handle(step->target),
		bt_plugin_oid(plugin), step->flags, step->lifetime_s, bindings_of(step->bindings, &bindings),
		ctx->stage == BT_CTX_NEW && step->token.len == 0 ? GSS_C_NO_BUFFER : &token, NULL, &leg.token, &leg.flags,
		&leg.lifetime_s);
	return end_leg(ctx, &leg, token_out);
}

/* Who it is, and what came along: outputs of the last leg, which are the caller's to free. */
static int
take_peer(struct bt_ctx *ctx, const struct leg *leg, gss_name_t *name, gss_cred_id_t *cred, struct bt_mcred **delegated)
{
	const struct bt_plugin *plugin = bt_plugin_of(ctx->mech);
	struct bt_mn *initiator = NULL;
	int e = 0;

	if (*name != GSS_C_NO_NAME) {
		e = bt_plugin_name_own(plugin, *name, &initiator);
		*name = GSS_C_NO_NAME;
	}
	if (e == 0 && initiator != NULL) {
		bt_mn_free(ctx->initiator);
		ctx->initiator = initiator;
	}
	if (e == 0 && *cred != GSS_C_NO_CREDENTIAL && (leg->flags & GSS_C_DELEG_FLAG) != 0) {
		if ((*delegated = bt_plugin_cred_own(plugin, *cred)) == NULL)
			e = BT_ERR_NOMEM;
		*cred = GSS_C_NO_CREDENTIAL;
	}
	return e;
}

static void
drop_peer(const struct bt_plugin *plugin, gss_name_t name, gss_cred_id_t cred)
{
	OM_uint32 minor;

	if (name != GSS_C_NO_NAME && plugin->table->gss_release_name != NULL)
		plugin->table->gss_release_name(&minor, &name);
	if (cred != GSS_C_NO_CREDENTIAL && plugin->table->gss_release_cred != NULL)
		plugin->table->gss_release_cred(&minor, &cred);
}

int
bt_plugin_accept(struct bt_ctx *ctx, const struct bt_accept_step *step, struct bt_buf *token_out, struct bt_mcred **delegated)
{
	const struct bt_plugin *plugin = bt_plugin_of(ctx->mech);
	gss_buffer_desc token = bt_plugin_buffer_of(step->token);
	struct gss_channel_bindings_struct bindings;
	gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
	gss_name_t name = GSS_C_NO_NAME;
	gss_OID actual = GSS_C_NO_OID;
	struct leg leg = {0};
	gss_ctx_id_t *handle;
	int e;

	*token_out = (struct bt_buf){0};
	*delegated = NULL;
	if (plugin->table->gss_accept_sec_context == NULL)
		return BT_ERR_UNAVAILABLE;
	if ((e = bt_plugin_context_begin(ctx)) != 0 || (e = bt_plugin_context_handle(ctx, &handle)) != 0)
		return e;
	leg.major = plugin->table->gss_accept_sec_context(&leg.minor, handle, bt_plugin_cred_handle(step->cred), &token,
							  bindings_of(step->bindings, &bindings), &name, &actual, &leg.token,
							  &leg.flags, &leg.lifetime_s, &cred);
	if ((e = end_leg(ctx, &leg, token_out)) == 0 && ctx->stage == BT_CTX_OPEN)
		e = take_peer(ctx, &leg, &name, &cred, delegated);
	drop_peer(plugin, name, cred);
	return e;
}

/* ---- what a negotiation asks ---- */

/*
 * 1.3.6.1.4.1.7165.655.1: what a library can be asked, and told, in a negotiation; gss-ntlmssp and MIT's library agreed on
 * them.
 */
#define CONTROLS "\x2b\x06\x01\x04\x01\xb7\x7d\x85\x0f\x01"
static const struct bt_bytes LIST_MIC_IS_DUE = BT_OID(CONTROLS "\x02");
static const struct bt_bytes RESET_CRYPTO = BT_OID(CONTROLS "\x03");

/* Windows wants the list protected if NTLM's own messages are, though RFC 4178 §5 does not. */
bool
bt_plugin_list_mic_is_due(struct bt_ctx *ctx)
{
	struct bt_answers answers = {0};
	bool is_due = bt_plugin_inquire(ctx, LIST_MIC_IS_DUE, &answers) == 0 && answers.num_items == 1 &&
		      answers.items[0].len == 1 && answers.items[0].ptr[0] == 1;

	bt_answers_free(&answers);
	return is_due;
}

/* After a MIC of the list, NTLM's cipher begins anew. MS-SPNG §3.3.5.1. Who knows nothing of that has nothing to begin anew. */
static int
reset_crypto(struct bt_ctx *ctx, gss_ctx_id_t *handle, OM_uint32 is_check)
{
	const struct bt_plugin *plugin = bt_plugin_of(ctx->mech);
	gss_OID_desc object = {(OM_uint32)RESET_CRYPTO.len, (void *)(uintptr_t)RESET_CRYPTO.ptr};
	gss_buffer_desc value = {sizeof is_check, &is_check};
	OM_uint32 major, minor = 0;

	if (plugin->table->gss_set_sec_context_option == NULL)
		return 0;
	major = plugin->table->gss_set_sec_context_option(&minor, handle, &object, &value);
	if (GSS_ERROR(major) == 0 || GSS_ERROR(major) == GSS_S_UNAVAILABLE)
		return 0;
	return bt_plugin_fail(ctx->mech, major, minor);
}

int
bt_plugin_list_mic_make(struct bt_ctx *ctx, struct bt_bytes list, struct bt_buf *mic)
{
	const struct bt_plugin *plugin = bt_plugin_of(ctx->mech);
	gss_buffer_desc text = bt_plugin_buffer_of(list), token = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, minor = 0;
	gss_ctx_id_t *handle;
	int e;

	*mic = (struct bt_buf){0};
	if (plugin->table->gss_get_mic == NULL)
		return BT_ERR_UNAVAILABLE;
	if ((e = bt_plugin_context_handle(ctx, &handle)) != 0)
		return e;
	major = plugin->table->gss_get_mic(&minor, *handle, GSS_C_QOP_DEFAULT, &text, &token);
	if (GSS_ERROR(major) != 0)
		return bt_plugin_fail(ctx->mech, major, minor);
	*mic = bt_plugin_buffer_take(&token);
	if ((e = reset_crypto(ctx, handle, 0)) != 0)
		bt_buf_free(mic);
	return e;
}

int
bt_plugin_list_mic_check(struct bt_ctx *ctx, struct bt_bytes list, struct bt_bytes mic)
{
	const struct bt_plugin *plugin = bt_plugin_of(ctx->mech);
	gss_buffer_desc text = bt_plugin_buffer_of(list), token = bt_plugin_buffer_of(mic);
	OM_uint32 major, minor = 0;
	gss_ctx_id_t *handle;
	int e;

	if (plugin->table->gss_verify_mic == NULL)
		return BT_ERR_UNAVAILABLE;
	if ((e = bt_plugin_context_handle(ctx, &handle)) != 0)
		return e;
	major = plugin->table->gss_verify_mic(&minor, *handle, &text, &token, NULL);
	if (GSS_ERROR(major) != 0)
		return bt_plugin_fail(ctx->mech, major, minor);
	return reset_crypto(ctx, handle, 1);
}
