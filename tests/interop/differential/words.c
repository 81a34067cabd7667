/* Choices that several operations make, and what is told of values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "play.h"

static const struct {
	const char *name;
	gss_OID_desc oid;
} known[] = {
    {"krb5", PLAY_BYTES(9, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02")},
    {"SPNEGO", PLAY_BYTES(6, "\x2b\x06\x01\x05\x05\x02")},
    {"old-krb5", PLAY_BYTES(5, "\x2b\x05\x01\x05\x02")},
    {"wrong-krb5", PLAY_BYTES(9, "\x2a\x86\x48\x82\xf7\x12\x01\x02\x02")},
    {"IAKERB", PLAY_BYTES(6, "\x2b\x06\x01\x05\x02\x05")},
    {"user", PLAY_BYTES(10, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x01")},
    {"service", PLAY_BYTES(10, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04")},
    {"principal", PLAY_BYTES(10, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01")},
    {"exported", PLAY_BYTES(6, "\x2b\x06\x01\x05\x06\x04")},
    {"service-x", PLAY_BYTES(6, "\x2b\x06\x01\x05\x06\x02")},
    {"machine-uid", PLAY_BYTES(10, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x02")},
    {"string-uid", PLAY_BYTES(10, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x03")},
    {"anonymous", PLAY_BYTES(6, "\x2b\x06\x01\x05\x06\x03")},
    {"composite", PLAY_BYTES(6, "\x2b\x06\x01\x05\x06\x06")},
    {"enterprise", PLAY_BYTES(10, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x06")},
    {"x509", PLAY_BYTES(10, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x07")},
    {"old-principal", PLAY_BYTES(10, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x02")},
    {"no-oid-of-ours", PLAY_BYTES(3, "\x2a\x03\x04")},
    {"empty", PLAY_BYTES(0, "")},
    {"cut", PLAY_BYTES(2, "\x2a\x86")},
};

enum { NUM_MECHS = 5, FIRST_TYPE = 5, NUM_KNOWN = NUM_OF(known), NUM_TYPES = NUM_KNOWN - 2 - FIRST_TYPE };

gss_OID
play_mech(const char *what)
{
	/* krb5 and SPNEGO most often. */
	static const unsigned char numbers[] = {0, 1, 0, 1, 0, 1, 255, 2, 3, 4, NUM_KNOWN - 3, NUM_KNOWN - 2, 5, 0, 1};
	unsigned number = numbers[play_pick(NUM_OF(numbers))];
	gss_OID oid = number == 255 ? GSS_C_NO_OID : (gss_OID)&known[number].oid;

	play_say_oid(what, oid);
	return oid;
}

gss_OID_set
play_oids(const char *what)
{
	static gss_OID_desc members[3];
	static gss_OID_set_desc set = {0, members};
	unsigned kind = play_pick(8);

	set.count = kind == 0 ? 0 : 1 + (kind > 4) + (kind == 7);
	for (size_t i = 0; i < set.count; i++)
		members[i] = known[play_pick(5) == 4 ? NUM_KNOWN - 3 : play_pick(NUM_MECHS)].oid;
	if (kind == 0 && play_pick(8) != 7) {
		play_say(" %s none", what);
		return GSS_C_NO_OID_SET;
	}
	play_say_oids(what, &set);
	return &set;
}

gss_OID
play_type(const char *what)
{
	unsigned number = play_pick(NUM_TYPES + 2);
	gss_OID oid = NULL;

	if (number < NUM_TYPES)
		oid = (gss_OID)&known[FIRST_TYPE + number].oid;
	else if (number == NUM_TYPES + 1)
		oid = (gss_OID)&known[0].oid;
	play_say_oid(what, oid);
	return oid;
}

OM_uint32 *
play_minor(void)
{
	if (!play_rarely())
		return &play_minor_said;
	play_say(" no-minor");
	return NULL;
}

OM_uint32
play_lifetime(const char *what)
{
	static const OM_uint32 times[] = {0, GSS_C_INDEFINITE, 1, 600, 86400, 864000, 0x7fffffff, 0x80000000, 0xfffffffe};
	OM_uint32 seconds = play_pick(2) == 0 ? 0 : times[play_pick(NUM_OF(times))];

	play_say(" %s %x", what, seconds);
	return seconds;
}

