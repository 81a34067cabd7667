/* The bytes around a state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/oid.h"
#include "transfer/limits.h"
#include "transfer/seal.h"

static const struct bt_bytes oid = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02");
static const uint8_t key[BT_CLAIM_KEY_LEN] = "thirty-two bytes, used only once";
static const struct bt_seal_header header = {
    .uid = 0x01020304,
    .claim = {.place = 2,
	      .store_id = "0123456789abcde",
	      .slot = 0x11121314,
	      .generation = 0x21222324,
	      .expires_at = 0x3132333435363738},
};

enum { HEAD_LEN = 13 + BT_SEAL_HEADER_LEN, STATE_LEN = 5, TOKEN_LEN = HEAD_LEN + STATE_LEN + BT_SEAL_TAG_LEN };

static void
make_token(uint8_t *token)
{
	struct bt_wr wr;

	bt_wr_over(&wr, token, TOKEN_LEN);
	bt_seal_write_head(&wr, oid, &header);
	bt_wr_bytes(&wr, bt_bytes_of_str("state"));
	assert_int_equal(wr.len, HEAD_LEN + STATE_LEN);
	assert_int_equal(bt_seal_close(key, token, HEAD_LEN, bt_bytes_of(token + HEAD_LEN, STATE_LEN)), 0);
}

static void
the_head_has_these_bytes(void **state)
{
	static const char expected[] = "\x00\x00\x00\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"
				       "\x8a"
				       "BatonCx\x01\x02\x00\x00\x01\x02\x03\x04\x11\x12\x13\x14\x21\x22\x23\x24"
				       "\x31\x32\x33\x34\x35\x36\x37\x38"
				       "0123456789abcde";
	uint8_t token[TOKEN_LEN];

	assert_int_equal(sizeof expected, HEAD_LEN);
	assert_int_equal(bt_seal_token_len(oid, 0, STATE_LEN), TOKEN_LEN);
	make_token(token);
	assert_memory_equal(token, expected, HEAD_LEN);
	assert_null(memmem(token, sizeof token, "state", 5));
}

static void
a_token_comes_apart_as_it_was_made(void **state)
{
	uint8_t token[TOKEN_LEN], clear[STATE_LEN];
	struct bt_seal_parts parts;

	make_token(token);
	assert_int_equal(bt_seal_read(bt_bytes_of(token, sizeof token), &parts), 0);
	assert_true(bt_bytes_equal(parts.oid, oid));
	assert_int_equal(parts.header.audience.bits, header.audience.bits);
	assert_int_equal(parts.header.uid, header.uid);
	assert_int_equal(parts.header.claim.place, header.claim.place);
	assert_int_equal(parts.header.claim.slot, header.claim.slot);
	assert_int_equal(parts.header.claim.generation, header.claim.generation);
	assert_true(parts.header.claim.expires_at == header.claim.expires_at);
	assert_memory_equal(parts.header.claim.store_id, header.claim.store_id, BT_CLAIM_STORE_ID_LEN);
	assert_int_equal(parts.aad.len, HEAD_LEN);
	assert_int_equal(parts.sealed.len, STATE_LEN + BT_SEAL_TAG_LEN);
	assert_int_equal(bt_seal_open(key, &parts, clear), 0);
	assert_memory_equal(clear, "state", STATE_LEN);
}

static void
truncations_are_told_from_other_formats(void **state)
{
	uint8_t token[TOKEN_LEN];
	struct bt_seal_parts parts;

	make_token(token);
	for (size_t len = 0; len < HEAD_LEN + BT_SEAL_TAG_LEN; len++) {
		int expected = len < 13 + 8 ? BT_ERR_TOKEN_FORMAT : BT_ERR_TRUNCATED;

		assert_int_equal(bt_seal_read(bt_bytes_of(token, len), &parts), expected);
	}
	assert_int_equal(bt_seal_read(bt_bytes_of(token, HEAD_LEN + BT_SEAL_TAG_LEN), &parts), 0);
}

static void
a_token_longer_than_any_is_refused_unread(void **state)
{
	size_t len = HEAD_LEN + BT_TRANSFER_STATE_MAX + BT_SEAL_TAG_LEN;
	uint8_t *token = calloc(1, len + 1);
	struct bt_seal_parts parts;

	make_token(token);
	assert_int_equal(bt_seal_read(bt_bytes_of(token, len), &parts), 0);
	assert_int_equal(bt_seal_read(bt_bytes_of(token, len + 1), &parts), BT_ERR_TRAILING);
	free(token);
}

static void
every_altered_bit_is_noticed(void **state)
{
	uint8_t token[TOKEN_LEN], clear[STATE_LEN];
	struct bt_seal_parts parts;

	make_token(token);
	for (size_t bit = 0; bit < 8 * sizeof token; bit++) {
		int e;

		token[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if ((e = bt_seal_read(bt_bytes_of(token, sizeof token), &parts)) == 0) {
			memset(clear, 0xff, sizeof clear);
			assert_int_equal(bt_seal_open(key, &parts, clear), BT_ERR_TOKEN_ALTERED);
			assert_memory_equal(clear, "\0\0\0\0\0", sizeof clear);
		} else if (bit / 8 == 13 + 8 || bit / 8 == 13 + 11) {
			assert_int_equal(e, BT_ERR_TOKEN_VERSION);
		} else if (bit / 8 == 13 + 10) {
			/* Another audience says that more follows than there is. */
			assert_true(e == BT_ERR_TOKEN_VERSION || e == BT_ERR_TRUNCATED);
		} else {
			assert_true(bit / 8 < 13 + 8);
			assert_int_equal(e, BT_ERR_TOKEN_FORMAT);
		}
		token[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(bt_seal_read(bt_bytes_of(token, sizeof token), &parts), 0);
	assert_int_equal(bt_seal_open(key, &parts, clear), 0);
}

