/*
 * Contexts handed over on sockets, from process to process: of another account, killed at a bad moment, many at a time, and against a
 * sender that wants them back. Of the two ends one has the context; here it proves that by a message to the peer.
 */
#include "support/hand.h"
#include "support/root.h"
#include "support/self.h"

#include <baton/baton.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gssapi/gssapi_ext.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { NOBODY = 65534, REPLY_MAX = 512, NUM_KINDS = 4, NUM_DUELS = 5000, NUM_MANY = 1000, NUM_WORKERS = 4, DIES_WITH = 50 };

static const OM_uint32 usual = GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG;

/* The four sorts of socket that there are. */
static const int kinds[NUM_KINDS] = { SOCK_SEQPACKET, SOCK_STREAM, SOCK_SEQPACKET | SOCK_NONBLOCK, SOCK_STREAM | SOCK_NONBLOCK };

static void
must(OM_uint32 major, const OM_uint32 *minor, const char *what)
{
	if (major != GSS_S_COMPLETE) {
		self_complain(what, major, *minor);
		fail();
	}
}

#define MUST(call) must((call), &minor, #call)

static unsigned
num_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned num = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		num++;
	closedir(dir);
	return num;
}

static void
wait_for(int fd, short events)
{
	struct pollfd p = { fd, events, 0 };

	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		continue;
}

/* As programs do it whose sockets do not wait; with one that waits the loop is left at once. */
static OM_uint32
send_context(OM_uint32 *minor, int socket, gss_ctx_id_t *ctx, const struct baton_cargo *cargo, baton_handover_t *handover)
{
	OM_uint32 major;

	while ((major = baton_send_sec_context(minor, socket, ctx, cargo, NULL, handover)) == GSS_S_CONTINUE_NEEDED)
		wait_for(socket, POLLOUT);
	return major;
}

static OM_uint32
recv_context(OM_uint32 *minor, int socket, gss_ctx_id_t *ctx, struct baton_cargo *cargo)
{
	OM_uint32 major;

	while ((major = baton_recv_sec_context(minor, socket, ctx, cargo)) == GSS_S_CONTINUE_NEEDED)
		wait_for(socket, POLLIN);
	return major;
}

/* ---- a worker: a child that answers on the connection it is sent, under the protection of the context ---- */

struct worker {
	pid_t pid;
	int socket;
};

/* The credential's name, if there is one, and the data. */
static void
answer(gss_ctx_id_t ctx, struct baton_cargo *cargo)
{
	gss_buffer_desc in, token, name = GSS_C_EMPTY_BUFFER;
	char text[256];
	gss_name_t who;
	OM_uint32 minor;

	if (cargo->cred != GSS_C_NO_CREDENTIAL) {
		if (gss_inquire_cred(&minor, cargo->cred, &who, NULL, NULL, NULL) != GSS_S_COMPLETE ||
		    gss_display_name(&minor, who, &name, NULL) != GSS_S_COMPLETE)
			_exit(3);
	}
	in.length = (size_t)snprintf(text, sizeof(text), "%.*s%.*s", (int)name.length, name.length != 0 ? (char *)name.value : "",
				     (int)cargo->data.length, (char *)cargo->data.value);
	in.value = text;
	if (gss_wrap(&minor, ctx, 1, GSS_C_QOP_DEFAULT, &in, NULL, &token) != GSS_S_COMPLETE ||
	    write(cargo->fd, token.value, token.length) != (ssize_t)token.length)
		_exit(4);
	gss_release_buffer(&minor, &token);
}

/* Ends when the socket does; or dies (if not 0) with the nth context that it received in its hands. */
static void
work(int socket, int dies_with)
{
	struct baton_cargo cargo = BATON_CARGO_INIT;
	OM_uint32 major, minor;
	gss_ctx_id_t ctx;

	for (int n = 1;; n++) {
		major = recv_context(&minor, socket, &ctx, &cargo);
		if (major == GSS_S_UNAVAILABLE)
			_exit(0);
		if (major != GSS_S_COMPLETE)
			continue;
		if (n == dies_with)
			kill(getpid(), SIGKILL);
		answer(ctx, &cargo);
		gss_delete_sec_context(&minor, &ctx, GSS_C_NO_BUFFER);
		gss_release_cred(&minor, &cargo.cred);
		gss_release_buffer(&minor, &cargo.data);
		close(cargo.fd);
	}
}

