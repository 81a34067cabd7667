/*
 * A claim's life in a memory file. As in slot.c each step is one compare-and-swap on the slot's state word; WATCHED is a bit beside
 * the step, for as long as its maker wants to know what becomes of the claim.
 *
 *	FREE -reserve-> BUSY -activate-> READY -take-> CLAIMED -> GONE -let go-> FREE
 *	                                 READY -refuse-> REFUSED -take back, let go-> CLAIMED
 *
 * Who made the step to CLAIMED wipes the key, and the slot is FREE then if nobody watches it any more.
 */
#include "claim/memory.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "claim/key.h"
#include "claim/memory_file.h"
#include "crypto/crypto.h"

enum step { FREE = 0, BUSY = 1, READY = 2, CLAIMED = 3, GONE = 4, REFUSED = 5 };
enum { STEP_BITS = 7, WATCHED = 8 };

/* A swap fails when somebody else made a step in between, of which a claim has few: more is somebody's who means harm. */
enum { SWAP_TRIES = 100 };

static uint64_t
state_of(uint32_t generation, unsigned step)
{
	return (uint64_t)generation << 32 | step;
}

static uint32_t
generation_of(uint64_t state)
{
	return (uint32_t)(state >> 32);
}

static unsigned
step_of(uint64_t state)
{
	return (unsigned)(state & STEP_BITS);
}

/* The slot's next use. No generation is 0. */
static uint64_t
free_again(uint32_t generation)
{
	return state_of(generation != UINT32_MAX ? generation + 1 : 1, FREE);
}

static bool
swap(struct bt_claim_memory_slot *slot, uint64_t *state, uint64_t to)
{
	return atomic_compare_exchange_strong(&slot->state, state, to);
}

/* The slot is CLAIMED by this caller, or was: if it stood still for too long, its maker may have gone on to another claim. */
static void
wipe_key(struct bt_claim_memory_slot *slot, uint32_t generation)
{
	uint8_t seen[BT_CLAIM_KEY_LEN];
	uint64_t state;

	/* A reader that sees a wiped word of the key must see the state changed. */
	atomic_thread_fence(memory_order_release);
	bt_claim_key_see(slot->key, seen);
	atomic_thread_fence(memory_order_acquire);
	state = atomic_load_explicit(&slot->state, memory_order_relaxed);
	if (generation_of(state) == generation && step_of(state) == CLAIMED)
		bt_claim_key_wipe(slot->key, seen);
	bt_mem_wipe(seen, sizeof seen);
}

/* One step of the claim of this generation, from one of the steps in `from` (1 << step, or'ed). False: it was not at any of them. */
static bool
move(struct bt_claim_memory_slot *slot, uint32_t generation, unsigned from, enum step to)
{
	uint64_t state = atomic_load_explicit(&slot->state, memory_order_acquire);

	for (int i = 0; i < SWAP_TRIES; i++) {
		if (generation_of(state) != generation || (from >> step_of(state) & 1) == 0)
			return false;
		if (swap(slot, &state, state_of(generation, to | (unsigned)(state & WATCHED))))
			return true;
	}
	return false;
}

/* CLAIMED is this caller's, who has wiped the key. */
static void
finish(struct bt_claim_memory_slot *slot, uint32_t generation)
{
	uint64_t state = state_of(generation, CLAIMED | WATCHED);

	if (swap(slot, &state, state_of(generation, GONE | WATCHED)))
		return;
	state = state_of(generation, CLAIMED);
	swap(slot, &state, free_again(generation));
}

/* Of all that end a claim, in all processes, one gets true. */
static bool
end_claim(struct bt_claim_memory_slot *slot, uint32_t generation, unsigned from)
{
	if (!move(slot, generation, from, CLAIMED))
		return false;
	wipe_key(slot, generation);
	finish(slot, generation);
	return true;
}

/* ---- the operations of claim/store.h ---- */

static struct bt_claim_memory *
memory_of(struct bt_claim_store *store)
{
	return (struct bt_claim_memory *)store;
}

static bool
is_of(const struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
	const struct bt_claim_memory *memory = (const struct bt_claim_memory *)store;

	return ref->place == BT_CLAIM_PLACE_MEMORY && memcmp(ref->store_id, memory->store_id, sizeof memory->store_id) == 0;
}

/* The slot that ref names, of which nothing is trusted; NULL: it names none here. */
static struct bt_claim_memory_slot *
slot_of(struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
	if (!is_of(store, ref) || ref->slot >= BT_CLAIM_MEMORY_NUM_SLOTS)
		return NULL;
	return &memory_of(store)->file->slots[ref->slot];
}

