#include "crypto/hmac.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The hash after one block of key xor pad. RFC 2104 §2. */
static void
absorb_pad(const struct bt_crypto_hash *hash, const uint8_t *key, size_t key_len, uint8_t pad, uint8_t *midstate)
{
	union bt_crypto_state state = hash->initial;
	uint8_t block[BT_CRYPTO_HASH_BLOCK_MAX];

	memset(block, pad, hash->block_len);
	for (size_t i = 0; i < key_len; i++)
		block[i] ^= key[i];
	hash->compress(&state, block, hash->block_len);
	memcpy(midstate, state.bytes, hash->state_len);
	bt_mem_wipe(block, key_len);
	bt_mem_wipe(&state, sizeof state);
}

void
bt_crypto_hmac_key(const struct bt_crypto_hash *hash, const uint8_t *key, size_t key_len, uint8_t *midstates)
{
	if (key_len > hash->block_len)
		abort();
	absorb_pad(hash, key, key_len, 0x36, midstates);
	absorb_pad(hash, key, key_len, 0x5c, midstates + hash->state_len);
}

void
bt_crypto_hmac_begin(struct bt_crypto_digest *digest, const struct bt_crypto_hash *hash, const uint8_t *midstates)
{
	bt_crypto_digest_init(digest, hash, midstates, hash->block_len);
}

void
bt_crypto_hmac_end(struct bt_crypto_digest *digest, const uint8_t *midstates, uint8_t *mac, size_t mac_len)
{
	const struct bt_crypto_hash *hash = digest->hash;
	uint8_t words[BT_CRYPTO_STATE_MAX];

	bt_crypto_digest_final(digest, words);
	bt_crypto_digest_init(digest, hash, midstates + hash->state_len, hash->block_len + hash->digest_len);
	memcpy(digest->tail, words, BT_CRYPTO_DIGEST_MAX);
	bt_crypto_digest_final(digest, words);
	memcpy(mac, words, mac_len);
	bt_mem_wipe(digest, sizeof *digest);
	bt_mem_wipe(words, sizeof words);
}
