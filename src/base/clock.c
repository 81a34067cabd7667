#include "base/clock.h"

#include <time.h>

int64_t
bt_clock_wall_s(void)
{
	return (int64_t)time(NULL);
}

int64_t
bt_clock_boot_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
