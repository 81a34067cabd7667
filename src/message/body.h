/*
 * body - what follows the header of a Wrap token, seen as it was before its right rotation. RFC 4121 §4.2.5.
 *
 * Undoing a rotation costs nothing: the unrotated bytes are two runs of the rotated ones, and whoever reads a part of them gets it
 * as one piece or two.
 */
#ifndef BT_MESSAGE_BODY_H
#define BT_MESSAGE_BODY_H

#include "message/context.h"

struct bt_msg_body {
	const uint8_t *ptr; /* the body as it came */
	size_t len;
	size_t start; /* where its first byte stood before the rotation: the first run is ptr + start to the end */
};

/* bt_msg_body_of - the body of a token, with the rotation that token's header tells. */
struct bt_msg_body bt_msg_body_of(const struct bt_msg *m, const struct bt_msg_token *token, struct bt_bytes bytes);

/* bt_msg_body_is_whole - do the len bytes at offset at lie in one piece? at + len <= body->len. */
bool bt_msg_body_is_whole(const struct bt_msg_body *body, size_t at, size_t len);

/* bt_msg_body_at - pointer to the byte at offset at < body->len. */
const uint8_t *bt_msg_body_at(const struct bt_msg_body *body, size_t at);

/*
 * bt_msg_body_cut - the len bytes at offset at as one or two segments (none if len is 0), whose output is out and on, or NULL.
 * Returns their number.
 */
size_t bt_msg_body_cut(const struct bt_msg_body *body, size_t at, size_t len, uint8_t *out, struct bt_crypto_seg *segs);

/* bt_msg_body_copy - copy the len bytes at offset at to out. */
void bt_msg_body_copy(const struct bt_msg_body *body, size_t at, size_t len, uint8_t *out);

/* bt_msg_body_straighten - undo the rotation of the memory itself, which the caller may write to: O(len), in place. */
void bt_msg_body_straighten(struct bt_msg_body *body, uint8_t *ptr);

#endif
