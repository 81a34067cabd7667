#include <errno.h>
#include <profile.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/iakerb.h"
#include "wire/der.h"

/*
 * libkrb5 declares no call that sends bytes to a KDC. It declares hooks around its own calls that do: here it is made to ask for
 * a ticket that nobody wants, the request to carry goes out in place of its own, and when the reply is there it is told to give
 * up. So KDCs are found, retried and fallen back on as for every other call.
 */
struct relay {
	struct bt_bytes realm, request;
	unsigned num_sent;
	bool is_answered;
	struct bt_buf reply;
	int error; /* why an answer could not be kept */
};

/* UDP and then, if the reply did not fit, TCP. */
enum { SENDS_MAX = 2 };

/* Ends libkrb5's call: nobody sees it. */
enum { GIVE_UP = KRB5_KDC_UNREACH };

/* ---- may it be carried there? ---- */

static bool
is_default_realm(struct bt_krb5 *lib, struct bt_bytes realm)
{
	char *name;
	bool is_it;

	if (krb5_get_default_realm(lib->ctx, &name) != 0)
		return false;
	is_it = bt_bytes_equal(bt_bytes_of_str(name), realm);
	krb5_free_default_realm(lib->ctx, name);
	return is_it;
}

static bool
has_section(struct bt_krb5 *lib, struct bt_bytes realm)
{
	const char *path[] = {"realms", NULL};
	char **names = NULL;
	profile_t profile;
	bool found = false;

	if (krb5_get_profile(lib->ctx, &profile) != 0)
		return false;
	if (profile_get_subsection_names(profile, path, &names) == 0 && names != NULL) {
		for (char **name = names; *name != NULL && !found; name++)
			found = bt_bytes_equal(bt_bytes_of_str(*name), realm);
		profile_free_list(names);
	}
	profile_release(profile);
	return found;
}

/*
 * Realms that this host's configuration knows by name. libkrb5 would look for all others in the DNS, and whoever may name a realm
 * there could have us send messages to any host.
 */
static bool
is_known(struct bt_krb5 *lib, struct bt_bytes realm)
{
	return is_default_realm(lib, realm) || has_section(lib, realm);
}

/* ---- the hooks ---- */

static krb5_error_code KRB5_CALLCONV
before_sending(krb5_context ctx, void *data, const krb5_data *realm, const krb5_data *message, krb5_data **new_message,
	       krb5_data **new_reply)
{
	struct relay *relay = data;
	krb5_data request = bt_krb5_data_of(relay->request);

	if (relay->is_answered || relay->num_sent == SENDS_MAX ||
	    !bt_bytes_equal(bt_bytes_of(realm->data, realm->length), relay->realm))
		return GIVE_UP;
	relay->num_sent++;
	return krb5_copy_data(ctx, &request, new_message);
}

static krb5_error_code KRB5_CALLCONV
after_receiving(krb5_context ctx, void *data, krb5_error_code code, const krb5_data *realm, const krb5_data *message,
		const krb5_data *reply, krb5_data **new_reply)
{
	struct relay *relay = data;
	struct bt_bytes bytes;

	/* Then there is no reply to look at. */
	if (code != 0)
		return code;
	bytes = bt_bytes_of(reply->data, reply->length);
	/* Then libkrb5 sends its request once more, by TCP. */
	if (relay->num_sent < SENDS_MAX && bt_krb5_error_read(bytes) == KRB5KRB_ERR_RESPONSE_TOO_BIG)
		return 0;
	relay->is_answered = true;
	relay->error = bytes.len > BT_IAKERB_MESSAGE_MAX ? BT_ERR_TOO_LARGE : bt_buf_dup(bytes, &relay->reply);
	return GIVE_UP;
}

/* ---- the call ---- */

/* Somebody of that realm, with a name as long as the request: so libkrb5 sees in its own what transport that needs. */
static krb5_error_code
make_client(struct bt_krb5 *lib, const struct relay *relay, krb5_principal *out)
{
	krb5_error_code code = ENOMEM;
	char *name = bt_mem_alloc(relay->request.len);

	*out = NULL;
	if (name == NULL)
		return code;
	memset(name, 'x', relay->request.len);
	code = krb5_build_principal_ext(lib->ctx, out, (unsigned)relay->realm.len, (const char *)relay->realm.ptr,
					(unsigned)relay->request.len, name, 0);
	bt_mem_free(name);
	return code;
}

