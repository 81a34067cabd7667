/*
 * arcfour-hmac (RFC 4757) and des3-cbc-sha1 (RFC 1964, with the key derivation of RFC 3961 §6.3). libcrypto's EVP has RC4 in its
 * legacy provider alone, which need not be installed; the low-level functions are deprecated since 3.0, and exported.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/des.h>
#include <openssl/md5.h>
#include <openssl/rc4.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "crypto/derive.h"
#include "crypto/legacy.h"
#include "crypto/walk.h"

enum {
	MD5_LEN = MD5_DIGEST_LENGTH,
	DES_LEN = 8,	    /* block */
	DES3_LEN = 24,	    /* key */
	SIGN_USAGE = 23,    /* of DES3 checksums, in Wrap and MIC tokens alike */
	RC4_WRAP_SALT = 13, /* RFC 4757 §7.3 */
	RC4_MIC_SALT = 15,  /* RFC 4757 §7.2 */
	RC4_SPREAD = 0xf0,  /* Klocal[i] = Kss[i] xor this. RFC 4757 §7.3 */
};

struct bt_crypto_legacy_key {
	const struct bt_crypto_profile *profile;
	union {
		struct { /* RFC 4757 §7.2-7.3 */
			uint8_t sign[MD5_LEN];
			uint8_t number[MD5_LEN]; /* Kseq, before it is bound to a checksum */
			uint8_t seal[MD5_LEN];	 /* Kcrypt, before it is bound to a number */
		} rc4;
		struct {
			DES_key_schedule schedule[3];
			uint8_t midstates[BT_CRYPTO_MIDSTATES_MAX];
		} des3;
	};
};

/* ---- arcfour-hmac ---- */

/* HMAC-MD5 of a short message under a key of 16 bytes; out may be key. */
static void
hmac_md5(const uint8_t key[static MD5_LEN], const void *text, size_t len, uint8_t out[static MD5_LEN])
{
	uint8_t inner[64], outer[64];
	MD5_CTX md5;

	memset(inner, 0x36, sizeof inner);
	memset(outer, 0x5c, sizeof outer);
	for (size_t i = 0; i < MD5_LEN; i++) {
		inner[i] ^= key[i];
		outer[i] ^= key[i];
	}
	MD5_Init(&md5);
	MD5_Update(&md5, inner, sizeof inner);
	MD5_Update(&md5, text, len);
	MD5_Final(out, &md5);
	MD5_Init(&md5);
	MD5_Update(&md5, outer, sizeof outer);
	MD5_Update(&md5, out, MD5_LEN);
	MD5_Final(out, &md5);
	bt_mem_wipe(&md5, sizeof md5);
	bt_mem_wipe(inner, sizeof inner);
	bt_mem_wipe(outer, sizeof outer);
}

static void
rc4_key(struct bt_crypto_legacy_key *key, const uint8_t *base)
{
	static const uint8_t salt[4];
	uint8_t local[MD5_LEN];

	for (size_t i = 0; i < MD5_LEN; i++)
		local[i] = base[i] ^ RC4_SPREAD;
	hmac_md5(base, "signaturekey", sizeof "signaturekey", key->rc4.sign);
	hmac_md5(base, salt, sizeof salt, key->rc4.number);
	hmac_md5(local, salt, sizeof salt, key->rc4.seal);
	bt_mem_wipe(local, sizeof local);
}

static void
rc4_sum(const struct bt_crypto_legacy_key *key, bool is_mic, const struct bt_crypto_seg *segs, size_t num_segs, uint8_t *mac)
{
	uint8_t salt[4] = {is_mic ? RC4_MIC_SALT : RC4_WRAP_SALT}, digest[MD5_LEN];
	MD5_CTX md5;

	MD5_Init(&md5);
	MD5_Update(&md5, salt, sizeof salt);
	for (size_t i = 0; i < num_segs; i++)
		MD5_Update(&md5, segs[i].in, segs[i].len);
	MD5_Final(digest, &md5);
	hmac_md5(key->rc4.sign, digest, sizeof digest, digest);
	memcpy(mac, digest, key->profile->row.mac_len);
	bt_mem_wipe(&md5, sizeof md5);
	bt_mem_wipe(digest, sizeof digest);
}

