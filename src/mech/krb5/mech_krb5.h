/*
 * mech_krb5 - what the files of the Kerberos mechanism share. Nobody else includes this.
 *
 * libkrb5 gets tickets, reads keytabs and checks requests; the tokens around and after that are read and written here.
 * Each thread has one krb5_context, lent by bt_krb5_enter; no context or credential ever holds one, and no
 * krb5_auth_context outlives the call that made it. Errors: libkrb5's codes as they come (with libkrb5's own sentence
 * as the note), or BT_ERR_*.
 */
#ifndef BT_MECH_KRB5_MECH_KRB5_H
#define BT_MECH_KRB5_MECH_KRB5_H

#include <krb5.h>

#include "base/bytes.h"
#include "base/lock.h"
#include "mech/mech.h"

/* ---- library.c: the thread's krb5_context ---- */

struct bt_krb5 {
	krb5_context ctx;
	int32_t clockskew_s;             /* [libdefaults] clockskew */
	bool enforces_ok_as_delegate;    /* [libdefaults] enforce_ok_as_delegate */
};

/*
 * bt_krb5_enter - lend the thread's library, fresh if the configuration has changed. Pairs with bt_krb5_leave; nests.
 * Errors: libkrb5's for a broken configuration, NOMEM; then out is NULL.
 */
int bt_krb5_enter(struct bt_krb5 **out);
void bt_krb5_leave(struct bt_krb5 *lib);

/*
 * bt_krb5_own - a library for what must outlive a call, and goes from thread to thread with what it is for; bt_krb5_disown frees it.
 * Errors: libkrb5's for a broken configuration, NOMEM; then out is empty.
 */
int bt_krb5_own(struct bt_krb5 *out);
void bt_krb5_disown(struct bt_krb5 *lib);

/* bt_krb5_use_kdc - from now on, contexts of this process read the KDC's configuration too. */
void bt_krb5_use_kdc(void);

/* bt_krb5_ccache_name - the default cache that the program chose for this thread, until it is renamed. NULL: libkrb5's own. */
const char *bt_krb5_ccache_name(void);

/*
 * bt_krb5_ccache_rename - choose it; name NULL: back to libkrb5's. old, if not NULL, gets the name until now, which lives until
 * the thread's next such call. Errors: NOMEM, libkrb5's; then nothing is changed.
 */
int bt_krb5_ccache_rename(const char *name, const char **old);

/* bt_krb5_fail - keep libkrb5's sentence about code as the note, and give the error to return. 0 stays 0. */
int bt_krb5_fail(struct bt_krb5 *lib, krb5_error_code code);

/* bt_krb5_wall_of - a Kerberos time, as this library's clock (perhaps corrected by the KDC's) counts, in wall clock seconds. */
int64_t bt_krb5_wall_of(struct bt_krb5 *lib, krb5_timestamp at);

/* bt_krb5_is_legacy - an enctype whose tokens are those of RFC 1964? */
static inline bool
bt_krb5_is_legacy(int32_t enctype)
{
	const struct bt_crypto_enctype *et = bt_crypto_enctype_of(enctype);

	return et != NULL && et->is_legacy;
}

/* bt_krb5_seconds - krb5_timestamp is unsigned beyond its name: times up to 2106. */
static inline int64_t
bt_krb5_seconds(krb5_timestamp at)
{
	return (int64_t)(uint32_t)at;
}

static inline krb5_data
bt_krb5_data_of(struct bt_bytes bytes)
{
	return (krb5_data){.magic = KV5M_DATA, .length = (unsigned)bytes.len, .data = (char *)(uintptr_t)bytes.ptr};
}

/* bt_krb5_key_of - a keyblock over a key's own bytes. */
static inline krb5_keyblock
bt_krb5_key_of(const struct bt_msg_key *key)
{
	return (krb5_keyblock){.magic = KV5M_KEYBLOCK, .enctype = key->enctype, .length = key->len,
			       .contents = (krb5_octet *)(uintptr_t)key->bytes};
}

/* bt_krb5_key_copy - Errors: ENCTYPE (longer than any key this library knows). */
int bt_krb5_key_copy(const krb5_keyblock *block, struct bt_msg_key *out);

/* ---- facts.c ---- */

extern const struct bt_bytes bt_krb5_oid;
extern const struct bt_bytes bt_krb5_aliases[];
extern const struct bt_bytes bt_krb5_name_types[];

/* ---- name.c ---- */

