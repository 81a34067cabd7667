/* The two cursors at their bounds, and buffers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"
#include "failing.h"

static const uint8_t counting[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

/* Every reader of fixed length, as one table. */
static uint64_t
read_u8(struct bt_rd *rd)
{
	return bt_rd_u8(rd);
}

static uint64_t
read_be16(struct bt_rd *rd)
{
	return bt_rd_be16(rd);
}

static uint64_t
read_be32(struct bt_rd *rd)
{
	return bt_rd_be32(rd);
}

static uint64_t
read_le16(struct bt_rd *rd)
{
	return bt_rd_le16(rd);
}

static uint64_t
read_le32(struct bt_rd *rd)
{
	return bt_rd_le32(rd);
}

static const struct {
	uint64_t (*read)(struct bt_rd *rd);
	size_t len;
	uint64_t of_counting;
	uint64_t of_ones;
} readers[] = {
    {read_u8, 1, 0x01, 0xff},
    {read_be16, 2, 0x0102, 0xffff},
    {read_be32, 4, 0x01020304, 0xffffffff},
    {bt_rd_be64, 8, 0x0102030405060708, UINT64_MAX},
    {read_le16, 2, 0x0201, 0xffff},
    {read_le32, 4, 0x04030201, 0xffffffff},
};

static void
reads_what_is_there(void **state)
{
	uint8_t ones[8];

	memset(ones, 0xff, sizeof ones);
	for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
		struct bt_rd rd = bt_rd_of(bt_bytes_of(counting, readers[i].len));

		assert_true(readers[i].read(&rd) == readers[i].of_counting);
		assert_int_equal(bt_rd_end(&rd), 0);
		rd = bt_rd_of(bt_bytes_of(ones, readers[i].len));
		assert_true(readers[i].read(&rd) == readers[i].of_ones);
	}
}

/* The first short read gives zero and so does all that follows, even what would have fitted. */
static void
stays_failed(void **state)
{
	for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++)
		for (size_t len = 0; len < readers[i].len; len++) {
			struct bt_rd rd = bt_rd_of(bt_bytes_of(len != 0 ? counting : NULL, len));

			assert_true(readers[i].read(&rd) == 0);
			assert_int_equal(bt_rd_end(&rd), BT_ERR_TRUNCATED);
			assert_int_equal(bt_rd_u8(&rd), 0);
			assert_int_equal(bt_rd_peek(&rd), -1);
			assert_int_equal(bt_rd_bytes(&rd, 0).len, 0);
			assert_null(bt_rd_bytes(&rd, 0).ptr);
			assert_int_equal(bt_rd_rest(&rd).len, 0);
			assert_int_equal(bt_rd_end(&rd), BT_ERR_TRUNCATED);
		}
}

static void
views_end_where_the_input_ends(void **state)
{
	struct bt_rd rd = bt_rd_of(bt_bytes_of(counting, sizeof counting));
	struct bt_bytes view;

	view = bt_rd_bytes(&rd, 3);
	assert_ptr_equal(view.ptr, counting);
	assert_int_equal(view.len, 3);
	assert_int_equal(bt_rd_end(&rd), BT_ERR_TRAILING);
	assert_int_equal(bt_rd_peek(&rd), 4);
	view = bt_rd_rest(&rd);
	assert_ptr_equal(view.ptr, counting + 3);
	assert_int_equal(view.len, 13);
	assert_int_equal(bt_rd_end(&rd), 0);
	assert_int_equal(bt_rd_peek(&rd), -1);
	assert_int_equal(bt_rd_bytes(&rd, 0).len, 0);
	assert_int_equal(bt_rd_end(&rd), 0);
	rd = bt_rd_of(bt_bytes_of(counting, sizeof counting));
	assert_int_equal(bt_rd_bytes(&rd, SIZE_MAX).len, 0);
	assert_int_equal(bt_rd_end(&rd), BT_ERR_TRUNCATED);
	rd = bt_rd_of(bt_bytes_of(counting, sizeof counting));
	bt_rd_fail(&rd);
	assert_int_equal(bt_rd_u8(&rd), 0);
	assert_int_equal(bt_rd_end(&rd), BT_ERR_TRUNCATED);
	rd = bt_rd_of(bt_bytes_of(NULL, 0));
	assert_int_equal(bt_rd_end(&rd), 0);
}

static void
write_all_kinds(struct bt_wr *wr)
{
	bt_wr_u8(wr, 0x01);
	bt_wr_be16(wr, 0x0203);
	bt_wr_be32(wr, 0x04050607);
	bt_wr_be64(wr, 0x08090a0b0c0d0e0f);
	bt_wr_le16(wr, 0x1110);
	bt_wr_le32(wr, 0x15141312);
	bt_wr_bytes(wr, bt_bytes_of("\x16\x17", 2));
	bt_wr_bytes(wr, bt_bytes_of(NULL, 0));
}

