/*
 * IAKERB between MIT's library and ours, both ways. The initiators reach no KDC: what they get from one, the acceptor
 * carried. Both sides have the view that MIT's library alone gives, in as many tokens.
 */
#include "support/hand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const libs[] = {"mit", "baton"};
enum { MIT, BATON, NUM_LIBS, PROTECTED = REPLAY | SEQUENCE | CONF | INTEG };

static const char krb5[] = "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
static const char iakerb[] = "\x2b\x06\x01\x05\x02\x05";
static const char spnego[] = "\x2b\x06\x01\x05\x05\x02";

static const uint32_t handshakes[] = {0, MUTUAL, MUTUAL | DCE_STYLE};
enum { NUM_HANDSHAKES = 3 };

/* ---- peers ---- */

/* By this configuration the KDC is where nobody listens. */
static char far_conf[600], far_cache[] = "KRB5CCNAME=MEMORY:far";

static int
write_far_conf(void **state)
{
	char text[8192], path[512];
	const char *kdc, *end;
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "%s/krb5.conf", getenv("BATON_REALM_DIR"));
	file = fopen(path, "r");
	assert_non_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	kdc = strstr(text, "kdc = 127.0.0.1:");
	assert_non_null(kdc);
	kdc += strlen("kdc = 127.0.0.1:");
	end = kdc + strspn(kdc, "0123456789");
	snprintf(far_conf, sizeof(far_conf), "KRB5_CONFIG=%s/far.conf", getenv("BATON_REALM_DIR"));
	file = fopen(far_conf + strlen("KRB5_CONFIG="), "w");
	assert_non_null(file);
	fprintf(file, "%.*s1%s", (int)(kdc - text), text, end);
	fclose(file);
	return claims_begin(state);
}

/* Nothing in its cache, no way to a KDC, but a client keytab. */
static struct peer *
start_far(int lib)
{
	return peer_start(libs[lib], (const char *const[]){far_conf, far_cache, NULL});
}

static uint32_t
acquire(struct peer *p, const char *name, const char *password, uint32_t usage)
{
	uint32_t type = name[0] != '\0' ? PEER_NAME_USER : PEER_NAME_NONE;

	if (peer_call(p, PEER_ACQUIRE_MECH, "susub", name, type, password, usage, iakerb, sizeof(iakerb) - 1) != COMPLETE)
		fail_msg("%s: %s", p->lib, status_text(p));
	return peer_u32(p);
}

static void
release(struct peer *p, uint32_t cred)
{
	assert_int_equal(peer_call(p, PEER_RELEASE_CRED, "u", cred), COMPLETE);
}

/* ---- views ---- */

struct view {
	char source[128], target[128];
	uint32_t flags, is_open;
};

static void
look(struct peer *p, uint32_t ctx, struct view *v)
{
	bool is_iakerb, is_initiator;
	struct blob b;

	if (peer_call(p, PEER_INQUIRE, "u", ctx) != COMPLETE)
		fail_msg("inquire: %s", status_text(p));
	b = peer_blob(p);
	snprintf(v->source, sizeof(v->source), "%.*s", (int)b.len, (const char *)b.at);
	b = peer_blob(p);
	snprintf(v->target, sizeof(v->target), "%.*s", (int)b.len, (const char *)b.at);
	assert_true(peer_u32(p) > 0);
	is_iakerb = blob_is(peer_blob(p), iakerb, sizeof(iakerb) - 1);
	v->flags = peer_u32(p) | PROT_READY;
	is_initiator = peer_u32(p) != 0;
	v->is_open = peer_u32(p);
	/* In DCE style no token says so, and MIT's acceptor then takes it for Kerberos alone. */
	assert_true(is_iakerb || ((v->flags & DCE_STYLE) != 0 && !is_initiator && strcmp(p->lib, "mit") == 0));
}

static void
compare(const struct ends *e, const struct ends *control)
{
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
	assert_int_equal(e->flags_a | PROT_READY, control->flags_a | PROT_READY);
	assert_int_equal(e->legs, control->legs);
	assert_string_equal(e->source, control->source);
	assert_string_equal(e->source, "alice@BATON.TEST");
}

/* ---- the four pairs ---- */

struct pairing {
	int from, to;
	struct peer *i, *a;
	uint32_t cred_a;
};