/* In place of a KRB5_NT_*: the principal's one component is a certificate, DER. */
enum { BT_KRB5_NAME_CERT = INT32_MIN };

int bt_krb5_name_import(const struct bt_mech *mech, struct bt_bytes text, struct bt_bytes type, struct bt_mn **out);
struct bt_bytes bt_krb5_name_type(const struct bt_mn *mn);
int bt_krb5_name_export(const struct bt_mn *mn, struct bt_wr *out);

/* account.c: what local accounts a name may use. libkrb5's auth_to_local rules and .k5login files. */
int bt_krb5_name_account(const struct bt_mn *mn, struct bt_buf *out);
int bt_krb5_name_may_use(const struct bt_mn *mn, const char *account, bool *out);

/* attributes.c: PAC and authentication indicators of a name. */
int bt_krb5_name_attributes(const struct bt_mn *mn, struct bt_answers *out);
int bt_krb5_name_attribute(const struct bt_mn *mn, struct bt_bytes attribute, int *more, struct bt_attribute *out);
int bt_krb5_name_map(const struct bt_mn *mn, struct bt_bytes type, void **out);
int bt_krb5_name_unmap(const struct bt_mn *mn, struct bt_bytes type, void *object);

int bt_krb5_name_of_initiator(const struct bt_ctx *ctx, struct bt_mn **out);

/* A Kerberos context's vouched: the first PAC is good, and so many times INDICATOR, so many authentication indicators. */
enum { BT_KRB5_VOUCHED_PAC = 1, BT_KRB5_VOUCHED_INDICATOR = 2 };

/*
 * bt_krb5_attributes_vouched - what of authz libkrb5 found good when auth read it in a request. Errors: NOMEM, MALFORMED (what
 * it found good is not what comes first in authz).
 */
int bt_krb5_attributes_vouched(struct bt_krb5 *lib, krb5_auth_context auth, struct bt_bytes authz, uint32_t *out);

/* bt_krb5_name_of - a mechanism name of a principal; service and host may be NULL. */
int bt_krb5_name_of(struct bt_krb5 *lib, krb5_const_principal princ, const char *service, const char *host,
		    struct bt_mn **out);

/* bt_krb5_principal_of - and back; the caller frees it with krb5_free_principal. */
int bt_krb5_principal_of(struct bt_krb5 *lib, const struct bt_mn *mn, krb5_principal *out);

/* bt_krb5_acceptor_principal - what an acceptor of this name looks for: host-based names match by krb5_sname_match. */
int bt_krb5_acceptor_principal(struct bt_krb5 *lib, const struct bt_mn *mn, krb5_principal *out);

/* ---- credential.c, ccache.c, keytab.c ---- */

enum { BT_KRB5_ENCTYPES_MAX = 16 }; /* that a program may limit a credential to; more than there are */

struct bt_mcred {
	enum bt_usage usage;
	bool is_default;               /* acquired without a name */
	struct bt_mn *acceptor;        /* as acquired; NULL: any name */

	/* Acceptor's half; immutable. */
	krb5_keytab keytab;
	krb5_principal match;          /* NULL: any key of the keytab */
	char *rcache_name;             /* NULL: libkrb5's default replay cache */
	krb5_rcache rcache;            /* or one that the program has opened, now our own; else NULL */
	char *keytab_path;             /* of a keytab that is a file, else NULL */
	struct bt_lock_thing snapshot_lock; /* protects the next two, and what they count */
	struct bt_krb5_snapshot *snapshot;
	uint64_t num_uses;

	/* Initiator's half: lock protects the rest, for it may be chosen as late as the first context. */
	struct bt_lock_thing lock;
	struct bt_mn *initiator;       /* NULL until chosen */
	krb5_principal client;         /* of the same, or as asked for */
	krb5_ccache ccache;            /* NULL until chosen */
	bool owns_ccache;              /* destroyed with the credential */
	krb5_keytab client_keytab;
	char *password;
	bool has_tgt;
	int64_t ends_at;               /* Kerberos time; 0: nothing there yet */
	int64_t refresh_at;            /* from the client keytab; 0: never */
	krb5_principal impersonator;   /* of a constrained delegation cache, or NULL */
	krb5_enctype enctypes[BT_KRB5_ENCTYPES_MAX + 1]; /* that contexts may use, ends with 0; none: all */
	bool is_iakerb;                /* tickets are got by way of acceptors, and not here */
	bool hides_protection;         /* acceptors are not told of CONF and INTEG that nobody asked for */
};

