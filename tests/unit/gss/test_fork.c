/*
 * A context that goes on in another process after a fork: what every call answers, and which calls count as a use of it.
 */
#include <baton/baton.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/err.h"
#include "failing.h"
#include "fake_mech.h"
#include "gss/handle.h"
#include "message/context.h"
#include "support/scratch.h"

OM_uint32 gss_krb5_export_lucid_sec_context(OM_uint32 *minor_status, gss_ctx_id_t *context_handle, OM_uint32 version, void **kctx);

/* ---- calls that use a context; each answers the major status, and gives nothing else back ---- */

static gss_buffer_desc text = {4, (void *)(uintptr_t) "text"};

static OM_uint32
check_empty(OM_uint32 major, gss_buffer_t out)
{
	OM_uint32 ignored;

	if (GSS_ERROR(major))
		assert_true(out->length == 0 && out->value == NULL);
	gss_release_buffer(&ignored, out);
	return major;
}

static OM_uint32
wrap(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	gss_buffer_desc out = {9, &out};

	return check_empty(gss_wrap(minor, *ctx, 1, GSS_C_QOP_DEFAULT, &text, NULL, &out), &out);
}

static OM_uint32
unwrap(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	gss_buffer_desc out = {9, &out};

	return check_empty(gss_unwrap(minor, *ctx, &text, &out, NULL, NULL), &out);
}

static OM_uint32
get_mic(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	gss_buffer_desc out = {9, &out};

	return check_empty(gss_get_mic(minor, *ctx, GSS_C_QOP_DEFAULT, &text, &out), &out);
}

static OM_uint32
verify_mic(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	return gss_verify_mic(minor, *ctx, &text, &text, NULL);
}

static OM_uint32
wrap_aead(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	gss_buffer_desc out = {9, &out};

	return check_empty(gss_wrap_aead(minor, *ctx, 1, GSS_C_QOP_DEFAULT, &text, &text, NULL, &out), &out);
}

static OM_uint32
unwrap_aead(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	gss_buffer_desc out = {9, &out};

	return check_empty(gss_unwrap_aead(minor, *ctx, &text, &text, &out, NULL, NULL), &out);
}

static gss_iov_buffer_desc *
iov_of_four(void)
{
	static char data[] = "data";
	static gss_iov_buffer_desc iov[4];

	iov[0] = (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE_HEADER | GSS_IOV_BUFFER_FLAG_ALLOCATE, GSS_C_EMPTY_BUFFER};
	iov[1] = (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE_DATA, {4, data}};
	iov[2] = (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE_PADDING | GSS_IOV_BUFFER_FLAG_ALLOCATE, GSS_C_EMPTY_BUFFER};
	iov[3] = (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE_TRAILER | GSS_IOV_BUFFER_FLAG_ALLOCATE, GSS_C_EMPTY_BUFFER};
	return iov;
}

static OM_uint32
wrap_iov(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	OM_uint32 ignored, major = gss_wrap_iov(minor, *ctx, 1, GSS_C_QOP_DEFAULT, NULL, iov_of_four(), 4);

	gss_release_iov_buffer(&ignored, iov_of_four(), 4);
	return major;
}

static OM_uint32
unwrap_iov(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	gss_iov_buffer_desc iov[] = {{GSS_IOV_BUFFER_TYPE_STREAM, {4, (char[]){"data"}}}, {GSS_IOV_BUFFER_TYPE_DATA, {0, NULL}}};

	return gss_unwrap_iov(minor, *ctx, NULL, NULL, iov, 2);
}

static OM_uint32
get_mic_iov(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	gss_iov_buffer_desc iov[] = {{GSS_IOV_BUFFER_TYPE_DATA, {4, (char[]){"data"}}},
				     {GSS_IOV_BUFFER_TYPE_MIC_TOKEN | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0, NULL}}};
	OM_uint32 ignored, major = gss_get_mic_iov(minor, *ctx, GSS_C_QOP_DEFAULT, iov, 2);

	gss_release_iov_buffer(&ignored, iov, 2);
	return major;
}

static OM_uint32
verify_mic_iov(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	gss_iov_buffer_desc iov[] = {{GSS_IOV_BUFFER_TYPE_DATA, {4, (char[]){"data"}}},
				     {GSS_IOV_BUFFER_TYPE_MIC_TOKEN, {4, (char[]){"data"}}}};

	return gss_verify_mic_iov(minor, *ctx, NULL, iov, 2);
}

static OM_uint32
prf(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	gss_buffer_desc out = {9, &out};

	return check_empty(gss_pseudo_random(minor, *ctx, GSS_C_PRF_KEY_FULL, &text, 20, &out), &out);
}

