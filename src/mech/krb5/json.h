/*
 * json - the part of JSON that exported credentials are written in: arrays, integers, strings, true, false, null. RFC 8259.
 *
 * Read from left to right by one that knows what comes next, so nothing is built in between. A cursor that met something else
 * stays failed, as all cursors do. Strings are bytes without a NUL; binary ones are base64 (RFC 4648 §4), and only in the one
 * spelling that has no loose bits.
 */
#ifndef BT_MECH_KRB5_JSON_H
#define BT_MECH_KRB5_JSON_H

#include "base/bytes.h"

/* ---- reading; values may stand in white space ---- */

/* bt_krb5_json_begin, bt_krb5_json_comma, bt_krb5_json_end - of an array whose length is known. */
void bt_krb5_json_begin(struct bt_rd *rd);
void bt_krb5_json_comma(struct bt_rd *rd);
void bt_krb5_json_end(struct bt_rd *rd);

/* bt_krb5_json_next - is there another element? Called before each of an array that was begun; *num counts. Reads the end too. */
bool bt_krb5_json_next(struct bt_rd *rd, size_t *num);

/* bt_krb5_json_null - is the next value null? Then it is read. */
bool bt_krb5_json_null(struct bt_rd *rd);

/* bt_krb5_json_array - does an array come next? Nothing is read. */
bool bt_krb5_json_array(struct bt_rd *rd);

bool bt_krb5_json_bool(struct bt_rd *rd);

/* bt_krb5_json_number - 0, and the cursor failed, for one outside min..max. */
int64_t bt_krb5_json_number(struct bt_rd *rd, int64_t min, int64_t max);

/* bt_krb5_json_text - a new string, which the caller frees. Errors: NOMEM. Malformed: the cursor fails, and *out is NULL. */
int bt_krb5_json_text(struct bt_rd *rd, char **out);

/* bt_krb5_json_binary - bytes that are written in base64. Errors: NOMEM. */
int bt_krb5_json_binary(struct bt_rd *rd, struct bt_buf *out);

/* bt_krb5_json_finish - nothing but white space may follow. Errors: DEFECTIVE_TOKEN. */
int bt_krb5_json_finish(struct bt_rd *rd);

/* ---- writing; commas and brackets are the caller's ---- */

void bt_krb5_json_put(struct bt_wr *wr, const char *punctuation);
void bt_krb5_json_put_bool(struct bt_wr *wr, bool value);
void bt_krb5_json_put_number(struct bt_wr *wr, int64_t value);

/* bt_krb5_json_put_text - NULL is null. */
void bt_krb5_json_put_text(struct bt_wr *wr, const char *text);
void bt_krb5_json_put_binary(struct bt_wr *wr, struct bt_bytes bytes);

#endif
