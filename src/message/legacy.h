/*
 * legacy - the tokens of RFC 1964 §1.2, which keys of DES3 and RC4 (RFC 4757 §7) make: those are not "newer" to RFC 4121 §1.
 *
 * A token: the framing of RFC 2743 §3.1, eight bytes that say what it is, an encrypted number, a checksum; a Wrap token then has
 * a confounder, the text and its padding, encrypted or not.
 */
#ifndef BT_MESSAGE_LEGACY_H
#define BT_MESSAGE_LEGACY_H

#include "message/context.h"

/* TOK_ID. RFC 1964 §1.2.1, §1.2.2, §1.2.3: a deletion is a MIC of nothing, under another number. */
enum { BT_MSG_LEGACY_MIC = 0x0101, BT_MSG_LEGACY_WRAP = 0x0201, BT_MSG_LEGACY_DELETION = 0x0102 };

enum {
	BT_MSG_LEGACY_HEAD_LEN = 8,   /* TOK_ID, SGN_ALG, SEAL_ALG, filler: what the checksum covers besides the message */
	BT_MSG_LEGACY_FRAME_MAX = 17, /* 60, length, 06 09 OID */
	BT_MSG_LEGACY_PAD_MAX = 8,
	BT_MSG_LEGACY_SEGS = 2, /* segments that these functions use before those of the message */
};

/* bt_msg_is_legacy - does the context make such tokens? */
static inline bool
bt_msg_is_legacy(const struct bt_msg *m)
{
	return m->enctype[m->session]->is_legacy;
}

/* bt_msg_legacy_overhead - the most that a Wrap token adds to its text, or the length that a MIC token may have. */
size_t bt_msg_legacy_overhead(const struct bt_msg *m);

/*
 * bt_msg_legacy_header_len - bytes of a token before its text, confounder included.
 *   framed  bytes after these that the framing counts
 */
size_t bt_msg_legacy_header_len(const struct bt_msg *m, uint16_t id, size_t framed);

/* bt_msg_legacy_pad_len - padding that a text of this length gets: 1 with RC4, and up to a whole block with DES3. */
size_t bt_msg_legacy_pad_len(const struct bt_msg *m, size_t text_len);

/*
 * bt_msg_legacy_protect - write the header of a token, and encrypt the message where it stands.
 *   header  bt_msg_legacy_header_len(m, id, framed) bytes
 *   segs    num pieces of message, padding included, from segs[BT_MSG_LEGACY_SEGS] on; those before are used here
 * Errors: NOMEM, ENTROPY, EXHAUSTED; then nothing is encrypted and no number used.
 */
int bt_msg_legacy_protect(struct bt_msg *m, uint16_t id, bool conf, uint8_t *header, size_t framed, struct bt_crypto_seg *segs,
			  size_t num);

/* What the header of a received token says. */
struct bt_msg_legacy_token {
	const uint8_t *head;
	const uint8_t *number;
	const uint8_t *mac;
	size_t len; /* of all before the text */
	bool sealed;
	bool is_mic; /* or a deletion */
};

/*
 * bt_msg_legacy_read - the header at the beginning of bytes, which may go on with the message.
 *   framed  bytes that the framing counts and that are not in bytes
 * Errors: BAD_TOK_HEADER, TOK_TRUNC; then token is zeroed.
 */
int bt_msg_legacy_read(const struct bt_msg *m, struct bt_bytes bytes, uint16_t id, size_t framed,
		       struct bt_msg_legacy_token *token);

/*
 * bt_msg_legacy_open - decrypt, and check.
 *   segs  as for bt_msg_legacy_protect
 *   pad   where the last byte of padding will stand, which tells how many there are: 1 to room; NULL: there is none
 * Errors: NOMEM, BAD_MIC, BAD_DIRECTION, TOK_TRUNC (no whole blocks), BAD_TOK_HEADER (padding). On error what was decrypted is
 * wiped.
 */
int bt_msg_legacy_open(struct bt_msg *m, const struct bt_msg_legacy_token *token, struct bt_crypto_seg *segs, size_t num,
		       const uint8_t *pad, size_t room, enum bt_msg_order *order);

/* The functions of the door, for such contexts: legacy_message.c, legacy_iov.c. */
int bt_msg_legacy_wrap(struct bt_msg *m, bool conf, struct bt_bytes text, struct bt_buf *out);
int bt_msg_legacy_unwrap(struct bt_msg *m, struct bt_bytes token, struct bt_buf *out, bool *conf, enum bt_msg_order *order);
int bt_msg_legacy_wrap_iov(struct bt_msg *m, bool conf, struct bt_msg_iov *iov, size_t num_iov);
int bt_msg_legacy_wrap_iov_length(struct bt_msg *m, struct bt_msg_iov *iov, size_t num_iov);
int bt_msg_legacy_unwrap_iov(struct bt_msg *m, struct bt_msg_iov *iov, size_t num_iov, bool *conf, enum bt_msg_order *order);

#endif
