/* Many claims at once: none is lost, none is had twice, and each comes with its own key. */
#include "processes.h"

enum { NUM_PROCESSES = 6, NUM_EACH = 3000, NUM_FLIGHT = 10000, NUM_IMPORTERS = 4, NUM_THREADS = 8, NUM_CYCLES = 20000 };

struct parcel {
	_Atomic bool is_sent;
	_Atomic int num_won;
	struct bt_claim_ref ref;
	uint8_t key[BT_CLAIM_KEY_LEN];
};

static struct parcel *parcels;
static pthread_barrier_t *gate;

static void
send_parcel(struct parcel *parcel)
{
	parcel->ref = processes_claim(600000, parcel->key);
	parcel->is_sent = true;
}

static void
try_parcel(struct parcel *parcel)
{
	uint8_t key[BT_CLAIM_KEY_LEN];
	int e = processes_import(&parcel->ref, key);

	CHECK(e == 0 || e == BT_ERR_TOKEN_USED);
	if (e == 0) {
		CHECK(memcmp(key, parcel->key, sizeof key) == 0);
		parcel->num_won++;
	}
}

/* Sends its own and grasps at everybody's, in turns. */
static void
send_and_grasp(int nth)
{
	struct parcel *parcel;

	pthread_barrier_wait(gate);
	for (int i = 0; i < NUM_EACH; i++) {
		send_parcel(&parcels[nth * NUM_EACH + i]);
		for (int other = 0; other < NUM_PROCESSES; other++) {
			parcel = &parcels[(nth + other) % NUM_PROCESSES * NUM_EACH + i];
			if (parcel->is_sent)
				try_parcel(parcel);
		}
	}
	pthread_barrier_wait(gate);
	for (int i = 0; i < NUM_PROCESSES * NUM_EACH; i++)
		try_parcel(&parcels[i]);
}

static void
grasp(int nth)
{
	pthread_barrier_wait(gate);
	for (int i = 0; i < NUM_FLIGHT; i++)
		try_parcel(&parcels[i]);
}

static void
check_all(int num)
{
	struct bt_claim_census census;

	for (int i = 0; i < num; i++)
		CHECK(parcels[i].num_won == 1);
	bt_claim_census_of(processes_store(), &census);
	CHECK(census.num_free == census.num_slots);
}

static void
ten_thousand_in_flight(void)
{
	struct bt_claim_census census;
	pid_t pids[NUM_IMPORTERS];

	parcels = processes_share(NUM_FLIGHT * sizeof *parcels);
	for (int i = 0; i < NUM_FLIGHT; i++)
		send_parcel(&parcels[i]);
	bt_claim_census_of(processes_store(), &census);
	CHECK(census.num_live == NUM_FLIGHT);
	gate = processes_barrier(NUM_IMPORTERS);
	processes_start_all(grasp, NUM_IMPORTERS, pids);
	processes_join(pids, NUM_IMPORTERS);
	check_all(NUM_FLIGHT);
}

static void
six_processes(void)
{
	pid_t pids[NUM_PROCESSES];

	parcels = processes_share(NUM_PROCESSES * NUM_EACH * sizeof *parcels);
	gate = processes_barrier(NUM_PROCESSES);
	processes_start_all(send_and_grasp, NUM_PROCESSES, pids);
	processes_join(pids, NUM_PROCESSES);
	check_all(NUM_PROCESSES * NUM_EACH);
}

static void *
cycle(void *arg)
{
	uint8_t key[BT_CLAIM_KEY_LEN], got[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;

	for (int i = 0; i < NUM_CYCLES; i++) {
		ref = processes_claim(60000, key);
		CHECK(processes_import(&ref, got) == 0 && memcmp(key, got, sizeof key) == 0);
		CHECK(processes_import(&ref, got) == BT_ERR_TOKEN_USED);
	}
	return NULL;
}

static void
eight_threads(void)
{
	pthread_t threads[NUM_THREADS];

	for (int i = 0; i < NUM_THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, cycle, NULL) == 0);
	for (int i = 0; i < NUM_THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	check_all(0);
}

int
main(void)
{
	processes_init();
	ten_thousand_in_flight();
	six_processes();
	eight_threads();
	return 0;
}
