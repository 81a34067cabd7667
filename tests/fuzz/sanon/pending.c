/* What a half-open initiator is saved as is read back as it was, or refused. */
#include "../wire/must.h"
#include "mech/mech.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bt_bytes saved = bt_bytes_of(data, len);

	for (int is_initiator = 0; is_initiator < 2; is_initiator++) {
		struct bt_ctx *ctx = bt_ctx_new(&bt_mech_sanon, is_initiator);
		struct bt_wr wr;
		int e;

		must(ctx != NULL);
		e = bt_mech_sanon.pending_load(ctx, (struct bt_mechs){0}, saved);
		must((e == 0) == (ctx->pending != NULL) && (e != 0 || is_initiator));
		if (e == 0) {
			bt_wr_init(&wr);
			must(bt_mech_sanon.pending_save(ctx, &wr) == 0 && bt_bytes_equal(bt_wr_written(&wr), saved));
			bt_wr_done(&wr);
		}
		bt_ctx_free(ctx);
	}
	return 0;
}
