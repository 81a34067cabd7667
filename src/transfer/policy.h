/*
 * policy - who may import a token. Version 1 knows one rule: processes of the exporter's effective user.
 */
#ifndef BT_TRANSFER_POLICY_H
#define BT_TRANSFER_POLICY_H

#include "transfer/seal.h"

/* bt_transfer_fill_audience - the header's answer for a token that this process exports. */
void bt_transfer_fill_audience(struct bt_seal_header *header);

/*
 * bt_transfer_check_audience - may this process import? Asked before the seal is opened, of a header that may be altered.
 * Errors: TOKEN_USER, TOKEN_ALTERED.
 */
int bt_transfer_check_audience(const struct bt_seal_header *header);

#endif
