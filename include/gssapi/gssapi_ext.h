/*
 * gssapi_ext.h - calls beyond RFC 2744: buffer sets, IOV and AEAD messages, credential stores, passwords, name attributes,
 * impersonation, and questions by OID.
 *
 * The conventions of gssapi.h hold: outputs are emptied first, what is handed out is the caller's to release.
 */
#ifndef GSSAPI_EXT_H_
#define GSSAPI_EXT_H_

#include <gssapi/gssapi.h>

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* ---- context flags ---- */

#define GSS_C_CHANNEL_BOUND_FLAG 2048 /* ret_flags: both sides gave bindings and they are equal */
#define GSS_C_DCE_STYLE 0x1000        /* three legs, and IOV framing as MS-KILE has it */
#define GSS_C_IDENTIFY_FLAG 0x2000    /* the acceptor may identify but not impersonate. RFC 4757 §7.1 */
#define GSS_C_EXTENDED_ERROR_FLAG 0x4000

/* ---- buffer sets, GGF GFD.24 §2 ---- */

typedef struct gss_buffer_set_desc_struct {
	size_t count;
	gss_buffer_desc *elements;
} gss_buffer_set_desc, *gss_buffer_set_t;

#define GSS_C_NO_BUFFER_SET ((gss_buffer_set_t)0)

OM_uint32 KRB5_CALLCONV gss_create_empty_buffer_set(OM_uint32 *minor_status, gss_buffer_set_t *buffer_set);

/* Append a copy of a buffer; makes the set if *buffer_set is GSS_C_NO_BUFFER_SET. */
OM_uint32 KRB5_CALLCONV gss_add_buffer_set_member(OM_uint32 *minor_status, const gss_buffer_t member_buffer,
	gss_buffer_set_t *buffer_set);

/* Wipe and free a set and its members; the handle becomes GSS_C_NO_BUFFER_SET. */
OM_uint32 KRB5_CALLCONV gss_release_buffer_set(OM_uint32 *minor_status, gss_buffer_set_t *buffer_set);

/* ---- questions and options by OID, GGF GFD.24 §3 ---- */

/* What desired_object names, of a context. GSS_S_UNAVAILABLE: unknown OID. */
OM_uint32 KRB5_CALLCONV gss_inquire_sec_context_by_oid(OM_uint32 *minor_status, const gss_ctx_id_t context_handle,
	const gss_OID desired_object, gss_buffer_set_t *data_set);
OM_uint32 KRB5_CALLCONV gss_inquire_cred_by_oid(OM_uint32 *minor_status, const gss_cred_id_t cred_handle,
	const gss_OID desired_object, gss_buffer_set_t *data_set);
OM_uint32 KRB5_CALLCONV gss_set_sec_context_option(OM_uint32 *minor_status, gss_ctx_id_t *context_handle,
	const gss_OID desired_object, const gss_buffer_t value);
OM_uint32 KRB5_CALLCONV gss_set_cred_option(OM_uint32 *minor_status, gss_cred_id_t *cred_handle, const gss_OID desired_object,
	const gss_buffer_t value);
OM_uint32 KRB5_CALLCONV gssspi_mech_invoke(OM_uint32 *minor_status, const gss_OID desired_mech, const gss_OID desired_object,
	gss_buffer_t value);

/* Objects of gss_inquire_sec_context_by_oid. */
GSS_DLLIMP extern gss_OID GSS_C_INQ_SSPI_SESSION_KEY; /* two buffers: the key, and its enctype as an OID's contents */
GSS_DLLIMP extern gss_OID GSS_C_INQ_NEGOEX_KEY;
GSS_DLLIMP extern gss_OID GSS_C_INQ_NEGOEX_VERIFY_KEY;
GSS_DLLIMP extern gss_OID GSS_C_SEC_CONTEXT_SASL_SSF; /* one buffer: key bits as SASL counts them, 4 bytes big-endian */

/* ---- messages in pieces, MS-KILE §3.4.5.4 ---- */

typedef struct gss_iov_buffer_desc_struct {
	OM_uint32 type; /* GSS_IOV_BUFFER_TYPE_*, or'ed with GSS_IOV_BUFFER_FLAG_* */
	gss_buffer_desc buffer;
} gss_iov_buffer_desc, *gss_iov_buffer_t;

#define GSS_C_NO_IOV_BUFFER ((gss_iov_buffer_t)0)