static krb5_error_code
send_and_receive(struct bt_krb5 *lib, struct relay *relay)
{
	krb5_init_creds_context exchange = NULL;
	krb5_principal client;
	krb5_error_code code = make_client(lib, relay, &client);

	if (code == 0)
		code = krb5_init_creds_init(lib->ctx, client, NULL, NULL, 0, NULL, &exchange);
	if (code == 0) {
		krb5_set_kdc_send_hook(lib->ctx, before_sending, relay);
		krb5_set_kdc_recv_hook(lib->ctx, after_receiving, relay);
		code = krb5_init_creds_get(lib->ctx, exchange);
		krb5_set_kdc_send_hook(lib->ctx, NULL, NULL);
		krb5_set_kdc_recv_hook(lib->ctx, NULL, NULL);
		krb5_init_creds_free(lib->ctx, exchange);
	}
	krb5_free_principal(lib->ctx, client);
	if (!relay->is_answered)
		return code != 0 ? code : KRB5_KDC_UNREACH;
	krb5_clear_error_message(lib->ctx);
	return 0;
}

/* ---- the answer if there is none ---- */

static void
put_strings(struct bt_wr *wr, const struct bt_bytes *strings, size_t num)
{
	size_t fields = bt_der_open(wr, BT_DER_SEQUENCE), field = bt_der_open(wr, BT_DER_CONTEXT(0)), list;

	bt_der_put_int(wr, KRB5_NT_SRV_INST);
	bt_der_close(wr, field);
	field = bt_der_open(wr, BT_DER_CONTEXT(1));
	list = bt_der_open(wr, BT_DER_SEQUENCE);
	for (size_t i = 0; i < num; i++)
		bt_der_put(wr, BT_DER_GENERAL_STRING, strings[i]);
	bt_der_close(wr, list);
	bt_der_close(wr, field);
	bt_der_close(wr, fields);
}

/* A KRB-ERROR as the realm's ticket-granting service would have sent it. draft-ietf-kitten-iakerb §3. */
static int
say_why(int err, struct bt_bytes realm, struct bt_buf *out)
{
	const struct bt_bytes service[] = {bt_bytes_of_str(KRB5_TGS_NAME), realm};
	struct bt_krb5_request about = {0};
	struct bt_wr name, server, wr;
	int e;

	bt_wr_init(&name);
	bt_wr_init(&server);
	bt_wr_init(&wr);
	bt_der_put(&name, BT_DER_GENERAL_STRING, realm);
	put_strings(&server, service, 2);
	about.realm = bt_wr_written(&name);
	about.sname = bt_wr_written(&server);
	if (name.failed || server.failed) {
		*out = (struct bt_buf){0};
		e = BT_ERR_NOMEM;
	} else {
		bt_krb5_error_write(err, &about, bt_clock_wall_s(), &wr);
		e = bt_wr_take(&wr, out);
	}
	bt_wr_done(&name);
	bt_wr_done(&server);
	bt_wr_done(&wr);
	return e;
}

int
bt_iakerb_relay(struct bt_krb5 *lib, struct bt_bytes realm, struct bt_bytes request, struct bt_buf *reply)
{
	struct relay relay = {.realm = realm, .request = request};
	krb5_error_code code = KRB5_REALM_UNKNOWN;

	*reply = (struct bt_buf){0};
	if (!bt_iakerb_is_request(request))
		return BT_ERR_DEFECTIVE_TOKEN;
	if (is_known(lib, realm))
		code = send_and_receive(lib, &relay);
	if (code == KRB5_REALM_UNKNOWN || code == KRB5_REALM_CANT_RESOLVE)
		return say_why(KRB5KRB_AP_ERR_IAKERB_KDC_NOT_FOUND, realm, reply);
	if (code == KRB5_KDC_UNREACH || code == KRB5KDC_ERR_SVC_UNAVAILABLE)
		return say_why(KRB5KRB_AP_ERR_IAKERB_KDC_NO_RESPONSE, realm, reply);
	if (code != 0)
		return bt_krb5_fail(lib, code);
	if (relay.error == 0)
		*reply = relay.reply;
	return relay.error;
}
