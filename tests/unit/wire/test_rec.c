/* Records: one encoding for each record, and nothing else decodes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/err.h"
#include "wire/rec.h"

struct sample {
	bool is_set;
	uint8_t small;
	uint32_t count;
	int32_t number;
	uint64_t large;
	int64_t at;
	struct bt_bytes text;
	struct bt_bytes key;
};

static const struct bt_rec_field fields[] = {
    BT_REC_FIELD(sample, is_set, 1, BT_REC_BOOL, false, true, 0, 1),
    BT_REC_FIELD(sample, small, 3, BT_REC_U8, false, false, 1, 9),
    BT_REC_FIELD(sample, count, 4, BT_REC_U32, false, true, 0, UINT32_MAX),
    BT_REC_FIELD(sample, number, 5, BT_REC_I32, false, true, 0, UINT32_MAX),
    BT_REC_FIELD(sample, large, 6, BT_REC_U64, false, false, 0, UINT64_MAX),
    BT_REC_FIELD(sample, at, 7, BT_REC_I64, false, true, 0, UINT64_MAX),
    BT_REC_FIELD(sample, text, 9, BT_REC_BYTES, false, true, 2, 100000),
    BT_REC_FIELD(sample, key, 0xf0, BT_REC_BYTES, true, true, 4, 32),
};

static const struct bt_rec rec = {fields, sizeof fields / sizeof fields[0]};

static const struct sample full = {
    .is_set = true,
    .small = 7,
    .count = 0x80000000,
    .number = -2,
    .large = 0x0102030405060708,
    .at = -1,
    .text = {(const uint8_t *)"hello", 5},
    .key = {(const uint8_t *)"\x00\x01\x02\x03", 4},
};

static const uint8_t full_bytes[] = {
    0x01, 0x01, 0x01, 0x03, 0x01, 0x07, 0x04, 0x04, 0x80, 0x00, 0x00, 0x00, 0x05, 0x04, 0xff, 0xff, 0xff,
    0xfe, 0x06, 0x08, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x07, 0x08, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0x09, 0x05, 'h',  'e',  'l',  'l',	'o',  0xf0, 0x04, 0x00, 0x01, 0x02, 0x03,
};

static int
decode(const void *bytes, size_t len, struct sample *out)
{
	memset(out, 0xa5, sizeof *out);
	return bt_rec_decode(&rec, bt_bytes_of(bytes, len), out);
}

static void
assert_is_zero(const struct sample *s)
{
	static const struct sample zero;

	assert_true(bt_rec_equal(&rec, s, &zero));
}

static void
a_full_record_has_these_bytes(void **state)
{
	struct sample back;
	struct bt_wr wr;

	bt_wr_init(&wr);
	assert_int_equal(bt_rec_size(&rec, &full), sizeof full_bytes);
	assert_int_equal(bt_rec_encode(&rec, &full, &wr), 0);
	assert_int_equal(wr.len, sizeof full_bytes);
	assert_memory_equal(wr.ptr, full_bytes, wr.len);
	bt_wr_done(&wr);
	assert_int_equal(decode(full_bytes, sizeof full_bytes, &back), 0);
	assert_true(bt_rec_equal(&rec, &full, &back));
	assert_true(back.is_set && back.small == 7 && back.count == 0x80000000 && back.number == -2 && back.at == -1);
}

static void
what_is_optional_and_zero_is_left_out(void **state)
{
	struct sample s = {.small = 1}, back;
	struct bt_wr wr;

	bt_wr_init(&wr);
	assert_int_equal(bt_rec_encode(&rec, &s, &wr), 0);
	assert_int_equal(wr.len, 5);
	assert_memory_equal(wr.ptr, "\x03\x01\x01\x06\x00", 5);
	bt_wr_done(&wr);
	assert_int_equal(decode("\x03\x01\x01\x06\x00", 5, &back), 0);
	assert_true(bt_rec_equal(&rec, &s, &back));
}

static void
lengths_of_any_size_round_trip(void **state)
{
	static uint8_t text[100001];
	static const size_t lens[] = {2, 127, 128, 255, 256, 65535, 65536, 100000};

	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		struct sample s = {.small = 1, .text = {text, lens[i]}}, back;
		struct bt_wr wr;

		bt_wr_init(&wr);
		assert_int_equal(bt_rec_encode(&rec, &s, &wr), 0);
		assert_int_equal(wr.len, bt_rec_size(&rec, &s));
		assert_int_equal(decode(wr.ptr, wr.len, &back), 0);
		assert_int_equal(back.text.len, lens[i]);
		bt_wr_done(&wr);
	}
}

static void
every_truncation_is_refused(void **state)
{
	struct sample back;

	for (size_t len = 0; len < sizeof full_bytes; len++) {
		int e = decode(full_bytes, len, &back);

		/* The three last fields are optional: a record that ends before one of them is complete, and another one. */
		if (len == 28 || len == 38 || len == 45) {
			assert_int_equal(e, 0);
		} else {
			assert_int_equal(e, BT_ERR_TRUNCATED);
			assert_is_zero(&back);
		}
	}
}

