/*
 * limits - every bound of a context's saved facts. What is longer is not saved, and not loaded either.
 */
#ifndef BT_MECH_LIMITS_H
#define BT_MECH_LIMITS_H

enum {
	BT_MECHS_MAX = 17,		  /* mechanisms, built in and loaded */
	BT_CTX_NAME_MAX = 64 * 1024,	  /* bytes of a name, a service or a host, without the final NUL */
	BT_CTX_AUTHZ_MAX = 1024 * 1024,	  /* bytes of DER AuthorizationData. RFC 4120 §5.2.6 */
	BT_CTX_PENDING_MAX = 1024 * 1024, /* bytes of a mechanism's half-open state */
};

#endif
