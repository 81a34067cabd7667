#include <errno.h>

#include "base/err.h"
#include "base/lock.h"
#include "base/mem.h"
#include "mech/krb5/mech_krb5.h"

/* Not declared by krb5.h; exported since 1.18. Absent: a replay cache cannot be chosen by name. */
extern krb5_error_code k5_rc_resolve(krb5_context ctx, const char *name, krb5_rcache *out) __attribute__((weak));
extern void k5_rc_close(krb5_context ctx, krb5_rcache rcache) __attribute__((weak));
extern const char *k5_rc_get_name(krb5_context ctx, krb5_rcache rcache) __attribute__((weak));

/* Exported for MIT's GSS library. Absent: a host is looked for as it is written. */
extern krb5_error_code k5_kt_have_match(krb5_context ctx, krb5_keytab keytab, krb5_principal princ) __attribute__((weak));

/* A host by its other name, too, where [libdefaults] dns_canonicalize_hostname is "fallback": the principal then has it as written. */
krb5_error_code
bt_krb5_keytab_matches(struct bt_krb5 *lib, krb5_keytab keytab, krb5_const_principal princ)
{
	krb5_keytab_entry entry;
	krb5_kt_cursor cursor;
	bool matches = false;
	krb5_error_code code;

	if (k5_kt_have_match != NULL)
		return k5_kt_have_match(lib->ctx, keytab, (krb5_principal)(uintptr_t)princ);
	if ((code = krb5_kt_start_seq_get(lib->ctx, keytab, &cursor)) != 0)
		return code;
	while (!matches && (code = krb5_kt_next_entry(lib->ctx, keytab, &entry, &cursor)) == 0) {
		matches = krb5_sname_match(lib->ctx, princ, entry.principal);
		krb5_free_keytab_entry_contents(lib->ctx, &entry);
	}
	krb5_kt_end_seq_get(lib->ctx, keytab, &cursor);
	if (matches)
		return 0;
	return code == KRB5_KT_END ? KRB5_KT_NOTFOUND : code;
}

krb5_error_code
bt_krb5_keytab_first(struct bt_krb5 *lib, krb5_keytab keytab, krb5_principal *out)
{
	krb5_keytab_entry entry;
	krb5_kt_cursor cursor;
	krb5_error_code code = krb5_kt_start_seq_get(lib->ctx, keytab, &cursor);

	*out = NULL;
	if (code != 0)
		return code;
	code = krb5_kt_next_entry(lib->ctx, keytab, &entry, &cursor);
	if (code == 0) {
		code = krb5_copy_principal(lib->ctx, entry.principal, out);
		krb5_free_keytab_entry_contents(lib->ctx, &entry);
	}
	krb5_kt_end_seq_get(lib->ctx, keytab, &cursor);
	return code == KRB5_KT_END ? KRB5_KT_NOTFOUND : code;
}

/* The keys must be there when the credential is acquired, so that a server fails at its start and not at its first client. */
static int
check_name(struct bt_krb5 *lib, krb5_keytab keytab, const struct bt_mn *name, krb5_const_principal match)
{
	krb5_keytab_entry entry;
	krb5_error_code code;
	char *text;

	if (name->service != NULL) {
		code = bt_krb5_keytab_matches(lib, keytab, match);
	} else if ((code = krb5_kt_get_entry(lib->ctx, keytab, match, 0, 0, &entry)) == 0) {
		krb5_free_keytab_entry_contents(lib->ctx, &entry);
	}
	if (code != KRB5_KT_NOTFOUND)
		return bt_krb5_fail(lib, code);
	if (name->service == NULL || krb5_unparse_name(lib->ctx, match, &text) != 0) {
		const char *sentence = krb5_get_error_message(lib->ctx, code);

		bt_err_note(BT_ERR_KEYTAB_NOMATCH, "%s", sentence);
		krb5_free_error_message(lib->ctx, sentence);
		return BT_ERR_KEYTAB_NOMATCH;
	}
	bt_err_note(BT_ERR_KEYTAB_NOMATCH, "No key table entry found matching %s", text);
	krb5_free_unparsed_name(lib->ctx, text);
	return BT_ERR_KEYTAB_NOMATCH;
}

int
bt_krb5_rcache_check(struct bt_krb5 *lib, const char *name)
{
	krb5_rcache rcache;
	krb5_error_code code;

	if (k5_rc_resolve == NULL || k5_rc_close == NULL)
		return bt_err_note(BT_ERR_UNAVAILABLE, "This libkrb5 cannot open a replay cache by name");
	code = k5_rc_resolve(lib->ctx, name, &rcache);
	if (code != 0)
		return bt_krb5_fail(lib, code);
	k5_rc_close(lib->ctx, rcache);
	return 0;
}

