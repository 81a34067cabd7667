/*
 * message - per-message protection of RFC 4121, and of RFC 1964 where the key is an old one: Wrap and MIC tokens, IOV buffers,
 * sequence numbers, replay window, PRF.
 *
 * A struct bt_msg is what two established peers share: keys, their own send counter, and the window over what was
 * received. It is made from, and turned back into, the plain facts in struct bt_msg_state; which mechanism
 * agreed on the keys is no concern of this room, nor how contexts travel.
 *
 * Threads: every call but bt_msg_free may run beside every other on one object. Keys are immutable and derived at
 * first use; the send counter is atomic; the receive window has a lock of its own, held for a few instructions.
 * Memory: the caller owns what it passes in; outputs are the caller's to free. Nothing but the output of a
 * call is allocated on the message path, after the keys' first use.
 */
#ifndef BT_MESSAGE_MESSAGE_H
#define BT_MESSAGE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "crypto/crypto.h"

struct bt_msg;

struct bt_msg_key {
	int32_t enctype; /* 0: no key */
	uint8_t len;
	uint8_t bytes[BT_CRYPTO_KEY_MAX];
};

/* All that must be known to go on where another process stopped. Secret: wipe it. */
struct bt_msg_state {
	bool is_initiator;
	bool is_dce;			   /* DCE style: IOV framing of RFC 4121 wraps as MS-KILE has it */
	bool detects_replay;		   /* GSS_C_REPLAY_FLAG */
	bool detects_sequence;		   /* GSS_C_SEQUENCE_FLAG */
	struct bt_msg_key subkey;	   /* the initiator's subkey, or the session key where it sent none */
	struct bt_msg_key acceptor_subkey; /* enctype 0: the acceptor asserted none. RFC 4121 §2 */
	uint64_t send_next;		   /* SND_SEQ of the next token sent */
	uint64_t recv_first;		   /* SND_SEQ of the peer's first token */
	uint64_t recv_next; /* next expected, counted from recv_first modulo 2^64; stays where neither is detected */
	uint64_t recv_seen; /* bit i: number recv_next - 1 - i was received */
};

/* Where a received token stands among the others. RFC 2743 §1.2.3. */
enum bt_msg_order { BT_MSG_IN_ORDER, BT_MSG_DUPLICATE, BT_MSG_OLD, BT_MSG_UNSEQ, BT_MSG_GAP };

/*
 * bt_msg_new - a context as the facts tell it. Beside an acceptor subkey, the subkey may be of an enctype that crypto has not.
 * Errors: NOMEM, ENCTYPE (unknown enctype or wrong key length); then out is NULL.
 */
int bt_msg_new(const struct bt_msg_state *state, struct bt_msg **out);
void bt_msg_free(struct bt_msg *m);

/*
 * bt_msg_inherited - in a forked child, before anything else is done with m there: a thread of the parent that held its lock when it
 * was copied is not here to give it back.
 */
void bt_msg_inherited(struct bt_msg *m);

/* bt_msg_state_of - a copy of the facts as they stand now; the caller wipes it. */
void bt_msg_state_of(struct bt_msg *m, struct bt_msg_state *out);

/* bt_msg_session_key - the key per-message tokens are made with: acceptor subkey, else subkey. Lives as long as m. */
const struct bt_msg_key *bt_msg_session_key(const struct bt_msg *m);

/* Largest text of one token, bytes: an output's length must fit the 32 bits some callers keep it in. */
#define BT_MSG_MAX ((size_t)UINT32_MAX - 256)

/* bt_msg_overhead - bytes that wrap adds to a text. RFC 4121 §4.2.4. With a legacy key, where that differs, the most it may be. */
size_t bt_msg_overhead(const struct bt_msg *m, bool conf);

/*
 * bt_msg_wrap - protect one message for the peer. RFC 4121 §4.2.4, §4.2.6.2.
 *
 *   conf   true: encrypt and protect; false: protect only
 *   text   0..BT_MSG_MAX bytes, borrowed for the call
 *   out    new token, text.len + bt_msg_overhead(m, conf) bytes, or fewer with a legacy key; caller frees
 *
 * Errors: NOMEM, TOO_LARGE (text), EXHAUSTED (SND_SEQ has come to 2^64-1, which is not sent), ENTROPY, CRYPTO.
 * On error: out is empty and the sequence number is unused.
 */
int bt_msg_wrap(struct bt_msg *m, bool conf, struct bt_bytes text, struct bt_buf *out);

/*
 * bt_msg_unwrap - check, and decrypt, one message of the peer's. Any rotation count. RFC 4121 §4.2.5.
 *
 *   out    the text; caller frees
 *   conf   was it encrypted?
 *   order  where it stands; a text is handed out whatever the order, as RFC 2743 §1.2.3 has it
 *
 * Errors: NOMEM, CRYPTO, BAD_TOK_HEADER, TOK_TRUNC, BAD_DIRECTION, BAD_MIC, ENCTYPE (made with a key that crypto has not).
 * On error: out is empty, conf false, order BT_MSG_IN_ORDER, and the window as it was.
 */
