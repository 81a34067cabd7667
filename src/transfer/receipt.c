/* The receiver's side of a hand-over. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "claim/memory.h"
#include "transfer/draft.h"
#include "transfer/event.h"
#include "transfer/handover.h"
#include "transfer/limits.h"
#include "transfer/passing.h"

/* A message as it came: its token's bytes are in buf or in heap. */
struct incoming {
	struct bt_parcel_head head;
	struct bt_passing_fds fds;
	int file; /* of fds, or -1 */
	struct bt_bytes token, cargo;
	uint8_t buf[BT_HANDOVER_ROOM_MAX];
	uint8_t *heap;
};

static void
incoming_done(struct incoming *in)
{
	bt_passing_close(&in->fds);
	bt_mem_free(in->heap);
}

/* A descriptor that is not closed with the others. */
static int
keep_fd(struct incoming *in, unsigned i)
{
	int fd = in->fds.list[i];

	in->fds.list[i] = -1;
	return fd;
}

/* What each descriptor is for. It is the order alone that says so, and each is looked at before it is used. */
static int
sort_fds(struct incoming *in, struct bt_receipt *out)
{
	unsigned next = 1;

	out->slot = in->head.slot;
	out->generation = in->head.generation;
	if (in->fds.num != bt_parcel_num_fds(&in->head))
		return BT_ERR_HANDOVER;
	if ((in->head.flags & BT_PARCEL_FILE) != 0)
		in->file = in->fds.list[next++];
	if ((in->head.flags & BT_PARCEL_WAKER) != 0)
		out->waker = keep_fd(in, next++);
	if ((in->head.flags & BT_PARCEL_CONNECTION) != 0)
		out->connection = keep_fd(in, next);
	return 0;
}

