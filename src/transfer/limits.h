/*
 * limits - every bound of the transfer room. What is longer is not exported, and not imported either.
 */
#ifndef BT_TRANSFER_LIMITS_H
#define BT_TRANSFER_LIMITS_H

enum {
	BT_TRANSFER_TTL_MAX_S = 600,             /* seconds that a token waits for its importer at most */
	BT_TRANSFER_STATE_MAX = 4 * 1024 * 1024, /* bytes of a whole state; more than the sum of what mech/limits.h allows */
	BT_TRANSFER_SCRATCH_LEN = 2048,          /* bytes of state that an import opens on its stack */
};

#endif
