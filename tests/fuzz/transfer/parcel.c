/*
 * What comes on a socket is a hand-over of ours, or is refused; and what was refused is still its sender's.
 *
 * Input: a first byte that says what follows:
 *   0 mod 3  the head of a message, which is written again as it was read
 *   1 mod 3  the clear bytes of a cargo, which are put under a good seal, and sealed again if they are read
 *   2 mod 3  changes (place, byte) to a good message, which is then received
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "fuzz/wire/must.h"
#include "mech/state.h"
#include "transfer/handover.h"
#include "transfer/limits.h"
#include "transfer/parcel.h"
#include "wire/rec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct bt_mech mech = {.oid = {(const uint8_t *)"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02", 9}};
static const struct bt_mech *const mechs[] = {&mech};
static const uint8_t key[BT_CLAIM_KEY_LEN] = "golden key, thirty-two octets..";

static void
try_head(struct bt_bytes bytes)
{
	uint8_t again[BT_PARCEL_HEAD_LEN];
	struct bt_parcel_head head;

	if (bt_parcel_read_head(bytes, &head) != 0) {
		must(head.token_len == 0 && head.flags == 0);
		return;
	}
	must(bt_parcel_num_fds(&head) >= 1 && bt_parcel_num_fds(&head) <= BT_PARCEL_FDS_MAX);
	must(bt_parcel_body_len(&head) <= BT_TRANSFER_TOKEN_MAX + BT_TRANSFER_CARGO_MAX);
	bt_parcel_write_head(&head, again);
	must(bt_bytes_equal(bytes, bt_bytes_of(again, sizeof again)));
}

/* As parcel.c seals cargo, but for what is in it. */
static void
seal_raw(const struct bt_parcel_head *head, struct bt_bytes clear, uint8_t *out)
{
	uint8_t head_bytes[BT_PARCEL_HEAD_LEN], cargo_key[BT_CRYPTO_AEAD_KEY_LEN];

	bt_parcel_write_head(head, head_bytes);
	bt_crypto_kdf_sha256(bt_bytes_of(key, sizeof key), bt_bytes_of_str("baton cargo"), (struct bt_bytes){0}, cargo_key,
			     sizeof cargo_key);
	must(bt_crypto_aead_seal(cargo_key, bt_bytes_of(head_bytes, sizeof head_bytes), clear, out) == 0);
}

/* What is read is what would be written; of another head, or one bit off, it is none. */
static void
try_cargo(struct bt_bytes bytes)
{
	struct bt_parcel_head head = {.token_len = 1, .cargo_len = (uint32_t)bytes.len + BT_CRYPTO_AEAD_TAG_LEN};
	struct bt_buf sealed = {bt_mem_alloc(head.cargo_len), head.cargo_len}, again = {bt_mem_alloc(head.cargo_len), head.cargo_len};
	struct bt_parcel_cargo cargo, none;
	struct bt_buf clear, nothing;

	must(sealed.ptr != NULL && again.ptr != NULL);
	seal_raw(&head, bytes, sealed.ptr);
	if (bt_parcel_open_cargo(key, &head, bt_bytes_of_buf(&sealed), &clear, &cargo) == 0) {
		must(bt_parcel_cargo_len(&cargo) == sealed.len);
		must(bt_parcel_close_cargo(key, &head, &cargo, again.ptr) == 0);
		must(bt_bytes_equal(bt_bytes_of_buf(&again), bt_bytes_of_buf(&sealed)));
		head.slot++;
		must(bt_parcel_open_cargo(key, &head, bt_bytes_of_buf(&sealed), &nothing, &none) == BT_ERR_HANDOVER);
		head.slot--;
		sealed.ptr[bytes.ptr[bytes.len - 1] % sealed.len] ^= 1;
		must(bt_parcel_open_cargo(key, &head, bt_bytes_of_buf(&sealed), &nothing, &none) == BT_ERR_HANDOVER);
		bt_buf_free(&clear);
	} else {
		must(clear.ptr == NULL && cargo.cred.ptr == NULL && cargo.data.ptr == NULL);
	}
	bt_buf_free(&sealed);
	bt_buf_free(&again);
}

/* The smallest context there is. */
static struct bt_ctx *
new_context(void)
{
	uint8_t subkey[32] = {1};
	struct bt_ctx_state state = {
	    .stage = BT_CTX_OPEN,
	    .expires_at = BT_CTX_NEVER,
	    .subkey_enctype = 18,
	    .subkey = {subkey, sizeof subkey},
	};
	struct bt_ctx *ctx;

	must(bt_ctx_state_build(&state, &mech, mech.oid, (struct bt_mechs){mechs, 1}, &ctx) == 0);
	return ctx;
}

static void
change(struct bt_rd changes, uint8_t *bytes, size_t len)
{
	while (changes.left >= 3) {
		size_t at = bt_rd_be16(&changes) % len;

		bytes[at] ^= bt_rd_u8(&changes);
	}
}

static void
try_message(struct bt_bytes changes)
{
	static const struct bt_parcel_cargo cargo = {{(const uint8_t *)"cred", 4}, {(const uint8_t *)"data", 4}};
	static const struct bt_transfer_wish wish;
	static int real[2], fake[2];
	static struct bt_ctx *ctx;
	uint8_t before[4096], bytes[4096];
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct iovec part = {bytes, sizeof bytes};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	struct bt_handover handover;
	struct bt_receipt receipt;
	ssize_t len;
	int fds[4];

	if (ctx == NULL) {
		ctx = new_context();
		must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, real) == 0);
		must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fake) == 0);
	}
	must(bt_handover_send(real[0], ctx, &wish, &cargo, -1, false, &handover) == 0);
	must((len = recvmsg(real[1], &m, 0)) > 0);
	memcpy(fds, CMSG_DATA(&control.head), control.head.cmsg_len - CMSG_LEN(0));
	memcpy(before, bytes, (size_t)len);
	change(bt_rd_of(changes), bytes, (size_t)len);
	part.iov_len = (size_t)len;
	must(sendmsg(fake[0], &m, 0) == len);
	close(fds[0]);
	if (bt_handover_recv(fake[1], (struct bt_mechs){mechs, 1}, &receipt) == 0) {
		must(memcmp(before, bytes, (size_t)len) == 0);
		must(bt_bytes_equal(receipt.cargo.cred, cargo.cred) && bt_bytes_equal(receipt.cargo.data, cargo.data));
		must(bt_receipt_take(&receipt) == 0);
		bt_ctx_free(receipt.ctx);
		bt_receipt_done(&receipt);
		must(bt_handover_take_back(&handover) == BT_ERR_HANDOVER_TAKEN);
	} else {
		must(memcmp(before, bytes, (size_t)len) != 0);
		must(bt_handover_take_back(&handover) == 0);
	}
	bt_handover_done(&handover);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bt_rd rd = bt_rd_of(bt_bytes_of(data, len));
	uint8_t what = bt_rd_u8(&rd);
	struct bt_bytes rest = bt_rd_rest(&rd);

	if (what % 3 == 0)
		try_head(rest);
	else if (what % 3 == 1)
		try_cargo(rest);
	else
		try_message(rest);
	return 0;
}
