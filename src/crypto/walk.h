/*
 * walk - a place in the encrypted bytes of a message made of segments.
 *
 * Steps over sign-only segments. With a digest, all that is walked over is hashed, sign-only bytes at their place: so a walk
 * over what is read hashes the input, a walk over what is written hashes the output.
 */
#ifndef BT_CRYPTO_WALK_H
#define BT_CRYPTO_WALK_H

#include "crypto/crypto.h"
#include "crypto/hash.h"

struct bt_crypto_walk {
	const struct bt_crypto_seg *seg; /* current one, or end */
	const struct bt_crypto_seg *end;
	size_t offset;			 /* into the current one */
	struct bt_crypto_digest *digest; /* NULL: nothing is hashed */
};

static inline struct bt_crypto_walk
bt_crypto_walk_of(const struct bt_crypto_seg *segs, size_t num_segs, struct bt_crypto_digest *digest)
{
	return (struct bt_crypto_walk){segs, segs + num_segs, 0, digest};
}

/* bt_crypto_walk_run - bytes that follow in one piece, 0 at the end of the message. */
size_t bt_crypto_walk_run(struct bt_crypto_walk *walk);

/* bt_crypto_walk_read, _write - copy the next len bytes out of the segments, or into them. The message has as many. */
void bt_crypto_walk_read(struct bt_crypto_walk *walk, uint8_t *to, size_t len);
void bt_crypto_walk_write(struct bt_crypto_walk *walk, const uint8_t *from, size_t len);

/* bt_crypto_walk_end - hash the sign-only segments after the last encrypted byte. */
void bt_crypto_walk_end(struct bt_crypto_walk *walk);

#endif
