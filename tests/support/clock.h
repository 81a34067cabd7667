/*
 * clock - clocks of a test program that run ahead by a number of seconds that the test says.
 *
 * Linked into a program, its time(), gettimeofday() and clock_gettime() take the place of the C library's, in shared libraries as well.
 */
#ifndef BATON_TESTS_CLOCK_H
#define BATON_TESTS_CLOCK_H

#include <stdint.h>

void clock_set_ahead(int64_t seconds);

#endif
