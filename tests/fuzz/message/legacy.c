/*
 * Tokens of RFC 1964 are never taken when they were changed, but for the number of RC4's that are not sealed, which nothing protects;
 * always when they were not; and a refusal leaves nothing.
 *
 * Input: enctype and kind of token, its text, and a script that spoils it; or bytes that are a token by themselves.
 */
#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
is_same_token(const struct bt_buf *a, const struct bt_buf *b, bool is_malleable)
{
	size_t number = 13 + 8 + (a->ptr[1] < 0x80 ? 0 : a->ptr[1] & 0x7f);

	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++)
		if (a->ptr[i] != b->ptr[i] && !(is_malleable && i >= number && i < number + 4))
			return false;
	return true;
}

/* As gss_unwrap has it, or as a STREAM. */
static int
open_token(struct ends *ends, const struct bt_buf *token, bool as_stream, struct bt_bytes want)
{
	struct bt_buf copy = own(token->ptr, token->len), out = {0};
	struct bt_msg_iov iov[] = {{.type = BT_MSG_IOV_STREAM, .ptr = copy.ptr, .len = copy.len},
				   {.type = BT_MSG_IOV_DATA, .allocate = true}};
	enum bt_msg_order order;
	bool conf;
	int e;

	if (as_stream) {
		e = bt_msg_unwrap_iov(ends->to, iov, 2, &conf, &order);
		out = (struct bt_buf){iov[1].ptr, iov[1].len};
	} else
		e = bt_msg_unwrap(ends->to, bt_bytes_of_buf(&copy), &out, &conf, &order);
	if (e != 0) {
		must(out.ptr == NULL && !conf);
		must_be_unchanged(ends);
	} else
		must(bt_bytes_equal(bt_bytes_of_buf(&out), want));
	bt_buf_free(&out);
	free(copy.ptr);
	return e;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	enum { SEALED, CLEAR, MIC, RAW };
	struct bt_rd rd = bt_rd_of(bt_bytes_of(data, len));
	uint8_t how = bt_rd_u8(&rd), kind = how >> 1 & 3;
	bool is_rc4 = how & 1, as_stream = how & 8, is_same;
	struct bt_msg_state state = {
	    .is_initiator = how & 16,
	    .detects_replay = true,
	    .detects_sequence = true,
	    .subkey = fuzz_key(is_rc4 ? BT_CRYPTO_ARCFOUR_HMAC : BT_CRYPTO_DES3_CBC_SHA1, 'k'),
	};
	struct bt_buf token, spoilt;
	enum bt_msg_order order;
	struct bt_bytes text;
	struct ends ends;
	size_t text_len;
	int e;

	must(bt_msg_new(&state, &ends.from) == 0);
	state.is_initiator = !state.is_initiator;
	must(bt_msg_new(&state, &ends.to) == 0);
	ends.before = state;
	if (kind == RAW) {
		text = bt_rd_rest(&rd);
		spoilt = own(text.ptr, text.len);
		must(open_token(&ends, &spoilt, as_stream, text) != 0);
		must(bt_msg_verify_mic(ends.to, text, bt_bytes_of_buf(&spoilt), &order) != 0);
	} else {
		text_len = bt_rd_u8(&rd);
		text = bt_rd_bytes(&rd, text_len < rd.left ? text_len : rd.left);
		must((kind == MIC ? bt_msg_get_mic(ends.from, text, &token)
				  : bt_msg_wrap(ends.from, kind == SEALED, text, &token)) == 0);
		spoilt = spoil(bt_bytes_of_buf(&token), &rd);
		is_same = is_same_token(&token, &spoilt, is_rc4 && kind != SEALED);
		e = kind == MIC ? bt_msg_verify_mic(ends.to, text, bt_bytes_of_buf(&spoilt), &order)
				: open_token(&ends, &spoilt, as_stream, text);
		must((e == 0) == is_same);
		if (e != 0)
			must_be_unchanged(&ends);
		bt_buf_free(&token);
	}
	free(spoilt.ptr);
	ends_done(&ends);
	return 0;
}
