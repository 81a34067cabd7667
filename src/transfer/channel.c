#include "transfer/channel.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/lock.h"
#include "base/mem.h"
#include "claim/memory.h"

/* A socket keeps ten packets that were not read yet, or some hundreds where the host was told so. */
enum { NUM_KEPT = 64, WAKES_MAX = 1024 };

/* A descriptor of ours, and which file it is: by now the number may be the program's. */
struct end {
	int fd;
	dev_t dev;
	ino_t ino;
};

/*
 * All channels that a socket has had have one: a pair of sockets, of which receivers are given one end. Not an event counter: whether
 * that waits is up to a flag that all who have it can change, and of a socket each call says so for itself.
 */
struct waker {
	_Atomic uint32_t refs;
	_Atomic bool is_made; /* the ends are there, and do not change any more */
	struct end own, given;
	_Atomic bool is_listened;
};

struct bt_channel {
	_Atomic uint32_t refs;
	uint64_t cookie; /* of the socket */
	uint32_t depth;  /* num_forks when it was made */
	struct bt_claim_store *claims;
	struct waker *waker;
	bool is_pair;
	_Atomic bool is_full, was_used;
};

static void begin_as_child(void);

/* The lock protects all of it, and is held for a few instructions. */
static struct {
	struct bt_lock lock;
	struct bt_channel *channels[NUM_KEPT];
	unsigned last; /* found or put here last */
} kept = {.lock = {.mutex = PTHREAD_MUTEX_INITIALIZER, .rank = BT_LOCK_INNER, .in_child = begin_as_child}};
BT_LOCK_MINDS_FORKS(minds_forks, kept.lock);

/* Between the first process that had channels and this one. */
static _Atomic uint32_t num_forks;

/* Parent and child would take each other's wake-ups, and one number of a descriptor would be closed by whoever closes it first. */
static void
begin_as_child(void)
{
	num_forks++;
	for (unsigned i = 0; i < NUM_KEPT; i++) {
		bt_channel_free(kept.channels[i]);
		kept.channels[i] = NULL;
	}
}

static int
option(int socket, int name, void *value, socklen_t len)
{
	return getsockopt(socket, SOL_SOCKET, name, value, &len) == 0 ? 0 : errno;
}

/* Neither end of a pair has a name; of two connected ends one has that of the listener. */
static bool
has_name(int (*name_of)(int, struct sockaddr *, socklen_t *), int socket)
{
	struct sockaddr_un name;
	socklen_t len = sizeof name;

	return name_of(socket, (struct sockaddr *)&name, &len) != 0 || len > sizeof name.sun_family;
}

static int
sock_name(int socket, struct sockaddr *name, socklen_t *len)
{
	return getsockname(socket, name, len);
}

static int
peer_name(int socket, struct sockaddr *name, socklen_t *len)
{
	return getpeername(socket, name, len);
}

static bool
is_there(const struct end *end)
{
	struct stat st;

	return fstat(end->fd, &st) == 0 && st.st_dev == end->dev && st.st_ino == end->ino;
}

static void
close_end(const struct end *end)
{
	if (is_there(end))
		close(end->fd);
}

