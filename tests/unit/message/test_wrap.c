#include "support.h"

static const size_t lengths[] = {0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 1000, 1023, 1024, 1025, 4096, 16384, 65537};

static void
round_trip(struct bt_msg *from, struct bt_msg *to, bool conf, size_t len)
{
	struct bt_buf text = noise_buf(len), token, out;
	enum bt_msg_order order;
	bool got_conf;

	assert_ok(bt_msg_wrap(from, conf, bt_bytes_of_buf(&text), &token));
	assert_int_equal(token.len, len + bt_msg_overhead(from, conf));
	assert_int_equal(bt_load_be16(token.ptr + 6), 0);
	assert_ok(bt_msg_unwrap(to, bt_bytes_of_buf(&token), &out, &got_conf, &order));
	assert_true(bt_bytes_equal(bt_bytes_of_buf(&out), bt_bytes_of_buf(&text)));
	assert_true(got_conf == conf);
	assert_int_equal(order, BT_MSG_IN_ORDER);
	assert_non_null(out.ptr);
	bt_buf_free(&out);
	bt_buf_free(&token);
	free(text.ptr);
}

static void
comes_out_as_it_went_in(void **unused)
{
	/* Every pair of enctypes, the acceptor's subkey of another enctype included; both directions. */
	for (int i = 0; i < NUM_ENCTYPES * (NUM_ENCTYPES + 1) * 2; i++) {
		int subkey = i / NUM_ENCTYPES % (NUM_ENCTYPES + 1);
		struct pair pair = pair_with((struct setup){.enctype = enctypes[i % NUM_ENCTYPES],
							    .acceptor_enctype = subkey != 0 ? enctypes[subkey - 1] : 0,
							    .is_dce = i >= NUM_ENCTYPES * (NUM_ENCTYPES + 1)});

		for (size_t j = 0; j < sizeof lengths / sizeof lengths[0]; j++) {
			round_trip(pair.initiator, pair.acceptor, true, lengths[j]);
			round_trip(pair.initiator, pair.acceptor, false, lengths[j]);
			round_trip(pair.acceptor, pair.initiator, true, lengths[j]);
			round_trip(pair.acceptor, pair.initiator, false, lengths[j]);
		}
		pair_free(&pair);
	}
}

static void
takes_every_length(void **unused)
{
	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		struct pair pair = pair_with((struct setup){.enctype = enctypes[i]});

		for (size_t len = 0; len <= 200; len++) {
			round_trip(pair.initiator, pair.acceptor, true, len);
			round_trip(pair.initiator, pair.acceptor, false, len);
		}
		round_trip(pair.initiator, pair.acceptor, true, 8 * 1024 * 1024 + 5);
		round_trip(pair.initiator, pair.acceptor, false, 8 * 1024 * 1024 + 5);
		pair_free(&pair);
	}
}

static void
adds_the_known_overhead(void **unused)
{
	static const size_t sealed[] = {60, 60, 64, 72, 64, 64}, clear[] = {28, 28, 32, 40, 32, 32};

	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		struct pair pair = pair_with((struct setup){.enctype = enctypes[i]});

		assert_int_equal(bt_msg_overhead(pair.initiator, true), sealed[i]);
		assert_int_equal(bt_msg_overhead(pair.initiator, false), clear[i]);
		pair_free(&pair);
	}
}

static void
refuses_what_is_too_large(void **unused)
{
	struct pair pair = pair_with((struct setup){0});
	struct bt_msg_state before = state_with((struct setup){0}, true);
	uint8_t byte = 0;
	struct bt_buf out = {&byte, 1};

	/* Nothing is read: the length alone is looked at. */
	assert_int_equal(bt_msg_wrap(pair.initiator, true, bt_bytes_of(&byte, BT_MSG_MAX + 1), &out), BT_ERR_TOO_LARGE);
	assert_true(out.ptr == NULL && out.len == 0);
	assert_int_equal(bt_msg_wrap(pair.initiator, false, bt_bytes_of(&byte, SIZE_MAX), &out), BT_ERR_TOO_LARGE);
	assert_int_equal(bt_msg_get_mic(pair.initiator, bt_bytes_of(&byte, SIZE_MAX), &out), BT_ERR_TOO_LARGE);
	assert_same_state(pair.initiator, &before);
	pair_free(&pair);
}

