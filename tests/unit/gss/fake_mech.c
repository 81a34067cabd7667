#include "fake_mech.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/oid.h"
#include "wire/frame.h"

struct fake fake;

struct bt_mcred {
	enum bt_usage usage;
	struct bt_mn *name;
};

static const struct bt_bytes exported_type = BT_OID("\x2b\x06\x01\x05\x06\x04");
static const struct bt_bytes anonymous_type = BT_OID("\x2b\x06\x01\x05\x06\x03");
static const struct bt_bytes service_type = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04");
static const struct bt_bytes user_type = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x01");
static const struct bt_bytes principal_type = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01");

static int64_t
expiry(void)
{
	return bt_clock_wall_s() + (fake.expires_in_s != 0 ? fake.expires_in_s : 3600);
}

/* "a@b" of a service becomes "a/b"; "bad" is no name. */
static int
name_import(const struct bt_mech *mech, struct bt_bytes text, struct bt_bytes type, struct bt_mn **out)
{
	char copy[64];

	if (bt_bytes_equal(type, anonymous_type)) {
		*out = bt_mn_new(1, true, bt_bytes_of_str("ANONYMOUS"), NULL, NULL);
		return *out != NULL ? 0 : BT_ERR_NOMEM;
	}
	if (type.len != 0 && !bt_bytes_equal(type, exported_type) && !bt_bytes_equal(type, service_type) &&
	    !bt_bytes_equal(type, user_type) && !bt_bytes_equal(type, principal_type))
		return BT_ERR_BAD_NAMETYPE;
	if (bt_bytes_equal(text, bt_bytes_of_str("bad")) || text.len >= sizeof copy)
		return BT_ERR_BAD_NAME;
	memcpy(copy, text.ptr, text.len);
	for (size_t i = 0; i < text.len; i++)
		if (copy[i] == '@' && bt_bytes_equal(type, service_type))
			copy[i] = '/';
	*out = bt_mn_new(1, false, bt_bytes_of(copy, text.len), NULL, NULL);
	return *out != NULL ? 0 : BT_ERR_NOMEM;
}

static struct bt_bytes
name_type(const struct bt_mn *mn)
{
	return mn->is_anonymous ? anonymous_type : principal_type;
}

static int
name_export(const struct bt_mn *mn, struct bt_wr *out)
{
	bt_wr_bytes(out, bt_bytes_of_str(mn->text));
	return 0;
}

/* Everybody may use the account "root" and no other. */
static int
name_account(const struct bt_mn *mn, struct bt_buf *out)
{
	return bt_buf_dup(bt_bytes_of_str("root"), out);
}

static int
name_may_use(const struct bt_mn *mn, const char *account, bool *out)
{
	*out = strcmp(account, "root") == 0;
	return 0;
}

/* Names have the attribute "colour", which is red and green, and can be had as a "thing". */
static int
name_attributes(const struct bt_mn *mn, struct bt_answers *out)
{
	return bt_answers_add_copy(out, bt_bytes_of_str("colour"));
}

static int
name_attribute(const struct bt_mn *mn, struct bt_bytes attribute, int *more, struct bt_attribute *out)
{
	bool is_first = *more == -1;

	*more = 0;
	if (!bt_bytes_equal(attribute, bt_bytes_of_str("colour")))
		return ENOENT;
	*more = is_first;
	out->is_authenticated = mn->is_vouched_for;
	out->is_complete = true;
	return bt_buf_dup(bt_bytes_of_str(is_first ? "red" : "green"), &out->value);
}

static int
name_map(const struct bt_mn *mn, struct bt_bytes type, void **out)
{
	if (!bt_bytes_equal(type, bt_bytes_of_str("thing")))
		return ENOENT;
	*out = bt_mem_alloc(1);
	return *out != NULL ? 0 : BT_ERR_NOMEM;
}

