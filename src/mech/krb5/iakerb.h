/*
 * iakerb - Kerberos for an initiator that reaches no KDC: its acceptor carries the exchanges that get it the tickets.
 * draft-ietf-kitten-iakerb.
 *
 * Until the initiator has the acceptor's ticket, the tokens of a context are PROXY tokens: a header that names a realm, and a
 * message from or to a KDC of that realm. Then Kerberos goes on as without them, under the OID of this mechanism, and the
 * initiator proves in its request that the PROXY tokens were those that the acceptor saw. From then on the context is Kerberos'
 * in everything.
 *
 * What a context waits with while messages are carried is a struct bt_iakerb in its struct bt_krb5_pending. The acceptor's is
 * plain data. The initiator's has a client, which holds objects of libkrb5 that cannot be written down and the krb5_context that
 * they belong to: the one place where a context between its legs owns one. It is gone when the tickets are there.
 */
#ifndef BT_MECH_KRB5_IAKERB_H
#define BT_MECH_KRB5_IAKERB_H

#include "mech/krb5/mech_krb5.h"

enum {
	BT_IAKERB_TOK_PROXY = 0x0501,

	/* Bounds of what a peer makes us keep and do before anybody is authenticated. */
	BT_IAKERB_HOPS_MAX = 26,		 /* messages carried for a context: what libkrb5 goes through at most */
	BT_IAKERB_REALM_MAX = 255,		 /* bytes; longer realms are not looked for */
	BT_IAKERB_COOKIE_MAX = 4096,		 /* bytes that an acceptor may have us send back */
	BT_IAKERB_MESSAGE_MAX = 128 * 1024,	 /* bytes of a message to or from a KDC */
	BT_IAKERB_CONVERSATION_MAX = 640 * 1024, /* bytes of all PROXY tokens of a context */
};

/* ---- iakerb_token.c ---- */

/* Views. */
struct bt_iakerb_proxy {
	struct bt_bytes realm;	 /* never empty */
	struct bt_bytes cookie;	 /* ptr NULL: none */
	struct bt_bytes message; /* never empty */
};

/* bt_iakerb_is_proxy - does a token, framed or not, begin as a PROXY token? What does not is Kerberos' own. */
bool bt_iakerb_is_proxy(struct bt_bytes token);

/*
 * bt_iakerb_proxy_read - is_first: with framing, which tokens after the first may have or not.
 * Errors: DEFECTIVE_TOKEN, WRONG_MECH; then out is empty.
 */
int bt_iakerb_proxy_read(struct bt_bytes token, bool is_first, struct bt_iakerb_proxy *out);

/* bt_iakerb_proxy_write - is_first: with framing. Errors: NOMEM. */
int bt_iakerb_proxy_write(const struct bt_iakerb_proxy *proxy, bool is_first, struct bt_buf *out);

/* bt_iakerb_is_request - a whole AS-REQ or TGS-REQ, and nothing else? RFC 4120 §5.4.1. */
bool bt_iakerb_is_request(struct bt_bytes message);

/* The DER of KRB-FINISHED: a checksum, whose value is a view. Errors: DEFECTIVE_TOKEN; then outputs are empty. */
int bt_iakerb_finished_read(struct bt_bytes finished, int32_t *type, struct bt_bytes *value);
void bt_iakerb_finished_write(int32_t type, struct bt_bytes value, struct bt_wr *out);

/* ---- iakerb_finished.c: both sides saw the same conversation ---- */

/* bt_iakerb_finish - KRB-FINISHED over the conversation with the subkey of the initiator's authenticator, appended to out. */
krb5_error_code bt_iakerb_finish(krb5_context ctx, const krb5_keyblock *subkey, struct bt_bytes conversation,
				 struct bt_wr *out);

/* bt_iakerb_check_finished - Errors: BAD_MIC, DEFECTIVE_TOKEN, libkrb5's. */
int bt_iakerb_check_finished(struct bt_krb5 *lib, const krb5_keyblock *subkey, struct bt_bytes conversation,
			     struct bt_bytes finished);

