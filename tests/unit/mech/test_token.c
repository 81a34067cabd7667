/* Readers and writers of Kerberos messages, without a realm. */
#include "support.h"

#include <errno.h>
#include <string.h>

#include "mech/krb5/mech_krb5.h"
#include "wire/der.h"

static struct bt_krb5 *lib;

static const struct bt_msg_key session = {.enctype = 18, .len = 32, .bytes = "0123456789abcdef0123456789abcdef"};

static int
open_library(void **state)
{
	/* No configuration but this, wherever the test runs. */
	setenv("KRB5_CONFIG", "/dev/null", 1);
	return bt_krb5_enter(&lib);
}

static int
close_library(void **state)
{
	bt_krb5_leave(lib);
	return 0;
}

/* ---- AP-REP ---- */

/* What is read with libkrb5's cipher was written with it, or with ours. */
static void
round_trip_with(const struct bt_msg_key *key, const struct bt_krb5_reply *reply)
{
	struct bt_krb5_reply back;
	struct bt_wr wr;

	bt_wr_init(&wr);
	assert_int_equal(bt_krb5_reply_write(lib, key, reply, &wr), 0);
	assert_int_equal(bt_krb5_reply_read(lib, key, bt_wr_written(&wr), &back), 0);
	assert_int_equal(back.ctime, reply->ctime);
	assert_int_equal(back.cusec, reply->cusec);
	assert_int_equal(back.seq, reply->seq);
	assert_int_equal(back.subkey.enctype, reply->subkey.enctype);
	assert_memory_equal(back.subkey.bytes, reply->subkey.bytes, sizeof back.subkey.bytes);
	bt_wr_done(&wr);
}

static void
round_trip(const struct bt_krb5_reply *reply)
{
	round_trip_with(&session, reply);
}

static void
test_reply_enctypes(void **state)
{
	static const uint8_t keys[][2] = {{17, 16}, {18, 32}, {19, 16}, {20, 32}, {23, 16}, {25, 16}, {26, 32}};
	struct bt_msg_key key = session;

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		key.enctype = keys[i][0];
		key.len = keys[i][1];
		assert_int_equal(bt_krb5_reply_is_quick(&key), key.enctype != 23);
		round_trip_with(&key, &(struct bt_krb5_reply){.ctime = 1700000000, .cusec = 1, .seq = 7, .subkey = session});
	}
	key.len--;
	assert_false(bt_krb5_reply_is_quick(&key));
}

static void
test_reply(void **state)
{
	round_trip(&(struct bt_krb5_reply){.ctime = 1700000000, .cusec = 999999, .seq = 0});
	round_trip(&(struct bt_krb5_reply){.ctime = 0, .cusec = 0, .seq = UINT32_MAX, .subkey = session});
	round_trip(&(struct bt_krb5_reply){.ctime = 4294967295, .cusec = 1, .seq = 0x80000000});
}

static void
test_reply_spoiled(void **state)
{
	struct bt_krb5_reply reply = {.ctime = 1700000000, .cusec = 1, .seq = 7, .subkey = session}, back;
	struct bt_msg_key other = session;
	struct bt_wr wr;

	bt_wr_init(&wr);
	assert_int_equal(bt_krb5_reply_write(lib, &session, &reply, &wr), 0);
	for (size_t i = 0; i < wr.len; i++) {
		assert_int_not_equal(bt_krb5_reply_read(lib, &session, bt_bytes_of(wr.ptr, i), &back), 0);
		for (int bit = 0; bit < 8; bit++) {
			wr.ptr[i] ^= (uint8_t)(1 << bit);
			assert_int_not_equal(bt_krb5_reply_read(lib, &session, bt_wr_written(&wr), &back), 0);
			assert_int_equal(back.subkey.enctype, 0);
			wr.ptr[i] ^= (uint8_t)(1 << bit);
		}
	}
	other.bytes[0] ^= 1;
	assert_int_equal(bt_krb5_reply_read(lib, &other, bt_wr_written(&wr), &back), KRB5KRB_AP_ERR_BAD_INTEGRITY);
	other = session;
	other.enctype = 17;
	other.len = 16;
	assert_int_equal(bt_krb5_reply_read(lib, &other, bt_wr_written(&wr), &back), KRB5_BAD_ENCTYPE);
	bt_wr_u8(&wr, 0);
	assert_int_equal(bt_krb5_reply_read(lib, &session, bt_wr_written(&wr), &back), (int)ASN1_PARSE_ERROR);
	bt_wr_done(&wr);
	assert_int_equal(bt_krb5_reply_read(lib, &session, bt_bytes_of_str("garbage"), &back), KRB5KRB_AP_ERR_MSG_TYPE);
}

