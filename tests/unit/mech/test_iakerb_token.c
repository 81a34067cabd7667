/* The tokens that IAKERB adds to Kerberos', without a realm. */
#include "support.h"

#include <string.h>

#include "mech/krb5/iakerb.h"
#include "wire/der.h"

#define AS_REQ "\x6a\x0e\x30\x0c\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a\xa4\x00"
#define TGS_REQ "\x6c\x0e\x30\x0c\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0c\xa4\x00"
#define LITERAL(text) bt_bytes_of(text, sizeof(text) - 1)

static struct bt_krb5 *lib;

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

/* ---- PROXY tokens ---- */

static void
round_trip(const struct bt_iakerb_proxy *proxy, bool is_first)
{
	struct bt_iakerb_proxy back;
	struct bt_buf token, longer;

	assert_int_equal(bt_iakerb_proxy_write(proxy, is_first, &token), 0);
	assert_true(bt_iakerb_is_proxy(bt_bytes_of_buf(&token)));
	assert_int_equal(bt_iakerb_proxy_read(bt_bytes_of_buf(&token), is_first, &back), 0);
	assert_true(bt_bytes_equal(back.realm, proxy->realm));
	assert_true(bt_bytes_equal(back.cookie, proxy->cookie));
	assert_int_equal(back.cookie.ptr == NULL, proxy->cookie.ptr == NULL);
	assert_true(bt_bytes_equal(back.message, proxy->message));
	/* What ends before its message has begun is none; with framing, no byte may be missing or too many. */
	for (size_t len = 0; len < token.len - (is_first ? 0 : proxy->message.len); len++) {
		assert_int_equal(bt_iakerb_proxy_read(bt_bytes_of(token.ptr, len), is_first, &back), BT_ERR_DEFECTIVE_TOKEN);
		assert_int_equal(back.realm.len + back.message.len, 0);
	}
	longer.len = token.len + 1;
	longer.ptr = bt_mem_alloc(longer.len);
	memcpy(longer.ptr, token.ptr, token.len);
	assert_int_equal(bt_iakerb_proxy_read(bt_bytes_of_buf(&longer), is_first, &back),
			 is_first ? BT_ERR_DEFECTIVE_TOKEN : 0);
	bt_buf_free(&longer);
	bt_buf_free(&token);
}

static void
test_proxy(void **state)
{
	struct bt_iakerb_proxy proxy = {.realm = LITERAL("BATON.TEST"), .message = LITERAL(AS_REQ)};

	for (int is_first = 0; is_first < 2; is_first++) {
		proxy.cookie = (struct bt_bytes){0};
		round_trip(&proxy, is_first);
		proxy.cookie = LITERAL("");
		round_trip(&proxy, is_first);
		proxy.cookie = LITERAL("cookie");
		round_trip(&proxy, is_first);
	}
}

/* As MIT's library writes it, and with the draft's string; the first token only with its framing. */
static void
test_spellings(void **state)
{
	static const char framed[] = "\x60\x1d\x06\x06\x2b\x06\x01\x05\x02\x05\x05\x01\x30\x05\xa1\x03\x04\x01R\x6a\x0a"
				     "0123456789";
	static const char octets[] = "\x05\x01\x30\x05\xa1\x03\x04\x01R?", utf8[] = "\x05\x01\x30\x05\xa1\x03\x0c\x01R?";
	struct bt_iakerb_proxy proxy;

	assert_int_equal(bt_iakerb_proxy_read(LITERAL(framed), true, &proxy), 0);
	assert_true(bt_bytes_equal(proxy.realm, LITERAL("R")));
	assert_int_equal(proxy.message.len, 12);
	assert_int_equal(bt_iakerb_proxy_read(LITERAL(framed), false, &proxy), 0);
	assert_int_equal(bt_iakerb_proxy_read(LITERAL(octets), true, &proxy), BT_ERR_DEFECTIVE_TOKEN);
	assert_int_equal(bt_iakerb_proxy_read(LITERAL(octets), false, &proxy), 0);
	assert_int_equal(bt_iakerb_proxy_read(LITERAL(utf8), false, &proxy), 0);
	assert_true(bt_bytes_equal(proxy.realm, LITERAL("R")));
}

