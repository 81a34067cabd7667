/* What moves: each fact there and back, facts that do not go together, and the table against its specification. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "mech/limits.h"
#include "mech/state.h"
#include "support.h"
#include "transfer/limits.h"

static int
encode(struct bt_ctx *ctx, struct bt_wr *out)
{
	struct bt_ctx_secrets secrets;
	struct bt_ctx_state state;
	int e;

	bt_wr_init(out);
	bt_ctx_secrets_init(&secrets);
	if ((e = bt_ctx_state_of(ctx, &secrets, &state)) == 0)
		e = bt_rec_encode(&bt_ctx_state_rec, &state, out);
	bt_ctx_secrets_done(&secrets);
	return e;
}

static void
every_fact_comes_back(void **state)
{
	for (int sample = 0; sample < NUM_SAMPLES; sample++) {
		struct bt_ctx *ctx = test_ctx_new((enum test_sample)sample), *back;
		struct bt_ctx_state record;
		struct bt_wr wr, again;

		assert_int_equal(encode(ctx, &wr), 0);
		assert_int_equal(bt_rec_decode(&bt_ctx_state_rec, bt_wr_written(&wr), &record), 0);
		assert_int_equal(bt_ctx_state_build(&record, &test_mech, ctx->wire_oid, (struct bt_mechs){0}, &back), 0);
		test_assert_same(ctx, back);
		assert_int_equal(encode(back, &again), 0);
		assert_true(bt_bytes_equal(bt_wr_written(&wr), bt_wr_written(&again)));
		bt_wr_done(&wr);
		bt_wr_done(&again);
		bt_ctx_free(ctx);
		bt_ctx_free(back);
	}
}

static void
strings_and_bytes_go_up_to_their_bounds(void **state)
{
	for (int over = 0; over < 2; over++) {
		struct bt_ctx *ctx = test_ctx_new(SAMPLE_HALF_ACCEPTOR);
		size_t len = BT_CTX_NAME_MAX + (size_t)over;
		char *text = malloc(len + 1);
		struct bt_wr wr;

		memset(text, 'a', len);
		text[len] = '\0';
		ctx->initiator = bt_mn_new(1, false, bt_bytes_of(text, len), text, text);
		assert_int_equal(encode(ctx, &wr), over != 0 ? BT_ERR_MALFORMED : 0);
		bt_wr_done(&wr);
		bt_mn_free(ctx->initiator);
		ctx->initiator = NULL;

		bt_buf_free(&ctx->authz);
		ctx->authz.len = BT_CTX_AUTHZ_MAX + (size_t)over;
		ctx->authz.ptr = bt_mem_alloc(ctx->authz.len);
		assert_int_equal(encode(ctx, &wr), over != 0 ? BT_ERR_MALFORMED : 0);
		bt_wr_done(&wr);
		bt_buf_free(&ctx->authz);

		test_ctx_set_pending(ctx, BT_CTX_PENDING_MAX + (size_t)over);
		assert_int_equal(encode(ctx, &wr), over != 0 ? BT_ERR_MALFORMED : 0);
		assert_true(wr.len < BT_TRANSFER_STATE_MAX);
		bt_wr_done(&wr);
		free(text);
		bt_ctx_free(ctx);
	}
}

/* What was found good moves as a number; a program's attributes, of a name that somehow has some, are left behind. */
static void
only_what_is_vouched_for_moves(void **state)
{
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_ATTRIBUTES);
	struct bt_mn *with = bt_mn_with_attributes(ctx->initiator, bt_bytes_of("abc", 3), true);
	struct bt_ctx_secrets secrets;
	struct bt_ctx_state record;
	struct bt_wr without, wr;

	assert_non_null(with);
	assert_int_equal(encode(ctx, &without), 0);
	bt_mn_free(ctx->initiator);
	ctx->initiator = with;
	assert_int_equal(encode(ctx, &wr), 0);
	assert_true(bt_bytes_equal(bt_wr_written(&wr), bt_wr_written(&without)));
	bt_wr_done(&without);
	bt_wr_done(&wr);
	bt_ctx_secrets_init(&secrets);
	assert_int_equal(bt_ctx_state_of(ctx, &secrets, &record), 0);
	assert_int_equal(record.initiator_vouched, 5);
	bt_ctx_secrets_done(&secrets);
	bt_ctx_free(ctx);
}

