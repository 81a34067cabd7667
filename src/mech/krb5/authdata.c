#include "base/err.h"
#include "mech/krb5/mech_krb5.h"
#include "wire/der.h"

/* KERB_AP_OPTIONS_CBT. MS-KILE §2.2.2. */
enum { AP_OPTIONS_CBT = 0x4000, AP_OPTIONS_LEN = 4 };

static void
put_list(struct bt_wr *wr, krb5_authdata *const *list)
{
	for (; list != NULL && *list != NULL; list++) {
		size_t element = bt_der_open(wr, BT_DER_SEQUENCE), mark = bt_der_open(wr, BT_DER_CONTEXT(0));

		bt_der_put_int(wr, (*list)->ad_type);
		bt_der_close(wr, mark);
		mark = bt_der_open(wr, BT_DER_CONTEXT(1));
		bt_der_put(wr, BT_DER_OCTET_STRING, bt_bytes_of((*list)->contents, (*list)->length));
		bt_der_close(wr, mark);
		bt_der_close(wr, element);
	}
}

int
bt_krb5_authdata_write(krb5_authdata *const *ticket, krb5_authdata *const *authenticator, struct bt_buf *out)
{
	struct bt_wr wr;
	size_t mark;

	*out = (struct bt_buf){0};
	if ((ticket == NULL || ticket[0] == NULL) && (authenticator == NULL || authenticator[0] == NULL))
		return 0;
	bt_wr_init(&wr);
	mark = bt_der_open(&wr, BT_DER_SEQUENCE);
	put_list(&wr, ticket);
	put_list(&wr, authenticator);
	bt_der_close(&wr, mark);
	return bt_wr_take(&wr, out);
}

int
bt_krb5_authdata_find(struct bt_bytes authz, int32_t type, struct bt_answers *out)
{
	struct bt_rd rd = bt_rd_of(authz), list = bt_der_enter(&rd, BT_DER_SEQUENCE);
	int e = 0;

	if (authz.len == 0)
		return 0;
	while (list.left != 0 && !list.failed && e == 0) {
		struct bt_rd element = bt_der_enter(&list, BT_DER_SEQUENCE);
		struct bt_rd field = bt_der_enter(&element, BT_DER_CONTEXT(0));
		int64_t number = bt_der_int(&field);
		struct bt_bytes contents;
		struct bt_buf copy;

		field = bt_der_enter(&element, BT_DER_CONTEXT(1));
		contents = bt_der_octets(&field);
		if (bt_rd_end(&field) != 0 || bt_rd_end(&element) != 0)
			return BT_ERR_MALFORMED;
		if (number == type && (e = bt_buf_dup(contents, &copy)) == 0)
			e = bt_answers_add(out, &copy);
	}
	if (e == 0 && (bt_rd_end(&list) != 0 || bt_rd_end(&rd) != 0))
		e = BT_ERR_MALFORMED;
	return e;
}

int
bt_krb5_authdata_demands_bindings(struct bt_krb5 *lib, krb5_authdata *const *authenticator, bool *out)
{
	krb5_authdata **found = NULL;
	krb5_error_code code = krb5_find_authdata(lib->ctx, NULL, authenticator, KRB5_AUTHDATA_AP_OPTIONS, &found);
	int e = 0;

	*out = false;
	if (code != 0)
		return bt_krb5_fail(lib, code);
	if (found == NULL)
		return 0;
	if (found[0] != NULL && (found[1] != NULL || found[0]->length != AP_OPTIONS_LEN)) {
		e = KRB5KRB_AP_ERR_MSG_TYPE;
	} else if (found[0] != NULL) {
		struct bt_rd rd = bt_rd_of(bt_bytes_of(found[0]->contents, AP_OPTIONS_LEN));

		*out = (bt_rd_le32(&rd) & AP_OPTIONS_CBT) != 0;
	}
	krb5_free_authdata(lib->ctx, found);
	return e;
}

krb5_error_code
bt_krb5_authdata_bound(krb5_context ctx, krb5_creds *creds)
{
	uint8_t options[AP_OPTIONS_LEN] = {AP_OPTIONS_CBT & 0xff, AP_OPTIONS_CBT >> 8, 0, 0};
	krb5_authdata element = {
	    .magic = KV5M_AUTHDATA, .ad_type = KRB5_AUTHDATA_AP_OPTIONS, .length = AP_OPTIONS_LEN, .contents = options};
	krb5_authdata *list[] = {&element, NULL}, **container, **merged;
	/* Acceptors that do not know it may pass over it. RFC 4120 §5.2.6.1. */
	krb5_error_code code = krb5_encode_authdata_container(ctx, KRB5_AUTHDATA_IF_RELEVANT, list, &container);

	if (code != 0)
		return code;
	code = krb5_merge_authdata(ctx, creds->authdata, container, &merged);
	krb5_free_authdata(ctx, container);
	if (code != 0)
		return code;
	krb5_free_authdata(ctx, creds->authdata);
	creds->authdata = merged;
	return 0;
}
