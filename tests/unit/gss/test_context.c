/*
 * Establishment and what is asked of a context, on a mechanism that does as it is told: what is left after which failure,
 * and the numbers that programs have always seen.
 */
#include <gssapi/gssapi.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "failing.h"
#include "fake_mech.h"
#include "gss/credential.h"

static gss_OID_desc krb5 = {9, (void *)(uintptr_t) "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
static gss_OID_desc wrong_krb5 = {9, (void *)(uintptr_t) "\x2a\x86\x48\x82\xf7\x12\x01\x02\x02"};
static gss_OID_desc unknown = {3, (void *)(uintptr_t) "\x2a\x03\x04"};
extern const gss_OID gss_mech_krb5, gss_mech_krb5_wrong, GSS_KRB5_GET_CRED_IMPERSONATOR;

static gss_buffer_desc
literal(const char *text)
{
	return (gss_buffer_desc){strlen(text), (void *)(uintptr_t)text};
}

static gss_buffer_desc
token_of(const char *text, gss_OID oid)
{
	gss_buffer_desc body = literal(text), token;

	assert_int_equal(gss_encapsulate_token(&body, oid, &token), GSS_S_COMPLETE);
	return token;
}

/* In the place of base/clock.c. */
static int64_t ahead_s;

int64_t
bt_clock_wall_s(void)
{
	return (int64_t)time(NULL) + ahead_s;
}

int64_t
bt_clock_boot_ms(void)
{
	return 1000000;
}

static int
reset(void **state)
{
	fake = (struct fake){0};
	ahead_s = 0;
	return 0;
}

OM_uint32 gsskrb5_extract_authz_data_from_sec_context(OM_uint32 *, const gss_ctx_id_t, int, gss_buffer_t);

static OM_uint32
init(gss_ctx_id_t *context, gss_buffer_t in, gss_buffer_t out, OM_uint32 *minor)
{
	gss_name_t target = fake_target();
	OM_uint32 major, unused;

	major = gss_init_sec_context(minor, NULL, context, target, NULL, GSS_C_MUTUAL_FLAG, 0, NULL, in, NULL, out, NULL, NULL);
	gss_release_name(&unused, &target);
	return major;
}

static void
both_sides(void **state)
{
	gss_name_t target = fake_target(), src = NULL;
	gss_buffer_desc first, second, none;
	gss_ctx_id_t initiator = NULL, acceptor = NULL;
	OM_uint32 minor, flags, lifetime;
	gss_OID mech;

	/* What no initiator can ask for does not come true by asking; a context between its legs can be moved. */
	assert_int_equal(gss_init_sec_context(&minor, NULL, &initiator, target, NULL,
					      GSS_C_MUTUAL_FLAG | GSS_C_PROT_READY_FLAG | GSS_C_TRANS_FLAG, 0, NULL, NULL,
					      &mech, &first, &flags, &lifetime),
			 GSS_S_CONTINUE_NEEDED);
	assert_ptr_equal(mech, gss_mech_krb5);
	assert_int_equal(flags, GSS_C_MUTUAL_FLAG | GSS_C_TRANS_FLAG);
	assert_int_equal(minor, 0);
	assert_int_equal(
	    gss_accept_sec_context(&minor, &acceptor, NULL, &first, NULL, &src, &mech, &second, &flags, &lifetime, NULL),
	    GSS_S_COMPLETE);
	assert_ptr_equal(mech, gss_mech_krb5);
	assert_true(flags & GSS_C_PROT_READY_FLAG && flags & GSS_C_TRANS_FLAG);
	assert_true(lifetime >= 3599 && lifetime <= 3600);
	assert_non_null(src);
	assert_int_equal(
	    gss_init_sec_context(&minor, NULL, &initiator, target, NULL, 0, 0, NULL, &second, NULL, &none, &flags, NULL),
	    GSS_S_COMPLETE);
	assert_int_equal(none.length, 0);
	assert_null(none.value);
	assert_true(flags & GSS_C_PROT_READY_FLAG);
	/* Once is enough. */
	assert_int_equal(init(&initiator, &second, &none, &minor), GSS_S_FAILURE);
	assert_int_equal(minor, BT_ERR_CONTEXT_ESTABLISHED);
	assert_int_equal(gss_context_time(&minor, initiator, &lifetime), GSS_S_COMPLETE);
	gss_release_buffer(&minor, &first);
	gss_release_buffer(&minor, &second);
	gss_release_name(&minor, &src);
	gss_release_name(&minor, &target);
	gss_delete_sec_context(&minor, &initiator, NULL);
	gss_delete_sec_context(&minor, &acceptor, NULL);
	assert_null(acceptor);
	assert_int_equal(failing_live(), 0);
}

/* RFC 2744 §5.19: no context is left, but a token for the peer may be. */
static void
first_step_fails(void **state)
{
	gss_ctx_id_t context = NULL;
	gss_buffer_desc out;
	OM_uint32 minor;

	fake.init_error = BT_ERR_TGT_MISSING;
	assert_int_equal(init(&context, NULL, &out, &minor), GSS_S_NO_CRED);
	assert_int_equal(minor, BT_ERR_TGT_MISSING);
	assert_null(context);
	assert_null(out.value);
	fake.accept_error = -1765328350;
	fake.error_has_token = true;
	{
		gss_buffer_desc token = token_of("01", &krb5);

		assert_int_equal(
		    gss_accept_sec_context(&minor, &context, NULL, &token, NULL, NULL, NULL, &out, NULL, NULL, NULL),
		    GSS_S_FAILURE);
		gss_release_buffer(&minor, &token);
	}
	assert_null(context);
	assert_non_null(out.value);
	gss_release_buffer(&minor, &out);
	assert_int_equal(failing_live(), 0);
}

/* A later one leaves a handle that is good for nothing but to be deleted. */
static void
later_step_fails(void **state)
{
	gss_buffer_desc out, garbage = literal("garbage"), text = literal("text");
	gss_ctx_id_t context = NULL;
	OM_uint32 minor;

	assert_int_equal(init(&context, NULL, &out, &minor), GSS_S_CONTINUE_NEEDED);
	gss_release_buffer(&minor, &out);
	assert_int_equal(init(&context, &garbage, &out, &minor), GSS_S_DEFECTIVE_TOKEN);
	assert_non_null(context);
	assert_int_equal(init(&context, &garbage, &out, &minor), GSS_S_NO_CONTEXT);
	assert_int_equal(gss_wrap(&minor, context, 1, 0, &text, NULL, &out), GSS_S_NO_CONTEXT);
	assert_int_equal(gss_inquire_context(&minor, context, NULL, NULL, NULL, NULL, NULL, NULL, NULL), GSS_S_NO_CONTEXT);
	assert_int_equal(gss_delete_sec_context(&minor, &context, NULL), GSS_S_COMPLETE);
	assert_null(context);
	assert_int_equal(failing_live(), 0);
}

/* Refused for its arguments, a step has not been made. */
static void
later_step_refused(void **state)
{
	gss_buffer_desc out, in;
	gss_ctx_id_t context = NULL;
	gss_buffer_desc text = literal("bad");
	gss_name_t bad;
	OM_uint32 minor;

	assert_int_equal(init(&context, NULL, &out, &minor), GSS_S_CONTINUE_NEEDED);
	gss_release_buffer(&minor, &out);
	in = token_of("02", &krb5);
	gss_import_name(&minor, &text, GSS_C_NO_OID, &bad);
	assert_int_equal(gss_init_sec_context(&minor, NULL, &context, bad, NULL, 0, 0, NULL, &in, NULL, &out, NULL, NULL),
			 GSS_S_BAD_NAME);
	/* And one side's context is not the other's. */
	assert_int_equal(gss_accept_sec_context(&minor, &context, NULL, &in, NULL, NULL, NULL, &out, NULL, NULL, NULL),
			 GSS_S_NO_CONTEXT);
	assert_int_equal(init(&context, &in, &out, &minor), GSS_S_COMPLETE);
	gss_release_buffer(&minor, &in);
	gss_release_name(&minor, &bad);
	gss_delete_sec_context(&minor, &context, NULL);
	assert_int_equal(failing_live(), 0);
}

static void
whose_token(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		OM_uint32 major;
	} rows[] = {
		{"garbage of 20 bytes.", 20, GSS_S_DEFECTIVE_TOKEN},
		{"\x60\x05\x06\x03\x2a\x03\x04", 7, GSS_S_BAD_MECH},
		{"\x60\x05\x06\x04\x2a\x03\x04", 7, GSS_S_DEFECTIVE_TOKEN},
		{"\x60\x81\x05\x06\x03\x2a\x03\x04", 8, GSS_S_BAD_MECH},
		{"\x60\x85\x01\x01", 4, GSS_S_DEFECTIVE_TOKEN},
		/* Kerberos', but cut short, too long, or without anything in it. */
		{"\x60\x0e\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02" "01", 15, GSS_S_FAILURE},
		{"\x60\x0c\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02" "01", 15, GSS_S_FAILURE},
		{"\x60\x0b\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02", 13, GSS_S_FAILURE},
		/* To Kerberos, whose fake does not take it. */
		{"\x6e\x01\x00", 3, GSS_S_DEFECTIVE_TOKEN},
	};
	gss_ctx_id_t context = NULL;
	gss_buffer_desc out, other;
	OM_uint32 minor;
	gss_OID mech;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		gss_buffer_desc token = {rows[i].len, (void *)(uintptr_t)rows[i].bytes};

		minor = 7;
		assert_int_equal(
		    gss_accept_sec_context(&minor, &context, NULL, &token, NULL, NULL, NULL, &out, NULL, NULL, NULL),
		    rows[i].major);
		if (i < 5)
			assert_int_equal(minor, 0);
		else if (i < 8)
			assert_true(minor > 100000 && minor < 100010);
		else
			assert_int_equal(minor, BT_ERR_TRUNCATED);
		assert_null(context);
	}
	/* No token asks what could be negotiated. */
	other = (gss_buffer_desc){0};
	assert_int_equal(gss_accept_sec_context(&minor, &context, NULL, &other, NULL, NULL, &mech, &out, NULL, NULL, NULL),
			 GSS_S_CONTINUE_NEEDED);
	assert_memory_equal((uint8_t *)out.value + 2, "\x06\x06\x2b\x06\x01\x05\x05\x02\xa0", 9);
	gss_release_buffer(&minor, &out);
	gss_delete_sec_context(&minor, &context, NULL);
	/* Another spelling is answered with itself. */
	other = token_of("01", &wrong_krb5);
	assert_int_equal(gss_accept_sec_context(&minor, &context, NULL, &other, NULL, NULL, &mech, &out, NULL, NULL, NULL),
			 GSS_S_COMPLETE);
	assert_ptr_equal(mech, gss_mech_krb5_wrong);
	assert_memory_equal((uint8_t *)out.value + 2, (uint8_t *)other.value + 2, 11);
	gss_release_buffer(&minor, &other);
	gss_release_buffer(&minor, &out);
	gss_delete_sec_context(&minor, &context, NULL);
}

