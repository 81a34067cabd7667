#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/mech_krb5.h"

/* Keys of a cache's configuration entries that krb5.h has no names for. */
#define REFRESH_TIME "refresh_time"
#define PROXY_IMPERSONATOR "proxy_impersonator"
#define START_REALM "start_realm"

/* Not declared by krb5.h; exported for MIT's GSS library. Absent: a host is compared as it is written. */
extern krb5_boolean k5_sname_compare(krb5_context ctx, krb5_const_principal name, krb5_const_principal princ) __attribute__((weak));

/* A refresh that failed is tried again after this long; and tickets that end this soon are refreshed. */
enum { REFRESH_MARGIN_S = 30 };

static bool
data_is(const krb5_data *data, const char *text)
{
	return data->length == strlen(text) && memcmp(data->data, text, data->length) == 0;
}

static bool
is_tgs(krb5_const_principal princ)
{
	return princ->length == 2 && data_is(&princ->data[0], KRB5_TGS_NAME);
}

static bool
data_equal(const krb5_data *a, const krb5_data *b)
{
	return a->length == b->length && (a->length == 0 || memcmp(a->data, b->data, a->length) == 0);
}

/* The ticket-granting ticket of the client's own realm. */
static bool
is_local_tgt(krb5_const_principal server, const krb5_data *realm)
{
	return is_tgs(server) && data_equal(&server->data[1], realm) && data_equal(&server->realm, realm);
}

krb5_error_code
bt_krb5_ccache_store(struct bt_krb5 *lib, krb5_ccache ccache, krb5_creds *creds)
{
	krb5_error_code code = krb5_cc_store_cred(lib->ctx, ccache, creds);

	/* A TGT forwarded by a client of another realm is where libkrb5 is to start from. */
	if (code == 0 && is_tgs(creds->server) && data_equal(&creds->server->data[1], &creds->server->realm) &&
	    !data_equal(&creds->server->realm, &creds->client->realm))
		code = krb5_cc_set_config(lib->ctx, ccache, NULL, START_REALM, &creds->server->realm);
	return code;
}

/* ---- who the client is ---- */

/* settle - the client is this principal, which is taken over, on success only. */
static int
settle(struct bt_krb5 *lib, struct bt_mcred *cred, krb5_principal client)
{
	struct bt_mn *name;
	int e = bt_krb5_name_of(lib, client, NULL, NULL, &name);

	if (e != 0)
		return e;
	bt_mn_free(cred->initiator);
	cred->initiator = name;
	krb5_free_principal(lib->ctx, cred->client);
	cred->client = client;
	return 0;
}

static bool
can_get_tickets(struct bt_krb5 *lib, struct bt_mcred *cred)
{
	if (cred->password != NULL)
		return true;
	if (cred->client_keytab == NULL)
		return false;
	if (cred->client == NULL)
		return krb5_kt_have_content(lib->ctx, cred->client_keytab) == 0;
	return bt_krb5_keytab_matches(lib, cred->client_keytab, cred->client) == 0;
}

/* ---- what a cache holds ---- */

static krb5_error_code
read_config(struct bt_krb5 *lib, struct bt_mcred *cred, const krb5_creds *entry)
{
	char *text;
	krb5_error_code code = 0;

	if (entry->server->length != 2)
		return 0;
	text = bt_mem_strdup(entry->ticket.data, entry->ticket.length);
	if (text == NULL)
		return ENOMEM;
	if (data_is(&entry->server->data[1], REFRESH_TIME) && cred->refresh_at == 0)
		cred->refresh_at = strtoll(text, NULL, 10);
	else if (data_is(&entry->server->data[1], PROXY_IMPERSONATOR) && cred->impersonator == NULL)
		code = krb5_parse_name(lib->ctx, text, &cred->impersonator);
	bt_mem_free(text);
	return code;
}

static krb5_error_code
read_entries(struct bt_krb5 *lib, struct bt_mcred *cred)
{
	krb5_cc_cursor cursor;
	krb5_creds entry;
	krb5_error_code code = krb5_cc_start_seq_get(lib->ctx, cred->ccache, &cursor);

	if (code != 0)
		return code;
	while ((code = krb5_cc_next_cred(lib->ctx, cred->ccache, &cursor, &entry)) == 0) {
		if (krb5_is_config_principal(lib->ctx, entry.server)) {
			code = read_config(lib, cred, &entry);
		} else {
			bool is_tgt = is_local_tgt(entry.server, &cred->client->realm);

			/* The TGT's end is the credential's; without a TGT the first ticket's must do. */
			cred->has_tgt = cred->has_tgt || is_tgt;
			if (is_tgt || cred->ends_at == 0)
				cred->ends_at = bt_krb5_seconds(entry.times.endtime);
		}
		krb5_free_cred_contents(lib->ctx, &entry);
		if (code != 0)
			break;
	}
	krb5_cc_end_seq_get(lib->ctx, cred->ccache, &cursor);
	return code == KRB5_CC_END ? 0 : code;
}

