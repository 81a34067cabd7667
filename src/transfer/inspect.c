#include "transfer/inspect.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "transfer/policy.h"
#include "transfer/transfer.h"
#include "wire/frame.h"

const char *
bt_transfer_place_name(int place)
{
	switch (place) {
	case BT_CLAIM_PLACE_SHM:
		return "shm";
	case BT_CLAIM_PLACE_RUNTIME:
		return "runtime";
	case BT_CLAIM_PLACE_NAMED:
		return "named";
	case BT_CLAIM_PLACE_BOX:
		return "box";
	case BT_CLAIM_PLACE_MEMORY:
		return "memory";
	default:
		return "unknown";
	}
}

static int
look_for_claim(const struct bt_seal_header *header)
{
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_store *store;
	int e;

	if ((e = bt_transfer_admit(header, &store)) != 0)
		return e;
	e = bt_claim_read(store, &header->claim, key);
	bt_mem_wipe(key, sizeof key);
	return e == BT_ERR_MALFORMED ? BT_ERR_TOKEN_ALTERED : e;
}

int
bt_transfer_inspect(struct bt_mechs mechs, struct bt_bytes token, struct bt_transfer_sight *out)
{
	struct bt_seal_parts parts;
	struct bt_bytes oid, body;
	int e;

	*out = (struct bt_transfer_sight){0};
	if (bt_frame_read_context(token, &oid, &body) == 0 && bt_transfer_is_unsealed(mechs, oid, body)) {
		out->err = BT_ERR_TOKEN_UNSEALED;
		out->oid = oid;
		return 0;
	}
	if ((e = bt_seal_read(token, &parts)) != 0)
		return e;
	out->format = BT_SEAL_VERSION;
	out->oid = parts.oid;
	out->header = parts.header;
	out->sealed_len = parts.sealed.len;
	/* Any number can stand there. */
	if (__builtin_sub_overflow(parts.header.claim.expires_at, bt_clock_boot_ms(), &out->expires_in_ms))
		out->expires_in_ms = INT64_MIN;
	out->err = bt_mech_find(mechs.list, mechs.num, parts.oid, NULL) != NULL ? look_for_claim(&parts.header) : BT_ERR_TOKEN_FORMAT;
	return 0;
}
