/*
 * offer - what a negotiation may come out at: each mechanism, with its credential and its form of the target's name.
 */
#ifndef BT_GSS_OFFER_H
#define BT_GSS_OFFER_H

#include "gss/call.h"
#include "gss/handle.h"
#include "gss/mechs.h"

struct bt_offers {
	struct bt_offer list[BT_MECHS_MAX];
	struct bt_mn *targets[BT_MECHS_MAX];
	struct bt_mcred *owned[BT_MECHS_MAX]; /* credentials that were made for this, or NULL */
	size_t num;
};

/*
 * bt_gss_offers_make - in the order of preference. Failure: NO_CRED where there is none.
 *   mech    the one that negotiates
 *   cred    NULL: the default, which has all mechanisms but those that authenticate nobody
 *   target  NULL: for an acceptor
 *   flags   an initiator's req_flags: who asks to be anonymous gets the others too
 * The offers last as long as cred. bt_gss_offers_done also after a failure.
 */
void bt_gss_offers_make(struct bt_call *call, const struct bt_mech *mech, const struct gss_cred_id_struct *cred,
			const struct gss_name_struct *target, OM_uint32 flags, struct bt_offers *out);
void bt_gss_offers_done(struct bt_offers *offers);

#endif
