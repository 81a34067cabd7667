#include "gss/call.h"
#include "gss/mechs.h"
#include "gss/oids.h"

/*
 * What gssapi_krb5.h has a name for and everybody else an OID: each of these is one gssspi_mech_invoke. Declared here, as in
 * ticket.c; krb5_error_code is int32_t.
 */
#pragma GCC visibility push(default)
int32_t krb5_gss_use_kdc_context(void);
OM_uint32 krb5_gss_register_acceptor_identity(const char *keytab);
OM_uint32 gss_krb5_ccache_name(OM_uint32 *minor_status, const char *name, const char **out_name);
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