static void
delegation(void **state)
{
	gss_buffer_desc token = token_of("01", &krb5), out;
	gss_cred_id_t delegated;
	gss_ctx_id_t context = NULL;
	OM_uint32 minor, flags;
	gss_name_t name;

	fake.delegates = true;
	assert_int_equal(
	    gss_accept_sec_context(&minor, &context, NULL, &token, NULL, NULL, NULL, &out, &flags, NULL, &delegated),
	    GSS_S_COMPLETE);
	assert_true(flags & GSS_C_DELEG_FLAG);
	assert_int_equal(gss_inquire_cred(&minor, delegated, &name, NULL, NULL, NULL), GSS_S_COMPLETE);
	gss_release_name(&minor, &name);
	gss_release_cred(&minor, &delegated);
	gss_release_buffer(&minor, &out);
	gss_delete_sec_context(&minor, &context, NULL);
	/* Nobody wants it: it goes. */
	assert_int_equal(gss_accept_sec_context(&minor, &context, NULL, &token, NULL, NULL, NULL, &out, NULL, NULL, NULL),
			 GSS_S_COMPLETE);
	gss_release_buffer(&minor, &out);
	gss_delete_sec_context(&minor, &context, NULL);
	gss_release_buffer(&minor, &token);
	assert_int_equal(failing_live(), 0);
}

