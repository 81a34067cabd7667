#include <errno.h>

#include "base/err.h"
#include "base/mem.h"
#include "mech/plugin/operations.h"
#include "wire/frame.h"

static const struct bt_bytes NT_ANONYMOUS = BT_OID("\x2b\x06\x01\x05\x06\x03");
static const struct bt_bytes NT_EXPORT_NAME = BT_OID("\x2b\x06\x01\x05\x06\x04");
static const struct bt_bytes NT_COMPOSITE_EXPORT = BT_OID("\x2b\x06\x01\x05\x06\x06");
static const struct bt_bytes NT_USER_NAME = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x01");

/* The library's name, which a mechanism name owns. */
struct native_name {
	struct bt_mn_native base;
	const struct bt_plugin *plugin;
	gss_name_t handle;
	struct bt_bytes type; /* of its text: what a library answers here lives as long as the library */
};

static const struct native_name *
native_of(const struct bt_mn *mn)
{
	return (const struct native_name *)mn->native;
}

static void
free_native(struct bt_mn_native *base)
{
	struct native_name *native = (struct native_name *)base;
	OM_uint32 minor;

	if (native->handle != GSS_C_NO_NAME && native->plugin->table->gss_release_name != NULL)
		native->plugin->table->gss_release_name(&minor, &native->handle);
	bt_mem_free(native);
}

gss_name_t
bt_plugin_name_handle(const struct bt_mn *mn)
{
	return mn != NULL ? native_of(mn)->handle : GSS_C_NO_NAME;
}

int
bt_plugin_name_own(const struct bt_plugin *plugin, gss_name_t handle, struct bt_mn **out)
{
	struct native_name *native = bt_mem_alloc(sizeof *native);
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 major = GSS_S_UNAVAILABLE, minor = 0;
	gss_OID type = GSS_C_NO_OID;
	bool is_anonymous;

	*out = NULL;
	if (native == NULL) {
		if (plugin->table->gss_release_name != NULL)
			plugin->table->gss_release_name(&minor, &handle);
		return BT_ERR_NOMEM;
	}
	*native = (struct native_name){.base.free = free_native, .plugin = plugin, .handle = handle};
	if (plugin->table->gss_display_name != NULL)
		major = plugin->table->gss_display_name(&minor, handle, &text, &type);
	if (GSS_ERROR(major) != 0) {
		free_native(&native->base);
		return bt_plugin_fail(&plugin->mech, major, minor);
	}
	native->type = type != GSS_C_NO_OID ? bt_bytes_of(type->elements, type->length) : (struct bt_bytes){0};
	is_anonymous = bt_bytes_equal(native->type, NT_ANONYMOUS);
	*out = bt_mn_new(0, is_anonymous, bt_bytes_of(text.value, text.length), NULL, NULL);
	bt_plugin_buffer_free(&text);
	if (*out == NULL) {
		free_native(&native->base);
		return BT_ERR_NOMEM;
	}
	(*out)->native = &native->base;
	return 0;
}

static int
import(const struct bt_plugin *plugin, struct bt_bytes text, struct bt_bytes type, struct bt_mn **out)
{
	gss_buffer_desc buffer = bt_plugin_buffer_of(text);
	gss_OID_desc type_oid = {(OM_uint32)type.len, (void *)(uintptr_t)type.ptr};
	gss_OID name_type = type.len != 0 ? &type_oid : GSS_C_NO_OID;
	gss_name_t handle = GSS_C_NO_NAME;
	OM_uint32 major, minor = 0;

	*out = NULL;
	if (plugin->table->gssspi_import_name_by_mech != NULL)
		major = plugin->table->gssspi_import_name_by_mech(&minor, bt_plugin_oid(plugin), &buffer, name_type, &handle);
	else if (plugin->table->gss_import_name != NULL)
		major = plugin->table->gss_import_name(&minor, &buffer, name_type, &handle);
	else
		return BT_ERR_UNAVAILABLE;
	if (GSS_ERROR(major) != 0)
		return bt_plugin_fail(&plugin->mech, major, minor);
	return bt_plugin_name_own(plugin, handle, out);
}

