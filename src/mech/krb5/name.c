#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/oid.h"
#include "mech/krb5/mech_krb5.h"
#include "wire/frame.h"

static const struct bt_bytes NT_USER_NAME = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x01");
static const struct bt_bytes NT_MACHINE_UID_NAME = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x02");
static const struct bt_bytes NT_STRING_UID_NAME = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x03");
static const struct bt_bytes NT_HOSTBASED_SERVICE = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04");
static const struct bt_bytes NT_HOSTBASED_SERVICE_X = BT_OID("\x2b\x06\x01\x05\x06\x02");
static const struct bt_bytes NT_ANONYMOUS = BT_OID("\x2b\x06\x01\x05\x06\x03");
static const struct bt_bytes NT_EXPORT_NAME = BT_OID("\x2b\x06\x01\x05\x06\x04");
static const struct bt_bytes NT_COMPOSITE_EXPORT = BT_OID("\x2b\x06\x01\x05\x06\x06");
static const struct bt_bytes NT_KRB5_NAME = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01");
static const struct bt_bytes NT_KRB5_PRINCIPAL = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x02");
static const struct bt_bytes NT_KRB5_ENTERPRISE = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x06");
static const struct bt_bytes NT_KRB5_X509_CERT = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x07");

int
bt_krb5_name_of(struct bt_krb5 *lib, krb5_const_principal princ, const char *service, const char *host, struct bt_mn **out)
{
	char *text = NULL;
	bool is_anonymous;
	krb5_error_code code = krb5_unparse_name(lib->ctx, princ, &text);

	*out = NULL;
	if (code != 0)
		return bt_krb5_fail(lib, code);
	is_anonymous =
	    princ->type == KRB5_NT_WELLKNOWN && krb5_principal_compare_any_realm(lib->ctx, princ, krb5_anonymous_principal());
	*out = bt_mn_new(princ->type, is_anonymous, bt_bytes_of_str(text), service, host);
	krb5_free_unparsed_name(lib->ctx, text);
	return *out != NULL ? 0 : BT_ERR_NOMEM;
}

int
bt_krb5_principal_of(struct bt_krb5 *lib, const struct bt_mn *mn, krb5_principal *out)
{
	krb5_error_code code = krb5_parse_name(lib->ctx, mn->text, out);

	if (code != 0) {
		*out = NULL;
		return bt_krb5_fail(lib, code);
	}
	(*out)->type = mn->kind == BT_KRB5_NAME_CERT ? KRB5_NT_UNKNOWN : mn->kind;
	return 0;
}

int
bt_krb5_acceptor_principal(struct bt_krb5 *lib, const struct bt_mn *mn, krb5_principal *out)
{
	krb5_principal target;
	const char *host = "";
	char *canonical = NULL;
	krb5_error_code code;
	int e = bt_krb5_principal_of(lib, mn, &target);

	*out = NULL;
	if (e != 0 || mn->service == NULL) {
		*out = target;
		return e;
	}
	/* Without a host any host of the service will do; with one, the canonical form that clients ask for. */
	if (mn->host != NULL && target->length == 2) {
		canonical = bt_mem_strdup(target->data[1].data, target->data[1].length);
		if (canonical == NULL) {
			krb5_free_principal(lib->ctx, target);
			return BT_ERR_NOMEM;
		}
		host = canonical;
	}
	krb5_free_principal(lib->ctx, target);
	code = krb5_build_principal(lib->ctx, out, 0, "", mn->service, host, (char *)NULL);
	bt_mem_free(canonical);
	if (code != 0) {
		*out = NULL;
		return bt_krb5_fail(lib, code);
	}
	(*out)->type = KRB5_NT_SRV_HST;
	return 0;
}

/* ---- import ---- */

static int
import_text(struct bt_krb5 *lib, const char *text, int flags, struct bt_mn **out)
{
	krb5_principal princ;
	krb5_error_code code = krb5_parse_name_flags(lib->ctx, text, flags, &princ);
	int e;

	if (code != 0)
		return bt_krb5_fail(lib, code);
	e = bt_krb5_name_of(lib, princ, NULL, NULL, out);
	krb5_free_principal(lib->ctx, princ);
	return e;
}

