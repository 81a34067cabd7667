#include "base/err.h"
#include "base/oid.h"
#include "mech/krb5/mech_krb5.h"

/* 1.2.840.113554.1.2.2.5: questions. An answer's OID may go on where a parameter is given. */
#define QUESTION(last) BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05" last)
static const struct bt_bytes TICKET_FLAGS = QUESTION("\x01");
static const struct bt_bytes LUCID = QUESTION("\x06");
static const struct bt_bytes AUTHZ_DATA = QUESTION("\x0a");
static const struct bt_bytes AUTHTIME = QUESTION("\x0c");

/* The parameter that follows a question: one arc. */
static int
read_parameter(struct bt_bytes what, struct bt_bytes question, int32_t *out)
{
	struct bt_rd rd = bt_rd_of(what);
	uint32_t v = 0;
	uint8_t octet;

	bt_rd_bytes(&rd, question.len);
	do {
		octet = bt_rd_u8(&rd);
		if (v > UINT32_MAX >> 7)
			bt_rd_fail(&rd);
		v = v << 7 | (octet & 0x7f);
	} while ((octet & 0x80) != 0 && !rd.failed);
	*out = (int32_t)v;
	return bt_rd_end(&rd) != 0 || v == 0 ? BT_ERR_MALFORMED : 0;
}

int
bt_krb5_inquire(const struct bt_ctx *ctx, struct bt_bytes what, struct bt_answers *out)
{
	int32_t parameter;
	int e;

	*out = (struct bt_answers){0};
	if (ctx->stage != BT_CTX_OPEN)
		return BT_ERR_CTX_INCOMPLETE;
	if (bt_bytes_has_prefix(what, AUTHZ_DATA)) {
		if ((e = read_parameter(what, AUTHZ_DATA, &parameter)) == 0)
			e = bt_krb5_authdata_find(bt_bytes_of_buf(&ctx->authz), parameter, out);
	} else if (bt_bytes_has_prefix(what, LUCID)) {
		if ((e = read_parameter(what, LUCID, &parameter)) == 0)
			e = bt_krb5_lucid_answer(ctx, parameter, out);
	} else if (bt_bytes_has_prefix(what, TICKET_FLAGS)) {
		e = bt_answers_add_copy(out, bt_bytes_of(&ctx->ticket_flags, sizeof ctx->ticket_flags));
	} else if (bt_bytes_has_prefix(what, AUTHTIME)) {
		uint32_t authtime = (uint32_t)ctx->authtime;

		e = bt_answers_add_copy(out, bt_bytes_of(&authtime, sizeof authtime));
	} else {
		e = bt_ctx_inquire_key(ctx, what, out);
	}
	if (e != 0)
		bt_answers_free(out);
	return e;
}
