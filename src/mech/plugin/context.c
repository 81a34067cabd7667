#include "mech/plugin/context.h"

#include <stdatomic.h>

#include "base/err.h"
#include "base/lock.h"
#include "base/mem.h"
#include "mech/plugin/operations.h"

struct own_context {
	gss_ctx_id_t handle;
	atomic_bool is_asleep;
	struct bt_buf asleep; /* what the library exported; secret */
};

/* Held while a context wakes up, which is rare. A library may make processes while it imports, so that no fork waits for it. */
static struct bt_lock waking = BT_LOCK_INIT(BT_LOCK_UNAWAITED);
BT_LOCK_MINDS_FORKS(minds_forks, waking);

int
bt_plugin_context_begin(struct bt_ctx *ctx)
{
	if (ctx->pending == NULL)
		ctx->pending = bt_mem_alloc(sizeof(struct own_context));
	return ctx->pending != NULL ? 0 : BT_ERR_NOMEM;
}

static int
import(const struct bt_plugin *plugin, struct bt_bytes bytes, gss_ctx_id_t *handle)
{
	gss_buffer_desc buffer = bt_plugin_buffer_of(bytes);
	OM_uint32 major, minor = 0;

	*handle = GSS_C_NO_CONTEXT;
	if (plugin->table->gssspi_import_sec_context_by_mech != NULL)
		major = plugin->table->gssspi_import_sec_context_by_mech(&minor, bt_plugin_oid(plugin), &buffer, handle);
	else if (plugin->table->gss_import_sec_context != NULL)
		major = plugin->table->gss_import_sec_context(&minor, &buffer, handle);
	else
		return BT_ERR_UNAVAILABLE;
	return GSS_ERROR(major) != 0 ? bt_plugin_fail(&plugin->mech, major, minor) : 0;
}

static int
wake(const struct bt_plugin *plugin, struct own_context *own)
{
	int e = 0;

	bt_lock_enter(&waking);
	if (atomic_load(&own->is_asleep) && (e = import(plugin, bt_bytes_of_buf(&own->asleep), &own->handle)) == 0) {
		bt_buf_free(&own->asleep);
		atomic_store_explicit(&own->is_asleep, false, memory_order_release);
	}
	bt_lock_leave(&waking);
	return e;
}

int
bt_plugin_context_handle(const struct bt_ctx *ctx, gss_ctx_id_t **out)
{
	struct own_context *own = ctx->pending;
	int e = 0;

	*out = NULL;
	if (own == NULL)
		return BT_ERR_CTX_INCOMPLETE;
	if (atomic_load_explicit(&own->is_asleep, memory_order_acquire))
		e = wake(bt_plugin_of(ctx->mech), own);
	if (e == 0)
		*out = &own->handle;
	return e;
}

static void
delete_own(const struct bt_plugin *plugin, struct own_context *own)
{
	OM_uint32 minor;

	if (own->handle != GSS_C_NO_CONTEXT && plugin->table->gss_delete_sec_context != NULL)
		plugin->table->gss_delete_sec_context(&minor, &own->handle, GSS_C_NO_BUFFER);
	own->handle = GSS_C_NO_CONTEXT;
}

/* The library's own context goes with this, also where the library has forgotten that. */
static int
put_to_sleep(const struct bt_plugin *plugin, struct own_context *own)
{
	gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
	const struct bt_plugin_table *table = plugin->table;
	OM_uint32 major, minor = 0;

	/* What nobody could take back is not given away. */
	if (table->gss_export_sec_context == NULL ||
	    (table->gss_import_sec_context == NULL && table->gssspi_import_sec_context_by_mech == NULL))
		return BT_ERR_NOT_TRANSFERABLE;
	/* What is behind an interposer moves; and gssproxy's takes its own handle for another thing when it exports. */
	if (plugin->mech.behind != NULL)
		return BT_ERR_NOT_TRANSFERABLE;
	major = table->gss_export_sec_context(&minor, &own->handle, &token);
	if (GSS_ERROR(major) != 0)
		return bt_plugin_fail(&plugin->mech, major, minor);
	if (token.length == 0) {
		bt_plugin_buffer_free(&token);
		return BT_ERR_NOT_TRANSFERABLE;
	}
	delete_own(plugin, own);
	own->asleep = bt_plugin_buffer_take(&token);
	atomic_store_explicit(&own->is_asleep, true, memory_order_release);
	return 0;
}

int
bt_plugin_pending_save(const struct bt_ctx *ctx, struct bt_wr *out)
{
	struct own_context *own = ctx->pending;
	int e = 0;

	if (own == NULL)
		return BT_ERR_NOT_TRANSFERABLE;
	if (!atomic_load_explicit(&own->is_asleep, memory_order_acquire))
		e = put_to_sleep(bt_plugin_of(ctx->mech), own);
	if (e == 0)
		bt_wr_bytes(out, bt_bytes_of_buf(&own->asleep));
	return e;
}

int
bt_plugin_pending_load(struct bt_ctx *ctx, struct bt_mechs mechs, struct bt_bytes saved)
{
	int e;

	if (saved.len == 0)
		return BT_ERR_MALFORMED;
	if ((e = bt_plugin_context_begin(ctx)) != 0)
		return e;
	return import(bt_plugin_of(ctx->mech), saved, &((struct own_context *)ctx->pending)->handle);
}

void
bt_plugin_pending_free(struct bt_ctx *ctx)
{
	const struct bt_plugin *plugin = bt_plugin_of(ctx->mech);
	struct own_context *own = ctx->pending;

	delete_own(plugin, own);
	bt_buf_free(&own->asleep);
	bt_mem_free(own);
	ctx->pending = NULL;
}

int
bt_plugin_inquire(const struct bt_ctx *ctx, struct bt_bytes what, struct bt_answers *out)
{
	const struct bt_plugin *plugin = bt_plugin_of(ctx->mech);
	gss_OID_desc object = {(OM_uint32)what.len, (void *)(uintptr_t)what.ptr};
	gss_buffer_set_t answers = GSS_C_NO_BUFFER_SET;
	OM_uint32 major, minor = 0;
	gss_ctx_id_t *handle;
	int e;

	if (plugin->table->gss_inquire_sec_context_by_oid == NULL)
		return BT_ERR_UNAVAILABLE;
	if ((e = bt_plugin_context_handle(ctx, &handle)) != 0)
		return e;
	major = plugin->table->gss_inquire_sec_context_by_oid(&minor, *handle, &object, &answers);
	if (GSS_ERROR(major) != 0)
		return bt_plugin_fail(ctx->mech, major, minor);
	return bt_plugin_answers_take(&answers, out);
}
