#include "support.h"

#include <krb5.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../support/valgrind.h"
#include "base/clock.h"
#include "mech/krb5/mech_krb5.h"

static char dir[256];

static const char *
in_dir(const char *prefix, const char *name)
{
	static char text[4][512];
	static unsigned next;
	char *out = text[next++ % 4];

	snprintf(out, sizeof text[0], "%s%s/%s", prefix, dir, name);
	return out;
}

static int
try(const struct bt_cred_request *request)
{
	struct bt_mcred *cred = (struct bt_mcred *)1;
	int e = bt_mech_krb5.cred_acquire(request, &cred);

	if (e != 0)
		assert_null(cred);
	else
		bt_mech_krb5.cred_free(cred);
	return e;
}

static void
check_name(struct bt_mcred *cred, const char *expected)
{
	struct bt_cred_facts facts;
	int e = bt_mech_krb5.cred_inquire(&bt_mech_krb5, cred, &facts);

	if (e != 0)
		fail_msg("inquire: %d %s", e, bt_err_noted(e) ? bt_err_noted(e) : "");
	if (expected == NULL)
		assert_null(facts.name);
	else
		assert_string_equal(facts.name->text, expected);
	if (facts.usage != BT_USAGE_ACCEPT) {
		assert_true(facts.initiator_expires_at > bt_clock_wall_s());
		assert_true(facts.initiator_expires_at < bt_clock_wall_s() + 86400);
	}
	bt_mn_free(facts.name);
}

static void
opens_as(struct bt_mcred *cred, const char *expected)
{
	struct pair pair = {.flags = BT_CTX_MUTUAL, .initiator_cred = cred};

	pair_open(&pair);
	assert_string_equal(pair.acceptor->initiator->text, expected);
	pair_done(&pair);
}

/* with - run with one environment variable at another value. */
static void
with(const char *variable, const char *value, void (*body)(void))
{
	char *old = getenv(variable) != NULL ? strdup(getenv(variable)) : NULL;

	if (value != NULL)
		setenv(variable, value, 1);
	else
		unsetenv(variable);
	body();
	if (old != NULL)
		setenv(variable, old, 1);
	else
		unsetenv(variable);
	free(old);
}

/* ---- initiator ---- */

static void
test_default(void **state)
{
	struct bt_mcred *cred = acquire(NULL, BT_USAGE_INITIATE, NULL, 0);

	check_name(NULL, "alice@BATON.TEST");
	check_name(cred, "alice@BATON.TEST");
	opens_as(cred, "alice@BATON.TEST");
	bt_mech_krb5.cred_free(cred);
}

static void
bob_by_environment(void)
{
	opens_as(NULL, "bob@BATON.TEST");
}

static void
test_environment_changes(void **state)
{
	opens_as(NULL, "alice@BATON.TEST");
	with("KRB5CCNAME", in_dir("FILE:", "bob.ccache"), bob_by_environment);
	opens_as(NULL, "alice@BATON.TEST");
}

static void
nothing_to_be_had(void)
{
	struct pair pair = {0};
	const char *note;

	pair_run(&pair);
	assert_int_equal(pair.init_error, KRB5_CC_NOTFOUND);
	note = bt_err_noted(pair.init_error);
	assert_non_null(note);
	assert_string_equal(note, "No Kerberos credentials available (default cache: FILE:/nonexistent/cc)");
	pair_done(&pair);
}

static void
without_client_keytab(void)
{
	with("KRB5CCNAME", "FILE:/nonexistent/cc", nothing_to_be_had);
}

static void
test_no_cache(void **state)
{
	with("KRB5_CLIENT_KTNAME", "FILE:/nonexistent/keytab", without_client_keytab);
}

static void
wrong_client(void)
{
	struct bt_mn *bob = import_name("bob", NULL, 0);

	assert_int_equal(try(&(struct bt_cred_request){.name = bob, .usage = BT_USAGE_INITIATE}), KRB5_CC_NOTFOUND);
	assert_string_equal(bt_err_noted(KRB5_CC_NOTFOUND), "Can't find client principal bob@BATON.TEST in cache collection");
	bt_mn_free(bob);
}

static void
test_wrong_client(void **state)
{
	with("KRB5_CLIENT_KTNAME", "FILE:/nonexistent/keytab", wrong_client);
}

