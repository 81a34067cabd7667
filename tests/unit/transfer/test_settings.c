/* The settings: their grammar, where they come from, and what comes of a mistake in them. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/err.h"
#include "support/root.h"
#include "support/scratch.h"
#include "transfer/audience.h"
#include "transfer/limits.h"
#include "transfer/settings.h"
#include "transfer/sinks.h"

/* In the place of settings_path.c: in the directory that the test is in. */
const char bt_transfer_settings_path[] = "transfer.conf";

static const struct bt_settings_program program = {"/usr/sbin/serverd", "serverd"};

/* ---- the grammar ---- */

static int
read_file(const char *text, struct bt_settings *out)
{
	return bt_transfer_settings_read_file("f", bt_bytes_of_str(text), &program, out);
}

static void
values_are_read(void **state)
{
	struct bt_settings s;

	assert_int_equal(read_file("[default]\r\n  audience = session, cgroup\tpid=4711  \nttl=90\nauthdata = no\nimport-unsealed = mit\n"
				   "syslog=yes",
				   &s),
			 0);
	assert_int_equal(s.given, BT_SETTING_AUDIENCE | BT_SETTING_TTL | BT_SETTING_AUTHDATA | BT_SETTING_UNSEALED | BT_SETTING_SYSLOG);
	assert_int_equal(s.audience.bits, BT_AUDIENCE_SESSION | BT_AUDIENCE_CGROUP | BT_AUDIENCE_PID);
	assert_int_equal(s.audience.pid, 4711);
	assert_int_equal(s.ttl_s, 90);
	assert_false(s.has_authdata);
	assert_true(s.has_syslog);
	assert_int_equal(s.unsealed, BT_UNSEALED_MIT);
	assert_int_equal(read_file("", &s), 0);
	assert_int_equal(s.given, 0);
	assert_int_equal(read_file("\n# nothing\n[default]\n\n", &s), 0);
	assert_int_equal(s.given, 0);
}

static void
times_have_units_and_bounds(void **state)
{
	static const struct {
		const char *text;
		uint32_t ttl_s; /* 0: refused */
	} rows[] = {
	    {"ttl=1", 1},	  {"ttl=1s", 1},     {"ttl=15m", 900},	  {"ttl=24h", 86400}, {"ttl=1440m", 86400}, {"ttl=86400", 86400},
	    {"ttl=0", 0},	  {"ttl=0m", 0},     {"ttl=86401", 0},	  {"ttl=25h", 0},     {"ttl=1441m", 0},	    {"ttl=", 0},
	    {"ttl=m", 0},	  {"ttl=-1", 0},     {"ttl=+1", 0},	  {"ttl=1 s", 0},     {"ttl=1.5m", 0},	    {"ttl=1d", 0},
	    {"ttl=0x10", 0},	  {"ttl=10 min", 0}, {"ttl=ten", 0},	  {"ttl=99999999999999999999999", 0},
	    {"ttl=18446744073709551617", 0},
	};
	struct bt_settings s;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int e = bt_transfer_settings_read_list("l", bt_bytes_of_str(rows[i].text), &s);

		assert_int_equal(e, rows[i].ttl_s != 0 ? 0 : BT_ERR_SETTINGS);
		assert_int_equal(s.ttl_s, rows[i].ttl_s);
	}
}

static void
audiences_say_what_they_say_once(void **state)
{
	static const char *const good[] = {"user", "session", "process-group session", "uid=0", "uid=4294967294", "pid=2147483647 user",
					   "user=root", " cgroup ,, session ", "uid=33 pid=1 session process-group cgroup"};
	static const char *const bad[] = {"", " , ", "users", "session session", "pid=", "pid=0", "pid=-1", "pid=2147483648", "pid=1x", "pid",
					  "uid=", "uid=4294967295", "uid=-1", "uid= 1", "user=", "user uid=1", "uid=1 user", "uid=1 uid=1",
					  "uid=1 user=root", "user user", "Session", "user=no-such-account-here", "pid=1 pid=2", "=", "session;"};
	struct bt_audience_rule rule;
	char mistake[100];

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_int_equal(bt_transfer_rule_read(bt_bytes_of_str(good[i]), true, &rule, mistake, sizeof mistake), 0);
	assert_int_equal(rule.bits, BT_AUDIENCE_ALL);
	assert_int_equal(rule.uid, 33);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		mistake[0] = '\0';
		assert_int_equal(bt_transfer_rule_read(bt_bytes_of_str(bad[i]), true, &rule, mistake, sizeof mistake), BT_ERR_SETTINGS);
		assert_int_equal(rule.bits, 0);
		assert_true(mistake[0] != '\0');
	}
	/* An account that another program's section names need not be on this host. */
	assert_int_equal(bt_transfer_rule_read(bt_bytes_of_str("user=no-such-account-here"), false, &rule, mistake, sizeof mistake), 0);
}

