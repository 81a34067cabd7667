#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

enum { NUM_NOTES = 4, NOTE_LEN = 256 };

struct row {
	int number;
	const char *text;
	const char *hint;
};

static const struct row rows[] = {
#define BT_ERR_TABLE(id, base)
#define BT_ERR_ROW(name, number, text, hint) {(number), (text), (hint)},
#include "base/err.def"
#undef BT_ERR_ROW
#undef BT_ERR_TABLE
};

/* Enough for the failures of one call and of the clean-up that follows it. */
static _Thread_local struct {
	int err[NUM_NOTES];
	unsigned next;
	char text[NUM_NOTES][NOTE_LEN];
} notes;

static const struct row *
row_of(int err)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].number == err)
			return &rows[i];
	return NULL;
}

const char *
bt_err_text(int err)
{
	const struct row *row = row_of(err);

	return row != NULL ? row->text : NULL;
}

const char *
bt_err_hint(int err)
{
	const struct row *row = row_of(err);

	return row != NULL ? row->hint : NULL;
}

size_t
bt_err_count(void)
{
	return sizeof rows / sizeof rows[0];
}

int
bt_err_at(size_t i)
{
	return rows[i].number;
}

int
bt_err_note(int err, const char *format, ...)
{
	unsigned slot = notes.next++ % NUM_NOTES;
	va_list args;

	va_start(args, format);
	vsnprintf(notes.text[slot], NOTE_LEN, format, args);
	va_end(args);
	notes.err[slot] = err;
	return err;
}

const char *
bt_err_noted(int err)
{
	for (unsigned i = 1; i <= NUM_NOTES; i++) {
		unsigned slot = (notes.next - i) % NUM_NOTES;

		if (err != 0 && notes.err[slot] == err)
			return notes.text[slot];
	}
	return NULL;
}
