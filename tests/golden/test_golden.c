/*
 * Tokens and states of every format version: what was exported once is understood for ever, and written in the same bytes.
 *
 * test_golden DIR checks DIR; test_golden --write DIR makes the files of the present version that are not there. See README.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/err.h"
#include "mech/state.h"
#include "transfer/seal.h"
#include "transfer/transfer.h"
#include "unit/transfer/fake_claim.h"
#include "unit/transfer/support.h"

static const char *const names[NUM_SAMPLES] = {
    [SAMPLE_ACCEPTOR] = "acceptor",
    [SAMPLE_INITIATOR] = "initiator",
    [SAMPLE_DCE] = "dce",
    [SAMPLE_BARE] = "bare",
    [SAMPLE_FULL] = "full",
    [SAMPLE_HALF_INITIATOR] = "half-initiator",
    [SAMPLE_HALF_ACCEPTOR] = "half-acceptor",
    [SAMPLE_ATTRIBUTES] = "attributes",
};

/* The 32 octets of the claim, and the header that goes with it. */
static const uint8_t key[BT_CLAIM_KEY_LEN] = "golden key, thirty-two octets..";
static const struct bt_seal_header header = {
    .uid = 1000,
    .claim = {.place = BT_CLAIM_PLACE_SHM,
	      .store_id = "golden store id",
	      .slot = 7,
	      .generation = 3,
	      .expires_at = INT64_C(0x7000000000000000)},
};

/* The same for an audience that no process is of: all there is to say about one. */
static const struct bt_seal_header for_some = {
    .audience = {.bits = BT_AUDIENCE_ALL,
		 .group = {4711, UINT64_C(0x0102030405060708)},
		 .session = {4712, 0},
		 .process = {0x7fffffff, UINT64_C(0x1112131415161718)},
		 .cgroup = "golden cgroup.."},
    .uid = 1000,
    .claim = {.place = BT_CLAIM_PLACE_SHM,
	      .store_id = "golden store id",
	      .slot = 7,
	      .generation = 3,
	      .expires_at = INT64_C(0x7000000000000000)},
};

static const char *dir;

/* The first of January of the year 3000: not over while this matters. */
static struct bt_ctx *
golden_ctx(enum test_sample sample)
{
	struct bt_ctx *ctx = test_ctx_new(sample);

	if (ctx->expires_at != BT_CTX_NEVER && ctx->expires_at != 0)
		ctx->expires_at = INT64_C(32503680000);
	return ctx;
}

static void
encode(struct bt_ctx *ctx, struct bt_buf *out)
{
	struct bt_ctx_secrets secrets;
	struct bt_ctx_state state;
	struct bt_wr wr;

	bt_wr_init(&wr);
	bt_ctx_secrets_init(&secrets);
	assert_int_equal(bt_ctx_state_of(ctx, &secrets, &state), 0);
	assert_int_equal(bt_rec_encode(&bt_ctx_state_rec, &state, &wr), 0);
	assert_int_equal(bt_wr_take(&wr, out), 0);
	bt_ctx_secrets_done(&secrets);
}

static void
seal(struct bt_ctx *ctx, const struct bt_seal_header *head, struct bt_buf *out)
{
	struct bt_buf state;
	struct bt_wr wr;
	size_t head_len;

	encode(ctx, &state);
	bt_wr_init(&wr);
	bt_seal_write_head(&wr, ctx->wire_oid, head);
	head_len = wr.len;
	bt_wr_bytes(&wr, bt_bytes_of_buf(&state));
	assert_non_null(bt_wr_room(&wr, BT_SEAL_TAG_LEN));
	assert_int_equal(bt_wr_take(&wr, out), 0);
	assert_int_equal(bt_seal_close(key, out->ptr, head_len, bt_bytes_of(out->ptr + head_len, state.len)), 0);
	bt_buf_free(&state);
}

static struct bt_bytes
load(const char *name, const char *kind, uint8_t *storage, size_t cap)
{
	char path[512];
	FILE *file;
	size_t len;

	snprintf(path, sizeof path, "%s/v1/%s.%s", dir, name, kind);
	if ((file = fopen(path, "rb")) == NULL)
		fail_msg("cannot open %s", path);
	len = fread(storage, 1, cap, file);
	assert_true(len < cap);
	fclose(file);
	return bt_bytes_of(storage, len);
}

