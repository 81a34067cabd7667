#!/usr/bin/env python3
"""prefork.py - the front authenticates, a worker serves; as prefork.c, in Python.

  baton run -- python3 prefork.py [PORT]

The front accepts connections and Kerberos contexts, and hands each one over: the connection as a descriptor, the
context as an interprocess token. The worker that receives them goes on where the front stopped. Messages are framed
by a 4-byte big-endian length. For brevity, the front waits for one client at a time.
"""
import os
import socket
import struct
import sys

import gssapi

NUM_WORKERS = 3
TOKEN_MAX = 1 << 20
PATIENCE_S = 10


def receive(conn, length):
    data = b""
    while len(data) < length:
        more = conn.recv(length - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def get_frame(conn):
    """The next frame; EOFError if the peer has left, or sends none."""
    (length,) = struct.unpack(">I", receive(conn, 4))
    if length > TOKEN_MAX:
        raise EOFError
    return receive(conn, length)


def put_frame(conn, frame):
    conn.sendall(struct.pack(">I", len(frame)) + frame)


def authenticate(conn):
    context = gssapi.SecurityContext(usage="accept")
    while not context.complete:
        token = context.step(get_frame(conn))
        if token:
            put_frame(conn, token)
    return context


def hand_over(channel, conn, context):
    """One message carries the token and the connection. Once it is exported, the context is no longer here."""
    socket.send_fds(channel, [context.export()], [conn.fileno()])


def serve(conn, context):
    """Serve one client: every message comes back, protected as it came."""
    while True:
        text, is_encrypted, _ = context.unwrap(get_frame(conn))
        put_frame(conn, context.wrap(text, is_encrypted).message)


def work(channel):
    while True:
        token, fds, _, _ = socket.recv_fds(channel, TOKEN_MAX, 1)
        if not token:
            return
        with socket.socket(fileno=fds[0]) as conn:
            try:
                serve(conn, gssapi.SecurityContext(token=token))
            except (EOFError, OSError):
                pass  # the client has left
            except gssapi.exceptions.GSSError as error:
                print(f"worker {os.getpid()}: {error}", file=sys.stderr)


def main(port):
    listener = socket.create_server(("127.0.0.1", port), backlog=64)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for _ in range(NUM_WORKERS):
        if os.fork() == 0:
            listener.close()
            ours.close()
            work(theirs)  # whichever worker is free reads next
            os._exit(0)
    theirs.close()
    while True:
        conn, _ = listener.accept()
        with conn:
            conn.settimeout(PATIENCE_S)
            try:
                context = authenticate(conn)
                conn.settimeout(None)
                hand_over(ours, conn, context)
            except (EOFError, OSError):
                pass  # the client has left
            except gssapi.exceptions.GSSError as error:
                print(f"front: {error}", file=sys.stderr)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4444)