static void
what_cannot_move_is_not_described(void **state)
{
	struct bt_mech cannot_save = test_mech;
	struct bt_ctx *ctx = test_ctx_new(SAMPLE_HALF_INITIATOR);
	struct bt_wr wr;

	cannot_save.pending_save = NULL;
	ctx->mech = &cannot_save;
	assert_int_equal(encode(ctx, &wr), BT_ERR_NOT_TRANSFERABLE);
	ctx->mech = &test_mech;
	ctx->stage = BT_CTX_NEW;
	assert_int_equal(encode(ctx, &wr), BT_ERR_NOT_TRANSFERABLE);
	ctx->stage = BT_CTX_OPEN; /* and no msg */
	assert_int_equal(encode(ctx, &wr), BT_ERR_NOT_TRANSFERABLE);
	ctx->stage = BT_CTX_EXPECT_TOKEN;
	test_pending_error = BT_ERR_UNAVAILABLE;
	assert_int_equal(encode(ctx, &wr), BT_ERR_UNAVAILABLE);
	test_pending_error = 0;
	bt_ctx_free(ctx);

	ctx = test_ctx_new(SAMPLE_ACCEPTOR);
	ctx->is_initiator = true; /* and its msg says otherwise */
	assert_int_equal(encode(ctx, &wr), BT_ERR_NOT_TRANSFERABLE);
	bt_ctx_free(ctx);
}

/* ---- facts that no context has together ---- */

static const uint8_t key_bytes[32] = {1};

static struct bt_ctx_state
open_record(void)
{
	return (struct bt_ctx_state){
	    .stage = BT_CTX_OPEN,
	    .subkey_enctype = 18,
	    .subkey = bt_bytes_of(key_bytes, 32),
	    .initiator_name = bt_bytes_of("u", 2),
	};
}

static struct bt_ctx_state
half_open_record(void)
{
	return (struct bt_ctx_state){.stage = BT_CTX_EXPECT_TOKEN};
}

static int
build(struct bt_ctx_state record)
{
	long num_live = test_mem.num_live;
	struct bt_ctx *ctx = (struct bt_ctx *)&record;
	int e = bt_ctx_state_build(&record, &test_mech, test_mech.oid, (struct bt_mechs){0}, &ctx);

	assert_int_equal(ctx == NULL, e != 0);
	bt_ctx_free(ctx);
	assert_int_equal(test_mem.num_live, num_live);
	return e;
}

#define CHANGED(make, change)                        \
	({                                           \
		struct bt_ctx_state r = make(); \
		change;                              \
		build(r);                            \
	})

static void
contradictions_are_refused(void **state)
{
	assert_int_equal(build(open_record()), 0);
	assert_int_equal(build(half_open_record()), 0);

	/* A string without its NUL, or with one inside. */
	assert_int_equal(CHANGED(open_record, r.initiator_name = bt_bytes_of("u", 1)), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(open_record, r.initiator_name = bt_bytes_of("u\0x", 4)), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(open_record, r.initiator_service = bt_bytes_of("\0", 2)), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(open_record, r.initiator_host = bt_bytes_of("h", 1)), BT_ERR_MALFORMED);
	/* Parts of a name that is not there. */
	assert_int_equal(CHANGED(open_record, r.acceptor_kind = 1), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(open_record, r.acceptor_is_anonymous = true), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(open_record, r.acceptor_service = bt_bytes_of("s", 2)), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(open_record, r.acceptor_host = bt_bytes_of("h", 2)), BT_ERR_MALFORMED);
	/* Something that is not there, or of nobody, was found good. */
	assert_int_equal(CHANGED(half_open_record, r.initiator_vouched = 1), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(half_open_record, (r.initiator_vouched = 1, r.authz = bt_bytes_of("a", 1))), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(open_record, (r.initiator_vouched = 1, r.authz = (struct bt_bytes){0})), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(open_record, (r.initiator_vouched = 1, r.authz = bt_bytes_of("a", 1))), 0);
	/* Keys. */
	assert_int_equal(CHANGED(open_record, r.subkey_enctype = 0), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(open_record, r.subkey.len = 0), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(open_record, (r.subkey_enctype = 0, r.subkey.len = 0)), BT_ERR_ENCTYPE);
	assert_int_equal(CHANGED(open_record, r.subkey.len = 31), BT_ERR_ENCTYPE);
	assert_int_equal(CHANGED(open_record, r.subkey_enctype = 4711), BT_ERR_ENCTYPE);
	assert_int_equal(CHANGED(open_record, r.acceptor_subkey_enctype = 17), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(open_record, r.acceptor_subkey = bt_bytes_of(key_bytes, 16)), BT_ERR_MALFORMED);
	/* Facts of the other stage. */
	assert_int_equal(CHANGED(open_record, r.pending = bt_bytes_of("p", 1)), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(half_open_record, r.is_dce = true), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(half_open_record, r.detects_replay = true), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(half_open_record, r.detects_sequence = true), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(half_open_record, r.subkey_enctype = 18), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(half_open_record, r.subkey = bt_bytes_of(key_bytes, 32)), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(half_open_record, r.acceptor_subkey_enctype = 18), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(half_open_record, r.acceptor_subkey = bt_bytes_of(key_bytes, 32)), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(half_open_record, r.send_next = 1), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(half_open_record, r.recv_first = 1), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(half_open_record, r.recv_next = 1), BT_ERR_MALFORMED);
	assert_int_equal(CHANGED(half_open_record, r.recv_seen = 1), BT_ERR_MALFORMED);
	/* The mechanism has the last word on its own bytes. */
	assert_int_equal(CHANGED(half_open_record, r.pending = bt_bytes_of("p", 1)), BT_ERR_MALFORMED);
}

