/*
 * What was altered is refused, whoever is not allowed is refused, nothing can be read; and after each refusal the true token still works.
 */
#include "support/hand.h"
#include "support/root.h"
#include "support/scratch.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { NOBODY = 65534, TOKEN_LEN_MAX = 400, SHORTEST_LEAK = 6 };

static const struct setup usual = { .service = "host", .flags = MUTUAL | REPLAY | SEQUENCE | CONF | INTEG };

struct stage {
	struct peer *client, *front, *worker;
	struct ends e;
	struct blob token;
};

static void
set_stage(struct stage *s)
{
	s->client = peer_start("mit", NULL);
	s->front = peer_start("baton", NULL);
	s->worker = peer_start("baton", NULL);
	ends_make(&s->e, &usual, s->client, s->front);
	s->token = hand_out(s->front, s->e.ctx_a);
}

/* The true token works once: whatever came before did it no harm. */
static void
clear_stage(struct stage *s)
{
	s->e.ctx_a = hand_in(s->worker, s->token);
	s->e.a = s->worker;
	ends_speak(&s->e);
	assert_true(hand_is_used(s->front, s->token));
	ends_delete(&s->e);
	blob_drop(&s->token);
	peer_stop(s->client);
	peer_stop(s->front);
	peer_stop(s->worker);
}

static void
every_flipped_bit(void **state)
{
	struct stage s;
	uint8_t *at;

	(void)state;
	set_stage(&s);
	at = (uint8_t *)s.token.at;
	for (size_t n = 0; n < s.token.len; n++)
		for (int bit = 0; bit < 8; bit++) {
			at[n] ^= (uint8_t)(1 << bit);
			if (!hand_refuses(bit % 2 ? s.worker : s.front, s.token))
				fail_msg("byte %zu of %zu, bit %d: %s", n, s.token.len, bit, status_text(bit % 2 ? s.worker : s.front));
			at[n] ^= (uint8_t)(1 << bit);
		}
	clear_stage(&s);
}

static void
every_truncation(void **state)
{
	struct stage s;

	(void)state;
	set_stage(&s);
	for (size_t len = 1; len < s.token.len; len++)
		if (!hand_refuses(s.worker, (struct blob){ s.token.at, len }))
			fail_msg("cut to %zu of %zu: %s", len, s.token.len, status_text(s.worker));
	for (size_t start = 1; start < s.token.len; start++)
		if (!hand_refuses(s.worker, (struct blob){ s.token.at + start, s.token.len - start }))
			fail_msg("without its first %zu: %s", start, status_text(s.worker));
	assert_int_not_equal(hand_try(s.worker, (struct blob){ NULL, 0 }), COMPLETE);
	clear_stage(&s);
}

static void
appended_bytes(void **state)
{
	static const size_t more[] = { 1, 2, 3, 4, 7, 8, 15, 16, 17, 400, 5000 };
	struct stage s;

	(void)state;
	set_stage(&s);
	for (size_t n = 0; n < sizeof(more) / sizeof(*more); n++)
		for (int fill = 0; fill < 256; fill += fill < 2 ? 1 : 50) {
			uint8_t *longer = malloc(s.token.len + more[n]);

			memcpy(longer, s.token.at, s.token.len);
			memset(longer + s.token.len, fill, more[n]);
			if (!hand_refuses(s.worker, (struct blob){ longer, s.token.len + more[n] }))
				fail_msg("%zu bytes of %d appended: %s", more[n], fill, status_text(s.worker));
			/* Also as a doubled token, and one with bytes in its middle. */
			memmove(longer + s.token.len / 2 + more[n], longer + s.token.len / 2, s.token.len - s.token.len / 2);
			assert_true(hand_refuses(s.worker, (struct blob){ longer, s.token.len + more[n] }));
			free(longer);
		}
	clear_stage(&s);
}

