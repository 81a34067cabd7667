/*
 * cts - AES-CBC with ciphertext stealing, the last two blocks always swapped (CBC-CS3), over a message in segments.
 * RFC 3962 §5.
 */
#ifndef BT_CRYPTO_CTS_H
#define BT_CRYPTO_CTS_H

#include "crypto/aes.h"
#include "crypto/walk.h"

/*
 * bt_crypto_cts_encrypt, _decrypt - from zero cipher state.
 *   in, out  the beginning of the same segments; a digest of either is fed with the whole message
 *   len      encrypted bytes in the segments, at least BT_CRYPTO_BLOCK_LEN
 */
void bt_crypto_cts_encrypt(const struct bt_crypto_aes *aes, struct bt_crypto_walk in, struct bt_crypto_walk out, size_t len);
void bt_crypto_cts_decrypt(const struct bt_crypto_aes *aes, struct bt_crypto_walk in, struct bt_crypto_walk out, size_t len);

#endif
