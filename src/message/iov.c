#include "base/err.h"
#include "base/mem.h"
#include "message/body.h"
#include "message/layout.h"
#include "message/legacy.h"
#include "message/protect.h"

/* How the framing of an IOV token is shared out between HEADER and TRAILER. RFC 4121 §4.2.4. */
struct split {
	size_t header_len;
	size_t trailer_len; /* 0 without a TRAILER: all is in the HEADER */
	size_t tail_len;    /* filler, copy of the header and checksum, wherever they stand */
	uint16_t ec;
	size_t rrc;
};

static struct split
split_of(bool is_dce, bool conf, uint16_t ec, size_t mac_len, bool has_trailer)
{
	struct split split = {.header_len = BT_MSG_HEADER_LEN, .tail_len = mac_len};

	if (conf) {
		split.ec = ec;
		split.header_len += BT_CRYPTO_BLOCK_LEN;
		split.tail_len += (size_t)ec + BT_MSG_HEADER_LEN;
	}
	if (has_trailer) {
		split.trailer_len = split.tail_len;
		return split;
	}
	/* Rotated by the whole tail; of which Windows does not count the filler. MS-KILE §3.4.5.4.1. */
	split.header_len += split.tail_len;
	split.rrc = split.tail_len - (is_dce ? split.ec : 0);
	return split;
}

static struct split
split_out(const struct bt_msg *m, bool conf, const struct bt_msg_layout *layout)
{
	return split_of(m->is_dce, conf, m->is_dce ? BT_MSG_DCE_FILLER_LEN : 0, m->enctype[m->session]->mac_len,
			layout->trailer != NULL);
}

/* The places of the framing in buffers of the right lengths. */
static struct bt_msg_frame
frame_of(const struct bt_msg_layout *layout, const struct split *split, bool conf)
{
	struct bt_msg_frame frame = {.header = layout->header->ptr, .ec = split->ec, .rrc = (uint16_t)split->rrc};

	/* Without a TRAILER, the tail follows the header, and the confounder stands next to the text. */
	frame.tail = layout->trailer != NULL ? layout->trailer->ptr : frame.header + BT_MSG_HEADER_LEN;
	frame.mac = conf ? frame.tail + split->ec + BT_MSG_HEADER_LEN : frame.tail;
	frame.confounder = frame.header + split->header_len - BT_CRYPTO_BLOCK_LEN;
	return frame;
}

/* The arrangements wrap and unwrap know, STREAM aside. */
static int
find_framed(struct bt_msg_iov *iov, size_t num_iov, struct bt_msg_layout *out)
{
	int e = bt_msg_layout_of(iov, num_iov, out);

	if (e != 0)
		return e;
	return out->header == NULL || out->stream != NULL || out->mic != NULL ? BT_ERR_BAD_IOV : 0;
}

int
bt_msg_wrap_iov_length(struct bt_msg *m, bool conf, struct bt_msg_iov *iov, size_t num_iov)
{
	struct bt_msg_layout layout;
	struct split split;
	int e;

	if (bt_msg_is_legacy(m))
		return bt_msg_legacy_wrap_iov_length(m, iov, num_iov);
	if ((e = find_framed(iov, num_iov, &layout)) != 0)
		return e;
	split = split_out(m, bt_msg_iov_is_sealed(conf, iov, num_iov), &layout);
	layout.header->len = split.header_len;
	if (layout.trailer != NULL)
		layout.trailer->len = split.trailer_len;
	/* These enctypes need no padding. */
	if (layout.padding != NULL)
		layout.padding->len = 0;
	return 0;
}

int
bt_msg_wrap_iov(struct bt_msg *m, bool conf, struct bt_msg_iov *iov, size_t num_iov)
{
	struct bt_msg_layout layout;
	struct bt_msg_segs segs;
	struct bt_msg_frame frame;
	struct split split;
	size_t num_text;
	int e;

	if (bt_msg_is_legacy(m))
		return bt_msg_legacy_wrap_iov(m, conf, iov, num_iov);
	if ((e = find_framed(iov, num_iov, &layout)) != 0 || (e = bt_msg_layout_check_text(&layout, iov, num_iov)) != 0)
		return e;
	conf = bt_msg_iov_is_sealed(conf, iov, num_iov);
	split = split_out(m, conf, &layout);
	/* What is not this call's is not taken back below. */
	layout.header->was_allocated = false;
	if (layout.trailer != NULL)
		layout.trailer->was_allocated = false;
	if ((e = bt_msg_segs_init(&segs, num_iov)) != 0)
		return e;
	if ((e = bt_msg_iov_grant(layout.header, split.header_len)) == 0 &&
	    (e = bt_msg_iov_grant(layout.trailer, split.trailer_len)) == 0) {
		num_text = bt_msg_segs_add(iov, num_iov, segs.at + 1);
		frame = frame_of(&layout, &split, conf);
		e = bt_msg_protect(m, conf, &frame, segs.at, num_text);
	}
	bt_msg_segs_done(&segs);
	if (e != 0) {
		bt_msg_iov_revoke(layout.header);
		bt_msg_iov_revoke(layout.trailer);
		return e;
	}
	layout.header->len = split.header_len;
	if (layout.trailer != NULL)
		layout.trailer->len = split.trailer_len;
	if (layout.padding != NULL)
		layout.padding->len = 0;
	return 0;
}

