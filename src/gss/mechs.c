#include "gss/mechs.h"

#include "gss/call.h"
#include "gss/handle.h"
#include "gss/oid_set.h"
#include "gss/oids.h"
#include "mech/plugin/plugin.h"

/* The first is the default one. */
static const struct bt_mech *const built_in[] = {
	&bt_mech_krb5,
	&bt_mech_iakerb,
	&bt_mech_spnego,
	&bt_mech_sanon,
};
_Static_assert(sizeof built_in / sizeof built_in[0] <= BT_MECHS_MAX, "too many mechanisms");

struct bt_mechs
bt_mechs_built_in(void)
{
	return (struct bt_mechs){built_in, sizeof built_in / sizeof built_in[0]};
}

const struct bt_mech *
bt_mechs_default(void)
{
	return bt_plugin_in_front(bt_mechs_built_in(), built_in[0]);
}

struct bt_mechs
bt_mechs_all(void)
{
	return bt_plugin_mechs(bt_mechs_built_in());
}

const struct bt_mech *
bt_mechs_find(struct bt_bytes oid, struct bt_bytes *wire_oid)
{
	struct bt_mechs mechs = bt_mechs_built_in();
	const struct bt_mech *mech = bt_mech_find(mechs.list, mechs.num, oid, wire_oid);

	if (mech != NULL)
		return bt_plugin_in_front(mechs, mech);
	if (oid.len != 0 && (mech = bt_plugin_behind(mechs, oid, wire_oid)) != NULL)
		return mech;
	if (oid.len != 0 && (mech = bt_plugin_find(mechs, oid)) != NULL && wire_oid != NULL)
		*wire_oid = mech->oid;
	return mech;
}

struct bt_mechs
bt_mechs_for(struct bt_bytes oid)
{
	struct bt_mechs mechs = bt_mechs_built_in();
	const struct bt_mech *mech = bt_mech_find(mechs.list, mechs.num, oid, NULL);

	return mech != NULL && !bt_mechs_negotiates(mech) ? mechs : bt_mechs_all();
}

static bool
list_has(const struct bt_bytes *list, struct bt_bytes oid)
{
	/* They all begin alike: what stands at their ends tells most of them apart. */
	for (; list->len != 0; list++)
		if (list->len == oid.len && list->ptr[oid.len - 1] == oid.ptr[oid.len - 1] && bt_bytes_equal(*list, oid))
			return true;
	return false;
}

bool
bt_mechs_has_attribute(const struct bt_mech *mech, struct bt_bytes attribute)
{
	return list_has(mech->attributes, attribute);
}

bool
bt_mechs_negotiates(const struct bt_mech *mech)
{
	return bt_mechs_has_attribute(mech, bt_oid_view(&bt_oids[BT_OID_MA_MECH_NEGO]));
}

/*
 * What a negotiation comes out at may be a mechanism that cannot be moved; and one that gets its first credentials on the way may be
 * at it still. RFC 5587 §3.4.4: AUTH_INIT_INIT.
 */
bool
bt_mechs_may_stay(const struct bt_mech *mech)
{
	return bt_mechs_negotiates(mech) || bt_mechs_has_attribute(mech, bt_oid_view(&bt_oids[BT_OID_MA_AUTH_INIT_INIT]));
}

/* Only loaded ones say so of themselves. */
static bool
is_deprecated(const struct bt_mech *mech)
{
	return bt_mechs_has_attribute(mech, bt_oid_view(&bt_oids[BT_OID_MA_DEPRECATED]));
}

bool
bt_mechs_is_by_default(const struct bt_mech *mech)
{
	return !is_deprecated(mech) && !bt_mechs_has_attribute(mech, bt_oid_view(&bt_oids[BT_OID_MA_NOT_DFLT_MECH]));
}

/*
 * Servers accept with all that is named here. Who authenticates nobody is for those who know of it, and so is who has a server carry
 * strangers' messages to a KDC. What is loaded was configured here.
 */
static bool
is_indicated(const struct bt_mech *mech)
{
	if (mech->is_loaded)
		return !is_deprecated(mech);
	return !mech->authenticates_nobody && bt_mechs_is_by_default(mech);
}

OM_uint32
gss_indicate_mechs(OM_uint32 *minor_status, gss_OID_set *mech_set)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_mechs all = bt_mechs_all();
	gss_OID_set set = GSS_C_NO_OID_SET;

	bt_call_empty_oid_set(mech_set);
	bt_call_wants(&call, mech_set, 0);
	bt_oid_set_new(&call, &set);
	for (size_t i = 0; i < all.num; i++)
		if (is_indicated(all.list[i]))
			bt_oid_set_add(&call, set, all.list[i]->oid);
	bt_oid_set_give(&call, &set, mech_set);
	return bt_call_end(&call);
}

OM_uint32
gss_inquire_names_for_mech(OM_uint32 *minor_status, gss_OID mechanism, gss_OID_set *name_types)
{
	struct bt_call call = bt_call_begin(minor_status);
	gss_OID_set set = GSS_C_NO_OID_SET;
	const struct bt_mech *mech;

	bt_call_empty_oid_set(name_types);
	bt_call_wants(&call, name_types, 0);
	mech = bt_call_mech(&call, mechanism, NULL);
	if (!bt_call_failed(&call) && mech->is_loaded && mech->name_types->len == 0)
		bt_call_refuse(&call, GSS_S_UNAVAILABLE, 0);
	bt_oid_set_new(&call, &set);
	if (!bt_call_failed(&call))
		bt_oid_set_add_list(&call, set, mech->name_types);
	bt_oid_set_give(&call, &set, name_types);
	return bt_call_end(&call);
}

/*
 * A name without a type is in each mechanism's own default syntax, so every mechanism may take it. A mechanism that
 * authenticates nobody takes any name as well, but is told of only to whom asks about being anonymous.
 */
static bool
takes_name(const struct bt_mech *mech, const struct gss_name_struct *name)
{
	if (name->mech == mech)
		return true;
	if (mech->authenticates_nobody)
		return bt_bytes_equal(bt_oid_view(name->type), bt_oid_view(&bt_oids[BT_OID_NT_ANONYMOUS]));
	return name->type == GSS_C_NO_OID || list_has(mech->name_types, bt_oid_view(name->type));
}

OM_uint32
gss_inquire_mechs_for_name(OM_uint32 *minor_status, const gss_name_t input_name, gss_OID_set *mech_types)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_mechs all = bt_mechs_all();
	gss_OID_set set = GSS_C_NO_OID_SET;
	const struct gss_name_struct *name;

	bt_call_empty_oid_set(mech_types);
	name = bt_call_name(&call, input_name);
	bt_call_wants(&call, mech_types, 0);
	bt_oid_set_new(&call, &set);
	for (size_t i = 0; !bt_call_failed(&call) && i < all.num; i++)
		if (takes_name(all.list[i], name))
			bt_oid_set_add(&call, set, all.list[i]->oid);
	bt_oid_set_give(&call, &set, mech_types);
	return bt_call_end(&call);
}
