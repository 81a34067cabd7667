/*
 * gssapi.h - the Generic Security Service API, version 2: C bindings of RFC 2744.
 *
 * Types, constants and calls stand in the order of RFC 2744 §3 to §5, and sizes and values are those of MIT's
 * libgssapi_krb5.so.2 on Linux, so that an object file compiled with either header runs with either library.
 *
 * For all calls: minor_status must be given, and outputs are emptied before anything else happens. A buffer returned
 * is freed with gss_release_buffer, a set with gss_release_oid_set, a name with gss_release_name, a credential with
 * gss_release_cred, a context with gss_delete_sec_context; an OID returned is read-only and static unless its
 * call says otherwise. Threads may share any handle; a context not yet established is for one thread at a time.
 */
#ifndef _GSSAPI_H_
#define _GSSAPI_H_

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Empty on this platform; programs written for others use them in their own declarations. */
#ifndef KRB5_CALLCONV
#define KRB5_CALLCONV
#define KRB5_CALLCONV_C
#endif
#ifndef GSS_DLLIMP
#define GSS_DLLIMP
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* ---- types, RFC 2744 §3 ---- */

typedef uint32_t gss_uint32;
typedef int32_t gss_int32;
typedef gss_uint32 OM_uint32;

/* Handles: what is behind them is the library's business. */
typedef struct gss_name_struct *gss_name_t;
typedef struct gss_cred_id_struct *gss_cred_id_t;
typedef struct gss_ctx_id_struct *gss_ctx_id_t;

/* An object identifier: length DER contents octets, without tag and length. §3.4 */
typedef struct gss_OID_desc_struct {
	OM_uint32 length;
	void *elements;
} gss_OID_desc, *gss_OID;

/* §3.5 */
typedef struct gss_OID_set_desc_struct {
	size_t count;
	gss_OID elements;
} gss_OID_set_desc, *gss_OID_set;

/* §3.2 */
typedef struct gss_buffer_desc_struct {
	size_t length;
	void *value;
} gss_buffer_desc, *gss_buffer_t;

/* §3.11 */
struct gss_channel_bindings_struct {
	OM_uint32 initiator_addrtype;
	gss_buffer_desc initiator_address;
	OM_uint32 acceptor_addrtype;
	gss_buffer_desc acceptor_address;
	gss_buffer_desc application_data;
};
typedef struct gss_channel_bindings_struct *gss_channel_bindings_t;

typedef OM_uint32 gss_qop_t;
typedef int gss_cred_usage_t;

/* The same with what they point to unchanged, as RFC 5587 §3.4.6 names them. */
typedef const gss_buffer_desc *gss_const_buffer_t;
typedef const struct gss_channel_bindings_struct *gss_const_channel_bindings_t;
typedef const struct gss_ctx_id_struct *gss_const_ctx_id_t;
typedef const struct gss_cred_id_struct *gss_const_cred_id_t;
typedef const struct gss_name_struct *gss_const_name_t;
typedef const gss_OID_desc *gss_const_OID;
typedef const gss_OID_set_desc *gss_const_OID_set;

/* ---- constants ---- */

/* Context services, asked for in req_flags and granted in ret_flags. §4, §5.19; DELEG_POLICY: RFC 5896 §2. */
#define GSS_C_DELEG_FLAG 1
#define GSS_C_MUTUAL_FLAG 2
#define GSS_C_REPLAY_FLAG 4
#define GSS_C_SEQUENCE_FLAG 8
#define GSS_C_CONF_FLAG 16
#define GSS_C_INTEG_FLAG 32
#define GSS_C_ANON_FLAG 64
#define GSS_C_PROT_READY_FLAG 128
#define GSS_C_TRANS_FLAG 256
#define GSS_C_DELEG_POLICY_FLAG 32768

/* What a credential is for. */
#define GSS_C_BOTH 0
#define GSS_C_INITIATE 1
#define GSS_C_ACCEPT 2

/* Which kind of code gss_display_status is asked about. */
#define GSS_C_GSS_CODE 1
#define GSS_C_MECH_CODE 2

