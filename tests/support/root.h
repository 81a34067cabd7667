/* root.h - for tests of what root does for other accounts, or as one of them. */
#ifndef TESTS_SUPPORT_ROOT_H
#define TESTS_SUPPORT_ROOT_H

#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

/* Not everybody whose number is 0: in a namespace of its own there may be no other accounts, and in a container no right to be one. */
static inline bool
is_root(void)
{
	enum { NOBODY_ELSE = 65534 };
	int status = 1;
	pid_t pid;

	if (geteuid() != 0)
		return false;
	if ((pid = fork()) == 0)
		_exit(setgid(NOBODY_ELSE) != 0 || setuid(NOBODY_ELSE) != 0);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

#endif