enum { ALL_KINDS_LEN = 23 };

static void
assert_all_kinds(const uint8_t *ptr)
{
	for (size_t i = 0; i < ALL_KINDS_LEN; i++)
		assert_int_equal(ptr[i], i + 1);
}

static void
fixed_storage_is_not_left(void **state)
{
	uint8_t storage[ALL_KINDS_LEN + 2];
	struct bt_wr wr;

	for (size_t cap = 0; cap <= ALL_KINDS_LEN; cap++) {
		memset(storage, 0xee, sizeof storage);
		bt_wr_over(&wr, storage, cap);
		write_all_kinds(&wr);
		assert_int_equal(wr.failed, cap < ALL_KINDS_LEN);
		assert_true(wr.len <= cap);
		assert_int_equal(storage[cap], 0xee);
		/* Failed stays failed: what is shorter and would fit is not written either. */
		if (wr.failed) {
			size_t len = wr.len;

			bt_wr_u8(&wr, 0);
			assert_int_equal(wr.len, len);
			assert_null(bt_wr_room(&wr, 0));
			assert_null(bt_wr_insert(&wr, 0, 1));
		} else {
			assert_all_kinds(storage);
		}
		bt_wr_done(&wr);
	}
	assert_int_equal(failing_live(), 0);
}

static void
grows_and_keeps(void **state)
{
	struct bt_wr wr;
	struct bt_buf out;

	bt_wr_init(&wr);
	for (int i = 0; i < 1000; i++)
		write_all_kinds(&wr);
	assert_int_equal(wr.len, 1000 * ALL_KINDS_LEN);
	assert_ptr_equal(bt_wr_written(&wr).ptr, wr.ptr);
	assert_int_equal(bt_wr_take(&wr, &out), 0);
	assert_int_equal(out.len, 1000 * ALL_KINDS_LEN);
	for (size_t i = 0; i < 1000; i++)
		assert_all_kinds(out.ptr + i * ALL_KINDS_LEN);
	/* The writer is empty again and may go on. */
	assert_int_equal(wr.len, 0);
	bt_wr_u8(&wr, 7);
	assert_int_equal(wr.ptr[0], 7);
	bt_wr_done(&wr);
	bt_wr_done(&wr);
	bt_buf_free(&out);
	bt_buf_free(&out);
	assert_null(out.ptr);
	assert_int_equal(failing_live(), 0);
}

static void
nothing_written_can_be_taken(void **state)
{
	struct bt_wr wr;
	struct bt_buf out;

	bt_wr_init(&wr);
	assert_int_equal(bt_wr_take(&wr, &out), 0);
	assert_non_null(out.ptr);
	assert_int_equal(out.len, 0);
	bt_buf_free(&out);
	assert_int_equal(failing_live(), 0);
}

static void
lengths_beyond_memory_fail(void **state)
{
	struct bt_wr wr;
	uint8_t storage[8];

	bt_wr_init(&wr);
	bt_wr_u8(&wr, 1);
	assert_null(bt_wr_room(&wr, SIZE_MAX));
	assert_true(wr.failed);
	bt_wr_done(&wr);
	bt_wr_init(&wr);
	assert_null(bt_wr_room(&wr, SIZE_MAX / 2));
	assert_true(wr.failed);
	bt_wr_done(&wr);
	bt_wr_over(&wr, storage, sizeof storage);
	bt_wr_u8(&wr, 1);
	assert_null(bt_wr_room(&wr, SIZE_MAX));
	assert_int_equal(failing_live(), 0);
}

static void
inserts_at_every_place(void **state)
{
	for (size_t at = 0; at <= ALL_KINDS_LEN; at++) {
		struct bt_wr wr;
		uint8_t *gap;

		bt_wr_init(&wr);
		write_all_kinds(&wr);
		gap = bt_wr_insert(&wr, at, 200); /* more than the first growth */
		assert_non_null(gap);
		memset(gap, 0, 200);
		assert_int_equal(wr.len, ALL_KINDS_LEN + 200);
		memmove(gap, gap + 200, ALL_KINDS_LEN - at);
		assert_all_kinds(wr.ptr);
		bt_wr_done(&wr);
	}
	assert_int_equal(failing_live(), 0);
}

/* Each allocation of a growing writer in turn. */
static void
no_memory_is_told_once_and_leaks_nothing(void **state)
{
	size_t n = 0;

	do {
		struct bt_wr wr;
		struct bt_buf out = {(uint8_t *)"", 1};
		int e;

		failing_at(++n);
		bt_wr_init(&wr);
		for (int i = 0; i < 100; i++)
			write_all_kinds(&wr);
		e = bt_wr_take(&wr, &out);
		assert_int_equal(e, failing_happened() ? BT_ERR_NOMEM : 0);
		if (e != 0)
			assert_true(out.ptr == NULL && out.len == 0);
		bt_buf_free(&out);
		assert_int_equal(failing_live(), 0);
	} while (failing_happened());
	assert_true(n > 3);
	failing_at(0);
}

