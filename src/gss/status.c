#include "gss/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* Numbers of libkrb5's that have a meaning here. Programs show them, so they are as fixed as ours. */
enum {
	KRB5_AP_BAD_INTEGRITY = -1765328353,
	KRB5_AP_TKT_EXPIRED = -1765328352,
	KRB5_AP_SKEW = -1765328347,
	KRB5_CC_NOTFOUND = -1765328243,
	KRB5_KT_NOTFOUND = -1765328203,
	KRB5_FCC_NOFILE = -1765328189,
	KRB5_RC_TYPE_NOTFOUND = -1765328223,
	KRB5_PARSE_MALFORMED = -1765328250,
};

/* minor 0: err itself. */
struct row {
	int err;
	OM_uint32 major;
	int minor;
};

/* What is not here is GSS_S_FAILURE with its own number, or what the call says. */
static const struct row rows[] = {
	{BT_ERR_NOMEM, GSS_S_FAILURE, ENOMEM},
	{BT_ERR_BUFFER_ALLOC, GSS_S_FAILURE, ENOMEM},
	{BT_ERR_ENTROPY, GSS_S_FAILURE, 0},
	{BT_ERR_CRYPTO, GSS_S_FAILURE, 0},
	{BT_ERR_TOO_LARGE, GSS_S_FAILURE, 0},
	{BT_ERR_EXHAUSTED, GSS_S_FAILURE, 0},
	{BT_ERR_STORE_FULL, GSS_S_FAILURE, 0},
	{BT_ERR_STORE_MISSING, GSS_S_FAILURE, 0},
	{BT_ERR_STORE_OWNER, GSS_S_FAILURE, 0},
	{BT_ERR_STORE_MODE, GSS_S_FAILURE, 0},
	{BT_ERR_STORE_PLACE, GSS_S_FAILURE, 0},
	{BT_ERR_STORE_DAMAGED, GSS_S_FAILURE, 0},

	/* Tokens of every sort. */
	{BT_ERR_TRUNCATED, GSS_S_DEFECTIVE_TOKEN, 0},
	{BT_ERR_TRAILING, GSS_S_DEFECTIVE_TOKEN, 0},
	{BT_ERR_MALFORMED, GSS_S_DEFECTIVE_TOKEN, 0},
	{BT_ERR_DEFECTIVE_TOKEN, GSS_S_DEFECTIVE_TOKEN, 0},
	{BT_ERR_BAD_TOK_HEADER, GSS_S_DEFECTIVE_TOKEN, 0},
	{BT_ERR_TOK_TRUNC, GSS_S_DEFECTIVE_TOKEN, 0},
	{BT_ERR_WRONG_TOKID, GSS_S_DEFECTIVE_TOKEN, 0},
	{BT_ERR_WRONG_MECH, GSS_S_DEFECTIVE_TOKEN, 0},
	{BT_ERR_BAD_MIC, GSS_S_BAD_MIC, KRB5_AP_BAD_INTEGRITY},
	{BT_ERR_BAD_DIRECTION, GSS_S_BAD_MIC, 0},
	{BT_ERR_REFLECT, GSS_S_BAD_MIC, 0},
	{BT_ERR_UNKNOWN_QOP, GSS_S_BAD_QOP, 0},

	/* Interprocess tokens. */
	{BT_ERR_TOKEN_FORMAT, GSS_S_DEFECTIVE_TOKEN, 0},
	{BT_ERR_TOKEN_VERSION, GSS_S_DEFECTIVE_TOKEN, 0},
	{BT_ERR_TOKEN_ALTERED, GSS_S_DEFECTIVE_TOKEN, 0},
	{BT_ERR_TOKEN_UNSEALED, GSS_S_DEFECTIVE_TOKEN, 0},
	{BT_ERR_TOKEN_USED, GSS_S_NO_CONTEXT, 0},
	{BT_ERR_TOKEN_EXPIRED, GSS_S_NO_CONTEXT, 0},
	{BT_ERR_TOKEN_STORE, GSS_S_NO_CONTEXT, 0},
	{BT_ERR_TOKEN_USER, GSS_S_UNAUTHORIZED, 0},
	{BT_ERR_TOKEN_AUDIENCE, GSS_S_UNAUTHORIZED, 0},
	{BT_ERR_AUDIENCE, GSS_S_FAILURE, 0},
	{BT_ERR_AUDIENCE_ACCOUNT, GSS_S_FAILURE, 0},
	{BT_ERR_SETTINGS, GSS_S_FAILURE, 0},
	{BT_ERR_NOT_TRANSFERABLE, GSS_S_UNAVAILABLE, 0},
	{BT_ERR_INTERPOSED, GSS_S_UNAVAILABLE, 0},
	{BT_ERR_HANDOVER, GSS_S_DEFECTIVE_TOKEN, 0},
	{BT_ERR_HANDOVER_SOCKET, GSS_S_FAILURE, 0},
	{BT_ERR_HANDOVER_PEER, GSS_S_UNAUTHORIZED, 0},
	{BT_ERR_HANDOVER_TAKEN, GSS_S_NO_CONTEXT, 0},
	{BT_ERR_HANDOVER_END, GSS_S_UNAVAILABLE, 0},

	/* Contexts and bindings. */
	{BT_ERR_CONTEXT_EXPIRED, GSS_S_CONTEXT_EXPIRED, 0},
	{BT_ERR_NO_CONTEXT, GSS_S_NO_CONTEXT, 0},
	{BT_ERR_FORKED, GSS_S_NO_CONTEXT, 0},
	{BT_ERR_CTX_INCOMPLETE, GSS_S_NO_CONTEXT, 0},
	{BT_ERR_BAD_CONTEXT, GSS_S_NO_CONTEXT, 0},
	{BT_ERR_BAD_BINDINGS, GSS_S_BAD_BINDINGS, 0},
	{BT_ERR_CLOCK_SKEW, GSS_S_FAILURE, KRB5_AP_SKEW},

	/* Names. */
	{BT_ERR_BAD_NAME, GSS_S_BAD_NAME, 0},
	{BT_ERR_BAD_SERVICE_NAME, GSS_S_BAD_NAME, 0},
	{BT_ERR_BAD_STRING_UID, GSS_S_BAD_NAME, 0},
	{BT_ERR_NO_USER, GSS_S_BAD_NAME, 0},
	{BT_ERR_BAD_HOSTNAME, GSS_S_BAD_NAME, 0},
	{BT_ERR_BAD_NAMETYPE, GSS_S_BAD_NAMETYPE, 0},
	{BT_ERR_NOT_MN, GSS_S_NAME_NOT_MN, 0},

	/* Credentials. */
	{BT_ERR_NO_CRED, GSS_S_NO_CRED, 0},
	{BT_ERR_CCACHE_NOMATCH, GSS_S_NO_CRED, 0},
	{BT_ERR_KEYTAB_NOMATCH, GSS_S_NO_CRED, 0},
	{BT_ERR_TGT_MISSING, GSS_S_NO_CRED, 0},
	{BT_ERR_EMPTY_CCACHE, GSS_S_NO_CRED, 0},
	{BT_ERR_CRED_USAGE_MISMATCH, GSS_S_NO_CRED, 0},
	{KRB5_CC_NOTFOUND, GSS_S_NO_CRED, 0},
	{KRB5_FCC_NOFILE, GSS_S_NO_CRED, 0},
	{KRB5_KT_NOTFOUND, GSS_S_NO_CRED, 0},
	{BT_ERR_CRED_EXPIRED, GSS_S_CREDENTIALS_EXPIRED, 0},
	{KRB5_AP_TKT_EXPIRED, GSS_S_CREDENTIALS_EXPIRED, 0},
	{BT_ERR_DEFECTIVE_CRED, GSS_S_DEFECTIVE_CREDENTIAL, 0},
	{BT_ERR_BAD_CRED, GSS_S_DEFECTIVE_CREDENTIAL, 0},
	{BT_ERR_CRED_FORKED, GSS_S_DEFECTIVE_CREDENTIAL, 0},
	{BT_ERR_BAD_USAGE, GSS_S_FAILURE, 0},
	{KRB5_RC_TYPE_NOTFOUND, GSS_S_FAILURE, 0},
	{KRB5_PARSE_MALFORMED, GSS_S_FAILURE, 0},
	{BT_ERR_DUPLICATE_ELEMENT, GSS_S_DUPLICATE_ELEMENT, 0},

	/* The rest. */
	{BT_ERR_BAD_MECH, GSS_S_BAD_MECH, 0},
	{BT_ERR_NEGO_REJECTED, GSS_S_BAD_MECH, 0},
	{BT_ERR_NEGO_NONE, GSS_S_BAD_MECH, 0},
	{BT_ERR_NEGO_ABORTED, GSS_S_FAILURE, 0},
	{BT_ERR_BAD_ATTR, GSS_S_BAD_MECH_ATTR, 0},
	{BT_ERR_BAD_STATUS, GSS_S_BAD_STATUS, 0},
	{BT_ERR_UNAVAILABLE, GSS_S_UNAVAILABLE, EINVAL},
	{BT_ERR_UNAUTHORIZED, GSS_S_UNAUTHORIZED, 0},
	{BT_ERR_NULL_INPUT, GSS_S_CALL_INACCESSIBLE_READ, 0},
	{BT_ERR_NULL_OUTPUT, GSS_S_CALL_INACCESSIBLE_WRITE, 0},
	{BT_ERR_BAD_STRUCTURE, GSS_S_CALL_BAD_STRUCTURE, 0},
};

