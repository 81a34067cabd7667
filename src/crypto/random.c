#include <limits.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "crypto/thread.h"

/* Longest request served from the reserve, bytes; a confounder has 16, a key 32. */
enum { SHORT_MAX = 256 };

static int
generate(uint8_t *out, size_t len)
{
	int e = 0;

	/* The program's queue of libcrypto errors is its own. */
	ERR_set_mark();
	while (e == 0 && len != 0) {
		int step = len > INT_MAX ? INT_MAX : (int)len;

		if (RAND_bytes(out, step) != 1)
			e = BT_ERR_ENTROPY;
		out += step;
		len -= (size_t)step;
	}
	ERR_pop_to_mark();
	return e;
}

static int
refill(struct bt_crypto_reserve *reserve)
{
	int e;

	/* left is set last: a fork in between leaves the child an empty reserve, and a failure leaves us one. */
	reserve->left = 0;
	if ((e = generate(reserve->bytes, sizeof reserve->bytes)) != 0)
		return e;
	reserve->left = sizeof reserve->bytes;
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
