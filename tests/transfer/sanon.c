/*
 * SAnon through the public calls, without a realm: who gets it, what a context between strangers can do, and that it moves through
 * other processes at each of its stages.
 */
#include "support/hand.h"
#include "support/self.h"

#include <gssapi/gssapi_ext.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { TOKEN_MAX = 4096 };

static gss_OID_desc sanon = { 10, (void *)"\x2b\x06\x01\x04\x01\xa9\x4a\x1a\x01\x6e" };
static gss_OID_set_desc only_sanon = { 1, &sanon };
static const OM_uint32 usual = GSS_C_ANON_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG;
static const char anonymous[] = "WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS";

#define exported_anonymous "\x04\x01\x00\x0c\x06\x0a\x2b\x06\x01\x04\x01\xa9\x4a\x1a\x01\x6e\x00\x00\x00\x01\x01"

static gss_name_t
name_of(const char *text, size_t len, gss_OID type)
{
	gss_buffer_desc in = { len, (void *)text };
	gss_name_t name;
	OM_uint32 minor;

	assert_int_equal(gss_import_name(&minor, &in, type, &name), GSS_S_COMPLETE);
	return name;
}

static void
forget(gss_name_t name)
{
	OM_uint32 minor;

	gss_release_name(&minor, &name);
}

static void
assert_shown(gss_name_t name, const char *want, gss_OID want_type)
{
	gss_buffer_desc text;
	OM_uint32 minor;
	gss_OID type;

	assert_int_equal(gss_display_name(&minor, name, &text, &type), GSS_S_COMPLETE);
	assert_int_equal(text.length, strlen(want));
	assert_memory_equal(text.value, want, text.length);
	assert_true(gss_oid_equal(type, want_type));
	gss_release_buffer(&minor, &text);
}

/* Both ends of a context, and what went over. */
struct two {
	gss_ctx_id_t i, a;
	gss_cred_id_t cred;
	gss_name_t target;
	gss_buffer_desc there, back;
	gss_channel_bindings_t bindings_i, bindings_a;
	OM_uint32 asked, flags_i, flags_a;
};

static void
begin(struct two *t, OM_uint32 asked)
{
	OM_uint32 minor;

	*t = (struct two){ .asked = asked, .target = name_of("host@nowhere", 12, GSS_C_NT_HOSTBASED_SERVICE) };
	assert_int_equal(gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, &only_sanon, GSS_C_ACCEPT, &t->cred, NULL, NULL), GSS_S_COMPLETE);
}

static OM_uint32
step_i(struct two *t, gss_cred_id_t cred)
{
	gss_buffer_desc out;
	gss_OID mech;
	OM_uint32 minor, time, major = gss_init_sec_context(&minor, cred, &t->i, t->target, &sanon, t->asked, 0, t->bindings_i, &t->back,
							    &mech, &out, &t->flags_i, &time);

	if (!GSS_ERROR(major))
		assert_true(gss_oid_equal(mech, &sanon));
	if (major == GSS_S_COMPLETE)
		assert_int_equal(time, GSS_C_INDEFINITE);
	if (out.length != 0)
		t->there = out;
	return major;
}

static OM_uint32
step_a(struct two *t, gss_cred_id_t cred)
{
	gss_name_t peer;
	gss_OID mech;
	OM_uint32 minor, time, major = gss_accept_sec_context(&minor, &t->a, cred, &t->there, t->bindings_a, &peer, &mech, &t->back,
							      &t->flags_a, &time, NULL);

	if (major == GSS_S_COMPLETE) {
		assert_shown(peer, anonymous, GSS_C_NT_ANONYMOUS);
		assert_true(gss_oid_equal(mech, &sanon));
		assert_int_equal(time, GSS_C_INDEFINITE);
	}
	forget(peer);
	return major;
}

static void
make(struct two *t, OM_uint32 asked)
{
	begin(t, asked);
	assert_int_equal(step_i(t, GSS_C_NO_CREDENTIAL), GSS_S_CONTINUE_NEEDED);
	assert_int_equal(step_a(t, t->cred), GSS_S_COMPLETE);
	assert_int_equal(step_i(t, GSS_C_NO_CREDENTIAL), GSS_S_COMPLETE);
}

