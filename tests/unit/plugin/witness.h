/* witness - a mechanism that keeps what it was called with, for the test to see. It needs no GSS-API library. */
#ifndef TESTS_UNIT_WITNESS_H
#define TESTS_UNIT_WITNESS_H

#include <gssapi/gssapi.h>

struct witness {
	/* of the last leg, either side */
	OM_uint32 flags, lifetime;
	OM_uint32 initiator_addrtype, acceptor_addrtype;
	char bindings[32], address[32];
	int has_bindings, had_cred;
	/* of the last acquiring */
	int usage;
	char key[32], value[32];
	/* of the last storing */
	int stored_usage;
	OM_uint32 overwrites, becomes_default;
	char stored_key[32], stored_value[32];
	/* of the last call about a name: what it was asked for, and how */
	char type[32], attribute[32], value_set[32];
	int complete, authenticated;
	void *object;
	int names; /* that there are */
	/* what is answered of the attribute that names accounts: each letter is one value of it, capitals are vouched for */
	char vouched[8];
	/* of the last question about an account, and what is answered */
	char account[32];
	OM_uint32 answer;
};

#endif