/* ctime 20231114221320Z, cusec, then what each row has. */
#define PART(len, seq_len, tail)                     \
	"\x7b" len "\x30" seq_len "\xa0\x11\x18\x0f" \
	"20231114221320Z"                            \
	"\xa1\x03\x02\x01\x05" tail

static int
parse(const char *bytes, size_t len, struct bt_krb5_reply *out)
{
	return bt_krb5_reply_parse(bt_bytes_of(bytes, len), out);
}
#define PARSE(literal, out) parse(literal, sizeof(literal) - 1, out)

static void
test_reply_part(void **state)
{
	struct bt_krb5_reply reply;

	assert_int_equal(PARSE(PART("\x1a", "\x18", ""), &reply), 0);
	assert_int_equal(reply.ctime, 1700000000);
	assert_int_equal(reply.cusec, 5);
	assert_int_equal(reply.seq, 0);
	/* Padding behind the part, as old enctypes leave it. */
	assert_int_equal(PARSE(PART("\x1a", "\x18", "") "\0\0\0", &reply), 0);
	/* Sequence numbers as unsigned, and as signed by those who keep them so. */
	assert_int_equal(PARSE(PART("\x21", "\x1f", "\xa3\x05\x02\x03\x01\x00\x00"), &reply), 0);
	assert_int_equal(reply.seq, 65536);
	assert_int_equal(PARSE(PART("\x1f", "\x1d", "\xa3\x03\x02\x01\xff"), &reply), 0);
	assert_int_equal(reply.seq, UINT32_MAX);
	assert_int_equal(PARSE(PART("\x23", "\x21", "\xa3\x07\x02\x05\x00\xff\xff\xff\xff"), &reply), 0);
	assert_int_equal(reply.seq, UINT32_MAX);
	assert_int_not_equal(PARSE(PART("\x23", "\x21", "\xa3\x07\x02\x05\x01\x00\x00\x00\x00"), &reply), 0);
	assert_int_not_equal(PARSE(PART("\x23", "\x21", "\xa3\x07\x02\x05\xff\x00\x00\x00\x00"), &reply), 0);
	/* A subkey longer than any. */
	assert_int_equal(PARSE(PART("\x4c", "\x4a",
				    "\xa2\x30\x30\x2e\xa0\x03\x02\x01\x12\xa1\x27\x04\x25"
				    "0123456789abcdef0123456789abcdefxxxxx"),
			       &reply),
			 BT_ERR_ENCTYPE);
	assert_int_equal(reply.subkey.enctype, 0);
	/* Fields that do not belong, or come twice. */
	assert_int_not_equal(PARSE(PART("\x1f", "\x1d", "\xa4\x03\x02\x01\x01"), &reply), 0);
	assert_int_not_equal(PARSE(PART("\x24", "\x22", "\xa3\x03\x02\x01\x01\xa3\x03\x02\x01\x01"), &reply), 0);
	assert_int_not_equal(PARSE("\x7b\x02\x30\x00", &reply), 0);
}

/* ---- the checksum ---- */