static void
finish(struct two *t)
{
	OM_uint32 minor;
	gss_buffer_desc none;

	if (t->i != GSS_C_NO_CONTEXT) {
		assert_int_equal(gss_delete_sec_context(&minor, &t->i, &none), GSS_S_COMPLETE);
		assert_int_equal(none.length, 0);
	}
	if (t->a != GSS_C_NO_CONTEXT)
		assert_int_equal(gss_delete_sec_context(&minor, &t->a, GSS_C_NO_BUFFER), GSS_S_COMPLETE);
	gss_release_cred(&minor, &t->cred);
	gss_release_buffer(&minor, &t->there);
	gss_release_buffer(&minor, &t->back);
	forget(t->target);
}

/* ---- */

/* A server that expects to know its clients, and has not heard of this mechanism, meets nobody by it. */
static void
nobody_gets_it_unasked(void **state)
{
	gss_OID_set_desc wanted = { 1, (gss_OID)GSS_C_MA_AUTH_INIT_ANON }, transfer = { 1, (gss_OID)GSS_C_MA_CTX_TRANS };
	OM_uint32 minor;
	gss_OID_set mechs;
	gss_cred_id_t cred;
	struct two t;
	int has;

	(void)state;
	begin(&t, usual);
	assert_int_equal(step_i(&t, GSS_C_NO_CREDENTIAL), GSS_S_CONTINUE_NEEDED);
	assert_int_equal(step_a(&t, GSS_C_NO_CREDENTIAL), GSS_S_NO_CRED);
	assert_int_equal(t.back.length, 0);
	assert_null(t.a);
	/* No keys and no tickets, and so nothing; this mechanism would not have needed any. */
	assert_int_equal(GSS_ROUTINE_ERROR(gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, GSS_C_NO_OID_SET, GSS_C_BOTH, &cred, NULL, NULL)),
			 GSS_S_NO_CRED);
	assert_int_equal(gss_indicate_mechs(&minor, &mechs), GSS_S_COMPLETE);
	assert_int_equal(gss_test_oid_set_member(&minor, &sanon, mechs, &has), GSS_S_COMPLETE);
	assert_false(has);
	gss_release_oid_set(&minor, &mechs);
	assert_int_equal(gss_indicate_mechs_by_attrs(&minor, &transfer, NULL, NULL, &mechs), GSS_S_COMPLETE);
	assert_int_equal(gss_test_oid_set_member(&minor, &sanon, mechs, &has), GSS_S_COMPLETE);
	assert_false(has);
	gss_release_oid_set(&minor, &mechs);
	assert_int_equal(gss_indicate_mechs_by_attrs(&minor, &wanted, NULL, NULL, &mechs), GSS_S_COMPLETE);
	assert_int_equal(gss_test_oid_set_member(&minor, &sanon, mechs, &has), GSS_S_COMPLETE);
	assert_true(has);
	gss_release_oid_set(&minor, &mechs);
	finish(&t);
	/* Nor does an initiator become nobody by chance. */
	begin(&t, usual & ~(OM_uint32)GSS_C_ANON_FLAG);
	assert_int_equal(step_i(&t, GSS_C_NO_CREDENTIAL), GSS_S_UNAVAILABLE);
	assert_null(t.i);
	finish(&t);
}

static void
initiators_ask_by_a_name_too(void **state)
{
	gss_name_t nobody = name_of("", 0, GSS_C_NT_ANONYMOUS), alice = name_of("alice", 5, GSS_C_NT_USER_NAME);
	gss_cred_id_t cred;
	OM_uint32 minor;
	struct two t;

	(void)state;
	begin(&t, 0);
	assert_int_equal(gss_acquire_cred(&minor, nobody, 0, &only_sanon, GSS_C_INITIATE, &cred, NULL, NULL), GSS_S_COMPLETE);
	assert_int_equal(step_i(&t, cred), GSS_S_CONTINUE_NEEDED);
	gss_release_cred(&minor, &cred);
	finish(&t);
	begin(&t, 0);
	assert_int_equal(gss_acquire_cred(&minor, alice, 0, &only_sanon, GSS_C_INITIATE, &cred, NULL, NULL), GSS_S_COMPLETE);
	assert_int_equal(step_i(&t, cred), GSS_S_UNAVAILABLE);
	gss_release_cred(&minor, &cred);
	forget(t.target);
	t.target = nobody;
	assert_int_equal(step_i(&t, GSS_C_NO_CREDENTIAL), GSS_S_CONTINUE_NEEDED);
	finish(&t);
	assert_int_equal(gss_acquire_cred(&minor, alice, 0, &only_sanon, GSS_C_ACCEPT, &cred, NULL, NULL), GSS_S_NO_CRED);
	forget(alice);
}

