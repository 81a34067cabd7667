/*
 * key - the usage keys of one protocol key in one direction, each derived when it is first needed.
 *
 * A derived key is published with one compare-and-exchange; of threads that derive the same one at once the losers free theirs. From
 * then on it does not change until bt_msg_usage_done.
 */
#ifndef BT_MESSAGE_KEY_H
#define BT_MESSAGE_KEY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "crypto/crypto.h"

struct bt_msg_way;

struct bt_msg_usage {
	_Atomic(struct bt_crypto_seal_key *) seal;     /* Wrap with confidentiality */
	_Atomic(struct bt_crypto_mac_key *) wrap_mac;  /* Wrap without */
	_Atomic(struct bt_crypto_mac_key *) mic_mac;   /* MIC */
	_Atomic(struct bt_crypto_legacy_key *) legacy; /* all of these, where the enctype is a legacy one */
};

void bt_msg_usage_done(struct bt_msg_usage *usage);

/* bt_msg_key_seal, _wrap_mac, _mic_mac, _legacy - the key, derived if need be. Errors: NOMEM, CRYPTO; then out is NULL. */
int bt_msg_key_seal(const struct bt_msg_way *way, const struct bt_crypto_seal_key **out);
int bt_msg_key_wrap_mac(const struct bt_msg_way *way, const struct bt_crypto_mac_key **out);
int bt_msg_key_mic_mac(const struct bt_msg_way *way, const struct bt_crypto_mac_key **out);
int bt_msg_key_legacy(const struct bt_msg_way *way, const struct bt_crypto_legacy_key **out);

#endif
