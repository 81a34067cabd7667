/*
 * guard - what becomes of a process that touches a table which somebody has just cut short.
 *
 * The kernel says so by SIGBUS, and the memory of a table is the only one that this room touches for which it can. So from the
 * first table on, the process has a handler for that signal, which takes the table out of service: zeros are there instead,
 * what was under way fails as in a table that somebody deleted, and the thread goes on. Any other SIGBUS is as if
 * the handler were not there: the one before it is called, or the process ends as it would have. A program that sets a handler of its own later
 * takes ours away, and is back to ending. See doc/adr/0010.
 */
#ifndef BT_CLAIM_GUARD_H
#define BT_CLAIM_GUARD_H

#include <stdbool.h>

/*
 * bt_claim_guard_on - have the handler set, once in a process; any thread.
 *   was_cut  is the address in a table of ours? Then it is out of service when this returns. Called in a signal handler.
 */
void bt_claim_guard_on(bool (*was_cut)(const void *at));

#endif
