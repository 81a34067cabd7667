#include "transfer/transfer.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "claim/claim.h"
#include "mech/state.h"
#include "transfer/draft.h"
#include "transfer/event.h"
#include "transfer/limits.h"
#include "transfer/policy.h"

/* The claim's key, if this process may have it and the claim is still there. Errors: those of claim/claim.h, as import words them. */
static int
find_claim(const struct bt_seal_header *header, struct bt_claim_store **store, uint8_t key[static BT_CLAIM_KEY_LEN])
{
	int e;

	if ((e = bt_transfer_admit(header, store)) != 0)
		return e;
	/* A slot that no exporter ever wrote. */
	e = bt_claim_read(*store, &header->claim, key);
	return e == BT_ERR_MALFORMED ? BT_ERR_TOKEN_ALTERED : e;
}

/* Between legs the end may not be known yet. */
static bool
is_expired(const struct bt_ctx_state *state)
{
	return (state->stage == BT_CTX_OPEN || state->expires_at != 0) && state->expires_at <= bt_clock_wall_s();
}

/* The seal was good, so the bytes are an exporter's: what this process cannot read is of another kind of Baton. */
static int
defect_of(int e)
{
	if (e == BT_ERR_TRUNCATED || e == BT_ERR_TRAILING || e == BT_ERR_MALFORMED || e == BT_ERR_ENCTYPE)
		return BT_ERR_TOKEN_FORMAT;
	return e;
}

static int
open_state(const struct bt_mech *mech, struct bt_bytes wire_oid, struct bt_mechs mechs, const struct bt_seal_parts *parts,
	   const uint8_t *key, struct bt_buf clear, struct bt_ctx **out)
{
	struct bt_ctx_state state;
	int e;

	/* An audience that somebody changed is no answer to whom the token is for: so it is asked behind the seal. */
	if ((e = bt_seal_open(key, parts, clear.ptr)) != 0 || (e = bt_transfer_audience_admit(&parts->header.audience)) != 0)
		return e;
	if ((e = bt_rec_decode(&bt_ctx_state_rec, bt_bytes_of_buf(&clear), &state)) != 0)
		return defect_of(e);
	if (is_expired(&state))
		return BT_ERR_CONTEXT_EXPIRED;
	return defect_of(bt_ctx_state_build(&state, mech, wire_oid, mechs, out));
}

/* The state in the clear is in one block of memory: on the stack, if it is no longer than most are. */
int
bt_transfer_open(const struct bt_mech *const *mechs, size_t num_mechs, const struct bt_seal_parts *parts,
		 const uint8_t key[static BT_CLAIM_KEY_LEN], struct bt_ctx **out)
{
	uint8_t scratch[BT_TRANSFER_SCRATCH_LEN], *heap = NULL;
	size_t len = parts->sealed.len - BT_SEAL_TAG_LEN;
	const struct bt_mech *mech;
	struct bt_bytes wire_oid;
	int e;

	*out = NULL;
	if ((mech = bt_mech_find(mechs, num_mechs, parts->oid, &wire_oid)) == NULL)
		return BT_ERR_TOKEN_FORMAT;
	/* What was exported is a context of the mechanism itself. */
	if (mech->behind != NULL)
		mech = mech->behind;
	if (len > sizeof scratch && (heap = bt_mem_alloc_raw(len)) == NULL)
		return BT_ERR_NOMEM;
	e = open_state(mech, wire_oid, (struct bt_mechs){mechs, num_mechs}, parts, key,
		       (struct bt_buf){heap != NULL ? heap : scratch, len}, out);
	if (heap != NULL)
		bt_mem_free_secret(heap, len);
	else
		bt_mem_wipe(scratch, len);
	return e;
}

static int
import(const struct bt_mech *const *mechs, size_t num_mechs, struct bt_bytes token, struct bt_seal_parts *parts, struct bt_ctx **out)
{
	struct bt_claim_store *store;
	uint8_t key[BT_CLAIM_KEY_LEN];
	int e;

	if ((e = bt_seal_read(token, parts)) != 0)
		return e;
	if (bt_mech_find(mechs, num_mechs, parts->oid, NULL) == NULL)
		return BT_ERR_TOKEN_FORMAT;
	if ((e = find_claim(&parts->header, &store, key)) != 0)
		return e;
	e = bt_transfer_open(mechs, num_mechs, parts, key, out);
	bt_mem_wipe(key, sizeof key);
	/* Nothing after this can fail, and nothing before it took anything. */
	if (e == 0 && (e = bt_claim_take(store, &parts->header.claim)) != 0) {
		bt_ctx_free(*out);
		*out = NULL;
	}
	return e;
}

int
bt_transfer_import(const struct bt_mech *const *mechs, size_t num_mechs, struct bt_bytes token, struct bt_ctx **out)
{
	struct bt_seal_parts parts;
	int e;

	*out = NULL;
	e = import(mechs, num_mechs, token, &parts, out);
	bt_transfer_tell(e == 0 ? BT_TRANSFER_IMPORTED : BT_TRANSFER_REFUSED, e, parts.oid, parts.aad.len != 0 ? &parts.header : NULL);
	return e;
}
