/* Contexts are established: both ends in this process, step by step or as a whole, with tokens altered and crossed. */
#include <stdlib.h>
#include <string.h>

#include "play.h"

enum { MAX_LEGS = 12 };

static const struct {
	const char *text;
	bool is_principal;
} targets[] = {
    {"host@server.baton.test", false},	{"enc17@server.baton.test", false},  {"enc18@server.baton.test", false},
    {"enc19@server.baton.test", false}, {"enc20@server.baton.test", false},  {"enc23@server.baton.test", false},
    {"enc16@server.baton.test", false}, {"enc25@server.baton.test", false},  {"HTTP@server.baton.test", false},
    {"plain@server.baton.test", false}, {"nosuch@server.baton.test", false}, {"host/server.baton.test@BATON.TEST", true},
    {"alice@BATON.TEST", true},		{"host/server@ELSEWHERE", true},
};

static struct gss_channel_bindings_struct bindings[] = {
    {0},
    {GSS_C_AF_UNSPEC, {0, NULL}, GSS_C_AF_UNSPEC, {0, NULL}, PLAY_BYTES(5, "bound")},
    {GSS_C_AF_UNSPEC, {0, NULL}, GSS_C_AF_UNSPEC, {0, NULL}, PLAY_BYTES(5, "other")},
    {GSS_C_AF_INET, PLAY_BYTES(4, "\x7f\0\0\1"), GSS_C_AF_INET, PLAY_BYTES(4, "\x7f\0\0\2"), PLAY_BYTES(5, "bound")},
    {0, {0, NULL}, 0, {0, NULL}, {0, NULL}},
};

/* A token's shape: its tags, OIDs and small numbers, not its lengths and secrets. */
static void
say_shape(const uint8_t *at, size_t len, int depth)
{
	while (len >= 2 && depth < 12) {
		uint8_t tag = at[0];
		size_t head = 2, size = at[1];

		if (size & 0x80) {
			unsigned count = size & 0x7f;

			if (count == 0 || count > 3 || len < 2 + count)
				break;
			for (size = 0; head < 2 + count; head++)
				size = size << 8 | at[head];
		}
		if (size > len - head)
			break;
		play_say("%02x", tag);
		if (tag == 0x60 && size > 2 && at[head] == 0x06) {
			/* RFC 2743 §3.1: what follows the OID is the mechanism's. */
			size_t oid_len = at[head + 1];
			gss_OID_desc oid = {(OM_uint32)oid_len, (void *)(at + head + 2)};

			if (oid_len + 2 > size)
				break;
			play_say_oid("", &oid);
			play_say(" ");
			if (oid_len != 6)
				play_say("%02x%02x ", at[head + oid_len + 2], at[head + oid_len + 3]);
			head += 2 + oid_len + (oid_len != 6 ? 2 : 0);
			size -= 2 + oid_len + (oid_len != 6 ? 2 : 0);
			say_shape(at + head, size, depth + 1);
			return;
		}
		if (tag & 0x20) {
			play_say("(");
			say_shape(at + head, size, depth + 1);
			play_say(")");
		} else if (tag == 0x0a || tag == 0x03 || tag == 0x06) {
			play_say(":");
			for (size_t i = 0; i < size && i < 12; i++)
				play_say("%02x", at[head + i]);
		}
		at += head + size;
		len -= head + size;
	}
}

static void
say_token(const gss_buffer_desc *token)
{
	play_say(" token ");
	if (token->length == 0)
		play_say("none");
	else
		say_shape(token->value, token->length, 0);
}

/* ---- choices ---- */

static void
drop(struct play_pair *pair)
{
	OM_uint32 unused;

	for (int side = 0; side < 2; side++) {
		gss_delete_sec_context(&unused, &pair->ctx[side], NULL);
		gss_release_buffer(&unused, &pair->token[side]);
	}
	gss_release_name(&unused, &pair->target);
	*pair = (struct play_pair){0};
}