/* The stream of a key that is bound to what it is used for. */
static void
rc4_crypt(const uint8_t key[static MD5_LEN], const uint8_t *bound_to, size_t len, const struct bt_crypto_seg *segs,
	  size_t num_segs)
{
	uint8_t bound[MD5_LEN];
	RC4_KEY stream;

	hmac_md5(key, bound_to, len, bound);
	RC4_set_key(&stream, sizeof bound, bound);
	for (size_t i = 0; i < num_segs; i++)
		if (segs[i].out != NULL)
			RC4(&stream, segs[i].len, segs[i].in, segs[i].out);
	bt_mem_wipe(&stream, sizeof stream);
	bt_mem_wipe(bound, sizeof bound);
}

/* ---- des3-cbc-sha1 ---- */

static void
des3_expand(const uint8_t key[static DES3_LEN], DES_key_schedule schedule[static 3])
{
	for (size_t i = 0; i < 3; i++)
		DES_set_key_unchecked((const_DES_cblock *)(key + i * DES_LEN), &schedule[i]);
}

/* schedule is not altered: the function lacks a const. */
static void
des3_cbc(const DES_key_schedule *schedule, uint8_t iv[static DES_LEN], bool encrypts, const uint8_t *in, uint8_t *out,
	 size_t len)
{
	DES_key_schedule *k = (DES_key_schedule *)schedule;

	DES_ede3_cbc_encrypt(in, out, (long)len, &k[0], &k[1], &k[2], (DES_cblock *)iv, encrypts);
}

/* DK of RFC 3961 §5.1, of 168 bits, each 56 of which are spread over eight bytes with parity. RFC 3961 §6.3.1. */
static void
des3_derive(const uint8_t base[static DES3_LEN], struct bt_bytes constant, uint8_t out[static DES3_LEN])
{
	uint8_t block[DES_LEN], raw[DES3_LEN];
	DES_key_schedule schedule[3];

	bt_crypto_nfold(constant, block, sizeof block);
	des3_expand(base, schedule);
	for (size_t at = 0; at < sizeof raw; at += DES_LEN) {
		uint8_t iv[DES_LEN] = {0};

		des3_cbc(schedule, iv, true, block, block, sizeof block);
		memcpy(raw + at, block, sizeof block);
	}
	for (size_t i = 0; i < 3; i++, out += DES_LEN) {
		memcpy(out, raw + 7 * i, 7);
		out[7] = 0;
		for (size_t j = 0; j < 7; j++)
			out[7] |= (uint8_t)((out[j] & 1) << (j + 1));
		DES_set_odd_parity((DES_cblock *)out);
	}
	bt_mem_wipe(block, sizeof block);
	bt_mem_wipe(raw, sizeof raw);
	bt_mem_wipe(schedule, sizeof schedule);
}

static void
des3_key(struct bt_crypto_legacy_key *key, const uint8_t *base)
{
	static const uint8_t constant[] = {0, 0, 0, SIGN_USAGE, BT_CRYPTO_KC};
	uint8_t kc[DES3_LEN];

	des3_expand(base, key->des3.schedule);
	des3_derive(base, bt_bytes_of(constant, sizeof constant), kc);
	bt_crypto_hmac_key(&bt_crypto_sha1, kc, sizeof kc, key->des3.midstates);
	bt_mem_wipe(kc, sizeof kc);
}

static void
des3_sum(const struct bt_crypto_legacy_key *key, const struct bt_crypto_seg *segs, size_t num_segs, uint8_t *mac)
{
	struct bt_crypto_digest digest;

	bt_crypto_hmac_begin(&digest, &bt_crypto_sha1, key->des3.midstates);
	for (size_t i = 0; i < num_segs; i++)
		bt_crypto_digest_update(&digest, segs[i].in, segs[i].len);
	bt_crypto_hmac_end(&digest, key->des3.midstates, mac, key->profile->row.mac_len);
}

/* Block by block: segments may end anywhere. */
static void
des3_crypt(const struct bt_crypto_legacy_key *key, bool encrypts, const struct bt_crypto_seg *segs, size_t num_segs)
{
	struct bt_crypto_walk in = bt_crypto_walk_of(segs, num_segs, NULL), out = in;
	uint8_t iv[DES_LEN] = {0}, block[DES_LEN];

	while (bt_crypto_walk_run(&in) != 0) {
		bt_crypto_walk_read(&in, block, sizeof block);
		des3_cbc(key->des3.schedule, iv, encrypts, block, block, sizeof block);
		bt_crypto_walk_write(&out, block, sizeof block);
	}
	bt_mem_wipe(block, sizeof block);
}

