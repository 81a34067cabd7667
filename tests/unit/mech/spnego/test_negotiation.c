/*
 * Negotiations over mechanisms that only count: who chooses what, who needs which MIC, what peers do beside the RFC, what is left when
 * something fails; each of them also with both sides saved and loaded between all legs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/oid.h"
#include "failing.h"
#include "fake.h"
#include "mech/spnego/negotiation.h"
#include "mech/state.h"
#include "wire/frame.h"
#include "wire/rec.h"

static const struct bt_mechs all = {fake_mechs, NUM_FAKES + 1};

/* One side, and what it may come out at. */
struct side {
	struct bt_ctx *ctx;
	struct bt_offer offers[NUM_FAKES];
	size_t num_offers;
	int e;
	struct bt_mcred *delegated;
};

struct talk {
	struct side i, a;
	struct bt_buf token; /* on its way */
	int tokens;
	bool is_carried;		   /* both sides are saved and loaded between legs */
	void (*mangle)(struct talk *talk); /* what happens to a token on its way; tokens says which it is */
};

static void
offer(struct side *side, const char *letters)
{
	side->num_offers = 0;
	for (; *letters != '\0'; letters++)
		side->offers[side->num_offers++].mech = fake_mechs[*letters - 'A'];
}

static void
begin(struct talk *talk, const char *initiator, const char *acceptor)
{
	*talk = (struct talk){0};
	offer(&talk->i, initiator);
	offer(&talk->a, acceptor);
	talk->i.ctx = bt_ctx_new(&bt_mech_spnego, true);
	talk->a.ctx = bt_ctx_new(&bt_mech_spnego, false);
}

static void
end(struct talk *talk)
{
	bt_ctx_free(talk->i.ctx);
	bt_ctx_free(talk->a.ctx);
	bt_buf_free(&talk->token);
	if (talk->a.delegated != NULL)
		fake_mechs[0]->cred_free(talk->a.delegated);
	assert_int_equal(failing_live(), 0);
}

static int
save(struct bt_ctx *ctx, struct bt_wr *out)
{
	struct bt_ctx_secrets secrets;
	struct bt_ctx_state state;
	int e;

	bt_ctx_secrets_init(&secrets);
	if ((e = bt_ctx_state_of(ctx, &secrets, &state)) == 0)
		e = bt_rec_encode(&bt_ctx_state_rec, &state, out);
	bt_ctx_secrets_done(&secrets);
	return e;
}

static int
load(struct bt_bytes saved, struct bt_ctx **out)
{
	struct bt_ctx_state state;
	int e = bt_rec_decode(&bt_ctx_state_rec, saved, &state);

	*out = NULL;
	return e != 0 ? e : bt_ctx_state_build(&state, &bt_mech_spnego, bt_mech_spnego.oid, all, out);
}

/* As a context of another process; the same bytes come out of it. */
static void
carry(struct side *side)
{
	struct bt_wr first, second;
	struct bt_ctx *copy;
	int e;

	if (side->ctx == NULL || side->ctx->stage != BT_CTX_EXPECT_TOKEN)
		return;
	bt_wr_init(&first);
	bt_wr_init(&second);
	if ((e = save(side->ctx, &first)) == 0 && (e = load(bt_wr_written(&first), &copy)) == 0) {
		bt_ctx_free(side->ctx);
		side->ctx = copy;
		e = save(copy, &second);
	}
	if (e == 0 && (side->ctx->flags & BT_CTX_DELEG) == 0 && fake_creds == 0 && !fakes[0].delegates)
		assert_true(bt_bytes_equal(bt_wr_written(&first), bt_wr_written(&second)));
	bt_wr_done(&first);
	bt_wr_done(&second);
	if (e != 0)
		side->e = e;
}

static bool
is_waiting(const struct side *side)
{
	return side->e == 0 && side->ctx != NULL && side->ctx->stage != BT_CTX_OPEN;
}

static void
send_token(struct talk *talk, struct bt_buf *out)
{
	bt_buf_free(&talk->token);
	talk->token = *out;
	if (out->len == 0)
		return;
	talk->tokens++;
	if (talk->mangle != NULL)
		talk->mangle(talk);
}

static void
step_init(struct talk *talk)
{
	struct bt_init_step step = {
	    .offers = talk->i.offers, .num_offers = talk->i.num_offers, .token = bt_bytes_of_buf(&talk->token)};
	struct bt_buf out = {0};

	talk->i.e = bt_spnego_init(talk->i.ctx, &step, &out);
	send_token(talk, &out);
	if (talk->is_carried && talk->i.e == 0)
		carry(&talk->i);
}

