/*
 * Every public call × every bad argument, from one table: each call once as it should be, then with each pointer NULL in
 * turn, each handle something else, each buffer empty or without a value, each OID empty, and each allocation failing in
 * turn.
 * Whatever happens, outputs are empty after a failure, minor_status is set, and nothing leaks.
 */
#include <baton/baton.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "failing.h"
#include "fake_mech.h"

#define R GSS_S_CALL_INACCESSIBLE_READ
#define W GSS_S_CALL_INACCESSIBLE_WRITE
#define BAD GSS_S_CALL_BAD_STRUCTURE

/* Declared where libkrb5's header is at hand. */
OM_uint32 gss_krb5_get_tkt_flags(OM_uint32 *, gss_ctx_id_t, int32_t *);
OM_uint32 gsskrb5_extract_authtime_from_sec_context(OM_uint32 *, gss_ctx_id_t, int32_t *);
OM_uint32 gsskrb5_extract_authz_data_from_sec_context(OM_uint32 *, gss_ctx_id_t, int, gss_buffer_t);
OM_uint32 gss_krb5_export_lucid_sec_context(OM_uint32 *, gss_ctx_id_t *, OM_uint32, void **);
OM_uint32 gss_krb5_free_lucid_sec_context(OM_uint32 *, void *);

/* Declared nowhere. */
int32_t krb5_gss_use_kdc_context(void);
OM_uint32 krb5_gss_register_acceptor_identity(const char *);
OM_uint32 gss_krb5_ccache_name(OM_uint32 *, const char *, const char **);
OM_uint32 gss_krb5_copy_ccache(OM_uint32 *, gss_cred_id_t, void *);
OM_uint32 gss_krb5_import_cred(OM_uint32 *, void *, void *, void *, gss_cred_id_t *);
OM_uint32 gss_krb5_set_allowable_enctypes(OM_uint32 *, gss_cred_id_t, OM_uint32, int32_t *);
OM_uint32 gss_krb5_set_cred_rcache(OM_uint32 *, gss_cred_id_t, void *);
OM_uint32 gssspi_set_cred_option(OM_uint32 *, gss_cred_id_t, const gss_OID, const gss_buffer_t);
int gss_krb5int_make_seal_token_v3(void);
OM_uint32 gss_krb5int_unseal_token_v3(void);
long gssint_g_seqstate_init(void);

enum kind {
	END,
	MINOR,
	NUMBER,       /* value is passed as it is */
	CONTEXT,      /* by value */
	CONTEXT_REF,  /* in-out, and gone after success */
	CONTEXT_NEW,  /* in-out, empty before and after failure */
	NAME,
	NAME_REF,
	MN,      /* a mechanism name */
	ACCOUNT, /* a name that is no mechanism name */
	CRED,
	CRED_REF,
	CRED_KEPT, /* in-out: it is there and stays */
	INPUT,
	OID,
	OID_REF,
	OID_SET,
	OID_SET_REF, /* in-out: it is there and stays */
	OID_SET_GONE, /* in-out, and gone after success */
	BUFFER_GONE,
	BUFFER_SET_GONE,
	BUFFER_SET_NEW, /* in-out, empty before and after failure */
	IOV,
	STORE,
	BINDINGS,
	NUMBER_REF, /* in-out */
	MORE,       /* likewise, of gss_get_name_attribute */
	ANY_GONE,   /* a mapping of scene->mn, gone after success */
	SOCKET,      /* to send to */
	SOCKET_FULL, /* with a context to receive */
	CARGO,
	CARGO_REF,    /* in-out, empty after failure */
	HANDOVER,     /* by value */
	HANDOVER_REF, /* in-out, and gone after success */
	/* Outputs. */
	FIRST_OUTPUT,
	OUT_BUFFER = FIRST_OUTPUT,
	OUT_NAME,
	OUT_CRED,
	OUT_OID,
	OUT_OWN_OID, /* the caller's to release */
	OUT_SET,
	OUT_BUFFER_SET,
	OUT_NUMBER,
	OUT_LUCID,
	OUT_ANY,
	OUT_HANDOVER,
	OUT_INFO,   /* empty but for its version */
	OUT_CLAIMS, /* likewise */
};

/* What an input has in it. */
enum content {
	TEXT,
	NOTHING,
	WRAPPED,
	MIC,
	FIRST_TOKEN,
	INTERPROCESS,
	FRAMED,
	OID_TEXT,
	SASL_NAME,
	EXPORTED,
	SESSION_KEY,
	IMPERSONATOR,
	ATTRIBUTE,
	COLOUR,
	THING,
	TYPE,
	DEMAND,
	OPTION,
	CRED_TOKEN,
	WRAP_PIECES,
	UNWRAP_PIECES,
	MIC_PIECES,
	VERIFY_PIECES,
};

struct arg {
	enum kind kind;
	OM_uint32 if_null;  /* the answer; 0: NULL is allowed */
	OM_uint32 if_empty; /* of inputs: the answer to no bytes; 0: allowed */
	enum content content;
	uintptr_t number;
};

enum { MAX_ARGS = 13 };

typedef OM_uint32 any_call(void);

struct call {
	const char *name;
	any_call *function;
	bool has_no_minor;
	OM_uint32 good;      /* the answer when nothing is wrong */
	struct arg args[MAX_ARGS + 1];
};

#define ANY(call) ((any_call *)(void (*)(void))(call))
#define CALL(call) .name = #call, .function = ANY(call)

static const struct baton_transfer_options options = {BATON_TRANSFER_OPTIONS_VERSION, "session", 60, BATON_TRANSFER_NO};

static int
hear_mech(const struct baton_mech_info *info, void *arg)
{
	return info->version != BATON_MECH_INFO_VERSION || arg != NULL;
}

/* clang-format off: tables. */
#define M {MINOR, W}
#define M_FREE {MINOR, 0}
#define N(n) {NUMBER, .number = (n)}
#define CTX {CONTEXT, R | GSS_S_NO_CONTEXT}
#define NAME_IN {NAME, R | GSS_S_BAD_NAME}
#define NAME_IF {NAME, 0}
#define MN_IN {MN, R | GSS_S_BAD_NAME}
#define CRED_IF {CRED, 0}
#define BUF(content) {INPUT, R, 0, content}
#define BUF_FULL(content) {INPUT, R, R, content}
#define BUF_OUT {OUT_BUFFER, W}
#define BUF_OUT_IF {OUT_BUFFER, 0}
#define NAME_OUT_IF {OUT_NAME, 0}
#define OID_OUT_IF {OUT_OID, 0}
#define NUM_OUT {OUT_NUMBER, W}
#define NUM_OUT_IF {OUT_NUMBER, 0}
#define SET_OUT {OUT_SET, W}
#define SET_OUT_IF {OUT_SET, 0}
#define MECH_IF {OID, 0, GSS_S_BAD_MECH}

