#include "support.h"

static void
writes_what_the_rfc_draws(void **unused)
{
	static const uint8_t wrap[16] = {0x05, 0x04, 0x06, 0xff, 0x00, 0x10, 0x00, 0x1c, 1, 2, 3, 4, 5, 6, 7, 8};
	static const uint8_t mic[16] = {0x04, 0x04, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 9};
	struct bt_msg_token token = {BT_MSG_TOKEN_WRAP, BT_MSG_SEALED | BT_MSG_ACCEPTOR_SUBKEY, 16, 28, 0x0102030405060708};
	uint8_t header[16];

	bt_msg_token_write(&token, header);
	assert_memory_equal(header, wrap, 16);
	token = (struct bt_msg_token){BT_MSG_TOKEN_MIC, BT_MSG_SENT_BY_ACCEPTOR, 0xffff, 0xffff, 9};
	bt_msg_token_write(&token, header);
	assert_memory_equal(header, mic, 16);
}

static void
reads_what_it_writes(void **unused)
{
	for (int i = 0; i < 1000; i++) {
		struct bt_msg_token token = {BT_MSG_TOKEN_WRAP, (uint8_t)noise_u64(), (uint16_t)noise_u64(),
					     (uint16_t)noise_u64(), noise_u64()},
				    read;
		uint8_t header[16];

		bt_msg_token_write(&token, header);
		assert_ok(bt_msg_token_read(bt_bytes_of(header, 16), BT_MSG_TOKEN_WRAP, &read));
		assert_true(read.id == token.id && read.flags == token.flags && read.ec == token.ec && read.rrc == token.rrc &&
			    read.seq == token.seq);
	}
}

static void
refuses_what_is_no_header(void **unused)
{
	struct bt_msg_token mic = {BT_MSG_TOKEN_MIC, 0, 0xffff, 0xffff, 1}, read;
	uint8_t header[16];

	bt_msg_token_write(&mic, header);
	assert_ok(bt_msg_token_read(bt_bytes_of(header, 16), BT_MSG_TOKEN_MIC, &read));
	assert_int_equal(bt_msg_token_read(bt_bytes_of(header, 16), BT_MSG_TOKEN_WRAP, &read), BT_ERR_BAD_TOK_HEADER);
	assert_true(read.id == 0 && read.seq == 0);
	for (size_t len = 0; len < 16; len++) {
		struct bt_buf cut = exact(bt_bytes_of(header, len));

		assert_int_equal(bt_msg_token_read(bt_bytes_of_buf(&cut), BT_MSG_TOKEN_MIC, &read), BT_ERR_TOK_TRUNC);
		free(cut.ptr);
	}
	/* Each of the five filler octets, and the two of the id. */
	for (size_t i = 0; i < 8; i++) {
		if (i == 2)
			continue;
		header[i] ^= 1;
		assert_int_equal(bt_msg_token_read(bt_bytes_of(header, 16), BT_MSG_TOKEN_MIC, &read), BT_ERR_BAD_TOK_HEADER);
		header[i] ^= 1;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(writes_what_the_rfc_draws),
	    cmocka_unit_test(reads_what_it_writes),
	    cmocka_unit_test(refuses_what_is_no_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
