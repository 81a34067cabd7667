/* What needs no handle: OIDs, sets, framing, mechanisms and their attributes, texts of statuses. */
#include <stdlib.h>
#include <string.h>

#include "play.h"

#define TEXT(literal) PLAY_BYTES(sizeof(literal) - 1, literal)

static gss_OID_set oids_at[2];
static gss_buffer_set_t buffers_at[2];

static void
oid_text(void)
{
	static const gss_OID_desc odd[] = {
	    PLAY_BYTES(2, "\x80\x01"),
	    PLAY_BYTES(1, "\x80"),
	    PLAY_BYTES(1, "\x2a"),
	    PLAY_BYTES(6, "\x2a\x8f\xff\xff\xff\x7f"),
	    PLAY_BYTES(11, "\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
	    PLAY_BYTES(2, "\x88\x37"),
	    PLAY_BYTES(3, "\x2a\x80\x01"),
	    PLAY_BYTES(1, "\x7f"),
	    PLAY_BYTES(1, "\x00"),
	    PLAY_BYTES(2, "\x2a\x80"),
	    PLAY_BYTES(7, "\x2a\x90\x80\x80\x80\x00\x01"),
	};
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	gss_OID oid;
	OM_uint32 major, unused;
	unsigned number;

	play_call("oid_to_str");
	number = play_pick(NUM_OF(odd) + 8);
	if (number < NUM_OF(odd)) {
		oid = (gss_OID)&odd[number];
		play_say_oid("oid", oid);
	} else {
		oid = play_type("oid");
	}
	major = gss_oid_to_str(play_minor(), oid, &text);
	play_said(major);
	play_say_bytes("text", &text);
	gss_release_buffer(&unused, &text);
}

static void
text_oid(void)
{
	static const gss_buffer_desc odd[] = {
	    TEXT("{ 1 2 840 113554 1 2 2 }"),
	    TEXT("1.2.840.113554.1.2.2"),
	    TEXT("1 2 840"),
	    TEXT("{1 2 840}"),
	    TEXT("{ 1 2 840 }\0"),
	    TEXT("{ 1 2 840"),
	    TEXT("1 2 840 }"),
	    TEXT("{ }"),
	    TEXT("{ 1 }"),
	    TEXT("1"),
	    TEXT(""),
	    TEXT("{ 2 999 3 }"),
	    TEXT("3 1 2"),
	    TEXT("{ 1 40 1 }"),
	    TEXT("0 0"),
	    TEXT("0 39 1"),
	    TEXT("{ 1 2 4294967295 }"),
	    TEXT("{ 1 2 4294967296 }"),
	    TEXT("1 2 -3"),
	    TEXT("{\t1\n2  840 }"),
	    TEXT("1 2 x"),
	    TEXT("1 2 840\0junk"),
	    TEXT("1 2 18446744073709551616"),
	    TEXT("2 48 1"),
	    TEXT("2 4294967295"),
	    TEXT("1..2"),
	    TEXT("1.2."),
	    TEXT(".1.2"),
	    TEXT("{ 1 2 } 3"),
	    TEXT("  { 1 3 6 }  "),
	    TEXT("{ 01 002 3 }"),
	    {0, NULL},
	};
	gss_OID oid = GSS_C_NO_OID;
	gss_buffer_desc text;
	OM_uint32 major;

	play_call("str_to_oid");
	text = odd[play_pick(NUM_OF(odd))];
	play_say_bytes("", &text);
	major = gss_str_to_oid(play_minor(), play_rarely() ? NULL : &text, &oid);
	play_said(major);
	play_say_oid("oid", oid);
	play_call("release_oid");
	major = gss_release_oid(play_minor(), &oid);
	play_said(major);
	play_say_oid("oid", oid);
}

static void
equal(void)
{
	gss_OID a, b;

	play_call("oid_equal");
	a = play_mech("");
	b = play_mech("and");
	play_say(" = %d", gss_oid_equal(a, b));
}

static void
oid_set(void)
{
	unsigned number = play_pick(2), kind = play_pick(6);
	gss_OID_set *set = &oids_at[number];
	gss_OID oid;
	OM_uint32 major;
	int present = 0;

	switch (kind) {
	case 0:
		play_call("create_empty_oid_set");
		gss_release_oid_set(&play_minor_said, set);
		major = gss_create_empty_oid_set(play_minor(), play_rarely() ? NULL : set);
		break;
	case 1:
	case 2:
		play_call("add_oid_set_member");
		oid = play_mech("");
		major = gss_add_oid_set_member(play_minor(), oid, play_rarely() ? NULL : set);
		break;
	case 3:
	case 4:
		play_call("test_oid_set_member");
		oid = play_mech("");
		major = gss_test_oid_set_member(play_minor(), oid, *set, play_rarely() ? NULL : &present);
		break;
	default:
		play_call("release_oid_set");
		major = gss_release_oid_set(play_minor(), play_rarely() ? NULL : set);
	}
	play_said(major);
	play_say_oids("set", *set);
	play_say(" present %d", present);
}

static void
buffer_set(void)
{
	static const gss_buffer_desc members[] = {TEXT("some"), TEXT(""), {0, NULL}};
	gss_buffer_set_t *set = &buffers_at[play_pick(2)];
	gss_buffer_desc member;
	OM_uint32 major;

	switch (play_pick(4)) {
	case 0:
		play_call("create_empty_buffer_set");
		gss_release_buffer_set(&play_minor_said, set);
		major = gss_create_empty_buffer_set(play_minor(), set);
		break;
	case 3:
		play_call("release_buffer_set");
		major = gss_release_buffer_set(play_minor(), play_rarely() ? NULL : set);
		break;
	default:
		play_call("add_buffer_set_member");
		member = members[play_pick(NUM_OF(members))];
		play_say_bytes("", &member);
		major = gss_add_buffer_set_member(play_minor(), &member, set);
	}
	play_said(major);
	if (*set == GSS_C_NO_BUFFER_SET) {
		play_say(" none");
		return;
	}
	for (size_t i = 0; i < (*set)->count; i++)
		play_say_bytes("", &(*set)->elements[i]);
}

static void
framing(void)
{
	bool is_back = play_pick(2);
	gss_buffer_desc in, out = GSS_C_EMPTY_BUFFER, *place;
	gss_OID oid;
	OM_uint32 major, unused;

	play_call(is_back ? "decapsulate_token" : "encapsulate_token");
	place = play_bytes_place("from");
	in = play_alter("token", place, is_back ? 12 : 1);
	oid = play_mech("oid");
	major = (is_back ? gss_decapsulate_token : gss_encapsulate_token)(&in, oid, &out);
	play_said(major);
	play_say_bytes("token", &out);
	if (major == GSS_S_COMPLETE)
		play_put_bytes(place, &out);
	free(in.value);
	gss_release_buffer(&unused, &out);
}

static void
mechs(void)
{
	gss_OID_set set = GSS_C_NO_OID_SET;
	OM_uint32 major, unused;

	play_call("indicate_mechs");
	major = gss_indicate_mechs(play_minor(), play_rarely() ? NULL : &set);
	play_said(major);
	play_say_oids("mechs", set);
	gss_release_oid_set(&unused, &set);
}

/* Attributes of RFC 5587, and some that are none. */
static gss_OID
attribute(void)
{
	static gss_OID_desc oids[30];
	static uint8_t bytes[NUM_OF(oids)][7];
	unsigned number = play_pick(NUM_OF(oids) + 2);

	if (number == NUM_OF(oids))
		return (gss_OID)GSS_C_MA_NEGOEX_AND_SPNEGO;
	if (number > NUM_OF(oids))
		return gss_mech_krb5;
	memcpy(bytes[number], "\x2b\x06\x01\x05\x05\x0d", 6);
	bytes[number][6] = (uint8_t)number;
	oids[number] = (gss_OID_desc){7, bytes[number]};
	return &oids[number];
}

static gss_OID_set
attributes(const char *what, size_t slot)
{
	static gss_OID_desc members[3][2];
	static gss_OID_set_desc sets[3];

	play_say(" %s", what);
	sets[slot] = (gss_OID_set_desc){play_pick(3), members[slot]};
	for (size_t i = 0; i < sets[slot].count; i++) {
		members[slot][i] = *attribute();
		play_say_oid("", &members[slot][i]);
	}
	if (sets[slot].count == 0 && play_pick(2))
		return GSS_C_NO_OID_SET;
	return &sets[slot];
}

static void
by_attributes(void)
{
	gss_OID_set found = GSS_C_NO_OID_SET, desired, except, critical;
	OM_uint32 major, unused;

	play_call("indicate_mechs_by_attrs");
	desired = attributes("desired", 0);
	except = attributes("except", 1);
	critical = attributes("critical", 2);
	major = gss_indicate_mechs_by_attrs(play_minor(), desired, except, critical, play_rarely() ? NULL : &found);
	play_said(major);
	play_say_oids("mechs", found);
	gss_release_oid_set(&unused, &found);
}

static void
attributes_of(void)
{
	gss_OID mech;
	gss_OID_set has = GSS_C_NO_OID_SET, knows = GSS_C_NO_OID_SET;
	OM_uint32 major, unused;
	bool no_has, no_knows;

	play_call("inquire_attrs_for_mech");
	mech = play_mech("mech");
	no_has = play_rarely();
	no_knows = play_rarely();
	major = gss_inquire_attrs_for_mech(play_minor(), mech, no_has ? NULL : &has, no_knows ? NULL : &knows);
	play_said(major);
	play_say_oids("has", has);
	play_say_oids("knows", knows);
	gss_release_oid_set(&unused, &has);
	gss_release_oid_set(&unused, &knows);
}

static void
attribute_text(void)
{
	gss_OID oid;
	gss_buffer_desc name = GSS_C_EMPTY_BUFFER, brief = GSS_C_EMPTY_BUFFER, full = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, unused;
	bool no_name, no_brief;

	play_call("display_mech_attr");
	oid = attribute();
	play_say_oid("", oid);
	no_name = play_rarely();
	no_brief = play_rarely();
	major = gss_display_mech_attr(play_minor(), play_rarely() ? NULL : oid, no_name ? NULL : &name,
				      no_brief ? NULL : &brief, &full);
	play_said(major);
	play_say_bytes("name", &name);
	/* Sentences for people are each library's own. */
	play_say(" short %d long %d", brief.length != 0, full.length != 0);
	gss_release_buffer(&unused, &name);
	gss_release_buffer(&unused, &brief);
	gss_release_buffer(&unused, &full);
}

static void
names_for(void)
{
	gss_OID mech;
	gss_OID_set set = GSS_C_NO_OID_SET;
	OM_uint32 major, unused;

	play_call("inquire_names_for_mech");
	mech = play_mech("mech");
	major = gss_inquire_names_for_mech(play_minor(), mech, play_rarely() ? NULL : &set);
	play_said(major);
	play_say_oids("types", set);
	gss_release_oid_set(&unused, &set);
}

static void
sasl_name(void)
{
	gss_OID mech;
	gss_buffer_desc sasl = GSS_C_EMPTY_BUFFER, name = GSS_C_EMPTY_BUFFER, text = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, unused;
	bool no_sasl, no_name;

	play_call("inquire_saslname_for_mech");
	mech = play_mech("mech");
	no_sasl = play_rarely();
	no_name = play_rarely();
	major = gss_inquire_saslname_for_mech(play_minor(), mech, no_sasl ? NULL : &sasl, no_name ? NULL : &name, &text);
	play_said(major);
	play_say_bytes("SASL", &sasl);
	play_say_bytes("name", &name);
	play_say_bytes("text", &text);
	gss_release_buffer(&unused, &sasl);
	gss_release_buffer(&unused, &name);
	gss_release_buffer(&unused, &text);
}

static void
sasl_mech(void)
{
	static const gss_buffer_desc names[] = {
	    TEXT("GS2-KRB5"),	     TEXT("SPNEGO"), TEXT("GS2-IAKERB"), TEXT("gs2-krb5"),
	    TEXT("GS2-KRB5-PLUS"),   TEXT("GSSAPI"), TEXT(""),		 TEXT("GS2-KRB5\0"),
	    TEXT("GS2-T7KSXUQV4LJ"), TEXT("GS2-"),   {0, NULL},
	};
	gss_buffer_desc name;
	gss_OID mech = GSS_C_NO_OID;
	OM_uint32 major;

	play_call("inquire_mech_for_saslname");
	name = names[play_pick(NUM_OF(names))];
	play_say_bytes("", &name);
	major = gss_inquire_mech_for_saslname(play_minor(), play_rarely() ? NULL : &name, play_rarely() ? NULL : &mech);
	play_said(major);
	play_say_oid("mech", mech);
}

static void
status_text(void)
{
	static const OM_uint32 bits[] = {0, 1, 2, 4, 8, 16, 31, 32, 0x8000};
	static const OM_uint32 codes[] = {0,	    2,	      22,	  100001,     2529638943, 2529638946,
					  39756032, 39756033, 2249944328, 2249944320, 4711,	  0xffffffff};
	OM_uint32 major, unused, status, context = 0;
	int type = (int[]){GSS_C_GSS_CODE, GSS_C_MECH_CODE, GSS_C_GSS_CODE, 3}[play_pick(4)];
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	gss_OID mech;
	bool is_whole;

	if (type == GSS_C_MECH_CODE)
		status = codes[play_pick(NUM_OF(codes))];
	else
		status = play_pick(5) << 24 | play_pick(24) << 16 | bits[play_pick(NUM_OF(bits))];
	play_call("display_status");
	play_say(" %08x type %d", status, type);
	mech = play_mech("mech");
	if (play_pick(8) == 7)
		context = play_pick(9);
	is_whole = context == 0;
	play_say(" from %u", context);
	for (int i = 0; i < 8; i++) {
		major = gss_display_status(play_minor(), status, type, mech, &context, &text);
		play_said(major);
		play_say_bytes("text", &text);
		play_say(" then %u", context);
		gss_release_buffer(&unused, &text);
		/* Who began in the middle may be told the same for ever. */
		if (major != GSS_S_COMPLETE || context == 0 || !is_whole)
			break;
		play_call("display_status");
	}
}

static void
invoke(void)
{
	static const gss_OID_desc objects[] = {
	    PLAY_BYTES(11, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x09"),
	    PLAY_BYTES(11, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x63"),
	    PLAY_BYTES(3, "\x2a\x03\x04"),
	    PLAY_BYTES(0, ""),
	};
	gss_buffer_desc value = GSS_C_EMPTY_BUFFER;
	gss_OID mech;
	OM_uint32 major;
	unsigned number;

	play_call("mech_invoke");
	mech = play_mech("mech");
	number = play_pick(NUM_OF(objects));
	play_say(" object %u", number);
	major = gssspi_mech_invoke(play_minor(), mech, (gss_OID)&objects[number], &value);
	play_said(major);
}

static void
release_buffer(void)
{
	gss_buffer_desc buffer = GSS_C_EMPTY_BUFFER;
	OM_uint32 major;

	play_call("release_buffer");
	major = gss_release_buffer(play_minor(), play_rarely() ? NULL : &buffer);
	play_said(major);
}

const struct play_op play_mechs[] = {
    {"oid-text", oid_text},
    {"text-oid", text_oid},
    {"equal", equal},
    {"oid-set", oid_set},
    {"buffer-set", buffer_set},
    {"framing", framing},
    {"mechs", mechs},
    {"by-attributes", by_attributes},
    {"attributes-of", attributes_of},
    {"attribute-text", attribute_text},
    {"names-for", names_for},
    {"sasl-name", sasl_name},
    {"sasl-mech", sasl_mech},
    {"status-text", status_text},
    {"invoke", invoke},
    {"release-buffer", release_buffer},
    {NULL, NULL},
};
