#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/mech_krb5.h"

enum {
	OPTION_DELEGATION = 1, /* RFC 4121 §4.1.1 */
	FIXED_LEN = 4 + BT_KRB5_BINDINGS_LEN + 4,
	EXTENSION_FINISHED = 1, /* of IAKERB */
};

static void
put_part(struct bt_wr *wr, struct bt_bytes part)
{
	bt_wr_le32(wr, (uint32_t)part.len);
	bt_wr_bytes(wr, part);
}

int
bt_krb5_bindings_hash(struct bt_krb5 *lib, const struct bt_bindings *bindings, uint8_t out[static BT_KRB5_BINDINGS_LEN])
{
	krb5_checksum md5 = {0};
	krb5_data input;
	struct bt_wr wr;
	krb5_error_code code;
	int e = 0;

	memset(out, 0, BT_KRB5_BINDINGS_LEN);
	if (bindings == NULL)
		return 0;
	bt_wr_init(&wr);
	bt_wr_le32(&wr, bindings->initiator_addrtype);
	put_part(&wr, bindings->initiator_address);
	bt_wr_le32(&wr, bindings->acceptor_addrtype);
	put_part(&wr, bindings->acceptor_address);
	put_part(&wr, bindings->application_data);
	if (wr.failed || wr.len > UINT32_MAX) {
		e = wr.failed ? BT_ERR_NOMEM : BT_ERR_TOO_LARGE;
		bt_wr_done(&wr);
		return e;
	}
	input = bt_krb5_data_of(bt_wr_written(&wr));
	code = krb5_c_make_checksum(lib->ctx, CKSUMTYPE_RSA_MD5, NULL, 0, &input, &md5);
	if (code != 0)
		e = bt_krb5_fail(lib, code);
	else if (md5.length != BT_KRB5_BINDINGS_LEN)
		e = BT_ERR_CRYPTO;
	else
		memcpy(out, md5.contents, BT_KRB5_BINDINGS_LEN);
	if (code == 0)
		krb5_free_checksum_contents(lib->ctx, &md5);
	bt_wr_done(&wr);
	return e;
}

/* Extensions stand behind the delegation, with big-endian tags and lengths; unknown ones are passed over. */
static int
read_extensions(struct bt_rd *rd, struct bt_bytes *finished)
{
	while (rd->left != 0) {
		uint32_t tag = bt_rd_be32(rd);

		struct bt_bytes value = bt_rd_bytes(rd, bt_rd_be32(rd));

		if (rd->failed)
			return BT_ERR_BAD_LENGTH;
		if (tag != EXTENSION_FINISHED)
			continue;
		/* An empty one is none of what it should be, and is not to be taken for no extension. */
		if (value.len == 0 || finished->len != 0)
			return BT_ERR_DEFECTIVE_TOKEN;
		*finished = value;
	}
	return 0;
}

int
bt_krb5_checksum_read(struct bt_bytes bytes, struct bt_krb5_checksum *out)
{
	struct bt_rd rd = bt_rd_of(bytes);
	struct bt_bytes bindings;
	int e = 0;

	*out = (struct bt_krb5_checksum){0};
	if (bytes.len < FIXED_LEN)
		return BT_ERR_BAD_BINDINGS;
	if (bt_rd_le32(&rd) != BT_KRB5_BINDINGS_LEN)
		return BT_ERR_BAD_LENGTH;
	bindings = bt_rd_bytes(&rd, BT_KRB5_BINDINGS_LEN);
	out->flags = bt_rd_le32(&rd);
	memcpy(out->bindings, bindings.ptr, BT_KRB5_BINDINGS_LEN);
	/* Some peers set the flag and send no credential: four bytes are the least that could be one. */
	if (rd.left >= 4 && (out->flags & BT_CTX_DELEG) != 0) {
		uint16_t option = bt_rd_le16(&rd);

		out->delegation = bt_rd_bytes(&rd, bt_rd_le16(&rd));
		if (rd.failed)
			e = BT_ERR_BAD_LENGTH;
		else if (option != OPTION_DELEGATION)
			e = BT_ERR_DEFECTIVE_TOKEN;
	}
	if (e == 0)
		e = read_extensions(&rd, &out->finished);
	if (e != 0)
		*out = (struct bt_krb5_checksum){0};
	return e;
}

void
bt_krb5_checksum_write(const struct bt_krb5_checksum *checksum, struct bt_wr *out)
{
	bt_wr_le32(out, BT_KRB5_BINDINGS_LEN);
	bt_wr_bytes(out, bt_bytes_of(checksum->bindings, BT_KRB5_BINDINGS_LEN));
	bt_wr_le32(out, checksum->flags);
	if (checksum->delegation.len != 0) {
		bt_wr_le16(out, OPTION_DELEGATION);
		bt_wr_le16(out, (uint16_t)checksum->delegation.len);
		bt_wr_bytes(out, checksum->delegation);
	}
	if (checksum->finished.len != 0) {
		bt_wr_be32(out, EXTENSION_FINISHED);
		bt_wr_be32(out, (uint32_t)checksum->finished.len);
		bt_wr_bytes(out, checksum->finished);
	}
}
