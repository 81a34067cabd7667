/*
 * legacy - what legacy.c has for this room besides the functions of the door.
 */
#ifndef BT_CRYPTO_LEGACY_H
#define BT_CRYPTO_LEGACY_H

#include "crypto/enctype.h"

void bt_crypto_legacy_prf(const struct bt_crypto_profile *profile, const uint8_t *base, struct bt_bytes input, uint8_t *out);

#endif
