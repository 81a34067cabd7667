/*
 * What a program sees of credentials, one line for each thing: compiled with MIT's headers, run once on MIT's library and once
 * on ours, in the same realm. credentials.py compares the lines. Needs a realm around it and an empty directory as its argument.
 *
 *   subject SCENE DIRECTORY
 */
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern krb5_error_code k5_rc_resolve(krb5_context ctx, const char *name, krb5_rcache *out);
extern krb5_error_code krb5_gss_use_kdc_context(void);
extern OM_uint32 gssspi_set_cred_option(OM_uint32 *minor, gss_cred_id_t cred, const gss_OID what, const gss_buffer_t value);

static const char *directory;
static OM_uint32 major, minor;
static gss_OID_desc unknown = {3, (void *)"\x2a\x03\x04"};

/* ---- telling ---- */

static void
say(const char *form, ...)
{
	va_list args;

	va_start(args, form);
	vprintf(form, args);
	va_end(args);
	putchar('\n');
}

/* The last call's statuses; the text is for who reads a difference. */
static void
told(const char *what)
{
	OM_uint32 context = 0, unused;
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;

	if (major != GSS_S_COMPLETE)
		gss_display_status(&unused, minor, GSS_C_MECH_CODE, GSS_C_NO_OID, &context, &text);
	say("%s|%08x|%u|%.*s", what, major, minor, (int)text.length, text.value != NULL ? (char *)text.value : "");
	gss_release_buffer(&unused, &text);
}

static char *
path_of(const char *form)
{
	static char paths[4][512];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], form, directory);
	return path;
}

static char *
realm_path(const char *form)
{
	static char path[512];

	snprintf(path, sizeof path, form, getenv("BATON_REALM_DIR"));
	return path;
}

static gss_name_t
name_of(const char *text, gss_OID type)
{
	gss_buffer_desc buffer = {strlen(text), (void *)text};
	gss_name_t name = GSS_C_NO_NAME;

	gss_import_name(&minor, &buffer, type, &name);
	return name;
}

static void
show_name(const char *what, gss_name_t name)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;

	if (name != GSS_C_NO_NAME)
		gss_display_name(&minor, name, &text, NULL);
	say("%s = %.*s", what, (int)text.length, text.value != NULL ? (char *)text.value : "");
	gss_release_buffer(&minor, &text);
}

static const char *
span_of(OM_uint32 lifetime)
{
	return lifetime == 0 ? "0" : lifetime == GSS_C_INDEFINITE ? "indefinite" : "some";
}

static void
show_cred(const char *what, gss_cred_id_t cred)
{
	gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
	gss_name_t name = GSS_C_NO_NAME;
	gss_cred_usage_t usage = -1;
	OM_uint32 initiator = 0, acceptor = 0;

	if (cred == GSS_C_NO_CREDENTIAL) {
		say("%s = none", what);
		return;
	}
	major = gss_inquire_cred_by_mech(&minor, cred, gss_mech_krb5, &name, &initiator, &acceptor, &usage);
	told(what);
	say("%s usage %d lifetime %s, %s", what, usage, span_of(initiator), span_of(acceptor));
	show_name(what, name);
	gss_release_name(&minor, &name);
	major = gss_inquire_cred_by_oid(&minor, cred, GSS_KRB5_GET_CRED_IMPERSONATOR, &set);
	told(what);
	for (size_t i = 0; set != NULL && i < set->count; i++)
		say("%s impersonator %.*s", what, (int)set->elements[i].length, (char *)set->elements[i].value);
	gss_release_buffer_set(&minor, &set);
}

/* ---- contexts ---- */

struct meeting {
	gss_cred_id_t initiator, acceptor, delegated;
	OM_uint32 req_flags, acceptor_flags;
	const char *target;
	gss_OID mech; /* NULL: Kerberos */
	gss_ctx_id_t ctx_i, ctx_a;
};

static gss_OID_desc spnego = {6, (void *)(uintptr_t) "\x2b\x06\x01\x05\x05\x02"};

