#include <errno.h>

#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/iakerb.h"

/* What is to be got next. */
enum phase { INITIAL_TICKET, SERVICE_TICKET, NOTHING };

/*
 * libkrb5 wants one krb5_context for all steps of an exchange, which may be taken by several threads, and what it is told to use
 * it uses until the end: so all of that is the client's own, whatever the program does with its credential meanwhile.
 */
struct bt_iakerb_client {
	struct bt_krb5 lib;
	struct bt_mcred *own_cred; /* NULL: the program has given one */
	krb5_principal server;
	uint32_t lifetime_s;
	enum phase phase;

	krb5_ccache ccache;
	krb5_keytab keytab;
	krb5_get_init_creds_opt *options;
	krb5_init_creds_context initial;
	krb5_tkt_creds_context service;
};

void
bt_iakerb_client_free(struct bt_iakerb_client *client)
{
	krb5_context ctx;

	if (client == NULL)
		return;
	if ((ctx = client->lib.ctx) != NULL) {
		krb5_tkt_creds_free(ctx, client->service);
		krb5_init_creds_free(ctx, client->initial);
		krb5_get_init_creds_opt_free(ctx, client->options);
		if (client->keytab != NULL)
			krb5_kt_close(ctx, client->keytab);
		if (client->ccache != NULL)
			krb5_cc_close(ctx, client->ccache);
		krb5_free_principal(ctx, client->server);
		bt_krb5_disown(&client->lib);
	}
	bt_krb5_cred_free(client->own_cred);
	bt_mem_free(client);
}

struct bt_krb5 *
bt_iakerb_client_library(struct bt_iakerb_client *client)
{
	return &client->lib;
}

struct bt_mcred *
bt_iakerb_client_cred(const struct bt_iakerb_client *client, struct bt_mcred *given)
{
	return given != NULL ? given : client->own_cred;
}

/* ---- what there is already ---- */

static krb5_error_code
wanted(const struct bt_iakerb_client *client, const struct bt_mcred *cred, krb5_creds *out)
{
	krb5_timestamp now;
	krb5_error_code code;

	*out = (krb5_creds){.magic = KV5M_CREDS, .client = cred->client, .server = client->server};
	if (client->lifetime_s == 0 || client->lifetime_s == UINT32_MAX)
		return 0;
	if ((code = krb5_timeofday(client->lib.ctx, &now)) == 0)
		out->times.endtime = (krb5_timestamp)((uint32_t)now + client->lifetime_s);
	return code;
}

/* cred->lock is held. */
static int
plan(struct bt_iakerb_client *client, struct bt_mcred *cred)
{
	krb5_creds want, *found = NULL;
	krb5_error_code code;
	int e = bt_krb5_cred_choose(&client->lib, cred, client->server);

	if (e != 0)
		return e;
	client->phase = INITIAL_TICKET;
	if (bt_krb5_cred_wants_tickets(&client->lib, cred))
		return 0;
	if ((code = wanted(client, cred, &want)) == 0)
		code = krb5_get_credentials(client->lib.ctx, KRB5_GC_CACHED, cred->ccache, &want, &found);
	if (code == 0) {
		krb5_free_creds(client->lib.ctx, found);
		client->phase = NOTHING;
	} else if (code == KRB5_CC_NOTFOUND || code == KRB5_CC_NOT_KTYPE) {
		code = 0;
		krb5_clear_error_message(client->lib.ctx);
		client->phase = cred->has_tgt ? SERVICE_TICKET : INITIAL_TICKET;
	}
	return bt_krb5_fail(&client->lib, code);
}

static int
prepare(struct bt_iakerb_client *client, struct bt_mcred *cred, const struct bt_mn *target)
{
	krb5_error_code code = 0;
	int e = bt_krb5_principal_of(&client->lib, target, &client->server);

	if (e != 0) {
		client->server = NULL;
		return e;
	}
	if ((e = bt_krb5_cred_lock(cred)) != 0)
		return e;
	if (cred->enctypes[0] != 0)
		code = krb5_set_default_tgs_enctypes(client->lib.ctx, cred->enctypes);
	e = code != 0 ? bt_krb5_fail(&client->lib, code) : plan(client, cred);
	bt_krb5_cred_unlock(cred);
	return e;
}

