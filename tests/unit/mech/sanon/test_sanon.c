/* SAnon: who gets a context and who does not, what is agreed on, and that nothing altered is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/oid.h"
#include "failing.h"
#include "mech/mech.h"

static const struct bt_bytes NT_USER = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x01");
static const struct bt_bytes NT_SERVICE = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04");
static const struct bt_bytes NT_ANONYMOUS = BT_OID("\x2b\x06\x01\x05\x06\x03");
static const struct bt_bytes NT_EXPORT = BT_OID("\x2b\x06\x01\x05\x06\x04");
static const struct bt_bytes NT_PRINCIPAL = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01");

static const struct bt_mech *const mech = &bt_mech_sanon;

enum {
	ALL = BT_CTX_REPLAY | BT_CTX_SEQUENCE | BT_CTX_CONF | BT_CTX_INTEG,
	ALWAYS = BT_CTX_ANON | BT_CTX_PROT_READY | BT_CTX_TRANS,
	FRAME_LEN = 14, /* of the initiator's token, before the key */
	KEY_LEN = BT_CRYPTO_X25519_LEN,
};

static struct bt_mn *
name_of(struct bt_bytes text, struct bt_bytes type)
{
	struct bt_mn *mn;

	assert_int_equal(mech->name_import(mech, text, type, &mn), 0);
	return mn;
}

static struct bt_mcred *
cred_of(const struct bt_mn *name, enum bt_usage usage)
{
	struct bt_cred_request request = {.name = name, .usage = usage};
	struct bt_mcred *cred;

	assert_int_equal(mech->cred_acquire(&request, &cred), 0);
	return cred;
}

/* Two sides of one context, and the tokens between them. */
struct ends {
	struct bt_ctx *i, *a;
	struct bt_mcred *cred;
	struct bt_init_step init;
	struct bt_accept_step accept;
	struct bt_buf there, back;
};

static void
begin(struct ends *e, uint32_t flags)
{
	*e = (struct ends){.init = {.flags = flags | BT_CTX_ANON}};
	e->i = bt_ctx_new(mech, true);
	e->a = bt_ctx_new(mech, false);
	e->accept.cred = e->cred = cred_of(NULL, BT_USAGE_ACCEPT);
}

static int
step_init(struct ends *e)
{
	struct bt_buf *out = e->i->stage == BT_CTX_NEW ? &e->there : &(struct bt_buf){0};

	e->init.token = bt_bytes_of_buf(&e->back);
	return mech->init(e->i, &e->init, out);
}

static int
step_accept(struct ends *e)
{
	struct bt_mcred *delegated;

	e->accept.token = bt_bytes_of_buf(&e->there);
	return mech->accept(e->a, &e->accept, &e->back, &delegated);
}

static void
finish(struct ends *e)
{
	bt_ctx_free(e->i);
	bt_ctx_free(e->a);
	mech->cred_free(e->cred);
	bt_buf_free(&e->there);
	bt_buf_free(&e->back);
}

static void
make(struct ends *e, uint32_t flags)
{
	begin(e, flags);
	assert_int_equal(step_init(e), 0);
	assert_int_equal(step_accept(e), 0);
	assert_int_equal(step_init(e), 0);
}

static void
assert_speaks(struct bt_ctx *from, struct bt_ctx *to)
{
	struct bt_bytes text = bt_bytes_of_str("to nobody in particular");
	struct bt_buf token, out;
	enum bt_msg_order order;
	bool conf;

	assert_int_equal(bt_msg_wrap(from->msg, true, text, &token), 0);
	assert_int_equal(bt_msg_unwrap(to->msg, bt_bytes_of_buf(&token), &out, &conf, &order), 0);
	assert_true(conf && order == BT_MSG_IN_ORDER && bt_bytes_equal(bt_bytes_of_buf(&out), text));
	bt_buf_free(&token);
	bt_buf_free(&out);
}

