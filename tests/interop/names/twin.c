/*
 * What a GSS library says about names: compiled with each library, run in the same realm with the same tickets, and the lines
 * compared by names_test.py. Both ends of the context are in this process.
 *
 * twin OTHER...: files of exported names to be imported too.
 */
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static OM_uint32 major, minor;

/* Minor statuses from 100001 on stand for "Success", as does 0: then nothing is said. */
static void
say(const char *what)
{
	printf("%s: %08x %u", what, major, minor < 100001 || minor > 200000 ? minor : 0);
}

static void
show(gss_buffer_t bytes)
{
	OM_uint32 ignored;

	printf(" ");
	for (size_t i = 0; i < bytes->length; i++)
		printf("%02x", ((uint8_t *)bytes->value)[i]);
	gss_release_buffer(&ignored, bytes);
}

static gss_buffer_desc
text_of(const char *text)
{
	return (gss_buffer_desc){strlen(text), (void *)text};
}

static gss_name_t
name_of(const char *text, gss_OID type)
{
	gss_buffer_desc bytes = text_of(text);
	gss_name_t name = GSS_C_NO_NAME;

	if (gss_import_name(&minor, &bytes, type, &name) != GSS_S_COMPLETE)
		abort();
	return name;
}

static gss_name_t
mn_of(const char *text, gss_OID type)
{
	gss_name_t name = name_of(text, type), mn = GSS_C_NO_NAME;

	if (gss_canonicalize_name(&minor, name, (gss_OID)gss_mech_krb5, &mn) != GSS_S_COMPLETE)
		abort();
	gss_release_name(&minor, &name);
	return mn;
}

/* ---- display ---- */

static void
display(const char *what, gss_name_t name, gss_OID type)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;

	major = gss_display_name_ext(&minor, name, type, &text);
	say(what);
	printf(" %.*s\n", (int)text.length, (char *)text.value);
	gss_release_buffer(&minor, &text);
}

static void
displays(void)
{
	gss_name_t name = name_of("alice", GSS_C_NT_USER_NAME), mn = mn_of("alice", GSS_C_NT_USER_NAME);
	gss_name_t service = mn_of("host@server.baton.test", GSS_C_NT_HOSTBASED_SERVICE);

	display("user as user", name, GSS_C_NT_USER_NAME);
	display("user as principal", name, (gss_OID)GSS_KRB5_NT_PRINCIPAL_NAME);
	display("user as service", name, GSS_C_NT_HOSTBASED_SERVICE);
	display("user's MN as user", mn, GSS_C_NT_USER_NAME);
	display("user's MN as service", mn, GSS_C_NT_HOSTBASED_SERVICE);
	display("service's MN as service", service, GSS_C_NT_HOSTBASED_SERVICE);
	gss_release_name(&minor, &name);
	gss_release_name(&minor, &mn);
	gss_release_name(&minor, &service);
}

/* ---- accounts ---- */

static void
account(const char *what, gss_name_t name)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	uid_t uid = 4711;

	major = gss_localname(&minor, name, GSS_C_NO_OID, &text);
	say(what);
	printf(" %.*s\n", (int)text.length, (char *)text.value);
	gss_release_buffer(&minor, &text);
	major = gss_localname(&minor, name, (gss_OID)gss_mech_krb5, &text);
	say(what);
	printf(" %.*s\n", (int)text.length, (char *)text.value);
	gss_release_buffer(&minor, &text);
	major = gss_pname_to_uid(&minor, name, GSS_C_NO_OID, &uid);
	/* Our minor status has more to say about an account that is not there. */
	printf("%s: %08x uid %u\n", what, major, uid);
}

static void
authorize(const char *what, gss_name_t name, const char *user, gss_OID type)
{
	gss_name_t as = name_of(user, type);

	major = gss_authorize_localname(&minor, name, as);
	say(what);
	printf(" %s %d\n", user, gss_userok(name, user));
	gss_release_name(&minor, &as);
}

static void
accounts(void)
{
	gss_name_t name = name_of("alice", GSS_C_NT_USER_NAME), alice = mn_of("alice", GSS_C_NT_USER_NAME);
	gss_name_t bob = mn_of("bob", GSS_C_NT_USER_NAME), carol = mn_of("carol", GSS_C_NT_USER_NAME);
	gss_name_t stranger = mn_of("alice@ELSEWHERE", GSS_C_NT_USER_NAME);

	account("alice's account", name);
	account("alice's MN's account", alice);
	account("bob's account", bob);
	account("carol's account", carol);
	account("a stranger's account", stranger);
	authorize("alice may use", alice, "root", GSS_C_NT_USER_NAME);
	authorize("alice may use", alice, "root", GSS_C_NO_OID);
	authorize("alice may use", alice, "daemon", GSS_C_NT_USER_NAME);
	authorize("alice may use", alice, "nobody-here", GSS_C_NT_USER_NAME);
	authorize("alice may use a service", alice, "root", GSS_C_NT_HOSTBASED_SERVICE);
	authorize("no MN may use", name, "root", GSS_C_NT_USER_NAME);
	authorize("bob may use", bob, "root", GSS_C_NT_USER_NAME);
	authorize("a stranger may use", stranger, "root", GSS_C_NT_USER_NAME);
	major = gss_authorize_localname(&minor, alice, bob);
	say("an MN as a user");
	printf("\n");
	gss_release_name(&minor, &name);
	gss_release_name(&minor, &alice);
	gss_release_name(&minor, &bob);
	gss_release_name(&minor, &carol);
	gss_release_name(&minor, &stranger);
}

