/*
 * oid - object identifiers as the library holds them: a view of the DER
 * contents octets (no tag, no length), as RFC 2744 §3.4 has them in
 * gss_OID_desc. Constants live where their meaning is known; this file knows
 * only how to compare, print and parse.
 */
#ifndef BT_BASE_OID_H
#define BT_BASE_OID_H

#include "base/bytes.h"

/* Longest contents accepted from outside, bytes: a DER length of one byte holds it. */
#define BT_OID_MAX 127

/* A constant from a string literal of contents octets. */
#define BT_OID(literal) \
	{ \
		(const uint8_t *)(literal), sizeof(literal) - 1 \
	}

/* bt_oid_is_valid - 1..BT_OID_MAX octets, every arc minimally encoded and complete. X.690 §8.19. */
bool bt_oid_is_valid(struct bt_bytes oid);

/* bt_oid_print - "{ 1 2 840 113554 }", the form of gss_oid_to_str, appended to out. Errors: MALFORMED; an arc over 64 bits. */
int bt_oid_print(struct bt_bytes oid, struct bt_wr *out);

/*
 * bt_oid_read - "{ 1 2 840 }", "1 2 840" or "1.2.840", between arcs spaces and dots in any number, appended to out as contents
 * octets; rd is left behind it. Errors: MALFORMED.
 */
int bt_oid_read(struct bt_rd *rd, struct bt_wr *out);

/* bt_oid_parse - a text that is one OID and nothing else but spaces round it. Errors: as bt_oid_read. */
int bt_oid_parse(struct bt_bytes text, struct bt_wr *out);

#endif
