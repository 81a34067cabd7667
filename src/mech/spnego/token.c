#include "mech/spnego/token.h"

#include "base/err.h"
#include "base/oid.h"
#include "wire/der.h"
#include "wire/frame.h"

static const struct bt_bytes spnego_oid = BT_OID("\x2b\x06\x01\x05\x05\x02");

/* The contents of an OPTIONAL OCTET STRING in context tag n. */
static struct bt_bytes
optional_octets(struct bt_rd *rd, unsigned n)
{
	bool present;
	struct bt_rd child = bt_der_enter_optional(rd, BT_DER_CONTEXT(n), &present);
	struct bt_bytes octets;

	if (!present)
		return (struct bt_bytes){0};
	octets = bt_der_octets(&child);
	if (bt_rd_end(&child) != 0)
		bt_rd_fail(rd);
	return octets;
}

/*
 * Tag 3 of an initiator's token is mechListMIC in RFC 4178 and negHints, a SEQUENCE, in MS-SPNG's NegTokenInit2, where the MIC
 * has tag 4. Windows sends the latter from acceptors only, but Samba and old Windows clients put hints into first tokens.
 */
static struct bt_bytes
mic_or_hints(struct bt_rd *rd)
{
	struct bt_rd peek = *rd;
	bool present;
	struct bt_rd child = bt_der_enter_optional(&peek, BT_DER_CONTEXT(3), &present);

	if (present && bt_rd_peek(&child) == BT_DER_SEQUENCE) {
		*rd = peek;
		return optional_octets(rd, 4);
	}
	return optional_octets(rd, 3);
}

int
bt_spnego_read_init(struct bt_bytes body, struct bt_spnego_init *out)
{
	struct bt_rd rd = bt_rd_of(body), choice, seq, field;
	bool present;

	*out = (struct bt_spnego_init){0};
	choice = bt_der_enter(&rd, BT_DER_CONTEXT(0));
	seq = bt_der_enter(&choice, BT_DER_SEQUENCE);
	field = bt_der_enter_optional(&seq, BT_DER_CONTEXT(0), &present);
	if (present) {
		out->mech_list = bt_der_skip(&field);
		if (bt_rd_end(&field) != 0)
			bt_rd_fail(&seq);
	}
	/* reqFlags: not protected by anything, so nothing may depend on them. RFC 4178 §4.2.1 */
	field = bt_der_enter_optional(&seq, BT_DER_CONTEXT(1), &present);
	out->mech_token = optional_octets(&seq, 2);
	out->mic = mic_or_hints(&seq);
	if (bt_rd_end(&seq) != 0 || bt_rd_end(&choice) != 0 || bt_rd_end(&rd) != 0) {
		*out = (struct bt_spnego_init){0};
		return BT_ERR_DEFECTIVE_TOKEN;
	}
	return 0;
}

static enum bt_spnego_state
optional_state(struct bt_rd *seq)
{
	bool present;
	struct bt_rd field = bt_der_enter_optional(seq, BT_DER_CONTEXT(0), &present);
	struct bt_rd contents;
	uint8_t state;

	if (!present)
		return BT_SPNEGO_ABSENT;
	contents = bt_der_enter(&field, BT_DER_ENUMERATED);
	state = bt_rd_u8(&contents);
	if (bt_rd_end(&contents) != 0 || bt_rd_end(&field) != 0 || state > BT_SPNEGO_REQUEST_MIC)
		bt_rd_fail(seq);
	return (enum bt_spnego_state)state;
}

int
bt_spnego_read_resp(struct bt_bytes token, struct bt_spnego_resp *out)
{
	struct bt_rd rd = bt_rd_of(token), choice, seq, field;
	bool present;

	choice = bt_der_enter(&rd, BT_DER_CONTEXT(1));
	seq = bt_der_enter(&choice, BT_DER_SEQUENCE);
	*out = (struct bt_spnego_resp){.state = optional_state(&seq)};
	field = bt_der_enter_optional(&seq, BT_DER_CONTEXT(1), &present);
	if (present) {
		out->supported = bt_der_oid(&field);
		if (bt_rd_end(&field) != 0)
			bt_rd_fail(&seq);
	}
	out->token = optional_octets(&seq, 2);
	out->mic = optional_octets(&seq, 3);
	if (bt_rd_end(&seq) != 0 || bt_rd_end(&choice) != 0 || bt_rd_end(&rd) != 0) {
		*out = (struct bt_spnego_resp){.state = BT_SPNEGO_ABSENT};
		return BT_ERR_DEFECTIVE_TOKEN;
	}
	return 0;
}