static void
test_named_cache(void **state)
{
	struct bt_store_entry store[] = {{"ccache", in_dir("FILE:", "bob.ccache")}};
	struct bt_mcred *cred = acquire(NULL, BT_USAGE_INITIATE, store, 1);
	struct bt_mn *alice = import_name("alice", NULL, 0);

	check_name(cred, "bob@BATON.TEST");
	opens_as(cred, "bob@BATON.TEST");
	bt_mech_krb5.cred_free(cred);
	cred = acquire("bob", BT_USAGE_INITIATE, store, 1);
	opens_as(cred, "bob@BATON.TEST");
	bt_mech_krb5.cred_free(cred);
	assert_int_equal(
	    try(&(struct bt_cred_request){.name = alice, .usage = BT_USAGE_INITIATE, .store = store, .num_store = 1}),
	    BT_ERR_CCACHE_NOMATCH);
	bt_mn_free(alice);
}

static void
test_client_keytab(void **state)
{
	struct bt_store_entry store[] = {{"ccache", "MEMORY:of bob"},
					 {"client_keytab", in_dir("FILE:", "bob.keytab")},
					 {"something else", "is for another mechanism"}};
	struct bt_mcred *cred = acquire(NULL, BT_USAGE_INITIATE, store, 3);

	check_name(cred, "bob@BATON.TEST");
	opens_as(cred, "bob@BATON.TEST");
	bt_mech_krb5.cred_free(cred);
	cred = acquire("bob", BT_USAGE_INITIATE, store, 3);
	opens_as(cred, "bob@BATON.TEST");
	bt_mech_krb5.cred_free(cred);
}

static void
keytab_alone(void)
{
	opens_as(NULL, "alice@BATON.TEST");
}

static void
test_default_client_keytab(void **state)
{
	with("KRB5CCNAME", "MEMORY:filled from the client keytab", keytab_alone);
}

static void
test_password(void **state)
{
	struct bt_mn *bob = import_name("bob", NULL, 0);
	struct bt_cred_request request = {.name = bob, .usage = BT_USAGE_INITIATE, .password = bt_bytes_of_str("wonderland")};
	struct bt_store_entry verify[] = {{"password", "wonderland"}, {"verify", ""}},
			      both[] = {{"password", "wonderland"}, {"ccache", "MEMORY:x"}}, alone[] = {{"verify", ""}};
	struct bt_mcred *cred;

	assert_int_equal(bt_mech_krb5.cred_acquire(&request, &cred), 0);
	check_name(cred, "bob@BATON.TEST");
	opens_as(cred, "bob@BATON.TEST");
	bt_mech_krb5.cred_free(cred);
	request.password = bt_bytes_of_str("looking glass");
	assert_int_equal(try(&request), KRB5KDC_ERR_PREAUTH_FAILED);
	request.password = (struct bt_bytes){0};
	request.store = verify;
	request.num_store = 2;
	assert_int_equal(try(&request), 0);
	request.store = both;
	assert_int_equal(try(&request), BT_ERR_BAD_USAGE);
	request.store = alone;
	request.num_store = 1;
	assert_int_equal(try(&request), BT_ERR_BAD_USAGE);
	request = (struct bt_cred_request){.usage = BT_USAGE_INITIATE, .password = bt_bytes_of_str("wonderland")};
	assert_int_equal(try(&request), BT_ERR_BAD_NAME);
	bt_mn_free(bob);
}

static void
pick_from_collection(void)
{
	struct bt_mcred *cred = acquire("bob", BT_USAGE_INITIATE, NULL, 0);

	opens_as(cred, "bob@BATON.TEST");
	bt_mech_krb5.cred_free(cred);
	cred = acquire("alice", BT_USAGE_INITIATE, NULL, 0);
	opens_as(cred, "alice@BATON.TEST");
	bt_mech_krb5.cred_free(cred);
	opens_as(NULL, "alice@BATON.TEST");
}

static void
test_collection(void **state)
{
	char command[4096];

	snprintf(command, sizeof command,
		 "mkdir -p %s/cc && KRB5CCNAME=DIR:%s/cc && export KRB5CCNAME && echo wonderland | kinit bob >/dev/null && "
		 "echo wonderland | kinit alice > /dev/null",
		 dir, dir);
	assert_int_equal(system(command), 0);
	with("KRB5CCNAME", in_dir("DIR:", "cc"), pick_from_collection);
}

