#include "mech/krb5/json.h"

#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Characters that have an escape of one letter, and the letters. RFC 8259 §7. */
static const char escaped[] = "\"\\/\b\f\n\r\t", letters[] = "\"\\/bfnrt";

/* ---- reading ---- */

/* The next byte that is not white space, or -1; it is not read. */
static int
look(struct bt_rd *rd)
{
	int c;

	while ((c = bt_rd_peek(rd)) == ' ' || c == '\t' || c == '\n' || c == '\r')
		bt_rd_u8(rd);
	return rd->failed ? -1 : c;
}

static void
expect(struct bt_rd *rd, char c)
{
	if (look(rd) != c)
		bt_rd_fail(rd);
	bt_rd_u8(rd);
}

static bool
read_word(struct bt_rd *rd, const char *word)
{
	struct bt_bytes want = bt_bytes_of_str(word);

	look(rd);
	if (rd->failed || !bt_bytes_has_prefix(bt_bytes_of(rd->ptr, rd->left), want))
		return false;
	bt_rd_bytes(rd, want.len);
	return true;
}

void
bt_krb5_json_begin(struct bt_rd *rd)
{
	expect(rd, '[');
}

void
bt_krb5_json_comma(struct bt_rd *rd)
{
	expect(rd, ',');
}

void
bt_krb5_json_end(struct bt_rd *rd)
{
	expect(rd, ']');
}

bool
bt_krb5_json_next(struct bt_rd *rd, size_t *num)
{
	if (look(rd) == ']') {
		bt_rd_u8(rd);
		return false;
	}
	if (*num != 0)
		expect(rd, ',');
	++*num;
	return !rd->failed;
}

bool
bt_krb5_json_null(struct bt_rd *rd)
{
	return read_word(rd, "null");
}

bool
bt_krb5_json_array(struct bt_rd *rd)
{
	return look(rd) == '[';
}

bool
bt_krb5_json_bool(struct bt_rd *rd)
{
	if (read_word(rd, "true"))
		return true;
	if (!read_word(rd, "false"))
		bt_rd_fail(rd);
	return false;
}

int64_t
bt_krb5_json_number(struct bt_rd *rd, int64_t min, int64_t max)
{
	bool is_negative = look(rd) == '-';
	uint64_t value = 0, limit = is_negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
	size_t num_digits = 0;
	int64_t number;
	int c;

	if (is_negative)
		bt_rd_u8(rd);
	for (; (c = bt_rd_peek(rd)) >= '0' && c <= '9'; num_digits++) {
		uint64_t digit = (uint64_t)(bt_rd_u8(rd) - '0');

		/* No leading zeros, and nothing past the limit. */
		if ((num_digits == 1 && value == 0) || value > (limit - digit) / 10)
			bt_rd_fail(rd);
		value = value * 10 + digit;
	}
	if (num_digits == 0)
		bt_rd_fail(rd);
	if (rd->failed)
		return 0;
	number = is_negative ? (int64_t)(0 - value) : (int64_t)value;
	if (number < min || number > max) {
		bt_rd_fail(rd);
		return 0;
	}
	return number;
}

static unsigned
read_hex(struct bt_rd *rd)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++) {
		uint8_t c = bt_rd_u8(rd);

		if (c >= '0' && c <= '9')
			value = value << 4 | (unsigned)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value = value << 4 | (unsigned)((c | 0x20) - 'a' + 10);
		else
			bt_rd_fail(rd);
	}
	return value;
}

/* What follows a backslash. A number is one byte, as there are only bytes here: so MIT's library writes control characters. */
static uint8_t
read_escape(struct bt_rd *rd)
{
	uint8_t letter = bt_rd_u8(rd);
	const char *at;
	unsigned value;

	if (letter == 'u') {
		value = read_hex(rd);
		if (value == 0 || value > 0xff)
			bt_rd_fail(rd);
		return (uint8_t)value;
	}
	at = letter != '\0' ? strchr(letters, letter) : NULL;
	if (at == NULL) {
		bt_rd_fail(rd);
		return 0;
	}
	return (uint8_t)escaped[at - letters];
}

