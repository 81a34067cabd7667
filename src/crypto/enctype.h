/*
 * enctype - what an enctype is inside this room: the public row, and what is made of it.
 */
#ifndef BT_CRYPTO_ENCTYPE_H
#define BT_CRYPTO_ENCTYPE_H

#include "crypto/crypto.h"
#include "crypto/hash.h"

/*
 * The families: RFC 3962 (derives with AES, MACs the plaintext), RFC 8009 (derives with HMAC, MACs the ciphertext) and RFC 6803
 * (Camellia, derives with CMAC, MACs the plaintext by CMAC); and what is older than any and has usage keys of none of these.
 */
enum bt_crypto_family { BT_CRYPTO_RFC3962, BT_CRYPTO_RFC8009, BT_CRYPTO_RFC6803, BT_CRYPTO_LEGACY };

struct bt_crypto_profile {
	struct bt_crypto_enctype row; /* first: a row handed out is a profile */
	enum bt_crypto_family family;
	uint8_t mac_key_len; /* Ki and Kc. RFC 8009 §5: half the hash, not the key length */
	const struct bt_crypto_hash *hash;
};

/* bt_crypto_profile_of - the profile of a row that bt_crypto_enctype_of gave out. */
static inline const struct bt_crypto_profile *
bt_crypto_profile_of(const struct bt_crypto_enctype *et)
{
	return (const struct bt_crypto_profile *)et;
}

#endif
