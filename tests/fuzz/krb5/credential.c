/*
 * Exported credentials. Whatever is read is written in one spelling, which reads as the same again.
 */
#include "../wire/must.h"
#include "base/err.h"
#include "mech/krb5/portable.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct bt_buf
spell(struct bt_bytes text)
{
	static struct bt_krb5_portable portable;
	struct bt_buf out = {0};
	struct bt_wr wr;
	int e = bt_krb5_portable_read(text, &portable);

	if (e != 0) {
		must(e == BT_ERR_DEFECTIVE_TOKEN && portable.principal == NULL && portable.tickets == NULL);
		return out;
	}
	must(portable.usage <= 2 && portable.num_tickets <= BT_KRB5_PORTABLE_MAX);
	bt_wr_init(&wr);
	bt_krb5_portable_write(&portable, &wr);
	must(bt_wr_take(&wr, &out) == 0);
	bt_krb5_portable_done(&portable);
	return out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bt_buf once = spell(bt_bytes_of(data, len)), twice;

	if (once.len == 0)
		return 0;
	twice = spell(bt_bytes_of_buf(&once));
	must(bt_bytes_equal(bt_bytes_of_buf(&once), bt_bytes_of_buf(&twice)));
	bt_buf_free(&once);
	bt_buf_free(&twice);
	return 0;
}
