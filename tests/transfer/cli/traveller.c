/*
 * A program whose contexts are looked at. By its first argument:
 *
 *   export N   make N contexts, export one side of each, write "token HEX" and "key HEX" lines, and wait for the end of standard input
 *   import     read a line of HEX each, import it, write "ok" or the text of the minor status
 *   audit      export, import and import again, and write a line for each event: name, major status, reason, claim
 */
#include <baton/baton.h>
#include <gssapi/gssapi_ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static gss_OID_desc sanon = {10, (void *)"\x2b\x06\x01\x04\x01\xa9\x4a\x1a\x01\x6e"};

static void
must(OM_uint32 major, const char *what)
{
	if (GSS_ERROR(major)) {
		fprintf(stderr, "%s: %08x\n", what, major);
		exit(1);
	}
}

static gss_ctx_id_t
context(void)
{
	gss_OID_set_desc mechs = {1, &sanon};
	gss_buffer_desc text = {14, (void *)"host@localhost"}, first = {0}, none = {0};
	gss_ctx_id_t initiator = GSS_C_NO_CONTEXT, acceptor = GSS_C_NO_CONTEXT;
	gss_cred_id_t cred;
	gss_name_t target;
	OM_uint32 minor;

	must(gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &target), "name");
	must(gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, &mechs, GSS_C_ACCEPT, &cred, NULL, NULL), "acquire");
	must(gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &initiator, target, &sanon, GSS_C_ANON_FLAG, 0, NULL, NULL, NULL, &first,
				  NULL, NULL), "init");
	must(gss_accept_sec_context(&minor, &acceptor, cred, &first, NULL, NULL, NULL, &none, NULL, NULL, NULL), "accept");
	gss_release_name(&minor, &target);
	gss_release_cred(&minor, &cred);
	gss_release_buffer(&minor, &first);
	gss_release_buffer(&minor, &none);
	gss_delete_sec_context(&minor, &initiator, GSS_C_NO_BUFFER);
	return acceptor;
}

static void
write_hex(const char *what, const gss_buffer_desc *bytes)
{
	printf("%s ", what);
	for (size_t i = 0; i < bytes->length; i++)
		printf("%02x", ((unsigned char *)bytes->value)[i]);
	putchar('\n');
}

static void
export(int num)
{
	gss_buffer_set_t key;
	gss_buffer_desc token;
	gss_ctx_id_t ctx;
	OM_uint32 minor;

	while (num-- > 0) {
		ctx = context();
		must(gss_inquire_sec_context_by_oid(&minor, ctx, GSS_C_INQ_SSPI_SESSION_KEY, &key), "key");
		write_hex("key", &key->elements[0]);
		gss_release_buffer_set(&minor, &key);
		must(gss_export_sec_context(&minor, &ctx, &token), "export");
		write_hex("token", &token);
		gss_release_buffer(&minor, &token);
	}
	puts("done");
	fflush(stdout);
	while (getchar() != EOF)
		;
}

static void
import(void)
{
	static char line[65536], bytes[sizeof line / 2];
	gss_buffer_desc token = {0, bytes}, text;
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
	OM_uint32 major, minor, ignored, more = 0;
	unsigned byte;

	while (fgets(line, sizeof line, stdin) != NULL) {
		for (token.length = 0; sscanf(line + 2 * token.length, "%2x", &byte) == 1; token.length++)
			bytes[token.length] = (char)byte;
		major = gss_import_sec_context(&minor, &token, &ctx);
		if (major == GSS_S_COMPLETE) {
			puts("ok");
			gss_delete_sec_context(&minor, &ctx, GSS_C_NO_BUFFER);
			continue;
		}
		must(gss_display_status(&ignored, minor, GSS_C_MECH_CODE, GSS_C_NO_OID, &more, &text), "status");
		printf("%.*s\n", (int)text.length, (char *)text.value);
		gss_release_buffer(&ignored, &text);
	}
}

static void
tell(const struct baton_event *event, void *arg)
{
	gss_ctx_id_t *ctx = arg;
	OM_uint32 minor;

	printf("%s %08x [%s] %s %d %d\n", event->name, event->major_status, event->reason, event->claim, (int)event->pid == getpid(),
	       event->time_ms > 1700000000000);
	/* A listener may use the library. */
	if (event->kind == BATON_EVENT_EXPORTED) {
		gss_buffer_desc token;

		must(gss_export_sec_context(&minor, ctx, &token), "export from within");
		must(gss_import_sec_context(&minor, &token, ctx), "import from within");
		gss_release_buffer(&minor, &token);
	}
}

static void
audit(void)
{
	gss_ctx_id_t ctx = context(), other = context(), twice = GSS_C_NO_CONTEXT;
	gss_buffer_desc token;
	OM_uint32 minor;

	baton_audit(tell, &other);
	must(gss_export_sec_context(&minor, &ctx, &token), "export");
	must(gss_import_sec_context(&minor, &token, &ctx), "import");
	gss_import_sec_context(&minor, &token, &twice);
	baton_audit(NULL, NULL);
	gss_import_sec_context(&minor, &token, &twice);
	gss_release_buffer(&minor, &token);
	gss_delete_sec_context(&minor, &ctx, GSS_C_NO_BUFFER);
	gss_delete_sec_context(&minor, &other, GSS_C_NO_BUFFER);
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "export") == 0)
		export(atoi(argv[2]));
	else if (argc == 2 && strcmp(argv[1], "import") == 0)
		import();
	else if (argc == 2 && strcmp(argv[1], "audit") == 0)
		audit();
	else
		return 2;
	return 0;
}
