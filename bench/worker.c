/*
 * Does what the benchmark asks for, with one GSS library, and says how long it took. Compiled once for each: worker-baton, worker-mit, and
 * worker-heimdal behind heimdal.h.
 */
#include "worker.h"

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>

#include "support/self.h"

#if __has_include(<baton/baton.h>)
#include <baton/baton.h>
#endif

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LANES_MAX = 2, BATCH_MAX = 256, MEMORY_CONTEXTS = 1000, CHECK_EVERY = 32, BATCH_BYTES = 4 * 1024 * 1024 };

static const OM_uint32 usual = GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG;

/* What one thread works on: nothing in it is shared with another's, but for the credential. */
struct lane {
	const char *service;
	size_t size;
	double seconds;
	gss_ctx_id_t i, a;
	gss_ctx_id_t contexts[BATCH_MAX], far[BATCH_MAX];
	gss_buffer_desc tokens[BATCH_MAX];
	gss_name_t target;
	gss_cred_id_t cred;
	uint8_t *text;
	/* results, away from the next lane's pointers: each operation writes here */
	_Alignas(128) uint64_t num_done;
	double elapsed;
};

/*
 * The acceptor would choose another enctype for its subkey than the ticket has (RFC 4537). Where the enctype matters, the handshake has
 * one leg, and the initiator's subkey, which is of the ticket's, stays.
 */
