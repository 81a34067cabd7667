/*
 * stranger - contexts between two who do not know each other, in one process and without a realm; exported for somebody, and imported by children.
 */
#ifndef BATON_TESTS_STRANGER_H
#define BATON_TESTS_STRANGER_H

#include <baton/baton.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <stdint.h>
#include <sys/types.h>

/* Rows of src/base/err.def, from the first of Baton's own. */
enum { FIRST_MINOR = 1927964672, STORE_OWNER = 21, STORE_MODE = 22, AUDIENCE = 50, AUDIENCE_ACCOUNT, SETTINGS };

/* Offsets into a token of this mechanism, doc/format/token.md. */
enum { HEADER_AT = 14, AUDIENCE_AT = HEADER_AT + 10, EXPIRES_AT = HEADER_AT + 24, STORE_ID_AT = HEADER_AT + 32, HEADER_END = HEADER_AT + 48 };

extern gss_OID_desc stranger_mech;

struct strangers {
	gss_ctx_id_t i, a;
};

void stranger_establish(struct strangers *p);
void stranger_finish(struct strangers *p);

/* stranger_export - the acceptor's end, for an audience. */
OM_uint32 stranger_export(struct strangers *p, const char *audience, gss_buffer_t token, OM_uint32 *minor);

/* stranger_token - two strangers, and the acceptor's end exported, which must work. */
void stranger_token(struct strangers *p, const char *audience, gss_buffer_t token);

/* stranger_refused - the export must fail with an error of this number and a text that has said in it; the context works on. */
void stranger_refused(struct strangers *p, const char *audience, int error, const char *said);

/* What comes of an import. NOT_READY: a child could not become what it was to be. */
enum { IMPORTED, REFUSED, NONE, DEFECTIVE, OTHERWISE, NOT_READY };

int stranger_import(const gss_buffer_desc *token);

/* stranger_in_child - an import in a child that becomes something first. */
int stranger_in_child(int (*become)(void), const gss_buffer_desc *token);

/* stranger_status - how a child ended. */
int stranger_status(pid_t child);

#endif
