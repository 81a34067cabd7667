#include "crypto/stitch_kernels.h"

#if defined(__x86_64__)

#include <endian.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/aes_ni_rounds.h"

#define TARGET __attribute__((target("aes,sse4.1,bmi,bmi2")))

/* FIPS 180-4 §4.2.3. */
static const uint64_t constants[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538, 0x59f111f1b605d019,
    0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3,
    0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65, 0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
    0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b, 0xa2bfe8a14cf10364, 0xa81a664bbc423001,
    0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb,
    0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c, 0xd186b8c721c0c207,
    0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a,
    0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

static inline __attribute__((always_inline)) uint64_t
rotate(uint64_t x, int n)
{
	return x >> n | x << (64 - n);
}

/*
 * The processor cannot look far enough ahead to find the next block of AES behind 80 rounds of SHA-512, so they are written in
 * turns: two steps of AES in each round, which is a block of AES-256 (fifteen steps) in eight rounds.
 */
#define AES_STEP(step)                                                                                 \
	do {                                                                                           \
		if ((step) == 0)                                                                       \
			chain = _mm_xor_si128(_mm_xor_si128(chain, aes_load(in)), aes_load(schedule)); \
		else if ((step) < 14)                                                                  \
			chain = _mm_aesenc_si128(chain, aes_load(schedule + 16 * (step)));             \
		else if ((step) == 14)                                                                 \
			chain = _mm_aesenclast_si128(chain, aes_load(schedule + 16 * (step)));         \
		else {                                                                                 \
			aes_store(out, chain);                                                         \
			in += 16;                                                                      \
			out += 16;                                                                     \
		}                                                                                      \
	} while (0)

/* Round i of sixteen. FIPS 180-4 §6.4.2; Ch and Maj in the forms with the fewest operations. */
#define ROUND(a, b, c, d, e, f, g, h, i)                                                                   \
	do {                                                                                               \
		h += (rotate(e, 14) ^ rotate(e, 18) ^ rotate(e, 41)) + ((e & f) ^ (~e & g)) + k[i] + w[i]; \
		d += h;                                                                                    \
		h += (rotate(a, 28) ^ rotate(a, 34) ^ rotate(a, 39)) + ((a & b) | (c & (a | b)));          \
	} while (0)

/* The schedule word sixteen rounds after word i. */
#define EXPAND(i)                                                                          \
	do {                                                                               \
		uint64_t one = w[((i) + 1) % 16], fourteen = w[((i) + 14) % 16];           \
                                                                                           \
		w[i] += (rotate(one, 1) ^ rotate(one, 8) ^ one >> 7) + w[((i) + 9) % 16] + \
			(rotate(fourteen, 19) ^ rotate(fourteen, 61) ^ fourteen >> 6);     \
	} while (0)

#define ROUND_AND_AES(a, b, c, d, e, f, g, h, i)  \
	do {                                      \
		AES_STEP(2 * (i) % 16);           \
		ROUND(a, b, c, d, e, f, g, h, i); \
		AES_STEP(2 * (i) % 16 + 1);       \
		EXPAND(i);                        \
	} while (0)

#define SIXTEEN(what)                             \
	do {                                      \
		what(a, b, c, d, e, f, g, h, 0);  \
		what(h, a, b, c, d, e, f, g, 1);  \
		what(g, h, a, b, c, d, e, f, 2);  \
		what(f, g, h, a, b, c, d, e, 3);  \
		what(e, f, g, h, a, b, c, d, 4);  \
		what(d, e, f, g, h, a, b, c, 5);  \
		what(c, d, e, f, g, h, a, b, 6);  \
		what(b, c, d, e, f, g, h, a, 7);  \
		what(a, b, c, d, e, f, g, h, 8);  \
		what(h, a, b, c, d, e, f, g, 9);  \
		what(g, h, a, b, c, d, e, f, 10); \
		what(f, g, h, a, b, c, d, e, 11); \
		what(e, f, g, h, a, b, c, d, 12); \
		what(d, e, f, g, h, a, b, c, 13); \
		what(c, d, e, f, g, h, a, b, 14); \
		what(b, c, d, e, f, g, h, a, 15); \
	} while (0)

TARGET void
bt_crypto_stitch_sha512(struct bt_crypto_cbc *cbc, union bt_crypto_state *state, const uint8_t *hashed, const uint8_t *in,
			uint8_t *out, size_t num_steps)
{
	const uint8_t *schedule = cbc->aes->schedule;
	__m128i chain = aes_load(cbc->chain);
	uint64_t *s = state->w64, w[16];

	for (; num_steps != 0; num_steps--, hashed += 128) {
		uint64_t a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];
		const uint64_t *k = constants;

		aes_reload_keys();
		memcpy(w, hashed, sizeof w);
		for (int i = 0; i < 16; i++)
			w[i] = be64toh(w[i]);
		/* Eight blocks of AES beside the first 64 rounds; the last 16 run out alone. */
		for (int i = 0; i < 4; i++, k += 16)
			SIXTEEN(ROUND_AND_AES);
		SIXTEEN(ROUND);
		s[0] += a;
		s[1] += b;
		s[2] += c;
		s[3] += d;
		s[4] += e;
		s[5] += f;
		s[6] += g;
		s[7] += h;
	}
	aes_store(cbc->chain, chain);
	bt_mem_wipe(w, sizeof w);
}

#else

#include <stdlib.h>

void
bt_crypto_stitch_sha512(struct bt_crypto_cbc *cbc, union bt_crypto_state *state, const uint8_t *hashed, const uint8_t *in,
			uint8_t *out, size_t num_steps)
{
	abort();
}

#endif
