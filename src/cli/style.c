#include "style.h"

#include <gssapi/gssapi.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_colours;

void
cli_style_begin(void)
{
	const char *refused = getenv("NO_COLOR"), *term = getenv("TERM");

	has_colours = isatty(STDOUT_FILENO) && (refused == NULL || refused[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

const char *
cli_paint(enum cli_colour colour)
{
	static const char *const codes[] = {
	    [CLI_PLAIN] = "\033[0m",   [CLI_BOLD] = "\033[1m",	  [CLI_DIM] = "\033[2m",
	    [CLI_GREEN] = "\033[32m", [CLI_YELLOW] = "\033[33m", [CLI_RED] = "\033[31m",
	};

	return has_colours ? codes[colour] : "";
}

const char *
cli_duration(int64_t ms, char text[static CLI_DURATION_LEN])
{
	uint64_t left = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms, s = left / 1000;

	if (s == 0)
		snprintf(text, CLI_DURATION_LEN, "%" PRIu64 " ms", left);
	else if (s < 60)
		snprintf(text, CLI_DURATION_LEN, "%" PRIu64 " s", s);
	else if (s < 3600)
		snprintf(text, CLI_DURATION_LEN, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, CLI_DURATION_LEN, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s % 3600 / 60);
	else
		snprintf(text, CLI_DURATION_LEN, "%" PRIu64 " days", s / 86400);
	return text;
}

const char *
cli_bytes(uint64_t bytes, char text[static CLI_DURATION_LEN])
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024) {
		value /= 1024;
		unit++;
	}
	snprintf(text, CLI_DURATION_LEN, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
	return text;
}

/* How many bytes of a well-formed character begin here; 0: none does. */
static size_t
character_len(const unsigned char *c)
{
	size_t len = c[0] < 0x80 ? 1 : c[0] >= 0xc2 && c[0] < 0xe0 ? 2 : c[0] >= 0xe0 && c[0] < 0xf0 ? 3 : c[0] >= 0xf0 && c[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < len; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

void
cli_json_text(const char *value)
{
	const unsigned char *c = (const unsigned char *)value;
	size_t len;

	putchar('"');
	for (; *c != '\0'; c += len != 0 ? len : 1) {
		len = character_len(c);
		if (len == 0)
			fputs("\\ufffd", stdout);
		else if (*c == '"' || *c == '\\')
			printf("\\%c", *c);
		else if (*c < ' ' || *c == 0x7f)
			printf("\\u%04x", *c);
		else
			fwrite(c, 1, len, stdout);
	}
	putchar('"');
}

static bool
display(uint32_t status, int kind, char text[static CLI_STATUS_LEN])
{
	OM_uint32 minor, more = 0;
	gss_buffer_desc shown = GSS_C_EMPTY_BUFFER;

	if (gss_display_status(&minor, status, kind, GSS_C_NO_OID, &more, &shown) != GSS_S_COMPLETE)
		return false;
	snprintf(text, CLI_STATUS_LEN, "%.*s", (int)shown.length, (const char *)shown.value);
	gss_release_buffer(&minor, &shown);
	return true;
}

const char *
cli_status_text(uint32_t major, uint32_t minor, char text[static CLI_STATUS_LEN])
{
	if ((minor == 0 || !display(minor, GSS_C_MECH_CODE, text)) && !display(major, GSS_C_GSS_CODE, text))
		snprintf(text, CLI_STATUS_LEN, "status %08x", major);
	return text;
}
