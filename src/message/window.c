#include "message/window.h"

#include "message/limits.h"

void
bt_msg_window_init(struct bt_msg_window *w, const struct bt_msg_state *state)
{
	*w = (struct bt_msg_window){
	    .lock = PTHREAD_MUTEX_INITIALIZER,
	    .first = state->recv_first,
	    .next = state->recv_next,
	    .seen = state->recv_seen,
	    .detects_replay = state->detects_replay,
	    .detects_sequence = state->detects_sequence,
	};
}

void
bt_msg_window_done(struct bt_msg_window *w)
{
	pthread_mutex_destroy(&w->lock);
}

void
bt_msg_window_inherited(struct bt_msg_window *w)
{
	w->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

void
bt_msg_window_state_of(struct bt_msg_window *w, struct bt_msg_state *state)
{
	state->detects_replay = w->detects_replay;
	state->detects_sequence = w->detects_sequence;
	state->recv_first = w->first;
	pthread_mutex_lock(&w->lock);
	state->recv_next = w->next;
	state->recv_seen = w->seen;
	pthread_mutex_unlock(&w->lock);
}

/* The number expected next, or one after it: the window moves up. */
static enum bt_msg_order
advance(struct bt_msg_window *w, uint64_t skipped)
{
	/* Shifting by the width of the type is undefined, so a leap over the whole map is a case of its own. */
	w->seen = skipped < BT_MSG_WINDOW_LEN - 1 ? w->seen << (skipped + 1) | 1 : 1;
	w->next += skipped + 1;
	return skipped != 0 && w->detects_sequence ? BT_MSG_GAP : BT_MSG_IN_ORDER;
}

/* A number that others have overtaken, age many of them. */
static enum bt_msg_order
look_back(struct bt_msg_window *w, uint64_t age)
{
	uint64_t bit;

	/* Too old to say whether it came before. To who watches the sequence it is out of sequence in any case. */
	if (age >= BT_MSG_WINDOW_LEN)
		return w->detects_sequence ? BT_MSG_UNSEQ : BT_MSG_OLD;
	bit = UINT64_C(1) << age;
	if (w->detects_replay && (w->seen & bit) != 0)
		return BT_MSG_DUPLICATE;
	w->seen |= bit;
	return w->detects_sequence ? BT_MSG_UNSEQ : BT_MSG_IN_ORDER;
}

/* ahead: by how much the number is beyond the expected one, modulo 2^64. */
static enum bt_msg_order
place(struct bt_msg_window *w, uint64_t ahead)
{
	return ahead <= INT64_MAX ? advance(w, ahead) : look_back(w, ~ahead);
}

enum bt_msg_order
bt_msg_window_enter(struct bt_msg_window *w, uint64_t seq)
{
	enum bt_msg_order order;

	if (!w->detects_replay && !w->detects_sequence)
		return BT_MSG_IN_ORDER;
	pthread_mutex_lock(&w->lock);
	order = place(w, seq - w->first - w->next);
	pthread_mutex_unlock(&w->lock);
	return order;
}

enum bt_msg_order
bt_msg_window_enter_short(struct bt_msg_window *w, uint32_t seq)
{
	enum bt_msg_order order;

	if (!w->detects_replay && !w->detects_sequence)
		return BT_MSG_IN_ORDER;
	pthread_mutex_lock(&w->lock);
	order = place(w, (uint64_t)(int64_t)(int32_t)(seq - (uint32_t)(w->first + w->next)));
	pthread_mutex_unlock(&w->lock);
	return order;
}
