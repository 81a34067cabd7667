/*
 * Memory that runs out: each public call that a context's life is made of is run with the library's first, second, ... allocation failing.
 * Outputs are empty, nothing leaks, and the context, or the token, works afterwards.
 */
#include "support/hand.h"
#include "support/heap.h"
#include "support/self.h"

#include <gssapi/gssapi_ext.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- what every call has at hand ---- */

enum { NTH_MAX = 2000 };

static const OM_uint32 usual = GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG;

struct scene {
	gss_ctx_id_t i, a;          /* established */
	gss_buffer_desc token;      /* of another context, exported; or of a message; or of a step */
	gss_name_t target;
	OM_uint32 major, minor;     /* of the call under test */
};

static void
put_text(gss_buffer_t out, const char *text)
{
	*out = (gss_buffer_desc){ strlen(text), (void *)text };
}

static void
assert_empty(const gss_buffer_desc *b)
{
	assert_int_equal(b->length, 0);
	assert_null(b->value);
}

static void
make_target(struct scene *s)
{
	gss_buffer_desc text;
	OM_uint32 minor;

	put_text(&text, "host@server.baton.test");
	assert_int_equal(gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &s->target), GSS_S_COMPLETE);
}

static OM_uint32
init_step(struct scene *s, gss_ctx_id_t *ctx, OM_uint32 flags, gss_buffer_t in, gss_buffer_t out)
{
	s->major = gss_init_sec_context(&s->minor, GSS_C_NO_CREDENTIAL, ctx, s->target, GSS_C_NO_OID, flags, 0, GSS_C_NO_CHANNEL_BINDINGS, in,
					NULL, out, NULL, NULL);
	return s->major;
}

/* ---- the calls; each is armed, judges its own outputs, and says whether all went well ---- */

static void
call_export(struct scene *s)
{
	gss_ctx_id_t before = s->a;
	OM_uint32 ignored;

	s->major = gss_export_sec_context(&s->minor, &s->a, &s->token);
	heap_fail_at(0);
	if (s->major == GSS_S_COMPLETE) {
		assert_null(s->a);
		assert_int_equal(gss_import_sec_context(&ignored, &s->token, &s->a), GSS_S_COMPLETE);
	} else {
		assert_ptr_equal(s->a, before);
		assert_empty(&s->token);
	}
	gss_release_buffer(&ignored, &s->token);
}

static void
prepare_import(struct scene *s)
{
	OM_uint32 minor;

	assert_int_equal(gss_export_sec_context(&minor, &s->a, &s->token), GSS_S_COMPLETE);
}

static void
call_import(struct scene *s)
{
	OM_uint32 ignored;

	s->major = gss_import_sec_context(&s->minor, &s->token, &s->a);
	heap_fail_at(0);
	if (s->major != GSS_S_COMPLETE) {
		assert_null(s->a);
		assert_int_equal(gss_import_sec_context(&ignored, &s->token, &s->a), GSS_S_COMPLETE);
	}
	gss_release_buffer(&ignored, &s->token);
}

static void
call_wrap(struct scene *s)
{
	gss_buffer_desc text, token = { 7, &token };
	OM_uint32 ignored;

	put_text(&text, "a text to wrap");
	s->major = gss_wrap(&s->minor, s->i, 1, GSS_C_QOP_DEFAULT, &text, NULL, &token);
	heap_fail_at(0);
	if (s->major == GSS_S_COMPLETE) {
		gss_buffer_desc out;

		assert_int_equal(gss_unwrap(&ignored, s->a, &token, &out, NULL, NULL), GSS_S_COMPLETE);
		gss_release_buffer(&ignored, &out);
	} else {
		assert_empty(&token);
	}
	gss_release_buffer(&ignored, &token);
}

static void
prepare_message(struct scene *s)
{
	gss_buffer_desc text;
	OM_uint32 minor;

	put_text(&text, "a text that is wrapped");
	assert_int_equal(gss_wrap(&minor, s->i, 1, GSS_C_QOP_DEFAULT, &text, NULL, &s->token), GSS_S_COMPLETE);
}

static void
call_unwrap(struct scene *s)
{
	gss_buffer_desc out = { 7, &out };
	OM_uint32 ignored;

	s->major = gss_unwrap(&s->minor, s->a, &s->token, &out, NULL, NULL);
	heap_fail_at(0);
	if (s->major != GSS_S_COMPLETE) {
		assert_empty(&out);
		/* The message was not received, so it is no duplicate now. */
		assert_int_equal(gss_unwrap(&ignored, s->a, &s->token, &out, NULL, NULL), GSS_S_COMPLETE);
	}
	gss_release_buffer(&ignored, &out);
	gss_release_buffer(&ignored, &s->token);
}

