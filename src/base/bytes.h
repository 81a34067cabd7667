/*
 * bytes - views, owned buffers, and the two cursors that all parsing and
 * building goes through.
 *
 * A reading cursor cannot run past its end: after the first short read it
 * stays failed, every later read gives zeros or empty views, and
 * bt_rd_end() tells. So a parser reads straight on and asks once. A writing
 * cursor works the same way on memory it owns or on a caller's storage.
 * Nothing here is shared between threads. What parsers and writers do at
 * each step is inline.
 */
#ifndef BT_BASE_BYTES_H
#define BT_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A view of somebody else's bytes. ptr may be NULL when len is 0. */
struct bt_bytes {
	const uint8_t *ptr;
	size_t len;
};

/* Owned bytes; freed by bt_buf_free, which wipes them. */
struct bt_buf {
	uint8_t *ptr;
	size_t len;
};

static inline struct bt_bytes
bt_bytes_of(const void *ptr, size_t len)
{
	return (struct bt_bytes){ptr, len};
}

static inline struct bt_bytes
bt_bytes_of_str(const char *text)
{
	return (struct bt_bytes){(const uint8_t *)text, strlen(text)};
}

static inline struct bt_bytes
bt_bytes_of_buf(const struct bt_buf *buf)
{
	return (struct bt_bytes){buf->ptr, buf->len};
}

static inline bool
bt_bytes_equal(struct bt_bytes a, struct bt_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* bt_bytes_has_prefix - does a begin with prefix? */
static inline bool
bt_bytes_has_prefix(struct bt_bytes a, struct bt_bytes prefix)
{
	return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.ptr, prefix.ptr, prefix.len) == 0);
}

/* bt_buf_dup - an owned copy. Errors: NOMEM; then out is empty. */
int bt_buf_dup(struct bt_bytes src, struct bt_buf *out);

/* bt_buf_free - wipe, free and empty. Takes an empty buffer. */
void bt_buf_free(struct bt_buf *buf);

/* Big- and little-endian loads and stores on memory already known to be long enough. */
static inline uint16_t
bt_load_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
bt_load_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t
bt_load_be64(const uint8_t *p)
{
	return (uint64_t)bt_load_be32(p) << 32 | bt_load_be32(p + 4);
}

static inline void
bt_store_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
bt_store_be32(uint8_t *p, uint32_t v)
{
	bt_store_be16(p, (uint16_t)(v >> 16));
	bt_store_be16(p + 2, (uint16_t)v);
}

static inline void
bt_store_be64(uint8_t *p, uint64_t v)
{
	bt_store_be32(p, (uint32_t)(v >> 32));
	bt_store_be32(p + 4, (uint32_t)v);
}

/* ---- reading ---- */

struct bt_rd {
	const uint8_t *ptr;
	size_t left;
	bool failed; /* a read wanted more than was left, or bt_rd_fail */
};

static inline struct bt_rd
bt_rd_of(struct bt_bytes bytes)
{
	return (struct bt_rd){bytes.ptr, bytes.len, false};
}

/* bt_rd_fail - the parser found a value it refuses. */
static inline void
bt_rd_fail(struct bt_rd *rd)
{
	rd->failed = true;
	rd->left = 0;
}

/* bt_rd_bytes - a view of the next len bytes; empty, and the cursor failed, if fewer are left. */
static inline struct bt_bytes
bt_rd_bytes(struct bt_rd *rd, size_t len)
{
	struct bt_bytes view = {rd->ptr, len};

	if (rd->failed || len > rd->left) {
		bt_rd_fail(rd);
		return (struct bt_bytes){0};
	}
	if (len != 0)
		rd->ptr += len;
	rd->left -= len;
	return view;
}

/* bt_rd_peek - the next byte without reading it, or -1 at the end. */
static inline int
bt_rd_peek(const struct bt_rd *rd)
{
	return rd->failed || rd->left == 0 ? -1 : rd->ptr[0];
}

