#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "../../support/valgrind.h"
#include "support/root.h"

/* The list of opened stores is the process's: each test has a process of its own. */
static uint8_t key[BT_CLAIM_KEY_LEN];

static void
name_dir(void)
{
	setenv("BATON_CLAIM_DIR", fixture_dir, 1);
}

static struct bt_claim_store *
user_store(void)
{
	struct bt_claim_store *store;

	CHECK(bt_claim_user_store(true, &store) == 0);
	return store;
}

static struct bt_claim_ref
make_claim(void)
{
	struct bt_claim_store *store = user_store();
	struct bt_claim_ref ref;

	CHECK(bt_claim_reserve(store, 60000, &ref, key) == 0);
	bt_claim_activate(store, &ref, key);
	return ref;
}

static bool
opens_once(void)
{
	struct bt_claim_store *store, *again;
	struct bt_claim_ref ref;

	name_dir();
	CHECK(bt_claim_user_store(false, &store) == BT_ERR_STORE_MISSING && store == NULL);
	CHECK(access(fixture_path, F_OK) != 0);
	store = user_store();
	CHECK(bt_claim_user_store(false, &again) == 0 && again == store);
	setenv("BATON_CLAIM_DIR", "/nowhere", 1);
	CHECK(user_store() == store);
	name_dir();
	ref = make_claim();
	CHECK(ref.place == BT_CLAIM_PLACE_NAMED);
	CHECK(bt_claim_store_of(&ref, &again) == 0 && again == store);
	return bt_claim_take(again, &ref) == 0;
}

static bool
finds_the_store_of_a_token(void)
{
	struct bt_claim_store *store;
	struct bt_claim_ref ref, bad;
	char dir[80];

	/* The exporter's default is its runtime directory ... */
	unsetenv("BATON_CLAIM_DIR");
	setenv("XDG_RUNTIME_DIR", fixture_dir, 1);
	ref = make_claim();
	CHECK(ref.place == BT_CLAIM_PLACE_RUNTIME);
	snprintf(dir, sizeof dir, "%s/baton", fixture_dir);
	/* ... and the importer has another default as well. */
	CHECK(bt_claim_store_of(&ref, &store) == 0);
	bad = ref;
	bad.place = BT_CLAIM_PLACE_NAMED;
	CHECK(bt_claim_store_of(&bad, &store) == BT_ERR_TOKEN_STORE && store == NULL);
	setenv("BATON_CLAIM_DIR", dir, 1);
	CHECK(bt_claim_store_of(&bad, &store) == 0);
	CHECK(bt_claim_take(store, &ref) == 0);
	bad.store_id[3] ^= 0x40;
	CHECK(bt_claim_store_of(&bad, &store) == BT_ERR_TOKEN_STORE && store == NULL);
	for (int place = 0; place < 256; place++) {
		/* Boxes are told apart by their names: a directory may be there. */
		if (place == BT_CLAIM_PLACE_BOX)
			continue;
		bad.place = (uint8_t)place;
		CHECK(bt_claim_store_of(&bad, &store) ==
		      (place >= 1 && place <= BT_CLAIM_PLACE_MEMORY ? BT_ERR_TOKEN_STORE : BT_ERR_MALFORMED));
	}
	snprintf(dir, sizeof dir, "%s/baton/claims", fixture_dir);
	unlink(dir);
	snprintf(dir, sizeof dir, "%s/baton", fixture_dir);
	return rmdir(dir) == 0;
}

/* Noticed in the next millisecond. */
static void
delete_table(void)
{
	CHECK(unlink(fixture_path) == 0);
	fixture_now_ms++;
}

static bool
deleted_table(void)
{
	struct bt_claim_store *store;
	struct bt_claim_ref old, ref;

	name_dir();
	old = make_claim();
	delete_table();
	CHECK(bt_claim_store_of(&old, &store) == BT_ERR_TOKEN_STORE && store == NULL);
	CHECK(access(fixture_path, F_OK) != 0);
	for (int i = 0; i < 50; i++) {
		ref = make_claim();
		CHECK(bt_claim_store_of(&old, &store) == BT_ERR_TOKEN_STORE);
		CHECK(bt_claim_store_of(&ref, &store) == 0 && bt_claim_take(store, &ref) == 0);
		delete_table();
	}
	/* Fifty retired tables hold no descriptors. */
	CHECK(open("/dev/null", O_RDONLY) < 32);
	return true;
}