static void
meet(const char *what, struct meeting *m)
{
	gss_name_t target = name_of(m->target, GSS_C_NT_HOSTBASED_SERVICE), client = GSS_C_NO_NAME;
	gss_buffer_desc token = GSS_C_EMPTY_BUFFER, reply = GSS_C_EMPTY_BUFFER, none = GSS_C_EMPTY_BUFFER;
	gss_buffer_set_t key = GSS_C_NO_BUFFER_SET;
	gss_OID mech = m->mech != NULL ? m->mech : (gss_OID)gss_mech_krb5;

	m->ctx_i = m->ctx_a = GSS_C_NO_CONTEXT;
	m->delegated = GSS_C_NO_CREDENTIAL;
	major = gss_init_sec_context(&minor, m->initiator, &m->ctx_i, target, mech, m->req_flags, 0, NULL, &none, NULL, &token,
				     NULL, NULL);
	told(what);
	if (!GSS_ERROR(major)) {
		major = gss_accept_sec_context(&minor, &m->ctx_a, m->acceptor, &token, NULL, &client, NULL, &reply,
					       &m->acceptor_flags, NULL, &m->delegated);
		told(what);
		if (!GSS_ERROR(major)) {
			show_name(what, client);
			/* Ready to protect: MIT's library does not say so. */
			say("%s acceptor's flags %x", what, m->acceptor_flags & ~(OM_uint32)GSS_C_PROT_READY_FLAG);
		}
		if (!GSS_ERROR(major) && (m->req_flags & GSS_C_MUTUAL_FLAG) != 0) {
			major = gss_init_sec_context(&minor, m->initiator, &m->ctx_i, target, mech, m->req_flags, 0,
						     NULL, &reply, NULL, &none, NULL, NULL);
			told(what);
		}
		if (!GSS_ERROR(major) &&
		    gss_inquire_sec_context_by_oid(&minor, m->ctx_i, GSS_C_INQ_SSPI_SESSION_KEY, &key) == 0)
			say("%s key's type %02x", what, ((unsigned char *)key->elements[1].value)[key->elements[1].length - 1]);
	}
	gss_release_buffer_set(&minor, &key);
	gss_release_name(&minor, &client);
	gss_release_name(&minor, &target);
	gss_release_buffer(&minor, &token);
	gss_release_buffer(&minor, &reply);
	gss_release_buffer(&minor, &none);
}

static void
part(struct meeting *m)
{
	gss_delete_sec_context(&minor, &m->ctx_i, NULL);
	gss_delete_sec_context(&minor, &m->ctx_a, NULL);
	gss_release_cred(&minor, &m->delegated);
}

static gss_cred_id_t
acquire(const char *what, const char *name, gss_cred_usage_t usage, int num, ...)
{
	gss_name_t desired = name != NULL
				 ? name_of(name, strchr(name, '@') != NULL ? GSS_C_NT_HOSTBASED_SERVICE : GSS_C_NT_USER_NAME)
				 : GSS_C_NO_NAME;
	gss_key_value_element_desc elements[8];
	gss_key_value_set_desc store = {(OM_uint32)num, elements};
	gss_OID_set_desc krb5 = {1, (gss_OID)gss_mech_krb5};
	gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
	va_list args;

	va_start(args, num);
	for (int i = 0; i < num; i++) {
		elements[i].key = va_arg(args, const char *);
		elements[i].value = va_arg(args, const char *);
	}
	va_end(args);
	major = gss_acquire_cred_from(&minor, desired, 0, &krb5, usage, &store, &cred, NULL, NULL);
	told(what);
	gss_release_name(&minor, &desired);
	return cred;
}

static void
try(const char *what, const char *name, gss_cred_usage_t usage, int num, const char *key1, const char *value1, const char *key2,
    const char *value2)
{
	gss_cred_id_t cred = acquire(what, name, usage, num, key1, value1, key2, value2);

	if (cred != GSS_C_NO_CREDENTIAL)
		show_cred(what, cred);
	gss_release_cred(&minor, &cred);
}

static gss_cred_id_t
host_cred(gss_cred_usage_t usage)
{
	return acquire("host", "host@server.baton.test", usage, 2, "client_keytab", realm_path("FILE:%s/server.keytab"),
		       "ccache", "MEMORY:host");
}

/* ---- scenes ---- */

