/*
 * The director of `baton demo`: makes the realm, the processes and the clients, tells what happens, and judges.
 */
#include "demo.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "cli.h"
#include "demo_stage.h"
#include "realm.h"

enum { MAX_CONTEXTS = 1000000, NUM_CLIENTS = 4, NUM_STRANGER = 10, TICK_MS = 100, BAR_WIDTH = 40, LINE_MAX_LEN = 640 };

static const char help[] =
    "usage: baton demo [--anonymous] [--contexts N] [--workers N] [--json]\n"
    "\n"
    "Starts a Kerberos realm of its own, a front process that accepts connections, workers that serve them, and clients\n"
    "that run on MIT's library. Every context is accepted in the front, exported, and handed from worker to worker, while a\n"
    "thief and another user try to get in with copies of the tokens. Ends with 0 if nothing was lost and nobody let in.\n"
    "\n"
    "  --anonymous    no realm and no names: SAnon contexts, with clients that run on Baton too\n"
    "  --contexts N   how many contexts (default 1000)\n"
    "  --workers N    how many workers (default 3)\n"
    "  --json         print one JSON object instead of the story\n";

/* Lines that arrive on a pipe in pieces. */
struct lines {
	int fd; /* -1: ended */
	size_t len;
	char text[LINE_MAX_LEN];
};

struct client {
	pid_t pid;
	struct lines lines;
};

struct director {
	struct demo_stage stage;
	struct demo_result result;
	struct cli_realm realm;
	bool is_json, is_anonymous, is_terminal, has_bar, has_library;
	int interrupted_by; /* a signal, or 0 */
	int signals;	    /* signalfd: SIGINT, SIGTERM, SIGHUP */
	char client_path[PATH_MAX];
	uint32_t num_begun; /* contexts asked for before the present act */
	uint32_t act_done, act_count;
	int64_t act_began_ms, heard_ms;
};

/* A line for people. */
static void __attribute__((format(printf, 2, 3))) say(struct director *d, const char *format, ...)
{
	va_list args;

	if (d->is_json)
		return;
	if (d->has_bar)
		fputs("\r\033[K", stdout);
	d->has_bar = false;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	fflush(stdout);
}

static void
draw_bar(struct director *d)
{
	uint32_t filled = d->act_count != 0 ? (uint32_t)((uint64_t)d->act_done * BAR_WIDTH / d->act_count) : 0;

	if (d->is_json || !d->is_terminal || cli_now_ms() - d->act_began_ms < 1000)
		return;
	printf("\r  [%.*s%*s] %u of %u", (int)filled, "########################################", (int)(BAR_WIDTH - filled), "",
	       d->act_done, d->act_count);
	d->has_bar = true;
	fflush(stdout);
}

/* Troubles are told in any case; the rest of the story only to people. */
static void
hear_story(struct director *d, const char *line)
{
	if (d->is_json && strstr(line, "TROUBLE") != NULL)
		fprintf(stderr, "%s\n", line);
	say(d, "%s\n", line);
}

static void
hear_client(struct director *d, const char *line)
{
	d->heard_ms = cli_now_ms();
	if (strncmp(line, "library ", 8) == 0) {
		if (!d->has_library)
			say(d, "  %-10sruns on %s%s\n", "client", line + 8,
			    d->is_anonymous ? ", in a process of its own" : ", not on Baton");
		d->has_library = true;
		return;
	}
	d->act_done++;
	if (strcmp(line, "served") == 0)
		d->result.num_served++;
	else if (strncmp(line, "failed", 6) == 0) {
		if (atomic_fetch_add(&d->stage.board->num_troubles, 1) >= DEMO_MAX_TROUBLES)
			return;
		say(d, "  TROUBLE  client %s\n", line);
		if (d->is_json)
			fprintf(stderr, "client %s\n", line);
	}
}