/* ---- iakerb_exchange.c: what a context waits with ---- */

struct bt_iakerb_client;

struct bt_iakerb {
	struct bt_wr conversation;	 /* all PROXY tokens of both sides, one after the other */
	uint32_t num_hops;		 /* messages that went to a KDC */
	struct bt_iakerb_client *client; /* the initiator's; NULL: an acceptor's */
};

/* bt_iakerb_of - the exchange that ctx waits in, or NULL. */
struct bt_iakerb *bt_iakerb_of(const struct bt_ctx *ctx);

/* bt_iakerb_conversation - what is to be proved in the request: empty if nothing was carried. */
struct bt_bytes bt_iakerb_conversation(const struct bt_ctx *ctx);

/* bt_iakerb_begin - give a NEW context its exchange; it becomes EXPECT_TOKEN. Errors: NOMEM. */
int bt_iakerb_begin(struct bt_ctx *ctx);

/* bt_iakerb_free - takes NULL. */
void bt_iakerb_free(struct bt_iakerb *exchange);

/* bt_iakerb_remember - a token is now part of the conversation. Errors: TOO_LARGE, NOMEM. */
int bt_iakerb_remember(struct bt_iakerb *exchange, struct bt_bytes token);

int bt_iakerb_pending_save(const struct bt_ctx *ctx, struct bt_wr *out);
int bt_iakerb_pending_load(struct bt_ctx *ctx, struct bt_mechs mechs, struct bt_bytes saved);

/* ---- iakerb_client.c: the initiator's exchanges with KDCs ---- */

/*
 * bt_iakerb_client_new - find out what is to be asked for: nothing, if the cache has the ticket.
 *   cred    NULL: the default, which the client then keeps
 * Errors: libkrb5's, NO_CRED, NOMEM; then out is NULL.
 */
int bt_iakerb_client_new(struct bt_mcred *cred, const struct bt_mn *target, uint32_t lifetime_s, struct bt_iakerb_client **out);
void bt_iakerb_client_free(struct bt_iakerb_client *client);

/* bt_iakerb_client_library - its own, in which the clock is as the KDCs have it. */
struct bt_krb5 *bt_iakerb_client_library(struct bt_iakerb_client *client);

/* bt_iakerb_client_cred - the credential of a step: the caller's (given), or the client's own; NULL: there is none. */
struct bt_mcred *bt_iakerb_client_cred(const struct bt_iakerb_client *client, struct bt_mcred *given);

/*
 * bt_iakerb_client_step - take a KDC's reply (empty at first), give the next request and the realm it is for; or neither: now
 * the cache has the ticket. Both are new memory. Errors: libkrb5's, NOMEM; then both are empty.
 */
int bt_iakerb_client_step(struct bt_iakerb_client *client, struct bt_mcred *cred, struct bt_bytes reply, struct bt_buf *realm,
			  struct bt_buf *request);

/* ---- iakerb_relay.c: the acceptor's part ---- */

/*
 * bt_iakerb_relay - send a request to a KDC of the realm, and give its reply, or a KRB-ERROR that says why there is none: this
 * host's configuration does not name the realm, or no KDC answers. Blocks for as long as libkrb5 tries.
 * Errors: DEFECTIVE_TOKEN (no request for KDCs), TOO_LARGE (the reply), NOMEM, libkrb5's; then reply is empty.
 */
int bt_iakerb_relay(struct bt_krb5 *lib, struct bt_bytes realm, struct bt_bytes request, struct bt_buf *reply);

/* ---- iakerb_initiator.c, iakerb_acceptor.c ---- */

int bt_iakerb_init(struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *token_out);
int bt_iakerb_accept(struct bt_ctx *ctx, const struct bt_accept_step *step, struct bt_buf *token_out,
		     struct bt_mcred **delegated);

#endif
