#!/usr/bin/env python3
"""The README's server, with clients on both libraries.

  example_test.py SERVER CLIENT...    in a realm of "baton realm"

Starts SERVER on a free port, lets clients talk to it one by one and many at once, troubles it with what is no client, and
ends it: nothing of it may stay.
"""
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

PATIENCE_S = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def start(server):
    """The server and its port. Somebody may take a free port before it does: then another."""
    for _ in range(5):
        port = free_port()
        process = subprocess.Popen([server, str(port)], start_new_session=True)
        end = time.monotonic() + PATIENCE_S
        while process.poll() is None and time.monotonic() < end:
            try:
                connect(port).close()
                return process, port
            except OSError:
                time.sleep(0.02)
        stop(process)
    raise SystemExit("the server does not listen")


def is_alive(group):
    """Is a process of that group? Zombies are dead: whoever inherits them may be slow to reap, or never do it."""
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:3]
        except OSError:  # gone meanwhile
            continue
        if int(its_group) == group and state not in "ZX":
            return True
    return False


def stop(process):
    """Is nothing left of it after its front was ended?"""
    process.terminate()
    process.wait()
    end = time.monotonic() + 10
    while is_alive(process.pid) and time.monotonic() < end:
        time.sleep(0.02)
    if not is_alive(process.pid):
        return True
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    return False


def run_clients(clients, port, messages):
    running = [(client, subprocess.Popen([client, str(port), str(messages)])) for client in clients]
    status = {os.path.basename(client): process.wait(timeout=PATIENCE_S) for client, process in running}
    if any(status.values()):
        raise SystemExit(f"clients ended with {status}")


def main(server, *clients):
    process, port = start(server)
    try:
        for client in clients:
            run_clients([client], port, 40)
        # More than there are workers: some wait for one.
        run_clients(clients * 4, port, 20)
        for noise in (b"", b"\0\0\0\5hello", b"\xff\xff\xff\xff", b"\0\0\1\0short"):
            with connect(port) as stranger:
                stranger.sendall(noise)
        with connect(port) as stranger:
            stranger.sendall(b"\0\0\0\5hello")
            if stranger.recv(1) != b"":
                raise SystemExit("the server answers to what is no token")
        # As many as there are workers, and more.
        for _ in range(4):
            run_clients(clients, port, "leave")
            run_clients(clients, port, "leave-later")
        run_clients(clients * 4, port, 20)
    finally:
        is_clean = stop(process)
    return 0 if is_clean else "workers outlive the front"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
