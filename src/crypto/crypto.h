/*
 * crypto - RFC 3961 enctypes and the few primitives the library needs besides.
 *
 * The only room that sees libcrypto. It protects segments of memory under
 * usage keys; it knows nothing of tokens, sequence numbers or directions.
 *
 * A usage key is one immutable object: cipher round keys and the state of a keyed hash,
 * made once from a protocol key and a usage number. Any number of threads
 * may use one key at the same time. Making a key allocates; using one does not.
 * Keys are freed, and thereby wiped, by who made them.
 */
#ifndef BT_CRYPTO_CRYPTO_H
#define BT_CRYPTO_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum {
	BT_CRYPTO_BLOCK_LEN = 16,    /* cipher block and confounder, bytes */
	BT_CRYPTO_KEY_MAX = 32,	     /* longest protocol key, bytes */
	BT_CRYPTO_MAC_MAX = 24,	     /* longest checksum, bytes */
	BT_CRYPTO_PRF_MAX = 48,	     /* longest RFC 3961 pseudo-random output, bytes */
	BT_CRYPTO_AEAD_KEY_LEN = 32, /* AES-256-GCM */
	BT_CRYPTO_AEAD_TAG_LEN = 16,
	BT_CRYPTO_X25519_LEN = 32, /* either key, and what two sides share */
};

/* What RFC 3962 §6-7, RFC 8009 §5-7 and RFC 6803 §6-9 fix for one enctype; lengths in bytes. */
struct bt_crypto_enctype {
	int32_t number;	   /* IANA Kerberos encryption type: 16 to 20, 23, 25, 26 */
	const char *name;  /* "aes256-cts-hmac-sha1-96" */
	uint16_t strength; /* bits, as GSS_C_SEC_CONTEXT_SASL_SSF reports them */
	uint8_t key_len;   /* protocol key */
	uint8_t mac_len;   /* checksum: truncated HMAC, or CMAC */
	uint8_t prf_len;   /* pseudo-random output */
	bool is_legacy;	   /* makes tokens of RFC 1964 and RFC 4757: bt_crypto_legacy_key, and no usage key */
};

/* The legacy enctypes' numbers. */
enum { BT_CRYPTO_DES3_CBC_SHA1 = 16, BT_CRYPTO_ARCFOUR_HMAC = 23 };

/* bt_crypto_enctype_of - the row of an enctype number, or NULL if this room does not have it. */
const struct bt_crypto_enctype *bt_crypto_enctype_of(int32_t number);

/* ---- usage keys ---- */

struct bt_crypto_seal_key; /* Ke and Ki of one usage, for one direction */
struct bt_crypto_mac_key;  /* Kc of one usage */

/*
 * bt_crypto_seal_key_new - keys that encrypt (or decrypt) with integrity. RFC 3961 §5.3, RFC 8009 §3, RFC 6803 §6.
 *   base  protocol key, et->key_len bytes
 * Errors: NOMEM, CRYPTO; then out is NULL.
 */
int bt_crypto_seal_key_new(const struct bt_crypto_enctype *et, const uint8_t *base, uint32_t usage, bool encrypts,
			   struct bt_crypto_seal_key **out);
void bt_crypto_seal_key_free(struct bt_crypto_seal_key *key);

/* bt_crypto_mac_key_new - the key of a checksum. RFC 3961 §5.4. Errors: NOMEM, CRYPTO; then out is NULL. */
int bt_crypto_mac_key_new(const struct bt_crypto_enctype *et, const uint8_t *base, uint32_t usage,
			  struct bt_crypto_mac_key **out);
void bt_crypto_mac_key_free(struct bt_crypto_mac_key *key);

/* ---- protecting segments ---- */

/*
 * One piece of a message. in and out may be the same memory and must not overlap otherwise.
 * out NULL: the bytes count for the integrity check only ("sign only"), at the place where they stand.
 */
struct bt_crypto_seg {
	const uint8_t *in;
	uint8_t *out;
	size_t len;
};

/*
 * bt_crypto_encrypt - encrypt the segments as one message, zero cipher state, with ciphertext stealing (CBC-CS3).
 *   segs  the first encrypted one begins with the confounder, which the caller made; at least
 *         BT_CRYPTO_BLOCK_LEN bytes are encrypted in all
 *   mac   et->mac_len bytes, written
 * Cannot fail.
 */
void bt_crypto_encrypt(const struct bt_crypto_seal_key *key, const struct bt_crypto_seg *segs, size_t num_segs, uint8_t *mac);

/*
 * bt_crypto_decrypt - the reverse, and the check.
 *   mac   et->mac_len bytes, from the token
 * Errors: BAD_MIC (also: fewer than BT_CRYPTO_BLOCK_LEN encrypted bytes). Enctypes 19 and 20 check before they
 * decrypt; for the others, which can not, what was written to out is wiped on error.
 */
int bt_crypto_decrypt(const struct bt_crypto_seal_key *key, const struct bt_crypto_seg *segs, size_t num_segs,
		      const uint8_t *mac);