static OM_uint32
export(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	gss_buffer_desc out = {9, &out};

	return check_empty(gss_export_sec_context(minor, ctx, &out), &out);
}

static OM_uint32
export_with_options(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	gss_buffer_desc out = {9, &out};

	return check_empty(baton_export_sec_context(minor, ctx, NULL, &out), &out);
}

static OM_uint32
hand_over(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	baton_handover_t handover = NULL;
	OM_uint32 major, ignored;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	major = baton_send_sec_context(minor, fds[0], ctx, NULL, NULL, &handover);
	assert_true(handover == NULL || !GSS_ERROR(major));
	if (handover != NULL)
		baton_release_handover(&ignored, &handover);
	close(fds[0]);
	close(fds[1]);
	return major;
}

static OM_uint32
export_lucid(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	void *out = &out;
	OM_uint32 major = gss_krb5_export_lucid_sec_context(minor, ctx, 1, &out);

	assert_true(out == NULL || !GSS_ERROR(major));
	return major;
}

static OM_uint32
ask(OM_uint32 *minor, gss_ctx_id_t ctx, const char *what, size_t len)
{
	gss_OID_desc oid = {(OM_uint32)len, (void *)(uintptr_t)what};
	gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
	OM_uint32 ignored, major = gss_inquire_sec_context_by_oid(minor, ctx, &oid, &set);

	assert_true(set == NULL || !GSS_ERROR(major));
	gss_release_buffer_set(&ignored, &set);
	return major;
}

#define QUESTION "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05"

static OM_uint32
session_key(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	return ask(minor, *ctx, QUESTION "\x05", 11);
}

static OM_uint32
lucid_by_oid(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	return ask(minor, *ctx, QUESTION "\x06\x01", 12);
}

static OM_uint32
negoex_key(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	return ask(minor, *ctx, QUESTION "\x10", 11);
}

static OM_uint32
negoex_verify_key(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	return ask(minor, *ctx, QUESTION "\x11", 11);
}

static OM_uint32
process_token(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	return gss_process_context_token(minor, *ctx, &text);
}

static OM_uint32
complete_token(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	return gss_complete_auth_token(minor, *ctx, &text);
}

static OM_uint32
set_option(OM_uint32 *minor, gss_ctx_id_t *ctx)
{
	gss_OID_desc oid = {2, (void *)(uintptr_t) "\x2a\x03"};

	return gss_set_sec_context_option(minor, ctx, &oid, &text);
}

/* RFC 1509's names for four of them stand on those. */
static const struct use {
	const char *name;
	OM_uint32 (*call)(OM_uint32 *minor, gss_ctx_id_t *ctx);
} uses[] = {
	{"wrap", wrap},
	{"unwrap", unwrap},
	{"get_mic", get_mic},
	{"verify_mic", verify_mic},
	{"wrap_aead", wrap_aead},
	{"unwrap_aead", unwrap_aead},
	{"wrap_iov", wrap_iov},
	{"unwrap_iov", unwrap_iov},
	{"get_mic_iov", get_mic_iov},
	{"verify_mic_iov", verify_mic_iov},
	{"pseudo_random", prf},
	{"export", export},
	{"export with options", export_with_options},
	{"hand over", hand_over},
	{"export lucid", export_lucid},
	{"session key", session_key},
	{"lucid by OID", lucid_by_oid},
	{"NegoEx key", negoex_key},
	{"NegoEx verify key", negoex_verify_key},
	{"process_context_token", process_token},
	{"complete_auth_token", complete_token},
	{"set_sec_context_option", set_option},
};

enum { NUM_USES = sizeof uses / sizeof uses[0] };

/* ---- calls that do not ---- */

/* True if all of them answer as if nothing had happened. */
static bool
tells_facts(gss_ctx_id_t ctx)
{
	gss_name_t source, target;
	OM_uint32 minor, lifetime, flags, size;
	int is_local, is_open, conf;
	gss_OID mech;
	bool ok;

	ok = gss_inquire_context(&minor, ctx, &source, &target, &lifetime, &mech, &flags, &is_local, &is_open) == GSS_S_COMPLETE;
	gss_release_name(&minor, &source);
	gss_release_name(&minor, &target);
	ok = ok && is_open && lifetime > 0;
	ok = ok && gss_context_time(&minor, ctx, &lifetime) == GSS_S_COMPLETE;
	ok = ok && gss_wrap_size_limit(&minor, ctx, 1, GSS_C_QOP_DEFAULT, 1000, &size) == GSS_S_COMPLETE && size > 0;
	ok = ok && gss_wrap_iov_length(&minor, ctx, 1, GSS_C_QOP_DEFAULT, &conf, iov_of_four(), 4) == GSS_S_COMPLETE;
	return ok && ask(&minor, ctx, QUESTION "\x01", 11) != GSS_S_NO_CONTEXT;
}

