#!/usr/bin/env python3
"""MIT's gss-client and gss-server, in their options; with -export the server moves every context out and in again.

  gss_sample.py [CLIENT,SERVER]...    in a realm of "baton realm"

The server runs as inetd would start it, as it would otherwise listen on all interfaces.
"""
import os
import re
import socket
import subprocess

import stage

MESSAGE = "a message of some length"
KRB5 = "{ 1 2 840 113554 1 2 2 }"

# The client's options, and what it says beside the usual: a note means that nobody was authenticated.
CASES = [
    [], ["-d"], ["-seq"], ["-noreplay"], ["-nomutual"], ["-seq", "-noreplay", "-nomutual"], ["-q"], ["-ccount", "3"], ["-mcount", "20"],
    ["-nw"], ["-nx"], ["-nm"], ["-nw", "-nm"], ["-na"], ["-mech", KRB5], ["-spnego"], ["-spnego", "-seq", "-d"],
    ["-user", "alice", "-pass", "wonderland"], ["-user", "alice", "-pass", "wonderland", "-spnego"], ["-f"],
]
SERVER_CASES = [["-verbose"], ["-verbose", "-export"]]

# The client reaches no KDC, and the server carries what it has to say to one: first ticket by password or keytab, then the service's.
IAKERB = "{ 1 3 6 1 5 2 5 }"
IAKERB_CASES = [
    ["-iakerb"], ["-iakerb", "-seq"], ["-iakerb", "-nomutual", "-mcount", "3"], ["-iakerb", "-user", "alice", "-pass", "wonderland"],
    ["-iakerb", "-user", "alice", "-pass", "wonderland", "-seq", "-nomutual"],
]


def converse(s, client, server, options, server_options, status=0, env=None):
    """One run of the client, and a server for each of its connections. Returns what both said."""
    log = s.dir / f"log.{len(s.running)}.server"
    service = f"host@{stage.HOST}"
    connections = int(options[options.index("-ccount") + 1]) if "-ccount" in options else 1
    what = MESSAGE
    if "-f" in options:
        what = s.dir / "message"
        what.write_bytes(os.urandom(100000))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(stage.PATIENCE_S)
        port = listener.getsockname()[1]
        c = s.watch(client, "gss-client", "-port", port, *options, "127.0.0.1", service, what, env=env, stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT)
        for _ in range(connections):
            conn, _ = listener.accept()
            with conn:
                d = s.watch(server, "gss-server", "-inetd", *server_options, "-logfile", log, service, stdin=conn)
            s.finish(d, server)
    return s.finish(c, client, status), log.read_text(errors="replace")


def check(options, server_options, said, told, mechanism):
    count = int(options[options.index("-mcount") + 1]) if "-mcount" in options else 1
    if "-ccount" in options:
        count = int(options[options.index("-ccount") + 1])
    authenticated = "-na" not in options
    if "-f" not in options:
        assert told.count(f'Received message: "{MESSAGE}"') == count, told
    accepted = told.count("Accepted connection using mechanism OID")
    assert (accepted > 0) == authenticated, told
    if authenticated:
        assert told.count(f"mechanism OID {mechanism}") == accepted, told
        if "-q" not in options:
            assert '"alice@BATON.TEST" to "host/server.baton.test@BATON.TEST"' in said, said
            assert "Signature verified." in said or "-nm" in options, said
        for option, flag in (("-seq", "SEQUENCE"), ("-d", "DELEG")):
            assert (f"context flag: GSS_C_{flag}_FLAG" in told) == (option in options), (flag, told)
        for option, flag in (("-noreplay", "REPLAY"), ("-nomutual", "MUTUAL")):
            assert (f"context flag: GSS_C_{flag}_FLAG" in told) == (option not in options), (flag, told)
    if "-export" in server_options:
        # Three times out and in.
        assert told.count("Exported context:") == told.count("Importing context:") == (3 * accepted), told
    assert "Warning" not in said and "GSS-API error" not in said + told, said + told


def run(s, client, server, options, server_options, mechanism=KRB5, env=None):
    said, told = converse(s, client, server, options, server_options, env=env)
    try:
        check(options, server_options, said, told, mechanism)
    except AssertionError as e:
        raise AssertionError(f"gss-client {' '.join(options)}, gss-server {' '.join(server_options)}:\n{said}\n{told}") from e


def far_from_kdc(s):
    """For a client: an empty cache, and a configuration by which the KDC is where nobody listens."""
    text = (stage.REALM_DIR / "krb5.conf").read_text()
    far, num = re.subn(r"kdc = 127\.0\.0\.1:\d+", "kdc = 127.0.0.1:1", text)
    assert num == 1, text
    conf = s.dir / "far.conf"
    conf.write_text(far)
    cache = s.dir / "far.ccache"
    cache.unlink(missing_ok=True)
    return {"KRB5_CONFIG": str(conf), "KRB5CCNAME": f"FILE:{cache}"}


def play_iakerb(s, client, server):
    # A context of IAKERB's that MIT's library has exported it imports as an empty one.
    server_cases = SERVER_CASES if server == "baton" else SERVER_CASES[:1]
    for server_options in server_cases:
        for options in IAKERB_CASES:
            run(s, client, server, options, [*server_options, "-iakerb"], IAKERB, far_from_kdc(s))
    if server == "baton":
        # With the service's ticket in the cache nothing is left to carry. MIT's acceptor loses such a context.
        run(s, client, server, ["-iakerb"], ["-verbose", "-iakerb"], IAKERB)
    wrong = ["-iakerb", "-user", "alice", "-pass", "looking-glass"]
    said, told = converse(s, client, server, wrong, ["-verbose", "-iakerb"], status=1, env=far_from_kdc(s))
    assert "GSS-API error initializing context" in said and "Accepted connection" not in told, said + told
    # Who accepts Kerberos alone carries nothing.
    said, told = converse(s, client, server, IAKERB_CASES[0], ["-verbose"], status=1, env=far_from_kdc(s))
    assert "Accepted connection" not in told, said + told
    return len(server_cases) * len(IAKERB_CASES)


def play(s, client, server):
    for server_options in SERVER_CASES:
        for options in CASES:
            run(s, client, server, options, server_options)
    num = play_iakerb(s, client, server)
    return f"{len(CASES) * len(SERVER_CASES) + num} combinations of options"


if __name__ == "__main__":
    stage.act("gss-client and gss-server", play)
