#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Where Debian keeps the KDC's programs; not in the PATH of ordinary users. */
static const char *const system_dirs[] = {"/usr/local/sbin", "/usr/sbin", "/sbin"};

int64_t
cli_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
cli_pause_ms(int64_t ms)
{
	struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&pause, NULL);
}

/* The text as a file without a name: no pipe that could fill up, no second process to feed it. */
static int
input_of(const char *text)
{
	size_t len = strlen(text);
	int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd < 0)
		return -1;
	if (write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
exec_anywhere(const char *const argv[])
{
	char path[PATH_MAX];

	execvp(argv[0], (char *const *)argv); /* exec promises not to change them */
	if (errno != ENOENT || strchr(argv[0], '/') != NULL)
		return;
	for (size_t i = 0; i < sizeof system_dirs / sizeof system_dirs[0]; i++) {
		if (snprintf(path, sizeof path, "%s/%s", system_dirs[i], argv[0]) >= (int)sizeof path)
			continue;
		execv(path, (char *const *)argv);
		if (errno != ENOENT)
			return;
	}
}

/* In the child, until exec: async-signal-safe calls only matter to threaded callers, and there are none. */
static void
become(const char *const argv[], const struct cli_child_options *options, pid_t parent, int in, int out)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (options->death_signal != 0) {
		prctl(PR_SET_PDEATHSIG, options->death_signal);
		if (getppid() != parent)
			_exit(1); /* it died before we asked */
	}
	if (options->output_fd > 0 && dup2(options->output_fd, 1) < 0)
		return;
	if ((in >= 0 && dup2(in, 0) < 0) || (out >= 0 && (dup2(out, 1) < 0 || dup2(out, 2) < 0)))
		return;
	exec_anywhere(argv);
}

pid_t
cli_child_start(const char *const argv[], const struct cli_child_options *options)
{
	pid_t parent = getpid(), pid = -1;
	int in = -1, out = -1, report[2] = {-1, -1}, e = 0;

	if ((options->input != NULL && (in = input_of(options->input)) < 0) ||
	    (options->output != NULL && (out = open(options->output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) < 0) ||
	    pipe2(report, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
		e = errno;
		goto out;
	}
	if (pid == 0) {
		become(argv, options, parent, in, out);
		e = errno;
		if (write(report[1], &e, sizeof e) < 0)
			_exit(CHAR_MAX);
		_exit(CHAR_MAX);
	}
	/* A successful exec closes the pipe, and there is nothing to read. */
	close(report[1]);
	report[1] = -1;
	if (read(report[0], &e, sizeof e) == (ssize_t)sizeof e)
		waitpid(pid, NULL, 0);
	else
		e = 0;
out:
	for (int i = 0; i < 2; i++)
		if (report[i] >= 0)
			close(report[i]);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	errno = e;
	return e != 0 ? -1 : pid;
}

bool
cli_child_run(const char *const argv[], const struct cli_child_options *options, int64_t limit_ms)
{
	int64_t until = cli_now_ms() + limit_ms;
	pid_t pid = cli_child_start(argv, options), done;
	int status = 0;

	if (pid < 0)
		return false;
	while ((done = waitpid(pid, &status, WNOHANG)) == 0 && cli_now_ms() < until)
		cli_pause_ms(2);
	if (done == 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void
cli_child_end(pid_t pid)
{
	int64_t until = cli_now_ms() + 1000;

	if (pid <= 0)
		return;
	kill(pid, SIGTERM);
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (cli_now_ms() >= until)
			kill(pid, SIGKILL);
		cli_pause_ms(2);
	}
}

int
cli_child_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
