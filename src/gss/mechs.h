/*
 * mechs - the list of mechanisms this library has, and their OIDs in the shape programs get them.
 */
#ifndef BT_GSS_MECHS_H
#define BT_GSS_MECHS_H

#include <gssapi/gssapi.h>

#include "mech/mech.h"

/* bt_mechs_all - never empty. */
struct bt_mechs bt_mechs_all(void);

/* More than there are. */
#define BT_MECHS_MAX 8

/* bt_mechs_has_attribute - is an attribute of RFC 5587 among a mechanism's? */
bool bt_mechs_has_attribute(const struct bt_mech *mech, struct bt_bytes attribute);

/* bt_mechs_negotiates - is it one that comes out at another mechanism? GSS_C_MA_MECH_NEGO. */
bool bt_mechs_negotiates(const struct bt_mech *mech);

/* bt_oid_static - the library's own descriptor of an OID, or NULL if it has none. */
gss_OID bt_oid_static(struct bt_bytes oid);

/* bt_oid_is_static - is this pointer one of the library's own descriptors? */
bool bt_oid_is_static(gss_const_OID oid);

static inline struct bt_bytes
bt_oid_view(gss_const_OID oid)
{
	return oid != NULL ? bt_bytes_of(oid->elements, oid->length) : (struct bt_bytes){0};
}

#endif