/* bt_crypto_mac - checksum of the segments (out is not looked at); writes et->mac_len bytes. Cannot fail. */
void bt_crypto_mac(const struct bt_crypto_mac_key *key, const struct bt_crypto_seg *segs, size_t num_segs, uint8_t *mac);

/* bt_crypto_mac_check - compare in constant time. Errors: BAD_MIC. */
int bt_crypto_mac_check(const struct bt_crypto_mac_key *key, const struct bt_crypto_seg *segs, size_t num_segs,
			const uint8_t *mac);

/* bt_crypto_prf - RFC 3961 pseudo-random of the enctype; writes et->prf_len bytes. Errors: NOMEM, CRYPTO. */
int bt_crypto_prf(const struct bt_crypto_enctype *et, const uint8_t *base, struct bt_bytes input, uint8_t *out);

/* ---- legacy enctypes: RFC 1964 §1.2, RFC 4757 §7 ---- */

enum {
	BT_CRYPTO_LEGACY_BLOCK_LEN = 8,	 /* confounder of either, and cipher block of DES3 */
	BT_CRYPTO_LEGACY_NUMBER_LEN = 8, /* encrypted sequence number */
};

struct bt_crypto_legacy_key; /* all that one protocol key is used for, in both directions; immutable */

/* bt_crypto_legacy_key_new - et is a legacy one. Errors: NOMEM; then out is NULL. */
int bt_crypto_legacy_key_new(const struct bt_crypto_enctype *et, const uint8_t *base, struct bt_crypto_legacy_key **out);
void bt_crypto_legacy_key_free(struct bt_crypto_legacy_key *key);

/* bt_crypto_legacy_sum - checksum of the segments' input, of a MIC or of a Wrap token; writes et->mac_len bytes. */
void bt_crypto_legacy_sum(const struct bt_crypto_legacy_key *key, bool is_mic, const struct bt_crypto_seg *segs,
			  size_t num_segs, uint8_t *mac);

/* bt_crypto_legacy_number - encrypt a sequence number where it stands, or decrypt it; bound to the token's checksum. */
void bt_crypto_legacy_number(const struct bt_crypto_legacy_key *key, bool encrypts, const uint8_t *mac,
			     uint8_t number[static BT_CRYPTO_LEGACY_NUMBER_LEN]);

/*
 * bt_crypto_legacy_crypt - encrypt or decrypt the segments that have an output, as one message. With no integrity: that is the sum's.
 *   seq   the token's number, which RC4's key is made from
 *   segs  for DES3 whole blocks in all
 */
void bt_crypto_legacy_crypt(const struct bt_crypto_legacy_key *key, bool encrypts, uint32_t seq,
			    const struct bt_crypto_seg *segs, size_t num_segs);

/* ---- besides enctypes ---- */

/*
 * bt_crypto_random - len unpredictable bytes; never the same ones again, in a forked child either. Errors: ENTROPY; then out
 * is zeroed. Short requests come from a per-thread reserve and cost no system call.
 */
int bt_crypto_random(void *out, size_t len);

/*
 * bt_crypto_aead_seal - AES-256-GCM with a zero nonce, so a key seals one message only.
 *   sealed  text.len + BT_CRYPTO_AEAD_TAG_LEN bytes, may be text.ptr
 * Errors: CRYPTO. bt_crypto_aead_open errors: BAD_MIC (then text is wiped), CRYPTO.
 *   text    sealed.len - BT_CRYPTO_AEAD_TAG_LEN bytes; a shorter sealed is BAD_MIC
 */
int bt_crypto_aead_seal(const uint8_t key[static BT_CRYPTO_AEAD_KEY_LEN], struct bt_bytes aad, struct bt_bytes text,
			uint8_t *sealed);
int bt_crypto_aead_open(const uint8_t key[static BT_CRYPTO_AEAD_KEY_LEN], struct bt_bytes aad, struct bt_bytes sealed,
			uint8_t *text);

/*
 * bt_crypto_x25519_new - a fresh key pair. RFC 7748 §6.1. The caller wipes secret.
 * Errors: ENTROPY, CRYPTO; then both are zeroed.
 */
int bt_crypto_x25519_new(uint8_t secret[static BT_CRYPTO_X25519_LEN], uint8_t public[static BT_CRYPTO_X25519_LEN]);

/*
 * bt_crypto_x25519 - what the owners of secret and of peer, a public key, share. The caller wipes it.
 * Errors: MALFORMED (peer is a point of small order: the result would be zero whatever the secret, RFC 7748 §6.1), CRYPTO; then
 * shared is zeroed.
 */
int bt_crypto_x25519(const uint8_t secret[static BT_CRYPTO_X25519_LEN], const uint8_t peer[static BT_CRYPTO_X25519_LEN],
		     uint8_t shared[static BT_CRYPTO_X25519_LEN]);

/*
 * bt_crypto_kdf_sha256 - key derivation in counter mode with HMAC-SHA-256, one round. SP 800-108 §5.1.
 *   key  at most 64 bytes
 *   len  at most 32 bytes; it goes into the derivation
 * Cannot fail.
 */
void bt_crypto_kdf_sha256(struct bt_bytes key, struct bt_bytes label, struct bt_bytes context, uint8_t *out, size_t len);

#endif
