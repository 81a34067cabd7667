/*
 * Who may import: processes of a group, a session, a number, a control group, another account; and where that is said. Contexts are between
 * strangers, so no realm is needed.
 */
#include "support/hand.h"
#include "support/self.h"

#include <baton/baton.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { ALICE = 65431, BOB = 65432, FIRST_MINOR = 1927964672, STORE_OWNER = 21, STORE_MODE = 22, AUDIENCE = 50, AUDIENCE_ACCOUNT, SETTINGS };

/* Offsets into a token of this mechanism, doc/format/token.md. */
enum { HEADER_AT = 14, AUDIENCE_AT = HEADER_AT + 10, EXPIRES_AT = HEADER_AT + 24, STORE_ID_AT = HEADER_AT + 32, HEADER_END = HEADER_AT + 48 };

static gss_OID_desc sanon = { 10, (void *)"\x2b\x06\x01\x04\x01\xa9\x4a\x1a\x01\x6e" };

struct pair {
	gss_ctx_id_t i, a;
};

static void
establish(struct pair *p)
{
	gss_buffer_desc text = { 12, (void *)"host@nowhere" }, there, back = GSS_C_EMPTY_BUFFER, none;
	gss_OID_set_desc only_sanon = { 1, &sanon };
	gss_cred_id_t cred;
	gss_name_t target;
	OM_uint32 minor;

	*p = (struct pair){ 0 };
	assert_int_equal(gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &target), GSS_S_COMPLETE);
	assert_int_equal(gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, &only_sanon, GSS_C_ACCEPT, &cred, NULL, NULL), GSS_S_COMPLETE);
	assert_int_equal(gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &p->i, target, &sanon, GSS_C_ANON_FLAG, 0, NULL, &back, NULL,
					      &there, NULL, NULL),
			 GSS_S_CONTINUE_NEEDED);
	assert_int_equal(gss_accept_sec_context(&minor, &p->a, cred, &there, NULL, NULL, NULL, &back, NULL, NULL, NULL), GSS_S_COMPLETE);
	assert_int_equal(gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &p->i, target, &sanon, GSS_C_ANON_FLAG, 0, NULL, &back, NULL,
					      &none, NULL, NULL),
			 GSS_S_COMPLETE);
	gss_release_buffer(&minor, &there);
	gss_release_buffer(&minor, &back);
	gss_release_cred(&minor, &cred);
	gss_release_name(&minor, &target);
}

static void
finish(struct pair *p)
{
	OM_uint32 minor;

	gss_delete_sec_context(&minor, &p->i, GSS_C_NO_BUFFER);
	gss_delete_sec_context(&minor, &p->a, GSS_C_NO_BUFFER);
}

static OM_uint32
export_for(struct pair *p, const char *audience, gss_buffer_t token, OM_uint32 *minor)
{
	struct baton_transfer_options options = { .version = BATON_TRANSFER_OPTIONS_VERSION, .audience = audience };

	return baton_export_sec_context(minor, &p->a, &options, token);
}

/* An acceptor's end that was exported for an audience. */
static void
make_token(struct pair *p, const char *audience, gss_buffer_t token)
{
	OM_uint32 minor, major;

	establish(p);
	major = export_for(p, audience, token, &minor);
	if (major != GSS_S_COMPLETE)
		self_complain(audience, major, minor);
	assert_int_equal(major, GSS_S_COMPLETE);
	assert_null(p->a);
}