static void
assert_open(const struct bt_ctx *ctx, uint32_t flags)
{
	assert_int_equal(ctx->stage, BT_CTX_OPEN);
	assert_int_equal(ctx->flags, flags);
	assert_true(ctx->expires_at == BT_CTX_NEVER);
	assert_null(ctx->pending);
	assert_string_equal(ctx->initiator->text, "WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS");
	assert_true(ctx->initiator->is_anonymous && ctx->acceptor->is_anonymous);
}

/* draft §5.1.2, §5.1.3: the acceptor has all; the initiator what it asked for. Three flags go over. */
static void
flags(void **state)
{
	static const uint32_t sent[] = {BT_CTX_DCE_STYLE, BT_CTX_IDENTIFY, BT_CTX_EXTENDED_ERROR};

	for (unsigned asked = 0; asked < 128; asked++) {
		uint32_t first = (asked & 1 ? BT_CTX_REPLAY : 0) | (asked & 2 ? BT_CTX_SEQUENCE : 0) | (asked & 4 ? BT_CTX_CONF : 0) |
				 (asked & 8 ? BT_CTX_INTEG : 0),
			 over = 0;
		struct bt_msg_state facts;
		struct ends e;

		for (unsigned i = 0; i < 3; i++)
			over |= asked & 16u << i ? sent[i] : 0;
		make(&e, first | over | BT_CTX_MUTUAL | BT_CTX_DELEG);
		assert_int_equal(e.there.len, FRAME_LEN + KEY_LEN + (over != 0 ? 8 : 0));
		assert_int_equal(e.back.len, KEY_LEN + 32);
		if (over != 0)
			assert_true(bt_load_be64(e.there.ptr + FRAME_LEN + KEY_LEN) == over);
		assert_open(e.i, first | over | ALWAYS);
		assert_open(e.a, ALL | over | ALWAYS);
		bt_msg_state_of(e.i->msg, &facts);
		assert_true(facts.is_dce == ((over & BT_CTX_DCE_STYLE) != 0));
		assert_true(facts.detects_replay == ((first & BT_CTX_REPLAY) != 0));
		assert_true(facts.detects_sequence == ((first & BT_CTX_SEQUENCE) != 0));
		/* The acceptor has used its first number for its token. */
		assert_true(facts.send_next == 0);
		bt_msg_state_of(e.a->msg, &facts);
		assert_true(facts.send_next == 1 && facts.detects_replay && facts.detects_sequence);
		assert_speaks(e.i, e.a);
		assert_speaks(e.a, e.i);
		assert_speaks(e.a, e.i);
		finish(&e);
	}
}

/* draft §5.1.1 */
static void
anonymity_is_asked_for(void **state)
{
	struct bt_mn *anonymous = name_of((struct bt_bytes){0}, NT_ANONYMOUS), *alice = name_of(bt_bytes_of_str("alice"), NT_USER);
	struct bt_mcred *creds[] = {NULL, cred_of(NULL, BT_USAGE_BOTH), cred_of(anonymous, BT_USAGE_INITIATE),
				    cred_of(alice, BT_USAGE_INITIATE), cred_of(NULL, BT_USAGE_ACCEPT)};
	const struct bt_mn *targets[] = {alice, anonymous};

	for (int cred = 0; cred < 5; cred++)
		for (int target = 0; target < 2; target++)
			for (int flag = 0; flag < 2; flag++) {
				struct bt_init_step step = {
				    .cred = creds[cred], .target = targets[target], .flags = flag ? BT_CTX_ANON | ALL : ALL};
				bool wanted = flag || cred == 2 || (cred < 2 && target);
				struct bt_ctx *ctx = bt_ctx_new(mech, true);
				struct bt_buf token = {0};

				assert_int_equal(mech->init(ctx, &step, &token),
						 cred == 4 ? BT_ERR_NO_CRED : wanted ? 0 : BT_ERR_UNAVAILABLE);
				assert_true((token.len != 0) == (cred != 4 && wanted));
				bt_buf_free(&token);
				bt_ctx_free(ctx);
			}
	for (int cred = 0; cred < 5; cred++)
		mech->cred_free(creds[cred]);
	bt_mn_free(alice);
	bt_mn_free(anonymous);
}

