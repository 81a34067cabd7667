/*
 * A program of the other library's: compiled with its headers and linked to it, run on Baton under its name. Needs a realm
 * around it. Both sides of each conversation are in this one process.
 */
#include <dlfcn.h>
#include <errno.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Declared nowhere. */
krb5_error_code krb5_gss_use_kdc_context(void);

#define SERVICE "host@server.baton.test"

static void
explain(const char *what, OM_uint32 major, OM_uint32 minor)
{
	OM_uint32 context = 0, unused;
	gss_buffer_desc text;

	gss_display_status(&unused, major, GSS_C_GSS_CODE, GSS_C_NO_OID, &context, &text);
	fprintf(stderr, "%s: %08x %.*s", what, major, (int)text.length, (char *)text.value);
	gss_release_buffer(&unused, &text);
	context = 0;
	if (gss_display_status(&unused, minor, GSS_C_MECH_CODE, GSS_C_NO_OID, &context, &text) == GSS_S_COMPLETE)
		fprintf(stderr, ": %.*s", (int)text.length, (char *)text.value);
	gss_release_buffer(&unused, &text);
	fprintf(stderr, "\n");
}

#define CHECK(call) \
	do { \
		OM_uint32 major_ = (call); \
		if (major_ != GSS_S_COMPLETE) \
			explain(#call, major_, minor); \
		assert_int_equal(major_, GSS_S_COMPLETE); \
	} while (0)

#define TEXT(literal) {sizeof(literal) - 1, (void *)(uintptr_t)(literal)}

struct pair {
	gss_ctx_id_t initiator, acceptor;
	gss_name_t client;
	gss_cred_id_t delegated;
	gss_OID mech;
	OM_uint32 flags;
};

static gss_name_t
name_of(const char *text, gss_OID type)
{
	gss_buffer_desc buffer = {strlen(text), (void *)(uintptr_t)text};
	gss_name_t name;
	OM_uint32 minor;

	CHECK(gss_import_name(&minor, &buffer, type, &name));
	return name;
}

static void
establish(struct pair *pair, OM_uint32 req_flags)
{
	gss_name_t target = name_of(SERVICE, GSS_C_NT_HOSTBASED_SERVICE);
	gss_buffer_desc to_acceptor = GSS_C_EMPTY_BUFFER, to_initiator = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor, major, unused, accepted = GSS_S_CONTINUE_NEEDED;

	memset(pair, 0, sizeof *pair);
	do {
		major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &pair->initiator, target, GSS_C_NO_OID, req_flags, 0,
					     GSS_C_NO_CHANNEL_BINDINGS, &to_initiator, &pair->mech, &to_acceptor, &pair->flags,
					     NULL);
		if (GSS_ERROR(major))
			explain("init", major, minor);
		assert_false(GSS_ERROR(major));
		gss_release_buffer(&unused, &to_initiator);
		if (to_acceptor.length != 0) {
			accepted = gss_accept_sec_context(&minor, &pair->acceptor, GSS_C_NO_CREDENTIAL, &to_acceptor,
							  GSS_C_NO_CHANNEL_BINDINGS, &pair->client, NULL, &to_initiator, NULL,
							  NULL, &pair->delegated);
			if (GSS_ERROR(accepted))
				explain("accept", accepted, minor);
			assert_false(GSS_ERROR(accepted));
			gss_release_buffer(&unused, &to_acceptor);
		}
	} while (major == GSS_S_CONTINUE_NEEDED);
	assert_int_equal(accepted, GSS_S_COMPLETE);
	gss_release_name(&unused, &target);
}

static void
finish(struct pair *pair)
{
	OM_uint32 minor;

	CHECK(gss_delete_sec_context(&minor, &pair->initiator, GSS_C_NO_BUFFER));
	CHECK(gss_delete_sec_context(&minor, &pair->acceptor, GSS_C_NO_BUFFER));
	assert_null(pair->initiator);
	gss_release_name(&minor, &pair->client);
	gss_release_cred(&minor, &pair->delegated);
}