int bt_krb5_cred_acquire(const struct bt_cred_request *request, struct bt_mcred **out);
int bt_krb5_cred_inquire(const struct bt_mech *mech, struct bt_mcred *cred, struct bt_cred_facts *out);
void bt_krb5_cred_free(struct bt_mcred *cred);

/* bt_krb5_cred_new - empty, usable for nothing. */
struct bt_mcred *bt_krb5_cred_new(enum bt_usage usage);

/* bt_krb5_cred_default - what a NULL credential means. The caller frees it. */
int bt_krb5_cred_default(enum bt_usage usage, struct bt_mcred **out);

/* Store entries and password of an acquisition, looked up by key. Errors: BAD_USAGE (they contradict each other). */
struct bt_krb5_store {
	const char *ccache, *client_keytab, *keytab, *rcache, *verify;
	struct bt_bytes password; /* ptr NULL: none */
	krb5_ccache open_ccache;  /* in place of the names, borrowed; NULL: none */
	krb5_keytab open_keytab;
	bool is_iakerb;
};

/* bt_krb5_acquire - a credential from a store. */
int bt_krb5_acquire(struct bt_krb5 *lib, enum bt_usage usage, const struct bt_mn *name, const struct bt_krb5_store *store,
		    struct bt_mcred **out);

/* bt_krb5_acquire_acceptor - keytab.c: fill the acceptor's half. */
int bt_krb5_acquire_acceptor(struct bt_krb5 *lib, const struct bt_mn *name, const struct bt_krb5_store *store,
			     struct bt_mcred *cred);

/* bt_krb5_acceptor_register - keytab.c: the process's keytab of acceptors that name none. NULL: libkrb5's. Errors: NOMEM. */
int bt_krb5_acceptor_register(const char *keytab);

/* bt_krb5_rcache_check - keytab.c: can it be opened? Errors: UNAVAILABLE, libkrb5's. */
int bt_krb5_rcache_check(struct bt_krb5 *lib, const char *name);

/* bt_krb5_rcache_use - keytab.c: the replay cache the credential has or names, if it does, until bt_krb5_rcache_leave. */
int bt_krb5_rcache_use(struct bt_krb5 *lib, const struct bt_mcred *cred, krb5_auth_context auth);
void bt_krb5_rcache_leave(struct bt_krb5 *lib, const struct bt_mcred *cred, krb5_auth_context auth);

/* bt_krb5_rcache_close, bt_krb5_rcache_name - of one that the program has opened. name: NULL if libkrb5 does not tell. */
void bt_krb5_rcache_close(struct bt_krb5 *lib, krb5_rcache rcache);
const char *bt_krb5_rcache_name(struct bt_krb5 *lib, krb5_rcache rcache);

/* bt_krb5_acquire_initiator - ccache.c: fill the initiator's half, as far as can be known before a target is. */
int bt_krb5_acquire_initiator(struct bt_krb5 *lib, const struct bt_mn *name, const struct bt_krb5_store *store,
			      struct bt_mcred *cred);

/*
 * bt_krb5_cred_lock, bt_krb5_cred_unlock - cred->lock. Errors: CRED_FORKED (another thread had it when this process was forked:
 * nobody knows what that thread was about to change).
 */
int bt_krb5_cred_lock(struct bt_mcred *cred);
void bt_krb5_cred_unlock(struct bt_mcred *cred);

/* bt_krb5_cred_choose - ccache.c: settle on a cache, fit for target if not NULL, and fill it if need be. cred->lock is held. */
int bt_krb5_cred_choose(struct bt_krb5 *lib, struct bt_mcred *cred, krb5_const_principal target);

/*
 * bt_krb5_cred_choose_usual - the same without a target, and for one that acts in the name of others: the cache that the program chose
 * for this thread is its initiators', and often the others'. Takes cred->lock.
 */
int bt_krb5_cred_choose_usual(struct bt_krb5 *lib, struct bt_mcred *cred);

/* bt_krb5_cred_wants_tickets - ccache.c: is there no ticket, or one that is to be refreshed and can be? cred->lock is held. */
bool bt_krb5_cred_wants_tickets(struct bt_krb5 *lib, struct bt_mcred *cred);

/* bt_krb5_cred_filled - ccache.c: a first ticket was got and stored, for creds->client, which is taken. cred->lock is held. */
int bt_krb5_cred_filled(struct bt_krb5 *lib, struct bt_mcred *cred, krb5_creds *creds);

/* bt_krb5_ccache_store - ccache.c: store a cache's first ticket, with the note of the realm it starts in. */
krb5_error_code bt_krb5_ccache_store(struct bt_krb5 *lib, krb5_ccache ccache, krb5_creds *creds);

