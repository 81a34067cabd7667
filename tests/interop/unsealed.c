/*
 * Contexts that MIT's library exports, unsealed, and ours imports because the settings say so: whatever their enctype and
 * handshake, they go on with the other side where they were, replay windows included. Nothing else gets in, and without the
 * setting nothing does.
 */
#include "support/matrix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MINOR_TOKEN_UNSEALED = 1927964672 + 59 };

static const uint32_t handshakes[] = { 0, MUTUAL, MUTUAL | DCE_STYLE };
static const uint32_t orders[] = { 0, REPLAY, SEQUENCE, REPLAY | SEQUENCE };

static struct blob
take_out(struct peer *p, uint32_t ctx)
{
	struct blob token;

	if (peer_call(p, PEER_EXPORT, "u", ctx) != COMPLETE)
		fail_msg("export: %s", status_text(p));
	token = blob_keep(peer_blob(p));
	assert_int_equal(peer_u32(p), true);
	return token;
}

static uint32_t
take_in(struct peer *p, struct blob token)
{
	if (peer_call(p, PEER_IMPORT, "b", token.at, token.len) != COMPLETE)
		fail_msg("import of %zu bytes: %s", token.len, status_text(p));
	return peer_u32(p);
}

/* A context from MIT's library to ours; from ours it stays where it is. */
static void
move(struct peer **p, uint32_t *ctx, struct peer *to)
{
	struct blob token;

	if (strcmp((*p)->lib, "mit") != 0)
		return;
	token = take_out(*p, *ctx);
	*p = to;
	*ctx = take_in(to, token);
	blob_drop(&token);
}

/* What gss_inquire_context says. */
struct view {
	struct blob source, target;
	uint32_t lifetime, flags, is_initiator, is_open;
};

static void
look(struct peer *p, uint32_t ctx, struct view *v)
{
	if (peer_call(p, PEER_INQUIRE, "u", ctx) != COMPLETE)
		fail_msg("inquire: %s", status_text(p));
	v->source = blob_keep(peer_blob(p));
	v->target = blob_keep(peer_blob(p));
	v->lifetime = peer_u32(p);
	(void)peer_blob(p);
	v->flags = peer_u32(p);
	v->is_initiator = peer_u32(p);
	v->is_open = peer_u32(p);
}

/* It is the same context: but that ours says what RFC 2744 §5.19 has it say, that an open context is ready for messages. */
static void
compare(struct view *before, struct view *after)
{
	assert_true(blob_is(after->source, before->source.at, before->source.len));
	assert_true(blob_is(after->target, before->target.at, before->target.len));
	assert_true(after->lifetime <= before->lifetime && after->lifetime + 60 >= before->lifetime);
	assert_int_equal(after->flags | PROT_READY, before->flags | PROT_READY);
	assert_int_equal(after->is_initiator, before->is_initiator);
	assert_int_equal(after->is_open, before->is_open);
	blob_drop(&before->source);
	blob_drop(&before->target);
	blob_drop(&after->source);
	blob_drop(&after->target);
}

enum { NUM_MESSAGES = 5 };

static void
wrap_all(struct peer *p, uint32_t ctx, struct blob *tokens)
{
	for (int i = 0; i < NUM_MESSAGES; i++) {
		assert_int_equal(peer_call(p, PEER_WRAP, "uuus", ctx, 1u, 0u, "one of five"), COMPLETE);
		tokens[i] = blob_keep(peer_blob(p));
	}
}

static uint32_t
unwrap(struct peer *p, uint32_t ctx, struct blob token)
{
	return peer_call(p, PEER_UNWRAP, "ub", ctx, token.at, token.len);
}

