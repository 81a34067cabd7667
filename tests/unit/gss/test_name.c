/*
 * Names as programs hold them: general ones, mechanism names, exported ones, anonymous ones.
 */
#include <gssapi/gssapi_ext.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "failing.h"
#include "fake_mech.h"

static gss_OID_desc krb5 = {9, (void *)(uintptr_t) "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
static gss_OID_desc spnego = {6, (void *)(uintptr_t) "\x2b\x06\x01\x05\x05\x02"};
static gss_OID_desc strange_type = {4, (void *)(uintptr_t) "\x2a\x03\x04\x05"};
extern const gss_OID gss_nt_krb5_name;

static gss_name_t
import(const char *text, gss_OID type)
{
	gss_buffer_desc buffer = {strlen(text), (void *)(uintptr_t)text};
	gss_name_t name = NULL;
	OM_uint32 minor;

	assert_int_equal(gss_import_name(&minor, &buffer, type, &name), GSS_S_COMPLETE);
	return name;
}

static gss_name_t
canonical(gss_name_t name)
{
	gss_name_t mn = NULL;
	OM_uint32 minor;

	assert_int_equal(gss_canonicalize_name(&minor, name, &krb5, &mn), GSS_S_COMPLETE);
	return mn;
}

static bool
equal(gss_name_t a, gss_name_t b)
{
	OM_uint32 minor;
	int one, two;

	assert_int_equal(gss_compare_name(&minor, a, b, &one), GSS_S_COMPLETE);
	assert_int_equal(gss_compare_name(&minor, b, a, &two), GSS_S_COMPLETE);
	assert_int_equal(one, two);
	return one;
}

static void
shows(gss_name_t name, const char *text, gss_OID type)
{
	gss_buffer_desc shown;
	OM_uint32 minor;
	gss_OID shown_type;

	assert_int_equal(gss_display_name(&minor, name, &shown, &shown_type), GSS_S_COMPLETE);
	assert_int_equal(shown.length, strlen(text));
	assert_string_equal(shown.value, text);
	if (type == GSS_C_NO_OID)
		assert_null(shown_type);
	else
		assert_true(gss_oid_equal(shown_type, type));
	gss_release_buffer(&minor, &shown);
}

static void
release(gss_name_t name)
{
	OM_uint32 minor;

	assert_int_equal(gss_release_name(&minor, &name), GSS_S_COMPLETE);
	assert_null(name);
}

static void
display(void **state)
{
	gss_name_t service = import("host@server", GSS_C_NT_HOSTBASED_SERVICE), mn = canonical(service);
	gss_name_t user = import("bob", GSS_C_NO_OID), strange = import("x", &strange_type);

	shows(service, "host@server", GSS_C_NT_HOSTBASED_SERVICE);
	shows(mn, "host/server", gss_nt_krb5_name);
	shows(user, "bob", GSS_C_NO_OID);
	/* A type nobody has heard of is kept, in the name's own memory. */
	shows(strange, "x", &strange_type);
	release(service);
	release(mn);
	release(user);
	release(strange);
	assert_int_equal(failing_live(), 0);
}

static void
compare(void **state)
{
	gss_name_t service = import("host@server", GSS_C_NT_HOSTBASED_SERVICE);
	gss_name_t same = import("host@server", GSS_C_NT_HOSTBASED_SERVICE);
	gss_name_t as_user = import("host@server", GSS_C_NT_USER_NAME), untyped = import("host@server", GSS_C_NO_OID);
	gss_name_t mn = canonical(service), principal = import("host/server", gss_nt_krb5_name),
		   bad = import("bad", GSS_C_NO_OID);

	assert_true(equal(service, service));
	assert_true(equal(service, same));
	assert_false(equal(service, as_user));
	assert_false(equal(service, untyped));
	assert_true(equal(mn, service));
	assert_true(equal(mn, principal));
	assert_false(equal(mn, untyped));
	/* Until a mechanism looks, texts of two types are two names. */
	assert_false(equal(service, principal));
	assert_false(equal(mn, bad));
	release(service);
	release(same);
	release(as_user);
	release(untyped);
	release(mn);
	release(principal);
	release(bad);
}

static void
anonymous(void **state)
{
	gss_buffer_desc nothing = GSS_C_EMPTY_BUFFER;
	gss_name_t name, mn, other = import("bob", GSS_C_NO_OID), other_mn = canonical(other);
	OM_uint32 minor;

	assert_int_equal(gss_import_name(&minor, GSS_C_NO_BUFFER, GSS_C_NT_ANONYMOUS, &name), GSS_S_COMPLETE);
	release(name);
	assert_int_equal(gss_import_name(&minor, &nothing, GSS_C_NT_ANONYMOUS, &name), GSS_S_COMPLETE);
	shows(name, "", GSS_C_NT_ANONYMOUS);
	mn = canonical(name);
	shows(mn, "ANONYMOUS", GSS_C_NT_ANONYMOUS);
	/* The same as nobody, not even as itself. */
	assert_false(equal(name, name));
	assert_false(equal(mn, mn));
	assert_false(equal(mn, other_mn));
	release(name);
	release(mn);
	release(other);
	release(other_mn);
}

static void
export_and_back(void **state)
{
	static const uint8_t form[] = "\x04\x01\x00\x0b\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x00\x00\x00\x0bhost/server";
	gss_name_t service = import("host@server", GSS_C_NT_HOSTBASED_SERVICE), mn = canonical(service), back;
	gss_buffer_desc token;
	OM_uint32 minor;

	assert_int_equal(gss_export_name(&minor, service, &token), GSS_S_NAME_NOT_MN);
	assert_null(token.value);
	assert_int_equal(gss_export_name(&minor, mn, &token), GSS_S_COMPLETE);
	assert_int_equal(token.length, sizeof form - 1);
	assert_memory_equal(token.value, form, token.length);
	assert_int_equal(gss_import_name(&minor, &token, GSS_C_NT_EXPORT_NAME, &back), GSS_S_COMPLETE);
	assert_true(equal(back, mn));
	shows(back, "host/server", gss_nt_krb5_name);
	release(back);
	for (size_t len = 1; len < token.length; len++) {
		gss_buffer_desc shorter = {len, token.value};

		assert_int_equal(gss_import_name(&minor, &shorter, GSS_C_NT_EXPORT_NAME, &back), GSS_S_BAD_NAME);
		assert_null(back);
	}
	((uint8_t *)token.value)[8] ^= 1;
	assert_int_equal(gss_import_name(&minor, &token, GSS_C_NT_EXPORT_NAME, &back), GSS_S_BAD_MECH);
	gss_release_buffer(&minor, &token);
	release(service);
	release(mn);
}

static void
duplicate(void **state)
{
	gss_name_t names[] = {import("host@server", GSS_C_NT_HOSTBASED_SERVICE), import("x", &strange_type), NULL}, copy;
	OM_uint32 minor;

	names[2] = canonical(names[0]);
	for (size_t i = 0; i < 3; i++) {
		gss_name_t original = names[i];

		assert_int_equal(gss_duplicate_name(&minor, original, &copy), GSS_S_COMPLETE);
		assert_true(equal(copy, original));
		release(original);
		/* The copy stands alone. */
		if (i == 1)
			shows(copy, "x", &strange_type);
		assert_true(equal(copy, copy));
		release(copy);
	}
	assert_int_equal(failing_live(), 0);
}

static void
canonicalize(void **state)
{
	gss_name_t bad = import("bad", GSS_C_NT_USER_NAME), strange = import("x", &strange_type), mn = NULL;
	OM_uint32 minor;

	assert_int_equal(gss_canonicalize_name(&minor, bad, &krb5, &mn), GSS_S_BAD_NAME);
	assert_null(mn);
	assert_int_equal(gss_canonicalize_name(&minor, strange, &krb5, &mn), GSS_S_BAD_NAMETYPE);
	assert_int_equal(gss_canonicalize_name(&minor, bad, &strange_type, &mn), GSS_S_BAD_MECH);
	release(bad);
	release(strange);
}

static void
mechanisms(void **state)
{
	gss_name_t user = import("bob", GSS_C_NT_USER_NAME), untyped = import("bob", GSS_C_NO_OID);
	gss_name_t strange = import("x", &strange_type);
	const struct {
		gss_name_t name;
		size_t count;
	} rows[] = {{user, 2}, {untyped, 3}, {strange, 0}, {canonical(user), 2}};

	for (size_t i = 0; i < 4; i++) {
		gss_OID_set mechs;
		OM_uint32 minor;

		assert_int_equal(gss_inquire_mechs_for_name(&minor, rows[i].name, &mechs), GSS_S_COMPLETE);
		assert_int_equal(mechs->count, rows[i].count);
		gss_release_oid_set(&minor, &mechs);
		release(rows[i].name);
	}
}

static void
becomes_canonical(void **state)
{
	gss_name_t name = import("alice", GSS_C_NT_USER_NAME), other = canonical(name);
	gss_buffer_desc exported;
	OM_uint32 minor;

	assert_int_equal(gss_export_name(&minor, name, &exported), GSS_S_NAME_NOT_MN);
	assert_int_equal(gss_canonicalize_name(&minor, name, &strange_type, NULL), GSS_S_BAD_MECH);
	assert_int_equal(gss_export_name(&minor, name, &exported), GSS_S_NAME_NOT_MN);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(gss_canonicalize_name(&minor, name, &krb5, NULL), GSS_S_COMPLETE);
		assert_int_equal(gss_export_name(&minor, name, &exported), GSS_S_COMPLETE);
		gss_release_buffer(&minor, &exported);
		assert_true(equal(name, other));
	}
	release(name);
	release(other);
}

