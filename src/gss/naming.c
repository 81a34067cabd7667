#include <errno.h>

#include "base/err.h"
#include "gss/buffer_set.h"
#include "gss/call.h"
#include "gss/handle.h"
#include "gss/loaded.h"
#include "gss/mechs.h"
#include "wire/frame.h"

/* RFC 6680: what is known about a name beside its text. Only mechanism names have any of it. */

/* A name whose mechanism can be asked. NULL: failed. */
static struct gss_name_struct *
mn_of(struct bt_call *call, gss_const_name_t handle)
{
	struct gss_name_struct *name = bt_call_name(call, handle);

	if (name != NULL && name->mn == NULL)
		bt_call_refuse(call, GSS_S_UNAVAILABLE, 0);
	return bt_call_failed(call) ? NULL : name;
}

/* What is not there, or not to be changed, is not available. */
static void
attribute_error(struct bt_call *call, const struct bt_mech *mech, int err)
{
	bt_call_error_else(call, mech, err, err == ENOENT || err == EPERM ? GSS_S_UNAVAILABLE : GSS_S_FAILURE);
}

OM_uint32
gss_display_name_ext(OM_uint32 *minor_status, gss_name_t name, gss_OID display_as_name_type, gss_buffer_t display_name)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct gss_name_struct *from;
	struct bt_bytes type, text = {0};

	bt_call_empty(display_name);
	bt_call_wants(&call, display_name, 0);
	from = bt_call_name(&call, name);
	if (display_as_name_type == GSS_C_NO_OID)
		bt_call_refuse(&call, GSS_S_CALL_INACCESSIBLE_READ | GSS_S_BAD_NAMETYPE, 0);
	type = bt_call_oid(&call, display_as_name_type);
	if (!bt_call_failed(&call) && bt_gss_loaded_translates(from)) {
		bt_gss_loaded_display_ext(&call, from, display_as_name_type, display_name);
		return bt_call_end(&call);
	}
	/* A name is shown as what it is, or what it was imported as; nobody here translates. */
	if (!bt_call_failed(&call) && from->mn != NULL && bt_bytes_equal(type, from->mech->name_type(from->mn)))
		text = bt_bytes_of_str(from->mn->text);
	else if (!bt_call_failed(&call) && from->type != GSS_C_NO_OID && bt_bytes_equal(type, bt_oid_view(from->type)))
		text = from->mn != NULL ? bt_bytes_of_str(from->mn->text) : from->text;
	else
		bt_call_refuse(&call, GSS_S_UNAVAILABLE, 0);
	bt_call_give_text(&call, text, display_name);
	return bt_call_end(&call);
}

/* The names of a name's attributes; no set if there are none. */
static gss_buffer_set_t
list_attributes(struct bt_call *call, const struct gss_name_struct *name)
{
	struct bt_answers names = {0};
	gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;

	if (name->mech->name_attributes != NULL)
		bt_call_error(call, name->mech, name->mech->name_attributes(name->mn, &names));
	for (size_t i = 0; i < names.num_items; i++)
		bt_buffer_set_add(call, bt_bytes_of_buf(&names.items[i]), &set);
	bt_answers_free(&names);
	if (bt_call_failed(call)) {
		bt_buffer_set_free(set);
		set = GSS_C_NO_BUFFER_SET;
	}
	return set;
}

OM_uint32
gss_inquire_name(OM_uint32 *minor_status, gss_name_t name, int *name_is_MN, gss_OID *MN_mech, gss_buffer_set_t *attrs)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct gss_name_struct *from;

	bt_call_empty_int(name_is_MN);
	bt_call_empty_oid(MN_mech);
	if (attrs != NULL)
		*attrs = GSS_C_NO_BUFFER_SET;
	from = bt_call_name(&call, name);
	if (bt_call_failed(&call) || (from->mn == NULL && from->negotiator == NULL))
		return bt_call_end(&call);
	if (attrs != NULL && from->mn != NULL)
		*attrs = list_attributes(&call, from);
	if (!bt_call_failed(&call) && name_is_MN != NULL)
		*name_is_MN = 1;
	if (!bt_call_failed(&call) && MN_mech != NULL)
		*MN_mech = bt_oid_static(from->mn != NULL ? bt_mech_names_oid(from->mech) : from->negotiator->oid);
	return bt_call_end(&call);
}

OM_uint32
gss_get_name_attribute(OM_uint32 *minor_status, gss_name_t name, gss_buffer_t attr, int *authenticated, int *complete,
		       gss_buffer_t value, gss_buffer_t display_value, int *more)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_attribute found = {0};
	const struct gss_name_struct *from;
	struct bt_bytes attribute;

	bt_call_empty_int(authenticated);
	bt_call_empty_int(complete);
	bt_call_empty(value);
	bt_call_empty(display_value);
	bt_call_name(&call, name);
	attribute = bt_call_input(&call, attr, 0);
	bt_call_wants(&call, more, 0);
	if ((from = mn_of(&call, name)) != NULL && from->mech->name_attribute == NULL)
		bt_call_refuse(&call, GSS_S_UNAVAILABLE, 0);
	if (!bt_call_failed(&call))
		attribute_error(&call, from->mech, from->mech->name_attribute(from->mn, attribute, more, &found));
	if (bt_call_failed(&call)) {
		bt_call_empty_int(more);
		return bt_call_end(&call);
	}
	bt_call_give(&call, &found.value, value);
	bt_call_give(&call, &found.shown, display_value);
	if (authenticated != NULL)
		*authenticated = found.is_authenticated;
	if (complete != NULL)
		*complete = found.is_complete;
	return bt_call_end(&call);
}

