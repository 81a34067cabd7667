#include <baton/baton.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "style.h"

/* Longer than any token, twice as hexadecimal digits. */
enum { MAX_INPUT = 10 * 1024 * 1024 };

static const char help[] =
    "usage: baton inspect [--json] [FILE|-]\n"
    "\n"
    "Shows what an interprocess token says of itself: whom it is for, when it expires, and whether an import by this user\n"
    "here and now would be refused. The token comes from FILE or standard input, as it is, or as hexadecimal digits or\n"
    "base64. It is not used up. What a token holds is sealed, and is not shown.\n"
    "\n"
    "  --json   print one JSON object\n"
    "\n"
    "Ends with 0 if that is a token, and with 1 if not.\n";

static bool
read_all(FILE *file, gss_buffer_desc *out)
{
	size_t cap = 4096, got;
	char *grown;

	*out = (gss_buffer_desc){0};
	for (;;) {
		if ((grown = realloc(out->value, cap)) == NULL)
			return false;
		out->value = grown;
		got = fread(grown + out->length, 1, cap - out->length, file);
		out->length += got;
		if (got == 0)
			return ferror(file) == 0;
		if (out->length == cap && (cap *= 2) > MAX_INPUT) {
			errno = EFBIG;
			return false;
		}
	}
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
base64_value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c != '\0' ? strchr(digits, c) : NULL;

	/* The form for file names and addresses. RFC 4648 §5. */
	if (c == '-' || c == '_')
		return c == '-' ? 62 : 63;
	return found != NULL ? (int)(found - digits) : -1;
}

/* text of digits of so many bits each, in place; false: it is no such text. */
static bool
decode(gss_buffer_desc *text, int (*value_of)(char), unsigned num_bits)
{
	const char *from = text->value;
	unsigned char *to;
	uint32_t bits = 0;
	unsigned num = 0;
	size_t len = 0;
	bool ended = false;

	if ((to = malloc(text->length + 1)) == NULL)
		return false;
	for (size_t i = 0; i < text->length; i++) {
		int value = value_of(from[i]);

		if (isspace((unsigned char)from[i]))
			continue;
		ended = ended || (from[i] == '=' && num_bits == 6);
		if (ended && from[i] == '=')
			continue;
		if (value < 0 || ended) {
			free(to);
			return false;
		}
		bits = (bits << num_bits | (uint32_t)value) & 0xffff;
		if ((num += num_bits) >= 8)
			to[len++] = (unsigned char)(bits >> (num -= 8));
	}
	free(text->value);
	*text = (gss_buffer_desc){len, to};
	return true;
}

/* A token has bytes that no text has. */
static void
decode_text(gss_buffer_desc *token)
{
	const unsigned char *bytes = token->value;

	for (size_t i = 0; i < token->length; i++)
		if (!isspace(bytes[i]) && !isgraph(bytes[i]))
			return;
	if (!decode(token, hex_value, 4))
		decode(token, base64_value, 6);
}

static const char *
place_in_words(const char *place)
{
	static const char *const words[][2] = {
	    {"shm", "in shared memory"},
	    {"runtime", "in the user's runtime directory"},
	    {"named", "where BATON_CLAIM_DIR says"},
	    {"box", "in the account's own directory, put there by root"},
	    {"memory", "in a memory file that a socket carries"},
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(place, words[i][0]) == 0)
			return words[i][1];
	return "in an unknown place";
}

static void
show_line(const char *what, const char *value)
{
	printf("  %s%-10s%s %s\n", cli_paint(CLI_DIM), what, cli_paint(CLI_PLAIN), value);
}

