/* What a program says to a loaded mechanism arrives there, each thing in its place. */
#include <dlfcn.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "witness.h"
#include "support/scratch.h"

static char config[] = "/dev/shm/baton-test.XXXXXX";
static const char *library;
static gss_OID_desc mech = {4, (void *)(uintptr_t) "\x2a\x03\x04\x06"}; /* 1.2.3.4.6 */
static gss_OID_set_desc mechs = {1, &mech};

static struct witness *
said(void)
{
	void *handle = dlopen(library, RTLD_NOW | RTLD_NOLOAD), *symbol;

	assert_non_null(handle);
	assert_non_null(symbol = dlsym(handle, "witness"));
	dlclose(handle);
	return symbol;
}

static gss_name_t
name_of(gss_OID wanted)
{
	gss_buffer_desc text = {8, (void *)(uintptr_t) "somebody"};
	gss_name_t name, mn;
	OM_uint32 minor;

	assert_int_equal(gss_import_name(&minor, &text, GSS_C_NT_USER_NAME, &name), GSS_S_COMPLETE);
	if (wanted == GSS_C_NO_OID)
		return name;
	assert_int_equal(gss_canonicalize_name(&minor, name, wanted, &mn), GSS_S_COMPLETE);
	gss_release_name(&minor, &name);
	return mn;
}

static void
legs(void **state)
{
	struct gss_channel_bindings_struct bindings = {
		.initiator_addrtype = 3,
		.acceptor_addrtype = 4,
		.acceptor_address = {4, (void *)(uintptr_t) "here"},
		.application_data = {7, (void *)(uintptr_t) "channel"},
	};
	gss_ctx_id_t i = GSS_C_NO_CONTEXT, a = GSS_C_NO_CONTEXT;
	gss_cred_id_t cred, delegated;
	gss_name_t target = name_of(GSS_C_NO_OID), src;
	gss_buffer_desc token, none;
	OM_uint32 minor, flags;

	for (int bound = 0; bound < 2; bound++) {
		gss_channel_bindings_t channel = bound ? &bindings : GSS_C_NO_CHANNEL_BINDINGS;

		assert_int_equal(gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, &mechs, GSS_C_BOTH, &cred, NULL, NULL), GSS_S_COMPLETE);
		assert_int_equal(gss_init_sec_context(&minor, cred, &i, target, &mech, GSS_C_MUTUAL_FLAG | GSS_C_CONF_FLAG, 77, channel,
						      GSS_C_NO_BUFFER, NULL, &token, NULL, NULL),
				 GSS_S_COMPLETE);
		assert_int_equal(said()->flags, GSS_C_MUTUAL_FLAG | GSS_C_CONF_FLAG);
		assert_int_equal(said()->lifetime, 77);
		assert_true(said()->had_cred);
		assert_int_equal(said()->has_bindings, bound);
		if (bound) {
			assert_int_equal(said()->initiator_addrtype, 3);
			assert_int_equal(said()->acceptor_addrtype, 4);
			assert_string_equal(said()->bindings, "channel");
			assert_string_equal(said()->address, "here");
		}
		memset(said(), 0, sizeof *said());
		assert_int_equal(gss_accept_sec_context(&minor, &a, cred, &token, channel, &src, NULL, &none, &flags, NULL, &delegated),
				 GSS_S_COMPLETE);
		assert_true(said()->had_cred);
		assert_int_equal(said()->has_bindings, bound);
		if (bound) {
			assert_int_equal(said()->acceptor_addrtype, 4);
			assert_string_equal(said()->bindings, "channel");
		}
		assert_true((flags & GSS_C_DELEG_FLAG) != 0 && src != GSS_C_NO_NAME && delegated != GSS_C_NO_CREDENTIAL);
		gss_release_cred(&minor, &delegated);
		gss_release_cred(&minor, &cred);
		gss_release_name(&minor, &src);
		gss_release_buffer(&minor, &token);
		gss_delete_sec_context(&minor, &i, GSS_C_NO_BUFFER);
		gss_delete_sec_context(&minor, &a, GSS_C_NO_BUFFER);
	}
	gss_release_name(&minor, &target);
}

