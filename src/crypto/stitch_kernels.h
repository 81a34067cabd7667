/*
 * stitch_kernels - the inner loops of stitch.c, one for each pair of hash and direction.
 *
 * In each step, a kernel compresses as many bytes at hashed as it encrypts or decrypts from in to out. The two depend on each
 * other only through memory, and the processor runs one while the other waits.
 */
#ifndef BT_CRYPTO_STITCH_KERNELS_H
#define BT_CRYPTO_STITCH_KERNELS_H

#include "crypto/aes.h"
#include "crypto/hash.h"

typedef void bt_crypto_stitch_kernel(struct bt_crypto_cbc *cbc, union bt_crypto_state *state, const uint8_t *hashed,
				     const uint8_t *in, uint8_t *out, size_t num_steps);

/* Steps of 128 bytes, AES-256 only. Only where bt_crypto_cpu_has_aes and bt_crypto_cpu_has_bmi. */
bt_crypto_stitch_kernel bt_crypto_stitch_sha512;

#endif
