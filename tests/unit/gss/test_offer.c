/*
 * What a negotiation may come out at: by default, by a credential's elements, by gss_set_neg_mechs; and what is told to programs when it
 * has come out. Kerberos is the fake one, SAnon and SPNEGO are what they are.
 */
#include "fake_mech.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/oid.h"
#include "failing.h"
#include "gss/mechs.h"
#include "mech/spnego/token.h"
#include "wire/frame.h"

static gss_OID_desc krb5 = {9, (void *)(uintptr_t) "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
static gss_OID_desc wrong_krb5 = {9, (void *)(uintptr_t) "\x2a\x86\x48\x82\xf7\x12\x01\x02\x02"};
static gss_OID_desc spnego = {6, (void *)(uintptr_t) "\x2b\x06\x01\x05\x05\x02"};
static gss_OID_desc sanon = {10, (void *)(uintptr_t) "\x2b\x06\x01\x04\x01\xa9\x4a\x1a\x01\x6e"};
static gss_OID_desc unknown = {3, (void *)(uintptr_t) "\x2a\x03\x04"};

static gss_cred_id_t
acquire(gss_OID_desc *list, size_t count, gss_cred_usage_t usage)
{
	gss_OID_set_desc wanted = {count, list};
	gss_cred_id_t cred;
	OM_uint32 minor;

	assert_int_equal(gss_acquire_cred(&minor, NULL, 0, list != NULL ? &wanted : NULL, usage, &cred, NULL, NULL),
			 GSS_S_COMPLETE);
	return cred;
}

/* A letter for each mechanism of the first token's list: k, s, or ?. */
static void
must_offer(gss_cred_id_t cred, OM_uint32 flags, const char *letters)
{
	struct bt_bytes oid, body, mechs[BT_SPNEGO_MECHS_MAX];
	gss_name_t target = fake_target();
	gss_ctx_id_t context = NULL;
	struct bt_spnego_init init;
	gss_buffer_desc token;
	char found[BT_SPNEGO_MECHS_MAX + 1] = "";
	gss_OID mech;
	OM_uint32 minor;

	assert_int_equal(
	    gss_init_sec_context(&minor, cred, &context, target, &spnego, flags, 0, NULL, NULL, &mech, &token, NULL, NULL),
	    GSS_S_CONTINUE_NEEDED);
	assert_true(gss_oid_equal(mech, &spnego));
	assert_int_equal(bt_frame_read(bt_bytes_of(token.value, token.length), &oid, &body), 0);
	assert_int_equal(bt_spnego_read_init(body, &init), 0);
	assert_true(init.mech_token.len != 0);
	for (size_t i = 0, num = bt_spnego_read_mechs(init.mech_list, mechs); i < num; i++)
		found[i] = bt_bytes_equal(mechs[i], bt_oid_view(&krb5))	   ? 'k'
			   : bt_bytes_equal(mechs[i], bt_oid_view(&sanon)) ? 's'
									   : '?';
	assert_string_equal(found, letters);
	gss_release_buffer(&minor, &token);
	gss_release_name(&minor, &target);
	gss_delete_sec_context(&minor, &context, NULL);
}

static void
set_neg(gss_cred_id_t cred, gss_OID_desc *list, size_t count)
{
	gss_OID_set_desc set = {count, list};
	OM_uint32 minor;

	assert_int_equal(gss_set_neg_mechs(&minor, cred, &set), GSS_S_COMPLETE);
}

static void
initiators_offer(void **state)
{
	gss_OID_desc both[] = {spnego, sanon}, order[] = {unknown, sanon, wrong_krb5, krb5, sanon};
	gss_cred_id_t cred;
	OM_uint32 minor;

	/* By default, what authenticates; with the anonymous flag, the other too. */
	must_offer(NULL, 0, "k");
	must_offer(NULL, GSS_C_ANON_FLAG, "ks");
	/* A credential has what it was acquired for, however it was. */
	cred = acquire(NULL, 0, GSS_C_INITIATE);
	must_offer(cred, GSS_C_ANON_FLAG, "k");
	gss_release_cred(&minor, &cred);
	cred = acquire(&spnego, 1, GSS_C_INITIATE);
	must_offer(cred, 0, "k");
	gss_release_cred(&minor, &cred);
	cred = acquire(&krb5, 1, GSS_C_INITIATE);
	must_offer(cred, 0, "k");
	gss_release_cred(&minor, &cred);
	cred = acquire(both, 2, GSS_C_INITIATE);
	must_offer(cred, GSS_C_ANON_FLAG, "ks");
	/* In the program's order; aliases, repetitions and strangers are nothing of their own. */
	set_neg(cred, order, 5);
	must_offer(cred, GSS_C_ANON_FLAG, "sk");
	set_neg(cred, order + 2, 2);
	must_offer(cred, GSS_C_ANON_FLAG, "k");
	gss_release_cred(&minor, &cred);
	assert_int_equal(failing_live(), 0);
}

static void
nothing_to_offer(void **state)
{
	gss_cred_id_t cred = acquire(&spnego, 1, GSS_C_BOTH);
	gss_name_t target = fake_target(), bad;
	gss_buffer_desc bad_text = {3, (void *)(uintptr_t) "bad"}, token = {0, NULL}, out;
	gss_ctx_id_t context = NULL;
	OM_uint32 minor;

	set_neg(cred, &unknown, 1);
	assert_int_equal(
	    gss_init_sec_context(&minor, cred, &context, target, &spnego, 0, 0, NULL, NULL, NULL, &out, NULL, NULL),
	    GSS_S_NO_CRED);
	assert_int_equal(minor, BT_ERR_NO_CRED);
	assert_int_equal(gss_accept_sec_context(&minor, &context, cred, &token, NULL, NULL, NULL, &out, NULL, NULL, NULL),
			 GSS_S_NO_CRED);
	assert_null(context);
	set_neg(cred, NULL, 0);
	assert_int_equal(
	    gss_init_sec_context(&minor, cred, &context, target, &spnego, 0, 0, NULL, NULL, NULL, &out, NULL, NULL),
	    GSS_S_NO_CRED);
	gss_release_cred(&minor, &cred);
	/* A name that no mechanism reads. */
	gss_import_name(&minor, &bad_text, GSS_C_NT_USER_NAME, &bad);
	assert_int_equal(gss_init_sec_context(&minor, NULL, &context, bad, &spnego, 0, 0, NULL, NULL, NULL, &out, NULL, NULL),
			 GSS_S_BAD_NAME);
	assert_null(context);
	/* What Kerberos says is wrong is wrong with the same numbers. */
	fake.init_error = -1765328243;
	assert_int_equal(
	    gss_init_sec_context(&minor, NULL, &context, target, &spnego, 0, 0, NULL, NULL, NULL, &out, NULL, NULL),
	    GSS_S_NO_CRED);
	assert_int_equal((int)minor, -1765328243);
	assert_null(context);
	/* An acceptor's credential for something else. */
	cred = acquire(&krb5, 1, GSS_C_ACCEPT);
	assert_int_equal(gss_accept_sec_context(&minor, &context, cred, &token, NULL, NULL, NULL, &out, NULL, NULL, NULL),
			 GSS_S_NO_CRED);
	gss_release_cred(&minor, &cred);
	gss_release_name(&minor, &bad);
	gss_release_name(&minor, &target);
	assert_int_equal(failing_live(), 0);
}

static void
credentials(void **state)
{
	gss_cred_id_t cred = acquire(&spnego, 1, GSS_C_ACCEPT), more;
	gss_OID_set mechs;
	OM_uint32 minor, lifetime;
	gss_cred_usage_t usage;
	gss_name_t target = fake_target();
	gss_ctx_id_t context = NULL;
	gss_buffer_desc out;

	/* It is SPNEGO's and not Kerberos'. */
	assert_int_equal(gss_inquire_cred(&minor, cred, NULL, &lifetime, &usage, &mechs), GSS_S_COMPLETE);
	assert_int_equal(mechs->count, 1);
	assert_true(gss_oid_equal(&mechs->elements[0], &spnego));
	assert_int_equal(usage, GSS_C_ACCEPT);
	assert_true(lifetime != 0);
	gss_release_oid_set(&minor, &mechs);
	assert_int_equal(gss_inquire_cred_by_mech(&minor, cred, &spnego, NULL, NULL, &lifetime, &usage), GSS_S_COMPLETE);
	assert_int_equal(usage, GSS_C_ACCEPT);
	assert_int_equal(gss_inquire_cred_by_mech(&minor, cred, &krb5, NULL, NULL, NULL, NULL), GSS_S_NO_CRED);
	assert_int_equal(gss_init_sec_context(&minor, cred, &context, target, &krb5, 0, 0, NULL, NULL, NULL, &out, NULL, NULL),
			 GSS_S_NO_CRED);
	assert_int_equal(gss_add_cred(&minor, cred, NULL, &spnego, GSS_C_ACCEPT, 0, 0, NULL, NULL, NULL, NULL),
			 GSS_S_DUPLICATE_ELEMENT);
	/* A copy goes on with what was said about negotiations. */
	set_neg(cred, &unknown, 1);
	assert_int_equal(gss_add_cred(&minor, cred, NULL, &krb5, GSS_C_BOTH, 0, 0, &more, NULL, NULL, NULL), GSS_S_COMPLETE);
	assert_int_equal(
	    gss_init_sec_context(&minor, more, &context, target, &spnego, 0, 0, NULL, NULL, NULL, &out, NULL, NULL),
	    GSS_S_NO_CRED);
	gss_release_cred(&minor, &more);
	gss_release_cred(&minor, &cred);
	/* The default one. */
	assert_int_equal(gss_inquire_cred_by_mech(&minor, NULL, &spnego, NULL, NULL, NULL, &usage), GSS_S_COMPLETE);
	/* Added to one that has none. */
	cred = acquire(&krb5, 1, GSS_C_BOTH);
	assert_int_equal(gss_set_neg_mechs(&minor, cred, &(gss_OID_set_desc){1, &krb5}), GSS_S_UNAVAILABLE);
	assert_int_equal(gss_add_cred(&minor, cred, NULL, &spnego, GSS_C_BOTH, 0, 0, NULL, &mechs, &lifetime, NULL),
			 GSS_S_COMPLETE);
	assert_int_equal(mechs->count, 2);
	assert_true(lifetime != 0);
	gss_release_oid_set(&minor, &mechs);
	set_neg(cred, &krb5, 1);
	gss_release_cred(&minor, &cred);
	/* None has one: what kept the first from it is told. */
	fake.acquire_error = -1765328243;
	assert_int_equal(gss_acquire_cred(&minor, NULL, 0, &(gss_OID_set_desc){1, &spnego}, GSS_C_BOTH, &cred, NULL, NULL),
			 GSS_S_NO_CRED);
	assert_int_equal((int)minor, -1765328243);
	gss_release_name(&minor, &target);
	assert_int_equal(failing_live(), 0);
}

static void
comes_out_as_kerberos(void **state)
{
	for (OM_uint32 mutual = 0; mutual < 2; mutual++) {
		gss_OID mech_i = NULL, mech_a = NULL;
		gss_ctx_id_t i = NULL, a = NULL;
		gss_buffer_desc in = {0, NULL}, out, text;
		gss_name_t target = fake_target(), source = NULL;
		gss_cred_id_t delegated = NULL;
		OM_uint32 minor, flags, lifetime;

		fake.delegates = true;
		assert_int_equal(gss_init_sec_context(&minor, NULL, &i, target, &spnego, mutual != 0 ? GSS_C_MUTUAL_FLAG : 0, 0,
						      NULL, &in, &mech_i, &out, &flags, &lifetime),
				 GSS_S_CONTINUE_NEEDED);
		assert_true((flags & (GSS_C_PROT_READY_FLAG | GSS_C_TRANS_FLAG)) == 0);
		assert_int_equal(
		    gss_accept_sec_context(&minor, &a, NULL, &out, NULL, &source, &mech_a, &in, &flags, &lifetime, &delegated),
		    GSS_S_COMPLETE);
		fake.delegates = false;
		gss_release_buffer(&minor, &out);
		assert_true(gss_oid_equal(mech_a, &krb5));
		assert_true((flags & GSS_C_DELEG_FLAG) != 0 && (flags & GSS_C_PROT_READY_FLAG) != 0);
		assert_non_null(delegated);
		assert_true(lifetime >= 3599 && lifetime <= 3600);
		assert_int_equal(gss_display_name(&minor, source, &text, NULL), GSS_S_COMPLETE);
		assert_memory_equal(text.value, "alice@REALM", 11);
		gss_release_buffer(&minor, &text);
		/* The fake sends its reply also where none was asked for: then it is one too many. */
		if (mutual != 0) {
			assert_int_equal(gss_init_sec_context(&minor, NULL, &i, target, &spnego, GSS_C_MUTUAL_FLAG, 0, NULL,
							      &in, &mech_i, &out, &flags, NULL),
					 GSS_S_COMPLETE);
			assert_int_equal(out.length, 0);
			assert_true(gss_oid_equal(mech_i, &krb5));
		} else {
			assert_int_equal(gss_init_sec_context(&minor, NULL, &i, target, &spnego, 0, 0, NULL, &in, &mech_i, &out,
							      &flags, NULL),
					 GSS_S_DEFECTIVE_TOKEN);
			/* The peer is told, and all that is left is to delete the handle. */
			assert_true(out.length != 0);
			gss_release_buffer(&minor, &out);
			assert_int_equal(gss_inquire_context(&minor, i, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
					 GSS_S_NO_CONTEXT);
		}
		gss_release_buffer(&minor, &in);
		gss_release_name(&minor, &source);
		gss_release_name(&minor, &target);
		gss_release_cred(&minor, &delegated);
		gss_delete_sec_context(&minor, &i, NULL);
		gss_delete_sec_context(&minor, &a, NULL);
		assert_int_equal(failing_live(), 0);
	}
}

/* It goes by the hand of the mechanism that made it. */
static void
nobody_wants_the_credential(void **state)
{
	gss_ctx_id_t i = NULL, a = NULL;
	gss_name_t target = fake_target();
	gss_buffer_desc in, out;
	OM_uint32 minor;

	fake.delegates = true;
	assert_int_equal(gss_init_sec_context(&minor, NULL, &i, target, &spnego, 0, 0, NULL, NULL, NULL, &out, NULL, NULL),
			 GSS_S_CONTINUE_NEEDED);
	assert_int_equal(gss_accept_sec_context(&minor, &a, NULL, &out, NULL, NULL, NULL, &in, NULL, NULL, NULL),
			 GSS_S_COMPLETE);
	fake.delegates = false;
	gss_release_buffer(&minor, &out);
	gss_release_buffer(&minor, &in);
	gss_release_name(&minor, &target);
	gss_delete_sec_context(&minor, &i, NULL);
	gss_delete_sec_context(&minor, &a, NULL);
	assert_int_equal(failing_live(), 0);
}

/* Each allocation of a whole negotiation fails once. */
static void
no_memory(void **state)
{
	gss_OID_desc both[] = {spnego, sanon}, order[] = {sanon, krb5};
	bool happened = true;

	for (size_t nth = 1; happened; nth++) {
		gss_cred_id_t cred = NULL;
		gss_ctx_id_t i = NULL, a = NULL;
		gss_buffer_desc in = {0, NULL}, out = {0, NULL};
		gss_name_t target = fake_target(), source = NULL;
		OM_uint32 minor, major;

		assert_true(nth < 1000);
		failing_at(nth);
		major = gss_acquire_cred(&minor, NULL, 0, &(gss_OID_set_desc){2, both}, GSS_C_INITIATE, &cred, NULL, NULL);
		if (major == GSS_S_COMPLETE)
			major = gss_set_neg_mechs(&minor, cred, &(gss_OID_set_desc){2, order});
		if (major == GSS_S_COMPLETE)
			major = gss_init_sec_context(&minor, cred, &i, target, &spnego, GSS_C_ANON_FLAG | GSS_C_MUTUAL_FLAG, 0,
						     NULL, NULL, NULL, &out, NULL, NULL);
		/* The acceptor has no SAnon: the choice is the second, and there are MICs. */
		while (major == GSS_S_CONTINUE_NEEDED) {
			gss_release_buffer(&minor, &in);
			major = gss_accept_sec_context(&minor, &a, NULL, &out, NULL, &source, NULL, &in, NULL, NULL, NULL);
			gss_release_buffer(&(OM_uint32){0}, &out);
			if (GSS_ERROR(major) || in.length == 0)
				break;
			major = gss_init_sec_context(&minor, cred, &i, target, &spnego, GSS_C_ANON_FLAG | GSS_C_MUTUAL_FLAG, 0,
						     NULL, &in, NULL, &out, NULL, NULL);
			gss_release_buffer(&(OM_uint32){0}, &in);
			if (major == GSS_S_COMPLETE && out.length != 0)
				major =
				    gss_accept_sec_context(&minor, &a, NULL, &out, NULL, &source, NULL, &in, NULL, NULL, NULL);
		}
		happened = failing_happened();
		failing_at(0);
		if (!happened)
			assert_int_equal(major, GSS_S_COMPLETE);
		gss_release_buffer(&minor, &in);
		gss_release_buffer(&minor, &out);
		gss_release_name(&minor, &source);
		gss_release_name(&minor, &target);
		gss_release_cred(&minor, &cred);
		if (i != NULL)
			gss_delete_sec_context(&minor, &i, NULL);
		if (a != NULL)
			gss_delete_sec_context(&minor, &a, NULL);
		if (failing_live() != 0)
			fail_msg("allocation %zu failing: leaks", nth);
	}
}

/* What MIT's library says of it. */
static void
facts(void **state)
{
	gss_buffer_desc sasl, name, words, wanted = {6, (void *)(uintptr_t) "SPNEGO"};
	gss_OID_set set;
	OM_uint32 minor;
	gss_OID mech;
	int has;

	assert_int_equal(gss_inquire_saslname_for_mech(&minor, &spnego, &sasl, &name, &words), GSS_S_COMPLETE);
	assert_int_equal(sasl.length, 6);
	assert_memory_equal(sasl.value, "SPNEGO", 6);
	assert_memory_equal(name.value, "spnego", 6);
	gss_release_buffer(&minor, &sasl);
	gss_release_buffer(&minor, &name);
	gss_release_buffer(&minor, &words);
	assert_int_equal(gss_inquire_mech_for_saslname(&minor, &wanted, &mech), GSS_S_COMPLETE);
	assert_true(gss_oid_equal(mech, &spnego));
	assert_int_equal(gss_inquire_names_for_mech(&minor, &spnego, &set), GSS_S_COMPLETE);
	assert_int_equal(set->count, 4);
	gss_release_oid_set(&minor, &set);
	assert_int_equal(gss_inquire_attrs_for_mech(&minor, &spnego, &set, NULL), GSS_S_COMPLETE);
	assert_int_equal(set->count, 2);
	gss_test_oid_set_member(&minor, (gss_OID)(uintptr_t)GSS_C_MA_MECH_NEGO, set, &has);
	assert_true(has);
	gss_test_oid_set_member(&minor, (gss_OID)(uintptr_t)GSS_C_MA_ITOK_FRAMED, set, &has);
	assert_true(has);
	gss_release_oid_set(&minor, &set);
	assert_int_equal(failing_live(), 0);
}

/* Refusals in SPNEGO's name have texts. */
static void
refusals(void **state)
{
	static const char no_mech_of_ours[] =
	    "\x60\x17\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x0d\x30\x0b\xa0\x09\x30\x07\x06\x05\x2a\x03\x04\x05\x06";
	gss_buffer_desc token = {sizeof no_mech_of_ours - 1, (void *)(uintptr_t)no_mech_of_ours}, out, text;
	gss_ctx_id_t context = NULL;
	gss_name_t target = fake_target(), name;
	OM_uint32 minor, more = 0, got;

	assert_int_equal(gss_accept_sec_context(&got, &context, NULL, &token, NULL, NULL, NULL, &out, NULL, NULL, NULL),
			 GSS_S_BAD_MECH);
	assert_int_equal(got, BT_ERR_NEGO_NONE);
	assert_null(context);
	gss_display_status(&minor, got, GSS_C_MECH_CODE, &spnego, &more, &text);
	assert_memory_equal(text.value, "No offered mechanism", 20);
	gss_release_buffer(&minor, &text);
	/* The other side hears of it. */
	assert_int_equal(
	    gss_init_sec_context(&minor, NULL, &context, target, &spnego, 0, 0, NULL, NULL, NULL, &token, NULL, NULL),
	    GSS_S_CONTINUE_NEEDED);
	gss_release_buffer(&minor, &token);
	assert_int_equal(
	    gss_init_sec_context(&got, NULL, &context, target, &spnego, 0, 0, NULL, &out, NULL, &token, NULL, NULL),
	    GSS_S_BAD_MECH);
	assert_int_equal(got, BT_ERR_NEGO_REJECTED);
	gss_release_buffer(&minor, &out);
	gss_delete_sec_context(&minor, &context, NULL);
	/* Its form of a name is that of what it will come out at. */
	assert_int_equal(gss_canonicalize_name(&minor, target, &spnego, &name), GSS_S_COMPLETE);
	assert_int_equal(gss_display_name(&minor, name, &text, NULL), GSS_S_COMPLETE);
	gss_release_buffer(&minor, &text);
	gss_release_name(&minor, &name);
	gss_release_name(&minor, &target);
	assert_int_equal(failing_live(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(initiators_offer),
	    cmocka_unit_test(nothing_to_offer),
	    cmocka_unit_test(credentials),
	    cmocka_unit_test(comes_out_as_kerberos),
	    cmocka_unit_test(nobody_wants_the_credential),
	    cmocka_unit_test(no_memory),
	    cmocka_unit_test(facts),
	    cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests_name("offer", tests, NULL, NULL);
}
