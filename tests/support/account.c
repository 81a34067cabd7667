#include "account.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "root.h"

static int lock = -1;

static void
clean(uid_t uid)
{
	char command[80];

	snprintf(command, sizeof(command), "rm -rf /dev/shm/baton-%lu", (unsigned long)uid);
	if (system(command) != 0)
		fprintf(stderr, "%s: failed\n", command);
}

bool
account_is_free(uid_t uid)
{
	return is_root() && getpwuid(uid) == NULL;
}

void
account_begin(uid_t uid)
{
	if (!account_is_free(uid))
		return;
	/* The directory itself is what is locked: nothing is left of that. */
	lock = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX) != 0)
		perror("/dev/shm is not locked");
	clean(uid);
}

void
account_end(uid_t uid)
{
	if (!account_is_free(uid))
		return;
	clean(uid);
	close(lock);
	lock = -1;
}