static int
name_unmap(const struct bt_mn *mn, struct bt_bytes type, void *object)
{
	if (!bt_bytes_equal(type, bt_bytes_of_str("thing")))
		return ENOENT;
	bt_mem_free(object);
	return 0;
}

static struct bt_mcred *
new_cred(enum bt_usage usage, const struct bt_mn *name)
{
	struct bt_mcred *cred = bt_mem_alloc(sizeof *cred);

	if (cred == NULL)
		return NULL;
	cred->usage = usage;
	cred->name = bt_mn_share((struct bt_mn *)(uintptr_t)name);
	return cred;
}

static int
cred_acquire(const struct bt_cred_request *request, struct bt_mcred **out)
{
	int e = fake.acquire_error;

	fake.acquire_error = 0;
	if (e != 0)
		return bt_err_note(e, "acquiring failed on purpose");
	*out = new_cred(request->usage, request->name);
	return *out != NULL ? 0 : BT_ERR_NOMEM;
}

static int
cred_inquire(const struct bt_mech *mech, struct bt_mcred *cred, struct bt_cred_facts *out)
{
	*out = (struct bt_cred_facts){
		.name = cred != NULL ? bt_mn_share(cred->name) : NULL,
		.usage = cred != NULL ? cred->usage : BT_USAGE_INITIATE,
		.initiator_expires_at = expiry(),
		.acceptor_expires_at = BT_CTX_NEVER,
	};
	return 0;
}

static void
cred_free(struct bt_mcred *cred)
{
	if (cred == NULL)
		return;
	bt_mn_free(cred->name);
	bt_mem_free(cred);
}

static int
cred_store(struct bt_mcred *cred, const struct bt_cred_storage *storage)
{
	if (storage->usage == BT_USAGE_ACCEPT)
		return BT_ERR_STORE_ACCEPTOR_CRED;
	return storage->overwrites || !fake.is_stored ? 0 : BT_ERR_DUPLICATE_ELEMENT;
}

static int
cred_impersonate(struct bt_mcred *impersonator, const struct bt_mn *name, uint32_t lifetime_s, struct bt_mcred **out)
{
	*out = new_cred(BT_USAGE_INITIATE, name);
	return *out != NULL ? 0 : BT_ERR_NOMEM;
}

/* Options of gssapi_krb5.h: 13 makes a credential, the others change nothing. */
static int
cred_set(const struct bt_mech *mech, struct bt_mcred **cred, struct bt_bytes what, void *value, size_t len)
{
	if (what.len != 11)
		return BT_ERR_UNAVAILABLE;
	if (what.ptr[10] == 13)
		return (*cred = new_cred(BT_USAGE_BOTH, NULL)) != NULL ? 0 : BT_ERR_NOMEM;
	return 0;
}

/* Who is impersonated is one who cannot accept. */
static int
cred_ask(struct bt_mcred *cred, struct bt_bytes what, struct bt_answers *out)
{
	if (what.len != 11 || what.ptr[10] != 14)
		return BT_ERR_UNAVAILABLE;
	return cred->usage == BT_USAGE_INITIATE ? bt_answers_add_copy(out, bt_bytes_of_str("host/server")) : 0;
}

static int
cred_export(struct bt_mcred *cred, struct bt_wr *out)
{
	bt_wr_u8(out, (uint8_t)cred->usage);
	return 0;
}

static int
cred_import(const struct bt_mech *mech, struct bt_bytes token, struct bt_mcred **out)
{
	if (token.len != 1 || token.ptr[0] > BT_USAGE_ACCEPT)
		return BT_ERR_DEFECTIVE_TOKEN;
	*out = new_cred(token.ptr[0], NULL);
	return *out != NULL ? 0 : BT_ERR_NOMEM;
}

