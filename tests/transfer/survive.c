/*
 * Everything survives: what can be asked of a context, and what it makes of messages, is after a transfer what it was before.
 */
#include "support/hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NUM_MESSAGES = 200, ANSWERS_MAX = 64, LENGTH_OF_TEXT = 300 };

static const uint32_t handshakes[] = { 0, MUTUAL, MUTUAL | DCE_STYLE };
static const uint32_t orders[] = { 0, REPLAY, SEQUENCE, REPLAY | SEQUENCE };

/* Session key, ticket flags, authorisation data by type (AD-IF-RELEVANT 1, PAC 128), authentication time, strength. */
static const char *const oids[] = {
	"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x05",     "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x01",
	"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x0a\x01", "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x0a\x81\x00",
	"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x0c",     "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x0f",
};
static const size_t oid_lens[] = { 11, 11, 12, 13, 11, 11 };

/* All that a context answers, one answer behind the other; lifetimes apart, as they run. */
struct portrait {
	struct blob answers[ANSWERS_MAX];
	size_t num;
	uint32_t lifetime, context_time;
	bool has_authz;
};

static void
keep(struct portrait *p, const void *at, size_t len)
{
	assert_true(p->num < ANSWERS_MAX);
	p->answers[p->num++] = blob_keep((struct blob){ at, len });
}

static void
keep_u32(struct portrait *p, uint32_t value)
{
	keep(p, &value, sizeof(value));
}

static void
draw(struct peer *peer, uint32_t ctx, struct portrait *p)
{
	struct blob b;

	*p = (struct portrait){ 0 };
	assert_int_equal(peer_call(peer, PEER_INQUIRE, "u", ctx), COMPLETE);
	b = peer_blob(peer);
	keep(p, b.at, b.len);
	b = peer_blob(peer);
	keep(p, b.at, b.len);
	p->lifetime = peer_u32(peer);
	b = peer_blob(peer);
	keep(p, b.at, b.len);
	for (int n = 0; n < 3; n++)
		keep_u32(p, peer_u32(peer));
	assert_int_equal(peer_call(peer, PEER_TIME, "u", ctx), COMPLETE);
	p->context_time = peer_u32(peer);
	for (size_t n = 0; n < sizeof(oids) / sizeof(*oids); n++) {
		uint32_t count;

		keep_u32(p, peer_call(peer, PEER_INQUIRE_OID, "ub", ctx, oids[n], oid_lens[n]));
		count = peer_u32(peer);
		keep_u32(p, count);
		for (uint32_t i = 0; i < count; i++) {
			b = peer_blob(peer);
			keep(p, b.at, b.len);
			p->has_authz |= n == 2 && b.len > 0;
		}
	}
	for (uint32_t key = 0; key < 2; key++) {
		assert_int_equal(peer_call(peer, PEER_PRF, "uusu", ctx, key, "the same wherever", 48u), COMPLETE);
		b = peer_blob(peer);
		keep(p, b.at, b.len);
	}
	for (uint32_t conf = 0; conf < 2; conf++) {
		assert_int_equal(peer_call(peer, PEER_SIZE_LIMIT, "uuuu", ctx, conf, 0u, 1000u), COMPLETE);
		keep_u32(p, peer_u32(peer));
	}
}

static void
compare_and_drop(struct portrait *before, struct portrait *after)
{
	assert_int_equal(before->num, after->num);
	for (size_t n = 0; n < before->num; n++)
		if (!blob_is(after->answers[n], before->answers[n].at, before->answers[n].len))
			fail_msg("answer %zu is another after the transfer", n);
	/* Of ten hours. A machine may stand still for a while between the two. */
	assert_true(before->lifetime >= after->lifetime && before->lifetime - after->lifetime <= 60);
	assert_true(before->context_time >= after->context_time && before->context_time - after->context_time <= 60);
	for (size_t n = 0; n < before->num; n++) {
		blob_drop(&before->answers[n]);
		blob_drop(&after->answers[n]);
	}
}

