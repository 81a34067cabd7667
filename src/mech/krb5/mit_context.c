#include <errno.h>

#include "base/err.h"
#include "base/mem.h"
#include "mech/krb5/mech_krb5.h"
#include "mech/krb5/mit_token.h"
#include "mech/limits.h"

/* The numbers of the bare cipher, under which MIT's library keeps the key of DES3 for its tokens. */
enum { DES3_CBC_RAW = 6 };

/* Flags of RFC 2744 and its extensions; others are the exporter's own. */
enum {
	KNOWN_FLAGS = BT_CTX_DELEG | BT_CTX_MUTUAL | BT_CTX_REPLAY | BT_CTX_SEQUENCE | BT_CTX_CONF | BT_CTX_INTEG | BT_CTX_ANON |
		      BT_CTX_PROT_READY | BT_CTX_TRANS | BT_CTX_CHANNEL_BOUND | BT_CTX_DCE_STYLE | BT_CTX_IDENTIFY |
		      BT_CTX_EXTENDED_ERROR | BT_CTX_DELEG_POLICY
};

/* ---- do its parts belong together? ---- */

static bool
is_legacy_copy(const struct bt_krb5_mit_key *copy, const struct bt_krb5_mit_key *key)
{
	int32_t enctype = key->enctype == BT_CRYPTO_DES3_CBC_SHA1 ? (int32_t)DES3_CBC_RAW : key->enctype;

	return copy->enctype == enctype && copy->bytes.len == key->bytes.len &&
	       bt_mem_equal(copy->bytes.ptr, key->bytes.ptr, key->bytes.len);
}

/*
 * The key that messages are made with tells their kind, RFC 4121 or RFC 1964. If it is an old one it is there twice more; and
 * if only the initiator's is, then that may be, as long as tokens made with it could have come.
 */
static bool
keys_agree(const struct bt_krb5_mit_token *token)
{
	const struct bt_krb5_mit_key *session = token->acceptor_subkey.bytes.len != 0 ? &token->acceptor_subkey : &token->subkey;
	bool is_legacy = bt_krb5_is_legacy(session->enctype);

	if (token->subkey.bytes.len == 0 || token->is_rfc4121 == is_legacy)
		return false;
	if (token->cipher_key.bytes.len == 0)
		return !is_legacy && token->number_key.bytes.len == 0;
	if (!is_legacy)
		session = &token->subkey;
	return bt_krb5_is_legacy(session->enctype) && is_legacy_copy(&token->cipher_key, session) &&
	       is_legacy_copy(&token->number_key, session);
}

/*
 * The window is what it was set up as when the flags were agreed on. How wide its numbers are was settled before the acceptor's
 * subkey was known, so that either may be with such a key.
 */
static bool
window_agrees(const struct bt_krb5_mit_token *token)
{
	const struct bt_krb5_mit_window *window = &token->window;

	if (!window->is_there)
		return !token->is_open;
	return window->detects_replay == ((token->flags & BT_CTX_REPLAY) != 0) &&
	       window->detects_sequence == ((token->flags & BT_CTX_SEQUENCE) != 0) && window->first == token->recv_first &&
	       (window->is_wide == token->is_rfc4121 || token->acceptor_subkey.bytes.len != 0) &&
	       (token->is_rfc4121 || token->send_next <= UINT32_MAX);
}

/* Who waits for a token: an initiator for the reply, a DCE acceptor for the third leg. */
static bool
stage_agrees(const struct bt_krb5_mit_token *token)
{
	bool is_dce = (token->flags & BT_CTX_DCE_STYLE) != 0;

	if (token->here.len == 0 || token->there.len == 0)
		return false;
	if (token->is_open)
		return true;
	if (!token->has_authenticator || token->session.bytes.len == 0)
		return false;
	if (token->is_initiator)
		return (token->flags & BT_CTX_MUTUAL) != 0 && token->acceptor_subkey.bytes.len == 0 && !token->window.is_there;
	return is_dce && token->acceptor_subkey.bytes.len != 0 && token->window.is_there;
}

/* ---- into a context ---- */

