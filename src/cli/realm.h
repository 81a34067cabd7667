/*
 * realm - a Kerberos realm to throw away: a KDC on a loopback port, a handful of principals, their keys and tickets, all in one
 * directory that goes when the realm is stopped. Needs Debian's krb5-kdc, krb5-admin-server and krb5-user, and no privilege.
 *
 * The realm is BATON.TEST:
 *   alice, bob            users; the password of both is "wonderland"
 *   host/server.baton.test, HTTP/server.baton.test, host/localhost
 *   enc17/server.baton.test ... enc20/server.baton.test, also enc16, enc23, enc25, enc26   keys and session keys of that one enctype
 *   plain/server.baton.test   tickets without authorisation data (no PAC)
 */
#ifndef BT_CLI_REALM_H
#define BT_CLI_REALM_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct cli_realm {
	char dir[PATH_MAX];
	pid_t kdc;
	int port;
	bool is_kept; /* the directory stays when the realm stops */
};

/*
 * cli_realm_start - make the directory, fill it, start the KDC, get alice's and bob's tickets. One or two seconds.
 *   dir      where: missing or empty; NULL: a fresh directory in $TMPDIR or /tmp
 *   is_kept  leave the directory when the realm stops
 * False: it said why on standard error, and nothing is left behind. The KDC dies with the calling thread.
 */
bool cli_realm_start(struct cli_realm *realm, const char *dir, bool is_kept);

/* cli_realm_enter - point this process's environment at the realm: KRB5_CONFIG, KRB5CCNAME and the like. */
void cli_realm_enter(const struct cli_realm *realm);

/* cli_realm_stop - end the KDC and remove the directory. */
void cli_realm_stop(struct cli_realm *realm);

#endif
