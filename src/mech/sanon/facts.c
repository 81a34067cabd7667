#include "base/oid.h"
#include "mech/sanon/sanon.h"

/* draft §B. */
#define MA(last) BT_OID("\x2b\x06\x01\x05\x05\x0d" last)
static const struct bt_bytes attributes[] = {
    MA("\x01"), /* MECH_CONCRETE */
    MA("\x09"), /* ITOK_FRAMED */
    MA("\x0e"), /* AUTH_INIT_ANON */
    MA("\x0f"), /* AUTH_TARG_ANON */
    MA("\x11"), /* INTEG_PROT */
    MA("\x12"), /* CONF_PROT */
    MA("\x13"), /* MIC */
    MA("\x14"), /* WRAP */
    MA("\x16"), /* REPLAY_DET */
    MA("\x17"), /* OOS_DET */
    MA("\x18"), /* CBINDINGS */
    MA("\x19"), /* PFS */
    MA("\x1b"), /* CTX_TRANS */
    {0},
};

static const struct bt_bytes no_aliases[] = {{0}};

/* It has no errors of its own. */
static void
error_text(const struct bt_mech *mech, int err, char *text, size_t text_len)
{
	if (text_len != 0)
		text[0] = '\0';
}

const struct bt_mech bt_mech_sanon = {
    .oid = BT_OID("\x2b\x06\x01\x04\x01\xa9\x4a\x1a\x01\x6e"), /* 1.3.6.1.4.1.5322.26.1.110 */
    .aliases = no_aliases,
    .name_types = bt_sanon_name_types,
    .attributes = attributes,
    .short_name = "sanon-x25519",
    .description = "Key agreement that authenticates neither side",
    .authenticates_nobody = true,
    .name_import = bt_sanon_name_import,
    .name_type = bt_sanon_name_type,
    .name_export = bt_sanon_name_export,
    .cred_acquire = bt_sanon_cred_acquire,
    .cred_inquire = bt_sanon_cred_inquire,
    .cred_free = bt_sanon_cred_free,
    .init = bt_sanon_init,
    .accept = bt_sanon_accept,
    .pending_save = bt_sanon_pending_save,
    .pending_load = bt_sanon_pending_load,
    .pending_free = bt_sanon_pending_free,
    .inquire = bt_ctx_inquire_key,
    .error_text = error_text,
};
