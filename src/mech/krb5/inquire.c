#include "base/err.h"
#include "base/mem.h"
#include "base/oid.h"
#include "mech/krb5/mech_krb5.h"

/* 1.2.840.113554.1.2.2.5: questions. An answer's OID may go on where a parameter is given. */
#define QUESTION(last) BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05" last)
static const struct bt_bytes TICKET_FLAGS = QUESTION("\x01");
static const struct bt_bytes SESSION_KEY = QUESTION("\x05");
static const struct bt_bytes AUTHZ_DATA = QUESTION("\x0a");
static const struct bt_bytes AUTHTIME = QUESTION("\x0c");
static const struct bt_bytes SASL_SSF = QUESTION("\x0f");
/* 1.2.840.113554.1.2.2.4: the enctype of a session key follows. */
static const struct bt_bytes SESSION_KEY_ENCTYPE = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x04");

static int
answer(struct bt_answers *out, struct bt_bytes bytes)
{
	struct bt_buf copy;
	int e = bt_buf_dup(bytes, &copy);

	return e != 0 ? e : bt_answers_add(out, &copy);
}

static void
put_arc(struct bt_wr *wr, uint32_t arc)
{
	for (int shift = 28; shift > 0; shift -= 7)
		if (arc >> shift != 0)
			bt_wr_u8(wr, (uint8_t)(0x80 | (arc >> shift & 0x7f)));
	bt_wr_u8(wr, arc & 0x7f);
}

static int
answer_key(const struct bt_msg_key *key, struct bt_answers *out)
{
	uint8_t storage[16];
	struct bt_wr wr;
	int e = answer(out, bt_bytes_of(key->bytes, key->len));

	bt_wr_over(&wr, storage, sizeof storage);
	bt_wr_bytes(&wr, SESSION_KEY_ENCTYPE);
	put_arc(&wr, (uint32_t)key->enctype);
	return e != 0 ? e : answer(out, bt_wr_written(&wr));
}

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
	const struct bt_msg_key *key;
	int32_t type;
	int e = BT_ERR_UNAVAILABLE;

	*out = (struct bt_answers){0};
	if (ctx->stage != BT_CTX_OPEN)
		return BT_ERR_CTX_INCOMPLETE;
	key = bt_msg_session_key(ctx->msg);
	if (bt_bytes_has_prefix(what, AUTHZ_DATA)) {
		if ((e = read_parameter(what, AUTHZ_DATA, &type)) == 0)
			e = bt_krb5_authdata_find(bt_bytes_of_buf(&ctx->authz), type, out);
	} else if (bt_bytes_has_prefix(what, TICKET_FLAGS)) {
		e = answer(out, bt_bytes_of(&ctx->ticket_flags, sizeof ctx->ticket_flags));
	} else if (bt_bytes_has_prefix(what, SESSION_KEY)) {
		e = answer_key(key, out);
	} else if (bt_bytes_has_prefix(what, AUTHTIME)) {
		uint32_t authtime = (uint32_t)ctx->authtime;

		e = answer(out, bt_bytes_of(&authtime, sizeof authtime));
	} else if (bt_bytes_has_prefix(what, SASL_SSF)) {
		const struct bt_crypto_enctype *et = bt_crypto_enctype_of(key->enctype);
		uint8_t ssf[4];

		bt_store_be32(ssf, et != NULL ? et->strength : 0);
		e = answer(out, bt_bytes_of(ssf, sizeof ssf));
	}
	if (e != 0)
		bt_answers_free(out);
	return e;
}
