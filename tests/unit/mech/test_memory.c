/* Every nth allocation of the mechanism fails in turn: nothing leaks, outputs are empty, and the next try works. */
#include "support.h"

#include <string.h>
#include <time.h>

#include "../message/failing_mem.h"
#include "base/clock.h"

/*
 * In the place of base/clock.c. The realm's keytab is a moment old, and one that has just changed is not kept in memory: some seconds later
 * it is, which must not happen amid a count of what is in memory.
 */
enum { LATER_S = 10 };

int64_t
bt_clock_wall_s(void)
{
	return (int64_t)time(NULL) + LATER_S;
}

int64_t
bt_clock_boot_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return ((int64_t)now.tv_sec + LATER_S) * 1000;
}

/* What stays for good: the thread's library, and the credential's snapshot. */
static void
warm_up(void)
{
	for (int i = 0; i < 3; i++) {
		struct pair pair = {.flags = BT_CTX_MUTUAL};

		pair_open(&pair);
		pair_done(&pair);
	}
}

static struct bt_mcred *acceptor;

struct scene {
	uint32_t flags;
	bool wants_delegated, has_bindings;
};

/* Both sides, once. True: it went through. */
static bool
play(const struct scene *scene)
{
	struct bt_bindings bindings = {.application_data = bt_bytes_of_str("bound")};
	struct bt_mn *target = service_name("host@server.baton.test");
	struct bt_ctx *a = bt_ctx_new(&bt_mech_krb5, true), *b = bt_ctx_new(&bt_mech_krb5, false);
	struct bt_buf token = {0}, reply = {0};
	struct bt_mcred *delegated = NULL;
	struct bt_init_step init = {.target = target, .flags = scene->flags};
	struct bt_accept_step accept = {.cred = acceptor};
	long first = mem_allocations, fail_at = mem_fail_at;
	int e = 0;

	if (scene->has_bindings)
		init.bindings = accept.bindings = &bindings;
	/* The names and contexts of the test are not at stake. */
	if (fail_at >= 0)
		mem_fail_at = first + fail_at;
	while (e == 0 && (a->stage != BT_CTX_OPEN || b->stage != BT_CTX_OPEN)) {
		bt_buf_free(&token);
		init.token = bt_bytes_of_buf(&reply);
		if ((e = bt_mech_krb5.init(a, &init, &token)) != 0) {
			assert_int_equal(token.len, 0);
			assert_null(token.ptr);
			break;
		}
		bt_buf_free(&reply);
		if (token.len == 0)
			break;
		accept.token = bt_bytes_of_buf(&token);
		e = bt_mech_krb5.accept(b, &accept, &reply, scene->wants_delegated && delegated == NULL ? &delegated : NULL);
		if (e != 0)
			assert_null(delegated);
	}
	mem_fail_at = -1;
	if (e != 0)
		assert_int_equal(e, BT_ERR_NOMEM);
	if (e == 0) {
		assert_int_equal(a->stage, BT_CTX_OPEN);
		assert_int_equal(b->stage, BT_CTX_OPEN);
		both_ways(a->msg, b->msg);
	}
	bt_buf_free(&token);
	bt_buf_free(&reply);
	bt_mech_krb5.cred_free(delegated);
	bt_ctx_free(a);
	bt_ctx_free(b);
	bt_mn_free(target);
	return e == 0;
}

static void
play_with_failures(const struct scene *scene)
{
	long live, n;

	warm_up();
	assert_true(play(scene));
	assert_true(play(scene));
	live = mem_live;
	for (n = 0; n < 1000; n++) {
		bool passed;

		mem_fail_at = n;
		passed = play(scene);
		assert_int_equal(mem_live, live);
		/* What can be done without (a refusal's token, a snapshot) may pass though an allocation failed. */
		if (passed && n > 100)
			break;
	}
	assert_true(n > 100 && n < 1000);
	assert_true(play(scene));
}

static void
test_handshakes(void **state)
{
	static const struct scene scenes[] = {
	    {0},
	    {.flags = BT_CTX_MUTUAL, .has_bindings = true},
	    {.flags = BT_CTX_DCE_STYLE},
	    {.flags = BT_CTX_DELEG | BT_CTX_MUTUAL, .wants_delegated = true},
	    {.flags = BT_CTX_CHANNEL_BOUND, .has_bindings = true},
	};

	for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
		play_with_failures(&scenes[i]);
}

