#include "gss/buffer_set.h"

#include "base/mem.h"

void
bt_buffer_set_free(gss_buffer_set_t set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->count; i++)
		bt_mem_free_secret(set->elements[i].value, set->elements[i].length);
	bt_mem_free(set->elements);
	bt_mem_free(set);
}

void
bt_buffer_set_add(struct bt_call *call, struct bt_bytes member, gss_buffer_set_t *set)
{
	size_t count = *set != NULL ? (*set)->count : 0;
	gss_buffer_desc *elements;
	gss_buffer_set_t made = NULL;
	void *value;

	if (bt_call_failed(call))
		return;
	elements = bt_mem_alloc((count + 1) * sizeof *elements);
	value = bt_mem_dup(member.ptr, member.len);
	if (elements == NULL || value == NULL || (*set == NULL && (made = bt_mem_alloc(sizeof *made)) == NULL)) {
		bt_mem_free(elements);
		bt_mem_free_secret(value, member.len);
		bt_call_error(call, NULL, BT_ERR_NOMEM);
		return;
	}
	if (*set == NULL)
		*set = made;
	if (count != 0)
		memcpy(elements, (*set)->elements, count * sizeof *elements);
	elements[count] = (gss_buffer_desc){member.len, value};
	bt_mem_free((*set)->elements);
	(*set)->elements = elements;
	(*set)->count = count + 1;
}

OM_uint32
gss_create_empty_buffer_set(OM_uint32 *minor_status, gss_buffer_set_t *buffer_set)
{
	struct bt_call call = bt_call_begin(minor_status);

	if (buffer_set != NULL)
		*buffer_set = GSS_C_NO_BUFFER_SET;
	bt_call_wants(&call, buffer_set, 0);
	if (!bt_call_failed(&call) && (*buffer_set = bt_mem_alloc(sizeof **buffer_set)) == NULL)
		bt_call_error(&call, NULL, BT_ERR_NOMEM);
	return bt_call_end(&call);
}

OM_uint32
gss_add_buffer_set_member(OM_uint32 *minor_status, const gss_buffer_t member_buffer, gss_buffer_set_t *buffer_set)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_bytes member;

	member = bt_call_input(&call, member_buffer, 0);
	bt_call_wants(&call, buffer_set, 0);
	if (!bt_call_failed(&call))
		bt_buffer_set_add(&call, member, buffer_set);
	return bt_call_end(&call);
}

OM_uint32
gss_release_buffer_set(OM_uint32 *minor_status, gss_buffer_set_t *buffer_set)
{
	struct bt_call call = bt_call_begin_release(minor_status);

	if (buffer_set != NULL) {
		bt_buffer_set_free(*buffer_set);
		*buffer_set = GSS_C_NO_BUFFER_SET;
	}
	return bt_call_end(&call);
}
