#include "failing.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Before each block: its length. As long as malloc's alignment, which the block keeps. */
union header {
	size_t len;
	max_align_t aligned;
};

static size_t countdown;
static _Atomic size_t live; /* threads count too, but none of them is let down */
static bool happened, spilled;
static const void *watched;
static size_t watched_len;

void
failing_at(size_t n)
{
	countdown = n;
	happened = false;
}

bool
failing_happened(void)
{
	return happened;
}

size_t
failing_live(void)
{
	return live;
}

void
failing_watch(const void *needle, size_t len)
{
	watched = needle;
	watched_len = len;
	spilled = false;
}

bool
failing_spilled(void)
{
	return spilled;
}

static void *
allocate(size_t len)
{
	union header *header;

	if (countdown != 0 && --countdown == 0) {
		happened = true;
		return NULL;
	}
	if ((header = calloc(1, sizeof *header + len)) == NULL)
		return NULL;
	header->len = len;
	live++;
	return header + 1;
}

void *
bt_mem_alloc(size_t len)
{
	return allocate(len);
}

void *
bt_mem_alloc_raw(size_t len)
{
	return allocate(len);
}

void *
bt_mem_dup(const void *src, size_t len)
{
	void *copy = allocate(len);

	if (copy != NULL && len != 0)
		memcpy(copy, src, len);
	return copy;
}

char *
bt_mem_strdup(const char *src, size_t len)
{
	char *copy = allocate(len + 1);

	if (copy != NULL && len != 0)
		memcpy(copy, src, len);
	return copy;
}

void
bt_mem_free(void *ptr)
{
	union header *header = ptr;

	if (ptr == NULL)
		return;
	header--;
	if (watched != NULL && header->len >= watched_len && memmem(ptr, header->len, watched, watched_len) != NULL)
		spilled = true;
	live--;
	free(header);
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
	return len == 0 || memcmp(a, b, len) == 0;
}
