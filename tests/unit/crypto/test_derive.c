/* The quick n-fold of usage constants gives what the plain one gives. Known answers are in tests/kat. */
#include "support.h"

#include "crypto/derive.h"

static void
usage_constants_fold_alike(void **state)
{
	static const enum bt_crypto_kind kinds[] = {BT_CRYPTO_KC, BT_CRYPTO_KE, BT_CRYPTO_KI};
	const struct bt_crypto_profile *profile = bt_crypto_profile_of(bt_crypto_enctype_of(18));
	uint8_t base[BT_CRYPTO_KEY_MAX], quick[BT_CRYPTO_KEY_MAX], plain[BT_CRYPTO_KEY_MAX], constant[5];
	struct bt_crypto_source source;
	uint32_t seed = 1;

	fill(base, sizeof base, 2);
	bt_crypto_source_init(&source, profile, base);
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t usage = i < 1000   ? i
				 : i < 1032 ? UINT32_MAX - (i - 1000)
					    : next_number(&seed) << 8 ^ next_number(&seed);

		bt_store_be32(constant, usage);
		for (int k = 0; k < 3; k++) {
			constant[4] = kinds[k];
			bt_crypto_derive_usage(&source, usage, kinds[k], quick);
			bt_crypto_derive_dk(&source, bt_bytes_of(constant, sizeof constant), plain);
			assert_memory_equal(quick, plain, sizeof plain);
		}
	}
	bt_crypto_source_done(&source);
}

/* The definition of RFC 3961 §5.1, bit by bit. */
static void
nfold_by_the_book(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len)
{
	size_t in_bits = in_len * 8, out_bits = out_len * 8, total = in_bits;
	int sum[256] = {0}, carry = 0;

	while (total % out_bits != 0)
		total += in_bits;
	for (size_t i = 0; i < total; i++) {
		size_t bit = (i % in_bits + total * 13 - i / in_bits * 13) % in_bits;

		/* total * 13 is a multiple of in_bits: it only keeps the difference from going below zero. */
		sum[i % out_bits] += in[bit / 8] >> (7 - bit % 8) & 1;
	}
	do {
		for (size_t i = out_bits; i-- > 0;) {
			sum[i] += carry;
			carry = sum[i] >> 1;
			sum[i] &= 1;
		}
	} while (carry != 0);
	memset(out, 0, out_len);
	for (size_t i = 0; i < out_bits; i++)
		out[i / 8] |= (uint8_t)(sum[i] << (7 - i % 8));
}

static void
folds_of_all_lengths(void **state)
{
	uint8_t in[40], got[32], want[32];

	for (size_t in_len = 1; in_len <= sizeof in; in_len++)
		for (size_t out_len = 1; out_len <= sizeof got; out_len++)
			for (uint32_t seed = 0; seed < 3; seed++) {
				fill(in, in_len, seed);
				if (seed == 2)
					memset(in, 0xff, in_len); /* carries all the way */
				bt_crypto_nfold(bt_bytes_of(in, in_len), got, out_len);
				nfold_by_the_book(in, in_len, want, out_len);
				assert_memory_equal(got, want, out_len);
			}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(usage_constants_fold_alike),
					   cmocka_unit_test(folds_of_all_lengths)};

	return RUN_ON_BOTH_PATHS(tests);
}
