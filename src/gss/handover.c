#include "transfer/handover.h"

#include <baton/baton.h>
#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "gss/call.h"
#include "gss/credential.h"
#include "gss/handle.h"
#include "gss/interposed.h"
#include "gss/mechs.h"
#include "gss/wish.h"

#define HANDLE_HANDOVER UINT64_C(0x42617448616e644f)

struct baton_handover_struct {
	uint64_t magic;
	struct bt_handover sent;
	gss_ctx_id_t kept; /* the context, which nobody uses until it is taken back; NULL: it was received */
};

_Static_assert((int)BATON_HANDOVER_WAITING == (int)BT_HANDOVER_WAITS &&
	       (int)BATON_HANDOVER_RECEIVED == (int)BT_HANDOVER_RECEIVED &&
	       (int)BATON_HANDOVER_REFUSED == (int)BT_HANDOVER_REFUSED &&
	       (int)BATON_HANDOVER_EXPIRED == (int)BT_HANDOVER_EXPIRED, "public and private states");

/* The mechanism in whose name sockets fail, whatever goes through them: so one number always means the same. */
static const struct bt_mech *
speaker(void)
{
	return bt_mechs_all().list[0];
}

/* The socket does not wait, or a signal came: nothing has happened, and the call can be made again. */
static bool
is_to_be_repeated(struct bt_call *call, int err)
{
	if (err != EAGAIN && err != EINTR)
		return false;
	bt_call_refuse_as(call, speaker(), GSS_S_CONTINUE_NEEDED, err);
	return true;
}

static struct baton_handover_struct *
handover_of(struct bt_call *call, baton_handover_t handover)
{
	if (handover == NULL)
		bt_call_refuse(call, GSS_S_CALL_INACCESSIBLE_READ | GSS_S_NO_CONTEXT, 0);
	else if (handover->magic != HANDLE_HANDOVER)
		bt_call_refuse(call, GSS_S_CALL_BAD_STRUCTURE | GSS_S_NO_CONTEXT, 0);
	return bt_call_failed(call) ? NULL : handover;
}

/* The other end has the context: what is kept of it here is of no use but to thieves. */
static void
forget_kept(struct baton_handover_struct *handover)
{
	bt_context_handle_free(handover->kept);
	handover->kept = NULL;
}

static void
free_handover(struct baton_handover_struct *handover)
{
	if (handover == NULL)
		return;
	bt_handover_done(&handover->sent);
	forget_kept(handover);
	handover->magic = 0;
	bt_mem_free(handover);
}

/* ---- the sender ---- */

/* What goes along; the credential's bytes, which are secret, in cred. */
static void
read_cargo(struct bt_call *call, const struct baton_cargo *from, struct bt_wr *cred, struct bt_parcel_cargo *to)
{
	const struct gss_cred_id_struct *handle;

	if (from == NULL)
		return;
	if (from->version != BATON_CARGO_VERSION) {
		bt_call_refuse(call, GSS_S_CALL_BAD_STRUCTURE, 0);
		return;
	}
	to->data = bt_call_input(call, &from->data, 0);
	if ((handle = bt_call_cred(call, from->cred)) == NULL)
		return;
	bt_cred_put_parts(call, handle, cred);
	if (cred->failed)
		bt_call_error(call, NULL, BT_ERR_NOMEM);
	to->cred = bt_wr_written(cred);
}

BT_CALL_ZEROES_REGISTERS OM_uint32
baton_send_sec_context(OM_uint32 *minor_status, int socket, gss_ctx_id_t *context_handle, const struct baton_cargo *cargo,
		       const struct baton_transfer_options *options, baton_handover_t *handover)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct baton_handover_struct *made = NULL;
	struct bt_transfer_wish wish = {0};
	struct bt_parcel_cargo along = {0};
	struct bt_handover sent;
	struct bt_ctx *ctx;
	struct bt_wr cred;
	int e;

	if (handover != NULL)
		*handover = NULL;
	bt_wr_init(&cred);
	ctx = bt_call_context_to_use(&call, context_handle != NULL ? *context_handle : GSS_C_NO_CONTEXT);
	read_cargo(&call, cargo, &cred, &along);
	bt_call_error(&call, NULL, bt_gss_wish_of(options, &wish));
	if (!bt_call_failed(&call) && handover != NULL && (made = bt_mem_alloc(sizeof *made)) == NULL)
		bt_call_error(&call, NULL, BT_ERR_NOMEM);
	if (!bt_call_failed(&call))
		bt_gss_unfold(&call, *context_handle);
	if (!bt_call_failed(&call))
		bt_call_give_context(&call, *context_handle);
	if (!bt_call_failed(&call)) {
		ctx = (*context_handle)->ctx;
		e = bt_handover_send(socket, ctx, &wish, &along, cargo != NULL ? cargo->fd : -1, made != NULL, &sent);
		if (e != 0)
			bt_claim_own_keep(&(*context_handle)->own);
		if (!is_to_be_repeated(&call, e) && e != 0)
			bt_call_error(&call, speaker(), e);
	}
	bt_wr_done(&cred);
	if (call.major != GSS_S_COMPLETE) {
		bt_mem_free(made);
		return bt_call_end(&call);
	}
	/* From here on the context is on its way, and nothing may fail. */
	if (made != NULL) {
		*made = (struct baton_handover_struct){HANDLE_HANDOVER, sent, *context_handle};
		*handover = made;
	} else {
		bt_handover_done(&sent);
		bt_context_handle_free(*context_handle);
	}
	*context_handle = GSS_C_NO_CONTEXT;
	return bt_call_end(&call);
}

