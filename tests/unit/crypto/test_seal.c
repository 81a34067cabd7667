/*
 * Encryption with integrity: lengths, segments, aliasing, alteration. What a message should be is built here from the room's
 * smaller parts on one piece of memory; those have known answers of their own.
 */
#include <pthread.h>

#include "support.h"

#include "base/err.h"
#include "crypto/cts.h"
#include "crypto/derive.h"
#include "crypto/integrity.h"
#include "failing.h"

enum { USAGE = 24, LONGEST = 66000, MAX_SEGS = 12 };

static uint8_t base_key[BT_CRYPTO_KEY_MAX] = "a protocol key, whatever its lng";

static uint8_t text[LONGEST], sealed[LONGEST + 64], opened[LONGEST + 64];

struct pair {
	struct bt_crypto_seal_key *seal;
	struct bt_crypto_seal_key *open;
};

static struct pair
pair_of(int32_t enctype)
{
	const struct bt_crypto_enctype *et = bt_crypto_enctype_of(enctype);
	struct pair pair;

	assert_int_equal(bt_crypto_seal_key_new(et, base_key, USAGE, true, &pair.seal), 0);
	assert_int_equal(bt_crypto_seal_key_new(et, base_key, USAGE, false, &pair.open), 0);
	return pair;
}

static void
pair_free(struct pair pair)
{
	bt_crypto_seal_key_free(pair.seal);
	bt_crypto_seal_key_free(pair.open);
}

/* The ciphertext of one piece: CTS under Ke. */
static void
expect_cipher(int32_t enctype, const uint8_t *plain, size_t len, uint8_t *cipher)
{
	const struct bt_crypto_profile *profile = bt_crypto_profile_of(bt_crypto_enctype_of(enctype));
	struct bt_crypto_seg seg = {plain, cipher, len};
	struct bt_crypto_source source;
	uint8_t ke[BT_CRYPTO_KEY_MAX];
	struct bt_crypto_camellia camellia;
	struct bt_crypto_aes aes;
	struct bt_crypto_cbc cbc;

	bt_crypto_source_init(&source, profile, base_key);
	bt_crypto_derive_usage(&source, USAGE, BT_CRYPTO_KE, ke);
	bt_crypto_aes_init(&aes, ke, profile->row.key_len, true);
	bt_crypto_camellia_init(&camellia, ke, profile->row.key_len, true);
	if (profile->family == BT_CRYPTO_RFC6803)
		bt_crypto_cbc_begin_camellia(&cbc, &camellia);
	else
		bt_crypto_cbc_begin(&cbc, &aes);
	bt_crypto_cts_encrypt(&cbc, bt_crypto_walk_of(&seg, 1, NULL), bt_crypto_walk_of(&seg, 1, NULL), len);
	bt_crypto_cbc_end(&cbc);
}

/* The MAC over what is covered, which is one piece here: plaintext (RFC 3962, RFC 6803) or zeros and ciphertext (RFC 8009). */
static void
expect_mac(int32_t enctype, const uint8_t *covered, size_t len, uint8_t *mac)
{
	const struct bt_crypto_profile *profile = bt_crypto_profile_of(bt_crypto_enctype_of(enctype));
	uint8_t ki[BT_CRYPTO_KEY_MAX], zeros[16] = {0};
	union bt_crypto_integrity key;
	struct bt_crypto_source source;
	struct bt_crypto_digest digest;

	bt_crypto_source_init(&source, profile, base_key);
	bt_crypto_derive_usage(&source, USAGE, BT_CRYPTO_KI, ki);
	bt_crypto_integrity_key(profile, ki, &key);
	bt_crypto_integrity_begin(&digest, profile, &key);
	if (checks_ciphertext(enctype))
		bt_crypto_digest_update(&digest, zeros, sizeof zeros);
	bt_crypto_digest_update(&digest, covered, len);
	bt_crypto_integrity_end(&digest, profile, &key, mac);
}

