/*
 * mech - what a mechanism is, and the plain data it leaves behind.
 *
 * A mechanism establishes contexts; that is all. Its init and accept steps fill a struct bt_ctx, and when the last leg has
 * ended the context holds names, flags, times and a struct bt_msg: from then on no code of the mechanism, and no state of
 * its library, is needed to protect messages or to move the context to another process. Between legs the mechanism keeps
 * what it waits with in ctx->pending, as plain data that pending_save turns into bytes and pending_load back.
 *
 * Memory: contexts, names and credentials are freed by the functions here. Names are immutable and counted, so sharing one costs
 * nothing. Threads: names and credentials may be used by many threads; a context that is not OPEN by one at a time.
 * A mechanism that needs others (SPNEGO) gets the array of mechanisms as an argument and never looks for them.
 */
#ifndef BT_MECH_MECH_H
#define BT_MECH_MECH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "message/message.h"

struct bt_mech;
struct bt_answers;

/* All that there are, the default one first; who needs others is handed them. */
struct bt_mechs {
	const struct bt_mech *const *list;
	size_t num;
};

/* ---- names ---- */

/* A form of a name that is of a mechanism's library alone. */
struct bt_mn_native {
	void (*free)(struct bt_mn_native *native);
};

/*
 * A mechanism name ("MN"): immutable, counted. text is the name in the mechanism's own canonical display form and equal
 * texts are equal names; for Kerberos it is the principal as krb5_unparse_name gives it.
 */
struct bt_mn {
	_Atomic uint32_t refs;
	int32_t kind;          /* the mechanism's own number for the sort of name (Kerberos: KRB5_NT_*) */
	bool is_anonymous;
	const char *text;      /* NUL-terminated; in the same block of memory */
	const char *service;   /* host-based names as imported: the service, else NULL */
	const char *host;      /* its host as imported, or NULL if it had none */

	/* What its realm says about it, RFC 6680, in the mechanism's own bytes, or empty; in the same block. Secret. */
	struct bt_bytes attributes;
	bool is_vouched_for;   /* they came with what proved the name, and not from a program */

	struct bt_mn_native *native; /* owned; NULL: the mechanism is not a loaded one */
};

/* bt_mn_new - a name of these texts (copied); service and host may be NULL. NULL: no memory. */
struct bt_mn *bt_mn_new(int32_t kind, bool is_anonymous, struct bt_bytes text, const char *service, const char *host);
/* bt_mn_with_attributes - a name as mn, with other attributes (copied). NULL: no memory. */
struct bt_mn *bt_mn_with_attributes(const struct bt_mn *mn, struct bt_bytes attributes, bool is_vouched_for);
struct bt_mn *bt_mn_share(struct bt_mn *mn);
void bt_mn_free(struct bt_mn *mn);
/* bt_mn_is_equal - does mech, whose they are, take them for the same name? */
bool bt_mn_is_equal(const struct bt_mech *mech, const struct bt_mn *a, const struct bt_mn *b);

/* One value of one attribute of a name. RFC 6680 §7.3. */
struct bt_attribute {
	struct bt_buf value;
	struct bt_buf shown; /* the same for people; empty where values are bytes, of which there is nothing to display */
	bool is_authenticated;
	bool is_complete;
};
void bt_mn_attribute_done(struct bt_attribute *attribute);

/* ---- contexts ---- */

enum bt_ctx_stage {
	BT_CTX_NEW,             /* no leg yet */
	BT_CTX_EXPECT_TOKEN,    /* the peer's next token is awaited; pending says with what */
	BT_CTX_OPEN,            /* established: msg is there, pending is gone */
};

