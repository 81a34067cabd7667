/*
 * The map of minor statuses: the first to use a number keeps it, others get one made up, and every one leads back.
 */
#include <gssapi/gssapi.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "gss/status.h"

static const struct bt_mech one, two;

static void
leads_back(OM_uint32 minor, const struct bt_mech *mech, int err)
{
	const struct bt_mech *found_mech = NULL;
	int found_err = -1;

	assert_true(bt_minor_find(minor, &found_mech, &found_err));
	assert_ptr_equal(found_mech, mech);
	assert_int_equal(found_err, err);
}

static void
first_keeps_its_number(void **state)
{
	const struct bt_mech *mech;
	int err;

	assert_false(bt_minor_find(22, &mech, &err));
	assert_int_equal(bt_minor_publish(&one, 22), 22);
	assert_int_equal(bt_minor_publish(&two, 22), 100001);
	assert_int_equal(bt_minor_publish(NULL, 22), 100002);
	assert_int_equal(bt_minor_publish(&one, 22), 22);
	assert_int_equal(bt_minor_publish(&two, 22), 100001);
	leads_back(22, &one, 22);
	leads_back(100001, &two, 22);
	leads_back(100002, NULL, 22);
}

static void
zero_gets_a_number(void **state)
{
	OM_uint32 minor = bt_minor_publish(&one, 0);

	assert_true(minor > 100000);
	assert_int_equal(bt_minor_publish(&one, 0), minor);
	leads_back(minor, &one, 0);
}

/* A number that was made up for one may be another's own. */
static void
made_up_number_is_taken(void **state)
{
	OM_uint32 taken = bt_minor_publish(&two, 0), own;

	own = bt_minor_publish(&one, (int)taken);
	assert_int_not_equal(own, taken);
	leads_back(own, &one, (int)taken);
	own = bt_minor_publish(&one, (int)own + 1);
	assert_int_not_equal(bt_minor_publish(&two, (int)own), own);
}

static void
negative_codes(void **state)
{
	assert_int_equal(bt_minor_publish(&one, -1765328353), 2529638943u);
	leads_back(2529638943u, &one, -1765328353);
}

static void *
publish_many(void *arg)
{
	for (int i = 0; i < 300; i++)
		((OM_uint32 *)arg)[i] = bt_minor_publish(i % 2 == 0 ? &one : &two, 5000 + i / 2);
	return NULL;
}

static void
threads_agree(void **state)
{
	static OM_uint32 got[4][300];
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, publish_many, got[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 300; i++) {
		for (int j = 1; j < 4; j++)
			assert_int_equal(got[j][i], got[0][i]);
		leads_back(got[0][i], i % 2 == 0 ? &one : &two, 5000 + i / 2);
	}
}

/* With no room left a number is its own, and nothing is lost. */
static void
full(void **state)
{
	for (int i = 0; i < 2000; i++)
		bt_minor_publish(&one, 200000 + i);
	assert_int_equal(bt_minor_publish(&one, 299999), 299999);
	leads_back(22, &one, 22);
}

static _Atomic bool is_over;

static void *
publish_on(void *arg)
{
	while (!is_over)
		bt_minor_publish(&two, 300000);
	return NULL;
}

/* The map is full by now, so that there is a long search under the lock each time. */
static void
forks_meanwhile(void **state)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, publish_on, NULL), 0);
	for (int i = 0; i < 50; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			alarm(20);
			_exit(bt_minor_publish(&one, 400000) == 400000 ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	is_over = true;
	pthread_join(thread, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_keeps_its_number), cmocka_unit_test(zero_gets_a_number),
		cmocka_unit_test(made_up_number_is_taken), cmocka_unit_test(negative_codes),
		cmocka_unit_test(threads_agree),           cmocka_unit_test(full),
		cmocka_unit_test(forks_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