static void
inquire(gss_ctx_id_t ctx, bool is_initiator)
{
	gss_name_t source, target;
	OM_uint32 minor, lifetime, flags;
	gss_buffer_set_t set;
	int is_local, is_open;
	gss_OID mech;

	assert_int_equal(gss_inquire_context(&minor, ctx, &source, &target, &lifetime, &mech, &flags, &is_local, &is_open), GSS_S_COMPLETE);
	assert_shown(source, anonymous, GSS_C_NT_ANONYMOUS);
	assert_shown(target, anonymous, GSS_C_NT_ANONYMOUS);
	assert_int_equal(lifetime, GSS_C_INDEFINITE);
	assert_true(gss_oid_equal(mech, &sanon));
	assert_int_equal(flags, usual | GSS_C_PROT_READY_FLAG | GSS_C_TRANS_FLAG);
	assert_true(is_open && is_local == is_initiator);
	assert_int_equal(gss_context_time(&minor, ctx, &lifetime), GSS_S_COMPLETE);
	assert_int_equal(lifetime, GSS_C_INDEFINITE);
	assert_int_equal(gss_inquire_sec_context_by_oid(&minor, ctx, (gss_OID)GSS_C_SEC_CONTEXT_SASL_SSF, &set), GSS_S_COMPLETE);
	assert_memory_equal(set->elements[0].value, "\0\0\0\x80", 4);
	gss_release_buffer_set(&minor, &set);
	forget(source);
	forget(target);
}

static void
speak(gss_ctx_id_t from, gss_ctx_id_t to)
{
	char text[] = "in four buffers", secret[16];
	gss_iov_buffer_desc iov[] = { { GSS_IOV_BUFFER_TYPE_HEADER | GSS_IOV_BUFFER_FLAG_ALLOCATE, { 0, NULL } },
				      { GSS_IOV_BUFFER_TYPE_SIGN_ONLY, { 4, (void *)"head" } },
				      { GSS_IOV_BUFFER_TYPE_DATA, { sizeof(secret), secret } },
				      { GSS_IOV_BUFFER_TYPE_TRAILER | GSS_IOV_BUFFER_FLAG_ALLOCATE, { 0, NULL } } };
	gss_buffer_desc message = { sizeof(text), text }, mic, outputs[2][2];
	OM_uint32 minor;
	int conf;

	assert_true(self_send(from, to, "in one buffer"));
	assert_int_equal(gss_get_mic(&minor, from, GSS_C_QOP_DEFAULT, &message, &mic), GSS_S_COMPLETE);
	assert_int_equal(gss_verify_mic(&minor, to, &message, &mic, NULL), GSS_S_COMPLETE);
	assert_int_equal(gss_verify_mic(&minor, to, &message, &mic, NULL), GSS_S_DUPLICATE_TOKEN);
	message.length--;
	assert_int_equal(gss_verify_mic(&minor, to, &message, &mic, NULL), GSS_S_BAD_MIC);
	gss_release_buffer(&minor, &mic);

	memcpy(secret, text, sizeof(text));
	assert_int_equal(gss_wrap_iov(&minor, from, 1, GSS_C_QOP_DEFAULT, &conf, iov, 4), GSS_S_COMPLETE);
	assert_true(conf && memcmp(secret, text, sizeof(text)) != 0);
	assert_int_equal(gss_unwrap_iov(&minor, to, &conf, NULL, iov, 4), GSS_S_COMPLETE);
	assert_true(conf);
	assert_string_equal(secret, text);
	gss_release_iov_buffer(&minor, iov, 4);

	for (int side = 0; side < 2; side++)
		for (int key = 0; key < 2; key++)
			assert_int_equal(gss_pseudo_random(&minor, side ? from : to, key ? GSS_C_PRF_KEY_FULL : GSS_C_PRF_KEY_PARTIAL,
							   &message, 50, &outputs[side][key]),
					 GSS_S_COMPLETE);
	/* One key for both kinds. draft §7 */
	for (int n = 1; n < 4; n++)
		assert_memory_equal(outputs[0][0].value, outputs[n / 2][n % 2].value, 50);
	for (int n = 0; n < 4; n++)
		gss_release_buffer(&minor, &outputs[n / 2][n % 2]);
}

