/* Half-open state: what loads saves in the same bytes, and what does not leaves the context as it was. */
#include "../wire/must.h"
#include "mech/krb5/mech_krb5.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bt_bytes input = bt_bytes_of(data, len);

	for (int is_initiator = 0; is_initiator < 2; is_initiator++) {
		struct bt_ctx *ctx = bt_ctx_new(&bt_mech_krb5, is_initiator);
		struct bt_wr wr;

		must(ctx != NULL);
		if (bt_krb5_pending_load(ctx, (struct bt_mechs){0}, input) != 0) {
			must(ctx->pending == NULL && ctx->stage == BT_CTX_NEW);
		} else {
			must(ctx->stage == BT_CTX_EXPECT_TOKEN);
			bt_wr_init(&wr);
			must(bt_krb5_pending_save(ctx, &wr) == 0);
			must(bt_bytes_equal(bt_wr_written(&wr), input));
			bt_wr_done(&wr);
		}
		bt_ctx_free(ctx);
	}
	return 0;
}
