/* AES-256-GCM: lengths, aliasing, and every bit of key, associated data, text and tag. */
#include <openssl/err.h>
#include <pthread.h>

#include "support.h"

#include "base/err.h"
#include "crypto/cpu.h"

enum { MAX_LEN = 300, SEALED_MAX = MAX_LEN + BT_CRYPTO_AEAD_TAG_LEN };

static uint8_t key[BT_CRYPTO_AEAD_KEY_LEN];

static void
every_length(void **state)
{
	uint8_t text[MAX_LEN], aad[64], sealed[SEALED_MAX + 1], back[MAX_LEN + 1];

	fill(text, sizeof text, 1);
	fill(aad, sizeof aad, 2);
	for (size_t len = 0; len <= MAX_LEN; len++) {
		struct bt_bytes data = bt_bytes_of(aad, len % 65);
		size_t sealed_len = len + BT_CRYPTO_AEAD_TAG_LEN;

		sealed[sealed_len] = back[len] = 0xee;
		assert_int_equal(bt_crypto_aead_seal(key, data, bt_bytes_of(text, len), sealed), 0);
		assert_int_equal(sealed[sealed_len], 0xee);
		assert_int_equal(bt_crypto_aead_open(key, data, bt_bytes_of(sealed, sealed_len), back), 0);
		assert_memory_equal(back, text, len);
		assert_int_equal(back[len], 0xee);
		/* In place, both ways. */
		assert_int_equal(bt_crypto_aead_open(key, data, bt_bytes_of(sealed, sealed_len), sealed), 0);
		assert_memory_equal(sealed, text, len);
		assert_int_equal(bt_crypto_aead_seal(key, data, bt_bytes_of(sealed, len), sealed), 0);
		assert_int_equal(bt_crypto_aead_open(key, data, bt_bytes_of(sealed, sealed_len), back), 0);
		assert_memory_equal(back, text, len);
	}
}

static void
every_bit_counts(void **state)
{
	uint8_t input[BT_CRYPTO_AEAD_KEY_LEN + 10 + 20 + BT_CRYPTO_AEAD_TAG_LEN], back[20];
	uint8_t *aad = input + BT_CRYPTO_AEAD_KEY_LEN, *sealed = aad + 10;

	fill(input, sizeof input, 1);
	assert_int_equal(bt_crypto_aead_seal(input, bt_bytes_of(aad, 10), bt_bytes_of(sealed, 20), sealed), 0);
	for (size_t bit = 0; bit < sizeof input * 8; bit++) {
		input[bit / 8] ^= (uint8_t)(1 << bit % 8);
		memset(back, 0xee, sizeof back);
		assert_int_equal(bt_crypto_aead_open(input, bt_bytes_of(aad, 10), bt_bytes_of(sealed, 36), back),
				 BT_ERR_BAD_MIC);
		assert_true(has_only(back, sizeof back, 0));
		input[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	/* The program's queue of errors has nothing of ours. */
	assert_true(ERR_peek_error() == 0);
	assert_int_equal(bt_crypto_aead_open(input, bt_bytes_of(aad, 10), bt_bytes_of(sealed, 36), back), 0);
	assert_int_equal(bt_crypto_aead_open(input, bt_bytes_of(aad, 9), bt_bytes_of(sealed, 36), back), BT_ERR_BAD_MIC);
	for (size_t len = 0; len < 36; len++)
		assert_int_equal(bt_crypto_aead_open(input, bt_bytes_of(aad, 10), bt_bytes_of(sealed, len), back),
				 BT_ERR_BAD_MIC);
}

/* What one path sealed the other opens: each length that could end within what is done in one go, and some as of big states. */
static void
both_paths_agree(void **state)
{
	static uint8_t text[70001], quick[sizeof text + BT_CRYPTO_AEAD_TAG_LEN], portable[sizeof quick];
	uint8_t aad[144];

	fill(text, sizeof text, 3);
	fill(aad, sizeof aad, 4);
	for (size_t len = 0; len <= sizeof text; len += len < 600 ? 1 : len - 7)
		for (size_t aad_len = len % 13; aad_len <= sizeof aad; aad_len += 13) {
			struct bt_bytes in = bt_bytes_of(text, len), data = bt_bytes_of(aad, aad_len);
			size_t sealed_len = len + BT_CRYPTO_AEAD_TAG_LEN;

			assert_int_equal(bt_crypto_aead_seal(key, data, in, quick), 0);
			bt_crypto_cpu_use_portable(true);
			assert_int_equal(bt_crypto_aead_seal(key, data, in, portable), 0);
			assert_memory_equal(quick, portable, sealed_len);
			assert_int_equal(bt_crypto_aead_open(key, data, bt_bytes_of(quick, sealed_len), quick), 0);
			bt_crypto_cpu_use_portable(false);
			assert_int_equal(bt_crypto_aead_open(key, data, bt_bytes_of(portable, sealed_len), portable), 0);
			assert_memory_equal(quick, text, len);
			assert_memory_equal(portable, text, len);
		}
}

static void
portable_bits_count(void **state)
{
	bt_crypto_cpu_use_portable(true);
	every_length(state);
	every_bit_counts(state);
	bt_crypto_cpu_use_portable(false);
}

static void *
seal_and_open(void *arg)
{
	uint8_t mine[BT_CRYPTO_AEAD_KEY_LEN], text[100], sealed[116], back[100];
	bool *is_right = arg;

	*is_right = true;
	for (uint32_t i = 0; i < 500 && *is_right; i++) {
		fill(mine, sizeof mine, i ^ (uint32_t)(uintptr_t)arg);
		fill(text, sizeof text, i);
		*is_right = bt_crypto_aead_seal(mine, bt_bytes_of(NULL, 0), bt_bytes_of(text, sizeof text), sealed) == 0 &&
			    bt_crypto_aead_open(mine, bt_bytes_of(NULL, 0), bt_bytes_of(sealed, sizeof sealed), back) == 0 &&
			    memcmp(text, back, sizeof text) == 0;
	}
	return NULL;
}

static void
threads_do_not_meet(void **state)
{
	pthread_t threads[4];
	bool is_right[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, seal_and_open, &is_right[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_true(is_right[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_length),
	    cmocka_unit_test(every_bit_counts),
	    cmocka_unit_test(both_paths_agree),
	    cmocka_unit_test(portable_bits_count),
	    cmocka_unit_test(threads_do_not_meet),
	};

	fill(key, sizeof key, 9);
	return cmocka_run_group_tests_name("crypto/aead", tests, NULL, NULL);
}
