/*
 * What goes wrong goes wrong alike: each scene is played with MIT's library and with ours in the same role, and the major and the minor
 * statuses have to be the same. Where MIT's minor status says nothing (0, or a number of 100001 and above, which stands for "Success"),
 * ours may say more.
 */
#include "support/drive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { VERDICTS_MAX = 4096, ELEVEN_HOURS = 11 * 3600 };

struct verdict {
	uint32_t major, minor;
	char what[64], text[256];
};

/* The statuses of one play, in order. */
struct play {
	struct peer *subject, *other; /* other is always MIT's */
	struct verdict verdicts[VERDICTS_MAX];
	size_t num;
};

static const char *const service = "enc18";

static bool
says_nothing(uint32_t minor)
{
	return minor == 0 || (minor >= 100001 && minor < 200000);
}

static void
note(struct play *p, uint32_t major, uint32_t minor, const char *form, ...)
{
	struct verdict *v = &p->verdicts[p->num++];
	va_list args;

	assert_true(p->num < VERDICTS_MAX);
	v->major = major;
	v->minor = minor;
	va_start(args, form);
	vsnprintf(v->what, sizeof(v->what), form, args);
	va_end(args);
	v->text[0] = '\0';
	if (!says_nothing(minor)) {
		struct blob b;

		peer_call(p->subject, PEER_STATUS, "uub", minor, 2u, "", (size_t)0);
		b = peer_blob(p->subject);
		snprintf(v->text, sizeof(v->text), "%.*s", (int)b.len, (const char *)b.at);
	}
}

static void
note_call(struct play *p, const char *what)
{
	note(p, p->subject->major, p->subject->minor, "%s", what);
}

/* A token of MIT's initiator, and a fresh acceptor's verdict on it. */
static struct blob
first_token(struct play *p, uint32_t flags)
{
	struct setup s = { .service = service, .flags = flags };
	struct ends e;
	struct blob token;

	ends_begin(&e, p->other, p->subject);
	step_init(&e, &s);
	assert_true(e.major_i == COMPLETE || e.major_i == CONTINUE_NEEDED);
	token = e.token;
	e.token = (struct blob){ 0 };
	ends_delete(&e);
	return token;
}

static void
judge_first(struct play *p, struct blob token, const char *what)
{
	struct setup s = { .service = service };
	struct ends e;

	ends_begin(&e, p->other, p->subject);
	e.token = blob_keep(token);
	step_accept(&e, &s);
	note(p, e.major_a, e.minor_a, "%s", what);
	ends_delete(&e);
}

static void
accept_garbage(struct play *p)
{
	judge_first(p, (struct blob){ (const uint8_t *)"twenty bytes of that", 20 }, "text");
	judge_first(p, (struct blob){ (const uint8_t *)"\x60\x00", 2 }, "empty frame");
	judge_first(p, (struct blob){ (const uint8_t *)"\x60\x80\x06\x09", 4 }, "indefinite length");
	judge_first(p, (struct blob){ (const uint8_t *)"\x60\x84\xff\xff\xff\xff\x06", 7 }, "huge length");
	judge_first(p, (struct blob){ (const uint8_t *)"\x60\x0b\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02", 13 }, "no token id");
	judge_first(p, (struct blob){ (const uint8_t *)"\x60\x0d\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00", 15 }, "no AP-REQ");
	judge_first(p, (struct blob){ (const uint8_t *)"\x60\x0d\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x02\x00", 15 }, "AP-REP");
	judge_first(p, (struct blob){ (const uint8_t *)"\x60\x08\x06\x03\x2a\x03\x04\x01\x00\x6e", 10 }, "unknown mechanism");
}

static void
accept_truncated(struct play *p)
{
	struct blob token = first_token(p, MUTUAL);
	char what[48];

	/* The framing byte by byte, the AP-REQ in leaps. */
	for (size_t len = 1; len < token.len; len += len < 32 ? 1 : 37) {
		snprintf(what, sizeof(what), "cut to %zu", len);
		judge_first(p, (struct blob){ token.at, len }, what);
	}
	blob_drop(&token);
}

