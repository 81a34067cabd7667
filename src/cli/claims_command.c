#include "claims.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "style.h"

static const char help[] =
    "usage: baton claims [--json] [--watch[=SECONDS]]\n"
    "\n"
    "Shows which exported contexts of this user wait for their importers: how many, the oldest of them, and which processes\n"
    "exported them. Nothing is changed.\n"
    "\n"
    "  --json            print one JSON object; with --watch one a line\n"
    "  --watch[=SECONDS] go on until q or Ctrl-C, every second if not said: on a terminal a live view, else a line each time\n";

bool
cli_claims_read(struct baton_claims *claims)
{
	char text[CLI_STATUS_LEN];
	OM_uint32 major, minor;

	claims->version = BATON_CLAIMS_VERSION;
	if ((major = baton_claims(&minor, claims)) == GSS_S_COMPLETE)
		return true;
	cli_complain("%s (`baton doctor` says what to do)", cli_status_text(major, minor, text));
	return false;
}

static void
show_count(const char *what, uint32_t num, enum cli_colour colour, const char *more, const char *end)
{
	printf("  %s%-10s%s %s%7" PRIu32 "%s%s%s%s", cli_paint(CLI_DIM), what, cli_paint(CLI_PLAIN),
	       cli_paint(num != 0 ? colour : CLI_PLAIN), num, cli_paint(CLI_PLAIN), more[0] != '\0' ? "   " : "", more, end);
}

static void
show_process(const struct baton_claims_process *process, const char *end)
{
	char name[64], age[CLI_DURATION_LEN];

	snprintf(name, sizeof name, "%s[%" PRId32 "]", process->program[0] != '\0' ? process->program :
			 process->is_gone				      ? "gone" :
											"?",
		 process->pid);
	printf("  %s%-28s%s %7" PRIu32 " %9" PRIu32 " %10" PRIu32 "   %s%s", cli_paint(process->is_gone ? CLI_YELLOW : CLI_PLAIN),
	       name, cli_paint(CLI_PLAIN), process->num_live, process->num_expired, process->num_reserved,
	       process->oldest_ms >= 0 ? cli_duration(process->oldest_ms, age) : "-", end);
}

void
cli_claims_show(const struct baton_claims *claims, uint32_t max_processes, const char *end)
{
	uint32_t in_use = claims->num_live + claims->num_expired + claims->num_reserved, num = claims->num_processes_listed;
	char oldest[CLI_DURATION_LEN], next[CLI_DURATION_LEN], more[128] = "";

	if (claims->num_boxes_live + claims->num_boxes_expired != 0)
		printf("Root has put %" PRIu32 " claims here for user %" PRIu32 ", %" PRIu32 " of them expired.%s",
		       claims->num_boxes_live + claims->num_boxes_expired, claims->uid, claims->num_boxes_expired, end);
	if (claims->num_slots == 0) {
		printf("There is no claim store: user %" PRIu32 " has exported nothing since the start of this host.%s",
		       claims->uid, end);
		return;
	}
	printf("%sClaims of user %" PRIu32 "%s   %s%s%s", cli_paint(CLI_BOLD), claims->uid, cli_paint(CLI_PLAIN), claims->place,
	       end, end);
	if (claims->num_live != 0)
		snprintf(more, sizeof more, "the oldest %s old, the next expires in %s", cli_duration(claims->oldest_ms, oldest),
			 cli_duration(claims->next_expiry_ms, next));
	show_count("live", claims->num_live, CLI_GREEN, more, end);
	show_count("expired", claims->num_expired, CLI_YELLOW, claims->num_expired != 0 ? "nobody came for them" : "", end);
	show_count("reserved", claims->num_reserved, CLI_PLAIN, "", end);
	snprintf(more, sizeof more, "of %" PRIu32, claims->num_slots);
	show_count("free", claims->num_slots - in_use, CLI_PLAIN, more, end);
	if (num == 0)
		return;
	printf("%s  %s%-28s %7s %9s %10s   %s%s%s", end, cli_paint(CLI_DIM), "exported by", "live", "expired", "reserved", "oldest",
	       cli_paint(CLI_PLAIN), end);
	if (num > max_processes)
		num = max_processes;
	for (uint32_t i = 0; i < num; i++)
		show_process(&claims->processes[i], end);
	if (num < claims->num_processes)
		printf("  and %" PRIu32 " more%s", claims->num_processes - num, end);
}

void
cli_claims_show_json(const struct baton_claims *claims)
{
	printf("{\"uid\": %" PRIu32 ", \"place\": ", claims->uid);
	cli_json_text(claims->place);
	printf(", \"slots\": %" PRIu32 ", \"live\": %" PRIu32 ", \"expired\": %" PRIu32 ", \"reserved\": %" PRIu32
	       ", \"boxes_live\": %" PRIu32 ", \"boxes_expired\": %" PRIu32 ", \"oldest_ms\": %" PRId64 ", \"next_expiry_ms\": %" PRId64 ", \"num_processes\": %" PRIu32 ", \"processes\": [",
	       claims->num_slots, claims->num_live, claims->num_expired, claims->num_reserved, claims->num_boxes_live,
	       claims->num_boxes_expired, claims->oldest_ms,
	       claims->next_expiry_ms, claims->num_processes);
	for (uint32_t i = 0; i < claims->num_processes_listed; i++) {
		const struct baton_claims_process *process = &claims->processes[i];

		printf("%s{\"pid\": %" PRId32 ", \"gone\": %s, \"program\": ", i != 0 ? ", " : "", process->pid,
		       process->is_gone ? "true" : "false");
		cli_json_text(process->program);
		printf(", \"live\": %" PRIu32 ", \"expired\": %" PRIu32 ", \"reserved\": %" PRIu32 ", \"oldest_ms\": %" PRId64 "}",
		       process->num_live, process->num_expired, process->num_reserved, process->oldest_ms);
	}
	puts("]}");
	fflush(stdout);
}

/* Milliseconds of "0.5", "2"; 0: it is no such number. */
static int64_t
interval_of(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	return end != text && *end == '\0' && seconds >= 0.1 && seconds <= 3600 ? (int64_t)(seconds * 1000) : 0;
}

int
cli_claims(int argc, char **argv)
{
	static const struct option options[] = {
	    {"json", no_argument, NULL, 'j'}, {"watch", optional_argument, NULL, 'w'}, {"help", no_argument, NULL, 'h'}, {0}};
	int64_t every_ms = 0;
	struct baton_claims claims;
	bool is_json = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			is_json = true;
			break;
		case 'w':
			if ((every_ms = optarg != NULL ? interval_of(optarg) : 1000) == 0)
				return cli_usage("claims", "--watch takes seconds, from 0.1 to 3600");
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return cli_usage("claims", "that is not an option of baton claims");
		}
	}
	if (optind != argc)
		return cli_usage("claims", "baton claims takes options only");
	cli_style_begin();
	if (every_ms != 0)
		return cli_claims_watch(every_ms, is_json);
	if (!cli_claims_read(&claims))
		return CLI_EXIT_FAILED;
	if (is_json)
		cli_claims_show_json(&claims);
	else
		cli_claims_show(&claims, BATON_CLAIMS_PROCESSES, "\n");
	return 0;
}
