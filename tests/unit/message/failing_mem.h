/*
 * failing_mem - an allocator in the place of base/mem.c that counts, and fails when told to.
 */
#ifndef TESTS_UNIT_MESSAGE_FAILING_MEM_H
#define TESTS_UNIT_MESSAGE_FAILING_MEM_H

#include <stdatomic.h>
#include <stdint.h>

extern _Atomic long mem_allocations; /* so far */
extern _Atomic long mem_live;	     /* not yet freed */
extern long mem_fail_at;	     /* this allocation, and none else, fails; -1: none */
extern void (*mem_intrusion)(void);  /* called once, in the middle of the next allocation */

#endif
