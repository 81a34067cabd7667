/* The sender's side. */
#include "transfer/handover.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "claim/memory.h"
#include "transfer/draft.h"
#include "transfer/event.h"
#include "transfer/limits.h"
#include "transfer/passing.h"

/* A message being put together. */
struct outgoing {
	struct bt_parcel_head head;
	uint8_t head_bytes[BT_PARCEL_HEAD_LEN];
	struct bt_buf token, cargo; /* sealed */
	int file;                   /* that they are in, or -1 */
	int fds[BT_PARCEL_FDS_MAX];
	unsigned num_fds;
};

static void
outgoing_done(struct outgoing *out)
{
	bt_buf_free(&out->token);
	bt_buf_free(&out->cargo);
	if (out->file >= 0)
		close(out->file);
}

#ifndef SO_PEERPIDFD
enum { SO_PEERPIDFD = 77 };
#endif

/*
 * On a socket nobody's account matters but one that was named, by the call or a setting: the memory file serves whoever gets it. What
 * was said without a word for exports, "user", is not said here.
 */
static int
fill_audience(struct bt_audience_rule *rule, struct bt_seal_header *header)
{
	if (rule->says_own) {
		rule->bits |= BT_AUDIENCE_ACCOUNT;
		rule->uid = geteuid();
	}
	header->uid = rule->uid;
	return bt_transfer_audience_of(rule, (rule->bits & BT_AUDIENCE_ACCOUNT) != 0, &header->audience);
}

/*
 * The audience has the time at which the named process was started. Is the one that connected still there after that was looked up? Then
 * it is the same and not a later one of its number. Older kernels cannot say.
 */
static int
check_peer_lives(int socket)
{
	struct pollfd ended = {.events = POLLIN};
	socklen_t len = sizeof ended.fd;
	bool has_ended;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &ended.fd, &len) != 0)
		return errno == ESRCH ? bt_err_note(BT_ERR_HANDOVER_PEER, "the process that connected has ended") : 0;
	has_ended = poll(&ended, 1, 0) > 0;
	close(ended.fd);
	return has_ended ? bt_err_note(BT_ERR_HANDOVER_PEER, "the process that connected has ended") : 0;
}

/*
 * Is the process at the other end one that the context is for? A pair of sockets knows who made it and not who has its other end:
 * there it is up to the receiver, who asks the same.
 */
static int
check_peer(int socket, const struct bt_channel *channel, const struct bt_audience_rule *rule)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	if ((rule->bits & (BT_AUDIENCE_ACCOUNT | BT_AUDIENCE_PID)) == 0 || bt_channel_is_pair(channel))
		return 0;
	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return errno;
	if ((rule->bits & BT_AUDIENCE_ACCOUNT) != 0 && peer.uid != rule->uid)
		return bt_err_note(BT_ERR_HANDOVER_PEER, "the socket's other end is user %lu's, and the context is for user %lu",
				   (unsigned long)peer.uid, (unsigned long)rule->uid);
	if ((rule->bits & BT_AUDIENCE_PID) != 0 && peer.pid != (pid_t)rule->pid)
		return bt_err_note(BT_ERR_HANDOVER_PEER, "the socket's other end is process %ld, and the context is for process %ld",
				   (long)peer.pid, (long)rule->pid);
	return (rule->bits & BT_AUDIENCE_PID) != 0 ? check_peer_lives(socket) : 0;
}

/* The token, under a claim of a channel that has one left. */
static int
draft(int socket, struct bt_ctx *ctx, const struct bt_transfer_policy *policy, struct bt_handover *handover, uint8_t *key,
      struct bt_buf *token)
{
	int64_t ttl_ms;
	int e;

	if ((e = bt_transfer_ttl(ctx, policy->ttl_s, &ttl_ms)) != 0)
		return e;
	/* Twice, if the first one is full. */
	for (int i = 0; i < 2; i++) {
		if ((e = bt_channel_of(socket, &handover->channel)) != 0 ||
		    (e = check_peer(socket, handover->channel, &policy->audience)) != 0)
			return e;
		e = bt_transfer_draft(ctx, bt_channel_claims(handover->channel), ttl_ms, &handover->header, key, token);
		if (e != BT_ERR_STORE_FULL)
			return e;
		bt_channel_is_full(handover->channel);
		bt_channel_free(handover->channel);
		handover->channel = NULL;
	}
	return e;
}

