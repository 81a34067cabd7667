/*
 * demo_stage - the processes of the demo and what connects them.
 */
#ifndef BT_CLI_DEMO_STAGE_H
#define BT_CLI_DEMO_STAGE_H

#include <sys/types.h>

#include "demo.h"

enum { DEMO_MAX_FDS = 5 * DEMO_MAX_WORKERS * 2 + 8, DEMO_MAX_CAST = DEMO_MAX_WORKERS + 3 };

struct demo_stage {
	struct demo_board *board; /* shared with all */
	size_t board_len;
	int num_workers;
	int port;  /* where the front listens, on loopback */
	int story; /* the end to read from */
	bool has_stranger;
	int fds[DEMO_MAX_FDS]; /* every descriptor made here */
	int num_fds;
	struct {
		pid_t pid; /* <= 0: ended */
		char name[16];
	} cast[DEMO_MAX_CAST];
	int num_cast;
};

/*
 * cli_demo_stage_open - start everybody. num_contexts is how many will come at most; is_anonymous: they are SAnon's. False: it
 * said why.
 */
bool cli_demo_stage_open(struct demo_stage *stage, int num_workers, uint32_t num_contexts, bool is_anonymous);

/* cli_demo_stage_missing - the name of one who has died, or NULL. Each is named once. */
const char *cli_demo_stage_missing(struct demo_stage *stage);

/* cli_demo_stage_close - end everybody. Takes a stage half opened. */
void cli_demo_stage_close(struct demo_stage *stage);

#endif
