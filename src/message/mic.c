#include "base/err.h"
#include "base/mem.h"
#include "message/layout.h"
#include "message/protect.h"

int
bt_msg_get_mic(struct bt_msg *m, struct bt_bytes text, struct bt_buf *out)
{
	struct bt_crypto_seg segs[3] = {{text.ptr, NULL, text.len}};
	size_t len = bt_msg_mic_len(m);
	uint8_t *token;
	int e;

	*out = (struct bt_buf){0};
	if (text.len > BT_MSG_MAX)
		return BT_ERR_TOO_LARGE;
	if ((token = bt_mem_alloc_raw(len)) == NULL)
		return BT_ERR_NOMEM;
	if ((e = bt_msg_mic_make(m, segs, text.len != 0, token)) != 0) {
		bt_mem_free(token);
		return e;
	}
	*out = (struct bt_buf){token, len};
	return 0;
}

int
bt_msg_verify_mic(struct bt_msg *m, struct bt_bytes text, struct bt_bytes token, enum bt_msg_order *order)
{
	struct bt_crypto_seg segs[3] = {{text.ptr, NULL, text.len}};

	*order = BT_MSG_IN_ORDER;
	return bt_msg_mic_check(m, segs, text.len != 0, token, order);
}

/* DATA and SIGN_ONLY in their order, and one MIC_TOKEN; the framing of Wrap tokens has no business here. */
static int
find_signed(struct bt_msg_iov *iov, size_t num_iov, struct bt_msg_layout *out)
{
	int e = bt_msg_layout_of(iov, num_iov, out);

	if (e != 0)
		return e;
	return out->mic == NULL || out->header != NULL || out->trailer != NULL || out->stream != NULL ? BT_ERR_BAD_IOV : 0;
}

int
bt_msg_get_mic_iov_length(struct bt_msg *m, struct bt_msg_iov *iov, size_t num_iov)
{
	struct bt_msg_layout layout;
	int e;

	if ((e = find_signed(iov, num_iov, &layout)) != 0)
		return e;
	layout.mic->len = bt_msg_mic_len(m);
	if (layout.padding != NULL)
		layout.padding->len = 0;
	return 0;
}

int
bt_msg_get_mic_iov(struct bt_msg *m, struct bt_msg_iov *iov, size_t num_iov)
{
	struct bt_msg_layout layout;
	struct bt_msg_segs segs;
	size_t len = bt_msg_mic_len(m);
	int e;

	if ((e = find_signed(iov, num_iov, &layout)) != 0 || (e = bt_msg_layout_check_text(&layout, iov, num_iov)) != 0)
		return e;
	layout.mic->was_allocated = false;
	if ((e = bt_msg_segs_init(&segs, num_iov)) != 0)
		return e;
	if ((e = bt_msg_iov_grant(layout.mic, len)) == 0)
		e = bt_msg_mic_make(m, segs.at, bt_msg_segs_add(iov, num_iov, segs.at), layout.mic->ptr);
	bt_msg_segs_done(&segs);
	if (e != 0) {
		bt_msg_iov_revoke(layout.mic);
		return e;
	}
	layout.mic->len = len;
	if (layout.padding != NULL)
		layout.padding->len = 0;
	return 0;
}

int
bt_msg_verify_mic_iov(struct bt_msg *m, struct bt_msg_iov *iov, size_t num_iov, enum bt_msg_order *order)
{
	struct bt_msg_layout layout;
	struct bt_msg_segs segs;
	int e;

	*order = BT_MSG_IN_ORDER;
	if ((e = find_signed(iov, num_iov, &layout)) != 0 || (e = bt_msg_layout_check_text(&layout, iov, num_iov)) != 0)
		return e;
	if ((layout.padding != NULL && layout.padding->len != 0) || !bt_msg_iov_is_readable(layout.mic))
		return BT_ERR_BAD_IOV;
	if ((e = bt_msg_segs_init(&segs, num_iov)) != 0)
		return e;
	e = bt_msg_mic_check(m, segs.at, bt_msg_segs_add(iov, num_iov, segs.at), bt_bytes_of(layout.mic->ptr, layout.mic->len),
			     order);
	bt_msg_segs_done(&segs);
	return e;
}
