/* RFC 8009 appendix A: key derivation, encryption, checksums and the pseudo-random function of enctypes 19 and 20. */
#include "crypto_vector.h"

#include "crypto/crypto.h"
#include "crypto/derive.h"

#define KEY_128 "3705d96080c17728a0e800eab6e0d23c"
#define KEY_256 "6d404d37faf79f9df0d33568d320669800eb4836472ea8a026d16b7182460c52"

enum { USAGE = 2 }; /* of all vectors */

static const char *
base_of(int32_t enctype)
{
	return enctype == 19 ? KEY_128 : KEY_256;
}

static void
usage_keys(void **state)
{
	static const struct {
		int32_t enctype;
		enum bt_crypto_kind kind;
		const char *out;
	} vectors[] = {
	    {19, BT_CRYPTO_KC, "b31a018a48f54776f403e9a396325dc3"},
	    {19, BT_CRYPTO_KE, "9b197dd1e8c5609d6e67c3e37c62c72e"},
	    {19, BT_CRYPTO_KI, "9fda0e56ab2d85e1569a688696c26a6c"},
	    {20, BT_CRYPTO_KC, "ef5718be86cc84963d8bbb5031e9f5c4ba41f28faf69e73d"},
	    {20, BT_CRYPTO_KE, "56ab22bee63d82d7bc5227f6773f8ea7a5eb1c825160c38312980c442e5c7e49"},
	    {20, BT_CRYPTO_KI, "69b16514e3cd8e56b82010d5c73012b622c4d00ffc23ed1f"},
	};

	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		const struct bt_crypto_profile *profile = bt_crypto_profile_of(bt_crypto_enctype_of(vectors[i].enctype));
		size_t len = vectors[i].kind == BT_CRYPTO_KE ? profile->row.key_len : profile->mac_key_len;
		uint8_t base[BT_CRYPTO_KEY_MAX], key[BT_CRYPTO_KEY_MAX];
		struct bt_crypto_source source;

		hex_to(base_of(vectors[i].enctype), base);
		bt_crypto_source_init(&source, profile, base);
		bt_crypto_derive_usage(&source, USAGE, vectors[i].kind, key);
		assert_hex(key, len, vectors[i].out);
		bt_crypto_source_done(&source);
	}
}

