/*
 * draft-howard-gss-sanon-13 appendix A: both tokens, the base key and the keys for NegoEx, from the secret keys given there. (The
 * initiator's token is printed there without its last digit, which its public key has.)
 */
#include "../crypto_vector.h"

#include "mech/mech.h"

#define INITIATOR_PUBLIC "5f4066225a3cfd725723c18fae713e8cab32a72c93b97666044b8fe4a0c96919"
#define ACCEPTOR_TOKEN \
	"2f81519fa89c07f8ebb2956c0cc32277aea10e620c793381ef9ac5b2f0d91e06" \
	"040405ffffffffff00000000000000004d5ea9e0e19c7a61c26a9ac5e8175f04"

/* The secret keys, in the order in which they are made. */
static const char *const secrets[] = {"8333f2ea2a22ebaa0539c6061d6a99058424499e2c16c1b134d92227f3f45ebd",
				      "b0db1632390add931ef762bcd3c91d03e8d9595248ebe2f2b5f7d806ecdd5060"};
static size_t next_secret;

int
bt_crypto_random(void *out, size_t len)
{
	assert_true(next_secret < 2);
	assert_int_equal(hex_to(secrets[next_secret++], out), len);
	return 0;
}

static void
assert_buf(struct bt_buf *got, const char *text)
{
	assert_hex(got->ptr, got->len, text);
	bt_buf_free(got);
}

static struct bt_mcred *
acceptor_credential(void)
{
	struct bt_cred_request request = {.usage = BT_USAGE_ACCEPT};
	struct bt_mcred *cred;

	assert_int_equal(bt_mech_sanon.cred_acquire(&request, &cred), 0);
	return cred;
}

static void
assert_prf(struct bt_ctx *ctx, const char *input, const char *want)
{
	uint8_t out[16];

	for (int full = 0; full < 2; full++) {
		assert_int_equal(bt_msg_prf(ctx->msg, full, bt_bytes_of_str(input), (struct bt_buf){out, sizeof out}), 0);
		assert_hex(out, sizeof out, want);
	}
}

/* Not of the draft, but as fixed: what an interprocess token holds of an initiator between its legs. */
static void
assert_saved(const struct bt_ctx *ctx)
{
	struct bt_wr wr;
	uint8_t want[71] = {1, 32};

	hex_to(secrets[0], want + 2);
	memcpy(want + 34, "\x02\x20", 2);
	hex_to(INITIATOR_PUBLIC, want + 36);
	memcpy(want + 68, "\x03\x01\x40", 3);
	bt_wr_init(&wr);
	assert_int_equal(bt_mech_sanon.pending_save(ctx, &wr), 0);
	assert_true(bt_bytes_equal(bt_wr_written(&wr), bt_bytes_of(want, sizeof want)));
	bt_wr_done(&wr);
}

static void
exchange(void **state)
{
	struct bt_ctx *sides[2] = {bt_ctx_new(&bt_mech_sanon, true), bt_ctx_new(&bt_mech_sanon, false)};
	struct bt_mcred *cred = acceptor_credential(), *delegated;
	struct bt_init_step init = {.flags = BT_CTX_ANON};
	struct bt_accept_step accept = {.cred = cred};
	struct bt_buf there, back, none;

	assert_int_equal(bt_mech_sanon.init(sides[0], &init, &there), 0);
	assert_int_equal(sides[0]->stage, BT_CTX_EXPECT_TOKEN);
	assert_saved(sides[0]);
	accept.token = bt_bytes_of_buf(&there);
	assert_int_equal(bt_mech_sanon.accept(sides[1], &accept, &back, &delegated), 0);
	assert_buf(&there, "602c060a2b06010401a94a1a016e" INITIATOR_PUBLIC);
	init.token = bt_bytes_of_buf(&back);
	assert_int_equal(bt_mech_sanon.init(sides[0], &init, &none), 0);
	assert_int_equal(none.len, 0);
	assert_buf(&back, ACCEPTOR_TOKEN);
	for (int i = 0; i < 2; i++) {
		const struct bt_msg_key *key = bt_msg_session_key(sides[i]->msg);

		assert_int_equal(sides[i]->stage, BT_CTX_OPEN);
		assert_int_equal(key->enctype, 19);
		assert_hex(key->bytes, key->len, "80762c43326a95f5be306dea10baf3d0");
		assert_prf(sides[i], "sanon-x25519-initiator-negoex-key", "2ac8f9d031874042cbd45007cedbc2c2");
		assert_prf(sides[i], "sanon-x25519-acceptor-negoex-key", "739f4da2f12df7f7d7eae49da408625b");
		bt_ctx_free(sides[i]);
	}
	bt_mech_sanon.cred_free(cred);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(exchange)};

	return cmocka_run_group_tests_name("sanon", tests, NULL, NULL);
}
