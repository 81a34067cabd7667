/*
 * spnego/token - the two messages of RFC 4178 §4.2, read and written.
 *
 * Views in, views out: reading allocates nothing and the views point into the token. What peers send beside
 * the RFC and is accepted has a function of its own in token.c, with the reason.
 */
#ifndef BT_MECH_SPNEGO_TOKEN_H
#define BT_MECH_SPNEGO_TOKEN_H

#include <stdbool.h>

#include "base/bytes.h"

/* Most mechanisms looked at in one list: more than any peer offers. */
#define BT_SPNEGO_MECHS_MAX 32

enum bt_spnego_state {
	BT_SPNEGO_ABSENT = -1,
	BT_SPNEGO_COMPLETED = 0,
	BT_SPNEGO_INCOMPLETE = 1,
	BT_SPNEGO_REJECT = 2,
	BT_SPNEGO_REQUEST_MIC = 3,
};

/* NegTokenInit, or NegTokenInit2 of MS-SPNG §2.2.1. ptr NULL: not there. */
struct bt_spnego_init {
	struct bt_bytes mech_list; /* the DER of MechTypeList, tag included: what mechListMIC covers. RFC 4178 §5 */
	struct bt_bytes mech_token;
	struct bt_bytes mic;
};

/* NegTokenResp. ptr NULL: not there. */
struct bt_spnego_resp {
	enum bt_spnego_state state;
	struct bt_bytes supported; /* contents octets of the OID */
	struct bt_bytes token;
	struct bt_bytes mic;
};

/*
 * bt_spnego_read_init - body of a framed token (RFC 2743 §3.1), or the same without its frame.
 * Errors: DEFECTIVE_TOKEN; then out is empty.
 */
int bt_spnego_read_init(struct bt_bytes body, struct bt_spnego_init *out);

/* bt_spnego_read_resp - Errors: DEFECTIVE_TOKEN; then out is empty. */
int bt_spnego_read_resp(struct bt_bytes token, struct bt_spnego_resp *out);

/*
 * bt_spnego_read_mechs - the OIDs of a mech_list, in the peer's order.
 *   mechs  room for BT_SPNEGO_MECHS_MAX
 * Returns how many; 0 if the list is empty, malformed or too long.
 */
size_t bt_spnego_read_mechs(struct bt_bytes mech_list, struct bt_bytes *mechs);

/* bt_spnego_write_mechs - DER MechTypeList. */
void bt_spnego_write_mechs(struct bt_wr *wr, const struct bt_bytes *mechs, size_t num_mechs);

/* bt_spnego_write_init - the whole framed token. */
void bt_spnego_write_init(struct bt_wr *wr, const struct bt_spnego_init *init);

/* bt_spnego_write_hints - NegTokenInit2 with the hint "not_defined_in_RFC4178@please_ignore" that Windows sends and expects. */
void bt_spnego_write_hints(struct bt_wr *wr, struct bt_bytes mech_list);

void bt_spnego_write_resp(struct bt_wr *wr, const struct bt_spnego_resp *resp);

#endif