static void
bindings_arrive(void **state)
{
	struct gss_channel_bindings_struct bindings = {.initiator_addrtype = GSS_C_AF_INET};
	gss_buffer_desc token = token_of("01", &krb5), out;
	gss_ctx_id_t context = NULL;
	OM_uint32 minor;

	fake.accept_error = BT_ERR_BAD_BINDINGS;
	assert_int_equal(gss_accept_sec_context(&minor, &context, NULL, &token, &bindings, NULL, NULL, &out, NULL, NULL, NULL),
			 GSS_S_BAD_BINDINGS);
	assert_int_equal(fake.bindings_type, GSS_C_AF_INET);
	gss_release_buffer(&minor, &token);
}

/* An expired ticket of the peer's is not a credential of the acceptor's. */
static void
expired_ticket(void **state)
{
	gss_buffer_desc token = token_of("01", &krb5), out;
	gss_ctx_id_t context = NULL;
	OM_uint32 minor;

	fake.accept_error = -1765328352;
	assert_int_equal(gss_accept_sec_context(&minor, &context, NULL, &token, NULL, NULL, NULL, &out, NULL, NULL, NULL),
			 GSS_S_FAILURE);
	assert_int_equal((int)minor, -1765328352);
	fake.init_error = -1765328352;
	assert_int_equal(init(&context, NULL, &out, &minor), GSS_S_CREDENTIALS_EXPIRED);
	gss_release_buffer(&minor, &token);
}

