/*
 * libcrypto's low-level hash functions are deprecated since 3.0, and exported. They are the only ones whose state is a plain
 * struct: an EVP_MD_CTX copy costs an allocation and more time than hashing a short message.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/hash.h"

#include <endian.h>
#include <openssl/sha.h>

#include "base/mem.h"
#include "crypto/cpu.h"
#include "crypto/sha_ni.h"

static void
compress_sha1(union bt_crypto_state *state, const uint8_t *blocks, size_t len)
{
	SHA_CTX ctx;

	if (bt_crypto_cpu_has_sha()) {
		bt_crypto_sha_ni_sha1(state, blocks, len);
		return;
	}
	ctx.h0 = state->w32[0];
	ctx.h1 = state->w32[1];
	ctx.h2 = state->w32[2];
	ctx.h3 = state->w32[3];
	ctx.h4 = state->w32[4];
	ctx.Nl = ctx.Nh = ctx.num = 0;
	SHA1_Update(&ctx, blocks, len);
	state->w32[0] = ctx.h0;
	state->w32[1] = ctx.h1;
	state->w32[2] = ctx.h2;
	state->w32[3] = ctx.h3;
	state->w32[4] = ctx.h4;
	bt_mem_wipe(&ctx, offsetof(SHA_CTX, data));
}

static void
compress_sha256(union bt_crypto_state *state, const uint8_t *blocks, size_t len)
{
	SHA256_CTX ctx;

	if (bt_crypto_cpu_has_sha()) {
		bt_crypto_sha_ni_sha256(state, blocks, len);
		return;
	}
	memcpy(ctx.h, state->w32, sizeof ctx.h);
	ctx.Nl = ctx.Nh = ctx.num = 0;
	ctx.md_len = SHA256_DIGEST_LENGTH;
	SHA256_Update(&ctx, blocks, len);
	memcpy(state->w32, ctx.h, sizeof ctx.h);
	bt_mem_wipe(ctx.h, sizeof ctx.h);
}

static void
compress_sha512(union bt_crypto_state *state, const uint8_t *blocks, size_t len)
{
	SHA512_CTX ctx;

	memcpy(ctx.h, state->w64, sizeof ctx.h);
	ctx.Nl = ctx.Nh = 0;
	ctx.num = 0;
	ctx.md_len = SHA512_DIGEST_LENGTH;
	SHA512_Update(&ctx, blocks, len);
	memcpy(state->w64, ctx.h, sizeof ctx.h);
	bt_mem_wipe(ctx.h, sizeof ctx.h);
}

/* Initial values: FIPS 180-4 §5.3. */
const struct bt_crypto_hash bt_crypto_sha1 = {
    4, 32, 64, 20, {.w32 = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}}, compress_sha1,
};

const struct bt_crypto_hash bt_crypto_sha256 = {
    4,
    32,
    64,
    32,
    {.w32 = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}},
    compress_sha256,
};

const struct bt_crypto_hash bt_crypto_sha384 = {
    8,
    64,
    128,
    48,
    {.w64 = {0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939, 0x67332667ffc00b31,
	     0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4}},
    compress_sha512,
};

void
bt_crypto_digest_update(struct bt_crypto_digest *digest, const uint8_t *in, size_t len)
{
	size_t block_len = digest->hash->block_len, held = digest->total & (block_len - 1), room = block_len - held;
	size_t whole;

	if (len == 0)
		return;
	digest->total += len;
	if (held != 0) {
		if (len < room) {
			memcpy(digest->tail + held, in, len);
			return;
		}
		memcpy(digest->tail + held, in, room);
		digest->hash->compress(&digest->state, digest->tail, block_len);
		in += room;
		len -= room;
	}
	if ((whole = len & ~(block_len - 1)) != 0)
		digest->hash->compress(&digest->state, in, whole);
	if (whole != len)
		memcpy(digest->tail, in + whole, len - whole);
}

/* The words of a state as a digest has them. */
static void
store_words(const struct bt_crypto_hash *hash, const union bt_crypto_state *state, uint8_t out[static BT_CRYPTO_STATE_MAX])
{
	for (int i = 0; i < 8; i++)
		if (hash->word_len == 4) {
			uint32_t word = htobe32(state->w32[i]);

			memcpy(out + 4 * i, &word, sizeof word);
		} else {
			uint64_t word = htobe64(state->w64[i]);

			memcpy(out + 8 * i, &word, sizeof word);
		}
}

void
bt_crypto_digest_final(struct bt_crypto_digest *digest, uint8_t out[static BT_CRYPTO_STATE_MAX])
{
	const struct bt_crypto_hash *hash = digest->hash;
	size_t held = digest->total & (hash->block_len - 1u);
	uint64_t num_bits = htobe64(digest->total << 3);

	/* A one bit, zeros, and the length in bits as two words, of which no message here fills the first. FIPS 180-4 §5.1. */
	digest->tail[held++] = 0x80;
	if (held > hash->block_len - 2u * hash->word_len) {
		memset(digest->tail + held, 0, hash->block_len - held);
		hash->compress(&digest->state, digest->tail, hash->block_len);
		held = 0;
	}
	memset(digest->tail + held, 0, hash->block_len - sizeof num_bits - held);
	memcpy(digest->tail + hash->block_len - sizeof num_bits, &num_bits, sizeof num_bits);
	hash->compress(&digest->state, digest->tail, hash->block_len);
	store_words(hash, &digest->state, out);
}
