#include "transfer/seal.h"

#include <assert.h>

#include "base/err.h"
#include "transfer/limits.h"
#include "wire/frame.h"

static_assert((int)BT_CLAIM_KEY_LEN == (int)BT_CRYPTO_AEAD_KEY_LEN, "a claim's key is the seal's");

/* The first byte is none of a text, nor of the zeroes that other libraries' tokens begin with. */
static const uint8_t magic[8] = {0x8a, 'B', 'a', 't', 'o', 'n', 'C', 'x'};

size_t
bt_seal_token_len(struct bt_bytes oid, uint8_t audience_bits, size_t state_len)
{
	return BT_SEAL_PREFIX_LEN + oid.len + BT_SEAL_HEADER_LEN + bt_transfer_audience_len(audience_bits) + state_len +
	       BT_SEAL_TAG_LEN;
}

void
bt_seal_write_head(struct bt_wr *wr, struct bt_bytes oid, const struct bt_seal_header *header)
{
	const struct bt_claim_ref *claim = &header->claim;

	bt_frame_write_context(wr, oid);
	bt_wr_bytes(wr, bt_bytes_of(magic, sizeof magic));
	bt_wr_u8(wr, BT_SEAL_VERSION);
	bt_wr_u8(wr, claim->place);
	bt_wr_u8(wr, header->audience.bits);
	bt_wr_u8(wr, 0);
	bt_wr_be32(wr, header->uid);
	bt_wr_be32(wr, claim->slot);
	bt_wr_be32(wr, claim->generation);
	bt_wr_be64(wr, (uint64_t)claim->expires_at);
	bt_wr_bytes(wr, bt_bytes_of(claim->store_id, sizeof claim->store_id));
	bt_transfer_audience_write(wr, &header->audience);
}

int
bt_seal_read(struct bt_bytes token, struct bt_seal_parts *out)
{
	struct bt_claim_ref *claim = &out->header.claim;
	struct bt_bytes body, store_id;
	uint8_t version, audience, reserved;
	struct bt_rd rd;
	int e;

	*out = (struct bt_seal_parts){0};
	if ((e = bt_frame_read_context(token, &out->oid, &body)) != 0)
		return e;
	if (!bt_bytes_has_prefix(body, bt_bytes_of(magic, sizeof magic)))
		return BT_ERR_TOKEN_FORMAT;
	rd = bt_rd_of(body);
	bt_rd_bytes(&rd, sizeof magic);
	version = bt_rd_u8(&rd);
	/* Where the rest stands is known of this version alone. */
	if (!rd.failed && version != BT_SEAL_VERSION)
		return BT_ERR_TOKEN_VERSION;
	claim->place = bt_rd_u8(&rd);
	audience = bt_rd_u8(&rd);
	reserved = bt_rd_u8(&rd);
	out->header.uid = bt_rd_be32(&rd);
	claim->slot = bt_rd_be32(&rd);
	claim->generation = bt_rd_be32(&rd);
	claim->expires_at = (int64_t)bt_rd_be64(&rd);
	store_id = bt_rd_bytes(&rd, sizeof claim->store_id);
	/* How long the header is, known audiences alone say. */
	if (!rd.failed && ((audience & ~BT_AUDIENCE_ALL) != 0 || reserved != 0))
		return BT_ERR_TOKEN_VERSION;
	bt_transfer_audience_read(&rd, audience, &out->header.audience);
	out->sealed = bt_rd_rest(&rd);
	if (rd.failed || out->sealed.len < BT_SEAL_TAG_LEN)
		return BT_ERR_TRUNCATED;
	if (out->sealed.len > BT_TRANSFER_STATE_MAX + BT_SEAL_TAG_LEN)
		return BT_ERR_TRAILING;
	memcpy(claim->store_id, store_id.ptr, store_id.len);
	out->aad = bt_bytes_of(token.ptr, token.len - out->sealed.len);
	return 0;
}

int
bt_seal_close(const uint8_t key[static BT_CLAIM_KEY_LEN], uint8_t *token, size_t head_len, struct bt_bytes state)
{
	return bt_crypto_aead_seal(key, bt_bytes_of(token, head_len), state, token + head_len);
}

int
bt_seal_open(const uint8_t key[static BT_CLAIM_KEY_LEN], const struct bt_seal_parts *parts, uint8_t *state)
{
	int e = bt_crypto_aead_open(key, parts->aad, parts->sealed, state);

	return e == BT_ERR_BAD_MIC ? BT_ERR_TOKEN_ALTERED : e;
}
