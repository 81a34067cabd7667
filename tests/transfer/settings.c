/*
 * Where it is said who may import: a file, the environment, the program, a call; and what comes of mistakes.
 */
#include "stranger.h"

#include "support/hand.h"
#include "support/root.h"
#include "support/scratch.h"
#include "support/self.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { ALICE = 65431 };

static int
as_alice(void)
{
	return setgid(ALICE) == 0 && setuid(ALICE) == 0 ? 0 : -1;
}

/* What a thread knows of the settings it knows for a second at most. */
static void
wait_for_a_look(void)
{
	time_t begin = time(NULL);

	while (time(NULL) == begin)
		usleep(5000);
}

static uint8_t
audience_now(struct strangers *p)
{
	gss_buffer_desc token;
	uint8_t bits;
	OM_uint32 minor, major;

	stranger_establish(p);
	major = gss_export_sec_context(&minor, &p->a, &token);
	if (major != GSS_S_COMPLETE)
		self_complain("export", major, minor);
	assert_int_equal(major, GSS_S_COMPLETE);
	bits = ((uint8_t *)token.value)[AUDIENCE_AT];
	assert_int_equal(gss_import_sec_context(&minor, &token, &p->a), GSS_S_COMPLETE);
	gss_release_buffer(&minor, &token);
	stranger_finish(p);
	return bits;
}

static int64_t
boot_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* How long a token may wait, as its header says. */
static int64_t
ttl_of(const gss_buffer_desc *token)
{
	int64_t expires_at = 0;

	for (int n = 0; n < 8; n++)
		expires_at = expires_at << 8 | ((uint8_t *)token->value)[EXPIRES_AT + n];
	return expires_at - boot_ms();
}

enum { GROUP = 1, SESSION = 2, PID = 4, CGROUP = 8, ACCOUNT = 16 };

static void
the_environment_and_the_program(void **state)
{
	gss_buffer_desc token;
	struct strangers p;
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
	stranger_token(&p, "user", &token);
	assert_int_equal(((uint8_t *)token.value)[AUDIENCE_AT], 0);
	assert_int_equal(stranger_import(&token), IMPORTED);
	gss_release_buffer(&minor, &token);
	stranger_finish(&p);
	assert_int_equal(baton_transfer_defaults(&minor, NULL), GSS_S_COMPLETE);
	assert_int_equal(audience_now(&p), GROUP);

	/* Nothing is narrower than what cannot be understood. */
	setenv("BATON_TRANSFER", "audience = process-group; tttl = 60", 1);
	wait_for_a_look();
	stranger_establish(&p);
	stranger_refused(&p, NULL, SETTINGS, "BATON_TRANSFER: \"tttl\" is no setting");
	stranger_refused(&p, "user", SETTINGS, "tttl");
	stranger_finish(&p);
	unsetenv("BATON_TRANSFER");
	assert_int_equal(audience_now(&p), 0);
	assert_int_equal(baton_transfer_defaults(NULL, NULL), GSS_S_CALL_INACCESSIBLE_WRITE);
}

