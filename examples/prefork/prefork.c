/*
 * prefork - a server in which nobody holds more than is needed.
 *
 *	parent   root          knows no protocol and no key; makes workers, for accounts that it checks itself
 *	front    its own       holds the service's key; accepts and authenticates; hands each client over
 *	workers  the client's  one for each account, with that account's rights and no others; serve
 *
 * Who takes over the front has the service's key and no account: it can ask for workers and lie to them. Who takes over a
 * worker has the account that its client had anyway. The protocol is that of MIT's gss-client: flags, length, token.
 *
 *	prefork FRONT-ACCOUNT LEAST-UID     the listening socket is standard input, as systemd passes it
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <baton/baton.h>
#include <gssapi/gssapi_ext.h>

enum { LISTENER = 0, ACCOUNT_MAX = 32, TOKEN_MAX = 65536, HEAD_LEN = 5, PATIENCE_S = 20 };
enum { NUM_WORKERS = 64, NUM_CLIENTS = 256, NUM_ATTEMPTS = 8 };
enum { NOOP = 1, CONTEXT = 2, MIC = 8, CONTEXT_NEXT = 16, WRAPPED = 32, ENCRYPTED = 64 }; /* flags */

union rights {
	char space[CMSG_SPACE(sizeof(int))];
	struct cmsghdr head;
};

