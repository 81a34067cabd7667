/*
 * demo - what the processes of `baton demo` share.
 *
 * The director (demo.c) starts a realm, a front, some workers, a thief and, as root, a stranger; clients are another program, on another
 * library. A context is accepted in the front, exported, and passed with the client's connection from worker to worker, each of
 * which serves one turn. The processes count on one board in shared memory and tell the first context's story through one pipe.
 * The anonymous demo has no realm: its contexts are SAnon's, and its clients run on Baton too.
 */
#ifndef BT_CLI_DEMO_H
#define BT_CLI_DEMO_H

#include <gssapi/gssapi.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DEMO_NUM_TURNS = 3, /* workers that a context visits */
	DEMO_MAX_WORKERS = 64,
	DEMO_TOKEN_MAX = 16384,	 /* bytes; a token with a large PAC has a few thousand */
	DEMO_MESSAGE_MAX = 1024, /* bytes of a protected message */
	DEMO_STRANGER_UID = 65534,
	DEMO_PATIENCE_S = 30,	/* for any one message */
	DEMO_MAX_TROUBLES = 20, /* told; the rest are counted */
};

enum demo_act { DEMO_ACT_STORY, DEMO_ACT_MANY, DEMO_ACT_RACE, DEMO_ACT_STRANGER };

/* What a token is tried with by one who should not get in. */
enum demo_crime { DEMO_REPLAY, DEMO_ALTER, DEMO_STRANGER, DEMO_RACE, DEMO_NUM_CRIMES };

/* What an import answered. */
enum demo_verdict { DEMO_LET_IN, DEMO_USED, DEMO_ALTERED, DEMO_NOT_ALLOWED, DEMO_REFUSED_OTHERWISE };

struct demo_board {
	_Atomic uint32_t act;
	_Atomic uint32_t num_accepted, num_handovers, num_messages, num_old_known, num_lost, num_troubles;
	_Atomic uint32_t num_tried[DEMO_NUM_CRIMES], num_refused[DEMO_NUM_CRIMES], num_let_in[DEMO_NUM_CRIMES];
	_Atomic uint32_t num_races_to_thief, num_replays_due;
	_Atomic uint32_t num_samples, num_tokens;
	bool is_anonymous; /* set before anybody starts */
	uint32_t cap;
	uint32_t *handover_ns; /* num_samples of them, cap at most; shared like the board */
	uint32_t *token_len;   /* num_tokens of them */
};

/* One process of the demo, as it sees the others. Descriptors that it does not have are -1. */
struct demo_cast {
	struct demo_board *board;
	const char *name; /* "worker 2", for the story */
	int story;	  /* lines go here */
	int num_workers;
	int me;				   /* which worker this is */
	int listener;			   /* the front's */
	int to_worker[DEMO_MAX_WORKERS];   /* the front's and the workers' */
	int inbox;			   /* a worker's */
	int to_thief, to_stranger;	   /* a worker's */
	int from_worker[DEMO_MAX_WORKERS]; /* the thief's and the stranger's */
};

/* The processes. None returns. */
_Noreturn void cli_demo_front(const struct demo_cast *cast);
_Noreturn void cli_demo_worker(const struct demo_cast *cast);
_Noreturn void cli_demo_thief(const struct demo_cast *cast);

/* ---- demo_link.c: what they say to each other ---- */

/* A context on its way to a worker; the client's connection travels beside it. */
struct demo_pass {
	int64_t export_began_ns;
	uint32_t context, turn, act;
	uint32_t is_told; /* its story is told line by line */
	uint32_t token_len, old_len;
	uint8_t token[DEMO_TOKEN_MAX];
	uint8_t old[DEMO_MESSAGE_MAX]; /* a message of the turn before, which must be known as such */
};

/* A token on its way to the thief or the stranger. */
struct demo_theft {
	int64_t go_at_ns; /* of a race */
	uint32_t crime;
	uint32_t is_awaited; /* an answer (uint32_t, enum demo_verdict) is expected */
	uint32_t is_told;
	uint32_t token_len;
	uint8_t token[DEMO_TOKEN_MAX];
};

bool cli_demo_pass_send(int link, const struct demo_pass *pass, int connection);
bool cli_demo_pass_receive(int link, struct demo_pass *pass, int *connection);
bool cli_demo_theft_send(int link, const struct demo_theft *theft);
bool cli_demo_theft_receive(int link, struct demo_theft *theft);

/* To and from a client: a length of four bytes, big-endian, and so many bytes. */
bool cli_demo_frame_send(int connection, const void *bytes, size_t len);
bool cli_demo_frame_receive(int connection, void *bytes, size_t cap, size_t *len);

/* cli_demo_tell - a line of the story: who, and what happened. */
void cli_demo_tell(const struct demo_cast *cast, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* cli_demo_trouble - count and tell what must not happen. */
void cli_demo_trouble(const struct demo_cast *cast, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* cli_demo_import - take a token as its bearer; *ctx is GSS_C_NO_CONTEXT unless it was let in; why is what the library says of a refusal. */
enum demo_verdict cli_demo_import(const uint8_t *token, size_t len, gss_ctx_id_t *ctx, char why[static 160]);

/* cli_demo_export_to - export *ctx into the pass; then *ctx is gone. False: why says so and the context is still there. */
bool cli_demo_export_to(gss_ctx_id_t *ctx, struct demo_pass *pass, char why[static 160]);

/* cli_demo_status - both texts of a failure. */
void cli_demo_status(OM_uint32 major, OM_uint32 minor, char out[static 160]);

int64_t cli_demo_now_ns(void);

/* ---- demo_report.c ---- */

struct demo_result {
	uint32_t num_contexts; /* asked for */
	uint32_t num_served;   /* ended well, as the clients say */
	uint32_t num_workers;
	uint32_t num_races;
	bool has_stranger;
	int64_t elapsed_ms; /* of the act with many contexts */
	uint32_t num_timed; /* contexts in that act */
};

/* cli_demo_report - the table, or one JSON object. True if nothing was lost and nobody let in. */
bool cli_demo_report(const struct demo_board *board, const struct demo_result *result, bool is_json);

/* cli_demo_is_sound - the same answer without the table. */
bool cli_demo_is_sound(const struct demo_board *board, const struct demo_result *result);

#endif
