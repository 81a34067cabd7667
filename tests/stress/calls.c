#include "stress/calls.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	NUM_TRIES_MAX = 128,
	HOLDER_PATIENCE_S = 30,
	DOUBT_MS = 2000,   /* between the end of a call and the news of a death that explains it */
	BTON = 1927964672, /* rows of src/base/err.def */
	TOKEN_USED = BTON + 15,
	TOKEN_EXPIRED,
	TOKEN_STORE,
};

/* One copy of a token in the hands of a process. */
struct copy {
	pid_t pid;
	bool is_over;
};

static struct call {
	int fd; /* -1: not begun */
	gss_ctx_id_t ctx;
	uint64_t number;
	int64_t begun_at, ended_at; /* ended: everybody has closed the connection; 0: not yet */
	struct toll before;
	pid_t holder; /* the last that was to hand the context on; 0: it has, or nobody yet */
	bool is_received, is_refused;
	int num_served, num_passed, num_handed, num_tries, num_used, num_expired, num_store;
	struct copy tries[NUM_TRIES_MAX];
} calls[NUM_CALLS_MAX];
static int num_calls;
static gss_name_t target;

static const OM_uint32 flags = GSS_C_ANON_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG;

static __attribute__((format(printf, 3, 4))) void
wrong(struct account *account, const struct call *c, const char *format, ...)
{
	va_list args;

	account->num_wrong++;
	fprintf(stderr, "call %llu: ", (unsigned long long)c->number);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (served %d, passed on %d, copies %d, tries %d, used %d)\n", c->num_served, c->num_passed,
		c->num_handed, c->num_tries, c->num_used);
}

bool
calls_begin(int num)
{
	static char host[] = "host@nowhere";
	gss_buffer_desc text = {sizeof(host) - 1, host};
	OM_uint32 minor;

	num_calls = num < NUM_CALLS_MAX ? num : NUM_CALLS_MAX;
	for (int n = 0; n < num_calls; n++)
		calls[n].fd = -1;
	return gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &target) == GSS_S_COMPLETE;
}

static OM_uint32
step(struct call *c, gss_buffer_t in, gss_buffer_t out)
{
	OM_uint32 minor;

	return gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &c->ctx, target, &sanon, flags, 0, GSS_C_NO_CHANNEL_BINDINGS,
				    in, NULL, out, NULL, NULL);
}

/* The first token waits on the connection; a front will find it there. */
static void
begin(struct siege *s, struct account *account, struct call *c, int64_t now_ms)
{
	gss_buffer_desc out = GSS_C_EMPTY_BUFFER;
	const struct timeval patience = {.tv_sec = HOLDER_PATIENCE_S};
	struct note note = {0};
	OM_uint32 minor;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
		wrong(account, c, "socketpair: %s", strerror(errno));
		return;
	}
	/* Who serves what was served already would wait for ever for a message that has been read. */
	(void)setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (mail_send(s->front_in, &note, 0, ends[1], MSG_DONTWAIT) != 0) {
		close(ends[0]);
		close(ends[1]);
		return;
	}
	close(ends[1]);
	*c = (struct call){.fd = ends[0],
			   .ctx = GSS_C_NO_CONTEXT,
			   .number = ++account->num_calls,
			   .begun_at = now_ms,
			   .before = siege_toll(s)};
	if (step(c, GSS_C_NO_BUFFER, &out) != GSS_S_CONTINUE_NEEDED)
		wrong(account, c, "the client has no first token");
	memcpy(note.bytes, out.value, out.length);
	mail_send(c->fd, &note, out.length, -1, 0);
	gss_release_buffer(&minor, &out);
}

static void
send_message(struct account *account, struct call *c)
{
	gss_buffer_desc in = {sizeof(c->number), &c->number}, out = GSS_C_EMPTY_BUFFER;
	struct note note = {0};
	OM_uint32 minor;

	if (gss_wrap(&minor, c->ctx, 1, GSS_C_QOP_DEFAULT, &in, NULL, &out) != GSS_S_COMPLETE)
		wrong(account, c, "the client cannot protect a message");
	memcpy(note.bytes, out.value, out.length);
	mail_send(c->fd, &note, out.length, -1, 0);
	gss_release_buffer(&minor, &out);
}

