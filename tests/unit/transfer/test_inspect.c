/* Looking at tokens: whatever the bytes are, and without using anything up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "fake_claim.h"
#include "support.h"
#include "transfer/inspect.h"
#include "transfer/transfer.h"

static const struct bt_mechs mechs = {test_mechs, 1};

static int
reset(void **state)
{
	fake_claims_reset();
	test_mem_start(0);
	test_ahead_s = 0;
	return 0;
}

static struct bt_buf
token_of(enum test_sample sample)
{
	struct bt_ctx *ctx = test_ctx_new(sample);
	struct bt_buf token;

	assert_int_equal(bt_transfer_export(ctx, &no_wish, &token), 0);
	bt_ctx_free(ctx);
	return token;
}

static void
good(void **state)
{
	struct bt_buf token = token_of(SAMPLE_ACCEPTOR);
	struct bt_transfer_sight sight;
	char text[BT_TRANSFER_OID_LEN];
	struct bt_ctx *back;

	assert_int_equal(bt_transfer_inspect(mechs, bt_bytes_of_buf(&token), &sight), 0);
	assert_int_equal(sight.format, 1);
	assert_int_equal(sight.err, 0);
	assert_int_equal(sight.header.uid, geteuid());
	assert_in_range(sight.expires_in_ms, 540000, 600000);
	assert_int_equal(sight.sealed_len + BT_SEAL_PREFIX_LEN + sight.oid.len + BT_SEAL_HEADER_LEN, token.len);
	bt_transfer_describe_oid(sight.oid, text);
	assert_string_equal(text, "1.2.840.113554.1.2.2");
	assert_string_equal(bt_transfer_place_name(sight.header.claim.place), "shm");
	/* Another clock: expired, and then used. */
	test_ahead_s = 601;
	assert_int_equal(bt_transfer_inspect(mechs, bt_bytes_of_buf(&token), &sight), 0);
	assert_int_equal(sight.err, BT_ERR_TOKEN_EXPIRED);
	assert_true(sight.expires_in_ms < 0);
	test_ahead_s = 0;
	assert_int_equal(bt_transfer_import(test_mechs, 1, bt_bytes_of_buf(&token), &back), 0);
	bt_ctx_free(back);
	assert_int_equal(bt_transfer_inspect(mechs, bt_bytes_of_buf(&token), &sight), 0);
	assert_int_equal(sight.err, BT_ERR_TOKEN_USED);
	bt_buf_free(&token);
}

/* Of a mechanism that is not here: it can still be described. */
static void
foreign_mechanism(void **state)
{
	struct bt_buf token = token_of(SAMPLE_BARE);
	struct bt_transfer_sight sight;

	assert_int_equal(bt_transfer_inspect((struct bt_mechs){NULL, 0}, bt_bytes_of_buf(&token), &sight), 0);
	assert_int_equal(sight.err, BT_ERR_TOKEN_FORMAT);
	assert_true(sight.oid.len != 0);
	bt_buf_free(&token);
}

/* Every length and every altered byte, in memory that ends where the token does; then the token works. */
static void
hostile(void **state)
{
	struct bt_buf token = token_of(SAMPLE_ACCEPTOR);
	struct bt_transfer_sight sight, none = {0};
	struct bt_ctx *back;
	uint8_t *copy;

	for (size_t len = 0; len < token.len; len++) {
		copy = malloc(len != 0 ? len : 1);
		assert_non_null(copy);
		memcpy(copy, token.ptr, len);
		if (bt_transfer_inspect(mechs, bt_bytes_of(copy, len), &sight) != 0)
			assert_memory_equal(&sight, &none, sizeof none);
		free(copy);
	}
	for (size_t i = 0; i < token.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			token.ptr[i] ^= (uint8_t)(1 << bit);
			bt_transfer_inspect(mechs, bt_bytes_of_buf(&token), &sight);
			token.ptr[i] ^= (uint8_t)(1 << bit);
		}
	assert_int_equal(test_mem.num_secrets, 0);
	assert_int_equal(bt_transfer_import(test_mechs, 1, bt_bytes_of_buf(&token), &back), 0);
	bt_ctx_free(back);
	bt_buf_free(&token);
}

/* An expiry that no clock gives: no overflow. */
static void
far_times(void **state)
{
	static const int64_t times[] = {INT64_MIN, INT64_MIN + 1, -1, 0, INT64_MAX};
	struct bt_buf token = token_of(SAMPLE_BARE);
	size_t at = BT_SEAL_PREFIX_LEN + 9 + 8 + 4 + 4 + 8;
	struct bt_transfer_sight sight;

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		bt_store_be64(token.ptr + at, (uint64_t)times[i]);
		assert_int_equal(bt_transfer_inspect(mechs, bt_bytes_of_buf(&token), &sight), 0);
		assert_true(sight.header.claim.expires_at == times[i]);
		assert_int_equal(sight.expires_in_ms > 0, times[i] == INT64_MAX);
	}
	bt_buf_free(&token);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup(fn, reset)
	const struct CMUnitTest tests[] = {TEST(good), TEST(foreign_mechanism), TEST(hostile), TEST(far_times)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
