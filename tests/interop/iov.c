/*
 * gss_wrap_iov and gss_unwrap_iov between MIT's library and ours: every legal arrangement, what lengths both ask for, and tokens that were
 * made one way and are read the other.
 */
#include "support/matrix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BUFFERS_MAX = 8 };

struct buffer {
	uint32_t type;
	uint8_t bytes[6000];
	size_t len;
};

struct arrangement {
	const char *name;
	struct {
		uint32_t type;
		size_t len;
	} buffers[BUFFERS_MAX];
	bool needs_dce;
};

#define H { IOV_HEADER | IOV_ALLOCATE, 0 }
#define P { IOV_PADDING | IOV_ALLOCATE, 0 }
#define T { IOV_TRAILER | IOV_ALLOCATE, 0 }
#define D(n) { IOV_DATA, n }
#define S(n) { IOV_SIGN_ONLY, n }
#define E { IOV_EMPTY, 0 }

static const struct arrangement arrangements[] = {
	{ "header data padding trailer", { H, D(100), P, T }, false },
	{ "header data trailer", { H, D(100), T }, false },
	{ "rotated: no trailer", { H, D(100), P }, false },
	{ "header data", { H, D(33) }, false },
	{ "empty data", { H, D(0), P, T }, false },
	{ "several data", { H, D(1), D(15), D(16), D(17), D(4000), P, T }, false },
	{ "several data, rotated", { H, D(7), D(9), D(500) }, false },
	{ "signed only before", { S(20), H, D(48), P, T }, false },
	{ "signed only around", { H, S(8), D(64), S(24), P, T }, false },
	{ "signed only, rotated", { H, S(8), D(64), S(24) }, false },
	{ "no data at all", { H, S(30), P, T }, false },
	{ "empty buffers between", { E, H, E, D(10), E, P, T }, false },
	{ "DCE", { S(16), D(160), S(8), H }, true },
	{ "DCE, several", { H, D(16), D(32), D(16) }, true },
};

static void
fill(struct buffer *b, const struct arrangement *a, size_t *num)
{
	*num = 0;
	for (size_t n = 0; n < BUFFERS_MAX; n++) {
		size_t len = a->buffers[n].len;

		if (n > 0 && a->buffers[n].type == IOV_EMPTY && (n + 1 == BUFFERS_MAX || a->buffers[n + 1].type == IOV_EMPTY))
			break;
		b[n].type = a->buffers[n].type;
		b[n].len = len;
		for (size_t i = 0; i < len; i++)
			b[n].bytes[i] = (uint8_t)(i + 16 * n);
		*num = n + 1;
	}
}

/* One call; the buffers are replaced by what came back, if it went well. */
static uint32_t
call_iov(struct peer *p, enum peer_op op, uint32_t ctx, uint32_t conf, struct buffer *b, size_t num)
{
	struct frame *f = &p->request;

	frame_clear(f);
	frame_put_u32(f, op);
	frame_put_u32(f, ctx);
	frame_put_u32(f, conf);
	frame_put_u32(f, (uint32_t)num);
	for (size_t n = 0; n < num; n++) {
		frame_put_u32(f, b[n].type);
		frame_put_blob(f, b[n].bytes, b[n].len);
	}
	if (peer_send(p) != COMPLETE)
		return p->major;
	(void)peer_u32(p);
	assert_int_equal(peer_u32(p), num);
	for (size_t n = 0; n < num; n++) {
		struct blob got;

		b[n].type = peer_u32(p);
		got = peer_blob(p);
		assert_true(got.len <= sizeof(b[n].bytes));
		memcpy(b[n].bytes, got.at, got.len);
		b[n].len = got.len;
	}
	return p->major;
}

static bool
has_type(const struct buffer *b, size_t num, uint32_t type)
{
	for (size_t n = 0; n < num; n++)
		if ((b[n].type & 0xffff) == type)
			return true;
	return false;
}

/* The receiver's buffers are its own: none of those that the sender's library allocated. */
static void
own(struct buffer *b, size_t num)
{
	for (size_t n = 0; n < num; n++)
		b[n].type &= 0xffff;
}

static void
compare_texts(const struct buffer *got, const struct buffer *want, size_t num, const char *name)
{
	for (size_t n = 0; n < num; n++)
		if ((want[n].type & 0xffff) == IOV_DATA || (want[n].type & 0xffff) == IOV_SIGN_ONLY)
			if (got[n].len != want[n].len || memcmp(got[n].bytes, want[n].bytes, want[n].len) != 0)
				fail_msg("%s: buffer %zu differs", name, n);
}

