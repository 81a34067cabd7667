/* Messages as wholes: wrap, MICs, AEAD, sizes, the names of version 1; delivered in any order, to anybody, altered or not. */
#include <stdlib.h>
#include <string.h>

#include "play.h"

#define TEXT(literal) PLAY_BYTES(sizeof(literal) - 1, literal)

static char large[MAX_TEXT];

/* Messages that were sent. */
static struct {
	gss_buffer_desc token, text;
	unsigned pair, side; /* of the sender */
	bool is_mic;
} sent[NUM_MESSAGES];
static unsigned num_sent;

static gss_buffer_desc
pick_text(void)
{
	static const gss_buffer_desc texts[] = {
	    TEXT("some text"), TEXT(""), TEXT("16 bytes of text"), {0, NULL}, {1, large}, {4096, large}, {65537, large}};
	gss_buffer_desc text = texts[play_pick(NUM_OF(texts))];

	play_say(" text of %zu", text.length);
	return text;
}

static gss_qop_t
pick_qop(void)
{
	gss_qop_t qop = play_pick(12) == 11 ? (gss_qop_t[]){1, 0x100, 0xffffffff}[play_pick(3)] : 0;

	if (qop != 0)
		play_say(" qop %x", qop);
	return qop;
}

/* The head of a token, which is no secret, and its length. */
static void
say_head(const gss_buffer_desc *token)
{
	const uint8_t *bytes = token->value;
	size_t num = token->length == 0 ? 0 : bytes[0] == 0x60 ? 2 : 8;

	play_say(" token of %zu ", token->length);
	for (size_t i = 0; i < num && i < token->length; i++)
		play_say("%02x", bytes[i]);
}

static void
keep(OM_uint32 major, unsigned pair, unsigned side, gss_buffer_desc *token, const gss_buffer_desc *text, bool is_mic)
{
	OM_uint32 unused;

	play_said(major);
	say_head(token);
	if (major == GSS_S_COMPLETE) {
		unsigned to = num_sent++ % NUM_MESSAGES;

		play_say(" message %u", to);
		play_put_bytes(&sent[to].token, token);
		play_put_bytes(&sent[to].text, text);
		sent[to].pair = pair;
		sent[to].side = side;
		sent[to].is_mic = is_mic;
	}
	gss_release_buffer(&unused, token);
}

static void
wrap(void)
{
	unsigned pair, side, kind = play_pick(8);
	gss_ctx_id_t *ctx;
	gss_buffer_desc text, token = GSS_C_EMPTY_BUFFER, assoc = PLAY_BYTES(5, "extra");
	gss_qop_t qop;
	int conf, conf_state = 0;
	OM_uint32 major;

	play_call(kind < 6 ? "wrap" : kind == 6 ? "seal" : "wrap_aead");
	ctx = play_ctx_place(&pair, &side);
	conf = !play_pick(2);
	text = pick_text();
	qop = pick_qop();
	play_say(" conf %d", conf);
	if (kind < 6)
		major = gss_wrap(play_minor(), *ctx, conf, qop, play_rarely() ? NULL : &text,
				 play_rarely() ? NULL : &conf_state, &token);
	else if (kind == 6)
		major = gss_seal(play_minor(), *ctx, conf, (int)qop, &text, &conf_state, &token);
	else
		major =
		    gss_wrap_aead(play_minor(), *ctx, conf, qop, play_pick(4) == 3 ? NULL : &assoc, &text, &conf_state, &token);
	keep(major, pair, side, &token, &text, false);
	play_say(" conf %d", conf_state);
}

static void
get_mic(void)
{
	unsigned pair, side, kind = play_pick(6);
	gss_ctx_id_t *ctx;
	gss_buffer_desc text, token = GSS_C_EMPTY_BUFFER;
	gss_qop_t qop;
	OM_uint32 major;

	play_call(kind < 5 ? "get_mic" : "sign");
	ctx = play_ctx_place(&pair, &side);
	text = pick_text();
	qop = pick_qop();
	if (kind < 5)
		major = gss_get_mic(play_minor(), *ctx, qop, play_rarely() ? NULL : &text, &token);
	else
		major = gss_sign(play_minor(), *ctx, (int)qop, &text, &token);
	keep(major, pair, side, &token, &text, true);
}

