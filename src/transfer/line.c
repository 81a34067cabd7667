#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "transfer/sinks.h"

static void
add(struct bt_wr *wr, const char *text)
{
	bt_wr_bytes(wr, bt_bytes_of_str(text));
}

static void
add_number(struct bt_wr *wr, const char *key, long long value)
{
	char text[64];

	snprintf(text, sizeof text, " %s=%lld", key, value);
	add(wr, text);
}

/* In quotes, for a text may have blanks; a quote in it does not end it. */
static void
add_text(struct bt_wr *wr, const char *key, const char *value)
{
	if (value[0] == '\0')
		return;
	add(wr, " ");
	add(wr, key);
	add(wr, "=\"");
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			bt_wr_u8(wr, '\\');
		bt_wr_u8(wr, (uint8_t)*value);
	}
	add(wr, "\"");
}

size_t
bt_transfer_line(const struct bt_transfer_news *news, char text[static BT_TRANSFER_LINE_LEN])
{
	struct bt_wr wr;

	/* No text is so long that all of them do not fit, be each character of them quoted. */
	bt_wr_over(&wr, text, BT_TRANSFER_LINE_LEN - 1);
	add(&wr, news->name);
	add_number(&wr, "uid", news->uid);
	if (news->event == BT_TRANSFER_EXPIRED)
		add_number(&wr, "num", news->num);
	if (news->mechanism[0] != '\0') {
		add(&wr, " mechanism=");
		add(&wr, news->mechanism);
	}
	if (news->claim[0] != '\0') {
		add(&wr, " claim=");
		add(&wr, news->claim);
	}
	add_text(&wr, "audience", news->audience);
	if (news->err != 0)
		add_number(&wr, "error", news->err);
	add_text(&wr, "reason", news->reason);
	text[wr.len] = '\0';
	return wr.len;
}

static int
priority_of(enum bt_transfer_event event)
{
	switch (event) {
	case BT_TRANSFER_REFUSED:
	case BT_TRANSFER_NOT_EXPORTED:
	case BT_TRANSFER_NOT_SENT:
		return LOG_WARNING;
	case BT_TRANSFER_EXPIRED:
	case BT_TRANSFER_TAKEN_BACK:
	case BT_TRANSFER_LOST:
		return LOG_NOTICE;
	case BT_TRANSFER_EXPORTED:
	case BT_TRANSFER_IMPORTED:
	case BT_TRANSFER_SENT:
	case BT_TRANSFER_RECEIVED:
	default:
		return LOG_INFO;
	}
}

void
bt_transfer_log_write(const struct bt_transfer_news *news)
{
	char line[BT_TRANSFER_LINE_LEN];

	bt_transfer_line(news, line);
	/* Without openlog(): what name the program has there is its own affair. */
	syslog(LOG_AUTHPRIV | priority_of(news->event), "baton: %s", line);
}