/* Address families of channel bindings. §3.11 */
#define GSS_C_AF_UNSPEC 0
#define GSS_C_AF_LOCAL 1
#define GSS_C_AF_INET 2
#define GSS_C_AF_IMPLINK 3
#define GSS_C_AF_PUP 4
#define GSS_C_AF_CHAOS 5
#define GSS_C_AF_NS 6
#define GSS_C_AF_NBS 7
#define GSS_C_AF_ECMA 8
#define GSS_C_AF_DATAKIT 9
#define GSS_C_AF_CCITT 10
#define GSS_C_AF_SNA 11
#define GSS_C_AF_DECnet 12
#define GSS_C_AF_DLI 13
#define GSS_C_AF_LAT 14
#define GSS_C_AF_HYLINK 15
#define GSS_C_AF_APPLETALK 16
#define GSS_C_AF_BSC 17
#define GSS_C_AF_DSS 18
#define GSS_C_AF_OSI 19
#define GSS_C_AF_NETBIOS 20
#define GSS_C_AF_X25 21
#define GSS_C_AF_NULLADDR 255

#define GSS_C_NO_NAME ((gss_name_t)0)
#define GSS_C_NO_BUFFER ((gss_buffer_t)0)
#define GSS_C_NO_OID ((gss_OID)0)
#define GSS_C_NO_OID_SET ((gss_OID_set)0)
#define GSS_C_NO_CONTEXT ((gss_ctx_id_t)0)
#define GSS_C_NO_CREDENTIAL ((gss_cred_id_t)0)
#define GSS_C_NO_CHANNEL_BINDINGS ((gss_channel_bindings_t)0)
#define GSS_C_EMPTY_BUFFER {0, NULL}
#define GSS_C_NULL_OID GSS_C_NO_OID
#define GSS_C_NULL_OID_SET GSS_C_NO_OID_SET

#define GSS_C_QOP_DEFAULT 0
#define GSS_C_INDEFINITE ((OM_uint32)0xfffffffful)

/* Keys of gss_pseudo_random. RFC 4401 §2 */
#define GSS_C_PRF_KEY_FULL 0
#define GSS_C_PRF_KEY_PARTIAL 1

/* ---- status codes, §3.9: calling error in bits 24..31, routine error in 16..23, supplementary bits in 0..15 ---- */

#define GSS_S_COMPLETE 0

#define GSS_C_CALLING_ERROR_OFFSET 24
#define GSS_C_ROUTINE_ERROR_OFFSET 16
#define GSS_C_SUPPLEMENTARY_OFFSET 0
#define GSS_C_CALLING_ERROR_MASK ((OM_uint32)0xfful)
#define GSS_C_ROUTINE_ERROR_MASK ((OM_uint32)0xfful)
#define GSS_C_SUPPLEMENTARY_MASK ((OM_uint32)0xfffful)

#define GSS_CALLING_ERROR(x) ((x) & (GSS_C_CALLING_ERROR_MASK << GSS_C_CALLING_ERROR_OFFSET))
#define GSS_ROUTINE_ERROR(x) ((x) & (GSS_C_ROUTINE_ERROR_MASK << GSS_C_ROUTINE_ERROR_OFFSET))
#define GSS_SUPPLEMENTARY_INFO(x) ((x) & (GSS_C_SUPPLEMENTARY_MASK << GSS_C_SUPPLEMENTARY_OFFSET))
#define GSS_ERROR(x)                                                       \
	((x) & ((GSS_C_CALLING_ERROR_MASK << GSS_C_CALLING_ERROR_OFFSET) | \
		(GSS_C_ROUTINE_ERROR_MASK << GSS_C_ROUTINE_ERROR_OFFSET)))

#define GSS_CALLING_ERROR_FIELD(x) (((x) >> GSS_C_CALLING_ERROR_OFFSET) & GSS_C_CALLING_ERROR_MASK)
#define GSS_ROUTINE_ERROR_FIELD(x) (((x) >> GSS_C_ROUTINE_ERROR_OFFSET) & GSS_C_ROUTINE_ERROR_MASK)
#define GSS_SUPPLEMENTARY_INFO_FIELD(x) (((x) >> GSS_C_SUPPLEMENTARY_OFFSET) & GSS_C_SUPPLEMENTARY_MASK)

