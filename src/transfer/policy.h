/*
 * policy - who may import a token. Version 1 knows one rule: processes of the exporter's effective user.
 */
#ifndef BT_TRANSFER_POLICY_H
#define BT_TRANSFER_POLICY_H

#include "transfer/seal.h"

/* bt_transfer_fill_audience - the header's answer for a token whose claim is in this process's store. */
void bt_transfer_fill_audience(struct bt_seal_header *header, const struct bt_claim_store *store);

/*
 * bt_transfer_admit - may this process import, and where is the claim? Asked before the seal is opened, of a header that may be
 * altered.
 * Errors: TOKEN_USER, TOKEN_ALTERED, and those of bt_claim_store_of; then store is NULL.
 */
int bt_transfer_admit(const struct bt_seal_header *header, struct bt_claim_store **store);

#endif
