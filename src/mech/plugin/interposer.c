#include <dlfcn.h>
#include <stdatomic.h>

#include "base/err.h"
#include "base/mem.h"
#include "mech/plugin/interposer.h"
#include "mech/plugin/operations.h"

/* Those that are loaded; linked in once, never freed. */
static _Atomic(struct bt_plugin_interposer *) loaded;

typedef gss_OID_set interposer_fn(gss_OID self);

/* ---- which there are ---- */

static void
link_in(struct bt_plugin_interposer *interposer)
{
	_Atomic(struct bt_plugin_interposer *) *end = &loaded;

	/* Under the list's lock; readers see it when it is whole. The first in the configuration comes first. */
	while (atomic_load(end) != NULL)
		end = &atomic_load(end)->next;
	atomic_store_explicit(end, interposer, memory_order_release);
}

static const struct bt_plugin_interposer *
first(void)
{
	return atomic_load_explicit(&loaded, memory_order_acquire);
}

static const struct bt_plugin_interposer *
next(const struct bt_plugin_interposer *interposer)
{
	return atomic_load_explicit(&interposer->next, memory_order_acquire);
}

bool
bt_plugin_is_interposing(void)
{
	return first() != NULL;
}

/* ---- loading ---- */

/* The start of the object that an address is in; NULL: of none. */
static const void *
object_of(const void *address)
{
	Dl_info info;

	return dladdr(address, &info) != 0 ? info.dli_fbase : NULL;
}

enum bt_plugin_problem
bt_plugin_interpose(struct bt_plugin *plugin, void *library)
{
	void *symbol = dlsym(library, "gss_mech_interposer");
	struct bt_plugin_interposer *interposer;
	interposer_fn *ask;
	gss_OID_set set;

	if (symbol == NULL)
		return BT_PLUGIN_NO_INTERPOSER;
	memcpy(&ask, &symbol, sizeof ask);
	/* It may have nothing to do in this process. */
	if ((set = ask(&plugin->oid)) == GSS_C_NO_OID_SET)
		return BT_PLUGIN_NO_PROBLEM;
	if ((interposer = bt_mem_alloc(sizeof *interposer)) == NULL)
		return BT_PLUGIN_MEMORY;
	interposer->oid = plugin->mech.oid;
	interposer->object = object_of(symbol);
	bt_plugin_table_fill(&interposer->table, library, BT_PLUGIN_INTERPOSER);
	if ((interposer->wanted = bt_plugin_oids_take(&set)) == NULL) {
		bt_mem_free(interposer);
		return BT_PLUGIN_MEMORY;
	}
	link_in(interposer);
	return BT_PLUGIN_NO_PROBLEM;
}

/* ---- in front of a mechanism ---- */

static bool
wants(const struct bt_plugin_interposer *interposer, struct bt_bytes oid)
{
	for (const struct bt_bytes *wanted = interposer->wanted; wanted->len != 0; wanted++)
		if (bt_bytes_equal(*wanted, oid))
			return true;
	return false;
}

/* Its facts are the mechanism's, its operations the interposer's. NULL: no memory. */
static struct bt_plugin *
take_over(const struct bt_plugin_interposer *interposer, const struct bt_mech *real)
{
	struct bt_plugin *plugin = bt_mem_alloc(sizeof *plugin);

	if (plugin == NULL)
		return NULL;
	memcpy(plugin->oid_octets, real->oid.ptr, real->oid.len);
	plugin->oid = (gss_OID_desc){(OM_uint32)real->oid.len, plugin->oid_octets};
	plugin->table = &interposer->table;
	plugin->state = BT_PLUGIN_LOADED;
	bt_plugin_operate(plugin);
	plugin->mech.behind = real;
	plugin->mech.oid = bt_bytes_of(plugin->oid_octets, real->oid.len);
	plugin->mech.aliases = real->aliases;
	plugin->mech.name_types = real->name_types;
	plugin->mech.attributes = real->attributes;
	plugin->mech.sasl_name = real->sasl_name;
	plugin->mech.short_name = real->short_name;
	plugin->mech.description = real->description;
	plugin->mech.authenticates_nobody = real->authenticates_nobody;
	plugin->mech.asserts_protection = real->asserts_protection;
	/* NTLM's question. Asked between legs, it would have gssproxy's go on without its daemon. */
	if (real->list_mic_is_due == NULL)
		plugin->mech.list_mic_is_due = NULL;
	return plugin;
}

const struct bt_mech *
bt_plugin_take_over(const struct bt_mech *real)
{
	static struct bt_plugin *taken; /* under the list's lock */
	const struct bt_plugin_interposer *interposer = first();
	struct bt_plugin *plugin;

	for (plugin = taken; plugin != NULL; plugin = plugin->next)
		if (plugin->mech.behind == real)
			return &plugin->mech;
	while (interposer != NULL && !wants(interposer, real->oid))
		interposer = next(interposer);
	if (interposer == NULL)
		return real;
	if ((plugin = take_over(interposer, real)) == NULL)
		return NULL;
	plugin->next = taken;
	taken = plugin;
	return &plugin->mech;
}

/* ---- behind it ---- */

struct bt_bytes
bt_plugin_public_oid(struct bt_bytes oid)
{
	for (const struct bt_plugin_interposer *i = first(); i != NULL; i = next(i))
		if (oid.len > i->oid.len && bt_bytes_has_prefix(oid, i->oid))
			return bt_bytes_of(oid.ptr + i->oid.len, oid.len - i->oid.len);
	return (struct bt_bytes){0};
}

bool
bt_plugin_is_interposer_code(const void *address)
{
	const void *object = object_of(address);

	for (const struct bt_plugin_interposer *i = first(); object != NULL && i != NULL; i = next(i))
		if (i->object == object)
			return true;
	return false;
}
