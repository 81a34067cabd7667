/*
 * process - what the kernel says of processes: when they began, and in which control group this one is.
 *
 * Read from /proc, which takes longer than an export; so each thread keeps what it found for a second at most. What is kept too long
 * makes an importer fail and lets none in, as a process's number and its beginning go together.
 */
#ifndef BT_TRANSFER_PROCESS_H
#define BT_TRANSFER_PROCESS_H

#include "transfer/audience.h"

/* For what a process is looked at: of each the last one is kept. */
enum bt_process_role { BT_PROCESS_GROUP, BT_PROCESS_SESSION, BT_PROCESS_SELF, BT_PROCESS_NAMED, BT_PROCESS_NUM_ROLES };

/*
 * bt_transfer_process_look - when the process of this number began.
 *   out  started_at is 0 if there is no such process
 * Errors: AUDIENCE with a note (it is there, but /proc does not say).
 */
int bt_transfer_process_look(enum bt_process_role role, uint32_t pid, struct bt_audience_process *out);

/* bt_transfer_process_cgroup - a fingerprint of this process's control group. Errors: AUDIENCE with a note. */
int bt_transfer_process_cgroup(uint8_t out[static BT_AUDIENCE_CGROUP_LEN]);

/* bt_transfer_process_parse_stat - field 22 of the text of /proc/PID/stat. False: it has none. */
bool bt_transfer_process_parse_stat(struct bt_bytes text, uint64_t *started_at);

#endif
