/*
 * sha_ni_rounds - one block of SHA-1 or SHA-256 in registers: for sha_ni.c, and for stitch.c, which runs it beside encryption.
 */
#ifndef BT_CRYPTO_SHA_NI_ROUNDS_H
#define BT_CRYPTO_SHA_NI_ROUNDS_H

#include <immintrin.h>
#include <stdint.h>

#define SHA_INLINE static inline __attribute__((target("sha,sse4.1"), always_inline))

/* The state as the instructions want it: A highest in abcd, E highest in e. */
struct sha1_lanes {
	__m128i abcd;
	__m128i e;
};

SHA_INLINE void
sha1_load(struct sha1_lanes *s, const uint32_t words[static 5])
{
	s->abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)words), 0x1b);
	s->e = _mm_set_epi32((int)words[4], 0, 0, 0);
}

SHA_INLINE void
sha1_store(const struct sha1_lanes *s, uint32_t words[static 5])
{
	_mm_storeu_si128((__m128i *)words, _mm_shuffle_epi32(s->abcd, 0x1b));
	words[4] = (uint32_t)_mm_extract_epi32(s->e, 3);
}

SHA_INLINE __m128i
sha1_words(const uint8_t *in)
{
	return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)in), _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f));
}

/* The four schedule words after w3, from the sixteen before them. */
SHA_INLINE __m128i
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

/*
 * One block. beside(i) is done after the ith four rounds, 0 to 19: work of another kind that does not wait for the hash.
 * The first four rounds take E as it is; all later ones take A of four rounds before, rotated.
 */
#define SHA1_BLOCK(s, in, beside)                                                                    \
	do {                                                                                         \
		__m128i w0 = sha1_words(in), w1 = sha1_words((in) + 16), w2 = sha1_words((in) + 32), \
			w3 = sha1_words((in) + 48);                                                  \
		__m128i abcd = (s)->abcd, e = (s)->abcd;                                             \
                                                                                                     \
		abcd = _mm_sha1rnds4_epu32(abcd, _mm_add_epi32((s)->e, w0), 0);                      \
		w0 = sha1_expand(w0, w1, w2, w3);                                                    \
		beside(0);                                                                           \
		SHA1_QUAD_EXPAND(abcd, e, w1, w2, w3, w0, 0);                                        \
		beside(1);                                                                           \
		SHA1_QUAD_EXPAND(abcd, e, w2, w3, w0, w1, 0);                                        \
		beside(2);                                                                           \
		SHA1_QUAD_EXPAND(abcd, e, w3, w0, w1, w2, 0);                                        \
		beside(3);                                                                           \
		SHA1_QUAD_EXPAND(abcd, e, w0, w1, w2, w3, 0);                                        \
		beside(4);                                                                           \
		SHA1_QUAD_EXPAND(abcd, e, w1, w2, w3, w0, 1);                                        \
		beside(5);                                                                           \
		SHA1_QUAD_EXPAND(abcd, e, w2, w3, w0, w1, 1);                                        \
		beside(6);                                                                           \
		SHA1_QUAD_EXPAND(abcd, e, w3, w0, w1, w2, 1);                                        \
		beside(7);                                                                           \
		SHA1_QUAD_EXPAND(abcd, e, w0, w1, w2, w3, 1);                                        \
		beside(8);                                                                           \
		SHA1_QUAD_EXPAND(abcd, e, w1, w2, w3, w0, 1);                                        \
		beside(9);                                                                           \
		SHA1_QUAD_EXPAND(abcd, e, w2, w3, w0, w1, 2);                                        \
		beside(10);                                                                          \
		SHA1_QUAD_EXPAND(abcd, e, w3, w0, w1, w2, 2);                                        \
		beside(11);                                                                          \
		SHA1_QUAD_EXPAND(abcd, e, w0, w1, w2, w3, 2);                                        \
		beside(12);                                                                          \
		SHA1_QUAD_EXPAND(abcd, e, w1, w2, w3, w0, 2);                                        \
		beside(13);                                                                          \
		SHA1_QUAD_EXPAND(abcd, e, w2, w3, w0, w1, 2);                                        \
		beside(14);                                                                          \
		SHA1_QUAD_EXPAND(abcd, e, w3, w0, w1, w2, 3);                                        \
		beside(15);                                                                          \
		SHA1_QUAD(abcd, e, w0, 3);                                                           \
		beside(16);                                                                          \
		SHA1_QUAD(abcd, e, w1, 3);                                                           \
		beside(17);                                                                          \
		SHA1_QUAD(abcd, e, w2, 3);                                                           \
		beside(18);                                                                          \
		SHA1_QUAD(abcd, e, w3, 3);                                                           \
		beside(19);                                                                          \
		(s)->e = _mm_sha1nexte_epu32(e, (s)->e);                                             \
		(s)->abcd = _mm_add_epi32(abcd, (s)->abcd);                                          \
	} while (0)