static void
worker_start(struct worker *w, int kind, uid_t uid, int dies_with)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, kind | SOCK_CLOEXEC, 0, pair), 0);
	fflush(NULL);
	if ((w->pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pair[0]);
		if (uid != 0 && (setgroups(0, NULL) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0))
			_exit(1);
		work(pair[1], dies_with);
	}
	assert_true(w->pid > 0);
	close(pair[1]);
	w->socket = pair[0];
}

static void
worker_stop(struct worker *w)
{
	int status;

	/* Workers that were started later have inherited it. */
	shutdown(w->socket, SHUT_RDWR);
	close(w->socket);
	assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
	assert_int_equal(status, 0);
}

static void
worker_kill(struct worker *w)
{
	kill(w->pid, SIGKILL);
	assert_int_equal(waitpid(w->pid, NULL, 0), w->pid);
}

/* What came on the connection, unprotected: false if it was closed without a word. */
static bool
hear(int connection, gss_ctx_id_t ctx, char text[REPLY_MAX])
{
	char bytes[REPLY_MAX];
	ssize_t len = read(connection, bytes, sizeof(bytes));
	gss_buffer_desc token = { (size_t)len, bytes }, out;
	OM_uint32 minor;

	if (len <= 0)
		return false;
	MUST(gss_unwrap(&minor, ctx, &token, &out, NULL, NULL));
	assert_true(out.length < REPLY_MAX);
	memcpy(text, out.value, out.length);
	text[out.length] = '\0';
	gss_release_buffer(&minor, &out);
	return true;
}

struct client {
	gss_ctx_id_t here, there; /* the initiator's end, and the acceptor's, which goes to a worker */
	int connection;           /* the client's end */
	int served;               /* the server's */
	baton_handover_t handover;
};

static void
client_begin(struct client *c)
{
	int pair[2];

	memset(c, 0, sizeof(*c));
	assert_true(self_establish("host", usual, &c->here, &c->there));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	c->connection = pair[0];
	c->served = pair[1];
}

static void
client_end(struct client *c)
{
	OM_uint32 minor;

	close(c->connection);
	if (c->served >= 0)
		close(c->served);
	baton_release_handover(&minor, &c->handover);
	gss_delete_sec_context(&minor, &c->here, GSS_C_NO_BUFFER);
	if (c->there != GSS_C_NO_CONTEXT)
		gss_delete_sec_context(&minor, &c->there, GSS_C_NO_BUFFER);
}

static void
client_send(struct client *c, struct worker *w, const char *text, gss_cred_id_t cred)
{
	struct baton_cargo cargo = { BATON_CARGO_VERSION, c->served, cred, { strlen(text), (void *)text } };
	OM_uint32 minor;

	MUST(send_context(&minor, w->socket, &c->there, &cargo, &c->handover));
	assert_null(c->there);
}

static int
client_state(struct client *c)
{
	OM_uint32 minor;
	int state;

	MUST(baton_handover_status(&minor, c->handover, &state));
	return state;
}

/* The server's end has to be closed, or a worker's death would not be seen. */
static void
client_is_served(struct client *c, const char *text)
{
	char heard[REPLY_MAX];

	close(c->served);
	c->served = -1;
	assert_true(hear(c->connection, c->here, heard));
	assert_string_equal(heard, text);
	assert_int_equal(client_state(c), BATON_HANDOVER_RECEIVED);
}

static void
client_takes_back(struct client *c)
{
	OM_uint32 minor;

	MUST(baton_take_back_sec_context(&minor, &c->handover, &c->there));
	assert_null(c->handover);
	assert_true(self_send(c->here, c->there, "back again") && self_send(c->there, c->here, "as it was"));
}

static void
client_cannot_take_back(struct client *c)
{
	OM_uint32 minor;

	assert_int_equal(baton_take_back_sec_context(&minor, &c->handover, &c->there), GSS_S_NO_CONTEXT);
	assert_null(c->there);
	assert_non_null(c->handover);
	assert_int_equal(client_state(c), BATON_HANDOVER_RECEIVED);
}

/* ---- the tests ---- */

static void
to_another_account(void **state)
{
	uid_t uid = is_root() ? NOBODY : 0;
	unsigned before;

	(void)state;
	for (int k = 0; k < NUM_KINDS; k++) {
		struct worker w;
		struct client c;
		char text[32];

		before = num_fds();
		worker_start(&w, kinds[k], uid, 0);
		for (int n = 0; n < 20; n++) {
			snprintf(text, sizeof(text), "text %d", n);
			client_begin(&c);
			client_send(&c, &w, text, GSS_C_NO_CREDENTIAL);
			client_is_served(&c, text);
			client_cannot_take_back(&c);
			client_end(&c);
		}
		worker_stop(&w);
		/* What is kept of a socket. */
		assert_in_range(num_fds() - before, 0, 3);
	}
}

