/* Hashes: every length, in pieces, against libcrypto's one-shot. */
#include <openssl/evp.h>

#include "support.h"

#include "crypto/hmac.h"

static const struct {
	const struct bt_crypto_hash *hash;
	const char *name;
} hashes[] = {{&bt_crypto_sha1, "SHA1"}, {&bt_crypto_sha256, "SHA256"}, {&bt_crypto_sha384, "SHA384"}};

enum { LONGEST = 700 };

static void
every_length_in_pieces(void **state)
{
	uint8_t text[LONGEST], got[BT_CRYPTO_STATE_MAX], want[EVP_MAX_MD_SIZE];
	uint32_t seed = 3;

	fill(text, sizeof text, 1);
	for (size_t h = 0; h < 3; h++)
		for (size_t len = 0; len <= LONGEST; len++) {
			struct bt_crypto_digest digest;

			assert_int_equal(EVP_Q_digest(NULL, hashes[h].name, NULL, text, len, want, NULL), 1);
			bt_crypto_digest_init(&digest, hashes[h].hash, hashes[h].hash->initial.bytes, 0);
			for (size_t at = 0; at < len;) {
				size_t piece = next_number(&seed) % (len < 20 ? 5 : len / 2);

				piece = piece < len - at ? piece : len - at;
				bt_crypto_digest_update(&digest, text + at, piece);
				at += piece;
				assert_int_equal((at + bt_crypto_digest_room(&digest)) % hashes[h].hash->block_len, 0);
			}
			bt_crypto_digest_final(&digest, got);
			assert_memory_equal(got, want, hashes[h].hash->digest_len);
		}
}

static void
hmac_of_every_key_length(void **state)
{
	uint8_t key[128], text[100], midstates[BT_CRYPTO_MIDSTATES_MAX], got[BT_CRYPTO_DIGEST_MAX], want[EVP_MAX_MD_SIZE];
	size_t want_len;

	fill(key, sizeof key, 1);
	fill(text, sizeof text, 2);
	for (size_t h = 0; h < 3; h++)
		for (size_t len = 1; len <= hashes[h].hash->block_len; len++) {
			struct bt_crypto_digest digest;

			assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, hashes[h].name, NULL, key, len, text, len % 100, want,
						  sizeof want, &want_len));
			bt_crypto_hmac_key(hashes[h].hash, key, len, midstates);
			bt_crypto_hmac_begin(&digest, hashes[h].hash, midstates);
			bt_crypto_digest_update(&digest, text, len % 100);
			bt_crypto_hmac_end(&digest, midstates, got, want_len);
			assert_memory_equal(got, want, want_len);
			assert_true(has_only((const uint8_t *)&digest, sizeof digest, 0));
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_length_in_pieces),
					   cmocka_unit_test(hmac_of_every_key_length)};

	return RUN_ON_BOTH_PATHS(tests);
}
