/* Import: whole and once, or refused without loss. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/oid.h"
#include "fake_claim.h"
#include "support.h"
#include "transfer/seal.h"
#include "transfer/transfer.h"

static int
reset(void **state)
{
	fake_claims_reset();
	test_mem_start(0);
	test_mem.num_secrets = 0;
	test_ahead_s = 0;
	test_has_uid = false;
	return 0;
}

static int
import(struct bt_bytes token, struct bt_ctx **out)
{
	return bt_transfer_import(test_mechs, 1, token, out);
}

static struct bt_buf export(struct bt_ctx *ctx)
{
	struct bt_buf token;

	assert_int_equal(bt_transfer_export(ctx, &no_wish, &token), 0);
	return token;
}

/* Refused so, and nothing is left behind. */
static void
assert_refused(struct bt_bytes token, int expected)
{
	struct bt_ctx *ctx = (struct bt_ctx *)&token;
	long num_live = test_mem.num_live;

	assert_int_equal(import(token, &ctx), expected);
	assert_null(ctx);
	assert_int_equal(test_mem.num_live, num_live);
	assert_int_equal(test_mem.num_secrets, 0);
}

static void
assert_imports(struct bt_buf *token, struct bt_ctx *original)
{
	struct bt_ctx *ctx;

	assert_int_equal(import(bt_bytes_of_buf(token), &ctx), 0);
	test_assert_same(original, ctx);
	bt_ctx_free(ctx);
}

static void
every_context_arrives_once(void **state)
{
	for (int sample = 0; sample < NUM_SAMPLES; sample++) {
		struct bt_ctx *ctx = test_ctx_new((enum test_sample)sample);
		struct bt_buf token = export(ctx);

		assert_imports(&token, ctx);
		assert_refused(bt_bytes_of_buf(&token), BT_ERR_TOKEN_USED);
		assert_refused(bt_bytes_of_buf(&token), BT_ERR_TOKEN_USED);
		bt_buf_free(&token);
		bt_ctx_free(ctx);
	}
	assert_int_equal(test_mem.num_secrets, 0);
	assert_int_equal(test_mem.num_live, 0);
}

static void
a_token_of_a_reused_slot_is_used(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_buf first = export(ctx), second;

	assert_imports(&first, ctx);
	second = export(ctx);
	assert_refused(bt_bytes_of_buf(&first), BT_ERR_TOKEN_USED);
	assert_imports(&second, ctx);
	bt_buf_free(&first);
	bt_buf_free(&second);
	bt_ctx_free(ctx);
}

static bool
is_defective_or_gone(int e)
{
	return e == BT_ERR_TOKEN_FORMAT || e == BT_ERR_TOKEN_VERSION || e == BT_ERR_TOKEN_ALTERED || e == BT_ERR_TRUNCATED ||
	       e == BT_ERR_TRAILING || e == BT_ERR_TOKEN_USED || e == BT_ERR_TOKEN_STORE || e == BT_ERR_TOKEN_EXPIRED;
}

static void
damage_is_refused_and_costs_nothing(void **state)
{
	static const enum test_sample samples[] = {SAMPLE_ACCEPTOR, SAMPLE_HALF_INITIATOR};

	for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
		struct bt_ctx *ctx = test_ctx_new(samples[i]), *none;
		struct bt_buf token = export(ctx);
		uint8_t *longer = malloc(token.len + 1);

		for (size_t bit = 0; bit < 8 * token.len; bit++) {
			token.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_true(is_defective_or_gone(import(bt_bytes_of_buf(&token), &none)));
			assert_null(none);
			token.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t len = 0; len < token.len; len++) {
			assert_true(is_defective_or_gone(import(bt_bytes_of(token.ptr, len), &none)));
			assert_null(none);
		}
		memcpy(longer, token.ptr, token.len);
		for (int byte = 0; byte < 256; byte++) {
			longer[token.len] = (uint8_t)byte;
			assert_refused(bt_bytes_of(longer, token.len + 1), BT_ERR_TOKEN_ALTERED);
		}
		assert_imports(&token, ctx);
		free(longer);
		bt_buf_free(&token);
		bt_ctx_free(ctx);
	}
	assert_int_equal(test_mem.num_live, 0);
	assert_int_equal(test_mem.num_secrets, 0);
}