static bool
reserve_slot(struct bt_claim_memory *memory, uint32_t index, struct bt_claim_ref *ref)
{
	struct bt_claim_memory_slot *slot = &memory->file->slots[index];
	uint64_t state = atomic_load_explicit(&slot->state, memory_order_acquire);
	uint32_t generation = generation_of(state) != 0 ? generation_of(state) : 1;

	if (step_of(state) != FREE || !swap(slot, &state, state_of(generation, BUSY)))
		return false;
	ref->slot = index;
	ref->generation = generation;
	return true;
}

static bool
find_slot(struct bt_claim_memory *memory, struct bt_claim_ref *ref)
{
	/* The one that was freed last is warm; and a hint only, for two threads may leave the same. */
	uint32_t hint = atomic_load_explicit(&memory->hint, memory_order_relaxed);

	for (uint32_t i = 0; i < BT_CLAIM_MEMORY_NUM_SLOTS; i++) {
		uint32_t index = (hint + i) % BT_CLAIM_MEMORY_NUM_SLOTS;

		if (reserve_slot(memory, index, ref)) {
			atomic_store_explicit(&memory->hint, index, memory_order_relaxed);
			return true;
		}
	}
	return false;
}

/* What nobody watches and nobody took in time; and what somebody took who died, or so it seems, before the key was wiped. */
static uint32_t
sweep(struct bt_claim_store *store)
{
	int64_t now = bt_clock_boot_ms();
	uint32_t num = 0;

	for (uint32_t i = 0; i < BT_CLAIM_MEMORY_NUM_SLOTS; i++) {
		struct bt_claim_memory_slot *slot = &memory_of(store)->file->slots[i];
		uint64_t state = atomic_load_explicit(&slot->state, memory_order_acquire);
		int64_t expires_at = atomic_load_explicit(&slot->expires_at, memory_order_relaxed);

		if ((state & WATCHED) != 0 || now < expires_at)
			continue;
		if (step_of(state) == CLAIMED && now - BT_CLAIM_STUCK_MS >= expires_at)
			num += swap(slot, &state, free_again(generation_of(state)));
		else
			num += end_claim(slot, generation_of(state), 1 << READY | 1 << REFUSED);
	}
	return num;
}

static int
reserve(struct bt_claim_store *store, int64_t ttl_ms, struct bt_claim_ref *ref, uint8_t *key)
{
	struct bt_claim_memory *memory = memory_of(store);
	int64_t now = bt_clock_boot_ms();
	int e;

	if ((e = bt_crypto_random(key, BT_CLAIM_KEY_LEN)) != 0)
		return e;
	if (!find_slot(memory, ref) && (sweep(store) == 0 || !find_slot(memory, ref)))
		return BT_ERR_STORE_FULL;
	memcpy(ref->store_id, memory->store_id, sizeof memory->store_id);
	ref->place = BT_CLAIM_PLACE_MEMORY;
	ref->expires_at = now + (ttl_ms < INT64_MAX / 2 ? ttl_ms : INT64_MAX / 2);
	return 0;
}

static int
activate(struct bt_claim_store *store, const struct bt_claim_ref *ref, const uint8_t *key)
{
	struct bt_claim_memory_slot *slot = slot_of(store, ref);
	uint64_t state = state_of(ref->generation, BUSY);
	uint8_t seen[BT_CLAIM_KEY_LEN];
	bool is_put;

	if (slot == NULL || atomic_load_explicit(&slot->state, memory_order_relaxed) != state)
		return EAGAIN;
	bt_claim_key_see(slot->key, seen);
	/* A reader of the claim before this one that sees its key change must see its state changed. */
	atomic_thread_fence(memory_order_release);
	is_put = bt_claim_key_put(slot->key, seen, key);
	bt_mem_wipe(seen, sizeof seen);
	if (!is_put)
		return EAGAIN;
	atomic_store_explicit(&slot->expires_at, ref->expires_at, memory_order_relaxed);
	return swap(slot, &state, state_of(ref->generation, READY | WATCHED)) ? 0 : EAGAIN;
}

static void
cancel(struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
	struct bt_claim_memory_slot *slot = slot_of(store, ref);

	if (slot == NULL)
		return;
	bt_claim_memory_let_go(store, ref);
	end_claim(slot, ref->generation, 1 << BUSY | 1 << READY);
}