static void
pair_up(struct pairing *p, int from, int to)
{
	*p = (struct pairing){.from = from, .to = to, .i = start_far(from), .a = peer_start(libs[to], NULL)};
	p->cred_a = acquire(p->a, "", "", USAGE_ACCEPT);
}

static void
part(struct pairing *p)
{
	release(p->a, p->cred_a);
	peer_stop(p->i);
	peer_stop(p->a);
}

static void
each_pair(void (*run)(struct pairing *p))
{
	for (int n = 0; n < NUM_LIBS * NUM_LIBS; n++) {
		struct pairing p;

		pair_up(&p, n & 1, n >> 1);
		run(&p);
		part(&p);
	}
}

/* ---- tests ---- */

/* The password's AS exchange, the TGS exchange and the proof, each time with a new credential; and as MIT's library with itself. */
static void
run_passwords(struct pairing *p)
{
	struct pairing alone;

	pair_up(&alone, MIT, MIT);
	for (size_t h = 0; h < NUM_HANDSHAKES; h++) {
		uint32_t cred = acquire(p->i, "alice", "wonderland", USAGE_INITIATE);
		uint32_t cred_alone = acquire(alone.i, "alice", "wonderland", USAGE_INITIATE);
		struct setup s = {
		    .is_iakerb = true, .flags = handshakes[h] | PROTECTED, .cred_i = cred + 1, .cred_a = p->cred_a + 1};
		struct ends e, control;

		ends_make(&e, &s, p->i, p->a);
		s.cred_i = cred_alone + 1;
		s.cred_a = alone.cred_a + 1;
		ends_make(&control, &s, alone.i, alone.a);
		compare(&e, &control);
		assert_true(e.legs >= 7);
		ends_speak(&e);
		ends_delete(&e);
		ends_delete(&control);
		release(p->i, cred);
		release(alone.i, cred_alone);
	}
	part(&alone);
}

static void
passwords(void **state)
{
	each_pair(run_passwords);
}

/* The default credential, which has a client keytab; and then a ticket, with which there is nothing left to carry. */
static void
run_keytab(struct pairing *p)
{
	struct setup s = {.is_iakerb = true, .flags = MUTUAL | PROTECTED, .cred_a = p->cred_a + 1};
	struct ends e;

	ends_make(&e, &s, p->i, p->a);
	assert_true(e.legs >= 6);
	assert_string_equal(e.source, "alice@BATON.TEST");
	ends_speak(&e);
	ends_delete(&e);
	/* MIT's acceptor loses a context that begins with Kerberos' own token. */
	if (p->to == MIT)
		return;
	ends_make(&e, &s, p->i, p->a);
	assert_int_equal(e.legs, 2);
	ends_speak(&e);
	ends_delete(&e);
}

static void
keytabs(void **state)
{
	each_pair(run_keytab);
}

/* Within SPNEGO, where both sides name it. */
static void
run_negotiated(struct pairing *p)
{
	uint32_t cred_i, cred_a;
	struct view v;

	assert_int_equal(peer_call(p->i, PEER_ACQUIRE_NEG, "uub", (uint32_t)USAGE_INITIATE, 1u, iakerb, sizeof(iakerb) - 1),
			 COMPLETE);
	cred_i = peer_u32(p->i);
	assert_int_equal(peer_call(p->a, PEER_ACQUIRE_NEG, "uub", (uint32_t)USAGE_ACCEPT, 1u, iakerb, sizeof(iakerb) - 1),
			 COMPLETE);
	cred_a = peer_u32(p->a);
	for (size_t h = 0; h < NUM_HANDSHAKES; h++) {
		struct setup s = {
		    .negotiates = true, .flags = handshakes[h] | PROTECTED, .cred_i = cred_i + 1, .cred_a = cred_a + 1};
		struct ends e;

		/* With the first one's ticket in the cache MIT's acceptor would lose the next. */
		if (h != 0 && p->to == MIT)
			break;
		ends_make(&e, &s, p->i, p->a);
		look(e.i, e.ctx_i, &v);
		look(e.a, e.ctx_a, &v);
		assert_string_equal(e.source, "alice@BATON.TEST");
		ends_speak(&e);
		ends_delete(&e);
	}
	release(p->i, cred_i);
	release(p->a, cred_a);
}

static void
negotiated(void **state)
{
	each_pair(run_negotiated);
}

