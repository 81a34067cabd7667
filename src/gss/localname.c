#include <errno.h>
#include <pwd.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "gss/call.h"
#include "gss/handle.h"
#include "gss/mechs.h"
#include "gss/oids.h"

/*
 * Names and this host's accounts. The mechanism's rules decide; if it has none, only a name that is the account's own may
 * use it. Attributes have a say with loaded mechanisms alone: no realm of those built in vouches for any of this kind.
 */

/* The attribute that names an account, as GSS_C_ATTR_LOCAL_LOGIN_USER; and how many of one name's are looked at. */
#define ACCOUNT_ATTRIBUTE "local-login-user"
enum { ACCOUNTS_MAX = 64 };

/* The account by an attribute that a library vouches for; wanted: among them, that one. ENOENT: there is none such. */
static int
find_vouched(const struct bt_mech *mech, const struct bt_mn *mn, const struct bt_bytes *wanted, struct bt_buf *out)
{
	int more = -1, e = 0;

	*out = (struct bt_buf){0};
	if (!mech->is_loaded || mech->name_attribute == NULL)
		return ENOENT;
	for (int i = 0; e == 0 && more != 0 && i < ACCOUNTS_MAX; i++) {
		struct bt_attribute found = {0};

		e = mech->name_attribute(mn, bt_bytes_of_str(ACCOUNT_ATTRIBUTE), &more, &found);
		/* An account cut at a zero byte would be another one. */
		if (e == 0 && found.is_authenticated && found.value.len != 0 &&
		    memchr(found.value.ptr, '\0', found.value.len) == NULL &&
		    (wanted == NULL || bt_bytes_equal(bt_bytes_of_buf(&found.value), *wanted))) {
			*out = found.value;
			found.value = (struct bt_buf){0};
			more = 0;
		}
		bt_mn_attribute_done(&found);
		/* The first one is who it is by default. */
		if (wanted == NULL)
			break;
	}
	return e == 0 && out->len == 0 ? ENOENT : e;
}

/* These calls say less about a name that is not there than the others. */
static struct gss_name_struct *
name_of(struct bt_call *call, gss_const_name_t name)
{
	if (name == GSS_C_NO_NAME)
		bt_call_refuse(call, GSS_S_CALL_INACCESSIBLE_READ, 0);
	return bt_call_name(call, name);
}

/* ---- from a name to an account ---- */

static void
find_account(struct bt_call *call, gss_const_name_t pname, gss_const_OID mech_type, struct bt_buf *out)
{
	const struct gss_name_struct *name = name_of(call, pname);
	const struct bt_mech *mech = NULL;
	struct bt_mn *mn = NULL;
	int e;

	*out = (struct bt_buf){0};
	if (!bt_call_failed(call))
		mech = mech_type == GSS_C_NO_OID && name->mech != NULL ? name->mech : bt_call_mech(call, mech_type, NULL);
	if (bt_call_failed(call))
		return;
	/* A negotiation has no accounts of its own: this is what it will most likely come out at. */
	if (bt_mechs_negotiates(mech))
		mech = bt_mechs_default();
	bt_call_error(call, mech, bt_name_to_mn(name, mech, &mn));
	if (!bt_call_failed(call)) {
		e = mech->name_account != NULL ? mech->name_account(mn, out) : ENOENT;
		if (e != 0 && e != BT_ERR_NOMEM)
			e = find_vouched(mech, mn, NULL, out);
		if (e == BT_ERR_NOMEM)
			bt_call_error(call, mech, e);
		else if (e != 0)
			bt_call_refuse_as(call, mech, GSS_S_UNAVAILABLE,
					  bt_err_note(ENOENT, "%s has no account on this host", mn->text));
	}
	bt_mn_free(mn);
}

OM_uint32
gss_localname(OM_uint32 *minor_status, const gss_name_t name, gss_const_OID mech_type, gss_buffer_t localname)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_buf account;

	bt_call_empty(localname);
	name_of(&call, name);
	bt_call_wants(&call, localname, 0);
	find_account(&call, name, mech_type, &account);
	bt_call_give_text(&call, bt_bytes_of_buf(&account), localname);
	bt_buf_free(&account);
	return bt_call_end(&call);
}

static int
uid_of(struct bt_bytes account, uid_t *out)
{
	long len = sysconf(_SC_GETPW_R_SIZE_MAX);
	size_t buffer_len = len > 0 && len < 1 << 20 ? (size_t)len * 4 : 16384;
	char *buffer = bt_mem_alloc(buffer_len), *text = bt_mem_strdup((const char *)account.ptr, account.len);
	struct passwd entry, *found = NULL;
	int e = BT_ERR_NOMEM;

	if (buffer != NULL && text != NULL) {
		e = getpwnam_r(text, &entry, buffer, buffer_len, &found);
		if (e != 0 || found == NULL)
			e = bt_err_note(BT_ERR_NO_USER, "There is no account %s on this host", text);
		else
			*out = found->pw_uid;
	}
	bt_mem_free(buffer);
	bt_mem_free(text);
	return e;
}

