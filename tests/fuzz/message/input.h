/*
 * input - what the message fuzzers share: the fuzzer's bytes as a script, contexts with known keys, and a token to be spoiled.
 */
#ifndef TESTS_FUZZ_MESSAGE_INPUT_H
#define TESTS_FUZZ_MESSAGE_INPUT_H

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "message/message.h"

#define must(claim) ((claim) ? (void)0 : must_fail(__FILE__, __LINE__, #claim))

static inline void
must_fail(const char *file, int line, const char *claim)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, claim);
	abort();
}

/* The two ends of a context; bits of how choose its kind. */
struct ends {
	struct bt_msg *from, *to;
	struct bt_msg_state before; /* the receiver's */
};

static inline struct bt_msg_key
fuzz_key(int32_t enctype, uint8_t seed)
{
	struct bt_msg_key key = {.enctype = enctype, .len = bt_crypto_enctype_of(enctype)->key_len};

	memset(key.bytes, seed, key.len);
	return key;
}

static inline struct ends
ends_of(uint8_t how)
{
	struct bt_msg_state state = {
	    .is_initiator = how & 0x10,
	    .is_dce = how & 0x20,
	    .detects_replay = true,
	    .detects_sequence = true,
	    .subkey = fuzz_key(17 + (how & 3), 'k'),
	};
	struct ends ends;

	if (how & 4)
		state.acceptor_subkey = fuzz_key(17 + (how >> 6), 'a');
	must(bt_msg_new(&state, &ends.from) == 0);
	state.is_initiator = !state.is_initiator;
	must(bt_msg_new(&state, &ends.to) == 0);
	ends.before = state;
	return ends;
}

static inline void
ends_done(struct ends *ends)
{
	bt_msg_free(ends->from);
	bt_msg_free(ends->to);
}

/* Has a refused token left no trace? */
static inline void
must_be_unchanged(const struct ends *ends)
{
	struct bt_msg_state now;

	bt_msg_state_of(ends->to, &now);
	must(now.send_next == ends->before.send_next && now.recv_next == ends->before.recv_next &&
	     now.recv_seen == ends->before.recv_seen);
}

/* A copy in a block of its own, so that a checker sees each byte read past its end. */
static inline struct bt_buf
own(const void *ptr, size_t len)
{
	struct bt_buf buf = {malloc(len != 0 ? len : 1), len};

	must(buf.ptr != NULL);
	if (len != 0)
		memcpy(buf.ptr, ptr, len);
	return buf;
}

/* Spoil a token as the script says: pairs of a place and a change, then a new length. Fewer changes as the script is shorter. */
static inline struct bt_buf
spoil(struct bt_bytes token, struct bt_rd *script)
{
	uint8_t num = bt_rd_u8(script) % 8, change = bt_rd_u8(script);
	size_t len = token.len;
	struct bt_buf out;
	uint8_t *copy;

	if (change == 1)
		len = bt_rd_be16(script) % (token.len + 1);
	else if (change == 2)
		len += bt_rd_u8(script);
	must((copy = calloc(1, token.len + 256)) != NULL);
	memcpy(copy, token.ptr, token.len);
	for (; num > 0 && len != 0; num--) {
		size_t at = bt_rd_be16(script) % len;

		copy[at] ^= bt_rd_u8(script);
	}
	out = own(copy, len);
	free(copy);
	return out;
}

#endif
