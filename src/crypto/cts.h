/*
 * cts - CBC with ciphertext stealing, the last two blocks always swapped (CBC-CS3), over a message in segments.
 * RFC 3962 §5.
 */
#ifndef BT_CRYPTO_CTS_H
#define BT_CRYPTO_CTS_H

#include "crypto/aes.h"
#include "crypto/walk.h"

/*
 * bt_crypto_cts_encrypt, _decrypt - a whole message, in a run that has just begun and that the caller ends.
 *   in, out  the beginning of the same segments; a digest of either is fed with the whole message
 *   len      encrypted bytes in the segments, at least BT_CRYPTO_BLOCK_LEN
 */
void bt_crypto_cts_encrypt(struct bt_crypto_cbc *cbc, struct bt_crypto_walk in, struct bt_crypto_walk out, size_t len);
void bt_crypto_cts_decrypt(struct bt_crypto_cbc *cbc, struct bt_crypto_walk in, struct bt_crypto_walk out, size_t len);

#endif
