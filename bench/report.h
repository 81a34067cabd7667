/*
 * report - the benchmark's numbers as a table, as JSON and as a picture.
 */
#ifndef BATON_BENCH_REPORT_H
#define BATON_BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum unit { MICROSECONDS, BYTES, SPEEDUP, ADDED /* microseconds */ };

struct row {
	const char *label;
	const char *work, *service; /* what the worker is told */
	size_t size;
	unsigned threads;
	enum unit unit;
	double target; /* of the ratio, or of Baton's own number for a speed-up and what is added, which is to be no more; 0: none */
	const char *against; /* speed-up over, or added to, which other work; NULL: over the same in one thread */

	/* results */
	bool is_measured;
	double baton, mit, ratio, ratio_low, ratio_high; /* low and high: quartiles */
};

/* report_reached - has the row a target that it misses? then false. */
bool report_reached(const struct row *row);

void report_head(FILE *out);
void report_row(FILE *out, const struct row *row);
void report_foot(FILE *out, const struct row *rows, size_t num);

/* report_json, report_svg - false if the file could not be written; errno says why. */
bool report_json(const char *path, const struct row *rows, size_t num, unsigned rounds);
bool report_svg(const char *path, const struct row *rows, size_t num);

#endif
