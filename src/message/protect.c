#include "message/protect.h"

#include "base/err.h"
#include "base/mem.h"
#include "message/legacy.h"

static uint8_t
flags_out(const struct bt_msg *m, bool conf)
{
	return (uint8_t)((m->is_initiator ? 0 : BT_MSG_SENT_BY_ACCEPTOR) | (conf ? BT_MSG_SEALED : 0) |
			 (m->session == BT_MSG_BASE_ACCEPTOR ? BT_MSG_ACCEPTOR_SUBKEY : 0));
}

static int
protect_sealed(struct bt_msg *m, const struct bt_msg_frame *frame, struct bt_crypto_seg *segs, size_t num_text)
{
	struct bt_msg_token token = {.id = BT_MSG_TOKEN_WRAP, .flags = flags_out(m, true), .ec = frame->ec};
	struct bt_msg_way way = bt_msg_way_out(m);
	const struct bt_crypto_seal_key *key;
	int e;

	if ((e = bt_msg_key_seal(&way, &key)) != 0 || (e = bt_crypto_random(frame->confounder, BT_CRYPTO_BLOCK_LEN)) != 0 ||
	    (e = bt_msg_number_take(m, &token.seq)) != 0)
		return e;
	/* The header is protected as it is before rotation, with RRC 0. RFC 4121 §4.2.4. */
	bt_msg_token_write(&token, frame->header);
	memset(frame->tail, 0xff, frame->ec);
	memcpy(frame->tail + frame->ec, frame->header, BT_MSG_HEADER_LEN);
	segs[0] = (struct bt_crypto_seg){frame->confounder, frame->confounder, BT_CRYPTO_BLOCK_LEN};
	segs[num_text + 1] = (struct bt_crypto_seg){frame->tail, frame->tail, (size_t)frame->ec + BT_MSG_HEADER_LEN};
	bt_crypto_encrypt(key, segs, num_text + 2, frame->mac);
	bt_store_be16(frame->header + 6, frame->rrc);
	return 0;
}

static int
protect_clear(struct bt_msg *m, const struct bt_msg_frame *frame, struct bt_crypto_seg *segs, size_t num_text)
{
	struct bt_msg_token token = {.id = BT_MSG_TOKEN_WRAP, .flags = flags_out(m, false)};
	struct bt_msg_way way = bt_msg_way_out(m);
	const struct bt_crypto_mac_key *key;
	int e;

	if ((e = bt_msg_key_wrap_mac(&way, &key)) != 0 || (e = bt_msg_number_take(m, &token.seq)) != 0)
		return e;
	/* EC and RRC count as 0 in the checksum. RFC 4121 §4.2.4. */
	bt_msg_token_write(&token, frame->header);
	segs[num_text + 1] = (struct bt_crypto_seg){frame->header, NULL, BT_MSG_HEADER_LEN};
	bt_crypto_mac(key, segs + 1, num_text + 1, frame->mac);
	bt_store_be16(frame->header + 4, way.enctype->mac_len);
	bt_store_be16(frame->header + 6, frame->rrc);
	return 0;
}

int
bt_msg_protect(struct bt_msg *m, bool conf, const struct bt_msg_frame *frame, struct bt_crypto_seg *segs, size_t num_text)
{
	return conf ? protect_sealed(m, frame, segs, num_text) : protect_clear(m, frame, segs, num_text);
}

/*
 * Is the decrypted copy the header that came in clear? The clear one alone is anybody's to change. The copy's RRC is not looked
 * at: senders differ in when they fill it in, MIT's and Heimdal's libraries ignore it, and the copy cannot have been changed.
 */
static bool
is_same_header(const struct bt_msg_token *token, const uint8_t *copy)
{
	uint8_t header[BT_MSG_HEADER_LEN];

	bt_msg_token_write(token, header);
	return memcmp(header, copy, 6) == 0 && memcmp(header + 8, copy + 8, BT_MSG_HEADER_LEN - 8) == 0;
}

int
bt_msg_open_sealed(struct bt_msg *m, const struct bt_msg_way *way, const struct bt_msg_token *token,
		   const struct bt_crypto_seg *segs, size_t num_segs, const uint8_t *copy, const uint8_t *mac,
		   enum bt_msg_order *order)
{
	const struct bt_crypto_seal_key *key;
	int e;

	if ((e = bt_msg_key_seal(way, &key)) != 0 || (e = bt_crypto_decrypt(key, segs, num_segs, mac)) != 0)
		return e;
	if (!is_same_header(token, copy)) {
		for (size_t i = 0; i < num_segs; i++)
			if (segs[i].out != NULL)
				bt_mem_wipe(segs[i].out, segs[i].len);
		return BT_ERR_BAD_TOK_HEADER;
	}
	*order = bt_msg_window_enter(&m->window, token->seq);
	return 0;
}