static const struct row *
row_of(int err)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].err == err)
			return &rows[i];
	return NULL;
}

OM_uint32
bt_status_major(int err, OM_uint32 otherwise)
{
	const struct row *row = row_of(err);

	return row != NULL ? row->major : otherwise;
}

int
bt_status_minor(int err)
{
	const struct row *row = row_of(err);

	return row != NULL && row->minor != 0 ? row->minor : err;
}

/* A note is kept under the number its maker knew, the minor status may be another name of that. */
static const char *
noted(int err)
{
	const char *note = bt_err_noted(err);

	for (size_t i = 0; note == NULL && i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].minor == err)
			note = bt_err_noted(rows[i].err);
	return note;
}

void
bt_status_text(const struct bt_mech *mech, int err, char text[static BT_STATUS_TEXT_MAX])
{
	bool is_loaded = mech != NULL && mech->is_loaded;
	/* A note is on a number of ours, and the same number may be one of a loaded mechanism's. */
	const char *known = is_loaded ? NULL : noted(err);

	if (known == NULL)
		known = bt_err_text(err);
	text[0] = '\0';
	if (known == NULL && is_loaded)
		mech->error_text(mech, err, text, BT_STATUS_TEXT_MAX);
	if (text[0] != '\0')
		return;
	/* What com_err says of 0, and what a mechanism's failure without a number of its own has always been shown as. */
	if (known == NULL && err == 0)
		known = "Success";
	if (known == NULL && err > 0)
		known = strerrordesc_np(err);
	if (known == NULL && mech != NULL && !is_loaded)
		mech->error_text(mech, err, text, BT_STATUS_TEXT_MAX);
	else if (known != NULL)
		snprintf(text, BT_STATUS_TEXT_MAX, "%s", known);
	if (text[0] == '\0')
		snprintf(text, BT_STATUS_TEXT_MAX, "Unknown code %d", err);
}