/* One context, asked before and after, its peer speaking on in between. */
static void
move_and_compare(const struct setup *s, struct peer *mit, struct peer *from, struct peer *to, bool is_acceptor)
{
	struct portrait before, after;
	struct ends e;

	if (is_acceptor)
		ends_make(&e, s, mit, from);
	else
		ends_make(&e, s, from, mit);
	ends_speak(&e);
	draw(from, is_acceptor ? e.ctx_a : e.ctx_i, &before);
	if (is_acceptor) {
		/* Debian's KDC puts a PAC into every ticket that does not forbid it. */
		assert_int_equal(before.has_authz, strcmp(s->service, "plain") != 0);
		hand_over_acceptor(&e, to);
	} else {
		hand_over_initiator(&e, to);
	}
	draw(to, is_acceptor ? e.ctx_a : e.ctx_i, &after);
	compare_and_drop(&before, &after);
	ends_speak(&e);
	assert_int_equal(say_wrap(e.i, e.ctx_i, e.a, e.ctx_a, false, "plain", 5), COMPLETE);
	assert_int_equal(say_wrap(e.a, e.ctx_a, e.i, e.ctx_i, false, "plain", 5), COMPLETE);
	ends_delete(&e);
}

static void
answers_as_before(void **state)
{
	static const char *const services[] = { "plain", "host", "enc17", "enc18", "enc19", "enc20", "enc25", "enc26", "enc16", "enc23" };
	struct peer *mit = peer_start("mit", NULL), *from = peer_start("baton", NULL), *to = peer_start("baton", NULL);

	(void)state;
	for (size_t n = 0; n < sizeof(services) / sizeof(*services); n++)
		for (size_t h = 0; h < 3; h++)
			for (size_t o = 0; o < 4; o++)
				for (int role = 0; role < 2; role++) {
					struct setup s = { .service = services[n], .flags = handshakes[h] | orders[o] | CONF | INTEG };

					move_and_compare(&s, mit, from, to, role);
				}
	peer_stop(mit);
	peer_stop(from);
	peer_stop(to);
}

/* The subkey of the acceptor is of another enctype than the ticket. */
static void
mixed_enctypes(void **state)
{
	struct peer *mit = peer_start("mit", NULL);

	(void)state;
	for (int preferred = 17; preferred <= 20; preferred++) {
		char *conf = prefer_enctype(preferred);
		const char *const env[] = { conf, NULL };
		struct peer *from = peer_start("baton", env), *to = peer_start("baton", NULL);

		for (int ticket = 17; ticket <= 20; ticket++) {
			char service[8];
			struct setup s = { .service = service, .flags = MUTUAL | REPLAY | SEQUENCE | CONF | INTEG };

			snprintf(service, sizeof(service), "enc%d", ticket);
			move_and_compare(&s, mit, from, to, true);
			move_and_compare(&s, mit, from, to, false);
		}
		peer_stop(from);
		peer_stop(to);
		free(conf);
	}
	peer_stop(mit);
}

static const char text[LENGTH_OF_TEXT] = "a message among others";

/* Tokens delivered in disorder to a context that moves every few messages, and to one that stays. */
static void
deliver(const struct setup *s, struct peer *client, struct peer *one, struct peer *two, unsigned seed, int move_every, uint32_t *majors)
{
	struct blob tokens[NUM_MESSAGES];
	struct ends e;

	ends_make(&e, s, client, one);
	for (size_t n = 0; n < NUM_MESSAGES; n++) {
		assert_int_equal(peer_call(client, PEER_WRAP, "uuub", e.ctx_i, (uint32_t)(n & 1), 0u, text, n), COMPLETE);
		tokens[n] = blob_keep(peer_blob(client));
	}
	srand(seed);
	for (unsigned n = 0, next = 0; n < NUM_MESSAGES; n++) {
		int dice = rand() % 10;
		unsigned which = dice < 6 ? next++ : dice < 8 ? (next += (unsigned)rand() % 40) : next - (unsigned)rand() % (next + 1);

		which %= NUM_MESSAGES;
		majors[n] = peer_call(e.a, PEER_UNWRAP, "ub", e.ctx_a, tokens[which].at, tokens[which].len);
		assert_true(blob_is(peer_blob(e.a), text, which));
		if (move_every != 0 && n % (unsigned)move_every == 0)
			hand_over_acceptor(&e, e.a == one ? two : one);
	}
	for (size_t n = 0; n < NUM_MESSAGES; n++)
		blob_drop(&tokens[n]);
	ends_delete(&e);
}

