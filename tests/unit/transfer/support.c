#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/oid.h"

/* ---- memory ---- */

/* Each sort of secret has its own pattern; names have a realm of their own. */
#define KEY_BYTE 0x5b
#define ACCEPTOR_KEY_BYTE 0xc7
#define AUTHZ_BYTE 0x2e
#define PENDING_BYTE 0x71
#define REALM "SECRET.REALM.EXAMPLE"

struct test_mem test_mem;

/* Before every block: its length, so that a free can look at all of it. */
struct block {
	size_t len;
	size_t align;
};

void
test_mem_start(unsigned fail_at)
{
	test_mem.fail_at = fail_at;
	test_mem.num_allocs = 0;
}

static bool
has_run(const uint8_t *p, size_t len, uint8_t byte)
{
	size_t run = 0;

	for (size_t i = 0; i < len; i++) {
		run = p[i] == byte ? run + 1 : 0;
		if (run == 12)
			return true;
	}
	return false;
}

bool
test_has_secret(const void *ptr, size_t len)
{
	return has_run(ptr, len, KEY_BYTE) || has_run(ptr, len, ACCEPTOR_KEY_BYTE) || has_run(ptr, len, AUTHZ_BYTE) ||
	       has_run(ptr, len, PENDING_BYTE) || memmem(ptr, len, REALM, sizeof REALM - 1) != NULL;
}

/* Secrets proper: names are freed as they are. */
static bool
has_key(const void *ptr, size_t len)
{
	return has_run(ptr, len, KEY_BYTE) || has_run(ptr, len, ACCEPTOR_KEY_BYTE) || has_run(ptr, len, AUTHZ_BYTE) ||
	       has_run(ptr, len, PENDING_BYTE);
}

static void *
allocate(size_t len, int fill)
{
	unsigned nth = __atomic_add_fetch(&test_mem.num_allocs, 1, __ATOMIC_RELAXED);
	struct block *block;

	if (test_mem.fail_at != 0 && nth == test_mem.fail_at)
		return NULL;
	if ((block = malloc(sizeof *block + len)) == NULL)
		return NULL;
	block->len = len;
	memset(block + 1, fill, len);
	__atomic_fetch_add(&test_mem.num_live, 1, __ATOMIC_RELAXED);
	return block + 1;
}

void *
bt_mem_alloc(size_t len)
{
	return allocate(len, 0);
}

void *
bt_mem_alloc_raw(size_t len)
{
	return allocate(len, 0xa5);
}

void *
bt_mem_dup(const void *src, size_t len)
{
	void *copy = bt_mem_alloc_raw(len);

	if (copy != NULL && len != 0)
		memcpy(copy, src, len);
	return copy;
}

char *
bt_mem_strdup(const char *src, size_t len)
{
	char *copy = bt_mem_alloc(len + 1);

	if (copy != NULL && len != 0)
		memcpy(copy, src, len);
	return copy;
}

void
bt_mem_free(void *ptr)
{
	struct block *block;

	if (ptr == NULL)
		return;
	block = (struct block *)ptr - 1;
	if (has_key(ptr, block->len))
		test_mem.num_secrets++;
	__atomic_fetch_sub(&test_mem.num_live, 1, __ATOMIC_RELAXED);
	free(block);
}

void
bt_mem_free_secret(void *ptr, size_t len)
{
	if (ptr == NULL)
		return;
	bt_mem_wipe(ptr, len);
	bt_mem_free(ptr);
}

void
bt_mem_wipe(void *ptr, size_t len)
{
	if (len != 0)
		explicit_bzero(ptr, len);
}

bool
bt_mem_equal(const void *a, const void *b, size_t len)
{
	return len == 0 || memcmp(a, b, len) == 0;
}

/* ---- time, user ---- */

int64_t test_ahead_s;
uid_t test_uid;
bool test_has_uid;

int64_t
bt_clock_wall_s(void)
{
	return (int64_t)time(NULL) + test_ahead_s;
}

int64_t
bt_clock_boot_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return ((int64_t)now.tv_sec + test_ahead_s) * 1000 + now.tv_nsec / 1000000;
}

__attribute__((visibility("default"))) uid_t
geteuid(void)
{
	return test_has_uid ? test_uid : getuid();
}

/* ---- a mechanism ---- */

struct pending {
	size_t len;
	uint8_t bytes[];
};

int test_pending_error;

static int
pending_save(const struct bt_ctx *ctx, struct bt_wr *out)
{
	const struct pending *pending = ctx->pending;

	if (test_pending_error != 0)
		return test_pending_error;
	/* In two parts, so that the writer has to grow. */
	bt_wr_bytes(out, bt_bytes_of(pending->bytes, pending->len / 2));
	bt_wr_bytes(out, bt_bytes_of(pending->bytes + pending->len / 2, pending->len - pending->len / 2));
	return out->failed ? BT_ERR_NOMEM : 0;
}

