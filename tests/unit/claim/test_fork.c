/*
 * Which of the processes that forks make goes on with a thing: one of them, whoever is first, however many there are; and what
 * that costs in memory.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "claim/fork.h"

enum { NUM_THINGS = 10000, NUM_RACERS = 4, NUM_THREADS = 8 };

/* ---- what fails when told to; the linker puts these in front (files have 64-bit offsets, so mmap is mmap64) ---- */

static bool has_no_entropy, has_no_memory, has_no_mappings;

int __real_bt_crypto_random(void *out, size_t len);
int __wrap_bt_crypto_random(void *out, size_t len);
void *__real_bt_mem_alloc(size_t len);
void *__wrap_bt_mem_alloc(size_t len);
void *__real_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t offset);

int
__wrap_bt_crypto_random(void *out, size_t len)
{
	return has_no_entropy ? BT_ERR_ENTROPY : __real_bt_crypto_random(out, len);
}

void *
__wrap_bt_mem_alloc(size_t len)
{
	return has_no_memory ? NULL : __real_bt_mem_alloc(len);
}

void *
__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	if (has_no_mappings) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return __real_mmap64(at, len, prot, flags, fd, offset);
}

/* ---- things ---- */

static _Atomic int num_inherited;

static void
count_inherited(void *arg)
{
	atomic_fetch_add(arg != NULL ? (_Atomic int *)arg : &num_inherited, 1);
}

/* As the front uses them. */
static int
use(struct bt_claim_own *own)
{
	return bt_claim_own_is_here(own) ? 0 : bt_claim_own_decide(own, count_inherited, NULL);
}

/* How many sheets are mapped. */
static int
count_sheets(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[4096];
	int num = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof line, maps) != NULL)
		num += strstr(line, " rw-s ") != NULL && strstr(line, "/dev/zero") != NULL;
	fclose(maps);
	return num;
}

/* A child that runs fn; what it returned comes from finish. */
static pid_t
start(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(120);
		_exit(fn(arg));
	}
	return pid;
}

