/* `baton demo` and nothing else, for a library that has none of Baton's own calls. */
#include "../../../src/cli/cli.h"

int
main(int argc, char **argv)
{
	return argc < 2 ? CLI_EXIT_USAGE : cli_demo(argc - 1, argv + 1);
}