/* What a realm said is not changed here, and names get no attributes of a program's. */
static void
refuse_change(struct bt_call *call, const struct gss_name_struct *name, struct bt_bytes attribute)
{
	struct bt_attribute found = {0};
	int more = -1, e = ENOENT;

	if (name->mech->name_attribute != NULL)
		e = name->mech->name_attribute(name->mn, attribute, &more, &found);
	bt_mn_attribute_done(&found);
	attribute_error(call, name->mech, e == 0 ? EPERM : e);
}

OM_uint32
gss_set_name_attribute(OM_uint32 *minor_status, gss_name_t name, int complete, gss_buffer_t attr, gss_buffer_t value)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct gss_name_struct *to;
	struct bt_bytes attribute;

	bt_call_name(&call, name);
	attribute = bt_call_input(&call, attr, 0);
	bt_call_input(&call, value, 0);
	if ((to = mn_of(&call, name)) != NULL && to->mech->is_loaded)
		bt_gss_loaded_set_attribute(&call, to, complete, attr, value);
	else if (to != NULL)
		refuse_change(&call, to, attribute);
	return bt_call_end(&call);
}

OM_uint32
gss_delete_name_attribute(OM_uint32 *minor_status, gss_name_t name, gss_buffer_t attr)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct gss_name_struct *of;
	struct bt_bytes attribute;

	bt_call_name(&call, name);
	attribute = bt_call_input(&call, attr, 0);
	if ((of = mn_of(&call, name)) != NULL && of->mech->is_loaded)
		bt_gss_loaded_delete_attribute(&call, of, attr);
	else if (of != NULL)
		refuse_change(&call, of, attribute);
	return bt_call_end(&call);
}

OM_uint32
gss_export_name_composite(OM_uint32 *minor_status, gss_name_t name, gss_buffer_t exp_composite_name)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct gss_name_struct *from;
	struct bt_wr text, framed;
	struct bt_buf out = {0};

	bt_call_empty(exp_composite_name);
	bt_call_name(&call, name);
	bt_call_wants(&call, exp_composite_name, 0);
	if ((from = mn_of(&call, name)) != NULL && from->mech->is_loaded) {
		bt_gss_loaded_export_composite(&call, from, exp_composite_name);
		return bt_call_end(&call);
	}
	bt_wr_init(&text);
	bt_wr_init(&framed);
	if (!bt_call_failed(&call))
		bt_call_error(&call, from->mech, from->mech->name_export(from->mn, &text));
	if (!bt_call_failed(&call)) {
		bt_frame_write_composite(&framed, bt_mech_names_oid(from->mech), bt_wr_written(&text), from->mn->attributes);
		bt_call_error(&call, NULL, text.failed ? BT_ERR_NOMEM : bt_wr_take(&framed, &out));
	}
	bt_wr_done(&text);
	bt_wr_done(&framed);
	bt_call_give(&call, &out, exp_composite_name);
	return bt_call_end(&call);
}

OM_uint32
gss_map_name_to_any(OM_uint32 *minor_status, gss_name_t name, int authenticated, gss_buffer_t type_id, gss_any_t *output)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct gss_name_struct *from;
	struct bt_bytes type;
	void *object = NULL;

	if (output != NULL)
		*output = NULL;
	bt_call_wants(&call, output, 0);
	bt_call_name(&call, name);
	type = bt_call_input(&call, type_id, 0);
	if ((from = mn_of(&call, name)) != NULL && from->mech->is_loaded) {
		bt_gss_loaded_map(&call, from, authenticated, type_id, output);
		return bt_call_end(&call);
	}
	if (from != NULL && from->mech->name_map == NULL)
		bt_call_refuse(&call, GSS_S_UNAVAILABLE, 0);
	if (!bt_call_failed(&call) && authenticated != 0 && !from->mn->is_vouched_for)
		attribute_error(&call, from->mech, ENOENT);
	if (!bt_call_failed(&call))
		attribute_error(&call, from->mech, from->mech->name_map(from->mn, type, &object));
	if (!bt_call_failed(&call))
		*output = object;
	return bt_call_end(&call);
}

OM_uint32
gss_release_any_name_mapping(OM_uint32 *minor_status, gss_name_t name, gss_buffer_t type_id, gss_any_t *input)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct gss_name_struct *from;
	struct bt_bytes type;

	bt_call_name(&call, name);
	type = bt_call_input(&call, type_id, 0);
	if (input == NULL)
		bt_call_refuse(&call, GSS_S_CALL_INACCESSIBLE_READ, 0);
	if ((from = mn_of(&call, name)) != NULL && from->mech->is_loaded) {
		bt_gss_loaded_unmap(&call, from, type_id, input);
		return bt_call_end(&call);
	}
	if (from != NULL && from->mech->name_unmap == NULL)
		bt_call_refuse(&call, GSS_S_UNAVAILABLE, 0);
	if (!bt_call_failed(&call))
		attribute_error(&call, from->mech, from->mech->name_unmap(from->mn, type, *input));
	if (!bt_call_failed(&call))
		*input = NULL;
	return bt_call_end(&call);
}
