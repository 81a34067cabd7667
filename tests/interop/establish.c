/*
 * Contexts between MIT's library and ours, both ways: every enctype and kind of handshake gives both sides the same view, and the view that
 * MIT's library alone gives.
 */
#include "support/matrix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint32_t handshakes[] = { 0, MUTUAL, MUTUAL | DCE_STYLE };
static const uint32_t orders[] = { 0, REPLAY, SEQUENCE, REPLAY | SEQUENCE };
static const uint32_t protections[] = { 0, INTEG, CONF | INTEG };

/* What gss_inquire_context says on one side. */
struct view {
	char source[128], target[128];
	uint32_t lifetime, flags, is_initiator, is_open;
};

static void
copy_text(char *out, size_t room, struct blob b)
{
	snprintf(out, room, "%.*s", (int)b.len, (const char *)b.at);
}

static void
look(struct peer *p, uint32_t ctx, struct view *v)
{
	if (peer_call(p, PEER_INQUIRE, "u", ctx) != COMPLETE)
		fail_msg("inquire: %s", status_text(p));
	copy_text(v->source, sizeof(v->source), peer_blob(p));
	copy_text(v->target, sizeof(v->target), peer_blob(p));
	v->lifetime = peer_u32(p);
	assert_true(blob_is(peer_blob(p), "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02", 9));
	v->flags = peer_u32(p);
	v->is_initiator = peer_u32(p);
	v->is_open = peer_u32(p);
}

static bool
is_near(uint32_t a, uint32_t b)
{
	return a > b ? a - b <= 60 : b - a <= 60;
}

/*
 * RFC 2744 §5.19: a context that is established is ready to protect messages. MIT's library does not say so, ours does.
 */
static uint32_t
ready(uint32_t flags)
{
	return flags | PROT_READY;
}

static void
compare_views(const struct view *ours, const struct view *mits)
{
	assert_string_equal(ours->source, mits->source);
	assert_string_equal(ours->target, mits->target);
	assert_int_equal(ready(ours->flags), ready(mits->flags));
	assert_int_equal(ours->is_initiator, mits->is_initiator);
	assert_int_equal(ours->is_open, mits->is_open);
	assert_true(is_near(ours->lifetime, mits->lifetime));
}

/* Ticket flags, authorisation data (AD-IF-RELEVANT, which holds the PAC), authentication time, strength. */
static const char *const oids[] = {
	"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x01",
	"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x0a\x01",
	"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x0c",
	"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x0f",
};

static void
compare_oids(struct peer *ours, uint32_t ctx_ours, struct peer *mits, uint32_t ctx_mits)
{
	for (size_t n = 0; n < sizeof(oids) / sizeof(*oids); n++) {
		struct blob want[8];
		uint32_t major = peer_call(mits, PEER_INQUIRE_OID, "ub", ctx_mits, oids[n], strlen(oids[n])), count = peer_u32(mits);

		assert_true(count <= 8);
		for (uint32_t i = 0; i < count; i++)
			want[i] = blob_keep(peer_blob(mits));
		if (peer_call(ours, PEER_INQUIRE_OID, "ub", ctx_ours, oids[n], strlen(oids[n])) != major)
			fail_msg("OID %zu, where MIT says %08x: %s", n, major, status_text(ours));
		assert_int_equal(peer_u32(ours), count);
		for (uint32_t i = 0; i < count; i++) {
			struct blob got = peer_blob(ours);

			if (!blob_is(got, want[i].at, want[i].len))
				fail_msg("OID %zu: other bytes than MIT says", n);
			blob_drop(&want[i]);
		}
	}
}

static void
compare(struct ends *e, struct ends *control)
{
	struct view ours, mits;
	uint32_t lifetime, major;

	assert_int_equal(ready(e->flags_i), ready(control->flags_i));
	assert_int_equal(ready(e->flags_a), ready(control->flags_a));
	assert_int_equal(e->legs, control->legs);
	assert_true(is_near(e->time_i, control->time_i));
	assert_true(is_near(e->time_a, control->time_a));
	assert_string_equal(e->source, control->source);
	look(e->i, e->ctx_i, &ours);
	look(control->i, control->ctx_i, &mits);
	compare_views(&ours, &mits);
	look(e->a, e->ctx_a, &ours);
	look(control->a, control->ctx_a, &mits);
	compare_views(&ours, &mits);
	compare_oids(e->i, e->ctx_i, control->i, control->ctx_i);
	compare_oids(e->a, e->ctx_a, control->a, control->ctx_a);
	major = peer_call(e->a, PEER_TIME, "u", e->ctx_a);
	lifetime = peer_u32(e->a);
	assert_int_equal(peer_call(control->a, PEER_TIME, "u", control->ctx_a), major);
	assert_true(is_near(lifetime, peer_u32(control->a)));
}

static void
compare_keys(struct ends *e, int enctype)
{
	static const uint32_t lengths[] = { 1, 16, 31, 200 };
	int enctype_i, enctype_a;
	struct blob key_i = session_key(e->i, e->ctx_i, &enctype_i), key_a = session_key(e->a, e->ctx_a, &enctype_a);

	assert_int_equal(enctype_i, enctype);
	assert_int_equal(enctype_a, enctype);
	assert_true(blob_is(key_i, key_a.at, key_a.len));
	blob_drop(&key_i);
	blob_drop(&key_a);
	for (uint32_t key = 0; key <= 1; key++)
		for (size_t n = 0; n < 4; n++) {
			assert_int_equal(peer_call(e->i, PEER_PRF, "uusu", e->ctx_i, key, "the same on both sides", lengths[n]), COMPLETE);
			assert_int_equal(peer_call(e->a, PEER_PRF, "uusu", e->ctx_a, key, "the same on both sides", lengths[n]), COMPLETE);
			key_i = peer_blob(e->i);
			assert_int_equal(key_i.len, lengths[n]);
			assert_true(blob_is(peer_blob(e->a), key_i.at, key_i.len));
		}
}

