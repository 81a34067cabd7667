/* SIGKILL at random moments: others go on undisturbed, and in the end every slot is free and every key wiped. */
#include "processes.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "claim/limits.h"

enum { NUM_VICTIMS = 4, NUM_KILLS = 200, NUM_STARTS = 200, TTL_MS = 600000 };

static _Atomic bool *is_over;
static _Atomic long *num_cycles;

static void
live_dangerously(int nth)
{
	struct bt_claim_store *store = processes_store();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;

	for (;; (*num_cycles)++) {
		CHECK(bt_claim_reserve(store, TTL_MS, &ref, key) == 0);
		bt_claim_activate(store, &ref, key);
		CHECK(bt_claim_read(store, &ref, key) == 0);
		CHECK(bt_claim_take(store, &ref) == 0);
		CHECK(bt_claim_reserve(store, TTL_MS, &ref, key) == 0);
		bt_claim_cancel(store, &ref);
	}
}

/* Whatever happens to the others; sweeps all the time, and must not sweep a living one's. */
static void
live_on(int nth)
{
	uint8_t key[BT_CLAIM_KEY_LEN], got[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;

	while (!*is_over) {
		ref = processes_claim(TTL_MS, key);
		bt_claim_sweep(processes_store());
		CHECK(processes_import(&ref, got) == 0);
		CHECK(memcmp(key, got, sizeof key) == 0);
	}
}

static void
kill_one(pid_t *pid)
{
	int status;

	usleep((useconds_t)(rand() % 2000));
	CHECK(kill(*pid, SIGKILL) == 0);
	CHECK(waitpid(*pid, &status, 0) == *pid && WIFSIGNALED(status));
	*pid = 0;
}

/* No byte of a key is left in any slot (doc/format/claims.md: slots begin at 12288, keys 32 bytes into each). */
static void
check_wiped(void)
{
	static const uint8_t zeros[BT_CLAIM_KEY_LEN];
	int fd = open(processes_path, O_RDONLY);
	struct stat st;
	uint8_t *p;

	CHECK(fd >= 0 && fstat(fd, &st) == 0);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	for (off_t at = 12288; at < st.st_size; at += 64)
		CHECK(memcmp(p + at + 32, zeros, sizeof zeros) == 0);
	munmap(p, (size_t)st.st_size);
	close(fd);
}

static void
killed_at_work(void)
{
	struct bt_claim_store *store = processes_store();
	pid_t victims[NUM_VICTIMS] = {0}, survivor;
	struct bt_claim_census census;
	uint32_t num_left;

	is_over = processes_share(sizeof *is_over);
	num_cycles = processes_share(sizeof *num_cycles);
	survivor = processes_start(live_on, 0);
	for (int i = 0; i < NUM_KILLS; i++) {
		for (int v = 0; v < NUM_VICTIMS; v++)
			if (victims[v] == 0)
				victims[v] = processes_start(live_dangerously, v);
		kill_one(&victims[rand() % NUM_VICTIMS]);
	}
	for (int v = 0; v < NUM_VICTIMS; v++)
		if (victims[v] != 0)
			kill_one(&victims[v]);
	*is_over = true;
	processes_join(&survivor, 1);

	bt_claim_census_of(store, &census);
	num_left = census.num_reserved + census.num_live;
	CHECK(census.num_reserved + census.num_live + census.num_free == census.num_slots);
	/* The dead's reservations go after the grace, their claims when they expire. */
	processes_sleep_ms(BT_CLAIM_GRACE_MS);
	CHECK(bt_claim_sweep(store) == census.num_reserved);
	processes_sleep_ms(TTL_MS);
	CHECK(bt_claim_sweep(store) == census.num_live);
	bt_claim_census_of(store, &census);
	CHECK(census.num_free == census.num_slots);
	check_wiped();
	printf("%d killed in %ld cycles; %u slots swept\n", NUM_KILLS, (long)*num_cycles, num_left);
	CHECK(num_left > 0 && *num_cycles > 0);
}

static void
open_store(int nth)
{
	processes_store();
}

/* A half-made table is never used and never in the way. */
static void
killed_at_the_start(void)
{
	uint8_t key[BT_CLAIM_KEY_LEN], got[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;
	int status, num_killed = 0;
	pid_t pid;

	for (int i = 0; i < NUM_STARTS; i++) {
		unlink(processes_path);
		pid = processes_start(open_store, 0);
		usleep((useconds_t)(rand() % 400));
		kill(pid, SIGKILL);
		CHECK(waitpid(pid, &status, 0) == pid);
		num_killed += WIFSIGNALED(status);
		/* A look at the table counts for the rest of its millisecond, in which the file was there perhaps. */
		usleep(1000);
		ref = processes_claim(TTL_MS, key);
		CHECK(processes_import(&ref, got) == 0 && memcmp(key, got, sizeof key) == 0);
	}
	printf("%d of %d killed while starting\n", num_killed, NUM_STARTS);
}

int
main(void)
{
	srand((unsigned)getpid());
	processes_init();
	killed_at_work();
	killed_at_the_start();
	return 0;
}
