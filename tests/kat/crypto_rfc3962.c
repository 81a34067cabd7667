/*
 * RFC 3962 appendix B: CBC with ciphertext stealing. The RFC has no vectors of usage keys, checksums and whole messages; those
 * below were made by an independent program and are taken by MIT krb5 1.20.
 */
#include "crypto_vector.h"

#include "crypto/crypto.h"
#include "crypto/cts.h"
#include "crypto/derive.h"

#define KEY_128 "3705d96080c17728a0e800eab6e0d23c"
#define KEY_256 "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52"

static void
ciphertext_stealing(void **state)
{
	/* "I would like the General Gau's Chicken, please, and wonton soup." under the key "chicken teriyaki". */
	static const char text[] = "I would like the General Gau's Chicken, please, and wonton soup.";
	static const struct {
		size_t len;
		const char *out;
	} vectors[] = {
	    {17, "c6353568f2bf8cb4d8a580362da7ff7f 97"},
	    {31, "fc00783e0efdb2c1d445d4c8eff7ed22 97687268d6ecccc0c07b25e25ecfe5"},
	    {32, "39312523a78662d5be7fcbcc98ebf5a8 97687268d6ecccc0c07b25e25ecfe584"},
	    {47, "97687268d6ecccc0c07b25e25ecfe584 b3fffd940c16a18c1b5549d2f838029e 39312523a78662d5be7fcbcc98ebf5"},
	    {48, "97687268d6ecccc0c07b25e25ecfe584 9dad8bbb96c4cdc03bc103e1a194bbd8 39312523a78662d5be7fcbcc98ebf5a8"},
	    {64, "97687268d6ecccc0c07b25e25ecfe584 39312523a78662d5be7fcbcc98ebf5a8 4807efe836ee89a526730dbc2f7bc840"
		 "9dad8bbb96c4cdc03bc103e1a194bbd8"},
	};
	struct bt_crypto_aes encrypting, decrypting;
	struct bt_crypto_cbc cbc;

	bt_crypto_aes_init(&encrypting, (const uint8_t *)"chicken teriyaki", 16, true);
	bt_crypto_aes_init(&decrypting, (const uint8_t *)"chicken teriyaki", 16, false);
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		uint8_t cipher[64], plain[64];
		struct bt_crypto_seg there = {(const uint8_t *)text, cipher, vectors[i].len};
		struct bt_crypto_seg back = {cipher, plain, vectors[i].len};

		bt_crypto_cbc_begin(&cbc, &encrypting);
		bt_crypto_cts_encrypt(&cbc, bt_crypto_walk_of(&there, 1, NULL), bt_crypto_walk_of(&there, 1, NULL),
				      vectors[i].len);
		assert_hex(cipher, vectors[i].len, vectors[i].out);
		bt_crypto_cbc_end(&cbc);
		bt_crypto_cbc_begin(&cbc, &decrypting);
		bt_crypto_cts_decrypt(&cbc, bt_crypto_walk_of(&back, 1, NULL), bt_crypto_walk_of(&back, 1, NULL),
				      vectors[i].len);
		bt_crypto_cbc_end(&cbc);
		assert_memory_equal(plain, text, vectors[i].len);
	}
}

static void
usage_keys(void **state)
{
	static const struct {
		int32_t enctype;
		const char *base;
		uint32_t usage;
		enum bt_crypto_kind kind;
		const char *out;
	} vectors[] = {
	    {17, "42263c6e89f4fc28b8df68ee09799f15", 2, BT_CRYPTO_KC, "34280a382bc92769b2da2f9ef066854b"},
	    {17, "42263c6e89f4fc28b8df68ee09799f15", 2, BT_CRYPTO_KE, "5b14fc4e250e14ddf9dccf1af6674f53"},
	    {17, "42263c6e89f4fc28b8df68ee09799f15", 2, BT_CRYPTO_KI, "4ed31063621684f09ae8d89991af3e8f"},
	    {18, "fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161", 2, BT_CRYPTO_KC,
	     "bfab388bdcb238e9f9c98d6a878304f04d30c82556375ac507a7a852790f4674"},
	    {18, "fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161", 2, BT_CRYPTO_KE,
	     "c7cfd9cd75fe793a586a542d87e0d1396f1134a104bb1a9190b8c90ada3ddf37"},
	    {18, "fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161", 2, BT_CRYPTO_KI,
	     "97151b4c76945063e2eb0529dc067d97d7bba90776d8126d91f34f3101aea8ba"},
	    {17, KEY_128, 24, BT_CRYPTO_KE, "9d7cc32eb1bac3203c5ac0b1f0a25b89"},
	    {17, KEY_128, 24, BT_CRYPTO_KI, "0f87dccc7e009e6c36dd01c4b12a21d6"},
	    {17, KEY_128, 24, BT_CRYPTO_KC, "b15e10ebf64da5f57e641b39cbb4b6f6"},
	    {17, KEY_128, 25, BT_CRYPTO_KC, "c30ccb0fca5609280b313c39035e4768"},
	    {18, KEY_256, 24, BT_CRYPTO_KE, "093c1336e5bc1f31dadac981bbd3571173c539df21d27c040dddc6fbc94fdef3"},
	    {18, KEY_256, 24, BT_CRYPTO_KI, "987fe4b1340257c997456cd4bd954c4f447a8cf97c75e38664f0d3fa7c531ddb"},
	    {18, KEY_256, 24, BT_CRYPTO_KC, "c326d675b14595720ba5cdbf983d5db85c86d9acbebaa12e432f5723aca4cc99"},
	    {18, KEY_256, 25, BT_CRYPTO_KC, "a2e326d9aff4d7a5517b8edc1e1a623eb78609dd96dcde5d3e116209d0a2599c"},
	};

	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		const struct bt_crypto_enctype *et = bt_crypto_enctype_of(vectors[i].enctype);
		uint8_t base[BT_CRYPTO_KEY_MAX], key[BT_CRYPTO_KEY_MAX];
		struct bt_crypto_source source;

		assert_int_equal(hex_to(vectors[i].base, base), et->key_len);
		bt_crypto_source_init(&source, bt_crypto_profile_of(et), base);
		bt_crypto_derive_usage(&source, vectors[i].usage, vectors[i].kind, key);
		assert_hex(key, et->key_len, vectors[i].out);
		bt_crypto_source_done(&source);
	}
}