/* The failure is told, the token is none, and the context works on. */
static void
assert_refused_export(struct pair *p, const char *audience, int error, const char *said)
{
	gss_buffer_desc token = { 7, &token }, text;
	OM_uint32 minor, unused, more = 0;

	assert_int_equal(export_for(p, audience, &token, &minor), GSS_S_FAILURE);
	assert_int_equal(minor, FIRST_MINOR + error);
	assert_int_equal(token.length, 0);
	assert_int_equal(gss_display_status(&unused, minor, GSS_C_MECH_CODE, &sanon, &more, &text), GSS_S_COMPLETE);
	if (memmem(text.value, text.length, said, strlen(said)) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", (char *)text.value, said);
	gss_release_buffer(&unused, &text);
	assert_non_null(p->a);
	assert_true(self_send(p->i, p->a, "as before"));
	assert_true(self_send(p->a, p->i, "both ways"));
}

/* ---- importers: children that do something first ---- */

enum { IMPORTED, REFUSED, NONE, DEFECTIVE, OTHERWISE, NOT_READY };

static int
try_import(const gss_buffer_desc *token)
{
	gss_buffer_desc copy = *token;
	gss_ctx_id_t ctx;
	OM_uint32 minor;

	switch (gss_import_sec_context(&minor, &copy, &ctx)) {
	case GSS_S_COMPLETE:
		return IMPORTED;
	case GSS_S_UNAUTHORIZED:
		return REFUSED;
	case GSS_S_NO_CONTEXT:
		return NONE;
	case GSS_S_DEFECTIVE_TOKEN:
		return DEFECTIVE;
	default:
		return OTHERWISE;
	}
}

static int
status_of(pid_t child)
{
	int status;

	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int
in_child(int (*become)(void), const gss_buffer_desc *token)
{
	pid_t child = fork();

	if (child == 0)
		_exit(become != NULL && become() != 0 ? NOT_READY : try_import(token));
	return status_of(child);
}

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
	struct pair p;
	OM_uint32 minor;

	make_token(&p, audience, &token);
	for (int n = 0; n < 3; n++)
		assert_int_equal(in_child(outside, &token), REFUSED);
	assert_int_equal(in_child(NULL, &token), IMPORTED);
	assert_int_equal(in_child(NULL, &token), NONE);
	assert_int_equal(in_child(outside, &token), NONE);
	gss_release_buffer(&minor, &token);
	finish(&p);
	make_token(&p, audience, &token);
	assert_int_equal(gss_import_sec_context(&minor, &token, &p.a), GSS_S_COMPLETE);
	assert_true(self_send(p.i, p.a, "here again"));
	gss_release_buffer(&minor, &token);
	finish(&p);
}

static void
any_process_of_the_user(void **state)
{
	gss_buffer_desc token;
	struct pair p;
	OM_uint32 minor;

	(void)state;
	make_token(&p, "user", &token);
	assert_int_equal(((uint8_t *)token.value)[AUDIENCE_AT], 0);
	assert_int_equal(in_child(in_a_session, &token), IMPORTED);
	gss_release_buffer(&minor, &token);
	finish(&p);
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
		struct pair p;

		setsid();
		make_token(&p, "session", &token);
		leader = getpid();
		if (fork() != 0)
			_exit(0);
		while (getppid() == leader)
			usleep(1000);
		/* What was known of the leader is forgotten within a second. */
		usleep(1100000);
		status = try_import(&token);
		_exit(write(ends[1], &status, sizeof(status)) == sizeof(status) ? 0 : 1);
	}
	close(ends[1]);
	assert_int_equal(status_of(leader), 0);
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
	struct pair p;
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
			_exit(try_import(&(gss_buffer_desc){ here.len, here.bytes }));
		}
		close(ends[0]);
		snprintf(audience, sizeof(audience), "pid=%d%s", (int)child, twice ? " session process-group" : "");
		make_token(&p, audience, &token);
		assert_int_equal(in_child(NULL, &token), REFUSED);
		assert_int_equal(try_import(&token), REFUSED);
		{
			struct { size_t len; char bytes[1024]; } there = { token.length, "" };

			assert_true(token.length <= sizeof(there.bytes));
			memcpy(there.bytes, token.value, token.length);
			assert_int_equal(write(ends[1], &there, sizeof(there)), sizeof(there));
		}
		assert_int_equal(status_of(child), IMPORTED);
		assert_int_equal(try_import(&token), NONE);
		close(ends[1]);
		gss_release_buffer(&minor, &token);
		/* The process has ended, and so has its number. */
		usleep(1100000);
		establish(&p);
		assert_refused_export(&p, audience, AUDIENCE, "no process");
		finish(&p);
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
	if (status_of(child) != 0)
		skip();
	/* The children begin with what their parent has known for less than a second; so does this one, for its part. */
	{
		gss_buffer_desc token;
		struct pair p;
		OM_uint32 minor;

		make_token(&p, "cgroup", &token);
		child = fork();
		if (child == 0) {
			int e = in_a_cgroup_namespace();

			usleep(1100000);
			_exit(e != 0 ? NOT_READY : try_import(&token));
		}
		assert_int_equal(status_of(child), REFUSED);
		assert_int_equal(in_child(in_a_session, &token), IMPORTED);
		gss_release_buffer(&minor, &token);
		finish(&p);
	}
}

