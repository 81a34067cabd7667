#include "base/err.h"
#include "mech/krb5/iakerb.h"
#include "wire/der.h"
#include "wire/frame.h"

enum { FRAMED = BT_DER_APPLICATION(0), AS_REQ = 10, TGS_REQ = 12, VERSION = 5 };

/* ---- PROXY tokens. draft-ietf-kitten-iakerb §3 ---- */

/* Behind the framing, if there is any. oid of len 0: there is none. */
static int
unframe(struct bt_bytes token, struct bt_bytes *oid, struct bt_bytes *inner)
{
	*oid = (struct bt_bytes){0};
	*inner = token;
	if (token.len == 0 || token.ptr[0] != FRAMED)
		return 0;
	return bt_frame_read(token, oid, inner) == 0 ? 0 : BT_ERR_DEFECTIVE_TOKEN;
}

static bool
begins_as_proxy(struct bt_bytes inner)
{
	return inner.len >= 2 && bt_load_be16(inner.ptr) == BT_IAKERB_TOK_PROXY;
}

bool
bt_iakerb_is_proxy(struct bt_bytes token)
{
	struct bt_bytes oid, inner;

	return unframe(token, &oid, &inner) == 0 && begins_as_proxy(inner);
}

/* The draft has a UTF8String here; MIT's library writes and reads an OCTET STRING. */
static struct bt_bytes
read_realm(struct bt_rd *rd)
{
	struct bt_rd text;

	if (bt_rd_peek(rd) != BT_DER_UTF8_STRING)
		return bt_der_octets(rd);
	text = bt_der_enter(rd, BT_DER_UTF8_STRING);
	return bt_rd_rest(&text);
}

static bool
read_header(struct bt_rd *rd, struct bt_iakerb_proxy *out)
{
	struct bt_rd header = bt_der_enter(rd, BT_DER_SEQUENCE), field = bt_der_enter(&header, BT_DER_CONTEXT(1));
	bool has_cookie;

	out->realm = read_realm(&field);
	if (bt_rd_end(&field) != 0)
		return false;
	field = bt_der_enter_optional(&header, BT_DER_CONTEXT(2), &has_cookie);
	if (has_cookie) {
		out->cookie = bt_der_octets(&field);
		if (bt_rd_end(&field) != 0 || out->cookie.len > BT_IAKERB_COOKIE_MAX)
			return false;
	}
	return bt_rd_end(&header) == 0;
}

int
bt_iakerb_proxy_read(struct bt_bytes token, bool is_first, struct bt_iakerb_proxy *out)
{
	struct bt_bytes oid, inner;
	struct bt_rd rd;
	bool is_good;

	*out = (struct bt_iakerb_proxy){0};
	if (unframe(token, &oid, &inner) != 0 || !begins_as_proxy(inner) || (is_first && oid.len == 0))
		return BT_ERR_DEFECTIVE_TOKEN;
	if (oid.len != 0 && !bt_bytes_equal(oid, bt_mech_iakerb.oid))
		return BT_ERR_WRONG_MECH;
	rd = bt_rd_of(inner);
	bt_rd_be16(&rd);
	is_good = read_header(&rd, out);
	/* The message is what is left, as long as that is. */
	out->message = bt_rd_rest(&rd);
	if (!is_good || rd.failed || out->realm.len == 0 || out->realm.len > BT_IAKERB_REALM_MAX || out->message.len == 0 ||
	    out->message.len > BT_IAKERB_MESSAGE_MAX) {
		*out = (struct bt_iakerb_proxy){0};
		return BT_ERR_DEFECTIVE_TOKEN;
	}
	return 0;
}

