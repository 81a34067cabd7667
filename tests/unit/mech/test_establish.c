#include "support.h"

#include <krb5.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

enum { MUTUAL = BT_CTX_MUTUAL, ALWAYS = BT_CTX_TRANS | BT_CTX_CONF | BT_CTX_INTEG | BT_CTX_PROT_READY };

static void
check_plain_facts(const struct pair *pair)
{
	for (int i = 0; i < 2; i++) {
		const struct bt_ctx *ctx = i == 0 ? pair->initiator : pair->acceptor;

		assert_string_equal(ctx->initiator->text, "alice@BATON.TEST");
		assert_true(ctx->authtime > 0 && ctx->authtime <= bt_clock_wall_s());
		assert_true(ctx->expires_at > bt_clock_wall_s());
		assert_true((ctx->ticket_flags & TKT_FLG_PRE_AUTH) != 0 || ctx->ticket_flags != 0);
	}
	/* The acceptor grants the clock skew. */
	assert_int_equal(pair->acceptor->expires_at - pair->initiator->expires_at, 300);
}

static void
test_one_leg(void **state)
{
	struct pair pair = {.flags = BT_CTX_REPLAY | BT_CTX_SEQUENCE};

	pair_open(&pair);
	assert_int_equal(pair.legs, 1);
	assert_int_equal(pair.initiator->flags, ALWAYS | BT_CTX_REPLAY | BT_CTX_SEQUENCE);
	assert_int_equal(pair.acceptor->flags, ALWAYS | BT_CTX_REPLAY | BT_CTX_SEQUENCE);
	check_plain_facts(&pair);
	assert_string_equal(pair.acceptor->acceptor->text, "host/server.baton.test@BATON.TEST");
	assert_string_equal(pair.initiator->acceptor->text, "host/server.baton.test@BATON.TEST");
	both_ways(pair.initiator->msg, pair.acceptor->msg);
	pair_done(&pair);
}

static void
test_mutual(void **state)
{
	struct bt_msg_state a, b;
	struct pair pair = {.flags = MUTUAL | BT_CTX_REPLAY};

	pair_open(&pair);
	assert_int_equal(pair.legs, 2);
	assert_int_equal(pair.initiator->flags, ALWAYS | MUTUAL | BT_CTX_REPLAY);
	assert_int_equal(pair.acceptor->flags, ALWAYS | MUTUAL | BT_CTX_REPLAY);
	check_plain_facts(&pair);
	bt_msg_state_of(pair.initiator->msg, &a);
	bt_msg_state_of(pair.acceptor->msg, &b);
	assert_int_not_equal(a.acceptor_subkey.enctype, 0);
	assert_memory_equal(&a.acceptor_subkey, &b.acceptor_subkey, sizeof a.acceptor_subkey);
	assert_memory_equal(&a.subkey, &b.subkey, sizeof a.subkey);
	assert_memory_not_equal(a.subkey.bytes, a.acceptor_subkey.bytes, a.subkey.len);
	assert_int_equal(a.send_next, b.recv_first);
	assert_int_equal(b.send_next, a.recv_first);
	assert_true(a.is_initiator && !b.is_initiator);
	assert_true(a.detects_replay && b.detects_replay && !a.detects_sequence && !b.detects_sequence);
	both_ways(pair.initiator->msg, pair.acceptor->msg);
	pair_done(&pair);
}

static void
test_dce(void **state)
{
	for (int reloads = 0; reloads < 2; reloads++) {
		struct pair pair = {.flags = BT_CTX_DCE_STYLE | BT_CTX_SEQUENCE, .reloads = reloads != 0};
		struct bt_msg_state a;

		pair_open(&pair);
		assert_int_equal(pair.legs, 3);
		assert_int_equal(pair.first.ptr[0], 0x6e);
		assert_int_equal(pair.initiator->flags, ALWAYS | MUTUAL | BT_CTX_DCE_STYLE | BT_CTX_SEQUENCE);
		assert_int_equal(pair.acceptor->flags, ALWAYS | MUTUAL | BT_CTX_DCE_STYLE | BT_CTX_SEQUENCE);
		bt_msg_state_of(pair.acceptor->msg, &a);
		assert_true(a.is_dce);
		both_ways(pair.initiator->msg, pair.acceptor->msg);
		pair_done(&pair);
	}
}

