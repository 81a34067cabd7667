#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "claim/memory_file.h"

static const uint8_t zeros[BT_CLAIM_KEY_LEN];

static int
set_up(void **state)
{
	fixture_now_ms = 1000000;
	fixture_has_entropy = true;
	fixture_allocs_left = -1;
	return 0;
}

#define MEMORY_TEST(fn) cmocka_unit_test_setup(fn, set_up)

static struct bt_claim_store *
new_store(void)
{
	struct bt_claim_store *store;

	assert_int_equal(bt_claim_memory_new(&store), 0);
	return store;
}

static struct bt_claim_memory_file *
file_of(struct bt_claim_store *store)
{
	return ((struct bt_claim_memory *)store)->file;
}

static struct bt_claim_memory_slot *
slot_of(struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
	return &file_of(store)->slots[ref->slot];
}

static struct bt_claim_ref
claim(struct bt_claim_store *store, int64_t ttl_ms)
{
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;

	assert_int_equal(bt_claim_reserve(store, ttl_ms, &ref, key), 0);
	assert_int_equal(bt_claim_activate(store, &ref, key), 0);
	return ref;
}

static struct bt_claim_store *
open_store(struct bt_claim_store *store)
{
	struct bt_claim_store *opened;

	assert_int_equal(bt_claim_memory_open(bt_claim_memory_fd(store), file_of(store)->store_id, &opened), 0);
	assert_ptr_not_equal(opened, store);
	return opened;
}

static void
read_fails(struct bt_claim_store *store, const struct bt_claim_ref *ref, int err)
{
	uint8_t key[BT_CLAIM_KEY_LEN];

	memset(key, 0xaa, sizeof key);
	assert_int_equal(bt_claim_read(store, ref, key), err);
	assert_memory_equal(key, zeros, sizeof key);
	assert_int_not_equal(bt_claim_take(store, ref), 0);
}

static void
whole_life(void **state)
{
	struct bt_claim_store *maker = new_store(), *taker = open_store(maker);
	uint8_t key[BT_CLAIM_KEY_LEN], got[BT_CLAIM_KEY_LEN];
	struct bt_claim_census census;
	struct bt_claim_ref ref;

	assert_int_equal(bt_claim_reserve(maker, 1000, &ref, key), 0);
	assert_int_equal(ref.place, BT_CLAIM_PLACE_MEMORY);
	assert_int_equal(ref.expires_at, fixture_now_ms + 1000);
	assert_true(ref.generation != 0);
	assert_true(bt_claim_is_of(taker, &ref));
	assert_memory_not_equal(key, zeros, sizeof key);
	assert_memory_equal((const void *)slot_of(maker, &ref)->key, zeros, sizeof key);
	read_fails(taker, &ref, BT_ERR_TOKEN_USED);

	assert_int_equal(bt_claim_activate(maker, &ref, key), 0);
	assert_int_equal(bt_claim_memory_fate(maker, &ref), BT_CLAIM_WAITS);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bt_claim_read(taker, &ref, got), 0);
		assert_memory_equal(got, key, sizeof key);
	}
	bt_claim_census_of(maker, &census);
	assert_int_equal(census.num_live, 1);
	assert_int_equal(census.num_free, BT_CLAIM_MEMORY_NUM_SLOTS - 1);
	assert_int_equal(census.oldest_at, ref.expires_at);

	assert_int_equal(bt_claim_take(taker, &ref), 0);
	assert_memory_equal((const void *)slot_of(maker, &ref)->key, zeros, sizeof key);
	assert_int_equal(bt_claim_memory_fate(maker, &ref), BT_CLAIM_TAKEN);
	assert_int_equal(bt_claim_memory_take_back(maker, &ref), BT_ERR_TOKEN_USED);
	read_fails(taker, &ref, BT_ERR_TOKEN_USED);
	/* Nobody else gets the slot before its maker has seen what became of the claim. */
	bt_claim_census_of(maker, &census);
	assert_int_equal(census.num_free, BT_CLAIM_MEMORY_NUM_SLOTS - 1);
	bt_claim_memory_let_go(maker, &ref);
	bt_claim_census_of(maker, &census);
	assert_int_equal(census.num_free, BT_CLAIM_MEMORY_NUM_SLOTS);
	assert_int_equal(bt_claim_memory_fate(maker, &ref), BT_CLAIM_TAKEN);
	read_fails(taker, &ref, BT_ERR_TOKEN_USED);
	bt_claim_memory_free(taker);
	bt_claim_memory_free(maker);
}

