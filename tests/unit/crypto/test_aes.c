/* CBC: the processor's instructions, EVP, and the code for when EVP has no memory, give the same bytes. */
#include "support.h"

#include "crypto/aes.h"

enum { NUM_BLOCKS = 70, LEN = 16 * NUM_BLOCKS };

enum path { NATIVE, EVP, TABLES, NUM_PATHS };

static void
crypt(enum path path, size_t key_len, bool encrypts, const uint8_t *in, uint8_t *out, size_t len, uint32_t seed)
{
	uint8_t key[32];
	struct bt_crypto_aes aes;
	struct bt_crypto_cbc cbc;

	fill(key, sizeof key, 7);
	bt_crypto_cpu_use_portable(path != NATIVE);
	bt_crypto_aes_init(&aes, key, key_len, encrypts);
	bt_crypto_cbc_begin(&cbc, &aes);
	if (path != NATIVE)
		assert_non_null(cbc.evp);
	if (path == TABLES) {
		bt_crypto_cbc_end(&cbc);
		cbc.evp = NULL;
	}
	for (size_t at = 0; at < len;) {
		size_t piece = next_number(&seed) % 20 * 16;

		piece = piece < len - at ? piece : len - at;
		bt_crypto_cbc_crypt(&cbc, in + at, out + at, piece);
		at += piece;
	}
	/* The chain is the last ciphertext block on every path. */
	if (len != 0 && encrypts)
		assert_memory_equal(cbc.chain, out + len - 16, 16);
	bt_crypto_cbc_end(&cbc);
}

static void
paths_agree(void **state)
{
	uint8_t text[LEN], first[LEN], cipher[LEN + 1], back[LEN + 1];

	fill(text, sizeof text, 1);
	for (size_t key_len = 16; key_len <= 32; key_len += 16)
		for (size_t len = 0; len <= LEN; len += 16)
			for (enum path path = NATIVE; path < NUM_PATHS; path++) {
				cipher[len] = back[len] = 0xee;
				crypt(path, key_len, true, text, cipher, len, (uint32_t)len + path);
				if (path == NATIVE)
					memcpy(first, cipher, len);
				assert_memory_equal(cipher, first, len);
				crypt(path, key_len, false, cipher, back, len, (uint32_t)len + path);
				assert_memory_equal(back, text, len);
				crypt(path, key_len, false, cipher, cipher, len, (uint32_t)len + path);
				assert_memory_equal(cipher, text, len);
				crypt(path, key_len, true, cipher, cipher, len, (uint32_t)len + path);
				assert_memory_equal(cipher, first, len);
				assert_true(cipher[len] == 0xee && back[len] == 0xee);
			}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(paths_agree)};

	return cmocka_run_group_tests_name("crypto/aes", tests, NULL, NULL);
}
