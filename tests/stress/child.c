/*
 * Fronts and workers: processes that are born, stopped, and killed.
 */
#include "stress/stress.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* One round trip: what comes from the client makes a context, and the answer lets the client go on. */
static void
accept_one(const struct post *post, gss_cred_id_t cred, int conn)
{
	gss_buffer_desc in, out = GSS_C_EMPTY_BUFFER;
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
	OM_uint32 major, minor, ignored;
	struct note note;
	size_t len;
	int fd;

	say(conn, NOTE_RECEIVED, 0, 0, 0, NULL, 0);
	if (mail_receive(conn, &note, &len, &fd, 0) != 0)
		return;
	in = (gss_buffer_desc){len, note.bytes};
	bad_luck(post);
	major = gss_accept_sec_context(&minor, &ctx, cred, &in, GSS_C_NO_CHANNEL_BINDINGS, NULL, NULL, &out, NULL, NULL, NULL);
	good_luck();
	if (major != GSS_S_COMPLETE) {
		say(conn, NOTE_REFUSED, major, plain_minor(minor), 0, NULL, 0);
		gss_delete_sec_context(&ignored, &ctx, GSS_C_NO_BUFFER);
	} else {
		say(conn, NOTE_ACCEPTED, 0, 0, 0, out.value, out.length);
		pass_on(post, conn, ctx);
	}
	gss_release_buffer(&ignored, &out);
}

void
be_front(const struct post *post)
{
	OM_uint32 major, minor;
	gss_cred_id_t cred;
	struct note note;
	size_t len;
	int conn;

	major = gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, &only_sanon, GSS_C_ACCEPT, &cred, NULL, NULL);
	if (major != GSS_S_COMPLETE)
		errx(1, "gss_acquire_cred: %08x %u", major, minor);
	while (mail_receive(post->front, &note, &len, &conn, 0) == 0) {
		accept_one(post, cred, conn);
		close(conn);
	}
}

void
be_worker(const struct post *post)
{
	struct pollfd sources[] = {{post->pool_out, POLLIN, 0}, {post->direct_out, POLLIN, 0}};
	struct note note;
	size_t len;
	int conn;

	while (poll(sources, 2, -1) > 0 || errno == EINTR) {
		if (sources[1].revents != 0)
			receive_one(post);
		if (sources[0].revents == 0)
			continue;
		if (mail_receive(post->pool_out, &note, &len, &conn, MSG_DONTWAIT) == 0) {
			try_token(post, conn, note.bytes, len);
			close(conn);
		} else if (errno != EAGAIN) {
			break;
		}
	}
}
