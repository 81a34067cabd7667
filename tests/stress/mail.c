#include "stress/stress.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

gss_OID_desc sanon = {10, (void *)"\x2b\x06\x01\x04\x01\xa9\x4a\x1a\x01\x6e"};
gss_OID_set_desc only_sanon = {1, &sanon};

union control {
	char space[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int
mail_send(int to, const struct note *note, size_t num_bytes, int fd, int flags)
{
	struct iovec iov = {(void *)note, offsetof(struct note, bytes) + num_bytes};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	union control control = {{0}};

	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		*CMSG_FIRSTHDR(&msg) =
		    (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(fd))};
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &fd, sizeof(fd));
	}
	while (sendmsg(to, &msg, MSG_NOSIGNAL | flags) < 0)
		if (errno != EINTR)
			return errno;
	return 0;
}

int
mail_receive(int from, struct note *note, size_t *num_bytes, int *fd, int flags)
{
	struct iovec iov = {note, sizeof(*note)};
	union control control;
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	struct cmsghdr *c;
	ssize_t len;

	*fd = -1;
	*num_bytes = 0;
	/* Who closed the other end without having read everything is told of before what was sent earlier. */
	while ((len = recvmsg(from, &msg, MSG_CMSG_CLOEXEC | flags)) < 0 && (errno == EINTR || errno == ECONNRESET))
		continue;
	if (len < 0)
		return -1;
	if ((size_t)len < offsetof(struct note, bytes)) {
		errno = ENOTCONN;
		return -1;
	}
	if ((c = CMSG_FIRSTHDR(&msg)) != NULL && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	*num_bytes = (size_t)len - offsetof(struct note, bytes);
	return 0;
}