/* Growing, taking, freeing and giving up: none leaves a secret in freed memory. */
static void
secrets_do_not_stay(void **state)
{
	static const char secret[] = "a session key of 32 bytes, say..";
	struct bt_wr wr;
	struct bt_buf out, copy;

	failing_watch(secret, sizeof secret - 1);
	bt_wr_init(&wr);
	bt_wr_bytes(&wr, bt_bytes_of_str(secret));
	for (int i = 0; i < 100; i++)
		write_all_kinds(&wr);
	assert_int_equal(bt_wr_take(&wr, &out), 0);
	assert_int_equal(bt_buf_dup(bt_bytes_of_buf(&out), &copy), 0);
	bt_buf_free(&out);
	bt_buf_free(&copy);
	bt_wr_init(&wr);
	bt_wr_bytes(&wr, bt_bytes_of_str(secret));
	bt_wr_done(&wr);
	bt_wr_init(&wr);
	bt_wr_bytes(&wr, bt_bytes_of_str(secret));
	assert_null(bt_wr_room(&wr, SIZE_MAX));
	assert_int_equal(bt_wr_take(&wr, &out), BT_ERR_NOMEM);
	assert_false(failing_spilled());
	failing_watch(NULL, 0);
	assert_int_equal(failing_live(), 0);
}

static void
copies_are_owned(void **state)
{
	struct bt_buf copy;

	assert_int_equal(bt_buf_dup(bt_bytes_of(counting, sizeof counting), &copy), 0);
	assert_ptr_not_equal(copy.ptr, counting);
	assert_true(bt_bytes_equal(bt_bytes_of_buf(&copy), bt_bytes_of(counting, sizeof counting)));
	bt_buf_free(&copy);
	assert_int_equal(bt_buf_dup(bt_bytes_of(NULL, 0), &copy), 0);
	bt_buf_free(&copy);
	failing_at(1);
	assert_int_equal(bt_buf_dup(bt_bytes_of(counting, sizeof counting), &copy), BT_ERR_NOMEM);
	assert_true(copy.ptr == NULL && copy.len == 0);
	failing_at(0);
}

static void
compares_views(void **state)
{
	struct bt_bytes none = {NULL, 0}, a = bt_bytes_of_str("abc"), b = bt_bytes_of_str("abd"), ab = bt_bytes_of_str("ab");

	assert_true(bt_bytes_equal(none, bt_bytes_of_str("")));
	assert_true(bt_bytes_equal(a, bt_bytes_of_str("abc")));
	assert_false(bt_bytes_equal(a, b));
	assert_false(bt_bytes_equal(a, ab));
	assert_false(bt_bytes_equal(a, none));
	assert_true(bt_bytes_has_prefix(a, ab));
	assert_true(bt_bytes_has_prefix(a, a));
	assert_true(bt_bytes_has_prefix(a, none));
	assert_true(bt_bytes_has_prefix(none, none));
	assert_false(bt_bytes_has_prefix(ab, a));
	assert_false(bt_bytes_has_prefix(a, b));
}

static void
stores_and_loads(void **state)
{
	uint8_t bytes[8];

	bt_store_be16(bytes, 0xfedc);
	assert_memory_equal(bytes, "\xfe\xdc", 2);
	assert_int_equal(bt_load_be16(bytes), 0xfedc);
	bt_store_be32(bytes, 0xfedcba98);
	assert_memory_equal(bytes, "\xfe\xdc\xba\x98", 4);
	assert_true(bt_load_be32(bytes) == 0xfedcba98);
	bt_store_be64(bytes, 0xfedcba9876543210);
	assert_memory_equal(bytes, "\xfe\xdc\xba\x98\x76\x54\x32\x10", 8);
	assert_true(bt_load_be64(bytes) == 0xfedcba9876543210);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_what_is_there),
	    cmocka_unit_test(stays_failed),
	    cmocka_unit_test(views_end_where_the_input_ends),
	    cmocka_unit_test(fixed_storage_is_not_left),
	    cmocka_unit_test(grows_and_keeps),
	    cmocka_unit_test(nothing_written_can_be_taken),
	    cmocka_unit_test(lengths_beyond_memory_fail),
	    cmocka_unit_test(inserts_at_every_place),
	    cmocka_unit_test(no_memory_is_told_once_and_leaks_nothing),
	    cmocka_unit_test(secrets_do_not_stay),
	    cmocka_unit_test(copies_are_owned),
	    cmocka_unit_test(compares_views),
	    cmocka_unit_test(stores_and_loads),
	};

	return cmocka_run_group_tests_name("base/bytes", tests, NULL, NULL);
}
