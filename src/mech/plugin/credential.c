#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "mech/plugin/operations.h"

struct bt_mcred {
	const struct bt_plugin *plugin;
	gss_cred_id_t handle;
};

gss_cred_id_t
bt_plugin_cred_handle(const struct bt_mcred *cred)
{
	return cred != NULL ? cred->handle : GSS_C_NO_CREDENTIAL;
}

struct bt_mcred *
bt_plugin_cred_own(const struct bt_plugin *plugin, gss_cred_id_t handle)
{
	struct bt_mcred *cred = bt_mem_alloc(sizeof *cred);
	OM_uint32 minor;

	if (cred != NULL)
		*cred = (struct bt_mcred){plugin, handle};
	else if (plugin->table->gss_release_cred != NULL)
		plugin->table->gss_release_cred(&minor, &handle);
	return cred;
}

void
bt_plugin_cred_free(struct bt_mcred *cred)
{
	OM_uint32 minor;

	if (cred == NULL)
		return;
	if (cred->plugin->table->gss_release_cred != NULL)
		cred->plugin->table->gss_release_cred(&minor, &cred->handle);
	bt_mem_free(cred);
}

/* What a library answered with a credential. */
static int
own(const struct bt_plugin *plugin, OM_uint32 major, OM_uint32 minor, gss_cred_id_t handle, struct bt_mcred **out)
{
	if (GSS_ERROR(major) != 0)
		return bt_plugin_fail(&plugin->mech, major, minor);
	return (*out = bt_plugin_cred_own(plugin, handle)) != NULL ? 0 : BT_ERR_NOMEM;
}

/* A credential store in the programs' shape, in one block. NULL: no memory. */
static gss_key_value_set_desc *
store_of(const struct bt_store_entry *entries, size_t num)
{
	gss_key_value_set_desc *set = bt_mem_alloc(sizeof *set + num * sizeof *set->elements);

	if (set == NULL)
		return NULL;
	set->count = (OM_uint32)num;
	set->elements = (gss_key_value_element_desc *)(set + 1);
	for (size_t i = 0; i < num; i++)
		set->elements[i] = (gss_key_value_element_desc){entries[i].key, entries[i].value};
	return set;
}

/* A library is asked for its own mechanism's, in a set as programs have it. */
static gss_OID_set_desc
own_mech(const struct bt_plugin *plugin)
{
	return (gss_OID_set_desc){1, bt_plugin_oid(plugin)};
}

static int
acquire_from(const struct bt_cred_request *request, struct bt_mcred **out)
{
	const struct bt_plugin *plugin = bt_plugin_of(request->mech);
	gss_OID_set_desc mechs = own_mech(plugin);
	gss_cred_id_t handle = GSS_C_NO_CREDENTIAL;
	gss_key_value_set_desc *store = NULL;
	OM_uint32 major, minor = 0;

	if (request->num_store != 0 && (store = store_of(request->store, request->num_store)) == NULL)
		return BT_ERR_NOMEM;
	major = plugin->table->gss_acquire_cred_from(&minor, bt_plugin_name_handle(request->name), request->lifetime_s,
						      &mechs, (gss_cred_usage_t)request->usage, store, &handle, NULL, NULL);
	bt_mem_free(store);
	return own(plugin, major, minor, handle, out);
}

int
bt_plugin_cred_acquire(const struct bt_cred_request *request, struct bt_mcred **out)
{
	const struct bt_plugin *plugin = bt_plugin_of(request->mech);
	gss_name_t name = bt_plugin_name_handle(request->name);
	gss_buffer_desc password = bt_plugin_buffer_of(request->password);
	gss_OID_set_desc mechs = own_mech(plugin);
	gss_cred_id_t handle = GSS_C_NO_CREDENTIAL;
	OM_uint32 major, minor = 0;

	*out = NULL;
	if (request->password.ptr != NULL && plugin->table->gssspi_acquire_cred_with_password != NULL)
		major = plugin->table->gssspi_acquire_cred_with_password(&minor, name, &password, request->lifetime_s,
									 &mechs, (int)request->usage, &handle, NULL,
									 NULL);
	else if (request->password.ptr == NULL && plugin->table->gss_acquire_cred_from != NULL)
		return acquire_from(request, out);
	else if (request->password.ptr == NULL && request->num_store == 0 && plugin->table->gss_acquire_cred != NULL)
		major = plugin->table->gss_acquire_cred(&minor, name, request->lifetime_s, &mechs,
							(gss_cred_usage_t)request->usage, &handle, NULL, NULL);
	else
		return BT_ERR_UNAVAILABLE;
	return own(plugin, major, minor, handle, out);
}

