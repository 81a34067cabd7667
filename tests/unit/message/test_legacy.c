/*
 * Tokens of RFC 1964: what they look like, that every length and arrangement comes out as it went in, and that nothing else does. That
 * MIT's library reads and writes the same is tested in tests/interop.
 */
#include "message/context.h"
#include "message/legacy.h"
#include "support.h"

static const int32_t legacy[] = {BT_CRYPTO_DES3_CBC_SHA1, BT_CRYPTO_ARCFOUR_HMAC};

enum { NUM_LEGACY = 2 };

static void
round_trip(struct bt_msg *from, struct bt_msg *to, bool conf, size_t len)
{
	struct bt_buf text = noise_buf(len), token, out;
	enum bt_msg_order order;
	bool was_conf;

	assert_ok(bt_msg_wrap(from, conf, bt_bytes_of_buf(&text), &token));
	assert_true(token.len <= len + bt_msg_overhead(from, conf));
	assert_ok(bt_msg_unwrap(to, bt_bytes_of_buf(&token), &out, &was_conf, &order));
	assert_true(was_conf == conf && order == BT_MSG_IN_ORDER);
	assert_true(bt_bytes_equal(bt_bytes_of_buf(&out), bt_bytes_of_buf(&text)));
	bt_buf_free(&out);
	assert_ok(bt_msg_unwrap(to, bt_bytes_of_buf(&token), &out, &was_conf, &order));
	assert_int_equal(order, BT_MSG_DUPLICATE);
	bt_buf_free(&out);
	assert_int_equal(bt_msg_unwrap(from, bt_bytes_of_buf(&token), &out, &was_conf, &order), BT_ERR_BAD_DIRECTION);
	assert_null(out.ptr);
	bt_buf_free(&token);
	assert_ok(bt_msg_get_mic(from, bt_bytes_of_buf(&text), &token));
	assert_ok(bt_msg_verify_mic(to, bt_bytes_of_buf(&text), bt_bytes_of_buf(&token), &order));
	assert_int_equal(order, BT_MSG_IN_ORDER);
	assert_int_equal(bt_msg_verify_mic(from, bt_bytes_of_buf(&text), bt_bytes_of_buf(&token), &order),
			 BT_ERR_BAD_DIRECTION);
	bt_buf_free(&token);
	free(text.ptr);
}

/* Lengths where the framing's own length grows are among them. */
static void
comes_out_as_it_went_in(void **unused)
{
	for (size_t i = 0; i < NUM_LEGACY; i++) {
		struct pair pair = pair_with((struct setup){.enctype = legacy[i], .first = 77});
		struct pair other = pair_with((struct setup){.enctype = 18, .acceptor_enctype = legacy[i]});

		for (size_t len = 0; len < 300; len++) {
			round_trip(pair.initiator, pair.acceptor, len & 1, len);
			round_trip(pair.acceptor, pair.initiator, ~len & 1, len);
		}
		for (size_t len = 65536 - 80; len < 65536 + 10; len++)
			round_trip(other.initiator, other.acceptor, true, len);
		round_trip(other.acceptor, other.initiator, true, 17 << 20);
		pair_free(&pair);
		pair_free(&other);
	}
}

/* RFC 1964 §1.2, RFC 4757 §7.3. */
static void
looks_as_it_should(void **unused)
{
	static const uint8_t framing[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02};
	static const uint8_t heads[NUM_LEGACY][4][8] = {
	    {{2, 1, 4, 0, 2, 0, 0xff, 0xff}, {2, 1, 4, 0, 0xff, 0xff, 0xff, 0xff}, {1, 1, 4, 0, 0xff, 0xff, 0xff, 0xff}},
	    {{2, 1, 0x11, 0, 0x10, 0, 0xff, 0xff},
	     {2, 1, 0x11, 0, 0xff, 0xff, 0xff, 0xff},
	     {1, 1, 0x11, 0, 0xff, 0xff, 0xff, 0xff}},
	};
	static const size_t lengths[NUM_LEGACY][3] = {{2 + 11 + 16 + 20 + 8 + 8, 0, 2 + 11 + 16 + 20},
						      {2 + 11 + 16 + 8 + 8 + 5, 0, 2 + 11 + 16 + 8}};

	for (size_t i = 0; i < NUM_LEGACY; i++) {
		struct pair pair = pair_with((struct setup){.enctype = legacy[i]});

		for (int kind = 0; kind < 3; kind++) {
			struct bt_buf token;

			assert_ok(kind < 2 ? bt_msg_wrap(pair.initiator, kind == 0, bt_bytes_of_str("text"), &token)
					   : bt_msg_get_mic(pair.initiator, bt_bytes_of_str("text"), &token));
			assert_int_equal(token.len, lengths[i][kind == 1 ? 0 : kind]);
			assert_int_equal(token.ptr[0], 0x60);
			assert_int_equal(token.ptr[1], token.len - 2);
			assert_memory_equal(token.ptr + 2, framing, sizeof framing);
			assert_memory_equal(token.ptr + 13, heads[i][kind], 8);
			if (kind == 1)
				assert_memory_equal(token.ptr + token.len - (i == 0 ? 8 : 5), "text", 4);
			bt_buf_free(&token);
		}
		pair_free(&pair);
	}
}