static void
tokens_that_are_not_ours(void **state)
{
	/* Begins as other libraries' tokens do: the prefix, then their own magic. */
	static const char mit[] =
	    "\x00\x00\x00\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x60\x90\x39\xfb\x00\x00\x00\x01\x00\x00\x00\x01"
	    "more and more and more and more and more and more and more";
	static const char heimdal[] =
	    "\x00\x00\x00\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x00\x00\x01\xfc\x00\x00\x00\x01\x00\x00"
	    "more and more and more and more and more and more and more";
	static const char elsewhere[] = "\x00\x00\x00\x06\x2b\x06\x01\x05\x05\x02\x8a"
					"BatonCx\x01\x01 and the rest of it, long enough to be one of ours otherwise";

	assert_refused(bt_bytes_of(mit, sizeof mit), BT_ERR_TOKEN_FORMAT);
	assert_refused(bt_bytes_of(heimdal, sizeof heimdal), BT_ERR_TOKEN_FORMAT);
	assert_refused(bt_bytes_of("", 0), BT_ERR_TOKEN_FORMAT);
	assert_refused((struct bt_bytes){0}, BT_ERR_TOKEN_FORMAT);
	/* A mechanism that is not among those handed in. */
	assert_refused(bt_bytes_of(elsewhere, sizeof elsewhere), BT_ERR_TOKEN_VERSION);
}

static void
a_mechanism_that_is_not_there(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR), *none;
	struct bt_buf token = export(ctx);

	assert_int_equal(bt_transfer_import(NULL, 0, bt_bytes_of_buf(&token), &none), BT_ERR_TOKEN_FORMAT);
	assert_null(none);
	assert_imports(&token, ctx);
	bt_buf_free(&token);
	bt_ctx_free(ctx);
}

static void
another_user_is_refused_and_burns_nothing(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_buf token;

	fake_claims.has_owner = test_has_uid = true;
	fake_claims.owner = test_uid = 1000;
	token = export(ctx);
	test_uid = 1001;
	assert_refused(bt_bytes_of_buf(&token), BT_ERR_TOKEN_USER);
	/* root is another user as well */
	test_uid = 0;
	assert_refused(bt_bytes_of_buf(&token), BT_ERR_TOKEN_USER);
	test_uid = 1000;
	assert_imports(&token, ctx);
	bt_buf_free(&token);
	bt_ctx_free(ctx);
}

static void
what_waited_too_long_is_gone(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_buf token = export(ctx);

	test_ahead_s = 599;
	assert_imports(&token, ctx);
	bt_buf_free(&token);
	token = export(ctx);
	test_ahead_s += 600;
	assert_refused(bt_bytes_of_buf(&token), BT_ERR_TOKEN_EXPIRED);
	bt_buf_free(&token);
	bt_ctx_free(ctx);
}

static void
a_context_that_expired_on_the_way_is_not_taken(void **state)
{
	static const enum test_sample samples[] = {SAMPLE_ACCEPTOR, SAMPLE_HALF_INITIATOR};

	for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
		struct bt_ctx *ctx = test_ctx_new(samples[i]);
		struct bt_seal_parts parts;
		struct bt_buf token;
		struct bt_claim_store *store;
		uint8_t key[BT_CLAIM_KEY_LEN];

		ctx->expires_at = bt_clock_wall_s() + 50;
		token = export(ctx);
		/* The claim still lives: the two clocks are not the same. */
		assert_int_equal(bt_seal_read(bt_bytes_of_buf(&token), &parts), 0);
		assert_int_equal(bt_claim_store_of(&parts.header.claim, &store), 0);
		assert_int_equal(bt_claim_read(store, &parts.header.claim, key), 0);
		parts.header.claim.expires_at += 3600000;
		fake_claims_set(&parts.header.claim, key);
		test_ahead_s = 50;
		assert_refused(bt_bytes_of_buf(&token), BT_ERR_CONTEXT_EXPIRED);
		test_ahead_s = 0;
		assert_imports(&token, ctx);
		bt_buf_free(&token);
		bt_ctx_free(ctx);
	}
}

static void
who_loses_the_race_keeps_nothing(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_buf token = export(ctx);

	fake_claims.take_error = BT_ERR_TOKEN_USED;
	assert_refused(bt_bytes_of_buf(&token), BT_ERR_TOKEN_USED);
	fake_claims.take_error = BT_ERR_STORE_DAMAGED;
	assert_refused(bt_bytes_of_buf(&token), BT_ERR_STORE_DAMAGED);
	bt_buf_free(&token);
	bt_ctx_free(ctx);
}

static void
a_store_that_does_not_open_costs_nothing(void **state)
{
	static const int errors[] = {BT_ERR_TOKEN_STORE, BT_ERR_STORE_MODE, EMFILE, BT_ERR_NOMEM};
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_buf token = export(ctx);

	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		fake_claims.open_error = errors[i];
		assert_refused(bt_bytes_of_buf(&token), errors[i]);
	}
	fake_claims.open_error = 0;
	assert_imports(&token, ctx);
	bt_buf_free(&token);
	bt_ctx_free(ctx);
}

