/*
 * clock - the two clocks of the library, in a file of their own so that a
 * test can put its own in their place (at link time).
 */
#ifndef BT_BASE_CLOCK_H
#define BT_BASE_CLOCK_H

#include <stdint.h>

/* bt_clock_wall_s - seconds since 1970, for lifetimes that Kerberos gives in wall-clock time. */
int64_t bt_clock_wall_s(void);

/* bt_clock_boot_ms - milliseconds since boot, suspended time included: for expiry that a changed wall clock must not move. */
int64_t bt_clock_boot_ms(void);

#endif