static void
unsupported(void **state)
{
	gss_name_t target = fake_target();
	gss_ctx_id_t context = NULL;
	gss_buffer_desc out;
	OM_uint32 minor = 7;

	assert_int_equal(
	    gss_init_sec_context(&minor, NULL, &context, target, &unknown, 0, 0, NULL, NULL, NULL, &out, NULL, NULL),
	    GSS_S_BAD_MECH);
	assert_int_equal(minor, 0);
	gss_release_name(&minor, &target);
}

/* Facts of a context between its legs, of an open one, and of one whose time is over. RFC 2744 §5.6, §5.20. */
static void
inquire(void **state)
{
	gss_name_t src, targ;
	OM_uint32 minor, lifetime, flags;
	struct fake_pair pair;
	gss_ctx_id_t half = NULL;
	gss_buffer_desc out, text = literal("text");
	gss_OID mech;
	int local, open;

	assert_int_equal(init(&half, NULL, &out, &minor), GSS_S_CONTINUE_NEEDED);
	gss_release_buffer(&minor, &out);
	assert_int_equal(gss_inquire_context(&minor, half, &src, &targ, &lifetime, &mech, &flags, &local, &open),
			 GSS_S_COMPLETE);
	assert_true(src == NULL && targ == NULL && lifetime == 0 && local && !open);
	assert_false(flags & GSS_C_PROT_READY_FLAG);
	assert_ptr_equal(mech, gss_mech_krb5);
	assert_int_equal(gss_wrap(&minor, half, 1, 0, &text, NULL, &out), GSS_S_NO_CONTEXT);
	assert_int_equal(minor, 39756039);
	gss_delete_sec_context(&minor, &half, NULL);

	pair = fake_establish(GSS_C_MUTUAL_FLAG);
	assert_int_equal(gss_inquire_context(&minor, pair.acceptor, &src, &targ, &lifetime, &mech, &flags, &local, &open),
			 GSS_S_COMPLETE);
	assert_true(src != NULL && targ != NULL && lifetime > 0 && !local && open);
	gss_release_name(&minor, &src);
	gss_release_name(&minor, &targ);
	fake_finish(&pair);

	fake.expires_in_s = -1;
	pair = fake_establish(0);
	assert_int_equal(gss_context_time(&minor, pair.acceptor, &lifetime), GSS_S_CONTEXT_EXPIRED);
	assert_int_equal(lifetime, 0);
	assert_int_equal(gss_inquire_context(&minor, pair.acceptor, NULL, NULL, &lifetime, NULL, NULL, NULL, &open),
			 GSS_S_COMPLETE);
	assert_true(open && lifetime == 0);
	fake_finish(&pair);
	assert_int_equal(failing_live(), 0);
}

