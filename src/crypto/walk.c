#include "crypto/walk.h"

#include <stdlib.h>
#include <string.h>

size_t
bt_crypto_walk_run(struct bt_crypto_walk *walk)
{
	for (; walk->seg != walk->end; walk->seg++, walk->offset = 0) {
		if (walk->seg->out != NULL && walk->offset < walk->seg->len)
			return walk->seg->len - walk->offset;
		if (walk->seg->out == NULL && walk->digest != NULL)
			bt_crypto_digest_update(walk->digest, walk->seg->in, walk->seg->len);
	}
	return 0;
}

static size_t
next_piece(struct bt_crypto_walk *walk, size_t len)
{
	size_t run = bt_crypto_walk_run(walk);

	if (run == 0)
		abort();
	return run < len ? run : len;
}

void
bt_crypto_walk_read(struct bt_crypto_walk *walk, uint8_t *to, size_t len)
{
	while (len != 0) {
		size_t piece = next_piece(walk, len);

		memcpy(to, walk->seg->in + walk->offset, piece);
		if (walk->digest != NULL)
			bt_crypto_digest_update(walk->digest, to, piece);
		walk->offset += piece;
		to += piece;
		len -= piece;
	}
}

void
bt_crypto_walk_write(struct bt_crypto_walk *walk, const uint8_t *from, size_t len)
{
	while (len != 0) {
		size_t piece = next_piece(walk, len);

		memcpy(walk->seg->out + walk->offset, from, piece);
		if (walk->digest != NULL)
			bt_crypto_digest_update(walk->digest, from, piece);
		walk->offset += piece;
		from += piece;
		len -= piece;
	}
}

void
bt_crypto_walk_end(struct bt_crypto_walk *walk)
{
	if (bt_crypto_walk_run(walk) != 0)
		abort();
}
