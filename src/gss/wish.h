/*
 * wish - what a program says of one export, from the public struct to the transfer room's.
 */
#ifndef BT_GSS_WISH_H
#define BT_GSS_WISH_H

#include <baton/baton.h>

#include "transfer/policy.h"

/* bt_gss_wish_of - NULL is no wish. The texts are borrowed. Errors: BAD_STRUCTURE (a version or a value that is not known). */
int bt_gss_wish_of(const struct baton_transfer_options *options, struct bt_transfer_wish *out);

#endif