/* HEADER, DATA... and TRAILER, as they were sent. */
static int
unwrap_framed(struct bt_msg *m, struct bt_msg_iov *iov, size_t num_iov, bool *conf, enum bt_msg_order *order)
{
	struct bt_msg_token token;
	struct bt_msg_way way;
	struct bt_msg_layout layout;
	struct bt_msg_segs segs;
	struct bt_msg_frame frame;
	struct split split;
	size_t num_text;
	bool sealed;
	int e;

	if ((e = find_framed(iov, num_iov, &layout)) != 0 || (e = bt_msg_layout_check_text(&layout, iov, num_iov)) != 0)
		return e;
	if ((layout.padding != NULL && layout.padding->len != 0) || !bt_msg_iov_is_readable(layout.header) ||
	    !bt_msg_iov_is_readable(layout.trailer))
		return BT_ERR_BAD_IOV;
	if ((e = bt_msg_token_read(bt_bytes_of(layout.header->ptr, layout.header->len), BT_MSG_TOKEN_WRAP, &token)) != 0 ||
	    (e = bt_msg_way_in(m, &token, &way)) != 0)
		return e;
	sealed = (token.flags & BT_MSG_SEALED) != 0;
	if (!sealed && token.ec != way.enctype->mac_len)
		return BT_ERR_BAD_TOK_HEADER;
	/* Only the rotation that these buffers stand for; any other needs the token in one piece, as a STREAM. */
	split = split_of(m->is_dce, sealed, token.ec, way.enctype->mac_len, layout.trailer != NULL);
	if (layout.header->len != split.header_len || (layout.trailer != NULL && layout.trailer->len != split.trailer_len))
		return BT_ERR_TOK_TRUNC;
	if (token.rrc != split.rrc)
		return BT_ERR_BAD_TOK_HEADER;
	if ((e = bt_msg_segs_init(&segs, num_iov)) != 0)
		return e;
	frame = frame_of(&layout, &split, sealed);
	num_text = bt_msg_segs_add(iov, num_iov, segs.at + 1);
	if (sealed) {
		segs.at[0] = (struct bt_crypto_seg){frame.confounder, frame.confounder, BT_CRYPTO_BLOCK_LEN};
		segs.at[num_text + 1] = (struct bt_crypto_seg){frame.tail, frame.tail, (size_t)split.ec + BT_MSG_HEADER_LEN};
		e = bt_msg_open_sealed(m, &way, &token, segs.at, num_text + 2, frame.tail + split.ec, frame.mac, order);
	} else {
		e = bt_msg_open_clear(m, &way, &token, segs.at + 1, num_text, frame.mac, order);
	}
	bt_msg_segs_done(&segs);
	*conf = e == 0 && sealed;
	return e;
}

/* The parts of a whole token that a STREAM holds. */
struct stream {
	struct bt_msg_token token;
	struct bt_msg_way way;
	struct bt_msg_body body;
	size_t text_at, text_len; /* in the body */
	size_t mac_at;
	bool sealed;
};

static int
stream_of(struct bt_msg *m, const struct bt_msg_iov *buf, struct stream *out)
{
	struct bt_bytes bytes = bt_bytes_of(buf->ptr, buf->len);
	size_t tail_len;
	int e;

	if ((e = bt_msg_token_read(bytes, BT_MSG_TOKEN_WRAP, &out->token)) != 0 ||
	    (e = bt_msg_way_in(m, &out->token, &out->way)) != 0)
		return e;
	out->sealed = (out->token.flags & BT_MSG_SEALED) != 0;
	if (!out->sealed && out->token.ec != out->way.enctype->mac_len)
		return BT_ERR_BAD_TOK_HEADER;
	out->body = bt_msg_body_of(m, &out->token, bytes);
	out->text_at = out->sealed ? BT_CRYPTO_BLOCK_LEN : 0;
	tail_len = (out->sealed ? (size_t)out->token.ec + BT_MSG_HEADER_LEN : 0) + out->way.enctype->mac_len;
	if (out->body.len < out->text_at + tail_len)
		return BT_ERR_TOK_TRUNC;
	out->text_len = out->body.len - out->text_at - tail_len;
	out->mac_at = out->body.len - out->way.enctype->mac_len;
	return 0;
}

