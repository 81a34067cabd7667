#include "base/lock.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- of the process ---- */

/* What BT_LOCK_MINDS_FORKS has put there; of a program without any, nothing. */
extern struct bt_lock *const __start_bt_locks[] __attribute__((weak, visibility("hidden")));
extern struct bt_lock *const __stop_bt_locks[] __attribute__((weak, visibility("hidden")));

static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

/* How many forks made this process, from the one that was the first to use a lock. */
static _Atomic uint32_t depth;

static void
each(enum bt_lock_rank rank, void (*fn)(struct bt_lock *lock))
{
	for (struct bt_lock *const *lock = __start_bt_locks; lock < __stop_bt_locks; lock++)
		if ((*lock)->rank == rank)
			fn(*lock);
}

static void
lock_one(struct bt_lock *lock)
{
	pthread_mutex_lock(&lock->mutex);
}

static void
unlock_one(struct bt_lock *lock)
{
	pthread_mutex_unlock(&lock->mutex);
}

/* Its owner has another number in the child, by which the C library would not let a recursive one go. */
static void
make_anew(struct bt_lock *lock)
{
	if (lock->rank == BT_LOCK_OUTER)
		lock->mutex = (pthread_mutex_t)PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
	else
		lock->mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

static void
begin(struct bt_lock *lock)
{
	if (lock->in_child != NULL)
		lock->in_child();
}

static void
before_fork(void)
{
	each(BT_LOCK_OUTER, lock_one);
	each(BT_LOCK_INNER, lock_one);
}

static void
in_parent(void)
{
	each(BT_LOCK_INNER, unlock_one);
	each(BT_LOCK_OUTER, unlock_one);
}

static void
in_child(void)
{
	atomic_fetch_add(&depth, 1);
	each(BT_LOCK_INNER, unlock_one);
	each(BT_LOCK_OUTER, make_anew);
	each(BT_LOCK_UNAWAITED, make_anew);
	for (enum bt_lock_rank rank = BT_LOCK_OUTER; rank <= BT_LOCK_UNAWAITED; rank++)
		each(rank, begin);
}

static void
ask_to_be_told(void)
{
	(void)pthread_atfork(before_fork, in_parent, in_child);
}

void
bt_lock_enter(struct bt_lock *lock)
{
	pthread_once(&fork_once, ask_to_be_told);
	lock_one(lock);
}

void
bt_lock_leave(struct bt_lock *lock)
{
	unlock_one(lock);
}

/* ---- of a thing ---- */

/* The lowest bit: somebody may wait. The others say in which process the holder is, and are never all 0 then. */
enum { IS_AWAITED = 1 };

static uint32_t
this_process(void)
{
	return (atomic_load_explicit(&depth, memory_order_relaxed) + 1) << 1;
}

/* Until it is no more as it was seen. Who wakes without a reason looks again. */
static void
wait_for(struct bt_lock_thing *lock, uint32_t seen)
{
	(void)syscall(SYS_futex, &lock->holder, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static bool
is_elsewhere(uint32_t seen)
{
	return seen != 0 && (seen & ~(uint32_t)IS_AWAITED) != this_process();
}

bool
bt_lock_thing_enter(struct bt_lock_thing *lock)
{
	uint32_t seen = 0, mine;

	pthread_once(&fork_once, ask_to_be_told);
	mine = this_process();
	while (!atomic_compare_exchange_strong_explicit(&lock->holder, &seen, mine, memory_order_acquire, memory_order_relaxed)) {
		if (is_elsewhere(seen))
			return false;
		/* Who has waited does not know whether others do. */
		mine = this_process() | IS_AWAITED;
		if (seen == mine || atomic_compare_exchange_strong_explicit(&lock->holder, &seen, mine, memory_order_relaxed,
									    memory_order_relaxed))
			wait_for(lock, mine);
		seen = 0;
	}
	return true;
}

void
bt_lock_thing_leave(struct bt_lock_thing *lock)
{
	if ((atomic_exchange_explicit(&lock->holder, 0, memory_order_release) & IS_AWAITED) != 0)
		(void)syscall(SYS_futex, &lock->holder, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

bool
bt_lock_thing_is_lost(const struct bt_lock_thing *lock)
{
	return is_elsewhere(atomic_load_explicit(&lock->holder, memory_order_relaxed));
}
