/*
 * No key stays in memory: after use, all writable memory of the process is searched for it, stack and libcrypto's heap included.
 * What is searched for is kept inverted, so that the search does not find itself.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support.h"

#include "base/mem.h"
#include "crypto/derive.h"
#include "crypto/integrity.h"

/*
 * Does a register stay a register? Under the address sanitizer, and where nothing is optimised, each is a place on the stack too,
 * and valgrind keeps them all in memory.
 */
static bool
registers_are_registers(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
	return false;
#else
	const char *preload = getenv("LD_PRELOAD");

	return preload == NULL || strstr(preload, "vgpreload") == NULL;
#endif
}

enum { PIECE = 65536, NEEDLE_LEN = 16 };

static uint8_t inverted[8][NEEDLE_LEN];
static size_t num_needles;
static uint8_t window[PIECE + NEEDLE_LEN];

/*
 * Remember what to look for, and wipe it where it stands. Byte by byte: the whole would stay in a vector register, which the
 * dynamic linker puts on the stack when it binds the next function.
 */
static void
remember(uint8_t *secret, size_t len)
{
	const volatile uint8_t *bytes = secret;

	for (size_t i = 0; i < NEEDLE_LEN; i++)
		inverted[num_needles][i] = bytes[i] ^ 0xff;
	num_needles++;
	bt_mem_wipe(secret, len);
}

static bool
is_needle(const uint8_t *at)
{
	for (size_t n = 0; n < num_needles; n++) {
		size_t i = 0;

		while (i < NEEDLE_LEN && (at[i] ^ inverted[n][i]) == 0xff)
			i++;
		if (i == NEEDLE_LEN)
			return true;
	}
	return false;
}

/* Search one mapping through the kernel, which sees what checkers of memory would not let us read. */
static bool
is_in_mapping(int mem, uintptr_t from, uintptr_t to)
{
	bool found = false;

	for (uintptr_t at = from; at < to && !found; at += PIECE) {
		ssize_t len = pread(mem, window, sizeof window, (off_t)at);

		for (ssize_t i = 0; i + NEEDLE_LEN <= len && !found; i++) {
			uintptr_t here = at + (uintptr_t)i;

			if (here >= (uintptr_t)window && here < (uintptr_t)(window + sizeof window))
				continue;
			found = is_needle(window + i);
		}
	}
	memset(window, 0, sizeof window);
	return found;
}

static bool
is_in_memory(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int mem = open("/proc/self/mem", O_RDONLY);
	unsigned long from, to;
	char line[512], mode[5];
	bool found = false;

	assert_non_null(maps);
	assert_true(mem >= 0);
	while (fgets(line, sizeof line, maps) != NULL)
		/* A checker's shadow memory is larger than anything of ours. */
		if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) == 3 && mode[0] == 'r' && mode[1] == 'w' &&
		    to - from < 64 << 20)
			found = found || is_in_mapping(mem, from, to);
	close(mem);
	fclose(maps);
	return found;
}

/* Not inline, or the caller may have a copy. */
static __attribute__((noinline)) void
put_secret(uint8_t *at)
{
	fill(at, NEEDLE_LEN, 5);
}

/* The search finds what is there. */
static void
search_finds(void **state)
{
	uint8_t *secret = bt_mem_alloc(64);

	num_needles = 0;
	put_secret(secret + 13);
	remember(secret + 13, NEEDLE_LEN);
	assert_false(is_in_memory());
	put_secret(secret + 29);
	assert_true(is_in_memory());
	bt_mem_free_secret(secret, 64);
	assert_false(is_in_memory());
}

