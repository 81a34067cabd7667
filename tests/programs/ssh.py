#!/usr/bin/env python3
"""OpenSSH: GSSAPI user authentication and key exchange, with credentials delegated to the session.

  ssh.py [CLIENT,SERVER]...    in a realm of "baton realm"
"""
import getpass
import os
import subprocess

import stage

SSHD_CONFIG = """
ListenAddress 127.0.0.1
HostKey {dir}/host_key
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
PubkeyAuthentication no
KbdInteractiveAuthentication no
GSSAPIAuthentication yes
GSSAPIKeyExchange yes
GSSAPICleanupCredentials yes
GSSAPIStrictAcceptorCheck no
LogLevel DEBUG1
"""

# What the session says: where its credentials are, whose, that they get a ticket, and then whatever it is told.
SESSION = "export KRB5_CONFIG=%s; printenv KRB5CCNAME; klist; kvno -q host/localhost && echo spent; exec cat"


def play(s, client, server):
    user = getpass.getuser()
    s.file(f"k5login/{user}", "alice@BATON.TEST\n")
    s.configure(f"[libdefaults]\n\tk5login_directory = {s.dir}/k5login\n")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", s.dir / "host_key"], check=True)
    config = s.file("sshd_config", SSHD_CONFIG.format(dir=s.dir))
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    daemon, port = s.serve(server, lambda port: ["/usr/sbin/sshd", "-D", "-e", "-f", config, "-p", port])
    stage.check_library(daemon.pid, server, "sshd")

    key = (s.dir / "host_key.pub").read_text()
    known = s.file("known_hosts", f"[localhost]:{port} {key}")
    for method, options in (("gssapi-with-mic", ["-oGSSAPIKeyExchange=no"]),
                            ("gssapi-keyex", ["-oGSSAPIKeyExchange=yes", "-oUserKnownHostsFile=/dev/null"])):
        with_ssh(s, client, server, daemon, known, port, user, method, options)
    refuse(s, client, known, port, user)
    return "gssapi-with-mic, gssapi-keyex, delegation"


def with_ssh(s, client, server, daemon, known, port, user, method, options):
    log = s.dir / f"ssh.{method}.log"
    shell = s.popen(client, "ssh", "-v", "-E", log, "-F", "none", *options, f"-oUserKnownHostsFile={known}", "-oStrictHostKeyChecking=yes",
                    "-oGSSAPIAuthentication=yes", "-oGSSAPIDelegateCredentials=yes", f"-oPreferredAuthentications={method}",
                    "-p", port, f"{user}@localhost", SESSION % s.env["KRB5_CONFIG"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    text = b"x" * 1000000 + b"\n"
    shell.stdin.write(b"ready\n")
    shell.stdin.flush()
    said = b""
    while not said.endswith(b"ready\n"):
        line = shell.stdout.readline()
        assert line, f"ssh ended: {said}\n{log.read_text()}"
        said += line
    stage.check_library(shell.pid, client, "ssh")
    assert stage.check_family(daemon.pid, server, "sshd") >= 2, "the session is not on the server's library"
    out, _ = shell.communicate(text, timeout=stage.PATIENCE_S)
    assert out == text, "the session's bytes differ"
    assert shell.returncode == 0

    said = said.decode()
    assert "Default principal: alice@BATON.TEST" in said and "\nspent\n" in said, f"nothing was delegated: {said}"
    cache = said.splitlines()[0]
    assert cache.startswith("FILE:"), cache
    stage.wait_until(lambda: not os.path.exists(cache[5:]), "sshd cleans up what was delegated")
    told = log.read_text()
    assert f'Authenticated to localhost ([127.0.0.1]:{port}) using "{method}"' in told, told


def refuse(s, client, known, port, user):
    """bob is somebody, but not this user."""
    said = s.run(client, "ssh", "-F", "none", f"-oUserKnownHostsFile={known}", "-oGSSAPIAuthentication=yes", "-oBatchMode=yes",
                 "-p", port, f"{user}@localhost", "true", status=255, env={"KRB5CCNAME": f"FILE:{stage.REALM_DIR}/bob.ccache"})
    assert "Permission denied" in said, said


if __name__ == "__main__":
    stage.act("OpenSSH", play)
