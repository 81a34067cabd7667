/* Locks and forks: what a child can take, and what it is told of what it cannot. */
#include "base/lock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A child that waits for a thread it has not would wait for ever. */
enum { PATIENCE_S = 60 };

static int begun; /* in_child was called so often, with outer and inner free */

static void begin_as_child(void);

static struct bt_lock inner = {.mutex = PTHREAD_MUTEX_INITIALIZER, .rank = BT_LOCK_INNER, .in_child = begin_as_child};
static struct bt_lock outer = BT_LOCK_INIT_OUTER, unawaited = BT_LOCK_INIT(BT_LOCK_UNAWAITED);
/* Forks are to take them by rank, whichever comes first. */
BT_LOCK_MINDS_FORKS(inner_minds_forks, inner);
BT_LOCK_MINDS_FORKS(outer_minds_forks, outer);
BT_LOCK_MINDS_FORKS(unawaited_minds_forks, unawaited);

static void
begin_as_child(void)
{
	if (pthread_mutex_trylock(&inner.mutex) != 0 || pthread_mutex_trylock(&outer.mutex) != 0)
		_exit(2);
	pthread_mutex_unlock(&outer.mutex);
	pthread_mutex_unlock(&inner.mutex);
	begun++;
}

/* The exit status of a child that does this. */
static int
in_a_child(int (*run)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(PATIENCE_S);
		_exit(run());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* ---- a thread that has something, until it is told to let go ---- */

static int has_it[2], lets_go[2];

static void
say(int fds[2])
{
	assert_int_equal(write(fds[1], "", 1), 1);
}

static void
hear(int fds[2])
{
	char c;

	assert_int_equal(read(fds[0], &c, 1), 1);
}

static pthread_t
start(void *(*run)(void *arg), void *arg)
{
	pthread_t thread;

	assert_int_equal(pipe(has_it) | pipe(lets_go), 0);
	assert_int_equal(pthread_create(&thread, NULL, run, arg), 0);
	hear(has_it);
	return thread;
}

static void
end(pthread_t thread)
{
	assert_int_equal(pthread_join(thread, NULL), 0);
	for (int i = 0; i < 2; i++) {
		close(has_it[i]);
		close(lets_go[i]);
	}
}

/* ---- of the process ---- */

static int
take_all(void)
{
	struct bt_lock *locks[] = {&outer, &inner, &unawaited};

	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 3; i++) {
			bt_lock_enter(locks[i]);
			bt_lock_leave(locks[i]);
		}
	return begun == 1 ? 0 : 1;
}

static _Atomic bool is_over;

/* Over and over, and one within the other. */
static void *
use_them(void *arg)
{
	bool said = false;

	while (!is_over) {
		bt_lock_enter(&outer);
		bt_lock_enter(&inner);
		bt_lock_leave(&inner);
		bt_lock_enter(&outer);
		bt_lock_leave(&outer);
		bt_lock_leave(&outer);
		if (!said)
			say(has_it);
		said = true;
	}
	return NULL;
}

static void
test_awaited(void **state)
{
	pthread_t thread;

	is_over = false;
	thread = start(use_them, NULL);
	for (int i = 0; i < 100; i++)
		assert_int_equal(in_a_child(take_all), 0);
	is_over = true;
	end(thread);
	begun = 0;
	assert_int_equal(take_all(), 1);
}

static void *
hold_unawaited(void *arg)
{
	bt_lock_enter(&unawaited);
	say(has_it);
	hear(lets_go);
	bt_lock_leave(&unawaited);
	return NULL;
}

static void
test_unawaited(void **state)
{
	pthread_t thread = start(hold_unawaited, NULL);

	assert_int_equal(in_a_child(take_all), 0);
	say(lets_go);
	end(thread);
	bt_lock_enter(&unawaited);
	bt_lock_leave(&unawaited);
}

/* As a library does that makes a process while it is loaded. */
static void
test_held_here(void **state)
{
	bt_lock_enter(&outer);
	assert_int_equal(in_a_child(take_all), 0);
	bt_lock_leave(&outer);
	assert_int_equal(in_a_child(take_all), 0);
}

/* ---- of a thing ---- */

static struct bt_lock_thing thing, other;
static int counted;

static void *
count(void *arg)
{
	for (int i = 0; i < 10000; i++) {
		if (!bt_lock_thing_enter(&thing))
			abort();
		counted++;
		bt_lock_thing_leave(&thing);
	}
	return NULL;
}

static void
test_excludes(void **state)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(counted, 40000);
}

static void *
hold_thing(void *arg)
{
	assert_true(bt_lock_thing_enter(&thing));
	say(has_it);
	hear(lets_go);
	bt_lock_thing_leave(&thing);
	return NULL;
}

static int
take_things(void)
{
	if (!bt_lock_thing_is_lost(&thing) || bt_lock_thing_enter(&thing) || bt_lock_thing_enter(&thing))
		return 1;
	if (bt_lock_thing_is_lost(&other) || !bt_lock_thing_enter(&other))
		return 2;
	bt_lock_thing_leave(&other);
	return 0;
}

static int
take_things_in_a_child(void)
{
	int e = take_things();

	return e != 0 ? e : in_a_child(take_things);
}

static void
test_lost(void **state)
{
	pthread_t thread = start(hold_thing, NULL);

	assert_int_equal(in_a_child(take_things_in_a_child), 0);
	assert_false(bt_lock_thing_is_lost(&thing));
	say(lets_go);
	assert_true(bt_lock_thing_enter(&thing));
	bt_lock_thing_leave(&thing);
	end(thread);
}

/* Who forks holds it in both processes. */
static int
leave_it(void)
{
	bt_lock_thing_leave(&thing);
	if (!bt_lock_thing_enter(&thing))
		return 1;
	bt_lock_thing_leave(&thing);
	return 0;
}

static void
test_own(void **state)
{
	assert_true(bt_lock_thing_enter(&thing));
	assert_int_equal(in_a_child(leave_it), 0);
	bt_lock_thing_leave(&thing);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_awaited),	 cmocka_unit_test(test_unawaited), cmocka_unit_test(test_held_here),
		cmocka_unit_test(test_excludes), cmocka_unit_test(test_lost),	   cmocka_unit_test(test_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
