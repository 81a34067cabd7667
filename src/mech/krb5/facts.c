#include "base/err.h"
#include "base/oid.h"
#include "mech/krb5/mech_krb5.h"
#include "wire/frame.h"

const struct bt_bytes bt_krb5_oid = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02");

/* 1.3.5.1.5.2 is from before RFC 1964; 1.2.840.48018.1.2.2 is 113554 cut to 16 bits, as Windows has it. */
const struct bt_bytes bt_krb5_aliases[] = {
    BT_OID("\x2b\x05\x01\x05\x02"),
    BT_OID("\x2a\x86\x48\x82\xf7\x12\x01\x02\x02"),
    {0},
};

const struct bt_bytes bt_krb5_name_types[] = {
    BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x01"), /* GSS_C_NT_USER_NAME */
    BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x02"), /* GSS_C_NT_MACHINE_UID_NAME */
    BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x03"), /* GSS_C_NT_STRING_UID_NAME */
    BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04"), /* GSS_C_NT_HOSTBASED_SERVICE */
    BT_OID("\x2b\x06\x01\x05\x06\x02"),			/* GSS_C_NT_HOSTBASED_SERVICE_X */
    BT_OID("\x2b\x06\x01\x05\x06\x04"),			/* GSS_C_NT_EXPORT_NAME */
    BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01"), /* GSS_KRB5_NT_PRINCIPAL_NAME */
    BT_OID("\x2b\x06\x01\x05\x06\x06"),			/* GSS_C_NT_COMPOSITE_EXPORT */
    BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x02"), /* gss_nt_krb5_principal */
    {0},
};

#define MA(last) BT_OID("\x2b\x06\x01\x05\x05\x0d" last)
static const struct bt_bytes attributes[] = {
    MA("\x01"), /* MECH_CONCRETE */
    MA("\x09"), /* ITOK_FRAMED */
    MA("\x0a"), /* AUTH_INIT */
    MA("\x0b"), /* AUTH_TARG */
    MA("\x10"), /* DELEG_CRED */
    MA("\x11"), /* INTEG_PROT */
    MA("\x12"), /* CONF_PROT */
    MA("\x13"), /* MIC */
    MA("\x14"), /* WRAP */
    MA("\x15"), /* PROT_READY */
    MA("\x16"), /* REPLAY_DET */
    MA("\x17"), /* OOS_DET */
    MA("\x18"), /* CBINDINGS */
    MA("\x1b"), /* CTX_TRANS */
    {0},
};

const struct bt_mech bt_mech_krb5 = {
    .oid = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"),
    .aliases = bt_krb5_aliases,
    .name_types = bt_krb5_name_types,
    .attributes = attributes,
    .sasl_name = "GS2-KRB5",
    .short_name = "krb5",
    .description = "Kerberos 5 GSS-API Mechanism",
    .asserts_protection = true,
    .name_import = bt_krb5_name_import,
    .name_type = bt_krb5_name_type,
    .name_export = bt_krb5_name_export,
    .name_account = bt_krb5_name_account,
    .name_may_use = bt_krb5_name_may_use,
    .name_attributes = bt_krb5_name_attributes,
    .name_attribute = bt_krb5_name_attribute,
    .name_map = bt_krb5_name_map,
    .name_unmap = bt_krb5_name_unmap,
    .name_of_initiator = bt_krb5_name_of_initiator,
    .cred_acquire = bt_krb5_cred_acquire,
    .cred_inquire = bt_krb5_cred_inquire,
    .cred_free = bt_krb5_cred_free,
    .cred_store = bt_krb5_cred_store,
    .cred_impersonate = bt_krb5_cred_impersonate,
    .cred_set = bt_krb5_cred_set,
    .cred_ask = bt_krb5_cred_ask,
    .cred_export = bt_krb5_cred_export,
    .cred_import = bt_krb5_cred_import,
    .init = bt_krb5_init,
    .accept = bt_krb5_accept,
    .pending_save = bt_krb5_pending_save,
    .pending_load = bt_krb5_pending_load,
    .pending_free = bt_krb5_pending_free,
    .unsealed_is = bt_krb5_mit_is,
    .unsealed_import = bt_krb5_mit_import,
    .inquire = bt_krb5_inquire,
    .invoke = bt_krb5_invoke,
    .error_text = bt_krb5_error_text,
};

int
bt_krb5_token_write(struct bt_bytes oid, uint16_t id, struct bt_bytes body, struct bt_buf *out)
{
	struct bt_wr inner, outer;
	int e;

	*out = (struct bt_buf){0};
	bt_wr_init(&inner);
	bt_wr_init(&outer);
	bt_wr_be16(&inner, id);
	bt_wr_bytes(&inner, body);
	if (!inner.failed)
		bt_frame_write(&outer, oid, bt_wr_written(&inner));
	e = inner.failed ? BT_ERR_NOMEM : bt_wr_take(&outer, out);
	bt_wr_done(&inner);
	bt_wr_done(&outer);
	return e;
}

int
bt_krb5_token_read(const struct bt_mech *mech, struct bt_bytes token, struct bt_bytes *oid, uint16_t *id, struct bt_bytes *body)
{
	struct bt_bytes spelling, rest;
	struct bt_rd rd;

	*oid = *body = (struct bt_bytes){0};
	*id = 0;
	if (bt_frame_read(token, &spelling, &rest) != 0 || rest.len < 2)
		return BT_ERR_DEFECTIVE_TOKEN;
	if (bt_mech_find(&mech, 1, spelling, oid) == NULL)
		return BT_ERR_WRONG_MECH;
	rd = bt_rd_of(rest);
	*id = bt_rd_be16(&rd);
	*body = bt_rd_rest(&rd);
	return 0;
}