static void
stores(void)
{
	const char *password = "wonderland";

	try("unknown key", NULL, GSS_C_INITIATE, 1, "colour", "blue", NULL, NULL);
	try("twice", NULL, GSS_C_INITIATE, 2, "ccache", "MEMORY:a", "ccache", "MEMORY:b");
	try("empty cache", NULL, GSS_C_INITIATE, 1, "ccache", "MEMORY:empty", NULL, NULL);
	try("no cache", NULL, GSS_C_INITIATE, 1, "ccache", path_of("FILE:%s/none"), NULL, NULL);
	try("cache of no type", NULL, GSS_C_INITIATE, 1, "ccache", "NOSUCH:x", NULL, NULL);
	try("cache of another", "bob", GSS_C_INITIATE, 1, "ccache", getenv("KRB5CCNAME"), NULL, NULL);
	try("cache", "alice", GSS_C_INITIATE, 1, "ccache", getenv("KRB5CCNAME"), NULL, NULL);
	try("client keytab", NULL, GSS_C_INITIATE, 2, "client_keytab", realm_path("FILE:%s/bob.keytab"), "ccache",
	    path_of("FILE:%s/bob"));
	try("client keytab of no type", NULL, GSS_C_INITIATE, 1, "client_keytab", "NOSUCH:x", NULL, NULL);
	try("client keytab of nobody", "bob", GSS_C_INITIATE, 2, "client_keytab", path_of("FILE:%s/none"), "ccache",
	    path_of("FILE:%s/none"));
	try("no keytab", NULL, GSS_C_ACCEPT, 1, "keytab", path_of("FILE:%s/none"), NULL, NULL);
	try("keytab of no type", NULL, GSS_C_ACCEPT, 1, "keytab", "NOSUCH:x", NULL, NULL);
	try("keytab", "host@server.baton.test", GSS_C_ACCEPT, 1, "keytab", getenv("KRB5_KTNAME"), NULL, NULL);
	try("keytab without the name", "imap@server.baton.test", GSS_C_ACCEPT, 1, "keytab", getenv("KRB5_KTNAME"), NULL, NULL);
	try("rcache", NULL, GSS_C_ACCEPT, 1, "rcache", path_of("file2:%s/rcache"), NULL, NULL);
	try("rcache of no type", NULL, GSS_C_ACCEPT, 1, "rcache", "nosuch:x", NULL, NULL);
	try("password without a name", NULL, GSS_C_INITIATE, 1, "password", password, NULL, NULL);
	try("password and cache", "alice", GSS_C_INITIATE, 2, "password", password, "ccache", "MEMORY:x");
	try("password and client keytab", "alice", GSS_C_INITIATE, 2, "password", password, "client_keytab",
	    realm_path("FILE:%s/bob.keytab"));
	try("password to accept", "alice", GSS_C_ACCEPT, 1, "password", password, NULL, NULL);
	try("password", "alice", GSS_C_INITIATE, 1, "password", password, NULL, NULL);
	try("password and verify", "alice", GSS_C_INITIATE, 2, "password", password, "verify", "");
	try("password and verify with a service", "alice", GSS_C_INITIATE, 2, "password", password, "verify",
	    "host/server.baton.test");
	try("password and verify with no service", "alice", GSS_C_INITIATE, 2, "password", password, "verify",
	    "imap/server.baton.test");
	try("wrong password", "alice", GSS_C_INITIATE, 1, "password", "not that one", NULL, NULL);
	try("verify without a password", "alice", GSS_C_INITIATE, 1, "verify", "", NULL, NULL);
	try("password and verify of nonsense", "alice", GSS_C_INITIATE, 2, "password", password, "verify", "a@b@c");
}

static void
store_twice(const char *what, gss_cred_id_t cred, const char *ccache, bool is_default)
{
	gss_key_value_element_desc element = {"ccache", ccache};
	gss_key_value_set_desc store = {1, &element};
	gss_OID_set stored = GSS_C_NO_OID_SET;

	for (int i = 0; i < 3; i++) {
		gss_cred_usage_t usage = 77;

		major = gss_store_cred_into(&minor, cred, GSS_C_INITIATE, GSS_C_NO_OID, i == 2, is_default, &store, &stored,
					    &usage);
		told(what);
		say("%s stored %zu usage %d", what, stored != NULL ? stored->count : 0, GSS_ERROR(major) ? 0 : usage);
		gss_release_oid_set(&minor, &stored);
	}
	try(what, NULL, GSS_C_INITIATE, 1, "ccache", ccache, NULL, NULL);
}

static void
storing(void)
{
	struct meeting m = {.target = "host@server.baton.test", .req_flags = GSS_C_DELEG_FLAG | GSS_C_MUTUAL_FLAG}, next = {0};
	gss_cred_id_t acceptor = acquire("acceptor", NULL, GSS_C_ACCEPT, 0);
	gss_key_value_set_desc empty = {0, NULL};
	char text[600];

	meet("delegate", &m);
	show_cred("delegated", m.delegated);
	store_twice("to a file", m.delegated, path_of("FILE:%s/stored"), false);
	snprintf(text, sizeof text, "mkdir -m 700 %s/dir", directory);
	if (system(text) != 0)
		exit(1);
	store_twice("to a directory", m.delegated, path_of("DIR:%s/dir"), true);
	/* The stored one works. */
	next.target = "HTTP@server.baton.test";
	next.initiator = acquire("stored", NULL, GSS_C_INITIATE, 1, "ccache", path_of("FILE:%s/stored"));
	meet("with what was stored", &next);
	part(&next);
	gss_release_cred(&minor, &next.initiator);
	major = gss_store_cred(&minor, m.delegated, GSS_C_INITIATE, (gss_OID)gss_mech_krb5, 0, 0, NULL, NULL);
	told("over alice's own");
	major = gss_store_cred(&minor, m.delegated, GSS_C_ACCEPT, GSS_C_NO_OID, 0, 0, NULL, NULL);
	told("as an acceptor's");
	major = gss_store_cred(&minor, m.delegated, 9, GSS_C_NO_OID, 0, 0, NULL, NULL);
	told("as nobody's");
	major = gss_store_cred(&minor, m.delegated, GSS_C_INITIATE, &unknown, 0, 0, NULL, NULL);
	told("as another mechanism's");
	major = gss_store_cred_into(&minor, m.delegated, GSS_C_INITIATE, GSS_C_NO_OID, 0, 0, &empty, NULL, NULL);
	told("into an empty store");
	major = gss_store_cred(&minor, acceptor, GSS_C_BOTH, GSS_C_NO_OID, 0, 0, NULL, NULL);
	told("an acceptor");
	major = gss_store_cred(&minor, GSS_C_NO_CREDENTIAL, GSS_C_BOTH, GSS_C_NO_OID, 0, 0, NULL, NULL);
	told("none");
	gss_release_cred(&minor, &acceptor);
	part(&m);
}

