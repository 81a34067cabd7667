/*
 * A token works once, in whichever process comes first, and whatever became of the one that exported it.
 */
#include "support/hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const struct setup usual = { .service = "host", .flags = MUTUAL | REPLAY | SEQUENCE | CONF | INTEG };

static void
works_once_in_the_same_process(void **state)
{
	struct peer *client = peer_start("mit", NULL), *front = peer_start("baton", NULL), *other = peer_start("baton", NULL);
	struct ends e;
	struct blob token;

	(void)state;
	ends_make(&e, &usual, client, front);
	ends_speak(&e);
	token = hand_out(front, e.ctx_a);
	assert_int_equal(peer_call(front, PEER_COUNT, ""), 0);
	assert_int_equal(peer_u32(front), 0);
	e.ctx_a = hand_in(front, token);
	ends_speak(&e);
	assert_true(hand_is_used(front, token));
	assert_true(hand_is_used(other, token));
	ends_speak(&e);
	blob_drop(&token);
	ends_delete(&e);
	peer_stop(client);
	peer_stop(front);
	peer_stop(other);
}

static void
works_once_in_another_process(void **state)
{
	struct peer *client = peer_start("mit", NULL), *front = peer_start("baton", NULL), *worker = peer_start("baton", NULL);
	struct ends e;
	struct blob token;

	(void)state;
	/* Both roles: the acceptor moves, then in another context the initiator. */
	ends_make(&e, &usual, client, front);
	token = hand_out(front, e.ctx_a);
	e.ctx_a = hand_in(worker, token);
	e.a = worker;
	ends_speak(&e);
	assert_true(hand_is_used(front, token));
	assert_true(hand_is_used(worker, token));
	blob_drop(&token);
	ends_delete(&e);

	ends_make(&e, &usual, front, client);
	token = hand_out(front, e.ctx_i);
	e.ctx_i = hand_in(worker, token);
	e.i = worker;
	ends_speak(&e);
	assert_true(hand_is_used(front, token));
	assert_true(hand_is_used(worker, token));
	blob_drop(&token);
	ends_delete(&e);

	/* And both at once. */
	ends_make(&e, &usual, front, worker);
	hand_over_acceptor(&e, front);
	hand_over_initiator(&e, worker);
	ends_speak(&e);
	ends_delete(&e);
	peer_stop(client);
	peer_stop(front);
	peer_stop(worker);
}

/* A token that was used and then deleted, and one whose context was deleted unused. */
static void
stays_used(void **state)
{
	struct peer *client = peer_start("mit", NULL), *front = peer_start("baton", NULL), *worker = peer_start("baton", NULL);
	struct ends e;
	struct blob token[100];

	(void)state;
	for (int n = 0; n < 100; n++) {
		ends_make(&e, &usual, client, front);
		token[n] = hand_out(front, e.ctx_a);
		e.ctx_a = hand_in(worker, token[n]);
		e.a = worker;
		ends_delete(&e);
	}
	for (int n = 0; n < 100; n++) {
		assert_true(hand_is_used(n % 2 ? front : worker, token[n]));
		blob_drop(&token[n]);
	}
	peer_stop(client);
	peer_stop(front);
	peer_stop(worker);
}

enum ending { EXITED, KILLED, EXECED };

static void
outlives_its_exporter(void **state)
{
	struct peer *client = peer_start("mit", NULL), *worker = peer_start("baton", NULL), *front;
	struct ends e;
	struct blob token;

	(void)state;
	for (enum ending how = EXITED; how <= EXECED; how++) {
		front = peer_start("baton", NULL);
		ends_make(&e, &usual, client, front);
		ends_speak(&e);
		token = hand_out(front, e.ctx_a);
		if (how == EXITED)
			peer_stop(front);
		else if (how == KILLED)
			peer_kill(front);
		else
			assert_int_equal(peer_call(front, PEER_EXEC, "s", ""), 0);
		e.ctx_a = hand_in(worker, token);
		e.a = worker;
		ends_speak(&e);
		assert_true(hand_is_used(worker, token));
		if (how == EXECED) {
			/* What the exporter has become is a process like another. */
			assert_true(hand_is_used(front, token));
			hand_over_acceptor(&e, front);
			ends_speak(&e);
			ends_delete(&e);
			peer_stop(front);
		} else {
			ends_delete(&e);
		}
		blob_drop(&token);
	}
	peer_stop(client);
	peer_stop(worker);
}