/* ---- either ---- */

static bool
is_rc4(const struct bt_crypto_legacy_key *key)
{
	return key->profile->row.number == BT_CRYPTO_ARCFOUR_HMAC;
}

int
bt_crypto_legacy_key_new(const struct bt_crypto_enctype *et, const uint8_t *base, struct bt_crypto_legacy_key **out)
{
	if (!et->is_legacy)
		abort();
	if ((*out = bt_mem_alloc(sizeof **out)) == NULL)
		return BT_ERR_NOMEM;
	(*out)->profile = bt_crypto_profile_of(et);
	if (is_rc4(*out))
		rc4_key(*out, base);
	else
		des3_key(*out, base);
	return 0;
}

void
bt_crypto_legacy_key_free(struct bt_crypto_legacy_key *key)
{
	if (key != NULL)
		bt_mem_free_secret(key, sizeof *key);
}

void
bt_crypto_legacy_sum(const struct bt_crypto_legacy_key *key, bool is_mic, const struct bt_crypto_seg *segs, size_t num_segs,
		     uint8_t *mac)
{
	if (is_rc4(key))
		rc4_sum(key, is_mic, segs, num_segs, mac);
	else
		des3_sum(key, segs, num_segs, mac);
}

void
bt_crypto_legacy_number(const struct bt_crypto_legacy_key *key, bool encrypts, const uint8_t *mac,
			uint8_t number[static BT_CRYPTO_LEGACY_NUMBER_LEN])
{
	struct bt_crypto_seg seg = {number, number, BT_CRYPTO_LEGACY_NUMBER_LEN};
	uint8_t iv[DES_LEN];

	if (is_rc4(key)) {
		rc4_crypt(key->rc4.number, mac, key->profile->row.mac_len, &seg, 1);
		return;
	}
	memcpy(iv, mac, sizeof iv);
	des3_cbc(key->des3.schedule, iv, encrypts, number, number, BT_CRYPTO_LEGACY_NUMBER_LEN);
}

void
bt_crypto_legacy_crypt(const struct bt_crypto_legacy_key *key, bool encrypts, uint32_t seq, const struct bt_crypto_seg *segs,
		       size_t num_segs)
{
	uint8_t bound_to[4];

	bt_store_be32(bound_to, seq);
	if (is_rc4(key))
		rc4_crypt(key->rc4.seal, bound_to, sizeof bound_to, segs, num_segs);
	else
		des3_crypt(key, encrypts, segs, num_segs);
}

/* RFC 3961 §5.3 for DES3: the hash of the input, cut to whole blocks, encrypted under DK(key, "prf"). For RC4 what MIT krb5 does. */
void
bt_crypto_legacy_prf(const struct bt_crypto_profile *profile, const uint8_t *base, struct bt_bytes input, uint8_t *out)
{
	uint8_t midstates[BT_CRYPTO_MIDSTATES_MAX], hashed[BT_CRYPTO_STATE_MAX], key[DES3_LEN], iv[DES_LEN] = {0};
	struct bt_crypto_digest digest;
	DES_key_schedule schedule[3];

	if (profile->row.number == BT_CRYPTO_ARCFOUR_HMAC) {
		bt_crypto_hmac_key(&bt_crypto_sha1, base, profile->row.key_len, midstates);
		bt_crypto_hmac_begin(&digest, &bt_crypto_sha1, midstates);
		bt_crypto_digest_update(&digest, input.ptr, input.len);
		bt_crypto_hmac_end(&digest, midstates, out, profile->row.prf_len);
		bt_mem_wipe(midstates, sizeof midstates);
		return;
	}
	bt_crypto_digest_init(&digest, &bt_crypto_sha1, bt_crypto_sha1.initial.bytes, 0);
	bt_crypto_digest_update(&digest, input.ptr, input.len);
	bt_crypto_digest_final(&digest, hashed);
	des3_derive(base, bt_bytes_of_str("prf"), key);
	des3_expand(key, schedule);
	des3_cbc(schedule, iv, true, hashed, out, profile->row.prf_len);
	bt_mem_wipe(&digest, sizeof digest);
	bt_mem_wipe(hashed, sizeof hashed);
	bt_mem_wipe(schedule, sizeof schedule);
	bt_mem_wipe(key, sizeof key);
}
