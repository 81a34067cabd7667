/* MIT's libk5crypto as the other side: each opens what the other seals; checksums and pseudo-random bytes agree. */
#include <krb5.h>

#include "support.h"

#include "base/err.h"

enum { MAX_LEN = 5000, NUM_ROUNDS = 300 };

static uint8_t text[MAX_LEN + 16], token[MAX_LEN + 64];

static krb5_data
data_of(void *ptr, size_t len)
{
	return (krb5_data){.length = (unsigned)len, .data = ptr};
}

static size_t
length_of_round(uint32_t round)
{
	uint32_t seed = round;

	return round < 100 ? round : next_number(&seed) % MAX_LEN;
}

static void
round_of(int32_t enctype, uint32_t round, uint8_t *base, krb5_keyblock *block)
{
	fill(base, BT_CRYPTO_KEY_MAX, round);
	/* DES keys have odd parity. */
	for (size_t i = 0; enctype == BT_CRYPTO_DES3_CBC_SHA1 && i < 24; i++)
		base[i] ^= !__builtin_parity(base[i]);
	fill(text, sizeof text, round + 1000);
	*block = (krb5_keyblock){.enctype = enctype, .length = bt_crypto_enctype_of(enctype)->key_len, .contents = base};
}

static void
it_opens_what_we_seal(void **state)
{
	for (size_t i = 0; i < NUM_ENCTYPES; i++)
		for (uint32_t round = 0; round < NUM_ROUNDS; round++) {
			const struct bt_crypto_enctype *et = bt_crypto_enctype_of(enctypes[i]);
			size_t len = length_of_round(round);
			uint8_t base[BT_CRYPTO_KEY_MAX], back[MAX_LEN + 64];
			struct bt_crypto_seg segs[] = {{text, token, 16}, {text + 16, token + 16, len}};
			struct bt_crypto_seal_key *key;
			krb5_data out = data_of(back, sizeof back);
			krb5_enc_data in = {.enctype = enctypes[i]};
			krb5_keyblock block;

			round_of(enctypes[i], round, base, &block);
			assert_int_equal(bt_crypto_seal_key_new(et, base, round, true, &key), 0);
			bt_crypto_encrypt(key, segs, 2, token + 16 + len);
			bt_crypto_seal_key_free(key);
			in.ciphertext = data_of(token, 16 + len + et->mac_len);
			assert_int_equal(krb5_c_decrypt(NULL, &block, (krb5_keyusage)round, NULL, &in, &out), 0);
			assert_int_equal(out.length, len);
			assert_memory_equal(back, text + 16, len);
		}
}

static void
we_open_what_it_seals(void **state)
{
	for (size_t i = 0; i < NUM_ENCTYPES; i++)
		for (uint32_t round = 0; round < NUM_ROUNDS; round++) {
			const struct bt_crypto_enctype *et = bt_crypto_enctype_of(enctypes[i]);
			size_t len = length_of_round(round);
			uint8_t base[BT_CRYPTO_KEY_MAX], confounder[16], back[MAX_LEN];
			struct bt_crypto_seg segs[] = {{token, confounder, 16}, {token + 16, back, len}};
			struct bt_crypto_seal_key *key;
			krb5_data in = data_of(text, len);
			krb5_enc_data out = {.ciphertext = data_of(token, sizeof token)};
			krb5_keyblock block;

			round_of(enctypes[i], round, base, &block);
			assert_int_equal(krb5_c_encrypt(NULL, &block, (krb5_keyusage)round, NULL, &in, &out), 0);
			assert_int_equal(out.ciphertext.length, 16 + len + et->mac_len);
			assert_int_equal(bt_crypto_seal_key_new(et, base, round, false, &key), 0);
			assert_int_equal(bt_crypto_decrypt(key, segs, 2, token + 16 + len), 0);
			bt_crypto_seal_key_free(key);
			assert_memory_equal(back, text, len);
		}
}

