/*
 * protect - the one implementation of each token, over pieces that may lie anywhere. wrap.c and iov.c lay the pieces out, here they
 * get their header, are encrypted or checked, and are numbered.
 */
#ifndef BT_MESSAGE_PROTECT_H
#define BT_MESSAGE_PROTECT_H

#include "message/context.h"

/* The pieces that protecting a text adds to it. */
struct bt_msg_frame {
	uint8_t *header;     /* BT_MSG_HEADER_LEN bytes */
	uint8_t *confounder; /* BT_CRYPTO_BLOCK_LEN bytes, encrypted first; not in an integrity-only token */
	uint8_t *tail;	     /* ec bytes of filler and a copy of the header, encrypted last; not in an integrity-only token */
	uint8_t *mac;	     /* the enctype's mac_len bytes */
	uint16_t ec;	     /* filler of an encrypted token */
	uint16_t rrc;	     /* as the header shall have it: the caller did the rotation by the places it chose */
};

/*
 * bt_msg_protect - fill frame around the text, encrypting it where conf.
 *   segs  num_text pieces of text stand at segs[1] and on; segs[0] and segs[num_text + 1] are used here
 * Errors: NOMEM, CRYPTO, ENTROPY, EXHAUSTED; then nothing is encrypted and no number used.
 */
int bt_msg_protect(struct bt_msg *m, bool conf, const struct bt_msg_frame *frame, struct bt_crypto_seg *segs, size_t num_text);

/*
 * bt_msg_open_sealed - decrypt and check an encrypted token.
 *   segs  the whole message, confounder to copy of the header
 *   copy  where the copy of the header will stand, decrypted
 * Errors: NOMEM, CRYPTO, BAD_MIC, BAD_TOK_HEADER (the header is not the one that was protected). On error what was decrypted is
 * wiped.
 */
int bt_msg_open_sealed(struct bt_msg *m, const struct bt_msg_way *way, const struct bt_msg_token *token,
		       const struct bt_crypto_seg *segs, size_t num_segs, const uint8_t *copy, const uint8_t *mac,
		       enum bt_msg_order *order);

/*
 * bt_msg_open_clear - check an integrity-only token.
 *   segs  num_text pieces of text, and room for one more
 * Errors: NOMEM, CRYPTO, BAD_MIC.
 */
int bt_msg_open_clear(struct bt_msg *m, const struct bt_msg_way *way, const struct bt_msg_token *token,
		      struct bt_crypto_seg *segs, size_t num_text, const uint8_t *mac, enum bt_msg_order *order);

/* bt_msg_mic_len - bytes of a MIC token. */
size_t bt_msg_mic_len(const struct bt_msg *m);

/*
 * bt_msg_mic_make, bt_msg_mic_check - a MIC token's header and checksum.
 *   segs   num_text pieces of text, and room for two more
 *   token  bt_msg_mic_len(m) bytes; bt_msg_mic_check takes any length
 * Errors: NOMEM, CRYPTO, EXHAUSTED; and BAD_TOK_HEADER, TOK_TRUNC, BAD_DIRECTION, ENCTYPE, BAD_MIC.
 */
int bt_msg_mic_make(struct bt_msg *m, struct bt_crypto_seg *segs, size_t num_text, uint8_t *token);
int bt_msg_mic_check(struct bt_msg *m, struct bt_crypto_seg *segs, size_t num_text, struct bt_bytes token,
		     enum bt_msg_order *order);

#endif
