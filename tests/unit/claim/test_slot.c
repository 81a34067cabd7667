#include <errno.h>
#include "fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static const uint8_t zeros[BT_CLAIM_KEY_LEN];

static struct bt_claim_slot *
slot_of(const struct bt_claim_ref *ref)
{
	return &fixture_table->file->slots[ref->slot];
}

static int
state_of(const struct bt_claim_ref *ref)
{
	return bt_claim_state_kind(slot_of(ref)->state);
}

static void
read_fails(struct bt_claim_store *store, const struct bt_claim_ref *ref, int err)
{
	uint8_t key[BT_CLAIM_KEY_LEN];

	memset(key, 0xaa, sizeof key);
	assert_int_equal(bt_claim_read(store, ref, key), err);
	assert_memory_equal(key, zeros, sizeof key);
	assert_int_equal(bt_claim_take(store, ref), err);
}

static void
whole_life(void **state)
{
	struct bt_claim_store *store = fixture_open();
	uint8_t key[BT_CLAIM_KEY_LEN], got[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;
	struct bt_claim_census census;

	assert_int_equal(bt_claim_reserve(store, 1000, &ref, key), 0);
	assert_int_equal(state_of(&ref), BT_CLAIM_BUSY);
	assert_int_equal(bt_claim_state_pid(slot_of(&ref)->state), getpid());
	assert_int_equal(ref.place, BT_CLAIM_PLACE_NAMED);
	assert_true(bt_claim_is_of(store, &ref));
	assert_true(ref.generation != 0);
	assert_int_equal(ref.expires_at, fixture_now_ms + 1000);
	assert_memory_not_equal(key, zeros, sizeof key);
	/* The key is not in the table before it is needed there. */
	assert_memory_equal((const void *)slot_of(&ref)->key, zeros, sizeof key);
	read_fails(store, &ref, BT_ERR_TOKEN_USED);

	bt_claim_activate(store, &ref, key);
	assert_int_equal(state_of(&ref), BT_CLAIM_READY);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bt_claim_read(store, &ref, got), 0);
		assert_memory_equal(got, key, sizeof key);
	}
	bt_claim_census_of(store, &census);
	assert_int_equal(census.num_live, 1);
	assert_int_equal(census.oldest_at, ref.expires_at);

	assert_int_equal(bt_claim_take(store, &ref), 0);
	assert_int_equal(state_of(&ref), BT_CLAIM_FREE);
	assert_memory_equal((const void *)slot_of(&ref)->key, zeros, sizeof key);
	assert_int_equal(bt_claim_state_generation(slot_of(&ref)->state), ref.generation + 1);
	read_fails(store, &ref, BT_ERR_TOKEN_USED);
	bt_claim_census_of(store, &census);
	assert_int_equal(census.num_free, census.num_slots);
}

static void
cancelled(void **state)
{
	struct bt_claim_store *store = fixture_open();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref, again;

	assert_int_equal(bt_claim_reserve(store, 1000, &ref, key), 0);
	bt_claim_cancel(store, &ref);
	assert_int_equal(state_of(&ref), BT_CLAIM_FREE);
	bt_claim_cancel(store, &ref);
	/* Too late: nothing is activated, and nothing of the next claim in this slot is touched. */
	assert_int_equal(bt_claim_activate(store, &ref, key), EAGAIN);
	assert_int_equal(state_of(&ref), BT_CLAIM_FREE);
	again = fixture_claim(store, 1000, key);
	assert_int_equal(again.slot, ref.slot);
	assert_int_not_equal(again.generation, ref.generation);
	bt_claim_cancel(store, &ref);
	bt_claim_cancel(store, &again);
	read_fails(store, &ref, BT_ERR_TOKEN_USED);
	assert_int_equal(bt_claim_take(store, &again), 0);
}

