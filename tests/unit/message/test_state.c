#include "message/context.h"
#include "support.h"

static void
gives_back_what_it_was_made_from(void **unused)
{
	for (int i = 0; i < NUM_ENCTYPES * 16; i++) {
		struct bt_msg_state state = state_with((struct setup){.enctype = enctypes[i % NUM_ENCTYPES],
								      .acceptor_enctype = i & 4 ? enctypes[i / 16] : 0,
								      .is_dce = i & 8,
								      .no_replay = i & 1,
								      .no_sequence = i & 2,
								      .first = noise_u64()},
						       i & 16);
		struct bt_msg_state back;
		struct bt_msg *m;

		state.recv_first = noise_u64();
		state.recv_next = noise_u64();
		state.recv_seen = noise_u64() | 1;
		assert_ok(bt_msg_new(&state, &m));
		bt_msg_state_of(m, &back);
		assert_true(back.is_initiator == state.is_initiator && back.is_dce == state.is_dce &&
			    back.detects_replay == state.detects_replay && back.detects_sequence == state.detects_sequence);
		assert_same_state(m, &state);
		assert_int_equal(bt_msg_session_key(m)->enctype,
				 state.acceptor_subkey.enctype != 0 ? state.acceptor_subkey.enctype : state.subkey.enctype);
		bt_msg_free(m);
	}
	bt_msg_free(NULL);
}

static void
refuses_keys_it_cannot_use(void **unused)
{
	struct bt_msg_state good = state_with((struct setup){.acceptor_enctype = 20}, true), state;
	struct bt_msg *m = (struct bt_msg *)&good;

	state = good;
	state.acceptor_subkey.enctype = 3;
	assert_int_equal(bt_msg_new(&state, &m), BT_ERR_ENCTYPE);
	assert_null(m);
	state = good;
	state.acceptor_subkey.len--;
	assert_int_equal(bt_msg_new(&state, &m), BT_ERR_ENCTYPE);
	state = good;
	state.subkey.len--;
	assert_int_equal(bt_msg_new(&state, &m), BT_ERR_ENCTYPE);
	state = good;
	state.subkey.enctype = 3;
	state.subkey.len = BT_CRYPTO_KEY_MAX + 1;
	assert_int_equal(bt_msg_new(&state, &m), BT_ERR_ENCTYPE);
	state = good;
	state.acceptor_subkey = (struct bt_msg_key){0};
	state.subkey.enctype = 0;
	assert_int_equal(bt_msg_new(&state, &m), BT_ERR_ENCTYPE);
	assert_null(m);
}

/* An old ticket whose two ends agreed on a newer enctype by RFC 4537: the acceptor's subkey does all the work. */
static void
check_old_session_key(int32_t enctype, uint8_t len)
{
	struct bt_msg_state i = state_with((struct setup){.acceptor_enctype = 20}, true), a, back;
	struct forgery f = {.by_subkey = true, .sealed = true};
	struct bt_buf token, out;
	struct bt_msg *initiator, *acceptor;
	enum bt_msg_order order;
	uint8_t prf[10] = {1};
	bool conf;

	f.state = i;
	i.subkey.enctype = enctype;
	i.subkey.len = len;
	a = i;
	a.is_initiator = false;
	assert_ok(bt_msg_new(&i, &initiator));
	assert_ok(bt_msg_new(&a, &acceptor));
	assert_ok(bt_msg_wrap(initiator, true, bt_bytes_of_str("x"), &token));
	assert_ok(bt_msg_unwrap(acceptor, bt_bytes_of_buf(&token), &out, &conf, &order));
	bt_buf_free(&out);
	bt_buf_free(&token);
	/* A token made with the session key is one we cannot read. */
	token = forge(&f, bt_bytes_of_str("x"));
	assert_int_equal(bt_msg_unwrap(acceptor, bt_bytes_of_buf(&token), &out, &conf, &order), BT_ERR_BAD_TOK_HEADER);
	assert_null(out.ptr);
	free(token.ptr);
	if (bt_crypto_enctype_of(enctype) == NULL) {
		assert_int_equal(bt_msg_prf(initiator, false, bt_bytes_of_str("x"), (struct bt_buf){prf, 10}), BT_ERR_ENCTYPE);
		assert_int_equal(prf[0], 0);
	}
	assert_ok(bt_msg_prf(initiator, true, bt_bytes_of_str("x"), (struct bt_buf){prf, 10}));
	bt_msg_state_of(initiator, &back);
	assert_int_equal(back.subkey.enctype, enctype);
	bt_msg_free(initiator);
	bt_msg_free(acceptor);
}

static void
keeps_an_old_session_key(void **unused)
{
	check_old_session_key(3, 8);
	check_old_session_key(BT_CRYPTO_ARCFOUR_HMAC, 16);
	check_old_session_key(BT_CRYPTO_DES3_CBC_SHA1, 24);
}

static void
stops_before_a_number_comes_again(void **unused)
{
	struct pair pair = pair_with((struct setup){.first = UINT64_MAX - 2});
	struct bt_msg_iov iov[] = {{.type = BT_MSG_IOV_HEADER, .allocate = true}, {.type = BT_MSG_IOV_DATA}};
	struct bt_bytes text = bt_bytes_of_str("x");
	struct bt_msg_state state;
	enum bt_msg_order order;
	struct bt_buf token, out;
	bool conf;

	for (int i = 0; i < 2; i++) {
		assert_ok(bt_msg_wrap(pair.initiator, true, text, &token));
		assert_ok(bt_msg_unwrap(pair.acceptor, bt_bytes_of_buf(&token), &out, &conf, &order));
		assert_int_equal(order, BT_MSG_IN_ORDER);
		bt_buf_free(&token);
		bt_buf_free(&out);
	}
	bt_msg_state_of(pair.initiator, &state);
	assert_true(state.send_next == UINT64_MAX);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bt_msg_wrap(pair.initiator, true, text, &token), BT_ERR_EXHAUSTED);
		assert_null(token.ptr);
		assert_int_equal(token.len, 0);
		assert_int_equal(bt_msg_wrap(pair.initiator, false, text, &token), BT_ERR_EXHAUSTED);
		assert_int_equal(bt_msg_get_mic(pair.initiator, text, &token), BT_ERR_EXHAUSTED);
		assert_null(token.ptr);
		assert_int_equal(bt_msg_wrap_iov(pair.initiator, true, iov, 2), BT_ERR_EXHAUSTED);
		assert_null(iov[0].ptr);
		assert_same_state(pair.initiator, &state);
	}
	pair_free(&pair);
}

static void
is_small(void **unused)
{
	assert_true(sizeof(struct bt_msg) <= 330);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(gives_back_what_it_was_made_from),
	    cmocka_unit_test(refuses_keys_it_cannot_use),
	    cmocka_unit_test(keeps_an_old_session_key),
	    cmocka_unit_test(stops_before_a_number_comes_again),
	    cmocka_unit_test(is_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