static void
step_accept(struct talk *talk)
{
	struct bt_accept_step step = {
	    .offers = talk->a.offers, .num_offers = talk->a.num_offers, .token = bt_bytes_of_buf(&talk->token)};
	struct bt_buf out = {0};

	assert_null(talk->a.delegated);
	talk->a.e = bt_spnego_accept(talk->a.ctx, &step, &out, &talk->a.delegated);
	send_token(talk, &out);
	if (talk->is_carried && talk->a.e == 0)
		carry(&talk->a);
}

/* On until nobody waits, or nothing more is said. */
static void
go_on(struct talk *talk)
{
	bool is_initiators = talk->tokens % 2 == 0;

	while (is_initiators ? is_waiting(&talk->i) : is_waiting(&talk->a)) {
		if (is_initiators)
			step_init(talk);
		else
			step_accept(talk);
		is_initiators = !is_initiators;
		assert_true(talk->tokens < 20);
		if (talk->token.len == 0 || talk->i.e != 0 || talk->a.e != 0)
			break;
	}
}

static bool
is_open_as(const struct side *side, int fake)
{
	return side->e == 0 && side->ctx->stage == BT_CTX_OPEN && side->ctx->mech == fake_mechs[fake] &&
	       side->ctx->pending == NULL;
}

/* Both open, by the same mechanism, and messages go through. */
static void
must_be_open(struct talk *talk, int fake)
{
	struct bt_buf token, text;
	enum bt_msg_order order;
	bool conf;

	assert_int_equal(talk->i.e, 0);
	assert_int_equal(talk->a.e, 0);
	assert_true(is_open_as(&talk->i, fake) && is_open_as(&talk->a, fake));
	assert_int_equal(bt_msg_wrap(talk->i.ctx->msg, true, bt_bytes_of_str("text"), &token), 0);
	assert_int_equal(bt_msg_unwrap(talk->a.ctx->msg, bt_bytes_of_buf(&token), &text, &conf, &order), 0);
	assert_int_equal(order, BT_MSG_IN_ORDER);
	bt_buf_free(&token);
	bt_buf_free(&text);
}

static void
must_not_be_open(struct talk *talk)
{
	assert_false(talk->i.e == 0 && talk->a.e == 0 && talk->i.ctx->stage == BT_CTX_OPEN &&
		     talk->a.ctx->stage == BT_CTX_OPEN);
}

static int
reset(void **state)
{
	for (int i = 0; i < NUM_FAKES; i++)
		fakes[i] = (struct fake){.legs = 2};
	return 0;
}

static struct bt_spnego_resp
resp_of(const struct talk *talk)
{
	struct bt_spnego_resp resp;

	assert_int_equal(bt_spnego_read_resp(bt_bytes_of_buf(&talk->token), &resp), 0);
	return resp;
}

/* Another reply goes on its way. */
static void
put_resp(struct talk *talk, const struct bt_spnego_resp *resp)
{
	struct bt_buf other;

	assert_int_equal(bt_spnego_reply(resp, &other), 0);
	bt_buf_free(&talk->token);
	talk->token = other;
}

/* ---- what is agreed on ---- */

static void
first_choice(void **state)
{
	/* One more token than the mechanism has, if the initiator has its last: the peer's "completed". */
	static const int tokens[] = {0, 2, 2, 4, 4};

	for (int legs = 1; legs <= 4; legs++)
		for (int carried = 0; carried < 2; carried++) {
			struct talk talk;

			fakes[FAKE_A].legs = legs;
			begin(&talk, "AB", "BA");
			talk.is_carried = carried;
			go_on(&talk);
			must_be_open(&talk, FAKE_A);
			assert_int_equal(talk.tokens, tokens[legs]);
			end(&talk);
		}
}

static int num_mics;

static void
count_mics(struct talk *talk)
{
	if (talk->tokens > 1)
		num_mics += resp_of(talk).mic.len != 0;
}

static void
second_choice(void **state)
{
	/* Two for the list; then the mechanism's, and the MICs in them or after them. RFC 4178 §5 (b), (c). */
	static const int tokens[] = {0, 4, 5, 6, 7};

	for (int legs = 1; legs <= 4; legs++)
		for (int carried = 0; carried < 2; carried++) {
			struct talk talk;

			fakes[FAKE_B].legs = legs;
			begin(&talk, "AB", "CB");
			talk.is_carried = carried;
			talk.mangle = count_mics;
			num_mics = 0;
			go_on(&talk);
			must_be_open(&talk, FAKE_B);
			assert_int_equal(talk.tokens, tokens[legs]);
			assert_int_equal(num_mics, 2);
			end(&talk);
		}
}

