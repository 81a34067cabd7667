/*
 * baton.h - what Baton has beyond the GSS-API: calls that are in no standard and in no other library.
 */
#ifndef BATON_BATON_H
#define BATON_BATON_H

#include <gssapi/gssapi.h>

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* The library's version, "0.1.0": static text. A program that finds this symbol runs on Baton. */
const char *baton_version(void);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#endif