/* Bits of req_flags and ret_flags, RFC 2744 §5.19 and gssapi_ext.h; gss/ asserts that they are the public numbers. */
enum bt_ctx_flag {
	BT_CTX_DELEG = 1,
	BT_CTX_MUTUAL = 2,
	BT_CTX_REPLAY = 4,
	BT_CTX_SEQUENCE = 8,
	BT_CTX_CONF = 16,
	BT_CTX_INTEG = 32,
	BT_CTX_ANON = 64,
	BT_CTX_PROT_READY = 128,
	BT_CTX_TRANS = 256,
	BT_CTX_CHANNEL_BOUND = 0x800,
	BT_CTX_DCE_STYLE = 0x1000,
	BT_CTX_IDENTIFY = 0x2000,
	BT_CTX_EXTENDED_ERROR = 0x4000,
	BT_CTX_DELEG_POLICY = 0x8000,
};

#define BT_CTX_NEVER INT64_MAX /* expires_at of what does not expire */

struct bt_ctx {
	const struct bt_mech *mech;
	struct bt_bytes wire_oid;   /* the mechanism's OID as the peer spelled it (static memory: oid or one of aliases) */
	enum bt_ctx_stage stage;
	bool is_initiator;
	uint32_t flags;             /* BT_CTX_*, as agreed; final when OPEN */
	int64_t expires_at;         /* wall clock, seconds since 1970, or BT_CTX_NEVER */
	struct bt_mn *initiator;    /* NULL while unknown */
	struct bt_mn *acceptor;
	struct bt_msg *msg;         /* NULL until OPEN, and with a mechanism that is loaded */
	struct bt_buf authz;        /* the ticket's and authenticator's authorisation data, DER AuthorizationData, or empty. RFC 4120 §5.2.6 */
	bool leaves_authz;          /* the next record of it has none of that */
	uint32_t vouched;           /* what of authz was found good about the initiator, by the mechanism's own count */
	int64_t authtime;           /* of the ticket, seconds since 1970; 0: unknown */
	uint32_t ticket_flags;      /* RFC 4120 §5.3, bit 0 the most significant */
	void *pending;              /* the mechanism's, NULL when NEW; when OPEN too, but for one that is loaded */
};

/* bt_ctx_new - stage NEW, nothing else set. NULL: no memory. */
struct bt_ctx *bt_ctx_new(const struct bt_mech *mech, bool is_initiator);
/* bt_ctx_free - wipes keys and pending state. Takes NULL and half-built. */
void bt_ctx_free(struct bt_ctx *ctx);
/* bt_ctx_initiator - the initiator's name with all that is known of it; NULL: not known. Errors: NOMEM, the mechanism's. */
int bt_ctx_initiator(const struct bt_ctx *ctx, struct bt_mn **out);

/* Channel bindings as RFC 2744 §3.11 has them; addresses and data borrowed. */
struct bt_bindings {
	uint32_t initiator_addrtype;
	struct bt_bytes initiator_address;
	uint32_t acceptor_addrtype;
	struct bt_bytes acceptor_address;
	struct bt_bytes application_data;
};

/* ---- credentials ---- */

struct bt_mcred; /* a mechanism's credential; the mechanism knows what is inside */

enum bt_usage { BT_USAGE_BOTH = 0, BT_USAGE_INITIATE = 1, BT_USAGE_ACCEPT = 2 };

/* One entry of a credential store ("ccache" => "FILE:/tmp/x"), gss_key_value_element_desc. */
struct bt_store_entry {
	const char *key, *value;
};

struct bt_cred_request {
	const struct bt_mech *mech;      /* who is asked */
	const struct bt_mn *name;        /* NULL: the default */
	enum bt_usage usage;
	uint32_t lifetime_s;             /* asked for; a hint */
	const struct bt_store_entry *store;
	size_t num_store;
	struct bt_bytes password;        /* ptr NULL: none */
};

/* How a credential is to be kept for other processes. */
struct bt_cred_storage {
	enum bt_usage usage;             /* which of its halves */
	bool overwrites;                 /* what is there already of the same name */
	bool becomes_default;
	const struct bt_store_entry *store;
	size_t num_store;
};

