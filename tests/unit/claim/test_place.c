#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/sendfile.h>
#include <sys/wait.h>

#include "support/root.h"

static char path[PATH_MAX];

static void
open_fails(const char *dir, uid_t uid, bool create, int err)
{
	int fd = 0;

	assert_int_equal(bt_claim_place_open(dir, uid, create, &fd), err);
	assert_int_equal(fd, -1);
	assert_non_null(bt_err_noted(err));
	assert_non_null(strstr(bt_err_noted(err), dir));
}

static void
good_directory(void **state)
{
	int fd;

	assert_int_equal(bt_claim_place_open(fixture_dir, geteuid(), false, &fd), 0);
	assert_true(fd >= 0);
	close(fd);
}

static void
directory_is_made_when_asked(void **state)
{
	struct stat st;
	int fd;

	snprintf(path, sizeof path, "%s/new", fixture_dir);
	open_fails(path, geteuid(), false, BT_ERR_STORE_MISSING);
	assert_int_equal(bt_claim_place_open(path, geteuid(), true, &fd), 0);
	close(fd);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	rmdir(path);
	snprintf(path, sizeof path, "%s/no/parent", fixture_dir);
	open_fails(path, geteuid(), true, BT_ERR_STORE_MISSING);
}

static void
somebody_elses(void **state)
{
	open_fails(fixture_dir, geteuid() + 1, false, BT_ERR_STORE_OWNER);
	open_fails(fixture_dir, geteuid() + 1, true, BT_ERR_STORE_OWNER);
}

static void
wrong_modes(void **state)
{
	static const mode_t modes[] = {0701, 0710, 0750, 0755, 0777, 01777, 0600, 0500};

	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		chmod(fixture_dir, modes[i]);
		open_fails(fixture_dir, geteuid(), true, BT_ERR_STORE_MODE);
	}
	chmod(fixture_dir, 0700);
	good_directory(state);
}

static void
symbolic_link(void **state)
{
	snprintf(path, sizeof path, "%s/link", fixture_dir);
	assert_int_equal(symlink(fixture_dir, path), 0);
	open_fails(path, geteuid(), true, BT_ERR_STORE_MODE);
	if (is_root()) {
		assert_int_equal(lchown(path, 65534, 65534), 0);
		open_fails(path, 0, true, BT_ERR_STORE_OWNER);
	}
	unlink(path);
}

static void
not_a_directory(void **state)
{
	fclose(fopen(fixture_path, "w"));
	open_fails(fixture_path, geteuid(), true, BT_ERR_STORE_MODE);
}

static void
on_a_disk(void **state)
{
	char dir[] = "/var/tmp/baton-test-XXXXXX";
	int fd;

	if (mkdtemp(dir) == NULL)
		skip();
	if (bt_claim_place_open(dir, geteuid(), true, &fd) == 0) {
		/* /var/tmp is in memory here. */
		close(fd);
		rmdir(dir);
		skip();
	}
	open_fails(dir, geteuid(), true, BT_ERR_STORE_PLACE);
	rmdir(dir);
}

static void
paths(void **state)
{
	char want[80];

	unsetenv("BATON_CLAIM_DIR");
	unsetenv("XDG_RUNTIME_DIR");
	assert_int_equal(bt_claim_place_default(geteuid()), BT_CLAIM_PLACE_SHM);
	assert_int_equal(bt_claim_place_path(BT_CLAIM_PLACE_SHM, 1234, path), 0);
	assert_string_equal(path, "/dev/shm/baton-1234");
	assert_int_equal(bt_claim_place_path(BT_CLAIM_PLACE_RUNTIME, 1234, path), 0);
	assert_string_equal(path, "/run/user/1234/baton");
	assert_int_equal(bt_claim_place_path(BT_CLAIM_PLACE_NAMED, 1234, path), BT_ERR_STORE_MISSING);
	assert_string_equal(path, "");
	assert_int_equal(bt_claim_place_path(0, 1234, path), BT_ERR_MALFORMED);
	assert_int_equal(bt_claim_place_path(4, 1234, path), BT_ERR_MALFORMED);

	setenv("XDG_RUNTIME_DIR", fixture_dir, 1);
	assert_int_equal(bt_claim_place_default(geteuid()), BT_CLAIM_PLACE_RUNTIME);
	snprintf(want, sizeof want, "%s/baton", fixture_dir);
	assert_int_equal(bt_claim_place_path(BT_CLAIM_PLACE_RUNTIME, geteuid(), path), 0);
	assert_string_equal(path, want);

	setenv("BATON_CLAIM_DIR", fixture_dir, 1);
	assert_int_equal(bt_claim_place_default(geteuid()), BT_CLAIM_PLACE_NAMED);
	assert_int_equal(bt_claim_place_path(BT_CLAIM_PLACE_NAMED, geteuid(), path), 0);
	assert_string_equal(path, fixture_dir);
	setenv("BATON_CLAIM_DIR", "", 1);
	assert_int_equal(bt_claim_place_default(geteuid()), BT_CLAIM_PLACE_RUNTIME);
	unsetenv("BATON_CLAIM_DIR");
	unsetenv("XDG_RUNTIME_DIR");
}

