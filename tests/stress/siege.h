/*
 * siege - the fronts and workers, and the harm that is done to them. The accountant alone calls, from one thread.
 */
#ifndef BATON_TESTS_SIEGE_H
#define BATON_TESTS_SIEGE_H

#include "stress/stress.h"

/* Kinds of harm; a phase of the siege has some of them. */
enum harm {
	HARM_KILL = 1,	   /* SIGKILL */
	HARM_STOP = 2,	   /* SIGSTOP, and SIGCONT after a while */
	HARM_ALLOC = 4,	   /* allocations fail */
	HARM_STORE = 8,	   /* the claim store is truncated, deleted, replaced */
	HARM_CLOCK = 16,   /* the calendar clock is set forward and back */
	HARM_SUSPEND = 32, /* the host sleeps for minutes or hours, in the midst of everything */
	HARM_ALL = 63,
};

/* What was done up to now. What did not change during a call cannot be the reason of its end. */
struct toll {
	uint64_t num_killed /* and buried */, num_stopped, num_attacks, num_cuts, num_clocks, num_suspended,
	    num_unlucky;
};

struct siege {
	struct post post;
	int front_in; /* where connections are sent to */
	struct toll toll;
	unsigned harm;
	bool is_broken; /* a process ended as it must not */
};

/* siege_begin - makes the sockets and starts the processes; claim_dir is the store's directory. False: errno says why. */
bool siege_begin(struct siege *s, int num_fronts, int num_workers, const char *claim_dir);

/* siege_tick - some harm, if it is time for it; processes that died are replaced. */
void siege_tick(struct siege *s, int64_t now_ms);

/* siege_relent - no more harm from now on: all go on, the store is in order. */
void siege_relent(struct siege *s);

/* siege_end - also ends the processes. */
void siege_end(struct siege *s);

/* siege_has_died - was this one of ours, and is it dead? */
bool siege_has_died(pid_t pid);

/* siege_toll - as it is for who begins now: harm that is under way is yet to come for that one. */
struct toll siege_toll(const struct siege *s);

/* attack.c: one of many misdeeds; what remains of it is put away. */
void attack_begin(const char *dir, bool *is_cut);
void attack_end(const char *dir);

/* attack_remove - the store and its directory, at the end. */
void attack_remove(const char *dir);

#endif
