#!/usr/bin/env python3
"""remctl and remctld: commands and their output under GSS-API's confidentiality, a child of the server for each client.

  remctl.py [CLIENT,SERVER]...    in a realm of "baton realm"
"""
import os
import subprocess

import stage

CONF = """
say ALL /bin/echo princ:alice@BATON.TEST princ:bob@BATON.TEST
who ALL /usr/bin/printenv princ:alice@BATON.TEST princ:bob@BATON.TEST
pour ALL {dir}/pour princ:alice@BATON.TEST
count ALL {dir}/count stdin=last princ:alice@BATON.TEST
fail ALL {dir}/fail princ:alice@BATON.TEST
"""
KILOBYTES = 3000
# As long as an argument of a program may be; remctl cuts commands of this length into several messages.
LONG = 120 * 1024

SCRIPTS = {
    "pour": f"head -c {KILOBYTES * 1024} /dev/zero | tr '\\0' x",
    "count": "wc -c",
    "fail": "echo no >&2; exit 42",
}


def play(s, client, server):
    for path in ("/usr/sbin/remctld", "/usr/bin/remctl"):
        if not os.access(path, os.X_OK):
            raise stage.Skip(f"there is no {path} here")
    for name, text in SCRIPTS.items():
        s.file(name, f"#!/bin/sh\n{text}\n", 0o755)
    config = s.file("remctl.conf", CONF.format(dir=s.dir))
    keytab = s.keytab(f"host/{stage.HOST}")
    daemon, port = s.serve(server, lambda port: ["/usr/sbin/remctld", "-m", "-F", "-S", "-b", "127.0.0.1", "-p", port, "-f", config, "-k", keytab],
                           env={"KRB5CCNAME": "MEMORY:none"})

    def begin(*words, env=None):
        return s.watch(client, "remctl", "-p", port, "-s", f"host/{stage.HOST}@BATON.TEST", "127.0.0.1", *words, env=env,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def remctl(*words, status=0, env=None):
        return s.finish(begin(*words, env=env), client, status)

    assert remctl("say", "hello", "there") == "hello there\n"
    assert remctl("say", "x", "y" * LONG) == "x " + "y" * LONG + "\n"
    assert remctl("who", "REMOTE_USER") == "alice@BATON.TEST\n"
    assert remctl("pour", "it") == "x" * (KILOBYTES * 1024)
    assert remctl("count", "it", "z" * LONG).split() == [str(LONG)]
    assert remctl("fail", "it", status=42) == "no\n"
    refuse(s, remctl)
    for i, process in enumerate([begin("say", str(i)) for i in range(12)]):
        assert s.finish(process, client) == f"{i}\n"
    stage.check_family(daemon.pid, server, "remctld")
    return f"{KILOBYTES} kB in one answer, {LONG // 1024} kB in one command, 12 clients at once"


def refuse(s, remctl):
    bob = {"KRB5CCNAME": f"FILE:{stage.REALM_DIR}/bob.ccache"}
    assert remctl("who", "REMOTE_USER", env=bob) == "bob@BATON.TEST\n"
    assert "Access denied" in remctl("pour", "it", env=bob, status=255)
    nobody = {"KRB5CCNAME": f"FILE:{s.dir}/none", "KRB5_CLIENT_KTNAME": f"FILE:{s.dir}/none"}
    said = remctl("say", "hello", env=nobody, status=1)
    assert "hello" not in said, said


if __name__ == "__main__":
    stage.act("remctl and remctld", play)
