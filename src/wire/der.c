#include "wire/der.h"

#include "base/oid.h"

enum { LONG_FORM = 0x80, TAG_NUMBER = 0x1f };

size_t
bt_der_length(struct bt_rd *rd)
{
	uint8_t first = bt_rd_u8(rd);
	struct bt_bytes octets;
	size_t len = 0;

	if (first < LONG_FORM)
		return first;
	octets = bt_rd_bytes(rd, first & ~LONG_FORM);
	if (octets.len == 0 || octets.len > 4 || octets.ptr[0] == 0)
		bt_rd_fail(rd);
	for (size_t i = 0; i < octets.len && !rd->failed; i++)
		len = len << 8 | octets.ptr[i];
	if (len < LONG_FORM)
		bt_rd_fail(rd);
	return rd->failed ? 0 : len;
}

struct bt_rd
bt_der_enter(struct bt_rd *rd, uint8_t tag)
{
	struct bt_rd child = {0};
	struct bt_bytes contents;

	if (bt_rd_u8(rd) != tag)
		bt_rd_fail(rd);
	contents = bt_rd_bytes(rd, bt_der_length(rd));
	if (!rd->failed)
		child = bt_rd_of(contents);
	child.failed = rd->failed;
	return child;
}

struct bt_rd
bt_der_enter_optional(struct bt_rd *rd, uint8_t tag, bool *present)
{
	*present = bt_rd_peek(rd) == tag;
	return *present ? bt_der_enter(rd, tag) : bt_rd_of((struct bt_bytes){0});
}

struct bt_bytes
bt_der_skip(struct bt_rd *rd)
{
	const uint8_t *start = rd->ptr;

	/* Number 31 says that the tag goes on: nothing that is read here has such tags. X.690 §8.1.2.4. */
	if ((bt_rd_u8(rd) & TAG_NUMBER) == TAG_NUMBER)
		bt_rd_fail(rd);
	bt_rd_bytes(rd, bt_der_length(rd));
	return rd->failed ? (struct bt_bytes){0} : bt_bytes_of(start, (size_t)(rd->ptr - start));
}

static struct bt_bytes
contents_of(struct bt_rd *rd, uint8_t tag)
{
	struct bt_rd child = bt_der_enter(rd, tag);

	return bt_rd_rest(&child);
}

int64_t
bt_der_int(struct bt_rd *rd)
{
	struct bt_bytes octets = contents_of(rd, BT_DER_INTEGER);
	uint64_t v;

	if (octets.len == 0 || octets.len > 8)
		bt_rd_fail(rd);
	/* The first nine bits must not be all the same: then one octet less would do. X.690 §8.3.2. */
	else if (octets.len > 1 && (octets.ptr[0] == 0 || octets.ptr[0] == 0xff) && (octets.ptr[0] ^ octets.ptr[1]) < 0x80)
		bt_rd_fail(rd);
	if (rd->failed)
		return 0;
	v = (octets.ptr[0] & 0x80) != 0 ? UINT64_MAX : 0;
	for (size_t i = 0; i < octets.len; i++)
		v = v << 8 | octets.ptr[i];
	return (int64_t)v;
}

struct bt_bytes
bt_der_octets(struct bt_rd *rd)
{
	return contents_of(rd, BT_DER_OCTET_STRING);
}

struct bt_bytes
bt_der_oid(struct bt_rd *rd)
{
	struct bt_bytes oid = contents_of(rd, BT_DER_OID);

	if (rd->failed || bt_oid_is_valid(oid))
		return oid;
	bt_rd_fail(rd);
	return (struct bt_bytes){0};
}

struct bt_bytes
bt_der_string(struct bt_rd *rd)
{
	return contents_of(rd, BT_DER_GENERAL_STRING);
}

uint32_t
bt_der_flags(struct bt_rd *rd)
{
	struct bt_bytes octets = contents_of(rd, BT_DER_BIT_STRING);
	uint32_t flags = 0;
	uint8_t num_unused, last;

	if (octets.len == 0) {
		bt_rd_fail(rd);
		return 0;
	}
	num_unused = octets.ptr[0];
	last = octets.len > 1 ? octets.ptr[octets.len - 1] : 0;
	/* Unused bits exist only in a last octet, and DER has them zero. X.690 §8.6.2, §11.2.1. */
	if (num_unused > 7 || (num_unused != 0 && octets.len == 1) || (last & ((1u << num_unused) - 1)) != 0) {
		bt_rd_fail(rd);
		return 0;
	}
	/* Shorter strings come from before RFC 4120; what they leave out is zero. */
	for (size_t i = 1; i < octets.len && i <= 4; i++)
		flags |= (uint32_t)octets.ptr[i] << (32 - 8 * i);
	return flags;
}

/* ---- time ---- */

enum { TIME_LEN = 15, SECONDS_PER_DAY = 86400, DAYS_0_TO_1970 = 719528 };