static void
expired(void)
{
	struct bt_cred_facts facts;
	struct bt_mcred *cred = acquire(NULL, BT_USAGE_INITIATE, NULL, 0);
	struct pair pair = {.initiator_cred = cred};

	assert_int_equal(bt_mech_krb5.cred_inquire(&bt_mech_krb5, cred, &facts), 0);
	assert_true(facts.initiator_expires_at <= bt_clock_wall_s());
	bt_mn_free(facts.name);
	pair_run(&pair);
	assert_int_equal(pair.init_error, KRB5KRB_AP_ERR_TKT_EXPIRED);
	pair_done(&pair);
	bt_mech_krb5.cred_free(cred);
}

static void
expired_without_keytab(void)
{
	with("KRB5CCNAME", in_dir("FILE:", "short.ccache"), expired);
}

static void
test_expired(void **state)
{
	char command[4096];

	snprintf(command, sizeof command, "echo wonderland | kinit -l 1s -c FILE:%s/short.ccache bob > /dev/null", dir);
	assert_int_equal(system(command), 0);
	sleep(2);
	with("KRB5_CLIENT_KTNAME", "FILE:/nonexistent/keytab", expired_without_keytab);
}

/* ---- acceptor ---- */

static void
no_keytab(void)
{
	assert_int_equal(try(&(struct bt_cred_request){.usage = BT_USAGE_ACCEPT}), KRB5_KT_NOTFOUND);
	assert_string_equal(bt_err_noted(KRB5_KT_NOTFOUND), "Keytab FILE:/nonexistent.kt is nonexistent or empty");
}

static void
test_acceptor(void **state)
{
	struct bt_mn *name = service_name("ldap@server.baton.test");
	struct bt_store_entry keytab[] = {{"keytab", in_dir("FILE:", "alice.keytab")}}, rcache[] = {{"rcache", "none:"}},
			      own_rcache[] = {{"rcache", in_dir("file2:", "own.rcache")}};
	struct bt_mcred *cred;
	struct bt_buf reply;

	with("KRB5_KTNAME", "FILE:/nonexistent.kt", no_keytab);
	assert_int_equal(try(&(struct bt_cred_request){.name = name, .usage = BT_USAGE_ACCEPT}), BT_ERR_KEYTAB_NOMATCH);
	assert_string_equal(bt_err_noted(BT_ERR_KEYTAB_NOMATCH), "No key table entry found matching ldap/server.baton.test@");
	bt_mn_free(name);
	name = import_name("nobody", NULL, 0);
	assert_int_equal(try(&(struct bt_cred_request){.name = name, .usage = BT_USAGE_ACCEPT}), BT_ERR_KEYTAB_NOMATCH);
	bt_mn_free(name);
	cred = acquire(NULL, BT_USAGE_ACCEPT, NULL, 0);
	check_name(cred, "host/server.baton.test@BATON.TEST");
	bt_mech_krb5.cred_free(cred);
	cred = acquire(NULL, BT_USAGE_ACCEPT, keytab, 1);
	check_name(cred, "alice@BATON.TEST");
	bt_mech_krb5.cred_free(cred);
	/* Any host of the service. */
	cred = acquire("host", BT_USAGE_ACCEPT, NULL, 0);
	{
		struct pair pair = {.acceptor_cred = cred},
			    wrong = {.service = "HTTP@server.baton.test", .acceptor_cred = cred};

		pair_open(&pair);
		pair_done(&pair);
		pair_run(&wrong);
		assert_int_equal(wrong.accept_error, KRB5KRB_AP_ERR_NOT_US);
		pair_done(&wrong);
	}
	bt_mech_krb5.cred_free(cred);
	/* Without a replay cache a token is taken again; with one of its own it is not. */
	for (int i = 0; i < 2; i++) {
		cred = acquire("host@server.baton.test", BT_USAGE_ACCEPT, i == 0 ? rcache : own_rcache, 1);
		{
			struct pair pair = {.acceptor_cred = cred};
			struct bt_accept_step step = {.cred = cred};
			struct bt_ctx *ctx = bt_ctx_new(&bt_mech_krb5, false);

			pair_open(&pair);
			step.token = bt_bytes_of_buf(&pair.first);
			assert_int_equal(bt_mech_krb5.accept(ctx, &step, &reply, NULL), i == 0 ? 0 : KRB5KRB_AP_ERR_REPEAT);
			bt_ctx_free(ctx);
			bt_buf_free(&reply);
			pair_done(&pair);
		}
		bt_mech_krb5.cred_free(cred);
	}
	assert_int_equal(access(in_dir("", "own.rcache"), F_OK), 0);
}

