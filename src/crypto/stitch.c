#include "crypto/stitch.h"

#if defined(__x86_64__)

#include "crypto/aes_ni_rounds.h"
#include "crypto/cpu.h"
#include "crypto/sha_ni_rounds.h"

/* Bytes below which the steps at both ends cost more than is won. */
enum { WORTH_IT = 256 };

#define TARGET __attribute__((target("aes,sha,sse4.1")))

/*
 * The kernels: for each block of the hash, compress the one at hashed and encrypt as many bytes of the chain. The two depend on
 * each other only through memory, and the processor runs one while the other waits.
 */
typedef void kernel(struct bt_crypto_cbc *cbc, union bt_crypto_state *state, const uint8_t *hashed, const uint8_t *in,
		    uint8_t *out, size_t num_blocks);

TARGET static void
with_sha1(struct bt_crypto_cbc *cbc, union bt_crypto_state *state, const uint8_t *hashed, const uint8_t *in, uint8_t *out,
	  size_t num_blocks)
{
	__m128i chain = aes_load(cbc->chain);
	struct sha1_lanes s;

	sha1_load(&s, state->w32);
	for (; num_blocks != 0; num_blocks--, hashed += 64) {
		sha1_block(&s, hashed);
		for (int i = 0; i < 4; i++, in += 16, out += 16)
			chain = aes_cbc_encrypt(cbc->aes, chain, in, out);
	}
	sha1_store(&s, state->w32);
	aes_store(cbc->chain, chain);
}

TARGET static void
with_sha256(struct bt_crypto_cbc *cbc, union bt_crypto_state *state, const uint8_t *hashed, const uint8_t *in, uint8_t *out,
	    size_t num_blocks)
{
	__m128i chain = aes_load(cbc->chain);
	struct sha256_lanes s;

	sha256_load(&s, state->w32);
	for (; num_blocks != 0; num_blocks--, hashed += 64) {
		sha256_block(&s, hashed);
		for (int i = 0; i < 4; i++, in += 16, out += 16)
			chain = aes_cbc_encrypt(cbc->aes, chain, in, out);
	}
	sha256_store(&s, state->w32);
	aes_store(cbc->chain, chain);
}

static kernel *
kernel_of(const struct bt_crypto_hash *hash)
{
	if (hash == &bt_crypto_sha1 && bt_crypto_cpu_has_sha())
		return with_sha1;
	if (hash == &bt_crypto_sha256 && bt_crypto_cpu_has_sha())
		return with_sha256;
	return NULL;
}

bool
bt_crypto_stitch_encrypt(struct bt_crypto_cbc *cbc, struct bt_crypto_digest *digest, bool hashes_in, const uint8_t *in,
			 uint8_t *out, size_t len)
{
	size_t block_len = digest->hash->block_len, room = bt_crypto_digest_room(digest), lead = 0, num_blocks, stitched;
	kernel *run = kernel_of(digest->hash);

	if (run == NULL || cbc->aes->is_portable || !cbc->aes->encrypts || len < WORTH_IT)
		return false;
	/* The plaintext is hashed before it is encrypted over: the hash goes ahead by what fills its block. */
	if (hashes_in) {
		bt_crypto_digest_update(digest, in, room);
	} else {
		/* The ciphertext is hashed after it is made: encryption goes ahead, by that and by one block of the hash. */
		lead = (room + BT_CRYPTO_BLOCK_LEN - 1) / BT_CRYPTO_BLOCK_LEN * BT_CRYPTO_BLOCK_LEN + block_len;
		bt_crypto_cbc_crypt(cbc, in, out, lead);
		bt_crypto_digest_update(digest, out, room);
	}
	num_blocks = (len - (hashes_in ? room : lead)) / block_len;
	stitched = num_blocks * block_len;
	run(cbc, &digest->state, (hashes_in ? in : out) + room, in + lead, out + lead, num_blocks);
	digest->total += stitched;
	if (hashes_in)
		bt_crypto_digest_update(digest, in + room + stitched, len - room - stitched);
	bt_crypto_cbc_crypt(cbc, in + lead + stitched, out + lead + stitched, len - lead - stitched);
	if (!hashes_in)
		bt_crypto_digest_update(digest, out + room + stitched, len - room - stitched);
	return true;
}

#else

bool
bt_crypto_stitch_encrypt(struct bt_crypto_cbc *cbc, struct bt_crypto_digest *digest, bool hashes_in, const uint8_t *in,
			 uint8_t *out, size_t len)
{
	return false;
}

#endif
