/*
 * Who may import: processes of a group, a session, a number, a control group, another account.
 */
#include "stranger.h"

#include "support/account.h"
#include "support/hand.h"
#include "support/root.h"
#include "support/self.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ALICE = 65431, BOB = 65432 };

/* ---- importers: children that do something first ---- */

static int
in_a_session(void)
{
	return setsid() > 0 ? 0 : -1;
}

static int
in_a_group(void)
{
	return setpgid(0, 0);
}

static int
as_bob(void)
{
	return setgid(BOB) == 0 && setuid(BOB) == 0 ? 0 : -1;
}

static int
as_alice(void)
{
	return setgid(ALICE) == 0 && setuid(ALICE) == 0 ? 0 : -1;
}

static int
in_a_cgroup_namespace(void)
{
	return unshare(CLONE_NEWCGROUP);
}

/* Refused again and again, and none the worse for it. */
static void
assert_audience(const char *audience, int (*outside)(void))
{
	gss_buffer_desc token;
	struct strangers p;
	OM_uint32 minor;

	stranger_token(&p, audience, &token);
	for (int n = 0; n < 3; n++)
		assert_int_equal(stranger_in_child(outside, &token), REFUSED);
	assert_int_equal(stranger_in_child(NULL, &token), IMPORTED);
	assert_int_equal(stranger_in_child(NULL, &token), NONE);
	assert_int_equal(stranger_in_child(outside, &token), NONE);
	gss_release_buffer(&minor, &token);
	stranger_finish(&p);
	stranger_token(&p, audience, &token);
	assert_int_equal(gss_import_sec_context(&minor, &token, &p.a), GSS_S_COMPLETE);
	assert_true(self_send(p.i, p.a, "here again"));
	gss_release_buffer(&minor, &token);
	stranger_finish(&p);
}

static void
any_process_of_the_user(void **state)
{
	gss_buffer_desc token;
	struct strangers p;
	OM_uint32 minor;

	(void)state;
	stranger_token(&p, "user", &token);
	assert_int_equal(((uint8_t *)token.value)[AUDIENCE_AT], 0);
	assert_int_equal(stranger_in_child(in_a_session, &token), IMPORTED);
	gss_release_buffer(&minor, &token);
	stranger_finish(&p);
}

static void
a_session(void **state)
{
	(void)state;
	assert_audience("session", in_a_session);
}

static void
a_group(void **state)
{
	(void)state;
	assert_audience("process-group", in_a_group);
	/* All that is asked for must fit. */
	assert_audience("session,process-group", in_a_group);
	assert_audience(" process-group session ", in_a_session);
}

/* A daemon's leader has ended before its workers import. */
static void
a_session_without_leader(void **state)
{
	int ends[2], status = -1;
	pid_t leader;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	leader = fork();
	if (leader == 0) {
		gss_buffer_desc token;
		struct strangers p;

		setsid();
		stranger_token(&p, "session", &token);
		leader = getpid();
		if (fork() != 0)
			_exit(0);
		while (getppid() == leader)
			usleep(1000);
		/* What was known of the leader is forgotten within a second. */
		usleep(1100000);
		status = stranger_import(&token);
		_exit(write(ends[1], &status, sizeof(status)) == sizeof(status) ? 0 : 1);
	}
	close(ends[1]);
	assert_int_equal(stranger_status(leader), 0);
	assert_int_equal(read(ends[0], &status, sizeof(status)), sizeof(status));
	assert_int_equal(status, IMPORTED);
	close(ends[0]);
}

