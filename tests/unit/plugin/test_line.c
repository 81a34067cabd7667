#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mech/plugin/config.h"

static struct bt_plugin_line
read_good(const char *text)
{
	struct bt_plugin_line line;

	assert_int_equal(bt_plugin_line_read(bt_bytes_of_str(text), &line), BT_PLUGIN_NO_PROBLEM);
	return line;
}

static void
assert_text(struct bt_bytes bytes, const char *text)
{
	assert_int_equal(bytes.len, strlen(text));
	assert_memory_equal(bytes.ptr, text, bytes.len);
}

static void
fields(void **state)
{
	struct bt_plugin_line line = read_good("ntlm 1.3.6.1.4.1.311.2.2.10 /usr/lib/x.so");

	assert_text(line.name, "ntlm");
	assert_text(line.library, "/usr/lib/x.so");
	assert_int_equal(line.oid_len, 10);
	assert_memory_equal(line.oid, "\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a", 10);
	assert_int_equal(line.kernel_module.len + line.options.len + line.type.len, 0);
	assert_false(bt_plugin_line_is_interposer(&line));

	line = read_good("\ta  1.2.3\tlib.so  module [one two] <interposer>  # words\r");
	assert_text(line.name, "a");
	assert_text(line.library, "lib.so");
	assert_text(line.kernel_module, "module");
	assert_text(line.options, "one two");
	assert_text(line.type, "interposer");
	assert_true(bt_plugin_line_is_interposer(&line));

	line = read_good("a 1.2.3 lib.so <interposer>");
	assert_int_equal(line.kernel_module.len, 0);
	assert_true(bt_plugin_line_is_interposer(&line));
	line = read_good("a 1.2.3 lib.so []<>");
	assert_int_equal(line.options.len + line.type.len, 0);
	line = read_good("a 1.2.3 lib.so <other>");
	assert_false(bt_plugin_line_is_interposer(&line));
}

static void
nothing(void **state)
{
	static const char *const lines[] = {"", "   \t ", "#", "# a 1.2.3 lib.so", " \t#a 1.2.3 lib.so", "#\x01", "\r"};

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		assert_int_equal(read_good(lines[i]).oid_len, 0);
}

static void
problems(void **state)
{
	static const struct {
		const char *text;
		enum bt_plugin_problem problem;
	} rows[] = {
		{"a", BT_PLUGIN_NO_OID},
		{"a  ", BT_PLUGIN_NO_OID},
		{"a b lib.so", BT_PLUGIN_BAD_OID},
		{"a 1 lib.so", BT_PLUGIN_BAD_OID},
		{"a 1.40.1 lib.so", BT_PLUGIN_BAD_OID},
		{"a 3.1.1 lib.so", BT_PLUGIN_BAD_OID},
		{"a 1.2.99999999999999999999999 lib.so", BT_PLUGIN_BAD_OID},
		{"a 1.2.3", BT_PLUGIN_NO_LIBRARY},
		{"a 1.2.3 lib.so [x", BT_PLUGIN_OPTIONS_OPEN},
		{"a 1.2.3 lib.so [", BT_PLUGIN_OPTIONS_OPEN},
		{"a 1.2.3 lib.so <x", BT_PLUGIN_TYPE_OPEN},
		{"a 1.2.3 lib.so <", BT_PLUGIN_TYPE_OPEN},
		{"a 1.2.3 lib.so module more", BT_PLUGIN_TRAILING},
		{"a 1.2.3 lib.so <x> [y]", BT_PLUGIN_TRAILING},
		{"a 1.2.3 lib.so [x] y", BT_PLUGIN_TRAILING},
		{"a 1.2.3 lib.so\x7f", BT_PLUGIN_LINE_BINARY},
		{"a\x01 1.2.3 lib.so", BT_PLUGIN_LINE_BINARY},
	};
	struct bt_plugin_line line;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(bt_plugin_line_read(bt_bytes_of_str(rows[i].text), &line), rows[i].problem);
		assert_int_equal(line.oid_len, 0);
		assert_non_null(bt_plugin_problem_text(rows[i].problem));
	}
	assert_int_equal(bt_plugin_line_read(bt_bytes_of("a 1.2.3 lib\0.so", 15), &line), BT_PLUGIN_LINE_BINARY);
}

/* An object identifier of 127 octets is the longest, and a line of 4096. */
static void
bounds(void **state)
{
	char text[BT_PLUGIN_LINE_MAX + 2] = "a 1.2";
	struct bt_plugin_line line;

	for (int i = 0; i < BT_OID_MAX - 1; i++)
		strcat(text, ".1");
	strcat(text, " lib.so");
	assert_int_equal(read_good(text).oid_len, BT_OID_MAX);
	text[strlen(text) - 7] = '\0';
	strcat(text, ".1 lib.so");
	assert_int_equal(bt_plugin_line_read(bt_bytes_of_str(text), &line), BT_PLUGIN_BAD_OID);

	memset(text, ' ', sizeof text);
	assert_int_equal(bt_plugin_line_read(bt_bytes_of(text, BT_PLUGIN_LINE_MAX), &line), BT_PLUGIN_NO_PROBLEM);
	assert_int_equal(bt_plugin_line_read(bt_bytes_of(text, BT_PLUGIN_LINE_MAX + 1), &line), BT_PLUGIN_LINE_TOO_LONG);
	memset(text, 'x', sizeof text);
	memcpy(text, "a 1.2.3 ", 8);
	assert_int_equal(bt_plugin_line_read(bt_bytes_of(text, BT_PLUGIN_LINE_MAX), &line), BT_PLUGIN_LONG_LIBRARY);
}

static int
note(const struct bt_plugin_place *place, void *arg)
{
	char *out = arg;

	assert_string_equal(place->file, "f");
	out[strlen(out)] = (char)('0' + place->line_no);
	out[strlen(out)] = place->problem != BT_PLUGIN_NO_PROBLEM ? '!' : '.';
	return place->line_no == 7;
}

/* Line numbers count all lines, a broken one ends nothing, and whoever is told can end it. */
static void
files(void **state)
{
	static const char text[] = "# one\n\nbroken\na 1.2.3 l\n\nb 1.2.4 l\nc 1.2.5 l\nd 1.2.6 l";
	char out[32] = "";

	assert_int_equal(bt_plugin_config_walk_text("f", bt_bytes_of_str(text), note, out), 1);
	assert_string_equal(out, "3!4.6.7.");
	memset(out, 0, sizeof out);
	assert_int_equal(bt_plugin_config_walk_text("f", bt_bytes_of_str("a 1.2.3 l"), note, out), 0);
	assert_string_equal(out, "1.");
	memset(out, 0, sizeof out);
	assert_int_equal(bt_plugin_config_walk_text("f", (struct bt_bytes){0}, note, out), 0);
	assert_string_equal(out, "");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields), cmocka_unit_test(nothing), cmocka_unit_test(problems),
		cmocka_unit_test(bounds), cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
