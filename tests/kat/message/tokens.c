/*
 * Per-message tokens with a known key, confounder (fixed_random.c) and sequence number, made by the initiator over TEXT.
 * MIT's libk5crypto decrypts and verifies each of them: tests/unit/message/test_peer.c does the same with fresh ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "message/message.h"

#define TEXT "hello, RFC 4121!!"
#define FIRST UINT64_C(0x12345678)

static const struct vector {
	int32_t enctype;
	const char *key, *sealed, *clear, *mic, *prf;
} vectors[] = {
    {
	.enctype = 17,
	.key = "3705d96080c17728a0e800eab6e0d23c",
	.sealed = "050402ff0000000000000000123456788dac4a2c48232338266f7e35b225e12d910d0f1b2544d1aa756cb4447cd9253f"
		  "4a241813813becf6800e6c9e833499cf3f80096fe8cfecc6eff98d447b",
	.clear = "050400ff000c0000000000001234567868656c6c6f2c20524643203431323121210fc322b377f47ee1b77454ce",
	.mic = "040400ffffffffff00000000123456785b7197f9d824d1e7b885fc6e",
	.prf = "ba7cc7a4844564fce9f5cbb58e83b72c",
    },
    {
	.enctype = 18,
	.key = "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52",
	.sealed = "050402ff00000000000000001234567843c69a0237633b86ea297a7c9fdb9de975eebf9a7cb477618b1e58e31ab95217"
		  "d0d49d7d6ffd914c0466e5a899312d13936734252902601ec6dba879e5",
	.clear = "050400ff000c0000000000001234567868656c6c6f2c2052464320343132312121f0c6c710234888cc1f9c18a9",
	.mic = "040400ffffffffff00000000123456784e8f225a46c176f69dd7e75a",
	.prf = "708e66541dd711ba7465edb4de615c0e",
    },
    {
	.enctype = 19,
	.key = "3705d96080c17728a0e800eab6e0d23c",
	.sealed = "050402ff00000000000000001234567841a716412efaf2afe829dcf48714b06245ab44dd39196c3c39a29eec91a80b02"
		  "31cdf8046b6474f250d8864b2efdc5492088626f1e321c20b340a578297c606a4a",
	.clear = "050400ff00100000000000001234567868656c6c6f2c2052464320343132312121b550af9517beea4523b06c8faaccd5"
		 "39",
	.mic = "040400ffffffffff00000000123456786c66e9ed8dd02f8a71596a2fbf5c1137",
	.prf = "9d188616f63852fe86915bb840b4a886ff3e6bb0f819b49b893393d393854295",
    },
    {
	.enctype = 20,
	.key = "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52",
	.sealed = "050402ff000000000000000012345678cc12ab6f01b00d9950b4ad773b67a96d317d7fc37728dd1180b3e5c633a92f10"
		  "aa89d3b97bf99b00bd8232942bc23c2e43b93ebd8e028de62ac7d8afc0f1dc44d04a2a9c4bd7e304f6",
	.clear = "050400ff00180000000000001234567868656c6c6f2c2052464320343132312121eb5a2262892d70df13438ec7f4b272"
		 "4bfbd74452a43aca0c",
	.mic = "040400ffffffffff000000001234567848964f53d6b28ec783c0589904c9961b66e4f6ca7847def8",
	.prf = "9801f69a368c2bf675e59521e177d9a07f67efe1cfde8d3c8d6f6a0256e3b17db3c1b62ad1b8553360d17367eb1514d2",
    },
};

static struct bt_buf
bytes_of_hex(const char *hex)
{
	struct bt_buf buf = {malloc(strlen(hex) / 2), strlen(hex) / 2};

	assert_non_null(buf.ptr);
	for (size_t i = 0; i < buf.len; i++) {
		char octet[3] = {hex[2 * i], hex[2 * i + 1], 0};

		buf.ptr[i] = (uint8_t)strtoul(octet, NULL, 16);
	}
	return buf;
}

static void
assert_hex(struct bt_buf got, const char *hex)
{
	struct bt_buf want = bytes_of_hex(hex);

	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.ptr, want.ptr, want.len);
	free(want.ptr);
}

static struct bt_msg *
context(const struct vector *v, bool is_initiator)
{
	struct bt_buf key = bytes_of_hex(v->key);
	struct bt_msg_state state = {
	    .is_initiator = is_initiator,
	    .detects_replay = true,
	    .detects_sequence = true,
	    .subkey = {.enctype = v->enctype, .len = (uint8_t)key.len},
	    .send_next = FIRST,
	    .recv_first = FIRST,
	};
	struct bt_msg *m;

	memcpy(state.subkey.bytes, key.ptr, key.len);
	free(key.ptr);
	assert_int_equal(bt_msg_new(&state, &m), 0);
	return m;
}

static void
made_as_published(void **unused)
{
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		const struct vector *v = &vectors[i];
		struct bt_bytes text = bt_bytes_of_str(TEXT);
		struct bt_msg *m;
		struct bt_buf token;
		uint8_t prf[BT_CRYPTO_PRF_MAX];
		struct bt_buf block = {prf, strlen(v->prf) / 2};

		m = context(v, true);
		assert_int_equal(bt_msg_wrap(m, true, text, &token), 0);
		assert_hex(token, v->sealed);
		bt_buf_free(&token);
		bt_msg_free(m);

		m = context(v, true);
		assert_int_equal(bt_msg_wrap(m, false, text, &token), 0);
		assert_hex(token, v->clear);
		bt_buf_free(&token);
		bt_msg_free(m);

		m = context(v, true);
		assert_int_equal(bt_msg_get_mic(m, text, &token), 0);
		assert_hex(token, v->mic);
		bt_buf_free(&token);
		/* The published block is pseudo-random("test"); PRF+ of an input puts a counter before it. */
		assert_int_equal(
		    bt_crypto_prf(bt_crypto_enctype_of(v->enctype), bt_msg_session_key(m)->bytes, bt_bytes_of_str("test"), prf),
		    0);
		assert_hex(block, v->prf);
		bt_msg_free(m);
	}
}

static void
taken_as_published(void **unused)
{
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		const struct vector *v = &vectors[i];
		const char *wraps[] = {v->sealed, v->clear};
		struct bt_bytes text = bt_bytes_of_str(TEXT);
		struct bt_msg *m = context(v, false);
		enum bt_msg_order order;
		struct bt_buf token, out;
		bool conf;

		for (size_t j = 0; j < 2; j++) {
			token = bytes_of_hex(wraps[j]);
			assert_int_equal(bt_msg_unwrap(m, bt_bytes_of_buf(&token), &out, &conf, &order), 0);
			assert_true(bt_bytes_equal(bt_bytes_of_buf(&out), text));
			assert_true(conf == (j == 0));
			assert_int_equal(order, j == 0 ? BT_MSG_IN_ORDER : BT_MSG_DUPLICATE);
			bt_buf_free(&out);
			free(token.ptr);
		}
		token = bytes_of_hex(v->mic);
		assert_int_equal(bt_msg_verify_mic(m, text, bt_bytes_of_buf(&token), &order), 0);
		free(token.ptr);
		bt_msg_free(m);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(made_as_published), cmocka_unit_test(taken_as_published)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
