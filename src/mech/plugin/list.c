#include <stdatomic.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/lock.h"
#include "base/mem.h"
#include "mech/limits.h"
#include "mech/plugin/interposer.h"

/* The mechanisms there are at one time. A new one takes its place when another is loaded; readers may still have this one. */
struct snapshot {
	const struct bt_mech *list[BT_MECHS_MAX];
	size_t num;
	struct snapshot *older;
};

static _Atomic(struct snapshot *) published;
static _Atomic int64_t looked_at_s = -1; /* when the files were last looked at, seconds since boot */
static atomic_uint num_untried;

/*
 * Protects the members, and is held while files are read and libraries loaded. What a library does when it is loaded may lead
 * back here, in the same thread.
 */
static struct {
	struct bt_lock lock;
	struct bt_plugin *first; /* in the configuration's order */
	size_t num;
	uint64_t stamp;
	bool has_stamp;
	bool is_loading;
	bool is_unpublished; /* there was no memory for the list */
} configured = {.lock = BT_LOCK_INIT_OUTER};
BT_LOCK_MINDS_FORKS(minds_forks, configured.lock);

/* ---- lines to descriptions ---- */

static char *
copy_text(struct bt_bytes text, bool *failed)
{
	char *copy = bt_mem_strdup((const char *)text.ptr, text.len);

	*failed |= copy == NULL;
	return copy;
}

static void
free_texts(struct bt_plugin *plugin)
{
	bt_mem_free(plugin->file);
	bt_mem_free(plugin->name);
	bt_mem_free(plugin->library);
	bt_mem_free(plugin->options);
}

static int
read_place(struct bt_plugin *plugin, const struct bt_plugin_place *place)
{
	struct bt_plugin fresh = {0};
	bool failed = false;

	fresh.file = copy_text(bt_bytes_of_str(place->file), &failed);
	fresh.name = copy_text(place->line.name, &failed);
	fresh.library = copy_text(place->line.library, &failed);
	fresh.options = copy_text(place->line.options, &failed);
	if (failed) {
		free_texts(&fresh);
		return BT_ERR_NOMEM;
	}
	free_texts(plugin);
	plugin->file = fresh.file;
	plugin->name = fresh.name;
	plugin->library = fresh.library;
	plugin->options = fresh.options;
	plugin->line_no = place->line_no;
	plugin->is_interposer = bt_plugin_line_is_interposer(&place->line);
	return 0;
}

static struct bt_plugin *
find_plugin(struct bt_bytes oid)
{
	for (struct bt_plugin *plugin = configured.first; plugin != NULL; plugin = plugin->next)
		if (bt_bytes_equal(plugin->mech.oid, oid))
			return plugin;
	return NULL;
}

static struct bt_plugin *
new_plugin(const struct bt_plugin_place *place)
{
	struct bt_plugin *plugin = bt_mem_alloc(sizeof *plugin), **end = &configured.first;

	if (plugin == NULL || read_place(plugin, place) != 0) {
		bt_mem_free(plugin);
		return NULL;
	}
	memcpy(plugin->oid_octets, place->line.oid, place->line.oid_len);
	plugin->oid = (gss_OID_desc){(OM_uint32)place->line.oid_len, plugin->oid_octets};
	plugin->mech.oid = bt_bytes_of(plugin->oid_octets, place->line.oid_len);
	while (*end != NULL)
		end = &(*end)->next;
	*end = plugin;
	configured.num++;
	return plugin;
}

/* One reading of the files: which OIDs came already. */
struct reading {
	struct bt_mechs built_in;
	const struct bt_plugin *seen[BT_MECHS_MAX];
	size_t num_seen;
};

/* The first line about a mechanism counts. What is loaded stays as it is: programs have handles of it. */
static int
take_place(const struct bt_plugin_place *place, void *arg)
{
	struct bt_bytes oid = bt_bytes_of(place->line.oid, place->line.oid_len);
	struct reading *reading = arg;
	struct bt_plugin *plugin;
	int e = 0;

	if (place->problem != BT_PLUGIN_NO_PROBLEM ||
	    bt_mech_find(reading->built_in.list, reading->built_in.num, oid, NULL) != NULL)
		return 0;
	plugin = find_plugin(oid);
	for (size_t i = 0; i < reading->num_seen; i++)
		if (plugin != NULL && reading->seen[i] == plugin)
			return 0;
	if (plugin == NULL && configured.num + reading->built_in.num >= BT_MECHS_MAX)
		return 0;
	if (plugin == NULL) {
		if ((plugin = new_plugin(place)) == NULL)
			return BT_ERR_NOMEM;
		atomic_fetch_add(&num_untried, 1);
	} else if (plugin->state != BT_PLUGIN_LOADED && (e = read_place(plugin, place)) == 0 &&
		   plugin->state == BT_PLUGIN_BROKEN) {
		plugin->state = BT_PLUGIN_UNTRIED;
		atomic_fetch_add(&num_untried, 1);
	}
	reading->seen[reading->num_seen++] = plugin;
	return e;
}

