/*
 * support - what the tests of the transfer room share: sample contexts with a mechanism of their own, an allocator that fails when
 * told to and looks for secrets in what is freed, a clock and a user number that can be set. They take the place of base/mem.c,
 * base/clock.c and geteuid() at link time.
 */
#ifndef TEST_TRANSFER_SUPPORT_H
#define TEST_TRANSFER_SUPPORT_H

#include <sys/types.h>

#include "base/bytes.h"
#include "mech/mech.h"
#include "transfer/policy.h"

/* ---- memory ---- */

extern struct test_mem {
	unsigned fail_at;      /* the nth allocation from now fails; 0: none */
	unsigned num_allocs;   /* since test_mem_start */
	long num_live;         /* blocks */
	unsigned num_secrets;  /* found in freed memory */
} test_mem;

void test_mem_start(unsigned fail_at);
/* test_has_secret - does memory show a key, a name, authorisation data or pending state of the samples? */
bool test_has_secret(const void *ptr, size_t len);

/* ---- time, user ---- */

extern int64_t test_ahead_s; /* both clocks run so far ahead */
extern uid_t test_uid;       /* geteuid() gives this, once set */
extern bool test_has_uid;

/* ---- contexts ---- */

/* An export as the settings have it. */
static const struct bt_transfer_wish no_wish __attribute__((unused));

extern const struct bt_mech test_mech;
extern const struct bt_mech *const test_mechs[1];
/* How test_mech's next pending_save or pending_load ends. */
extern int test_pending_error;

/* tests/golden has these, so they never change; new ones go before NUM_SAMPLES. */
enum test_sample {
	SAMPLE_ACCEPTOR,  /* as a Kerberos acceptor has them */
	SAMPLE_INITIATOR, /* mutual, host-based target, never expires */
	SAMPLE_DCE,       /* one name, one key, numbers near their wrap-around */
	SAMPLE_BARE,      /* whatever can be absent is */
	SAMPLE_FULL,      /* everything is there, authorisation data beyond an import's stack */
	SAMPLE_HALF_INITIATOR,
	SAMPLE_HALF_ACCEPTOR,
	SAMPLE_ATTRIBUTES, /* what the initiator's realm says about it */
	NUM_SAMPLES,
};

/* Asserts on failure. */
struct bt_ctx *test_ctx_new(enum test_sample sample);
/* test_ctx_set_pending - half-open state of this many bytes. */
void test_ctx_set_pending(struct bt_ctx *ctx, size_t len);
void test_assert_same(struct bt_ctx *a, struct bt_ctx *b);

#endif
