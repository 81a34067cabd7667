/*
 * drive - starting peers (peer.h) and making contexts between them.
 *
 * A call sends a request and waits for the answer; results are then read in their order with drive_u32 and drive_blob, which are views
 * good until the next call to that peer. A peer that dies fails the test, unless the test says that it may. The paths of the peers are in
 * the environment: PEER_MIT, PEER_BATON.
 */
#ifndef BATON_TESTS_DRIVE_H
#define BATON_TESTS_DRIVE_H

#include "support/frame.h"
#include "support/peer.h"

#include <sys/types.h>

/* The parts of RFC 2744 that a driver speaks of; it has no GSS header. */
enum {
	DELEG = 1, MUTUAL = 2, REPLAY = 4, SEQUENCE = 8, CONF = 0x10, INTEG = 0x20, PROT_READY = 0x80, TRANS = 0x100,
	CHANNEL_BOUND = 0x800, DCE_STYLE = 0x1000,

	COMPLETE = 0, CONTINUE_NEEDED = 1, DUPLICATE = 2, OLD = 4, UNSEQ = 8, GAP = 16,
	BAD_MECH = 1 << 16, BAD_BINDINGS = 4 << 16, BAD_MIC = 6 << 16, NO_CRED = 7 << 16, NO_CONTEXT = 8 << 16, DEFECTIVE_TOKEN = 9 << 16,
	CREDENTIALS_EXPIRED = 11 << 16, CONTEXT_EXPIRED = 12 << 16, FAILURE = 13 << 16, UNAUTHORIZED = 15 << 16, UNAVAILABLE = 16 << 16,
	CALL_BITS = (int)0xff000000, ROUTINE_BITS = 0x00ff0000,

	IOV_EMPTY = 0, IOV_DATA = 1, IOV_HEADER = 2, IOV_TRAILER = 7, IOV_PADDING = 9, IOV_STREAM = 10, IOV_SIGN_ONLY = 11,
	IOV_ALLOCATE = 0x10000, IOV_ALLOCATED = 0x20000,

	USAGE_BOTH = 0, USAGE_INITIATE = 1, USAGE_ACCEPT = 2
};

struct peer {
	const char *lib; /* "mit" or "baton" */
	pid_t pid;
	int fd;
	struct frame request, answer;
	uint32_t major, minor; /* of the last call */
};

/* peer_start - lib is "mit" or "baton"; env, if not NULL, is a list of NAME=VALUE ending with NULL. */
struct peer *peer_start(const char *lib, const char *const *env);

/* peer_stop - ends it and fails the test unless it ended well. NULL is taken. */
void peer_stop(struct peer *p);

/* peer_kill - with SIGKILL. */
void peer_kill(struct peer *p);

/* peer_call - form has a letter for each argument: u (uint32_t), b (const void *, size_t), s (const char *). Returns the major status. */
uint32_t peer_call(struct peer *p, enum peer_op op, const char *form, ...);

/* peer_send - the same with a request that the caller has put together in p->request. */
uint32_t peer_send(struct peer *p);

/* peer_u32, peer_blob - the next result. */
uint32_t peer_u32(struct peer *p);
struct blob peer_blob(struct peer *p);

/* blob_keep - a copy on the heap that outlives the next call; free(3) its bytes through blob_drop. */
struct blob blob_keep(struct blob b);
void blob_drop(struct blob *b);
bool blob_is(struct blob b, const void *at, size_t len);

/* What to establish. All zero: the default credentials, for the service "host", no flags. */
struct setup {
	const char *service;            /* "enc17" .. "enc20", also 16, 23, 25, 26, or "host", on server.baton.test */
	bool negotiates;                /* by SPNEGO */
	bool is_iakerb;                 /* by IAKERB */
	uint32_t flags;
	const char *bindings_i, *bindings_a; /* NULL: none */
	uint32_t lifetime;
	uint32_t cred_i, cred_a;        /* number + 1, or 0 for the default */
};

/* An established context, or what came of it. */
struct ends {
	struct peer *i, *a;
	uint32_t ctx_i, ctx_a;
	uint32_t major_i, minor_i, major_a, minor_a; /* of the last step of each */
	uint32_t flags_i, flags_a, time_i, time_a;
	uint32_t delegated;      /* credential of the acceptor, or PEER_NONE */
	uint32_t legs;           /* tokens that went over */
	char source[256];
	struct blob token;       /* the last one; blob_drop */
};

/* One step of each side. Both return the major status; the token made is in e->token. */
uint32_t step_init(struct ends *e, const struct setup *s);
uint32_t step_accept(struct ends *e, const struct setup *s);

/* ends_begin - nothing is established yet. ends_try - goes on until both are done or one failed. ends_make - fails the test unless it works. */
void ends_begin(struct ends *e, struct peer *i, struct peer *a);
void ends_try(struct ends *e, const struct setup *s, struct peer *i, struct peer *a);
void ends_make(struct ends *e, const struct setup *s, struct peer *i, struct peer *a);
void ends_delete(struct ends *e);

/* One message from one context to another; the statuses of the receiver come back, the text is compared. */
uint32_t say_wrap(struct peer *from, uint32_t ctx_from, struct peer *to, uint32_t ctx_to, bool conf, const void *text, size_t len);
uint32_t say_mic(struct peer *from, uint32_t ctx_from, struct peer *to, uint32_t ctx_to, const void *text, size_t len);

/* ends_speak - a wrapped message and a MIC in each direction, all of which must be well. */
void ends_speak(struct ends *e);

/*
 * prefer_enctype - a NAME=VALUE for peer_start: KRB5_CONFIG with that enctype before all others, so that an acceptor chooses it for its
 * subkey. Heap; the file is in the realm's directory.
 */
char *prefer_enctype(int enctype);

/* session_key - what GSS_C_INQ_SSPI_SESSION_KEY says: the key (blob_drop) and its enctype. */
struct blob session_key(struct peer *p, uint32_t ctx, int *enctype);

/* status_text - both texts of a peer's last failure, for a test's message; static storage. */
const char *status_text(struct peer *p);

#endif
