#include "support/heap.h"

#include <link.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SEEN_BY_LIBRARIES __attribute__((visibility("default")))

enum { KEPT_MAX = 64 * 1024 * 1024 };

/* The C library's own, which it exports for this purpose. */
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void __libc_free(void *);

static atomic_long num_live;
static atomic_int fail_at;
static uintptr_t library_start, library_end;
static struct {
	uint8_t *bytes;
	size_t len;
	bool is_on;
} kept;

static bool
is_library(const void *caller)
{
	return (uintptr_t)caller >= library_start && (uintptr_t)caller < library_end;
}

static bool
fails(const void *caller)
{
	return atomic_load(&fail_at) != 0 && is_library(caller) && atomic_fetch_sub(&fail_at, 1) == 1;
}

static void *
count(void *ptr)
{
	if (ptr != NULL)
		atomic_fetch_add(&num_live, 1);
	return ptr;
}

static void
keep(const void *ptr, const void *caller)
{
	size_t len;

	if (!kept.is_on || ptr == NULL || !is_library(caller))
		return;
	len = malloc_usable_size((void *)ptr);
	if (kept.len + len > KEPT_MAX)
		abort();
	memcpy(kept.bytes + kept.len, ptr, len);
	kept.len += len;
}

SEEN_BY_LIBRARIES void *
malloc(size_t len)
{
	return fails(__builtin_return_address(0)) ? NULL : count(__libc_malloc(len));
}

SEEN_BY_LIBRARIES void *
calloc(size_t num, size_t len)
{
	return fails(__builtin_return_address(0)) ? NULL : count(__libc_calloc(num, len));
}

SEEN_BY_LIBRARIES void *
realloc(void *ptr, size_t len)
{
	void *moved;

	if (fails(__builtin_return_address(0)))
		return NULL;
	/* It may move, and leave the old place as it was. */
	keep(ptr, __builtin_return_address(0));
	moved = __libc_realloc(ptr, len);
	return ptr == NULL ? count(moved) : moved;
}

SEEN_BY_LIBRARIES void
free(void *ptr)
{
	keep(ptr, __builtin_return_address(0));
	if (ptr != NULL)
		atomic_fetch_sub(&num_live, 1);
	__libc_free(ptr);
}

static int
find(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	if (strstr(info->dlpi_name, "libbaton.so") == NULL)
		return 0;
	for (int n = 0; n < info->dlpi_phnum; n++)
		if (info->dlpi_phdr[n].p_type == PT_LOAD) {
			uintptr_t start = info->dlpi_addr + info->dlpi_phdr[n].p_vaddr, end = start + info->dlpi_phdr[n].p_memsz;

			library_start = library_start == 0 || start < library_start ? start : library_start;
			library_end = end > library_end ? end : library_end;
		}
	return 1;
}

bool
heap_find_library(void)
{
	dl_iterate_phdr(find, NULL);
	return library_start != 0;
}

int
heap_fail_at(int nth)
{
	return atomic_exchange(&fail_at, nth);
}

long
heap_num_live(void)
{
	return atomic_load(&num_live);
}

void
heap_keep_freed(bool is_kept)
{
	if (kept.bytes == NULL) {
		kept.bytes = mmap(NULL, KEPT_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (kept.bytes == MAP_FAILED)
			abort();
	}
	if (is_kept)
		kept.len = 0;
	kept.is_on = is_kept;
}

bool
heap_was_freed(const void *bytes, size_t len)
{
	return kept.len != 0 && memmem(kept.bytes, kept.len, bytes, len) != NULL;
}
