#include <com_err.h>
#include <stdio.h>

#include "base/err.h"
#include "mech/krb5/mech_krb5.h"
#include "wire/der.h"

enum { KRB_ERROR = 30, VERSION = 5, NUM_PROTOCOL_CODES = 128, GENERIC = 60 };

int
bt_krb5_error_read(struct bt_bytes krb_error)
{
	struct bt_rd rd = bt_rd_of(krb_error);
	struct bt_rd message = bt_der_enter(&rd, BT_DER_APPLICATION(KRB_ERROR));
	struct bt_rd fields = bt_der_enter(&message, BT_DER_SEQUENCE), field;
	bool present;
	int64_t code;

	field = bt_der_enter(&fields, BT_DER_CONTEXT(0));
	if (bt_der_int(&field) != VERSION)
		bt_rd_fail(&fields);
	field = bt_der_enter(&fields, BT_DER_CONTEXT(1));
	if (bt_der_int(&field) != KRB_ERROR)
		bt_rd_fail(&fields);
	/* Client's time, optional; server's time. RFC 4120 §5.9.1. */
	for (unsigned tag = 2; tag <= 5; tag++) {
		bt_der_enter_optional(&fields, BT_DER_CONTEXT(tag), &present);
		if (!present && tag >= 4)
			bt_rd_fail(&fields);
	}
	field = bt_der_enter(&fields, BT_DER_CONTEXT(6));
	code = bt_der_int(&field);
	if (bt_rd_end(&field) != 0 || fields.failed || bt_rd_end(&message) != 0 || bt_rd_end(&rd) != 0)
		return (int)ASN1_PARSE_ERROR;
	/* Zero would say that nothing is wrong, and other numbers are no codes of the protocol. */
	if (code <= 0 || code >= NUM_PROTOCOL_CODES)
		code = GENERIC;
	return (int)(ERROR_TABLE_BASE_krb5 + code);
}

static void
put_int(struct bt_wr *wr, unsigned tag, int64_t v)
{
	size_t mark = bt_der_open(wr, BT_DER_CONTEXT(tag));

	bt_der_put_int(wr, v);
	bt_der_close(wr, mark);
}

static void
put_slice(struct bt_wr *wr, unsigned tag, struct bt_bytes der)
{
	size_t mark = bt_der_open(wr, BT_DER_CONTEXT(tag));

	bt_wr_bytes(wr, der);
	bt_der_close(wr, mark);
}

void
bt_krb5_error_write(int err, const struct bt_krb5_request *request, int64_t now, struct bt_wr *out)
{
	int64_t code = (int64_t)err - ERROR_TABLE_BASE_krb5;
	size_t message = bt_der_open(out, BT_DER_APPLICATION(KRB_ERROR)), fields = bt_der_open(out, BT_DER_SEQUENCE), mark;

	if (code <= 0 || code >= NUM_PROTOCOL_CODES)
		code = GENERIC;
	put_int(out, 0, VERSION);
	put_int(out, 1, KRB_ERROR);
	mark = bt_der_open(out, BT_DER_CONTEXT(4));
	bt_der_put_time(out, now);
	bt_der_close(out, mark);
	put_int(out, 5, 0);
	put_int(out, 6, code);
	put_slice(out, 9, request->realm);
	put_slice(out, 10, request->sname);
	bt_der_close(out, fields);
	bt_der_close(out, message);
}

void
bt_krb5_error_text(const struct bt_mech *mech, int err, char *text, size_t text_len)
{
	struct bt_krb5 *lib;

	/* Entering registers libkrb5's tables; without it, its numbers have no text. */
	if (bt_krb5_enter(&lib) != 0)
		lib = NULL;
	snprintf(text, text_len, "%s", error_message(err));
	bt_krb5_leave(lib);
}
