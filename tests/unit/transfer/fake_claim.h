/*
 * fake_claim - claim/claim.h in the memory of one process, with errors at will. The real room is tested elsewhere; here it is made to
 * fail where it hardly ever does, and to give known keys.
 */
#ifndef TEST_TRANSFER_FAKE_CLAIM_H
#define TEST_TRANSFER_FAKE_CLAIM_H

#include <sys/types.h>

#include "claim/claim.h"

enum { FAKE_SLOTS = 64 };

extern struct fake_claims {
	/* What calls answer instead of working; 0: they work. */
	int open_error, reserve_error, activate_error, take_error;
	bool has_owner; /* only this user finds the store */
	uid_t owner;
	int64_t last_ttl_ms;
	unsigned num_cancelled;
	uint32_t num_expired; /* that the next call of bt_claim_take_num_expired gives */
} fake_claims;

/* fake_claims_reset - all slots free, all errors gone. */
void fake_claims_reset(void);
/* fake_claims_set - put a live claim into the store. */
void fake_claims_set(const struct bt_claim_ref *ref, const uint8_t key[static BT_CLAIM_KEY_LEN]);

#endif