/* ---- attributes ---- */

static void
attribute(gss_name_t name, const char *text)
{
	gss_buffer_desc attr = text_of(text), value = GSS_C_EMPTY_BUFFER, shown = GSS_C_EMPTY_BUFFER;
	int authenticated = -1, complete = -1, more = -1;

	do {
		major = gss_get_name_attribute(&minor, name, &attr, &authenticated, &complete, &value, &shown, &more);
		say(text);
		printf(" authenticated %d complete %d more %d", authenticated, complete, more);
		show(&value);
		show(&shown);
		printf("\n");
	} while (major == GSS_S_COMPLETE && more != 0);
}

static void
list(gss_name_t name)
{
	gss_buffer_set_t attrs = GSS_C_NO_BUFFER_SET;
	gss_OID mech = GSS_C_NO_OID;
	int is_mn = -1;

	major = gss_inquire_name(&minor, name, &is_mn, &mech, &attrs);
	say("inquire");
	printf(" MN %d mech %d attributes %zu:", is_mn, mech != GSS_C_NO_OID && gss_oid_equal(mech, gss_mech_krb5),
	       attrs != GSS_C_NO_BUFFER_SET ? attrs->count : 0);
	for (size_t i = 0; attrs != GSS_C_NO_BUFFER_SET && i < attrs->count; i++)
		printf(" %.*s", (int)attrs->elements[i].length, (char *)attrs->elements[i].value);
	printf("\n");
	gss_release_buffer_set(&minor, &attrs);
	/* MIT's library hands out a copy here, ours its own. */
	gss_release_oid(&minor, &mech);
}

static void
composite(gss_name_t name)
{
	gss_buffer_desc token = GSS_C_EMPTY_BUFFER;

	major = gss_export_name_composite(&minor, name, &token);
	say("composite");
	show(&token);
	printf("\n");
}

static void
attributes(gss_name_t name)
{
	static const char *const names[] = {
	    "urn:mspac:",
	    "urn:mspac:logon-info",
	    "urn:mspac:client-info",
	    "urn:mspac:server-checksum",
	    "URN:MSPAC:Client-Info",
	    "urn:mspac:10",
	    "urn:mspac:6",
	    "urn:mspac:16",
	    "urn:mspac:99",
	    "urn:mspac:x",
	    "urn:mspac:upn-dns-info",
	    "auth-indicators",
	    "local-login-user",
	    "nothing",
	};
	gss_buffer_desc attr = text_of("nothing"), value = text_of("value"), pac = text_of("mspac"), other = text_of("other");
	gss_any_t any = NULL;

	/* First: a name that MIT's library was asked about comes out with empty attributes, and not without. */
	composite(name);
	list(name);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		attribute(name, names[i]);
	major = gss_set_name_attribute(&minor, name, 1, &attr, &value);
	say("set");
	major = gss_delete_name_attribute(&minor, name, &attr);
	say(", delete");
	printf("\n");
	major = gss_map_name_to_any(&minor, name, 1, &pac, &any);
	say("map");
	printf(" %d", any != NULL);
	if (any != NULL) {
		major = gss_release_any_name_mapping(&minor, name, &pac, &any);
		say(", unmap");
	}
	major = gss_map_name_to_any(&minor, name, 0, &other, &any);
	say(", other");
	printf("\n");
}

/* ---- a context's ---- */

static void
step(OM_uint32 status)
{
	gss_buffer_desc text;
	OM_uint32 more = 0, code = minor;

	if (!GSS_ERROR(status))
		return;
	gss_display_status(&minor, code, GSS_C_MECH_CODE, (gss_OID)gss_mech_krb5, &more, &text);
	fprintf(stderr, "%08x %s\n", status, (char *)text.value);
	exit(1);
}

