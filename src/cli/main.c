#include <stdio.h>
#include <string.h>

#include "cli.h"

static int cli_help(int argc, char **argv);
static int cli_version(int argc, char **argv);

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
    {"claims", cli_claims, "show which tokens wait for their importers, and whose they are"},
    {"demo", cli_demo, "show contexts that move between processes, and what is refused"},
    {"doctor", cli_doctor, "look at this host and say what is missing"},
    {"inspect", cli_inspect, "show what an interprocess token says of itself"},
    {"mechs", cli_mechs, "list the mechanisms, and what is wrong with their configuration"},
    {"realm", cli_realm, "run a command in a Kerberos realm made for it"},
    {"run", cli_run, "run a program that was built for MIT's library on Baton"},
    {"version", cli_version, "print the version"},
    {"help", cli_help, "print this text, or that of a command"},
};

enum { NUM_COMMANDS = sizeof commands / sizeof commands[0] };

static int
cli_version(int argc, char **argv)
{
	(void)argv;
	if (argc != 1)
		return cli_usage(NULL, "baton version takes no arguments");
	puts("baton " BATON_VERSION);
	return 0;
}

static int
cli_help(int argc, char **argv)
{
	static char help_option[] = "--help";

	if (argc > 1) {
		for (size_t i = 0; i < NUM_COMMANDS; i++)
			if (strcmp(argv[1], commands[i].name) == 0 && commands[i].run != cli_help &&
			    commands[i].run != cli_version)
				return commands[i].run(2, (char *[]){argv[1], help_option, NULL});
	}
	puts("usage: baton COMMAND [ARGUMENT...]\n");
	for (size_t i = 0; i < NUM_COMMANDS; i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].summary);
	puts("\n`baton help COMMAND` tells more about one of them.");
	return 0;
}

int
main(int argc, char **argv)
{
	const char *name;

	if (argc < 2)
		return cli_usage(NULL, "which command?");
	name = argv[1];
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		name = "version";
	for (size_t i = 0; i < NUM_COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return cli_usage(NULL, "there is no command %s", name);
}
