/* Messages in pieces: any arrangement of IOV buffers, and the same pieces read again. */
#include <stdlib.h>
#include <string.h>

#include "play.h"

enum { MAX_PIECES = 8, ROOM = 256 };

static const OM_uint32 types[] = {
    GSS_IOV_BUFFER_TYPE_HEADER,	     GSS_IOV_BUFFER_TYPE_DATA,
    GSS_IOV_BUFFER_TYPE_PADDING,     GSS_IOV_BUFFER_TYPE_TRAILER,
    GSS_IOV_BUFFER_TYPE_SIGN_ONLY,   GSS_IOV_BUFFER_TYPE_EMPTY,
    GSS_IOV_BUFFER_TYPE_STREAM,	     GSS_IOV_BUFFER_TYPE_MIC_TOKEN,
    GSS_IOV_BUFFER_TYPE_MECH_PARAMS, 99,
};

/* The last message sent in pieces. */
static struct {
	gss_iov_buffer_desc iov[MAX_PIECES];
	uint8_t rooms[MAX_PIECES][ROOM];
	int num;
	unsigned pair, side; /* of the sender */
	bool is_mic;
} sent;

static gss_iov_buffer_desc pieces[MAX_PIECES];
static uint8_t rooms[MAX_PIECES][ROOM];
static int num_pieces;

static void
add(OM_uint32 type, size_t len)
{
	memset(rooms[num_pieces], 'a' + num_pieces, ROOM);
	pieces[num_pieces] = (gss_iov_buffer_desc){type, {len, rooms[num_pieces]}};
	num_pieces++;
	play_say(" %x:%zu", type, len);
}

/* Sensible arrangements, and then any. */
static void
arrange(bool is_mic)
{
	static const size_t lens[] = {9, 16, 0, 1, 100, 32};
	OM_uint32 allocate = play_pick(2) == 0 ? GSS_IOV_BUFFER_FLAG_ALLOCATE : 0;
	size_t len = lens[play_pick(NUM_OF(lens))];

	num_pieces = 0;
	if (is_mic && play_pick(4) < 3) {
		add(GSS_IOV_BUFFER_TYPE_DATA, len);
		if (play_pick(2))
			add(GSS_IOV_BUFFER_TYPE_SIGN_ONLY, 10);
		add(GSS_IOV_BUFFER_TYPE_MIC_TOKEN | allocate, allocate ? 0 : 64);
		return;
	}
	switch (play_pick(6)) {
	case 0:
	case 1:
		add(GSS_IOV_BUFFER_TYPE_HEADER | allocate, allocate ? 0 : 64);
		add(GSS_IOV_BUFFER_TYPE_DATA, len);
		add(GSS_IOV_BUFFER_TYPE_PADDING | allocate, allocate ? 0 : 16);
		add(GSS_IOV_BUFFER_TYPE_TRAILER | allocate, allocate ? 0 : 64);
		break;
	case 2:
		add(GSS_IOV_BUFFER_TYPE_SIGN_ONLY, 10);
		add(GSS_IOV_BUFFER_TYPE_HEADER | allocate, allocate ? 0 : 64);
		add(GSS_IOV_BUFFER_TYPE_DATA, len);
		add(GSS_IOV_BUFFER_TYPE_DATA, 5);
		add(GSS_IOV_BUFFER_TYPE_PADDING | allocate, allocate ? 0 : 16);
		add(GSS_IOV_BUFFER_TYPE_TRAILER | allocate, allocate ? 0 : 64);
		break;
	case 3:
		add(GSS_IOV_BUFFER_TYPE_HEADER | allocate, allocate ? 0 : 128);
		add(GSS_IOV_BUFFER_TYPE_DATA, len);
		break;
	default:
		for (unsigned i = 0, num = play_pick(MAX_PIECES); i < num; i++) {
			OM_uint32 type = types[play_pick(play_pick(4) == 3 ? NUM_OF(types) : 5)];

			add(type | (play_pick(2) ? GSS_IOV_BUFFER_FLAG_ALLOCATE : 0),
			    (size_t[]){64, 16, 0, 9, 3, 200}[play_pick(6)]);
		}
	}
}

static void
say_pieces(void)
{
	for (int i = 0; i < num_pieces; i++)
		play_say(" %x:%zu", pieces[i].type, pieces[i].buffer.length);
}

static void
lengths(void)
{
	bool is_mic = play_pick(4) == 3;
	unsigned pair, side;
	gss_ctx_id_t *ctx;
	gss_qop_t qop;
	int conf, conf_state = 0;
	OM_uint32 major;

	play_call(is_mic ? "get_mic_iov_length" : "wrap_iov_length");
	ctx = play_ctx_place(&pair, &side);
	conf = !play_pick(2);
	qop = play_pick(12) == 11;
	play_say(" conf %d qop %u", conf, qop);
	arrange(is_mic);
	/* Room of our own is not looked at. */
	for (int i = 0; i < num_pieces; i++)
		if (play_pick(2) && GSS_IOV_BUFFER_TYPE(pieces[i].type) != GSS_IOV_BUFFER_TYPE_DATA)
			pieces[i].buffer = (gss_buffer_desc){0, NULL};
	if (is_mic)
		major = gss_get_mic_iov_length(play_minor(), *ctx, qop, pieces, num_pieces);
	else
		major = gss_wrap_iov_length(play_minor(), *ctx, conf, qop, &conf_state, pieces, num_pieces);
	play_said(major);
	if (!GSS_ERROR(major))
		say_pieces();
	play_say(" conf %d", conf_state);
}