static void
checksums_agree(void **state)
{
	static const krb5_cksumtype types[] = {CKSUMTYPE_HMAC_SHA1_96_AES128,	 CKSUMTYPE_HMAC_SHA1_96_AES256,
					       CKSUMTYPE_HMAC_SHA256_128_AES128, CKSUMTYPE_HMAC_SHA384_192_AES256,
					       CKSUMTYPE_CMAC_CAMELLIA128,	 CKSUMTYPE_CMAC_CAMELLIA256};

	for (size_t i = 0; i < NUM_ENCTYPES; i++)
		for (uint32_t round = 0; round < NUM_ROUNDS; round++) {
			const struct bt_crypto_enctype *et = bt_crypto_enctype_of(enctypes[i]);
			size_t len = length_of_round(round);
			uint8_t base[BT_CRYPTO_KEY_MAX], mac[BT_CRYPTO_MAC_MAX];
			struct bt_crypto_seg segs[] = {{text, NULL, len / 3}, {text + len / 3, NULL, len - len / 3}};
			struct bt_crypto_mac_key *key;
			krb5_data in = data_of(text, len);
			krb5_keyblock block;
			krb5_checksum sum;

			round_of(enctypes[i], round, base, &block);
			assert_int_equal(krb5_c_make_checksum(NULL, types[i], &block, (krb5_keyusage)round, &in, &sum), 0);
			assert_int_equal(sum.length, et->mac_len);
			assert_int_equal(bt_crypto_mac_key_new(et, base, round, &key), 0);
			bt_crypto_mac(key, segs, 2, mac);
			assert_memory_equal(mac, sum.contents, et->mac_len);
			assert_int_equal(bt_crypto_mac_check(key, segs, 2, sum.contents), 0);
			bt_crypto_mac_key_free(key);
			krb5_free_checksum_contents(NULL, &sum);
		}
}

static void
pseudo_random_agrees(void **state)
{
	for (size_t i = 0; i < NUM_ENCTYPES; i++)
		for (uint32_t round = 0; round < NUM_ROUNDS; round++) {
			const struct bt_crypto_enctype *et = bt_crypto_enctype_of(enctypes[i]);
			uint8_t base[BT_CRYPTO_KEY_MAX], ours[BT_CRYPTO_PRF_MAX], its[BT_CRYPTO_PRF_MAX];
			krb5_data in = data_of(text, length_of_round(round)), out = data_of(its, et->prf_len);
			krb5_keyblock block;

			round_of(enctypes[i], round, base, &block);
			assert_int_equal(krb5_c_prf(NULL, &block, &in, &out), 0);
			assert_int_equal(bt_crypto_prf(et, base, bt_bytes_of(text, length_of_round(round)), ours), 0);
			assert_memory_equal(ours, its, et->prf_len);
		}
}

/* Of legacy enctypes: checksums, whose usage 23 is the Wrap token's; numbers and messages of DES3, which are bare CBC. */
static void
legacy_keys_agree(void **state)
{
	static const struct {
		int32_t enctype;
		krb5_cksumtype type;
		uint32_t mic_usage;
	} legacy[] = {{16, CKSUMTYPE_HMAC_SHA1_DES3, 23}, {23, CKSUMTYPE_HMAC_MD5_ARCFOUR, 15}};

	for (size_t i = 0; i < 2; i++)
		for (uint32_t round = 0; round < NUM_ROUNDS; round++) {
			const struct bt_crypto_enctype *et = bt_crypto_enctype_of(legacy[i].enctype);
			size_t len = length_of_round(round);
			uint8_t base[BT_CRYPTO_KEY_MAX], mac[BT_CRYPTO_MAC_MAX], ours[BT_CRYPTO_PRF_MAX],
			    its[BT_CRYPTO_PRF_MAX];
			struct bt_crypto_seg segs[] = {{text, NULL, len / 3}, {text + len / 3, NULL, len - len / 3}};
			struct bt_crypto_legacy_key *key;
			krb5_data in = data_of(text, len), out = data_of(its, et->prf_len);
			krb5_keyblock block;
			krb5_checksum sum;

			round_of(legacy[i].enctype, round, base, &block);
			assert_int_equal(bt_crypto_legacy_key_new(et, base, &key), 0);
			for (int is_mic = 0; is_mic < 2; is_mic++) {
				assert_int_equal(krb5_c_make_checksum(NULL, legacy[i].type, &block,
								      is_mic ? (krb5_keyusage)legacy[i].mic_usage : 23, &in,
								      &sum),
						 0);
				bt_crypto_legacy_sum(key, is_mic, segs, 2, mac);
				assert_memory_equal(mac, sum.contents, et->mac_len);
				krb5_free_checksum_contents(NULL, &sum);
			}
			assert_int_equal(krb5_c_prf(NULL, &block, &in, &out), 0);
			assert_int_equal(bt_crypto_prf(et, base, bt_bytes_of(text, len), ours), 0);
			assert_memory_equal(ours, its, et->prf_len);
			bt_crypto_legacy_key_free(key);
		}
}

