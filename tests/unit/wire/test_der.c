/* DER: every writer's output read back, every strictness of the reader, and bytes at random. X.690. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/err.h"
#include "wire/der.h"

#define RD(literal) bt_rd_of(bt_bytes_of(literal, sizeof(literal) - 1))

static struct bt_wr
writer(uint8_t *storage, size_t cap)
{
	struct bt_wr wr;

	bt_wr_over(&wr, storage, cap);
	return wr;
}

static void
ints_are_minimal_both_ways(void **state)
{
	static const struct {
		int64_t v;
		const char *der;
		size_t len;
	} cases[] = {
	    {0, "\x02\x01\x00", 3},
	    {127, "\x02\x01\x7f", 3},
	    {128, "\x02\x02\x00\x80", 4},
	    {256, "\x02\x02\x01\x00", 4},
	    {-1, "\x02\x01\xff", 3},
	    {-128, "\x02\x01\x80", 3},
	    {-129, "\x02\x02\xff\x7f", 4},
	    {4294967295, "\x02\x05\x00\xff\xff\xff\xff", 7},
	    {INT64_MAX, "\x02\x08\x7f\xff\xff\xff\xff\xff\xff\xff", 10},
	    {INT64_MIN, "\x02\x08\x80\x00\x00\x00\x00\x00\x00\x00", 10},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t storage[16];
		struct bt_wr wr = writer(storage, sizeof storage);
		struct bt_rd rd = bt_rd_of(bt_bytes_of(cases[i].der, cases[i].len));

		bt_der_put_int(&wr, cases[i].v);
		assert_int_equal(wr.len, cases[i].len);
		assert_memory_equal(storage, cases[i].der, cases[i].len);
		assert_true(bt_der_int(&rd) == cases[i].v);
		assert_int_equal(bt_rd_end(&rd), 0);
		for (size_t len = 0; len < cases[i].len; len++) {
			rd = bt_rd_of(bt_bytes_of(cases[i].der, len));
			assert_true(bt_der_int(&rd) == 0);
			assert_int_equal(bt_rd_end(&rd), BT_ERR_TRUNCATED);
		}
	}
}

static void
ints_that_are_refused(void **state)
{
	struct bt_rd refused[] = {
	    RD("\x02\x00"),					/* empty */
	    RD("\x02\x02\x00\x7f"),				/* a needless 00 */
	    RD("\x02\x02\xff\x80"),				/* a needless ff */
	    RD("\x02\x09\x00\xff\xff\xff\xff\xff\xff\xff\xff"), /* over 64 bits */
	    RD("\x0a\x01\x00"),					/* another tag */
	    RD("\x02\x81\x01\x00"),				/* a long length */
	};

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		assert_true(bt_der_int(&refused[i]) == 0);
		assert_true(refused[i].failed);
	}
}

static void
lengths_are_minimal_and_definite(void **state)
{
	struct bt_rd good[] = {RD("\x00"),     RD("\x7f"),	   RD("\x81\x80"),
			       RD("\x81\xff"), RD("\x82\x01\x00"), RD("\x84\xff\xff\xff\xff")};
	static const size_t lengths[] = {0, 127, 128, 255, 256, 0xffffffff};
	struct bt_rd refused[] = {
	    RD(""),
	    RD("\x80"),
	    RD("\x81"),
	    RD("\x81\x7f"),
	    RD("\x82\x00\xff"),
	    RD("\x82\x01"),
	    RD("\x83\x00\x01"),
	    RD("\x83\x00\x01\x00"),
	    RD("\x85\x01\0\0\0\0"),
	    RD("\xff"),
	};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(bt_der_length(&good[i]), lengths[i]);
		assert_int_equal(bt_rd_end(&good[i]), 0);
	}
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		assert_int_equal(bt_der_length(&refused[i]), 0);
		assert_true(refused[i].failed);
	}
}

static void
elements_nest_and_get_their_lengths_late(void **state)
{
	static const size_t lens[] = {0, 1, 126, 127, 128, 254, 255, 256, 65535, 65536, 70000};

	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		uint8_t *text = test_calloc(1, lens[i] + 1);
		struct bt_wr wr;
		struct bt_rd rd, seq, field;
		struct bt_bytes octets;
		size_t outer, inner;

		bt_wr_init(&wr);
		outer = bt_der_open(&wr, BT_DER_SEQUENCE);
		inner = bt_der_open(&wr, BT_DER_CONTEXT(1));
		bt_der_put(&wr, BT_DER_OCTET_STRING, bt_bytes_of(text, lens[i]));
		bt_der_close(&wr, inner);
		bt_der_close(&wr, outer);
		assert_false(wr.failed);

		rd = bt_rd_of(bt_wr_written(&wr));
		seq = bt_der_enter(&rd, BT_DER_SEQUENCE);
		field = bt_der_enter(&seq, BT_DER_CONTEXT(1));
		octets = bt_der_octets(&field);
		assert_int_equal(octets.len, lens[i]);
		assert_int_equal(bt_rd_end(&field) | bt_rd_end(&seq) | bt_rd_end(&rd), 0);

		rd = bt_rd_of(bt_wr_written(&wr));
		assert_int_equal(bt_der_skip(&rd).len, wr.len);
		rd = bt_rd_of(bt_bytes_of(wr.ptr, wr.len - 1));
		assert_int_equal(bt_der_skip(&rd).len, 0);
		assert_true(rd.failed);
		bt_wr_done(&wr);
		test_free(text);
	}
}

