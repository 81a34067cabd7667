/*
 * fixture - a fresh table for each test, in a directory of its own on tmpfs, and the three things that are replaced at link
 * time: the clock, the random numbers and the allocator.
 */
#ifndef TESTS_CLAIM_FIXTURE_H
#define TESTS_CLAIM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "claim/place.h"
#include "claim/table.h"

extern int64_t fixture_now_ms;		     /* what bt_clock_boot_ms says; 1,000,000 at the start of each test */
extern bool fixture_has_entropy;	     /* false: bt_crypto_random fails */
extern int fixture_allocs_left;		     /* -1: without limit; 0: the next allocation fails */
extern char fixture_dir[64];		     /* made for each test, 0700 */
extern char fixture_path[80];		     /* of the table in it, which need not be there */
extern struct bt_claim_table *fixture_table; /* opened by fixture_open */

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Opens fixture_table and returns it as a store. */
struct bt_claim_store *fixture_open(void);

/* Opens the table and expects err; nothing is left open. */
void fixture_open_fails(bool create, int err);

/* A claim that is ready, with a lifetime of ttl_ms. */
struct bt_claim_ref fixture_claim(struct bt_claim_store *store, int64_t ttl_ms, uint8_t key[static BT_CLAIM_KEY_LEN]);

/* Runs fn in a child; true if it returned true. For what changes the process: its user, its limits, the list of stores. */
bool fixture_in_child(bool (*fn)(void));

/* In a child: a failed assertion would run on as if it were the parent. */
#define CHECK(expr)                                                                \
	do {                                                                       \
		if (!(expr)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #expr); \
			_exit(1);                                                  \
		}                                                                  \
	} while (0)

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

#endif