#define GSS_S_CALL_INACCESSIBLE_READ (((OM_uint32)1ul) << GSS_C_CALLING_ERROR_OFFSET)
#define GSS_S_CALL_INACCESSIBLE_WRITE (((OM_uint32)2ul) << GSS_C_CALLING_ERROR_OFFSET)
#define GSS_S_CALL_BAD_STRUCTURE (((OM_uint32)3ul) << GSS_C_CALLING_ERROR_OFFSET)

#define GSS_S_BAD_MECH (((OM_uint32)1ul) << GSS_C_ROUTINE_ERROR_OFFSET)
#define GSS_S_BAD_NAME (((OM_uint32)2ul) << GSS_C_ROUTINE_ERROR_OFFSET)
#define GSS_S_BAD_NAMETYPE (((OM_uint32)3ul) << GSS_C_ROUTINE_ERROR_OFFSET)
#define GSS_S_BAD_BINDINGS (((OM_uint32)4ul) << GSS_C_ROUTINE_ERROR_OFFSET)
#define GSS_S_BAD_STATUS (((OM_uint32)5ul) << GSS_C_ROUTINE_ERROR_OFFSET)
#define GSS_S_BAD_SIG (((OM_uint32)6ul) << GSS_C_ROUTINE_ERROR_OFFSET)
#define GSS_S_BAD_MIC GSS_S_BAD_SIG
#define GSS_S_NO_CRED (((OM_uint32)7ul) << GSS_C_ROUTINE_ERROR_OFFSET)
#define GSS_S_NO_CONTEXT (((OM_uint32)8ul) << GSS_C_ROUTINE_ERROR_OFFSET)
#define GSS_S_DEFECTIVE_TOKEN (((OM_uint32)9ul) << GSS_C_ROUTINE_ERROR_OFFSET)
#define GSS_S_DEFECTIVE_CREDENTIAL (((OM_uint32)10ul) << GSS_C_ROUTINE_ERROR_OFFSET)
#define GSS_S_CREDENTIALS_EXPIRED (((OM_uint32)11ul) << GSS_C_ROUTINE_ERROR_OFFSET)
#define GSS_S_CONTEXT_EXPIRED (((OM_uint32)12ul) << GSS_C_ROUTINE_ERROR_OFFSET)
#define GSS_S_FAILURE (((OM_uint32)13ul) << GSS_C_ROUTINE_ERROR_OFFSET)
#define GSS_S_BAD_QOP (((OM_uint32)14ul) << GSS_C_ROUTINE_ERROR_OFFSET)
#define GSS_S_UNAUTHORIZED (((OM_uint32)15ul) << GSS_C_ROUTINE_ERROR_OFFSET)
#define GSS_S_UNAVAILABLE (((OM_uint32)16ul) << GSS_C_ROUTINE_ERROR_OFFSET)
#define GSS_S_DUPLICATE_ELEMENT (((OM_uint32)17ul) << GSS_C_ROUTINE_ERROR_OFFSET)
#define GSS_S_NAME_NOT_MN (((OM_uint32)18ul) << GSS_C_ROUTINE_ERROR_OFFSET)
#define GSS_S_BAD_MECH_ATTR (((OM_uint32)19ul) << GSS_C_ROUTINE_ERROR_OFFSET) /* RFC 5587 §3.4.5 */
#define GSS_S_CRED_UNAVAIL GSS_S_FAILURE

#define GSS_S_CONTINUE_NEEDED (1 << (GSS_C_SUPPLEMENTARY_OFFSET + 0))
#define GSS_S_DUPLICATE_TOKEN (1 << (GSS_C_SUPPLEMENTARY_OFFSET + 1))
#define GSS_S_OLD_TOKEN (1 << (GSS_C_SUPPLEMENTARY_OFFSET + 2))
#define GSS_S_UNSEQ_TOKEN (1 << (GSS_C_SUPPLEMENTARY_OFFSET + 3))
#define GSS_S_GAP_TOKEN (1 << (GSS_C_SUPPLEMENTARY_OFFSET + 4))

/* ---- name types, §4 ---- */

