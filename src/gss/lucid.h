/*
 * lucid - contexts as their keys and counters, which a mechanism answers with the address of.
 */
#ifndef BT_GSS_LUCID_H
#define BT_GSS_LUCID_H

#include "mech/mech.h"

/* bt_gss_lucid_drop - free what an answer points at that cannot be handed out. Other answers have nothing to free. */
void bt_gss_lucid_drop(const struct bt_mech *mech, struct bt_bytes what, const struct bt_answers *answers);

#endif