static int
open_context(struct bt_ctx *ctx)
{
	struct bt_msg_state state = {
		.is_initiator = ctx->is_initiator,
		.detects_replay = true,
		.detects_sequence = true,
		.subkey = {.enctype = 18, .len = 32},
	};
	int e = bt_msg_new(&state, &ctx->msg);

	if (e != 0)
		return e;
	ctx->stage = BT_CTX_OPEN;
	ctx->expires_at = expiry();
	ctx->flags |= BT_CTX_PROT_READY | BT_CTX_TRANS | BT_CTX_CONF | BT_CTX_INTEG;
	return 0;
}

static int
send_token(const struct bt_ctx *ctx, const char *body, struct bt_buf *out)
{
	struct bt_wr wr;

	bt_wr_init(&wr);
	bt_frame_write(&wr, ctx->wire_oid, bt_bytes_of_str(body));
	return bt_wr_take(&wr, out);
}

static bool
is_token(struct bt_bytes token, const char *body)
{
	struct bt_bytes found, found_body;

	return bt_frame_read(token, &found, &found_body) == 0 && bt_bytes_equal(found_body, bt_bytes_of_str(body));
}

static int
step_error(struct bt_ctx *ctx, int *error, struct bt_buf *token_out)
{
	int e = *error;

	*error = 0;
	if (e != 0 && fake.error_has_token && send_token(ctx, "sorry", token_out) != 0)
		return BT_ERR_NOMEM;
	return e;
}

static int
init(struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *token_out)
{
	int e = step_error(ctx, &fake.init_error, token_out);

	if (step->bindings != NULL)
		fake.bindings_type = step->bindings->initiator_addrtype;
	if (e != 0)
		return e;
	if (ctx->stage == BT_CTX_EXPECT_TOKEN) {
		if (!is_token(step->token, "02"))
			return BT_ERR_BAD_TOK_HEADER;
		bt_mem_free(ctx->pending);
		ctx->pending = NULL;
		return open_context(ctx);
	}
	ctx->flags = (step->flags & ~(uint32_t)BT_CTX_PROT_READY) | BT_CTX_TRANS;
	ctx->acceptor = bt_mn_share((struct bt_mn *)(uintptr_t)step->target);
	ctx->initiator = bt_mn_new(1, false, bt_bytes_of_str("alice@REALM"), NULL, NULL);
	if (ctx->initiator == NULL || (e = send_token(ctx, "01", token_out)) != 0)
		return BT_ERR_NOMEM;
	if ((step->flags & BT_CTX_MUTUAL) == 0) {
		if ((e = open_context(ctx)) != 0)
			bt_buf_free(token_out);
		return e;
	}
	if ((ctx->pending = bt_mem_alloc(1)) == NULL) {
		bt_buf_free(token_out);
		return BT_ERR_NOMEM;
	}
	ctx->stage = BT_CTX_EXPECT_TOKEN;
	return 0;
}

static int
accept_step(struct bt_ctx *ctx, const struct bt_accept_step *step, struct bt_buf *token_out, struct bt_mcred **delegated)
{
	int e = step_error(ctx, &fake.accept_error, token_out);

	if (step->bindings != NULL)
		fake.bindings_type = step->bindings->initiator_addrtype;
	if (e != 0)
		return e;
	if (!is_token(step->token, "01"))
		return BT_ERR_TRUNCATED;
	ctx->initiator = bt_mn_new(1, false, bt_bytes_of_str("alice@REALM"), NULL, NULL);
	ctx->acceptor = bt_mn_new(1, false, bt_bytes_of_str("host/server"), NULL, NULL);
	if (ctx->initiator == NULL || ctx->acceptor == NULL || (e = send_token(ctx, "02", token_out)) != 0)
		return BT_ERR_NOMEM;
	if (fake.delegates && (*delegated = new_cred(BT_USAGE_INITIATE, ctx->initiator)) == NULL)
		e = BT_ERR_NOMEM;
	if (fake.delegates)
		ctx->flags |= BT_CTX_DELEG;
	if (e != 0 || (e = open_context(ctx)) != 0)
		bt_buf_free(token_out);
	return e;
}

