/* Export: a token or an error, and after an error a context that works and a claim store as before. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/oid.h"
#include "fake_claim.h"
#include "mech/limits.h"
#include "support.h"
#include "transfer/limits.h"
#include "transfer/transfer.h"

static int
reset(void **state)
{
	fake_claims_reset();
	test_mem_start(0);
	test_mem.num_secrets = 0;
	test_ahead_s = 0;
	return 0;
}

static struct bt_claim_census
census(void)
{
	struct bt_claim_census census;
	struct bt_claim_store *store;
	int error = fake_claims.open_error;

	fake_claims.open_error = 0;
	assert_int_equal(bt_claim_user_store(false, &store), 0);
	fake_claims.open_error = error;
	bt_claim_census_of(store, &census);
	return census;
}

/* The export fails so, leaves nothing behind, and works afterwards. */
static void
assert_fails(struct bt_ctx *ctx, int expected)
{
	struct bt_claim_census before = census(), after;
	struct bt_buf token = {(uint8_t *)"garbage", 7};
	long num_live = test_mem.num_live;

	assert_int_equal(bt_transfer_export(ctx, &no_wish, &token), expected);
	assert_null(token.ptr);
	assert_int_equal(token.len, 0);
	assert_int_equal(test_mem.num_live, num_live);
	after = census();
	assert_int_equal(after.num_reserved, 0);
	assert_int_equal(after.num_live, before.num_live);
	assert_int_equal(test_mem.num_secrets, 0);
}

static void
assert_works(struct bt_ctx *ctx)
{
	struct bt_claim_census before = census();
	struct bt_buf token;

	assert_int_equal(bt_transfer_export(ctx, &no_wish, &token), 0);
	assert_int_equal(census().num_live, before.num_live + 1);
	bt_buf_free(&token);
}

static void
a_token_shows_its_mechanism_and_no_secret(void **state)
{
	for (int sample = 0; sample < NUM_SAMPLES; sample++) {
		struct bt_ctx *ctx = test_ctx_new((enum test_sample)sample), *same = test_ctx_new((enum test_sample)sample);
		struct bt_buf token;

		assert_int_equal(bt_transfer_export(ctx, &no_wish, &token), 0);
		assert_int_equal(token.ptr[3], ctx->wire_oid.len);
		assert_memory_equal(token.ptr + 4, ctx->wire_oid.ptr, ctx->wire_oid.len);
		assert_false(test_has_secret(token.ptr, token.len));
		same->expires_at = ctx->expires_at;
		test_assert_same(ctx, same);
		bt_buf_free(&token);
		bt_ctx_free(ctx);
		bt_ctx_free(same);
	}
	assert_int_equal(census().num_live, NUM_SAMPLES);
	assert_int_equal(census().num_reserved, 0);
	assert_int_equal(test_mem.num_secrets, 0);
}

static void
a_kerberos_acceptor_fits_in_400_bytes(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_buf token;

	assert_int_equal(strlen(ctx->initiator->text) + strlen(ctx->acceptor->text), 78);
	assert_int_equal(bt_transfer_export(ctx, &no_wish, &token), 0);
	print_message("%zu bytes\n", token.len);
	assert_true(token.len <= 400);
	bt_buf_free(&token);
	bt_ctx_free(ctx);
}

static void
an_open_context_is_exported_in_one_allocation(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_buf token;

	assert_works(ctx); /* the first one may make things that stay */
	test_mem_start(0);
	assert_int_equal(bt_transfer_export(ctx, &no_wish, &token), 0);
	assert_int_equal(test_mem.num_allocs, 1);
	bt_buf_free(&token);
	bt_ctx_free(ctx);
}

static void
an_expired_context_stays_what_it_was(void **state)
{
	static const enum test_sample samples[] = {SAMPLE_ACCEPTOR, SAMPLE_DCE, SAMPLE_HALF_INITIATOR};

	for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
		struct bt_ctx *ctx = test_ctx_new(samples[i]);

		ctx->expires_at = bt_clock_wall_s();
		assert_fails(ctx, BT_ERR_CONTEXT_EXPIRED);
		ctx->expires_at = INT64_MIN;
		assert_fails(ctx, BT_ERR_CONTEXT_EXPIRED);
		ctx->expires_at = bt_clock_wall_s() + 100;
		assert_works(ctx);
		bt_ctx_free(ctx);
	}
}