static void
an_optional_element_is_left_when_it_is_another(void **state)
{
	struct bt_rd rd = RD("\xa1\x03\x02\x01\x05"), child;
	bool present;

	child = bt_der_enter_optional(&rd, BT_DER_CONTEXT(0), &present);
	assert_false(present);
	assert_int_equal(bt_rd_end(&child), 0);
	assert_int_equal(rd.left, 5);
	child = bt_der_enter_optional(&rd, BT_DER_CONTEXT(1), &present);
	assert_true(present);
	assert_int_equal(bt_der_int(&child), 5);
	assert_int_equal(bt_rd_end(&child) | bt_rd_end(&rd), 0);
	child = bt_der_enter_optional(&rd, BT_DER_CONTEXT(2), &present);
	assert_false(present);
	assert_int_equal(bt_rd_end(&rd), 0);
}

static void
a_wrong_tag_or_an_overlong_child_fails_both(void **state)
{
	struct bt_rd refused[] = {RD("\x31\x00"), RD("\x30\x01"), RD("\x30\x80\x00\x00"), RD("\x30"), RD("")};

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		struct bt_rd child = bt_der_enter(&refused[i], BT_DER_SEQUENCE);

		assert_true(child.failed);
		assert_true(refused[i].failed);
	}
}

static void
high_tag_numbers_are_not_skipped(void **state)
{
	struct bt_rd refused[] = {RD("\x1f\x01\x00"), RD("\x3f\x81\x01\x00"), RD("\xbf\x1f\x00"), RD("\x7f\x20\x00")};

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		assert_int_equal(bt_der_skip(&refused[i]).len, 0);
		assert_true(refused[i].failed);
	}
}

static void
oids_and_strings_are_views(void **state)
{
	struct bt_rd rd = RD("\x06\x03\x2a\x03\x04\x1b\x02hi"), bad = RD("\x06\x02\x2a\x83"), empty = RD("\x06\x00");
	struct bt_bytes oid = bt_der_oid(&rd), text = bt_der_string(&rd);

	assert_true(bt_bytes_equal(oid, bt_bytes_of_str("\x2a\x03\x04")));
	assert_true(bt_bytes_equal(text, bt_bytes_of_str("hi")));
	assert_int_equal(bt_rd_end(&rd), 0);
	assert_int_equal(bt_der_oid(&bad).len, 0);
	assert_true(bad.failed);
	assert_int_equal(bt_der_oid(&empty).len, 0);
	assert_true(empty.failed);
}

static void
flags_are_bits_from_the_left(void **state)
{
	struct bt_rd good[] = {RD("\x03\x05\x00\x40\x00\x00\x10"), RD("\x03\x02\x00\x80"), RD("\x03\x01\x00"),
			       RD("\x03\x02\x05\xa0"), RD("\x03\x06\x00\x00\x00\x00\x01\xff")};
	static const uint32_t flags[] = {0x40000010, 0x80000000, 0, 0xa0000000, 1};
	struct bt_rd refused[] = {RD("\x03\x00"), RD("\x03\x01\x01"), RD("\x03\x02\x08\x00"), RD("\x03\x02\x01\x01")};
	uint8_t storage[8];
	struct bt_wr wr = writer(storage, sizeof storage);

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(bt_der_flags(&good[i]), flags[i]);
		assert_int_equal(bt_rd_end(&good[i]), 0);
	}
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		assert_int_equal(bt_der_flags(&refused[i]), 0);
		assert_true(refused[i].failed);
	}
	bt_der_put_flags(&wr, 0x40000010);
	assert_int_equal(wr.len, 7);
	assert_memory_equal(storage, "\x03\x05\x00\x40\x00\x00\x10", 7);
}