/* In segments that end anywhere; and back. */
static void
legacy_messages_agree(void **state)
{
	static const int32_t numbers[] = {16, 23};

	for (size_t i = 0; i < 2; i++)
		for (uint32_t round = 0; round < NUM_ROUNDS; round++) {
			const struct bt_crypto_enctype *et = bt_crypto_enctype_of(numbers[i]);
			size_t len = (length_of_round(round) + 8) / 8 * 8, cut = round * 7 % len;
			uint8_t base[BT_CRYPTO_KEY_MAX], its[MAX_LEN + 64], aside[3] = "xy", before[8], number[8];
			struct bt_crypto_seg segs[] = {
			    {text, token, cut}, {aside, NULL, 3}, {text + cut, token + cut, len - cut}};
			struct bt_crypto_legacy_key *key;
			krb5_data in = data_of(text, len), iv = data_of(before, 8);
			krb5_enc_data out = {.ciphertext = data_of(its, sizeof its)};
			krb5_keyblock block;

			round_of(numbers[i], round, base, &block);
			assert_int_equal(bt_crypto_legacy_key_new(et, base, &key), 0);
			bt_crypto_legacy_crypt(key, true, round, segs, 3);
			block.enctype = ENCTYPE_DES3_CBC_RAW;
			if (numbers[i] == 16) {
				assert_int_equal(krb5_c_encrypt(NULL, &block, 0, NULL, &in, &out), 0);
				assert_memory_equal(token, its, len);
			}
			segs[0] = (struct bt_crypto_seg){token, token, len / 2};
			segs[1] = (struct bt_crypto_seg){token + len / 2, token + len / 2, len - len / 2};
			bt_crypto_legacy_crypt(key, false, round, segs, 2);
			assert_memory_equal(token, text, len);
			/* A number, with the beginning of the checksum before it. */
			fill(before, 8, round + 7);
			memcpy(number, text, 8);
			bt_crypto_legacy_number(key, true, before, number);
			if (numbers[i] == 16) {
				in.length = 8;
				out.ciphertext.length = sizeof its;
				assert_int_equal(krb5_c_encrypt(NULL, &block, 0, &iv, &in, &out), 0);
				assert_memory_equal(number, its, 8);
				fill(before, 8, round + 7);
			}
			assert_memory_not_equal(number, text, 8);
			bt_crypto_legacy_number(key, false, before, number);
			assert_memory_equal(number, text, 8);
			bt_crypto_legacy_key_free(key);
		}
}

/* The table says of each enctype what the other library says of it. */
static void
tables_agree(void **state)
{
	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		const struct bt_crypto_enctype *et = bt_crypto_enctype_of(enctypes[i]);
		size_t key_bytes, key_len, prf_len;
		krb5_enctype by_name;
		unsigned mac_len;

		assert_int_equal(et->number, enctypes[i]);
		assert_int_equal(krb5_c_keylengths(NULL, enctypes[i], &key_bytes, &key_len), 0);
		assert_int_equal(krb5_c_prf_length(NULL, enctypes[i], &prf_len), 0);
		assert_int_equal(krb5_c_crypto_length(NULL, enctypes[i], KRB5_CRYPTO_TYPE_TRAILER, &mac_len), 0);
		assert_int_equal(krb5_string_to_enctype((char *)et->name, &by_name), 0);
		assert_int_equal(by_name, enctypes[i]);
		assert_int_equal(et->key_len, key_len);
		assert_int_equal(et->prf_len, prf_len);
		assert_int_equal(et->mac_len, mac_len);
		assert_int_equal(et->strength, key_len * 8);
	}
	for (int32_t number = -200; number < 200; number++)
		if ((number < 16 || number > 20) && number != 23 && number != 25 && number != 26)
			assert_null(bt_crypto_enctype_of(number));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_opens_what_we_seal), cmocka_unit_test(we_open_what_it_seals),
	    cmocka_unit_test(checksums_agree),	     cmocka_unit_test(pseudo_random_agrees),
	    cmocka_unit_test(tables_agree),	     cmocka_unit_test(legacy_keys_agree),
	    cmocka_unit_test(legacy_messages_agree),
	};

	return RUN_ON_BOTH_PATHS(tests);
}