static const struct call calls[] = {
	{CALL(gss_acquire_cred),
	 .args = {M, NAME_IF, N(0), {OID_SET, 0}, N(GSS_C_BOTH), {OUT_CRED, W}, SET_OUT_IF, NUM_OUT_IF}},
	{CALL(gss_acquire_cred_from),
	 .args = {M, NAME_IF, N(0), {OID_SET, 0}, N(GSS_C_BOTH), {STORE, 0}, {OUT_CRED, W}, SET_OUT_IF, NUM_OUT_IF}},
	{CALL(gss_acquire_cred_with_password),
	 .args = {M, NAME_IN, {INPUT, R, GSS_S_FAILURE, TEXT}, N(0), {OID_SET, 0}, N(GSS_C_INITIATE), {OUT_CRED, W}, SET_OUT_IF,
		  NUM_OUT_IF}},
	{CALL(gss_add_cred), .args = {M, N(0), NAME_IF, MECH_IF, N(GSS_C_BOTH), N(0), N(0), {OUT_CRED, W | GSS_S_NO_CRED},
				      SET_OUT_IF, NUM_OUT_IF, NUM_OUT_IF}},
	{CALL(gss_add_cred_from), .args = {M, N(0), NAME_IF, MECH_IF, N(GSS_C_BOTH), N(0), N(0), {STORE, 0},
					   {OUT_CRED, W | GSS_S_NO_CRED}, SET_OUT_IF, NUM_OUT_IF, NUM_OUT_IF}},
	{CALL(gss_add_cred_with_password),
	 .args = {M, N(0), NAME_IN, MECH_IF, {INPUT, R, GSS_S_FAILURE, TEXT}, N(GSS_C_BOTH), N(0), N(0),
		  {OUT_CRED, W | GSS_S_NO_CRED}, SET_OUT_IF, NUM_OUT_IF, NUM_OUT_IF}},
	{CALL(gss_inquire_cred), .args = {M, CRED_IF, NAME_OUT_IF, NUM_OUT_IF, NUM_OUT_IF, SET_OUT_IF}},
	{CALL(gss_inquire_cred_by_mech), .args = {M, CRED_IF, MECH_IF, NAME_OUT_IF, NUM_OUT_IF, NUM_OUT_IF, NUM_OUT_IF}},
	{CALL(gss_inquire_cred_by_oid),
	 .args = {M, {CRED, R | GSS_S_NO_CRED}, {OID, R, R, IMPERSONATOR}, {OUT_BUFFER_SET, W}}},
	{CALL(gss_set_neg_mechs), .args = {M, {CRED, R | GSS_S_NO_CRED}, {OID_SET, R}}},
	{CALL(gss_acquire_cred_impersonate_name),
	 .args = {M, {CRED, R | GSS_S_NO_CRED}, NAME_IN, N(0), {OID_SET, 0}, N(GSS_C_INITIATE), {OUT_CRED, W}, SET_OUT_IF,
		  NUM_OUT_IF}},
	{CALL(gss_add_cred_impersonate_name),
	 .args = {M, N(0), {CRED, R | GSS_S_NO_CRED}, NAME_IN, MECH_IF, N(GSS_C_INITIATE), N(0), N(0),
		  {OUT_CRED, W | GSS_S_NO_CRED}, SET_OUT_IF, NUM_OUT_IF, NUM_OUT_IF}},
	{CALL(gss_store_cred), .args = {M, {CRED, R | GSS_S_NO_CRED}, N(GSS_C_INITIATE), MECH_IF, N(0), N(0), SET_OUT_IF,
					NUM_OUT_IF}},
	{CALL(gss_store_cred_into), .args = {M, {CRED, R | GSS_S_NO_CRED}, N(GSS_C_BOTH), MECH_IF, N(0), N(0), {STORE, 0},
					     SET_OUT_IF, NUM_OUT_IF}},
	{CALL(gss_export_cred), .args = {M, {CRED, R | GSS_S_NO_CRED}, BUF_OUT}},
	{CALL(gss_import_cred),
	 .args = {M, {INPUT, R | GSS_S_DEFECTIVE_TOKEN, GSS_S_DEFECTIVE_TOKEN, CRED_TOKEN}, {OUT_CRED, W}}},
	{CALL(gss_set_cred_option), .args = {M, {CRED_KEPT, W}, {OID, R, R, OPTION}, N(0)}},
	{CALL(gssspi_set_cred_option), .args = {M, CRED_IF, {OID, R, R, OPTION}, N(0)}},
	{CALL(gss_krb5_copy_ccache), .args = {M, {CRED, R | GSS_S_NO_CRED}, N(1)}},
	{CALL(gss_krb5_import_cred), .args = {M, N(1), N(0), N(0), {OUT_CRED, W}}},
	{CALL(gss_krb5_set_allowable_enctypes), .args = {M, {CRED, R | GSS_S_NO_CRED}, N(0), N(0)}},
	{CALL(gss_krb5_set_cred_rcache), .args = {M, {CRED, R | GSS_S_NO_CRED}, N(1)}},
	{CALL(gss_krb5_ccache_name), .args = {M, N(0), N(0)}},
	{CALL(krb5_gss_register_acceptor_identity), .has_no_minor = true, .args = {N(0)}},
	{CALL(krb5_gss_use_kdc_context), .has_no_minor = true, .args = {N(0)}},
	{CALL(gss_release_cred), .args = {M, {CRED_REF, R | GSS_S_NO_CRED}}},

	{CALL(gss_init_sec_context),
	 .good = GSS_S_CONTINUE_NEEDED,
	 .args = {M, CRED_IF, {CONTEXT_NEW, W | GSS_S_NO_CONTEXT}, NAME_IN, MECH_IF, N(GSS_C_MUTUAL_FLAG), N(0), {BINDINGS, 0},
		  {INPUT, 0, 0, NOTHING}, OID_OUT_IF, BUF_OUT, NUM_OUT_IF, NUM_OUT_IF}},
	{CALL(gss_accept_sec_context),
	 .args = {M, {CONTEXT_NEW, W}, CRED_IF, {INPUT, R, GSS_S_CONTINUE_NEEDED, FIRST_TOKEN}, {BINDINGS, 0}, NAME_OUT_IF,
		  OID_OUT_IF, BUF_OUT, NUM_OUT_IF, NUM_OUT_IF, {OUT_CRED, 0}}},
	{CALL(gss_delete_sec_context), .args = {M, {CONTEXT_REF, W | GSS_S_NO_CONTEXT}, BUF_OUT_IF}},
	{CALL(gss_process_context_token), .good = GSS_S_DEFECTIVE_TOKEN, .args = {M, CTX, BUF_FULL(TEXT)}},
	{CALL(gss_context_time), .args = {M, CTX, NUM_OUT}},
	{CALL(gss_inquire_context), .args = {M, CTX, NAME_OUT_IF, NAME_OUT_IF, NUM_OUT_IF, OID_OUT_IF, NUM_OUT_IF, NUM_OUT_IF,
					     NUM_OUT_IF}},
	{CALL(gss_wrap_size_limit), .args = {M, CTX, N(1), N(0), N(1000), NUM_OUT}},
	{CALL(gss_export_sec_context), .args = {M, {CONTEXT_REF, R | GSS_S_NO_CONTEXT}, BUF_OUT}},
	{CALL(baton_export_sec_context), .args = {M, {CONTEXT_REF, R | GSS_S_NO_CONTEXT}, N((uintptr_t)&options), BUF_OUT}},
	{CALL(baton_send_sec_context),
	 .args = {M, {SOCKET}, {CONTEXT_REF, R | GSS_S_NO_CONTEXT}, {CARGO, 0}, N((uintptr_t)&options), {OUT_HANDOVER, 0}}},
	{CALL(baton_recv_sec_context), .args = {M, {SOCKET_FULL}, {CONTEXT_NEW, W}, {CARGO_REF, 0}}},
	{CALL(baton_handover_status), .args = {M, {HANDOVER, R | GSS_S_NO_CONTEXT}, NUM_OUT}},
	{CALL(baton_take_back_sec_context), .args = {M, {HANDOVER_REF, R | GSS_S_NO_CONTEXT}, {CONTEXT_NEW, W}}},
	{CALL(baton_release_handover), .args = {M_FREE, {HANDOVER_REF, 0}}},
	{CALL(baton_transfer_defaults), .args = {M, N((uintptr_t)"ttl=5m")}},
	{CALL(gss_import_sec_context),
	 .args = {M, {INPUT, R | GSS_S_DEFECTIVE_TOKEN, R | GSS_S_DEFECTIVE_TOKEN, INTERPROCESS}, {CONTEXT_NEW, W}}},
	{CALL(baton_inspect_token),
	 .args = {M, {INPUT, R | GSS_S_DEFECTIVE_TOKEN, R | GSS_S_DEFECTIVE_TOKEN, INTERPROCESS}, {OUT_INFO, W}}},
	{CALL(baton_claims), .args = {M, {OUT_CLAIMS, W}}},
	{CALL(baton_each_mech), .args = {M, N((uintptr_t)hear_mech), N(0)}},
	{CALL(gss_inquire_sec_context_by_oid), .args = {M, CTX, {OID, R, R, SESSION_KEY}, {OUT_BUFFER_SET, W}}},
	{CALL(gss_krb5_get_tkt_flags), .args = {M, CTX, NUM_OUT}},
	{CALL(gsskrb5_extract_authtime_from_sec_context), .args = {M, CTX, NUM_OUT}},
	{CALL(gsskrb5_extract_authz_data_from_sec_context), .args = {M, CTX, N(128), BUF_OUT}},

	{CALL(gss_krb5_export_lucid_sec_context),
	 .args = {M, {CONTEXT_REF, R | GSS_S_NO_CONTEXT}, N(1), {OUT_LUCID, W}}},
	{CALL(gss_set_sec_context_option),
	 .good = GSS_S_UNAVAILABLE,
	 .args = {M, {CONTEXT_REF, W}, {OID, R, R, DEMAND}, {INPUT, 0, 0, TEXT}}},
	{CALL(gss_complete_auth_token), .args = {M, {CONTEXT, GSS_S_NO_CONTEXT}, BUF(TEXT)}},
	{CALL(gssspi_mech_invoke), .args = {M, MECH_IF, {OID, R, R, DEMAND}, N(0)}},

	{CALL(gss_get_mic), .args = {M, CTX, N(0), BUF(TEXT), BUF_OUT}},
	{CALL(gss_verify_mic), .args = {M, CTX, {INPUT, R, GSS_S_BAD_MIC, TEXT}, BUF_FULL(MIC), NUM_OUT_IF}},
	{CALL(gss_wrap), .args = {M, CTX, N(1), N(0), BUF(TEXT), NUM_OUT_IF, BUF_OUT}},
	{CALL(gss_unwrap), .args = {M, CTX, BUF_FULL(WRAPPED), BUF_OUT, NUM_OUT_IF, NUM_OUT_IF}},
	{CALL(gss_sign), .args = {M, CTX, N(0), BUF(TEXT), BUF_OUT}},
	{CALL(gss_verify), .args = {M, CTX, {INPUT, R, GSS_S_BAD_MIC, TEXT}, BUF_FULL(MIC), NUM_OUT_IF}},
	{CALL(gss_seal), .args = {M, CTX, N(1), N(0), BUF(TEXT), NUM_OUT_IF, BUF_OUT}},
	{CALL(gss_unseal), .args = {M, CTX, BUF_FULL(WRAPPED), BUF_OUT, NUM_OUT_IF, NUM_OUT_IF}},
	{CALL(gss_wrap_aead), .args = {M, CTX, N(1), N(0), {INPUT, 0, 0, TEXT}, BUF(TEXT), NUM_OUT_IF, BUF_OUT}},
	{CALL(gss_unwrap_aead),
	 .args = {M, CTX, {INPUT, R, GSS_S_DEFECTIVE_TOKEN, WRAPPED}, {INPUT, 0, 0, NOTHING}, BUF_OUT, NUM_OUT_IF, NUM_OUT_IF}},
	{CALL(gss_pseudo_random), .args = {M, CTX, N(0), BUF(TEXT), N(40), BUF_OUT}},
	{CALL(gss_wrap_iov), .args = {M, CTX, N(1), N(0), NUM_OUT_IF, {IOV, R, 0, WRAP_PIECES}, N(4)}},
	{CALL(gss_wrap_iov_length), .args = {M, CTX, N(1), N(0), NUM_OUT_IF, {IOV, R, 0, WRAP_PIECES}, N(4)}},
	{CALL(gss_unwrap_iov), .args = {M, CTX, NUM_OUT_IF, NUM_OUT_IF, {IOV, R, 0, UNWRAP_PIECES}, N(2)}},
	{CALL(gss_get_mic_iov), .args = {M, CTX, N(0), {IOV, R, 0, MIC_PIECES}, N(2)}},
	{CALL(gss_get_mic_iov_length), .args = {M, CTX, N(0), {IOV, R, 0, MIC_PIECES}, N(2)}},
	{CALL(gss_verify_mic_iov), .args = {M, CTX, NUM_OUT_IF, {IOV, R, 0, VERIFY_PIECES}, N(2)}},
	{CALL(gss_release_iov_buffer), .args = {M_FREE, {IOV, 0, 0, WRAP_PIECES}, N(4)}},

	{CALL(gss_import_name), .args = {M, {INPUT, R | GSS_S_BAD_NAME, GSS_S_BAD_NAME, TEXT}, {OID, 0}, {OUT_NAME, W}}},
	{CALL(gss_display_name), .args = {M, NAME_IN, BUF_OUT, OID_OUT_IF}},
	{CALL(gss_compare_name), .args = {M, NAME_IN, NAME_IN, NUM_OUT}},
	{CALL(gss_canonicalize_name), .args = {M, NAME_IN, {OID, R, R}, {OUT_NAME, 0}}},
	{CALL(gss_export_name), .good = GSS_S_NAME_NOT_MN, .args = {M, NAME_IN, BUF_OUT}},
	{CALL(gss_duplicate_name), .args = {M, NAME_IN, {OUT_NAME, W}}},
	{CALL(gss_release_name), .args = {M, {NAME_REF, R | GSS_S_BAD_NAME}}},
	{CALL(gss_localname), .args = {M, {NAME, R}, MECH_IF, BUF_OUT}},
	{CALL(gss_pname_to_uid), .args = {M, {NAME, R}, MECH_IF, {NUMBER_REF, W}}},
	{CALL(gss_authorize_localname), .args = {M, {MN, R}, {ACCOUNT, R}}},
	{CALL(gss_display_name_ext), .args = {M, NAME_IN, {OID, R | GSS_S_BAD_NAMETYPE, R, TYPE}, BUF_OUT}},
	{CALL(gss_inquire_name), .args = {M, MN_IN, NUM_OUT_IF, OID_OUT_IF, {OUT_BUFFER_SET, 0}}},
	{CALL(gss_get_name_attribute), .args = {M, MN_IN, {INPUT, R, GSS_S_UNAVAILABLE, COLOUR}, NUM_OUT_IF, NUM_OUT_IF,
						BUF_OUT_IF, BUF_OUT_IF, {MORE, W}}},
	{CALL(gss_set_name_attribute), .good = GSS_S_UNAVAILABLE, .args = {M, MN_IN, N(0), BUF(COLOUR), BUF(TEXT)}},
	{CALL(gss_delete_name_attribute), .good = GSS_S_UNAVAILABLE, .args = {M, MN_IN, BUF(COLOUR)}},
	{CALL(gss_export_name_composite), .args = {M, MN_IN, BUF_OUT}},
	{CALL(gss_map_name_to_any), .args = {M, MN_IN, N(0), {INPUT, R, GSS_S_UNAVAILABLE, THING}, {OUT_ANY, W}}},
	{CALL(gss_release_any_name_mapping), .args = {M, MN_IN, {INPUT, R, GSS_S_UNAVAILABLE, THING}, {ANY_GONE, R}}},
	{CALL(gss_inquire_names_for_mech), .args = {M, MECH_IF, SET_OUT}},
	{CALL(gss_inquire_mechs_for_name), .args = {M, NAME_IN, SET_OUT}},

	{CALL(gss_display_status), .args = {M, N(0), N(GSS_C_GSS_CODE), {OID, 0}, {NUMBER_REF, W}, BUF_OUT}},
	{CALL(gss_indicate_mechs), .args = {M, SET_OUT}},
	{CALL(gss_release_buffer), .args = {M_FREE, {BUFFER_GONE, 0}}},
	{CALL(gss_release_oid_set), .args = {M_FREE, {OID_SET_GONE, 0}}},
	{CALL(gss_release_oid), .args = {M, {OID_REF, W}}},
	{CALL(gss_create_empty_oid_set), .args = {M, SET_OUT}},
	{CALL(gss_add_oid_set_member), .args = {M, {OID, R, R, ATTRIBUTE}, {OID_SET_REF, W}}},
	{CALL(gss_test_oid_set_member), .args = {M, {OID, R, R}, {OID_SET, R}, NUM_OUT}},
	{CALL(gss_str_to_oid), .args = {M, BUF_FULL(OID_TEXT), {OUT_OWN_OID, W}}},
	{CALL(gss_oid_to_str), .args = {M, {OID, R, R}, BUF_OUT}},
	{CALL(gss_encapsulate_token), .has_no_minor = true, .args = {BUF(TEXT), {OID, R, R}, BUF_OUT}},
	{CALL(gss_decapsulate_token),
	 .has_no_minor = true,
	 .args = {{INPUT, R, GSS_S_DEFECTIVE_TOKEN, FRAMED}, {OID, R, R}, BUF_OUT}},
	{CALL(gss_create_empty_buffer_set), .args = {M, {OUT_BUFFER_SET, W}}},
	{CALL(gss_add_buffer_set_member), .args = {M, BUF(TEXT), {BUFFER_SET_NEW, W}}},
	{CALL(gss_release_buffer_set), .args = {M_FREE, {BUFFER_SET_GONE, 0}}},

	{CALL(gss_indicate_mechs_by_attrs), .args = {M, N(0), N(0), N(0), SET_OUT}},
	{CALL(gss_inquire_attrs_for_mech), .args = {M, MECH_IF, SET_OUT_IF, SET_OUT_IF}},
	{CALL(gss_display_mech_attr),
	 .args = {M, {OID, GSS_S_BAD_MECH_ATTR, GSS_S_BAD_MECH_ATTR, ATTRIBUTE}, BUF_OUT_IF, BUF_OUT_IF, BUF_OUT_IF}},
	{CALL(gss_inquire_saslname_for_mech), .args = {M, MECH_IF, BUF_OUT_IF, BUF_OUT_IF, BUF_OUT_IF}},
	{CALL(gss_inquire_mech_for_saslname), .args = {M, {INPUT, R, GSS_S_BAD_MECH, SASL_NAME}, OID_OUT_IF}},
};