static void
show(const struct baton_token_info *info)
{
	char text[1024], duration[CLI_DURATION_LEN];

	if (info->format == 0)
		printf("%sInterprocess token of another library%s, %snot sealed: whoever has it has the keys%s\n",
		       cli_paint(CLI_BOLD), cli_paint(CLI_PLAIN), cli_paint(CLI_RED), cli_paint(CLI_PLAIN));
	else
		printf("%sInterprocess token%s, format %" PRIu32 "\n", cli_paint(CLI_BOLD), cli_paint(CLI_PLAIN), info->format);
	if (info->mechanism_name[0] != '\0')
		snprintf(text, sizeof text, "%s (%s)", info->mechanism_name, info->mechanism);
	else
		snprintf(text, sizeof text, "%s, which this library has not", info->mechanism);
	show_line("mechanism", text);
	if (info->format != 0) {
		show_line("for", info->audience);
		snprintf(text, sizeof text, "%s, %s", info->claim, place_in_words(info->place));
		show_line("claim", text);
	}
	if (info->expires_known) {
		cli_duration(info->expires_in_ms, duration);
		snprintf(text, sizeof text, info->expires_in_ms > 0 ? "in %s" : "%s ago", duration);
		show_line("expires", text);
	}
	snprintf(text, sizeof text, "%" PRIu64 " bytes, %" PRIu64 " of them sealed", info->size, info->sealed_size);
	show_line("size", text);
	if (info->import_major == GSS_S_COMPLETE)
		snprintf(text, sizeof text, "%snothing seen that speaks against it%s", cli_paint(CLI_GREEN), cli_paint(CLI_PLAIN));
	else
		snprintf(text, sizeof text, "%swould be refused here:%s %s", cli_paint(CLI_YELLOW), cli_paint(CLI_PLAIN),
			 info->import_reason);
	show_line("import", text);
}

static void
show_member(const char *name, const char *value)
{
	printf(", \"%s\": ", name);
	cli_json_text(value);
}

static void
show_json(const struct baton_token_info *info)
{
	printf("{\"format\": %" PRIu32 ", \"sealed\": %s, \"size\": %" PRIu64 ", \"sealed_size\": %" PRIu64, info->format,
	       info->format != 0 ? "true" : "false", info->size, info->sealed_size);
	show_member("mechanism", info->mechanism);
	show_member("mechanism_name", info->mechanism_name);
	if (info->format != 0) {
		printf(", \"uid\": %" PRIu32, info->uid);
		show_member("audience", info->audience);
		show_member("claim", info->claim);
		show_member("place", info->place);
	}
	if (info->expires_known)
		printf(", \"expires_in_ms\": %" PRId64, info->expires_in_ms);
	printf(", \"importable\": %s, \"import_major\": %" PRIu32 ", \"import_minor\": %" PRIu32,
	       info->import_major == GSS_S_COMPLETE ? "true" : "false", info->import_major, info->import_minor);
	show_member("import_reason", info->import_reason);
	puts("}");
}

static int
inspect(const char *path, bool is_json)
{
	struct baton_token_info info = {.version = BATON_TOKEN_INFO_VERSION};
	FILE *file = path == NULL || strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
	char text[CLI_STATUS_LEN];
	gss_buffer_desc token;
	OM_uint32 major, minor;
	bool was_read;
	int e;

	if (file == NULL)
		return cli_complain("cannot open %s: %s", path, strerror(errno));
	was_read = read_all(file, &token);
	e = errno;
	if (file != stdin)
		fclose(file);
	if (!was_read) {
		free(token.value);
		return cli_complain("cannot read %s: %s", path != NULL ? path : "standard input", strerror(e));
	}
	if (token.length == 0) {
		free(token.value);
		cli_complain("this is no interprocess token: there are no bytes");
		return CLI_EXIT_FAILED;
	}
	decode_text(&token);
	major = baton_inspect_token(&minor, &token, &info);
	free(token.value);
	if (major != GSS_S_COMPLETE) {
		cli_complain("this is no interprocess token: %s", cli_status_text(major, minor, text));
		return CLI_EXIT_FAILED;
	}
	(is_json ? show_json : show)(&info);
	return 0;
}

int
cli_inspect(int argc, char **argv)
{
	bool is_json;
	int status = cli_json_option(argc, argv, help, &is_json);

	if (status >= 0)
		return status;
	if (argc - optind > 1)
		return cli_usage("inspect", "one token at a time");
	cli_style_begin();
	return inspect(optind < argc ? argv[optind] : NULL, is_json);
}
