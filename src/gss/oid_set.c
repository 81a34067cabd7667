#include "gss/oid_set.h"

#include "base/mem.h"
#include "gss/mechs.h"

static void
free_set(gss_OID_set set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->count; i++)
		bt_mem_free(set->elements[i].elements);
	bt_mem_free(set->elements);
	bt_mem_free(set);
}

void
bt_oid_set_new(struct bt_call *call, gss_OID_set *out)
{
	*out = NULL;
	if (!bt_call_failed(call) && (*out = bt_mem_alloc(sizeof **out)) == NULL)
		bt_call_error(call, NULL, BT_ERR_NOMEM);
}

bool
bt_oid_set_has(gss_const_OID_set set, struct bt_bytes oid)
{
	for (size_t i = 0; i < set->count; i++)
		if (bt_bytes_equal(bt_oid_view(&set->elements[i]), oid))
			return true;
	return false;
}

void
bt_oid_set_add(struct bt_call *call, gss_OID_set set, struct bt_bytes oid)
{
	gss_OID_desc *elements;
	void *contents;

	if (bt_call_failed(call) || bt_oid_set_has(set, oid))
		return;
	elements = bt_mem_alloc((set->count + 1) * sizeof *elements);
	contents = bt_mem_dup(oid.ptr, oid.len);
	if (elements == NULL || contents == NULL) {
		bt_mem_free(elements);
		bt_mem_free(contents);
		bt_call_error(call, NULL, BT_ERR_NOMEM);
		return;
	}
	if (set->count != 0)
		memcpy(elements, set->elements, set->count * sizeof *elements);
	elements[set->count] = (gss_OID_desc){(OM_uint32)oid.len, contents};
	bt_mem_free(set->elements);
	set->elements = elements;
	set->count++;
}

void
bt_oid_set_add_list(struct bt_call *call, gss_OID_set set, const struct bt_bytes *list)
{
	for (; list->len != 0; list++)
		bt_oid_set_add(call, set, *list);
}

void
bt_oid_set_give(const struct bt_call *call, gss_OID_set *from, gss_OID_set *out)
{
	if (bt_call_failed(call) || out == NULL)
		free_set(*from);
	else
		*out = *from;
	*from = NULL;
}

OM_uint32
gss_create_empty_oid_set(OM_uint32 *minor_status, gss_OID_set *oid_set)
{
	struct bt_call call = bt_call_begin(minor_status);
	gss_OID_set set = GSS_C_NO_OID_SET;

	bt_call_empty_oid_set(oid_set);
	bt_call_wants(&call, oid_set, 0);
	bt_oid_set_new(&call, &set);
	bt_oid_set_give(&call, &set, oid_set);
	return bt_call_end(&call);
}

OM_uint32
gss_add_oid_set_member(OM_uint32 *minor_status, gss_OID member_oid, gss_OID_set *oid_set)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_bytes oid;

	bt_call_wants(&call, oid_set, 0);
	oid = bt_call_oid(&call, member_oid);
	if (!bt_call_failed(&call) && *oid_set == GSS_C_NO_OID_SET)
		bt_call_refuse(&call, GSS_S_CALL_INACCESSIBLE_READ, 0);
	if (!bt_call_failed(&call))
		bt_oid_set_add(&call, *oid_set, oid);
	return bt_call_end(&call);
}

OM_uint32
gss_test_oid_set_member(OM_uint32 *minor_status, gss_OID member, gss_OID_set set, int *present)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_bytes oid;

	bt_call_empty_int(present);
	bt_call_wants(&call, present, 0);
	oid = bt_call_oid(&call, member);
	if (set == GSS_C_NO_OID_SET)
		bt_call_refuse(&call, GSS_S_CALL_INACCESSIBLE_READ, 0);
	if (!bt_call_failed(&call))
		*present = bt_oid_set_has(set, oid);
	return bt_call_end(&call);
}

OM_uint32
gss_release_oid_set(OM_uint32 *minor_status, gss_OID_set *set)
{
	struct bt_call call = bt_call_begin_release(minor_status);

	if (set != NULL) {
		free_set(*set);
		*set = GSS_C_NO_OID_SET;
	}
	return bt_call_end(&call);
}
