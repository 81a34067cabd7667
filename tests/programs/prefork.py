#!/usr/bin/env python3
"""examples/prefork under load: MIT's gss-client, several accounts, and workers that are killed with contexts in their hands.

  prefork.py SERVER UNIT CONNECTIONS    in a realm of "baton realm"

UNIT is the service's unit, which is verified where there is systemd. Each client is served or told: it ends, and with an error if it was not served. Each context is received once, and by no one if it was
taken back: events (BATON_TRACE) tell. The accounts are Debian's own.
"""
import collections
import concurrent.futures
import os
import pathlib
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import stage

FRONT = "uucp"
# Who the clients are, and whose rights they get: one by a rule, the others because their names are accounts' names.
CLIENTS = {"carol": "www-data", "daemon": "daemon", "nobody": "nobody", "proxy": "proxy"}
# Who gets no worker.
STRANGERS = ["root", "nosuchaccount"]
NUM_AT_ONCE = 8
KILL_EVERY_S = 0.05
RULES = "[realms]\n\tBATON.TEST = {\n\t\tauth_to_local_names = {\n\t\t\tcarol = www-data\n\t\t}\n\t}\n"


def kinit(s, name):
    """The principal, and a cache with its tickets."""
    cache = s.dir / f"cache.{name}"
    subprocess.run(["kadmin.local", "-r", "BATON.TEST", "-q", f"addprinc -pw {name}-secret {name}"], timeout=stage.PATIENCE_S, check=True,
                   env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["kinit", "-c", cache, name], input=f"{name}-secret\n".encode(), timeout=stage.PATIENCE_S, check=True, env=s.env,
                   stdout=subprocess.DEVNULL)
    return cache


def call(s, port, cache, text):
    """One client of MIT's. Returns whether it was served, how it ended, and what it said."""
    done = subprocess.run(["gss-client", "-port", str(port), "127.0.0.1", f"host@{stage.HOST}", text], env={**s.env, "KRB5CCNAME": str(cache)},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=stage.PATIENCE_S, check=False)
    said = done.stdout.decode(errors="replace")
    return done.returncode == 0 and "Signature verified." in said, done.returncode, said


def workers_of(server):
    """Process numbers and accounts of the workers."""
    found = {}
    for pid in stage.descendants(server)[1:]:
        try:
            uid = os.stat(f"/proc/{pid}/task").st_uid
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        uid = int(re.search(r"^Uid:\t(\d+)", status, re.M)[1])
        if uid not in (0, pwd.getpwnam(FRONT).pw_uid):
            found[pid] = (pwd.getpwuid(uid).pw_name, status)
    return found


def kill_now_and_then(server, is_over, killed):
    while not is_over.wait(random.uniform(0, 2 * KILL_EVERY_S)):
        pids = list(workers_of(server))
        if pids:
            pid = random.choice(pids)
            try:
                # By a descriptor, so that the number cannot be another process's by now.
                fd = os.pidfd_open(pid)
                if pid in workers_of(server):
                    signal.pidfd_send_signal(fd, signal.SIGKILL)
                    killed.append(pid)
                os.close(fd)
            except ProcessLookupError:
                pass


def load(s, server, port, caches, number, with_kills):
    """That many clients. Returns how many were served, and how many workers were killed."""
    is_over, killed = threading.Event(), []
    killer = threading.Thread(target=kill_now_and_then, args=(server.pid, is_over, killed))
    if with_kills:
        killer.start()
    try:
        with concurrent.futures.ThreadPoolExecutor(NUM_AT_ONCE) as pool:
            results = list(pool.map(lambda n: call(s, port, caches[n % len(caches)], f"message {n}"), range(number)))
    finally:
        is_over.set()
        if with_kills:
            killer.join()
    # Told by what it reads, or by SIGPIPE as it writes; then it says nothing.
    for ok, status, said in results:
        assert ok or status == -signal.SIGPIPE or (status == 1 and said), f"not served, and not told: {status}, {said}"
        assert ok or with_kills, said
    return sum(ok for ok, _, _ in results), len(killed)