int
bt_iakerb_client_new(struct bt_mcred *cred, const struct bt_mn *target, uint32_t lifetime_s, struct bt_iakerb_client **out)
{
	static const struct bt_cred_request usual = {.mech = &bt_mech_iakerb, .usage = BT_USAGE_INITIATE};
	struct bt_iakerb_client *client = bt_mem_alloc(sizeof *client);
	int e;

	*out = NULL;
	if (client == NULL)
		return BT_ERR_NOMEM;
	client->lifetime_s = lifetime_s;
	if ((e = bt_krb5_own(&client->lib)) == 0 && cred == NULL)
		e = bt_krb5_cred_acquire(&usual, &client->own_cred);
	if (e == 0)
		e = prepare(client, bt_iakerb_client_cred(client, cred), target);
	if (e != 0)
		bt_iakerb_client_free(client);
	else
		*out = client;
	return e;
}

/* ---- the AS exchange ---- */

static krb5_error_code
begin_initial(struct bt_iakerb_client *client, const struct bt_mcred *cred)
{
	krb5_context ctx = client->lib.ctx;
	krb5_error_code code;

	/* Handles of our own: libkrb5 remembers those it gets by address. */
	if ((code = krb5_cc_dup(ctx, cred->ccache, &client->ccache)) != 0) {
		client->ccache = NULL;
		return code;
	}
	if ((code = krb5_get_init_creds_opt_alloc(ctx, &client->options)) != 0) {
		client->options = NULL;
		return code;
	}
	if (client->lifetime_s != 0 && client->lifetime_s <= INT32_MAX)
		krb5_get_init_creds_opt_set_tkt_life(client->options, (krb5_deltat)client->lifetime_s);
	if ((code = krb5_get_init_creds_opt_set_out_ccache(ctx, client->options, client->ccache)) != 0)
		return code;
	code = krb5_init_creds_init(ctx, cred->client, NULL, NULL, 0, client->options, &client->initial);
	if (code != 0) {
		client->initial = NULL;
		return code;
	}
	if (cred->password != NULL)
		return krb5_init_creds_set_password(ctx, client->initial, cred->password);
	if (cred->client_keytab == NULL)
		return KRB5_KT_NOTFOUND;
	if ((code = krb5_kt_dup(ctx, cred->client_keytab, &client->keytab)) != 0) {
		client->keytab = NULL;
		return code;
	}
	return krb5_init_creds_set_keytab(ctx, client->initial, client->keytab);
}

/* The first ticket is in the cache. */
static int
take_initial(struct bt_iakerb_client *client, struct bt_mcred *cred)
{
	krb5_creds creds = {0};
	krb5_error_code code = krb5_init_creds_get_creds(client->lib.ctx, client->initial, &creds);
	int e = bt_krb5_fail(&client->lib, code);

	if (e == 0) {
		e = bt_krb5_cred_filled(&client->lib, cred, &creds);
		krb5_free_cred_contents(client->lib.ctx, &creds);
	}
	return e;
}

/*
 * A program may come with another credential than it began with. The first ticket goes where it was to go, and that must be where
 * this one's are: or this one would be told of a ticket that it does not have.
 */
static int
check_cache(struct bt_iakerb_client *client, struct bt_mcred *cred)
{
	krb5_context ctx = client->lib.ctx;
	int e = bt_krb5_cred_choose(&client->lib, cred, client->server);

	if (e != 0)
		return e;
	return cred->ccache != NULL && strcmp(krb5_cc_get_type(ctx, cred->ccache), krb5_cc_get_type(ctx, client->ccache)) == 0 &&
		       strcmp(krb5_cc_get_name(ctx, cred->ccache), krb5_cc_get_name(ctx, client->ccache)) == 0
		   ? 0
		   : BT_ERR_NO_CRED;
}

