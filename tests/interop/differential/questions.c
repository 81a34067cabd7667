/* What is asked of contexts that are there, or are not, and how they end or move. */
#include <stdlib.h>
#include <string.h>

#include "play.h"

/* ---- questions ---- */

static void
inquire(void)
{
	unsigned pair, side;
	gss_ctx_id_t *ctx;
	gss_name_t source = GSS_C_NO_NAME, target = GSS_C_NO_NAME;
	gss_OID mech = GSS_C_NO_OID;
	OM_uint32 major, time_s = 0, flags = 0, unused;
	int is_local = 0, is_open = 0;

	play_call("inquire_context");
	ctx = play_ctx_place(&pair, &side);
	if (play_rarely()) {
		play_say(" without outputs");
		major = gss_inquire_context(play_minor(), *ctx, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
	} else {
		major = gss_inquire_context(play_minor(), *ctx, &source, &target, &time_s, &mech, &flags, &is_local, &is_open);
	}
	play_said(major);
	play_say_name("source", source);
	play_say_name("target", target);
	play_say_lifetime("lives", time_s);
	play_say_oid("mech", mech);
	play_say(" flags %x local %d open %d", flags, is_local, is_open);
	gss_release_name(&unused, &source);
	gss_release_name(&unused, &target);

	play_call("context_time");
	time_s = 0;
	major = gss_context_time(play_minor(), *ctx, play_rarely() ? NULL : &time_s);
	play_said(major);
	play_say_lifetime("lives", time_s);
}

static void
by_oid(void)
{
	static const gss_OID_desc objects[] = {
	    PLAY_BYTES(11, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x0f"), /* SASL's strength */
	    PLAY_BYTES(11, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x01"), /* ticket's flags */
	    PLAY_BYTES(11, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x0c"), /* time of authentication */
	    PLAY_BYTES(12,
		       "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x0a\x01"), /* authorisation data, of a type that none has */
	    PLAY_BYTES(11, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x05"), /* session key */
	    PLAY_BYTES(11, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x10"),
	    PLAY_BYTES(11, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x63"),
	    PLAY_BYTES(3, "\x2a\x03\x04"),
	    PLAY_BYTES(0, ""),
	};
	gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
	unsigned pair, side, number;
	gss_ctx_id_t *ctx;
	gss_buffer_desc value = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, unused;

	play_call("inquire_sec_context_by_oid");
	ctx = play_ctx_place(&pair, &side);
	number = play_pick(NUM_OF(objects));
	play_say(" object %u", number);
	major = gss_inquire_sec_context_by_oid(play_minor(), *ctx, (gss_OID)&objects[number], play_rarely() ? NULL : &set);
	play_said(major);
	if (number >= 3 && number <= 5) {
		for (size_t i = 0; set != NULL && i < set->count; i++)
			play_say(number == 3 ? " data" : " %zu bytes", set->elements[i].length);
		if (set != NULL && set->count > 1)
			play_say_bytes("enctype", &set->elements[1]);
		gss_release_buffer_set(&unused, &set);
	} else {
		play_say_set(&set);
	}
	if (play_pick(3) == 2) {
		play_call("set_sec_context_option");
		play_say(" object %u", number);
		major = gss_set_sec_context_option(play_minor(), ctx, (gss_OID)&objects[number], &value);
		play_said(major);
		play_say(" %s", *ctx != GSS_C_NO_CONTEXT ? "context" : "no context");
	}
}

static void
of_ticket(void)
{
	unsigned pair, side;
	gss_ctx_id_t *ctx;
	gss_buffer_desc data = GSS_C_EMPTY_BUFFER;
	krb5_flags flags = 0;
	krb5_timestamp at = 0;
	OM_uint32 major, unused;
	int type = (int[]){1, 128, 0}[play_pick(3)]; /* a negative one holds the other library up for ever */

	play_call("get_tkt_flags");
	ctx = play_ctx_place(&pair, &side);
	major = gss_krb5_get_tkt_flags(play_minor(), *ctx, &flags);
	play_said(major);
	play_say(" flags %x", flags);
	play_call("extract_authtime");
	major = gsskrb5_extract_authtime_from_sec_context(play_minor(), *ctx, &at);
	play_said(major);
	play_say(" at %d", at);
	play_call("extract_authz_data");
	play_say(" type %d", type);
	major = gsskrb5_extract_authz_data_from_sec_context(play_minor(), *ctx, type, &data);
	play_said(major);
	play_say(" %s", data.length != 0 ? "data" : "none");
	gss_release_buffer(&unused, &data);
}

static void
random_bytes(void)
{
	gss_buffer_desc salt = PLAY_BYTES(4, "salt"), out[2] = {GSS_C_EMPTY_BUFFER, GSS_C_EMPTY_BUFFER};
	unsigned pair;
	int key, is_same;
	ssize_t len;
	OM_uint32 major, unused;

	play_call("pseudo_random");
	pair = play_pick(NUM_PAIRS);
	key = (int[]){GSS_C_PRF_KEY_FULL, GSS_C_PRF_KEY_PARTIAL, 2}[play_pick(3)];
	len = (ssize_t[]){16, 0, 1, 63, 5000, -1}[play_pick(6)];
	play_say(" pair %u key %d len %zd", pair, key, len);
	for (int side = 0; side < 2; side++) {
		if (side == 1) {
			play_call("pseudo_random");
			play_say(" len %zd", len);
		}
		major = gss_pseudo_random(play_minor(), play_pairs[pair].ctx[side], key, &salt, len, &out[side]);
		play_said(major);
		play_say(" %zu bytes", out[side].length);
	}
	is_same =
	    out[0].length == out[1].length && (out[0].length == 0 || memcmp(out[0].value, out[1].value, out[0].length) == 0);
	play_say(" same %d", is_same);
	gss_release_buffer(&unused, &out[0]);
	gss_release_buffer(&unused, &out[1]);
}

/* ---- ends and changes ---- */

static void delete (void)
{
	unsigned pair, side;
	gss_ctx_id_t *ctx;
	gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, unused;

	play_call("delete_sec_context");
	ctx = play_ctx_place(&pair, &side);
	major = gss_delete_sec_context(play_minor(), play_rarely() ? NULL : ctx, play_pick(2) ? &token : NULL);
	play_said(major);
	play_say(" token %d %s", token.length != 0, *ctx == GSS_C_NO_CONTEXT ? "gone" : "there");
	gss_release_buffer(&unused, &token);
}

static void
process(void)
{
	unsigned pair, side;
	gss_ctx_id_t *ctx;
	gss_buffer_desc token = PLAY_BYTES(4, "\x04\x05\0\0");
	OM_uint32 major;

	play_call("process_context_token");
	ctx = play_ctx_place(&pair, &side);
	if (play_pick(3) == 2)
		token = play_pairs[pair].token[side];
	major = gss_process_context_token(play_minor(), *ctx, play_rarely() ? NULL : &token);
	play_said(major);
}

/* A context that is open goes out and comes back in. What is half open is not asked: that is each library's own. */
static void
move(void)
{
	unsigned pair, side;
	gss_ctx_id_t *ctx, back = GSS_C_NO_CONTEXT;
	gss_buffer_desc token = GSS_C_EMPTY_BUFFER, cut;
	OM_uint32 major, unused;
	size_t len;

	play_call("export_sec_context");
	ctx = play_ctx_place(&pair, &side);
	if (*ctx != GSS_C_NO_CONTEXT && !play_pairs[pair].is_done[side])
		return;
	major = gss_export_sec_context(play_minor(), ctx, &token);
	play_said(major);
	play_say(" %s %s", token.length != 0 ? "token" : "no token", *ctx != GSS_C_NO_CONTEXT ? "context" : "no context");
	if (major != GSS_S_COMPLETE)
		return;
	if (play_pick(4) == 3) {
		/* The framing is the same for both: OID's length, OID. */
		len = play_pick(14);
		cut = (gss_buffer_desc){len, malloc(len + 1)};
		memcpy(cut.value, token.value, len);
		play_call("import_sec_context");
		play_say(" the first %zu", len);
		major = gss_import_sec_context(play_minor(), &cut, &back);
		play_said(major);
		free(cut.value);
	}
	play_call("import_sec_context");
	major = gss_import_sec_context(&play_minor_said, &token, &back);
	play_said(major);
	gss_release_buffer(&unused, &token);
	*ctx = back;
}

static void
lucid(void)
{
	unsigned pair, side;
	gss_ctx_id_t *ctx;
	gss_krb5_lucid_context_v1_t *got = NULL;
	OM_uint32 major, version;

	play_call("export_lucid");
	ctx = play_ctx_place(&pair, &side);
	version = (OM_uint32[]){1, 1, 1, 0, 2}[play_pick(5)];
	play_say(" version %u", version);
	major = gss_krb5_export_lucid_sec_context(play_minor(), ctx, version, (void **)&got);
	play_said(major);
	play_say(" %s", *ctx != GSS_C_NO_CONTEXT ? "context" : "no context");
	if (got == NULL)
		return;
	play_say(" version %u initiate %u end %u protocol %u", got->version, got->initiate, got->endtime, got->protocol);
	if (got->protocol == 0)
		play_say(" sign %u seal %u key %u of %u", got->rfc1964_kd.sign_alg, got->rfc1964_kd.seal_alg,
			 got->rfc1964_kd.ctx_key.type, got->rfc1964_kd.ctx_key.length);
	else
		play_say(" key %u subkey %u of %u", got->cfx_kd.ctx_key.type, got->cfx_kd.have_acceptor_subkey,
			 got->cfx_kd.have_acceptor_subkey ? got->cfx_kd.acceptor_subkey.type : 0);
	play_call("free_lucid");
	major = gss_krb5_free_lucid_sec_context(play_minor(), got);
	play_said(major);
}

static void
advance(void)
{
	static const int steps_s[] = {1, 400, 7200, 50000, 900000};
	int step_s = steps_s[play_pick(NUM_OF(steps_s))];

	play_call("clock");
	play_say(" %ds ahead", step_s);
	play_clock_advance(step_s);
}

const struct play_op play_questions[] = {
    {"inquire-context", inquire},
    {"context-by-oid", by_oid},
    {"of-ticket", of_ticket},
    {"prf", random_bytes},
    {"delete", delete},
    {"process", process},
    {"move", move},
    {"lucid", lucid},
    {"clock", advance},
    {NULL, NULL},
};
