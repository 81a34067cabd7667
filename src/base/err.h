/*
 * err - what can go wrong, as one number.
 *
 * Every fallible function returns int: 0, or one of
 *   - BT_ERR_*, the library's own errors, listed once in err.def;
 *   - a libkrb5 com_err code (negative) or an errno value, passed on as they
 *     came, because programs know them.
 * All three kinds share one number space, so gss/ alone turns an error into a
 * major and a minor status. The numbers of BT_ERR_* are those a program
 * sees as the minor status: where MIT's library has a code for the same
 * mistake, it is that code.
 *
 * A note is a sentence about the last failure of this thread (the
 * name of the missing keytab, say), kept with its error's number until
 * enough others have followed. Notes are made where the error is made and
 * never hold a secret.
 */
#ifndef BT_BASE_ERR_H
#define BT_BASE_ERR_H

#include <stddef.h>

enum bt_err {
	BT_ERR_NONE = 0,
#define BT_ERR_TABLE(id, base)
#define BT_ERR_ROW(name, number, text, hint) BT_ERR_##name = (number),
#include "base/err.def"
#undef BT_ERR_ROW
#undef BT_ERR_TABLE
};

/* bt_err_text - the text of a BT_ERR_ number; NULL for all others. */
const char *bt_err_text(int err);

/* bt_err_hint - what a person can do about a BT_ERR_ number; NULL where there is nothing to say. */
const char *bt_err_hint(int err);

/* bt_err_count, bt_err_at - walk the list, for tables and tests. i < bt_err_count(). */
size_t bt_err_count(void);
int bt_err_at(size_t i);

/* bt_err_note - keep a printf-like sentence with err for this thread. Returns err. */
int bt_err_note(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* bt_err_noted - this thread's newest note for err, or NULL. Valid until the thread's next note. */
const char *bt_err_noted(int err);

#endif
