/*
 * A worker: imports a context, serves one turn, and passes it on. Beside its work it lets the thief and the stranger try its tokens.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "demo.h"

/* Every so many contexts, altered copies are tried before the true token is. */
enum { ALTER_EVERY = 10, RACE_HEAD_START_NS = 500000 };

/* Hand a copy to the thief or the stranger. If it is awaited, the verdict comes back; otherwise DEMO_USED, which says nothing. */
static enum demo_verdict
let_try(const struct demo_cast *cast, int link, enum demo_crime crime, const struct demo_pass *pass, bool is_awaited)
{
	static struct demo_theft theft;
	uint32_t verdict = DEMO_USED;

	theft = (struct demo_theft){.crime = crime, .is_awaited = is_awaited, .token_len = pass->token_len};
	theft.is_told = pass->is_told;
	memcpy(theft.token, pass->token, pass->token_len);
	if (!cli_demo_theft_send(link, &theft) ||
	    (is_awaited && recv(link, &verdict, sizeof verdict, 0) != (ssize_t)sizeof verdict))
		cli_demo_trouble(cast, "one who tries tokens has died");
	return verdict;
}

/*
 * The thief has the token as early as its rightful bearer, and both start at the same moment. Exactly one must win: the thief may, but then
 * the theft is known, because the worker is refused.
 */
static enum demo_verdict
race(const struct demo_cast *cast, const struct demo_pass *pass, gss_ctx_id_t *ctx, char why[static 160])
{
	static struct demo_theft theft;
	enum demo_verdict mine;
	uint32_t theirs = DEMO_REFUSED_OTHERWISE;

	theft = (struct demo_theft){.crime = DEMO_RACE, .is_awaited = true, .token_len = pass->token_len};
	memcpy(theft.token, pass->token, pass->token_len);
	theft.go_at_ns = cli_demo_now_ns() + RACE_HEAD_START_NS;
	if (!cli_demo_theft_send(cast->to_thief, &theft))
		cli_demo_trouble(cast, "the thief has died");
	while (cli_demo_now_ns() < theft.go_at_ns)
		;
	mine = cli_demo_import(pass->token, pass->token_len, ctx, why);
	if (recv(cast->to_thief, &theirs, sizeof theirs, 0) != (ssize_t)sizeof theirs)
		cli_demo_trouble(cast, "the thief has died");
	atomic_fetch_add(&cast->board->num_tried[DEMO_RACE], 1);
	if (mine == DEMO_LET_IN && theirs == DEMO_USED) {
		atomic_fetch_add(&cast->board->num_refused[DEMO_RACE], 1);
	} else if (mine == DEMO_USED && theirs == DEMO_LET_IN) {
		atomic_fetch_add(&cast->board->num_refused[DEMO_RACE], 1);
		atomic_fetch_add(&cast->board->num_races_to_thief, 1);
	} else if (mine == DEMO_LET_IN && theirs == DEMO_LET_IN) {
		atomic_fetch_add(&cast->board->num_let_in[DEMO_RACE], 1);
	} else {
		cli_demo_trouble(cast, "a race had no winner: %s", why);
	}
	return mine;
}

/* The message of the turn before, played again: the replay window has moved with the context and must know it. RFC 2743 §1.2.3. */
static void
play_old(const struct demo_cast *cast, const struct demo_pass *pass, gss_ctx_id_t ctx)
{
	gss_buffer_desc old = {pass->old_len, (void *)pass->old}, text = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, minor;

	if (pass->old_len == 0)
		return;
	major = gss_unwrap(&minor, ctx, &old, &text, NULL, NULL);
	if (GSS_ERROR(major) == 0 && (major & GSS_S_DUPLICATE_TOKEN) != 0) {
		atomic_fetch_add(&cast->board->num_old_known, 1);
		if (pass->is_told)
			cli_demo_tell(cast, "was sent a message that worker %u had already read: known as a replay",
				      (unsigned)((cast->me + cast->num_workers - 1) % cast->num_workers) + 1);
	} else {
		cli_demo_trouble(cast, "an old message was not recognised (major status %x)", (unsigned)major);
	}
	gss_release_buffer(&minor, &text);
}

/* Who the client is, as the context says: it has travelled too. */
static bool
initiator_is(gss_ctx_id_t ctx, const char *name)
{
	gss_name_t peer = GSS_C_NO_NAME;
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 minor;
	bool is = gss_inquire_context(&minor, ctx, &peer, NULL, NULL, NULL, NULL, NULL, NULL) == GSS_S_COMPLETE &&
		  gss_display_name(&minor, peer, &text, NULL) == GSS_S_COMPLETE && text.length == strlen(name) &&
		  memcmp(text.value, name, text.length) == 0;

	gss_release_buffer(&minor, &text);
	gss_release_name(&minor, &peer);
	return is;
}

/*
 * Read the client's message "NAME: TEXT", answer with a wrapped message and with a MIC over what was read. The message is kept in the
 * pass, for the next worker to try. False: why says what went wrong.
 */
