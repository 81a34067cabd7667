#include <baton/baton.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "cli.h"
#include "doctor.h"
#include "style.h"

static const char help[] =
    "usage: baton doctor [--json]\n"
    "\n"
    "Looks at what Baton needs on this host, for this user and in this environment, and says what is missing and what to\n"
    "do about it. For that it exports a context of its own and imports it again.\n"
    "\n"
    "  --json   print one JSON object\n"
    "\n"
    "Ends with 0 if nothing fails; warnings are of what some programs will miss.\n";

void
cli_find(struct cli_finding *finding, enum cli_health health, const char *format, ...)
{
	va_list args;

	finding->health = health;
	va_start(args, format);
	vsnprintf(finding->found, sizeof finding->found, format, args);
	va_end(args);
}

void
cli_advise(struct cli_finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(finding->advice, sizeof finding->advice, format, args);
	va_end(args);
}

static const struct {
	const char *name;
	enum cli_colour colour;
} healths[] = {
    [CLI_WELL] = {"ok", CLI_GREEN},
    [CLI_UNSEEN] = {"-", CLI_DIM},
    [CLI_WARN] = {"warn", CLI_YELLOW},
    [CLI_FAIL] = {"fail", CLI_RED},
};

static void
show(const struct cli_check *check, const struct cli_finding *finding)
{
	printf("  %s%-4s%s  %-15s %s\n", cli_paint(healths[finding->health].colour), healths[finding->health].name,
	       cli_paint(CLI_PLAIN), check->name, finding->found);
	if (finding->advice[0] != '\0')
		printf("        %-15s %s%s%s\n", "", cli_paint(CLI_BOLD), finding->advice, cli_paint(CLI_PLAIN));
	fflush(stdout);
}

static void
show_json(const struct cli_check *check, const struct cli_finding *finding, bool is_first)
{
	static const char *const names[] = {
	    [CLI_WELL] = "ok", [CLI_UNSEEN] = "none", [CLI_WARN] = "warn", [CLI_FAIL] = "fail"};

	printf("%s{\"check\": ", is_first ? "" : ", ");
	cli_json_text(check->name);
	printf(", \"state\": \"%s\", \"found\": ", names[finding->health]);
	cli_json_text(finding->found);
	fputs(", \"advice\": ", stdout);
	if (finding->advice[0] != '\0')
		cli_json_text(finding->advice);
	else
		fputs("null", stdout);
	putchar('}');
}

static int
examine(bool is_json)
{
	unsigned num_failed = 0, num_warned = 0;

	if (is_json)
		printf("{\"version\": \"%s\", \"checks\": [", baton_version());
	else
		printf("%sBaton %s%s\n\n", cli_paint(CLI_BOLD), baton_version(), cli_paint(CLI_PLAIN));
	for (size_t i = 0; i < cli_num_checks; i++) {
		struct cli_finding finding = {0};

		cli_checks[i].look(&finding);
		num_failed += finding.health == CLI_FAIL;
		num_warned += finding.health == CLI_WARN;
		if (is_json)
			show_json(&cli_checks[i], &finding, i == 0);
		else
			show(&cli_checks[i], &finding);
	}
	if (is_json)
		printf("], \"failed\": %u, \"warned\": %u, \"ok\": %s}\n", num_failed, num_warned, num_failed == 0 ? "true" : "false");
	else if (num_failed != 0)
		printf("\n%s%u of these must be mended.%s\n", cli_paint(CLI_RED), num_failed, cli_paint(CLI_PLAIN));
	else if (num_warned != 0)
		printf("\nBaton works here; %u warning%s.\n", num_warned, num_warned == 1 ? "" : "s");
	else
		puts("\nBaton works here.");
	return num_failed == 0 ? 0 : CLI_EXIT_FAILED;
}

int
cli_doctor(int argc, char **argv)
{
	bool is_json;
	int status = cli_json_option(argc, argv, help, &is_json);

	if (status >= 0)
		return status;
	if (optind != argc)
		return cli_usage("doctor", "baton doctor takes options only");
	cli_style_begin();
	return examine(is_json);
}
