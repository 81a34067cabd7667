#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/mech_krb5.h"
#include "mech/krb5/portable.h"

enum { KEYTAB_NAME_MAX = 1024 };

/* A lock is held while the credential is read; all of what is read is a copy. */

static int
copy_text(const char *text, char **out)
{
	*out = text != NULL ? bt_mem_strdup(text, strlen(text)) : NULL;
	return text != NULL && *out == NULL ? BT_ERR_NOMEM : 0;
}

static int
copy_principal(struct bt_krb5 *lib, krb5_const_principal princ, char **out)
{
	char *text;
	krb5_error_code code;
	int e;

	*out = NULL;
	if (princ == NULL)
		return 0;
	if ((code = krb5_unparse_name(lib->ctx, princ, &text)) != 0)
		return bt_krb5_fail(lib, code);
	e = copy_text(text, out);
	krb5_free_unparsed_name(lib->ctx, text);
	return e;
}

static int
copy_keytab(struct bt_krb5 *lib, krb5_keytab keytab, char **out)
{
	char name[KEYTAB_NAME_MAX];
	krb5_error_code code;

	*out = NULL;
	if (keytab == NULL)
		return 0;
	code = krb5_kt_get_name(lib->ctx, keytab, name, sizeof name);
	return code != 0 ? bt_krb5_fail(lib, code) : copy_text(name, out);
}

/* ---- export: a cache's contents ---- */

static int
add_typed(struct bt_krb5_typed_list *list, int32_t type, struct bt_bytes bytes)
{
	struct bt_krb5_typed *item = &list->items[list->num];

	item->type = type;
	list->num++;
	return bytes.len != 0 ? bt_buf_dup(bytes, &item->bytes) : 0;
}

static int
copy_addresses(krb5_address *const *addresses, struct bt_krb5_typed_list *out)
{
	size_t num = 0;
	int e = 0;

	while (addresses != NULL && addresses[num] != NULL)
		num++;
	out->is_there = addresses != NULL;
	if (num > BT_KRB5_PORTABLE_MAX)
		return BT_ERR_TOO_LARGE;
	if (num != 0 && (out->items = bt_mem_alloc(num * sizeof *out->items)) == NULL)
		return BT_ERR_NOMEM;
	for (size_t i = 0; e == 0 && i < num; i++)
		e = add_typed(out, addresses[i]->addrtype, bt_bytes_of(addresses[i]->contents, addresses[i]->length));
	return e;
}

static int
copy_authdata(krb5_authdata *const *authdata, struct bt_krb5_typed_list *out)
{
	size_t num = 0;
	int e = 0;

	while (authdata != NULL && authdata[num] != NULL)
		num++;
	out->is_there = authdata != NULL;
	if (num > BT_KRB5_PORTABLE_MAX)
		return BT_ERR_TOO_LARGE;
	if (num != 0 && (out->items = bt_mem_alloc(num * sizeof *out->items)) == NULL)
		return BT_ERR_NOMEM;
	for (size_t i = 0; e == 0 && i < num; i++)
		e = add_typed(out, authdata[i]->ad_type, bt_bytes_of(authdata[i]->contents, authdata[i]->length));
	return e;
}

static int
copy_bytes(const void *bytes, size_t len, struct bt_buf *out)
{
	return len != 0 ? bt_buf_dup(bt_bytes_of(bytes, len), out) : 0;
}

static int
copy_ticket(struct bt_krb5 *lib, const krb5_creds *creds, struct bt_krb5_portable_ticket *out)
{
	int e;

	out->enctype = creds->keyblock.enctype;
	out->times[0] = creds->times.authtime;
	out->times[1] = creds->times.starttime;
	out->times[2] = creds->times.endtime;
	out->times[3] = creds->times.renew_till;
	out->is_skey = creds->is_skey != 0;
	out->flags = creds->ticket_flags;
	if ((e = copy_principal(lib, creds->client, &out->client)) != 0 ||
	    (e = copy_principal(lib, creds->server, &out->server)) != 0 ||
	    (e = copy_bytes(creds->keyblock.contents, creds->keyblock.length, &out->key)) != 0 ||
	    (e = copy_addresses(creds->addresses, &out->addresses)) != 0 ||
	    (e = copy_bytes(creds->ticket.data, creds->ticket.length, &out->ticket)) != 0 ||
	    (e = copy_bytes(creds->second_ticket.data, creds->second_ticket.length, &out->second_ticket)) != 0)
		return e;
	return copy_authdata(creds->authdata, &out->authdata);
}