static void
test_half_open_moves(void **state)
{
	struct pair pair = {.flags = MUTUAL | BT_CTX_SEQUENCE, .reloads = true};

	pair_open(&pair);
	both_ways(pair.initiator->msg, pair.acceptor->msg);
	pair_done(&pair);
}

static void
test_enctypes(void **state)
{
	static const struct {
		int enctype;
		const char *name;
	} services[] = {{17, "enc17@server.baton.test"}, {18, "enc18@server.baton.test"}, {19, "enc19@server.baton.test"},
			{20, "enc20@server.baton.test"}, {25, "enc25@server.baton.test"}, {26, "enc26@server.baton.test"},
			{16, "enc16@server.baton.test"}, {23, "enc23@server.baton.test"}};

	for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
		for (int mutual = 0; mutual < 2; mutual++) {
			struct pair pair = {.service = services[i].name, .flags = mutual != 0 ? MUTUAL : 0};
			struct bt_msg_state a;

			pair_open(&pair);
			bt_msg_state_of(pair.acceptor->msg, &a);
			assert_int_equal(a.subkey.enctype, services[i].enctype);
			/* RFC 4537: both sides know better enctypes than some of these. */
			if (mutual != 0)
				assert_int_not_equal(a.acceptor_subkey.enctype, 0);
			both_ways(pair.initiator->msg, pair.acceptor->msg);
			pair_done(&pair);
		}
	}
}

/* ---- delegation ---- */

static void
test_delegation(void **state)
{
	struct pair pair = {.flags = MUTUAL | BT_CTX_DELEG, .wants_delegated = true}, onward = {.flags = MUTUAL};
	struct bt_cred_facts facts;

	pair_open(&pair);
	assert_true((pair.initiator->flags & BT_CTX_DELEG) != 0);
	assert_true((pair.acceptor->flags & BT_CTX_DELEG) != 0);
	assert_non_null(pair.delegated);
	assert_int_equal(bt_mech_krb5.cred_inquire(&bt_mech_krb5, pair.delegated, &facts), 0);
	assert_string_equal(facts.name->text, "alice@BATON.TEST");
	assert_int_equal(facts.usage, BT_USAGE_INITIATE);
	assert_true(facts.initiator_expires_at > bt_clock_wall_s());
	bt_mn_free(facts.name);
	onward.initiator_cred = pair.delegated;
	onward.service = "HTTP@server.baton.test";
	pair_open(&onward);
	assert_string_equal(onward.acceptor->initiator->text, "alice@BATON.TEST");
	pair_done(&onward);
	pair_done(&pair);
}

static void
test_delegation_not_wanted(void **state)
{
	struct pair pair = {.flags = BT_CTX_DELEG};

	pair_open(&pair);
	assert_true((pair.acceptor->flags & BT_CTX_DELEG) != 0);
	assert_null(pair.delegated);
	pair_done(&pair);
}

/* The credential comes with the last leg, and does not travel with a context that is half open. */
static void
test_delegation_dce(void **state)
{
	for (int reloads = 0; reloads < 2; reloads++) {
		struct pair pair = {
		    .flags = BT_CTX_DCE_STYLE | BT_CTX_DELEG, .wants_delegated = true, .reloads = reloads != 0};

		pair_open(&pair);
		assert_int_equal(pair.legs, 3);
		assert_int_equal((pair.acceptor->flags & BT_CTX_DELEG) != 0, reloads == 0);
		assert_int_equal(pair.delegated != NULL, reloads == 0);
		pair_done(&pair);
	}
}

static void
test_delegation_policy(void **state)
{
	/* The realm's services are not marked ok-as-delegate. */
	struct pair pair = {.flags = BT_CTX_DELEG_POLICY | MUTUAL, .wants_delegated = true};

	pair_open(&pair);
	assert_int_equal(pair.initiator->flags & (BT_CTX_DELEG | BT_CTX_DELEG_POLICY), 0);
	assert_int_equal(pair.acceptor->flags & BT_CTX_DELEG, 0);
	assert_null(pair.delegated);
	pair_done(&pair);
}

