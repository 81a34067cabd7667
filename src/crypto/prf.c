#include "base/mem.h"
#include "crypto/derive.h"
#include "crypto/legacy.h"

/* RFC 3962 §4, after RFC 3961 §5.3: the hash of the input, cut to whole blocks, encrypted under DK(key, "prf"). */
static void
prf_3962(const struct bt_crypto_source *source, struct bt_bytes input, uint8_t *out)
{
	const struct bt_crypto_profile *profile = source->profile;
	uint8_t hashed[BT_CRYPTO_STATE_MAX], key[BT_CRYPTO_KEY_MAX];
	struct bt_crypto_digest digest;
	struct bt_crypto_aes aes;
	struct bt_crypto_cbc cbc;

	bt_crypto_digest_init(&digest, profile->hash, profile->hash->initial.bytes, 0);
	bt_crypto_digest_update(&digest, input.ptr, input.len);
	bt_crypto_digest_final(&digest, hashed);
	bt_crypto_derive_dk(source, bt_bytes_of_str("prf"), key);
	bt_crypto_aes_init(&aes, key, profile->row.key_len, true);
	bt_crypto_cbc_begin(&cbc, &aes);
	bt_crypto_cbc_crypt(&cbc, hashed, out, profile->row.prf_len);
	bt_crypto_cbc_end(&cbc);
	bt_mem_wipe(&digest, sizeof digest);
	bt_mem_wipe(&cbc, sizeof cbc);
	bt_mem_wipe(&aes, sizeof aes);
	bt_mem_wipe(key, sizeof key);
	bt_mem_wipe(hashed, sizeof hashed);
}

/* RFC 6803 §6: CMAC of the input under the key derived with "prf". */
static void
prf_6803(const struct bt_crypto_source *source, struct bt_bytes input, uint8_t *out)
{
	struct bt_crypto_digest digest;
	struct bt_crypto_cmac cmac;
	uint8_t key[BT_CRYPTO_KEY_MAX];

	bt_crypto_derive_feedback(source, bt_bytes_of_str("prf"), key);
	bt_crypto_cmac_key(&cmac, key, source->profile->row.key_len);
	bt_crypto_cmac_begin(&digest, &cmac);
	bt_crypto_digest_update(&digest, input.ptr, input.len);
	bt_crypto_cmac_end(&digest, &cmac, out);
	bt_mem_wipe(&cmac, sizeof cmac);
	bt_mem_wipe(key, sizeof key);
}

int
bt_crypto_prf(const struct bt_crypto_enctype *et, const uint8_t *base, struct bt_bytes input, uint8_t *out)
{
	struct bt_crypto_source source;

	if (et->is_legacy) {
		bt_crypto_legacy_prf(bt_crypto_profile_of(et), base, input, out);
		return 0;
	}
	bt_crypto_source_init(&source, bt_crypto_profile_of(et), base);
	if (source.profile->family == BT_CRYPTO_RFC3962)
		prf_3962(&source, input, out);
	else if (source.profile->family == BT_CRYPTO_RFC6803)
		prf_6803(&source, input, out);
	else /* RFC 8009 §5: the KDF, with the input as its context. */
		bt_crypto_derive_sp800(&source, bt_bytes_of_str("prf"), input, out, et->prf_len);
	bt_crypto_source_done(&source);
	return 0;
}