/* ---- descriptions to the list ---- */

/* Or who took it over; without memory for that, itself, until there is. */
static void
put_mech(struct snapshot *snapshot, const struct bt_mech *mech)
{
	const struct bt_mech *front = bt_plugin_take_over(mech);

	configured.is_unpublished |= front == NULL;
	snapshot->list[snapshot->num++] = front != NULL ? front : mech;
}

static void
publish(struct bt_mechs built_in)
{
	struct snapshot *snapshot = bt_mem_alloc(sizeof *snapshot);

	configured.is_unpublished = snapshot == NULL;
	if (snapshot == NULL)
		return;
	for (size_t i = 0; i < built_in.num; i++)
		put_mech(snapshot, built_in.list[i]);
	for (struct bt_plugin *plugin = configured.first; plugin != NULL; plugin = plugin->next)
		if (plugin->state == BT_PLUGIN_LOADED && !plugin->is_interposer)
			put_mech(snapshot, &plugin->mech);
	snapshot->older = atomic_load(&published);
	atomic_store_explicit(&published, snapshot, memory_order_release);
}

/* ---- keeping up with the files ---- */

static int64_t
now_s(void)
{
	return bt_clock_boot_ms() / 1000;
}

static bool
is_fresh(void)
{
	return atomic_load_explicit(&looked_at_s, memory_order_acquire) == now_s();
}

static void
try_one(struct bt_plugin *plugin)
{
	if (plugin->state != BT_PLUGIN_UNTRIED)
		return;
	bt_plugin_load(plugin);
	/* For want of memory alone nothing is broken. */
	if (plugin->state == BT_PLUGIN_BROKEN && plugin->problem == BT_PLUGIN_MEMORY)
		plugin->state = BT_PLUGIN_UNTRIED;
	else
		atomic_fetch_sub(&num_untried, 1);
}

/* Before any mechanism is used: it may not be what is used then. False: there was no memory for one. */
static bool
load_interposers(struct bt_mechs built_in)
{
	bool has_changed = false, is_done = true;

	if (configured.is_loading)
		return false;
	configured.is_loading = true;
	for (struct bt_plugin *plugin = configured.first; plugin != NULL; plugin = plugin->next)
		if (plugin->is_interposer && plugin->state == BT_PLUGIN_UNTRIED) {
			try_one(plugin);
			has_changed |= plugin->state == BT_PLUGIN_LOADED;
			is_done &= plugin->state != BT_PLUGIN_UNTRIED;
		}
	configured.is_loading = false;
	if (has_changed && bt_plugin_is_interposing())
		publish(built_in);
	return is_done;
}

/* Read the files again if they have changed. What there is no memory for is tried again the next time. */
static void
refresh(struct bt_mechs built_in)
{
	struct reading reading = {.built_in = built_in};
	uint64_t stamp;

	if (is_fresh())
		return;
	if (configured.is_unpublished)
		publish(built_in);
	stamp = bt_plugin_config_stamp();
	if (!configured.has_stamp || stamp != configured.stamp) {
		configured.has_stamp = bt_plugin_config_walk(take_place, &reading) == 0;
		configured.stamp = stamp;
	}
	if (load_interposers(built_in) && configured.has_stamp && !configured.is_unpublished)
		atomic_store_explicit(&looked_at_s, now_s(), memory_order_release);
}

static struct bt_mechs
snapshot_of(struct bt_mechs built_in)
{
	const struct snapshot *snapshot = atomic_load_explicit(&published, memory_order_acquire);

	return snapshot != NULL ? (struct bt_mechs){snapshot->list, snapshot->num} : built_in;
}

/* The lock is held. A library that asks while it is loaded sees those that are there already. */
static void
load_all(struct bt_mechs built_in)
{
	if (configured.is_loading)
		return;
	configured.is_loading = true;
	for (struct bt_plugin *plugin = configured.first; plugin != NULL; plugin = plugin->next)
		try_one(plugin);
	configured.is_loading = false;
	publish(built_in);
}

