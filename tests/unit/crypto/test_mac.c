/* Checksums: the segments are one message; every bit counts; keys come and go. */
#include "support.h"

#include "base/err.h"
#include "crypto/derive.h"
#include "crypto/integrity.h"
#include "failing.h"

static const uint8_t base_key[BT_CRYPTO_KEY_MAX] = "a protocol key, whatever its lng";

static struct bt_crypto_mac_key *
key_of(int32_t enctype)
{
	struct bt_crypto_mac_key *key;

	assert_int_equal(bt_crypto_mac_key_new(bt_crypto_enctype_of(enctype), base_key, 25, &key), 0);
	return key;
}

static void
segments_are_one_message(void **state)
{
	uint8_t text[300], whole[BT_CRYPTO_MAC_MAX], cut[BT_CRYPTO_MAC_MAX];

	fill(text, sizeof text, 1);
	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		struct bt_crypto_mac_key *key = key_of(enctypes[i]);
		uint8_t mac_len = bt_crypto_enctype_of(enctypes[i])->mac_len;

		for (size_t len = 0; len <= sizeof text; len++)
			for (size_t at = 0; at <= len; at += 1 + at / 8) {
				struct bt_crypto_seg one = {text, NULL, len};
				/* The second has an output, which does not matter here. */
				struct bt_crypto_seg three[] = {{text, NULL, at}, {NULL, NULL, 0}, {text + at, cut, len - at}};

				bt_crypto_mac(key, &one, 1, whole);
				memset(cut, 0xee, sizeof cut);
				bt_crypto_mac(key, three, 3, cut);
				assert_memory_equal(cut, whole, mac_len);
				assert_true(has_only(cut + mac_len, sizeof cut - mac_len, 0xee));
			}
		bt_crypto_mac_key_free(key);
	}
}

static void
every_bit_counts(void **state)
{
	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		struct bt_crypto_mac_key *key = key_of(enctypes[i]);
		size_t mac_len = bt_crypto_enctype_of(enctypes[i])->mac_len;
		uint8_t token[40 + BT_CRYPTO_MAC_MAX];
		struct bt_crypto_seg seg = {token, NULL, 40};

		fill(token, 40, 1);
		bt_crypto_mac(key, &seg, 1, token + 40);
		for (size_t bit = 0; bit < (40 + mac_len) * 8; bit++) {
			token[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(bt_crypto_mac_check(key, &seg, 1, token + 40), BT_ERR_BAD_MIC);
			token[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_int_equal(bt_crypto_mac_check(key, &seg, 1, token + 40), 0);
		seg.len = 39;
		assert_int_equal(bt_crypto_mac_check(key, &seg, 1, token + 40), BT_ERR_BAD_MIC);
		bt_crypto_mac_key_free(key);
	}
}

static void
no_memory_is_told(void **state)
{
	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		struct bt_crypto_mac_key *key = (struct bt_crypto_mac_key *)&i;

		failing_at(1);
		assert_int_equal(bt_crypto_mac_key_new(bt_crypto_enctype_of(enctypes[i]), base_key, 25, &key), BT_ERR_NOMEM);
		assert_true(failing_happened());
		assert_null(key);
		failing_at(0);
	}
	bt_crypto_mac_key_free(NULL);
	assert_int_equal(failing_live(), 0);
}

/* The inner midstate, or the schedule, is what the key amounts to. */
static void
keys_are_wiped(void **state)
{
	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		const struct bt_crypto_profile *profile = bt_crypto_profile_of(bt_crypto_enctype_of(enctypes[i]));
		uint8_t kc[BT_CRYPTO_KEY_MAX];
		union bt_crypto_integrity integrity;
		struct bt_crypto_source source;
		struct bt_crypto_mac_key *key = key_of(enctypes[i]);

		bt_crypto_source_init(&source, profile, base_key);
		bt_crypto_derive_usage(&source, 25, BT_CRYPTO_KC, kc);
		bt_crypto_integrity_key(profile, kc, &integrity);
		failing_watch((const uint8_t *)&integrity, 16);
		assert_non_null(memmem(key, 64, &integrity, 16));
		bt_crypto_mac_key_free(key);
		assert_false(failing_spilled());
		failing_watch(NULL, 0);
	}
	assert_int_equal(failing_live(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(segments_are_one_message),
	    cmocka_unit_test(every_bit_counts),
	    cmocka_unit_test(no_memory_is_told),
	    cmocka_unit_test(keys_are_wiped),
	};

	return RUN_ON_BOTH_PATHS(tests);
}