static void
derive_needles(int32_t enctype)
{
	const struct bt_crypto_profile *profile = bt_crypto_profile_of(bt_crypto_enctype_of(enctype));
	static const enum bt_crypto_kind kinds[] = {BT_CRYPTO_KC, BT_CRYPTO_KE, BT_CRYPTO_KI};
	uint8_t base[BT_CRYPTO_KEY_MAX], key[BT_CRYPTO_KEY_MAX];
	union bt_crypto_integrity integrity;
	struct bt_crypto_camellia camellia;
	struct bt_crypto_source source;

	num_needles = 0;
	fill(base, sizeof base, 77);
	bt_crypto_source_init(&source, profile, base);
	for (size_t i = 0; i < 3; i++) {
		bt_crypto_derive_usage(&source, 24, kinds[i], key);
		if (kinds[i] != BT_CRYPTO_KE) {
			bt_crypto_integrity_key(profile, key, &integrity);
			remember((uint8_t *)&integrity, sizeof integrity);
		} else if (profile->family == BT_CRYPTO_RFC6803) {
			/* The key's words in the order of the processor, which AES has not. */
			bt_crypto_camellia_init(&camellia, key, profile->row.key_len, true);
			remember((uint8_t *)&camellia, sizeof camellia);
		}
		remember(key, sizeof key);
	}
	if (profile->family == BT_CRYPTO_RFC3962) {
		bt_crypto_derive_dk(&source, bt_bytes_of_str("prf"), key);
		remember(key, sizeof key);
	} else if (profile->family == BT_CRYPTO_RFC6803) {
		bt_crypto_derive_feedback(&source, bt_bytes_of_str("prf"), key);
		remember(key, sizeof key);
	}
	bt_crypto_source_done(&source);
	remember(base, sizeof base);
}

/* One call, alone on a stack of its own, so that what it leaves there is not written over by the next. */
struct call {
	const struct bt_crypto_enctype *et;
	void (*make)(struct call *call);
	struct bt_crypto_seal_key *seal;
	struct bt_crypto_seal_key *open;
	struct bt_crypto_mac_key *sum;
	struct bt_crypto_legacy_key *legacy;
	uint8_t base[BT_CRYPTO_KEY_MAX];
	uint8_t text[1000];
	uint8_t mac[BT_CRYPTO_DIGEST_MAX];
	int e;
};

static void
make_seal_key(struct call *call)
{
	call->e = bt_crypto_seal_key_new(call->et, call->base, 24, true, &call->seal);
}

static void
make_open_key(struct call *call)
{
	call->e = bt_crypto_seal_key_new(call->et, call->base, 24, false, &call->open);
}

static void
make_mac_key(struct call *call)
{
	call->e = bt_crypto_mac_key_new(call->et, call->base, 24, &call->sum);
}

static void
make_prf(struct call *call)
{
	call->e = bt_crypto_prf(call->et, call->base, bt_bytes_of(call->text, 10), call->mac);
}

static void
encrypt(struct call *call)
{
	struct bt_crypto_seg seg = {call->text, call->text, sizeof call->text};

	bt_crypto_encrypt(call->seal, &seg, 1, call->mac);
	call->e = 0;
}

static void
decrypt(struct call *call)
{
	struct bt_crypto_seg seg = {call->text, call->text, sizeof call->text};

	call->e = bt_crypto_decrypt(call->open, &seg, 1, call->mac);
}

static void
make_mac(struct call *call)
{
	struct bt_crypto_seg seg = {call->text, NULL, sizeof call->text};

	bt_crypto_mac(call->sum, &seg, 1, call->mac);
	call->e = 0;
}

static void *
on_own_stack(void *arg)
{
	struct call *call = arg;

	call->make(call);
	return NULL;
}

/* Does the call leave a needle on its stack? */
static bool
leaves_any(struct call *call, int mem)
{
	enum { STACK_LEN = 256 << 10 };
	void *stack = mmap(NULL, STACK_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_t attr;
	pthread_t thread;
	bool found;

	assert_ptr_not_equal(stack, MAP_FAILED);
	assert_int_equal(pthread_attr_init(&attr), 0);
	assert_int_equal(pthread_attr_setstack(&attr, stack, STACK_LEN), 0);
	assert_int_equal(pthread_create(&thread, &attr, on_own_stack, call), 0);
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attr);
	assert_int_equal(call->e, 0);
	found = is_in_mapping(mem, (uintptr_t)stack, (uintptr_t)stack + STACK_LEN);
	munmap(stack, STACK_LEN);
	return found;
}

