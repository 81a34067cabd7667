#include "claim/key.h"

#include <string.h>

#include "base/mem.h"

void
bt_claim_key_see(const _Atomic uint64_t key[static BT_CLAIM_KEY_WORDS], uint8_t out[static BT_CLAIM_KEY_LEN])
{
	uint64_t word;

	for (int i = 0; i < BT_CLAIM_KEY_WORDS; i++) {
		word = atomic_load_explicit(&key[i], memory_order_relaxed);
		memcpy(out + 8 * i, &word, 8);
	}
	bt_mem_wipe(&word, sizeof word);
}

static bool
swap_word(_Atomic uint64_t *at, const uint8_t *seen, const uint8_t *to)
{
	uint64_t from, word;
	bool is_swapped;

	memcpy(&from, seen, 8);
	memcpy(&word, to, 8);
	is_swapped = atomic_compare_exchange_strong_explicit(at, &from, word, memory_order_relaxed, memory_order_relaxed);
	bt_mem_wipe(&from, sizeof from);
	bt_mem_wipe(&word, sizeof word);
	return is_swapped;
}

bool
bt_claim_key_put(_Atomic uint64_t key[static BT_CLAIM_KEY_WORDS], const uint8_t seen[static BT_CLAIM_KEY_LEN],
		 const uint8_t to[static BT_CLAIM_KEY_LEN])
{
	for (int i = 0; i < BT_CLAIM_KEY_WORDS; i++)
		if (!swap_word(&key[i], seen + 8 * i, to + 8 * i))
			return false;
	return true;
}

void
bt_claim_key_wipe(_Atomic uint64_t key[static BT_CLAIM_KEY_WORDS], const uint8_t seen[static BT_CLAIM_KEY_LEN])
{
	static const uint8_t zeros[BT_CLAIM_KEY_LEN];

	for (int i = 0; i < BT_CLAIM_KEY_WORDS; i++)
		(void)swap_word(&key[i], seen + 8 * i, zeros + 8 * i);
}
