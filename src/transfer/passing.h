/*
 * passing - messages with descriptors on UNIX sockets, whole or not at all. unix(7).
 *
 * Each call is one system call but for input that comes in pieces. Whether it waits is up to the socket (O_NONBLOCK).
 */
#ifndef BT_TRANSFER_PASSING_H
#define BT_TRANSFER_PASSING_H

#include <stddef.h>
#include <sys/uio.h>

/* What comes in, and is the caller's. */
struct bt_passing_fds {
	int list[8];
	unsigned num;
};

void bt_passing_close(struct bt_passing_fds *fds);

/* bt_passing_room - bytes that one message on this socket holds, so that it is queued whole or not at all. */
size_t bt_passing_room(int socket);

/*
 * bt_passing_send - one message of at most bt_passing_room bytes.
 * Errors: EAGAIN, EINTR, EPIPE and the like; then nothing was sent. EMSGSIZE: of a stream perhaps a part, and the stream is of no more use.
 */
int bt_passing_send(int socket, const struct iovec *parts, size_t num_parts, const int *fds, unsigned num_fds);

/*
 * bt_passing_recv - the next message, or if the socket is a stream what can be had of it.
 *   buf, cap   where it goes
 *   len        how much came
 * Errors: HANDOVER_END (nothing will come any more), HANDOVER (longer than cap, or descriptors were lost), EAGAIN, EINTR and the like (then
 * nothing was received). Descriptors that came are in fds also with HANDOVER.
 */
int bt_passing_recv(int socket, void *buf, size_t cap, size_t *len, struct bt_passing_fds *fds);

/* bt_passing_recv_rest - exactly len more bytes of a stream, which come without descriptors. Errors: HANDOVER (they are not there). */
int bt_passing_recv_rest(int socket, void *buf, size_t len);

#endif
