/* The program's own listener: from several threads, while it is replaced, and on both sides of a fork. */
#include <baton/baton.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fake_mech.h"

enum { NUM_THREADS = 4, NUM_EACH = 300 };

static _Atomic unsigned num_told, num_mixed;
static int one, other;

static void
hear_one(const struct baton_event *event, void *arg)
{
	atomic_fetch_add(&num_told, 1);
	if (arg != &one || event->kind != BATON_EVENT_REFUSED || event->major_status != GSS_S_DEFECTIVE_TOKEN)
		atomic_fetch_add(&num_mixed, 1);
}

static void
hear_other(const struct baton_event *event, void *arg)
{
	atomic_fetch_add(&num_told, 1);
	if (arg != &other)
		atomic_fetch_add(&num_mixed, 1);
}

/* A token with framing, of nobody's. */
static void
be_refused(void)
{
	static char bytes[] = "\0\0\0\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x8a" "BatonCx\1 and no more";
	gss_buffer_desc token = {sizeof bytes - 1, bytes};
	gss_ctx_id_t context = GSS_C_NO_CONTEXT;
	OM_uint32 minor;

	assert_int_equal(gss_import_sec_context(&minor, &token, &context), GSS_S_DEFECTIVE_TOKEN);
}

static void *
be_refused_often(void *arg)
{
	for (int i = 0; i < NUM_EACH; i++)
		be_refused();
	return NULL;
}

/* A function never gets the argument of another, and nobody waits for nobody. */
static void
replaced_meanwhile(void **state)
{
	pthread_t threads[NUM_THREADS];

	num_told = num_mixed = 0;
	for (int i = 0; i < NUM_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, be_refused_often, NULL), 0);
	for (int i = 0; i < 2000; i++)
		baton_audit(i % 3 == 0 ? hear_one : i % 3 == 1 ? hear_other : NULL, i % 3 == 0 ? &one : &other);
	for (int i = 0; i < NUM_THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(num_mixed, 0);
	baton_audit(hear_one, &one);
	num_told = 0;
	be_refused();
	assert_int_equal(num_told, 1);
	baton_audit(NULL, NULL);
	be_refused();
	assert_int_equal(num_told, 1);
}

/* The child is told too, and can say that it will not be, whatever threads its parent had. */
static void
forked_meanwhile(void **state)
{
	pthread_t threads[NUM_THREADS];
	int status;
	pid_t pid;

	baton_audit(hear_one, &one);
	for (int i = 0; i < NUM_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, be_refused_often, NULL), 0);
	for (int i = 0; i < 20; i++) {
		if ((pid = fork()) == 0) {
			alarm(20);
			num_told = 0;
			be_refused();
			if (num_told != 1)
				_exit(1);
			baton_audit(NULL, NULL);
			be_refused();
			_exit(num_told == 1 ? 0 : 2);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	for (int i = 0; i < NUM_THREADS; i++)
		pthread_join(threads[i], NULL);
	baton_audit(NULL, NULL);
}

static struct baton_event last;
static char reason[512];

static void
keep(const struct baton_event *event, void *arg)
{
	last = *event;
	strncpy(reason, event->reason, sizeof reason - 1);
}

/* The statuses are those that the call answers, and display alike. */
static void
same_statuses(void **state)
{
	struct fake_pair pair = fake_establish(0);
	gss_buffer_desc token, text;
	gss_ctx_id_t twice = GSS_C_NO_CONTEXT;
	OM_uint32 major, minor, ignored, more = 0;

	baton_audit(keep, NULL);
	assert_int_equal(gss_export_sec_context(&minor, &pair.acceptor, &token), GSS_S_COMPLETE);
	assert_int_equal(last.major_status, GSS_S_COMPLETE);
	assert_int_equal(last.minor_status, 0);
	assert_int_equal(gss_import_sec_context(&minor, &token, &pair.acceptor), GSS_S_COMPLETE);
	assert_int_equal(last.kind, BATON_EVENT_IMPORTED);
	major = gss_import_sec_context(&minor, &token, &twice);
	assert_int_equal(last.kind, BATON_EVENT_REFUSED);
	assert_int_equal(last.major_status, major);
	assert_int_equal(last.minor_status, minor);
	assert_int_equal(gss_display_status(&ignored, minor, GSS_C_MECH_CODE, GSS_C_NO_OID, &more, &text), GSS_S_COMPLETE);
	assert_int_equal(text.length, strlen(reason));
	assert_memory_equal(text.value, reason, text.length);
	gss_release_buffer(&ignored, &text);
	gss_release_buffer(&ignored, &token);
	baton_audit(NULL, NULL);
	fake_finish(&pair);
}

/* Bytes that have not even a token's framing: somebody tried them all the same. */
static void
unframed(void **state)
{
	gss_buffer_desc token = {4, (void *)"what"};
	gss_ctx_id_t context = GSS_C_NO_CONTEXT;
	OM_uint32 minor;

	memset(&last, 0, sizeof last);
	baton_audit(keep, NULL);
	assert_true(GSS_ERROR(gss_import_sec_context(&minor, &token, &context)));
	baton_audit(NULL, NULL);
	assert_int_equal(last.kind, BATON_EVENT_REFUSED);
	assert_int_equal(last.major_status, GSS_S_DEFECTIVE_TOKEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(same_statuses),
	    cmocka_unit_test(unframed),
	    cmocka_unit_test(replaced_meanwhile),
	    cmocka_unit_test(forked_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
