/*
 * gssapi_alloc.h - memory for buffers that the other side of an interface frees: a mechanism's outputs, which the program gives to
 * gss_release_buffer. It is malloc's, here as in MIT's library; the names are for sources that also run where it is not.
 */
#ifndef BATON_GSSAPI_ALLOC_H
#define BATON_GSSAPI_ALLOC_H

#include <stdlib.h>
#include <string.h>

/* In C++98 and C89 "inline" is the compiler's own word. */
#ifdef __GNUC__
#define BATON_GSSALLOC_INLINE static __inline__ __attribute__((__unused__))
#else
#define BATON_GSSALLOC_INLINE static inline
#endif

BATON_GSSALLOC_INLINE void *
gssalloc_malloc(size_t len)
{
	return malloc(len);
}

BATON_GSSALLOC_INLINE void *
gssalloc_calloc(size_t num, size_t len)
{
	return calloc(num, len);
}

BATON_GSSALLOC_INLINE void *
gssalloc_realloc(void *ptr, size_t len)
{
	return realloc(ptr, len);
}

BATON_GSSALLOC_INLINE void
gssalloc_free(void *ptr)
{
	free(ptr);
}

/* NULL: no memory. */
BATON_GSSALLOC_INLINE char *
gssalloc_strdup(const char *text)
{
	size_t len = strlen(text) + 1;
	void *copy = malloc(len);

	return (char *)(copy != NULL ? memcpy(copy, text, len) : NULL);
}

#endif