static void
options(void **state)
{
	struct baton_transfer_options bad = { .version = 2 }, ttl = { .version = 1, .ttl_s = 3600 };
	gss_buffer_desc token;
	struct strangers p;
	OM_uint32 minor;

	(void)state;
	stranger_establish(&p);
	assert_int_equal(baton_export_sec_context(&minor, &p.a, &bad, &token), GSS_S_CALL_BAD_STRUCTURE);
	bad = (struct baton_transfer_options){ .version = 1, .authdata = 3 };
	assert_int_equal(baton_export_sec_context(&minor, &p.a, &bad, &token), GSS_S_CALL_BAD_STRUCTURE);
	bad = (struct baton_transfer_options){ .version = 1, .ttl_s = 24 * 3600 + 1 };
	assert_int_equal(baton_export_sec_context(&minor, &p.a, &bad, &token), GSS_S_FAILURE);
	stranger_refused(&p, "", SETTINGS, "audience");
	stranger_refused(&p, "sessions", SETTINGS, "sessions");
	stranger_refused(&p, "user uid=5", SETTINGS, "uid=5");
	stranger_refused(&p, "user=no-such-account-here", SETTINGS, "no-such-account-here");
	assert_int_equal(baton_export_sec_context(&minor, &p.a, &ttl, &token), GSS_S_COMPLETE);
	assert_in_range(ttl_of(&token), 3590 * 1000, 3600 * 1000);
	assert_int_equal(stranger_import(&token), IMPORTED);
	gss_release_buffer(&minor, &token);
	stranger_finish(&p);
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
	if (mount("none", stage, "tmpfs", 0, "mode=0755") != 0)
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
	struct strangers p;
	pid_t child;

	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	assert_int_equal(audience_now(&p), 0);
	write_conf("# for all\n[default]\n  audience = session\n");
	assert_int_equal(audience_now(&p), SESSION);
	write_conf("[/usr/bin/other]\naudience = cgroup\n[transfer-settings]\naudience = process-group\n[default]\naudience = session\n");
	assert_int_equal(audience_now(&p), GROUP);
	snprintf(text, sizeof(text), "[default]\naudience=session\n[%s]\naudience = session process-group\n[transfer-settings]\naudience=user\n", exe);
	write_conf(text);
	assert_int_equal(audience_now(&p), SESSION | GROUP);
	setenv("BATON_TRANSFER", "audience=user", 1);
	wait_for_a_look();
	assert_int_equal(audience_now(&p), 0);
	unsetenv("BATON_TRANSFER");

	/* Mistakes, wherever they are. */
	write_conf("[default]\naudience = session\n\n[other]\nadience = cgroup\n");
	stranger_establish(&p);
	stranger_refused(&p, NULL, SETTINGS, "/etc/baton/transfer.conf:5: \"adience\"");
	write_conf("[default\naudience = session\n");
	stranger_refused(&p, NULL, SETTINGS, "/etc/baton/transfer.conf:1:");
	write_conf("audience = session\n");
	stranger_refused(&p, NULL, SETTINGS, "/etc/baton/transfer.conf:1:");
	assert_int_equal(unlink("/etc/baton/transfer.conf"), 0);
	assert_int_equal(mkdir("/etc/baton/transfer.conf", 0755), 0);
	wait_for_a_look();
	stranger_refused(&p, NULL, SETTINGS, "not a regular file");
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
	stranger_finish(&p);
	assert_int_equal(audience_now(&p), 0);

	/* One that may not be read is not one that is not there. */
	write_conf("[default]\naudience = session\n");
	assert_int_equal(chmod("/etc/baton/transfer.conf", 0), 0);
	child = fork();
	if (child == 0) {
		gss_buffer_desc token;
		OM_uint32 minor;

		stranger_establish(&p);
		wait_for_a_look();
		if (as_alice() != 0 || gss_export_sec_context(&minor, &p.a, &token) != GSS_S_FAILURE || minor != EACCES)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(stranger_status(child), 0);
}

/* In a new root there is no file. What the first one said still holds. */
static void
in_a_jail(void)
{
	gss_buffer_desc token;
	struct strangers p;
	OM_uint32 minor;

	write_conf("[default]\nttl = 70\n");
	stranger_token(&p, NULL, &token);
	assert_in_range(ttl_of(&token), 1, 70000);
	gss_release_buffer(&minor, &token);
	stranger_finish(&p);
	stranger_establish(&p);
	assert_int_equal(mkdir("/etc/jail", 0755), 0);
	assert_int_equal(chroot("/etc/jail"), 0);
	assert_int_equal(chdir("/"), 0);
	wait_for_a_look();
	assert_int_equal(gss_export_sec_context(&minor, &p.a, &token), GSS_S_COMPLETE);
	assert_in_range(ttl_of(&token), 1, 70000);
	gss_release_buffer(&minor, &token);
	stranger_finish(&p);
}

static void
the_file(void **state)
{
	int status;
	pid_t child;

	(void)state;
	if (!is_root())
		skip();
	assert_non_null(scratch_dir(stage));
	child = fork();
	if (child == 0) {
		if (stage_etc() != 0)
			_exit(77);
		with_a_file();
		(void)unlink("/etc/baton/transfer.conf");
		in_a_jail();
		_exit(0);
	}
	status = stranger_status(child);
	/* The mounts were the child's own. */
	assert_int_equal(rmdir(stage), 0);
	switch (status) {
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
	return cmocka_run_group_tests_name("settings", tests, claims_begin, claims_end);
}
