#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/err.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "crypto/thread.h"

/* Longest request served from the reserve, bytes; a confounder has 16, a key 32. */
enum { SHORT_MAX = 256 };

/*
 * From the kernel, and not from libcrypto: its generator is behind a lock of the process, and in a child forked while another
 * thread holds that nobody ever gives it back.
 */
static int
generate(uint8_t *out, size_t len)
{
	ssize_t got;

	while (len != 0) {
		if ((got = getrandom(out, len, 0)) < 0) {
			if (errno == EINTR)
				continue;
			return BT_ERR_ENTROPY;
		}
		out += got;
		len -= (size_t)got;
	}
	return 0;
}

/* The kernel is slow with many bytes: it gives a key that is used once, and AES in counter mode makes them of it. */
static int
refill(struct bt_crypto_reserve *reserve)
{
	enum { NUM_MADE = sizeof reserve->bytes - BT_CRYPTO_AEAD_TAG_LEN };
	uint8_t key[BT_CRYPTO_AEAD_KEY_LEN];
	int e;

	/* left is set last: a fork in between leaves the child an empty reserve, and a failure leaves us one. */
	reserve->left = 0;
	memset(reserve->bytes, 0, sizeof reserve->bytes);
	if ((e = generate(key, sizeof key)) == 0 &&
	    bt_crypto_aead_seal(key, (struct bt_bytes){0}, bt_bytes_of(reserve->bytes, NUM_MADE), reserve->bytes) != 0)
		e = BT_ERR_ENTROPY;
	bt_mem_wipe(key, sizeof key);
	if (e != 0) {
		bt_mem_wipe(reserve->bytes, sizeof reserve->bytes);
		return e;
	}
	/* The tag is no random number, and what has not been handed out stands at the end. */
	memmove(reserve->bytes + BT_CRYPTO_AEAD_TAG_LEN, reserve->bytes, NUM_MADE);
	bt_mem_wipe(reserve->bytes, BT_CRYPTO_AEAD_TAG_LEN);
	reserve->left = NUM_MADE;
	return 0;
}

int
bt_crypto_random(void *out, size_t len)
{
	struct bt_crypto_reserve *reserve = len <= SHORT_MAX ? bt_crypto_thread_reserve() : NULL;
	uint8_t *next;
	int e;

	if (len == 0)
		return 0;
	if (reserve == NULL)
		e = generate(out, len);
	else
		e = reserve->left < len ? refill(reserve) : 0;
	if (e != 0) {
		bt_mem_wipe(out, len);
		return e;
	}
	if (reserve == NULL)
		return 0;
	next = reserve->bytes + sizeof reserve->bytes - reserve->left;
	reserve->left -= (uint32_t)len;
	memcpy(out, next, len);
	bt_mem_wipe(next, len);
	return 0;
}