static void
credentials_go_along(void **state)
{
	struct worker w;
	struct client c;
	gss_cred_id_t cred;
	OM_uint32 minor;

	(void)state;
	for (int k = 0; k < NUM_KINDS; k++) {
		worker_start(&w, kinds[k], 0, 0);
		client_begin(&c);
		MUST(gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, GSS_C_NO_OID_SET, GSS_C_INITIATE, &cred, NULL, NULL));
		client_send(&c, &w, " asks", cred);
		client_is_served(&c, "alice@BATON.TEST asks");
		MUST(gss_release_cred(&minor, &cred));
		client_end(&c);
		worker_stop(&w);
	}
}

/* A credential that is in the memory of one process only, as delegated ones are. */
static void
delegated_credentials_go_along(void **state)
{
	static const char cache[] = "MEMORY:handed over";
	gss_key_value_element_desc entry = { "ccache", cache };
	gss_key_value_set_desc store = { 1, &entry };
	gss_cred_id_t file, cred;
	struct worker w;
	struct client c;
	OM_uint32 minor;

	(void)state;
	MUST(gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, GSS_C_NO_OID_SET, GSS_C_INITIATE, &file, NULL, NULL));
	worker_start(&w, SOCK_STREAM, 0, 0);
	MUST(gss_store_cred_into(&minor, file, GSS_C_INITIATE, GSS_C_NO_OID, 1, 0, &store, NULL, NULL));
	MUST(gss_acquire_cred_from(&minor, GSS_C_NO_NAME, 0, GSS_C_NO_OID_SET, GSS_C_INITIATE, &store, &cred, NULL, NULL));
	client_begin(&c);
	client_send(&c, &w, " delegates", cred);
	client_is_served(&c, "alice@BATON.TEST delegates");
	gss_release_cred(&minor, &cred);
	gss_release_cred(&minor, &file);
	client_end(&c);
	worker_stop(&w);
}

static void
killed_before_it_receives(void **state)
{
	struct worker first, second;
	struct client c;
	char text[REPLY_MAX];

	(void)state;
	for (int k = 0; k < NUM_KINDS; k++) {
		worker_start(&first, kinds[k], 0, 0);
		worker_start(&second, kinds[k], 0, 0);
		kill(first.pid, SIGSTOP);
		client_begin(&c);
		client_send(&c, &first, "hello", GSS_C_NO_CREDENTIAL);
		assert_int_equal(client_state(&c), BATON_HANDOVER_WAITING);
		worker_kill(&first);
		wait_for(first.socket, POLLHUP);
		assert_int_equal(client_state(&c), BATON_HANDOVER_WAITING);
		client_takes_back(&c);
		/* And on to the next one. */
		client_send(&c, &second, "hello", GSS_C_NO_CREDENTIAL);
		close(c.served);
		c.served = -1;
		assert_true(hear(c.connection, c.here, text));
		assert_string_equal(text, "hello");
		client_end(&c);
		close(first.socket);
		worker_stop(&second);
	}
}

static void
killed_after_it_received(void **state)
{
	struct worker w;
	struct client c;

	(void)state;
	for (int k = 0; k < NUM_KINDS; k++) {
		worker_start(&w, kinds[k], 0, 0);
		client_begin(&c);
		client_send(&c, &w, "hello", GSS_C_NO_CREDENTIAL);
		client_is_served(&c, "hello");
		worker_kill(&w);
		client_cannot_take_back(&c);
		client_end(&c);
		close(w.socket);
	}
}

/* The sender dies with its contexts in the socket. */
static void
outlives_its_sender(void **state)
{
	(void)state;
	for (int k = 0; k < NUM_KINDS; k++) {
		struct baton_cargo cargo = BATON_CARGO_INIT;
		gss_ctx_id_t here, there, none;
		baton_handover_t handover;
		OM_uint32 minor;
		int pair[2];
		pid_t pid;

		assert_true(self_establish("host", usual, &here, &there));
		assert_int_equal(socketpair(AF_UNIX, kinds[k], 0, pair), 0);
		if ((pid = fork()) == 0) {
			if (send_context(&minor, pair[0], &there, NULL, &handover) == GSS_S_COMPLETE)
				kill(getpid(), SIGKILL);
			_exit(1);
		}
		waitpid(pid, NULL, 0);
		close(pair[0]);
		/* The child's use of it decided where it goes on; it comes back by the socket. */
		gss_delete_sec_context(&minor, &there, GSS_C_NO_BUFFER);
		MUST(recv_context(&minor, pair[1], &there, &cargo));
		assert_true(self_send(here, there, "alive") && self_send(there, here, "and well"));
		assert_int_equal(recv_context(&minor, pair[1], &none, &cargo), GSS_S_UNAVAILABLE);
		gss_delete_sec_context(&minor, &here, GSS_C_NO_BUFFER);
		gss_delete_sec_context(&minor, &there, GSS_C_NO_BUFFER);
		close(pair[1]);
	}
}

