/* The grammar of the settings, in a file and in one line. */
#include "transfer/settings.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "transfer/limits.h"

enum { MISTAKE_LEN = 160 };

/* Where a reader is, and what it found wrong there. */
struct place {
	const char *name;
	unsigned line; /* 0: there are no lines */
	char mistake[MISTAKE_LEN];
};

static int
note(int err, const struct place *place)
{
	if (place->line == 0)
		return bt_err_note(err, "%s: %s", place->name, place->mistake);
	return bt_err_note(err, "%s:%u: %s", place->name, place->line, place->mistake);
}

static int __attribute__((format(printf, 2, 3)))
mistake(struct place *place, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(place->mistake, sizeof place->mistake, format, args);
	va_end(args);
	return BT_ERR_SETTINGS;
}

void
bt_transfer_settings_merge(struct bt_settings *into, const struct bt_settings *over)
{
	into->given |= over->given;
	if ((over->given & BT_SETTING_AUDIENCE) != 0)
		into->audience = over->audience;
	if ((over->given & BT_SETTING_TTL) != 0)
		into->ttl_s = over->ttl_s;
	if ((over->given & BT_SETTING_AUTHDATA) != 0)
		into->has_authdata = over->has_authdata;
	if ((over->given & BT_SETTING_UNSEALED) != 0)
		into->unsealed = over->unsealed;
	if ((over->given & BT_SETTING_SYSLOG) != 0)
		into->has_syslog = over->has_syslog;
}

/* ---- values ---- */

static bool
is_word(struct bt_bytes word, const char *text)
{
	return bt_bytes_equal(word, bt_bytes_of_str(text));
}

static int
read_audience(struct place *place, struct bt_bytes value, bool applies, struct bt_settings *out)
{
	return bt_transfer_rule_read(value, applies, &out->audience, place->mistake, sizeof place->mistake);
}

/* "90", "90s", "15m", "2h". */
static int
read_ttl(struct place *place, struct bt_bytes value, bool applies, struct bt_settings *out)
{
	uint64_t number, unit_s = 1;

	if (value.len > 1 && (value.ptr[value.len - 1] == 'h' || value.ptr[value.len - 1] == 'm' || value.ptr[value.len - 1] == 's')) {
		unit_s = value.ptr[value.len - 1] == 'h' ? 3600 : value.ptr[value.len - 1] == 'm' ? 60 : 1;
		value.len--;
	}
	if (!bt_transfer_rule_number(value, BT_TRANSFER_TTL_MAX_S / unit_s, &number) || number == 0)
		return mistake(place, "ttl is a time from 1s to %dh, as 90s, 15m or 2h", BT_TRANSFER_TTL_MAX_S / 3600);
	out->ttl_s = (uint32_t)(number * unit_s);
	return 0;
}

static int
read_yes_or_no(struct place *place, struct bt_bytes value, bool *out)
{
	if (!is_word(value, "yes") && !is_word(value, "no"))
		return mistake(place, "yes or no is wanted, and not \"%.*s\"", (int)value.len, value.ptr);
	*out = is_word(value, "yes");
	return 0;
}

static int
read_authdata(struct place *place, struct bt_bytes value, bool applies, struct bt_settings *out)
{
	return read_yes_or_no(place, value, &out->has_authdata);
}

static int
read_syslog(struct place *place, struct bt_bytes value, bool applies, struct bt_settings *out)
{
	return read_yes_or_no(place, value, &out->has_syslog);
}

/* "none", or the names of kinds. */
static int
read_unsealed(struct place *place, struct bt_bytes value, bool applies, struct bt_settings *out)
{
	struct bt_bytes word;

	if (is_word(value, "none"))
		return 0;
	while (bt_transfer_rule_word(&value, &word)) {
		if (!is_word(word, "mit"))
			return mistake(place, "\"%.*s\" is no kind of unsealed token", (int)word.len, word.ptr);
		out->unsealed |= BT_UNSEALED_MIT;
	}
	return out->unsealed != 0 ? 0 : mistake(place, "none, or kinds of unsealed tokens are wanted");
}

/* ---- keys ---- */

static const struct key {
	const char *name;
	enum bt_setting setting;
	int (*read)(struct place *place, struct bt_bytes value, bool applies, struct bt_settings *out);
} keys[] = {
    {"audience", BT_SETTING_AUDIENCE, read_audience},     {"ttl", BT_SETTING_TTL, read_ttl},
    {"authdata", BT_SETTING_AUTHDATA, read_authdata},     {"syslog", BT_SETTING_SYSLOG, read_syslog},
    {"import-unsealed", BT_SETTING_UNSEALED, read_unsealed},
};

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct bt_bytes
trimmed(struct bt_bytes text)
{
	while (text.len != 0 && is_blank(text.ptr[text.len - 1]))
		text.len--;
	while (text.len != 0 && is_blank(text.ptr[0])) {
		text.ptr++;
		text.len--;
	}
	return text;
}