/* A runtime directory that is not the user's own, open to others, on a disk or relative is passed over. */
static void
bad_runtime_directories(void **state)
{
	setenv("XDG_RUNTIME_DIR", fixture_dir, 1);
	assert_int_equal(bt_claim_place_default(geteuid() + 1), BT_CLAIM_PLACE_SHM);
	assert_int_equal(bt_claim_place_path(BT_CLAIM_PLACE_RUNTIME, geteuid() + 1, path), 0);
	assert_null(strstr(path, fixture_dir));
	chmod(fixture_dir, 0770);
	assert_int_equal(bt_claim_place_default(geteuid()), BT_CLAIM_PLACE_SHM);
	chmod(fixture_dir, 0700);
	assert_int_equal(bt_claim_place_default(geteuid()), BT_CLAIM_PLACE_RUNTIME);
	setenv("XDG_RUNTIME_DIR", "/proc/self", 1);
	assert_int_equal(bt_claim_place_default(geteuid()), BT_CLAIM_PLACE_SHM);
	setenv("XDG_RUNTIME_DIR", ".", 1);
	assert_int_equal(bt_claim_place_default(geteuid()), BT_CLAIM_PLACE_SHM);
	setenv("XDG_RUNTIME_DIR", "/nowhere", 1);
	assert_int_equal(bt_claim_place_default(geteuid()), BT_CLAIM_PLACE_SHM);
	unsetenv("XDG_RUNTIME_DIR");
}

static void
overlong_path(void **state)
{
	char *name = malloc(2 * PATH_MAX);

	memset(name, 'a', 2 * PATH_MAX);
	name[2 * PATH_MAX - 1] = '\0';
	setenv("BATON_CLAIM_DIR", name, 1);
	assert_int_equal(bt_claim_place_path(BT_CLAIM_PLACE_NAMED, geteuid(), path), ENAMETOOLONG);
	assert_string_equal(path, "");
	unsetenv("BATON_CLAIM_DIR");
	free(name);
}

enum { NOBODY = 65534, IS_WRONG = 1, IS_NOT_SECURE = 77 };

/* What a set-user-ID copy of this program does: whoever started it chose the environment, and must not choose the place. */
static int
run_privileged(void)
{
	if (getauxval(AT_SECURE) == 0)
		return IS_NOT_SECURE;
	if (bt_claim_place_default(geteuid()) != BT_CLAIM_PLACE_SHM ||
	    bt_claim_place_path(BT_CLAIM_PLACE_NAMED, geteuid(), path) != BT_ERR_STORE_MISSING ||
	    bt_claim_place_path(BT_CLAIM_PLACE_RUNTIME, geteuid(), path) != 0 || strncmp(path, "/run/user/", 10) != 0)
		return IS_WRONG;
	return 0;
}

static void
copy_myself(const char *copy)
{
	int from = open("/proc/self/exe", O_RDONLY), to = open(copy, O_WRONLY | O_CREAT | O_EXCL, 0700);
	struct stat st;

	assert_true(from >= 0 && to >= 0 && fstat(from, &st) == 0);
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = sendfile(to, from, NULL, (size_t)left);

		assert_true(n > 0);
		left -= n;
	}
	assert_int_equal(fchown(to, NOBODY, NOBODY), 0);
	assert_int_equal(fchmod(to, 04755), 0);
	close(from);
	close(to);
}

static void
set_user_id(void **state)
{
	static const char *const names[] = {"BATON_CLAIM_DIR", "XDG_RUNTIME_DIR"};
	char copy[PATH_MAX];
	int status = 0;
	ssize_t len;
	pid_t pid;

	if (!is_root())
		skip();
	/* Where this program may be executed, its copy may. */
	len = readlink("/proc/self/exe", copy, sizeof copy - 16);
	assert_true(len > 0);
	snprintf(copy + len, 16, ".set-user-id");
	unlink(copy);
	copy_myself(copy);
	assert_int_equal(chown(fixture_dir, NOBODY, NOBODY), 0);
	for (size_t i = 0; i < 2 && status == 0; i++) {
		assert_true((pid = fork()) >= 0);
		if (pid == 0) {
			unsetenv(names[1 - i]);
			setenv(names[i], fixture_dir, 1);
			execl(copy, copy, "privileged", (char *)NULL);
			_exit(IS_NOT_SECURE);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	unlink(copy);
	if (status == IS_NOT_SECURE << 8)
		skip();
	assert_int_equal(status, 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(good_directory),
	    TEST(directory_is_made_when_asked),
	    TEST(somebody_elses),
	    TEST(wrong_modes),
	    TEST(symbolic_link),
	    TEST(not_a_directory),
	    TEST(on_a_disk),
	    TEST(paths),
	    TEST(bad_runtime_directories),
	    TEST(overlong_path),
	    TEST(set_user_id),
	};

	if (argc == 2 && strcmp(argv[1], "privileged") == 0)
		_exit(run_privileged());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
