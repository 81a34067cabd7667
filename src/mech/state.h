/*
 * state - what a context is, as one flat record described by one table: what moves to another process, and what a mechanism that
 * negotiates keeps of the one it negotiates.
 *
 * The record is protocol facts, never pointers into a context's inside: strings with their final NUL, keys, numbers. Format
 * version 1 is this table (doc/format/token.md); a row is never renumbered, and any new row is a new format version, since who
 * reads refuses what it does not know.
 *
 * A record made from a context has views of that context and of a struct bt_ctx_secrets; one that was decoded has views
 * of the decoded bytes. Neither outlives them.
 */
#ifndef BT_MECH_STATE_H
#define BT_MECH_STATE_H

#include "base/bytes.h"
#include "mech/mech.h"
#include "wire/rec.h"

struct bt_ctx_state {
	uint8_t stage; /* enum bt_ctx_stage */
	bool is_initiator;
	uint32_t flags;
	int64_t expires_at;
	int64_t authtime;
	uint32_t ticket_flags;

	/* Names; without a name the rest of its group is zero. */
	int32_t initiator_kind;
	bool initiator_is_anonymous;
	struct bt_bytes initiator_name, initiator_service, initiator_host;
	uint32_t initiator_vouched; /* not without a name and authz */
	int32_t acceptor_kind;
	bool acceptor_is_anonymous;
	struct bt_bytes acceptor_name, acceptor_service, acceptor_host;

	/* OPEN: struct bt_msg_state. */
	bool is_dce;
	bool detects_replay;
	bool detects_sequence;
	int32_t subkey_enctype;
	struct bt_bytes subkey;
	int32_t acceptor_subkey_enctype;
	struct bt_bytes acceptor_subkey;
	uint64_t send_next, recv_first, recv_next, recv_seen;

	struct bt_bytes authz;
	struct bt_bytes pending; /* EXPECT_TOKEN, and with a loaded mechanism OPEN too: what it saved */
};

extern const struct bt_rec bt_ctx_state_rec;

/* Copies of secrets that a record's views point into; wiped by bt_ctx_secrets_done. */
struct bt_ctx_secrets {
	struct bt_msg_state msg;
	struct bt_wr pending;
};

void bt_ctx_secrets_init(struct bt_ctx_secrets *secrets);
void bt_ctx_secrets_done(struct bt_ctx_secrets *secrets);

/* bt_ctx_state_of - the record of ctx, with views of ctx and secrets. Errors: NOT_TRANSFERABLE, NOMEM, the mechanism's. */
int bt_ctx_state_of(struct bt_ctx *ctx, struct bt_ctx_secrets *secrets, struct bt_ctx_state *out);

/*
 * bt_ctx_state_build - a context of the record; copies all it keeps.
 *   mechs  those that a half-open state may name
 * Errors: MALFORMED (facts that no context has together), ENCTYPE, NOMEM, the mechanism's; then out is NULL.
 */
int bt_ctx_state_build(const struct bt_ctx_state *state, const struct bt_mech *mech, struct bt_bytes wire_oid,
		       struct bt_mechs mechs, struct bt_ctx **out);

#endif