GSS_DLLIMP extern gss_OID GSS_C_NT_USER_NAME;
GSS_DLLIMP extern gss_OID GSS_C_NT_MACHINE_UID_NAME;
GSS_DLLIMP extern gss_OID GSS_C_NT_STRING_UID_NAME;
GSS_DLLIMP extern gss_OID GSS_C_NT_HOSTBASED_SERVICE_X; /* the OID of RFC 1509; use the next one */
GSS_DLLIMP extern gss_OID GSS_C_NT_HOSTBASED_SERVICE;
GSS_DLLIMP extern gss_OID GSS_C_NT_ANONYMOUS;
GSS_DLLIMP extern gss_OID GSS_C_NT_EXPORT_NAME;

/* ---- credentials ---- */

/* Get a credential for a name (NULL: the default) and mechanisms (NULL: all that have one). §5.2 */
OM_uint32 KRB5_CALLCONV gss_acquire_cred(OM_uint32 *minor_status, gss_name_t desired_name, OM_uint32 time_req,
	gss_OID_set desired_mechs, gss_cred_usage_t cred_usage, gss_cred_id_t *output_cred_handle,
	gss_OID_set *actual_mechs, OM_uint32 *time_rec);

/* Add one mechanism to a credential: to input_cred_handle itself, or to a copy if output_cred_handle is given. §5.3 */
OM_uint32 KRB5_CALLCONV gss_add_cred(OM_uint32 *minor_status, gss_cred_id_t input_cred_handle, gss_name_t desired_name,
	gss_OID desired_mech, gss_cred_usage_t cred_usage, OM_uint32 initiator_time_req, OM_uint32 acceptor_time_req,
	gss_cred_id_t *output_cred_handle, gss_OID_set *actual_mechs, OM_uint32 *initiator_time_rec,
	OM_uint32 *acceptor_time_rec);

/* Name, remaining seconds, usage and mechanisms of a credential (NULL: the default initiator's). §5.21 */
OM_uint32 KRB5_CALLCONV gss_inquire_cred(OM_uint32 *minor_status, gss_cred_id_t cred_handle, gss_name_t *name,
	OM_uint32 *lifetime, gss_cred_usage_t *cred_usage, gss_OID_set *mechanisms);

/* The same for one of its mechanisms. §5.22 */
OM_uint32 KRB5_CALLCONV gss_inquire_cred_by_mech(OM_uint32 *minor_status, gss_cred_id_t cred_handle, gss_OID mech_type,
	gss_name_t *name, OM_uint32 *initiator_lifetime, OM_uint32 *acceptor_lifetime, gss_cred_usage_t *cred_usage);

/* Free a credential; the handle becomes GSS_C_NO_CREDENTIAL. §5.27 */
OM_uint32 KRB5_CALLCONV gss_release_cred(OM_uint32 *minor_status, gss_cred_id_t *cred_handle);

/* Keep a credential where later processes find it. RFC 5588 §3 */
OM_uint32 KRB5_CALLCONV gss_store_cred(OM_uint32 *minor_status, const gss_cred_id_t input_cred_handle,
	gss_cred_usage_t cred_usage, const gss_OID desired_mech, OM_uint32 overwrite_cred, OM_uint32 default_cred,
	gss_OID_set *elements_stored, gss_cred_usage_t *cred_usage_stored);

/* Which mechanisms SPNEGO may offer or choose with this credential. RFC 4178 §B.1 */
OM_uint32 KRB5_CALLCONV gss_set_neg_mechs(OM_uint32 *minor_status, gss_cred_id_t cred_handle, const gss_OID_set mech_set);

/* ---- contexts ---- */

/* One step of the initiator. output_token goes to the peer whenever it is not empty, also after an error. §5.19 */
OM_uint32 KRB5_CALLCONV gss_init_sec_context(OM_uint32 *minor_status, gss_cred_id_t initiator_cred_handle,
	gss_ctx_id_t *context_handle, gss_name_t target_name, gss_OID mech_type, OM_uint32 req_flags, OM_uint32 time_req,
	gss_channel_bindings_t input_chan_bindings, gss_buffer_t input_token, gss_OID *actual_mech_type,
	gss_buffer_t output_token, OM_uint32 *ret_flags, OM_uint32 *time_rec);

