#include "gss/credential.h"

/*
 * Credentials as bytes: for each mechanism the length of its OID, the OID, the length of its part and the part; lengths have 32
 * bits, big-endian. As MIT's library writes them.
 */

static void
put_part(struct bt_call *call, const struct bt_cred_element *element, struct bt_wr *out)
{
	const struct bt_mech *mech = element->mech;
	struct bt_wr part;

	bt_wr_init(&part);
	if (element->under != NULL)
		bt_cred_put_parts(call, element->under, &part);
	else
		bt_call_error(call, mech,
			      mech->cred_export != NULL ? mech->cred_export(element->mcred, &part) : BT_ERR_UNAVAILABLE);
	if (!bt_call_failed(call) && (part.failed || part.len > UINT32_MAX))
		bt_call_error(call, NULL, part.failed ? BT_ERR_NOMEM : BT_ERR_TOO_LARGE);
	if (!bt_call_failed(call)) {
		bt_wr_be32(out, (uint32_t)mech->oid.len);
		bt_wr_bytes(out, mech->oid);
		bt_wr_be32(out, (uint32_t)part.len);
		bt_wr_bytes(out, bt_wr_written(&part));
	}
	bt_wr_done(&part);
}

/* A negotiation's part is what it may come out at, in the same form; that never negotiates itself. */
void
bt_cred_put_parts(struct bt_call *call, const struct gss_cred_id_struct *cred, struct bt_wr *out)
{
	for (size_t i = 0; !bt_call_failed(call) && i < cred->num_elements; i++)
		put_part(call, cred->elements[i], out);
}

OM_uint32
gss_export_cred(OM_uint32 *minor_status, gss_cred_id_t cred_handle, gss_buffer_t token)
{
	struct bt_call call = bt_call_begin(minor_status);
	const struct gss_cred_id_struct *cred;
	struct bt_buf bytes = {0};
	struct bt_wr wr;

	bt_call_empty(token);
	if (cred_handle == GSS_C_NO_CREDENTIAL)
		bt_call_refuse(&call, GSS_S_CALL_INACCESSIBLE_READ | GSS_S_NO_CRED, 0);
	cred = bt_call_cred(&call, cred_handle);
	bt_call_wants(&call, token, 0);
	bt_wr_init(&wr);
	if (!bt_call_failed(&call))
		bt_cred_put_parts(&call, cred, &wr);
	if (!bt_call_failed(&call))
		bt_call_error(&call, NULL, bt_wr_take(&wr, &bytes));
	bt_wr_done(&wr);
	bt_call_give(&call, &bytes, token);
	return bt_call_end(&call);
}

static struct gss_cred_id_struct *read_parts(struct bt_call *call, struct bt_bytes bytes, bool is_nested);

static struct bt_cred_element *
read_nested(struct bt_call *call, const struct bt_mech *mech, struct bt_bytes part)
{
	struct gss_cred_id_struct *under = read_parts(call, part, true);
	struct bt_cred_element *element = NULL;

	if (under != NULL && (element = bt_cred_element_over(mech, under)) == NULL)
		bt_call_error(call, NULL, BT_ERR_NOMEM);
	return element;
}

/* One mechanism's credential, from the next part. A mechanism that came before may not come again. */
static struct bt_cred_element *
read_part(struct bt_call *call, const struct gss_cred_id_struct *cred, bool is_nested, struct bt_rd *rd)
{
	struct bt_bytes oid = bt_rd_bytes(rd, bt_rd_be32(rd)), part = bt_rd_bytes(rd, bt_rd_be32(rd));
	gss_OID_desc desc = {(OM_uint32)oid.len, (void *)(uintptr_t)oid.ptr};
	struct bt_cred_element *element = NULL;
	struct bt_mcred *mcred = NULL;
	const struct bt_mech *mech;

	if (rd->failed) {
		bt_call_refuse(call, GSS_S_DEFECTIVE_TOKEN, 0);
		return NULL;
	}
	if ((mech = bt_call_mech(call, &desc, NULL)) == NULL)
		return NULL;
	if (bt_cred_find(cred, mech) != NULL || (bt_mechs_negotiates(mech) ? is_nested : mech->cred_import == NULL)) {
		bt_call_refuse(call, GSS_S_DEFECTIVE_TOKEN, 0);
		return NULL;
	}
	if (bt_mechs_negotiates(mech))
		return read_nested(call, mech, part);
	bt_call_error(call, mech, mech->cred_import(mech, part, &mcred));
	if (!bt_call_failed(call) && (element = bt_cred_element_new(mech, mcred)) == NULL)
		bt_call_error(call, NULL, BT_ERR_NOMEM);
	return element;
}

/* All parts, of which there is one at least. NULL: failed. */
static struct gss_cred_id_struct *
read_parts(struct bt_call *call, struct bt_bytes bytes, bool is_nested)
{
	struct gss_cred_id_struct *cred = NULL, *grown;
	struct bt_cred_element *element;
	struct bt_rd rd = bt_rd_of(bytes);

	if (bytes.len == 0)
		bt_call_refuse(call, GSS_S_DEFECTIVE_TOKEN, 0);
	while (!bt_call_failed(call) && rd.left != 0 && (element = read_part(call, cred, is_nested, &rd)) != NULL) {
		if ((grown = bt_cred_new_from(cred)) == NULL) {
			bt_cred_element_free(element);
			bt_call_error(call, NULL, BT_ERR_NOMEM);
			break;
		}
		grown->elements[grown->num_elements++] = element;
		bt_cred_free(cred);
		cred = grown;
	}
	if (bt_call_failed(call)) {
		bt_cred_free(cred);
		cred = NULL;
	}
	return cred;
}

struct gss_cred_id_struct *
bt_cred_of_parts(struct bt_call *call, struct bt_bytes bytes)
{
	return read_parts(call, bytes, false);
}

OM_uint32
gss_import_cred(OM_uint32 *minor_status, gss_buffer_t token, gss_cred_id_t *cred_handle)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct bt_bytes bytes;

	if (cred_handle != NULL)
		*cred_handle = GSS_C_NO_CREDENTIAL;
	bt_call_wants(&call, cred_handle, 0);
	bytes = bt_call_input(&call, token, GSS_S_DEFECTIVE_TOKEN);
	if (!bt_call_failed(&call))
		*cred_handle = bt_cred_of_parts(&call, bytes);
	return bt_call_end(&call);
}
