/* The checksum 0x8003: what is read lies inside, and written again begins the same bytes. */
#include "../wire/must.h"
#include "mech/krb5/mech_krb5.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bt_bytes input = bt_bytes_of(data, len);
	struct bt_krb5_checksum checksum;
	struct bt_wr wr;

	if (bt_krb5_checksum_read(input, &checksum) != 0) {
		must(checksum.delegation.len == 0 && checksum.flags == 0);
		return 0;
	}
	/* Its place is not always the first behind the delegation. */
	if (checksum.finished.len != 0)
		must(checksum.finished.ptr > data && checksum.finished.ptr + checksum.finished.len <= data + len);
	checksum.finished = (struct bt_bytes){0};
	bt_wr_init(&wr);
	bt_krb5_checksum_write(&checksum, &wr);
	must(!wr.failed && bt_bytes_has_prefix(input, bt_wr_written(&wr)));
	bt_wr_done(&wr);
	return 0;
}