/* ---- nobody is told a lie about a token that was altered ---- */

static void
altered_headers(void **state)
{
	static const char *const audiences[] = { "session", "process-group", "cgroup", "session process-group cgroup" };
	gss_buffer_desc token;
	struct pair p;
	OM_uint32 minor;

	(void)state;
	for (size_t n = 0; n < sizeof(audiences) / sizeof(*audiences); n++) {
		uint8_t *at;

		make_token(&p, audiences[n], &token);
		at = token.value;
		for (size_t bit = HEADER_AT * 8; bit < token.length * 8; bit++) {
			int answer;

			at[bit / 8] ^= (uint8_t)(1 << bit % 8);
			answer = try_import(&token);
			at[bit / 8] ^= (uint8_t)(1 << bit % 8);
			/* The place of a store that other tokens have may be one that is not here; its name, slot and times say "gone". */
			if (answer != DEFECTIVE && answer != NONE)
				fail_msg("%s, byte %zu, bit %zu: %d", audiences[n], bit / 8, bit % 8, answer);
			if (bit / 8 == AUDIENCE_AT || bit / 8 >= HEADER_END)
				assert_int_equal(answer, DEFECTIVE);
		}
		for (size_t len = 1; len < token.length; len++)
			assert_int_not_equal(try_import(&(gss_buffer_desc){ len, token.value }), IMPORTED);
		assert_int_equal(try_import(&token), IMPORTED);
		gss_release_buffer(&minor, &token);
		finish(&p);
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
	struct pair p;
	OM_uint32 minor;

	(void)state;
	if (geteuid() != 0)
		skip();
	for (int n = 0; n < 2; n++) {
		make_token(&p, audiences[n], &token);
		box_path(&token, path);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_uid, BOB);
		assert_int_equal(st.st_mode, S_IFREG | 0600);
		assert_int_equal(stat(box_dir, &st), 0);
		assert_int_equal(st.st_uid, BOB);
		assert_int_equal(st.st_mode, S_IFDIR | 0700);
		for (int again = 0; again < 2; again++) {
			assert_int_equal(try_import(&token), REFUSED);
			assert_int_equal(in_child(as_alice, &token), REFUSED);
		}
		assert_int_equal(in_child(as_bob, &token), IMPORTED);
		assert_int_equal(in_child(as_bob, &token), NONE);
		assert_int_equal(in_child(as_alice, &token), REFUSED);
		assert_int_equal(stat(path, &st), -1);
		gss_release_buffer(&minor, &token);
		finish(&p);
	}
	/* The account's own number is nothing special. */
	make_token(&p, "uid=0", &token);
	assert_int_equal(((uint8_t *)token.value)[AUDIENCE_AT], 0);
	assert_int_equal(in_child(as_bob, &token), REFUSED);
	assert_int_equal(try_import(&token), IMPORTED);
	gss_release_buffer(&minor, &token);
	finish(&p);
	(void)rmdir(box_dir);
}