/* A mechanism without integrity cannot sign, and is not asked to. */
static void
second_choice_unprotected(void **state)
{
	for (int legs = 1; legs <= 4; legs++) {
		struct talk talk;

		fakes[FAKE_B] = (struct fake){.legs = legs, .unprotected = true};
		begin(&talk, "AB", "B");
		talk.mangle = count_mics;
		num_mics = 0;
		go_on(&talk);
		must_be_open(&talk, FAKE_B);
		assert_int_equal(num_mics, 0);
		end(&talk);
	}
}

/* What cannot begin is not offered; the first failure is told if nothing can. */
static void
falls_back(void **state)
{
	struct talk talk;

	fakes[FAKE_A].init_error = 17;
	begin(&talk, "AB", "AB");
	go_on(&talk);
	must_be_open(&talk, FAKE_B);
	assert_int_equal(talk.tokens, 2);
	end(&talk);
	fakes[FAKE_B].init_error = 18;
	begin(&talk, "AB", "AB");
	go_on(&talk);
	assert_int_equal(talk.i.e, 17);
	assert_int_equal(talk.tokens, 0);
	end(&talk);
	begin(&talk, "", "A");
	go_on(&talk);
	assert_int_equal(talk.i.e, BT_ERR_NO_CRED);
	end(&talk);
}

static void
nothing_in_common(void **state)
{
	struct talk talk;

	begin(&talk, "AB", "C");
	go_on(&talk);
	assert_int_equal(talk.a.e, BT_ERR_NEGO_NONE);
	assert_int_equal(resp_of(&talk).state, BT_SPNEGO_REJECT);
	step_init(&talk);
	assert_int_equal(talk.i.e, BT_ERR_NEGO_REJECTED);
	assert_int_equal(talk.token.len, 0);
	end(&talk);
}

/* The mechanism's error token comes in the rejection, and tells the initiator what its mechanism would have told it. */
static void
rejection_says_why(void **state)
{
	struct talk talk;

	fakes[FAKE_A].accept_error = 99;
	begin(&talk, "A", "A");
	go_on(&talk);
	assert_int_equal(talk.a.e, 99);
	assert_int_equal(resp_of(&talk).state, BT_SPNEGO_REJECT);
	step_init(&talk);
	assert_int_equal(talk.i.e, FAKE_ERROR);
	end(&talk);
}

static void
initiator_gives_up(void **state)
{
	struct talk talk;

	fakes[FAKE_A].legs = 3;
	begin(&talk, "A", "A");
	step_init(&talk);
	step_accept(&talk);
	put_resp(&talk, &(struct bt_spnego_resp){.state = BT_SPNEGO_REJECT});
	step_accept(&talk);
	assert_int_equal(talk.a.e, BT_ERR_NEGO_ABORTED);
	end(&talk);
	/* And an acceptor later than in its first reply. */
	fakes[FAKE_A].legs = 4;
	begin(&talk, "A", "A");
	step_init(&talk);
	step_accept(&talk);
	step_init(&talk);
	put_resp(&talk, &(struct bt_spnego_resp){.state = BT_SPNEGO_REJECT});
	step_init(&talk);
	assert_int_equal(talk.i.e, BT_ERR_NEGO_ABORTED);
	end(&talk);
}

/* ---- the list cannot be changed ---- */

static struct {
	size_t bit;
	bool was_hit;
} flip;

/* In the mechanism list of the first token. */
static void
flip_list(struct talk *talk)
{
	struct bt_bytes oid, body;
	struct bt_spnego_init init;

	if (talk->tokens != 1)
		return;
	assert_int_equal(bt_frame_read(bt_bytes_of_buf(&talk->token), &oid, &body), 0);
	assert_int_equal(bt_spnego_read_init(body, &init), 0);
	flip.was_hit = flip.bit < init.mech_list.len * 8;
	if (flip.was_hit)
		((uint8_t *)(uintptr_t)init.mech_list.ptr)[flip.bit / 8] ^= (uint8_t)(1 << flip.bit % 8);
}

static void
every_bit_of_the_list(void **state)
{
	static const char *const acceptors[] = {"B", "AB", "CB"};

	for (int legs = 1; legs <= 4; legs++)
		for (size_t n = 0; n < 3; n++)
			for (flip.bit = 0, flip.was_hit = true; flip.was_hit; flip.bit++) {
				struct talk talk;

				fakes[FAKE_A].legs = fakes[FAKE_B].legs = fakes[FAKE_C].legs = legs;
				begin(&talk, "AB", acceptors[n]);
				talk.mangle = flip_list;
				go_on(&talk);
				/* With A for both, what comes after it is nobody's business: the choice was the first. */
				if (flip.was_hit && !(n == 1 && is_open_as(&talk.i, FAKE_A)))
					must_not_be_open(&talk);
				end(&talk);
			}
}

