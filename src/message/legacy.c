#include "message/legacy.h"

#include "base/err.h"
#include "base/mem.h"

enum { CONFOUNDER_LEN = BT_CRYPTO_LEGACY_BLOCK_LEN, NUMBER_LEN = BT_CRYPTO_LEGACY_NUMBER_LEN };

/* 1.2.840.113554.1.2.2, as DER has it. RFC 1964 §1. */
static const uint8_t mechanism[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02};

/* SGN_ALG and SEAL_ALG, little-endian numbers. RFC 4757 §7.2-7.3; those of DES3 are MIT krb5's. */
struct algorithms {
	uint8_t sign[2];
	uint8_t seal[2];
};

static const struct algorithms *
algorithms_of(const struct bt_crypto_enctype *et)
{
	static const struct algorithms rc4 = {{0x11, 0x00}, {0x10, 0x00}}, des3 = {{0x04, 0x00}, {0x02, 0x00}};

	return et->number == BT_CRYPTO_ARCFOUR_HMAC ? &rc4 : &des3;
}

static size_t
confounder_len(uint16_t id)
{
	return id == BT_MSG_LEGACY_WRAP ? CONFOUNDER_LEN : 0;
}

/* Bytes of a definite length in DER. */
static size_t
length_len(size_t len)
{
	size_t num = 1;

	if (len < 0x80)
		return num;
	for (; len != 0; len >>= 8)
		num++;
	return num;
}

/* What the framing counts. */
static size_t
inner_len(const struct bt_msg *m, uint16_t id, size_t framed)
{
	return sizeof mechanism + BT_MSG_LEGACY_HEAD_LEN + NUMBER_LEN + m->enctype[m->session]->mac_len + confounder_len(id) +
	       framed;
}

size_t
bt_msg_legacy_header_len(const struct bt_msg *m, uint16_t id, size_t framed)
{
	size_t inner = inner_len(m, id, framed);

	return 1 + length_len(inner) + inner - framed;
}

size_t
bt_msg_legacy_overhead(const struct bt_msg *m)
{
	return BT_MSG_LEGACY_FRAME_MAX + BT_MSG_LEGACY_HEAD_LEN + NUMBER_LEN + m->enctype[m->session]->mac_len +
	       CONFOUNDER_LEN + BT_MSG_LEGACY_PAD_MAX;
}

size_t
bt_msg_legacy_pad_len(const struct bt_msg *m, size_t text_len)
{
	if (m->enctype[m->session]->number == BT_CRYPTO_ARCFOUR_HMAC)
		return 1;
	return BT_CRYPTO_LEGACY_BLOCK_LEN - text_len % BT_CRYPTO_LEGACY_BLOCK_LEN;
}

static uint8_t *
put_frame(uint8_t *at, size_t inner)
{
	size_t num = length_len(inner);

	*at++ = 0x60;
	if (num == 1)
		*at++ = (uint8_t)inner;
	else {
		*at++ = (uint8_t)(0x80 | (num - 1));
		for (size_t i = num - 1; i-- > 0;)
			*at++ = (uint8_t)(inner >> (8 * i));
	}
	memcpy(at, mechanism, sizeof mechanism);
	return at + sizeof mechanism;
}

/* The number and the direction. RC4 has it big-endian. RFC 1964 §1.2.1.2, RFC 4757 §7.2. */
static void
put_number(const struct bt_crypto_enctype *et, uint32_t seq, bool by_acceptor, uint8_t out[static NUMBER_LEN])
{
	bt_store_be32(out, et->number == BT_CRYPTO_ARCFOUR_HMAC ? seq : __builtin_bswap32(seq));
	memset(out + 4, by_acceptor ? 0xff : 0, 4);
}

int
bt_msg_legacy_protect(struct bt_msg *m, uint16_t id, bool conf, uint8_t *header, size_t framed, struct bt_crypto_seg *segs,
		      size_t num)
{
	struct bt_msg_way way = bt_msg_way_out(m);
	const struct algorithms *alg = algorithms_of(way.enctype);
	uint8_t *head = header + bt_msg_legacy_header_len(m, id, framed) - confounder_len(id) - way.enctype->mac_len -
			NUMBER_LEN - BT_MSG_LEGACY_HEAD_LEN;
	uint8_t *number = head + BT_MSG_LEGACY_HEAD_LEN, *mac = number + NUMBER_LEN, *confounder = mac + way.enctype->mac_len;
	const struct bt_crypto_legacy_key *key;
	uint64_t seq;
	int e;

	if ((e = bt_msg_key_legacy(&way, &key)) != 0 || (e = bt_crypto_random(confounder, confounder_len(id))) != 0 ||
	    (e = bt_msg_number_take(m, &seq)) != 0)
		return e;
	put_frame(header, inner_len(m, id, framed));
	bt_store_be16(head, id);
	memcpy(head + 2, alg->sign, 2);
	memset(head + 4, 0xff, 4);
	if (conf)
		memcpy(head + 4, alg->seal, 2);
	segs[0] = (struct bt_crypto_seg){head, NULL, BT_MSG_LEGACY_HEAD_LEN};
	segs[1] = (struct bt_crypto_seg){confounder, confounder, confounder_len(id)};
	bt_crypto_legacy_sum(key, id != BT_MSG_LEGACY_WRAP, segs, num + BT_MSG_LEGACY_SEGS, mac);
	put_number(way.enctype, (uint32_t)seq, way.sender_is_acceptor, number);
	bt_crypto_legacy_number(key, true, mac, number);
	if (conf)
		bt_crypto_legacy_crypt(key, true, (uint32_t)seq, segs, num + BT_MSG_LEGACY_SEGS);
	return 0;
}

