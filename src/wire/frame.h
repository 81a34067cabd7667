/*
 * frame - the framing that GSS-API puts around tokens and names, the same for all mechanisms.
 *
 * Views in, views out; nothing is allocated but by a writer.
 */
#ifndef BT_WIRE_FRAME_H
#define BT_WIRE_FRAME_H

#include "base/bytes.h"

/* bt_frame_read - 60 len 06 len OID body. RFC 2743 §3.1. Errors: BAD_TOK_HEADER, TRUNCATED, TRAILING; then both are empty. */
int bt_frame_read(struct bt_bytes token, struct bt_bytes *oid, struct bt_bytes *body);

/* bt_frame_write - appended to wr. oid of 1..BT_OID_MAX bytes. */
void bt_frame_write(struct bt_wr *wr, struct bt_bytes oid, struct bt_bytes body);

/* bt_frame_read_name - an exported name: 04 01, mechanism OID, name. RFC 2743 §3.2. Errors: BAD_NAME. */
int bt_frame_read_name(struct bt_bytes exported, struct bt_bytes *oid, struct bt_bytes *name);
void bt_frame_write_name(struct bt_wr *wr, struct bt_bytes oid, struct bt_bytes name);

/* bt_frame_read_composite - a name exported with its attributes: 04 02, and behind the name the attributes. Errors: BAD_NAME. */
int bt_frame_read_composite(struct bt_bytes exported, struct bt_bytes *oid, struct bt_bytes *name,
			    struct bt_bytes *attributes);
void bt_frame_write_composite(struct bt_wr *wr, struct bt_bytes oid, struct bt_bytes name, struct bt_bytes attributes);

/*
 * bt_frame_read_context - the prefix of an interprocess token: 32-bit big-endian OID length, OID; what follows is the
 * mechanism's. Other software reads and rewrites this prefix. Errors: TOKEN_FORMAT.
 */
int bt_frame_read_context(struct bt_bytes token, struct bt_bytes *oid, struct bt_bytes *body);
void bt_frame_write_context(struct bt_wr *wr, struct bt_bytes oid);

#endif