static bool
is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int
days_in(int64_t year, int month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970-01-01 to the first of January of a year, 0 or later. */
static int64_t
days_before_year(int64_t year)
{
	int64_t last = year - 1, num_leap = year > 0 ? last / 4 - last / 100 + last / 400 + 1 : 0;

	return year * 365 + num_leap - DAYS_0_TO_1970;
}

/* num decimal digits; anything else fails. */
static int
read_digits(struct bt_rd *rd, int num)
{
	int v = 0;

	for (int i = 0; i < num; i++) {
		uint8_t c = bt_rd_u8(rd);

		if (c < '0' || c > '9')
			bt_rd_fail(rd);
		else
			v = v * 10 + (c - '0');
	}
	return v;
}

int64_t
bt_der_time(struct bt_rd *rd)
{
	struct bt_rd text = bt_der_enter(rd, BT_DER_GENERALIZED_TIME);
	int year = read_digits(&text, 4), month = read_digits(&text, 2), day = read_digits(&text, 2);
	int hour = read_digits(&text, 2), minute = read_digits(&text, 2), second = read_digits(&text, 2);
	int64_t days;

	if (bt_rd_u8(&text) != 'Z' || bt_rd_end(&text) != 0 || month < 1 || month > 12 || day < 1 ||
	    day > days_in(year, month) || hour > 23 || minute > 59 || second > 59) {
		bt_rd_fail(rd);
		return 0;
	}
	days = days_before_year(year) + day - 1;
	for (int m = 1; m < month; m++)
		days += days_in(year, m);
	return days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
}

static void
write_digits(uint8_t *p, int num, int64_t v)
{
	while (num-- > 0) {
		p[num] = (uint8_t)('0' + v % 10);
		v /= 10;
	}
}

void
bt_der_put_time(struct bt_wr *wr, int64_t at)
{
	uint8_t text[TIME_LEN];
	int64_t year, days, second;
	int month = 1;

	/* Four digits of year are all there is. */
	if (at < days_before_year(0) * SECONDS_PER_DAY || at >= days_before_year(10000) * SECONDS_PER_DAY) {
		wr->failed = true;
		return;
	}
	second = (at % SECONDS_PER_DAY + SECONDS_PER_DAY) % SECONDS_PER_DAY;
	days = (at - second) / SECONDS_PER_DAY;
	/* 146097 days are 400 years: a guess that is off by one at most. */
	year = (days + DAYS_0_TO_1970) * 400 / 146097;
	while (year > 0 && days_before_year(year) > days)
		year--;
	while (days_before_year(year + 1) <= days)
		year++;
	days -= days_before_year(year);
	for (; days >= days_in(year, month); month++)
		days -= days_in(year, month);
	write_digits(text, 4, year);
	write_digits(text + 4, 2, month);
	write_digits(text + 6, 2, days + 1);
	write_digits(text + 8, 2, second / 3600);
	write_digits(text + 10, 2, second / 60 % 60);
	write_digits(text + 12, 2, second % 60);
	text[14] = 'Z';
	bt_der_put(wr, BT_DER_GENERALIZED_TIME, bt_bytes_of(text, sizeof text));
}

/* ---- writing ---- */

/* The length octets for len into octets; returns how many, or 0 if len is beyond what this room reads. */
static size_t
length_octets(size_t len, uint8_t octets[static 5])
{
	size_t num = 1;

	if (len > UINT32_MAX)
		return 0;
	if (len < LONG_FORM) {
		octets[0] = (uint8_t)len;
		return 1;
	}
	while (num < 4 && len >> (8 * num) != 0)
		num++;
	octets[0] = (uint8_t)(LONG_FORM | num);
	for (size_t i = 0; i < num; i++)
		octets[1 + i] = (uint8_t)(len >> (8 * (num - 1 - i)));
	return 1 + num;
}

size_t
bt_der_open(struct bt_wr *wr, uint8_t tag)
{
	bt_wr_u8(wr, tag);
	return wr->len;
}

void
bt_der_close(struct bt_wr *wr, size_t mark)
{
	uint8_t octets[5], *gap;
	size_t num;

	if (wr->failed)
		return;
	if ((num = length_octets(wr->len - mark, octets)) == 0)
		wr->failed = true;
	else if ((gap = bt_wr_insert(wr, mark, num)) != NULL)
		memcpy(gap, octets, num);
}

void
bt_der_put(struct bt_wr *wr, uint8_t tag, struct bt_bytes contents)
{
	uint8_t octets[5];
	size_t num = length_octets(contents.len, octets);

	if (num == 0)
		wr->failed = true;
	bt_wr_u8(wr, tag);
	bt_wr_bytes(wr, bt_bytes_of(octets, num));
	bt_wr_bytes(wr, contents);
}

void
bt_der_put_int(struct bt_wr *wr, int64_t v)
{
	uint8_t octets[8];
	size_t skip = 0;

	bt_store_be64(octets, (uint64_t)v);
	while (skip < 7 && (octets[skip] == 0 || octets[skip] == 0xff) && (octets[skip] ^ octets[skip + 1]) < 0x80)
		skip++;
	bt_der_put(wr, BT_DER_INTEGER, bt_bytes_of(octets + skip, 8 - skip));
}

void
bt_der_put_flags(struct bt_wr *wr, uint32_t flags)
{
	uint8_t octets[5] = {0};

	bt_store_be32(octets + 1, flags);
	bt_der_put(wr, BT_DER_BIT_STRING, bt_bytes_of(octets, sizeof octets));
}