static void
one_credential(void **state)
{
	static gss_OID_set_desc krb5_only = {1, &krb5}, none_of_ours = {1, &unknown}, no_mechs = {0, NULL};
	gss_cred_id_t cred, copy;
	gss_OID_set mechs;
	OM_uint32 minor, lifetime, acceptor_lifetime;
	gss_cred_usage_t usage;

	assert_int_equal(gss_acquire_cred(&minor, NULL, 0, &no_mechs, GSS_C_BOTH, &cred, NULL, NULL), GSS_S_BAD_MECH);
	assert_int_equal(gss_acquire_cred(&minor, NULL, 0, &none_of_ours, GSS_C_BOTH, &cred, NULL, NULL), GSS_S_BAD_MECH);
	assert_int_equal(minor, 0);
	fake.acquire_error = -1765328243;
	assert_int_equal(gss_acquire_cred(&minor, NULL, 0, NULL, GSS_C_BOTH, &cred, NULL, NULL), GSS_S_NO_CRED);
	assert_int_equal((int)minor, -1765328243);
	/* Whatever else a mechanism says: there is none. */
	fake.acquire_error = -1765328174;
	assert_int_equal(gss_acquire_cred(&minor, NULL, 0, NULL, GSS_C_BOTH, &cred, NULL, NULL), GSS_S_NO_CRED);

	assert_int_equal(gss_acquire_cred(&minor, NULL, 0, &krb5_only, GSS_C_BOTH, &cred, &mechs, &lifetime), GSS_S_COMPLETE);
	assert_int_equal(mechs->count, 1);
	assert_true(lifetime >= 3599 && lifetime <= 3600);
	gss_release_oid_set(&minor, &mechs);
	assert_int_equal(gss_inquire_cred_by_mech(&minor, cred, NULL, NULL, &lifetime, &acceptor_lifetime, &usage),
			 GSS_S_COMPLETE);
	assert_true(lifetime <= 3600 && acceptor_lifetime == GSS_C_INDEFINITE && usage == GSS_C_BOTH);
	assert_int_equal(gss_add_cred(&minor, cred, NULL, &krb5, GSS_C_BOTH, 0, 0, &copy, NULL, NULL, NULL),
			 GSS_S_DUPLICATE_ELEMENT);
	assert_null(copy);
	gss_release_cred(&minor, &cred);
	assert_int_equal(gss_release_cred(&minor, &cred), GSS_S_COMPLETE);

	fake.expires_in_s = -1;
	assert_int_equal(gss_acquire_cred(&minor, NULL, 0, NULL, GSS_C_INITIATE, &cred, NULL, NULL), GSS_S_COMPLETE);
	assert_int_equal(gss_inquire_cred(&minor, cred, NULL, &lifetime, NULL, NULL), GSS_S_CREDENTIALS_EXPIRED);
	assert_int_equal(lifetime, 0);
	assert_int_equal(gss_inquire_cred(&minor, cred, NULL, NULL, &usage, NULL), GSS_S_COMPLETE);
	assert_int_equal(usage, GSS_C_INITIATE);
	gss_release_cred(&minor, &cred);
	assert_int_equal(failing_live(), 0);
}

