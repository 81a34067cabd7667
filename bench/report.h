/*
 * report - the benchmark's numbers as a table, as JSON and as a picture.
 */
#ifndef BATON_BENCH_REPORT_H
#define BATON_BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum library { BATON, MIT, HEIMDAL, NUM_LIBRARIES };

enum unit { MICROSECONDS, BYTES, SPEEDUP, ADDED /* microseconds */ };

struct result {
	bool is_measured;
	double value;
	double ratio, ratio_low, ratio_high; /* how many times less Baton takes, or more it has; low and high: quartiles */
};

struct row {
	const char *label;
	const char *work, *service; /* what the worker is told */
	size_t size;
	unsigned threads;
	enum unit unit;
	double target; /* of the ratio to MIT's, or of Baton's own number for a speed-up and what is added, which is to be no more; 0: none */
	const char *against; /* speed-up over, or added to, which other work; NULL: over the same in one thread */
	bool moves_authz;    /* what is counted has authorization data in it, which Heimdal's contexts lose when they move */
	struct result results[NUM_LIBRARIES];
};

struct report {
	const struct row *rows;
	size_t num;
	unsigned rounds;
	const char *versions[NUM_LIBRARIES]; /* NULL: not on this machine */
};

/* library_is_optional - does the benchmark go on without it? */
bool library_is_optional(enum library library);

/* report_reached - has the row a target that it misses? then false. */
bool report_reached(const struct row *row);

void report_head(FILE *out, const struct report *report);
void report_row(FILE *out, const struct row *row);
void report_foot(FILE *out, const struct report *report);

/* report_json, report_svg - false if the file could not be written; errno says why. */
bool report_json(const char *path, const struct report *report);
bool report_svg(const char *path, const struct report *report);

#endif
