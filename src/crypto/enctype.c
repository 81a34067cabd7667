#include "crypto/enctype.h"

#include "crypto/cmac.h"

/* RFC 3962 §6-7, RFC 8009 §5, RFC 6803 §7, RFC 3961 §6.3, RFC 4757 §4. */
static const struct bt_crypto_profile profiles[] = {
    {{BT_CRYPTO_DES3_CBC_SHA1, "des3-cbc-sha1", 112, 24, 20, 16, true}, BT_CRYPTO_LEGACY, 0, NULL},
    {{17, "aes128-cts-hmac-sha1-96", 128, 16, 12, 16}, BT_CRYPTO_RFC3962, 16, &bt_crypto_sha1},
    {{18, "aes256-cts-hmac-sha1-96", 256, 32, 12, 16}, BT_CRYPTO_RFC3962, 32, &bt_crypto_sha1},
    {{19, "aes128-cts-hmac-sha256-128", 128, 16, 16, 32}, BT_CRYPTO_RFC8009, 16, &bt_crypto_sha256},
    {{20, "aes256-cts-hmac-sha384-192", 256, 32, 24, 48}, BT_CRYPTO_RFC8009, 24, &bt_crypto_sha384},
    {{BT_CRYPTO_ARCFOUR_HMAC, "arcfour-hmac", 64, 16, 8, 20, true}, BT_CRYPTO_LEGACY, 0, NULL},
    {{25, "camellia128-cts-cmac", 128, 16, 16, 16}, BT_CRYPTO_RFC6803, 16, &bt_crypto_camellia_cmac},
    {{26, "camellia256-cts-cmac", 256, 32, 16, 16}, BT_CRYPTO_RFC6803, 32, &bt_crypto_camellia_cmac},
};

const struct bt_crypto_enctype *
bt_crypto_enctype_of(int32_t number)
{
	for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
		if (profiles[i].row.number == number)
			return &profiles[i].row;
	return NULL;
}