OM_uint32
baton_handover_status(OM_uint32 *minor_status, baton_handover_t handover, int *state)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct baton_handover_struct *h;

	bt_call_empty_int(state);
	h = handover_of(&call, handover);
	bt_call_wants(&call, state, 0);
	if (bt_call_failed(&call))
		return bt_call_end(&call);
	*state = (int)bt_handover_state_of(&h->sent);
	if (*state == BATON_HANDOVER_RECEIVED)
		forget_kept(h);
	return bt_call_end(&call);
}

int
baton_handover_fd(baton_handover_t handover)
{
	OM_uint32 minor;
	struct bt_call call = bt_call_begin(&minor);
	struct baton_handover_struct *h = handover_of(&call, handover);

	return h != NULL ? bt_handover_listen(&h->sent) : -1;
}

OM_uint32
baton_take_back_sec_context(OM_uint32 *minor_status, baton_handover_t *handover, gss_ctx_id_t *context_handle)
{
	struct bt_call call = bt_call_begin(minor_status);
	struct baton_handover_struct *h;

	if (context_handle != NULL)
		*context_handle = GSS_C_NO_CONTEXT;
	h = handover_of(&call, handover != NULL ? *handover : NULL);
	bt_call_wants(&call, context_handle, 0);
	if (bt_call_failed(&call))
		return bt_call_end(&call);
	bt_call_error(&call, speaker(), bt_handover_take_back(&h->sent));
	if (bt_call_failed(&call)) {
		forget_kept(h);
		return bt_call_end(&call);
	}
	bt_claim_own_keep(&h->kept->own);
	*context_handle = h->kept;
	h->kept = NULL;
	free_handover(h);
	*handover = NULL;
	return bt_call_end(&call);
}

OM_uint32
baton_release_handover(OM_uint32 *minor_status, baton_handover_t *handover)
{
	struct bt_call call = bt_call_begin_release(minor_status);

	if (handover == NULL || *handover == NULL)
		return bt_call_end(&call);
	free_handover(handover_of(&call, *handover));
	if (!bt_call_failed(&call))
		*handover = NULL;
	return bt_call_end(&call);
}

/* ---- the receiver ---- */

/* What came along, for a receiver that wants it; made before the last step, for it may fail. */
static void
make_cargo(struct bt_call *call, struct bt_receipt *receipt, struct baton_cargo *to)
{
	struct bt_buf data = {0};

	if (receipt->cargo.cred.len != 0)
		to->cred = bt_cred_of_parts(call, receipt->cargo.cred);
	if (!bt_call_failed(call) && receipt->cargo.data.len != 0)
		bt_call_error(call, NULL, bt_buf_dup(receipt->cargo.data, &data));
	bt_call_give(call, &data, &to->data);
}

static void
drop_cargo(struct baton_cargo *cargo)
{
	struct bt_buf data = {cargo->data.value, cargo->data.length};

	bt_buf_free(&data);
	bt_cred_free(cargo->cred);
}

/* Who wants no cargo gets none: the connection is closed. */
static void
give(struct bt_receipt *receipt, struct baton_cargo *made, struct baton_cargo *cargo)
{
	if (cargo != NULL) {
		made->fd = receipt->connection;
		*cargo = *made;
	} else if (receipt->connection >= 0) {
		close(receipt->connection);
	}
	bt_receipt_done(receipt);
}

/* To a receiver, a context that has expired on its way is as gone as one that was taken back. */
static void
receive_error(struct bt_call *call, int err)
{
	if (err == BT_ERR_CONTEXT_EXPIRED)
		bt_call_refuse_as(call, speaker(), GSS_S_NO_CONTEXT, err);
	else if (err != 0)
		bt_call_error(call, speaker(), err);
}

static void
receive(struct bt_call *call, int socket, gss_ctx_id_t handle, struct baton_cargo *cargo)
{
	struct baton_cargo made = BATON_CARGO_INIT;
	struct bt_receipt receipt;
	int e = bt_handover_recv(socket, bt_mechs_all(), &receipt);

	if (is_to_be_repeated(call, e))
		return;
	receive_error(call, e);
	if (bt_call_failed(call))
		return;
	if (cargo != NULL)
		make_cargo(call, &receipt, &made);
	if (bt_call_failed(call))
		bt_receipt_refuse(&receipt, call->err != 0 ? call->err : BT_ERR_HANDOVER);
	else
		receive_error(call, bt_receipt_take(&receipt));
	if (bt_call_failed(call)) {
		drop_cargo(&made);
		return;
	}
	handle->ctx = receipt.ctx;
	give(&receipt, &made, cargo);
}

BT_CALL_ZEROES_REGISTERS OM_uint32
baton_recv_sec_context(OM_uint32 *minor_status, int socket, gss_ctx_id_t *context_handle, struct baton_cargo *cargo)
{
	struct bt_call call = bt_call_begin(minor_status);
	gss_ctx_id_t handle = NULL;

	if (context_handle != NULL)
		*context_handle = GSS_C_NO_CONTEXT;
	if (cargo != NULL && cargo->version != BATON_CARGO_VERSION)
		bt_call_refuse(&call, GSS_S_CALL_BAD_STRUCTURE, 0);
	else if (cargo != NULL)
		*cargo = (struct baton_cargo)BATON_CARGO_INIT;
	bt_call_wants(&call, context_handle, 0);
	/* The handle comes before the context: after the claim is taken nothing may fail. */
	if (!bt_call_failed(&call) && (handle = bt_context_handle_new(NULL)) == NULL)
		bt_call_error(&call, NULL, BT_ERR_NOMEM);
	if (handle != NULL)
		receive(&call, socket, handle, cargo);
	if (call.major == GSS_S_COMPLETE)
		*context_handle = handle;
	else
		bt_context_handle_free(handle);
	return bt_call_end(&call);
}
