/*
 * cli - the `baton` program. It is a customer of the library like any other: it sees include/ and nothing of the rooms.
 *
 * One command a file; main.c finds the command by its name and hands it its own arguments.
 */
#ifndef BT_CLI_CLI_H
#define BT_CLI_CLI_H

#include <stdbool.h>

/* What a command answers besides 0, as env(1) and timeout(1) do for the programs they start. */
enum {
	CLI_EXIT_FAILED = 1,
	CLI_EXIT_USAGE = 2,
	CLI_EXIT_BROKEN = 125,	     /* baton itself could not do its part */
	CLI_EXIT_NOT_RUNNABLE = 126, /* the program was found and could not be started */
	CLI_EXIT_NOT_FOUND = 127,
};

/* Each command gets its own name as argv[0] and answers the exit status. */
int cli_claims(int argc, char **argv);
int cli_demo(int argc, char **argv);
int cli_doctor(int argc, char **argv);
int cli_inspect(int argc, char **argv);
int cli_mechs(int argc, char **argv);
int cli_realm(int argc, char **argv);
int cli_run(int argc, char **argv);

/* cli_complain - "baton: ..." and a newline on standard error. Returns CLI_EXIT_BROKEN. */
int cli_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* cli_usage - the same, with the way to the command's help behind it. Returns CLI_EXIT_USAGE. */
int cli_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * cli_json_option - reads the options of a command that has --json and --help alone; its arguments are from optind on. Returns -1
 * for it to go on, else what it is to answer.
 */
int cli_json_option(int argc, char **argv, const char *help, bool *is_json);

#endif
