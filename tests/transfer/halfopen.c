/*
 * A context between two legs of its establishment moves, and is finished by the other process, with MIT's library at the far end.
 */
#include "support/hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const services[] = { "enc17", "enc18", "enc19", "enc20", "enc25", "enc26", "enc16", "enc23", "plain" };

/* The rest of a handshake of which e is in the middle. */
static void
finish(struct ends *e, const struct setup *s)
{
	while (e->major_i == CONTINUE_NEEDED || e->major_a == CONTINUE_NEEDED) {
		/* Whose turn it is follows from the number of tokens made so far. */
		uint32_t major = e->legs % 2 == 0 ? step_init(e, s) : step_accept(e, s);

		if ((major & (CALL_BITS | ROUTINE_BITS)) != 0)
			fail_msg("after the transfer: %s", status_text(e->legs % 2 == 0 ? e->i : e->a));
		assert_true(e->legs < 5);
	}
}

static void
initiator_waiting_for_the_reply(void **state)
{
	struct peer *server = peer_start("mit", NULL), *one = peer_start("baton", NULL), *two = peer_start("baton", NULL);

	(void)state;
	for (size_t n = 0; n < sizeof(services) / sizeof(*services); n++)
		for (int dce = 0; dce < 2; dce++)
			for (int deleg = 0; deleg < 2; deleg++) {
				struct setup s = { .service = services[n], .bindings_i = "bound", .bindings_a = "bound",
						   .flags = MUTUAL | REPLAY | SEQUENCE | CONF | INTEG | (dce ? DCE_STYLE : 0) |
							    (deleg ? DELEG : 0) };
				struct blob token;
				struct ends e;

				ends_begin(&e, one, server);
				assert_int_equal(step_init(&e, &s), CONTINUE_NEEDED);
				token = hand_out(one, e.ctx_i);
				e.ctx_i = hand_in(two, token);
				e.i = two;
				assert_true(hand_is_used(one, token));
				blob_drop(&token);
				step_accept(&e, &s);
				/* Once more, with the reply in hand. */
				hand_over_initiator(&e, one);
				finish(&e, &s);
				ends_speak(&e);
				hand_over_initiator(&e, two);
				ends_speak(&e);
				ends_delete(&e);
			}
	peer_stop(server);
	peer_stop(one);
	peer_stop(two);
}

static void
acceptor_waiting_for_the_third_leg(void **state)
{
	struct peer *client = peer_start("mit", NULL), *one = peer_start("baton", NULL), *two = peer_start("baton", NULL);

	(void)state;
	for (size_t n = 0; n < sizeof(services) / sizeof(*services); n++) {
		struct setup s = { .service = services[n], .flags = MUTUAL | DCE_STYLE | REPLAY | SEQUENCE | CONF | INTEG };
		struct blob token;
		struct ends e;

		ends_begin(&e, client, one);
		assert_int_equal(step_init(&e, &s), CONTINUE_NEEDED);
		assert_int_equal(step_accept(&e, &s), CONTINUE_NEEDED);
		token = hand_out(one, e.ctx_a);
		e.ctx_a = hand_in(two, token);
		e.a = two;
		assert_true(hand_is_used(one, token));
		blob_drop(&token);
		finish(&e, &s);
		assert_string_equal(e.source, "alice@BATON.TEST");
		ends_speak(&e);
		hand_over_acceptor(&e, one);
		ends_speak(&e);
		ends_delete(&e);
	}
	peer_stop(client);
	peer_stop(one);
	peer_stop(two);
}

/* Half open on both sides, both moving at once. */
static void
both_sides_move(void **state)
{
	struct peer *one = peer_start("baton", NULL), *two = peer_start("baton", NULL);
	struct setup s = { .service = "host", .flags = MUTUAL | DCE_STYLE | CONF | INTEG };
	struct ends e;

	(void)state;
	ends_begin(&e, one, two);
	assert_int_equal(step_init(&e, &s), CONTINUE_NEEDED);
	hand_over_initiator(&e, two);
	e.a = one;
	assert_int_equal(step_accept(&e, &s), CONTINUE_NEEDED);
	hand_over_initiator(&e, one);
	hand_over_acceptor(&e, two);
	finish(&e, &s);
	ends_speak(&e);
	ends_delete(&e);
	peer_stop(one);
	peer_stop(two);
}

/* It is no less careful for having moved: a wrong reply is refused, and so is a message before its time. */
static void
refuses_a_wrong_reply(void **state)
{
	struct peer *server = peer_start("mit", NULL), *one = peer_start("baton", NULL), *two = peer_start("baton", NULL);
	struct setup s = { .service = "host", .flags = MUTUAL | CONF | INTEG };
	struct ends e, other;

	(void)state;
	ends_begin(&e, one, server);
	assert_int_equal(step_init(&e, &s), CONTINUE_NEEDED);
	hand_over_initiator(&e, two);
	assert_int_equal(peer_call(two, PEER_WRAP, "uuus", e.ctx_i, 1u, 0u, "too early"), NO_CONTEXT);
	/* The reply to somebody else's request. */
	ends_begin(&other, one, server);
	assert_int_equal(step_init(&other, &s), CONTINUE_NEEDED);
	assert_int_equal(step_accept(&other, &s), COMPLETE);
	blob_drop(&e.token);
	e.token = blob_keep(other.token);
	assert_int_not_equal(step_init(&e, &s) & ROUTINE_BITS, 0);
	finish(&other, &s);
	ends_speak(&other);
	ends_delete(&other);
	ends_delete(&e);
	peer_stop(server);
	peer_stop(one);
	peer_stop(two);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(initiator_waiting_for_the_reply),
		cmocka_unit_test(acceptor_waiting_for_the_third_leg),
		cmocka_unit_test(both_sides_move),
		cmocka_unit_test(refuses_a_wrong_reply),
	};

	return cmocka_run_group_tests_name("halfopen", tests, claims_begin, claims_end);
}