/* Another process has noticed the deletion, and its token is here in the millisecond in which we have looked last. */
static bool
replaced_table(void)
{
	struct bt_claim_store *store;
	struct bt_claim_ref ref;
	int ends[2], status;
	pid_t pid;

	name_dir();
	make_claim();
	CHECK(pipe(ends) == 0);
	if ((pid = fork()) == 0) {
		delete_table();
		ref = make_claim();
		_exit(write(ends[1], &ref, sizeof ref) != (ssize_t)sizeof ref);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(read(ends[0], &ref, sizeof ref) == (ssize_t)sizeof ref);
	CHECK(bt_claim_store_of(&ref, &store) == 0 && bt_claim_take(store, &ref) == 0);
	return true;
}

static bool
truncated_table(void)
{
	struct bt_claim_store *store;
	struct bt_claim_ref ref;

	name_dir();
	ref = make_claim();
	CHECK(truncate(fixture_path, 4096) == 0);
	fixture_now_ms++;
	CHECK(bt_claim_store_of(&ref, &store) == BT_ERR_STORE_DAMAGED && store == NULL);
	CHECK(bt_claim_user_store(true, &store) == BT_ERR_STORE_DAMAGED && store == NULL);
	CHECK(strstr(bt_err_noted(BT_ERR_STORE_DAMAGED), fixture_path) != NULL);
	CHECK(truncate(fixture_path, 0) == 0);
	fixture_now_ms++;
	ref = make_claim();
	CHECK(bt_claim_store_of(&ref, &store) == 0);
	return bt_claim_take(store, &ref) == 0;
}

/* In the midst of each step, with the look at the table behind it. The last one is not ours, and counts as it would without us. */
static bool
cut_under_way(void)
{
	struct bt_claim_store *store;
	struct bt_claim_ref ref, other;

	/* It does not keep the registers of an instruction that faults. */
	if (is_under_valgrind())
		return true;
	name_dir();
	ref = make_claim();
	CHECK(bt_claim_store_of(&ref, &store) == 0);
	CHECK(truncate(fixture_path, 0) == 0);
	CHECK(bt_claim_read(store, &ref, key) != 0);
	CHECK(bt_claim_take(store, &ref) != 0);

	ref = make_claim();
	CHECK(bt_claim_store_of(&ref, &store) == 0 && bt_claim_read(store, &ref, key) == 0);
	CHECK(truncate(fixture_path, 4096) == 0);
	CHECK(bt_claim_take(store, &ref) != 0);
	CHECK(unlink(fixture_path) == 0);

	CHECK(bt_claim_user_store(true, &store) == 0 && bt_claim_reserve(store, 1000, &ref, key) == 0);
	CHECK(truncate(fixture_path, 0) == 0);
	CHECK(bt_claim_activate(store, &ref, key) == EAGAIN);
	bt_claim_cancel(store, &ref);

	CHECK(bt_claim_user_store(true, &store) == 0 && bt_claim_reserve(store, 1000, &other, key) == 0);
	CHECK(truncate(fixture_path, 0) == 0);
	CHECK(bt_claim_reserve(store, 1000, &ref, key) == BT_ERR_STORE_DAMAGED || bt_claim_activate(store, &ref, key) != 0);
	ref = make_claim();
	return bt_claim_store_of(&ref, &store) == 0 && bt_claim_take(store, &ref) == 0;
}

static volatile sig_atomic_t num_theirs;

static void
theirs(int number)
{
	static const struct sigaction usual = {.sa_handler = SIG_DFL};

	if (++num_theirs > 1)
		sigaction(number, &usual, NULL);
}

/* Faults that have nothing to do with a table, and signals that somebody sent. */
static bool
other_faults(void)
{
	int fd = memfd_create("short", 0), status;
	volatile char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	struct sigaction wish = {.sa_handler = theirs, .sa_flags = SA_RESTART}, now;
	pid_t child;

	CHECK(fd >= 0 && p != MAP_FAILED);
	sigaddset(&wish.sa_mask, SIGUSR2);
	sigaction(SIGBUS, &wish, NULL);
	name_dir();
	make_claim();
	/* It is disturbed by nothing that it did not want to be disturbed by. */
	CHECK(sigaction(SIGBUS, NULL, &now) == 0 && now.sa_flags & SA_SIGINFO && sigismember(&now.sa_mask, SIGUSR2) == 1);
	raise(SIGBUS);
	CHECK(num_theirs == 1);
	for (int n = 0; n < 2; n++) {
		if ((child = fork()) == 0) {
			if (n == 0)
				(void)p[0];
			raise(SIGBUS);
			raise(SIGBUS);
			_exit(0);
		}
		CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	}
	return true;
}

/* The same where nobody had a handler. */
static bool
faults_end_it(void)
{
	int fd = memfd_create("short", 0), status;
	volatile char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	pid_t child;

	CHECK(fd >= 0 && p != MAP_FAILED);
	/* In place of cmocka's. */
	signal(SIGBUS, SIG_DFL);
	name_dir();
	make_claim();
	for (int n = 0; n < 2; n++) {
		if ((child = fork()) == 0) {
			if (n == 0)
				(void)p[0];
			raise(SIGBUS);
			_exit(0);
		}
		CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	}
	return true;
}

/* Programs that become daemons close all descriptors, and open other files under the same numbers. */
static bool
lost_descriptor(void)
{
	struct bt_claim_store *store;
	struct bt_claim_ref ref;
	struct stat before, after;
	char other[] = "/dev/shm/baton-test-XXXXXX";
	int fd;

	name_dir();
	ref = make_claim();
	for (int round = 0; round < 2; round++) {
		closefrom(3);
		fixture_now_ms++;
		if (round == 1)
			CHECK((fd = mkstemp(other)) == 3 && write(fd, "x", 1) == 1);
		CHECK(bt_claim_store_of(&ref, &store) == 0 && bt_claim_read(store, &ref, key) == 0);
		CHECK(user_store() == store);
	}
	CHECK(fstat(fd, &before) == 0 && before.st_size == 1 && before.st_blocks == 8);
	/* Also when it is deleted at the same time: the number is not ours to close. */
	close(((struct bt_claim_table *)store)->fd);
	CHECK(dup(fd) >= 0);
	delete_table();
	make_claim();
	CHECK(fstat(fd, &after) == 0 && after.st_size == 1 && unlink(other) == 0);
	CHECK(fcntl(fd + 1, F_GETFD) != -1);
	return true;
}

static bool
changed_user(void)
{
	struct bt_claim_store *mine, *store;
	struct bt_claim_ref ref;

	name_dir();
	ref = make_claim();
	mine = user_store();
	CHECK(seteuid(65534) == 0);
	CHECK(bt_claim_user_store(true, &store) == BT_ERR_STORE_OWNER && store == NULL);
	CHECK(strstr(bt_err_noted(BT_ERR_STORE_OWNER), fixture_dir) != NULL);
	CHECK(bt_claim_store_of(&ref, &store) == BT_ERR_STORE_OWNER && store == NULL);
	CHECK(open(fixture_path, O_RDONLY) == -1 && errno == EACCES);
	CHECK(seteuid(0) == 0);
	CHECK(user_store() == mine);
	return bt_claim_take(mine, &ref) == 0;
}

static bool
squatted(void)
{
	struct bt_claim_store *store;

	name_dir();
	CHECK(chown(fixture_dir, 65534, 65534) == 0);
	CHECK(bt_claim_user_store(true, &store) == BT_ERR_STORE_OWNER && store == NULL);
	CHECK(chown(fixture_dir, 0, 0) == 0);
	user_store();
	return true;
}

static bool
starved(void)
{
	struct bt_claim_store *store;
	struct rlimit limit;
	rlim_t was;

	name_dir();
	fixture_allocs_left = 0;
	CHECK(bt_claim_user_store(true, &store) == BT_ERR_NOMEM && store == NULL);
	fixture_allocs_left = -1;
	getrlimit(RLIMIT_NOFILE, &limit);
	was = limit.rlim_cur;
	limit.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &limit);
	CHECK(bt_claim_user_store(true, &store) == EMFILE && store == NULL);
	CHECK(strstr(bt_err_noted(EMFILE), fixture_dir) != NULL);
	limit.rlim_cur = was;
	setrlimit(RLIMIT_NOFILE, &limit);
	store = user_store();
	/* Once open it needs neither. */
	fixture_allocs_left = 0;
	limit.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &limit);
	CHECK(user_store() == store);
	make_claim();
	return true;
}