/* After every token an acceptor of ours goes on in another process, which has a credential of its own. */
static void
moves(void **state)
{
	for (int from = MIT; from < NUM_LIBS; from++)
		for (int negotiates = 0; negotiates < 2; negotiates++) {
			struct peer *i = start_far(from), *a[2];
			struct setup s = {.negotiates = negotiates != 0, .is_iakerb = true, .flags = MUTUAL | PROTECTED};
			uint32_t creds[2];
			struct ends e;
			int at = 0;

			for (int n = 0; n < 2; n++) {
				a[n] = peer_start("baton", NULL);
				peer_call(a[n], PEER_ACQUIRE_NEG, "uub", (uint32_t)USAGE_ACCEPT, 1u, iakerb,
					  sizeof(iakerb) - 1);
				assert_int_equal(a[n]->major, COMPLETE);
				creds[n] = peer_u32(a[n]);
			}
			if (negotiates) {
				peer_call(i, PEER_ACQUIRE_NEG, "uub", (uint32_t)USAGE_INITIATE, 1u, iakerb, sizeof(iakerb) - 1);
				assert_int_equal(i->major, COMPLETE);
				s.cred_i = peer_u32(i) + 1;
			}
			ends_begin(&e, i, a[0]);
			while (e.major_i == CONTINUE_NEEDED || e.major_a == CONTINUE_NEEDED) {
				s.cred_a = creds[at] + 1;
				if (e.major_i == CONTINUE_NEEDED && (step_init(&e, &s) & ROUTINE_BITS) != 0)
					fail_msg("leg %u: %s", e.legs, status_text(i));
				if (e.major_a == CONTINUE_NEEDED && (step_accept(&e, &s) & ROUTINE_BITS) != 0)
					fail_msg("leg %u: %s", e.legs, status_text(a[at]));
				at ^= 1;
				hand_over_acceptor(&e, a[at]);
			}
			assert_true(e.legs >= 6);
			ends_speak(&e);
			ends_delete(&e);
			peer_stop(i);
			peer_stop(a[0]);
			peer_stop(a[1]);
		}
}

/* An initiator of ours that is still getting its tickets stays where it is, and goes on; then it moves. */
static void
initiator_stays(void **state)
{
	for (int to = MIT; to < NUM_LIBS; to++) {
		struct peer *other = peer_start("baton", NULL);
		struct pairing p;
		struct ends e;
		int stayed = 0;

		pair_up(&p, BATON, to);
		struct setup s = {.is_iakerb = true, .flags = MUTUAL | PROTECTED, .cred_a = p.cred_a + 1};

		ends_begin(&e, p.i, p.a);
		while (e.major_i == CONTINUE_NEEDED || e.major_a == CONTINUE_NEEDED) {
			if (e.major_i == CONTINUE_NEEDED && step_init(&e, &s) == CONTINUE_NEEDED && e.flags_i == 0) {
				assert_int_equal(peer_call(e.i, PEER_EXPORT, "u", e.ctx_i), UNAVAILABLE);
				stayed++;
			} else if (e.major_i == CONTINUE_NEEDED) {
				hand_over_initiator(&e, other);
			}
			assert_int_equal(e.major_i & ROUTINE_BITS, 0);
			if (e.major_a == CONTINUE_NEEDED)
				assert_int_equal(step_accept(&e, &s) & ROUTINE_BITS, 0);
		}
		assert_true(stayed >= 2);
		assert_ptr_equal(e.i, other);
		ends_speak(&e);
		ends_delete(&e);
		part(&p);
		peer_stop(other);
	}
}

static void
run_refusals(struct pairing *p)
{
	struct setup s = {.is_iakerb = true, .flags = MUTUAL | PROTECTED, .cred_a = p->cred_a + 1};
	struct ends e;

	/* A wrong password is the initiator's to notice, in a leg. */
	s.cred_i = acquire(p->i, "alice", "looking-glass", USAGE_INITIATE) + 1;
	ends_try(&e, &s, p->i, p->a);
	assert_int_equal(e.major_i, FAILURE);
	assert_int_equal(e.major_a, CONTINUE_NEEDED);
	assert_non_null(strstr(status_text(p->i), "Preauthentication failed"));
	ends_delete(&e);
	release(p->i, s.cred_i - 1);
	/* Channel bindings count as ever. */
	s.cred_i = acquire(p->i, "alice", "wonderland", USAGE_INITIATE) + 1;
	s.bindings_i = "channel";
	s.bindings_a = "another";
	ends_try(&e, &s, p->i, p->a);
	assert_int_equal(e.major_a, BAD_BINDINGS);
	ends_delete(&e);
	release(p->i, s.cred_i - 1);
	/* Without a credential for it nobody carries. */
	s = (struct setup){.is_iakerb = true, .flags = MUTUAL};
	s.cred_i = acquire(p->i, "alice", "wonderland", USAGE_INITIATE) + 1;
	ends_begin(&e, p->i, p->a);
	assert_int_equal(step_init(&e, &s), CONTINUE_NEEDED);
	assert_int_equal(step_accept(&e, &s), NO_CRED);
	ends_delete(&e);
	release(p->i, s.cred_i - 1);
}

