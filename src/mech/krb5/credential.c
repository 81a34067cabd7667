#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/mech_krb5.h"

struct bt_mcred *
bt_krb5_cred_new(enum bt_usage usage)
{
	struct bt_mcred *cred = bt_mem_alloc(sizeof *cred);

	if (cred == NULL)
		return NULL;
	cred->usage = usage;
	return cred;
}

int
bt_krb5_cred_lock(struct bt_mcred *cred)
{
	return bt_lock_thing_enter(&cred->lock) ? 0 : BT_ERR_CRED_FORKED;
}

void
bt_krb5_cred_unlock(struct bt_mcred *cred)
{
	bt_lock_thing_leave(&cred->lock);
}

void
bt_krb5_cred_free(struct bt_mcred *cred)
{
	struct bt_krb5 *lib;

	/* What another thread was changing when this process was forked is in no order to be freed in. */
	if (cred == NULL || bt_lock_thing_is_lost(&cred->lock) || bt_lock_thing_is_lost(&cred->snapshot_lock))
		return;
	/* Without the library, which has then lost its configuration or memory, handles stay open but secrets still go. */
	if (bt_krb5_enter(&lib) == 0) {
		bt_krb5_snapshot_forget(lib, cred);
		if (cred->keytab != NULL)
			krb5_kt_close(lib->ctx, cred->keytab);
		if (cred->client_keytab != NULL)
			krb5_kt_close(lib->ctx, cred->client_keytab);
		if (cred->rcache != NULL)
			bt_krb5_rcache_close(lib, cred->rcache);
		if (cred->ccache != NULL && cred->owns_ccache)
			krb5_cc_destroy(lib->ctx, cred->ccache);
		else if (cred->ccache != NULL)
			krb5_cc_close(lib->ctx, cred->ccache);
		krb5_free_principal(lib->ctx, cred->match);
		krb5_free_principal(lib->ctx, cred->client);
		krb5_free_principal(lib->ctx, cred->impersonator);
		bt_krb5_leave(lib);
	}
	bt_mn_free(cred->acceptor);
	bt_mn_free(cred->initiator);
	bt_mem_free(cred->rcache_name);
	bt_mem_free(cred->keytab_path);
	if (cred->password != NULL)
		bt_mem_free_secret(cred->password, strlen(cred->password));
	bt_mem_free(cred);
}

/* ---- acquire ---- */

static int
read_store(const struct bt_cred_request *request, struct bt_krb5_store *out)
{
	*out = (struct bt_krb5_store){.password = request->password, .is_iakerb = request->mech == &bt_mech_iakerb};
	for (size_t i = 0; i < request->num_store; i++) {
		const struct bt_store_entry *entry = &request->store[i];

		if (strcmp(entry->key, "ccache") == 0)
			out->ccache = entry->value;
		else if (strcmp(entry->key, "client_keytab") == 0)
			out->client_keytab = entry->value;
		else if (strcmp(entry->key, "keytab") == 0)
			out->keytab = entry->value;
		else if (strcmp(entry->key, "rcache") == 0)
			out->rcache = entry->value;
		else if (strcmp(entry->key, "verify") == 0)
			out->verify = entry->value;
		else if (strcmp(entry->key, "password") == 0)
			out->password = bt_bytes_of_str(entry->value);
		/* Others are for other mechanisms. */
	}
	/* A password names one client and fills a cache of its own. */
	if (out->password.ptr != NULL && request->name == NULL)
		return bt_err_note(BT_ERR_BAD_NAME, "A password needs a name to go with it");
	if (out->password.ptr != NULL &&
	    (request->usage == BT_USAGE_ACCEPT || out->ccache != NULL || out->client_keytab != NULL))
		return BT_ERR_BAD_USAGE;
	/* What there is to be verified does not come before the context. */
	if (out->verify != NULL && (out->password.ptr == NULL || out->is_iakerb))
		return BT_ERR_BAD_USAGE;
	return 0;
}

int
bt_krb5_acquire(struct bt_krb5 *lib, enum bt_usage usage, const struct bt_mn *name, const struct bt_krb5_store *store,
		struct bt_mcred **out)
{
	struct bt_mcred *cred = bt_krb5_cred_new(usage);
	int e = 0;