static void
keys_of_enctypes_are_gone(void **state)
{
	static void (*const makes[])(struct call *) = {make_seal_key, make_open_key, make_mac_key, make_prf,
						       encrypt,	      decrypt,	     make_mac};
	static struct call call;
	int mem;

	if (!registers_are_registers())
		skip();
	mem = open("/proc/self/mem", O_RDONLY);
	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		derive_needles(enctypes[i]);
		assert_false(is_in_memory());
		call.et = bt_crypto_enctype_of(enctypes[i]);
		fill(call.base, sizeof call.base, 77);
		for (size_t m = 0; m < sizeof makes / sizeof makes[0]; m++) {
			call.make = makes[m];
			if (leaves_any(&call, mem))
				fail_msg("enctype %d, call %zu", (int)enctypes[i], m);
		}
		bt_crypto_seal_key_free(call.seal);
		bt_crypto_seal_key_free(call.open);
		bt_crypto_mac_key_free(call.sum);
		bt_mem_wipe(call.base, sizeof call.base);
		if (is_in_memory())
			fail_msg("enctype %d", (int)enctypes[i]);
	}
	close(mem);
}

static void
make_legacy_key(struct call *call)
{
	call->e = bt_crypto_legacy_key_new(call->et, call->base, &call->legacy);
}

static void
use_legacy_key(struct call *call)
{
	struct bt_crypto_seg seg = {call->text, call->text, sizeof call->text};

	bt_crypto_legacy_sum(call->legacy, true, &seg, 1, call->mac);
	bt_crypto_legacy_number(call->legacy, true, call->mac, call->text);
	bt_crypto_legacy_crypt(call->legacy, true, 1, &seg, 1);
	call->e = 0;
}

static void
legacy_keys_are_gone(void **state)
{
	static const int32_t numbers[] = {BT_CRYPTO_DES3_CBC_SHA1, BT_CRYPTO_ARCFOUR_HMAC};
	static void (*const makes[])(struct call *) = {make_legacy_key, use_legacy_key, make_prf};
	static struct call call;
	uint8_t base[BT_CRYPTO_KEY_MAX];
	int mem;

	if (!registers_are_registers())
		skip();
	mem = open("/proc/self/mem", O_RDONLY);
	for (size_t i = 0; i < 2; i++) {
		num_needles = 0;
		fill(base, sizeof base, 77);
		remember(base, sizeof base);
		call.et = bt_crypto_enctype_of(numbers[i]);
		fill(call.base, sizeof call.base, 77);
		for (size_t m = 0; m < sizeof makes / sizeof makes[0]; m++) {
			call.make = makes[m];
			if (leaves_any(&call, mem))
				fail_msg("enctype %d, call %zu", (int)numbers[i], m);
		}
		bt_crypto_legacy_key_free(call.legacy);
		bt_mem_wipe(call.base, sizeof call.base);
		if (is_in_memory())
			fail_msg("enctype %d", (int)numbers[i]);
	}
	close(mem);
}

static void
keys_that_seal_once_are_gone(void **state)
{
	uint8_t key[BT_CRYPTO_AEAD_KEY_LEN], sealed[100 + BT_CRYPTO_AEAD_TAG_LEN] = {0};

	num_needles = 0;
	for (uint32_t seed = 1; seed <= 3; seed++) {
		fill(key, sizeof key, seed);
		if (seed == 1)
			assert_int_equal(bt_crypto_aead_seal(key, bt_bytes_of(NULL, 0), bt_bytes_of(sealed, 100), sealed), 0);
		else /* the right key, then a wrong one */
			bt_crypto_aead_open(key, bt_bytes_of(NULL, 0), bt_bytes_of(sealed, sizeof sealed), sealed);
		remember(key, sizeof key);
		assert_false(is_in_memory());
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(search_finds),
	    cmocka_unit_test(keys_of_enctypes_are_gone),
	    cmocka_unit_test(legacy_keys_are_gone),
	    cmocka_unit_test(keys_that_seal_once_are_gone),
	};

#ifdef __SANITIZE_THREAD__
	puts("ThreadSanitizer has more memory than can be searched");
	return 77;
#endif
	return RUN_ON_BOTH_PATHS(tests);
}
