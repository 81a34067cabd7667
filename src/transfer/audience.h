/*
 * audience - which processes of the importing account a token is for: what its header says of them, and whether this process is one.
 *
 * A rule is what settings or a caller ask for ("session cgroup"); an audience is what came of it when the token was made: numbers
 * that an importer compares with its own. Nothing is allocated, any thread may call.
 *
 * Of all this the kernel enforces nothing: whoever may open the claim store could import without asking here. doc/SECURITY.md.
 */
#ifndef BT_TRANSFER_AUDIENCE_H
#define BT_TRANSFER_AUDIENCE_H

#include "base/bytes.h"
#include "transfer/rule.h"

/* Bits of the header's audience byte, so the numbers never change. None: any process of the account. */
enum bt_audience_bit {
	BT_AUDIENCE_GROUP = 1,	  /* the exporter's process group */
	BT_AUDIENCE_SESSION = 2,  /* its session */
	BT_AUDIENCE_PID = 4,	  /* one process */
	BT_AUDIENCE_CGROUP = 8,	  /* the exporter's control group */
	BT_AUDIENCE_ACCOUNT = 16, /* the header's user was named, and is not the exporter's own */
	BT_AUDIENCE_ALL = 31,
};

enum {
	BT_AUDIENCE_CGROUP_LEN = 16,
	BT_AUDIENCE_LEN_MAX = 3 * 12 + BT_AUDIENCE_CGROUP_LEN, /* bytes of all values in a header */
};

/* A process, told from an earlier one of its number. */
struct bt_audience_process {
	uint32_t pid;
	uint64_t started_at; /* clock ticks since boot, field 22 of /proc/PID/stat; 0: there is no such process */
};

/* What a token says. Members without their bit are zero. */
struct bt_audience {
	uint8_t bits; /* enum bt_audience_bit */
	struct bt_audience_process group, session; /* their leaders */
	struct bt_audience_process process;
	uint8_t cgroup[BT_AUDIENCE_CGROUP_LEN];
};

/*
 * bt_transfer_audience_of - what a rule means in this process, now.
 *   is_other_account  the user that the rule names is not the exporter's
 * Errors: AUDIENCE with a note (no such process; none that could be named; no /proc); then out is empty.
 */
int bt_transfer_audience_of(const struct bt_audience_rule *rule, bool is_other_account, struct bt_audience *out);

/*
 * bt_transfer_audience_admit - is this process one of them? Asked once the seal has been opened, of what the exporter wrote.
 * Errors: TOKEN_AUDIENCE with a note that says what does not fit, and who may import; AUDIENCE (it cannot be found out).
 */
int bt_transfer_audience_admit(const struct bt_audience *audience);

/* bt_transfer_audience_len - bytes that the values of these bits take in a header. */
size_t bt_transfer_audience_len(uint8_t bits);

/* bt_transfer_audience_write - the values, in the order of their bits. */
void bt_transfer_audience_write(struct bt_wr *wr, const struct bt_audience *audience);

/* bt_transfer_audience_read - the values of bits, which are known ones. A short rd has failed. */
void bt_transfer_audience_read(struct bt_rd *rd, uint8_t bits, struct bt_audience *out);

#endif
