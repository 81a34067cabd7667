/*
 * OIDs, sets of them, attributes and SASL names.
 */
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "failing.h"
#include "gss/mechs.h"

static gss_OID_desc krb5 = {9, (void *)(uintptr_t) "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
static gss_OID_desc iakerb = {6, (void *)(uintptr_t) "\x2b\x06\x01\x05\x02\x05"};
static gss_OID_desc spnego = {6, (void *)(uintptr_t) "\x2b\x06\x01\x05\x05\x02"};
static gss_OID_desc wrong_krb5 = {9, (void *)(uintptr_t) "\x2a\x86\x48\x82\xf7\x12\x01\x02\x02"};
static gss_OID_desc unknown = {3, (void *)(uintptr_t) "\x2a\x03\x04"};

static void
text_both_ways(void **state)
{
	static const char *const spellings[] = {"{ 1 2 840 113554 1 2 2 }", "1.2.840.113554.1.2.2", "1 2 840 113554 1 2 2",
					       "1.2.840.113554.1.2.2 and more"};
	gss_buffer_desc text;
	OM_uint32 minor;
	gss_OID oid;

	for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
		text = (gss_buffer_desc){strlen(spellings[i]), (void *)(uintptr_t)spellings[i]};
		assert_int_equal(gss_str_to_oid(&minor, &text, &oid), GSS_S_COMPLETE);
		assert_true(gss_oid_equal(oid, &krb5));
		assert_int_equal(gss_release_oid(&minor, &oid), GSS_S_COMPLETE);
		assert_null(oid);
	}
	assert_int_equal(gss_oid_to_str(&minor, &krb5, &text), GSS_S_COMPLETE);
	assert_int_equal(text.length, sizeof "{ 1 2 840 113554 1 2 2 }");
	assert_string_equal(text.value, "{ 1 2 840 113554 1 2 2 }");
	gss_release_buffer(&minor, &text);
}

static void
nonsense(void **state)
{
	gss_OID_desc unfinished = {2, (void *)(uintptr_t) "\x2a\x86"};
	gss_buffer_desc text = {5, (void *)(uintptr_t) "x y z"};
	OM_uint32 minor;
	gss_OID oid;

	assert_int_equal(gss_str_to_oid(&minor, &text, &oid), GSS_S_FAILURE);
	assert_null(oid);
	assert_int_equal(gss_oid_to_str(&minor, &unfinished, &text), GSS_S_FAILURE);
	assert_null(text.value);
}

static void
static_ones_stay(void **state)
{
	gss_OID oid = GSS_C_NT_USER_NAME;
	OM_uint32 minor;

	assert_true(bt_oid_is_static(oid));
	assert_int_equal(gss_release_oid(&minor, &oid), GSS_S_COMPLETE);
	assert_null(oid);
	assert_int_equal(GSS_C_NT_USER_NAME->length, 10);
	assert_int_equal(gss_release_oid(&minor, &oid), GSS_S_COMPLETE);
}

static void
sets(void **state)
{
	gss_OID_set set;
	OM_uint32 minor;
	int present;

	assert_int_equal(gss_create_empty_oid_set(&minor, &set), GSS_S_COMPLETE);
	assert_int_equal(set->count, 0);
	assert_int_equal(gss_test_oid_set_member(&minor, &krb5, set, &present), GSS_S_COMPLETE);
	assert_false(present);
	for (int i = 0; i < 2; i++)
		assert_int_equal(gss_add_oid_set_member(&minor, &krb5, &set), GSS_S_COMPLETE);
	assert_int_equal(gss_add_oid_set_member(&minor, &unknown, &set), GSS_S_COMPLETE);
	/* A set: no member twice. The members are copies. */
	assert_int_equal(set->count, 2);
	assert_ptr_not_equal(set->elements[0].elements, krb5.elements);
	assert_int_equal(gss_test_oid_set_member(&minor, &krb5, set, &present), GSS_S_COMPLETE);
	assert_true(present);
	assert_int_equal(gss_test_oid_set_member(&minor, &wrong_krb5, set, &present), GSS_S_COMPLETE);
	assert_false(present);
	assert_int_equal(gss_release_oid_set(&minor, &set), GSS_S_COMPLETE);
	assert_null(set);
	assert_int_equal(gss_add_oid_set_member(&minor, &krb5, &set), GSS_S_CALL_INACCESSIBLE_READ);
}