static void
refused(void **state)
{
	struct bt_claim_store *maker = new_store(), *taker = open_store(maker);
	struct bt_claim_ref ref = claim(maker, 1000), other = claim(maker, 1000);

	bt_claim_memory_refuse(taker, ref.slot, ref.generation + 1);
	bt_claim_memory_refuse(taker, BT_CLAIM_MEMORY_NUM_SLOTS, 1);
	bt_claim_memory_refuse(taker, UINT32_MAX, 1);
	assert_int_equal(bt_claim_memory_fate(maker, &ref), BT_CLAIM_WAITS);
	bt_claim_memory_refuse(taker, ref.slot, ref.generation);
	assert_int_equal(bt_claim_memory_fate(maker, &ref), BT_CLAIM_REFUSED);
	assert_int_equal(bt_claim_memory_fate(maker, &other), BT_CLAIM_WAITS);
	read_fails(taker, &ref, BT_ERR_TOKEN_USED);
	assert_int_equal(bt_claim_memory_take_back(maker, &ref), 0);
	assert_memory_equal((const void *)slot_of(maker, &ref)->key, zeros, BT_CLAIM_KEY_LEN);
	assert_int_equal(bt_claim_memory_take_back(maker, &ref), BT_ERR_TOKEN_USED);

	/* Too late. */
	assert_int_equal(bt_claim_take(taker, &other), 0);
	bt_claim_memory_refuse(taker, other.slot, other.generation);
	assert_int_equal(bt_claim_memory_fate(maker, &other), BT_CLAIM_TAKEN);

	/* A refused one that nobody asks about is free, and its key is gone. */
	ref = claim(maker, 1000);
	bt_claim_memory_refuse(taker, ref.slot, ref.generation);
	bt_claim_memory_let_go(maker, &ref);
	assert_memory_equal((const void *)slot_of(maker, &ref)->key, zeros, BT_CLAIM_KEY_LEN);
	assert_int_equal(slot_of(maker, &ref)->state, (uint64_t)(ref.generation + 1) << 32);
	bt_claim_memory_free(taker);
	bt_claim_memory_free(maker);
}

static void
taken_back(void **state)
{
	struct bt_claim_store *maker = new_store(), *taker = open_store(maker);
	struct bt_claim_ref ref = claim(maker, 1000);
	uint8_t key[BT_CLAIM_KEY_LEN];

	assert_int_equal(bt_claim_memory_take_back(maker, &ref), 0);
	read_fails(taker, &ref, BT_ERR_TOKEN_USED);
	bt_claim_memory_let_go(maker, &ref);
	read_fails(taker, &ref, BT_ERR_TOKEN_USED);

	/* After its time too, when nobody can receive it any more. */
	ref = claim(maker, 1000);
	fixture_now_ms += 1000;
	assert_int_equal(bt_claim_read(taker, &ref, key), BT_ERR_TOKEN_EXPIRED);
	assert_int_equal(bt_claim_memory_take_back(maker, &ref), 0);
	read_fails(taker, &ref, BT_ERR_TOKEN_EXPIRED);
	bt_claim_memory_free(taker);
	bt_claim_memory_free(maker);
}