static void
a_token_waits_as_long_as_its_context_lives_but_ten_minutes(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR), *half = test_ctx_new(SAMPLE_HALF_ACCEPTOR);
	int64_t now = bt_clock_wall_s();

	ctx->expires_at = now + 36000;
	assert_works(ctx);
	assert_int_equal(fake_claims.last_ttl_ms, 600000);
	ctx->expires_at = BT_CTX_NEVER;
	assert_works(ctx);
	assert_int_equal(fake_claims.last_ttl_ms, 600000);
	ctx->expires_at = now + 60;
	assert_works(ctx);
	assert_in_range(fake_claims.last_ttl_ms, 1000, 60000);
	/* The end of a half-open context may not be known. */
	assert_int_equal(half->expires_at, 0);
	assert_works(half);
	assert_int_equal(fake_claims.last_ttl_ms, 600000);
	bt_ctx_free(ctx);
	bt_ctx_free(half);
}

static void
a_store_that_fails_costs_nothing(void **state)
{
	static const int errors[] = {
	    BT_ERR_STORE_MISSING, BT_ERR_STORE_OWNER, BT_ERR_STORE_MODE, BT_ERR_STORE_PLACE, EMFILE, ENOSPC};
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);

	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		fake_claims.open_error = errors[i];
		assert_fails(ctx, errors[i]);
	}
	fake_claims.open_error = 0;
	fake_claims.reserve_error = BT_ERR_ENTROPY;
	assert_fails(ctx, BT_ERR_ENTROPY);
	fake_claims.reserve_error = 0;
	fake_claims.activate_error = EAGAIN;
	assert_fails(ctx, EAGAIN);
	fake_claims.activate_error = 0;
	for (int i = 0; i < FAKE_SLOTS; i++)
		assert_works(ctx);
	assert_fails(ctx, BT_ERR_STORE_FULL);
	fake_claims_reset();
	assert_works(ctx);
	bt_ctx_free(ctx);
}

/* Around what there is room for on the stack. */
static void
states_of_many_lengths_are_exported(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_HALF_INITIATOR);

	for (size_t len = BT_TRANSFER_SCRATCH_LEN - 150; len <= BT_TRANSFER_SCRATCH_LEN; len++) {
		test_ctx_set_pending(ctx, len);
		assert_works(ctx);
		fake_claims_reset();
	}
	bt_ctx_free(ctx);
}

static void
what_cannot_move_stays(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_HALF_INITIATOR), *fresh = bt_ctx_new(&test_mech, true);

	assert_fails(fresh, BT_ERR_NOT_TRANSFERABLE);
	test_pending_error = BT_ERR_UNAVAILABLE;
	assert_fails(ctx, BT_ERR_UNAVAILABLE);
	test_pending_error = 0;
	/* Noticed before a claim is reserved. */
	test_ctx_set_pending(ctx, BT_CTX_PENDING_MAX + 1);
	assert_fails(ctx, BT_ERR_NOT_TRANSFERABLE);
	assert_int_equal(fake_claims.num_cancelled, 0);
	test_ctx_set_pending(ctx, BT_CTX_PENDING_MAX);
	assert_works(ctx);
	bt_ctx_free(ctx);
	bt_ctx_free(fresh);
}

static void
every_allocation_may_fail(void **state)
{
	for (int sample = 0; sample < NUM_SAMPLES; sample++) {
		struct bt_ctx *ctx = test_ctx_new((enum test_sample)sample);
		unsigned n = 0, num_failed = 0;
		struct bt_buf token;

		for (int e = BT_ERR_NOMEM; e != 0;) {
			long num_live = test_mem.num_live;

			test_mem_start(++n);
			e = bt_transfer_export(ctx, &no_wish, &token);
			test_mem_start(0);
			if (e == 0)
				break;
			assert_int_equal(e, BT_ERR_NOMEM);
			assert_null(token.ptr);
			assert_int_equal(test_mem.num_live, num_live);
			assert_int_equal(census().num_live, sample);
			assert_int_equal(census().num_reserved, 0);
			num_failed++;
		}
		assert_true(num_failed >= 1);
		bt_buf_free(&token);
		bt_ctx_free(ctx);
	}
	assert_int_equal(test_mem.num_secrets, 0);
}

static void
a_wish_says_how_long(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_INITIATOR);
	struct bt_buf token;

	assert_int_equal(bt_transfer_export(ctx, &no_wish, &token), 0);
	assert_int_equal(fake_claims.last_ttl_ms, BT_TRANSFER_TTL_S * 1000);
	bt_buf_free(&token);
	assert_int_equal(bt_transfer_export(ctx, &(struct bt_transfer_wish){.ttl_s = BT_TRANSFER_TTL_MAX_S}, &token), 0);
	assert_int_equal(fake_claims.last_ttl_ms, BT_TRANSFER_TTL_MAX_S * 1000);
	bt_buf_free(&token);
	assert_int_equal(bt_transfer_export(ctx, &(struct bt_transfer_wish){.ttl_s = BT_TRANSFER_TTL_MAX_S + 1}, &token), BT_ERR_SETTINGS);
	assert_null(token.ptr);
	/* The context's own end comes before, whatever is wished. */
	ctx->expires_at = bt_clock_wall_s() + 1000;
	assert_int_equal(bt_transfer_export(ctx, &(struct bt_transfer_wish){.ttl_s = 3600}, &token), 0);
	assert_in_range(fake_claims.last_ttl_ms, 940000, 1000000);
	bt_buf_free(&token);
	bt_ctx_free(ctx);
}

