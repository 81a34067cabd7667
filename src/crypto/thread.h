/*
 * thread - what this room keeps for each thread: cipher contexts of libcrypto and the reserve of random bytes.
 *
 * Made at first use, freed when the thread ends. What belongs to the thread that ends the process goes with the process:
 * libcrypto has been cleaned up by then and must not be called.
 */
#ifndef BT_CRYPTO_THREAD_H
#define BT_CRYPTO_THREAD_H

#include <stddef.h>
#include <stdint.h>

struct evp_cipher_ctx_st;

enum bt_crypto_cipher { BT_CRYPTO_AES_128_CBC, BT_CRYPTO_AES_256_CBC, BT_CRYPTO_AES_256_GCM, BT_CRYPTO_NUM_CIPHERS };

/*
 * bt_crypto_thread_cipher - this thread's context of the cipher: fetched, its key to be set. NULL: libcrypto could not.
 * Whoever sets a key calls bt_crypto_thread_forget_key afterwards.
 */
struct evp_cipher_ctx_st *bt_crypto_thread_cipher(enum bt_crypto_cipher which);

/* bt_crypto_thread_forget_key - write another key over the one set. */
void bt_crypto_thread_forget_key(struct evp_cipher_ctx_st *ctx);

/* Random bytes made in advance: one page, all zeros (and so: none left) after fork. */
enum { BT_CRYPTO_RESERVE_LEN = 4096 - sizeof(uint32_t) };
struct bt_crypto_reserve {
	uint32_t left; /* the last left bytes have not been handed out; all others are zero */
	uint8_t bytes[BT_CRYPTO_RESERVE_LEN];
};

/* bt_crypto_thread_reserve - this thread's, or NULL where the system has no memory that is wiped on fork. */
struct bt_crypto_reserve *bt_crypto_thread_reserve(void);

#endif