static void
cancelled(void **state)
{
	struct bt_claim_store *maker = new_store();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;
	struct bt_claim_census census;

	assert_int_equal(bt_claim_reserve(maker, 1000, &ref, key), 0);
	bt_claim_cancel(maker, &ref);
	assert_int_equal(bt_claim_activate(maker, &ref, key), EAGAIN);
	ref = claim(maker, 1000);
	bt_claim_cancel(maker, &ref);
	read_fails(maker, &ref, BT_ERR_TOKEN_USED);
	bt_claim_census_of(maker, &census);
	assert_int_equal(census.num_free, BT_CLAIM_MEMORY_NUM_SLOTS);
	bt_claim_memory_free(maker);
}

static void
let_go(void **state)
{
	struct bt_claim_store *maker = new_store(), *taker = open_store(maker);
	struct bt_claim_ref ref = claim(maker, 1000);
	uint8_t key[BT_CLAIM_KEY_LEN];

	assert_int_equal(bt_claim_read(taker, &ref, key), 0);
	bt_claim_memory_let_go(maker, &ref);
	bt_claim_memory_let_go(maker, &ref);
	assert_int_equal(bt_claim_memory_fate(maker, &ref), BT_CLAIM_WAITS);
	assert_int_equal(bt_claim_take(taker, &ref), 0);
	assert_int_equal(slot_of(maker, &ref)->state, (uint64_t)(ref.generation + 1) << 32);
	/* The store lives as long as somebody has it. */
	ref = claim(maker, 1000);
	bt_claim_memory_free(maker);
	assert_int_equal(bt_claim_read(taker, &ref, key), 0);
	assert_int_equal(bt_claim_take(taker, &ref), 0);
	bt_claim_memory_free(taker);
}

static void
full(void **state)
{
	struct bt_claim_store *maker = new_store();
	struct bt_claim_ref refs[BT_CLAIM_MEMORY_NUM_SLOTS], more;
	uint8_t key[BT_CLAIM_KEY_LEN];

	for (int i = 0; i < BT_CLAIM_MEMORY_NUM_SLOTS; i++)
		refs[i] = claim(maker, 1000 + i);
	assert_int_equal(bt_claim_reserve(maker, 1000, &more, key), BT_ERR_STORE_FULL);
	assert_memory_equal(key, zeros, sizeof key);
	/* What has expired is swept, unless somebody watches it. */
	fixture_now_ms += 1000;
	assert_int_equal(bt_claim_reserve(maker, 1000, &more, key), BT_ERR_STORE_FULL);
	bt_claim_memory_let_go(maker, &refs[0]);
	bt_claim_memory_let_go(maker, &refs[1]);
	assert_int_equal(bt_claim_reserve(maker, 1000, &more, key), 0);
	assert_int_equal(more.slot, refs[0].slot);
	assert_int_equal(more.generation, refs[0].generation + 1);
	read_fails(maker, &refs[0], BT_ERR_TOKEN_EXPIRED);
	assert_int_equal(bt_claim_reserve(maker, 1000, &more, key), BT_ERR_STORE_FULL);
	assert_int_equal(bt_claim_sweep(maker), 0);
	fixture_now_ms += 1;
	assert_int_equal(bt_claim_sweep(maker), 1);
	bt_claim_memory_free(maker);
}

/* A taker that died before it had wiped the key. */
static void
stuck(void **state)
{
	struct bt_claim_store *maker = new_store();
	struct bt_claim_ref ref = claim(maker, 1000);

	slot_of(maker, &ref)->state = (uint64_t)ref.generation << 32 | 3;
	fixture_now_ms += 1000;
	assert_int_equal(bt_claim_sweep(maker), 0);
	fixture_now_ms += BT_CLAIM_STUCK_MS;
	assert_int_equal(bt_claim_sweep(maker), 1);
	assert_int_equal(slot_of(maker, &ref)->state, (uint64_t)(ref.generation + 1) << 32);
	bt_claim_memory_free(maker);
}

/* ---- files of others ---- */

