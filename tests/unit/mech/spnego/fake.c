#include "fake.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/oid.h"

struct fake fakes[NUM_FAKES];
size_t fake_creds;

static int which(const struct bt_mech *mech);

/* ctx->pending: legs done. */
static int
open_context(struct bt_ctx *ctx)
{
	struct bt_msg_state state = {
	    .is_initiator = ctx->is_initiator,
	    .detects_sequence = true,
	    .subkey = {.enctype = 17, .len = 16, .bytes = "sixteen bytes..."},
	};
	int e = bt_msg_new(&state, &ctx->msg);

	if (e != 0)
		return e;
	bt_mem_free(ctx->pending);
	ctx->pending = NULL;
	ctx->flags |= BT_CTX_PROT_READY | BT_CTX_TRANS | (fakes[which(ctx->mech)].unprotected ? 0 : BT_CTX_INTEG);
	ctx->expires_at = BT_CTX_NEVER;
	ctx->stage = BT_CTX_OPEN;
	return 0;
}

/* Takes leg n, unless it is 0, and sends the next one, unless there is none. */
static int
step(struct bt_ctx *ctx, struct bt_bytes token, struct bt_buf *token_out)
{
	const struct fake *fake = &fakes[which(ctx->mech)];
	uint8_t text[2] = {(uint8_t)('A' + which(ctx->mech))};
	uint8_t *done = ctx->pending;
	int e;

	if (ctx->stage == BT_CTX_OPEN)
		return BT_ERR_CONTEXT_ESTABLISHED;
	if (done == NULL && (ctx->pending = done = bt_mem_alloc(1)) == NULL)
		return BT_ERR_NOMEM;
	if (token.len == 1 && token.ptr[0] == '!')
		return FAKE_ERROR;
	if (*done == 0 && ctx->is_initiator ? token.len != 0 : token.len != 2 || token.ptr[0] != text[0])
		return BT_ERR_DEFECTIVE_TOKEN;
	if (token.len != 0) {
		if (token.ptr[1] != '1' + *done)
			return BT_ERR_DEFECTIVE_TOKEN;
		++*done;
	}
	if (*done < fake->legs) {
		text[1] = (uint8_t)('1' + (*done)++);
		if ((e = bt_buf_dup(bt_bytes_of(text, 2), token_out)) != 0)
			return e;
	}
	ctx->stage = BT_CTX_EXPECT_TOKEN;
	return *done == fake->legs ? open_context(ctx) : 0;
}

static int
init(struct bt_ctx *ctx, const struct bt_init_step *asked, struct bt_buf *token_out)
{
	if (ctx->stage == BT_CTX_NEW && fakes[which(ctx->mech)].init_error != 0)
		return fakes[which(ctx->mech)].init_error;
	return step(ctx, asked->token, token_out);
}

static int
accept_step(struct bt_ctx *ctx, const struct bt_accept_step *asked, struct bt_buf *token_out, struct bt_mcred **delegated)
{
	const struct fake *fake = &fakes[which(ctx->mech)];
	bool is_first = ctx->stage == BT_CTX_NEW;
	int e = fake->accept_error;

	if (e != 0) {
		(void)bt_buf_dup(bt_bytes_of_str("!"), token_out);
		return e;
	}
	if ((e = step(ctx, asked->token, token_out)) != 0 || !is_first || !fake->delegates)
		return e;
	if ((*delegated = bt_mem_alloc(1)) == NULL)
		return BT_ERR_NOMEM;
	fake_creds++;
	ctx->flags |= BT_CTX_DELEG;
	return 0;
}

static void
cred_free(struct bt_mcred *cred)
{
	fake_creds -= cred != NULL;
	bt_mem_free(cred);
}

static int
pending_save(const struct bt_ctx *ctx, struct bt_wr *out)
{
	bt_wr_u8(out, *(uint8_t *)ctx->pending);
	return out->failed ? BT_ERR_NOMEM : 0;
}

static int
pending_load(struct bt_ctx *ctx, struct bt_mechs mechs, struct bt_bytes saved)
{
	if (saved.len != 1 || saved.ptr[0] > 4)
		return BT_ERR_MALFORMED;
	return (ctx->pending = bt_mem_dup(saved.ptr, 1)) != NULL ? 0 : BT_ERR_NOMEM;
}

static void
pending_free(struct bt_ctx *ctx)
{
	bt_mem_free(ctx->pending);
	ctx->pending = NULL;
}

/* Only A has another spelling. */
static const struct bt_bytes aliases[] = {BT_OID("\x2a\x03\x09"), {0}};

#define FAKE(last, spellings)                                                                               \
	{                                                                                                   \
		.oid = BT_OID("\x2a\x03" last), .aliases = spellings, .cred_free = cred_free, .init = init, \
		.accept = accept_step, .pending_save = pending_save, .pending_load = pending_load,          \
		.pending_free = pending_free,                                                               \
	}
static const struct bt_mech mechs[NUM_FAKES] = {FAKE("\x01", aliases), FAKE("\x02", NULL), FAKE("\x03", NULL)};

const struct bt_mech *const fake_mechs[NUM_FAKES + 1] = {&mechs[0], &mechs[1], &mechs[2], &bt_mech_spnego};

static int
which(const struct bt_mech *mech)
{
	return (int)(mech - mechs);
}
