/* Processes that stand still in the midst of a step, until others take them for dead and go on with the slot. */
#include "fixture.h"

#include <errno.h>
#include <string.h>

#include "claim/key.h"
#include "claim/memory.h"

static const uint8_t zeros[BT_CLAIM_KEY_LEN];

/* Before the how-manieth look at a key or write to it the process stands still, and what happens meanwhile. */
static int stops_in;
static void (*meanwhile)(void);

static void
perhaps_stand_still(void)
{
	void (*fn)(void) = meanwhile;

	if (fn == NULL || stops_in-- != 0)
		return;
	meanwhile = NULL;
	fn();
}

void __real_bt_claim_key_see(const _Atomic uint64_t *key, uint8_t *out);
void __wrap_bt_claim_key_see(const _Atomic uint64_t *key, uint8_t *out);
bool __real_bt_claim_key_put(_Atomic uint64_t *key, const uint8_t *seen, const uint8_t *to);
bool __wrap_bt_claim_key_put(_Atomic uint64_t *key, const uint8_t *seen, const uint8_t *to);
void __real_bt_claim_key_wipe(_Atomic uint64_t *key, const uint8_t *seen);
void __wrap_bt_claim_key_wipe(_Atomic uint64_t *key, const uint8_t *seen);

void
__wrap_bt_claim_key_see(const _Atomic uint64_t *key, uint8_t *out)
{
	perhaps_stand_still();
	__real_bt_claim_key_see(key, out);
}

bool
__wrap_bt_claim_key_put(_Atomic uint64_t *key, const uint8_t *seen, const uint8_t *to)
{
	perhaps_stand_still();
	return __real_bt_claim_key_put(key, seen, to);
}

void
__wrap_bt_claim_key_wipe(_Atomic uint64_t *key, const uint8_t *seen)
{
	perhaps_stand_still();
	__real_bt_claim_key_wipe(key, seen);
}

static struct bt_claim_store *store;

/* The slot's next claim. */
static struct bt_claim_ref next;
static uint8_t next_key[BT_CLAIM_KEY_LEN];

static void
slot_goes_to_another(void)
{
	fixture_now_ms += BT_CLAIM_STUCK_MS;
	assert_int_equal(bt_claim_sweep(store), 1);
	next = fixture_claim(store, 5000, next_key);
}

static void
slot_is_reserved_by_another(void)
{
	fixture_now_ms += BT_CLAIM_STUCK_MS;
	assert_int_equal(bt_claim_sweep(store), 1);
	assert_int_equal(bt_claim_reserve(store, 5000, &next, next_key), 0);
}

static void
next_is_whole(const struct bt_claim_ref *before)
{
	uint8_t got[BT_CLAIM_KEY_LEN];

	assert_int_equal(next.slot, before->slot);
	assert_int_not_equal(next.generation, before->generation);
	assert_int_equal(bt_claim_read(store, &next, got), 0);
	assert_memory_equal(got, next_key, sizeof got);
	fixture_now_ms += 4999;
	assert_int_equal(bt_claim_take(store, &next), 0);
	if (fixture_table != NULL)
		assert_memory_equal((const void *)fixture_table->file->slots[next.slot].key, zeros, sizeof zeros);
}

static void
while_it_activates(void **state)
{
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;

	store = fixture_open();
	/* Before the look, and between the look and the write. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(bt_claim_reserve(store, 86400000, &ref, key), 0);
		stops_in = i;
		meanwhile = slot_goes_to_another;
		assert_int_equal(bt_claim_activate(store, &ref, key), EAGAIN);
		assert_null(meanwhile);
		bt_claim_cancel(store, &ref);
		next_is_whole(&ref);
	}
}

/* Its key may come where the other one is about to put its own: then that one sees it, keeps its context and tries again. */
static void
while_both_activate(void **state)
{
	uint8_t key[BT_CLAIM_KEY_LEN], got[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;
	int e;

	store = fixture_open();
	for (int i = 0; i < 2; i++) {
		assert_int_equal(bt_claim_reserve(store, 86400000, &ref, key), 0);
		stops_in = i;
		meanwhile = slot_is_reserved_by_another;
		assert_int_equal(bt_claim_activate(store, &ref, key), EAGAIN);
		bt_claim_cancel(store, &ref);
		if ((e = bt_claim_activate(store, &next, next_key)) == 0) {
			assert_int_equal(bt_claim_read(store, &next, got), 0);
			assert_memory_equal(got, next_key, sizeof got);
			assert_int_equal(bt_claim_take(store, &next), 0);
		} else {
			assert_int_equal(e, EAGAIN);
			bt_claim_cancel(store, &next);
		}
		assert_memory_equal((const void *)fixture_table->file->slots[ref.slot].key, zeros, sizeof zeros);
	}
}

static void
while_it_takes(void **state)
{
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;

	store = fixture_open();
	for (int i = 0; i < 2; i++) {
		ref = fixture_claim(store, 1000, key);
		stops_in = i;
		meanwhile = slot_goes_to_another;
		assert_int_equal(bt_claim_take(store, &ref), 0);
		assert_null(meanwhile);
		next_is_whole(&ref);
	}
}

/* The claims of a memory file are swept by their maker alone, when it needs a slot. */
static void
others_are_in_use(void)
{
	struct bt_claim_ref ref;
	uint8_t key[BT_CLAIM_KEY_LEN];

	for (int i = 0; i < BT_CLAIM_MEMORY_NUM_SLOTS - 1; i++)
		assert_int_equal(bt_claim_reserve(store, 1000, &ref, key), 0);
}

static void
while_it_receives(void **state)
{
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(bt_claim_memory_new(&store), 0);
		others_are_in_use();
		ref = fixture_claim(store, 1000, key);
		bt_claim_memory_let_go(store, &ref);
		fixture_now_ms += 1000;
		stops_in = i;
		meanwhile = slot_goes_to_another;
		assert_int_equal(bt_claim_take(store, &ref), 0);
		assert_null(meanwhile);
		next_is_whole(&ref);
		bt_claim_memory_free(store);
	}
}

/* Between reading and taking, so many claims pass through the slot that the same generation comes again. */
static void
while_generations_wrap(void **state)
{
	uint8_t key[BT_CLAIM_KEY_LEN], got[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref, later;

	store = fixture_open();
	ref = fixture_claim(store, 86400000, key);
	assert_int_equal(bt_claim_read(store, &ref, got), 0);
	assert_int_equal(bt_claim_take(store, &ref), 0);
	fixture_table->file->slots[ref.slot].state = bt_claim_state_of(ref.generation, 0, BT_CLAIM_FREE);
	fixture_now_ms += 1;
	later = fixture_claim(store, 86400000, key);
	assert_int_equal(later.slot, ref.slot);
	assert_int_equal(later.generation, ref.generation);
	assert_int_equal(bt_claim_take(store, &ref), BT_ERR_TOKEN_USED);
	assert_int_equal(bt_claim_take(store, &later), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(while_it_activates), TEST(while_both_activate),	TEST(while_it_takes),
		TEST(while_it_receives),  TEST(while_generations_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
