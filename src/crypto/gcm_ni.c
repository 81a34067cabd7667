#include "crypto/gcm_ni.h"

#if defined(__x86_64__)

#include "base/mem.h"
#include "crypto/aes_ni.h"
#include "crypto/aes_ni_rounds.h"

#define TARGET __attribute__((target("aes,sse4.1,ssse3,pclmul")))
#define INLINE TARGET __attribute__((always_inline)) static inline

/*
 * Blocks that are hashed before the sum is reduced, and that are encrypted in one go, so that the pipelines are full.
 * NUM_READY are encrypted while the powers of H are made, which wait for each other.
 */
enum { WIDTH = 8, BLOCK = BT_CRYPTO_BLOCK_LEN, NUM_READY = 3 * WIDTH };

/* Counters: 0 is none and makes H, 1 is the tag's, and the text's begin with 2. SP 800-38D §7.1. */
enum { OF_HASH = 0, OF_TAG = 1, OF_TEXT = 2 };

/* A product before its reduction, in three parts that can be summed over many blocks: low + middle * 2^64 + high * 2^128. */
struct product {
	__m128i low, middle, high;
};

/* What one message needs of a key. On the stack of one call, and wiped by it. */
struct gcm {
	struct bt_crypto_aes aes;
	__m128i ready[NUM_READY]; /* counters encrypted: groups of WIDTH, as many as the text needs */
	__m128i power[WIDTH];	  /* H, H^2, H^3 ..., bytes reversed: as many as there are blocks, up to WIDTH */
	__m128i hash;
};