/* clang-format on */

enum { NUM_CALLS = sizeof calls / sizeof calls[0] };

/* ---- what arguments are made of ---- */

union slot {
	OM_uint32 number;
	gss_ctx_id_t context;
	gss_name_t name;
	gss_cred_id_t cred;
	gss_buffer_desc buffer;
	gss_OID oid;
	gss_OID_desc oid_desc;
	gss_OID_set set;
	gss_buffer_set_t buffer_set;
	gss_any_t any;
	void *lucid;
	gss_iov_buffer_desc iov[4];
	gss_key_value_set_desc store;
	struct gss_channel_bindings_struct bindings;
	struct baton_cargo cargo;
	baton_handover_t handover;
	struct baton_token_info info;
	struct baton_claims claims;
};

/* Both ends of a socket that does not wait, for all scenes. */
static int ends[2];

/* One call's surroundings, made afresh for each. */
struct scene {
	struct fake_pair pair;
	union slot slots[MAX_ARGS];
	uintptr_t values[MAX_ARGS];
	gss_cred_id_t cred;
	gss_name_t name, mn, account;
	gss_buffer_desc made; /* an input's bytes */
	baton_handover_t handover;
	gss_OID_set set;
	char data[16];
};

static gss_OID_desc krb5 = {9, (void *)(uintptr_t) "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
static gss_OID_desc option = {11, (void *)(uintptr_t) "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x04"};
static gss_OID_desc impersonator = {11, (void *)(uintptr_t) "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x0e"};
static gss_OID_desc demand = {11, (void *)(uintptr_t) "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x09"};
static gss_OID_set_desc krb5_only = {1, &krb5};
static gss_key_value_element_desc store_elements[] = {{"ccache", "MEMORY:x"}};

/* Not a handle of this library's, and readable as far as any of its kind goes. */
static uint64_t foreign[32] = {0x1122334455667788};

static gss_buffer_desc
literal(const char *text)
{
	return (gss_buffer_desc){strlen(text), (void *)(uintptr_t)text};
}

static gss_buffer_desc
bytes_of(struct scene *scene, enum content content)
{
	gss_buffer_desc text = literal("hello world");
	gss_ctx_id_t exported;
	struct fake_pair other;
	OM_uint32 minor;

	switch (content) {
	case NOTHING:
		return (gss_buffer_desc){0};
	case OID_TEXT:
		return literal("{ 1 2 840 113554 }");
	case COLOUR:
		return literal("colour");
	case THING:
		return literal("thing");
	case SASL_NAME:
		return literal("GS2-KRB5");
	case WRAPPED:
		assert_int_equal(gss_wrap(&minor, scene->pair.acceptor, 1, 0, &text, NULL, &scene->made), GSS_S_COMPLETE);
		return scene->made;
	case MIC:
		assert_int_equal(gss_get_mic(&minor, scene->pair.acceptor, 0, &text, &scene->made), GSS_S_COMPLETE);
		return scene->made;
	case FIRST_TOKEN:
	case FRAMED:
		text = literal("01");
		assert_int_equal(gss_encapsulate_token(&text, &krb5, &scene->made), GSS_S_COMPLETE);
		return scene->made;
	case CRED_TOKEN:
		assert_int_equal(gss_export_cred(&minor, scene->cred, &scene->made), GSS_S_COMPLETE);
		return scene->made;
	case INTERPROCESS:
		other = fake_establish(0);
		exported = other.acceptor;
		assert_int_equal(gss_export_sec_context(&minor, &exported, &scene->made), GSS_S_COMPLETE);
		gss_delete_sec_context(&minor, &other.initiator, NULL);
		return scene->made;
	default:
		return text;
	}
}

static gss_OID
oid_of(enum content content)
{
	switch (content) {
	case SESSION_KEY:
		return GSS_C_INQ_SSPI_SESSION_KEY;
	case IMPERSONATOR:
		return &impersonator;
	case TYPE:
		return GSS_C_NT_HOSTBASED_SERVICE;
	case OPTION:
		return &option;
	case DEMAND:
		return &demand;
	case ATTRIBUTE:
		return (gss_OID)(uintptr_t)GSS_C_MA_WRAP;
	default:
		return &krb5;
	}
}

static void
make_pieces(struct scene *scene, enum content content, gss_iov_buffer_desc *iov)
{
	gss_buffer_desc whole;

	memcpy(scene->data, "0123456789abcde", sizeof scene->data);
	memset(iov, 0, 4 * sizeof *iov);
	if (content == UNWRAP_PIECES) {
		whole = bytes_of(scene, WRAPPED);
		iov[0] = (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE_STREAM, whole};
		iov[1] = (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE_DATA, {0}};
		return;
	}
	if (content == VERIFY_PIECES) {
		whole = bytes_of(scene, MIC);
		iov[0] = (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE_DATA, literal("hello world")};
		iov[1] = (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE_MIC_TOKEN, whole};
		return;
	}
	iov[0] = (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE_DATA, {sizeof scene->data, scene->data}};
	if (content == MIC_PIECES) {
		iov[1] = (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE_MIC_TOKEN | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0}};
		return;
	}
	iov[1] = (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE_HEADER | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0}};
	iov[2] = (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE_PADDING | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0}};
	iov[3] = (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE_TRAILER | GSS_IOV_BUFFER_FLAG_ALLOCATE, {0}};
}