/* What RFC 4121 §4.2.4 encrypts, from confounder to the header's copy, for "hello, RFC 4121!!". */
static void
messages(void **state)
{
	static const char plain[] = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf 68656c6c6f2c20524643203431323121 21 "
				    "050402ff000000000000000012345678";
	static const struct {
		int32_t enctype;
		const char *base;
		const char *out;
	} vectors[] = {
	    {17, KEY_128,
	     "8dac4a2c48232338266f7e35b225e12d910d0f1b2544d1aa756cb4447cd9253f4a241813813becf6800e6c9e833499cf3f"
	     "80096fe8cfecc6eff98d447b"},
	    {18, KEY_256,
	     "43c69a0237633b86ea297a7c9fdb9de975eebf9a7cb477618b1e58e31ab95217d0d49d7d6ffd914c0466e5a899312d1393"
	     "6734252902601ec6dba879e5"},
	};

	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		const struct bt_crypto_enctype *et = bt_crypto_enctype_of(vectors[i].enctype);
		struct bt_crypto_seal_key *seal, *open;
		uint8_t base[BT_CRYPTO_KEY_MAX], text[64], sealed[96], opened[64];
		size_t len = hex_to(plain, text);
		struct bt_crypto_seg there = {text, sealed, len}, back = {sealed, opened, len};

		hex_to(vectors[i].base, base);
		assert_int_equal(bt_crypto_seal_key_new(et, base, 24, true, &seal), 0);
		assert_int_equal(bt_crypto_seal_key_new(et, base, 24, false, &open), 0);
		bt_crypto_encrypt(seal, &there, 1, sealed + len);
		assert_hex(sealed, len + et->mac_len, vectors[i].out);
		assert_int_equal(bt_crypto_decrypt(open, &back, 1, sealed + len), 0);
		assert_memory_equal(opened, text, len);
		bt_crypto_seal_key_free(seal);
		bt_crypto_seal_key_free(open);
	}
}

/* MIC tokens of RFC 4121 §4.2.4: the text, then the token's header, under usage 25. */
static void
checksums(void **state)
{
	static const struct {
		int32_t enctype;
		const char *base;
		const char *out;
	} vectors[] = {{17, KEY_128, "5b7197f9d824d1e7b885fc6e"}, {18, KEY_256, "4e8f225a46c176f69dd7e75a"}};
	uint8_t header[16], base[BT_CRYPTO_KEY_MAX], mac[BT_CRYPTO_MAC_MAX];
	const struct bt_crypto_seg segs[] = {{(const uint8_t *)"hello, RFC 4121!!", NULL, 17}, {header, NULL, 16}};

	hex_to("040400ffffffffff0000000012345678", header);
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		const struct bt_crypto_enctype *et = bt_crypto_enctype_of(vectors[i].enctype);
		struct bt_crypto_mac_key *key;

		hex_to(vectors[i].base, base);
		assert_int_equal(bt_crypto_mac_key_new(et, base, 25, &key), 0);
		bt_crypto_mac(key, segs, 2, mac);
		assert_hex(mac, et->mac_len, vectors[i].out);
		assert_int_equal(bt_crypto_mac_check(key, segs, 2, mac), 0);
		bt_crypto_mac_key_free(key);
	}
}

static void
pseudo_random(void **state)
{
	uint8_t base[BT_CRYPTO_KEY_MAX], out[BT_CRYPTO_PRF_MAX];

	hex_to(KEY_128, base);
	assert_int_equal(bt_crypto_prf(bt_crypto_enctype_of(17), base, bt_bytes_of_str("test"), out), 0);
	assert_hex(out, 16, "ba7cc7a4844564fce9f5cbb58e83b72c");
	hex_to(KEY_256, base);
	assert_int_equal(bt_crypto_prf(bt_crypto_enctype_of(18), base, bt_bytes_of_str("test"), out), 0);
	assert_hex(out, 16, "708e66541dd711ba7465edb4de615c0e");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ciphertext_stealing), cmocka_unit_test(usage_keys),    cmocka_unit_test(messages),
	    cmocka_unit_test(checksums),	   cmocka_unit_test(pseudo_random),
	};

	return RUN_ON_BOTH_PATHS(tests);
}