static void
test_checksum(void **state)
{
	struct bt_krb5_checksum sum = {.bindings = "0123456789abcde",
				       .flags = BT_CTX_DELEG | BT_CTX_MUTUAL,
				       .delegation = bt_bytes_of_str("not really a KRB-CRED")},
				back;
	struct bt_wr wr;

	bt_wr_init(&wr);
	bt_krb5_checksum_write(&sum, &wr);
	assert_int_equal(bt_krb5_checksum_read(bt_wr_written(&wr), &back), 0);
	assert_int_equal(back.flags, sum.flags);
	assert_memory_equal(back.bindings, sum.bindings, 16);
	assert_true(bt_bytes_equal(back.delegation, sum.delegation));
	for (size_t len = 0; len < wr.len; len++) {
		int e = bt_krb5_checksum_read(bt_bytes_of(wr.ptr, len), &back);

		if (len < 24)
			assert_int_equal(e, BT_ERR_BAD_BINDINGS);
		else if (len != 24) /* without a credential, as some send it */
			assert_int_equal(e, BT_ERR_BAD_LENGTH);
		assert_int_equal(back.delegation.len, 0);
	}
	/* Extensions are passed over, if they are whole. */
	bt_wr_be32(&wr, 77);
	bt_wr_be32(&wr, 3);
	bt_wr_bytes(&wr, bt_bytes_of_str("abc"));
	assert_int_equal(bt_krb5_checksum_read(bt_wr_written(&wr), &back), 0);
	assert_int_equal(bt_krb5_checksum_read(bt_bytes_of(wr.ptr, wr.len - 1), &back), BT_ERR_BAD_LENGTH);
	wr.ptr[24] = 2;
	assert_int_equal(bt_krb5_checksum_read(bt_wr_written(&wr), &back), BT_ERR_DEFECTIVE_TOKEN);
	wr.ptr[0] = 15;
	assert_int_equal(bt_krb5_checksum_read(bt_wr_written(&wr), &back), BT_ERR_BAD_LENGTH);
	bt_wr_done(&wr);
}

static void
test_bindings_hash(void **state)
{
	/* RFC 4121 §4.1.1.2: 20 bytes of zeros hash like this. */
	static const uint8_t empty[16] = {0x44, 0x10, 0x18, 0x52, 0x52, 0x08, 0x45, 0x77,
					  0x05, 0xbf, 0x09, 0xa8, 0xee, 0x3c, 0x10, 0x93};
	static const uint8_t none[16];
	struct bt_bindings bindings = {0};
	uint8_t hash[16], other[16];

	assert_int_equal(bt_krb5_bindings_hash(lib, NULL, hash), 0);
	assert_memory_equal(hash, none, 16);
	assert_int_equal(bt_krb5_bindings_hash(lib, &bindings, hash), 0);
	assert_memory_equal(hash, empty, 16);
	bindings.application_data = bt_bytes_of_str("x");
	assert_int_equal(bt_krb5_bindings_hash(lib, &bindings, hash), 0);
	bindings.acceptor_addrtype = 255;
	assert_int_equal(bt_krb5_bindings_hash(lib, &bindings, other), 0);
	assert_memory_not_equal(hash, other, 16);
}

/* ---- KRB-ERROR ---- */

static const char realm[] = "\x1b\x0a"
			    "BATON.TEST";
static const char sname[] = "\x30\x0f\xa0\x03\x02\x01\x02\xa1\x08\x30\x06\x1b\x04"
			    "host";

static void
test_error(void **state)
{
	struct bt_krb5_request request = {.realm = bt_bytes_of(realm, sizeof realm - 1),
					  .sname = bt_bytes_of(sname, sizeof sname - 1)};
	static const int codes[] = {KRB5KRB_AP_ERR_REPEAT, KRB5KRB_AP_ERR_SKEW, KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN};
	static const int others[] = {BT_ERR_BAD_BINDINGS, 12, KRB5_KT_NOTFOUND, KRB5KDC_ERR_NONE};
	krb5_error *read;
	krb5_data data;
	struct bt_wr wr;

	for (size_t i = 0; i < sizeof codes / sizeof codes[0] + sizeof others / sizeof others[0]; i++) {
		bool is_code = i < sizeof codes / sizeof codes[0];
		int err = is_code ? codes[i] : others[i - sizeof codes / sizeof codes[0]];

		bt_wr_init(&wr);
		bt_krb5_error_write(err, &request, 1700000000, &wr);
		assert_int_equal(bt_krb5_error_read(bt_wr_written(&wr)), is_code ? err : KRB5KRB_ERR_GENERIC);
		/* libkrb5 reads the same. */
		data = bt_krb5_data_of(bt_wr_written(&wr));
		assert_int_equal(krb5_rd_error(lib->ctx, &data, &read), 0);
		assert_int_equal(read->error + ERROR_TABLE_BASE_krb5, is_code ? err : KRB5KRB_ERR_GENERIC);
		assert_int_equal(read->stime, 1700000000);
		assert_int_equal(read->server->length, 1);
		krb5_free_error(lib->ctx, read);
		for (size_t len = 0; len < wr.len; len++)
			assert_int_equal(bt_krb5_error_read(bt_bytes_of(wr.ptr, len)), (int)ASN1_PARSE_ERROR);
		bt_wr_u8(&wr, 0);
		assert_int_equal(bt_krb5_error_read(bt_wr_written(&wr)), (int)ASN1_PARSE_ERROR);
		bt_wr_done(&wr);
	}
}

