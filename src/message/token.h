/*
 * token - the 16 byte header that begins every per-message token. RFC 4121 §4.2.6.
 */
#ifndef BT_MESSAGE_TOKEN_H
#define BT_MESSAGE_TOKEN_H

#include <stdint.h>

#include "base/bytes.h"
#include "message/limits.h"

/* TOK_ID. RFC 4121 §4.2.6.1, §4.2.6.2. */
enum { BT_MSG_TOKEN_MIC = 0x0404, BT_MSG_TOKEN_WRAP = 0x0504 };

/* Flags. RFC 4121 §4.2.2. */
enum { BT_MSG_SENT_BY_ACCEPTOR = 1, BT_MSG_SEALED = 2, BT_MSG_ACCEPTOR_SUBKEY = 4 };

struct bt_msg_token {
	uint16_t id;
	uint8_t flags; /* unknown ones are kept: they are covered by the checksum */
	uint16_t ec;   /* extra count; 0xffff in a MIC token, which has filler there */
	uint16_t rrc;  /* right rotation count; 0xffff in a MIC token */
	uint64_t seq;  /* SND_SEQ */
};

void bt_msg_token_write(const struct bt_msg_token *token, uint8_t header[static BT_MSG_HEADER_LEN]);

/*
 * bt_msg_token_read - the header at the beginning of bytes, which must be of a token with this id.
 * Errors: BAD_TOK_HEADER (another id, or filler that is not FF), TOK_TRUNC; then token is zeroed.
 */
int bt_msg_token_read(struct bt_bytes bytes, uint16_t id, struct bt_msg_token *token);

#endif
