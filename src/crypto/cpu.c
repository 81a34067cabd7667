#include "crypto/cpu.h"

#include <stdatomic.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

enum { KNOWN = 1, HAS_AES = 2, HAS_SHA = 4, HAS_BMI = 8, HAS_GCM = 16 };

/* Written with the same value by whoever asks first, so no lock and no order. */
static _Atomic unsigned features;

/* CPUID and not __builtin_cpu_supports, which has no name for SHA-NI in every compiler we build with. */
static unsigned
look(void)
{
	unsigned found = KNOWN;

#if defined(__x86_64__)
	unsigned a, b, c, d;
	bool has_sse41 = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_1) != 0 && (c & bit_SSSE3) != 0;

	if (has_sse41 && (c & bit_AES) != 0)
		found |= HAS_AES | ((c & bit_PCLMUL) != 0 ? HAS_GCM : 0);
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
		return found;
	if (has_sse41 && (b & bit_SHA) != 0)
		found |= HAS_SHA;
	if ((b & bit_BMI) != 0 && (b & bit_BMI2) != 0)
		found |= HAS_BMI;
#endif
	return found;
}

static unsigned
known(void)
{
	unsigned found = atomic_load_explicit(&features, memory_order_relaxed);

	if (found == 0) {
		found = look();
		atomic_store_explicit(&features, found, memory_order_relaxed);
	}
	return found;
}

bool
bt_crypto_cpu_has_aes(void)
{
	return (known() & HAS_AES) != 0;
}

bool
bt_crypto_cpu_has_gcm(void)
{
	return (known() & HAS_GCM) != 0;
}

bool
bt_crypto_cpu_has_sha(void)
{
	return (known() & HAS_SHA) != 0;
}

bool
bt_crypto_cpu_has_bmi(void)
{
	return (known() & HAS_BMI) != 0;
}

void
bt_crypto_cpu_use_portable(bool is_portable)
{
	atomic_store_explicit(&features, is_portable ? KNOWN : look(), memory_order_relaxed);
}