/* An exported name is what it is without an interposer: the mechanism behind it reads it, and tells how it is written. */
static int
import_exported(const struct bt_plugin *plugin, struct bt_bytes exported, struct bt_mn **out)
{
	const struct bt_mech *real = plugin->mech.behind;
	struct bt_bytes oid, text, attributes;
	struct bt_mn *behind;
	int e;

	*out = NULL;
	if ((e = bt_frame_read_name(exported, &oid, &text)) != 0 &&
	    (e = bt_frame_read_composite(exported, &oid, &text, &attributes)) != 0)
		return e;
	if ((e = real->name_import(real, text, NT_EXPORT_NAME, &behind)) != 0)
		return e;
	e = import(plugin, bt_bytes_of_str(behind->text), real->name_type(behind), out);
	bt_mn_free(behind);
	return e;
}

int
bt_plugin_name_copy(const struct bt_mn *mn, struct bt_mn **out)
{
	const struct native_name *native = native_of(mn);
	gss_name_t handle = GSS_C_NO_NAME;
	OM_uint32 major, minor = 0;

	*out = NULL;
	/* As who has no such function had its names made. */
	if (native->plugin->table->gss_duplicate_name == NULL)
		return import(native->plugin, bt_bytes_of_str(mn->text), native->type, out);
	major = native->plugin->table->gss_duplicate_name(&minor, native->handle, &handle);
	if (GSS_ERROR(major) != 0)
		return bt_plugin_fail(&native->plugin->mech, major, minor);
	return bt_plugin_name_own(native->plugin, handle, out);
}

int
bt_plugin_name_import(const struct bt_mech *mech, struct bt_bytes text, struct bt_bytes type, struct bt_mn **out)
{
	const struct bt_plugin *plugin = bt_plugin_of(mech);

	if (plugin->mech.behind != NULL && (bt_bytes_equal(type, NT_EXPORT_NAME) || bt_bytes_equal(type, NT_COMPOSITE_EXPORT)))
		return import_exported(plugin, text, out);
	/* gssproxy's knows no type that is not said. */
	return import(plugin, text, type.len == 0 && plugin->mech.behind != NULL ? NT_USER_NAME : type, out);
}

struct bt_bytes
bt_plugin_name_type(const struct bt_mn *mn)
{
	return native_of(mn)->type;
}

/* The name as the mechanism behind an interposer has it: access lists are made of those, and know of no interposer. */
static int
name_behind(const struct bt_mn *mn, struct bt_mn **out)
{
	const struct native_name *native = native_of(mn);
	const struct bt_mech *real = native->plugin->mech.behind;

	return real->name_import(real, bt_bytes_of_str(mn->text), native->type, out);
}

static int
export_behind(const struct bt_mn *mn, struct bt_wr *out)
{
	const struct bt_mech *real = native_of(mn)->plugin->mech.behind;
	struct bt_mn *behind;
	struct bt_wr wr;
	int e = name_behind(mn, &behind);

	if (e != 0)
		return e;
	bt_wr_init(&wr);
	if ((e = real->name_export(behind, &wr)) == 0 && wr.failed)
		e = BT_ERR_NOMEM;
	if (e == 0)
		bt_frame_write_name(out, real->oid, bt_wr_written(&wr));
	bt_wr_done(&wr);
	bt_mn_free(behind);
	return e;
}

int
bt_plugin_name_export(const struct bt_mn *mn, struct bt_wr *out)
{
	const struct native_name *native = native_of(mn);
	gss_buffer_desc exported = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, minor = 0;

	if (native->plugin->mech.behind != NULL)
		return export_behind(mn, out);

	/* Who has no form of its own for that has its text, in the frame of RFC 2743 §3.2. */
	if (native->plugin->table->gss_export_name == NULL) {
		bt_frame_write_name(out, native->plugin->mech.oid, bt_bytes_of_str(mn->text));
		return 0;
	}
	major = native->plugin->table->gss_export_name(&minor, native->handle, &exported);
	if (GSS_ERROR(major) != 0)
		return bt_plugin_fail(&native->plugin->mech, major, minor);
	bt_wr_bytes(out, bt_bytes_of(exported.value, exported.length));
	bt_plugin_buffer_free(&exported);
	return 0;
}

