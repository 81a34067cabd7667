/*
 * bench - Baton and MIT's library side by side.
 *
 * Two workers (worker.c) take turns at each row, round by round, so that a machine that slows down or speeds up does so for both. A row's
 * number is the median over the rounds, its ratio the median of the rounds' ratios.
 */
#include "report.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS_MAX = 101, NUM_WORKERS = 2 };

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
	{ "token", "token-bytes", "host", 0, 1, BYTES, 0 },
	{ "token, no authorization data", "token-bytes", "plain", 0, 1, BYTES, 0 },
	{ "memory of an imported context", "memory-imported", "host", 0, 1, BYTES, 3.0 },
	{ "memory, no authorization data", "memory-imported", "plain", 0, 1, BYTES, 3.0 },
	{ "memory after one wrap", "memory-used", "host", 0, 1, BYTES, 0 },
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
}

static void
stop(struct worker *w)
{
	int status;

	fclose(w->to);
	shutdown(fileno(w->from), SHUT_RDWR);
	fclose(w->from);
	if (waitpid(w->pid, &status, 0) != w->pid || status != 0) {
		fprintf(stderr, "bench: %s did not end well\n", w->path);
		exit(1);
	}
}

static double
ask(struct worker *w, const struct row *row, unsigned threads, unsigned milliseconds)
{
	double value;

	fprintf(w->to, "%s %s %zu %u %u\n", row->work, row->service, row->size, threads, milliseconds);
	fflush(w->to);
	if (fscanf(w->from, "%lf", &value) != 1) {
		fprintf(stderr, "bench: %s failed at \"%s\"\n", w->path, row->label);
		exit(1);
	}
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
ratio_of(const struct row *row, double baton, double mit)
{
	/* Times and bytes: how many times less. Speed-ups: how many times more. What may be nothing has no ratio. */
	if (row->unit == ADDED)
		return 0;
	return row->unit == SPEEDUP ? baton / mit : mit / baton;
}

static void
run_row(struct row *row, struct worker workers[static NUM_WORKERS], const struct options *options)
{
	double baton[ROUNDS_MAX], mit[ROUNDS_MAX], ratio[ROUNDS_MAX];
	/* Bytes do not vary. */
	unsigned rounds = row->unit == BYTES ? 1 : options->rounds;

	for (unsigned n = 0; n < rounds; n++) {
		/* Who begins changes from round to round. */
		if (n % 2 == 0)
			baton[n] = measure(&workers[0], row, options->milliseconds);
		mit[n] = measure(&workers[1], row, options->milliseconds);
		if (n % 2 != 0)
			baton[n] = measure(&workers[0], row, options->milliseconds);
		ratio[n] = ratio_of(row, baton[n], mit[n]);
	}
	row->baton = median(baton, rounds);
	row->mit = median(mit, rounds);
	row->ratio = median(ratio, rounds);
	qsort(ratio, rounds, sizeof(*ratio), compare);
	row->ratio_low = ratio[rounds / 4];
	row->ratio_high = ratio[rounds - 1 - rounds / 4];
	row->is_measured = true;
}

static void
usage(void)
{
	fprintf(stderr, "usage: bench [--quick] [--rounds N] [--only WORDS] [--json FILE] [--svg FILE] WORKER-BATON WORKER-MIT\n"
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
	if (argc - optind != NUM_WORKERS || o->rounds < 1 || o->rounds > ROUNDS_MAX)
		usage();
}

int
main(int argc, char **argv)
{
	struct worker workers[NUM_WORKERS] = { 0 };
	struct options options;
	bool is_terminal = isatty(1);

	signal(SIGPIPE, SIG_IGN);
	read_options(argc, argv, &options);
	for (int n = 0; n < NUM_WORKERS; n++) {
		workers[n].path = argv[optind + n];
		start(&workers[n]);
	}
	report_head(stdout);
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
	for (int n = 0; n < NUM_WORKERS; n++)
		stop(&workers[n]);
	report_foot(stdout, rows, NUM_ROWS);
	if (options.json != NULL && !report_json(options.json, rows, NUM_ROWS, options.rounds))
		give_up(options.json);
	if (options.svg != NULL && !report_svg(options.svg, rows, NUM_ROWS))
		give_up(options.svg);
	return 0;
}