/* What is before c, and text behind it; all of text if there is no c. */
static struct bt_bytes
take_until(struct bt_bytes *text, uint8_t c)
{
	const uint8_t *end = text->len != 0 ? memchr(text->ptr, c, text->len) : NULL;
	struct bt_bytes before = *text;

	if (end != NULL)
		before.len = (size_t)(end - text->ptr);
	*text = bt_bytes_of(text->ptr + before.len + (end != NULL), text->len - before.len - (end != NULL));
	return before;
}

/* "key = value" into out, where the key is not yet. applies: the setting is this program's, and not only to be checked. */
static int
read_pair(struct place *place, struct bt_bytes pair, bool applies, struct bt_settings *out)
{
	struct bt_bytes value = pair, name = trimmed(take_until(&value, '='));
	int e;

	if (memchr(pair.ptr, '=', pair.len) == NULL)
		return mistake(place, "\"key = value\" is wanted");
	value = trimmed(value);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		if (!is_word(name, keys[i].name))
			continue;
		if ((out->given & keys[i].setting) != 0)
			return mistake(place, "%s is there twice", keys[i].name);
		if ((e = keys[i].read(place, value, applies, out)) == 0)
			out->given |= (uint8_t)keys[i].setting;
		return e;
	}
	return mistake(place, "\"%.*s\" is no setting", (int)name.len, name.ptr);
}

/* Nothing here needs others, and they could not be shown in an error's text. */
static bool
has_control_characters(struct bt_bytes line)
{
	for (size_t i = 0; i < line.len; i++)
		if ((line.ptr[i] < ' ' && !is_blank(line.ptr[i])) || line.ptr[i] == 0x7f)
			return true;
	return false;
}

int
bt_transfer_settings_read_list(const char *where, struct bt_bytes text, struct bt_settings *out)
{
	struct place place = {.name = where};
	struct bt_bytes pair;
	int e = 0;

	*out = (struct bt_settings){0};
	if (has_control_characters(text))
		e = mistake(&place, "it has control characters in it");
	while (e == 0 && text.len != 0) {
		pair = trimmed(take_until(&text, ';'));
		if (pair.len != 0)
			e = read_pair(&place, pair, true, out);
	}
	if (e != 0)
		*out = (struct bt_settings){0};
	return e != 0 ? note(e, &place) : 0;
}

/* ---- files ---- */

/* From the general to the particular. */
enum section { DEFAULT, OF_NAME, OF_PATH, NUM_SECTIONS, OTHER = NUM_SECTIONS };

struct file {
	struct place place;
	const struct bt_settings_program *program;
	bool is_in_section;
	enum section section;
	bool has[NUM_SECTIONS];
	struct bt_settings said[NUM_SECTIONS + 1]; /* the last one: other programs' section */
};

static int
find_section(struct file *file, struct bt_bytes name)
{
	const struct bt_settings_program *program = file->program;

	file->section = OTHER;
	if (name.len != 0 && name.ptr[0] == '/') {
		/* It may be this program's, and then it counts: that can not be left open. */
		if (program->path == NULL)
			return mistake(&file->place, "whether this is the program's section is not known without /proc/self/exe");
		if (is_word(name, program->path))
			file->section = OF_PATH;
	} else if (name.len == 0 || memchr(name.ptr, '/', name.len) != NULL) {
		return mistake(&file->place, "a section is [default], [name] or [/path/of/program]");
	} else if (is_word(name, "default")) {
		file->section = DEFAULT;
	} else if (program->name != NULL && is_word(name, program->name)) {
		file->section = OF_NAME;
	}
	return 0;
}

static int
read_section(struct file *file, struct bt_bytes line)
{
	int e;

	if (line.ptr[line.len - 1] != ']')
		return mistake(&file->place, "nothing may follow a section's name but ]");
	if ((e = find_section(file, bt_bytes_of(line.ptr + 1, line.len - 2))) != 0)
		return e;
	file->is_in_section = true;
	file->said[OTHER] = (struct bt_settings){0};
	if (file->section == OTHER)
		return 0;
	if (file->has[file->section])
		return mistake(&file->place, "this section was there before");
	file->has[file->section] = true;
	return 0;
}

static int
read_line(struct file *file, struct bt_bytes line)
{
	if (has_control_characters(line))
		return mistake(&file->place, "control characters");
	line = trimmed(line);
	if (line.len == 0 || line.ptr[0] == '#')
		return 0;
	if (line.ptr[0] == '[')
		return read_section(file, line);
	if (!file->is_in_section)
		return mistake(&file->place, "settings stand in a section, as [default]");
	return read_pair(&file->place, line, file->section != OTHER, &file->said[file->section]);
}

int
bt_transfer_settings_read_file(const char *path, struct bt_bytes text, const struct bt_settings_program *program,
			       struct bt_settings *out)
{
	struct file file = {.place = {.name = path}, .program = program};
	int e;

	*out = (struct bt_settings){0};
	while (text.len != 0) {
		file.place.line++;
		if ((e = read_line(&file, take_until(&text, '\n'))) != 0)
			return note(e, &file.place);
	}
	for (int i = 0; i < NUM_SECTIONS; i++)
		bt_transfer_settings_merge(out, &file.said[i]);
	return 0;
}
