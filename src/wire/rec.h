/*
 * rec - flat records described by one const table, from which encode, decode, compare and describe all follow.
 *
 * A record is a plain struct of integers, booleans and views. On the wire it is a run of fields, in strictly ascending
 * tag order: tag (1 byte), length (1 byte below 0x80, else 0x81, 0x82 or 0x83 and that many big-endian bytes, as short as
 * possible), value. Integers are big-endian without leading zero bytes (zero is empty). There is one encoding for
 * each record, so decode followed by encode gives the same bytes. A field that is optional and zero or empty is left out.
 *
 * Decoding copies nothing: views point into the input, which must outlive the record. Whoever owns a record's memory, and what
 * its views point at, wipes them; fields that are secret are only kept from being described.
 */
#ifndef BT_WIRE_REC_H
#define BT_WIRE_REC_H

#include <stddef.h>

#include "base/bytes.h"

/* In the order of their widths in memory. */
enum bt_rec_type {
	BT_REC_BOOL,  /* bool */
	BT_REC_U8,    /* uint8_t */
	BT_REC_U32,   /* uint32_t */
	BT_REC_I32,   /* int32_t, two's complement of 32 bits on the wire */
	BT_REC_U64,   /* uint64_t */
	BT_REC_I64,   /* int64_t, two's complement of 64 bits on the wire */
	BT_REC_BYTES, /* struct bt_bytes */
};

struct bt_rec_field {
	const char *name;
	uint8_t tag;
	enum bt_rec_type type;
	bool is_secret;   /* never described */
	bool is_optional;
	uint64_t min, max; /* of the value read as unsigned, or of the length of BYTES; inclusive; what is left out has none */
	size_t offset;    /* of the member */
};

#define BT_REC_FIELD(record, member, tag, type, secret, optional, min, max) \
	{ #member, tag, type, secret, optional, min, max, offsetof(struct record, member) }

struct bt_rec {
	const struct bt_rec_field *fields; /* ascending tags */
	size_t num_fields;
};

/* bt_rec_size - bytes that bt_rec_encode will write. */
size_t bt_rec_size(const struct bt_rec *rec, const void *record);

/* bt_rec_encode - appended to out in one piece. Errors: MALFORMED (a value outside its bounds), NOMEM; then nothing is written. */
int bt_rec_encode(const struct bt_rec *rec, const void *record, struct bt_wr *out);

/*
 * bt_rec_decode - Errors: TRUNCATED, TRAILING (a tag beyond the last one), MALFORMED (unknown, repeated, missing or misordered
 * field; value outside its bounds; longer encoding than needed). On error the record's fields are zero.
 */
int bt_rec_decode(const struct bt_rec *rec, struct bt_bytes bytes, void *record);

bool bt_rec_equal(const struct bt_rec *rec, const void *a, const void *b);

/* bt_rec_describe - "name value\n" for a person, secrets as their length. */
void bt_rec_describe(const struct bt_rec *rec, const void *record, struct bt_wr *out);

#endif
