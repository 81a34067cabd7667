/*
 * rule - what settings and callers ask for, and the words they ask in. baton-transfer.conf(5).
 */
#ifndef BT_TRANSFER_RULE_H
#define BT_TRANSFER_RULE_H

#include <stdbool.h>

#include "base/bytes.h"

/* Whom a token shall be for. Members without their bit are zero. */
struct bt_audience_rule {
	uint8_t bits; /* enum bt_audience_bit; ACCOUNT: uid was named, be it the exporter's own or not */
	bool says_own; /* "user", which exports need not be told, and hand-over on sockets does */
	uint32_t pid;
	uint32_t uid;
};

/* bt_transfer_rule_word - take the next word of a list off its front; words stand between blanks and commas. False: no more. */
bool bt_transfer_rule_word(struct bt_bytes *list, struct bt_bytes *word);

/* bt_transfer_rule_number - an unsigned decimal number up to max, and nothing else. */
bool bt_transfer_rule_number(struct bt_bytes text, uint64_t max, uint64_t *out);

/*
 * bt_transfer_rule_read - "session cgroup", "pid=4711", "user=www-data".
 *   looks_up  find out the number of an account that is named; otherwise its rule has none, and is only good for checking the words
 *   mistake   on failure a sentence with what is wrong, at most mistake_len bytes with its NUL
 * Errors: SETTINGS, NOMEM, errno of the account data base; then out is empty.
 */
int bt_transfer_rule_read(struct bt_bytes text, bool looks_up, struct bt_audience_rule *out, char *mistake, size_t mistake_len);

#endif
