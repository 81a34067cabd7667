/* Credentials: acquire, add, ask, store, export, and what is Kerberos' own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "play.h"

static gss_cred_usage_t
usage(void)
{
	static const gss_cred_usage_t usages[] = {GSS_C_INITIATE, GSS_C_ACCEPT, GSS_C_BOTH, GSS_C_INITIATE, 3, -1};
	gss_cred_usage_t chosen = usages[play_pick(12) == 11 ? 4 + play_pick(2) : play_pick(4)];

	play_say(" usage %d", chosen);
	return chosen;
}

static gss_name_t
desired(void)
{
	if (play_pick(2) == 0) {
		play_say(" for nobody");
		return GSS_C_NO_NAME;
	}
	return *play_name_source("for");
}

static const gss_key_value_set_desc *
store(void)
{
	static const char *const keys[] = {"ccache", "keytab", "client_keytab", "password", "rcache", "verify", "unknown",
					   "",	     NULL};
	static char values[3][512];
	static gss_key_value_element_desc elements[3];
	static gss_key_value_set_desc set = {0, elements};
	static const char *const kinds[] = {
	    "FILE:%s/alice.ccache", "FILE:%s/bob.ccache", "FILE:%s/nothing", "%s/alice.ccache",
	    "MEMORY:play",	    "DIR:%s/dir",	  "NOSUCH:x",	     "",
	    "DIR::%s/dir/tkt",	    "FILE:%s/no/where",
	};
	static const char *const keytabs[] = {"server.keytab", "alice.keytab", "bob.keytab", "nothing.keytab"};
	static const char *const others[] = {"wonderland", "", "wrong", "none:", "dfl:", "HTTP/server.baton.test", "nosuch/x"};

	set.count = play_pick(4);
	play_say(" store {");
	for (size_t i = 0; i < set.count; i++) {
		unsigned key = play_pick(play_pick(4) == 3 ? NUM_OF(keys) : 3);

		if (key == 0)
			snprintf(values[i], sizeof values[i], kinds[play_pick(NUM_OF(kinds))], play_path(""));
		else if (key <= 2)
			snprintf(values[i], sizeof values[i], "FILE:%s", play_realm_path(keytabs[play_pick(NUM_OF(keytabs))]));
		else
			snprintf(values[i], sizeof values[i], "%s", others[play_pick(NUM_OF(others))]);
		elements[i] = (gss_key_value_element_desc){keys[key], values[i]};
		play_say(" %s=%s", keys[key] != NULL ? keys[key] : "NULL", values[i]);
	}
	play_say(" }");
	return set.count == 0 && play_pick(2) == 0 ? GSS_C_NO_CRED_STORE : &set;
}

static gss_buffer_desc
password(void)
{
	static const char *const words[] = {"wonderland", "wrong", "", "wonderland "};
	unsigned number = play_pick(5);

	if (number == 4) {
		play_say(" password NULL");
		return (gss_buffer_desc){0, NULL};
	}
	play_say(" password '%s'", words[number]);
	return (gss_buffer_desc){strlen(words[number]), (char *)words[number]};
}

/* Where the outputs of acquiring go: GSS_C_NO_CREDENTIAL's place is told, as are the times. */
struct outcome {
	gss_cred_id_t cred;
	gss_OID_set mechs;
	OM_uint32 initiator_s, acceptor_s;
};

static void
tell(OM_uint32 major, struct outcome *got, gss_cred_id_t *place, bool has_place)
{
	OM_uint32 unused;

	play_said(major);
	play_say(" %s", got->cred != GSS_C_NO_CREDENTIAL ? "cred" : "no cred");
	play_say_oids("mechs", got->mechs);
	play_say_lifetime("lives", got->initiator_s);
	play_say_lifetime("and", got->acceptor_s);
	gss_release_oid_set(&unused, &got->mechs);
	if (has_place)
		play_put_cred(place, got->cred);
}

static void
acquire(void)
{
	struct outcome got = {0};
	gss_cred_id_t *place;
	gss_name_t name;
	gss_OID_set mechs;
	gss_buffer_desc word;
	gss_cred_usage_t how;
	OM_uint32 major, time_s;
	unsigned kind = play_pick(5);

	play_call(kind < 2 ? "acquire_cred" : kind < 4 ? "acquire_cred_from" : "acquire_cred_with_password");
	name = desired();
	time_s = play_lifetime("time");
	mechs = play_oids("mechs");
	how = usage();
	place = play_cred_place("to");
	if (kind < 2 && play_rarely()) {
		play_say(" without outputs");
		major = gss_acquire_cred(play_minor(), name, time_s, mechs, how, NULL, NULL, NULL);
	} else if (kind < 2) {
		major = gss_acquire_cred(play_minor(), name, time_s, mechs, how, &got.cred, &got.mechs, &got.initiator_s);
	} else if (kind < 4) {
		const gss_key_value_set_desc *where = store();

		major = gss_acquire_cred_from(play_minor(), name, time_s, mechs, how, where, &got.cred, &got.mechs,
					      &got.initiator_s);
	} else {
		word = password();
		major = gss_acquire_cred_with_password(play_minor(), name, &word, time_s, mechs, how, &got.cred, &got.mechs,
						       &got.initiator_s);
	}
	tell(major, &got, place, true);
}

