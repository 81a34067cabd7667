#include "base/err.h"
#include "base/mem.h"
#include "crypto/derive.h"
#include "crypto/integrity.h"

struct bt_crypto_mac_key {
	const struct bt_crypto_profile *profile;
	union bt_crypto_integrity integrity; /* last: as much of it as there need be */
};

static size_t
size_of(const struct bt_crypto_profile *profile)
{
	return offsetof(struct bt_crypto_mac_key, integrity) + bt_crypto_integrity_len(profile);
}

int
bt_crypto_mac_key_new(const struct bt_crypto_enctype *et, const uint8_t *base, uint32_t usage, struct bt_crypto_mac_key **out)
{
	const struct bt_crypto_profile *profile = bt_crypto_profile_of(et);
	struct bt_crypto_source source;
	uint8_t kc[BT_CRYPTO_KEY_MAX];

	if ((*out = bt_mem_alloc(size_of(profile))) == NULL)
		return BT_ERR_NOMEM;
	(*out)->profile = profile;
	bt_crypto_source_init(&source, profile, base);
	bt_crypto_derive_usage(&source, usage, BT_CRYPTO_KC, kc);
	bt_crypto_integrity_key(profile, kc, &(*out)->integrity);
	bt_crypto_source_done(&source);
	bt_mem_wipe(kc, sizeof kc);
	return 0;
}

void
bt_crypto_mac_key_free(struct bt_crypto_mac_key *key)
{
	if (key != NULL)
		bt_mem_free_secret(key, size_of(key->profile));
}

void
bt_crypto_mac(const struct bt_crypto_mac_key *key, const struct bt_crypto_seg *segs, size_t num_segs, uint8_t *mac)
{
	struct bt_crypto_digest digest;

	bt_crypto_integrity_begin(&digest, key->profile, &key->integrity);
	for (size_t i = 0; i < num_segs; i++)
		bt_crypto_digest_update(&digest, segs[i].in, segs[i].len);
	bt_crypto_integrity_end(&digest, key->profile, &key->integrity, mac);
}

int
bt_crypto_mac_check(const struct bt_crypto_mac_key *key, const struct bt_crypto_seg *segs, size_t num_segs, const uint8_t *mac)
{
	uint8_t right[BT_CRYPTO_MAC_MAX];
	bool is_right;

	bt_crypto_mac(key, segs, num_segs, right);
	is_right = bt_mem_equal(right, mac, key->profile->row.mac_len);
	bt_mem_wipe(right, sizeof right);
	return is_right ? 0 : BT_ERR_BAD_MIC;
}
