#include "claims.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "cli.h"
#include "style.h"

/* Lines of the view beside those of processes: the title, the counts, the heads, what is left out, the last one. */
enum { NUM_OTHER_LINES = 11 };

struct watch {
	int64_t every_ms;
	bool is_json, is_live;
	int signals; /* signalfd: what ends or stops us, and a window that changed its size */
	struct termios before;
};

static bool
hold_signals(struct watch *w)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGWINCH);
	return sigprocmask(SIG_BLOCK, &set, NULL) == 0 && (w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) >= 0;
}

/* The view is on a screen of its own, and what was there before comes back. */
static void
begin_view(struct watch *w)
{
	struct termios raw;

	w->is_live = !w->is_json && isatty(STDOUT_FILENO) && tcgetattr(STDIN_FILENO, &w->before) == 0;
	if (!w->is_live)
		return;
	raw = w->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	fputs("\033[?1049h\033[?25l", stdout);
}

static void
end_view(const struct watch *w)
{
	if (!w->is_live)
		return;
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &w->before);
}

/* The shell gets its screen for as long as we are stopped. Where nobody could let us go on, the kernel does not stop us. */
static void
stop(struct watch *w)
{
	sigset_t set;

	end_view(w);
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	begin_view(w);
}

static void
show_live(const struct baton_claims *claims)
{
	struct winsize size = {0};
	uint32_t room = BATON_CLAIMS_PROCESSES;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row != 0)
		room = size.ws_row > NUM_OTHER_LINES ? (uint32_t)size.ws_row - NUM_OTHER_LINES : 0;
	/* Written over what is there, line by line, and not cleared first: nothing flickers. Long lines end at the edge. */
	fputs("\033[H\033[?7l", stdout);
	cli_claims_show(claims, room, "\033[K\n");
	printf("\033[K\n%sq ends this%s\033[K\033[J\033[?7h", cli_paint(CLI_DIM), cli_paint(CLI_PLAIN));
}

static void
show_line(const struct baton_claims *claims)
{
	uint32_t in_use = claims->num_live + claims->num_expired + claims->num_reserved;
	time_t now = time(NULL);
	char clock[16] = "";
	struct tm tm;

	if (localtime_r(&now, &tm) != NULL)
		strftime(clock, sizeof clock, "%H:%M:%S", &tm);
	printf("%s  live %" PRIu32 "  expired %" PRIu32 "  reserved %" PRIu32 "  free %" PRIu32 "  oldest %" PRId64 " ms\n", clock,
	       claims->num_live, claims->num_expired, claims->num_reserved, claims->num_slots - in_use, claims->oldest_ms);
}

/* False: the user has had enough, or nobody reads us any more. */
static bool
wait_for_next(struct watch *w)
{
	int64_t until = cli_now_ms() + w->every_ms, left;
	struct signalfd_siginfo info;
	char key;

	while ((left = until - cli_now_ms()) > 0) {
		struct pollfd polls[2] = {{.fd = w->signals, .events = POLLIN},
					  {.fd = w->is_live ? STDIN_FILENO : STDOUT_FILENO, .events = w->is_live ? POLLIN : 0}};

		if (poll(polls, 2, (int)left) < 0 && errno != EINTR)
			return false;
		if (polls[0].revents != 0 && read(w->signals, &info, sizeof info) == (ssize_t)sizeof info) {
			if (info.ssi_signo == SIGTSTP)
				stop(w);
			return info.ssi_signo == SIGTSTP || info.ssi_signo == SIGWINCH;
		}
		if (w->is_live && polls[1].revents != 0 && (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q'))
			return false;
		if (!w->is_live && (polls[1].revents & (POLLERR | POLLHUP)) != 0)
			return false;
	}
	return true;
}

int
cli_claims_watch(int64_t every_ms, bool is_json)
{
	struct watch w = {.every_ms = every_ms, .is_json = is_json};
	struct baton_claims claims;
	bool ok;

	if (!hold_signals(&w))
		return cli_complain("cannot wait for signals");
	/* A store that cannot be read is complained of where it can be seen. */
	if (!cli_claims_read(&claims))
		return CLI_EXIT_FAILED;
	signal(SIGPIPE, SIG_IGN);
	begin_view(&w);
	do {
		if (w.is_live)
			show_live(&claims);
		else if (is_json)
			cli_claims_show_json(&claims);
		else
			show_line(&claims);
		ok = fflush(stdout) == 0;
	} while (ok && wait_for_next(&w) && (ok = cli_claims_read(&claims)));
	end_view(&w);
	return ok ? 0 : CLI_EXIT_FAILED;
}
