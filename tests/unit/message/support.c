#include "support.h"

const int32_t enctypes[NUM_ENCTYPES] = {17, 18, 19, 20, 25, 26};

static uint64_t noise_state = 0x9e3779b97f4a7c15;

uint64_t
noise_u64(void)
{
	noise_state ^= noise_state << 13;
	noise_state ^= noise_state >> 7;
	noise_state ^= noise_state << 17;
	return noise_state;
}

void
noise(void *out, size_t len)
{
	uint8_t *bytes = out;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(noise_u64() >> 24);
}

struct bt_buf
noise_buf(size_t len)
{
	struct bt_buf buf = {malloc(len != 0 ? len : 1), len};

	assert_non_null(buf.ptr);
	noise(buf.ptr, len);
	return buf;
}

struct bt_buf
exact(struct bt_bytes bytes)
{
	struct bt_buf buf = {malloc(bytes.len != 0 ? bytes.len : 1), bytes.len};

	assert_non_null(buf.ptr);
	if (bytes.len != 0)
		memcpy(buf.ptr, bytes.ptr, bytes.len);
	return buf;
}

static struct bt_msg_key
key_of(int32_t enctype, uint8_t seed)
{
	struct bt_msg_key key = {.enctype = enctype, .len = bt_crypto_enctype_of(enctype)->key_len};

	for (size_t i = 0; i < key.len; i++)
		key.bytes[i] = (uint8_t)(seed + 7 * i);
	return key;
}

struct bt_msg_state
state_with(struct setup setup, bool is_initiator)
{
	struct bt_msg_state state = {
	    .is_initiator = is_initiator,
	    .is_dce = setup.is_dce,
	    .detects_replay = !setup.no_replay,
	    .detects_sequence = !setup.no_sequence,
	    .subkey = key_of(setup.enctype != 0 ? setup.enctype : 18, 1),
	    .send_next = setup.first,
	    .recv_first = setup.first,
	};

	if (setup.acceptor_enctype != 0)
		state.acceptor_subkey = key_of(setup.acceptor_enctype, 99);
	return state;
}

struct pair
pair_with(struct setup setup)
{
	struct bt_msg_state i = state_with(setup, true), a = state_with(setup, false);
	struct pair pair;

	assert_ok(bt_msg_new(&i, &pair.initiator));
	assert_ok(bt_msg_new(&a, &pair.acceptor));
	return pair;
}

void
pair_free(struct pair *pair)
{
	bt_msg_free(pair->initiator);
	bt_msg_free(pair->acceptor);
}

void
assert_same_state(struct bt_msg *m, const struct bt_msg_state *before)
{
	struct bt_msg_state now;

	bt_msg_state_of(m, &now);
	assert_true(now.send_next == before->send_next && now.recv_first == before->recv_first &&
		    now.recv_next == before->recv_next && now.recv_seen == before->recv_seen);
	assert_memory_equal(&now.subkey, &before->subkey, sizeof now.subkey);
	assert_memory_equal(&now.acceptor_subkey, &before->acceptor_subkey, sizeof now.acceptor_subkey);
}

static void
rotate_right(uint8_t *ptr, size_t len, size_t by)
{
	uint8_t *copy = malloc(len);

	assert_non_null(copy);
	memcpy(copy, ptr, len);
	for (size_t i = 0; i < len; i++)
		ptr[(i + by) % len] = copy[i];
	free(copy);
}

struct bt_buf
forge(const struct forgery *f, struct bt_bytes text)
{
	bool has_subkey = f->state.acceptor_subkey.enctype != 0 && !f->by_subkey;
	const struct bt_msg_key *base = has_subkey ? &f->state.acceptor_subkey : &f->state.subkey;
	const struct bt_crypto_enctype *et = bt_crypto_enctype_of(base->enctype);
	uint32_t usage = f->state.is_initiator ? 24 : 22;
	size_t fill = f->sealed ? 16 : 0, ec = f->sealed ? f->ec : 0;
	struct bt_buf token = {NULL, 16 + fill + text.len + ec + fill + et->mac_len};
	uint8_t *body, *mac, header[16] = {0x05, 0x04, f->more_flags, 0xff};
	struct bt_crypto_seal_key *seal;
	struct bt_crypto_mac_key *key;
	struct bt_crypto_seg segs[2];

	token.ptr = malloc(token.len);
	assert_non_null(token.ptr);
	body = token.ptr + 16;
	mac = token.ptr + token.len - et->mac_len;
	header[2] |= (uint8_t)((f->state.is_initiator ? 0 : 1) | (f->sealed ? 2 : 0) | (has_subkey ? 4 : 0));
	bt_store_be16(header + 4, (uint16_t)ec);
	bt_store_be16(header + 6, f->copy_rrc);
	bt_store_be64(header + 8, f->seq);
	if (text.len != 0)
		memcpy(body + fill, text.ptr, text.len);
	if (f->sealed) {
		noise(body, 16);
		noise(body + 16 + text.len, ec);
		memcpy(body + 16 + text.len + ec, header, 16);
		segs[0] = (struct bt_crypto_seg){body, body, 32 + text.len + ec};
		assert_ok(bt_crypto_seal_key_new(et, base->bytes, usage, true, &seal));
		bt_crypto_encrypt(seal, segs, 1, mac);
		bt_crypto_seal_key_free(seal);
	} else {
		segs[0] = (struct bt_crypto_seg){body, NULL, text.len};
		segs[1] = (struct bt_crypto_seg){header, NULL, 16};
		assert_ok(bt_crypto_mac_key_new(et, base->bytes, usage, &key));
		bt_crypto_mac(key, segs + (text.len == 0), 1 + (text.len != 0), mac);
		bt_crypto_mac_key_free(key);
		bt_store_be16(header + 4, f->ec != 0 ? f->ec : et->mac_len);
	}
	bt_store_be16(header + 6, f->rrc);
	memcpy(token.ptr, header, 16);
	rotate_right(body, token.len - 16, f->rrc + f->rotate_more);
	return token;
}
