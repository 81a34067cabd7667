/*
 * crypto_vector - what the known-answer tests share: bytes written in hexadecimal, and running a test on both code paths.
 */
#ifndef TESTS_KAT_CRYPTO_VECTOR_H
#define TESTS_KAT_CRYPTO_VECTOR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "crypto/cpu.h"

/* hex_to - write what text says, blanks apart, to out; returns the number of bytes. */
static inline size_t
hex_to(const char *text, uint8_t *out)
{
	size_t len = 0;
	unsigned byte;

	for (; *text != '\0'; text++) {
		if (*text == ' ')
			continue;
		assert_int_equal(sscanf(text, "%2x", &byte), 1);
		out[len++] = (uint8_t)byte;
		text++;
	}
	return len;
}

/* assert_hex - the len bytes at got are those text says. */
static inline void
assert_hex(const uint8_t *got, size_t len, const char *text)
{
	uint8_t want[256];

	assert_int_equal(hex_to(text, want), len);
	assert_memory_equal(got, want, len);
}

/* Groups set up one of these, so that each vector is tried with the processor's instructions and without. */
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