static void
impersonate(const char *what, gss_cred_id_t impersonator, const char *name, gss_cred_usage_t usage, gss_cred_id_t *out)
{
	gss_name_t bob = name_of(name, GSS_C_NT_USER_NAME);
	OM_uint32 lifetime = 0;

	*out = GSS_C_NO_CREDENTIAL;
	major = gss_acquire_cred_impersonate_name(&minor, impersonator, bob, 0, GSS_C_NO_OID_SET, usage, out, NULL, &lifetime);
	told(what);
	if (*out != GSS_C_NO_CREDENTIAL) {
		say("%s lifetime %s", what, lifetime != 0 ? "some" : "0");
		show_cred(what, *out);
	}
	gss_release_name(&minor, &bob);
}

static void
proxies(void)
{
	gss_cred_id_t host = host_cred(GSS_C_INITIATE), both = host_cred(GSS_C_BOTH),
		      acceptor = acquire("acceptor", NULL, GSS_C_ACCEPT, 0);
	struct meeting m = {.target = "host@server.baton.test", .acceptor = acceptor}, forward = {.acceptor = both}, onward;
	gss_cred_id_t bob, again, joined = GSS_C_NO_CREDENTIAL;
	gss_name_t name = name_of("bob", GSS_C_NT_USER_NAME);

	impersonate("bob by host", host, "bob", GSS_C_INITIATE, &bob);
	m.initiator = bob;
	meet("as bob to host itself", &m);
	part(&m);
	m.target = "HTTP@server.baton.test";
	meet("as bob to HTTP", &m);
	part(&m);
	impersonate("by an impersonator", bob, "bob", GSS_C_INITIATE, &again);
	impersonate("to accept", host, "bob", GSS_C_ACCEPT, &again);
	impersonate("for both", host, "bob", GSS_C_BOTH, &again);
	impersonate("nobody", host, "nobody", GSS_C_INITIATE, &again);
	impersonate("by an acceptor", acceptor, "bob", GSS_C_INITIATE, &again);
	major = gss_add_cred_impersonate_name(&minor, GSS_C_NO_CREDENTIAL, host, name, (gss_OID)gss_mech_krb5, GSS_C_INITIATE,
					      0, 0, &joined, NULL, NULL, NULL);
	told("added");
	show_cred("added", joined);
	store_twice("impersonated", bob, path_of("FILE:%s/bob"), false);
	/* Who acts for bob does not act for alice by it. */
	again = acquire("bob's proxy", NULL, GSS_C_BOTH, 1, "ccache", path_of("FILE:%s/bob"));
	onward = (struct meeting){.target = "host@server.baton.test", .acceptor = again};
	meet("alice to bob's proxy", &onward);
	part(&onward);
	gss_release_cred(&minor, &again);
	/* An acceptor that is an initiator too gets the client's ticket to go on with. */
	for (int i = 0; i < 2; i++) {
		forward.req_flags = GSS_C_MUTUAL_FLAG | (i == 1 ? GSS_C_DELEG_FLAG : 0);
		forward.target = "host@server.baton.test";
		meet("alice to both", &forward);
		show_cred("what both is given", forward.delegated);
		onward =
		    (struct meeting){.initiator = forward.delegated, .target = "HTTP@server.baton.test", .acceptor = acceptor};
		meet("as alice to HTTP", &onward);
		part(&onward);
		part(&forward);
	}
	gss_release_name(&minor, &name);
	gss_release_cred(&minor, &joined);
	gss_release_cred(&minor, &bob);
	gss_release_cred(&minor, &host);
	gss_release_cred(&minor, &both);
	gss_release_cred(&minor, &acceptor);
}

