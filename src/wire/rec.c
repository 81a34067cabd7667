#include "wire/rec.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"

enum { LONG_FORM = 0x80, LEN_OCTETS_MAX = 3, LEN_MAX = 0xffffff };

/* A field's value as it goes on the wire. */
struct value {
	uint64_t number;    /* of all types but BYTES */
	const uint8_t *ptr; /* of BYTES */
	size_t len;	    /* of the encoding */
};

static inline size_t
number_len(uint64_t v)
{
	return v == 0 ? 0 : (size_t)(64 - __builtin_clzll(v) + 7) / 8;
}

static inline size_t
num_len_octets(size_t len)
{
	return len < LONG_FORM ? 1 : 1 + number_len(len);
}

/* Inline, and by width instead of by type: an export passes over some thirty fields twice. */
static inline struct value
value_of(const struct bt_rec_field *field, const void *record)
{
	const void *member = (const char *)record + field->offset;
	struct value v = {0};

	if (field->type == BT_REC_BYTES) {
		const struct bt_bytes *bytes = member;

		v.ptr = bytes->ptr;
		v.len = bytes->len;
		return v;
	}
	if (field->type <= BT_REC_U8)
		v.number = *(const uint8_t *)member;
	else if (field->type <= BT_REC_I32)
		v.number = *(const uint32_t *)member;
	else
		v.number = *(const uint64_t *)member;
	v.len = number_len(v.number);
	return v;
}

static inline void
store_number(const struct bt_rec_field *field, void *record, uint64_t number)
{
	void *member = (char *)record + field->offset;

	if (field->type <= BT_REC_U8)
		*(uint8_t *)member = (uint8_t)number;
	else if (field->type <= BT_REC_I32)
		*(uint32_t *)member = (uint32_t)number;
	else
		*(uint64_t *)member = number;
}

/* The widest value that the member can hold. */
static uint64_t
type_max(enum bt_rec_type type)
{
	static const uint64_t max[] = {
	    [BT_REC_BOOL] = 1,	       [BT_REC_U8] = UINT8_MAX,	  [BT_REC_U32] = UINT32_MAX, [BT_REC_I32] = UINT32_MAX,
	    [BT_REC_U64] = UINT64_MAX, [BT_REC_I64] = UINT64_MAX, [BT_REC_BYTES] = LEN_MAX,
	};

	return max[type];
}

static inline bool
is_within_bounds(const struct bt_rec_field *field, const struct value *v)
{
	uint64_t measure = field->type == BT_REC_BYTES ? v->len : v->number;

	return measure >= field->min && measure <= field->max && measure <= type_max(field->type);
}

static inline bool
is_left_out(const struct bt_rec_field *field, const struct value *v)
{
	return v->len == 0 && field->is_optional;
}

/* ---- encode ---- */

static inline size_t
field_size(const struct value *v)
{
	return 1 + num_len_octets(v->len) + v->len;
}

size_t
bt_rec_size(const struct bt_rec *rec, const void *record)
{
	size_t size = 0;

	for (size_t i = 0; i < rec->num_fields; i++) {
		struct value v = value_of(&rec->fields[i], record);

		if (!is_left_out(&rec->fields[i], &v))
			size += field_size(&v);
	}
	return size;
}

/* The last len octets of number, big-endian; what stands behind them up to end may be overwritten. */
static inline uint8_t *
put_number(uint8_t *p, const uint8_t *end, uint64_t number, size_t len)
{
	if (len == 0)
		return p;
	if (end - p >= 8) {
		bt_store_be64(p, number << (64 - 8 * len));
		return p + len;
	}
	for (size_t i = len; i > 0; i--) {
		p[i - 1] = (uint8_t)number;
		number >>= 8;
	}
	return p + len;
}