static void
expect_text(struct bt_msg *to, const struct forgery *f, struct bt_bytes text)
{
	struct bt_buf token = forge(f, text), out;
	enum bt_msg_order order;
	bool conf;

	assert_ok(bt_msg_unwrap(to, bt_bytes_of_buf(&token), &out, &conf, &order));
	assert_true(bt_bytes_equal(bt_bytes_of_buf(&out), text));
	assert_true(conf == f->sealed);
	bt_buf_free(&out);
	free(token.ptr);
}

/* "The receiver MUST be able to interpret all possible rotation count values." RFC 4121 §4.2.5. */
static void
takes_every_rotation(void **unused)
{
	struct bt_buf text = noise_buf(50);

	for (size_t i = 0; i < NUM_ENCTYPES * 2; i++) {
		struct setup setup = {.enctype = enctypes[i / 2]};
		struct pair pair = pair_with(setup);
		struct forgery f = {.state = state_with(setup, true), .sealed = i % 2 == 0, .ec = i % 2 == 0 ? 5 : 0};

		for (uint16_t rrc = 0; rrc <= 16 + 50 + 5 + 16 + 24 + 20; rrc++, f.seq++) {
			f.rrc = rrc;
			expect_text(pair.acceptor, &f, bt_bytes_of_buf(&text));
		}
		f.rrc = UINT16_MAX;
		expect_text(pair.acceptor, &f, bt_bytes_of_buf(&text));
		f.rrc = 28;
		f.seq++;
		expect_text(pair.acceptor, &f, bt_bytes_of(NULL, 0));
		pair_free(&pair);
	}
	free(text.ptr);
}

static void
takes_filler(void **unused)
{
	static const uint16_t counts[] = {1, 7, 15, 16, 17, 255, 4096, UINT16_MAX};
	struct bt_buf text = noise_buf(33);

	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		struct setup setup = {.enctype = enctypes[i], .acceptor_enctype = enctypes[NUM_ENCTYPES - 1 - i]};
		struct pair pair = pair_with(setup);
		struct forgery f = {.state = state_with(setup, false), .sealed = true};

		for (size_t j = 0; j < sizeof counts / sizeof counts[0]; j++) {
			f.ec = counts[j];
			expect_text(pair.initiator, &f, bt_bytes_of_buf(&text));
			f.seq++;
			f.rrc = (uint16_t)(counts[j] / 2 + 3);
			expect_text(pair.initiator, &f, bt_bytes_of_buf(&text));
			f.seq++;
			f.rrc = 0;
		}
		pair_free(&pair);
	}
	free(text.ptr);
}

/* An acceptor may have asserted a subkey that the initiator has not yet seen, or does not use. RFC 4121 §4.2.2. */
static void
takes_the_key_the_flag_names(void **unused)
{
	struct setup setup = {.enctype = 17, .acceptor_enctype = 20};
	struct pair pair = pair_with(setup);
	struct forgery f = {.state = state_with(setup, true), .sealed = true, .by_subkey = true};
	struct bt_bytes text = bt_bytes_of_str("by the initiator's subkey");
	struct bt_buf token, out;
	enum bt_msg_order order;
	bool conf;

	expect_text(pair.acceptor, &f, text);
	f.sealed = false;
	f.seq++;
	expect_text(pair.acceptor, &f, text);
	/* The flag is covered: it cannot be changed to have another key tried. */
	token = forge(&f, text);
	token.ptr[2] ^= BT_MSG_ACCEPTOR_SUBKEY;
	assert_true(bt_msg_unwrap(pair.acceptor, bt_bytes_of_buf(&token), &out, &conf, &order) != 0);
	free(token.ptr);
	pair_free(&pair);
}

static void
keeps_unknown_flags(void **unused)
{
	struct pair pair = pair_with((struct setup){0});
	struct forgery f = {.state = state_with((struct setup){0}, true), .more_flags = 0xf8};

	/* "The receiver MUST ignore unknown flags." RFC 4121 §4.2.2. */
	expect_text(pair.acceptor, &f, bt_bytes_of_str("flags"));
	f.sealed = true;
	f.seq++;
	expect_text(pair.acceptor, &f, bt_bytes_of_str("flags"));
	/* A sender that copies the header after it filled in RRC. */
	f.seq++;
	f.rrc = f.copy_rrc = 28;
	expect_text(pair.acceptor, &f, bt_bytes_of_str("flags"));
	pair_free(&pair);
}