/* Of a file that its sender may change or cut short meanwhile, nothing worse comes than bytes that the seal does not fit. */
static int
read_file(struct incoming *in, size_t len)
{
	struct stat st;
	ssize_t n;

	/* Only memory files have seals. Anything else might wait, for a process that means to hold us. */
	if (fcntl(in->file, F_GET_SEALS) < 0 || fstat(in->file, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < 0 || (uint64_t)st.st_size != len)
		return BT_ERR_HANDOVER;
	if ((in->heap = bt_mem_alloc_raw(len)) == NULL)
		return BT_ERR_NOMEM;
	for (size_t at = 0; at < len; at += (size_t)n)
		if ((n = pread(in->file, in->heap + at, len - at, (off_t)at)) <= 0)
			return BT_ERR_HANDOVER;
	return 0;
}

/* Token and cargo, from where they are. got: bytes in buf. */
static int
find_body(int socket, struct incoming *in, size_t got)
{
	size_t len = bt_parcel_body_len(&in->head), whole = BT_PARCEL_HEAD_LEN + len;
	uint8_t *body = in->buf + BT_PARCEL_HEAD_LEN;
	int e;

	if (in->file >= 0) {
		if (got != BT_PARCEL_HEAD_LEN)
			return BT_ERR_HANDOVER;
		if ((e = read_file(in, len)) != 0)
			return e;
		body = in->heap;
	} else if (whole > sizeof in->buf || got > whole) {
		return BT_ERR_HANDOVER;
	} else if (got < whole && (e = bt_passing_recv_rest(socket, in->buf + got, whole - got)) != 0) {
		return e;
	}
	in->token = bt_bytes_of(body, in->head.token_len);
	in->cargo = bt_bytes_of(body + in->head.token_len, in->head.cargo_len);
	return 0;
}

/* Is this process of the account that was named, if one was? */
static int
admit(const struct bt_seal_header *header)
{
	if ((header->audience.bits & BT_AUDIENCE_ACCOUNT) != 0 && header->uid != geteuid())
		return bt_err_note(BT_ERR_TOKEN_USER, "the context is for processes of user %lu", (unsigned long)header->uid);
	return 0;
}

static int
open_cargo(const struct incoming *in, const uint8_t *key, struct bt_receipt *out)
{
	if (in->cargo.len == 0)
		return 0;
	return bt_parcel_open_cargo(key, &in->head, in->cargo, &out->clear, &out->cargo);
}

/* All that import does, but for the last step, with claims from elsewhere. */
static int
open_token(const struct incoming *in, struct bt_mechs mechs, const struct bt_seal_parts *parts, struct bt_receipt *out)
{
	uint8_t key[BT_CLAIM_KEY_LEN];
	int e;

	if ((e = admit(&parts->header)) != 0 || (e = bt_claim_read(out->claims, &parts->header.claim, key)) != 0)
		return e == BT_ERR_TOKEN_STORE || e == BT_ERR_MALFORMED ? BT_ERR_HANDOVER : e;
	if ((e = bt_transfer_open(mechs.list, mechs.num, parts, key, &out->ctx)) == 0)
		e = open_cargo(in, key, out);
	bt_mem_wipe(key, sizeof key);
	return e;
}

static int
unpack(int socket, struct incoming *in, size_t got, struct bt_mechs mechs, struct bt_receipt *out)
{
	struct bt_seal_parts parts;
	const struct bt_mech *mech;
	int e;

	if ((e = bt_parcel_read_head(bt_bytes_of(in->buf, got < BT_PARCEL_HEAD_LEN ? got : BT_PARCEL_HEAD_LEN), &in->head)) != 0 ||
	    (e = sort_fds(in, out)) != 0 || (e = bt_claim_memory_open(in->fds.list[0], in->head.store_id, &out->claims)) != 0 ||
	    (e = find_body(socket, in, got)) != 0 || (e = bt_seal_read(in->token, &parts)) != 0)
		return e;
	if ((mech = bt_mech_find(mechs.list, mechs.num, parts.oid, &out->oid)) == NULL)
		return BT_ERR_TOKEN_FORMAT;
	out->header = parts.header;
	if (parts.header.claim.slot != out->slot || parts.header.claim.generation != out->generation ||
	    !bt_claim_is_of(out->claims, &parts.header.claim))
		return BT_ERR_HANDOVER;
	return open_token(in, mechs, &parts, out);
}

int
bt_handover_recv(int socket, struct bt_mechs mechs, struct bt_receipt *out)
{
	struct incoming in;
	size_t got;
	int e;

	*out = (struct bt_receipt){.connection = -1, .waker = -1};
	in.file = -1;
	in.heap = NULL;
	e = bt_passing_recv(socket, in.buf, sizeof in.buf, &got, &in.fds);
	/* Nothing came. */
	if (e != 0 && e != BT_ERR_HANDOVER)
		return e;
	if (e == 0)
		e = unpack(socket, &in, got, mechs, out);
	if (e != 0)
		bt_receipt_refuse(out, e);
	incoming_done(&in);
	return e;
}

void
bt_receipt_refuse(struct bt_receipt *receipt, int err)
{
	bt_transfer_tell(BT_TRANSFER_REFUSED, err, receipt->oid, receipt->oid.len != 0 ? &receipt->header : NULL);
	if (receipt->claims != NULL)
		bt_claim_memory_refuse(receipt->claims, receipt->slot, receipt->generation);
	bt_ctx_free(receipt->ctx);
	receipt->ctx = NULL;
	if (receipt->connection >= 0)
		close(receipt->connection);
	receipt->connection = -1;
	bt_receipt_done(receipt);
}

int
bt_receipt_take(struct bt_receipt *receipt)
{
	int e = bt_claim_take(receipt->claims, &receipt->header.claim);

	if (e != 0)
		bt_receipt_refuse(receipt, e);
	else
		bt_transfer_tell(BT_TRANSFER_RECEIVED, 0, receipt->oid, &receipt->header);
	return e;
}

void
bt_receipt_done(struct bt_receipt *receipt)
{
	/* Whatever was done with the claim: its maker may want to know. */
	if (receipt->waker >= 0 && receipt->claims != NULL && bt_claim_memory_wants_wake(receipt->claims))
		bt_channel_wake(receipt->waker);
	if (receipt->waker >= 0)
		close(receipt->waker);
	receipt->waker = -1;
	bt_buf_free(&receipt->clear);
	receipt->cargo = (struct bt_parcel_cargo){0};
	bt_claim_memory_free(receipt->claims);
	receipt->claims = NULL;
}