static void
test_both(void **state)
{
	struct bt_mcred *cred = acquire(NULL, BT_USAGE_BOTH, NULL, 0), *initiator = acquire(NULL, BT_USAGE_INITIATE, NULL, 0),
			*acceptor = acquire(NULL, BT_USAGE_ACCEPT, NULL, 0);
	struct pair pair = {.initiator_cred = cred, .acceptor_cred = cred}, crossed = {.initiator_cred = acceptor};
	struct bt_ctx *ctx = bt_ctx_new(&bt_mech_krb5, false);
	struct bt_accept_step step = {.cred = initiator, .token = bt_bytes_of_str("x")};
	struct bt_buf none;

	check_name(cred, "alice@BATON.TEST");
	pair_open(&pair);
	pair_done(&pair);
	pair_run(&crossed);
	assert_int_equal(crossed.init_error, BT_ERR_NO_CRED);
	pair_done(&crossed);
	assert_int_equal(bt_mech_krb5.accept(ctx, &step, &none, NULL), BT_ERR_NO_CRED);
	bt_ctx_free(ctx);
	bt_mech_krb5.cred_free(cred);
	bt_mech_krb5.cred_free(initiator);
	bt_mech_krb5.cred_free(acceptor);
}

/* A key that is added while the credential is in use is found, and one that is removed is gone, whatever was kept in memory. */
static void
serves(struct bt_mcred *cred, const char *service, bool is_served)
{
	/* More than once: the first use of a credential keeps nothing. */
	for (int i = 0; i < 3; i++) {
		struct pair pair = {.service = service, .acceptor_cred = cred};

		pair_run(&pair);
		assert_int_equal(pair.accept_error == 0, is_served);
		pair_done(&pair);
	}
}

static void
replace_keytab(const char *with)
{
	char command[2048];

	snprintf(command, sizeof command, "cp %s/%s.keytab %s/changing.keytab", dir, with, dir);
	assert_int_equal(system(command), 0);
}

static void
test_keytab_changes(void **state)
{
	struct bt_store_entry store[] = {{"keytab", in_dir("FILE:", "changing.keytab")}};
	struct bt_mcred *cred;
	char command[2048];

	/* Entries 5 to 8 are HTTP's. */
	snprintf(command, sizeof command,
		 "printf 'rkt %s/server.keytab\ndelent 5\ndelent 5\ndelent 5\ndelent 5\nwkt %s/less.keytab\nq\n' | ktutil "
		 ">/dev/null",
		 dir, dir);
	assert_int_equal(system(command), 0);
	replace_keytab("server");
	/* Old enough to be kept in memory. */
	sleep(4);
	cred = acquire(NULL, BT_USAGE_ACCEPT, store, 1);
	serves(cred, "HTTP@server.baton.test", true);
	replace_keytab("less");
	serves(cred, "HTTP@server.baton.test", false);
	serves(cred, "host@server.baton.test", true);
	sleep(4);
	serves(cred, "host@server.baton.test", true);
	replace_keytab("server");
	serves(cred, "HTTP@server.baton.test", true);
	bt_mech_krb5.cred_free(cred);
}

/* ---- threads ---- */

static void *
work(void *ptr)
{
	struct bt_mcred **creds = ptr;

	for (int i = 0; i < 40; i++) {
		struct pair pair = {.flags = BT_CTX_MUTUAL | (i % 8 == 0 ? BT_CTX_DELEG : 0),
				    .initiator_cred = creds[0],
				    .acceptor_cred = creds[1],
				    .wants_delegated = true};

		pair_run(&pair);
		if (pair.init_error != 0 || pair.accept_error != 0)
			return (void *)(intptr_t)1;
		pair_done(&pair);
	}
	return NULL;
}

