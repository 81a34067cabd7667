#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "cli.h"
#include "realm.h"

/* How long a program may go on after the realm was told to end. */
enum { GRACE_MS = 5000 };

static const char help[] =
    "usage: baton realm [--dir DIR] [--keep] -- COMMAND [ARGUMENT...]\n"
    "\n"
    "Starts a Kerberos realm of its own on a loopback port, runs COMMAND in it, and ends with its exit status.\n"
    "When COMMAND ends, the KDC ends too and the realm's directory is removed.\n"
    "\n"
    "  --dir DIR   use DIR (missing or empty) instead of a directory in $TMPDIR or /tmp\n"
    "  --keep      leave the directory when the realm ends\n"
    "\n"
    "In COMMAND's environment: KRB5_CONFIG, KRB5_KDC_PROFILE, KRB5CCNAME (tickets of alice), KRB5_KTNAME (keys of the\n"
    "services), KRB5_CLIENT_KTNAME (keys of alice), KRB5RCACHEDIR, and BATON_REALM_DIR, the directory. In it also\n"
    "bob.ccache and bob.keytab. Realm BATON.TEST; users alice and bob, password wonderland; services host/server.baton.test,\n"
    "HTTP/server.baton.test, host/localhost, enc17/ to enc20/server.baton.test (one enctype each) and\n"
    "plain/server.baton.test (tickets without authorisation data).\n";

/* Signals wait until they are asked for, so that an early one still finds the clean-up at the end. */
static sigset_t
hold_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return set;
}

/* Wait for the command; hand on the signals that end us. What a terminal sent, the command got by itself. */
static int
attend(pid_t command, const struct cli_realm *realm, const sigset_t *set)
{
	struct timespec tick = {0, 200000000};
	int64_t kill_at = INT64_MAX;
	siginfo_t info;
	int status;

	while (waitpid(command, &status, WNOHANG) == 0) {
		int sig = sigtimedwait(set, &info, &tick);

		if (sig > 0 && sig != SIGCHLD && info.si_code != SI_KERNEL)
			kill(command, sig);
		if ((sig == SIGTERM || sig == SIGHUP) && kill_at == INT64_MAX)
			kill_at = cli_now_ms() + GRACE_MS;
		if (cli_now_ms() >= kill_at)
			kill(command, SIGKILL);
	}
	if (kill(realm->kdc, 0) == 0 && waitpid(realm->kdc, NULL, WNOHANG) == realm->kdc)
		cli_complain("the KDC had ended before the command did");
	return cli_child_status(status);
}

static int
realm_run(const char *dir, bool is_kept, char **command)
{
	struct cli_child_options options = {.death_signal = SIGTERM};
	sigset_t set = hold_signals();
	struct cli_realm realm;
	int status;
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (!cli_realm_start(&realm, dir, is_kept))
		return CLI_EXIT_BROKEN;
	if (is_kept)
		fprintf(stderr, "baton: the realm is in %s\n", realm.dir);
	if ((pid = cli_child_start((const char *const *)command, &options)) < 0) {
		status = errno == ENOENT ? CLI_EXIT_NOT_FOUND : CLI_EXIT_NOT_RUNNABLE;
		cli_complain("cannot run %s: %s", command[0], strerror(errno));
	} else {
		status = attend(pid, &realm, &set);
	}
	cli_realm_stop(&realm);
	return status;
}

int
cli_realm(int argc, char **argv)
{
	static const struct option options[] = {
	    {"dir", required_argument, NULL, 'd'}, {"keep", no_argument, NULL, 'k'}, {"help", no_argument, NULL, 'h'}, {0}};
	const char *dir = NULL;
	bool is_kept = false;
	int c;

	while ((c = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		switch (c) {
		case 'd':
			dir = optarg;
			break;
		case 'k':
			is_kept = true;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return cli_usage("realm", "that is not an option of baton realm");
		}
	}
	if (optind == argc)
		return cli_usage("realm", "which command shall run in the realm?");
	return realm_run(dir, is_kept, argv + optind);
}