static void
read_message(void)
{
	unsigned pair, side, number, kind = play_pick(10);
	gss_ctx_id_t *ctx;
	gss_buffer_desc token, text = GSS_C_EMPTY_BUFFER, assoc = PLAY_BYTES(5, "extra");
	gss_qop_t qop = 0;
	int conf = 0, signed_qop = 0;
	OM_uint32 major, unused;
	bool is_mic;

	number = play_pick(NUM_MESSAGES);
	/* The last one most often. */
	if (number >= num_sent || play_pick(2) == 0)
		number = num_sent != 0 ? (num_sent - 1) % NUM_MESSAGES : 0;
	is_mic = sent[number].is_mic != play_rarely();
	play_call(is_mic ? kind < 8 ? "verify_mic" : "verify" : kind < 7 ? "unwrap" : kind < 8 ? "unseal" : "unwrap_aead");
	if (play_pick(6) == 5) {
		ctx = play_ctx_place(&pair, &side);
	} else {
		ctx = &play_pairs[sent[number].pair].ctx[!sent[number].side];
		play_say(" its peer");
	}
	play_say(" message %u", number);
	token = play_alter("token", &sent[number].token, 24);
	if (is_mic) {
		gss_buffer_desc other = PLAY_BYTES(5, "other"), *of = play_pick(8) == 7 ? &other : &sent[number].text;

		if (of == &other)
			play_say(" of another text");
		if (kind < 8)
			major = gss_verify_mic(play_minor(), *ctx, of, &token, play_rarely() ? NULL : &qop);
		else
			major = gss_verify(play_minor(), *ctx, of, &token, &signed_qop);
	} else if (kind < 7) {
		major =
		    gss_unwrap(play_minor(), *ctx, &token, &text, play_rarely() ? NULL : &conf, play_rarely() ? NULL : &qop);
	} else if (kind < 8) {
		major = gss_unseal(play_minor(), *ctx, &token, &text, &conf, &signed_qop);
	} else {
		major = gss_unwrap_aead(play_minor(), *ctx, &token, kind == 8 ? &assoc : NULL, &text, &conf, &qop);
	}
	free(token.value);
	play_said(major);
	if (!is_mic) {
		play_say(" %zu bytes %s", text.length,
			 text.length == sent[number].text.length &&
				 (text.length == 0 || memcmp(text.value, sent[number].text.value, text.length) == 0)
			     ? "the same"
			     : "others");
		play_say(" conf %d", conf);
	}
	if (!GSS_ERROR(major))
		play_say(" qop %u %d", qop, signed_qop);
	gss_release_buffer(&unused, &text);
}

static void
read_garbage(void)
{
	static const gss_buffer_desc tokens[] = {
	    {0, NULL},
	    PLAY_BYTES(0, ""),
	    PLAY_BYTES(1, "\x05"),
	    PLAY_BYTES(16, "\x05\x04\x00\xff\0\0\0\0\0\0\0\0\0\0\0\0"),
	    PLAY_BYTES(16, "\x04\x04\x00\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0"),
	    PLAY_BYTES(16, "\x05\x04\x02\xff\0\0\0\0\0\0\0\0\0\0\0\0"),
	    PLAY_BYTES(15, "\x05\x04\x02\xff\0\0\0\0\0\0\0\0\0\0\0"),
	    PLAY_BYTES(20, "this is none of ours"),
	    PLAY_BYTES(15, "\x60\x0d\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x02\x01"),
	    PLAY_BYTES(16, "\x04\x05\x00\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0"),
	    PLAY_BYTES(16, "\x05\x04\x00\x00\0\0\0\0\0\0\0\0\0\0\0\0"),
	    PLAY_BYTES(16, "\x05\x04\x00\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0"),
	};
	unsigned pair, side, number;
	gss_ctx_id_t *ctx;
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER, token, of = PLAY_BYTES(4, "text");
	gss_qop_t qop = 0;
	int conf = 0;
	bool is_mic = play_pick(3) == 2;
	OM_uint32 major, unused;

	play_call(is_mic ? "verify_mic" : "unwrap");
	ctx = play_ctx_place(&pair, &side);
	number = play_pick(NUM_OF(tokens));
	play_say(" garbage %u", number);
	token = tokens[number];
	if (is_mic)
		major = gss_verify_mic(play_minor(), *ctx, &of, &token, &qop);
	else
		major = gss_unwrap(play_minor(), *ctx, &token, &text, &conf, &qop);
	play_said(major);
	play_say(" %zu bytes conf %d", text.length, conf);
	gss_release_buffer(&unused, &text);
}

static void
size_limit(void)
{
	static const OM_uint32 sizes[] = {100, 0, 1, 15, 16, 28, 59, 60, 61, 76, 4096, 0x7fffffff, 0x80000000, 0xffffffff};
	unsigned pair, side;
	gss_ctx_id_t *ctx;
	gss_buffer_desc text = {0, large}, token = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, unused, size, limit = 0;
	gss_qop_t qop;
	int conf;

	play_call("wrap_size_limit");
	ctx = play_ctx_place(&pair, &side);
	conf = !play_pick(2);
	qop = pick_qop();
	size = sizes[play_pick(NUM_OF(sizes))];
	play_say(" conf %d size %u", conf, size);
	major = gss_wrap_size_limit(play_minor(), *ctx, conf, qop, size, play_rarely() ? NULL : &limit);
	play_said(major);
	play_say(" limit %u", limit);
	if (major != GSS_S_COMPLETE || size > MAX_TEXT || play_pick(2))
		return;
	play_call("wrap");
	text.length = limit;
	major = gss_wrap(play_minor(), *ctx, conf, 0, &text, NULL, &token);
	play_said(major);
	if (limit != 0 && token.length > size)
		play_say(" is too large");
	gss_release_buffer(&unused, &token);
}

static void
complete(void)
{
	unsigned pair, side;
	gss_ctx_id_t *ctx;
	gss_buffer_desc token = PLAY_BYTES(4, "text");
	OM_uint32 major;

	play_call("complete_auth_token");
	ctx = play_ctx_place(&pair, &side);
	major = gss_complete_auth_token(play_minor(), *ctx, &token);
	play_said(major);
}

const struct play_op play_messages[] = {
    {"wrap", wrap},
    {"get-mic", get_mic},
    {"read", read_message},
    {"read-garbage", read_garbage},
    {"size-limit", size_limit},
    {"complete", complete},
    {NULL, NULL},
};
