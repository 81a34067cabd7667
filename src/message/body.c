#include "message/body.h"

/* How far the body was rotated to the right. */
static size_t
rotation_of(const struct bt_msg *m, const struct bt_msg_token *token)
{
	/* Windows rotates an encrypted DCE style token by EC + RRC, and every peer of it does likewise. A token with RRC 0 has a
	 * trailer of its own and is not rotated at all. */
	if (m->is_dce && (token->flags & BT_MSG_SEALED) != 0 && token->rrc != 0)
		return (size_t)token->rrc + token->ec;
	return token->rrc;
}

struct bt_msg_body
bt_msg_body_of(const struct bt_msg *m, const struct bt_msg_token *token, struct bt_bytes bytes)
{
	struct bt_msg_body body = {.ptr = bytes.ptr + BT_MSG_HEADER_LEN, .len = bytes.len - BT_MSG_HEADER_LEN};

	if (body.len != 0)
		body.start = rotation_of(m, token) % body.len;
	return body;
}

/* Bytes from offset at to the end of the run it is in. */
static size_t
run_left(const struct bt_msg_body *body, size_t at)
{
	size_t first = body->len - body->start;

	return at < first ? first - at : body->len - at;
}

const uint8_t *
bt_msg_body_at(const struct bt_msg_body *body, size_t at)
{
	size_t first = body->len - body->start;

	return at < first ? body->ptr + body->start + at : body->ptr + (at - first);
}

bool
bt_msg_body_is_whole(const struct bt_msg_body *body, size_t at, size_t len)
{
	return len <= run_left(body, at);
}

size_t
bt_msg_body_cut(const struct bt_msg_body *body, size_t at, size_t len, uint8_t *out, struct bt_crypto_seg *segs)
{
	size_t num = 0;

	while (len != 0) {
		size_t left = run_left(body, at), take = len < left ? len : left;

		segs[num++] = (struct bt_crypto_seg){bt_msg_body_at(body, at), out, take};
		if (out != NULL)
			out += take;
		at += take;
		len -= take;
	}
	return num;
}

void
bt_msg_body_copy(const struct bt_msg_body *body, size_t at, size_t len, uint8_t *out)
{
	struct bt_crypto_seg segs[2];
	size_t num = bt_msg_body_cut(body, at, len, out, segs);

	for (size_t i = 0; i < num; i++)
		memcpy(segs[i].out, segs[i].in, segs[i].len);
}

static void
reverse(uint8_t *ptr, size_t len)
{
	for (size_t i = 0; i < len / 2; i++) {
		uint8_t byte = ptr[i];

		ptr[i] = ptr[len - 1 - i];
		ptr[len - 1 - i] = byte;
	}
}

void
bt_msg_body_straighten(struct bt_msg_body *body, uint8_t *ptr)
{
	/* Each run reversed, then the whole: the runs change places, each the right way round. */
	reverse(ptr, body->start);
	reverse(ptr + body->start, body->len - body->start);
	reverse(ptr, body->len);
	body->start = 0;
}
