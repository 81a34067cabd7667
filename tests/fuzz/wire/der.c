/*
 * The DER reader takes one form of each value: what it reads, the writer writes in the same bytes. And a view never leaves its element.
 *
 * Input: one element, whatever follows it.
 */
#include "base/bytes.h"
#include "must.h"
#include "wire/der.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { DEPTH_MAX = 30 };

static void
must_be_written(struct bt_wr *wr, struct bt_bytes element)
{
	must(!wr->failed && bt_bytes_equal(bt_wr_written(wr), element));
	bt_wr_done(wr);
}

/* Read the element as the type its tag says, and write it. */
static void
rewrite_value(struct bt_bytes element)
{
	struct bt_rd rd = bt_rd_of(element);
	struct bt_bytes bytes;
	struct bt_wr wr;
	int64_t v;

	bt_wr_init(&wr);
	switch (element.ptr[0]) {
	case BT_DER_INTEGER:
		v = bt_der_int(&rd);
		bt_der_put_int(&wr, v);
		break;
	case BT_DER_GENERALIZED_TIME:
		v = bt_der_time(&rd);
		bt_der_put_time(&wr, v);
		break;
	case BT_DER_OCTET_STRING:
		bytes = bt_der_octets(&rd);
		bt_der_put(&wr, BT_DER_OCTET_STRING, bytes);
		break;
	case BT_DER_GENERAL_STRING:
		bytes = bt_der_string(&rd);
		bt_der_put(&wr, BT_DER_GENERAL_STRING, bytes);
		break;
	case BT_DER_OID:
		bytes = bt_der_oid(&rd);
		bt_der_put(&wr, BT_DER_OID, bytes);
		break;
	case BT_DER_BIT_STRING:
		bt_der_put_flags(&wr, bt_der_flags(&rd));
		/* 32 bits are what is written; of other strings some are dropped or added. */
		if (!rd.failed && (element.len != 7 || element.ptr[2] != 0)) {
			bt_wr_done(&wr);
			return;
		}
		break;
	default:
		return;
	}
	if (!rd.failed) {
		must(bt_rd_end(&rd) == 0);
		must_be_written(&wr, element);
	}
	bt_wr_done(&wr);
}

static void
walk(struct bt_rd *rd, int depth)
{
	while (!rd->failed && rd->left != 0) {
		struct bt_rd again = *rd, child;
		struct bt_bytes element = bt_der_skip(rd);
		struct bt_wr wr;
		size_t mark;
		bool present;

		if (rd->failed)
			return;
		must(element.len >= 2 && element.ptr == again.ptr && element.ptr + element.len == rd->ptr);
		rewrite_value(element);
		child = bt_der_enter_optional(&again, (uint8_t)(element.ptr[0] ^ 1), &present);
		must(!present && !child.failed && again.left == rd->left + element.len);
		child = bt_der_enter_optional(&again, element.ptr[0], &present);
		must(present && !child.failed && again.left == rd->left);
		bt_wr_init(&wr);
		mark = bt_der_open(&wr, element.ptr[0]);
		bt_wr_bytes(&wr, bt_bytes_of(child.ptr, child.left));
		bt_der_close(&wr, mark);
		must_be_written(&wr, element);
		if ((element.ptr[0] & 0x20) != 0 && depth < DEPTH_MAX)
			walk(&child, depth + 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bt_rd rd = bt_rd_of(bt_bytes_of(data, len));

	walk(&rd, 0);
	return 0;
}
