/*
 * A claim's life in its slot. The state word decides everything; each step is one compare-and-swap on it, so that of any
 * number of processes one makes the step. Between BUSY or CLAIMED and the next state only the process named in the word
 * writes to the slot.
 *
 *	FREE -reserve-> BUSY -activate-> READY -take, sweep-> CLAIMED -> FREE
 *	                BUSY -cancel, sweep-----------------> CLAIMED -> FREE
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "claim/key.h"
#include "claim/table.h"
#include "crypto/crypto.h"

/* Where this thread reserves: its own page as long as there is room, so that threads do not meet in one word. */
static _Thread_local struct {
	pid_t pid; /* for whom the page was chosen; a forked child chooses again */
	uint32_t page;
} spot;

/*
 * This process's number, asked of the kernel once. A child that was made without the C library's fork() keeps its parent's: its
 * steps then look abandoned when the parent is gone, and only if they take longer than sweepers wait.
 */
static _Atomic pid_t self;
static pthread_once_t self_once = PTHREAD_ONCE_INIT;
static bool self_is_kept; /* the C library will tell of a fork */

static void
forget_self(void)
{
	atomic_store_explicit(&self, 0, memory_order_relaxed);
}

static void
keep_self(void)
{
	self_is_kept = pthread_atfork(NULL, NULL, forget_self) == 0;
}

static pid_t
self_pid(void)
{
	pid_t pid = atomic_load_explicit(&self, memory_order_relaxed);

	if (pid != 0)
		return pid;
	pid = getpid();
	pthread_once(&self_once, keep_self);
	if (self_is_kept)
		atomic_store_explicit(&self, pid, memory_order_relaxed);
	return pid;
}

static struct bt_claim_table *
table_of(struct bt_claim_store *store)
{
	return (struct bt_claim_table *)store;
}

static void
load_store_id(const struct bt_claim_table *table, uint64_t id[static 2])
{
	id[0] = atomic_load_explicit(&table->file->store_id[0], memory_order_relaxed);
	id[1] = atomic_load_explicit(&table->file->store_id[1], memory_order_relaxed);
}

/* Read from the file each time: somebody may have cut it to nothing and another process begun it anew. */
static bool
is_of(const struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
	uint64_t id[2];

	load_store_id((const struct bt_claim_table *)store, id);
	return memcmp(id, ref->store_id, sizeof id) == 0;
}

/* What was read from the slot counts only if its state is still the one it was read under. */
static bool
is_unchanged(const struct bt_claim_slot *slot, uint64_t state)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&slot->state, memory_order_relaxed) == state;
}

/* The slot is CLAIMED by this process, or was: if it stood still for too long, another has wiped this key and the next may be in. */
static void
wipe_key(struct bt_claim_slot *slot, uint64_t claimed)
{
	uint8_t seen[BT_CLAIM_KEY_LEN];

	/* A reader that sees a wiped word of the key must see the state changed. */
	atomic_thread_fence(memory_order_release);
	bt_claim_key_see(slot->key, seen);
	if (is_unchanged(slot, claimed))
		bt_claim_key_wipe(slot->key, seen);
	bt_mem_wipe(seen, sizeof seen);
}

void
bt_claim_slot_mark_free(struct bt_claim_table *table, uint32_t index)
{
	_Atomic uint64_t *used = &table->file->used[index / BT_CLAIM_SLOTS_PER_PAGE];
	uint64_t bit = UINT64_C(1) << (index % BT_CLAIM_SLOTS_PER_PAGE);

	if ((atomic_load_explicit(used, memory_order_relaxed) & bit) != 0)
		atomic_fetch_and_explicit(used, ~bit, memory_order_release);
}

/* Generation 0 stands for "never used" and is left out when the count wraps. */
static uint32_t
next_generation(uint64_t state)
{
	uint32_t generation = bt_claim_state_generation(state) + 1;

	return generation != 0 ? generation : 1;
}