static void
talk(gss_ctx_id_t from, gss_ctx_id_t to, int conf)
{
	gss_buffer_desc text = TEXT("hello world"), token, back;
	OM_uint32 minor, limit;
	gss_qop_t qop = 7;
	int state = -1;

	CHECK(gss_wrap(&minor, from, conf, GSS_C_QOP_DEFAULT, &text, &state, &token));
	assert_int_equal(state, conf);
	CHECK(gss_unwrap(&minor, to, &token, &back, &state, &qop));
	assert_int_equal(state, conf);
	assert_int_equal(qop, GSS_C_QOP_DEFAULT);
	assert_int_equal(back.length, text.length);
	assert_memory_equal(back.value, text.value, text.length);
	gss_release_buffer(&minor, &back);
	CHECK(gss_wrap_size_limit(&minor, from, conf, GSS_C_QOP_DEFAULT, (OM_uint32)token.length, &limit));
	assert_int_equal(limit, text.length);
	gss_release_buffer(&minor, &token);
	CHECK(gss_get_mic(&minor, from, GSS_C_QOP_DEFAULT, &text, &token));
	CHECK(gss_verify_mic(&minor, to, &text, &token, &qop));
	gss_release_buffer(&minor, &token);
}

static void
runs_on_baton(void **state)
{
	const char *(*version)(void);

	*(void **)&version = dlsym(RTLD_DEFAULT, "baton_version");
	assert_non_null(version);
	assert_string_equal(version(), BT_VERSION);
}

static void
conversation(void **state)
{
	static const OM_uint32 asked[] = {
		0,
		GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG,
		GSS_C_MUTUAL_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG | GSS_C_DCE_STYLE,
	};

	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
		struct pair pair;

		establish(&pair, asked[i]);
		assert_int_equal(pair.flags & asked[i], asked[i]);
		for (int conf = 0; conf <= 1; conf++) {
			talk(pair.initiator, pair.acceptor, conf);
			talk(pair.acceptor, pair.initiator, conf);
		}
		finish(&pair);
	}
}

static void
names(void **state)
{
	gss_name_t src, targ, alice = name_of("alice@BATON.TEST", GSS_KRB5_NT_PRINCIPAL_NAME), exported;
	gss_buffer_desc text, token;
	struct pair pair;
	OM_uint32 minor, lifetime, flags;
	int local, open, equal;
	gss_OID mech, type;

	establish(&pair, GSS_C_MUTUAL_FLAG);
	CHECK(gss_inquire_context(&minor, pair.initiator, &src, &targ, &lifetime, &mech, &flags, &local, &open));
	assert_true(local && open && lifetime > 0);
	assert_ptr_equal(mech, gss_mech_krb5);
	CHECK(gss_display_name(&minor, targ, &text, &type));
	assert_int_equal(text.length, strlen("host/server.baton.test@BATON.TEST"));
	assert_memory_equal(text.value, "host/server.baton.test@BATON.TEST", text.length);
	assert_ptr_equal(type, gss_nt_krb5_name);
	gss_release_buffer(&minor, &text);
	CHECK(gss_compare_name(&minor, src, alice, &equal));
	assert_true(equal);
	CHECK(gss_compare_name(&minor, pair.client, alice, &equal));
	assert_true(equal);
	CHECK(gss_compare_name(&minor, targ, alice, &equal));
	assert_false(equal);
	CHECK(gss_export_name(&minor, src, &token));
	CHECK(gss_import_name(&minor, &token, GSS_C_NT_EXPORT_NAME, &exported));
	CHECK(gss_compare_name(&minor, exported, pair.client, &equal));
	assert_true(equal);
	gss_release_buffer(&minor, &token);
	gss_release_name(&minor, &exported);
	gss_release_name(&minor, &src);
	gss_release_name(&minor, &targ);
	gss_release_name(&minor, &alice);
	finish(&pair);
}

