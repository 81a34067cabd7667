#include "demo_stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "cli.h"

/* Ends of everything, until each process keeps its own. */
struct wiring {
	int listener, story;
	int inbox[DEMO_MAX_WORKERS][2]; /* a packet socket a worker: [0] it reads, [1] the others write */
	int thief[DEMO_MAX_WORKERS][2]; /* [0] the worker's, [1] the thief's */
	int stranger[DEMO_MAX_WORKERS][2];
};

static int
keep(struct demo_stage *stage, int fd)
{
	if (fd >= 0)
		stage->fds[stage->num_fds++] = fd;
	return fd;
}

static bool
make_pair(struct demo_stage *stage, int pair[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return false;
	keep(stage, pair[0]);
	keep(stage, pair[1]);
	return true;
}

static bool
make_listener(struct demo_stage *stage, struct wiring *wiring)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	int fd = keep(stage, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 || listen(fd, 128) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) != 0)
		return false;
	wiring->listener = fd;
	stage->port = ntohs(at.sin_port);
	return true;
}

static bool
make_wiring(struct demo_stage *stage, struct wiring *wiring)
{
	int story[2];

	if (pipe2(story, O_CLOEXEC) != 0)
		return false;
	stage->story = keep(stage, story[0]);
	wiring->story = keep(stage, story[1]);
	if (!make_listener(stage, wiring))
		return false;
	for (int i = 0; i < stage->num_workers; i++)
		if (!make_pair(stage, wiring->inbox[i]) || !make_pair(stage, wiring->thief[i]) ||
		    !make_pair(stage, wiring->stranger[i]))
			return false;
	return true;
}

static bool
make_board(struct demo_stage *stage, uint32_t num_contexts, bool is_anonymous)
{
	uint32_t cap = num_contexts * DEMO_NUM_TURNS;
	size_t len = sizeof *stage->board + 2 * (size_t)cap * sizeof(uint32_t);
	void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return false;
	stage->board = at;
	stage->board_len = len;
	stage->board->is_anonymous = is_anonymous;
	stage->board->cap = cap;
	stage->board->handover_ns = (uint32_t *)(stage->board + 1);
	stage->board->token_len = stage->board->handover_ns + cap;
	return true;
}

static bool
has(const struct demo_cast *cast, int fd)
{
	if (fd == cast->story || fd == cast->listener || fd == cast->inbox || fd == cast->to_thief || fd == cast->to_stranger)
		return true;
	for (int i = 0; i < cast->num_workers; i++)
		if (fd == cast->to_worker[i] || fd == cast->from_worker[i])
			return true;
	return false;
}

/* For good, saved ids too. */
static bool
become_stranger(void)
{
	return setgroups(0, NULL) == 0 && setresgid(DEMO_STRANGER_UID, DEMO_STRANGER_UID, DEMO_STRANGER_UID) == 0 &&
	       setresuid(DEMO_STRANGER_UID, DEMO_STRANGER_UID, DEMO_STRANGER_UID) == 0 && chdir("/") == 0;
}

/* Fork one of the cast. is_stranger: it becomes another user first; false if it may not. */
static bool
start(struct demo_stage *stage, const struct demo_cast *cast, void (*play)(const struct demo_cast *), bool is_stranger)
{
	pid_t parent = getpid(), pid;
	char is_ready = 0;
	sigset_t none;
	int ready[2];

	if (pipe2(ready, O_CLOEXEC) != 0 || (pid = fork()) < 0)
		return false;
	if (pid == 0) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		if (is_stranger && !become_stranger())
			_exit(1);
		/* After the change of user, which resets it. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		for (int i = 0; i < stage->num_fds; i++)
			if (!has(cast, stage->fds[i]))
				close(stage->fds[i]);
		if (write(ready[1], "!", 1) != 1)
			_exit(1);
		play(cast);
	}
	close(ready[1]);
	if (read(ready[0], &is_ready, 1) != 1)
		waitpid(pid, NULL, 0);
	close(ready[0]);
	if (!is_ready)
		return false;
	stage->cast[stage->num_cast].pid = pid;
	snprintf(stage->cast[stage->num_cast].name, sizeof stage->cast[0].name, "%s", cast->name);
	stage->num_cast++;
	return true;
}

static struct demo_cast
nobody(const struct demo_stage *stage, const struct wiring *wiring, const char *name)
{
	struct demo_cast cast = {
	    .board = stage->board, .name = name, .story = wiring->story, .num_workers = stage->num_workers};

	cast.listener = cast.inbox = cast.to_thief = cast.to_stranger = -1;
	for (int i = 0; i < DEMO_MAX_WORKERS; i++)
		cast.to_worker[i] = cast.from_worker[i] = -1;
	return cast;
}

static bool
start_all(struct demo_stage *stage, const struct wiring *wiring)
{
	struct demo_cast cast = nobody(stage, wiring, "front");
	char name[24];

	cast.listener = wiring->listener;
	for (int i = 0; i < stage->num_workers; i++)
		cast.to_worker[i] = wiring->inbox[i][1];
	if (!start(stage, &cast, cli_demo_front, false))
		return false;
	cast.listener = -1;
	for (int i = 0; i < stage->num_workers; i++) {
		snprintf(name, sizeof name, "worker %d", i + 1);
		cast.name = name;
		cast.me = i;
		cast.inbox = wiring->inbox[i][0];
		cast.to_thief = wiring->thief[i][0];
		cast.to_stranger = wiring->stranger[i][0];
		if (!start(stage, &cast, cli_demo_worker, false))
			return false;
	}
	cast = nobody(stage, wiring, "thief");
	for (int i = 0; i < stage->num_workers; i++)
		cast.from_worker[i] = wiring->thief[i][1];
	if (!start(stage, &cast, cli_demo_thief, false))
		return false;
	cast = nobody(stage, wiring, "stranger");
	for (int i = 0; i < stage->num_workers; i++)
		cast.from_worker[i] = wiring->stranger[i][1];
	stage->has_stranger = geteuid() == 0 && start(stage, &cast, cli_demo_thief, true);
	return true;
}

bool
cli_demo_stage_open(struct demo_stage *stage, int num_workers, uint32_t num_contexts, bool is_anonymous)
{
	struct wiring wiring;

	*stage = (struct demo_stage){.num_workers = num_workers, .story = -1};
	if (!make_board(stage, num_contexts, is_anonymous) || !make_wiring(stage, &wiring) || !start_all(stage, &wiring)) {
		cli_complain("the demo's processes could not be started: %s", strerror(errno));
		return false;
	}
	/* The director keeps the story alone, so that each end is held by the two it connects. */
	for (int i = 0; i < stage->num_fds; i++)
		if (stage->fds[i] != stage->story)
			close(stage->fds[i]);
	stage->fds[0] = stage->story;
	stage->num_fds = 1;
	return true;
}

const char *
cli_demo_stage_missing(struct demo_stage *stage)
{
	for (int i = 0; i < stage->num_cast; i++) {
		if (stage->cast[i].pid > 0 && waitpid(stage->cast[i].pid, NULL, WNOHANG) == stage->cast[i].pid) {
			stage->cast[i].pid = -1;
			return stage->cast[i].name;
		}
	}
	return NULL;
}

void
cli_demo_stage_close(struct demo_stage *stage)
{
	for (int i = 0; i < stage->num_cast; i++)
		cli_child_end(stage->cast[i].pid);
	for (int i = 0; i < stage->num_fds; i++)
		close(stage->fds[i]);
	if (stage->board != NULL)
		munmap(stage->board, stage->board_len);
	*stage = (struct demo_stage){.story = -1};
}
