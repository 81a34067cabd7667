#include "gss/oids.h"

#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_generic.h>

#include "gss/mechs.h"
#include "mech/plugin/plugin.h"

/*
 * Every exported data object. All are pointers, set up by the linker and not by code: a program that is not
 * position-independent copies them before any constructor runs. The ones of gssapi_krb5.h are declared here, because that
 * header needs libkrb5's, which only the Kerberos mechanism sees; a test compiles it against these definitions.
 */

const gss_OID_desc bt_oids[BT_OID_NUM] = {
#define BT_OID_ROW(id, octets) [BT_OID_##id] = {sizeof(octets) - 1, (void *)(uintptr_t)(octets)},
#include "gss/oids.def"
#undef BT_OID_ROW
};

#define OID(id) ((gss_OID)(uintptr_t)&bt_oids[BT_OID_##id])

gss_OID
bt_oid_static(struct bt_bytes oid)
{
	for (size_t i = 0; i < BT_OID_NUM; i++)
		if (bt_bytes_equal(bt_oid_view(&bt_oids[i]), oid))
			return (gss_OID)(uintptr_t)&bt_oids[i];
	return (gss_OID)(uintptr_t)bt_plugin_oid_of(oid);
}

bool
bt_oid_is_static(gss_const_OID oid)
{
	for (size_t i = 0; i < BT_OID_NUM; i++)
		if (oid == &bt_oids[i])
			return true;
	return bt_plugin_owns_oid(oid);
}

/* Name types. */
gss_OID GSS_C_NT_USER_NAME = OID(NT_USER_NAME);
gss_OID GSS_C_NT_MACHINE_UID_NAME = OID(NT_MACHINE_UID_NAME);
gss_OID GSS_C_NT_STRING_UID_NAME = OID(NT_STRING_UID_NAME);
gss_OID GSS_C_NT_HOSTBASED_SERVICE = OID(NT_HOSTBASED_SERVICE);
gss_OID GSS_C_NT_HOSTBASED_SERVICE_X = OID(NT_HOSTBASED_SERVICE_X);
gss_OID GSS_C_NT_ANONYMOUS = OID(NT_ANONYMOUS);
gss_OID GSS_C_NT_EXPORT_NAME = OID(NT_EXPORT_NAME);
gss_OID GSS_C_NT_COMPOSITE_EXPORT = OID(NT_COMPOSITE_EXPORT);
gss_OID gss_nt_user_name = OID(NT_USER_NAME);
gss_OID gss_nt_machine_uid_name = OID(NT_MACHINE_UID_NAME);
gss_OID gss_nt_string_uid_name = OID(NT_STRING_UID_NAME);
gss_OID gss_nt_service_name = OID(NT_HOSTBASED_SERVICE);
gss_OID gss_nt_service_name_v2 = OID(NT_HOSTBASED_SERVICE_X);
gss_OID gss_nt_exported_name = OID(NT_EXPORT_NAME);

/* Questions by OID. */
gss_OID GSS_C_INQ_SSPI_SESSION_KEY = OID(INQ_SSPI_SESSION_KEY);
gss_OID GSS_C_INQ_NEGOEX_KEY = OID(INQ_NEGOEX_KEY);
gss_OID GSS_C_INQ_NEGOEX_VERIFY_KEY = OID(INQ_NEGOEX_VERIFY_KEY);
gss_OID GSS_C_SEC_CONTEXT_SASL_SSF = OID(SEC_CONTEXT_SASL_SSF);

