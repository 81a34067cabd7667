/*
 * mem - the one door to the heap, and wiping.
 *
 * Everything the library allocates comes from here, so that a test can put an
 * allocator that fails at its nth call in the place of mem.c (at link time).
 * Memory is malloc's: a buffer handed to the program is freed by free(3), as
 * gss_release_buffer of other implementations does. Any thread may call.
 */
#ifndef BT_BASE_MEM_H
#define BT_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

/* bt_mem_alloc - len zeroed bytes (len 0 counts as 1), or NULL. */
void *bt_mem_alloc(size_t len);

/* bt_mem_alloc_raw - like bt_mem_alloc without the zeroes: for message outputs, which are overwritten whole. */
void *bt_mem_alloc_raw(size_t len);

/* bt_mem_dup - a copy of len bytes, or NULL. */
void *bt_mem_dup(const void *src, size_t len);

/* bt_mem_strdup - a copy of the first len characters of src, with a final NUL, or NULL. */
char *bt_mem_strdup(const char *src, size_t len);

/* bt_mem_free - takes NULL. For memory that never held a secret. */
void bt_mem_free(void *ptr);

/* bt_mem_free_secret - wipe len bytes, then free. Takes NULL. */
void bt_mem_free_secret(void *ptr, size_t len);

/* bt_mem_wipe - zeroes that the compiler may not leave out. */
void bt_mem_wipe(void *ptr, size_t len);

/* bt_mem_equal - compare in a time that depends on len alone. */
bool bt_mem_equal(const void *a, const void *b, size_t len);

#endif
