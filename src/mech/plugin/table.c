#include "mech/plugin/table.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

_Static_assert(offsetof(struct bt_plugin_table, gss_acquire_cred) == 24 &&
		       offsetof(struct bt_plugin_table, gss_export_name) == 248 &&
		       offsetof(struct bt_plugin_table, gss_acquire_cred_from) == 480 && sizeof(struct bt_plugin_table) == 592,
	       "a row of the table was moved");

static const struct {
	const char *name;
	size_t offset;
} rows[] = {
#define BT_PLUGIN_PUBLIC(name) {#name, offsetof(struct bt_plugin_table, name)},
#define BT_PLUGIN_SPI(name, parameters) {#name, offsetof(struct bt_plugin_table, name)},
#include "mech/plugin/table.def"
#undef BT_PLUGIN_SPI
#undef BT_PLUGIN_PUBLIC
};

/* The object that a function is in; NULL: none is known. */
static const void *
object_of(void *function)
{
	Dl_info info;

	return function != NULL && dladdr(function, &info) != 0 ? info.dli_fbase : NULL;
}

void
bt_plugin_table_fill(struct bt_plugin_table *table, void *library, enum bt_plugin_kind kind)
{
	/* No mechanism has this one, and every GSS-API library does: ours, or another one that the mechanism was linked to. */
	const void *front = object_of(dlsym(library, "gss_create_empty_oid_set"));
	char name[64];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		void *function;

		if (kind == BT_PLUGIN_INTERPOSER)
			snprintf(name, sizeof name, "gssi%s", strchr(rows[i].name, '_'));
		else
			snprintf(name, sizeof name, "%s", rows[i].name);
		function = dlsym(library, name);
		if (front != NULL && object_of(function) == front)
			function = NULL;
		memcpy((char *)table + rows[i].offset, &function, sizeof function);
	}
}