static void
test_error_text(void **state)
{
	char text[128];

	bt_mech_krb5.error_text(&bt_mech_krb5, KRB5KRB_AP_ERR_REPEAT, text, sizeof text);
	assert_string_equal(text, "Request is a replay");
	bt_mech_krb5.error_text(&bt_mech_krb5, KRB5KRB_AP_ERR_REPEAT, text, 8);
	assert_string_equal(text, "Request");
	bt_mech_krb5.error_text(&bt_mech_krb5, ENOENT, text, sizeof text);
	assert_string_equal(text, "No such file or directory");
}

/* ---- framing ---- */

static void
test_framing(void **state)
{
	struct bt_bytes oid, body;
	struct bt_buf token;
	uint16_t id;

	assert_int_equal(bt_krb5_token_write(bt_krb5_oid, BT_KRB5_TOK_AP_REP, bt_bytes_of_str("body"), &token), 0);
	assert_int_equal(bt_krb5_token_read(&bt_mech_krb5, bt_bytes_of_buf(&token), &oid, &id, &body), 0);
	assert_ptr_equal(oid.ptr, bt_mech_krb5.oid.ptr);
	assert_int_equal(id, BT_KRB5_TOK_AP_REP);
	assert_true(bt_bytes_equal(body, bt_bytes_of_str("body")));
	for (size_t len = 0; len < token.len; len++)
		assert_int_equal(bt_krb5_token_read(&bt_mech_krb5, bt_bytes_of(token.ptr, len), &oid, &id, &body), BT_ERR_DEFECTIVE_TOKEN);
	bt_buf_free(&token);
	assert_int_equal(bt_krb5_token_write(bt_bytes_of("\x2b\x06\x01", 3), 1, bt_bytes_of_str("body"), &token), 0);
	assert_int_equal(bt_krb5_token_read(&bt_mech_krb5, bt_bytes_of_buf(&token), &oid, &id, &body), BT_ERR_WRONG_MECH);
	bt_buf_free(&token);
}

/* ---- authorisation data ---- */

static void
test_authdata(void **state)
{
	krb5_authdata one = {.ad_type = 128, .length = 3, .contents = (krb5_octet *)(uintptr_t) "one"};
	krb5_authdata two = {.ad_type = -5, .length = 0, .contents = NULL};
	krb5_authdata three = {.ad_type = 128, .length = 5, .contents = (krb5_octet *)(uintptr_t) "three"};
	krb5_authdata *ticket[] = {&one, &two, NULL}, *authenticator[] = {&three, NULL}, *none[] = {NULL};
	struct bt_answers answers = {0};
	struct bt_buf der;

	assert_int_equal(bt_krb5_authdata_write(none, NULL, &der), 0);
	assert_int_equal(der.len, 0);
	assert_int_equal(bt_krb5_authdata_write(ticket, authenticator, &der), 0);
	assert_int_equal(bt_krb5_authdata_find(bt_bytes_of_buf(&der), 128, &answers), 0);
	assert_int_equal(answers.num_items, 2);
	assert_memory_equal(answers.items[1].ptr, "three", 5);
	bt_answers_free(&answers);
	assert_int_equal(bt_krb5_authdata_find(bt_bytes_of_buf(&der), -5, &answers), 0);
	assert_int_equal(answers.num_items, 1);
	assert_int_equal(answers.items[0].len, 0);
	bt_answers_free(&answers);
	for (size_t len = 1; len < der.len; len++) {
		assert_int_equal(bt_krb5_authdata_find(bt_bytes_of(der.ptr, len), 128, &answers), BT_ERR_MALFORMED);
		bt_answers_free(&answers);
	}
	bt_buf_free(&der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reply_enctypes),
	    cmocka_unit_test(test_reply),      cmocka_unit_test(test_reply_spoiled), cmocka_unit_test(test_reply_part),
	    cmocka_unit_test(test_checksum),   cmocka_unit_test(test_bindings_hash), cmocka_unit_test(test_error),
	    cmocka_unit_test(test_error_text), cmocka_unit_test(test_framing),	     cmocka_unit_test(test_authdata),
	};

	return cmocka_run_group_tests(tests, open_library, close_library);
}
