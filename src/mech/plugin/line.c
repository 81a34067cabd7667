#include "mech/plugin/line.h"

#include <linux/limits.h>

static const struct {
	const char *text, *hint;
} problems[BT_PLUGIN_NUM_PROBLEMS] = {
#define BT_PLUGIN_PROBLEM(name, text, hint) [BT_PLUGIN_##name] = {text, hint},
#include "mech/plugin/problem.def"
#undef BT_PLUGIN_PROBLEM
};

const char *
bt_plugin_problem_text(enum bt_plugin_problem problem)
{
	return problems[problem].text;
}

const char *
bt_plugin_problem_hint(enum bt_plugin_problem problem)
{
	return problems[problem].hint;
}

static bool
is_space(int c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void
skip_spaces(struct bt_rd *rd)
{
	while (is_space(bt_rd_peek(rd)))
		bt_rd_u8(rd);
}

/* The next field and the spaces after it; empty at the end. */
static struct bt_bytes
read_field(struct bt_rd *rd)
{
	const uint8_t *start = rd->ptr;
	size_t len = 0;

	while (len < rd->left && !is_space(start[len]))
		len++;
	bt_rd_bytes(rd, len);
	skip_spaces(rd);
	return bt_bytes_of(start, len);
}

/* What stands between two marks, of which the first is next. False: the second does not come. */
static bool
read_marked(struct bt_rd *rd, uint8_t end, struct bt_bytes *out)
{
	const uint8_t *start, *at;

	bt_rd_u8(rd);
	start = rd->ptr;
	if (rd->left == 0 || (at = memchr(start, end, rd->left)) == NULL)
		return false;
	*out = bt_rd_bytes(rd, (size_t)(at - start));
	bt_rd_u8(rd);
	skip_spaces(rd);
	return true;
}

static bool
has_control(struct bt_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((text.ptr[i] < ' ' && !is_space(text.ptr[i])) || text.ptr[i] == 0x7f)
			return true;
	return false;
}

static bool
read_oid(struct bt_bytes text, struct bt_plugin_line *out)
{
	struct bt_wr wr;

	bt_wr_over(&wr, out->oid, sizeof out->oid);
	if (bt_oid_parse(text, &wr) != 0 || wr.failed || !bt_oid_is_valid(bt_wr_written(&wr)))
		return false;
	out->oid_len = wr.len;
	return true;
}

/* What may follow the library. */
static enum bt_plugin_problem
read_extras(struct bt_rd *rd, struct bt_plugin_line *out)
{
	int next = bt_rd_peek(rd);

	if (next != -1 && next != '[' && next != '<' && next != '#')
		out->kernel_module = read_field(rd);
	if (bt_rd_peek(rd) == '[' && !read_marked(rd, ']', &out->options))
		return BT_PLUGIN_OPTIONS_OPEN;
	if (bt_rd_peek(rd) == '<' && !read_marked(rd, '>', &out->type))
		return BT_PLUGIN_TYPE_OPEN;
	/* Other libraries do not look at what comes then, and so people have written comments there. */
	return rd->left == 0 || bt_rd_peek(rd) == '#' ? BT_PLUGIN_NO_PROBLEM : BT_PLUGIN_TRAILING;
}

static enum bt_plugin_problem
read_fields(struct bt_rd *rd, struct bt_plugin_line *out)
{
	struct bt_bytes oid;

	out->name = read_field(rd);
	if ((oid = read_field(rd)).len == 0)
		return BT_PLUGIN_NO_OID;
	if (!read_oid(oid, out))
		return BT_PLUGIN_BAD_OID;
	if ((out->library = read_field(rd)).len == 0)
		return BT_PLUGIN_NO_LIBRARY;
	if (out->library.len >= PATH_MAX / 2)
		return BT_PLUGIN_LONG_LIBRARY;
	return read_extras(rd, out);
}

enum bt_plugin_problem
bt_plugin_line_read(struct bt_bytes text, struct bt_plugin_line *out)
{
	struct bt_rd rd = bt_rd_of(text);
	enum bt_plugin_problem problem;

	*out = (struct bt_plugin_line){0};
	skip_spaces(&rd);
	if (bt_rd_peek(&rd) == '#')
		return BT_PLUGIN_NO_PROBLEM;
	if (text.len > BT_PLUGIN_LINE_MAX)
		return BT_PLUGIN_LINE_TOO_LONG;
	if (has_control(text))
		return BT_PLUGIN_LINE_BINARY;
	if (rd.left == 0)
		return BT_PLUGIN_NO_PROBLEM;
	if ((problem = read_fields(&rd, out)) != BT_PLUGIN_NO_PROBLEM)
		out->oid_len = 0;
	return problem;
}

bool
bt_plugin_line_is_interposer(const struct bt_plugin_line *line)
{
	return bt_bytes_equal(line->type, bt_bytes_of_str("interposer"));
}
