/*
 * What fronts and workers have in common: export until it works, import until it is clear whether it may.
 */
#include "stress/stress.h"

#include <baton/baton.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "support/heap.h"

enum {
	PAUSE_MS = 1,
	COPIES_ONE_IN = 4,
	THIEF_ONE_IN = 8,
	PASSED_ONE_IN = 5,
	SENT_ONE_IN = 3,
	NUM_WAITS = 200,
	UNLUCKY_AMONG = 24,
	STORE_TRIES = 3
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* The sanitizer brings an allocator of its own, which does not fail. */
void
bad_luck(const struct post *post)
{
	(void)post;
}

void
good_luck(void)
{
}
#else
void
bad_luck(const struct post *post)
{
	if ((uint32_t)(rand() % 100) < post->world->alloc_percent)
		heap_fail_at(1 + rand() % UNLUCKY_AMONG);
}

void
good_luck(void)
{
	heap_fail_at(0);
}
#endif

void
say(int conn, enum note_kind kind, OM_uint32 major, OM_uint32 minor, uint32_t num, const void *bytes, size_t len)
{
	struct note note = {.kind = kind, .pid = getpid(), .major = major, .minor = minor, .num = num};

	if (len > sizeof(note.bytes))
		abort();
	if (len != 0)
		memcpy(note.bytes, bytes, len);
	mail_send(conn, &note, len, -1, 0);
}

static void
say_broken(int conn, const char *what, OM_uint32 major, OM_uint32 minor)
{
	say(conn, NOTE_BROKEN, major, minor, 0, what, strlen(what));
}

/* Also under a number that tells one mechanism's from another's. */
OM_uint32
plain_minor(OM_uint32 minor)
{
	static const char no_memory[] = "Cannot allocate memory";
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 ignored, more = 0;

	if (gss_display_status(&ignored, minor, GSS_C_MECH_CODE, &sanon, &more, &text) == GSS_S_COMPLETE &&
	    text.length == sizeof(no_memory) - 1 && memcmp(text.value, no_memory, text.length) == 0)
		minor = ENOMEM;
	gss_release_buffer(&ignored, &text);
	return minor;
}

static void
say_lost(int conn, OM_uint32 major, OM_uint32 minor)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 ignored, more = 0;

	gss_display_status(&ignored, minor, GSS_C_MECH_CODE, &sanon, &more, &text);
	say(conn, NOTE_LOST, major, minor, 0, text.value, text.length);
	gss_release_buffer(&ignored, &text);
}

static void
pause_for_a_while(void)
{
	nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000}, NULL);
}

/* Sent to the pool by whoever exports; one copy, or two, of which the second is one too many. */
static void
hand_out(const struct post *post, int conn, const gss_buffer_desc *token)
{
	struct note note = {.kind = NOTE_HANDED, .pid = getpid()};
	uint32_t num_copies = 1 + (rand() % COPIES_ONE_IN == 0);
	bool is_thief = rand() % THIEF_ONE_IN == 0;

	if (token->length > sizeof(note.bytes))
		abort();
	memcpy(note.bytes, token->value, token->length);
	say(conn, NOTE_HANDED, 0, 0, num_copies + is_thief, NULL, 0);
	/* A pool that is full of what nobody fetches, as all workers stand still, must not make them wait for one another. */
	for (uint32_t n = 0; n < num_copies; n++)
		if (mail_send(post->pool_in, &note, token->length, conn, MSG_DONTWAIT) != 0)
			try_token(post, conn, token->value, token->length);
	if (is_thief)
		try_token(post, conn, token->value, token->length);
}

/*
 * Send the context, wait for a moment, and take it back. True: too late, somebody has it. False: it is here, as good as before, whatever became
 * of those who were about to receive it.
 */
static bool
send_on(const struct post *post, int conn, gss_ctx_id_t *ctx)
{
	struct baton_cargo cargo = {BATON_CARGO_VERSION, conn, GSS_C_NO_CREDENTIAL, GSS_C_EMPTY_BUFFER};
	OM_uint32 minor, major;
	baton_handover_t handover;
	struct pollfd answer;
	int state = BATON_HANDOVER_WAITING;

	bad_luck(post);
	major = baton_send_sec_context(&minor, post->direct_in, ctx, &cargo, NULL, &handover);
	good_luck();
	if ((major == GSS_S_COMPLETE) != (*ctx == GSS_C_NO_CONTEXT))
		say_broken(conn, "a context that is neither sent nor kept", major, minor);
	if (major != GSS_S_COMPLETE)
		return false;
	/* Some workers stand still: so now long, now so short that both ends may well reach for it at once. */
	for (int left = rand() % 2 ? rand() % NUM_WAITS : rand() % 2; left > 0 && state == BATON_HANDOVER_WAITING; left--) {
		answer = (struct pollfd){baton_handover_fd(handover), POLLIN, 0};
		(void)poll(&answer, 1, PAUSE_MS);
		baton_handover_status(&minor, handover, &state);
	}
	major = baton_take_back_sec_context(&minor, &handover, ctx);
	if (major != GSS_S_COMPLETE)
		say(conn, NOTE_HANDED, 0, 0, 1, NULL, 0);
	baton_release_handover(&minor, &handover);
	return major != GSS_S_COMPLETE;
}

