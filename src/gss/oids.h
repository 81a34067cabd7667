/*
 * oids - the library's own OID descriptors, by number.
 */
#ifndef BT_GSS_OIDS_H
#define BT_GSS_OIDS_H

#include <gssapi/gssapi.h>

enum bt_oid_id {
#define BT_OID_ROW(id, octets) BT_OID_##id,
#include "gss/oids.def"
#undef BT_OID_ROW
	BT_OID_NUM
};

extern const gss_OID_desc bt_oids[BT_OID_NUM];

#endif
