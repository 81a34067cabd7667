/* Tokens that really wait: ten seconds by default, as long as TRANSFER_WAIT says otherwise (five minutes in the slow suite). */
#include "support/hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void
waits(void **state)
{
	struct setup s = { .service = "host", .flags = MUTUAL | REPLAY | SEQUENCE | CONF | INTEG };
	const char *seconds = getenv("TRANSFER_WAIT");
	struct peer *client = peer_start("mit", NULL), *front = peer_start("baton", NULL), *killed = peer_start("baton", NULL), *worker;
	struct ends e, second;
	struct blob token, second_token;

	(void)state;
	ends_make(&e, &s, client, front);
	ends_make(&second, &s, client, killed);
	ends_speak(&e);
	token = hand_out(front, e.ctx_a);
	second_token = hand_out(killed, second.ctx_a);
	peer_kill(killed);
	sleep(seconds != NULL ? (unsigned)atoi(seconds) : 10);
	worker = peer_start("baton", NULL);
	e.ctx_a = hand_in(worker, token);
	e.a = worker;
	second.ctx_a = hand_in(worker, second_token);
	second.a = worker;
	ends_speak(&e);
	ends_speak(&second);
	assert_true(hand_is_used(front, token));
	assert_true(hand_is_used(front, second_token));
	ends_delete(&e);
	ends_delete(&second);
	blob_drop(&token);
	blob_drop(&second_token);
	peer_stop(client);
	peer_stop(front);
	peer_stop(worker);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(waits) };

	return cmocka_run_group_tests_name("slow", tests, claims_begin, claims_end);
}
