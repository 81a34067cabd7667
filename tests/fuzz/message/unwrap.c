/*
 * Unwrap and verify_mic never take a token that was changed, never say no to one that was not, and a refusal leaves nothing: no
 * output, no mark in the window.
 *
 * Input: kind of context, kind of token, its text, and a script that spoils it; or bytes that are a token by themselves.
 */
#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The same token in other words: nothing but RRC differs, and by a multiple of what is rotated. RFC 4121 §4.2.5. */
static bool
is_same_token(const struct bt_buf *a, const struct bt_buf *b, bool is_dce)
{
	size_t body = a->len - 16;
	uint16_t x, y, ec;

	if (a->len != b->len || a->len < 16 || memcmp(a->ptr, b->ptr, 6) != 0 ||
	    memcmp(a->ptr + 8, b->ptr + 8, a->len - 8) != 0)
		return false;
	x = bt_load_be16(a->ptr + 6);
	y = bt_load_be16(b->ptr + 6);
	ec = is_dce && (a->ptr[2] & 2) != 0 ? bt_load_be16(a->ptr + 4) : 0;
	return x == y || (x + (x != 0 ? ec : 0)) % body == (y + (y != 0 ? ec : 0)) % body;
}

static void
unwrap_raw(struct ends *ends, struct bt_bytes bytes)
{
	struct bt_buf token = own(bytes.ptr, bytes.len), out;
	enum bt_msg_order order;
	bool conf;

	if (bt_msg_unwrap(ends->to, bt_bytes_of_buf(&token), &out, &conf, &order) != 0) {
		must(out.ptr == NULL && out.len == 0 && !conf);
		must_be_unchanged(ends);
	}
	bt_buf_free(&out);
	if (bt_msg_verify_mic(ends->to, bt_bytes_of_str("text"), bt_bytes_of_buf(&token), &order) != 0)
		must(order == BT_MSG_IN_ORDER);
	free(token.ptr);
}

static void
unwrap_spoilt(struct ends *ends, bool conf, struct bt_bytes text, struct bt_rd *script)
{
	struct bt_buf token, spoilt, out;
	enum bt_msg_order order;
	bool got_conf, is_same;
	int e;

	must(bt_msg_wrap(ends->from, conf, text, &token) == 0);
	spoilt = spoil(bt_bytes_of_buf(&token), script);
	is_same = is_same_token(&token, &spoilt, ends->before.is_dce);
	e = bt_msg_unwrap(ends->to, bt_bytes_of_buf(&spoilt), &out, &got_conf, &order);
	must((e == 0) == is_same);
	if (e == 0) {
		must(bt_bytes_equal(bt_bytes_of_buf(&out), text) && got_conf == conf && order == BT_MSG_IN_ORDER);
	} else {
		must(out.ptr == NULL && out.len == 0 && !got_conf);
		must_be_unchanged(ends);
	}
	bt_buf_free(&out);
	bt_buf_free(&token);
	free(spoilt.ptr);
}

static void
verify_spoilt(struct ends *ends, struct bt_bytes text, struct bt_rd *script)
{
	struct bt_buf token, spoilt;
	enum bt_msg_order order;
	bool is_same;

	must(bt_msg_get_mic(ends->from, text, &token) == 0);
	spoilt = spoil(bt_bytes_of_buf(&token), script);
	is_same = bt_bytes_equal(bt_bytes_of_buf(&token), bt_bytes_of_buf(&spoilt));
	must((bt_msg_verify_mic(ends->to, text, bt_bytes_of_buf(&spoilt), &order) == 0) == is_same);
	if (!is_same)
		must_be_unchanged(ends);
	bt_buf_free(&token);
	free(spoilt.ptr);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bt_rd rd = bt_rd_of(bt_bytes_of(data, len));
	struct ends ends = ends_of(bt_rd_u8(&rd));
	uint8_t kind = bt_rd_u8(&rd) % 4;
	struct bt_bytes text;

	if (kind == 0) {
		unwrap_raw(&ends, bt_rd_rest(&rd));
	} else {
		size_t text_len = bt_rd_u8(&rd);

		text = bt_rd_bytes(&rd, text_len < rd.left ? text_len : rd.left);
		if (kind == 3)
			verify_spoilt(&ends, text, &rd);
		else
			unwrap_spoilt(&ends, kind == 1, text, &rd);
	}
	ends_done(&ends);
	return 0;
}
