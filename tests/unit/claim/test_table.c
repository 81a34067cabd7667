#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "support/root.h"

/* Writes into the table's file, past the library. */
static void
patch(off_t offset, const void *bytes, size_t len)
{
	int fd = open(fixture_path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, offset), len);
	close(fd);
}

static void
open_and_close(void)
{
	fixture_open();
	bt_claim_table_free(fixture_table);
	fixture_table = NULL;
}

static void
made_once_and_found_again(void **state)
{
	struct bt_claim_ref ref = {0};
	struct stat st;

	fixture_open_fails(false, BT_ERR_STORE_MISSING);
	assert_int_not_equal(access(fixture_path, F_OK), 0);
	fixture_open();
	memcpy(ref.store_id, (const void *)fixture_table->file->store_id, sizeof ref.store_id);
	assert_int_equal(stat(fixture_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* Sparse: what is not used costs nothing. */
	assert_int_equal(st.st_size, 12288 + 65536 * 64);
	assert_true(st.st_blocks * 512 <= 4 * 4096);
	bt_claim_table_free(fixture_table);
	fixture_open();
	assert_true(bt_claim_is_of(&fixture_table->store, &ref));
}

/* The places of doc/format/claims.md, read as bytes. */
static void
layout(void **state)
{
	uint8_t head[64], key[BT_CLAIM_KEY_LEN], slot[64];
	struct bt_claim_ref ref = fixture_claim(fixture_open(), 5000, key);
	uint64_t word;
	uint32_t half;
	int64_t time;
	int fd = open(fixture_path, O_RDONLY);

	assert_int_equal(pread(fd, head, 64, 0), 64);
	memcpy(&word, head, 8);
	assert_true(word == UINT64_C(0x31736d69616c4342));
	memcpy(&half, head + 8, 4);
	assert_int_equal(half, 1);
	memcpy(&half, head + 12, 4);
	assert_int_equal(half, geteuid());
	assert_memory_equal(head + 16, ref.store_id, 16);
	memcpy(&half, head + 48, 4);
	assert_int_equal(half, 65536);
	memcpy(&half, head + 52, 4);
	assert_int_equal(half, 64);
	assert_int_equal(pread(fd, &word, 8, 128 + ref.slot / 64 / 64 * 8), 8);
	assert_true((word >> (ref.slot / 64 % 64) & 1) != 0);
	assert_int_equal(pread(fd, &word, 8, 4096 + ref.slot / 64 * 8), 8);
	assert_true((word >> (ref.slot % 64) & 1) != 0);
	assert_int_equal(pread(fd, slot, 64, 12288 + (off_t)ref.slot * 64), 64);
	memcpy(&word, slot, 8);
	assert_true(word == ((uint64_t)ref.generation << 32 | (uint64_t)getpid() << 2 | 2));
	memcpy(&time, slot + 8, 8);
	assert_int_equal(time, fixture_now_ms + 5000);
	memcpy(&time, slot + 16, 8);
	assert_int_equal(time, fixture_now_ms);
	assert_memory_equal(slot + 32, key, 32);
	close(fd);
}

static void
wrong_modes(void **state)
{
	static const mode_t modes[] = {0400, 0640, 0604, 0666, 0700, 04600};

	open_and_close();
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		/* Only root can open what its owner may not. */
		if (geteuid() != 0 && modes[i] == 0400)
			continue;
		chmod(fixture_path, modes[i]);
		fixture_open_fails(true, BT_ERR_STORE_MODE);
	}
	chmod(fixture_path, 0600);
	open_and_close();
}

static void
other_owner(void **state)
{
	if (!is_root())
		skip();
	open_and_close();
	assert_int_equal(chown(fixture_path, 65534, 65534), 0);
	fixture_open_fails(true, BT_ERR_STORE_OWNER);
	chown(fixture_path, 0, 0);
	assert_int_equal(chown(fixture_dir, 65534, 65534), 0);
	fixture_open_fails(true, BT_ERR_STORE_OWNER);
	chown(fixture_dir, 0, 0);
	open_and_close();
}

static void
links(void **state)
{
	char other[96];

	open_and_close();
	snprintf(other, sizeof other, "%s.link", fixture_path);
	assert_int_equal(link(fixture_path, other), 0);
	fixture_open_fails(true, BT_ERR_STORE_MODE);
	assert_int_equal(unlink(fixture_path), 0);
	assert_int_equal(symlink(other, fixture_path), 0);
	fixture_open_fails(true, BT_ERR_STORE_MODE);
	assert_int_equal(unlink(fixture_path), 0);
	assert_int_equal(rename(other, fixture_path), 0);
	open_and_close();
}

static void
not_files(void **state)
{
	assert_int_equal(mkdir(fixture_path, 0600), 0);
	fixture_open_fails(true, BT_ERR_STORE_MODE);
	rmdir(fixture_path);
	assert_int_equal(mkfifo(fixture_path, 0600), 0);
	fixture_open_fails(true, BT_ERR_STORE_MODE);
}

static void
garbage(void **state)
{
	static const struct {
		off_t offset;
		size_t len;
	} fields[] = {{0, 1}, {0, 7}, {8, 4}, {12, 4}, {48, 4}, {52, 4}};
	uint8_t ones[8];

	memset(ones, 0xff, sizeof ones);
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		open_and_close();
		patch(fields[i].offset, ones, fields[i].len);
		fixture_open_fails(true, BT_ERR_STORE_DAMAGED);
		fixture_open_fails(false, BT_ERR_STORE_DAMAGED);
		unlink(fixture_path);
	}
}

