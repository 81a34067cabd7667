/* The framings take one form each: what is read is written in the same bytes, and what is refused leaves nothing. */
#include "base/err.h"
#include "base/oid.h"
#include "must.h"
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
must_be(struct bt_wr *wr, struct bt_bytes input)
{
	must(!wr->failed && bt_bytes_equal(bt_wr_written(wr), input));
	bt_wr_done(wr);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bt_bytes input = bt_bytes_of(data, len), oid, body, attributes;
	struct bt_wr wr;

	bt_wr_init(&wr);
	if (bt_frame_read(input, &oid, &body) == 0) {
		must(bt_oid_is_valid(oid));
		bt_frame_write(&wr, oid, body);
		must_be(&wr, input);
	} else {
		must(oid.len == 0 && body.len == 0);
	}
	if (bt_frame_read_name(input, &oid, &body) == 0) {
		must(bt_oid_is_valid(oid));
		bt_frame_write_name(&wr, oid, body);
		must_be(&wr, input);
	} else {
		must(oid.len == 0 && body.len == 0);
	}
	if (bt_frame_read_composite(input, &oid, &body, &attributes) == 0) {
		must(bt_oid_is_valid(oid));
		bt_frame_write_composite(&wr, oid, body, attributes);
		must_be(&wr, input);
	} else {
		must(oid.len == 0 && body.len == 0 && attributes.len == 0);
	}
	if (bt_frame_read_context(input, &oid, &body) == 0) {
		must(bt_oid_is_valid(oid));
		bt_frame_write_context(&wr, oid);
		bt_wr_bytes(&wr, body);
		must_be(&wr, input);
	} else {
		must(oid.len == 0 && body.len == 0);
	}
	return 0;
}
