/*
 * status - what an error is called outside: its major status, its minor status, its text.
 *
 * Below this room an error is an int (base/err.h). status.c has the one table that gives each its major status and, where
 * programs know another number for the same mistake, that number. minor.c makes minor statuses unique: two mechanisms may
 * use one number for different things, so (mechanism, number) is mapped to a public number and back.
 */
#ifndef BT_GSS_STATUS_H
#define BT_GSS_STATUS_H

#include <gssapi/gssapi.h>
#include <stdbool.h>

#include "mech/mech.h"

/* bt_status_major - routine error of err; otherwise for an err that the table does not list. */
OM_uint32 bt_status_major(int err, OM_uint32 otherwise);

/* bt_status_minor - the number under which programs know err: err itself, or an older one for the same. */
int bt_status_minor(int err);

/* Longest text of a minor status, with its NUL. */
enum { BT_STATUS_TEXT_MAX = 512 };

/* bt_status_text - the text of a mechanism's, or (mech NULL) the library's own number. This thread's note on it goes first. */
void bt_status_text(const struct bt_mech *mech, int err, char text[static BT_STATUS_TEXT_MAX]);

/*
 * bt_minor_publish - the public number for a mechanism's err. The first to use a number keeps it; others, and 0, get one
 * from 100001 on. Any thread; takes no lock for a pair that was published before. With the map full, err itself.
 */
OM_uint32 bt_minor_publish(const struct bt_mech *mech, int err);

/* bt_minor_find - the reverse. False: this number was never published by this process. */
bool bt_minor_find(OM_uint32 minor, const struct bt_mech **mech, int *err);

#endif
