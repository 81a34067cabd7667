/*
 * settings - what the administrator, the environment and the program say about exports. baton-transfer.conf(5).
 *
 * Three sources: a file, BATON_TRANSFER in the environment, and the program's own defaults, where a later one wins, setting by setting.
 * What is said with one call comes on top of them (policy.h). A mistake in any source is an error, and never the same as if nothing
 * were said: that could let more processes import than somebody wanted.
 *
 * Sources are looked at by each thread, at most once a second; in between a thread's settings are a few words of its own memory.
 * What was said is kept for the life of the process, each different thing once.
 */
#ifndef BT_TRANSFER_SETTINGS_H
#define BT_TRANSFER_SETTINGS_H

#include <stdbool.h>

#include "base/bytes.h"
#include "transfer/rule.h"

enum bt_setting {
	BT_SETTING_AUDIENCE = 1,
	BT_SETTING_TTL = 2,
	BT_SETTING_AUTHDATA = 4,
	BT_SETTING_UNSEALED = 8,
	BT_SETTING_SYSLOG = 16,
};

/* Other libraries' tokens, which are not sealed and may be let in all the same. */
enum bt_unsealed { BT_UNSEALED_MIT = 1 };

/* Members that nobody gave are zero. */
struct bt_settings {
	uint8_t given;    /* enum bt_setting */
	uint8_t unsealed; /* enum bt_unsealed */
	bool has_authdata;
	bool has_syslog;
	uint32_t ttl_s;
	struct bt_audience_rule audience;
};

/* Which sections of the file are this program's. */
struct bt_settings_program {
	const char *path; /* of the executable; NULL: not known */
	const char *name;
};

/* bt_transfer_settings_merge - what over says takes the place of what into says. */
void bt_transfer_settings_merge(struct bt_settings *into, const struct bt_settings *over);

/*
 * bt_transfer_settings_read_file - the text of a file: [sections] of "key = value" lines, those of program merged.
 *   path  for notes
 * Errors: SETTINGS with a note that names path and line; NO_MEM and errno of the account data base, likewise; then out is empty.
 */
int bt_transfer_settings_read_file(const char *path, struct bt_bytes text, const struct bt_settings_program *program,
				   struct bt_settings *out);

/* bt_transfer_settings_read_list - "key=value;key=value". where: for notes. Errors: as bt_transfer_settings_read_file. */
int bt_transfer_settings_read_list(const char *where, struct bt_bytes text, struct bt_settings *out);

/*
 * bt_transfer_settings_now - what holds for this thread. out is valid until its next call.
 * Errors: SETTINGS, NOMEM, errno (a file that is there and cannot be read), each with a note.
 */
int bt_transfer_settings_now(const struct bt_settings **out);

/* bt_transfer_settings_default - the program's own defaults, for all threads; NULL: none. Errors: as read_list; then nothing changes. */
int bt_transfer_settings_default(const char *text);

/*
 * bt_transfer_settings_let_in - is an unsealed token of this kind to be imported? Only if somebody said so.
 * Errors: as bt_transfer_settings_now.
 */
int bt_transfer_settings_let_in(enum bt_unsealed kind, bool *out);

/* Where the file is; settings_path.c. */
extern const char bt_transfer_settings_path[];

#endif
