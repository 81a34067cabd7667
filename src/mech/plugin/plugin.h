/*
 * plugin - mechanisms whose libraries are named in the system's configuration.
 *
 * Each becomes a struct bt_mech whose operations call the library. Its names, credentials and contexts are the library's own,
 * behind handles that nothing here looks into; so it protects messages itself, and gss/ asks it. What the library said went
 * wrong is its own pair of major and minor status, kept for the thread under an error number of this room's.
 *
 * Mechanisms are loaded when they are first needed and never unloaded: their descriptions live as long as the process.
 *
 * Threads: the list is read without a lock. One lock is held while files are read and libraries loaded, also across what a
 * library does then; it lets the same thread in again.
 */
#ifndef BT_MECH_PLUGIN_PLUGIN_H
#define BT_MECH_PLUGIN_PLUGIN_H

#include "mech/mech.h"
#include "mech/plugin/config.h"
#include "mech/plugin/table.h"

/* ---- which there are ---- */

enum bt_plugin_state {
	BT_PLUGIN_UNTRIED,
	BT_PLUGIN_LOADED,
	BT_PLUGIN_BROKEN, /* until its line in the configuration changes */
};

/* One usable line of the configuration. Never freed. */
struct bt_plugin {
	struct bt_mech mech;                 /* LOADED: what the other rooms see of it */
	gss_OID_desc oid;                    /* mech.oid, for the library and for programs */
	const struct bt_plugin_table *table; /* LOADED */
	struct bt_plugin_table *own_table;   /* table, if it was made here */
	enum bt_plugin_state state;
	enum bt_plugin_problem problem;      /* BROKEN: why */
	char *reason;                        /* BROKEN: in the dynamic linker's words, or NULL */
	bool is_interposer;                  /* by its type: never in the list of mechanisms. interposer.h */
	char *file, *name, *library, *options;
	unsigned line_no;
	struct bt_plugin *next;              /* in the configuration's order */
	uint8_t oid_octets[BT_OID_MAX];
};

/* bt_plugin_of - mech is one of these, or NULL. */
static inline const struct bt_plugin *
bt_plugin_of(const struct bt_mech *mech)
{
	return mech->is_loaded ? (const struct bt_plugin *)mech : NULL;
}

/*
 * bt_plugin_mechs - those built in, then all that can be loaded. Looks at the files at most once a second. The array is never
 * freed or changed. Without memory: fewer.
 */
struct bt_mechs bt_plugin_mechs(struct bt_mechs built_in);

/* bt_plugin_find - the mechanism of this OID, which is none of those built in, loaded if need be; NULL: there is none. */
const struct bt_mech *bt_plugin_find(struct bt_mechs built_in, struct bt_bytes oid);

/*
 * bt_plugin_in_front - what stands for a mechanism that is built in: itself, or an interposer. Loads interposers, and nothing
 * else.
 */
const struct bt_mech *bt_plugin_in_front(struct bt_mechs built_in, const struct bt_mech *mech);

/*
 * bt_plugin_behind - the mechanism itself, where the OID is the one by which interposers ask for it; NULL: the OID is none of
 * those. wire_oid (may be NULL) gets the mechanism's static spelling.
 */
const struct bt_mech *bt_plugin_behind(struct bt_mechs built_in, struct bt_bytes oid, struct bt_bytes *wire_oid);

/* bt_plugin_public_oid - of such an OID, the mechanism's part: a view; empty if it is none. */
struct bt_bytes bt_plugin_public_oid(struct bt_bytes oid);

/* bt_plugin_is_interposing - has any interposer taken something over? */
bool bt_plugin_is_interposing(void);

/*
 * bt_plugin_is_interposer_code - is this address one of an interposer's code? Of a return address: was it the interposer that
 * called? An interposer that leaves the call to its caller, as the last thing it does, is not recognised.
 */
bool bt_plugin_is_interposer_code(const void *address);

/* bt_plugin_each - every usable line, tried. Until fn answers other than 0. The lock is held. */
int bt_plugin_each(struct bt_mechs built_in, int (*fn)(const struct bt_plugin *plugin, void *arg), void *arg);

/* bt_plugin_oid_of - the descriptor of a loaded mechanism's OID, or NULL. It lives as long as the process. */
const gss_OID_desc *bt_plugin_oid_of(struct bt_bytes oid);

/* bt_plugin_owns_oid - is this pointer such a descriptor, or one that a library says is its own? */
bool bt_plugin_owns_oid(gss_const_OID oid);

/* ---- loading; list.c alone calls these ---- */

/* bt_plugin_load - open the library and fill table, mech, state, problem and reason. */
void bt_plugin_load(struct bt_plugin *plugin);

/* bt_plugin_describe - fill plugin->mech, once the table is there. Errors: NOMEM. */
int bt_plugin_describe(struct bt_plugin *plugin);

/* bt_plugin_operate - fill plugin->mech with the operations that call plugin->table. */
void bt_plugin_operate(struct bt_plugin *plugin);

/* ---- what went wrong ---- */

/*
 * bt_plugin_fail - keep a library's failure for this thread. Returns the number it is known by, until this thread has many
 * more.
 */
int bt_plugin_fail(const struct bt_mech *mech, OM_uint32 major, OM_uint32 minor);

/* bt_plugin_failure - the failure behind such a number; false: err is none of those. */
bool bt_plugin_failure(int err, const struct bt_mech **mech, OM_uint32 *major, OM_uint32 *minor);

#endif