static bool mic_was_hit;

static void
flip_mic(struct talk *talk)
{
	struct bt_spnego_resp resp;

	if (talk->tokens == 1)
		return;
	resp = resp_of(talk);
	if (resp.mic.len == 0)
		return;
	if (flip.bit < resp.mic.len * 8) {
		((uint8_t *)(uintptr_t)resp.mic.ptr)[flip.bit / 8] ^= (uint8_t)(1 << flip.bit % 8);
		mic_was_hit = true;
	}
}

static void
every_bit_of_a_mic(void **state)
{
	for (int legs = 1; legs <= 2; legs++)
		for (flip.bit = 0, mic_was_hit = true; mic_was_hit; flip.bit++) {
			struct talk talk;

			fakes[FAKE_B].legs = legs;
			begin(&talk, "AB", "B");
			talk.mangle = flip_mic;
			mic_was_hit = false;
			go_on(&talk);
			if (mic_was_hit)
				must_not_be_open(&talk);
			end(&talk);
		}
}

/* ---- what peers do ---- */

static struct bt_spnego_resp wanted; /* what a test makes of a reply */

/* The acceptor's first reply says so instead. */
static void
ask_for_mic(struct talk *talk)
{
	struct bt_spnego_resp resp;

	if (talk->tokens != 2)
		return;
	resp = resp_of(talk);
	resp.state = BT_SPNEGO_REQUEST_MIC;
	put_resp(talk, &resp);
}

/* Only one side wants MICs: the other answers, in whatever leg. */
static void
mic_on_request(void **state)
{
	for (int legs = 3; legs <= 4; legs++) {
		struct talk talk;

		fakes[FAKE_A].legs = legs;
		begin(&talk, "A", "A");
		talk.mangle = ask_for_mic;
		go_on(&talk);
		if (legs == 3) {
			must_be_open(&talk, FAKE_A);
		} else {
			/* The acceptor has said "completed" before the initiator could send its own. */
			assert_int_equal(talk.i.e, BT_ERR_DEFECTIVE_TOKEN);
		}
		end(&talk);
	}
}

static void
repeat_token_as_mic(struct talk *talk)
{
	struct bt_spnego_resp resp;

	if (talk->tokens != 2)
		return;
	resp = resp_of(talk);
	resp.mic = resp.token;
	put_resp(talk, &resp);
}

static void
say_nothing_but_token(struct talk *talk)
{
	struct bt_spnego_resp resp;

	if (talk->tokens != 2)
		return;
	resp = resp_of(talk);
	resp.state = BT_SPNEGO_ABSENT;
	resp.supported = (struct bt_bytes){0};
	put_resp(talk, &resp);
}

static void
add_empty_token(struct talk *talk)
{
	struct bt_spnego_resp resp;

	if (talk->tokens != 2)
		return;
	resp = resp_of(talk);
	resp.token = bt_bytes_of("", 0);
	put_resp(talk, &resp);
}

static void
spell_otherwise(struct talk *talk)
{
	struct bt_spnego_resp resp;

	if (talk->tokens != 2)
		return;
	resp = resp_of(talk);
	resp.supported = fake_mechs[FAKE_A]->aliases[0];
	put_resp(talk, &resp);
}

static void
tolerances_of_the_initiator(void **state)
{
	static const struct {
		int legs;
		void (*mangle)(struct talk *talk);
	} rows[] = {
	    {2, repeat_token_as_mic}, {2, say_nothing_but_token}, {1, say_nothing_but_token},
	    {1, add_empty_token},     {2, spell_otherwise},	  {1, spell_otherwise},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct talk talk;

		fakes[FAKE_A].legs = rows[i].legs;
		begin(&talk, "AB", "A");
		talk.mangle = rows[i].mangle;
		go_on(&talk);
		must_be_open(&talk, FAKE_A);
		assert_int_equal(talk.tokens, 2);
		end(&talk);
	}
}

/* Where a MIC is needed, the repeated token is none. */
static void
repeated_token_is_no_mic(void **state)
{
	struct talk talk;

	begin(&talk, "AB", "B");
	step_init(&talk);
	step_accept(&talk);
	step_init(&talk);
	step_accept(&talk);
	wanted = resp_of(&talk);
	assert_true(wanted.mic.len != 0);
	wanted.mic = wanted.token;
	wanted.state = BT_SPNEGO_COMPLETED;
	put_resp(&talk, &wanted);
	step_init(&talk);
	assert_int_equal(talk.i.e, BT_ERR_DEFECTIVE_TOKEN);
	end(&talk);
}

