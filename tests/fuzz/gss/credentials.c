/*
 * Exported credentials of several mechanisms, one of them made of others; Kerberos's own part is krb5/credential's. What is imported is
 * exported in one spelling, which imports as the same again.
 */
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>

#include <string.h>

#include "../wire/must.h"
#include "quiet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static gss_buffer_desc
spell(gss_buffer_t input)
{
	gss_buffer_desc out = GSS_C_EMPTY_BUFFER;
	gss_OID_set mechs;
	gss_cred_id_t cred;
	OM_uint32 minor;

	if (gss_import_cred(&minor, input, &cred) != GSS_S_COMPLETE) {
		must(cred == GSS_C_NO_CREDENTIAL);
		return out;
	}
	must(gss_inquire_cred(&minor, cred, NULL, NULL, NULL, &mechs) == GSS_S_COMPLETE && mechs->count != 0);
	must(gss_export_cred(&minor, cred, &out) == GSS_S_COMPLETE && out.length != 0);
	gss_release_oid_set(&minor, &mechs);
	gss_release_cred(&minor, &cred);
	return out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	gss_buffer_desc input = {len, (void *)(uintptr_t)data}, once = spell(&input), twice;
	OM_uint32 minor;

	if (once.length == 0)
		return 0;
	/* No shorter than what it was made of, but for other spellings of an OID, which are as long. */
	must(once.length == len);
	twice = spell(&once);
	must(once.length == twice.length && memcmp(once.value, twice.value, once.length) == 0);
	gss_release_buffer(&minor, &once);
	gss_release_buffer(&minor, &twice);
	return 0;
}
