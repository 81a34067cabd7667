/*
 * failing - an allocator in the place of base/mem.c that fails when told to, counts what lives, and looks at what is freed.
 *
 * Link failing.c before the rooms. One thread.
 */
#ifndef TESTS_UNIT_FAILING_H
#define TESTS_UNIT_FAILING_H

#include <stdbool.h>
#include <stddef.h>

/* failing_at - from now on, let the nth allocation fail, counted from 1, and none after it; 0: none. */
void failing_at(size_t n);

/* failing_happened - did the allocation that failing_at named come? */
bool failing_happened(void);

/* failing_live - allocations not yet freed. */
size_t failing_live(void);

/* failing_watch - look for these bytes in all memory that is freed from now on; NULL: stop. Borrowed until then. */
void failing_watch(const void *needle, size_t len);

/* failing_spilled - was the needle found? */
bool failing_spilled(void);

#endif
