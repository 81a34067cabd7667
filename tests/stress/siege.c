#include "stress/siege.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NUM_MAX = 64, NUM_DEAD = 1 << 16, BUFFER_LEN = 4 << 20, ATTACK_MS = 40, AFTERMATH_MS = 10, STOP_MS = 50 };

extern char **environ;

static struct child {
	pid_t pid;
	bool is_front;
	int64_t resume_at; /* of a stopped one; 0: it runs */
} children[NUM_MAX];
static int num_children;

/* Those of latest death; a call does not live so long that its processes are forgotten. */
static pid_t dead[NUM_DEAD];
static uint64_t num_dead;

static const char *dir;
static int64_t next_at[6], attack_ends_at, over_since;
static bool attack_is_over;

static bool
start(struct siege *s, struct child *c)
{
	const int numbers[] = {s->post.front,	 s->post.pool_in, s->post.pool_out, s->post.direct_in, s->post.direct_out,
			       s->post.world_fd, rand()};
	enum { NUM_NUMBERS = sizeof(numbers) / sizeof(*numbers) };
	char words[NUM_NUMBERS + 1][16], *argv[NUM_NUMBERS + 2] = {words[0]};

	snprintf(words[0], sizeof(words[0]), "%s", c->is_front ? "front" : "worker");
	for (int n = 0; n < NUM_NUMBERS; n++) {
		snprintf(words[n + 1], sizeof(words[n + 1]), "%d", numbers[n]);
		argv[n + 1] = words[n + 1];
	}
	c->resume_at = 0;
	errno = posix_spawn(&c->pid, "/proc/self/exe", NULL, NULL, argv, environ);
	if (errno != 0)
		c->pid = 0;
	return errno == 0;
}

static void
enlarge(int fd)
{
	int len = BUFFER_LEN;

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &len, sizeof(len));
}

bool
siege_begin(struct siege *s, int num_fronts, int num_workers, const char *claim_dir)
{
	int front[2], pool[2], direct[2], world;

	*s = (struct siege){0};
	dir = claim_dir;
	num_children = num_fronts + num_workers;
	if (num_children > NUM_MAX) {
		errno = E2BIG;
		return false;
	}
	/* These are for the children, to whom they go by number; but for the way in at the front. */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, front) != 0 || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pool) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, direct) != 0 || (world = memfd_create("world", 0)) < 0 ||
	    ftruncate(world, sizeof(struct world)) != 0)
		return false;
	fcntl(front[0], F_SETFD, FD_CLOEXEC);
	enlarge(front[0]);
	enlarge(pool[0]);
	s->front_in = front[0];
	s->post = (struct post){front[1], pool[0], pool[1], direct[0], direct[1], world, NULL};
	s->post.world = mmap(NULL, sizeof(struct world), PROT_READ | PROT_WRITE, MAP_SHARED, world, 0);
	if (s->post.world == MAP_FAILED)
		return false;
	for (int n = 0; n < num_children; n++) {
		children[n].is_front = n < num_fronts;
		if (!start(s, &children[n]))
			return false;
	}
	return true;
}

static void
bury(struct siege *s, struct child *c, int status)
{
	dead[num_dead++ % NUM_DEAD] = c->pid;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
		s->toll.num_killed++;
	} else {
		fprintf(stderr, "a %s ended by itself: status %x\n", c->is_front ? "front" : "worker", (unsigned)status);
		s->is_broken = true;
	}
	c->pid = 0;
}

static void
replace_dead(struct siege *s)
{
	int status;

	for (struct child *c = children; c < children + num_children; c++) {
		if (c->pid > 0 && waitpid(c->pid, &status, WNOHANG) == c->pid)
			bury(s, c, status);
		if (c->pid == 0)
			start(s, c);
	}
}

bool
siege_has_died(pid_t pid)
{
	for (uint64_t n = num_dead; n > 0 && num_dead - n < NUM_DEAD; n--)
		if (dead[(n - 1) % NUM_DEAD] == pid)
			return true;
	return false;
}

struct toll
siege_toll(const struct siege *s)
{
	struct toll toll = s->toll;

	toll.num_attacks -= attack_ends_at != 0;
	toll.num_unlucky -= s->post.world->alloc_percent != 0;
	return toll;
}

static void
kill_one(void)
{
	struct child *c = &children[rand() % num_children];

	if (c->pid > 0)
		kill(c->pid, SIGKILL);
}

