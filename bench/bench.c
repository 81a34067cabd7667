/*
 * bench - Baton, MIT's library and Heimdal's side by side.
 *
 * Their workers (worker.c) take turns at each row, round by round, so that a machine that slows down or speeds up does so for all. A row's
 * number is the median over the rounds, its ratio the median of the rounds' ratios. Where Heimdal's library is missing, or fails, its column
 * stays empty.
 */
#include "report.h"
#include "worker.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS_MAX = 101 };

/* Targets are what the library is to reach over MIT's 1.20.1; those of speed-ups and of what is added stand for themselves. */
static struct row rows[] = {
	{ "accept", "accept", "host", 0, 1, MICROSECONDS, 1.0 },
	{ "accept, default credential", "accept-default", "host", 0, 1, MICROSECONDS, 1.0 },
	{ "first token of the initiator", "init", "host", 0, 1, MICROSECONDS, 0 },
	{ "context, both sides", "context", "host", 0, 1, MICROSECONDS, 0 },
	{ "negotiated context, both sides", "negotiate", "host", 0, 1, MICROSECONDS, 1.0 },
	{ "export", "export", "host", 0, 1, MICROSECONDS, 0 },
	{ "import", "import", "host", 0, 1, MICROSECONDS, 0 },
	{ "export + import", "move", "host", 0, 1, MICROSECONDS, 0 },
	{ "export + import, audience session", "move-in-session", "host", 0, 1, MICROSECONDS, 0 },
	{ "audience session, added to these", "move-in-session", "host", 0, 1, ADDED, 0.3, "move" },
	{ "export, message, import", "pass", "host", 0, 1, MICROSECONDS, 0 },
	{ "send + receive on a socket", "handover", "host", 0, 1, MICROSECONDS, 0 },
	{ "send + receive, by hand being 1", "handover", "host", 0, 1, SPEEDUP, 0.8, "pass" },
	{ "first wrap after import", "first-wrap", "host", 0, 1, MICROSECONDS, 0 },
	{ "export + import + first wrap", "transfer", "host", 0, 1, MICROSECONDS, 5.0 },
	{ "token", "token-bytes", "host", 0, 1, BYTES, 0, .moves_authz = true },
	{ "token, no authorization data", "token-bytes", "plain", 0, 1, BYTES, 0 },
	{ "memory of an imported context", "memory-imported", "host", 0, 1, BYTES, 3.0, .moves_authz = true },
	{ "memory, no authorization data", "memory-imported", "plain", 0, 1, BYTES, 3.0 },
	{ "memory after one wrap", "memory-used", "host", 0, 1, BYTES, 0, .moves_authz = true },
	{ "wrap 64 B", "wrap", "enc18", 64, 1, MICROSECONDS, 3.0 },
	{ "wrap 1 KiB", "wrap", "enc18", 1024, 1, MICROSECONDS, 0 },
	{ "wrap 16 KiB", "wrap", "enc18", 16384, 1, MICROSECONDS, 3.0 },
	{ "wrap 256 KiB", "wrap", "enc18", 262144, 1, MICROSECONDS, 0 },
	{ "wrap 1 MiB", "wrap", "enc18", 1048576, 1, MICROSECONDS, 0 },
	{ "unwrap 64 B", "unwrap", "enc18", 64, 1, MICROSECONDS, 3.0 },
	{ "unwrap 1 KiB", "unwrap", "enc18", 1024, 1, MICROSECONDS, 0 },
	{ "unwrap 16 KiB", "unwrap", "enc18", 16384, 1, MICROSECONDS, 0 },
	{ "unwrap 256 KiB", "unwrap", "enc18", 262144, 1, MICROSECONDS, 0 },
	{ "unwrap 1 MiB", "unwrap", "enc18", 1048576, 1, MICROSECONDS, 0 },
	{ "wrap, integrity only, 64 B", "wrap-integ", "enc18", 64, 1, MICROSECONDS, 0 },
	{ "wrap, integrity only, 16 KiB", "wrap-integ", "enc18", 16384, 1, MICROSECONDS, 0 },
	{ "MIC 64 B", "mic", "enc18", 64, 1, MICROSECONDS, 0 },
	{ "MIC 1 KiB", "mic", "enc18", 1024, 1, MICROSECONDS, 0 },
	{ "MIC 16 KiB", "mic", "enc18", 16384, 1, MICROSECONDS, 0 },
	{ "MIC 256 KiB", "mic", "enc18", 262144, 1, MICROSECONDS, 0 },
	{ "MIC 1 MiB", "mic", "enc18", 1048576, 1, MICROSECONDS, 0 },
	{ "verify MIC 64 B", "verify", "enc18", 64, 1, MICROSECONDS, 0 },
	{ "verify MIC 16 KiB", "verify", "enc18", 16384, 1, MICROSECONDS, 0 },
	{ "wrap_iov 64 B", "wrap-iov", "enc18", 64, 1, MICROSECONDS, 0 },
	{ "wrap_iov 16 KiB", "wrap-iov", "enc18", 16384, 1, MICROSECONDS, 0 },
	{ "wrap_iov 256 KiB", "wrap-iov", "enc18", 262144, 1, MICROSECONDS, 0 },
	{ "unwrap_iov 64 B", "unwrap-iov", "enc18", 64, 1, MICROSECONDS, 0 },
	{ "unwrap_iov 16 KiB", "unwrap-iov", "enc18", 16384, 1, MICROSECONDS, 0 },
	{ "unwrap_iov 256 KiB", "unwrap-iov", "enc18", 262144, 1, MICROSECONDS, 0 },
	{ "enctype 17: wrap 64 B", "wrap", "enc17", 64, 1, MICROSECONDS, 0 },
	{ "enctype 19: wrap 64 B", "wrap", "enc19", 64, 1, MICROSECONDS, 0 },
	{ "enctype 20: wrap 64 B", "wrap", "enc20", 64, 1, MICROSECONDS, 0 },
	{ "enctype 20: wrap 16 KiB", "wrap", "enc20", 16384, 1, MICROSECONDS, 0 },
	{ "enctype 20: unwrap 16 KiB", "unwrap", "enc20", 16384, 1, MICROSECONDS, 0 },
	{ "two threads: wrap 64 B", "wrap", "enc18", 64, 2, SPEEDUP, 1.8 },
	{ "two threads: wrap 16 KiB", "wrap", "enc18", 16384, 2, SPEEDUP, 1.8 },
	{ "two threads: unwrap 16 KiB", "unwrap", "enc18", 16384, 2, SPEEDUP, 1.8 },
	{ "two threads: export + import + wrap", "transfer", "host", 0, 2, SPEEDUP, 1.8 },
	{ "two threads: accept, one credential", "accept", "host", 0, 2, SPEEDUP, 0 },
};

