/*
 * event - telling operators what happens to contexts that are handed on.
 *
 * Who moves a context tells what came of it, after the fact and when no secret is left in its hands. Nobody listens most of the
 * time: then it costs one load and a branch. Who may listen: a function of the program's (gss/audit.c), a file (BATON_TRACE),
 * syslog (a setting), and probes in the program that a tracer can look at. None of them gets a key, a name of a user, or a state.
 *
 * Any thread may tell. A listener is called with no lock held and may use the library; what it causes itself is not told to it.
 * errno and the notes of the telling thread (base/err.h) are as they were, as far as the listener leaves them.
 */
#ifndef BT_TRANSFER_EVENT_H
#define BT_TRANSFER_EVENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "transfer/seal.h"

/* The numbers are public: BATON_EVENT_* in <baton/baton.h>. */
enum bt_transfer_event {
	BT_TRANSFER_EXPORTED = 1,
	BT_TRANSFER_NOT_EXPORTED = 2, /* the context stays where it is; err says why */
	BT_TRANSFER_IMPORTED = 3,
	BT_TRANSFER_REFUSED = 4, /* an import, or a receipt; err says why */
	BT_TRANSFER_EXPIRED = 5, /* nobody came for them in time: noticed now, by whoever sweeps */
	BT_TRANSFER_SENT = 6,
	BT_TRANSFER_NOT_SENT = 7, /* the context stays where it is; err says why */
	BT_TRANSFER_RECEIVED = 8,
	BT_TRANSFER_TAKEN_BACK = 9,
	BT_TRANSFER_LOST = 10, /* used first on the other side of a fork */
};

enum { BT_TRANSFER_NUM_EVENTS = 10 };

/* Whether somebody listens. The first two bytes are counted up by tracers, from outside; event.c explains the rest. */
extern __attribute__((visibility("hidden"))) _Atomic uint32_t bt_transfer_ears;

/* bt_transfer_tell_ears - bt_transfer_tell, where somebody does. */
void bt_transfer_tell_ears(enum bt_transfer_event event, int err, struct bt_bytes oid, const struct bt_seal_header *header);

/*
 * bt_transfer_tell - something happened to a context.
 *   err      why not, or 0
 *   oid      of its mechanism, as in tokens; empty if that is not known. Not trusted, and only printed
 *   header   of its token; NULL if there is none. Not trusted either
 */
static inline void
bt_transfer_tell(enum bt_transfer_event event, int err, struct bt_bytes oid, const struct bt_seal_header *header)
{
	if (__builtin_expect(atomic_load_explicit(&bt_transfer_ears, memory_order_relaxed) != 0, 0))
		bt_transfer_tell_ears(event, err, oid, header);
}

/* An event as listeners get it: texts are printable, end with NUL, and live as long as the call. "" is not known. */
struct bt_transfer_news {
	enum bt_transfer_event event;
	int err;
	const char *name;      /* "exported" */
	const char *reason;    /* of err */
	struct bt_bytes oid;   /* of the mechanism, as it was told */
	const char *mechanism; /* "1.2.840.113554.1.2.2" */
	const char *audience;
	const char *claim; /* which token: the same in all processes, and no secret */
	uint32_t num;	   /* how many; 1 but for EXPIRED */
	uint32_t uid;	   /* of this process, effective */
	int32_t pid;
	int64_t at_ms; /* milliseconds since 1970 */
};

/* bt_transfer_listen - have fn called with all that is told from now on; NULL: no more. There is one such function. */
void bt_transfer_listen(void (*fn)(const struct bt_transfer_news *news));

/* bt_transfer_log - whether syslog gets them, by the settings. */
void bt_transfer_log(bool is_wanted);

#endif