int
bt_krb5_json_text(struct bt_rd *rd, char **out)
{
	struct bt_wr wr;
	struct bt_buf text;
	uint8_t c = 0;
	int e;

	*out = NULL;
	bt_wr_init(&wr);
	expect(rd, '"');
	while (!rd->failed && (c = bt_rd_u8(rd)) != '"') {
		if (c < ' ')
			bt_rd_fail(rd);
		bt_wr_u8(&wr, c == '\\' ? read_escape(rd) : c);
	}
	bt_wr_u8(&wr, '\0');
	if (rd->failed) {
		bt_wr_done(&wr);
		return 0;
	}
	if ((e = bt_wr_take(&wr, &text)) == 0)
		*out = (char *)text.ptr;
	return e;
}

/* Four characters to up to three bytes; is_last: it may end with one or two '='. False: not base64. */
static bool
decode_quad(const char *quad, bool is_last, struct bt_wr *out)
{
	size_t num = 4;
	uint32_t bits = 0;

	while (is_last && num > 2 && quad[num - 1] == '=')
		num--;
	for (size_t i = 0; i < 4; i++) {
		const char *at = i < num ? memchr(base64, quad[i], 64) : base64;

		if (at == NULL)
			return false;
		bits = bits << 6 | (uint32_t)(at - base64);
	}
	for (size_t i = 0; i < 3; i++) {
		uint8_t byte = (uint8_t)(bits >> (16 - 8 * i));

		if (i + 1 < num)
			bt_wr_u8(out, byte);
		else if (byte != 0)
			return false; /* loose bits */
	}
	return true;
}

int
bt_krb5_json_binary(struct bt_rd *rd, struct bt_buf *out)
{
	struct bt_wr wr;
	char *text;
	size_t len;
	int e = bt_krb5_json_text(rd, &text);

	*out = (struct bt_buf){0};
	if (e != 0 || text == NULL)
		return e;
	len = strlen(text);
	bt_wr_init(&wr);
	if (len % 4 != 0)
		bt_rd_fail(rd);
	for (size_t i = 0; i < len && !rd->failed; i += 4)
		if (!decode_quad(text + i, i + 4 == len, &wr))
			bt_rd_fail(rd);
	bt_mem_free_secret(text, len);
	if (!rd->failed && len != 0)
		e = bt_wr_take(&wr, out);
	bt_wr_done(&wr);
	return e;
}

int
bt_krb5_json_finish(struct bt_rd *rd)
{
	look(rd);
	return bt_rd_end(rd) != 0 ? BT_ERR_DEFECTIVE_TOKEN : 0;
}

/* ---- writing ---- */

void
bt_krb5_json_put(struct bt_wr *wr, const char *punctuation)
{
	bt_wr_bytes(wr, bt_bytes_of_str(punctuation));
}

void
bt_krb5_json_put_bool(struct bt_wr *wr, bool value)
{
	bt_krb5_json_put(wr, value ? "true" : "false");
}

void
bt_krb5_json_put_number(struct bt_wr *wr, int64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)value);
	bt_krb5_json_put(wr, text);
}

static void
put_character(struct bt_wr *wr, char c)
{
	const char *at = strchr(escaped, c);
	char text[8];

	if (at != NULL && c != '/') {
		snprintf(text, sizeof text, "\\%c", letters[at - escaped]);
		bt_krb5_json_put(wr, text);
	} else if ((uint8_t)c < ' ') {
		snprintf(text, sizeof text, "\\u%04X", (unsigned)(uint8_t)c);
		bt_krb5_json_put(wr, text);
	} else {
		bt_wr_u8(wr, (uint8_t)c);
	}
}

void
bt_krb5_json_put_text(struct bt_wr *wr, const char *text)
{
	if (text == NULL) {
		bt_krb5_json_put(wr, "null");
		return;
	}
	bt_wr_u8(wr, '"');
	for (; *text != '\0'; text++)
		put_character(wr, *text);
	bt_wr_u8(wr, '"');
}

void
bt_krb5_json_put_binary(struct bt_wr *wr, struct bt_bytes bytes)
{
	bt_wr_u8(wr, '"');
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t num = bytes.len - i < 3 ? bytes.len - i : 3;
		uint32_t bits = 0;

		for (size_t j = 0; j < 3; j++)
			bits = bits << 8 | (j < num ? bytes.ptr[i + j] : 0);
		for (size_t j = 0; j < 4; j++)
			bt_wr_u8(wr, j <= num ? (uint8_t)base64[bits >> (18 - 6 * j) & 63] : '=');
	}
	bt_wr_u8(wr, '"');
}
