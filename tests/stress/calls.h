/*
 * calls - the clients' side: each call makes a context, has it served, and is judged at its end.
 */
#ifndef BATON_TESTS_CALLS_H
#define BATON_TESTS_CALLS_H

#include "stress/siege.h"

enum { NUM_CALLS_MAX = 256 };

/* How the calls ended; a context that was not served has a reason. */
struct account {
	uint64_t num_calls, num_served, num_passed;
	uint64_t num_refused; /* not accepted: an allocation failed */
	uint64_t num_killed, num_store,
	    num_slept;	       /* told, as a holder died; as the store was in disorder; as the token's time was over */
	uint64_t num_too_late; /* copies of a token that were refused */
	uint64_t num_wrong;    /* what must not be */
};

bool calls_begin(int num);

/* calls_tick - begin calls if is_open, wait for a moment, and go on with those that were answered. */
void calls_tick(struct siege *s, struct account *account, int64_t now_ms, bool is_open);

/* calls_num_open - how many have no end yet. */
int calls_num_open(void);

void calls_end(void);

#endif
