/*
 * Authorisation data, as a context has it from a ticket: what a KDC says in it is found where it is, in order and in bounds,
 * and makes attributes that can be read.
 */
#include "../wire/must.h"
#include "base/err.h"
#include "mech/krb5/mech_krb5.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
read_name(struct bt_mn *mn, uint32_t num_indicators, size_t len)
{
	struct bt_attribute found;
	size_t total = 0;
	int more = -1;

	must(mn->is_vouched_for);
	for (uint32_t i = 0; i < num_indicators; i++) {
		must(bt_krb5_name_attribute(mn, bt_bytes_of_str("auth-indicators"), &more, &found) == 0);
		must(found.is_authenticated && more == (i + 1 < num_indicators ? (int)i + 1 : 0));
		total += found.value.len;
		bt_buf_free(&found.value);
	}
	must(total <= len);
}

/* The first octet says what was found good. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bt_bytes authz;
	struct bt_krb5_said said;
	struct bt_ctx *ctx;
	struct bt_wr wr;
	struct bt_mn *mn;
	int e;

	if (len < 2)
		return 0;
	authz = bt_bytes_of(data + 1, len - 1);
	bt_wr_init(&wr);
	e = bt_krb5_authdata_said(authz, UINT32_MAX, &wr, &said);
	must(!wr.failed && (e == 0 || (e == BT_ERR_MALFORMED && said.pac.len == 0 && said.num_indicators == 0)));
	must(said.pac.len == 0 || (said.pac.ptr >= authz.ptr && said.pac.ptr + said.pac.len <= authz.ptr + authz.len));

	ctx = bt_ctx_new(&bt_mech_krb5, false);
	must(ctx != NULL && bt_buf_dup(authz, &ctx->authz) == 0);
	must((ctx->initiator = bt_mn_new(1, false, bt_bytes_of_str("u@R"), NULL, NULL)) != NULL);
	ctx->vouched = data[0];
	if (bt_ctx_initiator(ctx, &mn) == 0 && ctx->vouched != 0) {
		must(e == 0 && said.num_indicators >= ctx->vouched / 2 && (ctx->vouched % 2 == 0 || said.pac.len != 0));
		read_name(mn, ctx->vouched / 2, len);
	}
	bt_mn_free(mn);
	bt_ctx_free(ctx);
	bt_wr_done(&wr);
	return 0;
}