/* The framing, of exactly what follows. */
static bool
read_frame(struct bt_rd *rd, size_t framed)
{
	size_t len, num;

	if (bt_rd_u8(rd) != 0x60)
		return false;
	len = bt_rd_u8(rd);
	if (len >= 0x80) {
		num = len & 0x7f;
		if (num == 0 || num > 4)
			return false;
		for (len = 0; num != 0; num--)
			len = len << 8 | bt_rd_u8(rd);
	}
	return rd->failed || len == rd->left + framed;
}

int
bt_msg_legacy_read(const struct bt_msg *m, struct bt_bytes bytes, uint16_t id, size_t framed, struct bt_msg_legacy_token *token)
{
	const struct bt_crypto_enctype *et = m->enctype[m->session];
	const struct algorithms *alg = algorithms_of(et);
	static const uint8_t filler[] = {0xff, 0xff};
	struct bt_rd rd = bt_rd_of(bytes);
	struct bt_bytes oid;

	*token = (struct bt_msg_legacy_token){0};
	if (!read_frame(&rd, framed))
		return BT_ERR_BAD_TOK_HEADER;
	oid = bt_rd_bytes(&rd, sizeof mechanism);
	token->head = bt_rd_bytes(&rd, BT_MSG_LEGACY_HEAD_LEN).ptr;
	token->number = bt_rd_bytes(&rd, NUMBER_LEN).ptr;
	token->mac = bt_rd_bytes(&rd, et->mac_len).ptr;
	bt_rd_bytes(&rd, confounder_len(id));
	token->len = bytes.len - rd.left;
	token->is_mic = id != BT_MSG_LEGACY_WRAP;
	if (rd.failed) {
		*token = (struct bt_msg_legacy_token){0};
		return BT_ERR_TOK_TRUNC;
	}
	token->sealed = memcmp(token->head + 4, alg->seal, 2) == 0;
	if (memcmp(oid.ptr, mechanism, sizeof mechanism) == 0 && bt_load_be16(token->head) == id &&
	    memcmp(token->head + 2, alg->sign, 2) == 0 && memcmp(token->head + 6, filler, 2) == 0 &&
	    (token->sealed ? !token->is_mic : memcmp(token->head + 4, filler, 2) == 0))
		return 0;
	*token = (struct bt_msg_legacy_token){0};
	return BT_ERR_BAD_TOK_HEADER;
}

static size_t
out_len(const struct bt_crypto_seg *segs, size_t num)
{
	size_t len = 0;

	for (size_t i = 0; i < num; i++)
		len += segs[i].out != NULL ? segs[i].len : 0;
	return len;
}

static void
wipe_out(const struct bt_crypto_seg *segs, size_t num)
{
	for (size_t i = 0; i < num; i++)
		if (segs[i].out != NULL)
			bt_mem_wipe(segs[i].out, segs[i].len);
}

int
bt_msg_legacy_open(struct bt_msg *m, const struct bt_msg_legacy_token *token, struct bt_crypto_seg *segs, size_t num,
		   const uint8_t *pad, size_t room, enum bt_msg_order *order)
{
	uint8_t number[NUMBER_LEN], mac[BT_CRYPTO_MAC_MAX], expected[NUMBER_LEN], confounder[CONFOUNDER_LEN];
	struct bt_msg_way way = bt_msg_way_in_legacy(m);
	const struct bt_crypto_legacy_key *key;
	uint32_t seq;
	bool is_right;
	int e;

	if ((e = bt_msg_key_legacy(&way, &key)) != 0)
		return e;
	memcpy(number, token->number, sizeof number);
	bt_crypto_legacy_number(key, false, token->mac, number);
	seq = bt_load_be32(number);
	if (way.enctype->number != BT_CRYPTO_ARCFOUR_HMAC)
		seq = __builtin_bswap32(seq);
	num += BT_MSG_LEGACY_SEGS;
	segs[0] = (struct bt_crypto_seg){token->head, NULL, BT_MSG_LEGACY_HEAD_LEN};
	segs[1] = (struct bt_crypto_seg){token->mac + way.enctype->mac_len, confounder, token->is_mic ? 0 : CONFOUNDER_LEN};
	if (token->sealed && way.enctype->number == BT_CRYPTO_DES3_CBC_SHA1 &&
	    out_len(segs, num) % BT_CRYPTO_LEGACY_BLOCK_LEN != 0)
		return BT_ERR_TOK_TRUNC;
	if (token->sealed) {
		bt_crypto_legacy_crypt(key, false, seq, segs, num);
		for (size_t i = 0; i < num; i++)
			if (segs[i].out != NULL)
				segs[i].in = segs[i].out;
	}
	bt_crypto_legacy_sum(key, token->is_mic, segs, num, mac);
	is_right = bt_mem_equal(mac, token->mac, way.enctype->mac_len);
	bt_mem_wipe(mac, sizeof mac);
	if (!is_right)
		e = BT_ERR_BAD_MIC;
	else {
		put_number(way.enctype, seq, way.sender_is_acceptor, expected);
		/* The direction is four equal bytes. */
		if (memcmp(number, expected, sizeof number) != 0)
			e = BT_ERR_BAD_DIRECTION;
		else if (pad != NULL && (*pad == 0 || *pad > room || *pad > BT_MSG_LEGACY_PAD_MAX))
			e = BT_ERR_BAD_TOK_HEADER;
	}
	if (e != 0) {
		if (token->sealed)
			wipe_out(segs, num);
		return e;
	}
	*order = bt_msg_window_enter_short(&m->window, seq);
	return 0;
}
