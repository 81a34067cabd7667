#include "transfer/passing.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "transfer/limits.h"
#include "transfer/parcel.h"

/* Also for what a receiver may have asked for besides: credentials, a label, a time. */
enum { CONTROL_IN_LEN = 1024 };

#ifndef SCM_PIDFD
enum { SCM_PIDFD = 4 };
#endif

void
bt_passing_close(struct bt_passing_fds *fds)
{
	for (unsigned i = 0; i < fds->num; i++)
		if (fds->list[i] >= 0)
			close(fds->list[i]);
	fds->num = 0;
}

size_t
bt_passing_room(int socket)
{
	socklen_t len = sizeof(int);
	int buffer = 0;
	size_t room;

	/*
	 * A stream's bytes are queued in pieces of half the send buffer, less 64 bytes, and of 32 KiB at most; a packet has to fit into the
	 * buffer. No buffer is so small that it would not hold BT_HANDOVER_ROOM_MIN.
	 */
	if (getsockopt(socket, SOL_SOCKET, SO_SNDBUF, &buffer, &len) != 0 || buffer / 2 - 64 < BT_HANDOVER_ROOM_MIN)
		return BT_HANDOVER_ROOM_MIN;
	room = (size_t)buffer / 2 - 64;
	return room < BT_HANDOVER_ROOM_MAX ? room : BT_HANDOVER_ROOM_MAX;
}

int
bt_passing_send(int socket, const struct iovec *parts, size_t num_parts, const int *fds, unsigned num_fds)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(BT_PARCEL_FDS_MAX * sizeof(int))];
	} control;
	struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = num_parts};
	struct cmsghdr *head = &control.align;
	size_t len = 0;
	ssize_t sent;

	for (size_t i = 0; i < num_parts; i++)
		len += parts[i].iov_len;
	memset(&control, 0, sizeof control);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(num_fds * sizeof(int));
	memcpy(CMSG_DATA(head), fds, num_fds * sizeof(int));
	message.msg_control = &control;
	message.msg_controllen = CMSG_SPACE(num_fds * sizeof(int));
	if ((sent = sendmsg(socket, &message, MSG_NOSIGNAL)) < 0)
		return errno;
	/* Somebody made a stream's buffer smaller since we looked. Nobody can open what is there of the message. */
	return (size_t)sent == len ? 0 : EMSGSIZE;
}

/* Those that there is no place for are closed, and then the message is not one of ours. */
static int
collect(struct msghdr *message, struct bt_passing_fds *fds)
{
	const unsigned most = sizeof fds->list / sizeof fds->list[0];
	int e = 0, fd;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || (c->cmsg_type != SCM_RIGHTS && c->cmsg_type != SCM_PIDFD))
			continue;
		for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof fd; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (c->cmsg_type == SCM_RIGHTS && fds->num < most) {
				fds->list[fds->num++] = fd;
				continue;
			}
			if (c->cmsg_type == SCM_RIGHTS)
				e = BT_ERR_HANDOVER;
			if (fd >= 0)
				close(fd);
		}
	}
	if ((message->msg_flags & MSG_CTRUNC) != 0)
		e = bt_err_note(BT_ERR_HANDOVER, "descriptors of the message were lost: this process may not have more of them");
	return (message->msg_flags & MSG_TRUNC) != 0 ? BT_ERR_HANDOVER : e;
}

int
bt_passing_recv(int socket, void *buf, size_t cap, size_t *len, struct bt_passing_fds *fds)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[CONTROL_IN_LEN];
	} control;
	struct iovec part = {buf, cap};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t got;

	*len = 0;
	fds->num = 0;
	if ((got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC)) < 0)
		return errno == ECONNRESET ? BT_ERR_HANDOVER_END : errno;
	*len = (size_t)got;
	if (got == 0 && message.msg_controllen == 0)
		return BT_ERR_HANDOVER_END;
	return collect(&message, fds);
}

int
bt_passing_recv_rest(int socket, void *buf, size_t len)
{
	ssize_t got;

	for (size_t have = 0; have < len; have += (size_t)got) {
		got = recv(socket, (uint8_t *)buf + have, len - have, MSG_DONTWAIT);
		if (got < 0 && errno == EINTR)
			got = 0;
		/* Who sends a message queues it at once: what is not there now is not to be waited for. */
		else if (got <= 0)
			return BT_ERR_HANDOVER;
	}
	return 0;
}