static void
what_is_not_the_one_encoding_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		int e;
	} cases[] = {
	    {"\x03\x01\x01\x06\x00\xf1\x00", 7, BT_ERR_TRAILING},		/* a tag after the last */
	    {"\x03\x01\x01\x06\x00\x08\x00", 7, BT_ERR_MALFORMED},		/* an unknown one before it */
	    {"\x02\x01\x01\x03\x01\x01\x06\x00", 8, BT_ERR_MALFORMED},		/* an unknown one first */
	    {"\x03\x01\x01\x03\x01\x01\x06\x00", 8, BT_ERR_MALFORMED},		/* repeated */
	    {"\x06\x00\x03\x01\x01", 5, BT_ERR_MALFORMED},			/* out of order, so missing */
	    {"\x03\x01\x01\x06\x00\x04\x01\x01", 8, BT_ERR_MALFORMED},		/* out of order */
	    {"\x03\x01\x01", 3, BT_ERR_TRUNCATED},				/* missing */
	    {"\x03\x01\x01\x07\x01\x01", 6, BT_ERR_MALFORMED},			/* missing, others there */
	    {"\x03\x00\x06\x00", 4, BT_ERR_MALFORMED},				/* below its least */
	    {"\x03\x01\x0a\x06\x00", 5, BT_ERR_MALFORMED},			/* above its most */
	    {"\x03\x02\x00\x01\x06\x00", 6, BT_ERR_MALFORMED},			/* a leading zero */
	    {"\x03\x02\x01\x01\x06\x00", 6, BT_ERR_MALFORMED},			/* wider than its type */
	    {"\x03\x81\x01\x01\x06\x00", 6, BT_ERR_MALFORMED},			/* a long length */
	    {"\x03\x80\x06\x00", 4, BT_ERR_MALFORMED},				/* no length */
	    {"\x03\x84\x00\x00\x00\x01\x01\x06\x00", 9, BT_ERR_MALFORMED},	/* a length of four octets */
	    {"\x01\x00\x03\x01\x01\x06\x00", 7, BT_ERR_MALFORMED},		/* optional, zero, and there */
	    {"\x01\x01\x02\x03\x01\x01\x06\x00", 8, BT_ERR_MALFORMED},		/* neither true nor false */
	    {"\x03\x01\x01\x04\x05\x01\0\0\0\0\x06\x00", 12, BT_ERR_MALFORMED}, /* 33 bits */
	    {"\x03\x01\x01\x06\x09\x01\0\0\0\0\0\0\0\0", 14, BT_ERR_MALFORMED}, /* 65 bits */
	    {"\x03\x01\x01\x06\x00\x09\x00", 7, BT_ERR_MALFORMED},		/* optional, empty, and there */
	    {"\x03\x01\x01\x06\x00\x09\x01x", 8, BT_ERR_MALFORMED},		/* shorter than its least */
	    {"\x03\x01\x01\x06\x00\x09\x82\x01", 8, BT_ERR_TRUNCATED},		/* half a length */
	    {"\x03\x01\x01\x06\x00\x09\x83\xff\xff\xffx", 11, BT_ERR_TRUNCATED},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sample back;

		assert_int_equal(decode(cases[i].bytes, cases[i].len, &back), cases[i].e);
		assert_is_zero(&back);
	}
}

