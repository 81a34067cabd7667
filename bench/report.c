#include "report.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static const char *const units[] = { [MICROSECONDS] = "us", [BYTES] = "B", [SPEEDUP] = "x", [ADDED] = "us" };

static const char *const names[] = { [BATON] = "Baton", [MIT] = "MIT", [HEIMDAL] = "Heimdal" };

/* The others; a ratio is to one of them. */
enum { FIRST_OTHER = BATON + 1 };

bool
library_is_optional(enum library library)
{
	return library == HEIMDAL;
}

bool
report_reached(const struct row *row)
{
	if (row->target == 0)
		return true;
	/* Two digits are what a median over a few rounds is worth. */
	if (row->unit == ADDED)
		return row->results[BATON].value <= row->target + 0.005;
	return (row->unit == SPEEDUP ? row->results[BATON].value : row->results[MIT].ratio) >= row->target - 0.005;
}

/* Some numbers stand for themselves. */
static bool
has_ratio(const struct row *row, enum library library)
{
	return row->results[library].is_measured && row->unit != SPEEDUP && row->unit != ADDED;
}

/* ---- the table ---- */

void
report_head(FILE *out, const struct report *report)
{
	fprintf(out, "%-38s %12s", "", names[BATON]);
	for (int n = FIRST_OTHER; n < NUM_LIBRARIES; n++)
		fprintf(out, " %12s", report->versions[n] != NULL ? names[n] : "");
	for (int n = FIRST_OTHER; n < NUM_LIBRARIES; n++)
		fprintf(out, " %13s", report->versions[n] == NULL ? "" : n == MIT ? "MIT/Baton" : "Heimdal/Baton");
	fprintf(out, "  %s\n", "target");
}

static void
print_value(FILE *out, const struct row *row, const struct result *result)
{
	int digits = row->unit == BYTES || result->value >= 1000 ? 0 : result->value >= 100 ? 1 : result->value >= 10 ? 2 : 3;

	if (row->unit == SPEEDUP)
		digits = 2;
	if (result->is_measured)
		fprintf(out, " %9.*f %-2s", digits, result->value, units[row->unit]);
	else
		fprintf(out, " %12s", "");
}

void
report_row(FILE *out, const struct row *row)
{
	fprintf(out, "%-38s", row->label);
	for (int n = 0; n < NUM_LIBRARIES; n++)
		print_value(out, row, &row->results[n]);
	for (int n = FIRST_OTHER; n < NUM_LIBRARIES; n++)
		if (has_ratio(row, n))
			fprintf(out, " %12.2fx", row->results[n].ratio);
		else
			fprintf(out, " %13s", "");
	if (row->target != 0)
		fprintf(out, "  %.1f%s %s", row->target, row->unit == ADDED ? " us" : "x", report_reached(row) ? "reached" : "MISSED");
	fprintf(out, "\n");
}

static void
print_standing(FILE *out, const struct report *report, enum library library)
{
	size_t num_rows = 0, num_ahead = 0;

	for (size_t n = 0; n < report->num; n++)
		if (has_ratio(&report->rows[n], library)) {
			num_rows++;
			num_ahead += report->rows[n].results[library].ratio >= 1;
		}
	if (num_rows != 0)
		fprintf(out, "ahead of %s %s: in %zu of %zu rows\n", names[library], report->versions[library], num_ahead, num_rows);
}

void
report_foot(FILE *out, const struct report *report)
{
	size_t num_targets = 0, num_reached = 0;

	for (size_t n = 0; n < report->num; n++)
		if (report->rows[n].results[BATON].is_measured && report->rows[n].target != 0) {
			num_targets++;
			num_reached += report_reached(&report->rows[n]);
		}
	fprintf(out, "targets: %zu of %zu reached\n", num_reached, num_targets);
	for (int n = FIRST_OTHER; n < NUM_LIBRARIES; n++)
		print_standing(out, report, n);
}

/* ---- JSON ---- */

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

static void
write_ratio(FILE *f, const char *label, const struct result *result)
{
	fprintf(f, ", \"%sratio\": %.4g, \"%squartiles\": [%.4g, %.4g]", label, result->ratio, label, result->ratio_low, result->ratio_high);
}

static void
write_row(FILE *f, const struct row *row)
{
	const struct result *heimdal = &row->results[HEIMDAL];

	fprintf(f, "\n    { \"label\": \"%s\", \"work\": \"%s\", \"service\": \"%s\", \"size\": %zu, \"threads\": %u, \"unit\": \"%s\",\n",
		row->label, row->work, row->service, row->size, row->threads, units[row->unit]);
	fprintf(f, "      \"baton\": %.6g, \"mit\": %.6g", row->results[BATON].value, row->results[MIT].value);
	write_ratio(f, "", &row->results[MIT]);
	if (heimdal->is_measured) {
		fprintf(f, ",\n      \"heimdal\": %.6g", heimdal->value);
		write_ratio(f, "heimdal_", heimdal);
	}
	if (row->target != 0)
		fprintf(f, ",\n      \"target\": %.2g, \"reached\": %s", row->target, report_reached(row) ? "true" : "false");
	fprintf(f, " }");
}

