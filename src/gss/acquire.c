#include <errno.h>

#include "base/mem.h"
#include "gss/credential.h"
#include "gss/status.h"

/* What a program asks for, as it asked; the same for all ways of asking. */
struct wish {
	gss_const_name_t name;
	gss_cred_usage_t usage;
	OM_uint32 lifetime_s;
	gss_const_key_value_set_t store;
	bool has_password;           /* the calls with a password need a name as well */
	gss_const_buffer_t password;
	bool impersonates;           /* the calls that do need a name and an impersonator */
	gss_const_cred_id_t impersonator;
};

void
bt_cred_check_store(struct bt_call *call, gss_const_key_value_set_t store)
{
	if (store == GSS_C_NO_CRED_STORE)
		return;
	if (store->count != 0 && store->elements == NULL)
		bt_call_refuse(call, GSS_S_CALL_INACCESSIBLE_READ, 0);
	for (OM_uint32 i = 0; !bt_call_failed(call) && i < store->count; i++) {
		if (store->elements[i].key == NULL || store->elements[i].value == NULL)
			bt_call_refuse(call, GSS_S_CALL_INACCESSIBLE_READ, 0);
		for (OM_uint32 j = 0; !bt_call_failed(call) && j < i; j++)
			if (strcmp(store->elements[i].key, store->elements[j].key) == 0)
				bt_call_refuse(call, GSS_S_DUPLICATE_ELEMENT, 0);
	}
}

struct bt_store_entry *
bt_cred_store_entries(struct bt_call *call, gss_const_key_value_set_t store, size_t *num)
{
	struct bt_store_entry *entries;

	*num = store != NULL ? store->count : 0;
	if ((entries = bt_mem_alloc(*num * sizeof *entries)) == NULL)
		bt_call_error(call, NULL, BT_ERR_NOMEM);
	for (size_t i = 0; entries != NULL && i < *num; i++)
		entries[i] = (struct bt_store_entry){store->elements[i].key, store->elements[i].value};
	return entries;
}

static void
check_wish(struct bt_call *call, const struct wish *wish)
{
	if (wish->impersonates && wish->impersonator == GSS_C_NO_CREDENTIAL)
		bt_call_refuse(call, GSS_S_CALL_INACCESSIBLE_READ | GSS_S_NO_CRED, 0);
	if (wish->impersonates)
		bt_call_cred(call, wish->impersonator);
	if (wish->impersonates)
		bt_call_name(call, wish->name);
	if (wish->name != GSS_C_NO_NAME || wish->has_password)
		bt_call_name(call, wish->name);
	if (wish->usage != GSS_C_BOTH && wish->usage != GSS_C_INITIATE && wish->usage != GSS_C_ACCEPT)
		bt_call_refuse(call, GSS_S_FAILURE, EINVAL);
	bt_cred_check_store(call, wish->store);
	if (wish->has_password && bt_call_input(call, wish->password, 0).len == 0)
		bt_call_refuse(call, GSS_S_FAILURE, EINVAL);
}

static void
ask_mech(struct bt_call *call, const struct bt_mech *mech, const struct wish *wish, const struct bt_mn *mn,
	 struct bt_mcred **out)
{
	struct bt_cred_request request = {
		.mech = mech,
		.name = mn,
		.usage = (enum bt_usage)wish->usage,
		.lifetime_s = wish->lifetime_s,
		.password = bt_call_input_optional(call, wish->password),
	};
	struct bt_store_entry *entries = bt_cred_store_entries(call, wish->store, &request.num_store);

	request.store = entries;
	/* Whatever the mechanism's library says went wrong, what it means is that there is no credential. */
	if (entries != NULL)
		bt_call_error_else(call, mech, mech->cred_acquire(&request, out), GSS_S_NO_CRED);
	bt_mem_free(entries);
}

/* Nobody is accepted in somebody else's name, so usage is to be INITIATE. */
static void
ask_impersonator(struct bt_call *call, const struct bt_mech *mech, const struct wish *wish, const struct bt_mn *mn,
		 struct bt_mcred **out)
{
	const struct gss_cred_id_struct *cred = bt_call_cred(call, wish->impersonator);
	const struct bt_cred_element *element;
	struct bt_mcred *impersonator = NULL;
	struct bt_cred_facts facts = {0};
	int e;