#define SHA_BESIDE_NOTHING(i) ((void)0)

SHA_INLINE void
sha1_block(struct sha1_lanes *s, const uint8_t *in)
{
	SHA1_BLOCK(s, in, SHA_BESIDE_NOTHING);
}

extern const uint32_t bt_crypto_sha256_constants[64];

/* The state as the instructions want it: words A, B, E, F and C, D, G, H, high to low. */
struct sha256_lanes {
	__m128i abef;
	__m128i cdgh;
};

SHA_INLINE void
sha256_load(struct sha256_lanes *s, const uint32_t words[static 8])
{
	__m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)words), 0xb1);
	__m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(words + 4)), 0x1b);

	s->abef = _mm_alignr_epi8(cdab, efgh, 8);
	s->cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
}

SHA_INLINE void
sha256_store(const struct sha256_lanes *s, uint32_t words[static 8])
{
	__m128i feba = _mm_shuffle_epi32(s->abef, 0x1b), dchg = _mm_shuffle_epi32(s->cdgh, 0xb1);

	_mm_storeu_si128((__m128i *)words, _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((__m128i *)(words + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* Four rounds on the schedule words w, of round 4 * i and following. */
SHA_INLINE void
sha256_quad(struct sha256_lanes *s, __m128i w, int i)
{
	__m128i wk = _mm_add_epi32(w, _mm_loadu_si128((const __m128i *)(bt_crypto_sha256_constants + 4 * i)));

	s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, wk);
	s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, _mm_shuffle_epi32(wk, 0x0e));
}

/* The schedule words sixteen after w0, which the fifteen that follow it make. */
SHA_INLINE __m128i
sha256_expand(__m128i w0, __m128i w1, __m128i w2, __m128i w3)
{
	__m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));

	return _mm_sha256msg2_epu32(sum, w3);
}

SHA_INLINE void
sha256_block(struct sha256_lanes *s, const uint8_t *in)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i w0 = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)in), swap);
	__m128i w1 = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(in + 16)), swap);
	__m128i w2 = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(in + 32)), swap);
	__m128i w3 = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(in + 48)), swap);
	struct sha256_lanes before = *s;

	for (int i = 0; i < 12; i += 4) {
		sha256_quad(s, w0, i);
		w0 = sha256_expand(w0, w1, w2, w3);
		sha256_quad(s, w1, i + 1);
		w1 = sha256_expand(w1, w2, w3, w0);
		sha256_quad(s, w2, i + 2);
		w2 = sha256_expand(w2, w3, w0, w1);
		sha256_quad(s, w3, i + 3);
		w3 = sha256_expand(w3, w0, w1, w2);
	}
	sha256_quad(s, w0, 12);
	sha256_quad(s, w1, 13);
	sha256_quad(s, w2, 14);
	sha256_quad(s, w3, 15);
	s->abef = _mm_add_epi32(s->abef, before.abef);
	s->cdgh = _mm_add_epi32(s->cdgh, before.cdgh);
}

#endif
