/*
 * Tokens that protect bytes beside them: between MIT's library and ours, both ways, what one seals the other opens, and nothing
 * else. Every enctype, with and without confidentiality.
 */
#include "support/matrix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 3000 };

static uint8_t text[TEXT_MAX], beside[TEXT_MAX];

static void
carry(struct ends *e, bool conf, size_t text_len, size_t beside_len)
{
	struct blob token;

	if (peer_call(e->i, PEER_WRAP_AEAD, "uubb", e->ctx_i, (uint32_t)conf, beside, beside_len, text, text_len) != COMPLETE)
		fail_msg("wrap %zu beside %zu: %s", text_len, beside_len, status_text(e->i));
	token = blob_keep(peer_blob(e->i));
	assert_int_equal(peer_u32(e->i), conf);
	if (peer_call(e->a, PEER_UNWRAP_AEAD, "ubb", e->ctx_a, beside, beside_len, token.at, token.len) != COMPLETE)
		fail_msg("unwrap %zu beside %zu: %s", text_len, beside_len, status_text(e->a));
	assert_true(blob_is(peer_blob(e->a), text, text_len));
	assert_int_equal(peer_u32(e->a), conf);
	blob_drop(&token);
}

static void
carries_what_is_beside(void **state)
{
	static const size_t lens[] = {0, 1, 15, 16, 17, 1000, TEXT_MAX};
	struct pairing *p = *state;
	struct setup s = {.service = p->service, .flags = MUTUAL | REPLAY | SEQUENCE | CONF | INTEG};
	struct ends e;

	/* MIT's library makes such tokens of legacy keys with a header that is too long for what is beside. */
	if (is_legacy(p->enctype) && p->from == MIT)
		skip();
	ends_make(&e, &s, p->matrix->i[p->from], p->matrix->a[p->to]);
	for (size_t t = 0; t < sizeof(lens) / sizeof(*lens); t++)
		for (size_t b = 0; b < sizeof(lens) / sizeof(*lens); b++)
			for (int conf = 0; conf < 2; conf++)
				carry(&e, conf, lens[t], lens[b]);
	ends_delete(&e);
}

static void
refuses_what_was_changed(void **state)
{
	struct pairing *p = *state;
	struct setup s = {.service = p->service, .flags = MUTUAL | CONF | INTEG};
	struct ends e;

	ends_make(&e, &s, p->matrix->i[p->from], p->matrix->a[p->to]);
	for (int conf = 0; conf < 2; conf++) {
		struct blob token;

		assert_int_equal(peer_call(e.i, PEER_WRAP_AEAD, "uuss", e.ctx_i, (uint32_t)conf, "beside", "text"), COMPLETE);
		token = blob_keep(peer_blob(e.i));
		assert_int_equal(peer_call(e.a, PEER_UNWRAP_AEAD, "usb", e.ctx_a, "besides", token.at, token.len), BAD_MIC);
		assert_int_equal(peer_blob(e.a).len, 0);
		assert_int_equal(peer_call(e.a, PEER_UNWRAP_AEAD, "usb", e.ctx_a, "", token.at, token.len), BAD_MIC);
		((uint8_t *)token.at)[token.len - 1] ^= 1;
		assert_int_equal(peer_call(e.a, PEER_UNWRAP_AEAD, "usb", e.ctx_a, "beside", token.at, token.len), BAD_MIC);
		blob_drop(&token);
	}
	ends_delete(&e);
}

int
main(void)
{
	const struct matrix_test tests[] = {
	    {"carries what is beside", carries_what_is_beside},
	    {"refuses what was changed", refuses_what_was_changed},
	};

	for (size_t n = 0; n < TEXT_MAX; n++) {
		text[n] = (uint8_t)(n * 31);
		beside[n] = (uint8_t)(n * 17 + 5);
	}
	return matrix_run("aead", tests, sizeof(tests) / sizeof(*tests));
}