static void
add(void)
{
	struct outcome got = {0};
	gss_cred_id_t *from, *place;
	gss_name_t name;
	gss_OID mech;
	gss_buffer_desc word;
	gss_cred_usage_t how;
	OM_uint32 major, i_s, a_s;
	unsigned kind = play_pick(5);
	bool in_place;

	play_call(kind < 2 ? "add_cred" : kind < 4 ? "add_cred_from" : "add_cred_with_password");
	from = play_cred_source("from");
	name = desired();
	mech = play_mech("mech");
	how = usage();
	i_s = play_lifetime("time");
	a_s = play_lifetime("and");
	place = play_cred_place("to");
	in_place = play_pick(2) == 1 && *from != GSS_C_NO_CREDENTIAL;
	if (in_place)
		play_say(" in place");
	if (kind < 2) {
		major = gss_add_cred(play_minor(), *from, name, mech, how, i_s, a_s, in_place ? NULL : &got.cred, &got.mechs,
				     &got.initiator_s, &got.acceptor_s);
	} else if (kind < 4) {
		const gss_key_value_set_desc *where = store();

		major = gss_add_cred_from(play_minor(), *from, name, mech, how, i_s, a_s, where, in_place ? NULL : &got.cred,
					  &got.mechs, &got.initiator_s, &got.acceptor_s);
	} else {
		word = password();
		major = gss_add_cred_with_password(play_minor(), *from, name, mech, &word, how, i_s, a_s,
						   in_place ? NULL : &got.cred, &got.mechs, &got.initiator_s, &got.acceptor_s);
	}
	tell(major, &got, place, !in_place);
}

static void
impersonate(void)
{
	struct outcome got = {0};
	gss_cred_id_t *from, *place;
	gss_name_t name;
	gss_OID_set mechs;
	gss_cred_usage_t how;
	OM_uint32 major, time_s;

	play_call("acquire_cred_impersonate_name");
	from = play_cred_source("by");
	name = *play_name_source("for");
	time_s = play_lifetime("time");
	mechs = play_oids("mechs");
	how = usage();
	place = play_cred_place("to");
	major = gss_acquire_cred_impersonate_name(play_minor(), *from, name, time_s, mechs, how, &got.cred, &got.mechs,
						  &got.initiator_s);
	tell(major, &got, place, true);
}

static void
inquire(void)
{
	gss_cred_id_t *cred;
	gss_name_t name = GSS_C_NO_NAME;
	OM_uint32 major, lifetime = 0, other = 0, unused;
	gss_cred_usage_t how = 0;
	gss_OID_set mechs = GSS_C_NO_OID_SET;

	play_call("inquire_cred");
	cred = play_cred_source("");
	if (play_rarely()) {
		play_say(" without outputs");
		major = gss_inquire_cred(play_minor(), *cred, NULL, NULL, NULL, NULL);
	} else {
		major = gss_inquire_cred(play_minor(), *cred, &name, &lifetime, &how, &mechs);
	}
	play_said(major);
	play_say_name("name", name);
	play_say_lifetime("lives", lifetime);
	play_say(" usage %d", how);
	play_say_oids("mechs", mechs);
	gss_release_name(&unused, &name);
	gss_release_oid_set(&unused, &mechs);

	play_call("inquire_cred_by_mech");
	play_say(" of %s", *cred == GSS_C_NO_CREDENTIAL ? "none" : "one");
	how = 0;
	lifetime = other = 0;
	major = gss_inquire_cred_by_mech(play_minor(), *cred, play_mech("mech"), &name, &lifetime, &other, &how);
	play_said(major);
	play_say_name("name", name);
	play_say_lifetime("lives", lifetime);
	play_say_lifetime("and", other);
	play_say(" usage %d", how);
	gss_release_name(&unused, &name);
}

