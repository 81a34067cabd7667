#include "base/err.h"
#include "base/mem.h"
#include "message/body.h"
#include "message/legacy.h"
#include "message/protect.h"

/* What stands in an encrypted token besides its text, filler and checksum: two headers and the confounder. */
enum { SEALED_LEN = 2 * BT_MSG_HEADER_LEN + BT_CRYPTO_BLOCK_LEN };

size_t
bt_msg_overhead(const struct bt_msg *m, bool conf)
{
	if (bt_msg_is_legacy(m))
		return bt_msg_legacy_overhead(m);
	return (conf ? SEALED_LEN : BT_MSG_HEADER_LEN) + (size_t)m->enctype[m->session]->mac_len;
}

int
bt_msg_wrap(struct bt_msg *m, bool conf, struct bt_bytes text, struct bt_buf *out)
{
	struct bt_crypto_seg segs[3];
	struct bt_msg_frame frame = {0};
	size_t len;
	uint8_t *body;
	int e;

	*out = (struct bt_buf){0};
	if (bt_msg_is_legacy(m))
		return bt_msg_legacy_wrap(m, conf, text, out);
	if (text.len > BT_MSG_MAX)
		return BT_ERR_TOO_LARGE;
	len = text.len + bt_msg_overhead(m, conf);
	if ((frame.header = bt_mem_alloc_raw(len)) == NULL)
		return BT_ERR_NOMEM;
	body = frame.header + BT_MSG_HEADER_LEN;
	if (conf) {
		/* The text goes from the caller's memory through the cipher into its place. */
		frame.confounder = body;
		body += BT_CRYPTO_BLOCK_LEN;
		frame.tail = body + text.len;
		frame.mac = frame.tail + BT_MSG_HEADER_LEN;
		segs[1] = (struct bt_crypto_seg){text.ptr, body, text.len};
	} else {
		/* Copied first, and the checksum made of the copy: the caller's memory may be shared with somebody who writes. */
		frame.mac = body + text.len;
		if (text.len != 0)
			memcpy(body, text.ptr, text.len);
		segs[1] = (struct bt_crypto_seg){body, NULL, text.len};
	}
	if ((e = bt_msg_protect(m, conf, &frame, segs, text.len != 0)) != 0) {
		bt_mem_free_secret(frame.header, len);
		return e;
	}
	*out = (struct bt_buf){frame.header, len};
	return 0;
}

static int
unwrap_sealed(struct bt_msg *m, const struct bt_msg_token *token, const struct bt_msg_way *way, const struct bt_msg_body *body,
	      struct bt_buf *out, enum bt_msg_order *order)
{
	size_t mac_len = way->enctype->mac_len, tail_len = (size_t)token->ec + BT_MSG_HEADER_LEN, plain_len, num;
	uint8_t confounder[BT_CRYPTO_BLOCK_LEN], mac[BT_CRYPTO_MAC_MAX];
	struct bt_crypto_seg segs[4];
	uint8_t *plain;
	int e;

	if (body->len < BT_CRYPTO_BLOCK_LEN + tail_len + mac_len)
		return BT_ERR_TOK_TRUNC;
	/* Filler and header are decrypted behind the text, where the caller does not see them. */
	plain_len = body->len - BT_CRYPTO_BLOCK_LEN - mac_len;
	if ((plain = bt_mem_alloc_raw(plain_len)) == NULL)
		return BT_ERR_NOMEM;
	num = bt_msg_body_cut(body, 0, BT_CRYPTO_BLOCK_LEN, confounder, segs);
	num += bt_msg_body_cut(body, BT_CRYPTO_BLOCK_LEN, plain_len, plain, segs + num);
	bt_msg_body_copy(body, BT_CRYPTO_BLOCK_LEN + plain_len, mac_len, mac);
	if ((e = bt_msg_open_sealed(m, way, token, segs, num, plain + plain_len - BT_MSG_HEADER_LEN, mac, order)) != 0) {
		bt_mem_free_secret(plain, plain_len);
		return e;
	}
	*out = (struct bt_buf){plain, plain_len - tail_len};
	return 0;
}

static int
unwrap_clear(struct bt_msg *m, const struct bt_msg_token *token, const struct bt_msg_way *way, const struct bt_msg_body *body,
	     struct bt_buf *out, enum bt_msg_order *order)
{
	size_t mac_len = way->enctype->mac_len, text_len;
	uint8_t mac[BT_CRYPTO_MAC_MAX];
	struct bt_crypto_seg segs[2];
	uint8_t *text;
	int e;

	if (token->ec != mac_len)
		return BT_ERR_BAD_TOK_HEADER;
	if (body->len < mac_len)
		return BT_ERR_TOK_TRUNC;
	text_len = body->len - mac_len;
	if ((text = bt_mem_alloc_raw(text_len)) == NULL)
		return BT_ERR_NOMEM;
	/* What is handed out is what was checked, also if somebody writes to the token meanwhile. */
	bt_msg_body_copy(body, 0, text_len, text);
	bt_msg_body_copy(body, text_len, mac_len, mac);
	segs[0] = (struct bt_crypto_seg){text, NULL, text_len};
	if ((e = bt_msg_open_clear(m, way, token, segs, text_len != 0, mac, order)) != 0) {
		bt_mem_free_secret(text, text_len);
		return e;
	}
	*out = (struct bt_buf){text, text_len};
	return 0;
}

int
bt_msg_unwrap(struct bt_msg *m, struct bt_bytes token, struct bt_buf *out, bool *conf, enum bt_msg_order *order)
{
	struct bt_msg_token header;
	struct bt_msg_way way;
	struct bt_msg_body body;
	int e;

	*out = (struct bt_buf){0};
	*conf = false;
	*order = BT_MSG_IN_ORDER;
	if (bt_msg_is_legacy(m))
		return bt_msg_legacy_unwrap(m, token, out, conf, order);
	if ((e = bt_msg_token_read(token, BT_MSG_TOKEN_WRAP, &header)) != 0 || (e = bt_msg_way_in(m, &header, &way)) != 0)
		return e;
	body = bt_msg_body_of(m, &header, token);
	if ((header.flags & BT_MSG_SEALED) == 0)
		return unwrap_clear(m, &header, &way, &body, out, order);
	if ((e = unwrap_sealed(m, &header, &way, &body, out, order)) == 0)
		*conf = true;
	return e;
}