/*
 * RC4's number is not under the checksum, and a stream cipher's: of a token that is not sealed anybody can change it, if not to one
 * he knows. RFC 4757 §9 has more of that kind.
 */
static bool
is_malleable(int32_t enctype, bool sealed, size_t at)
{
	return enctype == BT_CRYPTO_ARCFOUR_HMAC && !sealed && at >= 21 && at < 25;
}

static void
refuses_every_change(void **unused)
{
	for (size_t i = 0; i < NUM_LEGACY * 3; i++) {
		struct setup setup = {.enctype = legacy[i / 3]};
		struct pair pair = pair_with(setup);
		struct bt_msg_state before = state_with(setup, false);
		struct bt_bytes text = bt_bytes_of_str("eleven byte");
		bool is_mic = i % 3 == 2, conf;
		struct bt_buf token, longer, out;
		enum bt_msg_order order;

		assert_ok(is_mic ? bt_msg_get_mic(pair.initiator, text, &token)
				 : bt_msg_wrap(pair.initiator, i % 3 == 0, text, &token));
		for (size_t bit = 0; bit < token.len * 8; bit++) {
			if (is_malleable(setup.enctype, i % 3 == 0, bit / 8))
				continue;
			token.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (is_mic)
				assert_int_not_equal(bt_msg_verify_mic(pair.acceptor, text, bt_bytes_of_buf(&token), &order),
						     0);
			else {
				assert_int_not_equal(bt_msg_unwrap(pair.acceptor, bt_bytes_of_buf(&token), &out, &conf, &order),
						     0);
				assert_true(out.ptr == NULL && !conf);
			}
			token.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		longer = noise_buf(token.len + 20);
		memcpy(longer.ptr, token.ptr, token.len);
		for (size_t len = 0; len <= longer.len; len++) {
			struct bt_buf cut = exact(bt_bytes_of(longer.ptr, len));

			if (len != token.len)
				assert_int_not_equal(
				    is_mic ? bt_msg_verify_mic(pair.acceptor, text, bt_bytes_of_buf(&cut), &order)
					   : bt_msg_unwrap(pair.acceptor, bt_bytes_of_buf(&cut), &out, &conf, &order),
				    0);
			free(cut.ptr);
		}
		/* The other kind of token, and one of RFC 4121. */
		assert_int_not_equal(is_mic ? bt_msg_unwrap(pair.acceptor, bt_bytes_of_buf(&token), &out, &conf, &order)
					    : bt_msg_verify_mic(pair.acceptor, text, bt_bytes_of_buf(&token), &order),
				     0);
		assert_same_state(pair.acceptor, &before);
		bt_buf_free(&token);
		free(longer.ptr);
		pair_free(&pair);
	}
}

static void
refuses_tokens_of_rfc_4121(void **unused)
{
	struct setup setup = {.enctype = BT_CRYPTO_ARCFOUR_HMAC};
	struct pair pair = pair_with(setup), newer = pair_with((struct setup){.enctype = 18});
	struct bt_buf token, out;
	enum bt_msg_order order;
	bool conf;

	assert_ok(bt_msg_wrap(newer.initiator, true, bt_bytes_of_str("x"), &token));
	assert_int_equal(bt_msg_unwrap(pair.acceptor, bt_bytes_of_buf(&token), &out, &conf, &order), BT_ERR_BAD_TOK_HEADER);
	bt_buf_free(&token);
	assert_ok(bt_msg_wrap(pair.initiator, true, bt_bytes_of_str("x"), &token));
	assert_int_not_equal(bt_msg_unwrap(newer.acceptor, bt_bytes_of_buf(&token), &out, &conf, &order), 0);
	bt_buf_free(&token);
	pair_free(&pair);
	pair_free(&newer);
}

/* RFC 1964 §1.2.3. Nothing else passes for one, and RFC 4121 has none. */
static void
knows_deletions(void **unused)
{
	for (size_t i = 0; i < NUM_LEGACY; i++) {
		struct pair pair = pair_with((struct setup){.enctype = legacy[i]}), newer = pair_with((struct setup){.enctype = 18});
		struct bt_crypto_seg segs[BT_MSG_LEGACY_SEGS];
		size_t len = bt_msg_legacy_header_len(pair.initiator, BT_MSG_LEGACY_DELETION, 0);
		struct bt_buf mic, token = noise_buf(len);
		struct bt_bytes view = bt_bytes_of_buf(&token);
		enum bt_msg_order order;

		assert_true(bt_msg_has_deletion(pair.acceptor) && !bt_msg_has_deletion(newer.acceptor));
		assert_ok(bt_msg_legacy_protect(pair.initiator, BT_MSG_LEGACY_DELETION, false, token.ptr, 0, segs, 0));
		assert_memory_equal(token.ptr + 13, "\x01\x02", 2);
		assert_int_equal(bt_msg_verify_deletion(pair.initiator, view), BT_ERR_BAD_DIRECTION);
		assert_int_not_equal(bt_msg_verify_mic(pair.acceptor, (struct bt_bytes){0}, view, &order), 0);
		assert_int_equal(bt_msg_verify_deletion(newer.acceptor, view), BT_ERR_BAD_TOK_HEADER);
		for (size_t bit = 0; bit < len * 8; bit++) {
			if (is_malleable(legacy[i], false, bit / 8))
				continue;
			token.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_not_equal(bt_msg_verify_deletion(pair.acceptor, view), 0);
			token.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t cut = 0; cut < len; cut++)
			assert_int_not_equal(bt_msg_verify_deletion(pair.acceptor, bt_bytes_of(token.ptr, cut)), 0);
		assert_ok(bt_msg_verify_deletion(pair.acceptor, view));
		assert_ok(bt_msg_get_mic(pair.initiator, (struct bt_bytes){0}, &mic));
		assert_int_not_equal(bt_msg_verify_deletion(pair.acceptor, bt_bytes_of_buf(&mic)), 0);
		bt_buf_free(&mic);
		free(token.ptr);
		pair_free(&pair);
		pair_free(&newer);
	}
}

/* Padding that the peer, who has the key, got wrong is refused, and the window stays. */
static void
refuses_bad_padding(void **unused)
{
	static const uint8_t bad[] = {0, 9, 255};

	for (size_t i = 0; i < NUM_LEGACY * sizeof bad; i++) {
		struct setup setup = {.enctype = legacy[i % NUM_LEGACY]};
		struct pair pair = pair_with(setup);
		struct bt_msg_state before = state_with(setup, false);
		uint8_t header[64], padding[8], text[16] = "text and padding", token[128];
		struct bt_msg_iov iov[] = {{.type = BT_MSG_IOV_HEADER, .ptr = header, .len = sizeof header},
					   {.type = BT_MSG_IOV_DATA, .ptr = text, .len = sizeof text},
					   {.type = BT_MSG_IOV_PADDING, .ptr = padding, .len = sizeof padding}};
		enum bt_msg_order order;
		struct bt_buf out;
		size_t len;
		bool conf;

		/* DCE style signs what the program made of the padding. */
		setup.is_dce = true;
		text[15] = bad[i / NUM_LEGACY];
		pair_free(&pair);
		pair = pair_with(setup);
		assert_ok(bt_msg_wrap_iov(pair.initiator, true, iov, 2));
		pair_free(&pair);
		setup.is_dce = false;
		pair = pair_with(setup);
		memcpy(token, header, iov[0].len);
		len = iov[0].len + sizeof text;
		memcpy(token + iov[0].len, text, sizeof text);
		token[1] = (uint8_t)(token[1] + sizeof text);
		assert_int_equal(bt_msg_unwrap(pair.acceptor, bt_bytes_of(token, len), &out, &conf, &order),
				 BT_ERR_BAD_TOK_HEADER);
		assert_true(out.ptr == NULL && !conf);
		assert_same_state(pair.acceptor, &before);
		pair_free(&pair);
	}
}

static void
counts_in_32_bits(void **unused)
{
	for (size_t i = 0; i < NUM_LEGACY; i++) {
		struct setup setup = {.enctype = legacy[i], .first = UINT32_MAX - 2};
		struct pair pair = pair_with(setup);
		struct bt_msg_state state;
		struct bt_buf token, out;
		enum bt_msg_order order;
		bool conf;

		round_trip(pair.initiator, pair.acceptor, true, 5);
		assert_int_equal(bt_msg_wrap(pair.initiator, true, bt_bytes_of_str("x"), &token), BT_ERR_EXHAUSTED);
		assert_null(token.ptr);
		pair_free(&pair);
		/* A peer may go on from there. */
		setup.first = 0;
		state = state_with(setup, true);
		assert_ok(bt_msg_new(&state, &pair.initiator));
		state = state_with(setup, false);
		state.recv_first = UINT32_MAX;
		state.recv_next = 1;
		state.recv_seen = 1;
		assert_ok(bt_msg_new(&state, &pair.acceptor));
		for (int n = 0; n < 3; n++) {
			assert_ok(bt_msg_wrap(pair.initiator, true, bt_bytes_of_str("x"), &token));
			assert_ok(bt_msg_unwrap(pair.acceptor, bt_bytes_of_buf(&token), &out, &conf, &order));
			assert_int_equal(order, BT_MSG_IN_ORDER);
			bt_buf_free(&out);
			bt_buf_free(&token);
		}
		pair_free(&pair);
	}
}

/* Buffers of a program, in place; and what failed shows nothing. */
static void
scatters(void **unused)
{
	for (size_t i = 0; i < NUM_LEGACY * 4; i++) {
		struct setup setup = {.enctype = legacy[i % NUM_LEGACY], .is_dce = i / NUM_LEGACY & 1};
		struct pair pair = pair_with(setup);
		bool sealed = i / NUM_LEGACY & 2, conf;
		uint8_t before[5], text[24], more[16], sent[24], header[80], padding[8];
		struct bt_msg_iov iov[] = {
		    {.type = BT_MSG_IOV_SIGN_ONLY, .ptr = before, .len = sizeof before},
		    {.type = BT_MSG_IOV_HEADER, .ptr = header, .len = sizeof header},
		    {.type = BT_MSG_IOV_DATA, .ptr = text, .len = sizeof text},
		    {.type = BT_MSG_IOV_DATA, .ptr = more, .len = sizeof more},
		    {.type = BT_MSG_IOV_PADDING, .ptr = padding, .len = sizeof padding},
		    {.type = BT_MSG_IOV_TRAILER},
		};
		struct bt_msg_state state;
		enum bt_msg_order order;
		size_t pad_len;

		noise(before, sizeof before);
		noise(text, sizeof text);
		noise(more, sizeof more);
		memcpy(sent, text, sizeof text);
		assert_ok(bt_msg_wrap_iov_length(pair.initiator, sealed, iov, 6));
		assert_int_equal(iov[5].len, 0);
		pad_len = iov[4].len;
		assert_int_equal(pad_len, setup.is_dce ? 0 : i % NUM_LEGACY == 0 ? 8 : 1);
		assert_ok(bt_msg_wrap_iov(pair.initiator, sealed, iov, 6));
		assert_int_equal(memcmp(text, sent, sizeof text) == 0, !sealed);
		bt_msg_state_of(pair.acceptor, &state);
		for (size_t k = 0; k < 5; k++)
			for (size_t bit = 0; bit < iov[k].len * 8; bit += 3) {
				if (k == 1 && is_malleable(setup.enctype, sealed, bit / 8))
					continue;

				uint8_t kept_text[24], kept_more[16], kept_padding[8];

				memcpy(kept_text, text, sizeof text);
				memcpy(kept_more, more, sizeof more);
				memcpy(kept_padding, padding, sizeof padding);
				iov[k].ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
				assert_int_not_equal(bt_msg_unwrap_iov(pair.acceptor, iov, 6, &conf, &order), 0);
				assert_false(conf);
				assert_memory_not_equal(text, sealed ? sent : before, sealed ? sizeof sent : sizeof before);
				if (k == 0 || k == 1)
					iov[k].ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
				memcpy(text, kept_text, sizeof text);
				memcpy(more, kept_more, sizeof more);
				memcpy(padding, kept_padding, sizeof padding);
			}
		assert_same_state(pair.acceptor, &state);
		assert_ok(bt_msg_unwrap_iov(pair.acceptor, iov, 6, &conf, &order));
		assert_true(conf == sealed && order == BT_MSG_IN_ORDER);
		assert_memory_equal(text, sent, sizeof text);
		/* No place for the padding. */
		iov[4].type = BT_MSG_IOV_EMPTY;
		iov[1].len = sizeof header;
		assert_int_equal(bt_msg_wrap_iov(pair.initiator, sealed, iov, 6), setup.is_dce ? 0 : BT_ERR_BAD_IOV);
		pair_free(&pair);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(comes_out_as_it_went_in),
	    cmocka_unit_test(looks_as_it_should),
	    cmocka_unit_test(refuses_every_change),
	    cmocka_unit_test(refuses_tokens_of_rfc_4121),
	    cmocka_unit_test(refuses_bad_padding),
	    cmocka_unit_test(knows_deletions),
	    cmocka_unit_test(counts_in_32_bits),
	    cmocka_unit_test(scatters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