struct bt_cred_facts {
	bool leaves_name;                /* set by the caller: the name is not asked for. Libraries have been seen to fall over theirs */
	struct bt_mn *name;              /* shared with the caller, who frees it; NULL: any name */
	enum bt_usage usage;
	int64_t initiator_expires_at;    /* wall clock seconds, BT_CTX_NEVER; meaningless if usage is ACCEPT */
	int64_t acceptor_expires_at;
};

/* ---- the steps ---- */

/* One of the mechanisms that a negotiation may come out at. */
struct bt_offer {
	const struct bt_mech *mech;
	struct bt_mcred *cred;           /* NULL: the default */
	const struct bt_mn *target;      /* the mechanism's form of it; initiators only */
};

struct bt_init_step {
	struct bt_mcred *cred;           /* NULL: the default */
	const struct bt_mn *target;
	uint32_t flags;                  /* asked for */
	uint32_t lifetime_s;             /* 0: the default */
	const struct bt_bindings *bindings; /* NULL: none */
	struct bt_bytes token;           /* from the acceptor, whole, with its framing; empty in the first step */
	const struct bt_offer *offers;   /* for a mechanism that negotiates, in place of cred and target: best first */
	size_t num_offers;
};

struct bt_accept_step {
	struct bt_mcred *cred;           /* NULL: the default */
	const struct bt_bindings *bindings;
	struct bt_bytes token;           /* from the initiator, whole */
	const struct bt_offer *offers;   /* for a mechanism that negotiates, in place of cred */
	size_t num_offers;
};

/* A named answer to gss_inquire_sec_context_by_oid and its like: at most two buffers are in use. */
struct bt_answers {
	struct bt_buf *items; /* bt_mem_alloc'ed */
	size_t num_items;
};
void bt_answers_free(struct bt_answers *answers);
/* bt_answers_add - append; takes item over. Errors: NOMEM; then item is freed. */
int bt_answers_add(struct bt_answers *answers, struct bt_buf *item);
/* bt_answers_add_copy - append a copy. Errors: NOMEM. */
int bt_answers_add_copy(struct bt_answers *answers, struct bt_bytes bytes);

/*
 * bt_ctx_inquire_key - what every open context can be asked: its session key (GSS_C_INQ_SSPI_SESSION_KEY: the key, and an OID
 * that tells its enctype) and how strong it is (GSS_C_SEC_CONTEXT_SASL_SSF). Errors: UNAVAILABLE (another question),
 * CTX_INCOMPLETE, NOMEM.
 */
int bt_ctx_inquire_key(const struct bt_ctx *ctx, struct bt_bytes what, struct bt_answers *out);

/* ---- a mechanism: its facts and its operations ---- */

/*
 * An operation that gets nothing of the mechanism's own has mech, or a request that names it: one set of operations may serve many
 * mechanisms, as those loaded from configuration.
 */
struct bt_mech {
	/* Facts; OIDs are contents octets. Lists end with an entry of len 0. */
	struct bt_bytes oid;
	struct bt_bytes names_oid;             /* under which its names are exported; empty: oid */
	const struct bt_bytes *aliases;        /* other spellings that peers use; never indicated */
	const struct bt_bytes *name_types;     /* that name_import takes, in the order shown to programs */
	const struct bt_bytes *attributes;     /* RFC 5587 */
	const char *sasl_name, *short_name, *description; /* RFC 5801; sasl_name NULL: none */
	bool is_loaded;                        /* from configuration: plugin/plugin.h. It protects messages itself, on what it has in pending */
	const struct bt_mech *behind;          /* an interposer is in front of it, and its contexts are those that move; else NULL */
	bool asserts_protection;               /* without being asked, but for a credential that was told not to */
	bool authenticates_nobody;             /* a program gets it only by naming it, and no two of its names are equal */