static void
check_length(const struct pair *pair, int32_t enctype, size_t len)
{
	const struct bt_crypto_enctype *et = bt_crypto_enctype_of(enctype);
	uint8_t mac[BT_CRYPTO_MAC_MAX], want_mac[BT_CRYPTO_MAC_MAX];
	static uint8_t want[LONGEST];
	struct bt_crypto_seg seg = {text, sealed, len};

	/* From one place to another, and not a byte beyond. */
	memset(sealed + len, 0xee, 16);
	bt_crypto_encrypt(pair->seal, &seg, 1, mac);
	assert_true(has_only(sealed + len, 16, 0xee));
	expect_cipher(enctype, text, len, want);
	assert_memory_equal(sealed, want, len);
	expect_mac(enctype, checks_ciphertext(enctype) ? want : text, len, want_mac);
	assert_memory_equal(mac, want_mac, et->mac_len);
	seg = (struct bt_crypto_seg){sealed, opened, len};
	memset(opened + len, 0xee, 16);
	assert_int_equal(bt_crypto_decrypt(pair->open, &seg, 1, mac), 0);
	assert_memory_equal(opened, text, len);
	assert_true(has_only(opened + len, 16, 0xee));
	/* In place. */
	seg = (struct bt_crypto_seg){opened, opened, len};
	bt_crypto_encrypt(pair->seal, &seg, 1, mac);
	assert_memory_equal(opened, want, len);
	assert_memory_equal(mac, want_mac, et->mac_len);
	assert_int_equal(bt_crypto_decrypt(pair->open, &seg, 1, mac), 0);
	assert_memory_equal(opened, text, len);
}

static void
every_length(void **state)
{
	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		struct pair pair = pair_of(enctypes[i]);

		for (size_t len = 16; len <= 16 + 300; len++)
			check_length(&pair, enctypes[i], len);
		for (size_t len = 1000; len <= 1100; len++)
			check_length(&pair, enctypes[i], len);
		for (size_t len = 4096 - 36; len <= 4096 + 36; len++)
			check_length(&pair, enctypes[i], len);
		for (size_t len = 65536 - 33; len <= 65536 + 33; len += 3)
			check_length(&pair, enctypes[i], len);
		pair_free(pair);
	}
}

/*
 * One message cut into segments as the seed says: encrypted ones and sign-only ones in any order, empty ones too.
 * Returns the number of segments; is_data tells which are encrypted.
 */
static size_t
cut(uint32_t *seed, size_t len, struct bt_crypto_seg *segs, bool *is_data)
{
	size_t num = 1 + next_number(seed) % MAX_SEGS, left = len, last = 0;

	for (size_t i = 0; i < num; i++) {
		is_data[i] = next_number(seed) % 3 != 0;
		if (is_data[i]) {
			segs[i].len = next_number(seed) % 4 == 0 ? left : next_number(seed) % (left + 1);
			if (next_number(seed) % 4 == 0)
				segs[i].len = segs[i].len < 15 ? segs[i].len : 15; /* less than a block */
			left -= segs[i].len;
			last = i;
		} else {
			segs[i].len = next_number(seed) % 70;
		}
	}
	if (!is_data[last]) {
		is_data[last] = true;
		segs[last].len = 0;
	}
	segs[last].len += left;
	return num;
}

/* A message in any number of segments is the same message, whether its pieces lie where they should go or elsewhere. */
static void
check_cut(const struct pair *pair, int32_t enctype, size_t len, uint32_t seed)
{
	const struct bt_crypto_enctype *et = bt_crypto_enctype_of(enctype);
	static uint8_t in[4096], out[4096], whole[4096], cipher[4096], covered[4096];
	struct bt_crypto_seg segs[MAX_SEGS];
	bool is_data[MAX_SEGS], in_place = seed % 2 == 0;
	size_t num = cut(&seed, len, segs, is_data), at, done;
	uint8_t mac[BT_CRYPTO_MAC_MAX], want_mac[BT_CRYPTO_MAC_MAX];

	fill(in, sizeof in, seed);
	memset(out, 0xee, sizeof out);
	for (size_t i = at = done = 0; i < num; at += segs[i].len + 3, i++) {
		segs[i].in = in + at;
		segs[i].out = is_data[i] ? (in_place ? in : out) + at : NULL;
		if (is_data[i])
			memcpy(whole + done, in + at, segs[i].len), done += segs[i].len;
	}
	assert_int_equal(done, len);
	assert_true(at <= sizeof in);
	expect_cipher(enctype, whole, len, cipher);
	for (size_t i = at = done = 0; i < num; at += segs[i].len, i++) {
		memcpy(covered + at, is_data[i] && checks_ciphertext(enctype) ? cipher + done : segs[i].in, segs[i].len);
		done += is_data[i] ? segs[i].len : 0;
	}
	expect_mac(enctype, covered, at, want_mac);
	bt_crypto_encrypt(pair->seal, segs, num, mac);
	assert_memory_equal(mac, want_mac, et->mac_len);
	for (size_t i = done = 0; i < num; i++)
		if (is_data[i]) {
			assert_memory_equal(segs[i].out, cipher + done, segs[i].len);
			done += segs[i].len;
			segs[i].in = segs[i].out;
		}
	assert_int_equal(bt_crypto_decrypt(pair->open, segs, num, mac), 0);
	for (size_t i = done = 0; i < num; i++)
		if (is_data[i]) {
			assert_memory_equal(segs[i].out, whole + done, segs[i].len);
			done += segs[i].len;
		}
	/* Between the segments and after them nothing was touched. */
	if (!in_place) {
		for (size_t i = at = 0; i < num; at += segs[i].len + 3, i++)
			assert_true(
			    has_only(out + at + (is_data[i] ? segs[i].len : 0), is_data[i] ? 3 : segs[i].len + 3, 0xee));
		assert_true(has_only(out + at, sizeof out - at, 0xee));
	}
}