/* bt_krb5_keytab_matches - keytab.c: has it an entry that krb5_sname_match finds? KRB5_KT_NOTFOUND if not. */
krb5_error_code bt_krb5_keytab_matches(struct bt_krb5 *lib, krb5_keytab keytab, krb5_const_principal princ);

/* bt_krb5_keytab_first - keytab.c: the principal of its first entry. */
krb5_error_code bt_krb5_keytab_first(struct bt_krb5 *lib, krb5_keytab keytab, krb5_principal *out);

/* ---- storage.c, proxy.c, option.c, carry.c: what more there is to credentials; see mech.h ---- */

int bt_krb5_cred_store(struct bt_mcred *cred, const struct bt_cred_storage *storage);
int bt_krb5_cred_impersonate(struct bt_mcred *impersonator, const struct bt_mn *name, uint32_t lifetime_s,
			     struct bt_mcred **out);
int bt_krb5_cred_set(const struct bt_mech *mech, struct bt_mcred **cred, struct bt_bytes what, void *value, size_t len);
int bt_krb5_cred_ask(struct bt_mcred *cred, struct bt_bytes what, struct bt_answers *out);
int bt_krb5_cred_export(struct bt_mcred *cred, struct bt_wr *out);
int bt_krb5_cred_import(const struct bt_mech *mech, struct bt_bytes token, struct bt_mcred **out);

/*
 * bt_krb5_proxy_new - a credential over a new MEMORY cache that acts for the client of a ticket to the impersonator itself:
 * S4U2Proxy with that ticket as the evidence. impersonator has chosen its cache. Errors: BAD_USAGE (it is one of these itself).
 */
int bt_krb5_proxy_new(struct bt_krb5 *lib, struct bt_mcred *impersonator, krb5_creds *evidence, struct bt_mcred **out);

/* ---- snapshot.c: a keytab file's keys kept in memory while the file stays as it is ---- */

/*
 * bt_krb5_snapshot_borrow - for one call; give it back. NULL: use the keytab itself. A key that is not found here may have been added
 * just now, so the keytab is to be asked before a client is refused.
 */
struct bt_krb5_snapshot *bt_krb5_snapshot_borrow(struct bt_krb5 *lib, struct bt_mcred *cred);
krb5_keytab bt_krb5_snapshot_keytab(const struct bt_krb5_snapshot *snapshot);
void bt_krb5_snapshot_return(struct bt_krb5 *lib, struct bt_mcred *cred, struct bt_krb5_snapshot *snapshot);
/* bt_krb5_snapshot_forget - with the credential. */
void bt_krb5_snapshot_forget(struct bt_krb5 *lib, struct bt_mcred *cred);
/* bt_krb5_snapshot_path - the keytab's file, or NULL if it is none. */
char *bt_krb5_snapshot_path(struct bt_krb5 *lib, krb5_keytab keytab);

/* ---- request.c: AP-REQ ---- */

/* Views into an AP-REQ. RFC 4120 §5.5.1, §5.3. */
struct bt_krb5_request {
	uint32_t options;              /* bit 0 the most significant */
	struct bt_bytes ticket;        /* DER, tag and length included */
	struct bt_bytes realm, sname;  /* of the service, DER */
	int32_t enctype;               /* of the authenticator */
	struct bt_bytes cipher;
};

enum { BT_KRB5_AP_MUTUAL = 0x20000000 };

/* bt_krb5_request_read - Errors: MALFORMED; then out is empty. */
int bt_krb5_request_read(struct bt_bytes ap_req, struct bt_krb5_request *out);

/* bt_krb5_request_time - ctime and cusec of our own request's authenticator, which libkrb5 keeps to itself. */
int bt_krb5_request_time(struct bt_krb5 *lib, struct bt_bytes ap_req, const struct bt_msg_key *session, int64_t *ctime,
			 uint32_t *cusec);

/* ---- reply.c: AP-REP ---- */

struct bt_krb5_reply {
	int64_t ctime;
	uint32_t cusec;
	struct bt_msg_key subkey;      /* enctype 0: none. Secret */
	uint32_t seq;
};

/* bt_krb5_reply_read, bt_krb5_reply_write - RFC 4120 §5.5.2, key usage 12. */
int bt_krb5_reply_read(struct bt_krb5 *lib, const struct bt_msg_key *session, struct bt_bytes ap_rep,
		       struct bt_krb5_reply *out);