/* There is room for it. */
static inline uint8_t *
put_field(uint8_t *p, const uint8_t *end, uint8_t tag, const struct value *v)
{
	size_t num = num_len_octets(v->len) - 1;

	*p++ = tag;
	*p++ = (uint8_t)(num == 0 ? v->len : LONG_FORM | num);
	if (num != 0)
		p = put_number(p, end, v->len, num);
	if (v->ptr == NULL)
		return put_number(p, end, v->number, v->len);
	memcpy(p, v->ptr, v->len);
	return p + v->len;
}

/* All fields from *at on, which moves behind them. Errors: MALFORMED; NOMEM: they do not end before end. */
static int
put_fields(const struct bt_rec *rec, const void *record, uint8_t **at, const uint8_t *end)
{
	uint8_t *p = *at;

	for (size_t i = 0; i < rec->num_fields; i++) {
		const struct bt_rec_field *field = &rec->fields[i];
		struct value v = value_of(field, record);

		if (is_left_out(field, &v))
			continue;
		if (!is_within_bounds(field, &v))
			return BT_ERR_MALFORMED;
		if (field_size(&v) > (size_t)(end - p))
			return BT_ERR_NOMEM;
		p = put_field(p, end, field->tag, &v);
	}
	*at = p;
	return 0;
}

int
bt_rec_encode(const struct bt_rec *rec, const void *record, struct bt_wr *out)
{
	/* All at once: a writer that grew in between would move what is secret about. */
	size_t room = out->is_fixed ? out->cap - out->len : bt_rec_size(rec, record);
	uint8_t *start = bt_wr_room(out, room), *p = start;
	int e;

	if (start == NULL)
		return BT_ERR_NOMEM;
	if ((e = put_fields(rec, record, &p, start + room)) != 0) {
		bt_mem_wipe(start, room);
		out->failed = e == BT_ERR_NOMEM;
	}
	out->len -= (size_t)(start + room - p);
	return e;
}

/* ---- decode ---- */

/* A length whose first octet was read. TRUNCATED, or MALFORMED when a shorter form would have done. */
static int
read_len(struct bt_rd *rd, uint8_t first, size_t *len)
{
	struct bt_bytes octets;

	*len = first;
	if (first < LONG_FORM)
		return 0;
	if (first == LONG_FORM || first > LONG_FORM + LEN_OCTETS_MAX)
		return BT_ERR_MALFORMED;
	octets = bt_rd_bytes(rd, first - LONG_FORM);
	if (rd->failed)
		return BT_ERR_TRUNCATED;
	*len = 0;
	for (size_t i = 0; i < octets.len; i++)
		*len = *len << 8 | octets.ptr[i];
	return num_len_octets(*len) == 1 + octets.len ? 0 : BT_ERR_MALFORMED;
}

/* Of at most eight octets; as many as behind may be read after them. */
static inline uint64_t
read_number(struct bt_bytes octets, size_t behind)
{
	uint64_t number = 0;

	if (octets.len == 0)
		return 0;
	if (octets.len + behind >= 8)
		return bt_load_be64(octets.ptr) >> (64 - 8 * octets.len);
	for (size_t i = 0; i < octets.len; i++)
		number = number << 8 | octets.ptr[i];
	return number;
}

static inline int
read_field(const struct bt_rec_field *field, struct bt_rd *rd, void *record)
{
	struct bt_bytes head = bt_rd_bytes(rd, 2), octets;
	struct value v = {0};
	int e;

	if (rd->failed)
		return BT_ERR_TRUNCATED;
	if ((e = read_len(rd, head.ptr[1], &v.len)) != 0)
		return e;
	octets = bt_rd_bytes(rd, v.len);
	if (rd->failed)
		return BT_ERR_TRUNCATED;
	if (is_left_out(field, &v))
		return BT_ERR_MALFORMED;
	if (field->type == BT_REC_BYTES) {
		*(struct bt_bytes *)((char *)record + field->offset) = octets;
		return is_within_bounds(field, &v) ? 0 : BT_ERR_MALFORMED;
	}
	if (octets.len > sizeof v.number || (octets.len != 0 && octets.ptr[0] == 0))
		return BT_ERR_MALFORMED;
	v.number = read_number(octets, rd->left);
	if (!is_within_bounds(field, &v))
		return BT_ERR_MALFORMED;
	store_number(field, record, v.number);
	return 0;
}