bool
bt_claim_slot_release(struct bt_claim_table *table, uint32_t index, uint64_t state, pid_t pid, int64_t now)
{
	struct bt_claim_slot *slot = &table->file->slots[index];
	uint32_t generation = next_generation(state);
	uint64_t claimed = bt_claim_state_of(generation, pid, BT_CLAIM_CLAIMED);

	/* Before the step, or a sweeper could see the new state with an old time. For a loser of the race it means nothing. */
	atomic_store_explicit(&slot->changed_at, now, memory_order_relaxed);
	if (!atomic_compare_exchange_strong(&slot->state, &state, claimed))
		return false;
	wipe_key(slot, claimed);
	/* Fails if this process slept so long that the slot was swept: then it is another's. */
	if (atomic_compare_exchange_strong(&slot->state, &claimed, bt_claim_state_of(generation, 0, BT_CLAIM_FREE)))
		bt_claim_slot_mark_free(table, index);
	return true;
}

static bool
reserve_slot(struct bt_claim_table *table, uint32_t index, pid_t pid, int64_t now, uint32_t *generation)
{
	struct bt_claim_slot *slot = &table->file->slots[index];
	uint64_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);

	if (bt_claim_state_kind(state) != BT_CLAIM_FREE)
		return false;
	*generation = bt_claim_state_generation(state) != 0 ? bt_claim_state_generation(state) : 1;
	atomic_store_explicit(&slot->changed_at, now, memory_order_relaxed);
	return atomic_compare_exchange_strong(&slot->state, &state, bt_claim_state_of(*generation, pid, BT_CLAIM_BUSY));
}

/* True: ref names a reserved slot of this page. A bit once set stays set even if the slot is not to be had: it is in use. */
static bool
reserve_in_page(struct bt_claim_table *table, uint32_t page, pid_t pid, int64_t now, struct bt_claim_ref *ref)
{
	_Atomic uint64_t *used = &table->file->used[page];
	uint64_t seen = atomic_load_explicit(used, memory_order_relaxed), bit;
	uint32_t index;

	while (seen != UINT64_MAX) {
		bit = ~seen & (seen + 1); /* the lowest that is not set: few pages stay in use */
		index = page * BT_CLAIM_SLOTS_PER_PAGE + (uint32_t)__builtin_ctzll(bit);
		seen = atomic_fetch_or_explicit(used, bit, memory_order_acquire);
		if ((seen & bit) == 0 && reserve_slot(table, index, pid, now, &ref->generation)) {
			ref->slot = index;
			return true;
		}
		seen |= bit;
	}
	return false;
}

static bool
is_full(const struct bt_claim_table *table, uint32_t page)
{
	return atomic_load_explicit(&table->file->used[page], memory_order_relaxed) == UINT64_MAX;
}

/* Errors: STORE_FULL; what bt_claim_table_need_page gives if there were pages but no memory for them. */
static int
reserve_anywhere(struct bt_claim_table *table, pid_t pid, int64_t now, struct bt_claim_ref *ref)
{
	int e = 0, memory_e = 0;

	for (uint32_t page = 0; page < BT_CLAIM_NUM_PAGES; page++) {
		if (is_full(table, page))
			continue;
		/* No memory for one new page: none for the others, but there may be room in pages that have some. */
		if (memory_e != 0 && !bt_claim_table_has_page(table, page))
			continue;
		if ((e = bt_claim_table_need_page(table, page)) != 0) {
			memory_e = e;
		} else if (reserve_in_page(table, page, pid, now, ref)) {
			spot.page = page;
			return 0;
		}
	}
	return memory_e != 0 ? memory_e : BT_ERR_STORE_FULL;
}

/* Beginners are spread, consecutive workers of a pre-forking server too; eight words further is another cache line. */
static void
choose_spot(pid_t pid)
{
	static _Atomic uint32_t num_threads;
	uint32_t nth = (uint32_t)pid + atomic_fetch_add_explicit(&num_threads, 1, memory_order_relaxed);

	spot.pid = pid;
	spot.page = nth % BT_CLAIM_NUM_STARTS * 8;
}