enum { PAGE = BT_CLAIM_PAGE_LEN, SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };

static const uint8_t id[BT_CLAIM_STORE_ID_LEN] = "of a test's own";

static int
make_file(off_t len, int seals)
{
	struct bt_claim_memory_file file = {BT_CLAIM_MEMORY_MAGIC, 1, BT_CLAIM_MEMORY_NUM_SLOTS, {0}};
	int fd = memfd_create("test", MFD_ALLOW_SEALING);

	memcpy(file.store_id, id, sizeof id);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, &file, sizeof file), sizeof file);
	assert_int_equal(ftruncate(fd, len), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void
is_refused(int fd)
{
	struct bt_claim_store *store = (void *)1;

	assert_true(fd >= 0);
	assert_int_equal(bt_claim_memory_open(fd, id, &store), BT_ERR_HANDOVER);
	assert_null(store);
	close(fd);
}

static void
write_at(int fd, size_t at, uint8_t byte)
{
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
}

static void
files_that_are_none(void **state)
{
	static const size_t header[] = {0, 7, 8, 11, 12, 15, 16, 31};
	struct bt_claim_store *store;
	char path[64];
	int pair[2], fd;

	is_refused(make_file(PAGE, 0));
	is_refused(make_file(PAGE, F_SEAL_GROW));
	is_refused(make_file(PAGE - 1, SEALS));
	is_refused(make_file(PAGE + 1, SEALS));
	is_refused(make_file(0, SEALS));
	is_refused(make_file(2 * PAGE, SEALS));
	is_refused(make_file(PAGE, SEALS | F_SEAL_WRITE));
	is_refused(make_file(PAGE, SEALS | F_SEAL_FUTURE_WRITE));
	for (size_t i = 0; i < sizeof header / sizeof header[0]; i++) {
		fd = make_file(PAGE, SEALS);
		write_at(fd, header[i], 0xee);
		is_refused(fd);
	}
	fd = make_file(PAGE, SEALS);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	is_refused(open(path, O_RDONLY));
	is_refused(open(path, O_PATH));
	is_refused(open("/dev/zero", O_RDWR));
	is_refused(open("/", O_RDONLY | O_DIRECTORY));
	assert_int_equal(pipe(pair), 0);
	is_refused(pair[0]);
	is_refused(pair[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	is_refused(pair[0]);
	is_refused(pair[1]);
	/* All in order but that it is no memory file: such files have no seals. */
	fd = mkstemp(strcpy(path, "/dev/shm/baton-test-XXXXXX"));
	unlink(path);
	assert_int_equal(ftruncate(fd, PAGE), 0);
	is_refused(fd);
	assert_int_equal(bt_claim_memory_open(-1, id, &store), EBADF);
	fd = make_file(PAGE, SEALS);
	/* And that it was not the test's own file. */
	assert_int_equal(bt_claim_memory_open(fd, id, &store), 0);
	bt_claim_memory_free(store);
	close(fd);
}

/* Whatever others write: answers, and nothing worse. */
static void
scribbled(void **state)
{
	struct bt_claim_store *maker = new_store(), *taker = open_store(maker);
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_census census;
	struct bt_claim_ref ref;
	unsigned seed = 1;

	for (int round = 0; round < 3000; round++) {
		uint8_t *bytes = (uint8_t *)file_of(maker);

		if (bt_claim_reserve(maker, 1000, &ref, key) == 0 && bt_claim_activate(maker, &ref, key) == 0) {
			for (int i = 0; i < 200; i++)
				bytes[rand_r(&seed) % sizeof(struct bt_claim_memory_file)] = (uint8_t)rand_r(&seed);
			bt_claim_read(taker, &ref, key);
			bt_claim_take(taker, &ref);
			bt_claim_memory_refuse(taker, ref.slot, ref.generation);
			bt_claim_memory_fate(maker, &ref);
			bt_claim_memory_take_back(maker, &ref);
			bt_claim_memory_let_go(maker, &ref);
		} else {
			memset(file_of(maker)->slots, 0, sizeof file_of(maker)->slots);
		}
		bt_claim_cancel(maker, &ref);
		bt_claim_census_of(maker, &census);
		bt_claim_sweep(maker);
	}
	bt_claim_memory_free(taker);
	bt_claim_memory_free(maker);
}

static void
refs_of_elsewhere(void **state)
{
	struct bt_claim_store *maker = new_store(), *other = new_store(), *found;
	struct bt_claim_ref ref = claim(maker, 1000), bad;
	uint8_t key[BT_CLAIM_KEY_LEN];

	read_fails(other, &ref, BT_ERR_TOKEN_STORE);
	assert_int_equal(bt_claim_memory_fate(other, &ref), BT_CLAIM_TAKEN);
	assert_int_equal(bt_claim_memory_take_back(other, &ref), BT_ERR_TOKEN_USED);
	bad = ref;
	bad.place = BT_CLAIM_PLACE_SHM;
	read_fails(maker, &bad, BT_ERR_TOKEN_STORE);
	bad = ref;
	bad.slot = BT_CLAIM_MEMORY_NUM_SLOTS;
	read_fails(maker, &bad, BT_ERR_MALFORMED);
	bad.slot = UINT32_MAX;
	read_fails(maker, &bad, BT_ERR_MALFORMED);
	bad = ref;
	bad.generation++;
	read_fails(maker, &bad, BT_ERR_TOKEN_USED);
	assert_int_equal(bt_claim_read(maker, &ref, key), 0);
	/* No message's claim is found by its name alone. */
	assert_int_equal(bt_claim_store_of(&ref, &found), BT_ERR_TOKEN_STORE);
	assert_null(found);
	bt_claim_memory_free(other);
	bt_claim_memory_free(maker);
}

static void
kept_for_the_next_message(void **state)
{
	struct bt_claim_store *makers[100], *takers[100], *again;
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;

	for (int i = 0; i < 100; i++) {
		makers[i] = new_store();
		takers[i] = open_store(makers[i]);
	}
	/* One that is kept is known by its id; the others are there as long as somebody has them. */
	assert_int_equal(bt_claim_memory_open(-1, file_of(makers[99])->store_id, &again), 0);
	assert_ptr_equal(again, takers[99]);
	bt_claim_memory_free(again);
	assert_int_equal(bt_claim_memory_open(-1, file_of(makers[0])->store_id, &again), EBADF);
	for (int i = 0; i < 100; i++) {
		ref = claim(makers[i], 1000);
		assert_int_equal(bt_claim_read(takers[i], &ref, key), 0);
		assert_int_equal(bt_claim_take(takers[i], &ref), 0);
		bt_claim_memory_free(makers[i]);
		bt_claim_memory_free(takers[i]);
	}
}

static void
descriptors_that_are_gone(void **state)
{
	struct bt_claim_store *maker = new_store();
	int fd = bt_claim_memory_fd(maker), other = open("/dev/null", O_RDWR);

	assert_true(bt_claim_memory_has_fd(maker));
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(dup2(other, fd), fd);
	assert_false(bt_claim_memory_has_fd(maker));
	bt_claim_memory_free(maker);
	/* What is another's now is not closed. */
	assert_int_not_equal(fcntl(fd, F_GETFD), -1);
	close(fd);
	close(other);
}

static void
failures(void **state)
{
	struct bt_claim_store *maker = new_store(), *store;
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;

	fixture_has_entropy = false;
	assert_int_equal(bt_claim_memory_new(&store), BT_ERR_ENTROPY);
	assert_null(store);
	assert_int_equal(bt_claim_reserve(maker, 1000, &ref, key), BT_ERR_ENTROPY);
	fixture_has_entropy = true;
	fixture_allocs_left = 0;
	assert_int_equal(bt_claim_memory_new(&store), BT_ERR_NOMEM);
	assert_int_equal(bt_claim_memory_open(bt_claim_memory_fd(maker), file_of(maker)->store_id, &store), BT_ERR_NOMEM);
	assert_null(store);
	bt_claim_memory_free(maker);
}

/* ---- at once ---- */

enum { ROUNDS = 20000, NUM_TAKERS = 3 };

static struct race {
	struct bt_claim_store *maker, *taker;
	struct bt_claim_ref ref;
	pthread_barrier_t start, end;
	_Atomic int num_won;
} race;

static void *
take_each(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&race.start);
		race.num_won += bt_claim_take(race.taker, &race.ref) == 0;
		pthread_barrier_wait(&race.end);
	}
	return NULL;
}

static void
one_wins(void **state)
{
	pthread_t threads[NUM_TAKERS];
	int num_back = 0, num_before;

	race.maker = new_store();
	race.taker = open_store(race.maker);
	pthread_barrier_init(&race.start, NULL, NUM_TAKERS + 1);
	pthread_barrier_init(&race.end, NULL, NUM_TAKERS + 1);
	for (int i = 0; i < NUM_TAKERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_each, NULL), 0);
	for (int i = 0; i < ROUNDS; i++) {
		race.ref = claim(race.maker, 1000);
		race.num_won = 0;
		num_before = num_back;
		pthread_barrier_wait(&race.start);
		if (i % 3 == 0)
			bt_claim_memory_let_go(race.maker, &race.ref);
		else if (i % 3 == 1 && bt_claim_memory_take_back(race.maker, &race.ref) == 0)
			num_back++;
		pthread_barrier_wait(&race.end);
		assert_int_equal(race.num_won + num_back - num_before, 1);
		assert_int_equal(bt_claim_memory_fate(race.maker, &race.ref), BT_CLAIM_TAKEN);
		bt_claim_memory_let_go(race.maker, &race.ref);
		assert_int_equal(slot_of(race.maker, &race.ref)->state, (uint64_t)(race.ref.generation + 1) << 32);
	}
	for (int i = 0; i < NUM_TAKERS; i++)
		pthread_join(threads[i], NULL);
	print_message("%d of %d taken back\n", num_back, ROUNDS / 3);
	bt_claim_memory_free(race.taker);
	bt_claim_memory_free(race.maker);
}