gss_buffer_desc
play_alter(const char *what, const gss_buffer_desc *from, unsigned odds)
{
	gss_buffer_desc to = {from->length, calloc(1, from->length + 16)};
	unsigned kind = play_pick(odds), at = play_pick(64);
	uint8_t *bytes = to.value;

	if (from->length != 0)
		memcpy(bytes, from->value, from->length);
	if (kind == 0 || kind > 8)
		return to;
	play_say(" %s", what);
	switch (kind) {
	case 1: /* the first few */
		to.length = at < to.length ? at : to.length;
		play_say(" begins %u", at);
		break;
	case 2: /* without the last */
		at = 1 + at % 16;
		to.length -= at < to.length ? at : to.length;
		play_say(" without %u", at);
		break;
	case 3:
	case 4:
		if (at < to.length)
			bytes[at] ^= 1 << kind;
		play_say(" changed at %u", at);
		break;
	case 5:
		if (at < to.length)
			bytes[to.length - 1 - at] ^= 0x10;
		play_say(" changed at -%u", at + 1);
		break;
	case 6:
		at = 1 + at % 16;
		memset(bytes + to.length, 0x5a, at);
		to.length += at;
		play_say(" with %u more", at);
		break;
	case 7:
		to.length = 0;
		play_say(" empty");
		break;
	case 8:
		if (at < to.length)
			bytes[at] = play_pick(2) ? 0xff : 0;
		play_say(" set at %u", at);
		break;
	}
	return to;
}

/* ---- telling ---- */

static void
say_dotted(gss_const_OID oid)
{
	const uint8_t *bytes = oid->elements;

	play_say("#");
	for (OM_uint32 i = 0; i < oid->length; i++)
		play_say("%02x", bytes[i]);
}

void
play_say_oid(const char *what, gss_const_OID oid)
{
	play_say(" %s ", what);
	if (oid == NULL) {
		play_say("NULL");
		return;
	}
	for (size_t i = 0; i < NUM_KNOWN; i++) {
		if (known[i].oid.length == oid->length && memcmp(known[i].oid.elements, oid->elements, oid->length) == 0) {
			play_say("%s", known[i].name);
			return;
		}
	}
	say_dotted(oid);
}

void
play_say_oids(const char *what, gss_const_OID_set set)
{
	play_say(" %s", what);
	if (set == NULL) {
		play_say(" none");
		return;
	}
	play_say(" {");
	for (size_t i = 0; i < set->count; i++)
		play_say_oid("", &set->elements[i]);
	play_say(" }");
}

void
play_say_bytes(const char *what, const gss_buffer_desc *bytes)
{
	const uint8_t *p = bytes->value;
	bool is_text = true;

	play_say(" %s ", what);
	if (p == NULL) {
		play_say(bytes->length == 0 ? "none" : "NULL of %zu", bytes->length);
		return;
	}
	for (size_t i = 0; i < bytes->length; i++)
		is_text = is_text && p[i] >= ' ' && p[i] < 0x7f;
	if (bytes->length > 400) {
		play_say("%zu bytes", bytes->length);
	} else if (is_text) {
		play_say("'%.*s'", (int)bytes->length, (const char *)p);
	} else {
		play_say("x");
		for (size_t i = 0; i < bytes->length; i++)
			play_say("%02x", p[i]);
	}
}

void
play_said(OM_uint32 major)
{
	OM_uint32 context = 0, unused;
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;

	/* Numbers from 100001 on stand for others. */
	play_say(" = %08x %u", major, play_minor_said);
	if (GSS_ERROR(major) && play_minor_said != 0) {
		gss_display_status(&unused, play_minor_said, GSS_C_MECH_CODE, GSS_C_NO_OID, &context, &text);
		for (size_t i = 0; i < text.length; i++)
			if (((char *)text.value)[i] == '\n')
				((char *)text.value)[i] = ' ';
		play_say(" <%.*s>", (int)text.length, text.value != NULL ? (char *)text.value : "");
		gss_release_buffer(&unused, &text);
	} else {
		play_say(" <>");
	}
}

