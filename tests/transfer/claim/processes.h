/*
 * processes - what the tests of the claim table with real processes share: a directory on tmpfs, memory that all processes
 * see, a clock that can be put forward for all of them. Each check ends its process; a child's failure is the parent's.
 */
#ifndef TESTS_CLAIM_PROCESSES_H
#define TESTS_CLAIM_PROCESSES_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "claim/claim.h"

#define CHECK(expr)                                                \
	do {                                                       \
		if (!(expr))                                       \
			processes_fail(__FILE__, __LINE__, #expr); \
	} while (0)

_Noreturn void processes_fail(const char *file, int line, const char *expr);

extern char processes_dir[64];	/* BATON_CLAIM_DIR */
extern char processes_path[80]; /* of the table */

/* Called by bt_crypto_random if set, which is right before a reservation looks for its slot. */
extern void (*processes_before_slot)(void);

/* Makes the directory; it goes away with the process that called this. */
void processes_init(void);

/* Zeroed memory that children share. */
void *processes_share(size_t len);

/* Puts the clock of all processes forward. */
void processes_sleep_ms(int64_t ms);

/* A barrier for num processes. */
pthread_barrier_t *processes_barrier(unsigned num);

pid_t processes_start(void (*fn)(int nth), int nth);
void processes_start_all(void (*fn)(int nth), int num, pid_t *pids);

/* Waits for children that must end well. */
void processes_join(const pid_t *pids, int num);

struct bt_claim_store *processes_store(void);
struct bt_claim_ref processes_claim(int64_t ttl_ms, uint8_t key[static BT_CLAIM_KEY_LEN]);

/* What an importer does: find, read, take. key is what was read, if it was. */
int processes_import(const struct bt_claim_ref *ref, uint8_t key[static BT_CLAIM_KEY_LEN]);

#endif
