/*
 * PROXY tokens of IAKERB, KRB-FINISHED, what is taken for a request to a KDC, and half-open state. What is read lies inside and within its
 * bounds, and written again reads as the same.
 */
#include "../wire/must.h"
#include "base/err.h"
#include "mech/krb5/iakerb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
lies_in(struct bt_bytes part, struct bt_bytes whole)
{
	return part.ptr == NULL || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void
try_proxy(struct bt_bytes input, bool is_first)
{
	struct bt_iakerb_proxy proxy, back;
	struct bt_buf token;
	int e = bt_iakerb_proxy_read(input, is_first, &proxy);

	if (e != 0) {
		must((e == BT_ERR_DEFECTIVE_TOKEN || e == BT_ERR_WRONG_MECH) && proxy.realm.len == 0 && proxy.message.len == 0);
		return;
	}
	must(bt_iakerb_is_proxy(input));
	must(proxy.realm.len != 0 && proxy.realm.len <= BT_IAKERB_REALM_MAX && lies_in(proxy.realm, input));
	must(proxy.cookie.len <= BT_IAKERB_COOKIE_MAX && lies_in(proxy.cookie, input));
	must(proxy.message.len != 0 && proxy.message.len <= BT_IAKERB_MESSAGE_MAX);
	/* The message goes on to the end. */
	must(proxy.message.ptr + proxy.message.len == input.ptr + input.len);
	must(bt_iakerb_proxy_write(&proxy, is_first, &token) == 0);
	must(bt_iakerb_proxy_read(bt_bytes_of_buf(&token), is_first, &back) == 0);
	must(bt_bytes_equal(back.realm, proxy.realm) && bt_bytes_equal(back.cookie, proxy.cookie) &&
	     (back.cookie.ptr == NULL) == (proxy.cookie.ptr == NULL) && bt_bytes_equal(back.message, proxy.message));
	bt_buf_free(&token);
	if (bt_iakerb_is_request(proxy.message))
		must(proxy.message.ptr[0] == 0x6a || proxy.message.ptr[0] == 0x6c);
}

static void
try_finished(struct bt_bytes input)
{
	struct bt_bytes value;
	struct bt_wr wr;
	int32_t type;

	if (bt_iakerb_finished_read(input, &type, &value) != 0) {
		must(type == 0 && value.len == 0);
		return;
	}
	must(lies_in(value, input));
	bt_wr_init(&wr);
	bt_iakerb_finished_write(type, value, &wr);
	must(bt_bytes_equal(bt_wr_written(&wr), input));
	bt_wr_done(&wr);
}

static void
try_pending(struct bt_bytes input, bool is_initiator)
{
	struct bt_ctx *ctx = bt_ctx_new(&bt_mech_iakerb, is_initiator);
	struct bt_wr wr;

	must(ctx != NULL);
	if (bt_iakerb_pending_load(ctx, (struct bt_mechs){0}, input) != 0) {
		must(ctx->pending == NULL && ctx->stage == BT_CTX_NEW);
	} else {
		must(ctx->stage == BT_CTX_EXPECT_TOKEN && (!is_initiator || bt_iakerb_of(ctx) == NULL));
		bt_wr_init(&wr);
		must(bt_iakerb_pending_save(ctx, &wr) == 0 && bt_bytes_equal(bt_wr_written(&wr), input));
		bt_wr_done(&wr);
	}
	bt_ctx_free(ctx);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bt_bytes input = bt_bytes_of(data, len);

	try_proxy(input, true);
	try_proxy(input, false);
	try_finished(input);
	try_pending(input, true);
	try_pending(input, false);
	return 0;
}
