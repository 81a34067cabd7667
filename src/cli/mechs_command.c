#include <baton/baton.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const char help[] =
    "usage: baton mechs\n"
    "\n"
    "Lists the mechanisms that programs of this user get on this host: those built in, and those that the configuration\n"
    "names, each of which is loaded. Then the lines of the configuration that cannot be used, and what to do about each.\n"
    "The files are $GSS_MECH_CONFIG or, without it, /etc/gss/mech and /etc/gss/mech.d/*.conf.\n"
    "\n"
    "Ends with 1 if a line cannot be used.\n";

static const char *const states[] = {
    [BATON_MECH_BUILT_IN] = "built in",
    [BATON_MECH_LOADED] = "loaded",
    [BATON_MECH_INTERPOSER] = "interposer",
    [BATON_MECH_BROKEN] = "broken",
};

/* 1.2.840.113554.1.2.2, from "{ 1 2 840 113554 1 2 2 }" with the NUL that counts. */
static void
print_oid(gss_OID oid, char *out, size_t out_len)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	size_t at = 0;
	OM_uint32 minor;

	if (oid != GSS_C_NO_OID && gss_oid_to_str(&minor, oid, &text) == GSS_S_COMPLETE)
		for (size_t i = 2; i + 3 < text.length && at + 1 < out_len; i++) {
			char c = ((const char *)text.value)[i];

			if (c != ' ' || ((const char *)text.value)[i + 1] != '}')
				out[at++] = c == ' ' ? '.' : c;
		}
	out[at] = '\0';
	gss_release_buffer(&minor, &text);
}

static int
print_usable(const struct baton_mech_info *info, void *arg)
{
	char oid[256];

	(void)arg;
	if (info->state == BATON_MECH_BROKEN)
		return 0;
	print_oid(info->oid, oid, sizeof oid);
	printf("%-10s  %-24s  %s", states[info->state], oid, info->name != NULL ? info->name : "");
	if (info->library != NULL)
		printf("  %s (%s:%u)", info->library, info->file, info->line);
	putchar('\n');
	return 0;
}

static int
print_broken(const struct baton_mech_info *info, void *arg)
{
	bool *is_broken = arg;

	if (info->state != BATON_MECH_BROKEN)
		return 0;
	*is_broken = true;
	printf("%s", info->file);
	if (info->line != 0)
		printf(":%u", info->line);
	printf(": %s", info->problem);
	if (info->reason != NULL)
		printf(": %s", info->reason);
	putchar('\n');
	if (info->hint != NULL)
		printf("    %s\n", info->hint);
	return 0;
}

int
cli_mechs(int argc, char **argv)
{
	bool is_broken = false;
	OM_uint32 minor;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		fputs(help, stdout);
		return 0;
	}
	if (argc != 1)
		return cli_usage("mechs", "mechs takes no arguments");
	if (baton_each_mech(&minor, print_usable, NULL) != GSS_S_COMPLETE ||
	    baton_each_mech(&minor, print_broken, &is_broken) != GSS_S_COMPLETE)
		return cli_complain("cannot list the mechanisms");
	return is_broken ? CLI_EXIT_FAILED : 0;
}
