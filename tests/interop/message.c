/*
 * Per-message protection between MIT's library and ours: every size, kind and direction, rotated tokens, and what a receiver says of
 * messages that come twice, late or not at all.
 */
#include "support/matrix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const size_t sizes[] = { 0, 1, 15, 16, 17, 31, 32, 33, 100, 4096, 65535, 1024 * 1024 };

enum { SIZE_MAX_TEXT = 1024 * 1024, HEADER_LEN = 16, NUM_MESSAGES = 200 };

static uint8_t text[SIZE_MAX_TEXT];

static void
carries_every_size(void **state)
{
	struct pairing *p = *state;
	struct setup s = { .service = p->service, .flags = MUTUAL | REPLAY | SEQUENCE | CONF | INTEG };
	struct ends e;

	for (int mutual = 0; mutual < 2; mutual++) {
		if (mutual == 0)
			s.flags &= ~(uint32_t)MUTUAL;
		ends_make(&e, &s, p->matrix->i[p->from], p->matrix->a[p->to]);
		for (size_t n = 0; n < sizeof(sizes) / sizeof(*sizes); n++) {
			for (int conf = 0; conf < 2; conf++) {
				assert_int_equal(say_wrap(e.i, e.ctx_i, e.a, e.ctx_a, conf, text, sizes[n]), COMPLETE);
				assert_int_equal(say_wrap(e.a, e.ctx_a, e.i, e.ctx_i, conf, text, sizes[n]), COMPLETE);
			}
			assert_int_equal(say_mic(e.i, e.ctx_i, e.a, e.ctx_a, text, sizes[n]), COMPLETE);
			assert_int_equal(say_mic(e.a, e.ctx_a, e.i, e.ctx_i, text, sizes[n]), COMPLETE);
		}
		ends_delete(&e);
	}
}

static void
limits_sizes_alike(void **state)
{
	struct pairing *p = *state;
	struct setup s = { .service = p->service, .flags = MUTUAL | CONF | INTEG };
	struct ends e;
	uint32_t ours, mits;

	/* What MIT's library says of legacy tokens is less than they hold. */
	if (is_legacy(p->enctype))
		skip();
	ends_make(&e, &s, p->matrix->i[p->from], p->matrix->a[p->to]);
	for (uint32_t size = 0; size < 300; size++)
		for (uint32_t conf = 0; conf < 2; conf++) {
			assert_int_equal(peer_call(e.i, PEER_SIZE_LIMIT, "uuuu", e.ctx_i, conf, 0u, size), COMPLETE);
			ours = peer_u32(e.i);
			assert_int_equal(peer_call(e.a, PEER_SIZE_LIMIT, "uuuu", e.ctx_a, conf, 0u, size), COMPLETE);
			mits = peer_u32(e.a);
			assert_int_equal(ours, mits);
		}
	ends_delete(&e);
}

/* A token as RFC 4121 §4.2.5 lets any sender rotate it: all after the header moves right by the count, modulo its length. */
static struct blob
rotated(struct blob token, size_t count)
{
	struct blob out = blob_keep(token);
	uint8_t *at = (uint8_t *)out.at;
	size_t len = token.len - HEADER_LEN, before = (size_t)token.at[6] << 8 | token.at[7];

	for (size_t i = 0; i < len; i++)
		at[HEADER_LEN + (i + count) % len] = token.at[HEADER_LEN + (i + before) % len];
	at[6] = (uint8_t)(count >> 8);
	at[7] = (uint8_t)count;
	return out;
}

static void
takes_any_rotation(void **state)
{
	struct pairing *p = *state;
	struct setup s = { .service = p->service, .flags = MUTUAL | CONF | INTEG };
	static const size_t far[] = { 255, 256, 1000, 65535 };
	struct ends e;
	struct blob token, turned;

	if (is_legacy(p->enctype))
		skip();
	ends_make(&e, &s, p->matrix->i[p->from], p->matrix->a[p->to]);
	for (uint32_t conf = 0; conf < 2; conf++) {
		assert_int_equal(peer_call(e.i, PEER_WRAP, "uuub", e.ctx_i, conf, 0u, text, (size_t)37), COMPLETE);
		token = blob_keep(peer_blob(e.i));
		for (size_t n = 0; n < token.len + sizeof(far) / sizeof(*far); n++) {
			turned = rotated(token, n < token.len ? n : far[n - token.len]);
			if (peer_call(e.a, PEER_UNWRAP, "ub", e.ctx_a, turned.at, turned.len) != COMPLETE)
				fail_msg("rotated by %zu, conf %u: %s", n, conf, status_text(e.a));
			assert_true(blob_is(peer_blob(e.a), text, 37));
			blob_drop(&turned);
		}
		blob_drop(&token);
	}
	ends_delete(&e);
}

/*
 * Which of the messages is delivered at each step: mostly in order, with gaps, repeats and late ones. No leap is as wide as the window
 * of 64: there MIT's library shifts by more than a word has bits, and takes what is new for old.
 */
