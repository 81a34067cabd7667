/*
 * The other implementation of the same enctypes: tokens of this room are read by MIT's libk5crypto, and tokens put together with
 * libk5crypto are read by this room. All usages, both directions; and the PRF.
 */
#include <krb5.h>

#include "support.h"

static krb5_context k5;

/* One side's keys as libk5crypto has them. */
static krb5_keyblock
keyblock_of(struct bt_msg *m)
{
	const struct bt_msg_key *key = bt_msg_session_key(m);

	return (krb5_keyblock){.enctype = key->enctype, .length = key->len, .contents = (krb5_octet *)key->bytes};
}

static krb5_data
data_of(const void *ptr, size_t len)
{
	return (krb5_data){.length = (unsigned)len, .data = (char *)ptr};
}

/* RFC 3962 §7, RFC 8009 §8, RFC 6803 §9: the checksum type that goes with an enctype. */
static krb5_cksumtype
cksumtype_of(const krb5_keyblock *key)
{
	return key->enctype <= 18 ? key->enctype - 2 : key->enctype <= 20 ? key->enctype : key->enctype - 8;
}

/* RFC 4121 §4.2.4 in the words of krb5_c_decrypt. */
static void
peer_reads_sealed(struct bt_msg *m, int usage, const struct bt_buf *token, struct bt_bytes text)
{
	krb5_keyblock key = keyblock_of(m);
	krb5_enc_data cipher = {.enctype = key.enctype, .ciphertext = data_of(token->ptr + 16, token->len - 16)};
	uint8_t plain[4096];
	krb5_data out = data_of(plain, sizeof plain);

	assert_ok(krb5_c_decrypt(k5, &key, usage, NULL, &cipher, &out));
	assert_int_equal(out.length, text.len + 16);
	assert_memory_equal(plain, text.ptr, text.len);
	assert_memory_equal(plain + text.len, token->ptr, 16);
}

static void
peer_reads_mac(struct bt_msg *m, int usage, struct bt_bytes text, const uint8_t *header, struct bt_bytes mac)
{
	krb5_keyblock key = keyblock_of(m);
	krb5_checksum sum = {
	    .checksum_type = cksumtype_of(&key), .length = (unsigned)mac.len, .contents = (krb5_octet *)mac.ptr};
	uint8_t both[4096];
	krb5_data data = data_of(both, text.len + 16);
	krb5_boolean valid = 0;

	memcpy(both, text.ptr, text.len);
	memcpy(both + text.len, header, 16);
	assert_ok(krb5_c_verify_checksum(k5, &key, usage, &data, &sum, &valid));
	assert_true(valid);
}

static void
peer_reads_clear(struct bt_msg *m, int usage, const struct bt_buf *token, struct bt_bytes text)
{
	uint8_t header[16];

	memcpy(header, token->ptr, 16);
	memset(header + 4, 0, 4);
	assert_memory_equal(token->ptr + 16, text.ptr, text.len);
	peer_reads_mac(m, usage, text, header, bt_bytes_of(token->ptr + 16 + text.len, token->len - 16 - text.len));
}

static void
peer_writes_sealed(struct bt_msg *from, struct bt_msg *to, int usage, uint8_t flags, struct bt_bytes text)
{
	krb5_keyblock key = keyblock_of(from);
	uint8_t header[16] = {5, 4, flags | 2, 0xff, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 77}, plain[4096] = {0}, token[4096];
	krb5_data in = data_of(plain, text.len + 9 + 16);
	krb5_enc_data cipher = {.ciphertext = data_of(token + 16, sizeof token - 16)};
	struct bt_buf out;
	enum bt_msg_order order;
	size_t len;
	bool conf;

	memcpy(plain, text.ptr, text.len);
	memcpy(plain + text.len + 9, header, 16);
	assert_ok(krb5_c_encrypt_length(k5, key.enctype, in.length, &len));
	assert_ok(krb5_c_encrypt(k5, &key, usage, NULL, &in, &cipher));
	memcpy(token, header, 16);
	assert_ok(bt_msg_unwrap(to, bt_bytes_of(token, 16 + len), &out, &conf, &order));
	assert_true(conf && bt_bytes_equal(bt_bytes_of_buf(&out), text));
	bt_buf_free(&out);
}