static OM_uint32
flags_for(const char *service)
{
	return strncmp(service, "enc", 3) == 0 ? usual & ~(OM_uint32)GSS_C_MUTUAL_FLAG : usual;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
must(const char *what, OM_uint32 major, const OM_uint32 *minor)
{
	if (major == GSS_S_COMPLETE || major == GSS_S_CONTINUE_NEEDED)
		return;
	self_complain(what, major, *minor);
	exit(1);
}

static void
release(gss_buffer_t b)
{
	OM_uint32 minor;

	gss_release_buffer(&minor, b);
}

/* As many as fit into a few megabytes, so that a batch of large messages does not measure the machine's memory. */
static size_t
batch_of(const struct lane *l)
{
	size_t num = l->size != 0 ? BATCH_BYTES / l->size : BATCH_MAX;

	return num < 4 ? 4 : num > BATCH_MAX ? BATCH_MAX : num;
}

/* ---- messages ---- */

static void
wrap_with(struct lane *l, int conf)
{
	gss_buffer_desc text = { l->size, l->text }, out;
	double start = now();
	OM_uint32 minor;

	do {
		for (int n = 0; n < (l->size > 8192 ? 1 : CHECK_EVERY); n++, l->num_done++) {
			must("wrap", gss_wrap(&minor, l->i, conf, GSS_C_QOP_DEFAULT, &text, NULL, &out), &minor);
			release(&out);
		}
		l->elapsed = now() - start;
	} while (l->elapsed < l->seconds);
}

static void
row_wrap(struct lane *l)
{
	wrap_with(l, 1);
}

static void
row_wrap_integ(struct lane *l)
{
	wrap_with(l, 0);
}

static void
row_unwrap(struct lane *l)
{
	gss_buffer_desc text = { l->size, l->text }, out;
	size_t num = batch_of(l);
	OM_uint32 minor;

	while (l->elapsed < l->seconds) {
		double start;

		for (size_t n = 0; n < num; n++)
			must("wrap", gss_wrap(&minor, l->i, 1, GSS_C_QOP_DEFAULT, &text, NULL, &l->tokens[n]), &minor);
		start = now();
		for (size_t n = 0; n < num; n++) {
			must("unwrap", gss_unwrap(&minor, l->a, &l->tokens[n], &out, NULL, NULL), &minor);
			release(&out);
		}
		l->elapsed += now() - start;
		l->num_done += num;
		for (size_t n = 0; n < num; n++)
			release(&l->tokens[n]);
	}
}

static void
row_mic(struct lane *l)
{
	gss_buffer_desc text = { l->size, l->text }, out;
	double start = now();
	OM_uint32 minor;

	do {
		for (int n = 0; n < (l->size > 8192 ? 1 : CHECK_EVERY); n++, l->num_done++) {
			must("MIC", gss_get_mic(&minor, l->i, GSS_C_QOP_DEFAULT, &text, &out), &minor);
			release(&out);
		}
		l->elapsed = now() - start;
	} while (l->elapsed < l->seconds);
}

static void
row_verify(struct lane *l)
{
	gss_buffer_desc text = { l->size, l->text };
	size_t num = batch_of(l);
	OM_uint32 minor;

	while (l->elapsed < l->seconds) {
		double start;

		for (size_t n = 0; n < num; n++)
			must("MIC", gss_get_mic(&minor, l->i, GSS_C_QOP_DEFAULT, &text, &l->tokens[n]), &minor);
		start = now();
		for (size_t n = 0; n < num; n++)
			must("verify", gss_verify_mic(&minor, l->a, &text, &l->tokens[n], NULL), &minor);
		l->elapsed += now() - start;
		l->num_done += num;
		for (size_t n = 0; n < num; n++)
			release(&l->tokens[n]);
	}
}

/* In place: header, data, padding and trailer are the caller's, so nothing is copied or allocated. */
static void
iov_with(struct lane *l, int unwraps)
{
	uint8_t header[64], padding[16], trailer[64];
	gss_iov_buffer_desc plan[4] = {
		{ GSS_IOV_BUFFER_TYPE_HEADER, { sizeof(header), header } },
		{ GSS_IOV_BUFFER_TYPE_DATA, { l->size, l->text } },
		{ GSS_IOV_BUFFER_TYPE_PADDING, { sizeof(padding), padding } },
		{ GSS_IOV_BUFFER_TYPE_TRAILER, { sizeof(trailer), trailer } },
	}, iov[4];
	OM_uint32 minor;

	must("IOV length", gss_wrap_iov_length(&minor, l->i, 1, GSS_C_QOP_DEFAULT, NULL, plan, 4), &minor);
	/* MIT's library empties what it says the length of. */
	plan[0].buffer.value = header;
	plan[2].buffer.value = padding;
	plan[3].buffer.value = trailer;
	while (l->elapsed < l->seconds) {
		double start = now();

		memcpy(iov, plan, sizeof(iov));
		must("wrap_iov", gss_wrap_iov(&minor, l->i, 1, GSS_C_QOP_DEFAULT, NULL, iov, 4), &minor);
		if (unwraps) {
			start = now();
			must("unwrap_iov", gss_unwrap_iov(&minor, l->a, NULL, NULL, iov, 4), &minor);
		}
		l->elapsed += now() - start;
		l->num_done++;
	}
}

static void
row_wrap_iov(struct lane *l)
{
	iov_with(l, 0);
}

static void
row_unwrap_iov(struct lane *l)
{
	iov_with(l, 1);
}

/* ---- establishing ---- */

static void
init_one(struct lane *l, gss_ctx_id_t *ctx, gss_buffer_t token)
{
	OM_uint32 minor;

	*ctx = GSS_C_NO_CONTEXT;
	must("init",
	     gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, ctx, l->target, GSS_C_NO_OID, usual, 0, GSS_C_NO_CHANNEL_BINDINGS,
				  GSS_C_NO_BUFFER, NULL, token, NULL, NULL),
	     &minor);
}

static void
delete_one(gss_ctx_id_t *ctx)
{
	OM_uint32 minor;

	gss_delete_sec_context(&minor, ctx, GSS_C_NO_BUFFER);
}

static void
row_init(struct lane *l)
{
	double start = now();
	gss_buffer_desc token;
	gss_ctx_id_t ctx;

	do {
		init_one(l, &ctx, &token);
		release(&token);
		delete_one(&ctx);
		l->num_done++;
		l->elapsed = now() - start;
	} while (l->elapsed < l->seconds);
}

