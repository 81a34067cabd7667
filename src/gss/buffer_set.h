/*
 * buffer_set - sets of buffers, as questions by OID are answered with.
 *
 * Sets hold session keys: they are wiped when freed.
 */
#ifndef BT_GSS_BUFFER_SET_H
#define BT_GSS_BUFFER_SET_H

#include "gss/call.h"

/* bt_buffer_set_add - a copy of member; makes the set if *set is NULL. Failure: no memory; then *set is as it was, or NULL. */
void bt_buffer_set_add(struct bt_call *call, struct bt_bytes member, gss_buffer_set_t *set);

/* bt_buffer_set_free - takes NULL. */
void bt_buffer_set_free(gss_buffer_set_t set);

#endif