static void
put(void)
{
	gss_cred_id_t *cred;
	gss_OID mech;
	gss_OID_set stored = GSS_C_NO_OID_SET;
	gss_cred_usage_t how, how_stored = 0;
	OM_uint32 major, unused, overwrite, make_default;
	const gss_key_value_set_desc *where = GSS_C_NO_CRED_STORE;
	bool is_into = play_pick(2);

	play_call(is_into ? "store_cred_into" : "store_cred");
	cred = play_cred_source("");
	how = usage();
	mech = play_mech("mech");
	overwrite = play_pick(2);
	make_default = play_pick(2);
	play_say(" %u %u", overwrite, make_default);
	if (is_into) {
		where = store();
		major =
		    gss_store_cred_into(play_minor(), *cred, how, mech, overwrite, make_default, where, &stored, &how_stored);
	} else {
		major = gss_store_cred(play_minor(), *cred, how, mech, overwrite, make_default, &stored, &how_stored);
	}
	play_said(major);
	play_say_oids("stored", stored);
	play_say(" usage %d", how_stored);
	gss_release_oid_set(&unused, &stored);
}

static void export(void)
{
	gss_cred_id_t *cred, *place, back = GSS_C_NO_CREDENTIAL;
	gss_buffer_desc token = GSS_C_EMPTY_BUFFER, copy;
	OM_uint32 major, unused;

	play_call("export_cred");
	cred = play_cred_source("");
	major = gss_export_cred(play_minor(), *cred, &token);
	play_said(major);
	play_say(" %s", token.length != 0 ? "token" : "no token");
	play_call("import_cred");
	copy = play_alter("token", &token, 40);
	place = play_cred_place("to");
	major = gss_import_cred(play_minor(), &copy, &back);
	play_said(major);
	play_say(" %s", back != GSS_C_NO_CREDENTIAL ? "cred" : "no cred");
	free(copy.value);
	gss_release_buffer(&unused, &token);
	play_put_cred(place, back);
}

static void
import(void)
{
	static const gss_buffer_desc tokens[] = {
	    {0, NULL},
	    PLAY_BYTES(0, ""),
	    PLAY_BYTES(3, "\0\0\0"),
	    PLAY_BYTES(4, "\0\0\0\0"),
	    PLAY_BYTES(8, "\0\0\0\0\0\0\0\0"),
	    PLAY_BYTES(17, "\0\0\0\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\0\0\0\0"),
	    PLAY_BYTES(19, "\0\0\0\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\0\0\0\2{}"),
	    PLAY_BYTES(11, "\0\0\0\3\x2a\3\4\0\0\0\0"),
	    PLAY_BYTES(4, "\xff\xff\xff\xff"),
	};
	gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
	gss_buffer_desc token;
	OM_uint32 major;

	play_call("import_cred");
	token = tokens[play_pick(NUM_OF(tokens))];
	play_say_bytes("", &token);
	major = gss_import_cred(play_minor(), &token, &cred);
	play_said(major);
	play_say(" %s", cred != GSS_C_NO_CREDENTIAL ? "cred" : "no cred");
	play_put_cred(&cred, GSS_C_NO_CREDENTIAL);
}

static void
set_neg_mechs(void)
{
	gss_cred_id_t *cred;
	OM_uint32 major;
	gss_OID_set mechs;

	play_call("set_neg_mechs");
	cred = play_cred_source("");
	mechs = play_oids("mechs");
	major = gss_set_neg_mechs(play_minor(), *cred, mechs);
	play_said(major);
}

static void
release(void)
{
	gss_cred_id_t *cred;
	OM_uint32 major;

	play_call("release_cred");
	cred = play_cred_source("");
	major = gss_release_cred(play_minor(), play_rarely() ? NULL : cred);
	play_said(major);
	play_say(" %s", *cred == GSS_C_NO_CREDENTIAL ? "gone" : "there");
}

/* ---- Kerberos' own ---- */

static void
by_oid(void)
{
	gss_cred_id_t *cred;
	gss_OID oid;
	gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
	OM_uint32 major;

	play_call("inquire_cred_by_oid");
	cred = play_cred_source("");
	oid = play_pick(3) == 2 ? play_mech("object") : (gss_OID)GSS_KRB5_GET_CRED_IMPERSONATOR;
	major = gss_inquire_cred_by_oid(play_minor(), *cred, oid, &set);
	play_said(major);
	play_say_set(&set);
}

static void
option(void)
{
	gss_cred_id_t *cred;
	gss_OID oid;
	gss_buffer_desc empty = GSS_C_EMPTY_BUFFER;
	OM_uint32 major;

	play_call("set_cred_option");
	cred = play_cred_source("");
	oid = play_pick(3) == 2 ? play_mech("object") : (gss_OID)GSS_KRB5_CRED_NO_CI_FLAGS_X;
	major = gss_set_cred_option(play_minor(), cred, oid, &empty);
	play_said(major);
	play_say(" %s", *cred != GSS_C_NO_CREDENTIAL ? "cred" : "no cred");
}

