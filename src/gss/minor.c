#include <stdatomic.h>

#include "base/lock.h"
#include "gss/status.h"

/* Programs see a few dozen different errors in their life; the rest keep their own numbers. */
enum { MAP_MAX = 1024, FIRST_MADE_UP = 100001 };

struct entry {
	const struct bt_mech *mech;
	int err;
	OM_uint32 minor;
};

/*
 * Entries are only ever added, and num is raised after an entry is complete: readers need no lock. The lock is for
 * writers, and protects next_made_up.
 */
static struct {
	struct bt_lock lock;
	atomic_size_t num;
	OM_uint32 next_made_up;
	struct entry entries[MAP_MAX];
} map = {.lock = BT_LOCK_INIT(BT_LOCK_INNER), .next_made_up = FIRST_MADE_UP};
BT_LOCK_MINDS_FORKS(minds_forks, map.lock);

static const struct entry *
entry_of_err(const struct bt_mech *mech, int err)
{
	size_t num = atomic_load_explicit(&map.num, memory_order_acquire);

	for (size_t i = 0; i < num; i++)
		if (map.entries[i].mech == mech && map.entries[i].err == err)
			return &map.entries[i];
	return NULL;
}

static const struct entry *
entry_of_minor(OM_uint32 minor)
{
	size_t num = atomic_load_explicit(&map.num, memory_order_acquire);

	for (size_t i = 0; i < num; i++)
		if (map.entries[i].minor == minor)
			return &map.entries[i];
	return NULL;
}

static OM_uint32
add_entry(const struct bt_mech *mech, int err)
{
	size_t num = atomic_load_explicit(&map.num, memory_order_relaxed);
	OM_uint32 minor = (OM_uint32)err;

	if (num == MAP_MAX)
		return minor;
	if (minor == 0 || entry_of_minor(minor) != NULL) {
		do
			minor = map.next_made_up++;
		while (entry_of_minor(minor) != NULL);
	}
	map.entries[num] = (struct entry){mech, err, minor};
	atomic_store_explicit(&map.num, num + 1, memory_order_release);
	return minor;
}

OM_uint32
bt_minor_publish(const struct bt_mech *mech, int err)
{
	const struct entry *entry = entry_of_err(mech, err);
	OM_uint32 minor;

	if (entry != NULL)
		return entry->minor;
	bt_lock_enter(&map.lock);
	entry = entry_of_err(mech, err);
	minor = entry != NULL ? entry->minor : add_entry(mech, err);
	bt_lock_leave(&map.lock);
	return minor;
}

bool
bt_minor_find(OM_uint32 minor, const struct bt_mech **mech, int *err)
{
	const struct entry *entry = entry_of_minor(minor);

	if (entry == NULL)
		return false;
	*mech = entry->mech;
	*err = entry->err;
	return true;
}
