#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL_MAX = 1024 };

void *
bt_mem_alloc(size_t len)
{
	void *ptr;

	/* For large blocks calloc knows what is zero already; for small ones it passes by the thread's store of free blocks. */
	if (len > SMALL_MAX)
		return calloc(1, len);
	if ((ptr = malloc(len != 0 ? len : 1)) != NULL)
		memset(ptr, 0, len);
	return ptr;
}

void *
bt_mem_alloc_raw(size_t len)
{
	return malloc(len != 0 ? len : 1);
}

void *
bt_mem_dup(const void *src, size_t len)
{
	void *copy = bt_mem_alloc_raw(len);

	if (copy != NULL && len != 0)
		memcpy(copy, src, len);
	return copy;
}

char *
bt_mem_strdup(const char *src, size_t len)
{
	char *copy = bt_mem_alloc_raw(len + 1);

	if (copy == NULL)
		return NULL;
	if (len != 0)
		memcpy(copy, src, len);
	copy[len] = '\0';
	return copy;
}

void
bt_mem_free(void *ptr)
{
	free(ptr);
}

void
bt_mem_free_secret(void *ptr, size_t len)
{
	if (ptr == NULL)
		return;
	bt_mem_wipe(ptr, len);
	free(ptr);
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
	const volatile uint8_t *x = a, *y = b;
	uint8_t diff = 0;

	for (size_t i = 0; i < len; i++)
		diff |= (uint8_t)(x[i] ^ y[i]);
	return diff == 0;
}