static void
call_mic(struct scene *s)
{
	gss_buffer_desc text, mic = { 7, &mic };
	OM_uint32 ignored;

	put_text(&text, "a text to sign");
	s->major = gss_get_mic(&s->minor, s->i, GSS_C_QOP_DEFAULT, &text, &mic);
	if (s->major == GSS_S_COMPLETE)
		s->major = gss_verify_mic(&s->minor, s->a, &text, &mic, NULL);
	else
		assert_empty(&mic);
	heap_fail_at(0);
	if (s->major != GSS_S_COMPLETE && mic.length != 0)
		assert_int_equal(gss_verify_mic(&ignored, s->a, &text, &mic, NULL), GSS_S_COMPLETE);
	gss_release_buffer(&ignored, &mic);
}

static void
call_iov(struct scene *s)
{
	char text[] = "a text in pieces";
	gss_iov_buffer_desc iov[4] = {
		{ GSS_IOV_BUFFER_TYPE_HEADER | GSS_IOV_BUFFER_FLAG_ALLOCATE, GSS_C_EMPTY_BUFFER },
		{ GSS_IOV_BUFFER_TYPE_DATA, { sizeof(text), text } },
		{ GSS_IOV_BUFFER_TYPE_PADDING | GSS_IOV_BUFFER_FLAG_ALLOCATE, GSS_C_EMPTY_BUFFER },
		{ GSS_IOV_BUFFER_TYPE_TRAILER | GSS_IOV_BUFFER_FLAG_ALLOCATE, GSS_C_EMPTY_BUFFER },
	};
	OM_uint32 ignored;

	s->major = gss_wrap_iov(&s->minor, s->i, 1, GSS_C_QOP_DEFAULT, NULL, iov, 4);
	heap_fail_at(0);
	if (s->major == GSS_S_COMPLETE)
		assert_int_equal(gss_unwrap_iov(&ignored, s->a, NULL, NULL, iov, 4), GSS_S_COMPLETE);
	assert_int_equal(strcmp(text, "a text in pieces"), 0);
	gss_release_iov_buffer(&ignored, iov, 4);
}

static void
call_inquire(struct scene *s)
{
	gss_name_t source = GSS_C_NO_NAME, target = GSS_C_NO_NAME;
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 ignored;

	s->major = gss_inquire_context(&s->minor, s->a, &source, &target, NULL, NULL, NULL, NULL, NULL);
	if (s->major != GSS_S_COMPLETE) {
		assert_null(source);
		assert_null(target);
	} else {
		s->major = gss_display_name(&s->minor, source, &text, NULL);
		if (s->major != GSS_S_COMPLETE)
			assert_empty(&text);
	}
	heap_fail_at(0);
	gss_release_buffer(&ignored, &text);
	gss_release_name(&ignored, &source);
	gss_release_name(&ignored, &target);
}

static void
call_inquire_oid(struct scene *s)
{
	static gss_OID_desc authz = { 12, (void *)"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x0a\x01" };
	gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
	OM_uint32 ignored;

	s->major = gss_inquire_sec_context_by_oid(&s->minor, s->a, (gss_OID)GSS_C_INQ_SSPI_SESSION_KEY, &set);
	if (s->major == GSS_S_COMPLETE) {
		gss_release_buffer_set(&ignored, &set);
		s->major = gss_inquire_sec_context_by_oid(&s->minor, s->a, &authz, &set);
	}
	heap_fail_at(0);
	assert_true(s->major == GSS_S_COMPLETE || set == GSS_C_NO_BUFFER_SET);
	gss_release_buffer_set(&ignored, &set);
}

static void
call_prf(struct scene *s)
{
	gss_buffer_desc seed, out = GSS_C_EMPTY_BUFFER;
	OM_uint32 ignored;

	put_text(&seed, "seed");
	s->major = gss_pseudo_random(&s->minor, s->a, GSS_C_PRF_KEY_FULL, &seed, 100, &out);
	heap_fail_at(0);
	assert_true(s->major == GSS_S_COMPLETE || out.length == 0);
	gss_release_buffer(&ignored, &out);
}

static void
call_init(struct scene *s)
{
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
	gss_buffer_desc out = { 7, &out };
	OM_uint32 ignored;

	init_step(s, &ctx, usual | GSS_C_DELEG_FLAG, GSS_C_NO_BUFFER, &out);
	heap_fail_at(0);
	if (s->major == GSS_S_CONTINUE_NEEDED) {
		s->major = GSS_S_COMPLETE;
		gss_delete_sec_context(&ignored, &ctx, GSS_C_NO_BUFFER);
		gss_release_buffer(&ignored, &out);
	}
	if (s->major != GSS_S_COMPLETE) {
		assert_null(ctx);
		assert_empty(&out);
	}
}