static void
judges_order_as_before(void **state)
{
	struct peer *client = peer_start("mit", NULL), *stays = peer_start("mit", NULL);
	struct peer *one = peer_start("baton", NULL), *two = peer_start("baton", NULL);
	uint32_t moved[NUM_MESSAGES], stayed[NUM_MESSAGES], seen = 0;

	(void)state;
	for (unsigned seed = 1; seed <= 6; seed++)
		for (size_t o = 0; o < 4; o++) {
			struct setup s = { .service = "host", .flags = MUTUAL | CONF | INTEG | orders[o] };

			deliver(&s, client, stays, NULL, seed, 0, stayed);
			deliver(&s, client, one, two, seed, (int)seed, moved);
			for (size_t n = 0; n < NUM_MESSAGES; n++) {
				if (moved[n] != stayed[n])
					fail_msg("flags %x, seed %u, delivery %zu: %x, where a context that stays says %x", s.flags, seed, n,
						 moved[n], stayed[n]);
				seen |= stayed[n];
			}
		}
	assert_int_equal(seen, DUPLICATE | OLD | UNSEQ | GAP);
	peer_stop(client);
	peer_stop(stays);
	peer_stop(one);
	peer_stop(two);
}

/* The case that the promise names, in small. */
static void
old_is_duplicate_and_gap_is_gap(void **state)
{
	struct peer *client = peer_start("mit", NULL), *one = peer_start("baton", NULL), *two = peer_start("baton", NULL);
	struct setup s = { .service = "host", .flags = MUTUAL | REPLAY | SEQUENCE | CONF | INTEG };
	struct blob tokens[4];
	struct ends e;

	(void)state;
	ends_make(&e, &s, client, one);
	for (int n = 0; n < 4; n++) {
		assert_int_equal(peer_call(client, PEER_WRAP, "uuus", e.ctx_i, 1u, 0u, "text"), COMPLETE);
		tokens[n] = blob_keep(peer_blob(client));
	}
	assert_int_equal(peer_call(one, PEER_UNWRAP, "ub", e.ctx_a, tokens[0].at, tokens[0].len), COMPLETE);
	hand_over_acceptor(&e, two);
	assert_int_equal(peer_call(two, PEER_UNWRAP, "ub", e.ctx_a, tokens[0].at, tokens[0].len), DUPLICATE);
	assert_int_equal(peer_call(two, PEER_UNWRAP, "ub", e.ctx_a, tokens[3].at, tokens[3].len), GAP);
	hand_over_acceptor(&e, one);
	assert_int_equal(peer_call(one, PEER_UNWRAP, "ub", e.ctx_a, tokens[1].at, tokens[1].len), UNSEQ);
	assert_int_equal(peer_call(one, PEER_UNWRAP, "ub", e.ctx_a, tokens[3].at, tokens[3].len), DUPLICATE);
	for (int n = 0; n < 4; n++)
		blob_drop(&tokens[n]);
	ends_delete(&e);
	peer_stop(client);
	peer_stop(one);
	peer_stop(two);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_as_before),
		cmocka_unit_test(mixed_enctypes),
		cmocka_unit_test(judges_order_as_before),
		cmocka_unit_test(old_is_duplicate_and_gap_is_gap),
	};

	return cmocka_run_group_tests_name("survive", tests, claims_begin, claims_end);
}
