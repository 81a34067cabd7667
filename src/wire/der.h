/*
 * der - ASN.1 DER, as much as Kerberos and SPNEGO need of it: definite lengths, low tag numbers.
 *
 * Reading goes by child cursors (base/bytes.h): a child sees only its own contents, and a parser ends every child with
 * bt_rd_end(). Lengths must be minimal, as DER requires; tolerances for peers that send BER are the business of who
 * parses that peer's messages. Writing nests by marks: the length is put in when a mark is closed.
 * No allocation but the writer's own growth. X.690.
 */
#ifndef BT_WIRE_DER_H
#define BT_WIRE_DER_H

#include "base/bytes.h"

enum {
	BT_DER_BOOLEAN = 0x01,
	BT_DER_INTEGER = 0x02,
	BT_DER_BIT_STRING = 0x03,
	BT_DER_OCTET_STRING = 0x04,
	BT_DER_OID = 0x06,
	BT_DER_ENUMERATED = 0x0a,
	BT_DER_UTF8_STRING = 0x0c,
	BT_DER_GENERAL_STRING = 0x1b,
	BT_DER_GENERALIZED_TIME = 0x18,
	BT_DER_SEQUENCE = 0x30,
};
#define BT_DER_CONTEXT(n) (0xa0 | (n))      /* constructed context tag n, 0..30 */
#define BT_DER_APPLICATION(n) (0x60 | (n))  /* constructed application tag n, 0..30 */

/* bt_der_enter - the contents of the next element, which must have this tag; else rd is failed and the child is too. */
struct bt_rd bt_der_enter(struct bt_rd *rd, uint8_t tag);

/* bt_der_enter_optional - as bt_der_enter if the next tag is this one; otherwise *present is false and rd unmoved. */
struct bt_rd bt_der_enter_optional(struct bt_rd *rd, uint8_t tag, bool *present);

/* bt_der_skip - pass over the next element, whatever it is, and give a view of it, tag and length included. */
struct bt_bytes bt_der_skip(struct bt_rd *rd);

/* bt_der_length - length octets: definite, minimal, below 2^32; what follows may be shorter than that. X.690 §8.1.3, §10.1. */
size_t bt_der_length(struct bt_rd *rd);

/* bt_der_int - an INTEGER within int64_t, minimally encoded. */
int64_t bt_der_int(struct bt_rd *rd);
/* bt_der_octets, bt_der_oid, bt_der_string - views of the contents. */
struct bt_bytes bt_der_octets(struct bt_rd *rd);
struct bt_bytes bt_der_oid(struct bt_rd *rd);
struct bt_bytes bt_der_string(struct bt_rd *rd);
/* bt_der_time - KerberosTime "YYYYMMDDHHMMSSZ" as seconds since 1970. RFC 4120 §5.2.3. */
int64_t bt_der_time(struct bt_rd *rd);
/* bt_der_flags - a BIT STRING's first 32 bits, bit 0 the most significant. RFC 4120 §5.2.8. */
uint32_t bt_der_flags(struct bt_rd *rd);

/* bt_der_open, bt_der_close - everything written between them becomes the contents of one element. */
size_t bt_der_open(struct bt_wr *wr, uint8_t tag);
void bt_der_close(struct bt_wr *wr, size_t mark);

void bt_der_put(struct bt_wr *wr, uint8_t tag, struct bt_bytes contents);
void bt_der_put_int(struct bt_wr *wr, int64_t v);
void bt_der_put_time(struct bt_wr *wr, int64_t at);
void bt_der_put_flags(struct bt_wr *wr, uint32_t flags);

#endif