/* ---- processes ---- */

static struct fake_pair pair;

/* What fn returns in a child. */
static int
in_child(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(60);
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool
is_lost(gss_ctx_id_t ctx)
{
	OM_uint32 minor, major = wrap(&minor, &ctx);

	return major == GSS_S_NO_CONTEXT && minor == BT_ERR_FORKED;
}

static int
use_acceptor(void)
{
	OM_uint32 minor;

	return wrap(&minor, &pair.acceptor) == GSS_S_COMPLETE ? 0 : is_lost(pair.acceptor) ? 1 : 2;
}

static int
use_initiator(void)
{
	OM_uint32 minor;

	return wrap(&minor, &pair.initiator) == GSS_S_COMPLETE ? 0 : is_lost(pair.initiator) ? 1 : 2;
}

/* ---- tests ---- */

static void
all_calls_refuse(void **state)
{
	size_t live = failing_live();
	gss_buffer_desc why;
	OM_uint32 minor, more = 0;

	fake = (struct fake){0};
	pair = fake_establish(GSS_C_MUTUAL_FLAG);
	assert_int_equal(in_child(use_acceptor), 0);
	for (size_t i = 0; i < NUM_USES; i++) {
		OM_uint32 major = uses[i].call(&minor, &pair.acceptor);

		if (major != GSS_S_NO_CONTEXT || minor != BT_ERR_FORKED)
			fail_msg("%s: %08x, %u", uses[i].name, major, minor);
		assert_non_null(pair.acceptor);
	}
	assert_int_equal(gss_display_status(&minor, BT_ERR_FORKED, GSS_C_MECH_CODE, GSS_C_NO_OID, &more, &why), GSS_S_COMPLETE);
	assert_non_null(memmem(why.value, why.length, "after a fork", 12));
	gss_release_buffer(&minor, &why);
	assert_true(tells_facts(pair.acceptor));
	/* The other end did not go anywhere. */
	assert_int_equal(use_initiator(), 0);
	fake_finish(&pair);
	assert_int_equal(failing_live(), live);
}

/* Each of them takes the context, whatever else comes of the call. */
static void
each_use_counts(void **state)
{
	fake = (struct fake){0};
	for (size_t i = 0; i < NUM_USES; i++) {
		pid_t pid;
		int status;

		pair = fake_establish(GSS_C_MUTUAL_FLAG);
		if ((pid = fork()) == 0) {
			OM_uint32 minor, major = uses[i].call(&minor, &pair.acceptor);

			_exit(major == GSS_S_NO_CONTEXT && minor == BT_ERR_FORKED ? 1 : 0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		if (!is_lost(pair.acceptor))
			fail_msg("%s is no use", uses[i].name);
		fake_finish(&pair);
	}
}

static int
ask_and_delete(void)
{
	OM_uint32 minor;
	bool ok = tells_facts(pair.acceptor);

	return ok && gss_delete_sec_context(&minor, &pair.acceptor, GSS_C_NO_BUFFER) == GSS_S_COMPLETE ? 0 : 1;
}

static void
questions_do_not_count(void **state)
{
	fake = (struct fake){0};
	pair = fake_establish(GSS_C_MUTUAL_FLAG);
	assert_int_equal(in_child(ask_and_delete), 0);
	assert_true(tells_facts(pair.acceptor));
	assert_int_equal(in_child(use_acceptor), 0);
	assert_true(is_lost(pair.acceptor));
	fake_finish(&pair);
}

/* ---- half-open contexts ---- */

static gss_ctx_id_t half;
static gss_buffer_desc reply;

static OM_uint32
go_on(OM_uint32 *minor)
{
	gss_name_t target = fake_target();
	gss_buffer_desc none;
	OM_uint32 ignored,
	    major = gss_init_sec_context(minor, NULL, &half, target, NULL, GSS_C_MUTUAL_FLAG, 0, NULL, &reply, NULL, &none, NULL, NULL);

	gss_release_buffer(&ignored, &none);
	gss_release_name(&ignored, &target);
	return major;
}

static int
finish_half(void)
{
	OM_uint32 minor, major = go_on(&minor);

	return major == GSS_S_COMPLETE && wrap(&minor, &half) == GSS_S_COMPLETE ? 0 : 1;
}

static void
half_open(void **state)
{
	size_t live = failing_live();
	gss_name_t target = fake_target();
	gss_ctx_id_t acceptor = NULL;
	gss_buffer_desc first;
	OM_uint32 minor;

	fake = (struct fake){0};
	assert_int_equal(gss_init_sec_context(&minor, NULL, &half, target, NULL, GSS_C_MUTUAL_FLAG, 0, NULL, NULL, NULL, &first, NULL, NULL),
			 GSS_S_CONTINUE_NEEDED);
	assert_int_equal(gss_accept_sec_context(&minor, &acceptor, NULL, &first, NULL, NULL, NULL, &reply, NULL, NULL, NULL),
			 GSS_S_COMPLETE);
	assert_int_equal(in_child(finish_half), 0);
	assert_int_equal(go_on(&minor), GSS_S_NO_CONTEXT);
	assert_int_equal(minor, BT_ERR_FORKED);
	/* A step that was refused changes nothing. */
	assert_non_null(half);
	assert_int_equal(go_on(&minor), GSS_S_NO_CONTEXT);
	gss_delete_sec_context(&minor, &half, GSS_C_NO_BUFFER);
	gss_delete_sec_context(&minor, &acceptor, GSS_C_NO_BUFFER);
	gss_release_buffer(&minor, &first);
	gss_release_buffer(&minor, &reply);
	gss_release_name(&minor, &target);
	assert_int_equal(failing_live(), live);
}

/* ---- locks that other threads had ---- */

static gss_buffer_desc message;

static int
receive(void)
{
	gss_buffer_desc out;
	OM_uint32 minor;

	return gss_unwrap(&minor, pair.acceptor, &message, &out, NULL, NULL) == GSS_S_COMPLETE ? 0 : 1;
}

static void *
hold(void *lock)
{
	pthread_mutex_lock(lock);
	return NULL;
}

/* As if a thread were receiving while another one forks. */
static void
held_lock(void **state)
{
	pthread_mutex_t *lock;
	pthread_t thread;
	OM_uint32 minor;

	fake = (struct fake){0};
	pair = fake_establish(GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG);
	assert_int_equal(gss_wrap(&minor, pair.initiator, 1, GSS_C_QOP_DEFAULT, &text, NULL, &message), GSS_S_COMPLETE);
	lock = &pair.acceptor->ctx->msg->window.lock;
	assert_int_equal(pthread_create(&thread, NULL, hold, lock), 0);
	pthread_join(thread, NULL);
	assert_int_equal(in_child(receive), 0);
	/* Here it is that thread's as before. */
	assert_int_not_equal(pthread_mutex_trylock(lock), 0);
	*lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	gss_release_buffer(&minor, &message);
	fake_finish(&pair);
}

/* ---- no memory to share ---- */

static void
no_memory(void **state)
{
	struct fake_pair many[600];
	gss_name_t target = fake_target();
	gss_ctx_id_t ctx = NULL;
	gss_buffer_desc out;
	OM_uint32 minor;
	size_t live, nth;

	fake = (struct fake){0};
	/* So many that the next one needs new memory for its word now and then. */
	for (size_t i = 0; i < 600; i++)
		many[i] = fake_establish(0);
	live = failing_live();
	for (nth = 1; nth < 100; nth++) {
		OM_uint32 major;

		failing_at(nth);
		major = gss_init_sec_context(&minor, NULL, &ctx, target, NULL, 0, 0, NULL, NULL, NULL, &out, NULL, NULL);
		if (!failing_happened())
			break;
		assert_int_equal(major, GSS_S_FAILURE);
		assert_null(ctx);
		assert_int_equal(out.length, 0);
		assert_int_equal(failing_live(), live);
	}
	failing_at(0);
	assert_in_range(nth, 2, 99);
	gss_delete_sec_context(&minor, &ctx, GSS_C_NO_BUFFER);
	gss_release_buffer(&minor, &out);
	for (size_t i = 0; i < 600; i++)
		fake_finish(&many[i]);
	gss_release_name(&minor, &target);
}

static char dir[] = "/dev/shm/baton-fork.XXXXXX";

static int
begin(void **state)
{
	return scratch_dir(dir) != NULL && setenv("BATON_CLAIM_DIR", dir, 1) == 0 ? 0 : -1;
}

static int
end(void **state)
{
	char path[sizeof dir + 8];

	snprintf(path, sizeof path, "%s/claims", dir);
	unlink(path);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_calls_refuse),
		cmocka_unit_test(each_use_counts),
		cmocka_unit_test(questions_do_not_count),
		cmocka_unit_test(half_open),
		cmocka_unit_test(held_lock),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