static int
finish(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* What a child does, and what it is told: 0 it is here, 1 it is not, 2 something else. */
static int
answer(int e)
{
	return e == 0 ? 0 : e == BT_ERR_FORKED ? 1 : 2;
}

static int
use_it(void *own)
{
	return answer(use(own));
}

static int
use_it_twice(void *own)
{
	int first = answer(use(own));

	return first == answer(use(own)) ? first : 2;
}

/* ---- who is first ---- */

static void
without_a_fork(void **state)
{
	struct bt_claim_own own;

	assert_int_equal(bt_claim_own_init(&own), 0);
	assert_true(bt_claim_own_is_here(&own));
	assert_int_equal(bt_claim_own_decide(&own, count_inherited, NULL), 0);
	assert_int_equal(num_inherited, 0);
	bt_claim_own_done(&own);
}

static void
child_first(void **state)
{
	struct bt_claim_own own;

	assert_int_equal(bt_claim_own_init(&own), 0);
	assert_int_equal(finish(start(use_it_twice, &own)), 0);
	assert_false(bt_claim_own_is_here(&own));
	assert_int_equal(use(&own), BT_ERR_FORKED);
	assert_int_equal(use(&own), BT_ERR_FORKED);
	assert_int_equal(num_inherited, 0);
	/* What is lost stays lost in later children. */
	assert_int_equal(finish(start(use_it, &own)), 1);
	bt_claim_own_done(&own);
}

static int
use_it_when_told(void *arg)
{
	struct bt_claim_own *own = ((void **)arg)[0];
	int *go = ((void **)arg)[1];
	char byte;

	return read(go[0], &byte, 1) == 1 ? use_it_twice(own) : 2;
}

static void
parent_first(void **state)
{
	struct bt_claim_own own;
	int go[2];
	void *arg[2] = {&own, go};
	pid_t pid;

	assert_int_equal(pipe(go), 0);
	assert_int_equal(bt_claim_own_init(&own), 0);
	pid = start(use_it_when_told, arg);
	assert_int_equal(use(&own), 0);
	assert_true(bt_claim_own_is_here(&own));
	assert_int_equal(write(go[1], "", 1), 1);
	assert_int_equal(finish(pid), 1);
	assert_int_equal(use(&own), 0);
	bt_claim_own_done(&own);
	close(go[0]);
	close(go[1]);
}

/* The parent's copy is deleted, before or after the child uses its own. */
static void
parent_deletes(void **state)
{
	struct bt_claim_own own, other;
	int go[2];
	void *arg[2] = {&own, go};
	pid_t pid;

	assert_int_equal(pipe(go), 0);
	assert_int_equal(bt_claim_own_init(&own), 0);
	pid = start(use_it_when_told, arg);
	bt_claim_own_done(&own);
	/* A new thing does not get the word that the child still looks at. */
	assert_int_equal(bt_claim_own_init(&other), 0);
	assert_int_equal(write(go[1], "", 1), 1);
	assert_int_equal(finish(pid), 0);
	assert_int_equal(use(&other), 0);
	bt_claim_own_done(&other);
	close(go[0]);
	close(go[1]);
}

static int
hand_on(void *own)
{
	return finish(start(use_it, own));
}

static int
hand_on_and_use(void *own)
{
	return finish(start(use_it, own)) == 1 - answer(use(own)) ? 0 : 2;
}

static void
grandchild_first(void **state)
{
	struct bt_claim_own own;

	assert_int_equal(bt_claim_own_init(&own), 0);
	assert_int_equal(finish(start(hand_on, &own)), 0);
	assert_int_equal(use(&own), BT_ERR_FORKED);
	bt_claim_own_done(&own);

	assert_int_equal(bt_claim_own_init(&own), 0);
	assert_int_equal(finish(start(hand_on_and_use, &own)), 0);
	assert_int_equal(use(&own), BT_ERR_FORKED);
	bt_claim_own_done(&own);
}

/* Used, forked, used, forked: each time the one who used it last has it, and one of those who come from there gets it. */
static int
use_then_hand_on(void *arg)
{
	struct bt_claim_own *own = arg;
	int inherited = num_inherited;

	if (use(own) != 0 || use(own) != 0 || num_inherited != inherited + 1)
		return 2;
	return finish(start(use_it, own)) == 0 && use(own) == BT_ERR_FORKED ? 0 : 2;
}

static void
from_hand_to_hand(void **state)
{
	struct bt_claim_own own;

	assert_int_equal(bt_claim_own_init(&own), 0);
	assert_int_equal(finish(start(use_then_hand_on, &own)), 0);
	assert_int_equal(use(&own), BT_ERR_FORKED);
	bt_claim_own_done(&own);
}

/* Many children, each after a use of the parent's: the parent keeps it. */
static void
parent_keeps(void **state)
{
	struct bt_claim_own own;

	assert_int_equal(bt_claim_own_init(&own), 0);
	for (int i = 0; i < 20; i++) {
		int go[2];
		void *arg[2] = {&own, go};
		pid_t pid;

		assert_int_equal(pipe(go), 0);
		pid = start(use_it_when_told, arg);
		assert_int_equal(use(&own), 0);
		assert_int_equal(write(go[1], "", 1), 1);
		assert_int_equal(finish(pid), 1);
		close(go[0]);
		close(go[1]);
	}
	assert_int_equal(use(&own), 0);
	bt_claim_own_done(&own);
}

static void
three_forks_before_a_use(void **state)
{
	struct bt_claim_own own;

	assert_int_equal(bt_claim_own_init(&own), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(finish(start(use_it, &own)), i == 0 ? 0 : 1);
	assert_int_equal(use(&own), BT_ERR_FORKED);
	bt_claim_own_done(&own);
}

/* ---- races ---- */

struct race {
	_Atomic int num_ready;
	_Atomic int num_done[NUM_THINGS];
	_Atomic int won[NUM_THINGS], odd;
};

static struct bt_claim_own things[NUM_THINGS];

/* All at the same thing at the same time, thing after thing. */
static int
run(void *arg)
{
	struct race *race = arg;

	atomic_fetch_add(&race->num_ready, 1);
	while (atomic_load(&race->num_ready) < NUM_RACERS)
		sched_yield();
	for (int i = 0; i < NUM_THINGS; i++) {
		int e = use(&things[i]);

		if (e == 0)
			atomic_fetch_add(&race->won[i], 1);
		else if (e != BT_ERR_FORKED)
			atomic_fetch_add(&race->odd, 1);
		atomic_fetch_add(&race->num_done[i], 1);
		for (int n = 0; i % 16 == 0 && n < 1000 && atomic_load(&race->num_done[i]) < NUM_RACERS; n++)
			sched_yield();
	}
	return 0;
}

static void
one_wins(void **state)
{
	struct race *race = mmap(NULL, sizeof *race, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[NUM_RACERS - 1];

	assert_true(race != MAP_FAILED);
	for (int i = 0; i < NUM_THINGS; i++)
		assert_int_equal(bt_claim_own_init(&things[i]), 0);
	for (int i = 0; i < NUM_RACERS - 1; i++)
		pids[i] = start(run, race);
	run(race);
	for (int i = 0; i < NUM_RACERS - 1; i++)
		assert_int_equal(finish(pids[i]), 0);
	assert_int_equal(race->odd, 0);
	for (int i = 0; i < NUM_THINGS; i++)
		if (race->won[i] != 1)
			fail_msg("%d of %d processes have thing %d", race->won[i], NUM_RACERS, i);
	for (int i = 0; i < NUM_THINGS; i++)
		bt_claim_own_done(&things[i]);
	munmap(race, sizeof *race);
}

static pthread_barrier_t together;
static _Atomic int num_refused, num_renewed[NUM_THINGS];

static void *
use_all(void *arg)
{
	pthread_barrier_wait(&together);
	for (int i = 0; i < NUM_THINGS; i++)
		if (!bt_claim_own_is_here(&things[i]) &&
		    bt_claim_own_decide(&things[i], count_inherited, &num_renewed[i]) != 0)
			atomic_fetch_add(&num_refused, 1);
	return NULL;
}

/* The threads of one process are one: all have it, and it is renewed once. */
static int
use_by_threads(void *arg)
{
	pthread_t threads[NUM_THREADS];

	pthread_barrier_init(&together, NULL, NUM_THREADS);
	for (int i = 0; i < NUM_THREADS; i++)
		if (pthread_create(&threads[i], NULL, use_all, NULL) != 0)
			return 2;
	for (int i = 0; i < NUM_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < NUM_THINGS; i++)
		if (num_renewed[i] != 1)
			return 2;
	return num_refused == 0 ? 0 : 1;
}

static void
threads_are_one(void **state)
{
	for (int i = 0; i < NUM_THINGS; i++)
		assert_int_equal(bt_claim_own_init(&things[i]), 0);
	assert_int_equal(finish(start(use_by_threads, NULL)), 0);
	for (int i = 0; i < NUM_THINGS; i++) {
		assert_int_equal(use(&things[i]), BT_ERR_FORKED);
		bt_claim_own_done(&things[i]);
	}
}

/* Forks while other threads are anywhere in this code. */
static _Atomic bool is_over;

static void *
make_and_use(void *arg)
{
	struct bt_claim_own own[40];
	int num_bad = 0;

	while (!atomic_load(&is_over)) {
		for (int i = 0; i < 40; i++)
			if (bt_claim_own_init(&own[i]) != 0)
				return (void *)1;
		for (int i = 0; i < 40; i++)
			num_bad += use(&own[i]) != 0;
		for (int i = 0; i < 40; i++)
			bt_claim_own_done(&own[i]);
	}
	return num_bad == 0 ? NULL : (void *)1;
}

static int
make_here(void *arg)
{
	struct bt_claim_own own[100];
	int bad = 0;

	for (int i = 0; i < 100; i++)
		bad += bt_claim_own_init(&own[i]) != 0;
	for (int i = 0; i < 100; i++)
		bad += use(&own[i]) != 0;
	for (int i = 0; i < 100; i++)
		bt_claim_own_done(&own[i]);
	bad += use(arg) != 0;
	bt_claim_own_done(arg);
	return bad == 0 ? 0 : 1;
}

/* The sanitizer's allocator has locks that stay locked in the child of a threaded process. */
#ifdef __SANITIZE_ADDRESS__
enum { NUM_BUSY_FORKS = 0 };
#else
enum { NUM_BUSY_FORKS = 100 };
#endif

static void
forks_of_a_busy_process(void **state)
{
	pthread_t threads[4];
	void *result;

	atomic_store(&is_over, false);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make_and_use, NULL), 0);
	for (int i = 0; i < NUM_BUSY_FORKS; i++) {
		struct bt_claim_own own;

		assert_int_equal(bt_claim_own_init(&own), 0);
		assert_int_equal(finish(start(make_here, &own)), 0);
		assert_int_equal(use(&own), BT_ERR_FORKED);
		bt_claim_own_done(&own);
	}
	atomic_store(&is_over, true);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &result);
		assert_null(result);
	}
}

