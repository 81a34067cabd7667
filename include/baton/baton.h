/*
 * baton.h - what Baton has beyond the GSS-API: calls that are in no standard and in no other library.
 */
#ifndef BATON_BATON_H
#define BATON_BATON_H

#include <gssapi/gssapi.h>
#include <stdint.h>

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* The library's version, "0.1.0": static text. A program that finds this symbol runs on Baton. */
const char *baton_version(void);

/* ---- who may import a context, and how: baton_export_sec_context(3) ---- */

#define BATON_TRANSFER_OPTIONS_VERSION 1

enum { BATON_TRANSFER_BY_SETTINGS = 0, BATON_TRANSFER_YES = 1, BATON_TRANSFER_NO = 2 };

struct baton_transfer_options {
	uint32_t version;     /* BATON_TRANSFER_OPTIONS_VERSION */
	const char *audience; /* as in baton-transfer.conf(5): "session", "pid=4711", "uid=33 cgroup"; NULL: as the settings have it */
	OM_uint32 ttl_s;      /* seconds that the token may wait; 0: as the settings have it */
	int authdata;         /* whether authorization data goes along; BATON_TRANSFER_BY_SETTINGS, _YES, _NO */
};

/* The program's own settings, over those of the file and the environment, in the syntax of BATON_TRANSFER. NULL: none. */
OM_uint32 baton_transfer_defaults(OM_uint32 *minor_status, const char *settings);

/* gss_export_sec_context with a wish; options NULL: the same call. */
OM_uint32 baton_export_sec_context(OM_uint32 *minor_status, gss_ctx_id_t *context_handle,
				   const struct baton_transfer_options *options, gss_buffer_t interprocess_token);

/* ---- handing a context over on a socket: baton_send_sec_context(3), baton_handover_status(3) ---- */

#define BATON_CARGO_VERSION 1

/* What goes along with a context. */
struct baton_cargo {
	uint32_t version;     /* BATON_CARGO_VERSION, for receiving too */
	int fd;               /* the connection, or -1. Sent: stays the caller's. Received: the caller closes it */
	gss_cred_id_t cred;   /* a credential, delegated for instance. Sent: stays the caller's. Received: gss_release_cred */
	gss_buffer_desc data; /* the program's own, at most 64 KiB. Received: gss_release_buffer */
};

/* Nothing goes along; what there is to begin with. */
#define BATON_CARGO_INIT { BATON_CARGO_VERSION, -1, GSS_C_NO_CREDENTIAL, { 0, (void *)0 } }

typedef struct baton_handover_struct *baton_handover_t;

enum {
	BATON_HANDOVER_WAITING = 0,  /* in the socket, or in the hands of a receiver who has not yet taken it */
	BATON_HANDOVER_RECEIVED = 1, /* the other end has it, and this one nothing more */
	BATON_HANDOVER_REFUSED = 2,  /* the other end may not or cannot have it: to be taken back */
	BATON_HANDOVER_EXPIRED = 3   /* its time is over and nobody has it: to be taken back */
};

/* GSS_S_CONTINUE_NEEDED: nothing was sent or received, because the socket does not wait and would have had to; call again. */
OM_uint32 baton_send_sec_context(OM_uint32 *minor_status, int socket, gss_ctx_id_t *context_handle,
				 const struct baton_cargo *cargo, const struct baton_transfer_options *options,
				 baton_handover_t *handover);
OM_uint32 baton_recv_sec_context(OM_uint32 *minor_status, int socket, gss_ctx_id_t *context_handle, struct baton_cargo *cargo);

OM_uint32 baton_handover_status(OM_uint32 *minor_status, baton_handover_t handover, int *state);
/* A descriptor that is readable when the state may have changed, for event loops; the library's. -1: there is none. */
int baton_handover_fd(baton_handover_t handover);
OM_uint32 baton_take_back_sec_context(OM_uint32 *minor_status, baton_handover_t *handover, gss_ctx_id_t *context_handle);
OM_uint32 baton_release_handover(OM_uint32 *minor_status, baton_handover_t *handover);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#endif