static void
agrees_with_mit(void **state)
{
	struct pairing *p = *state;
	struct ends e, control;

	for (size_t h = 0; h < sizeof(handshakes) / sizeof(*handshakes); h++)
		for (size_t o = 0; o < sizeof(orders) / sizeof(*orders); o++)
			for (size_t c = 0; c < sizeof(protections) / sizeof(*protections); c++) {
				struct setup s = { .service = p->service, .flags = handshakes[h] | orders[o] | protections[c] };

				ends_make(&control, &s, p->matrix->i[MIT], p->matrix->a[MIT]);
				ends_make(&e, &s, p->matrix->i[p->from], p->matrix->a[p->to]);
				compare(&e, &control);
				compare_keys(&e, p->enctype);
				ends_speak(&e);
				ends_delete(&e);
				ends_delete(&control);
			}
}

static void
asks_for_less_time(void **state)
{
	struct pairing *p = *state;
	struct setup s = { .service = p->service, .flags = MUTUAL, .lifetime = 600 };
	struct ends e, control;

	ends_make(&control, &s, p->matrix->i[MIT], p->matrix->a[MIT]);
	ends_make(&e, &s, p->matrix->i[p->from], p->matrix->a[p->to]);
	compare(&e, &control);
	ends_delete(&e);
	ends_delete(&control);
}

static const char *const binding_choices[] = { NULL, "tls-unique:one", "tls-unique:two" };

static void
binds_to_a_channel(void **state)
{
	struct pairing *p = *state;
	struct ends e, control;

	for (int i = 0; i < 3; i++)
		for (int a = 0; a < 3; a++) {
			struct setup s = { .service = p->service, .flags = MUTUAL, .bindings_i = binding_choices[i],
					   .bindings_a = binding_choices[a] };

			ends_try(&control, &s, p->matrix->i[MIT], p->matrix->a[MIT]);
			ends_try(&e, &s, p->matrix->i[p->from], p->matrix->a[p->to]);
			assert_int_equal(e.major_a, control.major_a);
			assert_int_equal(e.major_i, control.major_i);
			if (e.major_a == COMPLETE) {
				assert_int_equal(ready(e.flags_a), ready(control.flags_a));
				assert_int_equal(ready(e.flags_i), ready(control.flags_i));
			}
			ends_delete(&e);
			ends_delete(&control);
		}
}

static void
delegates(void **state)
{
	struct pairing *p = *state;
	struct setup s = { .service = p->service, .flags = MUTUAL | DELEG | CONF | INTEG }, onward = { .service = "host", .flags = MUTUAL };
	struct ends e, next, control;
	struct blob name;

	ends_make(&control, &s, p->matrix->i[MIT], p->matrix->a[MIT]);
	ends_make(&e, &s, p->matrix->i[p->from], p->matrix->a[p->to]);
	compare(&e, &control);
	ends_delete(&control);
	assert_int_not_equal(e.delegated, PEER_NONE);
	assert_int_equal(peer_call(e.a, PEER_INQUIRE_CRED, "u", e.delegated), COMPLETE);
	name = peer_blob(e.a);
	assert_true(blob_is(name, e.source, strlen(e.source)));
	assert_true(peer_u32(e.a) > 60);
	assert_int_equal(peer_u32(e.a), USAGE_INITIATE);

	onward.cred_i = e.delegated + 1;
	ends_make(&next, &onward, e.a, p->matrix->a[MIT]);
	assert_string_equal(next.source, e.source);
	ends_speak(&next);
	ends_delete(&next);
	ends_speak(&e);
	ends_delete(&e);
}

/* The ticket is of one enctype; the acceptor prefers each of them for its subkey (RFC 4537). */
static void
negotiates_the_subkey(void **state)
{
	struct pairing *p = *state;
	struct ends e;
	char service[8];

	for (int ticket = 0; ticket < NUM_ENCTYPES; ticket++)
		for (int dce = 0; dce < 2; dce++) {
			struct setup s = { .service = service, .flags = MUTUAL | REPLAY | SEQUENCE | (dce ? DCE_STYLE : 0) };

			snprintf(service, sizeof(service), "enc%d", enctypes[ticket]);
			ends_make(&e, &s, p->matrix->i[p->from], p->matrix->a[p->to]);
			/* Of two legacy ones, the ticket's stays, unless DCE style asks for a subkey in any case. */
			compare_keys(&e, !dce && is_legacy(enctypes[ticket]) && is_legacy(p->enctype) ? enctypes[ticket] : p->enctype);
			ends_speak(&e);
			ends_delete(&e);
		}
}

int
main(void)
{
	const struct matrix_test tests[] = {
		{ "agrees with MIT", agrees_with_mit },   { "asks for less time", asks_for_less_time },
		{ "binds to a channel", binds_to_a_channel }, { "delegates", delegates },
		{ "negotiates the subkey", negotiates_the_subkey },
	};

	return matrix_run("establish", tests, sizeof(tests) / sizeof(*tests));
}