/* RFC 2743 §4.1: service@host, or the service alone. */
static int
import_hostbased(struct bt_krb5 *lib, char *text, struct bt_mn **out)
{
	char *at = strchr(text, '@');
	const char *host = NULL;
	krb5_principal princ;
	krb5_error_code code;
	int e;

	if (at != NULL) {
		*at = '\0';
		host = at[1] != '\0' ? at + 1 : NULL;
	}
	code = krb5_sname_to_principal(lib->ctx, host, text, KRB5_NT_SRV_HST, &princ);
	if (code != 0)
		return bt_krb5_fail(lib, code);
	e = bt_krb5_name_of(lib, princ, text, host, out);
	krb5_free_principal(lib->ctx, princ);
	return e;
}

static int
import_uid(struct bt_krb5 *lib, uid_t uid, struct bt_mn **out)
{
	long len = sysconf(_SC_GETPW_R_SIZE_MAX);
	size_t buffer_len = len > 0 && len < 1 << 20 ? (size_t)len * 4 : 16384;
	struct passwd account, *found = NULL;
	char *buffer = bt_mem_alloc(buffer_len);
	int e;

	if (buffer == NULL)
		return BT_ERR_NOMEM;
	if (getpwuid_r(uid, &account, buffer, buffer_len, &found) != 0 || found == NULL)
		e = bt_err_note(BT_ERR_NO_USER, "User id %lu has no account on this host", (unsigned long)uid);
	else
		e = import_text(lib, found->pw_name, 0, out);
	bt_mem_free(buffer);
	return e;
}

static int
import_machine_uid(struct bt_krb5 *lib, struct bt_bytes bytes, struct bt_mn **out)
{
	uid_t uid;

	if (bytes.len != sizeof uid)
		return bt_err_note(BT_ERR_NO_USER, "A user id in binary form has %zu bytes", sizeof uid);
	memcpy(&uid, bytes.ptr, sizeof uid);
	return import_uid(lib, uid, out);
}

static int
import_string_uid(struct bt_krb5 *lib, const char *text, struct bt_mn **out)
{
	unsigned long uid = 0;

	if (text[0] == '\0')
		return BT_ERR_BAD_STRING_UID;
	for (const char *c = text; *c != '\0'; c++) {
		if (*c < '0' || *c > '9')
			return BT_ERR_BAD_STRING_UID;
		uid = uid * 10 + (unsigned long)(*c - '0');
		if (uid > UINT32_MAX)
			return BT_ERR_NO_USER;
	}
	return import_uid(lib, (uid_t)uid, out);
}

/* The program passes the address of a krb5_principal of its own. */
static int
import_principal(struct bt_krb5 *lib, struct bt_bytes bytes, struct bt_mn **out)
{
	krb5_principal princ;

	if (bytes.len != sizeof princ)
		return bt_err_note(BT_ERR_BAD_NAME, "What was imported is no address of a principal");
	memcpy(&princ, bytes.ptr, sizeof princ);
	return princ != NULL ? bt_krb5_name_of(lib, princ, NULL, NULL, out) : BT_ERR_BAD_NAME;
}

/* A user whose certificate is known, and whom the KDC will know by it. MS-SFU §2.2.2. Of no realm, as the certificate's is not. */
static int
import_cert(struct bt_krb5 *lib, struct bt_bytes cert, struct bt_mn **out)
{
	krb5_data component = bt_krb5_data_of(cert);
	krb5_principal_data princ = {.magic = KV5M_PRINCIPAL, .realm = {.magic = KV5M_DATA}, .data = &component,
				     .length = 1, .type = BT_KRB5_NAME_CERT};

	return cert.len != 0 ? bt_krb5_name_of(lib, &princ, NULL, NULL, out) : BT_ERR_BAD_NAME;
}

/*
 * A whole exported name, or only the part behind its framing. They cannot be mistaken for each other: the framing has a zero byte,
 * which krb5_unparse_name escapes.
 */