void
play_say_name(const char *what, gss_name_t name)
{
	OM_uint32 major, minor;
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	gss_OID type = GSS_C_NO_OID;

	if (name == GSS_C_NO_NAME) {
		play_say(" %s none", what);
		return;
	}
	major = gss_display_name(&minor, name, &text, &type);
	if (major != GSS_S_COMPLETE) {
		play_say(" %s unreadable %08x", what, major);
		return;
	}
	play_say_bytes(what, &text);
	play_say_oid("of type", type);
	gss_release_buffer(&minor, &text);
}

void
play_say_lifetime(const char *what, OM_uint32 seconds)
{
	if (seconds == GSS_C_INDEFINITE)
		play_say(" %s for ever", what);
	else
		play_say(" %s %us", what, seconds);
}

void
play_say_set(gss_buffer_set_t *set)
{
	OM_uint32 unused;

	play_say(" set");
	if (*set == GSS_C_NO_BUFFER_SET) {
		play_say(" none");
		return;
	}
	for (size_t i = 0; i < (*set)->count; i++)
		play_say_bytes("", &(*set)->elements[i]);
	gss_release_buffer_set(&unused, set);
}

/* ---- places ---- */

/* Rather one that is filled. */
static unsigned
pick_filled(const void *const *places, unsigned num)
{
	unsigned number = play_pick(num);

	for (unsigned i = 0; i < num && places[number] == NULL; i++)
		number = (number + 1) % num;
	return number;
}

gss_name_t *
play_name_source(const char *what)
{
	unsigned number = pick_filled((const void *const *)play_name_at, NUM_NAMES);

	play_say(" %s %u", what, number);
	return &play_name_at[number];
}

gss_cred_id_t *
play_cred_source(const char *what)
{
	unsigned number = play_pick(8) == 7 ? play_pick(NUM_CREDS) : pick_filled((const void *const *)play_cred_at, NUM_CREDS);

	play_say(" %s %u", what, number);
	return &play_cred_at[number];
}

gss_name_t *
play_name_place(const char *what)
{
	unsigned number = play_pick(NUM_NAMES);

	play_say(" %s %u", what, number);
	return &play_name_at[number];
}

gss_cred_id_t *
play_cred_place(const char *what)
{
	unsigned number = play_pick(NUM_CREDS);

	play_say(" %s %u", what, number);
	return &play_cred_at[number];
}

gss_buffer_desc *
play_bytes_place(const char *what)
{
	unsigned number = play_pick(NUM_BYTES);

	play_say(" %s %u", what, number);
	return &play_bytes_at[number];
}

gss_ctx_id_t *
play_ctx_place(unsigned *pair, unsigned *side)
{
	const void *places[NUM_PAIRS];

	for (size_t i = 0; i < NUM_PAIRS; i++)
		places[i] = play_pairs[i].ctx[0] != GSS_C_NO_CONTEXT ? play_pairs[i].ctx[0] : play_pairs[i].ctx[1];
	*pair = play_pick(12) == 11 ? play_pick(NUM_PAIRS) : pick_filled(places, NUM_PAIRS);
	*side = play_pick(2);
	play_say(" context %u%s", *pair, *side == 0 ? "i" : "a");
	return &play_pairs[*pair].ctx[*side];
}

void
play_put_name(gss_name_t *place, gss_name_t name)
{
	OM_uint32 unused;

	gss_release_name(&unused, place);
	*place = name;
}

void
play_put_cred(gss_cred_id_t *place, gss_cred_id_t cred)
{
	OM_uint32 unused;

	gss_release_cred(&unused, place);
	*place = cred;
}

void
play_put_bytes(gss_buffer_desc *place, const gss_buffer_desc *bytes)
{
	free(place->value);
	*place = (gss_buffer_desc){bytes->length, malloc(bytes->length + 1)};
	if (bytes->length != 0)
		memcpy(place->value, bytes->value, bytes->length);
}
