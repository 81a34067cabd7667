#include "support/clock.h"

#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SEEN_BY_LIBRARIES __attribute__((visibility("default")))

static struct clock_ahead own;
static const struct clock_ahead *ahead = &own;

void
clock_set_ahead(int64_t seconds)
{
	__atomic_store_n(&own.wall_s, seconds, __ATOMIC_RELAXED);
	__atomic_store_n(&own.boot_s, seconds, __ATOMIC_RELAXED);
}

void
clock_follow(const struct clock_ahead *shared)
{
	ahead = shared;
}

SEEN_BY_LIBRARIES int
clock_gettime(clockid_t id, struct timespec *out)
{
	int ret = (int)syscall(SYS_clock_gettime, id, out);

	if (ret == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		out->tv_sec += __atomic_load_n(&ahead->wall_s, __ATOMIC_RELAXED);
	if (ret == 0 && id == CLOCK_BOOTTIME)
		out->tv_sec += __atomic_load_n(&ahead->boot_s, __ATOMIC_RELAXED);
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
