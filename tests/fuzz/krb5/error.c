/* KRB-ERROR, and the framing around it: always an error of the protocol, never 0. */
#include "../wire/must.h"
#include "base/err.h"
#include "mech/krb5/mech_krb5.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bt_bytes input = bt_bytes_of(data, len), oid, body;
	struct bt_buf token;
	uint16_t id;
	int e = bt_krb5_error_read(input);

	must(e == (int)ASN1_PARSE_ERROR || (e > ERROR_TABLE_BASE_krb5 && e < ERROR_TABLE_BASE_krb5 + 128));
	if ((e = bt_krb5_token_read(&bt_mech_krb5, input, &oid, &id, &body)) != 0) {
		must((e == BT_ERR_DEFECTIVE_TOKEN || e == BT_ERR_WRONG_MECH) && body.len == 0);
		return 0;
	}
	must(bt_krb5_token_write(oid, id, body, &token) == 0);
	must(bt_bytes_equal(bt_bytes_of_buf(&token), input));
	bt_buf_free(&token);
	return 0;
}