static void
reused_slot(void **state)
{
	struct bt_claim_store *store = fixture_open();
	uint8_t key1[BT_CLAIM_KEY_LEN], key2[BT_CLAIM_KEY_LEN], got[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref first = fixture_claim(store, 1000, key1), second;

	assert_int_equal(bt_claim_take(store, &first), 0);
	second = fixture_claim(store, 1000, key2);
	assert_int_equal(second.slot, first.slot);
	assert_memory_not_equal(key1, key2, sizeof key1);
	read_fails(store, &first, BT_ERR_TOKEN_USED);
	assert_int_equal(bt_claim_read(store, &second, got), 0);
	assert_memory_equal(got, key2, sizeof got);
}

static void
expired(void **state)
{
	struct bt_claim_store *store = fixture_open();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref = fixture_claim(store, 1000, key), altered;

	fixture_now_ms += 999;
	assert_int_equal(bt_claim_read(store, &ref, key), 0);
	fixture_now_ms += 1;
	read_fails(store, &ref, BT_ERR_TOKEN_EXPIRED);
	/* The slot knows, whatever a token says. */
	altered = ref;
	altered.expires_at = INT64_MAX;
	read_fails(store, &altered, BT_ERR_TOKEN_EXPIRED);
	assert_int_equal(bt_claim_sweep(store), 1);
	/* Late, and not stolen. */
	read_fails(store, &ref, BT_ERR_TOKEN_EXPIRED);
	assert_int_equal(state_of(&ref), BT_CLAIM_FREE);
	assert_memory_equal((const void *)slot_of(&ref)->key, zeros, sizeof key);
}

static void
endless_lifetime(void **state)
{
	struct bt_claim_store *store = fixture_open();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref = fixture_claim(store, INT64_MAX, key);

	assert_true(ref.expires_at > fixture_now_ms);
	assert_int_equal(bt_claim_take(store, &ref), 0);
}

static void
refs_from_anywhere(void **state)
{
	struct bt_claim_store *store = fixture_open();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref = fixture_claim(store, 1000, key), bad;

	for (int i = 0; i < BT_CLAIM_STORE_ID_LEN; i++) {
		bad = ref;
		bad.store_id[i] ^= 1;
		assert_false(bt_claim_is_of(store, &bad));
		read_fails(store, &bad, BT_ERR_TOKEN_STORE);
	}
	for (int i = 0; i < 32; i++) {
		bad = ref;
		bad.generation ^= 1u << i;
		read_fails(store, &bad, BT_ERR_TOKEN_USED);
		bad = ref;
		bad.slot ^= 1u << i;
		read_fails(store, &bad, bad.slot < 65536 ? BT_ERR_TOKEN_USED : BT_ERR_MALFORMED);
		bt_claim_activate(store, &bad, zeros);
		bt_claim_cancel(store, &bad);
	}
	assert_int_equal(bt_claim_read(store, &ref, key), 0);
	assert_int_equal(bt_claim_take(store, &ref), 0);
}

/* Generation 0 of a claim never comes, also when the count wraps; a slot's old tokens do not come back to life. */
static void
generation_wraps(void **state)
{
	struct bt_claim_store *store = fixture_open();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref = fixture_claim(store, 1000, key), next;

	assert_int_equal(bt_claim_take(store, &ref), 0);
	slot_of(&ref)->state = bt_claim_state_of(UINT32_MAX, 0, BT_CLAIM_FREE);
	ref = fixture_claim(store, 1000, key);
	assert_int_equal(ref.generation, UINT32_MAX);
	assert_int_equal(bt_claim_take(store, &ref), 0);
	next = fixture_claim(store, 1000, key);
	assert_int_equal(next.slot, ref.slot);
	assert_int_equal(next.generation, 1);
}

static void
no_entropy(void **state)
{
	struct bt_claim_store *store = fixture_open();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref, none = {0};
	struct bt_claim_census census;

	memset(key, 0xaa, sizeof key);
	memset(&ref, 0xaa, sizeof ref);
	fixture_has_entropy = false;
	assert_int_equal(bt_claim_reserve(store, 1000, &ref, key), BT_ERR_ENTROPY);
	assert_memory_equal(key, zeros, sizeof key);
	assert_memory_equal(&ref, &none, sizeof ref);
	bt_claim_census_of(store, &census);
	assert_int_equal(census.num_reserved, 0);
}

static void
full_table(void **state)
{
	struct bt_claim_store *store = fixture_open();
	struct bt_claim_ref *refs = calloc(BT_CLAIM_NUM_SLOTS, sizeof *refs), ref;
	uint8_t key[BT_CLAIM_KEY_LEN], *seen = calloc(1, BT_CLAIM_NUM_SLOTS);
	struct bt_claim_census census;

	for (uint32_t i = 0; i < BT_CLAIM_NUM_SLOTS; i++) {
		refs[i] = fixture_claim(store, 1000 + i, key);
		assert_int_equal(seen[refs[i].slot]++, 0);
	}
	assert_int_equal(bt_claim_reserve(store, 1000, &ref, key), BT_ERR_STORE_FULL);
	assert_int_equal(ref.generation, 0);
	assert_memory_equal(key, zeros, sizeof key);
	assert_non_null(strstr(bt_err_noted(BT_ERR_STORE_FULL), fixture_path));
	/* One place is enough, wherever. */
	for (uint32_t i = 0; i < BT_CLAIM_NUM_SLOTS; i += 9973) {
		assert_int_equal(bt_claim_take(store, &refs[i]), 0);
		ref = fixture_claim(store, 1000 + i, key);
		assert_int_equal(ref.slot, refs[i].slot);
		refs[i] = ref;
		assert_int_equal(bt_claim_reserve(store, 1000, &ref, key), BT_ERR_STORE_FULL);
	}
	/* The first to expire make room without anybody's doing. */
	fixture_now_ms += 1003;
	assert_int_equal(bt_claim_reserve(store, 1000, &ref, key), 0);
	bt_claim_cancel(store, &ref);
	bt_claim_sweep(store);
	bt_claim_census_of(store, &census);
	assert_int_equal(census.num_free, 4);
	assert_int_equal(census.num_live, 65532);
	assert_int_equal(census.oldest_at, fixture_now_ms + 1);
	for (uint32_t i = 4; i < BT_CLAIM_NUM_SLOTS; i++)
		assert_int_equal(bt_claim_take(store, &refs[i]), 0);
	bt_claim_census_of(store, &census);
	assert_int_equal(census.num_free, 65536);
	free(refs);
	free(seen);
}

/* Claims that come and go stay on the pages that are there. */
static void
few_pages(void **state)
{
	struct bt_claim_store *store = fixture_open();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref refs[100];
	struct stat st;

	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 100; i++)
			refs[i] = fixture_claim(store, 1000, key);
		for (int i = 0; i < 100; i++)
			assert_int_equal(bt_claim_take(store, &refs[i]), 0);
	}
	assert_int_equal(fstat(fixture_table->fd, &st), 0);
	assert_true(st.st_blocks * 512 <= (3 + 3) * 4096);
}