/* A key as long as its enctype says. Enctypes that only libkrb5 knows stay its business. */
static int
copy_key(const struct bt_krb5_mit_key *key, struct bt_msg_key *out)
{
	size_t raw_len, key_len;

	if (key->bytes.len == 0)
		return 0;
	if (krb5_c_keylengths(NULL, key->enctype, &raw_len, &key_len) != 0 || key->bytes.len != key_len ||
	    key->bytes.len > sizeof out->bytes)
		return BT_ERR_MALFORMED;
	out->enctype = key->enctype;
	out->len = (uint8_t)key->bytes.len;
	memcpy(out->bytes, key->bytes.ptr, key->bytes.len);
	return 0;
}

/* A name that libkrb5 writes as it was written: what parses as one, and comes back in other letters, is not a libkrb5's. */
static int
build_name(struct bt_krb5 *lib, struct bt_bytes text, struct bt_mn **out)
{
	krb5_principal princ;
	krb5_error_code code;
	char *copy;
	int e;

	if (text.len == 0)
		return 0;
	if (text.len > BT_CTX_NAME_MAX || memchr(text.ptr, '\0', text.len) != NULL)
		return BT_ERR_MALFORMED;
	if ((copy = bt_mem_strdup((const char *)text.ptr, text.len)) == NULL)
		return BT_ERR_NOMEM;
	code = krb5_parse_name_flags(lib->ctx, copy, KRB5_PRINCIPAL_PARSE_REQUIRE_REALM, &princ);
	bt_mem_free(copy);
	if (code != 0)
		return code == ENOMEM ? BT_ERR_NOMEM : BT_ERR_MALFORMED;
	e = bt_krb5_name_of(lib, princ, NULL, NULL, out);
	krb5_free_principal(lib->ctx, princ);
	return e != 0 || bt_bytes_equal(bt_bytes_of_str((*out)->text), text) ? e : BT_ERR_MALFORMED;
}

static int
build_authz(const struct bt_krb5_mit_token *token, struct bt_buf *out)
{
	struct bt_rd rd = bt_rd_of(token->authdata);
	krb5_authdata *elements, **list;
	int e;

	if (token->num_authdata == 0)
		return 0;
	/* The reader has counted them: each is of more bytes than it takes here, or nearly. */
	elements = bt_mem_alloc(token->num_authdata * sizeof *elements);
	list = bt_mem_alloc((token->num_authdata + 1) * sizeof *list);
	e = elements == NULL || list == NULL ? BT_ERR_NOMEM : 0;
	for (size_t i = 0; e == 0 && i < token->num_authdata; i++) {
		struct bt_bytes contents;

		bt_krb5_mit_token_authdata(&rd, &elements[i].ad_type, &contents);
		elements[i].length = (unsigned)contents.len;
		elements[i].contents = (krb5_octet *)(uintptr_t)contents.ptr;
		list[i] = &elements[i];
	}
	if (e == 0)
		e = bt_krb5_authdata_write(list, NULL, out);
	bt_mem_free(elements);
	bt_mem_free(list);
	return e == 0 && out->len > BT_CTX_AUTHZ_MAX ? BT_ERR_MALFORMED : e;
}

/* What the exporter found good must be what stands first in the authorisation data, or it is not said of this initiator. */
static int
build_vouched(const struct bt_krb5_mit_token *token, struct bt_ctx *ctx)
{
	struct bt_krb5_said said;
	struct bt_wr found;
	int e;

	if (!token->pac_is_good && token->num_indicators == 0)
		return 0;
	bt_wr_init(&found);
	e = bt_krb5_authdata_said(bt_bytes_of_buf(&ctx->authz), token->num_indicators, &found, &said);
	if (found.failed)
		e = BT_ERR_NOMEM;
	else if (e == 0 && ((token->pac_is_good && !bt_bytes_equal(said.pac, token->pac)) ||
			    !bt_bytes_equal(bt_wr_written(&found), token->indicators)))
		e = BT_ERR_MALFORMED;
	bt_wr_done(&found);
	if (e == 0)
		ctx->vouched = token->num_indicators * BT_KRB5_VOUCHED_INDICATOR |
			       (token->pac_is_good ? (uint32_t)BT_KRB5_VOUCHED_PAC : 0);
	return e;
}

