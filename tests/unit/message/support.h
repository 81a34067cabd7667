/*
 * support - contexts in pairs, repeatable noise, and tokens put together the plain way, to hold the room's own against.
 */
#ifndef TESTS_UNIT_MESSAGE_SUPPORT_H
#define TESTS_UNIT_MESSAGE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "message/message.h"
#include "message/token.h"

enum { NUM_ENCTYPES = 6 };
extern const int32_t enctypes[NUM_ENCTYPES];

/* What is not said stands for: enctype 18, no acceptor subkey, replay and sequence detection, not DCE, numbers from 0. */
struct setup {
	int32_t enctype;
	int32_t acceptor_enctype; /* of the acceptor's subkey; 0: none */
	bool is_dce, no_replay, no_sequence;
	uint64_t first;
};

struct pair {
	struct bt_msg *initiator, *acceptor;
};

struct bt_msg_state state_with(struct setup setup, bool is_initiator);
struct pair pair_with(struct setup setup);
void pair_free(struct pair *pair);

/* Repeatable bytes and numbers. */
void noise(void *out, size_t len);
uint64_t noise_u64(void);
struct bt_buf noise_buf(size_t len);

/* A Wrap token as RFC 4121 §4.2.4 says it, in one buffer, from the pieces of the crypto room; ec is only for sealed ones. */
struct forgery {
	struct bt_msg_state state; /* the sender's */
	bool sealed;
	bool by_subkey; /* not by the acceptor subkey, though there is one */
	uint8_t more_flags;
	uint16_t ec, rrc;
	uint16_t copy_rrc;  /* in the protected header */
	size_t rotate_more; /* beyond rrc */
	uint64_t seq;
};
struct bt_buf forge(const struct forgery *f, struct bt_bytes text);

/* Has nothing of m changed: numbers, window, keys? */
void assert_same_state(struct bt_msg *m, const struct bt_msg_state *before);

/* Copies of exactly the size, so that a checker sees every byte read past an end. */
struct bt_buf exact(struct bt_bytes bytes);

#define assert_ok(call) assert_int_equal((call), 0)

#endif
