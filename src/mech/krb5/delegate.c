#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/mech_krb5.h"

/* A length of 16 bits must hold it. RFC 4121 §4.1.1; MIT's library and others read the length as signed. */
enum { DELEGATION_MAX = INT16_MAX - 28 };

krb5_error_code
bt_krb5_delegate_write(krb5_context ctx, krb5_auth_context auth, krb5_principal client, krb5_principal server,
		       krb5_ccache ccache, krb5_data *out)
{
	krb5_keyblock *subkey = NULL;
	krb5_int32 flags;
	krb5_error_code code;

	*out = (krb5_data){.magic = KV5M_DATA};
	if ((code = krb5_auth_con_getflags(ctx, auth, &flags)) != 0 ||
	    (code = krb5_auth_con_getsendsubkey(ctx, auth, &subkey)) != 0)
		return code;
	/* RFC 4121 §4.1.1 wants the session key, and a KRB-CRED inside an authenticator needs no time of its own. */
	krb5_auth_con_setflags(ctx, auth, flags & ~KRB5_AUTH_CONTEXT_DO_TIME);
	code = krb5_auth_con_setsendsubkey(ctx, auth, NULL);
	if (code == 0)
		code = krb5_fwd_tgt_creds(ctx, auth, NULL, client, server, ccache, 1, out);
	krb5_auth_con_setflags(ctx, auth, flags);
	if (subkey != NULL) {
		krb5_error_code restored = krb5_auth_con_setsendsubkey(ctx, auth, subkey);

		krb5_free_keyblock(ctx, subkey);
		code = code != 0 ? code : restored;
	}
	if (code == 0 && out->length > DELEGATION_MAX)
		code = KRB5KRB_ERR_FIELD_TOOLONG;
	if (code != 0) {
		krb5_free_data_contents(ctx, out);
		*out = (krb5_data){.magic = KV5M_DATA};
	}
	return code;
}

/* Under the session key or subkey; or in the clear, as older clients send it inside the encrypted authenticator. */
static krb5_error_code
read_message(struct bt_krb5 *lib, krb5_auth_context auth, krb5_data *message, krb5_creds ***creds)
{
	krb5_auth_context fresh = NULL;
	krb5_int32 flags;
	krb5_error_code code = krb5_auth_con_getflags(lib->ctx, auth, &flags);

	*creds = NULL;
	if (code != 0)
		return code;
	krb5_auth_con_setflags(lib->ctx, auth, 0);
	code = krb5_rd_cred(lib->ctx, auth, message, creds, NULL);
	krb5_auth_con_setflags(lib->ctx, auth, flags);
	if (code == 0)
		return 0;
	if (krb5_auth_con_init(lib->ctx, &fresh) != 0)
		return code;
	krb5_auth_con_setflags(lib->ctx, fresh, 0);
	code = krb5_rd_cred(lib->ctx, fresh, message, creds, NULL);
	krb5_auth_con_free(lib->ctx, fresh);
	return code;
}

static int
make_cred(struct bt_krb5 *lib, krb5_creds *creds, struct bt_mcred **out)
{
	struct bt_mcred *cred = bt_krb5_cred_new(BT_USAGE_INITIATE);
	krb5_error_code code;
	int e = 0;

	if (cred == NULL)
		return BT_ERR_NOMEM;
	code = krb5_cc_new_unique(lib->ctx, "MEMORY", NULL, &cred->ccache);
	if (code == 0) {
		cred->owns_ccache = true;
		code = krb5_cc_initialize(lib->ctx, cred->ccache, creds->client);
	} else {
		cred->ccache = NULL;
	}
	if (code == 0)
		code = bt_krb5_ccache_store(lib, cred->ccache, creds);
	if (code == 0)
		code = krb5_copy_principal(lib->ctx, creds->client, &cred->client);
	if (code != 0)
		e = bt_krb5_fail(lib, code);
	else
		e = bt_krb5_name_of(lib, creds->client, NULL, NULL, &cred->initiator);
	cred->has_tgt = true;
	cred->ends_at = bt_krb5_seconds(creds->times.endtime);
	if (e != 0) {
		bt_krb5_cred_free(cred);
		return e;
	}
	*out = cred;
	return 0;
}

int
bt_krb5_delegate_read(struct bt_krb5 *lib, krb5_auth_context auth, struct bt_bytes krb_cred, struct bt_mcred **out)
{
	krb5_data message = bt_krb5_data_of(krb_cred);
	krb5_creds **creds;
	krb5_error_code code = read_message(lib, auth, &message, &creds);
	int e = 0;

	*out = NULL;
	if (code != 0)
		return bt_krb5_fail(lib, code);
	if (creds != NULL && creds[0] != NULL)
		e = make_cred(lib, creds[0], out);
	krb5_free_tgt_creds(lib->ctx, creds);
	return e;
}
