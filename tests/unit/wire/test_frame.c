/* Framing of tokens and names: RFC 2743 §3.1, §3.2, and the prefix of interprocess tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/oid.h"
#include "wire/frame.h"

static const struct bt_bytes krb5 = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02");

static void
tokens_round_trip_at_every_length(void **state)
{
	static uint8_t text[70000];
	static const size_t lens[] = {0, 1, 114, 115, 116, 117, 200, 243, 244, 245, 1000, 65520, 65536, 70000};

	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		struct bt_bytes oid, body;
		struct bt_wr wr;

		bt_wr_init(&wr);
		bt_frame_write(&wr, krb5, bt_bytes_of(text, lens[i]));
		assert_false(wr.failed);
		assert_int_equal(bt_frame_read(bt_wr_written(&wr), &oid, &body), 0);
		assert_true(bt_bytes_equal(oid, krb5));
		assert_int_equal(body.len, lens[i]);
		for (size_t len = 0; len < wr.len && len < 300; len++) {
			assert_int_not_equal(bt_frame_read(bt_bytes_of(wr.ptr, len), &oid, &body), 0);
			assert_true(oid.len == 0 && body.len == 0);
		}
		bt_wr_u8(&wr, 0);
		assert_int_equal(bt_frame_read(bt_wr_written(&wr), &oid, &body), BT_ERR_TRAILING);
		assert_true(oid.len == 0 && body.len == 0);
		bt_wr_done(&wr);
	}
}

static void
token_errors_tell_what_is_wrong(void **state)
{
	static const struct {
		const char *token;
		size_t len;
		int e;
	} cases[] = {
	    {"", 0, BT_ERR_TRUNCATED},
	    {"\x61\x03\x06\x01\x2a", 5, BT_ERR_BAD_TOK_HEADER},
	    {"\x60", 1, BT_ERR_BAD_TOK_HEADER},
	    {"\x60\x04\x06\x01\x2a", 5, BT_ERR_TRUNCATED},
	    {"\x60\x02\x06\x01\x2a", 5, BT_ERR_TRAILING},
	    {"\x60\x81\x03\x06\x01\x2a", 6, BT_ERR_BAD_TOK_HEADER}, /* not minimal */
	    {"\x60\x03\x05\x01\x2a", 5, BT_ERR_BAD_TOK_HEADER},	    /* no OID */
	    {"\x60\x02\x06\x00", 4, BT_ERR_BAD_TOK_HEADER},	    /* an empty OID */
	    {"\x60\x03\x06\x02\x2a", 5, BT_ERR_BAD_TOK_HEADER},	    /* an OID that runs out */
	    {"\x60\x03\x06\x01\xaa", 5, BT_ERR_BAD_TOK_HEADER},	    /* an arc that runs out */
	    {"\x60\x03\x06\x01\x2a", 5, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bt_bytes oid, body;

		assert_int_equal(bt_frame_read(bt_bytes_of(cases[i].token, cases[i].len), &oid, &body), cases[i].e);
	}
}

static void
names_round_trip(void **state)
{
	static const char expected[] = "\x04\x01\x00\x0b\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x00\x00\x00\x05u@R.A";
	struct bt_bytes oid, name;
	struct bt_wr wr;

	bt_wr_init(&wr);
	bt_frame_write_name(&wr, krb5, bt_bytes_of_str("u@R.A"));
	assert_int_equal(wr.len, sizeof expected - 1);
	assert_memory_equal(wr.ptr, expected, wr.len);
	assert_int_equal(bt_frame_read_name(bt_wr_written(&wr), &oid, &name), 0);
	assert_true(bt_bytes_equal(oid, krb5));
	assert_true(bt_bytes_equal(name, bt_bytes_of_str("u@R.A")));
	for (size_t len = 0; len < wr.len; len++) {
		assert_int_equal(bt_frame_read_name(bt_bytes_of(wr.ptr, len), &oid, &name), BT_ERR_BAD_NAME);
		assert_true(oid.len == 0 && name.len == 0);
	}
	/* Each octet of the framing counts. */
	for (size_t i = 0; i < 6; i++) {
		wr.ptr[i] ^= 1;
		assert_int_equal(bt_frame_read_name(bt_wr_written(&wr), &oid, &name), BT_ERR_BAD_NAME);
		wr.ptr[i] ^= 1;
	}
	bt_wr_u8(&wr, 0);
	assert_int_equal(bt_frame_read_name(bt_wr_written(&wr), &oid, &name), BT_ERR_BAD_NAME);
	bt_wr_done(&wr);
}

