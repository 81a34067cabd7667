/*
 * However a token is spread over buffers, unwrap_iov gives the text that was wrapped or an error; and an error leaves nothing
 * allocated and no mark in the window.
 *
 * Input: kind of context, how the token is made, its text, a script that spoils it, and the buffers it is dealt out to.
 */
#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { MAX_IOV = 24 };

/* One token in one piece: from plain wrap, or from the IOV call without TRAILER or with one. */
static struct bt_buf
make_token(struct ends *ends, uint8_t how, struct bt_bytes text)
{
	struct bt_buf data = own(text.ptr, text.len), token;
	struct bt_msg_iov iov[] = {{.type = BT_MSG_IOV_HEADER, .allocate = true},
				   {.type = BT_MSG_IOV_DATA, .ptr = data.ptr, .len = data.len},
				   {.type = how & 2 ? BT_MSG_IOV_TRAILER : BT_MSG_IOV_EMPTY, .allocate = true}};
	struct bt_wr wr;

	bt_wr_init(&wr);
	if ((how & 6) == 0) {
		must(bt_msg_wrap(ends->from, how & 1, text, &token) == 0);
		bt_wr_bytes(&wr, bt_bytes_of_buf(&token));
		bt_buf_free(&token);
	} else {
		must(bt_msg_wrap_iov(ends->from, how & 1, iov, 3) == 0);
		for (size_t i = 0; i < 3; i++)
			bt_wr_bytes(&wr, bt_bytes_of(iov[i].ptr, iov[i].len));
		bt_mem_free(iov[0].ptr);
		bt_mem_free(iov[2].ptr);
	}
	free(data.ptr);
	must(bt_wr_take(&wr, &token) == 0);
	return token;
}

/* Deal the token's bytes out to buffers of the script's types and lengths; the last gets what is left. */
static size_t
deal(struct bt_bytes token, struct bt_rd *script, struct bt_msg_iov *iov, struct bt_buf *blocks)
{
	static const enum bt_msg_iov_type types[] = {BT_MSG_IOV_HEADER,	 BT_MSG_IOV_DATA,   BT_MSG_IOV_TRAILER,
						     BT_MSG_IOV_DATA,	 BT_MSG_IOV_STREAM, BT_MSG_IOV_SIGN_ONLY,
						     BT_MSG_IOV_PADDING, BT_MSG_IOV_EMPTY};
	struct bt_rd rd = bt_rd_of(token);
	size_t num = 0;

	while (num < MAX_IOV && script->left >= 2) {
		uint8_t type = bt_rd_u8(script), len = bt_rd_u8(script);
		size_t take = len == 255 || len > rd.left ? rd.left : len;
		struct bt_bytes piece = bt_rd_bytes(&rd, take);

		blocks[num] = own(piece.ptr, piece.len);
		iov[num] = (struct bt_msg_iov){
		    .type = types[type % 8], .allocate = type & 0x80, .ptr = blocks[num].ptr, .len = blocks[num].len};
		num++;
	}
	return num;
}

/* What the receiver ends up with: DATA, and where nothing was encrypted also SIGN_ONLY, is the text. */
static void
must_be_text(const struct bt_msg_iov *iov, size_t num, bool conf, struct bt_bytes text)
{
	struct bt_rd rd = bt_rd_of(text);

	for (size_t i = 0; i < num; i++)
		if (iov[i].type == BT_MSG_IOV_DATA || iov[i].type == BT_MSG_IOV_SIGN_ONLY) {
			must(!conf || iov[i].type == BT_MSG_IOV_DATA || iov[i].len == 0);
			must(bt_bytes_equal(bt_rd_bytes(&rd, iov[i].len), bt_bytes_of(iov[i].ptr, iov[i].len)));
		}
	must(bt_rd_end(&rd) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bt_rd rd = bt_rd_of(bt_bytes_of(data, len));
	struct ends ends = ends_of(bt_rd_u8(&rd));
	uint8_t how = bt_rd_u8(&rd);
	size_t text_len = bt_rd_u8(&rd), num;
	struct bt_bytes text = bt_rd_bytes(&rd, text_len < rd.left ? text_len : rd.left);
	struct bt_buf token = make_token(&ends, how, text), spoilt = spoil(bt_bytes_of_buf(&token), &rd), blocks[MAX_IOV];
	struct bt_msg_iov iov[MAX_IOV], given[MAX_IOV];
	enum bt_msg_order order;
	bool conf;

	num = deal(bt_bytes_of_buf(&spoilt), &rd, iov, blocks);
	memcpy(given, iov, sizeof given);
	if (bt_msg_unwrap_iov(ends.to, iov, num, &conf, &order) == 0) {
		must(conf == (how & 1) && order == BT_MSG_IN_ORDER);
		must_be_text(iov, num, conf, text);
	} else {
		must(!conf);
		must_be_unchanged(&ends);
		for (size_t i = 0; i < num; i++)
			must(!iov[i].was_allocated && iov[i].ptr == given[i].ptr && iov[i].len == given[i].len);
	}
	for (size_t i = 0; i < num; i++) {
		if (iov[i].was_allocated)
			bt_mem_free(iov[i].ptr);
		free(blocks[i].ptr);
	}
	bt_buf_free(&token);
	free(spoilt.ptr);
	ends_done(&ends);
	return 0;
}