static void
the_particular_counts_more_wherever_it_stands(void **state)
{
	struct bt_settings s;

	assert_int_equal(read_file("[/usr/sbin/serverd]\nttl = 3\n[serverd]\nttl = 2\naudience = session\n[default]\nttl = 1\n"
				   "audience = cgroup\nauthdata = no\n[other]\nttl = 4\n[/usr/sbin/other]\nttl = 5\nsyslog = yes\n",
				   &s),
			 0);
	assert_int_equal(s.ttl_s, 3);
	assert_int_equal(s.audience.bits, BT_AUDIENCE_SESSION);
	assert_int_equal(s.given, BT_SETTING_TTL | BT_SETTING_AUDIENCE | BT_SETTING_AUTHDATA);
}

static void
mistakes_are_told_with_their_line(void **state)
{
	static const struct {
		const char *text, *note;
	} rows[] = {
	    {"ttl = 1\n", "f:1: settings stand in a section"},
	    {"[default]\nttl 1\n", "f:2: \"key = value\""},
	    {"[default]\n\n\nttls = 1\n", "f:4: \"ttls\" is no setting"},
	    {"[default]\nttl = 1\nttl = 1\n", "f:3: ttl is there twice"},
	    {"[default]\n[serverd]\n[default]\n", "f:3: this section was there before"},
	    {"[serverd]\n[serverd]\n", "f:2: this section was there before"},
	    {"[default\n", "f:1: nothing may follow"},
	    {"[default] x\n", "f:1: nothing may follow"},
	    {"[]\n", "f:1: a section is"},
	    {"[bin/x]\n", "f:1: a section is"},
	    {"[", "f:1: nothing may follow"},
	    {"[default]\n= 1\n", "f:2: \"\" is no setting"},
	    {"[default]\naudience =\n", "f:2: an audience is missing"},
	    {"[default]\naudience = everybody\n", "f:2: \"everybody\" is no audience"},
	    {"[default]\naudience = user=no-such-account-here\n", "f:2: there is no account"},
	    {"[default]\nauthdata = maybe\n", "f:2: yes or no"},
	    {"[default]\nsyslog =\n", "f:2: yes or no"},
	    {"[default]\nimport-unsealed = heimdal\n", "f:2: \"heimdal\" is no kind"},
	    {"[default]\nimport-unsealed = \n", "f:2: none, or kinds"},
	    {"[default]\nimport-unsealed = mit none\n", "f:2: \"none\" is no kind"},
	    {"[default]\nttl = 1\033[2J\n", "f:2: control characters"},
	    /* Also where they are not this program's. */
	    {"[other]\nttl = 0\n", "f:2: ttl is a time"},
	    {"[other]\nttl = 1\nttl = 1\n", "f:3: ttl is there twice"},
	    {"[/other]\naudience = x\n", "f:2: \"x\" is no audience"},
	};
	struct bt_settings s;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *note;

		assert_int_equal(read_file(rows[i].text, &s), BT_ERR_SETTINGS);
		assert_int_equal(s.given, 0);
		note = bt_err_noted(BT_ERR_SETTINGS);
		if (note == NULL || strncmp(note, rows[i].note, strlen(rows[i].note)) != 0)
			fail_msg("\"%s\" and not \"%s\"", note, rows[i].note);
	}
	assert_int_equal(bt_transfer_settings_read_file("f", bt_bytes_of("[default]\n\0", 11), &program, &s), BT_ERR_SETTINGS);
	assert_int_equal(read_file("[other]\naudience = user=no-such-account-here\n", &s), 0);
}

