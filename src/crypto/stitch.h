/*
 * stitch - CBC encryption and hashing of the same bytes at once.
 *
 * Each block of CBC waits for the one before, so that most of the processor is idle; hashing fits in between. This is the way of
 * long messages, and of processors that have the instructions; all others encrypt and hash in turns.
 */
#ifndef BT_CRYPTO_STITCH_H
#define BT_CRYPTO_STITCH_H

#include "crypto/aes.h"
#include "crypto/hash.h"

/*
 * bt_crypto_stitch_encrypt - the next len bytes, whole blocks, of cbc, and of digest, which hashes either in or out.
 * False: not here; nothing is done.
 */
bool bt_crypto_stitch_encrypt(struct bt_crypto_cbc *cbc, struct bt_crypto_digest *digest, bool hashes_in, const uint8_t *in,
			      uint8_t *out, size_t len);

#endif