static bool
equal_behind(const struct bt_mn *a, const struct bt_mn *b)
{
	const struct bt_mech *real = native_of(a)->plugin->mech.behind;
	struct bt_mn *behind_a, *behind_b = NULL;
	bool is_equal = false;

	if (name_behind(a, &behind_a) == 0 && name_behind(b, &behind_b) == 0)
		is_equal = bt_mn_is_equal(real, behind_a, behind_b);
	bt_mn_free(behind_a);
	bt_mn_free(behind_b);
	return is_equal;
}

bool
bt_plugin_name_equal(const struct bt_mn *a, const struct bt_mn *b)
{
	const struct native_name *native = native_of(a);
	OM_uint32 major, minor = 0;
	int equal = 0;

	if (native->plugin->mech.behind != NULL)
		return equal_behind(a, b);

	if (native->plugin->table->gss_compare_name == NULL)
		return strcmp(a->text, b->text) == 0;
	major = native->plugin->table->gss_compare_name(&minor, native->handle, native_of(b)->handle, &equal);
	return GSS_ERROR(major) == 0 && equal != 0;
}

/* ---- accounts ---- */

int
bt_plugin_name_account(const struct bt_mn *mn, struct bt_buf *out)
{
	const struct native_name *native = native_of(mn);
	gss_buffer_desc account = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, minor = 0;

	*out = (struct bt_buf){0};
	if (native->plugin->table->gss_localname == NULL)
		return ENOENT;
	major = native->plugin->table->gss_localname(&minor, native->handle, bt_plugin_oid(native->plugin), &account);
	if (GSS_ERROR(major) != 0)
		return bt_plugin_fail(&native->plugin->mech, major, minor);
	*out = bt_plugin_buffer_take(&account);
	return 0;
}

int
bt_plugin_name_may_use(const struct bt_mn *mn, const char *account, bool *out)
{
	const struct native_name *native = native_of(mn);
	gss_buffer_desc user = bt_plugin_buffer_of(bt_bytes_of_str(account));
	gss_OID_desc type = {(OM_uint32)NT_USER_NAME.len, (void *)(uintptr_t)NT_USER_NAME.ptr};
	OM_uint32 minor = 0;

	/* All that is not a yes is a no. */
	*out = native->plugin->table->gssspi_authorize_localname(&minor, native->handle, &user, &type) == GSS_S_COMPLETE;
	return 0;
}

/* ---- attributes ---- */

int
bt_plugin_name_attributes(const struct bt_mn *mn, struct bt_answers *out)
{
	const struct native_name *native = native_of(mn);
	gss_buffer_set_t names = GSS_C_NO_BUFFER_SET;
	OM_uint32 major, minor = 0;
	int is_mn = 0, e;

	if (native->plugin->table->gss_inquire_name == NULL)
		return 0;
	major = native->plugin->table->gss_inquire_name(&minor, native->handle, &is_mn, NULL, &names);
	if (GSS_ERROR(major) != 0)
		return bt_plugin_fail(&native->plugin->mech, major, minor);
	e = bt_plugin_answers_take(&names, out);
	return e;
}

int
bt_plugin_name_attribute(const struct bt_mn *mn, struct bt_bytes attribute, int *more, struct bt_attribute *out)
{
	const struct native_name *native = native_of(mn);
	gss_buffer_desc name = bt_plugin_buffer_of(attribute), value = GSS_C_EMPTY_BUFFER, shown = GSS_C_EMPTY_BUFFER;
	int authenticated = 0, complete = 0;
	OM_uint32 major, minor = 0;

	*out = (struct bt_attribute){0};
	if (native->plugin->table->gss_get_name_attribute == NULL)
		return ENOENT;
	major = native->plugin->table->gss_get_name_attribute(&minor, native->handle, &name, &authenticated, &complete, &value,
							       &shown, more);
	if (GSS_ERROR(major) != 0) {
		bt_plugin_buffer_free(&value);
		bt_plugin_buffer_free(&shown);
		return bt_plugin_fail(&native->plugin->mech, major, minor);
	}
	*out = (struct bt_attribute){bt_plugin_buffer_take(&value), bt_plugin_buffer_take(&shown), authenticated != 0,
				     complete != 0};
	return 0;
}
