#include "base/bytes.h"

#include "base/err.h"
#include "base/mem.h"

int
bt_buf_dup(struct bt_bytes src, struct bt_buf *out)
{
	*out = (struct bt_buf){0};
	if ((out->ptr = bt_mem_dup(src.ptr, src.len)) == NULL)
		return BT_ERR_NOMEM;
	out->len = src.len;
	return 0;
}

void
bt_buf_free(struct bt_buf *buf)
{
	bt_mem_free_secret(buf->ptr, buf->len);
	*buf = (struct bt_buf){0};
}

int
bt_rd_end(const struct bt_rd *rd)
{
	if (rd->failed)
		return BT_ERR_TRUNCATED;
	return rd->left != 0 ? BT_ERR_TRAILING : 0;
}

uint16_t
bt_rd_le16(struct bt_rd *rd)
{
	struct bt_bytes b = bt_rd_bytes(rd, 2);

	return b.len == 2 ? (uint16_t)(b.ptr[1] << 8 | b.ptr[0]) : 0;
}

uint32_t
bt_rd_le32(struct bt_rd *rd)
{
	struct bt_bytes b = bt_rd_bytes(rd, 4);

	if (b.len != 4)
		return 0;
	return (uint32_t)b.ptr[3] << 24 | (uint32_t)b.ptr[2] << 16 | (uint32_t)b.ptr[1] << 8 | b.ptr[0];
}

void
bt_wr_init(struct bt_wr *wr)
{
	*wr = (struct bt_wr){0};
}

void
bt_wr_over(struct bt_wr *wr, void *storage, size_t cap)
{
	*wr = (struct bt_wr){.ptr = storage, .cap = cap, .is_fixed = true};
}

/* Grown by copy and not by realloc: the old block may hold a secret and is wiped. */
static bool
grow(struct bt_wr *wr, size_t need)
{
	size_t cap = wr->cap < 128 ? 128 : wr->cap;
	uint8_t *ptr;

	if (wr->is_fixed || need > SIZE_MAX / 4)
		return false;
	while (cap < need)
		cap *= 2;
	if ((ptr = bt_mem_alloc_raw(cap)) == NULL)
		return false;
	if (wr->len != 0)
		memcpy(ptr, wr->ptr, wr->len);
	bt_mem_free_secret(wr->ptr, wr->len);
	wr->ptr = ptr;
	wr->cap = cap;
	return true;
}

uint8_t *
bt_wr_make_room(struct bt_wr *wr, size_t len)
{
	if (wr->failed || len > SIZE_MAX - wr->len || !grow(wr, wr->len + len)) {
		wr->failed = true;
		return NULL;
	}
	wr->len += len;
	return wr->ptr + (wr->len - len);
}

uint8_t *
bt_wr_insert(struct bt_wr *wr, size_t at, size_t len)
{
	size_t tail = wr->len - at;

	if (bt_wr_room(wr, len) == NULL)
		return NULL;
	memmove(wr->ptr + at + len, wr->ptr + at, tail);
	return wr->ptr + at;
}

void
bt_wr_be16(struct bt_wr *wr, uint16_t v)
{
	uint8_t b[2];

	bt_store_be16(b, v);
	bt_wr_bytes(wr, bt_bytes_of(b, sizeof b));
}

void
bt_wr_be32(struct bt_wr *wr, uint32_t v)
{
	uint8_t b[4];

	bt_store_be32(b, v);
	bt_wr_bytes(wr, bt_bytes_of(b, sizeof b));
}

void
bt_wr_be64(struct bt_wr *wr, uint64_t v)
{
	uint8_t b[8];

	bt_store_be64(b, v);
	bt_wr_bytes(wr, bt_bytes_of(b, sizeof b));
}

void
bt_wr_le16(struct bt_wr *wr, uint16_t v)
{
	bt_wr_u8(wr, (uint8_t)v);
	bt_wr_u8(wr, (uint8_t)(v >> 8));
}

void
bt_wr_le32(struct bt_wr *wr, uint32_t v)
{
	bt_wr_le16(wr, (uint16_t)v);
	bt_wr_le16(wr, (uint16_t)(v >> 16));
}

int
bt_wr_take(struct bt_wr *wr, struct bt_buf *out)
{
	*out = (struct bt_buf){0};
	/* A writer that wrote nothing still hands out a pointer that can be freed. */
	if (wr->failed || (wr->ptr == NULL && !grow(wr, 1))) {
		bt_wr_done(wr);
		return BT_ERR_NOMEM;
	}
	*out = (struct bt_buf){wr->ptr, wr->len};
	bt_wr_init(wr);
	return 0;
}

void
bt_wr_done(struct bt_wr *wr)
{
	if (!wr->is_fixed)
		bt_mem_free_secret(wr->ptr, wr->len);
	bt_wr_init(wr);
}