/* A credential without the mechanism in question; and it gets it, in place and as a copy. */
static void
no_such_element(void **state)
{
	gss_cred_id_t cred = bt_cred_new_from(NULL), copy;
	gss_buffer_desc token = token_of("01", &krb5), out;
	gss_name_t target = fake_target();
	gss_ctx_id_t context = NULL;
	gss_buffer_set_t set;
	gss_OID_set mechs;
	OM_uint32 minor;

	assert_int_equal(gss_inquire_cred(&minor, cred, NULL, NULL, NULL, NULL), GSS_S_DEFECTIVE_CREDENTIAL);
	assert_int_equal(gss_inquire_cred_by_mech(&minor, cred, &krb5, NULL, NULL, NULL, NULL), GSS_S_NO_CRED);
	assert_int_equal(gss_init_sec_context(&minor, cred, &context, target, NULL, 0, 0, NULL, NULL, NULL, &out, NULL, NULL),
			 GSS_S_NO_CRED);
	assert_int_equal(gss_accept_sec_context(&minor, &context, cred, &token, NULL, NULL, NULL, &out, NULL, NULL, NULL),
			 GSS_S_NO_CRED);
	assert_null(context);
	assert_int_equal(gss_add_cred(&minor, cred, NULL, &krb5, GSS_C_BOTH, 0, 0, &copy, &mechs, NULL, NULL), GSS_S_COMPLETE);
	assert_int_equal(mechs->count, 1);
	assert_int_equal(cred->num_elements, 0);
	assert_int_equal(copy->num_elements, 1);
	gss_release_oid_set(&minor, &mechs);
	gss_release_cred(&minor, &copy);
	assert_int_equal(gss_add_cred(&minor, cred, NULL, &krb5, GSS_C_BOTH, 0, 0, NULL, NULL, NULL, NULL), GSS_S_COMPLETE);
	assert_int_equal(cred->num_elements, 1);
	/* On nobody's behalf: a set with nothing in it. */
	assert_int_equal(gss_inquire_cred_by_oid(&minor, cred, GSS_KRB5_GET_CRED_IMPERSONATOR, &set), GSS_S_COMPLETE);
	assert_int_equal(set->count, 0);
	gss_release_buffer_set(&minor, &set);
	assert_int_equal(gss_inquire_cred_by_oid(&minor, cred, &krb5, &set), GSS_S_UNAVAILABLE);
	assert_int_equal(minor, 22);
	gss_release_cred(&minor, &cred);
	gss_release_buffer(&minor, &token);
	gss_release_name(&minor, &target);
	assert_int_equal(failing_live(), 0);
}

static void
questions(void **state)
{
	struct fake_pair pair = fake_establish(0);
	gss_buffer_set_t set;
	gss_buffer_desc data;
	OM_uint32 minor;

	assert_int_equal(gss_inquire_sec_context_by_oid(&minor, pair.initiator, GSS_C_INQ_SSPI_SESSION_KEY, &set),
			 GSS_S_COMPLETE);
	assert_int_equal(set->count, 2);
	assert_memory_equal(set->elements[1].value, "type", 4);
	failing_watch("key", 3);
	gss_release_buffer_set(&minor, &set);
	assert_false(failing_spilled());
	failing_watch(NULL, 0);
	assert_int_equal(gss_inquire_sec_context_by_oid(&minor, pair.initiator, &krb5, &set), GSS_S_UNAVAILABLE);
	assert_int_equal(minor, 22);
	/* The type asked for is the last arc of the question, which the fake answers with. */
	assert_int_equal(gsskrb5_extract_authz_data_from_sec_context(&minor, pair.initiator, 128, &data), GSS_S_COMPLETE);
	assert_int_equal(data.length, 2);
	assert_memory_equal(data.value, "\x81\x00", 2);
	gss_release_buffer(&minor, &data);
	fake_finish(&pair);
	assert_int_equal(failing_live(), 0);
}

static void
store_keys(void **state)
{
	gss_key_value_element_desc twice[] = {{"ccache", "MEMORY:1"}, {"ccache", "MEMORY:2"}}, halves[] = {{"ccache", NULL}};
	gss_key_value_set_desc store = {2, twice};
	gss_cred_id_t cred;
	OM_uint32 minor;

	assert_int_equal(gss_acquire_cred_from(&minor, NULL, 0, NULL, GSS_C_INITIATE, &store, &cred, NULL, NULL),
			 GSS_S_DUPLICATE_ELEMENT);
	store = (gss_key_value_set_desc){1, halves};
	assert_int_equal(gss_acquire_cred_from(&minor, NULL, 0, NULL, GSS_C_INITIATE, &store, &cred, NULL, NULL),
			 GSS_S_CALL_INACCESSIBLE_READ);
}

