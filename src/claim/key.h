/*
 * key - a claim's key in its slot, which other processes have mapped too.
 *
 * Who writes to it has made a step that lets it alone do so, and may stand still for so long after it that others take it for dead and go
 * on with the slot. So there is no plain write: a word changes only if it is still what was seen in it while the step was known to
 * hold, and the key of somebody else is never that.
 *
 * The callers' fences: a release fence between a step and what is written after it, an acquire fence between what was read and the
 * second look at the step.
 */
#ifndef BT_CLAIM_KEY_H
#define BT_CLAIM_KEY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "claim/claim.h"

enum { BT_CLAIM_KEY_WORDS = BT_CLAIM_KEY_LEN / 8 };

/* bt_claim_key_see - what is there. The caller wipes it. */
void bt_claim_key_see(const _Atomic uint64_t key[static BT_CLAIM_KEY_WORDS], uint8_t out[static BT_CLAIM_KEY_LEN]);

/* bt_claim_key_put - a key in the place of what was seen. False: somebody else has written there; the slot may have a part of the key. */
bool bt_claim_key_put(_Atomic uint64_t key[static BT_CLAIM_KEY_WORDS], const uint8_t seen[static BT_CLAIM_KEY_LEN],
		      const uint8_t to[static BT_CLAIM_KEY_LEN]);

/* bt_claim_key_wipe - zeros in the place of what was seen; what somebody else has written stays. */
void bt_claim_key_wipe(_Atomic uint64_t key[static BT_CLAIM_KEY_WORDS], const uint8_t seen[static BT_CLAIM_KEY_LEN]);

#endif
