/*
 * What is known of names beside their text: types they are shown as, accounts, attributes, and whom the attributes are from.
 */
#include <errno.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "fake_mech.h"
#include "gss/handle.h"

static gss_OID_desc krb5 = {9, (void *)(uintptr_t) "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
static gss_OID_desc strange_type = {4, (void *)(uintptr_t) "\x2a\x03\x04\x05"};
extern const gss_OID gss_nt_krb5_name;

static gss_buffer_desc
bytes(const char *text)
{
	return (gss_buffer_desc){strlen(text), (void *)(uintptr_t)text};
}

static gss_name_t
import(const char *text, gss_OID type)
{
	gss_buffer_desc buffer = bytes(text);
	gss_name_t name = NULL;
	OM_uint32 minor;

	assert_int_equal(gss_import_name(&minor, &buffer, type, &name), GSS_S_COMPLETE);
	return name;
}

static gss_name_t
mn(const char *text, gss_OID type)
{
	gss_name_t name = import(text, type), canonical;
	OM_uint32 minor;

	assert_int_equal(gss_canonicalize_name(&minor, name, &krb5, &canonical), GSS_S_COMPLETE);
	gss_release_name(&minor, &name);
	return canonical;
}

static OM_uint32
show(gss_name_t name, gss_OID type, const char *expected)
{
	gss_buffer_desc shown;
	OM_uint32 minor, major = gss_display_name_ext(&minor, name, type, &shown);

	if (major == GSS_S_COMPLETE)
		assert_string_equal(shown.value, expected);
	gss_release_buffer(&minor, &shown);
	return major;
}

static void
types_shown_as(void **state)
{
	gss_name_t name = import("host@a", GSS_C_NT_HOSTBASED_SERVICE), strange = import("x", &strange_type);
	gss_name_t untyped = import("x", GSS_C_NO_OID), canonical = mn("host@a", GSS_C_NT_HOSTBASED_SERVICE), copy;
	OM_uint32 minor;

	assert_int_equal(show(name, GSS_C_NT_HOSTBASED_SERVICE, "host@a"), GSS_S_COMPLETE);
	assert_int_equal(show(name, GSS_C_NT_USER_NAME, NULL), GSS_S_UNAVAILABLE);
	assert_int_equal(show(strange, &strange_type, "x"), GSS_S_COMPLETE);
	assert_int_equal(show(untyped, GSS_C_NT_USER_NAME, NULL), GSS_S_UNAVAILABLE);
	/* A mechanism name as what it is, and as what it was. */
	assert_int_equal(gss_duplicate_name(&minor, canonical, &copy), GSS_S_COMPLETE);
	for (int i = 0; i < 2; i++) {
		gss_name_t one = i == 0 ? canonical : copy;

		assert_int_equal(show(one, gss_nt_krb5_name, "host/a"), GSS_S_COMPLETE);
		assert_int_equal(show(one, GSS_C_NT_HOSTBASED_SERVICE, "host/a"), GSS_S_COMPLETE);
		assert_int_equal(show(one, GSS_C_NT_USER_NAME, NULL), GSS_S_UNAVAILABLE);
	}
	gss_release_name(&minor, &name);
	gss_release_name(&minor, &strange);
	gss_release_name(&minor, &untyped);
	gss_release_name(&minor, &canonical);
	gss_release_name(&minor, &copy);
}

static void
only_mechanism_names_have_attributes(void **state)
{
	gss_name_t name = import("alice", GSS_C_NT_USER_NAME);
	gss_buffer_desc colour = bytes("colour"), out;
	gss_buffer_set_t attrs;
	int is_mn, more = -1;
	OM_uint32 minor;
	gss_any_t any;
	gss_OID mech;

	assert_int_equal(gss_inquire_name(&minor, name, &is_mn, &mech, &attrs), GSS_S_COMPLETE);
	assert_true(is_mn == 0 && mech == GSS_C_NO_OID && attrs == GSS_C_NO_BUFFER_SET);
	assert_int_equal(gss_get_name_attribute(&minor, name, &colour, NULL, NULL, &out, NULL, &more), GSS_S_UNAVAILABLE);
	assert_int_equal(gss_set_name_attribute(&minor, name, 1, &colour, &colour), GSS_S_UNAVAILABLE);
	assert_int_equal(gss_delete_name_attribute(&minor, name, &colour), GSS_S_UNAVAILABLE);
	assert_int_equal(gss_export_name_composite(&minor, name, &out), GSS_S_UNAVAILABLE);
	assert_int_equal(gss_map_name_to_any(&minor, name, 0, &colour, &any), GSS_S_UNAVAILABLE);
	gss_release_name(&minor, &name);
}

static void
values(void **state)
{
	gss_name_t name = mn("alice", GSS_C_NT_USER_NAME);
	gss_buffer_desc colour = bytes("colour"), smell = bytes("smell"), value;
	int authenticated = -1, complete = -1, more = -1, is_mn;
	gss_buffer_set_t attrs;
	OM_uint32 minor;
	gss_OID mech;

	assert_int_equal(gss_inquire_name(&minor, name, &is_mn, &mech, &attrs), GSS_S_COMPLETE);
	assert_true(is_mn == 1 && gss_oid_equal(mech, &krb5));
	assert_int_equal(attrs->count, 1);
	assert_memory_equal(attrs->elements[0].value, "colour", 6);
	gss_release_buffer_set(&minor, &attrs);
	assert_int_equal(gss_get_name_attribute(&minor, name, &colour, &authenticated, &complete, &value, NULL, &more),
			 GSS_S_COMPLETE);
	assert_true(authenticated == 0 && complete == 1 && more == 1);
	assert_memory_equal(value.value, "red", 3);
	gss_release_buffer(&minor, &value);
	/* Nobody has to look at a value. */
	assert_int_equal(gss_get_name_attribute(&minor, name, &colour, NULL, NULL, NULL, NULL, &more), GSS_S_COMPLETE);
	assert_int_equal(more, 0);
	more = -1;
	assert_int_equal(gss_get_name_attribute(&minor, name, &smell, NULL, NULL, &value, NULL, &more), GSS_S_UNAVAILABLE);
	assert_int_equal(minor, ENOENT);
	assert_int_equal(more, 0);
	/* There to be read. */
	assert_int_equal(gss_set_name_attribute(&minor, name, 1, &colour, &smell), GSS_S_UNAVAILABLE);
	assert_int_equal(minor, EPERM);
	assert_int_equal(gss_set_name_attribute(&minor, name, 1, &smell, &smell), GSS_S_UNAVAILABLE);
	assert_int_equal(minor, ENOENT);
	assert_int_equal(gss_delete_name_attribute(&minor, name, &colour), GSS_S_UNAVAILABLE);
	assert_int_equal(minor, EPERM);
	gss_release_name(&minor, &name);
}

/* A name that somebody vouches for, as an acceptor gets it. */
static gss_name_t
vouched(void)
{
	gss_name_t plain = mn("alice", GSS_C_NT_USER_NAME), name;
	struct bt_mn *with = bt_mn_with_attributes(plain->mn, bt_bytes_of("word", 4), true);
	OM_uint32 minor;

	assert_non_null(with);
	name = bt_name_of_mn(plain->mech, with);
	assert_non_null(name);
	bt_mn_free(with);
	gss_release_name(&minor, &plain);
	return name;
}

static int
is_authenticated(gss_name_t name)
{
	gss_buffer_desc colour = bytes("colour");
	int authenticated = -1, more = -1;
	OM_uint32 minor;

	assert_int_equal(gss_get_name_attribute(&minor, name, &colour, &authenticated, NULL, NULL, NULL, &more),
			 GSS_S_COMPLETE);
	return authenticated;
}

static OM_uint32
map(gss_name_t name, int authenticated)
{
	gss_buffer_desc thing = bytes("thing");
	gss_any_t any;
	OM_uint32 minor, major = gss_map_name_to_any(&minor, name, authenticated, &thing, &any);

	assert_int_equal(any != NULL, major == GSS_S_COMPLETE);
	if (any != NULL)
		assert_int_equal(gss_release_any_name_mapping(&minor, name, &thing, &any), GSS_S_COMPLETE);
	return major;
}

/* Whoever brings an exported name may have written it himself. */
static void
nobody_vouches_for_what_was_imported(void **state)
{
	gss_name_t name = vouched(), copy, back;
	gss_buffer_desc exported, again;
	OM_uint32 minor;

	assert_int_equal(gss_duplicate_name(&minor, name, &copy), GSS_S_COMPLETE);
	assert_int_equal(is_authenticated(copy), 1);
	assert_int_equal(map(copy, 1), GSS_S_COMPLETE);
	assert_int_equal(gss_export_name_composite(&minor, name, &exported), GSS_S_COMPLETE);
	for (int i = 0; i < 2; i++) {
		gss_OID type = i == 0 ? GSS_C_NT_COMPOSITE_EXPORT : GSS_C_NT_EXPORT_NAME;

		assert_int_equal(gss_import_name(&minor, &exported, type, &back), GSS_S_COMPLETE);
		assert_int_equal(is_authenticated(back), 0);
		assert_int_equal(map(back, 1), GSS_S_UNAVAILABLE);
		assert_int_equal(map(back, 0), GSS_S_COMPLETE);
		/* The same bytes go out again. */
		assert_int_equal(gss_export_name_composite(&minor, back, &again), GSS_S_COMPLETE);
		assert_int_equal(again.length, exported.length);
		assert_memory_equal(again.value, exported.value, again.length);
		gss_release_buffer(&minor, &again);
		gss_release_name(&minor, &back);
	}
	/* A plain export leaves them behind. */
	gss_release_buffer(&minor, &exported);
	assert_int_equal(gss_export_name(&minor, copy, &exported), GSS_S_COMPLETE);
	assert_int_equal(gss_import_name(&minor, &exported, GSS_C_NT_EXPORT_NAME, &back), GSS_S_COMPLETE);
	assert_int_equal(back->mn->attributes.len, 0);
	gss_release_buffer(&minor, &exported);
	gss_release_name(&minor, &back);
	gss_release_name(&minor, &copy);
	gss_release_name(&minor, &name);
}

static void
accounts(void **state)
{
	gss_name_t name = mn("alice", GSS_C_NT_USER_NAME), root = import("root", GSS_C_NT_USER_NAME);
	gss_name_t daemon = import("daemon", GSS_C_NO_OID), service = import("root@a", GSS_C_NT_HOSTBASED_SERVICE);
	gss_buffer_desc cut = {6, (void *)(uintptr_t) "root\0x"}, text;
	gss_name_t cut_name;
	uid_t uid = 4711;
	OM_uint32 minor;

	assert_int_equal(gss_localname(&minor, name, &krb5, &text), GSS_S_COMPLETE);
	assert_string_equal(text.value, "root");
	gss_release_buffer(&minor, &text);
	assert_int_equal(gss_localname(&minor, daemon, GSS_C_NO_OID, &text), GSS_S_COMPLETE);
	gss_release_buffer(&minor, &text);
	assert_int_equal(gss_localname(&minor, name, &strange_type, &text), GSS_S_BAD_MECH);
	assert_int_equal(gss_pname_to_uid(&minor, name, GSS_C_NO_OID, &uid), GSS_S_COMPLETE);
	assert_int_equal(uid, 0);
	/* What was there stays where there is no answer: 0 would be one. */
	uid = 4711;
	assert_int_equal(gss_pname_to_uid(&minor, name, &strange_type, &uid), GSS_S_BAD_MECH);
	assert_int_equal(uid, 4711);

	assert_int_equal(gss_authorize_localname(&minor, name, root), GSS_S_COMPLETE);
	assert_int_equal(gss_authorize_localname(&minor, name, daemon), GSS_S_UNAUTHORIZED);
	assert_int_equal(gss_authorize_localname(&minor, name, service), GSS_S_BAD_NAMETYPE);
	assert_int_equal(gss_authorize_localname(&minor, name, name), GSS_S_BAD_NAME);
	assert_int_equal(gss_authorize_localname(&minor, root, root), GSS_S_UNAVAILABLE);
	/* A name that C would read as another one. */
	assert_int_equal(gss_import_name(&minor, &cut, GSS_C_NT_USER_NAME, &cut_name), GSS_S_COMPLETE);
	assert_int_equal(gss_authorize_localname(&minor, name, cut_name), GSS_S_UNAUTHORIZED);
	gss_release_name(&minor, &name);
	gss_release_name(&minor, &root);
	gss_release_name(&minor, &daemon);
	gss_release_name(&minor, &service);
	gss_release_name(&minor, &cut_name);
}

/* A mechanism that knows none of this. */
static void
mechanisms_without(void **state)
{
	gss_name_t name = mn("root", GSS_C_NT_USER_NAME), root = import("root", GSS_C_NT_USER_NAME);
	gss_name_t daemon = import("daemon", GSS_C_NT_USER_NAME);
	struct bt_mech bare = bt_mech_krb5;
	gss_buffer_desc colour = bytes("colour"), out;
	gss_buffer_set_t attrs;
	int more = -1, is_mn;
	OM_uint32 minor;
	gss_any_t any;

	bare.name_account = NULL;
	bare.name_may_use = NULL;
	bare.name_attributes = NULL;
	bare.name_attribute = NULL;
	bare.name_map = NULL;
	bare.name_unmap = NULL;
	name->mech = &bare;
	assert_int_equal(gss_localname(&minor, name, GSS_C_NO_OID, &out), GSS_S_UNAVAILABLE);
	/* Then a name may use the account of the same name. */
	assert_int_equal(gss_authorize_localname(&minor, name, root), GSS_S_COMPLETE);
	assert_int_equal(gss_authorize_localname(&minor, name, daemon), GSS_S_UNAUTHORIZED);
	bare.authenticates_nobody = true;
	assert_int_equal(gss_authorize_localname(&minor, name, root), GSS_S_UNAUTHORIZED);
	assert_int_equal(gss_inquire_name(&minor, name, &is_mn, NULL, &attrs), GSS_S_COMPLETE);
	assert_true(is_mn == 1 && attrs == GSS_C_NO_BUFFER_SET);
	assert_int_equal(gss_get_name_attribute(&minor, name, &colour, NULL, NULL, &out, NULL, &more), GSS_S_UNAVAILABLE);
	assert_int_equal(gss_set_name_attribute(&minor, name, 1, &colour, &colour), GSS_S_UNAVAILABLE);
	assert_int_equal(gss_map_name_to_any(&minor, name, 0, &colour, &any), GSS_S_UNAVAILABLE);
	assert_int_equal(gss_export_name_composite(&minor, name, &out), GSS_S_COMPLETE);
	gss_release_buffer(&minor, &out);
	gss_release_name(&minor, &name);
	gss_release_name(&minor, &root);
	gss_release_name(&minor, &daemon);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(types_shown_as), cmocka_unit_test(only_mechanism_names_have_attributes),
	    cmocka_unit_test(values),	      cmocka_unit_test(nobody_vouches_for_what_was_imported),
	    cmocka_unit_test(accounts),	      cmocka_unit_test(mechanisms_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
