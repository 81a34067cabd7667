/*
 * interposed - contexts that an interposer (mech/plugin/interposer.h) has in its hands, where they change them.
 *
 * An interposer may get an established context from elsewhere: gssproxy's has a daemon establish it, which runs on MIT's
 * library and exports it. It imports that, under the OID by which it asks for the mechanism behind itself, and has messages
 * protected there. Such a token is let in unsealed, but only from the interposer's own code: a program that is given one by
 * somebody gets it refused.
 *
 * To be exported, an interposer's context becomes the one behind it, in this process, with no token between: what goes into the
 * token is then what it would be without the interposer, and so are the promises.
 */
#ifndef BT_GSS_INTERPOSED_H
#define BT_GSS_INTERPOSED_H

#include "gss/call.h"
#include "gss/handle.h"

/*
 * bt_gss_import_behind - a context of the mechanism behind an interposer.
 *   token    its prefix has the interposers' OID of the mechanism
 *   caller   the address that the import was called from
 * Errors: as bt_transfer_import and bt_transfer_import_unsealed; BAD_MECH (no such OID).
 */
int bt_gss_import_behind(struct bt_bytes token, const void *caller, struct bt_ctx **out);

/*
 * bt_gss_mech_accepting - whose a first token of mech is: an interposer that accepts behind itself can say so by the
 * credential only, which then is one of the mechanism itself. mech and cred may be NULL.
 */
const struct bt_mech *bt_gss_mech_accepting(const struct bt_mech *mech, const struct gss_cred_id_struct *cred);

/*
 * bt_gss_cred_is_in_front - has cred what an interposer has in front of mech? A context that was handed on is no more the
 * interposer's, and its later legs need no credential. cred may be NULL.
 */
bool bt_gss_cred_is_in_front(const struct gss_cred_id_struct *cred, const struct bt_mech *mech);

/*
 * bt_gss_unfold - if an interposer has the handle's context, or the one that the handle's negotiation is about, the one behind
 * takes its place. Failure: then it is as it was. GSS_S_UNAVAILABLE: between legs the interposer has none to give.
 */
void bt_gss_unfold(struct bt_call *call, gss_ctx_id_t handle);

/* bt_gss_unfold_take - does bt_gss_unfold, in this thread, wait for this one? Then the context is out of the handle. */
bool bt_gss_unfold_take(gss_ctx_id_t handle);

#endif