static void
every_allocation_may_fail(void **state)
{
	for (int sample = 0; sample < NUM_SAMPLES; sample++) {
		struct bt_ctx *ctx = test_ctx_new((enum test_sample)sample), *back;
		struct bt_buf token = export(ctx);
		unsigned n = 0;

		for (int e = BT_ERR_NOMEM; e != 0;) {
			long num_live = test_mem.num_live;

			test_mem_start(++n);
			e = import(bt_bytes_of_buf(&token), &back);
			test_mem_start(0);
			if (e != 0) {
				assert_int_equal(e, BT_ERR_NOMEM);
				assert_null(back);
				assert_int_equal(test_mem.num_live, num_live);
			}
		}
		assert_true(n >= 2);
		test_assert_same(ctx, back);
		bt_ctx_free(back);
		bt_buf_free(&token);
		bt_ctx_free(ctx);
	}
	assert_int_equal(test_mem.num_secrets, 0);
}

static void
an_import_allocates_what_the_context_keeps(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR), *back;
	struct bt_buf token = export(ctx);

	test_mem_start(0);
	assert_int_equal(import(bt_bytes_of_buf(&token), &back), 0);
	/* The context, two names, its keys and counters. */
	assert_int_equal(test_mem.num_allocs, 4);
	bt_ctx_free(back);
	bt_buf_free(&token);
	bt_ctx_free(ctx);
}

/* ---- good seals over bad states: an exporter that went wrong ---- */

static const uint8_t fixed_key[BT_CLAIM_KEY_LEN] = "a key";

static struct bt_buf
sealed(const void *bytes, size_t len)
{
	struct bt_seal_header header = {
	    .uid = getuid(),
	    .claim = {.place = BT_CLAIM_PLACE_SHM, .store_id = "known store id!", .slot = 3, .expires_at = INT64_MAX},
	};
	struct bt_buf token;
	struct bt_wr wr;
	size_t head_len;

	fake_claims_set(&header.claim, fixed_key);
	bt_wr_init(&wr);
	bt_seal_write_head(&wr, test_mech.oid, &header);
	head_len = wr.len;
	bt_wr_bytes(&wr, bt_bytes_of(bytes, len));
	assert_non_null(bt_wr_room(&wr, BT_SEAL_TAG_LEN));
	assert_int_equal(bt_wr_take(&wr, &token), 0);
	assert_int_equal(bt_seal_close(fixed_key, token.ptr, head_len, bt_bytes_of(token.ptr + head_len, len)), 0);
	return token;
}

#define ASSERT_STATE(expected, literal)                                            \
	do {                                                                       \
		struct bt_buf token = sealed(literal, sizeof(literal) - 1);        \
		struct bt_ctx *ctx;                                                \
		assert_int_equal(import(bt_bytes_of_buf(&token), &ctx), expected); \
		bt_ctx_free(ctx);                                                  \
		bt_buf_free(&token);                                               \
	} while (0)

#define KEY16 "0123456789abcdef"

static void
bad_states_under_a_good_seal(void **state)
{
	/* The least state there is: open, expiry, an AES-128 key. */
	ASSERT_STATE(0, "\x01\x01\x02\x04\x04\x7f\x00\x00\x00\x23\x01\x11\x24\x10" KEY16);
	ASSERT_STATE(0, "\x01\x01\x01");
	ASSERT_STATE(BT_ERR_TOKEN_FORMAT, "");
	ASSERT_STATE(BT_ERR_TOKEN_FORMAT, "\x01\x01\x03");
	ASSERT_STATE(BT_ERR_TOKEN_FORMAT, "\x01\x01\x00");
	ASSERT_STATE(BT_ERR_TOKEN_FORMAT, "\x01\x01");
	ASSERT_STATE(BT_ERR_TOKEN_FORMAT, "\x01\x01\x01\x31\x03qqqq");
	ASSERT_STATE(BT_ERR_TOKEN_FORMAT, "\x01\x01\x01\x31\x01z");
	ASSERT_STATE(BT_ERR_TOKEN_FORMAT, "\x01\x01\x01\xff\x00");
	ASSERT_STATE(BT_ERR_TOKEN_FORMAT, "\x01\x01\x02\x04\x04\x7f\x00\x00\x00");
	ASSERT_STATE(BT_ERR_TOKEN_FORMAT, "\x01\x01\x02\x04\x04\x7f\x00\x00\x00\x23\x01\x12\x24\x10" KEY16);
	ASSERT_STATE(BT_ERR_TOKEN_FORMAT, "\x01\x01\x02\x04\x04\x7f\x00\x00\x00\x23\x01\x63\x24\x10" KEY16);
	ASSERT_STATE(BT_ERR_TOKEN_FORMAT, "\x01\x01\x02\x04\x04\x7f\x00\x00\x00\x23\x01\x11\x24\x10" KEY16 "\x01\x01\x02");
	/* Expired goes before what is wrong with the rest of an open context's facts: an empty time is 1970. */
	ASSERT_STATE(BT_ERR_CONTEXT_EXPIRED, "\x01\x01\x02\x23\x01\x11\x24\x10" KEY16);
	assert_int_equal(test_mem.num_live, 0);
}