static int
import_exported(struct bt_krb5 *lib, struct bt_bytes exported, struct bt_mn **out)
{
	struct bt_bytes name = exported, oid = bt_krb5_oid, attributes;
	char *text;
	int e;

	if (exported.len >= 3 && exported.ptr[0] == 0x04 && exported.ptr[2] == 0x00) {
		/* Attributes are for the front to keep. */
		if (bt_frame_read_name(exported, &oid, &name) != 0 &&
		    (e = bt_frame_read_composite(exported, &oid, &name, &attributes)) != 0)
			return e;
		if (!bt_bytes_equal(oid, bt_krb5_oid))
			return BT_ERR_BAD_NAME;
	}
	if (name.len == 0 || memchr(name.ptr, '\0', name.len) != NULL)
		return BT_ERR_BAD_NAME;
	text = bt_mem_strdup((const char *)name.ptr, name.len);
	if (text == NULL)
		return BT_ERR_NOMEM;
	e = import_text(lib, text, 0, out);
	bt_mem_free(text);
	return e;
}

/* Many programs, gss-server among them, count the terminator of their string as part of the name. */
static struct bt_bytes
without_terminator(struct bt_bytes text)
{
	if (text.len != 0 && text.ptr[text.len - 1] == '\0')
		text.len--;
	return text;
}

static int
import_string(struct bt_krb5 *lib, struct bt_bytes bytes, struct bt_bytes type, struct bt_mn **out)
{
	char *text;
	int e;

	bytes = without_terminator(bytes);
	/* A name cut at a zero byte would be another name. */
	if (bytes.len != 0 && memchr(bytes.ptr, '\0', bytes.len) != NULL)
		return bt_err_note(BT_ERR_BAD_NAME, "Name has a zero byte");
	text = bt_mem_strdup((const char *)bytes.ptr, bytes.len);
	if (text == NULL)
		return BT_ERR_NOMEM;
	if (bt_bytes_equal(type, NT_HOSTBASED_SERVICE) || bt_bytes_equal(type, NT_HOSTBASED_SERVICE_X))
		e = import_hostbased(lib, text, out);
	else if (bt_bytes_equal(type, NT_STRING_UID_NAME))
		e = import_string_uid(lib, text, out);
	else if (type.len == 0 || bt_bytes_equal(type, NT_USER_NAME) || bt_bytes_equal(type, NT_KRB5_NAME))
		e = import_text(lib, text, 0, out);
	else if (bt_bytes_equal(type, NT_KRB5_ENTERPRISE))
		e = import_text(lib, text, KRB5_PRINCIPAL_PARSE_ENTERPRISE, out);
	else
		e = BT_ERR_BAD_NAMETYPE;
	bt_mem_free(text);
	return e;
}

int
bt_krb5_name_import(const struct bt_mech *mech, struct bt_bytes text, struct bt_bytes type, struct bt_mn **out)
{
	struct bt_krb5 *lib;
	int e = bt_krb5_enter(&lib);

	*out = NULL;
	if (e != 0)
		return e;
	if (bt_bytes_equal(type, NT_MACHINE_UID_NAME))
		e = import_machine_uid(lib, text, out);
	else if (bt_bytes_equal(type, NT_KRB5_PRINCIPAL))
		e = import_principal(lib, text, out);
	else if (bt_bytes_equal(type, NT_KRB5_X509_CERT))
		e = import_cert(lib, text, out);
	else if (bt_bytes_equal(type, NT_ANONYMOUS))
		e = bt_krb5_name_of(lib, krb5_anonymous_principal(), NULL, NULL, out);
	else if (bt_bytes_equal(type, NT_EXPORT_NAME) || bt_bytes_equal(type, NT_COMPOSITE_EXPORT))
		e = import_exported(lib, text, out);
	else
		e = import_string(lib, text, type, out);
	bt_krb5_leave(lib);
	return e;
}

struct bt_bytes
bt_krb5_name_type(const struct bt_mn *mn)
{
	return mn->is_anonymous ? NT_ANONYMOUS : NT_KRB5_NAME;
}

int
bt_krb5_name_export(const struct bt_mn *mn, struct bt_wr *out)
{
	bt_wr_bytes(out, bt_bytes_of_str(mn->text));
	return out->failed ? BT_ERR_NOMEM : 0;
}
