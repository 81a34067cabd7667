/*
 * inspect - what can be seen of a token from outside, by anybody who has it. Nothing is taken, opened or changed.
 */
#ifndef BT_TRANSFER_INSPECT_H
#define BT_TRANSFER_INSPECT_H

#include "mech/mech.h"
#include "transfer/sinks.h"

struct bt_transfer_sight {
	uint32_t format; /* version; 0: another library's, which is not sealed and has no header */
	struct bt_bytes oid;
	struct bt_seal_header header; /* not authenticated */
	size_t sealed_len;
	int64_t expires_in_ms; /* from now, by this boot's clock; negative: ago */
	int err;	       /* what an import by this process would fail with before it opens the seal; 0: nothing */
};

/*
 * bt_transfer_inspect - token may be anything.
 * Errors: TOKEN_FORMAT, TOKEN_VERSION, TRUNCATED, TRAILING; then out is zeroed.
 */
int bt_transfer_inspect(struct bt_mechs mechs, struct bt_bytes token, struct bt_transfer_sight *out);

/* bt_transfer_place_name - "shm"; of a number that is none, "unknown". */
const char *bt_transfer_place_name(int place);

#endif
