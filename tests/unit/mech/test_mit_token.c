/* Contexts as MIT's library exports them: what is read of real ones, and each field that may not be what it is not. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "../message/failing_mem.h"
#include "mech/krb5/mech_krb5.h"
#include "mech/krb5/mit_token.h"

/* ---- a token made by hand ---- */

enum { CONTEXT = 0x025ea108, PRINCIPAL = 0x970ea701, KEYBLOCK = 0x970ea703, AUTHDATA = 0x970ea70a, AUTHENTICATOR = 0x970ea70e,
       CONFIGURATION = 0x970ea724, CLOCK = 0x970ea725, AUTH_CONTEXT = 0x970ea729, OID = 0x970ea737, QUEUE = 0x970ea738,
       AUTHDATA_CONTEXT = 0x970ea73c, CHECKSUM = 0x970ea704, ADDRESS = 0x970ea722 };

/* All that a test may want otherwise. */
struct plan {
	uint32_t begin, initiate, established, has_acceptor_subkey, seed_init, flags, seed, algorithms[3], endtime;
	uint64_t send, recv;
	const char *oid, *here, *there;
	uint32_t name_end, key_begin, key_end, enctype, key_len, legacy_enctype;
	bool has_legacy, has_acceptor_key, legacy_differs;
	bool has_window;
	uint32_t do_replay, do_sequence;
	uint64_t mask, base, next;
	uint32_t queue_end, etypes, clock_ahead, clock_flags, clock_end, files, configuration_end, cstate;
	bool has_session, has_authenticator;
	uint32_t cusec, auth_context_end, proto, cred_rcache, num_authdata, authdata_end, pac_len, pac_is_good, num_indicators;
	const char *module;
	uint32_t modules_end, end;
};

static const struct plan plain = {
    .begin = CONTEXT, .initiate = 1, .established = 1, .flags = 0x3e, .algorithms = {UINT32_MAX, 0, UINT32_MAX}, .endtime = 4000000000,
    .send = 7, .recv = 9, .oid = "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02", .here = "alice@R", .there = "host/a@R", .name_end = PRINCIPAL,
    .key_begin = KEYBLOCK, .key_end = KEYBLOCK, .enctype = 18, .key_len = 32, .has_window = true, .do_replay = 1, .do_sequence = 1,
    .mask = UINT64_MAX, .base = 9, .next = 3, .queue_end = QUEUE, .clock_end = CLOCK, .configuration_end = CONFIGURATION,
    .has_session = true, .has_authenticator = true, .cusec = 5, .auth_context_end = AUTH_CONTEXT, .proto = 1, .authdata_end = AUTHDATA,
    .modules_end = AUTHDATA_CONTEXT, .end = CONTEXT,
};

static void
put(struct bt_wr *wr, uint32_t v)
{
	bt_wr_be32(wr, v);
}

static void
put_text(struct bt_wr *wr, const char *text)
{
	put(wr, (uint32_t)strlen(text));
	bt_wr_bytes(wr, bt_bytes_of_str(text));
}

static void
put_key(struct bt_wr *wr, const struct plan *p, uint32_t enctype, uint8_t fill)
{
	uint8_t key[64];

	memset(key, fill, sizeof key);
	put(wr, p->key_begin);
	put(wr, enctype);
	put(wr, p->key_len);
	bt_wr_bytes(wr, bt_bytes_of(key, p->key_len <= sizeof key ? p->key_len : 0));
	put(wr, p->key_end);
}

static void
put_name(struct bt_wr *wr, const struct plan *p, const char *name)
{
	if (name == NULL)
		return;
	put(wr, PRINCIPAL);
	put_text(wr, name);
	put(wr, p->name_end);
}

static void
put_window(struct bt_wr *wr, const struct plan *p)
{
	uint64_t wide[4] = {p->mask, p->base, p->next, 5};
	uint32_t narrow[2] = {p->do_replay, p->do_sequence};

	put(wr, QUEUE);
	bt_wr_bytes(wr, bt_bytes_of(narrow, sizeof narrow));
	bt_wr_bytes(wr, bt_bytes_of(wide, sizeof wide));
	put(wr, p->queue_end);
}

