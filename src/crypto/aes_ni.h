/*
 * aes_ni - AES with the processor's instructions. Only where bt_crypto_cpu_has_aes.
 */
#ifndef BT_CRYPTO_AES_NI_H
#define BT_CRYPTO_AES_NI_H

#include "crypto/aes.h"

/* bt_crypto_aes_ni_expand - fill aes->schedule for its num_rounds and direction. FIPS 197 §5.2, §5.3.5. */
void bt_crypto_aes_ni_expand(struct bt_crypto_aes *aes, const uint8_t *key);

/* bt_crypto_aes_ni_encrypt_two - two single blocks, each for itself. aes encrypts; out may be in. */
void bt_crypto_aes_ni_encrypt_two(const struct bt_crypto_aes *aes, const uint8_t *in0, const uint8_t *in1, uint8_t *out0,
				  uint8_t *out1);

/* Both continue from chain and leave the last ciphertext block there; len is whole blocks. */
void bt_crypto_aes_ni_cbc_encrypt(const struct bt_crypto_aes *aes, uint8_t chain[static BT_CRYPTO_BLOCK_LEN], const uint8_t *in,
				  uint8_t *out, size_t len);
void bt_crypto_aes_ni_cbc_decrypt(const struct bt_crypto_aes *aes, uint8_t chain[static BT_CRYPTO_BLOCK_LEN], const uint8_t *in,
				  uint8_t *out, size_t len);

#endif