/* ---- channel bindings ---- */

static void
test_bindings(void **state)
{
	struct bt_bindings one = {.application_data = bt_bytes_of_str("tls-unique:one")},
			   other = {.application_data = bt_bytes_of_str("tls-unique:other")};
	static const struct {
		int initiator, acceptor; /* 0 none, 1 one, 2 other */
		bool demands;		 /* the initiator says that it always binds */
		int error;
		bool is_bound;
	} rows[] = {
	    {0, 0, false, 0, false},
	    {1, 1, false, 0, true},
	    {1, 0, false, 0, false},
	    {0, 1, false, 0, false},
	    {1, 2, false, BT_ERR_BAD_BINDINGS, false},
	    {2, 1, false, BT_ERR_BAD_BINDINGS, false},
	    {0, 1, true, BT_ERR_BAD_BINDINGS, false},
	    {1, 1, true, 0, true},
	    {0, 0, true, 0, false},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct bt_bindings *choice[] = {NULL, &one, &other};
		struct pair pair = {.flags = rows[i].demands ? BT_CTX_CHANNEL_BOUND : 0,
				    .initiator_bindings = choice[rows[i].initiator],
				    .acceptor_bindings = choice[rows[i].acceptor]};

		pair_run(&pair);
		assert_int_equal(pair.init_error, 0);
		if (pair.accept_error != rows[i].error)
			fail_msg("row %zu: %d", i, pair.accept_error);
		if (rows[i].error == 0) {
			assert_int_equal((pair.acceptor->flags & BT_CTX_CHANNEL_BOUND) != 0, rows[i].is_bound);
			assert_int_equal(pair.initiator->flags & BT_CTX_CHANNEL_BOUND, 0);
		}
		pair_done(&pair);
	}
}

/* ---- what must fail ---- */

static int
accept_again(struct bt_bytes token, struct bt_buf *reply)
{
	struct bt_ctx *ctx = bt_ctx_new(&bt_mech_krb5, false);
	struct bt_accept_step step = {.token = token};
	int e = bt_mech_krb5.accept(ctx, &step, reply, NULL);

	bt_ctx_free(ctx);
	return e;
}

static void
test_replay(void **state)
{
	struct pair pair = {.flags = MUTUAL};
	struct bt_buf reply = {0};

	pair_open(&pair);
	assert_int_equal(accept_again(bt_bytes_of_buf(&pair.first), &reply), KRB5KRB_AP_ERR_REPEAT);
	assert_non_null(bt_err_noted(KRB5KRB_AP_ERR_REPEAT));
	/* The initiator wants mutual authentication, so it is told: a framed KRB-ERROR. */
	assert_true(reply.len > 17);
	assert_memory_equal(reply.ptr + reply.len - (reply.len - 13), "\x03\x00", 2);
	bt_buf_free(&reply);
	pair_done(&pair);
}

/* An initiator that is told of an error gives that error. */
static void
test_error_token(void **state)
{
	struct bt_mcred *cred = acquire("HTTP@server.baton.test", BT_USAGE_ACCEPT, NULL, 0);
	struct pair pair = {.flags = MUTUAL, .acceptor_cred = cred};

	pair_run(&pair);
	assert_int_not_equal(pair.accept_error, 0);
	assert_int_equal(pair.init_error, pair.accept_error);
	assert_int_equal(pair.legs, 2);
	assert_int_equal(pair.accept_error, KRB5KRB_AP_ERR_NOT_US);
	pair_done(&pair);
	bt_mech_krb5.cred_free(cred);
}

static void
test_unknown_service(void **state)
{
	struct pair pair = {.service = "nosuch@server.baton.test"};

	pair_run(&pair);
	assert_int_equal(pair.init_error, KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN);
	assert_non_null(strstr(bt_err_noted(pair.init_error), "nosuch/server.baton.test"));
	pair_done(&pair);
}

struct flip {
	int leg;
	size_t at;
};

static void
flip_bit(struct bt_buf *token, int leg, void *arg)
{
	const struct flip *flip = arg;

	if (leg == flip->leg && flip->at < token->len)
		token->ptr[flip->at] ^= 0x10;
}

