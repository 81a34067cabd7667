#include "message/layout.h"

#include "base/err.h"
#include "base/mem.h"

/* Place for a type of which there may be one; NULL for the others. */
static struct bt_msg_iov **
only_one(struct bt_msg_layout *layout, enum bt_msg_iov_type type)
{
	switch (type) {
	case BT_MSG_IOV_HEADER:
		return &layout->header;
	case BT_MSG_IOV_TRAILER:
		return &layout->trailer;
	case BT_MSG_IOV_PADDING:
		return &layout->padding;
	case BT_MSG_IOV_STREAM:
		return &layout->stream;
	case BT_MSG_IOV_MIC_TOKEN:
		return &layout->mic;
	default:
		return NULL;
	}
}

int
bt_msg_layout_of(struct bt_msg_iov *iov, size_t num_iov, struct bt_msg_layout *out)
{
	*out = (struct bt_msg_layout){0};
	for (size_t i = 0; i < num_iov; i++) {
		struct bt_msg_iov **place = only_one(out, iov[i].type);

		if (place != NULL && *place != NULL)
			return BT_ERR_BAD_IOV;
		if (place != NULL)
			*place = &iov[i];
		if (iov[i].type == BT_MSG_IOV_DATA && out->num_data++ == 0)
			out->data = &iov[i];
	}
	return 0;
}

int
bt_msg_layout_check_text(const struct bt_msg_layout *layout, const struct bt_msg_iov *iov, size_t num_iov)
{
	size_t left = BT_MSG_MAX;

	for (size_t i = 0; i < num_iov; i++) {
		bool is_input = iov[i].type == BT_MSG_IOV_DATA && layout->stream == NULL;

		if (!is_input && iov[i].type != BT_MSG_IOV_SIGN_ONLY)
			continue;
		if (!bt_msg_iov_is_readable(&iov[i]))
			return BT_ERR_BAD_IOV;
		if (iov[i].len > left)
			return BT_ERR_TOO_LARGE;
		left -= iov[i].len;
	}
	return 0;
}

bool
bt_msg_iov_is_readable(const struct bt_msg_iov *buf)
{
	return buf == NULL || buf->len == 0 || buf->ptr != NULL;
}

int
bt_msg_segs_init(struct bt_msg_segs *segs, size_t num_iov)
{
	segs->at = segs->few;
	if (num_iov > BT_MSG_FEW_SEGS - 3)
		segs->at = num_iov < SIZE_MAX / sizeof *segs->at - 3 ? bt_mem_alloc((num_iov + 3) * sizeof *segs->at) : NULL;
	return segs->at == NULL ? BT_ERR_NOMEM : 0;
}

void
bt_msg_segs_done(struct bt_msg_segs *segs)
{
	if (segs->at != segs->few)
		bt_mem_free(segs->at);
}

size_t
bt_msg_segs_add(const struct bt_msg_iov *iov, size_t num_iov, struct bt_crypto_seg *segs)
{
	size_t num = 0;

	for (size_t i = 0; i < num_iov; i++) {
		bool is_data = iov[i].type == BT_MSG_IOV_DATA;

		if ((is_data || iov[i].type == BT_MSG_IOV_SIGN_ONLY) && iov[i].len != 0)
			segs[num++] = (struct bt_crypto_seg){iov[i].ptr, is_data ? iov[i].ptr : NULL, iov[i].len};
	}
	return num;
}

int
bt_msg_iov_grant(struct bt_msg_iov *buf, size_t len)
{
	if (buf == NULL)
		return 0;
	if (!buf->allocate)
		return buf->ptr == NULL || buf->len < len ? BT_ERR_WRONG_SIZE : 0;
	if ((buf->ptr = bt_mem_alloc_raw(len)) == NULL) {
		buf->len = 0;
		return BT_ERR_NOMEM;
	}
	buf->len = len;
	buf->was_allocated = true;
	return 0;
}

void
bt_msg_iov_revoke(struct bt_msg_iov *buf)
{
	if (buf == NULL || !buf->was_allocated)
		return;
	bt_mem_free_secret(buf->ptr, buf->len);
	buf->ptr = NULL;
	buf->len = 0;
	buf->was_allocated = false;
}

/* conf as it will be: with no DATA there is nothing to encrypt, and MIT's library then makes an integrity-only token. */
bool
bt_msg_iov_is_sealed(bool conf, const struct bt_msg_iov *iov, size_t num_iov)
{
	for (size_t i = 0; conf && i < num_iov; i++)
		if (iov[i].type == BT_MSG_IOV_DATA)
			return true;
	return false;
}
