/*
 * gssapi_generic.h - older names of the name types of gssapi.h.
 */
#ifndef _GSSAPI_GENERIC_H_
#define _GSSAPI_GENERIC_H_

#include <gssapi/gssapi.h>

#define GSS_EMPTY_BUFFER(buf) ((buf) == NULL || (buf)->value == NULL || (buf)->length == 0)

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

GSS_DLLIMP extern gss_OID gss_nt_user_name;
GSS_DLLIMP extern gss_OID gss_nt_machine_uid_name;
GSS_DLLIMP extern gss_OID gss_nt_string_uid_name;
GSS_DLLIMP extern gss_OID gss_nt_service_name;
GSS_DLLIMP extern gss_OID gss_nt_service_name_v2;
GSS_DLLIMP extern gss_OID gss_nt_exported_name;

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#endif
