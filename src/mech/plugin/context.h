/*
 * plugin/context - a library's own context, which a struct bt_ctx of a loaded mechanism has in pending in all stages but NEW.
 *
 * A library that exports a context destroys its own in the same step. That comes before the claim, which may yet fail; so
 * what the library gave out is kept in the context's place, asleep, until the context is freed or used again. Then the
 * library takes it back.
 */
#ifndef BT_MECH_PLUGIN_CONTEXT_H
#define BT_MECH_PLUGIN_CONTEXT_H

#include "mech/plugin/plugin.h"

/* bt_plugin_context_begin - give a context that has none the place for one. Errors: NOMEM. */
int bt_plugin_context_begin(struct bt_ctx *ctx);

/*
 * bt_plugin_context_handle - where the library's handle is; one that sleeps is awake then. Errors: the library's, to take it
 * back; UNAVAILABLE.
 */
int bt_plugin_context_handle(const struct bt_ctx *ctx, gss_ctx_id_t **out);

#endif