size_t
bt_spnego_read_mechs(struct bt_bytes mech_list, struct bt_bytes *mechs)
{
	struct bt_rd rd = bt_rd_of(mech_list);
	struct bt_rd seq = bt_der_enter(&rd, BT_DER_SEQUENCE);
	size_t num_mechs = 0;

	while (seq.left != 0) {
		struct bt_bytes oid = bt_der_oid(&seq);

		if (num_mechs == BT_SPNEGO_MECHS_MAX || !bt_oid_is_valid(oid))
			return 0;
		mechs[num_mechs++] = oid;
	}
	return bt_rd_end(&seq) == 0 && bt_rd_end(&rd) == 0 ? num_mechs : 0;
}

void
bt_spnego_write_mechs(struct bt_wr *wr, const struct bt_bytes *mechs, size_t num_mechs)
{
	size_t seq = bt_der_open(wr, BT_DER_SEQUENCE);

	for (size_t i = 0; i < num_mechs; i++)
		bt_der_put(wr, BT_DER_OID, mechs[i]);
	bt_der_close(wr, seq);
}

static void
put_optional(struct bt_wr *wr, unsigned n, uint8_t tag, struct bt_bytes contents)
{
	size_t field;

	if (contents.ptr == NULL)
		return;
	field = bt_der_open(wr, (uint8_t)BT_DER_CONTEXT(n));
	bt_der_put(wr, tag, contents);
	bt_der_close(wr, field);
}

/* Everything of a framed NegTokenInit up to and without its last fields. */
struct frame_marks {
	size_t frame, choice, seq;
};

static struct frame_marks
open_init(struct bt_wr *wr, struct bt_bytes mech_list)
{
	struct frame_marks marks = {.frame = bt_der_open(wr, BT_DER_APPLICATION(0))};
	size_t field;

	bt_der_put(wr, BT_DER_OID, spnego_oid);
	marks.choice = bt_der_open(wr, BT_DER_CONTEXT(0));
	marks.seq = bt_der_open(wr, BT_DER_SEQUENCE);
	field = bt_der_open(wr, BT_DER_CONTEXT(0));
	bt_wr_bytes(wr, mech_list);
	bt_der_close(wr, field);
	return marks;
}

static void
close_init(struct bt_wr *wr, struct frame_marks marks)
{
	bt_der_close(wr, marks.seq);
	bt_der_close(wr, marks.choice);
	bt_der_close(wr, marks.frame);
}

void
bt_spnego_write_init(struct bt_wr *wr, const struct bt_spnego_init *init)
{
	struct frame_marks marks = open_init(wr, init->mech_list);

	put_optional(wr, 2, BT_DER_OCTET_STRING, init->mech_token);
	put_optional(wr, 3, BT_DER_OCTET_STRING, init->mic);
	close_init(wr, marks);
}

void
bt_spnego_write_hints(struct bt_wr *wr, struct bt_bytes mech_list)
{
	struct frame_marks marks = open_init(wr, mech_list);
	size_t field = bt_der_open(wr, BT_DER_CONTEXT(3));
	size_t hints = bt_der_open(wr, BT_DER_SEQUENCE);

	put_optional(wr, 0, BT_DER_GENERAL_STRING, bt_bytes_of_str("not_defined_in_RFC4178@please_ignore"));
	bt_der_close(wr, hints);
	bt_der_close(wr, field);
	close_init(wr, marks);
}

void
bt_spnego_write_resp(struct bt_wr *wr, const struct bt_spnego_resp *resp)
{
	size_t choice = bt_der_open(wr, BT_DER_CONTEXT(1));
	size_t seq = bt_der_open(wr, BT_DER_SEQUENCE);
	uint8_t state = (uint8_t)resp->state;

	if (resp->state != BT_SPNEGO_ABSENT)
		put_optional(wr, 0, BT_DER_ENUMERATED, bt_bytes_of(&state, 1));
	put_optional(wr, 1, BT_DER_OID, resp->supported);
	put_optional(wr, 2, BT_DER_OCTET_STRING, resp->token);
	put_optional(wr, 3, BT_DER_OCTET_STRING, resp->mic);
	bt_der_close(wr, seq);
	bt_der_close(wr, choice);
}