static void
a_section_that_may_be_this_programs_is_not_left_open(void **state)
{
	const struct bt_settings_program unknown = {NULL, "serverd"};
	struct bt_settings s;

	assert_int_equal(bt_transfer_settings_read_file("f", bt_bytes_of_str("[serverd]\nttl=1\n"), &unknown, &s), 0);
	assert_int_equal(s.ttl_s, 1);
	assert_int_equal(bt_transfer_settings_read_file("f", bt_bytes_of_str("[/usr/bin/x]\nttl=1\n"), &unknown, &s), BT_ERR_SETTINGS);
}

static void
lists_are_pairs(void **state)
{
	struct bt_settings s;

	assert_int_equal(bt_transfer_settings_read_list("l", bt_bytes_of_str(" ttl=5m ;; audience = session cgroup;"), &s), 0);
	assert_int_equal(s.given, BT_SETTING_TTL | BT_SETTING_AUDIENCE);
	assert_int_equal(bt_transfer_settings_read_list("l", bt_bytes_of_str(""), &s), 0);
	assert_int_equal(s.given, 0);
	assert_int_equal(bt_transfer_settings_read_list("l", bt_bytes_of_str("ttl=1;ttl=2"), &s), BT_ERR_SETTINGS);
	assert_string_equal(bt_err_noted(BT_ERR_SETTINGS), "l: ttl is there twice");
	assert_int_equal(bt_transfer_settings_read_list("l", bt_bytes_of_str("[default]"), &s), BT_ERR_SETTINGS);
	assert_int_equal(bt_transfer_settings_read_list("l", bt_bytes_of_str("ttl=1\n"), &s), BT_ERR_SETTINGS);
}

/* ---- where they come from ---- */