static void
strangers_speak(void **state)
{
	struct two t;

	(void)state;
	make(&t, usual | GSS_C_MUTUAL_FLAG | GSS_C_DELEG_FLAG);
	assert_int_equal(t.flags_i, usual | GSS_C_PROT_READY_FLAG | GSS_C_TRANS_FLAG);
	assert_int_equal(t.flags_a, t.flags_i);
	inquire(t.i, true);
	inquire(t.a, false);
	speak(t.i, t.a);
	speak(t.a, t.i);
	finish(&t);
	make(&t, usual | GSS_C_DCE_STYLE | GSS_C_IDENTIFY_FLAG);
	assert_int_equal(t.flags_a, usual | GSS_C_PROT_READY_FLAG | GSS_C_TRANS_FLAG | GSS_C_DCE_STYLE | GSS_C_IDENTIFY_FLAG);
	speak(t.i, t.a);
	speak(t.a, t.i);
	finish(&t);
}

/* Out of this process, through another one that holds it for a while, and back. */
static void
through_another_process(gss_ctx_id_t *ctx)
{
	char bytes[TOKEN_MAX];
	gss_buffer_desc token, back = { 0, bytes };
	OM_uint32 minor;
	int ends[2], state;
	pid_t child;
	ssize_t len;

	assert_int_equal(gss_export_sec_context(&minor, ctx, &token), GSS_S_COMPLETE);
	assert_null(*ctx);
	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		gss_ctx_id_t here;

		if (gss_import_sec_context(&minor, &token, &here) != GSS_S_COMPLETE ||
		    gss_export_sec_context(&minor, &here, &back) != GSS_S_COMPLETE ||
		    write(ends[1], back.value, back.length) != (ssize_t)back.length)
			_exit(1);
		_exit(0);
	}
	close(ends[1]);
	assert_true(waitpid(child, &state, 0) == child && state == 0);
	len = read(ends[0], bytes, sizeof(bytes));
	assert_true(len > 0);
	close(ends[0]);
	back.length = (size_t)len;
	assert_int_equal(gss_import_sec_context(&minor, &token, ctx), GSS_S_NO_CONTEXT);
	assert_int_equal(gss_import_sec_context(&minor, &back, ctx), GSS_S_COMPLETE);
	gss_release_buffer(&minor, &token);
}

static void
contexts_move_at_each_stage(void **state)
{
	gss_buffer_desc text = { 3, (void *)"old" }, token, out;
	struct two t;
	OM_uint32 minor;

	(void)state;
	for (int dce = 0; dce < 2; dce++) {
		begin(&t, usual | (dce ? GSS_C_DCE_STYLE : 0));
		assert_int_equal(step_i(&t, GSS_C_NO_CREDENTIAL), GSS_S_CONTINUE_NEEDED);
		through_another_process(&t.i);
		assert_int_equal(step_a(&t, t.cred), GSS_S_COMPLETE);
		through_another_process(&t.a);
		through_another_process(&t.i);
		assert_int_equal(step_i(&t, GSS_C_NO_CREDENTIAL), GSS_S_COMPLETE);
		assert_int_equal(gss_wrap(&minor, t.i, 1, GSS_C_QOP_DEFAULT, &text, NULL, &token), GSS_S_COMPLETE);
		assert_int_equal(gss_unwrap(&minor, t.a, &token, &out, NULL, NULL), GSS_S_COMPLETE);
		gss_release_buffer(&minor, &out);
		for (int n = 0; n < 3; n++) {
			through_another_process(&t.i);
			through_another_process(&t.a);
			/* The replay window has come along. */
			assert_int_equal(gss_unwrap(&minor, t.a, &token, &out, NULL, NULL), GSS_S_DUPLICATE_TOKEN);
			gss_release_buffer(&minor, &out);
			speak(t.i, t.a);
			speak(t.a, t.i);
			if (!dce)
				inquire(t.a, false);
		}
		gss_release_buffer(&minor, &token);
		finish(&t);
	}
}