static void
accept_trailing(struct play *p)
{
	struct blob token = first_token(p, MUTUAL), more = { calloc(1, token.len + 1), token.len + 1 };

	memcpy((void *)more.at, token.at, token.len);
	judge_first(p, more, "a byte appended");
	blob_drop(&token);
	blob_drop(&more);
}

static void
accept_flipped(struct play *p)
{
	char what[48];
	size_t len = 1;

	/* A fresh token each time, as a flip that does no harm would make the next a replay. */
	for (size_t at = 0; at < len; at++) {
		struct blob token = first_token(p, MUTUAL);

		/* Tickets and authenticators are long strings of noise: a few of their bytes will do. */
		len = token.len;
		if (at < 60 || at % 16 == 0) {
			((uint8_t *)token.at)[at] ^= 0x10;
			snprintf(what, sizeof(what), "byte %zu flipped", at);
			judge_first(p, token, what);
		}
		blob_drop(&token);
	}
}

static void
accept_replayed(struct play *p)
{
	struct blob token = first_token(p, MUTUAL);

	judge_first(p, token, "first");
	judge_first(p, token, "again");
	blob_drop(&token);
}

static void
accept_at_another_time(struct play *p)
{
	struct blob token;
	static const int32_t shifts[] = { 200, 400, -200, -400, ELEVEN_HOURS, -ELEVEN_HOURS };
	char what[48];

	for (size_t n = 0; n < sizeof(shifts) / sizeof(*shifts); n++) {
		token = first_token(p, MUTUAL);
		peer_call(p->subject, PEER_CLOCK, "u", (uint32_t)shifts[n]);
		snprintf(what, sizeof(what), "clock by %d s", shifts[n]);
		judge_first(p, token, what);
		blob_drop(&token);
	}
}

static void
set_env(struct peer *p, const char *name, const char *form)
{
	char value[512];

	snprintf(value, sizeof(value), form, getenv("BATON_REALM_DIR"));
	assert_int_equal(peer_call(p, PEER_SETENV, "ss", name, value), 0);
}

static void
accept_without_key(struct play *p)
{
	struct blob token = first_token(p, MUTUAL);

	set_env(p->subject, "KRB5_KTNAME", "FILE:%s/bob.keytab");
	judge_first(p, token, "the keytab has another's keys only");
	set_env(p->subject, "KRB5_KTNAME", "FILE:%s/nowhere.keytab");
	judge_first(p, token, "there is no keytab");
	blob_drop(&token);
}

/* A keytab with a key for the service that is not the KDC's. */
static void
accept_with_wrong_key(struct play *p)
{
	static const uint8_t keytab[] = { 5, 2, 0, 0, 0, 84, 0, 2, 0, 10, 'B', 'A', 'T', 'O', 'N', '.', 'T', 'E', 'S', 'T', 0, 5, 'e', 'n',
					  'c', '1', '8', 0, 17, 's', 'e', 'r', 'v', 'e', 'r', '.', 'b', 'a', 't', 'o', 'n', '.', 't', 'e',
					  's', 't', 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 18, 0, 32 };
	static const uint8_t key[32] = { 1, 2, 3 };
	struct blob token = first_token(p, MUTUAL);
	char path[512];
	FILE *f;
	uint32_t len = (uint32_t)(sizeof(keytab) - 6 + sizeof(key));
	uint8_t head[6] = { 5, 2, 0, 0, 0, (uint8_t)len };

	snprintf(path, sizeof(path), "%s/wrong.keytab", getenv("BATON_REALM_DIR"));
	f = fopen(path, "w");
	assert_non_null(f);
	fwrite(head, 1, sizeof(head), f);
	fwrite(keytab + 6, 1, sizeof(keytab) - 6, f);
	fwrite(key, 1, sizeof(key), f);
	fclose(f);
	set_env(p->subject, "KRB5_KTNAME", "FILE:%s/wrong.keytab");
	judge_first(p, token, "the keytab has a wrong key");
	/* The key number too is one that the KDC never gave out. */
	blob_drop(&token);
}

