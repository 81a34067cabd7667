/*
 * heap - a malloc that stands before the C library's in a test program, and watches what libbaton does with it.
 *
 * It fails for callers in libbaton alone, and only they are watched: what libkrb5 makes of its memory is another matter. Not for builds with a
 * sanitizer, which brings an allocator of its own.
 */
#ifndef BATON_TESTS_HEAP_H
#define BATON_TESTS_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/* heap_find_library - first of all; false if libbaton is not loaded. */
bool heap_find_library(void);

/* heap_fail_at - the library's nth allocation from now on fails; 0: none. Returns how far the count had come before. */
int heap_fail_at(int nth);

/* heap_num_live - pieces that are allocated, by whomever. */
long heap_num_live(void);

/* heap_keep_freed - from now on, what the library frees is copied before; false: no more. What was kept before is forgotten on true. */
void heap_keep_freed(bool is_kept);

/* heap_was_freed - is there such a string of bytes in what was kept? */
bool heap_was_freed(const void *bytes, size_t len);

#endif