/* Does the cache of have serve who asked for want? want may be host-based, without realm, with a host by another of its names. */
static bool
is_wanted(struct bt_krb5 *lib, krb5_const_principal want, krb5_const_principal have)
{
	if (k5_sname_compare != NULL)
		return k5_sname_compare(lib->ctx, want, have);
	return krb5_principal_compare(lib->ctx, want, have) || krb5_sname_match(lib->ctx, want, have);
}

static void
forget_entries(struct bt_mcred *cred)
{
	cred->ends_at = cred->refresh_at = 0;
	cred->has_tgt = false;
}

/* scan_entries - times and notes of cred->ccache, whose client is settled. */
static int
scan_entries(struct bt_krb5 *lib, struct bt_mcred *cred)
{
	krb5_error_code code;

	forget_entries(cred);
	if ((code = krb5_cc_set_flags(lib->ctx, cred->ccache, KRB5_TC_NOTICKET)) != 0)
		return bt_krb5_fail(lib, code);
	code = read_entries(lib, cred);
	krb5_cc_set_flags(lib->ctx, cred->ccache, 0);
	if (code != 0)
		return bt_krb5_fail(lib, code);
	return cred->ends_at == 0 && !can_get_tickets(lib, cred) ? BT_ERR_EMPTY_CCACHE : 0;
}

/* scan - the client as well. FCC_NOFILE and its like come back bare, for the caller to try otherwise. */
static int
scan(struct bt_krb5 *lib, struct bt_mcred *cred, bool checks_name)
{
	krb5_principal owner;
	krb5_error_code code;
	int e;

	forget_entries(cred);
	if ((code = krb5_cc_get_principal(lib->ctx, cred->ccache, &owner)) != 0)
		return bt_krb5_fail(lib, code);
	if (checks_name && cred->client != NULL && !is_wanted(lib, cred->client, owner))
		e = BT_ERR_CCACHE_NOMATCH;
	else
		e = settle(lib, cred, owner);
	if (e != 0) {
		krb5_free_principal(lib->ctx, owner);
		return e;
	}
	return scan_entries(lib, cred);
}

/* find_cache - the cache of a client that is known: one in the collection, or one to be filled. */
static int
find_cache(struct bt_krb5 *lib, struct bt_mcred *cred)
{
	/* Asked before krb5_cc_cache_match leaves a sentence that is worth more. */
	bool can_get = can_get_tickets(lib, cred);
	krb5_ccache standard = NULL;
	krb5_principal owner = NULL;
	const char *type;
	krb5_error_code code = krb5_cc_cache_match(lib->ctx, cred->client, &cred->ccache);

	if (code == 0)
		return scan(lib, cred, false);
	cred->ccache = NULL;
	if (code != KRB5_CC_NOTFOUND || !can_get)
		return bt_krb5_fail(lib, code);
	krb5_clear_error_message(lib->ctx);
	if ((code = krb5_cc_default(lib->ctx, &standard)) != 0)
		return bt_krb5_fail(lib, code);
	type = krb5_cc_get_type(lib->ctx, standard);
	if (cred->password != NULL || !krb5_cc_support_switch(lib->ctx, type)) {
		/* The default cache will do if there is nothing in it. */
		if (krb5_cc_get_principal(lib->ctx, standard, &owner) == KRB5_FCC_NOFILE) {
			cred->ccache = standard;
			standard = NULL;
		}
		krb5_free_principal(lib->ctx, owner);
		krb5_clear_error_message(lib->ctx);
	}
	if (cred->ccache == NULL) {
		if (krb5_cc_support_switch(lib->ctx, type))
			code = krb5_cc_new_unique(lib->ctx, type, NULL, &cred->ccache);
		else
			code = BT_ERR_CCACHE_NOMATCH;
	}
	if (standard != NULL)
		krb5_cc_close(lib->ctx, standard);
	if (code == BT_ERR_CCACHE_NOMATCH)
		return code;
	return bt_krb5_fail(lib, code);
}

/* ---- filling a cache ---- */

