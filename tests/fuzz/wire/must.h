/* must - an assertion of a fuzz target: what does not hold is a finding. */
#ifndef TESTS_FUZZ_WIRE_MUST_H
#define TESTS_FUZZ_WIRE_MUST_H

#include <stdio.h>
#include <stdlib.h>

#define must(claim) ((claim) ? (void)0 : must_fail(__FILE__, __LINE__, #claim))

static inline void
must_fail(const char *file, int line, const char *claim)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, claim);
	abort();
}

#endif