/* The initiator's second step with each of these replies. */
static void
judge_reply(struct play *p, struct blob (*spoil)(struct blob, size_t), size_t how, const char *what)
{
	struct setup s = { .service = service, .flags = MUTUAL };
	struct ends e;
	struct blob reply;

	ends_begin(&e, p->subject, p->other);
	step_init(&e, &s);
	assert_int_equal(e.major_i, CONTINUE_NEEDED);
	step_accept(&e, &s);
	assert_int_equal(e.major_a, COMPLETE);
	reply = spoil(e.token, how);
	blob_drop(&e.token);
	e.token = reply;
	step_init(&e, &s);
	note(p, e.major_i, e.minor_i, "%s %zu", what, how);
	ends_delete(&e);
}

static struct blob
flip_byte(struct blob b, size_t at)
{
	struct blob out = blob_keep(b);

	((uint8_t *)out.at)[at % b.len] ^= 0x04;
	return out;
}

static struct blob
cut(struct blob b, size_t len)
{
	return blob_keep((struct blob){ b.at, len < b.len ? len : b.len - 1 });
}

static struct blob
garbage(struct blob b, size_t len)
{
	(void)b;
	return blob_keep((struct blob){ (const uint8_t *)"nothing that an acceptor would ever say", len });
}

static struct blob
framed_garbage(struct blob b, size_t len)
{
	struct blob out = blob_keep(b);

	/* Right framing and token id, then noise. */
	memset((uint8_t *)out.at + 17, (int)len, out.len - 17);
	return out;
}

static void
init_with_bad_reply(struct play *p)
{
	judge_reply(p, garbage, 20, "garbage");
	judge_reply(p, framed_garbage, 0, "framed garbage");
	judge_reply(p, framed_garbage, 0xff, "framed garbage");
	for (size_t n = 0; n < 160; n += n < 24 ? 1 : 11) {
		judge_reply(p, flip_byte, n, "flipped");
		if (n > 0)
			judge_reply(p, cut, n, "cut");
	}
}

/* The acceptor's clock is wrong; it says so in an error token, and the initiator repeats what that says. */
static void
init_with_error_token(struct play *p)
{
	struct setup s = { .service = service, .flags = MUTUAL };
	struct ends e;

	peer_call(p->other, PEER_CLOCK, "u", 1000u);
	ends_try(&e, &s, p->subject, p->other);
	assert_true((e.major_a & ROUTINE_BITS) != 0);
	assert_true(e.token.len != 0);
	step_init(&e, &s);
	note(p, e.major_i, e.minor_i, "skew");
	ends_delete(&e);

	set_env(p->other, "KRB5_KTNAME", "FILE:%s/bob.keytab");
	peer_call(p->other, PEER_CLOCK, "u", 0u);
	ends_try(&e, &s, p->subject, p->other);
	assert_true((e.major_a & ROUTINE_BITS) != 0);
	if (e.token.len != 0) {
		step_init(&e, &s);
		note(p, e.major_i, e.minor_i, "no key");
	}
	ends_delete(&e);
}

/* And an acceptor's error tokens are what MIT's initiator understands. */
static void
error_token_of_acceptor(struct play *p)
{
	struct setup s = { .service = service, .flags = MUTUAL };
	struct ends e;

	peer_call(p->subject, PEER_CLOCK, "u", 1000u);
	ends_try(&e, &s, p->other, p->subject);
	note(p, e.major_a, e.minor_a, "skew, acceptor");
	note(p, e.token.len != 0, 0, "has a token");
	if (e.token.len != 0) {
		step_init(&e, &s);
		note(p, e.major_i, e.minor_i, "skew, initiator");
	}
	ends_delete(&e);
}

static void
judge_init(struct play *p, const char *name, const char *what)
{
	struct setup s = { .service = name, .flags = MUTUAL };
	struct ends e;

	ends_begin(&e, p->subject, p->other);
	step_init(&e, &s);
	note(p, e.major_i, e.minor_i, "%s", what);
	ends_delete(&e);
}

