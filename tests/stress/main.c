/*
 * siege [--seconds N] [--seed N] [--fronts N] [--workers N] [--calls N]
 *
 * Seconds may be "soak": as many as SOAK_SECONDS says, or ten minutes. The seed is also looked for in STRESS_SEED; it makes the harm the
 * same again, though not what the processes are doing at that moment.
 */
#include <err.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "stress/calls.h"
#include "support/heap.h"
#include "support/scratch.h"

enum { SHORT_S = 12, SOAK_S = 600, NUM_PHASES = 16, PHASE_MAX_S = 10, DRAIN_S = 90 };

static char claim_dir[] = "/dev/shm/baton-stress.XXXXXX";

/* Not of the clocks that are set. */
static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* front | worker, and the numbers of a struct post; last the seed */
static int
be_child(char **argv)
{
	struct post post = {atoi(argv[1]), atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), atoi(argv[5]), atoi(argv[6]), NULL};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	post.world = mmap(NULL, sizeof(struct world), PROT_READ, MAP_SHARED, post.world_fd, 0);
	if (post.world == MAP_FAILED)
		err(1, "mmap");
	srand((unsigned)atoi(argv[7]));
	clock_follow(&post.world->clock);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	if (!heap_find_library())
		errx(1, "libbaton is not loaded");
#endif
	if (strcmp(argv[0], "front") == 0)
		be_front(&post);
	else
		be_worker(&post);
	return 0;
}

static unsigned
harm_of_phase(int phase, int num_phases)
{
	/* Calm; each by itself; then as it comes. The last is calm again: whatever happened, everything works afterwards. */
	if (phase == 0 || phase == num_phases - 1)
		return 0;
	return phase <= 6 ? 1u << (phase - 1) : 1 + (unsigned)rand() % HARM_ALL;
}

static void
run(struct siege *s, struct account *account, int seconds)
{
	int num_phases = seconds < NUM_PHASES * PHASE_MAX_S ? NUM_PHASES : seconds / PHASE_MAX_S;
	int64_t begin = now_ms(), now, phase = -1, is_in;

	while ((now = now_ms()) < begin + seconds * 1000) {
		is_in = (now - begin) * num_phases / (seconds * 1000);
		if (is_in != phase) {
			phase = is_in;
			siege_relent(s);
			s->harm = harm_of_phase((int)phase, num_phases);
		}
		siege_tick(s, now);
		calls_tick(s, account, now, true);
	}
	siege_relent(s);
	while (calls_num_open() > 0 && (now = now_ms()) < begin + (seconds + DRAIN_S) * 1000) {
		siege_tick(s, now);
		calls_tick(s, account, now, false);
	}
}

static void
tell(const struct account *a, const struct toll *t)
{
	printf("%llu calls: %llu served, passed on %llu times; clients told: %llu not accepted, %llu whose process died, %llu "
	       "by a store in disorder, "
	       "%llu too late; %llu copies refused\n",
	       (unsigned long long)a->num_calls, (unsigned long long)a->num_served, (unsigned long long)a->num_passed,
	       (unsigned long long)a->num_refused, (unsigned long long)a->num_killed, (unsigned long long)a->num_store,
	       (unsigned long long)a->num_slept, (unsigned long long)a->num_too_late);
	printf("%llu killed, %llu stopped, %llu attacks on the store, clock set %llu times, "
	       "%llu times suspended\n",
	       (unsigned long long)t->num_killed, (unsigned long long)t->num_stopped, (unsigned long long)t->num_attacks,
	       (unsigned long long)t->num_clocks, (unsigned long long)t->num_suspended);
}

static int
number_of(const char *variable, int otherwise)
{
	const char *text = getenv(variable);

	return text != NULL && *text != '\0' ? atoi(text) : otherwise;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {{"seconds", 1, NULL, 's'}, {"seed", 1, NULL, 'r'},  {"fronts", 1, NULL, 'f'},
						{"workers", 1, NULL, 'w'}, {"calls", 1, NULL, 'c'}, {0}};
	int seconds = SHORT_S, seed = number_of("STRESS_SEED", (int)time(NULL)), fronts = 4, workers = 5, calls = 32, letter;
	struct account account = {0};
	struct siege s;

	if (argc == 8 && (strcmp(argv[0], "front") == 0 || strcmp(argv[0], "worker") == 0))
		return be_child(argv);
	while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (letter) {
		case 's':
			seconds = strcmp(optarg, "soak") == 0 ? number_of("SOAK_SECONDS", SOAK_S) : atoi(optarg);
			break;
		case 'r':
			seed = atoi(optarg);
			break;
		case 'f':
			fronts = atoi(optarg);
			break;
		case 'w':
			workers = atoi(optarg);
			break;
		case 'c':
			calls = atoi(optarg);
			break;
		default:
			return 2;
		}
	printf("seed %d, %d seconds\n", seed, seconds);
	fflush(stdout);
	srand((unsigned)seed);
	/* No realm is looked for, and no table but the test's. */
	setenv("KRB5_CONFIG", "/dev/null", 1);
	setenv("KRB5_KTNAME", "FILE:/proc/none", 1);
	if (scratch_dir(claim_dir) == NULL || setenv("BATON_CLAIM_DIR", claim_dir, 1) != 0)
		err(1, "%s", claim_dir);
	if (!calls_begin(calls) || !siege_begin(&s, fronts, workers, claim_dir))
		err(1, "cannot begin");
	run(&s, &account, seconds);
	siege_end(&s);
	calls_end();
	attack_remove(claim_dir);
	tell(&account, &s.toll);
	if (account.num_wrong != 0 || s.is_broken || account.num_served == 0) {
		printf("WRONG: %llu times (seed %d)\n", (unsigned long long)account.num_wrong, seed);
		return 1;
	}
	return 0;
}