static void
enctypes(void)
{
	static const krb5_enctype lists[][3] = {{18, 17, 20}, {17, 18, 0},    {23, 16, 0},
						{4711, 0, 0}, {19, 4711, 18}, {0, 0, 0}};
	gss_cred_id_t *cred;
	unsigned number;
	OM_uint32 major, count;

	play_call("set_allowable_enctypes");
	cred = play_cred_source("");
	number = play_pick(NUM_OF(lists));
	count = play_pick(4);
	play_say(" list %u of %u", number, count);
	major =
	    gss_krb5_set_allowable_enctypes(play_minor(), *cred, count, (krb5_enctype *)(count != 0 ? lists[number] : NULL));
	play_said(major);
}

static void
ccache_name(void)
{
	static const char *const names[] = {"bob.ccache", "alice.ccache", "nothing"};
	const char *old = NULL;
	char path[600];
	unsigned number;
	OM_uint32 major;

	play_call("krb5_ccache_name");
	number = play_pick(NUM_OF(names) + 1);
	if (number < NUM_OF(names))
		snprintf(path, sizeof path, "FILE:%s", play_path(names[number]));
	play_say(" %s", number < NUM_OF(names) ? path : "NULL");
	major = gss_krb5_ccache_name(play_minor(), number < NUM_OF(names) ? path : NULL, &old);
	play_said(major);
	play_say(" was %s", old != NULL ? old : "NULL");
}

static void
identity(void)
{
	static const char *const keytabs[] = {"server.keytab", "bob.keytab", "nothing.keytab"};
	unsigned number;

	play_call("register_acceptor_identity");
	number = play_pick(NUM_OF(keytabs) + 1);
	play_say(" %s", number < NUM_OF(keytabs) ? keytabs[number] : "NULL");
	play_said(krb5_gss_register_acceptor_identity(number < NUM_OF(keytabs) ? play_realm_path(keytabs[number]) : NULL));
}

/* From libkrb5's objects, and back into a cache of libkrb5's. */
static void
objects(void)
{
	static const char *const caches[] = {"alice.ccache", "bob.ccache", "nothing"};
	static const char *const keytabs[] = {"server.keytab", "alice.keytab", "nothing.keytab"};
	static const char *const principals[] = {"host/server.baton.test", "nosuch/x", "alice"};
	krb5_context ctx = NULL;
	krb5_ccache cache = NULL, to = NULL;
	krb5_keytab keytab = NULL;
	krb5_principal principal = NULL;
	gss_cred_id_t cred = GSS_C_NO_CREDENTIAL, *place;
	char path[600];
	unsigned number;
	OM_uint32 major;

	if (krb5_init_context(&ctx) != 0)
		return;
	play_call("krb5_import_cred");
	if ((number = play_pick(NUM_OF(caches) + 1)) < NUM_OF(caches)) {
		snprintf(path, sizeof path, "FILE:%s", play_path(caches[number]));
		krb5_cc_resolve(ctx, path, &cache);
		play_say(" %s", caches[number]);
	}
	if ((number = play_pick(NUM_OF(keytabs) + 1)) < NUM_OF(keytabs)) {
		snprintf(path, sizeof path, "FILE:%s", play_realm_path(keytabs[number]));
		krb5_kt_resolve(ctx, path, &keytab);
		play_say(" %s", keytabs[number]);
	}
	if ((number = play_pick(2 * NUM_OF(principals))) < NUM_OF(principals)) {
		krb5_parse_name(ctx, principals[number], &principal);
		play_say(" %s", principals[number]);
	}
	place = play_cred_place("to");
	major = gss_krb5_import_cred(play_minor(), cache, principal, keytab, &cred);
	play_said(major);
	play_put_cred(place, cred);
	/* What was given may be closed at once. */
	if (cache != NULL)
		krb5_cc_close(ctx, cache);
	if (keytab != NULL)
		krb5_kt_close(ctx, keytab);
	krb5_free_principal(ctx, principal);

	play_call("krb5_copy_ccache");
	place = play_cred_source("");
	krb5_cc_new_unique(ctx, "MEMORY", NULL, &to);
	major = gss_krb5_copy_ccache(play_minor(), *place, to);
	play_said(major);
	if (to != NULL) {
		play_say(" %s", krb5_cc_get_principal(ctx, to, &principal) == 0 ? "with a principal" : "without");
		krb5_cc_destroy(ctx, to);
	}
	krb5_free_context(ctx);
}

const struct play_op play_creds[] = {
    {"acquire", acquire},
    {"add", add},
    {"impersonate", impersonate},
    {"inquire-cred", inquire},
    {"store", put},
    {"export-cred", export},
    {"import-cred", import},
    {"set-neg-mechs", set_neg_mechs},
    {"release-cred", release},
    {"cred-by-oid", by_oid},
    {"cred-option", option},
    {"enctypes", enctypes},
    {"ccache-name", ccache_name},
    {"identity", identity},
    {"objects", objects},
    {NULL, NULL},
};
