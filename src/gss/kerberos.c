#include "gss/call.h"
#include "gss/mechs.h"
#include "gss/oids.h"

/*
 * What gssapi_krb5.h has a name for and everybody else an OID: each of these is one gssspi_mech_invoke or
 * gss_set_cred_option. Declared here, as in ticket.c: krb5_error_code and krb5_enctype are int32_t, all other types of
 * libkrb5's pointers.
 */
#pragma GCC visibility push(default)
int32_t krb5_gss_use_kdc_context(void);
OM_uint32 krb5_gss_register_acceptor_identity(const char *keytab);
OM_uint32 gss_krb5_ccache_name(OM_uint32 *minor_status, const char *name, const char **out_name);
OM_uint32 gss_krb5_copy_ccache(OM_uint32 *minor_status, gss_cred_id_t cred_handle, void *out_ccache);
OM_uint32 gss_krb5_import_cred(OM_uint32 *minor_status, void *id, void *keytab_principal, void *keytab, gss_cred_id_t *cred);
OM_uint32 gss_krb5_set_allowable_enctypes(OM_uint32 *minor_status, gss_cred_id_t cred, OM_uint32 num_ktypes, int32_t *ktypes);
OM_uint32 gss_krb5_set_cred_rcache(OM_uint32 *minor_status, gss_cred_id_t cred, void *rcache);
#pragma GCC visibility pop

/* So begin all demands on the Kerberos mechanism: 1.2.840.113554.1.2.2.5. */
#define DEMAND "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05"

static OM_uint32
demand(OM_uint32 *minor_status, const char *what, void *value, size_t len)
{
	gss_OID_desc object = {(OM_uint32)strlen(what), (void *)(uintptr_t)what};
	gss_buffer_desc argument = {len, value};

	return gssspi_mech_invoke(minor_status, (gss_OID)(uintptr_t)&bt_oids[BT_OID_MECH_KRB5], &object, &argument);
}

int32_t
krb5_gss_use_kdc_context(void)
{
	OM_uint32 minor, major = demand(&minor, DEMAND "\x08", NULL, 0);

	if (major == GSS_S_COMPLETE)
		return 0;
	/* Never 0 for a failure. */
	return minor != 0 ? (int32_t)minor : BT_ERR_UNAVAILABLE;
}

OM_uint32
krb5_gss_register_acceptor_identity(const char *keytab)
{
	OM_uint32 minor;

	return demand(&minor, DEMAND "\x09", (void *)(uintptr_t)keytab, keytab != NULL ? strlen(keytab) : 0);
}

OM_uint32
gss_krb5_ccache_name(OM_uint32 *minor_status, const char *name, const char **out_name)
{
	struct {
		const char *name;
		const char **out_name;
	} request = {name, out_name};

	if (out_name != NULL)
		*out_name = NULL;
	return demand(minor_status, DEMAND "\x03", &request, sizeof request);
}

/* cred by value: none is made here. */
static OM_uint32
set_option(OM_uint32 *minor_status, gss_cred_id_t cred, const char *what, void *value, size_t len)
{
	gss_OID_desc object = {(OM_uint32)strlen(what), (void *)(uintptr_t)what};
	gss_buffer_desc argument = {len, value};
	struct bt_call call = bt_call_begin(minor_status);

	if (cred == GSS_C_NO_CREDENTIAL)
		bt_call_refuse(&call, GSS_S_CALL_INACCESSIBLE_READ | GSS_S_NO_CRED, 0);
	if (bt_call_failed(&call))
		return bt_call_end(&call);
	return gss_set_cred_option(minor_status, &cred, &object, &argument);
}

OM_uint32
gss_krb5_copy_ccache(OM_uint32 *minor_status, gss_cred_id_t cred_handle, void *out_ccache)
{
	struct bt_call call = bt_call_begin(minor_status);

	bt_call_wants(&call, out_ccache, 0);
	if (bt_call_failed(&call))
		return bt_call_end(&call);
	return set_option(minor_status, cred_handle, DEMAND "\x02", out_ccache, sizeof out_ccache);
}

OM_uint32
gss_krb5_import_cred(OM_uint32 *minor_status, void *id, void *keytab_principal, void *keytab, gss_cred_id_t *cred)
{
	struct {
		void *id, *keytab_principal, *keytab;
	} request = {id, keytab_principal, keytab};
	gss_OID_desc object = {sizeof DEMAND, (void *)(uintptr_t)DEMAND "\x0d"};
	gss_buffer_desc argument = {sizeof request, &request};

	if (cred != NULL)
		*cred = GSS_C_NO_CREDENTIAL;
	return gss_set_cred_option(minor_status, cred, &object, &argument);
}

OM_uint32
gss_krb5_set_allowable_enctypes(OM_uint32 *minor_status, gss_cred_id_t cred, OM_uint32 num_ktypes, int32_t *ktypes)
{
	struct {
		OM_uint32 num;
		int32_t *list;
	} request = {num_ktypes, ktypes};

	return set_option(minor_status, cred, DEMAND "\x04", &request, sizeof request);
}

OM_uint32
gss_krb5_set_cred_rcache(OM_uint32 *minor_status, gss_cred_id_t cred, void *rcache)
{
	return set_option(minor_status, cred, DEMAND "\x0b", rcache, sizeof rcache);
}
