#include "support/hand.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/scratch.h"

static char dir[64];

struct blob
hand_out(struct peer *p, uint32_t ctx)
{
	struct blob token;

	if (peer_call(p, PEER_EXPORT, "u", ctx) != COMPLETE)
		fail_msg("export: %s", status_text(p));
	token = blob_keep(peer_blob(p));
	assert_int_equal(peer_u32(p), true);
	assert_true(token.len > 13);
	return token;
}

uint32_t
hand_in(struct peer *p, struct blob token)
{
	uint32_t ctx;

	if (peer_call(p, PEER_IMPORT, "b", token.at, token.len) != COMPLETE)
		fail_msg("import: %s", status_text(p));
	ctx = peer_u32(p);
	assert_int_not_equal(ctx, PEER_NONE);
	return ctx;
}

uint32_t
hand_try(struct peer *p, struct blob token)
{
	uint32_t major = peer_call(p, PEER_IMPORT, "b", token.at, token.len), minor = p->minor, ctx = peer_u32(p);

	assert_int_equal(ctx != PEER_NONE, major == COMPLETE);
	if (ctx != PEER_NONE)
		assert_int_equal(peer_call(p, PEER_DELETE, "u", ctx), COMPLETE);
	p->major = major;
	p->minor = minor;
	return major;
}

bool
hand_is_used(struct peer *p, struct blob token)
{
	return hand_try(p, token) == NO_CONTEXT && p->minor == MINOR_TOKEN_USED;
}

bool
hand_refuses(struct peer *p, struct blob token)
{
	/* The front may add a calling error, as MIT's does for what has not even a mechanism's prefix. */
	uint32_t routine = hand_try(p, token) & ROUTINE_BITS;

	return routine == DEFECTIVE_TOKEN || routine == NO_CONTEXT;
}

void
hand_over_acceptor(struct ends *e, struct peer *to)
{
	struct blob token = hand_out(e->a, e->ctx_a);

	e->ctx_a = hand_in(to, token);
	e->a = to;
	blob_drop(&token);
}

void
hand_over_initiator(struct ends *e, struct peer *to)
{
	struct blob token = hand_out(e->i, e->ctx_i);

	e->ctx_i = hand_in(to, token);
	e->i = to;
	blob_drop(&token);
}

int
claims_begin(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/dev/shm/baton-tests.XXXXXX");
	return scratch_dir(dir) == NULL || setenv("BATON_CLAIM_DIR", dir, 1) != 0;
}

int
claims_end(void **state)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	(void)state;
	while (d != NULL && (entry = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), entry->d_name, 0);
	if (d != NULL)
		closedir(d);
	return rmdir(dir);
}

const char *
claims_dir(void)
{
	return dir;
}