/* A server gets clients without a name only if it asked for them. */
static void
acceptors_ask_for_it(void **state)
{
	struct bt_mcred *initiators = cred_of(NULL, BT_USAGE_INITIATE), *both = cred_of(NULL, BT_USAGE_BOTH);
	struct ends e;

	begin(&e, ALL);
	assert_int_equal(step_init(&e), 0);
	e.accept.cred = NULL;
	assert_int_equal(step_accept(&e), BT_ERR_NO_CRED);
	e.accept.cred = initiators;
	assert_int_equal(step_accept(&e), BT_ERR_NO_CRED);
	assert_int_equal(e.back.len, 0);
	e.accept.cred = both;
	assert_int_equal(step_accept(&e), 0);
	finish(&e);
	mech->cred_free(initiators);
	mech->cred_free(both);
}

static void
bindings(void **state)
{
	static const struct {
		const char *i, *a; /* NULL: none */
		bool same;
	} rows[] = {{NULL, NULL, true}, {"", NULL, true}, {NULL, "", true}, {"tls", "tls", true}, {"tls", "slt", false},
		    {"tls", NULL, false}, {NULL, "tls", false}, {"tls", "tls ", false}};

	for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
		struct bt_bindings i = {.initiator_addrtype = 1}, a = {.initiator_addrtype = 2};
		struct ends e;

		begin(&e, ALL | BT_CTX_CHANNEL_BOUND);
		if (rows[n].i != NULL)
			i.application_data = bt_bytes_of_str(rows[n].i);
		if (rows[n].a != NULL)
			a.application_data = bt_bytes_of_str(rows[n].a);
		e.init.bindings = rows[n].i != NULL ? &i : NULL;
		e.accept.bindings = rows[n].a != NULL ? &a : NULL;
		assert_int_equal(step_init(&e), 0);
		assert_int_equal(step_accept(&e), 0);
		assert_int_equal(step_init(&e), rows[n].same ? 0 : BT_ERR_BAD_MIC);
		assert_true(((e.a->flags & BT_CTX_CHANNEL_BOUND) != 0) == (a.application_data.len != 0));
		if (rows[n].same)
			assert_true(((e.i->flags & BT_CTX_CHANNEL_BOUND) != 0) == (i.application_data.len != 0));
		else
			assert_int_not_equal(e.i->stage, BT_CTX_OPEN);
		finish(&e);
	}
}

/* Whatever bit of the first token is altered: it is refused at once, or the initiator refuses the answer. */
static void
first_token_altered(void **state)
{
	for (int with_flags = 0; with_flags < 2; with_flags++) {
		struct ends good;
		size_t num_late = 0;

		begin(&good, with_flags ? BT_CTX_IDENTIFY : 0);
		assert_int_equal(step_init(&good), 0);
		for (size_t bit = 0; bit < good.there.len * 8; bit++) {
			struct bt_ctx *ctx = bt_ctx_new(mech, false);
			struct bt_mcred *delegated;
			struct bt_buf back = {0};
			struct bt_wr saved;
			struct bt_ctx *twin = bt_ctx_new(mech, true);
			int e;

			good.there.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
			good.accept.token = bt_bytes_of_buf(&good.there);
			e = mech->accept(ctx, &good.accept, &back, &delegated);
			good.there.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_true((e == 0) == (back.len != 0));
			/* The framing, or a public key that shares nothing with anybody. */
			if (e != 0)
				assert_true(bit < FRAME_LEN * 8 ? e == BT_ERR_DEFECTIVE_TOKEN : e == BT_ERR_MALFORMED);
			/* The initiator goes on from a copy. */
			bt_wr_init(&saved);
			assert_int_equal(mech->pending_save(good.i, &saved), 0);
			assert_int_equal(mech->pending_load(twin, (struct bt_mechs){0}, bt_wr_written(&saved)), 0);
			twin->stage = BT_CTX_EXPECT_TOKEN;
			if (e == 0) {
				struct bt_init_step step = {.flags = good.init.flags, .token = bt_bytes_of_buf(&back)};

				assert_int_equal(mech->init(twin, &step, &(struct bt_buf){0}), BT_ERR_BAD_MIC);
				num_late++;
			}
			bt_wr_done(&saved);
			bt_buf_free(&back);
			bt_ctx_free(twin);
			bt_ctx_free(ctx);
		}
		assert_true(num_late >= 250);
		finish(&good);
	}
}