	/*
	 * Names. Errors: BAD_NAME, BAD_NAMETYPE, NOMEM, or the mechanism's own.
	 * name_import   type of len 0: the default (a user or principal name)
	 * name_type     the OID of the type that name_display's text has: a static view
	 * name_export   the part of an exported name that follows the framing; name_import of type GSS_C_NT_EXPORT_NAME gets that part. A mechanism
	 *               that is loaded has the framing too, both times
	 * name_equal    are two names of it the same? NULL: they are if their texts are
	 */
	int (*name_import)(const struct bt_mech *mech, struct bt_bytes text, struct bt_bytes type, struct bt_mn **out);
	struct bt_bytes (*name_type)(const struct bt_mn *mn);
	int (*name_export)(const struct bt_mn *mn, struct bt_wr *out);
	bool (*name_equal)(const struct bt_mn *a, const struct bt_mn *b);

	/*
	 * What a name is worth on this host; NULL: nothing.
	 * name_account   the local account it stands for. Errors: the mechanism's own where it stands for none.
	 * name_may_use   may who bears it use that account?
	 */
	int (*name_account)(const struct bt_mn *mn, struct bt_buf *out);
	int (*name_may_use)(const struct bt_mn *mn, const char *account, bool *out);

	/*
	 * What its realm says about a name, from mn->attributes; NULL: names have no attributes.
	 * name_attributes  what there is
	 * name_attribute   one value. more: -1 for the first one, then what the call before left there; 0: that was the last.
	 * name_map         an object of the mechanism's library, of the kind that type names; name_unmap frees it
	 * Errors: ENOENT (no such attribute or type).
	 */
	int (*name_attributes)(const struct bt_mn *mn, struct bt_answers *out);
	int (*name_attribute)(const struct bt_mn *mn, struct bt_bytes attribute, int *more, struct bt_attribute *out);
	int (*name_map)(const struct bt_mn *mn, struct bt_bytes type, void **out);
	int (*name_unmap)(const struct bt_mn *mn, struct bt_bytes type, void *object);

	/*
	 * ctx->initiator with the attributes that ctx->authz and ctx->vouched tell of; NULL: it has none. A context does not keep
	 * them a second time: they are made when the name goes out. Errors: NOMEM, MALFORMED.
	 */
	int (*name_of_initiator)(const struct bt_ctx *ctx, struct bt_mn **out);

	/* Credentials. Errors: NO_CRED, CRED_EXPIRED, KEYTAB_NOMATCH and the mechanism's own. cred_free takes NULL. */
	int (*cred_acquire)(const struct bt_cred_request *request, struct bt_mcred **out);
	int (*cred_inquire)(const struct bt_mech *mech, struct bt_mcred *cred, /* NULL: the default initiator's */
			    struct bt_cred_facts *out);
	void (*cred_free)(struct bt_mcred *cred);

	/*
	 * What more can be done with a credential; NULL: UNAVAILABLE. No cred is NULL, but for cred_set, which then makes one.
	 * cred_store        Errors: DUPLICATE_ELEMENT, CRED_EXPIRED, STORE_ACCEPTOR_CRED
	 * cred_impersonate  to act in somebody's name, by what the realm lets the impersonator do
	 * cred_set          an option by OID, with an argument that the OID tells the kind of. Errors: UNAVAILABLE
	 * cred_ask          questions by OID, as inquire
	 * cred_export       to bytes that cred_import, in any process, makes one of again. Secret. Errors of cred_import: DEFECTIVE_TOKEN
	 */
	int (*cred_store)(struct bt_mcred *cred, const struct bt_cred_storage *storage);
	int (*cred_impersonate)(struct bt_mcred *impersonator, const struct bt_mn *name, uint32_t lifetime_s,
				struct bt_mcred **out);
	int (*cred_set)(const struct bt_mech *mech, struct bt_mcred **cred, struct bt_bytes what, void *value, size_t len);
	int (*cred_ask)(struct bt_mcred *cred, struct bt_bytes what, struct bt_answers *out);
	int (*cred_export)(struct bt_mcred *cred, struct bt_wr *out);
	int (*cred_import)(const struct bt_mech *mech, struct bt_bytes token, struct bt_mcred **out);