static inline uint8_t
bt_rd_u8(struct bt_rd *rd)
{
	struct bt_bytes b = bt_rd_bytes(rd, 1);

	return b.len == 1 ? b.ptr[0] : 0;
}

static inline uint16_t
bt_rd_be16(struct bt_rd *rd)
{
	struct bt_bytes b = bt_rd_bytes(rd, 2);

	return b.len == 2 ? bt_load_be16(b.ptr) : 0;
}

static inline uint32_t
bt_rd_be32(struct bt_rd *rd)
{
	struct bt_bytes b = bt_rd_bytes(rd, 4);

	return b.len == 4 ? bt_load_be32(b.ptr) : 0;
}

static inline uint64_t
bt_rd_be64(struct bt_rd *rd)
{
	struct bt_bytes b = bt_rd_bytes(rd, 8);

	return b.len == 8 ? bt_load_be64(b.ptr) : 0;
}

uint16_t bt_rd_le16(struct bt_rd *rd);
uint32_t bt_rd_le32(struct bt_rd *rd);

/* bt_rd_rest - a view of all that is left, which is then read. */
static inline struct bt_bytes
bt_rd_rest(struct bt_rd *rd)
{
	return bt_rd_bytes(rd, rd->left);
}

/* bt_rd_end - the last question of every parse. Errors: TRUNCATED (failed), TRAILING (bytes left). */
int bt_rd_end(const struct bt_rd *rd);

/* ---- writing ---- */

/* Either grows on the heap (bt_wr_init) or fills a caller's storage (bt_wr_over). */
struct bt_wr {
	uint8_t *ptr;
	size_t len; /* written so far */
	size_t cap;
	bool is_fixed;
	bool failed; /* out of memory, or past the end of the storage */
};

void bt_wr_init(struct bt_wr *wr);
void bt_wr_over(struct bt_wr *wr, void *storage, size_t cap);

/* bt_wr_make_room - what bt_wr_room does where there is not enough left. */
uint8_t *bt_wr_make_room(struct bt_wr *wr, size_t len);

/* bt_wr_room - len bytes at the end to be filled by the caller, or NULL (failed). Valid until the next write. */
static inline uint8_t *
bt_wr_room(struct bt_wr *wr, size_t len)
{
	if (wr->failed || len > wr->cap - wr->len)
		return bt_wr_make_room(wr, len);
	wr->len += len;
	return wr->ptr + (wr->len - len);
}

static inline void
bt_wr_bytes(struct bt_wr *wr, struct bt_bytes bytes)
{
	uint8_t *room = bt_wr_room(wr, bytes.len);

	if (room != NULL && bytes.len != 0)
		memcpy(room, bytes.ptr, bytes.len);
}

static inline void
bt_wr_u8(struct bt_wr *wr, uint8_t v)
{
	bt_wr_bytes(wr, (struct bt_bytes){&v, 1});
}

void bt_wr_be16(struct bt_wr *wr, uint16_t v);
void bt_wr_be32(struct bt_wr *wr, uint32_t v);
void bt_wr_be64(struct bt_wr *wr, uint64_t v);
void bt_wr_le16(struct bt_wr *wr, uint16_t v);
void bt_wr_le32(struct bt_wr *wr, uint32_t v);

/* bt_wr_insert - open a gap of len bytes at offset at (<= len written), for a length that is known late; NULL: failed. */
uint8_t *bt_wr_insert(struct bt_wr *wr, size_t at, size_t len);

/* bt_wr_take - move a growing writer's bytes out. Errors: NOMEM (failed); then out is empty. The writer is done. */
int bt_wr_take(struct bt_wr *wr, struct bt_buf *out);

/* bt_wr_done - wipe and free what a growing writer holds; wipes nothing of a caller's storage. */
void bt_wr_done(struct bt_wr *wr);

static inline struct bt_bytes
bt_wr_written(const struct bt_wr *wr)
{
	return (struct bt_bytes){wr->ptr, wr->len};
}

#endif