	for (size_t i = 0; impersonator == NULL && (element = bt_cred_at_work(cred, i)) != NULL; i++)
		if (element->mech == mech)
			impersonator = element->mcred;
	if (mech->cred_impersonate == NULL)
		bt_call_refuse(call, GSS_S_UNAVAILABLE, 0);
	if (impersonator == NULL)
		bt_call_refuse(call, GSS_S_NO_CRED, 0);
	if (wish->usage != GSS_C_INITIATE)
		bt_call_error(call, mech, BT_ERR_BAD_USAGE);
	if (!bt_call_failed(call))
		facts = bt_cred_facts_of(call, mech, impersonator, false);
	bt_mn_free(facts.name);
	if (facts.usage == BT_USAGE_ACCEPT)
		bt_call_error(call, mech, BT_ERR_NO_CRED);
	/* The impersonator has what it takes: what goes wrong now is that it may not, or for whom. */
	if (!bt_call_failed(call) && (e = mech->cred_impersonate(impersonator, mn, wish->lifetime_s, out)) != 0)
		bt_call_refuse_as(call, mech, e == BT_ERR_UNAVAILABLE ? GSS_S_UNAVAILABLE : GSS_S_FAILURE, bt_status_minor(e));
}

/* One mechanism's credential, if it does not negotiate. NULL: failed. */
static struct bt_cred_element *
acquire(struct bt_call *call, const struct bt_mech *mech, const struct wish *wish)
{
	struct bt_cred_element *element = NULL;
	struct bt_mcred *mcred = NULL;
	struct bt_mn *mn = NULL;

	if (bt_call_failed(call))
		return NULL;
	if (wish->name != GSS_C_NO_NAME)
		bt_call_error(call, mech, bt_name_to_mn(wish->name, mech, &mn));
	if (!bt_call_failed(call) && wish->impersonates)
		ask_impersonator(call, mech, wish, mn, &mcred);
	else if (!bt_call_failed(call))
		ask_mech(call, mech, wish, mn, &mcred);
	if (!bt_call_failed(call) && (element = bt_cred_element_new(mech, mcred)) == NULL)
		bt_call_error(call, NULL, BT_ERR_NOMEM);
	bt_mn_free(mn);
	return element;
}

/* A handle with the elements of old (may be NULL) and one more, which is taken over, also on failure. NULL: failed. */
static struct gss_cred_id_struct *
grow(struct bt_call *call, const struct gss_cred_id_struct *old, struct bt_cred_element *element)
{
	struct gss_cred_id_struct *cred;

	if (element == NULL)
		return NULL;
	if ((cred = bt_cred_new_from(old)) == NULL) {
		bt_cred_element_free(element);
		bt_call_error(call, NULL, BT_ERR_NOMEM);
		return NULL;
	}
	cred->elements[cred->num_elements++] = element;
	return cred;
}

/* What a program gets that names no mechanism. */
static bool
is_by_default(const struct bt_mech *mech)
{
	return !mech->authenticates_nobody && bt_mechs_is_by_default(mech);
}

/* The credentials of several mechanisms, one after the other; what went wrong first is kept for the case that none has any. */
struct gathering {
	struct gss_cred_id_struct *cred;
	struct bt_call first;
};

/* element is taken over; NULL: one has failed. */
static void
gather(struct gathering *all, struct bt_call *one, struct bt_cred_element *element)
{
	struct gss_cred_id_struct *grown = grow(one, all->cred, element);

	if (grown != NULL) {
		bt_cred_free(all->cred);
		all->cred = grown;
	} else if (!bt_call_failed(&all->first)) {
		all->first = *one;
	}
}

static struct gss_cred_id_struct *
gathered(struct gathering *all, struct bt_call *call)
{
	if (all->cred == NULL && !bt_call_failed(call)) {
		*call = all->first;
		bt_call_refuse(call, GSS_S_BAD_MECH, 0); /* no mechanism was wanted */
	}
	return all->cred;
}

/*
 * A negotiation has the credentials of all that it may come out at.
 *   have          some that the same wish led to already, or NULL: they are shared
 *   tries_others  have is not all that there is
 */
