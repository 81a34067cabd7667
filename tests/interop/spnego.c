/*
 * SPNEGO between MIT's library and ours, both ways: every enctype and kind of handshake gives both sides the view that MIT's library alone
 * gives, in as many tokens; where the choice is not the initiator's first, the list is signed; and half-way contexts move.
 */
#include "support/hand.h"
#include "support/matrix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char krb5[] = "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
/* Mechanisms that only one of the two libraries has: the other must choose the second of the list. */
static const char iakerb[] = "\x2b\x06\x01\x05\x02\x05";
static const char sanon[] = "\x2b\x06\x01\x04\x01\xa9\x4a\x1a\x01\x6e";

static const uint32_t handshakes[] = {0, MUTUAL, MUTUAL | DCE_STYLE};
enum { NUM_HANDSHAKES = 3, PROTECTED = REPLAY | SEQUENCE | CONF | INTEG, ANON = 0x40 /* SAnon's condition */ };

/* What gss_inquire_context says on one side. */
struct view {
	char source[128], target[128];
	uint32_t flags, is_open;
};

static void
look(struct peer *p, uint32_t ctx, struct view *v)
{
	struct blob b;

	if (peer_call(p, PEER_INQUIRE, "u", ctx) != COMPLETE)
		fail_msg("inquire: %s", status_text(p));
	b = peer_blob(p);
	snprintf(v->source, sizeof(v->source), "%.*s", (int)b.len, (const char *)b.at);
	b = peer_blob(p);
	snprintf(v->target, sizeof(v->target), "%.*s", (int)b.len, (const char *)b.at);
	assert_true(peer_u32(p) > 0);
	/* Nothing of the negotiation is left. */
	assert_true(blob_is(peer_blob(p), krb5, sizeof(krb5) - 1));
	v->flags = peer_u32(p) | PROT_READY;
	(void)peer_u32(p);
	v->is_open = peer_u32(p);
}

static void
compare(struct ends *e, struct ends *control)
{
	/* In DCE style MIT's acceptor loses the credential on the way, and ours does not. */
	uint32_t lost = (control->flags_a & DCE_STYLE) != 0 ? DELEG : 0;

	for (int side = 0; side < 2; side++) {
		struct view ours, mits;

		look(side == 0 ? e->i : e->a, side == 0 ? e->ctx_i : e->ctx_a, &ours);
		look(side == 0 ? control->i : control->a, side == 0 ? control->ctx_i : control->ctx_a, &mits);
		assert_string_equal(ours.source, mits.source);
		assert_string_equal(ours.target, mits.target);
		assert_int_equal(ours.flags, mits.flags);
		assert_true(ours.is_open && mits.is_open);
	}
	assert_int_equal(e->flags_i | PROT_READY, control->flags_i | PROT_READY);
	assert_int_equal(e->flags_a | PROT_READY | lost, control->flags_a | PROT_READY | lost);
	assert_int_equal(e->legs, control->legs);
	assert_string_equal(e->source, control->source);
	assert_int_equal(e->delegated != PEER_NONE, (e->flags_a & DELEG) != 0);
	assert_true(e->delegated != PEER_NONE || control->delegated == PEER_NONE);
}

static void
both_as_mit(const struct pairing *p, const struct setup *s)
{
	struct ends e, control;

	ends_make(&e, s, p->matrix->i[p->from], p->matrix->a[p->to]);
	ends_make(&control, s, p->matrix->i[MIT], p->matrix->a[MIT]);
	compare(&e, &control);
	ends_speak(&e);
	ends_delete(&e);
	ends_delete(&control);
}

static void
kinds(void **state)
{
	const struct pairing *p = *state;

	for (size_t h = 0; h < NUM_HANDSHAKES; h++)
		for (uint32_t deleg = 0; deleg < 2; deleg++) {
			struct setup s = {.service = p->service,
					  .negotiates = true,
					  .flags = handshakes[h] | (deleg != 0 ? DELEG : 0) | PROTECTED};

			both_as_mit(p, &s);
			s.flags = handshakes[h] | (deleg != 0 ? DELEG : 0);
			both_as_mit(p, &s);
		}
}

