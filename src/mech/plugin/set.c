#include "base/err.h"
#include "base/mem.h"
#include "mech/plugin/operations.h"

void
bt_plugin_buffer_free(gss_buffer_t buffer)
{
	bt_mem_free_secret(buffer->value, buffer->length);
	*buffer = (gss_buffer_desc)GSS_C_EMPTY_BUFFER;
}

int
bt_plugin_answers_take(gss_buffer_set_t *set, struct bt_answers *out)
{
	int e = 0;

	if (*set == GSS_C_NO_BUFFER_SET)
		return 0;
	for (size_t i = 0; i < (*set)->count; i++) {
		struct bt_buf item = bt_plugin_buffer_take(&(*set)->elements[i]);

		if (e == 0)
			e = bt_answers_add(out, &item);
		bt_buf_free(&item);
	}
	bt_mem_free((*set)->elements);
	bt_mem_free(*set);
	*set = GSS_C_NO_BUFFER_SET;
	return e;
}

static struct bt_bytes *
list_of(const gss_OID_set_desc *set)
{
	size_t num = set != NULL ? set->count : 0, len = 0;
	struct bt_bytes *list;
	uint8_t *at;

	for (size_t i = 0; i < num; i++)
		len += set->elements[i].length;
	if ((list = bt_mem_alloc((num + 1) * sizeof *list + len)) == NULL)
		return NULL;
	at = (uint8_t *)(list + num + 1);
	for (size_t i = 0; i < num; i++) {
		memcpy(at, set->elements[i].elements, set->elements[i].length);
		list[i] = bt_bytes_of(at, set->elements[i].length);
		at += list[i].len;
	}
	return list;
}

struct bt_bytes *
bt_plugin_oids_take(gss_OID_set *set)
{
	struct bt_bytes *list = list_of(*set);

	for (size_t i = 0; *set != GSS_C_NO_OID_SET && i < (*set)->count; i++)
		bt_mem_free((*set)->elements[i].elements);
	if (*set != GSS_C_NO_OID_SET)
		bt_mem_free((*set)->elements);
	bt_mem_free(*set);
	*set = GSS_C_NO_OID_SET;
	return list;
}