static void
cut(struct bt_buf *token, int leg, void *arg)
{
	const struct flip *flip = arg;

	if (leg == flip->leg && flip->at < token->len)
		token->len = flip->at;
}

static void
test_spoiled_tokens(void **state)
{
	uint32_t flags[] = {MUTUAL, BT_CTX_DCE_STYLE};

	for (int style = 0; style < 2; style++) {
		for (int leg = 1; leg <= 2 + style; leg++) {
			for (size_t at = 0; at < 1200; at += at < 80 ? 1 : 13) {
				struct flip flip = {leg, at};
				struct pair pair = {.flags = flags[style], .spoil = flip_bit, .spoil_arg = &flip};

				/* Some bits do not matter (a kvno that is ignored); none may crash. */
				pair_run(&pair);
				pair_done(&pair);
				pair = (struct pair){.flags = flags[style], .spoil = cut, .spoil_arg = &flip};
				pair_run(&pair);
				/* Longer tokens than at were cut, and a cut token must never do. */
				if (at < 90)
					assert_true(pair.init_error != 0 || pair.accept_error != 0);
				pair_done(&pair);
			}
		}
	}
}

/* ---- answers to somebody else's request ---- */

struct half {
	struct bt_ctx *initiator, *acceptor;
	struct bt_mn *target;
	struct bt_buf first, second;
};

static void
half_open(struct half *half, uint32_t flags)
{
	struct bt_init_step init = {.flags = flags};
	struct bt_accept_step accept = {0};

	*half = (struct half){.initiator = bt_ctx_new(&bt_mech_krb5, true),
			      .acceptor = bt_ctx_new(&bt_mech_krb5, false),
			      .target = service_name("host@server.baton.test")};
	init.target = half->target;
	assert_int_equal(bt_mech_krb5.init(half->initiator, &init, &half->first), 0);
	accept.token = bt_bytes_of_buf(&half->first);
	assert_int_equal(bt_mech_krb5.accept(half->acceptor, &accept, &half->second, NULL), 0);
}

static void
half_done(struct half *half)
{
	bt_ctx_free(half->initiator);
	bt_ctx_free(half->acceptor);
	bt_mn_free(half->target);
	bt_buf_free(&half->first);
	bt_buf_free(&half->second);
}

static int
answer_initiator(struct half *half, struct bt_bytes token, struct bt_buf *out)
{
	struct bt_init_step step = {.target = half->target, .token = token};
	int e = bt_mech_krb5.init(half->initiator, &step, out);

	if (e != 0)
		assert_int_not_equal(half->initiator->stage, BT_CTX_OPEN);
	return e;
}

static int
answer_acceptor(struct half *half, struct bt_bytes token)
{
	struct bt_accept_step step = {.token = token};
	struct bt_buf none;
	int e = bt_mech_krb5.accept(half->acceptor, &step, &none, NULL);

	if (e != 0)
		assert_int_not_equal(half->acceptor->stage, BT_CTX_OPEN);
	return e;
}

static int
answer_acceptor_open(struct half *half)
{
	struct bt_accept_step step = {.token = bt_bytes_of_buf(&half->first)};
	struct bt_buf none;

	return bt_mech_krb5.accept(half->acceptor, &step, &none, NULL);
}

/* Both requests are under one ticket, so the keys alone would let the answers be exchanged. */
static void
test_exchanged_answers(void **state)
{
	uint32_t flags[] = {MUTUAL, BT_CTX_DCE_STYLE};

	for (int style = 0; style < 2; style++) {
		struct half one, two;
		struct bt_buf third = {0}, other_third = {0};

		half_open(&one, flags[style]);
		half_open(&two, flags[style]);
		assert_int_equal(answer_initiator(&one, bt_bytes_of_buf(&two.second), &third), KRB5_MUTUAL_FAILED);
		assert_int_equal(answer_initiator(&one, bt_bytes_of_buf(&one.second), &third), 0);
		assert_int_equal(answer_initiator(&two, bt_bytes_of_buf(&two.second), &other_third), 0);
		if (style == 1) {
			assert_int_equal(answer_acceptor(&one, bt_bytes_of_buf(&other_third)), KRB5_MUTUAL_FAILED);
			/* Nor its own words. */
			assert_int_equal(answer_acceptor(&one, bt_bytes_of_buf(&one.second)), KRB5_MUTUAL_FAILED);
			assert_int_equal(answer_acceptor(&one, bt_bytes_of_buf(&third)), 0);
		}
		both_ways(one.initiator->msg, one.acceptor->msg);
		bt_buf_free(&third);
		bt_buf_free(&other_third);
		half_done(&one);
		half_done(&two);
	}
}