static void
send_pieces(void)
{
	bool is_mic = play_pick(4) == 3;
	unsigned pair, side;
	gss_ctx_id_t *ctx;
	gss_qop_t qop;
	int conf, conf_state = 0;
	OM_uint32 major, unused;

	play_call(is_mic ? "get_mic_iov" : "wrap_iov");
	ctx = play_ctx_place(&pair, &side);
	conf = !play_pick(2);
	qop = play_pick(12) == 11;
	play_say(" conf %d qop %u", conf, qop);
	arrange(is_mic);
	if (is_mic)
		major = gss_get_mic_iov(play_minor(), *ctx, qop, pieces, num_pieces);
	else
		major = gss_wrap_iov(play_minor(), *ctx, conf, qop, &conf_state, pieces, num_pieces);
	play_said(major);
	play_say(" conf %d", conf_state);
	if (!GSS_ERROR(major)) {
		say_pieces();
		sent.num = num_pieces;
		sent.pair = pair;
		sent.side = side;
		sent.is_mic = is_mic;
		for (int i = 0; i < num_pieces; i++) {
			size_t len = pieces[i].buffer.length < ROOM ? pieces[i].buffer.length : ROOM;

			sent.iov[i] = (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE(pieces[i].type), {len, sent.rooms[i]}};
			if (len != 0)
				memcpy(sent.rooms[i], pieces[i].buffer.value, len);
		}
	}
	play_call("release_iov_buffer");
	major = gss_release_iov_buffer(&unused, pieces, num_pieces);
	play_said(major);
	if (GSS_ERROR(major))
		return;
	play_say(" %d", num_pieces);
}

/* As it was sent, or as one stream, or with a piece more, less, or shorter. */
static void
read_pieces(void)
{
	static uint8_t stream[MAX_PIECES * ROOM], copies[MAX_PIECES][ROOM];
	unsigned pair, side, kind = play_pick(8), which;
	gss_ctx_id_t *ctx;
	gss_iov_buffer_desc iov[MAX_PIECES + 1];
	gss_qop_t qop = 0;
	int conf = 0, num = sent.num;
	size_t len = 0;
	OM_uint32 major, unused;

	play_call(sent.is_mic ? "verify_mic_iov" : "unwrap_iov");
	if (play_pick(6) == 5) {
		ctx = play_ctx_place(&pair, &side);
	} else {
		ctx = &play_pairs[sent.pair].ctx[!sent.side];
		play_say(" its peer");
	}
	which = play_pick(MAX_PIECES);
	for (int i = 0; i < num; i++) {
		memcpy(copies[i], sent.rooms[i], sent.iov[i].buffer.length);
		iov[i] = (gss_iov_buffer_desc){sent.iov[i].type, {sent.iov[i].buffer.length, copies[i]}};
		if (sent.iov[i].type != GSS_IOV_BUFFER_TYPE_SIGN_ONLY) {
			memcpy(stream + len, sent.rooms[i], sent.iov[i].buffer.length);
			len += sent.iov[i].buffer.length;
		}
	}
	play_say(" kind %u %u", kind, which);
	if (kind == 3 || kind == 4) {
		int at = 0;

		iov[at++] = (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE_STREAM, {len, stream}};
		for (int i = 0; i < num; i++)
			if (sent.iov[i].type == GSS_IOV_BUFFER_TYPE_SIGN_ONLY)
				iov[at++] = (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE_SIGN_ONLY,
								  {sent.iov[i].buffer.length, copies[i]}};
		iov[at++] =
		    (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE_DATA | (kind == 4 ? GSS_IOV_BUFFER_FLAG_ALLOCATE : 0), {0, NULL}};
		num = at;
	} else if (kind == 5 && num > 0) {
		iov[which % (unsigned)num].buffer.length /= 2;
	} else if (kind == 6 && num > 0) {
		iov[which % (unsigned)num].type = GSS_IOV_BUFFER_TYPE_EMPTY;
	} else if (kind == 7 && num > 0 && iov[which % (unsigned)num].buffer.length != 0) {
		copies[which % (unsigned)num][0] ^= 4;
	}
	if (sent.is_mic)
		major = gss_verify_mic_iov(play_minor(), *ctx, &qop, iov, num);
	else
		major = gss_unwrap_iov(play_minor(), *ctx, &conf, &qop, iov, num);
	play_said(major);
	if (!GSS_ERROR(major)) {
		for (int i = 0; i < num; i++) {
			play_say(" %x:%zu", iov[i].type, iov[i].buffer.length);
			if (GSS_IOV_BUFFER_TYPE(iov[i].type) == GSS_IOV_BUFFER_TYPE_DATA)
				play_say_bytes("", &iov[i].buffer);
		}
		play_say(" conf %d qop %u", conf, qop);
	}
	gss_release_iov_buffer(&unused, iov, num);
}

const struct play_op play_pieces[] = {
    {"lengths", lengths},
    {"send-pieces", send_pieces},
    {"read-pieces", read_pieces},
    {NULL, NULL},
};