static void
write_file(const char *text)
{
	FILE *f = fopen("transfer.conf", "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	test_ahead_s++;
}

static uint32_t
ttl_now(void)
{
	const struct bt_settings *s;

	assert_int_equal(bt_transfer_settings_now(&s), 0);
	return s->ttl_s;
}

static void
assert_mistake(int err)
{
	const struct bt_settings *s;

	for (int n = 0; n < 3; n++) {
		assert_int_equal(bt_transfer_settings_now(&s), err);
		assert_null(s);
	}
}

static int
clean(void **state)
{
	(void)rmdir("transfer.conf");
	(void)unlink("transfer.conf");
	unsetenv("BATON_TRANSFER");
	assert_int_equal(bt_transfer_settings_default(NULL), 0);
	test_ahead_s++;
	test_mem_start(0);
	return 0;
}

static void
a_changed_file_is_seen_within_a_second(void **state)
{
	assert_int_equal(ttl_now(), 0);
	write_file("[default]\nttl = 11\n");
	assert_int_equal(ttl_now(), 11);
	write_file("[default]\nttl = 12\n");
	test_ahead_s--;
	assert_int_equal(ttl_now(), 11);
	test_ahead_s++;
	assert_int_equal(ttl_now(), 12);
	/* A clock that goes back is another second too. */
	write_file("[default]\nttl = 123\n");
	test_ahead_s -= 100;
	assert_int_equal(ttl_now(), 123);
	test_ahead_s += 100;
	assert_int_equal(unlink("transfer.conf"), 0);
	assert_int_equal(ttl_now(), 0);
}

static void
what_cannot_be_read_is_not_what_is_not_there(void **state)
{
	char *big = calloc(1, BT_TRANSFER_CONF_MAX + 2);

	write_file("[default]\nttl = 7\n");
	assert_int_equal(ttl_now(), 7);
	assert_int_equal(unlink("transfer.conf"), 0);
	assert_int_equal(symlink("transfer.conf", "transfer.conf"), 0);
	test_ahead_s++;
	assert_mistake(ELOOP);
	assert_int_equal(unlink("transfer.conf"), 0);
	assert_int_equal(mkdir("transfer.conf", 0700), 0);
	assert_mistake(BT_ERR_SETTINGS);
	assert_int_equal(rmdir("transfer.conf"), 0);
	assert_int_equal(mkfifo("transfer.conf", 0600), 0);
	assert_mistake(BT_ERR_SETTINGS);
	assert_int_equal(unlink("transfer.conf"), 0);
	memset(big, '\n', BT_TRANSFER_CONF_MAX + 1);
	write_file(big);
	assert_mistake(BT_ERR_SETTINGS);
	big[BT_TRANSFER_CONF_MAX] = '\0';
	write_file(big);
	assert_int_equal(ttl_now(), 0);
	free(big);
	/* A mistake is one until it is mended. */
	write_file("[default]\nttl = x\n");
	assert_mistake(BT_ERR_SETTINGS);
	write_file("[default]\nttl = 8\n");
	assert_int_equal(ttl_now(), 8);
}

static void
later_sources_win_key_by_key(void **state)
{
	const struct bt_settings *s;
	bool is_let_in;

	write_file("[default]\nttl = 1\naudience = session\nimport-unsealed = mit\n");
	setenv("BATON_TRANSFER", "ttl=2; authdata=no", 1);
	assert_int_equal(bt_transfer_settings_default("ttl=3"), 0);
	assert_int_equal(bt_transfer_settings_now(&s), 0);
	assert_int_equal(s->ttl_s, 3);
	assert_int_equal(s->audience.bits, BT_AUDIENCE_SESSION);
	assert_int_equal(s->given, BT_SETTING_TTL | BT_SETTING_AUDIENCE | BT_SETTING_AUTHDATA | BT_SETTING_UNSEALED);
	assert_int_equal(bt_transfer_settings_let_in(BT_UNSEALED_MIT, &is_let_in), 0);
	assert_true(is_let_in);
	assert_int_equal(bt_transfer_settings_default("import-unsealed=none"), 0);
	assert_int_equal(bt_transfer_settings_let_in(BT_UNSEALED_MIT, &is_let_in), 0);
	assert_false(is_let_in);
	assert_int_equal(ttl_now(), 2);
	assert_int_equal(bt_transfer_settings_default("ttl=x"), BT_ERR_SETTINGS);
	assert_int_equal(bt_transfer_settings_default(NULL), 0);
	assert_int_equal(ttl_now(), 2);
	setenv("BATON_TRANSFER", "ttl=2m;x", 1);
	test_ahead_s++;
	assert_mistake(BT_ERR_SETTINGS);
	assert_int_equal(bt_transfer_settings_let_in(BT_UNSEALED_MIT, &is_let_in), BT_ERR_SETTINGS);
	assert_false(is_let_in);
}

/* ---- set-user-id programs ---- */

enum { ALICE = 65431, BOB = 65432, NOT_SECURE = 3 };

/* Run by alice as bob's program: what alice's environment says is not heard. */
static int
say_whether_it_was_heard(void)
{
	const struct bt_settings *s;

	if (getauxval(AT_SECURE) == 0)
		return NOT_SECURE;
	return bt_transfer_settings_now(&s) != 0 || (s->given & BT_SETTING_TTL) != 0 || bt_transfer_trace_is_wanted();
}

static void
copy_program(const char *to)
{
	int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_CREAT | O_EXCL | O_WRONLY, 0755);
	struct stat st;

	assert_int_equal(fstat(in, &st), 0);
	while (st.st_size > 0) {
		ssize_t n = sendfile(out, in, NULL, (size_t)st.st_size);

		assert_true(n > 0);
		st.st_size -= n;
	}
	assert_int_equal(fchown(out, BOB, (gid_t)-1), 0);
	assert_int_equal(fchmod(out, 04755), 0);
	close(in);
	close(out);
}

static void
set_id_programs_do_not_hear_the_environment(void **state)
{
	int status;
	pid_t child;

	if (!is_root())
		skip();
	copy_program("program");
	assert_int_equal(chmod(".", 0755), 0);
	setenv("BATON_TRANSFER", "ttl=5", 1);
	assert_int_equal(ttl_now(), 5);
	setenv("BATON_TRACE", "trace", 1);
	child = fork();
	if (child == 0) {
		if (setuid(ALICE) == 0)
			execl("./program", "program", "--set-id", (char *)NULL);
		_exit(127);
	}
	unsetenv("BATON_TRACE");
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(unlink("program"), 0);
	/* On a file system where programs cannot be so. */
	if (status == NOT_SECURE << 8)
		skip();
	assert_int_equal(status, 0);
}

