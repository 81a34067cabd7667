#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/mech_krb5.h"
#include "wire/der.h"

enum { AP_REP = 15, ENC_AP_REP_PART = 27, VERSION = 5, MICROSECONDS = 1000000 };

/* Implementations that keep sequence numbers in signed integers send the upper half as negative numbers. */
static bool
is_seq(int64_t v)
{
	return v >= INT32_MIN && v <= (int64_t)UINT32_MAX;
}

static void
parse_key(struct bt_rd *rd, struct bt_msg_key *out, bool *is_too_long)
{
	struct bt_rd fields = bt_der_enter(rd, BT_DER_SEQUENCE);
	struct bt_rd field = bt_der_enter(&fields, BT_DER_CONTEXT(0));
	int64_t enctype = bt_der_int(&field);
	struct bt_bytes bytes;

	if (bt_rd_end(&field) != 0 || enctype < INT32_MIN || enctype > INT32_MAX || enctype == 0)
		bt_rd_fail(rd);
	field = bt_der_enter(&fields, BT_DER_CONTEXT(1));
	bytes = bt_der_octets(&field);
	if (bt_rd_end(&field) != 0 || bt_rd_end(&fields) != 0)
		bt_rd_fail(rd);
	*is_too_long = bytes.len > sizeof out->bytes;
	if (rd->failed || *is_too_long)
		return;
	out->enctype = (int32_t)enctype;
	out->len = (uint8_t)bytes.len;
	if (bytes.len != 0)
		memcpy(out->bytes, bytes.ptr, bytes.len);
}

int
bt_krb5_reply_parse(struct bt_bytes plain, struct bt_krb5_reply *out)
{
	/* Older enctypes pad the plaintext, so what follows the outer element is not looked at. RFC 3961 §6.2. */
	struct bt_rd rd = bt_rd_of(plain);
	struct bt_rd part = bt_der_enter(&rd, BT_DER_APPLICATION(ENC_AP_REP_PART));
	struct bt_rd fields = bt_der_enter(&part, BT_DER_SEQUENCE), field;
	bool has_subkey, has_seq, is_too_long = false;
	int64_t cusec, seq = 0;

	*out = (struct bt_krb5_reply){0};
	field = bt_der_enter(&fields, BT_DER_CONTEXT(0));
	out->ctime = bt_der_time(&field);
	if (bt_rd_end(&field) != 0)
		bt_rd_fail(&fields);
	field = bt_der_enter(&fields, BT_DER_CONTEXT(1));
	cusec = bt_der_int(&field);
	if (bt_rd_end(&field) != 0 || cusec < 0 || cusec >= MICROSECONDS)
		bt_rd_fail(&fields);
	field = bt_der_enter_optional(&fields, BT_DER_CONTEXT(2), &has_subkey);
	if (has_subkey) {
		parse_key(&field, &out->subkey, &is_too_long);
		if (bt_rd_end(&field) != 0)
			bt_rd_fail(&fields);
	}
	field = bt_der_enter_optional(&fields, BT_DER_CONTEXT(3), &has_seq);
	if (has_seq) {
		seq = bt_der_int(&field);
		if (bt_rd_end(&field) != 0 || !is_seq(seq))
			bt_rd_fail(&fields);
	}
	if (bt_rd_end(&fields) != 0 || bt_rd_end(&part) != 0 || is_too_long) {
		bt_mem_wipe(out, sizeof *out);
		return is_too_long ? BT_ERR_ENCTYPE : (int)ASN1_PARSE_ERROR;
	}
	out->cusec = (uint32_t)cusec;
	out->seq = (uint32_t)seq;
	return 0;
}

