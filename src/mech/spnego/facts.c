#include "base/err.h"
#include "base/oid.h"
#include "mech/spnego/negotiation.h"

static const struct bt_bytes name_types[] = {
    BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x01"), /* GSS_C_NT_USER_NAME */
    BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x02"), /* GSS_C_NT_MACHINE_UID_NAME */
    BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x03"), /* GSS_C_NT_STRING_UID_NAME */
    BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04"), /* GSS_C_NT_HOSTBASED_SERVICE */
    {0},
};

#define MA(last) BT_OID("\x2b\x06\x01\x05\x05\x0d" last)
static const struct bt_bytes attributes[] = {
    MA("\x04"), /* MECH_NEGO */
    MA("\x09"), /* ITOK_FRAMED */
    {0},
};

/* Names and credentials are the other mechanisms'; who has the list of those knows what to do. */
static int
import_no_name(const struct bt_mech *mech, struct bt_bytes text, struct bt_bytes type, struct bt_mn **out)
{
	(void)mech;
	(void)text;
	(void)type;
	*out = NULL;
	return BT_ERR_BAD_NAMETYPE;
}

/* So are error numbers. */
static void
no_text(const struct bt_mech *mech, int err, char *text, size_t text_len)
{
	(void)mech;
	(void)err;
	if (text_len != 0)
		text[0] = '\0';
}

const struct bt_mech bt_mech_spnego = {
    .oid = BT_OID("\x2b\x06\x01\x05\x05\x02"),
    .name_types = name_types,
    .attributes = attributes,
    .sasl_name = "SPNEGO",
    .short_name = "spnego",
    .description = "Simple and Protected GSS-API Negotiation Mechanism",
    .name_import = import_no_name,
    .init = bt_spnego_init,
    .accept = bt_spnego_accept,
    .chosen = bt_spnego_chosen,
    .chosen_replace = bt_spnego_chosen_replace,
    .pending_save = bt_spnego_pending_save,
    .pending_load = bt_spnego_pending_load,
    .pending_free = bt_spnego_pending_free,
    .unsealed_is = bt_spnego_nested_is,
    .unsealed_import = bt_spnego_nested_import,
    .inquire = bt_ctx_inquire_key,
    .error_text = no_text,
};