	*out = NULL;
	if (cred == NULL)
		return BT_ERR_NOMEM;
	cred->is_default = name == NULL;
	cred->is_iakerb = store->is_iakerb;
	if (usage != BT_USAGE_INITIATE)
		e = bt_krb5_acquire_acceptor(lib, name, store, cred);
	if (e == 0 && usage != BT_USAGE_ACCEPT && (e = bt_krb5_cred_lock(cred)) == 0) {
		e = bt_krb5_acquire_initiator(lib, name, store, cred);
		bt_krb5_cred_unlock(cred);
	}
	if (e != 0)
		bt_krb5_cred_free(cred);
	else
		*out = cred;
	return e;
}

/* A service to verify the password with that is no principal is a mistake, whether or not the password is right. */
static int
check_verify(struct bt_krb5 *lib, const struct bt_krb5_store *store)
{
	krb5_principal service = NULL;
	krb5_error_code code = 0;

	if (store->verify != NULL && store->verify[0] != '\0')
		code = krb5_parse_name(lib->ctx, store->verify, &service);
	krb5_free_principal(lib->ctx, service);
	return bt_krb5_fail(lib, code);
}

int
bt_krb5_cred_acquire(const struct bt_cred_request *request, struct bt_mcred **out)
{
	struct bt_krb5_store store;
	struct bt_krb5 *lib;
	int e;

	*out = NULL;
	if ((e = read_store(request, &store)) != 0 || (e = bt_krb5_enter(&lib)) != 0)
		return e;
	if ((e = check_verify(lib, &store)) == 0)
		e = bt_krb5_acquire(lib, request->usage, request->name, &store, out);
	bt_krb5_leave(lib);
	return e;
}

int
bt_krb5_cred_default(enum bt_usage usage, struct bt_mcred **out)
{
	return bt_krb5_cred_acquire(&(struct bt_cred_request){.usage = usage}, out);
}

/* ---- inquire ---- */

/* An acceptor for any name is shown as the first name it has a key for, as MIT's library does. */
static int
name_from_keytab(struct bt_krb5 *lib, struct bt_mcred *cred, struct bt_mn **out)
{
	krb5_principal princ;
	int e;

	if (bt_krb5_keytab_first(lib, cred->keytab, &princ) != 0)
		return 0;
	e = bt_krb5_name_of(lib, princ, NULL, NULL, out);
	krb5_free_principal(lib->ctx, princ);
	return e;
}

static int
inquire_initiator(struct bt_krb5 *lib, struct bt_mcred *cred, struct bt_cred_facts *out)
{
	int e;

	if ((e = bt_krb5_cred_lock(cred)) != 0)
		return e;
	e = bt_krb5_cred_choose(lib, cred, NULL);
	if (e == 0) {
		out->name = bt_mn_share(cred->initiator);
		out->initiator_expires_at =
		    cred->ends_at != 0 ? bt_krb5_wall_of(lib, (krb5_timestamp)cred->ends_at) : BT_CTX_NEVER;
	}
	bt_krb5_cred_unlock(cred);
	return e;
}

int
bt_krb5_cred_inquire(const struct bt_mech *mech, struct bt_mcred *cred, struct bt_cred_facts *out)
{
	struct bt_mcred *temporary = NULL;
	struct bt_krb5 *lib;
	int e;

	*out = (struct bt_cred_facts){.initiator_expires_at = BT_CTX_NEVER, .acceptor_expires_at = BT_CTX_NEVER};
	if ((e = bt_krb5_enter(&lib)) != 0)
		return e;
	if (cred == NULL) {
		e = bt_krb5_cred_default(BT_USAGE_INITIATE, &temporary);
		cred = temporary;
	}
	if (e == 0) {
		out->usage = cred->usage;
		if (cred->usage != BT_USAGE_ACCEPT) {
			e = inquire_initiator(lib, cred, out);
			/* Keys do not expire, but programs have come to read one lifetime for both halves. */
			out->acceptor_expires_at = out->initiator_expires_at;
		} else if (cred->acceptor != NULL)
			out->name = bt_mn_share(cred->acceptor);
		else
			e = name_from_keytab(lib, cred, &out->name);
	}
	bt_krb5_cred_free(temporary);
	bt_krb5_leave(lib);
	return e;
}
