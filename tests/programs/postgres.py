#!/usr/bin/env python3
"""PostgreSQL 15: psql and server with GSS authentication and encryption, megabytes in both directions.

  postgres.py [CLIENT,SERVER]...    in a realm of "baton realm"
"""
import glob
import os
import subprocess

import stage

BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
MEGABYTES = 8

HBA = """
local all all trust
hostgssenc all all 127.0.0.1/32 gss include_realm=0
hostnogssenc all all 127.0.0.1/32 reject
"""

# A row tells what the server knows of the connection: is it authenticated, is it encrypted, and who is it?
STATE = "SELECT pid, gss_authenticated, encrypted, principal FROM pg_stat_gssapi WHERE pid = pg_backend_pid()"


def play(s, client, server):
    user = "postgres"
    data = s.dir / "data"
    data.mkdir()
    s.give(data, user)
    s.configure("")
    keytab = s.lend(s.keytab(f"postgres/{stage.HOST}"), user)
    options = {"user": user, "cwd": data, "env": {"KRB5_KTNAME": str(keytab), "KRB5RCACHEDIR": str(data), "KRB5CCNAME": "MEMORY:none"}}
    made = s.popen("mit", f"{BIN}/initdb", "-D", data, "-A", "trust", "-N", "--no-instructions", "-U", "postgres", **options)
    assert made.wait(stage.PATIENCE_S) == 0, "initdb failed"
    s.give(s.file("data/pg_hba.conf", HBA), user)
    s.give(s.file("data/postgresql.auto.conf", ""), user)
    daemon, port = s.serve(server, lambda port: [
        f"{BIN}/postgres", "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={data}",
        "-c", f"krb_server_keyfile={keytab}", "-c", "fsync=off"], **options)
    stage.wait_until(lambda: (data / "postmaster.pid").exists() and "ready" in (data / "postmaster.pid").read_text(), "PostgreSQL starts", 20)
    administer(s, data, port)

    where = f"host={stage.HOST} hostaddr=127.0.0.1 port={port} dbname=postgres user=alice sslmode=disable"
    move(s, client, server, daemon, f"{where} gssencmode=require")
    refuse(s, client, where)
    return f"{2 * MEGABYTES} MB under hostgssenc"


def administer(s, data, port):
    subprocess.run([f"{BIN}/psql", "-h", data, "-p", str(port), "-U", "postgres", "-qc", "CREATE ROLE alice LOGIN; GRANT ALL ON SCHEMA public TO alice", "postgres"],
                   env=s.env, check=True, timeout=stage.PATIENCE_S)


def move(s, client, server, daemon, where):
    """Megabytes there and back, while the processes are looked at."""
    text = os.urandom(MEGABYTES * 500000).hex()
    psql = s.popen(client, f"{BIN}/psql", "-AtqX", "-v", "ON_ERROR_STOP=1", where, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    psql.stdin.write(f"{STATE};\n".encode())
    psql.stdin.flush()
    state = psql.stdout.readline().decode().strip()
    pid, _, rest = state.partition("|")
    assert rest == "t|t|alice@BATON.TEST", f"{state} {psql.stdout.read() if not rest else ''}"
    stage.check_library(psql.pid, client, "psql")
    assert int(pid) in stage.descendants(daemon.pid)
    stage.check_library(int(pid), server, "the backend")

    lines = "\n".join(text[at:at + 100000] for at in range(0, len(text), 100000))
    script = f"CREATE TABLE t (n serial, line text);\nCOPY t (line) FROM STDIN;\n{lines}\n\\.\nCOPY (SELECT line FROM t ORDER BY n) TO STDOUT;\nDROP TABLE t;\n"
    out, _ = psql.communicate(script.encode(), timeout=stage.PATIENCE_S)
    assert psql.returncode == 0, out[-2000:]
    assert out.decode() == lines + "\n", "the rows differ"


def refuse(s, client, where):
    """Not without encryption; and bob is not alice."""
    said = s.run(client, f"{BIN}/psql", "-c", STATE, f"{where} gssencmode=disable", status=2)
    assert "no encryption" in said, said
    said = s.run(client, f"{BIN}/psql", "-c", STATE, f"{where} gssencmode=require", status=2, env={"KRB5CCNAME": f"FILE:{stage.REALM_DIR}/bob.ccache"})
    assert 'GSSAPI authentication failed for user "alice"' in said, said


if __name__ == "__main__":
    stage.act("PostgreSQL", play)
