/*
 * claims - the two ways in which `baton claims` shows a store: once, and as it changes.
 */
#ifndef BT_CLI_CLAIMS_H
#define BT_CLI_CLAIMS_H

#include <baton/baton.h>
#include <stdbool.h>

/* cli_claims_read - count now. False, and complained: it cannot be done. */
bool cli_claims_read(struct baton_claims *claims);

/* cli_claims_show - the whole of it, for people; at most max_processes processes. end is what each line ends with. */
void cli_claims_show(const struct baton_claims *claims, uint32_t max_processes, const char *end);

/* cli_claims_show_json - one object in one line. */
void cli_claims_show_json(const struct baton_claims *claims);

/* cli_claims_watch - show it every so often, until q, Ctrl-C or SIGTERM; on what is no terminal, a line each time. */
int cli_claims_watch(int64_t every_ms, bool is_json);

#endif
