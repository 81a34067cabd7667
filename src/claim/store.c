/*
 * The stores of this process: opened once for each effective user and place, found without a lock, never closed. Threads that
 * open the same one at once each open it; the first to link it in wins and the others drop theirs. So a fork at any moment
 * leaves nothing locked.
 */
#include "claim/store.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "claim/box.h"
#include "claim/guard.h"
#include "claim/place.h"
#include "claim/table.h"

static _Atomic(struct bt_claim_table *) tables;

/* place 0: the default of this process. */
static struct bt_claim_table *
find(uid_t uid, uint8_t place)
{
	struct bt_claim_table *t = atomic_load_explicit(&tables, memory_order_acquire);

	for (; t != NULL; t = t->next)
		if (t->uid == uid && !t->is_retired && (place != 0 ? t->place == place : t->is_default))
			return t;
	return NULL;
}

/* In a signal handler. One that is retired has zeros in its place, which nobody can cut: whoever retires it is about to put them there. */
static bool
was_cut(const void *at)
{
	for (struct bt_claim_table *t = atomic_load_explicit(&tables, memory_order_acquire); t != NULL; t = t->next)
		if ((const char *)at >= (const char *)t->file && (const char *)at < (const char *)(t->file + 1)) {
			bt_claim_table_retire(t);
			return true;
		}
	return false;
}

/* Takes fresh; returns it, or the one of its kind that is there by now. */
static struct bt_claim_table *
link_in(struct bt_claim_table *fresh)
{
	struct bt_claim_table *there;

	bt_claim_guard_on(was_cut);
	fresh->next = atomic_load(&tables);
	do {
		if ((there = find(fresh->uid, fresh->place)) != NULL) {
			bt_claim_table_free(fresh);
			return there;
		}
	} while (!atomic_compare_exchange_weak(&tables, &fresh->next, fresh));
	return fresh;
}

static int
open_fresh(uid_t uid, uint8_t place, bool create, struct bt_claim_table **out)
{
	char path[PATH_MAX];
	int e;

	*out = NULL;
	if ((e = bt_claim_place_path(place, uid, path)) != 0)
		return e;
	return bt_claim_table_open(path, uid, place, create, out);
}

/* Make table fit for use, or retire it; then the caller opens another. */
static int
renew(struct bt_claim_table *table, bool create, int64_t now, bool *is_fine)
{
	struct bt_claim_table *fresh;
	int e;

	switch (bt_claim_table_glance(table, now)) {
	case BT_CLAIM_LOOK_FINE:
		*is_fine = true;
		return 0;
	case BT_CLAIM_LOOK_BLIND:
		if ((e = open_fresh(table->uid, table->place, create, &fresh)) != 0 && e != BT_ERR_STORE_MISSING)
			return e;
		if (fresh != NULL && (*is_fine = bt_claim_table_reattach(table, fresh)))
			return 0;
		bt_claim_table_retire(table);
		if (fresh != NULL)
			link_in(fresh);
		return 0;
	case BT_CLAIM_LOOK_DELETED:
	case BT_CLAIM_LOOK_SHRUNK:
	default:
		bt_claim_table_retire(table);
		return 0;
	}
}

/* The table of a place, opened if necessary, looked at once a millisecond. */
static int
table_at(uid_t uid, uint8_t place, bool create, struct bt_claim_table **out)
{
	struct bt_claim_table *table = find(uid, place), *fresh;
	bool is_default = place == 0, is_fine = false;
	int64_t now = bt_clock_boot_ms();
	int e;

	/* More than once only if somebody deletes the table while we open it. */
	for (int i = 0; i < 4; i++) {
		if (table == NULL) {
			if (is_default)
				place = bt_claim_place_default(uid);
			if ((table = find(uid, place)) == NULL) {
				if ((e = open_fresh(uid, place, create, &fresh)) != 0)
					return e;
				table = link_in(fresh);
			}
			if (is_default)
				table->is_default = true;
		}
		if ((e = renew(table, create, now, &is_fine)) != 0)
			return e;
		if (is_fine) {
			*out = table;
			return 0;
		}
		table = NULL;
	}
	return bt_err_note(BT_ERR_STORE_DAMAGED, "the claim store of user %lu is deleted again and again", (unsigned long)uid);
}