static void
test_refused(void **state)
{
	const struct {
		struct bt_bytes token;
		int error;
	} rows[] = {
	    {LITERAL("\x05\x01\x30\x05\xa1\x03\x04\x01R"), BT_ERR_DEFECTIVE_TOKEN},		      /* no message */
	    {LITERAL("\x05\x01\x30\x04\xa1\x02\x04\x00?"), BT_ERR_DEFECTIVE_TOKEN},		      /* no realm */
	    {LITERAL("\x05\x01\x30\x00?"), BT_ERR_DEFECTIVE_TOKEN},				      /* nor a field for it */
	    {LITERAL("\x05\x01\x30\x05\xa1\x03\x1b\x01R?"), BT_ERR_DEFECTIVE_TOKEN},		      /* another string */
	    {LITERAL("\x05\x01\x30\x08\xa1\x03\x04\x01R\xa3\x01\x00?"), BT_ERR_DEFECTIVE_TOKEN},      /* unknown field */
	    {LITERAL("\x05\x01\x30\x0a\xa1\x03\x04\x01R\xa1\x03\x04\x01R?"), BT_ERR_DEFECTIVE_TOKEN}, /* twice */
	    {LITERAL("\x05\x01\x30\x06\xa1\x04\x04\x01R\x00?"), BT_ERR_DEFECTIVE_TOKEN},	      /* trailing byte */
	    {LITERAL("\x05\x01\x30\x81\x05\xa1\x03\x04\x01R?"), BT_ERR_DEFECTIVE_TOKEN},	      /* not DER */
	    {LITERAL("\x05\x02\x30\x05\xa1\x03\x04\x01R?"), BT_ERR_DEFECTIVE_TOKEN},
	    {LITERAL("\x01\x00\x30\x05\xa1\x03\x04\x01R?"), BT_ERR_DEFECTIVE_TOKEN}, /* an AP-REQ's identifier */
	    {LITERAL("\x60\x12\x06\x06\x2b\x06\x01\x05\x02\x04\x05\x01\x30\x05\xa1\x03\x04\x01R?"), BT_ERR_WRONG_MECH},
	};
	struct bt_iakerb_proxy proxy;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(bt_iakerb_proxy_read(rows[i].token, false, &proxy), rows[i].error);
		assert_int_equal(proxy.realm.len + proxy.message.len, 0);
	}
	assert_false(bt_iakerb_is_proxy(LITERAL("")));
	assert_false(bt_iakerb_is_proxy(LITERAL("\x05")));
	assert_false(bt_iakerb_is_proxy(LITERAL("\x60\x0a\x06\x06\x2b\x06\x01\x05\x02\x05\x01\x00")));
}

/* Each part at its bound, and one byte beyond. */
static void
test_bounds(void **state)
{
	static uint8_t zeros[BT_IAKERB_MESSAGE_MAX + 1];
	static const struct {
		size_t realm, cookie, message;
		int error;
	} rows[] = {
	    {BT_IAKERB_REALM_MAX, BT_IAKERB_COOKIE_MAX, BT_IAKERB_MESSAGE_MAX, 0},
	    {BT_IAKERB_REALM_MAX + 1, 1, 1, BT_ERR_DEFECTIVE_TOKEN},
	    {1, BT_IAKERB_COOKIE_MAX + 1, 1, BT_ERR_DEFECTIVE_TOKEN},
	    {1, 1, BT_IAKERB_MESSAGE_MAX + 1, BT_ERR_DEFECTIVE_TOKEN},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bt_iakerb_proxy proxy = {.realm = bt_bytes_of(zeros, rows[i].realm),
						.cookie = bt_bytes_of(zeros, rows[i].cookie),
						.message = bt_bytes_of(zeros, rows[i].message)};
		struct bt_buf token;

		assert_int_equal(bt_iakerb_proxy_write(&proxy, false, &token), 0);
		assert_int_equal(bt_iakerb_proxy_read(bt_bytes_of_buf(&token), false, &proxy), rows[i].error);
		bt_buf_free(&token);
	}
}

/* ---- what is carried ---- */

static void
test_requests(void **state)
{
	const struct bt_bytes others[] = {
	    LITERAL(""),
	    LITERAL("\x6a"),
	    LITERAL("\x6b\x0e\x30\x0c\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0b\xa4\x00"), /* AS-REP */
	    LITERAL("\x6e\x0e\x30\x0c\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0e\xa4\x00"), /* AP-REQ */
	    LITERAL("\x6a\x0e\x30\x0c\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0c\xa4\x00"), /* one in another's tag */
	    LITERAL("\x6a\x0e\x30\x0c\xa1\x03\x02\x01\x04\xa2\x03\x02\x01\x0a\xa4\x00"), /* version 4 */
	    LITERAL("\x6a\x0e\x30\x0c\xa2\x03\x02\x01\x05\xa1\x03\x02\x01\x0a\xa4\x00"), /* misordered */
	    LITERAL("GET / HTTP/1.0\r\n\r\n"),
	    LITERAL(AS_REQ "\x00"),
	    LITERAL(AS_REQ TGS_REQ),
	};

	assert_true(bt_iakerb_is_request(LITERAL(AS_REQ)));
	assert_true(bt_iakerb_is_request(LITERAL(TGS_REQ)));
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_false(bt_iakerb_is_request(others[i]));
	for (size_t len = 0; len < sizeof(AS_REQ) - 1; len++)
		assert_false(bt_iakerb_is_request(bt_bytes_of(AS_REQ, len)));
}

/* ---- KRB-FINISHED ---- */