static void
credentials(void **state)
{
	gss_cred_id_t cred, more;
	gss_OID_set mechs;
	OM_uint32 minor, lifetime, acceptor_lifetime;
	gss_cred_usage_t usage;
	gss_name_t name, bob;
	gss_buffer_desc password = TEXT("wonderland"), text;

	CHECK(gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, GSS_C_NO_OID_SET, GSS_C_INITIATE, &cred, &mechs, &lifetime));
	assert_true(lifetime > 0 && lifetime != GSS_C_INDEFINITE);
	gss_release_oid_set(&minor, &mechs);
	CHECK(gss_inquire_cred(&minor, cred, &name, &lifetime, &usage, &mechs));
	assert_int_equal(usage, GSS_C_INITIATE);
	/* Kerberos, and what negotiates. */
	assert_int_equal(mechs->count, 2);
	gss_release_oid_set(&minor, &mechs);
	CHECK(gss_display_name(&minor, name, &text, NULL));
	assert_memory_equal(text.value, "alice@BATON.TEST", strlen("alice@BATON.TEST"));
	gss_release_buffer(&minor, &text);
	gss_release_name(&minor, &name);
	CHECK(gss_inquire_cred_by_mech(&minor, cred, gss_mech_krb5, NULL, &lifetime, &acceptor_lifetime, &usage));
	assert_int_equal(
	    gss_add_cred(&minor, cred, GSS_C_NO_NAME, gss_mech_krb5, GSS_C_INITIATE, 0, 0, &more, NULL, NULL, NULL),
	    GSS_S_DUPLICATE_ELEMENT);
	gss_release_cred(&minor, &cred);
	bob = name_of("bob", GSS_C_NT_USER_NAME);
	CHECK(gss_acquire_cred_with_password(&minor, bob, &password, 0, GSS_C_NO_OID_SET, GSS_C_INITIATE, &cred, NULL, NULL));
	gss_release_cred(&minor, &cred);
	gss_release_name(&minor, &bob);
	CHECK(gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, GSS_C_NO_OID_SET, GSS_C_ACCEPT, &cred, NULL, NULL));
	gss_release_cred(&minor, &cred);
}

static void
delegation(void **state)
{
	struct pair pair;
	OM_uint32 minor;
	gss_name_t name;
	gss_buffer_desc text;

	establish(&pair, GSS_C_MUTUAL_FLAG | GSS_C_DELEG_FLAG);
	assert_non_null(pair.delegated);
	CHECK(gss_inquire_cred(&minor, pair.delegated, &name, NULL, NULL, NULL));
	CHECK(gss_display_name(&minor, name, &text, NULL));
	assert_memory_equal(text.value, "alice@BATON.TEST", strlen("alice@BATON.TEST"));
	gss_release_buffer(&minor, &text);
	gss_release_name(&minor, &name);
	finish(&pair);
}

static void
questions(void **state)
{
	gss_buffer_set_t keys[2];
	gss_buffer_desc input = TEXT("seed"), prf[2];
	struct pair pair;
	OM_uint32 minor;
	krb5_flags ticket_flags;
	krb5_timestamp authtime;

	establish(&pair, GSS_C_MUTUAL_FLAG);
	CHECK(gss_inquire_sec_context_by_oid(&minor, pair.initiator, GSS_C_INQ_SSPI_SESSION_KEY, &keys[0]));
	CHECK(gss_inquire_sec_context_by_oid(&minor, pair.acceptor, GSS_C_INQ_SSPI_SESSION_KEY, &keys[1]));
	assert_int_equal(keys[0]->count, 2);
	assert_int_equal(keys[0]->elements[0].length, keys[1]->elements[0].length);
	assert_memory_equal(keys[0]->elements[0].value, keys[1]->elements[0].value, keys[0]->elements[0].length);
	gss_release_buffer_set(&minor, &keys[0]);
	gss_release_buffer_set(&minor, &keys[1]);
	CHECK(gss_krb5_get_tkt_flags(&minor, pair.acceptor, &ticket_flags));
	assert_true(ticket_flags & TKT_FLG_INITIAL || ticket_flags & TKT_FLG_PRE_AUTH);
	CHECK(gsskrb5_extract_authtime_from_sec_context(&minor, pair.acceptor, &authtime));
	assert_int_not_equal(authtime, 0);
	for (int i = 0; i < 2; i++)
		CHECK(gss_pseudo_random(&minor, i == 0 ? pair.initiator : pair.acceptor, GSS_C_PRF_KEY_FULL, &input, 50,
					&prf[i]));
	assert_int_equal(prf[0].length, 50);
	assert_memory_equal(prf[0].value, prf[1].value, 50);
	gss_release_buffer(&minor, &prf[0]);
	gss_release_buffer(&minor, &prf[1]);
	finish(&pair);
}

