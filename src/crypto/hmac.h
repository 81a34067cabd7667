/*
 * hmac - RFC 2104 from midstates: the hash after the padded key, for the inner and the outer hash, made once a key.
 */
#ifndef BT_CRYPTO_HMAC_H
#define BT_CRYPTO_HMAC_H

#include "crypto/hash.h"

/* Bytes of the two midstates of one key: the inner, then the outer. Secret like the key itself. */
enum { BT_CRYPTO_MIDSTATES_MAX = 2 * BT_CRYPTO_STATE_MAX };

static inline size_t
bt_crypto_midstates_len(const struct bt_crypto_hash *hash)
{
	return 2 * (size_t)hash->state_len;
}

/* bt_crypto_hmac_key - midstates of a key of at most hash->block_len bytes. */
void bt_crypto_hmac_key(const struct bt_crypto_hash *hash, const uint8_t *key, size_t key_len, uint8_t *midstates);

/* bt_crypto_hmac_begin, then bt_crypto_digest_update as often as needed, then bt_crypto_hmac_end, which wipes the digest. */
void bt_crypto_hmac_begin(struct bt_crypto_digest *digest, const struct bt_crypto_hash *hash, const uint8_t *midstates);

/*   mac  the first mac_len bytes of the MAC, at most hash->digest_len */
void bt_crypto_hmac_end(struct bt_crypto_digest *digest, const uint8_t *midstates, uint8_t *mac, size_t mac_len);

#endif