static void
one_process(void **state)
{
	char audience[40];
	gss_buffer_desc token;
	int ends[2];
	struct strangers p;
	OM_uint32 minor;
	pid_t child;

	(void)state;
	for (int twice = 0; twice < 2; twice++) {
		assert_int_equal(pipe(ends), 0);
		child = fork();
		if (child == 0) {
			struct { size_t len; char bytes[1024]; } here;

			close(ends[1]);
			if (read(ends[0], &here, sizeof(here)) != sizeof(here))
				_exit(NOT_READY);
			_exit(stranger_import(&(gss_buffer_desc){ here.len, here.bytes }));
		}
		close(ends[0]);
		snprintf(audience, sizeof(audience), "pid=%d%s", (int)child, twice ? " session process-group" : "");
		stranger_token(&p, audience, &token);
		assert_int_equal(stranger_in_child(NULL, &token), REFUSED);
		assert_int_equal(stranger_import(&token), REFUSED);
		{
			struct { size_t len; char bytes[1024]; } there = { token.length, "" };

			assert_true(token.length <= sizeof(there.bytes));
			memcpy(there.bytes, token.value, token.length);
			assert_int_equal(write(ends[1], &there, sizeof(there)), sizeof(there));
		}
		assert_int_equal(stranger_status(child), IMPORTED);
		assert_int_equal(stranger_import(&token), NONE);
		close(ends[1]);
		gss_release_buffer(&minor, &token);
		stranger_finish(&p);
		/* The process has ended, and so has its number. */
		usleep(1100000);
		stranger_establish(&p);
		stranger_refused(&p, audience, AUDIENCE, "no process");
		stranger_finish(&p);
	}
}

static void
a_cgroup(void **state)
{
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0)
		_exit(in_a_cgroup_namespace() != 0);
	if (stranger_status(child) != 0)
		skip();
	/* The children begin with what their parent has known for less than a second; so does this one, for its part. */
	{
		gss_buffer_desc token;
		struct strangers p;
		OM_uint32 minor;

		stranger_token(&p, "cgroup", &token);
		child = fork();
		if (child == 0) {
			int e = in_a_cgroup_namespace();

			usleep(1100000);
			_exit(e != 0 ? NOT_READY : stranger_import(&token));
		}
		assert_int_equal(stranger_status(child), REFUSED);
		assert_int_equal(stranger_in_child(in_a_session, &token), IMPORTED);
		gss_release_buffer(&minor, &token);
		stranger_finish(&p);
	}
}

/* In a namespace of its own the group is the root, whatever it is called outside. So it is in the next one; but that is another. */
static void
cgroups_of_the_same_name(void **state)
{
	enum { CANNOT = 100, EXPORTER_IS_REFUSED, NEXT_IS_NOT_REFUSED };
	int status;
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0) {
		gss_buffer_desc token;
		struct strangers p;

		if (in_a_cgroup_namespace() != 0)
			_exit(CANNOT);
		/* What was known of the group is forgotten within a second. */
		usleep(1100000);
		stranger_token(&p, "cgroup", &token);
		child = fork();
		if (child == 0) {
			int e = in_a_cgroup_namespace();

			usleep(1100000);
			_exit(e != 0 ? NOT_READY : stranger_import(&token));
		}
		if (stranger_status(child) != REFUSED)
			_exit(NEXT_IS_NOT_REFUSED);
		_exit(stranger_import(&token) == IMPORTED ? 0 : EXPORTER_IS_REFUSED);
	}
	status = stranger_status(child);
	if (status == CANNOT)
		skip();
	assert_int_equal(status, 0);
}

/* ---- nobody is told a lie about a token that was altered ---- */

