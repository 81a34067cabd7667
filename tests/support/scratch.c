#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAMES_LEN = 1 << 16, NUM_NAMES_MAX = 1024, FD_MIN = 200 };

/* Names go in, each with its zero; its end tells the cleaner that nobody is left. Open in forked children, too. */
static int to_cleaner = -1;

/* Tests look at what descriptors they have, and at which numbers they get: this one's is out of the way. */
static int
put_away(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, FD_MIN);

	if (high < 0)
		return fd;
	close(fd);
	return high;
}

/* Whoever waits for the test's output, or for its sockets' ends, does not wait for this. */
static void
let_go(int from)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	dup2(from, STDERR_FILENO + 1);
	closefrom(STDERR_FILENO + 2);
	(void)!chdir("/");
	setsid();
}

static void
be_cleaner(int from)
{
	static char names[NAMES_LEN];
	char *words[NUM_NAMES_MAX + 4] = {(char *)"rm", (char *)"-rf", (char *)"--"};
	size_t len = 0, num = 3;
	ssize_t got;

	let_go(from);
	while (len < sizeof(names) - 1 && ((got = read(STDERR_FILENO + 1, names + len, sizeof(names) - 1 - len)) > 0 || errno == EINTR))
		len += got > 0 ? (size_t)got : 0;
	for (size_t at = 0; at < len && num < NUM_NAMES_MAX + 3; at += strlen(names + at) + 1)
		words[num++] = names + at;
	if (num > 3)
		execv("/bin/rm", words);
	_exit(0);
}

/* No child of the test: it may wait for all of its own. */
static bool
start_cleaner(void)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	if ((pid = fork()) == 0) {
		signal(SIGPIPE, SIG_DFL);
		close(ends[1]);
		if (fork() == 0)
			be_cleaner(ends[0]);
		_exit(0);
	}
	close(ends[0]);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	to_cleaner = put_away(ends[1]);
	return pid > 0;
}

/* Without a cleaner the test is none the worse. */
static void
tell_cleaner(const char *name)
{
	if (to_cleaner >= 0 || start_cleaner())
		(void)!write(to_cleaner, name, strlen(name) + 1);
}

char *
scratch_dir(char *template)
{
	if (mkdtemp(template) == NULL)
		return NULL;
	tell_cleaner(template);
	return template;
}

int
scratch_file(char *template)
{
	int fd = mkstemp(template);

	if (fd >= 0)
		tell_cleaner(template);
	return fd;
}
