#include "mech/mech.h"

#include <stdatomic.h>

#include "base/err.h"
#include "base/mem.h"

static char *
put_text(char **at, const char *text, size_t len)
{
	char *start = *at;

	if (len != 0)
		memcpy(start, text, len);
	start[len] = '\0';
	*at += len + 1;
	return start;
}

static struct bt_mn *
new_name(int32_t kind, bool is_anonymous, struct bt_bytes text, const char *service, const char *host,
	 struct bt_bytes attributes)
{
	size_t service_len = service != NULL ? strlen(service) : 0, host_len = host != NULL ? strlen(host) : 0;
	struct bt_mn *mn;
	char *at;

	/* All parts are at most as long as a name that is in memory already: the sum cannot wrap. */
	mn = bt_mem_alloc(sizeof *mn + text.len + service_len + host_len + 3 + attributes.len);
	if (mn == NULL)
		return NULL;
	at = (char *)(mn + 1);
	atomic_init(&mn->refs, 1);
	mn->kind = kind;
	mn->is_anonymous = is_anonymous;
	mn->text = put_text(&at, (const char *)text.ptr, text.len);
	mn->service = service != NULL ? put_text(&at, service, service_len) : NULL;
	mn->host = host != NULL ? put_text(&at, host, host_len) : NULL;
	if (attributes.len != 0)
		mn->attributes = bt_bytes_of(memcpy(at, attributes.ptr, attributes.len), attributes.len);
	return mn;
}

struct bt_mn *
bt_mn_new(int32_t kind, bool is_anonymous, struct bt_bytes text, const char *service, const char *host)
{
	return new_name(kind, is_anonymous, text, service, host, (struct bt_bytes){0});
}

struct bt_mn *
bt_mn_with_attributes(const struct bt_mn *mn, struct bt_bytes attributes, bool is_vouched_for)
{
	struct bt_mn *new = new_name(mn->kind, mn->is_anonymous, bt_bytes_of_str(mn->text), mn->service, mn->host, attributes);

	if (new != NULL)
		new->is_vouched_for = is_vouched_for;
	return new;
}

bool
bt_mn_is_equal(const struct bt_mech *mech, const struct bt_mn *a, const struct bt_mn *b)
{
	return mech->name_equal != NULL ? mech->name_equal(a, b) : strcmp(a->text, b->text) == 0;
}

void
bt_mn_attribute_done(struct bt_attribute *attribute)
{
	bt_buf_free(&attribute->value);
	bt_buf_free(&attribute->shown);
}

struct bt_mn *
bt_mn_share(struct bt_mn *mn)
{
	if (mn != NULL)
		atomic_fetch_add_explicit(&mn->refs, 1, memory_order_relaxed);
	return mn;
}

void
bt_mn_free(struct bt_mn *mn)
{
	if (mn == NULL || atomic_fetch_sub_explicit(&mn->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (mn->native != NULL)
		mn->native->free(mn->native);
	bt_mem_wipe((void *)(uintptr_t)mn->attributes.ptr, mn->attributes.len);
	bt_mem_free(mn);
}

struct bt_ctx *
bt_ctx_new(const struct bt_mech *mech, bool is_initiator)
{
	struct bt_ctx *ctx = bt_mem_alloc(sizeof *ctx);

	if (ctx == NULL)
		return NULL;
	ctx->mech = mech;
	ctx->wire_oid = mech->oid;
	ctx->stage = BT_CTX_NEW;
	ctx->is_initiator = is_initiator;
	return ctx;
}

void
bt_ctx_free(struct bt_ctx *ctx)
{
	if (ctx == NULL)
		return;
	if (ctx->pending != NULL)
		ctx->mech->pending_free(ctx);
	bt_msg_free(ctx->msg);
	bt_mn_free(ctx->initiator);
	bt_mn_free(ctx->acceptor);
	bt_buf_free(&ctx->authz);
	bt_mem_free(ctx);
}

int
bt_ctx_initiator(const struct bt_ctx *ctx, struct bt_mn **out)
{
	*out = NULL;
	if (ctx->initiator != NULL && ctx->vouched != 0 && ctx->mech->name_of_initiator != NULL)
		return ctx->mech->name_of_initiator(ctx, out);
	*out = bt_mn_share(ctx->initiator);
	return 0;
}

void
bt_answers_free(struct bt_answers *answers)
{
	for (size_t i = 0; i < answers->num_items; i++)
		bt_buf_free(&answers->items[i]);
	bt_mem_free(answers->items);
	*answers = (struct bt_answers){0};
}

int
bt_answers_add(struct bt_answers *answers, struct bt_buf *item)
{
	struct bt_buf *items = bt_mem_alloc((answers->num_items + 1) * sizeof *items);

	if (items == NULL) {
		bt_buf_free(item);
		return BT_ERR_NOMEM;
	}
	if (answers->num_items != 0)
		memcpy(items, answers->items, answers->num_items * sizeof *items);
	items[answers->num_items] = *item;
	bt_mem_free(answers->items);
	answers->items = items;
	answers->num_items++;
	*item = (struct bt_buf){0};
	return 0;
}

int
bt_answers_add_copy(struct bt_answers *answers, struct bt_bytes bytes)
{
	struct bt_buf copy;
	int e = bt_buf_dup(bytes, &copy);

	return e != 0 ? e : bt_answers_add(answers, &copy);
}

const struct bt_mech *
bt_mech_find(const struct bt_mech *const *mechs, size_t num_mechs, struct bt_bytes oid, struct bt_bytes *wire_oid)
{
	for (size_t i = 0; i < num_mechs; i++) {
		const struct bt_bytes *spelling = &mechs[i]->oid;

		if (!bt_bytes_equal(*spelling, oid)) {
			spelling = mechs[i]->aliases;
			while (spelling != NULL && spelling->len != 0 && !bt_bytes_equal(*spelling, oid))
				spelling++;
		}
		if (spelling != NULL && spelling->len != 0) {
			if (wire_oid != NULL)
				*wire_oid = *spelling;
			return mechs[i];
		}
	}
	return NULL;
}