static void
options(gss_ctx_id_t ctx)
{
	static gss_OID_desc unknown = {3, (void *)(uintptr_t) "\x2a\x03\x04"};
	gss_buffer_desc text = text_of("text");
	gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
	gss_ctx_id_t none = GSS_C_NO_CONTEXT;
	void *lucid;

	major = gss_set_sec_context_option(&minor, &ctx, &unknown, &text);
	say("option");
	major = gss_set_sec_context_option(&minor, &none, &unknown, &text);
	say(", of no context");
	major = gss_complete_auth_token(&minor, ctx, &text);
	say(", complete");
	major = gssspi_mech_invoke(&minor, (gss_OID)gss_mech_krb5, &unknown, &text);
	say(", invoke");
	major = gssspi_mech_invoke(&minor, &unknown, &unknown, &text);
	say(", of no mechanism");
	major = gss_inquire_sec_context_by_oid(&minor, ctx, &unknown, &set);
	say(", inquire");
	major = gss_krb5_export_lucid_sec_context(&minor, &ctx, 9, &lucid);
	say(", lucid version 9");
	major = gss_krb5_free_lucid_sec_context(&minor, NULL);
	say(", no lucid");
	printf("\n");
}

/* The peer's name as a context has it that came from elsewhere. */
static gss_name_t
transfer(gss_ctx_id_t *ctx)
{
	gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
	gss_name_t source = GSS_C_NO_NAME;

	step(gss_export_sec_context(&minor, ctx, &token));
	step(gss_import_sec_context(&minor, &token, ctx));
	step(gss_inquire_context(&minor, *ctx, &source, NULL, NULL, NULL, NULL, NULL, NULL));
	gss_release_buffer(&minor, &token);
	return source;
}

static gss_name_t
authenticate(gss_OID mech, gss_name_t *transferred)
{
	gss_name_t target = name_of("enc18@server.baton.test", GSS_C_NT_HOSTBASED_SERVICE), source = GSS_C_NO_NAME;
	gss_ctx_id_t initiator = GSS_C_NO_CONTEXT, acceptor = GSS_C_NO_CONTEXT;
	gss_buffer_desc first = GSS_C_EMPTY_BUFFER, second = GSS_C_EMPTY_BUFFER;

	step(gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &initiator, target, mech, 0, 0, NULL, NULL, NULL, &first, NULL,
				  NULL));
	step(gss_accept_sec_context(&minor, &acceptor, GSS_C_NO_CREDENTIAL, &first, NULL, &source, NULL, &second, NULL, NULL,
				    NULL));
	/* Under a negotiation MIT's minor statuses get other numbers. */
	if (mech == GSS_C_NO_OID)
		options(acceptor);
	*transferred = transfer(&acceptor);
	gss_release_buffer(&minor, &first);
	gss_release_buffer(&minor, &second);
	gss_release_name(&minor, &target);
	gss_delete_sec_context(&minor, &initiator, NULL);
	gss_delete_sec_context(&minor, &acceptor, NULL);
	return source;
}

static void
import(const char *path)
{
	char bytes[65536];
	gss_name_t name = GSS_C_NO_NAME;
	gss_buffer_desc exported = {0, bytes}, text = GSS_C_EMPTY_BUFFER;
	FILE *file = fopen(path, "rb");

	if (file == NULL)
		abort();
	exported.length = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	major = gss_import_name(&minor, &exported, GSS_C_NT_COMPOSITE_EXPORT, &name);
	say("import");
	printf("\n");
	if (name == GSS_C_NO_NAME)
		return;
	major = gss_display_name(&minor, name, &text, NULL);
	say("imported");
	printf(" %.*s\n", (int)text.length, (char *)text.value);
	gss_release_buffer(&minor, &text);
	list(name);
	attribute(name, "urn:mspac:client-info");
	attribute(name, "auth-indicators");
	gss_release_name(&minor, &name);
}

int
main(int argc, char **argv)
{
	static gss_OID_desc spnego = {6, (void *)(uintptr_t) "\x2b\x06\x01\x05\x05\x02"};
	gss_name_t transferred, source = authenticate(GSS_C_NO_OID, &transferred), copy = GSS_C_NO_NAME;
	gss_name_t mn = mn_of("alice", GSS_C_NT_USER_NAME);

	displays();
	accounts();
	printf("source:\n");
	display("as principal", source, (gss_OID)GSS_KRB5_NT_PRINCIPAL_NAME);
	attributes(source);
	if (gss_duplicate_name(&minor, source, &copy) != GSS_S_COMPLETE)
		abort();
	gss_release_name(&minor, &source);
	printf("its copy:\n");
	attributes(copy);
	printf("after a transfer:\n");
	attributes(transferred);
	printf("a name without:\n");
	attributes(mn);
	gss_release_name(&minor, &copy);
	gss_release_name(&minor, &transferred);
	gss_release_name(&minor, &mn);
	source = authenticate(&spnego, &transferred);
	printf("negotiated:\n");
	attributes(source);
	attributes(transferred);
	gss_release_name(&minor, &source);
	gss_release_name(&minor, &transferred);
	for (int i = 1; i < argc; i++)
		import(argv[i]);
	return 0;
}
