#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/err.h"
#include "base/mem.h"
#include "crypto/crypto.h"

enum { LEN = BT_CRYPTO_X25519_LEN };

int
bt_crypto_x25519_new(uint8_t secret[static LEN], uint8_t public[static LEN])
{
	EVP_PKEY *own = NULL;
	size_t len = LEN;
	int e = bt_crypto_random(secret, LEN);

	if (e == 0) {
		ERR_set_mark();
		own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, LEN);
		if (own == NULL || EVP_PKEY_get_raw_public_key(own, public, &len) != 1 || len != LEN)
			e = BT_ERR_CRYPTO;
		ERR_pop_to_mark();
	}
	EVP_PKEY_free(own);
	if (e != 0) {
		bt_mem_wipe(secret, LEN);
		bt_mem_wipe(public, LEN);
	}
	return e;
}

/* libcrypto itself fails where the result would be zero, and does not say so otherwise. */
static int
derive(EVP_PKEY_CTX *ctx, EVP_PKEY *theirs, uint8_t *shared)
{
	static const uint8_t zeros[LEN];
	size_t len = LEN;

	if (EVP_PKEY_derive_init(ctx) != 1 || EVP_PKEY_derive_set_peer(ctx, theirs) != 1)
		return BT_ERR_CRYPTO;
	if (EVP_PKEY_derive(ctx, shared, &len) != 1 || len != LEN || bt_mem_equal(shared, zeros, LEN))
		return BT_ERR_MALFORMED;
	return 0;
}

int
bt_crypto_x25519(const uint8_t secret[static LEN], const uint8_t peer[static LEN], uint8_t shared[static LEN])
{
	EVP_PKEY *own, *theirs;
	EVP_PKEY_CTX *ctx = NULL;
	int e = BT_ERR_CRYPTO;

	/* What the program has in libcrypto's queue of errors is its own, and a peer's bad key adds nothing to it. */
	ERR_set_mark();
	own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, LEN);
	theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer, LEN);
	if (own != NULL && theirs != NULL && (ctx = EVP_PKEY_CTX_new(own, NULL)) != NULL)
		e = derive(ctx, theirs, shared);
	ERR_pop_to_mark();
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(theirs);
	EVP_PKEY_free(own);
	if (e != 0)
		bt_mem_wipe(shared, LEN);
	return e;
}
