#include "gss/lucid.h"

#include <errno.h>

#include "base/err.h"
#include "base/oid.h"
#include "gss/call.h"
#include "gss/handle.h"
#include "gss/loaded.h"
#include "gss/mechs.h"

/* Declared here, as in ticket.c. */
#pragma GCC visibility push(default)
OM_uint32 gss_krb5_export_lucid_sec_context(OM_uint32 *minor_status, gss_ctx_id_t *context_handle, OM_uint32 version,
					    void **kctx);
OM_uint32 gss_krb5_free_lucid_sec_context(OM_uint32 *minor_status, void *kctx);
#pragma GCC visibility pop

/* 1.2.840.113554.1.2.2.5.6: the version follows. 1.2.840.113554.1.2.2.5.7. */
static const struct bt_bytes EXPORT = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x06");
static const struct bt_bytes EXPORT_1 = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x06\x01");
static const struct bt_bytes FREE = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x07");

/* The address in an answer, or NULL. */
static void *
address_of(const struct bt_answers *answers)
{
	void *address = NULL;

	if (answers->num_items == 1 && answers->items[0].len == sizeof address)
		memcpy(&address, answers->items[0].ptr, sizeof address);
	return address;
}

void
bt_gss_lucid_drop(const struct bt_mech *mech, struct bt_bytes what, const struct bt_answers *answers)
{
	void *lucid = address_of(answers);

	if (lucid != NULL && mech->invoke != NULL && bt_bytes_has_prefix(what, EXPORT))
		(void)mech->invoke(mech, FREE, lucid, sizeof lucid);
}

OM_uint32
gss_krb5_export_lucid_sec_context(OM_uint32 *minor_status, gss_ctx_id_t *context_handle, OM_uint32 version, void **kctx)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_answers answers = {0};
	const struct bt_ctx *ctx;

	if (kctx != NULL)
		*kctx = NULL;
	bt_call_wants(&call, kctx, 0);
	ctx = bt_call_context_to_use(&call, context_handle != NULL ? *context_handle : GSS_C_NO_CONTEXT);
	/* No library has its contexts in Kerberos' form. */
	if (bt_gss_is_loaded(&call, ctx))
		bt_call_refuse(&call, GSS_S_UNAVAILABLE, 0);
	if (bt_call_msg(&call, ctx, GSS_C_QOP_DEFAULT) != NULL && version != 1)
		bt_call_refuse_as(&call, ctx->mech, GSS_S_FAILURE, EINVAL);
	if (bt_call_msg(&call, ctx, GSS_C_QOP_DEFAULT) != NULL)
		bt_call_error(&call, ctx->mech, ctx->mech->inquire(ctx, EXPORT_1, &answers));
	if (!bt_call_failed(&call)) {
		bt_call_give_context(&call, *context_handle);
		if (bt_call_failed(&call))
			bt_gss_lucid_drop(ctx->mech, EXPORT_1, &answers);
	}
	if (!bt_call_failed(&call) && (*kctx = address_of(&answers)) == NULL) {
		bt_claim_own_keep(&(*context_handle)->own);
		bt_call_refuse_as(&call, ctx->mech, GSS_S_FAILURE, EINVAL);
	}
	bt_answers_free(&answers);
	/* Two who count the same messages would spoil each other's: from now on it is the other one's. */
	if (!bt_call_failed(&call)) {
		bt_context_handle_free(*context_handle);
		*context_handle = GSS_C_NO_CONTEXT;
	}
	return bt_call_end(&call);
}

OM_uint32
gss_krb5_free_lucid_sec_context(OM_uint32 *minor_status, void *kctx)
{
	struct bt_call call = bt_call_begin(minor_status);

	bt_call_error(&call, &bt_mech_krb5, bt_mech_krb5.invoke(&bt_mech_krb5, FREE, kctx, sizeof kctx));
	return bt_call_end(&call);
}
