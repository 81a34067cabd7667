/*
 * fake - mechanisms for negotiations: they do nothing but count legs, and end with keys.
 *
 * Tokens are the mechanism's letter and the number of the leg, "A1", "A2". The keys are the same in every context.
 */
#ifndef TESTS_UNIT_MECH_SPNEGO_FAKE_H
#define TESTS_UNIT_MECH_SPNEGO_FAKE_H

#include "mech/mech.h"

enum { FAKE_A, FAKE_B, FAKE_C, NUM_FAKES };

enum { FAKE_ERROR = 4242 };

struct fake {
	int legs;	  /* tokens that a handshake has, 1..4 */
	bool unprotected; /* no integrity */
	bool delegates;	  /* in the first leg */
	int init_error;	  /* of the first leg */
	int accept_error; /* of any, with an error token "!" */
};

extern struct fake fakes[NUM_FAKES];
extern const struct bt_mech *const fake_mechs[NUM_FAKES + 1]; /* and SPNEGO at the end */
extern size_t fake_creds;				      /* delegated and not freed */

#endif
