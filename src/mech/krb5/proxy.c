#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/mech_krb5.h"

/* Not declared by krb5.h; exported since 1.8. Absent: nobody can be impersonated. */
extern krb5_error_code krb5_get_credentials_for_user(krb5_context ctx, krb5_flags options, krb5_ccache ccache, krb5_creds *want,
						     krb5_data *subject_cert, krb5_creds **out) __attribute__((weak));

/* Its cache says so too, for libkrb5 and for whoever stores it. */
static krb5_error_code
note_impersonator(struct bt_krb5 *lib, krb5_ccache ccache, krb5_const_principal impersonator)
{
	krb5_data data;
	char *text;
	krb5_error_code code = krb5_unparse_name(lib->ctx, impersonator, &text);

	if (code != 0)
		return code;
	data = bt_krb5_data_of(bt_bytes_of_str(text));
	code = krb5_cc_set_config(lib->ctx, ccache, NULL, "proxy_impersonator", &data);
	krb5_free_unparsed_name(lib->ctx, text);
	return code;
}

static krb5_error_code
fill_cache(struct bt_krb5 *lib, const struct bt_mcred *impersonator, krb5_creds *evidence, struct bt_mcred *cred)
{
	krb5_error_code code = krb5_cc_new_unique(lib->ctx, "MEMORY", NULL, &cred->ccache);

	if (code != 0) {
		cred->ccache = NULL;
		return code;
	}
	cred->owns_ccache = true;
	if ((code = krb5_cc_initialize(lib->ctx, cred->ccache, evidence->client)) == 0 &&
	    (code = krb5_cc_copy_creds(lib->ctx, impersonator->ccache, cred->ccache)) == 0 &&
	    (code = note_impersonator(lib, cred->ccache, impersonator->client)) == 0 &&
	    (code = krb5_cc_store_cred(lib->ctx, cred->ccache, evidence)) == 0 &&
	    (code = krb5_copy_principal(lib->ctx, impersonator->client, &cred->impersonator)) == 0)
		code = krb5_copy_principal(lib->ctx, evidence->client, &cred->client);
	return code;
}

int
bt_krb5_proxy_new(struct bt_krb5 *lib, struct bt_mcred *impersonator, krb5_creds *evidence, struct bt_mcred **out)
{
	struct bt_mcred *cred;
	int e;

	*out = NULL;
	if (impersonator->usage == BT_USAGE_ACCEPT || impersonator->ccache == NULL || impersonator->client == NULL ||
	    impersonator->impersonator != NULL)
		return BT_ERR_BAD_USAGE;
	if ((cred = bt_krb5_cred_new(BT_USAGE_INITIATE)) == NULL)
		return BT_ERR_NOMEM;
	cred->ends_at = bt_krb5_seconds(evidence->times.endtime);
	e = bt_krb5_fail(lib, fill_cache(lib, impersonator, evidence, cred));
	if (e == 0)
		e = bt_krb5_name_of(lib, evidence->client, NULL, NULL, &cred->initiator);
	if (e != 0)
		bt_krb5_cred_free(cred);
	else
		*out = cred;
	return e;
}

/* A ticket of the client's to the impersonator, by the impersonator's word: S4U2Self. MS-SFU §3.1.5.1. */
static int
get_evidence(struct bt_krb5 *lib, struct bt_mcred *impersonator, const struct bt_mn *name, krb5_creds **out)
{
	krb5_creds want = {.magic = KV5M_CREDS, .server = impersonator->client};
	krb5_data *cert = NULL;
	krb5_principal client;
	krb5_error_code code;
	int e = bt_krb5_principal_of(lib, name, &client);

	*out = NULL;
	if (e != 0)
		return e;
	/* Who it is that has a certificate is the KDC's to say. */
	if (name->kind == BT_KRB5_NAME_CERT)
		cert = &client->data[0];
	else
		want.client = client;
	want.keyblock.enctype = impersonator->enctypes[0];
	code = krb5_get_credentials_for_user(lib->ctx, KRB5_GC_CANONICALIZE | KRB5_GC_NO_STORE, impersonator->ccache, &want, cert, out);
	if (code != 0)
		*out = NULL;
	krb5_free_principal(lib->ctx, client);
	return bt_krb5_fail(lib, code);
}

int
bt_krb5_cred_impersonate(struct bt_mcred *impersonator, const struct bt_mn *name, uint32_t lifetime_s, struct bt_mcred **out)
{
	krb5_creds *evidence = NULL;
	struct bt_krb5 *lib;
	int e;

	*out = NULL;
	if (impersonator->usage == BT_USAGE_ACCEPT)
		return BT_ERR_NO_CRED;
	if (krb5_get_credentials_for_user == NULL)
		return bt_err_note(BT_ERR_UNAVAILABLE, "This libkrb5 cannot ask for tickets of others");
	if ((e = bt_krb5_enter(&lib)) != 0)
		return e;
	e = bt_krb5_cred_choose_usual(lib, impersonator);
	if (e == 0 && (e = get_evidence(lib, impersonator, name, &evidence)) == 0)
		e = bt_krb5_proxy_new(lib, impersonator, evidence, out);
	krb5_free_creds(lib->ctx, evidence);
	bt_krb5_leave(lib);
	return e;
}
