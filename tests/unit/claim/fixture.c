#include "fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "support/scratch.h"

int64_t fixture_now_ms;
bool fixture_has_entropy;
int fixture_allocs_left;
char fixture_dir[64], fixture_path[80];
struct bt_claim_table *fixture_table;

int64_t
bt_clock_boot_ms(void)
{
	return fixture_now_ms;
}

int64_t
bt_clock_wall_s(void)
{
	return 0;
}

int
bt_crypto_random(void *out, size_t len)
{
	memset(out, 0, len);
	if (!fixture_has_entropy)
		return BT_ERR_ENTROPY;
	return getrandom(out, len, 0) == (ssize_t)len ? 0 : BT_ERR_ENTROPY;
}

void *__real_bt_mem_alloc(size_t len);
void *__wrap_bt_mem_alloc(size_t len);

void *
__wrap_bt_mem_alloc(size_t len)
{
	if (fixture_allocs_left == 0)
		return NULL;
	if (fixture_allocs_left > 0)
		fixture_allocs_left--;
	return __real_bt_mem_alloc(len);
}

int
fixture_setup(void **state)
{
	fixture_now_ms = 1000000;
	fixture_has_entropy = true;
	fixture_allocs_left = -1;
	fixture_table = NULL;
	strcpy(fixture_dir, "/dev/shm/baton-test-XXXXXX");
	if (scratch_dir(fixture_dir) == NULL)
		return -1;
	snprintf(fixture_path, sizeof fixture_path, "%s/claims", fixture_dir);
	return 0;
}

int
fixture_teardown(void **state)
{
	char link[96];

	bt_claim_table_free(fixture_table);
	snprintf(link, sizeof link, "%s.link", fixture_path);
	unlink(link);
	unlink(fixture_path);
	rmdir(fixture_path);
	return rmdir(fixture_dir);
}

struct bt_claim_store *
fixture_open(void)
{
	assert_int_equal(bt_claim_table_open(fixture_dir, geteuid(), BT_CLAIM_PLACE_NAMED, true, &fixture_table), 0);
	return &fixture_table->store;
}

static int
next_fd(void)
{
	int fd = open("/dev/null", O_RDONLY);

	close(fd);
	return fd;
}

void
fixture_open_fails(bool create, int err)
{
	struct bt_claim_table *table = (struct bt_claim_table *)&table;
	int fd = next_fd(), e;

	e = bt_claim_table_open(fixture_dir, geteuid(), BT_CLAIM_PLACE_NAMED, create, &table);
	if (e != err)
		print_error("%s\n", bt_err_noted(e) != NULL ? bt_err_noted(e) : "no note");
	assert_int_equal(e, err);
	assert_null(table);
	assert_int_equal(next_fd(), fd);
	if (err == BT_ERR_NOMEM)
		return;
	assert_non_null(bt_err_noted(err));
	assert_non_null(strstr(bt_err_noted(err), fixture_dir));
}

struct bt_claim_ref
fixture_claim(struct bt_claim_store *store, int64_t ttl_ms, uint8_t key[static BT_CLAIM_KEY_LEN])
{
	struct bt_claim_ref ref;

	assert_int_equal(bt_claim_reserve(store, ttl_ms, &ref, key), 0);
	bt_claim_activate(store, &ref, key);
	return ref;
}

bool
fixture_in_child(bool (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fn() ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