static void
pending_free(struct bt_ctx *ctx)
{
	bt_mem_free(ctx->pending);
	ctx->pending = NULL;
}

static int
pending_save(const struct bt_ctx *ctx, struct bt_wr *out)
{
	bt_wr_u8(out, 1);
	return 0;
}

static int
pending_load(struct bt_ctx *ctx, struct bt_mechs mechs, struct bt_bytes saved)
{
	return (ctx->pending = bt_mem_alloc(1)) != NULL ? 0 : BT_ERR_NOMEM;
}

/* An address, as Kerberos answers with. */
static int
answer_lucid(struct bt_answers *out)
{
	void *lucid = bt_mem_alloc(1);
	int e;

	if (lucid == NULL)
		return BT_ERR_NOMEM;
	if ((e = bt_answers_add_copy(out, bt_bytes_of(&lucid, sizeof lucid))) != 0)
		bt_mem_free(lucid);
	return e;
}

/* The questions of gssapi_krb5.h: numbers in the host's order. The session key is "key" of an enctype. */
static int
inquire(const struct bt_ctx *ctx, struct bt_bytes what, struct bt_answers *out)
{
	static const uint8_t start[] = "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05";
	const int32_t number = 0x1234;
	struct bt_buf item;
	int e;

	if (!bt_bytes_has_prefix(what, bt_bytes_of(start, sizeof start - 1)) || what.len < sizeof start)
		return BT_ERR_UNAVAILABLE;
	switch (what.ptr[sizeof start - 1]) {
	case 1:
	case 12:
		e = bt_buf_dup(bt_bytes_of(&number, sizeof number), &item);
		return e != 0 ? e : bt_answers_add(out, &item);
	case 5:
		if ((e = bt_buf_dup(bt_bytes_of_str("key"), &item)) != 0 || (e = bt_answers_add(out, &item)) != 0)
			return e;
		e = bt_buf_dup(bt_bytes_of_str("type"), &item);
		return e != 0 ? e : bt_answers_add(out, &item);
	case 6:
		return answer_lucid(out);
	case 10:
		e = bt_buf_dup(bt_bytes_of(what.ptr + sizeof start, what.len - sizeof start), &item);
		return e != 0 ? e : bt_answers_add(out, &item);
	default:
		return BT_ERR_UNAVAILABLE;
	}
}

/* 7 frees what was answered to question 6; 3, 8 and 9 do nothing. */
static int
invoke(const struct bt_mech *mech, struct bt_bytes what, void *value, size_t len)
{
	switch (what.len != 0 ? what.ptr[what.len - 1] : 0) {
	case 7:
		bt_mem_free(value);
		return value != NULL ? 0 : EINVAL;
	case 3:
	case 8:
	case 9:
		return 0;
	default:
		return BT_ERR_UNAVAILABLE;
	}
}

static void
error_text(const struct bt_mech *mech, int err, char *text, size_t text_len)
{
	snprintf(text, text_len, "fake error %d", err);
}

const struct bt_mech bt_mech_krb5 = {
    .oid = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"),
    .aliases = (const struct bt_bytes[]){BT_OID("\x2a\x86\x48\x82\xf7\x12\x01\x02\x02"), {0}},
    .name_types = (const struct bt_bytes[]){BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x01"),
					    BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04"),
					    BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01"),
					    {0}},
    .attributes =
	(const struct bt_bytes[]){BT_OID("\x2b\x06\x01\x05\x05\x0d\x01"), BT_OID("\x2b\x06\x01\x05\x05\x0d\x1b"), {0}},
    .sasl_name = "GS2-KRB5",
    .short_name = "krb5",
    .description = "Kerberos 5 GSS-API Mechanism",
    .name_import = name_import,
    .name_type = name_type,
    .name_export = name_export,
    .name_account = name_account,
    .name_may_use = name_may_use,
    .name_attributes = name_attributes,
    .name_attribute = name_attribute,
    .name_map = name_map,
    .name_unmap = name_unmap,
    .cred_acquire = cred_acquire,
    .cred_inquire = cred_inquire,
    .cred_free = cred_free,
    .cred_store = cred_store,
    .cred_impersonate = cred_impersonate,
    .cred_set = cred_set,
    .cred_ask = cred_ask,
    .cred_export = cred_export,
    .cred_import = cred_import,
    .init = init,
    .accept = accept_step,
    .pending_save = pending_save,
    .pending_load = pending_load,
    .pending_free = pending_free,
    .inquire = inquire,
    .invoke = invoke,
    .error_text = error_text,
};

