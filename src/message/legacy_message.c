#include "message/legacy.h"

#include "base/err.h"
#include "base/mem.h"

int
bt_msg_legacy_wrap(struct bt_msg *m, bool conf, struct bt_bytes text, struct bt_buf *out)
{
	size_t pad_len = bt_msg_legacy_pad_len(m, text.len), header_len, len;
	struct bt_crypto_seg segs[BT_MSG_LEGACY_SEGS + 1];
	uint8_t *token, *body;
	int e;

	if (text.len > BT_MSG_MAX)
		return BT_ERR_TOO_LARGE;
	header_len = bt_msg_legacy_header_len(m, BT_MSG_LEGACY_WRAP, text.len + pad_len);
	len = header_len + text.len + pad_len;
	if ((token = bt_mem_alloc_raw(len)) == NULL)
		return BT_ERR_NOMEM;
	body = token + header_len;
	if (text.len != 0)
		memcpy(body, text.ptr, text.len);
	memset(body + text.len, (int)pad_len, pad_len);
	segs[BT_MSG_LEGACY_SEGS] = (struct bt_crypto_seg){body, body, text.len + pad_len};
	if ((e = bt_msg_legacy_protect(m, BT_MSG_LEGACY_WRAP, conf, token, text.len + pad_len, segs, 1)) != 0) {
		bt_mem_free_secret(token, len);
		return e;
	}
	*out = (struct bt_buf){token, len};
	return 0;
}

int
bt_msg_legacy_unwrap(struct bt_msg *m, struct bt_bytes token, struct bt_buf *out, bool *conf, enum bt_msg_order *order)
{
	struct bt_crypto_seg segs[BT_MSG_LEGACY_SEGS + 1];
	struct bt_msg_legacy_token header;
	size_t len;
	uint8_t *text;
	int e;

	if ((e = bt_msg_legacy_read(m, token, BT_MSG_LEGACY_WRAP, 0, &header)) != 0)
		return e;
	len = token.len - header.len;
	if (len == 0)
		return BT_ERR_TOK_TRUNC;
	if ((text = bt_mem_alloc_raw(len)) == NULL)
		return BT_ERR_NOMEM;
	memcpy(text, token.ptr + header.len, len);
	segs[BT_MSG_LEGACY_SEGS] = (struct bt_crypto_seg){text, text, len};
	if ((e = bt_msg_legacy_open(m, &header, segs, 1, text + len - 1, len, order)) != 0) {
		bt_mem_free_secret(text, len);
		return e;
	}
	*conf = header.sealed;
	*out = (struct bt_buf){text, len - text[len - 1]};
	return 0;
}
