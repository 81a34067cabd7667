#include "fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
	if (geteuid() == 0) {
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

int
main(void)
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
