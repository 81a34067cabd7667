#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/mech_krb5.h"
#include "wire/der.h"

enum { AP_REQ = 14, TICKET = 1, AUTHENTICATOR = 2, VERSION = 5 };

/* The one element of a field, whatever it is. */
static struct bt_bytes
read_slice(struct bt_rd *fields, unsigned tag)
{
	struct bt_rd field = bt_der_enter(fields, BT_DER_CONTEXT(tag));
	struct bt_bytes slice = bt_der_skip(&field);

	if (bt_rd_end(&field) != 0)
		bt_rd_fail(fields);
	return slice;
}

static int64_t
read_int(struct bt_rd *fields, unsigned tag)
{
	struct bt_rd field = bt_der_enter(fields, BT_DER_CONTEXT(tag));
	int64_t v = bt_der_int(&field);

	if (bt_rd_end(&field) != 0)
		bt_rd_fail(fields);
	return v;
}

/* Realm and service name of a Ticket. RFC 4120 §5.3. */
static void
read_ticket(struct bt_rd *rd, struct bt_krb5_request *out)
{
	struct bt_rd ticket = bt_der_enter(rd, BT_DER_APPLICATION(TICKET));
	struct bt_rd fields = bt_der_enter(&ticket, BT_DER_SEQUENCE);

	if (read_int(&fields, 0) != VERSION)
		bt_rd_fail(rd);
	out->realm = read_slice(&fields, 1);
	out->sname = read_slice(&fields, 2);
	read_slice(&fields, 3);
	if (bt_rd_end(&ticket) != 0 || bt_rd_end(&fields) != 0)
		bt_rd_fail(rd);
}

/* EncryptedData. RFC 4120 §5.2.9. */
static void
read_cipher(struct bt_rd *rd, int32_t *enctype, struct bt_bytes *cipher)
{
	struct bt_rd fields = bt_der_enter(rd, BT_DER_SEQUENCE);
	int64_t number = read_int(&fields, 0);
	struct bt_rd field;
	bool has_kvno;

	if (number < INT32_MIN || number > INT32_MAX)
		bt_rd_fail(rd);
	*enctype = (int32_t)number;
	bt_der_enter_optional(&fields, BT_DER_CONTEXT(1), &has_kvno);
	field = bt_der_enter(&fields, BT_DER_CONTEXT(2));
	*cipher = bt_der_octets(&field);
	if (bt_rd_end(&field) != 0 || bt_rd_end(&fields) != 0)
		bt_rd_fail(rd);
}

int
bt_krb5_request_read(struct bt_bytes ap_req, struct bt_krb5_request *out)
{
	struct bt_rd rd = bt_rd_of(ap_req), message, fields, field;

	*out = (struct bt_krb5_request){0};
	message = bt_der_enter(&rd, BT_DER_APPLICATION(AP_REQ));
	fields = bt_der_enter(&message, BT_DER_SEQUENCE);
	if (read_int(&fields, 0) != VERSION || read_int(&fields, 1) != AP_REQ)
		bt_rd_fail(&fields);
	field = bt_der_enter(&fields, BT_DER_CONTEXT(2));
	out->options = bt_der_flags(&field);
	if (bt_rd_end(&field) != 0)
		bt_rd_fail(&fields);
	field = bt_der_enter(&fields, BT_DER_CONTEXT(3));
	out->ticket = bt_bytes_of(field.ptr, field.left);
	read_ticket(&field, out);
	if (bt_rd_end(&field) != 0)
		bt_rd_fail(&fields);
	field = bt_der_enter(&fields, BT_DER_CONTEXT(4));
	read_cipher(&field, &out->enctype, &out->cipher);
	if (bt_rd_end(&field) != 0 || bt_rd_end(&fields) != 0 || bt_rd_end(&message) != 0 || bt_rd_end(&rd) != 0) {
		*out = (struct bt_krb5_request){0};
		return BT_ERR_MALFORMED;
	}
	return 0;
}

/* Time of an Authenticator. RFC 4120 §5.5.1. */
static int
read_time(struct bt_bytes plain, int64_t *ctime, uint32_t *cusec)
{
	struct bt_rd rd = bt_rd_of(plain);
	struct bt_rd authenticator = bt_der_enter(&rd, BT_DER_APPLICATION(AUTHENTICATOR));
	struct bt_rd fields = bt_der_enter(&authenticator, BT_DER_SEQUENCE), field;
	bool has_checksum;

	for (unsigned tag = 0; tag < 3; tag++)
		bt_der_enter(&fields, BT_DER_CONTEXT(tag));
	bt_der_enter_optional(&fields, BT_DER_CONTEXT(3), &has_checksum);
	*cusec = (uint32_t)read_int(&fields, 4);
	field = bt_der_enter(&fields, BT_DER_CONTEXT(5));
	*ctime = bt_der_time(&field);
	if (bt_rd_end(&field) != 0)
		bt_rd_fail(&fields);
	return fields.failed ? BT_ERR_MALFORMED : 0;
}

int
bt_krb5_request_time(struct bt_krb5 *lib, struct bt_bytes ap_req, const struct bt_msg_key *session, int64_t *ctime,
		     uint32_t *cusec)
{
	struct bt_krb5_request request;
	krb5_keyblock key = bt_krb5_key_of(session);
	krb5_enc_data cipher = {.magic = KV5M_ENC_DATA};
	krb5_data plain = {.magic = KV5M_DATA};
	krb5_error_code code;
	int e = bt_krb5_request_read(ap_req, &request);

	*ctime = 0;
	*cusec = 0;
	if (e != 0)
		return e;
	plain.length = (unsigned)request.cipher.len;
	plain.data = bt_mem_alloc(plain.length);
	if (plain.data == NULL)
		return BT_ERR_NOMEM;
	cipher.enctype = request.enctype;
	cipher.ciphertext = bt_krb5_data_of(request.cipher);
	code = krb5_c_decrypt(lib->ctx, &key, KRB5_KEYUSAGE_AP_REQ_AUTH, NULL, &cipher, &plain);
	if (code != 0)
		e = bt_krb5_fail(lib, code);
	else
		e = read_time(bt_bytes_of(plain.data, plain.length), ctime, cusec);
	bt_mem_free_secret(plain.data, request.cipher.len);
	return e;
}