static void
second_token_altered(void **state)
{
	struct bt_wr saved;
	struct ends e;
	struct bt_buf longer;

	begin(&e, ALL);
	assert_int_equal(step_init(&e), 0);
	assert_int_equal(step_accept(&e), 0);
	bt_wr_init(&saved);
	assert_int_equal(mech->pending_save(e.i, &saved), 0);
	assert_int_equal(bt_buf_dup(bt_bytes_of_buf(&e.back), &longer), 0);
	for (size_t bit = 0; bit <= e.back.len * 8; bit++) {
		struct bt_ctx *twin = bt_ctx_new(mech, true);
		struct bt_init_step step = {.token = bt_bytes_of_buf(&e.back)};
		int err;

		assert_int_equal(mech->pending_load(twin, (struct bt_mechs){0}, bt_wr_written(&saved)), 0);
		twin->stage = BT_CTX_EXPECT_TOKEN;
		if (bit < e.back.len * 8)
			e.back.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
		err = mech->init(twin, &step, &(struct bt_buf){0});
		if (bit < e.back.len * 8)
			e.back.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
		/* The last one is the token as it was: the saved state is good. */
		assert_true((err == 0) == (bit == e.back.len * 8));
		assert_true((twin->stage == BT_CTX_OPEN) == (err == 0));
		bt_ctx_free(twin);
	}
	/* Every length but the right one. */
	for (size_t len = 0; len <= e.back.len + 1; len++) {
		uint8_t bytes[KEY_LEN + 34] = {0};
		struct bt_ctx *twin = bt_ctx_new(mech, true);
		struct bt_init_step step = {.token = bt_bytes_of(bytes, len)};

		memcpy(bytes, longer.ptr, longer.len);
		assert_int_equal(mech->pending_load(twin, (struct bt_mechs){0}, bt_wr_written(&saved)), 0);
		twin->stage = BT_CTX_EXPECT_TOKEN;
		assert_true((mech->init(twin, &step, &(struct bt_buf){0}) == 0) == (len == e.back.len));
		bt_ctx_free(twin);
	}
	bt_buf_free(&longer);
	bt_wr_done(&saved);
	finish(&e);
}

/* draft §5.1.1: a key, or a key and eight octets; another mechanism's token; a key of small order. */
static void
first_token_misshapen(void **state)
{
	uint8_t token[FRAME_LEN + KEY_LEN + 16] = {0x60, 0, 6, 10, 0x2b, 6, 1, 4, 1, 0xa9, 0x4a, 0x1a, 1, 0x6e};
	struct ends e;

	begin(&e, 0);
	e.there = (struct bt_buf){0};
	for (size_t body = 0; body <= KEY_LEN + 16; body++) {
		struct bt_ctx *ctx = bt_ctx_new(mech, false);
		struct bt_mcred *delegated;
		struct bt_buf back;
		int err;

		token[1] = (uint8_t)(12 + body);
		memset(token + FRAME_LEN, 9, KEY_LEN + 16);
		e.accept.token = bt_bytes_of(token, FRAME_LEN + body);
		err = mech->accept(ctx, &e.accept, &back, &delegated);
		assert_int_equal(err, body == KEY_LEN || body == KEY_LEN + 8 ? 0 : BT_ERR_DEFECTIVE_TOKEN);
		/* Of the flags 0x0909090909090909 those that are known count. */
		if (err == 0)
			assert_int_equal(ctx->flags, ALL | ALWAYS);
		bt_buf_free(&back);
		bt_ctx_free(ctx);
	}
	token[1] = 12 + KEY_LEN;
	memset(token + FRAME_LEN, 0, KEY_LEN);
	e.accept.token = bt_bytes_of(token, FRAME_LEN + KEY_LEN);
	assert_int_equal(mech->accept(e.a, &e.accept, &e.back, &(struct bt_mcred *){0}), BT_ERR_MALFORMED);
	assert_int_equal(e.back.len, 0);
	finish(&e);
}