#define GSS_IOV_BUFFER_TYPE_EMPTY 0
#define GSS_IOV_BUFFER_TYPE_DATA 1
#define GSS_IOV_BUFFER_TYPE_HEADER 2
#define GSS_IOV_BUFFER_TYPE_MECH_PARAMS 3
#define GSS_IOV_BUFFER_TYPE_TRAILER 7
#define GSS_IOV_BUFFER_TYPE_PADDING 9
#define GSS_IOV_BUFFER_TYPE_STREAM 10    /* a whole token, to be unwrapped */
#define GSS_IOV_BUFFER_TYPE_SIGN_ONLY 11 /* protected but neither encrypted nor sent */
#define GSS_IOV_BUFFER_TYPE_MIC_TOKEN 12

#define GSS_IOV_BUFFER_FLAG_MASK 0xFFFF0000
#define GSS_IOV_BUFFER_FLAG_ALLOCATE 0x00010000  /* the library is to allocate this one */
#define GSS_IOV_BUFFER_FLAG_ALLOCATED 0x00020000 /* it did: gss_release_iov_buffer frees it */

#define GSS_IOV_BUFFER_TYPE(type) ((type) & ~(GSS_IOV_BUFFER_FLAG_MASK))
#define GSS_IOV_BUFFER_FLAGS(type) ((type) & GSS_IOV_BUFFER_FLAG_MASK)

/* Protect a message in place. */
OM_uint32 KRB5_CALLCONV gss_wrap_iov(OM_uint32 *minor_status, gss_ctx_id_t context_handle, int conf_req_flag,
	gss_qop_t qop_req, int *conf_state, gss_iov_buffer_desc *iov, int iov_count);

/* The reverse: pieces as they were sent, or one STREAM and one DATA. */
OM_uint32 KRB5_CALLCONV gss_unwrap_iov(OM_uint32 *minor_status, gss_ctx_id_t context_handle, int *conf_state,
	gss_qop_t *qop_state, gss_iov_buffer_desc *iov, int iov_count);

/* Set the lengths that gss_wrap_iov will need. */
OM_uint32 KRB5_CALLCONV gss_wrap_iov_length(OM_uint32 *minor_status, gss_ctx_id_t context_handle, int conf_req_flag,
	gss_qop_t qop_req, int *conf_state, gss_iov_buffer_desc *iov, int iov_count);

/* A MIC over pieces, in a MIC_TOKEN buffer. */
OM_uint32 KRB5_CALLCONV gss_get_mic_iov(OM_uint32 *minor_status, gss_ctx_id_t context_handle, gss_qop_t qop_req,
	gss_iov_buffer_desc *iov, int iov_count);
OM_uint32 KRB5_CALLCONV gss_get_mic_iov_length(OM_uint32 *minor_status, gss_ctx_id_t context_handle, gss_qop_t qop_req,
	gss_iov_buffer_desc *iov, int iov_count);
OM_uint32 KRB5_CALLCONV gss_verify_mic_iov(OM_uint32 *minor_status, gss_ctx_id_t context_handle, gss_qop_t *qop_state,
	gss_iov_buffer_desc *iov, int iov_count);

/* Free the buffers that the library allocated. */
OM_uint32 KRB5_CALLCONV gss_release_iov_buffer(OM_uint32 *minor_status, gss_iov_buffer_desc *iov, int iov_count);

/* One text and one block of associated data that is protected but not sent. */
OM_uint32 KRB5_CALLCONV gss_wrap_aead(OM_uint32 *minor_status, gss_ctx_id_t context_handle, int conf_req_flag,
	gss_qop_t qop_req, gss_buffer_t input_assoc_buffer, gss_buffer_t input_payload_buffer, int *conf_state,
	gss_buffer_t output_message_buffer);
OM_uint32 KRB5_CALLCONV gss_unwrap_aead(OM_uint32 *minor_status, gss_ctx_id_t context_handle,
	gss_buffer_t input_message_buffer, gss_buffer_t input_assoc_buffer, gss_buffer_t output_payload_buffer,
	int *conf_state, gss_qop_t *qop_state);

/* For SSPI-like mechanisms that want to see the last message. */
OM_uint32 KRB5_CALLCONV gss_complete_auth_token(OM_uint32 *minor_status, const gss_ctx_id_t context_handle,
	gss_buffer_t input_message_buffer);

/* ---- credentials: from a store, from a password, for another ---- */