static void
refusals(void **state)
{
	each_pair(run_refusals);
}

/* A realm that the acceptor has not heard of: MIT's initiator reads our answer. */
static void
unknown_realms(void **state)
{
	for (int from = MIT; from < NUM_LIBS; from++) {
		struct pairing p;
		struct ends e;

		pair_up(&p, from, BATON);
		struct setup s = {.is_iakerb = true, .flags = MUTUAL, .cred_a = p.cred_a + 1};

		s.cred_i = acquire(p.i, "alice@ELSEWHERE.TEST", "wonderland", USAGE_INITIATE) + 1;
		ends_try(&e, &s, p.i, p.a);
		assert_int_equal(e.major_i, FAILURE);
		assert_non_null(strstr(status_text(p.i), "could not find a KDC"));
		ends_delete(&e);
		part(&p);
	}
}

static struct blob
list(struct peer *p, enum peer_op op, const char *mech, size_t len)
{
	static char text[2][8192];
	static unsigned next;
	char *out = text[next++ % 2];
	size_t at = 0;

	if (op == PEER_MECHS ? peer_call(p, op, "") : peer_call(p, op, "b", mech, len))
		fail_msg("%s: %s", p->lib, status_text(p));
	for (uint32_t count = peer_u32(p) + (op == PEER_MECHS ? 0 : 3); count != 0; count--) {
		struct blob b = peer_blob(p);

		assert_true(at + 1 + b.len < sizeof(text[0]));
		out[at++] = (char)b.len;
		memcpy(out + at, b.at, b.len);
		at += b.len;
	}
	return (struct blob){(const uint8_t *)out, at};
}

/*
 * What there is, in this order, and what is said of each. Servers accept with all that is indicated, and who accepts IAKERB carries strangers'
 * messages: so ours does not indicate it.
 */
static void
indicated(void **state)
{
	static const struct {
		const char *mech;
		size_t len;
	} mechs[] = {{krb5, sizeof(krb5) - 1}, {iakerb, sizeof(iakerb) - 1}, {spnego, sizeof(spnego) - 1}};
	struct peer *mit = peer_start("mit", NULL), *ours = peer_start("baton", NULL);
	struct blob theirs = list(mit, PEER_MECHS, NULL, 0), own = list(ours, PEER_MECHS, NULL, 0);

	/* Each with its length before it. */
	assert_true(own.len == theirs.len - sizeof(iakerb));
	assert_memory_equal(own.at, theirs.at, sizeof(krb5));
	assert_memory_equal(theirs.at + sizeof(krb5) + 1, iakerb, sizeof(iakerb) - 1);
	assert_memory_equal(own.at + sizeof(krb5), theirs.at + sizeof(krb5) + sizeof(iakerb), own.len - sizeof(krb5));
	for (size_t i = 0; i < 3; i++) {
		theirs = list(mit, PEER_DESCRIBE_MECH, mechs[i].mech, mechs[i].len);
		own = list(ours, PEER_DESCRIBE_MECH, mechs[i].mech, mechs[i].len);
		if (!blob_is(own, theirs.at, theirs.len))
			fail_msg("mechanism %zu is described otherwise", i);
	}
	peer_stop(mit);
	peer_stop(ours);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(indicated),  cmocka_unit_test(passwords),	    cmocka_unit_test(keytabs),
	    cmocka_unit_test(negotiated), cmocka_unit_test(moves),	    cmocka_unit_test(initiator_stays),
	    cmocka_unit_test(refusals),	  cmocka_unit_test(unknown_realms),
	};

	return cmocka_run_group_tests_name("iakerb", tests, write_far_conf, claims_end);
}