static void
assert_exports(gss_name_t name, const char *want, size_t want_len)
{
	gss_buffer_desc exported;
	OM_uint32 minor;

	assert_int_equal(gss_export_name(&minor, name, &exported), GSS_S_COMPLETE);
	assert_int_equal(exported.length, want_len);
	assert_memory_equal(exported.value, want, want_len);
	gss_release_buffer(&minor, &exported);
}

/* A negotiation's names are what the program said, under its own OID. The bytes are what MIT's library exports. */
static void
negotiated(void **state)
{
	static const char want[] = "\x04\x01\x00\x08\x06\x06\x2b\x06\x01\x05\x05\x02\x00\x00\x00\x03xyz";
	gss_name_t names[4] = {import("xyz", GSS_C_NT_USER_NAME)}, principal;
	gss_buffer_desc exported = {sizeof want - 1, (void *)(uintptr_t)want};
	OM_uint32 minor;
	gss_OID mech;
	int is_mn;

	assert_int_equal(gss_canonicalize_name(&minor, names[0], &spnego, &names[1]), GSS_S_COMPLETE);
	assert_int_equal(gss_duplicate_name(&minor, names[1], &names[2]), GSS_S_COMPLETE);
	shows(names[2], "xyz", GSS_C_NT_USER_NAME);
	assert_int_equal(gss_export_name(&minor, names[0], &(gss_buffer_desc){0}), GSS_S_NAME_NOT_MN);
	assert_int_equal(gss_canonicalize_name(&minor, names[0], &spnego, NULL), GSS_S_COMPLETE);
	assert_int_equal(gss_import_name(&minor, &exported, GSS_C_NT_EXPORT_NAME, &names[3]), GSS_S_COMPLETE);
	principal = canonical(names[0]);
	for (int i = 0; i < 4; i++) {
		assert_exports(names[i], want, sizeof want - 1);
		assert_int_equal(gss_inquire_name(&minor, names[i], &is_mn, &mech, NULL), GSS_S_COMPLETE);
		assert_true(is_mn && gss_oid_equal(mech, &spnego));
		/* What it comes out at reads the text. */
		assert_true(equal(names[i], principal));
		release(names[i]);
	}
	/* Of a name that has only a mechanism's form there is nothing to be kept beside another's. */
	assert_int_equal(gss_canonicalize_name(&minor, principal, &spnego, NULL), GSS_S_UNAVAILABLE);
	assert_int_equal(gss_canonicalize_name(&minor, principal, &spnego, &names[0]), GSS_S_COMPLETE);
	assert_true(equal(names[0], principal));
	release(names[0]);
	release(principal);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(negotiated),
	    cmocka_unit_test(becomes_canonical),
		cmocka_unit_test(display),         cmocka_unit_test(compare),   cmocka_unit_test(anonymous),
		cmocka_unit_test(export_and_back), cmocka_unit_test(duplicate), cmocka_unit_test(canonicalize),
		cmocka_unit_test(mechanisms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