static void
every_cut(void **state)
{
	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		struct pair pair = pair_of(enctypes[i]);

		for (uint32_t seed = 0; seed < 6000; seed++)
			check_cut(&pair, enctypes[i], 16 + seed % 100, seed);
		for (uint32_t seed = 0; seed < 600; seed++)
			check_cut(&pair, enctypes[i], 1500 + seed % 1500, seed);
		pair_free(pair);
	}
}

static void
every_bit_counts(void **state)
{
	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		const struct bt_crypto_enctype *et = bt_crypto_enctype_of(enctypes[i]);
		struct pair pair = pair_of(enctypes[i]);

		for (size_t len = 16; len <= 50; len += 1 + len % 3) {
			uint8_t token[100], plain[64], aside[5] = "aside";
			struct bt_crypto_seg segs[] = {{text, token, 16}, {aside, NULL, 5}, {text + 16, token + 16, len - 16}};
			uint8_t *mac = token + len;

			bt_crypto_encrypt(pair.seal, segs, 3, mac);
			segs[0] = (struct bt_crypto_seg){token, plain, 16};
			segs[2] = (struct bt_crypto_seg){token + 16, plain + 16, len - 16};
			for (size_t bit = 0; bit < (len + et->mac_len) * 8; bit++) {
				token[bit / 8] ^= (uint8_t)(1 << bit % 8);
				memset(plain, 0xee, sizeof plain);
				assert_int_equal(bt_crypto_decrypt(pair.open, segs, 3, mac), BT_ERR_BAD_MIC);
				/* Wiped where it had to be decrypted first, and never written where not. */
				assert_true(has_only(plain, len, checks_ciphertext(enctypes[i]) ? 0xee : 0));
				assert_true(has_only(plain + len, sizeof plain - len, 0xee));
				token[bit / 8] ^= (uint8_t)(1 << bit % 8);
			}
			for (size_t bit = 0; bit < sizeof aside * 8; bit++) {
				aside[bit / 8] ^= (uint8_t)(1 << bit % 8);
				assert_int_equal(bt_crypto_decrypt(pair.open, segs, 3, mac), BT_ERR_BAD_MIC);
				aside[bit / 8] ^= (uint8_t)(1 << bit % 8);
			}
			assert_int_equal(bt_crypto_decrypt(pair.open, segs, 3, mac), 0);
			assert_memory_equal(plain, text, len);
		}
		pair_free(pair);
	}
}

/* Sign-only bytes count where they stand: not elsewhere, and not as data. */
static void
order_counts(void **state)
{
	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		struct pair pair = pair_of(enctypes[i]);
		uint8_t token[48], plain[48], mac[BT_CRYPTO_MAC_MAX];
		struct bt_crypto_seg segs[] = {{text, token, 48}, {(const uint8_t *)"aside", NULL, 5}}, swapped[2];

		bt_crypto_encrypt(pair.seal, segs, 2, mac);
		segs[0] = (struct bt_crypto_seg){token, plain, 48};
		swapped[0] = segs[1];
		swapped[1] = segs[0];
		assert_int_equal(bt_crypto_decrypt(pair.open, segs, 2, mac), 0);
		assert_int_equal(bt_crypto_decrypt(pair.open, swapped, 2, mac), BT_ERR_BAD_MIC);
		assert_int_equal(bt_crypto_decrypt(pair.open, segs, 1, mac), BT_ERR_BAD_MIC);
		pair_free(pair);
	}
}

static void
too_short_is_a_bad_mic(void **state)
{
	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		struct pair pair = pair_of(enctypes[i]);
		uint8_t plain[16], mac[BT_CRYPTO_MAC_MAX] = {0};

		memset(plain, 0xee, sizeof plain);
		assert_int_equal(bt_crypto_decrypt(pair.open, NULL, 0, mac), BT_ERR_BAD_MIC);
		for (size_t len = 0; len < 16; len++) {
			struct bt_crypto_seg segs[] = {{text, plain, len}, {text, NULL, 40}};

			assert_int_equal(bt_crypto_decrypt(pair.open, segs, 2, mac), BT_ERR_BAD_MIC);
			assert_true(has_only(plain, sizeof plain, 0xee));
		}
		pair_free(pair);
	}
}

