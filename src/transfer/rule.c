#include "transfer/rule.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "transfer/audience.h"
#include "transfer/limits.h"

static bool
is_between_words(uint8_t c)
{
	return c == ' ' || c == '\t' || c == ',';
}

bool
bt_transfer_rule_word(struct bt_bytes *list, struct bt_bytes *word)
{
	while (list->len != 0 && is_between_words(list->ptr[0])) {
		list->ptr++;
		list->len--;
	}
	*word = (struct bt_bytes){list->ptr, 0};
	while (list->len != 0 && !is_between_words(list->ptr[0])) {
		list->ptr++;
		list->len--;
		word->len++;
	}
	return word->len != 0;
}

bool
bt_transfer_rule_number(struct bt_bytes text, uint64_t max, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = (unsigned)text.ptr[i] - '0';

		if (digit > 9 || *out > (max - digit) / 10)
			return false;
		*out = *out * 10 + digit;
	}
	return text.len != 0;
}

/* The account of a name. The buffer that the C library wants grows with what it finds. */
static int
uid_of(const char *name, uint32_t *uid)
{
	struct passwd entry, *found = NULL;
	char *buffer;
	int e;

	for (size_t len = BT_TRANSFER_ACCOUNT_LEN; len <= BT_TRANSFER_ACCOUNT_MAX; len *= 4) {
		if ((buffer = bt_mem_alloc_raw(len)) == NULL)
			return BT_ERR_NOMEM;
		e = getpwnam_r(name, &entry, buffer, len, &found);
		if (found != NULL)
			*uid = (uint32_t)found->pw_uid;
		bt_mem_free(buffer);
		/* What the data bases say of a name that they do not have differs. getpwnam_r(3). */
		if (found == NULL && (e == 0 || e == ENOENT || e == ESRCH || e == EBADF || e == EPERM))
			return BT_ERR_NO_USER;
		if (e != ERANGE)
			return e;
	}
	return ERANGE;
}

/* Each word once, and no two that say different accounts. */
static bool
add_bit(struct bt_audience_rule *rule, uint8_t bit)
{
	bool is_new = (rule->bits & bit) == 0;

	rule->bits |= bit;
	return is_new;
}

static int
add_account(struct bt_bytes name, bool looks_up, struct bt_audience_rule *rule)
{
	char text[BT_TRANSFER_WORD_MAX + 1];

	if (name.len == 0 || name.len > BT_TRANSFER_WORD_MAX)
		return BT_ERR_NO_USER;
	memcpy(text, name.ptr, name.len);
	text[name.len] = '\0';
	return looks_up ? uid_of(text, &rule->uid) : 0;
}

static bool
take_prefix(struct bt_bytes *word, const char *prefix)
{
	size_t len = strlen(prefix);

	if (!bt_bytes_has_prefix(*word, bt_bytes_of(prefix, len)))
		return false;
	*word = bt_bytes_of(word->ptr + len, word->len - len);
	return true;
}

static bool
is_word(struct bt_bytes word, const char *text)
{
	return bt_bytes_equal(word, bt_bytes_of_str(text));
}

/* One word. Errors: SETTINGS (not such a word, or again), NO_USER, uid_of's. */
static int
add_word(struct bt_bytes word, bool looks_up, struct bt_audience_rule *rule)
{
	uint64_t number;
	bool is_good = false;
	int e = 0;

	if (is_word(word, "user")) {
		is_good = !rule->says_own;
		rule->says_own = true;
	} else if (is_word(word, "process-group")) {
		is_good = add_bit(rule, BT_AUDIENCE_GROUP);
	} else if (is_word(word, "session")) {
		is_good = add_bit(rule, BT_AUDIENCE_SESSION);
	} else if (is_word(word, "cgroup")) {
		is_good = add_bit(rule, BT_AUDIENCE_CGROUP);
	} else if (take_prefix(&word, "pid=")) {
		is_good = add_bit(rule, BT_AUDIENCE_PID) && bt_transfer_rule_number(word, INT32_MAX, &number) && number != 0;
		rule->pid = is_good ? (uint32_t)number : 0;
	} else if (take_prefix(&word, "uid=")) {
		/* The highest number is "no account" to the kernel. */
		is_good = add_bit(rule, BT_AUDIENCE_ACCOUNT) && bt_transfer_rule_number(word, UINT32_MAX - 1, &number);
		rule->uid = is_good ? (uint32_t)number : 0;
	} else if (take_prefix(&word, "user=")) {
		is_good = add_bit(rule, BT_AUDIENCE_ACCOUNT);
		e = add_account(word, looks_up, rule);
	}
	if (rule->says_own && (rule->bits & BT_AUDIENCE_ACCOUNT) != 0)
		is_good = false;
	return is_good ? e : BT_ERR_SETTINGS;
}

int
bt_transfer_rule_read(struct bt_bytes text, bool looks_up, struct bt_audience_rule *out, char *mistake, size_t mistake_len)
{
	struct bt_audience_rule rule = {0};
	struct bt_bytes word;
	int e = 0, num = 0;

	*out = (struct bt_audience_rule){0};
	for (; e == 0 && bt_transfer_rule_word(&text, &word); num++) {
		e = add_word(word, looks_up, &rule);
		if (e == BT_ERR_SETTINGS)
			snprintf(mistake, mistake_len, "\"%.*s\" is no audience, or not beside the others", (int)word.len, word.ptr);
		else if (e == BT_ERR_NO_USER)
			snprintf(mistake, mistake_len, "there is no account for \"%.*s\"", (int)word.len, word.ptr);
		else if (e != 0)
			snprintf(mistake, mistake_len, "the account of \"%.*s\" cannot be looked up", (int)word.len, word.ptr);
	}
	if (num == 0) {
		snprintf(mistake, mistake_len, "an audience is missing");
		e = BT_ERR_SETTINGS;
	}
	if (e == 0)
		*out = rule;
	return e == BT_ERR_NO_USER ? BT_ERR_SETTINGS : e;
}
