/* The two messages: known bytes, both ways, cut and lengthened, and what is read beside the RFC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/oid.h"
#include "failing.h"
#include "mech/spnego/token.h"
#include "wire/frame.h"

static const struct bt_bytes krb5 = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02");
static const struct bt_bytes ntlm = BT_OID("\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a");

#define LITERAL(text) bt_bytes_of(text, sizeof(text) - 1)

static void
must_be(struct bt_wr *wr, struct bt_bytes expected)
{
	assert_false(wr->failed);
	assert_int_equal(wr->len, expected.len);
	assert_memory_equal(wr->ptr, expected.ptr, expected.len);
	bt_wr_done(wr);
}

/* Built by hand from RFC 4178 §4.2.1 and §4.2.2. */
static const char init_bytes[] = "\x60\x2b\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x21\x30\x1f"
				 "\xa0\x19\x30\x17\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"
				 "\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a"
				 "\xa2\x02\x04\x00";
static const char resp_bytes[] = "\xa1\x26\x30\x24\xa0\x03\x0a\x01\x03\xa1\x0b\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"
				 "\xa2\x08\x04\x06reply!\xa3\x06\x04\x04MIC!";
static const char hints_bytes[] = "\x60\x47\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x3d\x30\x3b"
				  "\xa0\x0d\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"
				  "\xa3\x2a\x30\x28\xa0\x26\x1b\x24not_defined_in_RFC4178@please_ignore";

static void
writes_init(void **state)
{
	struct bt_bytes mechs[] = {krb5, ntlm}, read[BT_SPNEGO_MECHS_MAX], oid, body;
	struct bt_spnego_init init;
	struct bt_wr list, wr;

	bt_wr_init(&list);
	bt_wr_init(&wr);
	bt_spnego_write_mechs(&list, mechs, 2);
	bt_spnego_write_init(&wr, &(struct bt_spnego_init){.mech_list = bt_wr_written(&list), .mech_token = LITERAL("")});
	assert_int_equal(bt_frame_read(bt_wr_written(&wr), &oid, &body), 0);
	assert_int_equal(bt_spnego_read_init(body, &init), 0);
	assert_true(bt_bytes_equal(init.mech_list, bt_wr_written(&list)));
	assert_non_null(init.mech_token.ptr);
	assert_int_equal(init.mech_token.len, 0);
	assert_null(init.mic.ptr);
	assert_int_equal(bt_spnego_read_mechs(init.mech_list, read), 2);
	assert_true(bt_bytes_equal(read[0], krb5) && bt_bytes_equal(read[1], ntlm));
	must_be(&wr, LITERAL(init_bytes));
	bt_wr_done(&list);
}

static void
writes_hints(void **state)
{
	struct bt_wr list, wr;

	bt_wr_init(&list);
	bt_wr_init(&wr);
	bt_spnego_write_mechs(&list, &krb5, 1);
	bt_spnego_write_hints(&wr, bt_wr_written(&list));
	must_be(&wr, LITERAL(hints_bytes));
	bt_wr_done(&list);
}

static void
writes_resp(void **state)
{
	struct bt_spnego_resp resp = {BT_SPNEGO_REQUEST_MIC, krb5, LITERAL("reply!"), LITERAL("MIC!")}, read;
	struct bt_wr wr;

	bt_wr_init(&wr);
	bt_spnego_write_resp(&wr, &resp);
	must_be(&wr, LITERAL(resp_bytes));
	assert_int_equal(bt_spnego_read_resp(LITERAL(resp_bytes), &read), 0);
	assert_int_equal(read.state, resp.state);
	assert_true(bt_bytes_equal(read.supported, krb5) && bt_bytes_equal(read.token, resp.token) &&
		    bt_bytes_equal(read.mic, resp.mic));
	/* With nothing in it. */
	bt_spnego_write_resp(&wr, &(struct bt_spnego_resp){.state = BT_SPNEGO_ABSENT});
	assert_int_equal(bt_spnego_read_resp(bt_wr_written(&wr), &read), 0);
	assert_int_equal(read.state, BT_SPNEGO_ABSENT);
	assert_true(read.supported.ptr == NULL && read.token.ptr == NULL && read.mic.ptr == NULL);
	must_be(&wr, LITERAL("\xa1\x02\x30\x00"));
}

static void
cut_or_lengthened(void **state)
{
	struct bt_spnego_init init;
	struct bt_spnego_resp resp;
	uint8_t longer[64];
	struct bt_bytes body = bt_bytes_of(init_bytes + 10, sizeof init_bytes - 11);

	assert_int_equal(bt_spnego_read_init(body, &init), 0);
	for (size_t len = 0; len < body.len; len++) {
		assert_int_equal(bt_spnego_read_init(bt_bytes_of(body.ptr, len), &init), BT_ERR_DEFECTIVE_TOKEN);
		assert_true(init.mech_list.ptr == NULL && init.mech_token.ptr == NULL);
	}
	for (size_t len = 0; len < sizeof resp_bytes - 1; len++) {
		assert_int_equal(bt_spnego_read_resp(bt_bytes_of(resp_bytes, len), &resp), BT_ERR_DEFECTIVE_TOKEN);
		assert_true(resp.state == BT_SPNEGO_ABSENT && resp.token.ptr == NULL);
	}
	memcpy(longer, resp_bytes, sizeof resp_bytes); /* the literal's NUL is one too many */
	assert_int_equal(bt_spnego_read_resp(bt_bytes_of(longer, sizeof resp_bytes), &resp), BT_ERR_DEFECTIVE_TOKEN);
	memcpy(longer, body.ptr, body.len);
	longer[body.len] = 0;
	assert_int_equal(bt_spnego_read_init(bt_bytes_of(longer, body.len + 1), &init), BT_ERR_DEFECTIVE_TOKEN);
}

