#!/usr/bin/env python3
"""kadmin and kadmind: GSS-API in RPC, in both of its forms, and an acceptor's keys that come from the KDC's database.

  kadmin.py [CLIENT,SERVER]...    in a realm of "baton realm"
"""
import os
import re
import subprocess

import stage

ADMIN, PASSWORD = "alice/admin", "through the looking-glass"
ACL = """
{admin}@BATON.TEST *
bob@BATON.TEST il
"""
# RPCSEC_GSS (RFC 2203), and AUTH_GSSAPI, which is older.
FLAVOURS = {"RPCSEC_GSS": "-N", "AUTH_GSSAPI": "-O"}


def start(s, server):
    """The realm's own database, with an administration server that this stage ends."""
    s.manage(f"addprinc -pw \"{PASSWORD}\" {ADMIN}")
    acl = s.file("kadm5.acl", ACL.format(admin=ADMIN))

    def command(port):
        profile = (stage.REALM_DIR / "kdc.conf").read_text()
        also = f"BATON.TEST = {{\n\t\tkadmind_listen = 127.0.0.1:{port}\n\t\tkpasswd_listen = 127.0.0.1:0\n\t\tacl_file = {acl}\n"
        s.file("kdc.conf", profile.replace("BATON.TEST = {\n", also, 1))
        s.configure(f"[realms]\n\tBATON.TEST = {{\n\t\tadmin_server = 127.0.0.1:{port}\n\t}}\n")
        return ["/usr/sbin/kadmind", "-nofork"]

    return s.serve(server, command, env={"KRB5_KDC_PROFILE": str(s.dir / "kdc.conf"), "KRB5CCNAME": "MEMORY:none"})


def kadmin(s, client, flavour, request, *identity, status=0):
    return s.run(client, "kadmin", FLAVOURS[flavour], *(identity or ("-p", ADMIN, "-w", PASSWORD)), "-q", request, status=status)


def play(s, client, server):
    if not os.access("/usr/sbin/kadmind", os.X_OK):
        raise stage.Skip("there is no kadmind here")
    daemon, _ = start(s, server)
    for flavour in FLAVOURS:
        administer(s, client, flavour)
        refuse(s, client, flavour)
        stage.check_library(daemon.pid, server, "kadmind")
    return " and ".join(FLAVOURS)


def administer(s, client, flavour):
    name, keytab = f"new-{flavour.lower()}", s.dir / f"{flavour}.keytab"
    said = kadmin(s, client, flavour, f"addprinc -randkey -maxlife 3h {name}")
    assert f'Principal "{name}@BATON.TEST" created.' in said, said
    # Keys come through the wire, so they are under a confidentiality layer; they work.
    said = kadmin(s, client, flavour, f"ktadd -k {keytab} {name}")
    assert "added to keytab" in said and keytab.exists(), said
    subprocess.run(["kinit", "-k", "-t", keytab, "-c", s.dir / "ccache", name], env=s.env, timeout=stage.PATIENCE_S, check=True)
    said = kadmin(s, client, flavour, f"getprinc {name}")
    assert f"Principal: {name}@BATON.TEST" in said and "Maximum ticket life: 0 days 03:00:00" in said, said
    assert re.search(rf"Last modified: .*\({ADMIN}@BATON.TEST\)", said), said
    said = kadmin(s, client, flavour, "listprincs")
    assert {"alice@BATON.TEST", "bob@BATON.TEST", f"{name}@BATON.TEST"} <= set(said.split("\n")), said
    said = kadmin(s, client, flavour, f"delprinc -force {name}")
    assert "deleted" in said, said
    said = kadmin(s, client, flavour, f"getprinc {name}", status=None)
    assert "Principal does not exist" in said, said


def refuse(s, client, flavour):
    bob = ("-p", "bob", "-k", "-t", stage.REALM_DIR / "bob.keytab")
    said = kadmin(s, client, flavour, "getprinc alice", *bob)
    assert "Principal: alice@BATON.TEST" in said, said
    said = kadmin(s, client, flavour, "delprinc -force alice", *bob, status=None)
    assert "Operation requires ``delete'' privilege" in said, said
    said = kadmin(s, client, flavour, "listprincs", "-p", ADMIN, "-w", "jabberwocky", status=1)
    assert "Incorrect password" in said, said


if __name__ == "__main__":
    stage.act("kadmin and kadmind", play)
