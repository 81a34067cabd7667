#include "base/err.h"
#include "base/mem.h"
#include "message/context.h"

/* The protocol key itself is used, not a usage key: RFC 4402 §2 has pseudo-random() of the context's key. */
static int
fill(const struct bt_crypto_enctype *et, const uint8_t *base, struct bt_bytes counted, uint8_t *counter, struct bt_buf out)
{
	uint8_t block[BT_CRYPTO_PRF_MAX];
	uint32_t n = 0;
	int e = 0;

	for (size_t at = 0; e == 0 && at < out.len; n++) {
		size_t len = out.len - at < et->prf_len ? out.len - at : et->prf_len;

		/* The first block is number 0, where RFC 4402 §2 writes T1: all implementations do so, and RFC 7802 made it the rule. */
		bt_store_be32(counter, n);
		if ((e = bt_crypto_prf(et, base, counted, block)) == 0)
			memcpy(out.ptr + at, block, len);
		at += len;
	}
	bt_mem_wipe(block, sizeof block);
	return e;
}

int
bt_msg_prf(struct bt_msg *m, bool full, struct bt_bytes input, struct bt_buf out)
{
	enum bt_msg_base base = full ? m->session : BT_MSG_BASE_SUBKEY;
	const struct bt_crypto_enctype *et = m->enctype[base];
	uint8_t *counted = NULL;
	int e;

	if (et == NULL)
		e = BT_ERR_ENCTYPE;
	else if (input.len > BT_MSG_MAX || out.len / et->prf_len >= UINT32_MAX)
		e = BT_ERR_INPUT_TOO_LONG;
	else if ((counted = bt_mem_alloc_raw(4 + input.len)) == NULL)
		e = BT_ERR_NOMEM;
	else {
		if (input.len != 0)
			memcpy(counted + 4, input.ptr, input.len);
		e = fill(et, m->base[base].bytes, bt_bytes_of(counted, 4 + input.len), counted, out);
		bt_mem_free_secret(counted, 4 + input.len);
	}
	if (e != 0 && out.len != 0)
		bt_mem_wipe(out.ptr, out.len);
	return e;
}
