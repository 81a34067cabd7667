/*
 * support - what the tests of the crypto room share: the enctypes, bytes that look random and are the same in every run, and
 * the two code paths.
 */
#ifndef TESTS_UNIT_CRYPTO_SUPPORT_H
#define TESTS_UNIT_CRYPTO_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/cpu.h"
#include "crypto/crypto.h"

static const int32_t enctypes[] = {17, 18, 19, 20, 25, 26};
enum { NUM_ENCTYPES = 6 };

/* Checks before it decrypts, because the ciphertext is what the checksum covers. RFC 8009. */
static inline bool
checks_ciphertext(int32_t enctype)
{
	return enctype == 19 || enctype == 20;
}

/* next_number - a simple generator, for lengths and places. */
static inline uint32_t
next_number(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* fill - len bytes that depend on the seed. */
static inline void
fill(uint8_t *bytes, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)next_number(&seed);
}

/* has_only - are the len bytes all of this value? */
static inline bool
has_only(const uint8_t *bytes, size_t len, uint8_t value)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != value)
			return false;
	return true;
}

static inline int
use_portable(void **state)
{
	(void)state;
	bt_crypto_cpu_use_portable(true);
	return 0;
}

static inline int
use_native(void **state)
{
	(void)state;
	bt_crypto_cpu_use_portable(false);
	return 0;
}

#define RUN_ON_BOTH_PATHS(tests)                                            \
	(cmocka_run_group_tests_name("native", (tests), use_native, NULL) + \
	 cmocka_run_group_tests_name("portable", (tests), use_portable, NULL))

#endif
