/* Many want one claim: processes, threads, and pairs that meet 30,000 times, or as often as a busy machine lets them in some seconds. */
#include "processes.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>

enum { NUM_RACERS = 64, NUM_ROUNDS = 500, NUM_THREADS = 8, NUM_LISTED = 30000, LIMIT_S = 10 };

static struct {
	struct bt_claim_ref ref, list[NUM_LISTED];
	uint8_t key[BT_CLAIM_KEY_LEN], keys[NUM_LISTED][BT_CLAIM_KEY_LEN];
	_Atomic int num_won, num_lost, num_arrived, over_at /* meeting */, num_won_of[NUM_LISTED];
	bool is_over; /* the race; said before the gate opens */
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
	for (;;) {
		pthread_barrier_wait(gate);
		if (shared->is_over)
			return;
		try_one();
		pthread_barrier_wait(gate);
	}
}

/* Others are at the gate: as many rounds as there is time for. */
static void
hold_race(int num_racers)
{
	time_t start = time(NULL);

	shared->is_over = false;
	for (int round = 0; round < NUM_ROUNDS && time(NULL) - start <= LIMIT_S; round++) {
		shared->num_won = shared->num_lost = 0;
		shared->ref = processes_claim(60000, shared->key);
		pthread_barrier_wait(gate);
		pthread_barrier_wait(gate);
		CHECK(shared->num_won == 1 && shared->num_lost == num_racers - 1);
	}
	shared->is_over = true;
	pthread_barrier_wait(gate);
}

static void
one_of_64_processes_wins(void)
{
	pid_t pids[NUM_RACERS];

	gate = processes_barrier(NUM_RACERS + 1);
	processes_start_all(race, NUM_RACERS, pids);
	hold_race(NUM_RACERS);
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
	hold_race(NUM_THREADS);
	for (int i = 0; i < NUM_THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
}

/* Two wait for each other without sleeping, so that they meet within the nanoseconds that count. */
static void
wait_for_both(int nth_meeting)
{
	int num_spins = 0;

	shared->num_arrived++;
	while (shared->num_arrived < 2 * nth_meeting)
		if (++num_spins % 10000 == 0)
			sched_yield();
}

static time_t ends_at;

/* False: there is no more time for this one. The first of the two says so, before it comes. */
static bool
meet(int nth, int nth_meeting)
{
	if (nth == 0 && nth_meeting > 1 && time(NULL) > ends_at)
		shared->over_at = nth_meeting;
	wait_for_both(nth_meeting);
	return nth_meeting < shared->over_at;
}

static void
take_listed(int nth)
{
	struct bt_claim_store *store = processes_store();

	for (int i = 0; i < NUM_LISTED && meet(nth, i + 1); i++) {
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

	for (int i = 0; i < NUM_LISTED && meet(nth, i + 1); i++) {
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
	for (int i = 0; i < NUM_LISTED && meet(nth, ++num_meetings); i += 2) {
		ref = &shared->list[i + nth];
		CHECK(bt_claim_reserve(store, 60000, ref, key) == 0);
		wait_for_both(++num_meetings);
		CHECK(shared->list[i].slot != shared->list[i + 1].slot);
		shared->num_won_of[i + nth]++;
		bt_claim_cancel(store, ref);
	}
}

/* One entry of the list for each meeting: how many were there. */
static int
two_meet(void (*fn)(int nth))
{
	pid_t pids[2];
	int num;

	shared->num_arrived = 0;
	shared->over_at = INT_MAX;
	ends_at = time(NULL) + LIMIT_S;
	memset(shared->num_won_of, 0, sizeof shared->num_won_of);
	processes_start_all(fn, 2, pids);
	processes_join(pids, 2);
	num = shared->over_at <= NUM_LISTED ? shared->over_at - 1 : NUM_LISTED;
	CHECK(num > 0);
	for (int i = 0; i < NUM_LISTED; i++)
		CHECK(shared->num_won_of[i] == (i < num));
	printf("%d meetings\n", num);
	return num;
}

static void
two_meet_at_claims(void (*fn)(int nth))
{
	uint8_t key[BT_CLAIM_KEY_LEN];

	for (int i = 0; i < NUM_LISTED; i++)
		shared->list[i] = processes_claim(600000, shared->keys[i]);
	for (int i = two_meet(fn); i < NUM_LISTED; i++)
		CHECK(processes_import(&shared->list[i], key) == 0);
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
	(void)two_meet(reserve_listed);
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
	two_meet_at_claims(take_listed);
	two_meet_at_claims(take_or_read_listed);
	two_reserve_in_one_page();
	one_of_64_processes_wins();
	one_of_8_threads_wins();
	bt_claim_census_of(processes_store(), &census);
	CHECK(census.num_free == census.num_slots);
	return 0;
}