static void
a_mechanism_may_refuse_to_load(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_HALF_INITIATOR);
	struct bt_buf token = export(ctx);

	test_pending_error = EIO;
	assert_refused(bt_bytes_of_buf(&token), EIO);
	test_pending_error = BT_ERR_MALFORMED;
	assert_refused(bt_bytes_of_buf(&token), BT_ERR_TOKEN_FORMAT);
	test_pending_error = 0;
	assert_imports(&token, ctx);
	bt_buf_free(&token);
	bt_ctx_free(ctx);
}

/* ---- the whole point ---- */

static void
assert_passes(struct bt_ctx *from, struct bt_ctx *to, enum bt_msg_order expected)
{
	struct bt_bytes text = bt_bytes_of_str("hello");
	struct bt_buf token, out;
	enum bt_msg_order order;
	bool conf;

	assert_int_equal(bt_msg_wrap(from->msg, true, text, &token), 0);
	assert_int_equal(bt_msg_unwrap(to->msg, bt_bytes_of_buf(&token), &out, &conf, &order), 0);
	assert_true(conf && bt_bytes_equal(bt_bytes_of_buf(&out), text));
	assert_int_equal(order, expected);
	bt_buf_free(&out);
	/* And once more, as an eavesdropper would. */
	assert_int_equal(bt_msg_unwrap(to->msg, bt_bytes_of_buf(&token), &out, &conf, &order), 0);
	assert_int_equal(order, BT_MSG_DUPLICATE);
	bt_buf_free(&out);
	bt_buf_free(&token);
}

static void
both_sides_move_fifty_times_while_they_talk(void **state)
{
	struct bt_ctx *client = test_ctx_new(SAMPLE_ACCEPTOR), *server = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_msg_state msg;

	/* The same keys on the two sides, and numbers that fit together. */
	bt_msg_state_of(client->msg, &msg);
	msg.send_next = msg.recv_first = UINT64_C(1) << 32;
	msg.recv_next = msg.recv_seen = 0;
	bt_msg_free(client->msg);
	bt_msg_free(server->msg);
	assert_int_equal(bt_msg_new(&msg, &server->msg), 0);
	msg.is_initiator = client->is_initiator = true;
	assert_int_equal(bt_msg_new(&msg, &client->msg), 0);
	for (int i = 0; i < 50; i++) {
		struct bt_ctx **mover = i % 3 == 0 ? &client : &server;
		struct bt_buf token;

		assert_passes(client, server, BT_MSG_IN_ORDER);
		assert_passes(server, client, BT_MSG_IN_ORDER);
		token = export(*mover);
		bt_ctx_free(*mover);
		assert_int_equal(import(bt_bytes_of_buf(&token), mover), 0);
		bt_buf_free(&token);
	}
	bt_ctx_free(client);
	bt_ctx_free(server);
	assert_int_equal(test_mem.num_secrets, 0);
	assert_int_equal(test_mem.num_live, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(every_context_arrives_once, reset),
	    cmocka_unit_test_setup(a_token_of_a_reused_slot_is_used, reset),
	    cmocka_unit_test_setup(damage_is_refused_and_costs_nothing, reset),
	    cmocka_unit_test_setup(tokens_that_are_not_ours, reset),
	    cmocka_unit_test_setup(a_mechanism_that_is_not_there, reset),
	    cmocka_unit_test_setup(another_user_is_refused_and_burns_nothing, reset),
	    cmocka_unit_test_setup(what_waited_too_long_is_gone, reset),
	    cmocka_unit_test_setup(a_context_that_expired_on_the_way_is_not_taken, reset),
	    cmocka_unit_test_setup(who_loses_the_race_keeps_nothing, reset),
	    cmocka_unit_test_setup(a_store_that_does_not_open_costs_nothing, reset),
	    cmocka_unit_test_setup(every_allocation_may_fail, reset),
	    cmocka_unit_test_setup(an_import_allocates_what_the_context_keeps, reset),
	    cmocka_unit_test_setup(bad_states_under_a_good_seal, reset),
	    cmocka_unit_test_setup(a_mechanism_may_refuse_to_load, reset),
	    cmocka_unit_test_setup(both_sides_move_fifty_times_while_they_talk, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
