/*
 * A client of `baton demo`. As baton-mit-client it is built against MIT's own library and headers: whoever speaks to Baton need
 * not have heard of it. As baton-client it is built against Baton, because no other library here has SAnon.
 *
 *   baton-mit-client PORT FIRST COUNT TURNS WORKERS may-close|must-serve
 *   baton-client PORT FIRST COUNT TURNS WORKERS may-close|must-serve
 *
 * One after the other, it makes COUNT contexts over connections of their own and exchanges TURNS messages over each. For
 * each it prints a line: "served", "closed" (the server closed it before the first answer, and may), or "failed" and why.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <gssapi/gssapi.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { FRAME_MAX = 16384, PATIENCE_S = 30 };

/* One service for each enctype, one whose tickets are without authorisation data, and an ordinary one. */
static const char *const services[] = {"host@server.baton.test",  "plain@server.baton.test", "enc17@server.baton.test",
				       "enc18@server.baton.test", "enc19@server.baton.test", "enc20@server.baton.test"};

enum { NUM_SERVICES = sizeof services / sizeof services[0] };

/* 1.3.6.1.4.1.5322.26.1.110 */
static gss_OID_desc sanon = {10, (void *)"\x2b\x06\x01\x04\x01\xa9\x4a\x1a\x01\x6e"};
static const char anonymous[] = "WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS";

static struct {
	int port, turns, workers;
	bool may_close;
	bool is_anonymous; /* by SAnon, on Baton */
	char who[128];
} self;

static char trouble[400];

static bool
fail(const char *what, OM_uint32 major, OM_uint32 minor)
{
	gss_buffer_desc first = GSS_C_EMPTY_BUFFER, second = GSS_C_EMPTY_BUFFER;
	OM_uint32 ignored, more = 0;

	gss_display_status(&ignored, major, GSS_C_GSS_CODE, GSS_C_NO_OID, &more, &first);
	more = 0;
	gss_display_status(&ignored, minor, GSS_C_MECH_CODE, GSS_C_NO_OID, &more, &second);
	snprintf(trouble, sizeof trouble, "%s: %.*s; %.*s", what, (int)first.length, (const char *)first.value,
		 (int)second.length, (const char *)second.value);
	gss_release_buffer(&ignored, &first);
	gss_release_buffer(&ignored, &second);
	return false;
}

static bool
fail_plainly(const char *what)
{
	snprintf(trouble, sizeof trouble, "%s", what);
	return false;
}

static bool
send_frame(int fd, const void *bytes, size_t len)
{
	static uint8_t frame[4 + FRAME_MAX];
	uint32_t prefix = htonl((uint32_t)len);

	if (len > FRAME_MAX)
		return false;
	memcpy(frame, &prefix, sizeof prefix);
	memcpy(frame + sizeof prefix, bytes, len);
	return send(fd, frame, sizeof prefix + len, MSG_NOSIGNAL) == (ssize_t)(sizeof prefix + len);
}

/* The view is good until the next call for the same frame. */
static bool
receive_frame(int fd, uint8_t frame[static FRAME_MAX], gss_buffer_t view)
{
	uint32_t prefix;

	*view = (gss_buffer_desc){0, frame};
	if (recv(fd, &prefix, sizeof prefix, MSG_WAITALL) != (ssize_t)sizeof prefix || ntohl(prefix) > FRAME_MAX)
		return false;
	view->length = ntohl(prefix);
	return view->length == 0 || recv(fd, frame, view->length, MSG_WAITALL) == (ssize_t)view->length;
}

static int
connect_to(int port)
{
	struct sockaddr_in at = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), at_once = 1;

	if (fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
	    connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool
establish(int fd, const char *service, gss_ctx_id_t *ctx)
{
	static uint8_t frame[FRAME_MAX];
	gss_buffer_desc name = {strlen(service), (void *)service}, in = GSS_C_EMPTY_BUFFER, out;
	OM_uint32 wanted = GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG;
	OM_uint32 major, minor, ignored, got = 0;
	gss_name_t target;
	bool ok = true;

	wanted |= self.is_anonymous ? GSS_C_ANON_FLAG : GSS_C_MUTUAL_FLAG;
	if ((major = gss_import_name(&minor, &name, GSS_C_NT_HOSTBASED_SERVICE, &target)) != GSS_S_COMPLETE)
		return fail("gss_import_name", major, minor);
	do {
		out = (gss_buffer_desc)GSS_C_EMPTY_BUFFER;
		major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, ctx, target,
					     self.is_anonymous ? &sanon : GSS_C_NO_OID, wanted, 0, GSS_C_NO_CHANNEL_BINDINGS,
					     &in, NULL, &out, &got, NULL);
		if (GSS_ERROR(major)) {
			ok = fail("gss_init_sec_context", major, minor);
		} else if (out.length != 0 && !send_frame(fd, out.value, out.length)) {
			ok = fail_plainly("the server takes no token");
		} else if (major == GSS_S_CONTINUE_NEEDED && !receive_frame(fd, frame, &in)) {
			ok = fail_plainly("the server sends no token");
		}
		gss_release_buffer(&ignored, &out);
	} while (ok && major == GSS_S_CONTINUE_NEEDED);
	gss_release_name(&ignored, &target);
	if (ok && (got & wanted) != wanted)
		ok = fail_plainly("the context lacks flags");
	return ok;
}

