/*
 * camellia - the block cipher of RFC 3713, for RFC 6803's enctypes, with a key that is a plain, immutable value.
 *
 * One schedule serves both directions. Nothing here allocates or fails.
 */
#ifndef BT_CRYPTO_CAMELLIA_H
#define BT_CRYPTO_CAMELLIA_H

#include <openssl/camellia.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/crypto.h"

struct bt_crypto_camellia {
	struct camellia_key_st schedule;
	bool encrypts; /* the direction of bt_crypto_camellia_cbc */
};

/* bt_crypto_camellia_init - key_len is 16 or 32. The caller wipes camellia. */
void bt_crypto_camellia_init(struct bt_crypto_camellia *camellia, const uint8_t *key, size_t key_len, bool encrypts);

/* bt_crypto_camellia_block - encrypt one block, whatever the direction; out may be in. */
void bt_crypto_camellia_block(const struct bt_crypto_camellia *camellia, const uint8_t *in, uint8_t *out);

/* bt_crypto_camellia_cbc - whole blocks; chain is the ciphertext block before, and then the last one. out is in or apart. */
void bt_crypto_camellia_cbc(const struct bt_crypto_camellia *camellia, uint8_t chain[static BT_CRYPTO_BLOCK_LEN],
			    const uint8_t *in, uint8_t *out, size_t len);

#endif