/* With an audience the header is longer: all of that is under the seal too. */
static void
audiences_are_part_of_the_head(void **state)
{
	struct bt_seal_header other = header;
	struct bt_seal_parts parts;

	other.audience = (struct bt_audience){.bits = BT_AUDIENCE_ALL,
					      .group = {1, 2},
					      .session = {3, 4},
					      .process = {5, 6},
					      .cgroup = "sixteen octets."};
	for (unsigned bits = 0; bits <= BT_AUDIENCE_ALL; bits++) {
		size_t head_len = HEAD_LEN + bt_transfer_audience_len((uint8_t)bits);
		uint8_t token[TOKEN_LEN + BT_AUDIENCE_LEN_MAX], clear[sizeof token];
		size_t len = bt_seal_token_len(oid, (uint8_t)bits, STATE_LEN);
		struct bt_wr wr;

		other.audience.bits = (uint8_t)bits;
		assert_int_equal(len, head_len + STATE_LEN + BT_SEAL_TAG_LEN);
		bt_wr_over(&wr, token, sizeof token);
		bt_seal_write_head(&wr, oid, &other);
		assert_int_equal(wr.len, head_len);
		bt_wr_bytes(&wr, bt_bytes_of_str("state"));
		assert_int_equal(bt_seal_close(key, token, head_len, bt_bytes_of(token + head_len, STATE_LEN)), 0);
		assert_int_equal(bt_seal_read(bt_bytes_of(token, len), &parts), 0);
		assert_int_equal(parts.header.audience.bits, bits);
		assert_int_equal(bt_seal_open(key, &parts, clear), 0);
		for (size_t bit = 13 * 8; bit < 8 * len; bit++) {
			token[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (bt_seal_read(bt_bytes_of(token, len), &parts) == 0)
				assert_int_equal(bt_seal_open(key, &parts, clear), BT_ERR_TOKEN_ALTERED);
			token[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t cut = HEAD_LEN; cut < head_len; cut++)
			assert_int_equal(bt_seal_read(bt_bytes_of(token, cut), &parts), BT_ERR_TRUNCATED);
		/* Bits that nobody knows say nothing of how long the header is. */
		token[13 + 10] |= 32;
		assert_int_equal(bt_seal_read(bt_bytes_of(token, len), &parts), BT_ERR_TOKEN_VERSION);
	}
}

static void
another_key_opens_nothing(void **state)
{
	uint8_t token[TOKEN_LEN], clear[STATE_LEN], other[BT_CLAIM_KEY_LEN] = {1};
	struct bt_seal_parts parts;

	make_token(token);
	assert_int_equal(bt_seal_read(bt_bytes_of(token, sizeof token), &parts), 0);
	assert_int_equal(bt_seal_open(other, &parts, clear), BT_ERR_TOKEN_ALTERED);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_head_has_these_bytes),
	    cmocka_unit_test(a_token_comes_apart_as_it_was_made),
	    cmocka_unit_test(truncations_are_told_from_other_formats),
	    cmocka_unit_test(a_token_longer_than_any_is_refused_unread),
	    cmocka_unit_test(every_altered_bit_is_noticed),
	    cmocka_unit_test(audiences_are_part_of_the_head),
	    cmocka_unit_test(another_key_opens_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