/* The importer is killed: that one context is lost, and nobody else gets it. */
static void
dies_with_its_importer(void **state)
{
	struct peer *client = peer_start("mit", NULL), *front = peer_start("baton", NULL), *worker = peer_start("baton", NULL);
	struct ends e;
	struct blob token;

	(void)state;
	ends_make(&e, &usual, client, front);
	token = hand_out(front, e.ctx_a);
	(void)hand_in(worker, token);
	peer_kill(worker);
	assert_true(hand_is_used(front, token));
	e.ctx_a = PEER_NONE;
	blob_drop(&token);
	ends_delete(&e);
	peer_stop(client);
	peer_stop(front);
}

static void
passes_through_forks(void **state)
{
	struct peer *client = peer_start("mit", NULL), *front = peer_start("baton", NULL), *worker = peer_start("baton", NULL);
	struct peer *fresh = peer_start("baton", NULL);
	struct ends e;
	struct blob token;

	(void)state;
	/* A child of a process that has used the store exports what it inherited. */
	ends_make(&e, &usual, client, front);
	hand_over_acceptor(&e, worker);
	hand_over_acceptor(&e, front);
	assert_int_equal(peer_call(front, PEER_FORK, ""), 0);
	token = hand_out(front, e.ctx_a);
	e.ctx_a = hand_in(worker, token);
	e.a = worker;
	assert_int_equal(peer_call(front, PEER_EXIT, ""), 0);
	assert_true(hand_is_used(front, token));
	ends_speak(&e);
	blob_drop(&token);

	/* And one whose parent never touched the store imports, and hands on. */
	token = hand_out(worker, e.ctx_a);
	assert_int_equal(peer_call(fresh, PEER_FORK, ""), 0);
	e.ctx_a = hand_in(fresh, token);
	e.a = fresh;
	ends_speak(&e);
	hand_over_acceptor(&e, worker);
	assert_int_equal(peer_call(fresh, PEER_EXIT, ""), 0);
	assert_true(hand_is_used(fresh, token));
	ends_speak(&e);
	blob_drop(&token);
	ends_delete(&e);
	peer_stop(client);
	peer_stop(worker);
	peer_stop(front);
	peer_stop(fresh);
}

static void
goes_on_fifty_times(void **state)
{
	static const char *const services[] = { "enc17", "enc18", "enc19", "enc20", "enc25", "enc26", "enc16", "enc23" };
	struct peer *client = peer_start("mit", NULL), *hands[3];
	struct ends e;

	(void)state;
	for (int n = 0; n < 3; n++)
		hands[n] = peer_start("baton", NULL);
	for (size_t n = 0; n < sizeof(services) / sizeof(*services); n++) {
		struct setup s = usual;

		s.service = services[n];
		ends_make(&e, &s, client, hands[0]);
		for (int turn = 1; turn <= 50; turn++) {
			hand_over_acceptor(&e, hands[turn % 3]);
			ends_speak(&e);
		}
		ends_delete(&e);
		ends_make(&e, &s, hands[0], client);
		for (int turn = 1; turn <= 50; turn++) {
			hand_over_initiator(&e, hands[turn % 3]);
			ends_speak(&e);
		}
		ends_delete(&e);
	}
	peer_stop(client);
	for (int n = 0; n < 3; n++)
		peer_stop(hands[n]);
}