static void
named_caches(void)
{
	gss_cred_id_t bob = acquire("bob", NULL, GSS_C_INITIATE, 2, "client_keytab", realm_path("FILE:%s/bob.keytab"), "ccache",
				    path_of("FILE:%s/bob"));
	struct meeting m = {.target = "host@server.baton.test"};
	const char *old;

	gss_release_cred(&minor, &bob);
	major = gss_krb5_ccache_name(&minor, path_of("FILE:%s/bob"), &old);
	told("name");
	say("was alice's: %d", strcmp(old, getenv("KRB5CCNAME")) == 0);
	try("default", NULL, GSS_C_INITIATE, 0, NULL, NULL, NULL, NULL);
	try("alice", "alice", GSS_C_INITIATE, 0, NULL, NULL, NULL, NULL);
	meet("by default", &m);
	part(&m);
	major = gss_krb5_ccache_name(&minor, path_of("FILE:%s/none"), &old);
	told("name");
	say("was %s", strrchr(old, '/'));
	try("nobody", NULL, GSS_C_INITIATE, 0, NULL, NULL, NULL, NULL);
	major = gss_krb5_ccache_name(&minor, NULL, NULL);
	told("back");
	try("default again", NULL, GSS_C_INITIATE, 0, NULL, NULL, NULL, NULL);
	major = gss_krb5_ccache_name(&minor, NULL, &old);
	say("is alice's: %d", strcmp(old, getenv("KRB5CCNAME")) == 0);
}

static void
enctypes(void)
{
	krb5_enctype aes128[] = {17, 0}, none[] = {99, 98, 0}, sha2[] = {20, 19};
	gss_cred_id_t cred = acquire("alice", NULL, GSS_C_INITIATE, 1, "ccache", getenv("KRB5CCNAME"));
	gss_cred_id_t acceptor = acquire("acceptor", NULL, GSS_C_ACCEPT, 0);
	struct meeting m = {
	    .target = "plain@server.baton.test", .initiator = cred, .acceptor = acceptor, .req_flags = GSS_C_MUTUAL_FLAG};

	meet("no limit", &m);
	part(&m);
	major = gss_krb5_set_allowable_enctypes(&minor, cred, 2, none);
	told("unknown ones");
	major = gss_krb5_set_allowable_enctypes(&minor, cred, 1, aes128);
	told("AES-128");
	meet("AES-128", &m);
	part(&m);
	m.target = "enc17@server.baton.test";
	meet("AES-128 to one who has it", &m);
	part(&m);
	major = gss_krb5_set_allowable_enctypes(&minor, cred, 2, sha2);
	told("SHA-2");
	m.target = "HTTP@server.baton.test";
	meet("SHA-2", &m);
	part(&m);
	major = gss_krb5_set_allowable_enctypes(&minor, cred, 0, NULL);
	told("no limit");
	major = gss_krb5_set_allowable_enctypes(&minor, acceptor, 1, aes128);
	told("acceptor");
	m.target = "enc18@server.baton.test";
	meet("an acceptor who may not", &m);
	part(&m);
	m.target = "enc17@server.baton.test";
	meet("an acceptor who may", &m);
	part(&m);
	gss_release_cred(&minor, &cred);
	gss_release_cred(&minor, &acceptor);
}

static void
identities(void)
{
	struct meeting m = {.target = "host@server.baton.test"};

	say("%08x", krb5_gss_register_acceptor_identity(realm_path("FILE:%s/bob.keytab")));
	meet("with bob's keytab", &m);
	part(&m);
	try("with bob's keytab", "host@server.baton.test", GSS_C_ACCEPT, 0, NULL, NULL, NULL, NULL);
	try("with a keytab of one's own", "host@server.baton.test", GSS_C_ACCEPT, 1, "keytab", getenv("KRB5_KTNAME"), NULL,
	    NULL);
	say("%08x", krb5_gss_register_acceptor_identity("NOSUCH:x"));
	try("with none", NULL, GSS_C_ACCEPT, 0, NULL, NULL, NULL, NULL);
	say("%08x", krb5_gss_register_acceptor_identity(NULL));
	meet("with the default one", &m);
	part(&m);
	say("%d", krb5_gss_use_kdc_context());
	meet("as a KDC", &m);
	part(&m);
}

