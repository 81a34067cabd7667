#include "transfer/policy.h"

#include <unistd.h>

#include "base/err.h"

void
bt_transfer_fill_audience(struct bt_seal_header *header)
{
	header->audience = BT_SEAL_SAME_USER;
	header->uid = geteuid();
}

int
bt_transfer_check_audience(const struct bt_seal_header *header)
{
	struct bt_claim_store *store;

	if (header->uid == geteuid())
		return 0;
	/*
	 * A table has one owner. So another user's token names a store that cannot be this user's, and a token that names this user's
	 * store with another user's number is one that somebody changed.
	 */
	if (bt_claim_store_of(&header->claim, &store) == 0 && bt_claim_is_of(store, &header->claim))
		return BT_ERR_TOKEN_ALTERED;
	return BT_ERR_TOKEN_USER;
}
