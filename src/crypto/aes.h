/*
 * aes - AES-CBC with a key that is a plain, immutable value.
 *
 * A key works in one direction only, so that it holds one schedule. A run is the chaining of one message: caller's storage, one
 * thread, and no other run on the same thread between its begin and its end.
 * Nothing here allocates from the heap of base/mem.h or fails.
 */
#ifndef BT_CRYPTO_AES_H
#define BT_CRYPTO_AES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/crypto.h"

struct evp_cipher_ctx_st;

struct bt_crypto_aes {
	/* Aligned, so that no round key lies in two cache lines. */
	_Alignas(BT_CRYPTO_BLOCK_LEN) uint8_t schedule[15 * BT_CRYPTO_BLOCK_LEN];
	uint8_t num_rounds; /* 10 or 14 */
	bool encrypts;
	bool is_portable; /* schedule holds the key itself, for libcrypto */
};

/* bt_crypto_aes_init - key_len is 16 or 32. The caller wipes aes. */
void bt_crypto_aes_init(struct bt_crypto_aes *aes, const uint8_t *key, size_t key_len, bool encrypts);

struct bt_crypto_camellia;

/* The chaining of one message, with either cipher. */
struct bt_crypto_cbc {
	const struct bt_crypto_aes *aes;
	const struct bt_crypto_camellia *camellia; /* NULL: with aes */
	struct evp_cipher_ctx_st *evp;		   /* this thread's, keyed for this run; NULL: not used */
	uint8_t chain[BT_CRYPTO_BLOCK_LEN];	   /* last ciphertext block */
};

/* bt_crypto_cbc_begin - the chain begins with zeros. */
void bt_crypto_cbc_begin(struct bt_crypto_cbc *cbc, const struct bt_crypto_aes *aes);
void bt_crypto_cbc_begin_camellia(struct bt_crypto_cbc *cbc, const struct bt_crypto_camellia *camellia);

/* bt_crypto_cbc_crypt - the next len bytes, whole blocks; out is in or does not overlap it. */
void bt_crypto_cbc_crypt(struct bt_crypto_cbc *cbc, const uint8_t *in, uint8_t *out, size_t len);

void bt_crypto_cbc_end(struct bt_crypto_cbc *cbc);

#endif
