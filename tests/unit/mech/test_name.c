#include "support.h"

#include <krb5.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define USER "\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x01"
#define MACHINE_UID "\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x02"
#define STRING_UID "\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x03"
#define HOSTBASED_X "\x2b\x06\x01\x05\x06\x02"
#define ANONYMOUS "\x2b\x06\x01\x05\x06\x03"
#define EXPORTED "\x2b\x06\x01\x05\x06\x04"
#define COMPOSITE "\x2b\x06\x01\x05\x06\x06"
#define PRINCIPAL_NAME "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01"
#define PRINCIPAL "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x02"
#define ENTERPRISE "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x06"
#define X509_CERT "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x07"
#define KRB5 "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"

#define TYPE(literal) bt_bytes_of(literal, sizeof(literal) - 1)
#define BYTES(literal) bt_bytes_of(literal, sizeof(literal) - 1)

static int
import(struct bt_bytes text, struct bt_bytes type, struct bt_mn **out)
{
	return bt_mech_krb5.name_import(&bt_mech_krb5, text, type, out);
}

static void
check(struct bt_bytes text, struct bt_bytes type, const char *expected)
{
	struct bt_mn *mn;
	int e = import(text, type, &mn);

	if (e != 0)
		fail_msg("%.*s: %d %s", (int)text.len, (const char *)text.ptr, e, bt_err_noted(e) ? bt_err_noted(e) : "");
	assert_string_equal(mn->text, expected);
	bt_mn_free(mn);
}

static void
check_refused(struct bt_bytes text, struct bt_bytes type, int expected)
{
	struct bt_mn *mn = (struct bt_mn *)1;

	assert_int_equal(import(text, type, &mn), expected);
	assert_null(mn);
}

static void
test_users(void **state)
{
	static const struct bt_bytes none;

	check(BYTES("alice"), none, "alice@BATON.TEST");
	check(BYTES("alice"), TYPE(USER), "alice@BATON.TEST");
	check(BYTES("alice@OTHER.TEST"), TYPE(PRINCIPAL_NAME), "alice@OTHER.TEST");
	check(BYTES("alice\\@x"), TYPE(USER), "alice\\@x@BATON.TEST");
	check(BYTES("alice@example.org"), TYPE(ENTERPRISE), "alice\\@example.org@BATON.TEST");
	check(BYTES("host/server.baton.test"), TYPE(PRINCIPAL_NAME), "host/server.baton.test@BATON.TEST");
	check_refused(BYTES("a@b@c"), TYPE(USER), KRB5_PARSE_MALFORMED);
	check_refused(BYTES("ali\0ce"), TYPE(USER), BT_ERR_BAD_NAME);
	/* One zero byte at the end is the terminator of a string, counted by mistake. */
	check(BYTES("alice\0"), TYPE(USER), "alice@BATON.TEST");
	check_refused(BYTES("alice\0\0"), TYPE(USER), BT_ERR_BAD_NAME);
	check_refused(BYTES("alice"), TYPE(KRB5), BT_ERR_BAD_NAMETYPE);
}

static void
test_hostbased(void **state)
{
	struct bt_mn *mn;

	check(BYTES("host@server.baton.test"), TYPE(HOSTBASED), "host/server.baton.test@BATON.TEST");
	check(BYTES("host@server.baton.test\0"), TYPE(HOSTBASED), "host/server.baton.test@BATON.TEST");
	check(BYTES("host@server.baton.test"), TYPE(HOSTBASED_X), "host/server.baton.test@BATON.TEST");
	/* What was imported stays known: an acceptor matches by it. */
	assert_int_equal(import(BYTES("http@SERVER.baton.test"), TYPE(HOSTBASED), &mn), 0);
	assert_string_equal(mn->service, "http");
	assert_string_equal(mn->host, "SERVER.baton.test");
	assert_string_equal(mn->text, "http/server.baton.test@BATON.TEST");
	assert_int_equal(mn->kind, KRB5_NT_SRV_HST);
	bt_mn_free(mn);
	assert_int_equal(import(BYTES("host"), TYPE(HOSTBASED), &mn), 0);
	assert_string_equal(mn->service, "host");
	assert_null(mn->host);
	bt_mn_free(mn);
	assert_int_equal(import(BYTES("host@"), TYPE(HOSTBASED), &mn), 0);
	assert_null(mn->host);
	bt_mn_free(mn);
}