int
bt_claim_user_store(bool create, struct bt_claim_store **out)
{
	struct bt_claim_table *table = NULL;
	int e = table_at(geteuid(), 0, create, &table);

	*out = e == 0 ? &table->store : NULL;
	return e;
}

int
bt_claim_store_of(const struct bt_claim_ref *ref, struct bt_claim_store **out)
{
	struct bt_claim_table *table = NULL;
	int e;

	*out = NULL;
	if (ref->place == BT_CLAIM_PLACE_MEMORY)
		return bt_err_note(BT_ERR_TOKEN_STORE, "the token is part of a message on a socket, without which it is good for nothing");
	if (ref->place == BT_CLAIM_PLACE_BOX) {
		e = bt_claim_box_store(geteuid(), false, out);
		return e == BT_ERR_STORE_MISSING ? BT_ERR_TOKEN_STORE : e;
	}
	if (ref->place < BT_CLAIM_PLACE_SHM || ref->place > BT_CLAIM_PLACE_NAMED)
		return BT_ERR_MALFORMED;
	if ((e = table_at(geteuid(), ref->place, false, &table)) == 0 && !bt_claim_is_of(&table->store, ref)) {
		/* The exporter may have noticed before us that this table was deleted, and have made another. */
		atomic_store_explicit(&table->fine_at, -1, memory_order_relaxed);
		e = table_at(geteuid(), ref->place, false, &table);
	}
	if (e != 0)
		return e == BT_ERR_STORE_MISSING ? BT_ERR_TOKEN_STORE : e;
	if (!bt_claim_is_of(&table->store, ref))
		return bt_err_note(BT_ERR_TOKEN_STORE, "the token is not of %s", table->path);
	*out = &table->store;
	return 0;
}

int
bt_claim_account_store(uint32_t uid, struct bt_claim_store **out)
{
	return bt_claim_box_store(uid, true, out);
}

uint32_t
bt_claim_owner_of(const struct bt_claim_store *store)
{
	return store->owner;
}

int
bt_claim_reserve(struct bt_claim_store *store, int64_t ttl_ms, struct bt_claim_ref *ref, uint8_t key[static BT_CLAIM_KEY_LEN])
{
	int e;

	memset(ref, 0, sizeof *ref);
	memset(key, 0, BT_CLAIM_KEY_LEN);
	if ((e = store->ops->reserve(store, ttl_ms, ref, key)) != 0) {
		memset(ref, 0, sizeof *ref);
		bt_mem_wipe(key, BT_CLAIM_KEY_LEN);
	}
	return e;
}

int
bt_claim_activate(struct bt_claim_store *store, const struct bt_claim_ref *ref, const uint8_t key[static BT_CLAIM_KEY_LEN])
{
	return store->ops->activate(store, ref, key);
}

void
bt_claim_cancel(struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
	store->ops->cancel(store, ref);
}

bool
bt_claim_is_of(const struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
	return store->ops->is_of(store, ref);
}

int
bt_claim_read(struct bt_claim_store *store, const struct bt_claim_ref *ref, uint8_t key[static BT_CLAIM_KEY_LEN])
{
	int e;

	memset(key, 0, BT_CLAIM_KEY_LEN);
	if ((e = store->ops->read(store, ref, key)) != 0)
		bt_mem_wipe(key, BT_CLAIM_KEY_LEN);
	return e;
}

int
bt_claim_take(struct bt_claim_store *store, const struct bt_claim_ref *ref)
{
	return store->ops->take(store, ref);
}

void
bt_claim_census_of(struct bt_claim_store *store, struct bt_claim_census *out)
{
	memset(out, 0, sizeof *out);
	store->ops->census_of(store, out);
}

uint32_t
bt_claim_sweep(struct bt_claim_store *store)
{
	return store->ops->sweep(store);
}

void
bt_claim_each(struct bt_claim_store *store, void (*fn)(const struct bt_claim_entry *entry, void *arg), void *arg)
{
	if (store->ops->each != NULL)
		store->ops->each(store, fn, arg);
}

const char *
bt_claim_path_of(const struct bt_claim_store *store)
{
	return store->ops->path_of != NULL ? store->ops->path_of(store) : "";
}
