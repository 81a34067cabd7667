#include "gss/credential.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "gss/oid_set.h"

void
bt_cred_element_free(struct bt_cred_element *element)
{
	if (atomic_fetch_sub_explicit(&element->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (element->under != NULL)
		bt_cred_free(element->under);
	else
		element->mech->cred_free(element->mcred);
	bt_mem_free(element);
}

static struct bt_cred_element *
new_element(const struct bt_mech *mech)
{
	struct bt_cred_element *element = bt_mem_alloc(sizeof *element);

	if (element == NULL)
		return NULL;
	atomic_init(&element->refs, 1);
	element->mech = mech;
	return element;
}

struct bt_cred_element *
bt_cred_element_new(const struct bt_mech *mech, struct bt_mcred *mcred)
{
	struct bt_cred_element *element = new_element(mech);

	if (element != NULL)
		element->mcred = mcred;
	else
		mech->cred_free(mcred);
	return element;
}

struct bt_cred_element *
bt_cred_element_over(const struct bt_mech *mech, struct gss_cred_id_struct *under)
{
	struct bt_cred_element *element = new_element(mech);

	if (element != NULL)
		element->under = under;
	else
		bt_cred_free(under);
	return element;
}

struct bt_cred_element *
bt_cred_element_share(struct bt_cred_element *element)
{
	atomic_fetch_add_explicit(&element->refs, 1, memory_order_relaxed);
	return element;
}

void
bt_cred_free(struct gss_cred_id_struct *cred)
{
	if (cred == NULL)
		return;
	for (size_t i = 0; i < cred->num_elements; i++)
		bt_cred_element_free(cred->elements[i]);
	bt_mem_free(cred->elements);
	bt_mem_free_secret(cred, sizeof *cred);
}

struct gss_cred_id_struct *
bt_cred_new_from(const struct gss_cred_id_struct *old)
{
	size_t num = old != NULL ? old->num_elements : 0;
	struct gss_cred_id_struct *cred = bt_mem_alloc(sizeof *cred);

	if (cred == NULL || (cred->elements = bt_mem_alloc((num + 1) * sizeof *cred->elements)) == NULL) {
		bt_mem_free(cred);
		return NULL;
	}
	cred->magic = BT_HANDLE_CRED;
	for (; cred->num_elements < num; cred->num_elements++)
		cred->elements[cred->num_elements] = bt_cred_element_share(old->elements[cred->num_elements]);
	if (old != NULL) {
		cred->restricts_negotiation = old->restricts_negotiation;
		memcpy(cred->negotiable, old->negotiable, sizeof cred->negotiable);
		cred->num_negotiable = old->num_negotiable;
	}
	return cred;
}

gss_cred_id_t
bt_cred_of_mcred(const struct bt_mech *mech, struct bt_mcred *mcred)
{
	struct bt_cred_element *element = bt_cred_element_new(mech, mcred);
	struct gss_cred_id_struct *cred;

	if (element == NULL)
		return NULL;
	if ((cred = bt_cred_new_from(NULL)) == NULL) {
		bt_cred_element_free(element);
		return NULL;
	}
	cred->elements[cred->num_elements++] = element;
	return cred;
}

struct bt_cred_element *
bt_cred_find(const struct gss_cred_id_struct *cred, const struct bt_mech *mech)
{
	for (size_t i = 0; cred != NULL && i < cred->num_elements; i++)
		if (cred->elements[i]->mech == mech)
			return cred->elements[i];
	return NULL;
}

struct bt_mcred *
bt_cred_element(const struct gss_cred_id_struct *cred, const struct bt_mech *mech)
{
	const struct bt_cred_element *element = bt_cred_find(cred, mech);

	return element != NULL ? element->mcred : NULL;
}

const struct bt_mech *
bt_cred_speaker(const struct bt_mech *mech, const struct bt_cred_element *element, struct bt_mcred **mcred)
{
	*mcred = NULL;
	if (element == NULL)
		return bt_mechs_negotiates(mech) ? bt_mechs_default() : mech;
	if (element->under != NULL)
		element = element->under->elements[0];
	*mcred = element->mcred;
	return element->mech;
}

/* Is an element under the ith one elsewhere too, where it counts? */
static bool
is_elsewhere(const struct gss_cred_id_struct *cred, size_t i, const struct bt_cred_element *element)
{
	for (size_t j = 0; j < cred->num_elements; j++) {
		const struct gss_cred_id_struct *under = cred->elements[j]->under;

		if (cred->elements[j] == element)
			return true;
		for (size_t k = 0; under != NULL && j < i && k < under->num_elements; k++)
			if (under->elements[k] == element)
				return true;
	}
	return false;
}

const struct bt_cred_element *
bt_cred_at_work(const struct gss_cred_id_struct *cred, size_t n)
{
	for (size_t i = 0; cred != NULL && i < cred->num_elements; i++) {
		const struct gss_cred_id_struct *under = cred->elements[i]->under;

		if (under == NULL && n-- == 0)
			return cred->elements[i];
		for (size_t j = 0; under != NULL && j < under->num_elements; j++)
			if (!is_elsewhere(cred, i, under->elements[j]) && n-- == 0)
				return under->elements[j];
	}
	return NULL;
}

struct gss_cred_id_struct *
bt_call_cred(struct bt_call *call, gss_const_cred_id_t cred)
{
	if (cred != NULL && cred->magic != BT_HANDLE_CRED)
		bt_call_refuse(call, GSS_S_CALL_BAD_STRUCTURE | GSS_S_DEFECTIVE_CREDENTIAL, 0);
	return bt_call_failed(call) ? NULL : (struct gss_cred_id_struct *)(uintptr_t)cred;
}

struct bt_cred_facts
bt_cred_facts_of(struct bt_call *call, const struct bt_mech *mech, struct bt_mcred *mcred, bool wants_name)
{
	struct bt_cred_facts facts = {.leaves_name = !wants_name};

	if (!bt_call_failed(call))
		bt_call_error_else(call, mech, mech->cred_inquire(mech, mcred, &facts), GSS_S_NO_CRED);
	if (bt_call_failed(call))
		facts = (struct bt_cred_facts){0};
	return facts;
}

OM_uint32
bt_cred_initiator_lifetime_s(const struct bt_cred_facts *facts)
{
	return facts->usage != BT_USAGE_ACCEPT ? bt_call_lifetime_s(facts->initiator_expires_at) : 0;
}

OM_uint32
bt_cred_acceptor_lifetime_s(const struct bt_cred_facts *facts)
{
	return facts->usage != BT_USAGE_INITIATE ? bt_call_lifetime_s(facts->acceptor_expires_at) : 0;
}

OM_uint32
bt_cred_lifetime_s(const struct bt_cred_facts *facts)
{
	OM_uint32 initiator = bt_cred_initiator_lifetime_s(facts), acceptor = bt_cred_acceptor_lifetime_s(facts);

	if (facts->usage == BT_USAGE_INITIATE)
		return initiator;
	if (facts->usage == BT_USAGE_ACCEPT)
		return acceptor;
	return initiator < acceptor ? initiator : acceptor;
}

void
bt_cred_give_mechs(struct bt_call *call, const struct gss_cred_id_struct *cred, gss_OID_set *out)
{
	gss_OID_set set = NULL;

	if (out == NULL)
		return;
	bt_oid_set_new(call, &set);
	if (cred == NULL && !bt_call_failed(call))
		bt_oid_set_add(call, set, bt_mechs_default()->oid);
	for (size_t i = 0; cred != NULL && i < cred->num_elements; i++)
		bt_oid_set_add(call, set, cred->elements[i]->mech->oid);
	bt_oid_set_give(call, &set, out);
}

void
bt_cred_give_time(struct bt_call *call, const struct gss_cred_id_struct *cred, OM_uint32 *out)
{
	OM_uint32 shortest = GSS_C_INDEFINITE, one;

	if (out == NULL)
		return;
	for (size_t i = 0; !bt_call_failed(call) && i < cred->num_elements; i++) {
		struct bt_mcred *mcred;
		const struct bt_mech *mech = bt_cred_speaker(cred->elements[i]->mech, cred->elements[i], &mcred);
		struct bt_cred_facts facts = bt_cred_facts_of(call, mech, mcred, false);

		one = bt_cred_lifetime_s(&facts);
		shortest = one < shortest ? one : shortest;
		bt_mn_free(facts.name);
	}
	if (!bt_call_failed(call))
		*out = shortest;
}

/* ---- asking ---- */

/* The credential asked about: the handle's first element, or what the first mechanism takes for the default. */
static const struct bt_mech *
first_mech(struct bt_call *call, const struct gss_cred_id_struct *cred, struct bt_mcred **mcred)
{
	*mcred = NULL;
	if (cred == NULL)
		return bt_mechs_default();
	if (cred->num_elements == 0) {
		bt_call_refuse(call, GSS_S_DEFECTIVE_CREDENTIAL, 0);
		return NULL;
	}
	return bt_cred_speaker(cred->elements[0]->mech, cred->elements[0], mcred);
}

/* A name of facts, given to a caller who wants it; a credential for any name has none. */
static void
give_name(struct bt_call *call, const struct bt_mech *mech, const struct bt_cred_facts *facts, gss_name_t *out)
{
	if (!bt_call_failed(call) && out != NULL && facts->name != NULL && (*out = bt_name_of_mn(mech, facts->name)) == NULL)
		bt_call_error(call, NULL, BT_ERR_NOMEM);
}

OM_uint32
gss_inquire_cred(OM_uint32 *minor_status, gss_cred_id_t cred_handle, gss_name_t *name, OM_uint32 *lifetime,
		 gss_cred_usage_t *cred_usage, gss_OID_set *mechanisms)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct gss_cred_id_struct *cred;
	struct bt_cred_facts facts = {0};
	const struct bt_mech *mech;
	struct bt_mcred *mcred = NULL;
	gss_OID_set mechs = GSS_C_NO_OID_SET;
	OM_uint32 left;

	if (name != NULL)
		*name = GSS_C_NO_NAME;
	bt_call_empty_u32(lifetime);
	bt_call_empty_int(cred_usage);
	bt_call_empty_oid_set(mechanisms);
	cred = bt_call_cred(&call, cred_handle);
	mech = first_mech(&call, cred, &mcred);
	if (name != NULL || lifetime != NULL || cred_usage != NULL || cred == NULL)
		facts = bt_cred_facts_of(&call, mech, mcred, name != NULL);
	left = bt_cred_lifetime_s(&facts);
	/* RFC 2744 §5.21: a credential that has expired is told of as an error. */
	if (lifetime != NULL && !bt_call_failed(&call) && left == 0)
		bt_call_refuse_as(&call, mech, GSS_S_CREDENTIALS_EXPIRED, BT_ERR_CRED_EXPIRED);
	bt_cred_give_mechs(&call, cred, mechanisms != NULL ? &mechs : NULL);
	give_name(&call, mech, &facts, name);
	if (!bt_call_failed(&call)) {
		if (lifetime != NULL)
			*lifetime = left;
		if (cred_usage != NULL)
			*cred_usage = (gss_cred_usage_t)facts.usage;
	}
	bt_oid_set_give(&call, &mechs, mechanisms);
	bt_mn_free(facts.name);
	return bt_call_end(&call);
}

OM_uint32
gss_inquire_cred_by_mech(OM_uint32 *minor_status, gss_cred_id_t cred_handle, gss_OID mech_type, gss_name_t *name,
			 OM_uint32 *initiator_lifetime, OM_uint32 *acceptor_lifetime, gss_cred_usage_t *cred_usage)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct gss_cred_id_struct *cred;
	const struct bt_cred_element *element;
	struct bt_cred_facts facts;
	const struct bt_mech *mech;
	struct bt_mcred *mcred = NULL;

	if (name != NULL)
		*name = GSS_C_NO_NAME;
	bt_call_empty_u32(initiator_lifetime);
	bt_call_empty_u32(acceptor_lifetime);
	bt_call_empty_int(cred_usage);
	cred = bt_call_cred(&call, cred_handle);
	mech = bt_call_mech(&call, mech_type, NULL);
	element = bt_cred_find(cred, mech);
	if (cred != NULL && element == NULL)
		bt_call_refuse(&call, GSS_S_NO_CRED, 0);
	if (!bt_call_failed(&call))
		mech = bt_cred_speaker(mech, element, &mcred);
	facts = bt_cred_facts_of(&call, mech, mcred, name != NULL);
	/* RFC 2744 §5.22, as §5.21. */
	if ((initiator_lifetime != NULL || acceptor_lifetime != NULL) && !bt_call_failed(&call) && bt_cred_lifetime_s(&facts) == 0)
		bt_call_refuse_as(&call, mech, GSS_S_CREDENTIALS_EXPIRED, BT_ERR_CRED_EXPIRED);
	give_name(&call, mech, &facts, name);
	if (!bt_call_failed(&call)) {
		if (initiator_lifetime != NULL)
			*initiator_lifetime = bt_cred_initiator_lifetime_s(&facts);
		if (acceptor_lifetime != NULL)
			*acceptor_lifetime = bt_cred_acceptor_lifetime_s(&facts);
		if (cred_usage != NULL)
			*cred_usage = (gss_cred_usage_t)facts.usage;
	}
	bt_mn_free(facts.name);
	return bt_call_end(&call);
}

OM_uint32
gss_release_cred(OM_uint32 *minor_status, gss_cred_id_t *cred_handle)
{
	struct bt_call call = bt_call_begin(minor_status);

	if (cred_handle == NULL || (*cred_handle != NULL && (*cred_handle)->magic != BT_HANDLE_CRED))
		bt_call_refuse(&call, GSS_S_CALL_INACCESSIBLE_READ | GSS_S_NO_CRED, 0);
	if (bt_call_failed(&call))
		return bt_call_end(&call);
	bt_cred_free(*cred_handle);
	*cred_handle = GSS_C_NO_CREDENTIAL;
	return bt_call_end(&call);
}