static inline void
clear_field(const struct bt_rec_field *field, void *record)
{
	if (field->type == BT_REC_BYTES)
		*(struct bt_bytes *)((char *)record + field->offset) = (struct bt_bytes){0};
	else
		store_number(field, record, 0);
}

int
bt_rec_decode(const struct bt_rec *rec, struct bt_bytes bytes, void *record)
{
	struct bt_rd rd = bt_rd_of(bytes);
	int e = 0, last = -1, next = bt_rd_peek(&rd);

	for (size_t i = 0; i < rec->num_fields && e == 0; i++) {
		const struct bt_rec_field *field = &rec->fields[i];

		last = field->tag;
		if (next == field->tag) {
			e = read_field(field, &rd, record);
			next = bt_rd_peek(&rd);
		} else if (field->is_optional) {
			clear_field(field, record);
		} else {
			e = rd.left == 0 ? BT_ERR_TRUNCATED : BT_ERR_MALFORMED;
		}
	}
	/* Walking the table in its order has left behind whatever is repeated, out of order or not in it. */
	if (e == 0 && rd.left != 0)
		e = next > last ? BT_ERR_TRAILING : BT_ERR_MALFORMED;
	for (size_t i = 0; i < rec->num_fields && e != 0; i++)
		clear_field(&rec->fields[i], record);
	return e;
}

/* ---- compare, describe ---- */

bool
bt_rec_equal(const struct bt_rec *rec, const void *a, const void *b)
{
	bool equal = true;

	for (size_t i = 0; i < rec->num_fields; i++) {
		struct value x = value_of(&rec->fields[i], a), y = value_of(&rec->fields[i], b);

		if (x.number != y.number || x.len != y.len || (x.ptr != NULL && !bt_mem_equal(x.ptr, y.ptr, x.len)))
			equal = false;
	}
	return equal;
}

static bool
is_text(struct bt_bytes bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		if (bytes.ptr[i] < ' ' || bytes.ptr[i] > '~')
			return false;
	return true;
}

static void
describe_bytes(struct bt_bytes bytes, struct bt_wr *out)
{
	static const char digits[] = "0123456789abcdef";

	if (is_text(bytes)) {
		bt_wr_bytes(out, bytes);
		return;
	}
	for (size_t i = 0; i < bytes.len; i++) {
		bt_wr_u8(out, (uint8_t)digits[bytes.ptr[i] >> 4]);
		bt_wr_u8(out, (uint8_t)digits[bytes.ptr[i] & 0xf]);
	}
}

static void
describe_number(enum bt_rec_type type, uint64_t number, struct bt_wr *out)
{
	char text[32];

	if (type == BT_REC_I32)
		snprintf(text, sizeof text, "%" PRId32, (int32_t)number);
	else if (type == BT_REC_I64)
		snprintf(text, sizeof text, "%" PRId64, (int64_t)number);
	else
		snprintf(text, sizeof text, "%" PRIu64, number);
	bt_wr_bytes(out, bt_bytes_of_str(text));
}

void
bt_rec_describe(const struct bt_rec *rec, const void *record, struct bt_wr *out)
{
	for (size_t i = 0; i < rec->num_fields; i++) {
		const struct bt_rec_field *field = &rec->fields[i];
		struct value v = value_of(field, record);
		char text[32];

		bt_wr_bytes(out, bt_bytes_of_str(field->name));
		bt_wr_u8(out, ' ');
		if (field->is_secret) {
			snprintf(text, sizeof text, "(%zu bytes)", v.len);
			bt_wr_bytes(out, bt_bytes_of_str(text));
		} else if (field->type == BT_REC_BYTES) {
			describe_bytes(bt_bytes_of(v.ptr, v.len), out);
		} else {
			describe_number(field->type, v.number, out);
		}
		bt_wr_u8(out, '\n');
	}
}