static struct baton_cargo
make_cargo(struct scene *scene)
{
	return (struct baton_cargo){BATON_CARGO_VERSION, ends[0], scene->cred, literal("with it")};
}

static baton_handover_t
make_handover(struct scene *scene)
{
	struct fake_pair pair = fake_establish(0);
	struct baton_cargo cargo = make_cargo(scene);
	OM_uint32 minor;

	assert_int_equal(baton_send_sec_context(&minor, ends[0], &pair.acceptor, &cargo, NULL, &scene->handover), GSS_S_COMPLETE);
	fake_finish(&pair);
	return scene->handover;
}

static void
drain(void)
{
	OM_uint32 minor, major;
	gss_ctx_id_t context;

	do {
		major = baton_recv_sec_context(&minor, ends[1], &context, NULL);
		if (context != GSS_C_NO_CONTEXT)
			gss_delete_sec_context(&minor, &context, NULL);
	} while (major != GSS_S_CONTINUE_NEEDED);
}

static uintptr_t
make_arg(struct scene *scene, const struct arg *arg, union slot *slot)
{
	gss_buffer_desc member = literal("member"), thing = literal("thing");
	OM_uint32 minor;

	switch (arg->kind) {
	case NUMBER:
		return arg->number;
	case CONTEXT:
		return (uintptr_t)scene->pair.initiator;
	case CONTEXT_REF:
		slot->context = scene->pair.initiator;
		break;
	case CONTEXT_NEW:
		slot->context = NULL;
		break;
	case NAME:
		return (uintptr_t)scene->name;
	case NAME_REF:
		slot->name = scene->name;
		break;
	case MN:
		return (uintptr_t)scene->mn;
	case ACCOUNT:
		return (uintptr_t)scene->account;
	case MORE:
		slot->number = (OM_uint32)-1;
		break;
	case ANY_GONE:
		assert_int_equal(gss_map_name_to_any(&minor, scene->mn, 0, &thing, &slot->any), GSS_S_COMPLETE);
		break;
	case CRED:
		return (uintptr_t)scene->cred;
	case CRED_REF:
	case CRED_KEPT:
		slot->cred = scene->cred;
		break;
	case INPUT:
		slot->buffer = bytes_of(scene, arg->content);
		break;
	case OID:
		slot->oid_desc = *oid_of(arg->content);
		break;
	case OID_REF:
		slot->oid = GSS_C_NT_USER_NAME;
		break;
	case OID_SET:
		return (uintptr_t)&krb5_only;
	case OID_SET_REF:
	case OID_SET_GONE:
		gss_create_empty_oid_set(&minor, &scene->set);
		slot->set = scene->set;
		break;
	case BUFFER_GONE:
		slot->buffer = (gss_buffer_desc){5, bt_mem_dup("bytes", 5)};
		break;
	case BUFFER_SET_GONE:
		slot->buffer_set = NULL;
		gss_add_buffer_set_member(&minor, &member, &slot->buffer_set);
		break;
	case BUFFER_SET_NEW:
		slot->buffer_set = NULL;
		break;
	case IOV:
		make_pieces(scene, arg->content, slot->iov);
		break;
	case STORE:
		slot->store = (gss_key_value_set_desc){1, store_elements};
		break;
	case NUMBER_REF:
		slot->number = 0;
		break;
	case SOCKET:
		return (uintptr_t)ends[0];
	case SOCKET_FULL:
		make_handover(scene);
		return (uintptr_t)ends[1];
	case CARGO:
		slot->cargo = make_cargo(scene);
		break;
	case CARGO_REF:
		slot->cargo.version = BATON_CARGO_VERSION;
		break;
	case HANDOVER:
		return (uintptr_t)make_handover(scene);
	case HANDOVER_REF:
		slot->handover = make_handover(scene);
		break;
	case OUT_INFO:
		slot->info.version = BATON_TOKEN_INFO_VERSION;
		break;
	case OUT_CLAIMS:
		slot->claims.version = BATON_CLAIMS_VERSION;
		break;
	case BINDINGS:
		slot->bindings = (struct gss_channel_bindings_struct){.application_data = literal("channel")};
		break;
	default:
		break;
	}
	return (uintptr_t)slot;
}