static void
mechanisms(void **state)
{
	gss_OID_set set, types;
	OM_uint32 minor;

	assert_int_equal(gss_indicate_mechs(&minor, &set), GSS_S_COMPLETE);
	/* IAKERB is for who asks for it. */
	assert_int_equal(set->count, 2);
	assert_true(gss_oid_equal(&set->elements[0], &krb5));
	assert_true(gss_oid_equal(&set->elements[1], &spnego));
	gss_release_oid_set(&minor, &set);
	assert_int_equal(gss_inquire_names_for_mech(&minor, &iakerb, &types), GSS_S_COMPLETE);
	gss_release_oid_set(&minor, &types);
	/* By its OID, by another spelling of it, by default; and none by another. */
	assert_int_equal(gss_inquire_names_for_mech(&minor, &krb5, &types), GSS_S_COMPLETE);
	assert_int_equal(types->count, 3);
	gss_release_oid_set(&minor, &types);
	assert_int_equal(gss_inquire_names_for_mech(&minor, &wrong_krb5, &types), GSS_S_COMPLETE);
	gss_release_oid_set(&minor, &types);
	assert_int_equal(gss_inquire_names_for_mech(&minor, GSS_C_NO_OID, &types), GSS_S_COMPLETE);
	gss_release_oid_set(&minor, &types);
	assert_int_equal(gss_inquire_names_for_mech(&minor, &unknown, &types), GSS_S_BAD_MECH);
	assert_null(types);
}

static void
attributes(void **state)
{
	gss_OID_set_desc wanted = {1, (gss_OID)(uintptr_t)GSS_C_MA_CTX_TRANS}, strange = {1, &unknown};
	gss_OID_set_desc unusual = {1, (gss_OID)(uintptr_t)GSS_C_MA_NOT_DFLT_MECH};
	gss_buffer_desc name, in_short, in_words;
	gss_OID_set has, known, mechs;
	OM_uint32 minor;

	assert_int_equal(gss_inquire_attrs_for_mech(&minor, &krb5, &has, &known), GSS_S_COMPLETE);
	assert_int_equal(has->count, 2);
	assert_int_equal(known->count, 28);
	for (size_t i = 0; i < known->count; i++) {
		assert_int_equal(gss_display_mech_attr(&minor, &known->elements[i], &name, &in_short, &in_words),
				 GSS_S_COMPLETE);
		assert_int_equal(strncmp(name.value, "GSS_C_MA_", 9), 0);
		assert_true(in_short.length != 0 && in_words.length != 0);
		gss_release_buffer(&minor, &name);
		gss_release_buffer(&minor, &in_short);
		gss_release_buffer(&minor, &in_words);
	}
	gss_release_oid_set(&minor, &has);
	gss_release_oid_set(&minor, &known);
	/* By its old OID it is an old mechanism. */
	assert_int_equal(gss_inquire_attrs_for_mech(&minor, &wrong_krb5, &has, NULL), GSS_S_COMPLETE);
	assert_int_equal(has->count, 3);
	assert_true(gss_oid_equal(&has->elements[2], GSS_C_MA_DEPRECATED));
	gss_release_oid_set(&minor, &has);

	const struct {
		gss_OID_set desired, except, critical;
		size_t count;
	} rows[] = {
		{NULL, NULL, NULL, 2}, {&wanted, NULL, NULL, 1}, {NULL, &wanted, NULL, 1},
		{NULL, NULL, &wanted, 2}, {NULL, NULL, &strange, 0}, {&strange, NULL, NULL, 0},
		/* What is not for everybody is told of to those who ask for that. */
		{&unusual, NULL, NULL, 1}, {NULL, &unusual, NULL, 2},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(gss_indicate_mechs_by_attrs(&minor, rows[i].desired, rows[i].except, rows[i].critical, &mechs),
				 GSS_S_COMPLETE);
		assert_int_equal(mechs->count, rows[i].count);
		gss_release_oid_set(&minor, &mechs);
	}
}