int
bt_iakerb_proxy_write(const struct bt_iakerb_proxy *proxy, bool is_first, struct bt_buf *out)
{
	struct bt_wr inner, framed;
	size_t header, field;
	int e;

	bt_wr_init(&inner);
	bt_wr_init(&framed);
	bt_wr_be16(&inner, BT_IAKERB_TOK_PROXY);
	header = bt_der_open(&inner, BT_DER_SEQUENCE);
	field = bt_der_open(&inner, BT_DER_CONTEXT(1));
	bt_der_put(&inner, BT_DER_OCTET_STRING, proxy->realm);
	bt_der_close(&inner, field);
	if (proxy->cookie.ptr != NULL) {
		field = bt_der_open(&inner, BT_DER_CONTEXT(2));
		bt_der_put(&inner, BT_DER_OCTET_STRING, proxy->cookie);
		bt_der_close(&inner, field);
	}
	bt_der_close(&inner, header);
	bt_wr_bytes(&inner, proxy->message);
	if (is_first && !inner.failed)
		bt_frame_write(&framed, bt_mech_iakerb.oid, bt_wr_written(&inner));
	if (inner.failed) {
		*out = (struct bt_buf){0};
		e = BT_ERR_NOMEM;
	} else {
		e = bt_wr_take(is_first ? &framed : &inner, out);
	}
	bt_wr_done(&inner);
	bt_wr_done(&framed);
	return e;
}

/* ---- what may be carried ---- */

bool
bt_iakerb_is_request(struct bt_bytes message)
{
	struct bt_rd rd = bt_rd_of(message), request, fields, field;
	int type = bt_rd_peek(&rd) == BT_DER_APPLICATION(AS_REQ) ? AS_REQ : TGS_REQ;

	request = bt_der_enter(&rd, (uint8_t)BT_DER_APPLICATION(type));
	fields = bt_der_enter(&request, BT_DER_SEQUENCE);
	field = bt_der_enter(&fields, BT_DER_CONTEXT(1));
	if (bt_der_int(&field) != VERSION || bt_rd_end(&field) != 0)
		return false;
	field = bt_der_enter(&fields, BT_DER_CONTEXT(2));
	if (bt_der_int(&field) != type || bt_rd_end(&field) != 0)
		return false;
	return !fields.failed && bt_rd_end(&request) == 0 && bt_rd_end(&rd) == 0;
}

/* ---- KRB-FINISHED. draft-ietf-kitten-iakerb §4 ---- */

int
bt_iakerb_finished_read(struct bt_bytes finished, int32_t *type, struct bt_bytes *value)
{
	struct bt_rd rd = bt_rd_of(finished), fields = bt_der_enter(&rd, BT_DER_SEQUENCE);
	struct bt_rd outer = bt_der_enter(&fields, BT_DER_CONTEXT(1)), checksum = bt_der_enter(&outer, BT_DER_SEQUENCE);
	struct bt_rd first = bt_der_enter(&checksum, BT_DER_CONTEXT(0)), second;
	int64_t number = bt_der_int(&first);

	second = bt_der_enter(&checksum, BT_DER_CONTEXT(1));
	*value = bt_der_octets(&second);
	*type = (int32_t)number;
	if (number == *type && bt_rd_end(&first) == 0 && bt_rd_end(&second) == 0 && bt_rd_end(&checksum) == 0 &&
	    bt_rd_end(&outer) == 0 && bt_rd_end(&fields) == 0 && bt_rd_end(&rd) == 0)
		return 0;
	*type = 0;
	*value = (struct bt_bytes){0};
	return BT_ERR_DEFECTIVE_TOKEN;
}

void
bt_iakerb_finished_write(int32_t type, struct bt_bytes value, struct bt_wr *out)
{
	size_t fields = bt_der_open(out, BT_DER_SEQUENCE), outer = bt_der_open(out, BT_DER_CONTEXT(1));
	size_t checksum = bt_der_open(out, BT_DER_SEQUENCE), field = bt_der_open(out, BT_DER_CONTEXT(0));

	bt_der_put_int(out, type);
	bt_der_close(out, field);
	field = bt_der_open(out, BT_DER_CONTEXT(1));
	bt_der_put(out, BT_DER_OCTET_STRING, value);
	bt_der_close(out, field);
	bt_der_close(out, checksum);
	bt_der_close(out, outer);
	bt_der_close(out, fields);
}
