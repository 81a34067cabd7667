/*
 * parcel - the bytes of a message that hands a context over on a socket: a head of fixed length, an interprocess token, and
 * what else goes along, sealed. doc/format/handover.md.
 *
 * Knows the layout and nothing of sockets and claims. Views in, views out.
 */
#ifndef BT_TRANSFER_PARCEL_H
#define BT_TRANSFER_PARCEL_H

#include <stdbool.h>

#include "base/bytes.h"
#include "claim/claim.h"

enum { BT_PARCEL_HEAD_LEN = 44, BT_PARCEL_FDS_MAX = 4 };

/* The descriptors that come with a message: first the claims' memory file, then those of these that it has, in this order. */
enum bt_parcel_flag {
	BT_PARCEL_FILE = 1,	  /* what would follow the head is in a file */
	BT_PARCEL_WAKER = 2,	  /* a socket, to wake the sender with */
	BT_PARCEL_CONNECTION = 4, /* what the context is the context of */
};

struct bt_parcel_head {
	uint8_t flags; /* enum bt_parcel_flag */
	uint32_t token_len;
	uint32_t cargo_len; /* sealed; 0: none */
	/* The claim, as in the token: so that one can be refused that cannot be read. */
	uint32_t slot, generation;
	uint8_t store_id[BT_CLAIM_STORE_ID_LEN];
};

/* What goes along with a context; views. Both may be empty. */
struct bt_parcel_cargo {
	struct bt_bytes cred; /* an exported credential. Secret */
	struct bt_bytes data; /* the program's own */
};

void bt_parcel_write_head(const struct bt_parcel_head *head, uint8_t out[static BT_PARCEL_HEAD_LEN]);

/* bt_parcel_read_head - bytes: the first BT_PARCEL_HEAD_LEN of a message, or fewer. Errors: HANDOVER. */
int bt_parcel_read_head(struct bt_bytes bytes, struct bt_parcel_head *out);

/* bt_parcel_num_fds - how many descriptors a message with this head comes with. */
unsigned bt_parcel_num_fds(const struct bt_parcel_head *head);

/* bt_parcel_body_len - bytes of token and cargo. */
static inline size_t
bt_parcel_body_len(const struct bt_parcel_head *head)
{
	return (size_t)head->token_len + head->cargo_len;
}

/* bt_parcel_cargo_len - bytes of cargo when it is sealed; 0 if there is none. */
size_t bt_parcel_cargo_len(const struct bt_parcel_cargo *cargo);

/*
 * bt_parcel_close_cargo - seal cargo under a key made of the claim's, bound to the head; bt_parcel_cargo_len bytes go to out.
 * Errors: CRYPTO.
 */
int bt_parcel_close_cargo(const uint8_t key[static BT_CLAIM_KEY_LEN], const struct bt_parcel_head *head,
			  const struct bt_parcel_cargo *cargo, uint8_t *out);

/*
 * bt_parcel_open_cargo - views of clear, which the caller frees (secret).
 * Errors: HANDOVER (altered, or not what bt_parcel_close_cargo makes), NOMEM, CRYPTO; then clear and out are empty.
 */
int bt_parcel_open_cargo(const uint8_t key[static BT_CLAIM_KEY_LEN], const struct bt_parcel_head *head, struct bt_bytes sealed,
			 struct bt_buf *clear, struct bt_parcel_cargo *out);

#endif
