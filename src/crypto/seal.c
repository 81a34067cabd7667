#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "crypto/camellia.h"
#include "crypto/cts.h"
#include "crypto/derive.h"
#include "crypto/integrity.h"
#include "crypto/walk.h"

struct bt_crypto_seal_key {
	const struct bt_crypto_profile *profile;
	bool encrypts;
	union {
		struct bt_crypto_aes aes;
		struct bt_crypto_camellia camellia; /* RFC 6803 */
	};
	union bt_crypto_integrity integrity; /* last: as much of it as there need be */
};

static size_t
size_of(const struct bt_crypto_profile *profile)
{
	return offsetof(struct bt_crypto_seal_key, integrity) + bt_crypto_integrity_len(profile);
}

static void
set_ke(struct bt_crypto_seal_key *key, const uint8_t *ke)
{
	if (key->profile->family == BT_CRYPTO_RFC6803)
		bt_crypto_camellia_init(&key->camellia, ke, key->profile->row.key_len, key->encrypts);
	else
		bt_crypto_aes_init(&key->aes, ke, key->profile->row.key_len, key->encrypts);
}

int
bt_crypto_seal_key_new(const struct bt_crypto_enctype *et, const uint8_t *base, uint32_t usage, bool encrypts,
		       struct bt_crypto_seal_key **out)
{
	const struct bt_crypto_profile *profile = bt_crypto_profile_of(et);
	struct bt_crypto_source source;
	uint8_t ke[BT_CRYPTO_KEY_MAX], ki[BT_CRYPTO_KEY_MAX];

	if ((*out = bt_mem_alloc(size_of(profile))) == NULL)
		return BT_ERR_NOMEM;
	(*out)->profile = profile;
	(*out)->encrypts = encrypts;
	bt_crypto_source_init(&source, profile, base);
	bt_crypto_derive_seal(&source, usage, ke, ki);
	set_ke(*out, ke);
	bt_crypto_integrity_key(profile, ki, &(*out)->integrity);
	bt_crypto_source_done(&source);
	bt_mem_wipe(ke, sizeof ke);
	bt_mem_wipe(ki, sizeof ki);
	return 0;
}

void
bt_crypto_seal_key_free(struct bt_crypto_seal_key *key)
{
	if (key != NULL)
		bt_mem_free_secret(key, size_of(key->profile));
}

static size_t
encrypted_len(const struct bt_crypto_seg *segs, size_t num_segs)
{
	size_t len = 0;

	for (size_t i = 0; i < num_segs; i++)
		if (segs[i].out != NULL)
			len += segs[i].len;
	return len;
}

/* The MAC's beginning. RFC 8009 §5: the cipher state, which is zeros here, comes before the ciphertext. */
static void
begin_mac(struct bt_crypto_digest *digest, const struct bt_crypto_seal_key *key)
{
	static const uint8_t cipher_state[BT_CRYPTO_BLOCK_LEN];

	bt_crypto_integrity_begin(digest, key->profile, &key->integrity);
	if (key->profile->family == BT_CRYPTO_RFC8009)
		bt_crypto_digest_update(digest, cipher_state, sizeof cipher_state);
}

static void
begin_cbc(struct bt_crypto_cbc *cbc, const struct bt_crypto_seal_key *key)
{
	if (key->profile->family == BT_CRYPTO_RFC6803)
		bt_crypto_cbc_begin_camellia(cbc, &key->camellia);
	else
		bt_crypto_cbc_begin(cbc, &key->aes);
}

static void
encrypt(const struct bt_crypto_seal_key *key, struct bt_crypto_walk in, struct bt_crypto_walk out, size_t len)
{
	struct bt_crypto_cbc cbc;

	begin_cbc(&cbc, key);
	bt_crypto_cts_encrypt(&cbc, in, out, len);
	bt_crypto_cbc_end(&cbc);
}

static void
decrypt(const struct bt_crypto_seal_key *key, struct bt_crypto_walk in, struct bt_crypto_walk out, size_t len)
{
	struct bt_crypto_cbc cbc;

	begin_cbc(&cbc, key);
	bt_crypto_cts_decrypt(&cbc, in, out, len);
	bt_crypto_cbc_end(&cbc);
}

void
bt_crypto_encrypt(const struct bt_crypto_seal_key *key, const struct bt_crypto_seg *segs, size_t num_segs, uint8_t *mac)
{
	bool macs_plaintext = key->profile->family != BT_CRYPTO_RFC8009;
	size_t len = encrypted_len(segs, num_segs);
	struct bt_crypto_digest digest;

	if (len < BT_CRYPTO_BLOCK_LEN || !key->encrypts)
		abort();
	begin_mac(&digest, key);
	encrypt(key, bt_crypto_walk_of(segs, num_segs, macs_plaintext ? &digest : NULL),
		bt_crypto_walk_of(segs, num_segs, macs_plaintext ? NULL : &digest), len);
	bt_crypto_integrity_end(&digest, key->profile, &key->integrity, mac);
}

static void
wipe_out(const struct bt_crypto_seg *segs, size_t num_segs)
{
	for (size_t i = 0; i < num_segs; i++)
		if (segs[i].out != NULL)
			bt_mem_wipe(segs[i].out, segs[i].len);
}

int
bt_crypto_decrypt(const struct bt_crypto_seal_key *key, const struct bt_crypto_seg *segs, size_t num_segs, const uint8_t *mac)
{
	bool macs_plaintext = key->profile->family != BT_CRYPTO_RFC8009;
	size_t len = encrypted_len(segs, num_segs);
	uint8_t right[BT_CRYPTO_MAC_MAX];
	struct bt_crypto_digest digest;
	bool is_right;

	if (key->encrypts)
		abort();
	if (len < BT_CRYPTO_BLOCK_LEN)
		return BT_ERR_BAD_MIC;
	begin_mac(&digest, key);
	if (macs_plaintext)
		decrypt(key, bt_crypto_walk_of(segs, num_segs, NULL), bt_crypto_walk_of(segs, num_segs, &digest), len);
	else
		for (size_t i = 0; i < num_segs; i++)
			bt_crypto_digest_update(&digest, segs[i].in, segs[i].len);
	bt_crypto_integrity_end(&digest, key->profile, &key->integrity, right);
	is_right = bt_mem_equal(right, mac, key->profile->row.mac_len);
	bt_mem_wipe(right, sizeof right);
	if (is_right && !macs_plaintext)
		decrypt(key, bt_crypto_walk_of(segs, num_segs, NULL), bt_crypto_walk_of(segs, num_segs, NULL), len);
	if (!is_right && macs_plaintext)
		wipe_out(segs, num_segs);
	return is_right ? 0 : BT_ERR_BAD_MIC;
}
