/*
 * The portable half uses EVP, which knows the fast code of each architecture, and, where EVP has no memory left for a context,
 * libcrypto's low-level AES (deprecated since 3.0, and exported): slow, but it cannot fail, and so encryption cannot.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/aes.h"

#include <limits.h>
#include <openssl/aes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/aes_ni.h"
#include "crypto/camellia.h"
#include "crypto/cpu.h"
#include "crypto/thread.h"

static size_t
key_len_of(const struct bt_crypto_aes *aes)
{
	return aes->num_rounds == 14 ? 32 : 16;
}

void
bt_crypto_aes_init(struct bt_crypto_aes *aes, const uint8_t *key, size_t key_len, bool encrypts)
{
	if (key_len != 16 && key_len != 32)
		abort();
	aes->num_rounds = key_len == 32 ? 14 : 10;
	aes->encrypts = encrypts;
	aes->is_portable = !bt_crypto_cpu_has_aes();
	if (aes->is_portable)
		memcpy(aes->schedule, key, key_len);
	else
		bt_crypto_aes_ni_expand(aes, key);
}

void
bt_crypto_cbc_begin(struct bt_crypto_cbc *cbc, const struct bt_crypto_aes *aes)
{
	static const uint8_t zeros[BT_CRYPTO_BLOCK_LEN];

	cbc->aes = aes;
	cbc->camellia = NULL;
	cbc->evp = NULL;
	memset(cbc->chain, 0, sizeof cbc->chain);
	if (!aes->is_portable)
		return;
	cbc->evp = bt_crypto_thread_cipher(aes->num_rounds == 14 ? BT_CRYPTO_AES_256_CBC : BT_CRYPTO_AES_128_CBC);
	if (cbc->evp != NULL && EVP_CipherInit_ex2(cbc->evp, NULL, aes->schedule, zeros, aes->encrypts, NULL) != 1)
		cbc->evp = NULL;
	if (cbc->evp != NULL)
		EVP_CIPHER_CTX_set_padding(cbc->evp, 0);
}

void
bt_crypto_cbc_begin_camellia(struct bt_crypto_cbc *cbc, const struct bt_crypto_camellia *camellia)
{
	*cbc = (struct bt_crypto_cbc){.camellia = camellia};
}

static void
crypt_with_evp(struct bt_crypto_cbc *cbc, const uint8_t *in, uint8_t *out, size_t len)
{
	while (len != 0) {
		int step = len > INT_MAX / 32 * 16 ? INT_MAX / 32 * 16 : (int)len, written;

		/* Whole blocks under a key that is set: nothing is left that could fail. */
		if (EVP_CipherUpdate(cbc->evp, out, &written, in, step) != 1 || written != step)
			abort();
		in += step;
		out += step;
		len -= (size_t)step;
	}
}

static void
crypt_with_tables(struct bt_crypto_cbc *cbc, const uint8_t *in, uint8_t *out, size_t len)
{
	uint8_t chain[BT_CRYPTO_BLOCK_LEN];
	AES_KEY key;

	memcpy(chain, cbc->chain, sizeof chain);
	if (cbc->aes->encrypts)
		AES_set_encrypt_key(cbc->aes->schedule, (int)key_len_of(cbc->aes) * 8, &key);
	else
		AES_set_decrypt_key(cbc->aes->schedule, (int)key_len_of(cbc->aes) * 8, &key);
	AES_cbc_encrypt(in, out, len, &key, chain, cbc->aes->encrypts);
	bt_mem_wipe(&key, sizeof key);
}

void
bt_crypto_cbc_crypt(struct bt_crypto_cbc *cbc, const uint8_t *in, uint8_t *out, size_t len)
{
	uint8_t last[BT_CRYPTO_BLOCK_LEN];

	if (len == 0)
		return;
	if (cbc->camellia != NULL) {
		bt_crypto_camellia_cbc(cbc->camellia, cbc->chain, in, out, len);
		return;
	}
	if (!cbc->aes->is_portable) {
		if (cbc->aes->encrypts)
			bt_crypto_aes_ni_cbc_encrypt(cbc->aes, cbc->chain, in, out, len);
		else
			bt_crypto_aes_ni_cbc_decrypt(cbc->aes, cbc->chain, in, out, len);
		return;
	}
	memcpy(last, in + len - sizeof last, sizeof last);
	if (cbc->evp != NULL)
		crypt_with_evp(cbc, in, out, len);
	else
		crypt_with_tables(cbc, in, out, len);
	memcpy(cbc->chain, cbc->aes->encrypts ? out + len - sizeof last : last, sizeof last);
}

void
bt_crypto_cbc_end(struct bt_crypto_cbc *cbc)
{
	if (cbc->evp != NULL)
		bt_crypto_thread_forget_key(cbc->evp);
}