static int64_t
expires_at(OM_uint32 lifetime_s)
{
	return lifetime_s == GSS_C_INDEFINITE ? BT_CTX_NEVER : bt_clock_wall_s() + lifetime_s;
}

int
bt_plugin_cred_inquire(const struct bt_mech *mech, struct bt_mcred *cred, struct bt_cred_facts *out)
{
	const struct bt_plugin *plugin = bt_plugin_of(mech);
	const struct bt_plugin_table *table = plugin->table;
	gss_cred_id_t handle = bt_plugin_cred_handle(cred);
	OM_uint32 major, minor = 0, initiator_s = 0, acceptor_s = 0;
	gss_cred_usage_t usage = GSS_C_BOTH;
	gss_name_t name = GSS_C_NO_NAME, *wanted = out->leaves_name ? NULL : &name;
	int e = 0;

	*out = (struct bt_cred_facts){0};
	if (table->gss_inquire_cred_by_mech != NULL)
		major = table->gss_inquire_cred_by_mech(&minor, handle, bt_plugin_oid(plugin), wanted, &initiator_s,
							&acceptor_s, &usage);
	else if (table->gss_inquire_cred != NULL)
		major = table->gss_inquire_cred(&minor, handle, wanted, &initiator_s, &usage, NULL);
	else
		return BT_ERR_UNAVAILABLE;
	if (GSS_ERROR(major) != 0)
		return bt_plugin_fail(mech, major, minor);
	if (table->gss_inquire_cred_by_mech == NULL)
		acceptor_s = initiator_s;
	if (name != GSS_C_NO_NAME)
		e = bt_plugin_name_own(plugin, name, &out->name);
	out->usage = (enum bt_usage)usage;
	out->initiator_expires_at = expires_at(initiator_s);
	out->acceptor_expires_at = expires_at(acceptor_s);
	return e;
}

int
bt_plugin_cred_store(struct bt_mcred *cred, const struct bt_cred_storage *storage)
{
	const struct bt_plugin_table *table = cred->plugin->table;
	gss_OID oid = bt_plugin_oid(cred->plugin);
	gss_key_value_set_desc *store = NULL;
	OM_uint32 major, minor = 0;

	if (storage->num_store != 0 && table->gss_store_cred_into != NULL &&
	    (store = store_of(storage->store, storage->num_store)) == NULL)
		return BT_ERR_NOMEM;
	if (table->gss_store_cred_into != NULL)
		major = table->gss_store_cred_into(&minor, cred->handle, (gss_cred_usage_t)storage->usage, oid,
						   storage->overwrites, storage->becomes_default, store, NULL, NULL);
	else if (storage->num_store == 0 && table->gss_store_cred != NULL)
		major = table->gss_store_cred(&minor, cred->handle, (gss_cred_usage_t)storage->usage, oid, storage->overwrites,
					      storage->becomes_default, NULL, NULL);
	else
		return BT_ERR_UNAVAILABLE;
	bt_mem_free(store);
	return GSS_ERROR(major) != 0 ? bt_plugin_fail(&cred->plugin->mech, major, minor) : 0;
}

int
bt_plugin_cred_impersonate(struct bt_mcred *impersonator, const struct bt_mn *name, uint32_t lifetime_s, struct bt_mcred **out)
{
	const struct bt_plugin *plugin = impersonator->plugin;
	gss_OID_set_desc mechs = own_mech(plugin);
	gss_cred_id_t handle = GSS_C_NO_CREDENTIAL;
	OM_uint32 major, minor = 0;

	*out = NULL;
	if (plugin->table->gss_acquire_cred_impersonate_name == NULL)
		return BT_ERR_UNAVAILABLE;
	major = plugin->table->gss_acquire_cred_impersonate_name(&minor, impersonator->handle, bt_plugin_name_handle(name),
								 lifetime_s, &mechs, GSS_C_INITIATE, &handle, NULL,
								 NULL);
	return own(plugin, major, minor, handle, out);
}