static void
bindings(void **state)
{
	const struct pairing *p = *state;
	struct setup s = {
	    .service = p->service, .negotiates = true, .flags = MUTUAL, .bindings_i = "channel", .bindings_a = "channel"};
	struct ends e;

	both_as_mit(p, &s);
	s.bindings_a = NULL;
	both_as_mit(p, &s);
	s.bindings_a = "another";
	ends_try(&e, &s, p->matrix->i[p->from], p->matrix->a[p->to]);
	assert_int_equal(e.major_a, BAD_BINDINGS);
	ends_delete(&e);
}

static uint32_t
negotiable(struct peer *p, uint32_t usage, const char *first, size_t first_len)
{
	if (peer_call(p, PEER_ACQUIRE_NEG, "uubb", usage, 2u, first, first_len, krb5, sizeof(krb5) - 1) != COMPLETE)
		fail_msg("%s: %s", p->lib, status_text(p));
	return peer_u32(p);
}

/* The initiator's first mechanism is one that the acceptor has not. */
static void
second_choice(void **state)
{
	const struct pairing *p = *state;
	struct peer *from = p->matrix->i[p->from], *to = p->matrix->a[p->to];
	uint32_t cred = p->from == MIT ? negotiable(from, USAGE_INITIATE, iakerb, sizeof(iakerb) - 1)
				       : negotiable(from, USAGE_INITIATE, sanon, sizeof(sanon) - 1);
	uint32_t only;

	/* MIT's acceptor has IAKERB, so it is told to do without. */
	peer_call(to, PEER_ACQUIRE_NEG, "uub", (uint32_t)USAGE_ACCEPT, 1u, krb5, sizeof(krb5) - 1);
	assert_int_equal(to->major, COMPLETE);
	only = peer_u32(to);
	for (size_t h = 0; h < NUM_HANDSHAKES; h++) {
		struct setup s = {.service = p->service,
				  .negotiates = true,
				  .cred_i = cred + 1,
				  .cred_a = only + 1,
				  .flags = handshakes[h] | ANON | PROTECTED};
		struct view v;
		struct ends e;

		ends_make(&e, &s, from, to);
		/* Two for the list, and the MICs in those of the mechanism or after them. */
		assert_true(e.legs >= 4);
		assert_string_equal(e.source, "alice@BATON.TEST");
		look(e.i, e.ctx_i, &v);
		look(e.a, e.ctx_a, &v);
		ends_speak(&e);
		ends_delete(&e);
	}
	assert_int_equal(peer_call(from, PEER_RELEASE_CRED, "u", cred), COMPLETE);
	assert_int_equal(peer_call(to, PEER_RELEASE_CRED, "u", only), COMPLETE);
}

/* A mechanism is taken away from the list on its way: the MICs tell, whoever the victim is. */
static void
list_is_protected(void **state)
{
	const struct pairing *p = *state;
	struct peer *from = p->matrix->i[p->from], *to = p->matrix->a[p->to];
	uint32_t cred = p->from == MIT ? negotiable(from, USAGE_INITIATE, iakerb, sizeof(iakerb) - 1)
				       : negotiable(from, USAGE_INITIATE, sanon, sizeof(sanon) - 1);
	struct setup s = {.service = p->service, .negotiates = true, .cred_i = cred + 1, .flags = MUTUAL | ANON | PROTECTED};
	struct ends e;
	uint8_t *last;

	ends_begin(&e, from, to);
	assert_int_equal(step_init(&e, &s), CONTINUE_NEEDED);
	/* The last arc of the first mechanism: it becomes one that nobody has. */
	last = memmem(e.token.at, e.token.len, p->from == MIT ? iakerb : sanon,
		      p->from == MIT ? sizeof(iakerb) - 1 : sizeof(sanon) - 1);
	assert_non_null(last);
	last[p->from == MIT ? sizeof(iakerb) - 2 : sizeof(sanon) - 2] ^= 1;
	while (e.major_i <= CONTINUE_NEEDED && e.major_a <= CONTINUE_NEEDED) {
		assert_false(e.major_i == COMPLETE && e.major_a == COMPLETE);
		if (e.major_a == CONTINUE_NEEDED && (step_accept(&e, &s) & ROUTINE_BITS) != 0)
			break;
		if (e.major_i == CONTINUE_NEEDED && (step_init(&e, &s) & ROUTINE_BITS) != 0)
			break;
	}
	assert_true(e.major_i != COMPLETE || e.major_a != COMPLETE);
	ends_delete(&e);
	assert_int_equal(peer_call(from, PEER_RELEASE_CRED, "u", cred), COMPLETE);
}

