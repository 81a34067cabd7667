#include "base/oid.h"

#include "base/mem.h"
#include "gss/call.h"
#include "gss/mechs.h"

OM_uint32
gss_str_to_oid(OM_uint32 *minor_status, gss_buffer_t oid_str, gss_OID *oid)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_buf contents = {0};
	struct bt_rd text;
	struct bt_wr wr;
	gss_OID made = NULL;

	bt_call_empty_oid(oid);
	bt_call_wants(&call, oid, 0);
	text = bt_rd_of(bt_call_input_filled(&call, oid_str, 0));
	bt_wr_init(&wr);
	/* What follows the OID is not looked at, as in the library that this call comes from: often it is the string's NUL. */
	if (!bt_call_failed(&call) && bt_oid_read(&text, &wr) == BT_ERR_MALFORMED)
		bt_call_refuse(&call, GSS_S_FAILURE, BT_ERR_MALFORMED);
	else if (!bt_call_failed(&call) &&
		 (bt_wr_take(&wr, &contents) != 0 || (made = bt_mem_alloc(sizeof *made)) == NULL))
		bt_call_error(&call, NULL, BT_ERR_NOMEM);
	bt_wr_done(&wr);
	if (bt_call_failed(&call)) {
		bt_buf_free(&contents);
		return bt_call_end(&call);
	}
	*made = (gss_OID_desc){(OM_uint32)contents.len, contents.ptr};
	*oid = made;
	return bt_call_end(&call);
}

OM_uint32
gss_oid_to_str(OM_uint32 *minor_status, gss_OID oid, gss_buffer_t oid_str)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_buf text = {0};
	struct bt_bytes contents;
	struct bt_wr wr;
	int e;

	bt_call_empty(oid_str);
	bt_call_wants(&call, oid_str, 0);
	contents = bt_call_oid(&call, oid);
	bt_wr_init(&wr);
	if (!bt_call_failed(&call)) {
		if ((e = bt_oid_print(contents, &wr)) == 0) {
			/* Programs have come to count on the NUL being part of the length. */
			bt_wr_u8(&wr, '\0');
			e = bt_wr_take(&wr, &text);
		}
		if (e == BT_ERR_MALFORMED)
			bt_call_refuse(&call, GSS_S_FAILURE, e);
		else
			bt_call_error(&call, NULL, e);
	}
	bt_wr_done(&wr);
	bt_call_give(&call, &text, oid_str);
	return bt_call_end(&call);
}

OM_uint32
gss_release_oid(OM_uint32 *minor_status, gss_OID *oid)
{
	struct bt_call call = bt_call_begin(minor_status);

	bt_call_wants(&call, oid, 0);
	if (bt_call_failed(&call))
		return bt_call_end(&call);
	if (*oid != GSS_C_NO_OID && !bt_oid_is_static(*oid)) {
		bt_mem_free((*oid)->elements);
		bt_mem_free(*oid);
	}
	*oid = GSS_C_NO_OID;
	return bt_call_end(&call);
}

int
gss_oid_equal(gss_const_OID first_oid, gss_const_OID second_oid)
{
	/* RFC 6339 §2.2: GSS_C_NO_OID equals nothing, not even itself. */
	return first_oid != NULL && second_oid != NULL && bt_bytes_equal(bt_oid_view(first_oid), bt_oid_view(second_oid));
}
