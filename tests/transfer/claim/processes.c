#include "processes.h"

#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "crypto/crypto.h"
#include "support/scratch.h"

char processes_dir[64], processes_path[80];
static _Atomic int64_t *clock_offset_ms;
static pid_t owner;
void (*processes_before_slot)(void);

int64_t
bt_clock_boot_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + (clock_offset_ms != NULL ? *clock_offset_ms : 0);
}

int64_t
bt_clock_wall_s(void)
{
	return 0;
}

int
bt_crypto_random(void *out, size_t len)
{
	int e = getrandom(out, len, 0) == (ssize_t)len ? 0 : BT_ERR_ENTROPY;

	if (processes_before_slot != NULL)
		processes_before_slot();
	return e;
}

static void
remove_dir(void)
{
	if (getpid() != owner)
		return;
	unlink(processes_path);
	rmdir(processes_dir);
}

void
processes_fail(const char *file, int line, const char *expr)
{
	fprintf(stderr, "%s:%d: [%d] %s\n", file, line, (int)getpid(), expr);
	remove_dir();
	_exit(1);
}

void
processes_init(void)
{
	strcpy(processes_dir, "/dev/shm/baton-test-XXXXXX");
	CHECK(scratch_dir(processes_dir) != NULL);
	snprintf(processes_path, sizeof processes_path, "%s/claims", processes_dir);
	CHECK(setenv("BATON_CLAIM_DIR", processes_dir, 1) == 0);
	owner = getpid();
	CHECK(atexit(remove_dir) == 0);
	clock_offset_ms = processes_share(sizeof *clock_offset_ms);
}

void *
processes_share(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

void
processes_sleep_ms(int64_t ms)
{
	*clock_offset_ms += ms;
}

pthread_barrier_t *
processes_barrier(unsigned num)
{
	pthread_barrier_t *barrier = processes_share(sizeof *barrier);
	pthread_barrierattr_t attr;

	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	CHECK(pthread_barrier_init(barrier, &attr, num) == 0);
	return barrier;
}

pid_t
processes_start(void (*fn)(int nth), int nth)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		fn(nth);
		_exit(0);
	}
	return pid;
}

void
processes_start_all(void (*fn)(int nth), int num, pid_t *pids)
{
	for (int i = 0; i < num; i++)
		pids[i] = processes_start(fn, i);
}

void
processes_join(const pid_t *pids, int num)
{
	bool all_well = true;
	int status;

	for (int i = 0; i < num; i++) {
		CHECK(waitpid(pids[i], &status, 0) == pids[i]);
		all_well &= WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	CHECK(all_well);
}

struct bt_claim_store *
processes_store(void)
{
	struct bt_claim_store *store;
	int e = bt_claim_user_store(true, &store);

	if (e != 0)
		fprintf(stderr, "%d %s\n", e, bt_err_noted(e) != NULL ? bt_err_noted(e) : "");
	CHECK(e == 0);
	return store;
}

struct bt_claim_ref
processes_claim(int64_t ttl_ms, uint8_t key[static BT_CLAIM_KEY_LEN])
{
	struct bt_claim_store *store = processes_store();
	struct bt_claim_ref ref;

	CHECK(bt_claim_reserve(store, ttl_ms, &ref, key) == 0);
	bt_claim_activate(store, &ref, key);
	return ref;
}

int
processes_import(const struct bt_claim_ref *ref, uint8_t key[static BT_CLAIM_KEY_LEN])
{
	struct bt_claim_store *store;
	int e;

	if ((e = bt_claim_store_of(ref, &store)) != 0 || (e = bt_claim_read(store, ref, key)) != 0)
		return e;
	return bt_claim_take(store, ref);
}