static void
a_mechanism_that_loads_nothing_gets_nothing(void **state)
{
	struct bt_ctx_state record = half_open_record();
	struct bt_mech cannot_load = test_mech;
	struct bt_ctx *ctx;

	cannot_load.pending_load = NULL;
	assert_int_equal(bt_ctx_state_build(&record, &cannot_load, cannot_load.oid, (struct bt_mechs){0}, &ctx), BT_ERR_MALFORMED);
	assert_null(ctx);
}

static void
a_description_tells_no_secret(void **state)
{
	for (int sample = 0; sample < NUM_SAMPLES; sample++) {
		struct bt_ctx *ctx = test_ctx_new((enum test_sample)sample);
		struct bt_ctx_secrets secrets;
		struct bt_ctx_state record;
		struct bt_wr wr;

		bt_mn_free(ctx->initiator); /* names are told */
		bt_mn_free(ctx->acceptor);
		ctx->initiator = ctx->acceptor = NULL;
		bt_wr_init(&wr);
		bt_ctx_secrets_init(&secrets);
		assert_int_equal(bt_ctx_state_of(ctx, &secrets, &record), 0);
		bt_rec_describe(&bt_ctx_state_rec, &record, &wr);
		assert_false(test_has_secret(wr.ptr, wr.len));
		/* Nor as hexadecimal digits. */
		assert_null(memmem(wr.ptr, wr.len, "5b5b5b5b", 8));
		assert_null(memmem(wr.ptr, wr.len, "c7c7c7c7", 8));
		assert_null(memmem(wr.ptr, wr.len, "2e2e2e2e", 8));
		assert_null(memmem(wr.ptr, wr.len, "71717171", 8));
		bt_wr_done(&wr);
		bt_ctx_secrets_done(&secrets);
		bt_ctx_free(ctx);
	}
}

/* ---- the specification ---- */

static const char *
type_name(enum bt_rec_type type)
{
	static const char *const names[] = {
	    [BT_REC_BOOL] = "bool", [BT_REC_U8] = "u8",	  [BT_REC_U32] = "u32",	    [BT_REC_I32] = "i32",
	    [BT_REC_U64] = "u64",   [BT_REC_I64] = "i64", [BT_REC_BYTES] = "bytes",
	};

	return names[type];
}

/* Every row of the table stands in the document as "| tag | name | type | ...", and no other row of that form. */
static void
the_document_has_the_same_table(void **state)
{
	size_t num_rows = 0;
	char line[512];
	FILE *doc = fopen(DOC_TOKEN, "r");

	assert_non_null(doc);
	while (fgets(line, sizeof line, doc) != NULL) {
		const struct bt_rec_field *field;
		unsigned tag;
		char name[64], type[16];

		if (sscanf(line, "| %u | `%63[a-z_]` | %15[a-z0-9] |", &tag, name, type) != 3)
			continue;
		assert_true(num_rows < bt_ctx_state_rec.num_fields);
		field = &bt_ctx_state_rec.fields[num_rows++];
		assert_int_equal(tag, field->tag);
		assert_string_equal(name, field->name);
		assert_string_equal(type, type_name(field->type));
		assert_int_equal(strstr(line, "secret") != NULL, field->is_secret);
		assert_int_equal(strstr(line, "required") != NULL, !field->is_optional);
	}
	fclose(doc);
	assert_int_equal(num_rows, bt_ctx_state_rec.num_fields);
	for (size_t i = 1; i < num_rows; i++)
		assert_true(bt_ctx_state_rec.fields[i - 1].tag < bt_ctx_state_rec.fields[i].tag);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_fact_comes_back),
	    cmocka_unit_test(strings_and_bytes_go_up_to_their_bounds),
	    cmocka_unit_test(only_what_is_vouched_for_moves),
	    cmocka_unit_test(what_cannot_move_is_not_described),
	    cmocka_unit_test(contradictions_are_refused),
	    cmocka_unit_test(a_mechanism_that_loads_nothing_gets_nothing),
	    cmocka_unit_test(a_description_tells_no_secret),
	    cmocka_unit_test(the_document_has_the_same_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
