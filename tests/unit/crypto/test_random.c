/* Random bytes: never twice, not in a thread, not after fork; none stays behind; and a failing generator gives none at all. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#include "base/err.h"
#include "crypto/thread.h"

static void
lengths_are_filled_and_not_more(void **state)
{
	uint8_t bytes[20000], or_of_many[64];

	for (size_t len = 0; len <= 64; len++) {
		memset(or_of_many, 0, sizeof or_of_many);
		for (int i = 0; i < 40; i++) {
			memset(bytes, 0, 65);
			assert_int_equal(bt_crypto_random(bytes, len), 0);
			assert_int_equal(bytes[len], 0);
			for (size_t j = 0; j < len; j++)
				or_of_many[j] |= bytes[j];
		}
		/* Each bit of each byte was set at least once: 2^-40 that it was not. */
		assert_true(has_only(or_of_many, len, 0xff));
	}
	for (size_t len = 200; len <= sizeof bytes - 1; len = len * 3 / 2 + 1) {
		memset(bytes, 0, sizeof bytes);
		assert_int_equal(bt_crypto_random(bytes, len), 0);
		assert_true(has_only(bytes + len, sizeof bytes - len, 0));
		assert_false(has_only(bytes + len - 16, 16, 0));
		assert_false(has_only(bytes, 16, 0));
	}
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

static void
nothing_comes_twice(void **state)
{
	static uint8_t all[5000][16];

	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(bt_crypto_random(all[i], 16), 0);
	qsort(all, 5000, 16, compare);
	for (size_t i = 1; i < 5000; i++)
		assert_int_not_equal(compare(all[i - 1], all[i]), 0);
}

/* What was handed out is no longer in the reserve. */
static void
reserve_forgets(void **state)
{
	struct bt_crypto_reserve *reserve = bt_crypto_thread_reserve();
	uint8_t bytes[40];

	assert_non_null(reserve);
	for (int i = 0; i < 500; i++) {
		size_t len = 1 + (size_t)i % 40;

		assert_int_equal(bt_crypto_random(bytes, len), 0);
		assert_true(has_only(reserve->bytes, sizeof reserve->bytes - reserve->left, 0));
		if (len >= 16)
			assert_null(memmem(reserve->bytes, sizeof reserve->bytes, bytes, len));
	}
}

static void
child_has_other_bytes(void **state)
{
	uint8_t mine[64], childs[64], before[16];
	int pipes[2], status;
	pid_t pid;

	/* The reserve holds what both would draw next. */
	assert_int_equal(bt_crypto_random(before, sizeof before), 0);
	assert_int_equal(pipe(pipes), 0);
	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		bool is_empty = bt_crypto_thread_reserve()->left == 0;

		_exit(!is_empty || bt_crypto_random(childs, sizeof childs) != 0 ||
		      write(pipes[1], childs, sizeof childs) != sizeof childs);
	}
	close(pipes[1]);
	assert_int_equal(bt_crypto_random(mine, sizeof mine), 0);
	assert_int_equal(read(pipes[0], childs, sizeof childs), sizeof childs);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_memory_not_equal(mine, childs, 16);
	/* Not even shifted. */
	for (size_t i = 0; i + 8 <= sizeof mine; i++)
		assert_null(memmem(childs, sizeof childs, mine + i, 8));
	close(pipes[0]);
}

static void *
draw(void *arg)
{
	return bt_crypto_random(arg, 64) == 0 ? arg : NULL;
}

static void
threads_have_other_bytes(void **state)
{
	uint8_t mine[64], theirs[8][64];
	pthread_t threads[8];
	void *result;

	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, draw, theirs[i]), 0);
	assert_int_equal(bt_crypto_random(mine, sizeof mine), 0);
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], &result);
		assert_ptr_equal(result, theirs[i]);
		assert_memory_not_equal(theirs[i], mine, 16);
		for (int j = 0; j < i; j++)
			assert_memory_not_equal(theirs[i], theirs[j], 16);
	}
}

static atomic_bool is_over;

static void *
keep_busy(void *arg)
{
	uint8_t bytes[16];

	while (!atomic_load(&is_over))
		RAND_bytes(bytes, sizeof bytes);
	return arg;
}

/* Threads that a fork leaves behind hold locks for ever. None of them may be in a child's way. */
static void
child_of_a_busy_process(void **state)
{
	pthread_t threads[4];
	uint8_t bytes[16];
	int status = 0;
	pid_t pid;

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, keep_busy, NULL), 0);
	for (int n = 0; n < 100 && status == 0; n++) {
		assert_true((pid = fork()) >= 0);
		if (pid == 0) {
			alarm(20);
			_exit(bt_crypto_random(bytes, sizeof bytes) != 0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	atomic_store(&is_over, true);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(status, 0);
}

/* How the kernel answers here: as it does, or with no more than so many bytes, or not at all. */
static size_t most = SIZE_MAX;
static int interruptions;

ssize_t
getrandom(void *out, size_t len, unsigned flags)
{
	if (interruptions > 0) {
		interruptions--;
		errno = EINTR;
		return -1;
	}
	if (most == 0) {
		memset(out, 0x55, len);
		errno = ENOSYS;
		return -1;
	}
	return syscall(SYS_getrandom, out, len < most ? len : most, flags);
}

static void
few_bytes_at_a_time(void **state)
{
	uint8_t bytes[1000], or_of_many[1000] = {0};

	most = 7;
	for (int i = 0; i < 40; i++) {
		interruptions = 2;
		assert_int_equal(bt_crypto_random(bytes, sizeof bytes), 0);
		for (size_t j = 0; j < sizeof bytes; j++)
			or_of_many[j] |= bytes[j];
	}
	most = SIZE_MAX;
	assert_true(has_only(or_of_many, sizeof or_of_many, 0xff));
}

static void
failure_is_told_and_gives_nothing(void **state)
{
	const size_t lengths[] = {16, 32, 256, 257, 10000};
	static uint8_t bytes[10000];

	/* Begin with a reserve too small for what is asked. What is left of it must not be handed out after a failed refill. */
	while (bt_crypto_thread_reserve()->left != 9)
		assert_int_equal(bt_crypto_random(bytes, 1), 0);
	most = 0;
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		memset(bytes, 0xee, sizeof bytes);
		assert_int_equal(bt_crypto_random(bytes, lengths[i]), BT_ERR_ENTROPY);
		assert_true(has_only(bytes, lengths[i], 0));
		assert_int_equal(bt_crypto_thread_reserve()->left, 0);
		assert_true(has_only(bt_crypto_thread_reserve()->bytes, BT_CRYPTO_RESERVE_LEN, 0));
	}
	/* The program's queue of errors has nothing of ours. */
	assert_true(ERR_peek_error() == 0);
	most = SIZE_MAX;
	assert_int_equal(bt_crypto_random(bytes, 16), 0);
	assert_false(has_only(bytes, 16, 0x55));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lengths_are_filled_and_not_more),
	    cmocka_unit_test(nothing_comes_twice),
	    cmocka_unit_test(reserve_forgets),
	    cmocka_unit_test(child_has_other_bytes),
	    cmocka_unit_test(threads_have_other_bytes),
	    cmocka_unit_test(child_of_a_busy_process),
	    cmocka_unit_test(few_bytes_at_a_time),
	    cmocka_unit_test(failure_is_told_and_gives_nothing),
	};

	return cmocka_run_group_tests_name("crypto/random", tests, NULL, NULL);
}