static void *
open_in_thread(void *gate)
{
	pthread_barrier_wait(gate);
	return user_store();
}

static bool
threads_open_one(void)
{
	pthread_t threads[8];
	pthread_barrier_t gate;
	void *got[8];

	name_dir();
	pthread_barrier_init(&gate, NULL, 8);
	for (int i = 0; i < 8; i++)
		CHECK(pthread_create(&threads[i], NULL, open_in_thread, &gate) == 0);
	for (int i = 0; i < 8; i++)
		CHECK(pthread_join(threads[i], &got[i]) == 0 && got[i] == got[0]);
	/* The others' descriptors are closed: one is left beside the standard ones and the runner's. */
	CHECK(open("/dev/null", O_RDONLY) < 16);
	return true;
}

#define IN_CHILD(fn, needs_root)                    \
	static void test_##fn(void **state)         \
	{                                           \
		if ((needs_root) && !is_root()) \
			skip();                     \
		assert_true(fixture_in_child(fn));  \
	}

IN_CHILD(opens_once, false)
IN_CHILD(finds_the_store_of_a_token, false)
IN_CHILD(deleted_table, false)
IN_CHILD(replaced_table, false)
IN_CHILD(truncated_table, false)
IN_CHILD(cut_under_way, false)
IN_CHILD(other_faults, false)
IN_CHILD(faults_end_it, false)
IN_CHILD(lost_descriptor, false)
IN_CHILD(changed_user, true)
IN_CHILD(squatted, true)
IN_CHILD(starved, false)
IN_CHILD(threads_open_one, false)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_opens_once),	 TEST(test_finds_the_store_of_a_token),
	    TEST(test_deleted_table),	 TEST(test_truncated_table),
	    TEST(test_replaced_table),	 TEST(test_cut_under_way),
	    TEST(test_other_faults),	 TEST(test_faults_end_it),
	    TEST(test_lost_descriptor),	 TEST(test_changed_user),
	    TEST(test_squatted),	 TEST(test_starved),
	    TEST(test_threads_open_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