static void
init_in_vain(struct play *p)
{
	char path[512];
	FILE *f;

	judge_init(p, "nosuch", "a service that is not there");
	set_env(p->subject, "KRB5_CLIENT_KTNAME", "FILE:%s/nowhere.keytab");
	set_env(p->subject, "KRB5CCNAME", "FILE:%s/nowhere.ccache");
	judge_init(p, service, "no credentials cache");
	set_env(p->subject, "KRB5CCNAME", "FILE:%s/krb5.conf");
	judge_init(p, service, "a credentials cache that is none");
	set_env(p->subject, "KRB5CCNAME", "FILE:%s/alice.ccache");
	peer_call(p->subject, PEER_CLOCK, "u", (uint32_t)(3 * ELEVEN_HOURS));
	judge_init(p, service, "tickets that have expired");
	peer_call(p->subject, PEER_CLOCK, "u", 0u);

	snprintf(path, sizeof(path), "%s/unreachable.conf", getenv("BATON_REALM_DIR"));
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "[libdefaults]\n\tdefault_realm = BATON.TEST\n\tdns_lookup_kdc = false\n\tdns_canonicalize_hostname = false\n"
		   "[realms]\n\tBATON.TEST = {\n\t\tkdc = 127.0.0.1:1\n\t}\n[domain_realm]\n\t.baton.test = BATON.TEST\n");
	fclose(f);
	set_env(p->subject, "KRB5_CONFIG", "%s/unreachable.conf");
	judge_init(p, "never-asked-for", "no KDC answers");
}

static void
init_with_wrong_arguments(struct play *p)
{
	static const char ntlm[] = "\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a";

	peer_call(p->subject, PEER_INIT, "uusubuuusb", PEER_NONE, PEER_NONE, "host@server.baton.test", (uint32_t)PEER_NAME_SERVICE, ntlm,
		  (size_t)10, 0u, 0u, 0u, "", "", (size_t)0);
	note_call(p, "a mechanism that is not there");
	peer_call(p->subject, PEER_INIT, "uusubuuusb", PEER_NONE, PEER_NONE, "", (uint32_t)PEER_NAME_NONE, "", (size_t)0, 0u, 0u, 0u, "", "",
		  (size_t)0);
	note_call(p, "no target");
	peer_call(p->subject, PEER_INIT, "uusubuuusb", PEER_NONE, PEER_NONE, "a@b@c@", (uint32_t)PEER_NAME_PRINCIPAL, "", (size_t)0, 0u, 0u, 0u,
		  "", "", (size_t)0);
	note_call(p, "a principal that is none");
}

static void
acquire_in_vain(struct play *p)
{
	peer_call(p->subject, PEER_ACQUIRE, "suuu", "nosuch@server.baton.test", (uint32_t)PEER_NAME_SERVICE, (uint32_t)USAGE_ACCEPT, 0u);
	note_call(p, "accept: not in the keytab");
	peer_call(p->subject, PEER_ACQUIRE, "suuu", "bob", (uint32_t)PEER_NAME_USER, (uint32_t)USAGE_INITIATE, 0u);
	note_call(p, "initiate: not in the cache");
	peer_call(p->subject, PEER_ACQUIRE, "suuu", "alice", (uint32_t)PEER_NAME_USER, (uint32_t)USAGE_INITIATE, 0u);
	note_call(p, "initiate: in the cache");
	peer_call(p->subject, PEER_ACQUIRE, "suuu", "", (uint32_t)PEER_NAME_NONE, 7u, 0u);
	note_call(p, "a usage that is none");
	set_env(p->subject, "KRB5_KTNAME", "FILE:%s/nowhere.keytab");
	peer_call(p->subject, PEER_ACQUIRE, "suuu", "", (uint32_t)PEER_NAME_NONE, (uint32_t)USAGE_ACCEPT, 0u);
	note_call(p, "accept: no keytab");
	set_env(p->subject, "KRB5_CLIENT_KTNAME", "FILE:%s/nowhere.keytab");
	set_env(p->subject, "KRB5CCNAME", "FILE:%s/nowhere.ccache");
	peer_call(p->subject, PEER_ACQUIRE, "suuu", "", (uint32_t)PEER_NAME_NONE, (uint32_t)USAGE_INITIATE, 0u);
	note_call(p, "initiate: no cache");
}