static void
malformed(void **state)
{
	static const struct bt_bytes inits[] = {
	    BT_OID("\xa0\x04\x30\x02\xa5\x00"),				/* a field that there is not */
	    BT_OID("\xa0\x08\x30\x06\xa2\x04\x04\x01x\x05"),		/* something behind a token */
	    BT_OID("\xa0\x07\x30\x05\xa0\x03\x30\x00\x00"),		/* and behind a list */
	    BT_OID("\xa0\x0a\x30\x08\xa2\x02\x04\x00\xa0\x02\x30\x00"), /* out of order */
	    BT_OID("\xa0\x81\x02\x30\x00"),				/* a length that is too long */
	};
	static const struct bt_bytes resps[] = {
	    BT_OID("\xa1\x07\x30\x05\xa0\x03\x0a\x01\x04"),	/* no such state */
	    BT_OID("\xa1\x08\x30\x06\xa0\x04\x0a\x02\x00\x00"), /* one of two bytes */
	    BT_OID("\xa1\x06\x30\x04\xa0\x02\x0a\x00"),		/* one of none */
	    BT_OID("\xa1\x07\x30\x05\xa0\x03\x02\x01\x00"),	/* an INTEGER */
	    BT_OID("\xa0\x02\x30\x00"),
	};
	struct bt_spnego_init init;
	struct bt_spnego_resp resp;

	for (size_t i = 0; i < sizeof inits / sizeof inits[0]; i++)
		assert_int_equal(bt_spnego_read_init(inits[i], &init), BT_ERR_DEFECTIVE_TOKEN);
	for (size_t i = 0; i < sizeof resps / sizeof resps[0]; i++)
		assert_int_equal(bt_spnego_read_resp(resps[i], &resp), BT_ERR_DEFECTIVE_TOKEN);
}

static void
reads_beside_the_rfc(void **state)
{
	struct bt_bytes oid, body;
	struct bt_spnego_init init;

	/* Hints in a first token, with the MIC behind them. */
	assert_int_equal(bt_frame_read(LITERAL(hints_bytes), &oid, &body), 0);
	assert_int_equal(bt_spnego_read_init(body, &init), 0);
	assert_null(init.mic.ptr);
	assert_int_equal(bt_spnego_read_init(LITERAL("\xa0\x0d\x30\x0b\xa3\x02\x30\x00\xa4\x05\x04\x03MIC"), &init), 0);
	assert_true(bt_bytes_equal(init.mic, bt_bytes_of_str("MIC")));
	/* A MIC where RFC 4178 has it. Flags before it are passed over. */
	assert_int_equal(bt_spnego_read_init(LITERAL("\xa0\x0f\x30\x0d\xa1\x04\x03\x02\x01\x36\xa3\x05\x04\x03MIC"), &init), 0);
	assert_true(bt_bytes_equal(init.mic, bt_bytes_of_str("MIC")));
	assert_null(init.mech_list.ptr);
}

static void
lists(void **state)
{
	struct bt_bytes mechs[BT_SPNEGO_MECHS_MAX + 1], read[BT_SPNEGO_MECHS_MAX];
	struct bt_wr wr;

	for (size_t i = 0; i < BT_SPNEGO_MECHS_MAX + 1; i++)
		mechs[i] = krb5;
	for (size_t num = 0; num <= BT_SPNEGO_MECHS_MAX + 1; num++) {
		bt_wr_init(&wr);
		bt_spnego_write_mechs(&wr, mechs, num);
		assert_int_equal(bt_spnego_read_mechs(bt_wr_written(&wr), read), num <= BT_SPNEGO_MECHS_MAX ? num : 0);
		bt_wr_done(&wr);
	}
	/* An arc without an end; not an OID; something behind the list; no list. */
	assert_int_equal(bt_spnego_read_mechs(LITERAL("\x30\x04\x06\x02\x2a\x86"), read), 0);
	assert_int_equal(bt_spnego_read_mechs(LITERAL("\x30\x04\x04\x02\x2a\x06"), read), 0);
	assert_int_equal(bt_spnego_read_mechs(LITERAL("\x30\x04\x06\x02\x2a\x06\x00"), read), 0);
	assert_int_equal(bt_spnego_read_mechs(LITERAL(""), read), 0);
}

static void
no_memory(void **state)
{
	struct bt_spnego_resp resp = {BT_SPNEGO_INCOMPLETE, krb5, LITERAL("reply!"), LITERAL("MIC!")};
	bool happened = true;

	for (size_t nth = 1; happened; nth++) {
		struct bt_wr wr;

		failing_at(nth);
		bt_wr_init(&wr);
		bt_spnego_write_resp(&wr, &resp);
		happened = failing_happened();
		failing_at(0);
		assert_int_equal(wr.failed, happened);
		bt_wr_done(&wr);
		assert_int_equal(failing_live(), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(writes_init), cmocka_unit_test(writes_hints),
	    cmocka_unit_test(writes_resp), cmocka_unit_test(cut_or_lengthened),
	    cmocka_unit_test(malformed),   cmocka_unit_test(reads_beside_the_rfc),
	    cmocka_unit_test(lists),	   cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests_name("spnego token", tests, NULL, NULL);
}
