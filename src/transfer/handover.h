/*
 * handover - a context handed over on a UNIX socket, in one message, to a process of any account. doc/format/handover.md.
 *
 * The message holds an interprocess token whose claim is in a memory file that comes with it. The receiver's claim is the
 * acknowledgement: until it is taken, the sender can take it itself and go on with the context, which it has kept; afterwards it
 * cannot. So of the two ends one has the context, whatever dies when.
 *
 * Receiving has two halves. bt_handover_recv ends with all that can fail; bt_receipt_take is the irreversible step.
 *
 * Any thread may send and receive, several on one socket too. One handover or receipt is one thread's at a time.
 */
#ifndef BT_TRANSFER_HANDOVER_H
#define BT_TRANSFER_HANDOVER_H

#include "mech/mech.h"
#include "transfer/channel.h"
#include "transfer/parcel.h"
#include "transfer/policy.h"
#include "transfer/seal.h"

enum bt_handover_state {
	BT_HANDOVER_WAITS,
	BT_HANDOVER_RECEIVED,
	BT_HANDOVER_REFUSED,
	BT_HANDOVER_EXPIRED, /* nobody will receive it any more */
};

/* What was sent. All zero: nothing. */
struct bt_handover {
	struct bt_channel *channel;
	struct bt_seal_header header;
	struct bt_bytes oid; /* of the mechanism; static */
	bool has_waker;	     /* its receiver can wake the sender */
};

/*
 * bt_handover_send - send ctx. It stays the caller's, who keeps it unused until the handover says what became of it, or frees it.
 *   connection  goes along; -1: none
 *   has_waker   whether somebody may wait for what becomes of it (bt_handover_listen)
 * Errors: CONTEXT_EXPIRED, NOT_TRANSFERABLE, TOO_LARGE (cargo), HANDOVER_SOCKET, HANDOVER_PEER, NOMEM, EAGAIN and EINTR (the socket takes
 * nothing at present), EPIPE, EMFILE, ETOOMANYREFS and the like, those of bt_transfer_policy_of; then nothing was sent and out is zero.
 */
int bt_handover_send(int socket, struct bt_ctx *ctx, const struct bt_transfer_wish *wish, const struct bt_parcel_cargo *cargo,
		     int connection, bool has_waker, struct bt_handover *out);

enum bt_handover_state bt_handover_state_of(struct bt_handover *handover);

/* bt_handover_listen - what is woken when its state may have changed. -1: its receiver knows of none; or no descriptors left. */
int bt_handover_listen(struct bt_handover *handover);

/* bt_handover_take_back - 0: the context is the sender's again, and nobody can receive it. Errors: HANDOVER_TAKEN. */
int bt_handover_take_back(struct bt_handover *handover);

/* bt_handover_done - its fate does not matter any more. It can still be received. */
void bt_handover_done(struct bt_handover *handover);

/* What was received. The caller moves out what it wants before bt_receipt_done. */
struct bt_receipt {
	struct bt_ctx *ctx;
	int connection; /* -1: none */
	struct bt_parcel_cargo cargo; /* views */

	struct bt_buf clear; /* of cargo */
	struct bt_claim_store *claims;
	uint32_t slot, generation; /* as the message's head says */
	struct bt_seal_header header;
	struct bt_bytes oid;
	int waker;
};

/*
 * bt_handover_recv - the next message on a socket.
 * Errors: EAGAIN and EINTR (there is none at present), HANDOVER_END; HANDOVER, and those of bt_transfer_import (a message that is used up
 * now; its sender is told); EMFILE and the like. Then there is nothing in out.
 */
int bt_handover_recv(int socket, struct bt_mechs mechs, struct bt_receipt *out);

/* bt_receipt_take - the irreversible step. Errors: TOKEN_USED (taken back), TOKEN_EXPIRED; then bt_receipt_refuse has been done. */
int bt_receipt_take(struct bt_receipt *receipt);

/* bt_receipt_refuse - the sender is to keep it; err says why. Frees all. */
void bt_receipt_refuse(struct bt_receipt *receipt, int err);

/* bt_receipt_done - free what is left. */
void bt_receipt_done(struct bt_receipt *receipt);

#endif
