#include "base/err.h"
#include "mech/krb5/mech_krb5.h"

/* As long a name as programs of the other library get. */
enum { ACCOUNT_MAX = 8192 };

int
bt_krb5_name_account(const struct bt_mn *mn, struct bt_buf *out)
{
	char account[ACCOUNT_MAX];
	krb5_principal princ;
	krb5_error_code code;
	struct bt_krb5 *lib;
	int e;

	*out = (struct bt_buf){0};
	if ((e = bt_krb5_enter(&lib)) != 0)
		return e;
	if ((e = bt_krb5_principal_of(lib, mn, &princ)) == 0) {
		code = krb5_aname_to_localname(lib->ctx, princ, sizeof account, account);
		e = code != 0 ? bt_krb5_fail(lib, code) : bt_buf_dup(bt_bytes_of_str(account), out);
		krb5_free_principal(lib->ctx, princ);
	}
	bt_krb5_leave(lib);
	return e;
}

int
bt_krb5_name_may_use(const struct bt_mn *mn, const char *account, bool *out)
{
	krb5_principal princ;
	struct bt_krb5 *lib;
	int e;

	*out = false;
	if ((e = bt_krb5_enter(&lib)) != 0)
		return e;
	if ((e = bt_krb5_principal_of(lib, mn, &princ)) == 0) {
		*out = krb5_kuserok(lib->ctx, princ, account);
		krb5_free_principal(lib->ctx, princ);
	}
	bt_krb5_leave(lib);
	return e;
}