static void
pieces(void **state)
{
	char data[32] = "some data in place", original[32];
	gss_iov_buffer_desc iov[4] = {
		{GSS_IOV_BUFFER_TYPE_HEADER | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0, NULL}},
		{GSS_IOV_BUFFER_TYPE_DATA, {sizeof data, data}},
		{GSS_IOV_BUFFER_TYPE_PADDING | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0, NULL}},
		{GSS_IOV_BUFFER_TYPE_TRAILER | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0, NULL}},
	};
	gss_iov_buffer_desc stream[2] = {
		{GSS_IOV_BUFFER_TYPE_STREAM, {0, NULL}},
		{GSS_IOV_BUFFER_TYPE_DATA, {4711, NULL}},
	};
	gss_buffer_desc text = {sizeof original, original}, token;
	struct pair pair;
	OM_uint32 minor;
	int conf = 0;

	memcpy(original, data, sizeof data);
	establish(&pair, GSS_C_MUTUAL_FLAG);
	CHECK(gss_wrap_iov(&minor, pair.initiator, 1, GSS_C_QOP_DEFAULT, &conf, iov, 4));
	assert_true(conf);
	assert_memory_not_equal(data, original, sizeof data);
	assert_true(iov[0].type & GSS_IOV_BUFFER_FLAG_ALLOCATED);
	CHECK(gss_unwrap_iov(&minor, pair.acceptor, &conf, NULL, iov, 4));
	assert_memory_equal(data, original, sizeof data);
	CHECK(gss_release_iov_buffer(&minor, iov, 4));
	/* What comes out of a whole token takes a place in it, and programs leave anything there before. */
	CHECK(gss_wrap(&minor, pair.initiator, 1, GSS_C_QOP_DEFAULT, &text, &conf, &token));
	stream[0].buffer = token;
	CHECK(gss_unwrap_iov(&minor, pair.acceptor, &conf, NULL, stream, 2));
	assert_int_equal(stream[1].buffer.length, sizeof original);
	assert_memory_equal(stream[1].buffer.value, original, sizeof original);
	assert_true(stream[1].buffer.value > token.value && (char *)stream[1].buffer.value < (char *)token.value + token.length);
	gss_release_buffer(&minor, &token);
	finish(&pair);
}

/* The other library's declaration of a lucid context, filled by ours: the key is the one that both ends tell. */
static void
lucid(void **state)
{
	gss_krb5_lucid_context_v1_t *context;
	gss_buffer_set_t key;
	struct pair pair;
	OM_uint32 minor;
	void *made;

	establish(&pair, GSS_C_MUTUAL_FLAG);
	CHECK(gss_inquire_sec_context_by_oid(&minor, pair.acceptor, GSS_C_INQ_SSPI_SESSION_KEY, &key));
	CHECK(gss_krb5_export_lucid_sec_context(&minor, &pair.initiator, 1, &made));
	assert_null(pair.initiator);
	context = made;
	assert_int_equal(context->version, 1);
	assert_int_equal(context->initiate, 1);
	assert_int_equal(context->protocol, 1);
	assert_int_equal(context->cfx_kd.have_acceptor_subkey, 1);
	assert_int_equal(context->cfx_kd.acceptor_subkey.length, key->elements[0].length);
	assert_memory_equal(context->cfx_kd.acceptor_subkey.data, key->elements[0].value, key->elements[0].length);
	CHECK(gss_krb5_free_lucid_sec_context(&minor, made));
	gss_release_buffer_set(&minor, &key);
	CHECK(gss_delete_sec_context(&minor, &pair.acceptor, GSS_C_NO_BUFFER));
	gss_release_name(&minor, &pair.client);
}

static void
beside(void **state)
{
	gss_buffer_desc header = TEXT("in clear"), text = TEXT("not in clear"), token, back;
	struct pair pair;
	OM_uint32 minor;
	int conf = 0;

	establish(&pair, GSS_C_MUTUAL_FLAG);
	CHECK(gss_wrap_aead(&minor, pair.initiator, 1, GSS_C_QOP_DEFAULT, &header, &text, &conf, &token));
	assert_int_equal(conf, 1);
	CHECK(gss_unwrap_aead(&minor, pair.acceptor, &token, &header, &back, &conf, NULL));
	assert_int_equal(back.length, text.length);
	assert_memory_equal(back.value, text.value, text.length);
	gss_release_buffer(&minor, &token);
	gss_release_buffer(&minor, &back);
	finish(&pair);
}