/* Whatever bit is changed: the account it is for is not told that it is for another, and root's is not told that it is root's. */
static void
altered_headers_of_another_account(void **state)
{
	gss_buffer_desc token;
	struct pair p;
	OM_uint32 minor;
	pid_t child;

	(void)state;
	if (geteuid() != 0)
		skip();
	make_token(&p, "uid=65432", &token);
	child = fork();
	if (child == 0) {
		uint8_t *at = token.value;

		if (as_bob() != 0)
			_exit(NOT_READY);
		for (size_t bit = HEADER_AT * 8; bit < token.length * 8; bit++) {
			size_t byte = bit / 8;
			int answer;

			at[byte] ^= (uint8_t)(1 << bit % 8);
			answer = try_import(&token);
			at[byte] ^= (uint8_t)(1 << bit % 8);
			/* A place with no store of this account in it is no context; neither is a file that is not there. */
			if (answer == IMPORTED || answer == REFUSED || answer == OTHERWISE) {
				fprintf(stderr, "byte %zu, bit %zu: %d\n", byte, bit % 8, answer);
				_exit(NOT_READY);
			}
		}
		_exit(try_import(&token));
	}
	assert_int_equal(status_of(child), IMPORTED);
	gss_release_buffer(&minor, &token);
	finish(&p);
	(void)rmdir(box_dir);
}

static int
as_somebody_else(void)
{
	struct pair p;

	if (as_alice() != 0)
		return -1;
	/* Its own claims are somewhere else than this test's. */
	unsetenv("BATON_CLAIM_DIR");
	establish(&p);
	assert_refused_export(&p, "uid=65432", AUDIENCE_ACCOUNT, "baton_send_sec_context");
	assert_refused_export(&p, "user=root", AUDIENCE_ACCOUNT, "root");
	finish(&p);
	return 0;
}

static void
accounts_that_are_not_roots_to_serve(void **state)
{
	pid_t child;

	(void)state;
	if (geteuid() != 0)
		skip();
	child = fork();
	if (child == 0)
		_exit(as_somebody_else() != 0);
	assert_int_equal(status_of(child), 0);
}