/* Takes NULL. */
static void
free_waker(struct waker *waker)
{
	if (waker == NULL || atomic_fetch_sub_explicit(&waker->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (waker->is_made) {
		close_end(&waker->own);
		close_end(&waker->given);
	}
	bt_mem_free(waker);
}

static struct waker *
waker_like(const struct bt_channel *before)
{
	struct waker *waker = before != NULL ? before->waker : bt_mem_alloc(sizeof *waker);

	if (waker != NULL)
		atomic_fetch_add_explicit(&waker->refs, 1, memory_order_relaxed);
	return waker;
}

/* before: the socket's last one, or NULL. */
static int
open_channel(int socket, uint64_t cookie, const struct bt_channel *before, struct bt_channel **out)
{
	struct bt_channel *channel;
	int domain, type, e;

	*out = NULL;
	if ((e = option(socket, SO_DOMAIN, &domain, sizeof domain)) != 0 || (e = option(socket, SO_TYPE, &type, sizeof type)) != 0)
		return e;
	if (domain != AF_UNIX || (type != SOCK_SEQPACKET && type != SOCK_STREAM))
		return BT_ERR_HANDOVER_SOCKET;
	if ((channel = bt_mem_alloc(sizeof *channel)) == NULL)
		return BT_ERR_NOMEM;
	channel->refs = 1;
	channel->cookie = cookie;
	channel->depth = num_forks;
	channel->is_pair = !has_name(sock_name, socket) && !has_name(peer_name, socket);
	e = (channel->waker = waker_like(before)) != NULL ? 0 : BT_ERR_NOMEM;
	if (e != 0 || (e = bt_claim_memory_new(&channel->claims)) != 0) {
		bt_channel_free(channel);
		return e;
	}
	if (channel->waker->is_listened)
		bt_claim_memory_want_wake(channel->claims);
	*out = channel;
	return 0;
}

static struct bt_channel *
share(struct bt_channel *channel)
{
	atomic_fetch_add_explicit(&channel->refs, 1, memory_order_relaxed);
	return channel;
}

/* Under the lock. */
static struct bt_channel *
find_kept(uint64_t cookie)
{
	for (unsigned i = 0; i < NUM_KEPT; i++) {
		unsigned at = (kept.last + i) % NUM_KEPT;

		if (kept.channels[at] == NULL || kept.channels[at]->cookie != cookie)
			continue;
		kept.last = at;
		return kept.channels[at];
	}
	return NULL;
}

/* In the place of the one found longest ago, or so, where none is empty. */
static unsigned
place_for(const struct bt_channel *stale)
{
	for (unsigned i = 0; i < NUM_KEPT; i++)
		if (kept.channels[i] == stale)
			return i;
	return (kept.last + 1) % NUM_KEPT;
}

/*
 * Takes fresh, which comes in the place of stale (NULL: of any other socket's). Returns the one to use: another thread may have made
 * one for the same socket meanwhile.
 */
static struct bt_channel *
keep(struct bt_channel *fresh, const struct bt_channel *stale)
{
	struct bt_channel *there, *old = fresh;

	bt_lock_enter(&kept.lock);
	if ((there = find_kept(fresh->cookie)) == NULL || there == stale) {
		there = fresh;
		kept.last = place_for(stale);
		old = kept.channels[kept.last];
		kept.channels[kept.last] = fresh;
	}
	share(there);
	bt_lock_leave(&kept.lock);
	bt_channel_free(old);
	return there;
}

int
bt_channel_of(int socket, struct bt_channel **out)
{
	struct bt_channel *channel, *fresh;
	uint64_t cookie;
	bool is_lost;
	int e;

	*out = NULL;
	if ((e = option(socket, SO_COOKIE, &cookie, sizeof cookie)) != 0)
		return e;
	bt_lock_enter(&kept.lock);
	if ((channel = find_kept(cookie)) != NULL)
		share(channel);
	bt_lock_leave(&kept.lock);
	/* If the program closed all descriptors, nobody can be sent these claims any more. */
	is_lost = channel != NULL && !bt_claim_memory_has_fd(channel->claims);
	if (channel == NULL || channel->is_full || is_lost) {
		if ((e = open_channel(socket, cookie, is_lost ? NULL : channel, &fresh)) == 0)
			fresh = keep(fresh, channel);
		bt_channel_free(channel);
		if (e != 0)
			return e;
		channel = fresh;
	}
	*out = channel;
	return 0;
}

void
bt_channel_is_full(struct bt_channel *channel)
{
	atomic_store_explicit(&channel->is_full, true, memory_order_relaxed);
}

void
bt_channel_free(struct bt_channel *channel)
{
	if (channel == NULL || atomic_fetch_sub_explicit(&channel->refs, 1, memory_order_acq_rel) != 1)
		return;
	free_waker(channel->waker);
	bt_claim_memory_free(channel->claims);
	bt_mem_free(channel);
}

struct bt_claim_store *
bt_channel_claims(const struct bt_channel *channel)
{
	return channel->claims;
}

bool
bt_channel_is_inherited(const struct bt_channel *channel)
{
	return channel->depth != atomic_load_explicit(&num_forks, memory_order_relaxed);
}

bool
bt_channel_is_pair(const struct bt_channel *channel)
{
	return channel->is_pair;
}

static bool
find_end(int fd, struct end *out)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return false;
	*out = (struct end){fd, st.st_dev, st.st_ino};
	return true;
}

static bool
make_ends(struct waker *waker)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
		return false;
	if (find_end(ends[0], &waker->own) && find_end(ends[1], &waker->given))
		return true;
	close(ends[0]);
	close(ends[1]);
	return false;
}

/* False: no descriptors left. */
static bool
need_waker(struct waker *waker)
{
	if (atomic_load_explicit(&waker->is_made, memory_order_acquire))
		return true;
	bt_lock_enter(&kept.lock);
	if (!waker->is_made && make_ends(waker))
		atomic_store_explicit(&waker->is_made, true, memory_order_release);
	bt_lock_leave(&kept.lock);
	return waker->is_made;
}

int
bt_channel_waker(struct bt_channel *channel)
{
	bool is_first = !atomic_exchange_explicit(&channel->was_used, true, memory_order_relaxed);

	return (is_first || channel->waker->is_listened) && need_waker(channel->waker) ? channel->waker->given.fd : -1;
}

int
bt_channel_listen(struct bt_channel *channel)
{
	struct waker *waker = channel->waker;

	if (!need_waker(waker))
		return -1;
	if (bt_claim_memory_wants_wake(channel->claims))
		return waker->own.fd;
	waker->is_listened = true;
	bt_claim_memory_want_wake(channel->claims);
	/* What changed before was not told. */
	if (is_there(&waker->given))
		bt_channel_wake(waker->given.fd);
	return waker->own.fd;
}

void
bt_channel_hear(struct bt_channel *channel)
{
	struct waker *waker = channel->waker;

	/* What wakes the parent is not for us. */
	if (bt_channel_is_inherited(channel))
		return;
	if (!atomic_load_explicit(&waker->is_made, memory_order_acquire) || !bt_claim_memory_wants_wake(channel->claims) ||
	    !is_there(&waker->own))
		return;
	/* Who wakes without end does not keep us here. */
	for (int i = 0; i < WAKES_MAX && recv(waker->own.fd, &(char){0}, 1, MSG_DONTWAIT) >= 0; i++)
		continue;
}

/* Whoever sent it chose it. So it is asked nothing but whether it is of the kind that we make, and that cannot take long. */
void
bt_channel_wake(int fd)
{
	int domain, type;

	if (option(fd, SO_DOMAIN, &domain, sizeof domain) != 0 || option(fd, SO_TYPE, &type, sizeof type) != 0 ||
	    domain != AF_UNIX || type != SOCK_DGRAM)
		return;
	/* With as many on their way as there can be it is awake. */
	(void)!send(fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL);
}
