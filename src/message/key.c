#include "message/key.h"

#include "message/context.h"

/* Key usages. RFC 4121 §2: Wrap tokens use the seal usage whether they are encrypted or not. */
enum { ACCEPTOR_SEAL = 22, ACCEPTOR_SIGN = 23, INITIATOR_SEAL = 24, INITIATOR_SIGN = 25 };

static uint32_t
seal_usage(const struct bt_msg_way *way)
{
	return way->sender_is_acceptor ? ACCEPTOR_SEAL : INITIATOR_SEAL;
}

static uint32_t
sign_usage(const struct bt_msg_way *way)
{
	return way->sender_is_acceptor ? ACCEPTOR_SIGN : INITIATOR_SIGN;
}

int
bt_msg_key_seal(const struct bt_msg_way *way, const struct bt_crypto_seal_key **out)
{
	_Atomic(struct bt_crypto_seal_key *) *slot = &way->usage->seal;
	struct bt_crypto_seal_key *found = atomic_load_explicit(slot, memory_order_acquire);
	struct bt_crypto_seal_key *made = NULL;
	int e;

	*out = found;
	if (found != NULL)
		return 0;
	if ((e = bt_crypto_seal_key_new(way->enctype, way->base, seal_usage(way), way->encrypts, &made)) != 0)
		return e;
	if (atomic_compare_exchange_strong(slot, &found, made)) {
		*out = made;
		return 0;
	}
	bt_crypto_seal_key_free(made);
	*out = found;
	return 0;
}

static int
mac_key(const struct bt_msg_way *way, _Atomic(struct bt_crypto_mac_key *) *slot, uint32_t usage,
	const struct bt_crypto_mac_key **out)
{
	struct bt_crypto_mac_key *found = atomic_load_explicit(slot, memory_order_acquire);
	struct bt_crypto_mac_key *made = NULL;
	int e;

	*out = found;
	if (found != NULL)
		return 0;
	if ((e = bt_crypto_mac_key_new(way->enctype, way->base, usage, &made)) != 0)
		return e;
	if (atomic_compare_exchange_strong(slot, &found, made)) {
		*out = made;
		return 0;
	}
	bt_crypto_mac_key_free(made);
	*out = found;
	return 0;
}

int
bt_msg_key_wrap_mac(const struct bt_msg_way *way, const struct bt_crypto_mac_key **out)
{
	return mac_key(way, &way->usage->wrap_mac, seal_usage(way), out);
}

int
bt_msg_key_mic_mac(const struct bt_msg_way *way, const struct bt_crypto_mac_key **out)
{
	return mac_key(way, &way->usage->mic_mac, sign_usage(way), out);
}

int
bt_msg_key_legacy(const struct bt_msg_way *way, const struct bt_crypto_legacy_key **out)
{
	_Atomic(struct bt_crypto_legacy_key *) *slot = &way->usage->legacy;
	struct bt_crypto_legacy_key *found = atomic_load_explicit(slot, memory_order_acquire);
	struct bt_crypto_legacy_key *made = NULL;
	int e;

	*out = found;
	if (found != NULL)
		return 0;
	if ((e = bt_crypto_legacy_key_new(way->enctype, way->base, &made)) != 0)
		return e;
	if (atomic_compare_exchange_strong(slot, &found, made)) {
		*out = made;
		return 0;
	}
	bt_crypto_legacy_key_free(made);
	*out = found;
	return 0;
}

void
bt_msg_usage_done(struct bt_msg_usage *usage)
{
	bt_crypto_seal_key_free(atomic_load(&usage->seal));
	bt_crypto_mac_key_free(atomic_load(&usage->wrap_mac));
	bt_crypto_mac_key_free(atomic_load(&usage->mic_mac));
	bt_crypto_legacy_key_free(atomic_load(&usage->legacy));
}