int bt_krb5_reply_write(struct bt_krb5 *lib, const struct bt_msg_key *session, const struct bt_krb5_reply *reply,
			struct bt_wr *out);

/* bt_krb5_reply_is_quick - is this a key that bt_krb5_reply_write needs no libkrb5 for, of an enctype in which any bytes are a key? */
bool bt_krb5_reply_is_quick(const struct bt_msg_key *session);

/* bt_krb5_reply_parse - the decrypted part alone. Errors: ASN1_PARSE_ERROR, ENCTYPE; then out is empty. */
int bt_krb5_reply_parse(struct bt_bytes plain, struct bt_krb5_reply *out);

/* ---- error.c: KRB-ERROR ---- */

/* bt_krb5_error_read - the code a peer's KRB-ERROR tells, as a libkrb5 code; ASN1_PARSE_ERROR if it cannot be read. Never 0. */
int bt_krb5_error_read(struct bt_bytes krb_error);

/* bt_krb5_error_write - a KRB-ERROR about err in the name of the service asked for. RFC 4120 §5.9.1. */
void bt_krb5_error_write(int err, const struct bt_krb5_request *request, int64_t now, struct bt_wr *out);

void bt_krb5_error_text(const struct bt_mech *mech, int err, char *text, size_t text_len);

/* ---- checksum.c: the checksum 0x8003. RFC 4121 §4.1.1 ---- */

enum { BT_KRB5_CHECKSUM_TYPE = 0x8003, BT_KRB5_BINDINGS_LEN = 16 };

struct bt_krb5_checksum {
	uint8_t bindings[BT_KRB5_BINDINGS_LEN]; /* MD5, or zeros for none */
	uint32_t flags;
	struct bt_bytes delegation;             /* KRB-CRED, or empty */
	struct bt_bytes finished;               /* KRB-FINISHED of IAKERB, or empty: iakerb.h */
};

/* bt_krb5_bindings_hash - RFC 4121 §4.1.1.2; zeros for NULL. */
int bt_krb5_bindings_hash(struct bt_krb5 *lib, const struct bt_bindings *bindings, uint8_t out[static BT_KRB5_BINDINGS_LEN]);

/* bt_krb5_checksum_read - Errors: BAD_BINDINGS (too short for any), BAD_LENGTH, DEFECTIVE_TOKEN; then out is empty. */
int bt_krb5_checksum_read(struct bt_bytes bytes, struct bt_krb5_checksum *out);
void bt_krb5_checksum_write(const struct bt_krb5_checksum *checksum, struct bt_wr *out);

/* ---- delegate.c: KRB-CRED ---- */

/* bt_krb5_delegate_read - a credential over a new MEMORY cache. auth holds the keys of the request. */
int bt_krb5_delegate_read(struct bt_krb5 *lib, krb5_auth_context auth, struct bt_bytes krb_cred, struct bt_mcred **out);

/* bt_krb5_delegate_write - forward the client's TGT to server, under the session key. out: libkrb5's memory. */
krb5_error_code bt_krb5_delegate_write(krb5_context ctx, krb5_auth_context auth, krb5_principal client,
				       krb5_principal server, krb5_ccache ccache, krb5_data *out);

/* ---- authdata.c ---- */

/* bt_krb5_authdata_write - both lists as one DER AuthorizationData; nothing if both are empty. */
int bt_krb5_authdata_write(krb5_authdata *const *ticket, krb5_authdata *const *authenticator, struct bt_buf *out);

/* bt_krb5_authdata_find - append the contents of the elements of this type. */
int bt_krb5_authdata_find(struct bt_bytes authz, int32_t type, struct bt_answers *out);

/* What a KDC says about a client, as it stands in authorisation data, found good or not. */
struct bt_krb5_said {
	struct bt_bytes pac;       /* the first one: a view; empty: none */
	uint32_t num_indicators;   /* of authentication indicators in CAMMACs, those that were written */
};

/*
 * bt_krb5_authdata_said - read it, the first max_indicators of them too, which go into indicators, each a length of 32 bits
 * and a text. Errors: MALFORMED; then out is empty. RFC 4120 §5.2.6, RFC 7751, RFC 8129.
 */
int bt_krb5_authdata_said(struct bt_bytes authz, uint32_t max_indicators, struct bt_wr *indicators, struct bt_krb5_said *out);

/* bt_krb5_authdata_demands_bindings - does the client say that it always sends channel bindings? MS-KILE §3.2.5.8. */
int bt_krb5_authdata_demands_bindings(struct bt_krb5 *lib, krb5_authdata *const *authenticator, bool *out);