static int
read_key(struct bt_claim_store *store, const struct bt_claim_ref *ref, uint8_t *key)
{
	struct bt_claim_memory_slot *slot = slot_of(store, ref);
	bool is_late = bt_clock_boot_ms() >= ref->expires_at;
	uint64_t state;

	if (slot == NULL)
		return is_of(store, ref) ? BT_ERR_MALFORMED : BT_ERR_TOKEN_STORE;
	state = atomic_load_explicit(&slot->state, memory_order_acquire);
	if (step_of(state) != READY || generation_of(state) != ref->generation)
		return is_late ? BT_ERR_TOKEN_EXPIRED : BT_ERR_TOKEN_USED;
	if (is_late)
		return BT_ERR_TOKEN_EXPIRED;
	bt_claim_key_see(slot->key, key);
	/* What was read counts only if the claim is still there; that its maker has let it go changes nothing. */
	atomic_thread_fence(memory_order_acquire);
	return ((state ^ atomic_load_explicit(&slot->state, memory_order_relaxed)) & ~(uint64_t)WATCHED) == 0 ? 0 : BT_ERR_TOKEN_USED;
}

/* Soon after read_key, whose look at the time counts for it. */
static int
take(struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
	struct bt_claim_memory_slot *slot = slot_of(store, ref);

	return slot != NULL && end_claim(slot, ref->generation, 1 << READY) ? 0 : BT_ERR_TOKEN_USED;
}

static void
count(struct bt_claim_store *store, struct bt_claim_census *out)
{
	int64_t now = bt_clock_boot_ms();

	out->num_slots = BT_CLAIM_MEMORY_NUM_SLOTS;
	for (uint32_t i = 0; i < BT_CLAIM_MEMORY_NUM_SLOTS; i++) {
		const struct bt_claim_memory_slot *slot = &memory_of(store)->file->slots[i];
		int64_t expires_at = atomic_load_explicit(&slot->expires_at, memory_order_relaxed);
		unsigned step = step_of(atomic_load_explicit(&slot->state, memory_order_acquire));

		if (step == FREE)
			out->num_free++;
		else if (step != READY)
			out->num_reserved++;
		else if (now >= expires_at)
			out->num_expired++;
		else
			out->num_live++;
		if (step == READY && now < expires_at && (out->oldest_at == 0 || expires_at < out->oldest_at))
			out->oldest_at = expires_at;
	}
}

const struct bt_claim_ops bt_claim_memory_ops = {
    .reserve = reserve,
    .activate = activate,
    .cancel = cancel,
    .is_of = is_of,
    .read = read_key,
    .take = take,
    .census_of = count,
    .sweep = sweep,
};

/* ---- what other stores do not do ---- */

void
bt_claim_memory_refuse(struct bt_claim_store *store, uint32_t slot, uint32_t generation)
{
	/* The key stays until its maker has seen it, or it expires: it is good for nothing. */
	if (slot < BT_CLAIM_MEMORY_NUM_SLOTS)
		move(&memory_of(store)->file->slots[slot], generation, 1 << READY, REFUSED);
}

enum bt_claim_fate
bt_claim_memory_fate(struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
	struct bt_claim_memory_slot *slot = slot_of(store, ref);
	uint64_t state = slot != NULL ? atomic_load_explicit(&slot->state, memory_order_acquire) : 0;

	if (generation_of(state) != ref->generation)
		return BT_CLAIM_TAKEN;
	switch (step_of(state)) {
	case READY:
		return BT_CLAIM_WAITS;
	case REFUSED:
		return BT_CLAIM_REFUSED;
	default:
		return BT_CLAIM_TAKEN;
	}
}

int
bt_claim_memory_take_back(struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
	struct bt_claim_memory_slot *slot = slot_of(store, ref);

	if (slot == NULL || !end_claim(slot, ref->generation, 1 << READY | 1 << REFUSED))
		return BT_ERR_TOKEN_USED;
	return 0;
}

void
bt_claim_memory_let_go(struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
	struct bt_claim_memory_slot *slot = slot_of(store, ref);
	uint64_t state = slot != NULL ? atomic_load_explicit(&slot->state, memory_order_acquire) : 0;

	for (int i = 0; i < SWAP_TRIES && generation_of(state) == ref->generation && (state & WATCHED) != 0; i++) {
		if (step_of(state) == GONE) {
			if (swap(slot, &state, free_again(ref->generation)))
				return;
		} else if (swap(slot, &state, state & ~(uint64_t)WATCHED)) {
			if (step_of(state) == REFUSED)
				end_claim(slot, ref->generation, 1 << REFUSED);
			return;
		}
	}
}

bool
bt_claim_memory_wants_wake(const struct bt_claim_store *store)
{
	return atomic_load_explicit(&((const struct bt_claim_memory *)store)->file->wants_wake, memory_order_relaxed) != 0;
}

void
bt_claim_memory_want_wake(struct bt_claim_store *store)
{
	atomic_store_explicit(&memory_of(store)->file->wants_wake, 1, memory_order_seq_cst);
}