static void
wrong_sizes(void **state)
{
	static const off_t sizes[] = {1, 64, 4096, 12288, 12288 + 65536 * 64 - 1, 12288 + 65536 * 64 + 1};

	open_and_close();
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		assert_int_equal(truncate(fixture_path, sizes[i]), 0);
		fixture_open_fails(true, BT_ERR_STORE_DAMAGED);
	}
}

static void
other_boot(void **state)
{
	uint8_t id[16];

	memset(id, 0x55, sizeof id);
	open_and_close();
	patch(32, id, sizeof id);
	fixture_open_fails(true, BT_ERR_STORE_DAMAGED);
	/* Made where the boot id could not be read. */
	memset(id, 0, sizeof id);
	patch(32, id, sizeof id);
	open_and_close();
}

/* What a process killed at each point of initialising leaves: no size yet, or no magic. */
static void
half_initialised(void **state)
{
	static const uint8_t zeros[8], ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};
	uint8_t key[BT_CLAIM_KEY_LEN];
	uint64_t word;
	int fd = open(fixture_path, O_CREAT | O_WRONLY, 0);

	close(fd);
	fixture_open_fails(false, geteuid() == 0 ? BT_ERR_STORE_MISSING : EACCES);
	chmod(fixture_path, 0600);
	fixture_open_fails(false, BT_ERR_STORE_MISSING);
	open_and_close();
	patch(0, zeros, 8);
	patch(4096, ones, 8);
	patch(12288, ones, 8);
	fixture_open_fails(false, BT_ERR_STORE_MISSING);
	assert_int_equal(fixture_claim(fixture_open(), 1000, key).generation, 1);
	/* Nothing of the old contents counts. */
	word = fixture_table->file->slots[0].state;
	assert_true(word == 0 || bt_claim_state_pid(word) == getpid());
}

static void
no_memory(void **state)
{
	fixture_allocs_left = 0;
	fixture_open_fails(true, BT_ERR_NOMEM);
	fixture_allocs_left = -1;
	open_and_close();
}

static void
no_entropy(void **state)
{
	fixture_has_entropy = false;
	fixture_open_fails(true, BT_ERR_ENTROPY);
	fixture_has_entropy = true;
	fixture_open_fails(false, BT_ERR_STORE_MISSING);
	open_and_close();
}