/* DCE style tokens are rotated by EC more than their RRC says, where that is not 0. */
static void
takes_dce_rotation(void **unused)
{
	struct setup setup = {.is_dce = true};
	struct pair pair = pair_with(setup);
	struct forgery f = {.state = state_with(setup, true), .sealed = true, .ec = 16, .rrc = 28, .rotate_more = 16};

	expect_text(pair.acceptor, &f, bt_bytes_of_str("rotated by 44"));
	f.rrc = 0;
	f.rotate_more = 0;
	f.seq++;
	expect_text(pair.acceptor, &f, bt_bytes_of_str("not rotated"));
	f.ec = 0;
	f.rrc = 28;
	f.seq++;
	expect_text(pair.acceptor, &f, bt_bytes_of_str("without filler"));
	f.sealed = false;
	f.rrc = 12;
	f.seq++;
	expect_text(pair.acceptor, &f, bt_bytes_of_str("not encrypted"));
	pair_free(&pair);
}

static void
expect_refused(struct bt_msg *to, struct bt_bytes token, const struct bt_msg_state *before)
{
	struct bt_buf exactly = exact(token), out = {(uint8_t *)&out, 1};
	enum bt_msg_order order = BT_MSG_GAP;
	bool conf = true;
	int e = bt_msg_unwrap(to, bt_bytes_of_buf(&exactly), &out, &conf, &order);

	assert_true(e == BT_ERR_BAD_MIC || e == BT_ERR_BAD_TOK_HEADER || e == BT_ERR_TOK_TRUNC || e == BT_ERR_BAD_DIRECTION);
	assert_true(out.ptr == NULL && out.len == 0 && !conf && order == BT_MSG_IN_ORDER);
	assert_same_state(to, before);
	free(exactly.ptr);
}

/* Does a token with its RRC replaced mean the same rotation? Then it is the same token in other words, and good. */
static bool
is_same_rotation(const struct bt_buf *token, size_t rrc)
{
	return token->len > 16 && rrc % (token->len - 16) == 0;
}

static void
refuses_every_change(void **unused)
{
	static const size_t some[] = {0, 1, 16, 37};

	for (size_t i = 0; i < NUM_ENCTYPES * 4 * 4; i++) {
		size_t kind = i / NUM_ENCTYPES;
		struct setup setup = {.enctype = enctypes[i % NUM_ENCTYPES], .acceptor_enctype = kind & 1 ? 20 : 0};
		struct pair pair = pair_with(setup);
		struct bt_buf text = noise_buf(some[kind / 4]), token, longer, out;
		struct bt_msg_state before;
		enum bt_msg_order order;
		bool conf;

		bt_msg_state_of(pair.acceptor, &before);
		assert_ok(bt_msg_wrap(pair.initiator, kind & 2, bt_bytes_of_buf(&text), &token));
		for (size_t bit = 0; bit < token.len * 8; bit++) {
			token.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (!is_same_rotation(&token, bt_load_be16(token.ptr + 6)) || bit / 8 < 6 || bit / 8 > 7)
				expect_refused(pair.acceptor, bt_bytes_of_buf(&token), &before);
			token.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t len = 0; len < token.len; len++)
			expect_refused(pair.acceptor, bt_bytes_of(token.ptr, len), &before);
		longer = noise_buf(token.len + 40);
		memcpy(longer.ptr, token.ptr, token.len);
		for (size_t len = token.len + 1; len <= longer.len; len++)
			expect_refused(pair.acceptor, bt_bytes_of(longer.ptr, len), &before);
		expect_refused(
		    pair.initiator, bt_bytes_of_buf(&token),
		    &(struct bt_msg_state){.send_next = 1, .subkey = before.subkey, .acceptor_subkey = before.acceptor_subkey});
		/* After all this, the token itself is good, once. */
		assert_ok(bt_msg_unwrap(pair.acceptor, bt_bytes_of_buf(&token), &out, &conf, &order));
		assert_int_equal(order, BT_MSG_IN_ORDER);
		bt_buf_free(&out);
		assert_ok(bt_msg_unwrap(pair.acceptor, bt_bytes_of_buf(&token), &out, &conf, &order));
		assert_int_equal(order, BT_MSG_DUPLICATE);
		assert_true(bt_bytes_equal(bt_bytes_of_buf(&out), bt_bytes_of_buf(&text)));
		bt_buf_free(&out);
		bt_buf_free(&token);
		free(longer.ptr);
		free(text.ptr);
		pair_free(&pair);
	}
}

