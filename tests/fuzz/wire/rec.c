/* A record that decodes is the one encoding of itself; one that does not leaves zeros. */
#include "base/err.h"
#include "must.h"
#include "wire/rec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct sample {
	bool is_set;
	uint8_t small;
	uint32_t count;
	int32_t number;
	uint64_t large;
	int64_t at;
	struct bt_bytes text, key;
};

static const struct bt_rec_field fields[] = {
    BT_REC_FIELD(sample, is_set, 1, BT_REC_BOOL, false, true, 0, 1),
    BT_REC_FIELD(sample, small, 3, BT_REC_U8, false, false, 1, 9),
    BT_REC_FIELD(sample, count, 4, BT_REC_U32, false, true, 0, UINT32_MAX),
    BT_REC_FIELD(sample, number, 5, BT_REC_I32, false, true, 0, UINT32_MAX),
    BT_REC_FIELD(sample, large, 6, BT_REC_U64, false, false, 0, UINT64_MAX),
    BT_REC_FIELD(sample, at, 7, BT_REC_I64, false, true, 0, UINT64_MAX),
    BT_REC_FIELD(sample, text, 9, BT_REC_BYTES, false, true, 2, 100000),
    BT_REC_FIELD(sample, key, 0xf0, BT_REC_BYTES, true, true, 4, 32),
};

static const struct bt_rec rec = {fields, sizeof fields / sizeof fields[0]};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct sample zero;
	struct bt_bytes input = bt_bytes_of(data, len);
	struct sample sample, again;
	struct bt_wr wr;
	int e;

	memset(&sample, 0xa5, sizeof sample);
	if ((e = bt_rec_decode(&rec, input, &sample)) != 0) {
		must(e == BT_ERR_TRUNCATED || e == BT_ERR_TRAILING || e == BT_ERR_MALFORMED);
		must(bt_rec_equal(&rec, &sample, &zero));
		return 0;
	}
	bt_wr_init(&wr);
	must(bt_rec_size(&rec, &sample) == len);
	must(bt_rec_encode(&rec, &sample, &wr) == 0);
	must(bt_bytes_equal(bt_wr_written(&wr), input));
	must(bt_rec_decode(&rec, bt_wr_written(&wr), &again) == 0);
	must(bt_rec_equal(&rec, &sample, &again));
	bt_wr_done(&wr);
	bt_rec_describe(&rec, &sample, &wr);
	must(!wr.failed);
	bt_wr_done(&wr);
	return 0;
}
