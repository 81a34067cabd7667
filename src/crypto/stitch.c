#include "crypto/stitch.h"

#if defined(__x86_64__)

#include "crypto/aes_ni_rounds.h"
#include "crypto/cpu.h"
#include "crypto/sha_ni_rounds.h"
#include "crypto/stitch_kernels.h"

/* Bytes below which the pieces at both ends cost more than is won. */
enum { WORTH_IT = 256 };

/* Bytes of one step of every kernel: one block of SHA-512, two of the others. */
enum { STEP_LEN = 128 };

#define TARGET __attribute__((target("aes,sha,sse4.1")))

TARGET static void
encrypt_with_sha1(struct bt_crypto_cbc *cbc, union bt_crypto_state *state, const uint8_t *hashed, const uint8_t *in,
		  uint8_t *out, size_t num_steps)
{
	__m128i chain = aes_load(cbc->chain);
	struct sha1_lanes s;

	sha1_load(&s, state->w32);
	for (size_t left = 2 * num_steps; left != 0; left--, hashed += 64) {
		sha1_block(&s, hashed);
		for (int i = 0; i < 4; i++, in += 16, out += 16)
			chain = aes_cbc_encrypt(cbc->aes, chain, in, out);
	}
	sha1_store(&s, state->w32);
	aes_store(cbc->chain, chain);
}

/* Round i + 1 of four blocks. */
#define DECRYPT_ROUND(i)                                                   \
	do {                                                               \
		if ((i) + 1 < num_rounds) {                                \
			__m128i key = aes_load(schedule + 16 * ((i) + 1)); \
                                                                           \
			b0 = _mm_aesdec_si128(b0, key);                    \
			b1 = _mm_aesdec_si128(b1, key);                    \
			b2 = _mm_aesdec_si128(b2, key);                    \
			b3 = _mm_aesdec_si128(b3, key);                    \
		}                                                          \
	} while (0)

/* Encryption leaves more idle than hashing needs; here it is the other way round, and the two are written in turns. */
static inline __attribute__((target("aes,sha,sse4.1"), always_inline)) void
decrypt_with_sha1(struct bt_crypto_cbc *cbc, union bt_crypto_state *state, const uint8_t *hashed, const uint8_t *in,
		  uint8_t *out, size_t num_steps, int num_rounds)
{
	const uint8_t *schedule = cbc->aes->schedule;
	__m128i chain = aes_load(cbc->chain);
	struct sha1_lanes s;

	sha1_load(&s, state->w32);
	for (size_t left = 2 * num_steps; left != 0; left--, hashed += 64, in += 64, out += 64) {
		__m128i first = aes_load(schedule), last;
		__m128i b0 = _mm_xor_si128(aes_load(in), first), b1 = _mm_xor_si128(aes_load(in + 16), first);
		__m128i b2 = _mm_xor_si128(aes_load(in + 32), first), b3 = _mm_xor_si128(aes_load(in + 48), first);
		__m128i before = chain;

		SHA1_BLOCK(&s, hashed, DECRYPT_ROUND);
		chain = aes_load(in + 48);
		last = aes_load(schedule + 16 * num_rounds);
		/* From the last: out may be in, where the block before is still to be read. */
		aes_store(out + 48, _mm_xor_si128(_mm_aesdeclast_si128(b3, last), aes_load(in + 32)));
		aes_store(out + 32, _mm_xor_si128(_mm_aesdeclast_si128(b2, last), aes_load(in + 16)));
		aes_store(out + 16, _mm_xor_si128(_mm_aesdeclast_si128(b1, last), aes_load(in)));
		aes_store(out, _mm_xor_si128(_mm_aesdeclast_si128(b0, last), before));
		aes_reload_keys();
	}
	sha1_store(&s, state->w32);
	aes_store(cbc->chain, chain);
}

TARGET static void
decrypt_128_with_sha1(struct bt_crypto_cbc *cbc, union bt_crypto_state *state, const uint8_t *hashed, const uint8_t *in,
		      uint8_t *out, size_t num_steps)
{
	decrypt_with_sha1(cbc, state, hashed, in, out, num_steps, 10);
}

TARGET static void
decrypt_256_with_sha1(struct bt_crypto_cbc *cbc, union bt_crypto_state *state, const uint8_t *hashed, const uint8_t *in,
		      uint8_t *out, size_t num_steps)
{
	decrypt_with_sha1(cbc, state, hashed, in, out, num_steps, 14);
}

TARGET static void
encrypt_with_sha256(struct bt_crypto_cbc *cbc, union bt_crypto_state *state, const uint8_t *hashed, const uint8_t *in,
		    uint8_t *out, size_t num_steps)
{
	__m128i chain = aes_load(cbc->chain);
	struct sha256_lanes s;

	sha256_load(&s, state->w32);
	for (size_t left = 2 * num_steps; left != 0; left--, hashed += 64) {
		sha256_block(&s, hashed);
		for (int i = 0; i < 4; i++, in += 16, out += 16)
			chain = aes_cbc_encrypt(cbc->aes, chain, in, out);
	}
	sha256_store(&s, state->w32);
	aes_store(cbc->chain, chain);
}

/* RFC 8009 messages are decrypted only when their hash has been found right: nothing to stitch. */
static bt_crypto_stitch_kernel *
kernel_of(const struct bt_crypto_cbc *cbc, const struct bt_crypto_hash *hash)
{
	const struct bt_crypto_aes *aes = cbc->aes;

	if (cbc->camellia != NULL || aes->is_portable)
		return NULL;
	if (hash == &bt_crypto_sha1 && bt_crypto_cpu_has_sha())
		return aes->encrypts	       ? encrypt_with_sha1
		       : aes->num_rounds == 14 ? decrypt_256_with_sha1
					       : decrypt_128_with_sha1;
	if (hash == &bt_crypto_sha256 && bt_crypto_cpu_has_sha() && aes->encrypts)
		return encrypt_with_sha256;
	if (hash == &bt_crypto_sha384 && bt_crypto_cpu_has_bmi() && aes->encrypts && aes->num_rounds == 14)
		return bt_crypto_stitch_sha512;
	return NULL;
}

bool
bt_crypto_stitch(struct bt_crypto_cbc *cbc, struct bt_crypto_digest *digest, bool hashes_in, const uint8_t *in, uint8_t *out,
		 size_t len)
{
	size_t room = bt_crypto_digest_room(digest), lead = 0, num_steps, stitched;
	bt_crypto_stitch_kernel *run = kernel_of(cbc, digest->hash);

	if (run == NULL || len < WORTH_IT)
		return false;
	if (hashes_in) {
		/* What is read is hashed before it may be written over: the hash goes ahead, by what fills its block. */
		bt_crypto_digest_update(digest, in, room);
	} else {
		/* What is written is hashed after: the cipher goes ahead, by that and by a step. */
		lead = (room + BT_CRYPTO_BLOCK_LEN - 1) / BT_CRYPTO_BLOCK_LEN * BT_CRYPTO_BLOCK_LEN + STEP_LEN;
		bt_crypto_cbc_crypt(cbc, in, out, lead);
		bt_crypto_digest_update(digest, out, room);
	}
	num_steps = (len - (hashes_in ? room : lead)) / STEP_LEN;
	stitched = num_steps * STEP_LEN;
	run(cbc, &digest->state, (hashes_in ? in : out) + room, in + lead, out + lead, num_steps);
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
bt_crypto_stitch(struct bt_crypto_cbc *cbc, struct bt_crypto_digest *digest, bool hashes_in, const uint8_t *in, uint8_t *out,
		 size_t len)
{
	return false;
}

#endif
