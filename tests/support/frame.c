#include "support/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FRAME_MAX = 64 * 1024 * 1024 };

static void
reserve(struct frame *f, size_t more)
{
	if (f->len + more <= f->room)
		return;
	f->room = 2 * (f->len + more);
	f->at = realloc(f->at, f->room);
	if (f->at == NULL)
		abort();
}

void
frame_clear(struct frame *f)
{
	f->len = f->pos = 0;
	f->is_bad = false;
}

void
frame_free(struct frame *f)
{
	free(f->at);
	*f = (struct frame){ 0 };
}

static void
put(struct frame *f, const void *at, size_t len)
{
	reserve(f, len);
	if (len != 0)
		memcpy(f->at + f->len, at, len);
	f->len += len;
}

void
frame_put_u32(struct frame *f, uint32_t value)
{
	put(f, &value, sizeof(value));
}

void
frame_put_blob(struct frame *f, const void *at, size_t len)
{
	frame_put_u32(f, (uint32_t)len);
	put(f, at, len);
}

uint32_t
frame_get_u32(struct frame *f)
{
	uint32_t value = 0;

	if (f->is_bad || f->len - f->pos < sizeof(value)) {
		f->is_bad = true;
		return 0;
	}
	memcpy(&value, f->at + f->pos, sizeof(value));
	f->pos += sizeof(value);
	return value;
}

struct blob
frame_get_blob(struct frame *f)
{
	size_t len = frame_get_u32(f);
	struct blob b;

	if (f->is_bad || f->len - f->pos < len) {
		f->is_bad = true;
		return (struct blob){ 0 };
	}
	b = (struct blob){ f->at + f->pos, len };
	f->pos += len;
	return b;
}

static int
send_all(int fd, const void *at, size_t len)
{
	const uint8_t *p = at;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
receive_all(int fd, void *at, size_t len)
{
	uint8_t *p = at;

	while (len > 0) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
frame_send(int fd, const struct frame *f)
{
	uint32_t len = (uint32_t)f->len;

	return send_all(fd, &len, sizeof(len)) != 0 ? -1 : send_all(fd, f->at, f->len);
}

int
frame_receive(int fd, struct frame *f)
{
	uint32_t len;

	frame_clear(f);
	if (receive_all(fd, &len, sizeof(len)) != 0 || len > FRAME_MAX)
		return -1;
	reserve(f, len);
	if (receive_all(fd, f->at, len) != 0)
		return -1;
	f->len = len;
	return 0;
}