static void
values_out_of_bounds_are_not_encoded(void **state)
{
	static uint8_t text[100001];
	struct sample cases[] = {
	    {.small = 0},
	    {.small = 10},
	    {.small = 1, .text = {text, 1}},
	    {.small = 1, .text = {text, sizeof text}},
	    {.small = 1, .key = {text, 3}},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bt_wr wr;

		bt_wr_init(&wr);
		assert_int_equal(bt_rec_encode(&rec, &cases[i], &wr), BT_ERR_MALFORMED);
		assert_int_equal(wr.len, 0);
		bt_wr_done(&wr);
	}
}

static void
a_short_storage_is_no_memory(void **state)
{
	for (size_t cap = 0; cap < sizeof full_bytes; cap++) {
		uint8_t storage[sizeof full_bytes];
		struct bt_wr wr;

		bt_wr_over(&wr, storage, cap);
		assert_int_equal(bt_rec_encode(&rec, &full, &wr), BT_ERR_NOMEM);
		assert_int_equal(wr.len, 0);
	}
}

static void
equal_sees_every_field(void **state)
{
	for (int i = 0; i < 8; i++) {
		struct sample other = full;

		switch (i) {
		case 0:
			other.is_set = false;
			break;
		case 1:
			other.small = 8;
			break;
		case 2:
			other.count++;
			break;
		case 3:
			other.number++;
			break;
		case 4:
			other.large++;
			break;
		case 5:
			other.at++;
			break;
		case 6:
			other.text.len--;
			break;
		case 7:
			other.key.ptr = (const uint8_t *)"\x00\x01\x02\x04";
			break;
		}
		assert_false(bt_rec_equal(&rec, &full, &other));
	}
}

static void
a_description_keeps_secrets(void **state)
{
	static const char expected[] =
	    "is_set 1\nsmall 7\ncount 2147483648\nnumber -2\nlarge 72623859790382856\nat -1\ntext hello\n"
	    "key (4 bytes)\n";
	struct sample other = full;
	struct bt_wr wr;

	bt_wr_init(&wr);
	bt_rec_describe(&rec, &full, &wr);
	assert_int_equal(wr.len, sizeof expected - 1);
	assert_memory_equal(wr.ptr, expected, wr.len);
	bt_wr_done(&wr);
	other.text = bt_bytes_of("\x00\xff", 2);
	bt_rec_describe(&rec, &other, &wr);
	assert_non_null(memmem(wr.ptr, wr.len, "text 00ff\n", 10));
	bt_wr_done(&wr);
}

/* Decode what was changed at random: what is accepted encodes to the same bytes. */
static void
random_bytes_that_decode_encode_alike(void **state)
{
	unsigned num_decoded = 0;

	srandom(2);
	for (int i = 0; i < 300000; i++) {
		uint8_t input[sizeof full_bytes];
		size_t len = (size_t)random() % (sizeof input + 1);
		struct sample s;
		struct bt_wr wr;

		memcpy(input, full_bytes, sizeof input);
		for (long k = random() % 4; k >= 0; k--)
			input[random() % (long)sizeof input] = (uint8_t)(random() % 3 == 0 ? random() % 12 : random());
		if (random() % 2 == 0)
			len = sizeof input;
		if (decode(input, len, &s) != 0) {
			assert_is_zero(&s);
			continue;
		}
		num_decoded++;
		bt_wr_init(&wr);
		assert_int_equal(bt_rec_encode(&rec, &s, &wr), 0);
		assert_true(bt_bytes_equal(bt_wr_written(&wr), bt_bytes_of(input, len)));
		bt_wr_done(&wr);
	}
	assert_true(num_decoded > 10000);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_full_record_has_these_bytes),
	    cmocka_unit_test(what_is_optional_and_zero_is_left_out),
	    cmocka_unit_test(lengths_of_any_size_round_trip),
	    cmocka_unit_test(every_truncation_is_refused),
	    cmocka_unit_test(what_is_not_the_one_encoding_is_refused),
	    cmocka_unit_test(values_out_of_bounds_are_not_encoded),
	    cmocka_unit_test(a_short_storage_is_no_memory),
	    cmocka_unit_test(equal_sees_every_field),
	    cmocka_unit_test(a_description_keeps_secrets),
	    cmocka_unit_test(random_bytes_that_decode_encode_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