static void
usages_and_enctypes_are_apart(void **state)
{
	uint8_t token[48], plain[48], mac[BT_CRYPTO_MAC_MAX];
	struct bt_crypto_seg there = {text, token, 48}, back = {token, plain, 48};

	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		const struct bt_crypto_enctype *et = bt_crypto_enctype_of(enctypes[i]);
		struct bt_crypto_seal_key *other;
		struct pair pair = pair_of(enctypes[i]);

		bt_crypto_encrypt(pair.seal, &there, 1, mac);
		assert_int_equal(bt_crypto_seal_key_new(et, base_key, USAGE - 2, false, &other), 0);
		assert_int_equal(bt_crypto_decrypt(other, &back, 1, mac), BT_ERR_BAD_MIC);
		bt_crypto_seal_key_free(other);
		pair_free(pair);
	}
}

static void
no_memory_is_told(void **state)
{
	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		struct bt_crypto_seal_key *key = (struct bt_crypto_seal_key *)text;

		failing_at(1);
		assert_int_equal(bt_crypto_seal_key_new(bt_crypto_enctype_of(enctypes[i]), base_key, USAGE, true, &key),
				 BT_ERR_NOMEM);
		assert_true(failing_happened());
		assert_null(key);
		failing_at(0);
	}
	bt_crypto_seal_key_free(NULL);
	assert_int_equal(failing_live(), 0);
}

/* A key with a schedule has Ke as its first round key; freed, nothing of it is left. And using a key allocates nothing. */
static void
keys_are_wiped(void **state)
{
	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		const struct bt_crypto_profile *profile = bt_crypto_profile_of(bt_crypto_enctype_of(enctypes[i]));
		struct bt_crypto_seg seg = {text, sealed, 100};
		struct bt_crypto_source source;
		struct bt_crypto_camellia camellia;
		uint8_t ke[BT_CRYPTO_KEY_MAX], mac[BT_CRYPTO_MAC_MAX];
		struct pair pair;

		bt_crypto_source_init(&source, profile, base_key);
		bt_crypto_derive_usage(&source, USAGE, BT_CRYPTO_KE, ke);
		if (profile->family == BT_CRYPTO_RFC6803) {
			bt_crypto_camellia_init(&camellia, ke, profile->row.key_len, true);
			memcpy(ke, &camellia, 16);
		}
		failing_watch(ke, 16);
		pair = pair_of(enctypes[i]);
		assert_non_null(memmem(pair.seal, 64, ke, 16));
		failing_at(1);
		bt_crypto_encrypt(pair.seal, &seg, 1, mac);
		seg.in = sealed;
		assert_int_equal(bt_crypto_decrypt(pair.open, &seg, 1, mac), 0);
		assert_false(failing_happened());
		failing_at(0);
		pair_free(pair);
		assert_false(failing_spilled());
		failing_watch(NULL, 0);
	}
	assert_int_equal(failing_live(), 0);
}

struct work {
	struct pair pair;
	uint32_t seed;
	bool is_right;
};

static void *
seal_and_open(void *arg)
{
	struct work *work = arg;
	uint8_t plain[500], token[500], mac[BT_CRYPTO_MAC_MAX];

	work->is_right = true;
	for (int i = 0; i < 2000 && work->is_right; i++) {
		size_t len = 16 + next_number(&work->seed) % (sizeof plain - 16);
		struct bt_crypto_seg there = {plain, token, len}, back = {token, token, len};

		fill(plain, len, work->seed);
		bt_crypto_encrypt(work->pair.seal, &there, 1, mac);
		work->is_right = bt_crypto_decrypt(work->pair.open, &back, 1, mac) == 0 && memcmp(plain, token, len) == 0;
	}
	return NULL;
}

static void
threads_share_a_key(void **state)
{
	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		struct pair pair = pair_of(enctypes[i]);
		struct work work[4];
		pthread_t threads[4];

		for (uint32_t t = 0; t < 4; t++) {
			work[t] = (struct work){.pair = pair, .seed = t};
			assert_int_equal(pthread_create(&threads[t], NULL, seal_and_open, &work[t]), 0);
		}
		for (uint32_t t = 0; t < 4; t++) {
			pthread_join(threads[t], NULL);
			assert_true(work[t].is_right);
		}
		pair_free(pair);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_length),	      cmocka_unit_test(every_cut),
	    cmocka_unit_test(every_bit_counts),	      cmocka_unit_test(order_counts),
	    cmocka_unit_test(too_short_is_a_bad_mic), cmocka_unit_test(usages_and_enctypes_are_apart),
	    cmocka_unit_test(no_memory_is_told),      cmocka_unit_test(keys_are_wiped),
	    cmocka_unit_test(threads_share_a_key),
	};

	fill(text, sizeof text, 1);
	return RUN_ON_BOTH_PATHS(tests);
}
