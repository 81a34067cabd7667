/*
 * policy - who may import a token, how long, and what goes along: what is decided when one is made, and asked when one is imported.
 */
#ifndef BT_TRANSFER_POLICY_H
#define BT_TRANSFER_POLICY_H

#include "transfer/seal.h"
#include "transfer/settings.h"

/* What is decided before an export. */
struct bt_transfer_policy {
	struct bt_audience_rule audience;
	uint32_t ttl_s; /* at most; the context's own end may come before */
	bool has_authdata;
};

/* What holds where nobody said anything: any process of the exporter's user, ten minutes, everything. */
extern const struct bt_transfer_policy bt_transfer_policy_usual;

/* What a call says; zero: as the settings have it. */
struct bt_transfer_wish {
	const char *audience;
	uint32_t ttl_s;
	enum { BT_AUTHDATA_BY_SETTINGS, BT_AUTHDATA_YES, BT_AUTHDATA_NO } authdata;
};

/* bt_transfer_policy_of - the settings as they are now, and a call's own wish. Errors: SETTINGS and those of bt_transfer_settings_now. */
int bt_transfer_policy_of(const struct bt_transfer_wish *wish, struct bt_transfer_policy *out);

/*
 * bt_transfer_place - the store that the claim of a token for this policy's account goes to, and the header's answer to who may import.
 * Errors: AUDIENCE (nobody can be told from others like that here), AUDIENCE_ACCOUNT, those of the store.
 */
int bt_transfer_place(const struct bt_transfer_policy *policy, struct bt_seal_header *header, struct bt_claim_store **store);

/*
 * bt_transfer_admit - may this process's user import, and where is the claim? Asked before the seal is opened, of a header that may be
 * altered. Its audience is asked for afterwards: bt_transfer_audience_admit.
 * Errors: TOKEN_USER, TOKEN_ALTERED, and those of bt_claim_store_of; then store is NULL.
 */
int bt_transfer_admit(const struct bt_seal_header *header, struct bt_claim_store **store);

#endif
