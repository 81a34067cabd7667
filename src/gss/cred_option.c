#include <errno.h>

#include "gss/call.h"
#include "gss/credential.h"

/* Its name before it could make credentials; programs are still linked to it, and declare it themselves. */
#pragma GCC visibility push(default)
OM_uint32 gssspi_set_cred_option(OM_uint32 *minor_status, gss_cred_id_t cred, const gss_OID desired_object,
				 const gss_buffer_t value);
#pragma GCC visibility pop

static int
set_one(const struct bt_mech *mech, struct bt_mcred **mcred, struct bt_bytes what, gss_const_buffer_t value)
{
	if (mech->cred_set == NULL)
		return BT_ERR_UNAVAILABLE;
	/* What value points at is known to whoever knows the OID, so it is not looked at here. */
	return mech->cred_set(mech, mcred, what, value != NULL ? value->value : NULL, value != NULL ? value->length : 0);
}

/* A credential that the default mechanism makes of the option. */
static void
make_cred(struct bt_call *call, struct bt_bytes what, gss_const_buffer_t value, gss_cred_id_t *out)
{
	const struct bt_mech *mech = bt_mechs_default();
	struct bt_mcred *mcred = NULL;
	int e = set_one(mech, &mcred, what, value);

	/* What it is made of may not be there, whatever libkrb5 calls that. */
	bt_call_error_else(call, mech, e, e == EINVAL ? GSS_S_FAILURE : GSS_S_NO_CRED);
	if (!bt_call_failed(call) && mcred != NULL && (*out = bt_cred_of_mcred(mech, mcred)) == NULL)
		bt_call_error(call, NULL, BT_ERR_NOMEM);
}

OM_uint32
gss_set_cred_option(OM_uint32 *minor_status, gss_cred_id_t *cred_handle, const gss_OID desired_object, const gss_buffer_t value)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct bt_cred_element *element;
	const struct gss_cred_id_struct *cred;
	bool is_known = false;
	struct bt_bytes what;

	bt_call_wants(&call, cred_handle, 0);
	cred = bt_call_cred(&call, cred_handle != NULL ? *cred_handle : GSS_C_NO_CREDENTIAL);
	what = bt_call_oid(&call, desired_object);
	if (bt_call_failed(&call))
		return bt_call_end(&call);
	if (cred == NULL) {
		make_cred(&call, what, value, cred_handle);
		return bt_call_end(&call);
	}
	/* Each mechanism that knows the option takes it. */
	for (size_t i = 0; !bt_call_failed(&call) && (element = bt_cred_at_work(cred, i)) != NULL; i++) {
		struct bt_mcred *mcred = element->mcred;
		int e = set_one(element->mech, &mcred, what, value);

		is_known = is_known || e != BT_ERR_UNAVAILABLE;
		if (e != BT_ERR_UNAVAILABLE)
			bt_call_error(&call, element->mech, e);
	}
	if (!is_known)
		bt_call_error(&call, cred->num_elements != 0 ? cred->elements[0]->mech : NULL, BT_ERR_UNAVAILABLE);
	return bt_call_end(&call);
}

OM_uint32
gssspi_set_cred_option(OM_uint32 *minor_status, gss_cred_id_t cred, const gss_OID desired_object, const gss_buffer_t value)
{
	return gss_set_cred_option(minor_status, &cred, desired_object, value);
}