static void
put_auth_context(struct bt_wr *wr, const struct plan *p)
{
	put(wr, AUTH_CONTEXT);
	for (int i = 0; i < 5; i++)
		put(wr, 1);
	put(wr, p->cstate);
	put(wr, 950916);
	put(wr, ADDRESS), put(wr, 2), put_text(wr, "1234"), put(wr, ADDRESS);
	if (p->has_session) {
		put(wr, 950920);
		put_key(wr, &plain, 18, 3);
	}
	if (p->has_authenticator) {
		put(wr, AUTHENTICATOR);
		put(wr, 1700000000), put(wr, p->cusec), put(wr, 9);
		put_name(wr, &plain, "alice@R");
		put(wr, CHECKSUM), put(wr, 0x8003), put_text(wr, "sum"), put(wr, CHECKSUM);
		put_key(wr, &plain, 18, 4);
		put(wr, 0);
		put(wr, AUTHENTICATOR);
	}
	put(wr, p->auth_context_end);
}

static void
put_modules(struct bt_wr *wr, const struct plan *p)
{
	put(wr, AUTHDATA_CONTEXT);
	put(wr, p->module != NULL ? 3 : 2);
	put_text(wr, "mspac");
	put(wr, p->pac_len), put(wr, p->pac_is_good);
	put_text(wr, "authentication-indicators");
	put(wr, p->num_indicators);
	if (p->module != NULL)
		put_text(wr, p->module), put(wr, 0), put(wr, 0);
	put(wr, p->modules_end);
}

static struct bt_buf
make(const struct plan *p)
{
	struct bt_buf out;
	struct bt_wr wr;

	bt_wr_init(&wr);
	put(&wr, p->begin), put(&wr, p->initiate), put(&wr, p->established), put(&wr, p->has_acceptor_subkey);
	put(&wr, p->seed_init), put(&wr, p->flags), put(&wr, p->seed), put(&wr, 0), put(&wr, 0), put(&wr, 0);
	for (int i = 0; i < 3; i++)
		put(&wr, p->algorithms[i]);
	put(&wr, 1700000000), put(&wr, 1700000000), put(&wr, p->endtime), put(&wr, 0), put(&wr, 0x40000000);
	bt_wr_be64(&wr, p->send), bt_wr_be64(&wr, p->recv);
	if (p->oid != NULL)
		put(&wr, OID), put_text(&wr, p->oid), put(&wr, OID);
	put_name(&wr, p, p->here);
	put_name(&wr, p, p->there);
	put_key(&wr, p, p->enctype, 1);
	if (p->has_legacy) {
		put_key(&wr, p, p->legacy_enctype, 1);
		put_key(&wr, p, p->legacy_enctype, p->legacy_differs ? 2 : 1);
	}
	if (p->has_window)
		put_window(&wr, p);
	put(&wr, CONFIGURATION), put(&wr, 0), put(&wr, p->etypes);
	for (int i = 0; i < 5; i++)
		put(&wr, 300);
	put(&wr, CLOCK), put(&wr, p->clock_ahead), put(&wr, 0), put(&wr, p->clock_flags), put(&wr, p->clock_end);
	put(&wr, 0xaaca6012), put(&wr, p->files), put(&wr, 0xaaca6012);
	put(&wr, p->configuration_end);
	put_auth_context(&wr, p);
	put(&wr, p->proto), put(&wr, 16);
	if (p->has_acceptor_key)
		put_key(&wr, p, 17, 5);
	put(&wr, 0), put(&wr, p->cred_rcache), put(&wr, p->num_authdata);
	if (p->num_authdata != 0)
		put(&wr, AUTHDATA), put(&wr, 1), put_text(&wr, "0\0"), put(&wr, p->authdata_end);
	put_modules(&wr, p);
	put(&wr, p->end);
	assert_int_equal(bt_wr_take(&wr, &out), 0);
	return out;
}