/* Every row of messages that programs were seen to depend on, and its number. */
static void
messages(void **state)
{
	gss_buffer_desc text = literal("hello"), token, other, back, garbage = literal("garbage of 20 bytes.");
	struct fake_pair pair = fake_establish(0);
	OM_uint32 minor;
	uint8_t *byte;

	assert_int_equal(gss_wrap(&minor, NULL, 1, 0, &text, NULL, &token), 0x01080000);
	assert_int_equal(minor, 0);
	assert_int_equal(gss_wrap(&minor, pair.initiator, 1, 1, &text, NULL, &token), GSS_S_BAD_QOP);
	assert_int_equal(minor, 2249944328u);
	assert_int_equal(gss_unwrap(&minor, pair.acceptor, &garbage, &back, NULL, NULL), GSS_S_DEFECTIVE_TOKEN);
	assert_int_equal(minor, 2249944332u);

	assert_int_equal(gss_wrap(&minor, pair.initiator, 1, 0, &text, NULL, &token), GSS_S_COMPLETE);
	byte = (uint8_t *)token.value + token.length - 1;
	*byte ^= 1;
	assert_int_equal(gss_unwrap(&minor, pair.acceptor, &token, &back, NULL, NULL), GSS_S_BAD_MIC);
	assert_int_equal(minor, 2529638943u);
	assert_null(back.value);
	*byte ^= 1;
	assert_int_equal(gss_unwrap(&minor, pair.initiator, &token, &back, NULL, NULL), GSS_S_BAD_MIC);
	assert_int_equal(minor, 2249944333u);
	assert_int_equal(gss_unwrap(&minor, pair.acceptor, &token, &back, NULL, NULL), GSS_S_COMPLETE);
	assert_int_equal(minor, 0);
	gss_release_buffer(&minor, &back);
	/* A text is handed out with its duplicate bit. */
	assert_int_equal(gss_unwrap(&minor, pair.acceptor, &token, &back, NULL, NULL), GSS_S_DUPLICATE_TOKEN);
	assert_true(minor > 100000);
	assert_int_equal(back.length, text.length);
	gss_release_buffer(&minor, &back);
	gss_release_buffer(&minor, &token);

	assert_int_equal(gss_wrap(&minor, pair.initiator, 1, 0, &text, NULL, &other), GSS_S_COMPLETE);
	assert_int_equal(gss_wrap(&minor, pair.initiator, 0, 0, &text, NULL, &token), GSS_S_COMPLETE);
	assert_int_equal(gss_unwrap(&minor, pair.acceptor, &token, &back, NULL, NULL), GSS_S_GAP_TOKEN);
	gss_release_buffer(&minor, &back);
	assert_int_equal(gss_unwrap(&minor, pair.acceptor, &other, &back, NULL, NULL), GSS_S_UNSEQ_TOKEN);
	gss_release_buffer(&minor, &back);
	gss_release_buffer(&minor, &token);
	gss_release_buffer(&minor, &other);

	assert_int_equal(gss_get_mic(&minor, pair.initiator, 0, &text, &token), GSS_S_COMPLETE);
	assert_int_equal(gss_verify_mic(&minor, pair.acceptor, &garbage, &token, NULL), GSS_S_BAD_MIC);
	assert_true(minor > 100000 && minor < 200000);
	assert_int_equal(gss_verify_mic(&minor, pair.acceptor, &text, &token, NULL), GSS_S_COMPLETE);
	gss_release_buffer(&minor, &token);
	fake_finish(&pair);
	assert_int_equal(failing_live(), 0);
}

/* The message path allocates its output and nothing else. */
static void
one_allocation_a_message(void **state)
{
	gss_buffer_desc text = literal("hello"), token, back;
	struct fake_pair pair = fake_establish(0);
	OM_uint32 minor;

	for (int round = 0; round < 2; round++) {
		failing_at(round == 0 ? 0 : 2);
		assert_int_equal(gss_wrap(&minor, pair.initiator, 1, 0, &text, NULL, &token), GSS_S_COMPLETE);
		assert_false(failing_happened());
		failing_at(round == 0 ? 0 : 2);
		assert_int_equal(gss_unwrap(&minor, pair.acceptor, &token, &back, NULL, NULL), GSS_S_COMPLETE);
		assert_false(failing_happened());
		failing_at(0);
		gss_release_buffer(&minor, &token);
		gss_release_buffer(&minor, &back);
	}
	fake_finish(&pair);
}