static void
plan_refresh(struct bt_krb5 *lib, struct bt_mcred *cred, int64_t at)
{
	char text[24];
	krb5_data data;

	snprintf(text, sizeof text, "%lld", (long long)at);
	data = bt_krb5_data_of(bt_bytes_of_str(text));
	/* A cache that takes no notes is only refreshed later. */
	(void)krb5_cc_set_config(lib->ctx, cred->ccache, NULL, REFRESH_TIME, &data);
	krb5_clear_error_message(lib->ctx);
}

static bool
is_refresh_due(struct bt_krb5 *lib, struct bt_mcred *cred)
{
	krb5_timestamp now;

	if (krb5_timeofday(lib->ctx, &now) != 0)
		return false;
	if (cred->refresh_at != 0 && cred->refresh_at <= bt_krb5_seconds(now)) {
		/* Not every call for the next half minute is to try again. */
		cred->refresh_at = bt_krb5_seconds(now) + REFRESH_MARGIN_S;
		plan_refresh(lib, cred, cred->refresh_at);
		return true;
	}
	return cred->ends_at < bt_krb5_seconds(now) + REFRESH_MARGIN_S;
}

static krb5_error_code
verify_password(struct bt_krb5 *lib, krb5_creds *creds, const struct bt_krb5_store *store)
{
	krb5_verify_init_creds_opt options;
	krb5_principal service = NULL;
	krb5_keytab keytab = NULL;
	krb5_error_code code = 0;

	krb5_verify_init_creds_opt_init(&options);
	krb5_verify_init_creds_opt_set_ap_req_nofail(&options, 1);
	if (store->verify[0] != '\0')
		code = krb5_parse_name(lib->ctx, store->verify, &service);
	if (code == 0 && store->keytab != NULL)
		code = krb5_kt_resolve(lib->ctx, store->keytab, &keytab);
	if (code == 0)
		code = krb5_verify_init_creds(lib->ctx, creds, service, keytab, NULL, &options);
	if (keytab != NULL)
		krb5_kt_close(lib->ctx, keytab);
	krb5_free_principal(lib->ctx, service);
	return code;
}

int
bt_krb5_cred_filled(struct bt_krb5 *lib, struct bt_mcred *cred, krb5_creds *creds)
{
	int64_t starts_at = bt_krb5_seconds(creds->times.starttime), ends_at = bt_krb5_seconds(creds->times.endtime);
	int e;

	/* Only a keytab can be asked again. */
	if (cred->password == NULL && ends_at > starts_at)
		plan_refresh(lib, cred, starts_at + (ends_at - starts_at) / 2);
	cred->has_tgt = true;
	cred->ends_at = ends_at;
	/* The KDC may know the client under another name. */
	if ((e = settle(lib, cred, creds->client)) == 0)
		creds->client = NULL;
	return e;
}

static int
get_tickets(struct bt_krb5 *lib, const struct bt_krb5_store *store, struct bt_mcred *cred)
{
	krb5_get_init_creds_opt *options = NULL;
	krb5_creds creds = {0};
	krb5_error_code code;
	int e = 0;

	if ((code = krb5_get_init_creds_opt_alloc(lib->ctx, &options)) != 0)
		return bt_krb5_fail(lib, code);
	code = krb5_get_init_creds_opt_set_out_ccache(lib->ctx, options, cred->ccache);
	if (code == 0 && cred->password != NULL)
		code =
		    krb5_get_init_creds_password(lib->ctx, &creds, cred->client, cred->password, NULL, NULL, 0, NULL, options);
	else if (code == 0 && cred->client_keytab != NULL)
		code = krb5_get_init_creds_keytab(lib->ctx, &creds, cred->client, cred->client_keytab, 0, NULL, options);
	else if (code == 0)
		code = KRB5_KT_NOTFOUND;
	if (code == 0 && cred->password != NULL && store != NULL && store->verify != NULL)
		code = verify_password(lib, &creds, store);
	e = code != 0 ? bt_krb5_fail(lib, code) : bt_krb5_cred_filled(lib, cred, &creds);
	krb5_free_cred_contents(lib->ctx, &creds);
	krb5_get_init_creds_opt_free(lib->ctx, options);
	return e;
}

bool
bt_krb5_cred_wants_tickets(struct bt_krb5 *lib, struct bt_mcred *cred)
{
	return cred->ends_at == 0 || (can_get_tickets(lib, cred) && is_refresh_due(lib, cred));
}