static void
names(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const struct bt_bytes *type;
		int e;
		bool is_anonymous;
		const struct bt_bytes *shown_as;
	} rows[] = {
	    {"", 0, &NT_ANONYMOUS, 0, true, &NT_ANONYMOUS},
	    {"whoever", 7, &NT_ANONYMOUS, 0, true, &NT_ANONYMOUS},
	    {"\x01", 1, &NT_EXPORT, 0, true, &NT_ANONYMOUS},
	    {"\x00", 1, &NT_EXPORT, BT_ERR_BAD_NAME, false, NULL},
	    {"\x01\x01", 2, &NT_EXPORT, BT_ERR_BAD_NAME, false, NULL},
	    {"", 0, &NT_EXPORT, BT_ERR_BAD_NAME, false, NULL},
	    {"alice", 5, &NT_USER, 0, false, &NT_USER},
	    {"http@server", 11, &NT_SERVICE, 0, false, &NT_SERVICE},
	    {"alice@REALM", 11, &NT_PRINCIPAL, 0, false, &NT_USER},
	    {"", 0, &NT_USER, BT_ERR_BAD_NAME, false, NULL},
	    {"a\0b", 3, &NT_USER, BT_ERR_BAD_NAME, false, NULL},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bt_mn *mn;
		struct bt_wr wr;

		assert_int_equal(mech->name_import(mech, bt_bytes_of(rows[i].text, rows[i].len), *rows[i].type, &mn), rows[i].e);
		assert_true((mn != NULL) == (rows[i].e == 0));
		if (mn == NULL)
			continue;
		assert_true(mn->is_anonymous == rows[i].is_anonymous);
		assert_true(bt_bytes_equal(mech->name_type(mn), *rows[i].shown_as));
		bt_wr_init(&wr);
		assert_int_equal(mech->name_export(mn, &wr), mn->is_anonymous ? 0 : BT_ERR_BAD_NAME);
		assert_true(!mn->is_anonymous || bt_bytes_equal(bt_wr_written(&wr), bt_bytes_of("\x01", 1)));
		bt_wr_done(&wr);
		bt_mn_free(mn);
	}
}

static void
credentials(void **state)
{
	struct bt_mn *anonymous = name_of((struct bt_bytes){0}, NT_ANONYMOUS), *alice = name_of(bt_bytes_of_str("alice"), NT_USER);
	struct bt_cred_request request = {.name = alice, .usage = BT_USAGE_INITIATE};
	struct bt_cred_facts facts;
	struct bt_mcred *cred;

	assert_int_equal(mech->cred_inquire(mech, NULL, &facts), 0);
	assert_true(facts.name == NULL && facts.usage == BT_USAGE_INITIATE && facts.initiator_expires_at == BT_CTX_NEVER);
	assert_int_equal(mech->cred_acquire(&request, &cred), 0);
	assert_int_equal(mech->cred_inquire(mech, cred, &facts), 0);
	assert_string_equal(facts.name->text, "alice");
	bt_mn_free(facts.name);
	mech->cred_free(cred);
	/* An acceptor with a name wants to be known by it. */
	request.usage = BT_USAGE_ACCEPT;
	assert_int_equal(mech->cred_acquire(&request, &cred), BT_ERR_NO_CRED);
	assert_null(cred);
	request.usage = BT_USAGE_BOTH;
	assert_int_equal(mech->cred_acquire(&request, &cred), BT_ERR_NO_CRED);
	request.name = anonymous;
	assert_int_equal(mech->cred_acquire(&request, &cred), 0);
	mech->cred_free(cred);
	request.password = bt_bytes_of_str("wonderland");
	assert_int_equal(mech->cred_acquire(&request, &cred), BT_ERR_NO_CRED);
	mech->cred_free(NULL);
	bt_mn_free(alice);
	bt_mn_free(anonymous);
}