static void
times_are_strict(void **state)
{
	static const struct {
		const char *text;
		int64_t at;
	} good[] = {
	    {"19700101000000Z", 0},	     {"20000229235959Z", 951868799},	{"19691231235959Z", -1},
	    {"20380119031408Z", 2147483648}, {"99991231235959Z", 253402300799}, {"00000101000000Z", -62167219200},
	    {"20240229120000Z", 1709208000},
	};
	static const char *const refused[] = {
	    "20230229000000Z",
	    "19000229000000Z",
	    "20230001000000Z",
	    "20231301000000Z",
	    "20230100000000Z",
	    "20230132000000Z",
	    "20230101240000Z",
	    "20230101006000Z",
	    "20230101000060Z",
	    "2023010100000Z",
	    "202301010000000",
	    "20230101000000.1Z",
	    "20230101000000z",
	    "20230101000000+",
	    " 0230101000000Z",
	    "20230101000000",
	    "",
	};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		uint8_t storage[32];
		struct bt_wr wr = writer(storage, sizeof storage);
		struct bt_rd rd;

		bt_der_put_time(&wr, good[i].at);
		assert_int_equal(wr.len, 17);
		assert_memory_equal(storage + 2, good[i].text, 15);
		rd = bt_rd_of(bt_wr_written(&wr));
		assert_true(bt_der_time(&rd) == good[i].at);
		assert_int_equal(bt_rd_end(&rd), 0);
	}
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		uint8_t storage[32];
		struct bt_wr wr = writer(storage, sizeof storage);
		struct bt_rd rd;

		bt_der_put(&wr, BT_DER_GENERALIZED_TIME, bt_bytes_of_str(refused[i]));
		rd = bt_rd_of(bt_wr_written(&wr));
		assert_true(bt_der_time(&rd) == 0);
		assert_true(rd.failed);
	}
}

static void
a_time_out_of_four_digit_years_fails_the_writer(void **state)
{
	static const int64_t times[] = {253402300800, -62167219201, INT64_MAX, INT64_MIN};

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		uint8_t storage[32];
		struct bt_wr wr = writer(storage, sizeof storage);

		bt_der_put_time(&wr, times[i]);
		assert_true(wr.failed);
	}
}

static void
a_full_storage_fails_the_writer(void **state)
{
	for (size_t cap = 0; cap < 9; cap++) {
		uint8_t storage[9];
		struct bt_wr wr = writer(storage, cap);
		size_t mark = bt_der_open(&wr, BT_DER_SEQUENCE);

		bt_der_put(&wr, BT_DER_OCTET_STRING, bt_bytes_of_str("five5"));
		bt_der_close(&wr, mark);
		assert_true(wr.failed);
	}
}

/* Whatever the reader takes for an element, the writer writes in the same bytes. */
static void
random_bytes_that_are_read_are_written_alike(void **state)
{
	unsigned num_read = 0;

	srandom(1);
	for (int i = 0; i < 300000; i++) {
		static const uint8_t tags[] = {BT_DER_INTEGER, BT_DER_OCTET_STRING, BT_DER_OID, BT_DER_SEQUENCE};
		uint8_t input[8], storage[16];
		struct bt_wr wr = writer(storage, sizeof storage);
		struct bt_rd rd, child;
		struct bt_bytes whole;
		size_t len = (size_t)random() % sizeof input + 1;

		for (size_t k = 0; k < len; k++)
			input[k] = (uint8_t)random();
		input[0] = tags[random() % 4];
		if (len > 1 && random() % 2 != 0)
			input[1] = (uint8_t)(len - 2);
		rd = bt_rd_of(bt_bytes_of(input, len));
		whole = bt_der_skip(&rd);
		if (rd.failed)
			continue;
		rd = bt_rd_of(whole);
		child = bt_der_enter(&rd, input[0]);
		assert_int_equal(bt_rd_end(&rd), 0);
		bt_der_put(&wr, input[0], bt_rd_rest(&child));
		assert_true(bt_bytes_equal(bt_wr_written(&wr), whole));
		num_read++;
		rd = bt_rd_of(whole);
		if (input[0] == BT_DER_INTEGER) {
			int64_t v = bt_der_int(&rd);

			wr = writer(storage, sizeof storage);
			bt_der_put_int(&wr, v);
			assert_int_equal(bt_bytes_equal(bt_wr_written(&wr), whole), !rd.failed);
		}
	}
	assert_true(num_read > 10000);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ints_are_minimal_both_ways),
	    cmocka_unit_test(ints_that_are_refused),
	    cmocka_unit_test(lengths_are_minimal_and_definite),
	    cmocka_unit_test(elements_nest_and_get_their_lengths_late),
	    cmocka_unit_test(an_optional_element_is_left_when_it_is_another),
	    cmocka_unit_test(a_wrong_tag_or_an_overlong_child_fails_both),
	    cmocka_unit_test(high_tag_numbers_are_not_skipped),
	    cmocka_unit_test(oids_and_strings_are_views),
	    cmocka_unit_test(flags_are_bits_from_the_left),
	    cmocka_unit_test(times_are_strict),
	    cmocka_unit_test(a_time_out_of_four_digit_years_fails_the_writer),
	    cmocka_unit_test(a_full_storage_fails_the_writer),
	    cmocka_unit_test(random_bytes_that_are_read_are_written_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
