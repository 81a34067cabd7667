/*
 * prefork - the front authenticates, a worker serves.
 *
 * The front accepts connections and Kerberos contexts, and hands each one over: the connection as a descriptor, the
 * context as an interprocess token. The worker that receives them goes on where the front stopped. Messages are
 * framed by a 4-byte big-endian length. Build: cc prefork.c $(pkg-config --cflags --libs baton)
 *
 * For brevity, the front waits for one client at a time, and for as long as that takes.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gssapi/gssapi.h>

enum { NUM_WORKERS = 3, TOKEN_MAX = 1 << 20 };

static int
move(int fd, uint8_t *p, size_t len, int writing)
{
	while (len > 0) {
		ssize_t n = writing ? write(fd, p, len) : read(fd, p, len);

		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
put_frame(int fd, const gss_buffer_desc *b)
{
	uint32_t len = htonl((uint32_t)b->length);

	return move(fd, (uint8_t *)&len, 4, 1) != 0 ? -1 : move(fd, b->value, b->length, 1);
}

/* A new frame in b->value; the caller frees it with free(3). */
static int
get_frame(int fd, gss_buffer_desc *b)
{
	uint32_t len;

	if (move(fd, (uint8_t *)&len, 4, 0) != 0 || ntohl(len) > TOKEN_MAX)
		return -1;
	b->length = ntohl(len);
	if ((b->value = malloc(b->length + 1)) == NULL)
		return -1;
	if (move(fd, b->value, b->length, 0) == 0)
		return 0;
	free(b->value);
	return -1;
}

/* Accept a context on a fresh connection; GSS_C_NO_CONTEXT if the peer is not who it says. */
static gss_ctx_id_t
authenticate(int conn)
{
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
	OM_uint32 major = GSS_S_CONTINUE_NEEDED, minor, ignored;

	while (major == GSS_S_CONTINUE_NEEDED) {
		gss_buffer_desc in = GSS_C_EMPTY_BUFFER, out = GSS_C_EMPTY_BUFFER;

		if (get_frame(conn, &in) != 0)
			break;
		major = gss_accept_sec_context(&minor, &ctx, GSS_C_NO_CREDENTIAL, &in, GSS_C_NO_CHANNEL_BINDINGS, NULL, NULL,
					       &out, NULL, NULL, NULL);
		free(in.value);
		if (out.length != 0 && put_frame(conn, &out) != 0)
			major = GSS_S_FAILURE;
		gss_release_buffer(&ignored, &out);
	}
	if (major != GSS_S_COMPLETE && ctx != GSS_C_NO_CONTEXT)
		gss_delete_sec_context(&ignored, &ctx, GSS_C_NO_BUFFER);
	return ctx;
}

/* One message carries the token and the connection. */
static int
hand_over(int channel, int conn, gss_ctx_id_t *ctx)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor;
	ssize_t sent;

	if (gss_export_sec_context(&minor, ctx, &token) != GSS_S_COMPLETE)
		return -1; /* nothing is lost: ctx still works here */
	struct iovec iov = {token.value, token.length};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	*c = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof conn)};
	memcpy(CMSG_DATA(c), &conn, sizeof conn);
	sent = sendmsg(channel, &msg, MSG_NOSIGNAL);
	gss_release_buffer(&minor, &token);
	return sent < 0 ? -1 : 0;
}

/* Serve one client: every message comes back, protected as it came. */
static void
serve(int conn, gss_ctx_id_t ctx)
{
	gss_buffer_desc in, text, out;
	OM_uint32 minor;
	int conf;

	while (get_frame(conn, &in) == 0) {
		OM_uint32 major = gss_unwrap(&minor, ctx, &in, &text, &conf, NULL);

		free(in.value);
		if (major != GSS_S_COMPLETE)
			break;
		major = gss_wrap(&minor, ctx, conf, GSS_C_QOP_DEFAULT, &text, NULL, &out);
		gss_release_buffer(&minor, &text);
		if (major != GSS_S_COMPLETE)
			break;
		int failed = put_frame(conn, &out);
		gss_release_buffer(&minor, &out);
		if (failed)
			break;
	}
}

static void
work(int channel)
{
	static char bytes[TOKEN_MAX];
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;

	for (;;) {
		struct iovec iov = {bytes, sizeof bytes};
		struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
		ssize_t len = recvmsg(channel, &msg, 0);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
		OM_uint32 minor;
		int conn;

		if (len <= 0 || c == NULL || c->cmsg_type != SCM_RIGHTS)
			exit(0);
		memcpy(&conn, CMSG_DATA(c), sizeof conn);
		gss_buffer_desc token = {(size_t)len, bytes};
		if (gss_import_sec_context(&minor, &token, &ctx) == GSS_S_COMPLETE) {
			serve(conn, ctx);
			gss_delete_sec_context(&minor, &ctx, GSS_C_NO_BUFFER);
		}
		close(conn);
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM, 0), channel[2], on = 1;

	at.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 4444));
	signal(SIGPIPE, SIG_IGN); /* clients may leave at any time */
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* connections inherit it */
	if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 64) != 0)
		err(1, "port %d", ntohs(at.sin_port));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, channel) != 0)
		err(1, "socketpair");
	for (int i = 0; i < NUM_WORKERS; i++)
		if (fork() == 0) {
			close(listener);
			close(channel[0]);
			work(channel[1]); /* whichever worker is free reads next */
		}
	close(channel[1]);
	for (int conn; (conn = accept(listener, NULL, NULL)) >= 0; close(conn)) {
		gss_ctx_id_t ctx = authenticate(conn);
		OM_uint32 minor;

		if (ctx != GSS_C_NO_CONTEXT && hand_over(channel[0], conn, &ctx) != 0)
			gss_delete_sec_context(&minor, &ctx, GSS_C_NO_BUFFER);
	}
	return 0;
}
