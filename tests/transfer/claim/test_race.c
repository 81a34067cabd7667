/* Many want one claim: processes, threads, and pairs that meet 30,000 times. */
#include "processes.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>

enum { NUM_RACERS = 64, NUM_ROUNDS = 500, NUM_THREADS = 8, NUM_LISTED = 30000 };

static struct {
	struct bt_claim_ref ref, list[NUM_LISTED];
	uint8_t key[BT_CLAIM_KEY_LEN], keys[NUM_LISTED][BT_CLAIM_KEY_LEN];
	_Atomic int num_won, num_lost, num_arrived, num_won_of[NUM_LISTED];
} * shared;
static pthread_barrier_t *gate;

static void
try_one(void)
{
	uint8_t key[BT_CLAIM_KEY_LEN];
	int e = processes_import(&shared->ref, key);

	CHECK(e == 0 || e == BT_ERR_TOKEN_USED);
	if (e == 0) {
		CHECK(memcmp(key, shared->key, sizeof key) == 0);
		shared->num_won++;
	} else {
		shared->num_lost++;
	}
}

static void
race(int nth)
{
	for (int round = 0; round < NUM_ROUNDS; round++) {
		pthread_barrier_wait(gate);
		try_one();
		pthread_barrier_wait(gate);
	}
}

static void
one_of_64_processes_wins(void)
{
	pid_t pids[NUM_RACERS];

	gate = processes_barrier(NUM_RACERS + 1);
	processes_start_all(race, NUM_RACERS, pids);
	for (int round = 0; round < NUM_ROUNDS; round++) {
		shared->num_won = shared->num_lost = 0;
		shared->ref = processes_claim(60000, shared->key);
		pthread_barrier_wait(gate);
		pthread_barrier_wait(gate);
		CHECK(shared->num_won == 1 && shared->num_lost == NUM_RACERS - 1);
	}
	processes_join(pids, NUM_RACERS);
}

static void *
race_in_thread(void *nth)
{
	race(0);
	return NULL;
}

static void
one_of_8_threads_wins(void)
{
	pthread_t threads[NUM_THREADS];

	gate = processes_barrier(NUM_THREADS + 1);
	for (int i = 0; i < NUM_THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, race_in_thread, NULL) == 0);
	for (int round = 0; round < NUM_ROUNDS; round++) {
		shared->num_won = shared->num_lost = 0;
		shared->ref = processes_claim(60000, shared->key);
		pthread_barrier_wait(gate);
		pthread_barrier_wait(gate);
		CHECK(shared->num_won == 1 && shared->num_lost == NUM_THREADS - 1);
	}
	for (int i = 0; i < NUM_THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
}

/* Two wait for each other without sleeping, so that they meet within the nanoseconds that count. */
static void
meet(int nth_meeting)
{
	int num_spins = 0;

	shared->num_arrived++;
	while (shared->num_arrived < 2 * nth_meeting)
		if (++num_spins % 10000 == 0)
			sched_yield();
}

static void
take_listed(int nth)
{
	struct bt_claim_store *store = processes_store();

	for (int i = 0; i < NUM_LISTED; i++) {
		meet(i + 1);
		if (bt_claim_take(store, &shared->list[i]) == 0)
			shared->num_won_of[i]++;
	}
}

/* One takes while the other reads: who reads gets the whole key or hears that it is gone, as what it is. */
static void
take_or_read_listed(int nth)
{
	struct bt_claim_store *store = processes_store();
	uint8_t key[BT_CLAIM_KEY_LEN];
	int e;

	for (int i = 0; i < NUM_LISTED; i++) {
		meet(i + 1);
		if (nth == 0) {
			CHECK(bt_claim_take(store, &shared->list[i]) == 0);
			shared->num_won_of[i]++;
			continue;
		}
		e = bt_claim_read(store, &shared->list[i], key);
		CHECK(e == 0 ? memcmp(key, shared->keys[i], sizeof key) == 0 : e == BT_ERR_TOKEN_USED);
	}
}

/* Of the map of used slots, which is the second page of the file: the word for the only page with free slots. */
static _Atomic uint64_t *used;

static void
clear_used(void)
{
	*used = 0;
}

/* Whatever the map says, and here it says that all is free, a slot is given to one of two. */
static void
reserve_listed(int nth)
{
	struct bt_claim_store *store = processes_store();
	struct bt_claim_ref *ref;
	uint8_t key[BT_CLAIM_KEY_LEN];
	int num_meetings = 0;

	processes_before_slot = clear_used;
	for (int i = 0; i < NUM_LISTED; i += 2) {
		ref = &shared->list[i + nth];
		meet(++num_meetings);
		CHECK(bt_claim_reserve(store, 60000, ref, key) == 0);
		meet(++num_meetings);
		CHECK(shared->list[i].slot != shared->list[i + 1].slot);
		shared->num_won_of[i + nth]++;
		bt_claim_cancel(store, ref);
	}
}

static void
two_meet(void (*fn)(int nth))
{
	pid_t pids[2];

	shared->num_arrived = 0;
	memset(shared->num_won_of, 0, sizeof shared->num_won_of);
	processes_start_all(fn, 2, pids);
	processes_join(pids, 2);
	for (int i = 0; i < NUM_LISTED; i++)
		CHECK(shared->num_won_of[i] == 1);
}

static void
list_claims(void)
{
	for (int i = 0; i < NUM_LISTED; i++)
		shared->list[i] = processes_claim(600000, shared->keys[i]);
}

static void
two_reserve_in_one_page(void)
{
	enum { NUM_SLOTS = 65536, PAGE = 100 };
	struct bt_claim_ref *refs = calloc(NUM_SLOTS, sizeof *refs);
	int fd = open(processes_path, O_RDWR);
	uint8_t *map = mmap(NULL, 4096 * 2, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096), key[BT_CLAIM_KEY_LEN];

	CHECK(refs != NULL && fd >= 0 && map != MAP_FAILED);
	used = (_Atomic uint64_t *)(void *)(map + PAGE * 8);
	for (int i = 0; i < NUM_SLOTS; i++)
		refs[i] = processes_claim(600000, key);
	for (int i = 0; i < NUM_SLOTS; i++)
		if (refs[i].slot / 64 == PAGE)
			CHECK(processes_import(&refs[i], key) == 0);
	two_meet(reserve_listed);
	for (int i = 0; i < NUM_SLOTS; i++)
		if (refs[i].slot / 64 != PAGE)
			CHECK(processes_import(&refs[i], key) == 0);
	free(refs);
}

int
main(void)
{
	struct bt_claim_census census;

	processes_init();
	shared = processes_share(sizeof *shared);
	list_claims();
	two_meet(take_listed);
	list_claims();
	two_meet(take_or_read_listed);
	two_reserve_in_one_page();
	one_of_64_processes_wins();
	one_of_8_threads_wins();
	bt_claim_census_of(processes_store(), &census);
	CHECK(census.num_free == census.num_slots);
	return 0;
}