static int
pending_load(struct bt_ctx *ctx, struct bt_mechs mechs, struct bt_bytes saved)
{
	struct pending *pending;

	if (test_pending_error != 0)
		return test_pending_error;
	for (size_t i = 0; i < saved.len; i++)
		if (saved.ptr[i] != PENDING_BYTE)
			return BT_ERR_MALFORMED;
	if ((pending = bt_mem_alloc(sizeof *pending + saved.len)) == NULL)
		return BT_ERR_NOMEM;
	pending->len = saved.len;
	if (saved.len != 0)
		memcpy(pending->bytes, saved.ptr, saved.len);
	ctx->pending = pending;
	return 0;
}

static void
pending_free(struct bt_ctx *ctx)
{
	struct pending *pending = ctx->pending;

	if (pending != NULL)
		bt_mem_free_secret(pending, sizeof *pending + pending->len);
	ctx->pending = NULL;
}

static const struct bt_bytes aliases[] = {BT_OID("\x2a\x86\x48\x82\xf7\x12\x01\x02\x02"), {0}};

const struct bt_mech test_mech = {
    .oid = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"),
    .aliases = aliases,
    .pending_save = pending_save,
    .pending_load = pending_load,
    .pending_free = pending_free,
};

const struct bt_mech *const test_mechs[1] = {&test_mech};

/* ---- contexts ---- */

static struct bt_mn *
name(int32_t kind, bool is_anonymous, const char *text, const char *service, const char *host)
{
	struct bt_mn *mn = bt_mn_new(kind, is_anonymous, bt_bytes_of_str(text), service, host);

	assert_non_null(mn);
	return mn;
}

static void
set_authz(struct bt_ctx *ctx, size_t len)
{
	uint8_t *bytes = malloc(len);

	assert_non_null(bytes);
	memset(bytes, AUTHZ_BYTE, len);
	assert_int_equal(bt_buf_dup(bt_bytes_of(bytes, len), &ctx->authz), 0);
	free(bytes);
}

void
test_ctx_set_pending(struct bt_ctx *ctx, size_t len)
{
	struct pending *pending;

	pending_free(ctx);
	pending = bt_mem_alloc(sizeof *pending + len);
	assert_non_null(pending);
	pending->len = len;
	memset(pending->bytes, PENDING_BYTE, len);
	ctx->pending = pending;
}

static struct bt_msg_key
key(int32_t enctype, uint8_t len, uint8_t byte)
{
	struct bt_msg_key k = {.enctype = enctype, .len = len};

	memset(k.bytes, byte, len);
	return k;
}

static void
set_open(struct bt_ctx *ctx, struct bt_msg_state *msg)
{
	msg->is_initiator = ctx->is_initiator;
	assert_int_equal(bt_msg_new(msg, &ctx->msg), 0);
	ctx->stage = BT_CTX_OPEN;
}

static void
set_half_open(struct bt_ctx *ctx, size_t pending_len)
{
	ctx->stage = BT_CTX_EXPECT_TOKEN;
	test_ctx_set_pending(ctx, pending_len);
}

