/*
 * oid_set - sets of OIDs, and building them inside a call.
 *
 * The members of a set and what they point to are the set's own. Nothing here is shared between threads.
 */
#ifndef BT_GSS_OID_SET_H
#define BT_GSS_OID_SET_H

#include "gss/call.h"

/* bt_oid_set_new - an empty set, if the call has not failed. Failure: no memory; then *out is NULL. */
void bt_oid_set_new(struct bt_call *call, gss_OID_set *out);

/* bt_oid_set_add - a copy of an OID, unless it is there. Does nothing if the call has failed. */
void bt_oid_set_add(struct bt_call *call, gss_OID_set set, struct bt_bytes oid);

/* bt_oid_set_add_list - all of a list that ends with an entry of len 0. */
void bt_oid_set_add_list(struct bt_call *call, gss_OID_set set, const struct bt_bytes *list);

bool bt_oid_set_has(gss_const_OID_set set, struct bt_bytes oid);

/* bt_oid_set_give - move a set to an output, or free it if the call has failed or out is NULL. */
void bt_oid_set_give(const struct bt_call *call, gss_OID_set *from, gss_OID_set *out);

#endif