static int
find_slot(struct bt_claim_table *table, pid_t pid, int64_t now, struct bt_claim_ref *ref)
{
	int e;

	if (spot.pid != pid)
		choose_spot(pid);
	if (bt_claim_table_need_page(table, spot.page) == 0 && reserve_in_page(table, spot.page, pid, now, ref))
		return 0;
	if ((e = reserve_anywhere(table, pid, now, ref)) == 0)
		return 0;
	/* A page's worth at once, so that a table full of expired claims is not swept for each reservation. */
	if (bt_claim_sweep_for(table, BT_CLAIM_SLOTS_PER_PAGE, pid, now) == 0)
		return e;
	return reserve_anywhere(table, pid, now, ref);
}

static int
reserve(struct bt_claim_store *store, int64_t ttl_ms, struct bt_claim_ref *ref, uint8_t *key)
{
	struct bt_claim_table *table = table_of(store);
	int64_t now = bt_clock_boot_ms();
	enum bt_claim_look seen = bt_claim_table_glance(table, now);
	pid_t pid = self_pid();
	uint64_t id[2];
	int e;

	if (seen == BT_CLAIM_LOOK_SHRUNK || seen == BT_CLAIM_LOOK_DELETED ||
	    atomic_load_explicit(&table->file->magic, memory_order_relaxed) != BT_CLAIM_MAGIC)
		return bt_err_note(BT_ERR_STORE_DAMAGED, "%s was deleted or cut short", table->path);
	bt_claim_sweep_now_and_then(table, pid, now);
	if ((e = bt_crypto_random(key, BT_CLAIM_KEY_LEN)) != 0)
		return e;
	load_store_id(table, id);
	if ((e = find_slot(table, pid, now, ref)) != 0)
		return e == BT_ERR_STORE_FULL ? bt_err_note(e, "%s is full", table->path) : e;
	memcpy(ref->store_id, id, sizeof id);
	ref->place = table->place;
	/* A lifetime without end is as good as one of years, which does not overflow. */
	ref->expires_at = now + (ttl_ms < INT64_MAX / 2 ? ttl_ms : INT64_MAX / 2);
	return 0;
}

/* The slot and state of ref's reservation, or NULL if it was swept or the table replaced. */
static struct bt_claim_slot *
reserved_slot(struct bt_claim_table *table, const struct bt_claim_ref *ref, uint64_t *state)
{
	struct bt_claim_slot *slot;

	if (ref->slot >= BT_CLAIM_NUM_SLOTS || !is_of(&table->store, ref))
		return NULL;
	slot = &table->file->slots[ref->slot];
	*state = atomic_load_explicit(&slot->state, memory_order_relaxed);
	if (bt_claim_state_kind(*state) != BT_CLAIM_BUSY || bt_claim_state_generation(*state) != ref->generation)
		return NULL;
	return slot;
}

static int
swept(const struct bt_claim_table *table)
{
	return bt_err_note(EAGAIN, "a claim in %s was swept before this process activated it: export again", table->path);
}

/* Key and expiry into a slot that is BUSY with this process's reservation, if it is. False: it was swept meanwhile. */
static bool
fill_slot(struct bt_claim_slot *slot, uint64_t state, int64_t expires_at, const uint8_t *key)
{
	int64_t seen_at = atomic_load_explicit(&slot->expires_at, memory_order_relaxed);
	uint8_t seen[BT_CLAIM_KEY_LEN];
	bool is_ours;

	bt_claim_key_see(slot->key, seen);
	is_ours = is_unchanged(slot, state);
	/* A reader of the claim before this one that sees its key or expiry change must see its state changed. */
	atomic_thread_fence(memory_order_release);
	is_ours = is_ours && bt_claim_key_put(slot->key, seen, key) &&
		  atomic_compare_exchange_strong_explicit(&slot->expires_at, &seen_at, expires_at, memory_order_relaxed,
							  memory_order_relaxed);
	bt_mem_wipe(seen, sizeof seen);
	return is_ours;
}

