/*
 * fake_mech - a mechanism without a KDC, in the place of Kerberos and under its OID: the initiator sends "01", the acceptor is
 * open and answers "02". What fails, and what is delegated, is up to the test.
 *
 * Link fake_mech.c before the rooms.
 */
#ifndef TESTS_UNIT_GSS_FAKE_MECH_H
#define TESTS_UNIT_GSS_FAKE_MECH_H

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>

#include "mech/mech.h"

struct fake {
	int init_error, accept_error, acquire_error; /* to be the answer of the next ones */
	bool error_has_token;                        /* a failing step leaves a token */
	bool delegates;
	bool is_stored;                              /* what is to be stored is there already */
	int64_t expires_in_s;                        /* of contexts and credentials; 0: an hour */
	OM_uint32 bindings_type;                     /* initiator_addrtype that the last step saw */
};

extern struct fake fake;

/* An open pair, flags of the initiator's asking. */
struct fake_pair {
	gss_ctx_id_t initiator, acceptor;
};

struct fake_pair fake_establish(OM_uint32 req_flags);
void fake_finish(struct fake_pair *pair);

/* "service@host", imported. */
gss_name_t fake_target(void);

#endif