/* Ask in words only the context can carry, read the answer, and check that the server signed what was asked. */
static bool
exchange(int fd, gss_ctx_id_t ctx, int number, int turn, int *process, bool *is_closed)
{
	static uint8_t answer_frame[FRAME_MAX], mic_frame[FRAME_MAX];
	gss_buffer_desc question, out = GSS_C_EMPTY_BUFFER, answer, mic, text = GSS_C_EMPTY_BUFFER;
	char words[256], reply[128];
	OM_uint32 major, minor, ignored;
	int conf = 0, worker;
	bool ok = false;

	question.value = words;
	question.length = (size_t)snprintf(words, sizeof words, "%s: message %d of context %d", self.who, turn, number);
	if ((major = gss_wrap(&minor, ctx, 1, GSS_C_QOP_DEFAULT, &question, NULL, &out)) != GSS_S_COMPLETE)
		return fail("gss_wrap", major, minor);
	if (!send_frame(fd, out.value, out.length) || !receive_frame(fd, answer_frame, &answer)) {
		*is_closed = true;
		fail_plainly("the server closed the connection");
	} else if (!receive_frame(fd, mic_frame, &mic)) {
		fail_plainly("the server sends no signature");
	} else if ((major = gss_unwrap(&minor, ctx, &answer, &text, &conf, NULL)) != GSS_S_COMPLETE || !conf) {
		fail("gss_unwrap", major, minor);
	} else if ((major = gss_verify_mic(&minor, ctx, &question, &mic, NULL)) != GSS_S_COMPLETE) {
		fail("gss_verify_mic", major, minor);
	} else {
		snprintf(reply, sizeof reply, "%.*s", (int)text.length, (const char *)text.value);
		ok = sscanf(reply, "worker %d, process %d", &worker, process) == 2 || fail_plainly("a strange answer");
	}
	gss_release_buffer(&ignored, &out);
	gss_release_buffer(&ignored, &text);
	return ok;
}

static bool
converse(int fd, int number, bool *is_closed)
{
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
	int process = 0, before;
	OM_uint32 ignored;
	bool ok = establish(fd, services[number % NUM_SERVICES], &ctx);

	for (int turn = 1; ok && turn <= self.turns; turn++) {
		before = process;
		ok = exchange(fd, ctx, number, turn, &process, is_closed);
		*is_closed = *is_closed && turn == 1;
		if (ok && self.workers > 1 && process == before)
			ok = fail_plainly("the same process answered twice");
	}
	gss_delete_sec_context(&ignored, &ctx, GSS_C_NO_BUFFER);
	return ok;
}

/* The name in the credentials cache, or that of all who have none, to say it in messages. */
static bool
learn_name(void)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	gss_name_t name = GSS_C_NO_NAME;
	OM_uint32 major, minor, ignored;

	if (self.is_anonymous) {
		snprintf(self.who, sizeof self.who, "%s", anonymous);
		return true;
	}
	if ((major = gss_inquire_cred(&minor, GSS_C_NO_CREDENTIAL, &name, NULL, NULL, NULL)) != GSS_S_COMPLETE ||
	    (major = gss_display_name(&minor, name, &text, NULL)) != GSS_S_COMPLETE)
		return fail("who am I", major, minor);
	snprintf(self.who, sizeof self.who, "%.*s", (int)text.length, (const char *)text.value);
	gss_release_buffer(&ignored, &text);
	gss_release_name(&ignored, &name);
	return true;
}

int
main(int argc, char **argv)
{
	Dl_info library;
	int first, count, fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc != 7) {
		fprintf(stderr, "usage: %s PORT FIRST COUNT TURNS WORKERS may-close|must-serve\n", argv[0]);
		return 2;
	}
	self.port = atoi(argv[1]);
	first = atoi(argv[2]);
	count = atoi(argv[3]);
	self.turns = atoi(argv[4]);
	self.workers = atoi(argv[5]);
	self.may_close = strcmp(argv[6], "may-close") == 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
#ifdef DEMO_ANONYMOUS
	self.is_anonymous = true;
#else
	/* On Baton it would be its own peer and prove nothing. */
	if (dlsym(RTLD_DEFAULT, "baton_version") != NULL) {
		puts("failed this client is running on Baton itself");
		return 1;
	}
#endif
	if (dladdr((void *)gss_init_sec_context, &library) != 0)
		printf("library %s\n", library.dli_fname);
	if (!learn_name()) {
		printf("failed %s\n", trouble);
		return 1;
	}
	for (int i = first; i < first + count; i++) {
		bool is_closed = false;

		if ((fd = connect_to(self.port)) < 0) {
			printf("failed cannot connect: %s\n", strerror(errno));
			continue;
		}
		if (converse(fd, i, &is_closed))
			puts("served");
		else if (is_closed && self.may_close)
			puts("closed");
		else
			printf("failed %s\n", trouble);
		close(fd);
	}
	return 0;
}
