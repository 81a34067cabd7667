/*
 * plugin/line - one line of the mechanisms' configuration:
 *
 *     name OID library [kernel-module] [\[options\]] [<type>] [# comment]
 *
 * Fields stand apart by spaces or tabs. A line whose first field begins with '#', or that has none, says nothing. Views in, views
 * out.
 */
#ifndef BT_MECH_PLUGIN_LINE_H
#define BT_MECH_PLUGIN_LINE_H

#include "base/bytes.h"
#include "base/oid.h"

enum { BT_PLUGIN_LINE_MAX = 4096 }; /* bytes of a line, without its end */

/* Why a line cannot be used. */
enum bt_plugin_problem {
	BT_PLUGIN_NO_PROBLEM,
#define BT_PLUGIN_PROBLEM(name, text, hint) BT_PLUGIN_##name,
#include "mech/plugin/problem.def"
#undef BT_PLUGIN_PROBLEM
	BT_PLUGIN_NUM_PROBLEMS
};

/* bt_plugin_problem_text, bt_plugin_problem_hint - what is wrong, and what a person can do about it. */
const char *bt_plugin_problem_text(enum bt_plugin_problem problem);
const char *bt_plugin_problem_hint(enum bt_plugin_problem problem);

/* len 0: not there. */
struct bt_plugin_line {
	struct bt_bytes name, library, kernel_module, options, type;
	uint8_t oid[BT_OID_MAX]; /* contents octets */
	size_t oid_len;          /* 0: the line says nothing */
};

/* bt_plugin_line_read - text: without its newline. With a problem, out is empty but for the fields before it. */
enum bt_plugin_problem bt_plugin_line_read(struct bt_bytes text, struct bt_plugin_line *out);

/*
 * bt_plugin_line_is_interposer - is it of a library that comes between programs and other mechanisms? Other types say
 * nothing.
 */
bool bt_plugin_line_is_interposer(const struct bt_plugin_line *line);

#endif