static struct bt_cred_element *
acquire_negotiable(struct bt_call *call, const struct bt_mech *mech, const struct wish *wish,
		   const struct gss_cred_id_struct *have, bool tries_others)
{
	struct gathering all = {.first = *call};
	struct bt_mechs mechs = bt_mechs_all();
	struct bt_cred_element *element;

	for (size_t i = 0; i < mechs.num; i++) {
		struct bt_call one = *call;

		if (!is_by_default(mechs.list[i]) || bt_mechs_negotiates(mechs.list[i]))
			continue;
		if ((element = bt_cred_find(have, mechs.list[i])) != NULL)
			gather(&all, &one, bt_cred_element_share(element));
		else if (tries_others)
			gather(&all, &one, acquire(&one, mechs.list[i], wish));
	}
	if (gathered(&all, call) == NULL)
		return NULL;
	if ((element = bt_cred_element_over(mech, all.cred)) == NULL)
		bt_call_error(call, NULL, BT_ERR_NOMEM);
	return element;
}

/*
 * Each of the wanted mechanisms that has a credential. Those that have none are left out; if none has one, the failure of the
 * first is the call's. RFC 2744 §5.2.
 */
static struct gss_cred_id_struct *
acquire_each(struct bt_call *call, const struct wish *wish, gss_const_OID_set desired)
{
	struct gathering all = {.first = *call};
	struct bt_mechs mechs = bt_mechs_all();
	/* Who impersonates without saying how does it with the default mechanism alone. */
	size_t num = desired != NULL ? desired->count : wish->impersonates ? 1 : mechs.num;

	for (size_t i = 0; !bt_call_failed(call) && i < num; i++) {
		struct bt_call one = *call;
		const struct bt_mech *mech = desired != NULL ? bt_call_mech(&one, &desired->elements[i], NULL) : mechs.list[i];

		if (mech != NULL && bt_cred_find(all.cred, mech) != NULL)
			continue;
		if (desired == NULL && (!is_by_default(mech) || bt_mechs_negotiates(mech)))
			continue;
		if (mech != NULL && bt_mechs_negotiates(mech))
			gather(&all, &one, acquire_negotiable(&one, mech, wish, all.cred, true));
		else
			gather(&all, &one, acquire(&one, mech, wish));
	}
	for (size_t i = 0; all.cred != NULL && desired == NULL && !wish->impersonates && i < mechs.num; i++) {
		struct bt_call one = *call;

		if (bt_mechs_negotiates(mechs.list[i]))
			gather(&all, &one, acquire_negotiable(&one, mechs.list[i], wish, all.cred, false));
	}
	return gathered(&all, call);
}

static OM_uint32
acquire_cred(OM_uint32 *minor_status, const struct wish *wish, gss_const_OID_set desired_mechs,
	     gss_cred_id_t *output_cred_handle, gss_OID_set *actual_mechs, OM_uint32 *time_rec)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct gss_cred_id_struct *cred = NULL;

	if (output_cred_handle != NULL)
		*output_cred_handle = GSS_C_NO_CREDENTIAL;
	bt_call_empty_oid_set(actual_mechs);
	bt_call_empty_u32(time_rec);
	bt_call_wants(&call, output_cred_handle, 0);
	check_wish(&call, wish);
	if (!bt_call_failed(&call))
		cred = acquire_each(&call, wish, desired_mechs);
	if (!bt_call_failed(&call))
		bt_cred_give_time(&call, cred, time_rec);
	if (!bt_call_failed(&call))
		bt_cred_give_mechs(&call, cred, actual_mechs);
	if (!bt_call_failed(&call)) {
		*output_cred_handle = cred;
		return bt_call_end(&call);
	}
	bt_cred_free(cred);
	bt_call_empty_u32(time_rec);
	return bt_call_end(&call);
}

/* Where the outputs of gss_add_cred and its like go. */
struct added {
	gss_cred_id_t *cred;
	gss_OID_set *mechs;
	OM_uint32 *initiator_time, *acceptor_time;
};

/* The two lifetimes of the new element. */
static void
give_times(struct bt_call *call, const struct bt_cred_element *element, const struct added *out)
{
	struct bt_cred_facts facts;
	const struct bt_mech *mech;
	struct bt_mcred *mcred;

	if (out->initiator_time == NULL && out->acceptor_time == NULL)
		return;
	mech = bt_cred_speaker(element->mech, element, &mcred);
	facts = bt_cred_facts_of(call, mech, mcred, false);
	if (!bt_call_failed(call) && out->initiator_time != NULL)
		*out->initiator_time = bt_cred_initiator_lifetime_s(&facts);
	if (!bt_call_failed(call) && out->acceptor_time != NULL)
		*out->acceptor_time = bt_cred_acceptor_lifetime_s(&facts);
	bt_mn_free(facts.name);
}

