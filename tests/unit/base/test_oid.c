/* Object identifiers: printed, parsed, and refused. X.690 §8.19. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/oid.h"
#include "failing.h"

static const struct bt_bytes krb5 = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02");

static void
assert_prints(struct bt_bytes oid, const char *want)
{
	uint8_t storage[1024];
	struct bt_wr wr;

	bt_wr_over(&wr, storage, sizeof storage);
	assert_int_equal(bt_oid_print(oid, &wr), 0);
	assert_int_equal(wr.len, strlen(want));
	assert_memory_equal(storage, want, wr.len);
}

static int
parse(const char *text, size_t len, uint8_t *out, size_t *out_len)
{
	struct bt_wr wr;
	int e;

	bt_wr_over(&wr, out, 64);
	e = bt_oid_parse(bt_bytes_of(text, len), &wr);
	*out_len = wr.len;
	return e;
}

static void
both_ways(void **state)
{
	static const struct {
		const char *text;
		struct bt_bytes oid;
	} cases[] = {
	    {"{ 1 2 840 113554 1 2 2 }", BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02")},
	    {"{ 1 3 6 1 5 5 2 }", BT_OID("\x2b\x06\x01\x05\x05\x02")},
	    {"{ 0 0 }", BT_OID("\x00")},
	    {"{ 0 39 }", BT_OID("\x27")},
	    {"{ 1 0 }", BT_OID("\x28")},
	    {"{ 1 39 127 128 }", BT_OID("\x4f\x7f\x81\x00")},
	    {"{ 2 0 }", BT_OID("\x50")},
	    {"{ 2 999 3 }", BT_OID("\x88\x37\x03")},
	    {"{ 1 2 18446744073709551605 }", BT_OID("\x2a\x81\xff\xff\xff\xff\xff\xff\xff\xff\x75")},
	};
	uint8_t out[64];
	size_t len;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(bt_oid_is_valid(cases[i].oid));
		assert_prints(cases[i].oid, cases[i].text);
		assert_int_equal(parse(cases[i].text, strlen(cases[i].text), out, &len), 0);
		assert_true(bt_bytes_equal(bt_bytes_of(out, len), cases[i].oid));
	}
}

/* As programs write them. */
static void
other_spellings(void **state)
{
	static const char *const spellings[] = {
	    "1.2.840.113554.1.2.2",	 "1 2 840 113554 1 2 2",	  "{1 2 840 113554 1 2 2}",
	    "{ 1 2 840 113554 1 2 2 } ", "\t{ 1  2 840 113554 1 2 2 }\n", "{ 1.2.840.113554.1.2.2 }",
	    "01 . 2 .840\v113554...1\f2. 2. ",
	};
	uint8_t out[64];
	size_t len;

	for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
		assert_int_equal(parse(spellings[i], strlen(spellings[i]), out, &len), 0);
		assert_true(bt_bytes_equal(bt_bytes_of(out, len), krb5));
	}
}

static void
texts_that_are_refused(void **state)
{
	static const char *const texts[] = {
	    "",
	    " ",
	    "{",
	    "{}",
	    "{ }",
	    "1",
	    "{ 1 }",
	    "3 1",
	    "1 40",
	    "0 40",
	    ".1.2",
	    "1.-2",
	    "1.2a",
	    "a",
	    "{ 1 2",
	    "1 2 }",
	    "{ 1 2 } 3",
	    "{{ 1 2 }}",
	    "1,2",
	    "1.2.99999999999999999999",
	    "2.18446744073709551600",
	    "1.2.3 4x",
	};
	uint8_t out[64];
	size_t len;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_int_equal(parse(texts[i], strlen(texts[i]), out, &len), BT_ERR_MALFORMED);
}

/* The reader stops where the OID ends, and leaves what follows. */
static void
followed_by_something(void **state)
{
	static const struct {
		const char *text, *rest;
	} cases[] = {
	    {"1.2.3 trailing", "trailing"},
	    {"{ 1 2 3 } trailing", " trailing"},
	    {"1 2 3 }", "}"},
	    {"1.2.3.-4", "-4"},
	    {"1.2.3", ""},
	};
	uint8_t storage[16];
	struct bt_rd rd;
	struct bt_wr wr;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		rd = bt_rd_of(bt_bytes_of_str(cases[i].text));
		bt_wr_over(&wr, storage, sizeof storage);
		assert_int_equal(bt_oid_read(&rd, &wr), 0);
		assert_true(bt_bytes_equal(bt_wr_written(&wr), (struct bt_bytes)BT_OID("\x2a\x03")));
		assert_true(bt_bytes_equal(bt_bytes_of(rd.ptr, rd.left), bt_bytes_of_str(cases[i].rest)));
	}
}

static void
contents_that_are_refused(void **state)
{
	static const struct bt_bytes bad[] = {
	    {NULL, 0},
	    BT_OID("\x80\x01"), /* an arc padded at its front */
	    BT_OID("\x2a\x80\x01"),
	    BT_OID("\x2a\x86"), /* an arc that goes on after the end */
	    BT_OID("\xff"),
	};
	uint8_t storage[256], longest[BT_OID_MAX + 1];
	struct bt_wr wr;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		bt_wr_over(&wr, storage, sizeof storage);
		assert_false(bt_oid_is_valid(bad[i]));
		assert_int_equal(bt_oid_print(bad[i], &wr), BT_ERR_MALFORMED);
	}
	memset(longest, 1, sizeof longest);
	assert_true(bt_oid_is_valid(bt_bytes_of(longest, BT_OID_MAX)));
	assert_false(bt_oid_is_valid(bt_bytes_of(longest, BT_OID_MAX + 1)));
}

/* Legal in an object identifier, and more than this library counts. */
static void
arcs_over_64_bits_are_not_printed(void **state)
{
	static const struct bt_bytes oid = BT_OID("\x2a\x83\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
	uint8_t storage[256];
	struct bt_wr wr;

	bt_wr_over(&wr, storage, sizeof storage);
	assert_true(bt_oid_is_valid(oid));
	assert_int_equal(bt_oid_print(oid, &wr), BT_ERR_MALFORMED);
}

static void
no_memory_is_told(void **state)
{
	uint8_t storage[4];
	struct bt_wr wr;

	for (size_t n = 1; n <= 2; n++) {
		failing_at(n);
		bt_wr_init(&wr);
		assert_int_equal(bt_oid_print(krb5, &wr), n == 1 ? BT_ERR_NOMEM : 0);
		bt_wr_done(&wr);
	}
	failing_at(0);
	bt_wr_over(&wr, storage, sizeof storage);
	assert_int_equal(bt_oid_parse(bt_bytes_of_str("1.2.840.113554.1.2.2"), &wr), BT_ERR_NOMEM);
	assert_int_equal(failing_live(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_ways),
	    cmocka_unit_test(other_spellings),
	    cmocka_unit_test(texts_that_are_refused),
	    cmocka_unit_test(followed_by_something),
	    cmocka_unit_test(contents_that_are_refused),
	    cmocka_unit_test(arcs_over_64_bits_are_not_printed),
	    cmocka_unit_test(no_memory_is_told),
	};

	return cmocka_run_group_tests_name("base/oid", tests, NULL, NULL);
}