static void
states_decode_and_encode_alike(void **state)
{
	for (int i = 0; i < NUM_SAMPLES; i++) {
		struct bt_ctx *expected = golden_ctx((enum test_sample)i), *ctx;
		struct bt_ctx_state record;
		uint8_t storage[16384];
		struct bt_bytes golden = load(names[i], "state", storage, sizeof storage);
		struct bt_buf again;

		assert_int_equal(bt_rec_decode(&bt_ctx_state_rec, golden, &record), 0);
		assert_int_equal(bt_ctx_state_build(&record, &test_mech, expected->wire_oid, (struct bt_mechs){0}, &ctx), 0);
		test_assert_same(expected, ctx);
		encode(ctx, &again);
		assert_true(bt_bytes_equal(golden, bt_bytes_of_buf(&again)));
		bt_buf_free(&again);
		bt_ctx_free(ctx);
		bt_ctx_free(expected);
	}
}

static void
tokens_import_and_seal_alike(void **state)
{
	test_has_uid = true;
	test_uid = header.uid;
	for (int i = 0; i < NUM_SAMPLES; i++) {
		struct bt_ctx *expected = golden_ctx((enum test_sample)i), *ctx;
		uint8_t storage[16384];
		struct bt_bytes golden = load(names[i], "token", storage, sizeof storage);
		struct bt_buf again;

		fake_claims_reset();
		fake_claims_set(&header.claim, key);
		assert_int_equal(bt_transfer_import(test_mechs, 1, golden, &ctx), 0);
		test_assert_same(expected, ctx);
		seal(ctx, &header, &again);
		assert_true(bt_bytes_equal(golden, bt_bytes_of_buf(&again)));
		bt_buf_free(&again);
		bt_ctx_free(ctx);
		bt_ctx_free(expected);
	}
}

/* Whom it is for is asked before its state is read, and it says so in the same bytes. */
static void
an_audience_is_read_and_sealed_alike(void **state)
{
	struct bt_ctx *expected = golden_ctx(SAMPLE_ACCEPTOR), *ctx;
	uint8_t storage[1024];
	struct bt_bytes golden = load("audience", "token", storage, sizeof storage);
	struct bt_seal_parts parts;
	struct bt_buf again;

	test_has_uid = true;
	test_uid = for_some.uid;
	fake_claims_reset();
	fake_claims_set(&for_some.claim, key);
	assert_int_equal(bt_transfer_import(test_mechs, 1, golden, &ctx), BT_ERR_TOKEN_AUDIENCE);
	assert_null(ctx);
	assert_int_equal(bt_seal_read(golden, &parts), 0);
	assert_int_equal(parts.header.audience.bits, BT_AUDIENCE_ALL);
	assert_int_equal(parts.header.audience.process.pid, for_some.audience.process.pid);
	seal(expected, &parts.header, &again);
	assert_true(bt_bytes_equal(golden, bt_bytes_of_buf(&again)));
	bt_buf_free(&again);
	bt_ctx_free(expected);
}

static void
store(const char *name, const char *kind, struct bt_buf *bytes)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof path, "%s/v1/%s.%s", dir, name, kind);
	/* "x": what is there stays. */
	if ((file = fopen(path, "wbx")) != NULL) {
		fwrite(bytes->ptr, 1, bytes->len, file);
		fclose(file);
		printf("%s\n", path);
	}
	bt_buf_free(bytes);
}

static int
write_missing(void)
{
	for (int i = 0; i < NUM_SAMPLES; i++) {
		struct bt_ctx *ctx = golden_ctx((enum test_sample)i);
		struct bt_buf bytes;

		encode(ctx, &bytes);
		store(names[i], "state", &bytes);
		seal(ctx, &header, &bytes);
		store(names[i], "token", &bytes);
		if (i == SAMPLE_ACCEPTOR) {
			seal(ctx, &for_some, &bytes);
			store("audience", "token", &bytes);
		}
		bt_ctx_free(ctx);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(states_decode_and_encode_alike),
	    cmocka_unit_test(tokens_import_and_seal_alike),
	    cmocka_unit_test(an_audience_is_read_and_sealed_alike),
	};

	if (argc < 2)
		return 2;
	dir = argv[argc - 1];
	if (argc == 3 && strcmp(argv[1], "--write") == 0)
		return write_missing();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