static void
stores(void **state)
{
	gss_key_value_element_desc from = {"ccache", "there"}, to = {"ccache", "elsewhere"};
	gss_key_value_set_desc from_set = {1, &from}, to_set = {1, &to};
	gss_cred_id_t cred;
	OM_uint32 minor;

	assert_int_equal(gss_acquire_cred_from(&minor, GSS_C_NO_NAME, 0, &mechs, GSS_C_INITIATE, &from_set, &cred, NULL, NULL),
			 GSS_S_COMPLETE);
	assert_int_equal(said()->usage, GSS_C_INITIATE);
	assert_string_equal(said()->key, "ccache");
	assert_string_equal(said()->value, "there");
	for (int which = 0; which < 2; which++) {
		assert_int_equal(gss_store_cred_into(&minor, cred, GSS_C_INITIATE, &mech, which == 0, which == 1, &to_set, NULL, NULL),
				 GSS_S_COMPLETE);
		assert_int_equal(said()->stored_usage, GSS_C_INITIATE);
		assert_int_equal(said()->overwrites, which == 0);
		assert_int_equal(said()->becomes_default, which == 1);
		assert_string_equal(said()->stored_key, "ccache");
		assert_string_equal(said()->stored_value, "elsewhere");
	}
	gss_release_cred(&minor, &cred);
}

/* Only a yes is a yes. */
static void
accounts(void **state)
{
	static const OM_uint32 answers[] = {GSS_S_UNAUTHORIZED, GSS_S_UNAVAILABLE, GSS_S_FAILURE, GSS_S_CONTINUE_NEEDED,
					    GSS_S_BAD_NAME, GSS_S_OLD_TOKEN};
	gss_name_t name = name_of(&mech);
	OM_uint32 minor;

	said()->answer = GSS_S_COMPLETE;
	assert_int_equal(gss_userok(name, "root"), 1);
	assert_string_equal(said()->account, "root");
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		said()->answer = answers[i];
		assert_int_equal(gss_userok(name, "somebody"), 0);
	}
	gss_release_name(&minor, &name);
}

static gss_buffer_desc
text_of(const char *text)
{
	return (gss_buffer_desc){strlen(text), (void *)(uintptr_t)text};
}

/* What the library has set with this handle's name. */
static void
is_set(gss_name_t name, const char *expected)
{
	gss_buffer_desc attribute = text_of("colour"), value, shown;
	int more = -1;
	OM_uint32 minor;

	assert_int_equal(gss_get_name_attribute(&minor, name, &attribute, NULL, NULL, &value, &shown, &more), GSS_S_COMPLETE);
	assert_int_equal(value.length, strlen(expected));
	assert_memory_equal(value.value, expected, value.length);
	assert_int_equal(shown.length, strlen("for people"));
	gss_release_buffer(&minor, &value);
	gss_release_buffer(&minor, &shown);
}

/* What is set in one handle's name is so in no other's, though they were one name before. */
static void
attributes(void **state)
{
	gss_buffer_desc attribute = text_of("colour"), red = text_of("red"), none = {0, (void *)(uintptr_t) ""}, composite;
	gss_name_t name = name_of(&mech), other, third;
	OM_uint32 minor;

	assert_int_equal(gss_set_name_attribute(&minor, name, 1, &attribute, &red), GSS_S_COMPLETE);
	assert_int_equal(said()->complete, 1);
	assert_string_equal(said()->attribute, "colour");
	assert_string_equal(said()->value_set, "red");
	assert_int_equal(gss_duplicate_name(&minor, name, &other), GSS_S_COMPLETE);
	assert_int_equal(gss_duplicate_name(&minor, other, &third), GSS_S_COMPLETE);
	assert_int_equal(gss_delete_name_attribute(&minor, name, &attribute), GSS_S_COMPLETE);
	is_set(name, "");
	is_set(other, "red");
	assert_int_equal(gss_set_name_attribute(&minor, other, 0, &attribute, &attribute), GSS_S_COMPLETE);
	assert_int_equal(said()->complete, 0);
	is_set(other, "colour");
	is_set(third, "red");
	assert_int_equal(gss_set_name_attribute(&minor, third, 0, &attribute, &none), GSS_S_UNAUTHORIZED);
	is_set(third, "red");
	assert_int_equal(gss_export_name_composite(&minor, other, &composite), GSS_S_COMPLETE);
	assert_int_equal(composite.length, 6);
	gss_release_buffer(&minor, &composite);
	gss_release_name(&minor, &name);
	gss_release_name(&minor, &other);
	gss_release_name(&minor, &third);
	assert_int_equal(said()->names, 0);
}

