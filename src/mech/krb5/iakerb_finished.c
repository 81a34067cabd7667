#include <errno.h>

#include "base/err.h"
#include "mech/krb5/iakerb.h"

krb5_error_code
bt_iakerb_finish(krb5_context ctx, const krb5_keyblock *subkey, struct bt_bytes conversation, struct bt_wr *out)
{
	krb5_data input = bt_krb5_data_of(conversation);
	krb5_checksum checksum = {0};
	/* Of the type that is mandatory for the subkey's enctype. */
	krb5_error_code code = krb5_c_make_checksum(ctx, 0, subkey, KRB5_KEYUSAGE_IAKERB_FINISHED, &input, &checksum);

	if (code != 0)
		return code;
	bt_iakerb_finished_write(checksum.checksum_type, bt_bytes_of(checksum.contents, checksum.length), out);
	krb5_free_checksum_contents(ctx, &checksum);
	return out->failed ? ENOMEM : 0;
}

int
bt_iakerb_check_finished(struct bt_krb5 *lib, const krb5_keyblock *subkey, struct bt_bytes conversation,
			 struct bt_bytes finished)
{
	krb5_checksum checksum = {.magic = KV5M_CHECKSUM};
	krb5_data input = bt_krb5_data_of(conversation);
	krb5_boolean is_valid = 0;
	krb5_error_code code;
	struct bt_bytes value;
	int32_t type;
	int e = bt_iakerb_finished_read(finished, &type, &value);

	if (e != 0)
		return e;
	/* Anybody makes a checksum that needs no key. */
	if (!krb5_c_is_keyed_cksum(type) || !krb5_c_is_coll_proof_cksum(type))
		return BT_ERR_BAD_MIC;
	checksum.checksum_type = type;
	checksum.length = (unsigned)value.len;
	checksum.contents = (krb5_octet *)(uintptr_t)value.ptr;
	code = krb5_c_verify_checksum(lib->ctx, subkey, KRB5_KEYUSAGE_IAKERB_FINISHED, &input, &checksum, &is_valid);
	if (code != 0)
		return bt_krb5_fail(lib, code);
	return is_valid ? 0 : BT_ERR_BAD_MIC;
}