static void
sasl(void **state)
{
	gss_buffer_desc sasl_name, name, description;
	OM_uint32 minor;
	gss_OID mech;

	assert_int_equal(gss_inquire_saslname_for_mech(&minor, &krb5, &sasl_name, &name, &description), GSS_S_COMPLETE);
	assert_string_equal(sasl_name.value, "GS2-KRB5");
	assert_string_equal(name.value, "krb5");
	assert_string_equal(description.value, "Kerberos 5 GSS-API Mechanism");
	assert_int_equal(gss_inquire_mech_for_saslname(&minor, &sasl_name, &mech), GSS_S_COMPLETE);
	assert_true(gss_oid_equal(mech, &krb5));
	sasl_name.length--;
	assert_int_equal(gss_inquire_mech_for_saslname(&minor, &sasl_name, &mech), GSS_S_BAD_MECH);
	assert_null(mech);
	gss_release_buffer(&minor, &sasl_name);
	gss_release_buffer(&minor, &name);
	gss_release_buffer(&minor, &description);
}

static void
framing(void **state)
{
	gss_buffer_desc body = {4, (void *)(uintptr_t) "body"}, token, back;
	OM_uint32 minor;

	assert_int_equal(gss_encapsulate_token(&body, &krb5, &token), GSS_S_COMPLETE);
	assert_int_equal(token.length, 17);
	assert_memory_equal(token.value, "\x60\x0f\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02" "body", 17);
	assert_int_equal(gss_decapsulate_token(&token, &krb5, &back), GSS_S_COMPLETE);
	assert_int_equal(back.length, 4);
	assert_memory_equal(back.value, "body", 4);
	gss_release_buffer(&minor, &back);
	assert_int_equal(gss_decapsulate_token(&token, &wrong_krb5, &back), GSS_S_DEFECTIVE_TOKEN);
	token.length--;
	assert_int_equal(gss_decapsulate_token(&token, &krb5, &back), GSS_S_DEFECTIVE_TOKEN);
	assert_null(back.value);
	gss_release_buffer(&minor, &token);
}

static void
buffers(void **state)
{
	gss_buffer_desc member = {6, (void *)(uintptr_t) "secret"}, empty = GSS_C_EMPTY_BUFFER;
	gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
	OM_uint32 minor;

	assert_int_equal(gss_add_buffer_set_member(&minor, &member, &set), GSS_S_COMPLETE);
	assert_int_equal(gss_add_buffer_set_member(&minor, &empty, &set), GSS_S_COMPLETE);
	assert_int_equal(set->count, 2);
	assert_int_equal(set->elements[0].length, 6);
	assert_memory_equal(set->elements[0].value, "secret", 6);
	assert_int_equal(set->elements[1].length, 0);
	failing_watch("secret", 6);
	assert_int_equal(gss_release_buffer_set(&minor, &set), GSS_S_COMPLETE);
	assert_false(failing_spilled());
	failing_watch(NULL, 0);
	assert_null(set);
	assert_int_equal(gss_release_buffer_set(&minor, &set), GSS_S_COMPLETE);
	assert_int_equal(gss_release_buffer(&minor, &empty), GSS_S_COMPLETE);
	assert_int_equal(gss_release_buffer(NULL, &empty), GSS_S_COMPLETE);
	assert_int_equal(failing_live(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_both_ways), cmocka_unit_test(nonsense),   cmocka_unit_test(static_ones_stay),
		cmocka_unit_test(sets),           cmocka_unit_test(mechanisms), cmocka_unit_test(attributes),
		cmocka_unit_test(sasl),           cmocka_unit_test(framing),    cmocka_unit_test(buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