static krb5_error_code
count_tickets(struct bt_krb5 *lib, krb5_ccache ccache, size_t *out)
{
	krb5_cc_cursor cursor;
	krb5_creds creds;
	krb5_error_code code = krb5_cc_start_seq_get(lib->ctx, ccache, &cursor);

	*out = 0;
	if (code != 0)
		return code;
	while ((code = krb5_cc_next_cred(lib->ctx, ccache, &cursor, &creds)) == 0) {
		krb5_free_cred_contents(lib->ctx, &creds);
		++*out;
	}
	krb5_cc_end_seq_get(lib->ctx, ccache, &cursor);
	return code == KRB5_CC_END ? 0 : code;
}

/* Tickets that come in between are left out: they can be had again. */
static int
copy_tickets(struct bt_krb5 *lib, krb5_ccache ccache, struct bt_krb5_portable *out)
{
	krb5_cc_cursor cursor;
	krb5_creds creds;
	size_t num;
	krb5_error_code code = count_tickets(lib, ccache, &num);
	int e = 0;

	if (code != 0 || num == 0)
		return bt_krb5_fail(lib, code);
	if (num > BT_KRB5_PORTABLE_MAX)
		return BT_ERR_TOO_LARGE;
	if ((out->tickets = bt_mem_alloc(num * sizeof *out->tickets)) == NULL)
		return BT_ERR_NOMEM;
	if ((code = krb5_cc_start_seq_get(lib->ctx, ccache, &cursor)) != 0)
		return bt_krb5_fail(lib, code);
	while (e == 0 && out->num_tickets < num && (code = krb5_cc_next_cred(lib->ctx, ccache, &cursor, &creds)) == 0) {
		e = copy_ticket(lib, &creds, &out->tickets[out->num_tickets++]);
		krb5_free_cred_contents(lib->ctx, &creds);
	}
	krb5_cc_end_seq_get(lib->ctx, ccache, &cursor);
	return e != 0 || code == KRB5_CC_END ? e : bt_krb5_fail(lib, code);
}

static int
copy_ccache(struct bt_krb5 *lib, krb5_ccache ccache, struct bt_krb5_portable *out)
{
	krb5_principal owner;
	krb5_error_code code;
	char *name;
	int e;

	if (ccache == NULL)
		return 0;
	if (strcmp(krb5_cc_get_type(lib->ctx, ccache), "MEMORY") == 0) {
		out->has_contents = true;
		if ((code = krb5_cc_get_principal(lib->ctx, ccache, &owner)) != 0)
			return bt_krb5_fail(lib, code);
		e = copy_principal(lib, owner, &out->owner);
		krb5_free_principal(lib->ctx, owner);
		return e != 0 ? e : copy_tickets(lib, ccache, out);
	}
	if ((code = krb5_cc_get_full_name(lib->ctx, ccache, &name)) != 0)
		return bt_krb5_fail(lib, code);
	e = copy_text(name, &out->ccache);
	krb5_free_string(lib->ctx, name);
	return e;
}

/* ---- export ---- */

/* The one name of MIT's library, which is both the client's and the acceptor's. */
static int
copy_name(struct bt_krb5 *lib, const struct bt_mcred *cred, struct bt_krb5_portable *out)
{
	krb5_principal princ = NULL;
	int e = 0;

	out->has_name = cred->client != NULL || cred->acceptor != NULL;
	if (cred->client != NULL)
		e = copy_principal(lib, cred->client, &out->principal);
	else if (cred->acceptor != NULL && (e = bt_krb5_principal_of(lib, cred->acceptor, &princ)) == 0)
		e = copy_principal(lib, princ, &out->principal);
	krb5_free_principal(lib->ctx, princ);
	if (e != 0 || cred->acceptor == NULL)
		return e;
	e = copy_text(cred->acceptor->service, &out->service);
	return e != 0 ? e : copy_text(cred->acceptor->host, &out->host);
}

