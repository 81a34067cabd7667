/*
 * sha_ni_rounds - one SHA-1 block in registers, for sha_ni.c and for aes_ni.c, which runs it beside CBC encryption.
 */
#ifndef BT_CRYPTO_SHA_NI_ROUNDS_H
#define BT_CRYPTO_SHA_NI_ROUNDS_H

#include <immintrin.h>
#include <stdint.h>

#define SHA1_INLINE static inline __attribute__((target("sha,sse4.1"), always_inline))

/* The state as the instructions want it: A highest in abcd, E highest in e. */
struct sha1_lanes {
	__m128i abcd;
	__m128i e;
};

SHA1_INLINE void
sha1_load(struct sha1_lanes *s, const uint32_t words[static 5])
{
	s->abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)words), 0x1b);
	s->e = _mm_set_epi32((int)words[4], 0, 0, 0);
}

SHA1_INLINE void
sha1_store(const struct sha1_lanes *s, uint32_t words[static 5])
{
	_mm_storeu_si128((__m128i *)words, _mm_shuffle_epi32(s->abcd, 0x1b));
	words[4] = (uint32_t)_mm_extract_epi32(s->e, 3);
}

SHA1_INLINE __m128i
sha1_words(const uint8_t *in)
{
	return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)in), _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f));
}

/* The four schedule words after w3, from the sixteen before them. */
SHA1_INLINE __m128i
sha1_expand(__m128i w0, __m128i w1, __m128i w2, __m128i w3)
{
	return _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(w0, w1), w2), w3);
}

/* Four rounds. A macro because the number of the round function is an immediate operand. */
#define SHA1_QUAD(abcd, e, w, function)                                     \
	do {                                                                \
		__m128i e_with_w = _mm_sha1nexte_epu32((e), (w));           \
		(e) = (abcd);                                               \
		(abcd) = _mm_sha1rnds4_epu32((abcd), e_with_w, (function)); \
	} while (0)

/* Four rounds, and then w0 is the schedule words sixteen further on. */
#define SHA1_QUAD_EXPAND(abcd, e, w0, w1, w2, w3, function) \
	do {                                                \
		SHA1_QUAD((abcd), (e), (w0), (function));   \
		(w0) = sha1_expand((w0), (w1), (w2), (w3)); \
	} while (0)

SHA1_INLINE void
sha1_block(struct sha1_lanes *s, const uint8_t *in)
{
	__m128i w0 = sha1_words(in), w1 = sha1_words(in + 16), w2 = sha1_words(in + 32), w3 = sha1_words(in + 48);
	__m128i abcd = s->abcd, e = s->abcd;

	/* The first four rounds take E as it is; all later ones take A of four rounds before, rotated. */
	abcd = _mm_sha1rnds4_epu32(abcd, _mm_add_epi32(s->e, w0), 0);
	w0 = sha1_expand(w0, w1, w2, w3);
	SHA1_QUAD_EXPAND(abcd, e, w1, w2, w3, w0, 0);
	SHA1_QUAD_EXPAND(abcd, e, w2, w3, w0, w1, 0);
	SHA1_QUAD_EXPAND(abcd, e, w3, w0, w1, w2, 0);
	SHA1_QUAD_EXPAND(abcd, e, w0, w1, w2, w3, 0);
	SHA1_QUAD_EXPAND(abcd, e, w1, w2, w3, w0, 1);
	SHA1_QUAD_EXPAND(abcd, e, w2, w3, w0, w1, 1);
	SHA1_QUAD_EXPAND(abcd, e, w3, w0, w1, w2, 1);
	SHA1_QUAD_EXPAND(abcd, e, w0, w1, w2, w3, 1);
	SHA1_QUAD_EXPAND(abcd, e, w1, w2, w3, w0, 1);
	SHA1_QUAD_EXPAND(abcd, e, w2, w3, w0, w1, 2);
	SHA1_QUAD_EXPAND(abcd, e, w3, w0, w1, w2, 2);
	SHA1_QUAD_EXPAND(abcd, e, w0, w1, w2, w3, 2);
	SHA1_QUAD_EXPAND(abcd, e, w1, w2, w3, w0, 2);
	SHA1_QUAD_EXPAND(abcd, e, w2, w3, w0, w1, 2);
	SHA1_QUAD_EXPAND(abcd, e, w3, w0, w1, w2, 3);
	SHA1_QUAD(abcd, e, w0, 3);
	SHA1_QUAD(abcd, e, w1, 3);
	SHA1_QUAD(abcd, e, w2, 3);
	SHA1_QUAD(abcd, e, w3, 3);
	s->e = _mm_sha1nexte_epu32(e, s->e);
	s->abcd = _mm_add_epi32(abcd, s->abcd);
}

#endif
