/*
 * The data that programs look at directly, through our headers: values, and which of them are one and the same pointer.
 */
#include <gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_generic.h>
#include <gssapi/gssapi_krb5.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* Lucid contexts are filled in later, but what they look like is settled. */
#define LAYOUT(type, size) _Static_assert(sizeof(type) == (size), #type " has another size")
#define PLACE(type, member, offset) _Static_assert(offsetof(type, member) == (offset), #type "." #member " has moved")

LAYOUT(gss_krb5_lucid_key_t, 16);
PLACE(gss_krb5_lucid_key_t, length, 4);
PLACE(gss_krb5_lucid_key_t, data, 8);
LAYOUT(gss_krb5_rfc1964_keydata_t, 24);
PLACE(gss_krb5_rfc1964_keydata_t, ctx_key, 8);
LAYOUT(gss_krb5_cfx_keydata_t, 40);
PLACE(gss_krb5_cfx_keydata_t, ctx_key, 8);
PLACE(gss_krb5_cfx_keydata_t, acceptor_subkey, 24);
LAYOUT(gss_krb5_lucid_context_v1_t, 104);
PLACE(gss_krb5_lucid_context_v1_t, endtime, 8);
PLACE(gss_krb5_lucid_context_v1_t, send_seq, 16);
PLACE(gss_krb5_lucid_context_v1_t, recv_seq, 24);
PLACE(gss_krb5_lucid_context_v1_t, protocol, 32);
PLACE(gss_krb5_lucid_context_v1_t, rfc1964_kd, 40);
PLACE(gss_krb5_lucid_context_v1_t, cfx_kd, 64);

static const char *
hex(gss_const_OID oid)
{
	static char text[64];

	for (OM_uint32 i = 0; i < oid->length; i++)
		snprintf(text + 2 * i, 3, "%02x", ((const uint8_t *)oid->elements)[i]);
	return text;
}

static void
values(void **state)
{
	const struct {
		gss_const_OID oid;
		const char *hex;
	} rows[] = {
		{GSS_C_INQ_NEGOEX_KEY, "2a864886f7120102020510"},
		{GSS_C_INQ_NEGOEX_VERIFY_KEY, "2a864886f7120102020511"},
		{GSS_C_INQ_SSPI_SESSION_KEY, "2a864886f7120102020505"},
		{GSS_C_MA_NEGOEX_AND_SPNEGO, "2a864886f7120102020512"},
		{GSS_C_NT_ANONYMOUS, "2b0601050603"},
		{GSS_C_NT_COMPOSITE_EXPORT, "2b0601050606"},
		{GSS_C_NT_EXPORT_NAME, "2b0601050604"},
		{GSS_C_NT_HOSTBASED_SERVICE, "2a864886f71201020104"},
		{GSS_C_NT_HOSTBASED_SERVICE_X, "2b0601050602"},
		{GSS_C_NT_MACHINE_UID_NAME, "2a864886f71201020102"},
		{GSS_C_NT_STRING_UID_NAME, "2a864886f71201020103"},
		{GSS_C_NT_USER_NAME, "2a864886f71201020101"},
		{GSS_C_SEC_CONTEXT_SASL_SSF, "2a864886f712010202050f"},
		{GSS_KRB5_CRED_NO_CI_FLAGS_X, "2a85702b0d1d"},
		{GSS_KRB5_GET_CRED_IMPERSONATOR, "2a864886f712010202050e"},
		{GSS_KRB5_NT_ENTERPRISE_NAME, "2a864886f71201020206"},
		{GSS_KRB5_NT_PRINCIPAL_NAME, "2a864886f71201020201"},
		{GSS_KRB5_NT_X509_CERT, "2a864886f71201020207"},
		{gss_mech_iakerb, "2b0601050205"},
		{gss_mech_krb5, "2a864886f712010202"},
		{gss_mech_krb5_old, "2b05010502"},
		{gss_mech_krb5_wrong, "2a864882f712010202"},
		{gss_nt_krb5_principal, "2a864886f71201020202"},
	};
	const gss_const_OID attributes[] = {
		GSS_C_MA_MECH_CONCRETE, GSS_C_MA_MECH_PSEUDO, GSS_C_MA_MECH_COMPOSITE, GSS_C_MA_MECH_NEGO,
		GSS_C_MA_MECH_GLUE, GSS_C_MA_NOT_MECH, GSS_C_MA_DEPRECATED, GSS_C_MA_NOT_DFLT_MECH,
		GSS_C_MA_ITOK_FRAMED, GSS_C_MA_AUTH_INIT, GSS_C_MA_AUTH_TARG, GSS_C_MA_AUTH_INIT_INIT,
		GSS_C_MA_AUTH_TARG_INIT, GSS_C_MA_AUTH_INIT_ANON, GSS_C_MA_AUTH_TARG_ANON, GSS_C_MA_DELEG_CRED,
		GSS_C_MA_INTEG_PROT, GSS_C_MA_CONF_PROT, GSS_C_MA_MIC, GSS_C_MA_WRAP, GSS_C_MA_PROT_READY,
		GSS_C_MA_REPLAY_DET, GSS_C_MA_OOS_DET, GSS_C_MA_CBINDINGS, GSS_C_MA_PFS, GSS_C_MA_COMPRESS,
		GSS_C_MA_CTX_TRANS,
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_string_equal(hex(rows[i].oid), rows[i].hex);
	for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
		char expected[16];

		snprintf(expected, sizeof expected, "2b060105050d%02zx", i + 1);
		assert_string_equal(hex(attributes[i]), expected);
	}
	assert_int_equal(GSS_C_ATTR_LOCAL_LOGIN_USER->length, 16);
	assert_memory_equal(GSS_C_ATTR_LOCAL_LOGIN_USER->value, "local-login-user", 16);
}