/* What is said is kept once. */
static void
saying_the_same_again_takes_no_memory(void **state)
{
	long live;

	for (int n = 0; n < 3; n++)
		for (int ttl = 1; ttl <= 4; ttl++) {
			char text[20];

			snprintf(text, sizeof text, "ttl=%d", ttl);
			assert_int_equal(bt_transfer_settings_default(text), 0);
			assert_int_equal(ttl_now(), ttl);
			if (n == 0 && ttl == 4)
				live = test_mem.num_live;
		}
	assert_int_equal(test_mem.num_live, live);
}

static void *
in_another_thread(void *ttl)
{
	*(uint32_t *)ttl = ttl_now();
	return NULL;
}

static void
threads_agree(void **state)
{
	pthread_t thread;
	uint32_t ttl = 0;

	write_file("[default]\nttl = 21\n");
	assert_int_equal(ttl_now(), 21);
	assert_int_equal(pthread_create(&thread, NULL, in_another_thread, &ttl), 0);
	pthread_join(thread, NULL);
	assert_int_equal(ttl, 21);
	assert_int_equal(bt_transfer_settings_default("ttl=22"), 0);
	assert_int_equal(pthread_create(&thread, NULL, in_another_thread, &ttl), 0);
	pthread_join(thread, NULL);
	assert_int_equal(ttl, 22);
	assert_int_equal(ttl_now(), 22);
}

static void
every_allocation_may_fail(void **state)
{
	const struct bt_settings *s;
	unsigned nth, num_failed = 0;
	char text[80];

	for (nth = 1; nth < 20; nth++) {
		long live;
		int e;

		snprintf(text, sizeof text, "[default]\nttl = %u\naudience = user=root\n", 100 + nth);
		write_file(text);
		live = test_mem.num_live;
		test_mem_start(nth);
		e = bt_transfer_settings_now(&s);
		test_mem_start(0);
		if (e == 0)
			break;
		num_failed++;
		assert_int_equal(e, BT_ERR_NOMEM);
		assert_null(s);
		assert_int_equal(test_mem.num_live, live);
		assert_int_equal(ttl_now(), 100 + nth);
	}
	/* The text, the account's entry, and what is kept. */
	assert_int_equal(num_failed, 3);
	test_mem_start(1);
	assert_int_equal(bt_transfer_settings_default("ttl=2000"), BT_ERR_NOMEM);
	test_mem_start(0);
	assert_int_equal(ttl_now(), 100 + nth);
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_are_read),
	    cmocka_unit_test(times_have_units_and_bounds),
	    cmocka_unit_test(audiences_say_what_they_say_once),
	    cmocka_unit_test(the_particular_counts_more_wherever_it_stands),
	    cmocka_unit_test(mistakes_are_told_with_their_line),
	    cmocka_unit_test(a_section_that_may_be_this_programs_is_not_left_open),
	    cmocka_unit_test(lists_are_pairs),
	    cmocka_unit_test_setup_teardown(a_changed_file_is_seen_within_a_second, clean, clean),
	    cmocka_unit_test_setup_teardown(what_cannot_be_read_is_not_what_is_not_there, clean, clean),
	    cmocka_unit_test_setup_teardown(later_sources_win_key_by_key, clean, clean),
	    cmocka_unit_test_setup_teardown(set_id_programs_do_not_hear_the_environment, clean, clean),
	    cmocka_unit_test_setup_teardown(saying_the_same_again_takes_no_memory, clean, clean),
	    cmocka_unit_test_setup_teardown(threads_agree, clean, clean),
	    cmocka_unit_test_setup_teardown(every_allocation_may_fail, clean, clean),
	};
	char dir[] = "/tmp/baton-settings.XXXXXX";
	int num_failed;

	if (argc == 2 && strcmp(argv[1], "--set-id") == 0)
		/* At once: a sanitizer would look for leaks, and the kernel lets nobody look into such a program. */
		_exit(say_whether_it_was_heard());
	if (scratch_dir(dir) == NULL || chdir(dir) != 0)
		return 1;
	num_failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (chdir("/") != 0 || rmdir(dir) != 0)
		return 1;
	return num_failed;
}
