#include <errno.h>

#include "base/mem.h"
#include "gss/credential.h"
#include "gss/oid_set.h"

/* What a program wants kept. */
struct keep {
	gss_cred_usage_t usage;
	OM_uint32 overwrite_cred, default_cred;
	gss_const_key_value_set_t store;
};

static void
check(struct bt_call *call, const struct keep *keep)
{
	if (keep->usage != GSS_C_BOTH && keep->usage != GSS_C_INITIATE && keep->usage != GSS_C_ACCEPT)
		bt_call_refuse(call, GSS_S_FAILURE, EINVAL);
	if (keep->store != GSS_C_NO_CRED_STORE && keep->store->count == 0)
		bt_call_refuse(call, GSS_S_FAILURE, EINVAL);
	bt_cred_check_store(call, keep->store);
}

static void
store_element(struct bt_call *call, const struct bt_cred_element *element, const struct keep *keep)
{
	const struct bt_mech *mech = element->mech;
	struct bt_cred_storage storage = {
	    .usage = (enum bt_usage)keep->usage,
	    .overwrites = keep->overwrite_cred != 0,
	    .becomes_default = keep->default_cred != 0,
	};
	struct bt_store_entry *entries;

	if (bt_call_failed(call))
		return;
	if (mech->cred_store == NULL) {
		bt_call_error(call, mech, BT_ERR_UNAVAILABLE);
		return;
	}
	entries = bt_cred_store_entries(call, keep->store, &storage.num_store);
	storage.store = entries;
	if (entries != NULL)
		bt_call_error(call, mech, mech->cred_store(element->mcred, &storage));
	bt_mem_free(entries);
}

/* All that can be stored; the call fails if none can, and as the last of them. */
static void
store_elements(struct bt_call *call, const struct gss_cred_id_struct *cred, const struct bt_mech *only, const struct keep *keep,
	       gss_OID_set stored)
{
	const struct bt_cred_element *element;
	struct bt_call last = *call;
	bool is_any_stored = false;

	bt_call_refuse(&last, only != NULL ? GSS_S_NO_CRED : GSS_S_FAILURE, 0);
	for (size_t i = 0; (element = bt_cred_at_work(cred, i)) != NULL; i++) {
		struct bt_call one = *call;

		if (only != NULL && element->mech != only)
			continue;
		store_element(&one, element, keep);
		if (bt_call_failed(&one)) {
			last = one;
		} else {
			is_any_stored = true;
			bt_oid_set_add(call, stored, element->mech->oid);
		}
	}
	/* With what a negotiation may come out at, the negotiation is stored. */
	for (size_t i = 0; only == NULL && is_any_stored && i < cred->num_elements; i++)
		if (cred->elements[i]->under != NULL)
			bt_oid_set_add(call, stored, cred->elements[i]->mech->oid);
	if (!is_any_stored)
		*call = last;
}

OM_uint32
gss_store_cred_into(OM_uint32 *minor_status, gss_cred_id_t input_cred_handle, gss_cred_usage_t cred_usage, gss_OID desired_mech,
		    OM_uint32 overwrite_cred, OM_uint32 default_cred, gss_const_key_value_set_t cred_store,
		    gss_OID_set *elements_stored, gss_cred_usage_t *cred_usage_stored)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct keep keep = {cred_usage, overwrite_cred, default_cred, cred_store};
	const struct gss_cred_id_struct *cred;
	const struct bt_mech *only = NULL;
	gss_OID_set stored = GSS_C_NO_OID_SET;

	bt_call_empty_oid_set(elements_stored);
	bt_call_empty_int(cred_usage_stored);
	if (input_cred_handle == GSS_C_NO_CREDENTIAL)
		bt_call_refuse(&call, GSS_S_CALL_INACCESSIBLE_READ | GSS_S_NO_CRED, 0);
	cred = bt_call_cred(&call, input_cred_handle);
	check(&call, &keep);
	if (desired_mech != GSS_C_NO_OID)
		only = bt_call_mech(&call, desired_mech, NULL);
	/* A negotiation has nothing of its own. */
	if (only != NULL && bt_mechs_negotiates(only)) {
		const struct bt_cred_element *element = bt_cred_find(cred, only);

		cred = element != NULL ? element->under : NULL;
		only = NULL;
		if (cred == NULL)
			bt_call_refuse(&call, GSS_S_NO_CRED, 0);
	}
	/* What a negotiation may come out at is not what was asked for by name. */
	if (only != NULL && bt_cred_find(cred, only) == NULL)
		bt_call_refuse(&call, GSS_S_NO_CRED, 0);
	bt_oid_set_new(&call, &stored);
	if (!bt_call_failed(&call))
		store_elements(&call, cred, only, &keep, stored);
	/* Acceptors' credentials are keytabs, which nobody stores to. */
	if (!bt_call_failed(&call) && cred_usage_stored != NULL)
		*cred_usage_stored = GSS_C_INITIATE;
	bt_oid_set_give(&call, &stored, elements_stored);
	return bt_call_end(&call);
}

OM_uint32
gss_store_cred(OM_uint32 *minor_status, const gss_cred_id_t input_cred_handle, gss_cred_usage_t cred_usage,
	       const gss_OID desired_mech, OM_uint32 overwrite_cred, OM_uint32 default_cred, gss_OID_set *elements_stored,
	       gss_cred_usage_t *cred_usage_stored)
{
	return gss_store_cred_into(minor_status, input_cred_handle, cred_usage, desired_mech, overwrite_cred, default_cred,
				   GSS_C_NO_CRED_STORE, elements_stored, cred_usage_stored);
}