/* A message of one byte, and a descriptor if there is one. */
static int
send_fd(int to, int fd)
{
	union rights rights = {.head = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)}};
	struct iovec iov = {(char[1]){0}, 1};
	struct msghdr msg = {NULL, 0, &iov, 1, &rights, fd >= 0 ? sizeof rights : 0, 0};

	memcpy(CMSG_DATA(&rights.head), &fd, sizeof fd);
	return sendmsg(to, &msg, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

static int
recv_fd(int from)
{
	union rights rights;
	struct iovec iov = {(char[1]){0}, 1};
	struct msghdr msg = {NULL, 0, &iov, 1, &rights, sizeof rights, 0};
	int fd = -1;

	if (recvmsg(from, &msg, MSG_CMSG_CLOEXEC) != 1)
		exit(1); /* no parent, no server */
	if (CMSG_FIRSTHDR(&msg) != NULL)
		memcpy(&fd, CMSG_DATA(&rights.head), sizeof fd);
	return fd;
}

static size_t
length_of(const uint8_t *head)
{
	return (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
}

/* Head and token at once. The connection has room for it, or the client does not want to hear. */
static int
send_token(int fd, int flags, const gss_buffer_desc *token)
{
	static uint8_t bytes[HEAD_LEN + TOKEN_MAX];
	uint32_t len = htonl((uint32_t)token->length);
	size_t all = HEAD_LEN + token->length;

	if (all > sizeof bytes)
		return -1;
	bytes[0] = (uint8_t)flags;
	memcpy(bytes + 1, &len, sizeof len);
	if (token->length != 0)
		memcpy(bytes + HEAD_LEN, token->value, token->length);
	return send(fd, bytes, all, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)all ? 0 : -1;
}

/* ---- worker ---- */

/* One message of the client's; what it wants back is a signature. */
static int
answer(int fd, gss_ctx_id_t ctx)
{
	static uint8_t head[HEAD_LEN], body[TOKEN_MAX];
	gss_buffer_desc message = {0, body}, text = GSS_C_EMPTY_BUFFER, mic = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor;
	int conf = 0, done = 0;

	if (recv(fd, head, HEAD_LEN, MSG_WAITALL) != HEAD_LEN || (head[0] & WRAPPED) == 0 || length_of(head) > TOKEN_MAX)
		return -1;
	message.length = length_of(head);
	if (recv(fd, body, message.length, MSG_WAITALL) == (ssize_t)message.length &&
	    gss_unwrap(&minor, ctx, &message, &text, &conf, NULL) == GSS_S_COMPLETE && (conf || (head[0] & ENCRYPTED) == 0) &&
	    gss_get_mic(&minor, ctx, GSS_C_QOP_DEFAULT, &text, &mic) == GSS_S_COMPLETE)
		done = send_token(fd, MIC, &mic) == 0;
	gss_release_buffer(&minor, &text);
	gss_release_buffer(&minor, &mic);
	return done ? 0 : -1;
}

/* For brevity, one client after the other. The next ones wait in the socket, out of which the front can take them back. */
static _Noreturn void
work(int from)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	struct baton_cargo cargo = BATON_CARGO_INIT;
	gss_ctx_id_t ctx;
	OM_uint32 minor;
	char byte;

	/* A message that is not for us, or not any more, is the front's concern. The end of the socket ends our work. */
	while (recv(from, &byte, 1, MSG_PEEK) > 0) {
		if (baton_recv_sec_context(&minor, from, &ctx, &cargo) != GSS_S_COMPLETE)
			continue;
		setsockopt(cargo.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
		while (answer(cargo.fd, ctx) == 0)
			continue;
		close(cargo.fd);
		gss_delete_sec_context(&minor, &ctx, GSS_C_NO_BUFFER);
	}
	exit(0);
}

/* ---- parent ---- */

/* Become the account, for good: there is no way back to root, and none forward by a set-id program. */
static void
become(const struct passwd *account)
{
	if (initgroups(account->pw_name, account->pw_gid) != 0 || setgid(account->pw_gid) != 0 ||
	    setuid(account->pw_uid) != 0 || setuid(0) == 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) /* nor may other processes of the account look into this one */
		errx(1, "cannot become %s for good", account->pw_name);
}

/* The front may be in anybody's hands: what it asks for is looked at as if it came from the network. */
static const struct passwd *
check(const char *account, size_t len, uid_t least_uid)
{
	const struct passwd *entry;

	if (len == 0 || len >= ACCOUNT_MAX || account[0] == '-' ||
	    strspn(account, "abcdefghijklmnopqrstuvwxyz0123456789_.-") != len || (entry = getpwnam(account)) == NULL)
		return NULL;
	return entry->pw_uid != 0 && entry->pw_uid >= least_uid ? entry : NULL;
}

/* A worker, and the front's end of its socket; -1: none. How many there can be at most is the unit's to say (TasksMax). */
static int
spawn(const struct passwd *account)
{
	int ends[2];

	if (account == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
		return -1;
	if (fork() == 0) {
		become(account);
		dup2(ends[1], LISTENER); /* of all sockets, it has its own alone */
		closefrom(STDERR_FILENO + 1);
		work(LISTENER);
	}
	close(ends[1]);
	return ends[0];
}

/* ---- front ---- */

static int control; /* the parent is at the other end */

static struct client {
	enum { FREE, EXPECTS_NOOP, EXPECTS_TOKEN, READY, SENT } stage;
	int fd, num_attempts;
	time_t until;
	gss_ctx_id_t ctx;          /* ours until it is sent */
	baton_handover_t handover; /* afterwards: perhaps still ours */
	char account[ACCOUNT_MAX];
	uint8_t token[HEAD_LEN + TOKEN_MAX];
	size_t len; /* as much of it as is here */
} clients[NUM_CLIENTS];

static struct worker {
	char account[ACCOUNT_MAX]; /* "": a free place */
	int fd;
} workers[NUM_WORKERS];

/* Either a worker has the client by now, or the client is told by the end of its connection. */
static void
drop(struct client *c)
{
	OM_uint32 minor;

	if (c->handover != NULL)
		baton_take_back_sec_context(&minor, &c->handover, &c->ctx);
	baton_release_handover(&minor, &c->handover);
	gss_delete_sec_context(&minor, &c->ctx, GSS_C_NO_BUFFER);
	close(c->fd);
	c->stage = FREE;
	c->len = 0;
}

/* The worker of an account, or a new one; NULL if the parent does not want to. */
static struct worker *
worker_for(const char *account)
{
	struct worker *room = NULL;

	for (struct worker *w = workers; w < workers + NUM_WORKERS; w++)
		if (strcmp(w->account, account) == 0)
			return w;
		else if (w->account[0] == '\0')
			room = w;
	if (room == NULL || send(control, account, strlen(account), MSG_NOSIGNAL) < 0 || (room->fd = recv_fd(control)) < 0)
		return NULL;
	fcntl(room->fd, F_SETFL, O_NONBLOCK);
	strcpy(room->account, account);
	return room;
}

/* What was in the socket of a dead worker, nobody will receive: it is ours again, and goes to the next one. */
static void
lose(struct worker *w)
{
	OM_uint32 minor;

	close(w->fd);
	for (struct client *c = clients; c < clients + NUM_CLIENTS; c++)
		if (c->stage == SENT && strcmp(c->account, w->account) == 0) {
			if (baton_take_back_sec_context(&minor, &c->handover, &c->ctx) == GSS_S_COMPLETE)
				c->stage = READY;
			else
				drop(c); /* the dead worker had received it */
		}
	w->account[0] = '\0';
}

/* Context and connection, for this account's processes alone. If the socket is full, or its end is gone, later. */
static void
hand_over(struct client *c, struct pollfd *poll_for)
{
	struct baton_cargo cargo = {BATON_CARGO_VERSION, c->fd, GSS_C_NO_CREDENTIAL, GSS_C_EMPTY_BUFFER};
	char audience[8 + ACCOUNT_MAX];
	struct baton_transfer_options options = {BATON_TRANSFER_OPTIONS_VERSION, audience, PATIENCE_S, 0};
	struct worker *w = c->num_attempts < NUM_ATTEMPTS ? worker_for(c->account) : NULL;
	OM_uint32 major, minor;

	if (w == NULL) {
		drop(c);
		return;
	}
	snprintf(audience, sizeof audience, "user=%s", c->account);
	major = baton_send_sec_context(&minor, w->fd, &c->ctx, &cargo, &options, &c->handover);
	c->stage = major == GSS_S_COMPLETE ? SENT : READY;
	c->num_attempts += major != GSS_S_CONTINUE_NEEDED;
	*poll_for = (struct pollfd){w->fd, POLLOUT, 0};
}

/* Go on with what the client itself need not do, and say what it waits for then. */
static void
tend(struct client *c, struct pollfd *poll_for)
{
	int state = BATON_HANDOVER_WAITING;
	OM_uint32 minor;

	if (c->stage != FREE && time(NULL) > c->until)
		drop(c);
	*poll_for = (struct pollfd){c->stage == EXPECTS_NOOP || c->stage == EXPECTS_TOKEN ? c->fd : -1, POLLIN, 0};
	if (c->stage == READY)
		hand_over(c, poll_for);
	if (c->stage == SENT) { /* in this order: what changes after the look is heard */
		*poll_for = (struct pollfd){baton_handover_fd(c->handover), POLLIN, 0};
		baton_handover_status(&minor, c->handover, &state);
		if (state == BATON_HANDOVER_RECEIVED)
			drop(c);
		else if (state != BATON_HANDOVER_WAITING &&
			 baton_take_back_sec_context(&minor, &c->handover, &c->ctx) == GSS_S_COMPLETE)
			c->stage = READY;
	}
}

/* A whole token is here. When the context is complete, krb5.conf says which account the client's name stands for. */
static int
accept_token(struct client *c)
{
	gss_buffer_desc in = {c->len - HEAD_LEN, c->token + HEAD_LEN}, out = GSS_C_EMPTY_BUFFER, account = GSS_C_EMPTY_BUFFER;
	gss_name_t name = GSS_C_NO_NAME;
	OM_uint32 major, minor;
	gss_OID mech;
	int failed;

	c->len = 0;
	if (c->stage == EXPECTS_NOOP) {
		c->stage = EXPECTS_TOKEN;
		return c->token[0] == (NOOP | CONTEXT_NEXT) ? 0 : -1;
	}
	major = gss_accept_sec_context(&minor, &c->ctx, GSS_C_NO_CREDENTIAL, &in, GSS_C_NO_CHANNEL_BINDINGS, &name, &mech, &out,
				       NULL, NULL, NULL);
	failed = GSS_ERROR(major) || (out.length != 0 && send_token(c->fd, CONTEXT, &out) != 0);
	if (!failed && major == GSS_S_COMPLETE) {
		c->stage = READY;
		failed = gss_localname(&minor, name, mech, &account) != GSS_S_COMPLETE || account.length >= ACCOUNT_MAX ||
			 strnlen(account.value, account.length) != account.length;
		snprintf(c->account, sizeof c->account, "%.*s", failed ? 0 : (int)account.length, (char *)account.value);
	}
	gss_release_buffer(&minor, &out);
	gss_release_buffer(&minor, &account);
	gss_release_name(&minor, &name);
	return failed || (c->stage == READY && c->account[0] == '\0') ? -1 : 0;
}

/* Read to the end of a token and not beyond it: what follows the last one is for the worker. */
static void
hear(struct client *c)
{
	size_t want = c->len < HEAD_LEN ? HEAD_LEN : HEAD_LEN + length_of(c->token);
	ssize_t n = recv(c->fd, c->token + c->len, want - c->len, MSG_DONTWAIT);

	c->len += n > 0 ? (size_t)n : 0;
	if (n == 0 || (n < 0 && errno != EAGAIN) || (c->len >= HEAD_LEN && length_of(c->token) > TOKEN_MAX) ||
	    (c->len >= HEAD_LEN && c->len == HEAD_LEN + length_of(c->token) && accept_token(c) != 0))
		drop(c);
}

static _Noreturn void
front(void)
{
	struct pollfd polls[NUM_CLIENTS + NUM_WORKERS + 1];

	fcntl(LISTENER, F_SETFL, O_NONBLOCK);
	for (;;) {
		struct client *room = NULL;

		for (int i = 0; i < NUM_CLIENTS; i++) {
			tend(&clients[i], &polls[i]);
			room = clients[i].stage == FREE ? &clients[i] : room;
		}
		for (int i = 0; i < NUM_WORKERS; i++)
			polls[NUM_CLIENTS + i] = (struct pollfd){workers[i].account[0] != '\0' ? workers[i].fd : -1, 0, 0};
		polls[NUM_CLIENTS + NUM_WORKERS] = (struct pollfd){room != NULL ? LISTENER : -1, POLLIN, 0};
		if (poll(polls, sizeof polls / sizeof polls[0], 1000) <= 0)
			continue;
		for (int i = 0; i < NUM_CLIENTS; i++)
			if ((clients[i].stage == EXPECTS_NOOP || clients[i].stage == EXPECTS_TOKEN) && polls[i].revents != 0)
				hear(&clients[i]);
		for (int i = 0; i < NUM_WORKERS; i++)
			if (polls[NUM_CLIENTS + i].fd >= 0 && polls[NUM_CLIENTS + i].revents != 0)
				lose(&workers[i]);
		if (room != NULL && room->stage == FREE && (room->fd = accept(LISTENER, NULL, NULL)) >= 0) {
			room->stage = EXPECTS_NOOP;
			room->until = time(NULL) + PATIENCE_S;
			room->num_attempts = 0;
		}
	}
}

int
main(int argc, char **argv)
{
	const struct passwd *account = argc == 3 ? getpwnam(argv[1]) : NULL;
	char asked[ACCOUNT_MAX + 1];
	int ends[2], worker;
	ssize_t len;
	pid_t pid;

	if (account == NULL || account->pw_uid == 0)
		errx(2, "usage: prefork FRONT-ACCOUNT LEAST-UID <listening socket");
	signal(SIGCHLD, SIG_IGN); /* nobody is waited for */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0 || (pid = fork()) < 0)
		err(1, "cannot make the front");
	if (pid == 0) {
		close(ends[0]);
		control = ends[1];
		become(account);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		front();
	}
	close(ends[1]);
	/* The end of the front is the end of the server: workers see that of their sockets. */
	while ((len = recv(ends[0], asked, sizeof asked - 1, 0)) > 0) {
		asked[len] = '\0';
		worker = spawn(check(asked, (size_t)len, (uid_t)atoi(argv[2])));
		if (send_fd(ends[0], worker) != 0 || (worker >= 0 && close(worker) != 0))
			break;
	}
	return 1;
}