/*
 * Other threads go on between the moment a process is copied and the moment that the library is told. What they use then was not
 * used when it was copied. This test's handlers stand for them: registered before the library's, they run after its first
 * and before its last.
 */
static struct bt_claim_own *used_meanwhile;
static int used_before, used_after;

static void
meanwhile_before(void)
{
	if (used_meanwhile != NULL)
		used_before = use(used_meanwhile);
}

static void
meanwhile_after(void)
{
	if (used_meanwhile != NULL)
		used_after = use(used_meanwhile);
}

static void
used_while_forking(void **state)
{
	struct bt_claim_own own, made;
	int go[2];
	void *arg[2] = {&own, go};
	pid_t pid;

	assert_int_equal(pipe(go), 0);
	assert_int_equal(bt_claim_own_init(&own), 0);
	used_meanwhile = &own;
	used_before = used_after = -1;
	pid = start(use_it_when_told, arg);
	used_meanwhile = NULL;
	assert_int_equal(used_before, 0);
	assert_int_equal(used_after, 0);
	assert_int_equal(write(go[1], "", 1), 1);
	assert_int_equal(finish(pid), 1);
	assert_int_equal(use(&own), 0);
	/* And life goes on as before. */
	assert_int_equal(bt_claim_own_init(&made), 0);
	assert_true(bt_claim_own_is_here(&made));
	bt_claim_own_done(&made);
	bt_claim_own_done(&own);
	close(go[0]);
	close(go[1]);
}

