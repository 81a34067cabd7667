/*
 * What is read of a negotiation's two messages is written in the same meaning, and what is refused leaves nothing. Its saved form,
 * which only an exporter of ours can have sealed, is held to the same: loaded, it saves as the same bytes.
 */
#include "base/err.h"
#include "fuzz/wire/must.h"
#include "mech/spnego/negotiation.h"
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
same(struct bt_bytes a, struct bt_bytes b)
{
	return (a.ptr == NULL) == (b.ptr == NULL) && bt_bytes_equal(a, b);
}

static void
try_init(struct bt_bytes input)
{
	struct bt_bytes mechs[BT_SPNEGO_MECHS_MAX], oid, body;
	struct bt_spnego_init init, again;
	struct bt_wr wr;
	size_t num;

	if (bt_frame_read(input, &oid, &body) != 0)
		body = input;
	if (bt_spnego_read_init(body, &init) != 0) {
		must(init.mech_list.ptr == NULL && init.mech_token.ptr == NULL && init.mic.ptr == NULL);
		return;
	}
	num = bt_spnego_read_mechs(init.mech_list, mechs);
	must(num <= BT_SPNEGO_MECHS_MAX);
	if (num == 0)
		return;
	bt_wr_init(&wr);
	bt_spnego_write_mechs(&wr, mechs, num);
	must(!wr.failed && bt_bytes_equal(bt_wr_written(&wr), init.mech_list));
	bt_wr_done(&wr);
	bt_spnego_write_init(&wr, &init);
	must(!wr.failed && bt_frame_read(bt_wr_written(&wr), &oid, &body) == 0 && bt_spnego_read_init(body, &again) == 0);
	must(same(init.mech_list, again.mech_list) && same(init.mech_token, again.mech_token) && same(init.mic, again.mic));
	bt_wr_done(&wr);
}

static void
try_resp(struct bt_bytes input)
{
	struct bt_spnego_resp resp;
	struct bt_wr wr;

	if (bt_spnego_read_resp(input, &resp) != 0) {
		must(resp.state == BT_SPNEGO_ABSENT && resp.supported.ptr == NULL && resp.token.ptr == NULL &&
		     resp.mic.ptr == NULL);
		return;
	}
	bt_wr_init(&wr);
	bt_spnego_write_resp(&wr, &resp);
	must(!wr.failed && bt_bytes_equal(bt_wr_written(&wr), input));
	bt_wr_done(&wr);
}

static void
try_saved(struct bt_bytes input, bool is_initiator)
{
	static const struct bt_mech *const mechs[] = {&bt_mech_krb5, &bt_mech_spnego};
	struct bt_ctx *ctx = bt_ctx_new(&bt_mech_spnego, is_initiator);
	struct bt_wr wr;

	must(ctx != NULL);
	bt_wr_init(&wr);
	/* An acceptor's flags lose the credential that did not travel. */
	if (bt_spnego_pending_load(ctx, (struct bt_mechs){mechs, 2}, input) == 0) {
		must(bt_spnego_pending_save(ctx, &wr) == 0);
		must(!is_initiator || bt_bytes_equal(bt_wr_written(&wr), input));
	}
	bt_wr_done(&wr);
	bt_ctx_free(ctx);
}

/* MIT's exports of negotiated contexts: what is taken is the context of what was negotiated, open, and of nothing that negotiates. */
static void
try_nested(struct bt_bytes input)
{
	static const struct bt_mech *const list[] = {&bt_mech_krb5, &bt_mech_spnego};
	struct bt_mechs mechs = {list, 2};
	struct bt_ctx *ctx;

	if (bt_spnego_nested_import(mechs, bt_mech_spnego.oid, input, &ctx) == 0) {
		must(bt_spnego_nested_is(mechs, input) && ctx->mech == &bt_mech_krb5 && ctx->stage == BT_CTX_OPEN && ctx->msg != NULL);
		bt_ctx_free(ctx);
	} else {
		must(ctx == NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bt_bytes input = bt_bytes_of(data, len);

	try_init(input);
	try_resp(input);
	try_saved(input, true);
	try_saved(input, false);
	try_nested(input);
	return 0;
}