/* The first step, then export of what is half open, its import, and the second step. */
static void
call_init_in_halves(struct scene *s)
{
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT, other = GSS_C_NO_CONTEXT;
	gss_buffer_desc out = GSS_C_EMPTY_BUFFER, reply = GSS_C_EMPTY_BUFFER, moved = GSS_C_EMPTY_BUFFER, none = GSS_C_EMPTY_BUFFER;
	int armed = heap_fail_at(0);
	OM_uint32 ignored;

	assert_int_equal(init_step(s, &ctx, usual, GSS_C_NO_BUFFER, &out), GSS_S_CONTINUE_NEEDED);
	assert_int_equal(gss_accept_sec_context(&ignored, &other, GSS_C_NO_CREDENTIAL, &out, GSS_C_NO_CHANNEL_BINDINGS, NULL, NULL, &reply, NULL,
						NULL, NULL),
			 GSS_S_COMPLETE);
	heap_fail_at(armed);
	s->major = gss_export_sec_context(&s->minor, &ctx, &moved);
	if (s->major == GSS_S_COMPLETE)
		s->major = gss_import_sec_context(&s->minor, &moved, &ctx);
	else
		assert_empty(&moved);
	if (s->major != GSS_S_COMPLETE) {
		heap_fail_at(0);
		if (ctx == GSS_C_NO_CONTEXT)
			assert_int_equal(gss_import_sec_context(&ignored, &moved, &ctx), GSS_S_COMPLETE);
		assert_int_equal(gss_init_sec_context(&ignored, GSS_C_NO_CREDENTIAL, &ctx, s->target, GSS_C_NO_OID, usual, 0,
						      GSS_C_NO_CHANNEL_BINDINGS, &reply, NULL, &none, NULL, NULL),
				 GSS_S_COMPLETE);
		assert_true(self_send(ctx, other, "through"));
	} else {
		init_step(s, &ctx, usual, &reply, &none);
		heap_fail_at(0);
		assert_empty(&none);
		if (s->major == GSS_S_COMPLETE)
			assert_true(self_send(ctx, other, "through"));
	}
	gss_release_buffer(&ignored, &out);
	gss_release_buffer(&ignored, &reply);
	gss_release_buffer(&ignored, &moved);
	gss_delete_sec_context(&ignored, &ctx, GSS_C_NO_BUFFER);
	gss_delete_sec_context(&ignored, &other, GSS_C_NO_BUFFER);
}

static void
prepare_accept(struct scene *s)
{
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
	OM_uint32 ignored;

	assert_int_equal(init_step(s, &ctx, usual | GSS_C_DELEG_FLAG, GSS_C_NO_BUFFER, &s->token), GSS_S_CONTINUE_NEEDED);
	gss_delete_sec_context(&ignored, &ctx, GSS_C_NO_BUFFER);
}

static void
call_accept(struct scene *s)
{
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
	gss_buffer_desc out = { 7, &out };
	gss_name_t source = GSS_C_NO_NAME;
	gss_cred_id_t delegated = GSS_C_NO_CREDENTIAL;
	OM_uint32 ignored;

	s->major = gss_accept_sec_context(&s->minor, &ctx, GSS_C_NO_CREDENTIAL, &s->token, GSS_C_NO_CHANNEL_BINDINGS, &source, NULL, &out, NULL,
					  NULL, &delegated);
	heap_fail_at(0);
	if (s->major != GSS_S_COMPLETE) {
		/* An error token may be there; nothing else. */
		assert_null(ctx);
		assert_null(source);
		assert_null(delegated);
	}
	gss_release_buffer(&ignored, &out);
	gss_release_buffer(&ignored, &s->token);
	gss_release_name(&ignored, &source);
	gss_release_cred(&ignored, &delegated);
	gss_delete_sec_context(&ignored, &ctx, GSS_C_NO_BUFFER);
}

static void
call_acquire(struct scene *s)
{
	gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
	gss_name_t name = GSS_C_NO_NAME;
	gss_OID_set mechs = GSS_C_NO_OID_SET;
	OM_uint32 ignored;

	s->major = gss_acquire_cred(&s->minor, GSS_C_NO_NAME, 0, GSS_C_NO_OID_SET, GSS_C_BOTH, &cred, &mechs, NULL);
	if (s->major == GSS_S_COMPLETE)
		s->major = gss_inquire_cred(&s->minor, cred, &name, NULL, NULL, NULL);
	else
		assert_null(cred);
	heap_fail_at(0);
	gss_release_name(&ignored, &name);
	gss_release_oid_set(&ignored, &mechs);
	gss_release_cred(&ignored, &cred);
}

/* ---- every nth ---- */

struct call {
	const char *name;
	void (*prepare)(struct scene *);
	void (*run)(struct scene *);
};