static int
import(const struct plan *p, struct bt_ctx **out)
{
	struct bt_buf token = make(p);
	int e = bt_krb5_mit_import((struct bt_mechs){0}, bt_krb5_oid, bt_bytes_of_buf(&token), out);

	bt_buf_free(&token);
	return e;
}

static void
what_it_says(void **state)
{
	struct bt_msg_state msg;
	struct bt_ctx *ctx;

	assert_int_equal(import(&plain, &ctx), 0);
	assert_int_equal(ctx->stage, BT_CTX_OPEN);
	assert_true(ctx->is_initiator);
	assert_int_equal(ctx->flags, 0x3e | BT_CTX_PROT_READY | BT_CTX_TRANS);
	assert_string_equal(ctx->initiator->text, "alice@R");
	assert_string_equal(ctx->acceptor->text, "host/a@R");
	assert_int_equal(ctx->authtime, 1700000000);
	assert_int_equal(ctx->ticket_flags, 0x40000000);
	assert_int_equal(ctx->expires_at, 4000000000);
	bt_msg_state_of(ctx->msg, &msg);
	assert_true(msg.is_initiator && !msg.is_dce && msg.detects_replay && msg.detects_sequence);
	assert_int_equal(msg.send_next, 7);
	assert_int_equal(msg.recv_first, 9);
	assert_int_equal(msg.recv_next, 3);
	assert_int_equal(msg.recv_seen, 5);
	assert_int_equal(msg.subkey.enctype, 18);
	assert_int_equal(msg.subkey.bytes[31], 1);
	assert_int_equal(msg.acceptor_subkey.enctype, 0);
	bt_ctx_free(ctx);
}

/* A ticket's end is meant by the KDC's clock. Who exported the context knew how far that is from the host's. */
static void
clocks_that_a_kdc_corrected(void **state)
{
	static const struct {
		int32_t ahead;
		uint32_t flags;
		int64_t expires_at;
	} clocks[] = {
	    {1, 1, 4000000000 - 1},	   {-1, 1, 4000000000 + 1}, {INT32_MIN, 1, 4000000000 - (int64_t)INT32_MIN},
	    {3600, 0, 4000000000},	   {3600, 2, 4000000000},   {3600, 3, 4000000000},
	};

	for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
		struct plan p = plain;
		struct bt_ctx *ctx;

		p.clock_ahead = (uint32_t)clocks[i].ahead;
		p.clock_flags = clocks[i].flags;
		assert_int_equal(import(&p, &ctx), 0);
		assert_int_equal(ctx->expires_at, clocks[i].expires_at);
		bt_ctx_free(ctx);
	}
}

static void
other_good_ones(void **state)
{
	struct plan rc4 = plain, half = plain, two = plain, unnamed = plain, said = plain;
	const struct plan *const good[] = {&rc4, &half, &two, &unnamed, &said};

	rc4.enctype = rc4.legacy_enctype = 23, rc4.key_len = 16, rc4.has_legacy = true, rc4.proto = 0, rc4.mask = UINT32_MAX;
	rc4.algorithms[0] = 0x11, rc4.algorithms[1] = 8, rc4.algorithms[2] = 0x10;
	half.established = 0, half.has_window = false;
	two.enctype = two.legacy_enctype = 23, two.key_len = 16, two.has_legacy = two.has_acceptor_key = true;
	two.has_acceptor_subkey = 1, two.mask = UINT32_MAX;
	unnamed.oid = NULL;
	said.num_authdata = 1;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct bt_ctx *ctx;

		if (import(good[i], &ctx) != 0)
			fail_msg("good one %zu is refused", i);
		bt_ctx_free(ctx);
	}
}

/* One member of the plan at a time. */
#define BAD(member, value) \
	{ \
		struct plan bad = plain; \
		bad.member = value; \
		assert_int_equal(import(&bad, &ctx), BT_ERR_MALFORMED); \
		assert_null(ctx); \
	}