/* The client's own proof: the answer is protected by its context, and by one copy of that only: a second has the same sequence number. */
static void
check_answer(struct account *account, struct call *c, gss_buffer_t answer)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor, major = gss_unwrap(&minor, c->ctx, answer, &text, NULL, NULL);

	if (major != GSS_S_COMPLETE)
		wrong(account, c, "the answer is not understood: %08x %u", major, minor);
	else if (text.length != sizeof(c->number) || memcmp(text.value, &c->number, sizeof(c->number)) != 0)
		wrong(account, c, "an answer to another client");
	gss_release_buffer(&minor, &text);
}

static void
try_begins(struct call *c, pid_t pid)
{
	if (c->num_tries < NUM_TRIES_MAX)
		c->tries[c->num_tries++].pid = pid;
}

static void
try_ends(struct account *account, struct call *c, pid_t pid)
{
	for (int n = c->num_tries - 1; n >= 0; n--)
		if (c->tries[n].pid == pid && !c->tries[n].is_over) {
			c->tries[n].is_over = true;
			return;
		}
	wrong(account, c, "%d has a context and no token", pid);
}

/* Why a copy of the token was refused: some reasons need a cause. */
static void
note_loss(const struct siege *s, struct account *account, struct call *c, const struct note *note, size_t len)
{
	if (note->minor == TOKEN_USED && note->major == GSS_S_NO_CONTEXT)
		c->num_used++;
	else if (note->minor == TOKEN_EXPIRED && note->major == GSS_S_NO_CONTEXT &&
		 s->toll.num_suspended > c->before.num_suspended)
		c->num_expired++;
	else if (s->toll.num_attacks > c->before.num_attacks)
		c->num_store++;
	else
		wrong(account, c, "an import is refused: %08x %u, %.*s", note->major, note->minor, (int)len,
		      (const char *)note->bytes);
	account->num_too_late++;
}

static void
refused(const struct siege *s, struct account *account, struct call *c, const struct note *note)
{
	c->is_refused = true;
	if (note->minor != ENOMEM || s->toll.num_unlucky == c->before.num_unlucky)
		wrong(account, c, "no context is accepted: %08x %u", note->major, note->minor);
}

static void
hear(const struct siege *s, struct account *account, struct call *c, const struct note *note, size_t len)
{
	gss_buffer_desc in = {len, (void *)(uintptr_t)note->bytes}, out = GSS_C_EMPTY_BUFFER;
	OM_uint32 ignored;

	switch (note->kind) {
	case NOTE_RECEIVED:
		c->is_received = true;
		c->holder = note->pid;
		break;
	case NOTE_REFUSED:
		refused(s, account, c, note);
		break;
	case NOTE_ACCEPTED:
		if (step(c, &in, &out) != GSS_S_COMPLETE)
			wrong(account, c, "the client has no context");
		else
			send_message(account, c);
		gss_release_buffer(&ignored, &out);
		break;
	case NOTE_STUCK:
		wrong(account, c, "no export works: %08x %u (+%d)", note->major, note->minor, (int)note->minor - BTON);
		break;
	case NOTE_HANDED:
		/* Who received it on a socket may already have said that it has passed it on. */
		if (c->holder == note->pid)
			c->holder = 0;
		c->num_handed += (int)note->num;
		break;
	case NOTE_TRYING:
		try_begins(c, note->pid);
		break;
	case NOTE_LOST:
		try_ends(account, c, note->pid);
		note_loss(s, account, c, note, len);
		break;
	case NOTE_PASSED:
		try_ends(account, c, note->pid);
		c->num_passed++;
		c->holder = note->pid;
		break;
	case NOTE_SERVED:
		try_ends(account, c, note->pid);
		c->num_served++;
		check_answer(account, c, &in);
		break;
	case NOTE_BROKEN:
	default:
		wrong(account, c, "%d: %.*s: %08x %u", note->pid, (int)len, (const char *)note->bytes, note->major,
		      note->minor);
	}
}

