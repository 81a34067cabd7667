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

/* ---- seeing what happens: baton_audit(3), baton_inspect_token(3), baton_claims(3) ---- */

#define BATON_EVENT_VERSION 1

#define BATON_EVENT_EXPORTED 1
#define BATON_EVENT_NOT_EXPORTED 2
#define BATON_EVENT_IMPORTED 3
#define BATON_EVENT_REFUSED 4
#define BATON_EVENT_EXPIRED 5
#define BATON_EVENT_SENT 6
#define BATON_EVENT_NOT_SENT 7
#define BATON_EVENT_RECEIVED 8
#define BATON_EVENT_TAKEN_BACK 9
#define BATON_EVENT_LOST 10

/* Texts live as long as the call; what is not known is "". Nothing in it is secret, and no user's name. */
struct baton_event {
	uint32_t version;	/* BATON_EVENT_VERSION of the library: members are only ever added at the end */
	int32_t kind;		/* BATON_EVENT_ */
	OM_uint32 major_status; /* why not, or GSS_S_COMPLETE */
	OM_uint32 minor_status;
	const char *name;      /* of the kind: "refused" */
	const char *reason;    /* of the status, in words */
	const char *mechanism; /* "1.2.840.113554.1.2.2" */
	const char *audience;  /* whom the token is for: "uid=33 session=4711" */
	const char *claim;     /* which token: the same at its exporter and its importer */
	uint32_t num;	       /* how many contexts: 1, or that of BATON_EVENT_EXPIRED */
	uint32_t uid;	       /* this process's effective user */
	int32_t pid;
	int64_t time_ms; /* since 1970 */
};

typedef void (*baton_audit_fn)(const struct baton_event *event, void *arg);

/* Have fn called with each event from now on, in the thread that caused it and with no lock held; NULL: no more. */
void baton_audit(baton_audit_fn fn, void *arg);

#define BATON_TOKEN_INFO_VERSION 1

/* What an interprocess token says to anybody who has it. Texts end with NUL. */
struct baton_token_info {
	uint32_t version;	 /* set by the caller: BATON_TOKEN_INFO_VERSION */
	uint32_t format;	 /* version of the token's format; 0: of another library, not sealed, and no more is known */
	uint64_t size;		 /* bytes */
	uint64_t sealed_size;	 /* of these encrypted */
	uint32_t uid;		 /* whose processes may import it */
	int32_t expires_known;	 /* is there a time? */
	int64_t expires_in_ms;	 /* negative: ago. Of another boot it means nothing */
	OM_uint32 import_major;	 /* what an import by this process would meet as far as can be seen: GSS_S_COMPLETE, or a reason */
	OM_uint32 import_minor;
	char import_reason[512]; /* in words */
	char mechanism[512];	 /* "1.2.840.113554.1.2.2" */
	char mechanism_name[64]; /* "krb5"; "" if this library has none of that OID */
	char audience[256];
	char claim[40];
	char place[16]; /* of its claim: "shm", "runtime", "named", "box", "memory" */
};

/* Look at a token. Takes nothing and changes nothing: the token works as before. */
OM_uint32 baton_inspect_token(OM_uint32 *minor_status, gss_buffer_t token, struct baton_token_info *info);

#define BATON_CLAIMS_VERSION 1
#define BATON_CLAIMS_PROCESSES 64

/* One process that has exported tokens which wait. */
struct baton_claims_process {
	int32_t pid;
	int32_t is_gone;
	char program[32]; /* as the kernel calls it now; "" if it is gone */
	uint32_t num_live;
	uint32_t num_expired;
	uint32_t num_reserved;
	int64_t oldest_ms; /* age of its oldest live claim; -1: none */
};

/* What is in the claim store of the effective user. */
struct baton_claims {
	uint32_t version; /* set by the caller: BATON_CLAIMS_VERSION */
	uint32_t uid;
	char place[256]; /* the file; "" if there is none */
	uint32_t num_slots;
	uint32_t num_live;     /* wait for an importer */
	uint32_t num_expired;  /* nobody came, and not swept yet */
	uint32_t num_reserved; /* in the midst of an export or import */
	uint32_t num_boxes_live;    /* beside them: for this account, from root */
	uint32_t num_boxes_expired;
	int64_t oldest_ms;     /* age of the oldest live claim; -1: none */
	int64_t next_expiry_ms; /* until the next one expires; -1: none */
	uint32_t num_processes;		/* that have claims */
	uint32_t num_processes_listed;	/* those with the most, at most BATON_CLAIMS_PROCESSES */
	struct baton_claims_process processes[BATON_CLAIMS_PROCESSES];
};

/* Count. Makes no store where there is none: then num_slots is 0. */
OM_uint32 baton_claims(OM_uint32 *minor_status, struct baton_claims *claims);

/* ---- which mechanisms there are: baton_each_mech(3) ---- */

#define BATON_MECH_INFO_VERSION 1

enum {
	BATON_MECH_BUILT_IN = 0,
	BATON_MECH_LOADED = 1,     /* from a library that the configuration names */
	BATON_MECH_INTERPOSER = 2, /* a library between programs and other mechanisms */
	BATON_MECH_BROKEN = 3      /* a line of the configuration, or a file of it, that cannot be used */
};

/* Texts live as long as the call. NULL: there is none. */
struct baton_mech_info {
	uint32_t version;    /* BATON_MECH_INFO_VERSION of the library: members are only ever added at the end */
	int state;           /* BATON_MECH_ */
	gss_OID oid;         /* NULL: a line that has none */
	const char *name;    /* its own, or that of its line */
	const char *library; /* as its line has it */
	const char *file;    /* of the configuration */
	uint32_t line;       /* 0: the file as a whole */
	const char *problem; /* what is wrong */
	const char *reason;  /* in the dynamic linker's words */
	const char *hint;    /* what to do about it */
};

typedef int (*baton_mech_fn)(const struct baton_mech_info *info, void *arg);

/* Tell fn of each mechanism that is built in, then of each line of the configuration, until it answers other than 0. Loads them all. */
OM_uint32 baton_each_mech(OM_uint32 *minor_status, baton_mech_fn fn, void *arg);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#endif
