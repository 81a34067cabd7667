/*
 * play: reads programs from its input, plays each in a child of its own, and writes their transcripts.
 *
 *   play DIRECTORY      "program NOW", lines, "end"; the answer ends with "ended STATUS"
 *   play --operations   their names
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "play.h"

enum { MAX_LINES = 256, MAX_NUMBERS = 24, MAX_OP = 32, CHILD_LIMIT_S = 120, CHILD_CPU_S = 20 };

struct line {
	char op[MAX_OP];
	unsigned numbers[MAX_NUMBERS];
};

static const struct play_op *const groups[] = {
    play_names, play_mechs, play_creds, play_contexts, play_questions, play_messages, play_pieces,
};
static struct line lines[MAX_LINES];
static const struct line *line;
static unsigned next_number;
static const char *directory;

OM_uint32 play_minor_said;
gss_name_t play_name_at[NUM_NAMES];
gss_cred_id_t play_cred_at[NUM_CREDS];
gss_buffer_desc play_bytes_at[NUM_BYTES];
struct play_pair play_pairs[NUM_PAIRS];

/* ---- the transcript ---- */

/* Written as a whole, by whoever comes first: the end or a signal. */
static char transcript[1 << 22];
static size_t transcript_len;

static void
write_transcript(void)
{
	for (size_t at = 0; at < transcript_len;) {
		ssize_t n = write(STDOUT_FILENO, transcript + at, transcript_len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(3);
		at += (size_t)n;
	}
}

void
play_say(const char *form, ...)
{
	size_t room = sizeof transcript - transcript_len;
	va_list args;
	int n;

	va_start(args, form);
	n = vsnprintf(transcript + transcript_len, room, form, args);
	va_end(args);
	if (n > 0 && (size_t)n < room)
		transcript_len += (size_t)n;
}

void
play_call(const char *name)
{
	if (transcript_len != 0 && transcript[transcript_len - 1] != '\n')
		play_say("\n");
	play_say("%s:", name);
	play_minor_said = 0;
}

static void
crashed(int signal)
{
	write_transcript();
	_exit(100 + signal);
}

/* ---- choices ---- */

unsigned
play_pick(unsigned num)
{
	return next_number < MAX_NUMBERS ? line->numbers[next_number++] % num : 0;
}

bool
play_rarely(void)
{
	if (play_pick(40) != 39)
		return false;
	play_say(" rarely");
	return true;
}

/* ---- a program ---- */

const char *
play_path(const char *name)
{
	static char paths[4][512];
	static unsigned next;
	char *path = paths[next++ % NUM_OF(paths)];

	snprintf(path, sizeof paths[0], "%s/now/%s", directory, name);
	return path;
}

const char *
play_realm_path(const char *name)
{
	static char path[512];

	snprintf(path, sizeof path, "%s/%s", getenv("BATON_REALM_DIR"), name);
	return path;
}

static void
copy_file(const char *from, const char *to)
{
	char bytes[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n = in >= 0 && out >= 0 ? read(in, bytes, sizeof bytes) : -1;

	if (n <= 0 || n == (ssize_t)sizeof bytes || write(out, bytes, (size_t)n) != n)
		_exit(4);
	close(in);
	close(out);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

/* Fresh copies: what a program stores, the next does not find. */
static void
make_directory(void)
{
	static const char *const caches[] = {"alice.ccache", "bob.ccache"};
	char path[512];

	nftw(play_path(""), remove_one, 8, FTW_DEPTH | FTW_PHYS);
	if (mkdir(play_path(""), 0700) != 0 || mkdir(play_path("rcache"), 0700) != 0 || mkdir(play_path("dir"), 0700) != 0)
		_exit(4);
	for (size_t i = 0; i < NUM_OF(caches); i++) {
		snprintf(path, sizeof path, "%s/%s", getenv("PLAY_CACHES"), caches[i]);
		copy_file(path, play_path(caches[i]));
	}
	snprintf(path, sizeof path, "FILE:%s", play_path("alice.ccache"));
	setenv("KRB5CCNAME", path, 1);
	setenv("KRB5RCACHEDIR", play_path("rcache"), 1);
}

static void
play_line(void)
{
	next_number = 0;
	for (size_t i = 0; i < NUM_OF(groups); i++) {
		for (const struct play_op *op = groups[i]; op->name != NULL; op++) {
			if (strcmp(op->name, line->op) == 0) {
				op->play();
				return;
			}
		}
	}
	play_say("no operation %s\n", line->op);
}

static void
play_program(int64_t now, size_t num_lines)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM, SIGXCPU};

	for (size_t i = 0; i < NUM_OF(signals); i++)
		signal(signals[i], crashed);
	setrlimit(RLIMIT_CPU, &(struct rlimit){CHILD_CPU_S, CHILD_CPU_S + 1});
	alarm(CHILD_LIMIT_S);
	make_directory();
	play_clock_set(now);
	for (size_t i = 0; i < num_lines; i++) {
		line = &lines[i];
		play_line();
	}
	play_call("end");
	play_say("\n");
	write_transcript();
	_exit(0);
}

static bool
read_line(const char *text, struct line *to)
{
	int at = 0;

	*to = (struct line){0};
	if (sscanf(text, "%31s%n", to->op, &at) != 1)
		return false;
	for (size_t i = 0; i < MAX_NUMBERS; i++) {
		int len;

		if (sscanf(text + at, "%u%n", &to->numbers[i], &len) != 1)
			break;
		at += len;
	}
	return true;
}

static void
list_operations(void)
{
	for (size_t i = 0; i < NUM_OF(groups); i++)
		for (const struct play_op *op = groups[i]; op->name != NULL; op++)
			printf("%zu %s\n", i, op->name);
}

int
main(int argc, char **argv)
{
	char text[1024];
	size_t num_lines = 0;
	long long now = 0;

	if (argc != 2)
		return 2;
	if (strcmp(argv[1], "--operations") == 0) {
		list_operations();
		return 0;
	}
	directory = argv[1];
	while (fgets(text, sizeof text, stdin) != NULL) {
		if (sscanf(text, "program %lld", &now) == 1) {
			num_lines = 0;
		} else if (strcmp(text, "end\n") == 0) {
			int status;
			pid_t child = fork();

			if (child == 0)
				play_program(now, num_lines);
			if (child < 0 || waitpid(child, &status, 0) != child)
				return 3;
			printf("\nended %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status));
			fflush(stdout);
		} else if (num_lines < MAX_LINES && read_line(text, &lines[num_lines])) {
			num_lines++;
		}
	}
	return 0;
}