/* How many had a token, or the context itself, and did not say what came of it; *num_alive of them are not known to be dead. */
static int
count_silent(const struct call *c, int *num_alive)
{
	int num = 0;

	*num_alive = 0;
	for (int n = 0; n < c->num_tries; n++)
		if (!c->tries[n].is_over) {
			num++;
			*num_alive += !siege_has_died(c->tries[n].pid);
		}
	if (c->holder != 0 && !c->is_refused) {
		num++;
		*num_alive += !siege_has_died(c->holder);
	}
	return num;
}

/* Everybody has closed the connection. False: there may yet be a reason, as a process is known to be dead a moment after its end. */
static bool
judge(const struct siege *s, struct account *account, struct call *c)
{
	bool somebody_died = s->toll.num_killed > c->before.num_killed;
	int num_alive, num_silent = count_silent(c, &num_alive);

	if (c->num_served > 1)
		wrong(account, c, "served twice");
	else if (num_alive > 0)
		return false;
	else if (c->num_served == 1)
		account->num_served++;
	else if (c->is_refused)
		account->num_refused++;
	else if (num_silent > 0)
		account->num_killed++;
	else if (c->num_store > 0 || (c->num_used > 0 && s->toll.num_attacks > c->before.num_attacks))
		account->num_store++; /* a slot of a table that was made anew under an importer's eyes looks used */
	else if (c->num_expired > 0)
		account->num_slept++;
	else if (somebody_died && (!c->is_received || c->num_tries < c->num_handed))
		account->num_killed++; /* between the arrival of a message and the first word about it */
	else
		return false;
	account->num_passed += (uint64_t)c->num_passed;
	return true;
}

static void
end(struct call *c)
{
	OM_uint32 minor;

	close(c->fd);
	c->fd = -1;
	gss_delete_sec_context(&minor, &c->ctx, GSS_C_NO_BUFFER);
}

static void
go_on(const struct siege *s, struct account *account, struct call *c, int64_t now_ms)
{
	struct note note;
	size_t len;
	int fd;

	while (mail_receive(c->fd, &note, &len, &fd, MSG_DONTWAIT) == 0)
		hear(s, account, c, &note, len);
	if (errno != EAGAIN && c->ended_at == 0)
		c->ended_at = now_ms;
	if (c->ended_at == 0)
		return;
	if (!judge(s, account, c)) {
		if (now_ms <= c->ended_at + DOUBT_MS)
			return;
		wrong(account, c, "lost, or silent, without a reason; the last to hold the context was %d", c->holder);
	}
	end(c);
}

void
calls_tick(struct siege *s, struct account *account, int64_t now_ms, bool is_open)
{
	struct pollfd polls[NUM_CALLS_MAX];

	for (struct call *c = calls; c < calls + num_calls; c++) {
		if (c->fd < 0 && is_open)
			begin(s, account, c, now_ms);
		if (c->fd >= 0 && now_ms > c->begun_at + PATIENCE_S * 1000) {
			wrong(account, c, "without an end for %d seconds", PATIENCE_S);
			end(c);
		}
	}
	for (int n = 0; n < num_calls; n++)
		polls[n] = (struct pollfd){.fd = calls[n].ended_at == 0 ? calls[n].fd : -1, .events = POLLIN};
	(void)poll(polls, (nfds_t)num_calls, 1);
	for (int n = 0; n < num_calls; n++)
		if (calls[n].fd >= 0 && (polls[n].revents != 0 || calls[n].ended_at != 0))
			go_on(s, account, &calls[n], now_ms);
}

int
calls_num_open(void)
{
	int num = 0;

	for (int n = 0; n < num_calls; n++)
		num += calls[n].fd >= 0;
	return num;
}

void
calls_end(void)
{
	OM_uint32 minor;

	for (int n = 0; n < num_calls; n++)
		if (calls[n].fd >= 0)
			end(&calls[n]);
	gss_release_name(&minor, &target);
}
