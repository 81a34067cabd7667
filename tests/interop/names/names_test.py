#!/usr/bin/env python3
"""What MIT's library and ours say about names is the same.

  names_test.py TWIN_MIT TWIN_BATON    in a realm of "baton realm"

The twins are one program (twin.c), compiled with each library. Both use the same tickets, so that even the bytes of PACs and
exported names have to be equal. The tickets carry an authentication indicator.
"""
import os
import pathlib
import re
import socket
import subprocess
import sys
import time

PATIENCE_S = 30
REALM = pathlib.Path(os.environ["BATON_REALM_DIR"])
RULES = r"""
		auth_to_local = RULE:[1:$1](^alice$)s/.*/root/
		auth_to_local = RULE:[1:$1](^carol$)s/.*/nobody-here/
"""
# Where ours knows better, by what MIT's says. It documents GSS_S_UNAUTHORIZED, and then means to ask attributes too; and it
# has the names of a negotiated context be SPNEGO's, which has none, with minor statuses that say nothing.
BETTER = [
    (re.compile(r"^(\w+ may use): 00100000 2 (.*)"), r"\1: 000f0000 13 \2"),
    (re.compile(r"^(inquire: 00000000 0 MN 1) mech 0"), r"\1 mech 1"),
    (re.compile(r"\b00100000 0(?= authenticated 0|, delete|, other|$)"), "00100000 2"),
]


def change(name, pattern, new):
    """Write a copy of a configuration file with one change, and return its path."""
    text = (REALM / name).read_text(encoding="utf-8")
    changed = re.sub(pattern, lambda _: new, text, count=1)
    assert changed != text, f"{name} has no {pattern}"
    path = REALM / f"changed-{name}"
    path.write_text(changed, encoding="utf-8")
    return str(path)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def has_tickets(env):
    return subprocess.run(["kinit", "-k", "-t", str(REALM / "alice.keytab"), "alice"], env=env, check=False,
                          stderr=subprocess.DEVNULL).returncode == 0


def get_tickets():
    """Alice's, from a second KDC that says how strong her pre-authentication (SPAKE) was. Somebody may take a free port before it does."""
    for _ in range(5):
        if get_tickets_at(free_port()):
            return
    raise SystemExit("the second KDC gives no tickets")


def get_tickets_at(port):
    ours = re.search(r"127\.0\.0\.1:(\d+)", (REALM / "krb5.conf").read_text(encoding="utf-8"))[1]
    client = change("krb5.conf", rf"kdc = 127\.0\.0\.1:{ours}", f"kdc = 127.0.0.1:{port}")
    with open(client, "a", encoding="utf-8") as more:
        more.write("\n[libdefaults]\n\tspake_preauth_groups = edwards25519\n")
    server = change("kdc.conf", r"BATON\.TEST = \{", "BATON.TEST = {\n\t\tspake_preauth_indicator = strong")
    text = pathlib.Path(server).read_text(encoding="utf-8")
    pathlib.Path(server).write_text(text.replace(f":{ours}", f":{port}"), encoding="utf-8")
    env = dict(os.environ, KRB5_CONFIG=client, KRB5_KDC_PROFILE=server)
    kdc = subprocess.Popen(["krb5kdc", "-n", "-r", "BATON.TEST"], env=env)
    try:
        end = time.monotonic() + PATIENCE_S
        while not has_tickets(env):
            if kdc.poll() is not None or time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True
    finally:
        kdc.terminate()
        kdc.wait()


def lines_of(twin, *args):
    env = dict(os.environ, KRB5_CONFIG=str(REALM / "changed-krb5.conf"))
    return subprocess.run([twin, *args], env=env, check=True, capture_output=True, text=True).stdout.splitlines()


def compare(mits, ours):
    assert len(mits) == len(ours), f"{len(ours)} lines, not {len(mits)}"
    for mit, own in zip(mits, ours):
        for pattern, better in BETTER:
            mit = pattern.sub(better, mit)
        assert own == mit, f"MIT's library says:\n  {mit}\nours:\n  {own}"


def save_composite(lines, name):
    """The exported name of the context's source."""
    text = next(line for line in lines[lines.index("source:"):] if line.startswith("composite: 00000000 0 "))
    path = REALM / name
    path.write_bytes(bytes.fromhex(text.split()[-1]))
    return str(path)


def main(twins):
    get_tickets()
    # The rules are in the file that is left of the second KDC's; its KDC is the first one again.
    change("krb5.conf", r"BATON\.TEST = \{\n", "BATON.TEST = {" + RULES)
    mits, ours = (lines_of(twin) for twin in twins)
    compare(mits, ours)
    said = "\n".join(ours)
    for fact in ("auth-indicators: 00000000 0 authenticated 1 complete 1 more 0 " + b"strong".hex(),
                 "urn:mspac:client-info: 00000000 0 authenticated 1", "alice's account: 00000000 0 root"):
        assert fact in said, f"{fact} is not among\n{said}"

    # Each reads the other's exported names. MIT's library believes them; for ours nobody vouches.
    tokens = [save_composite(mits, "from-mit"), save_composite(ours, "from-baton")]
    both = [lines_of(twin, *tokens)[len(mits):] for twin in twins]
    for lines in both:
        half = len(lines) // 2
        assert half > 3 and lines[:half] == lines[half:], lines
    assert any("authenticated 1" in line for line in both[0])
    assert [line.replace("authenticated 1", "authenticated 0") for line in both[0]] == both[1], both


if __name__ == "__main__":
    main(sys.argv[1:])
