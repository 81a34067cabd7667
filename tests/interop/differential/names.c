/* Names: import, compare, display, export, attributes, local accounts. */
#include <stdlib.h>
#include <string.h>

#include "play.h"

#define TEXT(literal) PLAY_BYTES(sizeof(literal) - 1, literal)

static char many[5001];

/* None has the length of a pointer, which is what one of the name types means. */
static const gss_buffer_desc texts[] = {
    TEXT("alice"),
    TEXT("host@server.baton.test"),
    TEXT("alice@BATON.TEST"),
    TEXT("host/server.baton.test@BATON.TEST"),
    TEXT("host/server.baton.test"),
    TEXT("host/server.baton.test@"),
    TEXT("host"),
    TEXT("host@"),
    TEXT("@server.baton.test"),
    TEXT("@"),
    TEXT(""),
    TEXT("alice@ELSEWHERE"),
    TEXT("host@SERVER.Baton.Test"),
    TEXT("HTTP@server.baton.test"),
    TEXT("host@server@baton.test"),
    TEXT("host/a/b@c"),
    TEXT("alice\\@xyz"),
    TEXT("alice\\"),
    TEXT("alice@A@B"),
    TEXT("alice@@"),
    TEXT("a b/c\\/de"),
    TEXT("alice\0mallory"),
    TEXT("alice\0"),
    TEXT("\0"),
    TEXT("0"),
    TEXT("00"),
    TEXT("-1"),
    TEXT("4294967295"),
    TEXT("4294967296"),
    TEXT("1 "),
    TEXT("\0\0\0\0"),
    TEXT("\xfe\xff\xff\xff"),
    TEXT("root"),
    TEXT("WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS"),
    TEXT("WELLKNOWN/ANONYMOUS@BATON.TEST"),
    TEXT("\xff\xfe\x80"),
    TEXT("\xc3\xa9lise@BATON.TEST"),
    TEXT("alice/admin"),
    TEXT("alice\\n\\t\\b\\0"),
    TEXT("#alice:"),
    TEXT("/"),
    TEXT("//"),
    TEXT("host@server.baton.test."),
    TEXT("host@localhost"),
    TEXT("nosuch@server.baton.test"),
    TEXT("bob"),
    {5000, many},
    {0, NULL},
};

static void
import(void)
{
	gss_name_t name = GSS_C_NO_NAME, *place;
	const gss_buffer_desc *text;
	gss_buffer_desc copy;
	gss_OID type;
	OM_uint32 major, *minor;

	memset(many, 'm', sizeof many - 1);
	play_call("import_name");
	text = &texts[play_pick(NUM_OF(texts))];
	/* At the end of memory of its own, so that what reads on is seen. */
	copy = (gss_buffer_desc){text->length, text->value != NULL ? malloc(text->length) : NULL};
	if (text->length != 0)
		memcpy(copy.value, text->value, text->length);
	play_say_bytes("", text);
	type = play_type("type");
	place = play_name_place("to");
	minor = play_minor();
	if (play_rarely()) {
		play_say(" no output");
		major = gss_import_name(minor, &copy, type, NULL);
	} else {
		major = gss_import_name(minor, play_rarely() ? NULL : &copy, type, &name);
	}
	free(copy.value);
	play_said(major);
	play_say_name("name", name);
	play_put_name(place, name);
}

static void
import_token(void)
{
	gss_name_t name = GSS_C_NO_NAME, *place;
	gss_buffer_desc token;
	gss_OID type;
	OM_uint32 major;

	play_call("import_name");
	token = play_alter("token", play_bytes_place("token"), 16);
	type = play_pick(4) == 3 ? GSS_C_NT_COMPOSITE_EXPORT : GSS_C_NT_EXPORT_NAME;
	play_say_oid("type", type);
	place = play_name_place("to");
	major = gss_import_name(play_minor(), &token, type, &name);
	free(token.value);
	play_said(major);
	play_say_name("name", name);
	play_put_name(place, name);
}