/* The first message, made by hand. */
static void
put_init(struct talk *talk, const struct bt_bytes *oids, size_t num_oids, struct bt_bytes token, bool with_hints)
{
	struct bt_wr list, wr;

	bt_wr_init(&list);
	bt_wr_init(&wr);
	bt_spnego_write_mechs(&list, oids, num_oids);
	if (with_hints)
		bt_spnego_write_hints(&wr, bt_wr_written(&list));
	else
		bt_spnego_write_init(&wr, &(struct bt_spnego_init){.mech_list = bt_wr_written(&list), .mech_token = token});
	bt_buf_free(&talk->token);
	assert_int_equal(bt_wr_take(&wr, &talk->token), 0);
	bt_wr_done(&list);
	talk->tokens = 1;
}

static void
tolerances_of_the_acceptor(void **state)
{
	struct bt_bytes spelled[2] = {fake_mechs[FAKE_A]->aliases[0], fake_mechs[FAKE_A]->oid};
	struct bt_spnego_resp resp;
	struct talk talk;

	/* Windows' list: the other spelling first. It is answered with itself. */
	begin(&talk, "A", "A");
	put_init(&talk, spelled, 2, bt_bytes_of_str("A1"), false);
	step_accept(&talk);
	resp = resp_of(&talk);
	assert_int_equal(resp.state, BT_SPNEGO_COMPLETED);
	assert_true(bt_bytes_equal(resp.supported, spelled[0]));
	assert_true(bt_bytes_equal(resp.token, bt_bytes_of_str("A2")));
	assert_true(is_open_as(&talk.a, FAKE_A));
	end(&talk);
	/* No optimistic token, and hints where the MIC would be. */
	for (int with_hints = 0; with_hints < 2; with_hints++) {
		begin(&talk, "A", "A");
		put_init(&talk, spelled, 2, (struct bt_bytes){0}, with_hints);
		talk.is_carried = true;
		step_accept(&talk);
		resp = resp_of(&talk);
		assert_int_equal(resp.state, BT_SPNEGO_INCOMPLETE);
		assert_true(resp.token.ptr == NULL && resp.supported.len != 0);
		put_resp(&talk, &(struct bt_spnego_resp){.state = BT_SPNEGO_INCOMPLETE, .token = bt_bytes_of_str("A1")});
		step_accept(&talk);
		assert_true(is_open_as(&talk.a, FAKE_A));
		/* The choice is told once. */
		assert_null(resp_of(&talk).supported.ptr);
		end(&talk);
	}
	/* Hints on demand, and then as if nothing had been. */
	begin(&talk, "AB", "BA");
	talk.is_carried = true;
	step_accept(&talk);
	assert_int_equal(talk.a.e, 0);
	bt_buf_free(&talk.token);
	talk.tokens = 0;
	go_on(&talk);
	must_be_open(&talk, FAKE_A);
	end(&talk);
}

/* ---- what peers must not do ---- */

static void
bad_replies_to_the_initiator(void **state)
{
	static const struct {
		struct bt_spnego_resp resp;
		int legs;
	} rows[] = {
	    /* Nothing for a mechanism that waits, and something for one that does not. */
	    {{.state = BT_SPNEGO_INCOMPLETE, .supported = BT_OID("\x2a\x03\x01")}, 2},
	    {{.state = BT_SPNEGO_COMPLETED, .supported = BT_OID("\x2a\x03\x01")}, 2},
	    {{.state = BT_SPNEGO_COMPLETED, .token = BT_OID("A2")}, 1},
	    /* The last word too early. */
	    {{.state = BT_SPNEGO_COMPLETED, .token = BT_OID("A2")}, 4},
	    /* One that was not offered; one that was, but without the MIC that it needs. */
	    {{.state = BT_SPNEGO_INCOMPLETE, .supported = BT_OID("\x2a\x03\x03")}, 2},
	    {{.state = BT_SPNEGO_COMPLETED, .supported = BT_OID("\x2a\x03\x02")}, 1},
	    /* A MIC before its time, and a wrong one. */
	    {{.state = BT_SPNEGO_INCOMPLETE, .token = BT_OID("A2"), .mic = BT_OID("mic")}, 4},
	    {{.state = BT_SPNEGO_COMPLETED, .token = BT_OID("A2"), .mic = BT_OID("mic")}, 2},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct talk talk;

		for (int f = 0; f < NUM_FAKES; f++)
			fakes[f].legs = rows[i].legs;
		begin(&talk, "AB", "A");
		step_init(&talk);
		put_resp(&talk, &rows[i].resp);
		step_init(&talk);
		/* A last word is none while there is more to say: not for a mechanism of four legs, nor for a MIC. */
		if (i == 3 || i == 5) {
			assert_int_equal(talk.i.e, 0);
			assert_int_equal(talk.i.ctx->stage, BT_CTX_EXPECT_TOKEN);
		} else {
			assert_int_not_equal(talk.i.e, 0);
			assert_int_equal(resp_of(&talk).state, BT_SPNEGO_REJECT);
		}
		end(&talk);
	}
}

