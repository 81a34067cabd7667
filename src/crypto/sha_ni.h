/*
 * sha_ni - SHA-1 and SHA-256 with the processor's instructions. Only where bt_crypto_cpu_has_sha.
 */
#ifndef BT_CRYPTO_SHA_NI_H
#define BT_CRYPTO_SHA_NI_H

#include "crypto/hash.h"

void bt_crypto_sha_ni_sha1(union bt_crypto_state *state, const uint8_t *blocks, size_t len);
void bt_crypto_sha_ni_sha256(union bt_crypto_state *state, const uint8_t *blocks, size_t len);

#endif
