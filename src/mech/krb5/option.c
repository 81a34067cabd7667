#include <errno.h>

#include "base/err.h"
#include "base/oid.h"
#include "mech/krb5/mech_krb5.h"

/* 1.2.840.113554.1.2.2.5: as the questions of inquire.c. */
#define OPTION(last) BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05" last)
static const struct bt_bytes IMPERSONATOR = OPTION("\x0e");

/* ---- arguments, as MIT's library lays them out ---- */

struct enctypes {
	uint32_t num;
	krb5_enctype *list;
};

struct import {
	krb5_ccache ccache;
	krb5_principal keytab_principal;
	krb5_keytab keytab;
};

/* ---- what is set ---- */

/* Copy the tickets into a cache of the program's. The argument's address is the cache. */
static int
copy_ccache(struct bt_mcred **ptr, void *value, size_t len)
{
	struct bt_mcred *cred = *ptr;
	struct bt_krb5 *lib;
	int e;

	if (value == NULL || len != sizeof value)
		return EINVAL;
	if (cred->usage == BT_USAGE_ACCEPT)
		return BT_ERR_BAD_USAGE;
	if ((e = bt_krb5_enter(&lib)) != 0)
		return e;
	if ((e = bt_krb5_cred_lock(cred)) == 0) {
		if ((e = bt_krb5_cred_choose(lib, cred, NULL)) == 0)
			e = bt_krb5_fail(lib, krb5_cc_copy_creds(lib->ctx, cred->ccache, value));
		bt_krb5_cred_unlock(cred);
	}
	bt_krb5_leave(lib);
	return e;
}

static bool
has_enctype(const krb5_enctype *list, size_t num, krb5_enctype enctype)
{
	for (size_t i = 0; i < num; i++)
		if (list[i] == enctype)
			return true;
	return false;
}

static int
set_enctypes(struct bt_mcred **ptr, void *value, size_t len)
{
	krb5_enctype known[BT_KRB5_ENCTYPES_MAX + 1] = {0};
	const struct enctypes *wanted = value;
	size_t num = 0;
	int e;

	if (wanted == NULL || len != sizeof *wanted)
		return EINVAL;
	/* Those that libkrb5 does not know are no limit; but a limit to none of those it knows would be none at all. */
	for (uint32_t i = 0; wanted->list != NULL && i < wanted->num && wanted->list[i] != 0; i++)
		if (krb5_c_valid_enctype(wanted->list[i]) && num < BT_KRB5_ENCTYPES_MAX &&
		    !has_enctype(known, num, wanted->list[i]))
			known[num++] = wanted->list[i];
	if (wanted->list != NULL && num == 0)
		return KRB5_PROG_ETYPE_NOSUPP;
	if ((e = bt_krb5_cred_lock(*ptr)) != 0)
		return e;
	memcpy((*ptr)->enctypes, known, sizeof known);
	bt_krb5_cred_unlock(*ptr);
	return 0;
}

/* The argument's address is the replay cache, which is the credential's from now on. */
static int
set_rcache(struct bt_mcred **ptr, void *value, size_t len)
{
	struct bt_krb5 *lib;
	int e;

	if (len != sizeof value)
		return EINVAL;
	if ((e = bt_krb5_enter(&lib)) != 0)
		return e;
	if ((*ptr)->rcache != NULL)
		bt_krb5_rcache_close(lib, (*ptr)->rcache);
	(*ptr)->rcache = value;
	bt_krb5_leave(lib);
	return 0;
}

static int
import(struct bt_mcred **ptr, void *value, size_t len)
{
	const struct import *from = value;
	struct bt_krb5_store store = {0};
	struct bt_mn *name = NULL;
	enum bt_usage usage = BT_USAGE_ACCEPT;
	struct bt_krb5 *lib;
	int e;

	if (from == NULL || len != sizeof *from || (from->ccache == NULL && from->keytab == NULL))
		return EINVAL;
	if (from->ccache != NULL)
		usage = from->keytab != NULL ? BT_USAGE_BOTH : BT_USAGE_INITIATE;
	store.open_ccache = from->ccache;
	store.open_keytab = from->keytab;
	if ((e = bt_krb5_enter(&lib)) != 0)
		return e;
	if (from->keytab_principal != NULL)
		e = bt_krb5_name_of(lib, from->keytab_principal, NULL, NULL, &name);
	if (e == 0)
		e = bt_krb5_acquire(lib, usage, name, &store, ptr);
	bt_mn_free(name);
	bt_krb5_leave(lib);
	return e;
}

static int
hide_protection(struct bt_mcred **ptr, void *value, size_t len)
{
	int e;

	if ((e = bt_krb5_cred_lock(*ptr)) != 0)
		return e;
	(*ptr)->hides_protection = true;
	bt_krb5_cred_unlock(*ptr);
	return 0;
}

static const struct {
	struct bt_bytes what;
	bool makes_one; /* a credential, and needs none; all others need one */
	int (*set)(struct bt_mcred **cred, void *value, size_t len);
} options[] = {
    {OPTION("\x02"), false, copy_ccache},
    {OPTION("\x04"), false, set_enctypes},
    {OPTION("\x0b"), false, set_rcache},
    {OPTION("\x0d"), true, import},
    {BT_OID("\x2a\x85\x70\x2b\x0d\x1d"), false, hide_protection}, /* GSS_KRB5_CRED_NO_CI_FLAGS_X */
};

int
bt_krb5_cred_set(const struct bt_mech *mech, struct bt_mcred **cred, struct bt_bytes what, void *value, size_t len)
{
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		if (!bt_bytes_has_prefix(what, options[i].what))
			continue;
		if (options[i].makes_one != (*cred == NULL))
			return EINVAL;
		return options[i].set(cred, value, len);
	}
	return BT_ERR_UNAVAILABLE;
}

/* ---- what is asked ---- */

int
bt_krb5_cred_ask(struct bt_mcred *cred, struct bt_bytes what, struct bt_answers *out)
{
	struct bt_krb5 *lib;
	char *text;
	int e;

	*out = (struct bt_answers){0};
	if (!bt_bytes_has_prefix(what, IMPERSONATOR))
		return BT_ERR_UNAVAILABLE;
	/* No answer: the credential is the client's own. */
	if (cred->impersonator == NULL)
		return 0;
	if ((e = bt_krb5_enter(&lib)) != 0)
		return e;
	e = bt_krb5_fail(lib, krb5_unparse_name(lib->ctx, cred->impersonator, &text));
	if (e == 0) {
		e = bt_answers_add_copy(out, bt_bytes_of_str(text));
		krb5_free_unparsed_name(lib->ctx, text);
	}
	bt_krb5_leave(lib);
	return e;
}