/* Acceptors from before RFC 4178 choose another mechanism and ask for no MIC: one is needed all the same. */
static void
other_choice_unasked(void **state)
{
	struct talk talk;

	begin(&talk, "AB", "B");
	step_init(&talk);
	put_resp(&talk, &(struct bt_spnego_resp){.state = BT_SPNEGO_INCOMPLETE, .supported = fake_mechs[FAKE_B]->oid});
	step_init(&talk);
	assert_int_equal(talk.i.e, 0);
	put_resp(&talk, &(struct bt_spnego_resp){.state = BT_SPNEGO_COMPLETED, .token = bt_bytes_of_str("B2")});
	step_init(&talk);
	assert_int_equal(talk.i.e, BT_ERR_DEFECTIVE_TOKEN);
	end(&talk);
}

/* A second choice after the first; and none of it counts after an accepted one. */
static void
choice_is_made_once(void **state)
{
	struct talk talk;

	fakes[FAKE_A].legs = 4;
	begin(&talk, "AB", "A");
	step_init(&talk);
	step_accept(&talk);
	step_init(&talk);
	step_accept(&talk);
	wanted = resp_of(&talk);
	wanted.supported = fake_mechs[FAKE_B]->oid;
	put_resp(&talk, &wanted);
	step_init(&talk);
	assert_int_equal(talk.i.e, BT_ERR_DEFECTIVE_TOKEN);
	end(&talk);
}

/* Who owes a MIC and sends none does not get a further turn. */
static void
owed_mics(void **state)
{
	struct bt_spnego_resp empty = {.state = BT_SPNEGO_INCOMPLETE};
	struct talk talk;

	/* The acceptor's last token came with its MIC. */
	begin(&talk, "AB", "B");
	step_init(&talk);
	step_accept(&talk);
	step_init(&talk);
	step_accept(&talk);
	put_resp(&talk, &empty);
	step_accept(&talk);
	assert_int_equal(talk.a.e, BT_ERR_DEFECTIVE_TOKEN);
	end(&talk);
	/* The initiator's did. */
	fakes[FAKE_B].legs = 1;
	begin(&talk, "AB", "B");
	step_init(&talk);
	step_accept(&talk);
	step_init(&talk);
	put_resp(&talk, &empty);
	step_init(&talk);
	assert_int_equal(talk.i.e, BT_ERR_DEFECTIVE_TOKEN);
	end(&talk);
	/* A peer that is not done, with nothing left to say, waits for a MIC; it gets it, and must answer. */
	fakes[FAKE_A].legs = 1;
	begin(&talk, "A", "A");
	step_init(&talk);
	put_resp(&talk, &empty);
	step_init(&talk);
	assert_int_equal(talk.i.e, 0);
	assert_true(resp_of(&talk).mic.len != 0);
	put_resp(&talk, &empty);
	step_init(&talk);
	assert_int_equal(talk.i.e, BT_ERR_DEFECTIVE_TOKEN);
	end(&talk);
}

static void
bad_first_messages(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
	    {"x", 1},
	    {"\x60\x08\x06\x06\x2b\x06\x01\x05\x05\x02", 10},
	    /* Another mechanism's; no list; an empty list; a NegTokenResp. */
	    {"\x60\x09\x06\x03\x2a\x03\x01\xa0\x02\x30\x00", 11},
	    {"\x60\x0c\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x02\x30\x00", 14},
	    {"\x60\x10\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x06\x30\x04\xa0\x02\x30\x00", 18},
	    {"\xa1\x02\x30\x00", 4},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct talk talk;

		begin(&talk, "A", "A");
		assert_int_equal(bt_buf_dup(bt_bytes_of(rows[i].bytes, rows[i].len), &talk.token), 0);
		step_accept(&talk);
		assert_int_not_equal(talk.a.e, 0);
		assert_int_equal(resp_of(&talk).state, BT_SPNEGO_REJECT);
		end(&talk);
	}
}

