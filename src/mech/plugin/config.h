/*
 * plugin/config - the files that say which mechanisms there are to load.
 *
 * $GSS_MECH_CONFIG names one file in the place of all others, but not for programs that run with more rights than who started
 * them.
 * Without it: /etc/gss/mech, then /etc/gss/mech.d/<any>.conf in the order of their names. A file that is not there says
 * nothing.
 */
#ifndef BT_MECH_PLUGIN_CONFIG_H
#define BT_MECH_PLUGIN_CONFIG_H

#include "mech/plugin/line.h"

enum { BT_PLUGIN_FILE_MAX = 1024 * 1024 }; /* bytes of one file */

/* A line that says something, or something that is wrong. Views, for the time of the call. */
struct bt_plugin_place {
	const char *file;
	unsigned line_no;             /* from 1; 0: the file as a whole */
	enum bt_plugin_problem problem;
	struct bt_plugin_line line;
};

typedef int bt_plugin_place_fn(const struct bt_plugin_place *place, void *arg);

/*
 * bt_plugin_config_walk - tell fn of each line, in their order, until it answers other than 0. Errors: NOMEM, and what fn
 * answered.
 */
int bt_plugin_config_walk(bt_plugin_place_fn *fn, void *arg);

/* bt_plugin_config_walk_text - the same for what one file holds. */
int bt_plugin_config_walk_text(const char *file, struct bt_bytes text, bt_plugin_place_fn *fn, void *arg);

/* bt_plugin_config_stamp - a number that is another one when a file was changed, came or went. */
uint64_t bt_plugin_config_stamp(void);

#endif
