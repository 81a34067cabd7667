/*
 * cpu - which instructions this machine has, asked once.
 *
 * Every fast path of the room stands beside a portable one that gives the same bytes.
 */
#ifndef BT_CRYPTO_CPU_H
#define BT_CRYPTO_CPU_H

#include <stdbool.h>

/* bt_crypto_cpu_has_aes - AES-NI and SSE4.1: the functions of aes_ni.h may be called. */
bool bt_crypto_cpu_has_aes(void);

/* bt_crypto_cpu_has_gcm - carry-less multiplication besides: the functions of gcm_ni.h may be called. */
bool bt_crypto_cpu_has_gcm(void);

/* bt_crypto_cpu_has_sha - SHA-NI and SSE4.1: the functions of sha_ni.h may be called. */
bool bt_crypto_cpu_has_sha(void);

/* bt_crypto_cpu_has_bmi - BMI and BMI2, which make the rotations of SHA-512 cheap. */
bool bt_crypto_cpu_has_bmi(void);

/*
 * bt_crypto_cpu_use_portable - for tests: from now on claim to have none (true), or look again (false).
 * Keys made before keep the code they were made for.
 */
void bt_crypto_cpu_use_portable(bool is_portable);

#endif