static void
interprocess(void **state)
{
	gss_buffer_desc garbage = literal("garbage of 20 bytes."), right_oid, empty = GSS_C_EMPTY_BUFFER, token, out;
	gss_ctx_id_t context = NULL, none = NULL;
	struct fake_pair pair;
	OM_uint32 minor;
	int open;

	right_oid = (gss_buffer_desc){20, (void *)(uintptr_t) "\0\0\0\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02garbage"};
	assert_int_equal(gss_import_sec_context(&minor, &garbage, &context), 0x03090000);
	assert_int_equal(minor, 0);
	assert_int_equal(gss_import_sec_context(&minor, &right_oid, &context), GSS_S_DEFECTIVE_TOKEN);
	assert_int_not_equal(minor, 0);
	assert_int_equal(gss_import_sec_context(&minor, &empty, &context), 0x01090000);
	assert_int_equal(gss_export_sec_context(&minor, &none, &token), 0x01080000);
	assert_int_equal(gss_delete_sec_context(&minor, &none, NULL), 0x02080000);

	pair = fake_establish(0);
	assert_int_equal(gss_export_sec_context(&minor, &pair.acceptor, &token), GSS_S_COMPLETE);
	assert_null(pair.acceptor);
	assert_int_equal(gss_import_sec_context(&minor, &token, &pair.acceptor), GSS_S_COMPLETE);
	assert_int_equal(gss_inquire_context(&minor, pair.acceptor, NULL, NULL, NULL, NULL, NULL, NULL, &open), GSS_S_COMPLETE);
	assert_true(open);
	assert_int_equal(gss_import_sec_context(&minor, &token, &context), GSS_S_NO_CONTEXT);
	assert_int_equal(minor, BT_ERR_TOKEN_USED);
	gss_release_buffer(&minor, &token);
	fake_finish(&pair);

	/* Between its legs: it finishes elsewhere. */
	assert_int_equal(init(&context, NULL, &out, &minor), GSS_S_CONTINUE_NEEDED);
	gss_release_buffer(&minor, &out);
	assert_int_equal(gss_export_sec_context(&minor, &context, &token), GSS_S_COMPLETE);
	assert_int_equal(gss_import_sec_context(&minor, &token, &context), GSS_S_COMPLETE);
	gss_release_buffer(&minor, &token);
	token = token_of("02", &krb5);
	assert_int_equal(init(&context, &token, &out, &minor), GSS_S_COMPLETE);
	gss_release_buffer(&minor, &token);
	gss_delete_sec_context(&minor, &context, NULL);

	/* A time that is over on the way. */
	fake.expires_in_s = 60;
	pair = fake_establish(0);
	assert_int_equal(gss_export_sec_context(&minor, &pair.acceptor, &token), GSS_S_COMPLETE);
	ahead_s = 120;
	assert_int_equal(gss_import_sec_context(&minor, &token, &context), GSS_S_NO_CONTEXT);
	assert_int_equal(minor, BT_ERR_CONTEXT_EXPIRED);
	gss_release_buffer(&minor, &token);
	gss_delete_sec_context(&minor, &pair.initiator, NULL);

	fake.expires_in_s = -1;
	pair = fake_establish(0);
	context = pair.acceptor;
	assert_int_equal(gss_export_sec_context(&minor, &pair.acceptor, &token), GSS_S_CONTEXT_EXPIRED);
	assert_ptr_equal(pair.acceptor, context);
	assert_null(token.value);
	fake_finish(&pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(both_sides, reset),
		cmocka_unit_test_setup(first_step_fails, reset),
		cmocka_unit_test_setup(later_step_fails, reset),
		cmocka_unit_test_setup(later_step_refused, reset),
		cmocka_unit_test_setup(whose_token, reset),
		cmocka_unit_test_setup(delegation, reset),
		cmocka_unit_test_setup(bindings_arrive, reset),
		cmocka_unit_test_setup(expired_ticket, reset),
		cmocka_unit_test_setup(unsupported, reset),
		cmocka_unit_test_setup(inquire, reset),
		cmocka_unit_test_setup(one_credential, reset),
		cmocka_unit_test_setup(no_such_element, reset),
		cmocka_unit_test_setup(questions, reset),
		cmocka_unit_test_setup(store_keys, reset),
		cmocka_unit_test_setup(messages, reset),
		cmocka_unit_test_setup(one_allocation_a_message, reset),
		cmocka_unit_test_setup(interprocess, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