static void
altered_headers(void **state)
{
	static const char *const audiences[] = { "session", "process-group", "cgroup", "session process-group cgroup" };
	gss_buffer_desc token;
	struct strangers p;
	OM_uint32 minor;

	(void)state;
	for (size_t n = 0; n < sizeof(audiences) / sizeof(*audiences); n++) {
		uint8_t *at;

		stranger_token(&p, audiences[n], &token);
		at = token.value;
		for (size_t bit = HEADER_AT * 8; bit < token.length * 8; bit++) {
			int answer;

			at[bit / 8] ^= (uint8_t)(1 << bit % 8);
			answer = stranger_import(&token);
			at[bit / 8] ^= (uint8_t)(1 << bit % 8);
			/* The place of a store that other tokens have may be one that is not here; its name, slot and times say "gone". */
			if (answer != DEFECTIVE && answer != NONE)
				fail_msg("%s, byte %zu, bit %zu: %d", audiences[n], bit / 8, bit % 8, answer);
			if (bit / 8 == AUDIENCE_AT || bit / 8 >= HEADER_END)
				assert_int_equal(answer, DEFECTIVE);
		}
		for (size_t len = 1; len < token.length; len++)
			assert_int_not_equal(stranger_import(&(gss_buffer_desc){ len, token.value }), IMPORTED);
		assert_int_equal(stranger_import(&token), IMPORTED);
		gss_release_buffer(&minor, &token);
		stranger_finish(&p);
	}
}

/* ---- other accounts ---- */

static char box_dir[] = "/dev/shm/baton-65432";

static void
box_path(const gss_buffer_desc *token, char path[static 100])
{
	const uint8_t *id = (uint8_t *)token->value + STORE_ID_AT;
	int len = snprintf(path, 100, "%s/", box_dir);

	for (int n = 0; n < 16; n++)
		len += snprintf(path + len, 100 - (size_t)len, "%02x", id[n]);
}

static void
another_account(void **state)
{
	static const char *const audiences[] = { "uid=65432", "uid=65432 session" };
	gss_buffer_desc token;
	char path[100];
	struct stat st;
	struct strangers p;
	OM_uint32 minor;

	(void)state;
	if (!account_is_free(BOB))
		skip();
	for (int n = 0; n < 2; n++) {
		stranger_token(&p, audiences[n], &token);
		box_path(&token, path);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_uid, BOB);
		assert_int_equal(st.st_mode, S_IFREG | 0600);
		assert_int_equal(stat(box_dir, &st), 0);
		assert_int_equal(st.st_uid, BOB);
		assert_int_equal(st.st_mode, S_IFDIR | 0700);
		for (int again = 0; again < 2; again++) {
			assert_int_equal(stranger_import(&token), REFUSED);
			assert_int_equal(stranger_in_child(as_alice, &token), REFUSED);
		}
		assert_int_equal(stranger_in_child(as_bob, &token), IMPORTED);
		assert_int_equal(stranger_in_child(as_bob, &token), NONE);
		assert_int_equal(stranger_in_child(as_alice, &token), REFUSED);
		assert_int_equal(stat(path, &st), -1);
		gss_release_buffer(&minor, &token);
		stranger_finish(&p);
	}
	/* The account's own number is nothing special. */
	stranger_token(&p, "uid=0", &token);
	assert_int_equal(((uint8_t *)token.value)[AUDIENCE_AT], 0);
	assert_int_equal(stranger_in_child(as_bob, &token), REFUSED);
	assert_int_equal(stranger_import(&token), IMPORTED);
	gss_release_buffer(&minor, &token);
	stranger_finish(&p);
}

/* Whatever bit is changed: the account it is for is not told that it is for another, and root's is not told that it is root's. */
static void
altered_headers_of_another_account(void **state)
{
	gss_buffer_desc token;
	struct strangers p;
	OM_uint32 minor;
	pid_t child;

	(void)state;
	if (!account_is_free(BOB))
		skip();
	stranger_token(&p, "uid=65432", &token);
	child = fork();
	if (child == 0) {
		uint8_t *at = token.value;

		if (as_bob() != 0)
			_exit(NOT_READY);
		for (size_t bit = HEADER_AT * 8; bit < token.length * 8; bit++) {
			size_t byte = bit / 8;
			int answer;

			at[byte] ^= (uint8_t)(1 << bit % 8);
			answer = stranger_import(&token);
			at[byte] ^= (uint8_t)(1 << bit % 8);
			/* A place with no store of this account in it is no context; neither is a file that is not there. */
			if (answer == IMPORTED || answer == REFUSED || answer == OTHERWISE) {
				fprintf(stderr, "byte %zu, bit %zu: %d\n", byte, bit % 8, answer);
				_exit(NOT_READY);
			}
		}
		_exit(stranger_import(&token));
	}
	assert_int_equal(stranger_status(child), IMPORTED);
	gss_release_buffer(&minor, &token);
	stranger_finish(&p);
}

