#include "fake_claim.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

enum slot_state { SLOT_FREE, SLOT_RESERVED, SLOT_LIVE };

struct slot {
	enum slot_state state;
	uint32_t generation;
	int64_t expires_at;
	uint8_t key[BT_CLAIM_KEY_LEN];
};

struct bt_claim_store {
	uint8_t id[BT_CLAIM_STORE_ID_LEN];
	struct slot slots[FAKE_SLOTS];
};

static const uint8_t store_id[BT_CLAIM_STORE_ID_LEN] = "fake store, #001";
static struct bt_claim_store the_store;
struct fake_claims fake_claims;

void
fake_claims_reset(void)
{
	memset(&the_store, 0, sizeof the_store);
	memset(&fake_claims, 0, sizeof fake_claims);
	memcpy(the_store.id, store_id, sizeof store_id);
}

void
fake_claims_set(const struct bt_claim_ref *ref, const uint8_t key[static BT_CLAIM_KEY_LEN])
{
	struct slot *slot = &the_store.slots[ref->slot];

	memcpy(the_store.id, ref->store_id, sizeof the_store.id);
	*slot = (struct slot){SLOT_LIVE, ref->generation, ref->expires_at, {0}};
	memcpy(slot->key, key, BT_CLAIM_KEY_LEN);
}

int
bt_claim_user_store(bool create, struct bt_claim_store **out)
{
	(void)create;
	*out = fake_claims.open_error == 0 ? &the_store : NULL;
	return fake_claims.open_error;
}

int
bt_claim_account_store(uint32_t uid, struct bt_claim_store **out)
{
	(void)uid;
	return bt_claim_user_store(true, out);
}

int
bt_claim_store_of(const struct bt_claim_ref *ref, struct bt_claim_store **out)
{
	*out = NULL;
	if (fake_claims.open_error != 0)
		return fake_claims.open_error;
	if (ref->place != BT_CLAIM_PLACE_SHM)
		return BT_ERR_MALFORMED;
	if (!bt_claim_is_of(&the_store, ref) || (fake_claims.has_owner && fake_claims.owner != geteuid()))
		return BT_ERR_TOKEN_STORE;
	*out = &the_store;
	return 0;
}

uint32_t
bt_claim_owner_of(const struct bt_claim_store *store)
{
	(void)store;
	return geteuid();
}

int
bt_claim_reserve(struct bt_claim_store *store, int64_t ttl_ms, struct bt_claim_ref *ref, uint8_t key[static BT_CLAIM_KEY_LEN])
{
	static uint8_t next_key;
	uint32_t i = 0;

	memset(ref, 0, sizeof *ref);
	memset(key, 0, BT_CLAIM_KEY_LEN);
	fake_claims.last_ttl_ms = ttl_ms;
	while (i < FAKE_SLOTS && store->slots[i].state != SLOT_FREE)
		i++;
	if (fake_claims.reserve_error != 0 || i == FAKE_SLOTS)
		return fake_claims.reserve_error != 0 ? fake_claims.reserve_error : BT_ERR_STORE_FULL;
	memset(key, ++next_key, BT_CLAIM_KEY_LEN);
	store->slots[i].state = SLOT_RESERVED;
	ref->place = BT_CLAIM_PLACE_SHM;
	memcpy(ref->store_id, store->id, sizeof ref->store_id);
	ref->slot = i;
	ref->generation = store->slots[i].generation;
	ref->expires_at = store->slots[i].expires_at = bt_clock_boot_ms() + ttl_ms;
	return 0;
}

int
bt_claim_activate(struct bt_claim_store *store, const struct bt_claim_ref *ref, const uint8_t key[static BT_CLAIM_KEY_LEN])
{
	if (fake_claims.activate_error != 0)
		return fake_claims.activate_error;
	memcpy(store->slots[ref->slot].key, key, BT_CLAIM_KEY_LEN);
	store->slots[ref->slot].state = SLOT_LIVE;
	return 0;
}

void
bt_claim_cancel(struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
	store->slots[ref->slot].state = SLOT_FREE;
	fake_claims.num_cancelled++;
}

bool
bt_claim_is_of(const struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
	return memcmp(store->id, ref->store_id, sizeof ref->store_id) == 0;
}

static int
check(const struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
	const struct slot *slot = &store->slots[ref->slot % FAKE_SLOTS];

	if (!bt_claim_is_of(store, ref))
		return BT_ERR_TOKEN_STORE;
	if (ref->slot >= FAKE_SLOTS)
		return BT_ERR_MALFORMED;
	if (slot->state != SLOT_LIVE || slot->generation != ref->generation)
		return BT_ERR_TOKEN_USED;
	return slot->expires_at <= bt_clock_boot_ms() ? BT_ERR_TOKEN_EXPIRED : 0;
}

int
bt_claim_read(struct bt_claim_store *store, const struct bt_claim_ref *ref, uint8_t key[static BT_CLAIM_KEY_LEN])
{
	int e = check(store, ref);

	memset(key, 0, BT_CLAIM_KEY_LEN);
	if (e == 0)
		memcpy(key, store->slots[ref->slot].key, BT_CLAIM_KEY_LEN);
	return e;
}

int
bt_claim_take(struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
	int e = fake_claims.take_error != 0 ? fake_claims.take_error : check(store, ref);

	if (e == 0) {
		store->slots[ref->slot].state = SLOT_FREE;
		store->slots[ref->slot].generation++;
	}
	return e;
}

uint32_t
bt_claim_take_num_expired(void)
{
	return __atomic_exchange_n(&fake_claims.num_expired, 0, __ATOMIC_RELAXED);
}

void
bt_claim_census_of(struct bt_claim_store *store, struct bt_claim_census *out)
{
	memset(out, 0, sizeof *out);
	out->num_slots = FAKE_SLOTS;
	for (int i = 0; i < FAKE_SLOTS; i++) {
		out->num_free += store->slots[i].state == SLOT_FREE;
		out->num_reserved += store->slots[i].state == SLOT_RESERVED;
		out->num_live += store->slots[i].state == SLOT_LIVE;
	}
}
