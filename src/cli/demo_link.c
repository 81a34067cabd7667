#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "demo.h"

int64_t
cli_demo_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- between processes: one packet a message, a descriptor beside it ---- */

bool
cli_demo_pass_send(int link, const struct demo_pass *pass, int connection)
{
	struct iovec parts[3] = {
	    {(void *)pass, offsetof(struct demo_pass, token)},
	    {(void *)pass->token, pass->token_len},
	    {(void *)pass->old, pass->old_len},
	};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 3, .msg_control = &control, .msg_controllen = sizeof control};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof connection);
	memcpy(CMSG_DATA(head), &connection, sizeof connection);
	return sendmsg(link, &msg, MSG_NOSIGNAL) > 0;
}

bool
cli_demo_pass_receive(int link, struct demo_pass *pass, int *connection)
{
	static const size_t head_len = offsetof(struct demo_pass, token);
	uint8_t tail[DEMO_TOKEN_MAX + DEMO_MESSAGE_MAX];
	struct iovec parts[2] = {{pass, head_len}, {tail, sizeof tail}};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2, .msg_control = &control, .msg_controllen = sizeof control};
	ssize_t len;

	*connection = -1;
	while ((len = recvmsg(link, &msg, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
		;
	if (len < 0 || (size_t)len < head_len)
		return false;
	if (CMSG_FIRSTHDR(&msg) == NULL || CMSG_FIRSTHDR(&msg)->cmsg_type != SCM_RIGHTS)
		return false;
	memcpy(connection, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof *connection);
	if (pass->token_len > DEMO_TOKEN_MAX || pass->old_len > DEMO_MESSAGE_MAX ||
	    (size_t)len != head_len + pass->token_len + pass->old_len) {
		close(*connection);
		*connection = -1;
		return false;
	}
	memcpy(pass->token, tail, pass->token_len);
	memcpy(pass->old, tail + pass->token_len, pass->old_len);
	return true;
}

bool
cli_demo_theft_send(int link, const struct demo_theft *theft)
{
	size_t len = offsetof(struct demo_theft, token) + theft->token_len;

	return send(link, theft, len, MSG_NOSIGNAL) == (ssize_t)len;
}

bool
cli_demo_theft_receive(int link, struct demo_theft *theft)
{
	ssize_t len = recv(link, theft, sizeof *theft, 0);

	return len >= (ssize_t)offsetof(struct demo_theft, token) && theft->token_len <= DEMO_TOKEN_MAX &&
	       (size_t)len == offsetof(struct demo_theft, token) + theft->token_len;
}

/* ---- to and from clients ---- */

static bool
send_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len != 0) {
		ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		at += sent;
		len -= (size_t)sent;
	}
	return true;
}

static bool
receive_all(int fd, void *bytes, size_t len)
{
	char *at = bytes;

	while (len != 0) {
		ssize_t got = recv(fd, at, len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		len -= (size_t)got;
	}
	return true;
}

bool
cli_demo_frame_send(int connection, const void *bytes, size_t len)
{
	uint8_t frame[4 + DEMO_TOKEN_MAX];
	uint32_t prefix = htonl((uint32_t)len);

	if (len > DEMO_TOKEN_MAX)
		return false;
	memcpy(frame, &prefix, sizeof prefix);
	memcpy(frame + sizeof prefix, bytes, len);
	return send_all(connection, frame, sizeof prefix + len);
}

bool
cli_demo_frame_receive(int connection, void *bytes, size_t cap, size_t *len)
{
	uint32_t prefix;

	*len = 0;
	if (!receive_all(connection, &prefix, sizeof prefix) || ntohl(prefix) > cap)
		return false;
	if (!receive_all(connection, bytes, ntohl(prefix)))
		return false;
	*len = ntohl(prefix);
	return true;
}

/* ---- the story ---- */

static void
tell(const struct demo_cast *cast, const char *mark, const char *format, va_list args)
{
	char line[512];
	int len = snprintf(line, sizeof line, "  %s%-10s", mark, cast->name);

	len += vsnprintf(line + len, sizeof line - (size_t)len - 1, format, args);
	if (len > (int)sizeof line - 2)
		len = (int)sizeof line - 2;
	line[len++] = '\n';
	if (write(cast->story, line, (size_t)len) < 0)
		atomic_fetch_add(&cast->board->num_troubles, 1);
}

void
cli_demo_tell(const struct demo_cast *cast, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(cast, "", format, args);
	va_end(args);
}

void
cli_demo_trouble(const struct demo_cast *cast, const char *format, ...)
{
	va_list args;

	if (atomic_fetch_add(&cast->board->num_troubles, 1) >= DEMO_MAX_TROUBLES)
		return;
	va_start(args, format);
	tell(cast, "TROUBLE  ", format, args);
	va_end(args);
}

/* ---- the two calls that the demo is about ---- */

static void
one_status(OM_uint32 status, int kind, char *out, size_t cap)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor, more = 0;

	if (gss_display_status(&minor, status, kind, GSS_C_NO_OID, &more, &text) == GSS_S_COMPLETE)
		snprintf(out, cap, "%.*s", (int)text.length, (const char *)text.value);
	else
		snprintf(out, cap, "status %u", (unsigned)status);
	gss_release_buffer(&minor, &text);
}

void
cli_demo_status(OM_uint32 major, OM_uint32 minor, char out[static 160])
{
	char first[72], second[72];

	one_status(major, GSS_C_GSS_CODE, first, sizeof first);
	one_status(minor, GSS_C_MECH_CODE, second, sizeof second);
	snprintf(out, 160, minor != 0 ? "%s; %s" : "%s", first, second);
}

enum demo_verdict
cli_demo_import(const uint8_t *token, size_t len, gss_ctx_id_t *ctx, char why[static 160])
{
	gss_buffer_desc bytes = {len, (void *)token};
	OM_uint32 major, minor;

	*ctx = GSS_C_NO_CONTEXT;
	why[0] = '\0';
	major = gss_import_sec_context(&minor, &bytes, ctx);
	if (major == GSS_S_COMPLETE)
		return DEMO_LET_IN;
	cli_demo_status(major, minor, why);
	switch (GSS_ROUTINE_ERROR(major)) {
	case GSS_S_NO_CONTEXT:
		return DEMO_USED;
	case GSS_S_DEFECTIVE_TOKEN:
		return DEMO_ALTERED;
	case GSS_S_UNAUTHORIZED:
		return DEMO_NOT_ALLOWED;
	default:
		return DEMO_REFUSED_OTHERWISE;
	}
}

bool
cli_demo_export_to(gss_ctx_id_t *ctx, struct demo_pass *pass, char why[static 160])
{
	gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, minor;
	bool fits;

	why[0] = '\0';
	pass->export_began_ns = cli_demo_now_ns();
	major = gss_export_sec_context(&minor, ctx, &token);
	if (major != GSS_S_COMPLETE) {
		cli_demo_status(major, minor, why);
		return false;
	}
	if ((fits = token.length <= sizeof pass->token)) {
		memcpy(pass->token, token.value, token.length);
		pass->token_len = (uint32_t)token.length;
	} else {
		snprintf(why, 160, "a token of %zu bytes is too large for the demo", token.length);
	}
	gss_release_buffer(&minor, &token);
	return fits;
}
