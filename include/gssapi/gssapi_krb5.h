/*
 * gssapi_krb5.h - what concerns the Kerberos mechanism alone: its OIDs, libkrb5's objects in and out of credentials, facts of
 * the ticket behind a context, and its keys in lucid form.
 */
#ifndef _GSSAPI_KRB5_H_
#define _GSSAPI_KRB5_H_

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <krb5.h>
#include <stdint.h>

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* ---- OIDs ---- */

/* Mechanisms: RFC 1964 §1; two that old peers use instead; IAKERB. */
GSS_DLLIMP extern const gss_OID gss_mech_krb5;
GSS_DLLIMP extern const gss_OID gss_mech_krb5_old;
GSS_DLLIMP extern const gss_OID gss_mech_krb5_wrong;
GSS_DLLIMP extern const gss_OID gss_mech_iakerb;
GSS_DLLIMP extern const gss_OID_set gss_mech_set_krb5;
GSS_DLLIMP extern const gss_OID_set gss_mech_set_krb5_old;
GSS_DLLIMP extern const gss_OID_set gss_mech_set_krb5_both;

/* Name types. RFC 1964 §2.1 */
GSS_DLLIMP extern const gss_OID GSS_KRB5_NT_PRINCIPAL_NAME;
GSS_DLLIMP extern const gss_OID GSS_KRB5_NT_ENTERPRISE_NAME;
GSS_DLLIMP extern const gss_OID GSS_KRB5_NT_X509_CERT;
GSS_DLLIMP extern const gss_OID gss_nt_krb5_name;
GSS_DLLIMP extern const gss_OID gss_nt_krb5_principal; /* value is a krb5_principal pointer */
#define GSS_KRB5_NT_HOSTBASED_SERVICE_NAME GSS_C_NT_HOSTBASED_SERVICE
#define GSS_KRB5_NT_USER_NAME GSS_C_NT_USER_NAME
#define GSS_KRB5_NT_MACHINE_UID_NAME GSS_C_NT_MACHINE_UID_NAME
#define GSS_KRB5_NT_STRING_UID_NAME GSS_C_NT_STRING_UID_NAME
#define gss_krb5_nt_general_name gss_nt_krb5_name
#define gss_krb5_nt_principal gss_nt_krb5_principal
#define gss_krb5_nt_service_name gss_nt_service_name
#define gss_krb5_nt_user_name gss_nt_user_name
#define gss_krb5_nt_machine_uid_name gss_nt_machine_uid_name
#define gss_krb5_nt_string_uid_name gss_nt_string_uid_name

/* Objects of gss_set_cred_option and gss_inquire_cred_by_oid. */
GSS_DLLIMP extern const gss_OID GSS_KRB5_CRED_NO_CI_FLAGS_X;
GSS_DLLIMP extern const gss_OID GSS_KRB5_GET_CRED_IMPERSONATOR;

/* ---- credentials ---- */

/* The keytab of acceptors from now on, in this process; NULL: the default one. 0, or GSS_S_FAILURE. */
OM_uint32 KRB5_CALLCONV krb5_gss_register_acceptor_identity(const char *keytab);
#define gsskrb5_register_acceptor_identity krb5_gss_register_acceptor_identity

/* The default credentials cache of this thread from now on. out_name lives until the thread's next such call. */
OM_uint32 KRB5_CALLCONV gss_krb5_ccache_name(OM_uint32 *minor_status, const char *name, const char **out_name);

OM_uint32 KRB5_CALLCONV gss_krb5_copy_ccache(OM_uint32 *minor_status, gss_cred_id_t cred_handle, krb5_ccache out_ccache);
OM_uint32 KRB5_CALLCONV gss_krb5_set_allowable_enctypes(OM_uint32 *minor_status, gss_cred_id_t cred, OM_uint32 num_ktypes,
	krb5_enctype *ktypes);
OM_uint32 KRB5_CALLCONV gss_krb5_import_cred(OM_uint32 *minor_status, krb5_ccache id, krb5_principal keytab_principal,
	krb5_keytab keytab, gss_cred_id_t *cred);

/* The replay cache of an acceptor's credential, which owns it from now on. */
OM_uint32 KRB5_CALLCONV gss_krb5_set_cred_rcache(OM_uint32 *minor_status, gss_cred_id_t cred, krb5_rcache rcache);

/* ---- the ticket behind a context ---- */

OM_uint32 KRB5_CALLCONV gss_krb5_get_tkt_flags(OM_uint32 *minor_status, gss_ctx_id_t context_handle,
	krb5_flags *ticket_flags);

/* Authorisation data of one type, contents only; the caller releases it. */
OM_uint32 KRB5_CALLCONV gsskrb5_extract_authz_data_from_sec_context(OM_uint32 *minor_status,
	const gss_ctx_id_t context_handle, int ad_type, gss_buffer_t ad_data);

OM_uint32 KRB5_CALLCONV gsskrb5_extract_authtime_from_sec_context(OM_uint32 *minor_status, gss_ctx_id_t context_handle,
	krb5_timestamp *authtime);

/* ---- lucid contexts: keys and counters for an implementation elsewhere, such as a kernel ---- */

typedef struct gss_krb5_lucid_key {
	OM_uint32 type; /* enctype */
	OM_uint32 length;
	void *data;
} gss_krb5_lucid_key_t;

/* Keys of RFC 1964 messages. */
typedef struct gss_krb5_rfc1964_keydata {
	OM_uint32 sign_alg;
	OM_uint32 seal_alg;
	gss_krb5_lucid_key_t ctx_key;
} gss_krb5_rfc1964_keydata_t;

/* Keys of RFC 4121 messages. */
typedef struct gss_krb5_cfx_keydata {
	OM_uint32 have_acceptor_subkey; /* 1: the next but one is used */
	gss_krb5_lucid_key_t ctx_key;
	gss_krb5_lucid_key_t acceptor_subkey;
} gss_krb5_cfx_keydata_t;

typedef struct gss_krb5_lucid_context_v1 {
	OM_uint32 version;  /* 1 */
	OM_uint32 initiate; /* 1: this side is the initiator */
	OM_uint32 endtime;  /* seconds since 1970 */
	uint64_t send_seq;  /* of the next message sent */
	uint64_t recv_seq;  /* of the next message expected */
	OM_uint32 protocol; /* 0: rfc1964_kd is filled in, 1: cfx_kd */
	gss_krb5_rfc1964_keydata_t rfc1964_kd;
	gss_krb5_cfx_keydata_t cfx_kd;
} gss_krb5_lucid_context_v1_t;

/* What every version begins with. */
typedef struct gss_krb5_lucid_context_version {
	OM_uint32 version;
} gss_krb5_lucid_context_version_t;

/* The context is gone after this, and *kctx is freed with the next call. */
OM_uint32 KRB5_CALLCONV gss_krb5_export_lucid_sec_context(OM_uint32 *minor_status, gss_ctx_id_t *context_handle,
	OM_uint32 version, void **kctx);
OM_uint32 KRB5_CALLCONV gss_krb5_free_lucid_sec_context(OM_uint32 *minor_status, void *kctx);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#endif
