/*
 * sinks - where news go beside the program's own function, and the texts in them. Inside the room: event.c decides who gets what.
 */
#ifndef BT_TRANSFER_SINKS_H
#define BT_TRANSFER_SINKS_H

#include "transfer/event.h"

enum {
	BT_TRANSFER_REASON_LEN = 512,
	BT_TRANSFER_OID_LEN = 512, /* the longest that base/oid.h accepts, in decimals */
	BT_TRANSFER_AUDIENCE_LEN = 256,
	BT_TRANSFER_CLAIM_LEN = 40,
	BT_TRANSFER_LINE_LEN = 2048,
};

/* bt_transfer_event_name - "exported". */
const char *bt_transfer_event_name(enum bt_transfer_event event);

/* The texts of news. What cannot be printed is "". */
void bt_transfer_describe_oid(struct bt_bytes oid, char text[static BT_TRANSFER_OID_LEN]);
void bt_transfer_describe_claim(const struct bt_claim_ref *claim, char text[static BT_TRANSFER_CLAIM_LEN]);
void bt_transfer_describe_audience(const struct bt_seal_header *header, char text[static BT_TRANSFER_AUDIENCE_LEN]);

/* bt_transfer_trace_is_wanted - does the environment name a file (BATON_TRACE)? Always the same answer in a process; set-id programs: no. */
bool bt_transfer_trace_is_wanted(void);

/* bt_transfer_trace_write - one line at the end of that file. What cannot be written is lost. */
void bt_transfer_trace_write(const struct bt_transfer_news *news);

/* bt_transfer_log_write - one line to syslog, AUTHPRIV. */
void bt_transfer_log_write(const struct bt_transfer_news *news);

/* bt_transfer_line - the words of a line: "exported uid=0 mechanism=1.2.3". Returns its length, without the NUL. */
size_t bt_transfer_line(const struct bt_transfer_news *news, char text[static BT_TRANSFER_LINE_LEN]);

/* bt_transfer_probe - the probe of the event's name, for tracers (provider "baton"). */
void bt_transfer_probe(const struct bt_transfer_news *news);

#endif