/* One step of the acceptor. src_name and delegated_cred_handle are the caller's to release. §5.1 */
OM_uint32 KRB5_CALLCONV gss_accept_sec_context(OM_uint32 *minor_status, gss_ctx_id_t *context_handle,
	gss_cred_id_t acceptor_cred_handle, gss_buffer_t input_token_buffer, gss_channel_bindings_t input_chan_bindings,
	gss_name_t *src_name, gss_OID *mech_type, gss_buffer_t output_token, OM_uint32 *ret_flags, OM_uint32 *time_rec,
	gss_cred_id_t *delegated_cred_handle);

/* Free a context; the handle becomes GSS_C_NO_CONTEXT. output_token may be NULL and comes back empty. §5.9 */
OM_uint32 KRB5_CALLCONV gss_delete_sec_context(OM_uint32 *minor_status, gss_ctx_id_t *context_handle,
	gss_buffer_t output_token);

/* Take a token of the peer's that is neither of establishment nor of a message. §5.25 */
OM_uint32 KRB5_CALLCONV gss_process_context_token(OM_uint32 *minor_status, gss_ctx_id_t context_handle,
	gss_buffer_t token_buffer);

/* Seconds a context is still valid. §5.6 */
OM_uint32 KRB5_CALLCONV gss_context_time(OM_uint32 *minor_status, gss_ctx_id_t context_handle, OM_uint32 *time_rec);

/* All facts of a context; any output may be NULL. Names are the caller's to release. §5.20 */
OM_uint32 KRB5_CALLCONV gss_inquire_context(OM_uint32 *minor_status, gss_ctx_id_t context_handle, gss_name_t *src_name,
	gss_name_t *targ_name, OM_uint32 *lifetime_rec, gss_OID *mech_type, OM_uint32 *ctx_flags, int *locally_initiated,
	int *open);

/* The longest text whose wrapped form is at most req_output_size bytes. §5.34 */
OM_uint32 KRB5_CALLCONV gss_wrap_size_limit(OM_uint32 *minor_status, gss_ctx_id_t context_handle, int conf_req_flag,
	gss_qop_t qop_req, OM_uint32 req_output_size, OM_uint32 *max_input_size);

/*
 * Turn a context into a sealed token that one process can import, once. The handle becomes GSS_C_NO_CONTEXT. On any failure the
 * context is as it was. §5.14
 */
OM_uint32 KRB5_CALLCONV gss_export_sec_context(OM_uint32 *minor_status, gss_ctx_id_t *context_handle,
	gss_buffer_t interprocess_token);

/* The reverse. A second import of a token, in whatever process, gives GSS_S_NO_CONTEXT. §5.17 */
OM_uint32 KRB5_CALLCONV gss_import_sec_context(OM_uint32 *minor_status, gss_buffer_t interprocess_token,
	gss_ctx_id_t *context_handle);

/* ---- per-message calls ---- */

/* A MIC for a message. §5.15 */
OM_uint32 KRB5_CALLCONV gss_get_mic(OM_uint32 *minor_status, gss_ctx_id_t context_handle, gss_qop_t qop_req,
	gss_buffer_t message_buffer, gss_buffer_t message_token);

/* Check a MIC. The supplementary bits tell of replay and order. §5.32 */
OM_uint32 KRB5_CALLCONV gss_verify_mic(OM_uint32 *minor_status, gss_ctx_id_t context_handle, gss_buffer_t message_buffer,
	gss_buffer_t token_buffer, gss_qop_t *qop_state);

/* Protect a message and, if conf_req_flag, encrypt it. §5.33 */
OM_uint32 KRB5_CALLCONV gss_wrap(OM_uint32 *minor_status, gss_ctx_id_t context_handle, int conf_req_flag, gss_qop_t qop_req,
	gss_buffer_t input_message_buffer, int *conf_state, gss_buffer_t output_message_buffer);

/* The reverse. The supplementary bits tell of replay and order. §5.31 */
OM_uint32 KRB5_CALLCONV gss_unwrap(OM_uint32 *minor_status, gss_ctx_id_t context_handle, gss_buffer_t input_message_buffer,
	gss_buffer_t output_message_buffer, int *conf_state, gss_qop_t *qop_state);

/* desired_output_len bytes that both peers, and nobody else, can compute from prf_in. RFC 4401 §2 */
OM_uint32 KRB5_CALLCONV gss_pseudo_random(OM_uint32 *minor_status, gss_ctx_id_t context, int prf_key,
	const gss_buffer_t prf_in, ssize_t desired_output_len, gss_buffer_t prf_out);