/* Two true tokens, crossed at every place where they differ. */
static void
crossed_tokens(void **state)
{
	struct stage s;
	struct ends second;
	struct blob token;

	(void)state;
	set_stage(&s);
	/* Numbers take as many bytes as they need, so not all tokens are of one length. */
	for (;;) {
		ends_make(&second, &usual, s.client, s.front);
		token = hand_out(s.front, second.ctx_a);
		if (token.len == s.token.len)
			break;
		second.ctx_a = PEER_NONE;
		ends_delete(&second);
		blob_drop(&token);
	}
	for (size_t n = 1; n < token.len; n++) {
		uint8_t *mixed = malloc(token.len);

		memcpy(mixed, s.token.at, n);
		memcpy(mixed + n, token.at + n, token.len - n);
		if (memcmp(mixed, token.at, token.len) != 0 && memcmp(mixed, s.token.at, token.len) != 0 &&
		    !hand_refuses(s.worker, (struct blob){ mixed, token.len }))
			fail_msg("crossed at %zu: %s", n, status_text(s.worker));
		free(mixed);
	}
	second.ctx_a = hand_in(s.worker, token);
	second.a = s.worker;
	ends_speak(&second);
	ends_delete(&second);
	blob_drop(&token);
	clear_stage(&s);
}

static void
another_users_process(void **state)
{
	struct stage s;
	struct peer *stranger;

	(void)state;
	if (!is_root())
		skip();
	set_stage(&s);
	stranger = peer_start("baton", NULL);
	assert_int_equal(peer_call(stranger, PEER_SETUID, "u", (uint32_t)NOBODY), 0);
	for (int n = 0; n < 3; n++)
		assert_int_equal(hand_try(stranger, s.token), UNAUTHORIZED);
	peer_stop(stranger);

	/* One that has used the table while it was allowed to is no longer let in. */
	stranger = peer_start("baton", NULL);
	s.e.ctx_a = hand_in(stranger, s.token);
	blob_drop(&s.token);
	s.token = hand_out(stranger, s.e.ctx_a);
	assert_int_equal(peer_call(stranger, PEER_SETUID, "u", (uint32_t)NOBODY), 0);
	assert_int_equal(hand_try(stranger, s.token), UNAUTHORIZED);
	peer_stop(stranger);
	clear_stage(&s);
}

/* Root may read the table, and is another user all the same: with a store of its own, and with the token's user's. */
static void
roots_process(void **state)
{
	struct peer *mit, *front, *root, *worker;
	char dir[64] = "/dev/shm/baton-tests.XXXXXX", path[80];
	struct blob token;
	struct ends e;

	(void)state;
	if (!is_root())
		skip();
	assert_non_null(scratch_dir(dir));
	assert_int_equal(chown(dir, NOBODY, NOBODY), 0);
	mit = peer_start("mit", NULL);
	front = peer_start("baton", NULL);
	worker = peer_start("baton", NULL);
	ends_make(&e, &usual, mit, front);
	for (int n = 0; n < 2; n++) {
		struct peer *p = n ? front : worker;

		assert_int_equal(peer_call(p, PEER_SETENV, "ss", "BATON_CLAIM_DIR", dir), 0);
		assert_int_equal(peer_call(p, PEER_SETUID, "u", (uint32_t)NOBODY), 0);
	}
	token = hand_out(front, e.ctx_a);
	for (int n = 0; n < 2; n++) {
		root = peer_start("baton", NULL);
		if (n == 1)
			assert_int_equal(peer_call(root, PEER_SETENV, "ss", "BATON_CLAIM_DIR", dir), 0);
		for (int again = 0; again < 3; again++)
			assert_int_equal(hand_try(root, token), UNAUTHORIZED);
		peer_stop(root);
	}
	e.ctx_a = hand_in(worker, token);
	e.a = worker;
	ends_speak(&e);
	ends_delete(&e);
	blob_drop(&token);
	peer_stop(mit);
	peer_stop(front);
	peer_stop(worker);
	snprintf(path, sizeof(path), "%s/claims", dir);
	(void)unlink(path);
	(void)rmdir(dir);
}