/* Some of the peer's messages come before the context moves and some after, one of them twice. */
static void
move_amid_messages(struct ends *e, struct peer *to_i, struct peer *to_a, uint32_t order)
{
	struct blob to_acceptor[NUM_MESSAGES], to_initiator[NUM_MESSAGES];
	uint32_t late = (order & SEQUENCE) != 0 ? UNSEQ : COMPLETE, gap = (order & SEQUENCE) != 0 ? GAP : COMPLETE;
	uint32_t twice = (order & REPLAY) != 0 ? DUPLICATE : late;
	struct view i_before, i_after, a_before, a_after;

	wrap_all(e->i, e->ctx_i, to_acceptor);
	wrap_all(e->a, e->ctx_a, to_initiator);
	assert_int_equal(unwrap(e->a, e->ctx_a, to_acceptor[0]), COMPLETE);
	assert_int_equal(unwrap(e->a, e->ctx_a, to_acceptor[2]), gap);
	assert_int_equal(unwrap(e->i, e->ctx_i, to_initiator[0]), COMPLETE);
	assert_int_equal(unwrap(e->i, e->ctx_i, to_initiator[2]), gap);
	look(e->i, e->ctx_i, &i_before);
	look(e->a, e->ctx_a, &a_before);
	move(&e->i, &e->ctx_i, to_i);
	move(&e->a, &e->ctx_a, to_a);
	look(e->i, e->ctx_i, &i_after);
	look(e->a, e->ctx_a, &a_after);
	compare(&i_before, &i_after);
	compare(&a_before, &a_after);
	assert_int_equal(unwrap(e->a, e->ctx_a, to_acceptor[2]), twice);
	assert_int_equal(unwrap(e->a, e->ctx_a, to_acceptor[1]), late);
	assert_int_equal(unwrap(e->a, e->ctx_a, to_acceptor[4]), gap);
	assert_int_equal(unwrap(e->a, e->ctx_a, to_acceptor[3]), late);
	assert_int_equal(unwrap(e->i, e->ctx_i, to_initiator[2]), twice);
	assert_int_equal(unwrap(e->i, e->ctx_i, to_initiator[1]), late);
	assert_int_equal(unwrap(e->i, e->ctx_i, to_initiator[4]), gap);
	assert_int_equal(unwrap(e->i, e->ctx_i, to_initiator[3]), late);
	for (int n = 0; n < NUM_MESSAGES; n++) {
		blob_drop(&to_acceptor[n]);
		blob_drop(&to_initiator[n]);
	}
	ends_speak(e);
}

static void
goes_on(void **state)
{
	struct pairing *p = *state;
	struct ends e;

	for (size_t h = 0; h < sizeof(handshakes) / sizeof(*handshakes); h++)
		for (size_t o = 0; o < sizeof(orders) / sizeof(*orders); o++) {
			struct setup s = { .service = p->service, .flags = handshakes[h] | orders[o] | CONF | INTEG };

			ends_make(&e, &s, p->matrix->i[p->from], p->matrix->a[p->to]);
			move_amid_messages(&e, p->matrix->i[BATON], p->matrix->a[BATON], orders[o]);
			ends_delete(&e);
		}
}

static void
goes_on_negotiated(void **state)
{
	struct pairing *p = *state;
	struct setup s = { .service = p->service, .negotiates = true, .flags = MUTUAL | REPLAY | SEQUENCE | CONF | INTEG };
	struct ends e;

	ends_make(&e, &s, p->matrix->i[p->from], p->matrix->a[p->to]);
	move_amid_messages(&e, p->matrix->i[BATON], p->matrix->a[BATON], REPLAY | SEQUENCE);
	ends_delete(&e);
}

/* The ticket is of one enctype; the acceptor prefers each of them for its subkey (RFC 4537). */
static void
goes_on_with_two_enctypes(void **state)
{
	struct pairing *p = *state;
	struct setup s = { .flags = MUTUAL | REPLAY | SEQUENCE | CONF | INTEG };
	struct ends e;
	char service[8];

	for (int ticket = 0; ticket < NUM_ENCTYPES; ticket++)
		for (uint32_t dce = 0; dce <= DCE_STYLE; dce += DCE_STYLE) {
			snprintf(service, sizeof(service), "enc%d", enctypes[ticket]);
			s.service = service;
			s.flags = (s.flags & ~(uint32_t)DCE_STYLE) | dce;
			ends_make(&e, &s, p->matrix->i[p->from], p->matrix->a[p->to]);
			move_amid_messages(&e, p->matrix->i[BATON], p->matrix->a[BATON], REPLAY | SEQUENCE);
			ends_delete(&e);
		}
}

/* Between legs: the initiator that waits for the reply, and DCE style's acceptor that waits for the third leg. */
static void
goes_on_half_open(void **state)
{
	struct pairing *p = *state;
	struct ends e;

	for (uint32_t dce = 0; dce <= DCE_STYLE; dce += DCE_STYLE) {
		struct setup s = { .service = p->service, .flags = MUTUAL | REPLAY | SEQUENCE | dce };

		ends_begin(&e, p->matrix->i[p->from], p->matrix->a[p->to]);
		assert_int_equal(step_init(&e, &s), CONTINUE_NEEDED);
		move(&e.i, &e.ctx_i, p->matrix->i[BATON]);
		step_accept(&e, &s);
		if (dce != 0)
			move(&e.a, &e.ctx_a, p->matrix->a[BATON]);
		if (step_init(&e, &s) != COMPLETE)
			fail_msg("initiator: %s", status_text(e.i));
		if (dce != 0 && step_accept(&e, &s) != COMPLETE)
			fail_msg("acceptor: %s", status_text(e.a));
		ends_speak(&e);
		ends_delete(&e);
	}
}