static void
messages(void **state)
{
	static const struct {
		int32_t enctype;
		const char *confounder;
		const char *plain;
		const char *out;
	} vectors[] = {
	    {19, "7e5895eaf2672435bad817f545a37148", "", "ef85fb890bb8472f4dab20394dca781dad877eda39d50c870c0d5a0a8e48c718"},
	    {19, "7bca285e2fd4130fb55b1a5c83bc5b24", "000102030405",
	     "84d7f30754ed987bab0bf3506beb09cfb55402cef7e6877ce99e247e52d16ed4421dfdf8976c"},
	    {19, "56ab21713ff62c0a1457200f6fa9948f", "000102030405060708090a0b0c0d0e0f",
	     "3517d640f50ddc8ad3628722b3569d2ae07493fa8263254080ea65c1008e8fc295fb4852e7d83e1e7c48c37eebe6b0d3"},
	    {19, "a7a4e29a4728ce10664fb64e49ad3fac", "000102030405060708090a0b0c0d0e0f1011121314",
	     "720f73b18d9859cd6ccb4346115cd336c70f58edc0c4437c5573544c31c813bce1e6d072c186b39a413c2f92ca9b8334a287ffcbfc"},
	    {20, "f764e9fa15c276478b2c7d0c4e5f58e4", "",
	     "41f53fa5bfe7026d91faf9be959195a058707273a96a40f0a01960621ac612748b9bbfbe7eb4ce3c"},
	    {20, "b80d3251c1f6471494256ffe712d0b9a", "000102030405",
	     "4ed7b37c2bcac8f74f23c1cf07e62bc7b75fb3f637b9f559c7f664f69eab7b6092237526ea0d1f61cb20d69d10f2"},
	    {20, "53bf8a0d105265d4e276428624ce5e63", "000102030405060708090a0b0c0d0e0f",
	     "bc47ffec7998eb91e8115cf8d19dac4bbbe2e163e87dd37f49beca92027764f68cf51f14d798c2273f35df574d1f932e40c4ff255b"
	     "36a266"},
	    {20, "763e65367e864f02f55153c7e3b58af1", "000102030405060708090a0b0c0d0e0f1011121314",
	     "40013e2df58e8751957d2878bcd2d6fe101ccfd556cb1eae79db3c3ee86429f2b2a602ac86fef6ecb647d6295fae077a1feb517508"
	     "d2c16b4192e01f62"},
	};

	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		const struct bt_crypto_enctype *et = bt_crypto_enctype_of(vectors[i].enctype);
		struct bt_crypto_seal_key *seal, *open;
		uint8_t base[BT_CRYPTO_KEY_MAX], text[64], sealed[96], opened[64];
		size_t len = hex_to(vectors[i].confounder, text);
		struct bt_crypto_seg there, back;

		len += hex_to(vectors[i].plain, text + len);
		there = (struct bt_crypto_seg){text, sealed, len};
		back = (struct bt_crypto_seg){sealed, opened, len};
		hex_to(base_of(vectors[i].enctype), base);
		assert_int_equal(bt_crypto_seal_key_new(et, base, USAGE, true, &seal), 0);
		assert_int_equal(bt_crypto_seal_key_new(et, base, USAGE, false, &open), 0);
		bt_crypto_encrypt(seal, &there, 1, sealed + len);
		assert_hex(sealed, len + et->mac_len, vectors[i].out);
		assert_int_equal(bt_crypto_decrypt(open, &back, 1, sealed + len), 0);
		assert_memory_equal(opened, text, len);
		bt_crypto_seal_key_free(seal);
		bt_crypto_seal_key_free(open);
	}
}

static void
checksums(void **state)
{
	static const struct {
		int32_t enctype;
		const char *out;
	} vectors[] = {
	    {19, "d78367186643d67b411cba9139fc1dee"},
	    {20, "45ee791567eefca37f4ac1e0222de80d43c3bfa06699672a"},
	};
	uint8_t data[21], base[BT_CRYPTO_KEY_MAX], mac[BT_CRYPTO_MAC_MAX];
	const struct bt_crypto_seg seg = {data, NULL, sizeof data};

	hex_to("000102030405060708090a0b0c0d0e0f1011121314", data);
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		const struct bt_crypto_enctype *et = bt_crypto_enctype_of(vectors[i].enctype);
		struct bt_crypto_mac_key *key;

		hex_to(base_of(vectors[i].enctype), base);
		assert_int_equal(bt_crypto_mac_key_new(et, base, USAGE, &key), 0);
		bt_crypto_mac(key, &seg, 1, mac);
		assert_hex(mac, et->mac_len, vectors[i].out);
		assert_int_equal(bt_crypto_mac_check(key, &seg, 1, mac), 0);
		bt_crypto_mac_key_free(key);
	}
}

static void
pseudo_random(void **state)
{
	uint8_t base[BT_CRYPTO_KEY_MAX], out[BT_CRYPTO_PRF_MAX];

	hex_to(KEY_128, base);
	assert_int_equal(bt_crypto_prf(bt_crypto_enctype_of(19), base, bt_bytes_of_str("test"), out), 0);
	assert_hex(out, 32, "9d188616f63852fe86915bb840b4a886ff3e6bb0f819b49b893393d393854295");
	hex_to(KEY_256, base);
	assert_int_equal(bt_crypto_prf(bt_crypto_enctype_of(20), base, bt_bytes_of_str("test"), out), 0);
	assert_hex(out, 48, "9801f69a368c2bf675e59521e177d9a07f67efe1cfde8d3c8d6f6a0256e3b17db3c1b62ad1b8553360d17367eb1514d2");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(usage_keys),
	    cmocka_unit_test(messages),
	    cmocka_unit_test(checksums),
	    cmocka_unit_test(pseudo_random),
	};

	return RUN_ON_BOTH_PATHS(tests);
}
