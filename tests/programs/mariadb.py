#!/usr/bin/env python3
"""MariaDB's gssapi plug-ins, of the server and of its client.

  mariadb.py [CLIENT,SERVER]...    in a realm of "baton realm"
"""
import os
import pathlib
import subprocess

import stage

SERVICE = f"mariadb/{stage.HOST}"
SERVER_PLUGIN = "/usr/lib/mysql/plugin/auth_gssapi.so"
CLIENT_PLUGINS = pathlib.Path("/usr/lib/x86_64-linux-gnu/libmariadb3/plugin")

# Who has no other name is found by the first part of the Kerberos one.
USERS = """CREATE USER alice IDENTIFIED VIA gssapi;
CREATE USER worker IDENTIFIED VIA gssapi USING 'bob@BATON.TEST';
"""


def start(s, server):
    keytab = s.lend(s.keytab(SERVICE), "mysql")
    for name in ("data", "rcache"):
        (s.dir / name).mkdir()
        s.give(s.dir / name, "mysql")
    s.configure("")
    common = ["--no-defaults", f"--datadir={s.dir}/data", f"--tmpdir={s.dir}/data", "--innodb-buffer-pool-size=8M",
              "--innodb-log-file-size=4M", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"]
    account = ["--user=mysql"] if os.geteuid() == 0 else []
    installed = subprocess.run(["mariadb-install-db", *common, "--skip-test-db", "--skip-name-resolve", *account], env=s.env, cwd=s.dir,
                               timeout=stage.PATIENCE_S, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert installed.returncode == 0, installed.stdout.decode(errors="replace")
    users = s.file("users.sql", USERS)

    def command(port):
        return ["/usr/sbin/mariadbd", *common, f"--port={port}", "--bind-address=127.0.0.1", f"--socket={s.dir}/data/socket",
                "--skip-name-resolve", f"--pid-file={s.dir}/data/pid", f"--init-file={users}", "--plugin-load-add=auth_gssapi.so",
                f"--gssapi-keytab-path={keytab}", f"--gssapi-principal-name={SERVICE}@BATON.TEST"]

    return s.serve(server, command, user="mysql", env={"KRB5RCACHEDIR": str(s.dir / "rcache"), "KRB5CCNAME": "MEMORY:none"})


def query(s, client, port, user, question, status=0, env=None):
    return s.run(client, "mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", str(port), "-u", user, f"--plugin-dir={CLIENT_PLUGINS}", "-N",
                 "-B", "-e", question, status=status, env=env)


def play(s, client, server):
    for path in ("/usr/sbin/mariadbd", "/usr/bin/mariadb", "/usr/bin/mariadb-install-db", SERVER_PLUGIN,
                 CLIENT_PLUGINS / "auth_gssapi_client.so"):
        if not os.path.exists(path):
            raise stage.Skip(f"there is no {path} here")
    daemon, port = start(s, server)
    who = "SELECT CURRENT_USER(), REPEAT('x', 100000)"
    bob = {"KRB5CCNAME": f"FILE:{stage.REALM_DIR}/bob.ccache"}
    for _ in range(5):
        assert query(s, client, port, "alice", who) == "alice@%\t" + "x" * 100000 + "\n"
        assert query(s, client, port, "worker", "SELECT CURRENT_USER()", env=bob) == "worker@%\n"
    # Neither is the other, and nobody is either.
    nobody = {"KRB5CCNAME": f"FILE:{s.dir}/none", "KRB5_CLIENT_KTNAME": f"FILE:{s.dir}/none"}
    for user, env in (("worker", None), ("alice", bob), ("alice", nobody)):
        said = query(s, client, port, user, who, status=1, env=env)
        assert "ERROR" in said and "@%" not in said, said
    stage.check_library(daemon.pid, server, "mariadbd")


if __name__ == "__main__":
    stage.act("MariaDB", play)