/* The names of version 1, for programs of its time. RFC 2744 §5, RFC 1509 */
OM_uint32 KRB5_CALLCONV gss_sign(OM_uint32 *minor_status, gss_ctx_id_t context_handle, int qop_req,
	gss_buffer_t message_buffer, gss_buffer_t message_token);
OM_uint32 KRB5_CALLCONV gss_verify(OM_uint32 *minor_status, gss_ctx_id_t context_handle, gss_buffer_t message_buffer,
	gss_buffer_t token_buffer, int *qop_state);
OM_uint32 KRB5_CALLCONV gss_seal(OM_uint32 *minor_status, gss_ctx_id_t context_handle, int conf_req_flag, int qop_req,
	gss_buffer_t input_message_buffer, int *conf_state, gss_buffer_t output_message_buffer);
OM_uint32 KRB5_CALLCONV gss_unseal(OM_uint32 *minor_status, gss_ctx_id_t context_handle, gss_buffer_t input_message_buffer,
	gss_buffer_t output_message_buffer, int *conf_state, int *qop_state);

/* ---- names ---- */

/* A name from its text; mechanisms look into it when it is used. §5.16 */
OM_uint32 KRB5_CALLCONV gss_import_name(OM_uint32 *minor_status, gss_buffer_t input_name_buffer, gss_OID input_name_type,
	gss_name_t *output_name);

/* Text and type of a name, for people. §5.10 */
OM_uint32 KRB5_CALLCONV gss_display_name(OM_uint32 *minor_status, gss_name_t input_name, gss_buffer_t output_name_buffer,
	gss_OID *output_name_type);

/* Whether two names are the same one; false where it cannot be told. §5.4 */
OM_uint32 KRB5_CALLCONV gss_compare_name(OM_uint32 *minor_status, gss_name_t name1, gss_name_t name2, int *name_equal);

/* One mechanism's form of a name. §5.5 */
OM_uint32 KRB5_CALLCONV gss_canonicalize_name(OM_uint32 *minor_status, const gss_name_t input_name, const gss_OID mech_type,
	gss_name_t *output_name);

/* A mechanism name as bytes that access lists can keep and compare. §5.13, RFC 2743 §3.2 */
OM_uint32 KRB5_CALLCONV gss_export_name(OM_uint32 *minor_status, const gss_name_t input_name, gss_buffer_t exported_name);

/* §5.12 */
OM_uint32 KRB5_CALLCONV gss_duplicate_name(OM_uint32 *minor_status, const gss_name_t src_name, gss_name_t *dest_name);

/* Free a name; the handle becomes GSS_C_NO_NAME. §5.28 */
OM_uint32 KRB5_CALLCONV gss_release_name(OM_uint32 *minor_status, gss_name_t *input_name);

/* The name types a mechanism takes. §5.24 */
OM_uint32 KRB5_CALLCONV gss_inquire_names_for_mech(OM_uint32 *minor_status, gss_OID mechanism, gss_OID_set *name_types);

/* The mechanisms that take this name. §5.23 */
OM_uint32 KRB5_CALLCONV gss_inquire_mechs_for_name(OM_uint32 *minor_status, const gss_name_t input_name,
	gss_OID_set *mech_types);

/* ---- status, buffers, OIDs and sets ---- */

/* Text of a status code, one sentence a call: go on until *message_context is 0. §5.11 */
OM_uint32 KRB5_CALLCONV gss_display_status(OM_uint32 *minor_status, OM_uint32 status_value, int status_type,
	gss_OID mech_type, OM_uint32 *message_context, gss_buffer_t status_string);

/* The mechanisms of this library. §5.18 */
OM_uint32 KRB5_CALLCONV gss_indicate_mechs(OM_uint32 *minor_status, gss_OID_set *mech_set);

/* Free what a buffer holds and empty it. §5.26 */
OM_uint32 KRB5_CALLCONV gss_release_buffer(OM_uint32 *minor_status, gss_buffer_t buffer);

/* Free a set and its members; the handle becomes GSS_C_NO_OID_SET. §5.29 */
OM_uint32 KRB5_CALLCONV gss_release_oid_set(OM_uint32 *minor_status, gss_OID_set *set);

