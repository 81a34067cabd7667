/*
 * clock - clocks of a test program that run ahead, or behind, by as many seconds as the test says.
 *
 * Linked into a program, its time(), gettimeofday() and clock_gettime() take the place of the C library's, in shared libraries as well.
 */
#ifndef BATON_TESTS_CLOCK_H
#define BATON_TESTS_CLOCK_H

#include <stdint.h>

/* How far ahead the calendar clock is, and the one that counts from boot. */
struct clock_ahead {
	int64_t wall_s, boot_s;
};

/* clock_set_ahead - both by that much. */
void clock_set_ahead(int64_t seconds);

/* clock_follow - from now on look there, at each question: memory that others may write to as well. */
void clock_follow(const struct clock_ahead *shared);

#endif
