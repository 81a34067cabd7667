/*
 * stress - a server under siege: fronts accept contexts and hand them to workers, and everything that can happen to a host happens.
 *
 * The program has one process that stays, the accountant. It plays all clients, starts the others, and does them harm. For every call of a
 * client there is a socket pair; one end wanders with the context from process to process, and who holds it says on it what it is about
 * to do and what came of it. So the accountant can prove of each call that its context was served once, or that the client was
 * told (the connection closed, or a refusal), and that there was a reason.
 *
 * Contexts are SAnon's: no realm is needed. Clients answer on the same library, which does not matter here.
 */
#ifndef BATON_TESTS_STRESS_H
#define BATON_TESTS_STRESS_H

#include <gssapi/gssapi.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "support/clock.h"

enum {
	NOTE_MAX = 8192, /* bytes on a connection or between fronts and workers */
	NUM_RETRIES_MAX = 20000,
	PATIENCE_S = 60, /* for a call, when everybody may run */
};

/* What the holders of a connection say on it. */
enum note_kind {
	NOTE_RECEIVED = 1, /* a front has the connection */
	NOTE_REFUSED,	   /* the front does not accept: the statuses of gss_accept_sec_context */
	NOTE_ACCEPTED,	   /* and the bytes for the client */
	NOTE_STUCK,	   /* every export failed, with the statuses of the last */
	NOTE_HANDED,	   /* exported; copies of the token are about to be sent: their number. Or one was sent and received */
	NOTE_TRYING,	   /* a process has a copy and will import it, or has the context */
	NOTE_LOST,	   /* it may not: the statuses of the last gss_import_sec_context, and a text */
	NOTE_PASSED,	   /* imported, and exported again: NOTE_HANDED follows */
	NOTE_SERVED,	   /* imported, and the client's message answered: the answer */
	NOTE_BROKEN,	   /* what must not be: a text */
};

struct note {
	uint32_t kind;
	int32_t pid;
	uint32_t major, minor, num;
	uint8_t bytes[NOTE_MAX];
};

/* Shared by all processes; the accountant writes. */
struct world {
	struct clock_ahead clock;
	_Atomic uint32_t alloc_percent; /* of the calls of the library, in each of which one allocation fails */
};

/* The ends of the common sockets that a child is given. */
struct post {
	int front;		   /* connections, to be accepted */
	int pool_in, pool_out;	   /* tokens, by the program's own means */
	int direct_in, direct_out; /* contexts, by baton_send_sec_context; they do not wait */
	int world_fd;
	struct world *world;
};

/* mail.c: a note and perhaps a descriptor. */

/* mail_send - 0, or errno; fd -1: none. Waits while there is no room unless flags say otherwise. */
int mail_send(int to, const struct note *note, size_t num_bytes, int fd, int flags);

/* mail_receive - 0, or -1 with errno, which is ENOTCONN if nobody is left at the other end. The descriptor is -1 if none came with it, and the caller's to close. */
int mail_receive(int from, struct note *note, size_t *num_bytes, int *fd, int flags);

extern gss_OID_desc sanon;
extern gss_OID_set_desc only_sanon;

/* front.c, worker.c: accept contexts, and serve them, until the accountant is gone. */
void be_front(const struct post *post);
void be_worker(const struct post *post);

/* hold.c: what a process does with a context that it holds, and with a copy of a token. The connection stays the caller's. */
void pass_on(const struct post *post, int conn, gss_ctx_id_t ctx); /* takes ctx */
void try_token(const struct post *post, int conn, const uint8_t *token, size_t len);
void receive_one(const struct post *post); /* with its connection, if there is one to be received */
void say(int conn, enum note_kind kind, OM_uint32 major, OM_uint32 minor, uint32_t num, const void *bytes, size_t len);

/* plain_minor - ENOMEM, if that is what a minor status means. */
OM_uint32 plain_minor(OM_uint32 minor);

/* One of the allocations of the call that follows may be going to fail; and after the call. */
void bad_luck(const struct post *post);
void good_luck(void);

#endif
