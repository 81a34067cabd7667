/*
 * A client of examples/prefork.c, built on either library.
 *
 *   client PORT MESSAGES
 *   client PORT leave | leave-later
 *
 * Makes a context with host@server.baton.test, sends messages of many lengths, every other one encrypted, and wants each back as
 * it was sent. Ends with 0 if all came. Or it leaves without a word, after its first token or its first messages.
 */
#include <arpa/inet.h>
#include <err.h>
#include <gssapi/gssapi.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { PATIENCE_S = 20, TEXT_MAX = 70000 };

static void
fail(const char *what, OM_uint32 major, OM_uint32 minor)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 ignored, more = 0;

	gss_display_status(&ignored, minor != 0 ? minor : major, minor != 0 ? GSS_C_MECH_CODE : GSS_C_GSS_CODE, GSS_C_NO_OID,
			   &more, &text);
	errx(1, "%s: %08x, %.*s", what, (unsigned)major, (int)text.length, (const char *)text.value);
}

static void
send_frame(int fd, gss_buffer_t b)
{
	uint32_t len = htonl((uint32_t)b->length);
	OM_uint32 minor;

	if (send(fd, &len, sizeof len, MSG_NOSIGNAL | MSG_MORE) != (ssize_t)sizeof len ||
	    send(fd, b->value, b->length, MSG_NOSIGNAL) != (ssize_t)b->length)
		err(1, "send");
	gss_release_buffer(&minor, b);
}

/* The caller frees b->value with free(3). */
static void
receive_frame(int fd, gss_buffer_t b)
{
	uint32_t len;

	if (recv(fd, &len, sizeof len, MSG_WAITALL) != (ssize_t)sizeof len)
		errx(1, "the server closed the connection");
	b->length = ntohl(len);
	if (b->length > 2 * TEXT_MAX || (b->value = malloc(b->length + 1)) == NULL)
		errx(1, "a frame of %zu bytes", b->length);
	if (recv(fd, b->value, b->length, MSG_WAITALL) != (ssize_t)b->length)
		errx(1, "a frame was cut");
}

static gss_ctx_id_t
establish(int fd, int leaves)
{
	static char service[] = "host@server.baton.test";
	gss_buffer_desc text = {sizeof service - 1, service}, in = GSS_C_EMPTY_BUFFER, out;
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
	OM_uint32 major, minor, ignored;
	gss_name_t server;

	if ((major = gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &server)) != GSS_S_COMPLETE)
		fail("gss_import_name", major, minor);
	do {
		major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &ctx, server, GSS_C_NO_OID,
					     GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG, 0,
					     GSS_C_NO_CHANNEL_BINDINGS, &in, NULL, &out, NULL, NULL);
		free(in.value);
		in = (gss_buffer_desc)GSS_C_EMPTY_BUFFER;
		if (GSS_ERROR(major))
			fail("gss_init_sec_context", major, minor);
		if (out.length != 0)
			send_frame(fd, &out);
		if (leaves)
			exit(0);
		if ((major & GSS_S_CONTINUE_NEEDED) != 0)
			receive_frame(fd, &in);
	} while ((major & GSS_S_CONTINUE_NEEDED) != 0);
	gss_release_name(&ignored, &server);
	return ctx;
}

static void
send_message(int fd, gss_ctx_id_t ctx, const uint8_t *bytes, size_t len, int conf)
{
	gss_buffer_desc text = {len, (void *)(uintptr_t)bytes}, token;
	OM_uint32 major, minor;

	if ((major = gss_wrap(&minor, ctx, conf, GSS_C_QOP_DEFAULT, &text, NULL, &token)) != GSS_S_COMPLETE)
		fail("gss_wrap", major, minor);
	send_frame(fd, &token);
}

static void
receive_message(int fd, gss_ctx_id_t ctx, const uint8_t *bytes, size_t len, int conf)
{
	gss_buffer_desc token, back;
	OM_uint32 major, minor;
	int was_conf;

	receive_frame(fd, &token);
	if ((major = gss_unwrap(&minor, ctx, &token, &back, &was_conf, NULL)) != GSS_S_COMPLETE)
		fail("gss_unwrap", major, minor);
	if (back.length != len || (len != 0 && memcmp(back.value, bytes, len) != 0) || was_conf != conf)
		errx(1, "message of %zu bytes came back as another", len);
	free(token.value);
	gss_release_buffer(&minor, &back);
}

int
main(int argc, char **argv)
{
	static uint8_t bytes[TEXT_MAX];
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	OM_uint32 minor;
	gss_ctx_id_t ctx;

	if (argc != 3)
		errx(2, "usage: client PORT MESSAGES|leave|leave-later");
	at.sin_port = htons((uint16_t)atoi(argv[1]));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
	    connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
		err(1, "port %s", argv[1]);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 31 ^ i >> 8);
	ctx = establish(fd, strcmp(argv[2], "leave") == 0);
	for (int i = 0; i < atoi(argv[2]); i++) {
		send_message(fd, ctx, bytes, (size_t)i * 7919 % TEXT_MAX, i % 2);
		receive_message(fd, ctx, bytes, (size_t)i * 7919 % TEXT_MAX, i % 2);
	}
	if (strcmp(argv[2], "leave-later") == 0) {
		for (int i = 0; i < 4; i++)
			send_message(fd, ctx, bytes, 100, 1);
		exit(0);
	}
	gss_delete_sec_context(&minor, &ctx, GSS_C_NO_BUFFER);
	return 0;
}
