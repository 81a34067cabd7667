/* RFC 7748: the function, the two sides of an agreement, and what is refused. The key derivation function that goes with it. */
#include <openssl/err.h>

#include "crypto_vector.h"

#include "base/err.h"
#include "crypto/crypto.h"

enum { LEN = BT_CRYPTO_X25519_LEN };

/* What the next key pair is made of; NULL: there is no randomness. */
static const char *next_secret;

int
bt_crypto_random(void *out, size_t len)
{
	memset(out, 0, len);
	if (next_secret == NULL)
		return BT_ERR_ENTROPY;
	assert_int_equal(hex_to(next_secret, out), len);
	return 0;
}

/* §5.2 */
static void
scalar_times_coordinate(void **state)
{
	static const struct {
		const char *scalar, *u, *out;
	} vectors[] = {
	    {"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
	     "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
	     "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
	    {"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
	     "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
	     "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
	};
	uint8_t scalar[LEN], u[LEN], out[LEN], k[LEN] = {9}, before[LEN];

	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		hex_to(vectors[i].scalar, scalar);
		hex_to(vectors[i].u, u);
		assert_int_equal(bt_crypto_x25519(scalar, u, out), 0);
		assert_hex(out, LEN, vectors[i].out);
	}
	memcpy(u, k, LEN);
	for (int i = 1; i <= 1000; i++) {
		memcpy(before, k, LEN);
		assert_int_equal(bt_crypto_x25519(before, u, k), 0);
		memcpy(u, before, LEN);
		if (i == 1)
			assert_hex(k, LEN, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
	}
	assert_hex(k, LEN, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

/* §6.1 */
static void
two_sides(void **state)
{
	uint8_t a[LEN], a_public[LEN], b[LEN], b_public[LEN], shared[LEN];

	next_secret = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
	assert_int_equal(bt_crypto_x25519_new(a, a_public), 0);
	assert_hex(a, LEN, next_secret);
	assert_hex(a_public, LEN, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
	next_secret = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
	assert_int_equal(bt_crypto_x25519_new(b, b_public), 0);
	assert_hex(b_public, LEN, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
	assert_int_equal(bt_crypto_x25519(a, b_public, shared), 0);
	assert_hex(shared, LEN, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
	assert_int_equal(bt_crypto_x25519(b, a_public, shared), 0);
	assert_hex(shared, LEN, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

/* Every point whose order divides 8, and their other encodings: all of them give zero with any secret. */
static void
points_of_small_order(void **state)
{
	static const char *const points[] = {
	    "0000000000000000000000000000000000000000000000000000000000000000",
	    "0100000000000000000000000000000000000000000000000000000000000000",
	    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	    "0000000000000000000000000000000000000000000000000000000000000080",
	};
	uint8_t secret[LEN], peer[LEN], shared[LEN], zeros[LEN] = {0};

	hex_to("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a", secret);
	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
		hex_to(points[i], peer);
		memset(shared, 0xa5, LEN);
		assert_int_equal(bt_crypto_x25519(secret, peer, shared), BT_ERR_MALFORMED);
		assert_memory_equal(shared, zeros, LEN);
	}
	assert_int_equal(ERR_peek_error(), 0);
}

static void
no_randomness(void **state)
{
	uint8_t secret[LEN], public[LEN], zeros[LEN] = {0};

	next_secret = NULL;
	memset(public, 0xa5, LEN);
	assert_int_equal(bt_crypto_x25519_new(secret, public), BT_ERR_ENTROPY);
	assert_memory_equal(secret, zeros, LEN);
	assert_memory_equal(public, zeros, LEN);
}

/* Kc of RFC 8009 appendix A: the same function, with a label and no context. */
static void
derivation(void **state)
{
	uint8_t key[16], out[16];

	hex_to("3705d96080c17728a0e800eab6e0d23c", key);
	bt_crypto_kdf_sha256(bt_bytes_of(key, sizeof key), bt_bytes_of("\0\0\0\2\x99", 5), bt_bytes_of(NULL, 0), out, sizeof out);
	assert_hex(out, sizeof out, "b31a018a48f54776f403e9a396325dc3");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(scalar_times_coordinate), cmocka_unit_test(two_sides), cmocka_unit_test(points_of_small_order),
	    cmocka_unit_test(no_randomness), cmocka_unit_test(derivation),
	};

	return cmocka_run_group_tests_name("x25519", tests, NULL, NULL);
}