/* The handle itself takes what grown has, and grown goes. */
static void
replace_elements(struct gss_cred_id_struct *cred, struct gss_cred_id_struct *grown)
{
	struct gss_cred_id_struct old = *cred;

	cred->elements = grown->elements;
	cred->num_elements = grown->num_elements;
	grown->elements = old.elements;
	grown->num_elements = old.num_elements;
	bt_cred_free(grown);
}

static OM_uint32
add_cred(OM_uint32 *minor_status, gss_const_cred_id_t input_cred_handle, const struct wish *wish, gss_const_OID desired_mech,
	 const struct added *out)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct gss_cred_id_struct *cred, *grown = NULL;
	const struct bt_mech *mech;

	if (out->cred != NULL)
		*out->cred = GSS_C_NO_CREDENTIAL;
	bt_call_empty_oid_set(out->mechs);
	bt_call_empty_u32(out->initiator_time);
	bt_call_empty_u32(out->acceptor_time);
	if (input_cred_handle == NULL)
		bt_call_wants(&call, out->cred, GSS_S_NO_CRED);
	cred = bt_call_cred(&call, input_cred_handle);
	check_wish(&call, wish);
	mech = bt_call_mech(&call, desired_mech, NULL);
	if (mech != NULL && bt_cred_find(cred, mech) != NULL)
		bt_call_refuse(&call, GSS_S_DUPLICATE_ELEMENT, 0);
	if (!bt_call_failed(&call))
		grown = grow(&call, cred, bt_mechs_negotiates(mech) ? acquire_negotiable(&call, mech, wish, NULL, true) :
								      acquire(&call, mech, wish));
	if (!bt_call_failed(&call))
		give_times(&call, grown->elements[grown->num_elements - 1], out);
	if (!bt_call_failed(&call))
		bt_cred_give_mechs(&call, grown, out->mechs);
	if (bt_call_failed(&call)) {
		bt_cred_free(grown);
		bt_call_empty_u32(out->initiator_time);
		bt_call_empty_u32(out->acceptor_time);
	} else if (out->cred != NULL) {
		*out->cred = grown;
	} else {
		replace_elements(cred, grown);
	}
	return bt_call_end(&call);
}

/* The one of two lifetimes that is asked for. */
static OM_uint32
wished_lifetime_s(gss_cred_usage_t usage, OM_uint32 initiator_s, OM_uint32 acceptor_s)
{
	if (usage == GSS_C_INITIATE)
		return initiator_s;
	if (usage == GSS_C_ACCEPT)
		return acceptor_s;
	return initiator_s > acceptor_s ? initiator_s : acceptor_s;
}

OM_uint32
gss_acquire_cred(OM_uint32 *minor_status, gss_name_t desired_name, OM_uint32 time_req, gss_OID_set desired_mechs,
		 gss_cred_usage_t cred_usage, gss_cred_id_t *output_cred_handle, gss_OID_set *actual_mechs,
		 OM_uint32 *time_rec)
{
	struct wish wish = {.name = desired_name, .usage = cred_usage, .lifetime_s = time_req};

	return acquire_cred(minor_status, &wish, desired_mechs, output_cred_handle, actual_mechs, time_rec);
}

OM_uint32
gss_acquire_cred_from(OM_uint32 *minor_status, gss_name_t desired_name, OM_uint32 time_req, gss_OID_set desired_mechs,
		      gss_cred_usage_t cred_usage, gss_const_key_value_set_t cred_store, gss_cred_id_t *output_cred_handle,
		      gss_OID_set *actual_mechs, OM_uint32 *time_rec)
{
	struct wish wish = {.name = desired_name, .usage = cred_usage, .lifetime_s = time_req, .store = cred_store};

	return acquire_cred(minor_status, &wish, desired_mechs, output_cred_handle, actual_mechs, time_rec);
}

OM_uint32
gss_acquire_cred_with_password(OM_uint32 *minor_status, const gss_name_t desired_name, const gss_buffer_t password,
			       OM_uint32 time_req, const gss_OID_set desired_mechs, gss_cred_usage_t cred_usage,
			       gss_cred_id_t *output_cred_handle, gss_OID_set *actual_mechs, OM_uint32 *time_rec)
{
	struct wish wish = {
		.name = desired_name, .usage = cred_usage, .lifetime_s = time_req, .has_password = true, .password = password};

	return acquire_cred(minor_status, &wish, desired_mechs, output_cred_handle, actual_mechs, time_rec);
}

