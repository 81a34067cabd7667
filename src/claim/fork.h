/*
 * fork - which of the processes that a fork has made goes on with what each of them now has a copy of.
 *
 * The one that is the first to use it; for the others it is lost, for good. That is decided by a claim as everything else in this
 * room is: the thing has a word in memory that all its copies share, and who wants to use it swaps the word from what the
 * copies have last seen in it to a number of its own. One swap succeeds.
 *
 * No use but the first after a fork pays for this. The time of a process is divided into epochs: a fork ends one, in the parent and in
 * the child, and so each has a number that no other process's has. A copy remembers in which epoch it was last known to be here;
 * as long as that is the present one, nothing has happened, and to see that is a load and a comparison.
 *
 * The C library tells of forks (pthread_atfork). Children that were made without its fork(), by a bare clone(2), have the
 * epoch of their parent, and nothing here notices. vfork() and posix_spawn() end in another program and copy nothing.
 *
 * The shared words hold random numbers and nothing else. Each page of them is given up by all at the next fork, so that a process
 * can reach the words of those things only that it has copies of: see word.h.
 *
 * Any thread may call. A thing that one thread uses while another one forks is used before the fork, or after it, or both; but what is
 * handed on is handed on, or used by a child, and not both.
 */
#ifndef BT_CLAIM_FORK_H
#define BT_CLAIM_FORK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct bt_claim_sheet;

/* Part of a thing that is to be used by one process only. It may not be moved in memory while others use it. */
struct bt_claim_own {
	_Atomic uint64_t epoch; /* in which the thing was last known to be here; what the word then held */
	struct bt_claim_sheet *sheet;
	uint32_t index; /* the word's, in the sheet */
	uint32_t depth; /* bt_claim_depth of the process that used it last */
};

/* The present epoch, or a small number: it has no name yet. Read by bt_claim_own_is_here alone. */
extern _Atomic uint64_t bt_claim_epoch;

/* bt_claim_own_init - a new thing, which is here. Errors: NOMEM, ENTROPY; then there is nothing to be done with own. */
int bt_claim_own_init(struct bt_claim_own *own);

/* bt_claim_own_done - the thing, or this copy of it, is gone; other copies do not notice. */
void bt_claim_own_done(struct bt_claim_own *own);

/* bt_claim_own_is_here - nothing has happened since the last use. Before each use; if false, bt_claim_own_decide. */
static inline bool
bt_claim_own_is_here(const struct bt_claim_own *own)
{
	return atomic_load_explicit(&own->epoch, memory_order_acquire) ==
	       atomic_load_explicit(&bt_claim_epoch, memory_order_relaxed);
}

/*
 * bt_claim_own_decide - the first use after a fork: is it here that the thing goes on?
 *   inherited  called if it is, and this process is a child that has not used it before; before any thread of it does. What
 *              other threads of the parent had locked stays locked in the copy, and is to be made anew.
 * Errors: FORKED (it goes on elsewhere), ENTROPY (nothing is decided).
 */
int bt_claim_own_decide(struct bt_claim_own *own, void (*inherited)(void *arg), void *arg);

/*
 * bt_claim_own_give - the thing is about to be handed on: from now on it is lost to every copy, also to those that a fork made after
 * bt_claim_own_is_here was asked. Of this process it is not used but for handing it on.
 * Errors: FORKED (a copy was faster).
 */
int bt_claim_own_give(struct bt_claim_own *own);

/* bt_claim_own_keep - it was not handed on after all, and can be used as before bt_claim_own_give. */
void bt_claim_own_keep(struct bt_claim_own *own);

#endif