/* What a half-open context is saved as is read back in the same bytes, and no other ones are. */
static void
pending(void **state)
{
	struct bt_ctx *ctx = bt_ctx_new(mech, true), *acceptor = bt_ctx_new(mech, false);
	struct bt_wr saved, again;
	struct ends e;

	begin(&e, ALL | BT_CTX_DCE_STYLE);
	assert_int_equal(step_init(&e), 0);
	bt_wr_init(&saved);
	bt_wr_init(&again);
	assert_int_equal(mech->pending_save(e.i, &saved), 0);
	assert_int_equal(mech->pending_load(ctx, (struct bt_mechs){0}, bt_wr_written(&saved)), 0);
	assert_int_equal(mech->pending_save(ctx, &again), 0);
	assert_true(bt_bytes_equal(bt_wr_written(&saved), bt_wr_written(&again)));
	assert_int_equal(mech->pending_load(acceptor, (struct bt_mechs){0}, bt_wr_written(&saved)), BT_ERR_MALFORMED);
	assert_null(acceptor->pending);
	for (size_t len = 0; len < saved.len; len++) {
		struct bt_ctx *cut = bt_ctx_new(mech, true);

		/* The last field may be missing: it is a number, and then 0. */
		if (mech->pending_load(cut, (struct bt_mechs){0}, bt_bytes_of(saved.ptr, len)) == 0)
			assert_int_equal(len, 2 * (KEY_LEN + 2));
		bt_ctx_free(cut);
	}
	bt_wr_done(&saved);
	bt_wr_done(&again);
	bt_ctx_free(ctx);
	bt_ctx_free(acceptor);
	finish(&e);
}

static void
questions(void **state)
{
	static const struct bt_bytes KEY = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x05");
	static const struct bt_bytes STRENGTH = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x0f");
	static const struct bt_bytes TICKET_FLAGS = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x01");
	struct bt_answers of_i, of_a;
	struct ends e;

	make(&e, ALL);
	assert_int_equal(mech->inquire(e.i, KEY, &of_i), 0);
	assert_int_equal(mech->inquire(e.a, KEY, &of_a), 0);
	assert_int_equal(of_i.num_items, 2);
	assert_int_equal(of_i.items[0].len, 16);
	for (int i = 0; i < 2; i++)
		assert_true(bt_bytes_equal(bt_bytes_of_buf(&of_i.items[i]), bt_bytes_of_buf(&of_a.items[i])));
	assert_true(bt_bytes_equal(bt_bytes_of_buf(&of_i.items[1]), bt_bytes_of_str("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x04\x13")));
	bt_answers_free(&of_i);
	bt_answers_free(&of_a);
	assert_int_equal(mech->inquire(e.i, STRENGTH, &of_i), 0);
	assert_true(bt_bytes_equal(bt_bytes_of_buf(&of_i.items[0]), bt_bytes_of("\0\0\0\x80", 4)));
	bt_answers_free(&of_i);
	assert_int_equal(mech->inquire(e.i, TICKET_FLAGS, &of_i), BT_ERR_UNAVAILABLE);
	finish(&e);
}

