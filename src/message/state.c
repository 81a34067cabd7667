#include "base/err.h"
#include "base/mem.h"
#include "message/context.h"

/* The row of a key's enctype, if crypto has it and the length is right. */
static const struct bt_crypto_enctype *
enctype_of(const struct bt_msg_key *key)
{
	const struct bt_crypto_enctype *et = bt_crypto_enctype_of(key->enctype);

	return et != NULL && et->key_len == key->len ? et : NULL;
}

/* A key to be kept may be of an enctype that crypto has not, never one that crypto has with a wrong length. */
static bool
is_keepable(const struct bt_msg_key *key)
{
	return bt_crypto_enctype_of(key->enctype) != NULL ? enctype_of(key) != NULL : key->len <= BT_CRYPTO_KEY_MAX;
}

int
bt_msg_new(const struct bt_msg_state *state, struct bt_msg **out)
{
	enum bt_msg_base session = state->acceptor_subkey.enctype != 0 ? BT_MSG_BASE_ACCEPTOR : BT_MSG_BASE_SUBKEY;
	struct bt_msg *m;

	*out = NULL;
	/*
	 * The subkey of an acceptor that negotiated its enctype by RFC 4537 may stand beside a session key of an old one; then
	 * the session key makes no tokens, and need not be one of ours.
	 */
	if (enctype_of(session == BT_MSG_BASE_SUBKEY ? &state->subkey : &state->acceptor_subkey) == NULL ||
	    !is_keepable(&state->subkey))
		return BT_ERR_ENCTYPE;
	if ((m = bt_mem_alloc(sizeof *m)) == NULL)
		return BT_ERR_NOMEM;
	m->base[BT_MSG_BASE_SUBKEY] = state->subkey;
	m->base[BT_MSG_BASE_ACCEPTOR] = state->acceptor_subkey;
	for (size_t i = 0; i < BT_MSG_NUM_BASES; i++)
		m->enctype[i] = enctype_of(&m->base[i]);
	m->session = session;
	m->is_initiator = state->is_initiator;
	m->is_dce = state->is_dce;
	atomic_init(&m->send_next, state->send_next);
	bt_msg_window_init(&m->window, state);
	*out = m;
	return 0;
}

void
bt_msg_free(struct bt_msg *m)
{
	if (m == NULL)
		return;
	bt_msg_usage_done(&m->send);
	for (size_t i = 0; i < BT_MSG_NUM_BASES; i++)
		bt_msg_usage_done(&m->recv[i]);
	bt_msg_window_done(&m->window);
	bt_mem_free_secret(m, sizeof *m);
}

void
bt_msg_inherited(struct bt_msg *m)
{
	bt_msg_window_inherited(&m->window);
}

void
bt_msg_state_of(struct bt_msg *m, struct bt_msg_state *out)
{
	*out = (struct bt_msg_state){
	    .is_initiator = m->is_initiator,
	    .is_dce = m->is_dce,
	    .subkey = m->base[BT_MSG_BASE_SUBKEY],
	    .acceptor_subkey = m->base[BT_MSG_BASE_ACCEPTOR],
	    .send_next = atomic_load(&m->send_next),
	};
	bt_msg_window_state_of(&m->window, out);
}

const struct bt_msg_key *
bt_msg_session_key(const struct bt_msg *m)
{
	return &m->base[m->session];
}

struct bt_msg_way
bt_msg_way_out(struct bt_msg *m)
{
	return (struct bt_msg_way){
	    .enctype = m->enctype[m->session],
	    .base = m->base[m->session].bytes,
	    .usage = &m->send,
	    .sender_is_acceptor = !m->is_initiator,
	    .encrypts = true,
	};
}

int
bt_msg_way_in(struct bt_msg *m, const struct bt_msg_token *token, struct bt_msg_way *out)
{
	bool by_acceptor = (token->flags & BT_MSG_SENT_BY_ACCEPTOR) != 0;
	/* A peer may send before it has seen the acceptor's subkey, and then says so by a flag not set. */
	enum bt_msg_base base = (token->flags & BT_MSG_ACCEPTOR_SUBKEY) != 0 ? m->session : BT_MSG_BASE_SUBKEY;

	*out = (struct bt_msg_way){
	    .enctype = m->enctype[base],
	    .base = m->base[base].bytes,
	    .usage = &m->recv[base],
	    .sender_is_acceptor = by_acceptor,
	};
	if (by_acceptor != m->is_initiator)
		return BT_ERR_BAD_DIRECTION;
	/* A legacy key makes no such token, so the header says what cannot be. */
	return out->enctype == NULL || out->enctype->is_legacy ? BT_ERR_BAD_TOK_HEADER : 0;
}

struct bt_msg_way
bt_msg_way_in_legacy(struct bt_msg *m)
{
	return (struct bt_msg_way){
	    .enctype = m->enctype[m->session],
	    .base = m->base[m->session].bytes,
	    .usage = &m->recv[m->session],
	    .sender_is_acceptor = m->is_initiator,
	};
}

int
bt_msg_number_take(struct bt_msg *m, uint64_t *seq)
{
	uint64_t next = atomic_load_explicit(&m->send_next, memory_order_relaxed);
	/* A legacy token has 32 bits of it, from which RC4's key is made: no number comes twice. */
	uint64_t last = m->enctype[m->session]->is_legacy ? UINT32_MAX : UINT64_MAX;

	/* The last number is never sent: a counter that stands on it stays there and cannot come round to a used one. */
	do {
		if (next >= last)
			return BT_ERR_EXHAUSTED;
	} while (
	    !atomic_compare_exchange_weak_explicit(&m->send_next, &next, next + 1, memory_order_relaxed, memory_order_relaxed));
	*seq = next;
	return 0;
}