static void
begin(struct scene *scene, const struct call *call)
{
	gss_buffer_desc account = literal("root");
	OM_uint32 minor;

	memset(scene, 0, sizeof *scene);
	scene->pair = fake_establish(GSS_C_MUTUAL_FLAG);
	scene->name = fake_target();
	assert_int_equal(gss_canonicalize_name(&minor, scene->name, &krb5, &scene->mn), GSS_S_COMPLETE);
	assert_int_equal(gss_import_name(&minor, &account, GSS_C_NT_USER_NAME, &scene->account), GSS_S_COMPLETE);
	assert_int_equal(gss_acquire_cred(&minor, scene->name, 0, NULL, GSS_C_BOTH, &scene->cred, NULL, NULL), GSS_S_COMPLETE);
	for (size_t i = 0; call->args[i].kind != END; i++) {
		/* Outputs are full of what was there before. */
		memset(&scene->slots[i], 0xaa, sizeof scene->slots[i]);
		scene->values[i] = make_arg(scene, &call->args[i], &scene->slots[i]);
	}
}

static OM_uint32
run(const struct call *call, const uintptr_t *a)
{
	/* All arguments are integers or pointers, which this machine's calling convention passes alike. */
	typedef OM_uint32 full_call(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t,
				    uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);

	full_call *function = (full_call *)(void (*)(void))call->function;

	return function(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12]);
}

static const struct baton_token_info no_info = {.version = BATON_TOKEN_INFO_VERSION};
static const struct baton_claims no_claims = {.version = BATON_CLAIMS_VERSION};

/* After a failure nothing may be left in an output but what says "nothing". */
static void
check_empty(const struct call *call, size_t i, const struct scene *scene)
{
	const union slot *slot = &scene->slots[i];
	enum kind kind = call->args[i].kind;

	if (scene->values[i] != (uintptr_t)slot)
		return;
	if (kind == CONTEXT_NEW || kind == BUFFER_SET_NEW)
		assert_null(slot->context);
	else if (kind == CARGO_REF)
		assert_true(slot->cargo.fd == -1 && slot->cargo.cred == NULL && slot->cargo.data.value == NULL);
	else if (kind == OUT_BUFFER)
		assert_true(slot->buffer.length == 0 && slot->buffer.value == NULL);
	else if (kind == OUT_NUMBER)
		assert_int_equal(slot->number, 0);
	else if (kind == OUT_INFO)
		assert_memory_equal(&slot->info, &no_info, sizeof no_info);
	else if (kind == OUT_CLAIMS)
		assert_memory_equal(&slot->claims, &no_claims, sizeof no_claims);
	else if (kind >= FIRST_OUTPUT)
		assert_null(slot->name);
}

static void
free_cargo(struct baton_cargo *cargo)
{
	OM_uint32 minor;

	assert_true(cargo->fd >= 0 && cargo->data.length == strlen("with it"));
	assert_int_equal(close(cargo->fd), 0);
	gss_release_cred(&minor, &cargo->cred);
	gss_release_buffer(&minor, &cargo->data);
}

static void
free_outputs(const struct call *call, struct scene *scene)
{
	gss_buffer_desc thing = literal("thing");
	OM_uint32 minor;

	for (size_t i = 0; call->args[i].kind != END; i++) {
		union slot *slot = &scene->slots[i];

		if (scene->values[i] != (uintptr_t)slot)
			continue;
		if (call->args[i].kind == OUT_BUFFER)
			gss_release_buffer(&minor, &slot->buffer);
		else if (call->args[i].kind == OUT_NAME)
			gss_release_name(&minor, &slot->name);
		else if (call->args[i].kind == OUT_CRED)
			gss_release_cred(&minor, &slot->cred);
		else if (call->args[i].kind == OUT_OWN_OID)
			gss_release_oid(&minor, &slot->oid);
		else if (call->args[i].kind == OUT_SET)
			gss_release_oid_set(&minor, &slot->set);
		else if (call->args[i].kind == OUT_BUFFER_SET || call->args[i].kind == BUFFER_SET_NEW)
			gss_release_buffer_set(&minor, &slot->buffer_set);
		else if (call->args[i].kind == OUT_LUCID)
			gss_krb5_free_lucid_sec_context(&minor, slot->lucid);
		else if (call->args[i].kind == OUT_ANY)
			gss_release_any_name_mapping(&minor, scene->mn, &thing, &slot->any);
		else if (call->args[i].kind == CONTEXT_NEW && slot->context != NULL)
			gss_delete_sec_context(&minor, &slot->context, NULL);
		else if (call->args[i].kind == IOV)
			gss_release_iov_buffer(&minor, slot->iov, 4);
		else if (call->args[i].kind == OUT_HANDOVER)
			baton_release_handover(&minor, &slot->handover);
		else if (call->args[i].kind == CARGO_REF)
			free_cargo(&slot->cargo);
	}
}