static void
says_what_is_wrong(void **unused)
{
	struct pair pair = pair_with((struct setup){0});
	struct bt_buf token, out;
	enum bt_msg_order order;
	bool conf;

	assert_ok(bt_msg_wrap(pair.initiator, true, bt_bytes_of_str("text"), &token));
	assert_int_equal(bt_msg_unwrap(pair.initiator, bt_bytes_of_buf(&token), &out, &conf, &order), BT_ERR_BAD_DIRECTION);
	assert_int_equal(bt_msg_unwrap(pair.acceptor, bt_bytes_of(token.ptr, 15), &out, &conf, &order), BT_ERR_TOK_TRUNC);
	assert_int_equal(bt_msg_unwrap(pair.acceptor, bt_bytes_of(token.ptr, 16), &out, &conf, &order), BT_ERR_TOK_TRUNC);
	assert_int_equal(bt_msg_unwrap(pair.acceptor, bt_bytes_of(token.ptr, 59), &out, &conf, &order), BT_ERR_TOK_TRUNC);
	token.ptr[15] ^= 1; /* the number, in clear */
	assert_int_equal(bt_msg_unwrap(pair.acceptor, bt_bytes_of_buf(&token), &out, &conf, &order), BT_ERR_BAD_TOK_HEADER);
	token.ptr[15] ^= 1;
	token.ptr[40] ^= 1;
	assert_int_equal(bt_msg_unwrap(pair.acceptor, bt_bytes_of_buf(&token), &out, &conf, &order), BT_ERR_BAD_MIC);
	bt_buf_free(&token);
	assert_ok(bt_msg_get_mic(pair.initiator, bt_bytes_of_str("text"), &token));
	assert_int_equal(bt_msg_unwrap(pair.acceptor, bt_bytes_of_buf(&token), &out, &conf, &order), BT_ERR_BAD_TOK_HEADER);
	bt_buf_free(&token);
	pair_free(&pair);
}

static void
tells_the_order(void **unused)
{
	static const enum bt_msg_order want[] = {BT_MSG_IN_ORDER, BT_MSG_GAP, BT_MSG_UNSEQ, BT_MSG_DUPLICATE, BT_MSG_IN_ORDER};
	static const int sent[] = {0, 2, 1, 2, 3};
	struct pair pair = pair_with((struct setup){.first = UINT64_MAX - 1});
	struct forgery f = {.state = state_with((struct setup){0}, true), .sealed = true};

	for (size_t i = 0; i < 5; i++) {
		struct bt_buf token, out;
		enum bt_msg_order order;
		bool conf;

		/* Over the wrap: a peer that counts on from 2^64-1 to 0 is understood. */
		f.seq = UINT64_MAX - 1 + (uint64_t)sent[i];
		token = forge(&f, bt_bytes_of_str("in its place"));
		assert_ok(bt_msg_unwrap(pair.acceptor, bt_bytes_of_buf(&token), &out, &conf, &order));
		assert_int_equal(order, want[i]);
		assert_int_equal(out.len, 12);
		bt_buf_free(&out);
		free(token.ptr);
	}
	pair_free(&pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(comes_out_as_it_went_in),	    cmocka_unit_test(takes_every_length),
	    cmocka_unit_test(adds_the_known_overhead),	    cmocka_unit_test(refuses_what_is_too_large),
	    cmocka_unit_test(takes_every_rotation),	    cmocka_unit_test(takes_filler),
	    cmocka_unit_test(takes_the_key_the_flag_names), cmocka_unit_test(keeps_unknown_flags),
	    cmocka_unit_test(takes_dce_rotation),	    cmocka_unit_test(refuses_every_change),
	    cmocka_unit_test(says_what_is_wrong),	    cmocka_unit_test(tells_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
