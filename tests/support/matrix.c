#include "support/matrix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

const int enctypes[NUM_ENCTYPES] = { 17, 18, 19, 20, 25, 26, 16, 23 };

static const char *const libs[NUM_LIBS] = { "mit", "baton" };

void
matrix_start(struct matrix *m, int enctype)
{
	char *conf = prefer_enctype(enctype);
	const char *const env[] = { conf, NULL };

	for (int lib = 0; lib < NUM_LIBS; lib++) {
		m->i[lib] = peer_start(libs[lib], env);
		m->a[lib] = peer_start(libs[lib], env);
	}
	free(conf);
}

void
matrix_stop(struct matrix *m)
{
	for (int lib = 0; lib < NUM_LIBS; lib++) {
		peer_stop(m->i[lib]);
		peer_stop(m->a[lib]);
	}
}

static struct matrix matrices[NUM_ENCTYPES];

static int
start_all(void **state)
{
	(void)state;
	for (int e = 0; e < NUM_ENCTYPES; e++)
		matrix_start(&matrices[e], enctypes[e]);
	return 0;
}

static int
stop_all(void **state)
{
	(void)state;
	for (int e = 0; e < NUM_ENCTYPES; e++)
		matrix_stop(&matrices[e]);
	return 0;
}

int
matrix_run(const char *group, const struct matrix_test *tests, size_t num_tests)
{
	size_t num = num_tests * NUM_PAIRS * NUM_ENCTYPES, n = 0;
	struct CMUnitTest *cases = calloc(num, sizeof(*cases));
	struct pairing *pairings = calloc(num, sizeof(*pairings));
	char *name;
	int failed;

	for (size_t t = 0; t < num_tests; t++)
		for (int e = 0; e < NUM_ENCTYPES; e++)
			for (int pair = 0; pair < NUM_PAIRS; pair++, n++) {
				struct pairing *p = &pairings[n];

				*p = (struct pairing){ pair & 1, pair >> 1, enctypes[e], &matrices[e], "" };
				snprintf(p->service, sizeof(p->service), "enc%d", p->enctype);
				if (asprintf(&name, "%s, %s to %s, enctype %d", tests[t].name, libs[p->from], libs[p->to], p->enctype) < 0)
					abort();
				cases[n] = (struct CMUnitTest){ name, tests[t].run, NULL, NULL, p };
			}
	failed = _cmocka_run_group_tests(group, cases, num, start_all, stop_all);
	for (n = 0; n < num; n++)
		free((void *)cases[n].name);
	free(cases);
	free(pairings);
	return failed;
}
