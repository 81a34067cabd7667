#include <getopt.h>
#include <stdio.h>

#include "cli.h"

int
cli_json_option(int argc, char **argv, const char *help, bool *is_json)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
	int c;

	*is_json = false;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			*is_json = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return cli_usage(argv[0], "that is not an option of baton %s", argv[0]);
		}
	}
	return -1;
}