/* ---- memory ---- */

static int
use_some(void *arg)
{
	int bad = 0;

	for (int i = *(int *)arg; i < NUM_THINGS; i += 100)
		bad += use(&things[i]) != 0;
	for (int i = 0; i < NUM_THINGS; i++)
		bt_claim_own_done(&things[i]);
	return bad == 0 && count_sheets() <= 1 ? 0 : 1;
}

/* Ten thousand things and a hundred forks, with as many things gone and made anew between forks. */
static void
no_growth(void **state)
{
	enum { NUM_AT_A_TIME = NUM_THINGS / 100 };
	int full;

	for (int i = 0; i < NUM_THINGS; i++)
		assert_int_equal(bt_claim_own_init(&things[i]), 0);
	full = count_sheets();
	assert_in_range(full, NUM_THINGS / 512, NUM_THINGS / 512 + 2);
	for (int round = 0; round < 100; round++) {
		if (round % 10 == 0)
			assert_int_equal(finish(start(use_some, &round)), 0);
		else
			finish(start(use_it, &things[0]));
		for (int i = 0; i < NUM_AT_A_TIME; i++) {
			struct bt_claim_own *thing = &things[round * NUM_AT_A_TIME + i];

			bt_claim_own_done(thing);
			assert_int_equal(bt_claim_own_init(thing), 0);
		}
		/* Each epoch that has things has a sheet of its own. */
		assert_in_range(count_sheets(), 1, full + round + 2);
	}
	for (int i = 0; i < NUM_THINGS; i++)
		bt_claim_own_done(&things[i]);
	assert_in_range(count_sheets(), 0, 1);
}

/* Children of children, each with its own. */
static int
descend(void *arg)
{
	int *depth = arg, result;
	struct bt_claim_own own;

	if (count_sheets() > 2)
		return 1;
	if ((*depth)-- == 0)
		return 0;
	if (bt_claim_own_init(&own) != 0)
		return 2;
	result = finish(start(descend, depth));
	bt_claim_own_done(&own);
	return result;
}

static int
descend_without(void *arg)
{
	int *depth = arg;
	struct bt_claim_own own;

	if (bt_claim_own_init(&own) != 0)
		return 2;
	bt_claim_own_done(&own);
	if (count_sheets() > 1)
		return 1;
	return (*depth)-- == 0 ? 0 : finish(start(descend_without, depth));
}

static void
generations(void **state)
{
	int depth = 1;

	assert_int_equal(finish(start(descend, &depth)), 0);
	depth = 30;
	assert_int_equal(finish(start(descend_without, &depth)), 0);
}

static void *
make_one(void *own)
{
	return bt_claim_own_init(own) == 0 ? NULL : own;
}

