#include "crypto/cts.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/stitch.h"

enum {
	BLOCK_LEN = BT_CRYPTO_BLOCK_LEN,
	/* Bytes that are hashed and encrypted in turns, so that the second finds them in the nearest cache. */
	CHUNK_LEN = 1024,
};

/* A message in progress. */
struct pass {
	struct bt_crypto_cbc *cbc;
	struct bt_crypto_walk in;
	struct bt_crypto_walk out;
};

/* Bytes at the end of a message that take part in ciphertext stealing: the last two blocks, or the only one. RFC 3962 §5. */
static size_t
tail_len(size_t len)
{
	return len <= BLOCK_LEN ? len : BLOCK_LEN + (len - 1) % BLOCK_LEN + 1;
}

/* Whole blocks that lie in one piece, from where they are to where they belong. Plaintext is hashed before, or after. */
static void
crypt_run(struct pass *pass, size_t len)
{
	const uint8_t *in = pass->in.seg->in + pass->in.offset;
	uint8_t *out = pass->out.seg->out + pass->out.offset;

	pass->in.offset += len;
	pass->out.offset += len;
	if (pass->in.digest != NULL && bt_crypto_stitch(pass->cbc, pass->in.digest, true, in, out, len))
		return;
	if (pass->out.digest != NULL && bt_crypto_stitch(pass->cbc, pass->out.digest, false, in, out, len))
		return;
	while (len != 0) {
		size_t chunk = len < CHUNK_LEN ? len : CHUNK_LEN;

		if (pass->in.digest != NULL)
			bt_crypto_digest_update(pass->in.digest, in, chunk);
		bt_crypto_cbc_crypt(pass->cbc, in, out, chunk);
		if (pass->out.digest != NULL)
			bt_crypto_digest_update(pass->out.digest, out, chunk);
		in += chunk;
		out += chunk;
		len -= chunk;
	}
}

/* The blocks before the tail: len is whole blocks. One that lies across segments goes through a copy. */
static void
crypt_blocks(struct pass *pass, size_t len)
{
	uint8_t block[BLOCK_LEN];

	while (len != 0) {
		size_t run = bt_crypto_walk_run(&pass->in);

		/* Steps over the same sign-only segments as the walk over the input. */
		bt_crypto_walk_run(&pass->out);
		run = (run < len ? run : len) / BLOCK_LEN * BLOCK_LEN;
		if (run != 0) {
			crypt_run(pass, run);
			len -= run;
			continue;
		}
		bt_crypto_walk_read(&pass->in, block, sizeof block);
		bt_crypto_cbc_crypt(pass->cbc, block, block, sizeof block);
		bt_crypto_walk_write(&pass->out, block, sizeof block);
		bt_mem_wipe(block, sizeof block);
		len -= BLOCK_LEN;
	}
}

/* CBC over the last two blocks padded with zeros, then swapped, then cut. RFC 3962 §5. */
static void
encrypt_tail(struct pass *pass, size_t len)
{
	uint8_t tail[2 * BLOCK_LEN] = {0};

	bt_crypto_walk_read(&pass->in, tail, len);
	if (len <= BLOCK_LEN) {
		bt_crypto_cbc_crypt(pass->cbc, tail, tail, BLOCK_LEN);
		bt_crypto_walk_write(&pass->out, tail, BLOCK_LEN);
	} else {
		bt_crypto_cbc_crypt(pass->cbc, tail, tail, sizeof tail);
		bt_crypto_walk_write(&pass->out, tail + BLOCK_LEN, BLOCK_LEN);
		bt_crypto_walk_write(&pass->out, tail, len - BLOCK_LEN);
	}
	bt_mem_wipe(tail, sizeof tail);
}

/* to ^= from */
static void
xor_into(uint8_t *to, const uint8_t *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] ^= from[i];
}

static void
decrypt_tail(struct pass *pass, size_t len)
{
	uint8_t cipher[2 * BLOCK_LEN], before[BLOCK_LEN], plain[2 * BLOCK_LEN];
	size_t last_len = len - BLOCK_LEN; /* of a tail of two blocks */

	bt_crypto_walk_read(&pass->in, cipher, len);
	if (len <= BLOCK_LEN) {
		bt_crypto_cbc_crypt(pass->cbc, cipher, plain, BLOCK_LEN);
		bt_crypto_walk_write(&pass->out, plain, BLOCK_LEN);
	} else {
		memcpy(before, pass->cbc->chain, BLOCK_LEN);
		/* The block that was encrypted last stands first. It gives the last plaintext xor the block that was cut ... */
		bt_crypto_cbc_crypt(pass->cbc, cipher, plain + BLOCK_LEN, BLOCK_LEN);
		xor_into(plain + BLOCK_LEN, before, BLOCK_LEN);
		/* ... and, where plaintext was zero padding, what was cut off. */
		memcpy(cipher + len, plain + BLOCK_LEN + last_len, 2 * BLOCK_LEN - len);
		xor_into(plain + BLOCK_LEN, cipher + BLOCK_LEN, last_len);
		/* Now the other: CBC has it follow the block above, and it followed the one before. */
		bt_crypto_cbc_crypt(pass->cbc, cipher + BLOCK_LEN, plain, BLOCK_LEN);
		xor_into(plain, cipher, BLOCK_LEN);
		xor_into(plain, before, BLOCK_LEN);
		bt_crypto_walk_write(&pass->out, plain, len);
	}
	bt_mem_wipe(cipher, sizeof cipher);
	bt_mem_wipe(plain, sizeof plain);
}

static void
end(struct pass *pass)
{
	bt_crypto_walk_end(&pass->in);
	bt_crypto_walk_end(&pass->out);
}

void
bt_crypto_cts_encrypt(struct bt_crypto_cbc *cbc, struct bt_crypto_walk in, struct bt_crypto_walk out, size_t len)
{
	struct pass pass = {cbc, in, out};

	crypt_blocks(&pass, len - tail_len(len));
	encrypt_tail(&pass, tail_len(len));
	end(&pass);
}

void
bt_crypto_cts_decrypt(struct bt_crypto_cbc *cbc, struct bt_crypto_walk in, struct bt_crypto_walk out, size_t len)
{
	struct pass pass = {cbc, in, out};

	crypt_blocks(&pass, len - tail_len(len));
	decrypt_tail(&pass, tail_len(len));
	end(&pass);
}
