/* The primitives under the enctypes, each against the standard that defines it. */
#include "crypto_vector.h"

#include "crypto/aes.h"
#include "crypto/crypto.h"
#include "crypto/hmac.h"

static void
assert_digest(const struct bt_crypto_hash *hash, const char *message, const char *want)
{
	struct bt_crypto_digest digest;
	uint8_t out[BT_CRYPTO_STATE_MAX];

	bt_crypto_digest_init(&digest, hash, hash->initial.bytes, 0);
	bt_crypto_digest_update(&digest, (const uint8_t *)message, strlen(message));
	bt_crypto_digest_final(&digest, out);
	assert_hex(out, hash->digest_len, want);
}

/* FIPS 180-2 appendices A.1-2, B.1-2, D.1-2: one block, and one that has no room for the length. */
static void
hashes(void **state)
{
	static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

	assert_digest(&bt_crypto_sha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_digest(&bt_crypto_sha1, two_blocks, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
	assert_digest(&bt_crypto_sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_digest(&bt_crypto_sha256, two_blocks, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	assert_digest(&bt_crypto_sha384, "abc",
		      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
	assert_digest(&bt_crypto_sha384,
		      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrst"
		      "nopqrstu",
		      "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712fcc7c71a557e2db966c3e9fa91746039");
}

static void
assert_hmac(const struct bt_crypto_hash *hash, const char *want)
{
	uint8_t midstates[BT_CRYPTO_MIDSTATES_MAX], mac[BT_CRYPTO_DIGEST_MAX];
	struct bt_crypto_digest digest;

	bt_crypto_hmac_key(hash, (const uint8_t *)"Jefe", 4, midstates);
	bt_crypto_hmac_begin(&digest, hash, midstates);
	bt_crypto_digest_update(&digest, (const uint8_t *)"what do ya want for nothing?", 28);
	bt_crypto_hmac_end(&digest, midstates, mac, hash->digest_len);
	assert_hex(mac, hash->digest_len, want);
}

/* RFC 2202 §3 case 2, RFC 4231 §4.3. */
static void
hmacs(void **state)
{
	assert_hmac(&bt_crypto_sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	assert_hmac(&bt_crypto_sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	assert_hmac(&bt_crypto_sha384,
		    "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649");
}

/* FIPS 197 appendices C.1 and C.3. */
static void
blocks(void **state)
{
	static const char *const want[] = {"69c4e0d86a7b0430d8cdb78070b4c55a", "8ea2b7ca516745bfeafc49904b496089"};
	uint8_t key[32], plain[16], block[16];
	struct bt_crypto_aes aes;
	struct bt_crypto_cbc cbc;

	hex_to("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", key);
	hex_to("00112233445566778899aabbccddeeff", plain);
	for (size_t i = 0; i < 2; i++) {
		bt_crypto_aes_init(&aes, key, 16 + 16 * i, true);
		bt_crypto_cbc_begin(&cbc, &aes);
		bt_crypto_cbc_crypt(&cbc, plain, block, sizeof block);
		bt_crypto_cbc_end(&cbc);
		assert_hex(block, sizeof block, want[i]);
		bt_crypto_aes_init(&aes, key, 16 + 16 * i, false);
		bt_crypto_cbc_begin(&cbc, &aes);
		bt_crypto_cbc_crypt(&cbc, block, block, sizeof block);
		bt_crypto_cbc_end(&cbc);
		assert_memory_equal(block, plain, sizeof block);
	}
}

/* SP 800-38A F.2.5: the first two blocks of CBC-AES256, the initial vector folded into the first plaintext. */
static void
chaining(void **state)
{
	uint8_t key[32], text[32], vector[16];
	struct bt_crypto_aes aes;
	struct bt_crypto_cbc cbc;

	hex_to("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", key);
	hex_to("6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51", text);
	hex_to("000102030405060708090a0b0c0d0e0f", vector);
	for (size_t i = 0; i < sizeof vector; i++)
		text[i] ^= vector[i];
	bt_crypto_aes_init(&aes, key, sizeof key, true);
	bt_crypto_cbc_begin(&cbc, &aes);
	bt_crypto_cbc_crypt(&cbc, text, text, sizeof text);
	bt_crypto_cbc_end(&cbc);
	assert_hex(text, sizeof text, "f58c4c04d6e5f1ba779eabfb5f7bfbd6 9cfc4e967edb808d679f777bc6702c7d");
}

/* McGrew and Viega, The Galois/Counter Mode of Operation, appendix B, test cases 13 and 14: the nonce is zero as ours is. */
static void
galois_counter_mode(void **state)
{
	static const uint8_t zeros[32];
	uint8_t sealed[32], text[16];

	assert_int_equal(bt_crypto_aead_seal(zeros, bt_bytes_of(NULL, 0), bt_bytes_of(NULL, 0), sealed), 0);
	assert_hex(sealed, 16, "530f8afbc74536b9a963b4f1c4cb738b");
	assert_int_equal(bt_crypto_aead_seal(zeros, bt_bytes_of(NULL, 0), bt_bytes_of(zeros, 16), sealed), 0);
	assert_hex(sealed, 32, "cea7403d4d606b6e074ec5d3baf39d18 d0d1c8a799996bf0265b98b5d48ab919");
	assert_int_equal(bt_crypto_aead_open(zeros, bt_bytes_of(NULL, 0), bt_bytes_of(sealed, 32), text), 0);
	assert_memory_equal(text, zeros, 16);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hashes),
	    cmocka_unit_test(hmacs),
	    cmocka_unit_test(blocks),
	    cmocka_unit_test(chaining),
	    cmocka_unit_test(galois_counter_mode),
	};

	return RUN_ON_BOTH_PATHS(tests);
}
