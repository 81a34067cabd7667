/*
 * child - programs that the baton program starts. All of them die with it.
 */
#ifndef BT_CLI_CHILD_H
#define BT_CLI_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cli_child_options {
	const char *input;  /* what it reads from standard input; NULL: inherited; "": nothing */
	const char *output; /* the file that its output and errors are appended to; NULL: inherited */
	int output_fd;	    /* or where its output alone goes; 0: see above */
	int death_signal;   /* what it gets when the starting thread dies */
};

/*
 * cli_child_start - fork and exec argv[0], looked up in PATH and then in the system directories that only root has in PATH.
 * The child starts with no signal blocked. Returns its pid, or -1 with errno (of exec too).
 */
pid_t cli_child_start(const char *const argv[], const struct cli_child_options *options);

/* cli_child_run - start argv, wait at most limit_ms. True if it ended with 0; a child over its time is killed. */
bool cli_child_run(const char *const argv[], const struct cli_child_options *options, int64_t limit_ms);

/* cli_child_end - SIGTERM, a second's patience, SIGKILL, and wait. pid <= 0: nothing. */
void cli_child_end(pid_t pid);

/* cli_child_status - what a shell would say of a status from wait(2): the exit code, or 128 + signal. */
int cli_child_status(int status);

/* Milliseconds on a clock that never jumps; and a pause. */
int64_t cli_now_ms(void);
void cli_pause_ms(int64_t ms);

#endif