static bool
without_descriptors(void)
{
	struct rlimit limit;
	struct bt_claim_table *table;
	rlim_t was;
	int num_failed = 0, e;

	getrlimit(RLIMIT_NOFILE, &limit);
	was = limit.rlim_cur;
	for (limit.rlim_cur = 0; limit.rlim_cur < 32; limit.rlim_cur++) {
		setrlimit(RLIMIT_NOFILE, &limit);
		e = bt_claim_table_open(fixture_dir, geteuid(), BT_CLAIM_PLACE_NAMED, true, &table);
		CHECK(e == 0 || (e == EMFILE && table == NULL && strstr(bt_err_noted(EMFILE), fixture_dir) != NULL));
		if (e == 0)
			break;
		num_failed++;
	}
	CHECK(e == 0 && num_failed >= 2);
	bt_claim_table_free(table);
	limit.rlim_cur = was;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static void
no_descriptors(void **state)
{
	assert_true(fixture_in_child(without_descriptors));
	open_and_close();
}

/* 6 pages of 4096 bytes: three for the header, three for slots. */
static bool
on_a_full_file_system(void)
{
	struct bt_claim_table *table;
	struct bt_claim_ref ref, refs[192];
	uint8_t key[BT_CLAIM_KEY_LEN];
	int e;

	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", fixture_dir, "tmpfs", 0, "size=24k,mode=0700") != 0)
		return true;
	e = bt_claim_table_open(fixture_dir, geteuid(), BT_CLAIM_PLACE_NAMED, true, &table);
	CHECK(e == 0);
	for (int i = 0; i < 192; i++) {
		CHECK(bt_claim_reserve(&table->store, 1000, &refs[i], key) == 0);
		bt_claim_activate(&table->store, &refs[i], key);
	}
	CHECK(bt_claim_reserve(&table->store, 1000, &ref, key) == ENOSPC);
	CHECK(ref.generation == 0 && key[0] == 0 && strstr(bt_err_noted(ENOSPC), fixture_dir) != NULL);
	/* A made-up token must not touch memory that is not there. */
	for (ref = refs[0], ref.slot = 0; ref.slot < 65536; ref.slot += 64)
		if (!bt_claim_table_has_page(table, ref.slot / 64))
			CHECK(bt_claim_read(&table->store, &ref, key) == BT_ERR_TOKEN_USED);
	CHECK(bt_claim_take(&table->store, &refs[7]) == 0);
	CHECK(bt_claim_reserve(&table->store, 1000, &ref, key) == 0);
	CHECK(ref.slot == refs[7].slot);
	/* Expired ones make room as well. */
	fixture_now_ms += 1000;
	CHECK(bt_claim_reserve(&table->store, 1000, &ref, key) == 0);
	bt_claim_table_free(table);
	/* Not even room for the header. */
	CHECK(umount2(fixture_dir, MNT_DETACH) == 0 && mount("none", fixture_dir, "tmpfs", 0, "size=8k,mode=0700") == 0);
	CHECK(bt_claim_table_open(fixture_dir, geteuid(), BT_CLAIM_PLACE_NAMED, true, &table) == ENOSPC && table == NULL);
	CHECK(bt_claim_table_open(fixture_dir, geteuid(), BT_CLAIM_PLACE_NAMED, false, &table) == BT_ERR_STORE_MISSING);
	return true;
}

static void
full_file_system(void **state)
{
	assert_true(fixture_in_child(on_a_full_file_system));
}

static void
looks(void **state)
{
	int fd;

	fixture_open();
	assert_int_equal(bt_claim_table_look(fixture_table), BT_CLAIM_LOOK_FINE);
	assert_int_equal(bt_claim_table_glance(fixture_table, 7), BT_CLAIM_LOOK_FINE);
	assert_int_equal(truncate(fixture_path, 4096), 0);
	assert_int_equal(bt_claim_table_look(fixture_table), BT_CLAIM_LOOK_SHRUNK);
	assert_int_equal(bt_claim_table_glance(fixture_table, 7), BT_CLAIM_LOOK_FINE);
	assert_int_equal(bt_claim_table_glance(fixture_table, 8), BT_CLAIM_LOOK_SHRUNK);
	assert_int_equal(bt_claim_table_glance(fixture_table, 8), BT_CLAIM_LOOK_SHRUNK);
	assert_int_equal(truncate(fixture_path, 12288 + 65536 * 64), 0);
	assert_int_equal(unlink(fixture_path), 0);
	assert_int_equal(bt_claim_table_look(fixture_table), BT_CLAIM_LOOK_DELETED);
	/* Another file under our number. */
	close(fixture_table->fd);
	assert_int_equal(bt_claim_table_look(fixture_table), BT_CLAIM_LOOK_BLIND);
	fd = open("/dev/null", O_RDONLY);
	assert_true(fd >= 0 && dup2(fd, fixture_table->fd) >= 0);
	close(fd);
	assert_int_equal(bt_claim_table_look(fixture_table), BT_CLAIM_LOOK_BLIND);
}

static void
retired(void **state)
{
	struct bt_claim_store *store = fixture_open();
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_ref ref = fixture_claim(store, 1000, key);
	struct bt_claim_census census;
	int fd = fixture_table->fd;

	unlink(fixture_path);
	bt_claim_table_retire(fixture_table);
	bt_claim_table_retire(fixture_table);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(bt_claim_read(store, &ref, key), BT_ERR_TOKEN_STORE);
	assert_int_equal(bt_claim_take(store, &ref), BT_ERR_TOKEN_STORE);
	bt_claim_activate(store, &ref, key);
	bt_claim_cancel(store, &ref);
	assert_int_equal(bt_claim_reserve(store, 1000, &ref, key), BT_ERR_STORE_DAMAGED);
	assert_int_equal(bt_claim_sweep(store), 0);
	bt_claim_census_of(store, &census);
	assert_int_equal(census.num_live, 0);
	fixture_table->fd = -1;
}

/* Another process is in the midst of initialising: wait for it, and do not make a second table. */
static void
waits_for_an_initialiser(void **state)
{
	int fd = open(fixture_path, O_CREAT | O_RDWR, 0600), status;
	pid_t pid;

	assert_int_equal(flock(fd, LOCK_EX), 0);
	if ((pid = fork()) == 0) {
		usleep(50000);
		flock(fd, LOCK_UN);
		_exit(0);
	}
	close(fd);
	open_and_close();
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* One-time keys do not go into a core dump. */
static void
not_in_core_dumps(void **state)
{
	char line[512];
	bool is_table = false, is_left_out = false;
	FILE *maps;

	fixture_open();
	maps = fopen("/proc/self/smaps", "r");
	if (maps == NULL)
		skip();
	while (fgets(line, sizeof line, maps) != NULL) {
		is_table |= strstr(line, fixture_path) != NULL;
		if (is_table && strncmp(line, "VmFlags:", 8) == 0) {
			is_left_out = strstr(line, " dd") != NULL;
			break;
		}
	}
	fclose(maps);
	assert_true(is_table);
	assert_true(is_left_out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(made_once_and_found_again),
	    TEST(layout),
	    TEST(wrong_modes),
	    TEST(other_owner),
	    TEST(links),
	    TEST(not_files),
	    TEST(garbage),
	    TEST(wrong_sizes),
	    TEST(other_boot),
	    TEST(half_initialised),
	    TEST(no_memory),
	    TEST(no_entropy),
	    TEST(no_descriptors),
	    TEST(full_file_system),
	    TEST(looks),
	    TEST(retired),
	    TEST(waits_for_an_initialiser),
	    TEST(not_in_core_dumps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