static void
end(const struct call *call, struct scene *scene)
{
	OM_uint32 minor;

	for (size_t i = 0; call->args[i].kind != END; i++) {
		const union slot *slot = &scene->slots[i];

		/* What the call took away is not there any more; what it left, or was not given, is still to be freed. */
		if (call->args[i].kind == CONTEXT_REF && slot->context == NULL)
			scene->pair.initiator = NULL;
		else if (call->args[i].kind == NAME_REF && slot->name == NULL)
			scene->name = NULL;
		else if (call->args[i].kind == CRED_REF && slot->cred == NULL)
			scene->cred = NULL;
		else if (call->args[i].kind == HANDOVER_REF && slot->handover == NULL)
			scene->handover = NULL;
		else if (call->args[i].kind == OID_SET_GONE && slot->set == NULL)
			scene->set = NULL;
		else if (call->args[i].kind == ANY_GONE)
			bt_mem_free(slot->any);
		else if (call->args[i].kind == BUFFER_GONE)
			bt_mem_free(slot->buffer.value);
		else if (call->args[i].kind == BUFFER_SET_GONE)
			gss_release_buffer_set(&minor, (gss_buffer_set_t *)(uintptr_t)&slot->buffer_set);
	}
	baton_release_handover(&minor, &scene->handover);
	drain();
	gss_release_buffer(&minor, &scene->made);
	gss_release_oid_set(&minor, &scene->set);
	gss_release_name(&minor, &scene->name);
	gss_release_name(&minor, &scene->mn);
	gss_release_name(&minor, &scene->account);
	gss_release_cred(&minor, &scene->cred);
	if (scene->pair.initiator != NULL)
		gss_delete_sec_context(&minor, &scene->pair.initiator, NULL);
	gss_delete_sec_context(&minor, &scene->pair.acceptor, NULL);
}

/* One call as its scene is now; answer is what must come of it. */
static void
expect(const struct call *call, struct scene *scene, OM_uint32 answer, const char *what, size_t i)
{
	OM_uint32 major = run(call, scene->values), *minor = (OM_uint32 *)scene->values[0];

	if (major != answer)
		print_error("%s, argument %zu %s: %08x, not %08x\n", call->name, i + 1, what, major, answer);
	assert_int_equal(major, answer);
	if (!call->has_no_minor && minor != NULL)
		assert_int_not_equal(*minor, 0xaaaaaaaa);
	if (GSS_ERROR(major))
		for (size_t j = 0; call->args[j].kind != END; j++)
			check_empty(call, j, scene);
	else
		free_outputs(call, scene);
}

/* ---- the tests ---- */

/* What stays open for the life of the process is opened before anything is counted. */
static int
set_up(void **state)
{
	struct fake_pair pair = fake_establish(0);
	gss_buffer_desc token;
	OM_uint32 minor;

	assert_int_equal(gss_export_sec_context(&minor, &pair.acceptor, &token), GSS_S_COMPLETE);
	assert_int_equal(gss_import_sec_context(&minor, &token, &pair.acceptor), GSS_S_COMPLETE);
	gss_release_buffer(&minor, &token);
	fake_finish(&pair);
	/* Likewise what is kept of a socket, at both ends. */
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	pair = fake_establish(0);
	assert_int_equal(baton_send_sec_context(&minor, ends[0], &pair.acceptor, NULL, NULL, NULL), GSS_S_COMPLETE);
	fake_finish(&pair);
	drain();
	/* What was said once is kept. */
	assert_int_equal(baton_transfer_defaults(&minor, "ttl=5m"), GSS_S_COMPLETE);
	return 0;
}

static void
good(void **state)
{
	for (size_t c = 0; c < NUM_CALLS; c++) {
		size_t live = failing_live();
		struct scene scene;

		begin(&scene, &calls[c]);
		expect(&calls[c], &scene, calls[c].good, "good", 0);
		end(&calls[c], &scene);
		if (failing_live() != live)
			print_error("%s leaks\n", calls[c].name);
		assert_int_equal(failing_live(), live);
	}
}

/* Each with one argument changed by change, which says what the answer is, or 0 to leave this one out. */
typedef bool change_fn(const struct call *call, size_t i, struct scene *scene, OM_uint32 *answer);

static void
for_each_arg(change_fn *change, const char *what)
{
	for (size_t c = 0; c < NUM_CALLS; c++) {
		for (size_t i = 0; calls[c].args[i].kind != END; i++) {
			OM_uint32 answer = calls[c].good;
			size_t live = failing_live();
			struct scene scene;

			begin(&scene, &calls[c]);
			if (change(&calls[c], i, &scene, &answer))
				expect(&calls[c], &scene, answer, what, i);
			end(&calls[c], &scene);
			if (failing_live() != live)
				print_error("%s, argument %zu %s: leaks\n", calls[c].name, i + 1, what);
			assert_int_equal(failing_live(), live);
		}
	}
}

static bool
make_null(const struct call *call, size_t i, struct scene *scene, OM_uint32 *answer)
{
	if (call->args[i].kind == NUMBER || call->args[i].kind == SOCKET || call->args[i].kind == SOCKET_FULL)
		return false;
	scene->values[i] = 0;
	if (call->args[i].if_null != 0)
		*answer = call->args[i].if_null;
	return true;
}

static void
null_pointers(void **state)
{
	for_each_arg(make_null, "NULL");
}

static bool
make_foreign(const struct call *call, size_t i, struct scene *scene, OM_uint32 *answer)
{
	switch (call->args[i].kind) {
	case CONTEXT:
		*answer = BAD | GSS_S_NO_CONTEXT;
		break;
	case NAME:
	case MN:
	case ACCOUNT:
		*answer = BAD | GSS_S_BAD_NAME;
		break;
	case CRED:
		*answer = BAD | GSS_S_DEFECTIVE_CREDENTIAL;
		break;
	case CONTEXT_REF:
		*answer = call->function == ANY(gss_delete_sec_context) ? R | GSS_S_NO_CONTEXT :
												 BAD | GSS_S_NO_CONTEXT;
		break;
	case CONTEXT_NEW:
		/* An output of calls that make one, which do not look at what is there. */
		if (call->function == ANY(gss_import_sec_context) || call->function == ANY(baton_recv_sec_context) ||
		    call->function == ANY(baton_take_back_sec_context))
			return false;
		*answer = BAD | GSS_S_NO_CONTEXT;
		break;
	case HANDOVER:
	case HANDOVER_REF:
		*answer = BAD | GSS_S_NO_CONTEXT;
		break;
	case NAME_REF:
		*answer = R | GSS_S_BAD_NAME;
		break;
	case CRED_KEPT:
		*answer = BAD | GSS_S_DEFECTIVE_CREDENTIAL;
		break;
	case CRED_REF:
		*answer = R | GSS_S_NO_CRED;
		break;
	default:
		return false;
	}
	if (scene->values[i] == (uintptr_t)&scene->slots[i])
		scene->slots[i].context = (gss_ctx_id_t)(uintptr_t)foreign;
	else
		scene->values[i] = (uintptr_t)foreign;
	return true;
}