static int
activate(struct bt_claim_store *store, const struct bt_claim_ref *ref, const uint8_t *key)
{
	struct bt_claim_table *table = table_of(store);
	uint64_t state;
	struct bt_claim_slot *slot = reserved_slot(table, ref, &state);

	if (slot == NULL || !fill_slot(slot, state, ref->expires_at, key) ||
	    !atomic_compare_exchange_strong(&slot->state, &state,
					    bt_claim_state_of(ref->generation, bt_claim_state_pid(state), BT_CLAIM_READY)))
		return swept(table);
	return 0;
}

static void
cancel(struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
	struct bt_claim_table *table = table_of(store);
	uint64_t state;

	if (reserved_slot(table, ref, &state) != NULL)
		bt_claim_slot_release(table, ref->slot, state, self_pid(), bt_clock_boot_ms());
}

/* A claim that is gone: its importer came late, if its own word for that is right, or second. */
static int
gone(const struct bt_claim_ref *ref, int64_t now)
{
	return now >= ref->expires_at ? BT_ERR_TOKEN_EXPIRED : BT_ERR_TOKEN_USED;
}

/*
 * The slot of a claim that can be taken, and its state. Nothing of ref is trusted: it comes out of a token that was not
 * opened yet.
 * Errors: as bt_claim_read.
 */
static int
ready_slot(struct bt_claim_table *table, const struct bt_claim_ref *ref, int64_t now, struct bt_claim_slot **out,
	   uint64_t *state)
{
	struct bt_claim_slot *slot;

	if (ref->slot >= BT_CLAIM_NUM_SLOTS)
		return BT_ERR_MALFORMED;
	if (bt_claim_table_glance(table, now) == BT_CLAIM_LOOK_SHRUNK)
		return bt_err_note(BT_ERR_STORE_DAMAGED, "%s was cut short", table->path);
	if (!is_of(&table->store, ref))
		return BT_ERR_TOKEN_STORE;
	/* A page that nobody used has no memory, and is not to get any from a token that somebody made up. */
	if (!bt_claim_table_has_page(table, ref->slot / BT_CLAIM_SLOTS_PER_PAGE))
		return gone(ref, now);
	slot = &table->file->slots[ref->slot];
	*state = atomic_load_explicit(&slot->state, memory_order_acquire);
	if (bt_claim_state_kind(*state) != BT_CLAIM_READY || bt_claim_state_generation(*state) != ref->generation)
		return gone(ref, now);
	if (now >= atomic_load_explicit(&slot->expires_at, memory_order_relaxed))
		return is_unchanged(slot, *state) ? BT_ERR_TOKEN_EXPIRED : gone(ref, now);
	*out = slot;
	return 0;
}

static int
read_key(struct bt_claim_store *store, const struct bt_claim_ref *ref, uint8_t *key)
{
	int64_t now = bt_clock_boot_ms();
	struct bt_claim_slot *slot = NULL;
	uint64_t state = 0;
	int e;

	if ((e = ready_slot(table_of(store), ref, now, &slot, &state)) != 0)
		return e;
	bt_claim_key_see(slot->key, key);
	return is_unchanged(slot, state) ? 0 : gone(ref, now);
}

static int
take(struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
	struct bt_claim_table *table = table_of(store);
	int64_t now = bt_clock_boot_ms();
	struct bt_claim_slot *slot = NULL;
	uint64_t state = 0;
	int e;

	if ((e = ready_slot(table, ref, now, &slot, &state)) != 0)
		return e;
	/* ref is known to be true by now. What has its generation 2^32 claims later has another expiry. */
	if (atomic_load_explicit(&slot->expires_at, memory_order_relaxed) != ref->expires_at)
		return gone(ref, now);
	return bt_claim_slot_release(table, ref->slot, state, self_pid(), now) ? 0 : gone(ref, now);
}

const struct bt_claim_ops bt_claim_slot_ops = {
    .reserve = reserve,
    .activate = activate,
    .cancel = cancel,
    .is_of = is_of,
    .read = read_key,
    .take = take,
    .census_of = bt_claim_census_count,
    .sweep = bt_claim_sweep_all,
    .each = bt_claim_census_each,
    .path_of = bt_claim_census_path,
};
