/*
 * account - numbers of accounts that nobody has, for what root does for other accounts.
 *
 * What root exports to an account lies in /dev/shm under the account's number, whatever directory a test has for its own claims. So tests
 * that use the same number wait for one another, also those of another run on this host.
 */
#ifndef BATON_TESTS_ACCOUNT_H
#define BATON_TESTS_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

/* account_is_free - root asks, and nobody has that number. */
bool account_is_free(uid_t uid);

/* account_begin - from now on the number is this process's, until account_end; a test that was killed may have left files, which go. */
void account_begin(uid_t uid);

/* account_end - removes what is left in the account's directory, and that. */
void account_end(uid_t uid);

#endif
