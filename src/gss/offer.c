#include "gss/offer.h"

#include "gss/credential.h"

/* Offers being made, and what kept the first mechanism from being one. */
struct making {
	struct bt_call *call;
	const struct gss_name_struct *target;
	struct bt_offers *out;
	const struct bt_mech *unfit;
	int unfit_error;
};

static bool
has_offer(const struct bt_offers *offers, const struct bt_mech *mech)
{
	for (size_t i = 0; i < offers->num; i++)
		if (offers->list[i].mech == mech)
			return true;
	return false;
}

/*
 * Whether a library has a default credential shows when it is asked for one, as MIT's library asks: it may be the one that
 * the peer chooses, and then it would be too late to find out.
 */
static int
find_default(const struct making *making, const struct bt_mech *mech, struct bt_mcred **out)
{
	struct bt_cred_request request = {
		.mech = mech,
		.usage = making->target != NULL ? BT_USAGE_INITIATE : BT_USAGE_ACCEPT,
	};

	return mech->cred_acquire(&request, out);
}

/* A mechanism that cannot read the target's name cannot reach it: it is left out. */
static void
add(struct making *making, const struct bt_mech *mech, struct bt_mcred *mcred)
{
	struct bt_offers *out = making->out;
	struct bt_mcred *owned = NULL;
	struct bt_mn *target = NULL;
	int e = 0;

	if (bt_call_failed(making->call) || bt_mechs_negotiates(mech) || has_offer(out, mech))
		return;
	if (making->target != NULL)
		e = bt_name_to_mn(making->target, mech, &target);
	if (e == 0 && mcred == NULL && mech->is_loaded) {
		e = find_default(making, mech, &owned);
		mcred = owned;
	}
	if (e != 0)
		bt_mn_free(target);
	if (e == BT_ERR_NOMEM) {
		bt_call_error(making->call, NULL, e);
	} else if (e != 0) {
		if (making->unfit == NULL) {
			making->unfit = mech;
			making->unfit_error = e;
		}
	} else {
		out->targets[out->num] = target;
		out->owned[out->num] = owned;
		out->list[out->num++] = (struct bt_offer){.mech = mech, .cred = mcred, .target = target};
	}
}

static void
add_elements(struct making *making, const struct gss_cred_id_struct *cred)
{
	for (size_t i = 0; i < cred->num_elements; i++)
		add(making, cred->elements[i]->mech, cred->elements[i]->mcred);
}

static void
add_default(struct making *making, OM_uint32 flags)
{
	struct bt_mechs mechs = bt_mechs_all();

	for (size_t i = 0; i < mechs.num; i++)
		if (bt_mechs_is_by_default(mechs.list[i]) &&
		    (!mechs.list[i]->authenticates_nobody || (flags & GSS_C_ANON_FLAG) != 0))
			add(making, mechs.list[i], NULL);
}

/* What gss_set_neg_mechs said comes first, and nothing comes after it. */
static void
restrict_to(struct bt_offers *offers, const struct gss_cred_id_struct *cred)
{
	struct bt_offers kept = {0};

	for (size_t i = 0; i < cred->num_negotiable; i++)
		for (size_t j = 0; j < offers->num; j++)
			if (offers->list[j].mech == cred->negotiable[i]) {
				kept.list[kept.num] = offers->list[j];
				kept.owned[kept.num] = offers->owned[j];
				offers->owned[j] = NULL;
				kept.targets[kept.num++] = bt_mn_share(offers->targets[j]);
			}
	bt_gss_offers_done(offers);
	*offers = kept;
}

void
bt_gss_offers_make(struct bt_call *call, const struct bt_mech *mech, const struct gss_cred_id_struct *cred,
		   const struct gss_name_struct *target, OM_uint32 flags, struct bt_offers *out)
{
	struct making making = {.call = call, .target = target, .out = out};
	const struct bt_cred_element *element = bt_cred_find(cred, mech);

	*out = (struct bt_offers){0};
	/* An acceptor's credential says what it accepts, and a negotiation only if it is one of those. */
	if (cred != NULL && element == NULL && target == NULL)
		bt_call_refuse(call, GSS_S_NO_CRED, 0);
	if (cred == NULL)
		add_default(&making, flags);
	if (element != NULL)
		add_elements(&making, element->under);
	if (cred != NULL)
		add_elements(&making, cred);
	if (cred != NULL && cred->restricts_negotiation)
		restrict_to(out, cred);
	if (out->num == 0 && making.unfit != NULL)
		bt_call_error(call, making.unfit, making.unfit_error);
	if (out->num == 0)
		bt_call_error(call, mech, BT_ERR_NO_CRED);
}

void
bt_gss_offers_done(struct bt_offers *offers)
{
	for (size_t i = 0; i < offers->num; i++)
		bt_mn_free(offers->targets[i]);
	for (size_t i = 0; i < offers->num; i++)
		if (offers->owned[i] != NULL)
			offers->list[i].mech->cred_free(offers->owned[i]);
	offers->num = 0;
}

/* It changes what the negotiations of a credential may come out at, so it needs one that negotiates. RFC 4178 appendix C. */
OM_uint32
gss_set_neg_mechs(OM_uint32 *minor_status, gss_cred_id_t cred_handle, const gss_OID_set mech_set)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct gss_cred_id_struct *cred;
	bool negotiates = false;

	if (cred_handle == GSS_C_NO_CREDENTIAL)
		bt_call_refuse(&call, GSS_S_CALL_INACCESSIBLE_READ | GSS_S_NO_CRED, 0);
	cred = bt_call_cred(&call, cred_handle);
	for (size_t i = 0; cred != NULL && i < cred->num_elements; i++)
		negotiates |= bt_mechs_negotiates(cred->elements[i]->mech);
	if (!negotiates)
		bt_call_refuse(&call, GSS_S_UNAVAILABLE, 0);
	if (mech_set == GSS_C_NO_OID_SET || (mech_set->count != 0 && mech_set->elements == NULL))
		bt_call_refuse(&call, GSS_S_CALL_INACCESSIBLE_READ, 0);
	if (bt_call_failed(&call))
		return bt_call_end(&call);
	cred->restricts_negotiation = true;
	cred->num_negotiable = 0;
	for (size_t i = 0; i < mech_set->count && cred->num_negotiable < BT_MECHS_MAX; i++) {
		const struct bt_mech *mech = bt_mechs_find(bt_oid_view(&mech_set->elements[i]), NULL);
		bool is_new = mech != NULL;

		for (size_t j = 0; j < cred->num_negotiable; j++)
			is_new &= cred->negotiable[j] != mech;
		/* What is not here is not negotiated. */
		if (is_new)
			cred->negotiable[cred->num_negotiable++] = mech;
	}
	return bt_call_end(&call);
}