static void
unwrap_spoiled(struct play *p)
{
	struct setup s = { .service = service, .flags = MUTUAL | REPLAY | SEQUENCE | CONF | INTEG };
	struct ends e;
	struct blob token, mic;
	uint8_t *at;

	ends_make(&e, &s, p->other, p->subject);
	peer_call(p->subject, PEER_UNWRAP, "us", e.ctx_a, "garbage that is no token at all, and longer than a header");
	note_call(p, "garbage");
	peer_call(p->subject, PEER_UNWRAP, "us", e.ctx_a, "");
	note_call(p, "empty");
	peer_call(p->subject, PEER_VERIFY_MIC, "uss", e.ctx_a, "a message", "");
	note_call(p, "empty MIC");
	for (uint32_t conf = 0; conf < 2; conf++) {
		assert_int_equal(peer_call(p->other, PEER_WRAP, "uuus", e.ctx_i, conf, 0u, "some text"), COMPLETE);
		token = blob_keep(peer_blob(p->other));
		at = (uint8_t *)token.at;
		for (size_t n = 0; n < token.len; n++)
			for (unsigned bit = 0; bit < 8; bit++) {
				at[n] ^= (uint8_t)(1 << bit);
				peer_call(p->subject, PEER_UNWRAP, "ub", e.ctx_a, token.at, token.len);
				note(p, p->subject->major, n < 16 ? 0 : p->subject->minor, "conf %u, byte %zu, bit %u", conf, n, bit);
				at[n] ^= (uint8_t)(1 << bit);
			}
		for (size_t len = 1; len < token.len; len++) {
			peer_call(p->subject, PEER_UNWRAP, "ub", e.ctx_a, token.at, len);
			note(p, p->subject->major, 0, "conf %u, cut to %zu", conf, len);
		}
		peer_call(p->subject, PEER_VERIFY_MIC, "usb", e.ctx_a, "some text", token.at, token.len);
		note_call(p, "a wrap token for a MIC");
		peer_call(p->subject, PEER_UNWRAP, "ub", e.ctx_a, token.at, token.len);
		note_call(p, "the true token after all");
		blob_drop(&token);
	}
	assert_int_equal(peer_call(p->other, PEER_GET_MIC, "uus", e.ctx_i, 0u, "a message"), COMPLETE);
	mic = blob_keep(peer_blob(p->other));
	at = (uint8_t *)mic.at;
	for (size_t n = 0; n < mic.len; n++) {
		at[n] ^= 1;
		peer_call(p->subject, PEER_VERIFY_MIC, "usb", e.ctx_a, "a message", mic.at, mic.len);
		note(p, p->subject->major, 0, "MIC, byte %zu", n);
		at[n] ^= 1;
	}
	peer_call(p->subject, PEER_VERIFY_MIC, "usb", e.ctx_a, "another message", mic.at, mic.len);
	note_call(p, "MIC of another message");
	peer_call(p->subject, PEER_UNWRAP, "ub", e.ctx_a, mic.at, mic.len);
	note_call(p, "a MIC to unwrap");
	peer_call(p->subject, PEER_VERIFY_MIC, "usb", e.ctx_a, "a message", mic.at, mic.len);
	note_call(p, "the true MIC after all");
	blob_drop(&mic);
	ends_delete(&e);
}

static void
misuse_a_context(struct play *p)
{
	struct setup s = { .service = service, .flags = MUTUAL | CONF | INTEG };
	struct ends e;

	ends_make(&e, &s, p->other, p->subject);
	peer_call(p->subject, PEER_WRAP, "uuus", e.ctx_a, 1u, 5u, "text");
	note_call(p, "wrap: quality of protection");
	peer_call(p->subject, PEER_GET_MIC, "uus", e.ctx_a, 5u, "text");
	note_call(p, "MIC: quality of protection");
	peer_call(p->subject, PEER_SIZE_LIMIT, "uuuu", e.ctx_a, 1u, 5u, 100u);
	note_call(p, "size limit: quality of protection");
	peer_call(p->subject, PEER_PRF, "uusu", e.ctx_a, 7u, "seed", 16u);
	note_call(p, "PRF: which key");
	peer_call(p->subject, PEER_PRF, "uusu", e.ctx_a, 0u, "seed", 0u);
	note_call(p, "PRF: no length");
	peer_call(p->subject, PEER_PRF, "uusu", e.ctx_a, 0u, "seed", (uint32_t)(1 << 20));
	note_call(p, "PRF: a megabyte");
	peer_call(p->subject, PEER_INQUIRE_OID, "ub", e.ctx_a, "\x2a\x03\x04", (size_t)3);
	note_call(p, "unknown OID");
	peer_call(p->subject, PEER_PROCESS_TOKEN, "us", e.ctx_a, "what token");
	note_call(p, "process_context_token: garbage");
	peer_call(p->subject, PEER_WRAP, "uuus", 999u, 1u, 0u, "text");
	note_call(p, "wrap: no context");
	peer_call(p->subject, PEER_UNWRAP, "us", 999u, "text");
	note_call(p, "unwrap: no context");
	peer_call(p->subject, PEER_EXPORT, "u", 999u);
	note_call(p, "export: no context");
	peer_call(p->subject, PEER_TIME, "u", 999u);
	note_call(p, "time: no context");
	peer_call(p->subject, PEER_INQUIRE, "u", 999u);
	note_call(p, "inquire: no context");
	peer_call(p->subject, PEER_DELETE, "u", 999u);
	note_call(p, "delete: no context");
	peer_call(p->subject, PEER_IMPORT, "s", "garbage which is not a token of any kind");
	note_call(p, "import: garbage");
	ends_delete(&e);
}

