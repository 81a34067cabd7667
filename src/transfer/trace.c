/*
 * The file that BATON_TRACE names. It is opened at the first event and stays open, for programs give up their rights and their view of
 * the file system; programs that close all descriptors, or replace the file, find it opened anew. All processes that have it
 * append whole lines: one write(2) each.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "transfer/sinks.h"

/* Written once, before anybody reads it: the environment may be changed under our hands. */
static char path[PATH_MAX];
static pthread_once_t path_once = PTHREAD_ONCE_INIT;

/* The open file: which one it is stands in dev and ino, written before the descriptor. */
static struct {
	_Atomic int fd; /* -1: none */
	_Atomic uint64_t dev, ino;
} file = {.fd = -1};

static void
read_path(void)
{
	const char *value = secure_getenv("BATON_TRACE");

	if (value != NULL && strlen(value) < sizeof path)
		memcpy(path, value, strlen(value) + 1);
}

bool
bt_transfer_trace_is_wanted(void)
{
	pthread_once(&path_once, read_path);
	return path[0] != '\0';
}

/* Is the descriptor still of the file that was opened, and can anybody find that file? */
static bool
is_ours(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink != 0 && st.st_dev == atomic_load(&file.dev) &&
	       st.st_ino == atomic_load(&file.ino);
}

/* Not one of the three that programs take for granted, if they run without them. */
static int
away_from_standard(int fd)
{
	int high;

	if (fd < 0 || fd > 2)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	close(fd);
	return high;
}

static int
open_file(void)
{
	int flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd = away_from_standard(open(path, flags, 0600)), none = -1;
	struct stat st;

	if (fd < 0)
		return -1;
	/* A pipe that nobody reads, or a terminal, would stop the program. */
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -1;
	}
	atomic_store(&file.dev, st.st_dev);
	atomic_store(&file.ino, st.st_ino);
	/* Another thread was faster: its file is this one. */
	if (!atomic_compare_exchange_strong(&file.fd, &none, fd)) {
		close(fd);
		return none;
	}
	return fd;
}

static int
descriptor(void)
{
	int fd = atomic_load(&file.fd);

	if (is_ours(fd))
		return fd;
	/* Not closed: by now the number may be another's. That leaves a descriptor behind for each file deleted, and there are few. */
	if (fd >= 0)
		atomic_compare_exchange_strong(&file.fd, &fd, -1);
	return open_file();
}

void
bt_transfer_trace_write(const struct bt_transfer_news *news)
{
	char line[BT_TRANSFER_LINE_LEN + 256], words[BT_TRANSFER_LINE_LEN], stamp[32] = "";
	time_t at_s = (time_t)(news->at_ms / 1000);
	int fd = descriptor(), len;
	struct tm tm;

	if (fd < 0)
		return;
	if (gmtime_r(&at_s, &tm) != NULL)
		strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
	bt_transfer_line(news, words);
	len = snprintf(line, sizeof line, "%s.%03dZ %.64s[%d] %s\n", stamp, (int)(news->at_ms % 1000), program_invocation_short_name,
		       (int)news->pid, words);
	if (len > 0 && (size_t)len < sizeof line && write(fd, line, (size_t)len) < 0)
		return;
}
