/*
 * libcrypto's low-level Camellia functions are deprecated since 3.0, and exported. EVP runs the same code, and would expand the key
 * anew for each message, in a context of each thread.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/camellia.h"

#include <stdlib.h>

void
bt_crypto_camellia_init(struct bt_crypto_camellia *camellia, const uint8_t *key, size_t key_len, bool encrypts)
{
	if (key_len != 16 && key_len != 32)
		abort();
	Camellia_set_key(key, (int)key_len * 8, &camellia->schedule);
	camellia->encrypts = encrypts;
}

void
bt_crypto_camellia_block(const struct bt_crypto_camellia *camellia, const uint8_t *in, uint8_t *out)
{
	Camellia_encrypt(in, out, &camellia->schedule);
}

void
bt_crypto_camellia_cbc(const struct bt_crypto_camellia *camellia, uint8_t chain[static BT_CRYPTO_BLOCK_LEN], const uint8_t *in,
		       uint8_t *out, size_t len)
{
	Camellia_cbc_encrypt(in, out, len, &camellia->schedule, chain, camellia->encrypts);
}