/* Whatever makes an export fail, the context is as good as it was: so it works in the end. */
void
pass_on(const struct post *post, int conn, gss_ctx_id_t ctx)
{
	gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
	OM_uint32 major = GSS_S_FAILURE, minor = 0, ignored;

	if (rand() % SENT_ONE_IN == 0 && send_on(post, conn, &ctx))
		return;
	for (int n = 0; n < NUM_RETRIES_MAX && major != GSS_S_COMPLETE; n++) {
		bad_luck(post);
		major = gss_export_sec_context(&minor, &ctx, &token);
		good_luck();
		minor = plain_minor(minor);
		if ((major == GSS_S_COMPLETE) != (ctx == GSS_C_NO_CONTEXT) ||
		    (major == GSS_S_COMPLETE) != (token.length != 0)) {
			say_broken(conn, "an export that is neither done nor undone", major, minor);
			return;
		}
		if (major != GSS_S_COMPLETE && minor != ENOMEM)
			pause_for_a_while();
	}
	if (major != GSS_S_COMPLETE) {
		say(conn, NOTE_STUCK, major, minor, 0, NULL, 0);
		gss_delete_sec_context(&ignored, &ctx, GSS_C_NO_BUFFER);
		return;
	}
	hand_out(post, conn, &token);
	gss_release_buffer(&ignored, &token);
}

/* The client sends its message as soon as it has a context: it is there, or about to be. */
static void
serve(int conn, gss_ctx_id_t ctx)
{
	gss_buffer_desc in, text = GSS_C_EMPTY_BUFFER, out = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, minor, ignored;
	struct note note;
	size_t len;
	int fd;

	if (mail_receive(conn, &note, &len, &fd, 0) != 0) {
		say_broken(conn, "the client's message was taken by another", 0, 0);
		return;
	}
	in = (gss_buffer_desc){len, note.bytes};
	if ((major = gss_unwrap(&minor, ctx, &in, &text, NULL, NULL)) != GSS_S_COMPLETE)
		say_broken(conn, "the client's message is not understood", major, minor);
	else if ((major = gss_wrap(&minor, ctx, 1, GSS_C_QOP_DEFAULT, &text, NULL, &out)) != GSS_S_COMPLETE)
		say_broken(conn, "the answer cannot be protected", major, minor);
	else
		say(conn, NOTE_SERVED, 0, 0, 0, out.value, out.length);
	gss_release_buffer(&ignored, &text);
	gss_release_buffer(&ignored, &out);
}

/* A claim store that is in disorder may be put in order again: not by us, and not after the token is known to be used. */
static bool
is_worth_another_try(OM_uint32 major, OM_uint32 minor, int *store_tries)
{
	if (major != GSS_S_FAILURE)
		return false;
	if (minor == ENOMEM)
		return true;
	pause_for_a_while();
	return ++*store_tries < STORE_TRIES;
}

static void
go_on(const struct post *post, int conn, gss_ctx_id_t ctx)
{
	OM_uint32 ignored;

	if (rand() % PASSED_ONE_IN == 0) {
		say(conn, NOTE_PASSED, 0, 0, 0, NULL, 0);
		pass_on(post, conn, ctx);
	} else {
		serve(conn, ctx);
		gss_delete_sec_context(&ignored, &ctx, GSS_C_NO_BUFFER);
	}
}

/* What cannot be received, its sender takes back. */
void
receive_one(const struct post *post)
{
	struct baton_cargo cargo = BATON_CARGO_INIT;
	gss_ctx_id_t ctx;
	OM_uint32 major, minor;

	bad_luck(post);
	major = baton_recv_sec_context(&minor, post->direct_out, &ctx, &cargo);
	good_luck();
	if (major != GSS_S_COMPLETE)
		return;
	say(cargo.fd, NOTE_TRYING, 0, 0, 0, NULL, 0);
	go_on(post, cargo.fd, ctx);
	close(cargo.fd);
}

void
try_token(const struct post *post, int conn, const uint8_t *token, size_t len)
{
	gss_buffer_desc in = {len, (void *)(uintptr_t)token};
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
	OM_uint32 major, minor;
	int store_tries = 0;

	say(conn, NOTE_TRYING, 0, 0, 0, NULL, 0);
	do {
		bad_luck(post);
		major = gss_import_sec_context(&minor, &in, &ctx);
		good_luck();
		minor = plain_minor(minor);
	} while (is_worth_another_try(major, minor, &store_tries));
	if ((major == GSS_S_COMPLETE) != (ctx != GSS_C_NO_CONTEXT)) {
		say_broken(conn, "an import that is neither done nor undone", major, minor);
	} else if (major != GSS_S_COMPLETE) {
		say_lost(conn, major, minor);
	} else {
		go_on(post, conn, ctx);
	}
}