static void
composite_names_round_trip(void **state)
{
	static const char expected[] = "\x04\x02\x00\x0b\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x00\x00\x00\x01u"
				       "\x00\x00\x00\x04more";
	struct bt_bytes oid, name, attributes;
	struct bt_wr wr;

	bt_wr_init(&wr);
	bt_frame_write_composite(&wr, krb5, bt_bytes_of_str("u"), bt_bytes_of_str("more"));
	assert_int_equal(wr.len, sizeof expected - 1);
	assert_memory_equal(wr.ptr, expected, wr.len);
	assert_int_equal(bt_frame_read_composite(bt_wr_written(&wr), &oid, &name, &attributes), 0);
	assert_true(bt_bytes_equal(oid, krb5));
	assert_true(bt_bytes_equal(name, bt_bytes_of_str("u")));
	assert_true(bt_bytes_equal(attributes, bt_bytes_of_str("more")));
	/* It is no plain name, nor the other way round. */
	assert_int_equal(bt_frame_read_name(bt_wr_written(&wr), &oid, &name), BT_ERR_BAD_NAME);
	for (size_t len = 0; len < wr.len; len++) {
		assert_int_equal(bt_frame_read_composite(bt_bytes_of(wr.ptr, len), &oid, &name, &attributes), BT_ERR_BAD_NAME);
		assert_true(oid.len == 0 && name.len == 0 && attributes.len == 0);
	}
	bt_wr_u8(&wr, 0);
	assert_int_equal(bt_frame_read_composite(bt_wr_written(&wr), &oid, &name, &attributes), BT_ERR_BAD_NAME);
	bt_wr_done(&wr);
	bt_wr_init(&wr);
	bt_frame_write_name(&wr, krb5, bt_bytes_of_str("u"));
	assert_int_equal(bt_frame_read_composite(bt_wr_written(&wr), &oid, &name, &attributes), BT_ERR_BAD_NAME);
	bt_wr_done(&wr);
}

static void
context_prefixes_round_trip(void **state)
{
	struct bt_bytes oid, body;
	struct bt_wr wr;

	bt_wr_init(&wr);
	bt_frame_write_context(&wr, krb5);
	bt_wr_bytes(&wr, bt_bytes_of_str("rest"));
	assert_memory_equal(wr.ptr, "\x00\x00\x00\x09\x2a", 5);
	assert_int_equal(bt_frame_read_context(bt_wr_written(&wr), &oid, &body), 0);
	assert_true(bt_bytes_equal(oid, krb5));
	assert_true(bt_bytes_equal(body, bt_bytes_of_str("rest")));
	for (size_t len = 0; len < 13; len++) {
		assert_int_equal(bt_frame_read_context(bt_bytes_of(wr.ptr, len), &oid, &body), BT_ERR_TOKEN_FORMAT);
		assert_true(oid.len == 0 && body.len == 0);
	}
	assert_int_equal(bt_frame_read_context(bt_bytes_of(wr.ptr, 13), &oid, &body), 0);
	bt_wr_done(&wr);
	assert_int_equal(bt_frame_read_context(bt_bytes_of("\0\0\0\0rest", 8), &oid, &body), BT_ERR_TOKEN_FORMAT);
	assert_int_equal(bt_frame_read_context(bt_bytes_of("\xff\xff\xff\xffrest", 8), &oid, &body), BT_ERR_TOKEN_FORMAT);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tokens_round_trip_at_every_length),
	    cmocka_unit_test(token_errors_tell_what_is_wrong),
	    cmocka_unit_test(names_round_trip),
    cmocka_unit_test(composite_names_round_trip),
	    cmocka_unit_test(context_prefixes_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
