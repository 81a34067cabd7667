/*
 * hand - contexts from peer to peer, and a claim directory of the test's own.
 */
#ifndef BATON_TESTS_HAND_H
#define BATON_TESTS_HAND_H

#include "support/drive.h"

/* Minor statuses of refusals: rows of src/base/err.def. */
enum { MINOR_TOKEN_USED = 1927964672 + 15, MINOR_TOKEN_EXPIRED = 1927964672 + 16 };

/* hand_out - export, which must work: the token (blob_drop), and the context is gone from p. */
struct blob hand_out(struct peer *p, uint32_t ctx);

/* hand_in - import, which must work: the context in p. */
uint32_t hand_in(struct peer *p, struct blob token);

/* hand_try - import, whatever comes of it: the major status. A context that was imported is deleted. */
uint32_t hand_try(struct peer *p, struct blob token);

/* hand_is_used - true if p is told that the token was imported before. */
bool hand_is_used(struct peer *p, struct blob token);

/* hand_refuses - true if p is told that the token is defective, or that there is no such context. */
bool hand_refuses(struct peer *p, struct blob token);

/* hand_over - the acceptor's, or the initiator's, end of e goes to another peer. */
void hand_over_acceptor(struct ends *e, struct peer *to);
void hand_over_initiator(struct ends *e, struct peer *to);

/* Set up and tear down of a group: BATON_CLAIM_DIR names a fresh directory in memory, which is removed at the end. */
int claims_begin(void **state);
int claims_end(void **state);
const char *claims_dir(void);

#endif
