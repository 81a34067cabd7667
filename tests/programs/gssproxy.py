#!/usr/bin/env python3
"""gssproxy: a daemon holds the keys and tickets, and programs whose own library has an interposer use them without ever having them.

  gssproxy.py [CLIENT,SERVER]...    in a realm of "baton realm"

Both programs are Python's gssapi, in processes that can read neither ticket nor key. The daemon runs on MIT's library, and hands over
contexts that its clients' libraries import.
"""
import os
import pathlib
import socket

import python_gssapi
import stage

# It imports that by itself only when it is the program.
python_gssapi.stage = stage

KERBEROS, SPNEGO = (1, 2, 840, 113554, 1, 2, 2), (1, 3, 6, 1, 5, 5, 2)
INTERPOSER = "2.16.840.1.113730.3.8.15.1"
INTERPOSER_DER, KERBEROS_DER = bytes.fromhex("6086480186f84203080f01"), bytes.fromhex("2a864886f712010202")
PREFIX = len(KERBEROS_DER).to_bytes(4, "big")


def interposer_library():
    for path in pathlib.Path("/usr/lib").glob("*/gssproxy/proxymech.so"):
        return path
    raise stage.Skip("gssproxy is not installed")


def listens(path):
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def start_daemon(s):
    """The one process with a keytab and a ticket."""
    path = s.dir / "socket"
    conf = s.file("gssproxy.conf", f"""[gssproxy]
[service/play]
mechs = krb5
socket = {path}
cred_store = keytab:{stage.REALM_DIR}/server.keytab
cred_store = ccache:FILE:{stage.REALM_DIR}/alice.ccache
cred_usage = both
euid = {os.geteuid()}
""")
    process = s.popen("mit", "/usr/sbin/gssproxy", "-i", "-c", conf, "-s", s.dir / "default.socket", 
                      env={"GSS_USE_PROXY": "no", "GSS_MECH_CONFIG": str(s.file("none.conf", ""))})
    for each in (path, s.dir / "default.socket"):
        stage.wait_until(lambda: listens(each) or process.poll() is not None, "gssproxy listens")
    assert process.poll() is None, "gssproxy does not start"
    stage.check_library(process.pid, "mit", "gssproxy")
    return path


class Peer(python_gssapi.Peer):
    """A side that has nothing of its own, unless it is to try that first."""

    def __init__(self, s, lib, path, behaviour="REMOTE_FIRST"):
        # The cache gets what the daemon can make a credential of again, encrypted by the daemon for itself.
        nothing = f"FILE:{s.dir}/nothing.{len(s.running)}"
        self.hidden, s.env = s.env, {**s.env, "GSS_USE_PROXY": "yes", "GSSPROXY_SOCKET": str(path),
                                     "GSSPROXY_BEHAVIOR": behaviour, "GSS_MECH_CONFIG": str(s.dir / "mech.conf")}
        if behaviour == "REMOTE_FIRST":
            s.env.update({"KRB5CCNAME": nothing, "KRB5_KTNAME": nothing, "KRB5_CLIENT_KTNAME": nothing})
        try:
            super().__init__(s, lib)
        finally:
            s.env = self.hidden


def move(s, a, b, client, server):
    """What is on Baton goes on in processes that know of no daemon; and without one, as tokens of Baton are good for once."""
    for each, lib in ((a, client), (b, server)):
        if lib != "baton":
            continue
        token = each.ask("exported")
        other, third = python_gssapi.Peer(s, lib), python_gssapi.Peer(s, lib)
        other.ask("imported", token)
        assert is_refused(third, token)
        a, b = (other, b) if each is a else (a, other)
    python_gssapi.talk(a, b)


def move_between_legs(s, client, server, path, mech, behaviour):
    """An initiator is handed on while it waits for the answer, to a process that knows of the daemon and to one that does not."""
    flags = ["mutual_authentication"]
    for knows in (True, False):
        a, b = Peer(s, client, path, behaviour), Peer(s, server, path, behaviour)
        a.ask("start", "initiate", flags, mech)
        b.ask("start", "accept", [], None)
        token, done = a.ask("step", None)
        assert not done
        other = Peer(s, client, path, behaviour) if knows else python_gssapi.Peer(s, client)
        other.ask("imported_between_legs", a.ask("exported"), flags, mech)
        token, done = b.ask("step", token)
        assert done
        assert other.ask("step", token)[1]
        python_gssapi.check_facts(other, b, flags)
        python_gssapi.talk(other, b)


def is_refused(peer, token):
    try:
        peer.ask("imported", token)
    except AssertionError:
        return True
    return False


def steal(s, lib, path):
    """A token of MIT's library, dressed up as the interposer would: from the program itself it is not taken."""
    a, b = python_gssapi.Peer(s, "mit"), python_gssapi.Peer(s, "mit")
    python_gssapi.establish(a, b, ["mutual_authentication"], KERBEROS)
    token = b.ask("exported")
    assert token.startswith(PREFIX + KERBEROS_DER)
    assert is_refused(Peer(s, lib, path), token)
    dressed = len(INTERPOSER_DER + KERBEROS_DER).to_bytes(4, "big") + INTERPOSER_DER + token[4:]
    assert is_refused(Peer(s, lib, path), dressed)


def play(s, client, server):
    s.file("mech.conf", f"gssproxy_v1 {INTERPOSER} {interposer_library()} <interposer>\n")
    path = start_daemon(s)
    sorts = [(mech, ["mutual_authentication", "out_of_sequence_detection"], "REMOTE_FIRST") for mech in (KERBEROS, SPNEGO)]
    # With tickets and keys at hand it is the interposer's way to the mechanism behind it that is used.
    sorts += [(KERBEROS, [], "REMOTE_FIRST"), (KERBEROS, ["delegate_to_peer"], "LOCAL_FIRST"), (SPNEGO, [], "LOCAL_ONLY")]
    for mech, flags, behaviour in sorts:
        a, b = Peer(s, client, path, behaviour), Peer(s, server, path, behaviour)
        python_gssapi.establish(a, b, flags, mech)
        python_gssapi.check_facts(a, b, flags)
        python_gssapi.talk(a, b)
        move(s, a, b, client, server)
    for mech, behaviour in ((KERBEROS, "REMOTE_FIRST"), (SPNEGO, "REMOTE_FIRST"), (SPNEGO, "LOCAL_ONLY")):
        if client == "baton":
            move_between_legs(s, client, server, path, mech, behaviour)
    for lib in {client, server} & {"baton"}:
        steal(s, lib, path)
        # gssproxy shows a name as it came; exported, it is what it is without.
        assert Peer(s, lib, path).ask("names") == ("alice", True, "host@x.baton.test")
    return "initiates, accepts, messages, IOV, hand-over"


if __name__ == "__main__":
    stage.act("gssproxy", play)
