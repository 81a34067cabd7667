/*
 * The thief and the stranger: they are given copies of tokens and try to get in with them. The stranger does so as another user.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "demo.h"

static const char *const crimes[DEMO_NUM_CRIMES] = {[DEMO_REPLAY] = "tried the token once more",
						    [DEMO_ALTER] = "tried an altered copy",
						    [DEMO_STRANGER] = "tried the token as another user"};

/* May a refusal for this crime have this reason? A changed byte may make a token name another claim: that is refused as well. */
static bool
is_expected(enum demo_crime crime, enum demo_verdict verdict)
{
	switch (crime) {
	case DEMO_REPLAY:
	case DEMO_RACE:
		return verdict == DEMO_USED;
	case DEMO_ALTER:
		return verdict == DEMO_ALTERED || verdict == DEMO_USED;
	case DEMO_STRANGER:
		return verdict == DEMO_NOT_ALLOWED;
	default:
		return false;
	}
}

/* One import, counted. A context that was let in is thrown away. */
static enum demo_verdict
try_once(const struct demo_cast *cast, const struct demo_theft *theft, const uint8_t *token, size_t len, bool is_told)
{
	struct demo_board *board = cast->board;
	enum demo_crime crime = theft->crime;
	gss_ctx_id_t ctx;
	char why[160];
	OM_uint32 ignored;
	enum demo_verdict verdict = cli_demo_import(token, len, &ctx, why);

	if (ctx != GSS_C_NO_CONTEXT)
		gss_delete_sec_context(&ignored, &ctx, GSS_C_NO_BUFFER);
	if (crime == DEMO_RACE)
		return verdict; /* whether that was well, only the other runner knows */
	atomic_fetch_add(&board->num_tried[crime], 1);
	if (verdict == DEMO_LET_IN)
		atomic_fetch_add(&board->num_let_in[crime], 1);
	else if (is_expected(crime, verdict))
		atomic_fetch_add(&board->num_refused[crime], 1);
	else
		cli_demo_trouble(cast, "was refused for the wrong reason: %s", why);
	if (is_told && verdict == DEMO_LET_IN)
		cli_demo_tell(cast, "%s: LET IN", crimes[crime]);
	else if (is_told)
		cli_demo_tell(cast, "%s: refused (%s)", crimes[crime], why);
	return verdict;
}

/* One bit changed anywhere, one byte less, one byte more, half of it. */
static enum demo_verdict
try_altered(const struct demo_cast *cast, const struct demo_theft *theft)
{
	static uint8_t copy[DEMO_TOKEN_MAX + 1];
	size_t len = theft->token_len, bit = (size_t)random() % (len * 8);
	enum demo_verdict verdict;

	memcpy(copy, theft->token, len);
	copy[len] = 0;
	copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
	verdict = try_once(cast, theft, copy, len, theft->is_told);
	copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
	try_once(cast, theft, copy, len - 1, false);
	try_once(cast, theft, copy, len + 1, false);
	try_once(cast, theft, copy, len / 2, false);
	return verdict;
}

static bool
attempt(const struct demo_cast *cast, int link)
{
	static struct demo_theft theft;
	uint32_t verdict;

	if (!cli_demo_theft_receive(link, &theft) || theft.crime >= DEMO_NUM_CRIMES)
		return false;
	while (theft.crime == DEMO_RACE && cli_demo_now_ns() < theft.go_at_ns)
		;
	if (theft.crime == DEMO_ALTER)
		verdict = try_altered(cast, &theft);
	else
		verdict = try_once(cast, &theft, theft.token, theft.token_len, theft.is_told);
	return !theft.is_awaited || send(link, &verdict, sizeof verdict, MSG_NOSIGNAL) == (ssize_t)sizeof verdict;
}

_Noreturn void
cli_demo_thief(const struct demo_cast *cast)
{
	struct pollfd polls[DEMO_MAX_WORKERS];
	int num_open = cast->num_workers;

	srandom((unsigned)getpid());
	for (int i = 0; i < cast->num_workers; i++)
		polls[i] = (struct pollfd){.fd = cast->from_worker[i], .events = POLLIN};
	while (num_open > 0 && poll(polls, (nfds_t)cast->num_workers, -1) > 0) {
		for (int i = 0; i < cast->num_workers; i++) {
			if (polls[i].revents != 0 && !attempt(cast, polls[i].fd)) {
				polls[i].fd = -1;
				num_open--;
			}
		}
	}
	_exit(0);
}