static void
one_field_wrong(void **state)
{
	struct bt_ctx *ctx;

	BAD(begin, CONTEXT + 1) BAD(initiate, 2) BAD(established, 2) BAD(has_acceptor_subkey, 1) BAD(has_acceptor_subkey, 2)
	BAD(seed_init, 1) BAD(seed, 1) BAD(algorithms[0], 4) BAD(algorithms[1], 20) BAD(oid, "\x2b\x06\x01\x05\x02\x05") BAD(oid, "")
	BAD(here, NULL) BAD(there, NULL) BAD(here, "") BAD(here, "no realm") BAD(here, "a\\@R") BAD(here, "\\alice@R") BAD(name_end, OID)
	BAD(key_begin, PRINCIPAL) BAD(key_end, PRINCIPAL) BAD(enctype, 0) BAD(enctype, 17) BAD(enctype, 99) BAD(key_len, 0)
	BAD(key_len, 31) BAD(key_len, 33) BAD(key_len, UINT32_MAX) BAD(has_acceptor_key, true) BAD(has_window, false)
	BAD(do_replay, 2) BAD(do_sequence, 2) BAD(do_replay, 0) BAD(do_sequence, 0) BAD(flags, 0x32) BAD(mask, UINT32_MAX)
	BAD(mask, 0) BAD(base, 8) BAD(recv, 8) BAD(queue_end, OID) BAD(etypes, 1) BAD(etypes, UINT32_MAX)
	BAD(clock_end, OID) BAD(files, 1) BAD(files, UINT32_MAX) BAD(configuration_end, OID) BAD(cstate, 1) BAD(cstate, UINT32_MAX)
	BAD(cusec, 1000000) BAD(auth_context_end, OID) BAD(proto, 0) BAD(proto, 2) BAD(cred_rcache, 2) BAD(num_authdata, 2)
	BAD(num_authdata, UINT32_MAX) BAD(pac_len, 1) BAD(pac_len, UINT32_MAX) BAD(pac_is_good, 1) BAD(pac_is_good, 2)
	BAD(num_indicators, 1) BAD(num_indicators, UINT32_MAX) BAD(module, "greet") BAD(module, "mspac") BAD(modules_end, OID) BAD(end, OID)
}

static void
authdata_wrong(void **state)
{
	struct plan bad = plain;
	struct bt_ctx *ctx;

	bad.num_authdata = 1, bad.authdata_end = OID;
	assert_int_equal(import(&bad, &ctx), BT_ERR_MALFORMED);
}

static void
half_open_wrong(void **state)
{
	struct plan half = plain;
	struct bt_ctx *ctx;

	half.established = 0, half.has_window = false;
	assert_int_equal(import(&half, &ctx), 0);
	assert_int_equal(ctx->stage, BT_CTX_EXPECT_TOKEN);
	bt_ctx_free(ctx);
#define BAD_HALF(member, value) \
	{ \
		struct plan bad = half; \
		bad.member = value; \
		assert_int_equal(import(&bad, &ctx), BT_ERR_MALFORMED); \
	}
	BAD_HALF(has_session, false) BAD_HALF(has_authenticator, false) BAD_HALF(flags, 0x3c) BAD_HALF(has_window, true) BAD_HALF(initiate, 0)
}

static void
legacy_wrong(void **state)
{
	struct plan rc4 = plain;
	struct bt_ctx *ctx;

	rc4.enctype = rc4.legacy_enctype = 23, rc4.key_len = 16, rc4.has_legacy = true, rc4.proto = 0, rc4.mask = UINT32_MAX;
#define BAD_RC4(member, value) \
	{ \
		struct plan bad = rc4; \
		bad.member = value; \
		assert_int_equal(import(&bad, &ctx), BT_ERR_MALFORMED); \
	}
	BAD_RC4(has_legacy, false) BAD_RC4(legacy_enctype, 17) BAD_RC4(legacy_differs, true) BAD_RC4(proto, 1) BAD_RC4(mask, UINT64_MAX)
	BAD_RC4(send, UINT64_C(1) << 32)
}