/* ---- a credential that came along ---- */

static void
delegated_at_the_end(void **state)
{
	static const char *const initiators[] = {"A", "BA"};

	for (size_t n = 0; n < 2; n++)
		for (int legs = 1; legs <= 4; legs++)
			for (int carried = 0; carried < 2; carried++) {
				struct talk talk;
				bool has;

				fakes[FAKE_A] = (struct fake){.legs = legs, .delegates = true};
				begin(&talk, initiators[n], "A");
				talk.is_carried = carried;
				go_on(&talk);
				must_be_open(&talk, FAKE_A);
				/* It does not travel; and then none is claimed. */
				has = talk.a.delegated != NULL;
				assert_int_equal(has, (talk.a.ctx->flags & BT_CTX_DELEG) != 0);
				if (!carried)
					assert_true(has);
				end(&talk);
				assert_int_equal(fake_creds, 0);
			}
}

/* Another context comes in the place of the chosen mechanism's: what was delegated with that one is gone, and nobody claims it. */
static void
delegated_with_what_is_replaced(void **state)
{
	for (int delegates = 0; delegates < 2; delegates++) {
		struct bt_ctx *other = bt_ctx_new(fake_mechs[FAKE_A], false);
		struct talk talk;

		fakes[FAKE_A] = (struct fake){.legs = 4, .delegates = delegates};
		begin(&talk, "A", "A");
		step_init(&talk);
		step_accept(&talk);
		assert_int_equal(talk.a.e, 0);
		assert_int_equal(fake_creds, delegates);
		other->flags = BT_CTX_DELEG | BT_CTX_MUTUAL;
		bt_spnego_chosen_replace(talk.a.ctx, other);
		assert_int_equal(fake_creds, 0);
		assert_ptr_equal(bt_spnego_chosen(talk.a.ctx), other);
		assert_int_equal(other->flags, BT_CTX_MUTUAL);
		assert_int_equal(talk.a.ctx->flags & BT_CTX_DELEG, 0);
		end(&talk);
	}
}

/* ---- saved forms ---- */

/* The negotiation in every state there is, as bytes. */
static void
saved_forms_are_checked(void **state)
{
	static const char *const acceptors[] = {"A", "B"};

	for (int steps = 1; steps <= 6; steps++)
		for (size_t n = 0; n < 2; n++) {
			struct talk talk;

			fakes[FAKE_A].legs = fakes[FAKE_B].legs = 3;
			begin(&talk, "AB", acceptors[n]);
			for (int i = 0; i < steps && (i % 2 == 0 ? is_waiting(&talk.i) : is_waiting(&talk.a)); i++)
				(i % 2 == 0 ? step_init : step_accept)(&talk);
			for (int side = 0; side < 2; side++) {
				const struct bt_ctx *ctx = side == 0 ? talk.i.ctx : talk.a.ctx;
				struct bt_ctx *copy = NULL;
				struct bt_wr saved;

				if (ctx->stage != BT_CTX_EXPECT_TOKEN)
					continue;
				bt_wr_init(&saved);
				assert_int_equal(bt_spnego_pending_save(ctx, &saved), 0);
				/* Cut short, or with any bit flipped, it is refused or is another state; never a crash or a leak. */
				for (size_t len = 0; len < saved.len; len++) {
					copy = bt_ctx_new(&bt_mech_spnego, ctx->is_initiator);
					(void)bt_spnego_pending_load(copy, all, bt_bytes_of(saved.ptr, len));
					bt_ctx_free(copy);
				}
				for (size_t bit = 0; bit < saved.len * 8; bit++) {
					saved.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
					copy = bt_ctx_new(&bt_mech_spnego, ctx->is_initiator);
					(void)bt_spnego_pending_load(copy, all, bt_wr_written(&saved));
					bt_ctx_free(copy);
					saved.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
				}
				/* The other side's is no state of this one. */
				copy = bt_ctx_new(&bt_mech_spnego, !ctx->is_initiator);
				assert_int_equal(bt_spnego_pending_load(copy, all, bt_wr_written(&saved)), BT_ERR_MALFORMED);
				bt_ctx_free(copy);
				bt_wr_done(&saved);
			}
			end(&talk);
		}
}

static void
must_save(const struct side *side, struct bt_bytes expected)
{
	struct bt_wr saved;

	bt_wr_init(&saved);
	assert_int_equal(bt_spnego_pending_save(side->ctx, &saved), 0);
	assert_int_equal(saved.len, expected.len);
	assert_memory_equal(saved.ptr, expected.ptr, expected.len);
	bt_wr_done(&saved);
}