static int
seal_cargo(const uint8_t *key, const struct bt_parcel_cargo *cargo, struct outgoing *out)
{
	size_t len = bt_parcel_cargo_len(cargo);

	if (len == 0)
		return 0;
	if ((out->cargo.ptr = bt_mem_alloc_raw(len)) == NULL)
		return BT_ERR_NOMEM;
	out->cargo.len = len;
	return bt_parcel_close_cargo(key, &out->head, cargo, out->cargo.ptr);
}

static int
write_all(int fd, struct bt_bytes bytes)
{
	ssize_t n;

	for (size_t at = 0; at < bytes.len; at += (size_t)n) {
		if ((n = write(fd, bytes.ptr + at, bytes.len - at)) < 0 && errno != EINTR)
			return errno;
		if (n < 0)
			n = 0;
	}
	return 0;
}

/* What is longer than the socket takes at once goes into a file of its own, which comes along. */
static int
fill_file(struct outgoing *out)
{
	int e;

	if ((out->file = memfd_create("baton-context", MFD_CLOEXEC)) < 0)
		return errno;
	if ((e = write_all(out->file, bt_bytes_of_buf(&out->token))) != 0)
		return e;
	return write_all(out->file, bt_bytes_of_buf(&out->cargo));
}

/* In the order that parcel.h writes down; the file, which is not filled yet, comes later into its place. */
static void
gather_fds(struct bt_handover *handover, int connection, bool has_waker, struct outgoing *out)
{
	int waker = has_waker ? bt_channel_waker(handover->channel) : -1;

	out->fds[out->num_fds++] = bt_claim_memory_fd(bt_channel_claims(handover->channel));
	if ((out->head.flags & BT_PARCEL_FILE) != 0)
		out->fds[out->num_fds++] = -1;
	if (waker >= 0) {
		handover->has_waker = true;
		out->head.flags |= BT_PARCEL_WAKER;
		out->fds[out->num_fds++] = waker;
	}
	if (connection >= 0) {
		out->head.flags |= BT_PARCEL_CONNECTION;
		out->fds[out->num_fds++] = connection;
	}
}

static int
send_parts(int socket, struct outgoing *out)
{
	struct iovec parts[] = {
	    {out->head_bytes, sizeof out->head_bytes},
	    {out->token.ptr, out->token.len},
	    {out->cargo.ptr, out->cargo.len},
	};

	size_t num = (out->head.flags & BT_PARCEL_FILE) != 0 ? 1 : out->cargo.len == 0 ? 2 : 3;

	bt_parcel_write_head(&out->head, out->head_bytes);
	return bt_passing_send(socket, parts, num, out->fds, out->num_fds);
}

/* Everything but the last step. On error the claim, if one is reserved, is still to be cancelled. */
static int
pack(int socket, const uint8_t *key, const struct bt_parcel_cargo *cargo, int connection, bool has_waker,
     struct bt_handover *handover, struct outgoing *out)
{
	const struct bt_claim_ref *claim = &handover->header.claim;
	size_t cargo_len = bt_parcel_cargo_len(cargo), len = BT_PARCEL_HEAD_LEN + out->token.len + cargo_len;
	int e;

	if (out->token.len > BT_TRANSFER_TOKEN_MAX || cargo->data.len > BT_TRANSFER_DATA_MAX || cargo_len > BT_TRANSFER_CARGO_MAX)
		return BT_ERR_TOO_LARGE;
	out->head.token_len = (uint32_t)out->token.len;
	out->head.cargo_len = (uint32_t)cargo_len;
	out->head.slot = claim->slot;
	out->head.generation = claim->generation;
	memcpy(out->head.store_id, claim->store_id, sizeof out->head.store_id);
	if (len > BT_HANDOVER_ROOM_MIN && len > bt_passing_room(socket))
		out->head.flags |= BT_PARCEL_FILE;
	gather_fds(handover, connection, has_waker, out);
	if ((e = seal_cargo(key, cargo, out)) != 0)
		return e;
	if ((out->head.flags & BT_PARCEL_FILE) != 0) {
		if ((e = fill_file(out)) != 0)
			return e;
		out->fds[1] = out->file;
	}
	return 0;
}