/* As make_foreign, but a handle of one of the library's other kinds. */
static bool
make_other(const struct call *call, size_t i, struct scene *scene, OM_uint32 *answer)
{
	bool is_name = call->args[i].kind >= NAME && call->args[i].kind <= ACCOUNT;
	uintptr_t other = is_name ? (uintptr_t)scene->cred : (uintptr_t)scene->name;

	if (!make_foreign(call, i, scene, answer))
		return false;
	if (scene->values[i] == (uintptr_t)&scene->slots[i])
		scene->slots[i].context = (gss_ctx_id_t)other;
	else
		scene->values[i] = other;
	return true;
}

/* The handle that stays in an in-out argument is not the test's to free, nor is an output to be looked at. */
static void
foreign_handles(void **state)
{
	for (size_t c = 0; c < NUM_CALLS; c++) {
		for (size_t i = 0; calls[c].args[i].kind != END; i++) {
			change_fn *const changes[] = {make_foreign, make_other};

			for (size_t k = 0; k < 2; k++) {
				OM_uint32 answer = 0, major;
				struct scene scene;

				begin(&scene, &calls[c]);
				if (changes[k](&calls[c], i, &scene, &answer)) {
					major = run(&calls[c], scene.values);
					if (major != answer)
						print_error("%s, argument %zu foreign: %08x, not %08x\n", calls[c].name,
							    i + 1, major, answer);
					assert_int_equal(major, answer);
					for (size_t j = 0; calls[c].args[j].kind != END; j++)
						if (j != i)
							check_empty(&calls[c], j, &scene);
				}
				end(&calls[c], &scene);
			}
		}
	}
}

static bool
make_empty(const struct call *call, size_t i, struct scene *scene, OM_uint32 *answer)
{
	const struct arg *arg = &call->args[i];

	if (arg->kind == INPUT)
		scene->slots[i].buffer.length = 0;
	else if (arg->kind == OID && arg->if_empty != 0)
		scene->slots[i].oid_desc = (gss_OID_desc){0};
	else
		return false;
	if (arg->if_empty != 0)
		*answer = arg->if_empty;
	return true;
}

static void
empty_inputs(void **state)
{
	for_each_arg(make_empty, "empty");
}

static bool
take_value(const struct call *call, size_t i, struct scene *scene, OM_uint32 *answer)
{
	const struct arg *arg = &call->args[i];

	if (arg->kind == INPUT) {
		scene->slots[i].buffer = (gss_buffer_desc){7, NULL};
		/* What is not needed may be left out, but not half of it. */
		*answer = arg->if_null != 0 ? arg->if_null : R;
	} else if (arg->kind == OID && arg->if_empty != 0) {
		scene->slots[i].oid_desc = (gss_OID_desc){9, NULL};
		*answer = arg->if_empty;
	} else if (arg->kind == IOV && arg->if_null != 0 && call->function != ANY(gss_wrap_iov_length) &&
		   call->function != ANY(gss_get_mic_iov_length)) {
		scene->slots[i].iov[0].buffer = (gss_buffer_desc){7, NULL};
		*answer = R;
	} else if (arg->kind == STORE) {
		scene->slots[i].store.elements = NULL;
		*answer = R;
	} else if (arg->kind == BINDINGS) {
		scene->slots[i].bindings.application_data.value = NULL;
		*answer = R;
	} else {
		return false;
	}
	return true;
}

static void
lengths_without_values(void **state)
{
	for_each_arg(take_value, "without a value");
}

/* Quality of protection, usage, key, number of pieces: numbers that are none of theirs. */
static void
bad_numbers(void **state)
{
	static const struct {
		any_call *function;
		size_t at;
		uintptr_t number;
		OM_uint32 answer;
	} rows[] = {
#define ROW(call, at, number, answer) {ANY(call), at, number, answer}
		ROW(gss_wrap, 3, 1, GSS_S_BAD_QOP),
		ROW(gss_seal, 3, 1, GSS_S_BAD_QOP),
		ROW(gss_get_mic, 2, 1, GSS_S_BAD_QOP),
		ROW(gss_sign, 2, 7, GSS_S_BAD_QOP),
		ROW(gss_wrap_size_limit, 3, 1, GSS_S_BAD_QOP),
		ROW(gss_wrap_iov, 3, 1, GSS_S_BAD_QOP),
		ROW(gss_wrap_iov_length, 3, 1, GSS_S_BAD_QOP),
		ROW(gss_get_mic_iov, 2, 1, GSS_S_BAD_QOP),
		ROW(gss_get_mic_iov_length, 2, 1, GSS_S_BAD_QOP),
		ROW(gss_wrap_iov, 6, (uintptr_t)-1, GSS_S_FAILURE),
		ROW(gss_unwrap_iov, 5, (uintptr_t)-1, GSS_S_FAILURE),
		ROW(gss_pseudo_random, 2, 2, GSS_S_FAILURE),
		ROW(gss_pseudo_random, 4, (uintptr_t)-1, GSS_S_FAILURE),
		ROW(gss_acquire_cred, 4, 3, GSS_S_FAILURE),
		ROW(gss_acquire_cred_from, 4, (uintptr_t)-1, GSS_S_FAILURE),
		ROW(gss_add_cred, 4, 9, GSS_S_FAILURE),
		ROW(gss_display_status, 2, 3, GSS_S_BAD_STATUS),
		ROW(gss_acquire_cred_impersonate_name, 5, GSS_C_ACCEPT, GSS_S_FAILURE),
		ROW(gss_acquire_cred_impersonate_name, 5, 3, GSS_S_FAILURE),
		ROW(gss_add_cred_impersonate_name, 5, GSS_C_BOTH, GSS_S_FAILURE),
		ROW(gss_store_cred, 2, GSS_C_ACCEPT, GSS_S_FAILURE),
		ROW(gss_store_cred, 2, 3, GSS_S_FAILURE),
		ROW(gss_krb5_copy_ccache, 2, 0, W),
#undef ROW
	};

	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
		for (size_t c = 0; c < NUM_CALLS; c++) {
			struct scene scene;

			if (calls[c].function != rows[r].function)
				continue;
			begin(&scene, &calls[c]);
			scene.values[rows[r].at] = rows[r].number;
			expect(&calls[c], &scene, rows[r].answer, "no such number", rows[r].at);
			end(&calls[c], &scene);
		}
	}
}

/* A negotiation comes out at no negotiation, and no mechanism is there twice: or a token could go on without end. */
static void
nested_credentials(void **state)
{
#define PART(oid, len, bytes) "\0\0\0" oid "\0\0\0" len bytes
#define KRB5_PART PART("\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02", "\x01", "\x01")
#define SPNEGO "\x06\x2b\x06\x01\x05\x05\x02"
	static const struct {
		const char *bytes;
		size_t len;
		OM_uint32 answer;
	} rows[] = {
#define ROW(bytes, answer) {bytes, sizeof(bytes) - 1, answer}
		ROW(KRB5_PART, GSS_S_COMPLETE),
		ROW(PART(SPNEGO, "\x12", KRB5_PART), GSS_S_COMPLETE),
		ROW(KRB5_PART PART(SPNEGO, "\x12", KRB5_PART), GSS_S_COMPLETE),
		ROW(KRB5_PART KRB5_PART, GSS_S_DEFECTIVE_TOKEN),
		ROW(PART(SPNEGO, "\x24", KRB5_PART KRB5_PART), GSS_S_DEFECTIVE_TOKEN),
		ROW(PART(SPNEGO, "\x20", PART(SPNEGO, "\x12", KRB5_PART)), GSS_S_DEFECTIVE_TOKEN),
		ROW(PART(SPNEGO, "\0", ""), GSS_S_DEFECTIVE_TOKEN),
		ROW(KRB5_PART "\0", GSS_S_DEFECTIVE_TOKEN),
#undef ROW
	};

	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
		gss_buffer_desc token = {rows[r].len, (void *)(uintptr_t)rows[r].bytes}, again;
		size_t live = failing_live();
		gss_cred_id_t cred;
		OM_uint32 minor;

		assert_int_equal(gss_import_cred(&minor, &token, &cred), rows[r].answer);
		if (rows[r].answer != GSS_S_COMPLETE) {
			assert_null(cred);
		} else {
			assert_int_equal(gss_export_cred(&minor, cred, &again), GSS_S_COMPLETE);
			assert_int_equal(again.length, token.length);
			assert_memory_equal(again.value, token.value, again.length);
			gss_release_buffer(&minor, &again);
			gss_release_cred(&minor, &cred);
		}
		assert_int_equal(failing_live(), live);
	}
}

