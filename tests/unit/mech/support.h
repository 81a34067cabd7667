/* support - what the tests of the Kerberos mechanism share. They run in a realm of `baton realm` (see there for its principals). */
#ifndef TEST_MECH_SUPPORT_H
#define TEST_MECH_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"
#include "mech/mech.h"

#define HOSTBASED "\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04"

/* How a handshake is to go, and what came of it. */
struct pair {
	/* wanted; all may be zero */
	const char *service; /* NULL: host@server.baton.test */
	uint32_t flags;
	struct bt_mcred *initiator_cred, *acceptor_cred;
	const struct bt_bindings *initiator_bindings, *acceptor_bindings;
	bool wants_delegated;
	bool reloads; /* save and load half-open contexts after each leg */
	/* after each token is made: a chance to spoil it. leg counts from 1 */
	void (*spoil)(struct bt_buf *token, int leg, void *arg);
	void *spoil_arg;
	/* results */
	struct bt_ctx *initiator, *acceptor;
	struct bt_mcred *delegated;
	struct bt_buf first; /* a copy of the first token */
	int init_error, accept_error, legs;
};

struct bt_mn *import_name(const char *text, const char *type, size_t type_len);
struct bt_mn *service_name(const char *text);

void pair_run(struct pair *pair);
/* pair_open - run, and demand that both sides are open. */
void pair_open(struct pair *pair);
void pair_done(struct pair *pair);

/* both_ways - wrap on each side, unwrap on the other, with and without confidentiality. */
void both_ways(struct bt_msg *a, struct bt_msg *b);

/* reload - through pending_save and pending_load, into a context with the same plain data. */
struct bt_ctx *reload(struct bt_ctx *ctx);

struct bt_mcred *acquire(const char *name, enum bt_usage usage, const struct bt_store_entry *store, size_t num_store);

#endif