static void
try_arrangement(struct ends *e, const struct arrangement *a, uint32_t conf)
{
	static struct buffer sent[BUFFERS_MAX], made[BUFFERS_MAX];
	struct buffer *stream = calloc(2, sizeof(*stream));
	size_t num;

	fill(sent, a, &num);
	memcpy(made, sent, sizeof(made));
	if (call_iov(e->i, PEER_WRAP_IOV, e->ctx_i, conf, made, num) != COMPLETE)
		fail_msg("wrap %s, conf %u: %s", a->name, conf, status_text(e->i));
	own(made, num);
	if (!has_type(made, num, IOV_SIGN_ONLY) && !a->needs_dce) {
		/* The pieces one after the other are a token as any, if they stand in the order of a token. */
		stream[0].type = IOV_STREAM;
		stream[1].type = IOV_DATA;
		for (size_t n = 0; n < num; n++) {
			assert_true(stream[0].len + made[n].len <= sizeof(stream[0].bytes));
			memcpy(stream[0].bytes + stream[0].len, made[n].bytes, made[n].len);
			stream[0].len += made[n].len;
		}
		if (peer_call(e->a, PEER_UNWRAP, "ub", e->ctx_a, stream[0].bytes, stream[0].len) != COMPLETE)
			fail_msg("unwrap of %s, conf %u: %s", a->name, conf, status_text(e->a));
		if (call_iov(e->a, PEER_UNWRAP_IOV, e->ctx_a, 0, stream, 2) != COMPLETE)
			fail_msg("stream of %s, conf %u: %s", a->name, conf, status_text(e->a));
	}
	if (call_iov(e->a, PEER_UNWRAP_IOV, e->ctx_a, 0, made, num) != COMPLETE)
		fail_msg("unwrap_iov %s, conf %u: %s", a->name, conf, status_text(e->a));
	compare_texts(made, sent, num, a->name);
	free(stream);
}

/* Legacy tokens need a place for their padding; MIT's library asserts that there is one. */
static bool
is_possible(const struct arrangement *a, int enctype)
{
	for (size_t n = 0; n < BUFFERS_MAX; n++)
		if ((a->buffers[n].type & 0xffff) == IOV_PADDING)
			return true;
	return a->needs_dce || !is_legacy(enctype);
}

static void
arranges(void **state)
{
	struct pairing *p = *state;
	struct ends e;

	for (size_t n = 0; n < sizeof(arrangements) / sizeof(*arrangements); n++) {
		struct setup s = { .service = p->service, .flags = MUTUAL | CONF | INTEG | (arrangements[n].needs_dce ? DCE_STYLE : 0) };

		if (!is_possible(&arrangements[n], p->enctype))
			continue;
		ends_make(&e, &s, p->matrix->i[p->from], p->matrix->a[p->to]);
		for (uint32_t conf = 0; conf < 2; conf++)
			try_arrangement(&e, &arrangements[n], conf);
		ends_delete(&e);
	}
}

/* Lengths that gss_wrap_iov_length asks for, in buffers of the caller's own. */
static void
asks_for_the_same_lengths(void **state)
{
	struct pairing *p = *state;
	static struct buffer ours[BUFFERS_MAX], mits[BUFFERS_MAX];
	struct ends e, control;
	size_t num, length;

	for (size_t n = 0; n < sizeof(arrangements) / sizeof(*arrangements); n++) {
		const struct arrangement *a = &arrangements[n];
		struct setup s = { .service = p->service, .flags = MUTUAL | CONF | INTEG | (a->needs_dce ? DCE_STYLE : 0) };

		if (!is_possible(a, p->enctype))
			continue;
		ends_make(&e, &s, p->matrix->i[p->from], p->matrix->a[p->to]);
		ends_make(&control, &s, p->matrix->i[MIT], p->matrix->a[MIT]);
		for (uint32_t conf = 0; conf < 2; conf++) {
			fill(ours, a, &num);
			own(ours, num);
			memcpy(mits, ours, sizeof(mits));
			assert_int_equal(call_iov(control.i, PEER_WRAP_IOV_LENGTH, control.ctx_i, conf, mits, num), COMPLETE);
			assert_int_equal(call_iov(e.i, PEER_WRAP_IOV_LENGTH, e.ctx_i, conf, ours, num), COMPLETE);
			for (size_t i = 0; i < num; i++)
				/* MIT's library counts signed-only bytes in a legacy token's framing, when asked for lengths alone. */
				if (memcmp(ours[i].bytes, mits[i].bytes, sizeof(length)) != 0 &&
				    !(is_legacy(p->enctype) && has_type(ours, num, IOV_SIGN_ONLY)))
					fail_msg("%s, conf %u: buffer %zu has another length", a->name, conf, i);
			/* And these lengths are what it then takes. */
			for (size_t i = 0; i < num; i++) {
				memcpy(&length, ours[i].bytes, sizeof(length));
				ours[i].len = length;
				ours[i].type &= 0xffff;
			}
			if (call_iov(e.i, PEER_WRAP_IOV, e.ctx_i, conf, ours, num) != COMPLETE)
				fail_msg("%s, conf %u, lengths as asked for: %s", a->name, conf, status_text(e.i));
			own(ours, num);
			if (call_iov(e.a, PEER_UNWRAP_IOV, e.ctx_a, 0, ours, num) != COMPLETE)
				fail_msg("%s, conf %u, lengths as asked for, unwrap: %s", a->name, conf, status_text(e.a));
		}
		ends_delete(&e);
		ends_delete(&control);
	}
}

