/* A clock that stands still: two plays see the same times. It takes the C library's place everywhere. */
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "play.h"

#define SEEN_BY_LIBRARIES __attribute__((visibility("default")))

static int64_t standing_s, ahead_s;

void
play_clock_set(int64_t wall_s)
{
	standing_s = wall_s;
}

void
play_clock_advance(int64_t seconds)
{
	standing_s += seconds;
	ahead_s += seconds;
}

int64_t
play_clock_now(void)
{
	return standing_s;
}

SEEN_BY_LIBRARIES int
clock_gettime(clockid_t id, struct timespec *out)
{
	int ret = (int)syscall(SYS_clock_gettime, id, out);

	if (ret == 0 && standing_s != 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		*out = (struct timespec){.tv_sec = standing_s, .tv_nsec = 500000000};
	if (ret == 0 && id == CLOCK_BOOTTIME)
		out->tv_sec += ahead_s;
	return ret;
}

SEEN_BY_LIBRARIES int
gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return -1;
	out->tv_sec = now.tv_sec;
	out->tv_usec = now.tv_nsec / 1000;
	return 0;
}

SEEN_BY_LIBRARIES time_t
time(time_t *out)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return (time_t)-1;
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