static void
accept_with(struct lane *l, gss_cred_id_t cred)
{
	enum { NUM = 64 };

	while (l->elapsed < l->seconds) {
		gss_buffer_desc reply;
		double start;
		OM_uint32 minor;

		for (size_t n = 0; n < NUM; n++) {
			init_one(l, &l->far[n], &l->tokens[n]);
			delete_one(&l->far[n]);
			l->contexts[n] = GSS_C_NO_CONTEXT;
		}
		start = now();
		for (size_t n = 0; n < NUM; n++) {
			must("accept",
			     gss_accept_sec_context(&minor, &l->contexts[n], cred, &l->tokens[n], GSS_C_NO_CHANNEL_BINDINGS, NULL, NULL, &reply,
						    NULL, NULL, NULL),
			     &minor);
			release(&reply);
		}
		l->elapsed += now() - start;
		l->num_done += NUM;
		for (size_t n = 0; n < NUM; n++) {
			release(&l->tokens[n]);
			delete_one(&l->contexts[n]);
		}
	}
}

static void
row_accept(struct lane *l)
{
	accept_with(l, l->cred);
}

static void
row_accept_default(struct lane *l)
{
	accept_with(l, GSS_C_NO_CREDENTIAL);
}

static void
row_context(struct lane *l)
{
	double start = now();
	gss_ctx_id_t i, a;

	do {
		if (!self_establish(l->service, flags_for(l->service), &i, &a))
			exit(1);
		delete_one(&i);
		delete_one(&a);
		l->num_done++;
		l->elapsed = now() - start;
	} while (l->elapsed < l->seconds);
}

/* SPNEGO around the same handshake: the initiator's token, the answer, and what the initiator makes of it. RFC 4178. */
static void
row_negotiate(struct lane *l)
{
	gss_OID_desc spnego = { 6, (void *)"\x2b\x06\x01\x05\x05\x02" };
	double start = now();
	OM_uint32 minor, major;

	do {
		gss_ctx_id_t i = GSS_C_NO_CONTEXT, a = GSS_C_NO_CONTEXT;
		gss_buffer_desc token = GSS_C_EMPTY_BUFFER, reply = GSS_C_EMPTY_BUFFER;

		do {
			major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &i, l->target, &spnego, usual, 0,
						     GSS_C_NO_CHANNEL_BINDINGS, &reply, NULL, &token, NULL, NULL);
			must("init", major & ~(OM_uint32)GSS_S_CONTINUE_NEEDED, &minor);
			release(&reply);
			if (token.length != 0)
				must("accept",
				     gss_accept_sec_context(&minor, &a, l->cred, &token, GSS_C_NO_CHANNEL_BINDINGS, NULL, NULL, &reply,
							    NULL, NULL, NULL) &
					 ~(OM_uint32)GSS_S_CONTINUE_NEEDED,
				     &minor);
			release(&token);
		} while (major == GSS_S_CONTINUE_NEEDED);
		release(&reply);
		delete_one(&i);
		delete_one(&a);
		l->num_done++;
		l->elapsed = now() - start;
	} while (l->elapsed < l->seconds);
}

/* ---- transfer ---- */

enum { NUM_MOVED = 64 };

enum part { EXPORT = 1, IMPORT = 2, FIRST_WRAP = 4 };