/* Read what is there and hand on each whole line. */
static void
read_lines(struct director *d, struct lines *lines, void (*hear)(struct director *, const char *))
{
	ssize_t got = read(lines->fd, lines->text + lines->len, sizeof lines->text - lines->len - 1);
	char *end;

	if (got <= 0) {
		if (got == 0)
			lines->fd = -1;
		return;
	}
	lines->len += (size_t)got;
	while ((end = memchr(lines->text, '\n', lines->len)) != NULL) {
		*end = '\0';
		hear(d, lines->text);
		lines->len -= (size_t)(end + 1 - lines->text);
		memmove(lines->text, end + 1, lines->len);
	}
	if (lines->len == sizeof lines->text - 1)
		lines->len = 0; /* nobody in the demo writes lines this long */
}

static bool
start_client(struct director *d, struct client *client, uint32_t first, uint32_t count, bool may_close, int number)
{
	char port[12], first_text[12], count_text[12], turns[12], workers[12], cache[PATH_MAX + 32];
	int out[2];

	snprintf(port, sizeof port, "%d", d->stage.port);
	snprintf(first_text, sizeof first_text, "%u", first);
	snprintf(count_text, sizeof count_text, "%u", count);
	snprintf(turns, sizeof turns, "%d", DEMO_NUM_TURNS);
	snprintf(workers, sizeof workers, "%d", d->stage.num_workers);
	snprintf(cache, sizeof cache, "FILE:%s/%s.ccache", d->realm.dir, number % 2 == 0 ? "alice" : "bob");
	if (!d->is_anonymous)
		setenv("KRB5CCNAME", cache, 1);
	if (pipe2(out, O_CLOEXEC) != 0)
		return false;
	client->lines = (struct lines){.fd = out[0]};
	client->pid = cli_child_start((const char *[]){d->client_path, port, first_text, count_text, turns, workers,
						       may_close ? "may-close" : "must-serve", NULL},
				      &(struct cli_child_options){.input = "", .output_fd = out[1], .death_signal = SIGKILL});
	close(out[1]);
	if (client->pid < 0)
		cli_complain("cannot run %s: %s", d->client_path, strerror(errno));
	return client->pid > 0;
}

/* One look at everything that may speak. False when there is no point in going on. */
static bool
attend(struct director *d, struct client *clients, int num_clients, struct lines *story)
{
	struct pollfd polls[NUM_CLIENTS + 2];
	struct signalfd_siginfo signal;
	const char *missing;

	polls[0] = (struct pollfd){.fd = d->signals, .events = POLLIN};
	polls[1] = (struct pollfd){.fd = story->fd, .events = POLLIN};
	for (int i = 0; i < num_clients; i++)
		polls[2 + i] = (struct pollfd){.fd = clients[i].lines.fd, .events = POLLIN};
	if (poll(polls, (nfds_t)num_clients + 2, TICK_MS) < 0 && errno != EINTR)
		return false;
	if ((polls[0].revents & POLLIN) != 0 && read(d->signals, &signal, sizeof signal) == (ssize_t)sizeof signal) {
		d->interrupted_by = (int)signal.ssi_signo;
		return false;
	}
	if (polls[1].revents != 0)
		read_lines(d, story, hear_story);
	for (int i = 0; i < num_clients; i++)
		if (polls[2 + i].revents != 0)
			read_lines(d, &clients[i].lines, hear_client);
	draw_bar(d);
	if ((missing = cli_demo_stage_missing(&d->stage)) != NULL) {
		cli_complain("%s has died", missing);
		return false;
	}
	if (cli_now_ms() - d->heard_ms > (DEMO_PATIENCE_S + 5) * 1000) {
		cli_complain("no client has got on for %d seconds", DEMO_PATIENCE_S + 5);
		return false;
	}
	return true;
}

/* Replays are tried beside the work: wait for the last of them. */
static bool
all_replayed(const struct director *d)
{
	const struct demo_board *board = d->stage.board;

	return atomic_load(&board->num_tried[DEMO_REPLAY]) >= atomic_load(&board->num_replays_due);
}