struct bt_mechs
bt_plugin_mechs(struct bt_mechs built_in)
{
	if (is_fresh() && atomic_load_explicit(&num_untried, memory_order_acquire) == 0)
		return snapshot_of(built_in);
	bt_lock_enter(&configured.lock);
	refresh(built_in);
	if (atomic_load(&num_untried) != 0)
		load_all(built_in);
	bt_lock_leave(&configured.lock);
	return snapshot_of(built_in);
}

const struct bt_mech *
bt_plugin_find(struct bt_mechs built_in, struct bt_bytes oid)
{
	struct bt_mechs now = snapshot_of(built_in);
	const struct bt_mech *mech = bt_mech_find(now.list, now.num, oid, NULL);
	struct bt_plugin *plugin;

	if (mech != NULL || (is_fresh() && atomic_load_explicit(&num_untried, memory_order_acquire) == 0))
		return mech;
	bt_lock_enter(&configured.lock);
	refresh(built_in);
	if ((plugin = find_plugin(oid)) != NULL && plugin->state == BT_PLUGIN_UNTRIED && !configured.is_loading) {
		configured.is_loading = true;
		try_one(plugin);
		configured.is_loading = false;
		publish(built_in);
	}
	if (plugin != NULL && plugin->state == BT_PLUGIN_LOADED && !plugin->is_interposer &&
	    (mech = bt_plugin_take_over(&plugin->mech)) == NULL)
		mech = &plugin->mech;
	bt_lock_leave(&configured.lock);
	return mech;
}

const struct bt_mech *
bt_plugin_in_front(struct bt_mechs built_in, const struct bt_mech *mech)
{
	struct bt_mechs now;

	if (!is_fresh()) {
		bt_lock_enter(&configured.lock);
		refresh(built_in);
		bt_lock_leave(&configured.lock);
	}
	now = snapshot_of(built_in);
	/* Those that are built in come first, in their order. */
	for (size_t i = 0; bt_plugin_is_interposing() && i < built_in.num; i++)
		if (built_in.list[i] == mech)
			return now.list[i];
	return mech;
}

const struct bt_mech *
bt_plugin_behind(struct bt_mechs built_in, struct bt_bytes oid, struct bt_bytes *wire_oid)
{
	struct bt_bytes public = bt_plugin_public_oid(oid);
	const struct bt_mech *mech = NULL;

	if (public.len != 0 && (mech = bt_mech_find(built_in.list, built_in.num, public, wire_oid)) == NULL &&
	    (mech = bt_plugin_find(built_in, public)) != NULL) {
		mech = mech->behind != NULL ? mech->behind : mech;
		if (wire_oid != NULL)
			*wire_oid = mech->oid;
	}
	return mech;
}

/* The next loaded one of the list, from index *i. NULL: there are no more. */
static const struct bt_plugin *
next_loaded(const struct snapshot *snapshot, size_t *i)
{
	while (snapshot != NULL && *i < snapshot->num) {
		const struct bt_plugin *plugin = bt_plugin_of(snapshot->list[(*i)++]);

		if (plugin != NULL)
			return plugin;
	}
	return NULL;
}

const gss_OID_desc *
bt_plugin_oid_of(struct bt_bytes oid)
{
	const struct snapshot *snapshot = atomic_load_explicit(&published, memory_order_acquire);
	const struct bt_plugin *plugin;
	size_t i = 0;

	while ((plugin = next_loaded(snapshot, &i)) != NULL)
		if (bt_bytes_equal(plugin->mech.oid, oid))
			return &plugin->oid;
	return NULL;
}

bool
bt_plugin_owns_oid(gss_const_OID oid)
{
	const struct snapshot *snapshot = atomic_load_explicit(&published, memory_order_acquire);
	const struct bt_plugin *plugin;
	size_t i = 0;

	while ((plugin = next_loaded(snapshot, &i)) != NULL) {
		gss_OID asked = (gss_OID)(uintptr_t)oid;
		OM_uint32 minor;

		if (oid == &plugin->oid)
			return true;
		if (plugin->table->gss_internal_release_oid != NULL &&
		    plugin->table->gss_internal_release_oid(&minor, &asked) == GSS_S_COMPLETE)
			return true;
	}
	return false;
}

int
bt_plugin_each(struct bt_mechs built_in, int (*fn)(const struct bt_plugin *plugin, void *arg), void *arg)
{
	int e = 0;

	(void)bt_plugin_mechs(built_in);
	bt_lock_enter(&configured.lock);
	for (struct bt_plugin *plugin = configured.first; e == 0 && plugin != NULL; plugin = plugin->next)
		e = fn(plugin, arg);
	bt_lock_leave(&configured.lock);
	return e;
}