static int
copy_cred(struct bt_krb5 *lib, const struct bt_mcred *cred, struct bt_krb5_portable *out)
{
	const char *rcache = cred->rcache != NULL ? bt_krb5_rcache_name(lib, cred->rcache) : cred->rcache_name;
	int e;

	*out = (struct bt_krb5_portable){.usage = (uint8_t)cred->usage,
					 .is_default = cred->is_default,
					 .is_iakerb = cred->is_iakerb,
					 .has_tgt = cred->has_tgt,
					 .ends_at = cred->ends_at,
					 .refresh_at = cred->refresh_at};
	if ((e = copy_name(lib, cred, out)) != 0 || (e = copy_principal(lib, cred->impersonator, &out->impersonator)) != 0 ||
	    (e = copy_keytab(lib, cred->keytab, &out->keytab)) != 0 || (e = copy_text(rcache, &out->rcache)) != 0 ||
	    (e = copy_ccache(lib, cred->ccache, out)) != 0 ||
	    (e = copy_keytab(lib, cred->client_keytab, &out->client_keytab)) != 0)
		return e;
	out->has_enctypes = cred->enctypes[0] != 0;
	while (cred->enctypes[out->num_enctypes] != 0) {
		out->enctypes[out->num_enctypes] = cred->enctypes[out->num_enctypes];
		out->num_enctypes++;
	}
	return copy_text(cred->password, &out->password);
}

int
bt_krb5_cred_export(struct bt_mcred *cred, struct bt_wr *out)
{
	struct bt_krb5_portable *portable = bt_mem_alloc(sizeof *portable);
	struct bt_krb5 *lib;
	int e;

	if (portable == NULL)
		return BT_ERR_NOMEM;
	if ((e = bt_krb5_enter(&lib)) == 0) {
		/* What is not chosen yet is left to the importer. */
		if ((e = bt_krb5_cred_lock(cred)) == 0) {
			e = copy_cred(lib, cred, portable);
			bt_krb5_cred_unlock(cred);
		}
		bt_krb5_leave(lib);
	}
	if (e == 0)
		bt_krb5_portable_write(portable, out);
	bt_krb5_portable_done(portable);
	bt_mem_free(portable);
	return e;
}

/* ---- import: a cache's contents. Arrays of pointers, as libkrb5 has them, on what portable holds ---- */

static krb5_address **
address_list(const struct bt_krb5_typed_list *list)
{
	krb5_address **pointers = bt_mem_alloc((list->num + 1) * sizeof *pointers + list->num * sizeof **pointers);
	krb5_address *items = pointers != NULL ? (krb5_address *)(pointers + list->num + 1) : NULL;

	for (size_t i = 0; pointers != NULL && i < list->num; i++) {
		items[i] = (krb5_address){.magic = KV5M_ADDRESS,
					  .addrtype = list->items[i].type,
					  .length = (unsigned)list->items[i].bytes.len,
					  .contents = list->items[i].bytes.ptr};
		pointers[i] = &items[i];
	}
	return pointers;
}

static krb5_authdata **
authdata_list(const struct bt_krb5_typed_list *list)
{
	krb5_authdata **pointers = bt_mem_alloc((list->num + 1) * sizeof *pointers + list->num * sizeof **pointers);
	krb5_authdata *items = pointers != NULL ? (krb5_authdata *)(pointers + list->num + 1) : NULL;

	for (size_t i = 0; pointers != NULL && i < list->num; i++) {
		items[i] = (krb5_authdata){.magic = KV5M_AUTHDATA,
					   .ad_type = list->items[i].type,
					   .length = (unsigned)list->items[i].bytes.len,
					   .contents = list->items[i].bytes.ptr};
		pointers[i] = &items[i];
	}
	return pointers;
}

static int
parse_principal(struct bt_krb5 *lib, const char *text, krb5_principal *out)
{
	*out = NULL;
	if (text == NULL)
		return BT_ERR_DEFECTIVE_TOKEN;
	return bt_krb5_fail(lib, krb5_parse_name(lib->ctx, text, out));
}