static void
test_second_leg_mistakes(void **state)
{
	struct half half;
	struct bt_mn *other = service_name("HTTP@server.baton.test");
	struct bt_init_step step = {.target = other};
	struct bt_buf none;

	half_open(&half, MUTUAL);
	step.token = bt_bytes_of_buf(&half.second);
	assert_int_equal(bt_mech_krb5.init(half.initiator, &step, &none), BT_ERR_BAD_NAME);
	assert_int_equal(answer_initiator(&half, (struct bt_bytes){0}, &none), BT_ERR_DEFECTIVE_TOKEN);
	assert_int_equal(answer_initiator(&half, bt_bytes_of_buf(&half.first), &none), BT_ERR_DEFECTIVE_TOKEN);
	assert_int_equal(answer_initiator(&half, bt_bytes_of_str("garbage"), &none), BT_ERR_DEFECTIVE_TOKEN);
	assert_int_equal(answer_initiator(&half, bt_bytes_of_buf(&half.second), &none), 0);
	/* What is open takes no more. */
	step.target = half.target;
	assert_int_equal(bt_mech_krb5.init(half.initiator, &step, &none), BT_ERR_CONTEXT_ESTABLISHED);
	assert_int_equal(answer_acceptor_open(&half), BT_ERR_CONTEXT_ESTABLISHED);
	bt_mn_free(other);
	half_done(&half);
}

/* Bare requests are for DCE style, and framed ones for all else. */
static void
test_wrong_framing(void **state)
{
	enum { FRAMING_LEN = 4 + 11 + 2 }; /* of a token of 256 to 65535 bytes: 60 82 xx xx, OID, token id */
	struct half plain, dce;
	struct bt_accept_step step = {0};
	struct bt_buf none = {0}, framed;
	struct bt_ctx *ctx;

	half_open(&plain, 0);
	half_open(&dce, BT_CTX_DCE_STYLE);
	assert_int_equal(plain.first.ptr[1], 0x82);
	for (int i = 0; i < 2; i++) {
		struct bt_mcred *cred = acquire(NULL, BT_USAGE_ACCEPT, &(struct bt_store_entry){"rcache", "none:"}, 1);

		framed.ptr = bt_mem_alloc(FRAMING_LEN + dce.first.len);
		framed.len = FRAMING_LEN + dce.first.len;
		memcpy(framed.ptr, plain.first.ptr, FRAMING_LEN);
		memcpy(framed.ptr + FRAMING_LEN, dce.first.ptr, dce.first.len);
		bt_store_be16(framed.ptr + 2, (uint16_t)(framed.len - 4));
		step.cred = cred;
		step.token = i == 0 ? bt_bytes_of(plain.first.ptr + FRAMING_LEN, plain.first.len - FRAMING_LEN)
				    : bt_bytes_of_buf(&framed);
		ctx = bt_ctx_new(&bt_mech_krb5, false);
		assert_int_equal(bt_mech_krb5.accept(ctx, &step, &none, NULL), BT_ERR_DEFECTIVE_TOKEN);
		bt_buf_free(&none);
		bt_buf_free(&framed);
		bt_ctx_free(ctx);
		bt_mech_krb5.cred_free(cred);
	}
	half_done(&plain);
	half_done(&dce);
}