static void
objects(void)
{
	struct meeting m = {.target = "host@server.baton.test", .req_flags = GSS_C_MUTUAL_FLAG};
	gss_cred_id_t cred = GSS_C_NO_CREDENTIAL, acceptor = acquire("acceptor", NULL, GSS_C_ACCEPT, 0);
	krb5_context ctx;
	krb5_ccache ccache, copy;
	krb5_keytab keytab;
	krb5_principal princ;
	krb5_creds **creds = NULL;
	krb5_rcache rcache;

	(void)creds;
	if (krb5_init_context(&ctx) != 0 || krb5_cc_default(ctx, &ccache) != 0 || krb5_kt_default(ctx, &keytab) != 0 ||
	    krb5_cc_get_principal(ctx, ccache, &princ) != 0)
		exit(1);
	major = gss_krb5_import_cred(&minor, NULL, NULL, NULL, &cred);
	told("import nothing");
	major = gss_krb5_import_cred(&minor, ccache, NULL, NULL, &cred);
	told("import a cache");
	show_cred("a cache", cred);
	m.initiator = cred;
	meet("by an imported cache", &m);
	part(&m);
	if (krb5_cc_resolve(ctx, "MEMORY:copy", &copy) != 0 || krb5_cc_initialize(ctx, copy, princ) != 0)
		exit(1);
	major = gss_krb5_copy_ccache(&minor, cred, copy);
	told("copy");
	try("copy", NULL, GSS_C_INITIATE, 1, "ccache", "MEMORY:copy", NULL, NULL);
	major = gss_krb5_copy_ccache(&minor, acceptor, copy);
	told("copy an acceptor's");
	major = gss_krb5_copy_ccache(&minor, cred, NULL);
	say("copy to nowhere %08x", major);
	gss_release_cred(&minor, &cred);
	major = gss_krb5_import_cred(&minor, NULL, NULL, keytab, &cred);
	told("import a keytab");
	show_cred("a keytab", cred);
	m = (struct meeting){.target = "host@server.baton.test", .acceptor = cred};
	meet("to an imported keytab", &m);
	part(&m);
	gss_release_cred(&minor, &cred);
	major = gss_krb5_import_cred(&minor, ccache, princ, NULL, &cred);
	told("import a cache by name");
	show_cred("a cache by name", cred);
	gss_release_cred(&minor, &cred);
	major = gss_krb5_import_cred(&minor, NULL, princ, keytab, &cred);
	told("import a keytab that has not the name");
	major = gss_krb5_import_cred(&minor, ccache, NULL, keytab, &cred);
	told("import both");
	show_cred("both", cred);
	gss_release_cred(&minor, &cred);
	if (k5_rc_resolve(ctx, path_of("file2:%s/rcache"), &rcache) != 0)
		exit(1);
	major = gss_krb5_set_cred_rcache(&minor, acceptor, rcache);
	told("replay cache");
	m = (struct meeting){.target = "host@server.baton.test", .acceptor = acceptor};
	meet("with a replay cache", &m);
	part(&m);
	meet("with a replay cache", &m);
	part(&m);
	gss_release_cred(&minor, &acceptor);
	krb5_free_principal(ctx, princ);
	krb5_cc_close(ctx, ccache);
	krb5_cc_destroy(ctx, copy);
	krb5_kt_close(ctx, keytab);
	krb5_free_context(ctx);
}

static void
options(void)
{
	gss_cred_id_t cred = acquire("alice", NULL, GSS_C_INITIATE, 1, "ccache", getenv("KRB5CCNAME")),
		      none = GSS_C_NO_CREDENTIAL;
	struct meeting m = {.target = "host@server.baton.test", .initiator = cred};
	gss_buffer_desc empty = GSS_C_EMPTY_BUFFER;
	gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;

	major = gss_set_cred_option(&minor, &cred, &unknown, &empty);
	told("unknown option");
	major = gss_set_cred_option(&minor, &none, &unknown, &empty);
	told("unknown option for nobody");
	major = gssspi_set_cred_option(&minor, cred, &unknown, &empty);
	told("unknown option, by its old name");
	major = gss_inquire_cred_by_oid(&minor, cred, &unknown, &set);
	told("unknown question");
	major = gssspi_mech_invoke(&minor, (gss_OID)gss_mech_krb5, &unknown, &empty);
	told("unknown demand");
	major = gssspi_mech_invoke(&minor, &unknown, &unknown, &empty);
	told("unknown mechanism");
	meet("usual", &m);
	part(&m);
	major = gss_set_cred_option(&minor, &cred, (gss_OID)GSS_KRB5_CRED_NO_CI_FLAGS_X, &empty);
	told("no protection flags");
	meet("without protection flags", &m);
	part(&m);
	m.req_flags = GSS_C_INTEG_FLAG | GSS_C_MUTUAL_FLAG;
	meet("without but for the one asked for", &m);
	part(&m);
	gss_release_cred(&minor, &cred);
	/* A credential for Kerberos alone is none for a negotiation with the other library. */
	major = gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, GSS_C_NO_OID_SET, GSS_C_INITIATE, &cred, NULL, NULL);
	told("for every mechanism");
	gss_set_cred_option(&minor, &cred, (gss_OID)GSS_KRB5_CRED_NO_CI_FLAGS_X, &empty);
	m.initiator = cred;
	m.mech = &spnego;
	meet("negotiated, without but for the one asked for", &m);
	part(&m);
	m.req_flags = GSS_C_MUTUAL_FLAG;
	meet("negotiated, without protection flags", &m);
	part(&m);
	gss_release_cred(&minor, &cred);
}