/* All of it, once for each allocation that fails: the failure is told, nothing leaks, no secret is left behind. */
static void
no_memory(void **state)
{
	static const struct bt_bindings bound = {.application_data = {(const uint8_t *)"tls", 3}};
	bool failed = true;

	for (size_t n = 1; failed; n++) {
		struct bt_cred_request request = {.usage = BT_USAGE_ACCEPT};
		struct bt_mn *target = NULL, *shown = NULL;
		struct bt_ctx *moved = NULL;
		struct bt_answers answers = {0};
		struct bt_wr saved;
		struct ends e = {.init = {.flags = ALL | BT_CTX_DCE_STYLE, .bindings = &bound}, .accept = {.bindings = &bound}};
		int err;

		bt_wr_init(&saved);
		failing_at(n);
		if ((err = mech->name_import(mech, (struct bt_bytes){0}, NT_ANONYMOUS, &target)) == 0 &&
		    (err = (request.name = target, mech->cred_acquire(&request, &e.cred))) == 0 &&
		    (err = mech->name_import(mech, bt_bytes_of_str("a@b"), NT_SERVICE, &shown)) == 0) {
			e.accept.cred = e.cred;
			e.init.target = target;
			if ((e.i = bt_ctx_new(mech, true)) == NULL || (e.a = bt_ctx_new(mech, false)) == NULL ||
			    (moved = bt_ctx_new(mech, true)) == NULL)
				err = BT_ERR_NOMEM;
		}
		if (err == 0 && (err = step_init(&e)) == 0 && (err = step_accept(&e)) == 0 &&
		    (err = mech->pending_save(e.i, &saved)) == 0 && (err = mech->pending_load(moved, (struct bt_mechs){0}, bt_wr_written(&saved))) == 0) {
			moved->stage = BT_CTX_EXPECT_TOKEN;
			bt_ctx_free(e.i);
			e.i = moved;
			moved = NULL;
			if ((err = step_init(&e)) == 0)
				err = mech->inquire(e.i, (struct bt_bytes)BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x05"), &answers);
		}
		failed = failing_happened();
		failing_at(0);
		assert_int_equal(err, failed ? BT_ERR_NOMEM : 0);
		bt_answers_free(&answers);
		bt_wr_done(&saved);
		bt_ctx_free(moved);
		bt_mn_free(target);
		bt_mn_free(shown);
		finish(&e);
		assert_int_equal(failing_live(), 0);
		assert_true(n < 100);
	}
}

/* The private key of a half-open context, and the key of an open one, are not in memory that is freed. */
static void
secrets_are_wiped(void **state)
{
	uint8_t secret[KEY_LEN];
	struct bt_msg_key key;
	struct bt_wr saved;
	struct ends e;

	begin(&e, ALL);
	assert_int_equal(step_init(&e), 0);
	bt_wr_init(&saved);
	assert_int_equal(mech->pending_save(e.i, &saved), 0);
	memcpy(secret, saved.ptr + 2, KEY_LEN);
	bt_wr_done(&saved);
	failing_watch(secret, KEY_LEN);
	assert_int_equal(step_accept(&e), 0);
	assert_int_equal(step_init(&e), 0);
	assert_false(failing_spilled());
	key = *bt_msg_session_key(e.i->msg);
	failing_watch(key.bytes, key.len);
	assert_speaks(e.i, e.a);
	finish(&e);
	assert_false(failing_spilled());
	failing_watch(NULL, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(flags), cmocka_unit_test(anonymity_is_asked_for), cmocka_unit_test(acceptors_ask_for_it),
	    cmocka_unit_test(bindings), cmocka_unit_test(first_token_altered), cmocka_unit_test(second_token_altered),
	    cmocka_unit_test(first_token_misshapen), cmocka_unit_test(names), cmocka_unit_test(credentials), cmocka_unit_test(pending),
	    cmocka_unit_test(questions), cmocka_unit_test(no_memory), cmocka_unit_test(secrets_are_wiped),
	};

	return cmocka_run_group_tests_name("sanon", tests, NULL, NULL);
}