static void
other_forms(void **state)
{
	gss_OID_desc type = {4, (void *)(uintptr_t) "type"};
	gss_buffer_desc id = text_of("kind"), text;
	gss_name_t name = name_of(&mech);
	gss_any_t object;
	OM_uint32 minor;

	assert_int_equal(gss_display_name_ext(&minor, name, &type, &text), GSS_S_COMPLETE);
	assert_int_equal(text.length, strlen("in another way"));
	assert_string_equal(said()->type, "type");
	gss_release_buffer(&minor, &text);
	for (int authenticated = 0; authenticated < 2; authenticated++) {
		assert_int_equal(gss_map_name_to_any(&minor, name, authenticated, &id, &object), GSS_S_COMPLETE);
		assert_int_equal(said()->authenticated, authenticated);
		assert_string_equal(said()->type, "kind");
		assert_ptr_equal(object, said()->object);
		assert_int_equal(gss_release_any_name_mapping(&minor, name, &id, &object), GSS_S_COMPLETE);
		assert_null(object);
		assert_null(said()->object);
	}
	gss_release_name(&minor, &name);
}

/* The library has no rule, or says no: what it vouches for counts, and what it does not vouch for does not. */
static void
vouched_accounts(void **state)
{
	gss_name_t name = name_of(&mech);
	gss_buffer_desc account;
	OM_uint32 minor;

	said()->answer = GSS_S_UNAUTHORIZED;
	strcpy(said()->vouched, "AbC");
	assert_int_equal(gss_userok(name, "A"), 1);
	assert_int_equal(gss_userok(name, "b"), 0);
	assert_int_equal(gss_userok(name, "C"), 1);
	assert_int_equal(gss_userok(name, ""), 0);
	assert_int_equal(gss_localname(&minor, name, GSS_C_NO_OID, &account), GSS_S_COMPLETE);
	assert_int_equal(account.length, 1);
	assert_memory_equal(account.value, "A", 1);
	gss_release_buffer(&minor, &account);
	strcpy(said()->vouched, "aB");
	assert_int_equal(gss_localname(&minor, name, GSS_C_NO_OID, &account), GSS_S_UNAVAILABLE);
	assert_int_equal(gss_userok(name, "B"), 1);
	said()->vouched[0] = '\0';
	assert_int_equal(gss_userok(name, "B"), 0);
	gss_release_name(&minor, &name);
}

static int
begin(void **state)
{
	int fd = scratch_file(config);
	gss_OID_set set;
	OM_uint32 minor;

	if (fd < 0 || dprintf(fd, "witness 1.2.3.4.6 %s\n", library) < 0 || close(fd) != 0)
		return -1;
	setenv("GSS_MECH_CONFIG", config, 1);
	return gss_indicate_mechs(&minor, &set) != GSS_S_COMPLETE || gss_release_oid_set(&minor, &set) != GSS_S_COMPLETE;
}

static int
end(void **state)
{
	return unlink(config);
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(legs),
		cmocka_unit_test(stores),
		cmocka_unit_test(accounts),
		cmocka_unit_test(attributes),
		cmocka_unit_test(other_forms),
		cmocka_unit_test(vouched_accounts),
	};

	library = argc == 2 ? realpath(argv[1], NULL) : NULL;
	return library == NULL ? 2 : cmocka_run_group_tests(tests, begin, end);
}
