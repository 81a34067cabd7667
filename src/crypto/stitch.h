/*
 * stitch - CBC and hashing of the same message at once.
 *
 * Each block of CBC encryption waits for the one before, and each round of a hash too, so that most of the processor is idle;
 * one fits in beside the other. This is the way of long messages, and of processors that have the instructions; all others
 * encrypt and hash in turns.
 */
#ifndef BT_CRYPTO_STITCH_H
#define BT_CRYPTO_STITCH_H

#include "crypto/aes.h"
#include "crypto/hash.h"

/*
 * bt_crypto_stitch - the next len bytes, whole blocks, of cbc in its direction, and of digest, which hashes either in or out.
 * False: not here; nothing is done.
 */
bool bt_crypto_stitch(struct bt_crypto_cbc *cbc, struct bt_crypto_digest *digest, bool hashes_in, const uint8_t *in,
		      uint8_t *out, size_t len);

#endif