static bool
serve_turn(const struct demo_cast *cast, struct demo_pass *pass, gss_ctx_id_t ctx, int connection, char why[static 160])
{
	gss_buffer_desc in = {0, pass->old}, text = GSS_C_EMPTY_BUFFER, out = GSS_C_EMPTY_BUFFER, mic = GSS_C_EMPTY_BUFFER;
	char answer[96], message[DEMO_MESSAGE_MAX + 1], *colon;
	gss_buffer_desc reply = {0, answer};
	OM_uint32 major, minor = 0;
	int conf = 0;
	bool ok = false;

	snprintf(why, 160, "the client is gone");
	pass->old_len = 0;
	if (!cli_demo_frame_receive(connection, pass->old, sizeof pass->old, &in.length))
		return false;
	pass->old_len = (uint32_t)in.length;
	major = gss_unwrap(&minor, ctx, &in, &text, &conf, NULL);
	if (major != GSS_S_COMPLETE || !conf)
		goto fail;
	snprintf(message, sizeof message, "%.*s", (int)text.length, (const char *)text.value);
	reply.length = (size_t)snprintf(answer, sizeof answer, "worker %d, process %d", cast->me + 1, (int)getpid());
	if ((major = gss_wrap(&minor, ctx, 1, GSS_C_QOP_DEFAULT, &reply, NULL, &out)) != GSS_S_COMPLETE ||
	    (major = gss_get_mic(&minor, ctx, GSS_C_QOP_DEFAULT, &text, &mic)) != GSS_S_COMPLETE)
		goto fail;
	atomic_fetch_add(&cast->board->num_messages, 3);
	if (pass->is_told)
		cli_demo_tell(cast, "decrypted \"%s\" and answered, encrypted and signed", message);
	ok = cli_demo_frame_send(connection, out.value, out.length) && cli_demo_frame_send(connection, mic.value, mic.length);
	if ((colon = strstr(message, ": ")) != NULL)
		*colon = '\0';
	if (ok && !initiator_is(ctx, message)) {
		snprintf(why, 160, "the context is not %.100s's any more", message);
		ok = false;
	}
	goto out;
fail:
	cli_demo_status(major, minor, why);
out:
	gss_release_buffer(&minor, &text);
	gss_release_buffer(&minor, &out);
	gss_release_buffer(&minor, &mic);
	return ok;
}

static void
note_handover(struct demo_board *board, const struct demo_pass *pass, int64_t ns)
{
	uint32_t i = atomic_fetch_add(&board->num_tokens, 1);

	if (i < board->cap)
		board->token_len[i] = pass->token_len;
	/* Tokens that others try first are on purpose slower. */
	if (pass->act != DEMO_ACT_MANY || pass->context % ALTER_EVERY == 0)
		return;
	if ((i = atomic_fetch_add(&board->num_samples, 1)) < board->cap)
		board->handover_ns[i] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

/* Import; before and after, those who should not get in may try. */
static bool
take_over(const struct demo_cast *cast, const struct demo_pass *pass, gss_ctx_id_t *ctx)
{
	enum demo_verdict verdict;
	char why[160];
	int64_t ns;

	if (pass->act == DEMO_ACT_STORY || (pass->act == DEMO_ACT_MANY && pass->context % ALTER_EVERY == 0))
		let_try(cast, cast->to_thief, DEMO_ALTER, pass, true);
	if (pass->act == DEMO_ACT_STRANGER)
		let_try(cast, cast->to_stranger, DEMO_STRANGER, pass, true);
	if (pass->act == DEMO_ACT_RACE && pass->turn == 0) {
		if (race(cast, pass, ctx, why) != DEMO_LET_IN)
			return false;
	} else {
		verdict = cli_demo_import(pass->token, pass->token_len, ctx, why);
		ns = cli_demo_now_ns() - pass->export_began_ns;
		if (verdict != DEMO_LET_IN) {
			cli_demo_trouble(cast, "a true token was refused: %s", why);
			atomic_fetch_add(&cast->board->num_lost, 1);
			return false;
		}
		note_handover(cast->board, pass, ns);
		if (pass->is_told)
			cli_demo_tell(cast, pass->act == DEMO_ACT_STRANGER
						? "imported the same token: it was still good for the right user"
						: "imported the token: the context lives here now");
	}
	atomic_fetch_add(&cast->board->num_handovers, 1);
	if (pass->act != DEMO_ACT_RACE) {
		atomic_fetch_add(&cast->board->num_replays_due, 1);
		let_try(cast, cast->to_thief, DEMO_REPLAY, pass, pass->is_told);
	}
	return true;
}

static void
handle(const struct demo_cast *cast, struct demo_pass *pass, int connection)
{
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
	int next = (cast->me + 1) % cast->num_workers;
	char why[160];
	OM_uint32 ignored;

	if (!take_over(cast, pass, &ctx))
		return;
	play_old(cast, pass, ctx);
	if (!serve_turn(cast, pass, ctx, connection, why)) {
		cli_demo_trouble(cast, "turn %u of context %u failed: %s", pass->turn + 1, pass->context, why);
	} else if (++pass->turn < DEMO_NUM_TURNS) {
		if (!cli_demo_export_to(&ctx, pass, why)) {
			cli_demo_trouble(cast, "a context was not exported: %s", why);
		} else {
			pass->is_told = pass->act == DEMO_ACT_STORY;
			if (pass->is_told)
				cli_demo_tell(cast, "exported the context, %u bytes, and gives it to worker %d",
					      pass->token_len, next + 1);
			if (!cli_demo_pass_send(cast->to_worker[next], pass, connection))
				cli_demo_trouble(cast, "worker %d takes nothing any more", next + 1);
		}
	}
	if (ctx != GSS_C_NO_CONTEXT)
		gss_delete_sec_context(&ignored, &ctx, GSS_C_NO_BUFFER);
}

_Noreturn void
cli_demo_worker(const struct demo_cast *cast)
{
	static struct demo_pass pass;
	int connection;

	while (cli_demo_pass_receive(cast->inbox, &pass, &connection)) {
		handle(cast, &pass, connection);
		close(connection);
	}
	_exit(0);
}
