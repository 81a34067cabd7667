/*
 * integrity - the keyed half of an enctype: HMAC, or CMAC where the profile's family has it, under one name.
 */
#ifndef BT_CRYPTO_INTEGRITY_H
#define BT_CRYPTO_INTEGRITY_H

#include "crypto/cmac.h"
#include "crypto/enctype.h"
#include "crypto/hmac.h"

/* An expanded Ki or Kc, and as secret. Of one that stands last in its object only bt_crypto_integrity_len bytes need be there. */
union bt_crypto_integrity {
	uint8_t midstates[BT_CRYPTO_MIDSTATES_MAX];
	struct bt_crypto_cmac cmac; /* RFC 6803 */
};

static inline size_t
bt_crypto_integrity_len(const struct bt_crypto_profile *profile)
{
	return profile->family == BT_CRYPTO_RFC6803 ? sizeof(struct bt_crypto_cmac) : bt_crypto_midstates_len(profile->hash);
}

/* bt_crypto_integrity_key - key is profile->mac_key_len bytes. */
static inline void
bt_crypto_integrity_key(const struct bt_crypto_profile *profile, const uint8_t *key, union bt_crypto_integrity *out)
{
	if (profile->family == BT_CRYPTO_RFC6803)
		bt_crypto_cmac_key(&out->cmac, key, profile->mac_key_len);
	else
		bt_crypto_hmac_key(profile->hash, key, profile->mac_key_len, out->midstates);
}

static inline void
bt_crypto_integrity_begin(struct bt_crypto_digest *digest, const struct bt_crypto_profile *profile,
			  const union bt_crypto_integrity *key)
{
	if (profile->family == BT_CRYPTO_RFC6803)
		bt_crypto_cmac_begin(digest, &key->cmac);
	else
		bt_crypto_hmac_begin(digest, profile->hash, key->midstates);
}

/* bt_crypto_integrity_end - writes profile->row.mac_len bytes and wipes the digest. */
static inline void
bt_crypto_integrity_end(struct bt_crypto_digest *digest, const struct bt_crypto_profile *profile,
			const union bt_crypto_integrity *key, uint8_t *mac)
{
	if (profile->family == BT_CRYPTO_RFC6803)
		bt_crypto_cmac_end(digest, &key->cmac, mac);
	else
		bt_crypto_hmac_end(digest, key->midstates, mac, profile->row.mac_len);
}

#endif
