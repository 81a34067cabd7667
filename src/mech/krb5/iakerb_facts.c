#include "base/oid.h"
#include "mech/krb5/iakerb.h"

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
    MA("\x0c"), /* AUTH_INIT_INIT */
    MA("\x08"), /* NOT_DFLT_MECH */
    {0},
};

/* Kerberos in all but how a context begins, and where its initiators' tickets come from. */
const struct bt_mech bt_mech_iakerb = {
    .oid = BT_OID("\x2b\x06\x01\x05\x02\x05"),
    .names_oid = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"),
    .name_types = bt_krb5_name_types,
    .attributes = attributes,
    .sasl_name = "GS2-IAKERB",
    .short_name = "iakerb",
    .description = "Initial and Pass Through Authentication Kerberos Mechanism (IAKERB)",
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
    .cred_set = bt_krb5_cred_set,
    .cred_ask = bt_krb5_cred_ask,
    .cred_export = bt_krb5_cred_export,
    .cred_import = bt_krb5_cred_import,
    .init = bt_iakerb_init,
    .accept = bt_iakerb_accept,
    .pending_save = bt_iakerb_pending_save,
    .pending_load = bt_iakerb_pending_load,
    .pending_free = bt_krb5_pending_free,
    .unsealed_is = bt_krb5_mit_is,
    .unsealed_import = bt_krb5_mit_import,
    .inquire = bt_krb5_inquire,
    .invoke = bt_krb5_invoke,
    .error_text = bt_krb5_error_text,
};
