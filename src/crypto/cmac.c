#include "crypto/cmac.h"

#include "base/mem.h"

enum { BLOCK_LEN = BT_CRYPTO_BLOCK_LEN };

/* to ^= from */
static void
xor_block(uint8_t *to, const uint8_t *from)
{
	for (size_t i = 0; i < BLOCK_LEN; i++)
		to[i] ^= from[i];
}

static void
absorb(union bt_crypto_state *state, const uint8_t *blocks, size_t len)
{
	for (; len != 0; len -= BLOCK_LEN, blocks += BLOCK_LEN) {
		if (state->cmac.has_begun)
			bt_crypto_camellia_block(state->cmac.cipher, state->cmac.block, state->cmac.block);
		state->cmac.has_begun = true;
		xor_block(state->cmac.block, blocks);
	}
}

const struct bt_crypto_hash bt_crypto_camellia_cmac = {
    .state_len = 32, .block_len = BLOCK_LEN, .digest_len = BLOCK_LEN, .compress = absorb};

/* Multiply by x in GF(2^128), without a branch on what is secret. SP 800-38B §6.1. */
static void
twice(const uint8_t in[static BLOCK_LEN], uint8_t out[static BLOCK_LEN])
{
	uint8_t reduction = (uint8_t)(-(in[0] >> 7) & 0x87);

	for (size_t i = 0; i < BLOCK_LEN - 1; i++)
		out[i] = (uint8_t)(in[i] << 1 | in[i + 1] >> 7);
	out[BLOCK_LEN - 1] = (uint8_t)(in[BLOCK_LEN - 1] << 1 ^ reduction);
}

void
bt_crypto_cmac_key(struct bt_crypto_cmac *cmac, const uint8_t *key, size_t key_len)
{
	uint8_t block[BLOCK_LEN] = {0};

	bt_crypto_camellia_init(&cmac->cipher, key, key_len, true);
	bt_crypto_camellia_block(&cmac->cipher, block, block);
	twice(block, cmac->subkey[0]);
	twice(cmac->subkey[0], cmac->subkey[1]);
	bt_mem_wipe(block, sizeof block);
}

void
bt_crypto_cmac_begin(struct bt_crypto_digest *digest, const struct bt_crypto_cmac *cmac)
{
	const union bt_crypto_state state = {.cmac = {.cipher = &cmac->cipher}};

	bt_crypto_digest_init(digest, &bt_crypto_camellia_cmac, &state, 0);
}

void
bt_crypto_cmac_end(struct bt_crypto_digest *digest, const struct bt_crypto_cmac *cmac, uint8_t mac[static BT_CRYPTO_BLOCK_LEN])
{
	size_t held = digest->total % BLOCK_LEN;

	if (held != 0 || digest->total == 0) {
		digest->tail[held] = 0x80;
		memset(digest->tail + held + 1, 0, BLOCK_LEN - held - 1);
		absorb(&digest->state, digest->tail, BLOCK_LEN);
		xor_block(digest->state.cmac.block, cmac->subkey[1]);
	} else
		xor_block(digest->state.cmac.block, cmac->subkey[0]);
	bt_crypto_camellia_block(&cmac->cipher, digest->state.cmac.block, mac);
	bt_mem_wipe(digest, sizeof *digest);
}
