/*
 * Contexts as their keys: each end of a context has the same ones and the other's counters, whichever library either is,
 * and in the same role both libraries say the same.
 */
#include "support/matrix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const uint32_t handshakes[] = {0, MUTUAL, MUTUAL | DCE_STYLE};

struct lucid {
	uint32_t version, is_initiator, ends_at, protocol, has_acceptor_subkey, types[2];
	uint64_t send, receive;
	uint8_t keys[2][64];
	size_t lens[2];
};

static uint64_t
number(struct peer *p)
{
	struct blob b = peer_blob(p);
	uint64_t v;

	assert_int_equal(b.len, sizeof(v));
	memcpy(&v, b.at, sizeof(v));
	return v;
}

static void
look(struct peer *p, uint32_t ctx, struct lucid *out)
{
	memset(out, 0, sizeof(*out));
	if (peer_call(p, PEER_LUCID, "u", ctx) != COMPLETE)
		fail_msg("%s: %s", p->lib, status_text(p));
	/* The context is gone: two who count its messages would spoil each other's. */
	assert_int_equal(peer_u32(p), 1);
	out->version = peer_u32(p);
	out->is_initiator = peer_u32(p);
	out->ends_at = peer_u32(p);
	out->send = number(p);
	out->receive = number(p);
	out->protocol = peer_u32(p);
	out->has_acceptor_subkey = peer_u32(p);
	for (int n = 0; n < 2; n++) {
		struct blob key;

		out->types[n] = peer_u32(p);
		key = peer_blob(p);
		out->lens[n] = key.len;
		assert_true(key.len <= sizeof(out->keys[n]));
		if (key.len != 0)
			memcpy(out->keys[n], key.at, key.len);
	}
}

/* Of a new context, or of one that has carried messages. */
static void
both_ends(struct pairing *p, int from, int to, uint32_t flags, bool has_spoken, struct lucid *i, struct lucid *a)
{
	struct setup s = {.service = p->service, .flags = flags | REPLAY | SEQUENCE | CONF | INTEG};
	struct ends e;

	ends_make(&e, &s, p->matrix->i[from], p->matrix->a[to]);
	if (has_spoken)
		ends_speak(&e);
	look(e.i, e.ctx_i, i);
	look(e.a, e.ctx_a, a);
	blob_drop(&e.token);
}

static void
assert_same_keys(const struct lucid *a, const struct lucid *b)
{
	assert_int_equal(a->has_acceptor_subkey, b->has_acceptor_subkey);
	for (int n = 0; n < 2; n++) {
		assert_int_equal(a->types[n], b->types[n]);
		assert_int_equal(a->lens[n], b->lens[n]);
		assert_memory_equal(a->keys[n], b->keys[n], a->lens[n]);
	}
}

static void
both_ends_have_the_same(void **state)
{
	struct pairing *p = *state;

	for (size_t h = 0; h < sizeof(handshakes) / sizeof(*handshakes); h++) {
		bool is_newer = !is_legacy(p->enctype), has_subkey = is_newer && handshakes[h] != 0;
		struct lucid i, a;

		both_ends(p, p->from, p->to, handshakes[h], false, &i, &a);
		assert_int_equal(i.version, 1);
		assert_int_equal(a.version, 1);
		assert_int_equal(i.is_initiator, 1);
		assert_int_equal(a.is_initiator, 0);
		assert_int_equal(i.protocol, is_newer);
		assert_int_equal(a.protocol, is_newer);
		assert_int_equal(i.ends_at, a.ends_at);
		assert_same_keys(&i, &a);
		assert_true(i.lens[0] != 0);
		assert_int_equal(i.has_acceptor_subkey, has_subkey);
		assert_int_equal(i.lens[1] != 0, has_subkey);
		assert_true(i.send == a.receive);
		assert_true(a.send == i.receive);
	}
}

/* The keys are another context's, so only what does not come from chance can be compared. */
static void
says_what_mits_says(void **state)
{
	struct pairing *p = *state;

	for (size_t h = 0; h < sizeof(handshakes) / sizeof(*handshakes); h++) {
		struct lucid ours[2], mits[2];

		both_ends(p, p->from, p->to, handshakes[h], false, &ours[0], &ours[1]);
		both_ends(p, MIT, MIT, handshakes[h], false, &mits[0], &mits[1]);
		for (int side = 0; side < 2; side++) {
			assert_int_equal(ours[side].ends_at, mits[side].ends_at);
			assert_int_equal(ours[side].has_acceptor_subkey, mits[side].has_acceptor_subkey);
			for (int n = 0; n < 2; n++) {
				assert_int_equal(ours[side].types[n], mits[side].types[n]);
				assert_int_equal(ours[side].lens[n], mits[side].lens[n]);
			}
		}
	}
}

/* What was sent counts. What was received counts in our library alone: MIT's says where it began. */
static void
counts_go_on(void **state)
{
	struct pairing *p = *state;
	struct lucid i, a;

	both_ends(p, p->from, p->to, MUTUAL, true, &i, &a);
	if (p->to == BATON)
		assert_true(a.receive == i.send);
	if (p->from == BATON)
		assert_true(i.receive == a.send);
	assert_true(i.send != a.receive || p->to == BATON);
}

int
main(void)
{
	const struct matrix_test tests[] = {
	    {"both ends have the same", both_ends_have_the_same},
	    {"says what MIT's says", says_what_mits_says},
	    {"counts go on", counts_go_on},
	};

	return matrix_run("lucid", tests, sizeof(tests) / sizeof(*tests));
}