static size_t
peer_mac(struct bt_msg *from, int usage, struct bt_bytes text, const uint8_t *header, uint8_t *mac)
{
	krb5_keyblock key = keyblock_of(from);
	uint8_t both[4096];
	krb5_data data = data_of(both, text.len + 16);
	krb5_checksum sum;
	size_t len;

	memcpy(both, text.ptr, text.len);
	memcpy(both + text.len, header, 16);
	assert_ok(krb5_c_make_checksum(k5, 0, &key, usage, &data, &sum));
	memcpy(mac, sum.contents, sum.length);
	len = sum.length;
	krb5_free_checksum_contents(k5, &sum);
	return len;
}

static void
peer_writes_macs(struct bt_msg *from, struct bt_msg *to, int usage, uint8_t flags, struct bt_bytes text)
{
	uint8_t token[4096] = {5, 4, flags, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 78};
	uint8_t mic[64] = {4, 4, flags, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 79};
	struct bt_buf out;
	enum bt_msg_order order;
	size_t len;
	bool conf;

	len = peer_mac(from, usage, text, token, token + 16 + text.len);
	memcpy(token + 16, text.ptr, text.len);
	bt_store_be16(token + 4, (uint16_t)len);
	assert_ok(bt_msg_unwrap(to, bt_bytes_of(token, 16 + text.len + len), &out, &conf, &order));
	assert_true(!conf && bt_bytes_equal(bt_bytes_of_buf(&out), text));
	bt_buf_free(&out);
	len = peer_mac(from, usage + 1, text, mic, mic + 16);
	assert_ok(bt_msg_verify_mic(to, text, bt_bytes_of(mic, 16 + len), &order));
}

static void
exchange(struct bt_msg *from, struct bt_msg *to, int usage, uint8_t flags, size_t len)
{
	struct bt_buf text = noise_buf(len), token;
	struct bt_bytes view = bt_bytes_of_buf(&text);

	assert_ok(bt_msg_wrap(from, true, view, &token));
	peer_reads_sealed(from, usage, &token, view);
	bt_buf_free(&token);
	assert_ok(bt_msg_wrap(from, false, view, &token));
	peer_reads_clear(from, usage, &token, view);
	bt_buf_free(&token);
	assert_ok(bt_msg_get_mic(from, view, &token));
	peer_reads_mac(from, usage + 1, view, token.ptr, bt_bytes_of(token.ptr + 16, token.len - 16));
	bt_buf_free(&token);
	peer_writes_sealed(from, to, usage, flags, view);
	peer_writes_macs(from, to, usage, flags, view);
	free(text.ptr);
}

static void
speaks_with_libk5crypto(void **unused)
{
	static const size_t lengths[] = {0, 1, 15, 16, 17, 64, 100, 1000, 2049};

	for (size_t i = 0; i < NUM_ENCTYPES * 2; i++) {
		struct setup setup = {.enctype = enctypes[i / 2],
				      .acceptor_enctype = i % 2 ? enctypes[NUM_ENCTYPES - 1 - i / 2] : 0};
		struct pair pair = pair_with(setup);
		uint8_t flags = i % 2 ? 4 : 0;

		for (size_t j = 0; j < sizeof lengths / sizeof lengths[0]; j++) {
			exchange(pair.initiator, pair.acceptor, 24, flags, lengths[j]);
			exchange(pair.acceptor, pair.initiator, 22, flags | 1, lengths[j]);
		}
		pair_free(&pair);
	}
}

