#include "transfer/policy.h"

#include <unistd.h>

#include "base/err.h"
#include "transfer/limits.h"

const struct bt_transfer_policy bt_transfer_policy_usual = {.ttl_s = BT_TRANSFER_TTL_S, .has_authdata = true};

static int
add_audience(const char *text, struct bt_transfer_policy *policy)
{
	char mistake[160] = "";
	int e = bt_transfer_rule_read(bt_bytes_of_str(text), true, &policy->audience, mistake, sizeof mistake);

	return e != 0 ? bt_err_note(e, "options of the export: %s", mistake) : 0;
}

int
bt_transfer_policy_of(const struct bt_transfer_wish *wish, struct bt_transfer_policy *out)
{
	const struct bt_settings *settings;
	int e;

	*out = bt_transfer_policy_usual;
	if ((e = bt_transfer_settings_now(&settings)) != 0)
		return e;
	if (wish->ttl_s > BT_TRANSFER_TTL_MAX_S)
		return bt_err_note(BT_ERR_SETTINGS, "options of the export: %u seconds are more than %d", (unsigned)wish->ttl_s,
				   BT_TRANSFER_TTL_MAX_S);
	if ((settings->given & BT_SETTING_AUDIENCE) != 0)
		out->audience = settings->audience;
	if ((settings->given & BT_SETTING_TTL) != 0)
		out->ttl_s = settings->ttl_s;
	if ((settings->given & BT_SETTING_AUTHDATA) != 0)
		out->has_authdata = settings->has_authdata;
	if (wish->ttl_s != 0)
		out->ttl_s = wish->ttl_s;
	if (wish->authdata != BT_AUTHDATA_BY_SETTINGS)
		out->has_authdata = wish->authdata == BT_AUTHDATA_YES;
	return wish->audience != NULL ? add_audience(wish->audience, out) : 0;
}

int
bt_transfer_place(const struct bt_transfer_policy *policy, struct bt_seal_header *header, struct bt_claim_store **store)
{
	const struct bt_audience_rule *rule = &policy->audience;
	/* The kernel is asked only where it matters: the store asks it too. */
	uint32_t uid = (rule->bits & BT_AUDIENCE_ACCOUNT) != 0 ? geteuid() : 0;
	bool is_other = (rule->bits & BT_AUDIENCE_ACCOUNT) != 0 && rule->uid != uid;
	int e;

	*store = NULL;
	/* Another account's claims are put where the kernel lets that account alone read them, and only root can put them there. */
	if (is_other && uid != 0)
		return bt_err_note(BT_ERR_AUDIENCE_ACCOUNT,
				   "only root can export to user %lu: hand the context over by baton_send_sec_context",
				   (unsigned long)rule->uid);
	if ((e = bt_transfer_audience_of(rule, is_other, &header->audience)) != 0 ||
	    (e = is_other ? bt_claim_account_store(rule->uid, store) : bt_claim_user_store(true, store)) != 0)
		return e;
	header->uid = bt_claim_owner_of(*store);
	return 0;
}

int
bt_transfer_admit(const struct bt_seal_header *header, struct bt_claim_store **store)
{
	int e = bt_claim_store_of(&header->claim, store);

	/*
	 * A store has one owner, its processes' effective user. So another user's token names a store that cannot be this user's, and a
	 * token that names this user's store with another user's number is one that somebody changed.
	 */
	if (e == 0 && header->uid != bt_claim_owner_of(*store))
		e = bt_claim_is_of(*store, &header->claim) ? BT_ERR_TOKEN_ALTERED : BT_ERR_TOKEN_USER;
	else if (e != 0 && header->uid != geteuid())
		e = BT_ERR_TOKEN_USER;
	if (e != 0)
		*store = NULL;
	return e == BT_ERR_MALFORMED ? BT_ERR_TOKEN_ALTERED : e;
}
