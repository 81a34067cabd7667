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

uint16_t
bt_load_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t
bt_load_be32(const uint8_t *p)
{
	return (uint32_t)bt_load_be16(p) << 16 | bt_load_be16(p + 2);
}

uint64_t
bt_load_be64(const uint8_t *p)
{
	return (uint64_t)bt_load_be32(p) << 32 | bt_load_be32(p + 4);
}

void
bt_store_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void
bt_store_be32(uint8_t *p, uint32_t v)
{
	bt_store_be16(p, (uint16_t)(v >> 16));
	bt_store_be16(p + 2, (uint16_t)v);
}

void
bt_store_be64(uint8_t *p, uint64_t v)
{
	bt_store_be32(p, (uint32_t)(v >> 32));
	bt_store_be32(p + 4, (uint32_t)v);
}

struct bt_bytes
bt_rd_bytes(struct bt_rd *rd, size_t len)
{
	struct bt_bytes view;

	if (rd->failed || len > rd->left) {
		bt_rd_fail(rd);
		return (struct bt_bytes){0};
	}
	view = bt_bytes_of(rd->ptr, len);
	if (len != 0)
		rd->ptr += len;
	rd->left -= len;
	return view;
}

struct bt_bytes
bt_rd_rest(struct bt_rd *rd)
{
	return bt_rd_bytes(rd, rd->left);
}

int
bt_rd_peek(const struct bt_rd *rd)
{
	return rd->failed || rd->left == 0 ? -1 : rd->ptr[0];
}

void
bt_rd_fail(struct bt_rd *rd)
{
	rd->failed = true;
	rd->left = 0;
}

int
bt_rd_end(const struct bt_rd *rd)
{
	if (rd->failed)
		return BT_ERR_TRUNCATED;
	return rd->left != 0 ? BT_ERR_TRAILING : 0;
}

uint8_t
bt_rd_u8(struct bt_rd *rd)
{
	struct bt_bytes b = bt_rd_bytes(rd, 1);

	return b.len == 1 ? b.ptr[0] : 0;
}

uint16_t
bt_rd_be16(struct bt_rd *rd)
{
	struct bt_bytes b = bt_rd_bytes(rd, 2);

	return b.len == 2 ? bt_load_be16(b.ptr) : 0;
}

uint32_t
bt_rd_be32(struct bt_rd *rd)
{
	struct bt_bytes b = bt_rd_bytes(rd, 4);

	return b.len == 4 ? bt_load_be32(b.ptr) : 0;
}

uint64_t
bt_rd_be64(struct bt_rd *rd)
{
	struct bt_bytes b = bt_rd_bytes(rd, 8);

	return b.len == 8 ? bt_load_be64(b.ptr) : 0;
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
bt_wr_room(struct bt_wr *wr, size_t len)
{
	uint8_t *room;

	if (wr->failed)
		return NULL;
	if (len > wr->cap - wr->len && (len > SIZE_MAX - wr->len || !grow(wr, wr->len + len))) {
		wr->failed = true;
		return NULL;
	}
	room = wr->ptr + wr->len;
	wr->len += len;
	return room;
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
bt_wr_bytes(struct bt_wr *wr, struct bt_bytes bytes)
{
	uint8_t *room = bt_wr_room(wr, bytes.len);

	if (room != NULL && bytes.len != 0)
		memcpy(room, bytes.ptr, bytes.len);
}

void
bt_wr_u8(struct bt_wr *wr, uint8_t v)
{
	bt_wr_bytes(wr, bt_bytes_of(&v, 1));
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
