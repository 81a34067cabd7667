#include "crypto/aes_ni.h"

#if defined(__x86_64__)

#include "crypto/aes_ni_rounds.h"

#define TARGET __attribute__((target("aes,sse4.1")))

/* Each word xor all words before it. */
TARGET static inline __m128i
xor_down(__m128i v)
{
	v = _mm_xor_si128(v, _mm_slli_si128(v, 4));
	return _mm_xor_si128(v, _mm_slli_si128(v, 8));
}

/*
 * One step of the schedule: the round key that follows before and last. Every step of AES-128, and every other one of AES-256,
 * rotates the last word and adds a round constant; the others do not. The last word goes through the S-box in a round of
 * encryption, which is much quicker than the instruction that was made for it: shifting rows changes nothing where all columns are
 * the same, and what the round adds is the rest of the step.
 */
TARGET static inline __m128i
next_rotated(__m128i before, __m128i last, uint32_t constant)
{
	__m128i columns = _mm_shuffle_epi8(last, _mm_set1_epi32(0x0c0f0e0d));

	return _mm_aesenclast_si128(columns, _mm_xor_si128(xor_down(before), _mm_set1_epi32((int)constant)));
}

TARGET static inline __m128i
next_plain(__m128i before, __m128i last)
{
	return _mm_aesenclast_si128(_mm_shuffle_epi32(last, 0xff), xor_down(before));
}

TARGET static void
expand_encrypting(uint8_t *schedule, const uint8_t *key, unsigned num_rounds)
{
	static const uint8_t constants[10] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36};
	__m128i even = aes_load(key), odd;

	aes_store(schedule, even);
	if (num_rounds == 10) {
		for (unsigned i = 1; i <= 10; i++)
			aes_store(schedule + 16 * i, even = next_rotated(even, even, constants[i - 1]));
		return;
	}
	aes_store(schedule + 16, odd = aes_load(key + 16));
	for (unsigned i = 1; i <= 7; i++) {
		aes_store(schedule + 32 * i, even = next_rotated(even, odd, constants[i - 1]));
		if (i < 7)
			aes_store(schedule + 32 * i + 16, odd = next_plain(odd, even));
	}
}

TARGET void
bt_crypto_aes_ni_expand(struct bt_crypto_aes *aes, const uint8_t *key)
{
	uint8_t *first = aes->schedule, *last = aes->schedule + 16 * aes->num_rounds;

	expand_encrypting(aes->schedule, key, aes->num_rounds);
	if (aes->encrypts)
		return;
	/* The equivalent inverse cipher: the same round keys backwards, all but the outer two through InvMixColumns. */
	for (__m128i swap = aes_load(first); first < last; first += 16, last -= 16, swap = aes_load(first)) {
		bool is_outer = first == aes->schedule;

		aes_store(first, is_outer ? aes_load(last) : _mm_aesimc_si128(aes_load(last)));
		aes_store(last, is_outer ? swap : _mm_aesimc_si128(swap));
	}
	aes_store(first, _mm_aesimc_si128(aes_load(first)));
}

TARGET void
bt_crypto_aes_ni_encrypt_two(const struct bt_crypto_aes *aes, const uint8_t *in0, const uint8_t *in1, uint8_t *out0, uint8_t *out1)
{
	__m128i key = aes_load(aes->schedule), block0 = _mm_xor_si128(aes_load(in0), key), block1 = _mm_xor_si128(aes_load(in1), key);

	for (int i = 1; i < aes->num_rounds; i++) {
		key = aes_load(aes->schedule + 16 * i);
		block0 = _mm_aesenc_si128(block0, key);
		block1 = _mm_aesenc_si128(block1, key);
	}
	key = aes_load(aes->schedule + 16 * aes->num_rounds);
	aes_store(out0, _mm_aesenclast_si128(block0, key));
	aes_store(out1, _mm_aesenclast_si128(block1, key));
}

TARGET void
bt_crypto_aes_ni_cbc_encrypt(const struct bt_crypto_aes *aes, uint8_t chain[static BT_CRYPTO_BLOCK_LEN], const uint8_t *in,
			     uint8_t *out, size_t len)
{
	__m128i before = aes_load(chain);

	for (; len != 0; len -= 16, in += 16, out += 16)
		before = aes_cbc_encrypt(aes, before, in, out);
	aes_store(chain, before);
}

TARGET static inline __m128i
decrypt_block(const struct bt_crypto_aes *aes, __m128i block)
{
	block = _mm_xor_si128(block, aes_load(aes->schedule));
	for (int i = 1; i < aes->num_rounds; i++)
		block = _mm_aesdec_si128(block, aes_load(aes->schedule + 16 * i));
	return _mm_aesdeclast_si128(block, aes_load(aes->schedule + 16 * aes->num_rounds));
}

TARGET void
bt_crypto_aes_ni_cbc_decrypt(const struct bt_crypto_aes *aes, uint8_t chain[static BT_CRYPTO_BLOCK_LEN], const uint8_t *in,
			     uint8_t *out, size_t len)
{
	__m128i before = aes_load(chain);

	for (; len >= 16 * AES_WIDTH; len -= 16 * AES_WIDTH, in += 16 * AES_WIDTH, out += 16 * AES_WIDTH)
		before = aes_cbc_decrypt_wide(aes, before, in, out);
	for (; len != 0; len -= 16, in += 16, out += 16) {
		__m128i cipher = aes_load(in);

		aes_reload_keys();
		aes_store(out, _mm_xor_si128(decrypt_block(aes, cipher), before));
		before = cipher;
	}
	aes_store(chain, before);
}

#else

#include <stdlib.h>

void
bt_crypto_aes_ni_expand(struct bt_crypto_aes *aes, const uint8_t *key)
{
	abort();
}

void
bt_crypto_aes_ni_encrypt_two(const struct bt_crypto_aes *aes, const uint8_t *in0, const uint8_t *in1, uint8_t *out0, uint8_t *out1)
{
	abort();
}

void
bt_crypto_aes_ni_cbc_encrypt(const struct bt_crypto_aes *aes, uint8_t chain[static BT_CRYPTO_BLOCK_LEN], const uint8_t *in,
			     uint8_t *out, size_t len)
{
	abort();
}

void
bt_crypto_aes_ni_cbc_decrypt(const struct bt_crypto_aes *aes, uint8_t chain[static BT_CRYPTO_BLOCK_LEN], const uint8_t *in,
			     uint8_t *out, size_t len)
{
	abort();
}

#endif
