/*
 * Settings: whatever the text, an answer; a mistake leaves nothing behind and has a sentence that can be printed; and what was read is
 * within its bounds.
 *
 * Input: a first byte that says what follows: 0 mod 3 a file, 1 the text of BATON_TRANSFER, 2 the line of a process in /proc.
 */
#include "base/err.h"
#include "fuzz/wire/must.h"
#include "transfer/audience.h"
#include "transfer/limits.h"
#include "transfer/process.h"
#include "transfer/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* No account data base: what is looked up there is none of the grammar. */
struct passwd;
int getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t len, struct passwd **found);

__attribute__((visibility("default"))) int
getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t len, struct passwd **found)
{
	must(name[0] != '\0');
	*found = NULL;
	return 0;
}

static void
check(int e, const struct bt_settings *s)
{
	const char *note = bt_err_noted(BT_ERR_SETTINGS);

	if (e != 0) {
		must(e == BT_ERR_SETTINGS && s->given == 0 && s->ttl_s == 0 && s->audience.bits == 0 && s->unsealed == 0);
		must(note != NULL && note[0] != '\0');
		for (; *note != '\0'; note++)
			must((unsigned char)*note >= ' ' || *note == '\t' || *note == '\r');
		return;
	}
	must((s->given & BT_SETTING_TTL) == 0 ? s->ttl_s == 0 : s->ttl_s >= 1 && s->ttl_s <= BT_TRANSFER_TTL_MAX_S);
	must((s->given & BT_SETTING_AUDIENCE) != 0 || s->audience.bits == 0);
	must((s->audience.bits & ~BT_AUDIENCE_ALL) == 0);
	must(((s->audience.bits & BT_AUDIENCE_PID) != 0) == (s->audience.pid != 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct bt_settings_program program = {"/usr/sbin/serverd", "serverd"};
	struct bt_rd rd = bt_rd_of(bt_bytes_of(data, len));
	unsigned kind = bt_rd_u8(&rd) % 3;
	struct bt_bytes text = bt_rd_rest(&rd);
	struct bt_settings s;
	uint64_t started_at;

	if (text.len > BT_TRANSFER_CONF_MAX)
		return 0;
	if (kind == 0)
		check(bt_transfer_settings_read_file("f", text, &program, &s), &s);
	else if (kind == 1)
		check(bt_transfer_settings_read_list("l", text, &s), &s);
	else if (!bt_transfer_process_parse_stat(text, &started_at))
		must(started_at <= UINT64_MAX);
	return 0;
}