/* The contexts go round and round; the parts asked for are timed. */
static void
transfer_with(struct lane *l, unsigned parts)
{
	gss_buffer_desc text = { 64, l->text }, out;
	OM_uint32 minor;

	while (l->elapsed < l->seconds) {
		double times[4];

		times[0] = now();
		for (size_t n = 0; n < NUM_MOVED; n++)
			must("export", gss_export_sec_context(&minor, &l->contexts[n], &l->tokens[n]), &minor);
		times[1] = now();
		for (size_t n = 0; n < NUM_MOVED; n++)
			must("import", gss_import_sec_context(&minor, &l->tokens[n], &l->contexts[n]), &minor);
		times[2] = now();
		for (size_t n = 0; n < NUM_MOVED; n++) {
			must("first wrap", gss_wrap(&minor, l->contexts[n], 1, GSS_C_QOP_DEFAULT, &text, NULL, &out), &minor);
			release(&out);
		}
		times[3] = now();
		for (int part = 0; part < 3; part++)
			if (parts & 1u << part)
				l->elapsed += times[part + 1] - times[part];
		l->num_done += NUM_MOVED;
		for (size_t n = 0; n < NUM_MOVED; n++)
			release(&l->tokens[n]);
	}
}

static void
row_export(struct lane *l)
{
	transfer_with(l, EXPORT);
}

static void
row_import(struct lane *l)
{
	transfer_with(l, IMPORT);
}

static void
row_first_wrap(struct lane *l)
{
	transfer_with(l, FIRST_WRAP);
}

static void
row_transfer(struct lane *l)
{
	transfer_with(l, EXPORT | IMPORT | FIRST_WRAP);
}

static void
row_move(struct lane *l)
{
	transfer_with(l, EXPORT | IMPORT);
}

/* Where the library has no audiences, the same without. */
static void
row_move_in_session(struct lane *l)
{
	OM_uint32 (*set_defaults)(OM_uint32 *, const char *), minor;

	*(void **)&set_defaults = dlsym(RTLD_DEFAULT, "baton_transfer_defaults");
	if (set_defaults != NULL)
		must("defaults", set_defaults(&minor, "audience=session"), &minor);
	row_move(l);
	if (set_defaults != NULL)
		must("defaults", set_defaults(&minor, NULL), &minor);
}

/* ---- on a socket, with a connection ---- */

struct wires {
	int ends[2];
	int connection;
};

static void
open_wires(struct wires *w)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, w->ends) != 0 || (w->connection = socket(AF_INET, SOCK_STREAM, 0)) < 0) {
		perror("socket");
		exit(1);
	}
}

static void
close_wires(struct wires *w)
{
	close(w->ends[0]);
	close(w->ends[1]);
	close(w->connection);
}

/* As a program does it by itself: the token is the message, and the connection goes along. */
static void
pass_by_hand(struct lane *l, struct wires *w)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec part;
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	gss_buffer_desc token;
	char bytes[16384];
	ssize_t len;
	OM_uint32 minor;
	int fd;

	must("export", gss_export_sec_context(&minor, &l->a, &token), &minor);
	memcpy(CMSG_DATA(&control.head), &w->connection, sizeof(int));
	part = (struct iovec){ token.value, token.length };
	if (sendmsg(w->ends[0], &m, MSG_NOSIGNAL) != (ssize_t)token.length)
		exit(1);
	release(&token);
	part = (struct iovec){ bytes, sizeof(bytes) };
	m.msg_controllen = sizeof(control);
	if ((len = recvmsg(w->ends[1], &m, MSG_CMSG_CLOEXEC)) <= 0)
		exit(1);
	memcpy(&fd, CMSG_DATA(&control.head), sizeof(int));
	close(fd);
	token = (gss_buffer_desc){ (size_t)len, bytes };
	must("import", gss_import_sec_context(&minor, &token, &l->a), &minor);
}

#if __has_include(<baton/baton.h>)
static void
hand_over(struct lane *l, struct wires *w)
{
	struct baton_cargo sent = BATON_CARGO_INIT, received = BATON_CARGO_INIT;
	baton_handover_t handover;
	OM_uint32 minor;

	sent.fd = w->connection;
	must("send", baton_send_sec_context(&minor, w->ends[0], &l->a, &sent, NULL, &handover), &minor);
	must("receive", baton_recv_sec_context(&minor, w->ends[1], &l->a, &received), &minor);
	close(received.fd);
	must("release", baton_release_handover(&minor, &handover), &minor);
}
#else
#define hand_over pass_by_hand
#endif