static int
as_somebody_else(void)
{
	struct strangers p;

	if (as_alice() != 0)
		return -1;
	/* Its own claims are somewhere else than this test's. */
	unsetenv("BATON_CLAIM_DIR");
	stranger_establish(&p);
	stranger_refused(&p, "uid=65432", AUDIENCE_ACCOUNT, "baton_send_sec_context");
	stranger_refused(&p, "user=root", AUDIENCE_ACCOUNT, "root");
	stranger_finish(&p);
	return 0;
}

static void
accounts_that_are_not_roots_to_serve(void **state)
{
	pid_t child;

	(void)state;
	if (!is_root())
		skip();
	child = fork();
	if (child == 0)
		_exit(as_somebody_else() != 0);
	assert_int_equal(stranger_status(child), 0);
}

/* Somebody was there first, to be in the way, or to be followed. */
static void
directories_in_the_way(void **state)
{
	struct strangers p;
	struct stat st;

	(void)state;
	if (!account_is_free(BOB))
		skip();
	stranger_establish(&p);
	assert_int_equal(mkdir(box_dir, 0700), 0);
	assert_int_equal(chown(box_dir, ALICE, ALICE), 0);
	stranger_refused(&p, "uid=65432", STORE_OWNER, box_dir);
	assert_int_equal(rmdir(box_dir), 0);

	assert_int_equal(symlink("/etc", box_dir), 0);
	stranger_refused(&p, "uid=65432", STORE_MODE, box_dir);
	assert_int_equal(stat("/etc", &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(unlink(box_dir), 0);

	assert_int_equal(mkdir(box_dir, 0), 0);
	assert_int_equal(chmod(box_dir, 0755), 0);
	assert_int_equal(chown(box_dir, BOB, BOB), 0);
	stranger_refused(&p, "uid=65432", STORE_MODE, box_dir);
	assert_int_equal(rmdir(box_dir), 0);
	stranger_finish(&p);
}

static int
begin_for_bob(void **state)
{
	(void)state;
	account_begin(BOB);
	return 0;
}

static int
end_for_bob(void **state)
{
	(void)state;
	account_end(BOB);
	return 0;
}

int
main(void)
{
#define BOBS_TEST(name) cmocka_unit_test_setup_teardown(name, begin_for_bob, end_for_bob)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_process_of_the_user),
		cmocka_unit_test(a_session),
		cmocka_unit_test(a_group),
		cmocka_unit_test(a_session_without_leader),
		cmocka_unit_test(one_process),
		cmocka_unit_test(a_cgroup),
		cmocka_unit_test(cgroups_of_the_same_name),
		cmocka_unit_test(altered_headers),
		BOBS_TEST(another_account),
		BOBS_TEST(altered_headers_of_another_account),
		cmocka_unit_test(accounts_that_are_not_roots_to_serve),
		BOBS_TEST(directories_in_the_way),
	};

	/* No realm: what looks for one finds nothing. */
	setenv("KRB5_CONFIG", "/dev/null", 1);
	setenv("KRB5_KTNAME", "FILE:/proc/none", 1);
	setenv("KRB5CCNAME", "FILE:/proc/none", 1);
	setenv("KRB5_CLIENT_KTNAME", "FILE:/proc/none", 1);
	setenv("GSS_MECH_CONFIG", "/dev/null", 1);
	unsetenv("BATON_TRANSFER");
	return cmocka_run_group_tests_name("audience", tests, claims_begin, claims_end);
}