/* One token twice: the second time the replay cache knows it. */
static void
replays(void)
{
	gss_cred_id_t acceptor = acquire("acceptor", NULL, GSS_C_ACCEPT, 1, "rcache", path_of("file2:%s/rcache"));
	gss_name_t target = name_of("host@server.baton.test", GSS_C_NT_HOSTBASED_SERVICE);
	gss_buffer_desc token = GSS_C_EMPTY_BUFFER, reply = GSS_C_EMPTY_BUFFER;
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
	krb5_rcache rcache;
	krb5_context library;

	if (krb5_init_context(&library) != 0)
		exit(1);
	gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, &ctx, target, (gss_OID)gss_mech_krb5, 0, 0, NULL, NULL, NULL, &token,
			     NULL, NULL);
	gss_delete_sec_context(&minor, &ctx, NULL);
	for (int i = 0; i < 4; i++) {
		/* The third time another replay cache is asked, which has not seen it. */
		if (i == 2) {
			if (k5_rc_resolve(library, path_of("file2:%s/other"), &rcache) != 0)
				exit(1);
			major = gss_krb5_set_cred_rcache(&minor, acceptor, rcache);
			told("another replay cache");
		}
		major = gss_accept_sec_context(&minor, &ctx, acceptor, &token, NULL, NULL, NULL, &reply, NULL, NULL, NULL);
		told("the same token");
		gss_release_buffer(&minor, &reply);
		if (ctx != GSS_C_NO_CONTEXT)
			gss_delete_sec_context(&minor, &ctx, NULL);
	}
	gss_release_buffer(&minor, &token);
	gss_release_name(&minor, &target);
	gss_release_cred(&minor, &acceptor);
	krb5_free_context(library);
}

static void
put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		exit(1);
}

/* Two clients in one collection: which of them it is depends on whom it goes to. */
static void
selection(void)
{
	gss_key_value_element_desc element = {"ccache", path_of("DIR:%s/dir")};
	gss_key_value_set_desc store = {1, &element};
	struct meeting m = {0};
	gss_cred_id_t cred;
	char text[600];

	snprintf(text, sizeof text, "mkdir -m 700 %s/dir", directory);
	if (system(text) != 0)
		exit(1);
	cred = acquire("alice", "alice", GSS_C_INITIATE, 1, "ccache", getenv("KRB5CCNAME"));
	major = gss_store_cred_into(&minor, cred, GSS_C_INITIATE, GSS_C_NO_OID, 0, 1, &store, NULL, NULL);
	told("alice's");
	gss_release_cred(&minor, &cred);
	cred =
	    acquire("bob", NULL, GSS_C_INITIATE, 2, "client_keytab", realm_path("FILE:%s/bob.keytab"), "ccache", "MEMORY:bob");
	major = gss_store_cred_into(&minor, cred, GSS_C_INITIATE, GSS_C_NO_OID, 0, 0, &store, NULL, NULL);
	told("bob's");
	gss_release_cred(&minor, &cred);
	setenv("KRB5CCNAME", element.value, 1);
	setenv("HOME", directory, 1);
	put_file(path_of("%s/.k5identity"), "bob@BATON.TEST service=HTTP\nbob@BATON.TEST host=localhost\n");
	for (int i = 0; i < 2; i++) {
		m.target = "host@server.baton.test";
		meet("to host", &m);
		part(&m);
		m.target = "HTTP@server.baton.test";
		meet("to HTTP", &m);
		part(&m);
		m.target = "host@localhost";
		meet("to localhost", &m);
		part(&m);
		gss_release_cred(&minor, &m.initiator);
		/* A credential that is chosen stays so: one for each. */
		m.initiator = acquire("default", NULL, GSS_C_INITIATE, 0);
	}
	gss_release_cred(&minor, &m.initiator);
	m.target = "HTTP@server.baton.test";
	/* A cache that the program chose is not one of many. */
	major = gss_krb5_ccache_name(&minor, element.value, NULL);
	told("chosen");
	meet("to HTTP from the chosen one", &m);
	part(&m);
	try("bob of the chosen one", "bob", GSS_C_INITIATE, 0, NULL, NULL, NULL, NULL);
	gss_krb5_ccache_name(&minor, NULL, NULL);
	try("bob of the collection", "bob", GSS_C_INITIATE, 0, NULL, NULL, NULL, NULL);
	try("nobody of the collection", "carol", GSS_C_INITIATE, 0, NULL, NULL, NULL, NULL);
}

/* ---- exported credentials ---- */

static void
save(const char *what, const char *file, gss_cred_id_t cred)
{
	gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
	char path[512];
	FILE *f;

	major = gss_export_cred(&minor, cred, &token);
	told(what);
	snprintf(path, sizeof path, "%s/%s.cred", directory, file);
	if ((f = fopen(path, "wb")) == NULL || fwrite(token.value, 1, token.length, f) != token.length || fclose(f) != 0)
		exit(1);
	gss_release_buffer(&minor, &token);
}