static void
truncated(void **state)
{
	struct bt_claim_store *store = fixture_open();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref = fixture_claim(store, 1000, key), other;
	struct bt_claim_census census;

	assert_int_equal(truncate(fixture_path, 4096), 0);
	fixture_now_ms++;
	read_fails(store, &ref, BT_ERR_STORE_DAMAGED);
	assert_int_equal(bt_claim_reserve(store, 1000, &other, key), BT_ERR_STORE_DAMAGED);
	assert_non_null(strstr(bt_err_noted(BT_ERR_STORE_DAMAGED), fixture_path));
	assert_int_equal(bt_claim_sweep(store), 0);
	bt_claim_census_of(store, &census);
	assert_int_equal(census.num_live, 0);
}

static void
deleted(void **state)
{
	struct bt_claim_store *store = fixture_open();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref = fixture_claim(store, 1000, key), other;

	assert_int_equal(unlink(fixture_path), 0);
	fixture_now_ms++;
	/* Nobody could find a new claim; one that this process has can still be taken by it. */
	assert_int_equal(bt_claim_reserve(store, 1000, &other, key), BT_ERR_STORE_DAMAGED);
	assert_int_equal(bt_claim_read(store, &ref, key), 0);
	assert_int_equal(bt_claim_take(store, &ref), 0);
}

/* Somebody cut the file to nothing and another process began it anew: the same file, but another store. */
static void
begun_anew(void **state)
{
	struct bt_claim_store *store = fixture_open();
	struct bt_claim_table *again;
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref = fixture_claim(store, 1000, key);

	assert_int_equal(truncate(fixture_path, 0), 0);
	assert_int_equal(bt_claim_table_open(fixture_dir, geteuid(), BT_CLAIM_PLACE_NAMED, true, &again), 0);
	read_fails(store, &ref, BT_ERR_TOKEN_STORE);
	ref = fixture_claim(store, 1000, key);
	assert_int_equal(bt_claim_take(&again->store, &ref), 0);
	bt_claim_table_free(again);
}

/* A good look counts for the millisecond it was made in, and no more. */
static void
one_look_each_ms(void **state)
{
	struct bt_claim_store *store = fixture_open();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref = fixture_claim(store, 1000, key), other;

	assert_int_equal(unlink(fixture_path), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(bt_claim_reserve(store, 1000, &other, key), 0);
	fixture_now_ms++;
	assert_int_equal(bt_claim_reserve(store, 1000, &other, key), BT_ERR_STORE_DAMAGED);
	/* A look that found something wrong counts for nothing. */
	assert_int_equal(bt_claim_reserve(store, 1000, &other, key), BT_ERR_STORE_DAMAGED);
	assert_int_equal(ftruncate(fixture_table->fd, 4096), 0);
	read_fails(store, &ref, BT_ERR_STORE_DAMAGED);
}

static bool
child_takes(void)
{
	struct bt_claim_store *store = &fixture_table->store;
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;

	CHECK(bt_claim_reserve(store, 1000, &ref, key) == 0);
	CHECK(bt_claim_state_pid(fixture_table->file->slots[ref.slot].state) == getpid());
	bt_claim_activate(store, &ref, key);
	return bt_claim_take(store, &ref) == 0;
}

static void
after_fork(void **state)
{
	struct bt_claim_store *store = fixture_open();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref = fixture_claim(store, 1000, key);

	assert_true(fixture_in_child(child_takes));
	assert_int_equal(bt_claim_take(store, &ref), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(whole_life),	      TEST(cancelled),	      TEST(reused_slot), TEST(expired),	      TEST(endless_lifetime),
	    TEST(refs_from_anywhere), TEST(generation_wraps), TEST(no_entropy),	 TEST(full_table),    TEST(few_pages),
	    TEST(truncated),	      TEST(deleted),	      TEST(begun_anew),	 TEST(one_look_each_ms), TEST(after_fork),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
