#include "support.h"

static void
verifies_what_it_made(void **unused)
{
	for (size_t i = 0; i < NUM_ENCTYPES * (NUM_ENCTYPES + 1); i++) {
		struct pair pair =
		    pair_with((struct setup){.enctype = enctypes[i % NUM_ENCTYPES],
					     .acceptor_enctype = i / NUM_ENCTYPES ? enctypes[i / NUM_ENCTYPES - 1] : 0});

		for (size_t len = 0; len < 300; len = len * 2 + 1) {
			struct bt_buf text = noise_buf(len), token;
			enum bt_msg_order order;

			assert_ok(bt_msg_get_mic(pair.initiator, bt_bytes_of_buf(&text), &token));
			assert_int_equal(token.len, bt_msg_overhead(pair.initiator, false));
			assert_ok(bt_msg_verify_mic(pair.acceptor, bt_bytes_of_buf(&text), bt_bytes_of_buf(&token), &order));
			assert_int_equal(order, BT_MSG_IN_ORDER);
			assert_int_equal(
			    bt_msg_verify_mic(pair.initiator, bt_bytes_of_buf(&text), bt_bytes_of_buf(&token), &order),
			    BT_ERR_BAD_DIRECTION);
			bt_buf_free(&token);
			assert_ok(bt_msg_get_mic(pair.acceptor, bt_bytes_of_buf(&text), &token));
			assert_ok(bt_msg_verify_mic(pair.initiator, bt_bytes_of_buf(&text), bt_bytes_of_buf(&token), &order));
			assert_ok(bt_msg_verify_mic(pair.initiator, bt_bytes_of_buf(&text), bt_bytes_of_buf(&token), &order));
			assert_int_equal(order, BT_MSG_DUPLICATE);
			bt_buf_free(&token);
			free(text.ptr);
		}
		pair_free(&pair);
	}
}

static void
refuses_every_change(void **unused)
{
	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		struct setup setup = {.enctype = enctypes[i]};
		struct pair pair = pair_with(setup);
		struct bt_msg_state before = state_with(setup, false);
		struct bt_buf text = noise_buf(21), token, longer;
		enum bt_msg_order order;

		assert_ok(bt_msg_get_mic(pair.initiator, bt_bytes_of_buf(&text), &token));
		for (size_t bit = 0; bit < token.len * 8; bit++) {
			token.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_true(bt_msg_verify_mic(pair.acceptor, bt_bytes_of_buf(&text), bt_bytes_of_buf(&token), &order) !=
				    0);
			token.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t bit = 0; bit < text.len * 8; bit++) {
			text.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(
			    bt_msg_verify_mic(pair.acceptor, bt_bytes_of_buf(&text), bt_bytes_of_buf(&token), &order),
			    BT_ERR_BAD_MIC);
			text.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t len = 0; len < token.len; len++) {
			struct bt_buf cut = exact(bt_bytes_of(token.ptr, len));

			assert_int_equal(
			    bt_msg_verify_mic(pair.acceptor, bt_bytes_of_buf(&text), bt_bytes_of_buf(&cut), &order),
			    BT_ERR_TOK_TRUNC);
			free(cut.ptr);
		}
		longer = noise_buf(token.len + 1);
		memcpy(longer.ptr, token.ptr, token.len);
		assert_int_equal(bt_msg_verify_mic(pair.acceptor, bt_bytes_of_buf(&text), bt_bytes_of_buf(&longer), &order),
				 BT_ERR_BAD_TOK_HEADER);
		assert_same_state(pair.acceptor, &before);
		assert_ok(bt_msg_verify_mic(pair.acceptor, bt_bytes_of_buf(&text), bt_bytes_of_buf(&token), &order));
		bt_buf_free(&token);
		free(longer.ptr);
		free(text.ptr);
		pair_free(&pair);
	}
}

/* A MIC is not a Wrap token and the other way round, though both end in a checksum. */
static void
is_no_wrap_token(void **unused)
{
	struct pair pair = pair_with((struct setup){0});
	struct bt_buf token;
	enum bt_msg_order order;

	assert_ok(bt_msg_wrap(pair.initiator, false, bt_bytes_of(NULL, 0), &token));
	assert_int_equal(bt_msg_verify_mic(pair.acceptor, bt_bytes_of(NULL, 0), bt_bytes_of_buf(&token), &order),
			 BT_ERR_BAD_TOK_HEADER);
	bt_store_be16(token.ptr, BT_MSG_TOKEN_MIC);
	memset(token.ptr + 4, 0xff, 4);
	assert_int_equal(bt_msg_verify_mic(pair.acceptor, bt_bytes_of(NULL, 0), bt_bytes_of_buf(&token), &order),
			 BT_ERR_BAD_MIC);
	bt_buf_free(&token);
	pair_free(&pair);
}

