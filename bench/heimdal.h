/*
 * heimdal - Heimdal's library under its functions' names, for a worker compiled with MIT's headers.
 *
 * Included before all else in each file of that worker. The library is found when the worker starts, so that it need not be there when it
 * is built, and its objects have other names than MIT's; but structures, numbers and prototypes are those of RFC 2744 in both.
 */
#ifndef BATON_BENCH_HEIMDAL_H
#define BATON_BENCH_HEIMDAL_H

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>

#define HEIMDAL_CALLS(X)                                                                                                                 \
	X(gss_acquire_cred)                                                                                                              \
	X(gss_release_cred)                                                                                                              \
	X(gss_import_name)                                                                                                               \
	X(gss_release_name)                                                                                                              \
	X(gss_init_sec_context)                                                                                                          \
	X(gss_accept_sec_context)                                                                                                        \
	X(gss_delete_sec_context)                                                                                                        \
	X(gss_export_sec_context)                                                                                                        \
	X(gss_import_sec_context)                                                                                                        \
	X(gss_wrap)                                                                                                                      \
	X(gss_unwrap)                                                                                                                    \
	X(gss_get_mic)                                                                                                                   \
	X(gss_verify_mic)                                                                                                                \
	X(gss_wrap_iov)                                                                                                                  \
	X(gss_unwrap_iov)                                                                                                                \
	X(gss_wrap_iov_length)                                                                                                           \
	X(gss_release_buffer)                                                                                                            \
	X(gss_display_status)

#define MEMBER(name) __typeof__(name) *name;
extern struct heimdal {
	HEIMDAL_CALLS(MEMBER)
} heimdal;
#undef MEMBER

/* A host-based service name's type, which both libraries know by these bytes. RFC 2744 §4.1. */
extern gss_OID_desc heimdal_hostbased;

#define gss_acquire_cred heimdal.gss_acquire_cred
#define gss_release_cred heimdal.gss_release_cred
#define gss_import_name heimdal.gss_import_name
#define gss_release_name heimdal.gss_release_name
#define gss_init_sec_context heimdal.gss_init_sec_context
#define gss_accept_sec_context heimdal.gss_accept_sec_context
#define gss_delete_sec_context heimdal.gss_delete_sec_context
#define gss_export_sec_context heimdal.gss_export_sec_context
#define gss_import_sec_context heimdal.gss_import_sec_context
#define gss_wrap heimdal.gss_wrap
#define gss_unwrap heimdal.gss_unwrap
#define gss_get_mic heimdal.gss_get_mic
#define gss_verify_mic heimdal.gss_verify_mic
#define gss_wrap_iov heimdal.gss_wrap_iov
#define gss_unwrap_iov heimdal.gss_unwrap_iov
#define gss_wrap_iov_length heimdal.gss_wrap_iov_length
#define gss_release_buffer heimdal.gss_release_buffer
#define gss_display_status heimdal.gss_display_status
#define GSS_C_NT_HOSTBASED_SERVICE (&heimdal_hostbased)

#endif