static int
try_to_send(int socket, struct bt_ctx *ctx, const struct bt_transfer_policy *policy, const struct bt_parcel_cargo *cargo,
	    int connection, bool has_waker, struct bt_handover *handover)
{
	struct outgoing out = {.file = -1};
	uint8_t key[BT_CLAIM_KEY_LEN];
	struct bt_claim_store *claims;
	int e;

	if ((e = draft(socket, ctx, policy, handover, key, &out.token)) != 0)
		return e;
	claims = bt_channel_claims(handover->channel);
	/* The receiver may be faster than the return from sendmsg, so the claim is good before. */
	if ((e = pack(socket, key, cargo, connection, has_waker, handover, &out)) != 0 ||
	    (e = bt_claim_activate(claims, &handover->header.claim, key)) != 0 || (e = send_parts(socket, &out)) != 0)
		bt_claim_cancel(claims, &handover->header.claim);
	bt_mem_wipe(key, sizeof key);
	outgoing_done(&out);
	return e;
}

int
bt_handover_send(int socket, struct bt_ctx *ctx, const struct bt_transfer_wish *wish, const struct bt_parcel_cargo *cargo,
		 int connection, bool has_waker, struct bt_handover *out)
{
	struct bt_transfer_policy policy;
	int e;

	*out = (struct bt_handover){.oid = ctx->wire_oid};
	if ((e = bt_transfer_policy_of(wish, &policy)) == 0)
		ctx->leaves_authz = !policy.has_authdata;
	if (e == 0 && (e = fill_audience(&policy.audience, &out->header)) == 0)
		e = try_to_send(socket, ctx, &policy, cargo, connection, has_waker, out);
	/* That a socket is full is no news. */
	if (e != EAGAIN && e != EINTR)
		bt_transfer_tell(e == 0 ? BT_TRANSFER_SENT : BT_TRANSFER_NOT_SENT, e, out->oid, e == 0 ? &out->header : NULL);
	if (e != 0) {
		bt_channel_free(out->channel);
		*out = (struct bt_handover){0};
	}
	return e;
}

enum bt_handover_state
bt_handover_state_of(struct bt_handover *handover)
{
	const struct bt_claim_ref *claim = &handover->header.claim;

	/* First, so that what changes after the look is heard. */
	bt_channel_hear(handover->channel);
	switch (bt_claim_memory_fate(bt_channel_claims(handover->channel), claim)) {
	case BT_CLAIM_WAITS:
		return bt_clock_boot_ms() >= claim->expires_at ? BT_HANDOVER_EXPIRED : BT_HANDOVER_WAITS;
	case BT_CLAIM_REFUSED:
		return BT_HANDOVER_REFUSED;
	case BT_CLAIM_TAKEN:
	default:
		return BT_HANDOVER_RECEIVED;
	}
}

int
bt_handover_listen(struct bt_handover *handover)
{
	return handover->has_waker ? bt_channel_listen(handover->channel) : -1;
}

int
bt_handover_take_back(struct bt_handover *handover)
{
	if (bt_claim_memory_take_back(bt_channel_claims(handover->channel), &handover->header.claim) != 0)
		return BT_ERR_HANDOVER_TAKEN;
	bt_transfer_tell(BT_TRANSFER_TAKEN_BACK, 0, handover->oid, &handover->header);
	return 0;
}

void
bt_handover_done(struct bt_handover *handover)
{
	if (handover->channel == NULL)
		return;
	/* A child that tidies up what it has copies of does not decide for its parent. */
	if (!bt_channel_is_inherited(handover->channel))
		bt_claim_memory_let_go(bt_channel_claims(handover->channel), &handover->header.claim);
	bt_channel_free(handover->channel);
	handover->channel = NULL;
}