/* Keys on their way do not go into a core dump. */
static void
not_in_core_dumps(void **state)
{
	struct bt_claim_store *maker = new_store(), *taker = open_store(maker);
	unsigned num_found = 0, num_left_out = 0;
	bool is_ours = false;
	char line[512];
	FILE *maps = fopen("/proc/self/smaps", "r");

	if (maps == NULL)
		skip();
	while (fgets(line, sizeof line, maps) != NULL) {
		if (strstr(line, "/memfd:baton-claims") != NULL) {
			is_ours = true;
			num_found++;
		}
		if (is_ours && strncmp(line, "VmFlags:", 8) == 0) {
			num_left_out += strstr(line, " dd") != NULL;
			is_ours = false;
		}
	}
	fclose(maps);
	assert_in_range(num_found, 1, UINT32_MAX);
	assert_int_equal(num_left_out, num_found);
	bt_claim_memory_free(taker);
	bt_claim_memory_free(maker);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		MEMORY_TEST(not_in_core_dumps),
		MEMORY_TEST(whole_life), MEMORY_TEST(refused), MEMORY_TEST(taken_back), MEMORY_TEST(cancelled),
		MEMORY_TEST(let_go), MEMORY_TEST(full), MEMORY_TEST(stuck), MEMORY_TEST(files_that_are_none),
		MEMORY_TEST(scribbled), MEMORY_TEST(refs_of_elsewhere),
		MEMORY_TEST(kept_for_the_next_message), MEMORY_TEST(descriptors_that_are_gone), MEMORY_TEST(failures),
		MEMORY_TEST(one_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
