#include "base/err.h"
#include "base/oid.h"
#include "mech/sanon/sanon.h"

/* What a name's kind counts: the table below. */
enum { KIND_USER, KIND_SERVICE, KIND_ANONYMOUS, KIND_EXPORTED };

const struct bt_bytes bt_sanon_name_types[] = {
    [KIND_USER] = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x01"),	 /* GSS_C_NT_USER_NAME */
    [KIND_SERVICE] = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04"), /* GSS_C_NT_HOSTBASED_SERVICE */
    [KIND_ANONYMOUS] = BT_OID("\x2b\x06\x01\x05\x06\x03"),		 /* GSS_C_NT_ANONYMOUS */
    [KIND_EXPORTED] = BT_OID("\x2b\x06\x01\x05\x06\x04"),		 /* GSS_C_NT_EXPORT_NAME */
    {0},
};

/* The one name that is exported. draft §4.3. */
enum { EXPORTED_ANONYMOUS = 1 };

struct bt_mn *
bt_sanon_anonymous(void)
{
	return bt_mn_new(KIND_ANONYMOUS, true, bt_bytes_of_str("WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS"), NULL, NULL);
}

/* draft §4.1: names that are not anonymous can be had too, whatever their type; all they say is that anonymity is not meant. */
int
bt_sanon_name_import(const struct bt_mech *mech, struct bt_bytes text, struct bt_bytes type, struct bt_mn **out)
{
	int32_t kind = bt_bytes_equal(type, bt_sanon_name_types[KIND_SERVICE]) ? KIND_SERVICE : KIND_USER;

	*out = NULL;
	if (bt_bytes_equal(type, bt_sanon_name_types[KIND_EXPORTED])) {
		if (text.len != 1 || text.ptr[0] != EXPORTED_ANONYMOUS)
			return BT_ERR_BAD_NAME;
		kind = KIND_ANONYMOUS;
	} else if (bt_bytes_equal(type, bt_sanon_name_types[KIND_ANONYMOUS])) {
		kind = KIND_ANONYMOUS;
	} else if (text.len == 0 || memchr(text.ptr, '\0', text.len) != NULL) {
		return BT_ERR_BAD_NAME;
	}
	*out = kind == KIND_ANONYMOUS ? bt_sanon_anonymous() : bt_mn_new(kind, false, text, NULL, NULL);
	return *out != NULL ? 0 : BT_ERR_NOMEM;
}

/* The kind may have come with an interprocess token. */
struct bt_bytes
bt_sanon_name_type(const struct bt_mn *mn)
{
	if (mn->is_anonymous)
		return bt_sanon_name_types[KIND_ANONYMOUS];
	return bt_sanon_name_types[mn->kind == KIND_SERVICE ? KIND_SERVICE : KIND_USER];
}

int
bt_sanon_name_export(const struct bt_mn *mn, struct bt_wr *out)
{
	if (!mn->is_anonymous)
		return BT_ERR_BAD_NAME;
	bt_wr_u8(out, EXPORTED_ANONYMOUS);
	return 0;
}