static void
pass_with(struct lane *l, void (*pass)(struct lane *, struct wires *))
{
	struct wires wires;
	double start;

	open_wires(&wires);
	start = now();
	do {
		for (int n = 0; n < CHECK_EVERY; n++, l->num_done++)
			pass(l, &wires);
		l->elapsed = now() - start;
	} while (l->elapsed < l->seconds);
	close_wires(&wires);
}

static void
row_pass(struct lane *l)
{
	pass_with(l, pass_by_hand);
}

static void
row_handover(struct lane *l)
{
	pass_with(l, hand_over);
}

/* ---- bytes ---- */

struct footprint {
	double token, imported, used;
};

static double
in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return (double)m.uordblks + (double)m.hblkhd;
}

static struct footprint
measure_footprint(const char *service)
{
	static gss_ctx_id_t initiators[MEMORY_CONTEXTS], acceptors[MEMORY_CONTEXTS];
	static gss_buffer_desc tokens[MEMORY_CONTEXTS];
	gss_buffer_desc text = { 5, (void *)"hello" }, out;
	struct footprint f = { 0 };
	double before, imported;
	OM_uint32 minor;

	for (size_t n = 0; n < MEMORY_CONTEXTS; n++) {
		if (!self_establish(service, flags_for(service), &initiators[n], &acceptors[n]))
			exit(1);
		delete_one(&initiators[n]);
		must("export", gss_export_sec_context(&minor, &acceptors[n], &tokens[n]), &minor);
		f.token += (double)tokens[n].length / MEMORY_CONTEXTS;
	}
	before = in_use();
	for (size_t n = 0; n < MEMORY_CONTEXTS; n++)
		must("import", gss_import_sec_context(&minor, &tokens[n], &acceptors[n]), &minor);
	imported = in_use();
	for (size_t n = 0; n < MEMORY_CONTEXTS; n++) {
		must("wrap", gss_wrap(&minor, acceptors[n], 1, GSS_C_QOP_DEFAULT, &text, NULL, &out), &minor);
		release(&out);
	}
	f.imported = (imported - before) / MEMORY_CONTEXTS;
	f.used = (in_use() - before) / MEMORY_CONTEXTS;
	for (size_t n = 0; n < MEMORY_CONTEXTS; n++) {
		release(&tokens[n]);
		delete_one(&acceptors[n]);
	}
	return f;
}

/* ---- lanes ---- */

static gss_cred_id_t shared_cred;

static void
open_lane(struct lane *l, const char *service)
{
	gss_buffer_desc text;
	char name[64];
	OM_uint32 minor;

	l->service = service;
	l->cred = shared_cred;
	text = (gss_buffer_desc){ (size_t)snprintf(name, sizeof(name), "%s@server.baton.test", service), name };
	must("name", gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &l->target), &minor);
	l->text = calloc(1, 1024 * 1024 + 64);
	if (l->text == NULL || !self_establish(service, flags_for(service), &l->i, &l->a))
		exit(1);
	for (size_t n = 0; n < NUM_MOVED; n++) {
		if (!self_establish(service, flags_for(service), &l->far[n], &l->contexts[n]))
			exit(1);
		delete_one(&l->far[n]);
	}
}

static void
close_lane(struct lane *l)
{
	OM_uint32 minor;

	delete_one(&l->i);
	delete_one(&l->a);
	for (size_t n = 0; n < BATCH_MAX; n++)
		if (l->contexts[n] != GSS_C_NO_CONTEXT)
			delete_one(&l->contexts[n]);
	gss_release_name(&minor, &l->target);
	free(l->text);
}