static void
canonicalize(void)
{
	gss_name_t out = GSS_C_NO_NAME, *from, *place;
	gss_OID mech;
	OM_uint32 major;

	play_call("canonicalize_name");
	from = play_name_source("from");
	mech = play_mech("mech");
	place = play_name_place("to");
	major = gss_canonicalize_name(play_minor(), *from, mech, &out);
	play_said(major);
	play_say_name("name", out);
	play_put_name(place, out);
}

/* Is it nobody's? */
static void
say_anonymous(gss_name_t name)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	gss_OID type = GSS_C_NO_OID;
	OM_uint32 unused;

	if (name == GSS_C_NO_NAME || gss_display_name(&unused, name, &text, &type) != GSS_S_COMPLETE)
		return;
	if (gss_oid_equal(type, GSS_C_NT_ANONYMOUS))
		play_say(" anonymous");
	gss_release_buffer(&unused, &text);
}

static void
compare(void)
{
	gss_name_t *a, *b;
	int equal = 0;
	OM_uint32 major;

	play_call("compare_name");
	a = play_name_source("");
	b = play_name_source("and");
	major = gss_compare_name(play_minor(), *a, *b, play_rarely() ? NULL : &equal);
	play_said(major);
	play_say(" equal %d", equal);
	say_anonymous(*a);
}

static void
duplicate(void)
{
	gss_name_t out = GSS_C_NO_NAME, *from, *place;
	OM_uint32 major;

	play_call("duplicate_name");
	from = play_name_source("from");
	place = play_name_place("to");
	major = gss_duplicate_name(play_minor(), *from, play_rarely() ? NULL : &out);
	play_said(major);
	play_say_name("name", out);
	play_put_name(place, out);
}

static void
display(void)
{
	gss_name_t *name;
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	gss_OID type = GSS_C_NO_OID;
	OM_uint32 major, unused;
	bool no_text, no_type;

	play_call("display_name");
	name = play_name_source("");
	no_text = play_rarely();
	no_type = play_rarely();
	major = gss_display_name(play_minor(), *name, no_text ? NULL : &text, no_type ? NULL : &type);
	play_said(major);
	play_say_bytes("text", &text);
	play_say_oid("type", type);
	gss_release_buffer(&unused, &text);
}

static void
display_as(void)
{
	gss_name_t *name;
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	gss_OID type;
	OM_uint32 major, unused;

	play_call("display_name_ext");
	name = play_name_source("");
	type = play_type("as");
	major = gss_display_name_ext(play_minor(), *name, type, &text);
	play_said(major);
	play_say_bytes("text", &text);
	gss_release_buffer(&unused, &text);
}

static void export(void)
{
	bool is_composite = play_pick(3) == 2;
	gss_name_t *name;
	gss_buffer_desc token = GSS_C_EMPTY_BUFFER, *place;
	OM_uint32 major, unused;

	play_call(is_composite ? "export_name_composite" : "export_name");
	name = play_name_source("");
	place = play_bytes_place("to");
	major = (is_composite ? gss_export_name_composite : gss_export_name)(play_minor(), *name, &token);
	play_said(major);
	/* Attributes of a ticket are as long as chance has it. */
	if (!is_composite)
		play_say_bytes("token", &token);
	if (major == GSS_S_COMPLETE)
		play_put_bytes(place, &token);
	gss_release_buffer(&unused, &token);
}

static void
inquire(void)
{
	gss_name_t *name;
	int is_mn = 0;
	gss_OID mech = GSS_C_NO_OID;
	gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
	OM_uint32 major;

	play_call("inquire_name");
	name = play_name_source("");
	major = gss_inquire_name(play_minor(), *name, &is_mn, &mech, &set);
	play_said(major);
	play_say(" MN %d", is_mn);
	play_say_oid("mech", mech);
	play_say_set(&set);
}

static const gss_buffer_desc attributes[] = {
    TEXT("local-login-user"),
    TEXT("urn:mspac:"),
    TEXT("urn:mspac:client-info"),
    TEXT("auth-indicators"),
    TEXT("urn:mspac:99"),
    TEXT("nobody's"),
    TEXT(""),
    TEXT("urn:mspac:client-info\0"),
    TEXT("http://a b"),
    {0, NULL},
};

