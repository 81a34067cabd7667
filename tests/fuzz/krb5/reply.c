/* The decrypted part of an AP-REP: bounded values, or nothing. */
#include "../wire/must.h"
#include "mech/krb5/mech_krb5.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct bt_krb5_reply nothing;
	struct bt_krb5_reply reply;

	if (bt_krb5_reply_parse(bt_bytes_of(data, len), &reply) != 0) {
		must(memcmp(&reply, &nothing, sizeof reply) == 0);
		return 0;
	}
	must(reply.cusec < 1000000 && reply.subkey.len <= sizeof reply.subkey.bytes);
	must(reply.subkey.enctype != 0 || reply.subkey.len == 0);
	return 0;
}