enum { NUM_ROWS = sizeof(rows) / sizeof(*rows) };

struct worker {
	const char *path;
	FILE *to, *from;
	pid_t pid;
	bool is_there;	  /* its library is */
	char version[64]; /* as its library tells it */
};

struct options {
	unsigned rounds, milliseconds;
	const char *only, *json, *svg;
};

static void
give_up(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
start(struct worker *w)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 || (w->pid = fork()) < 0)
		give_up(w->path);
	if (w->pid == 0) {
		if (dup2(ends[1], 0) < 0 || dup2(ends[1], 1) < 0)
			_exit(1);
		execl(w->path, w->path, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	w->to = fdopen(ends[0], "w");
	w->from = fdopen(dup(ends[0]), "r");
	if (w->to == NULL || w->from == NULL)
		give_up(w->path);
	w->is_there = fscanf(w->from, "ready %63[^\n]", w->version) == 1;
}

/* How it ended. */
static int
stop(struct worker *w)
{
	int status;

	fclose(w->to);
	shutdown(fileno(w->from), SHUT_RDWR);
	fclose(w->from);
	if (waitpid(w->pid, &status, 0) != w->pid)
		give_up(w->path);
	w->is_there = false;
	return status;
}

/* One whose library is missing is left out, if it may be. */
static void
start_all(struct worker workers[static NUM_LIBRARIES])
{
	for (int n = 0; n < NUM_LIBRARIES; n++) {
		int status;

		start(&workers[n]);
		if (workers[n].is_there)
			continue;
		status = stop(&workers[n]);
		if (!library_is_optional(n) || !WIFEXITED(status) || WEXITSTATUS(status) != WORKER_HAS_NO_LIBRARY) {
			fprintf(stderr, "bench: %s did not begin\n", workers[n].path);
			exit(1);
		}
	}
}

static void
stop_all(struct worker workers[static NUM_LIBRARIES])
{
	for (int n = 0; n < NUM_LIBRARIES; n++)
		if (workers[n].is_there && stop(&workers[n]) != 0) {
			fprintf(stderr, "bench: %s did not end well\n", workers[n].path);
			exit(1);
		}
}

/* Not a number: the library cannot do it. */
static double
ask(struct worker *w, const struct row *row, unsigned threads, unsigned milliseconds)
{
	double value;

	fprintf(w->to, "%s %s %zu %u %u\n", row->work, row->service, row->size, threads, milliseconds);
	fflush(w->to);
	if (fscanf(w->from, "%lf", &value) != 1)
		return NAN;
	if (row->unit == MICROSECONDS)
		return 1e6 / value;
	return value;
}

/* Both throughputs follow each other at once, as their ratio is what is asked for. */
static double
measure(struct worker *w, const struct row *row, unsigned milliseconds)
{
	struct row base = *row;
	double one;

	if (row->unit != SPEEDUP && row->unit != ADDED)
		return ask(w, row, row->threads, milliseconds);
	base.threads = 1;
	if (row->against != NULL)
		base.work = row->against;
	one = ask(w, &base, base.threads, milliseconds);
	if (row->unit == ADDED)
		return 1e6 / ask(w, row, row->threads, milliseconds) - 1e6 / one;
	return ask(w, row, row->threads, milliseconds) / one;
}

static int
compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(const double *values, size_t num)
{
	double sorted[ROUNDS_MAX];

	memcpy(sorted, values, num * sizeof(*values));
	qsort(sorted, num, sizeof(*sorted), compare);
	return num % 2 != 0 ? sorted[num / 2] : (sorted[num / 2 - 1] + sorted[num / 2]) / 2;
}

static double
ratio_of(const struct row *row, double baton, double other)
{
	/* Times and bytes: how many times less. Speed-ups: how many times more. What may be nothing has no ratio. */
	if (row->unit == ADDED)
		return 0;
	return row->unit == SPEEDUP ? baton / other : other / baton;
}

/* One that failed began the row in vain; for the next one there is a new worker. */
static void
leave_out(struct worker *w, int library, const struct row *row)
{
	fprintf(stderr, "bench: %s failed at \"%s\"\n", w->path, row->label);
	if (!library_is_optional(library))
		exit(1);
	stop(w);
	start(w);
}

static void
run_row(struct row *row, struct worker workers[static NUM_LIBRARIES], const struct options *options)
{
	double values[NUM_LIBRARIES][ROUNDS_MAX], ratios[ROUNDS_MAX];
	/* Bytes do not vary. */
	unsigned rounds = row->unit == BYTES ? 1 : options->rounds;

	for (int n = 0; n < NUM_LIBRARIES; n++)
		row->results[n].is_measured = workers[n].is_there && !(n == HEIMDAL && row->moves_authz);
	for (unsigned round = 0; round < rounds; round++)
		/* Who begins changes from round to round. */
		for (unsigned turn = 0; turn < NUM_LIBRARIES; turn++) {
			int n = (int)((round + turn) % NUM_LIBRARIES);

			if (!row->results[n].is_measured)
				continue;
			values[n][round] = measure(&workers[n], row, options->milliseconds);
			if (isnan(values[n][round])) {
				row->results[n].is_measured = false;
				leave_out(&workers[n], n, row);
			}
		}
	for (int n = 0; n < NUM_LIBRARIES; n++) {
		struct result *result = &row->results[n];

		if (!result->is_measured)
			continue;
		result->value = median(values[n], rounds);
		for (unsigned round = 0; round < rounds; round++)
			ratios[round] = ratio_of(row, values[BATON][round], values[n][round]);
		result->ratio = median(ratios, rounds);
		qsort(ratios, rounds, sizeof(*ratios), compare);
		result->ratio_low = ratios[rounds / 4];
		result->ratio_high = ratios[rounds - 1 - rounds / 4];
	}
}

static void
usage(void)
{
	fprintf(stderr, "usage: bench [--quick] [--rounds N] [--only WORDS] [--json FILE] [--svg FILE] WORKER-BATON WORKER-MIT WORKER-HEIMDAL\n"
			"Run in a realm: baton realm -- bench ...\n");
	exit(2);
}

static void
read_options(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
		{ "quick", no_argument, NULL, 'q' },       { "rounds", required_argument, NULL, 'r' },
		{ "only", required_argument, NULL, 'o' },  { "json", required_argument, NULL, 'j' },
		{ "svg", required_argument, NULL, 's' },   { 0 },
	};
	int c;

	*o = (struct options){ .rounds = 15, .milliseconds = 40 };
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 'q':
			o->rounds = 3;
			o->milliseconds = 5;
			break;
		case 'r':
			o->rounds = (unsigned)atoi(optarg);
			break;
		case 'o':
			o->only = optarg;
			break;
		case 'j':
			o->json = optarg;
			break;
		case 's':
			o->svg = optarg;
			break;
		default:
			usage();
		}
	}
	if (argc - optind != NUM_LIBRARIES || o->rounds < 1 || o->rounds > ROUNDS_MAX)
		usage();
}