static void
refused_by_the_wrong_one(void **state)
{
	struct baton_transfer_options options = { BATON_TRANSFER_OPTIONS_VERSION, NULL, 0, BATON_TRANSFER_BY_SETTINGS };
	struct worker wrong, right;
	struct client c;
	char audience[32];
	OM_uint32 minor;

	(void)state;
	worker_start(&wrong, SOCK_SEQPACKET, 0, 0);
	worker_start(&right, SOCK_SEQPACKET, 0, 0);
	snprintf(audience, sizeof(audience), "pid=%ld", (long)right.pid);
	options.audience = audience;
	client_begin(&c);
	MUST(baton_send_sec_context(&minor, wrong.socket, &c.there, NULL, &options, &c.handover));
	wait_for(baton_handover_fd(c.handover), POLLIN);
	while (client_state(&c) == BATON_HANDOVER_WAITING)
		wait_for(baton_handover_fd(c.handover), POLLIN);
	assert_int_equal(client_state(&c), BATON_HANDOVER_REFUSED);
	client_takes_back(&c);
	struct baton_cargo cargo = { BATON_CARGO_VERSION, c.served, GSS_C_NO_CREDENTIAL, { 2, (void *)"me" } };

	MUST(baton_send_sec_context(&minor, right.socket, &c.there, &cargo, &options, &c.handover));
	client_is_served(&c, "me");
	client_end(&c);
	worker_stop(&wrong);
	worker_stop(&right);
}

/* A context that is not established yet goes on at the other end of a socket. */
static void
between_two_legs(void **state)
{
	gss_buffer_desc name = { 22, (void *)"host@server.baton.test" }, there = GSS_C_EMPTY_BUFFER, back;
	gss_ctx_id_t i = GSS_C_NO_CONTEXT, a = GSS_C_NO_CONTEXT;
	gss_name_t target;
	OM_uint32 minor;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	MUST(gss_import_name(&minor, &name, GSS_C_NT_HOSTBASED_SERVICE, &target));
	assert_int_equal(gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &i, target, GSS_C_NO_OID, usual, 0, NULL, NULL, NULL,
					      &there, NULL, NULL), GSS_S_CONTINUE_NEEDED);
	MUST(gss_accept_sec_context(&minor, &a, GSS_C_NO_CREDENTIAL, &there, NULL, NULL, NULL, &back, NULL, NULL, NULL));
	gss_release_buffer(&minor, &there);
	MUST(baton_send_sec_context(&minor, pair[0], &i, NULL, NULL, NULL));
	assert_null(i);
	MUST(baton_recv_sec_context(&minor, pair[1], &i, NULL));
	MUST(gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &i, target, GSS_C_NO_OID, usual, 0, NULL, &back, NULL, &there, NULL,
				  NULL));
	assert_true(self_send(i, a, "open") && self_send(a, i, "now"));
	gss_release_buffer(&minor, &back);
	gss_release_name(&minor, &target);
	gss_delete_sec_context(&minor, &i, GSS_C_NO_BUFFER);
	gss_delete_sec_context(&minor, &a, GSS_C_NO_BUFFER);
	close(pair[0]);
	close(pair[1]);
}

/* A second that sends back at once what it gets, on the same socket, which does not wait. */
static void
return_all(int socket)
{
	OM_uint32 major, minor;
	gss_ctx_id_t ctx;
	char num[16] = "";
	long received = 0;

	for (;;) {
		major = recv_context(&minor, socket, &ctx, NULL);
		if (major == GSS_S_UNAVAILABLE)
			break;
		if (major != GSS_S_COMPLETE)
			continue;
		received++;
		if (send_context(&minor, socket, &ctx, NULL, NULL) != GSS_S_COMPLETE)
			_exit(1);
	}
	snprintf(num, sizeof(num), "%ld", received);
	_exit(received <= NUM_DUELS ? 0 : 2);
}