int bt_msg_unwrap(struct bt_msg *m, struct bt_bytes token, struct bt_buf *out, bool *conf, enum bt_msg_order *order);

/* bt_msg_get_mic - a MIC token for text. RFC 4121 §4.2.6.1. Errors and ownership as bt_msg_wrap. */
int bt_msg_get_mic(struct bt_msg *m, struct bt_bytes text, struct bt_buf *out);

/* bt_msg_verify_mic - Errors: as bt_msg_unwrap; then the window is as it was. */
int bt_msg_verify_mic(struct bt_msg *m, struct bt_bytes text, struct bt_bytes token, enum bt_msg_order *order);

/*
 * bt_msg_verify_deletion - has the peer said by this token that it has deleted the context? RFC 1964 §1.2.3; none are made here. RFC 4121
 * has none: bt_msg_has_deletion tells. Errors: as bt_msg_verify_mic.
 */
bool bt_msg_has_deletion(const struct bt_msg *m);
int bt_msg_verify_deletion(struct bt_msg *m, struct bt_bytes token);

/* ---- IOV: the same tokens over scattered buffers ---- */

/* The numbers of GSS_IOV_BUFFER_TYPE_*, as programs pass them. */
enum bt_msg_iov_type {
	BT_MSG_IOV_EMPTY = 0,
	BT_MSG_IOV_DATA = 1,
	BT_MSG_IOV_HEADER = 2,
	BT_MSG_IOV_TRAILER = 7,
	BT_MSG_IOV_PADDING = 9,
	BT_MSG_IOV_STREAM = 10,
	BT_MSG_IOV_SIGN_ONLY = 11,
	BT_MSG_IOV_MIC_TOKEN = 12,
};

struct bt_msg_iov {
	enum bt_msg_iov_type type;
	bool allocate;	    /* wants memory: set ptr and len, which the caller then owns (bt_mem_free) */
	bool was_allocated; /* out: this call did allocate ptr */
	uint8_t *ptr;
	size_t len;
};

/*
 * bt_msg_iov_is_sealed - will bt_msg_wrap_iov encrypt, asked for conf? Not where there is no DATA buffer: then the token is an
 * integrity-only one, and gss_wrap_iov says so by conf_state.
 */
bool bt_msg_iov_is_sealed(bool conf, const struct bt_msg_iov *iov, size_t num_iov);

/*
 * bt_msg_wrap_iov - protect DATA in place, and SIGN_ONLY with it. One HEADER; TRAILER and PADDING at most once; without a
 * TRAILER what would stand there is rotated into the HEADER. RFC 4121 §4.2.5; DCE style as MS-KILE §3.4.5.4.
 * Errors: as bt_msg_wrap, and BAD_IOV (arrangement), WRONG_SIZE (a buffer is too short). On error nothing of this call's stays
 * allocated and the sequence number is unused.
 */
int bt_msg_wrap_iov(struct bt_msg *m, bool conf, struct bt_msg_iov *iov, size_t num_iov);

/*
 * bt_msg_wrap_iov_length - set len of HEADER, TRAILER and PADDING to what bt_msg_wrap_iov needs. Reads no buffer: they may be without
 * memory yet. Errors: BAD_IOV.
 */
int bt_msg_wrap_iov_length(struct bt_msg *m, bool conf, struct bt_msg_iov *iov, size_t num_iov);

/*
 * bt_msg_unwrap_iov - the reverse, in place. Either HEADER, DATA... and TRAILER as the sender had them, or one STREAM holding a
 * whole token and one DATA, which is set to the text inside the STREAM (or to a copy, if it asks to be allocated).
 * Errors: as bt_msg_unwrap, and BAD_IOV. After one the buffers are of no use, and show nothing that was decrypted.
 */
int bt_msg_unwrap_iov(struct bt_msg *m, struct bt_msg_iov *iov, size_t num_iov, bool *conf, enum bt_msg_order *order);

/* bt_msg_get_mic_iov and its fellows - MIC over DATA and SIGN_ONLY in their order, in one MIC_TOKEN buffer. */
int bt_msg_get_mic_iov(struct bt_msg *m, struct bt_msg_iov *iov, size_t num_iov);
int bt_msg_get_mic_iov_length(struct bt_msg *m, struct bt_msg_iov *iov, size_t num_iov);
int bt_msg_verify_mic_iov(struct bt_msg *m, struct bt_msg_iov *iov, size_t num_iov, enum bt_msg_order *order);

/*
 * bt_msg_prf - RFC 4402 pseudo-random: out.len bytes into out.ptr, from the acceptor's (full) or the initiator's (partial)
 * key. Errors: NOMEM, CRYPTO, ENCTYPE (partial, with a key that crypto has not), INPUT_TOO_LONG; then out is zeroed.
 */
int bt_msg_prf(struct bt_msg *m, bool full, struct bt_bytes input, struct bt_buf out);

#endif