/* Free an OID that gss_str_to_oid made; the library's own ones are left alone. The handle becomes GSS_C_NO_OID. */
OM_uint32 KRB5_CALLCONV gss_release_oid(OM_uint32 *minor_status, gss_OID *oid);

/* §5.8 */
OM_uint32 KRB5_CALLCONV gss_create_empty_oid_set(OM_uint32 *minor_status, gss_OID_set *oid_set);

/* Put a copy of an OID into a set, unless it is there. §5.7 */
OM_uint32 KRB5_CALLCONV gss_add_oid_set_member(OM_uint32 *minor_status, gss_OID member_oid, gss_OID_set *oid_set);

/* §5.30 */
OM_uint32 KRB5_CALLCONV gss_test_oid_set_member(OM_uint32 *minor_status, gss_OID member, gss_OID_set set, int *present);

/* "{ 1 2 840 }", "1 2 840" or "1.2.840" to an OID, which the caller frees with gss_release_oid. RFC 2743 §2.4 */
OM_uint32 KRB5_CALLCONV gss_str_to_oid(OM_uint32 *minor_status, gss_buffer_t oid_str, gss_OID *oid);

/* The reverse: "{ 1 2 840 }"; the length counts a final NUL. RFC 2743 §2.4 */
OM_uint32 KRB5_CALLCONV gss_oid_to_str(OM_uint32 *minor_status, gss_OID oid, gss_buffer_t oid_str);

/* ---- mechanism attributes, RFC 5587 ---- */

/* Mechanisms with all of desired_mech_attrs and none of except_mech_attrs that know critical_mech_attrs. §3.4.2 */
OM_uint32 KRB5_CALLCONV gss_indicate_mechs_by_attrs(OM_uint32 *minor_status, gss_const_OID_set desired_mech_attrs,
	gss_const_OID_set except_mech_attrs, gss_const_OID_set critical_mech_attrs, gss_OID_set *mechs);

/* What a mechanism has, and which attributes it could have. §3.4.3 */
OM_uint32 KRB5_CALLCONV gss_inquire_attrs_for_mech(OM_uint32 *minor_status, gss_const_OID mech, gss_OID_set *mech_attrs,
	gss_OID_set *known_mech_attrs);

/* An attribute's symbol and its meaning in a few and in more words. §3.4.4 */
OM_uint32 KRB5_CALLCONV gss_display_mech_attr(OM_uint32 *minor_status, gss_const_OID mech_attr, gss_buffer_t name,
	gss_buffer_t short_desc, gss_buffer_t long_desc);

/* RFC 5587 §3.3 */
GSS_DLLIMP extern gss_const_OID GSS_C_MA_MECH_CONCRETE;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_MECH_PSEUDO;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_MECH_COMPOSITE;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_MECH_NEGO;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_MECH_GLUE;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_NOT_MECH;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_DEPRECATED;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_NOT_DFLT_MECH;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_ITOK_FRAMED;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_AUTH_INIT;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_AUTH_TARG;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_AUTH_INIT_INIT;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_AUTH_TARG_INIT;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_AUTH_INIT_ANON;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_AUTH_TARG_ANON;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_DELEG_CRED;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_INTEG_PROT;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_CONF_PROT;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_MIC;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_WRAP;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_PROT_READY;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_REPLAY_DET;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_OOS_DET;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_CBINDINGS;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_PFS;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_COMPRESS;
GSS_DLLIMP extern gss_const_OID GSS_C_MA_CTX_TRANS;

/* ---- SASL names, RFC 5801 ---- */

/* A mechanism's SASL name, short name and description; any output may be NULL. §11.1 */
OM_uint32 KRB5_CALLCONV gss_inquire_saslname_for_mech(OM_uint32 *minor_status, const gss_OID desired_mech,
	gss_buffer_t sasl_mech_name, gss_buffer_t mech_name, gss_buffer_t mech_description);

/* The reverse. §11.2 */
OM_uint32 KRB5_CALLCONV gss_inquire_mech_for_saslname(OM_uint32 *minor_status, const gss_buffer_t sasl_mech_name,
	gss_OID *mech_type);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#endif