/* ---- what does not get in ---- */

static uint32_t
try_in(struct peer *p, const uint8_t *token, size_t len)
{
	uint32_t major = peer_call(p, PEER_IMPORT, "b", token, len), ctx = peer_u32(p);

	assert_int_equal(ctx != PEER_NONE, major == COMPLETE);
	if (ctx != PEER_NONE)
		assert_int_equal(peer_call(p, PEER_DELETE, "u", ctx), COMPLETE);
	return major;
}

static struct blob
make_token(struct pairing *p, bool negotiates, bool of_acceptor)
{
	struct setup s = { .service = p->service, .negotiates = negotiates, .flags = MUTUAL | REPLAY | SEQUENCE };
	struct ends e;
	struct blob token;

	ends_make(&e, &s, p->matrix->i[MIT], p->matrix->a[MIT]);
	token = of_acceptor ? take_out(e.a, e.ctx_a) : take_out(e.i, e.ctx_i);
	if (of_acceptor)
		assert_int_equal(peer_call(e.i, PEER_DELETE, "u", e.ctx_i), COMPLETE);
	else
		assert_int_equal(peer_call(e.a, PEER_DELETE, "u", e.ctx_a), COMPLETE);
	blob_drop(&e.token);
	return token;
}

static bool
is_mit_alone(const struct pairing *p)
{
	return p->from == MIT && p->to == MIT;
}

/* Every end that comes too soon, and anything behind the end. Bytes that were changed harm nobody, whatever comes of them. */
static void
refuses_what_is_not_whole(void **state)
{
	struct pairing *p = *state;
	struct peer *to = p->matrix->a[BATON];

	if (!is_mit_alone(p))
		return;
	for (int way = 0; way < 4; way++) {
		struct blob token = make_token(p, way & 1, way & 2);
		uint8_t *copy = malloc(token.len + 1);

		memcpy(copy, token.at, token.len);
		copy[token.len] = 0;
		for (size_t len = 1; len < token.len; len++)
			assert_int_equal(try_in(to, copy, len) & ROUTINE_BITS, DEFECTIVE_TOKEN);
		assert_int_equal(try_in(to, copy, token.len + 1), DEFECTIVE_TOKEN);
		for (size_t at = 0; at < token.len; at += 3) {
			copy[at] ^= 0x80;
			(void)try_in(to, copy, token.len);
			copy[at] ^= 0x80;
		}
		assert_int_equal(try_in(to, copy, token.len), COMPLETE);
		free(copy);
		blob_drop(&token);
	}
}

static void
refuses_without_the_setting(void **state)
{
	static const char *const env[] = { "BATON_TRANSFER=", NULL };
	struct pairing *p = *state;
	struct peer *to;

	if (!is_mit_alone(p))
		return;
	to = peer_start("baton", env);
	for (int way = 0; way < 4; way++) {
		struct blob token = make_token(p, way & 1, way & 2);

		assert_int_equal(try_in(to, token.at, token.len), DEFECTIVE_TOKEN);
		assert_int_equal(to->minor, MINOR_TOKEN_UNSEALED);
		to->major = DEFECTIVE_TOKEN;
		assert_non_null(strstr(status_text(to), "import-unsealed = mit"));
		blob_drop(&token);
	}
	peer_stop(to);
}

/* A context that has ended, and one that is imported twice: nothing but the sealing of it makes a token good for once. */
static void
knows_the_time(void **state)
{
	struct pairing *p = *state;
	struct blob token;
	struct peer *to;

	if (!is_mit_alone(p))
		return;
	token = make_token(p, false, true);
	to = peer_start("baton", NULL);
	assert_int_equal(try_in(to, token.at, token.len), COMPLETE);
	assert_int_equal(try_in(to, token.at, token.len), COMPLETE);
	assert_int_equal(peer_call(to, PEER_CLOCK, "u", 14u * 24 * 3600), 0);
	assert_int_equal(try_in(to, token.at, token.len), NO_CONTEXT);
	peer_stop(to);
	blob_drop(&token);
}

int
main(void)
{
	const struct matrix_test tests[] = {
		{ "goes on", goes_on },
		{ "goes on, negotiated", goes_on_negotiated },
		{ "goes on with two enctypes", goes_on_with_two_enctypes },
		{ "goes on half-open", goes_on_half_open },
		{ "refuses what is not whole", refuses_what_is_not_whole },
		{ "refuses without the setting", refuses_without_the_setting },
		{ "knows the time", knows_the_time },
	};

	setenv("BATON_TRANSFER", "import-unsealed=mit", 1);
	return matrix_run("unsealed", tests, sizeof(tests) / sizeof(*tests));
}
