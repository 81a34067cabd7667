/*
 * handle - what is behind the opaque handles of programs.
 *
 * Each begins with a word of its own, so that a pointer to something else is refused and not followed; the word is wiped
 * when the handle is freed. Names are immutable, but for the call that makes one a mechanism name where it is. Credentials share
 * their elements, which are counted and immutable; gss_add_cred into an existing handle and gss_set_neg_mechs are the calls that
 * change a credential. No other call may use a handle while it is changed. Contexts: see mech/mech.h.
 */
#ifndef BT_GSS_HANDLE_H
#define BT_GSS_HANDLE_H

#include <gssapi/gssapi.h>

#include "claim/fork.h"
#include "gss/mechs.h"
#include "mech/mech.h"

#define BT_HANDLE_CONTEXT UINT32_C(0x42436f6e)
#define BT_HANDLE_NAME UINT64_C(0x4261744e616d6520)
#define BT_HANDLE_CRED UINT64_C(0x4261744372656420)

struct gss_ctx_id_struct {
	uint32_t magic;		 /* of 32 bits, so that there are not 16 bytes more to each context */
	_Atomic bool is_ended;	 /* by the peer's word: as if ctx were NULL, which other threads may be using */
	struct bt_ctx *ctx;	 /* NULL: establishment failed, and all that is left to do is to delete the handle */
	struct bt_claim_own own; /* for the side of a fork that uses it first */
};

struct gss_name_struct {
	uint64_t magic;
	struct bt_bytes text;       /* as imported; behind this struct in the same block */
	gss_OID type;               /* as imported: static, or &own_type; NULL: the mechanism's default */
	gss_OID_desc own_type;      /* of a type that the library has no descriptor of; contents in the same block */
	const struct bt_mech *mech; /* whose name mn is; NULL: not a mechanism name */
	struct bt_mn *mn;
	const struct bt_mech *negotiator; /* canonicalized for it, which has no form of names of its own; else NULL. mn is NULL then */
};

/* One mechanism's credential, shared by the handles that have it. */
struct bt_cred_element {
	_Atomic uint32_t refs;
	const struct bt_mech *mech;
	struct bt_mcred *mcred;
	struct gss_cred_id_struct *under; /* in place of mcred, if mech negotiates: what it may come out at. Never changed. */
};

struct gss_cred_id_struct {
	uint64_t magic;
	struct bt_cred_element **elements;
	size_t num_elements;

	/* gss_set_neg_mechs: what a negotiation may come out at, best first. */
	bool restricts_negotiation;
	const struct bt_mech *negotiable[BT_MECHS_MAX];
	size_t num_negotiable;
};

/* bt_context_handle_new - takes ctx over (may be NULL), unless there is no memory, for it or for what forks share: NULL. */
gss_ctx_id_t bt_context_handle_new(struct bt_ctx *ctx);

/* bt_context_handle_free - and its context. Takes NULL. */
void bt_context_handle_free(gss_ctx_id_t handle);

/* bt_name_of_mn - a handle for a mechanism name, which it shares. NULL: no memory, or mn is NULL. */
gss_name_t bt_name_of_mn(const struct bt_mech *mech, struct bt_mn *mn);

/* bt_name_to_mn - a mechanism's form of a name; the caller frees it. Errors: the mechanism's name_import. */
int bt_name_to_mn(const struct gss_name_struct *name, const struct bt_mech *mech, struct bt_mn **out);

/* bt_cred_of_mcred - a handle with one element, which takes mcred over, also on failure. NULL: no memory. */
gss_cred_id_t bt_cred_of_mcred(const struct bt_mech *mech, struct bt_mcred *mcred);

/* bt_cred_element - what a mechanism has in a credential, or NULL. cred may be NULL. */
struct bt_mcred *bt_cred_element(const struct gss_cred_id_struct *cred, const struct bt_mech *mech);

#endif
