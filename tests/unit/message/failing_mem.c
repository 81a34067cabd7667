#include "failing_mem.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

_Atomic long mem_allocations, mem_live;
long mem_fail_at = -1;
void (*mem_intrusion)(void);

void *
bt_mem_alloc_raw(size_t len)
{
	void (*intrusion)(void) = mem_intrusion;
	void *ptr;

	if (intrusion != NULL) {
		mem_intrusion = NULL;
		intrusion();
	}
	if (mem_allocations++ == mem_fail_at)
		return NULL;
	if ((ptr = malloc(len != 0 ? len : 1)) == NULL)
		abort();
	/* Nobody may count on zeros. */
	memset(ptr, 0xa5, len);
	mem_live++;
	return ptr;
}

void *
bt_mem_alloc(size_t len)
{
	void *ptr = bt_mem_alloc_raw(len);

	return ptr != NULL ? memset(ptr, 0, len) : NULL;
}

void *
bt_mem_dup(const void *src, size_t len)
{
	void *ptr = bt_mem_alloc_raw(len);

	return ptr != NULL && len != 0 ? memcpy(ptr, src, len) : ptr;
}

char *
bt_mem_strdup(const char *src, size_t len)
{
	char *ptr = bt_mem_alloc(len + 1);

	return ptr != NULL ? memcpy(ptr, src, len) : NULL;
}

void
bt_mem_free(void *ptr)
{
	if (ptr != NULL)
		mem_live--;
	free(ptr);
}

void
bt_mem_free_secret(void *ptr, size_t len)
{
	if (ptr != NULL)
		bt_mem_wipe(ptr, len);
	bt_mem_free(ptr);
}

void
bt_mem_wipe(void *ptr, size_t len)
{
	if (len != 0)
		explicit_bzero(ptr, len);
}

bool
bt_mem_equal(const void *a, const void *b, size_t len)
{
	return memcmp(a, b, len) == 0;
}