/* Let clients make count contexts. False: troubles, which were told and counted. */
static bool
play(struct director *d, enum demo_act act, uint32_t count)
{
	int num_clients = count < NUM_CLIENTS ? 1 : NUM_CLIENTS;
	struct client clients[NUM_CLIENTS] = {0};
	struct lines story = {.fd = d->stage.story};
	uint32_t first = d->num_begun, left = count;
	int num_open, num_started = 0;
	int64_t until;
	bool ok = true;

	atomic_store(&d->stage.board->act, act);
	d->num_begun += count;
	d->act_done = 0;
	d->act_count = count;
	d->act_began_ms = d->heard_ms = cli_now_ms();
	for (int i = 0; i < num_clients && ok; i++) {
		uint32_t share = left / (uint32_t)(num_clients - i);

		ok = start_client(d, &clients[i], first, share, act == DEMO_ACT_RACE, i);
		num_started += ok;
		first += share;
		left -= share;
	}
	do {
		ok = ok && attend(d, clients, num_started, &story);
		num_open = 0;
		for (int i = 0; i < num_started; i++)
			num_open += clients[i].lines.fd >= 0;
	} while (ok && num_open > 0);
	until = cli_now_ms() + 10000;
	while (ok && !all_replayed(d) && cli_now_ms() < until)
		cli_pause_ms(1);
	/* What was told last may still be in the pipe. */
	while (poll(&(struct pollfd){.fd = story.fd, .events = POLLIN}, 1, 0) > 0)
		read_lines(d, &story, hear_story);
	for (int i = 0; i < num_started; i++) {
		cli_child_end(clients[i].pid);
		if (clients[i].lines.fd >= 0)
			close(clients[i].lines.fd);
	}
	say(d, "%s", ""); /* clears the bar */
	if (act == DEMO_ACT_MANY) {
		d->result.elapsed_ms = cli_now_ms() - d->act_began_ms;
		d->result.num_timed = d->act_done;
	}
	return ok;
}

static bool
find_client(struct director *d)
{
	static const char *const places[] = {"", "../libexec/baton/", "../../../src/cli/"};
	const char *name = d->is_anonymous ? "baton-client" : "baton-mit-client";
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

	self[len > 0 ? len : 0] = '\0';
	if (strrchr(self, '/') != NULL)
		strrchr(self, '/')[1] = '\0';
	for (size_t i = 0; i <= sizeof places / sizeof places[0]; i++) {
		if (i < sizeof places / sizeof places[0])
			snprintf(d->client_path, sizeof d->client_path, "%.3000s%s%s", self, places[i], name);
		else
			snprintf(d->client_path, sizeof d->client_path, "%s/%s", BATON_LIBEXEC_DIR, name);
		if (access(d->client_path, X_OK) == 0)
			return true;
	}
	cli_complain("the demo's client program %s is not installed", name);
	return false;
}

static void
introduce_realm(struct director *d, int64_t realm_ms)
{
	if (d->is_anonymous) {
		say(d, "\n1. No realm: nobody says who he is\n\n");
		say(d, "  %-10sSAnon-X25519: each side sends a fresh public key, and neither proves a name\n", "contexts");
		return;
	}
	say(d, "\n1. A Kerberos realm of its own\n\n");
	say(d, "  %-10sBATON.TEST, its KDC on 127.0.0.1 port %d, made in %.1f seconds\n", "realm", d->realm.port,
	    (double)realm_ms / 1000);
	say(d, "  %-10salice and bob; the services are on server.baton.test\n", "users");
}

static void
introduce(struct director *d, int64_t realm_ms)
{
	introduce_realm(d, realm_ms);
	say(d, "\n2. Who is there\n\n");
	for (int i = 0; i < d->stage.num_cast; i++) {
		const char *name = d->stage.cast[i].name;
		const char *does = "serves clients whose context it was given";

		if (strcmp(name, "front") == 0)
			does = "accepts clients and serves none of them";
		else if (strcmp(name, "thief") == 0)
			does = "has a copy of every token and tries to get in with it";
		else if (strcmp(name, "stranger") == 0)
			does = "the same, as another user of this machine";
		say(d, "  %-10sprocess %d: %s\n", name, (int)d->stage.cast[i].pid, does);
	}
	if (!d->stage.has_stranger)
		say(d, "  %-10sskipped: only root can start a process of another user\n", "stranger");
}