static void
check_with(const krb5_keyblock *key)
{
	struct bt_bytes conversation = bt_bytes_of_str("all that was said");
	struct bt_bytes value;
	krb5_keyblock other = *key;
	uint8_t other_key[32];
	struct bt_wr wr;
	int32_t type;

	bt_wr_init(&wr);
	assert_int_equal(bt_iakerb_finish(lib->ctx, key, conversation, &wr), 0);
	assert_int_equal(bt_iakerb_check_finished(lib, key, conversation, bt_wr_written(&wr)), 0);
	assert_int_equal(
	    bt_iakerb_check_finished(lib, key, bt_bytes_of(conversation.ptr, conversation.len - 1), bt_wr_written(&wr)),
	    BT_ERR_BAD_MIC);
	memcpy(other_key, key->contents, key->length);
	other_key[0] ^= 1;
	other.contents = other_key;
	assert_int_equal(bt_iakerb_check_finished(lib, &other, conversation, bt_wr_written(&wr)), BT_ERR_BAD_MIC);
	for (size_t i = 0; i < wr.len; i++) {
		assert_int_equal(bt_iakerb_finished_read(bt_bytes_of(wr.ptr, i), &type, &value), BT_ERR_DEFECTIVE_TOKEN);
		wr.ptr[i] ^= 0x80;
		assert_int_not_equal(bt_iakerb_check_finished(lib, key, conversation, bt_wr_written(&wr)), 0);
		wr.ptr[i] ^= 0x80;
	}
	bt_wr_u8(&wr, 0);
	assert_int_equal(bt_iakerb_check_finished(lib, key, conversation, bt_wr_written(&wr)), BT_ERR_DEFECTIVE_TOKEN);
	bt_wr_done(&wr);
}

static void
test_finished(void **state)
{
	static const uint8_t enctypes[][2] = {{17, 16}, {18, 32}, {19, 16}, {20, 32}, {23, 16}, {25, 16}, {26, 32}};
	uint8_t bytes[32] = "0123456789abcdef0123456789abcde";

	for (size_t i = 0; i < sizeof enctypes / sizeof enctypes[0]; i++)
		check_with(&(krb5_keyblock){
		    .magic = KV5M_KEYBLOCK, .enctype = enctypes[i][0], .length = enctypes[i][1], .contents = bytes});
}

/* A checksum that needs no key proves nothing, though libkrb5 would find it right. */
static void
test_unkeyed(void **state)
{
	static const krb5_cksumtype types[] = {CKSUMTYPE_RSA_MD5, CKSUMTYPE_RSA_MD4, 14 /* SHA-1 */};
	struct bt_bytes conversation = bt_bytes_of_str("all that was said");
	krb5_data input = bt_krb5_data_of(conversation);
	uint8_t bytes[32] = {0};
	krb5_keyblock key = {.magic = KV5M_KEYBLOCK, .enctype = 18, .length = 32, .contents = bytes};

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		krb5_checksum sum;
		struct bt_wr wr;

		/* The first one this libkrb5 makes for channel bindings; it may do without the others. */
		if (i != 0 && krb5_c_make_checksum(lib->ctx, types[i], NULL, 0, &input, &sum) != 0)
			continue;
		if (i == 0)
			assert_int_equal(krb5_c_make_checksum(lib->ctx, types[i], NULL, 0, &input, &sum), 0);
		bt_wr_init(&wr);
		bt_iakerb_finished_write(sum.checksum_type, bt_bytes_of(sum.contents, sum.length), &wr);
		assert_int_equal(bt_iakerb_check_finished(lib, &key, conversation, bt_wr_written(&wr)), BT_ERR_BAD_MIC);
		bt_wr_done(&wr);
		krb5_free_checksum_contents(lib->ctx, &sum);
	}
}

/* Its place in the checksum of the authenticator. */
static void
test_extension(void **state)
{
	struct bt_krb5_checksum sum = {.flags = BT_CTX_MUTUAL, .finished = bt_bytes_of_str("finished")}, back;
	struct bt_wr wr;

	bt_wr_init(&wr);
	bt_krb5_checksum_write(&sum, &wr);
	assert_int_equal(wr.len, 24 + 8 + 8);
	assert_memory_equal(wr.ptr + 24, "\0\0\0\1\0\0\0\x8", 8);
	assert_int_equal(bt_krb5_checksum_read(bt_wr_written(&wr), &back), 0);
	assert_true(bt_bytes_equal(back.finished, sum.finished));
	assert_int_equal(bt_krb5_checksum_read(bt_bytes_of(wr.ptr, wr.len - 1), &back), BT_ERR_BAD_LENGTH);
	assert_int_equal(back.finished.len, 0);
	/* A second one, and an empty one. */
	bt_wr_be32(&wr, 1);
	bt_wr_be32(&wr, 1);
	bt_wr_u8(&wr, 0);
	assert_int_equal(bt_krb5_checksum_read(bt_wr_written(&wr), &back), BT_ERR_DEFECTIVE_TOKEN);
	wr.len = 24;
	bt_wr_be32(&wr, 1);
	bt_wr_be32(&wr, 0);
	assert_int_equal(bt_krb5_checksum_read(bt_wr_written(&wr), &back), BT_ERR_DEFECTIVE_TOKEN);
	bt_wr_done(&wr);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_proxy),   cmocka_unit_test(test_spellings), cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_bounds),  cmocka_unit_test(test_requests),  cmocka_unit_test(test_finished),
	    cmocka_unit_test(test_unkeyed), cmocka_unit_test(test_extension),
	};

	return cmocka_run_group_tests(tests, open_library, close_library);
}