/* A token of gss_wrap, taken apart by STREAM. */
static void
streams(void **state)
{
	struct pairing *p = *state;
	struct setup s = { .service = p->service, .flags = MUTUAL | CONF | INTEG };
	static const size_t sizes[] = { 0, 1, 16, 1000 };
	static uint8_t text[1000];
	struct buffer *stream = calloc(2, sizeof(*stream));
	struct ends e;
	struct blob token;

	ends_make(&e, &s, p->matrix->i[p->from], p->matrix->a[p->to]);
	for (size_t n = 0; n < 4; n++)
		for (uint32_t conf = 0; conf < 2; conf++)
			for (uint32_t allocate = 0; allocate < 2; allocate++) {
				assert_int_equal(peer_call(e.i, PEER_WRAP, "uuub", e.ctx_i, conf, 0u, text, sizes[n]), COMPLETE);
				token = peer_blob(e.i);
				stream[0].type = IOV_STREAM;
				memcpy(stream[0].bytes, token.at, token.len);
				stream[0].len = token.len;
				stream[1].type = IOV_DATA | (allocate ? IOV_ALLOCATE : 0);
				stream[1].len = 0;
				if (call_iov(e.a, PEER_UNWRAP_IOV, e.ctx_a, 0, stream, 2) != COMPLETE)
					fail_msg("stream of %zu, conf %u: %s", sizes[n], conf, status_text(e.a));
				assert_true(blob_is((struct blob){ stream[1].bytes, stream[1].len }, text, sizes[n]));
			}
	ends_delete(&e);
	free(stream);
}

/* Arrangements that no token can have: refused with the statuses of MIT's library. */
static void
refuses_what_is_no_arrangement(void **state)
{
	static const struct arrangement bad[] = {
		{ "no header", { D(10), P, T }, false },
		{ "two headers", { H, H, D(10), T }, false },
		{ "header too short", { { IOV_HEADER, 8 }, D(10), T }, false },
		{ "trailer too short", { H, D(10), { IOV_TRAILER, 4 } }, false },
	};
	struct pairing *p = *state;
	struct setup s = { .service = p->service, .flags = MUTUAL | CONF | INTEG };
	static struct buffer ours[BUFFERS_MAX], mits[BUFFERS_MAX];
	struct ends e, control;
	size_t num;

	ends_make(&e, &s, p->matrix->i[p->from], p->matrix->a[p->to]);
	ends_make(&control, &s, p->matrix->i[MIT], p->matrix->a[MIT]);
	for (size_t n = 0; n < sizeof(bad) / sizeof(*bad); n++)
		for (uint32_t conf = 0; conf < 2; conf++) {
			uint32_t want;

			fill(ours, &bad[n], &num);
			memcpy(mits, ours, sizeof(mits));
			want = call_iov(control.i, PEER_WRAP_IOV, control.ctx_i, conf, mits, num);
			call_iov(e.i, PEER_WRAP_IOV, e.ctx_i, conf, ours, num);
			if (e.i->major != want)
				fail_msg("%s, conf %u: %08x, where MIT says %08x/%u", bad[n].name, conf, e.i->major, want, control.i->minor);
		}
	/* The context is none the worse. */
	ends_speak(&e);
	ends_delete(&e);
	ends_delete(&control);
}

int
main(void)
{
	const struct matrix_test tests[] = {
		{ "arranges", arranges },
		{ "asks for the same lengths", asks_for_the_same_lengths },
		{ "streams", streams },
		{ "refuses what is no arrangement", refuses_what_is_no_arrangement },
	};

	return matrix_run("iov", tests, sizeof(tests) / sizeof(*tests));
}