/* A part of the body, decrypted where it lies. */
static size_t
cut_in_place(const struct bt_msg_body *body, size_t at, size_t len, struct bt_crypto_seg *segs)
{
	size_t num = bt_msg_body_cut(body, at, len, NULL, segs);

	for (size_t i = 0; i < num; i++)
		segs[i].out = (uint8_t *)segs[i].in;
	return num;
}

static int
open_stream(struct bt_msg *m, const struct stream *s, const struct bt_msg_iov *iov, size_t num_iov, uint8_t *text,
	    struct bt_crypto_seg *segs, enum bt_msg_order *order)
{
	uint8_t confounder[BT_CRYPTO_BLOCK_LEN], copy[BT_MSG_HEADER_LEN], mac[BT_CRYPTO_MAC_MAX];
	size_t num = 0, filler_at = s->text_at + s->text_len;

	bt_msg_body_copy(&s->body, s->mac_at, s->way.enctype->mac_len, mac);
	if (s->sealed)
		num = bt_msg_body_cut(&s->body, 0, BT_CRYPTO_BLOCK_LEN, confounder, segs);
	else if (text != bt_msg_body_at(&s->body, s->text_at))
		bt_msg_body_copy(&s->body, s->text_at, s->text_len, text);
	for (size_t i = 0; i < num_iov; i++) {
		if (iov[i].type == BT_MSG_IOV_SIGN_ONLY && iov[i].len != 0)
			segs[num++] = (struct bt_crypto_seg){iov[i].ptr, NULL, iov[i].len};
		else if (iov[i].type == BT_MSG_IOV_DATA && s->sealed)
			num += bt_msg_body_cut(&s->body, s->text_at, s->text_len, text, segs + num);
		else if (iov[i].type == BT_MSG_IOV_DATA && s->text_len != 0)
			segs[num++] = (struct bt_crypto_seg){text, NULL, s->text_len};
	}
	if (!s->sealed)
		return bt_msg_open_clear(m, &s->way, &s->token, segs, num, mac, order);
	num += cut_in_place(&s->body, filler_at, s->token.ec, segs + num);
	num += bt_msg_body_cut(&s->body, filler_at + s->token.ec, BT_MSG_HEADER_LEN, copy, segs + num);
	return bt_msg_open_sealed(m, &s->way, &s->token, segs, num, copy, mac, order);
}

static int
unwrap_stream(struct bt_msg *m, struct bt_msg_iov *iov, size_t num_iov, const struct bt_msg_layout *layout, bool *conf,
	      enum bt_msg_order *order)
{
	struct bt_msg_iov *data = layout->data, text = {.allocate = data != NULL && data->allocate};
	struct bt_msg_segs segs;
	struct stream s;
	int e;

	if (layout->header != NULL || layout->trailer != NULL || layout->mic != NULL || layout->num_data != 1 ||
	    !bt_msg_iov_is_readable(layout->stream))
		return BT_ERR_BAD_IOV;
	/* Confounder, filler and copy of the header besides the text; and somewhere the rotation cuts a piece in two. */
	if ((e = bt_msg_layout_check_text(layout, iov, num_iov)) != 0 || (e = stream_of(m, layout->stream, &s)) != 0 ||
	    (e = bt_msg_segs_init(&segs, num_iov + 1)) != 0)
		return e;
	if (text.allocate) {
		e = bt_msg_iov_grant(&text, s.text_len);
	} else {
		/* The text is to be one piece of the STREAM. As peers rotate, it is already. */
		if (!bt_msg_body_is_whole(&s.body, s.text_at, s.text_len)) {
			bt_msg_body_straighten(&s.body, layout->stream->ptr + BT_MSG_HEADER_LEN);
			bt_store_be16(layout->stream->ptr + 6, 0);
		}
		text.ptr = layout->stream->ptr + (bt_msg_body_at(&s.body, s.text_at) - layout->stream->ptr);
	}
	if (e == 0)
		e = open_stream(m, &s, iov, num_iov, text.ptr, segs.at, order);
	bt_msg_segs_done(&segs);
	if (e != 0) {
		bt_msg_iov_revoke(&text);
		return e;
	}
	data->ptr = text.ptr;
	data->len = s.text_len;
	data->was_allocated = text.was_allocated;
	*conf = s.sealed;
	return 0;
}

int
bt_msg_unwrap_iov(struct bt_msg *m, struct bt_msg_iov *iov, size_t num_iov, bool *conf, enum bt_msg_order *order)
{
	struct bt_msg_layout layout;
	int e;

	*conf = false;
	*order = BT_MSG_IN_ORDER;
	if (bt_msg_is_legacy(m))
		return bt_msg_legacy_unwrap_iov(m, iov, num_iov, conf, order);
	if ((e = bt_msg_layout_of(iov, num_iov, &layout)) != 0)
		return e;
	return layout.stream != NULL ? unwrap_stream(m, iov, num_iov, &layout, conf, order)
				     : unwrap_framed(m, iov, num_iov, conf, order);
}