/* GCM's bits run from the first byte's highest to the last's lowest; the multiplication wants the highest last. */
INLINE __m128i
reversed(__m128i v)
{
	return _mm_shuffle_epi8(v, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

INLINE void
add_product(struct product *sum, __m128i a, __m128i b)
{
	sum->low = _mm_xor_si128(sum->low, _mm_clmulepi64_si128(a, b, 0x00));
	sum->high = _mm_xor_si128(sum->high, _mm_clmulepi64_si128(a, b, 0x11));
	sum->middle = _mm_xor_si128(sum->middle, _mm_clmulepi64_si128(a, b, 0x10));
	sum->middle = _mm_xor_si128(sum->middle, _mm_clmulepi64_si128(a, b, 0x01));
}

/* Modulo x^128 + x^7 + x^2 + x + 1, of a product that stands one bit too low, since both factors were reversed. */
INLINE __m128i
reduced(struct product p)
{
	__m128i low = _mm_xor_si128(p.low, _mm_slli_si128(p.middle, 8));
	__m128i high = _mm_xor_si128(p.high, _mm_srli_si128(p.middle, 8));
	__m128i carry_low = _mm_srli_epi32(low, 31), carry_high = _mm_srli_epi32(high, 31), fold;

	/* One bit up, across words and across the two halves. */
	low = _mm_or_si128(_mm_slli_epi32(low, 1), _mm_slli_si128(carry_low, 4));
	high = _mm_or_si128(_mm_slli_epi32(high, 1), _mm_slli_si128(carry_high, 4));
	high = _mm_or_si128(high, _mm_srli_si128(carry_low, 12));
	/* The low half folds into the high one: first what leaves its words upwards, then the rest. */
	fold = _mm_xor_si128(_mm_slli_epi32(low, 31), _mm_xor_si128(_mm_slli_epi32(low, 30), _mm_slli_epi32(low, 25)));
	low = _mm_xor_si128(low, _mm_slli_si128(fold, 12));
	fold = _mm_srli_si128(fold, 4);
	fold = _mm_xor_si128(fold, _mm_xor_si128(_mm_srli_epi32(low, 1), _mm_xor_si128(_mm_srli_epi32(low, 2), _mm_srli_epi32(low, 7))));
	return _mm_xor_si128(high, _mm_xor_si128(low, fold));
}

INLINE __m128i
times(__m128i a, __m128i b)
{
	struct product p = {_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()};

	add_product(&p, a, b);
	return reduced(p);
}

/* The block of counter i: a nonce of twelve zero bytes, and i. SP 800-38D §7.1. */
INLINE __m128i
counter_block(uint32_t i)
{
	return _mm_insert_epi32(_mm_setzero_si128(), (int)__builtin_bswap32(i), 3);
}

static size_t
blocks_in(size_t len)
{
	return len / BLOCK + (len % BLOCK != 0);
}

/* WIDTH counters at once. */
INLINE void
encrypt_counters(const struct bt_crypto_aes *aes, uint32_t counter, __m128i out[static WIDTH])
{
	__m128i block[WIDTH], key;

	aes_reload_keys();
	key = aes_load(aes->schedule);
	AES_UNROLL
	for (int b = 0; b < WIDTH; b++)
		block[b] = _mm_xor_si128(counter_block(counter + (uint32_t)b), key);
	for (int i = 1; i < 14; i++) {
		key = aes_load(aes->schedule + BLOCK * i);
		AES_UNROLL
		for (int b = 0; b < WIDTH; b++)
			block[b] = _mm_aesenc_si128(block[b], key);
	}
	key = aes_load(aes->schedule + BLOCK * 14);
	AES_UNROLL
	for (int b = 0; b < WIDTH; b++)
		out[b] = _mm_aesenclast_si128(block[b], key);
}

/* Each power is of two of half its size, so that few wait for each other, and meanwhile something is encrypted. */
TARGET static void
begin(struct gcm *gcm, const uint8_t *key, size_t aad_len, size_t len)
{
	size_t num_hashed = blocks_in(aad_len) + blocks_in(len) + 1, num_counters = OF_TEXT + blocks_in(len);
	__m128i *power = gcm->power;

	gcm->aes.num_rounds = 14;
	gcm->aes.encrypts = true;
	bt_crypto_aes_ni_expand(&gcm->aes, key);
	encrypt_counters(&gcm->aes, 0, gcm->ready);
	power[0] = reversed(gcm->ready[OF_HASH]);
	if (num_hashed > 1)
		power[1] = times(power[0], power[0]);
	if (num_counters > WIDTH)
		encrypt_counters(&gcm->aes, WIDTH, gcm->ready + WIDTH);
	if (num_hashed > 2) {
		power[2] = times(power[1], power[0]);
		power[3] = times(power[1], power[1]);
	}
	if (num_counters > 2 * WIDTH)
		encrypt_counters(&gcm->aes, 2 * WIDTH, gcm->ready + 2 * WIDTH);
	if (num_hashed > 4) {
		power[4] = times(power[3], power[0]);
		power[5] = times(power[3], power[1]);
		power[6] = times(power[3], power[2]);
		power[7] = times(power[3], power[3]);
	}
	gcm->hash = _mm_setzero_si128();
}

/* Up to eight bytes, the first one lowest. */
INLINE uint64_t
load_few(const uint8_t *p, size_t len)
{
	uint32_t first, last;

	if (len < 4)
		return p[0] | (uint64_t)p[len / 2] << 8 * (len / 2) | (uint64_t)p[len - 1] << 8 * (len - 1);
	memcpy(&first, p, 4);
	memcpy(&last, p + len - 4, 4);
	return first | (uint64_t)last << 8 * (len - 4);
}

/* What there is of the last block, and zeros behind it. Not memcpy of a length that varies: that is a call. */
INLINE __m128i
load_part(const uint8_t *p, size_t len)
{
	uint64_t low, high;

	if (len <= 8)
		return _mm_set_epi64x(0, (int64_t)load_few(p, len));
	memcpy(&low, p, 8);
	memcpy(&high, p + len - 8, 8);
	return _mm_set_epi64x((int64_t)(high >> 8 * (BLOCK - len)), (int64_t)low);
}

/* The lengths of what is hashed, in bits: its last block. */
INLINE __m128i
lengths_of(size_t aad_len, size_t len)
{
	return _mm_set_epi64x((int64_t)aad_len * 8, (int64_t)len * 8);
}

/*
 * Blocks are hashed in groups, each times the power of H for its place in its group, and the sum of a group is reduced once.
 * This is a group of any length up to WIDTH: p with zeros up to a whole block, and after it, unless that is NULL, the lengths.
 */
INLINE void
hash_group(struct gcm *gcm, const uint8_t *p, size_t len, const __m128i *lengths)
{
	struct product sum = {_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()};
	size_t left = blocks_in(len) + (lengths != NULL);
	__m128i before = gcm->hash;

	for (; len >= BLOCK; len -= BLOCK, p += BLOCK) {
		add_product(&sum, _mm_xor_si128(before, reversed(aes_load(p))), gcm->power[--left]);
		before = _mm_setzero_si128();
	}
	if (len != 0) {
		add_product(&sum, _mm_xor_si128(before, reversed(load_part(p, len))), gcm->power[--left]);
		before = _mm_setzero_si128();
	}
	if (lengths != NULL)
		add_product(&sum, _mm_xor_si128(before, *lengths), gcm->power[--left]);
	gcm->hash = reduced(sum);
}

/* All of aad, or all of the text with the lengths. */
INLINE void
hash(struct gcm *gcm, const uint8_t *p, size_t len, const __m128i *lengths)
{
	for (; len >= WIDTH * BLOCK; len -= WIDTH * BLOCK, p += WIDTH * BLOCK) {
		struct product sum = {_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()};

		AES_UNROLL
		for (int b = 1; b < WIDTH; b++)
			add_product(&sum, reversed(aes_load(p + BLOCK * b)), gcm->power[WIDTH - 1 - b]);
		add_product(&sum, _mm_xor_si128(gcm->hash, reversed(aes_load(p))), gcm->power[WIDTH - 1]);
		gcm->hash = reduced(sum);
	}
	if (lengths != NULL && blocks_in(len) == WIDTH) {
		hash_group(gcm, p, BLOCK, NULL);
		len -= BLOCK;
		p += BLOCK;
	}
	if (len != 0 || lengths != NULL)
		hash_group(gcm, p, len, lengths);
}

TARGET static void
make_tag(struct gcm *gcm, struct bt_bytes aad, const uint8_t *sealed, size_t len, uint8_t tag[static BT_CRYPTO_AEAD_TAG_LEN])
{
	__m128i lengths = lengths_of(aad.len, len);

	hash(gcm, aad.ptr, aad.len, NULL);
	hash(gcm, sealed, len, &lengths);
	aes_store(tag, _mm_xor_si128(reversed(gcm->hash), gcm->ready[OF_TAG]));
}

/* Whole blocks and at most one that is not; where there is room behind that one, more may be written. */
INLINE void
xor_blocks(const __m128i *stream, const uint8_t *in, uint8_t *out, size_t len, bool has_room)
{
	uint8_t rest[BLOCK];

	for (; len >= BLOCK; stream++, len -= BLOCK, in += BLOCK, out += BLOCK)
		aes_store(out, _mm_xor_si128(*stream, aes_load(in)));
	if (len == 0)
		return;
	aes_store(has_room ? out : rest, _mm_xor_si128(*stream, load_part(in, len)));
	if (!has_room) {
		memcpy(out, rest, len);
		bt_mem_wipe(rest, sizeof rest);
	}
}

/* out may be in. */
INLINE void
count_mode(struct gcm *gcm, const uint8_t *in, uint8_t *out, size_t len, bool has_room)
{
	enum { READY_LEN = (NUM_READY - OF_TEXT) * BLOCK, STEP = WIDTH * BLOCK };
	size_t now = len < READY_LEN ? len : READY_LEN;

	xor_blocks(gcm->ready + OF_TEXT, in, out, now, has_room);
	for (uint32_t counter = NUM_READY; (len -= now) != 0; counter += WIDTH) {
		in += now;
		out += now;
		now = len < STEP ? len : STEP;
		encrypt_counters(&gcm->aes, counter, gcm->ready + WIDTH);
		xor_blocks(gcm->ready + WIDTH, in, out, now, has_room);
	}
}

TARGET void
bt_crypto_gcm_ni_seal(const uint8_t key[static BT_CRYPTO_AEAD_KEY_LEN], struct bt_bytes aad, struct bt_bytes text,
		      uint8_t *sealed)
{
	struct gcm gcm;

	begin(&gcm, key, aad.len, text.len);
	/* Behind the text is room for the tag. */
	count_mode(&gcm, text.ptr, sealed, text.len, true);
	make_tag(&gcm, aad, sealed, text.len, sealed + text.len);
	bt_mem_wipe(&gcm, sizeof gcm);
}

TARGET bool
bt_crypto_gcm_ni_open(const uint8_t key[static BT_CRYPTO_AEAD_KEY_LEN], struct bt_bytes aad, struct bt_bytes sealed,
		      const uint8_t tag[static BT_CRYPTO_AEAD_TAG_LEN], uint8_t *text)
{
	uint8_t want[BT_CRYPTO_AEAD_TAG_LEN];
	struct gcm gcm;
	bool is_good;

	begin(&gcm, key, aad.len, sealed.len);
	make_tag(&gcm, aad, sealed.ptr, sealed.len, want);
	if ((is_good = bt_mem_equal(want, tag, sizeof want)))
		count_mode(&gcm, sealed.ptr, text, sealed.len, false);
	bt_mem_wipe(want, sizeof want);
	bt_mem_wipe(&gcm, sizeof gcm);
	return is_good;
}

#else

#include <stdlib.h>

void
bt_crypto_gcm_ni_seal(const uint8_t key[static BT_CRYPTO_AEAD_KEY_LEN], struct bt_bytes aad, struct bt_bytes text,
		      uint8_t *sealed)
{
	abort();
}

bool
bt_crypto_gcm_ni_open(const uint8_t key[static BT_CRYPTO_AEAD_KEY_LEN], struct bt_bytes aad, struct bt_bytes sealed,
		      const uint8_t tag[static BT_CRYPTO_AEAD_TAG_LEN], uint8_t *text)
{
	abort();
}

#endif
