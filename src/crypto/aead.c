#include <limits.h>
#include <openssl/evp.h>

#include "base/err.h"
#include "base/mem.h"
#include "crypto/cpu.h"
#include "crypto/crypto.h"
#include "crypto/gcm_ni.h"
#include "crypto/thread.h"

/* Keyed, with the associated data in. NULL: libcrypto failed, or a length is beyond what EVP counts. */
static EVP_CIPHER_CTX *
begin(const uint8_t *key, bool encrypts, struct bt_bytes aad, size_t text_len)
{
	static const uint8_t nonce[12];
	EVP_CIPHER_CTX *ctx;
	int len;

	if (aad.len > INT_MAX || text_len > INT_MAX || (ctx = bt_crypto_thread_cipher(BT_CRYPTO_AES_256_GCM)) == NULL)
		return NULL;
	if (EVP_CipherInit_ex2(ctx, NULL, key, nonce, encrypts, NULL) != 1 ||
	    (aad.len != 0 && EVP_CipherUpdate(ctx, NULL, &len, aad.ptr, (int)aad.len) != 1)) {
		bt_crypto_thread_forget_key(ctx);
		return NULL;
	}
	return ctx;
}

static bool
crypt(EVP_CIPHER_CTX *ctx, const uint8_t *in, size_t len, uint8_t *out)
{
	int written;

	return len == 0 || (EVP_CipherUpdate(ctx, out, &written, in, (int)len) == 1 && (size_t)written == len);
}

static int
seal_portably(const uint8_t *key, struct bt_bytes aad, struct bt_bytes text, uint8_t *sealed)
{
	EVP_CIPHER_CTX *ctx = begin(key, true, aad, text.len);
	uint8_t *tag = sealed + text.len;
	int written;
	bool is_done;

	if (ctx == NULL)
		return BT_ERR_CRYPTO;
	is_done = crypt(ctx, text.ptr, text.len, sealed) && EVP_CipherFinal_ex(ctx, tag, &written) == 1 &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, BT_CRYPTO_AEAD_TAG_LEN, tag) == 1;
	bt_crypto_thread_forget_key(ctx);
	if (!is_done)
		bt_mem_wipe(sealed, text.len + BT_CRYPTO_AEAD_TAG_LEN);
	return is_done ? 0 : BT_ERR_CRYPTO;
}

/* tag is the caller's copy: text may lie over the sealed one, and EVP wants it writable. */
static int
open_portably(const uint8_t *key, struct bt_bytes aad, struct bt_bytes sealed, uint8_t *tag, uint8_t *text)
{
	EVP_CIPHER_CTX *ctx = begin(key, false, aad, sealed.len);
	uint8_t none[BT_CRYPTO_BLOCK_LEN];
	int e, written;

	if (ctx == NULL)
		return BT_ERR_CRYPTO;
	if (!crypt(ctx, sealed.ptr, sealed.len, text) ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, BT_CRYPTO_AEAD_TAG_LEN, tag) != 1)
		e = BT_ERR_CRYPTO;
	else
		e = EVP_CipherFinal_ex(ctx, none, &written) == 1 ? 0 : BT_ERR_BAD_MIC;
	bt_crypto_thread_forget_key(ctx);
	return e;
}

int
bt_crypto_aead_seal(const uint8_t key[static BT_CRYPTO_AEAD_KEY_LEN], struct bt_bytes aad, struct bt_bytes text,
		    uint8_t *sealed)
{
	if (!bt_crypto_cpu_has_gcm() || text.len > INT_MAX)
		return seal_portably(key, aad, text, sealed);
	bt_crypto_gcm_ni_seal(key, aad, text, sealed);
	return 0;
}

int
bt_crypto_aead_open(const uint8_t key[static BT_CRYPTO_AEAD_KEY_LEN], struct bt_bytes aad, struct bt_bytes sealed,
		    uint8_t *text)
{
	uint8_t tag[BT_CRYPTO_AEAD_TAG_LEN];
	int e;

	if (sealed.len < sizeof tag)
		return BT_ERR_BAD_MIC;
	sealed.len -= sizeof tag;
	memcpy(tag, sealed.ptr + sealed.len, sizeof tag);
	if (!bt_crypto_cpu_has_gcm() || sealed.len > INT_MAX)
		e = open_portably(key, aad, sealed, tag, text);
	else
		e = bt_crypto_gcm_ni_open(key, aad, sealed, tag, text) ? 0 : BT_ERR_BAD_MIC;
	if (e != 0)
		bt_mem_wipe(text, sealed.len);
	return e;
}
