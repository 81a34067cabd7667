#include "base/err.h"
#include "mech/krb5/mech_krb5.h"

/* Where a credential is to go, and the way there. */
struct destination {
	krb5_ccache ccache;
	bool is_of_collection; /* it can be made the default one */
};

/* One of a collection: the client's own, or a new one. */
static int
find_in_collection(struct bt_krb5 *lib, krb5_principal client, const char *type, bool overwrites, struct destination *out)
{
	krb5_error_code code = krb5_cc_cache_match(lib->ctx, client, &out->ccache);

	if (code == 0 && !overwrites)
		return BT_ERR_DUPLICATE_ELEMENT;
	if (code == KRB5_CC_NOTFOUND)
		code = krb5_cc_new_unique(lib->ctx, type, NULL, &out->ccache);
	if (code != 0)
		out->ccache = NULL;
	out->is_of_collection = code == 0;
	return bt_krb5_fail(lib, code);
}

static int
find_destination(struct bt_krb5 *lib, krb5_principal client, bool overwrites, struct destination *out)
{
	krb5_ccache standard;
	krb5_principal owner = NULL;
	krb5_error_code code = krb5_cc_default(lib->ctx, &standard);
	const char *type;
	int e = 0;

	*out = (struct destination){0};
	if (code != 0)
		return bt_krb5_fail(lib, code);
	type = krb5_cc_get_type(lib->ctx, standard);
	if (krb5_cc_support_switch(lib->ctx, type)) {
		e = find_in_collection(lib, client, type, overwrites, out);
		krb5_cc_close(lib->ctx, standard);
		return e;
	}
	out->ccache = standard;
	if (krb5_cc_get_principal(lib->ctx, standard, &owner) == 0 && !overwrites)
		e = BT_ERR_DUPLICATE_ELEMENT;
	krb5_free_principal(lib->ctx, owner);
	krb5_clear_error_message(lib->ctx);
	return e;
}

/* By way of memory, so that the destination is replaced at once or not at all. */
static krb5_error_code
move_copy(struct bt_krb5 *lib, const struct bt_mcred *cred, krb5_ccache to)
{
	krb5_ccache copy;
	krb5_error_code code = krb5_cc_new_unique(lib->ctx, "MEMORY", NULL, &copy);

	if (code != 0)
		return code;
	if ((code = krb5_cc_initialize(lib->ctx, copy, cred->client)) == 0 &&
	    (code = krb5_cc_copy_creds(lib->ctx, cred->ccache, copy)) == 0 && (code = krb5_cc_move(lib->ctx, copy, to)) == 0)
		return 0;
	krb5_cc_destroy(lib->ctx, copy);
	return code;
}

static int
store_initiator(struct bt_krb5 *lib, const struct bt_mcred *cred, const struct bt_cred_storage *storage)
{
	struct destination to = {0};
	krb5_error_code code;
	int e = find_destination(lib, cred->client, storage->overwrites, &to);

	if (e == 0) {
		code = move_copy(lib, cred, to.ccache);
		if (code == 0 && to.is_of_collection && storage->becomes_default)
			code = krb5_cc_switch(lib->ctx, to.ccache);
		e = bt_krb5_fail(lib, code);
	}
	if (to.ccache != NULL)
		krb5_cc_close(lib->ctx, to.ccache);
	return e;
}

/* The cache to store to, if one is named; else the thread's default one. */
static krb5_error_code
name_default(struct bt_krb5 *lib, const struct bt_cred_storage *storage)
{
	for (size_t i = 0; i < storage->num_store; i++)
		if (strcmp(storage->store[i].key, "ccache") == 0)
			return krb5_cc_set_default_name(lib->ctx, storage->store[i].value);
	return 0;
}

static int
choose(struct bt_krb5 *lib, struct bt_mcred *cred)
{
	krb5_timestamp now;
	int e;

	if ((e = bt_krb5_cred_lock(cred)) != 0)
		return e;
	e = bt_krb5_cred_choose(lib, cred, NULL);
	bt_krb5_cred_unlock(cred);
	if (e != 0)
		return e;
	if (krb5_timeofday(lib->ctx, &now) == 0 && cred->ends_at != 0 && cred->ends_at <= bt_krb5_seconds(now))
		return BT_ERR_CRED_EXPIRED;
	return cred->ccache != NULL ? 0 : BT_ERR_CCACHE_NOMATCH;
}

int
bt_krb5_cred_store(struct bt_mcred *cred, const struct bt_cred_storage *storage)
{
	struct bt_krb5 *lib;
	krb5_error_code code;
	int e;

	if (storage->usage == BT_USAGE_ACCEPT || cred->usage == BT_USAGE_ACCEPT)
		return BT_ERR_STORE_ACCEPTOR_CRED;
	if ((e = bt_krb5_enter(&lib)) != 0)
		return e;
	if ((e = choose(lib, cred)) == 0) {
		code = name_default(lib, storage);
		e = code != 0 ? bt_krb5_fail(lib, code) : store_initiator(lib, cred, storage);
		krb5_cc_set_default_name(lib->ctx, bt_krb5_ccache_name());
	}
	bt_krb5_leave(lib);
	return e;
}
