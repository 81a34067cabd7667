/*
 * limits - the sizes RFC 4121 fixes for per-message tokens, and the bounds of this room. All lengths in bytes.
 */
#ifndef BT_MESSAGE_LIMITS_H
#define BT_MESSAGE_LIMITS_H

enum {
	BT_MSG_HEADER_LEN = 16,	    /* token header. RFC 4121 §4.2.6 */
	BT_MSG_DCE_FILLER_LEN = 16, /* EC of an encrypted DCE style IOV token: one cipher block. MS-KILE §3.4.5.4.1 */
	BT_MSG_FEW_SEGS = 16,	    /* scattered messages of up to this many pieces, framing included, cost no allocation */
	BT_MSG_WINDOW_LEN = 64,	    /* sequence numbers that the replay window remembers */
};

#endif