/* Scattered, with bytes that are only signed: the pieces in the order in which libgssapi gives them to krb5_c_decrypt_iov. */
static void
scatters_like_libk5crypto(void **unused)
{
	for (size_t i = 0; i < NUM_ENCTYPES * 2; i++) {
		struct pair pair = pair_with((struct setup){.enctype = enctypes[i / 2], .is_dce = i % 2});
		uint8_t header[32], trailer[16 + 16 + 24], before[20], text[50], between[3], more[7], after[9], sent[50];
		struct bt_msg_iov iov[] = {
		    {.type = BT_MSG_IOV_SIGN_ONLY, .ptr = before, .len = sizeof before},
		    {.type = BT_MSG_IOV_HEADER, .ptr = header, .len = sizeof header},
		    {.type = BT_MSG_IOV_DATA, .ptr = text, .len = sizeof text},
		    {.type = BT_MSG_IOV_SIGN_ONLY, .ptr = between, .len = sizeof between},
		    {.type = BT_MSG_IOV_DATA, .ptr = more, .len = sizeof more},
		    {.type = BT_MSG_IOV_SIGN_ONLY, .ptr = after, .len = sizeof after},
		    {.type = BT_MSG_IOV_TRAILER, .ptr = trailer, .len = sizeof trailer},
		};
		size_t tail_len = (i % 2 ? 16 : 0) + 16;
		krb5_keyblock key = keyblock_of(pair.initiator);
		krb5_crypto_iov theirs[] = {
		    {KRB5_CRYPTO_TYPE_HEADER, data_of(header + 16, 16)},
		    {KRB5_CRYPTO_TYPE_SIGN_ONLY, data_of(before, sizeof before)},
		    {KRB5_CRYPTO_TYPE_DATA, data_of(text, sizeof text)},
		    {KRB5_CRYPTO_TYPE_SIGN_ONLY, data_of(between, sizeof between)},
		    {KRB5_CRYPTO_TYPE_DATA, data_of(more, sizeof more)},
		    {KRB5_CRYPTO_TYPE_SIGN_ONLY, data_of(after, sizeof after)},
		    {KRB5_CRYPTO_TYPE_DATA, data_of(trailer, tail_len)},
		    {KRB5_CRYPTO_TYPE_TRAILER, {0}},
		};
		enum bt_msg_order order;
		bool conf;

		noise(before, sizeof before);
		noise(text, sizeof text);
		noise(between, sizeof between);
		noise(more, sizeof more);
		noise(after, sizeof after);
		memcpy(sent, text, sizeof sent);
		assert_ok(bt_msg_wrap_iov(pair.initiator, true, iov, 7));
		theirs[7].data = data_of(trailer + tail_len, iov[6].len - tail_len);
		assert_ok(krb5_c_decrypt_iov(k5, &key, 24, NULL, theirs, 8));
		assert_memory_equal(text, sent, sizeof sent);
		assert_memory_equal(trailer + tail_len - 16, header, 16);
		/* And back: encrypted by them, as this token would be sent again. */
		assert_ok(krb5_c_encrypt_iov(k5, &key, 24, NULL, theirs, 8));
		assert_ok(bt_msg_unwrap_iov(pair.acceptor, iov, 7, &conf, &order));
		assert_memory_equal(text, sent, sizeof sent);
		assert_true(conf);
		pair_free(&pair);
	}
}

static void
has_the_same_prf(void **unused)
{
	for (size_t i = 0; i < NUM_ENCTYPES; i++) {
		struct setup setup = {.enctype = enctypes[i], .acceptor_enctype = enctypes[NUM_ENCTYPES - 1 - i]};
		struct pair pair = pair_with(setup);
		struct bt_msg_state state = state_with(setup, true);

		for (int full = 0; full < 2; full++) {
			const struct bt_msg_key *key = full ? &state.acceptor_subkey : &state.subkey;
			krb5_keyblock block = {
			    .enctype = key->enctype, .length = key->len, .contents = (krb5_octet *)key->bytes};
			uint8_t want[200], got[200], input[4 + 7] = "\0\0\0\0prf in";
			krb5_data in = data_of(input, sizeof input), out;
			size_t len;

			assert_ok(krb5_c_prf_length(k5, key->enctype, &len));
			for (size_t n = 0; n * len < 150; n++) {
				input[3] = (uint8_t)n;
				out = data_of(want + n * len, len);
				assert_ok(krb5_c_prf(k5, &block, &in, &out));
			}
			for (size_t ask = 0; ask <= 150; ask++) {
				memset(got, 0xee, sizeof got);
				assert_ok(
				    bt_msg_prf(pair.acceptor, full, bt_bytes_of(input + 4, 7), (struct bt_buf){got, ask}));
				assert_memory_equal(got, want, ask);
				assert_int_equal(got[ask], 0xee);
			}
		}
		pair_free(&pair);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(speaks_with_libk5crypto),
	    cmocka_unit_test(scatters_like_libk5crypto),
	    cmocka_unit_test(has_the_same_prf),
	};
	int failed;

	if (krb5_init_context(&k5) != 0)
		return 99;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	krb5_free_context(k5);
	return failed;
}