static int
build_state(const struct bt_krb5_mit_token *token, struct bt_krb5_pending *out)
{
	struct bt_msg_state *state = &out->state;
	int e;

	out->wait = token->is_initiator ? BT_KRB5_EXPECT_AP_REP : BT_KRB5_EXPECT_DCE_REPLY;
	out->ctime = token->ctime;
	out->cusec = token->cusec;
	state->is_initiator = token->is_initiator;
	state->is_dce = (token->flags & BT_CTX_DCE_STYLE) != 0;
	state->detects_replay = (token->flags & BT_CTX_REPLAY) != 0;
	state->detects_sequence = (token->flags & BT_CTX_SEQUENCE) != 0;
	state->send_next = token->send_next;
	state->recv_first = token->recv_first;
	state->recv_next = token->window.next;
	state->recv_seen = token->window.seen;
	if ((e = copy_key(&token->subkey, &state->subkey)) != 0 ||
	    (e = copy_key(&token->acceptor_subkey, &state->acceptor_subkey)) != 0 || token->is_open)
		return e;
	return copy_key(&token->session, &out->session);
}

static int
build(struct bt_krb5 *lib, const struct bt_krb5_mit_token *token, struct bt_ctx *ctx)
{
	bool is_initiator = token->is_initiator;
	struct bt_krb5_pending pending = {0};
	int e;

	ctx->flags = (token->flags & KNOWN_FLAGS) | BT_CTX_TRANS;
	/* By the exporter's corrected clock, as with the exporter; ours may never have heard of that KDC. */
	ctx->expires_at =
	    bt_krb5_seconds((krb5_timestamp)token->endtime) - token->clock_ahead_s + (is_initiator ? 0 : lib->clockskew_s);
	ctx->authtime = token->authtime;
	ctx->ticket_flags = token->ticket_flags;
	if ((e = build_name(lib, is_initiator ? token->here : token->there, &ctx->initiator)) == 0 &&
	    (e = build_name(lib, is_initiator ? token->there : token->here, &ctx->acceptor)) == 0 &&
	    (e = build_authz(token, &ctx->authz)) == 0 && (e = build_vouched(token, ctx)) == 0 &&
	    (e = build_state(token, &pending)) == 0)
		e = token->is_open ? bt_krb5_open(ctx, &pending.state) : bt_krb5_pending_new(ctx, &pending);
	bt_mem_wipe(&pending, sizeof pending);
	return e;
}

bool
bt_krb5_mit_is(struct bt_mechs mechs, struct bt_bytes token)
{
	(void)mechs;
	return bt_krb5_mit_token_is(token);
}

int
bt_krb5_mit_import(struct bt_mechs mechs, struct bt_bytes wire_oid, struct bt_bytes token, struct bt_ctx **out)
{
	struct bt_krb5_mit_token parts;
	struct bt_krb5 *lib;
	struct bt_ctx *ctx;
	const struct bt_mech *mech = bt_bytes_equal(wire_oid, bt_mech_iakerb.oid) ? &bt_mech_iakerb : &bt_mech_krb5;
	int e = bt_krb5_mit_token_read(token, &parts);

	(void)mechs;
	*out = NULL;
	if (e != 0)
		return e;
	if ((parts.oid.len != 0 && !bt_bytes_equal(parts.oid, wire_oid)) || !keys_agree(&parts) || !window_agrees(&parts) ||
	    !stage_agrees(&parts))
		return BT_ERR_MALFORMED;
	/* MIT's library exports them when they are open. */
	if (mech == &bt_mech_iakerb && !parts.is_open)
		return BT_ERR_MALFORMED;
	if ((e = bt_krb5_enter(&lib)) != 0)
		return e;
	if ((ctx = bt_ctx_new(mech, parts.is_initiator)) == NULL)
		e = BT_ERR_NOMEM;
	if (e == 0) {
		ctx->wire_oid = wire_oid;
		e = build(lib, &parts, ctx);
	}
	bt_krb5_leave(lib);
	if (e != 0)
		bt_ctx_free(ctx);
	else
		*out = ctx;
	return e;
}
