/*
 * peer - what a driver can ask of a peer: a process that has a GSS library, does one call a request, and answers.
 *
 * peer.c is compiled twice: peer-mit has MIT's headers and library, peer-baton has ours. A driver has neither, so that it can hold both
 * at the ends of a context. A request is the number of an operation and its arguments; an answer is the major status, the minor status, and
 * the results. Contexts and credentials stay in the peer under small numbers; PEER_NONE stands for none.
 *
 * Below, "u" is a number and "b" a string of bytes, the arguments before and the results after the arrow.
 */
#ifndef BATON_TESTS_PEER_H
#define BATON_TESTS_PEER_H

#define PEER_NONE UINT32_MAX

enum peer_op {
	/* ctx u, cred u, target b, name type u, mech b, flags u, time u, has bindings u, bindings b, token b
	 * -> ctx u, token b, flags u, time u, mech b */
	PEER_INIT = 1,
	/* ctx u, cred u, has bindings u, bindings b, token b -> ctx u, token b, flags u, time u, mech b, source b, delegated cred u */
	PEER_ACCEPT,
	/* ctx u, conf u, qop u, text b -> token b, conf u */
	PEER_WRAP,
	/* ctx u, token b -> text b, conf u, qop u */
	PEER_UNWRAP,
	/* ctx u, qop u, text b -> token b */
	PEER_GET_MIC,
	/* ctx u, text b, token b -> qop u */
	PEER_VERIFY_MIC,
	/* ctx u, conf u, count u, then type u and bytes b of each; a buffer that the call allocates or fills comes with its length
	 * -> conf u, count u, then type u and bytes b of each */
	PEER_WRAP_IOV,
	PEER_UNWRAP_IOV,
	PEER_WRAP_IOV_LENGTH,
	/* ctx u, conf u, qop u, output size u -> input size u */
	PEER_SIZE_LIMIT,
	/* ctx u, key u, input b, length u -> output b */
	PEER_PRF,
	/* ctx u -> source b, target b, time u, mech b, flags u, is initiator u, is open u */
	PEER_INQUIRE,
	/* ctx u -> time u */
	PEER_TIME,
	/* ctx u -> token b, handle is gone u. The number is free again if the handle is gone. */
	PEER_EXPORT,
	/* token b -> ctx u */
	PEER_IMPORT,
	/* ctx u, oid b -> count u, then b of each */
	PEER_INQUIRE_OID,
	/* ctx u -> token b, handle is gone u */
	PEER_DELETE,
	/* status u, type u, mech b -> text b: all messages, a newline between them */
	PEER_STATUS,
	/* name b, name type u, usage u, time u -> cred u, time u */
	PEER_ACQUIRE,
	/* usage u, count u, then mech b of each -> cred u: for SPNEGO, which may come out at these, best first */
	PEER_ACQUIRE_NEG,
	/* cred u -> name b, time u, usage u */
	PEER_INQUIRE_CRED,
	/* cred u */
	PEER_RELEASE_CRED,
	/* ctx u, token b */
	PEER_PROCESS_TOKEN,
	/* ctx u, conf u, associated b, text b -> token b, conf u */
	PEER_WRAP_AEAD,
	/* ctx u, associated b, token b -> text b, conf u */
	PEER_UNWRAP_AEAD,
	/* ctx u -> handle is gone u, version u, is initiator u, end u, send b, receive b, protocol u, has acceptor subkey u, then
	 * enctype u and key b of both subkeys */
	PEER_LUCID,
	/* name b, name type u, password b (empty: none), usage u, mech b -> cred u */
	PEER_ACQUIRE_MECH,
	/* -> count u, then mech b of each, as indicated */
	PEER_MECHS,
	/* mech b -> count u, then attribute b of each; SASL name b, name b, description b */
	PEER_DESCRIBE_MECH,

	/* What concerns the process, not GSS; major is 0 or 1, minor is errno. */
	PEER_SETENV = 100, /* name b, value b */
	PEER_SETUID,       /* uid u */
	PEER_FILES,        /* highest file descriptor u: RLIMIT_NOFILE */
	PEER_CLOCK,        /* seconds u, added to what every clock says */
	PEER_EXEC,         /* program b; without a program: the peer itself, afresh, on the same socket */
	PEER_EXIT,
	PEER_FORK,         /* what follows is answered by a child; its end goes back to the parent */
	PEER_COUNT,        /* -> how many contexts are held u */
	PEER_CHROOT,       /* directory b, and into it */
	PEER_CLOSE,        /* all descriptors but the socket and those below 3, and /dev/null under their numbers */
};

enum peer_name_type { PEER_NAME_NONE, PEER_NAME_SERVICE, PEER_NAME_USER, PEER_NAME_PRINCIPAL };

#endif
