/* Looking at a table, slot by slot, without touching anything; and the count of claims that ended unused. */
#include "base/clock.h"
#include "claim/table.h"

bool
bt_claim_table_is_whole(const struct bt_claim_table *table)
{
	return bt_claim_table_look(table) != BT_CLAIM_LOOK_SHRUNK;
}

/* False: there is no claim in it. */
static bool
entry_of(const struct bt_claim_slot *slot, int64_t now, struct bt_claim_entry *out)
{
	uint64_t state = atomic_load_explicit(&slot->state, memory_order_acquire);

	*out = (struct bt_claim_entry){
	    .pid = bt_claim_state_pid(state),
	    .made_at = atomic_load_explicit(&slot->changed_at, memory_order_relaxed),
	};
	switch (bt_claim_state_kind(state)) {
	case BT_CLAIM_READY:
		out->expires_at = atomic_load_explicit(&slot->expires_at, memory_order_relaxed);
		out->kind = now >= out->expires_at ? BT_CLAIM_IS_EXPIRED : BT_CLAIM_IS_LIVE;
		return true;
	case BT_CLAIM_BUSY:
	case BT_CLAIM_CLAIMED:
		out->kind = BT_CLAIM_IS_RESERVED;
		return true;
	case BT_CLAIM_FREE:
	default:
		return false;
	}
}

void
bt_claim_census_each(struct bt_claim_store *store, void (*fn)(const struct bt_claim_entry *entry, void *arg), void *arg)
{
	struct bt_claim_table *table = (struct bt_claim_table *)store;
	int64_t now = bt_clock_boot_ms();
	struct bt_claim_entry entry;

	for (uint32_t i = 0; i < BT_CLAIM_NUM_SLOTS && (i % BT_CLAIM_SLOTS_PER_PAGE != 0 || bt_claim_table_is_whole(table)); i++)
		if (bt_claim_table_has_page(table, i / BT_CLAIM_SLOTS_PER_PAGE) && entry_of(&table->file->slots[i], now, &entry))
			fn(&entry, arg);
}

static void
count(const struct bt_claim_entry *entry, void *arg)
{
	struct bt_claim_census *out = arg;

	out->num_expired += entry->kind == BT_CLAIM_IS_EXPIRED;
	out->num_reserved += entry->kind == BT_CLAIM_IS_RESERVED;
	if (entry->kind != BT_CLAIM_IS_LIVE)
		return;
	out->num_live++;
	if (out->oldest_at == 0 || entry->expires_at < out->oldest_at)
		out->oldest_at = entry->expires_at;
}

void
bt_claim_census_count(struct bt_claim_store *store, struct bt_claim_census *out)
{
	out->num_slots = BT_CLAIM_NUM_SLOTS;
	bt_claim_census_each(store, count, out);
	out->num_free = out->num_slots - out->num_live - out->num_expired - out->num_reserved;
}

const char *
bt_claim_census_path(const struct bt_claim_store *store)
{
	return ((const struct bt_claim_table *)store)->path;
}

/* Of all stores of this process, and its threads. */
static _Atomic uint32_t num_expired;

void
bt_claim_add_expired(uint32_t num)
{
	atomic_fetch_add_explicit(&num_expired, num, memory_order_relaxed);
}

uint32_t
bt_claim_take_num_expired(void)
{
	if (atomic_load_explicit(&num_expired, memory_order_relaxed) == 0)
		return 0;
	return atomic_exchange_explicit(&num_expired, 0, memory_order_relaxed);
}