/* What the program has named for all its acceptors. */
static struct {
	struct bt_lock lock; /* protects name */
	char *name;
} registered = {.lock = BT_LOCK_INIT(BT_LOCK_INNER)};
BT_LOCK_MINDS_FORKS(minds_forks, registered.lock);

int
bt_krb5_acceptor_register(const char *keytab)
{
	char *name = keytab != NULL ? bt_mem_strdup(keytab, strlen(keytab)) : NULL, *old;

	if (keytab != NULL && name == NULL)
		return BT_ERR_NOMEM;
	bt_lock_enter(&registered.lock);
	old = registered.name;
	registered.name = name;
	bt_lock_leave(&registered.lock);
	bt_mem_free(old);
	return 0;
}

static krb5_error_code
open_default(struct bt_krb5 *lib, krb5_keytab *out)
{
	bool is_registered;
	char *name = NULL;
	krb5_error_code code = ENOMEM;

	bt_lock_enter(&registered.lock);
	is_registered = registered.name != NULL;
	if (is_registered)
		name = bt_mem_strdup(registered.name, strlen(registered.name));
	bt_lock_leave(&registered.lock);
	if (!is_registered)
		code = krb5_kt_default(lib->ctx, out);
	else if (name != NULL)
		code = krb5_kt_resolve(lib->ctx, name, out);
	bt_mem_free(name);
	return code;
}

int
bt_krb5_acquire_acceptor(struct bt_krb5 *lib, const struct bt_mn *name, const struct bt_krb5_store *store,
			 struct bt_mcred *cred)
{
	krb5_error_code code;
	int e;

	if (store->rcache != NULL) {
		if ((e = bt_krb5_rcache_check(lib, store->rcache)) != 0)
			return e;
		cred->rcache_name = bt_mem_strdup(store->rcache, strlen(store->rcache));
		if (cred->rcache_name == NULL)
			return BT_ERR_NOMEM;
	}
	if (store->open_keytab != NULL)
		code = krb5_kt_dup(lib->ctx, store->open_keytab, &cred->keytab);
	else if (store->keytab != NULL)
		code = krb5_kt_resolve(lib->ctx, store->keytab, &cred->keytab);
	else
		code = open_default(lib, &cred->keytab);
	if (code != 0) {
		cred->keytab = NULL;
		return bt_krb5_fail(lib, code);
	}
	cred->keytab_path = bt_krb5_snapshot_path(lib, cred->keytab);
	if (name == NULL)
		return bt_krb5_fail(lib, krb5_kt_have_content(lib->ctx, cred->keytab));
	if ((e = bt_krb5_acceptor_principal(lib, name, &cred->match)) != 0)
		return e;
	cred->acceptor = bt_mn_share((struct bt_mn *)(uintptr_t)name);
	return check_name(lib, cred->keytab, name, cred->match);
}

int
bt_krb5_rcache_use(struct bt_krb5 *lib, const struct bt_mcred *cred, krb5_auth_context auth)
{
	krb5_rcache rcache = cred->rcache;
	krb5_error_code code;

	if (rcache == NULL && cred->rcache_name == NULL)
		return 0;
	if (rcache == NULL && (code = k5_rc_resolve(lib->ctx, cred->rcache_name, &rcache)) != 0)
		return bt_krb5_fail(lib, code);
	if ((code = krb5_auth_con_setrcache(lib->ctx, auth, rcache)) != 0 && rcache != cred->rcache)
		k5_rc_close(lib->ctx, rcache);
	return bt_krb5_fail(lib, code);
}

void
bt_krb5_rcache_leave(struct bt_krb5 *lib, const struct bt_mcred *cred, krb5_auth_context auth)
{
	/* Freeing auth would close the credential's own. */
	if (auth != NULL && cred != NULL && cred->rcache != NULL)
		krb5_auth_con_setrcache(lib->ctx, auth, NULL);
}

void
bt_krb5_rcache_close(struct bt_krb5 *lib, krb5_rcache rcache)
{
	if (k5_rc_close != NULL)
		k5_rc_close(lib->ctx, rcache);
}

const char *
bt_krb5_rcache_name(struct bt_krb5 *lib, krb5_rcache rcache)
{
	return k5_rc_get_name != NULL ? k5_rc_get_name(lib->ctx, rcache) : NULL;
}