static bool
perform(struct director *d, uint32_t num_contexts)
{
	say(d, "\n3. One context on its way, step by step\n\n");
	if (!play(d, DEMO_ACT_STORY, 1))
		return false;
	say(d, "\n4. %u contexts, each through the hands of %d workers; every token is replayed by the thief\n\n", num_contexts,
	    DEMO_NUM_TURNS);
	if (!play(d, DEMO_ACT_MANY, num_contexts))
		return false;
	say(d, "  %u went through in %.1f seconds\n", d->result.num_timed, (double)d->result.elapsed_ms / 1000);
	say(d, "\n5. %u races: the thief has the token as early as the worker, and both run\n\n", d->result.num_races);
	if (!play(d, DEMO_ACT_RACE, d->result.num_races))
		return false;
	say(d, "  %u had one winner, and the other was told so: the thief won %u of them; both got in %u times\n",
	    d->stage.board->num_refused[DEMO_RACE], d->stage.board->num_races_to_thief, d->stage.board->num_let_in[DEMO_RACE]);
	say(d, "\n6. Another user of the machine has the token first\n\n");
	if (!d->stage.has_stranger) {
		say(d, "  skipped: this needs a process of another user, which only root can start\n");
		return true;
	}
	return play(d, DEMO_ACT_STRANGER, NUM_STRANGER);
}

static int
open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int
direct(struct director *d, uint32_t num_contexts, int num_workers)
{
	int64_t began_ms = cli_now_ms();
	bool ok;

	d->result.num_races = num_contexts / 20 < 20 ? 20 : num_contexts / 20 > 500 ? 500 : num_contexts / 20;
	if (!find_client(d))
		return CLI_EXIT_BROKEN;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	d->signals = open_signals();
	say(d,
	    "Baton hands security contexts from process to process: each token works once, and only for whom it is meant.\n");
	if (!d->is_anonymous && !cli_realm_start(&d->realm, NULL, false))
		return CLI_EXIT_BROKEN;
	began_ms = cli_now_ms() - began_ms;
	if (!(ok = cli_demo_stage_open(&d->stage, num_workers, num_contexts + d->result.num_races + 1 + NUM_STRANGER,
				       d->is_anonymous)))
		goto out;
	introduce(d, began_ms);
	d->result.num_workers = (uint32_t)num_workers;
	d->result.has_stranger = d->stage.has_stranger;
	ok = perform(d, num_contexts);
	d->result.num_contexts = num_contexts + d->result.num_races + 1 + (d->stage.has_stranger ? NUM_STRANGER : 0);
	if (d->interrupted_by == 0)
		ok = cli_demo_report(d->stage.board, &d->result, d->is_json) && ok;
	else
		cli_complain("interrupted");
out:
	cli_demo_stage_close(&d->stage);
	if (!d->is_anonymous)
		cli_realm_stop(&d->realm);
	if (d->interrupted_by != 0)
		return 128 + d->interrupted_by;
	return ok ? 0 : CLI_EXIT_FAILED;
}

/* A whole number from 1 to most, or 0. */
static uint32_t
number_of(const char *text, uint32_t most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	return text[0] < '0' || text[0] > '9' || *end != '\0' || n > most ? 0 : (uint32_t)n;
}

int
cli_demo(int argc, char **argv)
{
	static const struct option options[] = {{"anonymous", no_argument, NULL, 'a'},
						{"contexts", required_argument, NULL, 'c'},
						{"workers", required_argument, NULL, 'w'},
						{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	static struct director director;
	uint32_t num_contexts = 1000, num_workers = 3;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'a':
			director.is_anonymous = true;
			break;
		case 'c':
			if ((num_contexts = number_of(optarg, MAX_CONTEXTS)) == 0)
				return cli_usage("demo", "--contexts wants a number from 1 to %d", MAX_CONTEXTS);
			break;
		case 'w':
			if ((num_workers = number_of(optarg, DEMO_MAX_WORKERS)) == 0)
				return cli_usage("demo", "--workers wants a number from 1 to %d", DEMO_MAX_WORKERS);
			break;
		case 'j':
			director.is_json = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return cli_usage("demo", "that is not an option of baton demo");
		}
	}
	if (optind != argc)
		return cli_usage("demo", "baton demo takes no arguments beside its options");
	director.is_terminal = isatty(STDOUT_FILENO);
	return direct(&director, num_contexts, (int)num_workers);
}
