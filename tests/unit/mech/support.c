#include "support.h"

#include <stdio.h>

struct bt_mn *
import_name(const char *text, const char *type, size_t type_len)
{
	struct bt_mn *mn = NULL;
	int e = bt_mech_krb5.name_import(&bt_mech_krb5, bt_bytes_of_str(text), bt_bytes_of(type, type_len), &mn);

	if (e != 0)
		fail_msg("import of %s: %d %s", text, e, bt_err_noted(e) != NULL ? bt_err_noted(e) : "");
	return mn;
}

struct bt_mn *
service_name(const char *text)
{
	return import_name(text, HOSTBASED, sizeof HOSTBASED - 1);
}

struct bt_mcred *
acquire(const char *name, enum bt_usage usage, const struct bt_store_entry *store, size_t num_store)
{
	struct bt_mn *mn = name == NULL ? NULL : usage == BT_USAGE_ACCEPT ? service_name(name) : import_name(name, NULL, 0);
	struct bt_cred_request request = {.name = mn, .usage = usage, .store = store, .num_store = num_store};
	struct bt_mcred *cred = NULL;
	int e = bt_mech_krb5.cred_acquire(&request, &cred);

	bt_mn_free(mn);
	if (e != 0)
		fail_msg("acquire: %d %s", e, bt_err_noted(e) != NULL ? bt_err_noted(e) : "");
	return cred;
}

struct bt_ctx *
reload(struct bt_ctx *ctx)
{
	struct bt_ctx *fresh = bt_ctx_new(ctx->mech, ctx->is_initiator);
	struct bt_wr wr;

	bt_wr_init(&wr);
	assert_int_equal(ctx->mech->pending_save(ctx, &wr), 0);
	fresh->flags = ctx->flags;
	fresh->wire_oid = ctx->wire_oid;
	fresh->expires_at = ctx->expires_at;
	fresh->authtime = ctx->authtime;
	fresh->ticket_flags = ctx->ticket_flags;
	fresh->initiator = bt_mn_share(ctx->initiator);
	fresh->acceptor = bt_mn_share(ctx->acceptor);
	if (ctx->authz.len != 0)
		assert_int_equal(bt_buf_dup(bt_bytes_of_buf(&ctx->authz), &fresh->authz), 0);
	fresh->vouched = ctx->vouched;
	assert_int_equal(fresh->mech->pending_load(fresh, (struct bt_mechs){0}, bt_wr_written(&wr)), 0);
	assert_int_equal(fresh->stage, BT_CTX_EXPECT_TOKEN);
	bt_wr_done(&wr);
	bt_ctx_free(ctx);
	return fresh;
}

static void
reload_if_half_open(struct bt_ctx **ctx)
{
	if ((*ctx)->stage == BT_CTX_EXPECT_TOKEN)
		*ctx = reload(*ctx);
}

void
pair_run(struct pair *pair)
{
	struct bt_mn *target = service_name(pair->service != NULL ? pair->service : "host@server.baton.test");
	struct bt_buf token = {0}, reply = {0};

	pair->initiator = bt_ctx_new(&bt_mech_krb5, true);
	pair->acceptor = bt_ctx_new(&bt_mech_krb5, false);
	while (pair->initiator->stage != BT_CTX_OPEN || pair->acceptor->stage != BT_CTX_OPEN) {
		if (pair->initiator->stage != BT_CTX_OPEN) {
			struct bt_init_step step = {.cred = pair->initiator_cred,
						    .target = target,
						    .flags = pair->flags,
						    .bindings = pair->initiator_bindings,
						    .token = bt_bytes_of_buf(&reply)};

			pair->init_error = bt_mech_krb5.init(pair->initiator, &step, &token);
			bt_buf_free(&reply);
			if (pair->init_error != 0)
				break;
			if (pair->reloads)
				reload_if_half_open(&pair->initiator);
			if (token.len == 0)
				continue;
			if (++pair->legs == 1)
				assert_int_equal(bt_buf_dup(bt_bytes_of_buf(&token), &pair->first), 0);
			if (pair->spoil != NULL)
				pair->spoil(&token, pair->legs, pair->spoil_arg);
		}
		{
			struct bt_accept_step step = {
			    .cred = pair->acceptor_cred, .bindings = pair->acceptor_bindings, .token = bt_bytes_of_buf(&token)};

			pair->accept_error =
			    bt_mech_krb5.accept(pair->acceptor, &step, &reply,
						pair->wants_delegated && pair->delegated == NULL ? &pair->delegated : NULL);
			bt_buf_free(&token);
			if (pair->accept_error != 0 && reply.len == 0)
				break;
			if (pair->accept_error == 0 && pair->reloads)
				reload_if_half_open(&pair->acceptor);
			if (reply.len != 0) {
				pair->legs++;
				if (pair->spoil != NULL)
					pair->spoil(&reply, pair->legs, pair->spoil_arg);
			}
			if (pair->accept_error != 0 && pair->initiator->stage == BT_CTX_OPEN)
				break;
		}
	}
	bt_buf_free(&token);
	bt_buf_free(&reply);
	bt_mn_free(target);
}

void
pair_open(struct pair *pair)
{
	pair_run(pair);
	if (pair->init_error != 0 || pair->accept_error != 0)
		fail_msg("init %d (%s), accept %d (%s)", pair->init_error,
			 bt_err_noted(pair->init_error) != NULL ? bt_err_noted(pair->init_error) : "", pair->accept_error,
			 bt_err_noted(pair->accept_error) != NULL ? bt_err_noted(pair->accept_error) : "");
	assert_int_equal(pair->initiator->stage, BT_CTX_OPEN);
	assert_int_equal(pair->acceptor->stage, BT_CTX_OPEN);
	assert_null(pair->initiator->pending);
	assert_null(pair->acceptor->pending);
}

void
pair_done(struct pair *pair)
{
	bt_ctx_free(pair->initiator);
	bt_ctx_free(pair->acceptor);
	bt_mech_krb5.cred_free(pair->delegated);
	bt_buf_free(&pair->first);
	pair->initiator = pair->acceptor = NULL;
	pair->delegated = NULL;
}

static void
one_way(struct bt_msg *from, struct bt_msg *to, bool conf)
{
	struct bt_bytes text = bt_bytes_of_str("so much to say, so little time");
	struct bt_buf token, plain;
	enum bt_msg_order order;
	bool was_conf;

	assert_int_equal(bt_msg_wrap(from, conf, text, &token), 0);
	assert_int_equal(bt_msg_unwrap(to, bt_bytes_of_buf(&token), &plain, &was_conf, &order), 0);
	assert_int_equal(was_conf, conf);
	assert_int_equal(order, BT_MSG_IN_ORDER);
	assert_true(bt_bytes_equal(bt_bytes_of_buf(&plain), text));
	bt_buf_free(&plain);
	bt_buf_free(&token);
}

void
both_ways(struct bt_msg *a, struct bt_msg *b)
{
	one_way(a, b, true);
	one_way(b, a, true);
	one_way(a, b, false);
	one_way(b, a, false);
}
