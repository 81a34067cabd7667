#include "fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static const uint8_t zeros[BT_CLAIM_KEY_LEN];

/* A process number that is nobody's: of a child that has ended. */
static pid_t
dead_pid(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

/* Leaves slot i as a process killed in the midst of a step leaves it. */
static struct bt_claim_slot *
leave(uint32_t i, enum bt_claim_state state, pid_t pid)
{
	struct bt_claim_slot *slot = &fixture_table->file->slots[i];

	assert_int_equal(bt_claim_table_need_page(fixture_table, i / 64), 0);
	fixture_table->file->used[i / 64] |= UINT64_C(1) << (i % 64);
	slot->changed_at = fixture_now_ms;
	slot->key[0] = 0x5ec2e7;
	slot->state = bt_claim_state_of(9, pid, state);
	return slot;
}

static void
assert_freed(const struct bt_claim_slot *slot)
{
	assert_int_equal(bt_claim_state_kind(slot->state), BT_CLAIM_FREE);
	assert_int_equal(bt_claim_state_generation(slot->state), 10);
	assert_memory_equal((const void *)slot->key, zeros, sizeof zeros);
}

static void
of_the_dead(void **state)
{
	static const enum bt_claim_state kinds[] = {BT_CLAIM_BUSY, BT_CLAIM_CLAIMED};
	pid_t pid = dead_pid();

	for (size_t i = 0; i < 2; i++) {
		struct bt_claim_store *store = fixture_open();
		struct bt_claim_slot *slot = leave(3, kinds[i], pid);

		/* In another pid namespace it may be alive: not at once. */
		assert_int_equal(bt_claim_sweep(store), 0);
		fixture_now_ms += BT_CLAIM_GRACE_MS - 1;
		assert_int_equal(bt_claim_sweep(store), 0);
		fixture_now_ms += 1;
		assert_int_equal(bt_claim_sweep(store), 1);
		assert_freed(slot);
		assert_int_equal(fixture_table->file->used[0], 0);
		slot->state = 0;
		bt_claim_table_free(fixture_table);
	}
	fixture_table = NULL;
}

static void
of_the_living(void **state)
{
	struct bt_claim_store *store = fixture_open();
	struct bt_claim_slot *busy = leave(3, BT_CLAIM_BUSY, getppid()), *claimed = leave(70, BT_CLAIM_CLAIMED, getpid());
	struct bt_claim_census census;

	fixture_now_ms += BT_CLAIM_STUCK_MS - 1;
	assert_int_equal(bt_claim_sweep(store), 0);
	bt_claim_census_of(store, &census);
	assert_int_equal(census.num_reserved, 2);
	/* Nobody takes so long: the number is another's by now. It may even be our own. */
	fixture_now_ms += 1;
	assert_int_equal(bt_claim_sweep(store), 2);
	assert_freed(busy);
	assert_freed(claimed);
}

/* A process that wakes up after its reservation was swept does no harm. */
static void
of_the_sleeping(void **state)
{
	struct bt_claim_store *store = fixture_open();
	uint8_t key[BT_CLAIM_KEY_LEN], other[BT_CLAIM_KEY_LEN], got[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref, next;

	assert_int_equal(bt_claim_reserve(store, 1000, &ref, key), 0);
	fixture_now_ms += BT_CLAIM_STUCK_MS;
	assert_int_equal(bt_claim_sweep(store), 1);
	next = fixture_claim(store, 1000, other);
	assert_int_equal(next.slot, ref.slot);
	bt_claim_activate(store, &ref, key);
	assert_int_equal(bt_claim_take(store, &ref), BT_ERR_TOKEN_EXPIRED);
	assert_int_equal(bt_claim_read(store, &next, got), 0);
	assert_memory_equal(got, other, sizeof got);
}

/* Killed between setting the bit and reserving the slot, or between freeing the slot and clearing the bit. */
static void
stale_bits(void **state)
{
	struct bt_claim_store *store = fixture_open();

	assert_int_equal(bt_claim_table_need_page(fixture_table, 5), 0);
	fixture_table->file->used[5] = UINT64_MAX;
	assert_int_equal(bt_claim_sweep(store), 0);
	assert_int_equal(fixture_table->file->used[5], 0);
}

/* A slot in use whose bit is missing is neither given out nor forgotten. */
static void
missing_bits(void **state)
{
	struct bt_claim_store *store = fixture_open();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref = fixture_claim(store, 1000, key), other;

	fixture_table->file->used[ref.slot / 64] = 0;
	other = fixture_claim(store, 1000, key);
	assert_int_not_equal(other.slot, ref.slot);
	assert_true(fixture_table->file->used[ref.slot / 64] & UINT64_C(1) << ref.slot % 64);
	fixture_table->file->used[ref.slot / 64] = 0;
	fixture_now_ms += 1000;
	assert_int_equal(bt_claim_sweep(store), 2);
}

/* Without anybody calling bt_claim_sweep: a few pages at a time, at most once a second. */
static void
now_and_then(void **state)
{
	struct bt_claim_store *store = fixture_open();
	struct bt_claim_census census;
	struct bt_claim_ref ref;
	uint8_t key[BT_CLAIM_KEY_LEN];
	uint32_t before = 0;
	int num_steps = 0;

	for (int i = 0; i < 64 * 40; i++)
		fixture_claim(store, 100, key);
	fixture_now_ms += 10000;
	do {
		assert_int_equal(bt_claim_reserve(store, 100, &ref, key), 0);
		bt_claim_cancel(store, &ref);
		bt_claim_census_of(store, &census);
		if (before != 0)
			assert_in_range(before - census.num_expired, 1, 64 * BT_CLAIM_SWEEP_PAGES);
		before = census.num_expired;
		/* A second call in the same second does nothing. */
		assert_int_equal(bt_claim_reserve(store, 100, &ref, key), 0);
		bt_claim_cancel(store, &ref);
		bt_claim_census_of(store, &census);
		assert_int_equal(census.num_expired, before);
		fixture_now_ms += BT_CLAIM_SWEEP_EVERY_MS;
		assert_true(++num_steps < 20);
	} while (census.num_expired != 0);
	assert_true(num_steps >= 5);
}

static void
counts(void **state)
{
	struct bt_claim_store *store = fixture_open();
	struct bt_claim_census census;
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;

	bt_claim_census_of(store, &census);
	assert_int_equal(census.num_slots, 65536);
	assert_int_equal(census.num_free, 65536);
	assert_int_equal(census.oldest_at, 0);
	fixture_claim(store, 100, key);
	fixture_claim(store, 300, key);
	fixture_claim(store, 200, key);
	assert_int_equal(bt_claim_reserve(store, 100, &ref, key), 0);
	fixture_now_ms += 100;
	bt_claim_census_of(store, &census);
	assert_int_equal(census.num_free, 65532);
	assert_int_equal(census.num_live, 2);
	assert_int_equal(census.num_expired, 1);
	assert_int_equal(census.num_reserved, 1);
	assert_int_equal(census.oldest_at, fixture_now_ms + 100);
	assert_int_equal(bt_claim_sweep(store), 1);
}

struct seen {
	unsigned num_of[3];
	struct bt_claim_entry last[3];
};

static void
see(const struct bt_claim_entry *entry, void *arg)
{
	struct seen *seen = arg;

	seen->num_of[entry->kind]++;
	seen->last[entry->kind] = *entry;
}

/* Each claim is shown with whose it is, since when and until when; and looking changes nothing. */
static void
each(void **state)
{
	struct bt_claim_store *store = fixture_open();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref = fixture_claim(store, 5000, key);
	struct seen seen = {{0}};

	fixture_now_ms += 10;
	fixture_claim(store, 1, key);
	leave(200, BT_CLAIM_BUSY, 4711);
	fixture_now_ms += 10;
	for (int i = 0; i < 2; i++) {
		memset(&seen, 0, sizeof seen);
		bt_claim_each(store, see, &seen);
		for (int kind = 0; kind < 3; kind++)
			assert_int_equal(seen.num_of[kind], 1);
	}
	assert_int_equal(seen.last[BT_CLAIM_IS_LIVE].pid, getpid());
	assert_int_equal(seen.last[BT_CLAIM_IS_LIVE].made_at, 1000000);
	assert_int_equal(seen.last[BT_CLAIM_IS_LIVE].expires_at, ref.expires_at);
	assert_int_equal(seen.last[BT_CLAIM_IS_EXPIRED].made_at, 1000010);
	assert_int_equal(seen.last[BT_CLAIM_IS_RESERVED].pid, 4711);
	assert_string_equal(bt_claim_path_of(store), fixture_path);
	assert_int_equal(bt_claim_read(store, &ref, key), 0);
}

/* Those that nobody took are told of once; what a dead process had reserved is none of them. */
static void
tells_how_many_expired(void **state)
{
	struct bt_claim_store *store = fixture_open();
	uint8_t key[BT_CLAIM_KEY_LEN];

	bt_claim_take_num_expired();
	fixture_claim(store, 1000, key);
	fixture_claim(store, 1000, key);
	fixture_claim(store, 900000, key);
	leave(200, BT_CLAIM_BUSY, 4711);
	fixture_now_ms += BT_CLAIM_STUCK_MS;
	assert_int_equal(bt_claim_sweep(store), 3);
	assert_int_equal(bt_claim_take_num_expired(), 2);
	assert_int_equal(bt_claim_take_num_expired(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(of_the_dead),	TEST(of_the_living), TEST(of_the_sleeping), TEST(stale_bits),
	    TEST(missing_bits), TEST(now_and_then),  TEST(counts),
	    TEST(each),		TEST(tells_how_many_expired),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
