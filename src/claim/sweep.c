/*
 * Giving slots back: of claims that nobody took in time, and of steps in whose midst a process died. Also the place that
 * puts a used bit right which disagrees with its slot.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "claim/table.h"

/*
 * Is this BUSY or CLAIMED slot without a process to finish it? A step takes microseconds. A process number that is nobody's
 * may be alive in another pid namespace, and one that is somebody's may have been given anew: hence the two delays.
 */
static bool
is_abandoned(uint64_t state, int64_t changed_at, int64_t now)
{
	int64_t age_ms = now - changed_at;
	pid_t pid = bt_claim_state_pid(state);

	if (age_ms >= BT_CLAIM_STUCK_MS)
		return true;
	return age_ms >= BT_CLAIM_GRACE_MS && pid > 0 && kill(pid, 0) != 0 && errno == ESRCH;
}

static bool
sweep_slot(struct bt_claim_table *table, uint32_t index, pid_t pid, int64_t now)
{
	struct bt_claim_slot *slot = &table->file->slots[index];
	uint64_t state = atomic_load_explicit(&slot->state, memory_order_acquire);
	int64_t changed_at = atomic_load_explicit(&slot->changed_at, memory_order_relaxed);

	switch (bt_claim_state_kind(state)) {
	case BT_CLAIM_READY:
		if (now < atomic_load_explicit(&slot->expires_at, memory_order_relaxed))
			return false;
		break;
	case BT_CLAIM_BUSY:
	case BT_CLAIM_CLAIMED:
		if (!is_abandoned(state, changed_at, now))
			return false;
		break;
	case BT_CLAIM_FREE:
	default:
		/* Who set the bit died, or is about to reserve the slot, which the next then finds in use and goes on. */
		bt_claim_slot_mark_free(table, index);
		return false;
	}
	if (!bt_claim_slot_release(table, index, state, pid, now))
		return false;
	if (bt_claim_state_kind(state) == BT_CLAIM_READY)
		bt_claim_add_expired(1);
	return true;
}

static uint32_t
sweep_page(struct bt_claim_table *table, uint32_t page, uint64_t slots, pid_t pid, int64_t now)
{
	uint32_t num = 0;

	if (slots == 0 || !bt_claim_table_has_page(table, page))
		return 0;
	for (uint32_t i = 0; i < BT_CLAIM_SLOTS_PER_PAGE; i++)
		if ((slots >> i & 1) != 0)
			num += sweep_slot(table, page * BT_CLAIM_SLOTS_PER_PAGE + i, pid, now);
	return num;
}

static uint32_t
sweep_next(struct bt_claim_table *table, pid_t pid, int64_t now)
{
	uint32_t turn = atomic_fetch_add_explicit(&table->file->sweep_cursor, 1, memory_order_relaxed);
	uint32_t page = turn % BT_CLAIM_NUM_PAGES;

	return sweep_page(table, page, atomic_load_explicit(&table->file->used[page], memory_order_acquire), pid, now);
}

void
bt_claim_sweep_now_and_then(struct bt_claim_table *table, pid_t pid, int64_t now)
{
	_Atomic int64_t *next_at = &table->file->next_sweep_at;
	int64_t due_at = atomic_load_explicit(next_at, memory_order_relaxed);
	uint32_t num_looked = 0, page;

	if (now < due_at || !atomic_compare_exchange_strong(next_at, &due_at, now + BT_CLAIM_SWEEP_EVERY_MS))
		return;
	/* Pages without a used slot cost one load each and do not count. */
	for (uint32_t i = 0; i < BT_CLAIM_NUM_PAGES && num_looked < BT_CLAIM_SWEEP_PAGES; i++) {
		page = atomic_load_explicit(&table->file->sweep_cursor, memory_order_relaxed) % BT_CLAIM_NUM_PAGES;
		num_looked += atomic_load_explicit(&table->file->used[page], memory_order_relaxed) != 0;
		sweep_next(table, pid, now);
	}
}

uint32_t
bt_claim_sweep_for(struct bt_claim_table *table, uint32_t num, pid_t pid, int64_t now)
{
	uint32_t num_freed = 0;

	for (uint32_t i = 0; i < BT_CLAIM_NUM_PAGES && num_freed < num; i++)
		num_freed += sweep_next(table, pid, now);
	return num_freed;
}

uint32_t
bt_claim_sweep_all(struct bt_claim_store *store)
{
	struct bt_claim_table *table = (struct bt_claim_table *)store;
	pid_t pid = getpid();
	uint32_t num = 0;

	/* All slots, for a used bit can be missing: who frees a slot clears its bit after the slot may be another's again. */
	for (uint32_t page = 0; page < BT_CLAIM_NUM_PAGES && bt_claim_table_is_whole(table); page++)
		num += sweep_page(table, page, UINT64_MAX, pid, bt_clock_boot_ms());
	return num;
}
