/* limits - the claim room's numbers. doc/format/claims.md gives the reasons; those marked * are part of the format. */
#ifndef BT_CLAIM_LIMITS_H
#define BT_CLAIM_LIMITS_H

enum {
	BT_CLAIM_VERSION = 1,	      /* * */
	BT_CLAIM_NUM_SLOTS = 65536,   /* * claims at the same time */
	BT_CLAIM_SLOTS_PER_PAGE = 64, /* * one word of the map of used slots, one page of the file */
	BT_CLAIM_NUM_PAGES = BT_CLAIM_NUM_SLOTS / BT_CLAIM_SLOTS_PER_PAGE,
	BT_CLAIM_PAGE_LEN = 4096, /* * bytes */
	BT_CLAIM_NUM_STARTS = 8,  /* pages among which processes and threads that begin are spread */
	BT_CLAIM_SWEEP_EVERY_MS = 1000,
	BT_CLAIM_SWEEP_PAGES = 8,   /* pages that one reservation sweeps at most, unless the table is full */
	BT_CLAIM_GRACE_MS = 5000,   /* the interrupted step of a process that seems dead is left alone so long */
	BT_CLAIM_STUCK_MS = 600000, /* and that of one that seems alive: its number may be another's by now */
	BT_CLAIM_NUM_BOXES = 1024,  /* claims from root that wait for one account */
	BT_CLAIM_BOX_ENTRIES = 4096, /* files in their directory that are seen at most, for it is not root's */
	BT_CLAIM_BOX_LOOKS = 64,    /* boxes that are looked into now and then, unless there are too many */
	BT_CLAIM_BOX_SWEEP_EVERY_MS = 10000, /* by an importer */
	BT_CLAIM_LOCK_TRIES = 2000, /* milliseconds that an opener waits for another that initialises */
};

#endif
