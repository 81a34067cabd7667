#include "transfer/event.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/oid.h"
#include "claim/claim.h"
#include "transfer/settings.h"
#include "transfer/sinks.h"

/*
 * Two halves, so that one load asks for both. The first in memory is the counter of the probes: the kernel adds to it, in this process's
 * memory, for each tracer that comes, and takes away again. The second is ours.
 */
enum ear {
	UNASKED = 1, /* nobody looked at the environment yet */
	PROGRAM = 2,
	TRACE = 4,
	SYSLOG = 8,
};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { OURS_SHIFT = 16 };
#else
enum { OURS_SHIFT = 0 };
#endif

/* In the section where tracers expect their counters. */
__attribute__((section(".probes"), aligned(4))) _Atomic uint32_t bt_transfer_ears = (uint32_t)UNASKED << OURS_SHIFT;

static _Atomic(void (*)(const struct bt_transfer_news *)) program_fn;

/* The program's function runs in this thread: what it does itself is not told to it again. */
static _Thread_local bool is_in_program;

static void
set_ear(enum ear ear, bool is_open)
{
	uint32_t bit = (uint32_t)ear << OURS_SHIFT;

	if (is_open)
		atomic_fetch_or(&bt_transfer_ears, bit);
	else
		atomic_fetch_and(&bt_transfer_ears, ~bit);
}

/* The first to tell anything, whoever listens. An export has looked at the settings; who only imports asks for them here. */
static void
ask(void)
{
	const struct bt_settings *settings;

	bt_transfer_settings_now(&settings);
	set_ear(TRACE, bt_transfer_trace_is_wanted());
	set_ear(UNASKED, false);
}

static bool
is_heard_by(enum ear ear)
{
	return (atomic_load_explicit(&bt_transfer_ears, memory_order_relaxed) >> OURS_SHIFT & (uint32_t)ear) != 0;
}

void
bt_transfer_listen(void (*fn)(const struct bt_transfer_news *news))
{
	atomic_store(&program_fn, fn);
	set_ear(PROGRAM, fn != NULL);
}

void
bt_transfer_log(bool is_wanted)
{
	if (is_wanted != is_heard_by(SYSLOG))
		set_ear(SYSLOG, is_wanted);
}

static const char *const names[] = {
    [BT_TRANSFER_EXPORTED] = "exported",
    [BT_TRANSFER_NOT_EXPORTED] = "not-exported",
    [BT_TRANSFER_IMPORTED] = "imported",
    [BT_TRANSFER_REFUSED] = "refused",
    [BT_TRANSFER_EXPIRED] = "expired",
    [BT_TRANSFER_SENT] = "sent",
    [BT_TRANSFER_NOT_SENT] = "not-sent",
    [BT_TRANSFER_RECEIVED] = "received",
    [BT_TRANSFER_TAKEN_BACK] = "taken-back",
    [BT_TRANSFER_LOST] = "lost",
};
_Static_assert(sizeof names / sizeof names[0] == BT_TRANSFER_NUM_EVENTS + 1, "a name for each");

const char *
bt_transfer_event_name(enum bt_transfer_event event)
{
	return names[event];
}

/* Notes name files, and a file's name may be anything. */
static void
copy_printable(char *to, size_t cap, const char *from)
{
	size_t i = 0;

	for (; from[i] != '\0' && i + 1 < cap; i++)
		to[i] = (unsigned char)from[i] < ' ' || from[i] == 0x7f ? '?' : from[i];
	to[i] = '\0';
}

static void
describe_reason(int err, char text[static BT_TRANSFER_REASON_LEN])
{
	const char *known = bt_err_noted(err);

	if (known == NULL)
		known = bt_err_text(err);
	if (known == NULL && err > 0)
		known = strerrordesc_np(err);
	text[0] = '\0';
	if (err != 0 && known != NULL)
		copy_printable(text, BT_TRANSFER_REASON_LEN, known);
	else if (err != 0)
		snprintf(text, BT_TRANSFER_REASON_LEN, "error %d", err);
}

void
bt_transfer_describe_oid(struct bt_bytes oid, char text[static BT_TRANSFER_OID_LEN])
{
	uint8_t braced[BT_TRANSFER_OID_LEN];
	struct bt_wr wr;
	size_t len = 0;

	text[0] = '\0';
	bt_wr_over(&wr, braced, sizeof braced);
	if (bt_oid_print(oid, &wr) != 0)
		return;
	/* "{ 1 2 840 }" */
	for (size_t i = 2; i + 2 < wr.len; i++)
		text[len++] = braced[i] == ' ' ? '.' : (char)braced[i];
	text[len] = '\0';
}