OM_uint32
gss_add_cred(OM_uint32 *minor_status, gss_cred_id_t input_cred_handle, gss_name_t desired_name, gss_OID desired_mech,
	     gss_cred_usage_t cred_usage, OM_uint32 initiator_time_req, OM_uint32 acceptor_time_req,
	     gss_cred_id_t *output_cred_handle, gss_OID_set *actual_mechs, OM_uint32 *initiator_time_rec,
	     OM_uint32 *acceptor_time_rec)
{
	return gss_add_cred_from(minor_status, input_cred_handle, desired_name, desired_mech, cred_usage, initiator_time_req,
				 acceptor_time_req, GSS_C_NO_CRED_STORE, output_cred_handle, actual_mechs,
				 initiator_time_rec, acceptor_time_rec);
}

OM_uint32
gss_add_cred_from(OM_uint32 *minor_status, gss_cred_id_t input_cred_handle, gss_name_t desired_name, gss_OID desired_mech,
		  gss_cred_usage_t cred_usage, OM_uint32 initiator_time_req, OM_uint32 acceptor_time_req,
		  gss_const_key_value_set_t cred_store, gss_cred_id_t *output_cred_handle, gss_OID_set *actual_mechs,
		  OM_uint32 *initiator_time_rec, OM_uint32 *acceptor_time_rec)
{
	struct wish wish = {.name = desired_name,
			    .usage = cred_usage,
			    .lifetime_s = wished_lifetime_s(cred_usage, initiator_time_req, acceptor_time_req),
			    .store = cred_store};
	struct added out = {output_cred_handle, actual_mechs, initiator_time_rec, acceptor_time_rec};

	return add_cred(minor_status, input_cred_handle, &wish, desired_mech, &out);
}

OM_uint32
gss_add_cred_with_password(OM_uint32 *minor_status, const gss_cred_id_t input_cred_handle, const gss_name_t desired_name,
			   const gss_OID desired_mech, const gss_buffer_t password, gss_cred_usage_t cred_usage,
			   OM_uint32 initiator_time_req, OM_uint32 acceptor_time_req, gss_cred_id_t *output_cred_handle,
			   gss_OID_set *actual_mechs, OM_uint32 *initiator_time_rec, OM_uint32 *acceptor_time_rec)
{
	struct wish wish = {.name = desired_name,
			    .usage = cred_usage,
			    .lifetime_s = wished_lifetime_s(cred_usage, initiator_time_req, acceptor_time_req),
			    .has_password = true,
			    .password = password};
	struct added out = {output_cred_handle, actual_mechs, initiator_time_rec, acceptor_time_rec};

	return add_cred(minor_status, input_cred_handle, &wish, desired_mech, &out);
}

OM_uint32
gss_acquire_cred_impersonate_name(OM_uint32 *minor_status, const gss_cred_id_t impersonator_cred_handle,
				  const gss_name_t desired_name, OM_uint32 time_req, const gss_OID_set desired_mechs,
				  gss_cred_usage_t cred_usage, gss_cred_id_t *output_cred_handle, gss_OID_set *actual_mechs,
				  OM_uint32 *time_rec)
{
	struct wish wish = {.name = desired_name, .usage = cred_usage, .lifetime_s = time_req, .impersonates = true,
			    .impersonator = impersonator_cred_handle};

	return acquire_cred(minor_status, &wish, desired_mechs, output_cred_handle, actual_mechs, time_rec);
}

OM_uint32
gss_add_cred_impersonate_name(OM_uint32 *minor_status, gss_cred_id_t input_cred_handle,
			      const gss_cred_id_t impersonator_cred_handle, const gss_name_t desired_name,
			      const gss_OID desired_mech, gss_cred_usage_t cred_usage, OM_uint32 initiator_time_req,
			      OM_uint32 acceptor_time_req, gss_cred_id_t *output_cred_handle, gss_OID_set *actual_mechs,
			      OM_uint32 *initiator_time_rec, OM_uint32 *acceptor_time_rec)
{
	struct wish wish = {.name = desired_name,
			    .usage = cred_usage,
			    .lifetime_s = wished_lifetime_s(cred_usage, initiator_time_req, acceptor_time_req),
			    .impersonates = true,
			    .impersonator = impersonator_cred_handle};
	struct added out = {output_cred_handle, actual_mechs, initiator_time_rec, acceptor_time_rec};

	return add_cred(minor_status, input_cred_handle, &wish, desired_mech, &out);
}