static int
store_ticket(struct bt_krb5 *lib, krb5_ccache ccache, const struct bt_krb5_portable_ticket *ticket)
{
	krb5_creds creds = {.magic = KV5M_CREDS, .is_skey = ticket->is_skey, .ticket_flags = ticket->flags};
	int e;

	creds.keyblock = (krb5_keyblock){.magic = KV5M_KEYBLOCK,
					 .enctype = ticket->enctype,
					 .length = (unsigned)ticket->key.len,
					 .contents = ticket->key.ptr};
	creds.times = (krb5_ticket_times){ticket->times[0], ticket->times[1], ticket->times[2], ticket->times[3]};
	creds.ticket = bt_krb5_data_of(bt_bytes_of_buf(&ticket->ticket));
	creds.second_ticket = bt_krb5_data_of(bt_bytes_of_buf(&ticket->second_ticket));
	e = parse_principal(lib, ticket->client, &creds.client);
	if (e == 0)
		e = parse_principal(lib, ticket->server, &creds.server);
	if (e == 0 && ticket->addresses.is_there && (creds.addresses = address_list(&ticket->addresses)) == NULL)
		e = BT_ERR_NOMEM;
	if (e == 0 && ticket->authdata.is_there && (creds.authdata = authdata_list(&ticket->authdata)) == NULL)
		e = BT_ERR_NOMEM;
	/* Not the store that notes a realm to start in: that note, if there was one, is among the tickets. */
	if (e == 0)
		e = bt_krb5_fail(lib, krb5_cc_store_cred(lib->ctx, ccache, &creds));
	bt_mem_free(creds.addresses);
	bt_mem_free(creds.authdata);
	krb5_free_principal(lib->ctx, creds.client);
	krb5_free_principal(lib->ctx, creds.server);
	return e;
}

static int
fill_cache(struct bt_krb5 *lib, const struct bt_krb5_portable *portable, struct bt_mcred *cred)
{
	krb5_principal owner;
	krb5_error_code code = krb5_cc_new_unique(lib->ctx, "MEMORY", NULL, &cred->ccache);
	int e;

	if (code != 0) {
		cred->ccache = NULL;
		return bt_krb5_fail(lib, code);
	}
	cred->owns_ccache = true;
	if ((e = parse_principal(lib, portable->owner, &owner)) != 0)
		return e;
	e = bt_krb5_fail(lib, krb5_cc_initialize(lib->ctx, cred->ccache, owner));
	krb5_free_principal(lib->ctx, owner);
	for (size_t i = 0; e == 0 && i < portable->num_tickets; i++)
		e = store_ticket(lib, cred->ccache, &portable->tickets[i]);
	return e;
}

/* ---- import ---- */

static int
open_keytab(struct bt_krb5 *lib, const char *name, krb5_keytab *out)
{
	krb5_error_code code = name != NULL ? krb5_kt_resolve(lib->ctx, name, out) : 0;

	if (code != 0)
		*out = NULL;
	return bt_krb5_fail(lib, code);
}

static int
open_stores(struct bt_krb5 *lib, const struct bt_krb5_portable *portable, struct bt_mcred *cred)
{
	krb5_error_code code;
	int e;

	if ((e = open_keytab(lib, portable->keytab, &cred->keytab)) != 0 ||
	    (e = open_keytab(lib, portable->client_keytab, &cred->client_keytab)) != 0)
		return e;
	if (cred->keytab != NULL)
		cred->keytab_path = bt_krb5_snapshot_path(lib, cred->keytab);
	if (portable->rcache != NULL && (e = bt_krb5_rcache_check(lib, portable->rcache)) != 0)
		return e;
	if ((e = copy_text(portable->rcache, &cred->rcache_name)) != 0)
		return e;
	if (portable->has_contents)
		return fill_cache(lib, portable, cred);
	if (portable->ccache != NULL && (code = krb5_cc_resolve(lib->ctx, portable->ccache, &cred->ccache)) != 0) {
		cred->ccache = NULL;
		return bt_krb5_fail(lib, code);
	}
	return 0;
}