static void
bindings(void **state)
{
	struct gss_channel_bindings_struct tls = { .application_data = { 3, (void *)"tls" } };
	struct gss_channel_bindings_struct other = { .application_data = { 3, (void *)"oth" } };
	struct two t;

	(void)state;
	for (int same = 0; same < 2; same++) {
		begin(&t, usual);
		t.bindings_i = &tls;
		t.bindings_a = same ? &tls : &other;
		assert_int_equal(step_i(&t, GSS_C_NO_CREDENTIAL), GSS_S_CONTINUE_NEEDED);
		assert_int_equal(step_a(&t, t.cred), GSS_S_COMPLETE);
		assert_true((t.flags_a & GSS_C_CHANNEL_BOUND_FLAG) != 0);
		assert_int_equal(step_i(&t, GSS_C_NO_CREDENTIAL), same ? GSS_S_COMPLETE : GSS_S_BAD_MIC);
		if (same)
			speak(t.i, t.a);
		finish(&t);
	}
}

/* Of the first token every bit, as a program sees it: refused at once, or by the initiator, whose state is the same for each. */
static void
altered_tokens(void **state)
{
	struct two t, other;
	OM_uint32 major, minor;
	uint8_t *bytes;

	(void)state;
	begin(&t, usual | GSS_C_DCE_STYLE);
	assert_int_equal(step_i(&t, GSS_C_NO_CREDENTIAL), GSS_S_CONTINUE_NEEDED);
	bytes = t.there.value;
	for (size_t bit = 0; bit < t.there.length * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		major = step_a(&t, t.cred);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (bit / 8 < 14)
			assert_true(major == GSS_S_DEFECTIVE_TOKEN || major == GSS_S_BAD_MECH || major == GSS_S_FAILURE);
		else
			assert_true(major == GSS_S_COMPLETE || major == GSS_S_DEFECTIVE_TOKEN);
		gss_delete_sec_context(&minor, &t.a, GSS_C_NO_BUFFER);
		gss_release_buffer(&minor, &t.back);
	}
	finish(&t);
	/* The answer to somebody else. */
	begin(&t, usual);
	assert_int_equal(step_i(&t, GSS_C_NO_CREDENTIAL), GSS_S_CONTINUE_NEEDED);
	make(&other, usual);
	t.back = other.back;
	other.back = (gss_buffer_desc)GSS_C_EMPTY_BUFFER;
	assert_int_equal(step_i(&t, GSS_C_NO_CREDENTIAL), GSS_S_BAD_MIC);
	finish(&t);
	finish(&other);
}