static void
test_threads(void **state)
{
	struct bt_mcred *creds[2];
	pthread_t threads[4];
	void *result;

	/* It runs one thread at a time, and does not know that F_OFD_SETLKW, with which libkrb5 locks, may wait for another. */
	if (is_under_valgrind())
		skip();
	creds[0] = acquire(NULL, BT_USAGE_INITIATE, NULL, 0);
	creds[1] = acquire(NULL, BT_USAGE_ACCEPT, NULL, 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, creds), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_null(result);
	}
	bt_mech_krb5.cred_free(creds[0]);
	bt_mech_krb5.cred_free(creds[1]);
}

/* ---- configuration ---- */

static void
other_realm(void)
{
	struct bt_mn *mn = import_name("alice", NULL, 0);

	assert_string_equal(mn->text, "alice@ELSEWHERE.TEST");
	bt_mn_free(mn);
}

static void
test_config_changes(void **state)
{
	struct bt_mn *mn = import_name("alice", NULL, 0);
	char path[512];
	FILE *file;

	assert_string_equal(mn->text, "alice@BATON.TEST");
	bt_mn_free(mn);
	snprintf(path, sizeof path, "%s/other.conf", dir);
	assert_non_null(file = fopen(path, "w"));
	fputs("[libdefaults]\n default_realm = ELSEWHERE.TEST\n", file);
	fclose(file);
	with("KRB5_CONFIG", path, other_realm);
	mn = import_name("alice", NULL, 0);
	assert_string_equal(mn->text, "alice@BATON.TEST");
	bt_mn_free(mn);
}

/* ---- forks ---- */

static int held[2];

static void *
hold(void *cred)
{
	char c;

	assert_int_equal(bt_krb5_cred_lock(cred), 0);
	assert_int_equal(write(held[1], "", 1), 1);
	/* Until the test says so. */
	assert_int_equal(read(held[1], &c, 1), 1);
	bt_krb5_cred_unlock(cred);
	return NULL;
}

/* A child that has a credential which another thread was at has none, and is told so; other credentials it has. */
static void
test_forked(void **state)
{
	struct bt_mcred *cred = bt_krb5_cred_new(BT_USAGE_INITIATE), *unused = bt_krb5_cred_new(BT_USAGE_INITIATE);
	struct bt_cred_facts facts;
	pthread_t thread;
	int status;
	pid_t pid;
	char c;

	assert_true(cred != NULL && unused != NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, held), 0);
	assert_int_equal(pthread_create(&thread, NULL, hold, cred), 0);
	assert_int_equal(read(held[0], &c, 1), 1);
	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		alarm(60);
		if (bt_mech_krb5.cred_inquire(&bt_mech_krb5, cred, &facts) != BT_ERR_CRED_FORKED)
			_exit(1);
		bt_mech_krb5.cred_free(cred);
		_exit(bt_krb5_cred_lock(unused) == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(write(held[0], "", 1), 1);
	pthread_join(thread, NULL);
	assert_int_equal(bt_krb5_cred_lock(cred), 0);
	bt_krb5_cred_unlock(cred);
	bt_mech_krb5.cred_free(cred);
	bt_mech_krb5.cred_free(unused);
	close(held[0]);
	close(held[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_default),
	    cmocka_unit_test(test_environment_changes),
	    cmocka_unit_test(test_no_cache),
	    cmocka_unit_test(test_wrong_client),
	    cmocka_unit_test(test_named_cache),
	    cmocka_unit_test(test_client_keytab),
	    cmocka_unit_test(test_default_client_keytab),
	    cmocka_unit_test(test_password),
	    cmocka_unit_test(test_collection),
	    cmocka_unit_test(test_expired),
	    cmocka_unit_test(test_acceptor),
	    cmocka_unit_test(test_both),
	    cmocka_unit_test(test_keytab_changes),
	    cmocka_unit_test(test_threads),
	    cmocka_unit_test(test_config_changes),
	    cmocka_unit_test(test_forked),
	};

	if (getenv("BATON_REALM_DIR") == NULL) {
		fprintf(stderr, "not run under a test realm: BATON_REALM_DIR is not set\n");
		return 1;
	}
	snprintf(dir, sizeof dir, "%s", getenv("BATON_REALM_DIR"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
