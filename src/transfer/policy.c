#include "transfer/policy.h"

#include <unistd.h>

#include "base/err.h"

void
bt_transfer_fill_audience(struct bt_seal_header *header, const struct bt_claim_store *store)
{
	header->audience = (struct bt_audience){0};
	header->uid = bt_claim_owner_of(store);
}

int
bt_transfer_admit(const struct bt_seal_header *header, struct bt_claim_store **store)
{
	int e = bt_claim_store_of(&header->claim, store);

	/*
	 * A table has one owner, its processes' effective user. So another user's token names a store that cannot be this user's, and a
	 * token that names this user's store with another user's number is one that somebody changed.
	 */
	if (e == 0 && header->uid != bt_claim_owner_of(*store))
		e = BT_ERR_TOKEN_ALTERED;
	else if (e != 0 && header->uid != geteuid())
		e = BT_ERR_TOKEN_USER;
	if (e != 0)
		*store = NULL;
	return e == BT_ERR_MALFORMED ? BT_ERR_TOKEN_ALTERED : e;
}