static bool
run_nth(const struct call *call, struct scene *s, int nth)
{
	bool failed;

	if (call->prepare != NULL)
		call->prepare(s);
	heap_fail_at(nth);
	call->run(s);
	failed = s->major != GSS_S_COMPLETE;
	/* The contexts, which one of the calls may have moved, still speak in both directions. */
	assert_true(self_send(s->i, s->a, "there"));
	assert_true(self_send(s->a, s->i, "and back"));
	return !failed;
}

static void
every_nth(void **state)
{
	const struct call *call = *state;
	struct scene s = { 0 };
	OM_uint32 minor;
	int nth, in_a_row = 0, num_failed = 0;

	make_target(&s);
	assert_true(self_establish("host", usual, &s.i, &s.a));
	assert_true(run_nth(call, &s, 0));
	assert_true(run_nth(call, &s, 0));
	/* A failure may be made good inside, so it takes a few successes to believe that there are no more allocations. */
	for (nth = 1; nth < NTH_MAX && in_a_row < 20; nth++) {
		long before, leaked;

		/* Once to fill what is kept for the life of the process: texts of errors, entries of tables. */
		(void)run_nth(call, &s, nth);
		before = heap_num_live();
		if (run_nth(call, &s, nth)) {
			in_a_row++;
		} else {
			in_a_row = 0;
			num_failed++;
		}
		leaked = heap_num_live() - before;
		if (leaked > 0)
			fail_msg("allocation %d of %s: %ld pieces of memory leak", nth, call->name, leaked);
	}
	assert_true(nth < NTH_MAX);
	/* All of them allocate something. */
	print_message("%s: %d allocations of %d were needed\n", call->name, num_failed, nth - in_a_row - 1);
	assert_true(num_failed > 0);
	gss_delete_sec_context(&minor, &s.i, GSS_C_NO_BUFFER);
	gss_delete_sec_context(&minor, &s.a, GSS_C_NO_BUFFER);
	gss_release_name(&minor, &s.target);
}

/* The first export of a process, which opens the store; run before any other, in children that never opened one. */
static void
every_nth_of_the_first(void **state)
{
	static const struct call first = { "first export", NULL, call_export };
	struct scene s = { 0 };
	OM_uint32 minor;
	int status;

	(void)state;
	make_target(&s);
	for (int nth = 0; nth < 40; nth++) {
		pid_t pid;

		/* Anew for each: a context is for one side of a fork. */
		assert_true(self_establish("host", usual, &s.i, &s.a));
		if ((pid = fork()) == 0)
			_exit(run_nth(&first, &s, nth) ? 0 : 1);
		gss_delete_sec_context(&minor, &s.i, GSS_C_NO_BUFFER);
		gss_delete_sec_context(&minor, &s.a, GSS_C_NO_BUFFER);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		/* Twenty are more than it takes. */
		assert_true(WEXITSTATUS(status) == 0 || (nth > 0 && nth < 20 && WEXITSTATUS(status) == 1));
	}
	gss_release_name(&minor, &s.target);
}

/* The realm's keytab is new, and one that has just changed is not kept in memory. Some seconds later it is: not amid the counting. */
static void
wait_for_keytab(void)
{
	const char *name = getenv("KRB5_KTNAME");
	struct stat st;

	assert_true(name != NULL && strncmp(name, "FILE:", 5) == 0);
	assert_int_equal(stat(name + 5, &st), 0);
	while (time(NULL) <= st.st_ctim.tv_sec + 3)
		usleep(50000);
}

int
main(void)
{
	static const struct call calls[] = {
		{ "export", NULL, call_export },
		{ "import", prepare_import, call_import },
		{ "wrap", NULL, call_wrap },
		{ "unwrap", prepare_message, call_unwrap },
		{ "MIC", NULL, call_mic },
		{ "IOV", NULL, call_iov },
		{ "inquire", NULL, call_inquire },
		{ "inquire by OID", NULL, call_inquire_oid },
		{ "PRF", NULL, call_prf },
		{ "init", NULL, call_init },
		{ "init in halves", NULL, call_init_in_halves },
		{ "accept", prepare_accept, call_accept },
		{ "acquire", NULL, call_acquire },
	};
	enum { NUM_CALLS = sizeof(calls) / sizeof(*calls) };
	struct CMUnitTest tests[1 + NUM_CALLS] = { cmocka_unit_test(every_nth_of_the_first) };

	for (size_t n = 0; n < NUM_CALLS; n++)
		tests[1 + n] = (struct CMUnitTest){ calls[n].name, every_nth, NULL, NULL, (void *)&calls[n] };
	wait_for_keytab();
	if (!heap_find_library()) {
		fprintf(stderr, "libbaton.so is not loaded\n");
		return 1;
	}
	return _cmocka_run_group_tests("allocate", tests, 1 + NUM_CALLS, claims_begin, claims_end);
}