static const struct row {
	const char *name;
	void (*run)(struct lane *);
} rows[] = {
	{ "init", row_init },
	{ "accept", row_accept },
	{ "accept-default", row_accept_default },
	{ "context", row_context },
	{ "negotiate", row_negotiate },
	{ "export", row_export },
	{ "import", row_import },
	{ "first-wrap", row_first_wrap },
	{ "transfer", row_transfer },
	{ "move", row_move },
	{ "move-in-session", row_move_in_session },
	{ "pass", row_pass },
	{ "handover", row_handover },
	{ "wrap", row_wrap },
	{ "wrap-integ", row_wrap_integ },
	{ "unwrap", row_unwrap },
	{ "mic", row_mic },
	{ "verify", row_verify },
	{ "wrap-iov", row_wrap_iov },
	{ "unwrap-iov", row_unwrap_iov },
};

struct start {
	const struct row *row;
	struct lane *lane;
	pthread_barrier_t *barrier;
};

static void *
run_lane(void *arg)
{
	struct start *s = arg;

	pthread_barrier_wait(s->barrier);
	s->row->run(s->lane);
	return NULL;
}

static double
run_row(const struct row *row, const char *service, size_t size, unsigned threads, double seconds)
{
	static struct lane lanes[LANES_MAX];
	pthread_t ids[LANES_MAX];
	struct start starts[LANES_MAX];
	pthread_barrier_t barrier;
	double per_second = 0;

	pthread_barrier_init(&barrier, NULL, threads);
	for (unsigned n = 0; n < threads; n++) {
		lanes[n] = (struct lane){ .size = size, .seconds = seconds };
		open_lane(&lanes[n], service);
		starts[n] = (struct start){ row, &lanes[n], &barrier };
	}
	for (unsigned n = 1; n < threads; n++)
		if (pthread_create(&ids[n], NULL, run_lane, &starts[n]) != 0)
			exit(1);
	(void)run_lane(&starts[0]);
	for (unsigned n = 1; n < threads; n++)
		pthread_join(ids[n], NULL);
	for (unsigned n = 0; n < threads; n++) {
		per_second += (double)lanes[n].num_done / lanes[n].elapsed;
		close_lane(&lanes[n]);
	}
	pthread_barrier_destroy(&barrier);
	return per_second;
}

static double
answer(const char *name, const char *service, size_t size, unsigned threads, double seconds)
{
	if (strcmp(name, "token-bytes") == 0)
		return measure_footprint(service).token;
	if (strcmp(name, "memory-imported") == 0)
		return measure_footprint(service).imported;
	if (strcmp(name, "memory-used") == 0)
		return measure_footprint(service).used;
	for (size_t n = 0; n < sizeof(rows) / sizeof(*rows); n++)
		if (strcmp(name, rows[n].name) == 0)
			return run_row(&rows[n], service, size, threads, seconds);
	fprintf(stderr, "no such row: %s\n", name);
	exit(1);
}

int
main(void)
{
	char line[256], name[64], service[64];
	const char *const *version = dlsym(RTLD_DEFAULT, "heimdal_version");
	size_t size;
	unsigned threads, milliseconds;
	OM_uint32 minor;

	must("acquire",
	     gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, GSS_C_NO_OID_SET, GSS_C_ACCEPT, &shared_cred, NULL, NULL), &minor);
	/* "Heimdal 7.8.0" */
	printf("ready %s\n", version == NULL ? "-" : strchr(*version, ' ') != NULL ? strchr(*version, ' ') + 1 : *version);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (sscanf(line, "%63s %63s %zu %u %u", name, service, &size, &threads, &milliseconds) != 5 || threads < 1 ||
		    threads > LANES_MAX || size > 1024 * 1024)
			return 1;
		printf("%.9g\n", answer(name, service, size, threads, milliseconds / 1e3));
		fflush(stdout);
	}
	gss_release_cred(&minor, &shared_cred);
	return 0;
}
