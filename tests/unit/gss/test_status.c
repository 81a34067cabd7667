/*
 * What programs are shown: numbers and sentences as they have been for programs of MIT's library, and the protocol of
 * message_context.
 */
#include <errno.h>
#include <gssapi/gssapi.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/err.h"
#include "fake_mech.h"
#include "gss/status.h"

/* All sentences of a status, with "|" between them. */
static const char *
sentences(OM_uint32 status, int type)
{
	static char all[2048];
	OM_uint32 context = 0, minor;
	gss_buffer_desc one;
	size_t len = 0;

	do {
		assert_int_equal(gss_display_status(&minor, status, type, GSS_C_NO_OID, &context, &one), GSS_S_COMPLETE);
		len += (size_t)snprintf(all + len, sizeof all - len, "%s%.*s", len != 0 ? "|" : "", (int)one.length,
					(char *)one.value);
		assert_true(len < sizeof all);
		gss_release_buffer(&minor, &one);
	} while (context != 0);
	return all;
}

static void
majors(void **state)
{
	static const struct {
		OM_uint32 status;
		const char *text;
	} rows[] = {
		{0, "The routine completed successfully"},
		{0x00010000, "An unsupported mechanism was requested"},
		{0x00020000, "An invalid name was supplied"},
		{0x00030000, "A supplied name was of an unsupported type"},
		{0x00040000, "Incorrect channel bindings were supplied"},
		{0x00050000, "An invalid status code was supplied"},
		{0x00060000, "A token had an invalid Message Integrity Check (MIC)"},
		{0x00070000, "No credentials were supplied, or the credentials were unavailable or inaccessible"},
		{0x00080000, "No context has been established"},
		{0x00090000, "Invalid token was supplied"},
		{0x000a0000, "Invalid credential was supplied"},
		{0x000b0000, "The referenced credential has expired"},
		{0x000c0000, "The referenced context has expired"},
		{0x000d0000, "Unspecified GSS failure.  Minor code may provide more information"},
		{0x000e0000, "The quality-of-protection (QOP) requested could not be provided"},
		{0x000f0000, "The operation is forbidden by local security policy"},
		{0x00100000, "The operation or option is not available or unsupported"},
		{0x00110000, "The requested credential element already exists"},
		{0x00120000, "The provided name was not mechanism specific (MN)"},
		{0x00ff0000, "An invalid status code was supplied"},
		{0x01000000, "A required input parameter could not be read"},
		{0x02000000, "A required output parameter could not be written"},
		{0x03000000, "A parameter was malformed"},
		{0x04000000, "An invalid status code was supplied"},
		{1, "The routine must be called again to complete its function"},
		{2, "The token was a duplicate of an earlier token"},
		{4, "The token's validity period has expired"},
		{8, "A later token has already been processed"},
		{16, "An expected per-message token was not received"},
		{32, "An invalid status code was supplied"},
		{0x01080000, "A required input parameter could not be read|No context has been established"},
		{0x02080000, "A required output parameter could not be written|No context has been established"},
		{0x03090000, "A parameter was malformed|Invalid token was supplied"},
		{0x01000002, "A required input parameter could not be read|The token was a duplicate of an earlier token"},
		{0x0309001a, "A parameter was malformed|Invalid token was supplied|"
			     "The token was a duplicate of an earlier token|"
			     "A later token has already been processed|An expected per-message token was not received"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_string_equal(sentences(rows[i].status, GSS_C_GSS_CODE), rows[i].text);
}

/* The numbers on the way are MIT's too: programs have been seen to keep them. */
static void
message_context(void **state)
{
	static const OM_uint32 on_the_way[] = {1, 0x13 << 1, 0x12 << 1, 0x10 << 1, 0};
	OM_uint32 context = 0, minor;
	gss_buffer_desc text;

	for (size_t i = 0; i < sizeof on_the_way / sizeof on_the_way[0]; i++) {
		gss_display_status(&minor, 0x03090013, GSS_C_GSS_CODE, GSS_C_NO_OID, &context, &text);
		assert_int_equal(context, on_the_way[i]);
		gss_release_buffer(&minor, &text);
	}
	/* One that nobody gave out leads to an end all the same. */
	context = 0x40000;
	gss_display_status(&minor, 0x00090000, GSS_C_GSS_CODE, GSS_C_NO_OID, &context, &text);
	assert_int_equal(context, 0);
	gss_release_buffer(&minor, &text);
}

static void
minors(void **state)
{
	OM_uint32 context = 0, minor = 1, public;
	gss_buffer_desc text;

	assert_string_equal(sentences(0, GSS_C_MECH_CODE), "Unknown error");
	assert_int_equal(gss_display_status(&minor, 77777, GSS_C_MECH_CODE, GSS_C_NO_OID, &context, &text), GSS_S_BAD_STATUS);
	assert_string_equal(sentences(minor, GSS_C_MECH_CODE), "Invalid argument");
	assert_int_equal(gss_display_status(&minor, 0, 3, GSS_C_NO_OID, &context, &text), GSS_S_BAD_STATUS);

	/* A mechanism's own, one of ours under its name, an errno, and one that nobody knows. */
	public = bt_minor_publish(&bt_mech_krb5, -1765328353);
	assert_int_equal(public, 2529638943u);
	assert_string_equal(sentences(public, GSS_C_MECH_CODE), "fake error -1765328353");
	assert_string_equal(sentences(bt_minor_publish(&bt_mech_krb5, BT_ERR_UNKNOWN_QOP), GSS_C_MECH_CODE),
			    "Unknown quality of protection specified");
	assert_string_equal(sentences(bt_minor_publish(NULL, ENOSPC), GSS_C_MECH_CODE), "No space left on device");
	assert_string_equal(sentences(bt_minor_publish(NULL, -5), GSS_C_MECH_CODE), "Unknown code -5");
}

/* A note on an error goes before its general text, in the thread that made it. */
static void
notes(void **state)
{
	OM_uint32 public = bt_minor_publish(&bt_mech_krb5, BT_ERR_KEYTAB_NOMATCH);

	bt_err_note(BT_ERR_KEYTAB_NOMATCH, "no key for %s", "ldap");
	assert_string_equal(sentences(public, GSS_C_MECH_CODE), "no key for ldap");

	/* Under the number that programs see, too. */
	bt_err_note(BT_ERR_CLOCK_SKEW, "%d minutes apart", 7);
	assert_string_equal(sentences(bt_minor_publish(&bt_mech_krb5, bt_status_minor(BT_ERR_CLOCK_SKEW)), GSS_C_MECH_CODE),
			    "7 minutes apart");
}

/* What a person can do is a second sentence, of our own errors only. */
static void
hints(void **state)
{
	assert_string_equal(sentences(bt_minor_publish(NULL, BT_ERR_TOKEN_EXPIRED), GSS_C_MECH_CODE),
			    "Interprocess token has expired|import sooner after the export");
	assert_non_null(bt_err_hint(BT_ERR_TGT_MISSING));
	assert_null(strchr(sentences(bt_minor_publish(NULL, BT_ERR_TGT_MISSING), GSS_C_MECH_CODE), '|'));
}

/* Every error of the library has a major status, a text, and fits. */
static void
every_error(void **state)
{
	for (size_t i = 0; i < bt_err_count(); i++) {
		char text[BT_STATUS_TEXT_MAX];
		OM_uint32 major = bt_status_major(bt_err_at(i), GSS_S_FAILURE);

		assert_true(GSS_ERROR(major));
		assert_int_equal(GSS_SUPPLEMENTARY_INFO(major), 0);
		bt_status_text(NULL, bt_err_at(i), text);
		assert_true(strlen(text) > 4 && strlen(text) < 200);
	}
}

/* The answers that the issue of interprocess tokens promises. */
static void
of_transfer(void **state)
{
	static const struct {
		int err;
		OM_uint32 major;
	} rows[] = {
		{BT_ERR_TOKEN_USED, GSS_S_NO_CONTEXT},          {BT_ERR_TOKEN_EXPIRED, GSS_S_NO_CONTEXT},
		{BT_ERR_TOKEN_STORE, GSS_S_NO_CONTEXT},         {BT_ERR_TOKEN_USER, GSS_S_UNAUTHORIZED},
		{BT_ERR_TOKEN_FORMAT, GSS_S_DEFECTIVE_TOKEN},   {BT_ERR_TOKEN_VERSION, GSS_S_DEFECTIVE_TOKEN},
		{BT_ERR_TOKEN_ALTERED, GSS_S_DEFECTIVE_TOKEN},  {BT_ERR_TRUNCATED, GSS_S_DEFECTIVE_TOKEN},
		{BT_ERR_TRAILING, GSS_S_DEFECTIVE_TOKEN},       {BT_ERR_MALFORMED, GSS_S_DEFECTIVE_TOKEN},
		{BT_ERR_CONTEXT_EXPIRED, GSS_S_CONTEXT_EXPIRED}, {BT_ERR_NOT_TRANSFERABLE, GSS_S_UNAVAILABLE},
		{BT_ERR_STORE_FULL, GSS_S_FAILURE},             {EMFILE, GSS_S_FAILURE},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(bt_status_major(rows[i].err, GSS_S_FAILURE), rows[i].major);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(majors), cmocka_unit_test(message_context), cmocka_unit_test(minors),
		cmocka_unit_test(notes),  cmocka_unit_test(hints),           cmocka_unit_test(every_error),
		cmocka_unit_test(of_transfer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
