/*
 * hash - SHA-1, SHA-256 and SHA-384 over a state that is a plain value; CMAC (cmac.h) goes the same way.
 *
 * A state can be copied, kept and continued from, which is what HMAC midstates need and EVP does not give.
 * Nothing here allocates or fails.
 */
#ifndef BT_CRYPTO_HASH_H
#define BT_CRYPTO_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	BT_CRYPTO_STATE_MAX = 64,	/* chaining value of SHA-384, bytes */
	BT_CRYPTO_HASH_BLOCK_MAX = 128, /* block of SHA-384, bytes */
	BT_CRYPTO_DIGEST_MAX = 48,
};

struct bt_crypto_camellia;

/* The chaining value, words in host order. */
union bt_crypto_state {
	uint32_t w32[8];
	uint64_t w64[8];
	uint8_t bytes[BT_CRYPTO_STATE_MAX];
	struct { /* cmac.c */
		uint8_t block[16];
		const struct bt_crypto_camellia *cipher;
		bool has_begun;
	} cmac;
};

/* What FIPS 180-4 fixes for one hash; lengths in bytes. */
struct bt_crypto_hash {
	uint8_t word_len;
	uint8_t state_len; /* as it is kept, 32 or 64: that of SHA-1 has zeros at its end */
	uint8_t block_len; /* a power of two */
	uint8_t digest_len;
	union bt_crypto_state initial;
	void (*compress)(union bt_crypto_state *state, const uint8_t *blocks, size_t len); /* len is whole blocks */
};

extern const struct bt_crypto_hash bt_crypto_sha1;
extern const struct bt_crypto_hash bt_crypto_sha256;
extern const struct bt_crypto_hash bt_crypto_sha384;

/* A hash in progress; caller's storage. */
struct bt_crypto_digest {
	const struct bt_crypto_hash *hash;
	uint64_t total; /* bytes so far; those of a block not yet full stand in tail */
	union bt_crypto_state state;
	uint8_t tail[BT_CRYPTO_HASH_BLOCK_MAX];
};

/* bt_crypto_digest_init - begin at a state that total bytes, a multiple of the block length, have led to. */
static inline void
bt_crypto_digest_init(struct bt_crypto_digest *digest, const struct bt_crypto_hash *hash, const void *state, uint64_t total)
{
	digest->hash = hash;
	digest->total = total;
	/* In lengths the compiler knows: this is done twice a message. */
	memcpy(digest->state.bytes, state, 32);
	if (hash->state_len == 64)
		memcpy(digest->state.bytes + 32, (const uint8_t *)state + 32, 32);
}

void bt_crypto_digest_update(struct bt_crypto_digest *digest, const uint8_t *in, size_t len);

/* bt_crypto_digest_room - bytes that fill the block begun; 0: none is begun. */
static inline size_t
bt_crypto_digest_room(const struct bt_crypto_digest *digest)
{
	return (size_t)-digest->total & (digest->hash->block_len - 1u);
}

/*
 * bt_crypto_digest_final - end the message and write the digest, in whole words of the state: the first hash->digest_len bytes
 * count. The caller wipes digest.
 */
void bt_crypto_digest_final(struct bt_crypto_digest *digest, uint8_t out[static BT_CRYPTO_STATE_MAX]);

#endif