static int
fill(struct bt_krb5 *lib, const struct bt_krb5_store *store, struct bt_mcred *cred)
{
	int e;

	if (cred->client == NULL || cred->is_iakerb || (cred->ends_at != 0 && !is_refresh_due(lib, cred)))
		return 0;
	e = get_tickets(lib, store, cred);
	/* What is there may still do. */
	return cred->ends_at != 0 && e != BT_ERR_NOMEM ? 0 : e;
}

/* ---- acquire ---- */

static int
use_named_cache(struct bt_krb5 *lib, struct bt_mcred *cred)
{
	krb5_principal client;
	int e = scan(lib, cred, true);

	if (e != KRB5_FCC_NOFILE)
		return e;
	/* It does not exist yet, but could be made. */
	if (cred->client != NULL)
		return can_get_tickets(lib, cred) ? 0 : e;
	if (cred->client_keytab == NULL || bt_krb5_keytab_first(lib, cred->client_keytab, &client) != 0)
		return e;
	e = settle(lib, cred, client);
	if (e != 0)
		krb5_free_principal(lib->ctx, client);
	return e;
}

static int
open_stores(struct bt_krb5 *lib, const struct bt_krb5_store *store, struct bt_mcred *cred)
{
	krb5_error_code code = 0;

	if (store->password.ptr != NULL) {
		cred->password = bt_mem_strdup((const char *)store->password.ptr, store->password.len);
		if (cred->password == NULL)
			return BT_ERR_NOMEM;
		code = krb5_cc_new_unique(lib->ctx, "MEMORY", NULL, &cred->ccache);
		cred->owns_ccache = code == 0;
	} else if (store->open_ccache != NULL) {
		code = krb5_cc_dup(lib->ctx, store->open_ccache, &cred->ccache);
	} else if (store->ccache != NULL) {
		code = krb5_cc_resolve(lib->ctx, store->ccache, &cred->ccache);
	} else if (bt_krb5_ccache_name() != NULL) {
		/* The program chose this one, and no other of the collection. */
		code = krb5_cc_default(lib->ctx, &cred->ccache);
	}
	if (code != 0) {
		cred->ccache = NULL;
		return bt_krb5_fail(lib, code);
	}
	if (store->client_keytab != NULL) {
		code = krb5_kt_resolve(lib->ctx, store->client_keytab, &cred->client_keytab);
	} else if (krb5_kt_client_default(lib->ctx, &cred->client_keytab) != 0) {
		/* As good as one that is not there. */
		cred->client_keytab = NULL;
		krb5_clear_error_message(lib->ctx);
	}
	if (code != 0)
		cred->client_keytab = NULL;
	return bt_krb5_fail(lib, code);
}

/* Why a cache that is there is of no use; of several, the first. */
static void
note_reason(struct bt_krb5 *lib, krb5_error_code code, char *reason, size_t room)
{
	const char *text;

	if (code == 0 || reason[0] != '\0')
		return;
	text = krb5_get_error_message(lib->ctx, code);
	snprintf(reason, room, "%s", text);
	krb5_free_error_message(lib->ctx, text);
}

/*
 * Does any cache of the collection belong to somebody? krb5_cccol_have_content would tell, but for a cache that is there and cannot be
 * read, libkrb5 1.20's frees a principal that nobody made. Programs know its words.
 */
static int
check_collection(struct bt_krb5 *lib)
{
	const char *usual = krb5_cc_default_name(lib->ctx);
	char reason[256] = "";
	krb5_cccol_cursor cursor;
	krb5_ccache cache = NULL;
	krb5_principal client = NULL;
	krb5_error_code code;

	if ((code = krb5_cccol_cursor_new(lib->ctx, &cursor)) != 0)
		return bt_krb5_fail(lib, code);
	while (client == NULL && (code = krb5_cccol_cursor_next(lib->ctx, cursor, &cache)) == 0 && cache != NULL) {
		note_reason(lib, krb5_cc_get_principal(lib->ctx, cache, &client), reason, sizeof reason);
		krb5_cc_close(lib->ctx, cache);
	}
	krb5_cccol_cursor_free(lib->ctx, &cursor);
	if (code != 0)
		return bt_krb5_fail(lib, code);
	krb5_clear_error_message(lib->ctx);
	if (client != NULL) {
		krb5_free_principal(lib->ctx, client);
		return 0;
	}
	if (reason[0] != '\0')
		krb5_set_error_message(lib->ctx, KRB5_CC_NOTFOUND, "No Kerberos credentials available: %s", reason);
	else
		krb5_set_error_message(lib->ctx, KRB5_CC_NOTFOUND, "No Kerberos credentials available (default cache: %s)",
				       usual != NULL ? usual : "none");
	return bt_krb5_fail(lib, KRB5_CC_NOTFOUND);
}