/* Somebody was there first, to be in the way, or to be followed. */
static void
directories_in_the_way(void **state)
{
	struct pair p;
	struct stat st;

	(void)state;
	if (geteuid() != 0 || stat(box_dir, &st) == 0)
		skip();
	establish(&p);
	assert_int_equal(mkdir(box_dir, 0700), 0);
	assert_int_equal(chown(box_dir, ALICE, ALICE), 0);
	assert_refused_export(&p, "uid=65432", STORE_OWNER, box_dir);
	assert_int_equal(rmdir(box_dir), 0);

	assert_int_equal(symlink("/etc", box_dir), 0);
	assert_refused_export(&p, "uid=65432", STORE_MODE, box_dir);
	assert_int_equal(stat("/etc", &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(unlink(box_dir), 0);

	assert_int_equal(mkdir(box_dir, 0755), 0);
	assert_int_equal(chown(box_dir, BOB, BOB), 0);
	assert_refused_export(&p, "uid=65432", STORE_MODE, box_dir);
	assert_int_equal(rmdir(box_dir), 0);
	finish(&p);
}

/* ---- where it is said ---- */

/* What a thread knows of the settings it knows for a second at most. */
static void
wait_for_a_look(void)
{
	time_t begin = time(NULL);

	while (time(NULL) == begin)
		usleep(5000);
}

static uint8_t
audience_now(struct pair *p)
{
	gss_buffer_desc token;
	uint8_t bits;
	OM_uint32 minor, major;

	establish(p);
	major = gss_export_sec_context(&minor, &p->a, &token);
	if (major != GSS_S_COMPLETE)
		self_complain("export", major, minor);
	assert_int_equal(major, GSS_S_COMPLETE);
	bits = ((uint8_t *)token.value)[AUDIENCE_AT];
	assert_int_equal(gss_import_sec_context(&minor, &token, &p->a), GSS_S_COMPLETE);
	gss_release_buffer(&minor, &token);
	finish(p);
	return bits;
}

enum { GROUP = 1, SESSION = 2, PID = 4, CGROUP = 8, ACCOUNT = 16 };

static void
the_environment_and_the_program(void **state)
{
	gss_buffer_desc token;
	struct pair p;
	OM_uint32 minor;

	(void)state;
	assert_int_equal(audience_now(&p), 0);
	setenv("BATON_TRANSFER", "audience = process-group; ttl=60", 1);
	wait_for_a_look();
	assert_int_equal(audience_now(&p), GROUP);
	/* The program's word counts more, and at once. */
	assert_int_equal(baton_transfer_defaults(&minor, "audience=session"), GSS_S_COMPLETE);
	assert_int_equal(audience_now(&p), SESSION);
	assert_int_equal(baton_transfer_defaults(&minor, "audience=nonsense"), GSS_S_FAILURE);
	assert_int_equal(minor, FIRST_MINOR + SETTINGS);
	assert_int_equal(audience_now(&p), SESSION);
	/* And a call's most. */
	make_token(&p, "user", &token);
	assert_int_equal(((uint8_t *)token.value)[AUDIENCE_AT], 0);
	assert_int_equal(try_import(&token), IMPORTED);
	gss_release_buffer(&minor, &token);
	finish(&p);
	assert_int_equal(baton_transfer_defaults(&minor, NULL), GSS_S_COMPLETE);
	assert_int_equal(audience_now(&p), GROUP);

	/* Nothing is narrower than what cannot be understood. */
	setenv("BATON_TRANSFER", "audience = process-group; tttl = 60", 1);
	wait_for_a_look();
	establish(&p);
	assert_refused_export(&p, NULL, SETTINGS, "BATON_TRANSFER: \"tttl\" is no setting");
	assert_refused_export(&p, "user", SETTINGS, "tttl");
	finish(&p);
	unsetenv("BATON_TRANSFER");
	assert_int_equal(audience_now(&p), 0);
	assert_int_equal(baton_transfer_defaults(NULL, NULL), GSS_S_CALL_INACCESSIBLE_WRITE);
}

static int64_t
boot_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
options(void **state)
{
	struct baton_transfer_options bad = { .version = 2 }, ttl = { .version = 1, .ttl_s = 3600 };
	gss_buffer_desc token;
	struct pair p;
	OM_uint32 minor;
	int64_t expires_at = 0;

	(void)state;
	establish(&p);
	assert_int_equal(baton_export_sec_context(&minor, &p.a, &bad, &token), GSS_S_CALL_BAD_STRUCTURE);
	bad = (struct baton_transfer_options){ .version = 1, .authdata = 3 };
	assert_int_equal(baton_export_sec_context(&minor, &p.a, &bad, &token), GSS_S_CALL_BAD_STRUCTURE);
	bad = (struct baton_transfer_options){ .version = 1, .ttl_s = 24 * 3600 + 1 };
	assert_int_equal(baton_export_sec_context(&minor, &p.a, &bad, &token), GSS_S_FAILURE);
	assert_refused_export(&p, "", SETTINGS, "audience");
	assert_refused_export(&p, "sessions", SETTINGS, "sessions");
	assert_refused_export(&p, "user uid=5", SETTINGS, "uid=5");
	assert_refused_export(&p, "user=no-such-account-here", SETTINGS, "no-such-account-here");
	assert_int_equal(baton_export_sec_context(&minor, &p.a, &ttl, &token), GSS_S_COMPLETE);
	for (int n = 0; n < 8; n++)
		expires_at = expires_at << 8 | ((uint8_t *)token.value)[EXPIRES_AT + n];
	assert_in_range(expires_at, boot_ms() + 3590 * 1000, boot_ms() + 3600 * 1000);
	assert_int_equal(try_import(&token), IMPORTED);
	gss_release_buffer(&minor, &token);
	finish(&p);
}

/* ---- the file: in a mount namespace, where /etc is another one ---- */

static char stage[] = "/tmp/baton-audience.XXXXXX";

/* With nothing in it but what is the test's. */
static int
stage_etc(void)
{
	char path[600];

	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return -1;
	if (mkdtemp(stage) == NULL || mount("none", stage, "tmpfs", 0, "mode=0755") != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/baton", stage);
	return mkdir(path, 0755) == 0 && mount(stage, "/etc", NULL, MS_BIND, NULL) == 0 ? 0 : -1;
}

static void
write_conf(const char *text)
{
	FILE *f = fopen("/etc/baton/transfer.conf", "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	wait_for_a_look();
}

static void
with_a_file(void)
{
	char text[600], exe[400] = "";
	struct pair p;
	pid_t child;

	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	assert_int_equal(audience_now(&p), 0);
	write_conf("# for all\n[default]\n  audience = session\n");
	assert_int_equal(audience_now(&p), SESSION);
	write_conf("[/usr/bin/other]\naudience = cgroup\n[transfer-audience]\naudience = process-group\n[default]\naudience = session\n");
	assert_int_equal(audience_now(&p), GROUP);
	snprintf(text, sizeof(text), "[default]\naudience=session\n[%s]\naudience = session process-group\n[transfer-audience]\naudience=user\n", exe);
	write_conf(text);
	assert_int_equal(audience_now(&p), SESSION | GROUP);
	setenv("BATON_TRANSFER", "audience=user", 1);
	wait_for_a_look();
	assert_int_equal(audience_now(&p), 0);
	unsetenv("BATON_TRANSFER");

	/* Mistakes, wherever they are. */
	write_conf("[default]\naudience = session\n\n[other]\nadience = cgroup\n");
	establish(&p);
	assert_refused_export(&p, NULL, SETTINGS, "/etc/baton/transfer.conf:5: \"adience\"");
	write_conf("[default\naudience = session\n");
	assert_refused_export(&p, NULL, SETTINGS, "/etc/baton/transfer.conf:1:");
	write_conf("audience = session\n");
	assert_refused_export(&p, NULL, SETTINGS, "/etc/baton/transfer.conf:1:");
	assert_int_equal(unlink("/etc/baton/transfer.conf"), 0);
	assert_int_equal(mkdir("/etc/baton/transfer.conf", 0755), 0);
	wait_for_a_look();
	assert_refused_export(&p, NULL, SETTINGS, "not a regular file");
	assert_int_equal(rmdir("/etc/baton/transfer.conf"), 0);
	assert_int_equal(symlink("transfer.conf", "/etc/baton/transfer.conf"), 0);
	{
		gss_buffer_desc token;
		OM_uint32 minor;

		wait_for_a_look();
		assert_int_equal(gss_export_sec_context(&minor, &p.a, &token), GSS_S_FAILURE);
		assert_int_equal(minor, ELOOP);
		assert_non_null(p.a);
	}
	assert_int_equal(unlink("/etc/baton/transfer.conf"), 0);
	finish(&p);
	assert_int_equal(audience_now(&p), 0);

	/* One that may not be read is not one that is not there. */
	write_conf("[default]\naudience = session\n");
	assert_int_equal(chmod("/etc/baton/transfer.conf", 0), 0);
	child = fork();
	if (child == 0) {
		gss_buffer_desc token;
		OM_uint32 minor;

		establish(&p);
		wait_for_a_look();
		if (as_alice() != 0 || gss_export_sec_context(&minor, &p.a, &token) != GSS_S_FAILURE || minor != EACCES)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(status_of(child), 0);
}

static void
the_file(void **state)
{
	pid_t child;

	(void)state;
	if (geteuid() != 0)
		skip();
	child = fork();
	if (child == 0) {
		if (stage_etc() != 0)
			_exit(77);
		with_a_file();
		_exit(0);
	}
	switch (status_of(child)) {
	case 0:
		break;
	case 77:
		skip();
		break;
	default:
		fail();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_process_of_the_user),
		cmocka_unit_test(a_session),
		cmocka_unit_test(a_group),
		cmocka_unit_test(a_session_without_leader),
		cmocka_unit_test(one_process),
		cmocka_unit_test(a_cgroup),
		cmocka_unit_test(altered_headers),
		cmocka_unit_test(another_account),
		cmocka_unit_test(altered_headers_of_another_account),
		cmocka_unit_test(accounts_that_are_not_roots_to_serve),
		cmocka_unit_test(directories_in_the_way),
		cmocka_unit_test(the_environment_and_the_program),
		cmocka_unit_test(options),
		cmocka_unit_test(the_file),
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
