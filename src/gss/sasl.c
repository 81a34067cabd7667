#include "gss/call.h"
#include "gss/mechs.h"

/* Texts that a loaded mechanism need not have. */
static struct bt_bytes
view_of(const char *text)
{
	return bt_bytes_of_str(text != NULL ? text : "");
}

OM_uint32
gss_inquire_saslname_for_mech(OM_uint32 *minor_status, const gss_OID desired_mech, gss_buffer_t sasl_mech_name,
			      gss_buffer_t mech_name, gss_buffer_t mech_description)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct bt_mech *mech;

	bt_call_empty(sasl_mech_name);
	bt_call_empty(mech_name);
	bt_call_empty(mech_description);
	mech = bt_call_mech(&call, desired_mech, NULL);
	if (!bt_call_failed(&call) && mech->sasl_name == NULL)
		bt_call_error(&call, mech, BT_ERR_UNAVAILABLE);
	if (bt_call_failed(&call))
		return bt_call_end(&call);
	bt_call_give_text(&call, bt_bytes_of_str(mech->sasl_name), sasl_mech_name);
	bt_call_give_text(&call, view_of(mech->short_name), mech_name);
	bt_call_give_text(&call, view_of(mech->description), mech_description);
	if (bt_call_failed(&call)) {
		gss_release_buffer(&(OM_uint32){0}, sasl_mech_name);
		gss_release_buffer(&(OM_uint32){0}, mech_name);
	}
	return bt_call_end(&call);
}

OM_uint32
gss_inquire_mech_for_saslname(OM_uint32 *minor_status, const gss_buffer_t sasl_mech_name, gss_OID *mech_type)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_mechs all = bt_mechs_all();
	const struct bt_mech *found = NULL;
	struct bt_bytes wanted;

	bt_call_empty_oid(mech_type);
	wanted = bt_call_input(&call, sasl_mech_name, 0);
	for (size_t i = 0; i < all.num; i++)
		if (all.list[i]->sasl_name != NULL && bt_bytes_equal(wanted, bt_bytes_of_str(all.list[i]->sasl_name)))
			found = all.list[i];
	if (found == NULL)
		bt_call_refuse(&call, GSS_S_BAD_MECH, 0);
	if (!bt_call_failed(&call) && mech_type != NULL)
		*mech_type = bt_oid_static(found->oid);
	return bt_call_end(&call);
}