static bool
contains(const void *hay, size_t hay_len, const void *needle, size_t len)
{
	return memmem(hay, hay_len, needle, len) != NULL;
}

/* No piece of a secret, of SHORTEST_LEAK bytes or more, in what left the process. */
static void
assert_hidden(struct blob in, const void *secret, size_t len, const char *what)
{
	for (size_t n = 0; n + SHORTEST_LEAK <= len; n++)
		if (contains(in.at, in.len, (const uint8_t *)secret + n, SHORTEST_LEAK))
			fail_msg("%s can be read", what);
}

static struct blob
table_bytes(void)
{
	struct blob all = { 0 };
	DIR *d = opendir(claims_dir());
	struct dirent *entry;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		char path[600];
		uint8_t *bytes = (uint8_t *)all.at;
		FILE *f;
		size_t n;

		snprintf(path, sizeof(path), "%s/%s", claims_dir(), entry->d_name);
		if (entry->d_name[0] == '.' || (f = fopen(path, "r")) == NULL)
			continue;
		do {
			bytes = realloc(bytes, all.len + 65536);
			n = fread(bytes + all.len, 1, 65536, f);
			all = (struct blob){ bytes, all.len + n };
		} while (n > 0);
		fclose(f);
	}
	closedir(d);
	assert_true(all.len > 0);
	return all;
}

static void
nothing_to_read(void **state)
{
	static const char *const services[] = { "plain", "host", "enc17", "enc18", "enc19", "enc20", "enc25", "enc26", "enc16", "enc23" };
	struct peer *client = peer_start("baton", NULL), *front = peer_start("baton", NULL), *worker = peer_start("baton", NULL);
	struct ends e;

	(void)state;
	for (size_t n = 0; n < sizeof(services) / sizeof(*services); n++)
		for (int role = 0; role < 2; role++) {
			struct setup s = { .service = services[n], .flags = MUTUAL | REPLAY | SEQUENCE | CONF | INTEG };
			struct blob key, token, table;
			int enctype;

			ends_make(&e, &s, client, front);
			key = session_key(front, e.ctx_a, &enctype);
			token = role ? hand_out(front, e.ctx_a) : hand_out(client, e.ctx_i);
			if (role == 0 || strcmp(services[n], "plain") == 0)
				assert_true(token.len <= TOKEN_LEN_MAX);
			assert_true(token.len > 13 && contains(token.at, 13, "\0\0\0\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02", 13));
			table = table_bytes();
			assert_hidden(token, key.at, key.len, "the session key, in the token,");
			assert_hidden(table, key.at, key.len, "the session key, in the claim table,");
			assert_hidden(token, "BATON.TEST", 10, "the realm");
			assert_hidden(token, "server.baton.test", 17, "the host");
			assert_hidden(token, "alice@", 6, "the user");
			assert_hidden(table, "server.baton.test", 17, "the host, in the claim table,");
			blob_drop(&table);
			if (role)
				e.ctx_a = hand_in(worker, token), e.a = worker;
			else
				e.ctx_i = hand_in(worker, token), e.i = worker;
			ends_speak(&e);
			/* The next token of the same context looks like none before. */
			table = role ? hand_out(worker, e.ctx_a) : hand_out(worker, e.ctx_i);
			for (size_t at = 64; at + 16 <= token.len; at++)
				assert_false(contains(table.at, table.len, token.at + at, 16));
			blob_drop(&table);
			if (role)
				e.ctx_a = PEER_NONE;
			else
				e.ctx_i = PEER_NONE;
			ends_delete(&e);
			blob_drop(&token);
			blob_drop(&key);
		}
	peer_stop(client);
	peer_stop(front);
	peer_stop(worker);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_flipped_bit),  cmocka_unit_test(every_truncation),      cmocka_unit_test(appended_bytes),
		cmocka_unit_test(crossed_tokens),     cmocka_unit_test(another_users_process), cmocka_unit_test(nothing_to_read),
		cmocka_unit_test(roots_process),
	};

	return cmocka_run_group_tests_name("tamper", tests, claims_begin, claims_end);
}
