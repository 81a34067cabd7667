/*
 * A file of the mechanisms' configuration. What is read of a line, written again in the plainest way, is read as the same;
 * each line says what it says alone; and their numbers only grow.
 */
#include "../wire/must.h"
#include "mech/plugin/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
is_same(const struct bt_plugin_line *a, const struct bt_plugin_line *b)
{
	return bt_bytes_equal(a->name, b->name) && bt_bytes_equal(a->library, b->library) &&
	       bt_bytes_equal(a->kernel_module, b->kernel_module) && bt_bytes_equal(a->options, b->options) &&
	       bt_bytes_equal(a->type, b->type) &&
	       bt_bytes_equal(bt_bytes_of(a->oid, a->oid_len), bt_bytes_of(b->oid, b->oid_len));
}

/* "{ 1 2 3 }" with dots. */
static void
put_oid(struct bt_wr *wr, const struct bt_plugin_line *line)
{
	struct bt_wr text;
	char *oid;

	bt_wr_init(&text);
	/* An arc of more than 64 bits cannot be written, so none was read. */
	must(bt_oid_print(bt_bytes_of(line->oid, line->oid_len), &text) == 0);
	oid = (char *)text.ptr;
	for (size_t i = 2; i + 2 < text.len; i++)
		bt_wr_u8(wr, (uint8_t)(oid[i] == ' ' ? '.' : oid[i]));
	bt_wr_done(&text);
}

static void
put(struct bt_wr *wr, const char *before, struct bt_bytes field, const char *after)
{
	bt_wr_bytes(wr, bt_bytes_of_str(before));
	bt_wr_bytes(wr, field);
	bt_wr_bytes(wr, bt_bytes_of_str(after));
}

static void
write_again(const struct bt_plugin_line *line, struct bt_wr *wr)
{
	put(wr, "", line->name, " ");
	put_oid(wr, line);
	put(wr, " ", line->library, "");
	if (line->kernel_module.len != 0)
		put(wr, " ", line->kernel_module, "");
	if (line->options.len != 0)
		put(wr, " [", line->options, "]");
	if (line->type.len != 0)
		put(wr, " <", line->type, ">");
}

static int
look(const struct bt_plugin_place *place, void *arg)
{
	unsigned *last = arg;
	struct bt_plugin_line again;
	struct bt_wr wr;

	must(place->line_no > *last);
	*last = place->line_no;
	if (place->problem != BT_PLUGIN_NO_PROBLEM) {
		must(place->line.oid_len == 0 && bt_plugin_problem_text(place->problem) != NULL);
		return 0;
	}
	must(place->line.oid_len != 0 && bt_oid_is_valid(bt_bytes_of(place->line.oid, place->line.oid_len)));
	must(place->line.name.len != 0 && place->line.library.len != 0);
	bt_wr_init(&wr);
	write_again(&place->line, &wr);
	must(!wr.failed);
	if (wr.len <= BT_PLUGIN_LINE_MAX) {
		must(bt_plugin_line_read(bt_wr_written(&wr), &again) == BT_PLUGIN_NO_PROBLEM);
		must(is_same(&place->line, &again));
	}
	bt_wr_done(&wr);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	unsigned last = 0;

	must(bt_plugin_config_walk_text("file", bt_bytes_of(data, len), look, &last) == 0);
	return 0;
}