/* Programs compare pointers. */
static void
same_pointers(void **state)
{
	assert_ptr_equal(gss_nt_user_name, GSS_C_NT_USER_NAME);
	assert_ptr_equal(gss_nt_machine_uid_name, GSS_C_NT_MACHINE_UID_NAME);
	assert_ptr_equal(gss_nt_string_uid_name, GSS_C_NT_STRING_UID_NAME);
	assert_ptr_equal(gss_nt_service_name, GSS_C_NT_HOSTBASED_SERVICE);
	assert_ptr_equal(gss_nt_service_name_v2, GSS_C_NT_HOSTBASED_SERVICE_X);
	assert_ptr_equal(gss_nt_exported_name, GSS_C_NT_EXPORT_NAME);
	assert_ptr_equal(gss_nt_krb5_name, GSS_KRB5_NT_PRINCIPAL_NAME);
	assert_ptr_equal(gss_mech_krb5_old, gss_mech_krb5 + 1);
	assert_ptr_equal(gss_mech_krb5_wrong, gss_mech_krb5 + 2);
	assert_ptr_equal(gss_mech_iakerb, gss_mech_krb5 + 3);
}

static void
sets(void **state)
{
	assert_int_equal(gss_mech_set_krb5->count, 1);
	assert_ptr_equal(gss_mech_set_krb5->elements, gss_mech_krb5);
	assert_int_equal(gss_mech_set_krb5_old->count, 1);
	assert_ptr_equal(gss_mech_set_krb5_old->elements, gss_mech_krb5_old);
	assert_int_equal(gss_mech_set_krb5_both->count, 3);
	assert_ptr_equal(gss_mech_set_krb5_both->elements, gss_mech_krb5);
}

/* A macro that evaluates its argument twice would call twice. */
static void
error_macro(void **state)
{
	OM_uint32 status = GSS_S_BAD_MECH;

	assert_true(GSS_ERROR(status++));
	assert_int_equal(status, GSS_S_BAD_MECH + 1);
	assert_false(GSS_ERROR(GSS_S_CONTINUE_NEEDED));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(same_pointers),
		cmocka_unit_test(sets),
		cmocka_unit_test(error_macro),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
