#include "transfer/parcel.h"

#include "base/err.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "transfer/limits.h"

enum { VERSION = 1, KNOWN_FLAGS = BT_PARCEL_FILE | BT_PARCEL_WAKER | BT_PARCEL_CONNECTION };

static const uint8_t magic[8] = {0x8a, 'B', 'a', 't', 'o', 'n', 'H', 'o'};

/* Before the cargo's two parts: how long the first one is. */
enum { CRED_LEN_LEN = 4 };

void
bt_parcel_write_head(const struct bt_parcel_head *head, uint8_t out[static BT_PARCEL_HEAD_LEN])
{
	memcpy(out, magic, sizeof magic);
	out[8] = VERSION;
	out[9] = head->flags;
	bt_store_be16(out + 10, 0);
	bt_store_be32(out + 12, head->token_len);
	bt_store_be32(out + 16, head->cargo_len);
	bt_store_be32(out + 20, head->slot);
	bt_store_be32(out + 24, head->generation);
	memcpy(out + 28, head->store_id, sizeof head->store_id);
}

int
bt_parcel_read_head(struct bt_bytes bytes, struct bt_parcel_head *out)
{
	struct bt_rd rd = bt_rd_of(bytes);
	bool is_ours = bt_bytes_equal(bt_rd_bytes(&rd, sizeof magic), bt_bytes_of(magic, sizeof magic));
	uint8_t version = bt_rd_u8(&rd);
	struct bt_bytes store_id;
	uint16_t reserved;

	out->flags = bt_rd_u8(&rd);
	reserved = bt_rd_be16(&rd);
	out->token_len = bt_rd_be32(&rd);
	out->cargo_len = bt_rd_be32(&rd);
	out->slot = bt_rd_be32(&rd);
	out->generation = bt_rd_be32(&rd);
	store_id = bt_rd_bytes(&rd, sizeof out->store_id);
	if (bt_rd_end(&rd) != 0 || !is_ours || version != VERSION || (out->flags & ~KNOWN_FLAGS) != 0 || reserved != 0 ||
	    out->token_len == 0 || out->token_len > BT_TRANSFER_TOKEN_MAX || out->cargo_len > BT_TRANSFER_CARGO_MAX) {
		*out = (struct bt_parcel_head){0};
		return BT_ERR_HANDOVER;
	}
	memcpy(out->store_id, store_id.ptr, sizeof out->store_id);
	return 0;
}

unsigned
bt_parcel_num_fds(const struct bt_parcel_head *head)
{
	return 1 + (unsigned)__builtin_popcount(head->flags);
}

size_t
bt_parcel_cargo_len(const struct bt_parcel_cargo *cargo)
{
	if (cargo->cred.len == 0 && cargo->data.len == 0)
		return 0;
	return CRED_LEN_LEN + cargo->cred.len + cargo->data.len + BT_CRYPTO_AEAD_TAG_LEN;
}

/* The claim's key has sealed the token and seals nothing else. */
static void
derive_key(const uint8_t *key, uint8_t out[static BT_CRYPTO_AEAD_KEY_LEN])
{
	bt_crypto_kdf_sha256(bt_bytes_of(key, BT_CLAIM_KEY_LEN), bt_bytes_of_str("baton cargo"), (struct bt_bytes){0}, out,
			     BT_CRYPTO_AEAD_KEY_LEN);
}

int
bt_parcel_close_cargo(const uint8_t key[static BT_CLAIM_KEY_LEN], const struct bt_parcel_head *head,
		      const struct bt_parcel_cargo *cargo, uint8_t *out)
{
	uint8_t head_bytes[BT_PARCEL_HEAD_LEN], cargo_key[BT_CRYPTO_AEAD_KEY_LEN];
	size_t len = CRED_LEN_LEN + cargo->cred.len + cargo->data.len;
	struct bt_wr wr;
	int e;

	bt_parcel_write_head(head, head_bytes);
	bt_wr_over(&wr, out, len);
	bt_wr_be32(&wr, (uint32_t)cargo->cred.len);
	bt_wr_bytes(&wr, cargo->cred);
	bt_wr_bytes(&wr, cargo->data);
	derive_key(key, cargo_key);
	e = bt_crypto_aead_seal(cargo_key, bt_bytes_of(head_bytes, sizeof head_bytes), bt_bytes_of(out, len), out);
	bt_mem_wipe(cargo_key, sizeof cargo_key);
	return e;
}

static int
read_cargo(struct bt_bytes clear, struct bt_parcel_cargo *out)
{
	struct bt_rd rd = bt_rd_of(clear);

	out->cred = bt_rd_bytes(&rd, bt_rd_be32(&rd));
	out->data = bt_rd_rest(&rd);
	/* Neither part: there would be no cargo. */
	if (rd.failed || out->data.len > BT_TRANSFER_DATA_MAX || (out->cred.len == 0 && out->data.len == 0))
		return BT_ERR_HANDOVER;
	return 0;
}

int
bt_parcel_open_cargo(const uint8_t key[static BT_CLAIM_KEY_LEN], const struct bt_parcel_head *head, struct bt_bytes sealed,
		     struct bt_buf *clear, struct bt_parcel_cargo *out)
{
	uint8_t head_bytes[BT_PARCEL_HEAD_LEN], cargo_key[BT_CRYPTO_AEAD_KEY_LEN];
	size_t len = sealed.len - BT_CRYPTO_AEAD_TAG_LEN;
	int e;

	*clear = (struct bt_buf){0};
	*out = (struct bt_parcel_cargo){0};
	if (sealed.len < CRED_LEN_LEN + BT_CRYPTO_AEAD_TAG_LEN)
		return BT_ERR_HANDOVER;
	if ((clear->ptr = bt_mem_alloc_raw(len)) == NULL)
		return BT_ERR_NOMEM;
	clear->len = len;
	bt_parcel_write_head(head, head_bytes);
	derive_key(key, cargo_key);
	e = bt_crypto_aead_open(cargo_key, bt_bytes_of(head_bytes, sizeof head_bytes), sealed, clear->ptr);
	bt_mem_wipe(cargo_key, sizeof cargo_key);
	if (e == BT_ERR_BAD_MIC)
		e = BT_ERR_HANDOVER;
	if (e == 0)
		e = read_cargo(bt_bytes_of_buf(clear), out);
	if (e != 0) {
		bt_buf_free(clear);
		*out = (struct bt_parcel_cargo){0};
	}
	return e;
}
