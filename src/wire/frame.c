#include "wire/frame.h"

#include "base/err.h"
#include "base/oid.h"
#include "wire/der.h"

/* The first octets of an exported name. RFC 2743 §3.2. */
enum { NAME_TOKEN_ID = 0x0401, COMPOSITE_TOKEN_ID = 0x0402 };

int
bt_frame_read(struct bt_bytes token, struct bt_bytes *oid, struct bt_bytes *body)
{
	struct bt_rd rd = bt_rd_of(token);
	struct bt_bytes found;
	size_t len;

	*oid = *body = (struct bt_bytes){0};
	if (bt_rd_u8(&rd) != BT_DER_APPLICATION(0))
		return token.len == 0 ? BT_ERR_TRUNCATED : BT_ERR_BAD_TOK_HEADER;
	len = bt_der_length(&rd);
	if (rd.failed)
		return BT_ERR_BAD_TOK_HEADER;
	if (len != rd.left)
		return len > rd.left ? BT_ERR_TRUNCATED : BT_ERR_TRAILING;
	found = bt_der_oid(&rd);
	if (rd.failed)
		return BT_ERR_BAD_TOK_HEADER;
	*oid = found;
	*body = bt_rd_rest(&rd);
	return 0;
}

void
bt_frame_write(struct bt_wr *wr, struct bt_bytes oid, struct bt_bytes body)
{
	size_t mark = bt_der_open(wr, BT_DER_APPLICATION(0));

	bt_der_put(wr, BT_DER_OID, oid);
	bt_wr_bytes(wr, body);
	bt_der_close(wr, mark);
}

/* attributes: NULL for a name without. */
static int
read_name(struct bt_bytes exported, uint16_t id, struct bt_bytes *oid, struct bt_bytes *name, struct bt_bytes *attributes)
{
	struct bt_rd rd = bt_rd_of(exported), oid_rd;
	struct bt_bytes found_oid, found_name, found_attributes = {0};

	*oid = *name = (struct bt_bytes){0};
	if (bt_rd_be16(&rd) != id)
		return BT_ERR_BAD_NAME;
	oid_rd = bt_rd_of(bt_rd_bytes(&rd, bt_rd_be16(&rd)));
	found_oid = bt_der_oid(&oid_rd);
	found_name = bt_rd_bytes(&rd, bt_rd_be32(&rd));
	if (attributes != NULL)
		found_attributes = bt_rd_bytes(&rd, bt_rd_be32(&rd));
	if (bt_rd_end(&oid_rd) != 0 || bt_rd_end(&rd) != 0)
		return BT_ERR_BAD_NAME;
	*oid = found_oid;
	*name = found_name;
	if (attributes != NULL)
		*attributes = found_attributes;
	return 0;
}

static void
write_name(struct bt_wr *wr, uint16_t id, struct bt_bytes oid, struct bt_bytes name)
{
	/* The two lengths have 16 and 32 bits. */
	if (oid.len > BT_OID_MAX || name.len > UINT32_MAX) {
		wr->failed = true;
		return;
	}
	bt_wr_be16(wr, id);
	bt_wr_be16(wr, (uint16_t)(oid.len + 2));
	bt_der_put(wr, BT_DER_OID, oid);
	bt_wr_be32(wr, (uint32_t)name.len);
	bt_wr_bytes(wr, name);
}

int
bt_frame_read_name(struct bt_bytes exported, struct bt_bytes *oid, struct bt_bytes *name)
{
	return read_name(exported, NAME_TOKEN_ID, oid, name, NULL);
}

void
bt_frame_write_name(struct bt_wr *wr, struct bt_bytes oid, struct bt_bytes name)
{
	write_name(wr, NAME_TOKEN_ID, oid, name);
}

int
bt_frame_read_composite(struct bt_bytes exported, struct bt_bytes *oid, struct bt_bytes *name, struct bt_bytes *attributes)
{
	*attributes = (struct bt_bytes){0};
	return read_name(exported, COMPOSITE_TOKEN_ID, oid, name, attributes);
}

void
bt_frame_write_composite(struct bt_wr *wr, struct bt_bytes oid, struct bt_bytes name, struct bt_bytes attributes)
{
	if (attributes.len > UINT32_MAX) {
		wr->failed = true;
		return;
	}
	write_name(wr, COMPOSITE_TOKEN_ID, oid, name);
	bt_wr_be32(wr, (uint32_t)attributes.len);
	bt_wr_bytes(wr, attributes);
}

int
bt_frame_read_context(struct bt_bytes token, struct bt_bytes *oid, struct bt_bytes *body)
{
	struct bt_rd rd = bt_rd_of(token);
	struct bt_bytes found;

	*oid = *body = (struct bt_bytes){0};
	found = bt_rd_bytes(&rd, bt_rd_be32(&rd));
	if (rd.failed || !bt_oid_is_valid(found))
		return BT_ERR_TOKEN_FORMAT;
	*oid = found;
	*body = bt_rd_rest(&rd);
	return 0;
}

void
bt_frame_write_context(struct bt_wr *wr, struct bt_bytes oid)
{
	bt_wr_be32(wr, (uint32_t)oid.len);
	bt_wr_bytes(wr, oid);
}