static void
make_deliveries(unsigned *which, size_t num, unsigned seed)
{
	unsigned next = 0;

	srand(seed);
	for (size_t i = 0; i < num; i++) {
		int dice = rand() % 10;
		unsigned leap = dice < 5 ? 0 : dice < 7 ? (unsigned)rand() % 4 : 30 + (unsigned)rand() % 30;

		if ((dice < 7 || (dice == 7 && rand() % 4 == 0)) && next + leap < NUM_MESSAGES) {
			which[i] = next + leap;
			next = which[i] + 1;
		} else {
			which[i] = next > 0 ? next - 1 - (unsigned)rand() % (next < 100 ? next : 100) : 0;
		}
	}
}

/* How a receiver judged each delivery. */
static void
deliver(const struct setup *s, struct peer *i, struct peer *a, const unsigned *which, uint32_t *majors, bool wraps)
{
	struct blob tokens[NUM_MESSAGES];
	struct ends e;

	ends_make(&e, s, i, a);
	for (size_t n = 0; n < NUM_MESSAGES; n++) {
		if (wraps)
			peer_call(i, PEER_WRAP, "uuub", e.ctx_i, (uint32_t)(n & 1), 0u, text, n);
		else
			peer_call(i, PEER_GET_MIC, "uub", e.ctx_i, 0u, text, n);
		assert_int_equal(i->major, COMPLETE);
		tokens[n] = blob_keep(peer_blob(i));
	}
	for (size_t n = 0; n < NUM_MESSAGES; n++) {
		struct blob t = tokens[which[n]];

		majors[n] = wraps ? peer_call(a, PEER_UNWRAP, "ub", e.ctx_a, t.at, t.len)
				  : peer_call(a, PEER_VERIFY_MIC, "ubb", e.ctx_a, text, (size_t)which[n], t.at, t.len);
		/* The text comes out whatever the order is: RFC 2744 §5.18 calls these supplementary. */
		if (wraps && (majors[n] & ROUTINE_BITS) == 0)
			assert_true(blob_is(peer_blob(a), text, which[n]));
	}
	for (size_t n = 0; n < NUM_MESSAGES; n++)
		blob_drop(&tokens[n]);
	ends_delete(&e);
}

static void
judges_order_as_mit(void **state)
{
	struct pairing *p = *state;
	static const uint32_t orders[] = { 0, REPLAY, SEQUENCE, REPLAY | SEQUENCE };
	unsigned which[NUM_MESSAGES];
	uint32_t ours[NUM_MESSAGES], mits[NUM_MESSAGES], seen = 0;

	for (unsigned seed = 1; seed <= 3; seed++)
		for (size_t o = 0; o < 4; o++) {
			struct setup s = { .service = p->service, .flags = MUTUAL | CONF | INTEG | orders[o] };

			make_deliveries(which, NUM_MESSAGES, seed);
			deliver(&s, p->matrix->i[MIT], p->matrix->a[MIT], which, mits, seed % 2);
			deliver(&s, p->matrix->i[p->from], p->matrix->a[p->to], which, ours, seed % 2);
			for (size_t n = 0; n < NUM_MESSAGES; n++) {
				if (ours[n] != mits[n])
					fail_msg("flags %x, delivery %zu of message %u: %x, where MIT says %x", s.flags, n, which[n],
						 ours[n], mits[n]);
				seen |= mits[n];
			}
		}
	/* The deliveries are worth something only if all the judgements occur. */
	assert_int_equal(seen & (DUPLICATE | OLD | UNSEQ | GAP), DUPLICATE | OLD | UNSEQ | GAP);
}

static void
crosses_in_one_context(void **state)
{
	struct pairing *p = *state;
	struct setup s = { .service = p->service, .flags = MUTUAL | REPLAY | SEQUENCE | CONF | INTEG };
	struct ends e;
	struct blob token;

	ends_make(&e, &s, p->matrix->i[p->from], p->matrix->a[p->to]);
	for (int n = 0; n < 50; n++)
		ends_speak(&e);
	/* Back to its sender: refused, and in the words of MIT's library. */
	assert_int_equal(peer_call(e.i, PEER_WRAP, "uuus", e.ctx_i, 1u, 0u, "mirror"), COMPLETE);
	token = blob_keep(peer_blob(e.i));
	assert_int_equal(peer_call(e.i, PEER_UNWRAP, "ub", e.ctx_i, token.at, token.len), BAD_MIC);
	assert_int_equal(e.i->minor, 2249944333u);
	blob_drop(&token);
	ends_delete(&e);
}

int
main(void)
{
	const struct matrix_test tests[] = {
		{ "carries every size", carries_every_size },   { "limits sizes alike", limits_sizes_alike },
		{ "takes any rotation", takes_any_rotation },   { "judges order as MIT", judges_order_as_mit },
		{ "crosses in one context", crosses_in_one_context },
	};

	for (size_t n = 0; n < sizeof(text); n++)
		text[n] = (uint8_t)(n * 31 + (n >> 8));
	return matrix_run("message", tests, sizeof(tests) / sizeof(*tests));
}