/* Scattered, it is the MIC of the pieces one after the other. */
static void
scattered_is_the_same(void **unused)
{
	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		struct setup setup = {.enctype = enctypes[i], .no_sequence = true};
		struct pair pair = pair_with(setup), twin = pair_with(setup);
		uint8_t text[60], place[16 + 24];
		struct bt_msg_iov iov[] = {
		    {.type = BT_MSG_IOV_DATA, .ptr = text, .len = 20},
		    {.type = BT_MSG_IOV_MIC_TOKEN, .ptr = place, .len = sizeof place},
		    {.type = BT_MSG_IOV_SIGN_ONLY, .ptr = text + 20, .len = 33},
		    {.type = BT_MSG_IOV_PADDING, .ptr = text, .len = 3},
		    {.type = BT_MSG_IOV_EMPTY, .ptr = text, .len = 3},
		    {.type = BT_MSG_IOV_DATA, .ptr = text + 53, .len = 7},
		};
		enum bt_msg_order order;
		struct bt_buf token;

		noise(text, sizeof text);
		assert_ok(bt_msg_get_mic_iov_length(pair.initiator, iov, 6));
		assert_int_equal(iov[1].len, bt_msg_overhead(pair.initiator, false));
		assert_ok(bt_msg_get_mic_iov(pair.initiator, iov, 6));
		assert_ok(bt_msg_get_mic(twin.initiator, bt_bytes_of(text, sizeof text), &token));
		assert_true(bt_bytes_equal(bt_bytes_of(iov[1].ptr, iov[1].len), bt_bytes_of_buf(&token)));
		bt_buf_free(&token);
		assert_int_equal(iov[3].len, 0);
		assert_ok(bt_msg_verify_mic_iov(pair.acceptor, iov, 6, &order));
		assert_ok(bt_msg_verify_mic(twin.acceptor, bt_bytes_of(text, sizeof text), bt_bytes_of(iov[1].ptr, iov[1].len),
					    &order));
		text[30] ^= 1;
		assert_int_equal(bt_msg_verify_mic_iov(pair.acceptor, iov, 6, &order), BT_ERR_BAD_MIC);
		pair_free(&pair);
		pair_free(&twin);
	}
}

static void
refuses_other_arrangements(void **unused)
{
	uint8_t bytes[100] = {0};
	static const struct {
		enum bt_msg_iov_type types[3];
		size_t num;
	} bad[] = {
	    {{BT_MSG_IOV_DATA}, 1},
	    {{BT_MSG_IOV_MIC_TOKEN, BT_MSG_IOV_MIC_TOKEN, BT_MSG_IOV_DATA}, 3},
	    {{BT_MSG_IOV_MIC_TOKEN, BT_MSG_IOV_HEADER, BT_MSG_IOV_DATA}, 3},
	    {{BT_MSG_IOV_MIC_TOKEN, BT_MSG_IOV_TRAILER, BT_MSG_IOV_DATA}, 3},
	    {{BT_MSG_IOV_MIC_TOKEN, BT_MSG_IOV_STREAM, BT_MSG_IOV_DATA}, 3},
	    {{BT_MSG_IOV_EMPTY}, 0},
	};
	struct setup setup = {0};
	struct pair pair = pair_with(setup);
	struct bt_msg_state before = state_with(setup, true);
	struct bt_msg_iov iov[3];
	enum bt_msg_order order;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		for (size_t j = 0; j < 3; j++)
			iov[j] = (struct bt_msg_iov){.type = bad[i].types[j], .ptr = bytes, .len = sizeof bytes};
		assert_int_equal(bt_msg_get_mic_iov(pair.initiator, iov, bad[i].num), BT_ERR_BAD_IOV);
		assert_int_equal(bt_msg_get_mic_iov_length(pair.initiator, iov, bad[i].num), BT_ERR_BAD_IOV);
		assert_int_equal(bt_msg_verify_mic_iov(pair.initiator, iov, bad[i].num, &order), BT_ERR_BAD_IOV);
	}
	iov[0] = (struct bt_msg_iov){.type = BT_MSG_IOV_MIC_TOKEN, .ptr = bytes, .len = 27};
	assert_int_equal(bt_msg_get_mic_iov(pair.initiator, iov, 1), BT_ERR_WRONG_SIZE);
	iov[0] = (struct bt_msg_iov){.type = BT_MSG_IOV_MIC_TOKEN, .ptr = NULL, .len = 28};
	assert_int_equal(bt_msg_verify_mic_iov(pair.initiator, iov, 1, &order), BT_ERR_BAD_IOV);
	iov[1] = (struct bt_msg_iov){.type = BT_MSG_IOV_DATA, .ptr = NULL, .len = 28};
	assert_int_equal(bt_msg_get_mic_iov(pair.initiator, iov, 2), BT_ERR_BAD_IOV);
	assert_ok(bt_msg_get_mic_iov_length(pair.initiator, iov, 2));
	assert_same_state(pair.initiator, &before);
	pair_free(&pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(verifies_what_it_made),	  cmocka_unit_test(refuses_every_change),
	    cmocka_unit_test(is_no_wrap_token),		  cmocka_unit_test(scattered_is_the_same),
	    cmocka_unit_test(refuses_other_arrangements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
