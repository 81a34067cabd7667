#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/iakerb.h"
#include "wire/rec.h"

/*
 * The saved form: an acceptor that carries, or what Kerberos waits with when that is over. Rows are facts of the protocol; tags
 * are never used again for something else.
 */
struct saved {
	struct bt_bytes conversation;
	uint8_t num_hops;
	struct bt_bytes kerberos;
};

enum { KERBEROS_MAX = 4096 };

static const struct bt_rec_field fields[] = {
    BT_REC_FIELD(saved, conversation, 1, BT_REC_BYTES, false, true, 1, BT_IAKERB_CONVERSATION_MAX),
    BT_REC_FIELD(saved, num_hops, 2, BT_REC_U8, false, true, 1, BT_IAKERB_HOPS_MAX),
    BT_REC_FIELD(saved, kerberos, 3, BT_REC_BYTES, true, true, 1, KERBEROS_MAX),
};
static const struct bt_rec rec = {fields, sizeof fields / sizeof fields[0]};

struct bt_iakerb *
bt_iakerb_of(const struct bt_ctx *ctx)
{
	const struct bt_krb5_pending *pending = ctx->pending;

	return pending != NULL ? pending->exchange : NULL;
}

struct bt_bytes
bt_iakerb_conversation(const struct bt_ctx *ctx)
{
	const struct bt_iakerb *exchange = bt_iakerb_of(ctx);

	return exchange != NULL ? bt_wr_written(&exchange->conversation) : (struct bt_bytes){0};
}

int
bt_iakerb_begin(struct bt_ctx *ctx)
{
	struct bt_krb5_pending pending = {.wait = BT_KRB5_EXPECT_PROXY};
	int e;

	if ((pending.exchange = bt_mem_alloc(sizeof *pending.exchange)) == NULL)
		return BT_ERR_NOMEM;
	bt_wr_init(&pending.exchange->conversation);
	if ((e = bt_krb5_pending_new(ctx, &pending)) != 0)
		bt_iakerb_free(pending.exchange);
	return e;
}

void
bt_iakerb_free(struct bt_iakerb *exchange)
{
	if (exchange == NULL)
		return;
	bt_iakerb_client_free(exchange->client);
	bt_wr_done(&exchange->conversation);
	bt_mem_free(exchange);
}

int
bt_iakerb_remember(struct bt_iakerb *exchange, struct bt_bytes token)
{
	if (token.len > BT_IAKERB_CONVERSATION_MAX - exchange->conversation.len)
		return BT_ERR_TOO_LARGE;
	bt_wr_bytes(&exchange->conversation, token);
	return exchange->conversation.failed ? BT_ERR_NOMEM : 0;
}

int
bt_iakerb_pending_save(const struct bt_ctx *ctx, struct bt_wr *out)
{
	const struct bt_iakerb *exchange = bt_iakerb_of(ctx);
	struct saved saved = {0};
	struct bt_wr kerberos;
	int e = 0;

	bt_wr_init(&kerberos);
	if (exchange == NULL) {
		e = bt_krb5_pending_save(ctx, &kerberos);
		saved.kerberos = bt_wr_written(&kerberos);
	} else if (exchange->client != NULL) {
		e = bt_err_note(BT_ERR_NOT_TRANSFERABLE,
				"the initiator is still getting its tickets, and libkrb5 keeps how far it is");
	} else {
		saved.conversation = bt_wr_written(&exchange->conversation);
		saved.num_hops = (uint8_t)exchange->num_hops;
	}
	if (e == 0)
		e = bt_rec_encode(&rec, &saved, out);
	bt_wr_done(&kerberos);
	return e;
}

static int
load_exchange(struct bt_ctx *ctx, const struct saved *saved)
{
	struct bt_iakerb *exchange;
	int e = bt_iakerb_begin(ctx);

	if (e != 0)
		return e;
	exchange = bt_iakerb_of(ctx);
	exchange->num_hops = saved->num_hops;
	if ((e = bt_iakerb_remember(exchange, saved->conversation)) != 0) {
		bt_krb5_pending_free(ctx);
		ctx->stage = BT_CTX_NEW;
	}
	return e;
}

int
bt_iakerb_pending_load(struct bt_ctx *ctx, struct bt_mechs mechs, struct bt_bytes bytes)
{
	struct saved saved;
	int e = bt_rec_decode(&rec, bytes, &saved);

	if (e != 0)
		return e;
	/* One or the other; and only an acceptor carries, and has carried something. */
	if (saved.kerberos.len != 0)
		return saved.conversation.len != 0 || saved.num_hops != 0 ? BT_ERR_MALFORMED
									  : bt_krb5_pending_load(ctx, mechs, saved.kerberos);
	if (ctx->is_initiator || saved.conversation.len == 0 || saved.num_hops == 0)
		return BT_ERR_MALFORMED;
	return load_exchange(ctx, &saved);
}