/* Mechanism attributes. */
gss_const_OID GSS_C_MA_MECH_CONCRETE = OID(MA_MECH_CONCRETE);
gss_const_OID GSS_C_MA_MECH_PSEUDO = OID(MA_MECH_PSEUDO);
gss_const_OID GSS_C_MA_MECH_COMPOSITE = OID(MA_MECH_COMPOSITE);
gss_const_OID GSS_C_MA_MECH_NEGO = OID(MA_MECH_NEGO);
gss_const_OID GSS_C_MA_MECH_GLUE = OID(MA_MECH_GLUE);
gss_const_OID GSS_C_MA_NOT_MECH = OID(MA_NOT_MECH);
gss_const_OID GSS_C_MA_DEPRECATED = OID(MA_DEPRECATED);
gss_const_OID GSS_C_MA_NOT_DFLT_MECH = OID(MA_NOT_DFLT_MECH);
gss_const_OID GSS_C_MA_ITOK_FRAMED = OID(MA_ITOK_FRAMED);
gss_const_OID GSS_C_MA_AUTH_INIT = OID(MA_AUTH_INIT);
gss_const_OID GSS_C_MA_AUTH_TARG = OID(MA_AUTH_TARG);
gss_const_OID GSS_C_MA_AUTH_INIT_INIT = OID(MA_AUTH_INIT_INIT);
gss_const_OID GSS_C_MA_AUTH_TARG_INIT = OID(MA_AUTH_TARG_INIT);
gss_const_OID GSS_C_MA_AUTH_INIT_ANON = OID(MA_AUTH_INIT_ANON);
gss_const_OID GSS_C_MA_AUTH_TARG_ANON = OID(MA_AUTH_TARG_ANON);
gss_const_OID GSS_C_MA_DELEG_CRED = OID(MA_DELEG_CRED);
gss_const_OID GSS_C_MA_INTEG_PROT = OID(MA_INTEG_PROT);
gss_const_OID GSS_C_MA_CONF_PROT = OID(MA_CONF_PROT);
gss_const_OID GSS_C_MA_MIC = OID(MA_MIC);
gss_const_OID GSS_C_MA_WRAP = OID(MA_WRAP);
gss_const_OID GSS_C_MA_PROT_READY = OID(MA_PROT_READY);
gss_const_OID GSS_C_MA_REPLAY_DET = OID(MA_REPLAY_DET);
gss_const_OID GSS_C_MA_OOS_DET = OID(MA_OOS_DET);
gss_const_OID GSS_C_MA_CBINDINGS = OID(MA_CBINDINGS);
gss_const_OID GSS_C_MA_PFS = OID(MA_PFS);
gss_const_OID GSS_C_MA_COMPRESS = OID(MA_COMPRESS);
gss_const_OID GSS_C_MA_CTX_TRANS = OID(MA_CTX_TRANS);
gss_const_OID GSS_C_MA_NEGOEX_AND_SPNEGO = OID(MA_NEGOEX_AND_SPNEGO);

/* What gssapi_krb5.h declares. */
#pragma GCC visibility push(default)
extern const gss_OID gss_mech_krb5;
extern const gss_OID gss_mech_krb5_old;
extern const gss_OID gss_mech_krb5_wrong;
extern const gss_OID gss_mech_iakerb;
extern const gss_OID GSS_KRB5_NT_PRINCIPAL_NAME;
extern const gss_OID GSS_KRB5_NT_ENTERPRISE_NAME;
extern const gss_OID GSS_KRB5_NT_X509_CERT;
extern const gss_OID gss_nt_krb5_name;
extern const gss_OID gss_nt_krb5_principal;
extern const gss_OID GSS_KRB5_CRED_NO_CI_FLAGS_X;
extern const gss_OID GSS_KRB5_GET_CRED_IMPERSONATOR;
extern const gss_OID_set gss_mech_set_krb5;
extern const gss_OID_set gss_mech_set_krb5_old;
extern const gss_OID_set gss_mech_set_krb5_both;
extern int krb5_gss_dbg_client_expcreds;
#pragma GCC visibility pop

const gss_OID gss_mech_krb5 = OID(MECH_KRB5);
const gss_OID gss_mech_krb5_old = OID(MECH_KRB5_OLD);
const gss_OID gss_mech_krb5_wrong = OID(MECH_KRB5_WRONG);
const gss_OID gss_mech_iakerb = OID(MECH_IAKERB);
const gss_OID GSS_KRB5_NT_PRINCIPAL_NAME = OID(NT_KRB5_NAME);
const gss_OID GSS_KRB5_NT_ENTERPRISE_NAME = OID(NT_KRB5_ENTERPRISE);
const gss_OID GSS_KRB5_NT_X509_CERT = OID(NT_KRB5_X509);
const gss_OID gss_nt_krb5_name = OID(NT_KRB5_NAME);
const gss_OID gss_nt_krb5_principal = OID(NT_KRB5_PRINCIPAL);
const gss_OID GSS_KRB5_CRED_NO_CI_FLAGS_X = OID(CRED_NO_CI_FLAGS_X);
const gss_OID GSS_KRB5_GET_CRED_IMPERSONATOR = OID(GET_CRED_IMPERSONATOR);

static const gss_OID_set_desc set_krb5 = {1, OID(MECH_KRB5)};
static const gss_OID_set_desc set_krb5_old = {1, OID(MECH_KRB5_OLD)};
static const gss_OID_set_desc set_krb5_both = {3, OID(MECH_KRB5)};

const gss_OID_set gss_mech_set_krb5 = (gss_OID_set)(uintptr_t)&set_krb5;
const gss_OID_set gss_mech_set_krb5_old = (gss_OID_set)(uintptr_t)&set_krb5_old;
const gss_OID_set gss_mech_set_krb5_both = (gss_OID_set)(uintptr_t)&set_krb5_both;

/* In no header: a debugger sets it to let an initiator use expired credentials. */
int krb5_gss_dbg_client_expcreds;

/* RFC 6680's one attribute with a symbol. */
static gss_buffer_desc local_login_user = {sizeof "local-login-user" - 1, (void *)(uintptr_t) "local-login-user"};

gss_buffer_t GSS_C_ATTR_LOCAL_LOGIN_USER = &local_login_user;