static void
attribute(void)
{
	gss_name_t *name;
	gss_buffer_desc wanted, value = GSS_C_EMPTY_BUFFER, shown = GSS_C_EMPTY_BUFFER;
	int authenticated = 0, complete = 0, more = 0;
	unsigned kind = play_pick(4);
	gss_any_t any = NULL;
	OM_uint32 major = 0, unused;

	play_call(kind < 2 ? "get_name_attribute" : kind == 2 ? "set_name_attribute" : "delete_name_attribute");
	name = play_name_source("");
	wanted = attributes[play_pick(NUM_OF(attributes))];
	play_say_bytes("attribute", &wanted);
	switch (kind) {
	case 0:
	case 1:
		major = gss_get_name_attribute(play_minor(), *name, &wanted, &authenticated, &complete, &value, &shown, &more);
		play_said(major);
		play_say(" %d %d %d", authenticated, complete, more);
		play_say(" value %d shown %d", value.length != 0, shown.length != 0);
		gss_release_buffer(&unused, &value);
		gss_release_buffer(&unused, &shown);
		return;
	case 2:
		value = attributes[play_pick(NUM_OF(attributes))];
		major = gss_set_name_attribute(play_minor(), *name, (int)play_pick(2), &wanted, &value);
		break;
	case 3:
		major = gss_delete_name_attribute(play_minor(), *name, &wanted);
		break;
	}
	play_said(major);
	play_call("map_name_to_any");
	major = gss_map_name_to_any(play_minor(), *name, (int)play_pick(2), &wanted, &any);
	play_said(major);
	play_call("release_any_name_mapping");
	major = gss_release_any_name_mapping(play_minor(), *name, &wanted, &any);
	play_said(major);
}

static void
account(void)
{
	gss_name_t *name;
	gss_OID mech;
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	uid_t uid = 0;
	OM_uint32 major, unused;

	play_call("localname");
	name = play_name_source("");
	mech = play_mech("mech");
	major = gss_localname(play_minor(), *name, mech, &text);
	play_said(major);
	play_say_bytes("text", &text);
	gss_release_buffer(&unused, &text);
	play_call("pname_to_uid");
	major = gss_pname_to_uid(play_minor(), *name, mech, &uid);
	play_said(major);
	play_say(" uid %d", (int)uid);
}

static void
authorize(void)
{
	static const char *const users[] = {"root", "alice", "", "nobody", "nobody-here"};
	gss_name_t *name, *user;
	const char *user_name;
	OM_uint32 major;

	play_call("authorize_localname");
	name = play_name_source("");
	user = play_name_source("as");
	major = gss_authorize_localname(play_minor(), *name, *user);
	play_said(major);
	play_call("userok");
	user_name = users[play_pick(NUM_OF(users))];
	play_say(" as %s: %d", user_name, gss_userok(*name, user_name));
}

static void
mechs_for(void)
{
	gss_name_t *name;
	gss_OID_set set = GSS_C_NO_OID_SET;
	OM_uint32 major, unused;

	play_call("inquire_mechs_for_name");
	name = play_name_source("");
	major = gss_inquire_mechs_for_name(play_minor(), *name, play_rarely() ? NULL : &set);
	play_said(major);
	play_say_oids("mechs", set);
	gss_release_oid_set(&unused, &set);
}

static void
release(void)
{
	gss_name_t *name;
	OM_uint32 major;

	play_call("release_name");
	name = play_name_source("");
	major = gss_release_name(play_minor(), play_rarely() ? NULL : name);
	play_said(major);
	play_say(" %s", *name == GSS_C_NO_NAME ? "gone" : "there");
}

const struct play_op play_names[] = {
    {"import", import},		{"import-token", import_token}, {"canonicalize", canonicalize},
    {"compare", compare},	{"duplicate", duplicate},	{"display", display},
    {"display-as", display_as}, {"export-name", export},	{"inquire-name", inquire},
    {"attribute", attribute},	{"account", account},		{"authorize", authorize},
    {"mechs-for", mechs_for},	{"release-name", release},	{NULL, NULL},
};
