#include "claim/guard.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

static bool (*_Atomic was_cut_of)(const void *at);

/* What was there before ours. Set before ours can be called. */
static struct sigaction before;

/* As if there were no handler: who returns from here faults again, or is sent the signal again, and this time it counts. */
static void
give_up(const siginfo_t *info)
{
	const struct sigaction usual = {.sa_handler = SIG_DFL};

	sigaction(SIGBUS, &usual, NULL);
	if (info->si_code <= 0)
		kill(getpid(), SIGBUS);
}

static void
pass_on(int number, siginfo_t *info, void *machine)
{
	if ((before.sa_flags & SA_SIGINFO) != 0)
		before.sa_sigaction(number, info, machine);
	else if (before.sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	else if (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN)
		give_up(info);
	else
		before.sa_handler(number);
}

static void
handle(int number, siginfo_t *info, void *machine)
{
	bool (*was_cut)(const void *at) = atomic_load(&was_cut_of);
	int saved = errno;
	bool is_ours = info->si_code == BUS_ADRERR && was_cut != NULL && was_cut(info->si_addr);

	errno = saved;
	if (!is_ours)
		pass_on(number, info, machine);
}

void
bt_claim_guard_on(bool (*was_cut)(const void *at))
{
	struct sigaction ours = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
	bool (*none)(const void *at) = NULL;

	if (!atomic_compare_exchange_strong(&was_cut_of, &none, was_cut) || sigaction(SIGBUS, NULL, &before) != 0)
		return;
	/* What the one before wants to be left alone by, and on which stack. */
	ours.sa_mask = before.sa_mask;
	sigaction(SIGBUS, &ours, NULL);
}
