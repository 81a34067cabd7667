/*
 * self - contexts with both ends in one process, for tests and measurements that link a GSS library themselves.
 */
#ifndef BATON_TESTS_SELF_H
#define BATON_TESTS_SELF_H

#include <gssapi/gssapi.h>
#include <stdbool.h>

/* self_establish - for service@server.baton.test. True if both ends are established; else it says why on standard error. */
bool self_establish(const char *service, OM_uint32 flags, gss_ctx_id_t *initiator, gss_ctx_id_t *acceptor);

/* self_send - wraps a text at one end and unwraps it at the other; true if it comes out whole, with the major status expected there. */
bool self_send(gss_ctx_id_t from, gss_ctx_id_t to, const char *text);

/* self_complain - what a status means, on standard error. Returns false. */
bool self_complain(const char *what, OM_uint32 major, OM_uint32 minor);

#endif