/* The same under another OID, for those who name it. */
const struct bt_mech bt_mech_iakerb = {
    .oid = BT_OID("\x2b\x06\x01\x05\x02\x05"),
    .names_oid = BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"),
    .name_types = (const struct bt_bytes[]){BT_OID("\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04"), {0}},
    .attributes =
	(const struct bt_bytes[]){BT_OID("\x2b\x06\x01\x05\x05\x0d\x01"), BT_OID("\x2b\x06\x01\x05\x05\x0d\x08"), {0}},
    .sasl_name = "GS2-IAKERB",
    .short_name = "iakerb",
    .description = "Initial and Pass Through Authentication Kerberos Mechanism (IAKERB)",
    .name_import = name_import,
    .name_type = name_type,
    .name_export = name_export,
    .cred_acquire = cred_acquire,
    .cred_inquire = cred_inquire,
    .cred_free = cred_free,
    .cred_set = cred_set,
    .cred_ask = cred_ask,
    .cred_export = cred_export,
    .cred_import = cred_import,
    .init = init,
    .accept = accept_step,
    .pending_save = pending_save,
    .pending_load = pending_load,
    .pending_free = pending_free,
    .inquire = inquire,
    .invoke = invoke,
    .error_text = error_text,
};

gss_name_t
fake_target(void)
{
	gss_buffer_desc text = {sizeof "host@server" - 1, (void *)(uintptr_t) "host@server"};
	gss_name_t name;
	OM_uint32 minor;

	assert_int_equal(gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &name), GSS_S_COMPLETE);
	return name;
}

struct fake_pair
fake_establish(OM_uint32 req_flags)
{
	gss_buffer_desc first = GSS_C_EMPTY_BUFFER, second = GSS_C_EMPTY_BUFFER, last = GSS_C_EMPTY_BUFFER;
	gss_name_t target = fake_target();
	struct fake_pair pair = {0};
	OM_uint32 minor, major;

	major = gss_init_sec_context(&minor, NULL, &pair.initiator, target, NULL, req_flags, 0, NULL, NULL, NULL, &first, NULL,
				     NULL);
	assert_int_equal(major, (req_flags & GSS_C_MUTUAL_FLAG) != 0 ? GSS_S_CONTINUE_NEEDED : GSS_S_COMPLETE);
	major = gss_accept_sec_context(&minor, &pair.acceptor, NULL, &first, NULL, NULL, NULL, &second, NULL, NULL, NULL);
	assert_int_equal(major, GSS_S_COMPLETE);
	if ((req_flags & GSS_C_MUTUAL_FLAG) != 0)
		assert_int_equal(gss_init_sec_context(&minor, NULL, &pair.initiator, target, NULL, req_flags, 0, NULL, &second,
						      NULL, &last, NULL, NULL),
				 GSS_S_COMPLETE);
	gss_release_buffer(&minor, &first);
	gss_release_buffer(&minor, &second);
	gss_release_name(&minor, &target);
	return pair;
}

void
fake_finish(struct fake_pair *pair)
{
	OM_uint32 minor;

	gss_delete_sec_context(&minor, &pair->initiator, NULL);
	gss_delete_sec_context(&minor, &pair->acceptor, NULL);
}
