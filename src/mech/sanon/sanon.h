/*
 * sanon - the inside of the SAnon-X25519 mechanism (draft-howard-gss-sanon-13). Its door is bt_mech_sanon in mech/mech.h.
 *
 * A name is anonymous or not, and no two are ever equal. A credential is the default one or a name's. A context is made of one
 * public key from each side; an acceptor makes one only with a credential that it acquired for this mechanism, because a
 * server that expects to know its clients must not get unknown ones unasked.
 */
#ifndef BT_MECH_SANON_SANON_H
#define BT_MECH_SANON_SANON_H

#include "mech/mech.h"

/* ---- name.c ---- */

extern const struct bt_bytes bt_sanon_name_types[];

/* bt_sanon_anonymous - the one name that peers ever see. draft §4.2. NULL: no memory. */
struct bt_mn *bt_sanon_anonymous(void);

int bt_sanon_name_import(const struct bt_mech *mech, struct bt_bytes text, struct bt_bytes type, struct bt_mn **out);
struct bt_bytes bt_sanon_name_type(const struct bt_mn *mn);
int bt_sanon_name_export(const struct bt_mn *mn, struct bt_wr *out);

/* ---- credential.c ---- */

int bt_sanon_cred_acquire(const struct bt_cred_request *request, struct bt_mcred **out);
int bt_sanon_cred_inquire(const struct bt_mech *mech, struct bt_mcred *cred, struct bt_cred_facts *out);
void bt_sanon_cred_free(struct bt_mcred *cred);

/* bt_sanon_cred_may - is it for this use? No credential at all may initiate. */
bool bt_sanon_cred_may(const struct bt_mcred *cred, enum bt_usage usage);

/* bt_sanon_cred_name - the name that it was acquired for; NULL: the default, as is no credential at all. */
const struct bt_mn *bt_sanon_cred_name(const struct bt_mcred *cred);

/* ---- establish.c, pending.c ---- */

/* The initiator between its two legs; plain data. */
struct bt_sanon_pending {
	uint32_t asked; /* BT_CTX_* of the caller */
	uint8_t secret[BT_CRYPTO_X25519_LEN];
	uint8_t public[BT_CRYPTO_X25519_LEN];
};

int bt_sanon_init(struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *token_out);
int bt_sanon_accept(struct bt_ctx *ctx, const struct bt_accept_step *step, struct bt_buf *token_out,
		    struct bt_mcred **delegated);

int bt_sanon_pending_save(const struct bt_ctx *ctx, struct bt_wr *out);
int bt_sanon_pending_load(struct bt_ctx *ctx, struct bt_mechs mechs, struct bt_bytes saved);
void bt_sanon_pending_free(struct bt_ctx *ctx);

#endif
