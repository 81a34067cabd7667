/* What a header says of processes, and which processes that are. */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/err.h"
#include "transfer/audience.h"
#include "transfer/process.h"

static const struct bt_audience full = {
    .bits = BT_AUDIENCE_ALL,
    .group = {0x01020304, 0x1112131415161718},
    .session = {0x21222324, 0x3132333435363738},
    .process = {0x41424344, 0x5152535455565758},
    .cgroup = "sixteen octets.",
};

static void
values_follow_in_the_order_of_their_bits(void **state)
{
	static const char expected[] = "\x01\x02\x03\x04\x11\x12\x13\x14\x15\x16\x17\x18\x21\x22\x23\x24\x31\x32\x33\x34\x35\x36\x37\x38"
				       "\x41\x42\x43\x44\x51\x52\x53\x54\x55\x56\x57\x58sixteen octets.";
	uint8_t bytes[BT_AUDIENCE_LEN_MAX];
	struct bt_wr wr;

	bt_wr_over(&wr, bytes, sizeof bytes);
	bt_transfer_audience_write(&wr, &full);
	assert_int_equal(wr.len, BT_AUDIENCE_LEN_MAX);
	assert_int_equal(sizeof expected, sizeof bytes);
	assert_memory_equal(bytes, expected, sizeof bytes);
}

static void
all_sets_of_bits_are_read_as_they_were_written(void **state)
{
	uint8_t bytes[BT_AUDIENCE_LEN_MAX], again[BT_AUDIENCE_LEN_MAX];

	for (unsigned bits = 0; bits <= BT_AUDIENCE_ALL; bits++) {
		struct bt_audience out, audience = full;
		struct bt_wr wr;
		struct bt_rd rd;

		audience.bits = (uint8_t)bits;
		bt_wr_over(&wr, bytes, sizeof bytes);
		bt_transfer_audience_write(&wr, &audience);
		assert_int_equal(wr.len, bt_transfer_audience_len((uint8_t)bits));
		rd = bt_rd_of(bt_bytes_of(bytes, wr.len));
		bt_transfer_audience_read(&rd, (uint8_t)bits, &out);
		assert_int_equal(bt_rd_end(&rd), 0);
		assert_int_equal(out.bits, bits);
		bt_wr_over(&wr, again, sizeof again);
		bt_transfer_audience_write(&wr, &out);
		assert_memory_equal(again, bytes, wr.len);
		for (size_t len = 0; len < wr.len; len++) {
			rd = bt_rd_of(bt_bytes_of(bytes, len));
			bt_transfer_audience_read(&rd, (uint8_t)bits, &out);
			assert_true(rd.failed);
		}
	}
}

static struct bt_audience
own(uint8_t bits)
{
	struct bt_audience_rule rule = {.bits = bits, .pid = (uint32_t)getpid()};
	struct bt_audience audience;

	assert_int_equal(bt_transfer_audience_of(&rule, false, &audience), 0);
	assert_int_equal(audience.bits, bits & ~BT_AUDIENCE_ACCOUNT);
	return audience;
}

static void
this_process_is_of_its_own_audience(void **state)
{
	for (unsigned bits = 0; bits <= BT_AUDIENCE_ALL; bits++) {
		struct bt_audience audience = own((uint8_t)bits);

		assert_int_equal(bt_transfer_audience_admit(&audience), 0);
	}
}

static void
each_value_must_fit(void **state)
{
	static const struct {
		enum bt_audience_bit bit;
		size_t offset;
	} rows[] = {
	    {BT_AUDIENCE_GROUP, offsetof(struct bt_audience, group.pid)},   {BT_AUDIENCE_GROUP, offsetof(struct bt_audience, group.started_at)},
	    {BT_AUDIENCE_PID, offsetof(struct bt_audience, process.pid)},   {BT_AUDIENCE_PID, offsetof(struct bt_audience, process.started_at)},
	    {BT_AUDIENCE_SESSION, offsetof(struct bt_audience, session.pid)}, {BT_AUDIENCE_CGROUP, offsetof(struct bt_audience, cgroup)},
	    {BT_AUDIENCE_CGROUP, offsetof(struct bt_audience, cgroup) + 15},
	};

	int status = -1;

	/* As leader, so that its beginning is known. */
	if (fork() == 0) {
		if (setpgid(0, 0) != 0)
			_exit(1);
		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
			struct bt_audience audience = own((uint8_t)rows[i].bit);

			((uint8_t *)&audience)[rows[i].offset] ^= 1;
			if (bt_transfer_audience_admit(&audience) != BT_ERR_TOKEN_AUDIENCE)
				_exit((int)i + 2);
			((uint8_t *)&audience)[rows[i].offset] ^= 1;
			if (bt_transfer_audience_admit(&audience) != 0)
				_exit((int)i + 32);
		}
		_exit(0);
	}
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
}

/* The number of a process that has ended, and is now this one's. */
static void
a_reused_number_is_another_process(void **state)
{
	struct bt_audience audience = own(BT_AUDIENCE_PID);

	audience.process.started_at -= 100;
	assert_int_equal(bt_transfer_audience_admit(&audience), BT_ERR_TOKEN_AUDIENCE);
	assert_non_null(strstr(bt_err_noted(BT_ERR_TOKEN_AUDIENCE), "another process"));
}

static void
nobody_is_no_audience(void **state)
{
	struct bt_audience_rule rule = {.bits = BT_AUDIENCE_PID};
	struct bt_audience audience;
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	rule.pid = (uint32_t)child;
	assert_int_equal(bt_transfer_audience_of(&rule, false, &audience), BT_ERR_AUDIENCE);
	assert_int_equal(audience.bits, 0);
}

static void
only_another_account_is_said_to_be_one(void **state)
{
	struct bt_audience_rule rule = {.bits = BT_AUDIENCE_ACCOUNT, .uid = 5};
	struct bt_audience audience;

	assert_int_equal(bt_transfer_audience_of(&rule, true, &audience), 0);
	assert_int_equal(audience.bits, BT_AUDIENCE_ACCOUNT);
	assert_int_equal(bt_transfer_audience_of(&rule, false, &audience), 0);
	assert_int_equal(audience.bits, 0);
}

static void
the_kernels_line_about_a_process(void **state)
{
	static const struct {
		const char *text;
		uint64_t started_at; /* 0: refused */
	} rows[] = {
	    {"7 (a) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 1 2 3\n", 4711},
	    {"7 (a) ) S 1) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 18446744073709551615 1\n", UINT64_MAX},
	    {"7 () S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 18446744073709551616 1\n", 0},
	    {"7 (a) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0\n", 0},
	    {"7 (a) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 -1 1\n", 0},
	    {"7 a S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 1 2 3\n", 0},
	    {"", 0},
	    {")", 0},
	};
	uint64_t started_at;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(bt_transfer_process_parse_stat(bt_bytes_of_str(rows[i].text), &started_at), rows[i].started_at != 0);
		if (rows[i].started_at != 0)
			assert_true(started_at == rows[i].started_at);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_follow_in_the_order_of_their_bits),
	    cmocka_unit_test(all_sets_of_bits_are_read_as_they_were_written),
	    cmocka_unit_test(this_process_is_of_its_own_audience),
	    cmocka_unit_test(each_value_must_fit),
	    cmocka_unit_test(a_reused_number_is_another_process),
	    cmocka_unit_test(nobody_is_no_audience),
	    cmocka_unit_test(only_another_account_is_said_to_be_one),
	    cmocka_unit_test(the_kernels_line_about_a_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