/* Questions and options that a library does not know are UNAVAILABLE like those of all mechanisms: others may know them. */
static int
failed(const struct bt_plugin *plugin, OM_uint32 major, OM_uint32 minor)
{
	if (GSS_ERROR(major) == 0)
		return 0;
	return GSS_ERROR(major) == GSS_S_UNAVAILABLE ? BT_ERR_UNAVAILABLE : bt_plugin_fail(&plugin->mech, major, minor);
}

int
bt_plugin_cred_set(const struct bt_mech *mech, struct bt_mcred **cred, struct bt_bytes what, void *value, size_t len)
{
	const struct bt_plugin *plugin = bt_plugin_of(mech);
	gss_cred_id_t handle = bt_plugin_cred_handle(*cred);
	gss_OID_desc object = {(OM_uint32)what.len, (void *)(uintptr_t)what.ptr};
	gss_buffer_desc buffer = {len, value};
	OM_uint32 major, minor = 0;

	if (plugin->table->gssspi_set_cred_option == NULL)
		return BT_ERR_UNAVAILABLE;
	major = plugin->table->gssspi_set_cred_option(&minor, &handle, &object, &buffer);
	if (*cred != NULL)
		(*cred)->handle = handle;
	else if (GSS_ERROR(major) == 0 && handle != GSS_C_NO_CREDENTIAL && (*cred = bt_plugin_cred_own(plugin, handle)) == NULL)
		return BT_ERR_NOMEM;
	return failed(plugin, major, minor);
}

int
bt_plugin_cred_ask(struct bt_mcred *cred, struct bt_bytes what, struct bt_answers *out)
{
	gss_OID_desc object = {(OM_uint32)what.len, (void *)(uintptr_t)what.ptr};
	gss_buffer_set_t answers = GSS_C_NO_BUFFER_SET;
	OM_uint32 major, minor = 0;

	if (cred->plugin->table->gss_inquire_cred_by_oid == NULL)
		return BT_ERR_UNAVAILABLE;
	major = cred->plugin->table->gss_inquire_cred_by_oid(&minor, cred->handle, &object, &answers);
	if (GSS_ERROR(major) != 0)
		return failed(cred->plugin, major, minor);
	return bt_plugin_answers_take(&answers, out);
}

int
bt_plugin_cred_export(struct bt_mcred *cred, struct bt_wr *out)
{
	gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, minor = 0;

	if (cred->plugin->table->gss_export_cred == NULL)
		return BT_ERR_UNAVAILABLE;
	major = cred->plugin->table->gss_export_cred(&minor, cred->handle, &token);
	if (GSS_ERROR(major) != 0)
		return bt_plugin_fail(&cred->plugin->mech, major, minor);
	bt_wr_bytes(out, bt_bytes_of(token.value, token.length));
	bt_plugin_buffer_free(&token);
	return 0;
}

int
bt_plugin_cred_import(const struct bt_mech *mech, struct bt_bytes token, struct bt_mcred **out)
{
	const struct bt_plugin *plugin = bt_plugin_of(mech);
	gss_buffer_desc buffer = bt_plugin_buffer_of(token);
	gss_cred_id_t handle = GSS_C_NO_CREDENTIAL;
	OM_uint32 major, minor = 0;

	*out = NULL;
	if (plugin->table->gssspi_import_cred_by_mech != NULL)
		major = plugin->table->gssspi_import_cred_by_mech(&minor, bt_plugin_oid(plugin), &buffer, &handle);
	else if (plugin->table->gss_import_cred != NULL)
		major = plugin->table->gss_import_cred(&minor, &buffer, &handle);
	else
		return BT_ERR_UNAVAILABLE;
	return own(plugin, major, minor, handle, out);
}
