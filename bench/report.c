#include "report.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static const char *const units[] = { [MICROSECONDS] = "us", [BYTES] = "B", [SPEEDUP] = "x", [ADDED] = "us" };

bool
report_reached(const struct row *row)
{
	if (row->target == 0)
		return true;
	/* Two digits are what a median over a few rounds is worth. */
	if (row->unit == ADDED)
		return row->baton <= row->target + 0.005;
	return (row->unit == SPEEDUP ? row->baton : row->ratio) >= row->target - 0.005;
}

void
report_head(FILE *out)
{
	fprintf(out, "%-38s %12s %12s   %9s  %s\n", "", "Baton", "MIT", "MIT/Baton", "target");
}

static void
print_value(FILE *out, const struct row *row, double value)
{
	int digits = row->unit == BYTES || value >= 1000 ? 0 : value >= 100 ? 1 : value >= 10 ? 2 : 3;

	if (row->unit == SPEEDUP)
		digits = 2;
	fprintf(out, " %9.*f %-2s", digits, value, units[row->unit]);
}

void
report_row(FILE *out, const struct row *row)
{
	fprintf(out, "%-38s", row->label);
	print_value(out, row, row->baton);
	print_value(out, row, row->mit);
	if (row->unit == SPEEDUP || row->unit == ADDED)
		fprintf(out, "   %9s", "");
	else
		fprintf(out, "   %8.2fx", row->ratio);
	if (row->target != 0)
		fprintf(out, "  %.1f%s %s", row->target, row->unit == ADDED ? " us" : "x", report_reached(row) ? "reached" : "MISSED");
	fprintf(out, "\n");
}

void
report_foot(FILE *out, const struct row *rows, size_t num)
{
	size_t num_targets = 0, num_reached = 0;

	for (size_t n = 0; n < num; n++)
		if (rows[n].is_measured && rows[n].target != 0) {
			num_targets++;
			num_reached += report_reached(&rows[n]);
		}
	fprintf(out, "targets: %zu of %zu reached\n", num_reached, num_targets);
}

/* The processor's name, as it decides which instructions the libraries find. */
static void
read_processor(char *out, size_t room)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[256], *colon;

	snprintf(out, room, "unknown");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "model name", 10) == 0 && (colon = strchr(line, ':')) != NULL) {
			line[strcspn(line, "\n\"\\")] = '\0';
			snprintf(out, room, "%s", colon + 2);
			break;
		}
	if (f != NULL)
		fclose(f);
}

static bool
finish(FILE *f)
{
	bool ok = ferror(f) == 0;

	return fclose(f) == 0 && ok;
}

bool
report_json(const char *path, const struct row *rows, size_t num, unsigned rounds)
{
	FILE *f = fopen(path, "w");
	char processor[128];
	bool is_first = true;

	if (f == NULL)
		return false;
	read_processor(processor, sizeof(processor));
	fprintf(f, "{\n  \"baton\": \"%s\",\n  \"mit\": \"%s\",\n  \"processor\": \"%s\",\n  \"processors\": %ld,\n  \"rounds\": %u,\n  \"rows\": [",
		BATON_VERSION, MIT_VERSION, processor, sysconf(_SC_NPROCESSORS_ONLN), rounds);
	for (size_t n = 0; n < num; n++) {
		const struct row *r = &rows[n];

		if (!r->is_measured)
			continue;
		fprintf(f, "%s\n    { \"label\": \"%s\", \"work\": \"%s\", \"service\": \"%s\", \"size\": %zu, \"threads\": %u, \"unit\": \"%s\",\n",
			is_first ? "" : ",", r->label, r->work, r->service, r->size, r->threads, units[r->unit]);
		fprintf(f, "      \"baton\": %.6g, \"mit\": %.6g, \"ratio\": %.4g, \"quartiles\": [%.4g, %.4g]", r->baton, r->mit, r->ratio,
			r->ratio_low, r->ratio_high);
		if (r->target != 0)
			fprintf(f, ", \"target\": %.2g, \"reached\": %s", r->target, report_reached(r) ? "true" : "false");
		fprintf(f, " }");
		is_first = false;
	}
	fprintf(f, "\n  ]\n}\n");
	return finish(f);
}