bool
report_json(const char *path, const struct report *report)
{
	FILE *f = fopen(path, "w");
	char processor[128];
	bool is_first = true;

	if (f == NULL)
		return false;
	read_processor(processor, sizeof(processor));
	fprintf(f, "{\n  \"baton\": \"%s\",\n  \"mit\": \"%s\",\n", report->versions[BATON], report->versions[MIT]);
	if (report->versions[HEIMDAL] != NULL)
		fprintf(f, "  \"heimdal\": \"%s\",\n", report->versions[HEIMDAL]);
	fprintf(f, "  \"processor\": \"%s\",\n  \"processors\": %ld,\n  \"rounds\": %u,\n  \"rows\": [", processor,
		sysconf(_SC_NPROCESSORS_ONLN), report->rounds);
	for (size_t n = 0; n < report->num; n++)
		if (report->rows[n].results[BATON].is_measured) {
			fputs(is_first ? "" : ",", f);
			write_row(f, &report->rows[n]);
			is_first = false;
		}
	fprintf(f, "\n  ]\n}\n");
	return finish(f);
}

/* ---- the picture: a bar a row and library, as long as the logarithm of its ratio ---- */

enum { BAR_HEIGHT = 12, THIN_HEIGHT = 5, ROW_HEIGHT = 24, LEFT = 260, PLOT_WIDTH = 520, RIGHT = 90, TOP = 86, BOTTOM = 40 };

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
	return row->results[BATON].is_measured && row->unit != ADDED;
}

static void
draw_bar(FILE *f, double value, int y, int height, const char *colour)
{
	double end = place(value), one = place(1), width = fabs(end - one);

	fprintf(f, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", end < one ? end : one, y, width < 1 ? 1 : width,
		height, colour);
}

static void
draw_row(FILE *f, const struct row *r, int y)
{
	const struct result *mit = &r->results[MIT], *heimdal = &r->results[HEIMDAL];
	double value = r->unit == SPEEDUP ? r->results[BATON].value : mit->ratio, after = fmax(place(value), place(1));
	const char *colour = !report_reached(r) ? "#b23a48" : r->unit == SPEEDUP ? "#6a8caf" : value < 1 ? "#c98b5e" : "#3f7d58";

	fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", LEFT - 8, y + 10, r->label);
	draw_bar(f, value, y, BAR_HEIGHT, colour);
	if (has_ratio(r, HEIMDAL))
		draw_bar(f, heimdal->ratio, y + BAR_HEIGHT, THIN_HEIGHT, heimdal->ratio < 1 ? "#c98b5e" : "#a9b665");
	if (r->unit != SPEEDUP && r->unit != BYTES) {
		fprintf(f, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#222\"/>\n", place(mit->ratio_low), y + BAR_HEIGHT / 2,
			place(mit->ratio_high), y + BAR_HEIGHT / 2);
		after = fmax(after, place(mit->ratio_high));
	}
	if (r->target != 0) {
		fprintf(f, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#222\" stroke-width=\"2\"/>\n", place(r->target), y - 2,
			place(r->target), y + BAR_HEIGHT + 2);
		after = fabs(after - place(r->target)) < 8 ? place(r->target) : after;
	}
	fprintf(f, "<text x=\"%.1f\" y=\"%d\">%.2f×</text>\n", after + 6, y + 10, value);
}

static void
draw_head(FILE *f, const struct report *report)
{
	fprintf(f, "<text x=\"%d\" y=\"20\" font-size=\"15\" font-weight=\"bold\">Baton %s beside MIT %s", LEFT, report->versions[BATON],
		report->versions[MIT]);
	if (report->versions[HEIMDAL] != NULL)
		fprintf(f, " and Heimdal %s", report->versions[HEIMDAL]);
	fprintf(f, "</text>\n<text x=\"%d\" y=\"38\">How many times less time, or memory, Baton takes than MIT's; thin line: quartiles; upright "
		   "bar: target.</text>\n",
		LEFT);
	if (report->versions[HEIMDAL] != NULL)
		fprintf(f, "<text x=\"%d\" y=\"54\">Thin bar below: than Heimdal's.</text>\n", LEFT);
}

bool
report_svg(const char *path, const struct report *report)
{
	static const double ticks[] = { 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64 };
	FILE *f = fopen(path, "w");
	int num_drawn = 0, height, y = TOP;

	if (f == NULL)
		return false;
	for (size_t n = 0; n < report->num; n++)
		num_drawn += is_drawn(&report->rows[n]);
	height = TOP + num_drawn * ROW_HEIGHT + BOTTOM;
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"11\">\n",
		LEFT + PLOT_WIDTH + RIGHT, height);
	fprintf(f, "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n");
	draw_head(f, report);
	for (size_t n = 0; n < sizeof(ticks) / sizeof(*ticks); n++) {
		fprintf(f, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"%s\"/>\n", place(ticks[n]), TOP - 8, place(ticks[n]),
			height - BOTTOM, ticks[n] == 1 ? "#666" : "#ddd");
		fprintf(f, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g×</text>\n", place(ticks[n]), TOP - 12, ticks[n]);
	}
	for (size_t n = 0; n < report->num; n++)
		if (is_drawn(&report->rows[n])) {
			draw_row(f, &report->rows[n], y);
			y += ROW_HEIGHT;
		}
	fprintf(f, "<text x=\"%d\" y=\"%d\">Blue: throughput of two threads over one, of Baton. Red: target missed.</text>\n", LEFT, height - 14);
	fprintf(f, "</svg>\n");
	return finish(f);
}
