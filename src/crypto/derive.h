/*
 * derive - usage keys from protocol keys. RFC 3961 §5.1 (n-fold, DR, DK) for enctypes 17 and 18, RFC 8009 §3 for 19 and 20,
 * RFC 6803 §3 for 25 and 26.
 */
#ifndef BT_CRYPTO_DERIVE_H
#define BT_CRYPTO_DERIVE_H

#include "base/bytes.h"
#include "crypto/aes.h"
#include "crypto/cmac.h"
#include "crypto/enctype.h"
#include "crypto/hmac.h"

/* The last byte of the well-known constant: which of a usage's three keys. RFC 3961 §5.3, RFC 8009 §5, RFC 6803 §6. */
enum bt_crypto_kind { BT_CRYPTO_KC = 0x99, BT_CRYPTO_KE = 0xaa, BT_CRYPTO_KI = 0x55 };

/* A protocol key ready to derive from; caller's storage, wiped by bt_crypto_source_done. */
struct bt_crypto_source {
	const struct bt_crypto_profile *profile;
	union {
		struct bt_crypto_aes aes;		    /* RFC 3962 */
		uint8_t midstates[BT_CRYPTO_MIDSTATES_MAX]; /* RFC 8009 */
		struct bt_crypto_cmac cmac;		    /* RFC 6803 */
	};
};

void bt_crypto_source_init(struct bt_crypto_source *source, const struct bt_crypto_profile *profile, const uint8_t *base);
void bt_crypto_source_done(struct bt_crypto_source *source);

/*
 * bt_crypto_derive_usage - a key of a usage: profile->row.key_len bytes for KE, profile->mac_key_len for KI and KC.
 * The caller wipes out.
 */
void bt_crypto_derive_usage(const struct bt_crypto_source *source, uint32_t usage, enum bt_crypto_kind kind, uint8_t *out);

/*
 * bt_crypto_derive_seal - KE and KI of a usage, as bt_crypto_derive_usage gives them, with neither waiting for the other. The caller
 * wipes both.
 */
void bt_crypto_derive_seal(const struct bt_crypto_source *source, uint32_t usage, uint8_t *ke, uint8_t *ki);

/* bt_crypto_derive_dk - DK of RFC 3961 with a constant of any length but 0; RFC 3962 profiles only. key_len bytes. */
void bt_crypto_derive_dk(const struct bt_crypto_source *source, struct bt_bytes constant, uint8_t *out);

/* bt_crypto_derive_sp800 - KDF-HMAC-SHA2 of RFC 8009 §3, RFC 8009 profiles only. len is at most the length of the hash. */
void bt_crypto_derive_sp800(const struct bt_crypto_source *source, struct bt_bytes label, struct bt_bytes context, uint8_t *out,
			    size_t len);

/* bt_crypto_derive_feedback - KDF-FEEDBACK-CMAC of RFC 6803 §3, RFC 6803 profiles only. key_len bytes. */
void bt_crypto_derive_feedback(const struct bt_crypto_source *source, struct bt_bytes constant, uint8_t *out);

/* bt_crypto_nfold - stretch or shrink in, of any length but 0, to out_len bytes. RFC 3961 §5.1. */
void bt_crypto_nfold(struct bt_bytes in, uint8_t *out, size_t out_len);

#endif
