/* The random numbers of the token vectors: every confounder is a0 a1 a2 ... af. */
#include "crypto/crypto.h"

int
bt_crypto_random(void *out, size_t len)
{
	uint8_t *bytes = out;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(0xa0 + i % 16);
	return 0;
}
