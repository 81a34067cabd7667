#include "crypto/thread.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "base/mem.h"

static _Thread_local struct kept {
	EVP_CIPHER_CTX *ctx[BT_CRYPTO_NUM_CIPHERS];
	struct bt_crypto_reserve *reserve;
	bool has_no_reserve; /* the system refused; not asked again */
	bool is_registered;  /* drop will be called at the end of the thread */
} kept;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_end;
static bool has_at_end;

/* Leaves an empty struct: a destructor of the program that runs after this one may use the library again. */
static void
drop(void *arg)
{
	struct kept *k = arg;

	for (int i = 0; i < BT_CRYPTO_NUM_CIPHERS; i++)
		EVP_CIPHER_CTX_free(k->ctx[i]);
	if (k->reserve != NULL) {
		bt_mem_wipe(k->reserve, sizeof *k->reserve);
		munmap(k->reserve, sizeof *k->reserve);
	}
	*k = (struct kept){0};
}

static void
make_key(void)
{
	has_at_end = pthread_key_create(&at_end, drop) == 0;
}

/* Unloading the library must leave no thread with a pointer to drop. */
__attribute__((destructor)) static void
delete_key(void)
{
	if (has_at_end)
		pthread_key_delete(at_end);
}

/* This thread's own, or NULL if its end would not be noticed. */
static struct kept *
kept_here(void)
{
	if (kept.is_registered)
		return &kept;
	if (pthread_once(&once, make_key) != 0 || !has_at_end || pthread_setspecific(at_end, &kept) != 0)
		return NULL;
	kept.is_registered = true;
	return &kept;
}

static EVP_CIPHER_CTX *
make_cipher(enum bt_crypto_cipher which)
{
	static const char *const names[] = {"AES-128-CBC", "AES-256-CBC", "AES-256-GCM"};
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *ctx;

	/* The program's queue of libcrypto errors is its own. */
	ERR_set_mark();
	cipher = EVP_CIPHER_fetch(NULL, names[which], NULL);
	ctx = cipher != NULL ? EVP_CIPHER_CTX_new() : NULL;
	if (ctx != NULL && EVP_CipherInit_ex2(ctx, cipher, NULL, NULL, 1, NULL) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		ctx = NULL;
	}
	EVP_CIPHER_free(cipher); /* the context has its own reference */
	ERR_pop_to_mark();
	return ctx;
}

EVP_CIPHER_CTX *
bt_crypto_thread_cipher(enum bt_crypto_cipher which)
{
	struct kept *k = kept_here();

	if (k == NULL)
		return NULL;
	if (k->ctx[which] == NULL)
		k->ctx[which] = make_cipher(which);
	return k->ctx[which];
}

void
bt_crypto_thread_forget_key(EVP_CIPHER_CTX *ctx)
{
	static const uint8_t zeros[32];

	EVP_CipherInit_ex2(ctx, NULL, zeros, NULL, 1, NULL);
}

struct bt_crypto_reserve *
bt_crypto_thread_reserve(void)
{
	struct kept *k = kept_here();
	void *page;

	if (k == NULL || k->has_no_reserve)
		return NULL;
	if (k->reserve != NULL)
		return k->reserve;
	page = mmap(NULL, sizeof *k->reserve, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page != MAP_FAILED && madvise(page, sizeof *k->reserve, MADV_WIPEONFORK) != 0) {
		munmap(page, sizeof *k->reserve);
		page = MAP_FAILED;
	}
	if (page == MAP_FAILED) {
		k->has_no_reserve = true;
		return NULL;
	}
	madvise(page, sizeof *k->reserve, MADV_DONTDUMP);
	return k->reserve = page;
}
