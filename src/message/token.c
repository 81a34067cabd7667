#include "message/token.h"

#include "base/err.h"

void
bt_msg_token_write(const struct bt_msg_token *token, uint8_t header[static BT_MSG_HEADER_LEN])
{
	bt_store_be16(header, token->id);
	header[2] = token->flags;
	header[3] = 0xff;
	bt_store_be16(header + 4, token->ec);
	bt_store_be16(header + 6, token->rrc);
	bt_store_be64(header + 8, token->seq);
}

int
bt_msg_token_read(struct bt_bytes bytes, uint16_t id, struct bt_msg_token *token)
{
	struct bt_rd rd = bt_rd_of(bytes);
	uint8_t filler;

	token->id = bt_rd_be16(&rd);
	token->flags = bt_rd_u8(&rd);
	filler = bt_rd_u8(&rd);
	token->ec = bt_rd_be16(&rd);
	token->rrc = bt_rd_be16(&rd);
	token->seq = bt_rd_be64(&rd);
	if (!rd.failed && token->id == id && filler == 0xff &&
	    (id != BT_MSG_TOKEN_MIC || (token->ec == 0xffff && token->rrc == 0xffff)))
		return 0;
	*token = (struct bt_msg_token){0};
	return rd.failed ? BT_ERR_TOK_TRUNC : BT_ERR_BAD_TOK_HEADER;
}