/* The encrypted part of an AP-REP. RFC 4120 §5.5.2, §5.2.9. */
static int
read_cipher(struct bt_bytes ap_rep, int32_t *enctype, struct bt_bytes *cipher)
{
	struct bt_rd rd = bt_rd_of(ap_rep), message, fields, field, data;
	bool has_kvno;
	int64_t number;

	if (bt_rd_peek(&rd) != BT_DER_APPLICATION(AP_REP))
		return KRB5KRB_AP_ERR_MSG_TYPE;
	message = bt_der_enter(&rd, BT_DER_APPLICATION(AP_REP));
	fields = bt_der_enter(&message, BT_DER_SEQUENCE);
	field = bt_der_enter(&fields, BT_DER_CONTEXT(0));
	if (bt_der_int(&field) != VERSION)
		bt_rd_fail(&fields);
	field = bt_der_enter(&fields, BT_DER_CONTEXT(1));
	if (bt_der_int(&field) != AP_REP)
		bt_rd_fail(&fields);
	field = bt_der_enter(&fields, BT_DER_CONTEXT(2));
	data = bt_der_enter(&field, BT_DER_SEQUENCE);
	if (bt_rd_end(&field) != 0)
		bt_rd_fail(&fields);
	field = bt_der_enter(&data, BT_DER_CONTEXT(0));
	number = bt_der_int(&field);
	if (bt_rd_end(&field) != 0 || number < INT32_MIN || number > INT32_MAX)
		bt_rd_fail(&fields);
	*enctype = (int32_t)number;
	bt_der_enter_optional(&data, BT_DER_CONTEXT(1), &has_kvno);
	field = bt_der_enter(&data, BT_DER_CONTEXT(2));
	*cipher = bt_der_octets(&field);
	if (bt_rd_end(&field) != 0 || bt_rd_end(&data) != 0 || bt_rd_end(&fields) != 0 || bt_rd_end(&message) != 0 ||
	    bt_rd_end(&rd) != 0)
		return (int)ASN1_PARSE_ERROR;
	return 0;
}

int
bt_krb5_reply_read(struct bt_krb5 *lib, const struct bt_msg_key *session, struct bt_bytes ap_rep, struct bt_krb5_reply *out)
{
	krb5_keyblock key = bt_krb5_key_of(session);
	krb5_enc_data cipher = {.magic = KV5M_ENC_DATA};
	krb5_data plain = {.magic = KV5M_DATA};
	struct bt_bytes bytes;
	krb5_error_code code;
	int e;

	*out = (struct bt_krb5_reply){0};
	if ((e = read_cipher(ap_rep, &cipher.enctype, &bytes)) != 0)
		return bt_krb5_fail(lib, e);
	cipher.ciphertext = bt_krb5_data_of(bytes);
	plain.length = (unsigned)bytes.len;
	plain.data = bt_mem_alloc(bytes.len);
	if (plain.data == NULL)
		return BT_ERR_NOMEM;
	code = krb5_c_decrypt(lib->ctx, &key, KRB5_KEYUSAGE_AP_REP_ENCPART, NULL, &cipher, &plain);
	if (code != 0)
		e = bt_krb5_fail(lib, code);
	else
		e = bt_krb5_reply_parse(bt_bytes_of(plain.data, plain.length), out);
	bt_mem_free_secret(plain.data, bytes.len);
	return e;
}

static void
put_int(struct bt_wr *wr, unsigned tag, int64_t v)
{
	size_t mark = bt_der_open(wr, BT_DER_CONTEXT(tag));

	bt_der_put_int(wr, v);
	bt_der_close(wr, mark);
}

static void
put_plain(struct bt_wr *wr, const struct bt_krb5_reply *reply)
{
	size_t part = bt_der_open(wr, BT_DER_APPLICATION(ENC_AP_REP_PART)), fields = bt_der_open(wr, BT_DER_SEQUENCE), mark;

	mark = bt_der_open(wr, BT_DER_CONTEXT(0));
	bt_der_put_time(wr, reply->ctime);
	bt_der_close(wr, mark);
	put_int(wr, 1, reply->cusec);
	if (reply->subkey.enctype != 0) {
		size_t outer = bt_der_open(wr, BT_DER_CONTEXT(2)), key = bt_der_open(wr, BT_DER_SEQUENCE);

		put_int(wr, 0, reply->subkey.enctype);
		mark = bt_der_open(wr, BT_DER_CONTEXT(1));
		bt_der_put(wr, BT_DER_OCTET_STRING, bt_bytes_of(reply->subkey.bytes, reply->subkey.len));
		bt_der_close(wr, mark);
		bt_der_close(wr, key);
		bt_der_close(wr, outer);
	}
	put_int(wr, 3, reply->seq);
	bt_der_close(wr, fields);
	bt_der_close(wr, part);
}

