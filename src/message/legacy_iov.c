#include "message/legacy.h"

#include "base/err.h"
#include "base/mem.h"
#include "message/layout.h"

/* Bytes in the buffers of a type. */
static size_t
len_of(const struct bt_msg_iov *iov, size_t num_iov, enum bt_msg_iov_type type)
{
	size_t len = 0;

	for (size_t i = 0; i < num_iov; i++)
		if (iov[i].type == type)
			len += iov[i].len;
	return len;
}

/* DATA, PADDING and SIGN_ONLY in their order, from segs on. Returns their number. */
static size_t
add_segs(const struct bt_msg_iov *iov, size_t num_iov, struct bt_crypto_seg *segs)
{
	size_t num = 0;

	for (size_t i = 0; i < num_iov; i++) {
		bool is_text = iov[i].type == BT_MSG_IOV_DATA || iov[i].type == BT_MSG_IOV_PADDING;

		if ((is_text || iov[i].type == BT_MSG_IOV_SIGN_ONLY) && iov[i].len != 0)
			segs[num++] = (struct bt_crypto_seg){iov[i].ptr, is_text ? iov[i].ptr : NULL, iov[i].len};
	}
	return num;
}

/* How a message is framed. DCE style has no padding, and a framing that does not count the text: MIT krb5, MS-KILE §3.4.5.4. */
struct shape {
	size_t pad_len;
	size_t framed;
	size_t header_len;
};

static int
shape_of(const struct bt_msg *m, struct bt_msg_iov *iov, size_t num_iov, struct bt_msg_layout *layout, struct shape *out)
{
	size_t text_len;
	int e = bt_msg_layout_of(iov, num_iov, layout);

	if (e != 0)
		return e;
	if (layout->header == NULL || layout->stream != NULL || layout->mic != NULL || (layout->padding == NULL && !m->is_dce))
		return BT_ERR_BAD_IOV;
	text_len = len_of(iov, num_iov, BT_MSG_IOV_DATA);
	out->pad_len = m->is_dce ? 0 : bt_msg_legacy_pad_len(m, text_len);
	out->framed = m->is_dce ? 0 : text_len + out->pad_len;
	out->header_len = bt_msg_legacy_header_len(m, BT_MSG_LEGACY_WRAP, out->framed);
	return 0;
}

static void
set_lengths(const struct bt_msg_layout *layout, const struct shape *shape)
{
	layout->header->len = shape->header_len;
	if (layout->padding != NULL)
		layout->padding->len = shape->pad_len;
	if (layout->trailer != NULL)
		layout->trailer->len = 0;
}

int
bt_msg_legacy_wrap_iov_length(struct bt_msg *m, struct bt_msg_iov *iov, size_t num_iov)
{
	struct bt_msg_layout layout;
	struct shape shape;
	int e;

	if ((e = shape_of(m, iov, num_iov, &layout, &shape)) == 0)
		set_lengths(&layout, &shape);
	return e;
}

int
bt_msg_legacy_wrap_iov(struct bt_msg *m, bool conf, struct bt_msg_iov *iov, size_t num_iov)
{
	struct bt_msg_layout layout;
	struct bt_msg_segs segs;
	struct shape shape;
	int e;

	if ((e = shape_of(m, iov, num_iov, &layout, &shape)) != 0 || (e = bt_msg_layout_check_text(&layout, iov, num_iov)) != 0)
		return e;
	conf = bt_msg_iov_is_sealed(conf, iov, num_iov);
	/* Who pads in DCE style is the program. */
	if (m->is_dce && bt_msg_legacy_pad_len(m, len_of(iov, num_iov, BT_MSG_IOV_DATA)) != BT_CRYPTO_LEGACY_BLOCK_LEN &&
	    bt_msg_legacy_pad_len(m, 1) != 1)
		return BT_ERR_WRONG_SIZE;
	layout.header->was_allocated = false;
	if (layout.padding != NULL)
		layout.padding->was_allocated = false;
	if ((e = bt_msg_segs_init(&segs, num_iov)) != 0)
		return e;
	if ((e = bt_msg_iov_grant(layout.header, shape.header_len)) == 0 &&
	    (shape.pad_len == 0 || (e = bt_msg_iov_grant(layout.padding, shape.pad_len)) == 0)) {
		set_lengths(&layout, &shape);
		if (shape.pad_len != 0)
			memset(layout.padding->ptr, (int)shape.pad_len, shape.pad_len);
		e = bt_msg_legacy_protect(m, BT_MSG_LEGACY_WRAP, conf, layout.header->ptr, shape.framed, segs.at,
					  add_segs(iov, num_iov, segs.at + BT_MSG_LEGACY_SEGS));
	}
	bt_msg_segs_done(&segs);
	if (e != 0) {
		bt_msg_iov_revoke(layout.header);
		bt_msg_iov_revoke(layout.padding);
	}
	return e;
}