int
bt_krb5_acquire_initiator(struct bt_krb5 *lib, const struct bt_mn *name, const struct bt_krb5_store *store,
			  struct bt_mcred *cred)
{
	int e;

	if (name != NULL) {
		if ((e = bt_krb5_principal_of(lib, name, &cred->client)) != 0)
			return e;
		cred->initiator = bt_mn_share((struct bt_mn *)(uintptr_t)name);
	}
	if ((e = open_stores(lib, store, cred)) != 0)
		return e;
	if (cred->ccache != NULL)
		e = use_named_cache(lib, cred);
	else if (cred->client != NULL)
		e = find_cache(lib, cred);
	else if (!can_get_tickets(lib, cred))
		/* Which cache it will be depends on the target. Some cache there must be. */
		e = check_collection(lib);
	return e != 0 ? e : fill(lib, store, cred);
}

/* ---- choose ---- */

static int
choose_by_target(struct bt_krb5 *lib, struct bt_mcred *cred, krb5_const_principal target)
{
	krb5_principal client = NULL;
	krb5_error_code code = krb5_cc_select(lib->ctx, (krb5_principal)(uintptr_t)target, &cred->ccache, &client);
	int e = 0;

	if (code != 0) {
		cred->ccache = NULL;
		if (code != KRB5_CC_NOTFOUND)
			return bt_krb5_fail(lib, code);
	}
	if (client != NULL && (e = settle(lib, cred, client)) != 0)
		krb5_free_principal(lib->ctx, client);
	/* Who chose the cache has said whose it is. */
	if (e == 0 && cred->ccache != NULL)
		e = client != NULL ? scan_entries(lib, cred) : scan(lib, cred, false);
	return e;
}

static int
choose_default(struct bt_krb5 *lib, struct bt_mcred *cred)
{
	krb5_error_code code = krb5_cc_default(lib->ctx, &cred->ccache);
	int e;

	if (code != 0) {
		cred->ccache = NULL;
		return bt_krb5_fail(lib, code);
	}
	e = scan(lib, cred, false);
	if (e != KRB5_FCC_NOFILE)
		return e;
	/* Left to the client keytab. */
	krb5_cc_close(lib->ctx, cred->ccache);
	cred->ccache = NULL;
	return 0;
}

static int
choose_from_keytab(struct bt_krb5 *lib, struct bt_mcred *cred)
{
	krb5_principal client;
	int e;

	if (cred->client_keytab == NULL || bt_krb5_keytab_first(lib, cred->client_keytab, &client) != 0)
		return BT_ERR_EMPTY_CCACHE;
	e = settle(lib, cred, client);
	if (e != 0)
		krb5_free_principal(lib->ctx, client);
	return e;
}

/* forget_choice - after a failure the next call starts afresh. */
static void
forget_choice(struct bt_krb5 *lib, struct bt_mcred *cred)
{
	if (cred->ccache != NULL)
		krb5_cc_close(lib->ctx, cred->ccache);
	cred->ccache = NULL;
	bt_mn_free(cred->initiator);
	cred->initiator = NULL;
	krb5_free_principal(lib->ctx, cred->client);
	cred->client = NULL;
	krb5_free_principal(lib->ctx, cred->impersonator);
	cred->impersonator = NULL;
}

int
bt_krb5_cred_choose(struct bt_krb5 *lib, struct bt_mcred *cred, krb5_const_principal target)
{
	int e = 0;

	if (cred->usage == BT_USAGE_ACCEPT || cred->client != NULL)
		return 0;
	if (target != NULL)
		e = choose_by_target(lib, cred, target);
	if (e == 0 && cred->client == NULL)
		e = choose_default(lib, cred);
	if (e == 0 && cred->client == NULL)
		e = choose_from_keytab(lib, cred);
	if (e == 0 && cred->ccache == NULL)
		e = find_cache(lib, cred);
	if (e == 0)
		e = fill(lib, NULL, cred);
	if (e != 0)
		forget_choice(lib, cred);
	return e;
}

int
bt_krb5_cred_choose_usual(struct bt_krb5 *lib, struct bt_mcred *cred)
{
	int e = bt_krb5_cred_lock(cred);

	if (e != 0)
		return e;
	krb5_cc_set_default_name(lib->ctx, NULL);
	e = bt_krb5_cred_choose(lib, cred, NULL);
	bt_krb5_cred_unlock(cred);
	krb5_cc_set_default_name(lib->ctx, bt_krb5_ccache_name());
	return e;
}