static void
put_message(struct bt_wr *wr, int32_t enctype, struct bt_bytes cipher)
{
	size_t message = bt_der_open(wr, BT_DER_APPLICATION(AP_REP)), fields = bt_der_open(wr, BT_DER_SEQUENCE), outer, data,
	       mark;

	put_int(wr, 0, VERSION);
	put_int(wr, 1, AP_REP);
	outer = bt_der_open(wr, BT_DER_CONTEXT(2));
	data = bt_der_open(wr, BT_DER_SEQUENCE);
	put_int(wr, 0, enctype);
	mark = bt_der_open(wr, BT_DER_CONTEXT(2));
	bt_der_put(wr, BT_DER_OCTET_STRING, cipher);
	bt_der_close(wr, mark);
	bt_der_close(wr, data);
	bt_der_close(wr, outer);
	bt_der_close(wr, fields);
	bt_der_close(wr, message);
}

/* The row of a key that crypto encrypts with, or NULL. */
static const struct bt_crypto_enctype *
quick_enctype(const struct bt_msg_key *key)
{
	const struct bt_crypto_enctype *et = bt_crypto_enctype_of(key->enctype);

	return et != NULL && !et->is_legacy && et->key_len == key->len ? et : NULL;
}

bool
bt_krb5_reply_is_quick(const struct bt_msg_key *session)
{
	return quick_enctype(session) != NULL;
}

/* RFC 3961 §5.3 and its kin: confounder and text encrypted, then the checksum. */
static int
encrypt_here(const struct bt_crypto_enctype *et, const struct bt_msg_key *key, struct bt_bytes plain, struct bt_buf *out)
{
	size_t len = BT_CRYPTO_BLOCK_LEN + plain.len;
	struct bt_crypto_seal_key *seal = NULL;
	struct bt_crypto_seg seg;
	int e;

	if ((out->ptr = bt_mem_alloc_raw(len + et->mac_len)) == NULL)
		return BT_ERR_NOMEM;
	out->len = len + et->mac_len;
	if ((e = bt_crypto_seal_key_new(et, key->bytes, KRB5_KEYUSAGE_AP_REP_ENCPART, true, &seal)) != 0 ||
	    (e = bt_crypto_random(out->ptr, BT_CRYPTO_BLOCK_LEN)) != 0) {
		bt_crypto_seal_key_free(seal);
		return e;
	}
	memcpy(out->ptr + BT_CRYPTO_BLOCK_LEN, plain.ptr, plain.len);
	seg = (struct bt_crypto_seg){out->ptr, out->ptr, len};
	bt_crypto_encrypt(seal, &seg, 1, out->ptr + len);
	bt_crypto_seal_key_free(seal);
	return 0;
}

static int
encrypt_by_library(struct bt_krb5 *lib, const struct bt_msg_key *key, struct bt_bytes plain, struct bt_buf *out)
{
	krb5_keyblock keyblock = bt_krb5_key_of(key);
	krb5_data text = bt_krb5_data_of(plain);
	krb5_enc_data cipher = {.magic = KV5M_ENC_DATA};
	krb5_error_code code = krb5_c_encrypt_length(lib->ctx, key->enctype, plain.len, &out->len);

	if (code != 0)
		return bt_krb5_fail(lib, code);
	if ((out->ptr = bt_mem_alloc(out->len)) == NULL)
		return BT_ERR_NOMEM;
	cipher.ciphertext.length = (unsigned)out->len;
	cipher.ciphertext.data = (char *)out->ptr;
	code = krb5_c_encrypt(lib->ctx, &keyblock, KRB5_KEYUSAGE_AP_REP_ENCPART, NULL, &text, &cipher);
	out->len = cipher.ciphertext.length;
	return bt_krb5_fail(lib, code);
}

int
bt_krb5_reply_write(struct bt_krb5 *lib, const struct bt_msg_key *session, const struct bt_krb5_reply *reply, struct bt_wr *out)
{
	const struct bt_crypto_enctype *et = quick_enctype(session);
	struct bt_buf cipher = {0};
	struct bt_wr plain;
	int e;

	bt_wr_init(&plain);
	put_plain(&plain, reply);
	if (plain.failed)
		e = BT_ERR_NOMEM;
	else if (et != NULL)
		e = encrypt_here(et, session, bt_wr_written(&plain), &cipher);
	else
		e = encrypt_by_library(lib, session, bt_wr_written(&plain), &cipher);
	if (e == 0)
		put_message(out, session->enctype, bt_bytes_of_buf(&cipher));
	if (e == 0 && out->failed)
		e = BT_ERR_NOMEM;
	bt_mem_free(cipher.ptr);
	bt_wr_done(&plain);
	return e;
}
