/*
 * transfer - moving a context to another process: what moves, under which seal, for whom.
 *
 * Export and import keep three promises (RFC 2743 §2.2.8-9): the token tells nothing and cannot be altered, it works once and only
 * for a process that policy allows, and no failure loses a context. So the irreversible step is last on both sides, and is one
 * compare-and-swap, which is done or was not: export activates the claim, import takes it, after everything else that can fail.
 * See doc/format/token.md.
 *
 * Import is handed the mechanisms and does not look for them.
 */
#ifndef BT_TRANSFER_TRANSFER_H
#define BT_TRANSFER_TRANSFER_H

#include "base/bytes.h"
#include "mech/mech.h"
#include "transfer/policy.h"

/*
 * bt_transfer_export - seal ctx into a token.
 *   ctx     OPEN, or between legs if its mechanism can save that; on success the caller frees it at once and it must not be used
 *   wish    for whom, how long, with what, where it is not to be as the settings say
 *   token   mechanism prefix, header, sealed state; caller frees
 * Errors: SETTINGS, CONTEXT_EXPIRED, NOT_TRANSFERABLE, AUDIENCE, AUDIENCE_ACCOUNT, NOMEM, STORE_* and errno of the store's calls. On error the token is empty and ctx works on.
 */
int bt_transfer_export(struct bt_ctx *ctx, const struct bt_transfer_wish *wish, struct bt_buf *token);

/*
 * bt_transfer_import - open a token and take its claim.
 *   mechs   those that a token may name
 *   out     a context as it was exported; caller frees
 * Errors: TOKEN_FORMAT, TOKEN_VERSION, TOKEN_ALTERED, TRAILING, TRUNCATED (a defective token); TOKEN_USED, TOKEN_EXPIRED,
 * CONTEXT_EXPIRED, TOKEN_STORE (no context any more, or not here); TOKEN_USER,
 * TOKEN_AUDIENCE (unauthorized); AUDIENCE (who this process is cannot be found out); NOMEM and the store's. On error out is NULL and the
 * token is as good as before.
 */
int bt_transfer_import(const struct bt_mech *const *mechs, size_t num_mechs, struct bt_bytes token, struct bt_ctx **out);

/*
 * bt_transfer_is_unsealed - does a token of this mechanism and body (wire/frame.h) begin as one that another library has exported, MIT's
 * for one? mechs as above.
 */
bool bt_transfer_is_unsealed(struct bt_mechs mechs, struct bt_bytes oid, struct bt_bytes body);

/*
 * bt_transfer_import_unsealed - such a token, which nothing protects: whoever has it has the keys, and it works as often as it is
 * imported. So it is refused, unless the settings let it in by name.
 *   is_interposed   it comes from an interposer, which has it from its daemon: then nobody need say so
 * Errors: TOKEN_UNSEALED (not allowed; then nothing was read but its beginning), TOKEN_FORMAT, CONTEXT_EXPIRED, NOMEM, and those of
 * the settings; then out is NULL.
 */
int bt_transfer_import_unsealed(struct bt_mechs mechs, struct bt_bytes token, bool is_interposed, struct bt_ctx **out);

#endif
