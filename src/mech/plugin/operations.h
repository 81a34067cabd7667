/*
 * plugin/operations - the operations of a struct bt_mech, as calls to a library, and what they share.
 */
#ifndef BT_MECH_PLUGIN_OPERATIONS_H
#define BT_MECH_PLUGIN_OPERATIONS_H

#include "mech/plugin/plugin.h"

/* ---- buffers and sets, which are malloc's on both sides ---- */

static inline gss_buffer_desc
bt_plugin_buffer_of(struct bt_bytes bytes)
{
	return (gss_buffer_desc){bytes.len, (void *)(uintptr_t)bytes.ptr};
}

/* bt_plugin_buffer_take - its bytes, which are then the caller's alone. */
static inline struct bt_buf
bt_plugin_buffer_take(gss_buffer_t buffer)
{
	struct bt_buf buf = {buffer->value, buffer->length};

	*buffer = (gss_buffer_desc)GSS_C_EMPTY_BUFFER;
	return buf;
}

/* bt_plugin_buffer_free - wipe, free and empty. */
void bt_plugin_buffer_free(gss_buffer_t buffer);

/* bt_plugin_answers_take - the members, moved to answers; the set is gone. Takes NULL. Errors: NOMEM. */
int bt_plugin_answers_take(gss_buffer_set_t *set, struct bt_answers *out);

/*
 * bt_plugin_oids_take - a list of the OIDs, ending with an entry of len 0, in one block; the set is gone. Takes NULL. NULL:
 * no memory.
 */
struct bt_bytes *bt_plugin_oids_take(gss_OID_set *set);

static inline gss_OID
bt_plugin_oid(const struct bt_plugin *plugin)
{
	return (gss_OID)(uintptr_t)&plugin->oid;
}

/* ---- names ---- */

/* bt_plugin_name_own - a name of a library's handle, which it takes over, also on failure. Errors: NOMEM, the library's. */
int bt_plugin_name_own(const struct bt_plugin *plugin, gss_name_t handle, struct bt_mn **out);

/* bt_plugin_name_copy - a name of a handle of its own, equal to mn's. Errors: NOMEM, the library's. */
int bt_plugin_name_copy(const struct bt_mn *mn, struct bt_mn **out);

/* bt_plugin_name_handle - the library's; mn may be NULL. */
gss_name_t bt_plugin_name_handle(const struct bt_mn *mn);

int bt_plugin_name_import(const struct bt_mech *mech, struct bt_bytes text, struct bt_bytes type, struct bt_mn **out);
struct bt_bytes bt_plugin_name_type(const struct bt_mn *mn);
int bt_plugin_name_export(const struct bt_mn *mn, struct bt_wr *out);
bool bt_plugin_name_equal(const struct bt_mn *a, const struct bt_mn *b);
int bt_plugin_name_account(const struct bt_mn *mn, struct bt_buf *out);
int bt_plugin_name_may_use(const struct bt_mn *mn, const char *account, bool *out);
int bt_plugin_name_attributes(const struct bt_mn *mn, struct bt_answers *out);
int bt_plugin_name_attribute(const struct bt_mn *mn, struct bt_bytes attribute, int *more, struct bt_attribute *out);

/* ---- credentials ---- */

/* bt_plugin_cred_own - a credential of a library's handle, which it takes over, also on failure. NULL: no memory. */
struct bt_mcred *bt_plugin_cred_own(const struct bt_plugin *plugin, gss_cred_id_t handle);

/* bt_plugin_cred_handle - the library's; cred may be NULL. */
gss_cred_id_t bt_plugin_cred_handle(const struct bt_mcred *cred);

int bt_plugin_cred_acquire(const struct bt_cred_request *request, struct bt_mcred **out);
int bt_plugin_cred_inquire(const struct bt_mech *mech, struct bt_mcred *cred, struct bt_cred_facts *out);
void bt_plugin_cred_free(struct bt_mcred *cred);
int bt_plugin_cred_store(struct bt_mcred *cred, const struct bt_cred_storage *storage);
int bt_plugin_cred_impersonate(struct bt_mcred *impersonator, const struct bt_mn *name, uint32_t lifetime_s,
			       struct bt_mcred **out);
int bt_plugin_cred_set(const struct bt_mech *mech, struct bt_mcred **cred, struct bt_bytes what, void *value, size_t len);
int bt_plugin_cred_ask(struct bt_mcred *cred, struct bt_bytes what, struct bt_answers *out);
int bt_plugin_cred_export(struct bt_mcred *cred, struct bt_wr *out);
int bt_plugin_cred_import(const struct bt_mech *mech, struct bt_bytes token, struct bt_mcred **out);

/* ---- contexts ---- */

int bt_plugin_init(struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *token_out);
int bt_plugin_accept(struct bt_ctx *ctx, const struct bt_accept_step *step, struct bt_buf *token_out,
		     struct bt_mcred **delegated);
int bt_plugin_pending_save(const struct bt_ctx *ctx, struct bt_wr *out);
int bt_plugin_pending_load(struct bt_ctx *ctx, struct bt_mechs mechs, struct bt_bytes saved);
void bt_plugin_pending_free(struct bt_ctx *ctx);
bool bt_plugin_list_mic_is_due(struct bt_ctx *ctx);
int bt_plugin_list_mic_make(struct bt_ctx *ctx, struct bt_bytes list, struct bt_buf *mic);
int bt_plugin_list_mic_check(struct bt_ctx *ctx, struct bt_bytes list, struct bt_bytes mic);
int bt_plugin_inquire(const struct bt_ctx *ctx, struct bt_bytes what, struct bt_answers *out);
int bt_plugin_invoke(const struct bt_mech *mech, struct bt_bytes what, void *value, size_t len);

#endif