OM_uint32
gss_pname_to_uid(OM_uint32 *minor_status, const gss_name_t name, const gss_OID mech_type, uid_t *uid)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_buf account;
	int e;

	name_of(&call, name);
	bt_call_wants(&call, uid, 0);
	find_account(&call, name, mech_type, &account);
	if (!bt_call_failed(&call) && (e = uid_of(bt_bytes_of_buf(&account), uid)) != 0)
		bt_call_refuse(&call, GSS_S_FAILURE, e == BT_ERR_NOMEM ? ENOMEM : e);
	bt_buf_free(&account);
	return bt_call_end(&call);
}

/* ---- may a name use an account? ---- */

static void
ask_mech(struct bt_call *call, const struct gss_name_struct *name, struct bt_bytes account)
{
	bool may_use = false;
	char *text;

	/* An account cut at a zero byte would be another one. */
	if (account.len != 0 && memchr(account.ptr, '\0', account.len) != NULL) {
		bt_call_refuse(call, GSS_S_UNAUTHORIZED, 0);
		return;
	}
	if ((text = bt_mem_strdup((const char *)account.ptr, account.len)) == NULL) {
		bt_call_error(call, NULL, BT_ERR_NOMEM);
		return;
	}
	bt_call_error(call, name->mech, name->mech->name_may_use(name->mn, text, &may_use));
	if (!bt_call_failed(call) && !may_use)
		bt_call_refuse_as(call, name->mech, GSS_S_UNAUTHORIZED,
				  bt_err_note(EACCES, "%s may not use account %s", name->mn->text, text));
	bt_mem_free(text);
}

static void
compare(struct bt_call *call, const struct gss_name_struct *name, const struct gss_name_struct *user)
{
	struct bt_mn *mn = NULL;

	bt_call_error(call, name->mech, bt_name_to_mn(user, name->mech, &mn));
	if (!bt_call_failed(call) &&
	    (name->mn->is_anonymous || name->mech->authenticates_nobody || !bt_mn_is_equal(name->mech, name->mn, mn)))
		bt_call_refuse(call, GSS_S_UNAUTHORIZED, 0);
	bt_mn_free(mn);
}

OM_uint32
gss_authorize_localname(OM_uint32 *minor_status, const gss_name_t name, const gss_name_t user)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct gss_name_struct *who = name_of(&call, name), *account = name_of(&call, user);
	struct gss_name_struct likely = {.mech = bt_mechs_default()};
	struct bt_buf vouched = {0};

	if (!bt_call_failed(&call) && (account->mn != NULL || account->negotiator != NULL))
		bt_call_refuse(&call, GSS_S_BAD_NAME, 0);
	if (!bt_call_failed(&call) && account->type != GSS_C_NO_OID &&
	    !bt_bytes_equal(bt_oid_view(account->type), bt_oid_view(&bt_oids[BT_OID_NT_USER_NAME])))
		bt_call_refuse(&call, GSS_S_BAD_NAMETYPE, 0);
	/* The name of a negotiation is that of what it will most likely come out at. */
	if (!bt_call_failed(&call) && who->negotiator != NULL) {
		bt_call_error(&call, likely.mech, bt_name_to_mn(who, likely.mech, &likely.mn));
		who = &likely;
	} else if (!bt_call_failed(&call) && who->mn == NULL) {
		bt_call_refuse(&call, GSS_S_UNAVAILABLE, 0);
	}
	if (!bt_call_failed(&call) && find_vouched(who->mech, who->mn, &account->text, &vouched) == 0)
		bt_buf_free(&vouched);
	else if (!bt_call_failed(&call) && who->mech->name_may_use != NULL)
		ask_mech(&call, who, account->text);
	else if (!bt_call_failed(&call))
		compare(&call, who, account);
	bt_mn_free(likely.mn);
	return bt_call_end(&call);
}

int
gss_userok(const gss_name_t name, const char *user)
{
	gss_buffer_desc text = {user != NULL ? strlen(user) : 0, (void *)(uintptr_t)user};
	gss_name_t account;
	OM_uint32 minor, major;

	if (gss_import_name(&minor, &text, GSS_C_NT_USER_NAME, &account) != GSS_S_COMPLETE)
		return 0;
	major = gss_authorize_localname(&minor, name, account);
	gss_release_name(&minor, &account);
	return major == GSS_S_COMPLETE;
}
