/*
 * gcm_ni - AES-256-GCM of one message with the processor's instructions. Only where bt_crypto_cpu_has_gcm.
 *
 * For short messages under keys that are used once: making the key ready is most of what libcrypto takes for them, so it is made ready
 * with only what this one message needs. NIST SP 800-38D; the nonce is zero.
 */
#ifndef BT_CRYPTO_GCM_NI_H
#define BT_CRYPTO_GCM_NI_H

#include "crypto/crypto.h"

/* bt_crypto_gcm_ni_seal - sealed is text.len + BT_CRYPTO_AEAD_TAG_LEN bytes and may begin at text.ptr. */
void bt_crypto_gcm_ni_seal(const uint8_t key[static BT_CRYPTO_AEAD_KEY_LEN], struct bt_bytes aad, struct bt_bytes text,
			   uint8_t *sealed);

/* bt_crypto_gcm_ni_open - sealed without its tag, which is checked before anything is decrypted. False: it is wrong, text untouched. */
bool bt_crypto_gcm_ni_open(const uint8_t key[static BT_CRYPTO_AEAD_KEY_LEN], struct bt_bytes aad, struct bt_bytes sealed,
			   const uint8_t tag[static BT_CRYPTO_AEAD_TAG_LEN], uint8_t *text);

#endif