/* Version 1 of the format, byte for byte; see doc/format/token.md. */
static void
saved_form_is_kept(void **state)
{
	/* The list, its first entry chosen, the OID as spelled, and the record: stage, side, what it waits with. */
	static const struct bt_bytes sent = BT_OID("\x01\x07\x30\x05\x06\x03\x2a\x03\x01\x02\x01\x01\x06\x03\x2a\x03\x01"
						   "\x07\x09\x01\x01\x01\x02\x01\x01\x31\x01\x01");
	/* Its second entry, told to the peer, a MIC needed; no leg of the mechanism yet. */
	static const struct bt_bytes chosen = BT_OID("\x01\x0c\x30\x0a\x06\x03\x2a\x03\x01\x06\x03\x2a\x03\x02\x02\x01\x02"
						     "\x03\x01\x01\x04\x01\x01");
	/* The same, with its MIC sent and the record of an open context. */
	static const struct bt_bytes signed_list =
	    BT_OID("\x01\x0c\x30\x0a\x06\x03\x2a\x03\x01\x06\x03\x2a\x03\x02\x02\x01\x02\x03\x01\x01\x04\x01\x01\x05\x01\x01"
		   "\x06\x03\x2a\x03\x02\x07\x2c\x01\x01\x02\x03\x02\x01\xa0\x04\x08\x7f\xff\xff\xff\xff\xff\xff\xff"
		   "\x22\x01\x01\x23\x01\x11\x24\x10sixteen bytes...\x27\x01\x01");
	struct talk talk;

	begin(&talk, "A", "A");
	step_init(&talk);
	must_save(&talk.i, sent);
	end(&talk);
	begin(&talk, "AB", "B");
	step_init(&talk);
	step_accept(&talk);
	must_save(&talk.a, chosen);
	step_init(&talk);
	step_accept(&talk);
	must_save(&talk.a, signed_list);
	end(&talk);
}

/* ---- no memory ---- */

static void
no_memory(void **state)
{
	static const char *const initiators[] = {"A", "CBA"};

	for (int legs = 1; legs <= 3; legs++)
		for (size_t n = 0; n < 2; n++) {
			bool happened = true;

			for (size_t nth = 1; happened; nth++) {
				size_t live = failing_live();
				struct talk talk;

				fakes[FAKE_A] = (struct fake){.legs = legs, .delegates = true};
				begin(&talk, initiators[n], "A");
				talk.is_carried = nth % 2 == 0;
				failing_at(nth);
				go_on(&talk);
				happened = failing_happened();
				failing_at(0);
				if (!happened)
					must_be_open(&talk, FAKE_A);
				else
					assert_true(talk.i.e != 0 || talk.a.e != 0 || is_open_as(&talk.i, FAKE_A));
				end(&talk);
				assert_int_equal(failing_live(), live);
				assert_int_equal(fake_creds, 0);
				assert_true(nth < 1000);
			}
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(first_choice, reset),
	    cmocka_unit_test_setup(second_choice, reset),
	    cmocka_unit_test_setup(second_choice_unprotected, reset),
	    cmocka_unit_test_setup(falls_back, reset),
	    cmocka_unit_test_setup(nothing_in_common, reset),
	    cmocka_unit_test_setup(rejection_says_why, reset),
	    cmocka_unit_test_setup(initiator_gives_up, reset),
	    cmocka_unit_test_setup(every_bit_of_the_list, reset),
	    cmocka_unit_test_setup(every_bit_of_a_mic, reset),
	    cmocka_unit_test_setup(mic_on_request, reset),
	    cmocka_unit_test_setup(tolerances_of_the_initiator, reset),
	    cmocka_unit_test_setup(repeated_token_is_no_mic, reset),
	    cmocka_unit_test_setup(tolerances_of_the_acceptor, reset),
	    cmocka_unit_test_setup(bad_replies_to_the_initiator, reset),
	    cmocka_unit_test_setup(other_choice_unasked, reset),
	    cmocka_unit_test_setup(choice_is_made_once, reset),
	    cmocka_unit_test_setup(owed_mics, reset),
	    cmocka_unit_test_setup(bad_first_messages, reset),
	    cmocka_unit_test_setup(delegated_at_the_end, reset),
	    cmocka_unit_test_setup(delegated_with_what_is_replaced, reset),
	    cmocka_unit_test_setup(saved_forms_are_checked, reset),
	    cmocka_unit_test_setup(saved_form_is_kept, reset),
	    cmocka_unit_test_setup(no_memory, reset),
	};

	return cmocka_run_group_tests_name("spnego negotiation", tests, NULL, NULL);
}
