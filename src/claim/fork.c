#include "claim/fork.h"

#include <pthread.h>

#include "base/err.h"
#include "claim/word.h"
#include "crypto/crypto.h"

/*
 * Names of epochs are random, with the highest bit set. They are not counted up in shared memory: what a child writes there is
 * not to be believed.
 */
#define NAMED (UINT64_C(1) << 63)

/* In place of an epoch: lost, decided for ever; in the word: lost to all, for it is being handed on. No epoch has this name, and no process makes so many forks at a time. */
#define LOST (UINT64_C(1) << 62)

/*
 * Without NAMED: how many forks are under way in this process. While there are any, no epoch lasts longer than one use: who uses a
 * thing between the moment that it is copied and the moment that we are told has a number that the copy does not know.
 */
_Atomic uint64_t bt_claim_epoch;

/* How many forks made this process, from the one that the library was first used in. */
static _Atomic uint32_t depth;

/* Held while it is decided whose a thing is: for any number of threads of a process that is one decision. */
static pthread_mutex_t deciding = PTHREAD_MUTEX_INITIALIZER;

static void
before_fork(void)
{
	uint64_t now = atomic_load(&bt_claim_epoch);

	while (!atomic_compare_exchange_weak(&bt_claim_epoch, &now, (now & NAMED) != 0 ? 1 : now + 1))
		continue;
}

static void
after_fork(void)
{
	uint64_t now = atomic_load(&bt_claim_epoch);

	/* A fork that began before we asked to be told of them had no beginning. */
	while (!atomic_compare_exchange_weak(&bt_claim_epoch, &now, (now & NAMED) != 0 || now == 0 ? 0 : now - 1))
		continue;
}

static void
in_child(void)
{
	atomic_store(&bt_claim_epoch, 0);
	atomic_fetch_add(&depth, 1);
	deciding = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	bt_claim_words_inherited();
}

/* Two threads that are the first at once both ask to be told, which does no harm. */
static int
ask_to_be_told(void)
{
	static _Atomic bool is_asked;

	if (atomic_load_explicit(&is_asked, memory_order_relaxed))
		return 0;
	if (pthread_atfork(before_fork, after_fork, in_child) != 0)
		return BT_ERR_NOMEM;
	atomic_store_explicit(&is_asked, true, memory_order_relaxed);
	return 0;
}

/* The present epoch's name; while a fork is under way, one for this occasion alone. Errors: ENTROPY. */
static int
name_epoch(uint64_t *name)
{
	uint64_t now = atomic_load(&bt_claim_epoch), fresh;
	int e;

	*name = now;
	if ((now & NAMED) != 0)
		return 0;
	if ((e = bt_crypto_random(&fresh, sizeof fresh)) != 0)
		return e;
	*name = fresh |= NAMED;
	if (now == 0 && !atomic_compare_exchange_strong(&bt_claim_epoch, &now, fresh) && (now & NAMED) != 0)
		*name = now;
	return 0;
}

int
bt_claim_own_init(struct bt_claim_own *own)
{
	uint64_t epoch;
	int e;

	if ((e = ask_to_be_told()) != 0 || (e = name_epoch(&epoch)) != 0 || (e = bt_claim_word_new(epoch, own)) != 0)
		return e;
	atomic_init(&own->epoch, epoch);
	own->depth = atomic_load_explicit(&depth, memory_order_relaxed);
	return 0;
}

void
bt_claim_own_done(struct bt_claim_own *own)
{
	bt_claim_word_free(own);
}

/* The lock is held. */
static int
decide(struct bt_claim_own *own, void (*inherited)(void *arg), void *arg)
{
	uint64_t seen = atomic_load(&own->epoch), now;
	uint32_t here = atomic_load_explicit(&depth, memory_order_relaxed);
	int e;

	if (seen == LOST)
		return BT_ERR_FORKED;
	if ((e = name_epoch(&now)) != 0)
		return e;
	/* Else another thread of ours was here first. */
	if (seen != now && !atomic_compare_exchange_strong(bt_claim_word_of(own), &seen, now)) {
		atomic_store(&own->epoch, LOST);
		return BT_ERR_FORKED;
	}
	if (own->depth != here)
		inherited(arg);
	own->depth = here;
	atomic_store_explicit(&own->epoch, now, memory_order_release);
	return 0;
}

int
bt_claim_own_decide(struct bt_claim_own *own, void (*inherited)(void *arg), void *arg)
{
	int e;

	pthread_mutex_lock(&deciding);
	e = decide(own, inherited, arg);
	pthread_mutex_unlock(&deciding);
	return e;
}

int
bt_claim_own_give(struct bt_claim_own *own)
{
	uint64_t seen = atomic_load(&own->epoch);

	if (seen != LOST && atomic_compare_exchange_strong(bt_claim_word_of(own), &seen, LOST))
		return 0;
	atomic_store(&own->epoch, LOST);
	return BT_ERR_FORKED;
}

void
bt_claim_own_keep(struct bt_claim_own *own)
{
	uint64_t given = LOST;

	atomic_compare_exchange_strong(bt_claim_word_of(own), &given, atomic_load(&own->epoch));
}
