/* Export and import over the real claim room: processes, races, stores that cannot be used. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/err.h"
#include "claim/claim.h"
#include "support.h"
#include "support/root.h"
#include "support/scratch.h"
#include "transfer/seal.h"
#include "transfer/transfer.h"

/* A tmpfs that every Linux has; each test has a store of its own below it. */
static char dir[64];

static int
make_dir(void **state)
{
	test_mem_start(0);
	test_mem.num_secrets = 0;
	test_ahead_s = 0;
	test_has_uid = false;
	snprintf(dir, sizeof dir, "/dev/shm/baton-test-XXXXXX");
	return scratch_dir(dir) != NULL && setenv("BATON_CLAIM_DIR", dir, 1) == 0 ? 0 : -1;
}

static int
remove_dir(void **state)
{
	char path[sizeof dir + 16];

	chmod(dir, 0700);
	snprintf(path, sizeof path, "%s/claims", dir);
	unlink(path);
	/* A look at the table counts for a millisecond. */
	usleep(2000);
	return rmdir(dir) == 0 || errno == ENOENT ? 0 : -1;
}

static int
import(struct bt_bytes token, struct bt_ctx **out)
{
	return bt_transfer_import(test_mechs, 1, token, out);
}

static struct bt_buf export(struct bt_ctx *ctx)
{
	struct bt_buf token;

	assert_int_equal(bt_transfer_export(ctx, &no_wish, &token), 0);
	return token;
}

static struct bt_claim_census
census(void)
{
	struct bt_claim_census census;
	struct bt_claim_store *store;

	assert_int_equal(bt_claim_user_store(false, &store), 0);
	bt_claim_census_of(store, &census);
	return census;
}

/* A child goes, and leaves nothing that a checker would call lost. */
static void
leave(int status, struct bt_ctx *ctx, struct bt_ctx *back, struct bt_buf *token)
{
	bt_ctx_free(ctx);
	bt_ctx_free(back);
	bt_buf_free(token);
	_exit(status);
}

static int
status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
every_context_arrives_in_another_process(void **state)
{
	for (int sample = 0; sample < NUM_SAMPLES; sample++) {
		struct bt_ctx *ctx = test_ctx_new((enum test_sample)sample), *back;
		struct bt_buf token = export(ctx);
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			if (import(bt_bytes_of_buf(&token), &back) != 0)
				leave(1, ctx, back, &token);
			test_assert_same(ctx, back);
			leave(0, ctx, back, &token);
		}
		assert_int_equal(status_of(pid), 0);
		assert_int_equal(import(bt_bytes_of_buf(&token), &back), BT_ERR_TOKEN_USED);
		assert_null(back);
		bt_buf_free(&token);
		bt_ctx_free(ctx);
	}
	assert_int_equal(census().num_live, 0);
	assert_int_equal(test_mem.num_secrets, 0);
}

static void
the_exporter_may_be_gone(void **state)
{
	uint8_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR), *back;
	pid_t pid = fork();
	size_t len;

	if (pid == 0) {
		struct bt_buf token = export(ctx);

		memcpy(shared, &token.len, sizeof token.len);
		memcpy(shared + sizeof token.len, token.ptr, token.len);
		leave(0, ctx, NULL, &token);
	}
	assert_int_equal(status_of(pid), 0);
	memcpy(&len, shared, sizeof len);
	assert_int_equal(import(bt_bytes_of(shared + sizeof len, len), &back), 0);
	test_assert_same(ctx, back);
	bt_ctx_free(back);
	bt_ctx_free(ctx);
	munmap(shared, 4096);
}

static void
of_many_processes_one_wins(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);

	for (int round = 0; round < 10; round++) {
		struct bt_buf token = export(ctx);
		pid_t pids[16];
		int num_won = 0;

		for (int i = 0; i < 16; i++)
			if ((pids[i] = fork()) == 0) {
				struct bt_ctx *back;
				int e = import(bt_bytes_of_buf(&token), &back);

				leave(e == 0 ? 0 : e == BT_ERR_TOKEN_USED ? 1 : 2, ctx, back, &token);
			}
		for (int i = 0; i < 16; i++) {
			int status = status_of(pids[i]);

			assert_in_range(status, 0, 1);
			num_won += status == 0;
		}
		assert_int_equal(num_won, 1);
		bt_buf_free(&token);
	}
	bt_ctx_free(ctx);
}

struct race {
	pthread_barrier_t barrier;
	struct bt_bytes token;
	unsigned num_won, num_used;
};

static void *
run_race(void *arg)
{
	struct race *race = arg;
	struct bt_ctx *ctx;
	int e;

	pthread_barrier_wait(&race->barrier);
	e = import(race->token, &ctx);
	__atomic_fetch_add(e == 0 ? &race->num_won : &race->num_used, e == 0 || e == BT_ERR_TOKEN_USED, __ATOMIC_RELAXED);
	bt_ctx_free(ctx);
	return NULL;
}

