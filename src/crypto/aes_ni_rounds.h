/*
 * aes_ni_rounds - one block encrypted in a register: for aes_ni.c, and for stitch.c, which hashes beside it.
 */
#ifndef BT_CRYPTO_AES_NI_ROUNDS_H
#define BT_CRYPTO_AES_NI_ROUNDS_H

#include <immintrin.h>

#include "crypto/aes.h"

#define AES_INLINE static inline __attribute__((target("aes,sse4.1"), always_inline))

AES_INLINE __m128i
aes_load(const uint8_t *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

AES_INLINE void
aes_store(uint8_t *p, __m128i v)
{
	_mm_storeu_si128((__m128i *)p, v);
}

/*
 * aes_reload_keys - stands in every loop over blocks. Without it a compiler may load all round keys once, before the loop, and
 * leave those that find no register on the stack, where nobody wipes them.
 */
AES_INLINE void
aes_reload_keys(void)
{
	__asm__ volatile("" ::: "memory");
}

AES_INLINE __m128i
aes_encrypt(const struct bt_crypto_aes *aes, __m128i block)
{
	block = _mm_xor_si128(block, aes_load(aes->schedule));
	for (int i = 1; i < aes->num_rounds; i++)
		block = _mm_aesenc_si128(block, aes_load(aes->schedule + 16 * i));
	return _mm_aesenclast_si128(block, aes_load(aes->schedule + 16 * aes->num_rounds));
}

/* The next block of a chain; returns the chain. */
AES_INLINE __m128i
aes_cbc_encrypt(const struct bt_crypto_aes *aes, __m128i chain, const uint8_t *in, uint8_t *out)
{
	aes_reload_keys();
	chain = aes_encrypt(aes, _mm_xor_si128(chain, aes_load(in)));
	aes_store(out, chain);
	return chain;
}

/* Blocks of one step of decryption: enough to fill the pipeline of the instruction. */
enum { AES_WIDTH = 8 };

/* Over a loop of AES_WIDTH, so that its arrays become registers. */
#if defined(__clang__)
#define AES_UNROLL _Pragma("clang loop unroll(full)")
#else
#define AES_UNROLL _Pragma("GCC unroll 8")
#endif

/* AES_WIDTH blocks at once. All are read before the first is written: out may be in. */
AES_INLINE __m128i
aes_cbc_decrypt_wide(const struct bt_crypto_aes *aes, __m128i chain, const uint8_t *in, uint8_t *out)
{
	__m128i block[AES_WIDTH], cipher[AES_WIDTH], key;

	aes_reload_keys();
	key = aes_load(aes->schedule);
	AES_UNROLL
	for (int b = 0; b < AES_WIDTH; b++) {
		cipher[b] = aes_load(in + 16 * b);
		block[b] = _mm_xor_si128(cipher[b], key);
	}
	for (int i = 1; i < aes->num_rounds; i++) {
		key = aes_load(aes->schedule + 16 * i);
		AES_UNROLL
		for (int b = 0; b < AES_WIDTH; b++)
			block[b] = _mm_aesdec_si128(block[b], key);
	}
	key = aes_load(aes->schedule + 16 * aes->num_rounds);
	AES_UNROLL
	for (int b = 0; b < AES_WIDTH; b++)
		aes_store(out + 16 * b, _mm_xor_si128(_mm_aesdeclast_si128(block[b], key), b == 0 ? chain : cipher[b - 1]));
	return cipher[AES_WIDTH - 1];
}

#endif