/* At every leg, both ends move between two of our processes, if they are ours. */
static void
moves(void **state)
{
	const struct pairing *p = *state;
	struct peer *i[2] = {p->matrix->i[p->from], NULL}, *a[2] = {p->matrix->a[p->to], NULL};

	if (p->from == MIT && p->to == MIT)
		return;
	for (int second = 0; second < 2; second++)
		for (size_t h = 0; h < NUM_HANDSHAKES; h++) {
			struct setup s = {.service = p->service,
					  .negotiates = true,
					  .flags = handshakes[h] | (second != 0 ? ANON : 0) | PROTECTED};
			struct ends e;
			uint32_t cred_i = PEER_NONE;
			int at = 0;

			if (second != 0)
				cred_i = p->from == MIT ? negotiable(i[0], USAGE_INITIATE, iakerb, sizeof(iakerb) - 1)
							: negotiable(i[0], USAGE_INITIATE, sanon, sizeof(sanon) - 1);
			if (p->from == BATON && i[1] == NULL)
				i[1] = peer_start("baton", NULL);
			if (p->to == BATON && a[1] == NULL)
				a[1] = peer_start("baton", NULL);
			ends_begin(&e, i[0], a[0]);
			while (e.major_i == CONTINUE_NEEDED || e.major_a == CONTINUE_NEEDED) {
				bool is_initiator = e.legs % 2 == 0;

				/* The credential stays where it is, the context goes on with the default one. */
				s.cred_i = second != 0 && (p->from == MIT || e.legs == 0) ? cred_i + 1 : 0;
				if (((is_initiator ? step_init(&e, &s) : step_accept(&e, &s)) & ROUTINE_BITS) != 0)
					fail_msg("leg %u: %s", e.legs, status_text(is_initiator ? e.i : e.a));
				if (e.token.len == 0)
					break;
				at ^= 1;
				if (p->from == BATON)
					hand_over_initiator(&e, i[at]);
				if (p->to == BATON && e.ctx_a != PEER_NONE)
					hand_over_acceptor(&e, a[at]);
			}
			assert_int_equal(e.major_i, COMPLETE);
			assert_int_equal(e.major_a, COMPLETE);
			ends_speak(&e);
			ends_delete(&e);
			if (cred_i != PEER_NONE)
				assert_int_equal(peer_call(i[0], PEER_RELEASE_CRED, "u", cred_i), COMPLETE);
		}
	peer_stop(i[1]);
	peer_stop(a[1]);
}

/* Nothing at all asks for hints, which are the same as MIT's. */
static void
hints(void **state)
{
	struct peer *mit = peer_start("mit", NULL), *ours = peer_start("baton", NULL);
	struct setup s = {.negotiates = true, .flags = MUTUAL};
	struct ends a, b;

	(void)state;
	ends_begin(&a, ours, mit);
	ends_begin(&b, mit, ours);
	assert_int_equal(step_accept(&a, &s), CONTINUE_NEEDED);
	assert_int_equal(step_accept(&b, &s), CONTINUE_NEEDED);
	assert_true(blob_is(a.token, b.token.at, b.token.len));
	/* Then the negotiation begins, as if nothing had been. */
	blob_drop(&b.token);
	hand_over_acceptor(&b, ours);
	assert_int_equal(step_init(&b, &s), CONTINUE_NEEDED);
	assert_int_equal(step_accept(&b, &s), COMPLETE);
	assert_int_equal(step_init(&b, &s), COMPLETE);
	ends_speak(&b);
	ends_delete(&a);
	ends_delete(&b);
	peer_stop(mit);
	peer_stop(ours);
}