static void
authorisation_data_can_stay(void **state)
{
	const struct bt_transfer_wish none = {.authdata = BT_AUTHDATA_NO}, all = {.authdata = BT_AUTHDATA_YES};
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ATTRIBUTES), *back;
	struct bt_buf token;

	assert_true(ctx->authz.len != 0 && ctx->vouched != 0);
	assert_int_equal(bt_transfer_export(ctx, &none, &token), 0);
	assert_int_equal(bt_transfer_import(test_mechs, 1, bt_bytes_of_buf(&token), &back), 0);
	assert_int_equal(back->authz.len, 0);
	assert_int_equal(back->vouched, 0);
	assert_string_equal(back->initiator->text, ctx->initiator->text);
	bt_ctx_free(back);
	bt_buf_free(&token);
	/* One export's wish is not the next one's. */
	assert_int_equal(bt_transfer_export(ctx, &all, &token), 0);
	assert_int_equal(bt_transfer_import(test_mechs, 1, bt_bytes_of_buf(&token), &back), 0);
	test_assert_same(ctx, back);
	bt_ctx_free(back);
	bt_buf_free(&token);
	bt_ctx_free(ctx);
}

/* What a loaded mechanism's library puts into its bytes, nobody else knows. */
static void
nothing_is_promised_for_loaded_mechanisms(void **state)
{
	const struct bt_transfer_wish none = {.authdata = BT_AUTHDATA_NO};
	struct bt_mech loaded = test_mech;
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_HALF_ACCEPTOR);
	struct bt_buf token;

	loaded.is_loaded = true;
	ctx->mech = &loaded;
	assert_int_equal(bt_transfer_export(ctx, &none, &token), BT_ERR_NOT_TRANSFERABLE);
	assert_null(token.ptr);
	assert_works(ctx);
	ctx->mech = &test_mech;
	bt_ctx_free(ctx);
}

static void
an_audience_that_cannot_be_leaves_the_context(void **state)
{
	static const struct {
		const char *audience;
		int expected;
	} rows[] = {{"pid=2147483647", BT_ERR_AUDIENCE}, {"nobody", BT_ERR_SETTINGS}, {"", BT_ERR_SETTINGS}};
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	struct bt_buf token;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct bt_transfer_wish wish = {.audience = rows[i].audience};

		assert_int_equal(bt_transfer_export(ctx, &wish, &token), rows[i].expected);
		assert_null(token.ptr);
		assert_int_equal(census().num_reserved, 0);
	}
	test_has_uid = true;
	test_uid = 4711;
	assert_int_equal(bt_transfer_export(ctx, &(struct bt_transfer_wish){.audience = "uid=4712"}, &token), BT_ERR_AUDIENCE_ACCOUNT);
	assert_int_equal(bt_transfer_export(ctx, &(struct bt_transfer_wish){.audience = "uid=4711"}, &token), 0);
	test_has_uid = false;
	bt_buf_free(&token);
	assert_works(ctx);
	bt_ctx_free(ctx);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_token_shows_its_mechanism_and_no_secret, reset),
	    cmocka_unit_test_setup(a_kerberos_acceptor_fits_in_400_bytes, reset),
	    cmocka_unit_test_setup(an_open_context_is_exported_in_one_allocation, reset),
	    cmocka_unit_test_setup(an_expired_context_stays_what_it_was, reset),
	    cmocka_unit_test_setup(a_token_waits_as_long_as_its_context_lives_but_ten_minutes, reset),
	    cmocka_unit_test_setup(a_store_that_fails_costs_nothing, reset),
	    cmocka_unit_test_setup(states_of_many_lengths_are_exported, reset),
	    cmocka_unit_test_setup(what_cannot_move_stays, reset),
	    cmocka_unit_test_setup(every_allocation_may_fail, reset),
	    cmocka_unit_test_setup(a_wish_says_how_long, reset),
	    cmocka_unit_test_setup(authorisation_data_can_stay, reset),
	    cmocka_unit_test_setup(nothing_is_promised_for_loaded_mechanisms, reset),
	    cmocka_unit_test_setup(an_audience_that_cannot_be_leaves_the_context, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