/* Append the header to the text, as it was when the checksum was made, and compare. */
static int
check_mac(const struct bt_crypto_mac_key *key, const struct bt_msg_token *token, struct bt_crypto_seg *segs, size_t num_text,
	  const uint8_t *mac)
{
	uint8_t header[BT_MSG_HEADER_LEN];

	bt_msg_token_write(token, header);
	segs[num_text] = (struct bt_crypto_seg){header, NULL, sizeof header};
	return bt_crypto_mac_check(key, segs, num_text + 1, mac);
}

int
bt_msg_open_clear(struct bt_msg *m, const struct bt_msg_way *way, const struct bt_msg_token *token, struct bt_crypto_seg *segs,
		  size_t num_text, const uint8_t *mac, enum bt_msg_order *order)
{
	struct bt_msg_token made = *token;
	const struct bt_crypto_mac_key *key;
	int e;

	made.ec = made.rrc = 0;
	if ((e = bt_msg_key_wrap_mac(way, &key)) != 0 || (e = check_mac(key, &made, segs, num_text, mac)) != 0)
		return e;
	*order = bt_msg_window_enter(&m->window, token->seq);
	return 0;
}

size_t
bt_msg_mic_len(const struct bt_msg *m)
{
	if (bt_msg_is_legacy(m))
		return bt_msg_legacy_header_len(m, BT_MSG_LEGACY_MIC, 0);
	return BT_MSG_HEADER_LEN + (size_t)m->enctype[m->session]->mac_len;
}

/* Make room for the segments that stand first in a legacy token. */
static struct bt_crypto_seg *
legacy_segs(struct bt_crypto_seg *segs, size_t num_text)
{
	memmove(segs + BT_MSG_LEGACY_SEGS, segs, num_text * sizeof *segs);
	/* Signed, and never written to. */
	for (size_t i = 0; i < num_text; i++)
		segs[BT_MSG_LEGACY_SEGS + i].out = NULL;
	return segs;
}

static int
check_legacy(struct bt_msg *m, uint16_t id, struct bt_crypto_seg *segs, size_t num_text, struct bt_bytes token,
	     enum bt_msg_order *order)
{
	struct bt_msg_legacy_token header;
	int e;

	if ((e = bt_msg_legacy_read(m, token, id, 0, &header)) != 0)
		return e;
	if (header.len != token.len)
		return BT_ERR_BAD_TOK_HEADER;
	return bt_msg_legacy_open(m, &header, legacy_segs(segs, num_text), num_text, NULL, 0, order);
}

int
bt_msg_mic_make(struct bt_msg *m, struct bt_crypto_seg *segs, size_t num_text, uint8_t *token)
{
	struct bt_msg_token header = {.id = BT_MSG_TOKEN_MIC, .flags = flags_out(m, false), .ec = 0xffff, .rrc = 0xffff};
	struct bt_msg_way way = bt_msg_way_out(m);
	const struct bt_crypto_mac_key *key;
	int e;

	if (bt_msg_is_legacy(m))
		return bt_msg_legacy_protect(m, BT_MSG_LEGACY_MIC, false, token, 0, legacy_segs(segs, num_text), num_text);
	if ((e = bt_msg_key_mic_mac(&way, &key)) != 0 || (e = bt_msg_number_take(m, &header.seq)) != 0)
		return e;
	bt_msg_token_write(&header, token);
	segs[num_text] = (struct bt_crypto_seg){token, NULL, BT_MSG_HEADER_LEN};
	bt_crypto_mac(key, segs, num_text + 1, token + BT_MSG_HEADER_LEN);
	return 0;
}

int
bt_msg_mic_check(struct bt_msg *m, struct bt_crypto_seg *segs, size_t num_text, struct bt_bytes token, enum bt_msg_order *order)
{
	struct bt_msg_token header;
	struct bt_msg_way way;
	const struct bt_crypto_mac_key *key;
	size_t want;
	int e;

	if (bt_msg_is_legacy(m))
		return check_legacy(m, BT_MSG_LEGACY_MIC, segs, num_text, token, order);
	if ((e = bt_msg_token_read(token, BT_MSG_TOKEN_MIC, &header)) != 0 || (e = bt_msg_way_in(m, &header, &way)) != 0)
		return e;
	want = BT_MSG_HEADER_LEN + (size_t)way.enctype->mac_len;
	if (token.len != want)
		return token.len < want ? BT_ERR_TOK_TRUNC : BT_ERR_BAD_TOK_HEADER;
	if ((e = bt_msg_key_mic_mac(&way, &key)) != 0 ||
	    (e = check_mac(key, &header, segs, num_text, token.ptr + BT_MSG_HEADER_LEN)) != 0)
		return e;
	*order = bt_msg_window_enter(&m->window, header.seq);
	return 0;
}

bool
bt_msg_has_deletion(const struct bt_msg *m)
{
	return bt_msg_is_legacy(m);
}

int
bt_msg_verify_deletion(struct bt_msg *m, struct bt_bytes token)
{
	struct bt_crypto_seg segs[BT_MSG_LEGACY_SEGS];
	enum bt_msg_order order;

	return bt_msg_is_legacy(m) ? check_legacy(m, BT_MSG_LEGACY_DELETION, segs, 0, token, &order) : BT_ERR_BAD_TOK_HEADER;
}