void
bt_transfer_describe_claim(const struct bt_claim_ref *claim, char text[static BT_TRANSFER_CLAIM_LEN])
{
	/* Half a line is enough to find the other side's, and no file's name that somebody could try. */
	snprintf(text, BT_TRANSFER_CLAIM_LEN, "%02x%02x%02x%02x-%lu-%lu", claim->store_id[0], claim->store_id[1],
		 claim->store_id[2], claim->store_id[3], (unsigned long)claim->slot, (unsigned long)claim->generation);
}

void
bt_transfer_describe_audience(const struct bt_seal_header *header, char text[static BT_TRANSFER_AUDIENCE_LEN])
{
	const struct bt_audience *audience = &header->audience;
	const struct {
		uint8_t bit;
		const char *name;
		const struct bt_audience_process *process;
	} parts[] = {
	    {BT_AUDIENCE_GROUP, "process-group", &audience->group},
	    {BT_AUDIENCE_SESSION, "session", &audience->session},
	    {BT_AUDIENCE_PID, "pid", &audience->process},
	};
	size_t len = (size_t)snprintf(text, BT_TRANSFER_AUDIENCE_LEN, "uid=%lu", (unsigned long)header->uid);

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if ((audience->bits & parts[i].bit) != 0)
			len += (size_t)snprintf(text + len, BT_TRANSFER_AUDIENCE_LEN - len, " %s=%lu", parts[i].name,
						(unsigned long)parts[i].process->pid);
	if ((audience->bits & BT_AUDIENCE_CGROUP) != 0)
		snprintf(text + len, BT_TRANSFER_AUDIENCE_LEN - len, " cgroup");
}

/* What all listeners get, in one place of memory. */
struct description {
	struct bt_transfer_news news;
	char reason[BT_TRANSFER_REASON_LEN], oid[BT_TRANSFER_OID_LEN], audience[BT_TRANSFER_AUDIENCE_LEN];
	char claim[BT_TRANSFER_CLAIM_LEN];
};

static void
describe(enum bt_transfer_event event, int err, struct bt_bytes oid, const struct bt_seal_header *header, uint32_t num,
	 struct description *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	describe_reason(err, out->reason);
	bt_transfer_describe_oid(oid, out->oid);
	out->audience[0] = out->claim[0] = '\0';
	if (header != NULL) {
		bt_transfer_describe_audience(header, out->audience);
		bt_transfer_describe_claim(&header->claim, out->claim);
	}
	out->news = (struct bt_transfer_news){
	    .event = event,
	    .err = err,
	    .name = bt_transfer_event_name(event),
	    .reason = out->reason,
	    .oid = oid,
	    .mechanism = out->oid,
	    .audience = out->audience,
	    .claim = out->claim,
	    .num = num,
	    .uid = geteuid(),
	    .pid = getpid(),
	    .at_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
	};
}

static void
tell_program(const struct bt_transfer_news *news)
{
	void (*fn)(const struct bt_transfer_news *) = atomic_load(&program_fn);

	if (fn == NULL || is_in_program)
		return;
	is_in_program = true;
	fn(news);
	is_in_program = false;
}

static void
tell_all(enum bt_transfer_event event, int err, struct bt_bytes oid, const struct bt_seal_header *header, uint32_t num)
{
	struct description d;

	describe(event, err, oid, header, num, &d);
	bt_transfer_probe(&d.news);
	if (is_heard_by(TRACE))
		bt_transfer_trace_write(&d.news);
	if (is_heard_by(SYSLOG))
		bt_transfer_log_write(&d.news);
	/* Last: it may take long, and may end the process. */
	if (is_heard_by(PROGRAM))
		tell_program(&d.news);
}

void
bt_transfer_tell_ears(enum bt_transfer_event event, int err, struct bt_bytes oid, const struct bt_seal_header *header)
{
	int saved = errno;
	uint32_t num_expired;

	if (is_heard_by(UNASKED))
		ask();
	/* Those swept before anybody listened are nobody's news. */
	num_expired = bt_claim_take_num_expired();
	if (atomic_load_explicit(&bt_transfer_ears, memory_order_relaxed) != 0) {
		if (num_expired != 0)
			tell_all(BT_TRANSFER_EXPIRED, 0, (struct bt_bytes){0}, NULL, num_expired);
		tell_all(event, err, oid, header, 1);
	}
	errno = saved;
}
