#!/usr/bin/env python3
"""ZeroMQ's GSSAPI mechanism: every message of a socket wrapped.

  zeromq.py [CLIENT,SERVER]...    in a realm of "baton realm"

Each end is a process of this file: "--serve PORT" and "--ask PORT PRINCIPAL".
"""
import os
import subprocess
import sys

SERVICE = b"host/server.baton.test"
SIZES = [0, 1, 1000, 65536, 3000000]
ROUNDS = 20
PATIENCE_MS = 50000


def secured(zmq, kind, principal):
    sock = zmq.Context.instance().socket(kind)
    sock.setsockopt(zmq.GSSAPI_PRINCIPAL, principal)
    # Of the types of names, principals of Kerberos.
    sock.setsockopt(zmq.GSSAPI_PRINCIPAL_NAMETYPE, 2)
    sock.setsockopt(zmq.RCVTIMEO, PATIENCE_MS)
    sock.setsockopt(zmq.LINGER, 0)
    return sock


def serve(port):
    """Give back what comes, and who sent it, as far as it is known."""
    import zmq
    sock = secured(zmq, zmq.REP, SERVICE)
    sock.setsockopt(zmq.GSSAPI_SERVER, 1)
    sock.setsockopt(zmq.RCVTIMEO, -1)
    sock.bind(f"tcp://127.0.0.1:{port}")
    while True:
        sock.send_multipart(sock.recv_multipart())


def ask(port, principal):
    import zmq
    sock = secured(zmq, zmq.REQ, principal.encode())
    sock.setsockopt(zmq.GSSAPI_SERVICE_PRINCIPAL, SERVICE)
    sock.setsockopt(zmq.GSSAPI_SERVICE_PRINCIPAL_NAMETYPE, 2)
    sock.connect(f"tcp://127.0.0.1:{port}")
    for i in range(ROUNDS):
        parts = [os.urandom(SIZES[i % len(SIZES)]), b"", b"%d" % i]
        sock.send_multipart(parts)
        if sock.recv_multipart() != parts:
            sys.exit("another answer")
    print("answered")


def play(s, client, server):
    try:
        import zmq
    except ImportError as e:
        raise stage.Skip(f"no ZeroMQ here: {e}") from None
    if not zmq.has("gssapi"):
        raise stage.Skip("this ZeroMQ has no GSSAPI")
    keytab = s.keytab(SERVICE.decode())
    # Both ends acquire credentials for both usages: tickets and keys.
    env = {"KRB5CCNAME": "MEMORY:none", "KRB5_KTNAME": str(keytab), "KRB5_CLIENT_KTNAME": str(keytab)}
    daemon, port = s.serve(server, lambda port: [sys.executable, __file__, "--serve", port], env=env)

    def begin():
        return s.watch(client, sys.executable, __file__, "--ask", port, "alice", env={"KRB5_KTNAME": f"{stage.REALM_DIR}/alice.keytab"},
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    for process in [begin() for _ in range(4)]:
        assert s.finish(process, client) == "answered\n"
    stage.check_library(daemon.pid, server, "ZeroMQ")
    return f"{ROUNDS} messages of up to {max(SIZES) // 1000} kB, 4 clients"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:])
    elif sys.argv[1:2] == ["--ask"]:
        ask(*sys.argv[2:])
    else:
        import stage
        stage.act("ZeroMQ", play)
