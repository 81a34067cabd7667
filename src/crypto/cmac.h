/*
 * cmac - CMAC with Camellia. NIST SP 800-38B, as RFC 6803 uses it.
 *
 * A MAC in progress is a struct bt_crypto_digest, so that it goes wherever a hash goes: its chaining value is the last block
 * taken in and not yet encrypted, which bt_crypto_cmac_end may still have to alter.
 */
#ifndef BT_CRYPTO_CMAC_H
#define BT_CRYPTO_CMAC_H

#include "crypto/camellia.h"
#include "crypto/hash.h"

/* A key; caller's storage, immutable once made, and in place as long as a MAC with it is in progress. */
struct bt_crypto_cmac {
	struct bt_crypto_camellia cipher;
	uint8_t subkey[2][BT_CRYPTO_BLOCK_LEN]; /* K1 and K2: for a last block that is whole, and for one that was padded */
};

/* What stands in bt_crypto_digest.hash, and no more than that: it has no initial value without a key, and no final without one. */
extern const struct bt_crypto_hash bt_crypto_camellia_cmac;

/* bt_crypto_cmac_key - key_len is 16 or 32. The caller wipes cmac. */
void bt_crypto_cmac_key(struct bt_crypto_cmac *cmac, const uint8_t *key, size_t key_len);

/* bt_crypto_cmac_begin, then bt_crypto_digest_update as often as needed, then bt_crypto_cmac_end, which wipes the digest. */
void bt_crypto_cmac_begin(struct bt_crypto_digest *digest, const struct bt_crypto_cmac *cmac);
void bt_crypto_cmac_end(struct bt_crypto_digest *digest, const struct bt_crypto_cmac *cmac,
			uint8_t mac[static BT_CRYPTO_BLOCK_LEN]);

#endif