def check_rights(server):
    """Everybody has the rights that it should have, and no way to more."""
    accounts = collections.Counter()
    for pid, (account, status) in workers_of(server.pid).items():
        accounts[account] += 1
        entry = pwd.getpwnam(account)
        assert f"Uid:\t{entry.pw_uid}\t{entry.pw_uid}\t{entry.pw_uid}\t{entry.pw_uid}\n" in status, status
        assert f"Gid:\t{entry.pw_gid}\t{entry.pw_gid}\t{entry.pw_gid}\t{entry.pw_gid}\n" in status, status
        assert "NoNewPrivs:\t1" in status and re.search(r"CapEff:\t0+\n", status) and re.search(r"CapPrm:\t0+\n", status), status
        # Standard output and error, the socket, what the library keeps, and one client: no listener, no other worker's socket.
        assert len(os.listdir(f"/proc/{pid}/fd")) <= 8, os.listdir(f"/proc/{pid}/fd")
    assert set(accounts) == set(CLIENTS.values()) and max(accounts.values()) == 1, accounts


def check_events(path, number):
    """Received once, or taken back. Returns how many were received."""
    fate = collections.defaultdict(list)
    for line in path.read_text().splitlines():
        kind = re.search(r"\b(sent|received|taken-back)\b", line)
        claim = re.search(r"\bclaim=(\S+)", line)
        if kind and claim:
            fate[claim[1]].append(kind[1])
    received = sum("received" in each for each in fate.values())
    back = sum("taken-back" in each for each in fate.values())
    assert fate, "no events"
    for claim, kinds in fate.items():
        assert kinds.count("received") + kinds.count("taken-back") <= 1, (claim, kinds)
    assert received <= number, (received, number)
    return received, back


def check_unit(s, unit, server_path):
    """Is it well-formed? With a program that is there."""
    if shutil.which("systemd-analyze") is None:
        return
    for path in unit.parent.glob(unit.stem + ".*"):
        text = re.sub("ExecStart=\\S+", f"ExecStart={server_path}", path.read_text())
        s.file(path.name, re.sub("Documentation=.*", "", text))
    done = subprocess.run(["systemd-analyze", "verify", s.dir / unit.name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          timeout=stage.PATIENCE_S)
    said = [line for line in done.stdout.decode().splitlines() if unit.stem in line]
    assert not said and done.returncode == 0, (done.returncode, said)


def play(s, server_path, unit, number):
    if os.geteuid() != 0:
        raise stage.Skip("only root can become other accounts")
    if shutil.which("gss-client") is None:
        raise stage.Skip("there is no gss-client")
    check_unit(s, pathlib.Path(unit), server_path)
    s.configure(RULES)
    events = s.file("events", "", 0o666)
    caches = [kinit(s, name) for name in CLIENTS]
    keytab = s.lend(s.keytab(f"host/{stage.HOST}"), FRONT)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        port = listener.getsockname()[1]
        env = {"KRB5_KTNAME": f"FILE:{keytab}", "BATON_TRACE": str(events), "KRB5RCACHENAME": "none:"}
        server = s.popen("mit", server_path, FRONT, "1", stdin=listener, env=env)

    quiet, _ = load(s, server, port, caches, number // 5, False)
    check_rights(server)
    for name in STRANGERS:
        assert not call(s, port, kinit(s, name), "let me in")[0], f"{name} is served"
    trouble(port)
    served, killed = load(s, server, port, caches, number - quiet, True)
    load(s, server, port, caches, 2 * len(caches), False)
    assert server.poll() is None, "the server has ended"
    received, back = check_events(events, number + 2 * len(caches))
    total = quiet + served + 2 * len(caches)
    assert received >= total, (received, total)
    told = number - quiet - served
    # A worker serves one at a time; all others are taken back when it dies.
    assert told <= killed, f"{told} clients were not served though only {killed} workers died"
    s.stop(server)
    return f"{number} connections, {killed} workers killed; {told} clients told, {back} contexts taken back from the dead"


def trouble(port):
    """Whoever is no client is let go."""
    for noise in (b"", b"\x11\0\0\0\0", b"\x11\0\0\0\0\x02\xff\xff\xff\xff", b"\x11\0\0\0\0\x02\0\0\0\x05hello", b"\x01\0\0\0\0"):
        with socket.create_connection(("127.0.0.1", port), timeout=stage.PATIENCE_S) as stranger:
            stranger.sendall(noise)
            if len(noise) > 5:
                assert stranger.recv(1) == b"", noise


def main():
    server, unit, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
    del sys.argv[1:]
    stage.act("examples/prefork", lambda s, _client, _server: play(s, server, unit, number), [("mit", "baton")])


if __name__ == "__main__":
    main()