static void
hand_over(void **state)
{
	gss_buffer_desc token, copy;
	struct pair pair;
	gss_ctx_id_t again;
	OM_uint32 minor;

	establish(&pair, GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG);
	talk(pair.initiator, pair.acceptor, 1);
	CHECK(gss_export_sec_context(&minor, &pair.acceptor, &token));
	assert_null(pair.acceptor);
	copy = token;
	CHECK(gss_import_sec_context(&minor, &token, &pair.acceptor));
	talk(pair.initiator, pair.acceptor, 1);
	talk(pair.acceptor, pair.initiator, 0);
	assert_int_equal(gss_import_sec_context(&minor, &copy, &again), GSS_S_NO_CONTEXT);
	assert_null(again);
	gss_release_buffer(&minor, &token);
	finish(&pair);
}

static void
default_client_is(const char *wanted)
{
	gss_buffer_desc text;
	gss_name_t name;
	OM_uint32 minor;

	CHECK(gss_inquire_cred(&minor, GSS_C_NO_CREDENTIAL, &name, NULL, NULL, NULL));
	CHECK(gss_display_name(&minor, name, &text, NULL));
	assert_int_equal(text.length, strlen(wanted));
	assert_memory_equal(text.value, wanted, text.length);
	gss_release_buffer(&minor, &text);
	gss_release_name(&minor, &name);
}

static void
chosen_cache(void **state)
{
	const char *before;
	char bob[4096];
	OM_uint32 minor;

	snprintf(bob, sizeof bob, "FILE:%s/bob.ccache", getenv("BATON_REALM_DIR"));
	CHECK(gss_krb5_ccache_name(&minor, bob, NULL));
	default_client_is("bob@BATON.TEST");
	CHECK(gss_krb5_ccache_name(&minor, NULL, &before));
	assert_string_equal(before, bob);
	default_client_is("alice@BATON.TEST");
}

/* What asks for the same by an OID has a struct of two pointers: nothing else is taken for one. */
static void
chosen_cache_of_another_length(void **state)
{
	gss_OID_desc demand = {11, (void *)"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x03"};
	const char *before, *words[3] = {"FILE:/nonexistent", (const char *)&before};
	OM_uint32 minor;

	for (size_t len = 0; len <= sizeof words; len++) {
		gss_buffer_desc value = {len, words};

		if (len == 2 * sizeof *words)
			continue;
		assert_int_equal(gssspi_mech_invoke(&minor, (gss_OID)gss_mech_krb5, &demand, &value), GSS_S_FAILURE);
		assert_int_equal(minor, EINVAL);
	}
	default_client_is("alice@BATON.TEST");
}

static void
chosen_keytab(void **state)
{
	gss_cred_id_t cred;
	OM_uint32 minor;

	assert_int_equal(krb5_gss_register_acceptor_identity("FILE:/nonexistent/keytab"), GSS_S_COMPLETE);
	assert_int_equal(gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, GSS_C_NO_OID_SET, GSS_C_ACCEPT, &cred, NULL, NULL),
			 GSS_S_NO_CRED);
	assert_int_equal(krb5_gss_register_acceptor_identity(NULL), GSS_S_COMPLETE);
	CHECK(gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, GSS_C_NO_OID_SET, GSS_C_ACCEPT, &cred, NULL, NULL));
	gss_release_cred(&minor, &cred);
}

/* For the rest of the process, so it comes last. */
static void
kdc_configuration(void **state)
{
	assert_int_equal(krb5_gss_use_kdc_context(), 0);
	conversation(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_on_baton), cmocka_unit_test(conversation), cmocka_unit_test(names),
		cmocka_unit_test(credentials),   cmocka_unit_test(delegation),   cmocka_unit_test(questions),
		cmocka_unit_test(pieces),        cmocka_unit_test(lucid),
		cmocka_unit_test(beside),        cmocka_unit_test(hand_over),    cmocka_unit_test(chosen_cache),
		cmocka_unit_test(chosen_cache_of_another_length),
		cmocka_unit_test(chosen_keytab), cmocka_unit_test(kdc_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
