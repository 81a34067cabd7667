#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define STAND_IN "libgssapi_krb5.so.2"

static const char help[] =
    "usage: baton run -- PROGRAM [ARGUMENT...]\n"
    "\n"
    "Runs PROGRAM, which was built for MIT's " STAND_IN ", on Baton instead. The program is not changed: the directory\n"
    "in which Baton has that name is put first into LD_LIBRARY_PATH, for it and for what it starts. The dynamic linker\n"
    "ignores LD_LIBRARY_PATH for set-user-ID programs, and those stay on the library they had.\n";

/* Beside this program, in a build directory or below a prefix; else where it was to be installed. */
static bool
find_stand_in(char dir[static PATH_MAX])
{
	static const char *const places[] = {"../../compat", BATON_COMPAT_FROM_BIN};
	char self[PATH_MAX], path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

	self[len > 0 ? len : 0] = '\0';
	if (strrchr(self, '/') != NULL)
		strrchr(self, '/')[1] = '\0';
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		if (snprintf(path, sizeof path, "%s%s/" STAND_IN, self, places[i]) >= (int)sizeof path ||
		    access(path, R_OK) != 0)
			continue;
		path[strlen(path) - strlen("/" STAND_IN)] = '\0';
		if (realpath(path, dir) != NULL)
			return true;
	}
	snprintf(dir, PATH_MAX, "%s", BATON_COMPAT_DIR);
	return access(BATON_COMPAT_DIR "/" STAND_IN, R_OK) == 0;
}

static bool
put_first(const char *dir)
{
	const char *before = getenv("LD_LIBRARY_PATH");
	char *value;
	bool ok;

	if (before == NULL || before[0] == '\0')
		return setenv("LD_LIBRARY_PATH", dir, 1) == 0;
	if (asprintf(&value, "%s:%s", dir, before) < 0)
		return false;
	ok = setenv("LD_LIBRARY_PATH", value, 1) == 0;
	free(value);
	return ok;
}

int
cli_run(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
	char dir[PATH_MAX];
	int c, e;

	while ((c = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		if (c != 'h')
			return cli_usage("run", "that is not an option of baton run");
		fputs(help, stdout);
		return 0;
	}
	if (optind == argc)
		return cli_usage("run", "which program shall run?");
	if (!find_stand_in(dir))
		return cli_complain(STAND_IN " is not in %s, nor beside this program", dir);
	if (!put_first(dir))
		return cli_complain("out of memory");
	execvp(argv[optind], argv + optind);
	e = errno;
	cli_complain("cannot run %s: %s", argv[optind], strerror(e));
	return e == ENOENT ? CLI_EXIT_NOT_FOUND : CLI_EXIT_NOT_RUNNABLE;
}
