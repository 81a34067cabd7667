/*
 * plugin/interposer - libraries that stand in front of mechanisms. gssproxy's is one: it has a daemon use the credentials.
 *
 * In the configuration its type is <interposer>. Loaded, it says which mechanisms it takes over. From then on each of these
 * is, in the list of mechanisms, one whose operations are the interposer's. It gets at the mechanism behind itself by another
 * name: an OID made of its own and the mechanism's, one after the other, which it puts wherever it calls the GSS-API. That
 * OID never leaves the library, nor does the interposer's own: programs see the mechanism's.
 *
 * Not loaded into a program unless that is so configured; and an interposer may say then that it has nothing to do.
 */
#ifndef BT_MECH_PLUGIN_INTERPOSER_H
#define BT_MECH_PLUGIN_INTERPOSER_H

#include "mech/plugin/plugin.h"

/* Constant, once it is loaded. */
struct bt_plugin_interposer {
	struct bt_bytes oid;
	const void *object;            /* where its code begins in memory */
	const struct bt_bytes *wanted; /* ends with an entry of len 0 */
	struct bt_plugin_table table;
	_Atomic(struct bt_plugin_interposer *) next;
};

/* bt_plugin_interpose - of an open library, ask what it wants to take over. Under the list's lock. */
enum bt_plugin_problem bt_plugin_interpose(struct bt_plugin *plugin, void *library);

/*
 * bt_plugin_take_over - what stands for a mechanism in the list: itself, or the interposer that took it over. NULL: no
 * memory. Under the list's lock.
 */
const struct bt_mech *bt_plugin_take_over(const struct bt_mech *real);

#endif