/* ---- one call at a time ---- */

static int
acquire_some(const void *arg)
{
	struct bt_mcred *cred = (struct bt_mcred *)1;
	int e = bt_mech_krb5.cred_acquire(arg, &cred);

	if (e != 0) {
		assert_null(cred);
	} else {
		struct bt_cred_facts facts;

		if ((e = bt_mech_krb5.cred_inquire(&bt_mech_krb5, cred, &facts)) != 0)
			assert_null(facts.name);
		bt_mn_free(facts.name);
		bt_mech_krb5.cred_free(cred);
	}
	return e;
}

static int
import_some(const void *arg)
{
	struct bt_mn *mn = (struct bt_mn *)1;
	int e = bt_mech_krb5.name_import(&bt_mech_krb5, bt_bytes_of_str("host@server.baton.test"), bt_bytes_of(HOSTBASED, 10), &mn);

	if (e != 0)
		assert_null(mn);
	else
		bt_mn_free(mn);
	return e;
}

static int
ask_some(const void *arg)
{
	const struct bt_ctx *ctx = arg;
	static const char *const questions[] = {"\x01", "\x05", "\x0a\x01", "\x0c", "\x0f"};
	int e = 0;

	for (size_t i = 0; i < 5 && e == 0; i++) {
		struct bt_answers answers;
		char what[16] = "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05";

		strcat(what, questions[i]);
		e = bt_mech_krb5.inquire(ctx, bt_bytes_of_str(what), &answers);
		if (e != 0)
			assert_int_equal(answers.num_items, 0);
		bt_answers_free(&answers);
	}
	return e;
}

/* To text and back, with tickets in it. */
static int
carry_some(const void *arg)
{
	struct bt_mcred *cred = (struct bt_mcred *)(uintptr_t)arg, *copy = NULL;
	struct bt_buf text = {0};
	struct bt_wr wr;
	int e;

	bt_wr_init(&wr);
	e = bt_mech_krb5.cred_export(cred, &wr);
	if (e == 0)
		e = bt_wr_take(&wr, &text);
	bt_wr_done(&wr);
	if (e == 0 && (e = bt_mech_krb5.cred_import(&bt_mech_krb5, bt_bytes_of_buf(&text), &copy)) != 0)
		assert_null(copy);
	bt_mech_krb5.cred_free(copy);
	bt_buf_free(&text);
	return e;
}

static int
impersonate_some(const void *arg)
{
	struct bt_mcred *host = (struct bt_mcred *)(uintptr_t)arg, *cred = NULL;
	struct bt_mn *bob = bt_mn_new(1, false, bt_bytes_of_str("bob@BATON.TEST"), NULL, NULL);
	struct bt_answers answers = {0};
	int e;

	if (bob == NULL)
		return BT_ERR_NOMEM;
	if ((e = bt_mech_krb5.cred_impersonate(host, bob, 0, &cred)) != 0)
		assert_null(cred);
	if (e == 0)
		e = bt_mech_krb5.cred_ask(cred, bt_bytes_of_str("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x0e"), &answers);
	if (e == 0)
		assert_int_equal(answers.num_items, 1);
	bt_answers_free(&answers);
	bt_mech_krb5.cred_free(cred);
	bt_mn_free(bob);
	return e;
}

static int
store_some(const void *arg)
{
	struct bt_store_entry entry = {"ccache", "MEMORY:stored"};
	struct bt_cred_storage storage = {.usage = BT_USAGE_INITIATE, .overwrites = true, .store = &entry, .num_store = 1};

	return bt_mech_krb5.cred_store((struct bt_mcred *)(uintptr_t)arg, &storage);
}

