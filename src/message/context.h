/*
 * context - what is behind struct bt_msg, for the files of this room.
 */
#ifndef BT_MESSAGE_CONTEXT_H
#define BT_MESSAGE_CONTEXT_H

#include <stdatomic.h>
#include <stddef.h>

#include "message/key.h"
#include "message/message.h"
#include "message/token.h"
#include "message/window.h"

/* The protocol keys of a context. RFC 4121 §2. */
enum bt_msg_base { BT_MSG_BASE_SUBKEY, BT_MSG_BASE_ACCEPTOR, BT_MSG_NUM_BASES };

/*
 * What changes stands where only constants of the same context are within a cache line: so that sending does not slow down receiving,
 * and neither slows down another context's thread, whose memory may be next to this.
 */
struct bt_msg {
	const struct bt_crypto_enctype *enctype[BT_MSG_NUM_BASES]; /* NULL: no key, or of an enctype that crypto has not */
	enum bt_msg_base session;				   /* the base we send with */
	bool is_initiator;
	bool is_dce;
	/* Made at first use, then constant: */
	struct bt_msg_usage send;
	_Atomic uint64_t send_next;
	struct bt_msg_usage recv[BT_MSG_NUM_BASES];
	struct bt_msg_window window;
	struct bt_msg_key base[BT_MSG_NUM_BASES];
};

enum { BT_MSG_APART = 64 - _Alignof(max_align_t) }; /* a cache line, wherever the allocator lets the struct begin */
_Static_assert(offsetof(struct bt_msg, send_next) >= BT_MSG_APART, "from the memory before");
_Static_assert(offsetof(struct bt_msg, window) - offsetof(struct bt_msg, recv) >= BT_MSG_APART, "from sending");
_Static_assert(sizeof(((struct bt_msg *)NULL)->base) >= BT_MSG_APART, "from the memory behind");

/* One way through a context: which keys protect a token, and who sends it. Borrowed from the context. */
struct bt_msg_way {
	const struct bt_crypto_enctype *enctype;
	const uint8_t *base;
	struct bt_msg_usage *usage;
	bool sender_is_acceptor;
	bool encrypts; /* we are the sender */
};

/* bt_msg_way_out - the way of the tokens we send. */
struct bt_msg_way bt_msg_way_out(struct bt_msg *m);

/*
 * bt_msg_way_in - the way a received token came, by its flags. RFC 4121 §4.2.2.
 * Errors: BAD_DIRECTION (a token of our own), ENCTYPE (made with a key of an enctype we have not).
 */
int bt_msg_way_in(struct bt_msg *m, const struct bt_msg_token *token, struct bt_msg_way *out);

/* bt_msg_way_in_legacy - the way of a token of RFC 1964, which does not say by which key it was made: the session's. */
struct bt_msg_way bt_msg_way_in_legacy(struct bt_msg *m);

/* bt_msg_number_take - use up one sequence number. After all that can fail otherwise. Errors: EXHAUSTED. */
int bt_msg_number_take(struct bt_msg *m, uint64_t *seq);

#endif