/* ---- real ones ---- */

static const char *const seeds[] = {"mit-initiator", "mit-acceptor", "mit-rc4", "mit-des3", "mit-half", "mit-half-dce",
				    "mit-two-enctypes"};

static size_t
read_seed(const char *name, uint8_t *out, size_t room)
{
	char path[512];
	size_t len;
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", SEEDS, name);
	assert_non_null(file = fopen(path, "r"));
	len = fread(out, 1, room, file);
	fclose(file);
	assert_true(len > 500 && len < room);
	return len;
}

/* Any end that comes too soon, and anything behind it; and every allocation failing in turn. */
static void
real_ones(void **state)
{
	uint8_t token[4096];
	struct bt_ctx *ctx;

	for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
		size_t len = read_seed(seeds[i], token, sizeof token - 1);
		long live, n;
		int e;

		assert_int_equal(bt_krb5_mit_import((struct bt_mechs){0}, bt_krb5_oid, bt_bytes_of(token, len), &ctx), 0);
		bt_ctx_free(ctx);
		for (size_t cut = 0; cut < len; cut++)
			assert_int_equal(bt_krb5_mit_import((struct bt_mechs){0}, bt_krb5_oid, bt_bytes_of(token, cut), &ctx),
					 BT_ERR_MALFORMED);
		token[len] = 0;
		assert_int_equal(bt_krb5_mit_import((struct bt_mechs){0}, bt_krb5_oid, bt_bytes_of(token, len + 1), &ctx),
				 BT_ERR_TRAILING);
		live = mem_live;
		for (n = 0, e = -1; e != 0; n++) {
			mem_fail_at = mem_allocations + n;
			e = bt_krb5_mit_import((struct bt_mechs){0}, bt_krb5_oid, bt_bytes_of(token, len), &ctx);
			mem_fail_at = -1;
			assert_true(e == 0 || (e == BT_ERR_NOMEM && ctx == NULL));
			bt_ctx_free(ctx);
			assert_int_equal(mem_live, live);
		}
		assert_true(n > 3);
	}
}

/* The acceptor's tells of a client with a PAC, which the exporter has found good. */
static void
vouched_for(void **state)
{
	uint8_t token[4096];
	size_t len = read_seed("mit-acceptor", token, sizeof token);
	struct bt_krb5_mit_token parts;
	struct bt_mn *name;
	struct bt_ctx *ctx;
	uint8_t *pac;

	assert_int_equal(bt_krb5_mit_import((struct bt_mechs){0}, bt_krb5_oid, bt_bytes_of(token, len), &ctx), 0);
	assert_int_equal(ctx->vouched, BT_KRB5_VOUCHED_PAC);
	assert_int_equal(bt_ctx_initiator(ctx, &name), 0);
	assert_true(name->is_vouched_for && name->attributes.len != 0);
	bt_mn_free(name);
	bt_ctx_free(ctx);
	/* Another PAC than the one that is in the ticket. */
	assert_int_equal(bt_krb5_mit_token_read(bt_bytes_of(token, len), &parts), 0);
	pac = (uint8_t *)(uintptr_t)parts.pac.ptr;
	pac[parts.pac.len - 1] ^= 1;
	assert_int_equal(bt_krb5_mit_import((struct bt_mechs){0}, bt_krb5_oid, bt_bytes_of(token, len), &ctx), BT_ERR_MALFORMED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_it_says),   cmocka_unit_test(clocks_that_a_kdc_corrected), cmocka_unit_test(other_good_ones), cmocka_unit_test(one_field_wrong),
	    cmocka_unit_test(authdata_wrong), cmocka_unit_test(half_open_wrong), cmocka_unit_test(legacy_wrong),
	    cmocka_unit_test(real_ones),      cmocka_unit_test(vouched_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