/* The acceptor answers in the spelling the initiator used. */
static void
test_other_spellings(void **state)
{
	for (const struct bt_bytes *alias = bt_mech_krb5.aliases; alias->len != 0; alias++) {
		struct bt_ctx *initiator = bt_ctx_new(&bt_mech_krb5, true), *acceptor = bt_ctx_new(&bt_mech_krb5, false);
		struct bt_mn *target = service_name("host@server.baton.test");
		struct bt_init_step first = {.target = target, .flags = MUTUAL};
		struct bt_accept_step answer = {0};
		struct bt_buf token, reply, none;

		initiator->wire_oid = *alias;
		assert_int_equal(bt_mech_krb5.init(initiator, &first, &token), 0);
		answer.token = bt_bytes_of_buf(&token);
		assert_int_equal(bt_mech_krb5.accept(acceptor, &answer, &reply, NULL), 0);
		assert_memory_equal(acceptor->wire_oid.ptr, alias->ptr, alias->len);
		first.token = bt_bytes_of_buf(&reply);
		assert_int_equal(bt_mech_krb5.init(initiator, &first, &none), 0);
		both_ways(initiator->msg, acceptor->msg);
		bt_buf_free(&token);
		bt_buf_free(&reply);
		bt_mn_free(target);
		bt_ctx_free(initiator);
		bt_ctx_free(acceptor);
	}
}

/* ---- questions ---- */

static void
test_inquire(void **state)
{
	struct pair pair = {.flags = MUTUAL};
	struct bt_answers answers;
	struct bt_msg_state a;
#define P "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05"
#define ASK(ctx, last) bt_mech_krb5.inquire(ctx, bt_bytes_of(P last, sizeof(P last) - 1), &answers)

	pair_open(&pair);
	bt_msg_state_of(pair.initiator->msg, &a);
	assert_int_equal(ASK(pair.initiator, "\x01"), 0);
	assert_int_equal(answers.items[0].len, 4);
	assert_memory_equal(answers.items[0].ptr, &pair.initiator->ticket_flags, 4);
	bt_answers_free(&answers);
	assert_int_equal(ASK(pair.initiator, "\x05"), 0);
	assert_int_equal(answers.num_items, 2);
	assert_memory_equal(answers.items[0].ptr, a.acceptor_subkey.bytes, a.acceptor_subkey.len);
	assert_int_equal(answers.items[1].len, 11);
	assert_memory_equal(answers.items[1].ptr, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x04", 10);
	assert_int_equal(answers.items[1].ptr[10], a.acceptor_subkey.enctype);
	bt_answers_free(&answers);
	/* The KDC puts a PAC (128) inside AD-IF-RELEVANT (1). */
	assert_int_equal(ASK(pair.acceptor, "\x0a\x01"), 0);
	assert_true(answers.num_items >= 1);
	bt_answers_free(&answers);
	assert_int_equal(ASK(pair.acceptor, "\x0a\x87\x68"), 0);
	assert_int_equal(answers.num_items, 0);
	bt_answers_free(&answers);
	assert_int_equal(ASK(pair.acceptor, "\x0c"), 0);
	assert_int_equal(answers.items[0].len, 4);
	bt_answers_free(&answers);
	assert_int_equal(ASK(pair.acceptor, "\x0f"), 0);
	assert_memory_equal(answers.items[0].ptr, "\0\0\x01\0", 4);
	bt_answers_free(&answers);
	assert_int_equal(ASK(pair.acceptor, "\x63"), BT_ERR_UNAVAILABLE);
	assert_int_equal(answers.num_items, 0);
	pair_done(&pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_leg),
	    cmocka_unit_test(test_mutual),
	    cmocka_unit_test(test_dce),
	    cmocka_unit_test(test_half_open_moves),
	    cmocka_unit_test(test_enctypes),
	    cmocka_unit_test(test_delegation),
	    cmocka_unit_test(test_delegation_dce),
	    cmocka_unit_test(test_delegation_not_wanted),
	    cmocka_unit_test(test_delegation_policy),
	    cmocka_unit_test(test_bindings),
	    cmocka_unit_test(test_replay),
	    cmocka_unit_test(test_error_token),
	    cmocka_unit_test(test_unknown_service),
	    cmocka_unit_test(test_exchanged_answers),
	    cmocka_unit_test(test_second_leg_mistakes),
	    cmocka_unit_test(test_wrong_framing),
	    cmocka_unit_test(test_other_spellings),
	    cmocka_unit_test(test_inquire),
	    cmocka_unit_test(test_spoiled_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