static void
test_uids(void **state)
{
	uid_t uid = getuid();
	struct passwd *account = getpwuid(uid);
	char text[32], expected[128];

	snprintf(text, sizeof text, "%u", (unsigned)uid);
	if (account != NULL) {
		snprintf(expected, sizeof expected, "%s@BATON.TEST", account->pw_name);
		check(bt_bytes_of_str(text), TYPE(STRING_UID), expected);
		check(bt_bytes_of(&uid, sizeof uid), TYPE(MACHINE_UID), expected);
	} else { /* as in a container that was started for a number */
		check_refused(bt_bytes_of_str(text), TYPE(STRING_UID), BT_ERR_NO_USER);
		check_refused(bt_bytes_of(&uid, sizeof uid), TYPE(MACHINE_UID), BT_ERR_NO_USER);
	}
	check_refused(BYTES("12x"), TYPE(STRING_UID), BT_ERR_BAD_STRING_UID);
	check_refused(BYTES(""), TYPE(STRING_UID), BT_ERR_BAD_STRING_UID);
	check_refused(BYTES("99999999999"), TYPE(STRING_UID), BT_ERR_NO_USER);
	check_refused(BYTES("3999999999"), TYPE(STRING_UID), BT_ERR_NO_USER);
	check_refused(BYTES("123"), TYPE(MACHINE_UID), BT_ERR_NO_USER);
}

static void
test_anonymous(void **state)
{
	struct bt_mn *mn;

	assert_int_equal(import(BYTES("whatever"), TYPE(ANONYMOUS), &mn), 0);
	assert_true(mn->is_anonymous);
	assert_string_equal(mn->text, "WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS");
	assert_true(bt_bytes_equal(bt_mech_krb5.name_type(mn), TYPE(ANONYMOUS)));
	bt_mn_free(mn);
	assert_int_equal(import(BYTES("alice"), TYPE(USER), &mn), 0);
	assert_false(mn->is_anonymous);
	assert_true(bt_bytes_equal(bt_mech_krb5.name_type(mn), TYPE(PRINCIPAL_NAME)));
	bt_mn_free(mn);
}

static void
test_principal_pointer(void **state)
{
	krb5_context ctx;
	krb5_principal princ;

	assert_int_equal(krb5_init_context(&ctx), 0);
	assert_int_equal(krb5_parse_name(ctx, "bob@BATON.TEST", &princ), 0);
	check(bt_bytes_of(&princ, sizeof princ), TYPE(PRINCIPAL), "bob@BATON.TEST");
	check_refused(BYTES("bob"), TYPE(PRINCIPAL), BT_ERR_BAD_NAME);
	krb5_free_principal(ctx, princ);
	krb5_free_context(ctx);
}

/* Any bytes, kept as they are, of no realm; the KDC is to say whose they are. */
static void
test_certificate(void **state)
{
	struct bt_mn *mn;

	check(BYTES("\x30\0@/\\\xff"), TYPE(X509_CERT), "\x30\\0\\@\\/\\\\\xff@");
	check_refused(BYTES(""), TYPE(X509_CERT), BT_ERR_BAD_NAME);
	assert_int_equal(import(BYTES("\x30"), TYPE(X509_CERT), &mn), 0);
	assert_int_not_equal(mn->kind, KRB5_NT_UNKNOWN);
	bt_mn_free(mn);
}

static void
test_exported(void **state)
{
	static const char whole[] = "\x04\x01\x00\x0b\x06\x09" KRB5 "\0\0\0\x10"
				    "alice@BATON.TEST";
	static const char composite[] = "\x04\x02\x00\x0b\x06\x09" KRB5 "\0\0\0\x10"
					"alice@BATON.TEST"
					"\0\0\0\x03"
					"abc";
	static const char other_mech[] = "\x04\x01\x00\x08\x06\x06\x2b\x06\x01\x05\x05\x02"
					 "\0\0\0\x10"
					 "alice@BATON.TEST";
	struct bt_mn *mn, *again;
	struct bt_wr wr;

	check(BYTES(whole), TYPE(EXPORTED), "alice@BATON.TEST");
	check(BYTES(composite), TYPE(COMPOSITE), "alice@BATON.TEST");
	check(BYTES("alice@BATON.TEST"), TYPE(EXPORTED), "alice@BATON.TEST");
	check_refused(BYTES(other_mech), TYPE(EXPORTED), BT_ERR_BAD_NAME);
	check_refused(BYTES(""), TYPE(EXPORTED), BT_ERR_BAD_NAME);
	for (size_t len = 3; len < sizeof whole - 1; len++)
		check_refused(bt_bytes_of(whole, len), TYPE(EXPORTED), BT_ERR_BAD_NAME);
	for (size_t len = 3; len < sizeof composite - 1; len++)
		check_refused(bt_bytes_of(composite, len), TYPE(COMPOSITE), BT_ERR_BAD_NAME);
	/* And back, a name that needs escapes too. */
	assert_int_equal(import(BYTES("o'\\@dd\\/name@BATON.TEST"), TYPE(USER), &mn), 0);
	bt_wr_init(&wr);
	assert_int_equal(bt_mech_krb5.name_export(mn, &wr), 0);
	assert_int_equal(import(bt_wr_written(&wr), TYPE(EXPORTED), &again), 0);
	assert_string_equal(mn->text, again->text);
	bt_wr_done(&wr);
	bt_mn_free(mn);
	bt_mn_free(again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_users),     cmocka_unit_test(test_hostbased),		cmocka_unit_test(test_uids),
	    cmocka_unit_test(test_anonymous), cmocka_unit_test(test_principal_pointer), cmocka_unit_test(test_exported),
	    cmocka_unit_test(test_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
