#include <stdio.h>
#include <stdlib.h>

#include "demo.h"

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* What part of the sorted values is not above; 0 if there are none. */
static uint32_t
quantile(const uint32_t *sorted, uint32_t num, unsigned per_cent)
{
	return num == 0 ? 0 : sorted[(uint64_t)(num - 1) * per_cent / 100];
}

struct spread {
	uint32_t least, median, p99, most;
};

static struct spread
spread_of(uint32_t *values, uint32_t num)
{
	qsort(values, num, sizeof values[0], compare);
	return (struct spread){quantile(values, num, 0), quantile(values, num, 50), quantile(values, num, 99),
			       quantile(values, num, 100)};
}

static uint32_t
num_let_in(const struct demo_board *board)
{
	uint32_t num = 0;

	for (int i = 0; i < DEMO_NUM_CRIMES; i++)
		num += atomic_load(&board->num_let_in[i]);
	return num;
}

/* Asked for and not served to the end, counting those that the thief won and that were closed therefore as served. */
static uint32_t
num_lost(const struct demo_board *board, const struct demo_result *result)
{
	uint32_t ended = result->num_served + atomic_load(&board->num_races_to_thief);

	return ended < result->num_contexts ? result->num_contexts - ended : 0;
}

bool
cli_demo_is_sound(const struct demo_board *board, const struct demo_result *result)
{
	bool is_sound = num_let_in(board) == 0 && num_lost(board, result) == 0 && atomic_load(&board->num_lost) == 0 &&
			atomic_load(&board->num_troubles) == 0 && result->num_contexts != 0;

	/* Every attempt must have been made and every one refused: a demo that tried nothing shows nothing. */
	for (int i = 0; i < DEMO_NUM_CRIMES; i++)
		if (board->num_refused[i] != board->num_tried[i] ||
		    (board->num_tried[i] == 0 && (i != DEMO_STRANGER || result->has_stranger)))
			is_sound = false;
	return is_sound;
}

static double
per_second(const struct demo_result *result)
{
	return result->elapsed_ms > 0 ? (double)result->num_timed * 1000 / (double)result->elapsed_ms : 0;
}

static void
print_json(const struct demo_board *board, const struct demo_result *result, struct spread ns, struct spread len)
{
	printf("{\"anonymous\":%s,\"contexts\":%u,\"served\":%u,\"workers\":%u,\"handovers\":%u,\"messages\":%u,",
	       board->is_anonymous ? "true" : "false", result->num_contexts,
	       result->num_served, result->num_workers, atomic_load(&board->num_handovers), atomic_load(&board->num_messages));
	printf("\"contexts_per_second\":%.1f,\"handover_us\":{\"median\":%.1f,\"p99\":%.1f},", per_second(result),
	       ns.median / 1e3, ns.p99 / 1e3);
	printf("\"token_bytes\":{\"least\":%u,\"median\":%u,\"most\":%u},", len.least, len.median, len.most);
	printf("\"refused\":{\"used\":%u,\"altered\":%u,\"other_user\":%u,\"lost_race\":%u},", board->num_refused[DEMO_REPLAY],
	       board->num_refused[DEMO_ALTER], board->num_refused[DEMO_STRANGER], board->num_refused[DEMO_RACE]);
	printf("\"races\":{\"run\":%u,\"won_by_thief\":%u},\"other_user_tried\":%s,\"old_messages_recognised\":%u,",
	       board->num_tried[DEMO_RACE], board->num_races_to_thief, result->has_stranger ? "true" : "false",
	       board->num_old_known);
	printf("\"lost\":%u,\"let_in\":%u,\"troubles\":%u,\"ok\":%s}\n", num_lost(board, result), num_let_in(board),
	       board->num_troubles, cli_demo_is_sound(board, result) ? "true" : "false");
}

static void
print_table(const struct demo_board *board, const struct demo_result *result, struct spread ns, struct spread len)
{
	printf("\n");
	printf("  contexts accepted             %8u\n", board->num_accepted);
	printf("  handed over                   %8u   each to %d workers in turn\n", board->num_handovers, DEMO_NUM_TURNS);
	printf("  messages through them         %8u   encrypted both ways, and signed\n", board->num_messages);
	printf("  contexts per second           %8.0f   accepted, handed over %d times, used, replayed\n", per_second(result),
	       DEMO_NUM_TURNS);
	printf("  hand-over, median             %8.0f   microseconds, export to import, socket between\n", ns.median / 1e3);
	printf("  hand-over, 99th percentile    %8.0f   microseconds\n", ns.p99 / 1e3);
	printf("  token                         %8u   bytes (median; %u to %u)\n", len.median, len.least, len.most);
	printf("  refused, used before          %8u   of %u replays by the thief\n", board->num_refused[DEMO_REPLAY],
	       board->num_tried[DEMO_REPLAY]);
	printf("  refused, altered              %8u   of %u altered tokens\n", board->num_refused[DEMO_ALTER],
	       board->num_tried[DEMO_ALTER]);
	printf("  refused, lost the race        %8u   of %u races; the thief was first in %u, and the worker knew\n",
	       board->num_refused[DEMO_RACE], board->num_tried[DEMO_RACE], board->num_races_to_thief);
	if (result->has_stranger)
		printf("  refused, another user         %8u   of %u attempts\n", board->num_refused[DEMO_STRANGER],
		       board->num_tried[DEMO_STRANGER]);
	else
		printf("  refused, another user                -   not tried: only root can play another user\n");
	printf("  old messages recognised       %8u   after the context had moved on\n", board->num_old_known);
	printf("  lost                          %8u\n", num_lost(board, result));
	printf("  let in                        %8u\n", num_let_in(board));
	if (board->num_troubles != 0)
		printf("  troubles                      %8u   the first are told above\n", board->num_troubles);
	printf("\n%s\n", cli_demo_is_sound(board, result) ? "Nothing was lost, and nobody was let in."
							  : "THIS IS NOT AS IT SHOULD BE: see the lines above.");
}

bool
cli_demo_report(const struct demo_board *board, const struct demo_result *result, bool is_json)
{
	uint32_t num_samples = board->num_samples < board->cap ? board->num_samples : board->cap;
	uint32_t num_tokens = board->num_tokens < board->cap ? board->num_tokens : board->cap;
	struct spread ns = spread_of(board->handover_ns, num_samples), len = spread_of(board->token_len, num_tokens);

	if (is_json)
		print_json(board, result, ns, len);
	else
		print_table(board, result, ns, len);
	return cli_demo_is_sound(board, result);
}