/* HEADER, DATA... and PADDING, as they were sent; or DATA with the padding at its end, if nobody asked for it apart. */
static int
unwrap_framed(struct bt_msg *m, struct bt_msg_iov *iov, size_t num_iov, const struct bt_msg_layout *layout, bool *conf,
	      enum bt_msg_order *order)
{
	struct bt_msg_iov *padding = layout->padding;
	struct bt_msg_legacy_token token;
	struct bt_msg_segs segs;
	const uint8_t *pad = NULL;
	size_t framed;
	int e;

	if (layout->header == NULL || layout->mic != NULL || (layout->trailer != NULL && layout->trailer->len != 0) ||
	    !bt_msg_iov_is_readable(layout->header) || !bt_msg_iov_is_readable(padding))
		return BT_ERR_BAD_IOV;
	if ((e = bt_msg_layout_check_text(layout, iov, num_iov)) != 0)
		return e;
	framed = m->is_dce ? 0 : len_of(iov, num_iov, BT_MSG_IOV_DATA) + len_of(iov, num_iov, BT_MSG_IOV_PADDING);
	if ((e = bt_msg_legacy_read(m, bt_bytes_of(layout->header->ptr, layout->header->len), BT_MSG_LEGACY_WRAP, framed,
				    &token)) != 0)
		return e;
	if (token.len != layout->header->len)
		return BT_ERR_BAD_TOK_HEADER;
	if (!m->is_dce && padding != NULL && padding->len != 0)
		pad = padding->ptr + padding->len - 1;
	if ((e = bt_msg_segs_init(&segs, num_iov)) != 0)
		return e;
	e = bt_msg_legacy_open(m, &token, segs.at, add_segs(iov, num_iov, segs.at + BT_MSG_LEGACY_SEGS), pad,
			       pad != NULL ? padding->len : 0, order);
	bt_msg_segs_done(&segs);
	if (e == 0) {
		*conf = token.sealed;
		if (pad != NULL)
			padding->len = 0;
	}
	return e;
}

static int
unwrap_stream(struct bt_msg *m, struct bt_msg_iov *iov, size_t num_iov, const struct bt_msg_layout *layout, bool *conf,
	      enum bt_msg_order *order)
{
	struct bt_msg_iov *data = layout->data, text = {.allocate = data != NULL && data->allocate};
	struct bt_msg_legacy_token token;
	struct bt_msg_segs segs;
	struct bt_crypto_seg *seg;
	uint8_t *last;
	size_t len;
	int e;

	if (layout->header != NULL || layout->trailer != NULL || layout->mic != NULL || layout->num_data != 1 || m->is_dce ||
	    !bt_msg_iov_is_readable(layout->stream))
		return BT_ERR_BAD_IOV;
	if ((e = bt_msg_layout_check_text(layout, iov, num_iov)) != 0 ||
	    (e = bt_msg_legacy_read(m, bt_bytes_of(layout->stream->ptr, layout->stream->len), BT_MSG_LEGACY_WRAP, 0, &token)) !=
		0)
		return e;
	if ((len = layout->stream->len - token.len) == 0)
		return BT_ERR_TOK_TRUNC;
	text.ptr = layout->stream->ptr + token.len;
	if ((e = bt_msg_segs_init(&segs, num_iov)) != 0)
		return e;
	if (text.allocate && (e = bt_msg_iov_grant(&text, len)) == 0)
		memcpy(text.ptr, layout->stream->ptr + token.len, len);
	if (e == 0) {
		last = text.ptr + len - 1;
		seg = segs.at + BT_MSG_LEGACY_SEGS;
		for (size_t i = 0; i < num_iov; i++)
			if (iov[i].type == BT_MSG_IOV_SIGN_ONLY && iov[i].len != 0)
				*seg++ = (struct bt_crypto_seg){iov[i].ptr, NULL, iov[i].len};
			else if (iov[i].type == BT_MSG_IOV_DATA)
				*seg++ = (struct bt_crypto_seg){text.ptr, text.ptr, len - 1};
		/* As MIT's library has it: the padding stands behind all that is signed only. */
		*seg++ = (struct bt_crypto_seg){last, last, 1};
		e = bt_msg_legacy_open(m, &token, segs.at, (size_t)(seg - segs.at) - BT_MSG_LEGACY_SEGS, last, len, order);
	}
	bt_msg_segs_done(&segs);
	if (e != 0) {
		bt_msg_iov_revoke(&text);
		return e;
	}
	data->ptr = text.ptr;
	data->len = len - *last;
	data->was_allocated = text.was_allocated;
	*conf = token.sealed;
	return 0;
}

int
bt_msg_legacy_unwrap_iov(struct bt_msg *m, struct bt_msg_iov *iov, size_t num_iov, bool *conf, enum bt_msg_order *order)
{
	struct bt_msg_layout layout;
	int e;

	if ((e = bt_msg_layout_of(iov, num_iov, &layout)) != 0)
		return e;
	return layout.stream != NULL ? unwrap_stream(m, iov, num_iov, &layout, conf, order)
				     : unwrap_framed(m, iov, num_iov, &layout, conf, order);
}
