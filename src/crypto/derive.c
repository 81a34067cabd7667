#include "crypto/derive.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/aes_ni.h"

static size_t
gcd(size_t a, size_t b)
{
	while (b != 0) {
		size_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Byte i of copies of in, one after the other, each rotated right by 13 bits more than the one before. */
static uint8_t
rotated_byte(struct bt_bytes in, size_t i)
{
	size_t num_bits = in.len * 8, copy = i / in.len;
	/* The bit that stands first in this byte: where the byte is, turned back by the rotation. */
	size_t bit = (i % in.len * 8 + num_bits - 13 * copy % num_bits) % num_bits;
	unsigned pair = (unsigned)in.ptr[bit / 8] << 8 | in.ptr[(bit / 8 + 1) % in.len];

	return (uint8_t)(pair >> (8 - bit % 8));
}

void
bt_crypto_nfold(struct bt_bytes in, uint8_t *out, size_t out_len)
{
	size_t total = in.len / gcd(in.len, out_len) * out_len;
	unsigned carry = 0;

	/* One's complement addition of all out_len-byte groups: from the last byte up, then the carry comes round. */
	memset(out, 0, out_len);
	for (size_t i = total; i-- > 0;) {
		carry += out[i % out_len] + (unsigned)rotated_byte(in, i);
		out[i % out_len] = (uint8_t)carry;
		carry >>= 8;
	}
	for (size_t i = out_len; carry != 0; carry >>= 8) {
		i = (i != 0 ? i : out_len) - 1;
		carry += out[i];
		out[i] = (uint8_t)carry;
	}
}

/* Of the usages of messages, from which most keys are derived: KC, KE, KI of each. RFC 4121 §2. */
enum { FIRST_MESSAGE = 22, NUM_MESSAGES = 4 };
static const uint64_t message_folds[NUM_MESSAGES][3][2] = {
    {{0x456fb85c234fcd5c, 0x9248a4522642d48a},
     {0x560080c05560555c, 0xd66ab55aaa82d6ab},
     {0x032c96cb5b0dad5b, 0x81c060301542cc06}},
    {{0x4df3fa7d3357cd60, 0x9449a4d26642f49a},
     {0x5e84c2e165685560, 0xd86bb5daea82f6bb},
     {0x0bb0d8ec6b15ad5f, 0x83c160b05542ec16}},
    {{0x55773b9e4360ce65, 0x964aa552a64314aa},
     {0x6608040275715665, 0xda6cb65b2a8316cb},
     {0x13341a0d7b1eae64, 0x85c2613095430c26}},
    {{0x5dfb7dbf5368ce69, 0x984ba5d2e64334ba},
     {0x6e8c462385795669, 0xdc6db6db6a8336db},
     {0x1bb85c2e8b26ae68, 0x87c361b0d5432c36}},
};

/*
 * The n-fold of usage | kind to one block. The same sum as bt_crypto_nfold's, in five additions of 128 bits: sixteen copies of
 * five bytes are five groups of sixteen.
 */
static void
nfold_usage(uint32_t usage, uint8_t kind, uint8_t out[static BT_CRYPTO_BLOCK_LEN])
{
	const uint64_t mask = ((uint64_t)1 << 40) - 1;
	uint64_t copy = (uint64_t)usage << 8 | kind;
	unsigned __int128 group = 0, sum = 0;
	unsigned filled = 0;

	if (usage - FIRST_MESSAGE < NUM_MESSAGES) {
		const uint64_t *fold = message_folds[usage - FIRST_MESSAGE][kind == BT_CRYPTO_KC ? 0 : kind == BT_CRYPTO_KE ? 1 : 2];

		bt_store_be64(out, fold[0]);
		bt_store_be64(out + 8, fold[1]);
		return;
	}
	/* Unrolled, all shifts are by constants. */
#if !defined(__clang__)
#pragma GCC unroll 16
#endif
	for (int i = 0; i < 16; i++) {
		unsigned over = filled + 40 >= 128 ? filled + 40 - 128 : 0;

		group = group << (40 - over) | copy >> over;
		filled += 40;
		if (filled >= 128) {
			sum += group;
			sum += sum < group;
			group = copy & (((uint64_t)1 << over) - 1);
			filled = over;
		}
		copy = (copy >> 13 | copy << 27) & mask;
	}
	bt_store_be64(out, (uint64_t)(sum >> 64));
	bt_store_be64(out + 8, (uint64_t)sum);
}

void
bt_crypto_source_init(struct bt_crypto_source *source, const struct bt_crypto_profile *profile, const uint8_t *base)
{
	if (profile->family == BT_CRYPTO_LEGACY)
		abort();
	source->profile = profile;
	if (profile->family == BT_CRYPTO_RFC3962)
		bt_crypto_aes_init(&source->aes, base, profile->row.key_len, true);
	else if (profile->family == BT_CRYPTO_RFC6803)
		bt_crypto_cmac_key(&source->cmac, base, profile->row.key_len);
	else
		bt_crypto_hmac_key(profile->hash, base, profile->row.key_len, source->midstates);
}

void
bt_crypto_source_done(struct bt_crypto_source *source)
{
	bt_mem_wipe(source, sizeof *source);
}

/* DR of one folded block: encrypt it, then what that gave, until there is enough key. */
static void
derive_folded(const struct bt_crypto_source *source, const uint8_t folded[static BT_CRYPTO_BLOCK_LEN], uint8_t *out)
{
	const uint8_t *in = folded;
	struct bt_crypto_cbc cbc;

	for (size_t at = 0; at < source->profile->row.key_len; at += BT_CRYPTO_BLOCK_LEN) {
		bt_crypto_cbc_begin(&cbc, &source->aes);
		bt_crypto_cbc_crypt(&cbc, in, out + at, BT_CRYPTO_BLOCK_LEN);
		bt_crypto_cbc_end(&cbc);
		in = out + at;
	}
	bt_mem_wipe(cbc.chain, sizeof cbc.chain);
}

void
bt_crypto_derive_dk(const struct bt_crypto_source *source, struct bt_bytes constant, uint8_t *out)
{
	uint8_t folded[BT_CRYPTO_BLOCK_LEN];

	if (source->profile->family != BT_CRYPTO_RFC3962)
		abort();
	bt_crypto_nfold(constant, folded, sizeof folded);
	derive_folded(source, folded, out);
}

/* K = HMAC(key, 00000001 | label | 00 | context | bits of K), one round of the counter. SP 800-108 §5.1. */
static void
kdf(const struct bt_crypto_hash *hash, const uint8_t *midstates, struct bt_bytes label, struct bt_bytes context, uint8_t *out,
    size_t len)
{
	static const uint8_t counter[4] = {0, 0, 0, 1}, separator[1] = {0};
	struct bt_crypto_digest digest;
	uint8_t num_bits[4];

	if (len > hash->digest_len)
		abort();
	bt_store_be32(num_bits, (uint32_t)len * 8);
	bt_crypto_hmac_begin(&digest, hash, midstates);
	bt_crypto_digest_update(&digest, counter, sizeof counter);
	bt_crypto_digest_update(&digest, label.ptr, label.len);
	bt_crypto_digest_update(&digest, separator, sizeof separator);
	bt_crypto_digest_update(&digest, context.ptr, context.len);
	bt_crypto_digest_update(&digest, num_bits, sizeof num_bits);
	bt_crypto_hmac_end(&digest, midstates, out, len);
}

void
bt_crypto_derive_sp800(const struct bt_crypto_source *source, struct bt_bytes label, struct bt_bytes context, uint8_t *out,
		       size_t len)
{
	if (source->profile->family != BT_CRYPTO_RFC8009)
		abort();
	kdf(source->profile->hash, source->midstates, label, context, out, len);
}

/* K(i) = CMAC(key, K(i-1) | i | constant | 00 | bits of K), from a K(0) of zeros. SP 800-108 §5.2. */
void
bt_crypto_derive_feedback(const struct bt_crypto_source *source, struct bt_bytes constant, uint8_t *out)
{
	static const uint8_t zeros[BT_CRYPTO_BLOCK_LEN], separator[1] = {0};
	const uint8_t *before = zeros;
	struct bt_crypto_digest digest;
	uint8_t counter[4], num_bits[4];

	if (source->profile->family != BT_CRYPTO_RFC6803)
		abort();
	bt_store_be32(num_bits, source->profile->row.key_len * 8u);
	for (uint32_t i = 0; i < source->profile->row.key_len / BT_CRYPTO_BLOCK_LEN; i++) {
		bt_store_be32(counter, i + 1);
		bt_crypto_cmac_begin(&digest, &source->cmac);
		bt_crypto_digest_update(&digest, before, BT_CRYPTO_BLOCK_LEN);
		bt_crypto_digest_update(&digest, counter, sizeof counter);
		bt_crypto_digest_update(&digest, constant.ptr, constant.len);
		bt_crypto_digest_update(&digest, separator, sizeof separator);
		bt_crypto_digest_update(&digest, num_bits, sizeof num_bits);
		bt_crypto_cmac_end(&digest, &source->cmac, out + i * BT_CRYPTO_BLOCK_LEN);
		before = out + i * BT_CRYPTO_BLOCK_LEN;
	}
}

void
bt_crypto_kdf_sha256(struct bt_bytes key, struct bt_bytes label, struct bt_bytes context, uint8_t *out, size_t len)
{
	uint8_t midstates[BT_CRYPTO_MIDSTATES_MAX];

	bt_crypto_hmac_key(&bt_crypto_sha256, key.ptr, key.len, midstates);
	kdf(&bt_crypto_sha256, midstates, label, context, out, len);
	bt_mem_wipe(midstates, sizeof midstates);
}

void
bt_crypto_derive_usage(const struct bt_crypto_source *source, uint32_t usage, enum bt_crypto_kind kind, uint8_t *out)
{
	const struct bt_crypto_profile *profile = source->profile;
	uint8_t constant[5], folded[BT_CRYPTO_BLOCK_LEN];

	if (profile->family == BT_CRYPTO_RFC3962) {
		nfold_usage(usage, (uint8_t)kind, folded);
		derive_folded(source, folded, out);
		return;
	}
	bt_store_be32(constant, usage);
	constant[4] = (uint8_t)kind;
	if (profile->family == BT_CRYPTO_RFC6803)
		bt_crypto_derive_feedback(source, bt_bytes_of(constant, sizeof constant), out);
	else
		bt_crypto_derive_sp800(source, bt_bytes_of(constant, sizeof constant), bt_bytes_of(NULL, 0), out,
				       kind == BT_CRYPTO_KE ? profile->row.key_len : profile->mac_key_len);
}

void
bt_crypto_derive_seal(const struct bt_crypto_source *source, uint32_t usage, uint8_t *ke, uint8_t *ki)
{
	uint8_t folded[2][BT_CRYPTO_BLOCK_LEN], *from_e = folded[0], *from_i = folded[1];

	if (source->profile->family != BT_CRYPTO_RFC3962 || source->aes.is_portable) {
		bt_crypto_derive_usage(source, usage, BT_CRYPTO_KE, ke);
		bt_crypto_derive_usage(source, usage, BT_CRYPTO_KI, ki);
		return;
	}
	nfold_usage(usage, BT_CRYPTO_KE, folded[0]);
	nfold_usage(usage, BT_CRYPTO_KI, folded[1]);
	for (size_t at = 0; at < source->profile->row.key_len; at += BT_CRYPTO_BLOCK_LEN) {
		bt_crypto_aes_ni_encrypt_two(&source->aes, from_e, from_i, ke + at, ki + at);
		from_e = ke + at;
		from_i = ki + at;
	}
}
