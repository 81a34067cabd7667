/*
 * RFC 6803 §10: key derivation, encryption and checksums of enctypes 25 and 26; CMAC with
 * Camellia. The numbers are those of the
 * tests of MIT krb5 (src/lib/crypto/crypto_tests: t_derive.c, t_decrypt.c, t_cksums.c, t_cmac.c), from which the RFC took them.
 * The confounders are not published: what is published here is decrypted, then encrypted again.
 */
#include "crypto_vector.h"

#include "crypto/crypto.h"
#include "crypto/derive.h"

static void
usage_keys(void **state)
{
	static const char base_128[] = "57d0297298ffd9d35de5a47fb4bde24b";
	static const char base_256[] = "b9d6828b2056b7be656d88a123b1fac68214ac2b727ecf5f69afe0c4df2a6d2c";
	static const struct {
		int32_t enctype;
		const char *base;
		enum bt_crypto_kind kind;
		const char *out;
	} vectors[] = {
	    {25, base_128, BT_CRYPTO_KC, "d155775a209d05f02b38d42a389e5a56"},
	    {25, base_128, BT_CRYPTO_KE, "64df83f85a532f17577d8c37035796ab"},
	    {25, base_128, BT_CRYPTO_KI, "3e4fbdf30fb8259c425cb6c96f1f4635"},
	    {26, base_256, BT_CRYPTO_KC, "e467f9a9552bc7d3155a6220af9c19220eeed4ff78b0d1e6a1544991461a9e50"},
	    {26, base_256, BT_CRYPTO_KE, "412aefc362a7285fc3966c6a5181e7605ae675235b6d549fbfc9ab6630a4c604"},
	    {26, base_256, BT_CRYPTO_KI, "fa624fa0e523993fa388aefdc67e67ebcd8c08e8a0246b1d73b0d1dd9fc582b0"},
	};

	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		const struct bt_crypto_profile *profile = bt_crypto_profile_of(bt_crypto_enctype_of(vectors[i].enctype));
		uint8_t base[BT_CRYPTO_KEY_MAX], key[BT_CRYPTO_KEY_MAX];
		struct bt_crypto_source source;

		hex_to(vectors[i].base, base);
		bt_crypto_source_init(&source, profile, base);
		bt_crypto_derive_usage(&source, 2, vectors[i].kind, key);
		assert_hex(key, profile->row.key_len, vectors[i].out);
		bt_crypto_source_done(&source);
	}
}

static void
messages(void **state)
{
	static const struct {
		int32_t enctype;
		uint32_t usage;
		const char *base;
		const char *plain;
		const char *sealed;
	} vectors[] = {
	    {25, 0, "1dc46a8d763f4f93742bcba3387576c3", "", "c466f1871069921edb7c6fde244a52db0ba10edc197bdb8006658ca3ccce6eb8"},
	    {25, 1, "5027bc231d0f3a9d23333f1ca6fdbe7c", "1",
	     "842d21fd950311c0dd464a3f4be8d6da88a56d559c9b47d3f9a85067af661559b8"},
	    {25, 2, "a1bb61e805f9ba6dde8fdbddc05cdea0", "9 bytesss",
	     "619ff072e36286ff0a28deb3a352ec0d0edf5c5160d663c901758ccf9d1ed33d71db8f23aabf8348a0"},
	    {25, 3, "2ca27a5faf5532244506434e1cef6676", "13 bytes byte",
	     "b8eca3167ae6315512e59f98a7c500205e5f63ff3bb389af1c41a21d640d8615c9ed3fbeb05ab6acb67689b5ea"},
	    {25, 4, "7824f8c16f83ff354c6bf7515b973f43", "30 bytes bytes bytes bytes byt",
	     "a26a3905a4ffd5816b7b1e27380d08090c8ec1f304496e1abdcd2bdcd1dffc660989e117a713ddbb57a4146c1587cba4356665591d2240"
	     "282f5842b105a5"},
	    {26, 0, "b61c86cc4e5d2757545ad423399fb7031ecab913cbb900bd7a3c6dd8bf92015b", "",
	     "03886d03310b47a6d8f06d7b94d1dd837ecce315ef652aff620859d94a259266"},
	    {26, 1, "1b97fe0a190e2021eb30753e1b6e1e77b0754b1d684610355864104963463833", "1",
	     "2c9c1570133c99bf6a34bc1b0212002fd194338749db4135497a347cfcd9d18a12"},
	    {26, 2, "32164c5b434d1d1538e4cfd9be8040fe8c4ac7acc4b93d3314d2133668147a05", "9 bytesss",
	     "9c6de75f812de7ed0d28b2963557a115640998275b0af5152709913ff52a2a9c8e63b872f92e64c839"},
	    {26, 3, "b038b132cd8e06612267fab7170066d88aeccba0b744bfc60dc89bca182d0715", "13 bytes byte",
	     "eeec85a9813cdc536772ab9b42defc5706f726e975dde05a87eb5406ea324ca185c9986b42aabe794b84821bee"},
	    {26, 4, "ccfcd349bf4c6677e86e4b02b8eab924a546ac731cf9bf6989b996e7d6bfbba7", "30 bytes bytes bytes bytes byt",
	     "0e44680985855f2d1f1812529ca83bfd8e349de6fd9ada0baaa048d68e265febf34ad1255a344999ad37146887a6c6845731ac7f46376a"
	     "0504cd06571474"},
	};

	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		const struct bt_crypto_enctype *et = bt_crypto_enctype_of(vectors[i].enctype);
		size_t text_len = strlen(vectors[i].plain), len = BT_CRYPTO_BLOCK_LEN + text_len;
		struct bt_crypto_seal_key *seal, *open;
		uint8_t base[BT_CRYPTO_KEY_MAX], sealed[96], opened[64], again[96];
		struct bt_crypto_seg back = {sealed, opened, len}, there = {opened, again, len};

		hex_to(vectors[i].base, base);
		assert_int_equal(hex_to(vectors[i].sealed, sealed), len + et->mac_len);
		assert_int_equal(bt_crypto_seal_key_new(et, base, vectors[i].usage, true, &seal), 0);
		assert_int_equal(bt_crypto_seal_key_new(et, base, vectors[i].usage, false, &open), 0);
		assert_int_equal(bt_crypto_decrypt(open, &back, 1, sealed + len), 0);
		assert_memory_equal(opened + BT_CRYPTO_BLOCK_LEN, vectors[i].plain, text_len);
		bt_crypto_encrypt(seal, &there, 1, again + len);
		assert_memory_equal(again, sealed, len + et->mac_len);
		bt_crypto_seal_key_free(seal);
		bt_crypto_seal_key_free(open);
	}
}