static void
of_eight_threads_one_wins(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);

	for (int round = 0; round < 50; round++) {
		struct bt_buf token = export(ctx);
		struct race race = {.token = bt_bytes_of_buf(&token)};
		pthread_t threads[8];

		pthread_barrier_init(&race.barrier, NULL, 8);
		for (int i = 0; i < 8; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, run_race, &race), 0);
		for (int i = 0; i < 8; i++)
			pthread_join(threads[i], NULL);
		pthread_barrier_destroy(&race.barrier);
		assert_int_equal(race.num_won, 1);
		assert_int_equal(race.num_used, 7);
		bt_buf_free(&token);
	}
	bt_ctx_free(ctx);
}

static void
damage_is_refused_and_costs_nothing(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR), *none;
	struct bt_buf token = export(ctx);

	for (size_t bit = 0; bit < 8 * token.len; bit++) {
		int e;

		token.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
		e = import(bt_bytes_of_buf(&token), &none);
		assert_null(none);
		if (e != BT_ERR_TOKEN_FORMAT && e != BT_ERR_TOKEN_VERSION && e != BT_ERR_TOKEN_ALTERED &&
		    e != BT_ERR_TOKEN_USED && e != BT_ERR_TOKEN_STORE && e != BT_ERR_TOKEN_EXPIRED)
			fail_msg("bit %zu: %d %s", bit, e, bt_err_text(e) != NULL ? bt_err_text(e) : strerror(e));
		token.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(import(bt_bytes_of_buf(&token), &none), 0);
	bt_ctx_free(none);
	bt_buf_free(&token);
	bt_ctx_free(ctx);
}

static void
fifty_exports_in_a_row(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_FULL), *original = test_ctx_new(SAMPLE_FULL);
	struct bt_buf tokens[50];

	original->expires_at = ctx->expires_at;
	for (int i = 0; i < 50; i++) {
		tokens[i] = export(ctx);
		bt_ctx_free(ctx);
		assert_int_equal(import(bt_bytes_of_buf(&tokens[i]), &ctx), 0);
	}
	test_assert_same(original, ctx);
	for (int i = 0; i < 50; i++) {
		struct bt_ctx *none;

		assert_int_equal(import(bt_bytes_of_buf(&tokens[i]), &none), BT_ERR_TOKEN_USED);
		bt_buf_free(&tokens[i]);
	}
	assert_int_equal(census().num_live + census().num_reserved, 0);
	bt_ctx_free(ctx);
	bt_ctx_free(original);
}

static void
every_allocation_may_fail(void **state)
{
	for (int sample = 0; sample < NUM_SAMPLES; sample++) {
		struct bt_ctx *ctx = test_ctx_new((enum test_sample)sample), *back;
		struct bt_buf token;
		unsigned n = 0;
		int e;

		do {
			test_mem_start(++n);
			e = bt_transfer_export(ctx, &no_wish, &token);
			test_mem_start(0);
			assert_true(e == 0 || (e == BT_ERR_NOMEM && token.ptr == NULL));
		} while (e != 0);
		assert_true(n > 1);
		assert_int_equal(census().num_live, 1);
		assert_int_equal(census().num_reserved, 0);
		n = 0;
		do {
			test_mem_start(++n);
			e = import(bt_bytes_of_buf(&token), &back);
			test_mem_start(0);
			assert_true(e == 0 || (e == BT_ERR_NOMEM && back == NULL));
		} while (e != 0);
		assert_true(n > 1);
		test_assert_same(ctx, back);
		assert_int_equal(census().num_live, 0);
		bt_buf_free(&token);
		bt_ctx_free(back);
		bt_ctx_free(ctx);
	}
}

/* The export fails so in a process that finds the store as it is now, and works when that is mended. */
static void
assert_store_fails(int expected)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR), *same = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_buf token = {(uint8_t *)"garbage", 7};
	int e = bt_transfer_export(ctx, &no_wish, &token);

	if (e != expected)
		fail_msg("%d %s, %s", e, bt_err_text(e) != NULL ? bt_err_text(e) : strerror(e), bt_err_noted(e));
	assert_true(token.ptr == NULL && token.len == 0);
	same->expires_at = ctx->expires_at;
	test_assert_same(ctx, same);
	remove_dir(NULL);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(bt_transfer_export(ctx, &no_wish, &token), 0);
	bt_buf_free(&token);
	bt_ctx_free(ctx);
	bt_ctx_free(same);
}

static void
a_store_directory_of_the_wrong_mode(void **state)
{
	assert_int_equal(chmod(dir, 0755), 0);
	assert_store_fails(BT_ERR_STORE_MODE);
}

static void
a_store_directory_that_cannot_be(void **state)
{
	char below[sizeof dir + 8];

	snprintf(below, sizeof below, "%s/a/b", dir);
	setenv("BATON_CLAIM_DIR", below, 1);
	remove_dir(NULL);
	{
		struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
		struct bt_buf token;

		assert_int_equal(bt_transfer_export(ctx, &no_wish, &token), BT_ERR_STORE_MISSING);
		assert_null(token.ptr);
		assert_int_equal(mkdir(dir, 0700), 0);
		setenv("BATON_CLAIM_DIR", dir, 1);
		assert_int_equal(bt_transfer_export(ctx, &no_wish, &token), 0);
		bt_buf_free(&token);
		bt_ctx_free(ctx);
	}
}