struct bt_ctx *
test_ctx_new(enum test_sample sample)
{
	bool is_initiator = sample == SAMPLE_INITIATOR || sample == SAMPLE_FULL || sample == SAMPLE_HALF_INITIATOR;
	struct bt_ctx *ctx = bt_ctx_new(&test_mech, is_initiator);
	struct bt_msg_state msg = {.subkey = key(18, 32, KEY_BYTE)};

	assert_non_null(ctx);
	ctx->expires_at = bt_clock_wall_s() + 36000;
	ctx->flags = BT_CTX_MUTUAL | BT_CTX_REPLAY | BT_CTX_SEQUENCE | BT_CTX_CONF | BT_CTX_INTEG | BT_CTX_TRANS;
	switch (sample) {
	case SAMPLE_ACCEPTOR:
		ctx->initiator = name(1, false, "some.longer.user@" REALM, NULL, NULL);
		ctx->acceptor = name(3, false, "HTTP/www.example.com@" REALM, "HTTP", "www.example.com");
		ctx->authtime = 1700000000;
		ctx->ticket_flags = 0x40e10000;
		msg.detects_replay = msg.detects_sequence = true;
		msg.acceptor_subkey = key(18, 32, ACCEPTOR_KEY_BYTE);
		msg.send_next = 0x3fffffff;
		msg.recv_first = 0x3ffffff0;
		msg.recv_next = 64;
		msg.recv_seen = UINT64_MAX;
		set_open(ctx, &msg);
		break;
	case SAMPLE_INITIATOR:
		ctx->expires_at = BT_CTX_NEVER;
		ctx->initiator = name(1, false, "user@" REALM, NULL, NULL);
		ctx->acceptor = name(3, false, "imap/host@" REALM, "imap", NULL);
		msg.detects_replay = true;
		msg.send_next = 7;
		set_open(ctx, &msg);
		break;
	case SAMPLE_DCE:
		ctx->wire_oid = aliases[0];
		ctx->acceptor = name(-7, false, "x@" REALM, NULL, NULL);
		ctx->flags |= BT_CTX_DCE_STYLE;
		msg.subkey = key(17, 16, KEY_BYTE);
		msg.is_dce = msg.detects_sequence = true;
		msg.send_next = UINT64_MAX - 1;
		msg.recv_first = UINT64_MAX - 3;
		msg.recv_next = 5;
		msg.recv_seen = 0x15;
		set_open(ctx, &msg);
		break;
	case SAMPLE_BARE:
		ctx->flags = 0;
		set_open(ctx, &msg);
		break;
	case SAMPLE_FULL:
		ctx->initiator = name(11, true, "WELLKNOWN/ANONYMOUS@" REALM, "", "");
		ctx->acceptor = name(INT32_MIN, true, "", "s", "h");
		ctx->flags = UINT32_MAX;
		ctx->authtime = -1;
		ctx->ticket_flags = UINT32_MAX;
		set_authz(ctx, 5000);
		msg.is_dce = msg.detects_replay = msg.detects_sequence = true;
		msg.subkey = key(20, 32, KEY_BYTE);
		msg.acceptor_subkey = key(19, 16, ACCEPTOR_KEY_BYTE);
		msg.send_next = msg.recv_first = msg.recv_next = msg.recv_seen = UINT64_MAX;
		set_open(ctx, &msg);
		break;
	case SAMPLE_HALF_INITIATOR:
		ctx->initiator = name(1, false, "user@" REALM, NULL, NULL);
		ctx->acceptor = name(3, false, "ldap/dc@" REALM, "ldap", "dc");
		set_half_open(ctx, 300);
		break;
	case SAMPLE_HALF_ACCEPTOR:
		ctx->expires_at = 0;
		set_authz(ctx, 100);
		set_half_open(ctx, 0);
		break;
	case SAMPLE_ATTRIBUTES:
		ctx->initiator = name(1, false, "user@" REALM, NULL, NULL);
		set_authz(ctx, 200);
		ctx->vouched = 5;
		set_open(ctx, &msg);
		break;
	case NUM_SAMPLES:
		fail();
	}
	return ctx;
}

/* ---- equality, member by member ---- */

static void
assert_same_text(const char *a, const char *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a != NULL)
		assert_string_equal(a, b);
}

static void
assert_same_name(const struct bt_mn *a, const struct bt_mn *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a == NULL)
		return;
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->is_anonymous, b->is_anonymous);
	assert_same_text(a->text, b->text);
	assert_same_text(a->service, b->service);
	assert_same_text(a->host, b->host);
}

static void
assert_same_key(const struct bt_msg_key *a, const struct bt_msg_key *b)
{
	assert_int_equal(a->enctype, b->enctype);
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->bytes, b->bytes, a->len);
}

static void
assert_same_messages(struct bt_msg *a, struct bt_msg *b)
{
	struct bt_msg_state x, y;

	assert_int_equal(a == NULL, b == NULL);
	if (a == NULL)
		return;
	bt_msg_state_of(a, &x);
	bt_msg_state_of(b, &y);
	assert_int_equal(x.is_initiator, y.is_initiator);
	assert_int_equal(x.is_dce, y.is_dce);
	assert_int_equal(x.detects_replay, y.detects_replay);
	assert_int_equal(x.detects_sequence, y.detects_sequence);
	assert_same_key(&x.subkey, &y.subkey);
	assert_same_key(&x.acceptor_subkey, &y.acceptor_subkey);
	assert_true(x.send_next == y.send_next);
	assert_true(x.recv_first == y.recv_first);
	assert_true(x.recv_next == y.recv_next);
	assert_true(x.recv_seen == y.recv_seen);
}

void
test_assert_same(struct bt_ctx *a, struct bt_ctx *b)
{
	const struct pending *x = a->pending, *y = b->pending;

	assert_ptr_equal(a->mech, b->mech);
	assert_ptr_equal(a->wire_oid.ptr, b->wire_oid.ptr);
	assert_int_equal(a->stage, b->stage);
	assert_int_equal(a->is_initiator, b->is_initiator);
	assert_int_equal(a->flags, b->flags);
	assert_true(a->expires_at == b->expires_at);
	assert_same_name(a->initiator, b->initiator);
	assert_same_name(a->acceptor, b->acceptor);
	assert_same_messages(a->msg, b->msg);
	assert_true(bt_bytes_equal(bt_bytes_of_buf(&a->authz), bt_bytes_of_buf(&b->authz)));
	assert_int_equal(a->vouched, b->vouched);
	assert_true(a->authtime == b->authtime);
	assert_int_equal(a->ticket_flags, b->ticket_flags);
	assert_int_equal(x == NULL, y == NULL);
	if (x != NULL)
		assert_true(bt_bytes_equal(bt_bytes_of(x->bytes, x->len), bt_bytes_of(y->bytes, y->len)));
}