static unsigned
pick_binding(void)
{
	return play_pick(3) == 2 ? play_pick(NUM_OF(bindings)) : 0;
}

static struct play_pair *
pick_pair(void)
{
	unsigned number = play_pick(NUM_PAIRS);

	play_say(" pair %u", number);
	return &play_pairs[number];
}

static struct play_pair *
begin(void)
{
	/* Who asks for GSS_C_CHANNEL_BOUND_FLAG gets bindings that an acceptor must have; there the configuration says that. */
	static const OM_uint32 flags[] = {
	    GSS_C_MUTUAL_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG,
	    0,
	    GSS_C_MUTUAL_FLAG,
	    GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG,
	    GSS_C_SEQUENCE_FLAG,
	    GSS_C_REPLAY_FLAG,
	    GSS_C_DELEG_FLAG,
	    GSS_C_DELEG_FLAG | GSS_C_MUTUAL_FLAG,
	    GSS_C_DCE_STYLE | GSS_C_MUTUAL_FLAG,
	    GSS_C_DCE_STYLE,
	    GSS_C_ANON_FLAG,
	    GSS_C_IDENTIFY_FLAG,
	    GSS_C_EXTENDED_ERROR_FLAG,
	    GSS_C_DELEG_POLICY_FLAG,
	    GSS_C_PROT_READY_FLAG | GSS_C_TRANS_FLAG,
	    0xffffffff & ~(GSS_C_DCE_STYLE | GSS_C_CHANNEL_BOUND_FLAG),
	    GSS_C_CONF_FLAG,
	    GSS_C_INTEG_FLAG,
	    GSS_C_DCE_STYLE | 0x3f,
	};
	struct play_pair *pair;
	gss_buffer_desc text;
	OM_uint32 unused;

	play_call("pair");
	pair = pick_pair();
	drop(pair);
	pair->mech = play_mech("mech");
	pair->target_number = play_pick(NUM_OF(targets));
	pair->flags = flags[play_pick(NUM_OF(flags))] | (play_pick(4) == 3 ? flags[play_pick(NUM_OF(flags))] : 0);
	pair->lifetime_s = play_lifetime("time");
	pair->bindings[0] = pick_binding();
	pair->bindings[1] = play_pick(3) == 2 ? pick_binding() : pair->bindings[0];
	pair->cred[0] = play_pick(3) == 2 ? play_pick(NUM_CREDS) : NUM_CREDS;
	pair->cred[1] = play_pick(3) == 2 ? play_pick(NUM_CREDS) : NUM_CREDS;
	text = (gss_buffer_desc){strlen(targets[pair->target_number].text), (char *)targets[pair->target_number].text};
	gss_import_name(&unused, &text,
			targets[pair->target_number].is_principal ? (gss_OID)GSS_KRB5_NT_PRINCIPAL_NAME
								  : GSS_C_NT_HOSTBASED_SERVICE,
			&pair->target);
	play_say(" target %s flags %x bindings %u %u creds %u %u", (char *)text.value, pair->flags, pair->bindings[0],
		 pair->bindings[1], pair->cred[0], pair->cred[1]);
	return pair;
}

static gss_channel_bindings_t
bindings_of(const struct play_pair *pair, int side)
{
	return pair->bindings[side] == 0 ? GSS_C_NO_CHANNEL_BINDINGS : &bindings[pair->bindings[side]];
}

static gss_cred_id_t
cred_of(const struct play_pair *pair, int side)
{
	return pair->cred[side] < NUM_CREDS ? play_cred_at[pair->cred[side]] : GSS_C_NO_CREDENTIAL;
}

/* ---- steps ---- */

/* What the other side is to read; a token that nobody read yet is lost. */
static void
pass(struct play_pair *pair, int from, gss_buffer_desc *token)
{
	OM_uint32 unused;

	gss_release_buffer(&unused, &pair->token[from]);
	if (token->length != 0) {
		gss_release_buffer(&unused, &pair->token[!from]);
		pair->token[!from] = *token;
	}
}

