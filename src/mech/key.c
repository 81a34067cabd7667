#include "base/err.h"
#include "base/oid.h"
#include "mech/mech.h"

/* 1.2.840.113554.1.2.2.5: questions. 1.2.840.113554.1.2.2.4: the enctype of a session key follows. */
static const struct bt_bytes SESSION_KEY = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x05");
static const struct bt_bytes SASL_SSF = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x0f");
static const struct bt_bytes SESSION_KEY_ENCTYPE = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x04");

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
	int e = bt_answers_add_copy(out, bt_bytes_of(key->bytes, key->len));

	bt_wr_over(&wr, storage, sizeof storage);
	bt_wr_bytes(&wr, SESSION_KEY_ENCTYPE);
	put_arc(&wr, (uint32_t)key->enctype);
	return e != 0 ? e : bt_answers_add_copy(out, bt_wr_written(&wr));
}

static int
answer_strength(const struct bt_msg_key *key, struct bt_answers *out)
{
	const struct bt_crypto_enctype *et = bt_crypto_enctype_of(key->enctype);
	uint8_t ssf[4];

	bt_store_be32(ssf, et != NULL ? et->strength : 0);
	return bt_answers_add_copy(out, bt_bytes_of(ssf, sizeof ssf));
}

int
bt_ctx_inquire_key(const struct bt_ctx *ctx, struct bt_bytes what, struct bt_answers *out)
{
	const struct bt_msg_key *key;
	int e = BT_ERR_UNAVAILABLE;

	*out = (struct bt_answers){0};
	if (ctx->stage != BT_CTX_OPEN)
		return BT_ERR_CTX_INCOMPLETE;
	key = bt_msg_session_key(ctx->msg);
	if (bt_bytes_has_prefix(what, SESSION_KEY))
		e = answer_key(key, out);
	else if (bt_bytes_has_prefix(what, SASL_SSF))
		e = answer_strength(key, out);
	if (e != 0)
		bt_answers_free(out);
	return e;
}
