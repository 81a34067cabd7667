/*
 * plugin/table - the functions of a mechanism's library. NULL: it lacks that one.
 *
 * The layout is an interface: a library that has gss_mech_initialize answers with a table of its own, made against MIT's
 * private header.
 */
#ifndef BT_MECH_PLUGIN_TABLE_H
#define BT_MECH_PLUGIN_TABLE_H

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>

struct bt_plugin_table {
	gss_OID_desc mech_type;
	void *context; /* the library's */
#define BT_PLUGIN_PUBLIC(name) __typeof__(name) *name;
#define BT_PLUGIN_SPI(name, parameters) OM_uint32(*name) parameters;
#include "mech/plugin/table.def"
#undef BT_PLUGIN_SPI
#undef BT_PLUGIN_PUBLIC
};

/* How the functions' names begin: those of a mechanism, or of an interposer. */
enum bt_plugin_kind { BT_PLUGIN_MECHANISM, BT_PLUGIN_INTERPOSER };

/*
 * bt_plugin_table_fill - look the functions up in an open library. One that is not its own but the GSS-API's library's, to
 * which it is linked, would lead straight back here: it counts as lacking.
 */
void bt_plugin_table_fill(struct bt_plugin_table *table, void *library, enum bt_plugin_kind kind);

#endif