static void
a_store_directory_on_a_disk(void **state)
{
	char disk[] = "/var/tmp/baton-test-XXXXXX";
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_buf token;
	struct statfs fs;

	assert_non_null(scratch_dir(disk));
	assert_int_equal(statfs(disk, &fs), 0);
	if ((unsigned long)fs.f_type == TMPFS_MAGIC || (unsigned long)fs.f_type == RAMFS_MAGIC) {
		rmdir(disk);
		bt_ctx_free(ctx);
		skip();
	}
	setenv("BATON_CLAIM_DIR", disk, 1);
	assert_int_equal(bt_transfer_export(ctx, &no_wish, &token), BT_ERR_STORE_PLACE);
	assert_null(token.ptr);
	setenv("BATON_CLAIM_DIR", dir, 1);
	assert_int_equal(bt_transfer_export(ctx, &no_wish, &token), 0);
	bt_buf_free(&token);
	bt_ctx_free(ctx);
	rmdir(disk);
}

/* Each in a process of its own: a store is opened once. */
static void
out_of_descriptors(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	pid_t pid = fork();

	if (pid == 0) {
		struct rlimit few = {64, 64};
		struct bt_buf token;
		int fd, last = -1;

		setrlimit(RLIMIT_NOFILE, &few);
		while ((fd = dup(2)) >= 0)
			last = fd;
		if (bt_transfer_export(ctx, &no_wish, &token) != EMFILE || token.ptr != NULL)
			leave(1, ctx, NULL, &token);
		for (fd = last - 8; fd <= last; fd++)
			close(fd);
		leave(bt_transfer_export(ctx, &no_wish, &token) == 0 ? 0 : 2, ctx, NULL, &token);
	}
	assert_int_equal(status_of(pid), 0);
	bt_ctx_free(ctx);
}

static void
a_deleted_store_ends_its_tokens(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR), *none;
	struct bt_buf token = export(ctx), next;

	remove_dir(NULL);
	assert_int_equal(import(bt_bytes_of_buf(&token), &none), BT_ERR_TOKEN_STORE);
	assert_null(none);
	assert_int_equal(bt_transfer_export(ctx, &no_wish, &next), 0);
	assert_int_equal(import(bt_bytes_of_buf(&token), &none), BT_ERR_TOKEN_STORE);
	assert_int_equal(import(bt_bytes_of_buf(&next), &none), 0);
	bt_ctx_free(none);
	bt_buf_free(&token);
	bt_buf_free(&next);
	bt_ctx_free(ctx);
}

static void
a_token_waits_its_time_and_no_longer(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR), *back;
	struct bt_buf token = export(ctx);

	test_ahead_s = 300;
	assert_int_equal(import(bt_bytes_of_buf(&token), &back), 0);
	bt_ctx_free(back);
	bt_buf_free(&token);
	token = export(ctx);
	test_ahead_s = 901;
	assert_int_equal(import(bt_bytes_of_buf(&token), &back), BT_ERR_TOKEN_EXPIRED);
	bt_buf_free(&token);
	bt_ctx_free(ctx);
}

/* In a process of user 65534, if this one may become that. */
static void
another_user_is_refused_and_burns_nothing(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR), *back;
	struct bt_buf token = export(ctx);
	pid_t pid;

	if (!is_root()) {
		bt_buf_free(&token);
		bt_ctx_free(ctx);
		skip();
	}
	if ((pid = fork()) == 0) {
		int e = setuid(65534) == 0 ? import(bt_bytes_of_buf(&token), &back) : errno;

		leave(e == BT_ERR_TOKEN_USER ? 0 : 1, ctx, NULL, &token);
	}
	assert_int_equal(status_of(pid), 0);
	assert_int_equal(import(bt_bytes_of_buf(&token), &back), 0);
	bt_ctx_free(back);
	bt_buf_free(&token);
	bt_ctx_free(ctx);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
	static const struct CMUnitTest tests[] = {
	    TEST(out_of_descriptors),
	    TEST(every_context_arrives_in_another_process),
	    TEST(the_exporter_may_be_gone),
	    TEST(of_many_processes_one_wins),
	    TEST(of_eight_threads_one_wins),
	    TEST(damage_is_refused_and_costs_nothing),
	    TEST(fifty_exports_in_a_row),
	    TEST(every_allocation_may_fail),
	    TEST(a_store_directory_of_the_wrong_mode),
	    TEST(a_store_directory_that_cannot_be),
	    TEST(a_store_directory_on_a_disk),
	    TEST(a_deleted_store_ends_its_tokens),
	    TEST(a_token_waits_its_time_and_no_longer),
	    TEST(another_user_is_refused_and_burns_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
