/*
 * matrix - the peers of an interop test: an initiator and an acceptor of each library, and the four pairs of them.
 */
#ifndef BATON_TESTS_MATRIX_H
#define BATON_TESTS_MATRIX_H

#include <stdbool.h>

#include "support/drive.h"

enum { MIT, BATON, NUM_LIBS, NUM_PAIRS = 4, NUM_ENCTYPES = 8 };

/* Each has a service of its own: enc17 and so on. */
extern const int enctypes[NUM_ENCTYPES];

/* Tokens of RFC 1964: no rotation, padding. */
static inline bool
is_legacy(int enctype)
{
	return enctype == 16 || enctype == 23;
}

struct matrix {
	struct peer *i[NUM_LIBS], *a[NUM_LIBS];
};

/* One test case: who speaks to whom, over which enctype. */
struct pairing {
	int from, to, enctype;
	struct matrix *matrix; /* of the enctype */
	char service[8];
};

void matrix_start(struct matrix *m, int enctype);
void matrix_stop(struct matrix *m);

/*
 * matrix_run - a group of tests, each of which runs for every pairing as "name, mit to baton, enctype 18". Tests get a struct pairing *
 * as their state. Returns how many failed.
 */
struct matrix_test {
	const char *name;
	void (*run)(void **state);
};
int matrix_run(const char *group, const struct matrix_test *tests, size_t num_tests);

#endif
