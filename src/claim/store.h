/*
 * store - what a kind of claim store has to bring, inside the room. Each function keeps the contract that claim.h writes down
 * for the one of its name; outputs are already zeroed when it is called.
 */
#ifndef BT_CLAIM_STORE_H
#define BT_CLAIM_STORE_H

#include "claim/claim.h"

struct bt_claim_ops {
	int (*reserve)(struct bt_claim_store *store, int64_t ttl_ms, struct bt_claim_ref *ref, uint8_t *key);
	int (*activate)(struct bt_claim_store *store, const struct bt_claim_ref *ref, const uint8_t *key);
	void (*cancel)(struct bt_claim_store *store, const struct bt_claim_ref *ref);
	bool (*is_of)(const struct bt_claim_store *store, const struct bt_claim_ref *ref);
	int (*read)(struct bt_claim_store *store, const struct bt_claim_ref *ref, uint8_t *key);
	int (*take)(struct bt_claim_store *store, const struct bt_claim_ref *ref);
	void (*census_of)(struct bt_claim_store *store, struct bt_claim_census *out);
	uint32_t (*sweep)(struct bt_claim_store *store);
	/* For stores that operators look at; others have NULL. */
	void (*each)(struct bt_claim_store *store, void (*fn)(const struct bt_claim_entry *entry, void *arg), void *arg);
	const char *(*path_of)(const struct bt_claim_store *store);
};

/* A store of any kind begins with this. */
struct bt_claim_store {
	const struct bt_claim_ops *ops;
	uint32_t owner; /* user number */
};

/* bt_claim_add_expired - so many claims that nobody took in time were freed, for bt_claim_take_num_expired. */
void bt_claim_add_expired(uint32_t num);

#endif