/*
 * Where a credential is: { "ccache", "FILE:/tmp/x" } and the like. Kerberos knows ccache, client_keytab, keytab, rcache,
 * password and verify.
 */
struct gss_key_value_element_struct {
	const char *key;
	const char *value;
};
typedef struct gss_key_value_element_struct gss_key_value_element_desc;

struct gss_key_value_set_struct {
	OM_uint32 count;
	gss_key_value_element_desc *elements;
};
typedef struct gss_key_value_set_struct gss_key_value_set_desc;
typedef const gss_key_value_set_desc *gss_const_key_value_set_t;

#define GSS_C_NO_CRED_STORE ((gss_const_key_value_set_t)0)

/* gss_acquire_cred and gss_add_cred with a store to look in. */
OM_uint32 KRB5_CALLCONV gss_acquire_cred_from(OM_uint32 *minor_status, gss_name_t desired_name, OM_uint32 time_req,
	gss_OID_set desired_mechs, gss_cred_usage_t cred_usage, gss_const_key_value_set_t cred_store,
	gss_cred_id_t *output_cred_handle, gss_OID_set *actual_mechs, OM_uint32 *time_rec);
OM_uint32 KRB5_CALLCONV gss_add_cred_from(OM_uint32 *minor_status, gss_cred_id_t input_cred_handle, gss_name_t desired_name,
	gss_OID desired_mech, gss_cred_usage_t cred_usage, OM_uint32 initiator_time_req, OM_uint32 acceptor_time_req,
	gss_const_key_value_set_t cred_store, gss_cred_id_t *output_cred_handle, gss_OID_set *actual_mechs,
	OM_uint32 *initiator_time_rec, OM_uint32 *acceptor_time_rec);
OM_uint32 KRB5_CALLCONV gss_store_cred_into(OM_uint32 *minor_status, gss_cred_id_t input_cred_handle,
	gss_cred_usage_t cred_usage, gss_OID desired_mech, OM_uint32 overwrite_cred, OM_uint32 default_cred,
	gss_const_key_value_set_t cred_store, gss_OID_set *elements_stored, gss_cred_usage_t *cred_usage_stored);

/* The same with a password. */
OM_uint32 KRB5_CALLCONV gss_acquire_cred_with_password(OM_uint32 *minor_status, const gss_name_t desired_name,
	const gss_buffer_t password, OM_uint32 time_req, const gss_OID_set desired_mechs, gss_cred_usage_t cred_usage,
	gss_cred_id_t *output_cred_handle, gss_OID_set *actual_mechs, OM_uint32 *time_rec);
OM_uint32 KRB5_CALLCONV gss_add_cred_with_password(OM_uint32 *minor_status, const gss_cred_id_t input_cred_handle,
	const gss_name_t desired_name, const gss_OID desired_mech, const gss_buffer_t password, gss_cred_usage_t cred_usage,
	OM_uint32 initiator_time_req, OM_uint32 acceptor_time_req, gss_cred_id_t *output_cred_handle,
	gss_OID_set *actual_mechs, OM_uint32 *initiator_time_rec, OM_uint32 *acceptor_time_rec);

/* A credential in another's name, by right of one's own. MS-SFU */
OM_uint32 KRB5_CALLCONV gss_acquire_cred_impersonate_name(OM_uint32 *minor_status,
	const gss_cred_id_t impersonator_cred_handle, const gss_name_t desired_name, OM_uint32 time_req,
	const gss_OID_set desired_mechs, gss_cred_usage_t cred_usage, gss_cred_id_t *output_cred_handle,
	gss_OID_set *actual_mechs, OM_uint32 *time_rec);
OM_uint32 KRB5_CALLCONV gss_add_cred_impersonate_name(OM_uint32 *minor_status, gss_cred_id_t input_cred_handle,
	const gss_cred_id_t impersonator_cred_handle, const gss_name_t desired_name, const gss_OID desired_mech,
	gss_cred_usage_t cred_usage, OM_uint32 initiator_time_req, OM_uint32 acceptor_time_req,
	gss_cred_id_t *output_cred_handle, gss_OID_set *actual_mechs, OM_uint32 *initiator_time_rec,
	OM_uint32 *acceptor_time_rec);

/* A credential as bytes, and back. */
OM_uint32 KRB5_CALLCONV gss_export_cred(OM_uint32 *minor_status, gss_cred_id_t cred_handle, gss_buffer_t token);
OM_uint32 KRB5_CALLCONV gss_import_cred(OM_uint32 *minor_status, gss_buffer_t token, gss_cred_id_t *cred_handle);