int
main(int argc, char **argv)
{
	struct worker workers[NUM_LIBRARIES] = { 0 };
	struct report report = { rows, NUM_ROWS };
	struct options options;
	bool is_terminal = isatty(1);

	signal(SIGPIPE, SIG_IGN);
	read_options(argc, argv, &options);
	report.rounds = options.rounds;
	for (int n = 0; n < NUM_LIBRARIES; n++)
		workers[n].path = argv[optind + n];
	start_all(workers);
	report.versions[BATON] = BATON_VERSION;
	report.versions[MIT] = MIT_VERSION;
	report.versions[HEIMDAL] = workers[HEIMDAL].is_there ? workers[HEIMDAL].version : NULL;
	report_head(stdout, &report);
	for (size_t n = 0; n < NUM_ROWS; n++) {
		if (options.only != NULL && strstr(rows[n].label, options.only) == NULL)
			continue;
		if (is_terminal) {
			printf("%zu of %d: %s ...", n + 1, (int)NUM_ROWS, rows[n].label);
			fflush(stdout);
		}
		run_row(&rows[n], workers, &options);
		if (is_terminal)
			printf("\r\033[K");
		report_row(stdout, &rows[n]);
		fflush(stdout);
	}
	stop_all(workers);
	report_foot(stdout, &report);
	if (options.json != NULL && !report_json(options.json, &report))
		give_up(options.json);
	if (options.svg != NULL && !report_svg(options.svg, &report))
		give_up(options.svg);
	return 0;
}