static int
step_initial(struct bt_iakerb_client *client, struct bt_mcred *cred, krb5_data *reply, krb5_data *request, krb5_data *realm)
{
	unsigned int flags = 0;
	krb5_error_code code = client->initial == NULL ? begin_initial(client, cred) : 0;
	int e;

	if (code != 0)
		return bt_krb5_fail(&client->lib, code);
	if ((e = check_cache(client, cred)) != 0)
		return e;
	code = krb5_init_creds_step(client->lib.ctx, client->initial, reply, request, realm, &flags);
	if (code == 0 && (flags & KRB5_INIT_CREDS_STEP_FLAG_CONTINUE) != 0)
		return 0;
	if (code == 0 && (e = take_initial(client, cred)) != 0)
		return e;
	/* What is there may still do, if it was to be refreshed before its end. */
	if (code != 0 && !cred->has_tgt)
		return bt_krb5_fail(&client->lib, code);
	krb5_clear_error_message(client->lib.ctx);
	krb5_free_data_contents(client->lib.ctx, request);
	krb5_free_data_contents(client->lib.ctx, realm);
	*reply = *request = *realm = (krb5_data){.magic = KV5M_DATA};
	client->phase = SERVICE_TICKET;
	return 0;
}

/* ---- the TGS exchanges, along the realms if need be ---- */

static krb5_error_code
begin_service(struct bt_iakerb_client *client, const struct bt_mcred *cred)
{
	krb5_creds want;
	krb5_error_code code = wanted(client, cred, &want);

	if (code == 0)
		code = krb5_tkt_creds_init(client->lib.ctx, cred->ccache, &want, 0, &client->service);
	if (code != 0)
		client->service = NULL;
	return code;
}

static int
step_service(struct bt_iakerb_client *client, struct bt_mcred *cred, krb5_data *reply, krb5_data *request, krb5_data *realm)
{
	unsigned int flags = 0;
	krb5_error_code code = client->service == NULL ? begin_service(client, cred) : 0;

	if (code == 0)
		code = krb5_tkt_creds_step(client->lib.ctx, client->service, reply, request, realm, &flags);
	if (code == 0 && (flags & KRB5_TKT_CREDS_STEP_FLAG_CONTINUE) == 0)
		client->phase = NOTHING;
	return bt_krb5_fail(&client->lib, code);
}

/* ---- both ---- */

static int
copy_out(const krb5_data *request, const krb5_data *realm, struct bt_buf *realm_out, struct bt_buf *request_out)
{
	int e;

	if (request->length == 0)
		return 0;
	if ((e = bt_buf_dup(bt_bytes_of(realm->data, realm->length), realm_out)) != 0)
		return e;
	if ((e = bt_buf_dup(bt_bytes_of(request->data, request->length), request_out)) != 0)
		bt_buf_free(realm_out);
	return e;
}

int
bt_iakerb_client_step(struct bt_iakerb_client *client, struct bt_mcred *cred, struct bt_bytes reply, struct bt_buf *realm,
		      struct bt_buf *request)
{
	krb5_data in = bt_krb5_data_of(reply), asked = {.magic = KV5M_DATA}, where = {.magic = KV5M_DATA};
	int e;

	*realm = *request = (struct bt_buf){0};
	/* It is read and filled: two contexts that come with one credential take turns. */
	if ((e = bt_krb5_cred_lock(cred)) != 0)
		return e;
	if (client->phase == INITIAL_TICKET)
		e = step_initial(client, cred, &in, &asked, &where);
	if (e == 0 && client->phase == SERVICE_TICKET)
		e = step_service(client, cred, &in, &asked, &where);
	bt_krb5_cred_unlock(cred);
	if (e == 0 && client->phase != NOTHING)
		e = copy_out(&asked, &where, realm, request);
	krb5_free_data_contents(client->lib.ctx, &asked);
	krb5_free_data_contents(client->lib.ctx, &where);
	return e;
}
