#include "crypto/gcm_ni.h"

#if defined(__x86_64__)

#include "base/mem.h"
#include "crypto/aes_ni.h"
#include "crypto/aes_ni_rounds.h"

#define TARGET __attribute__((target("aes,sse4.1,ssse3,pclmul")))
#define INLINE TARGET __attribute__((always_inline)) static inline

/* Blocks that are hashed before the sum is reduced, and counters that are encrypted in one go. */
enum { WIDTH = 8, BLOCK = BT_CRYPTO_BLOCK_LEN };

/* A product before its reduction, in three parts that can be summed over many blocks: low + middle * 2^64 + high * 2^128. */
struct product {
	__m128i low, middle, high;
};

/* What one message needs of a key. On the stack of one call, and wiped by it. */
struct gcm {
	struct bt_crypto_aes aes;
	__m128i power[WIDTH]; /* H, H^2, H^3 ..., bytes reversed: as many as there are blocks, up to WIDTH */
	__m128i tag_mask;
	__m128i hash;
	struct product sum; /* of the group of blocks begun */
	size_t num_left;    /* blocks still to be hashed, those of the group included */
	size_t group_left;  /* of the group; 0: none is begun */
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

/* The powers that num blocks need. Each from two of half its size, so that few wait for each other. */
INLINE void
raise(__m128i power[static WIDTH], size_t num)
{
	if (num > 1)
		power[1] = times(power[0], power[0]);
	if (num > 2) {
		power[2] = times(power[1], power[0]);
		power[3] = times(power[1], power[1]);
	}
	if (num > 4) {
		power[4] = times(power[3], power[0]);
		power[5] = times(power[3], power[1]);
		power[6] = times(power[3], power[2]);
		power[7] = times(power[3], power[3]);
	}
}

TARGET static void
begin(struct gcm *gcm, const uint8_t *key, size_t aad_len, size_t len)
{
	__m128i zero = _mm_setzero_si128(), one = counter_block(1), round_key;

	gcm->aes.num_rounds = 14;
	gcm->aes.encrypts = true;
	bt_crypto_aes_ni_expand(&gcm->aes, key);
	/* What H and the mask of the tag are made of, side by side. */
	round_key = aes_load(gcm->aes.schedule);
	zero = _mm_xor_si128(zero, round_key);
	one = _mm_xor_si128(one, round_key);
	for (int i = 1; i < 14; i++) {
		round_key = aes_load(gcm->aes.schedule + BLOCK * i);
		zero = _mm_aesenc_si128(zero, round_key);
		one = _mm_aesenc_si128(one, round_key);
	}
	round_key = aes_load(gcm->aes.schedule + BLOCK * 14);
	gcm->power[0] = reversed(_mm_aesenclast_si128(zero, round_key));
	gcm->tag_mask = _mm_aesenclast_si128(one, round_key);
	gcm->hash = _mm_setzero_si128();
	gcm->num_left = blocks_in(aad_len) + blocks_in(len) + 1;
	gcm->group_left = 0;
	raise(gcm->power, gcm->num_left);
}

/*
 * The next block of the hash. Blocks go in groups, each times the power of H for its place in the group, and the sum of a group is
 * reduced once; the first group is the short one.
 */
INLINE void
hash_block(struct gcm *gcm, __m128i block)
{
	block = reversed(block);
	if (gcm->group_left == 0) {
		gcm->group_left = (gcm->num_left - 1) % WIDTH + 1;
		gcm->sum = (struct product){_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()};
		block = _mm_xor_si128(block, gcm->hash);
	}
	add_product(&gcm->sum, block, gcm->power[--gcm->group_left]);
	gcm->num_left--;
	if (gcm->group_left == 0)
		gcm->hash = reduced(gcm->sum);
}

/* The next bytes of the hash, with zeros up to a whole block. */
TARGET static void
hash(struct gcm *gcm, const uint8_t *p, size_t len)
{
	uint8_t last[BLOCK] = {0};

	while (len >= BLOCK && (gcm->group_left != 0 || gcm->num_left % WIDTH != 0 || len < WIDTH * BLOCK)) {
		hash_block(gcm, aes_load(p));
		len -= BLOCK;
		p += BLOCK;
	}
	/* Whole groups. */
	for (; len >= WIDTH * BLOCK; len -= WIDTH * BLOCK, p += WIDTH * BLOCK) {
		struct product sum = {_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()};

		add_product(&sum, _mm_xor_si128(gcm->hash, reversed(aes_load(p))), gcm->power[WIDTH - 1]);
		AES_UNROLL
		for (int b = 1; b < WIDTH; b++)
			add_product(&sum, reversed(aes_load(p + BLOCK * b)), gcm->power[WIDTH - 1 - b]);
		gcm->hash = reduced(sum);
		gcm->num_left -= WIDTH;
	}
	for (; len >= BLOCK; len -= BLOCK, p += BLOCK)
		hash_block(gcm, aes_load(p));
	if (len != 0) {
		memcpy(last, p, len);
		hash_block(gcm, aes_load(last));
	}
}

/* WIDTH counters at once, so that the pipeline of the instruction is full. */
INLINE void
key_stream(const struct bt_crypto_aes *aes, uint32_t counter, __m128i stream[static WIDTH])
{
	__m128i key;

	aes_reload_keys();
	key = aes_load(aes->schedule);
	AES_UNROLL
	for (int b = 0; b < WIDTH; b++)
		stream[b] = _mm_xor_si128(counter_block(counter + (uint32_t)b), key);
	for (int i = 1; i < 14; i++) {
		key = aes_load(aes->schedule + BLOCK * i);
		AES_UNROLL
		for (int b = 0; b < WIDTH; b++)
			stream[b] = _mm_aesenc_si128(stream[b], key);
	}
	key = aes_load(aes->schedule + BLOCK * 14);
	AES_UNROLL
	for (int b = 0; b < WIDTH; b++)
		stream[b] = _mm_aesenclast_si128(stream[b], key);
}

/* out may be in. */
TARGET static void
count_mode(const struct gcm *gcm, const uint8_t *in, uint8_t *out, size_t len)
{
	uint32_t counter = 2; /* 1 is the tag's */
	__m128i stream[WIDTH];
	uint8_t rest[BLOCK];
	int b;

	for (; len >= WIDTH * BLOCK; len -= WIDTH * BLOCK, in += WIDTH * BLOCK, out += WIDTH * BLOCK, counter += WIDTH) {
		key_stream(&gcm->aes, counter, stream);
		AES_UNROLL
		for (b = 0; b < WIDTH; b++)
			aes_store(out + BLOCK * b, _mm_xor_si128(stream[b], aes_load(in + BLOCK * b)));
	}
	if (len != 0) {
		key_stream(&gcm->aes, counter, stream);
		for (b = 0; len >= BLOCK; b++, len -= BLOCK, in += BLOCK, out += BLOCK)
			aes_store(out, _mm_xor_si128(stream[b], aes_load(in)));
		aes_store(rest, stream[b]);
		for (size_t i = 0; i < len; i++)
			out[i] = in[i] ^ rest[i];
		bt_mem_wipe(rest, sizeof rest);
	}
	bt_mem_wipe(stream, sizeof stream);
}

/* The tag over what was hashed and its lengths in bits. SP 800-38D §7.1. */
TARGET static void
make_tag(struct gcm *gcm, size_t aad_len, size_t len, uint8_t tag[static BT_CRYPTO_AEAD_TAG_LEN])
{
	uint8_t lengths[BLOCK];

	bt_store_be64(lengths, (uint64_t)aad_len * 8);
	bt_store_be64(lengths + 8, (uint64_t)len * 8);
	hash_block(gcm, aes_load(lengths));
	aes_store(tag, _mm_xor_si128(reversed(gcm->hash), gcm->tag_mask));
}

TARGET void
bt_crypto_gcm_ni_seal(const uint8_t key[static BT_CRYPTO_AEAD_KEY_LEN], struct bt_bytes aad, struct bt_bytes text,
		      uint8_t *sealed)
{
	struct gcm gcm;

	begin(&gcm, key, aad.len, text.len);
	hash(&gcm, aad.ptr, aad.len);
	count_mode(&gcm, text.ptr, sealed, text.len);
	hash(&gcm, sealed, text.len);
	make_tag(&gcm, aad.len, text.len, sealed + text.len);
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
	hash(&gcm, aad.ptr, aad.len);
	hash(&gcm, sealed.ptr, sealed.len);
	make_tag(&gcm, aad.len, sealed.len, want);
	if ((is_good = bt_mem_equal(want, tag, sizeof want)))
		count_mode(&gcm, sealed.ptr, text, sealed.len);
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
