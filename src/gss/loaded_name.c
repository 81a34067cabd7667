#include <gssapi/gssapi_ext.h>

#include "gss/loaded.h"
#include "mech/plugin/operations.h"
#include "mech/plugin/plugin.h"

/* Names of loaded mechanisms, where no more is done with them than to ask their library. */

static const struct bt_plugin_table *
table_of(const struct gss_name_struct *name)
{
	return bt_plugin_of(name->mech)->table;
}

static void
answer(struct bt_call *call, const struct gss_name_struct *name, OM_uint32 major, const OM_uint32 *minor)
{
	if (major != GSS_S_COMPLETE)
		bt_call_refuse_as(call, name->mech, major, (int)*minor);
}

static void
lacks(struct bt_call *call)
{
	bt_call_refuse(call, GSS_S_UNAVAILABLE, 0);
}

bool
bt_gss_loaded_translates(const struct gss_name_struct *name)
{
	return name->mn != NULL && name->mech->is_loaded && table_of(name)->gss_display_name_ext != NULL;
}

void
bt_gss_loaded_display_ext(struct bt_call *call, const struct gss_name_struct *name, gss_OID type, gss_buffer_t out)
{
	OM_uint32 minor = 0;

	answer(call, name, table_of(name)->gss_display_name_ext(&minor, bt_plugin_name_handle(name->mn), type, out), &minor);
}

void
bt_gss_loaded_export_composite(struct bt_call *call, const struct gss_name_struct *name, gss_buffer_t out)
{
	const struct bt_plugin_table *table = table_of(name);
	OM_uint32 minor = 0;

	if (table->gss_export_name_composite == NULL)
		lacks(call);
	else
		answer(call, name, table->gss_export_name_composite(&minor, bt_plugin_name_handle(name->mn), out), &minor);
}

/* ---- attributes ---- */

/* A library changes its name in place: who else has this one keeps it as it is. */
static void
make_own(struct bt_call *call, struct gss_name_struct *name)
{
	struct bt_mn *copy;

	if (atomic_load(&name->mn->refs) == 1)
		return;
	bt_call_error(call, name->mech, bt_plugin_name_copy(name->mn, &copy));
	if (bt_call_failed(call))
		return;
	bt_mn_free(name->mn);
	name->mn = copy;
}

void
bt_gss_loaded_set_attribute(struct bt_call *call, struct gss_name_struct *name, int complete, gss_buffer_t attribute,
			    gss_buffer_t value)
{
	const struct bt_plugin_table *table = table_of(name);
	OM_uint32 minor = 0;

	if (table->gss_set_name_attribute == NULL)
		lacks(call);
	else
		make_own(call, name);
	if (!bt_call_failed(call))
		answer(call, name, table->gss_set_name_attribute(&minor, bt_plugin_name_handle(name->mn), complete, attribute, value),
		       &minor);
}

void
bt_gss_loaded_delete_attribute(struct bt_call *call, struct gss_name_struct *name, gss_buffer_t attribute)
{
	const struct bt_plugin_table *table = table_of(name);
	OM_uint32 minor = 0;

	if (table->gss_delete_name_attribute == NULL)
		lacks(call);
	else
		make_own(call, name);
	if (!bt_call_failed(call))
		answer(call, name, table->gss_delete_name_attribute(&minor, bt_plugin_name_handle(name->mn), attribute), &minor);
}

void
bt_gss_loaded_map(struct bt_call *call, const struct gss_name_struct *name, int authenticated, gss_buffer_t type, gss_any_t *out)
{
	const struct bt_plugin_table *table = table_of(name);
	OM_uint32 minor = 0;

	if (table->gss_map_name_to_any == NULL)
		lacks(call);
	else
		answer(call, name, table->gss_map_name_to_any(&minor, bt_plugin_name_handle(name->mn), authenticated, type, out),
		       &minor);
}

void
bt_gss_loaded_unmap(struct bt_call *call, const struct gss_name_struct *name, gss_buffer_t type, gss_any_t *object)
{
	const struct bt_plugin_table *table = table_of(name);
	OM_uint32 minor = 0;

	if (table->gss_release_any_name_mapping == NULL)
		lacks(call);
	else
		answer(call, name, table->gss_release_any_name_mapping(&minor, bt_plugin_name_handle(name->mn), type, object), &minor);
}
