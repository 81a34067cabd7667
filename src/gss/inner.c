#include <errno.h>
#include <gssapi/gssapi.h>

/*
 * Three functions of the inside of MIT's library, which it exports for its own test programs and declares nowhere. They work on
 * structs of that library alone, so whoever calls them with ours can only be told that it did not work.
 */
#pragma GCC visibility push(default)
int gss_krb5int_make_seal_token_v3(void);
OM_uint32 gss_krb5int_unseal_token_v3(void);
long gssint_g_seqstate_init(void);
#pragma GCC visibility pop

int
gss_krb5int_make_seal_token_v3(void)
{
	return EINVAL;
}

OM_uint32
gss_krb5int_unseal_token_v3(void)
{
	return GSS_S_FAILURE;
}

long
gssint_g_seqstate_init(void)
{
	return EINVAL;
}