/* ---- the picture: a bar a row, as long as the logarithm of its ratio ---- */

enum { BAR_HEIGHT = 14, ROW_HEIGHT = 20, LEFT = 260, PLOT_WIDTH = 520, RIGHT = 90, TOP = 70, BOTTOM = 40 };

/* Ratios from a quarter to 64 have a place on the axis; what lies beyond is cut off there. */
static const double axis_low = 0.25, axis_high = 64;

static double
place(double ratio)
{
	double at = ratio < axis_low ? axis_low : ratio > axis_high ? axis_high : ratio;

	return LEFT + PLOT_WIDTH * log(at / axis_low) / log(axis_high / axis_low);
}

static bool
is_drawn(const struct row *row)
{
	return row->is_measured && row->unit != ADDED;
}

static void
draw_row(FILE *f, const struct row *r, int y)
{
	double value = r->unit == SPEEDUP ? r->baton : r->ratio, one = place(1), end = place(value);
	double from = end < one ? end : one, width = fabs(end - one), after = end > one ? end : one;
	const char *colour = !report_reached(r) ? "#b23a48" : r->unit == SPEEDUP ? "#6a8caf" : value < 1 ? "#c98b5e" : "#3f7d58";

	fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", LEFT - 8, y + 11, r->label);
	fprintf(f, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", from, y, width < 1 ? 1 : width, BAR_HEIGHT, colour);
	if (r->unit != SPEEDUP && r->unit != BYTES) {
		fprintf(f, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#222\"/>\n", place(r->ratio_low), y + BAR_HEIGHT / 2,
			place(r->ratio_high), y + BAR_HEIGHT / 2);
		after = fmax(after, place(r->ratio_high));
	}
	if (r->target != 0) {
		fprintf(f, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#222\" stroke-width=\"2\"/>\n", place(r->target), y - 2,
			place(r->target), y + BAR_HEIGHT + 2);
		after = fabs(after - place(r->target)) < 8 ? place(r->target) : after;
	}
	fprintf(f, "<text x=\"%.1f\" y=\"%d\">%.2f×</text>\n", after + 6, y + 11, value);
}

bool
report_svg(const char *path, const struct row *rows, size_t num)
{
	static const double ticks[] = { 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64 };
	FILE *f = fopen(path, "w");
	int num_drawn = 0, height, y = TOP;

	if (f == NULL)
		return false;
	for (size_t n = 0; n < num; n++)
		num_drawn += is_drawn(&rows[n]);
	height = TOP + num_drawn * ROW_HEIGHT + BOTTOM;
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"11\">\n",
		LEFT + PLOT_WIDTH + RIGHT, height);
	fprintf(f, "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n");
	fprintf(f, "<text x=\"%d\" y=\"20\" font-size=\"15\" font-weight=\"bold\">Baton %s beside MIT %s</text>\n", LEFT, BATON_VERSION, MIT_VERSION);
	fprintf(f, "<text x=\"%d\" y=\"38\">How many times less time, or memory, Baton takes; thin line: quartiles; upright bar: target.</text>\n",
		LEFT);
	for (size_t n = 0; n < sizeof(ticks) / sizeof(*ticks); n++) {
		fprintf(f, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"%s\"/>\n", place(ticks[n]), TOP - 8, place(ticks[n]),
			height - BOTTOM, ticks[n] == 1 ? "#666" : "#ddd");
		fprintf(f, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g×</text>\n", place(ticks[n]), TOP - 12, ticks[n]);
	}
	for (size_t n = 0; n < num; n++)
		if (is_drawn(&rows[n])) {
			draw_row(f, &rows[n], y);
			y += ROW_HEIGHT;
		}
	fprintf(f, "<text x=\"%d\" y=\"%d\">Blue: throughput of two threads over one, of Baton. Red: target missed.</text>\n", LEFT, height - 14);
	fprintf(f, "</svg>\n");
	return finish(f);
}