static void
checksums(void **state)
{
	static const struct {
		int32_t enctype;
		uint32_t usage;
		const char *base;
		const char *text;
		const char *out;
	} vectors[] = {
	    {25, 7, "1dc46a8d763f4f93742bcba3387576c3", "abcdefghijk", "1178e6c5c47a8c1ae0c4b9c7d4eb7b6b"},
	    {25, 8, "5027bc231d0f3a9d23333f1ca6fdbe7c", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "d1b34f7004a731f23a0c00bf6c3f753a"},
	    {26, 9, "b61c86cc4e5d2757545ad423399fb7031ecab913cbb900bd7a3c6dd8bf92015b", "123456789",
	     "87a12cfd2b96214810f01c826e7744b1"},
	    {26, 10, "32164c5b434d1d1538e4cfd9be8040fe8c4ac7acc4b93d3314d2133668147a05", "!@#$%^&*()!@#$%^&*()!@#$%^&*()",
	     "3fa0b42355e52b189187294aa252ab64"},
	};

	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		const struct bt_crypto_enctype *et = bt_crypto_enctype_of(vectors[i].enctype);
		const struct bt_crypto_seg seg = {(const uint8_t *)vectors[i].text, NULL, strlen(vectors[i].text)};
		uint8_t base[BT_CRYPTO_KEY_MAX], mac[BT_CRYPTO_MAC_MAX];
		struct bt_crypto_mac_key *key;

		hex_to(vectors[i].base, base);
		assert_int_equal(bt_crypto_mac_key_new(et, base, vectors[i].usage, &key), 0);
		bt_crypto_mac(key, &seg, 1, mac);
		assert_hex(mac, et->mac_len, vectors[i].out);
		assert_int_equal(bt_crypto_mac_check(key, &seg, 1, mac), 0);
		bt_crypto_mac_key_free(key);
	}
}

/* The messages of RFC 4493 §4, which end with and without padding, however they come. */
static void
cmac_in_pieces(void **state)
{
	static const struct {
		size_t len;
		const char *out;
	} vectors[] = {
	    {0, "ba925782aaa1f5d9a00f89648094fc71"},
	    {16, "6d962854a3b9fda56d7d45a95ee17993"},
	    {40, "5c18d119ccd6766144ac1866131d9f22"},
	    {64, "c2699a6eba55ce9d939a8a4e19466ee9"},
	};
	uint8_t key[16], text[64], mac[BT_CRYPTO_BLOCK_LEN];
	struct bt_crypto_digest digest;
	struct bt_crypto_cmac cmac;

	hex_to("2b7e151628aed2a6abf7158809cf4f3c", key);
	hex_to("6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51 30c81c46a35ce411e5fbc1191a0a52ef"
	       "f69f2445df4f9b17ad2b417be66c3710",
	       text);
	bt_crypto_cmac_key(&cmac, key, sizeof key);
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
		for (size_t at = 0; at <= vectors[i].len; at++) {
			bt_crypto_cmac_begin(&digest, &cmac);
			bt_crypto_digest_update(&digest, text, at);
			bt_crypto_digest_update(&digest, text + at, vectors[i].len - at);
			bt_crypto_cmac_end(&digest, &cmac, mac);
			assert_hex(mac, sizeof mac, vectors[i].out);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(usage_keys),
	    cmocka_unit_test(messages),
	    cmocka_unit_test(checksums),
	    cmocka_unit_test(cmac_in_pieces),
	};

	return RUN_ON_BOTH_PATHS(tests);
}
