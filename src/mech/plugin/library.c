#include <dlfcn.h>
#include <linux/limits.h>
#include <stdio.h>

#include "base/mem.h"
#include "mech/plugin/interposer.h"

typedef struct bt_plugin_table *initialize_fn(const gss_OID oid);

static void
break_it(struct bt_plugin *plugin, enum bt_plugin_problem problem, const char *reason)
{
	plugin->state = BT_PLUGIN_BROKEN;
	plugin->problem = problem;
	bt_mem_free(plugin->own_table);
	plugin->own_table = NULL;
	plugin->table = NULL;
	bt_mem_free(plugin->reason);
	plugin->reason = reason != NULL ? bt_mem_strdup(reason, strlen(reason)) : NULL;
}

static void *
open_library(const char *library)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s%s", library[0] == '/' ? "" : BT_PLUGIN_LIBRARY_DIR, library);
	return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
}

/* A library that knows its functions by itself answers with the table. False: there is none. */
static bool
ask_for_table(struct bt_plugin *plugin, void *library, bool *is_asked)
{
	void *symbol = dlsym(library, "gss_mech_initialize");
	initialize_fn *initialize;

	*is_asked = symbol != NULL;
	if (symbol == NULL)
		return false;
	memcpy(&initialize, &symbol, sizeof initialize);
	return (plugin->table = initialize(&plugin->oid)) != NULL;
}

static bool
look_up_table(struct bt_plugin *plugin, void *library)
{
	struct bt_plugin_table *table = bt_mem_alloc(sizeof *table);

	if (table == NULL)
		return false;
	table->mech_type = plugin->oid;
	bt_plugin_table_fill(table, library, BT_PLUGIN_MECHANISM);
	plugin->own_table = table;
	plugin->table = table;
	return true;
}

static void
load_interposer(struct bt_plugin *plugin, void *library)
{
	enum bt_plugin_problem problem = bt_plugin_interpose(plugin, library);

	if (problem != BT_PLUGIN_NO_PROBLEM)
		break_it(plugin, problem, NULL);
	else
		plugin->state = BT_PLUGIN_LOADED;
}

void
bt_plugin_load(struct bt_plugin *plugin)
{
	void *library = open_library(plugin->library);
	bool is_asked;

	if (library == NULL) {
		break_it(plugin, BT_PLUGIN_LIBRARY, dlerror());
		return;
	}
	if (plugin->is_interposer) {
		load_interposer(plugin, library);
		return;
	}
	if (!ask_for_table(plugin, library, &is_asked) && is_asked)
		break_it(plugin, BT_PLUGIN_NO_TABLE, NULL);
	else if (plugin->table == NULL && !look_up_table(plugin, library))
		break_it(plugin, BT_PLUGIN_MEMORY, NULL);
	else if (plugin->table->gss_init_sec_context == NULL && plugin->table->gss_accept_sec_context == NULL)
		break_it(plugin, BT_PLUGIN_NO_MECHANISM, NULL);
	else if (bt_plugin_describe(plugin) != 0)
		break_it(plugin, BT_PLUGIN_MEMORY, NULL);
	else
		plugin->state = BT_PLUGIN_LOADED;
}