static bool
init(struct play_pair *pair, unsigned odds)
{
	gss_buffer_desc in, out = GSS_C_EMPTY_BUFFER;
	gss_OID mech = GSS_C_NO_OID;
	OM_uint32 major, flags = 0, time_s = 0;
	bool has_token = pair->token[0].length != 0;

	play_call("init_sec_context");
	in = play_alter("token", &pair->token[0], odds);
	if (odds > 1 && play_rarely()) {
		play_say(" without outputs");
		major = gss_init_sec_context(play_minor(), cred_of(pair, 0), &pair->ctx[0], pair->target, pair->mech,
					     pair->flags, pair->lifetime_s, bindings_of(pair, 0),
					     has_token ? &in : GSS_C_NO_BUFFER, NULL, &out, NULL, NULL);
	} else {
		major = gss_init_sec_context(play_minor(), cred_of(pair, 0), &pair->ctx[0], pair->target, pair->mech,
					     pair->flags, pair->lifetime_s, bindings_of(pair, 0),
					     has_token ? &in : GSS_C_NO_BUFFER, &mech, &out, &flags, &time_s);
	}
	free(in.value);
	play_said(major);
	say_token(&out);
	if (!GSS_ERROR(major)) {
		play_say_oid("mech", mech);
		play_say(" flags %x", flags);
		play_say_lifetime("lives", time_s);
	}
	play_say(" %s", pair->ctx[0] != GSS_C_NO_CONTEXT ? "context" : "no context");
	pass(pair, 0, &out);
	pair->is_done[0] = major == GSS_S_COMPLETE;
	return !GSS_ERROR(major);
}

static bool
accept(struct play_pair *pair, unsigned odds)
{
	gss_buffer_desc in, out = GSS_C_EMPTY_BUFFER;
	gss_OID mech = GSS_C_NO_OID;
	gss_name_t source = GSS_C_NO_NAME;
	gss_cred_id_t delegated = GSS_C_NO_CREDENTIAL;
	OM_uint32 major, flags = 0, time_s = 0, unused;

	play_call("accept_sec_context");
	in = play_alter("token", &pair->token[1], odds);
	if (odds > 1 && play_rarely()) {
		play_say(" without outputs");
		major = gss_accept_sec_context(play_minor(), &pair->ctx[1], cred_of(pair, 1), &in, bindings_of(pair, 1), NULL,
					       NULL, &out, NULL, NULL, NULL);
	} else {
		major = gss_accept_sec_context(play_minor(), &pair->ctx[1], cred_of(pair, 1), &in, bindings_of(pair, 1),
					       &source, &mech, &out, &flags, &time_s, &delegated);
	}
	free(in.value);
	play_said(major);
	say_token(&out);
	if (!GSS_ERROR(major)) {
		play_say_name("source", source);
		play_say_oid("mech", mech);
		play_say(" flags %x", flags);
		play_say_lifetime("lives", time_s);
		play_say(" %s", delegated != GSS_C_NO_CREDENTIAL ? "delegated" : "none delegated");
	}
	play_say(" %s", pair->ctx[1] != GSS_C_NO_CONTEXT ? "context" : "no context");
	if (major == GSS_S_COMPLETE && play_pick(3) == 2) {
		unsigned to = play_pick(NUM_CREDS), name_to = play_pick(NUM_NAMES);

		play_say(" kept: cred %u, name %u", to, name_to);
		play_put_cred(&play_cred_at[to], delegated);
		play_put_name(&play_name_at[name_to], source);
	} else {
		gss_release_cred(&unused, &delegated);
		gss_release_name(&unused, &source);
	}
	pass(pair, 1, &out);
	pair->is_done[1] = major == GSS_S_COMPLETE;
	return !GSS_ERROR(major);
}

static void
start(void)
{
	init(begin(), 1);
}