static void
use_before_established(struct play *p)
{
	struct setup s = { .service = service, .flags = MUTUAL };
	struct ends e;

	ends_begin(&e, p->subject, p->other);
	assert_int_equal(step_init(&e, &s), CONTINUE_NEEDED);
	peer_call(p->subject, PEER_WRAP, "uuus", e.ctx_i, 1u, 0u, "text");
	note_call(p, "wrap");
	peer_call(p->subject, PEER_UNWRAP, "us", e.ctx_i, "text");
	note_call(p, "unwrap");
	peer_call(p->subject, PEER_GET_MIC, "uus", e.ctx_i, 0u, "text");
	note_call(p, "MIC");
	peer_call(p->subject, PEER_TIME, "u", e.ctx_i);
	note_call(p, "time");
	peer_call(p->subject, PEER_PRF, "uusu", e.ctx_i, 0u, "seed", 16u);
	note_call(p, "PRF");
	peer_call(p->subject, PEER_SIZE_LIMIT, "uuuu", e.ctx_i, 1u, 0u, 100u);
	note_call(p, "size limit");
	peer_call(p->subject, PEER_INQUIRE, "u", e.ctx_i);
	note_call(p, "inquire");
	ends_delete(&e);
}

static void
use_after_the_end(struct play *p)
{
	struct setup s = { .service = service, .flags = MUTUAL | CONF | INTEG };
	struct ends e;
	struct blob token;

	for (int role = 0; role < 2; role++) {
		uint32_t mine, other;

		ends_make(&e, &s, role ? p->other : p->subject, role ? p->subject : p->other);
		mine = role ? e.ctx_a : e.ctx_i;
		other = role ? e.ctx_i : e.ctx_a;
		assert_int_equal(peer_call(p->other, PEER_WRAP, "uuus", other, 1u, 0u, "too late"), COMPLETE);
		token = blob_keep(peer_blob(p->other));
		peer_call(p->subject, PEER_CLOCK, "u", (uint32_t)(3 * ELEVEN_HOURS));
		peer_call(p->subject, PEER_TIME, "u", mine);
		note_call(p, "time");
		peer_call(p->subject, PEER_INQUIRE, "u", mine);
		note_call(p, "inquire");
		peer_call(p->subject, PEER_WRAP, "uuus", mine, 1u, 0u, "text");
		note_call(p, "wrap");
		peer_call(p->subject, PEER_UNWRAP, "ub", mine, token.at, token.len);
		note_call(p, "unwrap");
		peer_call(p->subject, PEER_CLOCK, "u", 0u);
		blob_drop(&token);
		ends_delete(&e);
	}
}

static void
stage(struct play *p, const char *lib, void (*scene)(struct play *))
{
	char *conf = prefer_enctype(18);
	const char *const env[] = { conf, NULL };

	p->num = 0;
	p->subject = peer_start(lib, env);
	p->other = peer_start("mit", env);
	scene(p);
	peer_stop(p->subject);
	peer_stop(p->other);
	free(conf);
}

static bool
begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool
is_refused(uint32_t major)
{
	return major == BAD_MIC || major == DEFECTIVE_TOKEN;
}