static void
names(void **state)
{
	gss_name_t given = name_of("", 0, GSS_C_NT_ANONYMOUS), same = name_of("", 0, GSS_C_NT_ANONYMOUS), canonical, back, alice, again;
	gss_buffer_desc exported;
	OM_uint32 minor;
	gss_OID_set mechs;
	int equal, has;

	(void)state;
	assert_int_equal(gss_canonicalize_name(&minor, given, &sanon, &canonical), GSS_S_COMPLETE);
	assert_shown(canonical, anonymous, GSS_C_NT_ANONYMOUS);
	assert_int_equal(gss_export_name(&minor, canonical, &exported), GSS_S_COMPLETE);
	assert_int_equal(exported.length, sizeof(exported_anonymous) - 1);
	assert_memory_equal(exported.value, exported_anonymous, exported.length);
	back = name_of(exported.value, exported.length, GSS_C_NT_EXPORT_NAME);
	assert_shown(back, anonymous, GSS_C_NT_ANONYMOUS);
	for (size_t bit = 0; bit < exported.length * 8; bit++) {
		((uint8_t *)exported.value)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(GSS_ERROR(gss_import_name(&minor, &exported, GSS_C_NT_EXPORT_NAME, &again)));
		((uint8_t *)exported.value)[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	gss_release_buffer(&minor, &exported);
	assert_int_equal(gss_compare_name(&minor, canonical, back, &equal), GSS_S_COMPLETE);
	assert_false(equal);
	assert_int_equal(gss_compare_name(&minor, given, same, &equal), GSS_S_COMPLETE);
	assert_false(equal);
	assert_int_equal(gss_inquire_mechs_for_name(&minor, given, &mechs), GSS_S_COMPLETE);
	assert_int_equal(gss_test_oid_set_member(&minor, &sanon, mechs, &has), GSS_S_COMPLETE);
	assert_true(has);
	gss_release_oid_set(&minor, &mechs);
	forget(canonical);
	forget(given);

	given = name_of("alice", 5, GSS_C_NT_USER_NAME);
	assert_int_equal(gss_canonicalize_name(&minor, given, &sanon, &alice), GSS_S_COMPLETE);
	assert_int_equal(gss_canonicalize_name(&minor, given, &sanon, &again), GSS_S_COMPLETE);
	assert_shown(alice, "alice", GSS_C_NT_USER_NAME);
	/* draft §8: no two names are equal, not even a name and itself. */
	assert_int_equal(gss_compare_name(&minor, alice, again, &equal), GSS_S_COMPLETE);
	assert_false(equal);
	assert_int_equal(gss_compare_name(&minor, alice, given, &equal), GSS_S_COMPLETE);
	assert_false(equal);
	assert_int_equal(gss_export_name(&minor, alice, &exported), GSS_S_BAD_NAME);
	forget(alice);
	forget(again);
	forget(given);
	forget(same);
	forget(back);
}

static void
facts(void **state)
{
	const gss_const_OID wanted[] = { GSS_C_MA_MECH_CONCRETE, GSS_C_MA_ITOK_FRAMED, GSS_C_MA_AUTH_INIT_ANON, GSS_C_MA_AUTH_TARG_ANON,
					 GSS_C_MA_INTEG_PROT,	 GSS_C_MA_CONF_PROT,   GSS_C_MA_MIC,		GSS_C_MA_WRAP,
					 GSS_C_MA_REPLAY_DET,	 GSS_C_MA_OOS_DET,     GSS_C_MA_CBINDINGS,	GSS_C_MA_PFS,
					 GSS_C_MA_CTX_TRANS };
	gss_buffer_desc sasl, name, words;
	gss_OID_set has, known;
	OM_uint32 minor;
	int present;

	(void)state;
	assert_int_equal(gss_inquire_attrs_for_mech(&minor, &sanon, &has, &known), GSS_S_COMPLETE);
	assert_int_equal(has->count, sizeof(wanted) / sizeof(*wanted));
	for (size_t i = 0; i < has->count; i++) {
		assert_int_equal(gss_test_oid_set_member(&minor, (gss_OID)wanted[i], has, &present), GSS_S_COMPLETE);
		assert_true(present);
	}
	gss_release_oid_set(&minor, &has);
	gss_release_oid_set(&minor, &known);
	assert_int_equal(gss_inquire_saslname_for_mech(&minor, &sanon, &sasl, &name, &words), GSS_S_UNAVAILABLE);
	assert_null(sasl.value);
	assert_int_equal(gss_inquire_names_for_mech(&minor, &sanon, &has), GSS_S_COMPLETE);
	assert_int_equal(gss_test_oid_set_member(&minor, GSS_C_NT_ANONYMOUS, has, &present), GSS_S_COMPLETE);
	assert_true(present);
	gss_release_oid_set(&minor, &has);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_gets_it_unasked),
		cmocka_unit_test(initiators_ask_by_a_name_too),
		cmocka_unit_test(strangers_speak),
		cmocka_unit_test(contexts_move_at_each_stage),
		cmocka_unit_test(bindings),
		cmocka_unit_test(altered_tokens),
		cmocka_unit_test(names),
		cmocka_unit_test(facts),
	};

	/* No realm: what looks for one finds nothing. */
	setenv("KRB5_CONFIG", "/dev/null", 1);
	setenv("KRB5_KTNAME", "FILE:/proc/none", 1);
	setenv("KRB5CCNAME", "FILE:/proc/none", 1);
	setenv("KRB5_CLIENT_KTNAME", "FILE:/proc/none", 1);
	return cmocka_run_group_tests_name("sanon", tests, claims_begin, claims_end);
}