static void
resume_due(int64_t now_ms)
{
	for (struct child *c = children; c < children + num_children; c++)
		if (c->resume_at != 0 && now_ms >= c->resume_at) {
			c->resume_at = 0;
			if (c->pid > 0)
				kill(c->pid, SIGCONT);
		}
}

static void
stop_one(struct siege *s, int64_t now_ms)
{
	struct child *c = &children[rand() % num_children];

	if (c->pid > 0 && c->resume_at == 0 && kill(c->pid, SIGSTOP) == 0) {
		c->resume_at = now_ms + 1 + rand() % STOP_MS;
		s->toll.num_stopped++;
	}
}

static void
suspend_host(struct siege *s)
{
	static const int naps_s[] = {1, 6, 60, 660, 7200, 864000};

	for (struct child *c = children; c < children + num_children; c++)
		if (c->pid > 0)
			kill(c->pid, SIGSTOP);
	s->post.world->clock.boot_s += naps_s[rand() % 6];
	s->toll.num_suspended++;
	for (struct child *c = children; c < children + num_children; c++)
		if (c->pid > 0 && c->resume_at == 0)
			kill(c->pid, SIGCONT);
}

static void
set_clock(struct siege *s)
{
	static const int64_t year_s = 365 * 86400;

	s->post.world->clock.wall_s = rand() % (20 * year_s) - 10 * year_s;
	s->toll.num_clocks++;
}

static void
attack_store(struct siege *s, int64_t now_ms)
{
	bool is_cut;

	if (attack_ends_at != 0)
		return;
	s->toll.num_attacks++;
	attack_begin(dir, &is_cut);
	s->toll.num_cuts += is_cut;
	attack_ends_at = now_ms + rand() % ATTACK_MS;
	attack_is_over = false;
}

static void
end_attack(struct siege *s, int64_t now_ms)
{
	if (attack_ends_at == 0 || now_ms < attack_ends_at)
		return;
	if (!attack_is_over) {
		attack_end(dir);
		attack_is_over = true;
		over_since = 0;
		return;
	}
	/*
	 * What it did is felt for a moment longer: processes look at the table once a millisecond. The moment begins with a tick
	 * that is later than the end, for this program is kept waiting, too.
	 */
	if (over_since == 0 || over_since > now_ms)
		over_since = now_ms;
	if (now_ms - over_since < AFTERMATH_MS)
		return;
	s->toll.num_attacks++;
	attack_ends_at = 0;
}

/* Is a harm of this kind due, once in so many milliseconds on average? */
static bool
is_due(const struct siege *s, enum harm kind, int64_t now_ms, int every_ms)
{
	int64_t *at = &next_at[__builtin_ctz(kind)];

	if ((s->harm & kind) == 0 || now_ms < *at)
		return false;
	*at = now_ms + rand() % (2 * every_ms);
	return true;
}

void
siege_tick(struct siege *s, int64_t now_ms)
{
	uint32_t percent = (s->harm & HARM_ALLOC) != 0 ? 30 : 0;

	if (s->post.world->alloc_percent != percent) {
		s->post.world->alloc_percent = percent;
		s->toll.num_unlucky++;
	}
	resume_due(now_ms);
	end_attack(s, now_ms);
	if (is_due(s, HARM_KILL, now_ms, 20))
		kill_one();
	if (is_due(s, HARM_STOP, now_ms, 10))
		stop_one(s, now_ms);
	if (is_due(s, HARM_STORE, now_ms, 30))
		attack_store(s, now_ms);
	if (is_due(s, HARM_CLOCK, now_ms, 5))
		set_clock(s);
	if (is_due(s, HARM_SUSPEND, now_ms, 100))
		suspend_host(s);
	replace_dead(s);
}

void
siege_relent(struct siege *s)
{
	s->harm = 0;
	siege_tick(s, INT64_MAX);
}

void
siege_end(struct siege *s)
{
	int status;

	for (struct child *c = children; c < children + num_children; c++)
		if (c->pid > 0) {
			kill(c->pid, SIGKILL);
			if (waitpid(c->pid, &status, 0) == c->pid)
				bury(s, c, status);
		}
	close(s->front_in);
	close(s->post.front);
	close(s->post.pool_in);
	close(s->post.pool_out);
	close(s->post.direct_in);
	close(s->post.direct_out);
	close(s->post.world_fd);
	munmap(s->post.world, sizeof(struct world));
}
