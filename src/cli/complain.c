#include <stdarg.h>
#include <stdio.h>

#include "cli.h"

static void
complain(const char *format, va_list args)
{
	fflush(stdout);
	fputs("baton: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

int
cli_complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	return CLI_EXIT_BROKEN;
}

int
cli_usage(const char *command, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	fprintf(stderr, "baton: try `baton help%s%s`\n", command != NULL ? " " : "", command != NULL ? command : "");
	return CLI_EXIT_USAGE;
}