/* ---- names and local accounts ---- */

OM_uint32 KRB5_CALLCONV gss_pname_to_uid(OM_uint32 *minor_status, const gss_name_t name, const gss_OID mech_type,
	uid_t *uid);
OM_uint32 KRB5_CALLCONV gss_localname(OM_uint32 *minor_status, const gss_name_t name, gss_const_OID mech_type,
	gss_buffer_t localname);

/* May this name log in as this user? 1 or 0. */
int KRB5_CALLCONV gss_userok(const gss_name_t name, const char *username);
OM_uint32 KRB5_CALLCONV gss_authorize_localname(OM_uint32 *minor_status, const gss_name_t name, const gss_name_t user);

/* ---- name attributes, RFC 6680 ---- */

GSS_DLLIMP extern gss_buffer_t GSS_C_ATTR_LOCAL_LOGIN_USER;
GSS_DLLIMP extern gss_OID GSS_C_NT_COMPOSITE_EXPORT;

OM_uint32 KRB5_CALLCONV gss_display_name_ext(OM_uint32 *minor_status, gss_name_t name, gss_OID display_as_name_type,
	gss_buffer_t display_name);
OM_uint32 KRB5_CALLCONV gss_inquire_name(OM_uint32 *minor_status, gss_name_t name, int *name_is_MN, gss_OID *MN_mech,
	gss_buffer_set_t *attrs);
OM_uint32 KRB5_CALLCONV gss_get_name_attribute(OM_uint32 *minor_status, gss_name_t name, gss_buffer_t attr,
	int *authenticated, int *complete, gss_buffer_t value, gss_buffer_t display_value, int *more);
OM_uint32 KRB5_CALLCONV gss_set_name_attribute(OM_uint32 *minor_status, gss_name_t name, int complete, gss_buffer_t attr,
	gss_buffer_t value);
OM_uint32 KRB5_CALLCONV gss_delete_name_attribute(OM_uint32 *minor_status, gss_name_t name, gss_buffer_t attr);
OM_uint32 KRB5_CALLCONV gss_export_name_composite(OM_uint32 *minor_status, gss_name_t name,
	gss_buffer_t exported_composite_name);

typedef struct gss_any *gss_any_t;
OM_uint32 KRB5_CALLCONV gss_map_name_to_any(OM_uint32 *minor_status, gss_name_t name, int authenticated,
	gss_buffer_t type_id, gss_any_t *output);
OM_uint32 KRB5_CALLCONV gss_release_any_name_mapping(OM_uint32 *minor_status, gss_name_t name, gss_buffer_t type_id,
	gss_any_t *input);

/* ---- framing and OIDs; these have no minor status. RFC 6339 §2 ---- */

/* Put, or take away, the framing of RFC 2743 §3.1 around a token. */
OM_uint32 KRB5_CALLCONV gss_encapsulate_token(gss_const_buffer_t input_token, gss_const_OID token_oid,
	gss_buffer_t output_token);
OM_uint32 KRB5_CALLCONV gss_decapsulate_token(gss_const_buffer_t input_token, gss_const_OID token_oid,
	gss_buffer_t output_token);
int KRB5_CALLCONV gss_oid_equal(gss_const_OID first_oid, gss_const_OID second_oid);

/* ---- for mechanism plugins: implemented by them and called by the library. draft-zhu-negoex ---- */

OM_uint32 KRB5_CALLCONV gssspi_query_meta_data(OM_uint32 *minor_status, gss_const_OID mech_oid, gss_cred_id_t cred_handle,
	gss_ctx_id_t *context_handle, const gss_name_t targ_name, OM_uint32 req_flags, gss_buffer_t meta_data);
OM_uint32 KRB5_CALLCONV gssspi_exchange_meta_data(OM_uint32 *minor_status, gss_const_OID mech_oid, gss_cred_id_t cred_handle,
	gss_ctx_id_t *context_handle, const gss_name_t targ_name, OM_uint32 req_flags, gss_const_buffer_t meta_data);
OM_uint32 KRB5_CALLCONV gssspi_query_mechanism_info(OM_uint32 *minor_status, gss_const_OID mech_oid,
	unsigned char auth_scheme[16]);
GSS_DLLIMP extern gss_const_OID GSS_C_MA_NEGOEX_AND_SPNEGO;

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#endif