/* bt_krb5_authdata_bound - say so in the authenticators that are made with creds. */
krb5_error_code bt_krb5_authdata_bound(krb5_context ctx, krb5_creds *creds);

/* ---- token framing, in facts.c ---- */

enum { BT_KRB5_TOK_AP_REQ = 0x0100, BT_KRB5_TOK_AP_REP = 0x0200, BT_KRB5_TOK_ERROR = 0x0300 };

/* bt_krb5_token_write - RFC 2743 §3.1 framing, token id (RFC 4121 §4.1), body. Errors: NOMEM. */
int bt_krb5_token_write(struct bt_bytes oid, uint16_t id, struct bt_bytes body, struct bt_buf *out);

/* bt_krb5_token_read - oid: the static spelling that was used, one of mech's. Errors: DEFECTIVE_TOKEN, WRONG_MECH; then outputs are empty. */
int bt_krb5_token_read(const struct bt_mech *mech, struct bt_bytes token, struct bt_bytes *oid, uint16_t *id, struct bt_bytes *body);

/* ---- pending.c ---- */

enum bt_krb5_wait { BT_KRB5_EXPECT_AP_REP = 1, BT_KRB5_EXPECT_DCE_REPLY = 2, BT_KRB5_EXPECT_PROXY = 3 };

struct bt_iakerb;

/* What a half-open context waits with. Secret. */
struct bt_krb5_pending {
	enum bt_krb5_wait wait;
	struct bt_msg_key session;     /* of the ticket */
	int64_t ctime;                 /* of the authenticator, for the AP-REP to repeat */
	uint32_t cusec;
	struct bt_msg_state state;     /* as far as it is agreed */
	struct bt_mcred *delegated;    /* an acceptor's, for whoever calls for the last leg; NULL: none. It is not saved. */
	struct bt_iakerb *exchange;    /* EXPECT_PROXY: that, and nothing else; owned. iakerb.h */
};

/* bt_krb5_pending_new - attached to ctx in place of any other; ctx becomes EXPECT_TOKEN. Errors: NOMEM; then ctx is as before. */
int bt_krb5_pending_new(struct bt_ctx *ctx, const struct bt_krb5_pending *pending);
int bt_krb5_pending_save(const struct bt_ctx *ctx, struct bt_wr *out);
int bt_krb5_pending_load(struct bt_ctx *ctx, struct bt_mechs mechs, struct bt_bytes saved);
void bt_krb5_pending_free(struct bt_ctx *ctx);

/* bt_krb5_open - the last leg is done: ctx becomes OPEN with a message object of this state. Errors: NOMEM, ENCTYPE. */
int bt_krb5_open(struct bt_ctx *ctx, const struct bt_msg_state *state);

/* ---- mit_context.c: contexts that MIT's library has exported; what their tokens hold is in mit_token.h ---- */

bool bt_krb5_mit_is(struct bt_mechs mechs, struct bt_bytes token);

/* bt_krb5_mit_import - Errors: MALFORMED (not such a token, or its parts do not belong together), TRAILING, ENCTYPE, NOMEM. */
int bt_krb5_mit_import(struct bt_mechs mechs, struct bt_bytes wire_oid, struct bt_bytes token, struct bt_ctx **out);

/* ---- lucid.c ---- */

/* bt_krb5_lucid_answer - the address of a new lucid context. Errors: LUCID_VERSION, NOMEM. */
int bt_krb5_lucid_answer(const struct bt_ctx *ctx, int32_t version, struct bt_answers *out);

/* bt_krb5_lucid_free - Errors: EINVAL (none, or of no known version). */
int bt_krb5_lucid_free(void *lucid);

/* ---- initiator.c, acceptor.c, inquire.c, invoke.c ---- */

int bt_krb5_init(struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *token_out);
/* bt_krb5_init_with - the first leg by a library that is not the thread's. An IAKERB context's ticket comes from the cache alone. */
int bt_krb5_init_with(struct bt_krb5 *lib, struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *token_out);
int bt_krb5_accept(struct bt_ctx *ctx, const struct bt_accept_step *step, struct bt_buf *token_out,
		   struct bt_mcred **delegated);
int bt_krb5_inquire(const struct bt_ctx *ctx, struct bt_bytes what, struct bt_answers *out);
int bt_krb5_invoke(const struct bt_mech *mech, struct bt_bytes what, void *value, size_t len);

#endif