/* What threads that are gone have made. */
static void
threads_come_and_go(void **state)
{
	pthread_t thread;
	void *result;

	for (int i = 0; i < 1000; i++) {
		assert_int_equal(pthread_create(&thread, NULL, make_one, &things[i]), 0);
		pthread_join(thread, &result);
		assert_null(result);
	}
	/* A sheet for each of those that threads are spread over. */
	assert_in_range(count_sheets(), 2, 17);
	for (int i = 0; i < 1000; i++)
		bt_claim_own_done(&things[i]);
	assert_in_range(count_sheets(), 1, 17);
}

/* ---- failures ---- */

static int
fail_each(void *arg)
{
	struct bt_claim_own own;
	int bad = 0;

	has_no_entropy = true;
	bad += bt_claim_own_init(&own) != BT_ERR_ENTROPY;
	/* Nothing is decided, so it can still be had. */
	bad += use(arg) != BT_ERR_ENTROPY;
	has_no_entropy = false;
	has_no_mappings = true;
	bad += bt_claim_own_init(&own) != BT_ERR_NOMEM;
	bad += use(arg) != 0;
	has_no_mappings = false;
	bad += bt_claim_own_init(&own) != 0;
	has_no_memory = true;
	for (int i = 1; i < 512 && bad == 0; i++)
		bad += bt_claim_own_init(&things[i]) != 0;
	bad += bt_claim_own_init(&things[0]) != BT_ERR_NOMEM;
	bad += bt_claim_own_init(&things[0]) != BT_ERR_NOMEM;
	bt_claim_own_done(&own);
	bad += bt_claim_own_init(&things[0]) != 0;
	has_no_memory = false;
	for (int i = 0; i < 512; i++)
		bt_claim_own_done(&things[i]);
	return bad == 0 ? 0 : 1;
}

static void
failures(void **state)
{
	struct bt_claim_own own;

	assert_int_equal(bt_claim_own_init(&own), 0);
	assert_int_equal(finish(start(fail_each, &own)), 0);
	bt_claim_own_done(&own);
}

struct told {
	struct bt_claim_own *own;
	int go;
};

static int
use_it_in_time(void *arg)
{
	const struct told *told = arg;
	char byte;

	return read(told->go, &byte, 1) == 1 ? answer(use(told->own)) : 2;
}

/* What is handed on by a process that asked before a fork whose it is, and by a child too, is one's. */
static void
handed_on_beside_a_fork(void **state)
{
	struct bt_claim_own own;
	struct told told = {&own, -1};
	int go[2];
	pid_t pid;

	assert_int_equal(bt_claim_own_init(&own), 0);
	assert_int_equal(use(&own), 0);
	/* We are faster. */
	assert_int_equal(pipe(go), 0);
	told.go = go[0];
	pid = start(use_it_in_time, &told);
	assert_int_equal(bt_claim_own_give(&own), 0);
	assert_int_equal(write(go[1], "x", 1), 1);
	assert_int_equal(finish(pid), 1);
	/* It stays after all, and nothing is as if it had not. */
	bt_claim_own_keep(&own);
	assert_int_equal(use(&own), 0);
	assert_int_equal(bt_claim_own_give(&own), 0);
	assert_int_equal(finish(start(use_it, &own)), 1);
	bt_claim_own_keep(&own);
	/* The child is. */
	assert_int_equal(finish(start(use_it, &own)), 0);
	assert_int_equal(bt_claim_own_give(&own), BT_ERR_FORKED);
	assert_int_equal(use(&own), BT_ERR_FORKED);
	bt_claim_own_done(&own);
	close(go[0]);
	close(go[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_fork),
		cmocka_unit_test(child_first),
		cmocka_unit_test(parent_first),
		cmocka_unit_test(parent_deletes),
		cmocka_unit_test(grandchild_first),
		cmocka_unit_test(from_hand_to_hand),
		cmocka_unit_test(parent_keeps),
		cmocka_unit_test(three_forks_before_a_use),
		cmocka_unit_test(one_wins),
		cmocka_unit_test(threads_are_one),
		cmocka_unit_test(used_while_forking),
		cmocka_unit_test(handed_on_beside_a_fork),
		cmocka_unit_test(no_growth),
		cmocka_unit_test(generations),
		cmocka_unit_test(failures),
		cmocka_unit_test(forks_of_a_busy_process),
		cmocka_unit_test(threads_come_and_go),
	};

	if (pthread_atfork(meanwhile_before, meanwhile_after, NULL) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