static void
step(void)
{
	struct play_pair *pair;
	unsigned side;

	play_call("step");
	pair = pick_pair();
	side = play_pick(2);
	if (play_pick(12) == 11) {
		const struct play_pair *other = pick_pair();
		unsigned other_side = play_pick(2);

		play_say(" with the token of side %u", other_side);
		if (&pair->token[side] != &other->token[other_side]) {
			OM_uint32 unused;

			gss_release_buffer(&unused, &pair->token[side]);
			pair->token[side] = play_alter("", &other->token[other_side], 1);
		}
	}
	(side == 0 ? init : accept)(pair, 24);
}

static void
establish(void)
{
	struct play_pair *pair = begin();
	int side = 0;

	for (int leg = 0; leg < MAX_LEGS; leg++, side = !side) {
		if (!(side == 0 ? init : accept)(pair, 1) || (pair->is_done[0] && pair->is_done[1]) ||
		    pair->token[!side].length == 0)
			break;
	}
}

static void
establish_until(void)
{
	struct play_pair *pair = begin();
	unsigned legs = 1 + play_pick(4);
	int side = 0;

	for (unsigned leg = 0; leg < legs; leg++, side = !side)
		if (!(side == 0 ? init : accept)(pair, leg + 1 == legs ? 9 : 1) || pair->token[!side].length == 0)
			break;
}

static void
accept_garbage(void)
{
	static const gss_buffer_desc tokens[] = {
	    PLAY_BYTES(0, ""),
	    {0, NULL},
	    PLAY_BYTES(1, "\x60"),
	    PLAY_BYTES(1, "\0"),
	    PLAY_BYTES(2, "\x60\0"),
	    PLAY_BYTES(20, "garbage and much more"),
	    PLAY_BYTES(8, "NTLMSSP"),
	    PLAY_BYTES(13, "\x60\x0b\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"),
	    PLAY_BYTES(15, "\x60\x0d\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00"),
	    PLAY_BYTES(7, "\x60\x05\x06\x03\x2a\x03\x04"),
	    PLAY_BYTES(4, "\x6e\x02\x30\x00"),
	    PLAY_BYTES(10, "\x60\x08\x06\x06\x2b\x06\x01\x05\x05\x02"),
	    PLAY_BYTES(14, "\x60\x0c\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x02\x30\x00"),
	    PLAY_BYTES(
		26, "\x60\x18\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x0e\x30\x0c\xa0\x0a\x30\x08\x06\x06\x2b\x06\x01\x05\x02\x05"),
	    PLAY_BYTES(23, "\x60\x15\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x0b\x30\x09\xa0\x07\x30\x05\x06\x03\x2a\x03\x04"),
	    PLAY_BYTES(29, "\x60\x1b\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x11\x30\x0f\xa0\x0d\x30\x0b\x06\x09\x2a\x86\x48\x86"
			   "\xf7\x12\x01\x02\x02"),
	    PLAY_BYTES(9, "\xa1\x07\x30\x05\xa0\x03\x0a\x01\x02"),
	    PLAY_BYTES(9, "\xa1\x07\x30\x05\xa0\x03\x0a\x01\x00"),
	    PLAY_BYTES(4, "\xa1\x02\x30\x00"),
	};
	struct play_pair *pair;
	unsigned number, side;
	OM_uint32 unused;

	play_call("garbage");
	pair = pick_pair();
	number = play_pick(NUM_OF(tokens));
	side = play_pick(3) != 2;
	play_say(" %u", number);
	gss_release_buffer(&unused, &pair->token[side]);
	pair->token[side] = play_alter("", &tokens[number], 1);
	(side == 0 ? init : accept)(pair, 1);
}

const struct play_op play_contexts[] = {
    {"start", start},
    {"step", step},
    {"establish", establish},
    {"establish-until", establish_until},
    {"accept-garbage", accept_garbage},
    {NULL, NULL},
};
