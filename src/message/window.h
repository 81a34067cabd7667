/*
 * window - which of the peer's sequence numbers were received: the newest, and a map of the 64 up to it.
 *
 * Numbers are compared modulo 2^64: of two, the one less than 2^63 ahead is the newer. So the window goes on over the wrap from
 * 2^64-1 to 0, and a number from before the peer's first one is old rather than far ahead.
 * Threads: any number; the lock is held for a few instructions.
 */
#ifndef BT_MESSAGE_WINDOW_H
#define BT_MESSAGE_WINDOW_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "message/message.h"

struct bt_msg_window {
	pthread_mutex_t lock;		       /* protects next and seen */
	uint64_t first;			       /* the peer's first number; constant */
	uint64_t next;			       /* next expected, counted from first */
	uint64_t seen;			       /* bit i: number next - 1 - i was received */
	bool detects_replay, detects_sequence; /* constant */
};

void bt_msg_window_init(struct bt_msg_window *w, const struct bt_msg_state *state);
void bt_msg_window_done(struct bt_msg_window *w);

/* bt_msg_window_inherited - the lock is free; for bt_msg_inherited. */
void bt_msg_window_inherited(struct bt_msg_window *w);

/* bt_msg_window_state_of - write the four members of state that are the window's. */
void bt_msg_window_state_of(struct bt_msg_window *w, struct bt_msg_state *state);

/* bt_msg_window_enter - note that a token with this number, whose integrity was checked, has come. Cannot fail. */
enum bt_msg_order bt_msg_window_enter(struct bt_msg_window *w, uint64_t seq);

/* bt_msg_window_enter_short - the same, of a number of which only the lower half came: the nearest to what is expected. */
enum bt_msg_order bt_msg_window_enter_short(struct bt_msg_window *w, uint32_t seq);

#endif