/* Codes of libkrb5's ASN.1 table: they tell at which element the library stopped to read. */
static bool
is_asn1(uint32_t minor)
{
	return minor >= 1859794432 && minor < 1859794432 + 16;
}

/* Where ours knowingly differs, and by whose word. */
static bool
is_intended(const struct verdict *o, const struct verdict *m)
{
	/* An AP-REP for a first token: MIT's library asks for another one. RFC 2744 §5.1: it is defective. */
	if (o->major == DEFECTIVE_TOKEN && m->major == CONTINUE_NEEDED)
		return true;
	/* An OID length that runs out of the token: it has no mechanism that could be a bad one. */
	if (begins(o->what, "byte 5 flipped"))
		return o->major == DEFECTIVE_TOKEN && m->major == BAD_MECH;
	if (is_asn1(o->minor) && is_asn1(m->minor))
		return o->major == m->major;
	/* RFC 2744 §5.19 has a status for expired tickets. */
	if (begins(o->what, "tickets that have expired"))
		return o->major == CREDENTIALS_EXPIRED && o->minor == m->minor;
	/* A per-message token whose header contradicts its length has no checksum to be wrong. RFC 2744 §5.18. */
	if (begins(o->what, "conf "))
		return is_refused(o->major) && is_refused(m->major);
	/* RFC 2744 §5.20: an expired context is one with no lifetime left. */
	return begins(o->what, "inquire") && o->major == COMPLETE && m->major == CONTEXT_EXPIRED;
}

static void
play_and_compare(void **state)
{
	static struct play mits, ours;
	void (*const *scene)(struct play *) = *state;
	size_t num_different = 0;

	stage(&mits, "mit", *scene);
	stage(&ours, "baton", *scene);
	assert_true(mits.num > 0);
	for (size_t n = 0; n < mits.num && n < ours.num; n++) {
		struct verdict *m = &mits.verdicts[n], *o = &ours.verdicts[n];

		assert_string_equal(m->what, o->what);
		/* There MIT's library repeats what it said of the keytab before. */
		if (m->minor == o->minor && strcmp(m->text, o->text) != 0 && !begins(o->what, "there is no keytab") && num_different++ < 20)
			print_message("%s: %u is \"%s\", where MIT says \"%s\"\n", o->what, o->minor, o->text, m->text);
		if ((m->major == o->major && (m->minor == o->minor || says_nothing(m->minor))) || is_intended(o, m))
			continue;
		if (num_different++ < 20)
			print_message("%s: %08x/%u, where MIT says %08x/%u (%s)\n", o->what, o->major, o->minor, m->major, m->minor, m->what);
	}
	assert_int_equal(num_different, 0);
	assert_int_equal(ours.num, mits.num);
}


int
main(void)
{
	static const struct {
		const char *name;
		void (*scene)(struct play *);
	} scenes[] = {
		{ "accept garbage", accept_garbage },
		{ "accept a truncated token", accept_truncated },
		{ "accept a token with more behind it", accept_trailing },
		{ "accept a flipped token", accept_flipped },
		{ "accept a replayed token", accept_replayed },
		{ "accept at another time", accept_at_another_time },
		{ "accept without the key", accept_without_key },
		{ "accept with a wrong key", accept_with_wrong_key },
		{ "a bad reply to the initiator", init_with_bad_reply },
		{ "an error token to the initiator", init_with_error_token },
		{ "an error token of the acceptor", error_token_of_acceptor },
		{ "initiate in vain", init_in_vain },
		{ "initiate with wrong arguments", init_with_wrong_arguments },
		{ "acquire in vain", acquire_in_vain },
		{ "unwrap what was spoiled", unwrap_spoiled },
		{ "misuse a context", misuse_a_context },
		{ "use before it is established", use_before_established },
		{ "use after its end", use_after_the_end },
	};
	enum { NUM_SCENES = sizeof(scenes) / sizeof(*scenes) };
	struct CMUnitTest tests[NUM_SCENES];

	for (size_t n = 0; n < NUM_SCENES; n++)
		tests[n] = (struct CMUnitTest){ scenes[n].name, play_and_compare, NULL, NULL, (void *)&scenes[n].scene };
	return _cmocka_run_group_tests("status", tests, NUM_SCENES, NULL, NULL);
}