	/*
	 * One leg. ctx is NEW or EXPECT_TOKEN and becomes EXPECT_TOKEN or OPEN. token_out may be left empty; on an error it may hold a
	 * token that tells the peer. On error ctx is as before the call or fit only to be freed: gss/ decides by RFC 2744 §5.19.
	 * delegated is set to a credential, or left NULL.
	 */
	int (*init)(struct bt_ctx *ctx, const struct bt_init_step *step, struct bt_buf *token_out);
	int (*accept)(struct bt_ctx *ctx, const struct bt_accept_step *step, struct bt_buf *token_out,
		      struct bt_mcred **delegated);

	/*
	 * Of a mechanism that negotiates; NULL: it does not.
	 * chosen          the context, of another mechanism, that a negotiation has between its legs; NULL: none yet
	 * chosen_replace  another one in its place. What was delegated with it is gone, as when a context moves
	 */
	struct bt_ctx *(*chosen)(const struct bt_ctx *ctx);
	void (*chosen_replace)(struct bt_ctx *ctx, struct bt_ctx *chosen);

	/*
	 * Half-open state, and of a mechanism that is loaded the open one too: to bytes (secret), from bytes (hostile until proven
	 * otherwise; mechs are those it may name), gone.
	 */
	int (*pending_save)(const struct bt_ctx *ctx, struct bt_wr *out);
	int (*pending_load)(struct bt_ctx *ctx, struct bt_mechs mechs, struct bt_bytes saved);
	void (*pending_free)(struct bt_ctx *ctx);

	/*
	 * Contexts that another library has exported, unsealed; NULL: none are known. token is what follows the OID.
	 * unsealed_is      does it begin as one? mechs are those it may name
	 * unsealed_import  Errors: MALFORMED, TRAILING, ENCTYPE, NOMEM; then out is NULL.
	 */
	bool (*unsealed_is)(struct bt_mechs mechs, struct bt_bytes token);
	int (*unsealed_import)(struct bt_mechs mechs, struct bt_bytes wire_oid, struct bt_bytes token, struct bt_ctx **out);

	/* The MIC of a negotiation's list, on an open context, as of one that is loaded; NULL: ctx->msg makes it. */
	bool (*list_mic_is_due)(struct bt_ctx *ctx); /* though RFC 4178 §5 asks for none */
	int (*list_mic_make)(struct bt_ctx *ctx, struct bt_bytes list, struct bt_buf *mic);
	int (*list_mic_check)(struct bt_ctx *ctx, struct bt_bytes list, struct bt_bytes mic);

	/* Questions by OID. Errors: UNAVAILABLE (unknown OID). */
	int (*inquire)(const struct bt_ctx *ctx, struct bt_bytes what, struct bt_answers *out);

	/* Demands by OID on the mechanism itself, with an argument that the OID tells the kind of; NULL: none. Errors: UNAVAILABLE. */
	int (*invoke)(const struct bt_mech *mech, struct bt_bytes what, void *value, size_t len);

	/* The text of one of this mechanism's own error numbers, NUL-terminated into a caller's array. */
	void (*error_text)(const struct bt_mech *mech, int err, char *text, size_t text_len);
};

/* bt_mech_names_oid - whose names its own are. */
static inline struct bt_bytes
bt_mech_names_oid(const struct bt_mech *mech)
{
	return mech->names_oid.len != 0 ? mech->names_oid : mech->oid;
}

/* bt_mech_find - the mechanism of this OID or alias, or NULL. wire_oid (may be NULL) gets the static spelling that matched. */
const struct bt_mech *bt_mech_find(const struct bt_mech *const *mechs, size_t num_mechs, struct bt_bytes oid,
				   struct bt_bytes *wire_oid);

/* The mechanisms themselves. */
extern const struct bt_mech bt_mech_krb5;
extern const struct bt_mech bt_mech_iakerb;
extern const struct bt_mech bt_mech_sanon;
extern const struct bt_mech bt_mech_spnego;

#endif