/* The one call without a status: GSS_C_NO_OID equals nothing. RFC 6339 §2.2. */
static void
equal_oids(void **state)
{
	gss_OID_desc other = {9, (void *)(uintptr_t) "\x2a\x86\x48\x86\xf7\x12\x01\x02\x03"}, shorter = krb5, empty = {0};

	shorter.length--;
	assert_true(gss_oid_equal(&krb5, &krb5));
	assert_false(gss_oid_equal(&krb5, &other));
	assert_false(gss_oid_equal(&krb5, &shorter));
	assert_false(gss_oid_equal(&krb5, &empty));
	assert_false(gss_oid_equal(&krb5, NULL));
	assert_false(gss_oid_equal(NULL, &krb5));
	assert_false(gss_oid_equal(NULL, NULL));
}

/* The other one: an account's name is what C has strings for, and the answer is yes or no. */
static void
account_use(void **state)
{
	gss_name_t name = fake_target(), mn;
	OM_uint32 minor;

	assert_int_equal(gss_canonicalize_name(&minor, name, &krb5, &mn), GSS_S_COMPLETE);
	assert_int_equal(gss_userok(mn, "root"), 1);
	assert_int_equal(gss_userok(mn, "daemon"), 0);
	assert_int_equal(gss_userok(mn, ""), 0);
	assert_int_equal(gss_userok(mn, NULL), 0);
	assert_int_equal(gss_userok(name, "root"), 0);
	assert_int_equal(gss_userok(GSS_C_NO_NAME, "root"), 0);
	assert_int_equal(gss_userok((gss_name_t)(uintptr_t)foreign, "root"), 0);
	gss_release_name(&minor, &name);
	gss_release_name(&minor, &mn);
}

/* Freeing takes the address by value, so it cannot be called twice. */
static void
lucid_contexts(void **state)
{
	struct fake_pair pair = fake_establish(0);
	OM_uint32 minor;
	void *lucid;

	assert_int_equal(gss_krb5_export_lucid_sec_context(&minor, &pair.initiator, 2, &lucid), GSS_S_FAILURE);
	assert_null(lucid);
	assert_non_null(pair.initiator);
	assert_int_equal(gss_krb5_export_lucid_sec_context(&minor, &pair.initiator, 1, &lucid), GSS_S_COMPLETE);
	assert_null(pair.initiator);
	assert_int_equal(gss_krb5_free_lucid_sec_context(&minor, lucid), GSS_S_COMPLETE);
	assert_int_equal(gss_krb5_free_lucid_sec_context(&minor, NULL), GSS_S_FAILURE);
	fake_finish(&pair);
}

/* Of the inside of another library: there to be linked to. */
static void
inner_functions(void **state)
{
	assert_int_not_equal(gss_krb5int_make_seal_token_v3(), 0);
	assert_int_equal(gss_krb5int_unseal_token_v3(), GSS_S_FAILURE);
	assert_int_not_equal(gssint_g_seqstate_init(), 0);
}

/* A message that could not be received is gone from the socket, but not its context. */
static void
make_message_again(struct scene *scene)
{
	gss_ctx_id_t context;
	OM_uint32 minor;
	int state;

	assert_int_equal(baton_handover_status(&minor, scene->handover, &state), GSS_S_COMPLETE);
	assert_true(state == BATON_HANDOVER_REFUSED || state == BATON_HANDOVER_WAITING);
	assert_int_equal(baton_take_back_sec_context(&minor, &scene->handover, &context), GSS_S_COMPLETE);
	gss_delete_sec_context(&minor, &context, NULL);
	drain();
	make_handover(scene);
}

/* The nth allocation of each call fails, for every n. Only a missing memory may come of it, and the call can be made again. */
static void
hear(const struct baton_event *event, void *arg)
{
	const struct baton_event **last = arg;

	assert_int_equal(event->version, BATON_EVENT_VERSION);
	*last = event;
}

/* It answers nothing: what it does is seen in a call that is refused. */
static void
audit(void **state)
{
	const struct baton_event *last = NULL;
	gss_ctx_id_t context = GSS_C_NO_CONTEXT;
	gss_buffer_desc token;
	struct scene scene;
	OM_uint32 minor;

	begin(&scene, &calls[0]);
	token = bytes_of(&scene, INTERPROCESS);
	((char *)token.value)[token.length - 1] ^= 1;
	baton_audit(hear, &last);
	assert_int_equal(gss_import_sec_context(&minor, &token, &context), GSS_S_DEFECTIVE_TOKEN);
	assert_non_null(last);
	last = NULL;
	baton_audit(NULL, NULL);
	assert_int_equal(gss_import_sec_context(&minor, &token, &context), GSS_S_DEFECTIVE_TOKEN);
	assert_null(last);
	end(&calls[0], &scene);
}

static void
no_memory(void **state)
{
	for (size_t c = 0; c < NUM_CALLS; c++) {
		bool happened = true;

		for (size_t n = 1; happened; n++) {
			size_t live = failing_live();
			struct scene scene;
			OM_uint32 major;

			assert_true(n < 1000);
			begin(&scene, &calls[c]);
			failing_at(n);
			major = run(&calls[c], scene.values);
			happened = failing_happened();
			failing_at(0);
			/* A name whose mechanism has no memory to read it is not known to be the same. */
			if (happened && GSS_ERROR(major)) {
				for (size_t j = 0; calls[c].args[j].kind != END; j++)
					check_empty(&calls[c], j, &scene);
				if (calls[c].good == GSS_S_COMPLETE)
					assert_int_equal(major, GSS_S_FAILURE);
				if (calls[c].args[1].kind == SOCKET_FULL)
					make_message_again(&scene);
				major = run(&calls[c], scene.values);
			}
			if (major != calls[c].good)
				print_error("%s, allocation %zu failing: then %08x\n", calls[c].name, n, major);
			assert_int_equal(major, calls[c].good);
			if (!GSS_ERROR(major))
				free_outputs(&calls[c], &scene);
			end(&calls[c], &scene);
			if (failing_live() != live)
				print_error("%s, allocation %zu failing: leaks\n", calls[c].name, n);
			assert_int_equal(failing_live(), live);
		}
	}
}

/* A descriptor, and no status. */
static void
handover_descriptors(void **state)
{
	struct scene scene = {0};
	OM_uint32 minor;
	int fd;

	assert_int_equal(baton_handover_fd(NULL), -1);
	assert_int_equal(baton_handover_fd((baton_handover_t)foreign), -1);
	fd = baton_handover_fd(make_handover(&scene));
	assert_true(fd >= 0);
	assert_int_equal(baton_handover_fd(scene.handover), fd);
	baton_release_handover(&minor, &scene.handover);
	drain();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handover_descriptors),
		cmocka_unit_test(good),
		cmocka_unit_test(null_pointers),
		cmocka_unit_test(foreign_handles),
		cmocka_unit_test(empty_inputs),
		cmocka_unit_test(lengths_without_values),
		cmocka_unit_test(bad_numbers),
		cmocka_unit_test(nested_credentials),
		cmocka_unit_test(equal_oids),
		cmocka_unit_test(account_use),
		cmocka_unit_test(lucid_contexts),
		cmocka_unit_test(inner_functions),
		cmocka_unit_test(audit),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
