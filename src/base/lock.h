/*
 * lock - locks, and what becomes of them in a forked child.
 *
 * A child has one thread. What another thread held when it was made would be held there for ever, over something half changed.
 *
 * A lock of the process, struct bt_lock, is known to the forks: they wait for it, so that the child finds whole what the lock
 * protects. It is a static variable, named to the forks beside it: a list that the linker makes. A lock that is held while
 * libraries of others are called, which may make processes, is one that no fork waits for.
 *
 * A thing's own lock, struct bt_lock_thing, may be held across I/O, and no fork waits for it either: in the child, a thing that
 * was held is lost, and its lock says so.
 */
#ifndef BT_BASE_LOCK_H
#define BT_BASE_LOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* ---- of the process ---- */

/* Forks take them in this order. */
enum bt_lock_rank {
	BT_LOCK_OUTER,     /* others are taken while it is held, and it lets the same thread in again */
	BT_LOCK_INNER,     /* for a few instructions, and no other is taken under it */
	BT_LOCK_UNAWAITED, /* by no fork; the child makes it anew */
};

struct bt_lock {
	pthread_mutex_t mutex;
	enum bt_lock_rank rank;
	void (*in_child)(void); /* when all locks of the child are free; NULL: nothing */
};

#define BT_LOCK_INIT(its_rank) {.mutex = PTHREAD_MUTEX_INITIALIZER, .rank = (its_rank)}
#define BT_LOCK_INIT_OUTER {.mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP, .rank = BT_LOCK_OUTER}

/* BT_LOCK_MINDS_FORKS - beside the definition of a static lock: forks know of it. */
#define BT_LOCK_MINDS_FORKS(name, lock) \
	static struct bt_lock *const name __attribute__((section("bt_locks"), used)) = &(lock)

void bt_lock_enter(struct bt_lock *lock);
void bt_lock_leave(struct bt_lock *lock);

/* ---- of a thing ---- */

/* All zero: free. There is nothing to give back. */
struct bt_lock_thing {
	_Atomic uint32_t holder;
};

/* bt_lock_thing_enter - false: a thread held it that did not come along to this process, and no thread of this one ever will. */
bool bt_lock_thing_enter(struct bt_lock_thing *lock);
void bt_lock_thing_leave(struct bt_lock_thing *lock);

/* bt_lock_thing_is_lost - would bt_lock_thing_enter be refused? */
bool bt_lock_thing_is_lost(const struct bt_lock_thing *lock);

#endif
