#include "crypto/sha_ni.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "crypto/sha_ni_rounds.h"

#define TARGET __attribute__((target("sha,sse4.1")))

TARGET void
bt_crypto_sha_ni_sha1(union bt_crypto_state *state, const uint8_t *blocks, size_t len)
{
	struct sha1_lanes s;

	sha1_load(&s, state->w32);
	for (; len != 0; len -= 64, blocks += 64)
		sha1_block(&s, blocks);
	sha1_store(&s, state->w32);
}

static const uint32_t k256[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* Four rounds on the schedule words w, which are round 4 * i and following. */
TARGET static inline void
sha256_quad(__m128i *abef, __m128i *cdgh, __m128i w, int i)
{
	__m128i wk = _mm_add_epi32(w, _mm_loadu_si128((const __m128i *)(k256 + 4 * i)));

	*cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, wk);
	*abef = _mm_sha256rnds2_epu32(*abef, *cdgh, _mm_shuffle_epi32(wk, 0x0e));
}

TARGET void
bt_crypto_sha_ni_sha256(union bt_crypto_state *state, const uint8_t *blocks, size_t len)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	/* The instructions want the words as ABEF and CDGH, high to low. */
	__m128i dcba = _mm_loadu_si128((const __m128i *)state->w32), hgfe = _mm_loadu_si128((const __m128i *)(state->w32 + 4));
	__m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
	__m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);

	for (; len != 0; len -= 64, blocks += 64) {
		__m128i abef_before = abef, cdgh_before = cdgh, w[4];

		for (int i = 0; i < 4; i++) {
			w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(blocks + 16 * i)), swap);
			sha256_quad(&abef, &cdgh, w[i], i);
		}
		for (int i = 4; i < 16; i += 4)
			for (int j = 0; j < 4; j++) {
				__m128i last = w[(j + 3) % 4], seven_ago = _mm_alignr_epi8(last, w[(j + 2) % 4], 4);

				w[j] = _mm_add_epi32(_mm_sha256msg1_epu32(w[j], w[(j + 1) % 4]), seven_ago);
				w[j] = _mm_sha256msg2_epu32(w[j], last);
				sha256_quad(&abef, &cdgh, w[j], i + j);
			}
		abef = _mm_add_epi32(abef, abef_before);
		cdgh = _mm_add_epi32(cdgh, cdgh_before);
	}
	efgh = _mm_shuffle_epi32(cdgh, 0xb1);
	cdab = _mm_shuffle_epi32(abef, 0x1b);
	_mm_storeu_si128((__m128i *)state->w32, _mm_blend_epi16(cdab, efgh, 0xf0));
	_mm_storeu_si128((__m128i *)(state->w32 + 4), _mm_alignr_epi8(efgh, cdab, 8));
}

#else

#include <stdlib.h>

void
bt_crypto_sha_ni_sha1(union bt_crypto_state *state, const uint8_t *blocks, size_t len)
{
	abort();
}

void
bt_crypto_sha_ni_sha256(union bt_crypto_state *state, const uint8_t *blocks, size_t len)
{
	abort();
}

#endif