static void
exports(void)
{
	struct meeting m = {.target = "host@server.baton.test", .req_flags = GSS_C_DELEG_FLAG | GSS_C_MUTUAL_FLAG};
	gss_cred_id_t cred, bob, host;
	krb5_enctype aes[] = {18, 17, 0};
	gss_OID_desc mechs[] = {*gss_mech_krb5, {6, (void *)"\x2b\x06\x01\x05\x05\x02"}};
	gss_OID_set_desc negotiable = {2, mechs};

	cred = acquire("cache", "alice", GSS_C_INITIATE, 1, "ccache", getenv("KRB5CCNAME"));
	save("cache", "cache", cred);
	gss_krb5_set_allowable_enctypes(&minor, cred, 2, aes);
	save("limited", "limited", cred);
	gss_release_cred(&minor, &cred);
	cred = acquire("keytab", "host@server.baton.test", GSS_C_ACCEPT, 2, "keytab", getenv("KRB5_KTNAME"), "rcache",
		       path_of("file2:%s/rcache"));
	save("keytab", "keytab", cred);
	gss_release_cred(&minor, &cred);
	cred = acquire("any key", NULL, GSS_C_ACCEPT, 1, "keytab", getenv("KRB5_KTNAME"));
	save("any key", "anykey", cred);
	gss_release_cred(&minor, &cred);
	cred = acquire("default", NULL, GSS_C_INITIATE, 0);
	save("default", "default", cred);
	gss_release_cred(&minor, &cred);
	/* Asked for its name, it has chosen one; as an acceptor it goes on taking any key. */
	cred = acquire("both", NULL, GSS_C_BOTH, 0);
	show_cred("both", cred);
	save("both", "both", cred);
	gss_release_cred(&minor, &cred);
	meet("delegate", &m);
	save("delegated", "delegated", m.delegated);
	part(&m);
	cred = GSS_C_NO_CREDENTIAL;
	major = gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, &negotiable, GSS_C_INITIATE, &cred, NULL, NULL);
	told("negotiable");
	save("negotiable", "negotiable", cred);
	gss_release_cred(&minor, &cred);
	host = host_cred(GSS_C_INITIATE);
	impersonate("bob", host, "bob", GSS_C_INITIATE, &bob);
	save("bob", "bob", bob);
	gss_release_cred(&minor, &bob);
	gss_release_cred(&minor, &host);
	major = gss_export_cred(&minor, GSS_C_NO_CREDENTIAL, &(gss_buffer_desc){0});
	told("none");
}

static void
load(const char *file)
{
	static char bytes[1 << 20];
	gss_buffer_desc token = {0, bytes}, again = GSS_C_EMPTY_BUFFER;
	struct meeting m = {.target = "host@server.baton.test"};
	gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
	gss_cred_usage_t usage = -1;
	char path[512];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s.cred", directory, file);
	if ((f = fopen(path, "rb")) == NULL || (token.length = fread(bytes, 1, sizeof bytes, f)) == 0 || fclose(f) != 0)
		exit(1);
	major = gss_import_cred(&minor, &token, &cred);
	told(file);
	if (major != GSS_S_COMPLETE)
		return;
	major = gss_export_cred(&minor, cred, &again);
	told(file);
	say("%s exported again, the same: %d", file,
	    again.length == token.length && memcmp(again.value, bytes, token.length) == 0);
	gss_release_buffer(&minor, &again);
	show_cred(file, cred);
	if (gss_inquire_cred(&minor, cred, NULL, NULL, &usage, NULL) == GSS_S_COMPLETE && usage == GSS_C_INITIATE)
		m.initiator = cred;
	else
		m.acceptor = cred;
	meet(file, &m);
	part(&m);
	gss_release_cred(&minor, &cred);
}

static void
imports(void)
{
	static const char *const bad[] = {
	    "",
	    "\0\0\0\x09",
	    "\0\0\0\x09*\x86H\x86\xf7\x12\x01\x02\x02\0\0\0\x02{}",
	    "\0\0\0\x03*\x03\x04\0\0\0\x02{}",
	    "\0\0\0\x09*\x86H\x86\xf7\x12\x01\x02\x02\0\0\0\x08[\"K5C1\"]",
	    "\xff\xff\xff\xff",
	};
	static const size_t lens[] = {0, 4, 19, 13, 25, 4};
	gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;

	load("cache");
	load("limited");
	load("keytab");
	load("anykey");
	load("default");
	load("both");
	load("delegated");
	load("negotiable");
	load("bob");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		gss_buffer_desc token = {lens[i], (void *)bad[i]};

		major = gss_import_cred(&minor, &token, &cred);
		told("nonsense");
	}
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*play)(void);
	} scenes[] = {
	    {"stores", stores},	    {"storing", storing},	{"proxies", proxies}, {"named_caches", named_caches},
	    {"enctypes", enctypes}, {"identities", identities}, {"objects", objects}, {"options", options},
	    {"replays", replays},   {"selection", selection},	{"exports", exports}, {"imports", imports},
	};

	if (argc != 3)
		return 2;
	directory = argv[2];
	for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
		if (strcmp(argv[1], scenes[i].name) == 0) {
			scenes[i].play();
			return 0;
		}
	return 2;
}
