/*
 * layout - what a program's array of IOV buffers holds, looked over once before anything is done with it.
 */
#ifndef BT_MESSAGE_LAYOUT_H
#define BT_MESSAGE_LAYOUT_H

#include "message/limits.h"
#include "message/message.h"

struct bt_msg_layout {
	/* The one buffer of its type, or NULL; pointing into the array. */
	struct bt_msg_iov *header, *trailer, *padding, *stream, *mic;
	struct bt_msg_iov *data; /* the first of num_data */
	size_t num_data;
};

/*
 * bt_msg_layout_of - count and find. EMPTY buffers, and those of types that mean nothing here, do not count.
 * Errors: BAD_IOV (two of a type that stands once).
 */
int bt_msg_layout_of(struct bt_msg_iov *iov, size_t num_iov, struct bt_msg_layout *out);

/*
 * bt_msg_layout_check_text - may DATA and SIGN_ONLY be read? Beside a STREAM, what stands in DATA is not input.
 * Errors: BAD_IOV (bytes without an address), TOO_LARGE (all together).
 */
int bt_msg_layout_check_text(const struct bt_msg_layout *layout, const struct bt_msg_iov *iov, size_t num_iov);

/* bt_msg_iov_is_readable - has it an address, where it has bytes? Takes NULL. */
bool bt_msg_iov_is_readable(const struct bt_msg_iov *buf);

/* The segments of a message of num_iov buffers, and three for its framing; on the heap only where there are many. */
struct bt_msg_segs {
	struct bt_crypto_seg few[BT_MSG_FEW_SEGS];
	struct bt_crypto_seg *at; /* few, or heap */
};

/* bt_msg_segs_init - Errors: NOMEM. */
int bt_msg_segs_init(struct bt_msg_segs *segs, size_t num_iov);
void bt_msg_segs_done(struct bt_msg_segs *segs);

/* bt_msg_segs_add - DATA, output in place, and SIGN_ONLY in their order, to segs and on. Returns their number. */
size_t bt_msg_segs_add(const struct bt_msg_iov *iov, size_t num_iov, struct bt_crypto_seg *segs);

/*
 * bt_msg_iov_grant - see that buf has len bytes, allocating them if it asks for that. Takes NULL. A buffer that is long enough keeps
 * its length until the caller sets it.
 * Errors: NOMEM, WRONG_SIZE.
 */
int bt_msg_iov_grant(struct bt_msg_iov *buf, size_t len);

/* bt_msg_iov_revoke - take back what bt_msg_iov_grant allocated. Takes NULL. */
void bt_msg_iov_revoke(struct bt_msg_iov *buf);

#endif