/* Taking back races with receiving: each time exactly one has the context, and it is never lost. */
static void
duels(void **state)
{
	static const int two[] = { SOCK_SEQPACKET | SOCK_NONBLOCK, SOCK_STREAM | SOCK_NONBLOCK };

	(void)state;
	for (int k = 0; k < 2; k++) {
		gss_ctx_id_t here, there, other;
		baton_handover_t handover;
		OM_uint32 major, minor;
		int pair[2], status, num_back = 0, num_over = 0;
		unsigned wait = 0;
		pid_t pid;

		assert_int_equal(socketpair(AF_UNIX, two[k], 0, pair), 0);
		fflush(NULL);
		if ((pid = fork()) == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(pair[0]);
			return_all(pair[1]);
		}
		close(pair[1]);
		assert_true(self_establish("host", usual, &here, &there));
		for (int n = 0; n < NUM_DUELS; n++) {
			MUST(send_context(&minor, pair[0], &there, NULL, &handover));
			/* Sometimes a little later, so that either may win. */
			for (volatile unsigned i = 0; i < wait % 20000; i++)
				continue;
			wait += 997;
			major = baton_take_back_sec_context(&minor, &handover, &there);
			if (major == GSS_S_COMPLETE) {
				num_back++;
				/* Then nothing comes from the other end. */
				assert_int_equal(baton_recv_sec_context(&minor, pair[0], &other, NULL), GSS_S_CONTINUE_NEEDED);
			} else {
				assert_int_equal(major, GSS_S_NO_CONTEXT);
				baton_release_handover(&minor, &handover);
				MUST(recv_context(&minor, pair[0], &there, NULL));
				num_over++;
			}
			if (n % 100 == 0)
				assert_true(self_send(here, there, "still") && self_send(there, here, "here"));
		}
		assert_true(self_send(here, there, "still") && self_send(there, here, "here"));
		print_message("%d taken back, %d received\n", num_back, num_over);
		close(pair[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		gss_delete_sec_context(&minor, &here, GSS_C_NO_BUFFER);
		gss_delete_sec_context(&minor, &there, GSS_C_NO_BUFFER);
	}
}

static bool
enlarge(int socket)
{
	int large = 8 * 1024 * 1024;

	return setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof(large)) == 0;
}

static bool
is_large_in_flight_allowed(void)
{
	int probe = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	bool is_allowed = geteuid() == 0 && enlarge(probe);

	close(probe);
	return is_allowed;
}

/* A thousand on their way at once, to workers of which one dies: those it did not receive go to the others. */
static void
thousand_in_flight(void **state)
{
	static struct client clients[NUM_MANY];
	struct worker workers[NUM_WORKERS];
	struct rlimit limit;
	int num_again = 0, num_lost = 0, num_served = 0;
	char text[32], heard[REPLY_MAX];

	(void)state;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	/* Not everybody may have so large a buffer, and so many descriptors in flight; nor may every root, as in a container. */
	if (limit.rlim_cur < 4 * NUM_MANY || !is_large_in_flight_allowed())
		skip();
	for (int n = 0; n < NUM_WORKERS; n++) {
		worker_start(&workers[n], SOCK_SEQPACKET | SOCK_NONBLOCK, 0, n == 0 ? DIES_WITH : 0);
		assert_true(enlarge(workers[n].socket));
		kill(workers[n].pid, SIGSTOP);
	}
	for (int n = 0; n < NUM_MANY; n++)
		client_begin(&clients[n]);
	for (int n = 0; n < NUM_MANY; n++) {
		snprintf(text, sizeof(text), "number %d", n);
		client_send(&clients[n], &workers[n % NUM_WORKERS], text, GSS_C_NO_CREDENTIAL);
	}
	for (int n = 0; n < NUM_WORKERS; n++)
		kill(workers[n].pid, SIGCONT);
	assert_int_equal(waitpid(workers[0].pid, NULL, 0), workers[0].pid);
	for (int n = 0; n < NUM_MANY; n++) {
		struct client *c = &clients[n];
		OM_uint32 minor;

		snprintf(text, sizeof(text), "number %d", n);
		if (n % NUM_WORKERS == 0 && client_state(c) != BATON_HANDOVER_RECEIVED) {
			MUST(baton_take_back_sec_context(&minor, &c->handover, &c->there));
			client_send(c, &workers[1 + n / NUM_WORKERS % (NUM_WORKERS - 1)], text, GSS_C_NO_CREDENTIAL);
			num_again++;
		}
		close(c->served);
		c->served = -1;
	}
	close(workers[0].socket);
	for (int n = 0; n < NUM_MANY; n++) {
		struct client *c = &clients[n];

		snprintf(text, sizeof(text), "number %d", n);
		if (hear(c->connection, c->here, heard)) {
			assert_string_equal(heard, text);
			num_served++;
			/* Once only. */
			assert_false(hear(c->connection, c->here, heard));
		} else {
			/* It was in the hands of the one that was killed, and its client is told by the end of the connection. */
			assert_int_equal(n % NUM_WORKERS, 0);
			num_lost++;
		}
		assert_int_equal(client_state(c), BATON_HANDOVER_RECEIVED);
		client_end(c);
	}
	print_message("%d served, %d of them sent again, %d lost with the worker\n", num_served, num_again, num_lost);
	assert_int_equal(num_lost, 1);
	assert_int_equal(num_again, NUM_MANY / NUM_WORKERS - DIES_WITH);
	for (int n = 1; n < NUM_WORKERS; n++)
		worker_stop(&workers[n]);
}

/* ---- threads of one process, on one socket ---- */

enum { NUM_THREADS = 4, NUM_TURNS = 2000 };

static int ring[2];

static void *
send_turns(void *arg)
{
	gss_ctx_id_t *ctxs = arg;
	OM_uint32 minor;

	for (int n = 0; n < NUM_TURNS; n++) {
		gss_ctx_id_t ctx = ctxs[0];
		baton_handover_t handover;
		int state;

		if (send_context(&minor, ring[0], &ctx, NULL, &handover) != GSS_S_COMPLETE)
			return (void *)"not sent";
		/* Some other thread's context comes, or this one's. */
		if (recv_context(&minor, ring[1], &ctxs[0], NULL) != GSS_S_COMPLETE)
			return (void *)"not received";
		if (baton_handover_status(&minor, handover, &state) != GSS_S_COMPLETE || state > BATON_HANDOVER_RECEIVED)
			return (void *)"no state";
		if (baton_release_handover(&minor, &handover) != GSS_S_COMPLETE)
			return (void *)"not released";
	}
	return NULL;
}

static void
threads_share_a_socket(void **state)
{
	gss_ctx_id_t here[NUM_THREADS], there[NUM_THREADS];
	pthread_t threads[NUM_THREADS];
	OM_uint32 minor;
	void *complaint;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ring), 0);
	for (int n = 0; n < NUM_THREADS; n++)
		assert_true(self_establish("host", usual, &here[n], &there[n]));
	for (int n = 0; n < NUM_THREADS; n++)
		assert_int_equal(pthread_create(&threads[n], NULL, send_turns, &there[n]), 0);
	for (int n = 0; n < NUM_THREADS; n++) {
		assert_int_equal(pthread_join(threads[n], &complaint), 0);
		if (complaint != NULL)
			fail_msg("%s", (char *)complaint);
	}
	/* Each is there once: it fits one of the others, and no two fit the same. */
	for (int n = 0; n < NUM_THREADS; n++) {
		gss_buffer_desc text = { 4, (void *)"text" }, mic;
		int fits = 0;

		MUST(gss_get_mic(&minor, here[n], GSS_C_QOP_DEFAULT, &text, &mic));
		for (int m = 0; m < NUM_THREADS; m++)
			fits += gss_verify_mic(&minor, there[m], &text, &mic, NULL) == GSS_S_COMPLETE;
		gss_release_buffer(&minor, &mic);
		assert_int_equal(fits, 1);
	}
	for (int n = 0; n < NUM_THREADS; n++) {
		gss_delete_sec_context(&minor, &here[n], GSS_C_NO_BUFFER);
		gss_delete_sec_context(&minor, &there[n], GSS_C_NO_BUFFER);
	}
	close(ring[0]);
	close(ring[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_another_account),
		cmocka_unit_test(credentials_go_along),
		cmocka_unit_test(delegated_credentials_go_along),
		cmocka_unit_test(killed_before_it_receives),
		cmocka_unit_test(killed_after_it_received),
		cmocka_unit_test(outlives_its_sender),
		cmocka_unit_test(refused_by_the_wrong_one),
		cmocka_unit_test(between_two_legs),
		cmocka_unit_test(duels),
		cmocka_unit_test(thousand_in_flight),
		cmocka_unit_test(threads_share_a_socket),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, claims_begin, claims_end);
}
