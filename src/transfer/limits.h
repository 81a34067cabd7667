/*
 * limits - every bound of the transfer room. What is longer is not exported, and not imported either.
 */
#ifndef BT_TRANSFER_LIMITS_H
#define BT_TRANSFER_LIMITS_H

enum {
	BT_TRANSFER_TTL_S = 600,                 /* seconds that a token waits for its importer at most, if nobody says otherwise */
	BT_TRANSFER_TTL_MAX_S = 24 * 60 * 60,    /* and whatever they say */
	BT_TRANSFER_STATE_MAX = 4 * 1024 * 1024, /* bytes of a whole state; more than the sum of what mech/limits.h allows */
	BT_TRANSFER_SCRATCH_LEN = 2048,          /* bytes of state in the clear on the stack */
	BT_TRANSFER_CONF_MAX = 64 * 1024,        /* bytes of the settings file */
	BT_TRANSFER_WORD_MAX = 256,              /* bytes of an account's name in it */
	BT_TRANSFER_ACCOUNT_LEN = 1024,          /* bytes of an account's entry in the data base, to begin with */
	BT_TRANSFER_ACCOUNT_MAX = 256 * 1024,    /* and at most */

	/* Hand-over on sockets. */
	BT_TRANSFER_TOKEN_MAX = BT_TRANSFER_STATE_MAX + 4096,	       /* bytes of a whole token */
	BT_TRANSFER_DATA_MAX = 64 * 1024,			       /* bytes of the program's own that go along */
	BT_TRANSFER_CARGO_MAX = 2 * 1024 * 1024,		       /* bytes of them and an exported credential, sealed */
	BT_HANDOVER_ROOM_MIN = 2048,				       /* bytes that fit into a message on any socket */
	BT_HANDOVER_ROOM_MAX = 16 * 1024,			       /* bytes of the longest message; what is longer goes into a file */
};

#endif
