#include "base/oid.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/err.h"

/* One base-128 arc; refuses padding (a leading 0x80) and what does not fit in 64 bits. X.690 §8.19.2. */
static bool
read_arc(struct bt_rd *rd, uint64_t *arc)
{
	uint8_t octet = bt_rd_u8(rd);

	*arc = 0;
	if (octet == 0x80)
		bt_rd_fail(rd);
	while (!rd->failed) {
		if (*arc >> 57 != 0)
			bt_rd_fail(rd);
		*arc = *arc << 7 | (octet & 0x7f);
		if ((octet & 0x80) == 0)
			break;
		octet = bt_rd_u8(rd);
	}
	return !rd->failed;
}

bool
bt_oid_is_valid(struct bt_bytes oid)
{
	bool at_start = true;

	if (oid.len == 0 || oid.len > BT_OID_MAX)
		return false;
	for (size_t i = 0; i < oid.len; i++) {
		if (at_start && oid.ptr[i] == 0x80)
			return false;
		at_start = (oid.ptr[i] & 0x80) == 0;
	}
	return at_start;
}

static void
print_arc(struct bt_wr *out, uint64_t arc)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRIu64 " ", arc);
	bt_wr_bytes(out, bt_bytes_of_str(text));
}

int
bt_oid_print(struct bt_bytes oid, struct bt_wr *out)
{
	struct bt_rd rd = bt_rd_of(oid);
	uint64_t arc;

	if (!bt_oid_is_valid(oid) || !read_arc(&rd, &arc))
		return BT_ERR_MALFORMED;
	bt_wr_bytes(out, bt_bytes_of_str("{ "));
	/* The first two arcs share one number: 40 * first + second, second < 40 below first arc 2. X.690 §8.19.4. */
	print_arc(out, arc < 80 ? arc / 40 : 2);
	print_arc(out, arc < 80 ? arc % 40 : arc - 80);
	while (rd.left != 0) {
		if (!read_arc(&rd, &arc))
			return BT_ERR_MALFORMED;
		print_arc(out, arc);
	}
	bt_wr_bytes(out, bt_bytes_of_str("}"));
	return out->failed ? BT_ERR_NOMEM : 0;
}

static void
write_arc(struct bt_wr *out, uint64_t arc)
{
	int shift = 63;

	while (shift > 0 && arc >> shift == 0)
		shift -= 7;
	for (; shift >= 0; shift -= 7)
		bt_wr_u8(out, (uint8_t)((arc >> shift & 0x7f) | (shift != 0 ? 0x80 : 0)));
}

static bool
is_space(int c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\v' || c == '\f' || c == '\r';
}

static void
skip_space(struct bt_rd *rd)
{
	while (is_space(bt_rd_peek(rd)))
		bt_rd_u8(rd);
}

static bool
is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool
parse_arc(struct bt_rd *rd, uint64_t *arc)
{
	bool any = false;

	*arc = 0;
	for (; is_digit(bt_rd_peek(rd)); any = true) {
		if (*arc > (UINT64_MAX - 9) / 10)
			return false;
		*arc = *arc * 10 + (uint64_t)(bt_rd_u8(rd) - '0');
	}
	return any;
}

/* White space and dots in any number. */
static void
skip_separator(struct bt_rd *rd)
{
	while (is_space(bt_rd_peek(rd)) || bt_rd_peek(rd) == '.')
		bt_rd_u8(rd);
}

int
bt_oid_read(struct bt_rd *rd, struct bt_wr *out)
{
	uint64_t first, second, arc;
	bool in_braces;

	skip_space(rd);
	if ((in_braces = bt_rd_peek(rd) == '{'))
		bt_rd_u8(rd);
	skip_space(rd);
	if (!parse_arc(rd, &first) || first > 2)
		return BT_ERR_MALFORMED;
	skip_separator(rd);
	if (!parse_arc(rd, &second) || (first < 2 && second > 39) || second > UINT64_MAX - 80)
		return BT_ERR_MALFORMED;
	write_arc(out, first * 40 + second);
	for (skip_separator(rd); is_digit(bt_rd_peek(rd)); skip_separator(rd)) {
		if (!parse_arc(rd, &arc))
			return BT_ERR_MALFORMED;
		write_arc(out, arc);
	}
	if (in_braces && bt_rd_u8(rd) != '}')
		return BT_ERR_MALFORMED;
	return out->failed ? BT_ERR_NOMEM : 0;
}

int
bt_oid_parse(struct bt_bytes text, struct bt_wr *out)
{
	struct bt_rd rd = bt_rd_of(text);
	int e;

	if ((e = bt_oid_read(&rd, out)) != 0)
		return e;
	skip_space(&rd);
	return bt_rd_end(&rd) == 0 ? 0 : BT_ERR_MALFORMED;
}
