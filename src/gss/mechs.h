/*
 * mechs - the list of mechanisms this library has, and their OIDs in the shape programs get them.
 */
#ifndef BT_GSS_MECHS_H
#define BT_GSS_MECHS_H

#include <gssapi/gssapi.h>

#include "mech/limits.h"
#include "mech/mech.h"

/* bt_mechs_built_in - never empty; the default one first. */
struct bt_mechs bt_mechs_built_in(void);
const struct bt_mech *bt_mechs_default(void);

/* bt_mechs_all - those, and then all that the configuration names and that can be loaded. */
struct bt_mechs bt_mechs_all(void);

/* bt_mechs_find - as bt_mech_find among all of them; loads the one that it finds, and no other. */
const struct bt_mech *bt_mechs_find(struct bt_bytes oid, struct bt_bytes *wire_oid);

/* bt_mechs_for - those that a context or token of this mechanism may come to need: for most, no loaded one. */
struct bt_mechs bt_mechs_for(struct bt_bytes oid);

/* bt_mechs_has_attribute - is an attribute of RFC 5587 among a mechanism's? */
bool bt_mechs_has_attribute(const struct bt_mech *mech, struct bt_bytes attribute);

/* bt_mechs_negotiates - is it one that comes out at another mechanism? GSS_C_MA_MECH_NEGO. */
bool bt_mechs_negotiates(const struct bt_mech *mech);

/* bt_mechs_may_stay - may its contexts between their legs be some that cannot be moved? */
bool bt_mechs_may_stay(const struct bt_mech *mech);

/* bt_mechs_is_by_default - may an acceptor without a credential, or a negotiation, come to it? RFC 5587 §3.4.3. */
bool bt_mechs_is_by_default(const struct bt_mech *mech);

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