static int
choose_some(const void *arg)
{
	struct {
		const char *name, **out_name;
	} request = {arg, &(const char *){NULL}};
	int e = bt_mech_krb5.invoke(&bt_mech_krb5, bt_bytes_of_str("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x03"), &request, sizeof request);

	if (e == 0)
		e = bt_mech_krb5.invoke(&bt_mech_krb5, bt_bytes_of_str("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x09"),
					(void *)(uintptr_t) "NOSUCH:x", 8);
	/* Both as they were. */
	request.name = NULL;
	request.out_name = NULL;
	bt_mech_krb5.invoke(&bt_mech_krb5, bt_bytes_of_str("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x03"), &request, sizeof request);
	bt_mech_krb5.invoke(&bt_mech_krb5, bt_bytes_of_str("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x09"), NULL, 0);
	return e;
}

static void
call_with_failures(int (*call)(const void *), const void *arg)
{
	long live;
	int e = BT_ERR_NOMEM;

	assert_int_equal(call(arg), 0);
	live = mem_live;
	for (long n = 0; e != 0 && n < 200; n++) {
		mem_fail_at = mem_allocations + n;
		e = call(arg);
		mem_fail_at = -1;
		if (e != 0)
			assert_int_equal(e, BT_ERR_NOMEM);
		assert_int_equal(mem_live, live);
	}
	assert_int_equal(e, 0);
}

static void
test_calls(void **state)
{
	struct bt_store_entry store[] = {{"ccache", "MEMORY:test"}, {"rcache", "none:"}};
	struct bt_mn *bob = import_name("bob", NULL, 0), *host = service_name("host@server.baton.test");
	struct bt_cred_request requests[] = {
	    {.usage = BT_USAGE_INITIATE},
	    {.usage = BT_USAGE_ACCEPT},
	    {.usage = BT_USAGE_BOTH},
	    {.usage = BT_USAGE_ACCEPT, .name = host, .store = store + 1, .num_store = 1},
	    {.usage = BT_USAGE_INITIATE, .name = bob, .password = bt_bytes_of_str("wonderland")},
	    {.usage = BT_USAGE_INITIATE, .store = store, .num_store = 1}, /* from the client keytab */
	};
	struct pair pair = {.flags = BT_CTX_MUTUAL};

	call_with_failures(import_some, NULL);
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
		call_with_failures(acquire_some, &requests[i]);
	pair_open(&pair);
	call_with_failures(ask_some, pair.acceptor);
	pair_done(&pair);
	bt_mn_free(bob);
	bt_mn_free(host);
}

static void
test_credentials(void **state)
{
	struct pair pair = {.flags = BT_CTX_DELEG | BT_CTX_MUTUAL, .wants_delegated = true};
	struct bt_store_entry store[] = {{"client_keytab", getenv("KRB5_KTNAME")}, {"ccache", "MEMORY:host"}};
	struct bt_mcred *host = acquire("host/server.baton.test", BT_USAGE_INITIATE, store, 2);

	pair_open(&pair);
	assert_non_null(pair.delegated);
	call_with_failures(carry_some, pair.delegated);
	call_with_failures(carry_some, acceptor);
	call_with_failures(store_some, pair.delegated);
	call_with_failures(impersonate_some, host);
	call_with_failures(choose_some, "MEMORY:chosen");
	bt_mech_krb5.cred_free(host);
	pair_done(&pair);
}

/* An acceptor that is an initiator too is given a credential of its clients' in each context. */
static void
test_proxies(void **state)
{
	static const struct scene scene = {.flags = BT_CTX_MUTUAL, .wants_delegated = true};
	struct bt_store_entry store[] = {{"client_keytab", getenv("KRB5_KTNAME")}, {"ccache", "MEMORY:host"}};
	struct bt_mcred *usual = acceptor;

	acceptor = acquire("host/server.baton.test", BT_USAGE_BOTH, store, 2);
	play_with_failures(&scene);
	bt_mech_krb5.cred_free(acceptor);
	acceptor = usual;
}

static int
acquire_acceptor(void **state)
{
	acceptor = acquire(NULL, BT_USAGE_ACCEPT, NULL, 0);
	return 0;
}

static int
release_acceptor(void **state)
{
	bt_mech_krb5.cred_free(acceptor);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_handshakes),
	    cmocka_unit_test(test_calls),
	    cmocka_unit_test(test_credentials),
	    cmocka_unit_test(test_proxies),
	};

	return cmocka_run_group_tests(tests, acquire_acceptor, release_acceptor);
}