static int
take_name(struct bt_krb5 *lib, const struct bt_krb5_portable *portable, struct bt_mcred *cred)
{
	krb5_principal princ;
	int e;

	if (!portable->has_name)
		return 0;
	if ((e = parse_principal(lib, portable->principal, &princ)) != 0)
		return e;
	/* A default acceptor that is a client too has the client's name and takes any key. */
	if (cred->usage != BT_USAGE_INITIATE && !portable->is_default) {
		e = bt_krb5_name_of(lib, princ, portable->service, portable->host, &cred->acceptor);
		if (e == 0)
			e = bt_krb5_acceptor_principal(lib, cred->acceptor, &cred->match);
	}
	if (e == 0 && cred->usage != BT_USAGE_ACCEPT) {
		e = bt_krb5_name_of(lib, princ, NULL, NULL, &cred->initiator);
		cred->client = princ;
		princ = NULL;
	}
	krb5_free_principal(lib->ctx, princ);
	return e;
}

static int
take_rest(struct bt_krb5 *lib, const struct bt_krb5_portable *portable, struct bt_mcred *cred)
{
	int e = 0;

	cred->is_default = portable->is_default;
	cred->is_iakerb = portable->is_iakerb;
	cred->has_tgt = portable->has_tgt;
	/* Times after 2038 are negative to those who write them signed. */
	cred->ends_at = bt_krb5_seconds((krb5_timestamp)portable->ends_at);
	cred->refresh_at = bt_krb5_seconds((krb5_timestamp)portable->refresh_at);
	for (size_t i = 0; i < portable->num_enctypes && i < BT_KRB5_ENCTYPES_MAX && portable->enctypes[i] != 0; i++)
		cred->enctypes[i] = portable->enctypes[i];
	/* A limit that does not fit must not become a wider one, nor none. */
	if (portable->has_enctypes && (portable->num_enctypes > BT_KRB5_ENCTYPES_MAX || cred->enctypes[0] == 0))
		return BT_ERR_DEFECTIVE_TOKEN;
	if (portable->impersonator != NULL)
		e = parse_principal(lib, portable->impersonator, &cred->impersonator);
	return e != 0 ? e : copy_text(portable->password, &cred->password);
}

/* What an initiator has chosen, it has a cache for; and an acceptor has a keytab. */
static bool
is_whole(const struct bt_mcred *cred)
{
	if (cred->usage != BT_USAGE_ACCEPT && (cred->client == NULL) != (cred->ccache == NULL))
		return false;
	return cred->usage == BT_USAGE_INITIATE || cred->keytab != NULL;
}

static int
build(struct bt_krb5 *lib, const struct bt_krb5_portable *portable, struct bt_mcred **out)
{
	struct bt_mcred *cred = bt_krb5_cred_new((enum bt_usage)portable->usage);
	int e;

	if (cred == NULL)
		return BT_ERR_NOMEM;
	if ((e = open_stores(lib, portable, cred)) == 0 && (e = take_name(lib, portable, cred)) == 0 &&
	    (e = take_rest(lib, portable, cred)) == 0 && !is_whole(cred))
		e = BT_ERR_DEFECTIVE_TOKEN;
	if (e != 0)
		bt_krb5_cred_free(cred);
	else
		*out = cred;
	return e;
}

int
bt_krb5_cred_import(const struct bt_mech *mech, struct bt_bytes token, struct bt_mcred **out)
{
	struct bt_krb5_portable *portable = bt_mem_alloc(sizeof *portable);
	struct bt_krb5 *lib;
	int e;

	*out = NULL;
	if (portable == NULL)
		return BT_ERR_NOMEM;
	e = bt_krb5_portable_read(token, portable);
	/* A credential for IAKERB does not come under Kerberos' OID. */
	if (e == 0 && portable->is_iakerb && mech != &bt_mech_iakerb)
		e = BT_ERR_DEFECTIVE_TOKEN;
	if (e == 0 && (e = bt_krb5_enter(&lib)) == 0) {
		e = build(lib, portable, out);
		/* Whatever is wrong with what the token names, to the program it is the token. */
		if (e != 0 && e != BT_ERR_NOMEM)
			e = BT_ERR_DEFECTIVE_TOKEN;
		bt_krb5_leave(lib);
	}
	bt_krb5_portable_done(portable);
	bt_mem_free(portable);
	return e;
}