/* One DER element; contents may lie where it will. */
static size_t
put(uint8_t *out, uint8_t tag, const void *contents, size_t len)
{
	size_t head = len < 128 ? 2 : len < 256 ? 3 : 4;

	memmove(out + head, contents, len);
	out[0] = tag;
	out[1] = (uint8_t)(head == 2 ? len : 0x80 + head - 2);
	if (head > 2)
		out[head - 1] = (uint8_t)len;
	if (head == 4)
		out[2] = (uint8_t)(len >> 8);
	return head + len;
}

static const char wrong_krb5[] = "\x2a\x86\x48\x82\xf7\x12\x01\x02\x02";

/*
 * What Windows sends: Kerberos by the OID that lost a bit, then by its own, and a token framed with the latter. The answer names
 * the former.
 */
static void
as_windows_does(void **state)
{
	static const char spnego[] = "\x06\x06\x2b\x06\x01\x05\x05\x02";
	struct peer *mit = peer_start("mit", NULL), *ours = peer_start("baton", NULL);
	struct setup s = {.flags = MUTUAL | PROTECTED};
	uint8_t list[64], token[8192], fields[8192];
	const uint8_t *found;
	struct blob reply;
	struct ends e;
	size_t len, at;

	(void)state;
	ends_begin(&e, mit, ours);
	assert_int_equal(step_init(&e, &s), CONTINUE_NEEDED);
	assert_true(e.token.len < 4096);
	at = put(list, 0x06, wrong_krb5, 9);
	at += put(list + at, 0x06, krb5, 9);
	at = put(list, 0x30, list, at);
	len = put(fields, 0xa0, list, at);
	at = put(token, 0x04, e.token.at, e.token.len);
	len += put(fields + len, 0xa2, token, at);
	at = put(token, 0x30, fields, len);
	len = put(fields, 0xa0, token, at);
	memcpy(token, spnego, 8);
	memcpy(token + 8, fields, len);
	len = put(fields, 0x60, token, 8 + len);
	blob_drop(&e.token);
	e.token = blob_keep((struct blob){fields, len});
	if (step_accept(&e, &s) != COMPLETE)
		fail_msg("%s", status_text(ours));
	assert_non_null(memmem(e.token.at, e.token.len, wrong_krb5, 9));
	/* The AP-REP inside is for the mechanism itself. */
	found = memmem(e.token.at, e.token.len, "\x60\x81", 2);
	assert_non_null(found);
	reply = blob_keep((struct blob){found, (size_t)found[2] + 3});
	blob_drop(&e.token);
	e.token = reply;
	if (step_init(&e, &s) != COMPLETE)
		fail_msg("%s", status_text(mit));
	ends_speak(&e);
	ends_delete(&e);
	peer_stop(mit);
	peer_stop(ours);
}

/* What Samba and old Windows answer: the same OID, whatever was offered. */
static void
as_samba_answers(void **state)
{
	struct peer *mit = peer_start("mit", NULL), *ours = peer_start("baton", NULL);
	struct setup s = {.negotiates = true, .flags = MUTUAL | PROTECTED};
	struct ends e;
	uint8_t *found;

	(void)state;
	ends_begin(&e, ours, mit);
	assert_int_equal(step_init(&e, &s), CONTINUE_NEEDED);
	assert_int_equal(step_accept(&e, &s), COMPLETE);
	found = memmem(e.token.at, e.token.len, krb5, 9);
	assert_non_null(found);
	memcpy(found, wrong_krb5, 9);
	if (step_init(&e, &s) != COMPLETE)
		fail_msg("%s", status_text(ours));
	ends_speak(&e);
	ends_delete(&e);
	peer_stop(mit);
	peer_stop(ours);
}

int
main(void)
{
	static const struct matrix_test matrix[] = {
	    {"kinds", kinds},
	    {"bindings", bindings},
	    {"second choice", second_choice},
	    {"the list is protected", list_is_protected},
	    {"moves", moves},
	};
	const struct CMUnitTest tests[] = {cmocka_unit_test(hints), cmocka_unit_test(as_windows_does),
					   cmocka_unit_test(as_samba_answers)};
	int failed = cmocka_run_group_tests_name("spnego", tests, claims_begin, claims_end);

	claims_begin(NULL);
	failed += matrix_run("spnego", matrix, sizeof(matrix) / sizeof(*matrix));
	claims_end(NULL);
	return failed;
}
