/*
 * box - claims of an account that another account makes for it: a file for each, in the account's directory in /dev/shm.
 *
 * The slot table is mapped memory, and who can cut it short can kill whoever has it mapped. So root, which exports to other accounts,
 * keeps away from their tables: it makes a small file with a name that nobody can guess, fills it, gives it away, and forgets it. It
 * follows no link and maps nothing there. The account's processes read the file, and who removes it has the claim.
 * doc/format/claims.md.
 */
#ifndef BT_CLAIM_BOX_H
#define BT_CLAIM_BOX_H

#include "claim/store.h"

/*
 * bt_claim_box_store - the boxes of uid. The store is this thread's, until it asks for another.
 *   create  make the directory if it is not there, and give it to uid: for root
 * Errors: STORE_MISSING, STORE_OWNER, STORE_MODE, STORE_PLACE, errno, with a note; then out is NULL.
 */
int bt_claim_box_store(uint32_t uid, bool create, struct bt_claim_store **out);

extern const struct bt_claim_ops bt_claim_box_ops;

#endif
