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

/* Type and contents of the next element of a list, which else is failed. */
static int64_t
next_element(struct bt_rd *list, struct bt_bytes *contents)
{
	struct bt_rd element = bt_der_enter(list, BT_DER_SEQUENCE);
	struct bt_rd field = bt_der_enter(&element, BT_DER_CONTEXT(0));
	int64_t type = bt_der_int(&field);

	if (bt_rd_end(&field) != 0)
		bt_rd_fail(list);
	field = bt_der_enter(&element, BT_DER_CONTEXT(1));
	*contents = bt_der_octets(&field);
	if (bt_rd_end(&field) != 0 || bt_rd_end(&element) != 0)
		bt_rd_fail(list);
	return type;
}

int
bt_krb5_authdata_find(struct bt_bytes authz, int32_t type, struct bt_answers *out)
{
	struct bt_rd rd = bt_rd_of(authz), list = bt_der_enter(&rd, BT_DER_SEQUENCE);
	int e = 0;

	if (authz.len == 0)
		return 0;
	while (list.left != 0 && !list.failed && e == 0) {
		struct bt_bytes contents;
		struct bt_buf copy;
		int64_t number = next_element(&list, &contents);

		if (!list.failed && number == type && (e = bt_buf_dup(contents, &copy)) == 0)
			e = bt_answers_add(out, &copy);
	}
	if (e == 0 && (bt_rd_end(&list) != 0 || bt_rd_end(&rd) != 0))
		e = BT_ERR_MALFORMED;
	return e;
}

/* ---- what a KDC says about a client ---- */

/* Lists in lists: what is deeper is passed over. */
enum { DEPTH_MAX = 8 };

struct reading {
	struct bt_krb5_said *said;
	uint32_t max_indicators;
	struct bt_wr *indicators;
};

static int read_list(struct bt_rd *rd, const struct reading *reading, int depth, bool in_cammac);

/* SEQUENCE OF UTF8String. RFC 8129 §3. */
static int
read_indicators(struct bt_rd *rd, const struct reading *reading)
{
	struct bt_rd list = bt_der_enter(rd, BT_DER_SEQUENCE);

	while (list.left != 0 && !list.failed) {
		struct bt_rd text = bt_der_enter(&list, BT_DER_UTF8_STRING);

		if (list.failed || reading->said->num_indicators >= reading->max_indicators)
			continue;
		bt_wr_be32(reading->indicators, (uint32_t)text.left);
		bt_wr_bytes(reading->indicators, bt_rd_rest(&text));
		reading->said->num_indicators++;
	}
	return bt_rd_end(&list);
}

/* The elements, and then who vouches for them, which libkrb5 has looked at. RFC 7751 §3. */
static int
read_cammac(struct bt_rd *rd, const struct reading *reading, int depth)
{
	struct bt_rd cammac = bt_der_enter(rd, BT_DER_SEQUENCE), field = bt_der_enter(&cammac, BT_DER_CONTEXT(0));
	int e = read_list(&field, reading, depth, true);

	if (e == 0)
		e = bt_rd_end(&field);
	while (cammac.left != 0 && !cammac.failed)
		bt_der_skip(&cammac);
	return e != 0 ? e : bt_rd_end(&cammac);
}

static int
read_element(int64_t type, struct bt_bytes contents, const struct reading *reading, int depth, bool in_cammac)
{
	struct bt_rd rd = bt_rd_of(contents);
	int e;

	if (type == KRB5_AUTHDATA_WIN2K_PAC && !in_cammac && reading->said->pac.len == 0)
		reading->said->pac = contents;
	if (type == KRB5_AUTHDATA_IF_RELEVANT && depth < DEPTH_MAX)
		e = read_list(&rd, reading, depth + 1, in_cammac);
	else if (type == KRB5_AUTHDATA_CAMMAC && !in_cammac && depth < DEPTH_MAX)
		e = read_cammac(&rd, reading, depth + 1);
	else if (type == KRB5_AUTHDATA_AUTH_INDICATOR && in_cammac)
		e = read_indicators(&rd, reading);
	else
		return 0;
	return e != 0 ? e : bt_rd_end(&rd);
}

static int
read_list(struct bt_rd *rd, const struct reading *reading, int depth, bool in_cammac)
{
	struct bt_rd list = bt_der_enter(rd, BT_DER_SEQUENCE);
	int e = 0;

	while (list.left != 0 && !list.failed && e == 0) {
		struct bt_bytes contents;
		int64_t type = next_element(&list, &contents);

		if (!list.failed)
			e = read_element(type, contents, reading, depth, in_cammac);
	}
	return e != 0 ? e : bt_rd_end(&list);
}

int
bt_krb5_authdata_said(struct bt_bytes authz, uint32_t max_indicators, struct bt_wr *indicators, struct bt_krb5_said *out)
{
	struct reading reading = {out, max_indicators, indicators};
	struct bt_rd rd = bt_rd_of(authz);

	*out = (struct bt_krb5_said){0};
	if (authz.len == 0 || (read_list(&rd, &reading, 0, false) == 0 && bt_rd_end(&rd) == 0))
		return 0;
	*out = (struct bt_krb5_said){0};
	return BT_ERR_MALFORMED;
}

/* ---- channel bindings ---- */

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