/* Clocks that a test can turn stand in for waiting; slow.c waits. */
static void
waits_for_ten_minutes(void **state)
{
	struct peer *client = peer_start("mit", NULL), *front = peer_start("baton", NULL), *late = peer_start("baton", NULL);
	static const uint32_t waits[] = { 10, 300, 590 };
	struct ends e;
	struct blob token;

	(void)state;
	for (size_t n = 0; n < 3; n++) {
		ends_make(&e, &usual, client, front);
		token = hand_out(front, e.ctx_a);
		assert_int_equal(peer_call(late, PEER_CLOCK, "u", waits[n]), 0);
		e.ctx_a = hand_in(late, token);
		e.a = late;
		ends_speak(&e);
		ends_delete(&e);
		blob_drop(&token);
	}
	ends_make(&e, &usual, client, front);
	token = hand_out(front, e.ctx_a);
	assert_int_equal(peer_call(late, PEER_CLOCK, "u", 610u), 0);
	assert_int_equal(hand_try(late, token), NO_CONTEXT);
	assert_int_equal(late->minor, MINOR_TOKEN_EXPIRED);
	e.ctx_a = PEER_NONE;
	ends_delete(&e);
	blob_drop(&token);
	peer_stop(client);
	peer_stop(front);
	peer_stop(late);
}

/* A context that ends in a minute leaves a token that ends with it. */
static void
waits_no_longer_than_the_context(void **state)
{
	struct peer *client = peer_start("baton", NULL), *server = peer_start("mit", NULL), *late = peer_start("baton", NULL);
	struct ends e;
	struct blob token;
	uint32_t lifetime;

	(void)state;
	ends_make(&e, &usual, client, server);
	assert_int_equal(peer_call(client, PEER_TIME, "u", e.ctx_i), COMPLETE);
	lifetime = peer_u32(client);
	assert_int_equal(peer_call(client, PEER_CLOCK, "u", lifetime - 60), 0);
	token = hand_out(client, e.ctx_i);
	assert_int_equal(peer_call(late, PEER_CLOCK, "u", lifetime + 2), 0);
	assert_int_equal(hand_try(late, token), NO_CONTEXT);
	assert_int_equal(peer_call(late, PEER_CLOCK, "u", lifetime - 50), 0);
	e.ctx_i = hand_in(late, token);
	e.i = late;
	ends_speak(&e);
	ends_delete(&e);
	blob_drop(&token);
	peer_stop(client);
	peer_stop(server);
	peer_stop(late);
}

/* Once it has the store open, a process no longer needs its way there, nor its descriptor. */
static void
daemons_and_jails(void **state)
{
	struct peer *mit = peer_start("mit", NULL), *front = peer_start("baton", NULL), *worker = peer_start("baton", NULL);
	struct ends e;

	(void)state;
	ends_make(&e, &usual, mit, front);
	hand_over_acceptor(&e, worker);
	assert_int_equal(peer_call(front, PEER_CLOSE, ""), 0);
	hand_over_acceptor(&e, front);
	ends_speak(&e);
	if (geteuid() == 0)
		assert_int_equal(peer_call(worker, PEER_CHROOT, "s", claims_dir()), 0);
	hand_over_acceptor(&e, worker);
	ends_speak(&e);
	hand_over_acceptor(&e, front);
	ends_speak(&e);
	ends_delete(&e);
	peer_stop(mit);
	peer_stop(front);
	peer_stop(worker);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(works_once_in_the_same_process),
		cmocka_unit_test(works_once_in_another_process),
		cmocka_unit_test(stays_used),
		cmocka_unit_test(outlives_its_exporter),
		cmocka_unit_test(dies_with_its_importer),
		cmocka_unit_test(passes_through_forks),
		cmocka_unit_test(goes_on_fifty_times),
		cmocka_unit_test(waits_for_ten_minutes),
		cmocka_unit_test(waits_no_longer_than_the_context),
		cmocka_unit_test(daemons_and_jails),
	};

	return cmocka_run_group_tests_name("once", tests, claims_begin, claims_end);
}
